#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sim/numbers.h"

static struct gkv_numbers numbers;

/* Names that differ in one half, or in both, and whose halves cancel out. */
static struct gkv_numbers_name name_of(uint32_t i)
{
    const uint64_t high = i % 3 == 0 ? 7 : i;
    return (struct gkv_numbers_name){.high = high, .low = i % 3 == 1 ? i : ~(uint64_t)i};
}

/* Goal: names get numbers in the order in which they are met, keep them, and are told apart, up to
 * the last one; what comes then gets none, and what is there stays. Method: fill it, whatever it
 * held before, and look at all of them. */
static void test_each_name_has_its_number(void **state)
{
    (void)state;
    memset(&numbers, 0xEE, sizeof(numbers));
    gkv_numbers_init(&numbers);
    assert_int_equal(gkv_numbers_find(&numbers, name_of(0)), GKV_NUMBERS_NONE);
    for (uint32_t i = 0; i < GKV_NUMBERS_COUNT_MAX; i++) {
        assert_int_equal(gkv_numbers_find(&numbers, name_of(i)), GKV_NUMBERS_NONE);
        assert_int_equal(gkv_numbers_give(&numbers, name_of(i)), i);
        assert_int_equal(gkv_numbers_give(&numbers, name_of(i / 2)), i / 2);
    }
    assert_int_equal(gkv_numbers_give(&numbers, name_of(GKV_NUMBERS_COUNT_MAX)), GKV_NUMBERS_NONE);
    for (uint32_t i = 0; i < GKV_NUMBERS_COUNT_MAX; i++) {
        assert_int_equal(gkv_numbers_find(&numbers, name_of(i)), i);
        assert_int_equal(gkv_numbers_give(&numbers, name_of(i)), i);
    }
    assert_int_equal(numbers.count, GKV_NUMBERS_COUNT_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_name_has_its_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
