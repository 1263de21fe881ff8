/* Probing: who is asked whether it is there, and the probes under way.
 *
 * Model     SWIM: members are probed in shuffled rounds (4.3), directly, then by way of helpers
 *           (3.1). We differ: options.probe_targets members are probed per interval; a ping is
 *           repeated once, since one lost datagram is no news; beside the helpers the target is
 *           pinged over a stream as well (as memberlist does), which arrives where datagrams do
 *           not; and a probe ends by its own timeouts, so that several are under way at once.
 * Bounds    GKV_PROBE_COUNT_MAX probes at a time; when all are taken, whose turn it is waits, and
 *           who was to be asked at once waits for its turn. 2 bytes per member place.
 * Invariant No member is under probe twice. A probe that is under way has its timer set and a
 *           sequence that no other ping of ours has; sequence_last is never 0 then.
 * Not here  What follows when a probe fails: core/swim.h. Pings for others: core/relay.h.
 */
#ifndef GKV_CORE_PROBE_H
#define GKV_CORE_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/gossip.h"
#include "core/health.h"
#include "core/member.h"
#include "core/round.h"
#include "core/step.h"

enum gkv_probe_stage {
    GKV_PROBE_NONE = 0,     /* an unused place */
    GKV_PROBE_DIRECT = 1,   /* pinged; it is pinged once more before helpers are asked */
    GKV_PROBE_REPEATED = 2, /* pinged twice */
    GKV_PROBE_INDIRECT = 3, /* helpers are asked, and the stream */
};

struct gkv_probe {
    uint64_t boot_id; /* of the target, when the probe began */
    uint64_t sent_ns;
    uint32_t generation; /* of the target's place, likewise */
    uint32_t sequence;
    uint16_t target; /* member index */
    uint8_t stage;   /* enum gkv_probe_stage */
    uint8_t helper_count;
    uint8_t nack_count; /* of these, who said that they had no answer either */
};

struct gkv_probes {
    struct gkv_round round;
    struct gkv_health health; /* all times of probing are stretched by it */
    ptrdiff_t probe_offset;
    uint32_t sequence_last; /* the last one given out */
};

/* sequence_first: where sequences begin; random, so that an answer to our former life fits nothing.
 */
void gkv_probes_init(struct gkv_probes *probes, struct gkv_arena *arena, uint16_t capacity,
                     uint32_t sequence_first);

/* The probe at a place < GKV_PROBE_COUNT_MAX. */
struct gkv_probe *gkv_probe_at(const struct gkv_probes *probes, uint32_t place);

/* A sequence that no other ping of ours has (until 2^32 later); never 0. */
uint32_t gkv_probe_take_sequence(struct gkv_probes *probes);

/* The interval is over: begin to probe the next ones in turn. */
void gkv_probe_on_tick(struct gkv_probes *probes, struct gkv_gossip *gossip,
                       const struct gkv_step *step);

/* Probe a member now, out of turn, unless it cannot be probed, is being probed, or no place is
 * left. */
void gkv_probe_at_once(struct gkv_probes *probes, struct gkv_gossip *gossip,
                       const struct gkv_step *step, uint16_t index);

/* The timer of a place rang. Returns the member whose probe has failed: nobody heard it, in the
 * life in which it was asked; or GKV_MEMBER_INDEX_NONE. */
uint16_t gkv_probe_on_timer(struct gkv_probes *probes, struct gkv_gossip *gossip,
                            const struct gkv_step *step, uint32_t place);

/* True when an ACK answers a probe under way, from the target or from a helper who heard it: the
 * probe is over. A member in a newer boot than we know has answered as well. */
bool gkv_probe_on_ack(struct gkv_probes *probes, const struct gkv_step *step,
                      const struct gkv_message *message, enum gkv_channel channel);

/* True when a NACK belongs to a probe under way: a helper is there, and heard nothing. */
bool gkv_probe_on_nack(struct gkv_probes *probes, const struct gkv_step *step,
                       const struct gkv_message *message);

/* Begin what is under way again, from the first ping: we were not there to hear the answers. */
void gkv_probes_restart(struct gkv_probes *probes, struct gkv_gossip *gossip,
                        const struct gkv_step *step);

/* Give up what is under way; there is no outcome. */
void gkv_probes_stop(struct gkv_probes *probes, const struct gkv_step *step);

/* Assert the invariant. */
void gkv_probes_check(const struct gkv_probes *probes, const struct gkv_step *step);

#endif
