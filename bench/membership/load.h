/* What a quiet cluster sends: datagrams by node and period. */
#ifndef BENCH_MEMBERSHIP_LOAD_H
#define BENCH_MEMBERSHIP_LOAD_H

#include <stdint.h>

#include "bench/membership/flavor.h"
#include "bench/membership/plan.h"

#define LOAD_FEW 5 /* messages: SWIM, section 5.1, counts periods with fewer */

struct load {
    enum flavor flavor;
    uint32_t node_count;
    uint32_t period_count; /* probe intervals */
};

struct load_result {
    uint64_t sent_count; /* datagrams */
    uint64_t sent_bytes;
    uint64_t received_count;
    uint64_t ping_count;
    uint64_t member_period_count;
    uint64_t few_count; /* of them, with fewer than LOAD_FEW sent */
};

void load_plan(struct plan *plan, const struct load *load);
struct load_result load_result(const struct plan *plan, const struct load *load);

/* Measure a cluster of nodes with these options; what load_plan's pieces do. */
struct load_result load_measure(const struct gkv_options *options, uint32_t node_count,
                                uint32_t period_count);

#endif
