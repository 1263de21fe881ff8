#include "sim/check.h"

/* No get returns a value whose expiry has come by its coordinator's own clocks: the wall clock, and
 * what it accepted from others (so that a value which one node called expired is expired for
 * whoever heard of it). An expiry is no later than the ttl after the set began, by the fastest
 * clock: copying a value does not start its time again. And what a node once did not find under a
 * version it never returns under that version.
 *
 * The last is asked where clocks are near each other: a node does not follow a clock that is
 * broken, but takes its word for it that a value has expired, and may ask others the next time. */

static void check_expired(struct gkv_trial *trial, const struct gkv_observation *observation,
                          uint32_t key)
{
    const struct gkv_result *result = &observation->output->as.result;
    const struct gkv_now now =
        gkv_host_now(&trial->world.hosts[observation->node], observation->time_ns);
    const uint64_t heard_ms = gkv_hlc_ms(trial->clock_watch.floors[observation->node]);
    const uint64_t now_ms = heard_ms > now.wall_ms ? heard_ms : now.wall_ms;
    trial->tally.counts[GKV_HOLDS_TTL_OVER]++;
    if (result->expire_ms <= now_ms) {
        trial->verdict.key = key;
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "ttl",
                       "operation %llu read a value of k%u that expired %llu ms ago by the clock "
                       "of %s",
                       (unsigned long long)result->cookie - 1, (unsigned)key,
                       (unsigned long long)(now_ms - result->expire_ms),
                       gkv_host_text(observation->node).text);
    }
}

static void check_bound(struct gkv_trial *trial, const struct gkv_result *result, uint32_t key)
{
    const uint32_t writer = gkv_history_writer(&trial->history, key, result->value);
    if (writer == GKV_HISTORY_NONE) {
        return; /* sim/check_value.c says so */
    }
    const struct gkv_deed *set = &trial->history.deeds[writer];
    const uint64_t latest_ms = gkv_sim_clock_true_ms(set->begin_ns) +
                               (uint64_t)trial->scenario.skew_ms_max + 1 + set->ttl_ms;
    trial->tally.counts[GKV_HOLDS_TTL_BOUND]++;
    if (result->expire_ms > latest_ms) {
        trial->verdict.key = key;
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "ttl",
                       "operation %llu read a value of k%u that expires %llu ms later than "
                       "operation %u may have asked for",
                       (unsigned long long)result->cookie - 1, (unsigned)key,
                       (unsigned long long)(result->expire_ms - latest_ms), (unsigned)writer);
    }
}

static void check_stays_gone(struct gkv_trial *trial, const struct gkv_deed *deed, uint32_t number)
{
    const struct gkv_ttl_watch *watch = &trial->ttl_watch;
    const struct gkv_version version = watch->gone[deed->key][deed->node].version;
    if (trial->scenario.skew_ms_max > GKV_SCENARIO_SKEW_MS_MAX) {
        return;
    }
    if (gkv_version_is_none(version) || watch->gone[deed->key][deed->node].life != deed->life ||
        deed->begin_ns < watch->gone[deed->key][deed->node].end_ns) {
        return;
    }
    trial->tally.counts[GKV_HOLDS_TTL_GONE]++;
    if (gkv_version_compare(version, deed->version) == 0) {
        trial->verdict.key = deed->key;
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "ttl",
                       "operation %u read k%u under version %s, which %s had called gone",
                       (unsigned)number, (unsigned)deed->key, gkv_history_version(version).text,
                       gkv_host_text(deed->node).text);
    }
}

static void observe(struct gkv_trial *trial, const struct gkv_observation *observation)
{
    if (observation->kind != GKV_OBSERVE_OUTPUT ||
        observation->output->kind != GKV_OUTPUT_COMPLETE) {
        return;
    }
    const struct gkv_result *result = &observation->output->as.result;
    const struct gkv_deed *deed = gkv_history_find(&trial->history, result->cookie);
    if (deed == NULL || deed->kind != GKV_OPERATION_GET || deed->complete_count != 1) {
        return;
    }
    if (result->error == GKV_ERROR_NOT_FOUND && !gkv_version_is_none(result->version)) {
        trial->ttl_watch.gone[deed->key][deed->node].version = result->version;
        trial->ttl_watch.gone[deed->key][deed->node].end_ns = observation->time_ns;
        trial->ttl_watch.gone[deed->key][deed->node].life = deed->life;
    } else if (result->error == GKV_OK) {
        check_stays_gone(trial, deed, (uint32_t)(result->cookie - 1));
        if (result->expire_ms != 0) {
            check_expired(trial, observation, deed->key);
            check_bound(trial, result, deed->key);
        }
    }
}

const struct gkv_check gkv_check_ttl = {
    .name = "ttl",
    .demands = "What has expired is not read any more and does not come back, and no node "
               "makes a value live longer than its set asked.",
    .told_mask = GKV_TOLD_OUTPUT(GKV_OUTPUT_COMPLETE),
    .observe = observe,
};
