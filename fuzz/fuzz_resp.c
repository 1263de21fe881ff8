/* Bytes of a Redis client into the door, with a store behind it.
 *
 * Goal   Whatever the bytes, how they are split, in which order operations end, which of them the
 *        door does by itself and how fast replies are fetched: the replies are the same as for one
 *        whole read and operations that all are asked for and end at once; nothing is stuck; the
 *        pool is whole again; no byte is touched outside the door's memory.
 * Input  The bytes, then 8 that seed the splits, the order, the slots that are served in place and
 *        the largest value.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/inplace.h"
#include "core/node.h"
#include "core/panic.h"
#include "core/prng.h"
#include "fuzz/harness.h"
#include "proto/door.h"

#define SEED_BYTES 8
#define INPUT_BYTES_MAX (256 * 1024)
#define SIDE_BYTES (64 * 1024)
#define STORE_BYTES (4 * 1024 * 1024) /* more than an input can fill */
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

/* What a run keeps its records in. Two views of it: all slots are served, for operations that end;
 * and some, which the door may use by itself. */
struct side {
    struct gkv_store store;
    struct gkv_hlc_clock clock;
    struct gkv_inplace all;
    struct gkv_inplace some;
};

/* An operation under way; its key and value are copied. */
struct open_operation {
    struct gkv_operation operation;
    uint8_t *bytes;
};

struct run {
    struct gkv_door *door;
    struct gkv_endpoint_stats peers;
    struct gkv_door_view view;
    struct gkv_commons all;
    struct gkv_commons some;
    _Alignas(GKV_ARENA_ALIGN) uint8_t side_memory[STORE_BYTES];
    uint8_t *memory;
    uint8_t *value; /* of the get that ends */
    size_t memory_bytes;
    uint32_t value_bytes_max;
    struct open_operation open[GKV_DOOR_WINDOW];
    uint32_t open_count;
    uint64_t reply_hash; /* FNV-1a of every reply byte */
    uint64_t reply_bytes;
};

static const struct gkv_now now = {.mono_ns = 1, .wall_ms = WALL_MS};

/* Keys in one slot of 16 are nobody's whom we can reach. */
#define LOST_SLOTS UINT64_C(0x0020002000200020)

static const struct gkv_inplace_caller caller = {.wall_ms = WALL_MS};

static void serve(struct gkv_inplace *inplace, const struct gkv_options *options,
                  struct gkv_arena *arena, struct gkv_prng *prng)
{
    gkv_inplace_init(inplace, arena, options);
    const uint64_t most = prng == NULL ? 0 : gkv_prng_below(prng, 3);
    for (uint32_t word = 0; word < GKV_SLOT_COUNT / 64; word++) {
        const uint64_t bits = most == 0 ? UINT64_MAX : gkv_prng_next(prng);
        gkv_word_store(gkv_inplace_served(inplace, word), most == 2 ? 0 : bits & ~LOST_SLOTS);
    }
}

/* Four keys have the largest value before anybody sets them: short inputs fill the pool. */
static void begin_store(struct run *run, struct gkv_prng *prng)
{
    struct gkv_options options;
    gkv_options_init(&options);
    options.level = GKV_LEVEL_EVENTUAL;
    options.write_quorum = 1;
    options.mark_count_max = 16;
    struct gkv_arena arena = gkv_arena_over(run->side_memory, STORE_BYTES);
    struct side *side = gkv_arena_carve(&arena, 1, sizeof(*side));
    serve(&side->all, &options, &arena, NULL);
    serve(&side->some, &options, &arena, prng);
    gkv_hlc_clock_init(&side->clock, options.drift_ms_max);
    const struct gkv_store_options store = {.limit_bytes = STORE_BYTES - SIDE_BYTES,
                                            .hash_seed = options.hash_seed,
                                            .policy = GKV_STORE_REJECT};
    gkv_store_init(&side->store, &arena, &store);
    run->all = (struct gkv_commons){&side->all, &side->store, &side->clock};
    run->some = (struct gkv_commons){&side->some, &side->store, &side->clock};
    memset(run->value, 'b', run->value_bytes_max);
    for (uint8_t i = 1; i <= 4; i++) {
        const uint8_t key[] = {'b', 'i', 'g', (uint8_t)('0' + i)};
        const struct gkv_operation set = {.kind = GKV_OPERATION_SET,
                                          .key = {key, sizeof(key)},
                                          .value = {run->value, run->value_bytes_max}};
        struct gkv_inplace_write write;
        const struct gkv_key hashed = gkv_inplace_key(&run->all, set.key);
        (void)gkv_inplace_write(&run->all, caller, hashed, &set, &write);
    }
}

static void on_operation(struct run *run, const struct gkv_operation *operation)
{
    GKV_ASSERT(operation->key.count > 0 && operation->key.count <= GKV_KEY_BYTES_MAX);
    GKV_ASSERT(operation->value.count <= run->value_bytes_max);
    GKV_ASSERT(operation->ttl_ms <= GKV_TTL_MS_MAX);
    GKV_ASSERT(run->open_count < GKV_DOOR_WINDOW);
    struct open_operation *open = &run->open[run->open_count++];
    *open = (struct open_operation){.operation = *operation};
    open->bytes = malloc(operation->key.count + operation->value.count);
    GKV_ASSERT(open->bytes != NULL);
    memcpy(open->bytes, operation->key.data, operation->key.count);
    open->operation.key.data = open->bytes;
    if (operation->value.count > 0) {
        open->operation.value.data = open->bytes + operation->key.count;
        memcpy(open->bytes + operation->key.count, operation->value.data, operation->value.count);
    }
}

static struct gkv_result get(struct run *run, const struct gkv_operation *operation)
{
    struct gkv_record record;
    const enum gkv_inplace_answer answer =
        gkv_inplace_get(&run->all, gkv_inplace_key(&run->all, operation->key),
                        (struct gkv_buffer){run->value, run->value_bytes_max}, &record);
    if (answer == GKV_INPLACE_ASK) {
        return (struct gkv_result){.error = GKV_ERROR_TIMEOUT};
    }
    if (answer == GKV_INPLACE_ABSENT || gkv_inplace_is_over(&run->all, WALL_MS, record.expire_ms)) {
        return (struct gkv_result){.error = GKV_ERROR_NOT_FOUND};
    }
    return (struct gkv_result){.value = record.value, .expire_ms = record.expire_ms};
}

/* End one operation: what it does happens now. */
static void complete(struct run *run, uint32_t index)
{
    GKV_ASSERT(index < run->open_count);
    const struct open_operation open = run->open[index];
    run->open[index] = run->open[--run->open_count];
    struct gkv_result result = {.error = GKV_OK};
    const struct gkv_key key = gkv_inplace_key(&run->all, open.operation.key);
    struct gkv_inplace_write write;
    if (open.operation.kind == GKV_OPERATION_GET) {
        result = get(run, &open.operation);
    } else if (!gkv_inplace_write(&run->all, caller, key, &open.operation, &write)) {
        result.error = GKV_ERROR_MEMORY;
    }
    result.cookie = open.operation.cookie;
    gkv_door_on_result(run->door, now, &result);
    free(open.bytes);
}

/* ---- A run ----------------------------------------------------------------------------------- */

/* prng: draws what the door may do by itself; NULL: nothing. */
static void begin(struct run *run, struct gkv_node *node, uint32_t value_bytes_max,
                  struct gkv_prng *prng)
{
    run->value_bytes_max = value_bytes_max;
    run->peers = (struct gkv_endpoint_stats){.dial_count = 0};
    run->open_count = 0;
    run->reply_bytes = 0;
    run->value = malloc(value_bytes_max);
    GKV_ASSERT(run->value != NULL);
    begin_store(run, prng);
    run->view = (struct gkv_door_view){
        .node = node, .commons = prng == NULL ? NULL : &run->some, .peers = &run->peers};
    run->memory_bytes = gkv_door_memory_bytes(value_bytes_max);
    run->memory = aligned_alloc(GKV_ARENA_ALIGN, run->memory_bytes + GUARD_BYTES);
    GKV_ASSERT(run->memory != NULL);
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
    free(run->value);
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
    return any || gkv_door_has_paused(run->door) || gkv_door_take_inplace_count(run->door) > 0;
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
        goes_on = goes_on || pending > 0 || gkv_door_has_paused(run->door);
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
    begin(&plain, node, bytes_max, NULL);
    run_plainly(&plain, input);
    begin(&wild, node, bytes_max, &prng);
    run_wildly(&wild, input, &prng);

    GKV_ASSERT(plain.reply_bytes == wild.reply_bytes);
    GKV_ASSERT(plain.reply_hash == wild.reply_hash);
    GKV_ASSERT(gkv_door_is_closing(plain.door) == gkv_door_is_closing(wild.door));
    end(&plain);
    end(&wild);
    return 0;
}
