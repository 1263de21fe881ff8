#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/hash.h"
#include "tests/nodes.h"

#define VALUE_BYTES 64

static struct gkv_options eventual_options(void)
{
    struct gkv_options options = nodes_options();
    options.level = GKV_LEVEL_EVENTUAL;
    options.write_quorum = 1;
    options.read_quorum = 1;
    return options;
}

/* Nodes that all own all keys, and know it: what is built when somebody asks for an owner was
 * asked. */
static struct nodes *start(const struct gkv_options *options)
{
    struct nodes *nodes = nodes_start(3, options);
    for (uint32_t i = 0; i < 3; i++) {
        (void)nodes_get(nodes, i, "nothing");
    }
    nodes_run_ms(nodes, 5);
    return nodes;
}

static bool write_here(struct nodes *nodes, uint32_t index, const struct gkv_operation *operation,
                       struct gkv_inplace_write *write_out)
{
    const struct gkv_commons commons = gkv_node_commons(nodes->node[index]);
    const struct gkv_inplace_caller caller = {.wall_ms = nodes_now(nodes, index).wall_ms};
    const struct gkv_key key = gkv_inplace_key(&commons, operation->key);
    return gkv_inplace_write(&commons, caller, key, operation, write_out);
}

static bool set_here(struct nodes *nodes, uint32_t index, const char *key, const char *value)
{
    struct gkv_inplace_write write;
    const struct gkv_operation operation = {
        .kind = GKV_OPERATION_SET, .key = nodes_text(key), .value = nodes_text(value)};
    return write_here(nodes, index, &operation, &write);
}

static enum gkv_inplace_answer get_here(struct nodes *nodes, uint32_t index, const char *key,
                                        struct gkv_record *record_out, uint8_t *buffer)
{
    const struct gkv_commons commons = gkv_node_commons(nodes->node[index]);
    return gkv_inplace_get(&commons, gkv_inplace_key(&commons, nodes_text(key)),
                           (struct gkv_buffer){buffer, VALUE_BYTES}, record_out);
}

static void expect_here(struct nodes *nodes, uint32_t index, const char *key, const char *value)
{
    uint8_t buffer[VALUE_BYTES];
    struct gkv_record record;
    const enum gkv_inplace_answer answer = get_here(nodes, index, key, &record, buffer);
    if (value == NULL) {
        assert_int_equal(answer, GKV_INPLACE_ABSENT);
        return;
    }
    assert_int_equal(answer, GKV_INPLACE_FOUND);
    assert_true(gkv_bytes_equal(record.value, nodes_text(value)));
}

static void expect_asks(struct nodes *nodes, uint32_t index, const char *key)
{
    uint8_t buffer[VALUE_BYTES];
    struct gkv_record record;
    assert_int_equal(get_here(nodes, index, key, &record, buffer), GKV_INPLACE_ASK);
    assert_false(set_here(nodes, index, key, "value"));
}

/* Goal: what was written in place is held here at once, and by the other owners soon.
 * Method: a set and a deletion, each read by all three nodes. */
static void test_set_and_delete(void **state)
{
    (void)state;
    const struct gkv_options options = eventual_options();
    struct nodes *nodes = start(&options);
    assert_true(set_here(nodes, 0, "key", "value"));
    expect_here(nodes, 0, "key", "value");
    expect_here(nodes, 1, "key", NULL);
    nodes_run_ms(nodes, 2);
    for (uint32_t i = 0; i < 3; i++) {
        expect_here(nodes, i, "key", "value");
    }

    struct gkv_inplace_write write;
    const struct gkv_operation gone = {.kind = GKV_OPERATION_DELETE, .key = nodes_text("key")};
    assert_true(write_here(nodes, 1, &gone, &write));
    expect_here(nodes, 1, "key", NULL);
    nodes_run_ms(nodes, 5);
    for (uint32_t i = 0; i < 3; i++) {
        expect_here(nodes, i, "key", NULL);
    }
    nodes_stop(nodes);
}

/* Goal: several writes of one key, before the loop looks, become one message to each owner, which
 * has the last of them. Method: ten, and count what is sent. */
static void test_writes_become_one(void **state)
{
    (void)state;
    const struct gkv_options options = eventual_options();
    struct nodes *nodes = start(&options);
    const uint64_t before = nodes->sent_count[GKV_MESSAGE_WRITE];
    for (uint32_t i = 0; i < 10; i++) {
        const char value[] = {(char)('0' + (int)i), 0};
        assert_true(set_here(nodes, 0, "key", value));
    }
    nodes_run_ms(nodes, 5);
    assert_int_equal(nodes->sent_count[GKV_MESSAGE_WRITE] - before, 2);
    expect_here(nodes, 1, "key", "9");
    expect_here(nodes, 2, "key", "9");
    nodes_stop(nodes);
}

/* Whoever makes a packed value whole is in the middle of a read: what it does here is what another
 * thread might do meanwhile. */
static struct nodes *written_while_read;

static size_t pack_alike(const uint8_t *plain, size_t plain_bytes, uint8_t *out, size_t capacity)
{
    for (size_t i = 1; i < plain_bytes; i++) {
        if (plain[i] != plain[0]) {
            return 0;
        }
    }
    out[0] = plain[0];
    return capacity > 0 ? 1 : 0;
}

static bool unpack_alike(const uint8_t *packed, size_t packed_bytes, uint8_t *out,
                         size_t plain_bytes)
{
    struct nodes *nodes = written_while_read;
    written_while_read = NULL;
    if (nodes != NULL) {
        assert_true(set_here(nodes, 0, "key", "second"));
    }
    memset(out, packed[0], plain_bytes);
    return packed_bytes == 1;
}

/* Goal: a key that is written after it was sent, by the same drain that meets its second mark, is
 * sent again. Method: two marks; while the second one's value is read, the first key is written. No
 * round for an hour. */
static void test_written_while_sent(void **state)
{
    (void)state;
    static uint8_t alike[1000];
    struct gkv_options options = eventual_options();
    options.sync_interval_ms = 3600000;
    options.value_compress_bytes = sizeof(alike);
    options.packer = (struct gkv_packer){pack_alike, unpack_alike};
    struct nodes *nodes = start(&options);
    const struct gkv_operation large = {
        .kind = GKV_OPERATION_SET, .key = nodes_text("large"), .value = {alike, sizeof(alike)}};
    struct gkv_inplace_write write;
    assert_true(set_here(nodes, 0, "key", "first"));
    assert_true(write_here(nodes, 0, &large, &write));
    written_while_read = nodes;
    nodes_run_ms(nodes, 10);
    assert_null(written_while_read);
    expect_here(nodes, 0, "key", "second");
    expect_here(nodes, 1, "key", "second");
    expect_here(nodes, 2, "key", "second");
    nodes_stop(nodes);
}

static uint32_t count_held(struct nodes *nodes, uint32_t index, uint32_t key_count)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < key_count; i++) {
        char key[16];
        uint8_t buffer[VALUE_BYTES];
        struct gkv_record record;
        (void)snprintf(key, sizeof(key), "key%u", (unsigned)i);
        count += get_here(nodes, index, key, &record, buffer) == GKV_INPLACE_FOUND;
    }
    return count;
}

/* Goal: a full ring loses nothing, and keeps nobody: anti-entropy carries what found no mark, well
 * before a round would have come to it.
 * Method: a ring of four, 200 keys while the loop does not run, no round for an hour. */
static void test_full_ring_loses_nothing(void **state)
{
    (void)state;
    struct gkv_options options = eventual_options();
    options.mark_count_max = 4;
    options.sync_interval_ms = 3600000;
    struct nodes *nodes = start(&options);
    static bool is_dirty[GKV_SLOT_COUNT];
    uint64_t dirty_count = 0;
    for (uint32_t i = 0; i < 200; i++) {
        char key[16];
        const int bytes = snprintf(key, sizeof(key), "key%u", (unsigned)i);
        const uint32_t slot = gkv_slot_of(gkv_hash(key, (size_t)bytes, options.hash_seed));
        assert_true(set_here(nodes, 0, key, "value"));
        dirty_count += i >= 4 && !is_dirty[slot];
        is_dirty[slot] = is_dirty[slot] || i >= 4;
    }
    assert_int_equal(gkv_node_stats(nodes->node[0]).marks.mark_count, 4);
    assert_int_equal(gkv_node_stats(nodes->node[0]).marks.dirty_count, dirty_count);
    nodes_run_ms(nodes, 500);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(count_held(nodes, i, 200), 200);
    }
    nodes_stop(nodes);
}

/* Goal: threads with lanes of their own have what they wrote sent, each key once.
 * Method: twelve writers of two keys each, of which four are the same; one drain. */
static void test_lanes(void **state)
{
    (void)state;
    const struct gkv_options options = eventual_options();
    struct nodes *nodes = start(&options);
    const struct gkv_commons commons = gkv_node_commons(nodes->node[0]);
    const uint64_t before = nodes->sent_count[GKV_MESSAGE_WRITE];
    for (uint32_t i = 0; i < 24; i++) {
        char key[16];
        (void)snprintf(key, sizeof(key), "key%u", (unsigned)(i % 6 == 5 ? 5 : i));
        const struct gkv_inplace_caller caller = {nodes_now(nodes, 0).wall_ms, i / 2};
        const struct gkv_operation set = {
            .kind = GKV_OPERATION_SET, .key = nodes_text(key), .value = nodes_text(key)};
        struct gkv_inplace_write write;
        assert_true(
            gkv_inplace_write(&commons, caller, gkv_inplace_key(&commons, set.key), &set, &write));
    }
    nodes_run_ms(nodes, 5);
    assert_int_equal(nodes->sent_count[GKV_MESSAGE_WRITE] - before, 2 * 21);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(count_held(nodes, i, 24), 21);
    }
    nodes_stop(nodes);
}

/* Goal: a node that is alone is done with its marks at once, and with what found no room for one.
 * Method: a ring of four, 200 keys, 3 ms; then a write is told to wake the loop: it sleeps. */
static void test_alone(void **state)
{
    (void)state;
    struct gkv_options options = eventual_options();
    options.mark_count_max = 4;
    struct nodes *nodes = nodes_start(1, &options);
    (void)nodes_get(nodes, 0, "nothing");
    nodes_run_ms(nodes, 5);
    for (uint32_t i = 0; i < 200; i++) {
        char key[16];
        (void)snprintf(key, sizeof(key), "key%u", (unsigned)i);
        assert_true(set_here(nodes, 0, key, "value"));
    }
    nodes_run_ms(nodes, 3);
    const struct gkv_operation set = {
        .kind = GKV_OPERATION_SET, .key = nodes_text("key"), .value = nodes_text("value")};
    struct gkv_inplace_write write;
    assert_true(write_here(nodes, 0, &set, &write));
    assert_true(write.wakes);
    assert_int_equal(nodes->sent_count[GKV_MESSAGE_WRITE], 0);
    assert_int_equal(count_held(nodes, 0, 200), 200);
    nodes_stop(nodes);
}

/* Goal: the loop is woken once, and sleeps again when all is sent.
 * Method: the deadline before, after one write, after another, and later. */
static void test_wakes_once(void **state)
{
    (void)state;
    const struct gkv_options options = eventual_options();
    struct nodes *nodes = start(&options);
    const struct gkv_operation set = {
        .kind = GKV_OPERATION_SET, .key = nodes_text("key"), .value = nodes_text("value")};
    struct gkv_inplace_write write;
    assert_true(gkv_node_deadline_ns(nodes->node[0]) > nodes->now_ns);
    assert_true(write_here(nodes, 0, &set, &write));
    assert_true(write.wakes);
    assert_true(gkv_node_deadline_ns(nodes->node[0]) <= nodes->now_ns);
    const struct gkv_version first = write.version;
    assert_true(write_here(nodes, 0, &set, &write));
    assert_false(write.wakes);
    assert_true(gkv_version_compare(write.version, first) > 0);
    nodes_run_ms(nodes, 3);
    assert_true(write_here(nodes, 0, &set, &write));
    assert_true(write.wakes);
    nodes_stop(nodes);
}

/* Goal: what is not for a thread alone is left to the loop: other levels, a set that two must hold,
 * keys of others, a node that has not met its cluster, and one that leaves.
 * Method: each. */
static void test_what_the_loop_does(void **state)
{
    (void)state;
    struct gkv_options options = nodes_options();
    struct nodes *nodes = start(&options);
    expect_asks(nodes, 0, "key");
    nodes_stop(nodes);

    options = eventual_options();
    options.write_quorum = 2;
    nodes = start(&options);
    expect_here(nodes, 0, "key", NULL);
    assert_false(set_here(nodes, 0, "key", "value"));
    nodes_stop(nodes);

    options = eventual_options();
    options.replica_count = 1;
    nodes = start(&options);
    uint32_t served_count = 0;
    for (uint32_t i = 0; i < 3; i++) {
        served_count += set_here(nodes, i, "key", "value");
    }
    assert_int_equal(served_count, 1);
    nodes_stop(nodes);

    options = eventual_options();
    nodes = nodes_start(3, &options);
    struct gkv_event leave = {.kind = GKV_EVENT_LEAVE, .now = nodes_now(nodes, 0)};
    (void)nodes_get(nodes, 0, "nothing");
    expect_here(nodes, 0, "key", NULL);
    assert_int_equal(gkv_node_step(nodes->node[0], &leave), GKV_OK);
    struct gkv_action action;
    while (gkv_node_next_action(nodes->node[0], &action)) {
    }
    nodes_run_ms(nodes, 500);
    expect_asks(nodes, 0, "key");
    nodes_stop(nodes);
}

/* Goal: a value in place ends when its time is over, and not before.
 * Method: a set with a time to live, judged at both sides of it. */
static void test_expiry(void **state)
{
    (void)state;
    const struct gkv_options options = eventual_options();
    struct nodes *nodes = start(&options);
    const struct gkv_operation set = {.kind = GKV_OPERATION_SET,
                                      .key = nodes_text("key"),
                                      .value = nodes_text("value"),
                                      .ttl_ms = 50};
    struct gkv_inplace_write write;
    assert_true(write_here(nodes, 0, &set, &write));
    uint8_t buffer[VALUE_BYTES];
    struct gkv_record record;
    assert_int_equal(get_here(nodes, 0, "key", &record, buffer), GKV_INPLACE_FOUND);
    const struct gkv_commons commons = gkv_node_commons(nodes->node[0]);
    const uint64_t wall_ms = nodes_now(nodes, 0).wall_ms;
    assert_int_equal(record.expire_ms, wall_ms + 50);
    assert_false(gkv_inplace_is_over(&commons, wall_ms + 49, record.expire_ms));
    assert_true(gkv_inplace_is_over(&commons, wall_ms + 50, record.expire_ms));
    assert_false(gkv_inplace_is_over(&commons, wall_ms + 50, 0));
    nodes_stop(nodes);
}

/* Goal: a write in place is above what is held, when a clock may follow that; else the loop, which
 * may go beyond, is asked, and nothing is stored.
 * Method: records from a little and from far ahead of the clock. */
static void test_what_is_ahead(void **state)
{
    (void)state;
    const struct gkv_options options = eventual_options();
    struct nodes *nodes = start(&options);
    const uint64_t wall_ms = nodes_now(nodes, 0).wall_ms;
    struct gkv_store *store = gkv_node_commons(nodes->node[0]).store;
    struct gkv_record ahead = {.version = {{(wall_ms + 100) << GKV_HLC_COUNTER_BITS}, 1},
                               .value = nodes_text("ahead")};
    struct gkv_key key = {nodes_text("near"), 0};
    key.hash = gkv_hash(key.bytes.data, key.bytes.count, options.hash_seed);
    assert_int_equal(gkv_store_put(store, key, &ahead, NULL), GKV_STORE_STORED);
    assert_true(set_here(nodes, 0, "near", "ours"));
    expect_here(nodes, 0, "near", "ours");

    ahead.version.hlc.packed = (wall_ms + 60000) << GKV_HLC_COUNTER_BITS;
    key.bytes = nodes_text("far");
    key.hash = gkv_hash(key.bytes.data, key.bytes.count, options.hash_seed);
    assert_int_equal(gkv_store_put(store, key, &ahead, NULL), GKV_STORE_STORED);
    assert_false(set_here(nodes, 0, "far", "ours"));
    expect_here(nodes, 0, "far", "ahead");
    const uint64_t asked = nodes_set(nodes, 0, "far", "ours");
    nodes_run_ms(nodes, 5);
    assert_int_equal(nodes_result(nodes, asked)->error, GKV_OK); /* the others hold it */
    expect_here(nodes, 1, "far", "ours");
    nodes_stop(nodes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set_and_delete),
        cmocka_unit_test(test_writes_become_one),
        cmocka_unit_test(test_written_while_sent),
        cmocka_unit_test(test_full_ring_loses_nothing),
        cmocka_unit_test(test_wakes_once),
        cmocka_unit_test(test_what_the_loop_does),
        cmocka_unit_test(test_expiry),
        cmocka_unit_test(test_what_is_ahead),
        cmocka_unit_test(test_lanes),
        cmocka_unit_test(test_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
