/* Histories of one register, told by hand: what both judges of linearizability must accept and what
 * they must reject.
 *
 * Model     A history is text, an operation per word: `w1:10-20` is the write with id 1 that began
 *           at 10 and ended at 20, acknowledged; `w1:10-?` is one of unknown outcome, `w1:10-x` one
 *           that failed; `r1:30-40` is a read that saw write 1, `r0:30-40` one that saw the initial
 *           value, `r1:30-?` one that was not answered.
 */
#ifndef GKV_TESTS_REGISTERS_H
#define GKV_TESTS_REGISTERS_H

#include <stdbool.h>
#include <stddef.h>

#include "sim/register.h"
#include "sim/zones.h"

#define REGISTERS_OPERATION_COUNT_MAX 16

/* A history and the judgement that is right. */
struct registers_case {
    const char *name;
    const char *text;
    enum gkv_zones_fault fault; /* GKV_ZONES_LINEARIZABLE: it is */
};

extern const struct registers_case registers_good[];
extern const size_t registers_good_count;
extern const struct registers_case registers_bad[];
extern const size_t registers_bad_count;

/* Fill operations from text; their numbers count from 1. Fails the test when it cannot be read. */
struct gkv_register_history registers_read(const char *text,
                                           struct gkv_register_operation *operations);

#endif
