#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/hash.h"
#include "core/prng.h"
#include "tests/nodes.h"

/* Three nodes that repair by anti-entropy alone. */
static struct gkv_options sync_options(void)
{
    struct gkv_options options = nodes_options();
    options.read_repair_per_second_max = 0;
    options.sync_interval_ms = 200;
    options.memory_limit_bytes = 16 * 1024 * 1024;
    return options;
}

static struct gkv_record record_at(const struct nodes *nodes, uint64_t counter, const char *value)
{
    const uint64_t ms = nodes_now(nodes, 0).wall_ms;
    return (struct gkv_record){
        .version = {.hlc = {(ms << GKV_HLC_COUNTER_BITS) + counter}, .writer = 9},
        .value = nodes_text(value)};
}

static bool are_equal(const struct nodes *nodes)
{
    const struct gkv_node_stats first = gkv_node_stats(nodes->node[0]);
    for (uint32_t i = 1; i < nodes->count; i++) {
        const struct gkv_node_stats stats = gkv_node_stats(nodes->node[i]);
        if (memcmp(&stats.store_digest, &first.store_digest, sizeof(first.store_digest)) != 0 ||
            stats.store.record_count != first.store.record_count) {
            return false;
        }
    }
    return true;
}

/* Run until all stores are equal; returns after how many ms, at most limit_ms. */
static uint64_t run_until_equal(struct nodes *nodes, uint64_t limit_ms)
{
    uint64_t ms = 0;
    while (!are_equal(nodes) && ms < limit_ms) {
        nodes_run_ms(nodes, 50);
        ms += 50;
    }
    assert_true(are_equal(nodes));
    return ms;
}

/* Goal: stores that differ in every way become equal: records that one lacks, holds older, or that
 * were deleted elsewhere.
 * Method: 3,000 random records, tombstones and empty values among them, planted at random nodes. */
static void test_divergent_stores_converge(void **state)
{
    (void)state;
    struct gkv_options options = sync_options();
    options.seed[0] = 4711;
    printf("seed %llu\n", (unsigned long long)options.seed[0]);
    struct nodes *nodes = nodes_start(3, &options);
    struct gkv_prng prng;
    gkv_prng_init(&prng, options.seed[0], 1);
    for (uint64_t i = 0; i < 3000; i++) {
        char key[16];
        (void)snprintf(key, sizeof(key), "key %u", (unsigned)gkv_prng_below(&prng, 1500));
        struct gkv_record record = record_at(nodes, i, i % 7 == 0 ? "" : "some value");
        record.is_tombstone = i % 7 == 0 && i % 2 == 0;
        nodes_plant(nodes, (uint32_t)gkv_prng_below(&prng, 3), key, &record);
    }
    assert_false(are_equal(nodes));
    const uint64_t ms = run_until_equal(nodes, 60000);
    print_message("equal after %llu ms\n", (unsigned long long)ms);
    const struct gkv_node_stats stats = gkv_node_stats(nodes->node[0]);
    assert_true(stats.sync_record_stored_count > 0);
    assert_int_equal(stats.sync_malformed_count, 0);

    /* Equal stores say little: one message a round. */
    nodes_run_ms(nodes, 1000);
    const uint64_t slots = nodes->sent_count[GKV_MESSAGE_SYNC_SLOTS];
    const uint64_t groups = nodes->sent_count[GKV_MESSAGE_SYNC_GROUPS];
    nodes_run_ms(nodes, 2000);
    assert_int_equal(nodes->sent_count[GKV_MESSAGE_SYNC_SLOTS], slots);
    assert_in_range(nodes->sent_count[GKV_MESSAGE_SYNC_GROUPS] - groups, 24, 36);
    nodes_stop(nodes);
}

/* Find keys of one slot, by trying: the i-th after *from. */
static void next_key_of_slot(uint64_t *from, uint32_t slot, char key[24])
{
    uint32_t found = UINT32_MAX;
    while (found != slot) {
        (void)snprintf(key, 24, "%llx", (unsigned long long)*from);
        found = (uint32_t)(gkv_hash(key, strlen(key), 0) >> (64 - GKV_SLOT_BITS));
        (*from)++;
    }
}

/* Goal: a slot with more keys than a message holds converges too, part by part.
 * Method: 1,400 keys of one slot at one node, 10 others of it at the second, none at the third. */
static void test_large_slot(void **state)
{
    (void)state;
    const struct gkv_options options = sync_options();
    struct nodes *nodes = nodes_start(3, &options);
    uint64_t from = 0;
    char key[24];
    for (uint64_t i = 0; i < 1410; i++) {
        next_key_of_slot(&from, 77, key);
        const struct gkv_record record = record_at(nodes, i, "x");
        nodes_plant(nodes, i < 1400 ? 0 : 1, key, &record);
    }
    assert_int_equal(gkv_store_slot_count(gkv_node_store(nodes->node[0]), 77), 1400);
    const uint64_t ms = run_until_equal(nodes, 60000);
    print_message("equal after %llu ms\n", (unsigned long long)ms);
    assert_int_equal(gkv_store_slot_count(gkv_node_store(nodes->node[2]), 77), 1410);
    nodes_stop(nodes);
}

/* Goal: records larger than a message's budget go alone, and arrive.
 * Method: 20 values of 60,000 bytes at one node. */
static void test_large_records(void **state)
{
    (void)state;
    const struct gkv_options options = sync_options();
    struct nodes *nodes = nodes_start(3, &options);
    static char value[60001];
    memset(value, 'v', sizeof(value) - 1);
    for (uint64_t i = 0; i < 20; i++) {
        char key[16];
        (void)snprintf(key, sizeof(key), "k%u", (unsigned)i);
        const struct gkv_record record = record_at(nodes, i, i % 2 == 0 ? value : "small");
        nodes_plant(nodes, 0, key, &record);
    }
    (void)run_until_equal(nodes, 30000);
    nodes_stop(nodes);
}

/* Goal: a tombstone that one node has forgotten and another has not does not travel for ever.
 * Method: a deletion kept for 1 s; after some sweeps nobody holds it. */
static void test_tombstones_end(void **state)
{
    (void)state;
    struct gkv_options options = sync_options();
    options.tombstone_keep_ms = 1000;
    options.sync_interval_ms = 20;
    struct nodes *nodes = nodes_start(3, &options);
    for (int i = 0; i < 50; i++) {
        char key[16];
        (void)snprintf(key, sizeof(key), "k%d", i);
        (void)nodes_delete(nodes, 0, key);
        nodes_run_ms(nodes, 5);
    }
    assert_true(gkv_node_stats(nodes->node[1]).store.tombstone_count > 0);
    nodes_run_ms(nodes, 15000);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(gkv_node_stats(nodes->node[i]).store.record_count, 0);
    }
    nodes_stop(nodes);
}

/* Goal: a record held by a node that does not own it reaches those who do.
 * Method: five nodes, N = 3: plant each key at a node that does not own it. */
static void test_leftovers_are_offered(void **state)
{
    (void)state;
    const struct gkv_options options = sync_options();
    struct nodes *nodes = nodes_start(5, &options);
    char key[16];
    for (int i = 0; i < 20; i++) {
        (void)snprintf(key, sizeof(key), "k%d", i);
        uint32_t at = 0;
        bool owns = true;
        for (at = 0; owns && at < 5; at++) {
            uint16_t owners[GKV_REPLICA_COUNT_MAX];
            (void)gkv_node_owners(nodes->node[at], nodes_text(key), owners);
            owns = owners[0] == 0 || owners[1] == 0 || owners[2] == 0;
        }
        assert_false(owns);
        const struct gkv_record record = record_at(nodes, (uint64_t)i, "x");
        nodes_plant(nodes, at - 1, key, &record);
    }
    nodes_run_ms(nodes, 30000);
    for (int i = 0; i < 20; i++) {
        (void)snprintf(key, sizeof(key), "k%d", i);
        uint32_t holder_count = 0;
        for (uint32_t at = 0; at < 5; at++) {
            struct gkv_record record;
            holder_count +=
                gkv_store_get(gkv_node_store(nodes->node[at]),
                              (struct gkv_key){nodes_text(key), gkv_hash(key, strlen(key), 0)}, 0,
                              (struct gkv_buffer){NULL, 0}, &record);
        }
        assert_int_equal(holder_count, 4); /* three owners, and the one that kept it */
    }
    nodes_stop(nodes);
}

/* Three caches. */
static struct gkv_options cache_options(void)
{
    struct gkv_options options = sync_options();
    options.level = GKV_LEVEL_EVENTUAL;
    options.write_quorum = options.read_quorum = 1;
    options.memory_policy = GKV_MEMORY_EVICT;
    options.memory_limit_bytes = 2 * GKV_STORE_BYTES_MIN;
    return options;
}

#define CACHE_VALUE_BYTES 2000

/* Plant keys first .. first + count - 1 at one node. */
static void plant_many(struct nodes *nodes, uint32_t node, uint32_t first, uint32_t count)
{
    static char value[CACHE_VALUE_BYTES + 1];
    memset(value, 'v', CACHE_VALUE_BYTES);
    for (uint32_t i = first; i < first + count; i++) {
        char key[16];
        (void)snprintf(key, sizeof(key), "k%u", (unsigned)i);
        const struct gkv_record record = record_at(nodes, i, value);
        nodes_plant(nodes, node, key, &record);
    }
}

static struct gkv_store_stats store_stats(const struct nodes *nodes, uint32_t node)
{
    return gkv_node_stats(nodes->node[node]).store;
}

/* Nobody sends records, or evicts, and rounds are as slow as the options say. */
static void expect_rest(struct nodes *nodes)
{
    uint64_t evicted_count = 0;
    for (uint32_t i = 0; i < nodes->count; i++) {
        evicted_count += store_stats(nodes, i).evicted_count;
    }
    const uint64_t pull_count = nodes->sent_count[GKV_MESSAGE_SYNC_PULL];
    const uint64_t records_count = nodes->sent_count[GKV_MESSAGE_SYNC_RECORDS];
    const uint64_t round_count = nodes->sent_count[GKV_MESSAGE_SYNC_GROUPS];
    nodes_run_ms(nodes, 20000);
    assert_int_equal(nodes->sent_count[GKV_MESSAGE_SYNC_PULL], pull_count);
    assert_int_equal(nodes->sent_count[GKV_MESSAGE_SYNC_RECORDS], records_count);
    assert_in_range(nodes->sent_count[GKV_MESSAGE_SYNC_GROUPS] - round_count, 250, 350);
    for (uint32_t i = 0; i < nodes->count; i++) {
        evicted_count -= store_stats(nodes, i).evicted_count;
    }
    assert_int_equal(evicted_count, 0);
}

/* Goal: caches fill up with what others hold, and evict nothing for it.
 * Method: what fits is planted at one of three, which become equal; then more than fits. */
static void test_caches_fill(void **state)
{
    (void)state;
    const struct gkv_options options = cache_options();
    struct nodes *nodes = nodes_start(3, &options);
    plant_many(nodes, 0, 0, 200);
    (void)run_until_equal(nodes, 60000);
    expect_rest(nodes);

    plant_many(nodes, 0, 200, 2000);
    assert_true(store_stats(nodes, 0).evicted_count > 1000);
    nodes_run_ms(nodes, 60000);
    for (uint32_t i = 1; i < 3; i++) {
        const struct gkv_store_stats stats = store_stats(nodes, i);
        assert_int_equal(stats.evicted_count, 0);
        assert_true(stats.record_count * 10 > store_stats(nodes, 0).record_count * 8);
    }
    expect_rest(nodes);
    nodes_stop(nodes);
}

/* Goal: full caches that hold different keys leave it at that, and go on to exchange newer versions
 * and deletions of those that both hold.
 * Method: other keys planted at each, more than fit; then a newer version of each at one of them,
 * values and tombstones in turn. In the end no two hold different versions. */
static void test_full_caches(void **state)
{
    (void)state;
    const struct gkv_options options = cache_options();
    struct nodes *nodes = nodes_start(3, &options);
    for (uint32_t i = 0; i < 3; i++) {
        plant_many(nodes, i, 400 * i, 1600);
        assert_true(store_stats(nodes, i).evicted_count > 500);
    }
    nodes_run_ms(nodes, 60000);
    expect_rest(nodes);
    for (uint32_t i = 0; i < 2400; i++) {
        char key[16];
        (void)snprintf(key, sizeof(key), "k%u", (unsigned)i);
        struct gkv_record record = record_at(nodes, i, i % 2 == 0 ? "" : "newer");
        record.is_tombstone = i % 2 == 0;
        struct gkv_record held;
        const struct gkv_key which = {nodes_text(key), gkv_hash(key, strlen(key), 0)};
        if (gkv_store_get(gkv_node_store(nodes->node[i % 3]), which, 0,
                          (struct gkv_buffer){NULL, 0}, &held)) {
            nodes_plant(nodes, i % 3, key, &record);
        }
    }
    nodes_run_ms(nodes, 60000);
    uint32_t common_count = 0;
    for (uint32_t i = 0; i < 2400; i++) {
        char key[16];
        (void)snprintf(key, sizeof(key), "k%u", (unsigned)i);
        const struct gkv_key which = {nodes_text(key), gkv_hash(key, strlen(key), 0)};
        struct gkv_version version = {.writer = 0};
        for (uint32_t k = 0; k < 3; k++) {
            struct gkv_record held;
            if (!gkv_store_get(gkv_node_store(nodes->node[k]), which, 0,
                               (struct gkv_buffer){NULL, 0}, &held)) {
                continue;
            }
            common_count += !gkv_version_is_none(version);
            assert_true(gkv_version_is_none(version) ||
                        gkv_version_compare(held.version, version) == 0);
            version = held.version;
        }
    }
    assert_true(common_count > 100);
    expect_rest(nodes);

    /* Nor is taken what was on its way when there was room. */
    const struct gkv_keyed_record late = {nodes_text("late"), record_at(nodes, 0, "late")};
    struct gkv_message message = {.kind = GKV_MESSAGE_SYNC_RECORDS};
    message.as.sync_records.records = &late;
    message.as.sync_records.record_count = 1;
    const uint64_t stored_count = gkv_node_stats(nodes->node[0]).sync_record_stored_count;
    nodes_deliver(nodes, 1, 0, &message);
    assert_int_equal(gkv_node_stats(nodes->node[0]).sync_record_stored_count, stored_count);
    nodes_stop(nodes);
}

/* Goal: what a peer may not say is counted and changes nothing.
 * Method: a message per rule. */
static void test_malformed(void **state)
{
    (void)state;
    const struct gkv_options options = sync_options();
    struct nodes *nodes = nodes_start(2, &options);
    static const struct gkv_digest digests[GKV_SLOT_GROUP_COUNT];
    struct gkv_message message = {.kind = GKV_MESSAGE_SYNC_GROUPS};
    message.as.sync_groups.digests = digests;
    message.as.sync_groups.digest_count = GKV_SLOT_GROUP_COUNT - 1;
    nodes_deliver(nodes, 1, 0, &message);

    message = (struct gkv_message){.kind = GKV_MESSAGE_SYNC_SLOTS};
    message.as.sync_slots.digests = digests;
    message.as.sync_slots.digest_count = GKV_SLOT_GROUP_SLOTS;
    message.as.sync_slots.group = GKV_SLOT_GROUP_COUNT;
    nodes_deliver(nodes, 1, 0, &message);

    message = (struct gkv_message){.kind = GKV_MESSAGE_SYNC_KEYS};
    message.as.sync_keys.slots[0] = 1;
    nodes_deliver(nodes, 1, 0, &message); /* no part of none */
    message.as.sync_keys.part_count = 1;
    struct gkv_key_version key = {.key_hash = UINT64_C(1) << 50, .version = {.writer = 1}};
    message.as.sync_keys.keys = &key;
    message.as.sync_keys.key_count = 1;
    nodes_deliver(nodes, 1, 0, &message); /* of a slot that the list does not cover */
    key = (struct gkv_key_version){.key_hash = 1};
    nodes_deliver(nodes, 1, 0, &message); /* no version */

    message = (struct gkv_message){.kind = GKV_MESSAGE_SYNC_PULL};
    message.as.sync_pull.key_count = GKV_SYNC_KEY_COUNT_MAX + 1;
    nodes_deliver(nodes, 1, 0, &message);

    message = (struct gkv_message){.kind = GKV_MESSAGE_SYNC_RECORDS};
    const struct gkv_keyed_record records[2] = {
        {.key = nodes_text("good"), .record = record_at(nodes, 0, "x")},
        {.key = {.data = NULL, .count = 0}, .record = record_at(nodes, 0, "x")}};
    message.as.sync_records.records = records;
    message.as.sync_records.record_count = 2;
    nodes_deliver(nodes, 1, 0, &message);

    const struct gkv_node_stats stats = gkv_node_stats(nodes->node[0]);
    assert_int_equal(stats.sync_malformed_count, 7);
    assert_int_equal(stats.store.record_count, 0);
    nodes_stop(nodes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_divergent_stores_converge),
        cmocka_unit_test(test_large_slot),
        cmocka_unit_test(test_large_records),
        cmocka_unit_test(test_tombstones_end),
        cmocka_unit_test(test_leftovers_are_offered),
        cmocka_unit_test(test_caches_fill),
        cmocka_unit_test(test_full_caches),
        cmocka_unit_test(test_malformed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
