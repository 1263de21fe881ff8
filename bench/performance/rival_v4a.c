/* The prototype store that ours is held against: not part of the project; compiled where
 * GRIDKV_PROTOTYPES says it lies. Of its copies this is the one by vectors of 16 bytes. */
#define NO_MAIN
#define V 4
#define COPY 4
#include <store_bench.c>

#include "bench/performance/rival.h"

const enum rival_kind rival_kind = RIVAL_STORE;

/* Per entry: header and index. */
#define ENTRY_BYTES 40
#define VALUE_BYTES_MAX 16384

/* Its memory is cut in NSH parts, each of which must have room for as many as chance may put there.
 * */
void rival_open(const struct rival_shape *shape)
{
    if (shape->value_bytes > VALUE_BYTES_MAX) {
        rival_fail("not for values over 16 KiB");
    }
    const uint64_t mean_count = shape->key_count / NSH + 1;
    uint64_t entry_count = mean_count + mean_count / 16 + 16;
    while ((entry_count - mean_count) * (entry_count - mean_count) < 36 * mean_count) {
        entry_count++;
    }
    st_init2(shape->key_count,
             entry_count * NSH * (ENTRY_BYTES + RIVAL_KEY_BYTES + shape->value_bytes));
}

void rival_enter(void)
{
}

void rival_leave(void)
{
}

bool rival_set(const struct rival_key *key, const uint8_t *value, uint32_t value_bytes)
{
    return st_set(key->words, RIVAL_KEY_BYTES, value, value_bytes, 0) >= 0;
}

uint32_t rival_get(const struct rival_key *key, uint8_t *out, uint32_t capacity)
{
    return (uint32_t)st_get(key->words, RIVAL_KEY_BYTES, out, capacity);
}

bool rival_get_many(const struct rival_key *keys, uint8_t *out, uint32_t capacity)
{
    const void *key_at[RIVAL_MANY];
    void *out_at[RIVAL_MANY];
    uint32_t key_bytes[RIVAL_MANY];
    uint32_t capacities[RIVAL_MANY];
    int results[RIVAL_MANY];
    for (uint32_t i = 0; i < RIVAL_MANY; i++) {
        key_at[i] = keys[i].words;
        key_bytes[i] = RIVAL_KEY_BYTES;
        out_at[i] = out + (uint64_t)i * capacity;
        capacities[i] = capacity;
    }
    st_mget(key_at, key_bytes, out_at, capacities, results, RIVAL_MANY);
    return true;
}

struct rival_account rival_account(void)
{
    return (struct rival_account){0};
}
