#include "core/member.h"
#include "core/node.h"
#include "sim/check.h"

/* Who answers NO_QUORUM at once could not have asked enough owners: fewer than W or R of them are
 * reachable to it. Suspects are, since most of them are up and only slow: they are asked. Or it has
 * not met its cluster yet in this life, of which it may know no more than a part. */

/* Does a node take keys to be owned by the same nodes as the checks do? While members come and go,
 * some know more than others. */
static bool has_our_ring(const struct gkv_trial *trial, uint32_t holder)
{
    struct gkv_nodes known = {{0}};
    for (uint32_t i = 0; i < trial->scenario.node_count; i++) {
        const enum gkv_member_state state = gkv_check_state(trial, holder, i);
        if (state != GKV_MEMBER_NONE && state != GKV_MEMBER_LEFT) {
            gkv_nodes_add(&known, i);
        }
    }
    return gkv_nodes_equal(&known, &trial->ring);
}

static void observe(struct gkv_trial *trial, const struct gkv_observation *observation)
{
    const struct gkv_result *result = &observation->output->as.result;
    const struct gkv_deed *deed = gkv_history_find(&trial->history, result->cookie);
    if (result->error != GKV_ERROR_NO_QUORUM || deed == NULL ||
        deed->begin_ns != observation->time_ns || !has_our_ring(trial, observation->node) ||
        !gkv_node_has_joined(gkv_endpoint_node(trial->world.hosts[observation->node].endpoint))) {
        return;
    }
    const struct gkv_options *options = &trial->scenario.world.node;
    const uint32_t needed =
        deed->kind == GKV_OPERATION_GET ? options->read_quorum : options->write_quorum;
    uint8_t owners[GKV_REPLICA_COUNT_MAX];
    const uint32_t owner_count = gkv_owners_of(trial, deed->key, owners);
    uint32_t reachable_count = 0;
    for (uint32_t i = 0; i < owner_count; i++) {
        const enum gkv_member_state state = gkv_check_state(trial, observation->node, owners[i]);
        reachable_count +=
            state == GKV_MEMBER_ALIVE || state == GKV_MEMBER_LEAVING || state == GKV_MEMBER_SUSPECT;
    }
    trial->tally.counts[GKV_HOLDS_NO_QUORUM] += owner_count >= needed;
    if (reachable_count >= needed) {
        trial->verdict.key = deed->key;
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "refusal",
                       "%s refuses operation %llu for want of owners, though %u of them are "
                       "reachable, and %u are needed",
                       gkv_host_text(observation->node).text,
                       (unsigned long long)result->cookie - 1, (unsigned)reachable_count,
                       (unsigned)needed);
    }
}

const struct gkv_check gkv_check_refusal = {
    .name = "refusal",
    .demands = "Nobody who met its cluster answers NO_QUORUM at once while enough owners of the "
               "key are reachable, suspects among them.",
    .told_mask = GKV_TOLD_OUTPUT(GKV_OUTPUT_COMPLETE),
    .observe = observe,
};
