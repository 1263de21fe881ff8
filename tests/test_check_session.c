#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/told.h"

static struct told told;

static void write_as(uint32_t client, uint64_t stamp, enum gkv_error error)
{
    told_complete(&told, told_submit(&told, GKV_OPERATION_SET, 0, client),
                  &(struct gkv_result){.error = error, .version = {{stamp}, 1}}, GKV_HISTORY_NONE);
}

static void read_as(uint32_t client, uint64_t stamp, enum gkv_error error)
{
    told_complete(&told, told_submit(&told, GKV_OPERATION_GET, 1, client),
                  &(struct gkv_result){.error = error, .version = {{stamp}, stamp != 0}},
                  GKV_HISTORY_NONE);
}

/* Goal: a client that sees its own writes or newer ones is content; and what was in doubt, or was
 * another's, or got no answer, promises nothing. Method: a history of each. */
static void test_accepts_what_is_promised(void **state)
{
    (void)state;
    told_begin(&told, &gkv_check_session);
    write_as(0, 10, GKV_OK);
    read_as(0, 10, GKV_OK);
    read_as(0, 12, GKV_OK);
    assert_false(told_is_rejected(&told));

    told_begin(&told, &gkv_check_session);
    write_as(0, 10, GKV_ERROR_IN_DOUBT);
    read_as(0, 0, GKV_ERROR_NOT_FOUND);
    write_as(0, 11, GKV_OK);
    read_as(1, 0, GKV_ERROR_NOT_FOUND);
    read_as(0, 0, GKV_ERROR_TIMEOUT);
    assert_false(told_is_rejected(&told));
}

/* Goal: reads that go back are counted and not rejected; so are missed writes where nothing is
 * promised. Method: a history of each. */
static void test_counts_what_is_not_promised(void **state)
{
    (void)state;
    told_begin(&told, &gkv_check_session);
    read_as(0, 20, GKV_OK);
    read_as(0, 10, GKV_OK);
    assert_false(told_is_rejected(&told));
    assert_int_equal(told.trial.tally.counts[GKV_MET_SESSION_BACK], 1);

    told_begin(&told, &gkv_check_session);
    told.trial.scenario.checks_quorum = false;
    write_as(0, 20, GKV_OK);
    read_as(0, 10, GKV_OK);
    assert_false(told_is_rejected(&told));
    assert_int_equal(told.trial.tally.counts[GKV_MET_SESSION_NOT_OWN], 1);
}

/* Goal: a client that misses its own acknowledged write is rejected. Method: an older value;
 * nothing at all; after others' writes; after a newer read; the older of two writes of its own. */
static void test_rejects_missed_writes(void **state)
{
    (void)state;
    for (uint32_t variant = 0; variant < 5; variant++) {
        told_begin(&told, &gkv_check_session);
        write_as(1, 5, GKV_OK);
        write_as(0, 10, GKV_OK);
        if (variant == 0) {
            read_as(0, 5, GKV_OK);
        } else if (variant == 1) {
            read_as(0, 0, GKV_ERROR_NOT_FOUND);
        } else if (variant == 2) {
            write_as(1, 9, GKV_OK);
            read_as(0, 9, GKV_OK);
        } else if (variant == 3) {
            read_as(0, 12, GKV_OK);
            read_as(0, 9, GKV_ERROR_NOT_FOUND);
        } else {
            write_as(0, 11, GKV_OK);
            read_as(0, 10, GKV_OK);
        }
        assert_true(told_is_rejected(&told));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts_what_is_promised),
        cmocka_unit_test(test_counts_what_is_not_promised),
        cmocka_unit_test(test_rejects_missed_writes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
