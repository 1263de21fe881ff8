/* What stands for a value in the store may be anything: whoever reads it writes nothing beyond the
 * value, and what a codec packed is what is read. The input's first two bytes say how large the
 * value is said to be; the rest is what is packed, and then a value. */
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "core/panic.h"
#include "core/store.h"
#include "fuzz/harness.h"
#include "io_posix/packer.h"

#define LIMIT_BYTES GKV_STORE_BYTES_MIN
#define VALUE_BYTES_MAX 20000

static _Alignas(GKV_ARENA_ALIGN) uint8_t memory[LIMIT_BYTES];
static struct gkv_bytes input; /* what pack_input makes of every value */

static size_t pack_input(const uint8_t *plain, size_t plain_bytes, uint8_t *out, size_t capacity)
{
    (void)plain;
    (void)plain_bytes;
    const size_t count = input.count < capacity ? input.count : capacity;
    memcpy(out, input.data, count);
    return count;
}

/* Where the build has no LZ4: every bound, but nothing made whole. */
static bool unpack_nothing(const uint8_t *packed, size_t packed_bytes, uint8_t *out,
                           size_t plain_bytes)
{
    memset(out, packed[packed_bytes - 1], plain_bytes);
    return true;
}

static void put(struct gkv_store *store, struct gkv_packer packer, struct gkv_key key,
                struct gkv_bytes value)
{
    struct gkv_arena arena = gkv_arena_over(memory, sizeof(memory));
    const struct gkv_store_options options = {.limit_bytes = LIMIT_BYTES,
                                              .policy = GKV_STORE_REJECT,
                                              .packing = {packer, 1, VALUE_BYTES_MAX}};
    gkv_store_init(store, &arena, &options);
    const struct gkv_record record = {.version = {{1}, 1}, .value = value};
    GKV_ASSERT(gkv_store_put(store, key, &record, NULL) == GKV_STORE_STORED);
}

/* Read it into room of exactly its size, of which a sanitizer knows the ends. True when it is
 * `value`. */
static bool reads(const struct gkv_store *store, struct gkv_key key, struct gkv_bytes value)
{
    uint8_t *room = malloc(value.count);
    GKV_ASSERT(room != NULL);
    struct gkv_record record;
    const bool is_found =
        gkv_store_get(store, key, 0, (struct gkv_buffer){room, value.count}, &record);
    GKV_ASSERT(!is_found || record.value.count == value.count);
    const bool is_same = is_found && memcmp(room, value.data, value.count) == 0;
    free(room);
    return is_same;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct gkv_store store;
    static uint8_t zeros[VALUE_BYTES_MAX];
    if (size < 3) {
        return 0;
    }
    const size_t plain_bytes = 1 + ((size_t)data[0] | (size_t)data[1] << 8) % VALUE_BYTES_MAX;
    input = (struct gkv_bytes){data + 2, size - 2};
    struct gkv_packer packer = gkv_packer_lz4();
    const struct gkv_bytes name = {(const uint8_t *)"key", 3};
    const struct gkv_key key = {name, gkv_hash(name.data, name.count, 0)};
    const struct gkv_packer misled = {pack_input,
                                      packer.unpack == NULL ? unpack_nothing : packer.unpack};
    put(&store, misled, key, (struct gkv_bytes){zeros, plain_bytes});
    (void)reads(&store, key, (struct gkv_bytes){zeros, plain_bytes});

    if (packer.pack != NULL && input.count <= VALUE_BYTES_MAX) {
        put(&store, packer, key, input);
        GKV_ASSERT(reads(&store, key, input));
    }
    return 0;
}
