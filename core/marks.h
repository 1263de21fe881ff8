/* What application threads wrote in place, for the loop to send: rings of key hashes, and a bit per
 * ring slot for what found them full.
 *
 * Model     Bounded queues of many producers and one consumer, side by side: a producer begins with
 *           the one it was told to, its lane, so that threads with lanes of their own never wait
 *           for each other's cache line; and goes on to the next one when that is full. It takes a
 *           position by compare-exchange on the tail, and then writes the mark into its cell, where
 *           an empty cell is 0: so a mark has one word, and Vyukov's sequence numbers ("Bounded
 *           MPMC queue", 2010) are not needed. A tail's lowest bit says that the consumer sleeps:
 *           it is set only while nothing is in that lane, and whoever puts the next mark there
 *           clears it, sees it, and wakes the consumer. One word holds both, so that neither can
 *           miss the other.
 *           When all are full, or the hash happens to be 0, the bit of the key's ring slot is set
 *           instead: that never fails.
 * Bounds    8 bytes per mark, 2 KiB of bits, two cache lines per lane. A put is one
 *           compare-exchange, and once more for each producer of the lane that comes between; it
 *           waits for nobody. A producer that stops between its two steps holds up the marks behind
 *           it, not their producers.
 * Threads   Any may put, in any lane. All else is the consumer's: one thread at a time.
 * Invariant What was stored before a put is seen by whoever takes that mark, or that dirty slot. A
 *           put's mark is taken once, or its slot was dirty after the put began.
 * Not here  Who wakes the consumer, and how: the shim. What is sent: core/inplace.h. Order: marks
 *           come in that of their lane, but a lane is not a thread's alone.
 */
#ifndef GKV_CORE_MARKS_H
#define GKV_CORE_MARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/atomic.h"

#define GKV_MARKS_LANE_COUNT_MAX 8

/* How many marks there is room for, and in how many lanes: powers of two; 0 marks: nobody puts
 * anything. */
struct gkv_marks_shape {
    uint64_t capacity;
    uint32_t lane_count; /* 1 .. GKV_MARKS_LANE_COUNT_MAX, and at most capacity */
};

struct gkv_marks {
    ptrdiff_t lane_offset;
    ptrdiff_t cell_offset;
    ptrdiff_t dirty_offset;
    ptrdiff_t consumer_offset;
    uint64_t lane_capacity; /* cells */
    uint32_t lane_count;
};

/* The consumer sleeps. */
void gkv_marks_init(struct gkv_marks *marks, struct gkv_arena *arena, struct gkv_marks_shape shape);

/* Any thread: say that the record of a key has changed. lane: any number; threads should have
 * different ones. True: the consumer sleeps, and this caller is to wake it; of those that put in
 * one lane, no other is. */
bool gkv_marks_put(struct gkv_marks *marks, uint32_t lane, uint64_t key_hash);

/* The hash of the oldest mark of a lane; false when there is none in any, or their producers have
 * not written them yet. */
bool gkv_marks_first(const struct gkv_marks *marks, uint64_t *key_hash_out);

/* The mark that gkv_marks_first has told is done with. */
void gkv_marks_drop(struct gkv_marks *marks);

/* Be done with all marks that are there, whatever they are. Returns how many there were: no more
 * than fit. */
uint64_t gkv_marks_drop_all(struct gkv_marks *marks);

/* Sleep, unless something is in a lane: true when the consumer sleeps now, and the next put will
 * have it woken. */
bool gkv_marks_sleep(struct gkv_marks *marks);

/* Did gkv_marks_sleep say true, and nobody has put anything since? */
bool gkv_marks_is_asleep(const struct gkv_marks *marks);

/* Take a dirty slot, the first from `slot` on (at most GKV_SLOT_COUNT): its bit is cleared.
 * GKV_SLOT_COUNT when there is none. */
uint32_t gkv_marks_take_dirty(struct gkv_marks *marks, uint32_t slot);

struct gkv_marks_stats {
    uint64_t mark_count;  /* put into a lane, ever */
    uint64_t dirty_count; /* times that a slot became dirty, ever */
};

struct gkv_marks_stats gkv_marks_stats(const struct gkv_marks *marks);

/* How often a slot has become dirty: what asks whether to look for them. */
uint64_t gkv_marks_dirty_count(const struct gkv_marks *marks);

#endif
