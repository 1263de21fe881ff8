#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sim/exhaust.h"

#define SMALL_PLAY 3
#define LARGER_PLAY 0

/* Goal: a play is run in all its ways, with losses and crashes among them, twice alike, and nothing
 * fails in the tree as it is. Method: the smallest play, twice. */
static void test_play_is_run_in_all_ways(void **state)
{
    static struct gkv_exhaust_result first;
    static struct gkv_exhaust_result again;
    (void)state;
    assert_true(gkv_exhaust_run(SMALL_PLAY, NULL, NULL, &first));
    assert_false(first.has_failed);
    assert_true(first.run_count > 1000);
    assert_true(first.cut_count < first.run_count);
    assert_true(first.loss_count > 500);
    assert_true(first.crash_count > 500);
    assert_int_equal(first.odometer.count, 0);

    assert_true(gkv_exhaust_run(SMALL_PLAY, NULL, NULL, &again));
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

/* Goal: what is typed in and is no choice of that run is noticed: the first number that is too
 * large, and numbers that nothing asks for. Method: both, in front of a good one. */
static void test_draws_that_are_none(void **state)
{
    static struct gkv_exhaust_result result;
    (void)state;
    memset(&result, 0, sizeof(result));
    result.odometer.count = 4;
    result.odometer.digits[1].value = 7;
    result.odometer.digits[3].value = UINT64_MAX;
    assert_true(gkv_exhaust_replay(SMALL_PLAY, &result));
    assert_true(result.odometer.is_wrong);
    assert_int_equal(result.odometer.wrong_index, 1);
    assert_true(result.odometer.digits[1].bound <= 7);

    memset(&result, 0, sizeof(result));
    assert_true(gkv_exhaust_replay(SMALL_PLAY, &result));
    assert_false(result.odometer.is_wrong);
    assert_int_equal(result.odometer.next, result.odometer.count);
    const uint32_t count = result.odometer.count;
    memset(&result, 0, sizeof(result));
    result.odometer.count = count + 1;
    assert_true(gkv_exhaust_replay(SMALL_PLAY, &result));
    assert_false(result.odometer.is_wrong);
    assert_int_equal(result.odometer.next, count);
}

struct onlooker {
    uint32_t count;
    uint32_t count_max;
    uint32_t share_ppm;
};

static bool look(void *context, const struct gkv_exhaust_result *result)
{
    struct onlooker *onlooker = context;
    const uint32_t share_ppm = gkv_exhaust_share_ppm(result);
    assert_true(share_ppm >= onlooker->share_ppm);
    assert_true(share_ppm <= 1000000);
    onlooker->share_ppm = share_ppm;
    return ++onlooker->count < onlooker->count_max;
}

/* Goal: who looks on sees the share that was done grow, and may stop it. Method: the third look is
 * the last. */
static void test_looker_stops_it(void **state)
{
    static struct gkv_exhaust_result result;
    struct onlooker onlooker = {.count_max = 3};
    (void)state;
    assert_true(gkv_exhaust_run(LARGER_PLAY, look, &onlooker, &result));
    assert_true(result.is_stopped);
    assert_false(result.has_failed);
    assert_int_equal(onlooker.count, 3);
    assert_true(onlooker.share_ppm > 0);
    assert_true(result.odometer.count > 0);
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
        cmocka_unit_test(test_play_is_run_in_all_ways), cmocka_unit_test(test_one_run_is_replayed),
        cmocka_unit_test(test_draws_that_are_none),     cmocka_unit_test(test_looker_stops_it),
        cmocka_unit_test(test_plays_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
