#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/prng.h"
#include "core/timer.h"
#include "core/types.h"

#define ID_COUNT 37

static _Alignas(GKV_ARENA_ALIGN) uint8_t memory[4096];

static struct gkv_timers fresh_timers(void)
{
    struct gkv_timers timers;
    struct gkv_arena counting = gkv_arena_counting();
    gkv_timers_init(&timers, &counting, ID_COUNT);
    assert_true(counting.used <= sizeof(memory));
    return timers;
}

/* The model: a deadline per id, GKV_NEVER when not set; the next is found by looking at all. */
static uint32_t model_next(const uint64_t *due)
{
    uint32_t best = 0;
    for (uint32_t id = 1; id < ID_COUNT; id++) {
        best = due[id] < due[best] ? id : best;
    }
    return best;
}

/* Goal: timers fire in order of deadline, then id, each once, whatever is set and cancelled
 * between. Method: 200,000 random steps beside the model. */
static void test_against_model(void **state)
{
    (void)state;
    struct gkv_timers timers = fresh_timers();
    struct gkv_arena arena = gkv_arena_over(memory, sizeof(memory));
    gkv_timers_init(&timers, &arena, ID_COUNT);

    uint64_t due[ID_COUNT];
    memset(due, 0xff, sizeof(due));
    struct gkv_prng prng;
    gkv_prng_init(&prng, 77, 0);
    uint64_t now = 0;
    for (int i = 0; i < 200000; i++) {
        const uint32_t id = (uint32_t)gkv_prng_below(&prng, ID_COUNT);
        const uint64_t choice = gkv_prng_below(&prng, 4);
        if (choice <= 1) {
            due[id] = now + gkv_prng_below(&prng, 50);
            gkv_timer_set(&timers, id, due[id]);
        } else if (choice == 2) {
            due[id] = GKV_NEVER;
            gkv_timer_cancel(&timers, id);
        } else {
            now += gkv_prng_below(&prng, 20);
            uint32_t fired = 0;
            while (gkv_timers_take_due(&timers, now, &fired)) {
                assert_int_equal(fired, model_next(due));
                assert_true(due[fired] <= now);
                due[fired] = GKV_NEVER;
            }
        }
        assert_true(gkv_timers_deadline_ns(&timers) == due[model_next(due)]);
        assert_int_equal(gkv_timer_is_set(&timers, id), due[id] != GKV_NEVER);
    }
}

/* Goal: a heap with every id set is a heap, and one with none never fires.
 * Method: all ids at one instant: they come in order of id; then nothing at the end of time. */
static void test_full_and_empty(void **state)
{
    (void)state;
    struct gkv_timers timers;
    struct gkv_arena arena = gkv_arena_over(memory, sizeof(memory));
    gkv_timers_init(&timers, &arena, ID_COUNT);
    for (uint32_t i = ID_COUNT; i > 0; i--) {
        gkv_timer_set(&timers, i - 1, 5);
    }
    uint32_t fired = 0;
    assert_false(gkv_timers_take_due(&timers, 4, &fired));
    for (uint32_t id = 0; id < ID_COUNT; id++) {
        assert_true(gkv_timers_take_due(&timers, 5, &fired));
        assert_int_equal(fired, id);
    }
    assert_false(gkv_timers_take_due(&timers, UINT64_MAX, &fired));
    assert_true(gkv_timers_deadline_ns(&timers) == GKV_NEVER);
}

/* Goal: postponing moves every timer that is set by as much, and no other.
 * Method: three of them, set in disorder, one cancelled; then postpone, and set one more. */
static void test_postpone(void **state)
{
    (void)state;
    struct gkv_timers timers = fresh_timers();
    struct gkv_arena arena = gkv_arena_over(memory, sizeof(memory));
    memset(memory, 0, sizeof(memory));
    gkv_timers_init(&timers, &arena, ID_COUNT);
    gkv_timer_set(&timers, 7, 30);
    gkv_timer_set(&timers, 3, 10);
    gkv_timer_set(&timers, 9, 20);
    gkv_timer_set(&timers, 4, 15);
    gkv_timer_cancel(&timers, 4);
    gkv_timers_postpone(&timers, 100);
    gkv_timer_set(&timers, 4, 115);
    static const uint32_t order[] = {3, 4, 9, 7};
    static const uint64_t due[] = {110, 115, 120, 130};
    for (uint32_t i = 0; i < 4; i++) {
        uint32_t id = 0;
        assert_int_equal(gkv_timers_deadline_ns(&timers), due[i]);
        assert_false(gkv_timers_take_due(&timers, due[i] - 1, &id));
        assert_true(gkv_timers_take_due(&timers, due[i], &id));
        assert_int_equal(id, order[i]);
    }
    gkv_timers_postpone(&timers, 5);
    assert_true(gkv_timers_deadline_ns(&timers) == GKV_NEVER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_model),
        cmocka_unit_test(test_full_and_empty),
        cmocka_unit_test(test_postpone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
