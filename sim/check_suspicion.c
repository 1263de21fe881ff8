#include "sim/check.h"
#include "sim/idle.h"

/* A suspicion ends: who is SUSPECT to a node that runs refutes, or is given up, within a time that
 * follows from the options, whatever the node hears of others. It begins anew when what is held of
 * the suspect changes, when the node stood still or is slow, and while others come and go: each of
 * these may have the suspect all its time again. A word of the suspect may, too, but only until
 * patience is over.
 *
 * Where two witnesses or more are wanted, time counts only while so many are certain to have been
 * heard lately. Two that are heard by turns, each of them seldom, are never there at once and never
 * missed for long, and then core waits: for one of them to tell. */

#define WINDOW_INTERVALS 3 /* of probing: so long ago is lately (core/witness.h) */
#define TIMER_COUNT 5      /* that come one after the other, each an interval later at the most */

static uint64_t window_ns(const struct gkv_trial *trial)
{
    const struct gkv_options *options = &trial->scenario.world.node;
    return (WINDOW_INTERVALS * (uint64_t)options->probe_interval_ms + options->probe_timeout_ms) *
           GKV_NS_PER_MS;
}

/* How long a suspicion itself lasts at the most. */
static uint64_t own_ns(const struct gkv_trial *trial)
{
    return gkv_idle_suspicion_ns(&trial->scenario.world.node, trial->scenario.node_count);
}

/* And with all that comes on top of it. Witnesses are waited for twice, before the last chance and
 * after it. Silences, and all of it for a word of the suspect, are given back until that comes to
 * patience, and the last such gift may be as long as all of it. */
static uint64_t most_ns(const struct gkv_trial *trial)
{
    const struct gkv_options *options = &trial->scenario.world.node;
    const uint64_t patience_ns = options->witness_patience_ms * GKV_NS_PER_MS;
    const uint64_t wait_ns = window_ns(trial) + patience_ns;
    const uint64_t timer_ns =
        (options->probe_interval_ms + 2 * trial->scenario.clock_grain_ms + 1) * GKV_NS_PER_MS +
        trial->scenario.world.timer_late_ns_max;
    return patience_ns + 2 * (own_ns(trial) + 2 * wait_ns + TIMER_COUNT * timer_ns);
}

static bool is_reachable(enum gkv_member_state state)
{
    return state == GKV_MEMBER_ALIVE || state == GKV_MEMBER_LEAVING || state == GKV_MEMBER_SUSPECT;
}

/* Are the witnesses there that a node wants against another, for certain; or one at the most? */
static bool has_witnesses(const struct gkv_trial *trial, uint32_t node, uint32_t besides)
{
    const uint64_t now_ns = gkv_check_mono_ns(trial, node);
    uint32_t count = 0;
    uint32_t told = 0;
    for (uint32_t i = 0; i < trial->scenario.node_count; i++) {
        const uint64_t told_ns = trial->witness_rows.rows[node][i].told_ns;
        if (i != node && i != besides &&
            is_reachable(trial->precedence_watch.held[node][i].state)) {
            count++;
            told += told_ns > 0 && now_ns - told_ns <= window_ns(trial);
        }
    }
    const uint32_t wanted_most = trial->scenario.world.node.witness_count;
    const uint32_t wanted = wanted_most < count ? wanted_most : count;
    return wanted <= 1 || told >= wanted;
}

/* What a node holds of a suspect; in tests of histories, what it told of it. An incarnation that
 * changes alone is not told. */
static struct gkv_precedence_held held_of(const struct gkv_trial *trial, uint32_t node,
                                          uint32_t about)
{
    const struct gkv_precedence_held *told = &trial->precedence_watch.held[node][about];
    if (told->state != GKV_MEMBER_SUSPECT || trial->world.hosts[node].endpoint == NULL) {
        return *told;
    }
    const struct gkv_update *held = gkv_check_held(trial, node, about);
    return held == NULL
               ? (struct gkv_precedence_held){.state = GKV_MEMBER_NONE}
               : (struct gkv_precedence_held){held->who.boot_id, held->incarnation, held->state};
}

/* Did a node stand still, is it slow or too young to accuse anybody, or has left; or did others
 * come or go, since it was looked at last? */
static bool is_unsteady(struct gkv_trial *trial, uint32_t node)
{
    struct gkv_suspicion_node *watch = &trial->suspicion_watch.nodes[node];
    const struct gkv_options *options = &trial->scenario.world.node;
    struct gkv_nodes reachable = {{0}};
    for (uint32_t i = 0; i < trial->scenario.node_count; i++) {
        if (is_reachable(trial->precedence_watch.held[node][i].state)) {
            gkv_nodes_add(&reachable, i);
        }
    }
    const uint64_t stalls = gkv_check_stall_count(trial, node);
    const bool is_changed =
        stalls != watch->stall_count || !gkv_nodes_equal(&reachable, &watch->reachable);
    watch->stall_count = stalls;
    watch->reachable = reachable;
    const uint64_t up_ns = gkv_check_mono_ns(trial, node) - watch->boot_ns;
    return is_changed || up_ns < options->startup_grace_ms * GKV_NS_PER_MS ||
           trial->world.hosts[node].service_ns > 0 || gkv_nodes_has(&trial->left, node);
}

static void check_suspicion(struct gkv_trial *trial, uint32_t node, uint32_t about, bool is_anew)
{
    struct gkv_suspicion_row *row = &trial->suspicion_watch.nodes[node].rows[about];
    const struct gkv_precedence_held held = held_of(trial, node, about);
    const uint64_t now_ns = gkv_check_mono_ns(trial, node);
    if (is_anew || held.state != GKV_MEMBER_SUSPECT || row->boot_id != held.boot_id ||
        row->incarnation != held.incarnation || !has_witnesses(trial, node, about)) {
        *row = (struct gkv_suspicion_row){now_ns, held.boot_id, held.incarnation};
    }
    const uint64_t lasts_ns = now_ns - row->since_ns;
    trial->tally.counts[GKV_HOLDS_SUSPICION] += lasts_ns > own_ns(trial);
    if (lasts_ns > most_ns(trial)) {
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "suspicion",
                       "%s holds %s to be suspect for %llu ms, incarnation %u; a suspicion and all "
                       "that comes on top of it is over after %llu",
                       gkv_host_text(node).text, gkv_host_text(about).text,
                       (unsigned long long)(lasts_ns / GKV_NS_PER_MS), (unsigned)held.incarnation,
                       (unsigned long long)(most_ns(trial) / GKV_NS_PER_MS));
    }
}

/* An input is told before its node takes it: this is how things stand after the one before. */
static void observe(struct gkv_trial *trial, const struct gkv_observation *observation)
{
    const uint32_t node = observation->node;
    if (trial->scenario.node_count > GKV_SUSPICION_NODE_COUNT_MAX) {
        return;
    }
    if (observation->kind == GKV_OBSERVE_BOOT) {
        trial->suspicion_watch.nodes[node] =
            (struct gkv_suspicion_node){.boot_ns = gkv_check_mono_ns(trial, node)};
        return;
    }
    const bool is_anew = is_unsteady(trial, node) || observation->kind == GKV_OBSERVE_RESUME;
    for (uint32_t i = 0; i < trial->scenario.node_count; i++) {
        check_suspicion(trial, node, i, is_anew);
    }
}

const struct gkv_check gkv_check_suspicion = {
    .name = "suspicion",
    .demands = "Nobody stays suspect for ever to a node that runs: a suspicion ends within a time "
               "that the options imply, whatever is heard of others.",
    .told_mask = GKV_TOLD_INPUTS | GKV_TOLD(GKV_OBSERVE_RESUME),
    .observe = observe,
};
