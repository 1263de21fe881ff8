/* Which nodes own a key: consistent hashing, precomputed into 16,384 slots.
 *
 * Model     Dynamo 4.2 and 4.3: virtual nodes, and a preference list of N distinct nodes clockwise.
 *           The definition is byte-exact, so that every build of every version agrees:
 *             h(x)          XXH64(x, hash_seed)
 *             point i       h(node_id[16] || little-endian u32 i), i < 150, ordered by
 *                           (h, node_id, i) unsigned
 *             key's slot    h(key) >> 50
 *             slot's start  slot << 50
 *             owners        walk from the first point with h >= start, wrapping, taking each node
 *                           once, until min(N, nodes) are taken
 * Bounds    16,384 x N x 2 bytes, and 150 points of 16 bytes per member; a rebuild sorts the points
 *           in place and walks once round: O(P log P + slots x N), 14 ms with 1,024 members.
 *           Looking up is O(1).
 * Invariant A pure function of (member set in the ring, hash_seed, N).
 * Not here  Who is alive: owners may be unreachable. Agreement on the member set: agreed views come
 *           later; until then two nodes with different tables may compute different owners.
 */
#ifndef GKV_CORE_RING_H
#define GKV_CORE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/member.h"
#include "core/types.h"

struct gkv_ring {
    ptrdiff_t point_offset; /* the sorted points of the last build */
    ptrdiff_t slot_offset;  /* uint16_t owners[GKV_SLOT_COUNT][replica_count] */
    uint64_t hash_seed;
    uint64_t built_epoch;   /* members->ring_epoch of the last build; 0: never built */
    uint16_t replica_count; /* N as configured */
    uint16_t owner_count;   /* min(N, members in the ring) */
    uint16_t member_count_max;
};

/* The owners of one slot, in order of preference: member indices. Lent until the next refresh. */
struct gkv_owners {
    const uint16_t *members;
    uint16_t count;
};

void gkv_ring_init(struct gkv_ring *ring, struct gkv_arena *arena, uint16_t member_count_max,
                   uint16_t replica_count, uint64_t hash_seed);

/* Rebuild if members->ring_epoch has moved since the last build. Before the first one, and when
 * there is nobody in the ring, no slot has owners. */
void gkv_ring_refresh(struct gkv_ring *ring, const struct gkv_members *members);

/* The hash of a key, that names its slot and finds it in the store. */
uint64_t gkv_ring_key_hash(const struct gkv_ring *ring, struct gkv_bytes key);

static inline uint32_t gkv_ring_slot_of_hash(uint64_t key_hash)
{
    return (uint32_t)(key_hash >> (64 - GKV_SLOT_BITS));
}

struct gkv_owners gkv_ring_owners(const struct gkv_ring *ring, uint32_t slot);

bool gkv_ring_owns(const struct gkv_ring *ring, uint32_t slot, uint16_t member_index);

#endif
