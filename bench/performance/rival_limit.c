/* What no store can do without: hash the key, read a line of an index at random, go where that
 * says, and copy the value. No tags, no versions, no comparing of keys, no second thread: not a
 * store. */
#include <string.h>

#include "bench/performance/rival.h"
#include "core/hash.h"
#include "core/prng.h"

const enum rival_kind rival_kind = RIVAL_LIMIT;

#define LINE_BYTES 64
#define HEAD_BYTES 40 /* of an entry: a header of 24 bytes, and the key */

struct line {
    uint32_t entry;
    uint8_t rest[LINE_BYTES - sizeof(uint32_t)];
};

static struct line *lines;
static uint64_t line_count;
static uint8_t *entries;
static uint64_t entry_bytes;

void rival_open(const struct rival_shape *shape)
{
    line_count = (uint64_t)shape->key_count * 2 / 11 + 1; /* 5.5 entries each */
    entry_bytes = (HEAD_BYTES + (uint64_t)shape->value_bytes + 15) / 16 * 16;
    lines = rival_memory(line_count * sizeof(*lines));
    entries = rival_memory(entry_bytes * shape->key_count);
    memset(entries, 'v', entry_bytes * shape->key_count);
    struct gkv_prng prng;
    gkv_prng_init(&prng, 1, 0);
    for (uint64_t i = 0; i < line_count; i++) {
        lines[i].entry = (uint32_t)gkv_prng_below(&prng, shape->key_count);
    }
}

void rival_enter(void)
{
}

void rival_leave(void)
{
}

static uint8_t *value_of(const struct rival_key *key)
{
    const uint64_t hash = gkv_hash(key->words, RIVAL_KEY_BYTES, 0);
    return entries + lines[(hash >> 32) * line_count >> 32].entry * entry_bytes + HEAD_BYTES;
}

bool rival_set(const struct rival_key *key, const uint8_t *value, uint32_t value_bytes)
{
    memcpy(value_of(key), value, value_bytes);
    return true;
}

uint32_t rival_get(const struct rival_key *key, uint8_t *out, uint32_t capacity)
{
    memcpy(out, value_of(key), capacity);
    return capacity;
}

bool rival_get_many(const struct rival_key *keys, uint8_t *out, uint32_t capacity)
{
    for (uint32_t i = 0; i < RIVAL_MANY; i++) {
        (void)rival_get(&keys[i], out + (uint64_t)i * capacity, capacity);
    }
    return true;
}

struct rival_account rival_account(void)
{
    return (struct rival_account){0};
}
