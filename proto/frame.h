/* How a message lies in a datagram and in a stream.
 *
 *   stream    | length u32 | checksum u32 | payload, `length` bytes |   repeated
 *   datagram  | 'G' 'K' version 0 | checksum u32 | payload, the rest |
 *
 *             Integers are little-endian. checksum is the low half of XXH64(payload), seeded with
 *             GKV_FRAME_SEED: it finds broken bytes, it does not authenticate. A stream's first
 *             payload is a Hello, every other one and a datagram's is an Envelope
 *             (proto/gridkv.proto).
 *
 * Bounds    length <= the session's maximum, checked before a byte of the payload is waited for.
 */
#ifndef GKV_PROTO_FRAME_H
#define GKV_PROTO_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "core/types.h"

#define GKV_FRAME_HEADER_BYTES 8
#define GKV_FRAME_SEED UINT64_C(0x67726964)

enum gkv_frame_status {
    GKV_FRAME_WHOLE = 1,    /* payload_out is a view into bytes; consumed_out includes the header */
    GKV_FRAME_MORE = 2,     /* not all there yet */
    GKV_FRAME_TOO_LONG = 3, /* the stream cannot go on */
    GKV_FRAME_CHECKSUM = 4, /* the stream cannot go on; the datagram is dropped */
    GKV_FRAME_FOREIGN = 5,  /* a datagram that is not ours, or of another wire version */
};

/* Find the first frame of a stream's bytes. payload_bytes_max bounds `length`. */
enum gkv_frame_status gkv_frame_parse(struct gkv_bytes bytes, size_t payload_bytes_max,
                                      struct gkv_bytes *payload_out, size_t *consumed_out);

/* Write the header of a frame whose payload lies at header + GKV_FRAME_HEADER_BYTES. */
void gkv_frame_seal(uint8_t *header, size_t payload_bytes);

/* Check a datagram and find its payload. Never MORE or TOO_LONG. */
enum gkv_frame_status gkv_datagram_parse(struct gkv_bytes bytes, struct gkv_bytes *payload_out);

/* Write the header of a datagram whose payload lies at header + GKV_FRAME_HEADER_BYTES. */
void gkv_datagram_seal(uint8_t *header, size_t payload_bytes);

#endif
