/* Messages to protobuf and back (proto/gridkv.proto), in bounded memory.
 *
 * Model     protobuf-c's generated structs, filled by proto/wire.h in a fixed arena: with
 *           protobuf-c's own functions and malloc, 4,000 bytes of empty sub-messages were measured
 *           to become 240,560 bytes of heap. An input that wants more than the arena is malformed.
 * Bounds    gkv_codec_init's arena, fixed. A decoded message is checked field by field: counts
 *           within core/bounds.h, enums known, sizes of ids, addresses, names, keys and values in
 *           range, stamps and expiry within GKV_HLC_WALL_MS_MAX. What passes may be given to the
 *           core as it is.
 * Invariant decode(encode(m)) equals m for every m that the core makes.
 */
#ifndef GKV_PROTO_CODEC_H
#define GKV_PROTO_CODEC_H

#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/message.h"
#include "core/types.h"

/* The first thing said on a stream, by the side that dialled it. */
struct gkv_hello {
    uint32_t wire_version;
    uint64_t cluster_hash;
    struct gkv_identity from;
    struct gkv_address address; /* where `from` listens */
};

struct gkv_codec {
    ptrdiff_t arena_offset;
    size_t arena_bytes;
    size_t arena_used; /* by the message last decoded or encoded */
    uint32_t value_bytes_max;
};

/* Lay out a codec for messages whose values are at most value_bytes_max long. */
void gkv_codec_init(struct gkv_codec *codec, struct gkv_arena *arena, uint32_t value_bytes_max);

/* The longest payload that gkv_codec_encode can make: what receive buffers are sized by. */
size_t gkv_codec_payload_bytes_max(uint32_t value_bytes_max);

/* Decode the payload of a frame. Views in message_out are lent until the next call on this codec,
 * and by the payload itself; cluster_hash_out is what a datagram's envelope names (0: none, as in
 * streams). GKV_ERROR_MALFORMED  message_out is untouched. */
GKV_MUST_USE enum gkv_error gkv_codec_decode(struct gkv_codec *codec, struct gkv_bytes payload,
                                             struct gkv_message *message_out,
                                             uint64_t *cluster_hash_out);

/* Encode a message. cluster_hash 0: a stream, whose session knows the sender; `from` is left out.
 * Returns the payload's length, or 0 when it does not fit capacity; out may have changed then. */
size_t gkv_codec_encode(struct gkv_codec *codec, const struct gkv_message *message,
                        uint64_t cluster_hash, uint8_t *out, size_t capacity);

GKV_MUST_USE enum gkv_error gkv_codec_decode_hello(struct gkv_codec *codec,
                                                   struct gkv_bytes payload,
                                                   struct gkv_hello *hello_out);
size_t gkv_codec_encode_hello(struct gkv_codec *codec, const struct gkv_hello *hello, uint8_t *out,
                              size_t capacity);

#endif
