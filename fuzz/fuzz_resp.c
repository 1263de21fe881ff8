/* Bytes of a Redis client into the door, with a made-up store behind it.
 *
 * Goal   Whatever the bytes, how they are split, in which order operations end and how fast
 *        replies are fetched: the replies are the same as for one whole read and operations that
 *        end at once; nothing is stuck; the pool is whole again; no byte is touched outside the
 *        door's memory.
 * Input  The bytes, then 8 that seed the splits, the order and the largest value.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/node.h"
#include "core/panic.h"
#include "core/prng.h"
#include "fuzz/harness.h"
#include "proto/door.h"

#define SEED_BYTES 8
#define INPUT_BYTES_MAX (256 * 1024)
#define KEY_COUNT_MAX 512
#define WALL_MS 1700000000000
#define GUARD_BYTES 64
#define GUARD 0xA5

/* ---- A node of one member, as far as the door looks ------------------------------------------ */

struct fake {
    struct gkv_members members;
    struct gkv_options options;
};

static struct fake *fake_node(void)
{
    static _Alignas(GKV_ARENA_ALIGN) uint8_t memory[16384];
    struct gkv_arena arena = gkv_arena_over(memory, sizeof(memory));
    struct fake *fake = gkv_arena_carve(&arena, 1, sizeof(*fake));
    struct gkv_update self = {.state = GKV_MEMBER_ALIVE, .incarnation = 3};
    self.name.count = 1;
    self.name.bytes[0] = 'a';
    gkv_members_init(&fake->members, &arena, 4, &self);
    gkv_options_init(&fake->options);
    return fake;
}

struct gkv_node_stats gkv_node_stats(const struct gkv_node *node)
{
    (void)node;
    return (struct gkv_node_stats){.member_count = 1, .reachable_count = 1};
}

const struct gkv_members *gkv_node_members(const struct gkv_node *node)
{
    return &((const struct fake *)(const void *)node)->members;
}

const struct gkv_options *gkv_node_options(const struct gkv_node *node)
{
    return &((const struct fake *)(const void *)node)->options;
}

bool gkv_node_is_ready(const struct gkv_node *node)
{
    return node != NULL;
}

uint32_t gkv_node_owners(struct gkv_node *node, struct gkv_bytes key,
                         uint16_t owners_out[GKV_REPLICA_COUNT_MAX])
{
    GKV_ASSERT(node != NULL && key.count > 0);
    owners_out[0] = 0;
    return 1;
}

/* ---- A store --------------------------------------------------------------------------------- */

struct entry {
    uint8_t key[GKV_KEY_BYTES_MAX];
    size_t key_bytes;
    uint8_t *value; /* NULL: none */
    size_t value_bytes;
    uint64_t expire_ms;
};

/* An operation under way; one that writes has its value copied. */
struct open_operation {
    uint64_t cookie;
    enum gkv_operation_kind kind;
    struct entry *entry;
    uint8_t *value;
    size_t value_bytes;
    uint64_t ttl_ms;
};

struct run {
    struct gkv_door *door;
    struct gkv_endpoint_stats peers;
    struct gkv_door_view view;
    uint8_t *memory;
    size_t memory_bytes;
    uint32_t value_bytes_max;
    struct entry
        *entries; /* KEY_COUNT_MAX; the last one is shared by all keys there is no room for */
    uint32_t entry_count;
    struct open_operation open[GKV_DOOR_WINDOW];
    uint32_t open_count;
    uint64_t reply_hash; /* FNV-1a of every reply byte */
    uint64_t reply_bytes;
};

static const struct gkv_now now = {.mono_ns = 1, .wall_ms = WALL_MS};

/* A key that begins with "big" has the largest value before anybody sets it: short inputs fill
 * the pool. */
static struct entry *find_entry(struct run *run, struct gkv_bytes key)
{
    for (uint32_t i = 0; i < run->entry_count; i++) {
        struct entry *entry = &run->entries[i];
        if (gkv_bytes_equal((struct gkv_bytes){entry->key, entry->key_bytes}, key)) {
            return entry;
        }
    }
    if (run->entry_count == KEY_COUNT_MAX) {
        return NULL;
    }
    struct entry *entry = &run->entries[run->entry_count++];
    memcpy(entry->key, key.data, key.count);
    entry->key_bytes = key.count;
    if (key.count >= 3 && memcmp(key.data, "big", 3) == 0) {
        entry->value_bytes = run->value_bytes_max;
        entry->value = malloc(entry->value_bytes);
        GKV_ASSERT(entry->value != NULL);
        memset(entry->value, (int)key.count, entry->value_bytes);
    }
    return entry;
}

static void on_operation(struct run *run, const struct gkv_operation *operation)
{
    GKV_ASSERT(operation->key.count > 0 && operation->key.count <= GKV_KEY_BYTES_MAX);
    GKV_ASSERT(operation->value.count <= run->value_bytes_max);
    GKV_ASSERT(operation->ttl_ms <= GKV_TTL_MS_MAX);
    GKV_ASSERT(run->open_count < GKV_DOOR_WINDOW);
    struct open_operation *open = &run->open[run->open_count++];
    *open = (struct open_operation){.cookie = operation->cookie,
                                    .kind = operation->kind,
                                    .entry = find_entry(run, operation->key),
                                    .ttl_ms = operation->ttl_ms};
    if (operation->kind == GKV_OPERATION_SET) {
        open->value_bytes = operation->value.count;
        open->value = malloc(open->value_bytes + 1);
        GKV_ASSERT(open->value != NULL);
        memcpy(open->value, operation->value.data, open->value_bytes);
    }
}

/* End one operation: what it does happens now. A key there is no room for is out of memory. */
static void complete(struct run *run, uint32_t index)
{
    GKV_ASSERT(index < run->open_count);
    struct open_operation open = run->open[index];
    run->open[index] = run->open[--run->open_count];
    struct gkv_result result = {.cookie = open.cookie};
    struct entry *entry = open.entry;
    if (entry == NULL) {
        result.error = open.kind == GKV_OPERATION_GET ? GKV_ERROR_TIMEOUT : GKV_ERROR_MEMORY;
        free(open.value);
    } else if (open.kind == GKV_OPERATION_GET) {
        result.error = entry->value == NULL ? GKV_ERROR_NOT_FOUND : GKV_OK;
        result.value = (struct gkv_bytes){entry->value, entry->value_bytes};
        result.expire_ms = entry->expire_ms;
    } else {
        free(entry->value);
        entry->value = open.value;
        entry->value_bytes = open.value_bytes;
        entry->expire_ms = open.ttl_ms == 0 ? 0 : WALL_MS + open.ttl_ms;
    }
    gkv_door_on_result(run->door, now, &result);
}

/* ---- A run ----------------------------------------------------------------------------------- */

static void begin(struct run *run, struct gkv_node *node, uint32_t value_bytes_max)
{
    *run = (struct run){.value_bytes_max = value_bytes_max};
    run->view = (struct gkv_door_view){.node = node, .peers = &run->peers};
    run->memory_bytes = gkv_door_memory_bytes(value_bytes_max);
    run->memory = aligned_alloc(GKV_ARENA_ALIGN, run->memory_bytes + GUARD_BYTES);
    run->entries = calloc(KEY_COUNT_MAX, sizeof(struct entry));
    GKV_ASSERT(run->memory != NULL && run->entries != NULL);
    memset(run->memory + run->memory_bytes, GUARD, GUARD_BYTES);
    run->door = gkv_door_init(run->memory, value_bytes_max, 7);
    run->reply_hash = UINT64_C(14695981039346656037);
}

static void end(struct run *run)
{
    GKV_ASSERT(run->open_count == 0);
    GKV_ASSERT(gkv_door_open_count(run->door) == 0);
    for (uint32_t i = 0; i < GUARD_BYTES; i++) {
        GKV_ASSERT(run->memory[run->memory_bytes + i] == GUARD);
    }
    for (uint32_t i = 0; i < run->entry_count; i++) {
        free(run->entries[i].value);
    }
    free(run->entries);
    free(run->memory);
}

static void fetch(struct run *run, size_t count)
{
    const struct gkv_bytes pending = gkv_door_pending(run->door);
    GKV_ASSERT(count <= pending.count);
    for (size_t i = 0; i < count; i++) {
        run->reply_hash = (run->reply_hash ^ pending.data[i]) * UINT64_C(1099511628211);
    }
    run->reply_bytes += count;
    gkv_door_sent(run->door, count);
}

/* Give up to count bytes; returns how many there was room for. */
static size_t give(struct run *run, struct gkv_bytes input, size_t count)
{
    size_t room;
    uint8_t *buffer = gkv_door_receive_buffer(run->door, &room);
    count = count < room ? count : room;
    count = count < input.count ? count : input.count;
    if (count > 0) {
        memcpy(buffer, input.data, count);
        gkv_door_on_received(run->door, count);
    }
    return count;
}

static bool take_operations(struct run *run)
{
    struct gkv_operation operation;
    bool any = false;
    while (gkv_door_next_operation(run->door, &run->view, now, &operation)) {
        on_operation(run, &operation);
        GKV_ASSERT(gkv_door_open_count(run->door) == run->open_count);
        any = true;
    }
    return any;
}

/* The plain way: as much as fits, operations end at once and in order, replies are fetched at
 * once. */
static void run_plainly(struct run *run, struct gkv_bytes input)
{
    bool goes_on = true;
    while (goes_on) {
        const size_t count = give(run, input, input.count);
        input = (struct gkv_bytes){input.data + count, input.count - count};
        goes_on = count > 0;
        struct gkv_operation operation;
        while (gkv_door_next_operation(run->door, &run->view, now, &operation)) {
            on_operation(run, &operation);
            complete(run, 0);
            goes_on = true;
        }
        const size_t pending = gkv_door_pending(run->door).count;
        goes_on = goes_on || pending > 0;
        fetch(run, pending);
    }
    GKV_ASSERT(input.count == 0 || gkv_door_is_closing(run->door));
}

/* Any other way: whatever the seed says may happen happens; when it says nothing for long, all
 * does. */
static void run_wildly(struct run *run, struct gkv_bytes input, struct gkv_prng *prng)
{
    const uint64_t split = gkv_prng_below(prng, 2) == 0 ? 3 : 1 + gkv_prng_below(prng, 5000);
    bool goes_on = true;
    while (goes_on) {
        const uint64_t dice = gkv_prng_next(prng);
        goes_on = false;
        if ((dice & 3) != 0) {
            const size_t count = give(run, input, 1 + (size_t)gkv_prng_below(prng, split));
            input = (struct gkv_bytes){input.data + count, input.count - count};
            goes_on = count > 0;
        }
        if ((dice & 12) != 0) {
            goes_on = take_operations(run) || goes_on;
        }
        if ((dice & 48) != 0 && run->open_count > 0) {
            complete(run, (uint32_t)gkv_prng_below(prng, run->open_count));
            goes_on = true;
        }
        const size_t pending = gkv_door_pending(run->door).count;
        if ((dice & 192) == 0 && pending > 0) {
            fetch(run, (size_t)gkv_prng_below(prng, pending) + 1);
            goes_on = true;
        }
        if (!goes_on) { /* nothing that was tried could be done: try everything */
            goes_on = take_operations(run) || run->open_count > 0 ||
                      gkv_door_pending(run->door).count > 0;
            while (run->open_count > 0) {
                complete(run, run->open_count - 1);
            }
            fetch(run, gkv_door_pending(run->door).count);
            const size_t count = give(run, input, 1);
            input = (struct gkv_bytes){input.data + count, input.count - count};
            goes_on = goes_on || count > 0;
        }
    }
    GKV_ASSERT(input.count == 0 || gkv_door_is_closing(run->door));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < SEED_BYTES || size > INPUT_BYTES_MAX) {
        return 0;
    }
    uint64_t seed = 0;
    memcpy(&seed, data + size - SEED_BYTES, SEED_BYTES);
    const struct gkv_bytes input = {data, size - SEED_BYTES};
    static const uint32_t value_bytes_max[] = {1, 64, 4096, 65536};
    struct gkv_prng prng;
    gkv_prng_init(&prng, seed, 0);
    const uint32_t bytes_max = value_bytes_max[gkv_prng_below(&prng, 4)];
    struct gkv_node *node = (struct gkv_node *)(void *)fake_node();

    static struct run plain;
    static struct run wild;
    begin(&plain, node, bytes_max);
    run_plainly(&plain, input);
    begin(&wild, node, bytes_max);
    run_wildly(&wild, input, &prng);

    GKV_ASSERT(plain.reply_bytes == wild.reply_bytes);
    GKV_ASSERT(plain.reply_hash == wild.reply_hash);
    GKV_ASSERT(gkv_door_is_closing(plain.door) == gkv_door_is_closing(wild.door));
    end(&plain);
    end(&wild);
    return 0;
}
