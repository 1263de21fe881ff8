#include "core/gossip.h"

#include "core/panic.h"
#include "core/round.h"

#define PRNG_STREAM UINT64_C(0x5357494d) /* "SWIM" */

void gkv_gossip_init(struct gkv_gossip *gossip, struct gkv_arena *arena,
                     const struct gkv_options *options)
{
    gkv_prng_init(&gossip->prng, options->seed[0], options->seed[1] ^ PRNG_STREAM);
    gkv_rumors_init(&gossip->rumors, arena, (uint16_t)options->member_count_max);
}

/* An interval after the last time; that may be at once. */
static void set_timer(const struct gkv_gossip *gossip, const struct gkv_step *step)
{
    const uint64_t due_ns = gossip->told_ns + step->options->gossip_interval_ms * GKV_NS_PER_MS;
    gkv_timer_set(step->timers, GKV_TIMER_GOSSIP,
                  due_ns > step->now.mono_ns ? due_ns : step->now.mono_ns);
}

void gkv_gossip_tell(struct gkv_gossip *gossip, const struct gkv_step *step, uint16_t index)
{
    gkv_rumor_add(&gossip->rumors, step->members, index);
    if (step->options->gossip_fanout > 0 && !gkv_timer_is_set(step->timers, GKV_TIMER_GOSSIP)) {
        set_timer(gossip, step);
    }
}

uint16_t gkv_gossip_held_against(const struct gkv_step *step, uint16_t index)
{
    const struct gkv_member *member = gkv_member_at(step->members, index);
    const enum gkv_member_state state = member->said.state;
    /* At its last chance it is told all the same: else it answers, and never learns what to. */
    const bool is_untold =
        state == GKV_MEMBER_SUSPECT && step->options->buddy == 0 && member->asked_ns == 0;
    const bool is_plain = state == GKV_MEMBER_ALIVE || state == GKV_MEMBER_LEAVING;
    return is_plain || is_untold ? GKV_MEMBER_INDEX_NONE : index;
}

/* Rumours for a datagram, those of front first. */
static void put_rumors(struct gkv_gossip *gossip, const struct gkv_step *step,
                       struct gkv_message *message, struct gkv_gossip_front front)
{
    const size_t wanted = (size_t)gossip->rumors.pending_count + GKV_RUMOR_FRONT_COUNT;
    const size_t room = gkv_scratch_room(step->scratch) / sizeof(struct gkv_update);
    size_t capacity = wanted < room ? wanted : room;
    capacity = capacity < GKV_UPDATE_COUNT_MAX ? capacity : GKV_UPDATE_COUNT_MAX;
    if (capacity > 0) {
        struct gkv_update *updates =
            gkv_scratch_take(step->scratch, capacity * sizeof(struct gkv_update));
        message->as.gossip.updates = updates;
        message->as.gossip.update_count = gkv_rumors_pick(
            &gossip->rumors, step->members, front.indices, updates, (uint32_t)capacity);
    }
}

/* For a stream, where a message may wait or never go out: no telling of a rumour is spent on it. */
static void put_front(const struct gkv_step *step, struct gkv_message *message,
                      struct gkv_gossip_front front)
{
    if (gkv_scratch_room(step->scratch) < GKV_RUMOR_FRONT_COUNT * sizeof(struct gkv_update)) {
        return;
    }
    struct gkv_update *updates =
        gkv_scratch_take(step->scratch, GKV_RUMOR_FRONT_COUNT * sizeof(struct gkv_update));
    message->as.gossip.updates = updates;
    for (uint32_t i = 0; i < GKV_RUMOR_FRONT_COUNT; i++) {
        if (front.indices[i] != GKV_MEMBER_INDEX_NONE) {
            updates[message->as.gossip.update_count++] =
                gkv_member_at(step->members, front.indices[i])->said;
        }
    }
}

struct gkv_message *gkv_gossip_say(struct gkv_gossip *gossip, const struct gkv_step *step,
                                   const struct gkv_way *way, enum gkv_message_kind kind,
                                   struct gkv_gossip_front front)
{
    struct gkv_message *message = gkv_step_send(step, &way->address, way->channel, kind);
    if (way->channel == GKV_CHANNEL_DATAGRAM) {
        put_rumors(gossip, step, message, front);
    } else {
        put_front(step, message, front);
    }
    return message;
}

void gkv_gossip_ping(struct gkv_gossip *gossip, const struct gkv_step *step, uint16_t index,
                     uint32_t sequence, enum gkv_channel channel)
{
    GKV_ASSERT(index != GKV_MEMBER_SELF);
    GKV_ASSERT(sequence != 0);
    const struct gkv_member *member = gkv_member_at(step->members, index);
    const struct gkv_way way = {.address = member->said.address, .channel = channel};
    struct gkv_message *message = gkv_gossip_say(
        gossip, step, &way, GKV_MESSAGE_PING,
        gkv_gossip_front_of(gkv_gossip_held_against(step, index), GKV_MEMBER_INDEX_NONE));
    message->as.gossip.sequence = sequence;
    message->as.gossip.about = member->said.who;
}

void gkv_gossip_on_timer(struct gkv_gossip *gossip, const struct gkv_step *step)
{
    uint16_t listeners[GKV_GOSSIP_FANOUT];
    const uint32_t listener_count =
        gkv_round_pick(step->members, &gossip->prng, GKV_MEMBER_INDEX_NONE, listeners,
                       step->options->gossip_fanout);
    gossip->told_ns = step->now.mono_ns;
    for (uint32_t i = 0; i < listener_count && gossip->rumors.pending_count > 0; i++) {
        const struct gkv_member *listener = gkv_member_at(step->members, listeners[i]);
        const struct gkv_way way = {.address = listener->said.address,
                                    .channel = GKV_CHANNEL_DATAGRAM};
        (void)gkv_gossip_say(gossip, step, &way, GKV_MESSAGE_GOSSIP,
                             gkv_gossip_front_of(gkv_gossip_held_against(step, listeners[i]),
                                                 GKV_MEMBER_INDEX_NONE));
    }
    if (listener_count > 0 && gossip->rumors.pending_count > 0) {
        set_timer(gossip, step);
    }
}
