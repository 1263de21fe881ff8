#include "sim/trace_shiviz.h"

#include <stdlib.h>
#include <string.h>

#include "io_sim/net.h"
#include "sim/history.h"

enum moment_kind {
    MOMENT_SEND = 1,
    MOMENT_ARRIVAL = 2,
    MOMENT_BEGIN = 3,
    MOMENT_END = 4,
    MOMENT_MARK = 5,
};

struct moment {
    uint32_t order;
    enum moment_kind kind;
    uint32_t index;
};

struct clock {
    uint32_t ticks[GKV_NET_NODE_COUNT_MAX];
};

struct shiviz {
    const struct gkv_journal *journal;
    FILE *file;
    struct moment *moments;
    uint32_t moment_count;
    struct clock *sent;   /* the clock that a message was sent with, by its index */
    struct clock *clocks; /* of every node */
};

static int compare_moments(const void *left, const void *right)
{
    const struct moment *a = left;
    const struct moment *b = right;
    if (a->order != b->order) {
        return a->order < b->order ? -1 : 1;
    }
    return a->index < b->index ? -1 : a->index > b->index;
}

static void add(struct shiviz *shiviz, uint32_t order, enum moment_kind kind, uint32_t index)
{
    shiviz->moments[shiviz->moment_count++] =
        (struct moment){.order = order, .kind = kind, .index = index};
}

static void gather(struct shiviz *shiviz)
{
    const struct gkv_journal *journal = shiviz->journal;
    for (uint32_t i = 0; i < gkv_journal_message_count(journal); i++) {
        const struct gkv_journal_message *message = gkv_journal_message(journal, i);
        if (message->is_copy) {
            continue; /* a log in which one message arrives twice is refused */
        }
        add(shiviz, message->send_order, MOMENT_SEND, i);
        if (message->arrival_order != 0) {
            add(shiviz, message->arrival_order, MOMENT_ARRIVAL, i);
        }
    }
    for (uint32_t i = 0; i < gkv_journal_operation_count(journal); i++) {
        const struct gkv_journal_operation *operation = gkv_journal_operation(journal, i);
        add(shiviz, operation->begin_order, MOMENT_BEGIN, i);
        if (operation->end_order != 0) {
            add(shiviz, operation->end_order, MOMENT_END, i);
        }
    }
    for (uint32_t i = 0; i < gkv_journal_mark_count(journal); i++) {
        const struct gkv_journal_mark *mark = gkv_journal_mark(journal, i);
        if (mark->node != GKV_HISTORY_NONE) {
            add(shiviz, mark->order, MOMENT_MARK, i);
        }
    }
    qsort(shiviz->moments, shiviz->moment_count, sizeof(struct moment), compare_moments);
}

/* One event of a node: its clock ticks, and the line begins. */
static void tick(struct shiviz *shiviz, uint32_t node)
{
    struct clock *clock = &shiviz->clocks[node];
    const char *comma = "";
    clock->ticks[node]++;
    (void)fprintf(shiviz->file, "%s {", gkv_host_text(node).text);
    for (uint32_t i = 0; i < GKV_NET_NODE_COUNT_MAX; i++) {
        if (clock->ticks[i] > 0) {
            (void)fprintf(shiviz->file, "%s\"%s\":%u", comma, gkv_host_text(i).text,
                          (unsigned)clock->ticks[i]);
            comma = ", ";
        }
    }
    (void)fputs("} ", shiviz->file);
}

static void write_message(struct shiviz *shiviz, const struct moment *moment)
{
    const struct gkv_journal_message *message = gkv_journal_message(shiviz->journal, moment->index);
    const bool is_send = moment->kind == MOMENT_SEND;
    if (is_send) {
        tick(shiviz, message->from);
        shiviz->sent[moment->index] = shiviz->clocks[message->from];
    } else {
        struct clock *clock = &shiviz->clocks[message->to];
        for (uint32_t i = 0; i < GKV_NET_NODE_COUNT_MAX; i++) {
            const uint32_t theirs = shiviz->sent[moment->index].ticks[i];
            clock->ticks[i] = clock->ticks[i] > theirs ? clock->ticks[i] : theirs;
        }
        tick(shiviz, message->to);
    }
    (void)fprintf(shiviz->file, "%s %s %s %s", is_send ? "send" : "receive",
                  gkv_message_kind_name(message->kind), is_send ? "to" : "from",
                  gkv_host_text(is_send ? message->to : message->from).text);
    if (message->key != GKV_HISTORY_NONE) {
        (void)fprintf(shiviz->file, " k%u", (unsigned)message->key);
    }
    (void)fprintf(shiviz->file, "%s%s\n", message->text[0] != '\0' ? ": " : "", message->text);
}

static void write_operation(struct shiviz *shiviz, const struct moment *moment)
{
    const struct gkv_journal_operation *operation =
        gkv_journal_operation(shiviz->journal, moment->index);
    tick(shiviz, operation->node);
    (void)fprintf(shiviz->file, "client %u %s k%u", (unsigned)operation->client,
                  gkv_journal_operation_name(operation->kind), (unsigned)operation->key);
    const bool has_value = operation->value != GKV_HISTORY_NONE;
    if (has_value && (operation->kind == GKV_OPERATION_SET || moment->kind == MOMENT_END)) {
        (void)fprintf(shiviz->file, " v%u", (unsigned)operation->value);
    }
    (void)fprintf(shiviz->file, "%s%s\n", moment->kind == MOMENT_END ? ": " : "",
                  moment->kind == MOMENT_END ? gkv_journal_result_name(operation) : "");
}

static void write_mark(struct shiviz *shiviz, const struct moment *moment)
{
    char text[GKV_JOURNAL_TEXT_BYTES];
    const struct gkv_journal_mark *mark = gkv_journal_mark(shiviz->journal, moment->index);
    gkv_journal_mark_text(mark, text);
    tick(shiviz, mark->node);
    (void)fprintf(shiviz->file, "%s\n", text);
}

static void write_moment(struct shiviz *shiviz, const struct moment *moment)
{
    switch (moment->kind) {
    case MOMENT_SEND:
    case MOMENT_ARRIVAL:
        write_message(shiviz, moment);
        return;
    case MOMENT_BEGIN:
    case MOMENT_END:
        write_operation(shiviz, moment);
        return;
    case MOMENT_MARK:
        write_mark(shiviz, moment);
        return;
    }
}

enum gkv_error gkv_trace_shiviz_write(const struct gkv_journal *journal, FILE *file)
{
    struct shiviz shiviz = {.journal = journal, .file = file};
    const uint32_t message_count = gkv_journal_message_count(journal);
    const uint32_t other_count =
        2 * gkv_journal_operation_count(journal) + gkv_journal_mark_count(journal);
    shiviz.moments = calloc(2 * (size_t)message_count + other_count + 1, sizeof(struct moment));
    shiviz.sent = calloc((size_t)message_count + 1, sizeof(struct clock));
    shiviz.clocks = calloc(GKV_NET_NODE_COUNT_MAX, sizeof(struct clock));
    const bool has_memory = shiviz.moments != NULL && shiviz.sent != NULL && shiviz.clocks != NULL;
    if (has_memory) {
        (void)fputs("(?<host>\\S+) (?<clock>\\{.*\\}) (?<event>.*)\n\n", file);
        gather(&shiviz);
        for (uint32_t i = 0; i < shiviz.moment_count; i++) {
            write_moment(&shiviz, &shiviz.moments[i]);
        }
    }
    free(shiviz.moments);
    free(shiviz.sent);
    free(shiviz.clocks);
    return has_memory ? GKV_OK : GKV_ERROR_MEMORY;
}
