/* What many nodes hold the size of their cluster for while it grows and shrinks, and what that
 * costs (Rapid, ATC 2018, tables 1 and 2, figures 8).
 *
 * Model     Once a second every node says how many it reaches, as Rapid's processes log the size of
 *           their views. Sizes that are neither the one before nor the one after are what the
 *           application has to live with.
 */
#ifndef BENCH_MEMBERSHIP_VIEWS_H
#define BENCH_MEMBERSHIP_VIEWS_H

#include <stdint.h>

#include "bench/membership/flavor.h"
#include "bench/membership/plan.h"

#define VIEWS_CRASH_COUNT 10
#define VIEWS_SECONDS 60 /* watched after the boot, and after the crash */

/* What one run leaves. Bytes are those of a second and a node, with IP's, UDP's and TCP's heads. */
enum views_field {
    VIEWS_BOOT_SIZES = 0,    /* different sizes that anybody said, from the boot on */
    VIEWS_BOOT_MS = 1,       /* from the boot until everybody holds everybody */
    VIEWS_CRASH_SIZES = 2,   /* different sizes after the crash, but for the one before it */
    VIEWS_CRASH_MS = 3,      /* from the crash until nobody holds whoever crashed reachable */
    VIEWS_RECEIVED_MEAN = 4, /* the seconds after the crash */
    VIEWS_RECEIVED_P99 = 5,
    VIEWS_RECEIVED_MOST = 6,
    VIEWS_SENT_MEAN = 7,
    VIEWS_SENT_P99 = 8,
    VIEWS_SENT_MOST = 9,
    VIEWS_STREAMS_MEAN = 10, /* of what is received, in streams */
    VIEWS_FIELD_COUNT = 11,
};

struct views {
    enum flavor flavor;
    uint32_t node_count;
    uint32_t run_count;
};

void views_plan(struct plan *plan, const struct views *views);

/* One field of all runs. */
struct numbers views_numbers(const struct plan *plan, const struct views *views,
                             enum views_field field);

#endif
