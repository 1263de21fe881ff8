/* The pings that we send for others.
 *
 * Model     SWIM 3.1, ping-req: whoever had no answer asks us to ping the same member, and we hand
 *           its ACK on. Lifeguard (Dadgar, Phillips, Currey, DSN 2018, LHA-Probe): when none came
 *           within GKV_RELAY_NACK_PERCENT of the time that the asker waits, we say NACK, so that
 *           the asker knows at least that it hears us.
 * Bounds    GKV_RELAY_COUNT at a time, a ring: the oldest is overwritten.
 * Invariant While a NACK is owed, the relay timer is set for it or for an earlier one.
 */
#ifndef GKV_CORE_RELAY_H
#define GKV_CORE_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/types.h"

#define GKV_RELAY_COUNT 16
#define GKV_RELAY_NACK_PERCENT 80

struct gkv_relay {
    uint64_t nack_ns; /* when a NACK is due; GKV_NEVER: none, or it was sent */
    struct gkv_address asker;
    struct gkv_identity target;
    uint32_t asker_sequence;
    uint32_t sequence; /* ours; 0: unused */
};

struct gkv_relays {
    ptrdiff_t relay_offset;
    uint32_t next;
};

void gkv_relays_init(struct gkv_relays *relays, struct gkv_arena *arena);

/* Remember a ping for somebody else; relay->sequence and asker_sequence are never 0. */
void gkv_relay_add(struct gkv_relays *relays, const struct gkv_relay *relay);

/* Take the relay that an ACK with this sequence about `target` answers: true and a copy, or false.
 */
bool gkv_relay_take(struct gkv_relays *relays, uint32_t sequence, struct gkv_node_id target,
                    struct gkv_relay *relay_out);

/* Nothing was heard nor said for by_ns: NACKs are owed so much later. */
void gkv_relays_postpone(struct gkv_relays *relays, uint64_t by_ns);

/* When the next NACK is due, or GKV_NEVER. */
uint64_t gkv_relays_deadline_ns(const struct gkv_relays *relays);

/* Take a NACK that is due: true and a copy of its relay, whose ACK may still come; or false. */
bool gkv_relay_take_due(struct gkv_relays *relays, uint64_t now_ns, struct gkv_relay *relay_out);

#endif
