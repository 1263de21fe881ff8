#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/hash.h"
#include "tests/told.h"

static struct told told;

static void ping(uint32_t node, uint64_t stamp)
{
    told_say(&told, node, 0,
             (struct gkv_message){.kind = GKV_MESSAGE_PING, .hlc = {.packed = stamp}});
}

/* A frame in a stream that says what is held under a version. */
static void say_write(uint64_t stamp, uint64_t version, const char *key, const char *value)
{
    struct gkv_message message = {.kind = GKV_MESSAGE_WRITE, .hlc = {.packed = stamp}};
    message.as.write.key = (struct gkv_bytes){.data = (const uint8_t *)key, .count = 2};
    message.as.write.record.version = (struct gkv_version){{version}, 7};
    message.as.write.record.is_tombstone = value == NULL;
    if (value != NULL) {
        message.as.write.record.value =
            (struct gkv_bytes){.data = (const uint8_t *)value, .count = 4};
    }
    told_say(&told, 0, 5, message);
}

/* Who writes by its own clock in a life of this boot: core/quorum.h. */
static uint64_t writer_of(uint32_t node, uint64_t boot_id)
{
    uint8_t bytes[24];
    memcpy(bytes, told.trial.ids[node].bytes, 16);
    for (uint32_t i = 0; i < 8; i++) {
        bytes[16 + i] = (uint8_t)(boot_id >> (8 * i));
    }
    return gkv_hash128(bytes, sizeof(bytes), 0).low;
}

static void complete_as(uint32_t number, uint64_t stamp, uint64_t writer)
{
    told_complete(&told, number, &(struct gkv_result){.version = {{stamp}, writer}},
                  GKV_HISTORY_NONE);
}

static void complete(uint32_t number, uint64_t stamp)
{
    complete_as(number, stamp, writer_of(told.deeds[number].node, 100));
}

static void begin(void)
{
    told_begin(&told, &gkv_check_clock);
    for (uint32_t i = 0; i < 3; i++) {
        told_input(&told, i, GKV_OBSERVE_BOOT);
    }
}

/* Goal: stamps that grow are accepted: by wall time, by counting, after what was accepted, and from
 * the first again in a new life. Method: a history of each. */
static void test_accepts_growing_stamps(void **state)
{
    (void)state;
    begin();
    const uint64_t first = told_stamp(&told, 0, 0);
    ping(0, first);
    ping(0, first + 1);
    told_arrive(&told, 1, 0, first);
    ping(1, first); /* said in the same input: before it was accepted, for all we know */
    told_input(&told, 1, GKV_OBSERVE_TIMER);
    ping(1, first + 1);
    assert_false(told_is_rejected(&told));

    told_input(&told, 0, GKV_OBSERVE_BOOT);
    ping(0, first);
    assert_false(told_is_rejected(&told));
}

/* Goal: a stamp from too far ahead is not followed, and writes may share a stamp if not a version.
 * Method: a history of each. */
static void test_accepts_what_is_refused_by_the_clock(void **state)
{
    (void)state;
    begin();
    const uint64_t far = told_stamp(&told, 600, 0);
    told.trial.scenario.skew_ms_max = 1000;
    told_arrive(&told, 1, 0, far);
    told_input(&told, 1, GKV_OBSERVE_TIMER);
    ping(1, told_stamp(&told, 0, 0));
    assert_false(told_is_rejected(&told));

    const uint64_t stamp = told_stamp(&told, 0, 0);
    say_write(stamp, stamp, "k1", "same");
    say_write(stamp + 1, stamp, "k1", "same");
    complete(told_submit(&told, GKV_OPERATION_SET, 0, 0), told_stamp(&told, 0, 0));
    assert_false(told_is_rejected(&told));
}

/* Goal: a frame that waited in its stream may be older than a datagram. Method: say both. */
static void test_accepts_frames_that_waited(void **state)
{
    (void)state;
    begin();
    const uint64_t stamp = told_stamp(&told, 0, 0);
    ping(0, stamp + 9);
    say_write(stamp, stamp, "k1", "same");
    say_write(stamp + 1, stamp + 1, "k1", "more");
    assert_false(told_is_rejected(&told));
}

/* Goal: every kind of stamp that does not grow is rejected. Method: a history of each. */
static void test_rejects_stamps_that_do_not_grow(void **state)
{
    (void)state;
    for (uint32_t variant = 0; variant < 6; variant++) {
        begin();
        const uint64_t stamp = told_stamp(&told, 0, 5);
        if (variant == 0) { /* the same again */
            ping(0, stamp);
            ping(0, stamp);
        } else if (variant == 1) { /* back */
            ping(0, stamp);
            ping(0, stamp - 1);
        } else if (variant == 2) { /* in a stream */
            say_write(stamp, stamp, "k1", "same");
            say_write(stamp, stamp, "k1", "same");
        } else if (variant == 3) { /* not above what was accepted in a datagram */
            told_arrive(&told, 1, 0, stamp);
            told_input(&told, 1, GKV_OBSERVE_TIMER);
            ping(1, stamp);
        } else if (variant == 4) { /* nor in a stream */
            told_arrive(&told, 1, 5, stamp);
            told_input(&told, 1, GKV_OBSERVE_TIMER);
            ping(1, stamp - 1);
        } else { /* a write not above what its coordinator had accepted */
            told_arrive(&told, 1, 0, stamp);
            complete(told_submit(&told, GKV_OPERATION_SET, 1, 0), stamp);
        }
        assert_true(told_is_rejected(&told));
    }
}

/* Goal: stamps ahead of all clocks, or further ahead than a node may follow, are rejected.
 * Method: one of each kind, and one just within each bound. */
static void test_rejects_stamps_from_the_future(void **state)
{
    (void)state;
    begin();
    ping(0, told_stamp(&told, 2, 0)); /* 1 ms passes as it is said */
    assert_false(told_is_rejected(&told));
    ping(0, told_stamp(&told, 3, 0));
    assert_true(told_is_rejected(&told));

    begin();
    told.trial.scenario.skew_ms_max = 8000;
    told_input(&told, 0, GKV_OBSERVE_TIMER);
    ping(0, told_stamp(&told, 500, 0));
    assert_false(told_is_rejected(&told));
    ping(0, told_stamp(&told, 510, 0)); /* its own wall clock is right */
    assert_true(told_is_rejected(&told));

    begin();
    complete(told_submit(&told, GKV_OPERATION_SET, 0, 0), told_stamp(&told, 10, 0));
    assert_true(told_is_rejected(&told));
}

/* Goal: two writes of one version are rejected, told to clients or seen in messages.
 * Method: two deeds; another key, value, or a deletion under a version. */
static void test_rejects_a_version_used_twice(void **state)
{
    (void)state;
    begin();
    const uint32_t first = told_submit(&told, GKV_OPERATION_SET, 0, 0);
    const uint32_t second = told_submit(&told, GKV_OPERATION_DELETE, 0, 1);
    const uint64_t stamp = told_stamp(&told, 0, 0);
    complete(first, stamp);
    assert_false(told_is_rejected(&told));
    complete(second, stamp);
    assert_true(told_is_rejected(&told));

    static const char *const keys[] = {"k2", "k1", "k1"};
    static const char *const values[] = {"same", "else", NULL};
    for (uint32_t variant = 0; variant < 3; variant++) {
        begin();
        const uint64_t version = told_stamp(&told, 0, 0);
        say_write(version, version, "k1", "same");
        assert_false(told_is_rejected(&told));
        say_write(version + 1, version, keys[variant], values[variant]);
        assert_true(told_is_rejected(&told));
    }
}

/* Goal: a version names the life that wrote it, unless its stamp is further ahead than the clock
 * may follow. Method: the writers of this life, of an earlier one, of another node and of none;
 * then the last, with a stamp just above what any clock can follow, and just below. */
static void test_rejects_another_writer(void **state)
{
    (void)state;
    for (uint32_t variant = 0; variant < 4; variant++) {
        begin();
        const uint64_t writers[] = {writer_of(0, 100), writer_of(0, 99), writer_of(1, 100), 7};
        complete_as(told_submit(&told, GKV_OPERATION_SET, 0, 0), told_stamp(&told, 0, 0),
                    writers[variant]);
        assert_int_equal(told_is_rejected(&told), variant > 0);
    }
    for (uint32_t variant = 0; variant < 2; variant++) {
        begin();
        told.trial.scenario.world.node.drift_ms_max = 100;
        told.trial.scenario.skew_ms_max = 60; /* so it may follow what is 40 ms ahead, or more */
        const uint64_t stamp = told_stamp(&told, variant == 0 ? 45 : 35, 0);
        complete_as(told_submit(&told, GKV_OPERATION_SET, 0, 0), stamp, 7);
        assert_int_equal(told_is_rejected(&told), variant > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts_growing_stamps),
        cmocka_unit_test(test_accepts_what_is_refused_by_the_clock),
        cmocka_unit_test(test_accepts_frames_that_waited),
        cmocka_unit_test(test_rejects_stamps_that_do_not_grow),
        cmocka_unit_test(test_rejects_stamps_from_the_future),
        cmocka_unit_test(test_rejects_a_version_used_twice),
        cmocka_unit_test(test_rejects_another_writer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
