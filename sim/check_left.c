#include "sim/check.h"

_Static_assert(GKV_LEFT_NODE_COUNT_MAX == GKV_CHECK_TELLS_ALL_COUNT_MAX, "all that is told");

/* Who has left is remembered for left_keep_ms, lest old news bring him back, and then forgotten,
 * lest those who left fill the table. Times are by the clock of the node that remembers; one who
 * is slow forgets when it can, and the time that one stood still may not count. It may be sooner
 * where tables are so tight that a newcomer takes the place of one who left. */

/* Is a node late that still holds what it learned at `left_ns`? */
static bool is_late(const struct gkv_trial *trial, uint32_t node, uint64_t left_ns)
{
    const uint64_t resume_ns = trial->left_watch.nodes[node].resume_ns;
    const uint64_t late_ns = trial->scenario.world.timer_late_ns_max +
                             2 * trial->scenario.clock_grain_ms * GKV_NS_PER_MS + GKV_NS_PER_MS;
    const uint64_t due_ns = (resume_ns > left_ns ? resume_ns : left_ns) +
                            trial->scenario.world.node.left_keep_ms * GKV_NS_PER_MS;
    return gkv_check_mono_ns(trial, node) > due_ns + late_ns &&
           trial->world.hosts[node].service_ns == 0;
}

/* What a node holds of one who has left, as it learned. */
static void check_memory(struct gkv_trial *trial, uint32_t node, uint32_t about)
{
    struct gkv_left_node *watch = &trial->left_watch.nodes[node];
    const uint64_t left_ns = watch->left_ns[about];
    const unsigned keep_ms = trial->scenario.world.node.left_keep_ms;
    const uint64_t age_ns = gkv_check_mono_ns(trial, node) - left_ns;
    const unsigned long long age_ms = age_ns / GKV_NS_PER_MS;
    const bool is_held = gkv_check_state(trial, node, about) == GKV_MEMBER_LEFT;
    if (!is_held) {
        watch->left_ns[about] = 0;
        trial->tally.counts[GKV_HOLDS_LEFT]++;
    }
    if (!is_held && age_ns < keep_ms * GKV_NS_PER_MS && !trial->scenario.has_tiny_tables) {
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "left",
                       "%s has forgotten %llu ms after it that %s left; left_keep is %u ms",
                       gkv_host_text(node).text, age_ms, gkv_host_text(about).text, keep_ms);
    } else if (is_held && is_late(trial, node, left_ns)) {
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "left",
                       "%s still remembers, %llu ms after it, that %s left; left_keep is %u ms",
                       gkv_host_text(node).text, age_ms, gkv_host_text(about).text, keep_ms);
    }
}

static void observe(struct gkv_trial *trial, const struct gkv_observation *observation)
{
    const uint32_t node = observation->node;
    if (!gkv_check_tells_all(trial)) {
        return;
    }
    struct gkv_left_node *watch = &trial->left_watch.nodes[node];
    const uint64_t now_ns = gkv_check_mono_ns(trial, node);
    if (observation->kind == GKV_OBSERVE_BOOT) {
        *watch = (struct gkv_left_node){.resume_ns = 0};
    } else if (observation->kind == GKV_OBSERVE_RESUME) {
        watch->resume_ns = now_ns;
    } else if (observation->kind == GKV_OBSERVE_OUTPUT) {
        const struct gkv_update *said = &observation->output->as.member;
        const uint32_t about = gkv_check_node_of_id(trial, said->who.id);
        if (about != GKV_HISTORY_NONE && about != node) {
            watch->left_ns[about] = said->state == GKV_MEMBER_LEFT ? now_ns : 0;
            watch->has_any |= said->state == GKV_MEMBER_LEFT;
        }
    } else if (watch->has_any) {
        for (uint32_t i = 0; i < trial->scenario.node_count; i++) {
            if (watch->left_ns[i] > 0) {
                check_memory(trial, node, i);
            }
        }
    }
}

const struct gkv_check gkv_check_left = {
    .name = "left",
    .demands = "Who has left is remembered for options.left_keep_ms, and then forgotten.",
    .told_mask = GKV_TOLD(GKV_OBSERVE_BOOT) | GKV_TOLD(GKV_OBSERVE_RESUME) |
                 GKV_TOLD(GKV_OBSERVE_TIMER) | GKV_TOLD_OUTPUT(GKV_OUTPUT_MEMBER),
    .observe = observe,
};
