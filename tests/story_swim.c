#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

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
 * chance: 460. A suspect is still probed (it may only be slow), an unreachable member is not. */
static void test_unreachable_waits_for_suspicion(void **state)
{
    (void)state;
    struct cluster *cluster = cluster_start(&(struct cluster_options){.nodes = 3, .seed = 1});
    cluster_cut(cluster, "c");
    cluster_run_until(cluster, 600);
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
                   "460 a declares c unreachable\n"
                   "461 b declares c unreachable\n"
                   "462 a hears b\n"
                   "468 b probe a\n"
                   "470 b hears a\n"
                   "485 a probe c again\n"
                   "510 a probe c by way of b\n"
                   "510 a probe c over a stream\n"
                   "560 a probe b\n"
                   "560 a is told by b that it does not hear c\n"
                   "562 a hears b\n"
                   "568 b probe a\n"
                   "570 b hears a\n");
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
                   "468 b declares a unreachable\n"
                   "469 c declares a unreachable\n"
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
        cmocka_unit_test(test_who_stood_still_accuses_nobody),
        cmocka_unit_test(test_grey_for_a_while),
        cmocka_unit_test(test_leaving_is_not_dying),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
