#include "core/suspicion.h"

#include "core/panic.h"

uint64_t gkv_suspicion_timeout_ns(const struct gkv_options *options, uint16_t member_count)
{
    uint64_t log2_count = 0;
    while ((UINT64_C(1) << log2_count) < member_count) {
        log2_count++;
    }
    GKV_ASSERT(log2_count <= 16);
    const uint64_t spreading_ms = 2 * log2_count * options->gossip_interval_ms;
    return (options->suspicion_timeout_ms + spreading_ms) * GKV_NS_PER_MS;
}

void gkv_suspicion_rearm(const struct gkv_step *step, uint16_t index)
{
    GKV_ASSERT(index != GKV_MEMBER_SELF);
    const uint32_t timer = gkv_step_member_timer(step, index);
    const uint64_t now_ns = step->now.mono_ns;

    switch (gkv_member_at(step->members, index)->said.state) {
    case GKV_MEMBER_SUSPECT: {
        const uint16_t count = step->members->reachable_count;
        gkv_timer_set(step->timers, timer, now_ns + gkv_suspicion_timeout_ns(step->options, count));
        break;
    }
    case GKV_MEMBER_LEFT:
        gkv_timer_set(step->timers, timer, now_ns + GKV_SUSPICION_LEFT_KEEP_MS * GKV_NS_PER_MS);
        break;
    case GKV_MEMBER_NONE:
    case GKV_MEMBER_ALIVE:
    case GKV_MEMBER_UNREACHABLE:
        gkv_timer_cancel(step->timers, timer);
        break;
    }
}
