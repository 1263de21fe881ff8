#include "sim/check.h"

#include <string.h>

#include "core/hash.h"
#include "core/panic.h"

/* Stamps grow with what happened before: each of a node's messages is stamped above the ones before
 * it, above all that the node had accepted before, and above its own versions; a version is above
 * what its coordinator had accepted when the client asked. A node does not follow stamps further
 * ahead of its own wall clock than options.drift_ms_max, and no stamp is ahead of every wall clock.
 * Nothing is written twice under one version, and a version names the life that wrote it.
 *
 * Frames may wait in a node before they are sent, so they are compared within their stream alone.
 * During an input a node may speak before it accepts, so what it accepts counts from the next input
 * on. A version above what a refused clock said (core/quorum.h) is not the clock's: it binds
 * nothing that follows. */

#define WRITER_BYTES 24

static uint64_t ms_of(struct gkv_hlc stamp)
{
    return stamp.packed >> 16;
}

static void raise(struct gkv_hlc *floor, struct gkv_hlc stamp)
{
    if (stamp.packed > floor->packed) {
        *floor = stamp;
    }
}

/* Is a version the node's own clock's, in its present life? core/quorum.h's definition, written a
 * second time on purpose. */
static bool is_clocked(const struct gkv_trial *trial, uint32_t node, struct gkv_version version)
{
    const uint64_t boot_id = trial->world.hosts[node].options.boot_id;
    uint8_t bytes[WRITER_BYTES];
    memcpy(bytes, trial->ids[node].bytes, 16);
    for (uint32_t i = 0; i < 8; i++) {
        bytes[16 + i] = (uint8_t)(boot_id >> (8 * i));
    }
    return gkv_hash128(bytes, sizeof(bytes), 0).low == version.writer;
}

/* ---- Bounds ---------------------------------------------------------------------------------- */

/* No wall clock was ever further ahead; counting may borrow a millisecond. */
static void check_ahead(struct gkv_trial *trial, uint32_t node, struct gkv_hlc stamp)
{
    const uint64_t latest_ms =
        gkv_sim_clock_true_ms(trial->world.now_ns) + (uint64_t)trial->scenario.skew_ms_max + 1;
    trial->tally.counts[GKV_HOLDS_CLOCK_NEAR]++;
    if (ms_of(stamp) > latest_ms) {
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "clock",
                       "%s says %llu ms, %llu ms ahead of every wall clock",
                       gkv_host_text(node).text, (unsigned long long)ms_of(stamp),
                       (unsigned long long)(ms_of(stamp) - latest_ms));
    }
}

/* The node's own clock followed nobody too far. */
static void check_drift(struct gkv_trial *trial, uint32_t node, struct gkv_hlc stamp)
{
    const uint64_t latest_ms =
        trial->clock_watch.wall_ms_max[node] + trial->scenario.world.node.drift_ms_max + 1;
    check_ahead(trial, node, stamp);
    if (ms_of(stamp) > latest_ms) {
        gkv_trial_fail(
            trial, GKV_TRIAL_SAFETY, "clock",
            "%s says %llu ms, when its wall clock showed no more than %llu ms and it may "
            "follow others for %u ms",
            gkv_host_text(node).text, (unsigned long long)ms_of(stamp),
            (unsigned long long)trial->clock_watch.wall_ms_max[node],
            (unsigned)trial->scenario.world.node.drift_ms_max);
    }
}

/* ---- Order ----------------------------------------------------------------------------------- */

static void check_above(struct gkv_trial *trial, const struct gkv_heard *heard,
                        struct gkv_hlc floor, const char *what)
{
    trial->tally.counts[GKV_HOLDS_CLOCK_ORDER] += floor.packed != 0;
    if (heard->hlc.packed <= floor.packed) {
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "clock",
                       "%s stamps a message %llu.%u, after it had %s %llu.%u",
                       gkv_host_text(heard->node).text, (unsigned long long)ms_of(heard->hlc),
                       (unsigned)(heard->hlc.packed & 0xFFFF), what,
                       (unsigned long long)ms_of(floor), (unsigned)(floor.packed & 0xFFFF));
    }
}

static void hear_said(struct gkv_trial *trial, const struct gkv_heard *heard)
{
    struct gkv_clock_watch *watch = &trial->clock_watch;
    check_drift(trial, heard->node, heard->hlc);
    if (heard->is_datagram) {
        check_above(trial, heard, watch->said[heard->node], "said");
        check_above(trial, heard, watch->floors[heard->node], "accepted or used");
        watch->said[heard->node] = heard->hlc;
        return;
    }
    struct gkv_clock_stream *stream =
        &trial->tables.streams[(uint32_t)heard->connection % GKV_NET_CONNECTION_COUNT_MAX];
    if (stream->connection == heard->connection) {
        check_above(trial, heard, stream->said, "said in the same stream");
    }
    stream->connection = heard->connection;
    stream->said = heard->hlc;
}

static void hear_arrival(struct gkv_trial *trial, const struct gkv_heard *heard)
{
    const struct gkv_now now = gkv_host_now(&trial->world.hosts[heard->node], heard->time_ns);
    if (ms_of(heard->hlc) <= now.wall_ms + trial->scenario.world.node.drift_ms_max) {
        raise(&trial->clock_watch.accepted[heard->node], heard->hlc);
    }
}

/* ---- Nothing twice --------------------------------------------------------------------------- */

/* Two records of one version: the same but for a value that expired on the way. */
static bool is_same(const struct gkv_clock_writing *a, const struct gkv_clock_writing *b)
{
    const bool has_expired = a->expire_ms != 0 && (a->is_tombstone || b->is_tombstone);
    return a->key_hash == b->key_hash && a->expire_ms == b->expire_ms &&
           (has_expired || (a->is_tombstone == b->is_tombstone && a->value_hash == b->value_hash));
}

static void hear_record(struct gkv_trial *trial, uint32_t node, struct gkv_bytes key,
                        const struct gkv_record *record)
{
    struct gkv_version_row *row = gkv_watch_version(trial, record->version);
    const struct gkv_clock_writing said = {
        .key_hash = gkv_hash(key.data, key.count, 0),
        .value_hash =
            record->value.count == 0 ? 0 : gkv_hash(record->value.data, record->value.count, 0),
        .expire_ms = record->expire_ms,
        .is_tombstone = record->is_tombstone,
    };
    check_ahead(trial, node, record->version.hlc);
    if (row == NULL) {
        return;
    }
    struct gkv_clock_writing *writing = &row->writing;
    trial->tally.counts[GKV_HOLDS_CLOCK_UNIQUE] += writing->has_record;
    if (writing->has_record && !is_same(writing, &said)) {
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "clock",
                       "%s says something else under version %llu.%u than was said before",
                       gkv_host_text(node).text, (unsigned long long)ms_of(record->version.hlc),
                       (unsigned)(record->version.hlc.packed & 0xFFFF));
        return;
    }
    if (!writing->has_record || writing->is_tombstone) {
        writing->key_hash = said.key_hash;
        writing->value_hash = said.value_hash;
        writing->expire_ms = said.expire_ms;
        writing->is_tombstone = said.is_tombstone;
        writing->has_record = true;
    }
}

static void hear(struct gkv_trial *trial, const struct gkv_heard *heard)
{
    GKV_ASSERT(heard->node < GKV_NET_NODE_COUNT_MAX);
    if (heard->is_arrival) {
        hear_arrival(trial, heard);
        return;
    }
    const struct gkv_message *message = heard->message;
    if (message->kind == GKV_MESSAGE_NONE) {
        return; /* a HELLO has no stamp */
    }
    hear_said(trial, heard);
    if (message->kind == GKV_MESSAGE_WRITE) {
        hear_record(trial, heard->node, message->as.write.key, &message->as.write.record);
    } else if (message->kind == GKV_MESSAGE_SYNC_RECORDS) {
        for (uint32_t i = 0; i < message->as.sync_records.record_count; i++) {
            const struct gkv_keyed_record *keyed = &message->as.sync_records.records[i];
            hear_record(trial, heard->node, keyed->key, &keyed->record);
        }
    }
}

/* ---- Inputs and completions ------------------------------------------------------------------ */

static void begin_life(struct gkv_clock_watch *watch, uint32_t node)
{
    const struct gkv_hlc never = {0};
    watch->floors[node] = never;
    watch->accepted[node] = never;
    watch->said[node] = never;
    watch->wall_ms_max[node] = 0;
}

static void begin_input(struct gkv_trial *trial, const struct gkv_observation *observation)
{
    struct gkv_clock_watch *watch = &trial->clock_watch;
    const uint32_t node = observation->node;
    const struct gkv_now now = gkv_host_now(&trial->world.hosts[node], observation->time_ns);
    raise(&watch->floors[node], watch->accepted[node]);
    if (now.wall_ms > watch->wall_ms_max[node]) {
        watch->wall_ms_max[node] = now.wall_ms;
    }
}

/* Another writer may stand in a version only when it is above what the clock could follow while the
 * operation was under way. Two lives of a node, whose clocks may show the same, share no version
 * only because each is named. */
static void check_writer(struct gkv_trial *trial, uint32_t node, uint32_t number,
                         struct gkv_version version)
{
    const uint64_t near_ms = gkv_sim_clock_true_ms(trial->history.deeds[number].begin_ns) +
                             trial->scenario.world.node.drift_ms_max -
                             (uint64_t)trial->scenario.skew_ms_max;
    if (ms_of(version.hlc) <= near_ms) {
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "clock",
                       "operation %u wrote version %s, which does not name the life of %s",
                       (unsigned)number, gkv_history_version(version).text,
                       gkv_host_text(node).text);
    }
}

static void check_write(struct gkv_trial *trial, uint32_t node, uint32_t number,
                        struct gkv_version version)
{
    struct gkv_clock_watch *watch = &trial->clock_watch;
    check_ahead(trial, node, version.hlc);
    trial->tally.counts[GKV_HOLDS_CLOCK_ORDER] += watch->asked[number].packed != 0;
    if (version.hlc.packed <= watch->asked[number].packed) {
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "clock",
                       "operation %u wrote version %llu.%u, but %s had accepted %llu.%u before",
                       (unsigned)number, (unsigned long long)ms_of(version.hlc),
                       (unsigned)(version.hlc.packed & 0xFFFF), gkv_host_text(node).text,
                       (unsigned long long)ms_of(watch->asked[number]),
                       (unsigned)(watch->asked[number].packed & 0xFFFF));
    }
    if (is_clocked(trial, node, version)) {
        check_drift(trial, node, version.hlc);
        raise(&watch->accepted[node], version.hlc);
    } else {
        check_writer(trial, node, number, version);
    }
    struct gkv_version_row *row = gkv_watch_version(trial, version);
    if (row == NULL) {
        return;
    }
    struct gkv_clock_writing *writing = &row->writing;
    trial->tally.counts[GKV_HOLDS_CLOCK_UNIQUE]++;
    if (writing->writer != 0 && writing->writer != number + 1) {
        gkv_trial_fail(
            trial, GKV_TRIAL_SAFETY, "clock", "operations %u and %u wrote the same version %llu.%u",
            (unsigned)writing->writer - 1, (unsigned)number, (unsigned long long)ms_of(version.hlc),
            (unsigned)(version.hlc.packed & 0xFFFF));
    }
    writing->writer = number + 1;
}

static void observe_output(struct gkv_trial *trial, const struct gkv_observation *observation)
{
    if (observation->output->kind != GKV_OUTPUT_COMPLETE) {
        return;
    }
    const struct gkv_result *result = &observation->output->as.result;
    const struct gkv_deed *deed = gkv_history_find(&trial->history, result->cookie);
    if (deed != NULL && deed->kind != GKV_OPERATION_GET && deed->complete_count == 1 &&
        !gkv_version_is_none(result->version)) {
        check_write(trial, observation->node, (uint32_t)(result->cookie - 1), result->version);
    }
}

static void observe(struct gkv_trial *trial, const struct gkv_observation *observation)
{
    const uint32_t node = observation->node;
    switch (observation->kind) {
    case GKV_OBSERVE_BOOT:
        begin_life(&trial->clock_watch, node);
        begin_input(trial, observation);
        return;
    case GKV_OBSERVE_SUBMIT:
        begin_input(trial, observation);
        if (gkv_history_find(&trial->history, observation->operation->cookie) != NULL) {
            trial->clock_watch.asked[observation->operation->cookie - 1] =
                trial->clock_watch.floors[node];
        }
        return;
    case GKV_OBSERVE_LEAVE:
    case GKV_OBSERVE_DATAGRAM:
    case GKV_OBSERVE_RECEIVED:
    case GKV_OBSERVE_CONNECTED:
    case GKV_OBSERVE_ACCEPTED:
    case GKV_OBSERVE_CLOSED:
    case GKV_OBSERVE_TIMER:
        begin_input(trial, observation);
        return;
    case GKV_OBSERVE_OUTPUT:
        observe_output(trial, observation);
        return;
    case GKV_OBSERVE_CRASH:
    case GKV_OBSERVE_SENT:
    case GKV_OBSERVE_CALL:
    case GKV_OBSERVE_PAUSE:
    case GKV_OBSERVE_RESUME:
        return;
    }
}

const struct gkv_check gkv_check_clock = {
    .name = "clock",
    .demands = "A node's stamps only rise, are above what it was told before, and stay near "
               "its wall clock; no two versions are equal, and each names the life that wrote it.",
    .told_mask = GKV_TOLD(GKV_OBSERVE_BOOT) | GKV_TOLD(GKV_OBSERVE_SUBMIT) |
                 GKV_TOLD(GKV_OBSERVE_LEAVE) | GKV_TOLD(GKV_OBSERVE_DATAGRAM) |
                 GKV_TOLD(GKV_OBSERVE_RECEIVED) | GKV_TOLD(GKV_OBSERVE_CONNECTED) |
                 GKV_TOLD(GKV_OBSERVE_ACCEPTED) | GKV_TOLD(GKV_OBSERVE_CLOSED) |
                 GKV_TOLD(GKV_OBSERVE_TIMER) | GKV_TOLD_OUTPUT(GKV_OUTPUT_COMPLETE),
    .observe = observe,
    .hear = hear,
};
