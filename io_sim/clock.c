#include "io_sim/clock.h"

#include "core/panic.h"

static int64_t offset_ms(const struct gkv_sim_clock *clock, uint64_t time_ns)
{
    int64_t offset = clock->wall_offset_ms;
    if (clock->drift_ppm != 0) {
        const int64_t elapsed_us = (int64_t)((time_ns - clock->drift_since_ns) / 1000);
        offset += elapsed_us * clock->drift_ppm / 1000000000;
    }
    if (offset > clock->skew_ms_max) {
        offset = clock->skew_ms_max;
    }
    if (offset < -clock->skew_ms_max) {
        offset = -clock->skew_ms_max;
    }
    return offset;
}

uint64_t gkv_sim_clock_true_ms(uint64_t time_ns)
{
    return GKV_SIM_EPOCH_MS + time_ns / GKV_NS_PER_MS;
}

/* A quarter of the most, as a sine of 16 steps in percent: integers are the same everywhere. */
static int64_t swing_ms(const struct gkv_sim_clock *clock, uint64_t time_ns)
{
    static const int8_t sine[16] = {0, 38,  71,  92,  100,  92,  71,  38,
                                    0, -38, -71, -92, -100, -92, -71, -38};
    if (clock->swing_ms == 0) {
        return 0;
    }
    const uint64_t phase = time_ns / GKV_NS_PER_MS * 16 / clock->swing_ms % 16;
    return clock->skew_ms_max * sine[phase] / 400;
}

struct gkv_now gkv_sim_clock_read(const struct gkv_sim_clock *clock, uint64_t time_ns)
{
    int64_t offset = offset_ms(clock, time_ns) + swing_ms(clock, time_ns);
    if (offset > clock->skew_ms_max) {
        offset = clock->skew_ms_max;
    }
    if (offset < -clock->skew_ms_max) {
        offset = -clock->skew_ms_max;
    }
    const int64_t wall_ms = (int64_t)gkv_sim_clock_true_ms(time_ns) + offset;
    GKV_ASSERT(wall_ms > 0);
    const uint64_t fine_ms = clock->grain_ms == 0 ? 0 : (uint64_t)wall_ms % clock->grain_ms;
    return (struct gkv_now){
        .mono_ns = gkv_sim_clock_mono_ns(clock, time_ns),
        .wall_ms = (uint64_t)wall_ms - fine_ms,
    };
}

uint64_t gkv_sim_clock_when(const struct gkv_sim_clock *clock, uint64_t mono_ns)
{
    if (mono_ns == GKV_NEVER) {
        return GKV_NEVER;
    }
    uint64_t shown_ns = mono_ns;
    const uint64_t grain_ns = clock->grain_ms * GKV_NS_PER_MS;
    if (grain_ns > 0 && mono_ns % grain_ns > 0) {
        shown_ns += grain_ns - mono_ns % grain_ns;
    }
    /* The offset of a clock that was suspended may be below zero. */
    const int64_t time_ns = (int64_t)(shown_ns - clock->mono_offset_ns);
    return time_ns <= 0 ? 0 : (uint64_t)time_ns;
}

void gkv_sim_clock_suspend(struct gkv_sim_clock *clock, uint64_t for_ns)
{
    clock->mono_offset_ns -= for_ns;
}

void gkv_sim_clock_step(struct gkv_sim_clock *clock, uint64_t time_ns, int64_t step_ms)
{
    clock->wall_offset_ms = offset_ms(clock, time_ns) + step_ms;
    clock->drift_since_ns = time_ns;
    clock->wall_offset_ms = offset_ms(clock, time_ns);
}

void gkv_sim_clock_drift(struct gkv_sim_clock *clock, uint64_t time_ns, int64_t drift_ppm)
{
    gkv_sim_clock_step(clock, time_ns, 0);
    clock->drift_ppm = drift_ppm;
}
