#include "sim/explain.h"

#include <inttypes.h>
#include <string.h>

#include "core/node.h"
#include "core/options.h"
#include "core/panic.h"
#include "io_sim/clock.h"
#include "sim/check.h"
#include "sim/family.h"
#include "sim/journal.h"
#include "sim/profile.h"
#include "sim/report.h"

#define COLUMN_COUNT 98
#define TEXT_BYTES 1200
#define LINK_COUNT_SHOWN 12 /* of those that are cut at once */

/* ---- Paragraphs ------------------------------------------------------------------------------ */

/* A text, broken between words; every line but the first begins with as many spaces as `label` has
 * letters. */
static void print_wrapped(FILE *file, const char *label, const char *text)
{
    const size_t indent = strlen(label);
    size_t column = indent;
    (void)fputs(label, file);
    for (const char *at = text; *at != '\0';) {
        const size_t count = strcspn(at, " ");
        if (column + 1 + count > COLUMN_COUNT && column > indent) {
            (void)fprintf(file, "\n%*s", (int)indent, "");
            column = indent;
        }
        if (column > indent) {
            (void)fputc(' ', file);
            column++;
        }
        (void)fprintf(file, "%.*s", (int)count, at);
        column += count;
        at += count;
        at += *at == ' ' ? 1 : 0;
    }
    (void)fputc('\n', file);
}

static void print_head(FILE *file, const struct gkv_trial *trial, const struct gkv_verdict *verdict)
{
    static const char *const phases[] = {
        [GKV_PHASE_FORM] = "while the cluster forms on a quiet network",
        [GKV_PHASE_WORK] = "while clients are at work and faults strike",
        [GKV_PHASE_HEAL] = "after the faults stopped, while the cluster heals",
        [GKV_PHASE_READ] = "at the end, while every key is read again",
        [GKV_PHASE_IDLE] = "when all has settled, while nobody asks anything",
        [GKV_PHASE_LOSS] = "at the very end, after a node was lost",
    };
    const size_t phase = (size_t)trial->phase;
    char text[TEXT_BYTES];
    if (verdict->status == GKV_TRIAL_PASS) {
        (void)fprintf(file, "Seed %" PRIu64 " passes: there is nothing to explain.\n\n",
                      trial->options->seed);
        return;
    }
    (void)snprintf(
        text, sizeof(text),
        "Seed %" PRIu64 " fails the check '%s' (%s) %s, at %" PRIu64 ".%06" PRIu64
        " s of simulated time, event %" PRIu64 ".",
        trial->options->seed, verdict->check, gkv_report_status_name(verdict->status),
        phase < sizeof(phases) / sizeof(phases[0]) && phases[phase] != NULL ? phases[phase]
                                                                            : "when all is over",
        verdict->time_ns / 1000000000, verdict->time_ns / 1000 % 1000000, verdict->event);
    print_wrapped(file, "", text);
    print_wrapped(file, "  demanded: ", gkv_check_demands(verdict->check));
    print_wrapped(file, "  instead:  ", verdict->text);
    (void)fputc('\n', file);
}

/* How many operations of a kind were asked. */
static unsigned count_deeds(const struct gkv_history *history, enum gkv_operation_kind kind)
{
    unsigned count = 0;
    for (uint32_t i = 0; i < history->count; i++) {
        count += history->deeds[i].kind == kind;
    }
    return count;
}

static void print_cluster(FILE *file, const struct gkv_trial *trial)
{
    const struct gkv_scenario *scenario = &trial->scenario;
    const struct gkv_options *options = &scenario->world.node;
    char text[TEXT_BYTES];
    (void)snprintf(
        text, sizeof(text),
        "%u nodes, a to %s%s. %s: a key is on %u of them, a write waits for %u and a read for %u. "
        "%u client%s asked about %u key%s so far: %u sets, %u deletes and %u gets, and each may "
        "take %u ms. Members probe each other every %u ms, and a suspect has at least %u ms.%s",
        (unsigned)scenario->node_count, gkv_host_text(scenario->node_count - 1).text,
        scenario->late_count == 0   ? ""
        : scenario->late_count == 1 ? ", of which the last one joins late"
                                    : ", of which the last ones join late",
        options->level == GKV_LEVEL_QUORUM ? "QUORUM" : "EVENTUAL",
        (unsigned)options->replica_count, (unsigned)options->write_quorum,
        (unsigned)options->read_quorum, (unsigned)scenario->client_count,
        scenario->client_count == 1 ? "" : "s", (unsigned)scenario->key_count,
        scenario->key_count == 1 ? "" : "s", count_deeds(&trial->history, GKV_OPERATION_SET),
        count_deeds(&trial->history, GKV_OPERATION_DELETE),
        count_deeds(&trial->history, GKV_OPERATION_GET), (unsigned)options->operation_timeout_ms,
        (unsigned)options->probe_interval_ms, (unsigned)options->suspicion_timeout_ms,
        scenario->repairs_by_read ? " Anti-entropy is as good as off: reads alone repair." : "");
    print_wrapped(file, "cluster:  ", text);
}

/* How many marks of a kind there are; those of one moment count once. */
static uint32_t count_marks(const struct gkv_journal *journal, enum gkv_mark_kind kind)
{
    uint64_t last_ns = GKV_NEVER;
    uint32_t count = 0;
    for (uint32_t i = 0; i < gkv_journal_mark_count(journal); i++) {
        const struct gkv_journal_mark *mark = gkv_journal_mark(journal, i);
        count += mark->kind == kind && mark->time_ns != last_ns;
        last_ns = mark->kind == kind ? mark->time_ns : last_ns;
    }
    return count;
}

static void print_faults(FILE *file, const struct gkv_trial *trial)
{
    const uint64_t on_mask = gkv_family_mask_of(&trial->scenario);
    char text[TEXT_BYTES];
    size_t used = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < GKV_FAMILY_COUNT && used < sizeof(text); i++) {
        if ((on_mask >> i & 1u) != 0) {
            used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s",
                                     used == 0 ? "" : ", ", gkv_family_name((enum gkv_family)i));
        }
    }
    print_wrapped(file, "faults:   ", used == 0 ? "none may strike" : text);
    (void)snprintf(text, sizeof(text),
                   "so far %u partitions, %u crashes, %u goodbyes, %u steps of a wall clock",
                   (unsigned)count_marks(trial->journal, GKV_MARK_CUT),
                   (unsigned)count_marks(trial->journal, GKV_MARK_CRASH),
                   (unsigned)count_marks(trial->journal, GKV_MARK_LEAVE),
                   (unsigned)count_marks(trial->journal, GKV_MARK_CLOCK));
    print_wrapped(file, "          ", text);
}

/* ---- The timeline ---------------------------------------------------------------------------- */

enum kind {
    BEGIN = 0,
    END = 1,
    MESSAGE = 2,
    MARK = 3,
    POINT = 4,
    KIND_COUNT = 5
};

#define ENTRY_COUNT_MAX 28

struct entry {
    uint64_t time_ns;
    uint32_t order;
    enum kind kind;
    uint32_t index; /* POINT: of the node's trace, modulo its size */
    uint32_t node;  /* POINT */
};

/* The last few of each kind, in no order; then all of them sorted. */
struct timeline {
    const struct gkv_trial *trial;
    const struct gkv_verdict *verdict;
    uint32_t counts[KIND_COUNT];
    uint32_t room[KIND_COUNT];
    uint32_t count;
    struct entry entries[ENTRY_COUNT_MAX];
};

static bool is_before(const struct entry *left, const struct entry *right)
{
    return left->time_ns != right->time_ns ? left->time_ns < right->time_ns
                                           : left->order < right->order;
}

/* Note something that happened, in the place of the first of its kind when there is no room. */
static void note(struct timeline *timeline, const struct entry *entry)
{
    if (entry->time_ns > timeline->verdict->time_ns || timeline->room[entry->kind] == 0) {
        return;
    }
    if (timeline->counts[entry->kind] < timeline->room[entry->kind]) {
        timeline->counts[entry->kind]++;
        timeline->entries[timeline->count++] = *entry;
        return;
    }
    struct entry *first = NULL;
    for (uint32_t i = 0; i < timeline->count; i++) {
        struct entry *other = &timeline->entries[i];
        if (other->kind == entry->kind && (first == NULL || is_before(other, first))) {
            first = other;
        }
    }
    if (first != NULL && is_before(first, entry)) {
        *first = *entry;
    }
}

static bool is_of_key(const struct timeline *timeline, uint32_t key)
{
    return timeline->verdict->key == GKV_HISTORY_NONE || timeline->verdict->key == key;
}

static bool is_of_node(const struct timeline *timeline, uint32_t from, uint32_t to)
{
    const uint32_t node = timeline->verdict->node;
    return node == GKV_HISTORY_NONE || node == from || node == to;
}

static void note_operations(struct timeline *timeline)
{
    const struct gkv_journal *journal = timeline->trial->journal;
    for (uint32_t i = 0; i < gkv_journal_operation_count(journal); i++) {
        const struct gkv_journal_operation *operation = gkv_journal_operation(journal, i);
        if (!is_of_key(timeline, operation->key)) {
            continue;
        }
        note(timeline, &(struct entry){.time_ns = operation->begin_ns,
                                       .order = operation->begin_order,
                                       .kind = BEGIN,
                                       .index = i});
        if (operation->end_ns != 0) {
            note(timeline, &(struct entry){.time_ns = operation->end_ns,
                                           .order = operation->end_order,
                                           .kind = END,
                                           .index = i});
        }
    }
}

static void note_messages(struct timeline *timeline)
{
    const struct gkv_journal *journal = timeline->trial->journal;
    for (uint32_t i = 0; i < gkv_journal_message_count(journal); i++) {
        const struct gkv_journal_message *message = gkv_journal_message(journal, i);
        const bool is_shown = timeline->verdict->key != GKV_HISTORY_NONE
                                  ? message->key == timeline->verdict->key
                                  : is_of_node(timeline, message->from, message->to);
        if (is_shown && !message->is_copy) {
            note(timeline, &(struct entry){.time_ns = message->send_ns,
                                           .order = message->send_order,
                                           .kind = MESSAGE,
                                           .index = i});
        }
    }
}

/* Several links are cut in one moment: they make one line. */
static bool is_with_last(const struct gkv_journal *journal, uint32_t index)
{
    if (index == 0) {
        return false;
    }
    const struct gkv_journal_mark *mark = gkv_journal_mark(journal, index);
    const struct gkv_journal_mark *last = gkv_journal_mark(journal, index - 1);
    return mark->kind == last->kind && mark->time_ns == last->time_ns &&
           (mark->kind == GKV_MARK_CUT || mark->kind == GKV_MARK_MEND);
}

static void note_marks(struct timeline *timeline)
{
    const struct gkv_journal *journal = timeline->trial->journal;
    for (uint32_t i = 0; i < gkv_journal_mark_count(journal); i++) {
        const struct gkv_journal_mark *mark = gkv_journal_mark(journal, i);
        if (!is_with_last(journal, i)) {
            note(timeline,
                 &(struct entry){
                     .time_ns = mark->time_ns, .order = mark->order, .kind = MARK, .index = i});
        }
    }
}

static const struct gkv_trace_point *point_of(const struct gkv_trial *trial, uint32_t node,
                                              uint32_t index)
{
    return &gkv_node_trace(gkv_endpoint_node(trial->world.hosts[node].endpoint))->points[index];
}

static void note_points(struct timeline *timeline)
{
    for (uint32_t node = 0; node < timeline->trial->scenario.node_count; node++) {
        const struct gkv_host *host = &timeline->trial->world.hosts[node];
        if (!host->is_up || !is_of_node(timeline, node, node)) {
            continue;
        }
        const uint64_t count = gkv_node_trace(gkv_endpoint_node(host->endpoint))->point_count;
        const uint64_t first = count > GKV_TRACE_POINT_COUNT ? count - GKV_TRACE_POINT_COUNT : 0;
        for (uint64_t i = first; i < count; i++) {
            const uint32_t index = (uint32_t)(i % GKV_TRACE_POINT_COUNT);
            const uint64_t time_ns = point_of(timeline->trial, node, index)->mono_ns;
            note(timeline, &(struct entry){.time_ns = time_ns - host->clock.mono_offset_ns,
                                           .order = UINT32_MAX,
                                           .kind = POINT,
                                           .index = index,
                                           .node = node});
        }
    }
}

/* ---- Its lines ------------------------------------------------------------------------------- */

static void print_operation(FILE *file, const struct gkv_journal_operation *operation, bool is_end)
{
    char version[GKV_JOURNAL_VERSION_BYTES];
    const struct gkv_host_text node = gkv_host_text(operation->node);
    const unsigned number = (unsigned)(operation->cookie - 1);
    if (!is_end) {
        (void)fprintf(file, "client %u asks %s to %s k%u (operation %u)\n",
                      (unsigned)operation->client, node.text,
                      gkv_journal_operation_name(operation->kind), (unsigned)operation->key,
                      number);
        return;
    }
    gkv_journal_version_text(operation->version, version);
    (void)fprintf(file, "%s answers client %u: %s", node.text, (unsigned)operation->client,
                  gkv_journal_result_name(operation));
    if (operation->kind == GKV_OPERATION_GET && operation->value != GKV_HISTORY_NONE) {
        (void)fprintf(file, ", what operation %u set", (unsigned)operation->value);
    }
    (void)fprintf(file, "%s%s (operation %u, %s k%u)\n", version[0] == '\0' ? "" : ", version ",
                  version, number, gkv_journal_operation_name(operation->kind),
                  (unsigned)operation->key);
}

static void print_message(FILE *file, const struct gkv_journal *journal,
                          const struct gkv_journal_message *message)
{
    (void)fprintf(file, "%s -> %s %s%s%s", gkv_host_text(message->from).text,
                  gkv_host_text(message->to).text, gkv_message_kind_name(message->kind),
                  message->text[0] == '\0' ? "" : ": ", message->text);
    if (message->arrival_ns != GKV_NEVER) {
        const uint64_t took_ns = message->arrival_ns - message->send_ns;
        (void)fprintf(file, ", takes %" PRIu64 ".%03" PRIu64 " ms\n", took_ns / 1000000,
                      took_ns / 1000 % 1000);
    } else {
        (void)fputs(gkv_journal_is_lost(journal, message) ? ", lost\n" : ", under way\n", file);
    }
}

static void print_mark(FILE *file, const struct gkv_journal *journal, uint32_t index)
{
    const struct gkv_journal_mark *mark = gkv_journal_mark(journal, index);
    char text[GKV_JOURNAL_TEXT_BYTES];
    if (mark->kind != GKV_MARK_CUT && mark->kind != GKV_MARK_MEND) {
        gkv_journal_mark_text(mark, text);
        (void)fprintf(file, "%s\n", text);
        return;
    }
    (void)fputs(mark->kind == GKV_MARK_CUT ? "cut:" : "mended:", file);
    uint32_t shown = 0;
    do {
        mark = gkv_journal_mark(journal, index);
        if (shown < LINK_COUNT_SHOWN) {
            (void)fprintf(file, " %s->%s", gkv_host_text(mark->node).text,
                          gkv_host_text(mark->peer).text);
        }
        shown++;
        index++;
    } while (index < gkv_journal_mark_count(journal) && is_with_last(journal, index));
    (void)fputs(shown > LINK_COUNT_SHOWN ? " and so on\n" : "\n", file);
}

static void print_entry(FILE *file, const struct timeline *timeline, const struct entry *entry)
{
    const struct gkv_journal *journal = timeline->trial->journal;
    char text[GKV_VERDICT_TEXT_BYTES];
    (void)fprintf(file, "  %5" PRIu64 ".%06" PRIu64 "  ", entry->time_ns / 1000000,
                  entry->time_ns % 1000000);
    switch (entry->kind) {
    case BEGIN:
    case END:
        print_operation(file, gkv_journal_operation(journal, entry->index), entry->kind == END);
        return;
    case MESSAGE:
        print_message(file, journal, gkv_journal_message(journal, entry->index));
        return;
    case MARK:
        print_mark(file, journal, entry->index);
        return;
    case POINT:
        text[gkv_report_trace_text(point_of(timeline->trial, entry->node, entry->index),
                                   entry->node, text, sizeof(text))] = '\0';
        (void)fprintf(file, "%s\n", text);
        return;
    case KIND_COUNT:
        break;
    }
}

static void sort(struct timeline *timeline)
{
    for (uint32_t i = 1; i < timeline->count; i++) {
        const struct entry moved = timeline->entries[i];
        uint32_t place = i;
        while (place > 0 && is_before(&moved, &timeline->entries[place - 1])) {
            timeline->entries[place] = timeline->entries[place - 1];
            place--;
        }
        timeline->entries[place] = moved;
    }
}

static void print_timeline(FILE *file, const struct gkv_trial *trial,
                           const struct gkv_verdict *verdict)
{
    const bool has_key = verdict->key != GKV_HISTORY_NONE;
    struct timeline timeline = {
        .trial = trial,
        .verdict = verdict,
        .room = {[BEGIN] = has_key ? 6 : 3,
                 [END] = has_key ? 6 : 3,
                 [MESSAGE] = has_key ? 10 : 4,
                 [MARK] = has_key ? 6 : 10,
                 [POINT] = has_key ? 0 : 8},
    };
    note_operations(&timeline);
    note_messages(&timeline);
    note_marks(&timeline);
    note_points(&timeline);
    GKV_ASSERT(timeline.count <= ENTRY_COUNT_MAX);
    sort(&timeline);
    (void)fputs("\nWhat led to it, in ms; the last few ", file);
    if (has_key) {
        (void)fprintf(file, "operations on k%u and messages about it, and faults:\n",
                      (unsigned)verdict->key);
    } else if (verdict->node != GKV_HISTORY_NONE) {
        (void)fprintf(file, "operations, faults, and messages and decisions of %s:\n",
                      gkv_host_text(verdict->node).text);
    } else {
        (void)fputs("operations, messages, faults and decisions:\n", file);
    }
    (void)fprintf(file,
                  "(a version is when it was written, in ms after %" PRIu64
                  ", a counter, and who wrote it)\n",
                  GKV_SIM_EPOCH_MS);
    for (uint32_t i = 0; i < timeline.count; i++) {
        print_entry(file, &timeline, &timeline.entries[i]);
    }
    (void)fprintf(file, "  %5" PRIu64 ".%06" PRIu64 "  HERE '%s' does not hold any more\n",
                  verdict->time_ns / 1000000, verdict->time_ns % 1000000, verdict->check);
}

/* ---- What next ------------------------------------------------------------------------------- */

static void print_advice(FILE *file, const struct gkv_trial *trial,
                         const struct gkv_verdict *verdict)
{
    char line[GKV_TRIAL_LINE_BYTES];
    const bool is_recorded = trial->options->replay_line != NULL;
    gkv_report_replay_line(trial->options, verdict->status, line);
    (void)fprintf(file, "\nWhat to try next%s%s:\n",
                  gkv_report_commit()[0] == '\0' ? "" : ", at commit ", gkv_report_commit());
    (void)fprintf(
        file, "  %s --html failure.html\n      a page of all of it, to scroll and filter\n", line);
    if (is_recorded) {
        const char *name = strrchr(line, ' ');
        (void)fprintf(file, "  gridkv-sim shrink%s\n", name == NULL ? " FILE.gseed" : name);
    } else {
        (void)fprintf(file, "  %s --out failure.gseed; gridkv-sim shrink failure.gseed\n", line);
    }
    (void)fputs("      a run of fewer operations and faults in which the same check fails\n", file);
    if (!is_recorded) {
        (void)fprintf(
            file,
            "  %s --no-fault FAMILY\n"
            "      without one of the faults above: if it passes then, that one matters\n",
            line);
    }
}

void gkv_explain_write(FILE *file, const struct gkv_trial *trial, const struct gkv_verdict *verdict)
{
    GKV_ASSERT(trial->journal != NULL);
    print_head(file, trial, verdict);
    print_cluster(file, trial);
    print_faults(file, trial);
    if (verdict->status != GKV_TRIAL_PASS) {
        print_timeline(file, trial, verdict);
        print_advice(file, trial, verdict);
    }
}
