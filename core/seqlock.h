/* A sequence lock: one writer at a time, and readers who write nothing.
 *
 * Model     The number is even while nobody writes. A writer makes it odd, changes words, and makes
 *           it the next even number. A reader takes an even number, reads words, and looks whether
 *           it is still the same: else what was read is of no use, and may be anything that was
 *           ever in those words. So a reader checks every length and index before it follows it.
 * Bounds    A reader or writer waits for a writer's few instructions, by turning. After
 *           GKV_SEQLOCK_TRIES failures a reader had better take the lock, so that busy neighbours
 *           cannot keep it from ever reading.
 * Invariant Words under the lock are stored between gkv_seqlock_take and gkv_seqlock_change only;
 *           memory that readers may still look at is stored to after a gkv_fence_release.
 */
#ifndef GKV_CORE_SEQLOCK_H
#define GKV_CORE_SEQLOCK_H

#include "core/atomic.h"

#define GKV_SEQLOCK_TRIES 16

struct gkv_seqlock {
    gkv_atomic_u32 number;
};

/* Wait until nobody writes; returns the number to hand to gkv_seqlock_is_same. */
static inline uint32_t gkv_seqlock_read(const struct gkv_seqlock *lock)
{
    uint32_t number = gkv_u32_load_acquire(&lock->number);
    while ((number & 1) != 0) {
        gkv_pause();
        number = gkv_u32_load_acquire(&lock->number);
    }
    return number;
}

/* True when nobody has written since: what was read in between is true. */
static inline bool gkv_seqlock_is_same(const struct gkv_seqlock *lock, uint32_t number)
{
    gkv_fence_acquire();
    return gkv_u32_load(&lock->number) == number;
}

/* Be the writer. Returns the number to hand to one of the next two. */
static inline uint32_t gkv_seqlock_take(struct gkv_seqlock *lock)
{
    uint32_t number = gkv_seqlock_read(lock);
    while (!gkv_u32_exchange_acquire(&lock->number, number, number + 1)) {
        gkv_pause();
        number = gkv_seqlock_read(lock);
    }
    gkv_fence_release();
    return number;
}

/* Be the writer, if nobody was since the reader took its number, so that what was read is true for
 * as long as the lock is held; else false, and at once. */
static inline bool gkv_seqlock_take_at(struct gkv_seqlock *lock, uint32_t number)
{
    const bool is_taken = gkv_u32_exchange_acquire(&lock->number, number, number + 1);
    gkv_fence_release();
    return is_taken;
}

/* Let go, having changed something. */
static inline void gkv_seqlock_change(struct gkv_seqlock *lock, uint32_t number)
{
    gkv_u32_store_release(&lock->number, number + 2);
}

/* Let go, having changed nothing: readers need not read again. */
static inline void gkv_seqlock_leave(struct gkv_seqlock *lock, uint32_t number)
{
    gkv_u32_store_release(&lock->number, number);
}

#endif
