#include "core/health.h"

#include "core/panic.h"

static void set(struct gkv_health *health, const struct gkv_step *step, uint32_t score)
{
    GKV_ASSERT(score < step->options->health_max);
    if (score > 0 || health->score > 0) {
        health->unwell_ns = step->now.mono_ns;
    }
    if (score != health->score) {
        health->score = score;
        gkv_step_trace(step, GKV_TRACE_HEALTH, &gkv_step_self(step)->said.who.id, score, 0);
    }
}

void gkv_health_worsen(struct gkv_health *health, const struct gkv_step *step, uint32_t by)
{
    const uint32_t most = step->options->health_max - 1;
    set(health, step, by < most - health->score ? health->score + by : most);
}

void gkv_health_improve(struct gkv_health *health, const struct gkv_step *step)
{
    set(health, step, health->score > 0 ? health->score - 1 : 0);
}

uint64_t gkv_health_quiet_ns(const struct gkv_health *health, const struct gkv_step *step)
{
    GKV_ASSERT(health->unwell_ns <= step->now.mono_ns);
    return step->now.mono_ns - health->unwell_ns;
}

uint64_t gkv_health_well_ns(const struct gkv_health *health, const struct gkv_step *step)
{
    return health->score > 0 ? 0 : gkv_health_quiet_ns(health, step);
}

uint64_t gkv_health_stretch_ns(const struct gkv_health *health, uint32_t ms)
{
    return (uint64_t)ms * (health->score + 1) * GKV_NS_PER_MS;
}
