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

struct gkv_hash128 {
    uint64_t low;
    uint64_t high;
};

/* XXH64 of size bytes. The same on every machine, endian-free. */
uint64_t gkv_hash(const void *data, size_t size, uint64_t seed);

/* XXH3-128 of size bytes. The same on every machine, endian-free. */
struct gkv_hash128 gkv_hash128(const void *data, size_t size, uint64_t seed);

#endif
