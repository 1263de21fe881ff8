/* Nodes join one after the other over a network that loses packets (SWIM, figure 4). */
#ifndef BENCH_MEMBERSHIP_JOINS_H
#define BENCH_MEMBERSHIP_JOINS_H

#include <stdint.h>

#include "bench/membership/flavor.h"
#include "bench/membership/plan.h"

#define JOINS_NODE_COUNT 17
#define JOINS_SECONDS 175
#define JOINS_EACH_SECONDS 5 /* from one join to the next */

struct joins {
    enum flavor flavor;
    uint32_t loss_percent; /* of datagrams, and of TCP's packets, which are sent again */
    uint32_t run_count;
};

/* What a run leaves: the members that everybody holds at the end and nobody ever declared
 * unreachable; how many verdicts there were that somebody is; how many accusations; then, second by
 * second, how many have joined and were never declared unreachable. */
enum joins_field {
    JOINS_SURVIVED = 0,
    JOINS_REMOVALS = 1,
    JOINS_SUSPICIONS = 2,
    JOINS_AT = 3,
    JOINS_FIELD_COUNT = JOINS_AT + JOINS_SECONDS,
};

void joins_plan(struct plan *plan, const struct joins *joins);

/* All fields of all runs, JOINS_FIELD_COUNT for each. */
const struct numbers *joins_numbers(const struct plan *plan, const struct joins *joins);

#endif
