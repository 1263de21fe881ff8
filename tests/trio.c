#include "tests/trio.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/hash.h"
#include "core/node.h"

void trio_begin(struct trio *trio, uint32_t replica_count)
{
    memset(trio, 0, sizeof(*trio));
    struct gkv_trial *trial = &trio->trial;
    gkv_choice_init(&trial->choice, 1);
    struct gkv_options *options = &trial->scenario.world.node;
    gkv_options_init(options);
    options->memory_limit_bytes = 2 * 1024 * 1024;
    options->value_bytes_max = GKV_SCENARIO_VALUE_BYTES_MAX;
    options->member_count_max = 16;
    options->operation_count_max = 64;
    options->operation_memory_bytes = 64 * 1024;
    options->replica_count = replica_count;
    options->write_quorum = replica_count / 2 + 1;
    options->read_quorum = replica_count + 1 - options->write_quorum;
    options->seeds[0] = gkv_host_address(0);
    options->seed_count = 1;
    trial->scenario.world.node_count = TRIO_NODE_COUNT;
    trial->scenario.world.life_count_max = 2;
    trial->scenario.node_count = TRIO_NODE_COUNT;
    trial->scenario.key_count = 1;
    trial->ring = gkv_nodes_of_bits(7);
    trial->history.deeds = trio->deeds;
    const struct gkv_observer observer = {.observe = NULL};
    assert_int_equal(
        gkv_world_create(&trial->world, &trial->scenario.world, &trial->choice.chance, &observer),
        GKV_OK);
    gkv_check_name_nodes(trial);
    for (uint32_t i = 0; i < TRIO_NODE_COUNT; i++) {
        gkv_nodes_add(&trial->joined, i);
        gkv_world_boot(&trial->world, i);
    }
    trio_run_ms(trio, 4000);
}

void trio_end(struct trio *trio)
{
    gkv_world_destroy(&trio->trial.world);
}

struct gkv_node *trio_node(struct trio *trio, uint32_t node)
{
    return gkv_endpoint_node(trio->trial.world.hosts[node].endpoint);
}

struct gkv_update *trio_said(struct trio *trio, uint32_t holder, uint32_t about)
{
    const struct gkv_members *members = gkv_node_members(trio_node(trio, holder));
    const uint16_t index = gkv_member_find(members, trio->trial.ids[about]);
    assert_int_not_equal(index, GKV_MEMBER_INDEX_NONE);
    return &gkv_member_at(members, index)->said;
}

void trio_hold(struct trio *trio, uint32_t node, uint64_t stamp)
{
    char text[GKV_KEY_BYTES_MAX];
    const struct gkv_bytes bytes = gkv_history_key(0, text);
    const struct gkv_key key = {
        bytes, gkv_hash(bytes.data, bytes.count, trio->trial.scenario.world.node.hash_seed)};
    const struct gkv_record record = {.version = {{stamp}, 1},
                                      .value = {.data = (const uint8_t *)"some", .count = 4}};
    struct gkv_store *store = (struct gkv_store *)(uintptr_t)gkv_node_store(trio_node(trio, node));
    assert_int_equal(gkv_store_put(store, key, &record, NULL), GKV_STORE_STORED);
}

void trio_run_ms(struct trio *trio, uint64_t ms)
{
    const uint64_t until_ns = trio->trial.world.now_ns + ms * GKV_NS_PER_MS;
    while (gkv_world_step(&trio->trial.world, until_ns)) {
    }
}

bool trio_is_settled(struct trio *trio, const struct gkv_check *check)
{
    return check->settle(&trio->trial, trio->why, sizeof(trio->why));
}
