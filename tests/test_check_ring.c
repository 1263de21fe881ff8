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

/* Goal: a node that names other owners is rejected. Method: the check's ring is another: without a
 * node, with other hashes, or another N. */
static void test_rejects_another_ring(void **state)
{
    (void)state;
    for (uint32_t variant = 0; variant < 5; variant++) {
        begin(2);
        if (variant < 3) {
            trio.trial.ring = gkv_nodes_of_bits(7 & ~(1u << variant));
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
        cmocka_unit_test(test_rejects_another_ring),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
