/* How well we are ourselves: a node that is slow finds all others slow.
 *
 * Model     Lifeguard (Dadgar, Phillips, Currey, DSN 2018), LHA-Probe: a score from 0, well, to
 *           options.health_max - 1. It rises when a probe fails, when a helper whom we asked does
 *           not even say NACK, and when we have to refute; it falls with each probe that is
 *           answered. Intervals and timeouts of probes are multiplied by the score + 1. As
 *           memberlist does, a probe that fails while all its helpers said NACK raises nothing:
 *           they hear us and we hear them, so that it is the target's fault.
 * Bounds    Two numbers. health_max 1 keeps it at 0, which switches all of this off.
 */
#ifndef GKV_CORE_HEALTH_H
#define GKV_CORE_HEALTH_H

#include <stdint.h>

#include "core/step.h"

struct gkv_health {
    uint64_t unwell_ns; /* when the score was above 0 last; 0: never */
    uint32_t score;
};

/* Something speaks for `by` more; 0: nothing does. */
void gkv_health_worsen(struct gkv_health *health, const struct gkv_step *step, uint32_t by);

/* A probe was answered. */
void gkv_health_improve(struct gkv_health *health, const struct gkv_step *step);

/* For how long the score has been 0; 0 while it is not. */
uint64_t gkv_health_well_ns(const struct gkv_health *health, const struct gkv_step *step);

/* For how long nothing has spoken against us, nor was there anything to make good: as long as we
 * are well, or, while the score is above 0, since our last probe: who has nobody to probe learns
 * no more of himself. */
uint64_t gkv_health_quiet_ns(const struct gkv_health *health, const struct gkv_step *step);

/* A time of probing, in ns, as long as our health makes it. */
uint64_t gkv_health_stretch_ns(const struct gkv_health *health, uint32_t ms);

#endif
