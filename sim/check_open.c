#include "sim/check.h"

/* Every operation that a node accepted completes exactly once while that node lives, and no later
 * than its deadline allows. In a quiet cluster with all nodes up, every get is answered and every
 * set succeeds that a store has room for. */

/* How late a deadline may be: a timer may be late, a coarse clock shows it up to a grain too late,
 * and a slow node may be at work on one thing more. Pauses, and slowness since, are counted. */
static uint64_t late_ns(const struct gkv_trial *trial)
{
    return trial->scenario.world.timer_late_ns_max +
           trial->scenario.clock_grain_ms * GKV_NS_PER_MS + GKV_NS_PER_MS;
}

/* How long an operation may have been open by now, that is not over or has just ended. */
static uint64_t may_take_ns(const struct gkv_trial *trial, const struct gkv_deed *deed)
{
    const struct gkv_host *host = &trial->world.hosts[deed->node];
    return trial->scenario.world.node.operation_timeout_ms * GKV_NS_PER_MS + late_ns(trial) +
           (host->pause_total_ns - deed->pause_before_ns); /* a paused node keeps no deadline */
}

static void observe(struct gkv_trial *trial, const struct gkv_observation *observation)
{
    if (observation->kind != GKV_OBSERVE_OUTPUT ||
        observation->output->kind != GKV_OUTPUT_COMPLETE) {
        return;
    }
    const struct gkv_result *result = &observation->output->as.result;
    const struct gkv_host *host = &trial->world.hosts[observation->node];
    trial->tally.counts[GKV_HOLDS_ONCE]++;
    const struct gkv_deed *deed = gkv_history_find(&trial->history, result->cookie);
    if (deed == NULL || deed->node != observation->node || deed->life != host->life_count) {
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "open", "completed an operation nobody asked: %llu",
                       (unsigned long long)result->cookie);
        return;
    }
    if (deed->complete_count > 1) {
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "open", "operation %llu completed %u times",
                       (unsigned long long)result->cookie - 1, (unsigned)deed->complete_count);
        return;
    }
    const uint64_t took_ns = deed->end_ns - deed->begin_ns;
    trial->tally.counts[GKV_HOLDS_IN_TIME]++;
    if (took_ns > may_take_ns(trial, deed)) {
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "open", "operation %llu took %llu ms",
                       (unsigned long long)result->cookie - 1,
                       (unsigned long long)(took_ns / GKV_NS_PER_MS));
    }
    if (result->error == GKV_ERROR_MEMORY && trial->scenario.evicts) {
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "open", "operation %llu found no room in a cache",
                       (unsigned long long)result->cookie - 1);
        return;
    }
    /* Who left unheard owns keys for ever, and answers for none. */
    const bool is_complete = !gkv_nodes_meet(&trial->left, &trial->ring);
    if (trial->phase != GKV_PHASE_READ || !trial->scenario.expects_answers || !is_complete) {
        return;
    }
    trial->tally.counts[GKV_HOLDS_ANSWERED]++;
    const bool is_get = deed->kind == GKV_OPERATION_GET;
    const bool is_answered = result->error == GKV_OK ||
                             (is_get && result->error == GKV_ERROR_NOT_FOUND) ||
                             (!is_get && trial->scenario.may_be_full && !trial->scenario.evicts);
    if (!is_answered) {
        gkv_trial_fail(trial, GKV_TRIAL_LIVENESS, "open",
                       "operation %llu, a %s of k%u in the quiet cluster, ended in %s",
                       (unsigned long long)result->cookie - 1, is_get ? "get" : "set",
                       (unsigned)deed->key, gkv_error_name(result->error));
    }
}

static bool settle(struct gkv_trial *trial, char *why, size_t why_bytes)
{
    (void)why;
    (void)why_bytes;
    return trial->history.open_count == 0;
}

/* Nothing is still open that should be over by now, in whatever state the cluster is. */
static void finish(struct gkv_trial *trial)
{
    for (uint32_t i = 0; i < trial->history.count; i++) {
        const struct gkv_deed *deed = &trial->history.deeds[i];
        const struct gkv_host *host = &trial->world.hosts[deed->node];
        if (deed->end_ns != 0 || !host->is_up || host->life_count != deed->life) {
            continue;
        }
        const uint64_t open_ns = trial->world.now_ns - deed->begin_ns;
        trial->tally.counts[GKV_HOLDS_STILL_OPEN]++;
        if (open_ns > may_take_ns(trial, deed)) {
            gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "open",
                           "operation %u has been open for %llu ms, and its node lives",
                           (unsigned)i, (unsigned long long)(open_ns / GKV_NS_PER_MS));
        }
    }
}

const struct gkv_check gkv_check_open = {
    .name = "open",
    .demands = "Each operation completes once while its node lives, no later than its "
               "timeout; no set finds a cache full; in the quiet cluster at the end every "
               "get is answered and every set succeeds.",
    .told_mask = GKV_TOLD_OUTPUT(GKV_OUTPUT_COMPLETE),
    .observe = observe,
    .settle = settle,
    .finish = finish,
};
