/* How often a number of each size was seen, so that percentiles can be told without keeping the
 * numbers.
 *
 * Model     Log-linear, as HdrHistogram (Tene): between two powers of two lie
 *           GKV_HISTOGRAM_STEPS equal steps, and below GKV_HISTOGRAM_STEPS each number has its own.
 *           Which step a number falls into is told by its highest bits.
 * Bounds    Any 64-bit number; a percentile is at most 1 / GKV_HISTOGRAM_STEPS too great, never too
 *           small. 15,376 bytes. Adding: O(1), no branch but one.
 * Threads   One at a time: each thread counts for itself, and who asks adds them up
 *           (gkv_histogram_merge).
 * Invariant The counts add up to `count`.
 */
#ifndef GKV_CORE_HISTOGRAM_H
#define GKV_CORE_HISTOGRAM_H

#include <stdint.h>

#define GKV_HISTOGRAM_STEP_BITS 5
#define GKV_HISTOGRAM_STEPS (UINT32_C(1) << GKV_HISTOGRAM_STEP_BITS)
#define GKV_HISTOGRAM_CELL_COUNT ((64 - GKV_HISTOGRAM_STEP_BITS + 1) * GKV_HISTOGRAM_STEPS)

struct gkv_histogram {
    uint64_t count;
    uint64_t max; /* exactly; 0 of none */
    uint64_t cells[GKV_HISTOGRAM_CELL_COUNT];
};

void gkv_histogram_clear(struct gkv_histogram *histogram);

void gkv_histogram_add(struct gkv_histogram *histogram, uint64_t number);

/* Add what `other` has seen. */
void gkv_histogram_merge(struct gkv_histogram *histogram, const struct gkv_histogram *other);

/* The number that per_million (1 .. 1,000,000) millionths of all do not pass, nearest rank: the
 * greatest of its step, or the greatest seen where that is less. 0 of none. */
uint64_t gkv_histogram_quantile(const struct gkv_histogram *histogram, uint32_t per_million);

#endif
