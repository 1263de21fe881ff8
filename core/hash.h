/* The hashes of the project: where a key lands on the ring and in the store, digests, node ids.
 *
 * Model     XXH64 for the ring (its definition is part of the wire contract:
 *           docs/protocol/ring.md), XXH3-128 for digests and ids. hash.c is the only file that
 *           includes xxhash.h.
 */
#ifndef GKV_CORE_HASH_H
#define GKV_CORE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct gkv_hash128 {
    uint64_t low;
    uint64_t high;
};

/* XXH64 of GKV_HASH_LONG_BYTES or more. */
uint64_t gkv_hash_long(const void *data, size_t size, uint64_t seed);

#define GKV_HASH_LONG_BYTES 32

/* The primes of the definition (doc/xxhash_spec.md of xxHash, "XXH64 algorithm description"). */
#define GKV_HASH_PRIME_1 UINT64_C(0x9e3779b185ebca87)
#define GKV_HASH_PRIME_2 UINT64_C(0xc2b2ae3d27d4eb4f)
#define GKV_HASH_PRIME_3 UINT64_C(0x165667b19e3779f9)
#define GKV_HASH_PRIME_4 UINT64_C(0x85ebca77c2b2ae63)
#define GKV_HASH_PRIME_5 UINT64_C(0x27d4eb2f165667c5)

static inline uint64_t gkv_hash_rotate(uint64_t value, unsigned count)
{
    return value << count | value >> (64 - count);
}

/* The number that `bytes` bytes, 4 or 8, make with the lowest first. */
static inline uint64_t gkv_hash_read(const uint8_t *data, size_t bytes)
{
    uint64_t value = 0;
    memcpy(&value, data, bytes);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    value = __builtin_bswap64(value);
#endif
    return value;
}

/* XXH64 of size bytes. The same on every machine, endian-free. Keys are short, and what is written
 * for all lengths takes twice the instructions for them: so those have it here. */
static inline uint64_t gkv_hash(const void *data, size_t size, uint64_t seed)
{
    if (size >= GKV_HASH_LONG_BYTES) {
        return gkv_hash_long(data, size, seed);
    }
    const uint8_t *next = data;
    uint64_t hash = seed + GKV_HASH_PRIME_5 + size;
    size_t left = size;
    for (; left >= 8; left -= 8, next += 8) {
        const uint64_t word = gkv_hash_read(next, 8) * GKV_HASH_PRIME_2;
        hash ^= gkv_hash_rotate(word, 31) * GKV_HASH_PRIME_1;
        hash = gkv_hash_rotate(hash, 27) * GKV_HASH_PRIME_1 + GKV_HASH_PRIME_4;
    }
    if (left >= 4) {
        hash ^= gkv_hash_read(next, 4) * GKV_HASH_PRIME_1;
        hash = gkv_hash_rotate(hash, 23) * GKV_HASH_PRIME_2 + GKV_HASH_PRIME_3;
        left -= 4;
        next += 4;
    }
    for (; left > 0; left--, next++) {
        hash ^= *next * GKV_HASH_PRIME_5;
        hash = gkv_hash_rotate(hash, 11) * GKV_HASH_PRIME_1;
    }
    hash = (hash ^ hash >> 33) * GKV_HASH_PRIME_2;
    hash = (hash ^ hash >> 29) * GKV_HASH_PRIME_3;
    return hash ^ hash >> 32;
}

/* XXH3-128 of size bytes. The same on every machine, endian-free. */
struct gkv_hash128 gkv_hash128(const void *data, size_t size, uint64_t seed);

#endif
