#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/told.h"

#define TTL_MS 50

static struct told told;
static uint32_t set; /* a set with a ttl, acknowledged under version 10 */
static uint64_t expire_ms;

static void begin(void)
{
    told_begin(&told, &gkv_check_ttl);
    set = told_submit(&told, GKV_OPERATION_SET, 0, 0);
    told.deeds[set].ttl_ms = TTL_MS;
    expire_ms = gkv_sim_clock_true_ms(told.deeds[set].begin_ns) + TTL_MS;
    told_complete(&told, set, &(struct gkv_result){.version = {{10}, 1}}, GKV_HISTORY_NONE);
}

/* A get of a node returns the value under a version. */
static void find(uint32_t node, uint64_t stamp, uint64_t expiry_ms)
{
    told_complete(&told, told_submit(&told, GKV_OPERATION_GET, node, 0),
                  &(struct gkv_result){.version = {{stamp}, 1}, .expire_ms = expiry_ms}, set);
}

static void miss(uint32_t node, uint64_t stamp)
{
    told_complete(
        &told, told_submit(&told, GKV_OPERATION_GET, node, 0),
        &(struct gkv_result){.error = GKV_ERROR_NOT_FOUND, .version = {{stamp}, stamp != 0}},
        GKV_HISTORY_NONE);
}

static void wait_ms(uint64_t ms)
{
    told.trial.world.now_ns += ms * GKV_NS_PER_MS;
}

/* Goal: a value is read until it expires, by a slow clock longer. Method: a get just before, and
 * one after at a node whose clock is behind. */
static void test_accepts_values_that_live(void **state)
{
    (void)state;
    begin();
    find(0, 10, expire_ms);
    wait_ms(TTL_MS - 6);
    find(1, 10, expire_ms);
    assert_false(told_is_rejected(&told));

    begin();
    told.trial.scenario.skew_ms_max = 100;
    told.trial.world.hosts[2].clock.skew_ms_max = 100;
    told.trial.world.hosts[2].clock.wall_offset_ms = -100;
    wait_ms(TTL_MS);
    miss(0, 10);
    find(2, 10, expire_ms); /* it has not heard that time is over */
    assert_false(told_is_rejected(&told));
}

/* Goal: what was not found may be found again: another version, in another life, or where
 * clocks are broken. Method: a history of each. */
static void test_accepts_what_is_new(void **state)
{
    (void)state;
    begin();
    miss(0, 0);
    find(0, 10, expire_ms);
    miss(0, 10);
    find(0, 11, expire_ms);
    assert_false(told_is_rejected(&told));

    begin();
    miss(0, 10);
    const uint32_t get = told_submit(&told, GKV_OPERATION_GET, 0, 0);
    told.deeds[get].life = 2;
    told_complete(&told, get, &(struct gkv_result){.version = {{10}, 1}, .expire_ms = expire_ms},
                  set);
    assert_false(told_is_rejected(&told));

    begin(); /* by the word of a broken clock */
    told.trial.scenario.skew_ms_max = 8000;
    miss(0, 10);
    find(0, 10, expire_ms);
    assert_false(told_is_rejected(&told));
}

/* Goal: values past their time, or with too much of it, or back from the dead, are rejected.
 * Method: a history of each. */
static void test_rejects_values_past_their_time(void **state)
{
    (void)state;
    for (uint32_t variant = 0; variant < 6; variant++) {
        begin();
        if (variant == 0) { /* by the wall clock */
            wait_ms(TTL_MS);
            find(1, 10, expire_ms);
        } else if (variant == 1) { /* by a fast wall clock */
            told.trial.world.hosts[1].clock.skew_ms_max = 100;
            told.trial.world.hosts[1].clock.wall_offset_ms = 100;
            find(1, 10, expire_ms);
        } else if (variant == 2) { /* by what the node has heard */
            told.trial.clock_watch.floors[1].packed = expire_ms << 16;
            find(1, 10, expire_ms);
        } else if (variant == 3) { /* its time began again */
            find(1, 10, expire_ms + 10);
        } else if (variant == 4) { /* expired, then back */
            miss(1, 10);
            find(1, 10, expire_ms);
        } else { /* the same, though it was never to expire */
            miss(2, 10);
            find(2, 10, 0);
        }
        assert_true(told_is_rejected(&told));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts_values_that_live),
        cmocka_unit_test(test_accepts_what_is_new),
        cmocka_unit_test(test_rejects_values_past_their_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
