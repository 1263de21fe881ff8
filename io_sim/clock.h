/* A node's two clocks, made up from the one true time of the world.
 *
 * Model     mono is the true time plus a constant, so that no two nodes agree on it. wall is the
 *           true time plus an offset that steps, drifts and swings, held within skew_ms_max. Both
 *           may be coarse.
 * Bounds    O(1); integers only.
 */
#ifndef GKV_IO_SIM_CLOCK_H
#define GKV_IO_SIM_CLOCK_H

#include <stdint.h>

#include "core/types.h"

#define GKV_SIM_EPOCH_MS \
    UINT64_C(1767225600000) /* 2026-01-01: the wall time when the world begins */

struct gkv_sim_clock {
    uint64_t mono_offset_ns;
    int64_t wall_offset_ms; /* set, and moved by steps */
    int64_t drift_ppm;      /* gained per true time since drift_since_ns */
    uint64_t drift_since_ns;
    uint64_t swing_ms;   /* the wall clock swings by a quarter of skew_ms_max with this period */
    uint64_t grain_ms;   /* both move in steps of this; 0: as fine as they can */
    int64_t skew_ms_max; /* the wall clock stays within this of the truth */
};

/* Both clocks at a true time. */
struct gkv_now gkv_sim_clock_read(const struct gkv_sim_clock *clock, uint64_t time_ns);

/* One of them alone, which takes no division unless the clock is coarse. */
static inline uint64_t gkv_sim_clock_mono_ns(const struct gkv_sim_clock *clock, uint64_t time_ns)
{
    const uint64_t mono_ns = clock->mono_offset_ns + time_ns;
    return clock->grain_ms == 0 ? mono_ns : mono_ns - mono_ns % (clock->grain_ms * GKV_NS_PER_MS);
}

/* The true wall time. */
uint64_t gkv_sim_clock_true_ms(uint64_t time_ns);

/* The true time at which the mono clock shows mono_ns; GKV_NEVER stays GKV_NEVER. */
uint64_t gkv_sim_clock_when(const struct gkv_sim_clock *clock, uint64_t mono_ns);

/* Let the mono clock stand still for so long, as a suspended machine's does. */
void gkv_sim_clock_suspend(struct gkv_sim_clock *clock, uint64_t for_ns);

/* Move the wall clock, at once. */
void gkv_sim_clock_step(struct gkv_sim_clock *clock, uint64_t time_ns, int64_t step_ms);

/* Let the wall clock gain or lose from now on. */
void gkv_sim_clock_drift(struct gkv_sim_clock *clock, uint64_t time_ns, int64_t drift_ppm);

#endif
