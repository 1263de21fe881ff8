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
 * for the whole one until it has met the others.
 *
 * Who said so is overheard. Where a connection could not be heard to its end, some who said so are
 * not known, and how many have it is not asked. Nor is anything where stores evict. */

static bool has_still_ring(const struct gkv_trial *trial)
{
    return !trial->scenario.ring_moves;
}

static bool has_known_ring(const struct gkv_trial *trial)
{
    return has_still_ring(trial) && !trial->scenario.loses_memory;
}

static bool has_heard_all(const struct gkv_trial *trial)
{
    return trial->overhear == NULL || gkv_overhear_lost_count(trial->overhear) == 0;
}

/* ---- Who said that it stored what ------------------------------------------------------------ */

/* A node stored a version in its present life. */
static void note_stored(struct gkv_trial *trial, struct gkv_version_row *row, uint32_t node)
{
    struct gkv_durable_watch *watch = &trial->durable_watch;
    struct gkv_durable_stored *all = trial->tables.stored;
    const uint32_t life = trial->world.hosts[node].life_count;
    for (uint32_t next = row->stored; next != 0; next = all[next - 1].next) {
        if (all[next - 1].node == node) {
            all[next - 1].life = life;
            return;
        }
    }
    if (watch->stored_count == GKV_WATCH_STORED_COUNT) {
        gkv_watch_no_room(trial, "replies");
        return;
    }
    all[watch->stored_count++] =
        (struct gkv_durable_stored){.node = node, .life = life, .next = row->stored};
    row->stored = watch->stored_count;
}

static void hear(struct gkv_trial *trial, const struct gkv_heard *heard)
{
    if (heard->is_arrival || heard->message->kind != GKV_MESSAGE_WRITE_REPLY ||
        heard->message->as.write_reply.status != GKV_REPLY_OK) {
        return;
    }
    GKV_ASSERT(heard->node < trial->scenario.node_count);
    struct gkv_version_row *row = gkv_watch_version(trial, heard->message->as.write_reply.version);
    if (row != NULL) {
        note_stored(trial, row, heard->node);
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
    if (gkv_store_peek(store, (struct gkv_key){bytes, hash}, 0, (struct gkv_buffer){NULL, 0},
                       &record) &&
        gkv_version_compare(record.version, version) >= 0) {
        return true;
    }
    return gkv_version_compare(gkv_store_forgotten(store), version) >= 0 &&
           gkv_forgetting_is_allowed(trial, key, version);
}

/* How many owners have a version for all that can be known: the coordinator, if it holds it, and
 * who said so. One that said so and lives on must hold it; one that crashed since did hold it. */
static uint32_t count_holders(struct gkv_trial *trial, uint32_t key, uint32_t coordinator,
                              struct gkv_version version, const struct gkv_version_row *row)
{
    const bool any_counts = !has_known_ring(trial);
    const struct gkv_durable_stored *all = trial->tables.stored;
    const bool has_coordinator = is_held(trial, coordinator, key, version) &&
                                 (any_counts || gkv_owners_include(trial, key, coordinator));
    uint32_t count = has_coordinator;
    for (uint32_t next = row->stored; next != 0; next = all[next - 1].next) {
        const struct gkv_durable_stored *stored = &all[next - 1];
        const struct gkv_host *host = &trial->world.hosts[stored->node];
        const bool lives_on = host->endpoint != NULL && host->life_count == stored->life;
        count += stored->node != coordinator &&
                 (any_counts || gkv_owners_include(trial, key, stored->node)) &&
                 (!lives_on || is_held(trial, stored->node, key, version));
    }
    return count;
}

/* ---- At the moment --------------------------------------------------------------------------- */

static void check_count(struct gkv_trial *trial, const struct gkv_deed *deed, uint32_t number,
                        const struct gkv_version_row *row)
{
    const uint32_t count = count_holders(trial, deed->key, deed->node, deed->version, row);
    trial->tally.counts[GKV_HOLDS_DURABLE]++;
    if (count < trial->scenario.world.node.write_quorum) {
        trial->verdict.key = deed->key;
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "durable",
                       "operation %u wrote k%u, acknowledged, but only %u of %u owners have it",
                       (unsigned)number, (unsigned)deed->key, (unsigned)count,
                       (unsigned)trial->scenario.world.node.write_quorum);
    }
}

static void check_acknowledged(struct gkv_trial *trial, const struct gkv_deed *deed,
                               uint32_t number)
{
    struct gkv_durable_watch *watch = &trial->durable_watch;
    const struct gkv_version_row *row = gkv_watch_version(trial, deed->version);
    if (row == NULL) {
        return;
    }
    if (has_heard_all(trial)) {
        check_count(trial, deed, number, row);
    }
    if (gkv_version_compare(deed->version, watch->newest[deed->key].version) > 0) {
        const bool holds = is_held(trial, deed->node, deed->key, deed->version);
        watch->newest[deed->key].version = deed->version;
        watch->newest[deed->key].coordinator = deed->node;
        watch->newest[deed->key].life = holds ? trial->world.hosts[deed->node].life_count : 0;
    }
}

static void observe(struct gkv_trial *trial, const struct gkv_observation *observation)
{
    if (observation->kind != GKV_OBSERVE_OUTPUT ||
        observation->output->kind != GKV_OUTPUT_COMPLETE || trial->scenario.evicts) {
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

/* Whoever held it in a life must hold it in the same life, if it owns the key all the time. */
static void check_kept(struct gkv_trial *trial, uint32_t key, uint32_t node, uint32_t life)
{
    const struct gkv_host *host = &trial->world.hosts[node];
    if (host->endpoint == NULL || host->life_count != life ||
        !gkv_owners_include(trial, key, node)) {
        return;
    }
    trial->tally.counts[GKV_HOLDS_KEEPS]++;
    if (!is_held(trial, node, key, trial->durable_watch.newest[key].version)) {
        trial->verdict.key = key;
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "durable",
                       "%s held the newest acknowledged version of k%u, kept its memory, and "
                       "holds it no more",
                       gkv_host_text(node).text, (unsigned)key);
    }
}

static void check_somewhere(struct gkv_trial *trial, uint32_t key)
{
    const struct gkv_version newest = trial->durable_watch.newest[key].version;
    for (uint32_t i = 0; i < trial->scenario.node_count; i++) {
        if (trial->world.hosts[i].endpoint != NULL && is_held(trial, i, key, newest)) {
            return;
        }
    }
    trial->verdict.key = key;
    gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "durable",
                   "nobody holds the newest acknowledged version %s of k%u",
                   gkv_history_version(newest).text, (unsigned)key);
}

static void finish_key(struct gkv_trial *trial, uint32_t key)
{
    const struct gkv_durable_stored *all = trial->tables.stored;
    const struct gkv_version_row *row =
        gkv_watch_version(trial, trial->durable_watch.newest[key].version);
    if (has_still_ring(trial) && row != NULL) {
        check_kept(trial, key, trial->durable_watch.newest[key].coordinator,
                   trial->durable_watch.newest[key].life);
        for (uint32_t next = row->stored; next != 0; next = all[next - 1].next) {
            check_kept(trial, key, all[next - 1].node, all[next - 1].life);
        }
    }
    if (trial->scenario.forgets_nothing) {
        check_somewhere(trial, key);
    }
}

static void finish(struct gkv_trial *trial)
{
    for (uint32_t key = 0; key < trial->scenario.key_count; key++) {
        if (!gkv_version_is_none(trial->durable_watch.newest[key].version)) {
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
    .hear_mask = GKV_HEARS(GKV_MESSAGE_WRITE_REPLY),
    .hear = hear,
};
