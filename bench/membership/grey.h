/* One node of a large cluster is neither well nor dead: does everybody come to one view of it, and
 * keep it (Rapid, ATC 2018, figures 9 and 10)?
 *
 * Model     One node in 128 is faulty for GREY_SECONDS: nothing reaches it for 20 s, then all does
 *           for 20 s, and so on, while what it says always arrives; or four fifths of its packets
 *           are lost, both ways. The others are asked what they hold it for.
 */
#ifndef BENCH_MEMBERSHIP_GREY_H
#define BENCH_MEMBERSHIP_GREY_H

#include <stdint.h>

#include "bench/membership/flavor.h"
#include "bench/membership/plan.h"

#define GREY_NODE_COUNT 128
#define GREY_SECONDS 120

enum grey_kind {
    GREY_DEAF = 0,  /* by turns */
    GREY_LOSSY = 1, /* always */
};

/* What a run leaves. */
enum grey_field {
    GREY_UNREACHABLE_MS = 0, /* until all others held it unreachable or evicted; GREY_NEVER_MS */
    GREY_EVICTED_MS = 1,     /* until all others held it evicted */
    GREY_CHANGES = 2,        /* how often the size changed that a node says, most of all nodes */
    GREY_FALSE = 3,          /* nodes that healthy ones held unreachable without being faulty */
    GREY_EVICTED_WELL = 4,   /* and evicted */
    GREY_DEGRADED_MS = 5,    /* until all others held it DEGRADED, unreachable or evicted */
    GREY_FIELD_COUNT = 6,
};
#define GREY_NEVER_MS (GREY_SECONDS * 1000)

struct grey {
    enum flavor flavor;
    enum grey_kind kind;
    uint32_t run_count;
};

void grey_plan(struct plan *plan, const struct grey *grey);

/* One field of all runs. */
struct numbers grey_numbers(const struct plan *plan, const struct grey *grey,
                            enum grey_field field);

#endif
