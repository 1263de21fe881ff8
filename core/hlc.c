#include "core/hlc.h"

#include "core/panic.h"

static uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

void gkv_hlc_clock_init(struct gkv_hlc_clock *clock, uint64_t drift_ms_max)
{
    GKV_ASSERT(drift_ms_max <= GKV_HLC_WALL_MS_MAX);
    gkv_word_store(&clock->last, 0);
    clock->drift_ms_max = drift_ms_max;
}

/* Have the clock say `least` at the least; returns what it says. */
static uint64_t raise_to(struct gkv_hlc_clock *clock, uint64_t least)
{
    uint64_t last = gkv_word_load(&clock->last);
    while (last < least && !gkv_word_exchange(&clock->last, &last, least)) {
        /* Another thread has raised it meanwhile, perhaps enough. */
    }
    return max_u64(last, least);
}

struct gkv_hlc gkv_hlc_issue(struct gkv_hlc_clock *clock, uint64_t wall_ms)
{
    GKV_ASSERT(wall_ms <= GKV_HLC_WALL_MS_MAX);

    /* The paper has two cases: the wall clock moved on (take it, counter 0), or it did not (keep
     * l, count up). Packed, both are one maximum. When 65,536 events share a millisecond the
     * counter carries into it, which keeps the order and lends us the next millisecond early.
     * Counting up, which is what most come to, is one addition: nobody has to try it again. */
    const uint64_t least = wall_ms << GKV_HLC_COUNTER_BITS;
    uint64_t previous = gkv_word_load(&clock->last);
    uint64_t next;
    if (previous >= least) {
        next = gkv_word_add(&clock->last, 1) + 1;
    } else {
        do {
            next = max_u64(previous + 1, least);
        } while (!gkv_word_exchange(&clock->last, &previous, next));
    }
    GKV_ASSERT(next > previous);
    return (struct gkv_hlc){next};
}

enum gkv_error gkv_hlc_observe(struct gkv_hlc_clock *clock, uint64_t wall_ms, struct gkv_hlc remote)
{
    GKV_ASSERT(wall_ms <= GKV_HLC_WALL_MS_MAX);

    /* One peer with a broken clock must not drag the whole cluster into the future, so a stamp
     * too far ahead is an error and not an assertion: it comes from outside. */
    if (gkv_hlc_ms(remote) > wall_ms + clock->drift_ms_max) {
        return GKV_ERROR_CLOCK_DRIFT;
    }

    const uint64_t last = raise_to(clock, remote.packed);
    GKV_ASSERT(last >= remote.packed);
    return GKV_OK;
}

uint64_t gkv_hlc_now_ms(struct gkv_hlc_clock *clock, uint64_t wall_ms)
{
    GKV_ASSERT(wall_ms <= GKV_HLC_WALL_MS_MAX);

    /* Whoever is told the time may tell others by it: it counts as a local event. */
    return gkv_hlc_ms((struct gkv_hlc){raise_to(clock, wall_ms << GKV_HLC_COUNTER_BITS)});
}
