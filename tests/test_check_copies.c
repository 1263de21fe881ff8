#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/trio.h"

static struct trio trio;

/* A set of version 10 is acknowledged; the nodes of `mask` come to hold `stamp`; then time
 * passes. */
static bool is_rejected(uint32_t mask, uint64_t stamp, uint64_t wait_ms)
{
    const uint32_t number = gkv_history_add(
        &trio.trial.history, &(struct gkv_deed){.kind = GKV_OPERATION_SET, .life = 1});
    struct gkv_deed *deed = &trio.deeds[number];
    struct gkv_output output = {.kind = GKV_OUTPUT_COMPLETE};
    deed->complete_count = 1;
    deed->end_ns = trio.trial.world.now_ns;
    deed->version = (struct gkv_version){{10}, 1};
    output.as.result = (struct gkv_result){.cookie = number + 1u, .version = deed->version};
    gkv_check_copies.observe(&trio.trial, &(struct gkv_observation){.kind = GKV_OBSERVE_OUTPUT,
                                                                    .time_ns = deed->end_ns,
                                                                    .output = &output});
    for (uint32_t i = 0; i < TRIO_NODE_COUNT; i++) {
        if ((mask >> i & 1u) != 0) {
            trio_hold(&trio, i, stamp);
        }
    }
    trio.trial.world.now_ns += wait_ms * GKV_NS_PER_MS; /* nodes do nothing meanwhile */
    gkv_check_copies.observe(
        &trio.trial,
        &(struct gkv_observation){.kind = GKV_OBSERVE_TIMER, .time_ns = trio.trial.world.now_ns});
    const bool has_failed = trio.trial.verdict.status != GKV_TRIAL_PASS;
    trio_end(&trio);
    return has_failed;
}

static void begin(void)
{
    trio_begin(&trio, 3);
    trio.trial.phase = GKV_PHASE_READ;
}

/* Goal: a set that all live owners hold is accepted, or something newer; before its time is over
 * nothing is asked. Method: a history of each. */
static void test_accepts_sets_at_all_owners(void **state)
{
    (void)state;
    begin();
    assert_false(is_rejected(7, 10, 40));
    assert_int_equal(trio.trial.tally.counts[GKV_HOLDS_COPIED], 3);
    begin();
    assert_false(is_rejected(7, 11, 100));
    begin();
    assert_false(is_rejected(0, 10, 39));
    begin();
    gkv_world_crash(&trio.trial.world, 2, 0);
    assert_false(is_rejected(3, 10, 40));
}

/* Goal: nothing is asked while faults strike, where windows are small, clocks broken or stores
 * full. Method: nobody holds it, in each. */
static void test_accepts_what_is_excused(void **state)
{
    (void)state;
    for (uint32_t variant = 0; variant < 5; variant++) {
        begin();
        struct gkv_scenario *scenario = &trio.trial.scenario;
        trio.trial.phase = variant == 0 ? GKV_PHASE_WORK : GKV_PHASE_READ;
        scenario->world.window_bytes = variant == 1 ? 512 : 0;
        scenario->world.receive_bytes_max = variant == 2 ? 8 : 0;
        scenario->may_be_full = variant == 3;
        scenario->skew_ms_max = variant == 4 ? GKV_SCENARIO_SKEW_MS_MAX + 1 : 0;
        assert_false(is_rejected(0, 10, 100));
    }
}

/* Goal: a set that an owner lacks is rejected. Method: each set of owners but all; and an older
 * version at one. */
static void test_rejects_copies_that_are_missing(void **state)
{
    (void)state;
    for (uint32_t mask = 0; mask < 7; mask++) {
        begin();
        assert_true(is_rejected(mask, 10, 40));
    }
    begin();
    assert_true(is_rejected(7, 9, 40));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts_sets_at_all_owners),
        cmocka_unit_test(test_accepts_what_is_excused),
        cmocka_unit_test(test_rejects_copies_that_are_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
