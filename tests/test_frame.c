#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "core/prng.h"
#include "proto/bounds.h"
#include "proto/frame.h"

#define STREAM_BYTES 4096

static struct gkv_bytes bytes_of(const uint8_t *data, size_t count)
{
    return (struct gkv_bytes){.data = data, .count = count};
}

/* Goal: the layout of a frame and of a datagram never changes by accident.
 * Method: seal the payload "gridkv" and compare every byte. */
static void test_golden(void **state)
{
    (void)state;
    static const uint8_t frame[] = {0x06, 0, 0, 0, 0, 0, 0, 0, 'g', 'r', 'i', 'd', 'k', 'v'};
    static const uint8_t checksum[] = {0x75, 0xa5, 0x59, 0x21};
    uint8_t bytes[sizeof(frame)];
    memcpy(bytes, frame, sizeof(frame));
    gkv_frame_seal(bytes, 6);
    assert_memory_equal(bytes, frame, 4);
    assert_memory_equal(bytes + 4, checksum, 4);
    assert_memory_equal(bytes + 8, frame + 8, 6);

    static const uint8_t magic[] = {'G', 'K', 1, 0};
    gkv_datagram_seal(bytes, 6);
    assert_memory_equal(bytes, magic, 4);
    assert_memory_equal(bytes + 4, checksum, 4);
    assert_memory_equal(bytes + 8, frame + 8, 6);
}

/* Goal: a frame is MORE until its last byte is there, and TOO_LONG as soon as its length is.
 * Method: every prefix of a frame of five bytes, with a bound of five and of four. */
static void test_prefixes(void **state)
{
    (void)state;
    uint8_t bytes[GKV_FRAME_HEADER_BYTES + 6] = {0, 0, 0, 0, 0, 0, 0, 0, 'h', 'e', 'l', 'l', 'o'};
    gkv_frame_seal(bytes, 5);
    struct gkv_bytes payload = {.data = NULL, .count = 0};
    size_t consumed = 0;
    for (size_t count = 0; count < sizeof(bytes) - 1; count++) {
        assert_int_equal(gkv_frame_parse(bytes_of(bytes, count), 5, &payload, &consumed),
                         GKV_FRAME_MORE);
        assert_int_equal(gkv_frame_parse(bytes_of(bytes, count), 4, &payload, &consumed),
                         count < 4 ? GKV_FRAME_MORE : GKV_FRAME_TOO_LONG);
    }
    assert_null(payload.data);
    assert_int_equal(gkv_frame_parse(bytes_of(bytes, sizeof(bytes)), 5, &payload, &consumed),
                     GKV_FRAME_WHOLE);
    assert_int_equal(consumed, sizeof(bytes) - 1);
    assert_ptr_equal(payload.data, bytes + GKV_FRAME_HEADER_BYTES);
    assert_int_equal(payload.count, 5);
}

/* Goal: one broken bit is found, wherever it is; an empty payload is a frame.
 * Method: flip every bit of a frame and of a datagram in turn. */
static void test_broken_bits(void **state)
{
    (void)state;
    uint8_t bytes[GKV_FRAME_HEADER_BYTES + 5] = {0, 0, 0, 0, 0, 0, 0, 0, 'h', 'e', 'l', 'l', 'o'};
    struct gkv_bytes payload = {.data = NULL, .count = 0};
    size_t consumed = 0;
    for (size_t bit = 0; bit < sizeof(bytes) * 8; bit++) {
        gkv_frame_seal(bytes, 5);
        bytes[bit / 8] = (uint8_t)(bytes[bit / 8] ^ 1u << bit % 8);
        assert_int_not_equal(
            gkv_frame_parse(bytes_of(bytes, sizeof(bytes)), 100, &payload, &consumed),
            GKV_FRAME_WHOLE);
        bytes[bit / 8] = (uint8_t)(bytes[bit / 8] ^ 1u << bit % 8);
        gkv_datagram_seal(bytes, 5);
        bytes[bit / 8] = (uint8_t)(bytes[bit / 8] ^ 1u << bit % 8);
        assert_int_equal(gkv_datagram_parse(bytes_of(bytes, sizeof(bytes)), &payload),
                         bit < 32 ? GKV_FRAME_FOREIGN : GKV_FRAME_CHECKSUM);
        bytes[bit / 8] = (uint8_t)(bytes[bit / 8] ^ 1u << bit % 8);
    }
    assert_int_equal(gkv_datagram_parse(bytes_of(bytes, 7), &payload), GKV_FRAME_FOREIGN);
    gkv_frame_seal(bytes, 0);
    assert_int_equal(gkv_frame_parse(bytes_of(bytes, 8), 0, &payload, &consumed), GKV_FRAME_WHOLE);
    assert_int_equal(payload.count, 0);
    assert_int_equal(consumed, 8);
}

/* Goal: frames come out of a stream as they went in, however it is cut.
 * Method: random frames one after the other; parse a window that grows by random steps. */
static void test_random_cuts(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct gkv_prng prng;
        gkv_prng_init(&prng, seed, 0);
        uint8_t stream[STREAM_BYTES];
        size_t lengths[STREAM_BYTES / GKV_FRAME_HEADER_BYTES];
        size_t frame_count = 0;
        size_t total = 0;
        for (;;) {
            const size_t length = (size_t)gkv_prng_below(&prng, 200);
            if (total + GKV_FRAME_HEADER_BYTES + length > sizeof(stream)) {
                break;
            }
            memset(stream + total + GKV_FRAME_HEADER_BYTES, (int)frame_count, length);
            gkv_frame_seal(stream + total, length);
            lengths[frame_count++] = length;
            total += GKV_FRAME_HEADER_BYTES + length;
        }
        size_t end = 0;
        size_t at = 0;
        size_t found = 0;
        while (found < frame_count) {
            struct gkv_bytes payload;
            size_t consumed = 0;
            const enum gkv_frame_status status =
                gkv_frame_parse(bytes_of(stream + at, end - at), 199, &payload, &consumed);
            if (status == GKV_FRAME_MORE) {
                assert_true(end < total);
                const size_t more = 1 + (size_t)gkv_prng_below(&prng, 97);
                end = end + more < total ? end + more : total;
                continue;
            }
            assert_int_equal(status, GKV_FRAME_WHOLE);
            assert_int_equal(payload.count, lengths[found]);
            assert_true(payload.count == 0 || payload.data[0] == (uint8_t)found);
            at += consumed;
            found++;
        }
        assert_int_equal(at, total);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_prefixes),
        cmocka_unit_test(test_broken_bits),
        cmocka_unit_test(test_random_cuts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
