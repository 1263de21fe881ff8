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

#endif
