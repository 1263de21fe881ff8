#include "proto/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <protobuf-c/protobuf-c.h>

#include "core/prng.h"
#include "gridkv.pb-c.h"

#define BYTES_MAX (64 * 1024)
#define PROGRAM_COUNT 30000

struct text {
    uint8_t bytes[BYTES_MAX];
    size_t count;
    bool is_odd; /* damaged, or has a field of the wrong type */
};

static _Alignas(GKV_WIRE_ALIGN) uint8_t memory[4 * 1024 * 1024];

static void put_varint(struct text *text, uint64_t number)
{
    do {
        text->bytes[text->count++] = (uint8_t)(number > 0x7F ? number | 0x80 : number);
        number >>= 7;
    } while (number > 0);
}

static void put_bytes(struct text *text, const uint8_t *bytes, size_t count)
{
    put_varint(text, count);
    memcpy(text->bytes + text->count, bytes, count);
    text->count += count;
}

/* A number of any size: small ones are as frequent as large ones. */
static uint64_t random_number(struct gkv_prng *prng)
{
    return gkv_prng_next(prng) >> gkv_prng_below(prng, 64) >> gkv_prng_below(prng, 2);
}

static void put_random_bytes(struct text *text, struct gkv_prng *prng)
{
    uint8_t bytes[300];
    const size_t bounds[] = {1, 17, 100, sizeof(bytes)};
    const size_t count = (size_t)gkv_prng_below(prng, bounds[gkv_prng_below(prng, 4)]);
    for (size_t i = 0; i < count; i++) {
        bytes[i] = (uint8_t)gkv_prng_next(prng);
    }
    put_bytes(text, bytes, count);
}

static void put_random_message(struct text *text, const ProtobufCMessageDescriptor *descriptor,
                               struct gkv_prng *prng);

/* A field of the descriptor, or one that nobody knows; now and then of the wrong type. */
static void put_random_field(struct text *text, const ProtobufCMessageDescriptor *descriptor,
                             struct gkv_prng *prng)
{
    const ProtobufCFieldDescriptor *field =
        &descriptor->fields[gkv_prng_below(prng, descriptor->n_fields)];
    const bool is_strange = gkv_prng_below(prng, 100) == 0;
    const uint32_t id = is_strange ? 100 + (uint32_t)gkv_prng_below(prng, 3000) : field->id;
    const uint32_t number_type = gkv_prng_below(prng, 300) == 0 ? 5 : 0;
    if (field->type == PROTOBUF_C_TYPE_FIXED64) {
        put_varint(text, id << 3 | 1);
        const uint64_t number = random_number(prng);
        for (uint32_t i = 0; i < 8; i++) {
            text->bytes[text->count++] = (uint8_t)(number >> (8 * i));
        }
    } else if (field->type == PROTOBUF_C_TYPE_BYTES) {
        put_varint(text, id << 3 | 2);
        put_random_bytes(text, prng);
    } else if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        put_varint(text, id << 3 | 2);
        put_random_message(text, field->descriptor, prng);
    } else {
        text->is_odd = text->is_odd || number_type != 0;
        put_varint(text, id << 3 | number_type);
        put_varint(text, random_number(prng));
    }
}

static void put_random_message(struct text *text, const ProtobufCMessageDescriptor *descriptor,
                               struct gkv_prng *prng)
{
    struct text *inner = calloc(1, sizeof(*inner));
    assert_non_null(inner);
    const uint64_t field_count = gkv_prng_below(prng, 7);
    for (uint64_t i = 0; i < field_count; i++) {
        put_random_field(inner, descriptor, prng);
    }
    put_bytes(text, inner->bytes, inner->count);
    text->is_odd = text->is_odd || inner->is_odd;
    free(inner);
}

static void damage(struct text *text, struct gkv_prng *prng)
{
    text->is_odd = true;
    if (text->count == 0) {
        return;
    }
    const size_t place = (size_t)gkv_prng_below(prng, text->count);
    if (gkv_prng_below(prng, 2) == 0) {
        text->count = place;
    } else {
        text->bytes[place] ^= (uint8_t)(1 + gkv_prng_below(prng, 255));
    }
}

/* What both read must be the same: ours packs both, and protobuf-c packs ours. Of what is odd
 * protobuf-c takes a little more: tags over 32 bits, numbers over 64, and a bool of any type. */
static bool check_reading(const ProtobufCMessageDescriptor *descriptor, const struct text *text)
{
    static uint8_t packed[3][BYTES_MAX];
    struct gkv_wire_arena arena = {.memory = memory, .bytes = sizeof(memory)};
    const struct gkv_bytes payload = {.data = text->bytes, .count = text->count};
    ProtobufCMessage *theirs =
        protobuf_c_message_unpack(descriptor, NULL, text->count, text->bytes);
    const void *ours = gkv_wire_unpack(descriptor, &arena, payload);
    if (ours == NULL) {
        assert_true(theirs == NULL || text->is_odd);
        if (theirs != NULL) {
            protobuf_c_message_free_unpacked(theirs, NULL);
        }
        return false;
    }
    assert_non_null(theirs);
    const size_t count = protobuf_c_message_pack(ours, packed[0]);
    assert_int_equal(gkv_wire_pack(descriptor, ours, packed[1], BYTES_MAX), count);
    assert_memory_equal(packed[0], packed[1], count);
    assert_int_equal(gkv_wire_pack(descriptor, theirs, packed[2], BYTES_MAX), count);
    assert_memory_equal(packed[0], packed[2], count);
    if (count > 0) {
        assert_int_equal(gkv_wire_pack(descriptor, ours, packed[1], count), count);
        assert_memory_equal(packed[0], packed[1], count);
        assert_int_equal(gkv_wire_pack(descriptor, ours, packed[1], count - 1), 0);
    }
    protobuf_c_message_free_unpacked(theirs, NULL);
    return true;
}

/* Goal: bytes mean to us what they mean to protobuf-c, and are made as it makes them.
 * Method: 30,000 random envelopes and HELLOs, with fields in any order, twice, unknown and of wrong
 * types; a third of them damaged; read and written by both. */
static void test_agrees_with_protobuf_c(void **state)
{
    (void)state;
    struct gkv_prng prng;
    struct text *outer = calloc(1, sizeof(*outer));
    struct text *text = calloc(1, sizeof(*text));
    assert_non_null(outer);
    assert_non_null(text);
    uint32_t sound_count = 0;
    gkv_prng_init(&prng, 7, 0);
    for (uint32_t i = 0; i < PROGRAM_COUNT; i++) {
        const ProtobufCMessageDescriptor *descriptor =
            i % 8 == 0 ? &gkv__hello__descriptor : &gkv__envelope__descriptor;
        outer->count = 0;
        outer->is_odd = false;
        put_random_message(outer, descriptor, &prng);
        size_t skipped = 0;
        while (outer->bytes[skipped] > 0x7F) {
            skipped++;
        }
        text->count = outer->count - skipped - 1;
        text->is_odd = outer->is_odd;
        memcpy(text->bytes, outer->bytes + skipped + 1, text->count);
        if (i % 3 == 0) {
            damage(text, &prng);
        }
        sound_count += check_reading(descriptor, text);
    }
    assert_in_range(sound_count, PROGRAM_COUNT / 2, PROGRAM_COUNT - 1000);
    free(outer);
    free(text);
}

struct odd {
    const char *what;
    uint8_t bytes[24];
    size_t count;
    bool is_ours;   /* we read it */
    bool is_theirs; /* protobuf-c does */
};

/* Goal: at the edges of the format we refuse what protobuf-c refuses, and where it is laxer than we
 * are, header and code say the same.
 * Method: envelopes by hand, with tags, lengths and numbers of more bytes or bits than needed. */
static void test_edges(void **state)
{
    (void)state;
    static const struct odd odds[] = {
        {"a tag of five bytes", {0x9A, 0x80, 0x80, 0x80, 0x00, 0}, 6, true, true},
        {"a tag of six bytes", {0x9A, 0x80, 0x80, 0x80, 0x80, 0x00, 0}, 7, false, false},
        {"a tag over 32 bits", {0x9A, 0x80, 0x80, 0x80, 0x10, 0}, 6, false, true},
        {"the field 0", {0x02, 0}, 2, false, false},
        {"a length of five bytes", {0x1A, 0x80, 0x80, 0x80, 0x80, 0x00}, 6, true, true},
        {"a length of six bytes", {0x1A, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00}, 7, false, false},
        {"a length beyond the end", {0x1A, 0x02, 0x00}, 3, false, false},
        {"a number of 64 bits",
         {0x4A, 11, 0x30, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01},
         13,
         true,
         true},
        {"a number of 65 bits",
         {0x4A, 11, 0x30, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02},
         13,
         false,
         true},
        {"bytes where a fixed64 is due", {0x0A, 0}, 2, false, false},
        {"a number where a message is due", {0x48, 1}, 2, false, false},
        {"bytes where a bool is due", {0x4A, 2, 0x32, 0}, 4, false, true},
    };
    for (size_t i = 0; i < sizeof(odds) / sizeof(odds[0]); i++) {
        const struct odd *odd = &odds[i];
        struct text *text = calloc(1, sizeof(*text));
        assert_non_null(text);
        memcpy(text->bytes, odd->bytes, odd->count);
        text->count = odd->count;
        text->is_odd = odd->is_theirs && !odd->is_ours;
        if (check_reading(&gkv__envelope__descriptor, text) != odd->is_ours) {
            fail_msg("%s is %s", odd->what, odd->is_ours ? "refused" : "taken");
        }
        ProtobufCMessage *theirs =
            protobuf_c_message_unpack(&gkv__envelope__descriptor, NULL, text->count, text->bytes);
        if ((theirs != NULL) != odd->is_theirs) {
            fail_msg("protobuf-c %s %s", theirs == NULL ? "refuses" : "takes", odd->what);
        }
        protobuf_c_message_free_unpacked(theirs, NULL);
        free(text);
    }
}

/* Goal: an arena that is too small is an answer, at whatever it lacks room for.
 * Method: a message with every kind of thing in it, and arenas from nothing to what it needs. */
static void test_small_arena_refuses(void **state)
{
    (void)state;
    Gkv__Update update = GKV__UPDATE__INIT;
    Gkv__Update *updates[] = {&update, &update, &update};
    Gkv__PushPull push_pull = GKV__PUSH_PULL__INIT;
    Gkv__Envelope envelope = GKV__ENVELOPE__INIT;
    uint8_t name[] = "somebody";
    uint8_t packed[400];
    update.name = (ProtobufCBinaryData){.len = sizeof(name), .data = name};
    push_pull.n_updates = 3;
    push_pull.updates = updates;
    envelope.body_case = GKV__ENVELOPE__BODY_PUSH_PULL;
    envelope.push_pull = &push_pull;
    const size_t count =
        gkv_wire_pack(&gkv__envelope__descriptor, &envelope, packed, sizeof(packed));
    assert_int_equal(count, protobuf_c_message_get_packed_size(&envelope.base));
    struct gkv_wire_arena arena = {.memory = memory, .bytes = sizeof(memory)};
    const struct gkv_bytes payload = {.data = packed, .count = count};
    assert_non_null(gkv_wire_unpack(&gkv__envelope__descriptor, &arena, payload));
    const size_t needed = arena.used;
    for (size_t bytes = 0; bytes < needed; bytes += 8) {
        arena = (struct gkv_wire_arena){.memory = memory, .bytes = bytes};
        assert_null(gkv_wire_unpack(&gkv__envelope__descriptor, &arena, payload));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_agrees_with_protobuf_c),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_small_arena_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
