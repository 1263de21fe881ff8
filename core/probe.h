/* The order of probing and the one probe under way.
 *
 * Model     SWIM 4.3: a shuffled list walked round, reshuffled at each turn, newcomers put in at random
 *           places; so the time to probe every member is bounded by 2n - 1 periods.
 * Bounds    2 bytes per member place.
 * Not here  Sending: core/swim.c.
 */
#ifndef GKV_CORE_PROBE_H
#define GKV_CORE_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/member.h"
#include "core/prng.h"

/* A ping that we sent for somebody else, so that its ACK can be handed on. */
struct gkv_probe_relay {
    struct gkv_address asker;
    struct gkv_node_id target;
    uint32_t asker_sequence;
    uint32_t sequence; /* ours; 0: unused */
};
#define GKV_PROBE_RELAY_COUNT 16 /* a ring: the oldest is overwritten */

struct gkv_probe {
    ptrdiff_t order_offset; /* uint16_t member indices */
    uint16_t capacity;
    uint16_t order_count;
    uint16_t cursor;
    uint16_t urgent;   /* probe this member next, out of turn; GKV_MEMBER_INDEX_NONE: nobody */
    uint16_t target;   /* member index under probe; GKV_MEMBER_INDEX_NONE: none */
    uint32_t target_generation;
    uint32_t sequence; /* of the probe under way; never 0 */
    uint64_t sent_ns;
    bool acked;
    struct gkv_probe_relay relays[GKV_PROBE_RELAY_COUNT];
    uint32_t relay_next;
};

void gkv_probe_init(struct gkv_probe *probe, struct gkv_arena *arena, uint16_t capacity);

/* The next member to probe: `urgent` if set and reachable, else the next reachable one in turn; never
 * ourselves. GKV_MEMBER_INDEX_NONE when there is nobody. */
uint16_t gkv_probe_next(struct gkv_probe *probe, const struct gkv_members *members,
                        struct gkv_prng *prng);

/* Pick up to count distinct reachable members, neither ourselves nor `except`, at random. Returns how
 * many were written to helpers_out. */
uint32_t gkv_probe_pick(const struct gkv_members *members, struct gkv_prng *prng, uint16_t except,
                        uint16_t *members_out, uint32_t count);

#endif
