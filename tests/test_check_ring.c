#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/trio.h"

static struct trio trio;

static void begin(uint32_t replica_count)
{
    trio_begin(&trio, replica_count);
    trio.trial.scenario.key_count = 20;
}

static bool is_rejected(void)
{
    const bool is_settled = trio_is_settled(&trio, &gkv_check_ring);
    const bool has_failed = trio.trial.verdict.status != GKV_TRIAL_PASS;
    gkv_world_destroy(&trio.trial.world);
    return !is_settled || has_failed;
}

/* Goal: real rings are accepted, for any N. Method: three nodes that have met. */
static void test_accepts_real_rings(void **state)
{
    (void)state;
    for (uint32_t replica_count = 1; replica_count <= 5; replica_count++) {
        begin(replica_count);
        assert_false(is_rejected());
        assert_int_equal(trio.trial.tally.counts[GKV_HOLDS_RING], 60);
    }
}

/* The ring as it was settled before; every key was owned by those of `owner_mask`. */
static void was_settled(uint32_t ring_mask, uint32_t owner_mask)
{
    trio.trial.ring_watch.ring_mask = ring_mask;
    for (uint32_t key = 0; key < trio.trial.scenario.key_count; key++) {
        trio.trial.ring_watch.owner_mask[key] = owner_mask;
    }
}

/* Goal: keys may move to who joined and from who left. Method: rings before that had fewer nodes,
 * or others. */
static void test_accepts_what_had_to_move(void **state)
{
    (void)state;
    begin(3);
    was_settled(3, 3); /* c joined */
    assert_false(is_rejected());
    assert_int_equal(trio.trial.tally.counts[GKV_HOLDS_MOVED], 20);
    begin(3);
    was_settled(15, 11); /* d left, and c came to own what it had */
    assert_false(is_rejected());
    begin(1);
    was_settled(11, 8); /* d left, c joined */
    assert_false(is_rejected());
}

/* Goal: keys that moved between nodes that were there all the time are rejected. Method: c joined,
 * and so each key lost its owner but for c; or d left, and those who stayed lost keys. */
static void test_rejects_what_moved_in_vain(void **state)
{
    (void)state;
    begin(1);
    was_settled(3, 1); /* some keys are b's now */
    assert_true(is_rejected());
    begin(1);
    was_settled(3, 2); /* and some a's */
    assert_true(is_rejected());
    begin(1);
    was_settled(15, 1); /* d left, and a lost keys */
    assert_true(is_rejected());
    begin(3);
    was_settled(6, 2); /* a joined; c came to own keys as well */
    assert_true(is_rejected());
    begin(1);
    was_settled(6, 6); /* nobody left for whom both had to own it, and a is not the only one now */
    trio.trial.ring_watch.ring_mask = 15;
    assert_true(is_rejected());
}

/* Goal: a node that names other owners is rejected. Method: the check's ring is another: without a
 * node, with other hashes, or another N. */
static void test_rejects_another_ring(void **state)
{
    (void)state;
    for (uint32_t variant = 0; variant < 5; variant++) {
        begin(2);
        if (variant < 3) {
            trio.trial.ring_mask = 7 & ~(1u << variant);
        } else if (variant == 3) {
            trio.trial.scenario.world.node.hash_seed = 1;
        } else {
            trio.trial.scenario.world.node.replica_count = 3;
        }
        assert_true(is_rejected());
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts_real_rings),
        cmocka_unit_test(test_accepts_what_had_to_move),
        cmocka_unit_test(test_rejects_what_moved_in_vain),
        cmocka_unit_test(test_rejects_another_ring),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
