/* Whose turn it is to be probed, and a fair pick among those who can be reached.
 *
 * Model     SWIM 4.3: a shuffled list walked round, reshuffled at each turn, newcomers put in at
 *           random places; so the time to probe every member is bounded by 2n - 1 turns. We put a
 *           newcomer among those whose turn is still to come, so that it is probed this round.
 * Bounds    2 bytes per member place.
 * Invariant A member index is in the order at most once, and never ours.
 * Not here  Probing: core/probe.h.
 */
#ifndef GKV_CORE_ROUND_H
#define GKV_CORE_ROUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/member.h"
#include "core/prng.h"

struct gkv_round {
    ptrdiff_t order_offset; /* uint16_t member indices */
    uint16_t capacity;
    uint16_t order_count;
    uint16_t cursor; /* whose turn is next */
};

void gkv_round_init(struct gkv_round *round, struct gkv_arena *arena, uint16_t capacity);

/* Put the member at index into this round, at a random place among those still to come. No effect
 * if it is in the order already. */
void gkv_round_add(struct gkv_round *round, struct gkv_prng *prng, uint16_t index);

/* The next reachable member in turn; never ourselves. GKV_MEMBER_INDEX_NONE when there is nobody.
 */
uint16_t gkv_round_next(struct gkv_round *round, const struct gkv_members *members,
                        struct gkv_prng *prng);

/* Pick up to count distinct reachable members, neither ourselves nor `except`, every set of them
 * equally likely. Returns how many were written to members_out. O(capacity). */
uint32_t gkv_round_pick(const struct gkv_members *members, struct gkv_prng *prng, uint16_t except,
                        uint16_t *members_out, uint32_t count);

/* True when the member at index may be probed: it is reachable, and somebody else. */
bool gkv_round_admits(const struct gkv_members *members, uint16_t index);

#endif
