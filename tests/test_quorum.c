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

/* Three nodes, and no anti-entropy to do the work of what is tested. */
static struct gkv_options quiet_options(void)
{
    struct gkv_options options = nodes_options();
    options.sync_interval_ms = 3600000;
    return options;
}

static struct gkv_quorum_stats stats_of(const struct nodes *nodes, uint32_t index)
{
    return gkv_node_stats(nodes->node[index]).quorum;
}

/* The version that a node holds of a key; none when it knows nothing of it. */
static struct gkv_version held_by(const struct nodes *nodes, uint32_t index, const char *key)
{
    struct gkv_record record = {.expire_ms = 0};
    const uint64_t seed = gkv_node_options(nodes->node[index])->hash_seed;
    const uint64_t key_hash = gkv_hash(key, strlen(key), seed);
    (void)gkv_store_get(gkv_node_store(nodes->node[index]),
                        (struct gkv_key){nodes_text(key), key_hash}, 0,
                        (struct gkv_buffer){NULL, 0}, &record);
    return record.version;
}

static struct gkv_record record_at(const struct nodes *nodes, int64_t ms, uint64_t writer,
                                   const char *value)
{
    const uint64_t at_ms = (uint64_t)((int64_t)nodes_now(nodes, 0).wall_ms + ms);
    return (struct gkv_record){
        .version = {.hlc = {at_ms << GKV_HLC_COUNTER_BITS}, .writer = writer},
        .value = nodes_text(value)};
}

static void expect(const struct nodes *nodes, uint64_t cookie, enum gkv_error error)
{
    assert_string_equal(gkv_error_name(nodes_result(nodes, cookie)->error), gkv_error_name(error));
}

/* Goal: a set that is older than what a quorum holds is not lost: it takes a newer stamp.
 * Method: two owners hold a version 300 ms ahead; the third one's set, then a get elsewhere. */
static void test_stale_is_retried(void **state)
{
    (void)state;
    const struct gkv_options options = quiet_options();
    struct nodes *nodes = nodes_start(3, &options);
    const struct gkv_record ahead = record_at(nodes, 300, 9, "ahead");
    nodes_plant(nodes, 1, "key", &ahead);
    nodes_plant(nodes, 2, "key", &ahead);
    const uint64_t set = nodes_set(nodes, 0, "key", "mine");
    nodes_run_ms(nodes, 5);
    expect(nodes, set, GKV_OK);
    assert_int_equal(stats_of(nodes, 0).stale_retry_count, 1);
    assert_true(gkv_version_compare(nodes_result(nodes, set)->version, ahead.version) > 0);
    const uint64_t get = nodes_get(nodes, 2, "key");
    nodes_run_ms(nodes, 5);
    assert_true(gkv_bytes_equal(nodes_result(nodes, get)->value, nodes_text("mine")));
    nodes_stop(nodes);
}

/* Goal: a key that got a version hours ahead can be set again, and nobody's clock is dragged along;
 * two sets of one node never share a version.
 * Method: two nodes' wall clocks are an hour ahead while a version is planted there, then right
 * again. */
static void test_future_is_overwritten(void **state)
{
    (void)state;
    const struct gkv_options options = quiet_options();
    struct nodes *nodes = nodes_start(3, &options);
    const struct gkv_record future = record_at(nodes, 3600000, 9, "future");
    for (uint32_t i = 1; i < 3; i++) {
        nodes->wall_offset_ms[i] = 3600000;
        nodes_plant(nodes, i, "key", &future);
        nodes->wall_offset_ms[i] = 0;
    }
    struct gkv_version last = future.version;
    uint64_t cookies[2];
    for (int i = 0; i < 2; i++) {
        cookies[i] = nodes_set(nodes, 0, "key", "now"); /* at once: both are told of one version */
    }
    nodes_run_ms(nodes, 20);
    for (int i = 0; i < 2; i++) {
        const struct gkv_result *result = nodes_result(nodes, cookies[i]);
        assert_int_equal(result->error, GKV_OK);
        assert_true(gkv_version_compare(result->version, future.version) > 0);
        assert_true(gkv_version_compare(result->version, last) != 0);
        last = result->version;
    }
    const uint64_t other = nodes_set(nodes, 0, "other", "x");
    const uint64_t get = nodes_get(nodes, 0, "key");
    nodes_run_ms(nodes, 5);
    assert_true(gkv_hlc_ms(nodes_result(nodes, other)->version.hlc) <
                nodes_now(nodes, 0).wall_ms + options.drift_ms_max);
    assert_true(gkv_bytes_equal(nodes_result(nodes, get)->value, nodes_text("now")));
    nodes_stop(nodes);
}

/* Goal: with fewer reachable owners than W or R, operations are refused at once and nothing is
 * sent. Method: cut two of three off until they are unreachable. */
static void test_no_quorum(void **state)
{
    (void)state;
    const struct gkv_options options = quiet_options();
    struct nodes *nodes = nodes_start(3, &options);
    nodes_isolate(nodes, 0, true);
    nodes_run_ms(nodes, 6000);
    assert_int_equal(gkv_node_stats(nodes->node[0]).reachable_count, 1);
    const uint64_t writes = nodes->sent_count[GKV_MESSAGE_WRITE];
    const uint64_t set = nodes_set(nodes, 0, "key", "x");
    const uint64_t get = nodes_get(nodes, 0, "key");
    expect(nodes, set, GKV_ERROR_NO_QUORUM);
    expect(nodes, get, GKV_ERROR_NO_QUORUM);
    assert_int_equal(nodes->sent_count[GKV_MESSAGE_WRITE], writes);
    assert_int_equal(held_by(nodes, 0, "key").writer, 0);
    nodes_stop(nodes);
}

/* Goal: what is sent and not answered ends at its deadline, to the nanosecond: IN_DOUBT or TIMEOUT.
 * Method: cut off, and submit before anybody noticed, with the default and with an own timeout. */
static void test_deadline(void **state)
{
    (void)state;
    struct gkv_options options = quiet_options();
    options.operation_timeout_ms = 70;
    struct nodes *nodes = nodes_start(3, &options);
    nodes_isolate(nodes, 0, true);
    const uint64_t at_ns = nodes->now_ns;
    const uint64_t set = nodes_set(nodes, 0, "key", "x");
    const uint64_t get =
        nodes_submit(nodes, 0,
                     &(struct gkv_operation){
                         .kind = GKV_OPERATION_GET, .key = nodes_text("key"), .timeout_ms = 31});
    nodes_run_ms(nodes, 100);
    expect(nodes, set, GKV_ERROR_IN_DOUBT);
    expect(nodes, get, GKV_ERROR_TIMEOUT);
    assert_int_equal(nodes->completions[set].at_ns, at_ns + 70 * GKV_NS_PER_MS);
    assert_int_equal(nodes->completions[get].at_ns, at_ns + 31 * GKV_NS_PER_MS);
    nodes_stop(nodes);
}

static struct nodes_packet kept[16]; /* replies that a filter kept back; they have no parts */
static uint32_t kept_count;

static bool keep_write_replies(struct nodes *nodes, const struct nodes_packet *packet)
{
    (void)nodes;
    if (packet->message.kind != GKV_MESSAGE_WRITE_REPLY) {
        return true;
    }
    if (kept_count < 16) {
        kept[kept_count] = *packet;
        kept_count++;
    }
    return false;
}

/* Goal: an owner counts once, however often it answers, and a stranger not at all.
 * Method: N = W = 3; the first answer is handed over twice, then from a node that was not asked. */
static void test_answers_count_once(void **state)
{
    (void)state;
    struct gkv_options options = quiet_options();
    options.write_quorum = 3;
    options.read_quorum = 1;
    struct nodes *nodes = nodes_start(3, &options);
    kept_count = 0;
    nodes->filter = keep_write_replies;
    const uint64_t set = nodes_set(nodes, 0, "key", "x");
    nodes_run_ms(nodes, 5);
    assert_int_equal(kept_count, 2);
    nodes_deliver(nodes, kept[0].from, 0, &kept[0].message);
    nodes_deliver(nodes, kept[0].from, 0, &kept[0].message);
    nodes_deliver(nodes, 0, 0, &kept[0].message);
    assert_int_equal(nodes->completions[set].count, 0);
    assert_int_equal(stats_of(nodes, 0).late_reply_count, 2);

    /* An answer that cannot be one: OK to another version, STALE with an older one. */
    struct gkv_message wrong = kept[1].message;
    wrong.as.write_reply.version.writer++;
    nodes_deliver(nodes, kept[1].from, 0, &wrong);
    wrong.as.write_reply.status = GKV_REPLY_STALE;
    wrong.as.write_reply.version = (struct gkv_version){.writer = 1};
    nodes_deliver(nodes, kept[1].from, 0, &wrong);
    assert_int_equal(gkv_node_stats(nodes->node[0]).replica.malformed_count, 2);
    assert_int_equal(nodes->completions[set].count, 0);

    nodes_deliver(nodes, kept[1].from, 0, &kept[1].message);
    expect(nodes, set, GKV_OK);
    nodes_stop(nodes);
}

/* Goal: an answer to an operation that is over does nothing to the one that has its place now.
 * Method: one place; the first set ends in doubt, the second waits when the first one's answer
 * comes. */
static void test_late_answer(void **state)
{
    (void)state;
    struct gkv_options options = quiet_options();
    options.operation_count_max = 1;
    options.operation_timeout_ms = 50;
    struct nodes *nodes = nodes_start(3, &options);
    kept_count = 0;
    nodes->filter = keep_write_replies;
    const uint64_t first = nodes_set(nodes, 0, "key", "first");
    const uint64_t busy = nodes_set(nodes, 0, "key", "busy");
    expect(nodes, busy, GKV_ERROR_BUSY);
    nodes_run_ms(nodes, 60);
    expect(nodes, first, GKV_ERROR_IN_DOUBT);
    const uint64_t second = nodes_set(nodes, 0, "key", "second");
    nodes_deliver(nodes, kept[0].from, 0, &kept[0].message);
    assert_int_equal(nodes->completions[second].count, 0);
    assert_int_equal(stats_of(nodes, 0).late_reply_count, 1);
    nodes->filter = NULL;
    nodes_run_ms(nodes, 60);
    expect(nodes, second, GKV_OK);
    nodes_stop(nodes);
}

static bool drop_from_c(struct nodes *nodes, const struct nodes_packet *packet)
{
    (void)nodes;
    return packet->from != 2 || packet->channel == GKV_CHANNEL_DATAGRAM;
}

/* Goal: a completed get that still waits for a late answer gives way to a new operation.
 * Method: one place; the third owner's answers are lost. */
static void test_repairing_gives_way(void **state)
{
    (void)state;
    struct gkv_options options = quiet_options();
    options.operation_count_max = 1;
    struct nodes *nodes = nodes_start(3, &options);
    nodes->filter = drop_from_c;
    for (int i = 0; i < 3; i++) {
        const uint64_t get = nodes_get(nodes, 0, "key");
        nodes_run_ms(nodes, 5);
        expect(nodes, get, GKV_ERROR_NOT_FOUND);
    }
    const uint64_t set = nodes_set(nodes, 0, "key", "x");
    nodes_run_ms(nodes, 5);
    expect(nodes, set, GKV_OK);
    assert_int_equal(stats_of(nodes, 0).open_count, 0);
    nodes_stop(nodes);
}

/* Goal: when keys and values have no room, BUSY; and the room comes back.
 * Method: values of the largest size, cut off; then again after their deadline. */
static void test_operation_memory(void **state)
{
    (void)state;
    struct gkv_options options = quiet_options();
    options.operation_memory_bytes = 5 * 66 * 1024;
    options.operation_timeout_ms = 50;
    struct nodes *nodes = nodes_start(3, &options);
    static uint8_t bytes[64 * 1024];
    const struct gkv_operation large = {.kind = GKV_OPERATION_SET,
                                        .key = nodes_text("key"),
                                        .value = {.data = bytes, .count = sizeof(bytes)}};
    nodes_isolate(nodes, 0, true);
    uint64_t busy = 0;
    for (int i = 0; i < 6; i++) {
        busy = nodes_submit(nodes, 0, &large);
    }
    expect(nodes, busy, GKV_ERROR_BUSY);
    nodes_run_ms(nodes, 60);
    nodes_isolate(nodes, 0, false);
    const uint64_t set = nodes_submit(nodes, 0, &large);
    nodes_run_ms(nodes, 5);
    expect(nodes, set, GKV_OK);
    nodes_stop(nodes);
}

/* Goal: owners that answer with less than the newest, in time or late, get the newest.
 * Method: one owner holds a newer version; a get by another; all hold it afterwards. */
static void test_read_repair(void **state)
{
    (void)state;
    struct gkv_options options = quiet_options();
    for (uint32_t holder = 0; holder < 3; holder++) {
        options.read_quorum = 3;
        struct nodes *nodes = nodes_start(3, &options);
        const struct gkv_record record = record_at(nodes, 0, 9, "newest");
        nodes_plant(nodes, holder, "key", &record);
        const uint64_t get = nodes_get(nodes, 0, "key");
        nodes_run_ms(nodes, 5);
        assert_true(gkv_bytes_equal(nodes_result(nodes, get)->value, nodes_text("newest")));
        for (uint32_t i = 0; i < 3; i++) {
            assert_int_equal(gkv_version_compare(held_by(nodes, i, "key"), record.version), 0);
        }
        assert_int_equal(stats_of(nodes, 0).read_repair_count, 2);
        nodes_stop(nodes);
    }
}

static bool delay_c(struct nodes *nodes, const struct nodes_packet *packet)
{
    (void)nodes;
    if (packet->from == 2 && packet->message.kind == GKV_MESSAGE_READ_REPLY) {
        ((struct nodes_packet *)(uintptr_t)packet)->arrive_ns += 3 * GKV_NS_PER_MS;
    }
    return true;
}

/* Goal: a late answer is repaired too, whether it is behind or ahead of what was found.
 * Method: R = 2, the third owner answers late; it holds nothing, then something newer. */
static void test_late_read_repair(void **state)
{
    (void)state;
    const struct gkv_options options = quiet_options();
    struct nodes *nodes = nodes_start(3, &options);
    nodes->filter = delay_c;
    const struct gkv_record record = record_at(nodes, 0, 9, "newest");
    nodes_plant(nodes, 1, "behind", &record);
    nodes_plant(nodes, 2, "ahead", &record);
    const uint64_t found = nodes_get(nodes, 0, "behind");
    const uint64_t missed = nodes_get(nodes, 0, "ahead");
    nodes_run_ms(nodes, 10);
    expect(nodes, found, GKV_OK);
    expect(nodes, missed, GKV_ERROR_NOT_FOUND);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(gkv_version_compare(held_by(nodes, i, "behind"), record.version), 0);
        assert_int_equal(gkv_version_compare(held_by(nodes, i, "ahead"), record.version), 0);
    }
    nodes_stop(nodes);
}

/* Goal: read repair keeps to its rate, one second's worth may be saved up; 0 is none.
 * Method: many gets of keys that one owner holds, at one instant and a second later. */
static void test_read_repair_rate(void **state)
{
    (void)state;
    for (uint32_t rate = 0; rate <= 4; rate += 4) {
        struct gkv_options options = quiet_options();
        options.read_repair_per_second_max = rate;
        options.read_quorum = 3;
        struct nodes *nodes = nodes_start(3, &options);
        for (int i = 0; i < 20; i++) {
            char key[16];
            (void)snprintf(key, sizeof(key), "k%d", i);
            const struct gkv_record record = record_at(nodes, 0, 9, "x");
            nodes_plant(nodes, 0, key, &record);
            (void)nodes_get(nodes, 0, key);
        }
        nodes_run_ms(nodes, 5);
        assert_int_equal(stats_of(nodes, 0).read_repair_count, rate);
        assert_int_equal(stats_of(nodes, 0).read_repair_limited_count, 40 - rate);
        nodes_run_ms(nodes, 10000);
        for (int i = 0; i < 20; i++) {
            char key[16];
            (void)snprintf(key, sizeof(key), "k%d", i);
            (void)nodes_get(nodes, 0, key);
        }
        nodes_run_ms(nodes, 5);
        assert_int_equal(stats_of(nodes, 0).read_repair_count, 2 * rate);
        nodes_stop(nodes);
    }
}

/* Goal: of two equal versions the one that expired, or was deleted, is believed.
 * Method: R = 3; a value at one owner, the tombstone of its version at another. */
static void test_tombstone_wins(void **state)
{
    (void)state;
    struct gkv_options options = quiet_options();
    options.read_quorum = 3;
    for (uint32_t holder = 1; holder < 3; holder++) {
        struct nodes *nodes = nodes_start(3, &options);
        const struct gkv_record value = record_at(nodes, 0, 9, "x");
        struct gkv_record tombstone = record_at(nodes, 0, 9, "");
        tombstone.is_tombstone = true;
        nodes_plant(nodes, holder, "key", &value);
        nodes_plant(nodes, 3 - holder, "key", &tombstone);
        const uint64_t get = nodes_get(nodes, 0, "key");
        nodes_run_ms(nodes, 5);
        expect(nodes, get, GKV_ERROR_NOT_FOUND);
        assert_int_equal(gkv_version_compare(nodes_result(nodes, get)->version, value.version), 0);
        nodes_stop(nodes);
    }
}

/* Goal: a value lives for its time and is then not found, with the version it had.
 * Method: a set with a TTL of 50 ms, gets before and after. */
static void test_ttl(void **state)
{
    (void)state;
    const struct gkv_options options = quiet_options();
    struct nodes *nodes = nodes_start(3, &options);
    const uint64_t set = nodes_submit(nodes, 0,
                                      &(struct gkv_operation){.kind = GKV_OPERATION_SET,
                                                              .key = nodes_text("key"),
                                                              .value = nodes_text("x"),
                                                              .ttl_ms = 50});
    nodes_run_ms(nodes, 20);
    const uint64_t before = nodes_get(nodes, 1, "key");
    nodes_run_ms(nodes, 40);
    const uint64_t after = nodes_get(nodes, 2, "key");
    nodes_run_ms(nodes, 5);
    expect(nodes, before, GKV_OK);
    assert_in_range(nodes_result(nodes, before)->expire_ms, nodes_now(nodes, 0).wall_ms - 20,
                    nodes_now(nodes, 0).wall_ms);
    expect(nodes, after, GKV_ERROR_NOT_FOUND);
    assert_int_equal(
        gkv_version_compare(nodes_result(nodes, after)->version, nodes_result(nodes, set)->version),
        0);
    nodes_stop(nodes);
}

/* Goal: what is out of range is refused at once, each with its own error.
 * Method: one operation per rule; and the largest that is allowed. */
static void test_out_of_range(void **state)
{
    (void)state;
    const struct gkv_options options = quiet_options();
    struct nodes *nodes = nodes_start(1, &options);
    static uint8_t bytes[64 * 1024 + 1];
    struct gkv_operation operation = {.kind = GKV_OPERATION_SET};
    expect(nodes, nodes_submit(nodes, 0, &operation), GKV_ERROR_KEY_EMPTY);
    operation.key = (struct gkv_bytes){.data = bytes, .count = GKV_KEY_BYTES_MAX + 1};
    expect(nodes, nodes_submit(nodes, 0, &operation), GKV_ERROR_KEY_TOO_LONG);
    operation.key.count = GKV_KEY_BYTES_MAX;
    operation.value = (struct gkv_bytes){.data = bytes, .count = sizeof(bytes)};
    expect(nodes, nodes_submit(nodes, 0, &operation), GKV_ERROR_VALUE_TOO_LONG);
    operation.value.count--;
    operation.ttl_ms = GKV_TTL_MS_MAX;
    operation.ttl_ms++;
    expect(nodes, nodes_submit(nodes, 0, &operation), GKV_ERROR_TTL);
    operation.ttl_ms--;
    expect(nodes, nodes_submit(nodes, 0, &operation), GKV_ERROR_NO_QUORUM); /* alone */
    nodes_stop(nodes);
}

/* Goal: N = 1 is a plain store: decided at once, and its errors are definite.
 * Method: fill it to MEMORY, and get what is in it. */
static void test_alone(void **state)
{
    (void)state;
    struct gkv_options options = quiet_options();
    options.replica_count = options.write_quorum = options.read_quorum = 1;
    options.memory_limit_bytes = GKV_STORE_BYTES_MIN;
    struct nodes *nodes = nodes_start(1, &options);
    static uint8_t bytes[64 * 1024];
    uint64_t set = 0;
    char key[16];
    int i = 0;
    do {
        (void)snprintf(key, sizeof(key), "k%d", i++);
        set =
            nodes_submit(nodes, 0,
                         &(struct gkv_operation){.kind = GKV_OPERATION_SET,
                                                 .key = nodes_text(key),
                                                 .value = {.data = bytes, .count = sizeof(bytes)}});
    } while (nodes_result(nodes, set)->error == GKV_OK && i < 100);
    expect(nodes, set, GKV_ERROR_MEMORY);
    expect(nodes, nodes_get(nodes, 0, key), GKV_ERROR_NOT_FOUND);
    const uint64_t get = nodes_get(nodes, 0, "k0");
    assert_int_equal(nodes_result(nodes, get)->value.count, sizeof(bytes));
    nodes_stop(nodes);
}

/* Goal: EVENTUAL acknowledges at W and reads here; the others get the write all the same.
 * Method: W = 1: both complete in the step that began them, and ask for no answer. */
static void test_eventual(void **state)
{
    (void)state;
    struct gkv_options options = quiet_options();
    options.level = GKV_LEVEL_EVENTUAL;
    options.write_quorum = options.read_quorum = 1;
    struct nodes *nodes = nodes_start(3, &options);
    const uint64_t set = nodes_set(nodes, 0, "key", "x");
    expect(nodes, set, GKV_OK);
    expect(nodes, nodes_get(nodes, 0, "key"), GKV_OK);
    expect(nodes, nodes_get(nodes, 1, "key"), GKV_ERROR_NOT_FOUND);
    nodes_run_ms(nodes, 5);
    expect(nodes, nodes_get(nodes, 1, "key"), GKV_OK);
    assert_int_equal(nodes->sent_count[GKV_MESSAGE_WRITE_REPLY], 0);
    assert_int_equal(nodes->sent_count[GKV_MESSAGE_READ], 0);
    nodes_stop(nodes);
}

/* A key that a node does not own. */
static void find_foreign(const struct nodes *nodes, uint32_t index, char key[16])
{
    bool owns = true;
    for (int i = 0; i < 100 && owns; i++) {
        uint16_t owners[GKV_REPLICA_COUNT_MAX];
        (void)snprintf(key, 16, "k%d", i);
        assert_int_equal(gkv_node_owners(nodes->node[index], nodes_text(key), owners), 3);
        owns = owners[0] == GKV_MEMBER_SELF || owners[1] == GKV_MEMBER_SELF ||
               owners[2] == GKV_MEMBER_SELF;
    }
    assert_false(owns);
}

/* Goal: in a cache, a read repairs who holds an older version, and leaves alone who holds none.
 * Method: four nodes; of a key's three owners one is behind and one has nothing; the fourth node
 * asks all. */
static void test_cache(void **state)
{
    (void)state;
    struct gkv_options options = quiet_options();
    options.level = GKV_LEVEL_EVENTUAL;
    options.memory_policy = GKV_MEMORY_EVICT;
    options.read_quorum = 3;
    struct nodes *nodes = nodes_start(4, &options);
    char key[16];
    find_foreign(nodes, 0, key);
    const struct gkv_record newer = record_at(nodes, -1, 9, "newer");
    const struct gkv_record older = record_at(nodes, -2, 9, "older");
    nodes_plant(nodes, 1, key, &newer);
    nodes_plant(nodes, 2, key, &older);
    const uint64_t get = nodes_get(nodes, 0, key);
    nodes_run_ms(nodes, 5);
    expect(nodes, get, GKV_OK);
    assert_int_equal(stats_of(nodes, 0).read_repair_count, 1);
    assert_int_equal(gkv_version_compare(held_by(nodes, 2, key), newer.version), 0);
    assert_true(gkv_version_is_none(held_by(nodes, 3, key)));
    nodes_stop(nodes);
}

/* Goal: a coordinator that owns nothing of the key, and whose clock is wrong, fails definitely.
 * Method: five nodes, N = 3; a key that node a does not own; its wall clock 10 s ahead, then
 * right. */
static void test_clock_drift(void **state)
{
    (void)state;
    const struct gkv_options options = quiet_options();
    struct nodes *nodes = nodes_start(5, &options);
    char key[16];
    find_foreign(nodes, 0, key);
    const uint64_t right = nodes_set(nodes, 0, key, "right");
    nodes_run_ms(nodes, 5);
    expect(nodes, right, GKV_OK);
    nodes->wall_offset_ms[0] = 10000;
    const uint64_t wrong = nodes_set(nodes, 0, key, "wrong");
    nodes_run_ms(nodes, 5);
    expect(nodes, wrong, GKV_ERROR_CLOCK_DRIFT);
    const uint64_t get = nodes_get(nodes, 1, key);
    nodes_run_ms(nodes, 5);
    assert_true(gkv_bytes_equal(nodes_result(nodes, get)->value, nodes_text("right")));
    nodes_stop(nodes);
}

/* Goal: an acknowledged set is not undone by a deletion that was acknowledged before it began, even
 * when an owner has forgotten that deletion, another has not, and the writer's clock is behind it.
 * Method: deletions are kept for 1 s. Node c is 20 s late all along and refuses the deletion; b is
 * set back by as much once it holds it; then c sets the key, when a has forgotten. */
static void test_forgotten_deletion(void **state)
{
    (void)state;
    struct gkv_options options = nodes_options();
    options.tombstone_keep_ms = 1000;
    struct nodes *nodes = nodes_start(3, &options);
    nodes->wall_offset_ms[2] = -20000;
    nodes_run_ms(nodes, 1000); /* c's hybrid clock has been where its wall clock was */
    const uint64_t gone = nodes_delete(nodes, 0, "key");
    nodes_run_ms(nodes, 50);
    expect(nodes, gone, GKV_OK);
    nodes->wall_offset_ms[1] = -20000;
    nodes_run_ms(nodes, 10000);
    assert_true(gkv_version_is_none(held_by(nodes, 0, "key")));
    assert_false(gkv_version_is_none(held_by(nodes, 1, "key")));
    assert_true(gkv_version_is_none(held_by(nodes, 2, "key")));

    const uint64_t set = nodes_set(nodes, 2, "key", "mine");
    nodes_run_ms(nodes, 5);
    expect(nodes, set, GKV_OK);
    nodes_run_ms(nodes, 3000);
    for (uint32_t i = 0; i < 3; i++) {
        const uint64_t get = nodes_get(nodes, i, "key");
        nodes_run_ms(nodes, 5);
        assert_true(gkv_bytes_equal(nodes_result(nodes, get)->value, nodes_text("mine")));
    }
    assert_true(gkv_version_compare(nodes_result(nodes, set)->version,
                                    nodes_result(nodes, gone)->version) > 0);
    nodes_stop(nodes);
}

/* Goal: versions name the life of a node that wrote them, not the boot it goes by: that one may be
 * raised over another's, and somebody else may come to the same.
 * Method: tell a node that a greater boot of it was heard of, between two sets. */
static void test_writer_is_of_this_life(void **state)
{
    (void)state;
    const struct gkv_options options = quiet_options();
    struct nodes *nodes = nodes_start(3, &options);
    const struct gkv_members *members = gkv_node_members(nodes->node[0]);
    struct gkv_update other = gkv_member_at(members, GKV_MEMBER_SELF)->said;
    const uint64_t before = nodes_set(nodes, 0, "key", "before");
    nodes_run_ms(nodes, 5);
    other.who.boot_id += 5;
    struct gkv_message message = {.kind = GKV_MESSAGE_GOSSIP};
    message.as.gossip.updates = &other;
    message.as.gossip.update_count = 1;
    nodes_deliver(nodes, 1, 0, &message);
    assert_int_equal(gkv_member_at(members, GKV_MEMBER_SELF)->said.who.boot_id,
                     other.who.boot_id + 1);
    const uint64_t after = nodes_set(nodes, 0, "key", "after");
    nodes_run_ms(nodes, 5);
    assert_int_equal(nodes_result(nodes, before)->version.writer,
                     nodes_result(nodes, after)->version.writer);
    nodes_stop(nodes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stale_is_retried),
        cmocka_unit_test(test_future_is_overwritten),
        cmocka_unit_test(test_no_quorum),
        cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_answers_count_once),
        cmocka_unit_test(test_late_answer),
        cmocka_unit_test(test_repairing_gives_way),
        cmocka_unit_test(test_operation_memory),
        cmocka_unit_test(test_read_repair),
        cmocka_unit_test(test_late_read_repair),
        cmocka_unit_test(test_read_repair_rate),
        cmocka_unit_test(test_tombstone_wins),
        cmocka_unit_test(test_ttl),
        cmocka_unit_test(test_out_of_range),
        cmocka_unit_test(test_alone),
        cmocka_unit_test(test_eventual),
        cmocka_unit_test(test_cache),
        cmocka_unit_test(test_clock_drift),
        cmocka_unit_test(test_forgotten_deletion),
        cmocka_unit_test(test_writer_is_of_this_life),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
