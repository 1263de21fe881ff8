#include "core/member.h"
#include "sim/check.h"

/* A node that begins knows nothing: what others hold, and who they are. So it answers no operation,
 * but that there is no quorum, before it has met its cluster: somebody, if it has a seed besides
 * itself, of whom something must have arrived then; and as many members, with itself, as it was
 * told to expect. */

static bool has_other_seed(const struct gkv_trial *trial, uint32_t node)
{
    const struct gkv_options *options = &trial->scenario.world.node;
    const struct gkv_address own = gkv_host_address(node);
    for (uint32_t i = 0; i < options->seed_count; i++) {
        if (!gkv_address_equal(&options->seeds[i], &own)) {
            return true;
        }
    }
    return false;
}

static void on_answer(struct gkv_trial *trial, uint32_t node, const struct gkv_result *result)
{
    const struct gkv_service_node *met = &trial->service_watch.nodes[node];
    const uint32_t expected = trial->scenario.world.node.bootstrap_expect;
    const uint32_t known = 1 + met->known_count;
    const bool must_meet = has_other_seed(trial, node);
    if (result->error == GKV_ERROR_NO_QUORUM) {
        return;
    }
    trial->tally.counts[GKV_HOLDS_SERVICE] += must_meet || expected > 1;
    if (known < expected) {
        gkv_trial_fail(
            trial, GKV_TRIAL_SAFETY, "service",
            "%s answers operation %llu, though it has known %u members in this life, and "
            "is to expect %u",
            gkv_host_text(node).text, (unsigned long long)result->cookie - 1, (unsigned)known,
            (unsigned)expected);
    } else if (must_meet && !met->has_heard) {
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "service",
                       "%s answers operation %llu, and has heard nobody in this life",
                       gkv_host_text(node).text, (unsigned long long)result->cookie - 1);
    }
}

static void on_member(struct gkv_trial *trial, uint32_t node, const struct gkv_update *said)
{
    const uint32_t about = gkv_check_node_of_id(trial, said->who.id);
    struct gkv_service_node *met = &trial->service_watch.nodes[node];
    if (about != GKV_HISTORY_NONE && about != node && !gkv_nodes_has(&met->known, about)) {
        gkv_nodes_add(&met->known, about);
        met->known_count++;
    }
}

static void observe(struct gkv_trial *trial, const struct gkv_observation *observation)
{
    const uint32_t node = observation->node;
    if (observation->kind == GKV_OBSERVE_BOOT) {
        trial->service_watch.nodes[node] = (struct gkv_service_node){.has_heard = false};
    } else if (observation->kind != GKV_OBSERVE_OUTPUT) {
        trial->service_watch.nodes[node].has_heard = true;
    } else if (observation->output->kind == GKV_OUTPUT_MEMBER) {
        on_member(trial, node, &observation->output->as.member);
    } else {
        on_answer(trial, node, &observation->output->as.result);
    }
}

const struct gkv_check gkv_check_service = {
    .name = "service",
    .demands = "Nobody serves before it has met its cluster: whoever has a seed has heard of it, "
               "and of as many as it is to expect.",
    .told_mask = GKV_TOLD(GKV_OBSERVE_BOOT) | GKV_TOLD(GKV_OBSERVE_DATAGRAM) |
                 GKV_TOLD(GKV_OBSERVE_RECEIVED) | GKV_TOLD_OUTPUT(GKV_OUTPUT_MEMBER) |
                 GKV_TOLD_OUTPUT(GKV_OUTPUT_COMPLETE),
    .observe = observe,
};
