#include <string.h>

#include "core/node.h"
#include "sim/check.h"

/* When a quiet cluster has been idle for longer than any operation is kept, every node is where a
 * fresh one is: no operation is open, and no key or value of one is kept; there is one stream at
 * the most each way between two nodes, whole, and none with a node that is down. */

static void check_operations(struct gkv_trial *trial, uint32_t node)
{
    const struct gkv_node_stats stats =
        gkv_node_stats(gkv_endpoint_node(trial->world.hosts[node].endpoint));
    trial->tally.counts[GKV_HOLDS_GIVEN_BACK] += stats.quorum.submitted_count > 0;
    if (stats.quorum.open_count > 0 || stats.operation_bytes > 0) {
        gkv_trial_fail(
            trial, GKV_TRIAL_LIVENESS, "leak",
            "%s is idle, and keeps %llu operations and %llu bytes of what they were about",
            gkv_host_text(node).text, (unsigned long long)stats.quorum.open_count,
            (unsigned long long)stats.operation_bytes);
    }
}

/* ---- Streams --------------------------------------------------------------------------------- */

static bool is_down(const struct gkv_trial *trial, uint32_t node)
{
    return node >= trial->scenario.node_count || !trial->world.hosts[node].is_up;
}

static void check_streams(struct gkv_trial *trial)
{
    static struct gkv_nodes met[GKV_NET_NODE_COUNT_MAX]; /* by who dialled: to whom */
    memset(met, 0, trial->scenario.node_count * sizeof(met[0]));
    const struct gkv_net *net = &trial->world.net;
    for (uint32_t i = 0; i < net->connection_count; i++) {
        const struct gkv_end *ends = net->connections[i].ends;
        if (ends[0].state != GKV_END_OPEN && ends[1].state != GKV_END_OPEN) {
            continue; /* free, or dialling who is down */
        }
        if (ends[0].state == GKV_END_DIALLING &&
            trial->world.now_ns < net->connections[i].dial_deadline_ns) {
            continue; /* accepted just now, which the other end is about to hear */
        }
        trial->tally.counts[GKV_HOLDS_ONE_STREAM]++;
        if (ends[0].state != ends[1].state || is_down(trial, ends[0].node) ||
            is_down(trial, ends[1].node)) {
            gkv_trial_fail(trial, GKV_TRIAL_LIVENESS, "leak",
                           "all are idle, and half of a stream from %s to %s is left",
                           gkv_host_text(ends[0].node).text,
                           gkv_host_text(net->connections[i].to).text);
            return;
        }
        if (gkv_nodes_has(&met[ends[0].node], ends[1].node)) {
            gkv_trial_fail(trial, GKV_TRIAL_LIVENESS, "leak",
                           "all are idle, and %s keeps two streams to %s",
                           gkv_host_text(ends[0].node).text, gkv_host_text(ends[1].node).text);
            return;
        }
        gkv_nodes_add(&met[ends[0].node], ends[1].node);
    }
}

static void finish(struct gkv_trial *trial)
{
    if (trial->phase != GKV_PHASE_IDLE) {
        return;
    }
    for (uint32_t i = 0; i < trial->scenario.node_count; i++) {
        if (trial->world.hosts[i].is_up) {
            check_operations(trial, i);
        }
    }
    if (!trial->idle.is_cut && gkv_nodes_is_empty(&trial->outsiders)) {
        check_streams(trial);
    }
}

const struct gkv_check gkv_check_leak = {
    .name = "leak",
    .demands =
        "An idle node keeps no operation, no bytes of one, and one stream each way to a peer.",
    .finish = finish,
};
