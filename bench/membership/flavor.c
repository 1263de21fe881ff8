#include "bench/membership/flavor.h"

#include <math.h>

#include "core/suspicion.h"
#include "io_sim/host.h"

#define NO_REPAIR_MS 3600000
#define SEED_COUNT 3
#define SWIM_PERIOD_MS 2000
#define MEMBERLIST_PERIOD_MS 1000

/* Lifeguard's parts; its buddy rule, too, is one of SWIM's options here. */
#define PART_PROBE 1u
#define PART_SUSPICION 2u
#define PART_BUDDY 4u
#define PART_ALL (PART_PROBE | PART_SUSPICION | PART_BUDDY)

/* And a part of ours. */
#define PART_WITNESS 8u

#define PATIENCE_MS 60000 /* longer than any anomaly */

/* What makes a flavour of memberlist's pace. */
struct lifeguard {
    uint32_t parts;
    uint32_t alpha;
};

static const struct flavor_text {
    const char *name;
    struct lifeguard lifeguard; /* alpha 0: not of memberlist's pace */
} flavors[FLAVOR_COUNT] = {
    [FLAVOR_GRIDKV] = {.name = "GridKV"},
    [FLAVOR_GRIDKV_UNGUARDED] = {.name = "GridKV, patient, no stall guard"},
    [FLAVOR_SWIM] = {.name = "SWIM"},
    [FLAVOR_MEMBERLIST] = {.name = "memberlist", .lifeguard = {PART_ALL, 4}},
    [FLAVOR_LIFEGUARD_NONE] = {.name = "SWIM at 1 s", .lifeguard = {0, 5}},
    [FLAVOR_LIFEGUARD_PROBE] = {.name = "LHA-Probe", .lifeguard = {PART_PROBE, 5}},
    [FLAVOR_LIFEGUARD_SUSPICION] = {.name = "LHA-Suspicion", .lifeguard = {PART_SUSPICION, 5}},
    [FLAVOR_LIFEGUARD_BUDDY] = {.name = "Buddy", .lifeguard = {PART_BUDDY, 5}},
    [FLAVOR_LIFEGUARD] = {.name = "Lifeguard", .lifeguard = {PART_ALL, 5}},
    [FLAVOR_LIFEGUARD_WITNESS] = {.name = "Lifeguard with witnesses",
                                  .lifeguard = {PART_ALL | PART_WITNESS, 5}},
    [FLAVOR_LIFEGUARD_2] = {.name = "Lifeguard alpha 2", .lifeguard = {PART_ALL, 2}},
};

const char *flavor_name(enum flavor flavor)
{
    return flavors[flavor].name;
}

uint64_t flavor_swim_suspicion_ms(uint32_t node_count)
{
    return UINT64_C(3) * SWIM_PERIOD_MS * (uint64_t)ceil(log(node_count + 1));
}

/* Let the shortest suspicion among node_count members take timeout_ms in all: the core adds what
 * news takes to spread (core/suspicion.h). */
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
    options->probe_timeout_ms = 500;
    options->probe_indirect_timeout_ms = options->probe_interval_ms - options->probe_timeout_ms;
}

static void set_parts(struct gkv_options *options, uint32_t parts)
{
    options->health_max = (parts & PART_PROBE) != 0 ? 8 : 1;
    options->suspicion_max_factor = (parts & PART_SUSPICION) != 0 ? 6 : 1;
    options->suspicion_confirmations = (parts & PART_SUSPICION) != 0 ? 3 : 0;
    options->buddy = (parts & PART_BUDDY) != 0 ? 1 : 0;
    options->witness_count = (parts & PART_WITNESS) != 0 ? options->witness_count : 0;
    options->witness_patience_ms = PATIENCE_MS;
    options->last_chance = (parts & PART_WITNESS) != 0 ? 1 : 0;
    options->stall_ms = 0;
    options->startup_grace_ms = 0;
    options->evict_delay_ms = 0;
    options->degraded_window_ms = 0;
}

/* One helper, and no news but on probes. */
static void set_swim(struct gkv_options *options, uint32_t node_count)
{
    options->probe_interval_ms = SWIM_PERIOD_MS;
    set_plain_probes(options);
    set_parts(options, 0);
    options->probe_helpers = 1;
    options->probe_by_stream = 0;
    options->probe_nacks = 0;
    options->gossip_fanout = 0;
    options->push_pull_interval_ms = 3600000;
    set_suspicion(options, node_count, flavor_swim_suspicion_ms(node_count));
}

/* memberlist's pushPullScale: an interval more for each doubling above 32 nodes. */
static uint32_t push_pull_scale(uint32_t node_count)
{
    return node_count <= 32 ? 1 : 1 + (uint32_t)ceil(log2(node_count) - log2(32));
}

/* Suspicion of alpha log10(n) periods, and no less than alpha. NACKs belong to LHA-Probe. */
static void set_lifeguard(struct gkv_options *options, uint32_t node_count,
                          const struct lifeguard *lifeguard)
{
    const double scale = node_count < 10 ? 1 : log10(node_count);
    options->probe_interval_ms = MEMBERLIST_PERIOD_MS;
    set_plain_probes(options);
    set_parts(options, lifeguard->parts);
    options->probe_nacks = (lifeguard->parts & PART_PROBE) != 0 ? 1 : 0;
    options->gossip_interval_ms = 200;
    options->push_pull_interval_ms = 30000 * push_pull_scale(node_count);
    set_suspicion(options, node_count,
                  (uint64_t)lround(scale * lifeguard->alpha * MEMBERLIST_PERIOD_MS));
}

void flavor_options(enum flavor flavor, uint32_t node_count, struct gkv_options *options_out)
{
    gkv_options_init(options_out);
    if (flavor == FLAVOR_GRIDKV_UNGUARDED) {
        options_out->stall_ms = 0;
        options_out->witness_patience_ms = PATIENCE_MS;
    } else if (flavor == FLAVOR_SWIM) {
        set_swim(options_out, node_count);
    } else if (flavors[flavor].lifeguard.alpha > 0) {
        set_lifeguard(options_out, node_count, &flavors[flavor].lifeguard);
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
    const uint64_t each_ms =
        options->gossip_fanout > 0 ? options->gossip_interval_ms : options->probe_interval_ms;
    return (options->startup_grace_ms + tellings * each_ms) * GKV_NS_PER_MS;
}
