#include "core/member.h"
#include "sim/check.h"

/* Nobody suspects a node that is up, once the cluster has settled: not on a quiet network, and not
 * where one link is cut one way, since others are asked to ping (SWIM 3.1) and have time to. */

/* Is it the word of somebody outside the core? A deaf one suspects all, and may say so. */
static bool is_hearsay(const struct gkv_trial *trial, const struct gkv_update *said)
{
    const uint32_t accuser = gkv_check_node_of_id(trial, said->accuser);
    return accuser != GKV_HISTORY_NONE && gkv_nodes_has(&trial->outsiders, accuser);
}

static bool is_quiet(const struct gkv_trial *trial)
{
    return trial->phase == GKV_PHASE_READ || trial->phase == GKV_PHASE_IDLE;
}

/* A case: a ping that its target might miss; and helpers, of whom none might reach it. */
static void hear(struct gkv_trial *trial, const struct gkv_heard *heard)
{
    if (heard->is_arrival || !is_quiet(trial) || !gkv_check_is_core(trial, heard->node)) {
        return;
    }
    const enum gkv_message_kind kind = heard->message->kind;
    trial->tally.counts[GKV_HOLDS_ACCURATE] += kind == GKV_MESSAGE_PING;
    trial->tally.counts[GKV_HOLDS_HELPED] += kind == GKV_MESSAGE_PING_REQ && trial->idle.is_cut;
}

static void observe(struct gkv_trial *trial, const struct gkv_observation *observation)
{
    if (!is_quiet(trial)) {
        return;
    }
    const struct gkv_update *said = &observation->output->as.member;
    const uint32_t about = gkv_check_node_of_id(trial, said->who.id);
    const bool is_doubted = said->state == GKV_MEMBER_SUSPECT ||
                            said->state == GKV_MEMBER_UNREACHABLE ||
                            said->state == GKV_MEMBER_EVICTED;
    if (about == GKV_HISTORY_NONE || !is_doubted || !gkv_check_is_core(trial, about) ||
        !gkv_check_is_core(trial, observation->node) || is_hearsay(trial, said)) {
        return;
    }
    gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "accuracy",
                   "%s holds %s to be %s, which is up, on a network that is quiet%s",
                   gkv_host_text(observation->node).text, gkv_host_text(about).text,
                   gkv_member_state_name(said->state),
                   trial->idle.is_cut ? " but for one link, which others reach around" : "");
}

const struct gkv_check gkv_check_accuracy = {
    .name = "accuracy",
    .demands = "Nobody suspects who is up, on a quiet network, or where one link is cut and others "
               "can be asked to ping.",
    .told_mask = GKV_TOLD_OUTPUT(GKV_OUTPUT_MEMBER),
    .observe = observe,
    .hear_mask = GKV_HEARS(GKV_MESSAGE_PING) | GKV_HEARS(GKV_MESSAGE_PING_REQ),
    .hear = hear,
};
