#include "proto/hot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/prng.h"
#include "fuzz/equal.h"
#include "fuzz/harness.h"

#define MESSAGE_COUNT 20000
#define BYTES_MAX 2048

static const enum gkv_message_kind kinds[] = {GKV_MESSAGE_WRITE, GKV_MESSAGE_WRITE_REPLY,
                                              GKV_MESSAGE_READ, GKV_MESSAGE_READ_REPLY};

/* Zero as often as not: what is zero is left out. */
static uint64_t random_number(struct gkv_prng *prng)
{
    return gkv_prng_below(prng, 2) == 0 ? 0 : gkv_prng_next(prng) >> gkv_prng_below(prng, 64);
}

/* Lengths about those where another byte of length is needed. */
static struct gkv_bytes random_bytes(struct gkv_prng *prng)
{
    static uint8_t bytes[BYTES_MAX];
    static const size_t bounds[] = {1, 20, 130, 1024};
    for (size_t i = 0; i < 8; i++) {
        bytes[gkv_prng_below(prng, BYTES_MAX)] = (uint8_t)gkv_prng_next(prng);
    }
    return (struct gkv_bytes){bytes, gkv_prng_below(prng, bounds[gkv_prng_below(prng, 4)])};
}

static struct gkv_record random_record(struct gkv_prng *prng)
{
    return (struct gkv_record){
        .version = {.hlc = {random_number(prng)}, .writer = random_number(prng)},
        .expire_ms = random_number(prng),
        .is_tombstone = gkv_prng_below(prng, 2) == 0,
        .value = random_bytes(prng),
    };
}

static struct gkv_message random_message(struct gkv_prng *prng)
{
    struct gkv_message message = {.kind = kinds[gkv_prng_below(prng, 4)],
                                  .hlc = {random_number(prng)}};
    const enum gkv_reply_status status = (enum gkv_reply_status)(1 + gkv_prng_below(prng, 5));
    if (message.kind == GKV_MESSAGE_WRITE) {
        message.as.write.operation = random_number(prng);
        message.as.write.key = random_bytes(prng);
        message.as.write.record = random_record(prng);
    } else if (message.kind == GKV_MESSAGE_WRITE_REPLY) {
        message.as.write_reply.operation = random_number(prng);
        message.as.write_reply.status = status;
        message.as.write_reply.version = random_record(prng).version;
    } else if (message.kind == GKV_MESSAGE_READ) {
        message.as.read.operation = 1 + random_number(prng);
        message.as.read.key = random_bytes(prng);
    } else {
        message.as.read_reply.operation = random_number(prng);
        message.as.read_reply.status = status;
        message.as.read_reply.record = random_record(prng);
    }
    return message;
}

/* Goal: what is written is read as what it was, and both agree with protobuf-c; also about bytes
 * that nobody would write.
 * Method: 20,000 random messages, written, read, and given to the fuzz harness, which asks
 * protobuf-c; then the same bytes, each time with one changed, left out, or put in. */
static void test_agrees_with_protobuf_c(void **state)
{
    (void)state;
    static uint8_t bytes[2 * BYTES_MAX];
    struct gkv_prng prng;
    uint32_t read_count = 0;
    gkv_prng_init(&prng, 5, 0);
    for (uint32_t i = 0; i < MESSAGE_COUNT; i++) {
        const struct gkv_message message = random_message(&prng);
        struct gkv_message again;
        size_t count = gkv_hot_write(&message, 0, bytes, sizeof(bytes));
        assert_true(count > 0);
        if (gkv_hot_read((struct gkv_bytes){bytes, count}, &again)) {
            assert_true(fuzz_messages_equal(&message, &again));
            read_count++;
        }
        (void)LLVMFuzzerTestOneInput(bytes, count);

        const size_t place = gkv_prng_below(&prng, count < 40 ? count : 40);
        const uint64_t damage = gkv_prng_below(&prng, 3);
        bytes[place] = (uint8_t)(damage == 0 ? gkv_prng_next(&prng) : bytes[place]);
        if (damage == 1) {
            memmove(bytes + place, bytes + place + 1, count - place - 1);
            count--;
        } else if (damage == 2) {
            memmove(bytes + place + 1, bytes + place, count - place);
            count++;
        }
        (void)LLVMFuzzerTestOneInput(bytes, count);
    }
    assert_in_range(read_count, MESSAGE_COUNT - MESSAGE_COUNT / 20, MESSAGE_COUNT);
}

/* A sound WRITE of every field. */
static const uint8_t whole[] = {
    0x09, 1,  0,   0,   0, 0, 0, 0, 0, /* hlc */
    0x4A, 45,                          /* write */
    0x09, 2,  0,   0,   0, 0, 0, 0, 0, /* operation */
    0x12, 1,  'k',                     /* key */
    0x19, 3,  0,   0,   0, 0, 0, 0, 0, /* hlc */
    0x21, 4,  0,   0,   0, 0, 0, 0, 0, /* writer */
    0x29, 5,  0,   0,   0, 0, 0, 0, 0, /* expire_ms */
    0x30, 1,                           /* is_tombstone */
    0x3A, 2,  'v', 'w',                /* value */
};

/* Goal: each field is found, and the views lie in the payload.
 * Method: a WRITE by hand. */
static void test_views_lie_in_the_payload(void **state)
{
    (void)state;
    struct gkv_message message;
    assert_true(gkv_hot_read((struct gkv_bytes){whole, sizeof(whole)}, &message));
    assert_int_equal(message.kind, GKV_MESSAGE_WRITE);
    assert_int_equal(message.hlc.packed, 1);
    assert_int_equal(message.as.write.operation, 2);
    assert_ptr_equal(message.as.write.key.data, whole + 22);
    assert_int_equal(message.as.write.key.count, 1);
    assert_int_equal(message.as.write.record.version.hlc.packed, 3);
    assert_int_equal(message.as.write.record.version.writer, 4);
    assert_int_equal(message.as.write.record.expire_ms, 5);
    assert_true(message.as.write.record.is_tombstone);
    assert_ptr_equal(message.as.write.record.value.data, whole + sizeof(whole) - 2);
    assert_int_equal(message.as.write.record.value.count, 2);
}

/* Goal: a cut payload is never read.
 * Method: every beginning of that WRITE. */
static void test_cut_is_left_alone(void **state)
{
    (void)state;
    struct gkv_message message;
    for (size_t count = 0; count < sizeof(whole); count++) {
        assert_false(gkv_hot_read((struct gkv_bytes){whole, count}, &message));
    }
}

/* Goal: a message that does not fit is not written at all.
 * Method: every capacity under what that WRITE needs. */
static void test_short_buffer_is_left_alone(void **state)
{
    (void)state;
    struct gkv_message message;
    uint8_t out[sizeof(whole)];
    const uint8_t untouched[sizeof(whole)] = {0};
    memset(out, 0, sizeof(out));
    assert_true(gkv_hot_read((struct gkv_bytes){whole, sizeof(whole)}, &message));
    for (size_t capacity = 0; capacity < sizeof(whole); capacity++) {
        assert_int_equal(gkv_hot_write(&message, 0, out, capacity), 0);
        assert_memory_equal(out, untouched, sizeof(out));
    }
    assert_int_equal(gkv_hot_write(&message, 0, out, sizeof(out)), sizeof(whole));
    assert_memory_equal(out, whole, sizeof(out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_agrees_with_protobuf_c),
        cmocka_unit_test(test_views_lie_in_the_payload),
        cmocka_unit_test(test_cut_is_left_alone),
        cmocka_unit_test(test_short_buffer_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
