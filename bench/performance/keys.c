#include "bench/performance/keys.h"

#include <stdlib.h>

#include "bench/zipf.h"
#include "core/prng.h"

#define EXPONENT 0.99

uint32_t *keys_uniform(uint32_t key_count, uint64_t seed)
{
    uint32_t *stream = malloc(KEYS_STREAM_COUNT * sizeof(*stream));
    struct gkv_prng prng;
    gkv_prng_init(&prng, seed, 1);
    for (uint32_t i = 0; stream != NULL && i < KEYS_STREAM_COUNT; i++) {
        stream[i] = (uint32_t)gkv_prng_below(&prng, key_count);
    }
    return stream;
}

/* Popular keys must not be neighbours in memory because they were put one after the other. Two
 * ranks may share a key: that takes a little of the variety away, from all alike. */
static uint32_t scatter(uint32_t rank, uint32_t key_count)
{
    uint64_t mixed = (rank + UINT64_C(1)) * UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ mixed >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
    return (uint32_t)((mixed >> 32) * key_count >> 32);
}

uint32_t *keys_zipf(uint32_t key_count, uint64_t seed)
{
    uint32_t *stream = malloc(KEYS_STREAM_COUNT * sizeof(*stream));
    const struct zipf zipf = zipf_of(key_count, EXPONENT);
    struct gkv_prng prng;
    gkv_prng_init(&prng, seed, 2);
    for (uint32_t i = 0; stream != NULL && i < KEYS_STREAM_COUNT; i++) {
        stream[i] = scatter(zipf_draw(&zipf, &prng), key_count);
    }
    return stream;
}
