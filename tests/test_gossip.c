#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/swim_world.h"

#define MS GKV_NS_PER_MS

/* Eight nodes that have nothing left to tell, of which only peer 0 still runs; it probes nobody. */
static void start_alone(uint32_t fanout)
{
    world_start_cluster(8);
    for (uint32_t i = 0; i < 8; i++) {
        world_peers[i].options.probe_interval_ms = 60000;
        world_peers[i].options.witness_patience_ms = 3600000;
        world_peers[i].options.gossip_fanout = fanout;
    }
    world_run_until(world_now_ns + 3 * SECOND_NS);
    for (uint32_t i = 1; i < 8; i++) {
        world_peers[i].is_down = true;
    }
    memset(world_sent_count, 0, sizeof(world_sent_count));
}

static void tell_of(uint32_t number)
{
    const struct gkv_update word = world_update_about(number, 100, 7, GKV_MEMBER_ALIVE);
    world_gossip(1, 0, &word);
}

/* Goal: news is told at once when the last telling was long ago, else when the interval is over;
 * three hear it each time, until it has been told often enough.
 * Method: one node of eight gets news, more of it 5 ms later, and again when all is told: a rumour
 * among eight eight times, so that two take eleven messages, for they ride together. */
static void test_news_is_told_at_once(void **state)
{
    (void)state;
    start_alone(GKV_GOSSIP_FANOUT);
    const uint64_t began_ns = world_now_ns;
    tell_of(4);
    world_run_until(began_ns);
    assert_int_equal(world_sent_count[GKV_MESSAGE_GOSSIP], 3);
    world_run_until(began_ns + 5 * MS);
    tell_of(5);
    world_run_until(began_ns + 19 * MS);
    assert_int_equal(world_sent_count[GKV_MESSAGE_GOSSIP], 3);
    world_run_until(began_ns + 20 * MS);
    assert_int_equal(world_sent_count[GKV_MESSAGE_GOSSIP], 6);
    world_run_until(began_ns + 200 * MS);
    assert_in_range(world_sent_count[GKV_MESSAGE_GOSSIP], 8, 12);
    memset(world_sent_count, 0, sizeof(world_sent_count));
    world_run_until(began_ns + SECOND_NS);
    assert_int_equal(world_sent_count[GKV_MESSAGE_GOSSIP], 0);
    tell_of(6);
    world_run_until(world_now_ns);
    assert_int_equal(world_sent_count[GKV_MESSAGE_GOSSIP], 3);
}

/* Goal: with a fanout of none, news rides on probes alone, as SWIM has it.
 * Method: the same news, and no message of its own in a second. */
static void test_no_fanout(void **state)
{
    (void)state;
    start_alone(0);
    tell_of(4);
    world_run_until(world_now_ns + SECOND_NS);
    assert_int_equal(world_sent_count[GKV_MESSAGE_GOSSIP], 0);
    assert_true(world_peers[0].swim.gossip.rumors.pending_count > 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_news_is_told_at_once),
        TEST(test_no_fanout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
