#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/age.h"
#include "core/hash.h"
#include "core/prng.h"
#include "core/store.h"

#define LIMIT_BYTES (2 * GKV_STORE_BYTES_MIN)
#define KEY_COUNT 20000
#define VALUE_BYTES_MAX 200000

static alignas(GKV_ARENA_ALIGN) uint8_t memory[2][LIMIT_BYTES];
static uint8_t value_buffer[VALUE_BYTES_MAX];
static uint8_t read_buffer[VALUE_BYTES_MAX];

static void store_start(struct gkv_store *store, uint32_t which)
{
    const struct gkv_store_options options = {.limit_bytes = LIMIT_BYTES,
                                              .policy = GKV_STORE_EVICT};
    struct gkv_arena arena = gkv_arena_over(memory[which], LIMIT_BYTES);
    gkv_store_init(store, &arena, &options);
}

static struct gkv_key key_of(const uint32_t *number)
{
    const struct gkv_bytes bytes = {(const uint8_t *)number, sizeof(*number)};
    return (struct gkv_key){bytes, gkv_hash(bytes.data, bytes.count, 0)};
}

static enum gkv_store_outcome put(struct gkv_store *store, uint32_t number, uint64_t stamp,
                                  size_t value_bytes)
{
    const struct gkv_record record = {.version = {{stamp}, 1},
                                      .value = {value_buffer, value_bytes}};
    memset(value_buffer, (int)(stamp & 0xff), value_bytes);
    return gkv_store_put(store, key_of(&number), &record, NULL);
}

static bool get(const struct gkv_store *store, uint32_t number, struct gkv_record *record_out)
{
    return gkv_store_get(store, key_of(&number), 0,
                         (struct gkv_buffer){read_buffer, sizeof(read_buffer)}, record_out);
}

static bool is_held(const struct gkv_store *store, uint32_t number)
{
    struct gkv_record record;
    return get(store, number, &record);
}

/* Most are small, some are large, and one in a thousand takes a tenth of the store. */
static size_t draw_bytes(struct gkv_prng *prng)
{
    const uint64_t bounds[] = {1, 40, 300, 300, 3000, 20000, 20000};
    if (gkv_prng_below(prng, 1000) == 0) {
        return VALUE_BYTES_MAX - (size_t)gkv_prng_below(prng, 1000);
    }
    return (size_t)gkv_prng_below(prng, bounds[gkv_prng_below(prng, 7)] + 1);
}

/* What a store holds, recounted by its lists, is what it says of itself. */
static void check_sums(const struct gkv_store *store)
{
    uint64_t record_count = 0;
    for (uint32_t slot = 0; slot < GKV_SLOT_COUNT; slot++) {
        const uint32_t count = gkv_store_list(store, (struct gkv_slot_part){slot, 0, 1}, NULL, 0);
        assert_int_equal(gkv_store_slot_count(store, slot), count);
        record_count += count;
    }
    assert_int_equal(gkv_store_stats(store).record_count, record_count);
}

/* Goal: a store that evicts takes whatever comes, and what it still holds is whole and the newest.
 * Method: 60,000 puts of values of all sizes, many times what there is room for, and a get after
 * each; twice, for the same program has to come to the same end. */
static void test_takes_whatever_comes(void **state)
{
    (void)state;
    static struct gkv_store stores[2];
    static uint64_t newest[KEY_COUNT];
    static size_t bytes[KEY_COUNT];
    uint64_t used_permille = 0;
    for (uint32_t which = 0; which < 2; which++) {
        struct gkv_store *store = &stores[which];
        struct gkv_prng prng;
        gkv_prng_init(&prng, 1, 0);
        store_start(store, which);
        memset(newest, 0, sizeof(newest));
        for (uint64_t stamp = 1; stamp <= 60000; stamp++) {
            const uint32_t key = (uint32_t)gkv_prng_below(&prng, KEY_COUNT);
            newest[key] = stamp;
            bytes[key] = draw_bytes(&prng);
            assert_int_equal(put(store, key, stamp, bytes[key]), GKV_STORE_STORED);
            used_permille += gkv_store_stats(store).used_bytes * 1000 /
                             ((uint64_t)store->index.pages.page_count * GKV_PAGE_BYTES);
            const uint32_t other = (uint32_t)gkv_prng_below(&prng, KEY_COUNT);
            struct gkv_record record;
            if (get(store, other, &record)) {
                assert_int_equal(record.version.hlc.packed, newest[other]);
                assert_int_equal(record.value.count, bytes[other]);
                assert_true(bytes[other] == 0 ||
                            record.value.data[bytes[other] - 1] == (newest[other] & 0xff));
            }
        }
        check_sums(store);
    }
    const struct gkv_store_stats stats = gkv_store_stats(&stores[0]);
    print_message("held %u, evicted %u, used %u of 1000\n", (unsigned)stats.record_count,
                  (unsigned)stats.evicted_count, (unsigned)(used_permille / 120000));
    assert_true(stats.evicted_count > 1000);
    assert_true(stats.record_count > 100);
    const struct gkv_digest digests[] = {gkv_store_digest(&stores[0]),
                                         gkv_store_digest(&stores[1])};
    assert_memory_equal(&digests[0], &digests[1], sizeof(digests[0]));
    assert_int_equal(stats.evicted_count, gkv_store_stats(&stores[1]).evicted_count);
}

/* Goal: what is used stays, while what is put once goes by. Method: 200 keys that are got once for
 * each fifty others that are put; in the end all are there, but few of the others' first
 * thousands. */
static void test_used_stay(void **state)
{
    (void)state;
    static struct gkv_store store;
    store_start(&store, 0);
    for (uint32_t i = 0; i < 200; i++) {
        assert_int_equal(put(&store, i, 1, 100), GKV_STORE_STORED);
    }
    const uint32_t other_count = 200000;
    for (uint32_t i = 0; i < other_count; i++) {
        assert_int_equal(put(&store, 200 + i, 1, 100), GKV_STORE_STORED);
        for (uint32_t k = 0; k < 4; k++) {
            assert_true(is_held(&store, (i * 4 + k) % 200));
        }
    }
    uint32_t old_count = 0;
    for (uint32_t i = 0; i < other_count / 2; i++) {
        old_count += is_held(&store, 200 + i);
    }
    assert_int_equal(old_count, 0);
}

/* Goal: the hand goes by what is not used, too, in the order in which it is met, so that no put
 * waits for a whole turn. Method: how far each put moves it. */
static void test_bounded(void **state)
{
    (void)state;
    static struct gkv_store store;
    store_start(&store, 0);
    uint64_t visits_max = 0;
    for (uint32_t i = 0; i < 50000; i++) {
        const uint64_t before = store.eviction.hand;
        assert_int_equal(put(&store, i, 1, 100), GKV_STORE_STORED);
        const uint64_t visits = store.eviction.hand - before;
        visits_max = visits > visits_max ? visits : visits_max;
    }
    print_message("at most %u buckets for a put\n", (unsigned)visits_max);
    assert_true(visits_max <= 8 * (GKV_EVICT_FRUITLESS_MAX + 1));
    assert_true(store.eviction.hand > store.index.bucket_count * UINT64_C(8)); /* many turns */
}

/* Goal: who comes back soon is known. Method: evict one, put it again, and see what its mark
 * says. */
static void test_returned(void **state)
{
    (void)state;
    static struct gkv_store store;
    store_start(&store, 0);
    const uint32_t number = 5;
    const struct gkv_key key = key_of(&number);
    struct gkv_bucket *bucket = gkv_index_bucket(&store.index, key.hash);
    for (uint32_t turn = 0; turn < 2; turn++) {
        assert_int_equal(put(&store, number, 1, 10), GKV_STORE_STORED);
        assert_int_equal(gkv_age_pace(gkv_bucket_mark_at(bucket, 0)),
                         turn == 0 ? GKV_PACE_NEW : GKV_PACE_LONG);
        while (is_held(&store, number)) {
            const uint32_t count = gkv_evict(&store.eviction, &store.index, &store.slots, 1);
            store.record_count -= count;
        }
    }
    check_sums(&store);
}

/* Goal: what is looked at for nobody is not used. Method: the mark after each. */
static void test_peek(void **state)
{
    (void)state;
    static struct gkv_store store;
    store_start(&store, 0);
    const uint32_t number = 5;
    struct gkv_bucket *bucket = gkv_index_bucket(&store.index, key_of(&number).hash);
    assert_int_equal(put(&store, number, 1, 10), GKV_STORE_STORED);
    struct gkv_record record;
    assert_true(gkv_store_peek(&store, key_of(&number), 0,
                               (struct gkv_buffer){read_buffer, sizeof(read_buffer)}, &record));
    assert_int_equal(record.value.count, 10);
    assert_int_equal(gkv_bucket_mark_at(bucket, 0) & GKV_AGE_USED, 0);
    assert_true(is_held(&store, number));
    assert_int_equal(gkv_bucket_mark_at(bucket, 0) & GKV_AGE_USED, GKV_AGE_USED);
}

/* Goal: tombstones are kept; when there is nothing else, the store is full. */
static void test_tombstones_stay(void **state)
{
    (void)state;
    static struct gkv_store store;
    store_start(&store, 0);
    uint32_t count = 0;
    enum gkv_store_outcome outcome = GKV_STORE_STORED;
    while (outcome == GKV_STORE_STORED) {
        const struct gkv_record record = {.version = {{1}, 1}, .is_tombstone = true};
        (void)put(&store, KEY_COUNT * 10 + count, 1, 100);
        outcome = gkv_store_put(&store, key_of(&count), &record, NULL);
        count += outcome == GKV_STORE_STORED;
    }
    assert_int_equal(outcome, GKV_STORE_FULL);
    assert_true(count > 10000);
    for (uint32_t i = 0; i < count; i++) {
        assert_true(is_held(&store, i));
    }
    assert_int_equal(gkv_store_stats(&store).tombstone_count, count);
    check_sums(&store);
}

/* Goal: a store that evicts does not say that there is room for what it evicted. Method: values of
 * all sizes; there is room at first, then none, whatever is evicted, until enough is deleted and
 * swept. One that rejects says there is, always. */
static void test_room(void **state)
{
    (void)state;
    static struct gkv_store store;
    struct gkv_prng prng;
    gkv_prng_init(&prng, 7, 0);
    store_start(&store, 0);
    assert_true(gkv_store_has_room(&store));
    uint64_t stamp = 1;
    while (gkv_store_has_room(&store)) {
        assert_int_equal(gkv_store_stats(&store).evicted_count, 0);
        (void)put(&store, (uint32_t)stamp, stamp, draw_bytes(&prng) % 20000);
        stamp++;
    }
    const uint64_t page_count = store.index.pages.page_count;
    assert_in_range(store.index.pages.held_bytes / GKV_PAGE_BYTES, page_count * 6 / 8, page_count);
    while (gkv_store_stats(&store).evicted_count < 20000) {
        (void)put(&store, (uint32_t)stamp, stamp, draw_bytes(&prng) % 20000);
        assert_false(gkv_store_has_room(&store));
        stamp++;
    }
    for (uint64_t i = 0; i < stamp; i++) {
        const uint32_t number = (uint32_t)i;
        const struct gkv_record record = {.version = {{stamp + i}, 1}, .is_tombstone = true};
        if (is_held(&store, number)) {
            (void)gkv_store_put(&store, key_of(&number), &record, NULL);
        }
    }
    assert_true(gkv_store_has_room(&store));
    store.policy = GKV_STORE_REJECT;
    for (uint32_t i = 0; put(&store, i, 2 * stamp + i, 3000) == GKV_STORE_STORED; i++) {
    }
    assert_true(gkv_store_has_room(&store));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_takes_whatever_comes),
        cmocka_unit_test(test_used_stay),
        cmocka_unit_test(test_bounded),
        cmocka_unit_test(test_returned),
        cmocka_unit_test(test_peek),
        cmocka_unit_test(test_tombstones_stay),
        cmocka_unit_test(test_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
