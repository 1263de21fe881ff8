#include "sim/faults.h"

#include "core/panic.h"

#define MS GKV_NS_PER_MS

static uint64_t choose(struct gkv_trial *trial, const char *label, uint64_t bound)
{
    return gkv_choose(&trial->choice, label, bound > 0 ? bound : 1);
}

/* How long until a family strikes again: every_ns on average, and never so soon that draws of zero,
 * as the shrinker makes them, would stop the time of the world. */
static uint64_t until_next(struct gkv_trial *trial, const char *label, uint64_t every_ns)
{
    const uint64_t wait_ns = 1 + choose(trial, label, 2 * every_ns);
    return wait_ns < MS ? MS : wait_ns;
}

/* ---- Links ----------------------------------------------------------------------------------- */

void gkv_faults_calm(struct gkv_trial *trial)
{
    const uint32_t count = trial->scenario.node_count;
    uint64_t latency_ns = GKV_SCENARIO_LATENCY_NS_MIN + trial->scenario.link.latency_ns;
    if (latency_ns > MS) {
        latency_ns = MS; /* a slow network must not look like a silent one */
    }
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t j = 0; j < count; j++) {
            *gkv_world_link(&trial->world, i, j) =
                (struct gkv_link){.latency_ns = latency_ns, .jitter_ns = latency_ns / 4};
        }
    }
}

/* Give a link a share of the worst that the scenario allows. */
static void spoil_link(struct gkv_trial *trial, struct gkv_link *link)
{
    const struct gkv_link *worst = &trial->scenario.link;
    *link = *worst;
    link->latency_ns = GKV_SCENARIO_LATENCY_NS_MIN + worst->latency_ns / 2 +
                       choose(trial, "link.latency", worst->latency_ns);
    link->jitter_ns = choose(trial, "link.jitter", worst->jitter_ns + 1);
    link->loss_ppm = (uint32_t)choose(trial, "link.loss", worst->loss_ppm + 1u);
    link->break_ppm = (uint32_t)choose(trial, "link.break", worst->break_ppm + 1u);
    link->resets = choose(trial, "link.resets", 2) == 1;
}

static void mend(struct gkv_trial *trial)
{
    for (uint32_t i = 0; i < trial->scenario.node_count; i++) {
        for (uint32_t j = 0; j < trial->scenario.node_count; j++) {
            gkv_world_link(&trial->world, i, j)->is_cut = false;
        }
    }
}

/* ---- Partitions ------------------------------------------------------------------------------ */

static void cut_between(struct gkv_trial *trial, uint32_t side_mask)
{
    const bool one_way = trial->scenario.cuts_one_way && choose(trial, "cut.one_way", 2) == 1;
    const bool outward = choose(trial, "cut.outward", 2) == 1;
    for (uint32_t i = 0; i < trial->scenario.node_count; i++) {
        for (uint32_t j = 0; j < trial->scenario.node_count; j++) {
            const bool from_side = (side_mask >> i & 1u) != 0;
            const bool to_side = (side_mask >> j & 1u) != 0;
            if (from_side != to_side && (!one_way || from_side == outward)) {
                gkv_world_link(&trial->world, i, j)->is_cut = true;
            }
        }
    }
}

static void on_cut(struct gkv_trial *trial)
{
    const uint32_t count = trial->scenario.node_count;
    const uint64_t kind = choose(trial, "cut.kind", 3);
    if (kind == 0) { /* one link, one way or both */
        const uint32_t from = (uint32_t)choose(trial, "cut.from", count);
        const uint32_t to = (uint32_t)choose(trial, "cut.to", count);
        gkv_world_link(&trial->world, from, to)->is_cut = from != to;
        if (choose(trial, "cut.both", 2) == 1) {
            gkv_world_link(&trial->world, to, from)->is_cut = from != to;
        }
    } else if (kind == 1) { /* one node */
        cut_between(trial, 1u << choose(trial, "cut.node", count));
    } else { /* any two sides */
        cut_between(trial, (uint32_t)choose(trial, "cut.sides", UINT64_C(1) << count));
    }
    trial->tally.counts[GKV_MET_CUT]++;
    const uint64_t for_ns = 1 + choose(trial, "cut.for", trial->scenario.cut_for_ns_max);
    gkv_trial_call_in(trial, for_ns, GKV_CALL_MEND, 0);
}

/* ---- Crashes --------------------------------------------------------------------------------- */

static uint32_t down_count(const struct gkv_trial *trial)
{
    uint32_t down = 0;
    for (uint32_t i = 0; i < trial->scenario.node_count; i++) {
        down += (trial->joined_mask >> i & 1u) != 0 && !trial->world.hosts[i].is_up;
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

static void stop(struct gkv_trial *trial, uint32_t node, uint64_t silent_ns)
{
    trial->down_since_ns[node] = trial->world.now_ns;
    gkv_world_crash(&trial->world, node, silent_ns);
    trial->tally.counts[GKV_MET_CRASH]++;
    abandon(trial, node);
}

static void on_crash(struct gkv_trial *trial)
{
    const uint32_t node = (uint32_t)choose(trial, "crash.node", trial->scenario.node_count);
    const struct gkv_host *host = &trial->world.hosts[node];
    gkv_trial_call_in(trial, until_next(trial, "crash.every", trial->scenario.crash_every_ns),
                      GKV_CALL_CRASH, 0);
    if (!host->is_up || host->life_count == host->life_count_max || down_count(trial) >= 2 ||
        (trial->left_mask >> node & 1u) != 0) {
        return;
    }
    uint64_t silent_ns = 0;
    if (choose(trial, "crash.silent", 4) == 3) {
        silent_ns = choose(trial, "crash.silent_for", 3000 * MS); /* a machine without power */
    }
    stop(trial, node, silent_ns);
    const uint64_t down_ns = 1 + choose(trial, "crash.down", trial->scenario.crash_down_ns_max);
    gkv_trial_call_in(trial, down_ns, GKV_CALL_BOOT, node);
}

/* ---- Pauses ---------------------------------------------------------------------------------- */

static void on_pause(struct gkv_trial *trial)
{
    const uint32_t node = (uint32_t)choose(trial, "pause.node", trial->scenario.node_count);
    const struct gkv_host *host = &trial->world.hosts[node];
    const uint64_t for_ns = 1 + choose(trial, "pause.for", trial->scenario.pause_for_ns_max);
    if (host->is_up && host->paused_until_ns == 0) {
        gkv_world_pause(&trial->world, node, trial->world.now_ns + for_ns);
        trial->tally.counts[GKV_MET_PAUSE]++;
    }
    gkv_trial_call_in(trial, until_next(trial, "pause.every", trial->scenario.pause_every_ns),
                      GKV_CALL_PAUSE, 0);
}

/* ---- Leaving --------------------------------------------------------------------------------- */

/* A node says goodbye, goes on for a while, and stops. Enough stay to hold every key N times. */
static void on_leave(struct gkv_trial *trial)
{
    const uint32_t count = trial->scenario.node_count;
    /* Who comes later, or again, has only the seeds to ask. Else it is a seed every other time, so
     * that the rest must find each other without it. */
    const bool needs_seeds = trial->scenario.late_count > 0 || trial->scenario.crash_every_ns > 0;
    const uint32_t seed_count = trial->scenario.world.node.seed_count;
    uint32_t node = (uint32_t)choose(trial, "leave.node", count);
    if (!needs_seeds && choose(trial, "leave.seed", 2) == 1) {
        node %= seed_count;
    } else if (needs_seeds && node < seed_count) {
        return;
    }
    const struct gkv_host *host = &trial->world.hosts[node];
    const uint64_t linger_ns = choose(trial, "leave.linger", 2000 * MS);
    if (!host->is_up || host->paused_until_ns > 0 || trial->left_mask != 0 ||
        down_count(trial) > 0) {
        return;
    }
    trial->tally.counts[GKV_MET_LEAVE]++;
    trial->left_mask |= 1u << node;
    gkv_world_leave(&trial->world, node);
    gkv_trial_call_in(trial, linger_ns, GKV_CALL_STOP, node);
}

static void on_stop(struct gkv_trial *trial, uint32_t node)
{
    const struct gkv_host *host = &trial->world.hosts[node];
    if (!host->is_up || (trial->left_mask >> node & 1u) == 0) {
        return;
    }
    stop(trial, node, 0);
    if (trial->scenario.leavers_return) {
        gkv_trial_call_in(trial, 1 + choose(trial, "leave.away", 3000 * MS), GKV_CALL_BOOT, node);
    }
}

/* ---- Clocks ---------------------------------------------------------------------------------- */

static int64_t choose_offset_ms(struct gkv_trial *trial)
{
    const int64_t most = trial->scenario.skew_ms_max;
    const int64_t size = (int64_t)choose(trial, "clock.offset", (uint64_t)most + 1);
    return choose(trial, "clock.sign", 2) == 1 ? -size : size;
}

static void on_clock(struct gkv_trial *trial)
{
    const uint32_t node = (uint32_t)choose(trial, "clock.node", trial->scenario.node_count);
    struct gkv_sim_clock *clock = &trial->world.hosts[node].clock;
    const uint64_t now_ns = trial->world.now_ns;
    const int64_t wall_ms = (int64_t)gkv_sim_clock_read(clock, now_ns).wall_ms;
    const int64_t offset_ms = wall_ms - (int64_t)gkv_sim_clock_true_ms(now_ns);
    gkv_sim_clock_step(clock, now_ns, choose_offset_ms(trial) - offset_ms);
    gkv_sim_clock_drift(clock, now_ns, 500 - (int64_t)choose(trial, "clock.drift", 1001));
    trial->tally.counts[GKV_MET_STEP]++;
    gkv_trial_call_in(trial, until_next(trial, "clock.every", trial->scenario.clock_every_ns),
                      GKV_CALL_CLOCK, 0);
}

/* ---- All of them ----------------------------------------------------------------------------- */

void gkv_faults_begin(struct gkv_trial *trial)
{
    const struct gkv_scenario *scenario = &trial->scenario;
    for (uint32_t i = 0; i < scenario->node_count; i++) {
        for (uint32_t j = 0; j < scenario->node_count; j++) {
            spoil_link(trial, gkv_world_link(&trial->world, i, j));
        }
    }
    if (scenario->cut_every_ns > 0) {
        gkv_trial_call_in(trial, choose(trial, "cut.first", scenario->cut_every_ns), GKV_CALL_CUT,
                          0);
    }
    if (scenario->crash_every_ns > 0) {
        gkv_trial_call_in(trial, choose(trial, "crash.first", scenario->crash_every_ns),
                          GKV_CALL_CRASH, 0);
    }
    if (scenario->clock_every_ns > 0) {
        gkv_trial_call_in(trial, choose(trial, "clock.first", scenario->clock_every_ns),
                          GKV_CALL_CLOCK, 0);
    }
    if (scenario->pause_every_ns > 0) {
        gkv_trial_call_in(trial, choose(trial, "pause.first", scenario->pause_every_ns),
                          GKV_CALL_PAUSE, 0);
    }
    if (scenario->has_leave) {
        /* Early more often than late: many trials have done their operations long before. */
        gkv_trial_call_in(trial,
                          gkv_choose_log(&trial->choice, "leave.after", MS, scenario->work_ns),
                          GKV_CALL_LEAVE, 0);
    }
    for (uint32_t i = scenario->node_count - scenario->late_count; i < scenario->node_count; i++) {
        gkv_trial_call_in(trial, choose(trial, "join.after", scenario->work_ns), GKV_CALL_BOOT, i);
    }
}

static void boot(struct gkv_trial *trial, uint32_t node)
{
    struct gkv_host *host = &trial->world.hosts[node];
    if (host->is_up) {
        return;
    }
    if (host->life_count == 0) {
        host->clock.skew_ms_max = trial->scenario.skew_ms_max;
        host->clock.wall_offset_ms = choose_offset_ms(trial);
        host->clock.mono_offset_ns = choose(trial, "clock.mono", UINT64_C(1) << 50);
    }
    trial->joined_mask |= 1u << node;
    trial->left_mask &= ~(1u << node);
    trial->heard_mask &= ~(1u << node);
    trial->up_since_ns[node] = trial->world.now_ns;
    gkv_world_boot(&trial->world, node);
}

void gkv_faults_on_call(struct gkv_trial *trial, enum gkv_call call, uint32_t value)
{
    const bool at_work = trial->phase == GKV_PHASE_WORK;
    if (call == GKV_CALL_BOOT) {
        /* Who comes back after the work does so in gkv_faults_end. */
        const bool stays_down = trial->phase > GKV_PHASE_WORK;
        if (!stays_down) {
            boot(trial, value);
        }
    } else if (call == GKV_CALL_MEND && at_work) {
        mend(trial);
        const uint64_t wait_ns = until_next(trial, "cut.every", trial->scenario.cut_every_ns);
        gkv_trial_call_in(trial, wait_ns, GKV_CALL_CUT, 0);
    } else if (call == GKV_CALL_CUT && at_work) {
        on_cut(trial);
    } else if (call == GKV_CALL_CRASH && at_work) {
        on_crash(trial);
    } else if (call == GKV_CALL_CLOCK && at_work) {
        on_clock(trial);
    } else if (call == GKV_CALL_PAUSE && at_work) {
        on_pause(trial);
    } else if (call == GKV_CALL_LEAVE && at_work) {
        on_leave(trial);
    } else if (call == GKV_CALL_STOP) {
        on_stop(trial, value);
    }
}

void gkv_faults_end(struct gkv_trial *trial)
{
    GKV_ASSERT(trial->phase == GKV_PHASE_HEAL);
    gkv_faults_calm(trial);
    bool kept = !trial->scenario.keeps_one_down;
    const uint32_t last = trial->scenario.node_count - 1;
    if (!kept && last > 0 && down_count(trial) == 0 && trial->world.hosts[last].is_up) {
        stop(trial, last, 0);
    }
    for (uint32_t i = 0; i < trial->scenario.node_count; i++) {
        const bool was_up = (trial->joined_mask >> i & 1u) != 0;
        const bool has_left = (trial->left_mask >> i & 1u) != 0;
        if (trial->world.hosts[i].is_up || (has_left && !trial->scenario.leavers_return)) {
            continue;
        }
        if (was_up && !kept) {
            kept = true;
            continue;
        }
        boot(trial, i);
    }
}
