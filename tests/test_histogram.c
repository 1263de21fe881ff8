#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/histogram.h"
#include "core/prng.h"

#define NUMBER_COUNT 2000

static int compare(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a;
    const uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Of the sorted numbers, the nearest rank. */
static uint64_t exact(const uint64_t *numbers, uint32_t per_million)
{
    const uint64_t rank = ((uint64_t)NUMBER_COUNT * per_million + 999999) / 1000000;
    return numbers[rank - 1];
}

static void expect_near(const struct gkv_histogram *histogram, const uint64_t *numbers,
                        uint32_t per_million)
{
    const uint64_t found = gkv_histogram_quantile(histogram, per_million);
    const uint64_t wanted = exact(numbers, per_million);
    assert_true(found >= wanted);
    assert_true(found - wanted <= wanted / GKV_HISTOGRAM_STEPS);
}

/* Goal: a percentile is that of the numbers themselves, or up to a 32nd more.
 * Method: numbers of every size, from one bit to 64, sorted; two histograms of a half each. */
static void test_percentiles_are_near(void **state)
{
    (void)state;
    static struct gkv_histogram histogram;
    static struct gkv_histogram other;
    static uint64_t numbers[NUMBER_COUNT];
    struct gkv_prng prng;
    gkv_prng_init(&prng, 0x4157, 0);
    for (int round = 0; round < 50; round++) {
        gkv_histogram_clear(&histogram);
        gkv_histogram_clear(&other);
        for (int i = 0; i < NUMBER_COUNT; i++) {
            numbers[i] = gkv_prng_next(&prng) >> gkv_prng_below(&prng, 64);
            gkv_histogram_add(i % 2 == 0 ? &histogram : &other, numbers[i]);
        }
        gkv_histogram_merge(&histogram, &other);
        qsort(numbers, NUMBER_COUNT, sizeof(numbers[0]), compare);
        for (uint32_t per_million = 1000; per_million <= 1000000; per_million += 999) {
            expect_near(&histogram, numbers, per_million);
        }
        assert_int_equal(histogram.max, numbers[NUMBER_COUNT - 1]);
        assert_int_equal(gkv_histogram_quantile(&histogram, 1000000), histogram.max);
    }
}

/* Goal: where steps begin and end nothing is lost: a number alone is told exactly, being the
 * greatest. Method: both sides of every power of two. */
static void test_edges(void **state)
{
    (void)state;
    static struct gkv_histogram histogram;
    gkv_histogram_clear(&histogram);
    assert_int_equal(gkv_histogram_quantile(&histogram, 500000), 0);
    for (uint32_t bit = 0; bit < 64; bit++) {
        const uint64_t power = UINT64_C(1) << bit;
        for (uint64_t number = power - 1; number <= power; number++) {
            gkv_histogram_clear(&histogram);
            gkv_histogram_add(&histogram, number);
            assert_int_equal(gkv_histogram_quantile(&histogram, 1), number);
        }
    }
    gkv_histogram_add(&histogram, UINT64_MAX);
    assert_true(gkv_histogram_quantile(&histogram, 1000000) == UINT64_MAX);
    assert_int_equal(histogram.count, 2);
}

/* Goal: small numbers are told exactly. */
static void test_small_numbers_are_exact(void **state)
{
    (void)state;
    static struct gkv_histogram histogram;
    gkv_histogram_clear(&histogram);
    for (uint64_t number = 0; number < 64; number++) {
        gkv_histogram_add(&histogram, number);
    }
    for (uint32_t i = 0; i < 64; i++) {
        assert_int_equal(gkv_histogram_quantile(&histogram, (i + 1) * 15625), i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_percentiles_are_near),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_small_numbers_are_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
