#include "core/histogram.h"

#include <string.h>

#include "core/panic.h"

/* A cell is the five bits below the highest one, and how far they were shifted.
 *
 *   number   0 .. 31    32 .. 63   64 .. 127   128 .. 255   ...
 *   step     1          1          2           4
 *   cells    0 .. 31    32 .. 63   64 .. 95    96 .. 127    ...
 */
static uint32_t cell_of(uint64_t number)
{
    if (number < GKV_HISTOGRAM_STEPS) {
        return (uint32_t)number;
    }
    const uint32_t top_bit = 63 - (uint32_t)__builtin_clzll(number);
    const uint32_t shift = top_bit - GKV_HISTOGRAM_STEP_BITS;
    return (shift + 1) * GKV_HISTOGRAM_STEPS + (uint32_t)(number >> shift) - GKV_HISTOGRAM_STEPS;
}

/* The greatest number of a cell. */
static uint64_t cell_end(uint32_t cell)
{
    if (cell < GKV_HISTOGRAM_STEPS) {
        return cell;
    }
    const uint32_t shift = cell / GKV_HISTOGRAM_STEPS - 1;
    const uint64_t first = (uint64_t)(GKV_HISTOGRAM_STEPS + cell % GKV_HISTOGRAM_STEPS) << shift;
    return first + ((UINT64_C(1) << shift) - 1);
}

void gkv_histogram_clear(struct gkv_histogram *histogram)
{
    memset(histogram, 0, sizeof(*histogram));
}

void gkv_histogram_add(struct gkv_histogram *histogram, uint64_t number)
{
    const uint32_t cell = cell_of(number);
    GKV_ASSERT(cell < GKV_HISTOGRAM_CELL_COUNT);
    histogram->cells[cell]++;
    histogram->count++;
    histogram->max = number > histogram->max ? number : histogram->max;
}

void gkv_histogram_merge(struct gkv_histogram *histogram, const struct gkv_histogram *other)
{
    for (uint32_t cell = 0; cell < GKV_HISTOGRAM_CELL_COUNT; cell++) {
        histogram->cells[cell] += other->cells[cell];
    }
    histogram->count += other->count;
    histogram->max = other->max > histogram->max ? other->max : histogram->max;
}

/* ceil(count * per_million / 1,000,000), by parts that do not overflow. */
static uint64_t rank_of(uint64_t count, uint32_t per_million)
{
    const uint64_t whole = count / 1000000 * per_million;
    return whole + (count % 1000000 * per_million + 999999) / 1000000;
}

uint64_t gkv_histogram_quantile(const struct gkv_histogram *histogram, uint32_t per_million)
{
    GKV_ASSERT(per_million > 0);
    GKV_ASSERT(per_million <= 1000000);
    const uint64_t rank = rank_of(histogram->count, per_million);
    uint64_t seen_count = 0;
    for (uint32_t cell = 0; cell < GKV_HISTOGRAM_CELL_COUNT && rank > 0; cell++) {
        seen_count += histogram->cells[cell];
        if (seen_count >= rank) {
            const uint64_t end = cell_end(cell);
            return end < histogram->max ? end : histogram->max;
        }
    }
    GKV_ASSERT(histogram->count == 0);
    return 0;
}
