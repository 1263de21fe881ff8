/* A history of operations on one register: what the two judges of linearizability read.
 *
 * Model     Herlihy and Wing 1990, "Linearizability". An operation takes effect at one point
 *           between its begin and its end, both included; a comes before b only if a.end < b.begin,
 *           so that two that touch may have happened in either order. Every write has an id of its
 *           own, and a read names the write that it saw: a delete is a write as well, of nothing.
 * Not here  Judging: sim/zones.h (fast) and sim/search.h (simple). Making histories: sim/forge.h.
 */
#ifndef GKV_SIM_REGISTER_H
#define GKV_SIM_REGISTER_H

#include <stdint.h>

#define GKV_REGISTER_INITIAL 0                 /* the write that was there before the first one */
#define GKV_REGISTER_TIME_MAX (UINT64_MAX - 2) /* of begin and end */

enum gkv_register_kind {
    GKV_REGISTER_READ = 1,
    GKV_REGISTER_WRITE = 2,
};

enum gkv_register_outcome {
    GKV_REGISTER_OK = 1,
    GKV_REGISTER_UNKNOWN = 2, /* a write takes effect at any time after begin, or never */
    GKV_REGISTER_FAILED = 3,  /* a write never takes effect */
};

struct gkv_register_operation {
    uint64_t begin;  /* times, or numbers of events: only their order counts */
    uint64_t end;    /* means nothing unless the outcome is OK; not before begin */
    uint32_t write;  /* WRITE: its id, > 0. READ: the id it saw, or GKV_REGISTER_INITIAL */
    uint32_t number; /* the caller's own, for reports */
    enum gkv_register_kind kind;
    enum gkv_register_outcome outcome; /* a READ that is not OK says nothing and is passed over */
};

/* Operations in any order; lent by the caller. */
struct gkv_register_history {
    const struct gkv_register_operation *operations;
    uint32_t operation_count;
};

#endif
