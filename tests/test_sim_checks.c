#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/check.h"
#include "sim/history.h"
#include "sim/trial.h"
#include "sim/workload.h"

/* A trial without a world: a history told by hand, that the checks must accept or reject. */
struct told {
    struct gkv_trial trial;
    struct gkv_deed deeds[16];
};

static struct told told;

static void begin(void)
{
    memset(&told, 0, sizeof(told));
    told.trial.history.deeds = told.deeds;
    told.trial.scenario.node_count = 3;
    told.trial.scenario.key_count = 1;
    told.trial.scenario.checks_quorum = true;
    told.trial.scenario.world.node.operation_timeout_ms = 1000;
    told.trial.phase = GKV_PHASE_WORK;
    told.trial.world.now_ns = 1000;
}

static void observe(const struct gkv_check *check, const struct gkv_observation *observation)
{
    check->observe(&told.trial, observation);
}

/* A client asks for a key; returns the number of the deed. */
static uint32_t submit_of(const struct gkv_check *check, enum gkv_operation_kind kind, uint32_t key)
{
    const uint32_t number = gkv_history_add(
        &told.trial.history,
        &(struct gkv_deed){
            .kind = kind, .begin_ns = ++told.trial.world.now_ns, .key = key, .value_bytes = 16});
    const struct gkv_operation operation = {.cookie = number + 1u, .kind = kind};
    if (check == &gkv_check_quorum) {
        observe(check,
                &(struct gkv_observation){.kind = GKV_OBSERVE_SUBMIT, .operation = &operation});
    }
    return number;
}

static uint32_t submit(const struct gkv_check *check, enum gkv_operation_kind kind)
{
    return submit_of(check, kind, 0);
}

/* And is told a result; a get reads the value of deed `read`. */
static void complete_with(const struct gkv_check *check, uint32_t number, enum gkv_error error,
                          struct gkv_version version, uint32_t read)
{
    uint8_t value[16];
    struct gkv_output output = {.kind = GKV_OUTPUT_COMPLETE};
    output.as.result.cookie = number + 1u;
    output.as.result.error = error;
    output.as.result.version = version;
    if (read != GKV_HISTORY_NONE) {
        gkv_history_value(read, value, sizeof(value));
        output.as.result.value = (struct gkv_bytes){.data = value, .count = sizeof(value)};
    }
    struct gkv_deed *deed = &told.deeds[number];
    deed->complete_count++;
    deed->end_ns = ++told.trial.world.now_ns;
    deed->error = error;
    deed->version = output.as.result.version;
    observe(check, &(struct gkv_observation){.kind = GKV_OBSERVE_OUTPUT, .output = &output});
}

/* The same with a stamp alone. */
static void complete(const struct gkv_check *check, uint32_t number, enum gkv_error error,
                     uint64_t stamp, uint32_t read)
{
    complete_with(check, number, error, (struct gkv_version){.hlc = {stamp}}, read);
}

static void assert_verdict(enum gkv_trial_status status)
{
    assert_int_equal(told.trial.verdict.status, status);
}

/* Goal: check_quorum accepts what QUORUM allows: newer than asked for, concurrent in any order, and
 * nothing seen of a set that was in doubt.
 * Method: a history of each. */
static void test_quorum_accepts_what_is_promised(void **state)
{
    (void)state;
    begin();
    const struct gkv_check *check = &gkv_check_quorum;
    const uint32_t first = submit(check, GKV_OPERATION_SET);
    complete(check, first, GKV_OK, 10, GKV_HISTORY_NONE);
    const uint32_t doubt = submit(check, GKV_OPERATION_SET);
    complete(check, doubt, GKV_ERROR_IN_DOUBT, 20, GKV_HISTORY_NONE);
    const uint32_t get = submit(check, GKV_OPERATION_GET);
    complete(check, get, GKV_OK, 10, first);
    const uint32_t left = submit(check, GKV_OPERATION_SET);
    const uint32_t right = submit(check, GKV_OPERATION_SET);
    const uint32_t early = submit(check, GKV_OPERATION_GET);
    complete(check, left, GKV_OK, 40, GKV_HISTORY_NONE);
    complete(check, right, GKV_OK, 30, GKV_HISTORY_NONE); /* began before left was acknowledged */
    complete(check, early, GKV_OK, 10, first);            /* so did this get */
    assert_verdict(GKV_TRIAL_PASS);
}

/* Goal: check_quorum rejects a get that misses an acknowledged set, found or not, and one that
 * misses a delete. Method: a history of each. */
static void test_quorum_rejects_a_lost_write(void **state)
{
    (void)state;
    const struct gkv_check *check = &gkv_check_quorum;
    for (uint32_t variant = 0; variant < 3; variant++) {
        begin();
        const uint32_t first = submit(check, GKV_OPERATION_SET);
        complete(check, first, GKV_OK, 10, GKV_HISTORY_NONE);
        const uint32_t second =
            submit(check, variant == 2 ? GKV_OPERATION_DELETE : GKV_OPERATION_SET);
        complete(check, second, GKV_OK, 20, GKV_HISTORY_NONE);
        assert_verdict(GKV_TRIAL_PASS);
        const uint32_t get = submit(check, GKV_OPERATION_GET);
        if (variant == 1) {
            complete(check, get, GKV_ERROR_NOT_FOUND, 0, GKV_HISTORY_NONE);
        } else {
            complete(check, get, GKV_OK, 10, first);
        }
        assert_verdict(GKV_TRIAL_SAFETY);
    }
}

/* Goal: check_quorum rejects an acknowledged set that an older one hides: what the STALE answer
 * prevents. Method: the second writer's clock is slow. */
static void test_quorum_rejects_a_hidden_write(void **state)
{
    (void)state;
    begin();
    const struct gkv_check *check = &gkv_check_quorum;
    const uint32_t first = submit(check, GKV_OPERATION_SET);
    complete(check, first, GKV_OK, 20, GKV_HISTORY_NONE);
    const uint32_t second = submit(check, GKV_OPERATION_SET);
    complete(check, second, GKV_OK, 15, GKV_HISTORY_NONE);
    assert_verdict(GKV_TRIAL_SAFETY);
}

/* Goal: check_quorum compares whole versions: a get sees the greatest that was acknowledged or a
 * greater one, deleted or not, and a write is above it; what was not acknowledged may be anything.
 * Method: a set is acknowledged as 10, written by 2; then one operation with each outcome. */
static void test_quorum_compares_versions(void **state)
{
    static const struct {
        enum gkv_operation_kind kind;
        enum gkv_error error;
        struct gkv_version version;
        enum gkv_trial_status status;
    } outcomes[] = {
        {GKV_OPERATION_GET, GKV_OK, {{10}, 2}, GKV_TRIAL_PASS},
        {GKV_OPERATION_GET, GKV_OK, {{10}, 3}, GKV_TRIAL_PASS},
        {GKV_OPERATION_GET, GKV_OK, {{10}, 1}, GKV_TRIAL_SAFETY},
        {GKV_OPERATION_GET, GKV_ERROR_NOT_FOUND, {{11}, 1}, GKV_TRIAL_PASS},
        {GKV_OPERATION_GET, GKV_ERROR_NOT_FOUND, {{9}, 3}, GKV_TRIAL_SAFETY},
        {GKV_OPERATION_GET, GKV_ERROR_TIMEOUT, {{0}, 0}, GKV_TRIAL_PASS},
        {GKV_OPERATION_SET, GKV_OK, {{10}, 3}, GKV_TRIAL_PASS},
        {GKV_OPERATION_SET, GKV_OK, {{10}, 2}, GKV_TRIAL_SAFETY},
        {GKV_OPERATION_SET, GKV_OK, {{10}, 1}, GKV_TRIAL_SAFETY},
        {GKV_OPERATION_SET, GKV_ERROR_IN_DOUBT, {{9}, 2}, GKV_TRIAL_PASS},
        {GKV_OPERATION_DELETE, GKV_OK, {{11}, 1}, GKV_TRIAL_PASS},
        {GKV_OPERATION_DELETE, GKV_OK, {{9}, 3}, GKV_TRIAL_SAFETY},
    };
    (void)state;
    const struct gkv_check *check = &gkv_check_quorum;
    for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
        for (uint32_t promised = 0; promised < 2; promised++) {
            begin();
            told.trial.scenario.checks_quorum = promised != 0;
            const uint32_t first = submit(check, GKV_OPERATION_SET);
            complete_with(check, first, GKV_OK, (struct gkv_version){{10}, 2}, GKV_HISTORY_NONE);
            complete_with(check, submit(check, outcomes[i].kind), outcomes[i].error,
                          outcomes[i].version, GKV_HISTORY_NONE);
            assert_verdict(promised != 0 ? outcomes[i].status : GKV_TRIAL_PASS);
        }
    }
}

/* Goal: what counts is what was acknowledged when an operation began, and of its own key: no more,
 * and no less. Method: two sets are acknowledged, of one key or two, the second while gets of both
 * keys are under way; each get sees one version. */
static void test_quorum_looks_at_the_beginning_and_the_key(void **state)
{
    static const struct {
        uint32_t set_key; /* of the second set; the first is of k0 */
        uint32_t get_key;
        bool is_early; /* begins before the second set is acknowledged */
        uint64_t seen;
        enum gkv_trial_status status;
    } gets[] = {
        {0, 0, true, 20, GKV_TRIAL_PASS},  {0, 0, true, 10, GKV_TRIAL_PASS},
        {0, 0, true, 9, GKV_TRIAL_SAFETY}, {0, 0, false, 10, GKV_TRIAL_SAFETY},
        {1, 0, false, 10, GKV_TRIAL_PASS}, {1, 0, false, 9, GKV_TRIAL_SAFETY},
        {1, 1, true, 0, GKV_TRIAL_PASS},   {1, 1, false, 10, GKV_TRIAL_SAFETY},
    };
    (void)state;
    const struct gkv_check *check = &gkv_check_quorum;
    for (size_t i = 0; i < sizeof(gets) / sizeof(gets[0]); i++) {
        begin();
        told.trial.scenario.key_count = 2;
        complete(check, submit(check, GKV_OPERATION_SET), GKV_OK, 10, GKV_HISTORY_NONE);
        const uint32_t second = submit_of(check, GKV_OPERATION_SET, gets[i].set_key);
        const uint32_t early = submit_of(check, GKV_OPERATION_GET, gets[i].get_key);
        complete(check, second, GKV_OK, 20, GKV_HISTORY_NONE);
        const uint32_t late = submit_of(check, GKV_OPERATION_GET, gets[i].get_key);
        complete(check, gets[i].is_early ? early : late,
                 gets[i].seen == 0 ? GKV_ERROR_NOT_FOUND : GKV_OK, gets[i].seen, GKV_HISTORY_NONE);
        assert_verdict(gets[i].status);
    }
}

/* Goal: check_value rejects bytes that nobody wrote, bytes of another operation that is no set, and
 * accepts the real ones. Method: a history of each. */
static void test_value_knows_what_was_written(void **state)
{
    (void)state;
    const struct gkv_check *check = &gkv_check_value;
    for (uint32_t variant = 0; variant < 3; variant++) {
        begin();
        const uint32_t set = submit(check, GKV_OPERATION_SET);
        const uint32_t other = submit(check, GKV_OPERATION_DELETE);
        const uint32_t get = submit(check, GKV_OPERATION_GET);
        complete(check, get, GKV_OK, 10, variant == 0 ? set : variant == 1 ? other : 9);
        assert_verdict(variant == 0 ? GKV_TRIAL_PASS : GKV_TRIAL_SAFETY);
    }
}

/* Goal: check_value rejects a value whose set failed for certain, before the get or after it, and
 * accepts one that is in doubt. Method: a history of each, with every error. */
static void test_value_of_a_failed_set_is_never_seen(void **state)
{
    (void)state;
    const struct gkv_check *check = &gkv_check_value;
    static const enum gkv_error errors[] = {
        GKV_OK,           GKV_ERROR_IN_DOUBT,    GKV_ERROR_NO_QUORUM,
        GKV_ERROR_MEMORY, GKV_ERROR_CLOCK_DRIFT, GKV_ERROR_BUSY};
    for (uint32_t variant = 0; variant < 12; variant++) {
        begin();
        const uint32_t set = submit(check, GKV_OPERATION_SET);
        const uint32_t get = submit(check, GKV_OPERATION_GET);
        if (variant % 2 == 0) {
            complete(check, set, errors[variant / 2], 10, GKV_HISTORY_NONE);
        }
        complete(check, get, GKV_OK, 10, set);
        if (variant % 2 == 1) {
            assert_verdict(GKV_TRIAL_PASS);
            complete(check, set, errors[variant / 2], 10, GKV_HISTORY_NONE);
        }
        assert_verdict(variant / 2 < 2 ? GKV_TRIAL_PASS : GKV_TRIAL_SAFETY);
    }
}

/* Goal: check_value rejects a value that is gone under its own version: never to expire, or not
 * yet; and accepts one that has expired, was deleted, or that nobody knows.
 * Method: a history of each; the clock stands at 1 s and the ttl is one hour. */
static void test_value_is_kept(void **state)
{
    (void)state;
    const struct gkv_check *check = &gkv_check_value;
    for (uint32_t variant = 0; variant < 5; variant++) {
        begin();
        const uint32_t set = submit(check, GKV_OPERATION_SET);
        told.deeds[set].ttl_ms = variant == 0 ? 0 : 3600000;
        complete(check, set, GKV_OK, 10, GKV_HISTORY_NONE);
        if (variant == 2) {
            told.trial.world.now_ns += 3602000 * GKV_NS_PER_MS;
        }
        const uint32_t get = submit(check, GKV_OPERATION_GET);
        complete(check, get, GKV_ERROR_NOT_FOUND,
                 variant == 3   ? 20
                 : variant == 4 ? 0
                                : 10,
                 GKV_HISTORY_NONE);
        assert_verdict(variant < 2 ? GKV_TRIAL_SAFETY : GKV_TRIAL_PASS);
    }
}

/* Goal: a damaged byte anywhere in a value is seen. Method: flip each bit of one value. */
static void test_value_sees_every_damaged_bit(void **state)
{
    (void)state;
    begin();
    const uint32_t set = submit(&gkv_check_value, GKV_OPERATION_SET);
    uint8_t value[16];
    const struct gkv_bytes bytes = {.data = value, .count = sizeof(value)};
    gkv_history_value(set, value, sizeof(value));
    assert_int_equal(gkv_history_writer(&told.trial.history, 0, bytes), set);
    assert_int_equal(gkv_history_writer(&told.trial.history, 1, bytes), GKV_HISTORY_NONE);
    for (uint32_t i = 0; i < 128; i++) {
        value[i / 8] = (uint8_t)(value[i / 8] ^ 1u << i % 8);
        assert_int_equal(gkv_history_writer(&told.trial.history, 0, bytes), GKV_HISTORY_NONE);
        value[i / 8] = (uint8_t)(value[i / 8] ^ 1u << i % 8);
    }
}

/* Goal: check_open rejects a second completion, one that nobody asked for, and one that is late.
 * Method: a history of each. */
static void test_open_wants_one_completion(void **state)
{
    (void)state;
    const struct gkv_check *check = &gkv_check_open;
    begin();
    const uint32_t get = submit(check, GKV_OPERATION_GET);
    complete(check, get, GKV_ERROR_NOT_FOUND, 0, GKV_HISTORY_NONE);
    assert_verdict(GKV_TRIAL_PASS);
    complete(check, get, GKV_ERROR_NOT_FOUND, 0, GKV_HISTORY_NONE);
    assert_verdict(GKV_TRIAL_SAFETY);

    begin();
    struct gkv_output output = {.kind = GKV_OUTPUT_COMPLETE};
    output.as.result.cookie = 5;
    observe(check, &(struct gkv_observation){.kind = GKV_OBSERVE_OUTPUT, .output = &output});
    assert_verdict(GKV_TRIAL_SAFETY);

    begin();
    const uint32_t late = submit(check, GKV_OPERATION_GET);
    told.trial.world.now_ns += UINT64_C(5000000000);
    complete(check, late, GKV_ERROR_TIMEOUT, 0, GKV_HISTORY_NONE);
    assert_verdict(GKV_TRIAL_SAFETY);

    begin(); /* as late, but the node was paused for as long */
    const uint32_t paused = submit(check, GKV_OPERATION_GET);
    told.trial.world.now_ns += UINT64_C(5000000000);
    told.trial.world.hosts[0].pause_total_ns += UINT64_C(4500000000);
    complete(check, paused, GKV_ERROR_TIMEOUT, 0, GKV_HISTORY_NONE);
    assert_verdict(GKV_TRIAL_PASS);

    begin(); /* of an earlier life of the node */
    const uint32_t early = submit(check, GKV_OPERATION_GET);
    told.trial.world.hosts[0].life_count = 1;
    complete(check, early, GKV_ERROR_TIMEOUT, 0, GKV_HISTORY_NONE);
    assert_verdict(GKV_TRIAL_SAFETY);
}

/* Goal: check_open allows what makes a timer late, and no more. Method: an operation that takes so
 * long, and one that takes longer; complete() lets 1 ns pass itself. */
static void test_open_knows_how_late_timers_are(void **state)
{
    (void)state;
    const struct gkv_check *check = &gkv_check_open;
    for (uint32_t too_long_ns = 0; too_long_ns < 2; too_long_ns++) {
        begin();
        told.trial.scenario.world.timer_late_ns_max = 3000000;
        told.trial.scenario.clock_grain_ms = 8;
        const uint32_t get = submit(check, GKV_OPERATION_GET);
        told.trial.world.now_ns += UINT64_C(1012000000) - 1 + too_long_ns;
        complete(check, get, GKV_ERROR_TIMEOUT, 0, GKV_HISTORY_NONE);
        assert_verdict(too_long_ns > 0 ? GKV_TRIAL_SAFETY : GKV_TRIAL_PASS);
    }
}

/* Goal: in the quiet cluster a get must be answered and a set must succeed, where that was
 * promised.
 * Method: each outcome, in the last phase. */
static void test_open_wants_answers_when_all_is_quiet(void **state)
{
    (void)state;
    const struct gkv_check *check = &gkv_check_open;
    static const struct {
        enum gkv_operation_kind kind;
        enum gkv_error error;
        bool is_expected;
    } outcomes[] = {
        {GKV_OPERATION_GET, GKV_OK, true},
        {GKV_OPERATION_GET, GKV_ERROR_NOT_FOUND, true},
        {GKV_OPERATION_SET, GKV_OK, true},
        {GKV_OPERATION_GET, GKV_ERROR_TIMEOUT, false},
        {GKV_OPERATION_GET, GKV_ERROR_BUSY, false},
        {GKV_OPERATION_SET, GKV_ERROR_MEMORY, false},
        {GKV_OPERATION_SET, GKV_ERROR_IN_DOUBT, false},
        {GKV_OPERATION_SET, GKV_ERROR_NO_QUORUM, false},
    };
    for (uint32_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
        begin();
        told.trial.phase = GKV_PHASE_READ;
        told.trial.scenario.expects_answers = true;
        complete(check, submit(check, outcomes[i].kind), outcomes[i].error, 0, GKV_HISTORY_NONE);
        assert_verdict(outcomes[i].is_expected ? GKV_TRIAL_PASS : GKV_TRIAL_LIVENESS);
    }
}

/* Goal: no set is refused for want of memory where stores evict. Method: while faults strike, with
 * and without. */
static void test_open_wants_room_in_caches(void **state)
{
    (void)state;
    const struct gkv_check *check = &gkv_check_open;
    for (uint32_t variant = 0; variant < 2; variant++) {
        begin();
        told.trial.scenario.may_be_full = true;
        told.trial.scenario.evicts = variant == 1;
        complete(check, submit(check, GKV_OPERATION_SET), GKV_ERROR_MEMORY, 0, GKV_HISTORY_NONE);
        assert_verdict(variant == 0 ? GKV_TRIAL_PASS : GKV_TRIAL_SAFETY);
    }
}

/* Goal: the same seed is the same run; another seed is another. Method: run them. */
static void test_trial_repeats(void **state)
{
    (void)state;
    static struct gkv_trial_summary first;
    static struct gkv_trial_summary again;
    static struct gkv_trial_summary other;
    gkv_trial_run(3, true, &first);
    gkv_trial_run(3, true, &again);
    gkv_trial_run(4, true, &other);
    assert_int_equal(first.status, GKV_TRIAL_PASS);
    assert_memory_equal(first.chain, again.chain, sizeof(first.chain));
    assert_int_equal(first.event_count, again.event_count);
    assert_memory_not_equal(first.chain, other.chain, sizeof(first.chain));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quorum_accepts_what_is_promised),
        cmocka_unit_test(test_quorum_rejects_a_lost_write),
        cmocka_unit_test(test_quorum_rejects_a_hidden_write),
        cmocka_unit_test(test_quorum_compares_versions),
        cmocka_unit_test(test_quorum_looks_at_the_beginning_and_the_key),
        cmocka_unit_test(test_value_knows_what_was_written),
        cmocka_unit_test(test_value_of_a_failed_set_is_never_seen),
        cmocka_unit_test(test_value_is_kept),
        cmocka_unit_test(test_value_sees_every_damaged_bit),
        cmocka_unit_test(test_open_wants_one_completion),
        cmocka_unit_test(test_open_knows_how_late_timers_are),
        cmocka_unit_test(test_open_wants_answers_when_all_is_quiet),
        cmocka_unit_test(test_open_wants_room_in_caches),
        cmocka_unit_test(test_trial_repeats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
