#include "core/ring.h"

#include "core/hash.h"
#include "core/panic.h"

#define BUCKET_BITS 7
#define BUCKET_COUNT (1 << BUCKET_BITS)

/* A virtual node. */
struct point {
    uint64_t hash;
    uint16_t member;
    uint16_t vnode;
};

_Static_assert(sizeof(struct point) == 16, "core/ring.h says how much a member's points take");
_Static_assert(GKV_SLOT_BITS == 14, "the definition in core/ring.h has 16,384 slots");
_Static_assert(GKV_VNODE_COUNT == 150, "the definition in core/ring.h has 150 points per node");

static struct point *points_of(const struct gkv_ring *ring)
{
    return gkv_at(ring, ring->point_offset);
}

static uint16_t *owners_of(const struct gkv_ring *ring, uint32_t slot)
{
    GKV_ASSERT(slot < GKV_SLOT_COUNT);
    uint16_t *slots = gkv_at(ring, ring->slot_offset);
    return slots + (size_t)slot * ring->replica_count;
}

void gkv_ring_init(struct gkv_ring *ring, struct gkv_arena *arena, uint16_t member_count_max,
                   uint16_t replica_count, uint64_t hash_seed)
{
    GKV_ASSERT(member_count_max >= 1);
    GKV_ASSERT(member_count_max <= GKV_MEMBER_COUNT_MAX);
    GKV_ASSERT(replica_count >= 1);
    GKV_ASSERT(replica_count <= GKV_REPLICA_COUNT_MAX);

    *ring = (struct gkv_ring){.hash_seed = hash_seed,
                              .replica_count = replica_count,
                              .member_count_max = member_count_max};
    const size_t point_count_max = (size_t)member_count_max * GKV_VNODE_COUNT;
    const size_t slot_bytes = replica_count * sizeof(uint16_t);
    ring->point_offset =
        gkv_offset_to(ring, gkv_arena_reserve(arena, point_count_max, sizeof(struct point)));
    ring->slot_offset = gkv_offset_to(ring, gkv_arena_reserve(arena, GKV_SLOT_COUNT, slot_bytes));
}

/* Write the points of every member in the ring, unsorted. Returns how many there are. */
static uint32_t make_points(struct gkv_ring *ring, const struct gkv_members *members)
{
    struct point *points = points_of(ring);
    uint32_t point_count = 0;
    for (uint16_t i = 0; i < members->capacity; i++) {
        const struct gkv_member *member = gkv_member_at(members, i);
        if (!gkv_member_is_in_ring(member)) {
            continue;
        }
        uint8_t name[sizeof(struct gkv_node_id) + 4] = {0};
        memcpy(name, member->said.who.id.bytes, sizeof(struct gkv_node_id));
        for (uint16_t vnode = 0; vnode < GKV_VNODE_COUNT; vnode++) {
            name[sizeof(struct gkv_node_id)] = (uint8_t)vnode; /* little-endian u32, under 256 */
            points[point_count++] =
                (struct point){gkv_hash(name, sizeof(name), ring->hash_seed), i, vnode};
        }
    }
    return point_count;
}

/* The order of points: (hash, node id, vnode), unsigned. */
static bool point_is_before(const struct gkv_members *members, const struct point *a,
                            const struct point *b)
{
    if (a->hash != b->hash) {
        return a->hash < b->hash;
    }
    const int order = gkv_node_id_compare(gkv_member_at(members, a->member)->said.who.id,
                                          gkv_member_at(members, b->member)->said.who.id);
    return order != 0 ? order < 0 : a->vnode < b->vnode;
}

/* Put `moved` into the heap points[0 .. point_count) whose root is free, or was. The greatest is on
 * top. The hole first goes down to a leaf by way of the greater child, and `moved` climbs from
 * there: it mostly comes from the bottom and belongs there, which saves a comparison per level
 * (Wegener 1993, "Bottom-up heapsort"). */
static void heap_place(const struct gkv_members *members, struct point *points,
                       uint32_t point_count, uint32_t root, struct point moved)
{
    uint32_t hole = root;
    for (uint32_t child = 2 * hole + 1; child < point_count; child = 2 * hole + 1) {
        if (child + 1 < point_count &&
            point_is_before(members, &points[child], &points[child + 1])) {
            child++;
        }
        points[hole] = points[child];
        hole = child;
    }
    while (hole > root && point_is_before(members, &points[(hole - 1) / 2], &moved)) {
        points[hole] = points[(hole - 1) / 2];
        hole = (hole - 1) / 2;
    }
    points[hole] = moved;
}

/* Heap sort: in place, O(P log P) whatever ids a peer thinks up. */
static void sort_heap(const struct gkv_members *members, struct point *points, uint32_t point_count)
{
    for (uint32_t root = point_count / 2; root > 0; root--) {
        heap_place(members, points, point_count, root - 1, points[root - 1]);
    }
    for (uint32_t unsorted_count = point_count; unsorted_count > 1; unsorted_count--) {
        const struct point moved = points[unsorted_count - 1];
        points[unsorted_count - 1] = points[0];
        heap_place(members, points, unsorted_count - 1, 0, moved);
    }
}

static uint32_t bucket_of(const struct point *point)
{
    return (uint32_t)(point->hash >> (64 - BUCKET_BITS));
}

/* Bring points together whose hashes begin with the same bits, in the order of these; ends_out says
 * where each bucket ends. In place: every exchange puts a point where it belongs (McIlroy, Bostic
 * and McIlroy 1993, "Engineering radix sort", American flag sort). */
static void part_points(struct point *points, uint32_t point_count, uint32_t ends_out[BUCKET_COUNT])
{
    uint32_t next[BUCKET_COUNT] = {0};
    for (uint32_t i = 0; i < point_count; i++) {
        next[bucket_of(&points[i])]++;
    }
    uint32_t end = 0;
    for (uint32_t bucket = 0; bucket < BUCKET_COUNT; bucket++) {
        end += next[bucket];
        next[bucket] = end - next[bucket];
        ends_out[bucket] = end;
    }
    GKV_ASSERT(end == point_count);
    for (uint32_t bucket = 0; bucket < BUCKET_COUNT; bucket++) {
        while (next[bucket] < ends_out[bucket]) {
            struct point *here = &points[next[bucket]];
            struct point *home = &points[next[bucket_of(here)]++];
            const struct point moved = *here;
            *here = *home;
            *home = moved;
        }
    }
}

/* One heap of all would leave the processor's caches at each step: of 1,024 members, 24 ms instead
 * of 14. */
static void sort_points(const struct gkv_members *members, struct point *points,
                        uint32_t point_count)
{
    uint32_t ends[BUCKET_COUNT];
    uint32_t begin = 0;
    part_points(points, point_count, ends);
    for (uint32_t bucket = 0; bucket < BUCKET_COUNT; bucket++) {
        sort_heap(members, points + begin, ends[bucket] - begin);
        begin = ends[bucket];
    }
}

static bool owners_contain(const uint16_t *owners, uint16_t owner_count, uint16_t member)
{
    for (uint16_t i = 0; i < owner_count; i++) {
        if (owners[i] == member) {
            return true;
        }
    }
    return false;
}

/* Walk clockwise from the point `first`, taking each node once, until owner_count are taken. */
static void walk_owners(const struct gkv_ring *ring, uint32_t point_count, uint32_t first,
                        uint16_t *owners)
{
    const struct point *points = points_of(ring);
    uint16_t taken_count = 0;
    uint32_t here = first;
    for (uint32_t step = 0; step < point_count && taken_count < ring->owner_count; step++) {
        if (!owners_contain(owners, taken_count, points[here].member)) {
            owners[taken_count++] = points[here].member;
        }
        here = here + 1 == point_count ? 0 : here + 1;
    }
    GKV_ASSERT(taken_count == ring->owner_count);
}

/* Copy the owners of a slot to the slots after it, before `end`: each time as many as are there. */
static void repeat_owners(const struct gkv_ring *ring, uint32_t slot, uint32_t end)
{
    const size_t owner_bytes = ring->replica_count * sizeof(uint16_t);
    uint32_t filled_count = 1;
    while (filled_count < end - slot) {
        const uint32_t rest_count = end - slot - filled_count;
        const uint32_t count = filled_count < rest_count ? filled_count : rest_count;
        memcpy(owners_of(ring, slot + filled_count), owners_of(ring, slot), count * owner_bytes);
        filled_count += count;
    }
}

/* Slots and points go round together; slots that start at the same point share its walk. */
static void fill_slots(const struct gkv_ring *ring, uint32_t point_count)
{
    const struct point *points = points_of(ring);
    uint32_t slot = 0;
    for (uint32_t position = 0; position <= point_count && slot < GKV_SLOT_COUNT; position++) {
        /* The slots up to `end` start at or before this point, and after the point before it. */
        const bool is_wrapped = position == point_count;
        const uint32_t end =
            is_wrapped ? GKV_SLOT_COUNT : gkv_ring_slot_of_hash(points[position].hash) + 1;
        if (end > slot) {
            walk_owners(ring, point_count, is_wrapped ? 0 : position, owners_of(ring, slot));
            repeat_owners(ring, slot, end);
            slot = end;
        }
    }
    GKV_ASSERT(slot == GKV_SLOT_COUNT);
}

void gkv_ring_refresh(struct gkv_ring *ring, const struct gkv_members *members)
{
    GKV_ASSERT(members->capacity <= ring->member_count_max);
    if (ring->built_epoch == members->ring_epoch) {
        return;
    }
    const uint32_t point_count = make_points(ring, members);
    const uint32_t node_count = point_count / GKV_VNODE_COUNT;
    GKV_ASSERT(node_count <= members->count);

    ring->built_epoch = members->ring_epoch;
    ring->owner_count =
        node_count < ring->replica_count ? (uint16_t)node_count : ring->replica_count;
    if (point_count == 0) {
        return; /* everybody left, we too: nobody owns anything */
    }
    sort_points(members, points_of(ring), point_count);
    fill_slots(ring, point_count);
}

uint64_t gkv_ring_key_hash(const struct gkv_ring *ring, struct gkv_bytes key)
{
    return gkv_hash(key.data, key.count, ring->hash_seed);
}

struct gkv_owners gkv_ring_owners(const struct gkv_ring *ring, uint32_t slot)
{
    return (struct gkv_owners){.members = owners_of(ring, slot), .count = ring->owner_count};
}

bool gkv_ring_owns(const struct gkv_ring *ring, uint32_t slot, uint16_t member_index)
{
    return owners_contain(owners_of(ring, slot), ring->owner_count, member_index);
}
