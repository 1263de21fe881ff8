#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/hash.h"
#include "core/node.h"
#include "sim/forgetting.h"
#include "tests/told.h"
#include "tests/trio.h"

#define KEEP_MS 2000
#define LONG_MS (KEEP_MS + 100)

static struct told told;
static struct trio trio;

/* ---- What clients are told ------------------------------------------------------------------- */

static void wait_ms(uint64_t ms)
{
    told.trial.world.now_ns += ms * GKV_NS_PER_MS;
}

static struct gkv_version version_of(uint64_t stamp)
{
    return (struct gkv_version){.hlc = {stamp}, .writer = stamp != 0};
}

/* A client writes at the present time, for ttl_ms if that is not 0; returns the stamp. */
static uint64_t tell(enum gkv_operation_kind kind, uint64_t ttl_ms, enum gkv_error error)
{
    const uint32_t number = told_submit(&told, kind, 0, 0);
    const uint64_t stamp = told_stamp(&told, 0, 0);
    told.deeds[number].ttl_ms = ttl_ms;
    told_complete(&told, number, &(struct gkv_result){.error = error, .version = version_of(stamp)},
                  GKV_HISTORY_NONE);
    return stamp;
}

static void look(uint64_t stamp, enum gkv_error error)
{
    told_complete(&told, told_submit(&told, GKV_OPERATION_GET, 1, 0),
                  &(struct gkv_result){.error = error, .version = version_of(stamp)},
                  GKV_HISTORY_NONE);
}

static const struct gkv_check *const readers[] = {&gkv_check_quorum, &gkv_check_session};
#define READER_COUNT (sizeof(readers) / sizeof(readers[0]))

static void begin(size_t reader)
{
    told_begin(&told, readers[reader]);
    told.trial.scenario.world.node.tombstone_keep_ms = KEEP_MS;
}

/* Goal: nothing is found, and no version, of a deletion or a value whose time is over, once it may
 * be forgotten; also when others deleted what was written, or it is in doubt whether they did.
 * Method: a history of each, for each check of what is read. */
static void test_what_is_old_may_be_missed(void **state)
{
    (void)state;
    for (uint32_t variant = 0; variant < 4 * READER_COUNT; variant++) {
        begin(variant % READER_COUNT);
        (void)tell(GKV_OPERATION_SET, 0, GKV_OK);
        if (variant / READER_COUNT == 0) {
            (void)tell(GKV_OPERATION_DELETE, 0, GKV_OK);
        } else if (variant / READER_COUNT == 1) {
            (void)tell(GKV_OPERATION_SET, 50, GKV_OK);
        } else if (variant / READER_COUNT == 2) {
            (void)tell(GKV_OPERATION_DELETE, 0, GKV_ERROR_IN_DOUBT);
        } else {
            told.deeds[0].client = 1;
            (void)tell(GKV_OPERATION_DELETE, 0, GKV_OK);
        }
        wait_ms(LONG_MS);
        look(0, GKV_ERROR_NOT_FOUND);
        assert_false(told_is_rejected(&told));
    }
}

/* Goal: nothing else may be missed, and what was deleted is never read again. Method: a deletion
 * that is too young, also by a clock that is fast; a value with time left, one that has just
 * expired, one without an end; a deletion that failed; and old values, read after it was all
 * forgotten. */
static void test_nothing_else_may_be_missed(void **state)
{
    (void)state;
    for (uint32_t variant = 0; variant < 7 * READER_COUNT; variant++) {
        begin(variant % READER_COUNT);
        const uint64_t first = tell(GKV_OPERATION_SET, 0, GKV_OK);
        uint64_t seen = 0;
        uint64_t wait = LONG_MS;
        if (variant / READER_COUNT == 0) {
            (void)tell(GKV_OPERATION_DELETE, 0, GKV_OK);
            wait = KEEP_MS - 10;
        } else if (variant / READER_COUNT == 1) {
            told.trial.scenario.skew_ms_max = 50;
            (void)tell(GKV_OPERATION_DELETE, 0, GKV_OK);
            wait = KEEP_MS - 60;
        } else if (variant / READER_COUNT == 2) {
            (void)tell(GKV_OPERATION_SET, 2 * LONG_MS, GKV_OK);
        } else if (variant / READER_COUNT == 3) {
            (void)tell(GKV_OPERATION_SET, LONG_MS / 2, GKV_OK);
        } else if (variant / READER_COUNT == 4) {
            (void)tell(GKV_OPERATION_SET, 0, GKV_OK);
        } else if (variant / READER_COUNT == 5) {
            (void)tell(GKV_OPERATION_DELETE, 0, GKV_ERROR_NO_QUORUM);
        } else {
            (void)tell(GKV_OPERATION_DELETE, 0, GKV_OK);
            seen = first;
        }
        wait_ms(wait);
        look(seen, seen == 0 ? GKV_ERROR_NOT_FOUND : GKV_OK);
        assert_true(told_is_rejected(&told));
    }
}

/* Goal: a write that is acknowledged below a deletion is rejected, however long ago that was; and
 * so is a get that finds an older deletion. Method: both, long after. */
static void test_nothing_goes_below_what_was_forgotten(void **state)
{
    (void)state;
    for (uint32_t variant = 0; variant < 2; variant++) {
        begin(0);
        const uint64_t first = tell(GKV_OPERATION_DELETE, 0, GKV_OK);
        (void)tell(GKV_OPERATION_DELETE, 0, GKV_OK);
        wait_ms(10 * LONG_MS);
        if (variant == 0) {
            told_complete(&told, told_submit(&told, GKV_OPERATION_SET, 0, 0),
                          &(struct gkv_result){.version = version_of(first + 1)}, GKV_HISTORY_NONE);
        } else {
            look(first, GKV_ERROR_NOT_FOUND);
        }
        assert_true(told_is_rejected(&told));
    }
}

/* ---- What owners hold ------------------------------------------------------------------------ */

#define AGO_MS 3000 /* within the 4 s that a trio has been running */

/* The stamp of a time so long ago. */
static uint64_t stamp_ago(uint64_t ms)
{
    return (gkv_sim_clock_true_ms(trio.trial.world.now_ns) - ms) << GKV_HLC_COUNTER_BITS;
}

static void begin_trio(void)
{
    trio_begin(&trio, 3);
    trio.trial.phase = GKV_PHASE_HEAL;
    trio.trial.scenario.forgets_nothing = true;
    trio.trial.scenario.world.node.tombstone_keep_ms = KEEP_MS;
}

static void bury(uint32_t node, uint64_t stamp)
{
    char text[16];
    const struct gkv_bytes bytes = gkv_history_key(0, text);
    const struct gkv_key key = {
        bytes, gkv_hash(bytes.data, bytes.count, trio.trial.scenario.world.node.hash_seed)};
    const struct gkv_record record = {.version = version_of(stamp), .is_tombstone = true};
    struct gkv_store *store = (struct gkv_store *)(uintptr_t)gkv_node_store(trio_node(&trio, node));
    assert_int_equal(gkv_store_put(store, key, &record, NULL), GKV_STORE_STORED);
}

/* The key was deleted, so long ago, and that was acknowledged. */
static uint64_t delete_ago(uint64_t ms)
{
    const uint64_t stamp = stamp_ago(ms);
    const uint64_t begin_ns = trio.trial.world.now_ns - ms * GKV_NS_PER_MS;
    (void)gkv_history_add(&trio.trial.history, &(struct gkv_deed){.kind = GKV_OPERATION_DELETE,
                                                                  .begin_ns = begin_ns,
                                                                  .end_ns = begin_ns + 1,
                                                                  .version = version_of(stamp)});
    trio.trial.floors[0] = version_of(stamp);
    trio.trial.durable_watch.newest[0].version = version_of(stamp);
    return stamp;
}

static bool store_is_rejected(void)
{
    const bool is_settled = trio_is_settled(&trio, &gkv_check_store);
    const bool is_failed = trio.trial.verdict.status != GKV_TRIAL_PASS;
    trio_end(&trio);
    return !is_settled || is_failed;
}

/* Goal: an old deletion may be gone at any of its owners, and a young one at none. Method: nobody
 * holds it, or one of three. */
static void test_owners_forget_one_by_one(void **state)
{
    (void)state;
    for (uint32_t variant = 0; variant < 4; variant++) {
        const bool is_old = variant < 2;
        begin_trio();
        const uint64_t stamp = delete_ago(is_old ? AGO_MS : KEEP_MS - 100);
        if (variant % 2 == 1) {
            bury(1, stamp);
        }
        assert_int_equal(store_is_rejected(), !is_old);
    }
}

/* Goal: values that were deleted do not come back. Method: all owners hold an older one, or one
 * does, after the deletion was forgotten. */
static void test_values_do_not_come_back(void **state)
{
    (void)state;
    for (uint32_t variant = 0; variant < 2; variant++) {
        begin_trio();
        const uint64_t stamp = delete_ago(AGO_MS);
        for (uint32_t i = 0; i < (variant == 0 ? 3 : 1); i++) {
            trio_hold(&trio, i, stamp - 1);
        }
        assert_true(store_is_rejected());
    }
}

/* Goal: what nobody forgets is rejected, once a sweep must have come by. Method: a deletion that
 * all hold, before and after; and one that was asked for in between. */
static void test_nobody_remembers_for_ever(void **state)
{
    (void)state;
    for (uint32_t variant = 0; variant < 3; variant++) {
        begin_trio();
        const uint64_t stamp = delete_ago(AGO_MS);
        for (uint32_t i = 0; i < 3; i++) {
            bury(i, stamp);
        }
        trio_run_ms(&trio, variant == 0 ? 5000 : 12000);
        if (variant == 2) {
            (void)gkv_history_add(&trio.trial.history,
                                  &(struct gkv_deed){.begin_ns = trio.trial.world.now_ns});
        }
        assert_int_equal(store_is_rejected(), variant == 1);
    }
}

/* Goal: whoever waits for it sees everything overdue that is still held, by the slowest clock too;
 * nobody waits where deletions are remembered for long. Method: a deletion of now, a millisecond
 * before the wait is over for a node that is never late, and after it. */
static void test_wait_is_long_enough(void **state)
{
    (void)state;
    begin_trio();
    struct gkv_scenario *scenario = &trio.trial.scenario;
    assert_int_equal(gkv_forgetting_wait_ns(scenario), 0);
    scenario->short_keep_ms = KEEP_MS;
    scenario->skew_ms_max = 50;
    const struct gkv_record record = {.version = version_of(delete_ago(0)), .is_tombstone = true};
    const uint64_t early_ns = (KEEP_MS + 6400 - 1) * GKV_NS_PER_MS;
    trio.trial.world.now_ns += early_ns;
    assert_false(gkv_forgetting_is_overdue(&trio.trial, 0, &record));
    trio.trial.world.now_ns += gkv_forgetting_wait_ns(scenario) - early_ns;
    assert_true(gkv_forgetting_is_overdue(&trio.trial, 0, &record));
    trio_end(&trio);
}

/* Goal: an owner that lost the newest deletion before its time is rejected, though it has forgotten
 * another one. Method: its number of what was forgotten, and a deletion that is young or old. */
static void test_no_excuse_for_a_young_deletion(void **state)
{
    (void)state;
    for (uint32_t variant = 0; variant < 2; variant++) {
        begin_trio();
        const uint64_t stamp = delete_ago(variant == 0 ? AGO_MS : KEEP_MS - 100);
        for (uint32_t i = 0; i < 3; i++) {
            struct gkv_store *store =
                (struct gkv_store *)(uintptr_t)gkv_node_store(trio_node(&trio, i));
            gkv_forgotten_note(&store->forgotten, version_of(stamp + 1));
        }
        gkv_check_durable.finish(&trio.trial);
        assert_int_equal(trio.trial.verdict.status != GKV_TRIAL_PASS, variant == 1);
        trio_end(&trio);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_old_may_be_missed),
        cmocka_unit_test(test_nothing_else_may_be_missed),
        cmocka_unit_test(test_nothing_goes_below_what_was_forgotten),
        cmocka_unit_test(test_owners_forget_one_by_one),
        cmocka_unit_test(test_values_do_not_come_back),
        cmocka_unit_test(test_nobody_remembers_for_ever),
        cmocka_unit_test(test_wait_is_long_enough),
        cmocka_unit_test(test_no_excuse_for_a_young_deletion),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
