#include "sim/check.h"

/* Who was evicted may only have been away, and nobody else can tell it. So whoever holds it to be
 * evicted calls it again and again: after reconnect_max_ms, or before, it is its turn, and each
 * reconnect interval is the turn of one who is due. Times are by the caller's own clock; one who
 * is slow, stood still, or is about to go, calls when it can. */

static uint64_t mono_ns(const struct gkv_trial *trial, uint32_t node)
{
    return gkv_host_now(&trial->world.hosts[node], trial->world.now_ns).mono_ns;
}

/* Between two calls: the longest wait, a turn of each other node, and one that is about to be
 * taken; each turn may come late. */
static uint64_t wait_ns(const struct gkv_trial *trial)
{
    const struct gkv_scenario *scenario = &trial->scenario;
    const struct gkv_options *options = &scenario->world.node;
    const uint64_t late_ns = scenario->world.timer_late_ns_max +
                             2 * scenario->clock_grain_ms * GKV_NS_PER_MS + GKV_NS_PER_MS;
    return options->reconnect_max_ms * GKV_NS_PER_MS +
           (scenario->node_count + 1u) * (options->reconnect_interval_ms * GKV_NS_PER_MS + late_ns);
}

static void on_timer(struct gkv_trial *trial, uint32_t node)
{
    struct gkv_recall_node *calls = &trial->recall_watch.nodes[node];
    const uint64_t now_ns = mono_ns(trial, node);
    for (uint32_t i = 0; i < trial->scenario.node_count; i++) {
        if (trial->precedence_watch.held[node][i].state != GKV_MEMBER_EVICTED) {
            continue;
        }
        if (now_ns - calls->called_ns[i] > wait_ns(trial)) {
            gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "recall",
                           "%s holds %s to be evicted, and has not called it for over %llu ms",
                           gkv_host_text(node).text, gkv_host_text(i).text,
                           (unsigned long long)(wait_ns(trial) / GKV_NS_PER_MS));
        }
    }
}

/* All times begin again. */
static void begin(struct gkv_trial *trial, uint32_t node)
{
    struct gkv_recall_node *calls = &trial->recall_watch.nodes[node];
    for (uint32_t i = 0; i < trial->scenario.node_count; i++) {
        calls->called_ns[i] = mono_ns(trial, node);
    }
}

static void observe(struct gkv_trial *trial, const struct gkv_observation *observation)
{
    const uint32_t node = observation->node;
    if (!gkv_check_tells_all(trial)) {
        return;
    }
    struct gkv_recall_node *calls = &trial->recall_watch.nodes[node];
    if (observation->kind == GKV_OBSERVE_OUTPUT) {
        const struct gkv_update *said = &observation->output->as.member;
        const uint32_t about = gkv_check_node_of_id(trial, said->who.id);
        if (about != GKV_HISTORY_NONE) {
            calls->called_ns[about] = mono_ns(trial, node);
            calls->has_evicted |= said->state == GKV_MEMBER_EVICTED;
        }
    } else if (observation->kind == GKV_OBSERVE_BOOT) {
        *calls = (struct gkv_recall_node){.has_evicted = false};
    } else if (observation->kind == GKV_OBSERVE_LEAVE) {
        calls->is_leaving = true;
    } else if (observation->kind == GKV_OBSERVE_RESUME || trial->world.hosts[node].service_ns > 0) {
        begin(trial, node);
    } else if (calls->has_evicted && !calls->is_leaving) {
        on_timer(trial, node);
    }
}

static void hear(struct gkv_trial *trial, const struct gkv_heard *heard)
{
    if (heard->is_arrival || !heard->is_datagram || heard->message->kind != GKV_MESSAGE_PING ||
        heard->to >= trial->scenario.node_count || !gkv_check_tells_all(trial)) {
        return;
    }
    struct gkv_recall_node *calls = &trial->recall_watch.nodes[heard->node];
    trial->tally.counts[GKV_HOLDS_RECALL] +=
        trial->precedence_watch.held[heard->node][heard->to].state == GKV_MEMBER_EVICTED;
    calls->called_ns[heard->to] = mono_ns(trial, heard->node);
}

const struct gkv_check gkv_check_recall = {
    .name = "recall",
    .demands = "Whoever was evicted is called by each who holds it to be so, again and again.",
    .told_mask = GKV_TOLD(GKV_OBSERVE_BOOT) | GKV_TOLD(GKV_OBSERVE_LEAVE) |
                 GKV_TOLD(GKV_OBSERVE_TIMER) | GKV_TOLD(GKV_OBSERVE_RESUME) |
                 GKV_TOLD_OUTPUT(GKV_OUTPUT_MEMBER),
    .observe = observe,
    .hear = hear,
};
