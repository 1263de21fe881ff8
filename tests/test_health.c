#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/health.h"
#include "tests/swim_world.h"

#define MS GKV_NS_PER_MS

/* Goal: the score stays within its bounds, and stretches times by one more than it is.
 * Method: up beyond the top, down below the bottom; then a top of 1, which is off. */
static void test_bounds(void **state)
{
    (void)state;
    world_start(0, 100, 0);
    const struct gkv_step step = world_step_of(&world_peers[0]);
    struct gkv_health health = {.score = 0};
    gkv_health_improve(&health, &step);
    assert_int_equal(health.score, 0);
    assert_int_equal(gkv_health_stretch_ns(&health, 50), 50 * MS);
    gkv_health_worsen(&health, &step, 3);
    assert_int_equal(gkv_health_stretch_ns(&health, 50), 200 * MS);
    gkv_health_worsen(&health, &step, 0);
    assert_int_equal(health.score, 3);
    gkv_health_worsen(&health, &step, 100);
    assert_int_equal(health.score, 7);
    gkv_health_improve(&health, &step);
    assert_int_equal(health.score, 6);

    world_peers[0].options.health_max = 1;
    health.score = 0;
    gkv_health_worsen(&health, &step, 2);
    assert_int_equal(health.score, 0);
}

/* Goal: a node that hears nobody, not even helpers, probes slower and slower; one whose helpers say
 * NACK does not; and answers make it well.
 * Method: five nodes. One dies: the others stay well. One is cut off: it alone is unwell, and its
 * pings become rare; mend, and it is well again. */
static void test_who_hears_nobody_is_unwell(void **state)
{
    (void)state;
    world_start_cluster(5);
    world_peers[4].is_down = true;
    world_run_until(world_now_ns + 1 * SECOND_NS);
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(world_peers[i].swim.probes.health.score, 0);
    }
    world_set_cut(1, 14, true);
    world_run_until(world_now_ns + 800 * MS);
    assert_true(world_peers[0].swim.probes.health.score >= 3);
    assert_int_equal(world_peers[1].swim.probes.health.score, 0);
    world_set_cut(1, 14, false);
    world_run_until(world_now_ns + 5 * SECOND_NS);
    assert_int_equal(world_peers[0].swim.probes.health.score, 0);
}

/* Goal: a node that has to refute is less well than it thought.
 * Method: accuse it. */
static void test_who_refutes_is_less_well(void **state)
{
    (void)state;
    world_start_cluster(2);
    const struct gkv_update lie = world_update_about(1, 100, 0, GKV_MEMBER_SUSPECT);
    world_gossip(0, 1, &lie);
    assert_int_equal(world_peers[1].swim.probes.health.score, 1);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_bounds),
        TEST(test_who_hears_nobody_is_unwell),
        TEST(test_who_refutes_is_less_well),
    };
    print_message("seeds: 1000 + peer number\n");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
