/* Membership: who is there. Probing, suspicion, rumours, joining, leaving.
 *
 * Model     SWIM (Das, Gupta, Motivala, DSN 2002): round-robin probes (4.3), indirect probes (3.1),
 *           suspicion with incarnations (4.2), piggybacked rumours, least-told first (4.1);
 *           push-pull of the whole table over a stream on joining and now and then, as memberlist
 *           does. We differ: identity is (node id, boot), a confirmed failure is UNREACHABLE and
 *           not gone, and unreachable members and seeds are asked again for ever, so that a healed
 *           partition joins.
 * Bounds    At most GKV_SWIM_ACTION_COUNT_MAX actions per call, and gkv_swim_scratch_bytes of
 *           scratch per step. Member events that have no room wait in the table, one per place,
 *           for a timer that is due at once: each says what is held by then, and none is lost.
 * Invariant We are ALIVE in our own table until we leave, LEAVING for options.leave_ms, then LEFT
 *           for ever.
 * Not here  Who is probed when, and how: core/probe.h. How news is told: core/gossip.h. How long a
 *           suspect may refute: core/suspicion.h. Whole tables, seeds: core/join.h. What we say of
 *           ourselves: core/self.h. Who is DEGRADED: core/grey.h.
 */
#ifndef GKV_CORE_SWIM_H
#define GKV_CORE_SWIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/event.h"
#include "core/gossip.h"
#include "core/grey.h"
#include "core/join.h"
#include "core/probe.h"
#include "core/relay.h"
#include "core/self.h"
#include "core/step.h"
#include "core/types.h"

/* What was not acted upon, by reason. */
struct gkv_swim_drops {
    uint64_t malformed;      /* a field is out of range */
    uint64_t unknown_member; /* about somebody we never heard of */
    uint64_t stale;          /* older than what we know, or an answer to no question */
    uint64_t boot_conflict;  /* two live nodes seem to share our name */
};

struct gkv_swim {
    struct gkv_gossip gossip;
    struct gkv_probes probes;
    struct gkv_relays relays;
    struct gkv_join join;
    struct gkv_self self;
    struct gkv_greys greys;
    struct gkv_swim_drops drops;
    uint32_t reconnect_sequence; /* of the last ping of an unreachable member; 0: answered */
    uint32_t event_room;         /* member events that the call under way may still make */
    uint16_t condemned;          /* to be evicted once the message at hand is taken in; or none */
    uint16_t reconnect_cursor;   /* round robin over unreachable members */
};

/* The most actions that one timer, message or other call makes here. */
#define GKV_SWIM_ACTION_COUNT_MAX 64

/* The scratch that one step of calls here may use before messages get shorter: two whole tables,
 * and the updates of every datagram. When less is left, fewer rumours ride along and no table is
 * sent. */
size_t gkv_swim_scratch_bytes(const struct gkv_options *options);

void gkv_swim_init(struct gkv_swim *swim, struct gkv_arena *arena,
                   const struct gkv_options *options);

/* Set the first timers and ask the seeds. Called once, in the first step. */
void gkv_swim_start(struct gkv_swim *swim, const struct gkv_step *step);

/* id is one of PROBE, GOSSIP, PUSH_PULL, RECONNECT, RELAY, LEAVE, EVENTS. */
void gkv_swim_on_timer(struct gkv_swim *swim, const struct gkv_step *step, enum gkv_timer_id id);

/* The probe at a place went unanswered for a while. */
void gkv_swim_on_probe_timer(struct gkv_swim *swim, const struct gkv_step *step, uint32_t place);

/* The suspicion of the member at index ran out (or a LEFT member may be forgotten). */
void gkv_swim_on_member_timer(struct gkv_swim *swim, const struct gkv_step *step, uint16_t index);

/* PING, ACK, NACK, PING_REQ, GOSSIP, PUSH_PULL, and how it came. */
void gkv_swim_on_message(struct gkv_swim *swim, const struct gkv_step *step,
                         const struct gkv_message *message, const struct gkv_way *way);

/* The stream to `address` broke, or could not be opened: probe the member there at once. */
void gkv_swim_on_stream_down(struct gkv_swim *swim, const struct gkv_step *step,
                             const struct gkv_address *address);

/* We were not running for stall_ns, and all timers were moved by it: begin probes again, and think
 * less of our health. */
void gkv_swim_on_stall(struct gkv_swim *swim, const struct gkv_step *step, uint64_t stall_ns);

/* Become LEAVING, so that what is under way by way of us can end, and options.leave_ms later LEFT;
 * tell GKV_GOSSIP_FANOUT members at once, both times. The rest hear it as a rumour, for as long as
 * the node is stepped, and whoever speaks to us once we have LEFT is told in the answer. From then
 * on nothing is refuted. Who is alone has LEFT at once. The second time: no effect. */
void gkv_swim_leave(struct gkv_swim *swim, const struct gkv_step *step);

/* True when there is nobody to meet (no seed, or only ourselves), or when somebody sent us a member
 * table or answered a ping in this life; and options.bootstrap_expect members were known. */
bool gkv_swim_has_joined(const struct gkv_swim *swim, const struct gkv_step *step);

#endif
