#include "core/round.h"

#include "core/panic.h"

static uint16_t *order_of(const struct gkv_round *round)
{
    return gkv_at(round, round->order_offset);
}

bool gkv_round_admits(const struct gkv_members *members, uint16_t index)
{
    return index != GKV_MEMBER_SELF && gkv_member_is_reachable(gkv_member_at(members, index));
}

void gkv_round_init(struct gkv_round *round, struct gkv_arena *arena, uint16_t capacity)
{
    GKV_ASSERT(capacity > 0);
    uint16_t *order = gkv_arena_carve(arena, capacity, sizeof(*order));
    *round = (struct gkv_round){.capacity = capacity};
    round->order_offset = gkv_offset_to(round, order);
}

void gkv_round_add(struct gkv_round *round, struct gkv_prng *prng, uint16_t index)
{
    GKV_ASSERT(index != GKV_MEMBER_SELF);
    GKV_ASSERT(index < round->capacity);

    uint16_t *order = order_of(round);
    for (uint16_t i = 0; i < round->order_count; i++) {
        if (order[i] == index) {
            return;
        }
    }
    GKV_ASSERT(round->order_count < round->capacity);
    GKV_ASSERT(round->cursor <= round->order_count);
    const uint64_t to_come_count = (uint64_t)round->order_count - round->cursor + 1;
    const uint64_t place = round->cursor + gkv_prng_below(prng, to_come_count);
    order[round->order_count] = order[place];
    order[place] = index;
    round->order_count++;
}

/* Start a new round with everybody reachable, shuffled (Fisher and Yates). */
static void refill(struct gkv_round *round, const struct gkv_members *members,
                   struct gkv_prng *prng)
{
    uint16_t *order = order_of(round);
    round->cursor = 0;
    round->order_count = 0;
    for (uint16_t index = 0; index < round->capacity; index++) {
        if (!gkv_round_admits(members, index)) {
            continue;
        }
        const uint64_t place = gkv_prng_below(prng, (uint64_t)round->order_count + 1);
        order[round->order_count] = order[place];
        order[place] = index;
        round->order_count++;
    }
}

/* The next of this round who can be probed. */
static uint16_t advance(struct gkv_round *round, const struct gkv_members *members)
{
    const uint16_t *order = order_of(round);
    while (round->cursor < round->order_count) {
        const uint16_t index = order[round->cursor];
        round->cursor++;
        if (gkv_round_admits(members, index)) {
            return index;
        }
    }
    return GKV_MEMBER_INDEX_NONE;
}

uint16_t gkv_round_next(struct gkv_round *round, const struct gkv_members *members,
                        struct gkv_prng *prng)
{
    GKV_ASSERT(round->capacity == members->capacity);
    uint16_t index = advance(round, members);
    if (index == GKV_MEMBER_INDEX_NONE) {
        refill(round, members, prng);
        index = advance(round, members);
    }
    GKV_ASSERT(index != GKV_MEMBER_SELF);
    return index;
}

uint32_t gkv_round_pick(const struct gkv_members *members, struct gkv_prng *prng, uint16_t except,
                        uint16_t *members_out, uint32_t count)
{
    GKV_ASSERT(count > 0);
    uint32_t seen =
        0; /* Vitter's algorithm R: the k-th candidate stays with probability count / k */
    for (uint16_t index = 0; index < members->capacity; index++) {
        if (index == except || !gkv_round_admits(members, index)) {
            continue;
        }
        seen++;
        if (seen <= count) {
            members_out[seen - 1] = index;
            continue;
        }
        const uint64_t place = gkv_prng_below(prng, seen);
        if (place < count) {
            members_out[place] = index;
        }
    }
    return seen < count ? seen : count;
}
