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

#define LIMIT_BYTES GKV_STORE_BYTES_MIN
#define COUNT_MAX 100
#define KEY_COUNT 150
#define VALUE_BYTES_MAX 6000 /* some are chained */

static alignas(GKV_ARENA_ALIGN) uint8_t memory[2][LIMIT_BYTES];
static uint32_t numbers[COUNT_MAX];
static uint8_t values[COUNT_MAX][VALUE_BYTES_MAX];
static uint8_t buffers[COUNT_MAX][VALUE_BYTES_MAX];

static void store_start(struct gkv_store *store, uint32_t which)
{
    const struct gkv_store_options options = {.limit_bytes = LIMIT_BYTES,
                                              .policy = GKV_STORE_REJECT};
    struct gkv_arena arena = gkv_arena_over(memory[which], LIMIT_BYTES);
    gkv_store_init(store, &arena, &options);
}

static struct gkv_key key_of(const uint32_t *number)
{
    const struct gkv_bytes bytes = {(const uint8_t *)number, sizeof(*number)};
    return (struct gkv_key){bytes, gkv_hash(bytes.data, bytes.count, 0)};
}

/* Keys, some of them twice, with values, tombstones and expiries; versions go up and down. */
static void draw_writes(struct gkv_prng *prng, struct gkv_store_write *writes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        numbers[i] = (uint32_t)gkv_prng_below(prng, KEY_COUNT);
        const size_t bytes =
            (size_t)gkv_prng_below(prng, gkv_prng_below(prng, 8) == 0 ? VALUE_BYTES_MAX : 200);
        memset(values[i], (int)gkv_prng_below(prng, 256), bytes);
        writes[i] =
            (struct gkv_store_write){.key = key_of(&numbers[i]),
                                     .record = {.version = {{1 + gkv_prng_below(prng, 1000)}, 1},
                                                .expire_ms = gkv_prng_below(prng, 4) == 0 ? 5 : 0,
                                                .is_tombstone = gkv_prng_below(prng, 6) == 0,
                                                .value = {values[i], bytes}}};
    }
}

/* Goal: many puts are what so many puts one by one are. Method: the same writes to two stores, of
 * counts on both sides of what is asked for ahead; every answer, and the sums in the end. */
static void test_put_many(void **state)
{
    (void)state;
    static struct gkv_store together;
    static struct gkv_store alone;
    store_start(&together, 0);
    store_start(&alone, 1);
    struct gkv_prng prng;
    gkv_prng_init(&prng, 1, 0);
    const size_t counts[] = {0, 1, 2, 31, 32, 33, 64, COUNT_MAX};
    for (uint32_t round = 0; round < 200; round++) {
        static struct gkv_store_write writes[COUNT_MAX];
        const size_t count = counts[gkv_prng_below(&prng, 8)];
        draw_writes(&prng, writes, count);
        gkv_store_put_many(&together, writes, count);
        for (size_t i = 0; i < count; i++) {
            struct gkv_version held;
            assert_int_equal(gkv_store_put(&alone, key_of(&numbers[i]), &writes[i].record, &held),
                             writes[i].outcome);
            assert_int_equal(gkv_version_compare(held, writes[i].held), 0);
        }
    }
    const struct gkv_digest digests[] = {gkv_store_digest(&together), gkv_store_digest(&alone)};
    assert_memory_equal(&digests[0], &digests[1], sizeof(digests[0]));
    assert_int_equal(gkv_store_stats(&together).used_bytes, gkv_store_stats(&alone).used_bytes);
}

/* Goal: many gets are what so many gets one by one are. Method: a store of a hundred records, keys
 * that are there and are not, before and after some of them expire, and buffers that are too
 * short. */
static void test_get_many(void **state)
{
    (void)state;
    static struct gkv_store store;
    store_start(&store, 0);
    struct gkv_prng prng;
    gkv_prng_init(&prng, 2, 0);
    static struct gkv_store_write writes[COUNT_MAX];
    draw_writes(&prng, writes, COUNT_MAX);
    gkv_store_put_many(&store, writes, COUNT_MAX);
    const size_t counts[] = {0, 1, 2, 31, 32, 33, 64, COUNT_MAX};
    uint32_t found_count = 0;
    uint32_t missed_count = 0;
    for (uint32_t round = 0; round < 200; round++) {
        static struct gkv_store_read reads[COUNT_MAX];
        const size_t count = counts[gkv_prng_below(&prng, 8)];
        const uint64_t now_ms = gkv_prng_below(&prng, 10);
        for (size_t i = 0; i < count; i++) {
            numbers[i] = (uint32_t)gkv_prng_below(&prng, KEY_COUNT);
            const size_t capacity = gkv_prng_below(&prng, 3) == 0 ? 50 : VALUE_BYTES_MAX;
            reads[i] = (struct gkv_store_read){.key = key_of(&numbers[i]),
                                               .buffer = {buffers[i], capacity}};
        }
        gkv_store_get_many(&store, now_ms, reads, count);
        for (size_t i = 0; i < count; i++) {
            struct gkv_record record;
            const struct gkv_buffer buffer = {values[0], reads[i].buffer.capacity};
            const bool is_found =
                gkv_store_get(&store, key_of(&numbers[i]), now_ms, buffer, &record);
            assert_int_equal(reads[i].is_found, is_found);
            found_count += is_found;
            missed_count += !is_found;
            if (!is_found) {
                continue;
            }
            assert_int_equal(gkv_version_compare(reads[i].record.version, record.version), 0);
            assert_int_equal(reads[i].record.is_tombstone, record.is_tombstone);
            assert_int_equal(reads[i].record.value.count, record.value.count);
            assert_int_equal(reads[i].record.value.data != NULL, record.value.data != NULL);
            if (record.value.data != NULL) {
                assert_ptr_equal(reads[i].record.value.data, buffers[i]);
                assert_memory_equal(reads[i].record.value.data, record.value.data,
                                    record.value.count);
            }
        }
    }
    assert_true(found_count > 1000);
    assert_true(missed_count > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_put_many),
        cmocka_unit_test(test_get_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
