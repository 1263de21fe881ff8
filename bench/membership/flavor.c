#include "bench/membership/flavor.h"

#include <math.h>

#include "core/suspicion.h"
#include "io_sim/host.h"

#define NO_REPAIR_MS 3600000
#define SEED_COUNT 3

const char *flavor_name(enum flavor flavor)
{
    static const char *const names[] = {"GridKV", "SWIM", "memberlist"};
    return names[flavor];
}

uint32_t flavor_ceil_ln(uint32_t number)
{
    return (uint32_t)ceil(log(number));
}

/* Let a suspicion among node_count members take timeout_ms in all: the core adds what news takes to
 * spread (core/suspicion.h). */
static void set_suspicion(struct gkv_options *options, uint32_t node_count, uint64_t timeout_ms)
{
    options->suspicion_timeout_ms = 0;
    const uint64_t added_ms =
        gkv_suspicion_timeout_ns(options, (uint16_t)node_count) / GKV_NS_PER_MS;
    options->suspicion_timeout_ms =
        timeout_ms > added_ms + 10 ? (uint32_t)(timeout_ms - added_ms) : 10;
}

/* One member per period, pinged once; helpers have until the period is over. */
static void set_plain_probes(struct gkv_options *options)
{
    options->probe_targets = 1;
    options->probe_repeat_ms = 0;
    options->probe_indirect_timeout_ms = options->probe_interval_ms - options->probe_timeout_ms;
}

/* The period, the direct and the whole probe, and suspicion of 3 ceil(ln(n + 1)) periods. */
static void set_swim(struct gkv_options *options, uint32_t node_count)
{
    options->probe_interval_ms = 2000;
    options->probe_timeout_ms = 500;
    set_plain_probes(options);
    options->health_max = 1;
    options->suspicion_max_factor = 1;
    options->suspicion_confirmations = 0;
    options->buddy = 0;
    options->probe_by_stream = 0;
    options->probe_nacks = 0;
    options->gossip_interval_ms = 60000; /* rumours ride on probes before it comes round */
    options->push_pull_interval_ms = 3600000;
    set_suspicion(options, node_count, UINT64_C(2000) * 3 * flavor_ceil_ln(node_count + 1));
}

/* memberlist's pushPullScale: an interval more for each doubling above 32 nodes. */
static uint32_t push_pull_scale(uint32_t node_count)
{
    return node_count <= 32 ? 1 : 1 + (uint32_t)ceil(log2(node_count) - log2(32));
}

/* SuspicionMult 4, and the nodes' logarithm; no less than one interval's worth. */
static void set_memberlist(struct gkv_options *options, uint32_t node_count)
{
    const uint64_t scale_milli =
        node_count < 10 ? 1000 : (uint64_t)lround(1000 * log10(node_count));
    options->probe_interval_ms = 1000;
    options->probe_timeout_ms = 500;
    set_plain_probes(options);
    options->gossip_interval_ms = 200;
    options->push_pull_interval_ms = 30000 * push_pull_scale(node_count);
    set_suspicion(options, node_count, 4 * scale_milli);
}

void flavor_options(enum flavor flavor, uint32_t node_count, struct gkv_options *options_out)
{
    gkv_options_init(options_out);
    if (flavor == FLAVOR_SWIM) {
        set_swim(options_out, node_count);
    } else if (flavor == FLAVOR_MEMBERLIST) {
        set_memberlist(options_out, node_count);
    }
    options_out->memory_limit_bytes = GKV_STORE_BYTES_MIN;
    options_out->value_bytes_max = 1;
    options_out->operation_count_max = 1;
    options_out->operation_memory_bytes = UINT64_C(64) * 1024;
    options_out->sync_interval_ms = NO_REPAIR_MS;
    options_out->member_count_max = node_count;
    for (uint32_t i = 0; i < SEED_COUNT && i < node_count; i++) {
        options_out->seeds[options_out->seed_count++] = gkv_host_address(i);
    }
}

uint64_t flavor_settle_ns(const struct gkv_options *options)
{
    const uint64_t tellings = 20;
    uint64_t each_ms = options->gossip_interval_ms;
    each_ms = each_ms < options->probe_interval_ms ? each_ms : options->probe_interval_ms;
    return tellings * each_ms * GKV_NS_PER_MS;
}
