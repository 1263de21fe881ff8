#include "sim/check.h"

/* A value that is read was written to that key by a set that had begun, byte for byte; and it is
 * not read once it has expired by every clock in the cluster. */

static void observe(struct gkv_trial *trial, const struct gkv_observation *observation)
{
    if (observation->kind != GKV_OBSERVE_OUTPUT ||
        observation->output->kind != GKV_OUTPUT_COMPLETE) {
        return;
    }
    const struct gkv_result *result = &observation->output->as.result;
    struct gkv_deed *deed = gkv_history_find(&trial->history, result->cookie);
    if (deed == NULL || deed->kind != GKV_OPERATION_GET || result->error != GKV_OK) {
        return;
    }
    const uint32_t writer = gkv_history_writer(&trial->history, deed->key, result->value);
    if (writer == GKV_HISTORY_NONE) {
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "value",
                       "operation %llu read %zu bytes of k%u that nobody wrote",
                       (unsigned long long)result->cookie - 1, result->value.count,
                       (unsigned)deed->key);
        return;
    }
    deed->read = writer;
    const struct gkv_deed *set = &trial->history.deeds[writer];
    /* A set that was answered STALE tries again with a newer version: the older one may be seen. */
    const bool version_fits = set->end_ns == 0 || set->error != GKV_OK ||
                              gkv_version_compare(result->version, set->version) <= 0;
    if (!version_fits) {
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "value",
                       "operation %llu read the value of operation %u under a newer version",
                       (unsigned long long)result->cookie - 1, (unsigned)writer);
    }
    /* The slowest clock that may still hold it to be alive, when the get began. */
    const uint64_t begin_ms = gkv_sim_clock_true_ms(deed->begin_ns);
    if (result->expire_ms != 0 &&
        result->expire_ms + (uint64_t)trial->scenario.skew_ms_max + 1 < begin_ms) {
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "value",
                       "operation %llu read a value of k%u %llu ms after it expired",
                       (unsigned long long)result->cookie - 1, (unsigned)deed->key,
                       (unsigned long long)(begin_ms - result->expire_ms));
    }
    if ((result->expire_ms != 0) != (set->ttl_ms != 0)) {
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "value",
                       "operation %llu read k%u with an expiry that operation %u did not set",
                       (unsigned long long)result->cookie - 1, (unsigned)deed->key,
                       (unsigned)writer);
    }
}

const struct gkv_check gkv_check_value = {.name = "value", .observe = observe};
