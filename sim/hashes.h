/* The hash of each seed of a range, in whatever order they come.
 *
 * Model     As text, a line for each seed: its number, a space, and 32 hexadecimal digits.
 * Bounds    GKV_HASHES_COUNT_MAX seeds; 16 bytes each, taken by gkv_hashes_create.
 */
#ifndef GKV_SIM_HASHES_H
#define GKV_SIM_HASHES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "sim/trial.h"

#define GKV_HASHES_COUNT_MAX 10000000

struct gkv_hashes {
    uint64_t first;
    uint64_t last;
    uint64_t (*chains)[2]; /* by seed; zeroes: not known */
};

/* Of seeds first to last. False: too many, or no memory. */
bool gkv_hashes_create(struct gkv_hashes *hashes, uint64_t first, uint64_t last);
void gkv_hashes_destroy(struct gkv_hashes *hashes);

/* Keep the hash of a run; a gkv_jobs_options.each whose context is the hashes. */
void gkv_hashes_keep(void *context, const struct gkv_trial_summary *summary);

/* Keep the hash that a line tells. False: it is no such line, or of another seed. */
bool gkv_hashes_read(struct gkv_hashes *hashes, const char *line);

/* All that are known, as lines. */
void gkv_hashes_print(const struct gkv_hashes *hashes, FILE *file);

/* The first seed whose hash differs, or is known to one of them alone. False: there is none. */
bool gkv_hashes_differ(const struct gkv_hashes *left, const struct gkv_hashes *right,
                       uint64_t *seed_out);

#endif
