#include "core/member.h"
#include "core/node.h"
#include "sim/check.h"

/* Whoever is asked for its table has taken in what the asker told, and then tells all that it
 * holds: after one exchange both hold the same (core/join.h). So the asker is in the answer; and so
 * is everybody, when all has settled and tables stand still. Rumours would tell of the living in
 * time, but nobody speaks of the dead any more. A table may wait in a node before it is sent, so
 * that while members come and go, it may be older than what the node holds. */

static bool is_named(const struct gkv_message *message, struct gkv_node_id id)
{
    for (uint32_t i = 0; i < message->as.push_pull.update_count; i++) {
        if (gkv_node_id_equal(message->as.push_pull.updates[i].who.id, id)) {
            return true;
        }
    }
    return false;
}

static void check_answer(struct gkv_trial *trial, const struct gkv_heard *heard)
{
    const uint32_t asker = gkv_check_listener(trial, heard);
    trial->tally.counts[GKV_HOLDS_ASKER]++;
    if (!is_named(heard->message, trial->ids[asker])) {
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "table",
                       "%s tells its table to %s, who asked for it and is not in it",
                       gkv_host_text(heard->node).text, gkv_host_text(asker).text);
    }
}

static void check_whole(struct gkv_trial *trial, const struct gkv_heard *heard)
{
    const struct gkv_node *node = gkv_endpoint_node(trial->world.hosts[heard->node].endpoint);
    const uint32_t held_count = gkv_node_members(node)->count;
    const uint32_t told_count = heard->message->as.push_pull.update_count;
    trial->tally.counts[GKV_HOLDS_WHOLE]++;
    if (told_count < held_count) {
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "table",
                       "%s tells a table of %u members and holds %u, long after all had settled",
                       gkv_host_text(heard->node).text, (unsigned)told_count, (unsigned)held_count);
    }
}

static void hear(struct gkv_trial *trial, const struct gkv_heard *heard)
{
    if (heard->is_arrival || heard->message->kind != GKV_MESSAGE_PUSH_PULL ||
        !gkv_check_is_core(trial, heard->node)) {
        return;
    }
    if (!heard->message->as.push_pull.is_request) {
        check_answer(trial, heard);
    }
    if (trial->phase == GKV_PHASE_IDLE && heard->time_ns >= trial->idle.begin_ns &&
        gkv_nodes_is_empty(&trial->outsiders)) {
        check_whole(trial, heard);
    }
}

const struct gkv_check gkv_check_table = {
    .name = "table",
    .demands = "Whoever is asked for its table of members tells all of it, with the asker in it.",
    .hear_mask = GKV_HEARS(GKV_MESSAGE_PUSH_PULL),
    .hear = hear,
};
