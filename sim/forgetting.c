#include "sim/forgetting.h"

#define SWEEP_COUNT 64 /* until a store has been gone over: core/node.c */
#define SWEEP_MS 100
#define SLACK_MS 3000 /* for what is under way, and for nodes that were paused */

/* Does the fastest clock show that both are over keep_ms old? */
static bool is_old(const struct gkv_trial *trial, struct gkv_version version, uint64_t expire_ms)
{
    const uint64_t keep_ms = trial->scenario.world.node.tombstone_keep_ms;
    const uint64_t now_ms =
        gkv_sim_clock_true_ms(trial->world.now_ns) + (uint64_t)trial->scenario.skew_ms_max + 1;
    const uint64_t stamp_ms = gkv_hlc_ms(version.hlc);
    const uint64_t end_ms = stamp_ms > expire_ms ? stamp_ms : expire_ms;
    return now_ms > keep_ms && end_ms < now_ms - keep_ms;
}

bool gkv_forgetting_has_begun(const struct gkv_trial *trial, const struct gkv_record *record)
{
    return (record->is_tombstone || record->expire_ms != 0) &&
           is_old(trial, record->version, record->expire_ms);
}

/* May every trace of this deed be gone by now, it being at or above a version? What was not told OK
 * may have happened all the same, under any version from when it began. */
static bool is_forgettable(const struct gkv_trial *trial, const struct gkv_deed *deed,
                           struct gkv_version version)
{
    const bool is_known = deed->end_ns != 0 && deed->error == GKV_OK;
    const bool is_above = !is_known || gkv_version_compare(deed->version, version) >= 0;
    const bool ends = deed->kind == GKV_OPERATION_DELETE || deed->ttl_ms != 0;
    if (!is_above || !ends || deed->kind == GKV_OPERATION_GET || gkv_history_has_failed(deed)) {
        return false;
    }
    /* Stamps and expiries are no sooner than the slowest clock made them. */
    const uint64_t begin_ms =
        gkv_sim_clock_true_ms(deed->begin_ns) - (uint64_t)trial->scenario.skew_ms_max;
    const struct gkv_version none = {.writer = 0};
    return is_old(trial, is_known ? deed->version : none, begin_ms + deed->ttl_ms);
}

bool gkv_forgetting_is_allowed(const struct gkv_trial *trial, uint32_t key,
                               struct gkv_version version)
{
    const uint32_t last_count = trial->history.last_count[key];
    uint32_t number = last_count == 0 ? GKV_HISTORY_NONE : last_count - 1;
    while (number != GKV_HISTORY_NONE &&
           !is_forgettable(trial, &trial->history.deeds[number], version)) {
        number = trial->history.deeds[number].before;
    }
    return number != GKV_HISTORY_NONE;
}

bool gkv_forgetting_may_miss(const struct gkv_trial *trial, const struct gkv_deed *get,
                             struct gkv_version version)
{
    return get->error == GKV_ERROR_NOT_FOUND && gkv_version_is_none(get->version) &&
           gkv_forgetting_is_allowed(trial, get->key, version);
}

/* From when a sweep may drop a record until it is gone for certain. */
static uint64_t sweep_ms(const struct gkv_scenario *scenario)
{
    const uint64_t late_ms =
        scenario->world.timer_late_ns_max / GKV_NS_PER_MS + 2 * scenario->clock_grain_ms + 1;
    return SWEEP_COUNT * (SWEEP_MS + late_ms) + SLACK_MS;
}

bool gkv_forgetting_is_overdue(const struct gkv_trial *trial, uint32_t key,
                               const struct gkv_record *record)
{
    const struct gkv_scenario *scenario = &trial->scenario;
    const uint32_t last_count = trial->history.last_count[key];
    if ((!record->is_tombstone && record->expire_ms == 0) || last_count == 0) {
        return false;
    }
    const uint64_t stamp_ms = gkv_hlc_ms(record->version.hlc);
    const uint64_t end_ms = stamp_ms > record->expire_ms ? stamp_ms : record->expire_ms;
    const uint64_t forget_ms = end_ms + scenario->world.node.tombstone_keep_ms;
    const uint64_t asked_ms = gkv_sim_clock_true_ms(trial->history.deeds[last_count - 1].begin_ns) +
                              scenario->world.node.operation_timeout_ms;
    const uint64_t due_ms = (forget_ms > asked_ms ? forget_ms : asked_ms) + sweep_ms(scenario);
    const uint64_t slowest_ms =
        gkv_sim_clock_true_ms(trial->world.now_ns) - (uint64_t)scenario->skew_ms_max;
    return due_ms < slowest_ms;
}

uint64_t gkv_forgetting_wait_ns(const struct gkv_scenario *scenario)
{
    const uint64_t wait_ms = scenario->world.node.operation_timeout_ms + scenario->ttl_ms_max +
                             scenario->short_keep_ms + sweep_ms(scenario) +
                             2 * (uint64_t)scenario->skew_ms_max;
    return scenario->short_keep_ms == 0 ? 0 : wait_ms * GKV_NS_PER_MS;
}
