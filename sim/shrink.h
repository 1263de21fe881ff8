/* From a run that fails to a smaller one that fails alike.
 *
 * Model     Test-case reduction as in delta debugging (Zeller and Hildebrandt 2002) and the passes
 *           of Hypothesis (MacIver and Donaldson 2020), over the lines of a script: lines are taken
 *           out alone and in blocks, values of the head go to what is benign, names and numbers to
 *           smaller and rounder ones, gaps in time are closed. Every candidate is run. Lines keep
 *           their times whatever is taken out before them, so that one loss does not move the rest.
 * Bounds    As many tries as the caller allows, which may change its mind at each.
 * Invariant Each script that is accepted is smaller than the one before it, and is handed to the
 *           caller at once: whatever ends the process, the smallest so far is kept.
 * Not here  Running a trial, and what is the same failure: the caller's test.
 */
#ifndef GKV_SIM_SHRINK_H
#define GKV_SIM_SHRINK_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/script.h"

/* The first that differs decides. */
struct gkv_shrink_size {
    uint64_t deed_count;  /* operations that were asked, and faults: what a reader has to follow */
    uint64_t line_count;  /* of its text */
    uint64_t digit_count; /* how long and how unround its numbers are */
    uint64_t event_count;
    uint64_t operation_count;
    uint64_t fault_count;
    uint64_t end_ns; /* when it failed */
};

/* Does this settled script fail alike? Then operation_count, event_count and end_ns are filled in,
 * and the shrinker fills in the rest. At the call, *size_out is the size of the best so far. */
typedef bool gkv_shrink_test(void *context, const struct gkv_script *candidate,
                             struct gkv_shrink_size *size_out);

/* A smaller one was found, or the first one fails: borrowed. */
typedef void gkv_shrink_keep(void *context, const struct gkv_script *best);

struct gkv_shrink {
    struct gkv_script *best;
    struct gkv_script *candidate;
    struct gkv_shrink_size size; /* of best */
    uint64_t tries_left;
    uint64_t try_count;
    uint64_t miniature_count; /* drawn so far */
    gkv_shrink_test *test;
    gkv_shrink_keep *keep; /* NULL: nobody does */
    void *context;
};

/* False: no memory. */
bool gkv_shrink_create(struct gkv_shrink *shrink, gkv_shrink_test *test, gkv_shrink_keep *keep,
                       void *context);
void gkv_shrink_destroy(struct gkv_shrink *shrink);

/* Begin with a script. False: it does not fail at all. */
bool gkv_shrink_begin(struct gkv_shrink *shrink, const struct gkv_script *script);

/* Shrink, until nothing gets smaller or so many tries are over; the result is shrink->best. */
void gkv_shrink_run(struct gkv_shrink *shrink, uint64_t try_count_max);

/* Try nothing more; from within test or keep. What is under way still counts. */
void gkv_shrink_stop(struct gkv_shrink *shrink);

#endif
