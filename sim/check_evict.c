#include "sim/check.h"

/* Who is held to be unreachable, and does not deny it, is evicted after evict_delay_ms and up to a
 * fifth more; until then he keeps what he owns, and a place for each write. Times are by the clock
 * of the node that holds him so, from when it is first seen to; one who is slow evicts when it can,
 * and the time that one stood still may not count. */

_Static_assert(GKV_EVICT_NODE_COUNT_MAX == GKV_CHECK_TELLS_ALL_COUNT_MAX, "all that is told");

static uint64_t most_ns(const struct gkv_trial *trial)
{
    const uint64_t delay_ns = trial->scenario.world.node.evict_delay_ms * GKV_NS_PER_MS;
    const uint64_t late_ns = trial->scenario.world.timer_late_ns_max +
                             2 * trial->scenario.clock_grain_ms * GKV_NS_PER_MS + GKV_NS_PER_MS;
    return delay_ns + delay_ns / 5 + late_ns;
}

static void check_held(struct gkv_trial *trial, uint32_t node, uint32_t about)
{
    struct gkv_evict_row *row = &trial->evict_watch.nodes[node].rows[about];
    const struct gkv_update *held = gkv_check_held(trial, node, about);
    const uint64_t now_ns = gkv_check_mono_ns(trial, node);
    const uint64_t resume_ns = trial->evict_watch.nodes[node].resume_ns;
    if (held == NULL || held->state != GKV_MEMBER_UNREACHABLE) {
        trial->tally.counts[GKV_HOLDS_EVICT] +=
            row->since_ns > 0 && held != NULL && held->state == GKV_MEMBER_EVICTED;
        row->since_ns = 0;
        return;
    }
    if (row->since_ns == 0 || row->boot_id != held->who.boot_id ||
        row->incarnation != held->incarnation || trial->world.hosts[node].service_ns > 0) {
        *row = (struct gkv_evict_row){now_ns, held->who.boot_id, held->incarnation};
    }
    const uint64_t since_ns = row->since_ns > resume_ns ? row->since_ns : resume_ns;
    if (now_ns - since_ns > most_ns(trial)) {
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "evict",
                       "%s has held %s to be unreachable for %llu ms, incarnation %u, and does not "
                       "evict it; evict_delay is %u ms",
                       gkv_host_text(node).text, gkv_host_text(about).text,
                       (unsigned long long)((now_ns - since_ns) / GKV_NS_PER_MS),
                       (unsigned)held->incarnation,
                       (unsigned)trial->scenario.world.node.evict_delay_ms);
    }
}

static void observe(struct gkv_trial *trial, const struct gkv_observation *observation)
{
    const uint32_t node = observation->node;
    if (!gkv_check_tells_all(trial) || trial->scenario.world.node.evict_delay_ms == 0) {
        return;
    }
    struct gkv_evict_node *watch = &trial->evict_watch.nodes[node];
    if (observation->kind == GKV_OBSERVE_BOOT) {
        *watch = (struct gkv_evict_node){.resume_ns = 0};
    } else if (observation->kind == GKV_OBSERVE_RESUME) {
        watch->resume_ns = gkv_check_mono_ns(trial, node);
    } else if (observation->kind == GKV_OBSERVE_OUTPUT) {
        watch->has_any |= observation->output->as.member.state == GKV_MEMBER_UNREACHABLE;
    } else if (watch->has_any) {
        for (uint32_t i = 0; i < trial->scenario.node_count; i++) {
            if (i != node) {
                check_held(trial, node, i);
            }
        }
    }
}

const struct gkv_check gkv_check_evict = {
    .name = "evict",
    .demands = "Who is unreachable for options.evict_delay_ms, and a fifth more, is evicted.",
    .told_mask = GKV_TOLD(GKV_OBSERVE_BOOT) | GKV_TOLD(GKV_OBSERVE_RESUME) |
                 GKV_TOLD(GKV_OBSERVE_TIMER) | GKV_TOLD_OUTPUT(GKV_OUTPUT_MEMBER),
    .observe = observe,
};
