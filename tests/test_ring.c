#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/hash.h"
#include "core/options.h"
#include "core/prng.h"
#include "core/ring.h"

#define CAPACITY 100
#define NAIVE_SEED_COUNT 12

static alignas(GKV_ARENA_ALIGN) uint8_t memory[1024 * 1024];

struct world {
    struct gkv_members members;
    struct gkv_ring ring;
};

static struct gkv_update update_of(const char *text, enum gkv_member_state state)
{
    struct gkv_update update = {.who = {.boot_id = 1}, .state = state};
    assert_int_equal(gkv_name_from_text(text, strlen(text), &update.name), GKV_OK);
    update.who.id = gkv_node_id_of_name(&update.name);
    return update;
}

/* A ring of one member, called self. */
static void world_start(struct world *world, const char *self, uint16_t replica_count,
                        uint64_t hash_seed)
{
    const struct gkv_update update = update_of(self, GKV_MEMBER_ALIVE);
    struct gkv_arena arena = gkv_arena_over(memory, sizeof(memory));
    gkv_members_init(&world->members, &arena, CAPACITY, &update);
    gkv_ring_init(&world->ring, &arena, CAPACITY, replica_count, hash_seed);
}

static uint16_t world_tell(struct world *world, const char *name, enum gkv_member_state state)
{
    const struct gkv_update update = update_of(name, state);
    const uint16_t index = gkv_member_apply(&world->members, &update, 0);
    gkv_ring_refresh(&world->ring, &world->members);
    return index;
}

/* Members n0, n1, ... up to count of them, n0 being ourselves. */
static void world_start_many(struct world *world, uint16_t count, uint16_t replica_count,
                             uint64_t hash_seed)
{
    world_start(world, "n0", replica_count, hash_seed);
    for (uint16_t i = 1; i < count; i++) {
        char name[8];
        (void)snprintf(name, sizeof(name), "n%u", (unsigned)i);
        const struct gkv_update update = update_of(name, GKV_MEMBER_ALIVE);
        assert_int_equal(gkv_member_apply(&world->members, &update, 0), i);
    }
    gkv_ring_refresh(&world->ring, &world->members);
}

/* ---- Golden vectors. ------------------------------------------------------------------------ */

/* Obtained without any of our code: XXH64, and XXH3-128 for inputs of one byte, written out in
 * Python from the xxHash specification; points sorted as tuples (h, node id, i); owners found by
 * walking on from the first point at or after slot << 50. XXH64 was checked against the published
 * values of "", "a" and "abc" first. The nodes' names are their letters. */
static const struct {
    const char *name;
    uint8_t id[16];
} golden_nodes[] = {
    {"a",
     {0x1f, 0x4e, 0x96, 0x1e, 0xb6, 0x32, 0xc6, 0xe6, 0x34, 0x68, 0xf1, 0x5a, 0x70, 0xaf, 0x6f,
      0xa9}},
    {"b",
     {0x3f, 0x84, 0xd8, 0x44, 0x1c, 0x0b, 0x5a, 0x57, 0xd4, 0x7f, 0xc9, 0x1a, 0xe3, 0x12, 0x22,
      0x4b}},
    {"c",
     {0x1b, 0xf8, 0xb9, 0x46, 0x9a, 0x21, 0x40, 0x8c, 0x85, 0xde, 0x74, 0x7f, 0xd1, 0xbd, 0xd8,
      0x12}},
    {"d",
     {0xca, 0xa7, 0xc7, 0xc9, 0x74, 0x02, 0xf8, 0x45, 0xf7, 0x5f, 0x2d, 0x10, 0xf9, 0x41, 0xa8,
      0x56}},
    {"e",
     {0x78, 0x4a, 0xec, 0x3b, 0x5e, 0x2e, 0xe7, 0xe5, 0xef, 0xaa, 0xed, 0xe2, 0xf9, 0xa8, 0x97,
      0x2d}},
};

static const struct {
    uint64_t hash_seed;
    const char *key;
    uint64_t key_hash;
    uint32_t slot;
    const char *owners;
} golden_keys[] = {
    {0, "", UINT64_C(0xef46db3751d8e999), 15313, "dabce"},
    {0, "k", UINT64_C(0xc3d31922c50b1b63), 12532, "ebdca"},
    {0, "key", UINT64_C(0x447762562de14334), 4381, "daecb"},
    {0, "user:1", UINT64_C(0xd9c7c4609e6080f3), 13937, "edbac"},
    {0, "user:2", UINT64_C(0x337be5a0c611350a), 3294, "becda"},
    {0, "grid", UINT64_C(0xf098783e39abcf6d), 15398, "bacde"},
    {0, "0123456789abcdef0123456789abcdef0123456789", UINT64_C(0xa76190c3acf08a1c), 10712, "cabde"},
    {12345, "", UINT64_C(0x95584af7701f808d), 9558, "bcdae"},
    {12345, "k", UINT64_C(0x2fdd59a0d2a61cbb), 3063, "dbeca"},
    {12345, "key", UINT64_C(0x083458548faea9fa), 525, "dceab"},
    {12345, "user:1", UINT64_C(0xe00d8fab4e466b77), 14339, "eabdc"},
    {12345, "user:2", UINT64_C(0x1cf3a4286ed596d2), 1852, "bdeac"},
    {12345, "grid", UINT64_C(0xd4c2f21434164103), 13616, "ebacd"},
    {12345, "0123456789abcdef0123456789abcdef0123456789", UINT64_C(0x8cdb6a65152c4acd), 9014,
     "cbdae"},
};

/* FNV-1a over the letters of the three owners of all 16,384 slots in turn. Some slots, 14 and 66 of
 * them, come after the last point and wrap. */
static const struct {
    uint64_t hash_seed;
    uint64_t table_fnv1a;
} golden_tables[] = {
    {0, UINT64_C(0x93289c15865321c1)},
    {12345, UINT64_C(0xf556a560dbff9b0c)},
};

static void golden_start(struct world *world, uint16_t replica_count, uint64_t hash_seed)
{
    world_start(world, "c", replica_count, hash_seed);
    (void)world_tell(world, "e", GKV_MEMBER_ALIVE);
    (void)world_tell(world, "b", GKV_MEMBER_UNREACHABLE);
    (void)world_tell(world, "a", GKV_MEMBER_SUSPECT);
    (void)world_tell(world, "d", GKV_MEMBER_ALIVE);
}

/* Goal: the ring is the one that core/ring.h defines, byte for byte. Method: golden vectors. */
static void test_golden(void **state)
{
    (void)state;
    struct world world;
    for (size_t i = 0; i < sizeof(golden_keys) / sizeof(*golden_keys); i++) {
        golden_start(&world, 5, golden_keys[i].hash_seed);
        const struct gkv_bytes key = {(const uint8_t *)golden_keys[i].key,
                                      strlen(golden_keys[i].key)};
        const uint64_t key_hash = gkv_ring_key_hash(&world.ring, key);
        assert_true(key_hash == golden_keys[i].key_hash);
        assert_int_equal(gkv_ring_slot_of_hash(key_hash), golden_keys[i].slot);
        const struct gkv_owners owners = gkv_ring_owners(&world.ring, golden_keys[i].slot);
        assert_int_equal(owners.count, 5);
        for (uint16_t k = 0; k < 5; k++) {
            const struct gkv_update *owner =
                &gkv_member_at(&world.members, owners.members[k])->said;
            assert_int_equal(owner->name.bytes[0], golden_keys[i].owners[k]);
            assert_memory_equal(owner->who.id.bytes, golden_nodes[owner->name.bytes[0] - 'a'].id,
                                16);
        }
    }
}

/* Goal: the same of the whole table. Method: its hash. */
static void test_golden_table(void **state)
{
    (void)state;
    struct world world;
    for (size_t i = 0; i < sizeof(golden_tables) / sizeof(*golden_tables); i++) {
        golden_start(&world, 3, golden_tables[i].hash_seed);
        uint64_t hash = UINT64_C(0xcbf29ce484222325);
        for (uint32_t slot = 0; slot < GKV_SLOT_COUNT; slot++) {
            const struct gkv_owners owners = gkv_ring_owners(&world.ring, slot);
            assert_int_equal(owners.count, 3);
            for (uint16_t k = 0; k < 3; k++) {
                hash ^=
                    (uint8_t)gkv_member_at(&world.members, owners.members[k])->said.name.bytes[0];
                hash *= UINT64_C(0x100000001b3);
            }
        }
        assert_true(hash == golden_tables[i].table_fnv1a);
    }
}

/* ---- The definition, done the long way. ----------------------------------------------------- */

struct naive_point {
    uint64_t hash;
    struct gkv_node_id id;
    uint32_t vnode;
    uint16_t member;
};

static int naive_compare(const void *left, const void *right)
{
    const struct naive_point *a = left;
    const struct naive_point *b = right;
    if (a->hash != b->hash) {
        return a->hash < b->hash ? -1 : 1;
    }
    const int order = memcmp(a->id.bytes, b->id.bytes, 16);
    return order != 0 ? order : (a->vnode > b->vnode) - (a->vnode < b->vnode);
}

static uint32_t naive_points(const struct world *world, struct naive_point *points)
{
    uint32_t count = 0;
    for (uint16_t i = 0; i < CAPACITY; i++) {
        const struct gkv_update *said = &gkv_member_at(&world->members, i)->said;
        if (said->state == GKV_MEMBER_NONE || said->state == GKV_MEMBER_LEFT) {
            continue;
        }
        for (uint32_t vnode = 0; vnode < 150; vnode++) {
            uint8_t bytes[20];
            memcpy(bytes, said->who.id.bytes, 16);
            for (uint32_t k = 0; k < 4; k++) {
                bytes[16 + k] = (uint8_t)(vnode >> 8 * k);
            }
            points[count++] = (struct naive_point){gkv_hash(bytes, 20, world->ring.hash_seed),
                                                   said->who.id, vnode, i};
        }
    }
    qsort(points, count, sizeof(*points), naive_compare);
    return count;
}

static void naive_check_slot(const struct world *world, uint32_t slot,
                             const struct naive_point *points, uint32_t point_count)
{
    uint32_t first = 0;
    while (first < point_count && points[first].hash < (uint64_t)slot << 50) {
        first++;
    }
    const struct gkv_owners owners = gkv_ring_owners(&world->ring, slot);
    uint16_t taken_count = 0;
    bool taken[CAPACITY] = {false};
    for (uint32_t i = 0; i < point_count && taken_count < world->ring.replica_count; i++) {
        const uint16_t member = points[(first + i) % point_count].member;
        if (!taken[member]) {
            taken[member] = true;
            assert_true(taken_count < owners.count);
            assert_int_equal(owners.members[taken_count++], member);
        }
    }
    assert_int_equal(owners.count, taken_count);
    for (uint16_t i = 0; i < CAPACITY; i++) {
        assert_int_equal(gkv_ring_owns(&world->ring, slot, i), taken[i]);
    }
}

/* Goal: every member set gives the owners that the definition gives.
 * Method: members come, become unreachable, leave and are forgotten at random; after every few
 * changes, random slots and both ends are compared with a qsort and a walk from the start. */
static void test_against_naive(void **state)
{
    (void)state;
    static struct naive_point points[CAPACITY * 150];
    for (uint64_t seed = 1; seed <= NAIVE_SEED_COUNT; seed++) {
        struct gkv_prng prng;
        gkv_prng_init(&prng, seed, 0);
        struct world world;
        world_start(&world, "self", (uint16_t)(1 + seed % GKV_REPLICA_COUNT_MAX), seed * 77);
        for (uint32_t round = 0; round < 20; round++) {
            for (uint64_t i = gkv_prng_below(&prng, 12); i > 0; i--) {
                char name[8];
                (void)snprintf(name, sizeof(name), "%u", (unsigned)gkv_prng_below(&prng, 60));
                struct gkv_update update = update_of(name, GKV_MEMBER_ALIVE);
                update.state = (enum gkv_member_state)(1 + gkv_prng_below(&prng, 4));
                update.incarnation = round;
                (void)gkv_member_apply(&world.members, &update, round);
            }
            const uint16_t index = (uint16_t)(1 + gkv_prng_below(&prng, CAPACITY - 1));
            if (gkv_member_at(&world.members, index)->said.state != GKV_MEMBER_NONE) {
                gkv_member_forget(&world.members, index);
            }
            gkv_ring_refresh(&world.ring, &world.members);
            const uint32_t point_count = naive_points(&world, points);
            naive_check_slot(&world, 0, points, point_count);
            naive_check_slot(&world, GKV_SLOT_COUNT - 1, points, point_count);
            for (uint32_t i = 0; i < 100; i++) {
                naive_check_slot(&world, (uint32_t)gkv_prng_below(&prng, GKV_SLOT_COUNT), points,
                                 point_count);
            }
        }
    }
}

/* ---- What consistent hashing is for. -------------------------------------------------------- */

#define OWNER_COUNT 3

/* The owners of a slot without one member, in their order. */
static uint32_t owners_without(const struct world *world, uint32_t slot, uint16_t left_out,
                               uint16_t members_out[OWNER_COUNT])
{
    const struct gkv_owners owners = gkv_ring_owners(&world->ring, slot);
    uint32_t count = 0;
    for (uint32_t i = 0; i < owners.count; i++) {
        if (owners.members[i] != left_out) {
            members_out[count++] = owners.members[i];
        }
    }
    return count;
}

/* Goal: a newcomer takes its share and nobody else gets anything, as any of the owners; when it
 * leaves, all is as before. Method: the owners of all slots before, with and after it: but for the
 * newcomer those with it are those before, in the same order. */
static void test_minimal_movement(void **state)
{
    (void)state;
    static uint16_t before[GKV_SLOT_COUNT][OWNER_COUNT];
    const uint16_t counts[] = {1, 2, 5, 19, 50};
    for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
        struct world world;
        world_start_many(&world, counts[i], OWNER_COUNT, 9);
        for (uint32_t slot = 0; slot < GKV_SLOT_COUNT; slot++) {
            (void)owners_without(&world, slot, UINT16_MAX, before[slot]);
        }
        const uint16_t newcomer = world_tell(&world, "newcomer", GKV_MEMBER_ALIVE);
        uint32_t moved_count = 0;
        for (uint32_t slot = 0; slot < GKV_SLOT_COUNT; slot++) {
            uint16_t others[OWNER_COUNT];
            const uint32_t count = owners_without(&world, slot, newcomer, others);
            assert_memory_equal(others, before[slot], count * sizeof(*others));
            moved_count += gkv_ring_owners(&world.ring, slot).members[0] == newcomer;
        }
        assert_true(moved_count * (counts[i] + 1u) * 100 < GKV_SLOT_COUNT * 135u);
        assert_true(moved_count * (counts[i] + 1u) * 100 > GKV_SLOT_COUNT * 65u);
        (void)world_tell(&world, "newcomer", GKV_MEMBER_LEFT);
        for (uint32_t slot = 0; slot < GKV_SLOT_COUNT; slot++) {
            uint16_t after[OWNER_COUNT];
            const uint32_t count = owners_without(&world, slot, UINT16_MAX, after);
            assert_memory_equal(after, before[slot], count * sizeof(*after));
        }
    }
}

/* Goal: nobody owns much more than its share. Method: 20 members, first owners, several seeds. */
static void test_balance(void **state)
{
    (void)state;
    for (uint64_t hash_seed = 0; hash_seed < 8; hash_seed++) {
        struct world world;
        world_start_many(&world, 20, 3, hash_seed);
        uint32_t counts[20] = {0};
        uint32_t peak = 0;
        for (uint32_t slot = 0; slot < GKV_SLOT_COUNT; slot++) {
            const uint32_t count = ++counts[gkv_ring_owners(&world.ring, slot).members[0]];
            peak = count > peak ? count : peak;
        }
        print_message("seed %u: peak over mean 1.%03u\n", (unsigned)hash_seed,
                      peak * 20 * 1000 / GKV_SLOT_COUNT - 1000);
        assert_true(peak * 20 * 100 < GKV_SLOT_COUNT * 135u);
    }
}

/* Goal: with fewer members than N all of them own everything, and with none nobody does.
 * Method: one member, two, none, at N = 7; and the ring before its first build. */
static void test_few_members(void **state)
{
    (void)state;
    struct world world;
    world_start(&world, "a", GKV_REPLICA_COUNT_MAX, 0);
    assert_int_equal(gkv_ring_owners(&world.ring, 5).count, 0);
    assert_false(gkv_ring_owns(&world.ring, 5, 0));
    gkv_ring_refresh(&world.ring, &world.members);
    for (uint32_t slot = 0; slot < GKV_SLOT_COUNT; slot++) {
        assert_int_equal(gkv_ring_owners(&world.ring, slot).count, 1);
        assert_int_equal(gkv_ring_owners(&world.ring, slot).members[0], 0);
    }
    const uint16_t other = world_tell(&world, "b", GKV_MEMBER_ALIVE);
    for (uint32_t slot = 0; slot < GKV_SLOT_COUNT; slot++) {
        assert_int_equal(gkv_ring_owners(&world.ring, slot).count, 2);
        assert_true(gkv_ring_owns(&world.ring, slot, 0));
        assert_true(gkv_ring_owns(&world.ring, slot, other));
        assert_false(gkv_ring_owns(&world.ring, slot, other + 1));
    }
    (void)world_tell(&world, "b", GKV_MEMBER_LEFT);
    (void)world_tell(&world, "a", GKV_MEMBER_LEFT);
    assert_int_equal(gkv_ring_owners(&world.ring, 5).count, 0);
    assert_false(gkv_ring_owns(&world.ring, 5, 0));
}

/* Goal: nothing is rebuilt without need. Method: spoil the table; suspicion does not mend it, a
 * departure does. */
static void test_rebuild_only_on_change(void **state)
{
    (void)state;
    struct world world;
    world_start_many(&world, 3, 3, 4);
    uint16_t *slots = gkv_at(&world.ring, world.ring.slot_offset);
    slots[0] = 12345;
    (void)world_tell(&world, "n1", GKV_MEMBER_SUSPECT);
    (void)world_tell(&world, "n1", GKV_MEMBER_UNREACHABLE);
    assert_int_equal(slots[0], 12345);
    (void)world_tell(&world, "n1", GKV_MEMBER_LEFT);
    assert_true(slots[0] == 0 || slots[0] == 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_golden_table),
        cmocka_unit_test(test_against_naive),
        cmocka_unit_test(test_minimal_movement),
        cmocka_unit_test(test_balance),
        cmocka_unit_test(test_few_members),
        cmocka_unit_test(test_rebuild_only_on_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
