/* What a member goes through in our table. "told": an update said so, of a greater boot or
 * incarnation, or the same and a worse state (core/member.h).
 *
 *   (nobody)    -> any but LEFT  [merge]          told of a stranger, and the table has room
 *   ALIVE       -> SUSPECT       [conclude_probe] our probe got no ACK, nor did helpers; or told
 *   SUSPECT     -> ALIVE         [merge]          it refuted
 *   SUSPECT     -> UNREACHABLE   [gkv_swim_on_member_timer] it did not refute in time; or told
 *   UNREACHABLE -> ALIVE         [merge]          asked by reconnect, it refuted; or a newer boot
 *   any         -> LEFT          [merge]          it said so
 *   LEFT        -> ALIVE         [merge]          a newer boot; or it was said falsely, and refuted
 *   LEFT        -> (nobody)      [gkv_swim_on_member_timer] after GKV_SUSPICION_LEFT_KEEP_MS
 */
#include "core/swim.h"

#include "core/panic.h"
#include "core/suspicion.h"

#define SENDS_PER_CALL_MAX (GKV_SEED_COUNT_MAX + 1)
#define EVENTS_PER_CALL_MAX (GKV_SWIM_ACTION_COUNT_MAX - SENDS_PER_CALL_MAX)
#define PRNG_STREAM UINT64_C(0x5357494d) /* "SWIM" */
#define PUSH_PULL_JITTER_PERCENT 10 /* so that a cluster started at once does not stay in step */

_Static_assert(GKV_PROBE_HELPER_COUNT <= SENDS_PER_CALL_MAX, "the sends of a call leave room");
_Static_assert(GKV_GOSSIP_FANOUT <= SENDS_PER_CALL_MAX, "the sends of a call leave room");

static void check_swim(const struct gkv_swim *swim, const struct gkv_step *step)
{
    const struct gkv_update *self = &gkv_step_self(step)->said;
    GKV_ASSERT(self->state == (swim->leaving ? GKV_MEMBER_LEFT : GKV_MEMBER_ALIVE));
    GKV_ASSERT(swim->probe.target != GKV_MEMBER_SELF);
    if (swim->probe.target != GKV_MEMBER_INDEX_NONE) {
        GKV_ASSERT(!swim->leaving);
        GKV_ASSERT(swim->probe.sequence != 0);
        GKV_ASSERT(gkv_timer_is_set(step->timers, GKV_TIMER_PROBE));
    }
}

static bool node_id_is_zero(struct gkv_node_id id)
{
    return gkv_node_id_equal(id, (struct gkv_node_id){{0}});
}

static bool is_self(const struct gkv_step *step, struct gkv_node_id id)
{
    return gkv_node_id_equal(id, gkv_step_self(step)->said.who.id);
}

static uint64_t after_ms(const struct gkv_step *step, uint64_t ms)
{
    return step->now.mono_ns + ms * GKV_NS_PER_MS;
}

/* ---- What we say. ---------------------------------------------------------------------------- */

/* Start a rumour of a member, and gossip soon. Rumours wait without a timer while nobody is there
 * to hear them, so that a lonely node sleeps; whoever comes is a rumour, too, and brings us back
 * here. */
static void tell(struct gkv_swim *swim, const struct gkv_step *step, uint16_t index)
{
    gkv_rumor_add(&swim->rumors, step->members, index);
    if (!gkv_timer_is_set(step->timers, GKV_TIMER_GOSSIP)) {
        gkv_timer_set(step->timers, GKV_TIMER_GOSSIP,
                      after_ms(step, step->options->gossip_interval_ms));
    }
}

/* Who goes before the rumours in a message. */
struct front {
    uint16_t indices[GKV_RUMOR_FRONT_COUNT];
};

static struct front front_of(uint16_t first, uint16_t second)
{
    return (struct front){.indices = {first, second}};
}

/* Lifeguard's buddy rule: a member must learn from the first ping what is held against it. */
static uint16_t unless_plainly_alive(const struct gkv_step *step, uint16_t index)
{
    const bool is_alive = gkv_member_at(step->members, index)->said.state == GKV_MEMBER_ALIVE;
    return is_alive ? GKV_MEMBER_INDEX_NONE : index;
}

/* Send a datagram of the gossip kinds with the rumours that are due; lends it for the rest. */
static struct gkv_message *say(struct gkv_swim *swim, const struct gkv_step *step,
                               const struct gkv_address *address, enum gkv_message_kind kind,
                               struct front front)
{
    struct gkv_message *message = gkv_step_send(step, address, GKV_CHANNEL_DATAGRAM, kind);
    const size_t wanted = (size_t)swim->rumors.pending_count + GKV_RUMOR_FRONT_COUNT;
    const size_t room = gkv_scratch_room(step->scratch) / sizeof(struct gkv_update);
    size_t capacity = wanted < room ? wanted : room;
    capacity = capacity < GKV_UPDATE_COUNT_MAX ? capacity : GKV_UPDATE_COUNT_MAX;
    if (capacity > 0) {
        struct gkv_update *updates =
            gkv_scratch_take(step->scratch, capacity * sizeof(struct gkv_update));
        message->as.gossip.updates = updates;
        message->as.gossip.update_count = gkv_rumors_pick(
            &swim->rumors, step->members, front.indices, updates, (uint32_t)capacity);
    }
    return message;
}

static void ping(struct gkv_swim *swim, const struct gkv_step *step, uint16_t index,
                 uint32_t sequence)
{
    const struct gkv_member *member = gkv_member_at(step->members, index);
    GKV_ASSERT(index != GKV_MEMBER_SELF);
    GKV_ASSERT(sequence != 0);
    struct gkv_message *message =
        say(swim, step, &member->said.address, GKV_MESSAGE_PING,
            front_of(unless_plainly_alive(step, index), GKV_MEMBER_INDEX_NONE));
    message->as.gossip.sequence = sequence;
    message->as.gossip.about = member->said.who;
}

/* ---- What we are told of ourselves. ---------------------------------------------------------- */

static void say_of_self(struct gkv_swim *swim, const struct gkv_step *step,
                        const struct gkv_update *self)
{
    const uint16_t index = gkv_member_apply(step->members, self, step->now.mono_ns);
    GKV_ASSERT(index == GKV_MEMBER_SELF);
    tell(swim, step, index);
}

/* SWIM 4.2: only we may overrule what is said of us, by an incarnation above it. When the
 * incarnations are used up, or a boot above ours is known, we go on as a newer boot instead. */
static void refute(struct gkv_swim *swim, const struct gkv_step *step,
                   const struct gkv_update *told)
{
    GKV_ASSERT(!swim->leaving);
    struct gkv_update self = gkv_step_self(step)->said;
    GKV_ASSERT(told->who.boot_id >= self.who.boot_id);
    if (told->who.boot_id > self.who.boot_id || told->incarnation == UINT32_MAX) {
        self.who.boot_id = told->who.boot_id + 1;
        self.incarnation = 0;
    } else {
        self.incarnation = told->incarnation + 1;
    }
    say_of_self(swim, step, &self);
    gkv_step_trace(step, GKV_TRACE_REFUTE, &self.who.id, self.incarnation, self.who.boot_id);
}

/* True when a refutation would need a boot that does not fit: UINT64_MAX is nobody's. A clock does
 * not say so in our lifetime, a liar may. */
static bool boot_is_used_up(const struct gkv_update *self, const struct gkv_update *told)
{
    const bool needs_newer =
        told->who.boot_id > self->who.boot_id || told->incarnation == UINT32_MAX;
    return told->who.boot_id == UINT64_MAX || (told->who.boot_id == UINT64_MAX - 1 && needs_newer);
}

/* Returns true when the teller should hear of us in the answer. */
static bool hear_of_self(struct gkv_swim *swim, const struct gkv_step *step,
                         const struct gkv_update *told)
{
    const struct gkv_update *self = &gkv_step_self(step)->said;
    if (boot_is_used_up(self, told)) {
        swim->drops.malformed++; /* nobody could go on from there */
        return false;
    }
    if (swim->leaving) {
        return true;
    }
    const bool is_old_boot = told->who.boot_id < self->who.boot_id;
    if (is_old_boot ||
        (told->who.boot_id == self->who.boot_id && told->incarnation < self->incarnation)) {
        swim->drops.stale++;
        if (!is_old_boot && told->state == GKV_MEMBER_ALIVE) {
            return false;
        }
        /* Whoever believes this missed our answer: say it again, or he goes on believing
         * (memberlist #345). */
        tell(swim, step, GKV_MEMBER_SELF);
        return true;
    }
    if (told->who.boot_id > self->who.boot_id) {
        swim->drops.boot_conflict++;
    } else if (told->incarnation == self->incarnation && told->state == GKV_MEMBER_ALIVE) {
        return false; /* our own words */
    }
    refute(swim, step, told);
    return true;
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
    case GKV_MEMBER_LEFT:
        gkv_step_trace(step, GKV_TRACE_MEMBER_LEFT, who, said->incarnation, 0);
        break;
    case GKV_MEMBER_NONE:
        GKV_ASSERT(said->state != GKV_MEMBER_NONE);
        break;
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
    tell(swim, step, index);
    if (gkv_member_is_reachable(member)) {
        gkv_probe_add(&swim->probe, &swim->prng, index);
    }
    if (before->state == member->said.state && before->who.boot_id == member->said.who.boot_id) {
        return;
    }
    trace_change(step, &member->said);
    if (swim->event_room > 0 && gkv_actions_room(step->actions) > SENDS_PER_CALL_MAX) {
        swim->event_room--;
        gkv_actions_add(step->actions, GKV_ACTION_MEMBER)->as.member = member->said;
    }
}

static bool update_is_sound(const struct gkv_update *update)
{
    return !node_id_is_zero(update->who.id) && update->who.boot_id != 0 &&
           update->state >= GKV_MEMBER_ALIVE && update->state <= GKV_MEMBER_LEFT &&
           update->address.count > 0 && update->address.count <= GKV_ADDRESS_BYTES_MAX &&
           update->name.count <= GKV_NAME_BYTES_MAX;
}

static bool is_same_statement(const struct gkv_update *a, const struct gkv_update *b)
{
    return a->who.boot_id == b->who.boot_id && a->incarnation == b->incarnation &&
           a->state == b->state;
}

/* Take one update in. Returns true when it was about us and the teller should hear our answer. */
static bool merge(struct gkv_swim *swim, const struct gkv_step *step,
                  const struct gkv_update *update)
{
    if (!update_is_sound(update)) {
        swim->drops.malformed++;
        return false;
    }
    if (is_self(step, update->who.id)) {
        return hear_of_self(swim, step, update);
    }

    struct gkv_update before = {.state = GKV_MEMBER_NONE};
    const uint16_t held_index = gkv_member_find(step->members, update->who.id);
    if (held_index != GKV_MEMBER_INDEX_NONE) {
        const struct gkv_member *held = gkv_member_at(step->members, held_index);
        if (!gkv_member_update_is_news(held, update)) {
            swim->drops.stale += is_same_statement(&held->said, update) ? 0 : 1;
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
    GKV_ASSERT(state > update.state);
    update.state = state;
    if (state == GKV_MEMBER_SUSPECT) {
        update.accuser = gkv_step_self(step)->said.who.id;
    }
    (void)merge(swim, step, &update);
    GKV_ASSERT(gkv_member_at(step->members, index)->said.state == state);
}

/* ---- Timers. --------------------------------------------------------------------------------- */

/* The period is over: a target that did not answer, nor anybody for it, is suspect (SWIM 3.1). */
static void conclude_probe(struct gkv_swim *swim, const struct gkv_step *step)
{
    struct gkv_probe *probe = &swim->probe;
    const uint16_t target = probe->target;
    const bool has_failed = gkv_probe_is_current(probe, step->members) && !probe->acked;
    probe->target = GKV_MEMBER_INDEX_NONE;
    gkv_timer_cancel(step->timers, GKV_TIMER_PROBE_DIRECT);
    if (has_failed && gkv_member_at(step->members, target)->said.state == GKV_MEMBER_ALIVE) {
        declare(swim, step, target, GKV_MEMBER_SUSPECT);
    }
}

static void on_probe_timer(struct gkv_swim *swim, const struct gkv_step *step)
{
    gkv_timer_set(step->timers, GKV_TIMER_PROBE, after_ms(step, step->options->probe_interval_ms));
    conclude_probe(swim, step);

    const uint16_t target = gkv_probe_next(&swim->probe, step->members, &swim->prng);
    if (target == GKV_MEMBER_INDEX_NONE) {
        return;
    }
    gkv_probe_begin(&swim->probe, step->members, target, step->now.mono_ns);
    gkv_timer_set(step->timers, GKV_TIMER_PROBE_DIRECT,
                  after_ms(step, step->options->probe_timeout_ms));
    ping(swim, step, target, swim->probe.sequence);
    gkv_step_trace(step, GKV_TRACE_PROBE, &gkv_member_at(step->members, target)->said.who.id,
                   swim->probe.sequence, 0);
}

/* No direct answer: ask others to ping the target, in case only our path is bad (SWIM 3.1). */
static void on_probe_direct_timer(struct gkv_swim *swim, const struct gkv_step *step)
{
    struct gkv_probe *probe = &swim->probe;
    if (probe->acked || !gkv_probe_is_current(probe, step->members)) {
        return;
    }
    const struct gkv_identity about = gkv_member_at(step->members, probe->target)->said.who;
    uint16_t helpers[GKV_PROBE_HELPER_COUNT];
    const uint32_t helper_count =
        gkv_probe_pick(step->members, &swim->prng, probe->target, helpers, GKV_PROBE_HELPER_COUNT);
    for (uint32_t i = 0; i < helper_count; i++) {
        const struct gkv_update *helper = &gkv_member_at(step->members, helpers[i])->said;
        struct gkv_message *message =
            say(swim, step, &helper->address, GKV_MESSAGE_PING_REQ,
                front_of(unless_plainly_alive(step, probe->target), GKV_MEMBER_INDEX_NONE));
        message->as.gossip.sequence = probe->sequence;
        message->as.gossip.about = about;
        gkv_step_trace_via(step, GKV_TRACE_PROBE_INDIRECT, &about.id, &helper->who.id, 0);
    }
}

static void on_gossip_timer(struct gkv_swim *swim, const struct gkv_step *step)
{
    uint16_t listeners[GKV_GOSSIP_FANOUT];
    const uint32_t listener_count = gkv_probe_pick(
        step->members, &swim->prng, GKV_MEMBER_INDEX_NONE, listeners, GKV_GOSSIP_FANOUT);
    for (uint32_t i = 0; i < listener_count && swim->rumors.pending_count > 0; i++) {
        const struct gkv_member *listener = gkv_member_at(step->members, listeners[i]);
        (void)say(swim, step, &listener->said.address, GKV_MESSAGE_GOSSIP,
                  front_of(unless_plainly_alive(step, listeners[i]), GKV_MEMBER_INDEX_NONE));
    }
    if (listener_count > 0 && swim->rumors.pending_count > 0) {
        gkv_timer_set(step->timers, GKV_TIMER_GOSSIP,
                      after_ms(step, step->options->gossip_interval_ms));
    }
}

static void set_push_pull_timer(struct gkv_swim *swim, const struct gkv_step *step)
{
    const uint64_t interval_ns = step->options->push_pull_interval_ms * GKV_NS_PER_MS;
    const uint64_t jitter_ns = interval_ns * PUSH_PULL_JITTER_PERCENT / 100;
    gkv_timer_set(step->timers, GKV_TIMER_PUSH_PULL,
                  step->now.mono_ns + interval_ns - jitter_ns +
                      gkv_prng_below(&swim->prng, 2 * jitter_ns + 1));
}

static void on_push_pull_timer(struct gkv_swim *swim, const struct gkv_step *step)
{
    set_push_pull_timer(swim, step);
    uint16_t index = GKV_MEMBER_INDEX_NONE;
    if (gkv_probe_pick(step->members, &swim->prng, GKV_MEMBER_INDEX_NONE, &index, 1) == 1) {
        gkv_join_ask(step, &gkv_member_at(step->members, index)->said.address);
    }
}

/* Ping the next unreachable member in turn, with what we say of it: if it is back, it refutes. */
static void reconnect_member(struct gkv_swim *swim, const struct gkv_step *step)
{
    const uint16_t capacity = step->members->capacity;
    for (uint16_t i = 0; i < capacity; i++) {
        const uint16_t index = swim->reconnect_cursor;
        swim->reconnect_cursor = (uint16_t)((index + 1u) % capacity);
        if (gkv_member_at(step->members, index)->said.state == GKV_MEMBER_UNREACHABLE) {
            swim->reconnect_sequence = gkv_probe_take_sequence(&swim->probe);
            ping(swim, step, index, swim->reconnect_sequence);
            return;
        }
    }
}

static void on_reconnect_timer(struct gkv_swim *swim, const struct gkv_step *step)
{
    gkv_timer_set(step->timers, GKV_TIMER_RECONNECT,
                  after_ms(step, step->options->reconnect_interval_ms));
    gkv_join_ask_missing_seed(&swim->join, step);
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
    return unless_plainly_alive(step, index);
}

static void on_ping(struct gkv_swim *swim, const struct gkv_step *step,
                    const struct gkv_message *message, const struct gkv_address *source,
                    bool must_answer)
{
    const struct gkv_identity *about = &message->as.gossip.about;
    if (!is_self(step, about->id)) {
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

    struct gkv_message *ack =
        say(swim, step, source, GKV_MESSAGE_ACK,
            front_of(must_answer || swim->leaving ? GKV_MEMBER_SELF : GKV_MEMBER_INDEX_NONE,
                     wrong_about_sender(step, &message->from)));
    ack->as.gossip.sequence = message->as.gossip.sequence;
    ack->as.gossip.about = gkv_step_self(step)->said.who;

    const bool has_place =
        step->members->count < step->members->capacity ||
        gkv_member_find(step->members, message->from.id) != GKV_MEMBER_INDEX_NONE;
    if (!sender_is_known(step, &message->from) && has_place && !swim->leaving) {
        gkv_join_ask_stranger(&swim->join, step, source);
    }
}

/* The ACK of the probe under way: from the target, or from a helper who heard it. */
static void on_probe_ack(struct gkv_swim *swim, const struct gkv_step *step,
                         const struct gkv_message *message)
{
    struct gkv_probe *probe = &swim->probe;
    const struct gkv_identity *about = &message->as.gossip.about;
    const struct gkv_update *target = &gkv_member_at(step->members, probe->target)->said;
    if (!gkv_node_id_equal(about->id, target->who.id) || about->boot_id < target->who.boot_id) {
        swim->drops.stale++;
        return;
    }
    swim->join.has_met = true;
    if (probe->acked) {
        return; /* the target and helpers may all have answered */
    }
    probe->acked = true;
    gkv_timer_cancel(step->timers, GKV_TIMER_PROBE_DIRECT);
    gkv_step_trace(step, GKV_TRACE_PROBE_ACK, &about->id, step->now.mono_ns - probe->sent_ns, 0);
}

static void on_ack(struct gkv_swim *swim, const struct gkv_step *step,
                   const struct gkv_message *message)
{
    const uint32_t sequence = message->as.gossip.sequence;
    const struct gkv_identity *about = &message->as.gossip.about;
    if (gkv_probe_is_current(&swim->probe, step->members) && sequence == swim->probe.sequence) {
        on_probe_ack(swim, step, message);
        return;
    }
    if (sequence == swim->reconnect_sequence) {
        swim->reconnect_sequence = 0;
        return;
    }
    struct gkv_probe_relay relay;
    if (!gkv_probe_relay_take(&swim->probe, sequence, about->id, &relay)) {
        swim->drops.stale++;
        return;
    }
    /* What the target told us in its ACK was merged just now: a refutation is a rumour that rides
     * along, and goes first so that it is not crowded out. */
    struct gkv_message *ack =
        say(swim, step, &relay.asker, GKV_MESSAGE_ACK,
            front_of(gkv_member_find(step->members, about->id), GKV_MEMBER_INDEX_NONE));
    ack->as.gossip.sequence = relay.asker_sequence;
    ack->as.gossip.about = *about;
}

static void on_ping_req(struct gkv_swim *swim, const struct gkv_step *step,
                        const struct gkv_message *message, const struct gkv_address *source)
{
    const struct gkv_node_id target = message->as.gossip.about.id;
    const uint32_t asker_sequence = message->as.gossip.sequence;
    const uint16_t index = gkv_member_find(step->members, target);
    if (index == GKV_MEMBER_INDEX_NONE) {
        swim->drops.unknown_member++;
        return;
    }
    if (index == GKV_MEMBER_SELF) {
        struct gkv_message *ack = say(swim, step, source, GKV_MESSAGE_ACK,
                                      front_of(GKV_MEMBER_SELF, GKV_MEMBER_INDEX_NONE));
        ack->as.gossip.sequence = asker_sequence;
        ack->as.gossip.about = gkv_step_self(step)->said.who;
        return;
    }
    ping(swim, step, index, gkv_probe_relay_add(&swim->probe, source, target, asker_sequence));
}

static void on_push_pull(struct gkv_swim *swim, const struct gkv_step *step,
                         const struct gkv_message *message, const struct gkv_address *source)
{
    swim->join.has_met = true;
    if (message->as.push_pull.is_request) {
        gkv_join_answer(step, source);
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
                   const struct gkv_message *message, const struct gkv_address *source)
{
    const bool is_push_pull = message->kind == GKV_MESSAGE_PUSH_PULL;
    const bool must_answer = is_push_pull ? merge_all(swim, step, message->as.push_pull.updates,
                                                      message->as.push_pull.update_count)
                                          : merge_all(swim, step, message->as.gossip.updates,
                                                      message->as.gossip.update_count);

    if (is_push_pull) {
        on_push_pull(swim, step, message, source);
    } else if (message->kind == GKV_MESSAGE_PING) {
        on_ping(swim, step, message, source, must_answer);
    } else if (message->kind == GKV_MESSAGE_ACK) {
        on_ack(swim, step, message);
    } else if (message->kind == GKV_MESSAGE_PING_REQ) {
        on_ping_req(swim, step, message, source);
    } else {
        GKV_ASSERT(message->kind == GKV_MESSAGE_GOSSIP);
    }
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
    *swim = (struct gkv_swim){.reconnect_sequence = 0};
    gkv_prng_init(&swim->prng, options->seed[0], options->seed[1] ^ PRNG_STREAM);
    gkv_rumors_init(&swim->rumors, arena, capacity);
    gkv_probe_init(&swim->probe, arena, capacity, (uint32_t)gkv_prng_next(&swim->prng));
}

void gkv_swim_start(struct gkv_swim *swim, const struct gkv_step *step)
{
    GKV_ASSERT(!swim->leaving);
    GKV_ASSERT(!gkv_timer_is_set(step->timers, GKV_TIMER_PROBE));
    const uint64_t interval_ns = step->options->probe_interval_ms * GKV_NS_PER_MS;

    /* Nodes that start together must not probe together. */
    gkv_timer_set(step->timers, GKV_TIMER_PROBE,
                  step->now.mono_ns + 1 + gkv_prng_below(&swim->prng, interval_ns));
    gkv_timer_set(step->timers, GKV_TIMER_RECONNECT,
                  after_ms(step, step->options->reconnect_interval_ms));
    set_push_pull_timer(swim, step);
    tell(swim, step, GKV_MEMBER_SELF);
    gkv_join_ask_seeds(step);
    check_swim(swim, step);
}

void gkv_swim_on_timer(struct gkv_swim *swim, const struct gkv_step *step, enum gkv_timer_id id)
{
    swim->event_room = EVENTS_PER_CALL_MAX;
    if (id == GKV_TIMER_PROBE) {
        on_probe_timer(swim, step);
    } else if (id == GKV_TIMER_PROBE_DIRECT) {
        on_probe_direct_timer(swim, step);
    } else if (id == GKV_TIMER_GOSSIP) {
        on_gossip_timer(swim, step);
    } else if (id == GKV_TIMER_PUSH_PULL) {
        on_push_pull_timer(swim, step);
    } else {
        GKV_ASSERT(id == GKV_TIMER_RECONNECT);
        on_reconnect_timer(swim, step);
    }
    check_swim(swim, step);
}

void gkv_swim_on_member_timer(struct gkv_swim *swim, const struct gkv_step *step, uint16_t index)
{
    GKV_ASSERT(index != GKV_MEMBER_SELF);
    swim->event_room = EVENTS_PER_CALL_MAX;
    const enum gkv_member_state state = gkv_member_at(step->members, index)->said.state;
    if (state == GKV_MEMBER_SUSPECT) {
        declare(swim, step, index, GKV_MEMBER_UNREACHABLE);
    } else {
        GKV_ASSERT(state == GKV_MEMBER_LEFT);
        gkv_rumor_remove(&swim->rumors, index);
        gkv_member_forget(step->members, index);
    }
    check_swim(swim, step);
}

void gkv_swim_on_message(struct gkv_swim *swim, const struct gkv_step *step,
                         const struct gkv_message *message, const struct gkv_address *source)
{
    GKV_ASSERT(message->kind >= GKV_MESSAGE_PING);
    GKV_ASSERT(message->kind <= GKV_MESSAGE_PUSH_PULL);
    swim->event_room = EVENTS_PER_CALL_MAX;
    if (!message_is_sound(message)) {
        swim->drops.malformed++;
        return;
    }
    if (is_self(step, message->from.id)) {
        /* An echo of ours, when a seed is another address of our own; or a namesake. What a
         * namesake says of itself we hear from others, too, and that can be told from an echo. */
        const uint64_t boot_id = gkv_step_self(step)->said.who.boot_id;
        swim->drops.boot_conflict += message->from.boot_id == boot_id ? 0 : 1;
        return;
    }
    handle(swim, step, message, source);
    check_swim(swim, step);
}

void gkv_swim_on_stream_down(struct gkv_swim *swim, const struct gkv_step *step,
                             const struct gkv_address *address)
{
    const uint16_t index = gkv_member_find_address(step->members, address);
    if (index != GKV_MEMBER_INDEX_NONE && index != GKV_MEMBER_SELF && !swim->leaving) {
        swim->probe.urgent = index; /* gkv_probe_next skips it if it is not reachable by then */
    }
    check_swim(swim, step);
}

void gkv_swim_leave(struct gkv_swim *swim, const struct gkv_step *step)
{
    if (swim->leaving) {
        return;
    }
    swim->leaving = true;
    swim->probe.target = GKV_MEMBER_INDEX_NONE;
    gkv_timer_cancel(step->timers, GKV_TIMER_PROBE);
    gkv_timer_cancel(step->timers, GKV_TIMER_PROBE_DIRECT);
    gkv_timer_cancel(step->timers, GKV_TIMER_PUSH_PULL);
    gkv_timer_cancel(step->timers, GKV_TIMER_RECONNECT);

    struct gkv_update self = gkv_step_self(step)->said;
    self.state = GKV_MEMBER_LEFT;
    self.incarnation += self.incarnation < UINT32_MAX ? 1 : 0;
    say_of_self(swim, step, &self);
    trace_change(step, &self);

    uint16_t listeners[GKV_GOSSIP_FANOUT];
    const uint32_t listener_count = gkv_probe_pick(
        step->members, &swim->prng, GKV_MEMBER_INDEX_NONE, listeners, GKV_GOSSIP_FANOUT);
    for (uint32_t i = 0; i < listener_count; i++) {
        (void)say(swim, step, &gkv_member_at(step->members, listeners[i])->said.address,
                  GKV_MESSAGE_GOSSIP, front_of(GKV_MEMBER_SELF, GKV_MEMBER_INDEX_NONE));
    }
    check_swim(swim, step);
}

bool gkv_swim_has_joined(const struct gkv_swim *swim, const struct gkv_step *step)
{
    return gkv_join_is_done(&swim->join, step);
}
