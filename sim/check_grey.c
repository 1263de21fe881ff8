#include "core/grey.h"
#include "sim/check.h"

/* Neither well nor dead: who is accused by enough others in turn, and denies it each time, is known
 * to be DEGRADED to whoever hears all that; and on a quiet network nobody is found to be, who is
 * up, unless somebody outside the core goes on accusing. What a node is told of others is known
 * from what it tells its application, which is not all of it; therefore the time in which accusers
 * count here is half of that in which the node counts them, and as many are asked for as if all
 * nodes that there are were reachable. */

#define ACCUSERS_LEAST 2

static bool is_wanted(const struct gkv_trial *trial)
{
    return trial->scenario.world.node.degraded_window_ms > 0 &&
           trial->scenario.node_count <= GKV_GREY_NODE_COUNT_MAX;
}

static bool is_reachable(enum gkv_member_state state)
{
    return state == GKV_MEMBER_ALIVE || state == GKV_MEMBER_LEAVING || state == GKV_MEMBER_SUSPECT;
}

static uint32_t accusers_wanted(const struct gkv_trial *trial)
{
    const uint32_t half = trial->scenario.node_count / 2;
    const uint32_t wanted = half < GKV_GREY_ACCUSER_COUNT_MAX ? half : GKV_GREY_ACCUSER_COUNT_MAX;
    return wanted > ACCUSERS_LEAST ? wanted : ACCUSERS_LEAST;
}

/* Does the node count this accuser? Of its own accusations nothing is known here. */
static bool is_credible(const struct gkv_trial *trial, uint32_t node, uint32_t accuser)
{
    const struct gkv_grey_row *row = &trial->grey_watch.rows[node][accuser];
    return accuser != node && is_reachable(row->state) && !row->is_degraded;
}

/* Note that an accusation was denied. True when so many were, by so many, that it is enough. */
static bool note_denial(struct gkv_grey_row *row, uint32_t accuser, uint64_t now_ns,
                        uint64_t window_ns, uint32_t wanted)
{
    uint32_t recent_count = 0;
    for (uint32_t i = 0; i < GKV_GREY_NODE_COUNT_MAX; i++) {
        recent_count +=
            i != accuser && row->denied_ns[i] != 0 && now_ns - row->denied_ns[i] <= window_ns;
    }
    row->denied_ns[accuser] = now_ns;
    return recent_count + 1 >= wanted; /* wanted is 2 at least: so there were two denials */
}

static void on_denied(struct gkv_trial *trial, const struct gkv_observation *observation,
                      uint32_t about, uint32_t accuser)
{
    const uint32_t node = observation->node;
    struct gkv_grey_row *row = &trial->grey_watch.rows[node][about];
    const uint64_t window_ns = trial->scenario.world.node.degraded_window_ms * GKV_NS_PER_MS / 2;
    if (accuser == about || !is_credible(trial, node, accuser) ||
        !note_denial(row, accuser, observation->time_ns, window_ns, accusers_wanted(trial))) {
        return;
    }
    trial->tally.counts[GKV_HOLDS_GREY_SEEN]++;
    trial->grey_watch.owed[node] = row->is_degraded ? 0 : about + 1;
}

static void on_member(struct gkv_trial *trial, const struct gkv_observation *observation)
{
    const struct gkv_update *said = &observation->output->as.member;
    const uint32_t about = gkv_check_node_of_id(trial, said->who.id);
    if (about == GKV_HISTORY_NONE) {
        return;
    }
    struct gkv_grey_row *row = &trial->grey_watch.rows[observation->node][about];
    const struct gkv_grey_row before = *row;
    if (row->boot_id != said->who.boot_id || said->state == GKV_MEMBER_LEFT) {
        *row = (struct gkv_grey_row){.boot_id = said->who.boot_id};
    }
    row->state = said->state;
    row->accuser = gkv_check_node_of_id(trial, said->accuser);
    const bool is_denial = before.state == GKV_MEMBER_SUSPECT &&
                           before.boot_id == said->who.boot_id &&
                           (said->state == GKV_MEMBER_ALIVE || said->state == GKV_MEMBER_LEAVING);
    if (is_denial && before.accuser != GKV_HISTORY_NONE) {
        on_denied(trial, observation, about, before.accuser);
    }
}

static void on_verdict(struct gkv_trial *trial, const struct gkv_observation *observation)
{
    const uint32_t node = observation->node;
    const uint32_t about = gkv_check_node_of_id(trial, observation->output->as.degraded.who.id);
    if (about == GKV_HISTORY_NONE) {
        return;
    }
    trial->grey_watch.rows[node][about].is_degraded = observation->output->as.degraded.is_degraded;
    const bool is_quiet = trial->phase == GKV_PHASE_READ || trial->phase == GKV_PHASE_IDLE;
    if (!is_quiet || !observation->output->as.degraded.is_degraded ||
        trial->scenario.outsider_count > 0 || !gkv_check_is_core(trial, about) ||
        !gkv_check_is_core(trial, node)) {
        return;
    }
    gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "grey",
                   "%s finds %s to be degraded, which is well, on a quiet network",
                   gkv_host_text(node).text, gkv_host_text(about).text);
}

static void fail_owed(struct gkv_trial *trial, uint32_t node)
{
    gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "grey",
                   "%s holds %s to be well, which %u others accused in vain by turns",
                   gkv_host_text(node).text, gkv_host_text(trial->grey_watch.owed[node] - 1).text,
                   (unsigned)accusers_wanted(trial));
}

/* What is owed comes next, in the same step. */
static void pay(struct gkv_trial *trial, const struct gkv_observation *observation)
{
    const struct gkv_output *output = observation->output;
    uint32_t *owed = &trial->grey_watch.owed[observation->node];
    if (*owed == 0) {
        return;
    }
    if (output->kind != GKV_OUTPUT_DEGRADED || !output->as.degraded.is_degraded ||
        gkv_check_node_of_id(trial, output->as.degraded.who.id) != *owed - 1) {
        fail_owed(trial, observation->node);
    }
    *owed = 0;
}

static void observe(struct gkv_trial *trial, const struct gkv_observation *observation)
{
    struct gkv_grey_watch *watch = &trial->grey_watch;
    if (!is_wanted(trial)) {
        return;
    }
    if (observation->kind == GKV_OBSERVE_BOOT) {
        watch->owed[observation->node] = 0;
        for (uint32_t i = 0; i < trial->scenario.node_count; i++) {
            watch->rows[observation->node][i] = (struct gkv_grey_row){.boot_id = 0};
        }
        return;
    }
    pay(trial, observation);
    if (observation->output->kind == GKV_OUTPUT_MEMBER) {
        on_member(trial, observation);
    } else {
        on_verdict(trial, observation);
    }
}

static void finish(struct gkv_trial *trial)
{
    for (uint32_t i = 0; i < trial->scenario.node_count && is_wanted(trial); i++) {
        if (trial->grey_watch.owed[i] != 0) {
            fail_owed(trial, i);
        }
    }
}

const struct gkv_check gkv_check_grey = {
    .name = "grey",
    .demands = "Who is accused by many by turns, and denies it each time, is DEGRADED; and nobody "
               "else is on a quiet network.",
    .told_mask = GKV_TOLD(GKV_OBSERVE_BOOT) | GKV_TOLD_OUTPUT(GKV_OUTPUT_MEMBER) |
                 GKV_TOLD_OUTPUT(GKV_OUTPUT_DEGRADED),
    .observe = observe,
    .finish = finish,
};
