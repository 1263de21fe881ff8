#include "core/member.h"
#include "sim/check.h"

/* What a node holds of another only moves forward: to a later boot, or in the same boot to a higher
 * incarnation, or in the same incarnation from ALIVE to LEAVING, SUSPECT, UNREACHABLE, EVICTED,
 * LEFT (SWIM 4.2: only the suspect itself may lift a suspicion). And the first word of a stranger
 * is never that he has left: who left before anybody met him takes no place. */

static bool is_forward(const struct gkv_update *held, const struct gkv_update *said)
{
    if (said->who.boot_id != held->who.boot_id) {
        return said->who.boot_id > held->who.boot_id;
    }
    if (said->incarnation != held->incarnation) {
        return said->incarnation > held->incarnation;
    }
    static const uint32_t order[GKV_MEMBER_STATE_COUNT] = {
        [GKV_MEMBER_ALIVE] = 1,       [GKV_MEMBER_LEAVING] = 2, [GKV_MEMBER_SUSPECT] = 3,
        [GKV_MEMBER_UNREACHABLE] = 4, [GKV_MEMBER_EVICTED] = 5, [GKV_MEMBER_LEFT] = 6,
    };
    return order[said->state] > order[held->state];
}

static void check_told(struct gkv_trial *trial, uint32_t node, uint32_t about,
                       const struct gkv_update *said)
{
    struct gkv_precedence_held *held = &trial->precedence_watch.held[node][about];
    const struct gkv_update before = {
        .who = {.id = said->who.id, .boot_id = held->boot_id},
        .incarnation = held->incarnation,
        .state = held->state,
    };
    if (before.state == GKV_MEMBER_NONE) {
        trial->tally.counts[GKV_HOLDS_STRANGER]++;
        if (said->state == GKV_MEMBER_LEFT) {
            gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "precedence",
                           "%s notes that %s has left, of whom it had never heard",
                           gkv_host_text(node).text, gkv_host_text(about).text);
        }
    } else {
        trial->tally.counts[GKV_HOLDS_FORWARD]++;
        if (!is_forward(&before, said)) {
            gkv_trial_fail(
                trial, GKV_TRIAL_SAFETY, "precedence",
                "%s held %s to be %s, incarnation %u, and goes back to %s, incarnation %u",
                gkv_host_text(node).text, gkv_host_text(about).text,
                gkv_member_state_name(before.state), (unsigned)before.incarnation,
                gkv_member_state_name(said->state), (unsigned)said->incarnation);
        }
    }
    *held = (struct gkv_precedence_held){said->who.boot_id, said->incarnation, said->state};
}

static void observe(struct gkv_trial *trial, const struct gkv_observation *observation)
{
    const uint32_t node = observation->node;
    if (observation->kind == GKV_OBSERVE_BOOT) {
        for (uint32_t i = 0; i < trial->scenario.node_count; i++) {
            trial->precedence_watch.held[node][i] =
                (struct gkv_precedence_held){.state = GKV_MEMBER_NONE};
        }
        return;
    }
    if (observation->kind != GKV_OBSERVE_OUTPUT || observation->output->kind != GKV_OUTPUT_MEMBER) {
        return;
    }
    const struct gkv_update *said = &observation->output->as.member;
    const uint32_t about = gkv_check_node_of_id(trial, said->who.id);
    if (about != GKV_HISTORY_NONE) {
        check_told(trial, node, about, said);
    }
}

const struct gkv_check gkv_check_precedence = {
    .name = "precedence",
    .demands =
        "What a node holds of another moves forward only: boot, then incarnation, then alive, "
        "leaving, suspect, unreachable, evicted, gone; and nobody notes the goodbye of a stranger.",
    .told_mask = GKV_TOLD(GKV_OBSERVE_BOOT) | GKV_TOLD_OUTPUT(GKV_OUTPUT_MEMBER),
    .observe = observe,
};
