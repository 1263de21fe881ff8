/* What an endpoint holds: private to proto/endpoint.c and proto/outbound.c. */
#ifndef GKV_PROTO_ENDPOINT_STATE_H
#define GKV_PROTO_ENDPOINT_STATE_H

#include "core/prng.h"
#include "proto/codec.h"
#include "proto/endpoint.h"
#include "proto/queue.h"
#include "proto/stream.h"

#define GKV_STRAY_BYTES 64 /* room for what should not come: bytes on a stream that we dialled */

struct gkv_endpoint {
    ptrdiff_t node_offset;
    ptrdiff_t datagram_offset; /* the one datagram that is lent by an output */
    ptrdiff_t staging_offset;  /* a frame that would lie around the end of a ring */
    struct gkv_identity self;
    struct gkv_address address;
    uint64_t cluster_hash; /* never 0, which means "none" on the wire */
    struct gkv_now now;    /* of the last input */
    struct gkv_prng prng;
    struct gkv_codec
        decoder; /* what it decoded last is lent to the core while its actions are encoded */
    struct gkv_codec encoder;
    struct gkv_streams streams;
    struct gkv_queue notices; /* CONNECT and CLOSE */
    struct gkv_queue sends;   /* dialled streams with bytes that the shim has not been told of */
    struct gkv_queue parses;  /* accepted streams with bytes that were not looked at */
    struct gkv_queue downs; /* addresses whose stream failed, which the core has not been told of */
    uint64_t deadline_ns;   /* no place's until_ns, of those that count, is earlier */
    bool is_timer_due;
    bool is_ring_filling;   /* a stream has so much to send that the shim must come first */
    struct gkv_event event; /* of the last step: borrowed by the core until its actions are taken */
    struct gkv_message message; /* the same */
    struct gkv_endpoint_stats stats;
    uint8_t stray[GKV_STRAY_BYTES];
};

#endif
