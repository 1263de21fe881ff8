/* What a message says in short, kept from when it is sent until it arrives.
 *
 * Model     A datagram is known again by its sender, its stamp and its checksum: decoding each a
 *           second time, where it arrives, took 6 % of a run. Copies have one gist.
 * Bounds    The newest GKV_GIST_COUNT datagrams; one that is under way for longer than that is
 *           not known when it arrives. O(1), but for datagrams in one bucket.
 * Not here  Frames of streams, which sim/overhear.c counts: they keep theirs beside them.
 */
#ifndef GKV_SIM_GIST_H
#define GKV_SIM_GIST_H

#include <stdint.h>

#include "core/message.h"

#define GKV_GIST_COUNT 16384 /* a power of two */
#define GKV_GIST_BUCKET_COUNT 4096

struct gkv_gist {
    uint32_t from; /* the node that said it */
    enum gkv_message_kind kind;
    uint64_t boot_id;          /* of the sender, as a datagram says; a stream's: 0 */
    uint32_t sequence;         /* of PING, ACK, NACK and PING_REQ, as are those that follow */
    struct gkv_identity about; /* zero: of another kind */
};

/* The gist of a message that a node says. */
struct gkv_gist gkv_gist_of(uint32_t from, const struct gkv_message *message);

struct gkv_gists {
    uint32_t count;                         /* ever noted */
    uint32_t newest[GKV_GIST_BUCKET_COUNT]; /* of a bucket, + 1; 0: none */
    struct {
        uint64_t stamp;
        uint32_t checksum;
        uint32_t older; /* in the same bucket, + 1; 0: none */
        struct gkv_gist gist;
    } rows[GKV_GIST_COUNT]; /* a ring */
};

/* Note what was sent in a datagram with a stamp, whose bytes are whole. */
void gkv_gists_note(struct gkv_gists *gists, struct gkv_bytes bytes, uint64_t stamp,
                    const struct gkv_gist *gist);

/* What arrived, lent until the next call; NULL: not known, or not any more. */
const struct gkv_gist *gkv_gists_find(const struct gkv_gists *gists, uint32_t from,
                                      struct gkv_bytes bytes, uint64_t stamp);

#endif
