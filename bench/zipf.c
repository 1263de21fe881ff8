#include "bench/zipf.h"

#include <math.h>

#include "core/panic.h"

struct zipf zipf_of(uint32_t key_count, double exponent)
{
    GKV_ASSERT(key_count >= 2);
    GKV_ASSERT(exponent > 0 && exponent < 1);
    struct zipf zipf = {.key_count = key_count, .exponent = exponent, .alpha = 1 / (1 - exponent)};
    for (uint32_t i = 1; i <= key_count; i++) {
        zipf.zeta += 1 / pow(i, exponent);
    }
    const double zeta_of_two = 1 + pow(0.5, exponent);
    zipf.eta = (1 - pow(2.0 / key_count, 1 - exponent)) / (1 - zeta_of_two / zipf.zeta);
    return zipf;
}

uint32_t zipf_draw(const struct zipf *zipf, struct gkv_prng *prng)
{
    const double u = (double)gkv_prng_below(prng, UINT64_C(1) << 53) * 0x1p-53;
    const double scaled = u * zipf->zeta;
    if (scaled < 1) {
        return 0;
    }
    if (scaled < 1 + pow(0.5, zipf->exponent)) {
        return 1;
    }
    const double rank = zipf->key_count * pow(zipf->eta * u - zipf->eta + 1, zipf->alpha);
    return rank < zipf->key_count ? (uint32_t)rank : zipf->key_count - 1;
}
