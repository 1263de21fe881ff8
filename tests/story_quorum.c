#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/cluster.h"

#define KEY "k"

/* Every story has three nodes, so that all three own every key. */
static struct cluster *start(void)
{
    return cluster_start(&(struct cluster_options){.nodes = 3, .seed = 2});
}

/* Goal: with one owner down, a set and a get are answered by the other two.
 * Method: crash c, wait until it is unreachable, set at a, get at b. */
static void test_one_replica_down(void **state)
{
    (void)state;
    struct cluster *cluster = start();
    cluster_crash(cluster, "c");
    cluster_run_until(cluster, 3000);
    cluster_forget(cluster);
    const uint32_t set = cluster_set(cluster, "a", KEY, "one");
    cluster_run_until(cluster, 3100);
    const uint32_t get = cluster_get(cluster, "b", KEY);
    cluster_run_until(cluster, 3200);
    assert_string_equal(cluster_answer(cluster, set), "OK");
    assert_string_equal(cluster_answer(cluster, get), "OK one");
    cluster_expect(cluster, NULL, cluster_data,
                   "3000 a is asked to set\n"
                   "3000 a writes to a\n"
                   "3000 a is told ok by a\n"
                   "3000 a writes to b\n"
                   "3002 a is told ok by b\n"
                   "3002 a answers OK\n"
                   "3100 b is asked to get\n"
                   "3100 b reads from b\n"
                   "3100 b is told ok by b\n"
                   "3100 b reads from a\n"
                   "3102 b is told ok by a\n"
                   "3102 b answers OK\n");
    cluster_stop(cluster);
}

/* Goal: a writer with a slow clock is told STALE, and its set is acknowledged only under a
 * version that is newer than the one it did not know of.
 * Method: b's clock is 200 ms ahead, and its set does not reach a; then a sets, before it hears
 * of it. c's STALE at 22 alone settles nothing: a and b may still make two. b's answer waits in
 * the cut link until it is tried again, 100 ms later; then only a newer version can help. */
static void test_stale_writer_tries_again(void **state)
{
    (void)state;
    struct cluster *cluster = start();
    cluster_set_clock(cluster, "b", 200);
    cluster_cut_one_way(cluster, "b", "a");
    const uint32_t first = cluster_set(cluster, "b", KEY, "first");
    cluster_run_until(cluster, 20);
    assert_string_equal(cluster_answer(cluster, first), "OK");
    cluster_heal(cluster);
    cluster_forget(cluster);
    const uint32_t second = cluster_set(cluster, "a", KEY, "second");
    cluster_run_until(cluster, 150); /* what b says to a waits for the network's next try */
    assert_string_equal(cluster_answer(cluster, second), "OK");
    const uint32_t get = cluster_get(cluster, "b", KEY);
    cluster_run_until(cluster, 250);
    assert_string_equal(cluster_answer(cluster, get), "OK second");
    cluster_expect(cluster, NULL, cluster_data,
                   "20 a is asked to set\n"
                   "20 a writes to a\n"
                   "20 a is told ok by a\n"
                   "20 a writes to b\n"
                   "20 a writes to c\n"
                   "22 a is told stale by c\n"
                   "101 a is told stale by b\n"
                   "101 a writes to a, attempt 2\n"
                   "101 a is told ok by a\n"
                   "101 a writes to b, attempt 2\n"
                   "101 a writes to c, attempt 2\n"
                   "103 a is told ok by c\n"
                   "103 a answers OK\n"
                   "150 b is asked to get\n"
                   "150 b reads from b\n"
                   "150 b is told ok by b\n"
                   "150 b reads from c\n"
                   "150 b reads from a\n"
                   "152 b is told ok by c\n"
                   "152 b answers OK\n"
                   "152 b is told ok by a\n");
    cluster_stop(cluster);
}

/* Goal: an owner that missed a write is brought up to it by the next get.
 * Method: c is down for a set, and comes back empty; get at a; look at what c holds. The get is
 * answered by two of three; the third answer comes later, and is repaired all the same. */
static void test_read_repairs_a_stale_owner(void **state)
{
    (void)state;
    struct cluster *cluster = start();
    cluster_set(cluster, "a", KEY, "old");
    cluster_run_until(cluster, 100);
    cluster_crash(cluster, "c");
    cluster_run_until(cluster, 3000);
    cluster_set(cluster, "a", KEY, "new");
    cluster_run_until(cluster, 3100);
    cluster_restart(cluster, "c");
    cluster_run_until(cluster, 6000);
    assert_string_equal(cluster_held(cluster, "c", KEY), "nothing");
    cluster_forget(cluster);
    const uint32_t get = cluster_get(cluster, "a", KEY);
    cluster_run_until(cluster, 6200);
    assert_string_equal(cluster_answer(cluster, get), "OK new");
    assert_string_equal(cluster_held(cluster, "c", KEY), "new");
    cluster_expect(cluster, NULL, cluster_data,
                   "6000 a is asked to get\n"
                   "6000 a reads from a\n"
                   "6000 a is told ok by a\n"
                   "6000 a reads from b\n"
                   "6000 a reads from c\n"
                   "6002 a is told ok by b\n"
                   "6002 a answers OK\n"
                   "6002 a is told absent by c\n"
                   "6002 a repairs c\n");
    cluster_stop(cluster);
}

/* Goal: a set that was sent and not acknowledged in time is in doubt, not failed.
 * Method: cut a off and set at once, before anybody is suspected; the timeout is 2,000 ms. */
static void test_unacknowledged_set_is_in_doubt(void **state)
{
    (void)state;
    struct cluster *cluster = start();
    cluster_cut(cluster, "a");
    const uint32_t set = cluster_set(cluster, "a", KEY, "doubt");
    const uint32_t get = cluster_get(cluster, "a", KEY);
    cluster_run_until(cluster, 1999);
    assert_string_equal(cluster_answer(cluster, set), "open");
    cluster_run_until(cluster, 2100);
    assert_string_equal(cluster_answer(cluster, set), "IN_DOUBT");
    assert_string_equal(cluster_answer(cluster, get), "TIMEOUT");
    cluster_expect(cluster, NULL, cluster_data,
                   "0 a is asked to set\n"
                   "0 a writes to a\n"
                   "0 a is told ok by a\n"
                   "0 a writes to b\n"
                   "0 a writes to c\n"
                   "0 a is asked to get\n"
                   "0 a reads from a\n"
                   "0 a is told ok by a\n"
                   "0 a reads from b\n"
                   "0 a reads from c\n"
                   "2000 a answers IN_DOUBT\n"
                   "2000 a answers TIMEOUT\n");
    cluster_stop(cluster);
}

/* Goal: when too few owners are reachable, an operation is refused at once and nothing is written.
 * Method: cut a off until it knows (it waits 3 s for witnesses), then set and get there; heal, and
 * look. */
static void test_no_quorum_is_said_at_once(void **state)
{
    (void)state;
    struct cluster *cluster = start();
    cluster_cut(cluster, "a");
    cluster_run_until(cluster, 5000);
    cluster_forget(cluster);
    const uint32_t set = cluster_set(cluster, "a", KEY, "never");
    const uint32_t get = cluster_get(cluster, "a", KEY);
    assert_string_equal(cluster_answer(cluster, set), "NO_QUORUM");
    assert_string_equal(cluster_answer(cluster, get), "NO_QUORUM");
    assert_string_equal(cluster_held(cluster, "a", KEY), "nothing");
    cluster_expect(cluster, NULL, cluster_data,
                   "5000 a answers NO_QUORUM\n"
                   "5000 a answers NO_QUORUM\n");
    cluster_stop(cluster);
}

/* Goal: a delete is a write: it is seen by later gets and repaired like one.
 * Method: set, delete, get at another node. */
static void test_delete_is_a_write(void **state)
{
    (void)state;
    struct cluster *cluster = start();
    cluster_set(cluster, "a", KEY, "gone");
    cluster_run_until(cluster, 100);
    const uint32_t delete = cluster_delete(cluster, "b", KEY);
    cluster_run_until(cluster, 200);
    const uint32_t get = cluster_get(cluster, "c", KEY);
    cluster_run_until(cluster, 300);
    assert_string_equal(cluster_answer(cluster, delete), "OK");
    assert_string_equal(cluster_answer(cluster, get), "NOT_FOUND");
    assert_string_equal(cluster_held(cluster, "a", KEY), "deleted");
    cluster_stop(cluster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_replica_down),
        cmocka_unit_test(test_stale_writer_tries_again),
        cmocka_unit_test(test_read_repairs_a_stale_owner),
        cmocka_unit_test(test_unacknowledged_set_is_in_doubt),
        cmocka_unit_test(test_no_quorum_is_said_at_once),
        cmocka_unit_test(test_delete_is_a_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
