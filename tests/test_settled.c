#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/settled.h"

/* Goal: without trials there is no percentile. Method: ask an empty one. */
static void test_nothing_is_nothing(void **state)
{
    const struct gkv_settled settled = {.permille_max = 0};
    (void)state;
    assert_int_equal(gkv_settled_count(&settled), 0);
    assert_int_equal(gkv_settled_percentile_ms(&settled, 50), 0);
}

/* Goal: percentiles are the edges above them, within a fifth. Method: 1 to 10,000 ms, once each. */
static void test_percentiles_are_near(void **state)
{
    struct gkv_settled settled = {.permille_max = 0};
    (void)state;
    for (uint64_t ms = 1; ms <= 10000; ms++) {
        gkv_settled_note(&settled, ms, 20000);
    }
    assert_int_equal(gkv_settled_count(&settled), 10000);
    assert_int_equal(settled.permille_max, 500);
    for (uint32_t percent = 10; percent <= 100; percent += 10) {
        const uint64_t edge_ms = gkv_settled_percentile_ms(&settled, percent);
        assert_in_range(edge_ms, 100 * percent, 120 * percent);
    }
}

/* Goal: two add up as if they had been one, and what is too long is in the last bucket. Method:
 * note into two and add them. */
static void test_adds_up(void **state)
{
    struct gkv_settled a = {.permille_max = 0};
    struct gkv_settled b = {.permille_max = 0};
    (void)state;
    gkv_settled_note(&a, 100, 1000);
    gkv_settled_note(&b, 10000000, 20000000);
    gkv_settled_add(&a, &b);
    assert_int_equal(gkv_settled_count(&a), 2);
    assert_int_equal(a.permille_max, 500);
    assert_int_equal(gkv_settled_percentile_ms(&a, 50), 128);
    assert_int_equal(gkv_settled_percentile_ms(&a, 100), 215 << 11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_nothing),
        cmocka_unit_test(test_percentiles_are_near),
        cmocka_unit_test(test_adds_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
