#include "io_posix/spin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* How many chances are let pass until the next spin. */
static uint32_t count_passed(struct gkv_spin *spin)
{
    uint32_t count = 0;
    while (!gkv_spin_begin(spin)) {
        count++;
    }
    return count;
}

/* Goal: without a time to spin for nobody ever spins.
 * Method: ask often. */
static void test_never(void **state)
{
    (void)state;
    struct gkv_spin spin = gkv_spin_make(0);
    for (uint32_t i = 0; i < 10000; i++) {
        assert_false(gkv_spin_begin(&spin));
    }
}

/* Goal: while what is expected comes, every chance is taken; each miss in a row doubles how many
 * are let pass, up to a bound; one hit, and none is.
 * Method: hits, twice as many misses as the bound has bits, and a hit. */
static void test_adapts(void **state)
{
    (void)state;
    struct gkv_spin spin = gkv_spin_make(50000);
    for (uint32_t i = 0; i < 100; i++) {
        assert_true(gkv_spin_begin(&spin));
        gkv_spin_end(&spin, true);
    }
    uint32_t expected_count = 0;
    for (uint32_t i = 0; i < 20; i++) {
        assert_int_equal(count_passed(&spin), expected_count);
        gkv_spin_end(&spin, false);
        expected_count = expected_count == 0 ? 1 : 2 * expected_count;
        expected_count =
            expected_count > GKV_SPIN_SKIP_COUNT_MAX ? GKV_SPIN_SKIP_COUNT_MAX : expected_count;
    }
    assert_int_equal(count_passed(&spin), GKV_SPIN_SKIP_COUNT_MAX);
    gkv_spin_end(&spin, true);
    assert_int_equal(count_passed(&spin), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_never),
        cmocka_unit_test(test_adapts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
