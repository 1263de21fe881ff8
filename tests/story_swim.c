#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/cluster.h"

/* Goal: a silent member is probed, then probed by way of others, suspected, and unreachable only
 * when the suspicion has run out, never sooner; everybody comes to know.
 * Method: three nodes, cut c off, and compare the whole trace of a and b.
 *
 * Why the numbers: a probes two members every 100 ms, pings again after 25, and asks b and the
 * stream after 50. It probes c at 60, is told by b at 110 + 1 + 48 + 1 that it does not hear c
 * either, and suspects c 60 ms after it asked, at 170; gossip tells b at once. A suspicion among
 * three takes 200 + 2 * (log2(4) - 1) * 20 = 240 ms when both accuse, and 50 ms more for the last
 * chance; a has heard nobody since then, and looks again after 20 ms: 480. A suspect is still
 * probed (it may only be slow), an unreachable member is not. */
static void test_unreachable_waits_for_suspicion(void **state)
{
    (void)state;
    struct cluster *cluster = cluster_start(&(struct cluster_options){.nodes = 3, .seed = 1});
    cluster_cut(cluster, "c");
    cluster_run_until(cluster, 519);
    cluster_expect(cluster, "ab", cluster_probing,
                   "60 a probe c\n"
                   "60 a probe b\n"
                   "62 a hears b\n"
                   "68 b probe a\n"
                   "68 b probe c\n"
                   "70 b hears a\n"
                   "85 a probe c again\n"
                   "93 b probe c again\n"
                   "110 a probe c by way of b\n"
                   "110 a probe c over a stream\n"
                   "118 b probe c by way of a\n"
                   "118 b probe c over a stream\n"
                   "160 a probe b\n"
                   "160 a is told by b that it does not hear c\n"
                   "162 a hears b\n"
                   "168 b probe a\n"
                   "168 b is told by a that it does not hear c\n"
                   "170 b hears a\n"
                   "170 a suspects c, incarnation 0\n"
                   "171 b suspects c, incarnation 0, a said so\n"
                   "260 a probe c\n"
                   "260 a probe b\n"
                   "262 a hears b\n"
                   "268 b probe a\n"
                   "268 b probe c\n"
                   "270 b hears a\n"
                   "285 a probe c again\n"
                   "293 b probe c again\n"
                   "310 a probe c by way of b\n"
                   "310 a probe c over a stream\n"
                   "318 b probe c by way of a\n"
                   "318 b probe c over a stream\n"
                   "360 a probe b\n"
                   "360 a is told by b that it does not hear c\n"
                   "362 a hears b\n"
                   "368 b probe a\n"
                   "368 b is told by a that it does not hear c\n"
                   "370 b hears a\n"
                   "460 a probe b\n"
                   "460 a probe c\n"
                   "462 a hears b\n"
                   "468 b probe c\n"
                   "468 b probe a\n"
                   "470 b hears a\n"
                   "480 a declares c unreachable\n"
                   "481 b declares c unreachable\n"
                   "485 a probe c again\n"
                   "493 b probe c again\n"
                   "510 a probe c by way of b\n"
                   "510 a probe c over a stream\n"
                   "518 b probe c by way of a\n"
                   "518 b probe c over a stream\n");
    cluster_stop(cluster);
}

/* Goal: a member that is wrongly suspected hears of it and refutes with a greater incarnation,
 * and nobody ever holds it to be unreachable.
 * Method: cut c off for 200 ms, shorter than the suspicion of 240 ms among three. Cut off, c
 * suspects the others as they do it, so that all three refute. */
static void test_suspicion_is_refuted(void **state)
{
    (void)state;
    struct cluster *cluster = cluster_start(&(struct cluster_options){.nodes = 3, .seed = 1});
    cluster_cut(cluster, "c");
    cluster_run_until(cluster, 200);
    cluster_heal(cluster);
    cluster_run_until(cluster, 2000);
    cluster_expect(cluster, NULL, cluster_membership,
                   "170 a suspects c, incarnation 0\n"
                   "171 b suspects c, incarnation 0, a said so\n"
                   "192 c suspects a, incarnation 0\n"
                   "192 c suspects b, incarnation 0\n"
                   "211 c refutes, incarnation 1\n"
                   "212 a holds c alive, incarnation 1\n"
                   "212 a suspects b, incarnation 0, c said so\n"
                   "212 a refutes, incarnation 1\n"
                   "213 b refutes, incarnation 1\n"
                   "213 b holds c alive, incarnation 1\n"
                   "213 b suspects a, incarnation 0, c said so\n"
                   "213 c holds a alive, incarnation 1\n"
                   "214 c holds b alive, incarnation 1\n"
                   "231 b holds a alive, incarnation 1\n"
                   "232 a holds b alive, incarnation 1\n");
    cluster_stop(cluster);
}

/* Goal: one bad path is not a dead member: helpers answer for it, and nobody is suspected.
 * Method: cut a from b and b from a; both still reach c. By way of c an answer takes four trips of
 * 1 ms: 110 to 114. */
static void test_indirect_probe_saves_a_member(void **state)
{
    (void)state;
    struct cluster *cluster = cluster_start(&(struct cluster_options){.nodes = 3, .seed = 1});
    cluster_cut_one_way(cluster, "a", "b");
    cluster_cut_one_way(cluster, "b", "a");
    cluster_run_until(cluster, 400);
    cluster_expect(cluster, "a", cluster_probing,
                   "60 a probe c\n"
                   "60 a probe b\n"
                   "62 a hears c\n"
                   "85 a probe b again\n"
                   "110 a probe b by way of c\n"
                   "110 a probe b over a stream\n"
                   "114 a hears b\n"
                   "160 a probe c\n"
                   "160 a probe b\n"
                   "162 a hears c\n"
                   "185 a probe b again\n"
                   "210 a probe b by way of c\n"
                   "210 a probe b over a stream\n"
                   "214 a hears b\n"
                   "260 a probe c\n"
                   "260 a probe b\n"
                   "262 a hears c\n"
                   "285 a probe b again\n"
                   "310 a probe b by way of c\n"
                   "310 a probe b over a stream\n"
                   "314 a hears b\n"
                   "360 a probe b\n"
                   "360 a probe c\n"
                   "362 a hears c\n"
                   "385 a probe b again\n");
    cluster_expect(cluster, NULL, cluster_membership, "");
    cluster_stop(cluster);
}

/* Goal: a restart with a new boot supersedes whatever was said about the old one, at once.
 * Method: crash b, wait until it is unreachable, restart it. Its streams break at 1, so that a and
 * c probe it at once, and a suspects it 110 ms later. The new boot begins again at incarnation 0: a
 * boot outweighs every incarnation of an older one. */
static void test_restart_supersedes(void **state)
{
    (void)state;
    struct cluster *cluster = cluster_start(&(struct cluster_options){.nodes = 3, .seed = 1});
    cluster_crash(cluster, "b");
    cluster_run_until(cluster, 2000);
    cluster_expect(cluster, "ac", cluster_membership,
                   "111 a suspects b, incarnation 0\n"
                   "112 c suspects b, incarnation 0, a said so\n"
                   "401 a declares b unreachable\n"
                   "402 c declares b unreachable\n");
    cluster_forget(cluster);
    cluster_restart(cluster, "b");
    cluster_run_until(cluster, 3000);
    cluster_expect(cluster, NULL, cluster_membership,
                   "2002 a holds b alive, incarnation 0\n"
                   "2003 c holds b alive, incarnation 0\n"
                   "2006 b holds a alive, incarnation 0\n"
                   "2006 b holds c alive, incarnation 0\n");
    cluster_stop(cluster);
}

/* Goal: both sides of a healed partition find each other again, without anybody's help.
 * Method: cut a off for five seconds, and heal. b and c confirm each other, and a has 240 ms to
 * refute. Nobody confirms a, which hears nobody either, and so waits for witnesses for 3 s before
 * it holds them unreachable. Such members are pinged once per 1,000 ms with what is held against
 * them: a's ping of 5000 makes c refute at 5001, and c's ACK tells a in turn. It told c of b as
 * well, which refutes when c's rumour comes round. */
static void test_partition_heals(void **state)
{
    (void)state;
    struct cluster *cluster = cluster_start(&(struct cluster_options){.nodes = 3, .seed = 1});
    cluster_cut(cluster, "a");
    cluster_run_until(cluster, 5000);
    cluster_expect(cluster, NULL, cluster_membership,
                   "170 a suspects c, incarnation 0\n"
                   "170 a suspects b, incarnation 0\n"
                   "178 b suspects a, incarnation 0\n"
                   "179 c suspects a, incarnation 0, b said so\n"
                   "488 b declares a unreachable\n"
                   "489 c declares a unreachable\n"
                   "3380 a declares c unreachable\n"
                   "3480 a declares b unreachable\n");
    cluster_forget(cluster);
    cluster_heal(cluster);
    cluster_run_until(cluster, 8000);
    cluster_expect(cluster, NULL, cluster_membership,
                   "5001 c refutes, incarnation 1\n"
                   "5001 c declares b unreachable\n"
                   "5002 a holds c alive, incarnation 1\n"
                   "5002 a refutes, incarnation 1\n"
                   "5003 c holds a alive, incarnation 1\n"
                   "5070 b refutes, incarnation 1\n"
                   "5070 b holds a alive, incarnation 1\n"
                   "5071 a holds b alive, incarnation 1\n"
                   "5071 c holds b alive, incarnation 1\n");
    cluster_stop(cluster);
}

/* A cut between {a, b} and {c, d}, both ways. */
static void cut_in_two(struct cluster *cluster)
{
    static const char *const pairs[][2] = {{"a", "c"}, {"a", "d"}, {"b", "c"}, {"b", "d"}};
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        cluster_cut_one_way(cluster, pairs[i][0], pairs[i][1]);
        cluster_cut_one_way(cluster, pairs[i][1], pairs[i][0]);
    }
}

/* Either side may write alone, and what it missed is brought to it. */
static void options_eventual(struct gkv_options *options)
{
    cluster_options_init(options);
    options->level = GKV_LEVEL_EVENTUAL;
    options->write_quorum = 1;
    options->read_quorum = 1;
    options->sync_interval_ms = 1000;
}

/* From 20,000 ms to 20,200 ms: green on the one side, later blue on the other. */
static void set_on_both_sides(struct cluster *cluster)
{
    const uint32_t former = cluster_set(cluster, "a", "colour", "green");
    cluster_run_until(cluster, 20100);
    const uint32_t latter = cluster_set(cluster, "c", "colour", "blue");
    cluster_run_until(cluster, 20200);
    assert_string_equal(cluster_answer(cluster, former), "OK");
    assert_string_equal(cluster_answer(cluster, latter), "OK");
    cluster_forget(cluster);
}

/* Every owner of a key holds this value. */
static void check_all_hold(struct cluster *cluster, const char *key, const char *value)
{
    char owners[8] = "";
    (void)strncpy(owners, cluster_owners(cluster, key), sizeof(owners) - 1);
    assert_int_equal(strlen(owners), 3);
    for (const char *owner = owners; *owner != '\0'; owner++) {
        const char node[2] = {*owner, '\0'};
        assert_string_equal(cluster_held(cluster, node, key), value);
    }
}

/* Goal: two sides that have evicted each other are one again soon after the cut is healed, and hold
 * the same.
 * Method: cut four in two, wait longer than an eviction takes, write on either side, heal. Who was
 * evicted is asked ever more seldom, but every 8,000 ms at least. */
static void test_evicted_sides_meet_again(void **state)
{
    (void)state;
    static const enum gkv_trace_kind evictions[2] = {GKV_TRACE_MEMBER_EVICTED,
                                                     GKV_TRACE_MEMBER_EVICTED};
    struct gkv_options options;
    options_eventual(&options);
    struct cluster *cluster =
        cluster_start(&(struct cluster_options){.nodes = 4, .seed = 1, .tuned = &options});
    cut_in_two(cluster);
    cluster_run_until(cluster, 20000);
    cluster_expect(cluster, NULL, evictions,
                   "13439 c evicts a\n"
                   "13440 d evicts a\n"
                   "13456 a evicts c\n"
                   "13457 b evicts c\n"
                   "13732 c evicts b\n"
                   "13733 d evicts b\n"
                   "15857 a evicts d\n"
                   "15858 b evicts d\n");
    set_on_both_sides(cluster);
    cluster_heal(cluster);
    cluster_run_until(cluster, 30000);
    cluster_expect(cluster, NULL, cluster_membership,
                   "20611 c refutes, incarnation 1\n"
                   "20631 b refutes, incarnation 1\n"
                   "20633 a refutes, incarnation 1\n"
                   "20633 b holds c alive, incarnation 1\n"
                   "20633 a holds c alive, incarnation 1\n"
                   "20634 c holds b alive, incarnation 1\n"
                   "20634 c holds a alive, incarnation 1\n"
                   "20634 c evicts d\n"
                   "20682 d refutes, incarnation 1\n"
                   "20682 d holds a alive, incarnation 1\n"
                   "20682 d holds b alive, incarnation 1\n"
                   "20683 b holds d alive, incarnation 1\n"
                   "20692 a holds d alive, incarnation 1\n"
                   "20692 c holds d alive, incarnation 1\n");
    check_all_hold(cluster, "colour", "blue");
    cluster_stop(cluster);
}

/* Goal: who is parted from others again and again, and evicted each time, comes back each time: it
 * heard its own side, and knows that it was not deaf.
 * Method: the same cut twice within a minute, for longer than an eviction takes. */
static void test_sides_part_again(void **state)
{
    (void)state;
    static const enum gkv_trace_kind waits[2] = {GKV_TRACE_WAITS, GKV_TRACE_WAITS};
    struct cluster *cluster = cluster_start(&(struct cluster_options){.nodes = 4, .seed = 1});
    cut_in_two(cluster);
    cluster_run_until(cluster, 20000);
    cluster_heal(cluster);
    cluster_run_until(cluster, 25000);
    cut_in_two(cluster);
    cluster_run_until(cluster, 45000);
    cluster_heal(cluster);
    cluster_forget(cluster);
    cluster_run_until(cluster, 55000);
    cluster_expect(cluster, NULL, waits, "");
    cluster_expect(cluster, NULL, cluster_membership,
                   "45611 c refutes, incarnation 2\n"
                   "45631 a refutes, incarnation 2\n"
                   "45631 a declares b unreachable\n"
                   "45631 a evicts b\n"
                   "45670 b refutes, incarnation 2\n"
                   "45673 a holds b alive, incarnation 2\n"
                   "45673 a finds b degraded\n"
                   "45736 d refutes, incarnation 2\n"
                   "45736 d holds a alive, incarnation 2\n"
                   "45736 d finds a degraded\n"
                   "45737 a holds d alive, incarnation 2\n"
                   "45737 a finds d degraded\n"
                   "45754 b holds d alive, incarnation 2\n"
                   "45754 b finds d degraded\n"
                   "45754 d holds b alive, incarnation 2\n"
                   "45754 d finds b degraded\n"
                   "45757 c holds a alive, incarnation 2\n"
                   "45757 c finds a degraded\n"
                   "45757 c holds b alive, incarnation 2\n"
                   "45757 c finds b degraded\n"
                   "45758 a holds c alive, incarnation 2\n"
                   "45758 a finds c degraded\n"
                   "45770 b holds c alive, incarnation 2\n"
                   "45770 b finds c degraded\n");
    cluster_stop(cluster);
}

/* Goal: two clusters of one name that never heard of each other become one when they can meet, and
 * hold the same.
 * Method: four that remember nothing start as two pairs, with a seed on either side; each pair
 * writes the same key; then the cut between them is healed. Seeds that were never met are asked for
 * ever, one per 1,000 ms. */
static void test_two_clusters_become_one(void **state)
{
    (void)state;
    static const char *const nodes[] = {"a", "b", "c", "d"};
    struct gkv_options options;
    options_eventual(&options);
    options.seeds[1] = gkv_host_address(2);
    options.seed_count = 2;
    struct cluster *cluster =
        cluster_start(&(struct cluster_options){.nodes = 4, .seed = 1, .tuned = &options});
    for (size_t i = 0; i < 4; i++) {
        cluster_crash(cluster, nodes[i]);
    }
    cut_in_two(cluster);
    cluster_run_until(cluster, 100);
    for (size_t i = 0; i < 4; i++) {
        cluster_restart(cluster, nodes[i]);
    }
    cluster_run_until(cluster, 20000);
    cluster_expect(cluster, NULL, cluster_membership,
                   "103 a holds b alive, incarnation 0\n"
                   "103 c holds d alive, incarnation 0\n"
                   "106 b holds a alive, incarnation 0\n"
                   "106 d holds c alive, incarnation 0\n");
    set_on_both_sides(cluster);
    cluster_heal(cluster);
    cluster_run_until(cluster, 30000);
    cluster_expect(cluster, NULL, cluster_membership,
                   "20203 c holds a alive, incarnation 0\n"
                   "20203 c holds b alive, incarnation 0\n"
                   "20203 a holds d alive, incarnation 0\n"
                   "20203 a holds c alive, incarnation 0\n"
                   "20204 d holds a alive, incarnation 0\n"
                   "20204 d holds b alive, incarnation 0\n"
                   "20204 b holds d alive, incarnation 0\n"
                   "20204 b holds c alive, incarnation 0\n");
    check_all_hold(cluster, "colour", "blue");
    cluster_stop(cluster);
}

/* Goal: who stood still accuses nobody, and blames itself.
 * Method: stop c for 300 ms, with a suspicion that lasts longer. */
static void test_who_stood_still_accuses_nobody(void **state)
{
    (void)state;
    static const enum gkv_trace_kind all[2] = {GKV_TRACE_MEMBER_ALIVE, GKV_TRACE_REPRIEVE};
    struct gkv_options options;
    cluster_options_init(&options);
    options.suspicion_timeout_ms = 400;
    struct cluster *cluster =
        cluster_start(&(struct cluster_options){.nodes = 3, .seed = 1, .tuned = &options});
    cluster_pause(cluster, "c", 300);
    cluster_run_until(cluster, 2000);
    cluster_expect(cluster, NULL, all,
                   "170 a suspects c, incarnation 0\n"
                   "171 b suspects c, incarnation 0, a said so\n"
                   "178 b hears that b suspects c as well\n"
                   "192 a hears that b suspects c as well\n"
                   "300 c stood still for 217ms\n"
                   "300 c probes 3 times slower\n"
                   "300 c probes 4 times slower\n"
                   "300 c refutes, incarnation 1\n"
                   "301 a holds c alive, incarnation 1\n"
                   "301 b holds c alive, incarnation 1\n"
                   "302 c probes 3 times slower\n"
                   "302 c probes 2 times slower\n"
                   "602 c probes 1 times slower\n");
    cluster_stop(cluster);
}

/* Goal: who stands still again and again is neither well nor dead for the others, until a while
 * after the last time; a single time says nothing.
 * Method: stop c for 300 ms, twice, with a suspicion that lasts longer. */
static void test_grey_for_a_while(void **state)
{
    (void)state;
    static const enum gkv_trace_kind verdicts[2] = {GKV_TRACE_DEGRADED, GKV_TRACE_WAITS};
    struct gkv_options options;
    cluster_options_init(&options);
    options.suspicion_timeout_ms = 400;
    struct cluster *cluster =
        cluster_start(&(struct cluster_options){.nodes = 3, .seed = 1, .tuned = &options});
    cluster_pause(cluster, "c", 300);
    cluster_run_until(cluster, 1000);
    cluster_expect(cluster, NULL, verdicts, "");
    cluster_pause(cluster, "c", 300);
    cluster_run_until(cluster, 30000);
    cluster_expect(cluster, NULL, verdicts,
                   "1301 a finds c degraded\n"
                   "1301 b finds c degraded\n"
                   "12000 a finds c well again\n"
                   "12100 b finds c well again\n");
    cluster_stop(cluster);
}

/* Goal: who says goodbye has left, for everybody, at once, and is suspected by nobody.
 * Method: c leaves, has 100 ms for what is under way, and stops. */
static void test_leaving_is_not_dying(void **state)
{
    (void)state;
    struct cluster *cluster = cluster_start(&(struct cluster_options){.nodes = 3, .seed = 1});
    cluster_leave(cluster, "c");
    cluster_run_until(cluster, 200);
    cluster_crash(cluster, "c");
    cluster_run_until(cluster, 3000);
    cluster_expect(cluster, "ab", cluster_membership,
                   "1 a knows that c is leaving\n"
                   "1 b knows that c is leaving\n"
                   "101 a knows that c left\n"
                   "101 b knows that c left\n");
    cluster_stop(cluster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unreachable_waits_for_suspicion),
        cmocka_unit_test(test_suspicion_is_refuted),
        cmocka_unit_test(test_indirect_probe_saves_a_member),
        cmocka_unit_test(test_restart_supersedes),
        cmocka_unit_test(test_partition_heals),
        cmocka_unit_test(test_evicted_sides_meet_again),
        cmocka_unit_test(test_sides_part_again),
        cmocka_unit_test(test_two_clusters_become_one),
        cmocka_unit_test(test_who_stood_still_accuses_nobody),
        cmocka_unit_test(test_grey_for_a_while),
        cmocka_unit_test(test_leaving_is_not_dying),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
