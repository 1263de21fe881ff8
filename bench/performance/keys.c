#include "bench/performance/keys.h"

#include <math.h>
#include <stdlib.h>

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

struct zipf {
    uint32_t key_count;
    double zeta;
    double alpha;
    double eta;
};

static struct zipf zipf_of(uint32_t key_count)
{
    struct zipf zipf = {.key_count = key_count, .alpha = 1 / (1 - EXPONENT)};
    for (uint32_t i = 1; i <= key_count; i++) {
        zipf.zeta += 1 / pow(i, EXPONENT);
    }
    const double zeta_of_two = 1 + pow(0.5, EXPONENT);
    zipf.eta = (1 - pow(2.0 / key_count, 1 - EXPONENT)) / (1 - zeta_of_two / zipf.zeta);
    return zipf;
}

static uint32_t draw_rank(const struct zipf *zipf, struct gkv_prng *prng)
{
    const double u = (double)gkv_prng_below(prng, UINT64_C(1) << 53) * 0x1p-53;
    const double scaled = u * zipf->zeta;
    if (scaled < 1) {
        return 0;
    }
    if (scaled < 1 + pow(0.5, EXPONENT)) {
        return 1;
    }
    const double rank = zipf->key_count * pow(zipf->eta * u - zipf->eta + 1, zipf->alpha);
    return rank < zipf->key_count ? (uint32_t)rank : zipf->key_count - 1;
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
    const struct zipf zipf = zipf_of(key_count);
    struct gkv_prng prng;
    gkv_prng_init(&prng, seed, 2);
    for (uint32_t i = 0; stream != NULL && i < KEYS_STREAM_COUNT; i++) {
        stream[i] = scatter(draw_rank(&zipf, &prng), key_count);
    }
    return stream;
}
