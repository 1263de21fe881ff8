#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/trio.h"

static struct trio trio;

/* b and c are to a what they are told to. */
static void begin(enum gkv_member_state b, enum gkv_member_state c)
{
    trio_begin(&trio, 3);
    trio_said(&trio, 0, 1)->state = b;
    trio_said(&trio, 0, 2)->state = c;
}

/* a answers a get of key 0 so long after it was asked. */
static void answer(enum gkv_error error, uint64_t after_ns)
{
    struct gkv_trial *trial = &trio.trial;
    const uint32_t number =
        gkv_history_add(&trial->history, &(struct gkv_deed){.kind = GKV_OPERATION_GET});
    trial->history.deeds[number].begin_ns = trial->world.now_ns;
    const struct gkv_output output = {
        .kind = GKV_OUTPUT_COMPLETE,
        .as.result = {.cookie = number + 1u, .error = error},
    };
    gkv_check_refusal.observe(trial,
                              &(struct gkv_observation){.kind = GKV_OBSERVE_OUTPUT,
                                                        .time_ns = trial->world.now_ns + after_ns,
                                                        .output = &output});
}

static bool is_rejected(void)
{
    const bool has_failed = trio.trial.verdict.status == GKV_TRIAL_SAFETY;
    gkv_world_destroy(&trio.trial.world);
    return has_failed;
}

/* Goal: who reaches too few owners may refuse. Method: R = 2, and a reaches nobody but itself. */
static void test_accepts_for_want_of_owners(void **state)
{
    (void)state;
    begin(GKV_MEMBER_UNREACHABLE, GKV_MEMBER_UNREACHABLE);
    answer(GKV_ERROR_NO_QUORUM, 0);
    assert_int_equal(trio.trial.tally.counts[GKV_HOLDS_NO_QUORUM], 1);
    assert_false(is_rejected());
}

/* Goal: other answers, refusals that come later, and refusals of who knows another ring are not
 * looked at. Method: one of each, while all are reachable. */
static void test_accepts_what_it_cannot_judge(void **state)
{
    (void)state;
    begin(GKV_MEMBER_ALIVE, GKV_MEMBER_ALIVE);
    answer(GKV_OK, 0);
    answer(GKV_ERROR_BUSY, 0);
    answer(GKV_ERROR_NO_QUORUM, 1);
    trio.trial.ring = gkv_nodes_of_bits(3);
    answer(GKV_ERROR_NO_QUORUM, 0);
    assert_int_equal(trio.trial.tally.counts[GKV_HOLDS_NO_QUORUM], 0);
    assert_false(is_rejected());

    begin(GKV_MEMBER_ALIVE, GKV_MEMBER_LEFT); /* c owns nothing to a */
    answer(GKV_ERROR_NO_QUORUM, 0);
    assert_false(is_rejected());
}

/* Goal: a refusal is rejected while R owners are reachable, suspects among them. Method: all that b
 * and c may be with one of them reachable. */
static void test_rejects_while_owners_are_reachable(void **state)
{
    static const enum gkv_member_state cases[][2] = {
        {GKV_MEMBER_ALIVE, GKV_MEMBER_ALIVE},         {GKV_MEMBER_ALIVE, GKV_MEMBER_UNREACHABLE},
        {GKV_MEMBER_SUSPECT, GKV_MEMBER_UNREACHABLE}, {GKV_MEMBER_UNREACHABLE, GKV_MEMBER_SUSPECT},
        {GKV_MEMBER_SUSPECT, GKV_MEMBER_SUSPECT},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        begin(cases[i][0], cases[i][1]);
        answer(GKV_ERROR_NO_QUORUM, 0);
        assert_true(is_rejected());
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts_for_want_of_owners),
        cmocka_unit_test(test_accepts_what_it_cannot_judge),
        cmocka_unit_test(test_rejects_while_owners_are_reachable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
