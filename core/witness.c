#include "core/witness.h"

#include "core/panic.h"

#define WINDOW_INTERVALS 3

/* How many reachable members, besides us and the one at index, were heard within a time. */
static uint32_t heard_count(const struct gkv_step *step, uint16_t index, uint64_t within_ns)
{
    uint32_t count = 0;
    for (uint16_t i = GKV_MEMBER_SELF + 1; i < step->members->capacity; i++) {
        const struct gkv_member *member = gkv_member_at(step->members, i);
        if (i == index || !gkv_member_is_reachable(member)) {
            continue;
        }
        GKV_ASSERT(member->heard_ns <= step->now.mono_ns);
        count += step->now.mono_ns - member->heard_ns <= within_ns;
    }
    return count;
}

bool gkv_witness_allows(const struct gkv_step *step, uint16_t index)
{
    const uint32_t reachable_count = step->members->reachable_count;
    const uint32_t others = reachable_count > 2 ? reachable_count - 2 : 0;
    const uint32_t wanted =
        step->options->witness_count < others ? step->options->witness_count : others;
    const uint64_t grace_ns = step->options->startup_grace_ms * GKV_NS_PER_MS;
    if (step->now.mono_ns - gkv_step_self(step)->since_ns < grace_ns) {
        return false;
    }
    const uint64_t window_ms = WINDOW_INTERVALS * (uint64_t)step->options->probe_interval_ms +
                               step->options->probe_timeout_ms;
    const uint64_t patience_ms = step->options->witness_patience_ms;
    return heard_count(step, index, window_ms * GKV_NS_PER_MS) >= wanted ||
           heard_count(step, index, (window_ms + patience_ms) * GKV_NS_PER_MS) < wanted;
}
