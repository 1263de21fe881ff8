#include <stdio.h>

#include "core/member.h"
#include "sim/check.h"

/* Whoever dies in a quiet cluster is unreachable to all the others by a deadline that follows from
 * the options (sim/idle.c): completeness, with a bound. That nobody brings it back to life is
 * sim/check_precedence.c's and sim/check_incarnation.c's. */

static bool settle(struct gkv_trial *trial, char *why, size_t why_bytes)
{
    if (trial->phase != GKV_PHASE_LOSS) {
        return true;
    }
    const uint32_t lost = trial->idle.lost_node;
    for (uint32_t i = 0; i < trial->scenario.node_count; i++) {
        if (!gkv_check_is_core(trial, i)) {
            continue;
        }
        trial->tally.counts[GKV_HOLDS_DEAD]++;
        const enum gkv_member_state state = gkv_check_state(trial, i, lost);
        if (state != GKV_MEMBER_UNREACHABLE && state != GKV_MEMBER_EVICTED) {
            (void)snprintf(why, why_bytes, "%s does not hold %s to be unreachable, which died",
                           gkv_host_text(i).text, gkv_host_text(lost).text);
            return false;
        }
    }
    return true;
}

const struct gkv_check gkv_check_dead = {
    .name = "dead",
    .demands = "A node that dies is unreachable to all the others within the time that the options "
               "imply: its turn among 2n - 1, a probe and the suspicion.",
    .settle = settle,
};
