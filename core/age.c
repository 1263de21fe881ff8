#include "core/age.h"

/* By pace. The same for the short and the new: both are told by what does not happen any more. */
static const uint8_t patience[] = {4, 4, 8, GKV_AGE_PATIENCE_MAX};

#define IDLE_MAX 15

_Static_assert(GKV_AGE_PATIENCE_MAX <= IDLE_MAX, "all patience ends");

/* Below the idle bits and the pace: what is not ours. */
#define OTHERS_MASK 1u

static uint8_t mark_of(uint32_t idle, uint32_t pace, uint8_t others)
{
    return (uint8_t)(idle << 4 | pace << 2 | others);
}

/* The pace that a use after so many idle turns is a sign of. */
static uint32_t pace_after(uint32_t idle)
{
    if (idle == 0) {
        return GKV_PACE_SHORT;
    }
    return idle <= 2 ? GKV_PACE_MIDDLE : GKV_PACE_LONG;
}

uint8_t gkv_age_next(uint8_t mark)
{
    const uint32_t idle = gkv_age_idle(mark);
    uint32_t pace = gkv_age_pace(mark);
    const uint8_t others = mark & OTHERS_MASK;
    if ((mark & GKV_AGE_USED) == 0) {
        return mark_of(idle < IDLE_MAX ? idle + 1 : idle, pace, others);
    }
    const uint32_t sign = pace_after(idle);
    if (pace == GKV_PACE_NEW) {
        pace = sign;
    } else if (pace != sign) {
        pace = pace < sign ? pace + 1 : pace - 1; /* one use does not make a habit */
    }
    return mark_of(0, pace, others);
}

uint32_t gkv_age_patience(uint8_t mark)
{
    return patience[gkv_age_pace(mark)];
}
