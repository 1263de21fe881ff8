#include "core/prng.h"

#include "core/panic.h"

static uint64_t rotate_left(uint64_t x, unsigned bits)
{
    return (x << bits) | (x >> (64 - bits));
}

/* splitmix64: turns any seed, 0 included, into well-mixed state. */
static uint64_t split_mix(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

void gkv_prng_init(struct gkv_prng *prng, uint64_t seed, uint64_t stream)
{
    /* The stream number goes through the mixer once by itself, so that (seed, stream) and
     * (seed + 1, stream - 1) have nothing in common. */
    uint64_t mixed_stream = stream;
    uint64_t state = seed ^ split_mix(&mixed_stream);
    for (int i = 0; i < 4; i++) {
        prng->state[i] = split_mix(&state);
    }
}

uint64_t gkv_prng_next(struct gkv_prng *prng)
{
    uint64_t *s = prng->state;
    const uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    const uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

uint64_t gkv_prng_below(struct gkv_prng *prng, uint64_t bound)
{
    GKV_ASSERT(bound > 0);

    /* Reject the low values that would make some remainders likelier than others. Fewer than half
     * are rejected for any bound; after 128 draws (chance under 2^-128) the bias is taken instead
     * of a loop without a bound. */
    const uint64_t reject_below = (0 - bound) % bound;
    uint64_t draw = gkv_prng_next(prng);
    for (int i = 0; i < 128 && draw < reject_below; i++) {
        draw = gkv_prng_next(prng);
    }
    return draw % bound;
}
