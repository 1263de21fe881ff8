#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/round.h"

#define CAPACITY 33

static _Alignas(GKV_ARENA_ALIGN) uint8_t memory[65536];

static struct gkv_members members;
static struct gkv_round turns;
static struct gkv_prng prng;

static void tell(uint16_t number, uint64_t boot_id, enum gkv_member_state state)
{
    struct gkv_update update = {
        .who = {.boot_id = boot_id}, .state = state, .address = {.count = 1}};
    update.who.id.bytes[0] = (uint8_t)(number + 1);
    (void)gkv_member_apply(&members, &update, 0);
}

/* A table of `count` live members, ourselves included. */
static void fresh(uint16_t count, uint64_t seed)
{
    memset(memory, 0, sizeof(memory));
    struct gkv_arena arena = gkv_arena_over(memory, sizeof(memory));
    struct gkv_update self = {
        .who = {.boot_id = 1}, .state = GKV_MEMBER_ALIVE, .address = {.count = 1}};
    self.who.id.bytes[0] = 1;
    gkv_members_init(&members, &arena, CAPACITY, &self);
    gkv_round_init(&turns, &arena, CAPACITY);
    gkv_prng_init(&prng, seed, 0);
    for (uint16_t i = 1; i < count; i++) {
        tell(i, 1, GKV_MEMBER_ALIVE);
    }
}

/* Goal: each round probes every reachable member once, and rounds differ in order.
 * Method: 100 rounds of 32 members. */
static void test_a_round_probes_each_once(void **state)
{
    (void)state;
    fresh(CAPACITY, 5);
    uint16_t last[CAPACITY] = {0};
    uint32_t same_order_count = 0;
    for (int round = 0; round < 100; round++) {
        bool was_probed[CAPACITY] = {false};
        uint16_t order[CAPACITY] = {0};
        for (uint16_t i = 0; i < CAPACITY - 1; i++) {
            order[i] = gkv_round_next(&turns, &members, &prng);
            assert_in_range(order[i], 1, CAPACITY - 1);
            assert_false(was_probed[order[i]]);
            was_probed[order[i]] = true;
        }
        same_order_count += memcmp(order, last, sizeof(order)) == 0;
        memcpy(last, order, sizeof(order));
    }
    assert_int_equal(same_order_count, 0);
}

/* Goal: nobody is probed who is not reachable, and nobody at all when we are alone.
 * Method: make all but one of five UNREACHABLE or LEFT in the middle of a round; then that one. */
static void test_skips_the_unreachable(void **state)
{
    (void)state;
    fresh(5, 6);
    (void)gkv_round_next(&turns, &members, &prng);
    tell(1, 1, GKV_MEMBER_UNREACHABLE);
    tell(2, 1, GKV_MEMBER_LEFT);
    tell(3, 1, GKV_MEMBER_UNREACHABLE);
    tell(4, 1, GKV_MEMBER_SUSPECT);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(gkv_round_next(&turns, &members, &prng), 4);
    }
    tell(4, 1, GKV_MEMBER_UNREACHABLE);
    assert_int_equal(gkv_round_next(&turns, &members, &prng), GKV_MEMBER_INDEX_NONE);

    fresh(1, 6);
    assert_int_equal(gkv_round_next(&turns, &members, &prng), GKV_MEMBER_INDEX_NONE);
}

/* Goal: a newcomer is probed in the round that is under way, once, wherever it was put.
 * Method: 300 seeds; add a member twice after some of the round. */
static void test_a_newcomer_is_probed_this_round(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 300; seed++) {
        fresh(20, seed);
        const uint32_t before = (uint32_t)gkv_prng_below(&prng, 20);
        for (uint32_t i = 0; i < before; i++) {
            (void)gkv_round_next(&turns, &members, &prng);
        }
        const uint32_t left_count = before == 0 ? 0 : 19 - before;
        tell(20, 1, GKV_MEMBER_ALIVE);
        gkv_round_add(&turns, &prng, 20);
        gkv_round_add(&turns, &prng, 20);
        uint32_t newcomer_count = 0;
        for (uint32_t i = 0; i < left_count + 1; i++) {
            newcomer_count += gkv_round_next(&turns, &members, &prng) == 20;
        }
        assert_int_equal(newcomer_count, 1);
    }
}

/* Goal: members that come and go never overfill the order, and the wait for a probe is bounded.
 * Method: 20,000 random steps; a member that stays reachable waits less than 2n periods, and each
 * newcomer that is put in meanwhile takes one turn more at most. */
static void test_random_comings_and_goings(void **state)
{
    (void)state;
    fresh(CAPACITY, 8);
    uint32_t waited[CAPACITY] = {0};
    uint64_t boot_id[CAPACITY];
    for (uint16_t i = 0; i < CAPACITY; i++) {
        boot_id[i] = 1;
    }
    for (int i = 0; i < 20000; i++) {
        const uint16_t index = (uint16_t)(1 + gkv_prng_below(&prng, CAPACITY - 1));
        const uint64_t what = gkv_prng_below(&prng, 20);
        if (what == 0) {
            tell(index, boot_id[index], GKV_MEMBER_UNREACHABLE);
            waited[index] = 0;
        } else if (what == 1) {
            boot_id[index]++;
            tell(index, boot_id[index], GKV_MEMBER_ALIVE);
            gkv_round_add(&turns, &prng, index);
        } else {
            const uint16_t next = gkv_round_next(&turns, &members, &prng);
            for (uint16_t j = 1; j < CAPACITY; j++) {
                waited[j] += gkv_member_is_reachable(gkv_member_at(&members, j));
                assert_true(waited[j] <= 3 * CAPACITY);
            }
            if (next != GKV_MEMBER_INDEX_NONE) {
                waited[next] = 0;
            }
        }
        assert_true(turns.order_count < CAPACITY);
    }
}

/* Goal: a pick is of distinct reachable others, neither us nor the excepted, each equally likely.
 * Method: 40,000 picks of 3 out of 10; each is expected 12,000 times, within 5 standard deviations
 * (91). */
static void test_picks_are_fair(void **state)
{
    (void)state;
    fresh(13, 12);
    tell(4, 1, GKV_MEMBER_UNREACHABLE);
    uint32_t times[CAPACITY] = {0};
    for (int i = 0; i < 40000; i++) {
        uint16_t picked[3];
        assert_int_equal(gkv_round_pick(&members, &prng, 6, picked, 3), 3);
        assert_true(picked[0] != picked[1] && picked[0] != picked[2] && picked[1] != picked[2]);
        for (int j = 0; j < 3; j++) {
            times[picked[j]]++;
        }
    }
    assert_int_equal(times[0] + times[4] + times[6], 0);
    for (uint16_t i = 1; i < 13; i++) {
        if (i != 4 && i != 6) {
            assert_in_range(times[i], 12000 - 455, 12000 + 455);
        }
    }
    uint16_t all[20];
    assert_int_equal(gkv_round_pick(&members, &prng, GKV_MEMBER_INDEX_NONE, all, 20), 11);
}

int main(void)
{
    print_message("seeds: 0 .. 299, as each test's call of fresh() says\n");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_round_probes_each_once),
        cmocka_unit_test(test_skips_the_unreachable),
        cmocka_unit_test(test_a_newcomer_is_probed_this_round),
        cmocka_unit_test(test_random_comings_and_goings),
        cmocka_unit_test(test_picks_are_fair),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
