/* What a member goes through in our table. "told": an update said so, of a greater boot or
 * incarnation, or the same and a worse state (core/member.h).
 *
 *   (nobody)    -> any but LEFT  [merge]          told of a stranger, and the table has room
 *   ALIVE,
 *   LEAVING     -> SUSPECT       [on_failed]      our probe failed (core/probe.h); or told
 *   SUSPECT     -> ALIVE         [merge]          it refuted; or LEAVING
 *   ALIVE       -> LEAVING       [merge]          it said so
 *   SUSPECT     -> UNREACHABLE   [end_suspicion] it did not refute in time; or told
 *   UNREACHABLE -> EVICTED       [gkv_swim_on_member_timer] evict_delay_ms later; or told
 *   ALIVE,
 *   SUSPECT     -> EVICTED       [evict_degraded] DEGRADED for degraded_evict_ms; or told
 *   UNREACHABLE,
 *   EVICTED     -> ALIVE         [merge]          asked by reconnect, it refuted; or a newer boot
 *   any         -> LEFT          [merge]          it said so
 *   LEFT        -> ALIVE         [merge]          a newer boot; or it was said falsely, and refuted
 *   LEFT        -> (nobody)      [gkv_swim_on_member_timer] left_keep_ms later
 */
#include "core/swim.h"

#include "core/panic.h"
#include "core/suspicion.h"
#include "core/witness.h"

#define SENDS_PER_CALL_MAX (GKV_SEED_COUNT_MAX + 1)
#define EVENTS_PER_CALL_MAX (GKV_SWIM_ACTION_COUNT_MAX - SENDS_PER_CALL_MAX)
#define STALL_SCORE_MAX 3           /* how much one stall speaks against our health at the most */
#define PUSH_PULL_JITTER_PERCENT 10 /* so that a cluster started at once does not stay in step */

_Static_assert(GKV_PROBE_HELPER_COUNT + 1 <= SENDS_PER_CALL_MAX, "the sends of a call leave room");
_Static_assert(GKV_PROBE_TARGETS_MAX <= SENDS_PER_CALL_MAX, "the sends of a call leave room");
_Static_assert(GKV_PROBE_COUNT_MAX <= SENDS_PER_CALL_MAX, "the sends of a call leave room");
_Static_assert(GKV_RELAY_COUNT <= SENDS_PER_CALL_MAX, "the sends of a call leave room");
_Static_assert(GKV_GOSSIP_FANOUT <= SENDS_PER_CALL_MAX, "the sends of a call leave room");

static void check_swim(const struct gkv_swim *swim, const struct gkv_step *step)
{
    GKV_ASSERT(gkv_timer_is_set(step->timers, GKV_TIMER_PROBE) != gkv_self_has_left(step));
    gkv_probes_check(&swim->probes, step);
}

static bool node_id_is_zero(struct gkv_node_id id)
{
    return gkv_node_id_equal(id, (struct gkv_node_id){{0}});
}

static uint64_t after_ms(const struct gkv_step *step, uint64_t ms)
{
    return step->now.mono_ns + ms * GKV_NS_PER_MS;
}

/* ---- What we are told of ourselves. ---------------------------------------------------------- */

/* Returns true when the teller should hear of us in the answer. */
static bool hear_of_self(struct gkv_swim *swim, const struct gkv_step *step,
                         const struct gkv_update *told)
{
    if (gkv_grey_must_wait(&swim->greys, &swim->probes.health, step, told)) {
        return false;
    }
    const enum gkv_self_reply reply =
        gkv_self_hear(&swim->self, &swim->gossip, &swim->probes.health, step, told);
    swim->drops.malformed += reply == GKV_SELF_IMPOSSIBLE;
    swim->drops.stale += reply == GKV_SELF_OUTDATED || reply == GKV_SELF_REPEATED;
    swim->drops.boot_conflict += reply == GKV_SELF_OUTLIVED;
    if (reply == GKV_SELF_REFUTED) {
        (void)gkv_grey_on_refuted(&swim->greys, step, GKV_MEMBER_SELF, told);
    }
    return reply == GKV_SELF_REPEATED || reply == GKV_SELF_REFUTED || reply == GKV_SELF_OUTLIVED ||
           reply == GKV_SELF_GONE;
}

/* ---- What we are told of others. ------------------------------------------------------------- */

static void trace_change(const struct gkv_step *step, const struct gkv_update *said)
{
    const struct gkv_node_id *who = &said->who.id;
    switch (said->state) {
    case GKV_MEMBER_ALIVE:
        gkv_step_trace(step, GKV_TRACE_MEMBER_ALIVE, who, said->incarnation, said->who.boot_id);
        break;
    case GKV_MEMBER_SUSPECT:
        gkv_step_trace_via(step, GKV_TRACE_MEMBER_SUSPECT, who, &said->accuser, said->incarnation);
        break;
    case GKV_MEMBER_UNREACHABLE:
        gkv_step_trace(step, GKV_TRACE_MEMBER_UNREACHABLE, who, said->incarnation, 0);
        break;
    case GKV_MEMBER_EVICTED:
        gkv_step_trace(step, GKV_TRACE_MEMBER_EVICTED, who, said->incarnation, 0);
        break;
    case GKV_MEMBER_LEAVING:
        gkv_step_trace(step, GKV_TRACE_MEMBER_LEAVING, who, said->incarnation, 0);
        break;
    case GKV_MEMBER_LEFT:
        gkv_step_trace(step, GKV_TRACE_MEMBER_LEFT, who, said->incarnation, 0);
        break;
    case GKV_MEMBER_NONE:
        GKV_ASSERT(said->state != GKV_MEMBER_NONE);
        break;
    }
}

/* Is there room for one more event of the call under way? Then it is taken; else the event waits
 * for a timer that is due at once. */
static bool take_event_room(struct gkv_swim *swim, const struct gkv_step *step)
{
    const bool has_room =
        swim->event_room > 0 && gkv_actions_room(step->actions) > SENDS_PER_CALL_MAX;
    swim->event_room -= has_room;
    if (!has_room) {
        gkv_timer_set(step->timers, GKV_TIMER_EVENTS, step->now.mono_ns);
    }
    return has_room;
}

/* Make an event of what is held of the member at index. */
static void tell_change(struct gkv_swim *swim, const struct gkv_step *step, uint16_t index)
{
    struct gkv_member *member = gkv_member_at(step->members, index);
    member->is_change_owed = !take_event_room(swim, step);
    if (!member->is_change_owed) {
        gkv_actions_add(step->actions, GKV_ACTION_MEMBER)->as.member = member->said;
    }
}

/* The verdict on the member at index changed. */
static void tell_degraded(struct gkv_swim *swim, const struct gkv_step *step, uint16_t index)
{
    struct gkv_member *member = gkv_member_at(step->members, index);
    if (index == GKV_MEMBER_SELF) {
        return;
    }
    member->is_verdict_owed = !take_event_room(swim, step);
    if (!member->is_verdict_owed) {
        struct gkv_action *action = gkv_actions_add(step->actions, GKV_ACTION_DEGRADED);
        action->as.degraded.who = member->said.who;
        action->as.degraded.is_degraded = member->is_degraded;
    }
}

/* Tell what there was no room for. */
static void on_events_timer(struct gkv_swim *swim, const struct gkv_step *step)
{
    for (uint16_t i = GKV_MEMBER_SELF + 1; i < step->members->capacity; i++) {
        if (gkv_member_at(step->members, i)->is_change_owed) {
            tell_change(swim, step, i);
        }
        if (gkv_member_at(step->members, i)->is_verdict_owed) {
            tell_degraded(swim, step, i);
        }
    }
}

/* In an incarnation above what we held, a member denied that; one that LEFT has better reasons. */
static bool is_denied(const struct gkv_update *before, const struct gkv_update *said)
{
    return before->who.boot_id == said->who.boot_id && before->incarnation < said->incarnation &&
           said->state != GKV_MEMBER_LEFT;
}

static void on_denied(struct gkv_swim *swim, const struct gkv_step *step, uint16_t index,
                      const struct gkv_update *before)
{
    const enum gkv_grey_verdict verdict = gkv_grey_on_refuted(&swim->greys, step, index, before);
    if (verdict == GKV_GREY_BEGUN) {
        tell_degraded(swim, step, index);
    } else if (verdict == GKV_GREY_EVICT) {
        swim->condemned = index;
    }
}

/* The table's entry at index was replaced; `before` is what it held of the same node (NONE:
 * nothing). */
static void on_changed(struct gkv_swim *swim, const struct gkv_step *step, uint16_t index,
                       const struct gkv_update *before)
{
    GKV_ASSERT(index != GKV_MEMBER_SELF);
    const struct gkv_member *member = gkv_member_at(step->members, index);
    gkv_suspicion_rearm(step, index);
    gkv_gossip_tell(&swim->gossip, step, index);
    if (gkv_member_is_reachable(member)) {
        gkv_round_add(&swim->probes.round, &swim->gossip.prng, index);
    }
    if (before->state != member->said.state || before->who.boot_id != member->said.who.boot_id) {
        trace_change(step, &member->said);
        tell_change(swim, step, index);
    }
    if (is_denied(before, &member->said)) {
        on_denied(swim, step, index, before);
    }
}

static bool update_is_sound(const struct gkv_update *update)
{
    return !node_id_is_zero(update->who.id) && update->who.boot_id != 0 &&
           update->state >= GKV_MEMBER_ALIVE && update->state < GKV_MEMBER_STATE_COUNT &&
           update->address.count > 0 && update->address.count <= GKV_ADDRESS_BYTES_MAX &&
           update->name.count <= GKV_NAME_BYTES_MAX &&
           update->confirmer_count <=
               (update->state == GKV_MEMBER_SUSPECT ? GKV_CONFIRMER_COUNT_MAX : 0);
}

static bool is_same_statement(const struct gkv_update *a, const struct gkv_update *b)
{
    return a->who.boot_id == b->who.boot_id && a->incarnation == b->incarnation &&
           a->state == b->state;
}

/* Somebody suspects the member at index as well. Strangers do not count. */
static bool confirm(const struct gkv_step *step, uint16_t index, struct gkv_node_id confirmer)
{
    struct gkv_member *member = gkv_member_at(step->members, index);
    if (gkv_member_find(step->members, confirmer) == GKV_MEMBER_INDEX_NONE ||
        !gkv_member_confirm(member, confirmer, step->options->suspicion_confirmations)) {
        return false;
    }
    gkv_step_trace_via(step, GKV_TRACE_CONFIRM, &member->said.who.id, &confirmer,
                       member->said.confirmer_count);
    return true;
}

/* What is told of a suspect is no news, but it may name accusers of whom we did not know. */
static void hear_accusers(struct gkv_swim *swim, const struct gkv_step *step, uint16_t index,
                          const struct gkv_update *told)
{
    bool is_new = confirm(step, index, told->accuser);
    for (uint32_t i = 0; i < told->confirmer_count; i++) {
        is_new |= confirm(step, index, told->confirmers[i]);
    }
    if (is_new) {
        gkv_suspicion_shorten(step, index);
        gkv_gossip_tell(&swim->gossip, step, index);
    }
}

/* Take one update in. Returns true when it was about us and the teller should hear our answer. */
static bool merge(struct gkv_swim *swim, const struct gkv_step *step,
                  const struct gkv_update *update)
{
    if (!update_is_sound(update)) {
        swim->drops.malformed++;
        return false;
    }
    if (gkv_self_is(step, update->who.id)) {
        return hear_of_self(swim, step, update);
    }

    struct gkv_update before = {.state = GKV_MEMBER_NONE};
    const uint16_t held_index = gkv_member_find(step->members, update->who.id);
    if (held_index != GKV_MEMBER_INDEX_NONE) {
        const struct gkv_member *held = gkv_member_at(step->members, held_index);
        if (!gkv_member_update_is_news(held, update)) {
            if (!is_same_statement(&held->said, update)) {
                swim->drops.stale++;
            } else if (update->state == GKV_MEMBER_SUSPECT) {
                hear_accusers(swim, step, held_index, update);
            }
            return false;
        }
        before = held->said;
    }
    const uint16_t index = gkv_member_apply(step->members, update, step->now.mono_ns);
    if (index == GKV_MEMBER_INDEX_NONE) {
        GKV_ASSERT(held_index == GKV_MEMBER_INDEX_NONE);
        return false; /* no place for a stranger (counted there), or one who left already */
    }
    on_changed(swim, step, index, &before);
    return false;
}

static bool merge_all(struct gkv_swim *swim, const struct gkv_step *step,
                      const struct gkv_update *updates, uint32_t count)
{
    bool must_answer = false;
    for (uint32_t i = 0; i < count; i++) {
        must_answer |= merge(swim, step, &updates[i]);
    }
    return must_answer;
}

/* What we found out ourselves about a member, in the state's words. */
static void declare(struct gkv_swim *swim, const struct gkv_step *step, uint16_t index,
                    enum gkv_member_state state)
{
    struct gkv_update update = gkv_member_at(step->members, index)->said;
    GKV_ASSERT(gkv_member_rank(state) > gkv_member_rank(update.state));
    update.state = state;
    update.confirmer_count = 0;
    memset(update.confirmers, 0, sizeof(update.confirmers));
    if (state == GKV_MEMBER_SUSPECT || node_id_is_zero(update.accuser)) {
        update.accuser = gkv_step_self(step)->said.who.id;
    }
    (void)merge(swim, step, &update);
    GKV_ASSERT(gkv_member_at(step->members, index)->said.state == state);
}

/* Somebody was neither well nor dead for too long: all are to know. Unless the rest of the message
 * said that it began anew, or left and made place for another. */
static void evict_degraded(struct gkv_swim *swim, const struct gkv_step *step)
{
    const uint16_t index = swim->condemned;
    swim->condemned = GKV_MEMBER_INDEX_NONE;
    if (index == GKV_MEMBER_INDEX_NONE) {
        return;
    }
    const struct gkv_member *member = gkv_member_at(step->members, index);
    const enum gkv_member_state state = member->said.state;
    if (member->is_degraded && (state == GKV_MEMBER_ALIVE || state == GKV_MEMBER_SUSPECT)) {
        declare(swim, step, index, GKV_MEMBER_EVICTED);
    }
}

/* ---- Timers. --------------------------------------------------------------------------------- */

/* Nobody heard a member in time: it is suspect (SWIM 3.1), or we are one more to say so. */
static void on_failed(struct gkv_swim *swim, const struct gkv_step *step, uint16_t index)
{
    const struct gkv_update *said = &gkv_member_at(step->members, index)->said;
    if (!gkv_witness_allows(step, index, 0)) {
        gkv_step_trace(step, GKV_TRACE_NO_WITNESS, &said->who.id, 0, 0);
    } else if (said->state == GKV_MEMBER_ALIVE || said->state == GKV_MEMBER_LEAVING) {
        declare(swim, step, index, GKV_MEMBER_SUSPECT);
    } else if (said->state == GKV_MEMBER_SUSPECT &&
               confirm(step, index, gkv_step_self(step)->said.who.id)) {
        gkv_suspicion_shorten(step, index);
        gkv_gossip_tell(&swim->gossip, step, index);
    }
}

/* The time of a suspect is over. It is asked once more, by datagram and stream, and buried when not
 * a word of it comes, if there are witnesses; whoever spoke meanwhile has all its time again,
 * until as much as patience was given back. Who has left suspects and buries nobody. */
static void end_suspicion(struct gkv_swim *swim, const struct gkv_step *step, uint16_t index)
{
    if (gkv_self_has_left(step)) {
        return;
    }
    struct gkv_member *member = gkv_member_at(step->members, index);
    const struct gkv_node_id *about = &member->said.who.id;
    if (member->asked_ns != 0 && member->heard_ns > member->asked_ns &&
        gkv_suspicion_reprieve(step, index)) {
        gkv_step_trace(step, GKV_TRACE_REPRIEVE, about, 0, 0);
    } else if (!gkv_witness_allows(step, index, member->asked_ns)) {
        gkv_step_trace(step, GKV_TRACE_NO_WITNESS, about, 1, 0);
        gkv_suspicion_await_witness(step, index);
    } else if (step->options->last_chance > 0 && member->asked_ns == 0) {
        const uint32_t sequence = gkv_probe_take_sequence(&swim->probes);
        member->asked_ns = step->now.mono_ns;
        gkv_gossip_ping(&swim->gossip, step, index, sequence, GKV_CHANNEL_DATAGRAM);
        gkv_gossip_ping(&swim->gossip, step, index, sequence, GKV_CHANNEL_STREAM);
        gkv_step_trace(step, GKV_TRACE_LAST_CHANCE, about, sequence, 0);
        gkv_suspicion_extend(step, index, step->options->probe_timeout_ms * GKV_NS_PER_MS);
    } else {
        declare(swim, step, index, GKV_MEMBER_UNREACHABLE);
    }
}

static void on_probe_timer(struct gkv_swim *swim, const struct gkv_step *step)
{
    gkv_timer_set(step->timers, GKV_TIMER_PROBE,
                  step->now.mono_ns + gkv_health_stretch_ns(&swim->probes.health,
                                                            step->options->probe_interval_ms));
    gkv_probe_on_tick(&swim->probes, &swim->gossip, step);
}

/* Set the timer of NACKs for the next one that we owe. */
static void set_relay_timer(struct gkv_swim *swim, const struct gkv_step *step)
{
    const uint64_t deadline_ns = gkv_relays_deadline_ns(&swim->relays);
    if (deadline_ns == GKV_NEVER) {
        gkv_timer_cancel(step->timers, GKV_TIMER_RELAY);
    } else {
        gkv_timer_set(step->timers, GKV_TIMER_RELAY, deadline_ns);
    }
}

static void on_relay_timer(struct gkv_swim *swim, const struct gkv_step *step)
{
    struct gkv_relay relay;
    while (gkv_relay_take_due(&swim->relays, step->now.mono_ns, &relay)) {
        const struct gkv_way way = {.address = relay.asker, .channel = GKV_CHANNEL_DATAGRAM};
        struct gkv_message *nack =
            gkv_gossip_say(&swim->gossip, step, &way, GKV_MESSAGE_NACK,
                           gkv_gossip_front_of(GKV_MEMBER_INDEX_NONE, GKV_MEMBER_INDEX_NONE));
        nack->as.gossip.sequence = relay.asker_sequence;
        nack->as.gossip.about = relay.target;
    }
    set_relay_timer(swim, step);
}

static void set_push_pull_timer(struct gkv_swim *swim, const struct gkv_step *step)
{
    const uint64_t interval_ns = step->options->push_pull_interval_ms * GKV_NS_PER_MS;
    const uint64_t jitter_ns = interval_ns * PUSH_PULL_JITTER_PERCENT / 100;
    gkv_timer_set(step->timers, GKV_TIMER_PUSH_PULL,
                  step->now.mono_ns + interval_ns - jitter_ns +
                      gkv_prng_below(&swim->gossip.prng, 2 * jitter_ns + 1));
}

static void on_push_pull_timer(struct gkv_swim *swim, const struct gkv_step *step)
{
    set_push_pull_timer(swim, step);
    uint16_t index = GKV_MEMBER_INDEX_NONE;
    if (gkv_round_pick(step->members, &swim->gossip.prng, GKV_MEMBER_INDEX_NONE, &index, 1) == 1) {
        gkv_join_ask(step, &gkv_member_at(step->members, index)->said.address);
    }
}

/* Is it a member's turn to be called? One that was evicted is called less and less often. */
static bool is_to_be_called(const struct gkv_step *step, const struct gkv_member *member)
{
    return member->said.state == GKV_MEMBER_UNREACHABLE ||
           (member->said.state == GKV_MEMBER_EVICTED && step->now.mono_ns >= member->call_ns);
}

/* Note that an evicted member is called now. */
static void back_off(const struct gkv_step *step, struct gkv_member *member)
{
    const uint32_t least_ms = step->options->reconnect_interval_ms;
    const uint32_t most_ms = step->options->reconnect_max_ms;
    const uint32_t next_ms = member->call_ms == 0 ? least_ms : 2 * member->call_ms;
    member->call_ms = next_ms < most_ms ? next_ms : most_ms;
    member->call_ns = after_ms(step, member->call_ms);
}

/* Ping the next unreachable or evicted member in turn, with what we say of it: if it is back, it
 * refutes. */
static void reconnect_member(struct gkv_swim *swim, const struct gkv_step *step)
{
    const uint16_t capacity = step->members->capacity;
    for (uint16_t i = 0; i < capacity; i++) {
        const uint16_t index = swim->reconnect_cursor;
        struct gkv_member *member = gkv_member_at(step->members, index);
        swim->reconnect_cursor = (uint16_t)((index + 1u) % capacity);
        if (is_to_be_called(step, member)) {
            back_off(step, member);
            swim->reconnect_sequence = gkv_probe_take_sequence(&swim->probes);
            gkv_gossip_ping(&swim->gossip, step, index, swim->reconnect_sequence,
                            GKV_CHANNEL_DATAGRAM);
            return;
        }
    }
}

/* Whoever was neither well nor dead, and is left in peace, is well. */
static void end_degraded(struct gkv_swim *swim, const struct gkv_step *step)
{
    for (uint16_t i = 0; i < step->members->capacity; i++) {
        if (gkv_grey_is_over(&swim->greys, step, i)) {
            tell_degraded(swim, step, i);
        }
    }
}

static void on_reconnect_timer(struct gkv_swim *swim, const struct gkv_step *step)
{
    gkv_timer_set(step->timers, GKV_TIMER_RECONNECT,
                  after_ms(step, step->options->reconnect_interval_ms));
    gkv_join_ask_missing_seed(&swim->join, step);
    end_degraded(swim, step);
    reconnect_member(swim, step);
}

/* ---- Messages. ------------------------------------------------------------------------------- */

/* True when the sender is in our table in this very boot, or when we hold a newer one of it. */
static bool sender_is_known(const struct gkv_step *step, const struct gkv_identity *from)
{
    const uint16_t index = gkv_member_find(step->members, from->id);
    return index != GKV_MEMBER_INDEX_NONE &&
           gkv_member_at(step->members, index)->said.who.boot_id >= from->boot_id;
}

/* What we hold of a sender, when it is not what the sender would say of itself. */
static uint16_t wrong_about_sender(const struct gkv_step *step, const struct gkv_identity *from)
{
    const uint16_t index = gkv_member_find(step->members, from->id);
    if (index == GKV_MEMBER_INDEX_NONE) {
        return GKV_MEMBER_INDEX_NONE;
    }
    if (gkv_member_at(step->members, index)->said.who.boot_id > from->boot_id) {
        return index;
    }
    return gkv_gossip_held_against(step, index);
}

static void on_ping(struct gkv_swim *swim, const struct gkv_step *step,
                    const struct gkv_message *message, const struct gkv_way *way, bool must_answer)
{
    const struct gkv_identity *about = &message->as.gossip.about;
    if (!gkv_self_is(step, about->id)) {
        swim->drops.stale++; /* somebody else had our address before; we do not answer for him */
        return;
    }
    /* Refute before acknowledging: the prober knows another boot of us. */
    if (about->boot_id != gkv_step_self(step)->said.who.boot_id) {
        struct gkv_update told = gkv_step_self(step)->said;
        told.who = *about;
        told.incarnation = 0;
        must_answer |= hear_of_self(swim, step, &told);
    }

    const uint16_t self =
        must_answer || gkv_self_has_left(step) ? GKV_MEMBER_SELF : GKV_MEMBER_INDEX_NONE;
    struct gkv_message *ack =
        gkv_gossip_say(&swim->gossip, step, way, GKV_MESSAGE_ACK,
                       gkv_gossip_front_of(self, wrong_about_sender(step, &message->from)));
    ack->as.gossip.sequence = message->as.gossip.sequence;
    ack->as.gossip.about = gkv_step_self(step)->said.who;

    const bool has_place =
        step->members->count < step->members->capacity ||
        gkv_member_find(step->members, message->from.id) != GKV_MEMBER_INDEX_NONE;
    if (!sender_is_known(step, &message->from) && has_place && !gkv_self_has_left(step)) {
        gkv_join_ask_stranger(&swim->join, step, &way->address);
    }
}

static void on_ack(struct gkv_swim *swim, const struct gkv_step *step,
                   const struct gkv_message *message, const struct gkv_way *way)
{
    const uint32_t sequence = message->as.gossip.sequence;
    const struct gkv_identity *about = &message->as.gossip.about;
    if (gkv_probe_on_ack(&swim->probes, step, message, way->channel)) {
        swim->join.has_met = true;
        return;
    }
    if (sequence == swim->reconnect_sequence) {
        swim->reconnect_sequence = 0;
        return;
    }
    struct gkv_relay relay;
    if (!gkv_relay_take(&swim->relays, sequence, about->id, &relay)) {
        swim->drops.stale++; /* the target and helpers may all have answered */
        return;
    }
    /* What the target told us in its ACK was merged just now: a refutation is a rumour that rides
     * along, and goes first so that it is not crowded out. */
    const struct gkv_way back = {.address = relay.asker, .channel = GKV_CHANNEL_DATAGRAM};
    struct gkv_message *ack = gkv_gossip_say(
        &swim->gossip, step, &back, GKV_MESSAGE_ACK,
        gkv_gossip_front_of(gkv_member_find(step->members, about->id), GKV_MEMBER_INDEX_NONE));
    ack->as.gossip.sequence = relay.asker_sequence;
    ack->as.gossip.about = *about;
}

/* Ping a member for somebody else, and owe him a NACK until it answers. */
static void ping_for(struct gkv_swim *swim, const struct gkv_step *step,
                     const struct gkv_message *message, const struct gkv_way *way, uint16_t index)
{
    const uint64_t wait_ns =
        step->options->probe_indirect_timeout_ms * GKV_NS_PER_MS * GKV_RELAY_NACK_PERCENT / 100;
    const struct gkv_relay relay = {
        .nack_ns = step->options->probe_nacks > 0 ? step->now.mono_ns + wait_ns : GKV_NEVER,
        .asker = way->address,
        .target = message->as.gossip.about,
        .asker_sequence = message->as.gossip.sequence,
        .sequence = gkv_probe_take_sequence(&swim->probes),
    };
    gkv_relay_add(&swim->relays, &relay);
    set_relay_timer(swim, step);
    gkv_gossip_ping(&swim->gossip, step, index, relay.sequence, GKV_CHANNEL_DATAGRAM);
}

static void on_ping_req(struct gkv_swim *swim, const struct gkv_step *step,
                        const struct gkv_message *message, const struct gkv_way *way)
{
    const uint16_t index = gkv_member_find(step->members, message->as.gossip.about.id);
    if (index == GKV_MEMBER_INDEX_NONE) {
        swim->drops.unknown_member++;
    } else if (index == GKV_MEMBER_SELF) {
        struct gkv_message *ack =
            gkv_gossip_say(&swim->gossip, step, way, GKV_MESSAGE_ACK,
                           gkv_gossip_front_of(GKV_MEMBER_SELF, GKV_MEMBER_INDEX_NONE));
        ack->as.gossip.sequence = message->as.gossip.sequence;
        ack->as.gossip.about = gkv_step_self(step)->said.who;
    } else {
        ping_for(swim, step, message, way, index);
    }
}

static void on_push_pull(struct gkv_swim *swim, const struct gkv_step *step,
                         const struct gkv_message *message, const struct gkv_way *way)
{
    swim->join.has_met = true;
    if (message->as.push_pull.is_request) {
        gkv_join_answer(step, &way->address);
    }
}

static bool gossip_is_sound(const struct gkv_message *message)
{
    const bool is_gossip = message->kind == GKV_MESSAGE_GOSSIP;
    return (is_gossip || message->as.gossip.sequence != 0) &&
           (is_gossip || !node_id_is_zero(message->as.gossip.about.id)) &&
           message->as.gossip.update_count <= GKV_UPDATE_COUNT_MAX;
}

static bool message_is_sound(const struct gkv_message *message)
{
    if (node_id_is_zero(message->from.id) || message->from.boot_id == 0) {
        return false;
    }
    if (message->kind == GKV_MESSAGE_PUSH_PULL) {
        return message->as.push_pull.update_count <= GKV_MEMBER_COUNT_MAX;
    }
    return gossip_is_sound(message);
}

/* Everything that a message brings is merged before it is answered, so that the answer is true. */
static void handle(struct gkv_swim *swim, const struct gkv_step *step,
                   const struct gkv_message *message, const struct gkv_way *way)
{
    const bool is_push_pull = message->kind == GKV_MESSAGE_PUSH_PULL;
    const bool must_answer = is_push_pull ? merge_all(swim, step, message->as.push_pull.updates,
                                                      message->as.push_pull.update_count)
                                          : merge_all(swim, step, message->as.gossip.updates,
                                                      message->as.gossip.update_count);
    evict_degraded(swim, step);

    if (is_push_pull) {
        on_push_pull(swim, step, message, way);
    } else if (message->kind == GKV_MESSAGE_PING) {
        on_ping(swim, step, message, way, must_answer);
    } else if (message->kind == GKV_MESSAGE_ACK) {
        on_ack(swim, step, message, way);
    } else if (message->kind == GKV_MESSAGE_NACK) {
        swim->drops.stale += gkv_probe_on_nack(&swim->probes, step, message) ? 0 : 1;
    } else if (message->kind == GKV_MESSAGE_PING_REQ) {
        on_ping_req(swim, step, message, way);
    } else {
        GKV_ASSERT(message->kind == GKV_MESSAGE_GOSSIP);
    }
}

/* ---- Leaving. -------------------------------------------------------------------------------- */

static void say_goodbye(struct gkv_swim *swim, const struct gkv_step *step)
{
    GKV_ASSERT(!gkv_self_has_left(step));
    gkv_probes_stop(&swim->probes, step);
    gkv_timer_cancel(step->timers, GKV_TIMER_PROBE);
    gkv_timer_cancel(step->timers, GKV_TIMER_PUSH_PULL);
    gkv_timer_cancel(step->timers, GKV_TIMER_RECONNECT);
    gkv_self_announce(&swim->gossip, step, GKV_MEMBER_LEFT);
}

/* ---- The interface. -------------------------------------------------------------------------- */

size_t gkv_swim_scratch_bytes(const struct gkv_options *options)
{
    const size_t update_count =
        2u * options->member_count_max + (size_t)GKV_SWIM_ACTION_COUNT_MAX * GKV_UPDATE_COUNT_MAX;
    return update_count * sizeof(struct gkv_update);
}

void gkv_swim_init(struct gkv_swim *swim, struct gkv_arena *arena,
                   const struct gkv_options *options)
{
    const uint16_t capacity = (uint16_t)options->member_count_max;
    *swim = (struct gkv_swim){.condemned = GKV_MEMBER_INDEX_NONE};
    gkv_gossip_init(&swim->gossip, arena, options);
    gkv_relays_init(&swim->relays, arena);
    gkv_greys_init(&swim->greys, arena, capacity);
    gkv_probes_init(&swim->probes, arena, capacity, (uint32_t)gkv_prng_next(&swim->gossip.prng));
}

void gkv_swim_start(struct gkv_swim *swim, const struct gkv_step *step)
{
    GKV_ASSERT(!gkv_self_is_leaving(step));
    GKV_ASSERT(!gkv_timer_is_set(step->timers, GKV_TIMER_PROBE));
    const uint64_t interval_ns = step->options->probe_interval_ms * GKV_NS_PER_MS;

    /* Nodes that start together must not probe together. */
    gkv_timer_set(step->timers, GKV_TIMER_PROBE,
                  step->now.mono_ns + 1 + gkv_prng_below(&swim->gossip.prng, interval_ns));
    gkv_timer_set(step->timers, GKV_TIMER_RECONNECT,
                  after_ms(step, step->options->reconnect_interval_ms));
    set_push_pull_timer(swim, step);
    gkv_gossip_tell(&swim->gossip, step, GKV_MEMBER_SELF);
    step->members->begin_ns = step->now.mono_ns;
    gkv_join_ask_seeds(step);
    gkv_join_count(&swim->join, step);
    check_swim(swim, step);
}

void gkv_swim_on_timer(struct gkv_swim *swim, const struct gkv_step *step, enum gkv_timer_id id)
{
    swim->event_room = EVENTS_PER_CALL_MAX;
    if (id == GKV_TIMER_PROBE) {
        on_probe_timer(swim, step);
    } else if (id == GKV_TIMER_RELAY) {
        on_relay_timer(swim, step);
    } else if (id == GKV_TIMER_LEAVE) {
        say_goodbye(swim, step);
    } else if (id == GKV_TIMER_EVENTS) {
        on_events_timer(swim, step);
    } else if (id == GKV_TIMER_GOSSIP) {
        gkv_gossip_on_timer(&swim->gossip, step);
    } else if (id == GKV_TIMER_PUSH_PULL) {
        on_push_pull_timer(swim, step);
    } else {
        GKV_ASSERT(id == GKV_TIMER_RECONNECT);
        on_reconnect_timer(swim, step);
    }
    check_swim(swim, step);
}

void gkv_swim_on_probe_timer(struct gkv_swim *swim, const struct gkv_step *step, uint32_t place)
{
    swim->event_room = EVENTS_PER_CALL_MAX;
    const uint16_t failed = gkv_probe_on_timer(&swim->probes, &swim->gossip, step, place);
    if (failed != GKV_MEMBER_INDEX_NONE) {
        on_failed(swim, step, failed);
    }
    check_swim(swim, step);
}

void gkv_swim_on_member_timer(struct gkv_swim *swim, const struct gkv_step *step, uint16_t index)
{
    GKV_ASSERT(index != GKV_MEMBER_SELF);
    swim->event_room = EVENTS_PER_CALL_MAX;
    const enum gkv_member_state state = gkv_member_at(step->members, index)->said.state;
    if (state == GKV_MEMBER_SUSPECT) {
        end_suspicion(swim, step, index);
    } else if (state == GKV_MEMBER_UNREACHABLE) {
        declare(swim, step, index, GKV_MEMBER_EVICTED);
    } else {
        GKV_ASSERT(state == GKV_MEMBER_LEFT);
        gkv_rumor_remove(&swim->gossip.rumors, index);
        gkv_member_forget(step->members, index);
    }
    check_swim(swim, step);
}

void gkv_swim_on_message(struct gkv_swim *swim, const struct gkv_step *step,
                         const struct gkv_message *message, const struct gkv_way *way)
{
    GKV_ASSERT(message->kind >= GKV_MESSAGE_PING);
    GKV_ASSERT(message->kind <= GKV_MESSAGE_PUSH_PULL || message->kind == GKV_MESSAGE_NACK);
    swim->event_room = EVENTS_PER_CALL_MAX;
    if (!message_is_sound(message)) {
        swim->drops.malformed++;
        return;
    }
    if (gkv_self_is(step, message->from.id)) {
        /* An echo of ours, when a seed is another address of our own; or a namesake. What a
         * namesake says of itself we hear from others, too, and that can be told from an echo. */
        const uint64_t boot_id = gkv_step_self(step)->said.who.boot_id;
        swim->drops.boot_conflict += message->from.boot_id == boot_id ? 0 : 1;
        return;
    }
    gkv_grey_hear(&swim->greys, step);
    handle(swim, step, message, way);
    gkv_self_tell_accuser(&swim->self, &swim->gossip, step,
                          message->kind == GKV_MESSAGE_PING ? &message->from : NULL);
    gkv_join_count(&swim->join, step);
    check_swim(swim, step);
}

void gkv_swim_on_stream_down(struct gkv_swim *swim, const struct gkv_step *step,
                             const struct gkv_address *address)
{
    const uint16_t index = gkv_member_find_address(step->members, address);
    if (index != GKV_MEMBER_INDEX_NONE && index != GKV_MEMBER_SELF && !gkv_self_has_left(step)) {
        gkv_probe_at_once(&swim->probes, &swim->gossip, step, index);
    }
    check_swim(swim, step);
}

void gkv_swim_on_stall(struct gkv_swim *swim, const struct gkv_step *step, uint64_t stall_ns)
{
    const uint64_t intervals = stall_ns / (step->options->probe_interval_ms * GKV_NS_PER_MS);
    gkv_step_trace(step, GKV_TRACE_STALL, &gkv_step_self(step)->said.who.id, stall_ns, 0);
    gkv_health_worsen(&swim->probes.health, step,
                      intervals < STALL_SCORE_MAX ? (uint32_t)intervals : STALL_SCORE_MAX);
    gkv_probes_restart(&swim->probes, &swim->gossip, step);
    gkv_relays_postpone(&swim->relays, stall_ns);
    gkv_suspicions_postpone(step, stall_ns);
    check_swim(swim, step);
}

void gkv_swim_leave(struct gkv_swim *swim, const struct gkv_step *step)
{
    if (gkv_self_is_leaving(step)) {
        return;
    }
    if (step->options->leave_ms == 0 || step->members->reachable_count == 1) {
        say_goodbye(swim, step);
    } else {
        gkv_self_announce(&swim->gossip, step, GKV_MEMBER_LEAVING);
        gkv_timer_set(step->timers, GKV_TIMER_LEAVE, after_ms(step, step->options->leave_ms));
    }
    check_swim(swim, step);
}

bool gkv_swim_has_joined(const struct gkv_swim *swim, const struct gkv_step *step)
{
    return gkv_join_is_done(&swim->join, step);
}
