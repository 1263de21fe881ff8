#include "sim/check.h"

/* SWIM 4.2: only a node itself raises its incarnation. What it says of itself never goes down, in
 * the order of boot and incarnation; and nobody says of another node a boot or an incarnation above
 * what that node has said of itself. A node names its boot in every datagram and HELLO, and its
 * incarnation in rumours and tables. Frames may wait before they are sent, so order is asked of
 * datagrams alone. */

#define NOBODY UINT32_MAX

/* Where a boot of a node is; NOBODY when it never named it. */
static uint32_t find_boot(const struct gkv_incarnation_watch *watch, uint32_t node,
                          uint64_t boot_id)
{
    for (uint32_t i = 0; i < watch->used_count[node]; i++) {
        if (watch->used[node][i].boot_id == boot_id) {
            return i;
        }
    }
    return NOBODY;
}

/* A node says something of itself. */
static void use(struct gkv_trial *trial, uint32_t node, uint64_t boot_id, uint32_t incarnation)
{
    struct gkv_incarnation_watch *watch = &trial->incarnation_watch;
    uint32_t place = find_boot(watch, node, boot_id);
    if (place == NOBODY && watch->used_count[node] == GKV_WATCH_BOOT_COUNT) {
        gkv_watch_no_room(trial, "boots of one node");
        return;
    }
    if (place == NOBODY) {
        place = watch->used_count[node]++;
        watch->used[node][place].boot_id = boot_id;
        watch->used[node][place].incarnation = 0;
    }
    if (incarnation > watch->used[node][place].incarnation) {
        watch->used[node][place].incarnation = incarnation;
    }
}

/* ---- Of oneself ------------------------------------------------------------------------------ */

static void hear_boot(struct gkv_trial *trial, const struct gkv_heard *heard,
                      struct gkv_identity from)
{
    struct gkv_incarnation_watch *watch = &trial->incarnation_watch;
    if (!gkv_node_id_equal(from.id, trial->ids[heard->node])) {
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "incarnation", "%s speaks in another's name",
                       gkv_host_text(heard->node).text);
        return;
    }
    use(trial, heard->node, from.boot_id, 0);
    if (!heard->is_datagram) {
        return;
    }
    trial->tally.counts[GKV_HOLDS_BOOT_RISES]++;
    if (from.boot_id < watch->boot_id[heard->node]) {
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "incarnation",
                       "%s calls itself boot %llu, after boot %llu",
                       gkv_host_text(heard->node).text, (unsigned long long)from.boot_id,
                       (unsigned long long)watch->boot_id[heard->node]);
    }
    if (from.boot_id != watch->boot_id[heard->node]) {
        watch->boot_id[heard->node] = from.boot_id;
        watch->incarnation[heard->node] = 0;
    }
}

static void hear_of_itself(struct gkv_trial *trial, const struct gkv_heard *heard,
                           const struct gkv_update *said)
{
    struct gkv_incarnation_watch *watch = &trial->incarnation_watch;
    const uint32_t node = heard->node;
    use(trial, node, said->who.boot_id, said->incarnation);
    if (!heard->is_datagram || said->who.boot_id > watch->boot_id[node]) {
        return;
    }
    trial->tally.counts[GKV_HOLDS_INCARNATION_RISES]++;
    if (said->who.boot_id < watch->boot_id[node] || said->incarnation < watch->incarnation[node]) {
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "incarnation",
                       "%s calls itself boot %llu incarnation %u, after boot %llu incarnation %u",
                       gkv_host_text(node).text, (unsigned long long)said->who.boot_id,
                       (unsigned)said->incarnation, (unsigned long long)watch->boot_id[node],
                       (unsigned)watch->incarnation[node]);
    }
    watch->incarnation[node] = said->incarnation;
}

/* ---- Of others ------------------------------------------------------------------------------- */

static void hear_of_another(struct gkv_trial *trial, uint32_t speaker, uint32_t about,
                            const struct gkv_update *said)
{
    const struct gkv_incarnation_watch *watch = &trial->incarnation_watch;
    const uint32_t place = find_boot(watch, about, said->who.boot_id);
    trial->tally.counts[GKV_HOLDS_INCARNATION_OWN]++;
    if (place == NOBODY) {
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "incarnation",
                       "%s tells of boot %llu of %s, which %s never named",
                       gkv_host_text(speaker).text, (unsigned long long)said->who.boot_id,
                       gkv_host_text(about).text, gkv_host_text(about).text);
    } else if (said->incarnation > watch->used[about][place].incarnation) {
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "incarnation",
                       "%s tells of incarnation %u of %s, which itself used no more than %u",
                       gkv_host_text(speaker).text, (unsigned)said->incarnation,
                       gkv_host_text(about).text, (unsigned)watch->used[about][place].incarnation);
    }
}

static void hear_updates(struct gkv_trial *trial, const struct gkv_heard *heard,
                         const struct gkv_update *updates, uint32_t update_count)
{
    for (uint32_t i = 0; i < update_count; i++) {
        const uint32_t about = gkv_check_node_of_id(trial, updates[i].who.id);
        if (about == GKV_HISTORY_NONE) {
            gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "incarnation",
                           "%s tells of a member that never was", gkv_host_text(heard->node).text);
        } else if (about == heard->node) {
            hear_of_itself(trial, heard, &updates[i]);
        } else {
            hear_of_another(trial, heard->node, about, &updates[i]);
        }
    }
}

static void hear(struct gkv_trial *trial, const struct gkv_heard *heard)
{
    if (heard->is_arrival) {
        return;
    }
    const struct gkv_message *message = heard->message;
    if (heard->is_datagram || message->kind == GKV_MESSAGE_NONE) {
        hear_boot(trial, heard, message->from);
    }
    if (message->kind == GKV_MESSAGE_PUSH_PULL) {
        hear_updates(trial, heard, message->as.push_pull.updates,
                     message->as.push_pull.update_count);
    } else if (heard->is_datagram || message->kind == GKV_MESSAGE_PING ||
               message->kind == GKV_MESSAGE_ACK) {
        hear_updates(trial, heard, message->as.gossip.updates, message->as.gossip.update_count);
    }
}

const struct gkv_check gkv_check_incarnation = {
    .name = "incarnation",
    .demands = "Only a node itself raises its incarnation, and neither that nor its boot "
               "ever goes back.",
    .hear_mask = GKV_HEARS_SAID,
    .hear = hear,
};
