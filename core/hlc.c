#include "core/hlc.h"

#include "core/panic.h"

static uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

void gkv_hlc_clock_init(struct gkv_hlc_clock *clock, uint64_t drift_ms_max)
{
    GKV_ASSERT(drift_ms_max <= GKV_HLC_WALL_MS_MAX);
    *clock = (struct gkv_hlc_clock){.drift_ms_max = drift_ms_max};
}

struct gkv_hlc gkv_hlc_issue(struct gkv_hlc_clock *clock, uint64_t wall_ms)
{
    GKV_ASSERT(wall_ms <= GKV_HLC_WALL_MS_MAX);

    /* The paper has two cases: the wall clock moved on (take it, counter 0), or it did not (keep
     * l, count up). Packed, both are one maximum. When 65,536 events share a millisecond the
     * counter carries into it, which keeps the order and lends us the next millisecond early. */
    const uint64_t previous = clock->last.packed;
    clock->last.packed = max_u64(previous + 1, wall_ms << GKV_HLC_COUNTER_BITS);

    GKV_ASSERT(clock->last.packed > previous);
    return clock->last;
}

enum gkv_error gkv_hlc_observe(struct gkv_hlc_clock *clock, uint64_t wall_ms, struct gkv_hlc remote)
{
    GKV_ASSERT(wall_ms <= GKV_HLC_WALL_MS_MAX);

    /* One peer with a broken clock must not drag the whole cluster into the future, so a stamp
     * too far ahead is an error and not an assertion: it comes from outside. */
    if (gkv_hlc_ms(remote) > wall_ms + clock->drift_ms_max) {
        return GKV_ERROR_CLOCK_DRIFT;
    }

    clock->last.packed = max_u64(clock->last.packed, remote.packed);
    GKV_ASSERT(clock->last.packed >= remote.packed);
    return GKV_OK;
}

uint64_t gkv_hlc_now_ms(struct gkv_hlc_clock *clock, uint64_t wall_ms)
{
    GKV_ASSERT(wall_ms <= GKV_HLC_WALL_MS_MAX);

    /* Whoever is told the time may tell others by it: it counts as a local event. */
    clock->last.packed = max_u64(clock->last.packed, wall_ms << GKV_HLC_COUNTER_BITS);
    return gkv_hlc_ms(clock->last);
}
