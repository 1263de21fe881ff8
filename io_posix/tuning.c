#include "io_posix/tuning.h"

#include <string.h>

struct knob {
    size_t option;
    size_t core;
    const char *option_name;
    const char *core_name;
};

#define KNOB(given, taken)                                                                     \
    {                                                                                          \
        offsetof(struct gridkv_options, given), offsetof(struct gkv_options, taken), (#given), \
            (#taken)                                                                           \
    }

static const struct knob knobs[] = {
    KNOB(operation_timeout_ms, operation_timeout_ms),
    KNOB(gossip_interval_ms, gossip_interval_ms),
    KNOB(failure_timeout_ms, suspicion_timeout_ms),
    KNOB(suspect_timeout_ms, evict_delay_ms),
    KNOB(startup_grace_period_ms, startup_grace_ms),
    KNOB(degraded_window_ms, degraded_window_ms),
    KNOB(degraded_evict_ms, degraded_evict_ms),
    KNOB(leave_ms, leave_ms),
    KNOB(left_keep_ms, left_keep_ms),
    KNOB(probe_interval_ms, probe_interval_ms),
    KNOB(probe_timeout_ms, probe_timeout_ms),
    KNOB(probe_repeat_ms, probe_repeat_ms),
    KNOB(probe_indirect_timeout_ms, probe_indirect_timeout_ms),
    KNOB(push_pull_interval_ms, push_pull_interval_ms),
    KNOB(reconnect_interval_ms, reconnect_interval_ms),
    KNOB(reconnect_max_ms, reconnect_max_ms),
    KNOB(stall_ms, stall_ms),
    KNOB(witness_patience_ms, witness_patience_ms),
    KNOB(sync_interval_ms, sync_interval_ms),
    KNOB(tombstone_keep_ms, tombstone_keep_ms),
    KNOB(drift_ms_max, drift_ms_max),
    KNOB(probe_targets, probe_targets),
    KNOB(probe_helpers, probe_helpers),
    KNOB(probe_by_stream, probe_by_stream),
    KNOB(probe_nacks, probe_nacks),
    KNOB(gossip_fanout, gossip_fanout),
    KNOB(health_max, health_max),
    KNOB(suspicion_max_factor, suspicion_max_factor),
    KNOB(suspicion_confirmations, suspicion_confirmations),
    KNOB(witness_count, witness_count),
    KNOB(last_chance, last_chance),
    KNOB(buddy, buddy),
    KNOB(read_repair_per_second_max, read_repair_per_second_max),
};

#define KNOB_COUNT (sizeof(knobs) / sizeof(knobs[0]))

void gkv_tuning_take(struct gkv_options *core, const struct gridkv_options *options)
{
    for (size_t i = 0; i < KNOB_COUNT; i++) {
        uint32_t given = 0;
        memcpy(&given, (const uint8_t *)options + knobs[i].option, sizeof(given));
        if (given != 0) {
            given = given == GRIDKV_NONE ? 0 : given;
            memcpy((uint8_t *)core + knobs[i].core, &given, sizeof(given));
        }
    }
}

const char *gkv_tuning_name(const char *reason, const char **rest_out)
{
    *rest_out = reason;
    for (size_t i = 0; i < KNOB_COUNT; i++) {
        const size_t count = strlen(knobs[i].core_name);
        if (strncmp(reason, knobs[i].core_name, count) == 0 && reason[count] == ' ') {
            *rest_out = reason + count;
            return knobs[i].option_name;
        }
    }
    return "";
}
