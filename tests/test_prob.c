#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/prob.h"

#define TRIES 20

static struct gkv_prob prob;
static uint32_t measured_count;

/* Of a run with one draw that decides: most tries fail once it is kept. */
static uint32_t measure_step(void *context, uint32_t draw_count)
{
    const uint32_t *decisive = context;
    measured_count++;
    return draw_count > *decisive ? TRIES - 1 : 2;
}

/* Goal: the draw that decides is found, wherever it is, and not with a try for every draw.
 * Method: let each of many draws decide, in recordings of several lengths. */
static void test_decisive_draw_is_found(void **state)
{
    static const uint32_t lengths[] = {1, 2, 15, 16, 17, 1000, 12345};
    (void)state;
    for (uint32_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        const uint32_t stride = lengths[i] / 40 + 1;
        for (uint32_t decisive = 0; decisive < lengths[i]; decisive += stride) {
            measured_count = 0;
            gkv_prob_run(&prob, measure_step, &decisive, lengths[i], 16);
            assert_int_equal(prob.before.draw_count, decisive);
            assert_int_equal(prob.after.draw_count, decisive + 1);
            assert_int_equal(prob.before.fail_count, 2);
            assert_int_equal(prob.after.fail_count, TRIES - 1);
            assert_true(measured_count <= 17 + 10);
        }
    }
}

static uint32_t measure_slope(void *context, uint32_t draw_count)
{
    (void)context;
    return draw_count / 100 + (draw_count > 730 ? 5 : 0);
}

static uint32_t measure_nothing(void *context, uint32_t draw_count)
{
    (void)context;
    (void)draw_count;
    return TRIES;
}

/* Goal: where all draws share in it, the greatest step is found; where nothing grows, nobody is
 * named. The curve goes from no draw to all of them.
 * Method: a slope with a step in it, and a run that always fails. */
static void test_curves(void **state)
{
    (void)state;
    gkv_prob_run(&prob, measure_slope, NULL, 1000, 10);
    assert_int_equal(prob.point_count, 11);
    assert_int_equal(prob.points[0].draw_count, 0);
    assert_int_equal(prob.points[10].draw_count, 1000);
    assert_int_equal(prob.before.draw_count, 730);
    assert_int_equal(prob.after.draw_count, 731);

    gkv_prob_run(&prob, measure_nothing, NULL, 1000, 10);
    assert_int_equal(prob.points[5].fail_count, TRIES);
    assert_int_equal(prob.before.draw_count, 0);
    assert_int_equal(prob.after.draw_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decisive_draw_is_found),
        cmocka_unit_test(test_curves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
