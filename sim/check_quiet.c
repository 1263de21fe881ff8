#include <stdio.h>

#include "sim/check.h"

/* A settled cluster without clients becomes quiet: anti-entropy finds no difference, nobody writes,
 * reads or spreads rumours, and all together send no more than the routine of their options.
 * Otherwise they repair for ever what needs no repair.
 *
 * Members may agree on all states and not on all incarnations: then a table that is exchanged
 * brings news, and rumours. A node that holds keys of others goes on to offer them (core/repair.h).
 * A full store cannot take what it misses, and a tombstone that one has forgotten and another not
 * is a difference: not asked there. Full stores that evict go on to compare what both hold, and
 * exchange nothing: what one evicted does not come back from another. */

#define DATAGRAM_BYTES_MAX \
    160                      /* a ping without updates; GKV_GOSSIP_OVERHEAD_BYTES_MAX and a frame */
#define ROUND_BYTES_MAX 2300 /* SYNC_GROUPS: 128 digests of 16 bytes, and what is around them */

static bool is_asked(const struct gkv_trial *trial)
{
    return trial->phase == GKV_PHASE_IDLE &&
           (!trial->scenario.may_be_full || trial->scenario.evicts) &&
           trial->world.now_ns / GKV_NS_PER_MS < trial->scenario.world.node.tombstone_keep_ms;
}

static bool is_routine(const struct gkv_trial *trial, const struct gkv_heard *heard)
{
    switch (heard->message->kind) {
    case GKV_MESSAGE_NONE: /* a HELLO */
    case GKV_MESSAGE_PING:
    case GKV_MESSAGE_ACK:
    case GKV_MESSAGE_PUSH_PULL:
    case GKV_MESSAGE_SYNC_GROUPS:
        return true;
    case GKV_MESSAGE_PING_REQ:
    case GKV_MESSAGE_NACK:
        return trial->idle.is_cut || !gkv_nodes_is_empty(&trial->outsiders);
    case GKV_MESSAGE_GOSSIP: /* an outsider who is deaf goes on to accuse, and is answered */
        return !gkv_nodes_is_empty(&trial->outsiders) || trial->idle.has_news;
    case GKV_MESSAGE_SYNC_KEYS:
        return gkv_nodes_has(&trial->idle.spared, heard->node) || trial->scenario.evicts;
    case GKV_MESSAGE_SYNC_SLOTS:
        return trial->scenario.evicts;
    case GKV_MESSAGE_WRITE:
    case GKV_MESSAGE_WRITE_REPLY:
    case GKV_MESSAGE_READ:
    case GKV_MESSAGE_READ_REPLY:
    case GKV_MESSAGE_SYNC_PULL:
    case GKV_MESSAGE_SYNC_RECORDS:
        return false;
    }
    return false;
}

/* Is a stream's message to somebody outside the core? He may have asked, and hears nothing. */
static bool is_to_outsider(const struct gkv_trial *trial, const struct gkv_heard *heard)
{
    const uint32_t index = (uint32_t)heard->connection;
    if (gkv_nodes_is_empty(&trial->outsiders) || heard->is_datagram) {
        return false;
    }
    return gkv_nodes_has(&trial->outsiders, trial->world.net.connections[index].to);
}

static void hear(struct gkv_trial *trial, const struct gkv_heard *heard)
{
    if (heard->is_arrival || !is_asked(trial) || heard->time_ns < trial->idle.begin_ns) {
        return;
    }
    if (!gkv_check_is_core(trial, heard->node)) {
        return;
    }
    trial->tally.counts[GKV_HOLDS_QUIET]++;
    if (!is_routine(trial, heard) && !is_to_outsider(trial, heard)) {
        gkv_trial_fail(
            trial, GKV_TRIAL_LIVENESS, "quiet", "%s says %s, %llu ms after everything had settled",
            gkv_host_text(heard->node).text, gkv_message_kind_name(heard->message->kind),
            (unsigned long long)((heard->time_ns - trial->idle.begin_ns) / GKV_NS_PER_MS));
    }
}

/* ---- How much -------------------------------------------------------------------------------- */

/* How many pings a probe is: it is repeated where no answer can be there before that. */
static uint64_t pings_per_probe(const struct gkv_trial *trial)
{
    const struct gkv_link *link = &trial->world.net.links[0][1];
    const uint64_t grains_ns = 2 * trial->scenario.clock_grain_ms * GKV_NS_PER_MS;
    const uint64_t answer_ns = 2 * (link->latency_ns + link->jitter_ns) + grains_ns;
    const uint64_t repeat_ns = trial->scenario.world.node.probe_repeat_ms * GKV_NS_PER_MS;
    return repeat_ns > 0 && repeat_ns <= answer_ns ? 2 : 1;
}

/* What one node sends at the most in elapsed_ms, if every period is as short as it can be: its
 * pings, as many answers (all nodes together answer what all ask), one question to who is away, a
 * round of anti-entropy, and tables asked for and given, to a peer and to a seed. */
static uint64_t budget_bytes(const struct gkv_trial *trial, uint64_t elapsed_ms)
{
    const struct gkv_options *options = &trial->scenario.world.node;
    const uint64_t ping_count = 2 * pings_per_probe(trial) * options->probe_targets *
                                (elapsed_ms / options->probe_interval_ms + 2);
    const uint64_t call_count = 2 * (elapsed_ms / options->reconnect_interval_ms + 2);
    const uint64_t round_count = elapsed_ms * 10 / (options->sync_interval_ms * UINT64_C(9)) + 2;
    const uint64_t table_count =
        2 * (elapsed_ms * 10 / (options->push_pull_interval_ms * UINT64_C(9)) + 2) + call_count;
    const uint64_t table_bytes = 200 + GKV_TABLE_UPDATE_BYTES_MAX * trial->scenario.node_count;
    return ping_count * DATAGRAM_BYTES_MAX +
           call_count * (DATAGRAM_BYTES_MAX + 2 * GKV_UPDATE_BYTES_MAX) +
           round_count * ROUND_BYTES_MAX + table_count * table_bytes;
}

static void finish(struct gkv_trial *trial)
{
    const struct gkv_idle *idle = &trial->idle;
    if (!is_asked(trial) || trial->scenario.evicts || idle->is_cut ||
        !gkv_nodes_is_empty(&trial->outsiders) || !gkv_nodes_is_empty(&idle->spared) ||
        gkv_nodes_is_empty(&idle->watched)) {
        return;
    }
    uint64_t sent_bytes = 0;
    uint64_t node_count = 0;
    for (uint32_t i = 0; i < trial->scenario.node_count; i++) {
        if (gkv_nodes_has(&idle->watched, i)) {
            const struct gkv_endpoint_stats stats =
                gkv_endpoint_stats(trial->world.hosts[i].endpoint);
            sent_bytes += stats.datagram_out_bytes - idle->datagram_bytes[i];
            sent_bytes += stats.stream_out_bytes - idle->stream_bytes[i];
            node_count++;
        }
    }
    const uint64_t elapsed_ms = (trial->world.now_ns - idle->begin_ns) / GKV_NS_PER_MS;
    const uint64_t most_bytes = node_count * budget_bytes(trial, elapsed_ms);
    trial->tally.counts[GKV_HOLDS_BUDGET]++;
    if (sent_bytes > most_bytes) {
        gkv_trial_fail(trial, GKV_TRIAL_LIVENESS, "quiet",
                       "%llu quiet nodes sent %llu bytes in %llu ms, and %llu would do",
                       (unsigned long long)node_count, (unsigned long long)sent_bytes,
                       (unsigned long long)elapsed_ms, (unsigned long long)most_bytes);
    }
}

const struct gkv_check gkv_check_quiet = {
    .name = "quiet",
    .demands =
        "Once everything has settled and no client asks, nodes say nothing but their routine: "
        "anti-entropy finds no difference, and no more bytes are sent than options imply.",
    .finish = finish,
    .hear_mask = GKV_HEARS_SAID,
    .hear = hear,
};
