/* The sets of options that are compared: ours, and those that make our code the protocols of the
 * papers.
 */
#ifndef BENCH_MEMBERSHIP_FLAVOR_H
#define BENCH_MEMBERSHIP_FLAVOR_H

#include <stdint.h>

#include "core/options.h"

enum flavor {
    FLAVOR_GRIDKV,           /* the defaults */
    FLAVOR_GRIDKV_UNGUARDED, /* no stall guard, and witnesses that wait for a minute */
    FLAVOR_SWIM,             /* SWIM (DSN 2002, section 5): a period of 2 s, news on probes alone */
    FLAVOR_MEMBERLIST,       /* memberlist's DefaultLANConfig: Lifeguard with alpha = 4, beta = 6 */
    /* Lifeguard (DSN 2018), at memberlist's pace with alpha = 5, beta = 6: none of its parts, which
     * the paper calls SWIM, each part alone, and all. */
    FLAVOR_LIFEGUARD_NONE,
    FLAVOR_LIFEGUARD_PROBE,
    FLAVOR_LIFEGUARD_SUSPICION,
    FLAVOR_LIFEGUARD_BUDDY,
    FLAVOR_LIFEGUARD,
    FLAVOR_LIFEGUARD_WITNESS, /* and our witnesses and last chance */
    FLAVOR_LIFEGUARD_2,       /* all of Lifeguard, alpha = 2 */
    FLAVOR_COUNT,
};

const char *flavor_name(enum flavor flavor);

/* The options of a node in a cluster of so many. Nothing is stored and nothing is repaired; the
 * first three nodes are the seeds. */
void flavor_options(enum flavor flavor, uint32_t node_count, struct gkv_options *options_out);

/* How long rumours live, with room to spare, after the time in which a node that is new accuses
 * nobody. */
uint64_t flavor_settle_ns(const struct gkv_options *options);

/* SWIM's suspicion timeout: 3 ceil(ln(node_count + 1)) periods of 2 s. */
uint64_t flavor_swim_suspicion_ms(uint32_t node_count);

#endif
