#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/hash.h"
#include "core/node.h"
#include "sim/check.h"
#include "sim/choice.h"

/* Three nodes, really running, whose stores are written by hand: what was acknowledged must be in
 * them. N = 3, W = 2. */

#define NODE_COUNT 3

static struct gkv_trial trial;

static void begin(void)
{
    memset(&trial, 0, sizeof(trial));
    gkv_choice_init(&trial.choice, 1);
    struct gkv_options *options = &trial.scenario.world.node;
    gkv_options_init(options);
    options->memory_limit_bytes = 2 * 1024 * 1024;
    options->value_bytes_max = GKV_SCENARIO_VALUE_BYTES_MAX;
    options->member_count_max = 16;
    options->operation_count_max = 64;
    options->operation_memory_bytes = 64 * 1024;
    options->seeds[0] = gkv_host_address(0);
    options->seed_count = 1;
    trial.scenario.world.node_count = NODE_COUNT;
    trial.scenario.world.life_count_max = 2;
    trial.scenario.node_count = NODE_COUNT;
    trial.scenario.key_count = 1;
    trial.scenario.forgets_nothing = true;
    trial.ring = gkv_nodes_of_bits(7);
    trial.history.deeds = calloc(16, sizeof(struct gkv_deed));
    assert_non_null(trial.history.deeds);
    const struct gkv_observer observer = {.observe = NULL};
    assert_int_equal(
        gkv_world_create(&trial.world, &trial.scenario.world, &trial.choice.chance, &observer),
        GKV_OK);
    gkv_check_name_nodes(&trial);
    for (uint32_t i = 0; i < NODE_COUNT; i++) {
        gkv_world_boot(&trial.world, i);
    }
}

static void end(void)
{
    gkv_world_destroy(&trial.world);
    free(trial.history.deeds);
}

/* A node comes to hold a version of the key. */
static void hold(uint32_t node, uint64_t stamp)
{
    char text[GKV_KEY_BYTES_MAX];
    const struct gkv_bytes bytes = gkv_history_key(0, text);
    const struct gkv_key key = {
        bytes, gkv_hash(bytes.data, bytes.count, trial.scenario.world.node.hash_seed)};
    const struct gkv_record record = {.version = {{stamp}, 1},
                                      .value = {.data = (const uint8_t *)"some", .count = 4}};
    struct gkv_node *owner = gkv_endpoint_node(trial.world.hosts[node].endpoint);
    struct gkv_store *store = (struct gkv_store *)(uintptr_t)gkv_node_store(owner);
    (void)gkv_store_put(store, key, &record, NULL);
}

/* A node says that it stored a version, or why not. */
static void reply(uint32_t node, uint64_t stamp, enum gkv_reply_status status)
{
    struct gkv_message message = {.kind = GKV_MESSAGE_WRITE_REPLY};
    message.as.write_reply.status = status;
    message.as.write_reply.version = (struct gkv_version){{stamp}, 1};
    gkv_check_durable.hear(&trial, &(struct gkv_heard){.node = node, .message = &message});
}

/* Node a tells a client how its write ended. */
static void complete(uint64_t stamp, enum gkv_error error)
{
    const uint32_t number =
        gkv_history_add(&trial.history, &(struct gkv_deed){.kind = GKV_OPERATION_SET, .life = 1});
    struct gkv_output output = {.kind = GKV_OUTPUT_COMPLETE};
    output.as.result =
        (struct gkv_result){.cookie = number + 1u, .error = error, .version = {{stamp}, 1}};
    trial.history.deeds[number].complete_count = 1;
    trial.history.deeds[number].error = error;
    trial.history.deeds[number].version = output.as.result.version;
    gkv_check_durable.observe(
        &trial, &(struct gkv_observation){.kind = GKV_OBSERVE_OUTPUT, .output = &output});
}

/* A connection carries what is no frame, so that what comes after it on it is not heard. */
static void lose_a_connection(void)
{
    static const uint8_t nonsense[64] = {0xff, 0xff, 0xff, 0xff};
    gkv_overhear_observe(trial.overhear, &(struct gkv_observation){.kind = GKV_OBSERVE_SENT,
                                                                   .connection = 1,
                                                                   .bytes = {nonsense, 64}});
    assert_int_equal(gkv_overhear_lost_count(trial.overhear), 1);
}

static bool is_rejected(void)
{
    return trial.verdict.status != GKV_TRIAL_PASS;
}

/* Goal: writes on W owners are accepted: with the coordinator's copy or without, overwritten
 * meanwhile, on one that crashed since, and doubts. Method: a history of each. */
static void test_accepts_w_copies(void **state)
{
    (void)state;
    for (uint32_t variant = 0; variant < 5; variant++) {
        begin();
        hold(1, 10);
        reply(1, 10, GKV_REPLY_OK);
        if (variant == 0) {
            hold(0, 10);
            complete(10, GKV_OK);
        } else if (variant == 1) {
            hold(2, 10);
            reply(2, 10, GKV_REPLY_OK);
            complete(10, GKV_OK);
        } else if (variant == 2) {
            hold(0, 20);
            complete(10, GKV_OK);
        } else if (variant == 3) {
            hold(0, 10);
            gkv_world_crash(&trial.world, 1, 0);
            trial.scenario.loses_memory = true;
            complete(10, GKV_OK);
        } else {
            complete(10, GKV_ERROR_IN_DOUBT);
        }
        gkv_check_durable.finish(&trial);
        assert_false(is_rejected());
        end();
    }
}

/* Goal: fewer than W copies are rejected: nobody else answered, refused, answered for another
 * version, twice, or without storing it. Method: a history of each. */
static void test_rejects_too_few_copies(void **state)
{
    (void)state;
    for (uint32_t variant = 0; variant < 6; variant++) {
        begin();
        hold(0, variant == 5 ? 9 : 10);
        if (variant == 1) {
            reply(1, 10, GKV_REPLY_STALE);
        } else if (variant == 2) {
            hold(1, 9);
            reply(1, 9, GKV_REPLY_OK);
        } else if (variant == 3) {
            reply(0, 10, GKV_REPLY_OK);
            reply(0, 10, GKV_REPLY_OK);
        } else if (variant >= 4) {
            hold(1, variant == 4 ? 9 : 10);
            reply(1, 10, GKV_REPLY_OK);
        }
        complete(10, GKV_OK);
        assert_true(is_rejected());
        end();
    }
}

/* Goal: where a connection was not heard to its end, fewer answers than W prove nothing; what is
 * lost in the end is rejected as ever. Method: too few answers, before such a connection and after
 * it, and a version that nobody holds. */
static void test_counts_only_where_all_is_heard(void **state)
{
    (void)state;
    for (uint32_t variant = 0; variant < 3; variant++) {
        begin();
        trial.overhear =
            gkv_overhear_create(GKV_SCENARIO_VALUE_BYTES_MAX, &(struct gkv_hearer){.hear = NULL});
        assert_non_null(trial.overhear);
        if (variant > 0) {
            lose_a_connection();
        }
        if (variant < 2) {
            hold(1, 10);
        }
        complete(10, GKV_OK);
        assert_int_equal(is_rejected(), variant == 0);
        gkv_check_durable.finish(&trial);
        assert_int_equal(is_rejected(), variant != 1);
        gkv_overhear_destroy(trial.overhear);
        end();
    }
}

/* Goal: in the end, an acknowledged version that nobody holds is rejected, and so is its loss by
 * one who kept its memory. Method: acknowledge, then lose it. */
static void test_rejects_what_is_lost_in_the_end(void **state)
{
    (void)state;
    for (uint32_t lost = 0; lost < 3; lost++) {
        begin();
        for (uint32_t i = 0; i < 2; i++) {
            hold(i, 10);
            reply(i, 10, GKV_REPLY_OK);
        }
        complete(10, GKV_OK);
        assert_false(is_rejected());
        for (uint32_t i = 0; i < NODE_COUNT; i++) { /* its memory is wiped */
            if (lost == 2 || lost == i) {
                gkv_world_crash(&trial.world, i, 0);
                gkv_world_boot(&trial.world, i);
            }
        }
        if (lost < 2) {
            trial.world.hosts[lost].life_count = 1; /* or so it says */
        }
        gkv_check_durable.finish(&trial);
        assert_true(is_rejected());
        end();
    }
}

/* Goal: a version that nobody is known to have stored is rejected however many were before it.
 * Method: more versions than fit the smallest table, and then one that only one owner has. */
static void test_forgets_no_version(void **state)
{
    (void)state;
    begin();
    for (uint64_t stamp = 1; stamp <= 20000; stamp++) {
        reply(1, stamp, GKV_REPLY_OK);
        reply(2, stamp, GKV_REPLY_OK);
    }
    hold(1, 20000);
    hold(2, 20000);
    complete(20000, GKV_OK);
    assert_false(is_rejected());
    reply(1, 30000, GKV_REPLY_OK);
    complete(30000, GKV_OK);
    assert_true(is_rejected());
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts_w_copies),
        cmocka_unit_test(test_rejects_too_few_copies),
        cmocka_unit_test(test_counts_only_where_all_is_heard),
        cmocka_unit_test(test_rejects_what_is_lost_in_the_end),
        cmocka_unit_test(test_forgets_no_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
