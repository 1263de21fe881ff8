/* How many callers are inside of a handle that is not to be freed meanwhile.
 *
 * Model     A place per thread, on a cache line of its own, where it counts by itself: it writes
 *           nothing that another thread writes, and needs no atomic addition, of which two were a
 *           fifth of what a get took. A thread takes a place the first time that it comes, and
 *           keeps it; a later thread of the same name (they are pointers, and used again) goes on
 *           with it. Threads that find none within reach share one.
 *           Who waits for the callers must see the count of a thread that did not see that it is
 *           too late: between a thread's store and its next load there is to be a fence. It is an
 *           asymmetric one where the system has it (Linux: membarrier(2), private and expedited):
 *           who waits has all threads pass it then, and who comes in passes none. Elsewhere each
 *           who comes in does.
 * Bounds    8 KiB. A thread looks at GKV_INSIDE_REACH places at most.
 * Threads   Any. Who enters and who leaves again is the same thread.
 */
#ifndef GKV_IO_POSIX_INSIDE_H
#define GKV_IO_POSIX_INSIDE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define GKV_INSIDE_BITS 7
#define GKV_INSIDE_COUNT (1 << GKV_INSIDE_BITS)
#define GKV_INSIDE_REACH 8
#define GKV_INSIDE_LINE_BYTES 64

struct gkv_inside_place {
    _Alignas(GKV_INSIDE_LINE_BYTES) _Atomic uint64_t owner; /* 0: nobody, or all */
    _Atomic uint64_t caller_count;
    _Atomic uint32_t number; /* the owner's: from 0, in the order in which they came */
};

struct gkv_inside {
    struct gkv_inside_place places[GKV_INSIDE_COUNT];
    struct gkv_inside_place shared;
    _Atomic uint32_t owner_count;
    bool has_barrier; /* whoever waits can have all threads pass a fence */
};

/* Nobody is inside. */
void gkv_inside_init(struct gkv_inside *inside);

/* The name of the calling thread: not 0, and no other's while it lives. */
static inline uint64_t gkv_inside_self(void)
{
    return (uint64_t)(uintptr_t)pthread_self();
}

/* Where a thread looks first. */
static inline uint32_t gkv_inside_index(uint64_t self)
{
    return (uint32_t)(self * UINT64_C(0x9E3779B97F4A7C15) >> (64 - GKV_INSIDE_BITS));
}

/* The same of a thread that has no place, or not there. */
struct gkv_inside_place *gkv_inside_enter_elsewhere(struct gkv_inside *inside, uint64_t self);
void gkv_inside_exit_shared(struct gkv_inside_place *place);

/* Come in, as the thread of this name. Returns the place to hand to gkv_inside_exit. */
static inline struct gkv_inside_place *gkv_inside_enter(struct gkv_inside *inside, uint64_t self)
{
    struct gkv_inside_place *place = &inside->places[gkv_inside_index(self)];
    if (atomic_load_explicit(&place->owner, memory_order_relaxed) != self) {
        return gkv_inside_enter_elsewhere(inside, self);
    }
    if (!inside->has_barrier) {
        (void)atomic_fetch_add(&place->caller_count, 1);
        return place;
    }
    const uint64_t count = atomic_load_explicit(&place->caller_count, memory_order_relaxed);
    atomic_store_explicit(&place->caller_count, count + 1, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst); /* the compiler keeps to this order as well */
    return place;
}

/* Whatever was done inside is over for whoever sees that nobody is. */
static inline void gkv_inside_exit(struct gkv_inside_place *place)
{
    if (atomic_load_explicit(&place->owner, memory_order_relaxed) == 0) {
        gkv_inside_exit_shared(place);
        return;
    }
    const uint64_t count = atomic_load_explicit(&place->caller_count, memory_order_relaxed);
    atomic_store_explicit(&place->caller_count, count - 1, memory_order_release);
}

/* Wait until everybody is out who was in when this was called, looking once a millisecond; what
 * tells others to stay out is written before. */
void gkv_inside_wait(struct gkv_inside *inside);

#endif
