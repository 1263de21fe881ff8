#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/prng.h"
#include "tests/nodes.h"

static struct gkv_options lone_options(void)
{
    struct gkv_options options = nodes_options();
    assert_int_equal(gkv_name_from_text("lone", 4, &options.name), GKV_OK);
    options.address = nodes_address(0);
    options.boot_id = 7;
    return options;
}

/* Goal: a node uses exactly the memory it asked for.
 * Method: canaries behind the block, one byte too few refused, bad options refused. */
static void test_memory_is_exact(void **state)
{
    (void)state;
    struct gkv_options options = lone_options();
    const size_t bytes = gkv_node_memory_bytes(&options);
    assert_true(bytes > options.memory_limit_bytes);
    assert_int_equal(bytes % GKV_ARENA_ALIGN, 0);
    uint8_t *memory = aligned_alloc(GKV_ARENA_ALIGN, bytes + GKV_ARENA_ALIGN);
    assert_non_null(memory);
    memset(memory + bytes, 0xa5, GKV_ARENA_ALIGN);
    struct gkv_node *node = NULL;
    assert_int_equal(gkv_node_init(memory, bytes - 1, &options, &node), GKV_ERROR_MEMORY);
    assert_int_equal(gkv_node_init(memory, bytes, &options, &node), GKV_OK);
    assert_int_equal(gkv_node_deadline_ns(node), 0);

    struct gkv_action action;
    uint64_t now_ns = 5;
    for (int i = 0; i < 2000; i++) {
        struct gkv_event event = {.kind = GKV_EVENT_TIMER,
                                  .now = {.mono_ns = now_ns, .wall_ms = 1000 + now_ns / 1000000}};
        assert_int_equal(gkv_node_step(node, &event), GKV_OK);
        while (gkv_node_next_action(node, &action)) {
        }
        assert_true(gkv_node_deadline_ns(node) > now_ns);
        now_ns = gkv_node_deadline_ns(node);
    }
    for (size_t i = 0; i < GKV_ARENA_ALIGN; i++) {
        assert_int_equal(memory[bytes + i], 0xa5);
    }
    options.replica_count = 0;
    assert_int_equal(gkv_node_memory_bytes(&options), 0);
    assert_int_equal(gkv_node_init(memory, bytes, &options, &node), GKV_ERROR_OPTION);
    free(memory);
}

/* Goal: what a member costs is bounded: under 5 KiB each at the core, up to the most there can be.
 * Method: the memory of nodes with 1,024 places for members and with one. */
static void test_members_are_cheap(void **state)
{
    (void)state;
    struct gkv_options options = lone_options();
    options.member_count_max = 1;
    const size_t least = gkv_node_memory_bytes(&options);
    for (uint32_t count = 64; count <= GKV_MEMBER_COUNT_MAX; count *= 4) {
        options.member_count_max = count;
        assert_true(gkv_node_memory_bytes(&options) - least < (count - 1) * UINT64_C(5120));
    }
}

/* Goal: a step on undrained actions is refused and changes nothing.
 * Method: submit twice without draining, then drain and submit again. */
static void test_step_again(void **state)
{
    (void)state;
    struct gkv_options options = nodes_options();
    options.replica_count = options.write_quorum = options.read_quorum = 1;
    struct nodes *nodes = nodes_start(1, &options);
    assert_true(gkv_node_is_ready(nodes->node[0]));
    struct gkv_event event = {.kind = GKV_EVENT_OPERATION, .now = nodes_now(nodes, 0)};
    event.as.operation =
        (struct gkv_operation){.cookie = 1, .kind = GKV_OPERATION_GET, .key = nodes_text("key")};
    assert_int_equal(gkv_node_step(nodes->node[0], &event), GKV_OK);
    const struct gkv_node_stats before = gkv_node_stats(nodes->node[0]);
    assert_int_equal(gkv_node_step(nodes->node[0], &event), GKV_ERROR_AGAIN);
    const struct gkv_node_stats after = gkv_node_stats(nodes->node[0]);
    assert_memory_equal(&before, &after, sizeof(before));

    struct gkv_action action;
    assert_true(gkv_node_next_action(nodes->node[0], &action));
    assert_int_equal(action.kind, GKV_ACTION_COMPLETE);
    assert_int_equal(action.as.result.error, GKV_ERROR_NOT_FOUND);
    assert_false(gkv_node_next_action(nodes->node[0], &action));
    assert_int_equal(gkv_node_step(nodes->node[0], &event), GKV_OK);
    nodes_stop(nodes);
}

/* Goal: three nodes set, get and delete at QUORUM, whoever is asked.
 * Method: each node sets, every node gets; then a deletion. */
static void test_set_get_delete(void **state)
{
    (void)state;
    const struct gkv_options options = nodes_options();
    struct nodes *nodes = nodes_start(3, &options);
    for (uint32_t writer = 0; writer < 3; writer++) {
        const char value[] = {'v', (char)('0' + (int)writer), 0};
        const uint64_t set = nodes_set(nodes, writer, "key", value);
        nodes_run_ms(nodes, 5);
        assert_int_equal(nodes_result(nodes, set)->error, GKV_OK);
        for (uint32_t reader = 0; reader < 3; reader++) {
            const uint64_t get = nodes_get(nodes, reader, "key");
            nodes_run_ms(nodes, 5);
            const struct gkv_result *result = nodes_result(nodes, get);
            assert_int_equal(result->error, GKV_OK);
            assert_true(gkv_bytes_equal(result->value, nodes_text(value)));
            assert_int_equal(
                gkv_version_compare(result->version, nodes_result(nodes, set)->version), 0);
        }
    }
    const uint64_t gone = nodes_delete(nodes, 1, "key");
    nodes_run_ms(nodes, 5);
    const uint64_t get = nodes_get(nodes, 2, "key");
    nodes_run_ms(nodes, 5);
    assert_int_equal(nodes_result(nodes, gone)->error, GKV_OK);
    assert_int_equal(nodes_result(nodes, get)->error, GKV_ERROR_NOT_FOUND);
    assert_int_equal(
        gkv_version_compare(nodes_result(nodes, get)->version, nodes_result(nodes, gone)->version),
        0);
    uint16_t owners[GKV_REPLICA_COUNT_MAX];
    assert_int_equal(gkv_node_owners(nodes->node[0], nodes_text("key"), owners), 3);
    nodes_stop(nodes);
}

/* Step a node at a time; returns how many operations it completed. */
static uint32_t step_at(struct gkv_node *node, struct gkv_now now)
{
    const struct gkv_event event = {.kind = GKV_EVENT_TIMER, .now = now};
    struct gkv_action action;
    uint32_t count = 0;
    assert_int_equal(gkv_node_step(node, &event), GKV_OK);
    while (gkv_node_next_action(node, &action)) {
        count += action.kind == GKV_ACTION_COMPLETE;
    }
    return count;
}

/* Goal: a node that is stepped a minute too late has had no such minute: an operation has all its
 * time from then on, and nobody is suspected for it. Without the stall guard, it has not.
 * Method: a get that nobody answers; step once after a minute, then until its timeout of 2 s. */
static void test_a_stall_is_time_that_was_not(void **state)
{
    (void)state;
    for (uint32_t guard = 0; guard < 2; guard++) {
        struct gkv_options options = nodes_options();
        options.stall_ms = guard * 40;
        options.operation_timeout_ms = 2000;
        struct nodes *nodes = nodes_start(3, &options);
        nodes_isolate(nodes, 0, true);
        (void)nodes_get(nodes, 0, "key");
        struct gkv_node *node = nodes->node[0];
        struct gkv_now now = nodes_now(nodes, 0);
        now.mono_ns += 60000 * GKV_NS_PER_MS;
        assert_int_equal(step_at(node, now), guard == 1 ? 0 : 1);
        assert_int_equal(gkv_node_stats(node).stall_count, guard);
        (void)step_at(node, now); /* what was not is not counted twice */
        assert_int_equal(gkv_node_stats(node).stall_count, guard);
        assert_int_equal(gkv_node_stats(node).reachable_count, 3);
        const uint64_t woke_ns = now.mono_ns;
        uint32_t completed = 0;
        while (guard == 1 && completed == 0) {
            assert_true(now.mono_ns < woke_ns + 2001 * GKV_NS_PER_MS);
            now.mono_ns = gkv_node_deadline_ns(node);
            completed += step_at(node, now);
        }
        assert_true(guard == 0 || now.mono_ns > woke_ns + 1900 * GKV_NS_PER_MS);
        nodes_stop(nodes);
    }
}

/* How a node answers a set, when it is asked at once. */
static enum gkv_error answer_at_once(struct nodes *nodes, uint32_t index)
{
    const uint64_t set = nodes_set(nodes, index, "key", "x");
    nodes_run_ms(nodes, 5);
    return nodes_result(nodes, set)->error;
}

/* Goal: a node that expects others serves nobody before it knows enough of them, though W and R are
 * 1; from then on it does, whoever goes away.
 * Method: a node that expects two, alone and with another, which then falls silent. */
static void test_bootstrap(void **state)
{
    (void)state;
    struct gkv_options options = nodes_options();
    options.level = GKV_LEVEL_EVENTUAL;
    options.write_quorum = options.read_quorum = 1;
    options.bootstrap_expect = 2;
    struct nodes *nodes = nodes_start(1, &options);
    assert_false(gkv_node_is_ready(nodes->node[0]));
    assert_int_equal(answer_at_once(nodes, 0), GKV_ERROR_NO_QUORUM);
    nodes_stop(nodes);

    nodes = nodes_start(2, &options);
    assert_true(gkv_node_is_ready(nodes->node[0]));
    assert_int_equal(answer_at_once(nodes, 0), GKV_OK);
    nodes_isolate(nodes, 1, true);
    nodes_run_ms(nodes, 20000);
    assert_int_equal(answer_at_once(nodes, 0), GKV_OK);
    nodes_stop(nodes);
}

/* Goal: a node that has a seed, but never met anybody, does not take itself for the whole cluster:
 * it refuses, even where one owner is enough, and what is wrong with a request comes first.
 * Method: a node whose seed is silent. */
static void test_who_is_alone_serves_nobody(void **state)
{
    (void)state;
    struct gkv_options options = nodes_options();
    options.level = GKV_LEVEL_EVENTUAL;
    options.write_quorum = options.read_quorum = 1;
    assert_int_equal(gkv_name_from_text("x", 1, &options.name), GKV_OK);
    options.address = nodes_address(1);
    options.boot_id = 1 << 16;
    options.seeds[0] = nodes_address(0);
    options.seed_count = 1;
    const size_t bytes = gkv_node_memory_bytes(&options);
    void *memory = aligned_alloc(GKV_ARENA_ALIGN, bytes);
    struct gkv_node *node = NULL;
    assert_int_equal(gkv_node_init(memory, bytes, &options, &node), GKV_OK);
    for (uint32_t is_empty = 0; is_empty < 2; is_empty++) {
        struct gkv_event event = {.kind = GKV_EVENT_OPERATION,
                                  .now = {.mono_ns = 5, .wall_ms = 1000}};
        event.as.operation = (struct gkv_operation){
            .cookie = 1, .kind = GKV_OPERATION_SET, .key = nodes_text(is_empty == 1 ? "" : "key")};
        assert_int_equal(gkv_node_step(node, &event), GKV_OK);
        struct gkv_action action;
        uint32_t count = 0;
        while (gkv_node_next_action(node, &action)) {
            if (action.kind == GKV_ACTION_COMPLETE) {
                count++;
                assert_int_equal(action.as.result.error,
                                 is_empty == 1 ? GKV_ERROR_KEY_EMPTY : GKV_ERROR_NO_QUORUM);
            }
        }
        assert_int_equal(count, 1);
    }
    free(memory);
}

#define PROGRAM_COUNT 4000
#define PROGRAM_KEY_COUNT 8

/* The newest acknowledged set of each key, and what it was when each operation began. */
struct program {
    struct gkv_version floor[PROGRAM_KEY_COUNT];
    struct gkv_version floor_at[PROGRAM_COUNT + 1];
    uint32_t key_of[PROGRAM_COUNT + 1];
    bool is_write[PROGRAM_COUNT + 1];
    bool is_judged[PROGRAM_COUNT + 1];
};

static void program_submit(struct program *program, struct nodes *nodes, struct gkv_prng *prng,
                           uint64_t cookie)
{
    const uint32_t key = (uint32_t)gkv_prng_below(prng, PROGRAM_KEY_COUNT);
    const char text[] = {'k', (char)('0' + (int)key), 0};
    const uint32_t at = (uint32_t)gkv_prng_below(prng, 3);
    const uint64_t choice = gkv_prng_below(prng, 10);
    program->key_of[cookie] = key;
    program->floor_at[cookie] = program->floor[key];
    program->is_write[cookie] = choice < 5;
    if (choice < 4) {
        char value[32];
        (void)snprintf(value, sizeof(value), "value %llu", (unsigned long long)cookie);
        (void)nodes_set(nodes, at, text, value);
    } else if (choice < 5) {
        (void)nodes_delete(nodes, at, text);
    } else {
        (void)nodes_get(nodes, at, text);
    }
}

/* Whatever completed must be no older than the set acknowledged before it began. */
static void program_judge(struct program *program, const struct nodes *nodes, uint64_t last)
{
    for (uint64_t i = last > 300 ? last - 300 : 1; i <= last; i++) {
        const struct nodes_completion *completion = &nodes->completions[i];
        const enum gkv_error error = completion->result.error;
        if (completion->count == 0 || program->is_judged[i] ||
            (error != GKV_OK && error != GKV_ERROR_NOT_FOUND)) {
            continue;
        }
        program->is_judged[i] = true;
        const struct gkv_version version = completion->result.version;
        const int order = gkv_version_compare(version, program->floor_at[i]);
        if (order < 0 || (order == 0 && program->is_write[i])) {
            fail_msg("operation %llu is older than a set before it", (unsigned long long)i);
        }
        struct gkv_version *floor = &program->floor[program->key_of[i]];
        if (program->is_write[i] && gkv_version_compare(version, *floor) > 0) {
            *floor = version;
        }
    }
}

/* Goal: every operation completes exactly once, and acknowledged sets are never lost, over a random
 * program with cut links; then all stores become equal.
 * Method: 4,000 operations on few keys by three nodes with skewed clocks; a link is cut or mended
 * now and then; a get must see the last set acknowledged before it began, or something newer. */
static void test_random_program(void **state)
{
    (void)state;
    struct gkv_options options = nodes_options();
    options.operation_timeout_ms = 100;
    options.seed[0] = 20261121;
    printf("seed %llu\n", (unsigned long long)options.seed[0]);
    struct nodes *nodes = nodes_start(3, &options);
    nodes->wall_offset_ms[1] = 40;
    nodes->wall_offset_ms[2] = -40;
    struct gkv_prng prng;
    gkv_prng_init(&prng, options.seed[0], 5);

    struct program *program = calloc(1, sizeof(*program));
    assert_non_null(program);
    for (uint64_t i = 1; i <= PROGRAM_COUNT; i++) {
        program_submit(program, nodes, &prng, i);
        if (gkv_prng_below(&prng, 100) == 0) {
            nodes_isolate(nodes, (uint32_t)gkv_prng_below(&prng, 3), gkv_prng_below(&prng, 2) == 0);
        }
        nodes_run_until_ns(nodes, nodes->now_ns + gkv_prng_below(&prng, 2000000));
        program_judge(program, nodes, i);
    }
    free(program);
    for (uint32_t i = 0; i < 3; i++) {
        nodes_isolate(nodes, i, false);
    }
    nodes_run_ms(nodes, 20000);
    const struct gkv_digest digest = gkv_node_stats(nodes->node[0]).store_digest;
    for (uint32_t i = 0; i < 3; i++) {
        const struct gkv_node_stats stats = gkv_node_stats(nodes->node[i]);
        assert_memory_equal(&stats.store_digest, &digest, sizeof(digest));
        assert_int_equal(stats.quorum.open_count, 0);
        assert_int_equal(stats.quorum.submitted_count, stats.quorum.completed_count);
    }
    for (uint64_t i = 1; i <= PROGRAM_COUNT; i++) {
        assert_int_equal(nodes->completions[i].count, 1);
    }
    nodes_stop(nodes);
}

/* Feed the next event of a random program to a node: timers and client operations. */
static void feed(struct gkv_node *node, struct gkv_prng *prng, uint64_t now_ns)
{
    static const char *const keys[] = {"a", "b", "c", "d"};
    struct gkv_event event = {.kind = GKV_EVENT_TIMER,
                              .now = {.mono_ns = now_ns, .wall_ms = 5000 + now_ns / 1000000}};
    const uint64_t choice = gkv_prng_below(prng, 3);
    const char *key = keys[gkv_prng_below(prng, 4)];
    if (choice > 0) {
        event.kind = GKV_EVENT_OPERATION;
        event.as.operation = (struct gkv_operation){
            .cookie = now_ns,
            .kind = choice == 1 ? GKV_OPERATION_SET : GKV_OPERATION_GET,
            .key = nodes_text(key),
            .value = nodes_text("some value"),
            .ttl_ms = gkv_prng_below(prng, 2) * 50,
        };
    }
    assert_int_equal(gkv_node_step(node, &event), GKV_OK);
}

/* The actions of two nodes after equal steps must be equal, but for where they point. */
static void expect_equal_actions(struct gkv_node *a, struct gkv_node *b)
{
    struct gkv_action of_a;
    struct gkv_action of_b;
    while (gkv_node_next_action(a, &of_a)) {
        assert_true(gkv_node_next_action(b, &of_b));
        assert_int_equal(of_a.kind, of_b.kind);
        if (of_a.kind == GKV_ACTION_COMPLETE) {
            assert_int_equal(of_a.as.result.cookie, of_b.as.result.cookie);
            assert_int_equal(of_a.as.result.error, of_b.as.result.error);
            assert_int_equal(of_a.as.result.version.hlc.packed, of_b.as.result.version.hlc.packed);
            assert_true(gkv_bytes_equal(of_a.as.result.value, of_b.as.result.value));
        } else if (of_a.kind == GKV_ACTION_SEND) {
            assert_memory_equal(&of_a.as.send.address, &of_b.as.send.address,
                                sizeof(of_a.as.send.address));
            assert_int_equal(of_a.as.send.message.kind, of_b.as.send.message.kind);
            assert_int_equal(of_a.as.send.message.hlc.packed, of_b.as.send.message.hlc.packed);
        }
    }
    assert_false(gkv_node_next_action(b, &of_b));
    assert_int_equal(gkv_node_deadline_ns(a), gkv_node_deadline_ns(b));
}

/* Goal: equal events give equal actions, and a copy of a node goes on as the node would have.
 * Method: two nodes in differently filled memory beside each other; at half time the second one is
 * thrown away, and its place taken by a memcpy of the first. */
static void test_deterministic_and_copyable(void **state)
{
    (void)state;
    struct gkv_options options = lone_options();
    options.replica_count = options.write_quorum = options.read_quorum = 1;
    options.seeds[0] = nodes_address(3);
    options.seed_count = 1;
    const size_t bytes = gkv_node_memory_bytes(&options);
    uint8_t *memory[2];
    struct gkv_node *node[2];
    for (int i = 0; i < 2; i++) {
        memory[i] = aligned_alloc(GKV_ARENA_ALIGN, bytes);
        assert_non_null(memory[i]);
        memset(memory[i], i == 0 ? 0x11 : 0xee, bytes);
        assert_int_equal(gkv_node_init(memory[i], bytes, &options, &node[i]), GKV_OK);
    }
    struct gkv_prng prng[2];
    gkv_prng_init(&prng[0], 3, 3);
    uint64_t now_ns = 1;
    for (int i = 0; i < 3000; i++) {
        if (i == 1500) {
            memcpy(memory[1], memory[0], bytes);
        }
        prng[1] = prng[0];
        feed(node[0], &prng[0], now_ns);
        feed(node[1], &prng[1], now_ns);
        expect_equal_actions(node[0], node[1]);
        now_ns += gkv_prng_below(&prng[0], 5000000);
    }
    const struct gkv_node_stats stats[2] = {gkv_node_stats(node[0]), gkv_node_stats(node[1])};
    assert_memory_equal(&stats[0], &stats[1], sizeof(stats[0]));
    free(memory[0]);
    free(memory[1]);
}

/* Goal: a stamp from too far ahead is not taken note of, and counted; a message of no kind is too.
 * Method: such messages, then a look at the counters and at the next stamp. */
static void test_clock_and_malformed_are_counted(void **state)
{
    (void)state;
    const struct gkv_options options = nodes_options();
    struct nodes *nodes = nodes_start(3, &options);
    const uint64_t far_ms = nodes_now(nodes, 0).wall_ms + 100000;
    struct gkv_message message = {.kind = GKV_MESSAGE_NONE};
    nodes_deliver(nodes, 1, 0, &message);
    message.hlc.packed = far_ms << GKV_HLC_COUNTER_BITS;
    nodes_deliver(nodes, 1, 0, &message);
    assert_int_equal(gkv_node_stats(nodes->node[0]).replica.malformed_count, 2);
    assert_int_equal(gkv_node_stats(nodes->node[0]).clock_rejected_count, 1);
    const uint64_t set = nodes_set(nodes, 0, "key", "value");
    nodes_run_ms(nodes, 5);
    assert_true(gkv_hlc_ms(nodes_result(nodes, set)->version.hlc) < far_ms);
    nodes_stop(nodes);
}

/* Goal: many deadlines at one instant all come true, though one step cannot hold them all.
 * Method: fill the table with sets that nobody answers; step once at the deadline, then as told. */
static void test_many_timers_at_once(void **state)
{
    (void)state;
    struct gkv_options options = nodes_options();
    options.operation_count_max = 1000;
    options.operation_timeout_ms = 50;
    struct nodes *nodes = nodes_start(3, &options);
    nodes_isolate(nodes, 0, true);
    for (int i = 0; i < 1000; i++) {
        (void)nodes_set(nodes, 0, "key", "value");
    }
    assert_int_equal(gkv_node_stats(nodes->node[0]).quorum.open_count, 1000);
    nodes_run_ms(nodes, 50);
    assert_int_equal(gkv_node_stats(nodes->node[0]).quorum.open_count, 0);
    for (uint64_t cookie = 1; cookie <= 1000; cookie++) {
        assert_int_equal(nodes_result(nodes, cookie)->error, GKV_ERROR_IN_DOUBT);
        assert_int_equal(nodes->completions[cookie].at_ns, nodes->now_ns);
    }
    nodes_stop(nodes);
}

/* Goal: a node that leaves is no longer in anybody's ring.
 * Method: leave twice (the second is nothing), then ask who owns a key. */
static void test_leave(void **state)
{
    (void)state;
    const struct gkv_options options = nodes_options();
    struct nodes *nodes = nodes_start(3, &options);
    for (int i = 0; i < 2; i++) {
        struct gkv_action action;
        struct gkv_event event = {.kind = GKV_EVENT_LEAVE, .now = nodes_now(nodes, 2)};
        assert_int_equal(gkv_node_step(nodes->node[2], &event), GKV_OK);
        while (gkv_node_next_action(nodes->node[2], &action)) {
        }
    }
    assert_false(gkv_node_is_ready(nodes->node[2]));
    nodes_run_ms(nodes, 2000);
    uint16_t owners[GKV_REPLICA_COUNT_MAX];
    assert_int_equal(gkv_node_owners(nodes->node[0], nodes_text("key"), owners), 2);
    nodes_stop(nodes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_is_exact),
        cmocka_unit_test(test_bootstrap),
        cmocka_unit_test(test_who_is_alone_serves_nobody),
        cmocka_unit_test(test_a_stall_is_time_that_was_not),
        cmocka_unit_test(test_members_are_cheap),
        cmocka_unit_test(test_step_again),
        cmocka_unit_test(test_set_get_delete),
        cmocka_unit_test(test_random_program),
        cmocka_unit_test(test_deterministic_and_copyable),
        cmocka_unit_test(test_clock_and_malformed_are_counted),
        cmocka_unit_test(test_many_timers_at_once),
        cmocka_unit_test(test_leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
