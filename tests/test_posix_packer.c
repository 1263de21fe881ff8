#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "core/prng.h"
#include "io_posix/gridkv.h"
#include "io_posix/packer.h"

#define READY_MS 30000 /* a limit for failure, never waited out */
#define BYTES_MAX 100000
#define GUARD_BYTES 64
#define GUARD 0xA5

static uint8_t plain[BYTES_MAX];
static uint8_t packed[BYTES_MAX];
static uint8_t room[2 * BYTES_MAX];

/* Bytes of a few kinds: all alike, words, words that repeat, and noise in between. */
static void draw_plain(struct gkv_prng *prng, size_t count)
{
    const uint64_t kind = gkv_prng_below(prng, 4);
    for (size_t i = 0; i < count; i++) {
        const bool is_noise = kind == 3 && i / 1000 % 2 == 0;
        plain[i] = is_noise || kind == 1   ? (uint8_t)gkv_prng_below(prng, is_noise ? 256 : 4)
                   : kind == 2 && i >= 777 ? plain[i - 777]
                                           : (uint8_t)(kind == 0 ? 7 : i);
    }
}

/* Goal: what is packed can be made whole in the room that a reader of the store has: its packed
 * bytes at the end of it, behind the end of the value by what core/packer.h says. Method: values of
 * many sizes and kinds; the bytes on both sides stay. */
static void test_made_whole_in_place(void **state)
{
    (void)state;
    const struct gkv_packer packer = gkv_packer_lz4();
    if (packer.pack == NULL) {
        skip();
    }
    struct gkv_prng prng;
    gkv_prng_init(&prng, 1, 0);
    uint32_t packed_count = 0;
    for (uint32_t turn = 0; turn < 2000; turn++) {
        const size_t count = 60 + (size_t)gkv_prng_below(&prng, turn % 8 == 0 ? 90000 : 3000);
        draw_plain(&prng, count);
        const size_t packed_bytes = packer.pack(plain, count, packed, count - count / 8);
        if (packed_bytes == 0) {
            continue;
        }
        packed_count++;
        const size_t gap = count / 256 + GKV_PACKER_GAP_BYTES;
        memset(room, GUARD, sizeof(room));
        uint8_t *out = room + GUARD_BYTES;
        memcpy(out + count + gap - packed_bytes, packed, packed_bytes);
        assert_true(packer.unpack(out + count + gap - packed_bytes, packed_bytes, out, count));
        assert_memory_equal(out, plain, count);
        for (size_t i = 0; i < GUARD_BYTES; i++) {
            assert_int_equal(room[i], GUARD);
            assert_int_equal(out[count + gap + i], GUARD);
        }
        assert_false(packer.unpack(packed, packed_bytes, out, count + 1));
        assert_false(packer.unpack(packed, packed_bytes, out, count - 1));
        assert_false(packer.unpack(packed, packed_bytes - 1, out, count));
    }
    assert_true(packed_count > 1000);
}

/* Goal: bytes that nobody packed write nothing beyond what they may. Method: noise, and packed
 * values with some bytes of them others. */
static void test_noise_stays_inside(void **state)
{
    (void)state;
    const struct gkv_packer packer = gkv_packer_lz4();
    if (packer.pack == NULL) {
        skip();
    }
    struct gkv_prng prng;
    gkv_prng_init(&prng, 2, 0);
    for (uint32_t turn = 0; turn < 3000; turn++) {
        const size_t count = 60 + (size_t)gkv_prng_below(&prng, 2000);
        draw_plain(&prng, count);
        size_t packed_bytes = packer.pack(plain, count, packed, sizeof(packed));
        assert_true(packed_bytes > 0);
        for (uint32_t i = 0; i < 1 + turn % 5; i++) {
            packed[gkv_prng_below(&prng, packed_bytes)] = (uint8_t)gkv_prng_below(&prng, 256);
        }
        memset(room, GUARD, sizeof(room));
        (void)packer.unpack(packed, packed_bytes, room + GUARD_BYTES, count);
        for (size_t i = 0; i < GUARD_BYTES; i++) {
            assert_int_equal(room[i], GUARD);
            assert_int_equal(room[GUARD_BYTES + count + i], GUARD);
        }
    }
}

/* Goal: a value that is kept compressed is read as it was, by gets in place and through the loop;
 * where the library has no LZ4, the option is refused, and says so. Method: one of 100,000 bytes
 * of a few kinds, and what the store uses for it. */
static void test_compressed(void **state)
{
    (void)state;
    static char value[100000];
    static char buffer[sizeof(value)];
    char reason[256];
    struct gridkv *kv = NULL;
    struct gridkv_options options;
    gridkv_options_init(&options);
    options.node_name = "a";
    options.replica_count = 1;
    options.write_quorum = 1;
    options.read_quorum = 1;
    options.value_compress_bytes = 1024;
    if (gkv_packer_lz4().pack == NULL) {
        assert_int_equal(gridkv_open(&options, &kv, reason, sizeof(reason)), GKV_ERROR_OPTION);
        assert_non_null(strstr(reason, "value_compress_bytes must be 0: this library"));
        skip();
    }
    for (size_t i = 0; i < sizeof(value); i++) {
        value[i] = (char)('a' + i / 7 % 13);
    }
    for (int level = GRIDKV_LEVEL_EVENTUAL; level <= GRIDKV_LEVEL_QUORUM; level++) {
        options.level = (enum gridkv_level)level;
        assert_int_equal(gridkv_open(&options, &kv, reason, sizeof(reason)), GKV_OK);
        size_t bytes = 0;
        assert_int_equal(gridkv_set(kv, "k", 1, value, sizeof(value), 0), GKV_OK);
        assert_int_equal(gridkv_get(kv, "k", 1, buffer, sizeof(buffer), &bytes), GKV_OK);
        assert_int_equal(bytes, sizeof(value));
        assert_memory_equal(buffer, value, sizeof(value));
        assert_int_equal(gridkv_get(kv, "k", 1, buffer, 99, &bytes), GKV_ERROR_BUFFER);
        assert_int_equal(bytes, sizeof(value));
        struct gridkv_stats stats = {0};
        for (int i = 0; i < READY_MS && stats.compressed_count == 0; i++) {
            assert_int_equal(gridkv_stats(kv, &stats, sizeof(stats)), GKV_OK);
            (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        }
        assert_int_equal(stats.compressed_count, 1);
        assert_true(stats.store_used_bytes < sizeof(value) / 4);
        gridkv_close(kv);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_made_whole_in_place),
        cmocka_unit_test(test_noise_stays_inside),
        cmocka_unit_test(test_compressed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
