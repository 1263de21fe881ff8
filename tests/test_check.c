#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sim/check.h"

/* Goal: every check is found by its name, and says what it demands in a sentence. Method: look up
 * all of them, and what else may end a run. */
static void test_checks_are_named(void **state)
{
    (void)state;
    uint32_t count = 0;
    for (; gkv_checks[count] != NULL; count++) {
        assert_int_equal(gkv_check_find(gkv_checks[count]->name), count);
        assert_non_null(gkv_checks[count]->demands);
        const char *demands = gkv_check_demands(gkv_checks[count]->name);
        assert_true(strlen(demands) > 20 && demands[strlen(demands) - 1] == '.');
    }
    assert_true(count > 12 && count <= GKV_CHECK_COUNT_MAX);
    assert_int_equal(gkv_check_find("quorums"), GKV_CHECK_COUNT_MAX);
    assert_int_equal(gkv_check_find(""), GKV_CHECK_COUNT_MAX);
    assert_string_equal(gkv_check_demands("quorums"), "");
    static const char *const ends[] = {"assertion", "determinism", "room", "limit", "crash"};
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        assert_true(strlen(gkv_check_demands(ends[i])) > 20);
        assert_int_equal(gkv_check_find(ends[i]), GKV_CHECK_COUNT_MAX);
    }
}

/* Goal: who is in the ring is said before anybody goes by it. Method: the places of the checks. */
static void test_member_is_asked_first(void **state)
{
    (void)state;
    static const char *const later[] = {"store", "leftover", "ring"};
    for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++) {
        assert_true(gkv_check_find("member") < gkv_check_find(later[i]));
    }
}

/* Goal: a check that is off fails nothing, and the others still do; the first failure counts.
 * Method: fail by name, with and without its bit in the mask. */
static void test_check_that_is_off_is_silent(void **state)
{
    (void)state;
    static struct gkv_trial trial;
    const uint32_t quorum = gkv_check_find("quorum");
    const struct gkv_trial_options options = {.check_off_mask = UINT64_C(1) << quorum};
    memset(&trial, 0, sizeof(trial));
    trial.options = &options;
    gkv_trial_fail(&trial, GKV_TRIAL_SAFETY, "quorum", "hidden");
    assert_int_equal(trial.verdict.status, GKV_TRIAL_PASS);
    gkv_trial_fail(&trial, GKV_TRIAL_SAFETY, "value", "%d bytes", 3);
    assert_int_equal(trial.verdict.status, GKV_TRIAL_SAFETY);
    assert_string_equal(trial.verdict.check, "value");
    assert_string_equal(trial.verdict.text, "3 bytes");
    gkv_trial_fail(&trial, GKV_TRIAL_LIVENESS, "limit", "later");
    assert_string_equal(trial.verdict.check, "value");

    memset(&trial, 0, sizeof(trial));
    gkv_trial_fail(&trial, GKV_TRIAL_SAFETY, "quorum", "nobody is off");
    assert_string_equal(trial.verdict.check, "quorum");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_checks_are_named),
        cmocka_unit_test(test_member_is_asked_first),
        cmocka_unit_test(test_check_that_is_off_is_silent),
    };
    return cmocka_run_group_tests_name("check", tests, NULL, NULL);
}
