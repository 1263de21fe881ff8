#include <string.h>

#include "sim/check.h"

/* A datagram that is not answered may only have been lost, as all of them to a member may be where
 * a firewall or a full socket eats them. So whoever asks helpers about a member asks it over their
 * stream as well, in the same breath; and before it buries a suspect, it asks it a last time by
 * both ways at once, and waits; and buries it then, or asks it anew. Where a stream is not open, or
 * is full, nobody can see whether it was tried. */

/* Is the stream of a node to another open, and does nothing wait in it? */
static bool is_clear(const struct gkv_trial *trial, uint32_t node, uint32_t target)
{
    const struct gkv_net *net = &trial->world.net;
    const struct gkv_endpoint *endpoint = trial->world.hosts[node].endpoint;
    for (uint32_t i = 0; i < net->connection_count; i++) {
        const struct gkv_end *end = &net->connections[i].ends[0];
        if (end->state == GKV_END_OPEN && end->node == node && net->connections[i].to == target) {
            struct gkv_bytes pieces[2] = {{NULL, 0}, {NULL, 0}};
            if (endpoint != NULL) {
                gkv_endpoint_pending(endpoint, end->stream, pieces);
            }
            return pieces[0].count + pieces[1].count == 0;
        }
    }
    return false;
}

/* A sequence that is to be heard over the stream before the node's next input; is_owed: or else. */
static void expect(struct gkv_trial *trial, uint32_t node, uint32_t target, uint32_t sequence,
                   bool is_owed)
{
    struct gkv_reach_node *asking = &trial->reach_rows.nodes[node];
    for (uint32_t i = 0; i < asking->count; i++) {
        if (asking->pings[i].sequence == sequence) {
            return;
        }
    }
    if (asking->count < GKV_REACH_PING_COUNT) {
        asking->pings[asking->count++] = (struct gkv_reach_ping){
            .time_ns = gkv_check_mono_ns(trial, node),
            .target = target,
            .sequence = sequence,
            .is_owed = is_owed,
        };
    }
}

static void note_asked(struct gkv_trial *trial, uint32_t node, uint32_t target, uint64_t time_ns)
{
    struct gkv_reach_row *row = &trial->reach_rows.rows[node][target];
    row->asked_ns = row->asked_ns == 0 ? time_ns : row->asked_ns;
    row->latest_ns = time_ns;
    row->stall_count = gkv_check_stall_count(trial, node);
}

/* A suspect is asked: whether that is its last chance is known when it is buried. */
static void hear_datagram(struct gkv_trial *trial, const struct gkv_heard *heard)
{
    const struct gkv_options *options = &trial->scenario.world.node;
    const struct gkv_message *message = heard->message;
    const bool is_ping = message->kind == GKV_MESSAGE_PING;
    const bool is_request = message->kind == GKV_MESSAGE_PING_REQ && options->probe_by_stream > 0;
    const uint32_t target = gkv_check_node_of_id(trial, message->as.gossip.about.id);
    if ((!is_ping && !is_request) || target == GKV_HISTORY_NONE) {
        return;
    }
    if (is_clear(trial, heard->node, target)) {
        expect(trial, heard->node, target, message->as.gossip.sequence, is_request);
    } else if (is_ping) {
        note_asked(trial, heard->node, target, gkv_check_mono_ns(trial, heard->node));
    }
}

static void hear_stream(struct gkv_trial *trial, const struct gkv_heard *heard)
{
    struct gkv_reach_node *asking = &trial->reach_rows.nodes[heard->node];
    for (uint32_t i = 0; i < asking->count; i++) {
        struct gkv_reach_ping *ping = &asking->pings[i];
        if (ping->sequence == heard->message->as.gossip.sequence) {
            note_asked(trial, heard->node, ping->target, gkv_check_mono_ns(trial, heard->node));
            trial->tally.counts[GKV_HOLDS_REACH_STREAM] += ping->is_owed;
            *ping = asking->pings[--asking->count];
            return;
        }
    }
}

static void hear(struct gkv_trial *trial, const struct gkv_heard *heard)
{
    if (heard->is_arrival || heard->message->kind == GKV_MESSAGE_NONE) {
        return;
    }
    if (heard->is_datagram) {
        hear_datagram(trial, heard);
    } else if (heard->message->kind == GKV_MESSAGE_PING) {
        hear_stream(trial, heard);
    }
}

static bool is_all_heard(const struct gkv_trial *trial)
{
    return trial->overhear == NULL || gkv_overhear_lost_count(trial->overhear) == 0;
}

/* A node's next input: all that it said in answer to the last one was heard. */
static void on_input(struct gkv_trial *trial, uint32_t node)
{
    struct gkv_reach_node *asking = &trial->reach_rows.nodes[node];
    const uint32_t count = asking->count;
    asking->count = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct gkv_reach_ping *ping = &asking->pings[i];
        if (!is_clear(trial, node, ping->target)) {
            note_asked(trial, node, ping->target, ping->time_ns); /* it may wait */
        } else if (ping->is_owed && is_all_heard(trial)) {
            gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "reach",
                           "%s asks helpers about %s, and does not ask it over the stream that is "
                           "open to it",
                           gkv_host_text(node).text, gkv_host_text(ping->target).text);
        }
    }
}

/* How long after its last chance somebody is buried at the most. Between two, that is: where there
 * are others, witnesses may have to be waited for, and nobody knows how long. */
static uint64_t most_ns(const struct gkv_trial *trial)
{
    const struct gkv_options *options = &trial->scenario.world.node;
    const uint64_t most_ms = (uint64_t)options->probe_timeout_ms + options->gossip_interval_ms +
                             2 * trial->scenario.clock_grain_ms + 1;
    return most_ms * GKV_NS_PER_MS + 2 * trial->scenario.world.timer_late_ns_max;
}

/* Did a node stand still since it asked, or is it slow? Then its deadlines are others. */
static bool is_late(const struct gkv_trial *trial, uint32_t node, const struct gkv_reach_row *row)
{
    return trial->world.hosts[node].service_ns > 0 ||
           trial->reach_rows.nodes[node].resume_ns >= row->latest_ns ||
           gkv_check_stall_count(trial, node) != row->stall_count;
}

/* Only TIMER makes a node bury somebody: else he may have heard of it. And where there are so many
 * that he cannot tell all that he heard at once, a timer tells it, too. */
static void on_burial(struct gkv_trial *trial, uint32_t node, const struct gkv_reach_row *row,
                      uint32_t target)
{
    const struct gkv_options *options = &trial->scenario.world.node;
    const uint64_t waited_ns = gkv_check_mono_ns(trial, node) - row->asked_ns;
    if (options->last_chance == 0 || !row->is_suspect || !trial->reach_rows.nodes[node].is_timer ||
        !gkv_check_tells_all(trial)) {
        return;
    }
    trial->tally.counts[GKV_HOLDS_REACH_LAST]++;
    if (is_all_heard(trial) &&
        (row->asked_ns == 0 || waited_ns < options->probe_timeout_ms * GKV_NS_PER_MS)) {
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "reach",
                       "%s declares %s unreachable; since it is suspect it was not asked by both "
                       "ways at once, %u ms ago or before",
                       gkv_host_text(node).text, gkv_host_text(target).text,
                       (unsigned)options->probe_timeout_ms);
    } else if (trial->scenario.node_count <= 2 && is_all_heard(trial) &&
               !is_late(trial, node, row) &&
               gkv_check_mono_ns(trial, node) - row->latest_ns > most_ns(trial)) {
        gkv_trial_fail(
            trial, GKV_TRIAL_SAFETY, "reach",
            "%s declares %s unreachable, which it asked %llu ms ago: a last chance is "
            "over after %llu",
            gkv_host_text(node).text, gkv_host_text(target).text,
            (unsigned long long)((gkv_check_mono_ns(trial, node) - row->latest_ns) / GKV_NS_PER_MS),
            (unsigned long long)(most_ns(trial) / GKV_NS_PER_MS));
    }
}

static void observe(struct gkv_trial *trial, const struct gkv_observation *observation)
{
    const uint32_t node = observation->node;
    if (observation->kind == GKV_OBSERVE_OUTPUT) {
        const struct gkv_update *said = &observation->output->as.member;
        const uint32_t target = gkv_check_node_of_id(trial, said->who.id);
        if (target != GKV_HISTORY_NONE) {
            struct gkv_reach_row *row = &trial->reach_rows.rows[node][target];
            if (said->state == GKV_MEMBER_UNREACHABLE) {
                on_burial(trial, node, row, target);
            }
            *row = (struct gkv_reach_row){.is_suspect = said->state == GKV_MEMBER_SUSPECT};
        }
        return;
    }
    if (observation->kind == GKV_OBSERVE_RESUME) {
        trial->reach_rows.nodes[node].resume_ns = gkv_check_mono_ns(trial, node);
    } else if (observation->kind == GKV_OBSERVE_BOOT) {
        trial->reach_rows.nodes[node].count = 0;
        memset(trial->reach_rows.rows[node], 0, sizeof(trial->reach_rows.rows[node]));
    }
    on_input(trial, node);
    trial->reach_rows.nodes[node].is_timer = observation->kind == GKV_OBSERVE_TIMER;
}

const struct gkv_check gkv_check_reach = {
    .name = "reach",
    .demands = "Who does not answer a datagram is asked over a stream that is open, too, before it "
               "is suspected and again before it is declared unreachable; between two, just "
               "before.",
    .told_mask =
        GKV_TOLD_INPUTS | GKV_TOLD(GKV_OBSERVE_RESUME) | GKV_TOLD_OUTPUT(GKV_OUTPUT_MEMBER),
    .observe = observe,
    .hear_mask = GKV_HEARS(GKV_MESSAGE_PING) | GKV_HEARS(GKV_MESSAGE_PING_REQ),
    .hear = hear,
};
