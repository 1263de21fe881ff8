/* How a value is made smaller and whole again: two functions that the core is given.
 *
 * Model     The core calls no library. Whoever makes a node brings a codec, or none: io_posix
 *           brings LZ4 (io_posix/packer.h), the simulator one of its own (sim/shorthand.h).
 * Threads   Any may call both, at any time: they keep nothing.
 * Not here  Which values, and where they lie packed: core/packing.h.
 */
#ifndef GKV_CORE_PACKER_H
#define GKV_CORE_PACKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* No codec: both NULL. */
struct gkv_packer {
    /* Fill out, of capacity bytes, with plain_bytes bytes made smaller. Returns how many they are
     * then, 0 when they do not fit. */
    size_t (*pack)(const uint8_t *plain, size_t plain_bytes, uint8_t *out, size_t capacity);

    /* Fill out with the plain_bytes bytes that were packed. False when they were others or fewer:
     * then out may hold anything, but nothing beyond it was written, whatever `packed` is. packed
     * may lie in the same memory as out, if its end is at least GKV_PACKER_GAP_BYTES and 1/256 of
     * plain_bytes behind the end of out. */
    bool (*unpack)(const uint8_t *packed, size_t packed_bytes, uint8_t *out, size_t plain_bytes);
};

/* LZ4_DECOMPRESS_INPLACE_MARGIN asks for 32, and 1/256 of the packed bytes. */
#define GKV_PACKER_GAP_BYTES 32

#endif
