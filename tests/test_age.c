#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/age.h"

/* One turn of the hand; uses of a record in it. */
static uint8_t turn(uint8_t mark, bool is_used)
{
    return gkv_age_next(is_used ? mark | GKV_AGE_USED : mark);
}

/* Goal: who is not used grows older, up to the most that four bits hold, and who is, is young
 * again.
 * Method: twenty turns without a use, and one with. */
static void test_idle(void **state)
{
    (void)state;
    uint8_t mark = 0;
    for (uint32_t i = 1; i <= 20; i++) {
        mark = turn(mark, false);
        assert_int_equal(gkv_age_idle(mark), i < 15 ? i : 15);
        assert_int_equal(gkv_age_pace(mark), GKV_PACE_NEW);
    }
    mark = turn(mark, true);
    assert_int_equal(gkv_age_idle(mark), 0);
}

/* Goal: the pace says how many turns lie between uses, and one use does not change a habit. */
static void test_pace(void **state)
{
    (void)state;
    uint8_t mark = turn(0, true);
    assert_int_equal(gkv_age_pace(mark), GKV_PACE_SHORT);
    mark = turn(turn(turn(turn(mark, false), false), false), true);
    assert_int_equal(gkv_age_pace(mark), GKV_PACE_MIDDLE);
    mark = turn(turn(turn(turn(mark, false), false), false), true);
    assert_int_equal(gkv_age_pace(mark), GKV_PACE_LONG);
    mark = turn(mark, true);
    assert_int_equal(gkv_age_pace(mark), GKV_PACE_MIDDLE);
    mark = turn(mark, true);
    assert_int_equal(gkv_age_pace(mark), GKV_PACE_SHORT);
}

/* Goal: who comes seldom may be idle for longer than who came always, or never again. */
static void test_patience(void **state)
{
    (void)state;
    const uint8_t new = 0;
    const uint8_t always = turn(turn(0, true), true);
    const uint8_t back = gkv_age_returned(0);
    assert_int_equal(gkv_age_pace(back), GKV_PACE_LONG);
    assert_true(gkv_age_patience(new) < gkv_age_patience(back));
    assert_true(gkv_age_patience(always) < gkv_age_patience(back));
    assert_int_equal(gkv_age_patience(back), GKV_AGE_PATIENCE_MAX);
}

/* Goal: the bit that is not ours stays as it is. Method: every mark. */
static void test_others(void **state)
{
    (void)state;
    for (uint32_t mark = 0; mark < 256; mark++) {
        assert_int_equal(gkv_age_next((uint8_t)mark) & 1, mark & 1);
        assert_int_equal(gkv_age_next((uint8_t)mark) & GKV_AGE_USED, 0);
        assert_int_equal(gkv_age_returned((uint8_t)mark) & 1, mark & 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_idle),
        cmocka_unit_test(test_pace),
        cmocka_unit_test(test_patience),
        cmocka_unit_test(test_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
