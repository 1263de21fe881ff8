#include <string.h>

#include "sim/check.h"

/* Whoever finds that a member does not answer may be deaf himself. So by his own finding nobody
 * accuses or buries another who has not heard enough of the others lately; but one who heard
 * nobody for long goes by what he sees, since somebody must survive; and who buries another has
 * heard them since he asked it for the last time, where that could be seen. For a while after his
 * start nobody accuses anybody. Two clocks are kept: `heard_ns` of whatever arrived from a member,
 * and `told_ns` of what is certain to have been taken as a word of it. */

#define WINDOW_INTERVALS 3 /* of probing: so long ago is lately */

static uint64_t window_ns(const struct gkv_trial *trial)
{
    const struct gkv_options *options = &trial->scenario.world.node;
    return (WINDOW_INTERVALS * (uint64_t)options->probe_interval_ms + options->probe_timeout_ms) *
           GKV_NS_PER_MS;
}

static uint64_t patience_ns(const struct gkv_trial *trial)
{
    return window_ns(trial) + trial->scenario.world.node.witness_patience_ms * GKV_NS_PER_MS;
}

static bool is_reachable(enum gkv_member_state state)
{
    return state == GKV_MEMBER_ALIVE || state == GKV_MEMBER_LEAVING || state == GKV_MEMBER_SUSPECT;
}

static uint64_t ago(const struct gkv_trial *trial, uint32_t node, uint64_t span_ns)
{
    const uint64_t now_ns = gkv_check_mono_ns(trial, node);
    return now_ns > span_ns ? now_ns - span_ns : 0;
}

/* Of the others that a node holds to be reachable, besides one: how many there are, and how many
 * were heard for certain, or perhaps, since then. */
struct crowd {
    uint32_t count;
    uint32_t certain;
    uint32_t possible;
};

static struct crowd crowd_of(const struct gkv_trial *trial, uint32_t node, uint32_t besides,
                             uint64_t since_ns)
{
    struct crowd crowd = {.count = 0};
    for (uint32_t i = 0; i < trial->scenario.node_count; i++) {
        const struct gkv_witness_row *row = &trial->witness_rows.rows[node][i];
        if (i == node || i == besides ||
            !is_reachable(trial->precedence_watch.held[node][i].state)) {
            continue;
        }
        crowd.count++;
        crowd.certain += row->told_ns > 0 && row->told_ns >= since_ns;
        crowd.possible += row->heard_ns > 0 && row->heard_ns >= since_ns;
    }
    return crowd;
}

/* ---- Nobody without witnesses ---------------------------------------------------------------- */

static void check_finding(struct gkv_trial *trial, uint32_t node, uint32_t about,
                          enum gkv_member_state state)
{
    const struct gkv_options *options = &trial->scenario.world.node;
    const uint64_t asked_ns =
        state == GKV_MEMBER_UNREACHABLE ? trial->witness_rows.rows[node][about].asked_ns : 0;
    const uint64_t lately_ns = ago(trial, node, window_ns(trial));
    const bool is_since_asked = asked_ns > lately_ns;
    const struct crowd lately = crowd_of(trial, node, about, is_since_asked ? asked_ns : lately_ns);
    const struct crowd before = crowd_of(trial, node, about, ago(trial, node, patience_ns(trial)));
    const uint32_t wanted =
        options->witness_count < lately.count ? options->witness_count : lately.count;
    const uint64_t up_ns = gkv_check_mono_ns(trial, node) - trial->witness_rows.nodes[node].boot_ns;
    trial->tally.counts[GKV_HOLDS_WITNESS] += wanted > 0;
    trial->tally.counts[GKV_HOLDS_SINCE_ASKED] += wanted > 0 && is_since_asked;
    if (lately.possible < wanted && before.certain >= wanted) {
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "witness",
                       "%s declares %s %s, and has heard %u of the others %s, not %u; %u ms "
                       "before it had",
                       gkv_host_text(node).text, gkv_host_text(about).text,
                       state == GKV_MEMBER_SUSPECT ? "suspect" : "unreachable",
                       (unsigned)lately.possible,
                       is_since_asked ? "since it asked it for the last time" : "lately",
                       (unsigned)wanted, (unsigned)options->witness_patience_ms);
    } else if (up_ns < options->startup_grace_ms * GKV_NS_PER_MS) {
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "witness", "%s accuses %s %llu ms after it began",
                       gkv_host_text(node).text, gkv_host_text(about).text,
                       (unsigned long long)(up_ns / GKV_NS_PER_MS));
    }
}

/* By TIMER alone: in a step in which something arrives, it may be hearsay. Who becomes known counts
 * as heard. */
static void on_member(struct gkv_trial *trial, uint32_t node, const struct gkv_update *said)
{
    const uint32_t about = gkv_check_node_of_id(trial, said->who.id);
    if (about == GKV_HISTORY_NONE) {
        return;
    }
    struct gkv_witness_row *row = &trial->witness_rows.rows[node][about];
    if (!row->is_known) {
        *row = (struct gkv_witness_row){.is_known = true,
                                        .told_ns = gkv_check_mono_ns(trial, node),
                                        .heard_ns = gkv_check_mono_ns(trial, node)};
    } else if (trial->witness_rows.nodes[node].is_timer &&
               (said->state == GKV_MEMBER_SUSPECT || said->state == GKV_MEMBER_UNREACHABLE)) {
        check_finding(trial, node, about, said->state);
    }
    row->asked_ns = 0;
}

/* ---- But not for ever ------------------------------------------------------------------------ */

/* A probe that began when nobody had been heard for long, and has failed since, however slow its
 * node is. */
static bool has_failed(const struct gkv_trial *trial, uint32_t node, uint32_t target)
{
    const struct gkv_options *options = &trial->scenario.world.node;
    const struct gkv_witness_node *self = &trial->witness_rows.nodes[node];
    const struct gkv_probe_row *probe = &trial->probe_rows.rows[node][target];
    const uint64_t probe_ns =
        ((uint64_t)options->probe_timeout_ms + options->probe_indirect_timeout_ms) *
            options->health_max * GKV_NS_PER_MS +
        3 * (trial->scenario.world.timer_late_ns_max +
             2 * trial->scenario.clock_grain_ms * GKV_NS_PER_MS + GKV_NS_PER_MS);
    const uint64_t grace_ns = options->startup_grace_ms * GKV_NS_PER_MS;
    return probe->sequence != 0 && probe->begin_ns > self->resume_ns &&
           probe->begin_ns >= self->boot_ns + grace_ns &&
           probe->begin_ns > self->heard_ns + patience_ns(trial) &&
           gkv_check_mono_ns(trial, node) > probe->begin_ns + probe_ns;
}

static void check_patience(struct gkv_trial *trial, uint32_t node)
{
    for (uint32_t i = 0; i < trial->scenario.node_count; i++) {
        if (!has_failed(trial, node, i) || trial->world.hosts[node].service_ns > 0) {
            continue;
        }
        const enum gkv_member_state state = trial->precedence_watch.held[node][i].state;
        trial->tally.counts[GKV_HOLDS_PATIENCE]++;
        if (state == GKV_MEMBER_ALIVE || state == GKV_MEMBER_LEAVING) {
            gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "witness",
                           "%s holds %s to be %s, though it has heard nobody for over %llu ms, and "
                           "asked it since in vain",
                           gkv_host_text(node).text, gkv_host_text(i).text,
                           state == GKV_MEMBER_ALIVE ? "alive" : "leaving",
                           (unsigned long long)(patience_ns(trial) / GKV_NS_PER_MS));
        }
    }
}

/* ---- Listening ------------------------------------------------------------------------------- */

/* Only who is asked for the last time is pinged by a datagram and over a stream in one step, in a
 * new sequence. A stream that is not open, or is full, hides it: that asks less. */
static void hear_ping(struct gkv_trial *trial, const struct gkv_heard *heard)
{
    struct gkv_witness_node *self = &trial->witness_rows.nodes[heard->node];
    const uint32_t sequence = heard->message->as.gossip.sequence;
    const uint32_t target = gkv_check_node_of_id(trial, heard->message->as.gossip.about.id);
    if (target == GKV_HISTORY_NONE) {
        return;
    }
    struct gkv_witness_row *row = &trial->witness_rows.rows[heard->node][target];
    if (!heard->is_datagram) {
        row->asked_ns = row->new_sequence == sequence && row->new_input == self->input_count
                            ? gkv_check_mono_ns(trial, heard->node)
                            : row->asked_ns;
    } else if (!self->has_asked || (int32_t)(sequence - self->sequence) > 0) {
        self->has_asked = true;
        self->sequence = sequence;
        row->new_sequence = sequence;
        row->new_input = self->input_count;
    }
}

static void hear(struct gkv_trial *trial, const struct gkv_heard *heard)
{
    if (!heard->is_arrival && heard->message->kind == GKV_MESSAGE_PING) {
        hear_ping(trial, heard);
    }
    if (!heard->is_arrival || heard->gist == NULL) {
        return;
    }
    /* Of a stream nobody says in which life its speaker is. */
    const struct gkv_gist *gist = heard->gist;
    if (heard->is_datagram &&
        gist->boot_id == trial->precedence_watch.held[heard->node][gist->from].boot_id) {
        trial->witness_rows.rows[heard->node][gist->from].told_ns =
            gkv_check_mono_ns(trial, heard->node);
    }
}

static uint32_t speaker_of(const struct gkv_trial *trial, const struct gkv_observation *observation)
{
    if (observation->kind == GKV_OBSERVE_DATAGRAM) {
        return (uint32_t)observation->argument;
    }
    const struct gkv_connection *connection =
        &trial->world.net.connections[(uint32_t)observation->connection];
    return connection->ends[0].node == observation->node ? connection->ends[1].node
                                                         : connection->ends[0].node;
}

static void on_arrival(struct gkv_trial *trial, const struct gkv_observation *observation)
{
    const uint32_t node = observation->node;
    const uint32_t from = speaker_of(trial, observation);
    trial->witness_rows.nodes[node].heard_ns = gkv_check_mono_ns(trial, node);
    if (from < trial->scenario.node_count) {
        trial->witness_rows.rows[node][from].heard_ns = gkv_check_mono_ns(trial, node);
    }
}

static void observe(struct gkv_trial *trial, const struct gkv_observation *observation)
{
    const uint32_t node = observation->node;
    struct gkv_witness_node *self = &trial->witness_rows.nodes[node];
    if (!gkv_check_tells_all(trial)) {
        return;
    }
    if (observation->kind == GKV_OBSERVE_OUTPUT) {
        on_member(trial, node, &observation->output->as.member);
        return;
    }
    self->input_count++;
    self->is_timer = observation->kind == GKV_OBSERVE_TIMER;
    if (observation->kind == GKV_OBSERVE_BOOT) {
        *self = (struct gkv_witness_node){.boot_ns = gkv_check_mono_ns(trial, node)};
        self->heard_ns = self->boot_ns;
        memset(trial->witness_rows.rows[node], 0, sizeof(trial->witness_rows.rows[node]));
    } else if (observation->kind == GKV_OBSERVE_DATAGRAM ||
               observation->kind == GKV_OBSERVE_RECEIVED) {
        on_arrival(trial, observation);
    } else if (observation->kind == GKV_OBSERVE_RESUME) {
        self->resume_ns = gkv_check_mono_ns(trial, node);
    } else if (self->is_timer && !gkv_nodes_has(&trial->left, node)) {
        check_patience(trial, node);
    }
}

const struct gkv_check gkv_check_witness = {
    .name = "witness",
    .demands = "Nobody accuses another who has not heard enough of the others lately, or buries it "
               "who has not since it asked it for the last time, unless it heard nobody for long; "
               "then it does. Nor just after its start.",
    .told_mask =
        GKV_TOLD_INPUTS | GKV_TOLD(GKV_OBSERVE_RESUME) | GKV_TOLD_OUTPUT(GKV_OUTPUT_MEMBER),
    .observe = observe,
    .hear_mask = GKV_HEARS(GKV_MESSAGE_PING) | GKV_HEARS_ARRIVALS,
    .hear = hear,
};
