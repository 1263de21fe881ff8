#include "sim/check.h"

/* A set in READ, on a quiet network where all are settled, is at all its live owners soon after it
 * was acknowledged, whatever W: its coordinator sends it to all of them at once, and anti-entropy
 * is not what makes the copies. "Soon" is a few times the calm network's way, and less than the
 * soonest round of anti-entropy; what was written in place is sent a millisecond later, by the
 * node's clock and when its timer comes, and its slot may have to be offered. Not asked where
 * windows are small, clocks broken, or stores full. */

#define SOON_NS (40 * GKV_NS_PER_MS)

static uint64_t soon_ns(const struct gkv_trial *trial)
{
    const struct gkv_scenario *scenario = &trial->scenario;
    const uint64_t grain_ns = scenario->clock_grain_ms * GKV_NS_PER_MS;
    const uint64_t late_ns = GKV_NS_PER_MS + 2 * grain_ns + scenario->world.timer_late_ns_max;
    return SOON_NS + (scenario->world.in_place_ppm == 0 ? 0 : late_ns);
}

static void check_copies(struct gkv_trial *trial, uint32_t number)
{
    const struct gkv_deed *deed = &trial->history.deeds[number];
    uint8_t owners[GKV_REPLICA_COUNT_MAX];
    const uint32_t owner_count = gkv_owners_of(trial, deed->key, owners);
    for (uint32_t i = 0; i < owner_count; i++) {
        struct gkv_record record = {.version = {.writer = 0}};
        if (!gkv_check_is_core(trial, owners[i])) {
            continue;
        }
        trial->tally.counts[GKV_HOLDS_COPIED]++;
        if (!gkv_check_holds(trial, owners[i], deed->key, &record) ||
            gkv_version_compare(record.version, deed->version) < 0) {
            trial->verdict.key = deed->key;
            gkv_trial_fail(
                trial, GKV_TRIAL_SAFETY, "copies",
                "operation %u wrote k%u on a quiet network, and %llu ms after it was "
                "acknowledged %s, an owner, does not hold it",
                (unsigned)number, (unsigned)deed->key,
                (unsigned long long)((trial->world.now_ns - deed->end_ns) / GKV_NS_PER_MS),
                gkv_host_text(owners[i]).text);
        }
    }
}

static bool is_asked(const struct gkv_trial *trial)
{
    return trial->phase == GKV_PHASE_READ && trial->scenario.world.window_bytes == 0 &&
           trial->scenario.world.receive_bytes_max == 0 && !trial->scenario.may_be_full &&
           trial->scenario.skew_ms_max <= GKV_SCENARIO_SKEW_MS_MAX;
}

static void observe(struct gkv_trial *trial, const struct gkv_observation *observation)
{
    struct gkv_copies_watch *watch = &trial->copies_watch;
    while (watch->first != watch->count) {
        const uint32_t number = watch->numbers[watch->first % GKV_COPIES_COUNT];
        if (observation->time_ns < trial->history.deeds[number].end_ns + soon_ns(trial)) {
            break;
        }
        watch->first++;
        check_copies(trial, number);
    }
    if (observation->kind != GKV_OBSERVE_OUTPUT ||
        observation->output->kind != GKV_OUTPUT_COMPLETE || !is_asked(trial)) {
        return;
    }
    const struct gkv_result *result = &observation->output->as.result;
    const struct gkv_deed *deed = gkv_history_find(&trial->history, result->cookie);
    if (deed == NULL || deed->kind == GKV_OPERATION_GET || deed->complete_count != 1 ||
        result->error != GKV_OK) {
        return;
    }
    if (watch->count - watch->first == GKV_COPIES_COUNT) {
        gkv_watch_no_room(trial, "sets in READ");
    } else {
        watch->numbers[watch->count % GKV_COPIES_COUNT] = (uint32_t)(result->cookie - 1);
        watch->count++;
    }
}

const struct gkv_check gkv_check_copies = {
    .name = "copies",
    .demands =
        "On a quiet network an acknowledged set is at all its owners at once, not only at W.",
    .observe = observe,
};
