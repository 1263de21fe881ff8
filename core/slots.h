/* What the ring's slots hold in sum: how many records, and the digest of their versions.
 *
 * Model     Additive digests (Bellare, Micciancio, Eurocrypt 1997, section 5, in spirit): a sum of
 *           hashes per 64-bit half, so that a record is taken out as it was put in, in any order.
 *           Not secure against who can choose versions; docs/protocol.md says what follows.
 * Bounds    O(1) to add and to take out; 24 bytes per slot, not touched before it holds a record,
 *           and 3 KiB. A replacement touches one cache line, which four slots share.
 * Threads   Any. The numbers of a slot are each right, but two of them may be of different moments.
 */
#ifndef GKV_CORE_SLOTS_H
#define GKV_CORE_SLOTS_H

#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/atomic.h"
#include "core/message.h"

struct gkv_slot_sum {
    gkv_word low;
    gkv_word high;
};

struct gkv_slots {
    ptrdiff_t sum_offset;
    ptrdiff_t count_offset;
    ptrdiff_t state_offset; /* per 64 slots: not laid out, at it, laid out */
    ptrdiff_t held_offset;  /* a bit per slot: it may hold records */
};

void gkv_slots_init(struct gkv_slots *slots, struct gkv_arena *arena);

static inline uint32_t gkv_slot_of(uint64_t key_hash)
{
    return (uint32_t)(key_hash >> (64 - GKV_SLOT_BITS));
}

/* Have the memory fetch what the next three need. */
static inline void gkv_slots_fetch(const struct gkv_slots *slots, uint64_t key_hash)
{
    const struct gkv_slot_sum *first = gkv_at(slots, slots->sum_offset);
    __builtin_prefetch(first + gkv_slot_of(key_hash), 1);
}

/* A record comes, or goes, or is replaced by another. */
void gkv_slots_add(struct gkv_slots *slots, uint64_t key_hash, struct gkv_version version);
void gkv_slots_subtract(struct gkv_slots *slots, uint64_t key_hash, struct gkv_version version);
void gkv_slots_replace(struct gkv_slots *slots, uint64_t key_hash, struct gkv_version before,
                       struct gkv_version after);

uint32_t gkv_slots_count(const struct gkv_slots *slots, uint32_t slot);
struct gkv_digest gkv_slots_digest(const struct gkv_slots *slots, uint32_t slot);

/* The first slot from `slot` on (at most GKV_SLOT_COUNT) that may hold records; GKV_SLOT_COUNT when
 * there is none. */
uint32_t gkv_slots_from(const struct gkv_slots *slots, uint32_t slot);

#endif
