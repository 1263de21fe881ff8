#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/trio.h"

static struct trio trio;

/* c dies, and a and b hold it to be what they are told to. */
static void lose(enum gkv_member_state a, enum gkv_member_state b)
{
    trio_begin(&trio, 3);
    trio.trial.phase = GKV_PHASE_LOSS;
    trio.trial.idle.lost_node = 2;
    gkv_world_crash(&trio.trial.world, 2, 0);
    trio_said(&trio, 0, 2)->state = a;
    trio_said(&trio, 1, 2)->state = b;
}

/* Goal: a dead node that everybody holds to be unreachable is accepted, what the dead or those who
 * left hold does not matter, and before the loss nothing is asked. Method: a cluster of each. */
static void test_accepts_what_all_know(void **state)
{
    (void)state;
    lose(GKV_MEMBER_UNREACHABLE, GKV_MEMBER_UNREACHABLE);
    assert_true(trio_is_settled(&trio, &gkv_check_dead));
    assert_int_equal(trio.trial.tally.counts[GKV_HOLDS_DEAD], 2);
    trio_end(&trio);

    lose(GKV_MEMBER_UNREACHABLE, GKV_MEMBER_ALIVE);
    trio.trial.left = gkv_nodes_of_bits(2);
    assert_true(trio_is_settled(&trio, &gkv_check_dead));
    trio_end(&trio);

    lose(GKV_MEMBER_ALIVE, GKV_MEMBER_ALIVE);
    trio.trial.phase = GKV_PHASE_IDLE;
    assert_true(trio_is_settled(&trio, &gkv_check_dead));
    trio_end(&trio);
}

/* Goal: it is found by itself. Method: let the suspicion run out. */
static void test_accepts_what_nodes_find(void **state)
{
    (void)state;
    trio_begin(&trio, 3);
    trio.trial.phase = GKV_PHASE_LOSS;
    trio.trial.idle.lost_node = 1;
    gkv_world_crash(&trio.trial.world, 1, 0);
    assert_false(trio_is_settled(&trio, &gkv_check_dead));
    trio_run_ms(&trio, 3000);
    assert_true(trio_is_settled(&trio, &gkv_check_dead));
    trio_end(&trio);
}

/* Goal: one who holds the dead to be anything else is rejected. Method: each state, at one of two
 * or at both. */
static void test_rejects_what_one_does_not_know(void **state)
{
    static const enum gkv_member_state bad[][2] = {
        {GKV_MEMBER_ALIVE, GKV_MEMBER_UNREACHABLE},   {GKV_MEMBER_UNREACHABLE, GKV_MEMBER_ALIVE},
        {GKV_MEMBER_SUSPECT, GKV_MEMBER_UNREACHABLE}, {GKV_MEMBER_UNREACHABLE, GKV_MEMBER_LEFT},
        {GKV_MEMBER_SUSPECT, GKV_MEMBER_SUSPECT},     {GKV_MEMBER_ALIVE, GKV_MEMBER_ALIVE},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        lose(bad[i][0], bad[i][1]);
        assert_false(trio_is_settled(&trio, &gkv_check_dead));
        trio_end(&trio);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts_what_all_know),
        cmocka_unit_test(test_accepts_what_nodes_find),
        cmocka_unit_test(test_rejects_what_one_does_not_know),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
