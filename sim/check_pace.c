#include <string.h>

#include "sim/check.h"

/* A node that is unwell asks others less often, and one that is well in every interval (Lifeguard's
 * LHA-Probe). How unwell it is, up to options.health_max - 1, is worked out here from what it said
 * and heard, as two bounds: it is no better than `least`, after probes that have failed for
 * certain; and no worse than `most`, since answers make it well. So its rounds come no sooner than
 * `least` allows and, where it is certainly well and could ask, no later than an interval after
 * each other. */

static uint64_t interval_ns(const struct gkv_trial *trial)
{
    return trial->scenario.world.node.probe_interval_ms * GKV_NS_PER_MS;
}

/* How long a probe lasts at the least, when nobody answers. */
static uint64_t probe_ns(const struct gkv_trial *trial)
{
    const struct gkv_options *options = &trial->scenario.world.node;
    return ((uint64_t)options->probe_timeout_ms + options->probe_indirect_timeout_ms) *
           GKV_NS_PER_MS;
}

/* How late timers may be. */
static uint64_t late_ns(const struct gkv_trial *trial)
{
    return 3 * (trial->scenario.world.timer_late_ns_max +
                2 * trial->scenario.clock_grain_ms * GKV_NS_PER_MS + GKV_NS_PER_MS);
}

static uint32_t worst(const struct gkv_trial *trial)
{
    return trial->scenario.world.node.health_max - 1;
}

static uint32_t add(const struct gkv_trial *trial, uint32_t score, uint32_t more)
{
    return score + more < worst(trial) ? score + more : worst(trial);
}

/* How much a failed probe speaks against who probed, when so many helpers said NACK. */
static uint32_t fault_of(const struct gkv_trial *trial, const struct gkv_pace_probe *probe,
                         uint32_t nack_count)
{
    if (probe->helper_count == 0 || trial->scenario.world.node.probe_nacks == 0) {
        return 1;
    }
    return nack_count < probe->helper_count ? probe->helper_count - nack_count : 0;
}

/* ---- Probes under way ------------------------------------------------------------------------ */

static struct gkv_pace_probe *find(struct gkv_pace_node *pace, uint32_t sequence)
{
    for (uint32_t i = 0; i < pace->probe_count; i++) {
        if (pace->probes[i].sequence == sequence) {
            return &pace->probes[i];
        }
    }
    return NULL;
}

static void forget(struct gkv_pace_node *pace, struct gkv_pace_probe *probe)
{
    *probe = pace->probes[--pace->probe_count];
}

/* It was less well by so much at some time since, but no worse than the worst, and answers came
 * after that. */
static void raise_least(const struct gkv_trial *trial, struct gkv_pace_node *pace, uint32_t more,
                        uint32_t ceiling)
{
    const uint32_t raised = add(trial, pace->least, more);
    const uint32_t least = raised < ceiling ? raised : ceiling;
    pace->least = least > pace->least ? least : pace->least;
}

/* Those that are over, however slow the node is, have failed: nobody answered. Some time ago, so
 * that what others answered since they began may have made up for it. */
static void end_old(struct gkv_trial *trial, uint32_t node)
{
    struct gkv_pace_node *pace = &trial->pace_watch.nodes[node];
    const uint64_t most_ns = (worst(trial) + 1) * probe_ns(trial) + late_ns(trial);
    for (uint32_t i = pace->probe_count; i > 0; i--) {
        struct gkv_pace_probe *probe = &pace->probes[i - 1];
        if (gkv_check_mono_ns(trial, node) - probe->begin_ns <= most_ns) {
            continue;
        }
        const bool is_same_life =
            trial->precedence_watch.held[node][probe->target].boot_id == probe->boot_id;
        pace->most = add(trial, pace->most, fault_of(trial, probe, probe->nack_count));
        const uint32_t fault = fault_of(trial, probe, probe->nack_count_max);
        const uint32_t ack_count = pace->ack_count - probe->ack_count;
        if (probe->is_certain && is_same_life && !probe->may_be_answered && fault > ack_count &&
            worst(trial) > ack_count) {
            raise_least(trial, pace, fault - ack_count, worst(trial) - ack_count);
        }
        forget(pace, probe);
    }
}

/* The most that may be wrong with a node: each probe that may have failed may have done so. */
static uint32_t most_of(const struct gkv_trial *trial, uint32_t node)
{
    const struct gkv_pace_node *pace = &trial->pace_watch.nodes[node];
    uint32_t most = pace->most;
    for (uint32_t i = 0; i < pace->probe_count; i++) {
        const struct gkv_pace_probe *probe = &pace->probes[i];
        if (gkv_check_mono_ns(trial, node) - probe->begin_ns >= probe_ns(trial)) {
            most = add(trial, most, fault_of(trial, probe, probe->nack_count));
        }
    }
    return most;
}

/* ---- What a node says ------------------------------------------------------------------------ */

static void hear_ping(struct gkv_trial *trial, const struct gkv_heard *heard)
{
    struct gkv_pace_node *pace = &trial->pace_watch.nodes[heard->node];
    const struct gkv_message *ping = heard->message;
    const uint32_t sequence = ping->as.gossip.sequence;
    const uint32_t target = gkv_check_node_of_id(trial, ping->as.gossip.about.id);
    if (target == GKV_HISTORY_NONE ||
        (pace->has_asked && (int32_t)(sequence - pace->sequence) <= 0)) {
        return;
    }
    pace->has_asked = true;
    pace->sequence = sequence;
    const enum gkv_member_state state = trial->precedence_watch.held[heard->node][target].state;
    const bool is_plain = state == GKV_MEMBER_ALIVE || state == GKV_MEMBER_LEAVING;
    if (!is_plain && state != GKV_MEMBER_SUSPECT) {
        return; /* it is called, and not probed */
    }
    pace->has_begun = pace->has_begun || (is_plain && !pace->is_helping);
    if (pace->probe_count < GKV_PACE_PROBE_COUNT) {
        pace->probes[pace->probe_count++] = (struct gkv_pace_probe){
            .begin_ns = gkv_check_mono_ns(trial, heard->node),
            .boot_id = ping->as.gossip.about.boot_id,
            .target = target,
            .sequence = sequence,
            .ack_count = pace->ack_count,
            .is_certain = is_plain && !pace->is_helping,
        };
    } else {
        pace->most = worst(trial);
    }
}

static void hear_said(struct gkv_trial *trial, const struct gkv_heard *heard)
{
    struct gkv_pace_node *pace = &trial->pace_watch.nodes[heard->node];
    struct gkv_pace_probe *probe = NULL;
    if (heard->message->kind == GKV_MESSAGE_PING && heard->is_datagram) {
        hear_ping(trial, heard);
    } else if (heard->message->kind == GKV_MESSAGE_PING_REQ) {
        probe = find(pace, heard->message->as.gossip.sequence);
        if (probe != NULL) {
            probe->helper_count++;
        }
    } else if (heard->message->kind == GKV_MESSAGE_ACK) {
        /* Who knows when it arrives, if over a stream; or whether, if the rest is damaged? */
        for (uint32_t i = 0; i < trial->scenario.node_count; i++) {
            probe = find(&trial->pace_watch.nodes[i], heard->message->as.gossip.sequence);
            if (probe != NULL) {
                probe->may_be_answered = true;
            }
        }
    }
}

/* ---- What a node hears ----------------------------------------------------------------------- */

static void on_ack(struct gkv_trial *trial, uint32_t node, uint32_t sequence)
{
    struct gkv_pace_node *pace = &trial->pace_watch.nodes[node];
    struct gkv_pace_probe *probe = find(pace, sequence);
    pace->ack_count++;
    pace->least -= pace->least > 0;
    if (probe == NULL) {
        return;
    }
    if (gkv_check_mono_ns(trial, node) - probe->begin_ns >= probe_ns(trial)) {
        probe->may_be_answered = true; /* or it had failed before */
        return;
    }
    pace->most -= probe->is_certain && pace->most > 0;
    forget(pace, probe);
}

static void on_nack(struct gkv_trial *trial, uint32_t node, uint32_t sequence)
{
    struct gkv_pace_probe *probe = find(&trial->pace_watch.nodes[node], sequence);
    if (probe != NULL) {
        probe->nack_count_max++;
        probe->nack_count += gkv_check_mono_ns(trial, node) - probe->begin_ns < probe_ns(trial);
    }
}

static void hear(struct gkv_trial *trial, const struct gkv_heard *heard)
{
    struct gkv_pace_node *pace = &trial->pace_watch.nodes[heard->node];
    if (!gkv_check_tells_all(trial)) {
        return;
    }
    if (!heard->is_arrival) {
        hear_said(trial, heard);
    } else if (heard->gist == NULL) {
        pace->ack_count += worst(trial);
        pace->least = 0;
    } else if (heard->gist->kind == GKV_MESSAGE_PING_REQ) {
        pace->is_helping = true;
    } else if (heard->gist->kind == GKV_MESSAGE_ACK) {
        on_ack(trial, heard->node, heard->gist->sequence);
    } else if (heard->gist->kind == GKV_MESSAGE_NACK) {
        on_nack(trial, heard->node, heard->gist->sequence);
    }
}

/* ---- Rounds ---------------------------------------------------------------------------------- */

/* A step is over, at step_ns. If its input was TIMER and no stream ended in it, what began in it
 * was a round. */
static void check_step(struct gkv_trial *trial, uint32_t node)
{
    struct gkv_pace_node *pace = &trial->pace_watch.nodes[node];
    const bool is_round = pace->has_begun && pace->is_timer && !pace->has_closed;
    const uint64_t gap_ns = pace->step_ns - pace->round_ns;
    if (pace->has_begun) {
        pace->calm_ns = pace->step_ns;
    }
    if (is_round && pace->round_ns > 0 && pace->round_least > 0) {
        trial->tally.counts[GKV_HOLDS_PACE_SLOW]++;
        if (gap_ns < (pace->round_least + 1) * interval_ns(trial)) {
            gkv_trial_fail(
                trial, GKV_TRIAL_SAFETY, "pace",
                "%s begins to probe %llu ms after its last round, and was unwell by %u "
                "at the least: it may do so every %llu ms",
                gkv_host_text(node).text, (unsigned long long)(gap_ns / GKV_NS_PER_MS),
                (unsigned)pace->round_least,
                (unsigned long long)((pace->round_least + 1) * interval_ns(trial) / GKV_NS_PER_MS));
        }
    }
    if (is_round) {
        pace->round_ns = pace->step_ns;
        pace->round_least = pace->least < pace->step_least ? pace->least : pace->step_least;
    }
}

/* Is there somebody to be probed, and nobody who is suspect, whose probes nobody can tell apart? */
static bool can_ask(const struct gkv_trial *trial, uint32_t node)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < trial->scenario.node_count; i++) {
        const enum gkv_member_state state = trial->precedence_watch.held[node][i].state;
        if (state == GKV_MEMBER_SUSPECT) {
            return false;
        }
        count += i != node && (state == GKV_MEMBER_ALIVE || state == GKV_MEMBER_LEAVING);
    }
    return count > 0;
}

/* Whoever refuted is less well. */
static void note_refutations(struct gkv_trial *trial, uint32_t node)
{
    struct gkv_pace_node *pace = &trial->pace_watch.nodes[node];
    if (trial->world.hosts[node].endpoint == NULL) {
        return;
    }
    const struct gkv_update *self = gkv_check_self(trial, node);
    if (self->incarnation != pace->incarnation || self->who.boot_id != pace->boot_id) {
        pace->most = self->who.boot_id == pace->boot_id
                         ? add(trial, pace->most, self->incarnation - pace->incarnation)
                         : worst(trial);
        pace->incarnation = self->incarnation;
        pace->boot_id = self->who.boot_id;
    }
}

static void check_well(struct gkv_trial *trial, uint32_t node, uint64_t now_ns)
{
    struct gkv_pace_node *pace = &trial->pace_watch.nodes[node];
    const uint64_t slowest_ns = (worst(trial) + 1) * interval_ns(trial) + late_ns(trial);
    if (trial->world.hosts[node].service_ns > 0) {
        pace->most = worst(trial);
    }
    if (most_of(trial, node) > 0) {
        pace->well_ns = now_ns;
    }
    if (pace->probe_count > 0 || !can_ask(trial, node) || gkv_nodes_has(&trial->left, node)) {
        pace->calm_ns = now_ns;
    }
    const uint64_t well_ns = pace->well_ns + slowest_ns;
    const uint64_t since_ns = pace->calm_ns > well_ns ? pace->calm_ns : well_ns;
    if (since_ns >= now_ns) {
        return;
    }
    trial->tally.counts[GKV_HOLDS_PACE_WELL]++;
    if (now_ns - since_ns > interval_ns(trial) + late_ns(trial)) {
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "pace",
                       "%s has been well for over %llu ms, and for %llu ms it probes nobody",
                       gkv_host_text(node).text, (unsigned long long)(slowest_ns / GKV_NS_PER_MS),
                       (unsigned long long)((now_ns - since_ns) / GKV_NS_PER_MS));
    }
}

/* A node that finds out by itself that a member does not answer: its last probe of it has failed
 * just now. */
static void on_accusation(struct gkv_trial *trial, uint32_t node, const struct gkv_update *said)
{
    struct gkv_pace_node *pace = &trial->pace_watch.nodes[node];
    const uint32_t target = gkv_check_node_of_id(trial, said->who.id);
    struct gkv_pace_probe *last = NULL;
    for (uint32_t i = 0; i < pace->probe_count; i++) {
        struct gkv_pace_probe *probe = &pace->probes[i];
        if (probe->target == target && (last == NULL || probe->begin_ns > last->begin_ns)) {
            last = probe;
        }
    }
    if (last == NULL || !last->is_certain || last->may_be_answered) {
        pace->most = worst(trial);
        return;
    }
    pace->most = add(trial, pace->most, fault_of(trial, last, last->nack_count));
    pace->least = add(trial, pace->least, fault_of(trial, last, last->nack_count_max));
    forget(pace, last);
}

static void on_output(struct gkv_trial *trial, uint32_t node, const struct gkv_output *output)
{
    struct gkv_pace_node *pace = &trial->pace_watch.nodes[node];
    if (output->kind == GKV_OUTPUT_CLOSE) {
        pace->has_closed = true;
        return;
    }
    pace->calm_ns = gkv_check_mono_ns(trial, node);
    if (output->as.member.state == GKV_MEMBER_SUSPECT && pace->is_timer) {
        on_accusation(trial, node, &output->as.member);
    }
}

static void on_input(struct gkv_trial *trial, const struct gkv_observation *observation)
{
    const uint32_t node = observation->node;
    const uint64_t now_ns = gkv_check_mono_ns(trial, node);
    struct gkv_pace_node *pace = &trial->pace_watch.nodes[node];
    check_step(trial, node);
    note_refutations(trial, node);
    end_old(trial, node);
    check_well(trial, node, now_ns);
    pace->has_begun = false;
    pace->is_helping = false;
    pace->is_timer = observation->kind == GKV_OBSERVE_TIMER;
    pace->has_closed = observation->kind == GKV_OBSERVE_CLOSED;
    if (observation->is_damaged) {
        pace->ack_count += worst(trial);
        pace->least = 0;
    }
    pace->step_ns = now_ns;
    pace->step_least = pace->least;
}

/* It stood still: its probes may begin again, and how much that speaks against it is its own
 * matter. */
static void on_resume(struct gkv_trial *trial, uint32_t node)
{
    struct gkv_pace_node *pace = &trial->pace_watch.nodes[node];
    const uint64_t now_ns = gkv_check_mono_ns(trial, node);
    pace->most = worst(trial);
    pace->least = 0;
    pace->round_ns = 0;
    pace->calm_ns = now_ns;
    for (uint32_t i = 0; i < pace->probe_count; i++) {
        pace->probes[i].begin_ns = now_ns;
        pace->probes[i].is_certain = false;
    }
}

static void observe(struct gkv_trial *trial, const struct gkv_observation *observation)
{
    struct gkv_pace_node *pace = &trial->pace_watch.nodes[observation->node];
    const uint64_t now_ns = gkv_check_mono_ns(trial, observation->node);
    if (!gkv_check_tells_all(trial)) {
        return;
    }
    if (observation->kind == GKV_OBSERVE_OUTPUT) {
        on_output(trial, observation->node, observation->output);
    } else if (observation->kind == GKV_OBSERVE_BOOT) {
        *pace = (struct gkv_pace_node){
            .boot_id = trial->world.hosts[observation->node].options.boot_id,
            .calm_ns = now_ns,
            .well_ns = now_ns,
        };
    } else if (observation->kind == GKV_OBSERVE_RESUME) {
        /* Probes begin again, and how much a stall speaks against a node is its own matter. */
        on_resume(trial, observation->node);
    } else {
        on_input(trial, observation);
    }
}

const struct gkv_check gkv_check_pace = {
    .name = "pace",
    .demands = "Whose probes fail probes less often, and who is answered becomes well again and "
               "probes in every interval.",
    .told_mask = GKV_TOLD_INPUTS | GKV_TOLD(GKV_OBSERVE_RESUME) |
                 GKV_TOLD_OUTPUT(GKV_OUTPUT_MEMBER) | GKV_TOLD_OUTPUT(GKV_OUTPUT_CLOSE),
    .observe = observe,
    .hear_mask = GKV_HEARS(GKV_MESSAGE_PING) | GKV_HEARS(GKV_MESSAGE_PING_REQ) |
                 GKV_HEARS(GKV_MESSAGE_ACK) | GKV_HEARS_ARRIVALS,
    .hear = hear,
};
