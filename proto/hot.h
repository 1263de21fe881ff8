/* The four messages that every operation takes, WRITE, WRITE_REPLY, READ and READ_REPLY, to
 * protobuf and back by hand: in one pass, and without memory.
 *
 *   stream    | hlc fixed64 | body tag | length varint | body |
 *   body      | operation fixed64 | key bytes, or status varint | hlc | writer | expire_ms |
 *             | is_tombstone varint | value bytes |   each with its tag; what is zero is left out;
 *             a READ ends after the key, a WRITE_REPLY after the writer
 *
 * Model     All four have their fields at the same numbers, so one reader and one writer do. Only
 *           what lies as protobuf-c would write it is read: fields in order, none twice, none
 *           unknown, and no sender named. Whatever else is well-formed is left to proto/wire.h,
 *           which is told by the descriptors.
 * Bounds    O(bytes); nothing is copied but into the caller's buffer.
 * Invariant What is read is what protobuf-c reads, and what is written is what it writes, byte by
 *           byte; and what it writes is read (tests/test_hot.c, fuzz/fuzz_hot.c).
 * Not here  Which values are sound: proto/codec.c.
 */
#ifndef GKV_PROTO_HOT_H
#define GKV_PROTO_HOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/message.h"
#include "core/types.h"

bool gkv_hot_is(enum gkv_message_kind kind);

/* True: message_out is zeroed but for what the payload says; its views are lent from the payload.
 * False: message_out has changed; ask proto/wire.h. */
bool gkv_hot_read(struct gkv_bytes payload, struct gkv_message *message_out);

/* Write a message of these kinds; cluster_hash 0: a stream, and `from` is left out. Returns how
 * many bytes it is; 0 when it does not fit the capacity, and out is as it was. */
size_t gkv_hot_write(const struct gkv_message *message, uint64_t cluster_hash, uint8_t *out,
                     size_t capacity);

#endif
