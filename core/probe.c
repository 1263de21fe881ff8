/* What a probe goes through.
 *
 *   (none)           -> DIRECT    [begin]       its target's turn, or it is asked at once
 *   DIRECT           -> REPEATED  [repeat]      no ACK after probe_repeat_ms (0: never)
 *   DIRECT, REPEATED -> INDIRECT  [ask_others]  no ACK after probe_timeout_ms
 *   INDIRECT         -> (none)    [gkv_probe_on_timer] nor probe_indirect_timeout_ms later: failed
 *   any              -> DIRECT    [gkv_probes_restart] we stood still meanwhile
 *   any              -> (none)    [gkv_probe_on_ack]   somebody heard the target
 *   any              -> (none)    [gkv_probe_on_timer] the target left its place, or lives anew
 */
#include "core/probe.h"

#include "core/panic.h"

#define TURNS_PER_TARGET 3 /* that are tried; between two nodes there is nobody else to ask */

struct gkv_probe *gkv_probe_at(const struct gkv_probes *probes, uint32_t place)
{
    GKV_ASSERT(place < GKV_PROBE_COUNT_MAX);
    return (struct gkv_probe *)gkv_at(probes, probes->probe_offset) + place;
}

void gkv_probes_init(struct gkv_probes *probes, struct gkv_arena *arena, uint16_t capacity,
                     uint32_t sequence_first)
{
    void *table = gkv_arena_carve(arena, GKV_PROBE_COUNT_MAX, sizeof(struct gkv_probe));
    *probes = (struct gkv_probes){.sequence_last = sequence_first};
    probes->probe_offset = gkv_offset_to(probes, table);
    gkv_round_init(&probes->round, arena, capacity);
}

void gkv_probes_check(const struct gkv_probes *probes, const struct gkv_step *step)
{
    for (uint32_t i = 0; i < GKV_PROBE_COUNT_MAX; i++) {
        const struct gkv_probe *probe = gkv_probe_at(probes, i);
        const bool is_set = gkv_timer_is_set(step->timers, GKV_TIMER_PROBE_FIRST + i);
        GKV_ASSERT(is_set == (probe->stage != GKV_PROBE_NONE));
        GKV_ASSERT(probe->stage == GKV_PROBE_NONE || probe->target != GKV_MEMBER_SELF);
        GKV_ASSERT(probe->stage == GKV_PROBE_NONE || probe->sequence != 0);
    }
}

uint32_t gkv_probe_take_sequence(struct gkv_probes *probes)
{
    probes->sequence_last++;
    if (probes->sequence_last == 0) {
        probes->sequence_last = 1;
    }
    return probes->sequence_last;
}

/* ---- Places ---------------------------------------------------------------------------------- */

static void end(const struct gkv_step *step, struct gkv_probe *probe, uint32_t place)
{
    *probe = (struct gkv_probe){.stage = GKV_PROBE_NONE};
    gkv_timer_cancel(step->timers, GKV_TIMER_PROBE_FIRST + place);
}

static void wait_until(const struct gkv_step *step, uint32_t place, uint64_t deadline_ns)
{
    gkv_timer_set(step->timers, GKV_TIMER_PROBE_FIRST + place, deadline_ns);
}

/* Is the target who it was when the probe began: the same node in the same boot? One that restarted
 * meanwhile owes no answer. */
static bool is_current(const struct gkv_probe *probe, const struct gkv_step *step)
{
    const struct gkv_member *member = gkv_member_at(step->members, probe->target);
    return member->said.state != GKV_MEMBER_NONE && member->generation == probe->generation &&
           member->said.who.boot_id == probe->boot_id;
}

static bool is_under_way(const struct gkv_probes *probes, const struct gkv_step *step,
                         uint16_t index)
{
    for (uint32_t i = 0; i < GKV_PROBE_COUNT_MAX; i++) {
        const struct gkv_probe *probe = gkv_probe_at(probes, i);
        if (probe->stage != GKV_PROBE_NONE && probe->target == index && is_current(probe, step)) {
            return true;
        }
    }
    return false;
}

static uint32_t find_unused(const struct gkv_probes *probes)
{
    uint32_t place = 0;
    while (place < GKV_PROBE_COUNT_MAX && gkv_probe_at(probes, place)->stage != GKV_PROBE_NONE) {
        place++;
    }
    return place;
}

/* The place of the probe under way that an answer with this sequence belongs to, or
 * GKV_PROBE_COUNT_MAX. */
static uint32_t find_asked(const struct gkv_probes *probes, const struct gkv_step *step,
                           const struct gkv_message *message)
{
    const struct gkv_identity *about = &message->as.gossip.about;
    for (uint32_t i = 0; i < GKV_PROBE_COUNT_MAX; i++) {
        const struct gkv_probe *probe = gkv_probe_at(probes, i);
        if (probe->stage != GKV_PROBE_NONE && probe->sequence == message->as.gossip.sequence &&
            is_current(probe, step)) {
            const struct gkv_identity *target =
                &gkv_member_at(step->members, probe->target)->said.who;
            const bool fits =
                gkv_node_id_equal(about->id, target->id) && about->boot_id >= target->boot_id;
            return fits ? i : GKV_PROBE_COUNT_MAX;
        }
    }
    return GKV_PROBE_COUNT_MAX;
}

/* ---- Asking ---------------------------------------------------------------------------------- */

/* The first ping of the probe at a place. */
static void ping_first(struct gkv_probes *probes, struct gkv_gossip *gossip,
                       const struct gkv_step *step, uint32_t place)
{
    struct gkv_probe *probe = gkv_probe_at(probes, place);
    const struct gkv_options *options = step->options;
    const uint32_t first_ms =
        options->probe_repeat_ms > 0 ? options->probe_repeat_ms : options->probe_timeout_ms;
    probe->stage = GKV_PROBE_DIRECT;
    probe->sent_ns = step->now.mono_ns;
    probe->helper_count = 0;
    probe->nack_count = 0;
    wait_until(step, place, probe->sent_ns + gkv_health_stretch_ns(&probes->health, first_ms));
    gkv_gossip_ping(gossip, step, probe->target, probe->sequence, GKV_CHANNEL_DATAGRAM);
}

static void begin(struct gkv_probes *probes, struct gkv_gossip *gossip, const struct gkv_step *step,
                  uint16_t index, bool is_at_once)
{
    GKV_ASSERT(gkv_round_admits(step->members, index));
    const uint32_t place = find_unused(probes);
    GKV_ASSERT(place < GKV_PROBE_COUNT_MAX);
    const struct gkv_member *member = gkv_member_at(step->members, index);
    struct gkv_probe *probe = gkv_probe_at(probes, place);
    *probe = (struct gkv_probe){
        .boot_id = member->said.who.boot_id,
        .generation = member->generation,
        .sequence = gkv_probe_take_sequence(probes),
        .target = index,
    };
    ping_first(probes, gossip, step, place);
    gkv_step_trace(step, GKV_TRACE_PROBE, &member->said.who.id, probe->sequence, is_at_once);
}

void gkv_probes_restart(struct gkv_probes *probes, struct gkv_gossip *gossip,
                        const struct gkv_step *step)
{
    for (uint32_t i = 0; i < GKV_PROBE_COUNT_MAX; i++) {
        const struct gkv_probe *probe = gkv_probe_at(probes, i);
        if (probe->stage != GKV_PROBE_NONE && is_current(probe, step)) {
            ping_first(probes, gossip, step, i);
        }
    }
}

/* The next in turn whom we do not ask already: where one round ends and the next begins, a member
 * may have two turns in a row. */
static uint16_t next_target(struct gkv_probes *probes, struct gkv_gossip *gossip,
                            const struct gkv_step *step)
{
    for (uint32_t turn = 0; turn < TURNS_PER_TARGET; turn++) {
        const uint16_t index = gkv_round_next(&probes->round, step->members, &gossip->prng);
        if (index == GKV_MEMBER_INDEX_NONE || !is_under_way(probes, step, index)) {
            return index;
        }
    }
    return GKV_MEMBER_INDEX_NONE;
}

void gkv_probe_on_tick(struct gkv_probes *probes, struct gkv_gossip *gossip,
                       const struct gkv_step *step)
{
    for (uint32_t i = 0; i < step->options->probe_targets; i++) {
        if (find_unused(probes) == GKV_PROBE_COUNT_MAX) {
            return;
        }
        const uint16_t index = next_target(probes, gossip, step);
        if (index == GKV_MEMBER_INDEX_NONE) {
            return;
        }
        begin(probes, gossip, step, index, false);
    }
}

void gkv_probe_at_once(struct gkv_probes *probes, struct gkv_gossip *gossip,
                       const struct gkv_step *step, uint16_t index)
{
    if (gkv_round_admits(step->members, index) && !is_under_way(probes, step, index) &&
        find_unused(probes) < GKV_PROBE_COUNT_MAX) {
        begin(probes, gossip, step, index, true);
    }
}

/* No direct answer: ask others to ping the target, in case only our path is bad (SWIM 3.1), and
 * ping it over a stream, in case only datagrams get lost. */
static void ask_others(struct gkv_probes *probes, struct gkv_gossip *gossip,
                       const struct gkv_step *step, uint32_t place)
{
    struct gkv_probe *probe = gkv_probe_at(probes, place);
    const struct gkv_identity about = gkv_member_at(step->members, probe->target)->said.who;
    uint16_t helpers[GKV_PROBE_HELPER_COUNT];
    const uint32_t wanted = step->options->probe_helpers;
    const uint32_t helper_count =
        wanted == 0 ? 0
                    : gkv_round_pick(step->members, &gossip->prng, probe->target, helpers, wanted);
    for (uint32_t i = 0; i < helper_count; i++) {
        const struct gkv_update *helper = &gkv_member_at(step->members, helpers[i])->said;
        const struct gkv_way way = {.address = helper->address, .channel = GKV_CHANNEL_DATAGRAM};
        struct gkv_message *message =
            gkv_gossip_say(gossip, step, &way, GKV_MESSAGE_PING_REQ,
                           gkv_gossip_front_of(gkv_gossip_held_against(step, probe->target),
                                               GKV_MEMBER_INDEX_NONE));
        message->as.gossip.sequence = probe->sequence;
        message->as.gossip.about = about;
        gkv_step_trace_via(step, GKV_TRACE_PROBE_INDIRECT, &about.id, &helper->who.id, 0);
    }
    probe->stage = GKV_PROBE_INDIRECT;
    probe->helper_count = (uint8_t)helper_count;
    if (step->options->probe_by_stream > 0) {
        gkv_gossip_ping(gossip, step, probe->target, probe->sequence, GKV_CHANNEL_STREAM);
        gkv_step_trace(step, GKV_TRACE_PROBE_STREAM, &about.id, probe->sequence, 0);
    }
    wait_until(step, place,
               step->now.mono_ns + gkv_health_stretch_ns(&probes->health,
                                                         step->options->probe_indirect_timeout_ms));
}

static void repeat(struct gkv_probes *probes, struct gkv_gossip *gossip,
                   const struct gkv_step *step, uint32_t place)
{
    struct gkv_probe *probe = gkv_probe_at(probes, place);
    const struct gkv_options *options = step->options;
    const uint32_t left_ms = options->probe_timeout_ms - options->probe_repeat_ms;
    probe->stage = GKV_PROBE_REPEATED;
    wait_until(step, place, step->now.mono_ns + gkv_health_stretch_ns(&probes->health, left_ms));
    gkv_gossip_ping(gossip, step, probe->target, probe->sequence, GKV_CHANNEL_DATAGRAM);
    gkv_step_trace(step, GKV_TRACE_PROBE_REPEAT,
                   &gkv_member_at(step->members, probe->target)->said.who.id, probe->sequence, 0);
}

/* How much a failed probe speaks against ourselves. */
static uint32_t fault_of_ours(const struct gkv_probe *probe, const struct gkv_step *step)
{
    GKV_ASSERT(probe->nack_count <= probe->helper_count);
    const bool can_tell = probe->helper_count > 0 && step->options->probe_nacks > 0;
    return can_tell ? (uint32_t)probe->helper_count - probe->nack_count : 1;
}

uint16_t gkv_probe_on_timer(struct gkv_probes *probes, struct gkv_gossip *gossip,
                            const struct gkv_step *step, uint32_t place)
{
    struct gkv_probe *probe = gkv_probe_at(probes, place);
    GKV_ASSERT(probe->stage != GKV_PROBE_NONE);
    if (!is_current(probe, step)) {
        end(step, probe, place);
        return GKV_MEMBER_INDEX_NONE;
    }
    if (probe->stage == GKV_PROBE_INDIRECT) {
        const uint16_t failed = probe->target;
        gkv_health_worsen(&probes->health, step, fault_of_ours(probe, step));
        end(step, probe, place);
        return failed;
    }
    if (probe->stage == GKV_PROBE_DIRECT && step->options->probe_repeat_ms > 0) {
        repeat(probes, gossip, step, place);
    } else {
        ask_others(probes, gossip, step, place);
    }
    return GKV_MEMBER_INDEX_NONE;
}

/* ---- Answers --------------------------------------------------------------------------------- */

bool gkv_probe_on_ack(struct gkv_probes *probes, const struct gkv_step *step,
                      const struct gkv_message *message, enum gkv_channel channel)
{
    const uint32_t place = find_asked(probes, step, message);
    if (place == GKV_PROBE_COUNT_MAX) {
        return false;
    }
    struct gkv_probe *probe = gkv_probe_at(probes, place);
    gkv_step_trace(step, GKV_TRACE_PROBE_ACK, &message->as.gossip.about.id,
                   step->now.mono_ns - probe->sent_ns, channel);
    end(step, probe, place);
    gkv_health_improve(&probes->health, step);
    return true;
}

bool gkv_probe_on_nack(struct gkv_probes *probes, const struct gkv_step *step,
                       const struct gkv_message *message)
{
    const uint32_t place = find_asked(probes, step, message);
    if (place == GKV_PROBE_COUNT_MAX) {
        return false;
    }
    struct gkv_probe *probe = gkv_probe_at(probes, place);
    probe->nack_count = (uint8_t)(probe->nack_count + (probe->nack_count < probe->helper_count));
    gkv_step_trace_via(step, GKV_TRACE_PROBE_NACK, &message->as.gossip.about.id, &message->from.id,
                       0);
    return true;
}

void gkv_probes_stop(struct gkv_probes *probes, const struct gkv_step *step)
{
    for (uint32_t i = 0; i < GKV_PROBE_COUNT_MAX; i++) {
        end(step, gkv_probe_at(probes, i), i);
    }
}
