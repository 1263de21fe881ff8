#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/swim.h"
#include "tests/swim_world.h"

/* Goal: nodes that share a seed all meet, and an idle cluster says two messages a probe and no
 * more.
 * Method: five nodes; count the messages of ten quiet seconds. */
static void test_all_meet_and_fall_quiet(void **state)
{
    (void)state;
    world_start_cluster(5);
    for (uint32_t i = 0; i < 5; i++) {
        const struct gkv_step step = world_step_of(&world_peers[i]);
        assert_true(gkv_swim_has_joined(&world_peers[i].swim, &step));
        assert_int_equal(world_peers[i].swim.gossip.rumors.pending_count, 0);
        assert_false(gkv_timer_is_set(&world_peers[i].timers, GKV_TIMER_GOSSIP));
        assert_int_equal(world_peers[i].event_count, 4);
    }
    memset(world_sent_count, 0, sizeof(world_sent_count));
    world_run_until(world_now_ns + 10 * SECOND_NS);
    assert_int_equal(world_sent_count[GKV_MESSAGE_PING], 5 * 2 * 100);
    assert_int_equal(world_sent_count[GKV_MESSAGE_ACK], 5 * 2 * 100);
    assert_int_equal(world_sent_count[GKV_MESSAGE_GOSSIP] + world_sent_count[GKV_MESSAGE_PING_REQ],
                     0);
    assert_int_equal(world_sent_count[GKV_MESSAGE_PUSH_PULL], 0);
}

/* Goal: with seeds, joined means met; without any, there is nobody to meet.
 * Method: one node with a dead seed, one whose only seed is itself. */
static void test_joined_means_met(void **state)
{
    (void)state;
    world_start(0, 100, 0);
    world_start(1, 100, 6);
    world_run_until(5 * SECOND_NS);
    struct gkv_step step = world_step_of(&world_peers[0]);
    assert_true(gkv_swim_has_joined(&world_peers[0].swim, &step));
    step = world_step_of(&world_peers[1]);
    assert_false(gkv_swim_has_joined(&world_peers[1].swim, &step));
}

/* Goal: a silent member is suspect 110 ms after the ping that it did not answer, and unreachable
 * the suspicion timeout later, to the nanosecond.
 * Method: two nodes, one goes silent; compare trace times. Two have no witnesses and so all the
 * time there is, 4 x 200 ms, and 50 ms for the last chance. */
static void test_detection_is_exact(void **state)
{
    (void)state;
    world_start_cluster(2);
    const uint64_t down_ns = world_now_ns;
    world_peers[1].is_down = true;
    world_run_until(world_now_ns + 2 * SECOND_NS);
    const struct gkv_trace_point *suspect = world_traced(0, GKV_TRACE_MEMBER_SUSPECT, 1, down_ns);
    const struct gkv_trace_point *end = world_traced(0, GKV_TRACE_MEMBER_UNREACHABLE, 1, down_ns);
    assert_non_null(suspect);
    assert_non_null(end);
    assert_true(gkv_node_id_equal(suspect->via, world_id_of(0)));
    assert_in_range(suspect->mono_ns, down_ns + 110 * GKV_NS_PER_MS, down_ns + 210 * GKV_NS_PER_MS);
    assert_int_equal(end->mono_ns - suspect->mono_ns, 850 * GKV_NS_PER_MS);
    assert_int_equal(world_view(0, 1)->state, GKV_MEMBER_UNREACHABLE);
    assert_int_equal(world_peers[0].event_count, 3); /* alive, suspect, unreachable */
}

/* Goal: everybody learns of a death, and of the first accuser's time, well before all would find
 * out.
 * Method: six nodes, one dies; all others hold it unreachable within two seconds. */
static void test_a_death_is_known_to_all(void **state)
{
    (void)state;
    world_start_cluster(6);
    world_peers[5].is_down = true;
    world_run_until(world_now_ns + 2 * SECOND_NS);
    for (uint32_t i = 0; i < 5; i++) {
        assert_int_equal(world_view(i, 5)->state, GKV_MEMBER_UNREACHABLE);
        for (uint32_t j = 0; j < 5; j++) {
            assert_int_equal(world_view(i, j)->state, GKV_MEMBER_ALIVE);
        }
    }
}

/* How long until all others of `count` hold the last one unreachable, in ms; nodes have the times
 * of a profile, and it dies phase_ms after a quiet while. */
static uint64_t ms_until_known(enum gkv_options_profile profile, uint32_t count, uint64_t phase_ms)
{
    (void)world_setup(NULL);
    for (uint32_t i = 0; i < count; i++) {
        gkv_options_profile(&world_start(i, 100, 0)->options, profile);
    }
    world_run_until(25 * SECOND_NS + phase_ms * GKV_NS_PER_MS);
    assert_true(world_all_see_all_alive());
    world_peers[count - 1].is_down = true;
    const uint64_t down_ns = world_now_ns;
    for (uint32_t i = 0; i + 1 < count; i++) {
        while (world_view(i, count - 1)->state != GKV_MEMBER_UNREACHABLE) {
            assert_true(world_now_ns - down_ns < 60 * SECOND_NS);
            world_run_until(world_now_ns + 5 * GKV_NS_PER_MS);
        }
    }
    (void)world_teardown(NULL);
    return (world_now_ns - down_ns) / GKV_NS_PER_MS;
}

/* Goal: each profile keeps its word (core/options.h): how soon a death is known to all; and that
 * two nodes take longer, who have nobody to ask.
 * Method: two, three and eight nodes, at many phases. */
static void test_profiles_keep_their_word(void **state)
{
    (void)state;
    static const uint64_t limits_ms[] = {
        [GKV_OPTIONS_LAN] = 1000, [GKV_OPTIONS_STABLE] = 2000, [GKV_OPTIONS_WAN] = 10000};
    for (int i = GKV_OPTIONS_LAN; i <= GKV_OPTIONS_WAN; i++) {
        const enum gkv_options_profile profile = (enum gkv_options_profile)i;
        for (uint64_t phase_ms = 0; phase_ms < 1000; phase_ms += 53) {
            assert_in_range(ms_until_known(profile, 3, phase_ms), 0, limits_ms[i]);
            assert_in_range(ms_until_known(profile, 8, phase_ms), 0, limits_ms[i]);
            const uint64_t two_ms = ms_until_known(profile, 2, phase_ms);
            assert_in_range(two_ms, limits_ms[i] * 4 / 5, limits_ms[i] * 5 / 2);
        }
    }
}

/* Goal: a bad path between two members does not make either suspect, as long as helpers reach both.
 * Method: three nodes, cut one pair for ten seconds. */
static void test_helpers_save_a_member(void **state)
{
    (void)state;
    world_start_cluster(3);
    const uint64_t cut_ns = world_now_ns;
    world_set_cut(1, 2, true);
    world_run_until(world_now_ns + 10 * SECOND_NS);
    assert_non_null(world_traced(0, GKV_TRACE_PROBE_INDIRECT, 1, cut_ns));
    assert_true(world_sent_count[GKV_MESSAGE_PING_REQ] > 0);
    for (uint32_t i = 0; i < 3; i++) {
        for (uint32_t j = 0; j < 3; j++) {
            assert_null(world_traced(i, GKV_TRACE_MEMBER_SUSPECT, j, cut_ns));
        }
    }
}

/* Goal: a node that restarted without memory supersedes all that was said of its former life, at
 * once, though its incarnation starts again (memberlist #311).
 * Method: raise the incarnation, kill, wait until unreachable, restart with a greater boot. */
static void test_a_restart_supersedes(void **state)
{
    (void)state;
    world_start_cluster(3);
    const struct gkv_update lie = world_update_about(2, 100, 40, GKV_MEMBER_SUSPECT);
    world_gossip(0, 2, &lie);
    world_run_until(world_now_ns + 1 * SECOND_NS);
    assert_int_equal(world_view(0, 2)->incarnation, 41);
    world_peers[2].is_down = true;
    world_run_until(world_now_ns + 3 * SECOND_NS);
    assert_int_equal(world_view(1, 2)->state, GKV_MEMBER_UNREACHABLE);
    world_start(2, 200, 0);
    world_run_until(world_now_ns + 500 * GKV_NS_PER_MS);
    assert_true(world_all_see_all_alive());
    assert_int_equal(world_view(1, 2)->who.boot_id, 200);
    assert_int_equal(world_view(1, 2)->incarnation, 0);
}

/* Goal: a restart while a probe of the former life is under way makes nobody suspect.
 * Method: lose every ping of the target, and tell of its newer boot within the period. */
static void test_a_restart_under_probe(void **state)
{
    (void)state;
    world_start_cluster(2);
    world_peers[1].is_down = true;
    const uint64_t down_ns = world_now_ns;
    while (world_traced(0, GKV_TRACE_PROBE, 1, down_ns) == NULL) {
        world_run_until(world_now_ns + GKV_NS_PER_MS);
    }
    const struct gkv_update reborn = world_update_about(1, 300, 0, GKV_MEMBER_ALIVE);
    world_gossip(1, 0, &reborn);
    world_run_until(world_now_ns + 108 * GKV_NS_PER_MS);
    assert_null(world_traced(0, GKV_TRACE_MEMBER_SUSPECT, 1, down_ns));
    world_run_until(world_now_ns + 200 * GKV_NS_PER_MS);
    assert_non_null(world_traced(0, GKV_TRACE_MEMBER_SUSPECT, 1, down_ns));
}

/* Goal: an unreachable member that comes back, with its memory, is alive for all again, without
 * seeds.
 * Method: three nodes, cut one off for five seconds, mend. */
static void test_the_unreachable_come_back(void **state)
{
    (void)state;
    world_start_cluster(3);
    world_peers[2].options.seed_count = 0;
    world_set_cut(4, 3, true);
    world_run_until(world_now_ns + 5 * SECOND_NS);
    assert_int_equal(world_view(0, 2)->state, GKV_MEMBER_UNREACHABLE);
    assert_int_equal(world_view(2, 0)->state, GKV_MEMBER_UNREACHABLE);
    world_set_cut(4, 3, false);
    world_run_until(world_now_ns + 4 * SECOND_NS);
    assert_true(world_all_see_all_alive());
}

/* Run until a viewer holds a peer in a state, to 10 ms; returns when. */
static uint64_t run_until_held(uint32_t viewer, uint32_t number, enum gkv_member_state state)
{
    while (world_view(viewer, number)->state != state) {
        world_run_until(world_now_ns + 10 * GKV_NS_PER_MS);
    }
    return world_now_ns;
}

/* Goal: who is unreachable for ten to twelve seconds is evicted, by the word of one; it keeps its
 * place in the ring, and comes back from there as before; unless eviction is switched off.
 * Method: five nodes, one goes silent; look at the times of one viewer; mend. */
static void test_eviction(void **state)
{
    for (uint32_t is_on = 0; is_on < 2; is_on++) {
        world_setup(state);
        world_start_cluster(5);
        for (uint32_t i = 0; i < 5; i++) {
            world_peers[i].options.evict_delay_ms = is_on * 10000;
        }
        world_set_cut(16, 15, true);
        const uint64_t began_ns = run_until_held(0, 4, GKV_MEMBER_UNREACHABLE);
        if (is_on == 1) {
            const uint64_t ended_ns = run_until_held(0, 4, GKV_MEMBER_EVICTED);
            assert_in_range(ended_ns - began_ns, 9900 * GKV_NS_PER_MS, 12 * SECOND_NS);
        }
        world_run_until(began_ns + 13 * SECOND_NS);
        for (uint32_t i = 0; i < 4; i++) {
            assert_int_equal(world_view(i, 4)->state,
                             is_on == 1 ? GKV_MEMBER_EVICTED : GKV_MEMBER_UNREACHABLE);
            assert_int_equal(world_peers[i].members.ring_count, 5);
            assert_int_equal(world_peers[i].members.reachable_count, 4);
        }
        world_set_cut(16, 15, false);
        world_run_until(world_now_ns + 9 * SECOND_NS);
        assert_true(world_all_see_all_alive());
        world_teardown(state);
    }
}

/* Goal: evicted members are called for ever, less and less often, and unreachable ones each time.
 * Method: a node whose only peer, no seed, is silent; count its pings. Calls 1, 2, 4, 8, 8 .. s
 * apart: 3 + (60 - 7) / 8 of them in a minute, and one more or less. */
static void test_the_evicted_are_called_less_often(void **state)
{
    (void)state;
    world_start_cluster(2);
    world_peers[1].options.seed_count = 0;
    world_peers[0].is_down = true;
    world_run_until(world_now_ns + 5 * SECOND_NS);
    assert_int_equal(world_view(1, 0)->state, GKV_MEMBER_UNREACHABLE);
    memset(world_sent_count, 0, sizeof(world_sent_count));
    world_run_until(world_now_ns + 4 * SECOND_NS);
    assert_in_range(world_sent_count[GKV_MESSAGE_PING], 3, 4);
    (void)run_until_held(1, 0, GKV_MEMBER_EVICTED);
    memset(world_sent_count, 0, sizeof(world_sent_count));
    world_run_until(world_now_ns + 60 * SECOND_NS);
    assert_in_range(world_sent_count[GKV_MESSAGE_PING], 9, 11);
    memset(world_sent_count, 0, sizeof(world_sent_count));
    world_run_until(world_now_ns + 3600 * SECOND_NS);
    assert_in_range(world_sent_count[GKV_MESSAGE_PING], 449, 451);
}

/* Goal: a partition down the middle heals, however long it was.
 * Method: three and three, an hour apart. */
static void test_a_long_partition_heals(void **state)
{
    (void)state;
    world_start_cluster(6);
    world_set_cut(7, 56, true);
    world_run_until(world_now_ns + 3600 * SECOND_NS);
    assert_int_equal(world_view(0, 5)->state, GKV_MEMBER_EVICTED);
    assert_int_equal(world_view(4, 1)->state, GKV_MEMBER_EVICTED);
    world_set_cut(7, 56, false);
    world_run_until(world_now_ns + 5 * SECOND_NS);
    assert_true(world_all_see_all_alive());
}

/* Goal: two clusters that never heard of each other merge when one member pings another.
 * Method: two and two; a single forged introduction. */
static void test_two_clusters_merge(void **state)
{
    (void)state;
    world_start(0, 100, 0);
    world_start(1, 100, 0);
    world_start(2, 100, 2);
    world_start(3, 100, 2);
    world_run_until(3 * SECOND_NS);
    assert_int_equal(world_view(0, 2)->state, GKV_MEMBER_NONE);
    struct gkv_message message = world_message_from(2, 100, GKV_MESSAGE_PING);
    message.as.gossip.sequence = 1;
    message.as.gossip.about = world_view(0, 0)->who;
    const struct gkv_address source = world_address_of(2);
    const uint32_t before = world_sent_count[GKV_MESSAGE_PUSH_PULL];
    world_deliver(0, &message, &source);
    world_deliver(0, &message, &source);
    assert_int_equal(world_sent_count[GKV_MESSAGE_PUSH_PULL], before + 1); /* no storm */
    world_run_until(world_now_ns + 1 * SECOND_NS);
    assert_true(world_all_see_all_alive());
}

/* Goal: one who leaves is LEFT for all at once, refutes nothing, and is forgotten after ten
 * minutes.
 * Method: leave, then accuse; then wait. */
static void test_leave(void **state)
{
    (void)state;
    world_start_cluster(5);
    struct gkv_step step = world_step_of(&world_peers[4]);
    gkv_swim_leave(&world_peers[4].swim, &step);
    gkv_swim_leave(&world_peers[4].swim, &step);
    world_drain(&world_peers[4]);
    assert_int_equal(world_mail_count, GKV_GOSSIP_FANOUT);
    world_run_until(world_now_ns + 99 * GKV_NS_PER_MS);
    for (uint32_t i = 0; i < 5; i++) {
        assert_int_equal(world_view(i, 4)->state, GKV_MEMBER_LEAVING);
        assert_int_equal(world_peers[i].members.reachable_count, 5);
        assert_int_equal(world_peers[i].members.ring_count, 5);
    }
    world_run_until(world_now_ns + 51 * GKV_NS_PER_MS);
    world_peers[4].is_down = true;
    world_run_until(world_now_ns + 500 * GKV_NS_PER_MS);
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(world_view(i, 4)->state, GKV_MEMBER_LEFT);
        assert_null(world_traced(i, GKV_TRACE_MEMBER_SUSPECT, 4, 0));
    }
    const uint32_t incarnation = world_view(4, 4)->incarnation;
    const struct gkv_update lie = world_update_about(4, 100, 60, GKV_MEMBER_SUSPECT);
    world_gossip(0, 4, &lie);
    assert_int_equal(world_view(4, 4)->incarnation, incarnation);
    assert_int_equal(world_view(4, 4)->state, GKV_MEMBER_LEFT);
    world_run_until(world_now_ns + 601 * SECOND_NS);
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(world_view(i, 4)->state, GKV_MEMBER_NONE);
        assert_int_equal(world_peers[i].members.count, 4);
    }
}

/* Goal: a full table refuses newcomers, counted, and makes place when somebody left.
 * Method: room for four; a fifth starts; then one leaves. */
static void test_a_full_table(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 5; i++) {
        world_start_sized(i, 100, 0, i == 0 ? 4 : 16);
        world_run_until(world_now_ns + SECOND_NS);
    }
    assert_int_equal(world_peers[0].members.count, 4);
    assert_int_equal(world_view(0, 4)->state, GKV_MEMBER_NONE);
    assert_true(world_peers[0].members.refused_count > 0);
    const struct gkv_step step = world_step_of(&world_peers[3]);
    gkv_swim_leave(&world_peers[3].swim, &step);
    world_drain(&world_peers[3]);
    world_run_until(world_now_ns + 40 * SECOND_NS); /* a push-pull brings the fifth */
    assert_int_equal(world_view(0, 4)->state, GKV_MEMBER_ALIVE);
    assert_int_equal(world_view(0, 3)->state, GKV_MEMBER_NONE);
}

static struct gkv_update hundreds[300];

/* Peer 0 is asked for its table by a stranger whose own says the same of peers 1 to 300. */
static void ask_with_hundreds(enum gkv_member_state state)
{
    struct gkv_message message = world_message_from(1, 100, GKV_MESSAGE_PUSH_PULL);
    message.as.push_pull.is_request = true;
    message.as.push_pull.updates = hundreds;
    message.as.push_pull.update_count = 300;
    for (uint32_t i = 0; i < 300; i++) {
        hundreds[i] = world_update_about(i + 1, 100, 0, state);
    }
    const struct gkv_address source = world_address_of(1);
    world_deliver(0, &message, &source);
}

/* Goal: one message that changes hundreds of members stays under the bound of actions, the answer
 * still gets out, the table misses nothing, and the application is told of each change at that
 * instant; of two changes at one instant, of what is held in the end at least.
 * Method: a PUSH_PULL request of 300 strangers, then of 300 deaths, with time for timers in between
 * or none. */
static void test_events_are_bounded(void **state)
{
    (void)state;
    for (uint32_t in_turn = 0; in_turn < 2; in_turn++) {
        assert_int_equal(world_teardown(state) + world_setup(state), 0);
        struct peer *peer = world_start_sized(0, 100, 0, 512);
        world_sent_count[GKV_MESSAGE_PUSH_PULL] = 0;
        ask_with_hundreds(GKV_MEMBER_ALIVE);
        const uint32_t at_once_count = peer->event_count;
        assert_in_range(at_once_count, 40, GKV_SWIM_ACTION_COUNT_MAX);
        if (in_turn == 1) {
            world_run_until(world_now_ns);
            assert_int_equal(peer->event_count, 300);
        }
        ask_with_hundreds(GKV_MEMBER_UNREACHABLE);
        assert_int_equal(world_view(0, 300)->state, GKV_MEMBER_UNREACHABLE);
        world_run_until(world_now_ns);
        assert_int_equal(peer->event_count, (in_turn == 1 ? 300 : at_once_count) + 300);
        assert_int_equal(peer->members.count, 301);
        assert_int_equal(world_sent_count[GKV_MESSAGE_PUSH_PULL], 2);
        assert_true(peer->action_count_max <= GKV_SWIM_ACTION_COUNT_MAX);
    }
}

/* Goal: what is malformed is counted and changes nothing.
 * Method: zero ids, zero sequences, bad states, addresses and counts. */
static void test_malformed(void **state)
{
    (void)state;
    world_start_cluster(2);
    const struct gkv_address source = world_address_of(1);
    const struct gkv_update bad[] = {
        {.who = {{{0}}, 1}, .state = GKV_MEMBER_ALIVE, .address = {.count = 1}},
        {.who = {world_id_of(5), 0}, .state = GKV_MEMBER_ALIVE, .address = {.count = 1}},
        {.who = {world_id_of(5), 1}, .state = GKV_MEMBER_NONE, .address = {.count = 1}},
        {.who = {world_id_of(5), 1},
         .state = (enum gkv_member_state)GKV_MEMBER_STATE_COUNT,
         .address = {.count = 1}},
        {.who = {world_id_of(5), 1}, .state = GKV_MEMBER_ALIVE, .address = {.count = 0}},
        {.who = {world_id_of(5), 1}, .state = GKV_MEMBER_ALIVE, .address = {.count = 21}},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        world_gossip(1, 0, &bad[i]);
        assert_int_equal(world_peers[0].swim.drops.malformed, i + 1);
    }
    const uint64_t before = world_peers[0].swim.drops.malformed;
    struct gkv_message message = world_message_from(1, 100, GKV_MESSAGE_PING);
    message.as.gossip.about = world_view(0, 0)->who;
    world_deliver(0, &message, &source); /* sequence 0 */
    message.as.gossip.sequence = 1;
    message.as.gossip.about.id = (struct gkv_node_id){{0}};
    world_deliver(0, &message, &source);
    message.as.gossip.about = world_view(0, 0)->who;
    message.from.boot_id = 0;
    world_deliver(0, &message, &source);
    assert_int_equal(world_peers[0].swim.drops.malformed, before + 3);
    assert_int_equal(world_mail_count, 0);
    assert_int_equal(world_peers[0].members.count, 2);
}

/* Goal: we answer for nobody else, ask nobody on behalf of strangers, and an answer to no question
 * is counted.
 * Method: a PING about another, a PING_REQ about a stranger, an ACK out of the blue. */
static void test_not_for_us(void **state)
{
    (void)state;
    world_start_cluster(2);
    const struct gkv_address source = world_address_of(1);
    const uint64_t stale = world_peers[0].swim.drops.stale;
    struct gkv_message message = world_message_from(1, 100, GKV_MESSAGE_PING);
    message.as.gossip.sequence = 1;
    message.as.gossip.about = (struct gkv_identity){world_id_of(7), 1};
    world_deliver(0, &message, &source);
    assert_int_equal(world_peers[0].swim.drops.stale, stale + 1);
    message.kind = GKV_MESSAGE_PING_REQ;
    world_deliver(0, &message, &source);
    assert_int_equal(world_peers[0].swim.drops.unknown_member, 1);
    message.kind = GKV_MESSAGE_ACK;
    world_deliver(0, &message, &source);
    assert_int_equal(world_peers[0].swim.drops.stale, stale + 2);
    assert_int_equal(world_mail_count, 0);
}

/* Goal: a broken stream has its member probed at once.
 * Method: eight nodes; break one stream; look for a probe at this instant, out of turn. */
static void test_stream_down_probes_at_once(void **state)
{
    (void)state;
    world_start_cluster(8);
    for (uint32_t i = 1; i < 8; i++) {
        const uint64_t since_ns = world_now_ns;
        const struct gkv_step step = world_step_of(&world_peers[0]);
        const struct gkv_address address = world_address_of(i);
        gkv_swim_on_stream_down(&world_peers[0].swim, &step, &address);
        const struct gkv_trace_point *point = world_traced(0, GKV_TRACE_PROBE, i, since_ns);
        assert_non_null(point);
        assert_int_equal(point->b, 1);
        world_drain(&world_peers[0]);
        world_run_until(world_now_ns + 10 * GKV_NS_PER_MS);
    }
}

/* Goal: a member that moved is found at the address of its newer boot.
 * Method: tell of it, and see where the next ping goes. */
static void test_an_address_moves(void **state)
{
    (void)state;
    world_start_cluster(2);
    struct gkv_update moved = world_update_about(1, 101, 0, GKV_MEMBER_ALIVE);
    moved.address = world_address_of(6);
    world_gossip(1, 0, &moved);
    assert_true(gkv_address_equal(&world_view(0, 1)->address, &moved.address));
}

/* Goal: a seed is not asked for ever because somebody unreachable was at its address before.
 * Method: tell a node of a dead name at its seed's address, where a living one is; no table is
 * asked for in five seconds. */
static void test_a_seed_had_another_name(void **state)
{
    (void)state;
    world_start(0, 100, 0);
    world_start(1, 100, 0);
    struct gkv_update dead = world_update_about(6, 100, 0, GKV_MEMBER_UNREACHABLE);
    dead.address = world_address_of(0);
    world_gossip(2, 1, &dead); /* before the living one, whose place in the table comes after */
    world_run_until(world_now_ns + SECOND_NS);
    assert_int_equal(world_view(1, 0)->state, GKV_MEMBER_ALIVE);
    memset(world_sent_count, 0, sizeof(world_sent_count));
    world_run_until(world_now_ns + 5 * SECOND_NS);
    assert_int_equal(world_sent_count[GKV_MESSAGE_PUSH_PULL], 0);
    assert_int_equal(world_view(1, 6)->state, GKV_MEMBER_UNREACHABLE);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_all_meet_and_fall_quiet),
        TEST(test_joined_means_met),
        TEST(test_detection_is_exact),
        TEST(test_a_death_is_known_to_all),
        TEST(test_profiles_keep_their_word),
        TEST(test_helpers_save_a_member),
        TEST(test_a_restart_supersedes),
        TEST(test_a_restart_under_probe),
        TEST(test_the_unreachable_come_back),
        TEST(test_eviction),
        TEST(test_the_evicted_are_called_less_often),
        TEST(test_a_long_partition_heals),
        TEST(test_two_clusters_merge),
        TEST(test_leave),
        TEST(test_a_full_table),
        TEST(test_events_are_bounded),
        TEST(test_malformed),
        TEST(test_not_for_us),
        TEST(test_stream_down_probes_at_once),
        TEST(test_an_address_moves),
        TEST(test_a_seed_had_another_name),
    };
    print_message("seeds: 1000 + peer number\n");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
