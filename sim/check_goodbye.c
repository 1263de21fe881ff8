#include "sim/check.h"

/* Whoever is asked to leave says LEAVING, so that what is under way can end, and LEFT when
 * options.leave_ms are over: no sooner, unless nobody is there, and no later, as long as somebody
 * is who can be told. Whom it meets only then hears of it by gossip. Who has left asks nobody any
 * more, and so by TIMER suspects nobody, and declares nobody unreachable. */

static bool is_anybody_there(const struct gkv_trial *trial, uint32_t node)
{
    for (uint32_t i = 0; i < trial->scenario.node_count; i++) {
        const enum gkv_member_state state = trial->precedence_watch.held[node][i].state;
        if (i != node && (state == GKV_MEMBER_ALIVE || state == GKV_MEMBER_LEAVING ||
                          state == GKV_MEMBER_SUSPECT)) {
            return true;
        }
    }
    return false;
}

/* It says of itself that it has left. */
static void on_left(struct gkv_trial *trial, uint32_t node)
{
    struct gkv_goodbye_node *watch = &trial->goodbye_watch.nodes[node];
    const uint64_t leave_ns = trial->scenario.world.node.leave_ms * GKV_NS_PER_MS;
    const uint64_t waited_ns = gkv_check_mono_ns(trial, node) - watch->leave_ns;
    if (watch->is_said) {
        return;
    }
    watch->is_said = true;
    trial->tally.counts[GKV_HOLDS_GOODBYE]++;
    if (!watch->is_leaving || (watch->had_others && waited_ns < leave_ns)) {
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "goodbye",
                       "%s says that it has left, %llu ms after it was asked to; those under way "
                       "have %u ms",
                       gkv_host_text(node).text,
                       (unsigned long long)(watch->is_leaving ? waited_ns / GKV_NS_PER_MS : 0),
                       (unsigned)trial->scenario.world.node.leave_ms);
    }
}

static void hear(struct gkv_trial *trial, const struct gkv_heard *heard)
{
    if (heard->is_arrival || !heard->is_datagram || !gkv_check_tells_all(trial)) {
        return;
    }
    for (uint32_t i = 0; i < heard->message->as.gossip.update_count; i++) {
        const struct gkv_update *update = &heard->message->as.gossip.updates[i];
        if (update->state == GKV_MEMBER_LEFT &&
            gkv_node_id_equal(update->who.id, trial->ids[heard->node]) &&
            update->who.boot_id == heard->message->from.boot_id) {
            on_left(trial, heard->node);
        }
    }
}

/* Since when it has had somebody to tell, and what to. */
static uint64_t due_ns(const struct gkv_trial *trial, const struct gkv_goodbye_node *watch)
{
    const struct gkv_options *options = &trial->scenario.world.node;
    const uint64_t left_ns = watch->leave_ns + options->leave_ms * GKV_NS_PER_MS;
    const uint64_t told_ns = watch->meet_ns + options->gossip_interval_ms * GKV_NS_PER_MS;
    return watch->meet_ns > 0 && told_ns > left_ns ? told_ns : left_ns;
}

static void check_late(struct gkv_trial *trial, uint32_t node)
{
    struct gkv_goodbye_node *watch = &trial->goodbye_watch.nodes[node];
    const uint64_t late_ns = trial->scenario.world.timer_late_ns_max +
                             2 * trial->scenario.clock_grain_ms * GKV_NS_PER_MS + GKV_NS_PER_MS;
    if (!watch->is_leaving || watch->is_said || watch->was_paused ||
        trial->world.hosts[node].service_ns > 0) {
        return;
    }
    const bool had_others = watch->has_others;
    watch->has_others = is_anybody_there(trial, node);
    if (watch->has_others && !had_others) {
        watch->meet_ns = gkv_check_mono_ns(trial, node);
    }
    if (watch->has_others && gkv_check_mono_ns(trial, node) > due_ns(trial, watch) + late_ns) {
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "goodbye",
                       "%s was asked to leave %llu ms ago, and has told nobody that it has; it "
                       "was to wait %u ms",
                       gkv_host_text(node).text,
                       (unsigned long long)((gkv_check_mono_ns(trial, node) - watch->leave_ns) /
                                            GKV_NS_PER_MS),
                       (unsigned)trial->scenario.world.node.leave_ms);
    }
}

static void check_finding(struct gkv_trial *trial, uint32_t node, const struct gkv_update *found)
{
    const struct gkv_goodbye_node *watch = &trial->goodbye_watch.nodes[node];
    const uint32_t about = gkv_check_node_of_id(trial, found->who.id);
    if (watch->is_said && watch->is_timer && about != GKV_HISTORY_NONE &&
        (found->state == GKV_MEMBER_SUSPECT || found->state == GKV_MEMBER_UNREACHABLE)) {
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "goodbye",
                       "%s has left, and finds %s to be %s all the same", gkv_host_text(node).text,
                       gkv_host_text(about).text,
                       found->state == GKV_MEMBER_SUSPECT ? "suspect" : "unreachable");
    }
}

static void observe(struct gkv_trial *trial, const struct gkv_observation *observation)
{
    const uint32_t node = observation->node;
    struct gkv_goodbye_node *watch = &trial->goodbye_watch.nodes[node];
    if (!gkv_check_tells_all(trial)) {
        return;
    }
    if (observation->kind == GKV_OBSERVE_OUTPUT) {
        check_finding(trial, node, &observation->output->as.member);
        return;
    }
    if (observation->kind == GKV_OBSERVE_BOOT) {
        *watch = (struct gkv_goodbye_node){.is_leaving = false};
    } else if (observation->kind == GKV_OBSERVE_RESUME) {
        watch->was_paused = true;
    } else {
        check_late(trial, node);
    }
    if (observation->kind == GKV_OBSERVE_LEAVE && !watch->is_leaving) {
        watch->is_leaving = true;
        watch->leave_ns = gkv_check_mono_ns(trial, node);
        watch->had_others = is_anybody_there(trial, node);
        watch->has_others = watch->had_others;
    }
    watch->is_timer = observation->kind == GKV_OBSERVE_TIMER;
}

const struct gkv_check gkv_check_goodbye = {
    .name = "goodbye",
    .demands = "Whoever leaves says so when options.leave_ms are over, no sooner and no later; "
               "and accuses nobody then.",
    .told_mask =
        GKV_TOLD_INPUTS | GKV_TOLD(GKV_OBSERVE_RESUME) | GKV_TOLD_OUTPUT(GKV_OUTPUT_MEMBER),
    .observe = observe,
    .hear_mask = GKV_HEARS_GOSSIP,
    .hear = hear,
};
