/* How long clusters take to agree after the faults stopped, over many trials.
 *
 * Model     A histogram of the time from HEAL's begin until all checks had settled, four buckets
 *           per doubling; and the largest share of the bound that any trial took, so that a change
 *           for the worse is seen long before the bound is met.
 * Bounds    From 128 ms to 9 minutes; beyond that the last bucket.
 */
#ifndef GKV_SIM_SETTLED_H
#define GKV_SIM_SETTLED_H

#include <stdint.h>

#define GKV_SETTLED_BUCKET_COUNT 48

struct gkv_settled {
    uint32_t counts[GKV_SETTLED_BUCKET_COUNT];
    uint32_t permille_max; /* of the trial's own bound */
};

/* A trial settled after taken_ms, and had bound_ms for it. */
void gkv_settled_note(struct gkv_settled *settled, uint64_t taken_ms, uint64_t bound_ms);

void gkv_settled_add(struct gkv_settled *settled, const struct gkv_settled *more);

uint64_t gkv_settled_count(const struct gkv_settled *settled);

/* So many ms, no more, took `percent` of a hundred trials: the upper edge of a bucket. 0: none
 * did. */
uint64_t gkv_settled_percentile_ms(const struct gkv_settled *settled, uint32_t percent);

#endif
