#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/prng.h"
#include "core/types.h"
#include "io_sim/agenda.h"
#include "io_sim/clock.h"
#include "sim/choice.h"

#define SEED 7

/* Goal: occasions come in the order of (time, tie, sequence), whatever order they were added in.
 * Method: add 2,000 with few distinct times and ties, take some in between, compare neighbours. */
static void test_agenda_keeps_its_order(void **state)
{
    static struct gkv_occasion heap[2000];
    struct gkv_agenda agenda;
    struct gkv_prng prng;
    (void)state;
    gkv_agenda_init(&agenda, heap, 2000);
    gkv_prng_init(&prng, SEED, 0);
    for (uint32_t i = 0; i < 2000; i++) {
        gkv_agenda_add(&agenda, &(struct gkv_occasion){
                                    .time_ns = gkv_prng_below(&prng, 50),
                                    .tie = (uint32_t)gkv_prng_below(&prng, 4),
                                    .kind = GKV_OCCASION_CALLER,
                                    .argument = i,
                                });
    }
    assert_int_equal(gkv_agenda_room(&agenda), 0);

    struct gkv_occasion last;
    assert_true(gkv_agenda_take(&agenda, &last));
    uint32_t taken = 1;
    struct gkv_occasion next;
    while (gkv_agenda_take(&agenda, &next)) {
        assert_true(last.time_ns <= next.time_ns);
        if (last.time_ns == next.time_ns) {
            assert_true(last.tie <= next.tie);
            assert_true(last.tie < next.tie || last.sequence < next.sequence);
        }
        assert_int_equal(next.sequence, next.argument);
        last = next;
        taken++;
    }
    assert_int_equal(taken, 2000);
    assert_true(gkv_agenda_next_ns(&agenda) == GKV_NEVER);
}

/* Goal: the wall clock steps and drifts as told and never leaves its bound; mono only adds a
 * constant. Method: read it at chosen times. */
static void test_clock_stays_within_its_skew(void **state)
{
    (void)state;
    const uint64_t second_ns = 1000 * GKV_NS_PER_MS;
    struct gkv_sim_clock clock = {.mono_offset_ns = 12345, .skew_ms_max = 100};
    assert_int_equal(gkv_sim_clock_read(&clock, second_ns).mono_ns, second_ns + 12345);
    assert_int_equal(gkv_sim_clock_when(&clock, second_ns + 12345), second_ns);
    assert_true(gkv_sim_clock_when(&clock, GKV_NEVER) == GKV_NEVER);

    const uint64_t truth_ms = gkv_sim_clock_true_ms(second_ns);
    assert_int_equal(gkv_sim_clock_read(&clock, second_ns).wall_ms, truth_ms);
    gkv_sim_clock_step(&clock, second_ns, -60);
    assert_int_equal(gkv_sim_clock_read(&clock, second_ns).wall_ms, truth_ms - 60);
    gkv_sim_clock_step(&clock, second_ns, -60);
    assert_int_equal(gkv_sim_clock_read(&clock, second_ns).wall_ms, truth_ms - 100);
    gkv_sim_clock_drift(&clock, second_ns, 10000); /* one in a hundred: 10 ms a second */
    assert_int_equal(gkv_sim_clock_read(&clock, 2 * second_ns).wall_ms, truth_ms + 1000 - 90);
    assert_int_equal(gkv_sim_clock_read(&clock, 60 * second_ns).wall_ms, truth_ms + 59000 + 100);
}

/* Goal: a seed gives one sequence of answers, all in range, and the benign answer is 0 or false.
 * Method: two sources of one seed, one of another; bounds of every size. */
static void test_choices_repeat(void **state)
{
    struct gkv_choice a;
    struct gkv_choice b;
    struct gkv_choice other;
    (void)state;
    gkv_choice_init(&a, SEED);
    gkv_choice_init(&b, SEED);
    gkv_choice_init(&other, SEED + 1);
    uint32_t different = 0;
    for (uint32_t i = 0; i < 1000; i++) {
        const uint64_t bound = UINT64_C(1) << (i % 60);
        const uint64_t answer = gkv_choose(&a, "test", bound);
        assert_true(answer < bound);
        assert_int_equal(gkv_choose(&b, "test", bound), answer);
        different += gkv_choose(&other, "test", bound) != answer;
        const uint64_t size = gkv_choose_log(&a, "test.log", 3, 1000);
        assert_true(size >= 3 && size <= 1000);
        assert_int_equal(gkv_choose_log(&b, "test.log", 3, 1000), size);
        (void)gkv_choose_log(&other, "test.log", 3, 1000);
        assert_false(gkv_choose_percent(&a, "test.percent", 0));
        assert_true(gkv_choose_percent(&a, "test.percent", 100));
        assert_true(gkv_choose_percent(&b, "test.percent", 100));
        assert_false(gkv_choose_percent(&b, "test.percent", 0));
    }
    assert_true(different > 900);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_agenda_keeps_its_order),
        cmocka_unit_test(test_clock_stays_within_its_skew),
        cmocka_unit_test(test_choices_repeat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
