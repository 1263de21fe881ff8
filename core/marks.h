/* What application threads wrote in place, for the loop to send: a ring of key hashes, and a bit
 * per ring slot for what found it full.
 *
 * Model     A bounded queue of many producers and one consumer. A producer takes a position by
 *           compare-exchange on the tail, and then writes the mark into its cell, where an empty
 *           cell is 0: so a mark has one word, and Vyukov's sequence numbers ("Bounded MPMC queue",
 *           2010) are not needed. The tail's lowest bit says that the consumer sleeps: it is set
 *           only while nothing is in the ring, and whoever puts the next mark clears it, sees it,
 *           and wakes the consumer. One word holds both, so that neither can miss the other.
 *           When the ring is full, or the hash happens to be 0, the bit of the key's ring slot is
 *           set instead: that never fails.
 * Bounds    8 bytes per mark, 2 KiB of bits, two cache lines. A put is one compare-exchange, and
 *           once more for each producer that comes between; it waits for nobody. A producer that
 *           stops between its two steps holds up the marks behind it, not their producers.
 * Threads   Any may put. All else is the consumer's: one thread at a time.
 * Invariant What was stored before a put is seen by whoever takes that mark, or that dirty slot. A
 *           put's mark is taken once, or its slot was dirty after the put began.
 * Not here  Who wakes the consumer, and how: the shim. What is sent: core/inplace.h.
 */
#ifndef GKV_CORE_MARKS_H
#define GKV_CORE_MARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/atomic.h"

struct gkv_marks {
    ptrdiff_t ends_offset;
    ptrdiff_t cell_offset;
    ptrdiff_t dirty_offset;
    uint64_t capacity; /* a power of two, or 0: nobody puts anything */
};

/* capacity: 0, or a power of two. The consumer sleeps. */
void gkv_marks_init(struct gkv_marks *marks, struct gkv_arena *arena, uint64_t capacity);

/* Any thread: say that the record of a key has changed. True: the consumer sleeps, and this caller,
 * and no other, is to wake it. */
bool gkv_marks_put(struct gkv_marks *marks, uint64_t key_hash);

/* The hash of the oldest mark; false when there is none, or its producer has not written it yet. */
bool gkv_marks_first(const struct gkv_marks *marks, uint64_t *key_hash_out);

/* The oldest mark, which gkv_marks_first has told, is done with. */
void gkv_marks_drop(struct gkv_marks *marks);

/* Sleep, unless something is in the ring: true when the consumer sleeps now, and the next put will
 * have it woken. */
bool gkv_marks_sleep(struct gkv_marks *marks);

/* Did gkv_marks_sleep say true, and nobody has put anything since? */
bool gkv_marks_is_asleep(const struct gkv_marks *marks);

/* Take a dirty slot, the first from `slot` on (at most GKV_SLOT_COUNT): its bit is cleared.
 * GKV_SLOT_COUNT when there is none. */
uint32_t gkv_marks_take_dirty(struct gkv_marks *marks, uint32_t slot);

struct gkv_marks_stats {
    uint64_t mark_count;  /* put into the ring, ever */
    uint64_t dirty_count; /* puts that found no room in it, ever */
};

struct gkv_marks_stats gkv_marks_stats(const struct gkv_marks *marks);

#endif
