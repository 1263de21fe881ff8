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
 * Why the numbers: a probes every 200 ms and asks helpers after 80. It probes c at 260, asks b at
 * 340, and suspects c when the period ends, at 460; the ping to b that leaves then tells b. A
 * suspicion among three takes 600 + 2 * log2(4) * 50 = 800 ms from when one heard of it: 1260 and
 * 1261. A suspect is still probed (it may only be slow), an unreachable member is not. */
static void test_unreachable_waits_for_suspicion(void **state)
{
    (void)state;
    struct cluster *cluster = cluster_start(&(struct cluster_options){.nodes = 3, .seed = 1});
    cluster_cut(cluster, "c");
    cluster_run_until(cluster, 2000);
    cluster_expect(cluster, "ab", cluster_probing,
                   "60 a probe b\n"
                   "62 a hears b\n"
                   "168 b probe a\n"
                   "170 b hears a\n"
                   "260 a probe c\n"
                   "340 a probe c by way of b\n"
                   "368 b probe c\n"
                   "448 b probe c by way of a\n"
                   "460 a suspects c, incarnation 0\n"
                   "460 a probe b\n"
                   "461 b suspects c, incarnation 0, a said so\n"
                   "462 a hears b\n"
                   "568 b probe a\n"
                   "570 b hears a\n"
                   "660 a probe c\n"
                   "740 a probe c by way of b\n"
                   "768 b probe c\n"
                   "848 b probe c by way of a\n"
                   "860 a probe b\n"
                   "862 a hears b\n"
                   "968 b probe a\n"
                   "970 b hears a\n"
                   "1060 a probe c\n"
                   "1140 a probe c by way of b\n"
                   "1168 b probe c\n"
                   "1248 b probe c by way of a\n"
                   "1260 a probe b\n"
                   "1260 a declares c unreachable\n"
                   "1261 b declares c unreachable\n"
                   "1262 a hears b\n"
                   "1368 b probe a\n"
                   "1370 b hears a\n"
                   "1460 a probe b\n"
                   "1462 a hears b\n"
                   "1568 b probe a\n"
                   "1570 b hears a\n"
                   "1660 a probe b\n"
                   "1662 a hears b\n"
                   "1768 b probe a\n"
                   "1770 b hears a\n"
                   "1860 a probe b\n"
                   "1862 a hears b\n"
                   "1968 b probe a\n"
                   "1970 b hears a\n");
    cluster_stop(cluster);
}

/* Goal: a member that is wrongly suspected hears of it and refutes with a greater incarnation,
 * and nobody ever holds it to be unreachable.
 * Method: cut c off for 500 ms, shorter than the suspicion of 800 ms among three.
 *
 * Cut off, c suspects the others as they do it, so that all three refute. At 568 b suspects c
 * once more, under its new incarnation: b's probe of 368 was lost in the cut and its period ends
 * now. That is SWIM to the letter, where only an ACK ends a probe; c's refutation of 533, which b
 * heard from c itself, would have been as good a sign of life. */
static void test_suspicion_is_refuted(void **state)
{
    (void)state;
    struct cluster *cluster = cluster_start(&(struct cluster_options){.nodes = 3, .seed = 1});
    cluster_cut(cluster, "c");
    cluster_run_until(cluster, 500);
    cluster_heal(cluster);
    cluster_run_until(cluster, 2000);
    cluster_expect(cluster, NULL, cluster_membership,
                   "282 c suspects b, incarnation 0\n"
                   "460 a suspects c, incarnation 0\n"
                   "461 b suspects c, incarnation 0, a said so\n"
                   "482 c suspects a, incarnation 0\n"
                   "511 c refutes, incarnation 1\n"
                   "533 a refutes, incarnation 1\n"
                   "533 a holds c alive, incarnation 1\n"
                   "533 b refutes, incarnation 1\n"
                   "533 b holds c alive, incarnation 1\n"
                   "533 b suspects a, incarnation 0, c said so\n"
                   "561 b holds a alive, incarnation 1\n"
                   "561 c holds a alive, incarnation 1\n"
                   "562 c holds b alive, incarnation 1\n"
                   "568 b suspects c, incarnation 1\n"
                   "569 a suspects c, incarnation 1, b said so\n"
                   "611 c refutes, incarnation 2\n"
                   "633 a holds c alive, incarnation 2\n"
                   "633 b holds c alive, incarnation 2\n");
    cluster_stop(cluster);
}

/* Goal: one bad path is not a dead member: helpers answer for it, and nobody is suspected.
 * Method: cut a from b and b from a; both still reach c. By way of c an answer takes four trips of
 * 1 ms: 140 to 144. */
static void test_indirect_probe_saves_a_member(void **state)
{
    (void)state;
    struct cluster *cluster = cluster_start(&(struct cluster_options){.nodes = 3, .seed = 1});
    cluster_cut_one_way(cluster, "a", "b");
    cluster_cut_one_way(cluster, "b", "a");
    cluster_run_until(cluster, 1000);
    cluster_expect(cluster, "a", cluster_probing,
                   "60 a probe b\n"
                   "140 a probe b by way of c\n"
                   "144 a hears b\n"
                   "260 a probe c\n"
                   "262 a hears c\n"
                   "460 a probe b\n"
                   "540 a probe b by way of c\n"
                   "544 a hears b\n"
                   "660 a probe c\n"
                   "662 a hears c\n"
                   "860 a probe b\n"
                   "940 a probe b by way of c\n"
                   "944 a hears b\n");
    cluster_expect(cluster, NULL, cluster_membership, "");
    cluster_stop(cluster);
}

/* Goal: a restart with a new boot supersedes whatever was said about the old one, at once.
 * Method: crash b, wait until it is unreachable, restart it. Both a and c find out by themselves
 * (c before it hears of a's suspicion), so that each waits its own 800 ms. The new boot begins
 * again at incarnation 0: a boot outweighs every incarnation of an older one. */
static void test_restart_supersedes(void **state)
{
    (void)state;
    struct cluster *cluster = cluster_start(&(struct cluster_options){.nodes = 3, .seed = 1});
    cluster_crash(cluster, "b");
    cluster_run_until(cluster, 2000);
    cluster_expect(cluster, "ac", cluster_membership,
                   "260 a suspects b, incarnation 0\n"
                   "282 c suspects b, incarnation 0\n"
                   "1060 a declares b unreachable\n"
                   "1082 c declares b unreachable\n");
    cluster_forget(cluster);
    cluster_restart(cluster, "b");
    cluster_run_until(cluster, 3000);
    cluster_expect(cluster, NULL, cluster_membership,
                   "2002 a holds b alive, incarnation 0\n"
                   "2006 b holds a alive, incarnation 0\n"
                   "2006 b holds c alive, incarnation 0\n"
                   "2051 c holds b alive, incarnation 0\n");
    cluster_stop(cluster);
}

/* Goal: both sides of a healed partition find each other again, without anybody's help.
 * Method: cut a off for five seconds, so that all is unreachable on both sides, and heal. A member
 * that is unreachable is pinged once per 1,000 ms with what is held against it: a's ping of 5000
 * makes c refute at 5001, and c's ACK tells a in turn. b hears by rumour, 50 ms apart. */
static void test_partition_heals(void **state)
{
    (void)state;
    struct cluster *cluster = cluster_start(&(struct cluster_options){.nodes = 3, .seed = 1});
    cluster_cut(cluster, "a");
    cluster_run_until(cluster, 5000);
    cluster_expect(cluster, NULL, cluster_membership,
                   "260 a suspects b, incarnation 0\n"
                   "368 b suspects a, incarnation 0\n"
                   "369 c suspects a, incarnation 0, b said so\n"
                   "460 a suspects c, incarnation 0\n"
                   "1060 a declares b unreachable\n"
                   "1168 b declares a unreachable\n"
                   "1169 c declares a unreachable\n"
                   "1260 a declares c unreachable\n");
    cluster_forget(cluster);
    cluster_heal(cluster);
    cluster_run_until(cluster, 8000);
    cluster_expect(cluster, NULL, cluster_membership,
                   "5001 c refutes, incarnation 1\n"
                   "5002 a holds c alive, incarnation 1\n"
                   "5002 a refutes, incarnation 1\n"
                   "5053 c holds a alive, incarnation 1\n"
                   "5102 b holds a alive, incarnation 1\n"
                   "5102 b refutes, incarnation 1\n"
                   "5153 a holds b alive, incarnation 1\n");
    cluster_stop(cluster);
}

/* Goal: who says goodbye has left, for everybody, at once, and is suspected by nobody.
 * Method: c leaves and stops. */
static void test_leaving_is_not_dying(void **state)
{
    (void)state;
    struct cluster *cluster = cluster_start(&(struct cluster_options){.nodes = 3, .seed = 1});
    cluster_leave(cluster, "c");
    cluster_run_until(cluster, 100);
    cluster_crash(cluster, "c");
    cluster_run_until(cluster, 3000);
    cluster_expect(cluster, "ab", cluster_membership,
                   "1 a knows that c left\n"
                   "1 b knows that c left\n");
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
        cmocka_unit_test(test_leaving_is_not_dying),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
