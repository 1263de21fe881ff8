#include "sim/settled.h"

#include "core/panic.h"

/* The upper edge of a bucket: 128 ms times the quarter powers of two. */
static uint64_t edge_ms(uint32_t bucket)
{
    static const uint64_t quarters[] = {128, 152, 181, 215};
    return quarters[bucket % 4] << (bucket / 4);
}

void gkv_settled_note(struct gkv_settled *settled, uint64_t taken_ms, uint64_t bound_ms)
{
    uint32_t bucket = 0;
    GKV_ASSERT(bound_ms > 0);
    while (bucket < GKV_SETTLED_BUCKET_COUNT - 1 && taken_ms > edge_ms(bucket)) {
        bucket++;
    }
    settled->counts[bucket]++;
    const uint32_t permille = (uint32_t)(1000 * taken_ms / bound_ms);
    if (permille > settled->permille_max) {
        settled->permille_max = permille;
    }
}

void gkv_settled_add(struct gkv_settled *settled, const struct gkv_settled *more)
{
    for (uint32_t i = 0; i < GKV_SETTLED_BUCKET_COUNT; i++) {
        settled->counts[i] += more->counts[i];
    }
    if (more->permille_max > settled->permille_max) {
        settled->permille_max = more->permille_max;
    }
}

uint64_t gkv_settled_count(const struct gkv_settled *settled)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < GKV_SETTLED_BUCKET_COUNT; i++) {
        count += settled->counts[i];
    }
    return count;
}

uint64_t gkv_settled_percentile_ms(const struct gkv_settled *settled, uint32_t percent)
{
    const uint64_t count = gkv_settled_count(settled);
    uint64_t below = 0;
    GKV_ASSERT(percent > 0 && percent <= 100);
    for (uint32_t i = 0; i < GKV_SETTLED_BUCKET_COUNT && count > 0; i++) {
        below += settled->counts[i];
        if (100 * below >= percent * count) {
            return edge_ms(i);
        }
    }
    return 0;
}
