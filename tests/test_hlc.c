#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/hlc.h"
#include "core/prng.h"

/* The paper's algorithm (Kulkarni et al. 2014, figure 5), with l and c apart, as the model. */
struct paper_clock {
    uint64_t l;
    uint64_t c;
};

static void paper_send(struct paper_clock *clock, uint64_t wall)
{
    const uint64_t before = clock->l;
    clock->l = before > wall ? before : wall;
    clock->c = clock->l == before ? clock->c + 1 : 0;
}

/* Goal: stamps issued are those of the paper, whatever the wall clock does.
 * Method: 100,000 random steps of the wall clock, compared with the two-number algorithm. */
static void test_issue_follows_the_paper(void **state)
{
    (void)state;
    struct gkv_prng prng;
    gkv_prng_init(&prng, 0x51c0ffee, 1);
    struct gkv_hlc_clock clock;
    gkv_hlc_clock_init(&clock, 500);
    struct paper_clock paper = {.l = 0, .c = 0};
    uint64_t wall = 1000000;
    for (int i = 0; i < 100000; i++) {
        wall += gkv_prng_below(&prng, 5);
        wall -= gkv_prng_below(&prng, 4);
        const uint64_t before = gkv_hlc_last(&clock).packed;
        const struct gkv_hlc stamp = gkv_hlc_issue(&clock, wall);
        paper_send(&paper, wall);
        assert_true(stamp.packed > before);
        assert_int_equal(gkv_hlc_ms(stamp), paper.l);
        assert_int_equal(stamp.packed & 0xffff, paper.c);
    }
}

/* Goal: the counter carries into the milliseconds and order is kept.
 * Method: 65,536 + 2 stamps in one millisecond. */
static void test_counter_carries(void **state)
{
    (void)state;
    struct gkv_hlc_clock clock;
    gkv_hlc_clock_init(&clock, 500);
    struct gkv_hlc stamp = gkv_hlc_issue(&clock, 7);
    for (int i = 0; i < 65537; i++) {
        const struct gkv_hlc next = gkv_hlc_issue(&clock, 7);
        assert_int_equal(next.packed, stamp.packed + 1);
        stamp = next;
    }
    assert_int_equal(gkv_hlc_ms(stamp), 8);
}

/* Goal: a stamp at the drift bound is taken, one beyond is refused and moves nothing.
 * Method: both sides of the bound, then a local stamp. */
static void test_observe_is_bounded_by_drift(void **state)
{
    (void)state;
    struct gkv_hlc_clock clock;
    gkv_hlc_clock_init(&clock, 500);
    const struct gkv_hlc at_bound = {.packed = (UINT64_C(1500) << 16) | 9};
    const struct gkv_hlc beyond = {.packed = UINT64_C(1501) << 16};
    assert_int_equal(gkv_hlc_observe(&clock, 1000, beyond), GKV_ERROR_CLOCK_DRIFT);
    assert_int_equal(gkv_hlc_last(&clock).packed, 0);
    assert_int_equal(gkv_hlc_observe(&clock, 1000, at_bound), GKV_OK);
    assert_true(gkv_hlc_issue(&clock, 1000).packed > at_bound.packed);
    assert_int_equal(gkv_hlc_now_ms(&clock, 1000), 1500);
    assert_int_equal(gkv_hlc_now_ms(&clock, 2000), 2000);
}

/* Goal: time by which a value was once called expired does not come back, though the wall clock is
 * set back; nor does a stamp of before it. Method: ask, set it back, ask and issue. */
static void test_told_time_does_not_go_back(void **state)
{
    (void)state;
    struct gkv_hlc_clock clock;
    gkv_hlc_clock_init(&clock, 500);
    assert_int_equal(gkv_hlc_now_ms(&clock, 1000), 1000);
    assert_int_equal(gkv_hlc_now_ms(&clock, 990), 1000);
    assert_int_equal(gkv_hlc_issue(&clock, 990).packed, (UINT64_C(1000) << 16) + 1);
    assert_int_equal(gkv_hlc_now_ms(&clock, 1001), 1001);
}

/* Goal: versions are ordered by stamp, then by writer.
 * Method: the four cases. */
static void test_version_order(void **state)
{
    (void)state;
    const struct gkv_version a = {.hlc = {5}, .writer = 9};
    const struct gkv_version b = {.hlc = {6}, .writer = 1};
    const struct gkv_version c = {.hlc = {6}, .writer = 2};
    assert_true(gkv_version_compare(a, b) < 0);
    assert_true(gkv_version_compare(c, b) > 0);
    assert_true(gkv_version_compare(b, c) < 0);
    assert_int_equal(gkv_version_compare(c, c), 0);
    assert_true(gkv_version_is_none((struct gkv_version){.writer = 0}));
    assert_false(gkv_version_is_none(a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_issue_follows_the_paper),
        cmocka_unit_test(test_counter_carries),
        cmocka_unit_test(test_observe_is_bounded_by_drift),
        cmocka_unit_test(test_told_time_does_not_go_back),
        cmocka_unit_test(test_version_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
