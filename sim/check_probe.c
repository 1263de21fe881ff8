#include <string.h>

#include "sim/check.h"

/* A member is asked by one probe at a time: two would find out the same, at twice the cost, and a
 * stream that breaks every few milliseconds would otherwise start as many. And nobody accuses a
 * member before the times of its probe are over: the first for its own answer, the second for one
 * by way of others. */

/* How long a probe lasts at the least, when nobody answers. */
static uint64_t probe_ns(const struct gkv_trial *trial)
{
    const struct gkv_options *options = &trial->scenario.world.node;
    return ((uint64_t)options->probe_timeout_ms + options->probe_indirect_timeout_ms) *
           GKV_NS_PER_MS;
}

static bool is_plain(enum gkv_member_state state)
{
    return state == GKV_MEMBER_ALIVE || state == GKV_MEMBER_LEAVING;
}

/* A new sequence, of a ping to one who is neither suspect (that may be its last chance) nor
 * unreachable (it is called), and not for somebody else: a probe begins. */
static void begin(struct gkv_trial *trial, uint32_t node, uint32_t target, uint32_t sequence,
                  uint64_t boot_id)
{
    struct gkv_probe_row *row = &trial->probe_rows.rows[node][target];
    const uint64_t now_ns = gkv_check_mono_ns(trial, node);
    trial->tally.counts[GKV_HOLDS_PROBE_SINGLE]++;
    if (row->sequence != 0 && row->boot_id == boot_id && now_ns - row->begin_ns < probe_ns(trial)) {
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "probe",
                       "%s begins to probe %s while another probe of it, begun %llu us ago, is "
                       "neither answered nor over",
                       gkv_host_text(node).text, gkv_host_text(target).text,
                       (unsigned long long)((now_ns - row->begin_ns) / 1000));
    }
    row->sequence = sequence;
    row->boot_id = boot_id;
    row->begin_ns = now_ns;
}

static void hear_ping(struct gkv_trial *trial, const struct gkv_heard *heard)
{
    const struct gkv_message *ping = heard->message;
    const uint32_t node = heard->node;
    const uint32_t sequence = ping->as.gossip.sequence;
    const uint32_t target = gkv_check_node_of_id(trial, ping->as.gossip.about.id);
    struct gkv_probe_node *asking = &trial->probe_rows.nodes[node];
    const bool is_new = !asking->has_asked || (int32_t)(sequence - asking->sequence) > 0;
    if (!is_new) {
        return;
    }
    asking->has_asked = true;
    asking->sequence = sequence;
    if (target != GKV_HISTORY_NONE && !asking->is_helping &&
        is_plain(trial->precedence_watch.held[node][target].state)) {
        begin(trial, node, target, sequence, ping->as.gossip.about.boot_id);
    }
}

/* An answer: whose probe it ends need not be found out, the sequence says it. */
static void end(struct gkv_trial *trial, uint32_t node, uint32_t sequence)
{
    for (uint32_t i = 0; i < trial->scenario.node_count; i++) {
        struct gkv_probe_row *row = &trial->probe_rows.rows[node][i];
        row->sequence = row->sequence == sequence ? 0 : row->sequence;
    }
}

static void hear_arrival(struct gkv_trial *trial, const struct gkv_heard *heard)
{
    const struct gkv_gist *gist = heard->gist;
    if (gist == NULL) {
        memset(trial->probe_rows.rows[heard->node], 0, sizeof(trial->probe_rows.rows[heard->node]));
    } else if (gist->kind == GKV_MESSAGE_PING_REQ) {
        trial->probe_rows.nodes[heard->node].is_helping = true;
    } else if (gist->kind == GKV_MESSAGE_ACK) {
        end(trial, heard->node, gist->sequence);
    }
}

static void hear(struct gkv_trial *trial, const struct gkv_heard *heard)
{
    if (!gkv_check_tells_all(trial)) {
        return;
    }
    if (heard->is_arrival) {
        if (heard->is_datagram) {
            hear_arrival(trial, heard);
        }
    } else if (heard->is_datagram && heard->message->kind == GKV_MESSAGE_PING) {
        hear_ping(trial, heard);
    } else if (!heard->is_datagram && heard->message->kind == GKV_MESSAGE_ACK) {
        /* Whether damaged bytes of a stream are an answer nobody can say: it counts when sent. */
        for (uint32_t i = 0; i < trial->scenario.node_count; i++) {
            end(trial, i, heard->message->as.gossip.sequence);
        }
    }
}

/* A node finds out by itself that a member does not answer; unless it hears again what it found out
 * before, perhaps in an earlier life. */
static void on_accusation(struct gkv_trial *trial, uint32_t node, const struct gkv_update *said)
{
    const uint32_t target = gkv_check_node_of_id(trial, said->who.id);
    if (target == GKV_HISTORY_NONE || !gkv_node_id_equal(said->accuser, trial->ids[node])) {
        return;
    }
    struct gkv_probe_row *row = &trial->probe_rows.rows[node][target];
    struct gkv_probe_accused *accused = &trial->probe_rows.accused[node][target];
    const bool is_echo =
        accused->boot_id == said->who.boot_id && accused->incarnation >= said->incarnation;
    const uint64_t asked_ns = gkv_check_mono_ns(trial, node) - row->begin_ns;
    *accused = (struct gkv_probe_accused){said->who.boot_id, said->incarnation};
    if (is_echo || row->sequence == 0 || row->boot_id != said->who.boot_id) {
        return;
    }
    trial->tally.counts[GKV_HOLDS_PROBE_OVER]++;
    if (asked_ns < probe_ns(trial)) {
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "probe",
                       "%s accuses %s %llu us after it began to ask; it and those who help had "
                       "%llu us",
                       gkv_host_text(node).text, gkv_host_text(target).text,
                       (unsigned long long)(asked_ns / 1000),
                       (unsigned long long)(probe_ns(trial) / 1000));
    }
}

static void observe(struct gkv_trial *trial, const struct gkv_observation *observation)
{
    const uint32_t node = observation->node;
    if (observation->kind == GKV_OBSERVE_OUTPUT) {
        if (observation->output->as.member.state == GKV_MEMBER_SUSPECT) {
            on_accusation(trial, node, &observation->output->as.member);
        }
        return;
    }
    trial->probe_rows.nodes[node].is_helping = false;
    if (observation->kind == GKV_OBSERVE_BOOT) {
        memset(trial->probe_rows.rows[node], 0, sizeof(trial->probe_rows.rows[node]));
        trial->probe_rows.nodes[node].has_asked = false;
    }
}

const struct gkv_check gkv_check_probe = {
    .name = "probe",
    .demands = "No member is under two probes of one node at once, and nobody accuses a member "
               "before the times of its probe are over.",
    .told_mask = GKV_TOLD_INPUTS | GKV_TOLD_OUTPUT(GKV_OUTPUT_MEMBER),
    .observe = observe,
    .hear_mask = GKV_HEARS(GKV_MESSAGE_PING) | GKV_HEARS(GKV_MESSAGE_ACK) | GKV_HEARS_ARRIVALS,
    .hear = hear,
};
