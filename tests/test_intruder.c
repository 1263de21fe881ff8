/* Peers that mean harm: they know the name of the cluster, and nothing keeps them from using it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tests/side.h"

/* Goal: strangers cannot keep the places of accepted streams for themselves.
 * Method: fill them, once with streams that never say HELLO and once with peers that then fall
 * silent, but for one that speaks; the next stream is accepted when their time is over, and the one
 * that speaks stays. */
static void test_accept_strangers(void **state)
{
    (void)state;
    struct side side;
    struct gkv_options options = options_of(1);
    options.member_count_max = 3;
    side_start(&side, &options);
    for (unsigned i = 0; i < 6; i++) {
        (void)accept_one(&side);
    }
    struct gkv_stream stream;
    side.now.mono_ns += GKV_HELLO_GRACE_MS * GKV_NS_PER_MS - 1;
    assert_int_equal(gkv_endpoint_on_accepted(side.endpoint, side.now, &stream), GKV_ERROR_BUSY);
    side.now.mono_ns += 1;
    const struct gkv_stream talker = introduce(&side, 2);
    for (uint8_t number = 3; number < 8; number++) {
        (void)introduce(&side, number);
    }
    assert_int_equal(side.close_count, 6);
    assert_int_equal(gkv_endpoint_stats(side.endpoint).refused_full, 7);

    assert_int_equal(gkv_endpoint_on_accepted(side.endpoint, side.now, &stream), GKV_ERROR_BUSY);
    side.now.mono_ns += GKV_ACCEPTED_IDLE_MS * GKV_NS_PER_MS;
    ask(&side, talker, 7);
    for (unsigned i = 0; i < 5; i++) {
        (void)accept_one(&side);
    }
    assert_int_equal(side.close_count, 11);
    assert_true(is_live(&side, talker));
    assert_int_equal(gkv_endpoint_on_accepted(side.endpoint, side.now, &stream), GKV_ERROR_BUSY);
    side_stop(&side);
}

/* A PUSH_PULL that says one thing about one node. */
static struct frame frame_of_update(uint8_t number, uint64_t boot_id, uint32_t incarnation,
                                    enum gkv_member_state member_state)
{
    const struct gkv_update update = {
        .who = {.id = id_of(number), .boot_id = boot_id},
        .incarnation = incarnation,
        .state = member_state,
        .address = address_of(number),
        .name = name_of(number),
    };
    struct gkv_message message;
    memset(&message, 0, sizeof(message));
    message.kind = GKV_MESSAGE_PUSH_PULL;
    message.hlc.packed = WALL_MS << GKV_HLC_COUNTER_BITS;
    message.as.push_pull.updates = &update;
    message.as.push_pull.update_count = 1;
    return frame_of_message(&message);
}

/* Goal: whoever has us dial third parties cannot fill the table of dialled streams, and a member is
 * dialled whatever strangers hold.
 * Method: 40 HELLOs that name 40 addresses which never answer, each with a question; then members
 * ask, as many as there may be. */
static void test_dial_strangers(void **state)
{
    (void)state;
    struct side side;
    struct gkv_options options = options_of(1);
    options.member_count_max = 12;
    side_start(&side, &options);
    for (uint8_t number = 100; number < 140; number++) {
        struct gkv_hello hello = hello_of(9);
        hello.address = address_of(number);
        const struct frame frame = frame_of_hello(&hello);
        const struct gkv_stream stream = accept_one(&side);
        receive(&side, stream, frame.bytes, frame.count);
        ask(&side, stream, 7);
    }
    assert_int_equal(side.connect_count, GKV_STRANGER_COUNT_MAX);
    assert_int_equal(gkv_endpoint_stats(side.endpoint).dropped_stranger,
                     40 - GKV_STRANGER_COUNT_MAX);

    for (uint8_t number = 2; number < 13; number++) {
        const struct gkv_stream stream = introduce(&side, number);
        const struct frame frame = frame_of_update(number, 1000u + number, 0, GKV_MEMBER_ALIVE);
        receive(&side, stream, frame.bytes, frame.count);
        ask(&side, stream, 7);
        const struct gkv_address address = address_of(number);
        assert_true(gkv_address_equal(&side.dialled_address, &address));
        gkv_endpoint_on_connected(side.endpoint, side.now, side.dialled);
        drain(&side);
    }
    assert_int_equal(side.connect_count, GKV_STRANGER_COUNT_MAX + 11);
    assert_int_equal(gkv_endpoint_stats(side.endpoint).dropped_full, 0);
    side_stop(&side);
}

/* Goal: lies about our boot and incarnation that nobody could outdo do not stop us.
 * Method: the greatest values that the wire lets through, up to the last and past it. */
static void test_used_up_boots(void **state)
{
    (void)state;
    struct side side;
    const struct gkv_options options = options_of(1);
    side_start(&side, &options);
    const struct gkv_stream stream = introduce(&side, 2);
    static const uint64_t boots[] = {UINT64_MAX - 1, UINT64_MAX - 3, UINT64_MAX - 2,
                                     UINT64_MAX - 1};
    for (size_t i = 0; i < 4; i++) {
        for (unsigned how = GKV_MEMBER_ALIVE; how <= GKV_MEMBER_LEFT; how++) {
            struct frame frame = frame_of_update(1, boots[i], 0, (enum gkv_member_state)how);
            receive(&side, stream, frame.bytes, frame.count);
            frame = frame_of_update(1, boots[i], UINT32_MAX, (enum gkv_member_state)how);
            receive(&side, stream, frame.bytes, frame.count);
            tick(&side, 1000); /* say something: the encoder asserts what it sends */
        }
    }
    struct gkv_node *node = gkv_endpoint_node(side.endpoint);
    assert_int_equal(gkv_member_at(gkv_node_members(node), 0)->said.who.boot_id, UINT64_MAX - 1);
    assert_true(gkv_node_stats(node).swim_drops.malformed > 0);
    side_stop(&side);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accept_strangers),
        cmocka_unit_test(test_dial_strangers),
        cmocka_unit_test(test_used_up_boots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
