#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/prng.h"
#include "proto/bounds.h"
#include "proto/codec.h"
#include "proto/frame.h"

#define VALUE_BYTES_MAX 1000
#define STAMP UINT64_C(0x018c0ffee0000007)
#define CLUSTER UINT64_C(0x1122334455667788)

/* ---- A codec in memory of its own ---- */

struct world {
    void *memory;
    struct gkv_codec *codec;
    uint8_t *out;
    size_t capacity;
};

static struct world world_make(void)
{
    struct gkv_arena counting = gkv_arena_counting();
    struct gkv_codec counted;
    (void)gkv_arena_carve(&counting, 1, sizeof(counted));
    gkv_codec_init(&counted, &counting, VALUE_BYTES_MAX);

    struct world world = {.capacity = gkv_codec_payload_bytes_max(VALUE_BYTES_MAX)};
    world.memory = aligned_alloc(GKV_ARENA_ALIGN, counting.used);
    world.out = malloc(world.capacity);
    assert_non_null(world.memory);
    assert_non_null(world.out);
    struct gkv_arena arena = gkv_arena_over(world.memory, counting.used);
    world.codec = gkv_arena_carve(&arena, 1, sizeof(*world.codec));
    gkv_codec_init(world.codec, &arena, VALUE_BYTES_MAX);
    assert_int_equal(arena.used, counting.used);
    return world;
}

static void world_free(struct world *world)
{
    free(world->memory);
    free(world->out);
}

static struct gkv_bytes text(const char *string)
{
    return (struct gkv_bytes){.data = (const uint8_t *)string, .count = strlen(string)};
}

/* ---- One message of each kind ---- */

static const struct gkv_update updates[2] = {
    {.who = {.id = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}}, .boot_id = 7},
     .incarnation = 300,
     .state = GKV_MEMBER_SUSPECT,
     .address = {.bytes = {4, 127, 0, 0, 1, 0x1b, 0xbd}, .count = 7},
     .name = {.bytes = "alpha", .count = 5},
     .accuser = {{0xff, 1}}},
    {.who = {.id = {{2}}, .boot_id = 8},
     .state = GKV_MEMBER_ALIVE,
     .address = {.bytes = {6}, .count = 1},
     .name = {.bytes = "b", .count = 1}},
};
static struct gkv_digest digests[128];
static const struct gkv_key_version keys[2] = {
    {.key_hash = 1, .version = {.hlc = {STAMP}, .writer = 2}},
    {.key_hash = UINT64_MAX, .version = {.hlc = {STAMP + 1}, .writer = 3}},
};
static const uint64_t key_hashes[2] = {0x0102030405060708, 9};
static struct gkv_keyed_record records[2];

static struct gkv_record record_make(const char *value)
{
    return (struct gkv_record){.version = {.hlc = {STAMP}, .writer = 0xabcd},
                               .expire_ms = 1700000000000,
                               .value = text(value)};
}

static void gossip_fill(struct gkv_message *message)
{
    message->from = (struct gkv_identity){.id = {{9, 9}}, .boot_id = 77};
    message->as.gossip.sequence = 200;
    message->as.gossip.about = updates[0].who;
    message->as.gossip.updates = updates;
    message->as.gossip.update_count = 2;
}

/* Anti-entropy. */
static void sync_fill(struct gkv_message *message)
{
    if (message->kind == GKV_MESSAGE_SYNC_GROUPS) {
        message->as.sync_groups.digests = digests;
        message->as.sync_groups.digest_count = 128;
    } else if (message->kind == GKV_MESSAGE_SYNC_SLOTS) {
        message->as.sync_slots.group = 127;
        message->as.sync_slots.digests = digests;
        message->as.sync_slots.digest_count = 128;
    } else if (message->kind == GKV_MESSAGE_SYNC_KEYS) {
        message->as.sync_keys.group = 5;
        message->as.sync_keys.slots[0] = 3;
        message->as.sync_keys.slots[1] = UINT64_C(1) << 63;
        message->as.sync_keys.part = 1;
        message->as.sync_keys.part_count = 2;
        message->as.sync_keys.keys = keys;
        message->as.sync_keys.key_count = 2;
        message->as.sync_keys.is_full = true;
    } else if (message->kind == GKV_MESSAGE_SYNC_PULL) {
        message->as.sync_pull.key_hashes = key_hashes;
        message->as.sync_pull.key_count = 2;
    } else if (message->kind == GKV_MESSAGE_SYNC_RECORDS) {
        message->as.sync_records.records = records;
        message->as.sync_records.record_count = 2;
    }
}

static struct gkv_message message_make(enum gkv_message_kind kind)
{
    struct gkv_message message;
    memset(&message, 0, sizeof(message));
    message.kind = kind;
    message.hlc.packed = STAMP;
    for (unsigned i = 0; i < 128; i++) {
        digests[i] = (struct gkv_digest){.low = i, .high = ~(uint64_t)i};
    }
    records[0] = (struct gkv_keyed_record){.key = text("k1"), .record = record_make("v1")};
    records[1] = (struct gkv_keyed_record){.key = text("k2"), .record = record_make("")};
    records[1].record.is_tombstone = true;
    switch (kind) {
    case GKV_MESSAGE_PING:
    case GKV_MESSAGE_ACK:
    case GKV_MESSAGE_PING_REQ:
    case GKV_MESSAGE_GOSSIP:
    case GKV_MESSAGE_NACK:
        gossip_fill(&message);
        break;
    case GKV_MESSAGE_PUSH_PULL:
        message.as.push_pull.is_request = true;
        message.as.push_pull.updates = updates;
        message.as.push_pull.update_count = 2;
        break;
    case GKV_MESSAGE_WRITE:
        message.as.write.operation = UINT64_C(0x100000002);
        message.as.write.key = text("key");
        message.as.write.record = record_make("value");
        break;
    case GKV_MESSAGE_WRITE_REPLY:
        message.as.write_reply.operation = UINT64_C(0x100000002);
        message.as.write_reply.status = GKV_REPLY_STALE;
        message.as.write_reply.version = keys[1].version;
        break;
    case GKV_MESSAGE_READ:
        message.as.read.operation = 3;
        message.as.read.key = text("key");
        break;
    case GKV_MESSAGE_READ_REPLY:
        message.as.read_reply.operation = 3;
        message.as.read_reply.status = GKV_REPLY_OK;
        message.as.read_reply.record = record_make("value");
        break;
    case GKV_MESSAGE_SYNC_GROUPS:
    case GKV_MESSAGE_SYNC_SLOTS:
    case GKV_MESSAGE_SYNC_KEYS:
    case GKV_MESSAGE_SYNC_PULL:
    case GKV_MESSAGE_SYNC_RECORDS:
        sync_fill(&message);
        break;
    case GKV_MESSAGE_NONE:
        break;
    }
    return message;
}

static uint64_t cluster_of(enum gkv_message_kind kind)
{
    return kind <= GKV_MESSAGE_GOSSIP || kind == GKV_MESSAGE_NACK ? CLUSTER : 0;
}

/* The wire form of each; digests, being long, by their first bytes and their length. */
static const struct golden {
    enum gkv_message_kind kind;
    size_t count; /* 0: the length of hex */
    const char *hex;
} goldens[] = {
    {GKV_MESSAGE_PING, 0,
     "09070000e0fe0f8c011188776655443322111a1009090000000000000000000000000000214d"
     "000000000000002a870108c80112100102030405060708090a0b0c0d0e0f1019070000000000"
     "000022420a100102030405060708090a0b0c0d0e0f1011070000000000000018ac0220022a07"
     "047f0000011bbd3205616c7068613a10ff01000000000000000000000000000022230a100200"
     "000000000000000000000000000011080000000000000020012a0106320162"},
    {GKV_MESSAGE_ACK, 0,
     "09070000e0fe0f8c011188776655443322111a1009090000000000000000000000000000214d"
     "0000000000000032870108c80112100102030405060708090a0b0c0d0e0f1019070000000000"
     "000022420a100102030405060708090a0b0c0d0e0f1011070000000000000018ac0220022a07"
     "047f0000011bbd3205616c7068613a10ff01000000000000000000000000000022230a100200"
     "000000000000000000000000000011080000000000000020012a0106320162"},
    {GKV_MESSAGE_PING_REQ, 0,
     "09070000e0fe0f8c011188776655443322111a1009090000000000000000000000000000214d"
     "000000000000003a870108c80112100102030405060708090a0b0c0d0e0f1019070000000000"
     "000022420a100102030405060708090a0b0c0d0e0f1011070000000000000018ac0220022a07"
     "047f0000011bbd3205616c7068613a10ff01000000000000000000000000000022230a100200"
     "000000000000000000000000000011080000000000000020012a0106320162"},
    {GKV_MESSAGE_GOSSIP, 0,
     "09070000e0fe0f8c011188776655443322111a1009090000000000000000000000000000214d"
     "0000000000000042870108c80112100102030405060708090a0b0c0d0e0f1019070000000000"
     "000022420a100102030405060708090a0b0c0d0e0f1011070000000000000018ac0220022a07"
     "047f0000011bbd3205616c7068613a10ff01000000000000000000000000000022230a100200"
     "000000000000000000000000000011080000000000000020012a0106320162"},
    {GKV_MESSAGE_PUSH_PULL, 0,
     "09070000e0fe0f8c016a6b080112420a100102030405060708090a0b0c0d0e0f101107000000"
     "0000000018ac0220022a07047f0000011bbd3205616c7068613a10ff01000000000000000000"
     "000000000012230a100200000000000000000000000000000011080000000000000020012a01"
     "06320162"},
    {GKV_MESSAGE_WRITE, 0,
     "09070000e0fe0f8c014a3009020000000100000012036b657919070000e0fe0f8c0121cdab00"
     "0000000000290068e5cf8b0100003a0576616c7565"},
    {GKV_MESSAGE_WRITE_REPLY, 0,
     "09070000e0fe0f8c01521d090200000001000000100219080000e0fe0f8c0121030000000000"
     "0000"},
    {GKV_MESSAGE_READ, 0, "09070000e0fe0f8c015a0e09030000000000000012036b6579"},
    {GKV_MESSAGE_READ_REPLY, 0,
     "09070000e0fe0f8c01622d090300000000000000100119070000e0fe0f8c0121cdab00000000"
     "0000290068e5cf8b0100003a0576616c7565"},
    {GKV_MESSAGE_SYNC_GROUPS, 2064,
     "09070000e0fe0f8c01820183100a80100000000000000000ffffffffffffffff010000000000"
     "0000feffffffffffffff0200000000000000fdffffff"},
    {GKV_MESSAGE_SYNC_SLOTS, 2066,
     "09070000e0fe0f8c018a018510087f1280100000000000000000ffffffffffffffff01000000"
     "00000000feffffffffffffff0200000000000000fdff"},
    {GKV_MESSAGE_SYNC_KEYS, 0,
     "09070000e0fe0f8c0192014c0805110300000000000000190000000000000080200128023230"
     "0100000000000000070000e0fe0f8c010200000000000000ffffffffffffffff080000e0fe0f"
     "8c0103000000000000003801"},
    {GKV_MESSAGE_SYNC_PULL, 0, "09070000e0fe0f8c019a01120a1008070605040302010900000000000000"},
    {GKV_MESSAGE_SYNC_RECORDS, 0,
     "09070000e0fe0f8c01a201480a230a026b3111070000e0fe0f8c0119cdab0000000000002100"
     "68e5cf8b010000320276310a210a026b3211070000e0fe0f8c0119cdab000000000000210068"
     "e5cf8b0100002801"},
    {GKV_MESSAGE_NACK, 0,
     "09070000e0fe0f8c011188776655443322111a1009090000000000000000000000000000214d"
     "00000000000000aa01870108c80112100102030405060708090a0b0c0d0e0f10190700000000"
     "00000022420a100102030405060708090a0b0c0d0e0f1011070000000000000018ac0220022a"
     "07047f0000011bbd3205616c7068613a10ff01000000000000000000000000000022230a1002"
     "00000000000000000000000000000011080000000000000020012a0106320162"},
};
#define GOLDEN_COUNT (sizeof(goldens) / sizeof(goldens[0]))
_Static_assert(GOLDEN_COUNT == GKV_MESSAGE_KIND_COUNT - 1, "one of each kind");

static void assert_hex(const uint8_t *bytes, const char *hex)
{
    char actual[1200];
    const size_t count = strlen(hex) / 2;
    assert_true(count * 2 < sizeof(actual));
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(actual + 2 * i, 3, "%02x", bytes[i]);
    }
    assert_string_equal(actual, hex);
}

/* Goal: the wire never changes by accident, and what is encoded is decoded to the same message.
 * Method: one message of each kind against bytes written down here (checked once with protoc,
 * another implementation); decode, encode again, compare the bytes. */
static void test_golden(void **state)
{
    (void)state;
    struct world world = world_make();
    for (size_t i = 0; i < GOLDEN_COUNT; i++) {
        const struct golden *golden = &goldens[i];
        const struct gkv_message message = message_make(golden->kind);
        const uint64_t cluster_hash = cluster_of(golden->kind);
        const size_t count =
            gkv_codec_encode(world.codec, &message, cluster_hash, world.out, world.capacity);
        assert_hex(world.out, golden->hex);
        assert_int_equal(count, golden->count == 0 ? strlen(golden->hex) / 2 : golden->count);

        uint8_t again[4096];
        struct gkv_message decoded;
        uint64_t decoded_cluster = 1;
        assert_int_equal(gkv_codec_decode(world.codec,
                                          (struct gkv_bytes){.data = world.out, .count = count},
                                          &decoded, &decoded_cluster),
                         GKV_OK);
        assert_int_equal(decoded.kind, golden->kind);
        assert_int_equal(decoded.hlc.packed, STAMP);
        assert_int_equal(decoded_cluster, cluster_hash);
        assert_memory_equal(&decoded.from, &message.from, sizeof(decoded.from));

        /* The views point into the codec, so a second one encodes. */
        struct world second = world_make();
        assert_int_equal(
            gkv_codec_encode(second.codec, &decoded, cluster_hash, again, sizeof(again)), count);
        assert_memory_equal(again, world.out, count);
        assert_int_equal(gkv_codec_encode(second.codec, &decoded, cluster_hash, again, count - 1),
                         0);
        world_free(&second);
    }
    world_free(&world);
}

static const char hello_hex[] =
    "08011188776655443322111a100102030405060708090a0b0c0d0e0f10210700000000000000"
    "2a07047f0000011bbd";

/* Goal and method: the same for HELLO. */
static void test_hello(void **state)
{
    (void)state;
    struct world world = world_make();
    const struct gkv_hello hello = {.wire_version = 1,
                                    .cluster_hash = CLUSTER,
                                    .from = updates[0].who,
                                    .address = updates[0].address};
    const size_t count = gkv_codec_encode_hello(world.codec, &hello, world.out, world.capacity);
    assert_int_equal(count, strlen(hello_hex) / 2);
    assert_hex(world.out, hello_hex);
    assert_int_equal(gkv_codec_encode_hello(world.codec, &hello, world.out, count - 1), 0);
    assert_int_equal(gkv_codec_encode_hello(world.codec, &hello, world.out, count), count);

    struct gkv_hello decoded;
    for (size_t i = 0; i <= count; i++) {
        /* Every field is there, or it is malformed. */
        const enum gkv_error error = gkv_codec_decode_hello(
            world.codec, (struct gkv_bytes){.data = world.out, .count = i}, &decoded);
        assert_int_equal(error, i == count ? GKV_OK : GKV_ERROR_MALFORMED);
    }
    assert_memory_equal(&decoded.from, &hello.from, sizeof(hello.from));
    assert_true(gkv_address_equal(&decoded.address, &hello.address));
    assert_int_equal(decoded.cluster_hash, CLUSTER);
    assert_int_equal(decoded.wire_version, 1);
    world_free(&world);
}

/* Goal: what was decoded has every field that was encoded.
 * Method: look at each of two rich messages (equal bytes in test_golden do not prove that a field
 * is on the wire at all). */
static void test_fields(void **state)
{
    (void)state;
    struct world world = world_make();
    struct gkv_message message = message_make(GKV_MESSAGE_PING);
    struct gkv_message decoded;
    uint64_t cluster_hash = 0;
    struct gkv_bytes payload = {.data = world.out};
    payload.count = gkv_codec_encode(world.codec, &message, CLUSTER, world.out, world.capacity);
    assert_int_equal(gkv_codec_decode(world.codec, payload, &decoded, &cluster_hash), GKV_OK);
    assert_int_equal(decoded.as.gossip.sequence, 200);
    assert_memory_equal(&decoded.as.gossip.about, &updates[0].who, sizeof(updates[0].who));
    assert_int_equal(decoded.as.gossip.update_count, 2);
    for (unsigned i = 0; i < 2; i++) {
        const struct gkv_update *update = &decoded.as.gossip.updates[i];
        assert_memory_equal(&update->who, &updates[i].who, sizeof(update->who));
        assert_int_equal(update->incarnation, updates[i].incarnation);
        assert_int_equal(update->state, updates[i].state);
        assert_true(gkv_address_equal(&update->address, &updates[i].address));
        assert_memory_equal(&update->name, &updates[i].name, sizeof(update->name));
        assert_true(gkv_node_id_equal(update->accuser, updates[i].accuser));
        assert_int_equal(update->confirmer_count, updates[i].confirmer_count);
        assert_memory_equal(update->confirmers, updates[i].confirmers, sizeof(update->confirmers));
    }
    message = message_make(GKV_MESSAGE_SYNC_RECORDS);
    payload.count = gkv_codec_encode(world.codec, &message, 0, world.out, world.capacity);
    assert_int_equal(gkv_codec_decode(world.codec, payload, &decoded, &cluster_hash), GKV_OK);
    assert_int_equal(decoded.as.sync_records.record_count, 2);
    for (unsigned i = 0; i < 2; i++) {
        const struct gkv_keyed_record *keyed = &decoded.as.sync_records.records[i];
        assert_true(gkv_bytes_equal(keyed->key, records[i].key));
        assert_true(gkv_bytes_equal(keyed->record.value, records[i].record.value));
        assert_int_equal(gkv_version_compare(keyed->record.version, records[i].record.version), 0);
        assert_int_equal(keyed->record.expire_ms, records[i].record.expire_ms);
        assert_int_equal(keyed->record.is_tombstone, records[i].record.is_tombstone);
    }
    world_free(&world);
}

/* ---- The largest ---- */

static struct gkv_update worst_update(void)
{
    struct gkv_update update = {.incarnation = UINT32_MAX, .state = GKV_MEMBER_LEFT};
    memset(&update.who.id, 0xff, sizeof(update.who.id));
    memset(&update.accuser, 0xff, sizeof(update.accuser));
    memset(update.confirmers, 0xff, sizeof(update.confirmers));
    update.confirmer_count = GKV_CONFIRMER_COUNT_MAX;
    update.who.boot_id = UINT64_MAX - 1;
    update.address.count = GKV_ADDRESS_BYTES_MAX;
    update.name.count = GKV_NAME_BYTES_MAX;
    return update;
}

static void assert_travels(struct world *world, const struct gkv_message *message,
                           uint64_t cluster_hash, size_t bytes_max)
{
    struct gkv_message decoded;
    uint64_t decoded_cluster = 0;
    const size_t count =
        gkv_codec_encode(world->codec, message, cluster_hash, world->out, bytes_max);
    assert_int_not_equal(count, 0);
    assert_int_equal(gkv_codec_decode(world->codec,
                                      (struct gkv_bytes){.data = world->out, .count = count},
                                      &decoded, &decoded_cluster),
                     GKV_OK);
    assert_int_equal(decoded.kind, message->kind);
}

/* Goal: the bounds of proto/bounds.h hold for the largest message of each sort.
 * Method: make it, and see it through a datagram or a frame. */
static void test_largest(void **state)
{
    (void)state;
    struct world world = world_make();
    static struct gkv_update many[GKV_MEMBER_COUNT_MAX];
    for (size_t i = 0; i < GKV_MEMBER_COUNT_MAX; i++) {
        many[i] = worst_update();
    }
    struct gkv_message message = message_make(GKV_MESSAGE_PING);
    message.from = many[0].who;
    message.as.gossip.sequence = UINT32_MAX;
    message.as.gossip.about = many[0].who;
    message.as.gossip.updates = many;
    message.as.gossip.update_count = 0;
    assert_true(gkv_codec_encode(world.codec, &message, CLUSTER, world.out, world.capacity) <=
                GKV_GOSSIP_OVERHEAD_BYTES_MAX - GKV_FRAME_HEADER_BYTES);
    message.as.gossip.update_count = GKV_UPDATE_COUNT_MAX;
    assert_travels(&world, &message, CLUSTER, GKV_DATAGRAM_BYTES_MAX - GKV_FRAME_HEADER_BYTES);

    for (size_t i = 0; i < GKV_MEMBER_COUNT_MAX; i++) {
        many[i].confirmer_count = 0;
    }
    message = message_make(GKV_MESSAGE_PUSH_PULL);
    message.as.push_pull.updates = many;
    message.as.push_pull.update_count = GKV_MEMBER_COUNT_MAX;
    assert_travels(&world, &message, 0, GKV_MEMBER_COUNT_MAX * GKV_TABLE_UPDATE_BYTES_MAX + 1024);

    static uint8_t bytes[GKV_SYNC_RECORD_BYTES_MAX];
    message = message_make(GKV_MESSAGE_WRITE);
    message.as.write.key = (struct gkv_bytes){.data = bytes, .count = GKV_KEY_BYTES_MAX};
    message.as.write.record.value = (struct gkv_bytes){.data = bytes, .count = VALUE_BYTES_MAX};
    assert_travels(&world, &message, 0, GKV_KEY_BYTES_MAX + VALUE_BYTES_MAX + 64);

    static struct gkv_keyed_record full[GKV_SYNC_RECORD_COUNT_MAX];
    for (size_t i = 0; i < GKV_SYNC_RECORD_COUNT_MAX; i++) {
        full[i].key = (struct gkv_bytes){.data = bytes, .count = 100};
        full[i].record = record_make("");
        full[i].record.version.writer = UINT64_MAX;
        full[i].record.value = (struct gkv_bytes){
            .data = bytes, .count = GKV_SYNC_RECORD_BYTES_MAX / GKV_SYNC_RECORD_COUNT_MAX - 100};
    }
    message = message_make(GKV_MESSAGE_SYNC_RECORDS);
    message.as.sync_records.records = full;
    message.as.sync_records.record_count = GKV_SYNC_RECORD_COUNT_MAX;
    assert_travels(&world, &message, 0,
                   GKV_SYNC_RECORD_BYTES_MAX + GKV_SYNC_RECORD_COUNT_MAX * 64 + 1024);

    static struct gkv_key_version all[GKV_SYNC_KEY_COUNT_MAX];
    message = message_make(GKV_MESSAGE_SYNC_KEYS);
    message.as.sync_keys.keys = all;
    message.as.sync_keys.key_count = GKV_SYNC_KEY_COUNT_MAX;
    assert_travels(&world, &message, 0, GKV_SYNC_KEY_COUNT_MAX * 24 + 1024);
    world_free(&world);
}

/* ---- What is refused ---- */

/* Writes protobuf by hand. */
struct writer {
    uint8_t bytes[32768];
    size_t count;
};

static void put_varint(struct writer *writer, uint64_t value)
{
    for (; value >= 128; value >>= 7) {
        writer->bytes[writer->count++] = (uint8_t)(value | 128);
    }
    writer->bytes[writer->count++] = (uint8_t)value;
}

static void put_number(struct writer *writer, unsigned field, uint64_t value)
{
    put_varint(writer, field << 3);
    put_varint(writer, value);
}

static void put_fixed(struct writer *writer, unsigned field, uint64_t value)
{
    put_varint(writer, field << 3 | 1);
    for (unsigned i = 0; i < 8; i++) {
        writer->bytes[writer->count++] = (uint8_t)(value >> (8 * i));
    }
}

static void put_bytes(struct writer *writer, unsigned field, const void *bytes, size_t count)
{
    put_varint(writer, field << 3 | 2);
    put_varint(writer, count);
    memcpy(writer->bytes + writer->count, bytes, count);
    writer->count += count;
}

static bool body_is_taken(unsigned field, const struct writer *body, uint64_t stamp)
{
    struct world world = world_make();
    static struct writer envelope;
    envelope.count = 0;
    put_fixed(&envelope, 1, stamp);
    put_bytes(&envelope, field, body->bytes, body->count);
    struct gkv_message message;
    memset(&message, 0x5a, sizeof(message));
    uint64_t cluster_hash = 0;
    const enum gkv_error error = gkv_codec_decode(
        world.codec, (struct gkv_bytes){.data = envelope.bytes, .count = envelope.count}, &message,
        &cluster_hash);
    if (error != GKV_OK) {
        assert_int_equal(error, GKV_ERROR_MALFORMED);
        assert_int_equal(message.hlc.packed, UINT64_C(0x5a5a5a5a5a5a5a5a)); /* untouched */
    }
    world_free(&world);
    return error == GKV_OK;
}

struct write_form {
    size_t key_bytes, value_bytes;
    uint64_t stamp, expire_ms;
    bool is_tombstone;
};

static bool write_is_taken(struct write_form form)
{
    static const uint8_t bytes[2048];
    static struct writer body;
    body.count = 0;
    put_bytes(&body, 2, bytes, form.key_bytes);
    put_fixed(&body, 3, form.stamp);
    put_fixed(&body, 5, form.expire_ms);
    put_number(&body, 6, form.is_tombstone);
    put_bytes(&body, 7, bytes, form.value_bytes);
    return body_is_taken(9, &body, STAMP);
}

/* Goal: a key, value, stamp or expiry out of range is malformed, and the last one in range is not.
 * Method: writes made by hand on both sides of every bound. */
static void test_refused_write(void **state)
{
    (void)state;
    const uint64_t stamp_max = GKV_HLC_WALL_MS_MAX << GKV_HLC_COUNTER_BITS | 0xffff;
    const struct write_form good = {.key_bytes = 1, .value_bytes = 1, .stamp = STAMP};
    assert_true(write_is_taken(good));
    struct write_form form = good;
    form.key_bytes = 0;
    assert_false(write_is_taken(form));
    form.key_bytes = GKV_KEY_BYTES_MAX;
    assert_true(write_is_taken(form));
    form.key_bytes = GKV_KEY_BYTES_MAX + 1;
    assert_false(write_is_taken(form));
    form = good;
    form.value_bytes = VALUE_BYTES_MAX;
    assert_true(write_is_taken(form));
    form.value_bytes = VALUE_BYTES_MAX + 1;
    assert_false(write_is_taken(form));
    form = good;
    form.stamp = stamp_max;
    assert_true(write_is_taken(form));
    form.stamp = stamp_max + 1;
    assert_false(write_is_taken(form));
    form.stamp = 0;
    assert_false(write_is_taken(form));
    form = good;
    form.expire_ms = GKV_HLC_WALL_MS_MAX;
    assert_true(write_is_taken(form));
    form.expire_ms = GKV_HLC_WALL_MS_MAX + 1;
    assert_false(write_is_taken(form));
    form = good;
    form.is_tombstone = true;
    assert_false(write_is_taken(form));
    form.value_bytes = 0;
    assert_true(write_is_taken(form));

    static struct writer body;
    body.count = 0;
    put_bytes(&body, 2, "k", 1);
    assert_true(body_is_taken(11, &body, stamp_max));
    assert_false(body_is_taken(11, &body, stamp_max + 1));
    assert_false(body_is_taken(14, &body, STAMP)); /* a body that we do not know */
}

/* Goal and method: the same for replies. */
static void test_refused_reply(void **state)
{
    (void)state;
    for (uint64_t status = 0; status < 8; status++) {
        struct writer body = {.count = 0};
        put_number(&body, 2, status);
        assert_int_equal(body_is_taken(10, &body, STAMP), status >= 1 && status <= 4);
        assert_int_equal(body_is_taken(12, &body, STAMP), status == GKV_REPLY_ABSENT);
        put_fixed(&body, 3, STAMP);
        assert_int_equal(body_is_taken(12, &body, STAMP), status == GKV_REPLY_OK);
    }
}

/* One update, with one field as asked. */
static bool update_is_taken(unsigned field, uint64_t number, size_t count)
{
    static const uint8_t bytes[128] = {1};
    struct writer update = {.count = 0};
    put_bytes(&update, 1, bytes, field == 1 ? count : 16);
    put_fixed(&update, 2, field == 2 ? number : 1);
    put_number(&update, 4, field == 4 ? number : 1);
    put_bytes(&update, 5, bytes, field == 5 ? count : 1);
    put_bytes(&update, 6, bytes, field == 6 ? count : 1);
    put_bytes(&update, 8, bytes, field == 8 ? count : 0);
    put_bytes(&update, 7, bytes, field == 7 ? count : 0);
    static struct writer body;
    body.count = 0;
    put_bytes(&body, 2, update.bytes, update.count);
    return body_is_taken(13, &body, STAMP);
}

/* Goal and method: the same for updates, and for their number. */
static void test_refused_update(void **state)
{
    (void)state;
    for (size_t count = 0; count < 100; count++) {
        assert_int_equal(update_is_taken(1, 0, count), count == 16);
        assert_int_equal(update_is_taken(5, 0, count), count >= 1 && count <= 20);
        assert_int_equal(update_is_taken(6, 0, count), count >= 1 && count <= 63);
        assert_int_equal(update_is_taken(7, 0, count), count == 0 || count == 16);
        assert_int_equal(update_is_taken(4, count, 0), count >= 1 && count <= 6);
        assert_int_equal(update_is_taken(8, 0, count), count % 16 == 0 && count <= 48);
    }
    assert_false(update_is_taken(4, UINT32_MAX, 0));
    assert_false(update_is_taken(2, 0, 0));
    assert_false(update_is_taken(2, UINT64_MAX, 0));

    static const uint8_t bytes[20] = {1};
    struct writer update = {.count = 0};
    put_bytes(&update, 1, bytes, 16);
    put_fixed(&update, 2, 1);
    put_number(&update, 4, 1);
    put_bytes(&update, 5, bytes, 1);
    put_bytes(&update, 6, bytes, 1);
    static struct writer body;
    body.count = 0;
    for (size_t count = 1; count <= GKV_UPDATE_COUNT_MAX + 1; count++) {
        put_bytes(&body, 4, update.bytes, update.count);
        assert_int_equal(body_is_taken(5, &body, STAMP), count <= GKV_UPDATE_COUNT_MAX);
    }
}

/* Goal and method: the same for anti-entropy. */
static void test_refused_sync(void **state)
{
    (void)state;
    static const uint8_t bytes[GKV_SYNC_KEY_COUNT_MAX * 24 + 24];
    static struct writer body;
    for (size_t count = 2047; count <= 2049; count++) {
        body.count = 0;
        put_bytes(&body, 1, bytes, count);
        assert_int_equal(body_is_taken(16, &body, STAMP), count == 2048);
    }
    for (uint64_t group = 126; group <= 129; group++) {
        body.count = 0;
        put_number(&body, 1, group);
        put_bytes(&body, 2, bytes, 2048);
        assert_int_equal(body_is_taken(17, &body, STAMP), group < GKV_SLOT_GROUP_COUNT);
        body.count = 0;
        put_number(&body, 1, group);
        put_number(&body, 5, 1);
        assert_int_equal(body_is_taken(18, &body, STAMP), group < GKV_SLOT_GROUP_COUNT);
    }
    static const uint64_t parts[][3] = {{0, 0, 0}, {0, 1, 1},         {1, 1, 0},
                                        {1, 2, 1}, {65535, 65536, 1}, {0, 65537, 0}};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        body.count = 0;
        put_number(&body, 4, parts[i][0]);
        put_number(&body, 5, parts[i][1]);
        assert_int_equal(body_is_taken(18, &body, STAMP), parts[i][2]);
    }
    const size_t lengths[] = {0,
                              1,
                              8,
                              24,
                              25,
                              (size_t)GKV_SYNC_KEY_COUNT_MAX * 8,
                              (size_t)GKV_SYNC_KEY_COUNT_MAX * 24,
                              sizeof(bytes)};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        body.count = 0;
        put_number(&body, 5, 1);
        put_bytes(&body, 6, bytes, lengths[i]);
        assert_int_equal(body_is_taken(18, &body, STAMP),
                         lengths[i] % 24 == 0 && lengths[i] / 24 <= GKV_SYNC_KEY_COUNT_MAX);
        body.count = 0;
        put_bytes(&body, 1, bytes, lengths[i]);
        assert_int_equal(body_is_taken(19, &body, STAMP),
                         lengths[i] % 8 == 0 && lengths[i] / 8 <= GKV_SYNC_KEY_COUNT_MAX);
    }
    struct writer record = {.count = 0};
    put_bytes(&record, 1, "k", 1);
    put_fixed(&record, 2, STAMP);
    body.count = 0;
    for (size_t count = 1; count <= GKV_SYNC_RECORD_COUNT_MAX + 1; count++) {
        put_bytes(&body, 1, record.bytes, record.count);
        assert_int_equal(body_is_taken(20, &body, STAMP), count <= GKV_SYNC_RECORD_COUNT_MAX);
    }
}

/* Goal: a few bytes cannot become much memory, and an unknown field is let pass.
 * Method: 32 KiB of empty updates; then of unknown fields beside a body, few and many. */
static void test_amplification(void **state)
{
    (void)state;
    static struct writer body;
    body.count = 0;
    while (body.count < sizeof(body.bytes) - 64) {
        put_bytes(&body, 2, "", 0);
    }
    assert_false(body_is_taken(13, &body, STAMP));
    body.count = 0;
    put_bytes(&body, 2, "k", 1);
    put_number(&body, 99, 1);
    assert_true(body_is_taken(11, &body, STAMP));
    while (body.count < sizeof(body.bytes) - 64) {
        put_number(&body, 99, 1);
    }
    assert_true(body_is_taken(11, &body, STAMP)); /* they are skipped, and take no memory */
}

/* Goal: no bytes make the decoder fail an assertion or leave what it takes in unencodable.
 * Method: the golden messages with a few random bytes changed, cut or doubled. */
static void test_random_damage(void **state)
{
    (void)state;
    struct world world = world_make();
    struct world second = world_make();
    struct gkv_prng prng;
    gkv_prng_init(&prng, 1, 0);
    unsigned taken = 0;
    for (unsigned round = 0; round < 20000; round++) {
        const struct gkv_message message = message_make(goldens[round % GOLDEN_COUNT].kind);
        const uint64_t cluster_hash = cluster_of(message.kind);
        size_t count =
            gkv_codec_encode(world.codec, &message, cluster_hash, world.out, world.capacity);
        for (uint64_t i = gkv_prng_below(&prng, 3); i < 3; i++) {
            world.out[gkv_prng_below(&prng, count)] = (uint8_t)gkv_prng_next(&prng);
        }
        if (gkv_prng_below(&prng, 4) == 0) {
            count = (size_t)gkv_prng_below(&prng, count + 1);
        } else if (gkv_prng_below(&prng, 4) == 0) {
            memcpy(world.out + count, world.out, count);
            count *= 2;
        }
        struct gkv_message decoded;
        uint64_t decoded_cluster = 0;
        if (gkv_codec_decode(world.codec, (struct gkv_bytes){.data = world.out, .count = count},
                             &decoded, &decoded_cluster) == GKV_OK) {
            taken++;
            assert_int_not_equal(gkv_codec_encode(second.codec, &decoded, decoded_cluster,
                                                  second.out, second.capacity),
                                 0);
        }
    }
    assert_true(taken > 1000);
    world_free(&world);
    world_free(&second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),         cmocka_unit_test(test_hello),
        cmocka_unit_test(test_fields),         cmocka_unit_test(test_largest),
        cmocka_unit_test(test_refused_write),  cmocka_unit_test(test_refused_reply),
        cmocka_unit_test(test_refused_update), cmocka_unit_test(test_refused_sync),
        cmocka_unit_test(test_amplification),  cmocka_unit_test(test_random_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
