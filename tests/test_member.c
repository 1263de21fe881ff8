#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/member.h"
#include "core/prng.h"

#define CAPACITY_MAX 200
#define STRANGER_COUNT 300 /* ids that the random programs draw from */
#define SEED_COUNT 6
#define OPERATION_COUNT 30000
#define SHUFFLE_COUNT 200

static alignas(GKV_ARENA_ALIGN) uint8_t memory[2][256 * 1024];

/* All that an update says but for its order follows from who, which life and which incarnation, as
 * it does when every node tells the truth. */
static struct gkv_update update_of(uint32_t id, uint64_t boot_id, uint32_t incarnation,
                                   enum gkv_member_state state)
{
    struct gkv_update update = {
        .who = {.boot_id = boot_id}, .incarnation = incarnation, .state = state};
    memcpy(update.who.id.bytes, &id, sizeof(id));
    update.address.count = 6;
    memcpy(update.address.bytes, &id, sizeof(id));
    update.address.bytes[4] = (uint8_t)boot_id;
    update.name.count = 1;
    update.name.bytes[0] = (char)('a' + id % 26);
    if (state == GKV_MEMBER_SUSPECT || state == GKV_MEMBER_UNREACHABLE) {
        update.accuser.bytes[0] = (uint8_t)incarnation;
    }
    return update;
}

static struct gkv_node_id id_of(uint32_t id)
{
    return update_of(id, 0, 0, GKV_MEMBER_ALIVE).who.id;
}

static void table_start(struct gkv_members *members, uint16_t capacity, int which)
{
    const struct gkv_update self = update_of(0, 1, 0, GKV_MEMBER_ALIVE);
    struct gkv_arena counting = gkv_arena_counting();
    gkv_members_init(members, &counting, capacity, &self);
    struct gkv_arena arena = gkv_arena_over(memory[which], sizeof(memory[which]));
    gkv_members_init(members, &arena, capacity, &self);
    assert_int_equal(arena.used, counting.used);
}

static bool update_equal(const struct gkv_update *a, const struct gkv_update *b)
{
    return gkv_node_id_equal(a->who.id, b->who.id) && a->who.boot_id == b->who.boot_id &&
           a->incarnation == b->incarnation && a->state == b->state &&
           gkv_address_equal(&a->address, &b->address) &&
           memcmp(&a->name, &b->name, sizeof(a->name)) == 0 &&
           gkv_node_id_equal(a->accuser, b->accuser);
}

/* ---- The model: one record per id, no index, no places. ------------------------------------- */

struct model_member {
    bool is_known;
    uint16_t index; /* where the table put it: it must stay there */
    uint32_t generation;
    uint64_t since_ns;
    struct gkv_update said;
};

struct model {
    struct model_member members[STRANGER_COUNT];
    uint16_t capacity;
    uint16_t count;
    uint64_t refused_count;
    bool is_rank_ignored; /* sabotage: any state at the same incarnation is news */
};

static bool model_is_in_ring(const struct model_member *member)
{
    return member->is_known && member->said.state != GKV_MEMBER_LEFT;
}

static bool model_is_news(const struct model *model, const struct gkv_update *held,
                          const struct gkv_update *update)
{
    if (update->who.boot_id != held->who.boot_id) {
        return update->who.boot_id > held->who.boot_id;
    }
    if (update->incarnation != held->incarnation) {
        return update->incarnation > held->incarnation;
    }
    static const enum gkv_member_state rising[] = {GKV_MEMBER_ALIVE, GKV_MEMBER_SUSPECT,
                                                   GKV_MEMBER_UNREACHABLE, GKV_MEMBER_EVICTED,
                                                   GKV_MEMBER_LEFT};
    bool held_comes_first = false;
    for (size_t i = 0; i < sizeof(rising) / sizeof(rising[0]); i++) {
        if (held_comes_first && rising[i] == update->state) {
            return true;
        }
        held_comes_first = held_comes_first || rising[i] == held->state;
    }
    return model->is_rank_ignored;
}

/* The id that LEFT longest ago, or 0. Times are all different, so that there is one. */
static uint32_t model_oldest_left(const struct model *model)
{
    uint32_t oldest = 0;
    for (uint32_t id = 1; id < STRANGER_COUNT; id++) {
        const struct model_member *member = &model->members[id];
        if (member->is_known && member->said.state == GKV_MEMBER_LEFT &&
            (oldest == 0 || member->since_ns < model->members[oldest].since_ns)) {
            oldest = id;
        }
    }
    return oldest;
}

/* True when the update is to be taken in. */
static bool model_apply(struct model *model, uint32_t id, const struct gkv_update *update,
                        uint64_t now_ns)
{
    struct model_member *member = &model->members[id];
    if (member->is_known) {
        if (!model_is_news(model, &member->said, update)) {
            return false;
        }
        if (update->who.boot_id != member->said.who.boot_id ||
            update->state != member->said.state || update->state == GKV_MEMBER_SUSPECT) {
            member->since_ns = now_ns;
        }
        member->said = *update;
        return true;
    }
    if (update->state == GKV_MEMBER_LEFT) {
        return false;
    }
    if (model->count == model->capacity) {
        const uint32_t oldest = model_oldest_left(model);
        if (oldest == 0) {
            model->refused_count++;
            return false;
        }
        model->members[oldest].is_known = false;
        model->count--;
    }
    *member = (struct model_member){
        .is_known = true, .index = GKV_MEMBER_INDEX_NONE, .since_ns = now_ns, .said = *update};
    model->count++;
    return true;
}

static bool model_agrees(struct model *model, const struct gkv_members *members)
{
    uint16_t reachable_count = 0;
    uint16_t ring_count = 0;
    for (uint32_t id = 0; id < STRANGER_COUNT; id++) {
        const struct model_member *expected = &model->members[id];
        const uint16_t index = gkv_member_find(members, id_of(id));
        if ((index != GKV_MEMBER_INDEX_NONE) != expected->is_known) {
            return false;
        }
        if (!expected->is_known) {
            continue;
        }
        const struct gkv_member *member = gkv_member_at(members, index);
        if (index != expected->index || member->generation != expected->generation ||
            member->since_ns != expected->since_ns ||
            !update_equal(&member->said, &expected->said) ||
            gkv_member_is_in_ring(member) != model_is_in_ring(expected)) {
            return false;
        }
        reachable_count += gkv_member_is_reachable(member);
        ring_count += model_is_in_ring(expected);
        const bool is_findable = expected->said.state != GKV_MEMBER_LEFT;
        if (gkv_member_find_address(members, &member->said.address) !=
            (is_findable ? index : GKV_MEMBER_INDEX_NONE)) {
            return false;
        }
    }
    return members->count == model->count && members->refused_count == model->refused_count &&
           members->reachable_count == reachable_count && members->ring_count == ring_count;
}

/* One random step of both; false when they differ at once. */
static bool step(struct gkv_members *members, struct model *model, struct gkv_prng *prng,
                 uint64_t now_ns)
{
    const uint32_t id = (uint32_t)gkv_prng_below(prng, STRANGER_COUNT);
    struct model_member *member = &model->members[id];
    const bool was_in_ring = model_is_in_ring(member);
    const uint64_t epoch_before = members->ring_epoch;
    if (member->is_known && id != 0 && gkv_prng_below(prng, 12) == 0) {
        gkv_member_forget(members, member->index);
        member->is_known = false;
        model->count--;
        return (members->ring_epoch != epoch_before) == was_in_ring;
    }
    const struct gkv_update update =
        update_of(id, 1 + gkv_prng_below(prng, 3), (uint32_t)gkv_prng_below(prng, 4),
                  (enum gkv_member_state)(GKV_MEMBER_ALIVE + gkv_prng_below(prng, 5)));
    const bool is_taken = model_apply(model, id, &update, now_ns);
    const uint16_t index = gkv_member_apply(members, &update, now_ns);
    if ((index != GKV_MEMBER_INDEX_NONE) != is_taken) {
        return false;
    }
    if (is_taken && member->index == GKV_MEMBER_INDEX_NONE) {
        member->index = index;
        member->generation = gkv_member_at(members, index)->generation;
    }
    /* A member that made room for another had LEFT, so that only this id can change the ring. */
    return (members->ring_epoch != epoch_before) == (was_in_ring != model_is_in_ring(member));
}

static bool program_run(uint64_t seed, uint16_t capacity, bool is_rank_ignored,
                        uint64_t *refused_count_out)
{
    static struct model model;
    memset(&model, 0, sizeof(model));
    struct gkv_members members;
    table_start(&members, capacity, 0);
    model.capacity = capacity;
    model.count = 1;
    model.is_rank_ignored = is_rank_ignored;
    model.members[0] =
        (struct model_member){.is_known = true,
                              .generation = gkv_member_at(&members, GKV_MEMBER_SELF)->generation,
                              .said = update_of(0, 1, 0, GKV_MEMBER_ALIVE)};
    struct gkv_prng prng;
    gkv_prng_init(&prng, seed, 0);
    for (uint32_t i = 0; i < OPERATION_COUNT; i++) {
        if (!step(&members, &model, &prng, i + 1)) {
            return false;
        }
        /* We stay: a table whose self has LEFT is tested by the node. */
        if (model.members[0].said.state == GKV_MEMBER_LEFT) {
            const struct gkv_update back = update_of(0, 100 + i, 0, GKV_MEMBER_ALIVE);
            (void)model_apply(&model, 0, &back, i + 1);
            assert_int_equal(gkv_member_apply(&members, &back, i + 1), GKV_MEMBER_SELF);
        }
        if (i % 16 == 0 && !model_agrees(&model, &members)) {
            return false;
        }
    }
    *refused_count_out = model.refused_count;
    return true;
}

/* Goal: the table holds what a plain record per id would, at every fill.
 * Method: random updates, boots and departures of 300 ids over tables of 1 to 200 places. */
static void test_random_programs(void **state)
{
    (void)state;
    const uint16_t capacities[SEED_COUNT] = {1, 2, 3, 16, 100, CAPACITY_MAX};
    for (uint64_t seed = 0; seed < SEED_COUNT; seed++) {
        uint64_t refused_count = 0;
        print_message("seed %u, capacity %u\n", (unsigned)seed, (unsigned)capacities[seed]);
        assert_true(program_run(seed, capacities[seed], false, &refused_count));
        assert_true(refused_count > 0 || capacities[seed] == CAPACITY_MAX);
    }
}

/* Goal: the test above would notice. Method: a model that does not rank states. */
static void test_random_programs_notice(void **state)
{
    (void)state;
    uint64_t refused_count = 0;
    assert_false(program_run(1, CAPACITY_MAX, true, &refused_count));
}

/* Goal: two nodes that heard the same, in whatever order and however often, hold the same.
 * Method: everybody is known (a LEFT about a stranger is ignored, so it matters who came first);
 * then 400 updates in two random orders, with some told twice. */
static void test_order_does_not_matter(void **state)
{
    (void)state;
    struct gkv_prng prng;
    gkv_prng_init(&prng, 5, 0);
    for (uint32_t round = 0; round < SHUFFLE_COUNT; round++) {
        static struct gkv_update updates[400];
        for (uint32_t i = 0; i < 400; i++) {
            updates[i] =
                update_of((uint32_t)gkv_prng_below(&prng, 40), 1 + gkv_prng_below(&prng, 3),
                          (uint32_t)gkv_prng_below(&prng, 3),
                          (enum gkv_member_state)(GKV_MEMBER_ALIVE + gkv_prng_below(&prng, 4)));
        }
        struct gkv_members tables[2];
        for (int which = 0; which < 2; which++) {
            table_start(&tables[which], 40, which);
            for (uint32_t id = 1; id < 40; id++) {
                const struct gkv_update first = update_of(id, 0, 0, GKV_MEMBER_ALIVE);
                assert_int_equal(gkv_member_apply(&tables[which], &first, 0), id);
            }
            for (uint32_t i = 400; i > 0; i--) {
                const uint32_t other = (uint32_t)gkv_prng_below(&prng, i);
                const struct gkv_update chosen = updates[other];
                updates[other] = updates[i - 1];
                updates[i - 1] = chosen;
                (void)gkv_member_apply(&tables[which], &chosen, i);
                (void)gkv_member_apply(&tables[which], &updates[399], i);
            }
        }
        for (uint16_t i = 0; i < 40; i++) {
            assert_true(update_equal(&gkv_member_at(&tables[0], i)->said,
                                     &gkv_member_at(&tables[1], i)->said));
        }
    }
}

/* ---- Stories. ------------------------------------------------------------------------------- */

static uint16_t tell(struct gkv_members *members, uint32_t id, uint64_t boot_id,
                     enum gkv_member_state state, uint64_t now_ns)
{
    const struct gkv_update update = update_of(id, boot_id, 7, state);
    return gkv_member_apply(members, &update, now_ns);
}

/* Goal: SWIM 4.2's order with the boot in front. Method: every pair of boot, incarnation, state. */
static void test_order_of_statements(void **state)
{
    (void)state;
    for (uint32_t a = 0; a < 36; a++) {
        for (uint32_t b = 0; b < 36; b++) {
            const struct gkv_member held = {
                .said = update_of(1, a / 12, a / 4 % 3, (enum gkv_member_state)(1 + a % 4))};
            const struct gkv_update update =
                update_of(1, b / 12, b / 4 % 3, (enum gkv_member_state)(1 + b % 4));
            assert_int_equal(gkv_member_update_is_news(&held, &update), b > a);
            assert_true(gkv_member_update_is_news(NULL, &update));
        }
    }
    const struct gkv_member unused = {0};
    const struct gkv_update update = update_of(1, 0, 0, GKV_MEMBER_ALIVE);
    assert_true(gkv_member_update_is_news(&unused, &update));
}

/* Goal: a full table makes room by its oldest LEFT, else refuses. Method: four places. */
static void test_full(void **state)
{
    (void)state;
    struct gkv_members members;
    table_start(&members, 4, 0);
    for (uint32_t id = 1; id < 4; id++) {
        assert_int_equal(tell(&members, id, 1, GKV_MEMBER_ALIVE, 10), id);
    }
    assert_int_equal(tell(&members, 9, 1, GKV_MEMBER_ALIVE, 11), GKV_MEMBER_INDEX_NONE);
    assert_int_equal(members.refused_count, 1);
    assert_int_equal(tell(&members, 9, 1, GKV_MEMBER_LEFT, 11), GKV_MEMBER_INDEX_NONE);
    assert_int_equal(members.refused_count, 1);

    assert_int_equal(tell(&members, 2, 1, GKV_MEMBER_LEFT, 12), 2);
    assert_int_equal(tell(&members, 1, 1, GKV_MEMBER_LEFT, 13), 1);
    const uint32_t generation = gkv_member_at(&members, 2)->generation;
    assert_int_equal(tell(&members, 9, 1, GKV_MEMBER_ALIVE, 14), 2);
    assert_true(gkv_member_at(&members, 2)->generation != generation);
    assert_int_equal(gkv_member_find(&members, id_of(2)), GKV_MEMBER_INDEX_NONE);
    assert_int_equal(gkv_member_find(&members, id_of(9)), 2);
    assert_int_equal(members.count, 4);

    /* Ourselves, though we LEFT first of all, stay. */
    assert_int_equal(tell(&members, 0, 1, GKV_MEMBER_LEFT, 1), GKV_MEMBER_SELF);
    assert_int_equal(tell(&members, 8, 1, GKV_MEMBER_SUSPECT, 15), 1);
    assert_int_equal(tell(&members, 7, 1, GKV_MEMBER_ALIVE, 16), GKV_MEMBER_INDEX_NONE);
    assert_int_equal(members.refused_count, 2);
}

/* Goal: a restarted node starts afresh in its old place. Method: a boot after LEFT. */
static void test_new_boot(void **state)
{
    (void)state;
    struct gkv_members members;
    table_start(&members, 4, 0);
    assert_int_equal(tell(&members, 1, 5, GKV_MEMBER_ALIVE, 10), 1);
    struct gkv_member *member = gkv_member_at(&members, 1);
    const uint32_t generation = member->generation;
    const uint64_t epoch = members.ring_epoch;
    assert_int_equal(tell(&members, 1, 5, GKV_MEMBER_LEFT, 20), 1);
    assert_true(members.ring_epoch > epoch);

    const struct gkv_update reborn = update_of(1, 6, 0, GKV_MEMBER_ALIVE);
    assert_int_equal(gkv_member_apply(&members, &reborn, 30), 1);
    assert_int_equal(member->since_ns, 30);
    assert_int_equal(member->said.incarnation, 0);
    assert_int_equal(member->generation, generation);
    assert_int_equal(members.ring_epoch, epoch + 2);
    assert_int_equal(tell(&members, 1, 5, GKV_MEMBER_LEFT, 40), GKV_MEMBER_INDEX_NONE);

    /* A newer incarnation in the same state is news, but not a change of state. */
    const struct gkv_update refuted = update_of(1, 6, 1, GKV_MEMBER_ALIVE);
    assert_int_equal(gkv_member_apply(&members, &refuted, 50), 1);
    assert_int_equal(member->since_ns, 30);
    assert_int_equal(members.ring_epoch, epoch + 2);
}

/* Goal: of two members at one address, the reachable one is found: the other was there before.
 * Method: the first becomes unreachable, a second comes, then leaves. */
static void test_one_address_after_another(void **state)
{
    (void)state;
    struct gkv_members members;
    table_start(&members, 4, 0);
    assert_int_equal(tell(&members, 1, 5, GKV_MEMBER_ALIVE, 10), 1);
    const struct gkv_address address = gkv_member_at(&members, 1)->said.address;
    assert_int_equal(gkv_member_find_address(&members, &address), 1);
    assert_int_equal(tell(&members, 1, 5, GKV_MEMBER_UNREACHABLE, 20), 1);
    assert_int_equal(gkv_member_find_address(&members, &address), 1);
    struct gkv_update heir = update_of(2, 5, 0, GKV_MEMBER_ALIVE);
    heir.address = address;
    assert_int_equal(gkv_member_apply(&members, &heir, 30), 2);
    assert_int_equal(gkv_member_find_address(&members, &address), 2);
    heir.state = GKV_MEMBER_LEFT;
    assert_int_equal(gkv_member_apply(&members, &heir, 40), 2);
    assert_int_equal(gkv_member_find_address(&members, &address), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_programs),
        cmocka_unit_test(test_random_programs_notice),
        cmocka_unit_test(test_order_does_not_matter),
        cmocka_unit_test(test_order_of_statements),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_new_boot),
        cmocka_unit_test(test_one_address_after_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
