#include "sim/check.h"

/* Whoever refutes tells his accuser at once, if he holds him to be there: as a rumour the
 * refutation may take as long to come round as the accuser waits. Judged when the accusation came
 * in a datagram, and all who spoke of it named one accuser. */

static bool is_reachable(enum gkv_member_state state)
{
    return state == GKV_MEMBER_ALIVE || state == GKV_MEMBER_LEAVING || state == GKV_MEMBER_SUSPECT;
}

/* Somebody says of a node that another accuses it. */
static void note_accusation(struct gkv_trial *trial, const struct gkv_update *update)
{
    const uint32_t about = gkv_check_node_of_id(trial, update->who.id);
    const uint32_t accuser = gkv_check_node_of_id(trial, update->accuser);
    if (about == GKV_HISTORY_NONE) {
        return;
    }
    struct gkv_rebuttal_node *node = &trial->rebuttal_watch.nodes[about];
    const bool is_same =
        node->accused_boot_id == update->who.boot_id && node->accused == update->incarnation;
    const bool is_older =
        node->accused_boot_id > update->who.boot_id ||
        (node->accused_boot_id == update->who.boot_id && node->accused > update->incarnation);
    if (is_same) {
        node->accuser = node->accuser == accuser ? accuser : GKV_HISTORY_NONE;
    } else if (!is_older) {
        node->accused_boot_id = update->who.boot_id;
        node->accused = update->incarnation;
        node->accuser = accuser;
    }
}

static void hear_update(struct gkv_trial *trial, const struct gkv_heard *heard,
                        const struct gkv_update *update)
{
    struct gkv_rebuttal_node *speaker = &trial->rebuttal_watch.nodes[heard->node];
    if (update->state == GKV_MEMBER_SUSPECT || update->state == GKV_MEMBER_UNREACHABLE ||
        update->state == GKV_MEMBER_EVICTED) {
        note_accusation(trial, update);
    } else if (gkv_node_id_equal(update->who.id, trial->ids[heard->node])) {
        speaker->said = update->incarnation;
        if (heard->is_datagram && heard->to < trial->scenario.node_count) {
            gkv_nodes_add(&speaker->told, heard->to);
        }
    }
}

static void hear(struct gkv_trial *trial, const struct gkv_heard *heard)
{
    if (heard->is_arrival) {
        return;
    }
    const struct gkv_message *message = heard->message;
    if (message->kind == GKV_MESSAGE_PUSH_PULL) {
        for (uint32_t i = 0; i < message->as.push_pull.update_count; i++) {
            hear_update(trial, heard, &message->as.push_pull.updates[i]);
        }
    } else if ((message->kind >= GKV_MESSAGE_PING && message->kind <= GKV_MESSAGE_GOSSIP) ||
               message->kind == GKV_MESSAGE_NACK) {
        for (uint32_t i = 0; i < message->as.gossip.update_count; i++) {
            hear_update(trial, heard, &message->as.gossip.updates[i]);
        }
    }
}

/* What a node holds of itself; in tests of histories, what it said last. */
static struct gkv_update self_of(const struct gkv_trial *trial, uint32_t node)
{
    if (trial->world.hosts[node].endpoint != NULL) {
        return *gkv_check_self(trial, node);
    }
    return (struct gkv_update){
        .who.boot_id = trial->world.hosts[node].options.boot_id,
        .incarnation = trial->rebuttal_watch.nodes[node].said,
        .state = GKV_MEMBER_ALIVE,
    };
}

/* A step is over. Nobody raises his incarnation but to refute, or to leave. */
static void check_step(struct gkv_trial *trial, uint32_t node)
{
    struct gkv_rebuttal_node *watch = &trial->rebuttal_watch.nodes[node];
    const struct gkv_update self = self_of(trial, node);
    const bool is_refuted = self.who.boot_id == watch->boot_id &&
                            self.incarnation == watch->incarnation + 1 &&
                            self.state == GKV_MEMBER_ALIVE;
    const bool is_known = watch->accused_boot_id == watch->boot_id &&
                          watch->accused == watch->incarnation &&
                          watch->accuser != GKV_HISTORY_NONE && watch->accuser != node;
    const uint32_t accuser = watch->accuser;
    watch->boot_id = self.who.boot_id;
    watch->incarnation = self.incarnation;
    if (!is_refuted || !is_known || !watch->is_datagram ||
        !is_reachable(trial->precedence_watch.held[node][accuser].state)) {
        return;
    }
    trial->tally.counts[GKV_HOLDS_REBUTTAL]++;
    if (!gkv_nodes_has(&watch->told, accuser)) {
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "rebuttal",
                       "%s refutes what %s says of it, by incarnation %u, and does not tell it",
                       gkv_host_text(node).text, gkv_host_text(accuser).text,
                       (unsigned)self.incarnation);
    }
}

static void observe(struct gkv_trial *trial, const struct gkv_observation *observation)
{
    const uint32_t node = observation->node;
    struct gkv_rebuttal_node *watch = &trial->rebuttal_watch.nodes[node];
    if (!gkv_check_tells_all(trial)) {
        return;
    }
    if (observation->kind == GKV_OBSERVE_BOOT) {
        watch->boot_id = trial->world.hosts[node].options.boot_id;
        watch->incarnation = 0;
    } else {
        check_step(trial, node);
    }
    watch->told = (struct gkv_nodes){{0}};
    watch->is_datagram = observation->kind == GKV_OBSERVE_DATAGRAM;
}

const struct gkv_check gkv_check_rebuttal = {
    .name = "rebuttal",
    .demands = "Whoever refutes tells his accuser at once, if he holds him to be there.",
    .told_mask = GKV_TOLD_INPUTS,
    .observe = observe,
    .hear_mask = GKV_HEARS_GOSSIP | GKV_HEARS(GKV_MESSAGE_PUSH_PULL),
    .hear = hear,
};
