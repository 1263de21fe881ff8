/* The order of probing, the one probe under way, and the pings we send for others.
 *
 * Model     SWIM 4.3: a shuffled list walked round, reshuffled at each turn, newcomers put in at
 *           random places; so the time to probe every member is bounded by 2n - 1 periods. We put a
 *           newcomer among those whose turn is still to come, so that it is probed this round.
 * Bounds    2 bytes per member place; GKV_PROBE_RELAY_COUNT pings for others at a time.
 * Invariant A member index is in the order at most once. sequence_last is never 0 and
 *           every ping has one of its own.
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
    uint16_t urgent; /* probe this member next, out of turn; GKV_MEMBER_INDEX_NONE: nobody */
    uint16_t target; /* member index under probe; GKV_MEMBER_INDEX_NONE: none */
    uint32_t target_generation;
    uint64_t target_boot_id;
    uint32_t sequence;      /* of the probe under way; never 0 then */
    uint32_t sequence_last; /* the last one given out */
    uint64_t sent_ns;
    bool acked;
    struct gkv_probe_relay relays[GKV_PROBE_RELAY_COUNT];
    uint32_t relay_next;
};

/* sequence_first: where sequences begin; random, so that an answer to our former life fits nothing.
 *  */
void gkv_probe_init(struct gkv_probe *probe, struct gkv_arena *arena, uint16_t capacity,
                    uint32_t sequence_first);

/* A sequence that no other ping of ours has (until 2^32 later); never 0. */
uint32_t gkv_probe_take_sequence(struct gkv_probe *probe);

/* Put the member at index into this round, at a random place among those still to come. No effect
 * if it is in the order already. */
void gkv_probe_add(struct gkv_probe *probe, struct gkv_prng *prng, uint16_t index);

/* The next member to probe: `urgent` if set and reachable, else the next reachable one in turn;
 * never ourselves. GKV_MEMBER_INDEX_NONE when there is nobody. */
uint16_t gkv_probe_next(struct gkv_probe *probe, const struct gkv_members *members,
                        struct gkv_prng *prng);

/* The member at index is under probe from now on, with a fresh sequence. */
void gkv_probe_begin(struct gkv_probe *probe, const struct gkv_members *members, uint16_t index,
                     uint64_t now_ns);

/* True while a probe is under way and its target is who it was when the probe began: the same node
 * in the same boot. A node that restarted meanwhile owes no answer. */
bool gkv_probe_is_current(const struct gkv_probe *probe, const struct gkv_members *members);

/* Remember a ping for somebody else; returns the sequence to send it with. */
uint32_t gkv_probe_relay_add(struct gkv_probe *probe, const struct gkv_address *asker,
                             struct gkv_node_id target, uint32_t asker_sequence);

/* Take the relay that an ACK with this sequence about `target` answers: true and a copy, or false.
 *  */
bool gkv_probe_relay_take(struct gkv_probe *probe, uint32_t sequence, struct gkv_node_id target,
                          struct gkv_probe_relay *relay_out);

/* Pick up to count distinct reachable members, neither ourselves nor `except`, every set of them
 * equally likely. Returns how many were written to members_out. O(capacity). */
uint32_t gkv_probe_pick(const struct gkv_members *members, struct gkv_prng *prng, uint16_t except,
                        uint16_t *members_out, uint32_t count);

#endif
