#include "sim/check.h"

#include <stdio.h>

#include "core/node.h"

/* Where the network of the simulator loses and cuts, but changes no byte, and all nodes speak one
 * language: whatever a node refused as damaged or malformed, another one said wrongly. Without
 * this, resending hides a codec or buffer that spoils a frame now and then. */

static uint64_t refused_count(const struct gkv_host *host)
{
    const struct gkv_endpoint_stats endpoint = gkv_endpoint_stats(host->endpoint);
    const struct gkv_node_stats node = gkv_node_stats(gkv_endpoint_node(host->endpoint));
    return endpoint.refused_checksum + endpoint.refused_too_long + endpoint.refused_malformed +
           endpoint.refused_foreign + endpoint.refused_cluster + endpoint.dropped_too_long +
           node.swim_drops.malformed + node.replica.malformed_count + node.sync_malformed_count;
}

static void check_host(struct gkv_trial *trial, const struct gkv_host *host)
{
    if (trial->scenario.damages_bytes) {
        trial->tally.counts[GKV_MET_DAMAGE_REFUSED] += refused_count(host);
        return;
    }
    trial->tally.counts[GKV_HOLDS_SOUND]++;
    if (refused_count(host) > 0) {
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "wire",
                       "%s refused %llu messages as damaged or malformed, and nothing damages them",
                       gkv_host_text(host->node).text, (unsigned long long)refused_count(host));
    }
}

static void observe(struct gkv_trial *trial, const struct gkv_observation *observation)
{
    if (observation->kind == GKV_OBSERVE_CRASH) { /* its counts are about to be lost */
        check_host(trial, &trial->world.hosts[observation->node]);
    }
}

static void finish(struct gkv_trial *trial)
{
    for (uint32_t i = 0; i < trial->scenario.node_count; i++) {
        if (trial->world.hosts[i].is_up) {
            check_host(trial, &trial->world.hosts[i]);
        }
    }
}

const struct gkv_check gkv_check_wire = {
    .name = "wire",
    .demands = "No node refuses what another one said as damaged or malformed: the network "
               "changes no byte.",
    .told_mask = GKV_TOLD(GKV_OBSERVE_CRASH),
    .observe = observe,
    .finish = finish,
};
