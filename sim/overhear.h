/* What nodes say to each other, decoded once for all checks.
 *
 * Model     An observer of the world. A datagram is decoded where it is sent; a stream is cut into
 *           frames where its bytes are sent. Of arrivals only the stamp and the gist are told: a
 *           frame arrives when its connection has delivered its last byte.
 * Bounds    All memory is taken by gkv_overhear_create. A connection that holds back half of a
 *           frame borrows one of GKV_OVERHEAR_CARRY_COUNT buffers; when there is none, it is heard
 *           no more. Frames under way beyond GKV_OVERHEAR_FRAME_COUNT are not told as arrivals.
 * Not here  Keeping messages for people: sim/journal.h.
 */
#ifndef GKV_SIM_OVERHEAR_H
#define GKV_SIM_OVERHEAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/message.h"
#include "io_sim/world.h"
#include "sim/gist.h"

#define GKV_OVERHEAR_CARRY_COUNT 128
#define GKV_OVERHEAR_CARRY_BYTES (96 * 1024) /* a frame, and what a stream takes */
#define GKV_OVERHEAR_FRAME_COUNT 16384

/* Lent for the call. */
struct gkv_heard {
    uint64_t time_ns;
    uint64_t connection; /* of a stream */
    uint32_t node;       /* who speaks; of an arrival, who hears */
    bool is_arrival;
    bool is_datagram;
    uint32_t to;        /* of a datagram, where it is sent: the node, or UINT32_MAX */
    uint64_t number;    /* of a stream's frame: its own, the same when it arrives */
    uint64_t begin_ns;  /* of a stream's frame, where it is sent: when its first byte was */
    size_t bytes;       /* of the frame or datagram, where it is sent */
    struct gkv_hlc hlc; /* the speaker's stamp; 0: a stream's HELLO */
    const struct gkv_message *message; /* NULL: an arrival, or malformed. Of a HELLO: kind NONE, and
                                          `from`, which is zero in a stream's other messages. */
    const struct gkv_gist *gist;       /* of an arrival; NULL: not known any more */
};

struct gkv_hearer {
    void (*hear)(void *context, const struct gkv_heard *heard);
    void *context;
};

struct gkv_overhear;

/* value_bytes_max as the nodes' options say; NULL when there is no memory. */
struct gkv_overhear *gkv_overhear_create(uint32_t value_bytes_max, const struct gkv_hearer *hearer);
void gkv_overhear_destroy(struct gkv_overhear *overhear);

/* Tell the hearer what an observation says, if anything. */
void gkv_overhear_observe(struct gkv_overhear *overhear, const struct gkv_observation *observation);

/* How many connections could not be heard to their end. */
uint32_t gkv_overhear_lost_count(const struct gkv_overhear *overhear);

#endif
