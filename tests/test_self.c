#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/self.h"
#include "tests/swim_world.h"

/* Goal: a wrong accusation is refuted with a higher incarnation before the suspicion runs out, and
 * all believe it.
 * Method: three nodes; tell one that another is suspect. */
static void test_the_accused_refutes(void **state)
{
    (void)state;
    world_start_cluster(3);
    const struct gkv_update lie = world_update_about(2, 100, 0, GKV_MEMBER_SUSPECT);
    world_gossip(1, 0, &lie);
    assert_int_equal(world_view(0, 2)->state, GKV_MEMBER_SUSPECT);
    world_run_until(world_now_ns + 500 * GKV_NS_PER_MS);
    assert_true(world_all_see_all_alive());
    assert_int_equal(world_view(0, 2)->incarnation, 1);
    assert_int_equal(world_view(1, 2)->incarnation, 1);
    assert_non_null(world_traced(2, GKV_TRACE_REFUTE, 2, 0));
    world_run_until(world_now_ns + 2 * SECOND_NS);
    assert_null(world_traced(0, GKV_TRACE_MEMBER_UNREACHABLE, 2, 0));
}

/* Goal: who refutes tells the accuser at once, whoever handed the accusation on; but not one whose
 * ping it answers, since the answer says so, nor a stranger.
 * Method: accuse by gossip in the name of another, by his own ping, and in a stranger's name. */
static void test_the_accuser_is_told(void **state)
{
    (void)state;
    world_start_cluster(3);
    struct gkv_update lie = world_update_about(2, 100, 0, GKV_MEMBER_SUSPECT);
    lie.accuser = world_id_of(0);
    world_gossip(1, 2, &lie);
    const struct mail *told = world_last_mail(GKV_MESSAGE_GOSSIP, 0);
    assert_non_null(told);
    assert_true(gkv_node_id_equal(told->updates[0].who.id, world_id_of(2)));
    assert_int_equal(told->updates[0].incarnation, 1);

    world_run_until(world_now_ns + SECOND_NS);
    memset(world_sent_count, 0, sizeof(world_sent_count));
    lie.incarnation = 1;
    struct gkv_message message = world_message_from(0, 100, GKV_MESSAGE_PING);
    message.as.gossip.sequence = 4;
    message.as.gossip.about = world_view(2, 2)->who;
    message.as.gossip.updates = &lie;
    message.as.gossip.update_count = 1;
    const struct gkv_address source = world_address_of(0);
    world_deliver(2, &message, &source);
    assert_int_equal(world_view(2, 2)->incarnation, 2);
    lie.incarnation = 2;
    lie.accuser = world_id_of(7);
    world_gossip(0, 2, &lie);
    assert_int_equal(world_view(2, 2)->incarnation, 3);
    assert_int_equal(world_sent_count[GKV_MESSAGE_ACK], 1);
    assert_int_equal(world_sent_count[GKV_MESSAGE_GOSSIP], 0);
}

/* Goal: the ACK of a ping that carries an accusation carries the refutation first; a ping from one
 * we hold against carries what we hold.
 * Method: one message each, look at the answer. */
static void test_refutes_before_acknowledging(void **state)
{
    (void)state;
    world_start_cluster(2);
    for (uint32_t i = 10; i < 22; i++) { /* rumours enough to crowd out what matters */
        const struct gkv_update stranger = world_update_about(i, 100, 0, GKV_MEMBER_ALIVE);
        world_gossip(0, 1, &stranger);
    }
    struct gkv_update lie = world_update_about(1, 100, 7, GKV_MEMBER_UNREACHABLE);
    struct gkv_message message = world_message_from(0, 100, GKV_MESSAGE_PING);
    message.as.gossip.sequence = 4;
    message.as.gossip.about = world_view(1, 1)->who;
    message.as.gossip.updates = &lie;
    message.as.gossip.update_count = 1;
    const struct gkv_address source = world_address_of(0);
    world_deliver(1, &message, &source);
    const struct mail *ack = world_last_mail(GKV_MESSAGE_ACK, 0);
    assert_non_null(ack);
    assert_int_equal(ack->message.as.gossip.sequence, 4);
    assert_true(gkv_node_id_equal(ack->updates[0].who.id, world_id_of(1)));
    assert_int_equal(ack->updates[0].incarnation, 8);
    assert_int_equal(ack->updates[0].state, GKV_MEMBER_ALIVE);

    world_peers[0].is_down = true;
    world_run_until(world_now_ns + 30 * SECOND_NS); /* its death is no rumour any more */
    message.as.gossip.update_count = 0;
    world_deliver(1, &message, &source);
    ack = world_last_mail(GKV_MESSAGE_ACK, 0);
    assert_non_null(ack);
    assert_true(gkv_node_id_equal(ack->updates[0].who.id, world_id_of(0)));
    assert_int_equal(ack->updates[0].state, GKV_MEMBER_EVICTED);
}

/* Goal: a stale accusation is answered by telling of us again, never just dropped (memberlist
 * #345).
 * Method: accuse an older boot, then an older incarnation. */
static void test_stale_accusations_are_answered(void **state)
{
    (void)state;
    world_start_cluster(2);
    const struct gkv_update old_boot = world_update_about(1, 99, 50, GKV_MEMBER_UNREACHABLE);
    world_gossip(0, 1, &old_boot);
    assert_int_equal(world_peers[1].swim.drops.stale, 1);
    assert_int_equal(world_peers[1].swim.gossip.rumors.pending_count, 1);
    assert_int_equal(world_view(1, 1)->incarnation, 0);

    const struct gkv_update lie = world_update_about(1, 100, 4, GKV_MEMBER_SUSPECT);
    world_gossip(0, 1, &lie);
    world_run_until(world_now_ns + 2 * SECOND_NS);
    assert_int_equal(world_peers[1].swim.gossip.rumors.pending_count, 0);
    world_gossip(0, 1, &lie);
    assert_int_equal(world_view(1, 1)->incarnation, 5);
    assert_int_equal(world_peers[1].swim.gossip.rumors.pending_count, 1);
}

/* Goal: a node whose clock went back starts with a boot that world_peers hold to be over, and goes
 * on as the boot after the one that they know.
 * Method: restart with a smaller boot; its join brings the greater one. */
static void test_a_boot_conflict_is_overcome(void **state)
{
    (void)state;
    world_start_cluster(3);
    world_peers[2].is_down = true;
    world_run_until(world_now_ns + 3 * SECOND_NS);
    world_start(2, 50, 0);
    world_run_until(world_now_ns + 500 * GKV_NS_PER_MS);
    assert_true(world_all_see_all_alive());
    assert_int_equal(world_view(2, 2)->who.boot_id, 101);
    assert_int_equal(world_view(0, 2)->who.boot_id, 101);
    assert_true(world_peers[2].swim.drops.boot_conflict >= 1);
}

/* Goal: incarnations that are used up lead to a newer boot, not to a stop; the greatest boot cannot
 * be answered and is malformed.
 * Method: accuse with UINT32_MAX, then with UINT64_MAX. */
static void test_numbers_run_out(void **state)
{
    (void)state;
    world_start_cluster(2);
    struct gkv_update lie = world_update_about(1, 100, UINT32_MAX, GKV_MEMBER_UNREACHABLE);
    world_gossip(0, 1, &lie);
    assert_int_equal(world_view(1, 1)->who.boot_id, 101);
    assert_int_equal(world_view(1, 1)->incarnation, 0);
    lie = world_update_about(1, UINT64_MAX, 0, GKV_MEMBER_ALIVE);
    world_gossip(0, 1, &lie);
    assert_int_equal(world_view(1, 1)->who.boot_id, 101);
    assert_int_equal(world_peers[1].swim.drops.malformed, 1);
}

/* Goal: who is leaving still refutes, and is LEAVING after that as before; and when it may leave at
 * once, it has left at once.
 * Method: accuse it while it is leaving; then with leave_ms 0. */
static void test_the_leaving_refute(void **state)
{
    (void)state;
    world_start_cluster(3);
    struct gkv_step step = world_step_of(&world_peers[2]);
    gkv_swim_leave(&world_peers[2].swim, &step);
    world_drain(&world_peers[2]);
    const uint32_t incarnation = world_view(2, 2)->incarnation;
    const struct gkv_update own = world_update_about(2, 100, incarnation, GKV_MEMBER_LEAVING);
    world_gossip(0, 2, &own);
    assert_int_equal(world_view(2, 2)->incarnation, incarnation);
    const struct gkv_update lie = world_update_about(2, 100, incarnation, GKV_MEMBER_SUSPECT);
    world_gossip(0, 1, &lie);
    world_gossip(0, 2, &lie);
    assert_int_equal(world_view(2, 2)->incarnation, incarnation + 1);
    assert_int_equal(world_view(2, 2)->state, GKV_MEMBER_LEAVING);
    world_run_until(world_now_ns + 90 * GKV_NS_PER_MS);
    assert_int_equal(world_view(1, 2)->state, GKV_MEMBER_LEAVING);
    assert_int_equal(world_view(1, 2)->incarnation, incarnation + 1);

    world_peers[1].options.leave_ms = 0;
    step = world_step_of(&world_peers[1]);
    gkv_swim_leave(&world_peers[1].swim, &step);
    world_drain(&world_peers[1]);
    assert_int_equal(world_view(1, 1)->state, GKV_MEMBER_LEFT);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_accused_refutes),          TEST(test_the_accuser_is_told),
        TEST(test_refutes_before_acknowledging), TEST(test_stale_accusations_are_answered),
        TEST(test_a_boot_conflict_is_overcome),  TEST(test_numbers_run_out),
        TEST(test_the_leaving_refute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
