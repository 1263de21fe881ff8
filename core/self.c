/* What a node says of itself.
 *
 *   ALIVE   -> ALIVE   [refute]            told otherwise: a greater incarnation, or a newer boot
 *   ALIVE   -> LEAVING [gkv_self_announce] it is about to go
 *   LEAVING -> LEAVING [refute]            told otherwise
 *   ALIVE,
 *   LEAVING -> LEFT    [gkv_self_announce] it goes; from then on nothing is refuted
 */
#include "core/self.h"

#include "core/panic.h"
#include "core/round.h"

bool gkv_self_is(const struct gkv_step *step, struct gkv_node_id id)
{
    return gkv_node_id_equal(id, gkv_step_self(step)->said.who.id);
}

bool gkv_self_is_leaving(const struct gkv_step *step)
{
    return gkv_step_self(step)->said.state != GKV_MEMBER_ALIVE;
}

bool gkv_self_has_left(const struct gkv_step *step)
{
    return gkv_step_self(step)->said.state == GKV_MEMBER_LEFT;
}

static void check_self(const struct gkv_step *step)
{
    const enum gkv_member_state state = gkv_step_self(step)->said.state;
    GKV_ASSERT(state == GKV_MEMBER_ALIVE || state == GKV_MEMBER_LEAVING ||
               state == GKV_MEMBER_LEFT);
}

static void say(struct gkv_gossip *gossip, const struct gkv_step *step,
                const struct gkv_update *said)
{
    const uint16_t index = gkv_member_apply(step->members, said, step->now.mono_ns);
    GKV_ASSERT(index == GKV_MEMBER_SELF);
    gkv_gossip_tell(gossip, step, index);
    check_self(step);
}

/* ---- Refuting. ------------------------------------------------------------------------------- */

/* SWIM 4.2: only we may overrule what is said of us, by an incarnation above it. When the
 * incarnations are used up, or a boot above ours is known, we go on as a newer boot instead. */
static void refute(struct gkv_gossip *gossip, const struct gkv_step *step,
                   const struct gkv_update *told)
{
    struct gkv_update said = gkv_step_self(step)->said;
    GKV_ASSERT(said.state != GKV_MEMBER_LEFT);
    GKV_ASSERT(told->who.boot_id >= said.who.boot_id);
    if (told->who.boot_id > said.who.boot_id || told->incarnation == UINT32_MAX) {
        said.who.boot_id = told->who.boot_id + 1;
        said.incarnation = 0;
    } else {
        said.incarnation = told->incarnation + 1;
    }
    say(gossip, step, &said);
}

/* True when a refutation would need a boot that does not fit: UINT64_MAX is nobody's. A clock does
 * not say so in our lifetime, a liar may. */
static bool boot_is_used_up(const struct gkv_update *said, const struct gkv_update *told)
{
    const bool needs_newer =
        told->who.boot_id > said->who.boot_id || told->incarnation == UINT32_MAX;
    return told->who.boot_id == UINT64_MAX || (told->who.boot_id == UINT64_MAX - 1 && needs_newer);
}

/* Of an earlier boot or incarnation. Whoever believes more than that we were ALIVE missed our
 * answer: say it again, or he goes on believing (memberlist #345). */
static enum gkv_self_reply hear_old(struct gkv_gossip *gossip, const struct gkv_step *step,
                                    const struct gkv_update *told)
{
    const bool is_old_boot = told->who.boot_id < gkv_step_self(step)->said.who.boot_id;
    if (!is_old_boot && told->state == GKV_MEMBER_ALIVE) {
        return GKV_SELF_OUTDATED;
    }
    gkv_gossip_tell(gossip, step, GKV_MEMBER_SELF);
    return GKV_SELF_REPEATED;
}

enum gkv_self_reply gkv_self_hear(struct gkv_self *self, struct gkv_gossip *gossip,
                                  struct gkv_health *health, const struct gkv_step *step,
                                  const struct gkv_update *told)
{
    const struct gkv_update *said = &gkv_step_self(step)->said;
    GKV_ASSERT(gkv_node_id_equal(told->who.id, said->who.id));
    if (boot_is_used_up(said, told)) {
        return GKV_SELF_IMPOSSIBLE;
    }
    if (gkv_self_has_left(step)) {
        return GKV_SELF_GONE;
    }
    const bool is_newer_boot = told->who.boot_id > said->who.boot_id;
    if (told->who.boot_id < said->who.boot_id ||
        (!is_newer_boot && told->incarnation < said->incarnation)) {
        return hear_old(gossip, step, told);
    }
    if (!is_newer_boot && told->incarnation == said->incarnation &&
        gkv_member_rank(told->state) <= gkv_member_rank(said->state)) {
        return GKV_SELF_AGREED;
    }
    refute(gossip, step, told);
    self->accuser = told->accuser;
    gkv_health_worsen(health, step, 1);
    gkv_step_trace(step, GKV_TRACE_REFUTE, &said->who.id, said->incarnation, said->who.boot_id);
    return is_newer_boot ? GKV_SELF_OUTLIVED : GKV_SELF_REFUTED;
}

/* ---- Telling. -------------------------------------------------------------------------------- */

static void tell_of_self(struct gkv_gossip *gossip, const struct gkv_step *step, uint16_t listener)
{
    const struct gkv_way way = {.address = gkv_member_at(step->members, listener)->said.address,
                                .channel = GKV_CHANNEL_DATAGRAM};
    (void)gkv_gossip_say(gossip, step, &way, GKV_MESSAGE_GOSSIP,
                         gkv_gossip_front_of(GKV_MEMBER_SELF, GKV_MEMBER_INDEX_NONE));
}

void gkv_self_tell_accuser(struct gkv_self *self, struct gkv_gossip *gossip,
                           const struct gkv_step *step, const struct gkv_identity *answered)
{
    const uint16_t index = gkv_member_find(step->members, self->accuser);
    const bool is_answered = answered != NULL && gkv_node_id_equal(answered->id, self->accuser);
    self->accuser = (struct gkv_node_id){{0}};
    if (index != GKV_MEMBER_INDEX_NONE && !is_answered && gkv_round_admits(step->members, index)) {
        tell_of_self(gossip, step, index);
    }
}

void gkv_self_announce(struct gkv_gossip *gossip, const struct gkv_step *step,
                       enum gkv_member_state state)
{
    struct gkv_update said = gkv_step_self(step)->said;
    GKV_ASSERT(state == GKV_MEMBER_LEAVING || state == GKV_MEMBER_LEFT);
    GKV_ASSERT(gkv_member_rank(state) > gkv_member_rank(said.state));
    said.state = state;
    said.incarnation += said.incarnation < UINT32_MAX ? 1 : 0;
    say(gossip, step, &said);
    gkv_step_trace(step,
                   state == GKV_MEMBER_LEFT ? GKV_TRACE_MEMBER_LEFT : GKV_TRACE_MEMBER_LEAVING,
                   &said.who.id, said.incarnation, 0);

    uint16_t listeners[GKV_GOSSIP_FANOUT];
    const uint32_t listener_count = gkv_round_pick(
        step->members, &gossip->prng, GKV_MEMBER_INDEX_NONE, listeners, GKV_GOSSIP_FANOUT);
    for (uint32_t i = 0; i < listener_count; i++) {
        tell_of_self(gossip, step, listeners[i]);
    }
}
