#include "sim/check.h"

/* A node that stood still has missed what was said to it meanwhile: it waits in its sockets. So it
 * may not act on a deadline that fell into that time: whoever waits for an answer gets the time
 * back. Seen of gets, which nothing but their deadline ends in TIMEOUT; and of writes that a timer
 * leaves in doubt, since an answer may do that as well. */

/* A node looks at its timers this often at the least: so much of a stall may go unnoticed. */
#define LOOK_NS (100 * GKV_NS_PER_MS)

/* How much of a pause its clock must have given back. A suspended machine's clock stood still. */
static uint64_t stall_ns(const struct gkv_trial *trial, uint64_t pause_ns)
{
    const uint64_t unnoticed_ns = LOOK_NS + trial->scenario.world.timer_late_ns_max +
                                  2 * trial->scenario.clock_grain_ms * GKV_NS_PER_MS;
    const uint64_t least_ns = trial->scenario.world.node.stall_ms * GKV_NS_PER_MS;
    return least_ns == 0 || pause_ns <= unnoticed_ns + least_ns ? 0 : pause_ns - unnoticed_ns;
}

static void check_timeout(struct gkv_trial *trial, uint32_t node, const struct gkv_result *result)
{
    const struct gkv_stall_watch *watch = &trial->stall_watch;
    const struct gkv_deed *deed = gkv_history_find(&trial->history, result->cookie);
    if (deed == NULL || deed->node != node) {
        return; /* sim/check_open.c */
    }
    const uint64_t number = result->cookie - 1;
    const uint64_t timeout_ns = trial->scenario.world.node.operation_timeout_ms * GKV_NS_PER_MS;
    const uint64_t stood_ns = watch->stood_ns[node] - watch->begins[number].stood_ns;
    const uint64_t open_ns = gkv_check_mono_ns(trial, node) - watch->begins[number].mono_ns;
    if (stood_ns == 0) {
        return;
    }
    trial->tally.counts[GKV_HOLDS_STALL]++;
    if (open_ns < stood_ns + timeout_ns) {
        trial->verdict.key = deed->key;
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "stall",
                       "%s gives operation %u up after %llu ms, for %llu ms of which it stood "
                       "still; the timeout is %u ms",
                       gkv_host_text(node).text, (unsigned)number,
                       (unsigned long long)(open_ns / GKV_NS_PER_MS),
                       (unsigned long long)(stood_ns / GKV_NS_PER_MS),
                       (unsigned)trial->scenario.world.node.operation_timeout_ms);
    }
}

static void observe(struct gkv_trial *trial, const struct gkv_observation *observation)
{
    struct gkv_stall_watch *watch = &trial->stall_watch;
    const uint32_t node = observation->node;
    if (observation->kind == GKV_OBSERVE_PAUSE) {
        watch->pause_ns[node] = gkv_check_mono_ns(trial, node);
    } else if (observation->kind == GKV_OBSERVE_RESUME) {
        watch->stood_ns[node] +=
            stall_ns(trial, gkv_check_mono_ns(trial, node) - watch->pause_ns[node]);
    } else if (observation->kind == GKV_OBSERVE_SUBMIT) {
        const uint64_t number = observation->operation->cookie - 1;
        watch->begins[number].mono_ns = gkv_check_mono_ns(trial, node);
        watch->begins[number].stood_ns = watch->stood_ns[node];
    } else if (observation->kind == GKV_OBSERVE_OUTPUT) {
        const struct gkv_result *result = &observation->output->as.result;
        if (result->error == GKV_ERROR_TIMEOUT ||
            (result->error == GKV_ERROR_IN_DOUBT && watch->is_timer[node])) {
            check_timeout(trial, node, result);
        }
        return;
    }
    watch->is_timer[node] = observation->kind == GKV_OBSERVE_TIMER;
}

const struct gkv_check gkv_check_stall = {
    .name = "stall",
    .demands =
        "Who stood still gives no operation up for the time in which it could not hear answers.",
    .told_mask = GKV_TOLD_INPUTS | GKV_TOLD(GKV_OBSERVE_PAUSE) | GKV_TOLD(GKV_OBSERVE_RESUME) |
                 GKV_TOLD_OUTPUT(GKV_OUTPUT_COMPLETE),
    .observe = observe,
};
