#include "sim/journal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "core/options.h"
#include "core/panic.h"
#include "io_sim/clock.h"
#include "proto/codec.h"
#include "proto/frame.h"
#include "sim/history.h"
#include "sim/journal_text.h"

#define NONE UINT32_MAX
#define BUCKET_COUNT 16384
#define ASKED_COUNT 4096

/* The bytes of a frame that was not sent as a whole yet; borrowed from the pool. */
struct carry {
    uint32_t count;
    bool is_used;
    uint8_t bytes[GKV_JOURNAL_CARRY_BYTES];
};

/* A connection's bytes, in the one direction that anybody speaks in. */
struct channel {
    uint64_t connection;
    uint64_t sent;      /* bytes ever */
    uint64_t parsed;    /* where the next frame begins */
    uint64_t delivered; /* bytes ever */
    uint64_t frame_ns;  /* when the first byte of the next frame was sent */
    uint32_t last;      /* the newest message of it; NONE */
    uint32_t carry;     /* NONE: no half of a frame */
    bool is_known;
    bool is_lost; /* it cannot be cut into frames any more */
};

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
    struct channel *channels;       /* by the world's number of a connection */
    struct carry *carries;
    void *codec_allocation;
    struct gkv_codec *codec;
    uint32_t message_count; /* ever */
    uint32_t operation_count;
    uint32_t operation_refused_count;
    uint32_t mark_count; /* ever */
    uint32_t unseen_count;
    uint32_t order;
    uint64_t last_ns;
    uint64_t transit_ns_max[2];     /* seen so far, of streams and of datagrams */
    uint32_t buckets[BUCKET_COUNT]; /* the newest datagram that hashes there */
    struct asked asked[ASKED_COUNT];
    uint8_t dialled[GKV_NET_NODE_COUNT_MAX][GKV_NET_STREAM_COUNT]; /* whom a stream goes to */
    bool is_cut[GKV_NET_NODE_COUNT_MAX][GKV_NET_NODE_COUNT_MAX];
    int64_t clock_ms[GKV_NET_NODE_COUNT_MAX]; /* the offset last seen */
    struct gkv_node_id ids[GKV_NET_NODE_COUNT_MAX];
};

/* ---- Making ---------------------------------------------------------------------------------- */

/* Lay out the codec in memory of its own; twice, as arenas do. */
static bool create_codec(struct gkv_journal *journal)
{
    struct gkv_codec counted;
    struct gkv_arena arena = gkv_arena_counting();
    (void)gkv_arena_carve(&arena, 1, sizeof(counted));
    gkv_codec_init(&counted, &arena, journal->options.value_bytes_max);
    const size_t bytes = arena.used;
    journal->codec_allocation = malloc(bytes + GKV_ARENA_ALIGN);
    if (journal->codec_allocation == NULL) {
        return false;
    }
    const uintptr_t start = (uintptr_t)journal->codec_allocation;
    const size_t gap = (GKV_ARENA_ALIGN - start % GKV_ARENA_ALIGN) % GKV_ARENA_ALIGN;
    arena = gkv_arena_over((uint8_t *)journal->codec_allocation + gap, bytes);
    journal->codec = gkv_arena_carve(&arena, 1, sizeof(*journal->codec));
    gkv_codec_init(journal->codec, &arena, journal->options.value_bytes_max);
    return true;
}

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
    journal->channels = calloc(GKV_NET_CONNECTION_COUNT, sizeof(*journal->channels));
    journal->carries = calloc(GKV_JOURNAL_CARRY_COUNT, sizeof(*journal->carries));
    if (journal->messages == NULL || journal->operations == NULL || journal->marks == NULL ||
        journal->channels == NULL || journal->carries == NULL || !create_codec(journal)) {
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
    free(journal->channels);
    free(journal->carries);
    free(journal->codec_allocation);
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

static void decode(struct gkv_journal *journal, struct gkv_journal_message *entry,
                   struct gkv_bytes payload)
{
    struct gkv_message message;
    uint64_t cluster_hash = 0;
    if (gkv_codec_decode(journal->codec, payload, &message, &cluster_hash) == GKV_OK) {
        gkv_journal_describe(entry, &message);
        follow_key(journal, entry, &message);
    } else {
        (void)snprintf(entry->text, sizeof(entry->text), "malformed");
    }
}

static uint64_t datagram_hash(struct gkv_bytes bytes, uint32_t from, uint32_t to)
{
    return gkv_hash(bytes.data, bytes.count, (uint64_t)from << 8 | to);
}

static void on_datagram_sent(struct gkv_journal *journal, const struct gkv_observation *observation)
{
    const struct gkv_bytes bytes = observation->output->as.datagram.bytes;
    const uint32_t to = gkv_host_of_address(&observation->output->as.datagram.address);
    struct gkv_bytes payload;
    if (to >= journal->options.node_count) {
        return;
    }
    const uint32_t number = journal->message_count;
    struct gkv_journal_message *entry = add_message(journal, observation->time_ns);
    entry->from = (uint8_t)observation->node;
    entry->to = (uint8_t)to;
    entry->is_datagram = true;
    entry->bytes = (uint32_t)bytes.count;
    entry->matter = datagram_hash(bytes, observation->node, to);
    entry->previous = journal->buckets[entry->matter % BUCKET_COUNT];
    journal->buckets[entry->matter % BUCKET_COUNT] = number;
    if (gkv_datagram_parse(bytes, &payload) == GKV_FRAME_WHOLE) {
        decode(journal, entry, payload);
    }
}

static void on_datagram(struct gkv_journal *journal, const struct gkv_observation *observation)
{
    const uint32_t from = (uint32_t)observation->argument;
    const uint64_t hash = datagram_hash(observation->bytes, from, observation->node);
    uint32_t oldest = NONE; /* of those that have not arrived */
    uint32_t arrived = NONE;
    uint32_t number = journal->buckets[hash % BUCKET_COUNT];
    while (number != NONE && is_kept(journal, number)) {
        const struct gkv_journal_message *entry = message_at(journal, number);
        if (entry->matter == hash && !entry->is_copy && entry->arrival_ns == GKV_NEVER) {
            oldest = number;
        } else if (entry->matter == hash && arrived == NONE) {
            arrived = number;
        }
        number = entry->previous;
    }
    if (oldest != NONE) {
        arrive(journal, message_at(journal, oldest), observation->time_ns);
    } else if (arrived != NONE) {
        const struct gkv_journal_message original = *message_at(journal, arrived);
        struct gkv_journal_message *copy = add_message(journal, original.send_ns);
        *copy = original;
        copy->previous = NONE;
        copy->is_copy = true;
        arrive(journal, copy, observation->time_ns);
    }
}

/* ---- Streams --------------------------------------------------------------------------------- */

static struct channel *channel_of(struct gkv_journal *journal, uint64_t connection)
{
    struct channel *channel = &journal->channels[(uint32_t)connection % GKV_NET_CONNECTION_COUNT];
    if (!channel->is_known || channel->connection != connection) {
        if (channel->is_known && channel->carry != NONE) {
            journal->carries[channel->carry].is_used = false;
        }
        *channel = (struct channel){
            .is_known = true, .connection = connection, .last = NONE, .carry = NONE};
    }
    return channel;
}

/* Keep the half of a frame, until the rest of it is sent. */
static void keep_rest(struct gkv_journal *journal, struct channel *channel, struct gkv_bytes rest)
{
    uint32_t place = channel->carry;
    for (uint32_t i = 0; place == NONE && i < GKV_JOURNAL_CARRY_COUNT; i++) {
        place = journal->carries[i].is_used ? NONE : i;
    }
    if (place == NONE || rest.count > GKV_JOURNAL_CARRY_BYTES) {
        channel->is_lost = true;
        journal->unseen_count++;
        return;
    }
    channel->carry = place;
    journal->carries[place].is_used = true;
    journal->carries[place].count = (uint32_t)rest.count;
    memmove(journal->carries[place].bytes, rest.data, rest.count);
}

static void add_frame(struct gkv_journal *journal, struct channel *channel,
                      const struct gkv_observation *observation, struct gkv_bytes payload)
{
    const uint32_t number = journal->message_count;
    struct gkv_journal_message *entry = add_message(journal, channel->frame_ns);
    const uint32_t stream = (uint32_t)observation->argument % GKV_NET_STREAM_COUNT;
    entry->from = (uint8_t)observation->node;
    entry->to = journal->dialled[observation->node][stream];
    entry->bytes = (uint32_t)payload.count + GKV_FRAME_HEADER_BYTES;
    entry->previous = channel->last;
    channel->last = number;
    if (channel->parsed == 0) {
        (void)snprintf(entry->text, sizeof(entry->text), "opens a stream");
    } else {
        decode(journal, entry, payload);
    }
    channel->parsed += entry->bytes;
    channel->frame_ns = observation->time_ns;
    entry->matter = channel->parsed;
}

/* Cut whole frames off; returns how many bytes they are. */
static size_t cut_frames(struct gkv_journal *journal, struct channel *channel,
                         const struct gkv_observation *observation, struct gkv_bytes bytes)
{
    const size_t payload_bytes_max = gkv_codec_payload_bytes_max(journal->options.value_bytes_max);
    size_t done = 0;
    while (done < bytes.count) {
        struct gkv_bytes payload;
        size_t consumed = 0;
        const struct gkv_bytes rest = {.data = bytes.data + done, .count = bytes.count - done};
        const enum gkv_frame_status status =
            gkv_frame_parse(rest, payload_bytes_max, &payload, &consumed);
        if (status != GKV_FRAME_WHOLE) {
            channel->is_lost = status != GKV_FRAME_MORE;
            journal->unseen_count += channel->is_lost;
            break;
        }
        add_frame(journal, channel, observation, payload);
        done += consumed;
    }
    return done;
}

static void on_sent(struct gkv_journal *journal, const struct gkv_observation *observation)
{
    struct channel *channel = channel_of(journal, observation->connection);
    struct gkv_bytes bytes = observation->bytes;
    if (channel->is_lost) {
        return;
    }
    if (channel->sent == channel->parsed) {
        channel->frame_ns = observation->time_ns;
    }
    channel->sent += bytes.count;
    if (channel->carry != NONE) { /* what was kept, and what is new, are looked at as one */
        struct carry *carry = &journal->carries[channel->carry];
        if (bytes.count > GKV_JOURNAL_CARRY_BYTES - carry->count) {
            channel->is_lost = true;
            journal->unseen_count++;
            return;
        }
        memcpy(carry->bytes + carry->count, bytes.data, bytes.count);
        carry->count += (uint32_t)bytes.count;
        bytes = (struct gkv_bytes){.data = carry->bytes, .count = carry->count};
    }
    const size_t done = cut_frames(journal, channel, observation, bytes);
    if (done < bytes.count) {
        keep_rest(journal, channel,
                  (struct gkv_bytes){.data = bytes.data + done, .count = bytes.count - done});
    } else if (channel->carry != NONE) {
        journal->carries[channel->carry].is_used = false;
        channel->carry = NONE;
    }
}

/* The newest message of a channel whose last byte is delivered now, and how many there are; they
 * follow each other through `previous`. NONE when there is none. */
static uint32_t find_arriving(const struct gkv_journal *journal, const struct channel *channel,
                              uint32_t *count_out)
{
    uint32_t first = NONE;
    uint32_t number = channel->last;
    *count_out = 0;
    while (number != NONE && is_kept(journal, number)) {
        const struct gkv_journal_message *entry = message_at(journal, number);
        if (entry->arrival_ns != GKV_NEVER) {
            break;
        }
        if (entry->matter <= channel->delivered) {
            first = first == NONE ? number : first;
            (*count_out)++;
        }
        number = entry->previous;
    }
    return first;
}

static void on_received(struct gkv_journal *journal, const struct gkv_observation *observation)
{
    struct channel *channel = channel_of(journal, observation->connection);
    channel->delivered += observation->bytes.count;
    uint32_t count = 0;
    uint32_t number = find_arriving(journal, channel, &count);
    const uint32_t order = journal->order;
    journal->order += count;
    for (; count > 0; count--) { /* newest first */
        struct gkv_journal_message *entry = message_at(journal, number);
        entry->arrival_ns = observation->time_ns;
        entry->arrival_order = order + count;
        note_transit(journal, entry);
        number = entry->previous;
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
    const char node = (char)('a' + observation->node);
    if (observation->kind == GKV_OBSERVE_RESUME) {
        (void)snprintf(mark->text, sizeof(mark->text), "%c goes on", node);
        return;
    }
    (void)snprintf(mark->text, sizeof(mark->text), "%c stands still for %" PRIu64 " ms", node,
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
    case GKV_OUTPUT_DATAGRAM:
        on_datagram_sent(journal, observation);
        return;
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
    case GKV_OUTPUT_CLOSE:
    case GKV_OUTPUT_SEND:
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
    case GKV_OBSERVE_DATAGRAM:
        on_datagram(journal, observation);
        return;
    case GKV_OBSERVE_SENT:
        on_sent(journal, observation);
        return;
    case GKV_OBSERVE_RECEIVED:
        on_received(journal, observation);
        return;
    case GKV_OBSERVE_OUTPUT:
        on_output(journal, observation);
        return;
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
           journal->unseen_count;
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
