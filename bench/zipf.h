/* Which of many keys is asked for next, when few are asked for often: Zipf's law.
 *
 * Model     Gray et al., "Quickly Generating Billion-Record Synthetic Databases", SIGMOD 1994, as
 *           YCSB draws it: one number, and two powers.
 * Bounds    zipf_of takes a power for each key; a draw is O(1).
 */
#ifndef BENCH_ZIPF_H
#define BENCH_ZIPF_H

#include <stdint.h>

#include "core/prng.h"

struct zipf {
    uint32_t key_count;
    double exponent;
    double zeta;
    double alpha;
    double eta;
};

/* At least two keys; an exponent of more than 0 and less than 1. */
struct zipf zipf_of(uint32_t key_count, double exponent);

/* A rank: 0 is drawn most often, key_count - 1 is the last. */
uint32_t zipf_draw(const struct zipf *zipf, struct gkv_prng *prng);

#endif
