#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/node.h"
#include "tests/trio.h"

static struct trio trio;

static void begin(void)
{
    trio_begin(&trio, 3);
    trio.trial.phase = GKV_PHASE_IDLE;
}

/* A client asks a node for a key, and is not answered yet. */
static void ask(uint32_t node)
{
    gkv_world_submit(&trio.trial.world, node,
                     &(struct gkv_operation){.cookie = 1,
                                             .kind = GKV_OPERATION_GET,
                                             .key = {(const uint8_t *)"k0", 2}});
}

/* The stream that a node dialled to another. */
static struct gkv_connection *connection(uint32_t from, uint32_t to)
{
    struct gkv_net *net = &trio.trial.world.net;
    for (uint32_t i = 0; i < net->connection_count; i++) {
        if (net->connections[i].ends[0].state == GKV_END_OPEN &&
            net->connections[i].ends[0].node == from && net->connections[i].ends[1].node == to) {
            return &net->connections[i];
        }
    }
    fail_msg("no stream from %u to %u", (unsigned)from, (unsigned)to);
    return NULL;
}

static bool is_rejected(void)
{
    gkv_check_leak.finish(&trio.trial);
    const bool has_failed = trio.trial.verdict.status != GKV_TRIAL_PASS;
    gkv_world_destroy(&trio.trial.world);
    return has_failed;
}

/* Goal: idle nodes are accepted, also after an operation, and with a peer that is down. Method: a
 * cluster of each. */
static void test_accepts_idle_nodes(void **state)
{
    (void)state;
    begin();
    assert_false(is_rejected());
    assert_true(trio.trial.tally.counts[GKV_HOLDS_ONE_STREAM] > 0);

    begin();
    ask(0);
    trio_run_ms(&trio, 3000);
    assert_false(is_rejected());
    assert_int_equal(trio.trial.tally.counts[GKV_HOLDS_GIVEN_BACK], 1);

    begin();
    gkv_world_crash(&trio.trial.world, 2, 0);
    trio_run_ms(&trio, 3000);
    assert_false(is_rejected());
}

/* Goal: before IDLE what is open is let be, and so are streams around a cut link or an outsider;
 * but not operations there. Method: one of each. */
static void test_accepts_what_is_excused(void **state)
{
    (void)state;
    begin();
    ask(0);
    trio.trial.phase = GKV_PHASE_READ;
    assert_false(is_rejected());

    begin();
    connection(0, 1)->ends[1].state = GKV_END_NONE;
    trio.trial.idle.is_cut = true;
    assert_false(is_rejected());

    begin();
    connection(0, 1)->ends[1].state = GKV_END_NONE;
    trio.trial.outsiders = gkv_nodes_of_bits(4);
    assert_false(is_rejected());

    begin();
    ask(0);
    trio.trial.idle.is_cut = true;
    trio.trial.outsiders = gkv_nodes_of_bits(4);
    assert_true(is_rejected());
}

/* Goal: operations that are kept are rejected, at any node. Method: look while one is open. */
static void test_rejects_what_is_kept(void **state)
{
    (void)state;
    for (uint32_t node = 0; node < TRIO_NODE_COUNT; node++) {
        begin();
        ask(node);
        assert_true(is_rejected());
    }
}

/* Goal: half a stream, one with a dead node, and two where one is enough are rejected. Method:
 * write them into the net. */
static void test_rejects_streams_too_many(void **state)
{
    (void)state;
    begin();
    connection(0, 1)->ends[1].state = GKV_END_NONE;
    assert_true(is_rejected());

    begin();
    connection(1, 0)->ends[0].state = GKV_END_DIALLING;
    assert_true(is_rejected());

    begin();
    trio.trial.world.hosts[1].is_up = false;
    assert_true(is_rejected());

    begin();
    connection(0, 1)->ends[1].node = 2; /* beside the one that a has to c */
    (void)connection(0, 2);
    assert_true(is_rejected());

    begin();
    connection(2, 0)->ends[0].node = 1; /* beside the one that b has to a */
    assert_true(is_rejected());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts_idle_nodes),
        cmocka_unit_test(test_accepts_what_is_excused),
        cmocka_unit_test(test_rejects_what_is_kept),
        cmocka_unit_test(test_rejects_streams_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
