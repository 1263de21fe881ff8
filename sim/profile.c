#include "sim/profile.h"

#include <string.h>

#include "core/panic.h"
#include "sim/family.h"
#include "sim/scenario.h"

#define MS GKV_NS_PER_MS

static void limit32(uint32_t *value, uint32_t most)
{
    *value = *value < most ? *value : most;
}

static void shape_lite(struct gkv_scenario *scenario)
{
    struct gkv_options *options = &scenario->world.node;
    scenario->node_count = 3;
    limit32(&options->replica_count, 3);
    limit32(&options->write_quorum, options->replica_count);
    limit32(&options->read_quorum, options->replica_count);
    limit32(&scenario->late_count, 1);
    if (options->replica_count == 3) {
        scenario->has_leave = false;
    }
    limit32(&scenario->operation_count, 150);
    limit32(&scenario->key_count, 30);
    limit32(&scenario->hot_key_count, scenario->key_count);
    if (scenario->work_ns > 1000 * MS) {
        scenario->work_ns = 1000 * MS;
    }
}

static void shape_measure(struct gkv_scenario *scenario)
{
    struct gkv_options *options = &scenario->world.node;
    gkv_family_switch_off(scenario, UINT64_MAX);
    scenario->node_count = 5;
    options->level = GKV_LEVEL_QUORUM;
    options->replica_count = 3;
    options->write_quorum = 2;
    options->read_quorum = 2;
    scenario->repairs_by_read = false;
    options->probe_interval_ms = 200;
    options->probe_timeout_ms = 80;
    options->suspicion_timeout_ms = 600;
    options->gossip_interval_ms = 50;
    options->sync_interval_ms = 1000;
    options->operation_timeout_ms = 2000;
    scenario->link.latency_ns = MS;
    scenario->client_count = 4;
    scenario->key_count = 100;
    scenario->hot_key_count = 4;
    scenario->operation_count = 2000;
    scenario->work_ns = 120000 * MS;
    scenario->think_ns_max = 480 * MS; /* four clients: 2,000 operations in 120 s */
}

/* The same cluster with hardly anything to do. */
static void shape_light(struct gkv_scenario *scenario)
{
    struct gkv_options *options = &scenario->world.node;
    shape_measure(scenario);
    options->probe_interval_ms = 1000;
    options->probe_timeout_ms = 400;
    options->suspicion_timeout_ms = 3000;
    options->gossip_interval_ms = 1000;
    options->sync_interval_ms = 10000;
    scenario->client_count = 1;
    scenario->operation_count = 20;
    scenario->think_ns_max = 12000 * MS;
}

static const struct {
    const char *name;
    const char *text;
    void (*shape)(struct gkv_scenario *scenario); /* NULL: as drawn */
} profiles[GKV_PROFILE_COUNT] = {
    [GKV_PROFILE_SWARM] = {"swarm", "every seed something else", NULL},
    [GKV_PROFILE_LITE] = {"lite", "3 nodes, 150 operations, 1 s of work", shape_lite},
    [GKV_PROFILE_MEASURE] = {"measure", "5 nodes, 2,000 operations, 120 s, no faults",
                             shape_measure},
    [GKV_PROFILE_LIGHT] = {"light", "the same with 20 operations, gossiping once a second",
                           shape_light},
};

const char *gkv_profile_name(enum gkv_profile profile)
{
    GKV_ASSERT((uint32_t)profile < GKV_PROFILE_COUNT);
    return profiles[profile].name;
}

const char *gkv_profile_text(enum gkv_profile profile)
{
    GKV_ASSERT((uint32_t)profile < GKV_PROFILE_COUNT);
    return profiles[profile].text;
}

enum gkv_profile gkv_profile_find(const char *name)
{
    uint32_t number = 0;
    while (number < GKV_PROFILE_COUNT && strcmp(profiles[number].name, name) != 0) {
        number++;
    }
    return (enum gkv_profile)number;
}

void gkv_profile_shape(struct gkv_scenario *scenario, enum gkv_profile profile)
{
    GKV_ASSERT((uint32_t)profile < GKV_PROFILE_COUNT);
    if (profiles[profile].shape != NULL) {
        profiles[profile].shape(scenario);
    }
}
