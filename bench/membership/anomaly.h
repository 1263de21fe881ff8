/* Some nodes of a large cluster stop and go on, again and again: who is declared dead by mistake
 * (Lifeguard, DSN 2018, section V).
 *
 * Model     Of ANOMALY_NODE_COUNT nodes C are under an anomaly, all at the same time: for D ms
 *           nothing gets in or out of them, then for I ms all is well, and so on for two minutes.
 *           The papers' anomaly blocks a process where it sends and receives while its timers go
 *           on; ours may also stop all of it, as SIGSTOP or a virtual machine's migration does.
 *           False are verdicts about nodes that are not under an anomaly: FP of all nodes, FP- of
 *           those that are not under one either.
 */
#ifndef BENCH_MEMBERSHIP_ANOMALY_H
#define BENCH_MEMBERSHIP_ANOMALY_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/membership/flavor.h"
#include "bench/membership/plan.h"

#define ANOMALY_NODE_COUNT 128
#define ANOMALY_SECONDS 120
#define ANOMALY_C_COUNT 9 /* 1, 4, 8 .. 32 */
#define ANOMALY_D_COUNT 6 /* 128, 512, 2048 .. 32768 with 8192 and 16384 */
#define ANOMALY_I_COUNT 8 /* 1, 4, 16 .. 16384 */

enum anomaly_kind {
    ANOMALY_BLOCKS = 0, /* input and output */
    ANOMALY_STOPS = 1,  /* everything */
};

/* The sums over the part of the grid that is measured. */
struct anomaly_result {
    uint64_t combination_count;
    uint64_t false_count;         /* FP */
    uint64_t false_healthy_count; /* FP- */
    uint64_t hearsay_count;       /* nodes that heard so from others */
    uint64_t suspicion_count;     /* suspicions of healthy nodes */
    uint64_t message_count;       /* datagrams sent */
    uint64_t message_bytes;       /* and their bytes, and those of streams */
    uint64_t probe_count;         /* that were due at the pace of the options */
};

struct anomaly {
    enum flavor flavor;
    enum anomaly_kind kind;
    uint32_t thinning; /* of the combinations of D and I, one in so many is measured */
};

uint32_t anomaly_concurrency(uint32_t c_index);

void anomaly_plan(struct plan *plan, const struct anomaly *anomaly);

/* What was measured at one C. */
struct anomaly_result anomaly_result_at(const struct plan *plan, const struct anomaly *anomaly,
                                        uint32_t c_index);

/* At all of them. */
struct anomaly_result anomaly_result(const struct plan *plan, const struct anomaly *anomaly);

#endif
