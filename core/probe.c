#include "core/probe.h"

#include "core/panic.h"

static uint16_t *order_of(const struct gkv_probe *probe)
{
    return gkv_at(probe, probe->order_offset);
}

static bool can_be_probed(const struct gkv_members *members, uint16_t index)
{
    return index != GKV_MEMBER_SELF && gkv_member_is_reachable(gkv_member_at(members, index));
}

void gkv_probe_init(struct gkv_probe *probe, struct gkv_arena *arena, uint16_t capacity,
                    uint32_t sequence_first)
{
    GKV_ASSERT(capacity > 0);
    uint16_t *order = gkv_arena_carve(arena, capacity, sizeof(*order));
    *probe = (struct gkv_probe){
        .capacity = capacity,
        .urgent = GKV_MEMBER_INDEX_NONE,
        .target = GKV_MEMBER_INDEX_NONE,
        .sequence_last = sequence_first,
    };
    probe->order_offset = gkv_offset_to(probe, order);
}

uint32_t gkv_probe_take_sequence(struct gkv_probe *probe)
{
    probe->sequence_last++;
    if (probe->sequence_last == 0) {
        probe->sequence_last = 1;
    }
    return probe->sequence_last;
}

void gkv_probe_add(struct gkv_probe *probe, struct gkv_prng *prng, uint16_t index)
{
    GKV_ASSERT(index != GKV_MEMBER_SELF);
    GKV_ASSERT(index < probe->capacity);

    uint16_t *order = order_of(probe);
    for (uint16_t i = 0; i < probe->order_count; i++) {
        if (order[i] == index) {
            return;
        }
    }
    GKV_ASSERT(probe->order_count < probe->capacity);
    GKV_ASSERT(probe->cursor <= probe->order_count);
    const uint64_t to_come_count = (uint64_t)probe->order_count - probe->cursor + 1;
    const uint64_t place = probe->cursor + gkv_prng_below(prng, to_come_count);
    order[probe->order_count] = order[place];
    order[place] = index;
    probe->order_count++;
}

/* Start a new round with everybody reachable, shuffled (Fisher and Yates). */
static void refill(struct gkv_probe *probe, const struct gkv_members *members,
                   struct gkv_prng *prng)
{
    uint16_t *order = order_of(probe);
    probe->cursor = 0;
    probe->order_count = 0;
    for (uint16_t index = 0; index < probe->capacity; index++) {
        if (!can_be_probed(members, index)) {
            continue;
        }
        const uint64_t place = gkv_prng_below(prng, (uint64_t)probe->order_count + 1);
        order[probe->order_count] = order[place];
        order[place] = index;
        probe->order_count++;
    }
}

/* The next of this round who can be probed. */
static uint16_t advance(struct gkv_probe *probe, const struct gkv_members *members)
{
    const uint16_t *order = order_of(probe);
    while (probe->cursor < probe->order_count) {
        const uint16_t index = order[probe->cursor];
        probe->cursor++;
        if (can_be_probed(members, index)) {
            return index;
        }
    }
    return GKV_MEMBER_INDEX_NONE;
}

uint16_t gkv_probe_next(struct gkv_probe *probe, const struct gkv_members *members,
                        struct gkv_prng *prng)
{
    GKV_ASSERT(probe->capacity == members->capacity);
    const uint16_t urgent = probe->urgent;
    probe->urgent = GKV_MEMBER_INDEX_NONE;
    if (urgent != GKV_MEMBER_INDEX_NONE && can_be_probed(members, urgent)) {
        return urgent;
    }
    uint16_t index = advance(probe, members);
    if (index == GKV_MEMBER_INDEX_NONE) {
        refill(probe, members, prng);
        index = advance(probe, members);
    }
    GKV_ASSERT(index != GKV_MEMBER_SELF);
    return index;
}

void gkv_probe_begin(struct gkv_probe *probe, const struct gkv_members *members, uint16_t index,
                     uint64_t now_ns)
{
    GKV_ASSERT(probe->target == GKV_MEMBER_INDEX_NONE);
    GKV_ASSERT(can_be_probed(members, index));
    const struct gkv_member *member = gkv_member_at(members, index);
    probe->target = index;
    probe->target_generation = member->generation;
    probe->target_boot_id = member->said.who.boot_id;
    probe->sequence = gkv_probe_take_sequence(probe);
    probe->sent_ns = now_ns;
    probe->acked = false;
}

bool gkv_probe_is_current(const struct gkv_probe *probe, const struct gkv_members *members)
{
    if (probe->target == GKV_MEMBER_INDEX_NONE) {
        return false;
    }
    const struct gkv_member *member = gkv_member_at(members, probe->target);
    return member->said.state != GKV_MEMBER_NONE &&
           member->generation == probe->target_generation &&
           member->said.who.boot_id == probe->target_boot_id;
}

uint32_t gkv_probe_relay_add(struct gkv_probe *probe, const struct gkv_address *asker,
                             struct gkv_node_id target, uint32_t asker_sequence)
{
    GKV_ASSERT(asker_sequence != 0);
    struct gkv_probe_relay *relay = &probe->relays[probe->relay_next];
    probe->relay_next = (probe->relay_next + 1) % GKV_PROBE_RELAY_COUNT;
    *relay = (struct gkv_probe_relay){
        .asker = *asker,
        .target = target,
        .asker_sequence = asker_sequence,
        .sequence = gkv_probe_take_sequence(probe),
    };
    return relay->sequence;
}

bool gkv_probe_relay_take(struct gkv_probe *probe, uint32_t sequence, struct gkv_node_id target,
                          struct gkv_probe_relay *relay_out)
{
    GKV_ASSERT(sequence != 0);
    for (uint32_t i = 0; i < GKV_PROBE_RELAY_COUNT; i++) {
        struct gkv_probe_relay *relay = &probe->relays[i];
        if (relay->sequence == sequence && gkv_node_id_equal(relay->target, target)) {
            *relay_out = *relay;
            relay->sequence = 0;
            return true;
        }
    }
    return false;
}

uint32_t gkv_probe_pick(const struct gkv_members *members, struct gkv_prng *prng, uint16_t except,
                        uint16_t *members_out, uint32_t count)
{
    GKV_ASSERT(count > 0);
    uint32_t seen =
        0; /* Vitter's algorithm R: the k-th candidate stays with probability count / k */
    for (uint16_t index = 0; index < members->capacity; index++) {
        if (index == except || !can_be_probed(members, index)) {
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
