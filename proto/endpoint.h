/* One node as bytes in, bytes out: a core node, the codec, and its peers' streams. Both shims drive
 * this same endpoint, so the simulator runs the real codec and every partial read.
 *
 * Model     Each side speaks only on the streams it dialled and listens only on those it accepted:
 *           two streams per pair, no tie to break, no duplicate to find (docs/decisions). A stream
 *           is dialled when there is something to say; a failed one is dialled again after a
 *           backoff that doubles from GKV_DIAL_BACKOFF_MS_MIN to _MAX (half of it random, and from
 *           the start again after a stream that lasted), or at once when that peer says HELLO to
 *           us.
 *
 *   dialled   FREE     -> DIALLING [send]  output CONNECT; HELLO is the first thing in its ring
 *             DIALLING -> OPEN     [on_connected]
 *             DIALLING -> BACKOFF  [on_closed, GKV_DIAL_TIMEOUT_MS]  the core hears STREAM_DOWN
 *             OPEN     -> BACKOFF  [on_closed, a byte received]      the same
 *             OPEN     -> DIALLING [send]  idle, and its place is needed for another address; or a
 *                                          stranger's, and a member's message needs it
 *             DIALLING -> DIALLING [send]  the latter
 *             BACKOFF  -> DIALLING [send]  once it is over, to the same address or another one
 *   accepted  FREE -> NEW  [on_accepted]
 *             NEW  -> OPEN [HELLO]
 *             NEW  -> FREE [on_closed, GKV_HELLO_TIMEOUT_MS, refused]
 *             OPEN -> FREE [on_closed, refused, or superseded and its place is needed]
 *           When places run short, those who hold one without use give way (gkv_stream_find_idle,
 *           gkv_stream_find_acceptable): strangers, silent or many, do not keep members out.
 *
 *           What is said while DIALLING waits in the stream's ring; during BACKOFF, or when the
 *           ring is full, it is dropped and counted: every protocol above survives loss.
 *
 *           The shim, for each input: call the gkv_endpoint_* function, then take outputs until
 *           there are none:
 *             while (gkv_endpoint_next_output(endpoint, &output)) { ... }
 *           Frames that wait in receive buffers are handled inside gkv_endpoint_next_output, one at
 *           a time and one stream after the other, so that what an output lends is valid until the
 *           next call on the endpoint. Within the loop the shim may call gkv_endpoint_pending,
 *           _sent, _on_connected and _on_closed (a connect or a write that fails at once); every
 *           other input waits until the loop is over.
 * Bounds    gkv_endpoint_memory_bytes, fixed: member_count_max + seeds dialled streams, twice as
 *           many accepted ones; a ring of two frames or a buffer of one each.
 * Invariant No input from a peer makes an assertion fail; each refusal is counted in
 *           gkv_endpoint_stats and closes at most that peer's stream.
 * Not here  A peer that vanished without a word while bytes lie in the kernel's buffers: the shim's
 *           TCP_USER_TIMEOUT and keep-alive end such streams.
 */
#ifndef GKV_PROTO_ENDPOINT_H
#define GKV_PROTO_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/error.h"
#include "core/event.h"
#include "core/node.h"
#include "core/options.h"
#include "proto/stream.h"

struct gkv_endpoint;

enum gkv_output_kind {
    GKV_OUTPUT_DATAGRAM = 1, /* send as.datagram.bytes to its address; may be dropped */
    GKV_OUTPUT_CONNECT = 2,  /* open a stream to as.connect.address; answer connected or closed */
    GKV_OUTPUT_CLOSE = 3,    /* close as.stream; the handle is dead already, do not answer */
    GKV_OUTPUT_SEND = 4,     /* as.stream has bytes to send: write gkv_endpoint_pending until it is
                                empty, waiting for writability in between. Not said again before it
                                was empty, whatever is added meanwhile */
    GKV_OUTPUT_COMPLETE = 5, /* a client operation is over: as.result */
    GKV_OUTPUT_MEMBER = 6,   /* a member's state changed: as.member */
    GKV_OUTPUT_DEGRADED = 7, /* a member is DEGRADED from now on, or no more: as.degraded */
};

struct gkv_output {
    enum gkv_output_kind kind;
    union {
        struct {
            struct gkv_address address;
            struct gkv_bytes bytes;
        } datagram;
        struct {
            struct gkv_stream stream;
            struct gkv_address address;
        } connect;
        struct gkv_stream stream;
        struct gkv_result result;
        struct gkv_update member;
        struct {
            struct gkv_identity who;
            bool is_degraded;
        } degraded;
    } as;
};

struct gkv_endpoint_stats {
    uint64_t datagram_in_count, datagram_in_bytes;
    uint64_t datagram_out_count, datagram_out_bytes;
    uint64_t frame_in_count, frame_out_count;
    uint64_t stream_in_bytes, stream_out_bytes;
    uint64_t dial_count, dial_failed_count;
    uint64_t accepted_count;
    /* Refused, by reason. */
    uint64_t refused_checksum;
    uint64_t refused_too_long;
    uint64_t refused_malformed;
    uint64_t refused_foreign; /* not our magic, or another wire version */
    uint64_t refused_cluster; /* another cluster's name */
    uint64_t refused_hello;   /* no HELLO in time, a second one, or an answer on a dialled stream */
    uint64_t refused_full;    /* no place for another accepted stream, or made to give way to one */
    /* Dropped on the way out. */
    uint64_t dropped_backoff;
    uint64_t dropped_full;     /* the stream's send buffer, or no place for another stream */
    uint64_t dropped_stranger; /* no place for a stream to somebody whom we do not know */
    uint64_t dropped_too_long; /* a datagram over budget */
};

/* Exact; 0 when gkv_options_check refuses. */
size_t gkv_endpoint_memory_bytes(const struct gkv_options *options);

/* As gkv_node_init: memory of gkv_endpoint_memory_bytes(options) bytes, aligned to GKV_ARENA_ALIGN.
 * Buffers are not touched before they are used, so that memory fresh from the system stays so. */
GKV_MUST_USE enum gkv_error gkv_endpoint_init(void *memory, size_t bytes,
                                              const struct gkv_options *options,
                                              struct gkv_endpoint **endpoint_out);

/* Inputs. `now` as in gkv_node_step. */

/* A datagram came from `source`; bytes are borrowed until the outputs are drained. */
void gkv_endpoint_on_datagram(struct gkv_endpoint *endpoint, struct gkv_now now,
                              const struct gkv_address *source, struct gkv_bytes bytes);

/* Somebody opened a stream to us.
 * GKV_ERROR_BUSY  no place (counted): close it. */
GKV_MUST_USE enum gkv_error gkv_endpoint_on_accepted(struct gkv_endpoint *endpoint,
                                                     struct gkv_now now,
                                                     struct gkv_stream *stream_out);

/* A CONNECT succeeded. */
void gkv_endpoint_on_connected(struct gkv_endpoint *endpoint, struct gkv_now now,
                               struct gkv_stream stream);

/* Where to receive a stream's next bytes: lent until the next call on the endpoint. room_out is 0
 * only when the handle is dead (outputs being drained). */
uint8_t *gkv_endpoint_receive_buffer(struct gkv_endpoint *endpoint, struct gkv_stream stream,
                                     size_t *room_out);

/* count bytes were received into that buffer. */
void gkv_endpoint_on_received(struct gkv_endpoint *endpoint, struct gkv_now now,
                              struct gkv_stream stream, size_t count);

/* A stream ended, failed, or could not be opened. */
void gkv_endpoint_on_closed(struct gkv_endpoint *endpoint, struct gkv_now now,
                            struct gkv_stream stream);

/* The deadline passed; early or late is harmless. */
void gkv_endpoint_on_timer(struct gkv_endpoint *endpoint, struct gkv_now now);

/* A client asks; operation is borrowed until the outputs are drained. Completes exactly once. */
void gkv_endpoint_submit(struct gkv_endpoint *endpoint, struct gkv_now now,
                         const struct gkv_operation *operation);

/* Say goodbye; the datagrams are among the outputs. */
void gkv_endpoint_leave(struct gkv_endpoint *endpoint, struct gkv_now now);

/* Outputs. */

/* Take the next output; lent until the next call on the endpoint. */
bool gkv_endpoint_next_output(struct gkv_endpoint *endpoint, struct gkv_output *output_out);

/* The bytes that wait to be sent on an open stream, as one or two pieces of a ring (the second is
 * mostly empty); lent until the next call on the endpoint. Both empty: nothing, or the handle is
 * dead. */
void gkv_endpoint_pending(const struct gkv_endpoint *endpoint, struct gkv_stream stream,
                          struct gkv_bytes pieces_out[2]);

/* count of those bytes are on their way. */
void gkv_endpoint_sent(struct gkv_endpoint *endpoint, struct gkv_stream stream, size_t count);

/* When gkv_endpoint_on_timer is wanted: mono ns, or GKV_NEVER. */
uint64_t gkv_endpoint_deadline_ns(const struct gkv_endpoint *endpoint);

struct gkv_endpoint_stats gkv_endpoint_stats(const struct gkv_endpoint *endpoint);

/* The node inside, for reading; lent until the next input. */
struct gkv_node *gkv_endpoint_node(struct gkv_endpoint *endpoint);

#endif
