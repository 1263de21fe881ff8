/* Some nodes of a cluster share their processor with many others that never rest (Lifeguard, DSN
 * 2018, figure 1).
 *
 * Model     A node in distress runs for EXHAUSTION_RUN_MS, then waits while the others have their
 *           turns, and each input takes it a while. What is left of the processor is what the
 *           paper's virtual machines had under 128 busy processes: too little to keep up.
 */
#ifndef BENCH_MEMBERSHIP_EXHAUSTION_H
#define BENCH_MEMBERSHIP_EXHAUSTION_H

#include <stdint.h>

#include "bench/membership/flavor.h"
#include "bench/membership/plan.h"

#define EXHAUSTION_NODE_COUNT 100
#define EXHAUSTION_SECONDS 300
#define EXHAUSTION_RUN_MS 3     /* Linux's least slice */
#define EXHAUSTION_WAIT_MS 4000 /* on average; half of it to half more, drawn each time */
#define EXHAUSTION_SERVICE_US 100

struct exhaustion {
    enum flavor flavor;
    uint32_t distressed_count;
};

/* Verdicts about nodes that are not in distress. */
struct exhaustion_result {
    uint64_t false_count;
    uint64_t false_healthy_count; /* by nodes that are not in distress */
    uint64_t hearsay_count;       /* nodes that heard so from others */
};

void exhaustion_plan(struct plan *plan, const struct exhaustion *exhaustion);
struct exhaustion_result exhaustion_result(const struct plan *plan,
                                           const struct exhaustion *exhaustion);

#endif
