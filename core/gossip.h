/* How members speak: datagrams (and now and then a stream's message) with news riding along.
 *
 * Model     SWIM 4.1: news about members has no message of its own, it rides on pings and their
 *           answers; and, as memberlist does, on messages that carry nothing else, to a few members
 *           per interval while there is news. memberlist waits for its next interval; ours is over
 *           when there was no news for long, so that news goes from node to node at once.
 * Bounds    GKV_UPDATE_COUNT_MAX updates per message, which fit one datagram; options.gossip_fanout
 *           messages per interval, none when there is no news.
 * Invariant While somebody is there to hear and news is left to tell, the gossip timer is set,
 *           unless options.gossip_fanout is 0.
 * Not here  What is news: core/rumor.h. What is true: core/swim.h.
 */
#ifndef GKV_CORE_GOSSIP_H
#define GKV_CORE_GOSSIP_H

#include <stdint.h>

#include "core/arena.h"
#include "core/message.h"
#include "core/prng.h"
#include "core/rumor.h"
#include "core/step.h"
#include "core/types.h"

struct gkv_gossip {
    struct gkv_prng prng; /* all of membership's randomness */
    struct gkv_rumors rumors;
    uint64_t told_ns; /* when messages that carry nothing else were last sent */
};

/* How a message came, and how its answer goes back. */
struct gkv_way {
    struct gkv_address address; /* where the peer listens, or sent its datagram from */
    enum gkv_channel channel;
};

/* Who goes before the rumours in a message; GKV_MEMBER_INDEX_NONE: nobody. */
struct gkv_gossip_front {
    uint16_t indices[GKV_RUMOR_FRONT_COUNT];
};

static inline struct gkv_gossip_front gkv_gossip_front_of(uint16_t first, uint16_t second)
{
    return (struct gkv_gossip_front){.indices = {first, second}};
}

void gkv_gossip_init(struct gkv_gossip *gossip, struct gkv_arena *arena,
                     const struct gkv_options *options);

/* Start a rumour of a member, and gossip at once, or when the interval is over. Rumours wait
 * without a timer while nobody is there to hear them, so that a lonely node sleeps; whoever comes
 * is a rumour, too, and brings us back here. */
void gkv_gossip_tell(struct gkv_gossip *gossip, const struct gkv_step *step, uint16_t index);

/* Send a message of the gossip kinds with who is in front, and, in a datagram, the rumours that are
 * due; lends it for the rest. */
struct gkv_message *gkv_gossip_say(struct gkv_gossip *gossip, const struct gkv_step *step,
                                   const struct gkv_way *way, enum gkv_message_kind kind,
                                   struct gkv_gossip_front front);

/* Ping a member, and tell it first what is held against it, so that it can refute (Lifeguard's
 * buddy rule). sequence: never 0. */
void gkv_gossip_ping(struct gkv_gossip *gossip, const struct gkv_step *step, uint16_t index,
                     uint32_t sequence, enum gkv_channel channel);

/* The interval is over: tell a few members, and come back while there is news. */
void gkv_gossip_on_timer(struct gkv_gossip *gossip, const struct gkv_step *step);

/* The member at index, unless it is held to be ALIVE or LEAVING: what it must learn of itself first
 * (Lifeguard's buddy rule, which options.buddy switches off for suspects). */
uint16_t gkv_gossip_held_against(const struct gkv_step *step, uint16_t index);

#endif
