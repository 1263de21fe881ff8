#include "sim/check.h"

#include "sim/forgetting.h"

/* Session guarantees (Terry et al. 1994), per client and key. Read your writes: a get returns no
 * version older than the client's own acknowledged writes. Monotonic reads: none older than the
 * client's own earlier gets returned.
 *
 * QUORUM promises the first, where no memory is lost and the ring stands still, whichever nodes the
 * client asks. It does not promise the second: a get may see a write that is still under way, or in
 * doubt, and the next one not. What is not promised is counted: how often it was asked, and how
 * often it did not hold. */

static bool is_answer(const struct gkv_deed *deed)
{
    return deed->error == GKV_OK || deed->error == GKV_ERROR_NOT_FOUND;
}

static void check_get(struct gkv_trial *trial, const struct gkv_deed *deed, uint32_t number)
{
    uint64_t *counts = trial->tally.counts;
    const struct gkv_version written = trial->session_watch.written[deed->client][deed->key];
    struct gkv_version *seen = &trial->session_watch.seen[deed->client][deed->key];
    const bool misses_own = gkv_version_compare(deed->version, written) < 0 &&
                            !gkv_forgetting_may_miss(trial, deed, written);
    const bool goes_back = gkv_version_compare(deed->version, *seen) < 0;
    counts[GKV_HOLDS_SESSION_OWN] += !gkv_version_is_none(written);
    counts[GKV_MET_SESSION_NOT_OWN] += misses_own;
    counts[GKV_HOLDS_SESSION_MONOTONIC] += !gkv_version_is_none(*seen);
    counts[GKV_MET_SESSION_BACK] += goes_back;
    if (misses_own && trial->scenario.checks_quorum) {
        trial->verdict.key = deed->key;
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "session",
                       "operation %u: client %u read k%u at version %s, older than its own "
                       "write %s",
                       (unsigned)number, (unsigned)deed->client, (unsigned)deed->key,
                       gkv_history_version(deed->version).text, gkv_history_version(written).text);
    }
    if (gkv_version_compare(deed->version, *seen) > 0) {
        *seen = deed->version;
    }
}

static void observe(struct gkv_trial *trial, const struct gkv_observation *observation)
{
    if (observation->kind != GKV_OBSERVE_OUTPUT ||
        observation->output->kind != GKV_OUTPUT_COMPLETE) {
        return;
    }
    const uint64_t cookie = observation->output->as.result.cookie;
    const struct gkv_deed *deed = gkv_history_find(&trial->history, cookie);
    if (deed == NULL || deed->complete_count != 1) {
        return;
    }
    if (deed->kind == GKV_OPERATION_GET) {
        if (is_answer(deed)) {
            check_get(trial, deed, (uint32_t)(cookie - 1));
        }
    } else if (deed->error == GKV_OK) {
        struct gkv_version *written = &trial->session_watch.written[deed->client][deed->key];
        if (gkv_version_compare(deed->version, *written) > 0) {
            *written = deed->version;
        }
    }
}

const struct gkv_check gkv_check_session = {
    .name = "session",
    .demands = "In QUORUM, a client that was told OK for a write reads that version or a newer "
               "one, at whichever node it asks.",
    .told_mask = GKV_TOLD_OUTPUT(GKV_OUTPUT_COMPLETE),
    .observe = observe,
};
