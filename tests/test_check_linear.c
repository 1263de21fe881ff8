#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sim/check_linear.h"

/* A trial without a world: a history told by hand, of one node and one key. */
struct told {
    struct gkv_trial trial;
    struct gkv_deed deeds[16];
};

static struct told told;

static void begin(void)
{
    memset(&told, 0, sizeof(told));
    told.trial.history.deeds = told.deeds;
    told.trial.scenario.node_count = 1;
    told.trial.scenario.key_count = 2;
    told.trial.scenario.world.node.replica_count = 3;
    told.trial.scenario.world.node.tombstone_keep_ms = 600000;
    told.trial.world.now_ns = 1000;
}

/* A deed on key 0 that is over, one after the other; its version is its number + 1. */
static uint32_t tell(enum gkv_operation_kind kind, enum gkv_error error)
{
    const uint32_t number = told.trial.history.count++;
    told.deeds[number] = (struct gkv_deed){
        .begin_ns = ++told.trial.world.now_ns,
        .end_ns = ++told.trial.world.now_ns,
        .version.hlc.packed = kind == GKV_OPERATION_GET ? 0 : number + 1u,
        .kind = kind,
        .error = error,
        .read = GKV_HISTORY_NONE,
        .complete_count = 1,
    };
    return number;
}

static uint32_t tell_set(enum gkv_error error)
{
    return tell(GKV_OPERATION_SET, error);
}

/* The node crashed with it. */
static uint32_t tell_lost(enum gkv_operation_kind kind)
{
    const uint32_t number = tell(kind, GKV_OK);
    told.deeds[number].end_ns = 0;
    told.deeds[number].complete_count = 0;
    told.deeds[number].version = (struct gkv_version){.writer = 0};
    told.deeds[number].is_abandoned = true;
    return number;
}

static void tell_get(uint32_t written)
{
    const uint32_t number = tell(GKV_OPERATION_GET, GKV_OK);
    told.deeds[number].read = written;
    told.deeds[number].version = told.deeds[written].version;
}

/* A get that found nothing but the tombstone, or the expired value, of a version. */
static void tell_nothing(uint64_t packed)
{
    const uint32_t number = tell(GKV_OPERATION_GET, GKV_ERROR_NOT_FOUND);
    told.deeds[number].version.hlc.packed = packed;
}

/* What check_linear says to the end of what was told. */
static void assert_verdict(enum gkv_trial_status status)
{
    gkv_check_linear.finish(&told.trial);
    assert_int_equal(told.trial.verdict.status, status);
}

/* Goal: a history that one owner could have made is accepted. Method: sets, deletes and expiries,
 * one in doubt that is seen late, one lost in a crash that is never seen, one that failed. */
static void test_honest_histories_are_accepted(void **state)
{
    (void)state;
    begin();
    tell_nothing(0);
    const uint32_t first = tell_set(GKV_OK);
    tell_get(first);
    const uint32_t doubt = tell_set(GKV_ERROR_IN_DOUBT);
    (void)tell_lost(GKV_OPERATION_SET);
    (void)tell_set(GKV_ERROR_NO_QUORUM);
    (void)tell(GKV_OPERATION_GET, GKV_ERROR_TIMEOUT);
    tell_get(first);
    tell_get(doubt);
    const uint32_t gone = tell(GKV_OPERATION_DELETE, GKV_OK);
    tell_nothing(gone + 1u);
    const uint32_t last = tell_set(GKV_OK);
    told.deeds[last].ttl_ms = 1;
    tell_get(last);
    tell_nothing(last + 1u); /* it has expired */
    assert_verdict(GKV_TRIAL_PASS);
}

/* Goal: each way in which one owner cannot behave is rejected. Method: nine histories. */
static void test_what_one_owner_cannot_do_is_rejected(void **state)
{
    (void)state;
    for (uint32_t variant = 0; variant < 9; variant++) {
        begin();
        const uint32_t first = tell_set(GKV_OK);
        if (variant == 0) { /* the set is not seen */
            tell_nothing(0);
        } else if (variant == 1) { /* stale */
            (void)tell_set(GKV_OK);
            tell_get(first);
        } else if (variant == 2) { /* in doubt, seen, then gone */
            tell_get(tell_set(GKV_ERROR_IN_DOUBT));
            tell_get(first);
        } else if (variant == 3) { /* lost with a node, seen, then gone */
            tell_get(tell_lost(GKV_OPERATION_SET));
            tell_get(first);
        } else if (variant == 4) { /* it failed, and is seen */
            tell_get(tell_set(GKV_ERROR_NO_QUORUM));
        } else if (variant == 5) { /* a tombstone resurrects */
            tell_nothing(tell(GKV_OPERATION_DELETE, GKV_OK) + 1u);
            tell_get(first);
        } else if (variant == 6) { /* a delete that nobody saw does not hide */
            (void)tell(GKV_OPERATION_DELETE, GKV_OK);
            tell_get(first);
        } else if (variant == 7) { /* an expired value hides a newer one */
            told.deeds[first].ttl_ms = 1;
            (void)tell_set(GKV_OK);
            tell_nothing(first + 1u);
        } else { /* forgotten without a trace */
            (void)tell(GKV_OPERATION_DELETE, GKV_OK);
            tell_get(tell_set(GKV_OK));
            tell_nothing(0);
        }
        assert_verdict(GKV_TRIAL_SAFETY);
        assert_int_equal(told.trial.verdict.key, 0);
        assert_string_equal(told.trial.verdict.check, "linear");
    }
}

/* Goal: keys are judged apart, the rate is counted, and a trial to which nothing was promised does
 * not fail. Method: a wrong history of key 0 and a good one of key 1, in a cluster of three. */
static void test_elsewhere_only_the_rate_is_counted(void **state)
{
    (void)state;
    struct gkv_linear linear;
    begin();
    told.trial.scenario.node_count = 3;
    const uint32_t first = tell_set(GKV_OK);
    const uint32_t other = tell_set(GKV_OK);
    told.deeds[other].key = 1;
    tell_get(first);
    tell_nothing(0);
    tell_get(other);
    told.deeds[4].key = 1;
    assert_verdict(GKV_TRIAL_PASS);
    gkv_linear_judge(&told.trial, &linear);
    assert_int_equal(linear.key_count, 2);
    assert_int_equal(linear.wrong_key_count, 1);
    assert_int_equal(linear.first_wrong_key, 0);
    assert_int_equal(linear.read_count, 3);
    assert_int_equal(linear.left_out_count, 0);
    assert_string_equal(linear.text, "the initial value came before write 0 (it was there before 2 "
                                     "began) and after it (0 ended (1002) before 3 began (1007))");
}

/* Goal: a get that cannot be attributed is left out. Method: a version that nobody is known to have
 * written, and nothing found when a tombstone may have been forgotten by a clock that is far
 * ahead. */
static void test_what_cannot_be_told_is_left_out(void **state)
{
    (void)state;
    struct gkv_linear linear;
    begin();
    (void)tell_set(GKV_OK);
    tell_nothing(77);
    told.trial.scenario.world.node.tombstone_keep_ms = 3600000;
    told.trial.scenario.skew_ms_max = 3000000; /* by two such clocks an hour has passed */
    tell_nothing(0);
    assert_verdict(GKV_TRIAL_PASS);
    gkv_linear_judge(&told.trial, &linear);
    assert_int_equal(linear.left_out_count, 2);
    assert_int_equal(linear.read_count, 0);
}

/* Goal: a write that was told any error but IN_DOUBT must never be seen. Method: each error, and a
 * get that sees the write all the same. */
static void test_what_failed_is_never_seen(void **state)
{
    (void)state;
    for (uint32_t error = GKV_OK; error <= GKV_ERROR_MALFORMED; error++) {
        const bool may_be_seen = error == GKV_OK || error == GKV_ERROR_IN_DOUBT;
        begin();
        tell_get(tell_set((enum gkv_error)error));
        assert_verdict(may_be_seen ? GKV_TRIAL_PASS : GKV_TRIAL_SAFETY);
    }
}

/* Goal: it is promised where one owner decides, forgets nothing and stays the owner. Method: each
 * of the conditions alone. */
static void test_where_it_is_promised(void **state)
{
    (void)state;
    struct gkv_scenario scenario = {.node_count = 5};
    scenario.world.node.replica_count = 1;
    assert_true(gkv_linear_is_promised(&scenario));
    scenario.ring_moves = true;
    assert_false(gkv_linear_is_promised(&scenario));
    scenario.ring_moves = false;
    scenario.loses_memory = true;
    assert_false(gkv_linear_is_promised(&scenario));
    scenario.loses_memory = false;
    scenario.world.node.replica_count = 2;
    assert_false(gkv_linear_is_promised(&scenario));
    scenario.node_count = 1;
    assert_true(gkv_linear_is_promised(&scenario));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_honest_histories_are_accepted),
        cmocka_unit_test(test_what_one_owner_cannot_do_is_rejected),
        cmocka_unit_test(test_elsewhere_only_the_rate_is_counted),
        cmocka_unit_test(test_what_cannot_be_told_is_left_out),
        cmocka_unit_test(test_what_failed_is_never_seen),
        cmocka_unit_test(test_where_it_is_promised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
