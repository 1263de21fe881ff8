#include "core/member.h"

#include "core/panic.h"

#define HOME_FACTOR UINT64_C(0x9E3779B97F4A7C15) /* odd, and without a pattern */

/* ---- The index: node id -> member index, linear probing, at most half full. ------------------ */

static uint16_t *index_of(const struct gkv_members *members)
{
    return gkv_at(members, members->index_offset);
}

/* Where the search for an id starts. Ids are hashes of names already, so that mixing their halves
 * does. They come from outside; should somebody make them collide, a search costs as many steps as
 * there are members and no more. */
static uint32_t home_of(const struct gkv_members *members, struct gkv_node_id id)
{
    uint64_t halves[2];
    memcpy(halves, id.bytes, sizeof(halves));
    return (uint32_t)((halves[0] ^ halves[1]) * HOME_FACTOR >> 32) & members->index_mask;
}

/* The position in the index that holds `id`, or the empty one where it would go. */
static uint32_t index_find(const struct gkv_members *members, struct gkv_node_id id)
{
    const uint16_t *index = index_of(members);
    uint32_t position = home_of(members, id);
    for (uint32_t step = 0; step <= members->index_mask; step++) {
        const uint16_t member_index = index[position];
        if (member_index == GKV_MEMBER_INDEX_NONE ||
            gkv_node_id_equal(gkv_member_at(members, member_index)->said.who.id, id)) {
            break;
        }
        position = (position + 1) & members->index_mask;
    }
    return position;
}

/* Empty a position and move back what had to step over it, so that no search meets a gap between
 * its home and its goal (Knuth, volume 3, 6.4, algorithm R). */
static void index_remove(struct gkv_members *members, uint32_t position)
{
    uint16_t *index = index_of(members);
    const uint32_t mask = members->index_mask;
    uint32_t hole = position;
    for (uint32_t step = 1; step <= mask; step++) {
        const uint32_t here = (position + step) & mask;
        const uint16_t member_index = index[here];
        if (member_index == GKV_MEMBER_INDEX_NONE) {
            break;
        }
        const uint32_t home = home_of(members, gkv_member_at(members, member_index)->said.who.id);
        if (((here - home) & mask) >= ((here - hole) & mask)) {
            index[hole] = member_index;
            hole = here;
        }
    }
    index[hole] = GKV_MEMBER_INDEX_NONE;
}

/* ---- Places. --------------------------------------------------------------------------------- */

/* An unused place, or that of the member that LEFT longest ago and was told of (then it is
 * forgotten first), or GKV_MEMBER_INDEX_NONE. */
static uint16_t make_place(struct gkv_members *members)
{
    uint16_t oldest_left = GKV_MEMBER_INDEX_NONE;
    for (uint16_t i = GKV_MEMBER_SELF + 1; i < members->capacity; i++) {
        const struct gkv_member *member = gkv_member_at(members, i);
        if (member->said.state == GKV_MEMBER_NONE) {
            return i;
        }
        if (member->said.state == GKV_MEMBER_LEFT && !member->is_change_owed &&
            (oldest_left == GKV_MEMBER_INDEX_NONE ||
             member->since_ns < gkv_member_at(members, oldest_left)->since_ns)) {
            oldest_left = i;
        }
    }
    GKV_ASSERT(members->count == members->capacity);
    if (oldest_left != GKV_MEMBER_INDEX_NONE) {
        gkv_member_forget(members, oldest_left);
    }
    return oldest_left;
}

/* Count a member in (1) or out (-1) by its state. */
static void count_member(struct gkv_members *members, const struct gkv_member *member, int step)
{
    members->reachable_count =
        (uint16_t)(members->reachable_count + (gkv_member_is_reachable(member) ? step : 0));
    members->ring_count =
        (uint16_t)(members->ring_count + (gkv_member_is_in_ring(member) ? step : 0));
    members->degraded_count =
        (uint16_t)(members->degraded_count + (member->is_degraded ? step : 0));
    GKV_ASSERT(members->degraded_count <= members->ring_count);
    GKV_ASSERT(members->reachable_count <= members->ring_count);
    GKV_ASSERT(members->ring_count <= members->count);
}

static void enter(struct gkv_members *members, uint16_t index, const struct gkv_update *update,
                  uint64_t now_ns)
{
    struct gkv_member *member = gkv_member_at(members, index);
    GKV_ASSERT(member->said.state == GKV_MEMBER_NONE);
    const uint32_t position = index_find(members, update->who.id);
    GKV_ASSERT(index_of(members)[position] == GKV_MEMBER_INDEX_NONE);

    index_of(members)[position] = index;
    member->said = *update;
    member->since_ns = now_ns;
    member->heard_ns = now_ns;
    member->asked_ns = 0;
    member->given_ns = 0;
    member->generation++;
    members->count++;
    count_member(members, member, 1);
    members->ring_epoch += gkv_member_is_in_ring(member);
}

void gkv_members_init(struct gkv_members *members, struct gkv_arena *arena, uint16_t capacity,
                      const struct gkv_update *self)
{
    GKV_ASSERT(capacity >= 1);
    GKV_ASSERT(capacity <= GKV_MEMBER_COUNT_MAX);
    uint32_t index_count = 2;
    while (index_count < 2u * capacity) {
        index_count *= 2;
    }

    *members =
        (struct gkv_members){.capacity = capacity, .index_mask = (uint16_t)(index_count - 1)};
    void *member_table = gkv_arena_carve(arena, capacity, sizeof(struct gkv_member));
    void *index = gkv_arena_carve(arena, index_count, sizeof(uint16_t));
    members->member_offset = gkv_offset_to(members, member_table);
    members->index_offset = gkv_offset_to(members, index);
    if (index == NULL) {
        return;
    }
    memset(index, 0xff, index_count * sizeof(uint16_t)); /* GKV_MEMBER_INDEX_NONE everywhere */
    GKV_ASSERT(self->state == GKV_MEMBER_ALIVE);
    enter(members, GKV_MEMBER_SELF, self, 0);
}

uint16_t gkv_member_find(const struct gkv_members *members, struct gkv_node_id id)
{
    return index_of(members)[index_find(members, id)];
}

uint16_t gkv_member_find_address(const struct gkv_members *members,
                                 const struct gkv_address *address)
{
    uint16_t found = GKV_MEMBER_INDEX_NONE;
    for (uint16_t i = 0; i < members->capacity; i++) {
        const struct gkv_member *member = gkv_member_at(members, i);
        if (!gkv_member_is_in_ring(member) || !gkv_address_equal(&member->said.address, address)) {
            continue;
        }
        if (gkv_member_is_reachable(member)) {
            return i;
        }
        found = found == GKV_MEMBER_INDEX_NONE ? i : found;
    }
    return found;
}

/* ---- What is told. --------------------------------------------------------------------------- */

bool gkv_member_update_is_news(const struct gkv_member *held, const struct gkv_update *update)
{
    if (held == NULL || held->said.state == GKV_MEMBER_NONE) {
        return true;
    }
    GKV_ASSERT(gkv_node_id_equal(held->said.who.id, update->who.id));
    if (update->who.boot_id != held->said.who.boot_id) {
        return update->who.boot_id > held->said.who.boot_id;
    }
    if (update->incarnation != held->said.incarnation) {
        return update->incarnation > held->said.incarnation;
    }
    return gkv_member_rank(update->state) > gkv_member_rank(held->said.state);
}

static uint16_t apply_to_stranger(struct gkv_members *members, const struct gkv_update *update,
                                  uint64_t now_ns)
{
    if (update->state == GKV_MEMBER_LEFT) {
        return GKV_MEMBER_INDEX_NONE;
    }
    const uint16_t index = make_place(members);
    if (index == GKV_MEMBER_INDEX_NONE) {
        members->refused_count++;
        return GKV_MEMBER_INDEX_NONE;
    }
    enter(members, index, update, now_ns);
    return index;
}

uint16_t gkv_member_apply(struct gkv_members *members, const struct gkv_update *update,
                          uint64_t now_ns)
{
    GKV_ASSERT(update->state != GKV_MEMBER_NONE);
    GKV_ASSERT(update->state < GKV_MEMBER_STATE_COUNT);
    const uint16_t index = gkv_member_find(members, update->who.id);
    if (index == GKV_MEMBER_INDEX_NONE) {
        return apply_to_stranger(members, update, now_ns);
    }
    struct gkv_member *member = gkv_member_at(members, index);
    if (!gkv_member_update_is_news(member, update)) {
        return GKV_MEMBER_INDEX_NONE;
    }

    const bool was_in_ring = gkv_member_is_in_ring(member);
    const bool is_new_boot = update->who.boot_id != member->said.who.boot_id;
    if (is_new_boot || update->state != member->said.state || update->state == GKV_MEMBER_SUSPECT) {
        member->since_ns = now_ns;
        member->call_ns = 0;
        member->call_ms = 0;
    }
    count_member(members, member, -1);
    member->asked_ns = 0;
    member->given_ns = 0;
    member->is_degraded &= !is_new_boot && update->state != GKV_MEMBER_LEFT;
    member->said = *update;
    count_member(members, member, 1);
    members->ring_epoch += gkv_member_is_in_ring(member) != was_in_ring;
    return index;
}

uint64_t gkv_member_hear(struct gkv_members *members, const struct gkv_identity *from,
                         uint64_t now_ns)
{
    const uint16_t index = gkv_member_find(members, from->id);
    if (index == GKV_MEMBER_INDEX_NONE) {
        return 0;
    }
    struct gkv_member *member = gkv_member_at(members, index);
    if (member->said.who.boot_id != from->boot_id) {
        return 0;
    }
    GKV_ASSERT(member->heard_ns <= now_ns);
    member->heard_ns = now_ns;
    if (index == GKV_MEMBER_SELF || !gkv_member_is_reachable(member)) {
        return 0;
    }
    GKV_ASSERT(members->heard_ns <= now_ns);
    const uint64_t silence_ns = members->heard_ns == 0 ? 0 : now_ns - members->heard_ns;
    members->heard_ns = now_ns;
    return silence_ns;
}

bool gkv_member_confirm(struct gkv_member *member, struct gkv_node_id confirmer, uint32_t count_max)
{
    struct gkv_update *said = &member->said;
    GKV_ASSERT(said->state == GKV_MEMBER_SUSPECT);
    GKV_ASSERT(count_max <= GKV_CONFIRMER_COUNT_MAX);
    if (said->confirmer_count >= count_max || gkv_node_id_equal(confirmer, said->who.id) ||
        gkv_node_id_equal(confirmer, said->accuser)) {
        return false;
    }
    for (uint32_t i = 0; i < said->confirmer_count; i++) {
        if (gkv_node_id_equal(confirmer, said->confirmers[i])) {
            return false;
        }
    }
    said->confirmers[said->confirmer_count] = confirmer;
    said->confirmer_count = (uint8_t)(said->confirmer_count + 1);
    return true;
}

void gkv_member_set_degraded(struct gkv_members *members, uint16_t index, bool is_degraded)
{
    struct gkv_member *member = gkv_member_at(members, index);
    GKV_ASSERT(gkv_member_is_in_ring(member));
    GKV_ASSERT(member->is_degraded != is_degraded);
    count_member(members, member, -1);
    member->is_degraded = is_degraded;
    count_member(members, member, 1);
}

void gkv_member_forget(struct gkv_members *members, uint16_t index)
{
    GKV_ASSERT(index != GKV_MEMBER_SELF);
    struct gkv_member *member = gkv_member_at(members, index);
    GKV_ASSERT(member->said.state != GKV_MEMBER_NONE);
    const uint32_t position = index_find(members, member->said.who.id);
    GKV_ASSERT(index_of(members)[position] == index);

    members->ring_epoch += gkv_member_is_in_ring(member);
    index_remove(members, position);
    count_member(members, member, -1);
    members->count--;
    *member = (struct gkv_member){.generation = member->generation + 1};
}

bool gkv_member_is_in_ring(const struct gkv_member *member)
{
    return member->said.state != GKV_MEMBER_NONE && member->said.state != GKV_MEMBER_LEFT;
}

uint32_t gkv_member_rank(enum gkv_member_state state)
{
    /* By their numbers on the wire, which are older than some of them. */
    static const uint8_t ranks[GKV_MEMBER_STATE_COUNT] = {
        [GKV_MEMBER_ALIVE] = 1,       [GKV_MEMBER_LEAVING] = 2, [GKV_MEMBER_SUSPECT] = 3,
        [GKV_MEMBER_UNREACHABLE] = 4, [GKV_MEMBER_EVICTED] = 5, [GKV_MEMBER_LEFT] = 6,
    };
    GKV_ASSERT((uint32_t)state < GKV_MEMBER_STATE_COUNT);
    return ranks[state];
}
