#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/grey.h"
#include "tests/swim_world.h"

#define MS GKV_NS_PER_MS

/* So many who know each other, and peer 0 alone is left running, and probes nobody: it hears what a
 * test tells it. */
static void start_listener(uint32_t count)
{
    world_start_cluster(count);
    world_peers[0].options.probe_interval_ms = 3600000;
    world_run_until(world_now_ns + 2 * SECOND_NS);
    for (uint32_t i = 1; i < count; i++) {
        world_peers[i].is_down = true;
    }
}

static struct gkv_update word_of(uint32_t accuser, uint32_t about, enum gkv_member_state state)
{
    struct gkv_update word =
        world_update_about(about, 100, world_view(0, about)->incarnation, state);
    word.accuser = world_id_of(accuser);
    return word;
}

static void refute(uint32_t about)
{
    const struct gkv_update denial =
        world_update_about(about, 100, world_view(0, about)->incarnation + 1, GKV_MEMBER_ALIVE);
    world_gossip(1, 0, &denial);
}

/* Peer 0 hears that `accuser` suspects `about`, and that it was wrong. */
static void accuse_in_vain(uint32_t accuser, uint32_t about)
{
    const struct gkv_update word = word_of(accuser, about, GKV_MEMBER_SUSPECT);
    world_gossip(1, 0, &word);
    assert_int_equal(world_view(0, about)->state, GKV_MEMBER_SUSPECT);
    refute(about);
}

static bool is_degraded(uint32_t about)
{
    const struct gkv_members *members = &world_peers[0].members;
    return gkv_member_at(members, gkv_member_find(members, world_id_of(about)))->is_degraded;
}

static void pass(uint64_t ms)
{
    world_run_until(world_now_ns + ms * MS);
}

/* Goal: who is accused by enough others within the window, and denied it each time, is DEGRADED,
 * until a window after the last time; the application is told both times.
 * Method: five members, of whom two are enough; one accuser twice, then another. */
static void test_many_accuse(void **state)
{
    (void)state;
    start_listener(5);
    const uint32_t event_count = world_peers[0].event_count;
    accuse_in_vain(1, 4);
    pass(1000);
    accuse_in_vain(1, 4);
    assert_false(is_degraded(4));
    accuse_in_vain(2, 4);
    assert_true(is_degraded(4));
    assert_int_equal(world_peers[0].members.degraded_count, 1);
    assert_int_equal(world_peers[0].event_count, event_count + 7); /* in and out, three times */
    pass(9900);
    assert_true(is_degraded(4));
    pass(1200);
    assert_false(is_degraded(4));
    assert_int_equal(world_peers[0].members.degraded_count, 0);
    assert_int_equal(world_peers[0].event_count, event_count + 8);
    assert_int_equal(world_view(0, 4)->state, GKV_MEMBER_ALIVE);
}

/* Goal: a single pause makes nobody DEGRADED, whoever noticed it; nor do accusers who are further
 * apart than the window, nor an accusation that was not denied.
 * Method: one suspicion that all confirm; then one more, later; then one that stands. */
static void test_once_is_not_enough(void **state)
{
    (void)state;
    start_listener(5);
    struct gkv_update word = word_of(1, 4, GKV_MEMBER_SUSPECT);
    word.confirmers[0] = world_id_of(2);
    word.confirmers[1] = world_id_of(3);
    word.confirmer_count = 2;
    world_gossip(1, 0, &word);
    refute(4);
    assert_false(is_degraded(4));
    pass(10500);
    accuse_in_vain(2, 4);
    assert_false(is_degraded(4));
    pass(10500);
    accuse_in_vain(3, 4);
    word = word_of(1, 4, GKV_MEMBER_SUSPECT);
    world_gossip(1, 0, &word);
    assert_false(is_degraded(4));
    refute(4);
    assert_true(is_degraded(4));
}

/* Goal: only the word of members whom we reach and find well counts.
 * Method: three accuse of whom none counts, and one who does. */
static void test_whose_word_counts(void **state)
{
    (void)state;
    start_listener(7); /* three are enough, and of six as well */
    accuse_in_vain(1, 5);
    accuse_in_vain(2, 5);
    assert_false(is_degraded(5));
    accuse_in_vain(1, 4);
    accuse_in_vain(5, 4);
    assert_false(is_degraded(4));
    accuse_in_vain(3, 5); /* now the word of 5 is worth nothing, and what it said before still is */
    assert_true(is_degraded(5));
    pass(500);
    accuse_in_vain(1, 3);
    accuse_in_vain(2, 3);
    accuse_in_vain(5, 3);
    assert_false(is_degraded(3));
    accuse_in_vain(3, 3);
    accuse_in_vain(7, 3);
    assert_false(is_degraded(3));
    const struct gkv_update dead = word_of(1, 4, GKV_MEMBER_UNREACHABLE);
    world_gossip(1, 0, &dead);
    accuse_in_vain(4, 3);
    assert_false(is_degraded(3));
}

/* Goal: who is suspected and back again and again flaps, and is DEGRADED though few accuse it; but
 * not on the word of one alone, who may be deaf; and it ends when it was left in peace.
 * Method: eight members, of whom four would be enough; one accuses twenty times, then two by
 * turns. */
static void test_flapping(void **state)
{
    (void)state;
    start_listener(8);
    for (uint32_t i = 0; i < 20; i++) {
        accuse_in_vain(1, 7);
        pass(1000);
    }
    assert_false(is_degraded(7));
    uint32_t count = 0;
    while (!is_degraded(7)) {
        accuse_in_vain(2 + count % 2, 7);
        pass(1000);
        count++;
    }
    assert_int_equal(count, 5); /* and once by 1, who was another at first */
    pass(9000);
    assert_true(is_degraded(7));
    pass(60000);
    assert_false(is_degraded(7));
}

/* Goal: whoever stays DEGRADED is evicted, and its place in the ring stays; when it comes back it
 * has as much time again. While the degraded are no minority, nobody is evicted. Method: accuse one
 * of five for half a minute; then two of four. */
static void test_eviction(void **state)
{
    (void)state;
    start_listener(5);
    const uint64_t began_ns = world_now_ns;
    for (uint32_t i = 0; world_view(0, 4)->state != GKV_MEMBER_EVICTED; i++) {
        assert_true(i < 40);
        accuse_in_vain(1 + i % 2, 4);
        pass(1000);
    }
    assert_in_range(world_now_ns - began_ns, 31 * SECOND_NS, 33 * SECOND_NS);
    assert_true(gkv_node_id_equal(world_view(0, 4)->accuser, world_id_of(0)));
    assert_int_equal(world_peers[0].members.ring_count, 5);
    refute(4);
    accuse_in_vain(1, 4);
    assert_int_equal(world_view(0, 4)->state, GKV_MEMBER_ALIVE);
    assert_true(is_degraded(4));

    world_teardown(state);
    world_setup(state);
    start_listener(4);
    for (uint32_t i = 0; i < 40; i++) {
        accuse_in_vain(1, 3);
        accuse_in_vain(2, 3);
        accuse_in_vain(1, 2);
        accuse_in_vain(0, 2);
        assert_int_equal(world_peers[0].members.degraded_count, 2);
        pass(1000);
    }
    assert_int_equal(world_view(0, 3)->state, GKV_MEMBER_ALIVE);
    assert_int_equal(world_view(0, 2)->state, GKV_MEMBER_ALIVE);
}

/* Goal: when many are accused it is the network, and nobody is evicted, though those who are
 * DEGRADED are a minority.
 * Method: of eight, three are accused each second, by changing members, three every 15 s. */
static void test_the_network(void **state)
{
    (void)state;
    start_listener(8);
    for (uint32_t second = 0; second < 60; second++) {
        for (uint32_t i = 1; i <= 3; i++) {
            accuse_in_vain(second % 2 == 0 ? 7 : 0, i);
            if (second % 15 == 0) {
                accuse_in_vain(second % 2 == 0 ? 7 : 0, 3 + i);
            }
        }
        pass(1000);
        assert_in_range(world_peers[0].members.degraded_count, second < 10 ? 0 : 3, 3);
    }
    for (uint32_t i = 1; i < 8; i++) {
        assert_int_equal(world_view(0, i)->state, GKV_MEMBER_ALIVE);
    }
}

/* Goal: a quarter of the members beside the accused one are enough to say that it is the network.
 * Method: of eight, two are accused in turn for 80 s, and one is evicted; then three. */
static void test_a_quarter(void **state)
{
    for (uint32_t count = 2; count <= 3; count++) {
        world_teardown(state);
        world_setup(state);
        start_listener(8);
        for (uint32_t second = 0; second < 80; second++) {
            const uint32_t about = 1 + second % count;
            if (world_view(0, about)->state == GKV_MEMBER_ALIVE) {
                accuse_in_vain(4 + second / count % 4, about);
            }
            pass(1000);
        }
        assert_int_equal(world_view(0, 1)->state,
                         count == 2 ? GKV_MEMBER_EVICTED : GKV_MEMBER_ALIVE);
    }
}

/* Peer 0 hears that it was evicted. */
static void evict_us(void)
{
    const struct gkv_update word = word_of(1, 0, GKV_MEMBER_EVICTED);
    world_gossip(1, 0, &word);
}

static void worsen_our_health(void)
{
    const struct gkv_step step = world_step_of(&world_peers[0]);
    gkv_health_worsen(&world_peers[0].swim.probes.health, &step, 1);
}

static void restore_our_health(void)
{
    const struct gkv_step step = world_step_of(&world_peers[0]);
    while (world_peers[0].swim.probes.health.score > 0) {
        gkv_health_improve(&world_peers[0].swim.probes.health, &step);
    }
}

/* Goal: who is evicted refutes at once; the second time within a minute it waits, if it is unwell,
 * until it has been well for half a minute; and meanwhile it denies nothing else either.
 * Method: evict us three times, once while we are well. */
static void test_the_evicted_wait(void **state)
{
    (void)state;
    start_listener(3);
    evict_us();
    assert_int_equal(world_view(0, 0)->incarnation, 1);
    restore_our_health(); /* to refute speaks against it */
    pass(15000);
    evict_us();
    assert_int_equal(world_view(0, 0)->incarnation, 2);
    pass(11000);
    evict_us();
    assert_int_equal(world_view(0, 0)->incarnation, 2);
    const struct gkv_update lie = word_of(1, 0, GKV_MEMBER_SUSPECT);
    world_gossip(1, 0, &lie);
    assert_int_equal(world_view(0, 0)->incarnation, 2);
    restore_our_health();
    pass(25000);
    evict_us();
    assert_int_equal(world_view(0, 0)->incarnation, 2);
    worsen_our_health();
    restore_our_health();
    pass(29000);
    evict_us();
    assert_int_equal(world_view(0, 0)->incarnation, 2);
    pass(1000);
    evict_us();
    assert_int_equal(world_view(0, 0)->incarnation, 3);
}

/* Goal: who has nobody to probe cannot show that it is well, and waits no longer than who can: two
 * nodes that evicted each other twice within a minute would wait for each other for ever.
 * Method: evict us twice, after silence, and let no probe of ours end. */
static void test_nobody_to_probe(void **state)
{
    (void)state;
    start_listener(2);
    pass(11000);
    evict_us();
    assert_int_equal(world_view(0, 0)->incarnation, 1);
    pass(11000);
    evict_us();
    assert_int_equal(world_view(0, 0)->incarnation, 1);
    assert_int_equal(world_peers[0].swim.probes.health.score, 1);
    pass(18900);
    evict_us();
    assert_int_equal(world_view(0, 0)->incarnation, 1);
    pass(200);
    evict_us();
    assert_int_equal(world_view(0, 0)->incarnation, 2);
}

/* Goal: who heard nobody for longer than an eviction takes was deaf, and holds back when it happens
 * again; one ms less, and he was not.
 * Method: evict us twice, after silence; the second one lasts suspicion_timeout_ms +
 * evict_delay_ms = 10,200 ms, or one more. */
static void test_how_long_is_deaf(void **state)
{
    for (uint32_t more_ms = 0; more_ms < 2; more_ms++) {
        world_teardown(state);
        world_setup(state);
        start_listener(2);
        assert_int_equal(world_peers[0].options.suspicion_timeout_ms, 200);
        assert_int_equal(world_peers[0].options.evict_delay_ms, 10000);
        pass(10201);
        evict_us();
        assert_int_equal(world_view(0, 0)->incarnation, 1);
        pass(10200 + more_ms);
        evict_us();
        assert_int_equal(world_view(0, 0)->incarnation, more_ms == 0 ? 2 : 1);
    }
}

/* Goal: who was evicted by the other side of a partition refutes at once, however often: it heard
 * its own side all the time. Method: evict us three times, 15 s apart, while peer 2 is heard. */
static void test_a_partition_is_no_flapping(void **state)
{
    (void)state;
    start_listener(3);
    for (uint32_t i = 1; i <= 3; i++) {
        for (uint32_t round = 0; round < 75; round++) {
            pass(200);
            const struct gkv_update word =
                world_update_about(2, 100, world_view(0, 2)->incarnation, GKV_MEMBER_ALIVE);
            world_gossip(2, 0, &word);
        }
        worsen_our_health();
        evict_us();
        assert_int_equal(world_view(0, 0)->incarnation, i);
    }
}

/* Goal: another life begins well, and so does a place that somebody else takes; who left is no
 * matter any more.
 * Method: each with a DEGRADED member. */
static void test_another_life(void **state)
{
    (void)state;
    for (uint32_t way = 0; way < 2; way++) {
        world_setup(state);
        start_listener(5);
        accuse_in_vain(1, 4);
        accuse_in_vain(2, 4);
        assert_true(is_degraded(4));
        struct gkv_update word = word_of(1, 4, GKV_MEMBER_LEFT);
        if (way == 0) {
            word = world_update_about(4, 200, 0, GKV_MEMBER_ALIVE);
        }
        world_gossip(1, 0, &word);
        assert_false(is_degraded(4));
        assert_int_equal(world_peers[0].members.degraded_count, 0);
        const struct gkv_update back = world_update_about(4, 300, 0, GKV_MEMBER_ALIVE);
        const struct gkv_update accused = world_update_about(4, 300, 0, GKV_MEMBER_SUSPECT);
        world_gossip(1, 0, &back);
        world_gossip(1, 0, &accused);
        const struct gkv_update denial = world_update_about(4, 300, 1, GKV_MEMBER_ALIVE);
        world_gossip(1, 0, &denial);
        assert_false(is_degraded(4));
    }
}

/* Goal: who is to be evicted and lives anew, as the same message says, is not.
 * Method: accuse one of five for half a minute; it denies that, and was restarted. */
static void test_the_condemned_live_anew(void **state)
{
    (void)state;
    start_listener(5);
    accuse_in_vain(1, 4);
    for (uint32_t i = 0; i < 31; i++) {
        accuse_in_vain(1 + i % 2, 4);
        pass(1000);
    }
    assert_true(is_degraded(4));
    const struct gkv_update word = word_of(1, 4, GKV_MEMBER_SUSPECT);
    world_gossip(1, 0, &word);
    const struct gkv_update updates[] = {
        world_update_about(4, 100, word.incarnation + 1, GKV_MEMBER_ALIVE),
        world_update_about(4, 200, 0, GKV_MEMBER_ALIVE),
    };
    struct gkv_message message = world_message_from(1, 100, GKV_MESSAGE_GOSSIP);
    message.as.gossip.updates = updates;
    message.as.gossip.update_count = 2;
    const struct gkv_address source = world_address_of(1);
    world_deliver(0, &message, &source);
    assert_int_equal(world_view(0, 4)->who.boot_id, 200);
    assert_int_equal(world_view(0, 4)->state, GKV_MEMBER_ALIVE);
}

/* Goal: 0 switches it off. Method: what makes one DEGRADED otherwise, and two evictions. */
static void test_off(void **state)
{
    (void)state;
    start_listener(5);
    world_peers[0].options.degraded_window_ms = 0;
    accuse_in_vain(1, 4);
    accuse_in_vain(2, 4);
    assert_false(is_degraded(4));
    evict_us();
    evict_us();
    assert_int_equal(world_view(0, 0)->incarnation, 2);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_many_accuse),       TEST(test_once_is_not_enough),
        TEST(test_whose_word_counts), TEST(test_flapping),
        TEST(test_eviction),          TEST(test_the_evicted_wait),
        TEST(test_another_life),      TEST(test_off),
        TEST(test_the_network),       TEST(test_the_condemned_live_anew),
        TEST(test_nobody_to_probe),   TEST(test_a_partition_is_no_flapping),
        TEST(test_a_quarter),         TEST(test_how_long_is_deaf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
