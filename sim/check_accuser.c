#include "sim/check.h"

/* Who is named as an accuser of a suspect has asked it, in that very life, and nobody is named
 * twice: each name makes a suspicion shorter (Lifeguard's LHA-Suspicion), so that one more must be
 * one more who found out by himself. Nobody accuses himself either. */

static bool has_asked(const struct gkv_trial *trial, struct gkv_node_id accuser, uint32_t about,
                      uint64_t boot_id)
{
    const uint32_t node = gkv_check_node_of_id(trial, accuser);
    return node != GKV_HISTORY_NONE && node != about &&
           trial->accuser_watch.asked_boot_id[node][about] >= boot_id;
}

/* Is the accuser at a place named once? 0: the first; then those who confirmed it. */
static bool is_named_once(const struct gkv_update *update, uint32_t place)
{
    for (uint32_t i = 0; i < place; i++) {
        const struct gkv_node_id other = i == 0 ? update->accuser : update->confirmers[i - 1];
        if (gkv_node_id_equal(other, update->confirmers[place - 1])) {
            return false;
        }
    }
    return true;
}

static void check_suspicion(struct gkv_trial *trial, uint32_t teller,
                            const struct gkv_update *update)
{
    const uint32_t about = gkv_check_node_of_id(trial, update->who.id);
    if (about == GKV_HISTORY_NONE) {
        return;
    }
    trial->tally.counts[GKV_HOLDS_ACCUSER]++;
    trial->tally.counts[GKV_HOLDS_ACCUSERS] += update->confirmer_count > 0;
    for (uint32_t i = 0; i <= update->confirmer_count; i++) {
        const struct gkv_node_id accuser = i == 0 ? update->accuser : update->confirmers[i - 1];
        const uint32_t node = gkv_check_node_of_id(trial, accuser);
        const struct gkv_host_text name = gkv_host_text(node);
        if (!has_asked(trial, accuser, about, update->who.boot_id)) {
            gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "accuser",
                           "%s says that %s accuses %s, which never asked it in that life",
                           gkv_host_text(teller).text, name.text, gkv_host_text(about).text);
        } else if (!is_named_once(update, i)) {
            gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "accuser",
                           "%s names %s twice among those who accuse %s, incarnation %u",
                           gkv_host_text(teller).text, name.text, gkv_host_text(about).text,
                           (unsigned)update->incarnation);
        }
    }
}

static void check_updates(struct gkv_trial *trial, uint32_t teller,
                          const struct gkv_update *updates, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (updates[i].state == GKV_MEMBER_SUSPECT) {
            check_suspicion(trial, teller, &updates[i]);
        }
    }
}

static void note_ping(struct gkv_trial *trial, uint32_t node, const struct gkv_identity *about)
{
    const uint32_t target = gkv_check_node_of_id(trial, about->id);
    if (target == GKV_HISTORY_NONE) {
        return;
    }
    uint64_t *asked = &trial->accuser_watch.asked_boot_id[node][target];
    *asked = about->boot_id > *asked ? about->boot_id : *asked;
}

static void hear(struct gkv_trial *trial, const struct gkv_heard *heard)
{
    if (heard->is_arrival) {
        return;
    }
    const struct gkv_message *message = heard->message;
    if (message->kind == GKV_MESSAGE_PING) {
        note_ping(trial, heard->node, &message->as.gossip.about);
    }
    if (message->kind == GKV_MESSAGE_PUSH_PULL) {
        check_updates(trial, heard->node, message->as.push_pull.updates,
                      message->as.push_pull.update_count);
    } else if ((message->kind >= GKV_MESSAGE_PING && message->kind <= GKV_MESSAGE_GOSSIP) ||
               message->kind == GKV_MESSAGE_NACK) {
        check_updates(trial, heard->node, message->as.gossip.updates,
                      message->as.gossip.update_count);
    }
}

const struct gkv_check gkv_check_accuser = {
    .name = "accuser",
    .demands = "Who is named as an accuser of a suspect is another who asked it in that life, and "
               "is named once.",
    .hear_mask = GKV_HEARS_GOSSIP | GKV_HEARS(GKV_MESSAGE_PUSH_PULL),
    .hear = hear,
};
