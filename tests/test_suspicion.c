#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/suspicion.h"
#include "tests/swim_world.h"

#define MS GKV_NS_PER_MS

/* Goal: the time shrinks with the logarithm of confirmations, from factor times the least to the
 * least; fewer suffice where fewer can confirm; two have nobody to wait for, and take all the time
 * there is as long as witnesses are asked for.
 * Method: eight members, 200 + 2 x 2 x 20 = 280 ms at the least; ln 2 / ln 4 is a half, ln 3 / ln 4
 * is 0.7925. Then three and two members; then the options that switch it off. */
static void test_formula(void **state)
{
    (void)state;
    struct gkv_options options;
    gkv_options_init(&options);
    assert_int_equal(gkv_suspicion_confirmed_ns(&options, 8, 0), 1120 * MS);
    assert_int_equal(gkv_suspicion_confirmed_ns(&options, 8, 1), 700 * MS);
    assert_in_range(gkv_suspicion_confirmed_ns(&options, 8, 2), 454 * MS, 455 * MS);
    assert_int_equal(gkv_suspicion_confirmed_ns(&options, 8, 3), 280 * MS);
    assert_int_equal(gkv_suspicion_confirmed_ns(&options, 3, 0), 4 * 240 * MS);
    assert_int_equal(gkv_suspicion_confirmed_ns(&options, 3, 1), 240 * MS);
    assert_int_equal(gkv_suspicion_confirmed_ns(&options, 3, 3), 240 * MS);
    assert_int_equal(gkv_suspicion_confirmed_ns(&options, 2, 0), 4 * 200 * MS);
    options.witness_count = 0;
    assert_int_equal(gkv_suspicion_confirmed_ns(&options, 2, 0), 200 * MS);
    options.suspicion_confirmations = 0;
    assert_int_equal(gkv_suspicion_confirmed_ns(&options, 8, 0), 280 * MS);
    options.suspicion_confirmations = 3;
    options.suspicion_max_factor = 1;
    assert_int_equal(gkv_suspicion_confirmed_ns(&options, 8, 0), 280 * MS);
    options.gossip_fanout = 0; /* nothing is told but on probes, whose pace is no concern here */
    assert_int_equal(gkv_suspicion_confirmed_ns(&options, 8, 0), 200 * MS);
}

/* Tell peer 0 that peer `by` suspects peer 4. */
static void accuse(uint32_t by)
{
    struct gkv_update word = world_update_about(4, 100, 0, GKV_MEMBER_SUSPECT);
    word.accuser = world_id_of(by);
    world_gossip(1, 0, &word);
}

/* Goal: only members who accuse by themselves confirm, each once; a confirmation is a rumour, and
 * ends the suspicion at once when its time is already over.
 * Method: five nodes whose probes stand still; accuse one through another. 200 + 2 x 2 x 20 = 280
 * ms at the least, and for five, three confirm: 1120, 700, 454.7, 280 ms after it began. */
static void test_who_confirms(void **state)
{
    (void)state;
    world_start_cluster(5);
    for (uint32_t i = 0; i < 5; i++) {
        world_peers[i].options.probe_interval_ms = 60000;
        world_peers[i].options.witness_count = 0;
        world_peers[i].options.last_chance = 0;
    }
    world_run_until(world_now_ns + 2 * SECOND_NS);
    world_peers[4].is_down = true;
    for (uint32_t i = 1; i < 4; i++) {
        world_peers[i].is_down = true; /* nobody else is heard: we tell what there is to hear */
    }
    const uint64_t began_ns = world_now_ns;
    accuse(1);
    accuse(1);
    accuse(4); /* the suspect */
    accuse(7); /* a stranger */
    assert_int_equal(world_view(0, 4)->confirmer_count, 0);
    accuse(2);
    accuse(2);
    assert_int_equal(world_view(0, 4)->confirmer_count, 1);
    world_run_until(began_ns + 600 * MS);
    assert_int_equal(world_view(0, 4)->state, GKV_MEMBER_SUSPECT);
    accuse(3);
    assert_int_equal(world_view(0, 4)->confirmer_count, 2);
    world_run_until(world_now_ns);
    assert_int_equal(world_view(0, 4)->state, GKV_MEMBER_UNREACHABLE);
    assert_int_equal(world_traced(0, GKV_TRACE_MEMBER_UNREACHABLE, 4, 0)->mono_ns,
                     began_ns + 600 * MS);
    assert_int_equal(world_view(0, 4)->confirmer_count, 0);
}

/* Goal: accusers travel with the suspicion: who hears of it from one node knows of all.
 * Method: tell of an accuser and two who confirm; then of one more. */
static void test_accusers_travel(void **state)
{
    (void)state;
    world_start_cluster(6);
    struct gkv_update word = world_update_about(4, 100, 0, GKV_MEMBER_SUSPECT);
    word.accuser = world_id_of(1);
    world_gossip(1, 0, &word);
    word.confirmers[0] = world_id_of(2);
    word.confirmers[1] = world_id_of(3);
    word.confirmer_count = 2;
    world_gossip(1, 0, &word);
    assert_int_equal(world_view(0, 4)->confirmer_count, 2);
    word.confirmers[0] = world_id_of(5);
    word.confirmer_count = 1;
    world_gossip(1, 0, &word);
    assert_int_equal(world_view(0, 4)->confirmer_count, 3);
    assert_true(gkv_node_id_equal(world_view(0, 4)->confirmers[2], world_id_of(5)));
    word.state = GKV_MEMBER_ALIVE; /* and nothing but a suspicion has any */
    const uint64_t malformed = world_peers[0].swim.drops.malformed;
    world_gossip(1, 0, &word);
    assert_int_equal(world_peers[0].swim.drops.malformed, malformed + 1);
}

/* Goal: a suspect is told by the next ping, unless the buddy rule is switched off; who is
 * unreachable is told in either case.
 * Method: suspect a silent member; look at the pings to it. */
static void test_buddy(void **state)
{
    (void)state;
    for (uint32_t buddy = 0; buddy < 2; buddy++) {
        world_setup(state);
        world_start_cluster(2);
        world_peers[0].options.buddy = buddy;
        const struct gkv_update lie = world_update_about(1, 100, 0, GKV_MEMBER_SUSPECT);
        world_gossip(1, 0, &lie);
        const struct gkv_step step = world_step_of(&world_peers[0]);
        const uint16_t index = gkv_member_find(&world_peers[0].members, world_id_of(1));
        assert_int_equal(gkv_gossip_held_against(&step, index),
                         buddy == 1 ? index : GKV_MEMBER_INDEX_NONE);
        const struct gkv_update dead = world_update_about(1, 100, 0, GKV_MEMBER_UNREACHABLE);
        world_gossip(1, 0, &dead);
        assert_int_equal(gkv_gossip_held_against(&step, index), index);
        world_teardown(state);
    }
}

/* Peer 0 is told by peer 1 that peer 2 is suspect, and then hears nothing of the latter. */
static uint64_t suspect_a_silent_one(uint32_t last_chance)
{
    world_start_cluster(3);
    for (uint32_t i = 0; i < 3; i++) {
        world_peers[i].options.probe_interval_ms = 60000; /* it was heard, or not: nobody asks */
        world_peers[i].options.last_chance = last_chance;
        world_peers[i].options.witness_count = 0;
    }
    world_run_until(world_now_ns + 2 * SECOND_NS);
    world_peers[1].is_down = true; /* lest it tells of its own verdict */
    world_peers[2].is_down = true;
    struct gkv_update word = world_update_about(2, 100, 0, GKV_MEMBER_SUSPECT);
    word.accuser = world_id_of(1);
    world_gossip(1, 0, &word);
    word.accuser = world_id_of(0);
    world_gossip(1, 0, &word); /* the other one who could confirm: 240 ms */
    return world_now_ns;
}

/* Goal: before a suspect is unreachable it is pinged by datagram and by stream, and has 50 ms more;
 * unless that is switched off.
 * Method: three nodes, one silent; trace times and pings. */
static void test_last_chance(void **state)
{
    for (uint32_t last_chance = 0; last_chance < 2; last_chance++) {
        world_setup(state);
        const uint64_t began_ns = suspect_a_silent_one(last_chance);
        world_run_until(began_ns + 239 * MS);
        memset(world_sent_count, 0, sizeof(world_sent_count));
        world_run_until(began_ns + 241 * MS);
        assert_int_equal(world_sent_count[GKV_MESSAGE_PING], last_chance == 1 ? 2 : 0);
        assert_int_equal(world_view(0, 2)->state,
                         last_chance == 1 ? GKV_MEMBER_SUSPECT : GKV_MEMBER_UNREACHABLE);
        world_run_until(began_ns + 291 * MS);
        assert_int_equal(world_view(0, 2)->state, GKV_MEMBER_UNREACHABLE);
        world_teardown(state);
    }
}

/* Goal: a word of a suspect at its last chance gives it all its time again, and then another last
 * chance; a word before does not.
 * Method: the same; it says something that is no refutation, at 200 ms and at 260. */
static void test_reprieve(void **state)
{
    (void)state;
    const uint64_t began_ns = suspect_a_silent_one(1);
    const struct gkv_message word = world_message_from(2, 100, GKV_MESSAGE_GOSSIP);
    const struct gkv_address source = world_address_of(2);
    world_run_until(began_ns + 200 * MS);
    world_deliver(0, &word, &source);
    world_run_until(began_ns + 260 * MS);
    assert_non_null(world_traced(0, GKV_TRACE_LAST_CHANCE, 2, began_ns));
    world_deliver(0, &word, &source);
    world_run_until(began_ns + 291 * MS);
    assert_non_null(world_traced(0, GKV_TRACE_REPRIEVE, 2, began_ns));
    assert_int_equal(world_view(0, 2)->state, GKV_MEMBER_SUSPECT);
    world_run_until(began_ns + 579 * MS);
    assert_int_equal(world_view(0, 2)->state, GKV_MEMBER_SUSPECT);
    world_run_until(began_ns + 581 * MS);
    assert_int_equal(world_view(0, 2)->state, GKV_MEMBER_UNREACHABLE);
}

/* Goal: who speaks at each last chance and refutes nothing does not hear us: when patience was
 * given back, it is given up.
 * Method: the same, patience is 1 s; it speaks at each last chance, 290 ms apart, four of which are
 * reprieves. */
static void test_reprieves_end(void **state)
{
    (void)state;
    const uint64_t began_ns = suspect_a_silent_one(1);
    world_peers[0].options.witness_patience_ms = 1000;
    const struct gkv_message word = world_message_from(2, 100, GKV_MESSAGE_GOSSIP);
    const struct gkv_address source = world_address_of(2);
    for (uint32_t i = 1; i <= 5; i++) {
        world_run_until(began_ns + (290 * i - 10) * MS);
        world_deliver(0, &word, &source);
        world_run_until(began_ns + (290 * i - 1) * MS);
        assert_int_equal(world_view(0, 2)->state, GKV_MEMBER_SUSPECT);
    }
    world_run_until(began_ns + 5 * 290 * MS);
    assert_int_equal(world_view(0, 2)->state, GKV_MEMBER_UNREACHABLE);
}

/* Goal: at its last chance a suspect is told what is held against it, even without the buddy rule:
 * one who answers pings and is never told would be suspect for ever.
 * Method: suspect one who hears no gossip, and let it answer. */
static void test_last_chance_tells(void **state)
{
    (void)state;
    world_start_cluster(2);
    world_peers[0].options.buddy = 0;
    const struct gkv_update lie = world_update_about(1, 100, 0, GKV_MEMBER_SUSPECT);
    world_gossip(1, 0, &lie);
    gkv_rumor_remove(&world_peers[0].swim.gossip.rumors,
                     gkv_member_find(&world_peers[0].members, world_id_of(1)));
    world_run_until(world_now_ns + 750 * MS);
    assert_int_equal(world_view(0, 1)->state, GKV_MEMBER_SUSPECT);
    world_run_until(world_now_ns + 100 * MS);
    assert_int_equal(world_view(0, 1)->state, GKV_MEMBER_ALIVE);
    assert_int_equal(world_view(0, 1)->incarnation, 1);
}

/* Goal: what a suspect said before its last chance does not count.
 * Method: the same; it speaks at 200 ms alone. */
static void test_old_words_do_not_count(void **state)
{
    (void)state;
    const uint64_t began_ns = suspect_a_silent_one(1);
    const struct gkv_message word = world_message_from(2, 100, GKV_MESSAGE_GOSSIP);
    const struct gkv_address source = world_address_of(2);
    world_run_until(began_ns + 200 * MS);
    world_deliver(0, &word, &source);
    world_run_until(began_ns + 291 * MS);
    assert_int_equal(world_view(0, 2)->state, GKV_MEMBER_UNREACHABLE);
}

/* What peer 0 keeps of a peer. */
static const struct gkv_member *place_of(uint32_t number)
{
    struct gkv_members *members = &world_peers[0].members;
    return gkv_member_at(members, gkv_member_find(members, world_id_of(number)));
}

/* Peers 1 and 2, who are witnesses enough, say something to peer 0 every 50 ms for so long. */
static void hear_witnesses(uint64_t ms)
{
    const uint64_t end_ns = world_now_ns + ms * MS;
    while (world_now_ns < end_ns) {
        for (uint32_t i = 1; i <= 2; i++) {
            const struct gkv_message word = world_message_from(i, 100, GKV_MESSAGE_GOSSIP);
            const struct gkv_address source = world_address_of(i);
            world_deliver(0, &word, &source);
        }
        world_run_until(world_now_ns + 50 * MS);
    }
}

/* Peer 0 suspects peer 4, hears others for so long, and then nobody for 2.5 s. A suspicion lasts
 * 600 ms, and 50 of last chance, however many confirm it. Returns when the silence is over. */
static uint64_t be_deaf_after(uint64_t ms)
{
    world_start_cluster(5);
    world_peers[0].options.suspicion_max_factor = 1;
    world_peers[0].options.suspicion_timeout_ms = 520;
    for (uint32_t i = 1; i < 5; i++) {
        world_peers[i].is_down = true;
    }
    const uint64_t began_ns = world_now_ns;
    accuse(1);
    hear_witnesses(ms);
    world_run_until(began_ns + ms * MS + 2500 * MS);
    assert_int_equal(world_view(0, 4)->state, GKV_MEMBER_SUSPECT);
    return world_now_ns;
}

/* Goal: who hears others again after a silence longer than a suspicion takes the time of it for
 * nothing: what its suspects said meanwhile was lost with the rest.
 * Method: all but 50 ms of the suspicion fall into the silence; then witnesses are heard. */
static void test_who_was_deaf_begins_anew(void **state)
{
    (void)state;
    const uint64_t heard_ns = be_deaf_after(50);
    hear_witnesses(550);
    assert_int_equal(world_view(0, 4)->state, GKV_MEMBER_SUSPECT);
    assert_int_equal(place_of(4)->asked_ns, 0);
    hear_witnesses(150);
    assert_int_equal(world_view(0, 4)->state, GKV_MEMBER_UNREACHABLE);
    assert_int_equal(world_traced(0, GKV_TRACE_MEMBER_UNREACHABLE, 4, 0)->mono_ns,
                     heard_ns + 650 * MS);
}

/* Goal: a last chance that fell into the silence comes again: its answer may have been lost.
 * Method: the silence begins 50 ms before the suspicion is over; then witnesses are heard, who give
 * it back from their last word on, 100 ms before. */
static void test_last_chance_comes_again(void **state)
{
    (void)state;
    const uint64_t heard_ns = be_deaf_after(550);
    assert_int_equal(place_of(4)->asked_ns, heard_ns - 2450 * MS);
    hear_witnesses(100);
    assert_int_equal(world_view(0, 4)->state, GKV_MEMBER_SUSPECT);
    assert_int_equal(place_of(4)->asked_ns, heard_ns + 100 * MS);
    hear_witnesses(100);
    assert_int_equal(world_traced(0, GKV_TRACE_MEMBER_UNREACHABLE, 4, 0)->mono_ns,
                     heard_ns + 150 * MS);
}

/* Peer 1 says something to peer 0 at each of so many steps; returns after how many ms peer 0 gives
 * peer 2 up, or most_ms. */
static uint64_t give_up_ms(uint32_t by, uint32_t every_ms, uint64_t most_ms)
{
    const struct gkv_message word = world_message_from(by, 100, GKV_MESSAGE_GOSSIP);
    const struct gkv_address source = world_address_of(by);
    const uint64_t began_ns = world_now_ns;
    while (world_now_ns < began_ns + most_ms * MS &&
           world_view(0, 2)->state != GKV_MEMBER_UNREACHABLE) {
        world_run_until(world_now_ns + every_ms * MS);
        world_deliver(0, &word, &source);
    }
    return (world_now_ns - began_ns) / MS;
}

/* Goal: who hears another but now and then gives a dead one up all the same, and a stranger's words
 * keep nobody from it: 10 s are all of a suspicion, and patience twice.
 * Method: three nodes, of whom one is dead, and one or a stranger says a word every so many ms,
 * within the window of 350 ms and beyond; for two minutes. */
static void test_seldom_heard(void **state)
{
    static const uint32_t every_ms[] = {100, 300, 350, 351, 400, 600, 800, 1000, 1600, 3000, 4000};
    for (size_t i = 0; i < sizeof(every_ms) / sizeof(every_ms[0]); i++) {
        for (uint32_t by = 1; by <= 7; by += 6) {
            world_setup(state);
            world_start_cluster(3);
            world_peers[1].is_down = true; /* lest it tells of its own verdict */
            world_peers[2].is_down = true;
            const uint64_t ms = give_up_ms(by, every_ms[i], 120000);
            assert_in_range(ms, 290, 10000);
            world_teardown(state);
        }
    }
}

/* Peer 0 suspects peer 2, and hears peer 1 for 200 ms, so that it suspects it still, whoever else
 * does; returns its place for peer 2. */
static const struct gkv_member *suspect_for_a_while(uint32_t witness_count)
{
    world_start_cluster(3);
    world_peers[0].options.witness_count = witness_count;
    world_peers[1].is_down = true;
    world_peers[2].is_down = true;
    struct gkv_update word = world_update_about(2, 100, 0, GKV_MEMBER_SUSPECT);
    word.accuser = world_id_of(1);
    world_gossip(1, 0, &word);
    for (uint32_t i = 0; i < 2; i++) {
        world_run_until(world_now_ns + 100 * MS);
        world_gossip(1, 0, &word);
    }
    return place_of(2);
}

static void hear_data(uint32_t from)
{
    const struct gkv_step step = world_step_of(&world_peers[0]);
    gkv_suspicions_hear(&step, &(struct gkv_identity){world_id_of(from), 100});
}

/* Goal: time in which we heard nobody does not count, once; that in which we stood still was given
 * back before, words that are not of membership break a silence as well, those of a stranger do
 * not; and what a suspect that spoke is given counts with the rest.
 * Method: 400 ms, four times; look at when the suspicion began, and at what was given. */
static void test_silence_is_given_back_once(void **state)
{
    (void)state;
    const struct gkv_member *suspect = suspect_for_a_while(2);
    const uint64_t began_ns = suspect->since_ns;
    world_now_ns += 400 * MS; /* silence */
    hear_data(1);
    assert_int_equal(suspect->since_ns, began_ns + 400 * MS);
    assert_int_equal(suspect->given_ns, 400 * MS);

    world_now_ns += 400 * MS; /* we stood still */
    struct gkv_step step = world_step_of(&world_peers[0]);
    gkv_timers_postpone(step.timers, 400 * MS);
    gkv_swim_on_stall(&world_peers[0].swim, &step, 400 * MS);
    world_drain(&world_peers[0]);
    hear_data(1);
    assert_int_equal(suspect->since_ns, began_ns + 800 * MS);
    assert_int_equal(suspect->given_ns, 400 * MS);

    world_now_ns += 200 * MS; /* data, and no word of membership */
    hear_data(1);
    world_now_ns += 200 * MS;
    hear_data(1);
    assert_int_equal(suspect->since_ns, began_ns + 800 * MS);

    world_now_ns += 400 * MS; /* a stranger */
    hear_data(7);
    assert_int_equal(suspect->since_ns, began_ns + 800 * MS);

    step = world_step_of(&world_peers[0]);
    assert_true(gkv_suspicion_reprieve(&step, gkv_member_find(step.members, world_id_of(2))));
    assert_int_equal(suspect->since_ns, world_now_ns);
    assert_int_equal(suspect->given_ns, world_now_ns - began_ns - 400 * MS);
}

/* Goal: without witnesses, no silence is given back. Method: 400 ms of it. */
static void test_no_witnesses_no_silence(void **state)
{
    (void)state;
    const struct gkv_member *suspect = suspect_for_a_while(0);
    const uint64_t began_ns = suspect->since_ns;
    world_now_ns += 400 * MS;
    hear_data(1);
    assert_int_equal(suspect->said.state, GKV_MEMBER_SUSPECT);
    assert_int_equal(suspect->since_ns, began_ns);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_formula),
        TEST(test_who_confirms),
        TEST(test_accusers_travel),
        TEST(test_buddy),
        TEST(test_last_chance),
        TEST(test_reprieve),
        TEST(test_reprieves_end),
        TEST(test_old_words_do_not_count),
        TEST(test_last_chance_tells),
        TEST(test_who_was_deaf_begins_anew),
        TEST(test_last_chance_comes_again),
        TEST(test_seldom_heard),
        TEST(test_silence_is_given_back_once),
        TEST(test_no_witnesses_no_silence),
    };
    print_message("seeds: 1000 + peer number\n");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
