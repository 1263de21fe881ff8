/* One node of a healthy cluster loses its power: who notices when.
 *
 * Model     A crowd is formed and left alone until rumours have died down. Then, again and again,
 *           a node and a moment within a probe interval are picked, the node crashes, and the trial
 *           is over when every other node holds it for what was asked; it is booted again, and the
 *           crowd is left alone as before. The same crowd serves until its nodes have no lives
 *           left.
 */
#ifndef BENCH_MEMBERSHIP_CRASH_H
#define BENCH_MEMBERSHIP_CRASH_H

#include <stdint.h>

#include "bench/membership/flavor.h"
#include "bench/membership/plan.h"
#include "core/message.h"

/* What a trial leaves, in nanoseconds after the crash. A trial that is not over after ten minutes
 * fails its piece. */
enum crash_field {
    CRASH_PINGED = 0,           /* the first ping that can fail is sent */
    CRASH_SUSPECTED = 1,        /* somebody suspects it */
    CRASH_SUSPECTED_MEDIAN = 2, /* half of the others have heard so */
    CRASH_UNREACHABLE = 3,      /* somebody declares it unreachable; 0: not waited for */
    CRASH_UNREACHABLE_ALL = 4,  /* everybody holds it so; 0: not waited for */
    CRASH_FIELD_COUNT = 5,
};

struct crash {
    enum flavor flavor;
    uint32_t node_count;
    uint32_t trial_count;
    enum gkv_member_state until; /* SUSPECT or UNREACHABLE */
};

/* Plan the trials, in pieces that take about as long as others. */
void crash_plan(struct plan *plan, const struct crash *crash);

/* One field of all of them. */
struct numbers crash_numbers(const struct plan *plan, const struct crash *crash,
                             enum crash_field field);

#endif
