/* Is the history of one register linearizable? Decided in O(n log n).
 *
 * Model     Gibbons and Korach 1997, "Testing Shared Memories", SIAM J. Comput. 26(4), for
 *           registers whose writes are told apart. A write and the reads that saw it are a cluster,
 *           and are next to each other in every linearization that exists. Its zone lies between
 *           the earliest end and the latest begin in it: forward when that end comes first (the
 *           value must have been there all the time between), backward otherwise (it need only have
 *           been there at one point). The history is linearizable when
 *             - each read saw a write that was made and had begun when the read ended,
 *             - no two forward zones overlap, and
 *             - no backward zone lies inside a forward one.
 *           A write of unknown outcome that a read saw has an open end; one that no read saw may as
 *           well never have happened and is passed over.
 *
 *             forward   w |---|      earliest end           backward   w |-----------|
 *                       r      |---|      latest begin                 r     |---|
 *                           [====]                                           [===]
 *
 * Bounds    Time O(n log n); memory is the caller's, gkv_zones_count(n) zones.
 * Not here  A second opinion: sim/search.h, which shares nothing with this but the history.
 */
#ifndef GKV_SIM_ZONES_H
#define GKV_SIM_ZONES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/register.h"

#define GKV_ZONES_NONE UINT32_MAX
#define GKV_ZONES_TEXT_BYTES 320 /* the longest that gkv_zones_explain writes is shorter */

/* What is wrong with a history. */
enum gkv_zones_fault {
    GKV_ZONES_LINEARIZABLE = 0,
    GKV_ZONES_NEVER_WRITTEN = 1, /* a read saw what nobody wrote */
    GKV_ZONES_FAILED_WRITE = 2,  /* a read saw a write that failed */
    GKV_ZONES_FUTURE = 3,        /* a read ended before the write that it saw began */
    GKV_ZONES_OVERLAP = 4,       /* two forward zones overlap */
    GKV_ZONES_INSIDE = 5,        /* a backward zone lies inside a forward one */
};

/* Why one write comes before another: an operation of its cluster ended before one of the other's
 * began. */
struct gkv_zones_reason {
    uint32_t ended; /* an index into the history; GKV_ZONES_NONE: the initial value, before all */
    uint32_t began;
};

/* What was found. OVERLAP and INSIDE: write a comes before b for one reason and after it for the
 * other. FAILED_WRITE and FUTURE: forth is the read, and the write that it saw. NEVER_WRITTEN:
 * forth.ended is the read. All that is not said is GKV_ZONES_NONE. */
struct gkv_zones_report {
    enum gkv_zones_fault fault;
    uint32_t write_a; /* ids */
    uint32_t write_b;
    struct gkv_zones_reason forth;
    struct gkv_zones_reason back;
};

/* A cluster and its zone; the caller only provides room for them. */
struct gkv_zone {
    uint64_t order;    /* what zones are sorted by: the write's id, later ended_at */
    uint64_t ended_at; /* the earliest end; times are shifted by 1, so that 0 is before all */
    uint64_t began_at; /* the latest begin */
    uint32_t write;    /* its id */
    uint32_t written;  /* the operation that wrote, or GKV_ZONES_NONE for the initial value */
    uint32_t ended;    /* the operation that ended first */
    uint32_t began;    /* the operation that began last */
    bool is_read;
};

/* How many zones a history of so many operations may have. */
static inline size_t gkv_zones_count(uint32_t operation_count)
{
    return (size_t)operation_count + 1;
}

/* True when the history is linearizable; otherwise report_out (may be NULL) says what is wrong.
 * Fills zones, gkv_zones_count of them. Equal histories give equal reports. */
bool gkv_zones_check(struct gkv_register_history history, struct gkv_zone *zones,
                     struct gkv_zones_report *report_out);

/* Write a sentence that says why, in the callers' numbers of the operations. */
void gkv_zones_explain(struct gkv_register_history history, const struct gkv_zones_report *report,
                       char *text, size_t text_bytes);

#endif
