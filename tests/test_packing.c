#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/hash.h"
#include "core/prng.h"
#include "core/store.h"
#include "sim/history.h"
#include "sim/shorthand.h"

#define LIMIT_BYTES (4 * GKV_STORE_BYTES_MIN)
#define LEAST_BYTES 100
#define VALUE_BYTES_MAX 60000
#define GUARD_BYTES 64
#define GUARD 0xA5

static alignas(GKV_ARENA_ALIGN) uint8_t memory[2][LIMIT_BYTES];
static uint8_t value[VALUE_BYTES_MAX];
static uint8_t room[GKV_KEY_BYTES_MAX + VALUE_BYTES_MAX + GUARD_BYTES];
static struct gkv_store store;

static void store_start(struct gkv_store *which, uint32_t number, uint32_t least_bytes)
{
    const struct gkv_store_options options = {.limit_bytes = LIMIT_BYTES,
                                              .policy = GKV_STORE_REJECT,
                                              .packing = {.packer = gkv_shorthand_packer(),
                                                          .plain_bytes_min = least_bytes,
                                                          .plain_bytes_max = VALUE_BYTES_MAX}};
    struct gkv_arena arena = gkv_arena_over(memory[number], LIMIT_BYTES);
    memset(which, 0, sizeof(*which));
    gkv_store_init(which, &arena, &options);
}

static struct gkv_key key_of(const char *text)
{
    const struct gkv_bytes bytes = {(const uint8_t *)text, strlen(text)};
    return (struct gkv_key){bytes, gkv_hash(bytes.data, bytes.count, 0)};
}

/* Put a value of the simulator's, which its shorthand makes eight bytes of. */
static struct gkv_record put(struct gkv_store *into, const char *key, uint64_t stamp,
                             uint32_t bytes)
{
    gkv_history_value((uint32_t)stamp, value, bytes);
    const struct gkv_record record = {.version = {{stamp}, 1}, .value = {value, bytes}};
    assert_int_equal(gkv_store_put(into, key_of(key), &record, NULL), GKV_STORE_STORED);
    return record;
}

/* Get it with room for `bytes` bytes, and nothing written behind them. */
static struct gkv_record get(const struct gkv_store *from, const char *key, size_t bytes)
{
    struct gkv_record record;
    memset(room, GUARD, sizeof(room));
    assert_true(gkv_store_get(from, key_of(key), 0, (struct gkv_buffer){room, bytes}, &record));
    for (size_t i = 0; i < GUARD_BYTES; i++) {
        assert_int_equal(room[bytes + i], GUARD);
    }
    return record;
}

static uint64_t packed_count(void)
{
    return gkv_store_stats(&store).packed_count;
}

/* Goal: what was put is what is read, in exactly its room, however large it is, and takes less
 * memory. Method: sizes around each bound, of values, units, blocks and benches; by key and by
 * hash, and what a buffer too small is told. */
static void test_reads_what_was_put(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {12,   99,   100,  101,  127,  128,  1000,  4000,  4070,
                                     4071, 4087, 4088, 4089, 4096, 8176, 20000, 59999, 60000};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        store_start(&store, 0, LEAST_BYTES);
        const uint32_t bytes = sizes[i];
        (void)put(&store, "key", 7 + i, bytes);
        assert_int_equal(packed_count(), bytes >= LEAST_BYTES);
        struct gkv_record record = get(&store, "key", bytes);
        assert_int_equal(record.value.count, bytes);
        assert_memory_equal(record.value.data, value, bytes);
        record = get(&store, "key", bytes - 1);
        assert_null(record.value.data);
        assert_int_equal(record.value.count, bytes);

        struct gkv_keyed_record found;
        const struct gkv_hashed which = {key_of("key").hash, 0};
        assert_int_equal(
            gkv_store_get_hashed(&store, which, 0, (struct gkv_buffer){room, bytes + 3}, &found),
            bytes + 3);
        assert_memory_equal(found.record.value.data, value, bytes);
        assert_int_equal(
            gkv_store_get_hashed(&store, which, 0, (struct gkv_buffer){room, bytes + 2}, &found),
            bytes + 3);
        if (bytes >= 1000) {
            assert_true(gkv_store_stats(&store).used_bytes < bytes / 2);
        }
    }
}

/* Goal: nobody but the store knows: versions, sums and lists are those of a store that packs
 * nothing, though records replace each other, expire and go. Method: the same program for both. */
static void test_nobody_else_knows(void **state)
{
    (void)state;
    static struct gkv_store plain;
    static const char *const keys[] = {"a", "b", "c", "d", "e"};
    store_start(&store, 0, LEAST_BYTES);
    store_start(&plain, 1, 0);
    struct gkv_prng prng;
    gkv_prng_init(&prng, 1, 0);
    for (uint32_t i = 1; i < 3000; i++) {
        const char *key = keys[gkv_prng_below(&prng, 5)];
        const uint32_t bytes = 12 + (uint32_t)gkv_prng_below(&prng, i % 4 == 0 ? 20000 : 600);
        gkv_history_value(i, value, bytes);
        const struct gkv_record record = {
            .version = {{1000 - 50 + gkv_prng_below(&prng, 99) + i}, i},
            .expire_ms = gkv_prng_below(&prng, 3) == 0 ? i + 5 : 0,
            .is_tombstone = false,
            .value = {value, bytes}};
        struct gkv_version held[2];
        assert_int_equal(gkv_store_put(&store, key_of(key), &record, &held[0]),
                         gkv_store_put(&plain, key_of(key), &record, &held[1]));
        assert_int_equal(gkv_version_compare(held[0], held[1]), 0);
        gkv_store_sweep(&store, i, 1000, GKV_SLOT_COUNT);
        gkv_store_sweep(&plain, i, 1000, GKV_SLOT_COUNT);
        static uint8_t other[VALUE_BYTES_MAX];
        struct gkv_record read[2];
        const bool is_found = gkv_store_get(&store, key_of(key), i,
                                            (struct gkv_buffer){room, sizeof(room)}, &read[0]);
        assert_int_equal(is_found,
                         gkv_store_get(&plain, key_of(key), i,
                                       (struct gkv_buffer){other, sizeof(other)}, &read[1]));
        assert_int_equal(read[0].value.count, read[1].value.count);
        assert_int_equal(read[0].is_tombstone, read[1].is_tombstone);
        assert_memory_equal(room, other, read[0].value.count);
    }
    const struct gkv_digest digests[] = {gkv_store_digest(&store), gkv_store_digest(&plain)};
    assert_memory_equal(&digests[0], &digests[1], sizeof(digests[0]));
    assert_true(packed_count() > 1000);
    assert_int_equal(gkv_store_stats(&plain).packed_count, 0);
}

/* Goal: what cannot be made smaller is stored as it is: no value of the codec's, too few bytes,
 * more than a bench holds, a tombstone, and what finds every bench taken. Method: one each, and
 * read back; a bench is free again after each put. */
static void test_stays_as_it_is(void **state)
{
    (void)state;
    store_start(&store, 0, 1);
    memset(value, 7, sizeof(value));
    const struct gkv_record foreign = {.version = {{1}, 1}, .value = {value, 1000}};
    assert_int_equal(gkv_store_put(&store, key_of("foreign"), &foreign, NULL), GKV_STORE_STORED);
    assert_int_equal(get(&store, "foreign", 1000).value.count, 1000);
    assert_memory_equal(room, value, 1000);
    (void)put(&store, "small", 2, 40);
    const struct gkv_record tombstone = {.version = {{3}, 1}, .is_tombstone = true};
    assert_int_equal(gkv_store_put(&store, key_of("gone"), &tombstone, NULL), GKV_STORE_STORED);
    assert_int_equal(packed_count(), 0);

    store.packing.bench_bytes = 2000;
    (void)put(&store, "large", 4, 2001);
    assert_int_equal(packed_count(), 0);
    for (uint32_t i = 0; i < GKV_BENCH_COUNT; i++) {
        gkv_u32_store(&store.packing.is_taken[i], 1);
    }
    (void)put(&store, "busy", 5, 2000);
    assert_int_equal(packed_count(), 0);
    assert_memory_equal(get(&store, "busy", 2000).value.data, value, 2000);
    gkv_u32_store(&store.packing.is_taken[GKV_BENCH_COUNT - 1], 0);
    for (uint64_t i = 0; i < 3; i++) {
        (void)put(&store, "free", 6 + i, 2000);
        assert_int_equal(packed_count(), 1 + i);
    }
}

/* The first word of the value in the only unit of the store. */
static gkv_word *header_of(const char *key)
{
    struct gkv_found found = {.sizes = 0};
    const struct gkv_key hashed = key_of(key);
    assert_true(
        gkv_index_find(&store.index, gkv_index_bucket(&store.index, hashed.hash), &hashed, &found));
    const struct gkv_entry_shape shape = gkv_entry_shape(found.sizes);
    assert_int_equal(shape.flags, GKV_ENTRY_PACKED);
    return gkv_pages_words(&store.index.pages, found.unit) + shape.value_at;
}

/* Goal: a page that was written over misleads no reader beyond its room: sizes are checked before
 * anything is made whole. Method: the word that says how large the value is, with every bit turned,
 * and sizes around the true one. */
static void test_size_is_checked(void **state)
{
    (void)state;
    store_start(&store, 0, LEAST_BYTES);
    (void)put(&store, "key", 9, 1000);
    gkv_word *header = header_of("key");
    assert_int_equal(gkv_word_load(header), 1000);
    for (uint32_t i = 0; i < 64 + 200; i++) {
        const uint64_t wrong = i < 64 ? 1000 ^ UINT64_C(1) << i : 900 + i - 64;
        gkv_word_store(header, wrong);
        memset(room, GUARD, sizeof(room));
        struct gkv_record record;
        (void)gkv_store_get(&store, key_of("key"), 0, (struct gkv_buffer){room, 1200}, &record);
        for (size_t at = 1200; at < sizeof(room); at++) {
            assert_int_equal(room[at], GUARD);
        }
        const bool is_told = record.value.data != NULL;
        assert_true(!is_told || record.value.count <= 1200);
        assert_true(record.value.count == 0 || record.value.count == wrong);
    }
    gkv_word_store(header, 1000);
    assert_memory_equal(get(&store, "key", 1000).value.data, value, 1000);
}

/* Goal: benches are part of the limit, to the byte, and are not there when nothing is packed.
 * Method: what the arena has given, for limits and value sizes of both kinds. */
static void test_benches_are_counted(void **state)
{
    (void)state;
    for (uint32_t most = 1000; most <= 16000000; most *= 20) {
        for (uint32_t least = 0; least < 2; least++) {
            const struct gkv_store_options options = {
                .limit_bytes = LIMIT_BYTES,
                .policy = GKV_STORE_REJECT,
                .packing = {gkv_shorthand_packer(), least, most}};
            struct gkv_arena arena = gkv_arena_counting();
            gkv_store_init(&store, &arena, &options);
            assert_true(arena.used + sizeof(store) <= LIMIT_BYTES);
            assert_true(arena.used + sizeof(store) > LIMIT_BYTES - 2 * GKV_PAGE_BYTES);
            const uint32_t share = LIMIT_BYTES / 32;
            assert_int_equal(store.packing.bench_bytes,
                             least == 0 ? 0 : (most < share ? most : share));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_what_was_put),  cmocka_unit_test(test_nobody_else_knows),
        cmocka_unit_test(test_stays_as_it_is),      cmocka_unit_test(test_size_is_checked),
        cmocka_unit_test(test_benches_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
