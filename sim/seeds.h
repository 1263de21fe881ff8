/* Which seeds a command is told to run: one, a range, or as many as there is time for.
 *
 * Model     --seed N, --seeds A..B, --time 10m; --seed with --time says where to begin.
 */
#ifndef GKV_SIM_SEEDS_H
#define GKV_SIM_SEEDS_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/arguments.h"

struct gkv_seeds {
    uint64_t first; /* of --seed: the one, or where to begin */
    uint64_t last;
    uint64_t time_ns_max; /* 0: no limit */
    bool has_seed;
    bool has_range;
    bool has_time;
};

/* Take the next words if they say which seeds. False: they do not, or not rightly. */
bool gkv_seeds_take(struct gkv_arguments *arguments, struct gkv_seeds *seeds);

/* When all words are taken: are seeds named, in one way? If so, fills first and last, with a fresh
 * seed where --time alone was given. */
bool gkv_seeds_settle(struct gkv_arguments *arguments, struct gkv_seeds *seeds);

/* Is it a single seed, by --seed? */
static inline bool gkv_seeds_is_one(const struct gkv_seeds *seeds)
{
    return seeds->has_seed && !seeds->has_time;
}

#endif
