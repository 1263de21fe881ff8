#include "sim/check.h"

/* A value that is read was written to that key by a set that had begun, byte for byte, and that did
 * not fail for certain, neither before the get nor after it; and it is not read once it has expired
 * by every clock in the cluster. */

static void fail_seen(struct gkv_trial *trial, uint32_t get, uint32_t writer)
{
    trial->verdict.key = trial->history.deeds[writer].key;
    gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "value",
                   "operation %u read the value of operation %u, which was told %s: not in doubt",
                   (unsigned)get, (unsigned)writer,
                   gkv_error_name(trial->history.deeds[writer].error));
}

static void check_written(struct gkv_trial *trial, const struct gkv_result *result, uint32_t writer)
{
    struct gkv_deed *set = &trial->history.deeds[writer];
    const uint32_t get = (uint32_t)(result->cookie - 1);
    set->seen_by = get;
    if (set->end_ns == 0) {
        return;
    }
    trial->tally.counts[GKV_HOLDS_NOT_FAILED]++;
    if (gkv_history_has_failed(set)) {
        fail_seen(trial, get, writer);
    }
    /* A set that was answered STALE tries again with a newer version: the older one may be seen. */
    trial->tally.counts[GKV_HOLDS_VERSION] += set->error == GKV_OK;
    if (set->error == GKV_OK && gkv_version_compare(result->version, set->version) > 0) {
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "value",
                       "operation %u read the value of operation %u under a newer version",
                       (unsigned)get, (unsigned)writer);
    }
}

static void check_expiry(struct gkv_trial *trial, const struct gkv_result *result, uint32_t writer)
{
    const struct gkv_deed *set = &trial->history.deeds[writer];
    const struct gkv_deed *get = gkv_history_find(&trial->history, result->cookie);
    if ((result->expire_ms != 0) != (set->ttl_ms != 0)) {
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "value",
                       "operation %llu read k%u with an expiry that operation %u did not set",
                       (unsigned long long)result->cookie - 1, (unsigned)get->key,
                       (unsigned)writer);
    }
    if (result->expire_ms == 0) {
        return;
    }
    /* The slowest clock that may still hold it to be alive, when the get began. */
    const uint64_t begin_ms = gkv_sim_clock_true_ms(get->begin_ns);
    trial->tally.counts[GKV_HOLDS_NOT_EXPIRED]++;
    if (result->expire_ms + (uint64_t)trial->scenario.skew_ms_max + 1 < begin_ms) {
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "value",
                       "operation %llu read a value of k%u %llu ms after it expired",
                       (unsigned long long)result->cookie - 1, (unsigned)get->key,
                       (unsigned long long)(begin_ms - result->expire_ms));
    }
}

/* How far back a value that should be there is looked for. */
#define KEPT_DEED_COUNT 64

/* A key that is not found under the version of an acknowledged set: was it time? */
static void check_kept(struct gkv_trial *trial, const struct gkv_result *result)
{
    const struct gkv_deed *get = gkv_history_find(&trial->history, result->cookie);
    const uint64_t skew_ms = (uint64_t)trial->scenario.skew_ms_max;
    uint32_t number = get->before;
    for (uint32_t i = 0; i < KEPT_DEED_COUNT && number != GKV_HISTORY_NONE; i++) {
        const struct gkv_deed *set = &trial->history.deeds[number];
        const bool is_it = set->kind == GKV_OPERATION_SET && set->end_ns != 0 &&
                           set->error == GKV_OK &&
                           gkv_version_compare(set->version, result->version) == 0;
        if (!is_it) {
            number = set->before;
            continue;
        }
        /* The fastest clock has come to where the slowest one's owner wanted it to end. */
        const uint64_t latest_ms = gkv_sim_clock_true_ms(get->end_ns) + skew_ms + 1;
        const uint64_t expire_ms = gkv_sim_clock_true_ms(set->begin_ns) - skew_ms + set->ttl_ms;
        trial->tally.counts[GKV_HOLDS_KEPT]++;
        if (set->ttl_ms == 0 || latest_ms < expire_ms) {
            trial->verdict.key = get->key;
            gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "value",
                           "operation %llu did not find k%u, at the very version that operation %u "
                           "wrote, with a ttl of %llu ms",
                           (unsigned long long)result->cookie - 1, (unsigned)get->key,
                           (unsigned)number, (unsigned long long)set->ttl_ms);
        }
        return;
    }
}

static void observe(struct gkv_trial *trial, const struct gkv_observation *observation)
{
    if (observation->kind != GKV_OBSERVE_OUTPUT ||
        observation->output->kind != GKV_OUTPUT_COMPLETE) {
        return;
    }
    const struct gkv_result *result = &observation->output->as.result;
    struct gkv_deed *deed = gkv_history_find(&trial->history, result->cookie);
    if (deed == NULL) {
        return;
    }
    if (deed->kind == GKV_OPERATION_SET && deed->seen_by != GKV_HISTORY_NONE &&
        gkv_history_has_failed(deed)) {
        fail_seen(trial, deed->seen_by, (uint32_t)(result->cookie - 1));
    }
    if (deed->kind == GKV_OPERATION_GET && result->error == GKV_ERROR_NOT_FOUND) {
        check_kept(trial, result);
    }
    if (deed->kind != GKV_OPERATION_GET || result->error != GKV_OK) {
        return;
    }
    trial->tally.counts[GKV_HOLDS_WRITTEN]++;
    const uint32_t writer = gkv_history_writer(&trial->history, deed->key, result->value);
    if (writer == GKV_HISTORY_NONE) {
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "value",
                       "operation %llu read %zu bytes of k%u that nobody wrote",
                       (unsigned long long)result->cookie - 1, result->value.count,
                       (unsigned)deed->key);
        return;
    }
    deed->read = writer;
    check_written(trial, result, writer);
    check_expiry(trial, result, writer);
}

const struct gkv_check gkv_check_value = {
    .name = "value",
    .demands = "A value that is read was written to that key, byte for byte, by a set that "
               "was not told a definite failure, and its time is not over.",
    .told_mask = GKV_TOLD_OUTPUT(GKV_OUTPUT_COMPLETE),
    .observe = observe,
};
