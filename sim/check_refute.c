#include "core/node.h"
#include "sim/check.h"

/* Whoever is pinged and accused in the same breath, of being suspect, unreachable or gone, or of
 * still living an earlier life, answers in the ACK itself with something newer about itself (or
 * that it has left). A refutation that only becomes a rumour may come too late, and one that is
 * withheld, because the accusation is old news, leaves the accuser believing it. */

static bool is_accusation(const struct gkv_trial *trial, uint32_t target,
                          const struct gkv_update *update)
{
    return gkv_node_id_equal(update->who.id, trial->ids[target]) &&
           ((update->state != GKV_MEMBER_ALIVE && update->state != GKV_MEMBER_LEAVING) ||
            update->who.boot_id < trial->world.hosts[target].options.boot_id);
}

static bool is_newer(const struct gkv_update *update, const struct gkv_refute_accused *accused)
{
    return update->state == GKV_MEMBER_LEFT || update->who.boot_id > accused->boot_id ||
           (update->who.boot_id == accused->boot_id && update->incarnation > accused->incarnation);
}

/* What a ping holds against its target, or NULL. */
static const struct gkv_update *find_accusation(const struct gkv_trial *trial, uint32_t target,
                                                const struct gkv_message *ping)
{
    for (uint32_t i = 0; i < ping->as.gossip.update_count; i++) {
        if (is_accusation(trial, target, &ping->as.gossip.updates[i])) {
            return &ping->as.gossip.updates[i];
        }
    }
    return NULL;
}

/* A node pings another: what it says of it is remembered until its next ping of the same one. A
 * ping that is repeated has the sequence of the first, and an answer may be to either: it must
 * refute when both accuse, and what the first said. */
static void hear_ping(struct gkv_trial *trial, const struct gkv_heard *heard)
{
    const struct gkv_message *ping = heard->message;
    const uint32_t sequence = ping->as.gossip.sequence;
    const uint32_t target = gkv_check_node_of_id(trial, ping->as.gossip.about.id);
    if (target == GKV_HISTORY_NONE) {
        return;
    }
    const struct gkv_update *update = find_accusation(trial, target, ping);
    struct gkv_refute_accused *accused = &trial->refute_watch.accused[target][heard->node];
    if (accused->pinger_boot_id == ping->from.boot_id &&
        (int32_t)(sequence - accused->ping_sequence) <= 0) {
        accused->sequence = update == NULL ? 0 : accused->sequence;
        return;
    }
    *accused = (struct gkv_refute_accused){
        .pinger_boot_id = ping->from.boot_id,
        .ping_sequence = sequence,
        .sequence = update == NULL ? 0 : sequence,
        .boot_id = update == NULL ? 0 : update->who.boot_id,
        .incarnation = update == NULL ? 0 : update->incarnation,
    };
}

/* Who is neither well nor dead, and was evicted, refutes when it is well: the check `member` waits
 * for that. */
static bool is_waiting(const struct gkv_trial *trial, uint32_t node)
{
    struct gkv_endpoint *endpoint = trial->world.hosts[node].endpoint;
    return endpoint != NULL && gkv_node_stats(gkv_endpoint_node(endpoint)).waiting_count > 0;
}

static void check_answer(struct gkv_trial *trial, const struct gkv_heard *heard,
                         const struct gkv_refute_accused *accused)
{
    const struct gkv_message *ack = heard->message;
    if (is_waiting(trial, heard->node)) {
        return;
    }
    trial->tally.counts[GKV_HOLDS_REFUTED]++;
    for (uint32_t i = 0; i < ack->as.gossip.update_count; i++) {
        const struct gkv_update *update = &ack->as.gossip.updates[i];
        if (gkv_node_id_equal(update->who.id, trial->ids[heard->node]) &&
            is_newer(update, accused)) {
            return;
        }
    }
    gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "refute",
                   "%s answers a ping that accuses it, in incarnation %u, and does not refute that",
                   gkv_host_text(heard->node).text, (unsigned)accused->incarnation);
}

/* A node answers for itself: to the ping of this sequence, which is that of one pinger alone. */
static void hear_ack(struct gkv_trial *trial, const struct gkv_heard *heard)
{
    const struct gkv_message *ack = heard->message;
    if (!gkv_node_id_equal(ack->as.gossip.about.id, trial->ids[heard->node])) {
        return; /* a helper hands on what it heard */
    }
    for (uint32_t i = 0; i < trial->scenario.node_count; i++) {
        const struct gkv_refute_accused *accused = &trial->refute_watch.accused[heard->node][i];
        if (accused->sequence != 0 && accused->sequence == ack->as.gossip.sequence) {
            check_answer(trial, heard, accused);
        }
    }
}

static void hear(struct gkv_trial *trial, const struct gkv_heard *heard)
{
    if (heard->is_arrival || !heard->is_datagram) {
        return;
    }
    if (heard->message->kind == GKV_MESSAGE_PING) {
        hear_ping(trial, heard);
    } else if (heard->message->kind == GKV_MESSAGE_ACK) {
        hear_ack(trial, heard);
    }
}

const struct gkv_check gkv_check_refute = {
    .name = "refute",
    .demands = "Whoever is accused by a ping refutes in the answer, however old the accusation.",
    .hear_mask = GKV_HEARS(GKV_MESSAGE_PING) | GKV_HEARS(GKV_MESSAGE_ACK),
    .hear = hear,
};
