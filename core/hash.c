#include "core/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t gkv_hash_long(const void *data, size_t size, uint64_t seed)
{
    return XXH64(data, size, seed);
}

struct gkv_hash128 gkv_hash128(const void *data, size_t size, uint64_t seed)
{
    const XXH128_hash_t hash = XXH3_128bits_withSeed(data, size, seed);
    return (struct gkv_hash128){.low = hash.low64, .high = hash.high64};
}
