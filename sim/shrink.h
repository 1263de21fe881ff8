/* From a run that fails to a smaller one that fails alike.
 *
 * Model     Internal reduction (MacIver and Donaldson 2020, "Test-Case Reduction via Test-Case
 *           Generation"): the recorded draws are changed, never what they lead to, and every
 *           candidate is run. What it really drew then, up to the failure, is the next recording,
 *           so that what follows the violation is cut off by itself. Each label answers for
 *           itself, so that a draw taken out does not move the others.
 * Bounds    As many tries as the caller allows.
 * Invariant Each recording that is accepted is smaller than the one before it.
 * Not here  Running a trial, and what is the same failure: the caller's test.
 */
#ifndef GKV_SIM_SHRINK_H
#define GKV_SIM_SHRINK_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/choice.h"

/* The first that differs decides. */
struct gkv_shrink_size {
    uint64_t deed_count; /* operations and faults: what a reader has to follow */
    uint64_t event_count;
    uint64_t draw_count; /* that are not zero */
    uint64_t value_bits; /* of all draws */
    uint64_t operation_count;
    uint64_t fault_count;
};

/* Does this linked recording, each label for itself, fail alike? Then what it drew and how large
 * its run was; draw_count and value_bits are filled in by the shrinker. */
typedef bool gkv_shrink_test(void *context, const struct gkv_recording *candidate,
                             struct gkv_recording *drawn, struct gkv_shrink_size *size_out);

struct gkv_shrink {
    struct gkv_recording *best;
    struct gkv_recording *candidate;
    struct gkv_recording *drawn;
    struct gkv_shrink_size size; /* of best */
    uint64_t tries_left;
    uint64_t try_count;
    gkv_shrink_test *test;
    void *context;
};

/* False: no memory. */
bool gkv_shrink_create(struct gkv_shrink *shrink, gkv_shrink_test *test, void *context);
void gkv_shrink_destroy(struct gkv_shrink *shrink);

/* Shrink `recording`; the result is shrink->best. False: it does not fail at all. */
bool gkv_shrink_run(struct gkv_shrink *shrink, const struct gkv_recording *recording,
                    uint64_t try_count_max);

#endif
