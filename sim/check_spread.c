#include "sim/check.h"

/* Whoever refutes tells it unasked: what a node says of itself in a new incarnation is a rumour
 * like any other (SWIM 4.1), and the news that was told least goes first. So it is in two of the
 * next few messages that carry rumours and answer nobody; one may go to the accuser alone. He is
 * not enough, since all who heard the accusation from him go on to believe it. Answers are
 * tellings as well, and after eight of any sort (as many as a small cluster's rumour has) nothing
 * is owed. */

#define TELLING_COUNT 8
#define UNASKED_COUNT 2

/* So many messages may go before it: those about each member that was told less often, as often as
 * it takes to have been told more; a message holds four at least. That is of what was news already:
 * a message that is full, and holds something that its sender never told before, may always go
 * before what was told once. A crowd has such news for seconds. */
static uint32_t patience(const struct gkv_trial *trial, uint32_t told_count)
{
    return 2 + trial->scenario.node_count * told_count / 4;
}

/* What a node says of itself here; NULL: nothing. */
static const struct gkv_update *find_self(const struct gkv_trial *trial,
                                          const struct gkv_heard *heard)
{
    for (uint32_t i = 0; i < heard->message->as.gossip.update_count; i++) {
        const struct gkv_update *update = &heard->message->as.gossip.updates[i];
        if (gkv_node_id_equal(update->who.id, trial->ids[heard->node])) {
            return update;
        }
    }
    return NULL;
}

#define FULL_COUNT 4

/* Is the message full, and does its sender tell something in it for the first time? */
static bool is_full_of_news(struct gkv_trial *trial, const struct gkv_heard *heard)
{
    bool has_news = false;
    for (uint32_t i = 0; i < heard->message->as.gossip.update_count; i++) {
        const struct gkv_update *update = &heard->message->as.gossip.updates[i];
        const uint32_t about = gkv_check_node_of_id(trial, update->who.id);
        if (about == GKV_HISTORY_NONE) {
            continue;
        }
        const uint64_t statement = (update->who.boot_id * UINT64_C(0x9E3779B97F4A7C15)) ^
                                   ((uint64_t)update->incarnation << 3) ^ (uint64_t)update->state;
        const uint32_t number = (uint32_t)(statement ^ statement >> 32) | 1;
        has_news |= trial->spread_watch.told[heard->node][about] != number;
        trial->spread_watch.told[heard->node][about] = number;
    }
    return has_news && heard->message->as.gossip.update_count >= FULL_COUNT;
}

static void hear(struct gkv_trial *trial, const struct gkv_heard *heard)
{
    if (heard->is_arrival || !heard->is_datagram) {
        return;
    }
    const bool is_excused = is_full_of_news(trial, heard);
    const enum gkv_message_kind kind = heard->message->kind;
    const bool is_unasked = kind == GKV_MESSAGE_PING || kind == GKV_MESSAGE_GOSSIP;
    struct gkv_spread_said *said = &trial->spread_watch.said[heard->node];
    const struct gkv_update *self = find_self(trial, heard);
    if (self != NULL &&
        (self->who.boot_id > said->boot_id ||
         (self->who.boot_id == said->boot_id && self->incarnation > said->incarnation))) {
        *said = (struct gkv_spread_said){.boot_id = self->who.boot_id,
                                         .incarnation = self->incarnation,
                                         .is_owed = self->incarnation > 0};
    }
    said->told_count += self != NULL;
    if (!said->is_owed) {
        return;
    }
    said->unasked_count += self != NULL && is_unasked;
    if (said->unasked_count == UNASKED_COUNT || said->told_count >= TELLING_COUNT) {
        said->is_owed = false;
        trial->tally.counts[GKV_HOLDS_SPREAD] += said->unasked_count > 0;
        return;
    }
    if (self != NULL || !is_unasked || (is_excused && said->told_count > 0)) {
        return;
    }
    said->silent_count++;
    if (said->silent_count > patience(trial, said->told_count)) {
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "spread",
                       "%s refuted in incarnation %u, and %u messages later has told it %u times "
                       "unasked",
                       gkv_host_text(heard->node).text, (unsigned)said->incarnation,
                       (unsigned)said->silent_count, (unsigned)said->unasked_count);
    }
}

const struct gkv_check gkv_check_spread = {
    .name = "spread",
    .demands = "Whoever refutes tells it as a rumour, and not only to who accuses it.",
    .hear_mask = GKV_HEARS_GOSSIP,
    .hear = hear,
};
