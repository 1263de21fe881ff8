/* The streams of one endpoint: places, states, and the bytes that wait in them.
 *
 * Model     Places 0 .. dialled_count - 1 are streams that we dial and speak on; the rest are
 *           streams that we accepted and listen on. A dialled one owns a ring of bytes to send, an
 *           accepted one a buffer of bytes received. A place's generation changes whenever its
 *           occupant does, so that a handle of an occupant that is gone finds nothing.
 *
 *   dialled   | free | from first on, count bytes that wait to be sent | free |  a ring
 *   accepted  | done | from first on, count bytes that wait for the rest of a frame | free |
 *
 * Bounds    Two frames to send, one frame received, per stream. The buffers are not touched before
 *           they are used, and are used from their beginning again whenever they are empty.
 * Not here  When to dial, what to say, what to refuse: proto/endpoint.c.
 */
#ifndef GKV_PROTO_STREAM_H
#define GKV_PROTO_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/panic.h"
#include "core/types.h"

/* A stream, by place and occupant; a handle whose generation is over is ignored. */
struct gkv_stream {
    uint32_t index;
    uint32_t generation;
};

enum gkv_stream_state {
    GKV_STREAM_FREE = 0,
    GKV_STREAM_DIALLING = 1, /* dialled: the shim is opening it */
    GKV_STREAM_BACKOFF = 2,  /* dialled: it failed; not again before until_ns */
    GKV_STREAM_NEW = 3,      /* accepted: no HELLO yet; closed at until_ns */
    GKV_STREAM_OPEN = 4,
};

struct gkv_stream_place {
    struct gkv_address address; /* dialled: whom; accepted and OPEN: where the peer listens */
    struct gkv_identity peer;   /* accepted and OPEN: who it is */
    enum gkv_stream_state state;
    uint32_t generation;
    bool is_queued;      /* dialled: to be sent; accepted: to be parsed */
    bool is_announced;   /* dialled: SEND was said, and the ring has not been empty since */
    bool is_superseded;  /* accepted: the same peer has opened another one since */
    bool is_stranger;    /* dialled: nobody whom we knew when we dialled */
    uint32_t backoff_ms; /* dialled: the last one; 0: none yet */
    uint64_t until_ns;   /* DIALLING: open by then; BACKOFF, NEW: see above */
    uint64_t used_ns;    /* dialled: when something was last said; accepted: last heard, or NEW */
    uint64_t opened_ns;  /* dialled: when it became OPEN */
    size_t first;
    size_t count;
};

#define GKV_STREAM_HINT_COUNT 256

struct gkv_streams {
    ptrdiff_t place_offset;
    ptrdiff_t ring_offset;   /* dialled_count rings */
    ptrdiff_t buffer_offset; /* accepted_count buffers */
    uint32_t dialled_count;
    uint32_t accepted_count;
    size_t frame_bytes_max; /* of a buffer; a ring is twice that */
    /* Where an address was found last, by its hash: saves a scan for nearly every message. */
    uint16_t hints[GKV_STREAM_HINT_COUNT];
};

/* Lay out the places and their buffers. */
void gkv_streams_init(struct gkv_streams *streams, struct gkv_arena *arena, uint32_t dialled_count,
                      uint32_t accepted_count, size_t frame_bytes_max);

/* The place at an index under dialled_count + accepted_count. */
static inline struct gkv_stream_place *gkv_stream_place(const struct gkv_streams *streams,
                                                        uint32_t index)
{
    GKV_ASSERT(index < streams->dialled_count + streams->accepted_count);
    return (struct gkv_stream_place *)gkv_at(streams, streams->place_offset) + index;
}

/* The place of a handle, or NULL when its occupant is gone. */
struct gkv_stream_place *gkv_stream_find(const struct gkv_streams *streams,
                                         struct gkv_stream stream);

struct gkv_stream gkv_stream_handle(const struct gkv_streams *streams, uint32_t index);

/* The dialled place for an address, in any state but FREE, or dialled_count when there is none. */
uint32_t gkv_stream_find_dialled(struct gkv_streams *streams, const struct gkv_address *address);

/* A dialled place for another address: a FREE one, else the least recently used one in a BACKOFF
 * that is over, else the least recently used one that is OPEN with nothing to send; else
 * dialled_count. The caller closes it. */
uint32_t gkv_stream_find_idle(const struct gkv_streams *streams, uint64_t now_ns);

/* The same for a stranger: a FREE place or one in a BACKOFF that is over, while there are under
 * GKV_STRANGER_COUNT_MAX strangers; else one of theirs that is OPEN with nothing to send; else
 * dialled_count. */
uint32_t gkv_stream_find_idle_for_stranger(const struct gkv_streams *streams, uint64_t now_ns);

/* The stranger least recently spoken to, whatever it is doing; else dialled_count. */
uint32_t gkv_stream_find_stranger(const struct gkv_streams *streams);

/* An accepted place that is FREE, else the superseded one least recently heard, else the oldest one
 * that is NEW since GKV_HELLO_GRACE_MS, else the one least recently heard that has said nothing for
 * GKV_ACCEPTED_IDLE_MS; else the number of all places. The caller closes it. */
uint32_t gkv_stream_find_acceptable(const struct gkv_streams *streams, uint64_t now_ns);

/* A new occupant: a new generation, empty buffers, `state`. */
void gkv_stream_occupy(struct gkv_streams *streams, uint32_t index, enum gkv_stream_state state);

/* ---- The ring of a dialled stream ---- */

/* How many more bytes fit. */
size_t gkv_stream_send_room(const struct gkv_streams *streams, uint32_t index);

/* The free bytes right after those that wait, in one piece: room_out of them. */
uint8_t *gkv_stream_send_tail(struct gkv_streams *streams, uint32_t index, size_t *room_out);

/* `count` bytes were written at the tail. */
void gkv_stream_send_commit(struct gkv_streams *streams, uint32_t index, size_t count);

/* Copy bytes to the tail, around the end if need be. They must fit. */
void gkv_stream_send_copy(struct gkv_streams *streams, uint32_t index, struct gkv_bytes bytes);

void gkv_stream_send_pending(const struct gkv_streams *streams, uint32_t index,
                             struct gkv_bytes pieces_out[2]);
void gkv_stream_send_drop(struct gkv_streams *streams, uint32_t index, size_t count);

/* ---- The buffer of an accepted stream ---- */

/* Where to receive; room_out is 0 only while a whole buffer waits to be parsed. */
uint8_t *gkv_stream_receive_tail(struct gkv_streams *streams, uint32_t index, size_t *room_out);
void gkv_stream_receive_commit(struct gkv_streams *streams, uint32_t index, size_t count);

/* What was received and not dropped. */
struct gkv_bytes gkv_stream_received(const struct gkv_streams *streams, uint32_t index);
void gkv_stream_receive_drop(struct gkv_streams *streams, uint32_t index, size_t count);

#endif
