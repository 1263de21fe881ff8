#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/probe.h"
#include "tests/swim_world.h"

#define MS GKV_NS_PER_MS

/* Run until `viewer` begins to probe `about`; returns when. */
static uint64_t run_until_probe(uint32_t viewer, uint32_t about)
{
    const uint64_t since_ns = world_now_ns;
    const struct gkv_trace_point *point = NULL;
    while (point == NULL) {
        world_run_until(world_now_ns + MS);
        point = world_traced(viewer, GKV_TRACE_PROBE, about, since_ns);
    }
    return point->mono_ns;
}

static uint32_t under_way_count(uint32_t viewer)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < GKV_PROBE_COUNT_MAX; i++) {
        count += gkv_probe_at(&world_peers[viewer].swim.probes, i)->stage != GKV_PROBE_NONE;
    }
    return count;
}

/* Goal: who does not answer is pinged again after 25 ms, by way of helpers and over a stream after
 * 50, and suspect 60 ms after that; helpers say after 48 ms that they hear nothing either.
 * Method: three nodes, one dies; trace times of one probe, to the millisecond. A NACK takes a trip
 * of 1 ms to the helper, 48 ms, and a trip back. */
static void test_a_probe_takes_its_steps(void **state)
{
    (void)state;
    world_start_cluster(3);
    world_peers[1].options.probe_interval_ms = 60000; /* that it does not find out before */
    world_run_until(world_now_ns + 200 * MS);
    world_peers[2].is_down = true;
    const uint64_t began_ns = run_until_probe(0, 2);
    world_run_until(began_ns + 112 * MS);
    assert_int_equal(world_traced(0, GKV_TRACE_PROBE_REPEAT, 2, began_ns)->mono_ns,
                     began_ns + 25 * MS);
    const struct gkv_trace_point *by_way = world_traced(0, GKV_TRACE_PROBE_INDIRECT, 2, began_ns);
    assert_int_equal(by_way->mono_ns, began_ns + 50 * MS);
    assert_true(gkv_node_id_equal(by_way->via, world_id_of(1)));
    assert_int_equal(world_traced(0, GKV_TRACE_PROBE_STREAM, 2, began_ns)->mono_ns,
                     began_ns + 50 * MS);
    const struct gkv_trace_point *nack = world_traced(0, GKV_TRACE_PROBE_NACK, 2, began_ns);
    assert_int_equal(nack->mono_ns, began_ns + 100 * MS);
    assert_true(gkv_node_id_equal(nack->via, world_id_of(1)));
    assert_int_equal(world_traced(0, GKV_TRACE_MEMBER_SUSPECT, 2, began_ns)->mono_ns,
                     began_ns + 110 * MS);
}

/* Goal: each step can be switched off.
 * Method: the same death without repeats, streams, helpers and NACKs. */
static void test_steps_can_be_switched_off(void **state)
{
    (void)state;
    world_start_cluster(3);
    for (uint32_t i = 0; i < 3; i++) {
        world_peers[i].options.probe_repeat_ms = 0;
        world_peers[i].options.probe_by_stream = 0;
        world_peers[i].options.probe_nacks = 0;
    }
    world_peers[2].is_down = true;
    const uint64_t began_ns = run_until_probe(0, 2);
    memset(world_sent_count, 0, sizeof(world_sent_count));
    world_run_until(began_ns + 109 * MS);
    assert_null(world_traced(0, GKV_TRACE_PROBE_REPEAT, 2, began_ns));
    assert_null(world_traced(0, GKV_TRACE_PROBE_STREAM, 2, began_ns));
    assert_int_equal(world_sent_count[GKV_MESSAGE_NACK], 0);
    assert_non_null(world_traced(0, GKV_TRACE_PROBE_INDIRECT, 2, began_ns));
    for (uint32_t i = 0; i < 3; i++) {
        world_peers[i].options.probe_helpers = 0;
    }
    memset(world_sent_count, 0, sizeof(world_sent_count));
    world_run_until(world_now_ns + 250 * MS);
    assert_int_equal(world_sent_count[GKV_MESSAGE_PING_REQ], 0);
    assert_int_equal(world_view(0, 2)->state, GKV_MEMBER_SUSPECT);
}

/* Goal: options.probe_targets members are probed per interval, different ones, and nobody while a
 * probe of it is under way.
 * Method: count pings of quiet seconds, of eight nodes with three targets, and of two. */
static void test_targets_per_interval(void **state)
{
    (void)state;
    world_start_cluster(8);
    for (uint32_t i = 0; i < 8; i++) {
        world_peers[i].options.probe_targets = 3;
    }
    world_run_until(world_now_ns + SECOND_NS);
    memset(world_sent_count, 0, sizeof(world_sent_count));
    world_run_until(world_now_ns + 7 * SECOND_NS);
    /* Rounds end within intervals: whose last turn and next first one meet is probed once, and
     * somebody else in its place. */
    assert_int_equal(world_sent_count[GKV_MESSAGE_PING], 8 * 3 * 70);
    assert_int_equal(world_sent_count[GKV_MESSAGE_ACK], world_sent_count[GKV_MESSAGE_PING]);

    world_setup(state);
    world_start_cluster(2);
    memset(world_sent_count, 0, sizeof(world_sent_count));
    world_run_until(world_now_ns + SECOND_NS);
    assert_int_equal(world_sent_count[GKV_MESSAGE_PING], 2 * 10);
}

/* Goal: a member to whom no datagram gets through is not suspect, as long as streams do.
 * Method: three nodes; lose all datagrams between one and the others for ten seconds. */
static void test_streams_save_a_member(void **state)
{
    (void)state;
    world_start_cluster(3);
    const uint64_t since_ns = world_now_ns;
    for (uint32_t i = 0; i < 2; i++) {
        world_loses_datagrams[i][2] = true;
        world_loses_datagrams[2][i] = true;
    }
    world_run_until(world_now_ns + 10 * SECOND_NS);
    assert_null(world_traced(0, GKV_TRACE_MEMBER_SUSPECT, 2, since_ns));
    assert_null(world_traced(2, GKV_TRACE_MEMBER_SUSPECT, 0, since_ns));
    assert_int_equal(world_traced(0, GKV_TRACE_PROBE_ACK, 2, since_ns)->b, GKV_CHANNEL_STREAM);
    assert_int_equal(world_traced(0, GKV_TRACE_PROBE_ACK, 1, since_ns)->b, GKV_CHANNEL_DATAGRAM);
}

/* Goal: no more probes are under way than there are places; who finds none is left out, and the
 * places come back.
 * Method: twenty strangers who do not answer, all asked at once; then wait for the suspicions. */
static void test_places_run_out(void **state)
{
    (void)state;
    world_start_sized(0, 100, 0, 32)->options.startup_grace_ms = 0;
    for (uint32_t i = 10; i < 30; i++) {
        const struct gkv_update stranger = world_update_about(i, 100, 0, GKV_MEMBER_ALIVE);
        world_gossip(1, 0, &stranger);
    }
    struct peer *peer = &world_peers[0];
    for (uint32_t i = 10; i < 30; i++) {
        const struct gkv_step step = world_step_of(peer);
        const struct gkv_address address = world_address_of(i);
        gkv_swim_on_stream_down(&peer->swim, &step, &address);
        gkv_swim_on_stream_down(&peer->swim, &step, &address);
        world_drain(peer);
    }
    assert_int_equal(under_way_count(0), GKV_PROBE_COUNT_MAX);
    world_run_until(world_now_ns + 109 * MS);
    assert_int_equal(under_way_count(0), GKV_PROBE_COUNT_MAX);
    world_run_until(world_now_ns + 2 * MS);
    assert_true(under_way_count(0) <= 4);
    assert_int_equal(world_view(0, 10 + GKV_PROBE_COUNT_MAX - 1)->state, GKV_MEMBER_SUSPECT);
    assert_int_equal(world_view(0, 10 + GKV_PROBE_COUNT_MAX)->state, GKV_MEMBER_ALIVE);
}

/* Goal: sequences are never 0, and each ping of a target that is asked anew has one of its own.
 * Method: wrap them. */
static void test_sequences_wrap(void **state)
{
    (void)state;
    world_start_cluster(2);
    world_peers[0].swim.probes.sequence_last = UINT32_MAX - 1;
    assert_int_equal(gkv_probe_take_sequence(&world_peers[0].swim.probes), UINT32_MAX);
    assert_int_equal(gkv_probe_take_sequence(&world_peers[0].swim.probes), 1);
    assert_int_equal(gkv_probe_take_sequence(&world_peers[0].swim.probes), 2);
}

/* Goal: an answer counts for the probe that it names, about its target in this life or a newer one,
 * and for no other.
 * Method: a probe under way; ACKs and NACKs that nearly fit, then one that does. */
static void test_answers_must_fit(void **state)
{
    (void)state;
    world_start_cluster(2);
    world_peers[1].is_down = true;
    (void)run_until_probe(0, 1);
    const struct gkv_probe *probe = gkv_probe_at(&world_peers[0].swim.probes, 0);
    struct gkv_message message = world_message_from(1, 100, GKV_MESSAGE_ACK);
    const struct gkv_address source = world_address_of(1);
    message.as.gossip.sequence = probe->sequence + 1;
    message.as.gossip.about = (struct gkv_identity){world_id_of(1), 100};
    world_deliver(0, &message, &source);
    message.as.gossip.sequence = probe->sequence;
    message.as.gossip.about.boot_id = 99;
    world_deliver(0, &message, &source);
    message.as.gossip.about = (struct gkv_identity){world_id_of(2), 100};
    world_deliver(0, &message, &source);
    message.kind = GKV_MESSAGE_NACK;
    world_deliver(0, &message, &source);
    assert_int_equal(world_peers[0].swim.drops.stale, 4);
    assert_int_equal(under_way_count(0), 1);
    message.as.gossip.about = (struct gkv_identity){world_id_of(1), 100};
    world_deliver(0, &message, &source); /* a NACK of nobody who was asked: heard, and no matter */
    assert_int_equal(probe->nack_count, 0);
    message.kind = GKV_MESSAGE_ACK;
    message.as.gossip.about.boot_id = 101;
    world_deliver(0, &message, &source);
    assert_int_equal(under_way_count(0), 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_probe_takes_its_steps), TEST(test_steps_can_be_switched_off),
        TEST(test_targets_per_interval),    TEST(test_streams_save_a_member),
        TEST(test_places_run_out),          TEST(test_sequences_wrap),
        TEST(test_answers_must_fit),
    };
    print_message("seeds: 1000 + peer number\n");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
