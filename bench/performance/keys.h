/* Keys of 16 bytes, and which of them is asked for next.
 *
 * Model     Uniform, or Zipf with exponent 0.99 (bench/zipf.h). Which keys are popular has nothing
 *           to do with their order.
 * Bounds    Streams repeat after KEYS_STREAM_COUNT draws, which 4 bytes each hold: drawing while
 *           the clock runs would cost more than some of the stores.
 */
#ifndef BENCH_PERFORMANCE_KEYS_H
#define BENCH_PERFORMANCE_KEYS_H

#include <stdint.h>

#include "bench/performance/rival.h"

#define KEYS_STREAM_COUNT (UINT32_C(1) << 20)

/* Bits that look like chance, different for each number. */
static inline struct rival_key keys_make(uint32_t number)
{
    uint64_t mixed = number + UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed ^= mixed >> 27;
    return (struct rival_key){{mixed, mixed * UINT64_C(0x94d049bb133111eb) ^ number}};
}

/* Numbers below key_count: a stream, to be freed. NULL: no memory. */
uint32_t *keys_uniform(uint32_t key_count, uint64_t seed);
uint32_t *keys_zipf(uint32_t key_count, uint64_t seed);

#endif
