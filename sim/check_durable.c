#include "sim/check.h"

#include "core/hash.h"
#include "core/node.h"
#include "core/panic.h"
#include "core/store.h"
#include "sim/forgetting.h"

/* A write that is acknowledged is on W owners at that moment: each of them said so, or is the
 * coordinator; and each that still lives holds that version or a newer one. In the end, an owner
 * that held the newest acknowledged version and kept its memory holds it still; and where no memory
 * was lost at all, somebody holds at least that version of every key, full stores or not.
 *
 * Who owns a key is asked where all nodes know the whole ring all the time; else W nodes of any
 * kind are enough. A node that has just begun another life knows a part of the ring, and takes it
 * for the whole one until it has met the others. */

static bool has_still_ring(const struct gkv_trial *trial)
{
    return !trial->scenario.ring_moves;
}

static bool has_known_ring(const struct gkv_trial *trial)
{
    return has_still_ring(trial) && !trial->scenario.loses_memory;
}

/* ---- Who said that it stored what ------------------------------------------------------------ */

/* Where a version is, or would be; NULL when the table is full. */
static struct gkv_durable_reply *find_reply(struct gkv_durable_watch *watch,
                                            struct gkv_version version)
{
    const uint64_t mixed = (version.hlc.packed ^ version.writer) * UINT64_C(0x9E3779B97F4A7C15);
    uint32_t place = (uint32_t)(mixed >> 32) % GKV_WATCH_VERSION_COUNT;
    for (;;) {
        struct gkv_durable_reply *reply = &watch->replies[place];
        if (gkv_version_is_none(reply->version)) {
            break;
        }
        if (gkv_version_compare(reply->version, version) == 0) {
            return reply;
        }
        place = (place + 1) % GKV_WATCH_VERSION_COUNT;
    }
    if (watch->reply_count >= GKV_WATCH_VERSION_COUNT / 2) {
        return NULL;
    }
    watch->reply_count++;
    watch->replies[place].version = version;
    return &watch->replies[place];
}

static void hear(struct gkv_trial *trial, const struct gkv_heard *heard)
{
    if (heard->is_arrival || heard->message->kind != GKV_MESSAGE_WRITE_REPLY ||
        heard->message->as.write_reply.status != GKV_REPLY_OK) {
        return;
    }
    GKV_ASSERT(heard->node < GKV_SCENARIO_NODE_COUNT_MAX);
    struct gkv_durable_reply *reply =
        find_reply(&trial->durable_watch, heard->message->as.write_reply.version);
    if (reply != NULL) {
        reply->node_mask |= 1u << heard->node;
        reply->lives[heard->node] = trial->world.hosts[heard->node].life_count;
    }
}

/* ---- Who holds what -------------------------------------------------------------------------- */

/* Does a live node hold at least this version, or has it rightly forgotten one that was? */
static bool is_held(const struct gkv_trial *trial, uint32_t node, uint32_t key,
                    struct gkv_version version)
{
    char text[GKV_KEY_BYTES_MAX];
    const struct gkv_bytes bytes = gkv_history_key(key, text);
    const uint64_t hash = gkv_hash(bytes.data, bytes.count, trial->scenario.world.node.hash_seed);
    const struct gkv_store *store =
        gkv_node_store(gkv_endpoint_node(trial->world.hosts[node].endpoint));
    struct gkv_record record;
    if (gkv_store_get(store, (struct gkv_key){bytes, hash}, 0, (struct gkv_buffer){NULL, 0},
                      &record) &&
        gkv_version_compare(record.version, version) >= 0) {
        return true;
    }
    return gkv_version_compare(gkv_store_forgotten(store), version) >= 0 &&
           gkv_forgetting_is_allowed(trial, key, version);
}

static uint32_t owner_mask(struct gkv_trial *trial, uint32_t key)
{
    uint8_t owners[GKV_REPLICA_COUNT_MAX];
    uint32_t mask = 0;
    const uint32_t owner_count = gkv_owners_of(trial, key, owners);
    for (uint32_t i = 0; i < owner_count; i++) {
        mask |= 1u << owners[i];
    }
    return mask;
}

/* The owners that have a version for all that can be known. One that said so and lives on must hold
 * it; one that said so and crashed since did hold it. */
static uint32_t holder_mask(struct gkv_trial *trial, uint32_t key, uint32_t coordinator,
                            const struct gkv_durable_reply *reply)
{
    const uint32_t owners = has_known_ring(trial) ? owner_mask(trial, key) : UINT32_MAX;
    uint32_t mask = 0;
    for (uint32_t i = 0; i < trial->scenario.node_count; i++) {
        const struct gkv_host *host = &trial->world.hosts[i];
        const bool has_said = (reply->node_mask >> i & 1u) != 0;
        const bool lives_on =
            host->endpoint != NULL && (!has_said || host->life_count == reply->lives[i]);
        if ((owners >> i & 1u) == 0 || (!has_said && i != coordinator)) {
            continue;
        }
        if (!lives_on || is_held(trial, i, key, reply->version)) {
            mask |= 1u << i;
        }
    }
    return mask;
}

static uint32_t bits_in(uint32_t mask)
{
    uint32_t count = 0;
    for (uint32_t rest = mask; rest != 0; rest &= rest - 1) {
        count++;
    }
    return count;
}

/* ---- At the moment --------------------------------------------------------------------------- */

static void check_acknowledged(struct gkv_trial *trial, const struct gkv_deed *deed,
                               uint32_t number)
{
    struct gkv_durable_watch *watch = &trial->durable_watch;
    const struct gkv_durable_reply *reply = find_reply(watch, deed->version);
    if (reply == NULL) {
        return;
    }
    const uint32_t mask = holder_mask(trial, deed->key, deed->node, reply);
    trial->tally.counts[GKV_HOLDS_DURABLE]++;
    if (bits_in(mask) < trial->scenario.world.node.write_quorum) {
        trial->verdict.key = deed->key;
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "durable",
                       "operation %u wrote k%u, acknowledged, but only %u of %u owners have it",
                       (unsigned)number, (unsigned)deed->key, (unsigned)bits_in(mask),
                       (unsigned)trial->scenario.world.node.write_quorum);
    }
    if (gkv_version_compare(deed->version, watch->newest[deed->key]) <= 0) {
        return;
    }
    watch->newest[deed->key] = deed->version;
    watch->holder_mask[deed->key] = mask;
    for (uint32_t i = 0; i < trial->scenario.node_count; i++) {
        const bool has_said = (reply->node_mask >> i & 1u) != 0;
        watch->holder_lives[deed->key][i] =
            has_said ? reply->lives[i] : trial->world.hosts[i].life_count;
    }
}

static void observe(struct gkv_trial *trial, const struct gkv_observation *observation)
{
    if (observation->kind != GKV_OBSERVE_OUTPUT ||
        observation->output->kind != GKV_OUTPUT_COMPLETE) {
        return;
    }
    const struct gkv_result *result = &observation->output->as.result;
    const struct gkv_deed *deed = gkv_history_find(&trial->history, result->cookie);
    if (deed != NULL && deed->kind != GKV_OPERATION_GET && deed->complete_count == 1 &&
        result->error == GKV_OK) {
        check_acknowledged(trial, deed, (uint32_t)(result->cookie - 1));
    }
}

/* ---- In the end ------------------------------------------------------------------------------ */

static void finish_key(struct gkv_trial *trial, uint32_t key)
{
    const struct gkv_durable_watch *watch = &trial->durable_watch;
    const struct gkv_version newest = watch->newest[key];
    const uint32_t owners = has_still_ring(trial) ? owner_mask(trial, key) : 0;
    bool is_held_somewhere = false;
    trial->tally.counts[GKV_HOLDS_KEEPS]++;
    for (uint32_t i = 0; i < trial->scenario.node_count; i++) {
        const struct gkv_host *host = &trial->world.hosts[i];
        if (host->endpoint == NULL) {
            continue;
        }
        const bool is_here = is_held(trial, i, key, newest);
        const bool kept_memory = (watch->holder_mask[key] & owners & 1u << i) != 0 &&
                                 host->life_count == watch->holder_lives[key][i];
        is_held_somewhere = is_held_somewhere || is_here;
        if (kept_memory && !is_here) {
            trial->verdict.key = key;
            gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "durable",
                           "%c held the newest acknowledged version of k%u, kept its memory, and "
                           "holds it no more",
                           gkv_host_letter(i), (unsigned)key);
        }
    }
    if (!is_held_somewhere && trial->scenario.forgets_nothing) {
        trial->verdict.key = key;
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "durable",
                       "nobody holds the newest acknowledged version %s of k%u",
                       gkv_history_version(newest).text, (unsigned)key);
    }
}

static void finish(struct gkv_trial *trial)
{
    for (uint32_t key = 0; key < trial->scenario.key_count; key++) {
        if (!gkv_version_is_none(trial->durable_watch.newest[key])) {
            finish_key(trial, key);
        }
    }
}

const struct gkv_check gkv_check_durable = {
    .name = "durable",
    .demands = "What was acknowledged is held by as many owners as the write waited for, "
               "until something newer takes its place.",
    .told_mask = GKV_TOLD_OUTPUT(GKV_OUTPUT_COMPLETE),
    .observe = observe,
    .finish = finish,
    .hear = hear,
};
