/* A hash table as one writes it in an afternoon: chains, and a mutex for each 256th of them. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "bench/performance/rival.h"
#include "core/hash.h"

const enum rival_kind rival_kind = RIVAL_STORE;

#define SHARD_COUNT 256

struct entry {
    struct entry *next;
    uint64_t version;
    uint32_t key_bytes;
    uint32_t value_bytes;
    uint8_t bytes[]; /* key, value */
};

struct shard {
    _Alignas(64) pthread_mutex_t mutex;
    struct entry **chains;
    uint64_t version;
};

static struct shard shards[SHARD_COUNT];
static uint32_t chain_mask;

void rival_open(const struct rival_shape *shape)
{
    uint32_t count = 1;
    while (count < shape->key_count / SHARD_COUNT) {
        count *= 2;
    }
    chain_mask = count - 1;
    struct entry **chains = rival_memory((uint64_t)count * SHARD_COUNT * sizeof(*chains));
    for (uint32_t i = 0; i < SHARD_COUNT; i++) {
        (void)pthread_mutex_init(&shards[i].mutex, NULL);
        shards[i].chains = chains + (uint64_t)i * count;
    }
}

void rival_enter(void)
{
}

void rival_leave(void)
{
}

static struct entry **chain_of(struct shard *shard, uint64_t hash)
{
    return &shard->chains[hash / SHARD_COUNT & chain_mask];
}

/* The link that leads to the key's entry, or to NULL. */
static struct entry **find(struct entry **link, const struct rival_key *key)
{
    while (*link != NULL && ((*link)->key_bytes != RIVAL_KEY_BYTES ||
                             memcmp((*link)->bytes, key->words, RIVAL_KEY_BYTES) != 0)) {
        link = &(*link)->next;
    }
    return link;
}

bool rival_set(const struct rival_key *key, const uint8_t *value, uint32_t value_bytes)
{
    const uint64_t hash = gkv_hash(key->words, RIVAL_KEY_BYTES, 0);
    struct shard *shard = &shards[hash % SHARD_COUNT];
    (void)pthread_mutex_lock(&shard->mutex);
    struct entry **link = find(chain_of(shard, hash), key);
    struct entry *entry = *link;
    if (entry == NULL || entry->value_bytes != value_bytes) {
        struct entry *next = entry == NULL ? NULL : entry->next;
        entry = realloc(entry, sizeof(*entry) + RIVAL_KEY_BYTES + value_bytes);
        if (entry == NULL) {
            rival_fail("no memory");
        }
        entry->next = next;
        entry->key_bytes = RIVAL_KEY_BYTES;
        entry->value_bytes = value_bytes;
        memcpy(entry->bytes, key->words, RIVAL_KEY_BYTES);
        *link = entry;
    }
    entry->version = ++shard->version;
    memcpy(entry->bytes + RIVAL_KEY_BYTES, value, value_bytes);
    (void)pthread_mutex_unlock(&shard->mutex);
    return true;
}

uint32_t rival_get(const struct rival_key *key, uint8_t *out, uint32_t capacity)
{
    const uint64_t hash = gkv_hash(key->words, RIVAL_KEY_BYTES, 0);
    struct shard *shard = &shards[hash % SHARD_COUNT];
    uint32_t value_bytes = UINT32_MAX;
    (void)pthread_mutex_lock(&shard->mutex);
    const struct entry *entry = *find(chain_of(shard, hash), key);
    if (entry != NULL) {
        value_bytes = entry->value_bytes;
        memcpy(out, entry->bytes + RIVAL_KEY_BYTES,
               value_bytes < capacity ? value_bytes : capacity);
    }
    (void)pthread_mutex_unlock(&shard->mutex);
    return value_bytes;
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
