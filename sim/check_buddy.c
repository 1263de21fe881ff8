#include "sim/check.h"

/* Whoever pings a suspect says so in the ping (Lifeguard's Buddy System): that message is the one
 * that the suspect is sure to be sent, and the sooner it knows, the sooner it refutes. A ping over
 * a stream may have waited there since before the suspicion. */

static bool says_so(const struct gkv_message *ping)
{
    for (uint32_t i = 0; i < ping->as.gossip.update_count; i++) {
        const struct gkv_update *update = &ping->as.gossip.updates[i];
        if (gkv_node_id_equal(update->who.id, ping->as.gossip.about.id) &&
            update->state == GKV_MEMBER_SUSPECT) {
            return true;
        }
    }
    return false;
}

static void hear(struct gkv_trial *trial, const struct gkv_heard *heard)
{
    if (heard->is_arrival || !heard->is_datagram || heard->message->kind != GKV_MESSAGE_PING ||
        trial->scenario.world.node.buddy == 0 || !gkv_check_tells_all(trial)) {
        return;
    }
    const uint32_t target = gkv_check_node_of_id(trial, heard->message->as.gossip.about.id);
    if (target == GKV_HISTORY_NONE ||
        trial->precedence_watch.held[heard->node][target].state != GKV_MEMBER_SUSPECT) {
        return;
    }
    trial->tally.counts[GKV_HOLDS_BUDDY]++;
    if (!says_so(heard->message)) {
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "buddy",
                       "%s pings %s, which it holds to be suspect, and does not say so",
                       gkv_host_text(heard->node).text, gkv_host_text(target).text);
    }
}

const struct gkv_check gkv_check_buddy = {
    .name = "buddy",
    .demands = "Whoever pings a suspect tells it in the ping that it is suspect.",
    .hear_mask = GKV_HEARS(GKV_MESSAGE_PING),
    .hear = hear,
};
