#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/replica.h"
#include "tests/nodes.h"

#define WALL_MS UINT64_C(1700000000000)

/* A replica with all that a step needs, and nobody else in the ring. */
struct world {
    struct gkv_options options;
    struct gkv_actions actions;
    struct gkv_scratch scratch;
    struct gkv_timers timers;
    struct gkv_hlc_clock clock;
    struct gkv_trace trace;
    struct gkv_members members;
    struct gkv_ring ring;
    struct gkv_store store;
    struct gkv_replica replica;
    struct gkv_step step;
    _Alignas(GKV_ARENA_ALIGN) uint8_t memory[4 * 1024 * 1024];
};

static struct world *world_start(void)
{
    struct world *world = aligned_alloc(GKV_ARENA_ALIGN, sizeof(*world));
    assert_non_null(world);
    memset(world, 0, sizeof(*world));
    struct gkv_arena arena = gkv_arena_over(world->memory, sizeof(world->memory));
    world->options = nodes_options();
    world->options.memory_limit_bytes = GKV_STORE_BYTES_MIN;
    gkv_actions_init(&world->actions, &arena, 8);
    gkv_scratch_init(&world->scratch, &arena, gkv_replica_scratch_bytes(&world->options));
    gkv_timers_init(&world->timers, &arena, 8);
    gkv_hlc_clock_init(&world->clock, world->options.drift_ms_max);
    gkv_members_init(&world->members, &arena, 4,
                     &(struct gkv_update){.who = {.id = {{1}}, .boot_id = 1},
                                          .state = GKV_MEMBER_ALIVE,
                                          .address = nodes_address(0)});
    gkv_ring_init(&world->ring, &arena, 4, 3, 0);
    const struct gkv_store_options store = {.limit_bytes = world->options.memory_limit_bytes,
                                            .hash_seed = world->options.hash_seed,
                                            .policy = GKV_STORE_REJECT};
    gkv_store_init(&world->store, &arena, &store);
    gkv_ring_refresh(&world->ring, &world->members);
    world->step = (struct gkv_step){.now = {.mono_ns = 1, .wall_ms = WALL_MS},
                                    .options = &world->options,
                                    .actions = &world->actions,
                                    .scratch = &world->scratch,
                                    .timers = &world->timers,
                                    .clock = &world->clock,
                                    .trace = &world->trace,
                                    .members = &world->members,
                                    .ring = &world->ring,
                                    .store = &world->store};
    return world;
}

static struct gkv_record record_of(uint64_t ms, uint64_t writer, const char *value)
{
    return (struct gkv_record){.version = {.hlc = {ms << GKV_HLC_COUNTER_BITS}, .writer = writer},
                               .value = nodes_text(value)};
}

/* Send a WRITE; the status of the reply, or 0 when there is none. */
static enum gkv_reply_status write_to(struct world *world, uint64_t operation, struct gkv_bytes key,
                                      const struct gkv_record *record)
{
    struct gkv_message message = {.kind = GKV_MESSAGE_WRITE};
    message.as.write.operation = operation;
    message.as.write.key = key;
    message.as.write.record = *record;
    const struct gkv_address source = nodes_address(2);
    gkv_scratch_clear(&world->scratch);
    gkv_replica_on_message(&world->replica, &world->step, &message, &source);

    struct gkv_action action;
    if (!gkv_actions_take(&world->actions, &action)) {
        return (enum gkv_reply_status)0;
    }
    assert_int_equal(action.as.send.message.kind, GKV_MESSAGE_WRITE_REPLY);
    assert_int_equal(action.as.send.message.as.write_reply.operation, operation);
    assert_true(gkv_address_equal(&action.as.send.address, &source));
    return action.as.send.message.as.write_reply.status;
}

static struct gkv_record read_from(struct world *world, const char *key,
                                   enum gkv_reply_status expected)
{
    struct gkv_message message = {.kind = GKV_MESSAGE_READ};
    message.as.read.operation = 9;
    message.as.read.key = nodes_text(key);
    const struct gkv_address source = nodes_address(2);
    gkv_scratch_clear(&world->scratch);
    gkv_replica_on_message(&world->replica, &world->step, &message, &source);
    struct gkv_action action;
    assert_true(gkv_actions_take(&world->actions, &action));
    assert_int_equal(action.as.send.message.kind, GKV_MESSAGE_READ_REPLY);
    assert_int_equal(action.as.send.message.as.read_reply.status, expected);
    return action.as.send.message.as.read_reply.record;
}

/* Goal: newer is stored, the same again is fine, older is answered STALE with what is held.
 * Method: three writes of one key, and reads between. */
static void test_newest_wins(void **state)
{
    (void)state;
    struct world *world = world_start();
    const struct gkv_bytes key = nodes_text("key");
    const struct gkv_record older = record_of(WALL_MS, 1, "older");
    const struct gkv_record newer = record_of(WALL_MS, 2, "newer");
    (void)read_from(world, "key", GKV_REPLY_ABSENT);
    assert_int_equal(write_to(world, 5, key, &newer), GKV_REPLY_OK);
    assert_int_equal(write_to(world, 6, key, &newer), GKV_REPLY_OK);
    assert_int_equal(write_to(world, 7, key, &older), GKV_REPLY_STALE);
    const struct gkv_record held = read_from(world, "key", GKV_REPLY_OK);
    assert_true(gkv_bytes_equal(held.value, nodes_text("newer")));
    assert_int_equal(held.version.writer, 2);
    assert_true(gkv_hlc_last(&world->clock).packed >= newer.version.hlc.packed);
    free(world);
}

/* Goal: a write that wants no answer gets none, and is stored.
 * Method: operation 0. */
static void test_silent_write(void **state)
{
    (void)state;
    struct world *world = world_start();
    const struct gkv_record record = record_of(WALL_MS, 1, "value");
    assert_int_equal(write_to(world, 0, nodes_text("key"), &record), 0);
    (void)read_from(world, "key", GKV_REPLY_OK);
    free(world);
}

/* Goal: the future is refused, unless the key holds it already: then what follows it is accepted,
 * and our clock stays where it is.
 * Method: stamps at the drift bound, beyond it, and beside a future version planted in the
 * store. */
static void test_clock(void **state)
{
    (void)state;
    struct world *world = world_start();
    const uint64_t drift_ms = world->options.drift_ms_max;
    const struct gkv_record at_bound = record_of(WALL_MS + drift_ms, 1, "x");
    const struct gkv_record beyond = record_of(WALL_MS + drift_ms + 1, 1, "x");
    assert_int_equal(write_to(world, 5, nodes_text("a"), &at_bound), GKV_REPLY_OK);
    assert_int_equal(write_to(world, 5, nodes_text("a"), &beyond), GKV_REPLY_CLOCK);
    assert_int_equal(world->replica.clock_rejected_count, 1);

    const struct gkv_bytes key = nodes_text("future");
    struct gkv_record future = record_of(WALL_MS + 3600000, 1, "x");
    future.version.hlc.packed |= 0xffff;
    assert_int_equal(gkv_store_put(&world->store,
                                   (struct gkv_key){key, gkv_ring_key_hash(&world->ring, key)},
                                   &future, NULL),
                     GKV_STORE_STORED);
    struct gkv_record next = future;
    next.version.hlc.packed += 2;
    assert_int_equal(write_to(world, 5, key, &next), GKV_REPLY_CLOCK);
    next.version.hlc.packed -= 1; /* the next stamp lies in the next millisecond */
    assert_int_equal(write_to(world, 5, key, &next), GKV_REPLY_OK);
    next.version.hlc.packed += 7; /* and these share it */
    assert_int_equal(write_to(world, 5, key, &next), GKV_REPLY_OK);
    assert_int_equal(write_to(world, 5, key, &future), GKV_REPLY_STALE);
    assert_true(gkv_hlc_ms(gkv_hlc_last(&world->clock)) <= WALL_MS + drift_ms);

    /* Where the hybrid clock has been, the wall clock may fall behind. */
    world->step.now.wall_ms = WALL_MS - 10000;
    assert_int_equal(write_to(world, 5, nodes_text("b"), &at_bound), GKV_REPLY_OK);
    free(world);
}

/* Goal: what the codec cannot judge is judged here: nothing malformed is stored or answered.
 * Method: one message per rule. */
static void test_malformed(void **state)
{
    (void)state;
    struct world *world = world_start();
    static uint8_t bytes[64 * 1024 + 1];
    const struct gkv_record good = record_of(WALL_MS, 1, "x");
    const struct gkv_bytes nothing = {.data = NULL, .count = 0};
    const struct gkv_bytes long_key = {.data = bytes, .count = GKV_KEY_BYTES_MAX + 1};
    assert_int_equal(write_to(world, 5, nothing, &good), 0);
    assert_int_equal(write_to(world, 5, long_key, &good), 0);
    struct gkv_record bad = good;
    bad.value = (struct gkv_bytes){.data = bytes, .count = sizeof(bytes)};
    assert_int_equal(write_to(world, 5, nodes_text("k"), &bad), 0);
    bad = good;
    bad.is_tombstone = true;
    assert_int_equal(write_to(world, 5, nodes_text("k"), &bad), 0);
    bad = good;
    bad.version = (struct gkv_version){.writer = 0};
    assert_int_equal(write_to(world, 5, nodes_text("k"), &bad), 0);
    struct gkv_message message = {.kind = GKV_MESSAGE_READ};
    const struct gkv_address source = nodes_address(2);
    message.as.read.key = nodes_text("k");
    gkv_replica_on_message(&world->replica, &world->step, &message, &source);
    message.as.read.operation = 1;
    message.as.read.key = nothing;
    gkv_replica_on_message(&world->replica, &world->step, &message, &source);
    assert_int_equal(world->actions.count, 0);
    assert_int_equal(world->replica.malformed_count, 7);
    assert_int_equal(gkv_store_stats(&world->store).record_count, 0);
    free(world);
}

/* Goal: a full store answers MEMORY, and a value past its time reads as the tombstone of its
 * version. Method: fill a small store; then let a value expire. */
static void test_full_and_expired(void **state)
{
    (void)state;
    struct world *world = world_start();
    struct gkv_record record = record_of(WALL_MS, 1, "short");
    record.expire_ms = WALL_MS + 10;
    assert_int_equal(write_to(world, 5, nodes_text("ttl"), &record), GKV_REPLY_OK);
    static uint8_t bytes[64 * 1024];
    struct gkv_record large = record_of(WALL_MS, 1, "");
    large.value = (struct gkv_bytes){.data = bytes, .count = sizeof(bytes)};
    enum gkv_reply_status status = GKV_REPLY_OK;
    for (uint8_t i = 0; i < 32 && status == GKV_REPLY_OK; i++) {
        const struct gkv_bytes key = {.data = &i, .count = 1};
        status = write_to(world, 5, key, &large);
    }
    assert_int_equal(status, GKV_REPLY_MEMORY);
    assert_int_equal(world->replica.full_rejected_count, 1);
    assert_false(read_from(world, "ttl", GKV_REPLY_OK).is_tombstone);
    world->step.now.wall_ms += 10;
    const struct gkv_record expired = read_from(world, "ttl", GKV_REPLY_OK);
    assert_true(expired.is_tombstone);
    assert_int_equal(expired.value.count, 0);
    assert_int_equal(gkv_version_compare(expired.version, record.version), 0);
    free(world);
}

/* Goal: a client's write of a key that is not held is not acknowledged below a deletion that was
 * forgotten; what others hold may still be copied here.
 * Method: delete, sweep, then writes with an older stamp, with and without a handle. */
static void test_forgotten(void **state)
{
    (void)state;
    struct world *world = world_start();
    struct gkv_record gone = record_of(WALL_MS, 5, "");
    gone.is_tombstone = true;
    assert_int_equal(write_to(world, 5, nodes_text("key"), &gone), GKV_REPLY_OK);
    gkv_store_sweep(&world->store, WALL_MS + 5000, 1000, GKV_SLOT_COUNT);
    (void)read_from(world, "key", GKV_REPLY_ABSENT);

    struct gkv_record older = record_of(WALL_MS - 1, 9, "older");
    const struct gkv_keyed_record written = {.key = nodes_text("key"), .record = older};
    const uint64_t key_hash = gkv_ring_key_hash(&world->ring, written.key);
    struct gkv_version held;
    assert_int_equal(gkv_replica_write(&world->replica, &world->step, &written, key_hash, &held),
                     GKV_REPLY_STALE);
    assert_int_equal(gkv_version_compare(held, gone.version), 0);
    assert_int_equal(write_to(world, 6, nodes_text("key"), &older), GKV_REPLY_STALE);
    (void)read_from(world, "key", GKV_REPLY_ABSENT);
    assert_int_equal(write_to(world, 0, nodes_text("key"), &older), (enum gkv_reply_status)0);
    assert_true(gkv_bytes_equal(read_from(world, "key", GKV_REPLY_OK).value, nodes_text("older")));

    older.version.writer = 10; /* newer than what is held now: that alone decides */
    assert_int_equal(write_to(world, 7, nodes_text("key"), &older), GKV_REPLY_OK);
    const struct gkv_record newer = record_of(WALL_MS, 6, "newer");
    assert_int_equal(write_to(world, 8, nodes_text("other"), &newer), GKV_REPLY_OK);
    free(world);
}

#define TURN_COUNT 200000

static void fill_value(uint8_t value[static 64], uint64_t turn)
{
    memset(value, (int)(turn % 251), 64);
}

/* Puts values of 0 .. 63 bytes under "key", one newer than the other; turn n has n % 64 of them. */
static void *keep_writing(void *argument)
{
    struct world *world = argument;
    const struct gkv_bytes key = nodes_text("key");
    const uint64_t key_hash = gkv_ring_key_hash(&world->ring, key);
    for (uint64_t turn = 1; turn <= TURN_COUNT; turn++) {
        uint8_t value[64];
        fill_value(value, turn);
        const struct gkv_record record = {.version = {.hlc = {turn}, .writer = 1},
                                          .value = {value, turn % 64}};
        (void)gkv_store_put(&world->store, (struct gkv_key){key, key_hash}, &record, NULL);
    }
    return NULL;
}

/* Goal: a read is of one version, whoever writes meanwhile.
 * Method: another thread writes values of other lengths; each one read is that of its version. */
static void test_read_beside_a_writer(void **state)
{
    (void)state;
    struct world *world = world_start();
    pthread_t writer;
    assert_int_equal(pthread_create(&writer, NULL, keep_writing, world), 0);
    uint64_t turn = 0;
    while (turn < TURN_COUNT) {
        struct gkv_record record;
        gkv_scratch_clear(&world->scratch);
        (void)gkv_replica_read(&world->replica, &world->step, nodes_text("key"),
                               gkv_ring_key_hash(&world->ring, nodes_text("key")), &record);
        uint8_t expected[64];
        assert_true(record.version.hlc.packed >= turn);
        turn = record.version.hlc.packed;
        fill_value(expected, turn);
        assert_true(gkv_bytes_equal(record.value, (struct gkv_bytes){expected, turn % 64}));
    }
    assert_int_equal(pthread_join(writer, NULL), 0);
    free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_newest_wins),
        cmocka_unit_test(test_silent_write),
        cmocka_unit_test(test_clock),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_full_and_expired),
        cmocka_unit_test(test_forgotten),
        cmocka_unit_test(test_read_beside_a_writer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
