#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sim/search.h"
#include "tests/registers.h"

#define STATE_COUNT 1024

static struct gkv_register_operation operations[GKV_SEARCH_OPERATION_COUNT_MAX + 1];
static struct gkv_search search;
static struct gkv_search_state states[STATE_COUNT];

/* Goal: what is linearizable is accepted. Method: nineteen histories told by hand. */
static void test_good_histories_are_accepted(void **state)
{
    (void)state;
    gkv_search_init(&search, states, STATE_COUNT);
    for (size_t i = 0; i < registers_good_count; i++) {
        const struct gkv_register_history history =
            registers_read(registers_good[i].text, operations);
        if (gkv_search_check(&search, history) != GKV_SEARCH_YES) {
            fail_msg("rejected: %s", registers_good[i].name);
        }
    }
}

/* Goal: what is not linearizable is rejected. Method: eighteen histories told by hand. */
static void test_bad_histories_are_rejected(void **state)
{
    (void)state;
    gkv_search_init(&search, states, STATE_COUNT);
    for (size_t i = 0; i < registers_bad_count; i++) {
        const struct gkv_register_history history =
            registers_read(registers_bad[i].text, operations);
        if (gkv_search_check(&search, history) != GKV_SEARCH_NO) {
            fail_msg("accepted: %s", registers_bad[i].name);
        }
    }
}

/* Fill operations with writes that all overlap, and two reads that contradict each other. */
static struct gkv_register_history tell_storm(uint32_t write_count)
{
    for (uint32_t i = 0; i < write_count; i++) {
        operations[i] = (struct gkv_register_operation){
            0, 100, i + 1, i + 1, GKV_REGISTER_WRITE, GKV_REGISTER_OK};
    }
    operations[write_count] = (struct gkv_register_operation){
        200, 201, 1, write_count + 1, GKV_REGISTER_READ, GKV_REGISTER_OK};
    operations[write_count + 1] = (struct gkv_register_operation){
        202, 203, 2, write_count + 2, GKV_REGISTER_READ, GKV_REGISTER_OK};
    return (struct gkv_register_history){operations, write_count + 2};
}

/* Goal: memoisation keeps the work at subsets, not orders; past the budget it gives up, and the
 * next search is none the worse. Method: 6 writes at once have 720 orders and 6 * 2^5 = 192 states;
 * 20 have too many of either. */
static void test_it_gives_up_and_goes_on(void **state)
{
    (void)state;
    gkv_search_init(&search, states, STATE_COUNT);
    for (uint32_t round = 0; round < 3; round++) {
        assert_int_equal(gkv_search_check(&search, tell_storm(6)), GKV_SEARCH_NO);
        assert_true(search.entered_count >= 192);
        assert_true(search.entered_count <= 194);
        assert_int_equal(gkv_search_check(&search, tell_storm(20)), GKV_SEARCH_GAVE_UP);
        assert_int_equal(search.entered_count, STATE_COUNT / 4 * 3);
    }
}

/* Goal: the largest history is searched and a larger one given up. Method: writes one after the
 * other, up to the bound and one past it. */
static void test_the_bound_on_operations(void **state)
{
    (void)state;
    const uint32_t most = GKV_SEARCH_OPERATION_COUNT_MAX;
    gkv_search_init(&search, states, STATE_COUNT);
    for (uint32_t i = 0; i <= most; i++) {
        operations[i] = (struct gkv_register_operation){2 * i, 2 * i + 1,          i + 1,
                                                        i + 1, GKV_REGISTER_WRITE, GKV_REGISTER_OK};
    }
    operations[most - 1].kind = GKV_REGISTER_READ;
    operations[most - 1].write = most - 1;
    const struct gkv_register_history largest = {operations, most};
    assert_int_equal(gkv_search_check(&search, largest), GKV_SEARCH_YES);
    operations[most - 1].write = most - 2;
    assert_int_equal(gkv_search_check(&search, largest), GKV_SEARCH_NO);
    const struct gkv_register_history larger = {operations, most + 1};
    assert_int_equal(gkv_search_check(&search, larger), GKV_SEARCH_GAVE_UP);
}

/* Goal: states of an earlier search are never taken for those of this one, not even when the count
 * of searches wraps. Method: the same history on both sides of the wrap. */
static void test_the_count_of_searches_wraps(void **state)
{
    (void)state;
    gkv_search_init(&search, states, STATE_COUNT);
    assert_int_equal(gkv_search_check(&search, tell_storm(5)), GKV_SEARCH_NO);
    const uint32_t entered_count = search.entered_count;
    search.round = UINT32_MAX - 1;
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(gkv_search_check(&search, tell_storm(5)), GKV_SEARCH_NO);
        assert_int_equal(search.entered_count, entered_count);
    }
    assert_int_equal(search.round, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_histories_are_accepted),
        cmocka_unit_test(test_bad_histories_are_rejected),
        cmocka_unit_test(test_it_gives_up_and_goes_on),
        cmocka_unit_test(test_the_bound_on_operations),
        cmocka_unit_test(test_the_count_of_searches_wraps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
