#include "sim/strikes.h"

static int64_t choose_offset_ms(struct gkv_trial *trial)
{
    const int64_t most = (int64_t)trial->scenario.offset_ms_max;
    const int64_t size = (int64_t)gkv_strike_below(trial, "clock.offset", (uint64_t)most + 1);
    return gkv_strike_below(trial, "clock.sign", 2) == 1 ? -size : size;
}

static int64_t choose_drift_ppm(struct gkv_trial *trial)
{
    const int64_t most = (int64_t)trial->scenario.drift_ppm_max;
    return (int64_t)gkv_strike_below(trial, "clock.drift", 2 * (uint64_t)most + 1) - most;
}

static void set_wall(struct gkv_trial *trial, uint32_t node, uint64_t wall_ms)
{
    struct gkv_sim_clock *clock = &trial->world.hosts[node].clock;
    const uint64_t now_ns = trial->world.now_ns;
    const struct gkv_now now = gkv_sim_clock_read(clock, now_ns);
    gkv_sim_clock_step(clock, now_ns, (int64_t)wall_ms - (int64_t)now.wall_ms);
}

void gkv_strike_clock_set(struct gkv_trial *trial, uint32_t node)
{
    const struct gkv_scenario *scenario = &trial->scenario;
    const struct gkv_host *host = &trial->world.hosts[node];
    struct gkv_sim_clock *clock = &trial->world.hosts[node].clock;
    if (host->life_count > 0) {
        if (scenario->loses_clocks) { /* as machines do that have no battery */
            set_wall(trial, node, trial->first_wall_ms[node]);
            trial->tally.counts[GKV_MET_LOST_CLOCK]++;
        }
        return;
    }
    clock->skew_ms_max = scenario->skew_ms_max - (int64_t)scenario->clock_grain_ms;
    clock->wall_offset_ms = choose_offset_ms(trial);
    clock->grain_ms = scenario->clock_grain_ms;
    clock->swing_ms = scenario->swing_ms;
    clock->mono_offset_ns = gkv_strike_below(trial, "clock.mono", UINT64_C(1) << 50);
    if (scenario->drift_ppm_max > 0) {
        gkv_sim_clock_drift(clock, trial->world.now_ns, choose_drift_ppm(trial));
    }
    trial->first_wall_ms[node] = gkv_sim_clock_read(clock, trial->world.now_ns).wall_ms;
}

void gkv_strike_clocks_mend(struct gkv_trial *trial)
{
    for (uint32_t i = 0; trial->scenario.loses_clocks && i < trial->scenario.node_count; i++) {
        if (trial->world.hosts[i].life_count > 0) {
            set_wall(trial, i, gkv_sim_clock_true_ms(trial->world.now_ns));
        }
    }
}

uint64_t gkv_strike_clock(struct gkv_trial *trial, uint64_t for_ns_max)
{
    const uint32_t node =
        (uint32_t)gkv_strike_below(trial, "clock.node", trial->scenario.node_count);
    struct gkv_sim_clock *clock = &trial->world.hosts[node].clock;
    const uint64_t now_ns = trial->world.now_ns;
    const int64_t offset_ms = choose_offset_ms(trial);
    (void)for_ns_max;
    set_wall(trial, node, (uint64_t)((int64_t)gkv_sim_clock_true_ms(now_ns) + offset_ms));
    gkv_sim_clock_drift(clock, now_ns, choose_drift_ppm(trial));
    trial->tally.counts[GKV_MET_STEP]++;
    trial->tally.counts[GKV_MET_WILD_STEP] += trial->scenario.wild_skew_ms > 0;
    return 0;
}
