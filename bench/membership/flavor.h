/* The sets of options that are compared: ours, and those that make our code the protocols of the
 * papers.
 */
#ifndef BENCH_MEMBERSHIP_FLAVOR_H
#define BENCH_MEMBERSHIP_FLAVOR_H

#include <stdint.h>

#include "core/options.h"

enum flavor {
    FLAVOR_GRIDKV = 0,     /* the defaults */
    FLAVOR_SWIM = 1,       /* SWIM (DSN 2002, section 5): a period of 2 s, news on probes alone */
    FLAVOR_MEMBERLIST = 2, /* memberlist's DefaultLANConfig */
};

const char *flavor_name(enum flavor flavor);

/* The options of a node in a cluster of so many. Nothing is stored and nothing is repaired; the
 * first three nodes are the seeds. */
void flavor_options(enum flavor flavor, uint32_t node_count, struct gkv_options *options_out);

/* How long rumours live, with room to spare. */
uint64_t flavor_settle_ns(const struct gkv_options *options);

/* ceil(ln(number)), as SWIM 4.2 and 5 use it. */
uint32_t flavor_ceil_ln(uint32_t number);

#endif
