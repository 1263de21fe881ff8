/* The network between simulated nodes: datagrams that may be lost, doubled and overtaken, and
 * streams whose bytes arrive in order, in any pieces, or not at all.
 *
 * Model     Every directed pair of nodes is a link with its own latency, faults and cut. A stream
 *           is a connection of two ends and a pipe each way. What a cut link holds back is tried
 *           again, as TCP does, so that it arrives after the heal; on links that reset, the sender
 *           gives up after a while and the receiver learns of it when it can be reached.
 *
 *   end      NONE -> DIALLING [dial] -> OPEN [DIALLED] -> NONE [close, RESET, crash]
 *            NONE -> OPEN [DIAL accepted] -> NONE
 *
 * Bounds    gkv_net_connection_count_max connections with GKV_NET_PIPE_BYTES each way, and
 *           gkv_net_parcel_count_max datagrams in flight; more are lost.
 * Invariant A connection with both ends NONE is free, and its generation has changed: occasions
 *           that still name it are ignored.
 * Not here  Endpoints: io_sim/world.c carries what arrives to them.
 */
#ifndef GKV_IO_SIM_NET_H
#define GKV_IO_SIM_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "io_sim/agenda.h"
#include "io_sim/chance.h"
#include "proto/bounds.h"
#include "proto/endpoint.h"

#define GKV_NET_NODE_COUNT_MAX 257       /* 256, and the place where nobody is */
#define GKV_NET_NOBODY_MIN 32            /* that place, in worlds of no more nodes */
#define GKV_NET_CONNECTION_COUNT 4096    /* four times what the streams of 32 nodes need at once */
#define GKV_NET_CONNECTION_COUNT_OVER 64 /* of each node, beside one to every other */
#define GKV_NET_CONNECTION_COUNT_MAX (256 * (256 + GKV_NET_CONNECTION_COUNT_OVER))
#define GKV_NET_PIPE_BYTES (32 * 1024)
#define GKV_NET_PIPE_BYTES_SMALL (16 * 1024) /* in worlds of more than 32 nodes */
#define GKV_NET_SEGMENT_COUNT 32
#define GKV_NET_PARCEL_COUNT 4096
#define GKV_NET_STREAM_COUNT 256
#define GKV_NET_NONE UINT32_MAX

/* How a link behaves, one way. All zero but the latency: a perfect one. */
struct gkv_link {
    uint64_t latency_ns;     /* of everything */
    uint64_t jitter_ns;      /* up to this much more, drawn each time: overtakes datagrams */
    uint64_t held_until_ns;  /* what would arrive before it does so then; nothing is lost */
    uint64_t busy_until_ns;  /* with what was sent before, at bytes_per_s */
    uint32_t bytes_per_s;    /* 0: any number */
    uint32_t loss_ppm;       /* of datagrams */
    uint32_t duplicate_ppm;  /* of datagrams */
    uint32_t tail_ppm;       /* of everything: 20 times the latency */
    uint32_t resend_ppm;     /* of stream packets and dials: lost, and sent again as TCP does */
    uint32_t split_ppm;      /* of stream writes: broken into pieces of drawn sizes */
    uint32_t break_ppm;      /* of stream writes: the connection breaks there */
    uint32_t refusal_ppm;    /* of dials: refused at once */
    uint32_t hang_ppm;       /* of dials: nobody answers, until the dialler gives up */
    uint32_t slam_ppm;       /* of dials: accepted, and closed again at once */
    uint32_t trickle_ppm;    /* of dials: the first bytes of every piece arrive one by one */
    uint32_t flip_ppm;       /* of datagrams and stream writes: 1 .. 32 bits are wrong */
    uint32_t truncation_ppm; /* of datagrams and stream writes: the end is missing */
    bool resets;             /* when cut, streams end after a while; else their bytes wait */
    bool is_cut;
};

enum gkv_end_state {
    GKV_END_NONE = 0,
    GKV_END_DIALLING = 1,
    GKV_END_OPEN = 2,
};

struct gkv_end {
    enum gkv_end_state state;
    uint32_t node;
    struct gkv_stream stream; /* the endpoint's handle */
};

/* Bytes under way from one end to the other. */
struct gkv_pipe {
    uint8_t *bytes;       /* a ring */
    uint64_t written;     /* bytes ever written */
    uint64_t delivered;   /* bytes ever delivered */
    uint64_t piece_start; /* delivered, when the first segment began */
    struct {
        uint64_t until; /* written, when this piece ends */
        uint64_t arrival_ns;
    } segments[GKV_NET_SEGMENT_COUNT]; /* a ring: [segment_first, segment_first + segment_count) */
    uint32_t segment_first;
    uint32_t segment_count;
    uint64_t last_arrival_ns;
    uint64_t stalled_ns; /* since when the link holds the first segment back; 0: it does not */
    uint32_t retry_count;
};

struct gkv_connection {
    struct gkv_end ends[2];   /* who dialled, who accepted */
    struct gkv_pipe pipes[2]; /* pipes[i] is from ends[i] */
    uint32_t generation;
    uint32_t next_free;
    uint32_t to;               /* whom ends[0] dials */
    uint64_t dial_deadline_ns; /* then it gives up */
    uint64_t silent_until_ns;  /* when one end is gone, the other does not learn of it before */
    uint32_t retry_count;
    bool hangs;      /* nobody answers the dial */
    bool trickles;   /* see trickle_ppm */
    bool is_damaged; /* bytes of it were changed or are missing */
};

struct gkv_parcel {
    uint32_t from;
    uint32_t to;
    uint32_t next_free;
    uint32_t count;
    uint8_t bytes[GKV_DATAGRAM_BYTES_MAX];
};

struct gkv_net_stats {
    uint64_t datagram_sent_count;
    uint64_t datagram_lost_count;
    uint64_t datagram_doubled_count;
    uint64_t dial_count;
    uint64_t dial_failed_count;
    uint64_t dial_refused_count;
    uint64_t dial_hung_count;
    uint64_t dial_slammed_count;
    uint64_t stream_broken_count;
    uint64_t stream_severed_count;
    uint64_t flipped_count;
    uint64_t truncated_count;
    uint64_t queued_count; /* waited for others on a narrow link */
    uint64_t held_count;
    uint64_t trickled_count;
    uint64_t segment_count;
    uint64_t segment_stalled_count;
};

struct gkv_net {
    struct gkv_agenda *agenda;
    const struct gkv_chance *chance;
    uint32_t about;  /* whom a draw is about: GKV_NET_NODE_COUNT_MAX * from + to; a node: both */
    uint32_t nobody; /* the place where no node of this world is; what goes there is refused */
    struct gkv_link (*links)[GKV_NET_NODE_COUNT_MAX]; /* [from][to], up to nobody; the rest is
                                                         untouched memory, as below */
    struct gkv_connection *connections;
    struct gkv_parcel *parcels;
    uint32_t pipe_bytes_each;
    uint32_t window_bytes; /* of a pipe, at most pipe_bytes_each */
    uint8_t *pipe_bytes;   /* of all connections */
    uint32_t connection_count_max;
    uint32_t connection_count; /* places that were ever taken; the rest is untouched memory */
    uint32_t connection_free;
    uint32_t parcel_count_max;
    uint32_t parcel_count;
    uint32_t parcel_free;
    uint32_t found_count; /* of each node */
    uint32_t *found;      /* by node and stream: where a stream was last found */
    struct gkv_net_stats stats;
};

/* For up to 32 nodes GKV_NET_CONNECTION_COUNT and GKV_NET_PARCEL_COUNT; for more, one connection
 * from each to each and some over, and as many parcels for each. */
uint32_t gkv_net_connection_count_max(uint32_t node_count);
uint32_t gkv_net_parcel_count_max(uint32_t node_count);

size_t gkv_net_memory_bytes(uint32_t node_count);

/* A net of node_count < GKV_NET_NODE_COUNT_MAX nodes. memory: gkv_net_memory_bytes(node_count)
 * bytes, whatever they hold, aligned for a uint64_t; they stay the net's. */
void gkv_net_init(struct gkv_net *net, void *memory, uint32_t node_count, struct gkv_agenda *agenda,
                  const struct gkv_chance *chance);

/* Put a datagram on its way; bytes are copied. */
void gkv_net_send(struct gkv_net *net, uint64_t now_ns, uint32_t from, uint32_t to,
                  struct gkv_bytes bytes);

/* A DATAGRAM occasion: true when the link holds it back, and another will come. */
bool gkv_net_holds_parcel(struct gkv_net *net, uint64_t now_ns,
                          const struct gkv_occasion *occasion);

/* The parcel of a DATAGRAM occasion, or NULL when it is lost at a cut. It is given back by _done.
 * */
const struct gkv_parcel *gkv_net_parcel(struct gkv_net *net, uint32_t index);
void gkv_net_parcel_done(struct gkv_net *net, uint32_t index);

/* Begin a connection from a node's stream to another node. Asserts that there is a place. */
void gkv_net_dial(struct gkv_net *net, uint64_t now_ns, uint32_t from, struct gkv_stream stream,
                  uint32_t to);

/* The connection that an occasion names, or NULL when it is over. */
struct gkv_connection *gkv_net_connection(struct gkv_net *net, const struct gkv_occasion *occasion);

/* The connection and end of a node's stream; GKV_NET_NONE when there is none. */
uint32_t gkv_net_find(struct gkv_net *net, uint32_t node, struct gkv_stream stream,
                      uint32_t *end_out);

enum gkv_dial_outcome {
    GKV_DIAL_WAITS = 1,   /* a link is cut: it will be tried again */
    GKV_DIAL_ARRIVES = 2, /* ask the other node, then gkv_net_answer */
    GKV_DIAL_FAILS = 3,   /* ends[0] must be told that it is closed; gkv_net_end_gone follows */
    GKV_DIAL_REFUSED = 4, /* whatever the other node would say: gkv_net_answer with NULL */
};

/* A DIAL or DIALLED occasion. */
enum gkv_dial_outcome gkv_net_on_dial(struct gkv_net *net, uint64_t now_ns,
                                      const struct gkv_occasion *occasion);
enum gkv_dial_outcome gkv_net_on_dialled(struct gkv_net *net, uint64_t now_ns,
                                         const struct gkv_occasion *occasion);

/* The dialled node accepts with its stream (or NULL: refuses, or is down). */
void gkv_net_answer(struct gkv_net *net, uint64_t now_ns, uint32_t index,
                    const struct gkv_stream *stream);

/* How many bytes an end may write now. */
size_t gkv_net_room(const struct gkv_net *net, uint32_t index, uint32_t end);

/* Write bytes, no more than there is room for; they are copied. */
void gkv_net_write(struct gkv_net *net, uint64_t now_ns, uint32_t index, uint32_t end,
                   struct gkv_bytes bytes);

/* A SEGMENT occasion: how many bytes arrive now at the other end, 0 when the link is cut.
 * sender_gone_out: the sender's end has given up and must be told. */
size_t gkv_net_on_segment(struct gkv_net *net, uint64_t now_ns, const struct gkv_occasion *occasion,
                          bool *sender_gone_out);

/* Copy the next count bytes of a pipe out, and count them as delivered. */
void gkv_net_take(struct gkv_net *net, uint32_t index, uint32_t end, uint8_t *out, size_t count);

/* Drop what is left of the first segment if its receiver is gone, and schedule the next segment. */
void gkv_net_segment_done(struct gkv_net *net, uint64_t now_ns, uint32_t index, uint32_t end);

/* Let a RESET occasion come to an end at time_ns. */
void gkv_net_reset_at(struct gkv_net *net, uint64_t time_ns, uint32_t index, uint32_t end);

/* A RESET occasion: true when its end is to be told that it is closed (gkv_net_end_gone follows).
 * */
bool gkv_net_on_reset(struct gkv_net *net, uint64_t now_ns, const struct gkv_occasion *occasion);

/* An end is no more: it closed, was told, or crashed. The other end learns of it later: after
 * what is under way, or silent_ns from now when that is not 0 (a machine without power says
 * nothing). */
void gkv_net_end_gone(struct gkv_net *net, uint64_t now_ns, uint32_t index, uint32_t end);
void gkv_net_crash(struct gkv_net *net, uint64_t now_ns, uint32_t node, uint64_t silent_ns);

/* How many of the next `count` bytes of a pipe its receiver gets at once. */
size_t gkv_net_portion(struct gkv_net *net, uint32_t index, uint32_t end, size_t count);

/* End the open connection that comes at or after `first`, if there is one: an end of it learns of
 * it now, and the other silent_ns later, and what is under way is lost. False: there is none. */
bool gkv_net_sever(struct gkv_net *net, uint64_t now_ns, uint32_t first, uint32_t end,
                   uint64_t silent_ns);

/* Whoever still waits to learn that the other end is gone learns it now, who dials is answered, and
 * streams end whose bytes are damaged: a length that was spoilt swallows what comes after it. */
void gkv_net_recover(struct gkv_net *net, uint64_t now_ns);

/* Bytes of all streams that are under way. */
uint64_t gkv_net_in_flight_bytes(const struct gkv_net *net);

#endif
