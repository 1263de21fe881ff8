#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sim/exhaust.h"

#define SMALL_PLAY 3

/* Goal: a play is run in all its ways, with losses and crashes among them, twice alike, and nothing
 * fails in the tree as it is. Method: the smallest play, twice. */
static void test_play_is_run_in_all_ways(void **state)
{
    static struct gkv_exhaust_result first;
    static struct gkv_exhaust_result again;
    (void)state;
    assert_true(gkv_exhaust_run(SMALL_PLAY, &first));
    assert_false(first.has_failed);
    assert_true(first.run_count > 1000);
    assert_true(first.cut_count < first.run_count);
    assert_true(first.loss_count > 500);
    assert_true(first.crash_count > 500);
    assert_int_equal(first.odometer.count, 0);

    assert_true(gkv_exhaust_run(SMALL_PLAY, &again));
    assert_int_equal(again.run_count, first.run_count);
    assert_int_equal(again.cut_count, first.cut_count);
    assert_int_equal(again.delivery_count, first.delivery_count);
}

/* Goal: the choices of a run, typed in, are that run: zeroes are the one without a misfortune, and
 * a loss at the first message is a loss. Method: replay both. */
static void test_one_run_is_replayed(void **state)
{
    static struct gkv_exhaust_result result;
    (void)state;
    memset(&result, 0, sizeof(result));
    assert_true(gkv_exhaust_replay(SMALL_PLAY, &result));
    assert_false(result.has_failed);
    assert_int_equal(result.run_count, 1);
    assert_int_equal(result.loss_count + result.crash_count, 0);
    assert_true(result.odometer.count > 10);

    /* Which arrives first, not a crash, the first message lost. */
    memset(&result, 0, sizeof(result));
    result.odometer.count = 3;
    result.odometer.digits[2].value = 1;
    assert_true(gkv_exhaust_replay(SMALL_PLAY, &result));
    assert_false(result.has_failed);
    assert_int_equal(result.loss_count, 1);
    assert_int_equal(result.crash_count, 0);
}

/* Goal: every play says what it is. Method: ask them. */
static void test_plays_have_names(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < gkv_exhaust_play_count(); i++) {
        assert_true(strlen(gkv_exhaust_play_text(i)) > 0);
    }
    assert_false(gkv_exhaust_play_is_long(SMALL_PLAY));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_play_is_run_in_all_ways),
        cmocka_unit_test(test_one_run_is_replayed),
        cmocka_unit_test(test_plays_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
