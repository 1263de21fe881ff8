#include "core/witness.h"

#include "core/panic.h"

#define WINDOW_INTERVALS 3

/* How many reachable members, besides us and the one at index, were heard since then. */
static uint32_t heard_count(const struct gkv_step *step, uint16_t index, uint64_t since_ns)
{
    uint32_t count = 0;
    for (uint16_t i = GKV_MEMBER_SELF + 1; i < step->members->capacity; i++) {
        const struct gkv_member *member = gkv_member_at(step->members, i);
        if (i == index || !gkv_member_is_reachable(member)) {
            continue;
        }
        GKV_ASSERT(member->heard_ns <= step->now.mono_ns);
        count += member->heard_ns >= since_ns;
    }
    return count;
}

uint64_t gkv_witness_window_ns(const struct gkv_options *options)
{
    const uint64_t intervals_ms = WINDOW_INTERVALS * (uint64_t)options->probe_interval_ms;
    return (intervals_ms + options->probe_timeout_ms) * GKV_NS_PER_MS;
}

static uint64_t ago(const struct gkv_step *step, uint64_t span_ns)
{
    return step->now.mono_ns > span_ns ? step->now.mono_ns - span_ns : 0;
}

bool gkv_witness_allows(const struct gkv_step *step, uint16_t index, uint64_t since_ns)
{
    const uint32_t reachable_count = step->members->reachable_count;
    const uint32_t others = reachable_count > 2 ? reachable_count - 2 : 0;
    const uint32_t wanted =
        step->options->witness_count < others ? step->options->witness_count : others;
    const uint64_t grace_ns = step->options->startup_grace_ms * GKV_NS_PER_MS;
    if (step->now.mono_ns - step->members->begin_ns < grace_ns) {
        return false;
    }
    const uint64_t window_ns = gkv_witness_window_ns(step->options);
    const uint64_t patience_ns = step->options->witness_patience_ms * GKV_NS_PER_MS;
    const uint64_t lately_ns = ago(step, window_ns);
    return heard_count(step, index, since_ns > lately_ns ? since_ns : lately_ns) >= wanted ||
           heard_count(step, index, ago(step, window_ns + patience_ns)) < wanted;
}
