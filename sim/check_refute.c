#include "sim/check.h"

/* Whoever is pinged and accused in the same breath, of being suspect, unreachable or gone, or of
 * still living an earlier life, answers in the ACK itself with something newer about itself (or
 * that it has left). A refutation that only becomes a rumour may come too late, and one that is
 * withheld, because the accusation is old news, leaves the accuser believing it. */

static bool is_accusation(const struct gkv_trial *trial, uint32_t node,
                          const struct gkv_update *update)
{
    return gkv_node_id_equal(update->who.id, trial->ids[node]) &&
           (update->state != GKV_MEMBER_ALIVE ||
            update->who.boot_id < trial->world.hosts[node].options.boot_id);
}

static bool is_newer(const struct gkv_update *update, const struct gkv_refute_accused *accused)
{
    return update->state == GKV_MEMBER_LEFT || update->who.boot_id > accused->boot_id ||
           (update->who.boot_id == accused->boot_id && update->incarnation > accused->incarnation);
}

/* A ping arrives. */
static void hear_ping(struct gkv_trial *trial, const struct gkv_heard *heard)
{
    struct gkv_refute_accused *accused = &trial->refute_watch.accused[heard->node];
    const struct gkv_message *ping = heard->message;
    accused->sequence = 0;
    for (uint32_t i = 0; i < ping->as.gossip.update_count; i++) {
        const struct gkv_update *update = &ping->as.gossip.updates[i];
        if (is_accusation(trial, heard->node, update)) {
            *accused = (struct gkv_refute_accused){
                .time_ns = heard->time_ns,
                .boot_id = update->who.boot_id,
                .sequence = ping->as.gossip.sequence,
                .incarnation = update->incarnation,
            };
        }
    }
}

/* And is answered, in the same instant. */
static void hear_ack(struct gkv_trial *trial, const struct gkv_heard *heard)
{
    struct gkv_refute_accused *accused = &trial->refute_watch.accused[heard->node];
    const struct gkv_message *ack = heard->message;
    if (accused->sequence == 0 || ack->as.gossip.sequence != accused->sequence ||
        heard->time_ns != accused->time_ns ||
        !gkv_node_id_equal(ack->as.gossip.about.id, trial->ids[heard->node])) {
        return;
    }
    accused->sequence = 0;
    trial->tally.counts[GKV_HOLDS_REFUTED]++;
    for (uint32_t i = 0; i < ack->as.gossip.update_count; i++) {
        const struct gkv_update *update = &ack->as.gossip.updates[i];
        if (gkv_node_id_equal(update->who.id, trial->ids[heard->node]) &&
            is_newer(update, accused)) {
            return;
        }
    }
    gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "refute",
                   "%c answers a ping that accuses it, in incarnation %u, and does not refute that",
                   (char)('a' + heard->node), (unsigned)accused->incarnation);
}

static void hear(struct gkv_trial *trial, const struct gkv_heard *heard)
{
    if (!heard->is_datagram || heard->message == NULL) {
        return;
    }
    if (heard->is_arrival && heard->message->kind == GKV_MESSAGE_PING) {
        hear_ping(trial, heard);
    } else if (!heard->is_arrival && heard->message->kind == GKV_MESSAGE_ACK) {
        hear_ack(trial, heard);
    }
}

const struct gkv_check gkv_check_refute = {
    .name = "refute",
    .demands = "Whoever is accused by a ping refutes in the answer, however old the accusation.",
    .hear = hear,
};
