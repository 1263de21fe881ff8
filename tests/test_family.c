#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sim/family.h"
#include "sim/scenario.h"

#define SEED_COUNT 1000

static void draw(struct gkv_scenario *scenario, uint64_t seed, enum gkv_profile profile,
                 uint64_t off_mask)
{
    struct gkv_choice choice;
    gkv_choice_init(&choice, seed);
    gkv_scenario_draw(scenario, &choice, seed, profile, off_mask);
}

/* Goal: every family and every profile is found by its own name, and by no other.
 * Method: look up each name, and two that nothing has. */
static void test_names_find_what_they_name(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < GKV_FAMILY_COUNT; i++) {
        assert_int_equal(gkv_family_find(gkv_family_name((enum gkv_family)i)), i);
    }
    for (uint32_t i = 0; i < GKV_PROFILE_COUNT; i++) {
        assert_int_equal(gkv_profile_find(gkv_profile_name((enum gkv_profile)i)), i);
        assert_true(strlen(gkv_profile_text((enum gkv_profile)i)) > 0);
    }
    assert_int_equal(gkv_family_find("cut"), GKV_FAMILY_COUNT);
    assert_int_equal(gkv_profile_find(""), GKV_PROFILE_COUNT);
}

/* Goal: every family is on in some seeds and off in others, so that a bug can be told from it.
 * Method: draw 1,000 seeds, and gather which are on. */
static void test_every_family_is_drawn(void **state)
{
    uint64_t ever_on = 0;
    uint64_t ever_off = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= SEED_COUNT; seed++) {
        struct gkv_scenario scenario;
        draw(&scenario, seed, GKV_PROFILE_SWARM, 0);
        const uint64_t mask = gkv_family_mask_of(&scenario);
        ever_on |= mask;
        ever_off |= ~mask;
    }
    const uint64_t always = gkv_family_bit(GKV_FAMILY_LATENCY);
    for (uint32_t i = 0; i < GKV_FAMILY_COUNT; i++) {
        const uint64_t bit = gkv_family_bit((enum gkv_family)i);
        if ((ever_on & bit) == 0 || ((ever_off & bit) == 0 && bit != always)) {
            fail_msg("%s is never switched", gkv_family_name((enum gkv_family)i));
        }
    }
}

/* Goal: a family that is not among those that are on has no part in the run: its parameter is zero,
 * so that switching it off is the same run. Method: draw seeds, switch off what is off, compare. */
static void test_what_is_off_is_zero(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEED_COUNT; seed++) {
        static struct gkv_scenario drawn;
        static struct gkv_scenario less;
        draw(&drawn, seed, GKV_PROFILE_SWARM, 0);
        memcpy(&less, &drawn, sizeof(less));
        gkv_family_switch_off(&less, ~gkv_family_mask_of(&drawn));
        if (memcmp(&less, &drawn, sizeof(less)) != 0) {
            fail_msg("seed %u is another without what is off in it", (unsigned)seed);
        }
    }
}

/* Goal: switching families off takes them away and leaves the rest of the seed as it was.
 * Method: draw seeds with and without each family; compare the other families and the shape. */
static void test_off_moves_nothing_else(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEED_COUNT; seed++) {
        struct gkv_scenario whole;
        struct gkv_scenario less;
        const uint64_t off_mask = gkv_family_bit((enum gkv_family)(seed % GKV_FAMILY_COUNT));
        draw(&whole, seed, GKV_PROFILE_SWARM, 0);
        draw(&less, seed, GKV_PROFILE_SWARM, off_mask);
        const uint64_t mask = gkv_family_mask_of(&less);
        assert_int_equal(mask & off_mask, 0);
        assert_int_equal(mask & ~gkv_family_mask_of(&whole), 0);
        assert_int_equal(less.node_count, whole.node_count);
        assert_int_equal(less.operation_count, whole.operation_count);
        assert_int_equal(less.world.node.hash_seed, whole.world.node.hash_seed);
        draw(&less, seed, GKV_PROFILE_SWARM, UINT64_MAX);
        assert_int_equal(gkv_family_mask_of(&less), 0);
    }
}

/* Goal: every profile is what its text and docs/simulator.md say.
 * Method: draw 1,000 seeds of each and look at their bounds. */
static void test_profiles_keep_their_word(void **state)
{
    (void)state;
    uint32_t vast_count = 0;
    uint32_t writing_count = 0;
    for (uint64_t seed = 1; seed <= SEED_COUNT; seed++) {
        struct gkv_scenario scenario;
        draw(&scenario, seed, GKV_PROFILE_LITE, 0);
        assert_int_equal(scenario.node_count, 3);
        assert_true(scenario.operation_count <= 150);
        assert_true(scenario.work_ns <= 1000 * GKV_NS_PER_MS);
        draw(&scenario, seed, GKV_PROFILE_HOSTILE, 0);
        assert_true(scenario.is_safety_only && scenario.cuts_overlap);
        assert_int_equal(scenario.down_count_max, GKV_SCENARIO_NODE_COUNT_MAX);
        draw(&scenario, seed, GKV_PROFILE_LIVE, 0);
        assert_true(scenario.work_ns <= 2000 * GKV_NS_PER_MS);
        draw(&scenario, seed, GKV_PROFILE_WIDE, 0);
        assert_in_range(scenario.node_count, 64, 256);
        vast_count += scenario.node_count > 128;
        writing_count += scenario.set_percent > 0;
        assert_true(scenario.set_percent == 0 || scenario.node_count <= 96);
        assert_true(scenario.key_count <= 8);
        assert_true(scenario.late_count <= scenario.node_count / 4);
        assert_true(scenario.operation_count <= 60);
        assert_true(scenario.world.node.probe_interval_ms >= 100);
        assert_true(scenario.member_ns < scenario.liveness_ns || scenario.repairs_by_read);
        draw(&scenario, seed, GKV_PROFILE_SOAK, 0);
        assert_int_equal(scenario.work_ns, 8 * 3600000 * GKV_NS_PER_MS);
        assert_true(scenario.node_count >= 7);
        assert_int_equal(scenario.world.node.tombstone_keep_ms, 7 * 24 * 3600000);
        draw(&scenario, seed, GKV_PROFILE_MEASURE, 0);
        assert_int_equal(gkv_family_mask_of(&scenario), gkv_family_bit(GKV_FAMILY_LATENCY));
        assert_int_equal(scenario.node_count, 5);
        assert_int_equal(scenario.operation_count, 2000);
        assert_int_equal(scenario.work_ns, 120000 * GKV_NS_PER_MS);
        draw(&scenario, seed, GKV_PROFILE_LIGHT, 0);
        assert_int_equal(gkv_family_mask_of(&scenario), gkv_family_bit(GKV_FAMILY_LATENCY));
        assert_int_equal(scenario.node_count, 5);
        assert_int_equal(scenario.operation_count, 20);
    }
    assert_in_range(vast_count, SEED_COUNT / 20, SEED_COUNT / 5);
    assert_in_range(writing_count, SEED_COUNT / 10, SEED_COUNT / 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_find_what_they_name),
        cmocka_unit_test(test_every_family_is_drawn),
        cmocka_unit_test(test_what_is_off_is_zero),
        cmocka_unit_test(test_off_moves_nothing_else),
        cmocka_unit_test(test_profiles_keep_their_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
