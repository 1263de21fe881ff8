#include "sim/clerk.h"
#include "sim/faults.h"
#include "sim/strikes.h"

void gkv_faults_calm(struct gkv_trial *trial)
{
    const uint32_t count = trial->scenario.node_count;
    uint64_t latency_ns = GKV_SCENARIO_LATENCY_NS_MIN + trial->scenario.link.latency_ns;
    if (latency_ns > GKV_SCENARIO_CALM_LATENCY_NS_MAX) {
        /* A slow network must not look like a silent one. */
        latency_ns = GKV_SCENARIO_CALM_LATENCY_NS_MAX;
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
                       gkv_strike_below(trial, "link.latency", worst->latency_ns);
    link->jitter_ns = gkv_strike_below(trial, "link.jitter", worst->jitter_ns + 1);
    link->loss_ppm = (uint32_t)gkv_strike_below(trial, "link.loss", worst->loss_ppm + 1u);
    link->break_ppm = (uint32_t)gkv_strike_below(trial, "link.break", worst->break_ppm + 1u);
    if (gkv_strike_below(trial, "link.is_slow", 4) == 3) {
        const uint64_t more_ns =
            gkv_strike_below(trial, "link.slow", trial->scenario.slow_link_ns + 1);
        trial->tally.counts[GKV_MET_SLOW_LINK] += more_ns > 0;
        link->latency_ns += more_ns;
    }
    link->resets = gkv_strike_below(trial, "link.resets", 2) == 1;
}

void gkv_strike_links(struct gkv_trial *trial)
{
    for (uint32_t i = 0; i < trial->scenario.node_count; i++) {
        for (uint32_t j = 0; j < trial->scenario.node_count; j++) {
            spoil_link(trial, gkv_world_link(&trial->world, i, j));
        }
    }
}

/* One direction of a link stands still: what is sent arrives afterwards, all of it. */
uint64_t gkv_strike_stall(struct gkv_trial *trial, uint64_t for_ns_max)
{
    const uint32_t count = trial->scenario.node_count;
    const uint32_t from = (uint32_t)gkv_strike_below(trial, "stall.from", count);
    const uint32_t to = (uint32_t)gkv_strike_below(trial, "stall.to", count);
    struct gkv_link *link = gkv_world_link(&trial->world, from, to);
    link->held_until_ns = trial->world.now_ns + gkv_strike_time(trial, "stall.for", for_ns_max);
    trial->tally.counts[GKV_MET_STALL]++;
    return 0;
}

static void sever(struct gkv_trial *trial, uint64_t silent_ns, enum gkv_predicate met)
{
    struct gkv_net *net = &trial->world.net;
    const uint32_t first =
        (uint32_t)gkv_strike_below(trial, "sever.connection", net->connection_count);
    const uint32_t end = (uint32_t)gkv_strike_below(trial, "sever.end", 2);
    if (gkv_net_sever(net, trial->world.now_ns, first, end, silent_ns)) {
        gkv_clerk_write_line(trial, &(struct gkv_script_line){.value = silent_ns,
                                                              .kind = GKV_SCRIPT_SEVER,
                                                              .count = 2 * first + end});
        trial->tally.counts[met]++;
    }
}

/* A connection breaks in the middle of what it carries, for both ends. */
uint64_t gkv_strike_reset(struct gkv_trial *trial, uint64_t for_ns_max)
{
    (void)for_ns_max;
    sever(trial, 0, GKV_MET_RESET);
    return 0;
}

/* One end of a connection is gone, and the other goes on talking to it. */
uint64_t gkv_strike_half_open(struct gkv_trial *trial, uint64_t for_ns_max)
{
    sever(trial, gkv_strike_time(trial, "sever.silent", for_ns_max), GKV_MET_HALF_OPEN);
    return 0;
}
