/* Concurrency Kit's ck_ht: open addressing, one writer and many readers, so 256 of them with a lock
 * for writers each. It keeps pointers; the values behind them have a sequence lock each, as whoever
 * would use it must add. Readers copy with memcpy, which is a race by the standard: for speed
 * alone.
 */
#include <ck_ht.h>
#include <ck_spinlock.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "bench/performance/rival.h"
#include "core/hash.h"

const enum rival_kind rival_kind = RIVAL_STORE;

#define SHARD_COUNT 256

struct entry {
    _Atomic uint32_t sequence; /* odd: being written */
    uint32_t value_bytes;
    uint64_t version;
    uint8_t bytes[]; /* key, value */
};

struct shard {
    _Alignas(64) ck_spinlock_t lock;
    ck_ht_t table;
    uint64_t version;
};

static struct shard shards[SHARD_COUNT];

static void *take(size_t bytes)
{
    return malloc(bytes);
}

/* While it is filled, nobody reads. */
static void give(void *memory, size_t bytes, bool is_deferred)
{
    (void)bytes;
    (void)is_deferred;
    free(memory);
}

static struct ck_malloc allocator = {.malloc = take, .free = give};

static void hash_key(ck_ht_hash_t *hash, const void *key, size_t bytes, uint64_t seed)
{
    (void)seed;
    hash->value = gkv_hash(key, bytes, 0);
}

void rival_open(const struct rival_shape *shape)
{
    const uint64_t capacity = (uint64_t)shape->key_count / SHARD_COUNT * 19 / 10 + 64;
    for (uint32_t i = 0; i < SHARD_COUNT; i++) {
        ck_spinlock_init(&shards[i].lock);
        if (!ck_ht_init(&shards[i].table, CK_HT_MODE_BYTESTRING, hash_key, &allocator, capacity,
                        1)) {
            rival_fail("no memory");
        }
    }
}

void rival_enter(void)
{
}

void rival_leave(void)
{
}

static void write_value(struct entry *entry, const uint8_t *value, uint32_t value_bytes)
{
    const uint32_t before = atomic_load_explicit(&entry->sequence, memory_order_relaxed);
    atomic_store_explicit(&entry->sequence, before + 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    entry->value_bytes = value_bytes;
    memcpy(entry->bytes + RIVAL_KEY_BYTES, value, value_bytes);
    atomic_store_explicit(&entry->sequence, before + 2, memory_order_release);
}

/* Values of one key do not grow here. */
static struct entry *make(const struct rival_key *key, uint32_t value_bytes)
{
    struct entry *entry = calloc(1, sizeof(*entry) + RIVAL_KEY_BYTES + value_bytes);
    if (entry == NULL) {
        rival_fail("no memory");
    }
    memcpy(entry->bytes, key->words, RIVAL_KEY_BYTES);
    return entry;
}

bool rival_set(const struct rival_key *key, const uint8_t *value, uint32_t value_bytes)
{
    const ck_ht_hash_t hash = {.value = gkv_hash(key->words, RIVAL_KEY_BYTES, 0)};
    struct shard *shard = &shards[hash.value >> 56];
    ck_ht_entry_t found;
    ck_ht_entry_key_set(&found, key->words, RIVAL_KEY_BYTES);
    ck_spinlock_lock(&shard->lock);
    if (ck_ht_get_spmc(&shard->table, hash, &found)) {
        struct entry *entry = ck_ht_entry_value(&found);
        entry->version = ++shard->version;
        write_value(entry, value, value_bytes);
        ck_spinlock_unlock(&shard->lock);
        return true;
    }
    struct entry *entry = make(key, value_bytes);
    entry->version = ++shard->version;
    write_value(entry, value, value_bytes);
    ck_ht_entry_set(&found, hash, entry->bytes, RIVAL_KEY_BYTES, entry);
    if (!ck_ht_set_spmc(&shard->table, hash, &found)) {
        rival_fail("no memory");
    }
    ck_spinlock_unlock(&shard->lock);
    return true;
}

uint32_t rival_get(const struct rival_key *key, uint8_t *out, uint32_t capacity)
{
    const ck_ht_hash_t hash = {.value = gkv_hash(key->words, RIVAL_KEY_BYTES, 0)};
    ck_ht_entry_t found;
    ck_ht_entry_key_set(&found, key->words, RIVAL_KEY_BYTES);
    if (!ck_ht_get_spmc(&shards[hash.value >> 56].table, hash, &found)) {
        return UINT32_MAX;
    }
    const struct entry *entry = ck_ht_entry_value(&found);
    for (;;) {
        const uint32_t before = atomic_load_explicit(&entry->sequence, memory_order_acquire);
        const uint32_t value_bytes = entry->value_bytes;
        memcpy(out, entry->bytes + RIVAL_KEY_BYTES,
               value_bytes < capacity ? value_bytes : capacity);
        atomic_thread_fence(memory_order_acquire);
        if (before % 2 == 0 &&
            atomic_load_explicit(&entry->sequence, memory_order_relaxed) == before) {
            return value_bytes;
        }
    }
}

bool rival_get_many(const struct rival_key *keys, uint8_t *out, uint32_t capacity)
{
    (void)keys;
    (void)out;
    (void)capacity;
    return false;
}

struct rival_account rival_account(void)
{
    return (struct rival_account){0};
}
