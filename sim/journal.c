#include "sim/journal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "core/options.h"
#include "core/panic.h"
#include "io_sim/clock.h"
#include "sim/history.h"
#include "sim/journal_text.h"
#include "sim/overhear.h"

#define NONE UINT32_MAX
#define BUCKET_COUNT 16384
#define ASKED_COUNT 4096

/* Whose operation asked for a key: replies do not name it. */
struct asked {
    uint64_t operation;
    uint32_t node;
    uint32_t key;
};

struct gkv_journal {
    struct gkv_journal_options options;
    struct gkv_journal_end end;
    struct gkv_journal_message *messages; /* a ring */
    struct gkv_journal_operation *operations;
    struct gkv_journal_mark *marks; /* a ring */
    struct gkv_overhear *overhear;
    const struct gkv_observation *observation; /* what is overheard just now */
    uint32_t message_count;                    /* ever */
    uint32_t operation_count;
    uint32_t operation_refused_count;
    uint32_t mark_count; /* ever */
    uint32_t order;
    uint64_t last_ns;
    uint64_t transit_ns_max[2];     /* seen so far, of streams and of datagrams */
    uint32_t buckets[BUCKET_COUNT]; /* the newest message whose matter lies there */
    struct asked asked[ASKED_COUNT];
    uint8_t dialled[GKV_NET_NODE_COUNT_MAX][GKV_NET_STREAM_COUNT]; /* whom a stream goes to */
    bool is_cut[GKV_NET_NODE_COUNT_MAX][GKV_NET_NODE_COUNT_MAX];
    int64_t clock_ms[GKV_NET_NODE_COUNT_MAX]; /* the offset last seen */
    struct gkv_node_id ids[GKV_NET_NODE_COUNT_MAX];
};

/* ---- Making ---------------------------------------------------------------------------------- */

static void hear(void *context, const struct gkv_heard *heard);

enum gkv_error gkv_journal_create(struct gkv_journal **journal_out,
                                  const struct gkv_journal_options *options)
{
    GKV_ASSERT(options->node_count <= GKV_NET_NODE_COUNT_MAX);
    GKV_ASSERT(options->message_count_max > 0);
    struct gkv_journal *journal = calloc(1, sizeof(*journal));
    if (journal == NULL) {
        return GKV_ERROR_MEMORY;
    }
    journal->options = *options;
    journal->messages = calloc(options->message_count_max, sizeof(*journal->messages));
    journal->operations = calloc(options->operation_count_max, sizeof(*journal->operations));
    journal->marks = calloc(options->mark_count_max, sizeof(*journal->marks));
    const struct gkv_hearer hearer = {.hear = hear, .context = journal};
    journal->overhear = gkv_overhear_create(options->value_bytes_max, &hearer);
    if (journal->messages == NULL || journal->operations == NULL || journal->marks == NULL ||
        journal->overhear == NULL) {
        gkv_journal_destroy(journal);
        return GKV_ERROR_MEMORY;
    }
    for (uint32_t i = 0; i < BUCKET_COUNT; i++) {
        journal->buckets[i] = NONE;
    }
    for (uint32_t i = 0; i < options->node_count; i++) {
        const struct gkv_name name = gkv_host_name(i);
        journal->ids[i] = gkv_node_id_of_name(&name);
    }
    journal->end.check = "";
    journal->end.node = GKV_HISTORY_NONE;
    journal->end.key = GKV_HISTORY_NONE;
    *journal_out = journal;
    return GKV_OK;
}

void gkv_journal_destroy(struct gkv_journal *journal)
{
    if (journal == NULL) {
        return;
    }
    free(journal->messages);
    free(journal->operations);
    free(journal->marks);
    gkv_overhear_destroy(journal->overhear);
    free(journal);
}

struct gkv_journal *gkv_journal_attach(const struct gkv_trial *trial)
{
    struct gkv_journal *journal = NULL;
    const struct gkv_journal_options options = {
        .node_count = trial->scenario.node_count,
        .client_count = trial->scenario.client_count,
        .message_count_max = GKV_JOURNAL_MESSAGE_COUNT,
        .operation_count_max = GKV_HISTORY_COUNT_MAX,
        .mark_count_max = GKV_JOURNAL_MARK_COUNT,
        .value_bytes_max = trial->scenario.world.node.value_bytes_max,
        .history = &trial->history,
    };
    return gkv_journal_create(&journal, &options) == GKV_OK ? journal : NULL;
}

/* ---- Entries --------------------------------------------------------------------------------- */

/* Is the message of this number still kept? */
static bool is_kept(const struct gkv_journal *journal, uint32_t number)
{
    return number < journal->message_count &&
           journal->message_count - number <= journal->options.message_count_max;
}

static struct gkv_journal_message *message_at(const struct gkv_journal *journal, uint32_t number)
{
    return &journal->messages[number % journal->options.message_count_max];
}

static struct gkv_journal_message *add_message(struct gkv_journal *journal, uint64_t time_ns)
{
    struct gkv_journal_message *entry = message_at(journal, journal->message_count++);
    *entry = (struct gkv_journal_message){
        .send_ns = time_ns,
        .arrival_ns = GKV_NEVER,
        .previous = NONE,
        .send_order = ++journal->order,
        .key = GKV_HISTORY_NONE,
    };
    return entry;
}

static void note_transit(struct gkv_journal *journal, const struct gkv_journal_message *entry)
{
    uint64_t *transit_ns_max = &journal->transit_ns_max[entry->is_datagram ? 1 : 0];
    const uint64_t transit_ns = entry->arrival_ns - entry->send_ns;
    *transit_ns_max = transit_ns > *transit_ns_max ? transit_ns : *transit_ns_max;
}

static void arrive(struct gkv_journal *journal, struct gkv_journal_message *entry, uint64_t time_ns)
{
    entry->arrival_ns = time_ns;
    entry->arrival_order = ++journal->order;
    note_transit(journal, entry);
}

static struct gkv_journal_mark *add_mark(struct gkv_journal *journal, enum gkv_mark_kind kind,
                                         uint64_t time_ns, uint32_t node)
{
    struct gkv_journal_mark *mark =
        &journal->marks[journal->mark_count++ % journal->options.mark_count_max];
    *mark = (struct gkv_journal_mark){.kind = kind,
                                      .time_ns = time_ns,
                                      .node = node,
                                      .peer = GKV_HISTORY_NONE,
                                      .order = ++journal->order};
    return mark;
}

/* ---- Messages -------------------------------------------------------------------------------- */

static struct asked *asked_at(struct gkv_journal *journal, uint32_t node, uint64_t operation)
{
    const uint64_t words[2] = {operation, node};
    return &journal->asked[gkv_hash(words, sizeof(words), 0) % ASKED_COUNT];
}

/* Requests name a key, and replies only the operation that asked. */
static void follow_key(struct gkv_journal *journal, struct gkv_journal_message *entry,
                       const struct gkv_message *message)
{
    if (entry->kind == GKV_MESSAGE_WRITE || entry->kind == GKV_MESSAGE_READ) {
        const uint64_t operation = entry->kind == GKV_MESSAGE_WRITE ? message->as.write.operation
                                                                    : message->as.read.operation;
        *asked_at(journal, entry->from, operation) =
            (struct asked){.operation = operation, .node = entry->from, .key = entry->key};
    } else if (entry->kind == GKV_MESSAGE_WRITE_REPLY || entry->kind == GKV_MESSAGE_READ_REPLY) {
        const uint64_t operation = entry->kind == GKV_MESSAGE_WRITE_REPLY
                                       ? message->as.write_reply.operation
                                       : message->as.read_reply.operation;
        const struct asked *asked = asked_at(journal, entry->to, operation);
        if (asked->operation == operation && asked->node == entry->to) {
            entry->key = asked->key;
        }
    }
}

/* The newest message of this matter that nobody looked at yet; NONE: no more are kept. */
static uint32_t find_kept(const struct gkv_journal *journal, uint32_t number, uint64_t matter)
{
    while (number != NONE && is_kept(journal, number)) {
        const struct gkv_journal_message *entry = message_at(journal, number);
        if (entry->matter == matter && !entry->is_copy) {
            return number;
        }
        number = entry->previous;
    }
    return NONE;
}

static uint64_t datagram_hash(struct gkv_bytes bytes, uint32_t from, uint32_t to)
{
    return gkv_hash(bytes.data, bytes.count, (uint64_t)from << 8 | to);
}

static void add_sent(struct gkv_journal *journal, const struct gkv_heard *heard, uint64_t matter,
                     uint32_t to)
{
    const uint32_t number = journal->message_count;
    struct gkv_journal_message *entry =
        add_message(journal, heard->is_datagram ? heard->time_ns : heard->begin_ns);
    entry->from = (uint8_t)heard->node;
    entry->to = (uint8_t)to;
    entry->is_datagram = heard->is_datagram;
    entry->bytes = (uint32_t)heard->bytes;
    entry->matter = matter;
    entry->previous = journal->buckets[matter % BUCKET_COUNT];
    journal->buckets[matter % BUCKET_COUNT] = number;
    if (heard->message == NULL) {
        (void)snprintf(entry->text, sizeof(entry->text), "malformed");
    } else if (heard->message->kind == GKV_MESSAGE_NONE) {
        (void)snprintf(entry->text, sizeof(entry->text), "opens a stream");
    } else {
        gkv_journal_describe(entry, heard->message);
        follow_key(journal, entry, heard->message);
    }
}

static void on_datagram_sent(struct gkv_journal *journal, const struct gkv_heard *heard)
{
    const struct gkv_output *output = journal->observation->output;
    const uint32_t to = gkv_host_of_address(&output->as.datagram.address);
    if (to < journal->options.node_count) {
        add_sent(journal, heard, datagram_hash(output->as.datagram.bytes, heard->node, to), to);
    }
}

static void on_datagram(struct gkv_journal *journal, const struct gkv_heard *heard)
{
    const struct gkv_observation *observation = journal->observation;
    const uint32_t from = (uint32_t)observation->argument;
    const uint64_t hash = datagram_hash(observation->bytes, from, heard->node);
    uint32_t oldest = NONE; /* of those that have not arrived */
    uint32_t arrived = NONE;
    uint32_t number = find_kept(journal, journal->buckets[hash % BUCKET_COUNT], hash);
    while (number != NONE) {
        const struct gkv_journal_message *entry = message_at(journal, number);
        if (entry->arrival_ns == GKV_NEVER) {
            oldest = number;
        } else if (arrived == NONE) {
            arrived = number;
        }
        number = find_kept(journal, entry->previous, hash);
    }
    if (oldest != NONE) {
        arrive(journal, message_at(journal, oldest), heard->time_ns);
    } else if (arrived != NONE) {
        const struct gkv_journal_message original = *message_at(journal, arrived);
        struct gkv_journal_message *copy = add_message(journal, original.send_ns);
        *copy = original;
        copy->previous = NONE;
        copy->is_copy = true;
        arrive(journal, copy, heard->time_ns);
    }
}

static void on_frame_sent(struct gkv_journal *journal, const struct gkv_heard *heard)
{
    const uint32_t stream = (uint32_t)journal->observation->argument % GKV_NET_STREAM_COUNT;
    add_sent(journal, heard, heard->number, journal->dialled[heard->node][stream]);
}

static void on_frame(struct gkv_journal *journal, const struct gkv_heard *heard)
{
    const uint32_t newest = journal->buckets[heard->number % BUCKET_COUNT];
    const uint32_t number = find_kept(journal, newest, heard->number);
    if (number != NONE) {
        arrive(journal, message_at(journal, number), heard->time_ns);
    }
}

static void hear(void *context, const struct gkv_heard *heard)
{
    struct gkv_journal *journal = context;
    GKV_ASSERT(journal->observation != NULL);
    if (heard->is_datagram && heard->is_arrival) {
        on_datagram(journal, heard);
    } else if (heard->is_datagram) {
        on_datagram_sent(journal, heard);
    } else if (heard->is_arrival) {
        on_frame(journal, heard);
    } else {
        on_frame_sent(journal, heard);
    }
}

/* ---- Operations ------------------------------------------------------------------------------ */

static void on_submit(struct gkv_journal *journal, const struct gkv_observation *observation)
{
    const struct gkv_operation *asked = observation->operation;
    if (journal->operation_count == journal->options.operation_count_max) {
        journal->operation_refused_count++;
        return;
    }
    const struct gkv_deed *deed = NULL;
    if (journal->options.history != NULL) {
        deed = gkv_history_find(journal->options.history, asked->cookie);
    }
    journal->operations[journal->operation_count++] = (struct gkv_journal_operation){
        .begin_ns = observation->time_ns,
        .cookie = asked->cookie,
        .ttl_ms = asked->ttl_ms,
        .begin_order = ++journal->order,
        .key = gkv_history_key_number(asked->key),
        .client = deed != NULL ? deed->client : 0,
        .node = observation->node,
        .value = asked->kind == GKV_OPERATION_SET ? gkv_journal_value_number(asked->value)
                                                  : GKV_HISTORY_NONE,
        .kind = asked->kind,
    };
}

static void on_complete(struct gkv_journal *journal, const struct gkv_observation *observation)
{
    const struct gkv_result *result = &observation->output->as.result;
    for (uint32_t i = journal->operation_count; i > 0; i--) {
        struct gkv_journal_operation *operation = &journal->operations[i - 1];
        if (operation->cookie != result->cookie || operation->node != observation->node) {
            continue;
        }
        if (operation->end_ns == 0 && !operation->is_lost) {
            operation->end_ns = observation->time_ns;
            operation->end_order = ++journal->order;
            operation->error = result->error;
            operation->version = result->version;
            if (operation->kind == GKV_OPERATION_GET) {
                operation->value = gkv_journal_value_number(result->value);
            }
        }
        return;
    }
}

static void on_crash(struct gkv_journal *journal, const struct gkv_observation *observation)
{
    (void)add_mark(journal, GKV_MARK_CRASH, observation->time_ns, observation->node);
    for (uint32_t i = 0; i < journal->operation_count; i++) {
        struct gkv_journal_operation *operation = &journal->operations[i];
        if (operation->node == observation->node && operation->end_ns == 0) {
            operation->is_lost = true;
            operation->end_ns = observation->time_ns;
            operation->end_order = ++journal->order;
        }
    }
}

/* ---- The world ------------------------------------------------------------------------------- */

void gkv_journal_fault(struct gkv_journal *journal, uint64_t time_ns, const char *text)
{
    struct gkv_journal_mark *mark = add_mark(journal, GKV_MARK_FAULT, time_ns, GKV_HISTORY_NONE);
    (void)snprintf(mark->text, sizeof(mark->text), "%s", text);
}

void gkv_journal_link(struct gkv_journal *journal, uint64_t time_ns, uint32_t from, uint32_t to,
                      bool is_cut)
{
    if (journal->is_cut[from][to] != is_cut) {
        journal->is_cut[from][to] = is_cut;
        add_mark(journal, is_cut ? GKV_MARK_CUT : GKV_MARK_MEND, time_ns, from)->peer = to;
    }
}

void gkv_journal_clock(struct gkv_journal *journal, uint64_t time_ns, uint32_t node,
                       int64_t step_ms)
{
    struct gkv_journal_mark *mark = add_mark(journal, GKV_MARK_CLOCK, time_ns, node);
    (void)snprintf(mark->text, sizeof(mark->text), "%+" PRId64 " ms", step_ms);
}

void gkv_journal_watch(struct gkv_journal *journal, const struct gkv_world *world)
{
    for (uint32_t i = 0; i < journal->options.node_count; i++) {
        for (uint32_t j = 0; j < journal->options.node_count; j++) {
            gkv_journal_link(journal, world->now_ns, i, j, world->net.links[i][j].is_cut);
        }
        const struct gkv_now now = gkv_sim_clock_read(&world->hosts[i].clock, world->now_ns);
        const int64_t offset_ms =
            (int64_t)now.wall_ms - (int64_t)gkv_sim_clock_true_ms(world->now_ns);
        const int64_t step_ms = offset_ms - journal->clock_ms[i];
        journal->clock_ms[i] = offset_ms;
        if (step_ms > 1 || step_ms < -1) { /* less is its drift */
            gkv_journal_clock(journal, world->now_ns, i, step_ms);
        }
    }
}

/* The machine stands still, or goes on. */
static void on_pause(struct gkv_journal *journal, const struct gkv_observation *observation)
{
    struct gkv_journal_mark *mark =
        add_mark(journal, GKV_MARK_FAULT, observation->time_ns, observation->node);
    const struct gkv_host_text node = gkv_host_text(observation->node);
    if (observation->kind == GKV_OBSERVE_RESUME) {
        (void)snprintf(mark->text, sizeof(mark->text), "%s goes on", node.text);
        return;
    }
    (void)snprintf(mark->text, sizeof(mark->text), "%s stands still for %" PRIu64 " ms", node.text,
                   (observation->argument - observation->time_ns) / GKV_NS_PER_MS);
}

static void on_member(struct gkv_journal *journal, const struct gkv_observation *observation)
{
    const struct gkv_update *update = &observation->output->as.member;
    struct gkv_journal_mark *mark =
        add_mark(journal, GKV_MARK_MEMBER, observation->time_ns, observation->node);
    mark->state = update->state;
    for (uint32_t i = 0; i < journal->options.node_count; i++) {
        if (gkv_node_id_equal(update->who.id, journal->ids[i])) {
            mark->peer = i;
        }
    }
}

static void on_output(struct gkv_journal *journal, const struct gkv_observation *observation)
{
    const struct gkv_output *output = observation->output;
    switch (output->kind) {
    case GKV_OUTPUT_CONNECT:
        journal
            ->dialled[observation->node][output->as.connect.stream.index % GKV_NET_STREAM_COUNT] =
            (uint8_t)gkv_host_of_address(&output->as.connect.address);
        return;
    case GKV_OUTPUT_COMPLETE:
        on_complete(journal, observation);
        return;
    case GKV_OUTPUT_MEMBER:
        on_member(journal, observation);
        return;
    case GKV_OUTPUT_DATAGRAM: /* heard */
    case GKV_OUTPUT_CLOSE:
    case GKV_OUTPUT_SEND:
    case GKV_OUTPUT_DEGRADED: /* no state of its own: the trace tells of it */
        return;
    }
}

void gkv_journal_observe(struct gkv_journal *journal, const struct gkv_observation *observation,
                         const struct gkv_world *world)
{
    GKV_ASSERT(observation->node < GKV_NET_NODE_COUNT_MAX);
    journal->last_ns = observation->time_ns;
    if (world != NULL) {
        gkv_journal_watch(journal, world);
    }
    journal->observation = observation;
    gkv_overhear_observe(journal->overhear, observation);
    journal->observation = NULL;
    switch (observation->kind) {
    case GKV_OBSERVE_BOOT:
        (void)add_mark(journal, GKV_MARK_BOOT, observation->time_ns, observation->node);
        return;
    case GKV_OBSERVE_CRASH:
        on_crash(journal, observation);
        return;
    case GKV_OBSERVE_LEAVE:
        (void)add_mark(journal, GKV_MARK_LEAVE, observation->time_ns, observation->node);
        return;
    case GKV_OBSERVE_PAUSE:
    case GKV_OBSERVE_RESUME:
        on_pause(journal, observation);
        return;
    case GKV_OBSERVE_SUBMIT:
        on_submit(journal, observation);
        return;
    case GKV_OBSERVE_OUTPUT:
        on_output(journal, observation);
        return;
    case GKV_OBSERVE_DATAGRAM: /* heard */
    case GKV_OBSERVE_SENT:
    case GKV_OBSERVE_RECEIVED:
    case GKV_OBSERVE_CONNECTED:
    case GKV_OBSERVE_ACCEPTED:
    case GKV_OBSERVE_CLOSED:
    case GKV_OBSERVE_TIMER:
    case GKV_OBSERVE_CALL:
        return;
    }
}

void gkv_journal_finish(struct gkv_journal *journal, const struct gkv_verdict *verdict,
                        uint64_t seed, const char *replay)
{
    struct gkv_journal_end *end = &journal->end;
    const bool is_failure = verdict->status != GKV_TRIAL_PASS;
    const uint64_t time_ns = is_failure ? verdict->time_ns : journal->last_ns;
    end->is_over = true;
    end->is_failure = is_failure;
    end->time_ns = time_ns;
    end->node = is_failure ? verdict->node : GKV_HISTORY_NONE;
    end->key = is_failure ? verdict->key : GKV_HISTORY_NONE;
    end->check = is_failure && verdict->check != NULL ? verdict->check : "";
    (void)snprintf(end->sentence, sizeof(end->sentence),
                   "%s%s%s: seed %" PRIu64 ", at %" PRIu64 ".%06" PRIu64 " s%s%s",
                   is_failure ? "FAIL" : "PASS", is_failure ? " " : "", end->check, seed,
                   time_ns / 1000000000, time_ns / 1000 % 1000000, is_failure ? ": " : "",
                   is_failure ? verdict->text : "");
    (void)snprintf(end->replay, sizeof(end->replay), "%s", replay);
}

/* ---- Reading --------------------------------------------------------------------------------- */

const struct gkv_journal_options *gkv_journal_options(const struct gkv_journal *journal)
{
    return &journal->options;
}

const struct gkv_journal_end *gkv_journal_end(const struct gkv_journal *journal)
{
    return &journal->end;
}

static uint32_t kept_of(uint32_t count, uint32_t count_max)
{
    return count < count_max ? count : count_max;
}

uint32_t gkv_journal_message_count(const struct gkv_journal *journal)
{
    return kept_of(journal->message_count, journal->options.message_count_max);
}

uint32_t gkv_journal_operation_count(const struct gkv_journal *journal)
{
    return journal->operation_count;
}

uint32_t gkv_journal_mark_count(const struct gkv_journal *journal)
{
    return kept_of(journal->mark_count, journal->options.mark_count_max);
}

uint32_t gkv_journal_left_out_count(const struct gkv_journal *journal)
{
    return journal->message_count - gkv_journal_message_count(journal) + journal->mark_count -
           gkv_journal_mark_count(journal) + journal->operation_refused_count +
           gkv_overhear_lost_count(journal->overhear);
}

const struct gkv_journal_message *gkv_journal_message(const struct gkv_journal *journal,
                                                      uint32_t index)
{
    GKV_ASSERT(index < gkv_journal_message_count(journal));
    return message_at(journal, journal->message_count - gkv_journal_message_count(journal) + index);
}

const struct gkv_journal_operation *gkv_journal_operation(const struct gkv_journal *journal,
                                                          uint32_t index)
{
    GKV_ASSERT(index < journal->operation_count);
    return &journal->operations[index];
}

const struct gkv_journal_mark *gkv_journal_mark(const struct gkv_journal *journal, uint32_t index)
{
    GKV_ASSERT(index < gkv_journal_mark_count(journal));
    const uint32_t first = journal->mark_count - gkv_journal_mark_count(journal);
    return &journal->marks[(first + index) % journal->options.mark_count_max];
}

uint64_t gkv_journal_last_ns(const struct gkv_journal *journal)
{
    return journal->last_ns;
}

bool gkv_journal_is_lost(const struct gkv_journal *journal,
                         const struct gkv_journal_message *message)
{
    const uint64_t transit_ns_max = journal->transit_ns_max[message->is_datagram ? 1 : 0];
    return message->arrival_ns == GKV_NEVER && journal->last_ns - message->send_ns > transit_ns_max;
}
