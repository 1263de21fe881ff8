/* Every maximum of the wire, tied to the core's. */
#ifndef GKV_PROTO_BOUNDS_H
#define GKV_PROTO_BOUNDS_H

#include "core/bounds.h"

#define GKV_WIRE_VERSION 1
#define GKV_DATAGRAM_BYTES_MAX 1400 /* fits every path's MTU with its IP and UDP headers */

/* One member update, encoded, at the very most (tests/test_codec.c makes that update). */
#define GKV_UPDATE_BYTES_MAX 208
#define GKV_TABLE_UPDATE_BYTES_MAX 160 /* and without confirmers, as tables have them */

/* The largest datagram: envelope, sequence and subject of a PING beside its updates. */
#define GKV_GOSSIP_OVERHEAD_BYTES_MAX 112
_Static_assert(GKV_UPDATE_COUNT_MAX *GKV_UPDATE_BYTES_MAX + GKV_GOSSIP_OVERHEAD_BYTES_MAX <=
                   GKV_DATAGRAM_BYTES_MAX,
               "the fullest gossip fits a datagram");

/* Of a frame, besides one key and one value. The longest are a whole member table (PUSH_PULL) and
 * GKV_SYNC_RECORD_COUNT_MAX records; a record costs under 64 bytes besides its key and value. */
#define GKV_FRAME_OVERHEAD_BYTES_MAX (192 * 1024)
_Static_assert(GKV_MEMBER_COUNT_MAX *GKV_TABLE_UPDATE_BYTES_MAX + 1024 <=
                   GKV_FRAME_OVERHEAD_BYTES_MAX,
               "the largest member table fits a frame");
_Static_assert(GKV_SYNC_RECORD_BYTES_MAX + GKV_SYNC_RECORD_COUNT_MAX * 64 + 1024 <=
                   GKV_FRAME_OVERHEAD_BYTES_MAX,
               "the records of one message fit a frame");
_Static_assert(GKV_SYNC_KEY_COUNT_MAX * 24 + 1024 <= GKV_FRAME_OVERHEAD_BYTES_MAX,
               "the keys of one message fit a frame");

/* What decoding needs beside the bytes of the payload: protobuf-c's notes and structs, rounded up,
 * and the core's lists. A member update, the worst, takes under 480 bytes. */
#define GKV_CODEC_OVERHEAD_BYTES (512 * 1024)
_Static_assert(GKV_MEMBER_COUNT_MAX * 480 <= GKV_CODEC_OVERHEAD_BYTES,
               "the largest member table can be decoded");

#define GKV_HELLO_TIMEOUT_MS 3000 /* an accepted stream says HELLO by then, or is closed */
#define GKV_DIAL_TIMEOUT_MS 3000  /* a dialled one is open by then, or has failed */
#define GKV_HELLO_GRACE_MS 250    /* before then it keeps its place, even when places run short */
#define GKV_ACCEPTED_IDLE_MS 5000 /* who said nothing for so long gives way when they do */
#define GKV_DIAL_BACKOFF_MS_MIN 50
#define GKV_DIAL_BACKOFF_MS_MAX 1000

/* Streams dialled to addresses of neither a member nor a seed. A HELLO may name any address, and so
 * have us knock there; it must not keep us from those whom we know. */
#define GKV_STRANGER_COUNT_MAX 8

#endif
