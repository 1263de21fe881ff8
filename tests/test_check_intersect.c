#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/told.h"

/* Three nodes a, b, c, which all own the key. The client of a sets, the client of b gets; who
 * counts is the coordinator, and who is heard to answer. */

#define HANDLE 7

static struct told told;
static uint64_t frame_number;

static void begin(void)
{
    told_begin(&told, &gkv_check_intersect);
    told.trial.scenario.world.node.replica_count = 3;
    told.trial.ring = gkv_nodes_of_bits(7);
}

/* A node asks others about the key. */
static void request(uint32_t node, bool is_write)
{
    char text[16];
    struct gkv_message message = {.kind = is_write ? GKV_MESSAGE_WRITE : GKV_MESSAGE_READ};
    if (is_write) {
        message.as.write.operation = HANDLE;
        message.as.write.key = gkv_history_key(0, text);
    } else {
        message.as.read.operation = HANDLE;
        message.as.read.key = gkv_history_key(0, text);
    }
    told_say(&told, node, 1, message);
}

/* A node answers; when `arrives`, the answer comes to `to`. */
static void answer(uint32_t node, uint32_t to, bool is_write, enum gkv_reply_status status,
                   bool arrives)
{
    struct gkv_message message = {.kind =
                                      is_write ? GKV_MESSAGE_WRITE_REPLY : GKV_MESSAGE_READ_REPLY};
    if (is_write) {
        message.as.write_reply.operation = HANDLE;
        message.as.write_reply.status = status;
    } else {
        message.as.read_reply.operation = HANDLE;
        message.as.read_reply.status = status;
    }
    frame_number++;
    gkv_check_intersect.hear(&told.trial, &(struct gkv_heard){.connection = 1,
                                                              .node = node,
                                                              .number = frame_number,
                                                              .message = &message});
    if (arrives) {
        gkv_check_intersect.hear(&told.trial, &(struct gkv_heard){.connection = 1,
                                                                  .node = to,
                                                                  .is_arrival = true,
                                                                  .number = frame_number});
    }
}

static void finish(uint32_t number, enum gkv_error error)
{
    told_complete(&told, number, &(struct gkv_result){.error = error, .version = {{10}, 1}},
                  GKV_HISTORY_NONE);
}

/* a sets; those of `mask` answer. */
static void set(uint32_t mask, enum gkv_reply_status status, bool arrives, enum gkv_error error)
{
    const uint32_t number = told_submit(&told, GKV_OPERATION_SET, 0, 0);
    request(0, true);
    for (uint32_t i = 1; i < 3; i++) {
        if ((mask >> i & 1u) != 0) {
            answer(i, 0, true, status, arrives);
        }
    }
    finish(number, error);
}

/* b gets; those of `mask` answer. */
static void get(uint32_t mask, bool arrives, enum gkv_error error)
{
    const uint32_t number = told_submit(&told, GKV_OPERATION_GET, 1, 1);
    request(1, false);
    for (uint32_t i = 0; i < 3; i++) {
        if (i != 1 && (mask >> i & 1u) != 0) {
            answer(i, 1, false, GKV_REPLY_OK, arrives);
        }
    }
    finish(number, error);
}

/* Goal: two majorities are accepted, whichever; so are gets that fail, and sets that do.
 * Method: all pairs, then one of each. */
static void test_accepts_majorities(void **state)
{
    (void)state;
    for (uint32_t stored = 2; stored <= 6; stored += 2) { /* b, c, both; and a itself */
        for (uint32_t answered = 1; answered <= 5; answered++) {
            if (answered == 2) {
                continue; /* b alone is no majority */
            }
            begin();
            set(stored, GKV_REPLY_OK, true, GKV_OK);
            get(answered, true, GKV_OK);
            assert_false(told_is_rejected(&told));
            assert_int_equal(told.trial.tally.counts[GKV_HOLDS_INTERSECT], 1);
        }
    }
    begin();
    set(4, GKV_REPLY_OK, true, GKV_OK);
    get(0, true, GKV_ERROR_TIMEOUT);
    assert_false(told_is_rejected(&told));
    begin();
    set(0, GKV_REPLY_OK, true, GKV_ERROR_IN_DOUBT);
    get(0, true, GKV_OK);
    assert_false(told_is_rejected(&told));
}

/* Goal: sets of owners that do not meet are rejected.
 * Method: too few store; too few answer; a refusal; an answer that has not arrived; and one that
 * came before the get began. */
static void test_rejects_what_does_not_meet(void **state)
{
    (void)state;
    begin();
    set(0, GKV_REPLY_OK, true, GKV_OK); /* a alone */
    get(4, true, GKV_OK);
    assert_true(told_is_rejected(&told));

    begin();
    set(4, GKV_REPLY_OK, true, GKV_OK);
    get(0, true, GKV_ERROR_NOT_FOUND); /* b alone */
    assert_true(told_is_rejected(&told));

    begin();
    set(2, GKV_REPLY_STALE, true, GKV_OK);
    get(4, true, GKV_OK);
    assert_true(told_is_rejected(&told));

    begin();
    set(2, GKV_REPLY_OK, false, GKV_OK);
    get(4, true, GKV_OK);
    assert_true(told_is_rejected(&told));

    begin();
    set(4, GKV_REPLY_OK, true, GKV_OK);
    get(5, false, GKV_OK);
    assert_true(told_is_rejected(&told));

    begin();
    set(4, GKV_REPLY_OK, true, GKV_OK);
    get(4, true, GKV_OK);
    assert_false(told_is_rejected(&told));
    get(0, true, GKV_OK); /* the answer was to the get before */
    assert_true(told_is_rejected(&told));
}

/* Goal: a coordinator counts for its own operation if it owns the key, and only then. Method: one
 * node owns it, N being 1, and the set and the get are each by way of it or of another. */
static void test_a_coordinator_counts_as_owner_alone(void **state)
{
    (void)state;
    for (uint32_t variant = 0; variant < 3; variant++) {
        begin();
        told.trial.scenario.world.node.replica_count = 1;
        uint8_t owners[GKV_REPLICA_COUNT_MAX];
        assert_int_equal(gkv_owners_of(&told.trial, 0, owners), 1);
        const uint32_t owner = owners[0];
        const uint32_t other = (owner + 1) % 3;
        finish(told_submit(&told, GKV_OPERATION_SET, variant == 1 ? other : owner, 0), GKV_OK);
        finish(told_submit(&told, GKV_OPERATION_GET, variant == 2 ? other : owner, 1), GKV_OK);
        assert_int_equal(told_is_rejected(&told), variant != 0);
    }
}

/* Goal: nothing is asked where the ring changed in between, nor of a get that began before.
 * Method: what is rejected otherwise. */
static void test_asks_only_later_gets_of_one_ring(void **state)
{
    (void)state;
    begin();
    set(0, GKV_REPLY_OK, true, GKV_OK);
    told.trial.ring = gkv_nodes_of_bits(3);
    get(4, true, GKV_OK);
    assert_false(told_is_rejected(&told));

    begin();
    const uint32_t early = told_submit(&told, GKV_OPERATION_GET, 1, 1);
    set(0, GKV_REPLY_OK, true, GKV_OK);
    finish(early, GKV_OK);
    assert_false(told_is_rejected(&told));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts_majorities),
        cmocka_unit_test(test_rejects_what_does_not_meet),
        cmocka_unit_test(test_a_coordinator_counts_as_owner_alone),
        cmocka_unit_test(test_asks_only_later_gets_of_one_ring),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
