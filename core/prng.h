/* The only source of randomness in the core: one stream per subsystem, split from options.seed, so
 * that a new draw in one does not shift another.
 *
 * Model     xoshiro256** 1.0 (Blackman and Vigna 2018), seeded by splitmix64.
 * Bounds    32 bytes, O(1).
 */
#ifndef GKV_CORE_PRNG_H
#define GKV_CORE_PRNG_H

#include <stdint.h>

struct gkv_prng {
    uint64_t state[4];
};

/* Start the stream `stream` of `seed`; equal arguments give equal streams. */
void gkv_prng_init(struct gkv_prng *prng, uint64_t seed, uint64_t stream);

/* 64 uniform bits. */
uint64_t gkv_prng_next(struct gkv_prng *prng);

/* A uniform number in [0, bound), without modulo bias; bound > 0. */
uint64_t gkv_prng_below(struct gkv_prng *prng, uint64_t bound);

#endif
