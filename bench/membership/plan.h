/* What is to be measured: pieces that have nothing to do with each other, each in a process of its
 * own, and each kept in a file, so that a run that was stopped goes on where it was.
 *
 * Model     A table names the pieces that it needs; two tables may name the same one. A piece's
 *           numbers are a function of its name and of the program, whose hash stamps the files:
 *           another build measures afresh.
 * Bounds    PLAN_PIECE_COUNT_MAX pieces.
 * Not here  What the numbers mean: the tables.
 */
#ifndef BENCH_MEMBERSHIP_PLAN_H
#define BENCH_MEMBERSHIP_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/membership/numbers.h"

#define PLAN_PIECE_COUNT_MAX 512
#define PLAN_NAME_BYTES 64
#define PLAN_ARGUMENT_COUNT 6

struct piece {
    char name[PLAN_NAME_BYTES]; /* says all that the arguments say */
    void (*measure)(const struct piece *piece, struct numbers *numbers_out);
    uint64_t arguments[PLAN_ARGUMENT_COUNT]; /* what they are, measure knows */
    struct numbers numbers;
    bool is_measured;
};

struct plan {
    struct piece pieces[PLAN_PIECE_COUNT_MAX];
    uint32_t piece_count;
    uint32_t effort; /* repetitions, in percent of the usual */
};

/* Add a piece, if there is none of this name; lends it. */
struct piece *plan_add(struct plan *plan, const struct piece *piece);

/* The numbers of a piece that was measured; asserts that there is one. */
const struct numbers *plan_numbers(const struct plan *plan, const char *name);

/* repetitions at this plan's effort; at least one. */
uint32_t plan_repetitions(const struct plan *plan, uint32_t repetitions);

/* Measure every piece that has no file in `folder` yet, job_count at a time, and read them all. A
 * line on stderr says how far it is. False: a piece failed, or files cannot be written. */
bool plan_carry_out(struct plan *plan, const char *folder, uint32_t job_count);

#endif
