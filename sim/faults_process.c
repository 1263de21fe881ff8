#include "core/member.h"
#include "core/node.h"
#include "core/panic.h"
#include "sim/check.h"
#include "sim/clerk.h"
#include "sim/strikes.h"

#define MS GKV_NS_PER_MS

static uint32_t choose_node(struct gkv_trial *trial, const char *label)
{
    return (uint32_t)gkv_strike_below(trial, label, trial->scenario.node_count);
}

/* ---- Beginning and ending lives -------------------------------------------------------------- */

static uint32_t down_count(const struct gkv_trial *trial)
{
    uint32_t down = 0;
    for (uint32_t i = 0; i < trial->scenario.node_count; i++) {
        down += gkv_nodes_has(&trial->joined, i) && !trial->world.hosts[i].is_up;
    }
    return down;
}

/* Operations that this life coordinated are lost with it. */
static void abandon(struct gkv_trial *trial, uint32_t node)
{
    for (uint32_t i = 0; i < trial->scenario.client_count; i++) {
        struct gkv_client *client = &trial->clients[i];
        if (client->waiting == GKV_HISTORY_NONE ||
            trial->history.deeds[client->waiting].node != node) {
            continue;
        }
        trial->history.deeds[client->waiting].is_abandoned = true;
        trial->history.open_count--;
        client->waiting = GKV_HISTORY_NONE;
        gkv_trial_call_in(trial, 10 * MS, GKV_CALL_CLIENT, i);
    }
}

void gkv_strike_end(struct gkv_trial *trial, uint32_t node, uint64_t silent_ns,
                    enum gkv_predicate met)
{
    trial->down_since_ns[node] = trial->world.now_ns;
    gkv_world_crash(&trial->world, node, silent_ns);
    trial->tally.counts[met]++;
    abandon(trial, node);
}

/* May a node be stopped, and begin another life? */
static bool may_restart(const struct gkv_trial *trial, uint32_t node)
{
    const struct gkv_host *host = &trial->world.hosts[node];
    return host->is_up && host->life_count < host->life_count_max &&
           !gkv_nodes_has(&trial->left, node);
}

void gkv_strike_boot(struct gkv_trial *trial, uint32_t node)
{
    const struct gkv_host *host = &trial->world.hosts[node];
    if (host->is_up || host->life_count == host->life_count_max) {
        return;
    }
    trial->tally.counts[GKV_MET_JOIN] += host->life_count == 0 && trial->phase == GKV_PHASE_WORK;
    if (!gkv_clerk_reads(trial)) { /* which sets clocks by itself */
        gkv_strike_clock_set(trial, node);
    }
    gkv_nodes_add(&trial->joined, node);
    gkv_nodes_remove(&trial->left, node);
    gkv_nodes_remove(&trial->heard, node);
    trial->up_since_ns[node] = trial->world.now_ns;
    gkv_world_boot(&trial->world, node);
}

/* May a node stay down? Not one of whom somebody who is up has not heard: nobody could say that it
 * is unreachable. Not a seed: without it, those who begin again do not find each other. */
static bool may_stay_down(struct gkv_trial *trial, uint32_t node)
{
    uint32_t holder_count = 0;
    for (uint32_t i = 0; i < trial->scenario.node_count; i++) {
        const struct gkv_host *host = &trial->world.hosts[i];
        if (!host->is_up || i == node) {
            continue;
        }
        const struct gkv_members *members = gkv_node_members(gkv_endpoint_node(host->endpoint));
        if (gkv_member_find(members, trial->ids[node]) == GKV_MEMBER_INDEX_NONE) {
            return false;
        }
        holder_count++;
    }
    return holder_count > 0 && node >= trial->scenario.world.node.seed_count;
}

void gkv_strike_revive(struct gkv_trial *trial)
{
    bool kept = !trial->scenario.keeps_one_down;
    const uint32_t last = trial->scenario.node_count - 1;
    if (!kept && down_count(trial) == 0 && trial->world.hosts[last].is_up &&
        may_stay_down(trial, last)) {
        gkv_strike_end(trial, last, 0, GKV_MET_CRASH);
    }
    for (uint32_t i = 0; i < trial->scenario.node_count; i++) {
        const bool was_up = gkv_nodes_has(&trial->joined, i);
        const bool has_left = gkv_nodes_has(&trial->left, i);
        trial->world.hosts[i].service_ns = 0;
        if (trial->world.hosts[i].is_up || (has_left && !trial->scenario.leavers_return)) {
            continue;
        }
        if (was_up && !kept && may_stay_down(trial, i)) {
            kept = true;
            continue;
        }
        gkv_strike_boot(trial, i);
    }
}

/* ---- Crashes --------------------------------------------------------------------------------- */

uint64_t gkv_strike_crash(struct gkv_trial *trial, uint64_t for_ns_max)
{
    const uint32_t node = choose_node(trial, "crash.node");
    if (!may_restart(trial, node) || down_count(trial) >= trial->scenario.down_count_max) {
        return 0;
    }
    uint64_t silent_ns = 0;
    if (trial->scenario.crashes_silent && gkv_strike_below(trial, "crash.silent", 4) >= 2) {
        /* a machine without power */
        silent_ns = gkv_strike_below(trial, "crash.silent_for", 3000 * MS);
        trial->tally.counts[GKV_MET_CRASH_SILENT]++;
    }
    gkv_strike_end(trial, node, silent_ns, GKV_MET_CRASH);
    const uint64_t down_ns = gkv_strike_time(trial, "crash.down", for_ns_max);
    gkv_trial_call_in(trial, down_ns, GKV_CALL_BOOT, node);
    return 0;
}

void gkv_strike_restart(struct gkv_trial *trial, uint32_t node)
{
    if (may_restart(trial, node) && down_count(trial) < trial->scenario.down_count_max) {
        gkv_strike_end(trial, node, 0, GKV_MET_ROLL);
        const uint64_t down_ns =
            gkv_strike_time(trial, "roll.down", trial->scenario.rolls.for_ns_max);
        gkv_trial_call_in(trial, down_ns, GKV_CALL_BOOT, node);
    }
}

/* One node after the other begins another life, as in an upgrade. */
uint64_t gkv_strike_roll(struct gkv_trial *trial, uint64_t for_ns_max)
{
    const uint32_t count = trial->scenario.node_count;
    const uint32_t first = choose_node(trial, "roll.first");
    const uint64_t step_ns = for_ns_max + gkv_strike_below(trial, "roll.step", 1000 * MS);
    for (uint32_t i = 0; i < count; i++) {
        gkv_trial_call_in(trial, i * step_ns, GKV_CALL_RESTART, (first + i) % count);
    }
    return count * step_ns;
}

/* All of them, at once. */
uint64_t gkv_strike_blackout(struct gkv_trial *trial, uint64_t for_ns_max)
{
    for (uint32_t i = 0; i < trial->scenario.node_count; i++) {
        if (may_restart(trial, i)) {
            gkv_strike_end(trial, i, 0, GKV_MET_BLACKOUT);
            const uint64_t down_ns = gkv_strike_time(trial, "blackout.down", for_ns_max);
            gkv_trial_call_in(trial, down_ns, GKV_CALL_BOOT, i);
        }
    }
    return for_ns_max;
}

/* All who hold one key, at once. */
uint64_t gkv_strike_key(struct gkv_trial *trial, uint64_t for_ns_max)
{
    uint8_t owners[GKV_REPLICA_COUNT_MAX];
    const uint32_t key =
        (uint32_t)gkv_strike_below(trial, "key_crash.key", trial->scenario.hot_key_count);
    const uint32_t owner_count = gkv_owners_of(trial, key, owners);
    for (uint32_t i = 0; i < owner_count; i++) {
        if (may_restart(trial, owners[i])) {
            gkv_strike_end(trial, owners[i], 0, GKV_MET_KEY_CRASH);
            const uint64_t down_ns = gkv_strike_time(trial, "key_crash.down", for_ns_max);
            gkv_trial_call_in(trial, down_ns, GKV_CALL_BOOT, owners[i]);
        }
    }
    return for_ns_max;
}

/* ---- Pauses ---------------------------------------------------------------------------------- */

uint64_t gkv_strike_pause(struct gkv_trial *trial, uint64_t for_ns_max)
{
    const uint32_t node = choose_node(trial, "pause.node");
    struct gkv_host *host = &trial->world.hosts[node];
    const uint64_t for_ns = 1 + gkv_strike_below(trial, "pause.for", for_ns_max);
    const bool suspends =
        trial->scenario.suspends && gkv_strike_below(trial, "pause.suspends", 2) == 1;
    if (!host->is_up || host->paused_until_ns > 0) {
        return 0;
    }
    gkv_world_pause(&trial->world, node, trial->world.now_ns + for_ns);
    trial->tally.counts[GKV_MET_PAUSE]++;
    if (suspends) {
        gkv_sim_clock_suspend(&host->clock, for_ns);
        trial->tally.counts[GKV_MET_SUSPEND]++;
    }
    return 0;
}

/* A node takes its time for everything that it handles. */
uint64_t gkv_strike_slow(struct gkv_trial *trial, uint64_t for_ns_max)
{
    const uint32_t node = choose_node(trial, "slow.node");
    trial->world.hosts[node].service_ns = gkv_choose_log(&trial->choice, "slow.service", 1000, MS);
    trial->tally.counts[GKV_MET_SLOW_NODE]++;
    const uint64_t for_ns = gkv_strike_time(trial, "slow.for", for_ns_max);
    gkv_trial_call_in(trial, for_ns, GKV_CALL_HURRY, node);
    return for_ns;
}

/* ---- Leaving --------------------------------------------------------------------------------- */

void gkv_strike_goodbye(struct gkv_trial *trial, uint32_t node)
{
    trial->tally.counts[GKV_MET_LEAVE]++;
    gkv_nodes_add(&trial->left, node);
    gkv_world_leave(&trial->world, node);
}

/* A node says goodbye, goes on for a while, and stops. Enough stay to hold every key N times. */
void gkv_strike_leave(struct gkv_trial *trial)
{
    const uint32_t count = trial->scenario.node_count;
    /* Who comes later, or again, has only the seeds to ask. Else it is a seed every other time, so
     * that the rest must find each other without it. */
    const bool needs_seeds = trial->scenario.late_count > 0 || trial->scenario.loses_memory;
    const uint32_t seed_count = trial->scenario.world.node.seed_count;
    uint32_t node = (uint32_t)gkv_strike_below(trial, "leave.node", count);
    if (!needs_seeds && gkv_strike_below(trial, "leave.seed", 2) == 1) {
        node %= seed_count;
    } else if (needs_seeds && node < seed_count) {
        return;
    }
    const struct gkv_host *host = &trial->world.hosts[node];
    const uint64_t linger_ns = gkv_strike_below(trial, "leave.linger", 2000 * MS);
    if (!host->is_up || host->paused_until_ns > 0 || !gkv_nodes_is_empty(&trial->left) ||
        down_count(trial) > 0) {
        return;
    }
    gkv_strike_goodbye(trial, node);
    gkv_trial_call_in(trial, linger_ns, GKV_CALL_STOP, node);
}

void gkv_strike_stop(struct gkv_trial *trial, uint32_t node)
{
    const struct gkv_host *host = &trial->world.hosts[node];
    if (!host->is_up || !gkv_nodes_has(&trial->left, node)) {
        return;
    }
    gkv_strike_end(trial, node, 0, GKV_MET_CRASH);
    if (trial->scenario.leavers_return) {
        gkv_trial_call_in(trial, 1 + gkv_strike_below(trial, "leave.away", 3000 * MS),
                          GKV_CALL_BOOT, node);
    }
}
