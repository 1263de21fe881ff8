/* core/store.c, as a node's threads use it. */
#include <stdatomic.h>

#include "bench/performance/rival.h"
#include "core/hash.h"
#include "core/store.h"

const enum rival_kind rival_kind = RIVAL_STORE;

/* What a record of 16 + 100 bytes may take, index and all; a larger one its pages' slack as well.
 * */
#define RECORD_BYTES 48
#define FIXED_BYTES (UINT64_C(2) * 1024 * 1024)

static struct gkv_store store;
static _Atomic uint64_t stamp = 1;

static struct gkv_key key_of(const struct rival_key *key)
{
    const struct gkv_bytes bytes = {(const uint8_t *)key->words, RIVAL_KEY_BYTES};
    return (struct gkv_key){bytes, gkv_hash(bytes.data, bytes.count, 0)};
}

void rival_open(const struct rival_shape *shape)
{
    const uint64_t payload = RIVAL_KEY_BYTES + shape->value_bytes;
    const uint64_t limit = FIXED_BYTES + shape->key_count * (payload + RECORD_BYTES +
                                                             (payload > 116 ? payload / 3 : 24));
    struct gkv_arena arena = gkv_arena_over(rival_memory(limit), limit);
    gkv_store_init(&store, &arena,
                   &(struct gkv_store_options){.limit_bytes = limit, .policy = GKV_STORE_REJECT});
}

void rival_enter(void)
{
}

void rival_leave(void)
{
}

bool rival_set(const struct rival_key *key, const uint8_t *value, uint32_t value_bytes)
{
    const struct gkv_record record = {
        .version = {.hlc = {atomic_fetch_add_explicit(&stamp, 1, memory_order_relaxed)},
                    .writer = 1},
        .value = {value, value_bytes}};
    /* Between two threads the later version may be the earlier put: then nothing is to be stored.
     * */
    return gkv_store_put(&store, key_of(key), &record, NULL) != GKV_STORE_FULL;
}

uint32_t rival_get(const struct rival_key *key, uint8_t *out, uint32_t capacity)
{
    struct gkv_record record;
    if (!gkv_store_get(&store, key_of(key), 0, (struct gkv_buffer){out, capacity}, &record)) {
        return UINT32_MAX;
    }
    return (uint32_t)record.value.count;
}

bool rival_get_many(const struct rival_key *keys, uint8_t *out, uint32_t capacity)
{
    struct gkv_store_read reads[RIVAL_MANY];
    for (uint32_t i = 0; i < RIVAL_MANY; i++) {
        reads[i].key = key_of(&keys[i]);
        reads[i].buffer = (struct gkv_buffer){out + (uint64_t)i * capacity, capacity};
    }
    gkv_store_get_many(&store, 0, reads, RIVAL_MANY);
    for (uint32_t i = 0; i < RIVAL_MANY; i++) {
        if (!reads[i].is_found) {
            rival_fail("one of many gets found nothing");
        }
    }
    return true;
}

/* What is not in pages is touched by its first use: the index from the start, all of it soon. */
struct rival_account rival_account(void)
{
    const struct gkv_store_stats stats = gkv_store_stats(&store);
    const uint64_t pages_bytes = (uint64_t)store.index.pages.page_count * GKV_PAGE_BYTES;
    return (struct rival_account){.limit_bytes = stats.limit_bytes,
                                  .resident_bytes =
                                      stats.limit_bytes - pages_bytes + stats.held_bytes,
                                  .record_count = stats.record_count};
}
