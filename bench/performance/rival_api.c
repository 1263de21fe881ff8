/* gridkv.h: a node at level EVENTUAL, with the blocking calls of any thread: what a user of the
 * library has of the store. It is alone, and owes two copies of what it is given to others. */
#include "bench/performance/rival.h"
#include "io_posix/gridkv.h"

const enum rival_kind rival_kind = RIVAL_NODE;

#define RECORD_BYTES 48
#define FIXED_BYTES (UINT64_C(4) * 1024 * 1024)
#define REASON_BYTES 256
#define READY_MS 10000

static struct gridkv *node;

void rival_open(const struct rival_shape *shape)
{
    const uint64_t payload = RIVAL_KEY_BYTES + shape->value_bytes;
    struct gridkv_options options;
    gridkv_options_init(&options);
    options.node_name = "alone";
    options.level = GRIDKV_LEVEL_EVENTUAL;
    options.replica_count = 3;
    options.write_quorum = 1;
    options.read_quorum = 1;
    options.memory_limit_bytes =
        FIXED_BYTES + shape->key_count * (RECORD_BYTES + payload + payload / 3);
    char reason[REASON_BYTES] = "no reason";
    if (gridkv_open(&options, &node, reason, sizeof(reason)) != GKV_OK) {
        rival_fail(reason);
    }
    if (gridkv_wait_ready(node, READY_MS) != GKV_OK) {
        rival_fail("the node does not become ready");
    }
}

void rival_enter(void)
{
}

void rival_leave(void)
{
}

bool rival_set(const struct rival_key *key, const uint8_t *value, uint32_t value_bytes)
{
    return gridkv_set(node, key->words, RIVAL_KEY_BYTES, value, value_bytes, 0) == GKV_OK;
}

uint32_t rival_get(const struct rival_key *key, uint8_t *out, uint32_t capacity)
{
    size_t value_bytes = 0;
    const enum gkv_error error =
        gridkv_get(node, key->words, RIVAL_KEY_BYTES, out, capacity, &value_bytes);
    return error == GKV_OK ? (uint32_t)value_bytes : UINT32_MAX;
}

bool rival_get_many(const struct rival_key *keys, uint8_t *out, uint32_t capacity)
{
    struct gridkv_read reads[RIVAL_MANY];
    for (uint32_t i = 0; i < RIVAL_MANY; i++) {
        reads[i] = (struct gridkv_read){.key = keys[i].words,
                                        .key_bytes = RIVAL_KEY_BYTES,
                                        .buffer = out + (uint64_t)i * capacity,
                                        .buffer_bytes = capacity};
    }
    if (gridkv_get_many(node, reads, RIVAL_MANY) != GKV_OK) {
        rival_fail("many gets were refused");
    }
    for (uint32_t i = 0; i < RIVAL_MANY; i++) {
        if (reads[i].error != GKV_OK) {
            rival_fail("one of many gets found nothing");
        }
    }
    return true;
}

struct rival_account rival_account(void)
{
    return (struct rival_account){0};
}
