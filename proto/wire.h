/* Generated protobuf structs to bytes and back.
 *
 * Model     Reads the descriptors that protoc-c generates, as protobuf-c's own functions do, for
 *           the kinds of field that proto/gridkv.proto has: fixed64, uint32, bool, bytes, one of
 *           several messages, and repeated messages. One pass each way: reading goes forward with
 *           a small stack, and writing goes backward from the end, so that a length is known when
 *           it is written. protobuf-c scans a message twice, and sizes it twice per level.
 * Bounds    O(bytes). Memory is the caller's arena: an input that wants more of it is refused.
 *           Messages nest at most GKV_WIRE_DEPTH_MAX deep.
 * Invariant What is read and written is what protobuf-c reads and writes (tests/test_wire.c,
 *           fuzz/fuzz_codec.c), but that unknown fields are not kept, and that tags over 32 bits,
 *           numbers over 64 bits and a bool of another type are refused.
 * Not here  Which values are sound: proto/codec.c.
 */
#ifndef GKV_PROTO_WIRE_H
#define GKV_PROTO_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#include "core/types.h"

#define GKV_WIRE_DEPTH_MAX 4
#define GKV_WIRE_ALIGN 16 /* for any struct of protobuf-c or of ours */

struct gkv_wire_arena {
    uint8_t *memory; /* aligned to GKV_WIRE_ALIGN */
    size_t bytes;
    size_t used;
};

/* Memory of the arena, aligned to GKV_WIRE_ALIGN; NULL when it is used up. */
void *gkv_wire_allocate(struct gkv_wire_arena *arena, size_t bytes);

/* Read a message. All that it points to is in the arena. NULL: malformed, or too large. */
void *gkv_wire_unpack(const ProtobufCMessageDescriptor *descriptor, struct gkv_wire_arena *arena,
                      struct gkv_bytes payload);

/* Write a message to the beginning of out. Returns how many bytes it is; 0 when it is empty or does
 * not fit the capacity. What else is in out may have changed. */
size_t gkv_wire_pack(const ProtobufCMessageDescriptor *descriptor, const void *message,
                     uint8_t *out, size_t capacity);

/* Eight bytes, the least first. Spelled out, so that the compiler makes one load or store of
 * them. */
static inline uint64_t gkv_wire_get_u64(const uint8_t at[8])
{
    return (uint64_t)at[0] | (uint64_t)at[1] << 8 | (uint64_t)at[2] << 16 | (uint64_t)at[3] << 24 |
           (uint64_t)at[4] << 32 | (uint64_t)at[5] << 40 | (uint64_t)at[6] << 48 |
           (uint64_t)at[7] << 56;
}

static inline void gkv_wire_put_u64(uint8_t at[8], uint64_t value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
    at[2] = (uint8_t)(value >> 16);
    at[3] = (uint8_t)(value >> 24);
    at[4] = (uint8_t)(value >> 32);
    at[5] = (uint8_t)(value >> 40);
    at[6] = (uint8_t)(value >> 48);
    at[7] = (uint8_t)(value >> 56);
}

#endif
