#include "sim/check.h"

#include "sim/forgetting.h"

/* QUORUM: a get that begins after a set (or delete) was acknowledged sees it or newer, whatever
 * the clocks. "Newer" is what the cluster calls newer, so the other half must hold as well: a
 * set that begins after another was acknowledged gets a greater version.
 *
 * `floors` holds, per key, the greatest version acknowledged so far; a deed keeps the floor of
 * its key from when it began. Gets and sets are compared with it in seeds where nothing is
 * lost and the ring stands still. A get may find nothing, without a version, where the floor is a
 * deletion that was old enough to be forgotten; a write never goes below it. sim/check_store.c
 * compares what the owners hold in the end, in more. */

static void observe_submit(struct gkv_trial *trial, const struct gkv_observation *observation)
{
    struct gkv_deed *deed = gkv_history_find(&trial->history, observation->operation->cookie);
    if (deed != NULL) {
        deed->floor = trial->floors[deed->key];
    }
}

static void check_get(struct gkv_trial *trial, const struct gkv_deed *deed, uint32_t number)
{
    if (deed->error != GKV_OK && deed->error != GKV_ERROR_NOT_FOUND) {
        return;
    }
    trial->tally.counts[GKV_HOLDS_SEEN] += !gkv_version_is_none(deed->floor);
    if (gkv_version_compare(deed->version, deed->floor) < 0 &&
        !gkv_forgetting_may_miss(trial, deed, deed->floor)) {
        trial->verdict.key = deed->key;
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "quorum",
                       "operation %u, a get of k%u, saw version %s when %s had been "
                       "acknowledged",
                       (unsigned)number, (unsigned)deed->key,
                       gkv_history_version(deed->version).text,
                       gkv_history_version(deed->floor).text);
    }
}

static void check_newer(struct gkv_trial *trial, const struct gkv_deed *deed, uint32_t number)
{
    trial->tally.counts[GKV_HOLDS_NEWER] += !gkv_version_is_none(deed->floor);
    if (gkv_version_compare(deed->version, deed->floor) <= 0) {
        trial->verdict.key = deed->key;
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "quorum",
                       "operation %u wrote k%u with version %s, acknowledged, and hidden by "
                       "%s from before it began",
                       (unsigned)number, (unsigned)deed->key,
                       gkv_history_version(deed->version).text,
                       gkv_history_version(deed->floor).text);
    }
}

static void observe_complete(struct gkv_trial *trial, const struct gkv_deed *deed, uint32_t number)
{
    if (deed->kind == GKV_OPERATION_GET) {
        if (trial->scenario.checks_quorum) {
            check_get(trial, deed, number);
        }
        return;
    }
    if (deed->error != GKV_OK) {
        return;
    }
    if (trial->scenario.checks_quorum) {
        check_newer(trial, deed, number);
    }
    if (gkv_version_compare(deed->version, trial->floors[deed->key]) > 0) {
        trial->floors[deed->key] = deed->version;
    }
}

static void observe(struct gkv_trial *trial, const struct gkv_observation *observation)
{
    if (observation->kind == GKV_OBSERVE_SUBMIT) {
        observe_submit(trial, observation);
        return;
    }
    if (observation->kind != GKV_OBSERVE_OUTPUT ||
        observation->output->kind != GKV_OUTPUT_COMPLETE) {
        return;
    }
    const uint64_t cookie = observation->output->as.result.cookie;
    const struct gkv_deed *deed = gkv_history_find(&trial->history, cookie);
    if (deed != NULL && deed->complete_count == 1) {
        observe_complete(trial, deed, (uint32_t)(cookie - 1));
    }
}

const struct gkv_check gkv_check_quorum = {
    .name = "quorum",
    .demands = "In QUORUM, a get that begins after a set or delete was acknowledged sees "
               "that version or a newer one, and a write that is acknowledged is newer than "
               "all that were acknowledged before it began.",
    .told_mask = GKV_TOLD(GKV_OBSERVE_SUBMIT) | GKV_TOLD_OUTPUT(GKV_OUTPUT_COMPLETE),
    .observe = observe,
};
