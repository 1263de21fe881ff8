/* A fixed heap of deadlines, one per timer id.
 *
 * Model     Binary heap keyed by (deadline, id), with each id's place kept, so that setting again
 *           and cancelling cost O(log n). Ids are dealt out by node.c when it lays the node out.
 * Bounds    16 bytes per id; no allocation after init.
 * Invariant A timer id is in the heap at most once. Timers due at one instant fire in order of id.
 * Not here  What a timer means: node.c dispatches it.
 */
#ifndef GKV_CORE_TIMER_H
#define GKV_CORE_TIMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/types.h"

struct gkv_timers {
    ptrdiff_t heap_offset;  /* uint32_t ids, heap order */
    ptrdiff_t place_offset; /* uint32_t by id: index in the heap + 1; 0 is not set */
    ptrdiff_t due_offset;   /* uint64_t by id: deadline in ns */
    uint32_t id_count;
    uint32_t set_count; /* how many are in the heap */
};

/* Lay out timers for ids 0 .. id_count - 1. Counts when the arena counts (timers still written). */
void gkv_timers_init(struct gkv_timers *timers, struct gkv_arena *arena, uint32_t id_count);

/* Set or move a timer. deadline_ns < GKV_NEVER. */
void gkv_timer_set(struct gkv_timers *timers, uint32_t id, uint64_t deadline_ns);

/* Cancel a timer; no effect when it is not set. */
void gkv_timer_cancel(struct gkv_timers *timers, uint32_t id);

/* Move all timers that are set by as much: their order stays. */
void gkv_timers_postpone(struct gkv_timers *timers, uint64_t by_ns);

bool gkv_timer_is_set(const struct gkv_timers *timers, uint32_t id);

/* The earliest deadline in ns, or GKV_NEVER. */
static inline uint64_t gkv_timers_deadline_ns(const struct gkv_timers *timers)
{
    if (timers->set_count == 0) {
        return GKV_NEVER;
    }
    const uint32_t *heap = gkv_at(timers, timers->heap_offset);
    const uint64_t *dues = gkv_at(timers, timers->due_offset);
    return dues[heap[0]];
}

/* Take the earliest timer that is due at now_ns: true and its id (no longer set), or false. */
bool gkv_timers_take_due(struct gkv_timers *timers, uint64_t now_ns, uint32_t *id_out);

#endif
