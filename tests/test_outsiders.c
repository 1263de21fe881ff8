#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sim/check.h"
#include "sim/outsiders.h"
#include "sim/script.h"
#include "tests/trio.h"

static struct trio trio;

/* Goal: scenarios have no more outsiders than leave every key its owners for W and R, and some have
 * some. Method: draw a thousand. */
static void test_core_has_quorums(void **state)
{
    static struct gkv_choice choice;
    uint32_t with_count = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 1000; seed++) {
        struct gkv_scenario scenario;
        gkv_choice_init(&choice, seed);
        gkv_scenario_draw(&scenario, &choice, seed, GKV_PROFILE_SWARM, 0);
        if (scenario.outsider_count == 0) {
            continue;
        }
        const struct gkv_options *options = &scenario.world.node;
        const uint32_t owner_count = options->replica_count < scenario.node_count
                                         ? options->replica_count
                                         : scenario.node_count;
        with_count++;
        assert_true(scenario.outsider_count + options->write_quorum <= owner_count);
        assert_true(scenario.outsider_count + options->read_quorum <= owner_count);
        assert_false(scenario.has_leave || scenario.keeps_one_down || scenario.late_count > 0);
    }
    assert_in_range(with_count, 20, 400);
}

static bool expects_answers(uint32_t node_count, uint32_t outsider_count)
{
    struct gkv_script *script = gkv_script_create();
    assert_non_null(script);
    script->scenario.node_count = node_count;
    script->scenario.outsider_count = outsider_count;
    assert_null(gkv_script_settle(script));
    const bool is_expected = script->scenario.expects_answers;
    gkv_script_destroy(script);
    return is_expected;
}

/* Goal: a script may have more outsiders than that, and no answer is asked for then. Method: three
 * copies of which two must answer, or fewer where there are fewer nodes. */
static void test_too_many_outsiders_need_not_answer(void **state)
{
    (void)state;
    assert_false(expects_answers(1, 0));
    assert_true(expects_answers(2, 0));
    assert_false(expects_answers(2, 1));
    assert_true(expects_answers(3, 1));
    assert_false(expects_answers(3, 2));
    assert_true(expects_answers(9, 1));
    assert_false(expects_answers(9, 2));
}

/* Goal: an outsider is down, or cut off from all others one way or both ways, and nobody else is.
 * Method: choose one of three under a hundred seeds, and see each way. */
static void test_outsiders_are_cut_off(void **state)
{
    uint32_t met_mask = 0; /* 1: both ways, 2: hears only, 4: says only, 8: down */
    (void)state;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        trio_begin(&trio, 3);
        gkv_choice_init(&trio.trial.choice, seed);
        trio.trial.phase = GKV_PHASE_HEAL;
        trio.trial.scenario.outsider_count = 1;
        gkv_outsiders_choose(&trio.trial);
        uint32_t node = 0;
        while (!gkv_nodes_has(&trio.trial.outsiders, node)) {
            node++;
        }
        assert_int_equal(trio.trial.outsiders.words[0], 1u << node);
        const uint32_t next = (node + 1) % TRIO_NODE_COUNT;
        const uint32_t last = (node + 2) % TRIO_NODE_COUNT;
        const bool is_mute = gkv_world_link(&trio.trial.world, node, next)->is_cut;
        const bool is_deaf = gkv_world_link(&trio.trial.world, next, node)->is_cut;
        assert_int_equal(gkv_world_link(&trio.trial.world, node, last)->is_cut, is_mute);
        assert_int_equal(gkv_world_link(&trio.trial.world, last, node)->is_cut, is_deaf);
        assert_false(gkv_world_link(&trio.trial.world, next, last)->is_cut);
        assert_false(gkv_world_link(&trio.trial.world, last, next)->is_cut);
        const bool is_up = trio.trial.world.hosts[node].is_up;
        assert_true(is_up == (is_mute || is_deaf));
        met_mask |= is_up ? 1u << ((is_mute ? 0u : 2u) + (is_deaf ? 0u : 1u)) : 8u;
        trio_end(&trio);
    }
    assert_int_equal(met_mask, 1 | 2 | 4 | 8);
}

/* Goal: the core settles without its outsider, and what the outsider thinks does not matter; but
 * who in the core still believes in it is rejected. Method: cut c off, by hand and by time. */
static void test_core_settles_alone(void **state)
{
    (void)state;
    trio_begin(&trio, 3);
    trio.trial.phase = GKV_PHASE_HEAL;
    trio.trial.outsiders = gkv_nodes_of_bits(4);
    for (uint32_t i = 0; i < 2; i++) {
        gkv_world_link(&trio.trial.world, i, 2)->is_cut = true;
        gkv_world_link(&trio.trial.world, 2, i)->is_cut = true;
    }
    assert_false(trio_is_settled(&trio, &gkv_check_member));
    trio_run_ms(&trio, 5000);
    assert_true(trio_is_settled(&trio, &gkv_check_member));
    assert_int_equal(trio.trial.ring.words[0], 7);
    assert_int_equal(trio_said(&trio, 2, 0)->state, GKV_MEMBER_UNREACHABLE);
    trio_said(&trio, 1, 2)->state = GKV_MEMBER_ALIVE;
    assert_false(trio_is_settled(&trio, &gkv_check_member));
    trio_said(&trio, 1, 2)->state = GKV_MEMBER_UNREACHABLE;
    trio.trial.outsiders = gkv_nodes_of_bits(0);
    assert_false(trio_is_settled(&trio, &gkv_check_member));
    trio_end(&trio);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_core_has_quorums),
        cmocka_unit_test(test_too_many_outsiders_need_not_answer),
        cmocka_unit_test(test_outsiders_are_cut_off),
        cmocka_unit_test(test_core_settles_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
