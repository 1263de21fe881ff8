#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/trio.h"

static struct trio trio;
static uint32_t owner;
static uint32_t others[2];

/* Three nodes, one of which owns the key. */
static void begin(void)
{
    uint8_t owners[GKV_REPLICA_COUNT_MAX];
    trio_begin(&trio, 1);
    trio.trial.scenario.world.node.tombstone_keep_ms = 600000;
    trio.trial.history.count = 1;
    assert_int_equal(gkv_owners_of(&trio.trial, 0, owners), 1);
    owner = owners[0];
    others[0] = (owner + 1) % TRIO_NODE_COUNT;
    others[1] = (owner + 2) % TRIO_NODE_COUNT;
}

static bool is_rejected(void)
{
    const bool is_settled = trio_is_settled(&trio, &gkv_check_leftover);
    trio_end(&trio);
    return !is_settled;
}

/* Goal: others may hold what the owner holds as well, or something older. Method: let them. */
static void test_accepts_what_the_owner_holds_as_well(void **state)
{
    (void)state;
    begin();
    assert_false(is_rejected());
    begin();
    trio_hold(&trio, owner, 10);
    assert_false(is_rejected());
    begin();
    trio_hold(&trio, owner, 10);
    trio_hold(&trio, others[0], 10);
    trio_hold(&trio, others[1], 9);
    assert_false(is_rejected());
    assert_int_equal(trio.trial.tally.counts[GKV_HOLDS_HANDED_ON], 2);
}

/* Goal: nothing is asked of who left, where the owner is down, stores are full, or nobody compares.
 * Method: one of each. */
static void test_accepts_what_is_excused(void **state)
{
    (void)state;
    for (uint32_t variant = 0; variant < 4; variant++) {
        begin();
        trio_hold(&trio, others[0], 10);
        if (variant == 0) {
            trio.trial.left = gkv_nodes_of_bits(1u << others[0]);
        } else if (variant == 1) {
            gkv_world_crash(&trio.trial.world, owner, 0);
        } else if (variant == 2) {
            trio.trial.scenario.may_be_full = true;
        } else {
            trio.trial.scenario.repairs_by_read = true;
        }
        assert_false(is_rejected());
    }
}

/* Goal: whatever another holds and the owner does not is rejected. Method: nothing at the owner, or
 * something older; at either other, or both. */
static void test_rejects_what_no_owner_holds(void **state)
{
    (void)state;
    for (uint32_t variant = 0; variant < 5; variant++) {
        begin();
        if (variant >= 3) {
            trio_hold(&trio, owner, 9);
        }
        if (variant != 1) {
            trio_hold(&trio, others[0], 10);
        }
        if (variant == 1 || variant == 2 || variant == 4) {
            trio_hold(&trio, others[1], variant == 4 ? 9 : 11);
        }
        assert_true(is_rejected());
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts_what_the_owner_holds_as_well),
        cmocka_unit_test(test_accepts_what_is_excused),
        cmocka_unit_test(test_rejects_what_no_owner_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
