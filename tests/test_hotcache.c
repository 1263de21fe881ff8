#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/hash.h"
#include "core/hotcache.h"
#include "core/prng.h"
#include "tests/nodes.h"

#define MS GKV_NS_PER_MS
#define TTL_MS 20
#define SIZE_MAX_BYTES (256 * 1024)
#define VALUE_BYTES_MAX 500
#define KEY_COUNT 12
#define KEPT_COUNT 4000

/* ---- The cache alone, with what it takes of a step. ------------------------------------------ */

static alignas(GKV_ARENA_ALIGN) uint8_t memory[SIZE_MAX_BYTES];
static alignas(GKV_ARENA_ALIGN) uint8_t scratch_memory[VALUE_BYTES_MAX + 64];
static struct gkv_hotcache cache;
static struct gkv_members members;
static struct gkv_scratch scratch;
static struct gkv_step step;

static void cache_start(uint64_t size)
{
    struct gkv_options options;
    gkv_options_init(&options);
    options.hot_cache_size = size;
    options.hot_read_cache_ttl_ms = TTL_MS;
    struct gkv_arena arena = gkv_arena_over(memory, (size_t)size);
    gkv_hotcache_init(&cache, &arena, &options);
    struct gkv_arena room = gkv_arena_over(scratch_memory, sizeof(scratch_memory));
    gkv_scratch_init(&scratch, &room, VALUE_BYTES_MAX);
    members.ring_epoch = 1;
    step =
        (struct gkv_step){.now = {.mono_ns = 1000 * MS}, .scratch = &scratch, .members = &members};
    struct gkv_record record;
    assert_false(
        gkv_hotcache_get(&cache, &step, (struct gkv_key){{(uint8_t *)"x", 1}, 5}, &record));
    step.now.mono_ns += MS;
}

static char key_texts[KEY_COUNT][8];

/* Two keys in four have one hash. */
static struct gkv_key key_of(uint32_t number)
{
    (void)snprintf(key_texts[number], sizeof(key_texts[0]), "key%u", number);
    return (struct gkv_key){nodes_text(key_texts[number]), number / 2 * 2};
}

static struct gkv_version version_of(uint64_t stamp)
{
    return (struct gkv_version){{stamp}, 1};
}

static uint8_t value[VALUE_BYTES_MAX];

static struct gkv_record record_of(uint64_t stamp, size_t bytes)
{
    memset(value, (int)(stamp % 251), bytes);
    return (struct gkv_record){.version = version_of(stamp),
                               .expire_ms = stamp * 3,
                               .is_tombstone = bytes == 0,
                               .value = {bytes == 0 ? NULL : value, bytes}};
}

static bool get(uint32_t key, struct gkv_record *record_out)
{
    gkv_scratch_clear(&scratch);
    return gkv_hotcache_get(&cache, &step, key_of(key), record_out);
}

static void keep(uint32_t key, uint64_t stamp, size_t bytes, uint64_t asked_ns)
{
    const struct gkv_record record = record_of(stamp, bytes);
    gkv_hotcache_keep(&cache, &step, key_of(key), &record, asked_ns);
}

/* Goal: an answer lasts for a ttl from when it was asked for, and not a nanosecond longer; it is
 * given whole. Method: one answer, looked for around its end; one that came too late. */
static void test_lasts_for_its_ttl(void **state)
{
    (void)state;
    cache_start(65536);
    const uint64_t asked_ns = step.now.mono_ns;
    step.now.mono_ns += 5 * MS;
    keep(1, 7, 300, asked_ns);
    struct gkv_record record;
    assert_true(get(1, &record));
    const struct gkv_record kept = record_of(7, 300);
    assert_int_equal(gkv_version_compare(record.version, kept.version), 0);
    assert_int_equal(record.expire_ms, kept.expire_ms);
    assert_true(gkv_bytes_equal(record.value, kept.value));
    assert_false(get(0, &record)); /* of the same hash */
    step.now.mono_ns = asked_ns + TTL_MS * MS - 1;
    assert_true(get(1, &record));
    step.now.mono_ns++;
    assert_false(get(1, &record));
    keep(1, 8, 300, asked_ns);
    assert_false(get(1, &record));
    assert_int_equal(cache.hit_count, 2);
}

/* Goal: after a write, nothing older is given that was asked for before it was over, however late
 * it comes. Method: a bar, and answers that were asked for before and after it, until all are
 * over. */
static void test_bar(void **state)
{
    (void)state;
    cache_start(65536);
    struct gkv_record record;
    const uint64_t before_ns = step.now.mono_ns;
    keep(1, 7, 10, before_ns);
    step.now.mono_ns += MS;
    gkv_hotcache_bar(&cache, &step, key_of(1), version_of(9));
    const uint64_t bar_ns = step.now.mono_ns;
    assert_false(get(1, &record));
    for (uint32_t i = 0; i < 2 * TTL_MS; i++) {
        keep(1, 8, 10, before_ns + MS / 2);
        keep(1, 8, 10, bar_ns);
        assert_false(get(1, &record));
        step.now.mono_ns += MS;
    }
    keep(1, 8, 10, step.now.mono_ns); /* an owner that is behind, asked long after */
    assert_true(get(1, &record));
    gkv_hotcache_bar(&cache, &step, key_of(1), version_of(9));
    keep(1, 9, 10, step.now.mono_ns);
    assert_true(get(1, &record));
}

/* Goal: when the ring changes, what was known before is not given, nor what was asked for before
 * kept. Method: a change between two answers. */
static void test_ring_changes(void **state)
{
    (void)state;
    cache_start(65536);
    struct gkv_record record;
    keep(1, 7, 10, step.now.mono_ns);
    keep(2, 7, 10, step.now.mono_ns);
    assert_true(get(1, &record));
    const uint64_t before_ns = step.now.mono_ns;
    step.now.mono_ns += MS;
    members.ring_epoch++;
    assert_false(get(1, &record));
    keep(1, 8, 10, before_ns);
    assert_false(get(1, &record));
    step.now.mono_ns += MS;
    keep(1, 8, 10, step.now.mono_ns);
    assert_true(get(1, &record));
    assert_false(get(2, &record));
}

/* Goal: the memory is what was asked for, to the byte, and when it is full the oldest goes; a large
 * answer is not kept, but makes older ones go. Method: sizes of all kinds; more answers than there
 * is room for. */
static void test_room(void **state)
{
    (void)state;
    for (uint64_t size = 4096; size <= SIZE_MAX_BYTES; size = size * 5 / 3) {
        struct gkv_options options;
        gkv_options_init(&options);
        options.hot_cache_size = size;
        struct gkv_arena arena = gkv_arena_counting();
        gkv_hotcache_init(&cache, &arena, &options);
        assert_true(arena.used <= size);
        assert_true(arena.used > size - 4 * GKV_ARENA_ALIGN);
    }
    cache_start(4096);
    struct gkv_record record;
    for (uint32_t i = 0; i < KEY_COUNT; i++) {
        keep(i, 7, 400, step.now.mono_ns);
        step.now.mono_ns += 1000;
    }
    uint32_t first = 0;
    while (first < KEY_COUNT && !get(first, &record)) {
        first++;
    }
    assert_in_range(first, 1, KEY_COUNT - 2);
    for (uint32_t i = first; i < KEY_COUNT; i++) {
        assert_true(get(i, &record));
    }
    static uint8_t large[4096];
    const struct gkv_record too_large = {.version = version_of(8), .value = {large, sizeof(large)}};
    gkv_hotcache_keep(&cache, &step, key_of(KEY_COUNT - 1), &too_large, step.now.mono_ns);
    assert_false(get(KEY_COUNT - 1, &record));
}

/* What the model knows: every answer and every bar there ever was. */
struct kept {
    uint64_t stamp;
    uint64_t at_ns;    /* when it came; of a bar: when it was set */
    uint64_t asked_ns; /* 0: a bar */
    uint32_t key;
};

struct model {
    struct kept all[KEPT_COUNT];
    uint32_t count;
    uint64_t ring_ns; /* when the ring changed */
    uint64_t stamp;   /* of what comes next */
};

/* May this be given now: was it asked for lately, after the ring changed, and after each newer
 * bar? */
static bool may_be_given(const struct model *model, const struct kept *answer)
{
    for (uint32_t i = 0; i < model->count; i++) {
        const struct kept *bar = &model->all[i];
        if (bar->key == answer->key && bar->asked_ns == 0 && bar->stamp > answer->stamp &&
            bar->at_ns >= answer->asked_ns) {
            return false;
        }
    }
    return answer->asked_ns != 0 && step.now.mono_ns < answer->asked_ns + TTL_MS * MS &&
           answer->asked_ns > model->ring_ns;
}

static void check_given(const struct model *model, uint32_t key, const struct gkv_record *record)
{
    const uint64_t stamp = record->version.hlc.packed;
    const struct gkv_record whole = record_of(stamp, (size_t)(stamp * 7 % 300));
    assert_true(gkv_bytes_equal(record->value, whole.value));
    bool is_allowed = false;
    for (uint32_t i = 0; i < model->count; i++) {
        const struct kept *answer = &model->all[i];
        is_allowed |= answer->key == key && answer->stamp == stamp && may_be_given(model, answer);
    }
    assert_true(is_allowed);
}

static void turn(struct model *model, struct gkv_prng *prng)
{
    const uint32_t key = (uint32_t)gkv_prng_below(prng, KEY_COUNT);
    const uint64_t draw = gkv_prng_below(prng, 200);
    struct gkv_record record;
    step.now.mono_ns += gkv_prng_below(prng, 2 * MS);
    const uint64_t now_ns = step.now.mono_ns;
    if (draw == 0) {
        members.ring_epoch++;
        model->ring_ns = now_ns;
        (void)get(key, &record);
    } else if (draw < 20) {
        gkv_hotcache_bar(&cache, &step, key_of(key), version_of(model->stamp));
        model->all[model->count++] = (struct kept){model->stamp, now_ns, 0, key};
    } else if (draw < 100) {
        const uint64_t asked_ns = now_ns - gkv_prng_below(prng, 30 * MS);
        keep(key, model->stamp, (size_t)(model->stamp * 7 % 300), asked_ns);
        model->all[model->count++] = (struct kept){model->stamp, now_ns, asked_ns, key};
    } else if (get(key, &record)) {
        check_given(model, key, &record);
    }
}

/* Goal: no program makes the cache give what it may not, whether it has much room or hardly any;
 * and with much room it gives a good part of what it might. Method: random keeps, bars, gets and
 * changes of the ring, beside a list of all that was. */
static void test_against_model(void **state)
{
    (void)state;
    static struct model model;
    for (uint32_t round = 0; round < 40; round++) {
        struct gkv_prng prng;
        gkv_prng_init(&prng, round, 0);
        cache_start(round % 2 == 0 ? 4096 : 65536);
        model.ring_ns = step.now.mono_ns - MS;
        model.count = 0;
        for (uint32_t i = 0; i < KEPT_COUNT; i++) {
            model.stamp = 1 + i / 8 + gkv_prng_below(&prng, 40);
            turn(&model, &prng);
        }
        assert_true(cache.hit_count > (round % 2 == 0 ? 50 : 200));
    }
}

/* ---- In a node. ------------------------------------------------------------------------------ */

static struct gkv_options hot_options(void)
{
    struct gkv_options options = nodes_options();
    options.level = GKV_LEVEL_EVENTUAL;
    options.write_quorum = 1;
    options.read_quorum = 1;
    options.sync_interval_ms = 3600000;
    options.hot_cache_size = 65536;
    options.hot_read_cache_ttl_ms = TTL_MS;
    return options;
}

/* A key that a node does not own. */
static void find_foreign(const struct nodes *nodes, uint32_t index, char key[16])
{
    uint16_t owners[GKV_REPLICA_COUNT_MAX];
    bool owns = true;
    for (unsigned i = 0; owns && i < 100; i++) {
        (void)snprintf(key, 16, "key%u", i);
        const uint32_t count = gkv_node_owners(nodes->node[index], nodes_text(key), owners);
        owns = false;
        for (uint32_t j = 0; j < count; j++) {
            owns = owns || owners[j] == GKV_MEMBER_SELF;
        }
    }
    assert_false(owns);
}

static uint64_t hit_count(const struct nodes *nodes)
{
    return gkv_node_stats(nodes->node[0]).hot_hit_count;
}

/* What node a answers for a key, 2 ms after it was asked. */
static const struct gkv_result *ask(struct nodes *nodes, const char *key)
{
    const uint64_t cookie = nodes_get(nodes, 0, key);
    nodes_run_ms(nodes, 2);
    return nodes_result(nodes, cookie);
}

static void expect_text(struct nodes *nodes, const char *key, const char *text)
{
    const struct gkv_result *result = ask(nodes, key);
    assert_int_equal(result->error, GKV_OK);
    assert_true(gkv_bytes_equal(result->value, nodes_text(text)));
}

/* Goal: a second get of a key of others is answered with what they answered the first, for a ttl,
 * and then they are asked again; so is what is not there; a key of its own is not kept. Method:
 * four nodes of which one owns nothing of the key, another writes meanwhile. */
static void test_second_get(void **state)
{
    (void)state;
    const struct gkv_options options = hot_options();
    struct nodes *nodes = nodes_start(4, &options);
    char key[16];
    find_foreign(nodes, 0, key);
    assert_int_equal(ask(nodes, key)->error, GKV_ERROR_NOT_FOUND); /* the ring is new to it */
    assert_int_equal(ask(nodes, key)->error, GKV_ERROR_NOT_FOUND);
    assert_int_equal(ask(nodes, key)->error, GKV_ERROR_NOT_FOUND);
    assert_int_equal(hit_count(nodes), 1);
    nodes_run_ms(nodes, TTL_MS);

    (void)nodes_set(nodes, 1, key, "old");
    nodes_run_ms(nodes, 5);
    expect_text(nodes, key, "old");
    (void)nodes_set(nodes, 1, key, "new");
    nodes_run_ms(nodes, 5);
    expect_text(nodes, key, "old");
    assert_int_equal(hit_count(nodes), 2);
    nodes_run_ms(nodes, TTL_MS);
    expect_text(nodes, key, "new");
    assert_int_equal(hit_count(nodes), 2);
    expect_text(nodes, key, "new");
    assert_int_equal(hit_count(nodes), 3);
    nodes_stop(nodes);
}

/* Goal: who writes through a node reads its own write there. Method: the same, and node a writes
 * and deletes what it has an answer for. */
static void test_own_write(void **state)
{
    (void)state;
    const struct gkv_options options = hot_options();
    struct nodes *nodes = nodes_start(4, &options);
    char key[16];
    find_foreign(nodes, 0, key);
    (void)nodes_set(nodes, 1, key, "old");
    nodes_run_ms(nodes, 5);
    expect_text(nodes, key, "old"); /* the ring is new to it */
    expect_text(nodes, key, "old");
    (void)nodes_set(nodes, 0, key, "own");
    nodes_run_ms(nodes, 5);
    expect_text(nodes, key, "own");
    expect_text(nodes, key, "own");
    assert_int_equal(hit_count(nodes), 1);
    (void)nodes_delete(nodes, 0, key);
    nodes_run_ms(nodes, 5);
    assert_int_equal(ask(nodes, key)->error, GKV_ERROR_NOT_FOUND);
    nodes_stop(nodes);
}

/* Goal: the limit counts the cache: a node with one takes no more memory. Method: what both ask
 * for, to a page of the store. */
static void test_limit(void **state)
{
    (void)state;
    struct gkv_options options = hot_options();
    options.memory_limit_bytes = 8 * 1024 * 1024;
    options.name = (struct gkv_name){.bytes = {'a'}, .count = 1};
    options.address = nodes_address(0);
    options.boot_id = 1;
    const size_t with = gkv_node_memory_bytes(&options);
    options.hot_cache_size = 0;
    const size_t without = gkv_node_memory_bytes(&options);
    assert_true(with > 0);
    assert_in_range(with + 2 * GKV_PAGE_BYTES, without, without + 4 * GKV_PAGE_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lasts_for_its_ttl), cmocka_unit_test(test_bar),
        cmocka_unit_test(test_ring_changes),      cmocka_unit_test(test_room),
        cmocka_unit_test(test_against_model),     cmocka_unit_test(test_second_get),
        cmocka_unit_test(test_own_write),         cmocka_unit_test(test_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
