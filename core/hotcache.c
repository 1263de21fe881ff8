#include "core/hotcache.h"

#include "core/panic.h"

#define BYTES_PER_ENTRY 256 /* of the cache */
#define CELL_SHARE 4        /* an answer takes at most one in so many of the cells */
#define NONE 0              /* heads and next are places + 1 */

struct entry {
    struct gkv_version version;
    uint64_t key_hash;
    uint64_t added_ns;
    uint64_t fresh_ns; /* the answer is given until then; 0: it is a bar */
    uint64_t expire_ms;
    uint32_t next; /* in its chain, newest first */
    uint32_t cell; /* a chain: the key, then the value */
    uint32_t value_bytes;
    uint16_t key_bytes;
    bool is_tombstone;
    bool is_held; /* not dropped */
};

_Static_assert(sizeof(struct entry) == 64, "an entry is a cache line");
_Static_assert(GKV_KEY_BYTES_MAX <= UINT16_MAX, "key bytes fit 16 bits");

static struct entry *entry_at(const struct gkv_hotcache *cache, uint32_t place)
{
    GKV_ASSERT(place < cache->entry_count);
    return (struct entry *)gkv_at(cache, cache->entry_offset) + place;
}

static uint32_t *head_of(const struct gkv_hotcache *cache, uint64_t key_hash)
{
    uint32_t *heads = gkv_at(cache, cache->head_offset);
    return heads + (key_hash & (cache->head_count - 1));
}

static void check_hotcache(const struct gkv_hotcache *cache)
{
    GKV_ASSERT(cache->count <= cache->entry_count);
    GKV_ASSERT(cache->first < cache->entry_count);
    GKV_ASSERT(cache->count > 0 || cache->cells.free_count == cache->cells.cell_count);
}

void gkv_hotcache_init(struct gkv_hotcache *cache, struct gkv_arena *arena,
                       const struct gkv_options *options)
{
    *cache = (struct gkv_hotcache){.ttl_ns = options->hot_read_cache_ttl_ms * GKV_NS_PER_MS};
    if (options->hot_cache_size == 0) {
        return;
    }
    const size_t used_before = arena->used;
    cache->entry_count = (uint32_t)(options->hot_cache_size / BYTES_PER_ENTRY);
    cache->head_count = 1;
    while (cache->head_count * 2 <= cache->entry_count) {
        cache->head_count *= 2;
    }
    cache->entry_offset =
        gkv_offset_to(cache, gkv_arena_reserve(arena, cache->entry_count, sizeof(struct entry)));
    cache->head_offset =
        gkv_offset_to(cache, gkv_arena_carve(arena, cache->head_count, sizeof(uint32_t)));
    const uint64_t rest = options->hot_cache_size - (arena->used - used_before);
    gkv_cells_init(&cache->cells, arena, (uint32_t)(rest / GKV_CELL_BYTES));
    GKV_ASSERT(arena->used - used_before <= options->hot_cache_size);
}

/* The entry of a key, or NULL. */
static struct entry *find(const struct gkv_hotcache *cache, struct gkv_key key)
{
    for (uint32_t i = *head_of(cache, key.hash); i != NONE; i = entry_at(cache, i - 1)->next) {
        struct entry *entry = entry_at(cache, i - 1);
        GKV_ASSERT(entry->is_held);
        if (entry->key_hash == key.hash && entry->key_bytes == key.bytes.count &&
            gkv_cells_equal(&cache->cells, entry->cell, key.bytes)) {
            return entry;
        }
    }
    return NULL;
}

/* Its place stays, until the ring has come by it. */
static void drop(struct gkv_hotcache *cache, struct entry *entry)
{
    GKV_ASSERT(entry->is_held);
    uint32_t *link = head_of(cache, entry->key_hash);
    while (entry_at(cache, *link - 1) != entry) {
        link = &entry_at(cache, *link - 1)->next;
    }
    *link = entry->next;
    gkv_cells_free(&cache->cells, entry->cell);
    entry->is_held = false;
}

static void drop_oldest(struct gkv_hotcache *cache, uint64_t now_ns)
{
    GKV_ASSERT(cache->count > 0);
    struct entry *entry = entry_at(cache, cache->first);
    if (entry->is_held) {
        const bool is_over = now_ns >= entry->added_ns + cache->ttl_ns;
        cache->barred_ns = is_over ? cache->barred_ns : entry->added_ns;
        drop(cache, entry);
    }
    cache->first = (cache->first + 1) % cache->entry_count;
    cache->count--;
}

/* Add an entry, of the newest in the ring, in place of one of the same key. */
static void add(struct gkv_hotcache *cache, uint64_t now_ns, struct gkv_key key,
                const struct gkv_record *record, uint64_t fresh_ns)
{
    struct entry *held = find(cache, key);
    if (held != NULL) {
        drop(cache, held);
    }
    const uint32_t cell_count = gkv_cells_needed(key.bytes.count + record->value.count);
    GKV_ASSERT(cell_count <= cache->cells.cell_count);
    while (cache->count == cache->entry_count || cache->cells.free_count < cell_count) {
        drop_oldest(cache, now_ns);
    }
    const uint32_t place = (cache->first + cache->count) % cache->entry_count;
    uint32_t *head = head_of(cache, key.hash);
    *entry_at(cache, place) = (struct entry){
        .version = record->version,
        .key_hash = key.hash,
        .added_ns = now_ns,
        .fresh_ns = fresh_ns,
        .expire_ms = record->expire_ms,
        .next = *head,
        .cell = gkv_cells_write(&cache->cells, key.bytes, record->value),
        .value_bytes = (uint32_t)record->value.count,
        .key_bytes = (uint16_t)key.bytes.count,
        .is_tombstone = record->is_tombstone,
        .is_held = true,
    };
    *head = place + 1;
    cache->count++;
    check_hotcache(cache);
}

/* Owners are others since the ring changed, and what we wrote as one of them we did not bar: forget
 * all, and what is on its way. */
static void follow_ring(struct gkv_hotcache *cache, const struct gkv_step *step)
{
    if (cache->ring_epoch != step->members->ring_epoch) {
        cache->ring_epoch = step->members->ring_epoch;
        while (cache->count > 0) {
            drop_oldest(cache, step->now.mono_ns);
        }
        cache->barred_ns = step->now.mono_ns;
    }
}

bool gkv_hotcache_get(struct gkv_hotcache *cache, const struct gkv_step *step, struct gkv_key key,
                      struct gkv_record *record_out)
{
    if (!gkv_hotcache_is_on(cache)) {
        return false;
    }
    follow_ring(cache, step);
    const struct entry *entry = find(cache, key);
    if (entry == NULL || step->now.mono_ns >= entry->fresh_ns) {
        return false;
    }
    GKV_ASSERT(entry->fresh_ns <= entry->added_ns + cache->ttl_ns);
    uint8_t *value = NULL;
    if (entry->value_bytes > 0) {
        value = gkv_scratch_take(step->scratch, entry->value_bytes);
        gkv_cells_read(&cache->cells, entry->cell, entry->key_bytes, entry->value_bytes, value);
    }
    *record_out = (struct gkv_record){.version = entry->version,
                                      .expire_ms = entry->expire_ms,
                                      .is_tombstone = entry->is_tombstone,
                                      .value = {value, entry->value_bytes}};
    cache->hit_count++;
    return true;
}

void gkv_hotcache_keep(struct gkv_hotcache *cache, const struct gkv_step *step, struct gkv_key key,
                       const struct gkv_record *record, uint64_t asked_ns)
{
    if (!gkv_hotcache_is_on(cache)) {
        return;
    }
    follow_ring(cache, step);
    const uint64_t now_ns = step->now.mono_ns;
    const uint64_t fresh_ns = asked_ns + cache->ttl_ns;
    if (now_ns >= fresh_ns || asked_ns <= cache->barred_ns) {
        return;
    }
    const struct entry *held = find(cache, key);
    if (held != NULL && now_ns < held->added_ns + cache->ttl_ns &&
        gkv_version_compare(held->version, record->version) > 0) {
        return;
    }
    const size_t bytes = key.bytes.count + record->value.count;
    if (gkv_cells_needed(bytes) > cache->cells.cell_count / CELL_SHARE) {
        gkv_hotcache_bar(cache, step, key, record->version);
        return;
    }
    add(cache, now_ns, key, record, fresh_ns);
}

void gkv_hotcache_bar(struct gkv_hotcache *cache, const struct gkv_step *step, struct gkv_key key,
                      struct gkv_version version)
{
    if (!gkv_hotcache_is_on(cache)) {
        return;
    }
    follow_ring(cache, step);
    const struct entry *held = find(cache, key);
    const bool is_newest = held == NULL || gkv_version_compare(held->version, version) < 0;
    add(cache, step->now.mono_ns, key,
        &(struct gkv_record){.version = is_newest ? version : held->version}, 0);
}
