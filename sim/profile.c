#include "sim/profile.h"

#include <string.h>

#include "core/panic.h"
#include "sim/family.h"
#include "sim/history.h"
#include "sim/scenario.h"
#include "sim/scenario_parts.h"

#define MS GKV_NS_PER_MS
#define SOAK_NODE_COUNT_MIN 7
#define WIDE_NODE_COUNT_MIN 64
#define WIDE_NODE_COUNT_USUAL 128 /* at most, but for WIDE_VAST_PERCENT */
#define WIDE_VAST_PERCENT 20
#define WIDE_PROBE_MS_MIN 100
#define WIDE_NODE_COUNT_WRITING 96 /* at most, where values are written */

static void limit32(uint32_t *value, uint32_t most)
{
    *value = *value < most ? *value : most;
}

static void at_most(uint64_t *value, uint64_t most)
{
    *value = *value < most ? *value : most;
}

static void shape_lite(struct gkv_scenario *scenario, struct gkv_choice *choice)
{
    (void)choice;
    struct gkv_options *options = &scenario->world.node;
    scenario->node_count = 3;
    limit32(&options->replica_count, 3);
    limit32(&options->write_quorum, options->replica_count);
    limit32(&options->read_quorum, options->replica_count);
    limit32(&scenario->late_count, 1);
    if (options->replica_count == 3) {
        gkv_family_switch_off(scenario, gkv_family_bit(GKV_FAMILY_LEAVING));
    }
    limit32(&scenario->operation_count, 150);
    limit32(&scenario->key_count, 30);
    limit32(&scenario->hot_key_count, scenario->key_count);
    at_most(&scenario->work_ns, 1000 * MS);
}

/* Switch most families on that recur. */
static void add_faults(struct gkv_scenario *scenario, struct gkv_choice *choice, uint32_t percent)
{
    static const enum gkv_family recurring[] = {
        GKV_FAMILY_CUTS,  GKV_FAMILY_CRASHES,  GKV_FAMILY_BLACKOUTS,  GKV_FAMILY_KEY_CRASHES,
        GKV_FAMILY_ROLLS, GKV_FAMILY_PAUSES,   GKV_FAMILY_STALLS,     GKV_FAMILY_RESETS,
        GKV_FAMILY_SKEW,  GKV_FAMILY_SLOWNESS, GKV_FAMILY_HALF_OPENS,
    };
    for (size_t i = 0; i < sizeof(recurring) / sizeof(recurring[0]); i++) {
        if (gkv_choose_percent(choice, "profile.family", percent)) {
            gkv_family_draw_on(scenario, choice, recurring[i]);
        }
    }
}

static void shape_hostile(struct gkv_scenario *scenario, struct gkv_choice *choice)
{
    add_faults(scenario, choice, 60);
    scenario->down_count_max = GKV_SCENARIO_NODE_COUNT_MAX;
    scenario->cuts_overlap = true;
    scenario->is_safety_only = true;
}

static void shape_live(struct gkv_scenario *scenario, struct gkv_choice *choice)
{
    add_faults(scenario, choice, 40);
    struct gkv_recurrence *const recurring[] = {
        &scenario->cuts,        &scenario->crashes, &scenario->blackouts, &scenario->stalls,
        &scenario->key_crashes, &scenario->pauses,  &scenario->slowness,  &scenario->half_opens,
    };
    for (size_t i = 0; i < sizeof(recurring) / sizeof(recurring[0]); i++) {
        at_most(&recurring[i]->every_ns, 150 * MS);
    }
    at_most(&scenario->work_ns, 2000 * MS);
    limit32(&scenario->operation_count, 300);
}

/* Membership in a large cluster. Most seeds only read: one owner finds what it lacks with another
 * when it happens to ask that one of all, and that takes long with so many. */
static void shape_wide(struct gkv_scenario *scenario, struct gkv_choice *choice)
{
    struct gkv_options *options = &scenario->world.node;
    /* What all tell of all grows with the square of their number. */
    const bool is_vast = gkv_choose_percent(choice, "profile.is_vast", WIDE_VAST_PERCENT);
    scenario->node_count =
        gkv_choose_log32(choice, "profile.nodes", WIDE_NODE_COUNT_MIN,
                         is_vast ? GKV_SCENARIO_NODE_COUNT_MAX : WIDE_NODE_COUNT_USUAL);
    if (options->probe_interval_ms < WIDE_PROBE_MS_MIN) { /* news would never come to rest */
        gkv_options_profile(options, GKV_OPTIONS_LAN);
    }
    scenario->repairs_by_read = false;
    if (gkv_choose_percent(choice, "profile.reads", 75)) {
        scenario->mix = GKV_MIX_ANY;
        scenario->set_percent = 0;
        scenario->delete_percent = 0;
        options->sync_interval_ms = gkv_choose_log32(choice, "profile.sync", 2000, 10000);
    } else {
        limit32(&scenario->node_count, WIDE_NODE_COUNT_WRITING);
        limit32(&options->sync_interval_ms, 400);
    }
    if (scenario->late_count > 0) {
        scenario->late_count =
            gkv_choose_log32(choice, "profile.late", 1, scenario->node_count / 4);
    }
    scenario->down_count_max = scenario->node_count / 8;
    at_most(&scenario->crashes.every_ns, 500 * MS);
    /* One who is deaf accuses somebody in each interval: among so many there is always one of whom
     * some have not heard yet that it refuted. */
    scenario->outsider_count = 0;
    limit32(&options->gossip_interval_ms, 50);
    /* What makes many events of each table and of each value. */
    gkv_family_switch_off(scenario, gkv_family_bit(GKV_FAMILY_SMALL_READS) |
                                        gkv_family_bit(GKV_FAMILY_TRICKLES) |
                                        gkv_family_bit(GKV_FAMILY_SMALL_WINDOWS) |
                                        gkv_family_bit(GKV_FAMILY_TIGHT_VALUES));
    scenario->value_bytes_min = GKV_HISTORY_VALUE_BYTES_MIN;
    limit32(&scenario->value_bytes_max, 100);
    limit32(&scenario->key_count, 8);
    limit32(&scenario->hot_key_count, scenario->key_count);
    limit32(&scenario->operation_count, 60);
    at_most(&scenario->work_ns, 6000 * MS);
    scenario->think_ns_max = 200 * MS; /* a few clients ask now and then, as long as faults last */
}

static void shape_soak(struct gkv_scenario *scenario, struct gkv_choice *choice)
{
    add_faults(scenario, choice, 50);
    if (scenario->node_count < SOAK_NODE_COUNT_MIN) {
        scenario->node_count = SOAK_NODE_COUNT_MIN;
    }
    scenario->world.node.tombstone_keep_ms = 604800000; /* checks expect deletes to be remembered */
    scenario->client_count = 4;
    scenario->operation_count = 5000;
    scenario->work_ns = 8 * UINT64_C(3600000) * MS;
    scenario->think_ns_max = 8 * 5760 * MS; /* 5,000 operations in all */
}

static void shape_measure(struct gkv_scenario *scenario, struct gkv_choice *choice)
{
    (void)choice;
    struct gkv_options *options = &scenario->world.node;
    const uint64_t hash_seed = options->hash_seed; /* drawn */
    gkv_family_switch_off(scenario, UINT64_MAX);
    scenario->node_count = 5;
    gkv_scenario_set_defaults(options);
    options->hash_seed = hash_seed;
    options->seed_count = 1;
    scenario->repairs_by_read = false;
    scenario->link.latency_ns = MS;
    scenario->client_count = 4;
    scenario->key_count = 100;
    scenario->hot_key_count = 4;
    scenario->operation_count = 2000;
    scenario->work_ns = 120000 * MS;
    scenario->think_ns_max = 480 * MS; /* four clients: 2,000 operations in 120 s */
}

/* The same cluster with hardly anything to do. */
static void shape_light(struct gkv_scenario *scenario, struct gkv_choice *choice)
{
    struct gkv_options *options = &scenario->world.node;
    shape_measure(scenario, choice);
    options->probe_interval_ms = 1000;
    options->probe_targets = 1;
    options->probe_timeout_ms = 400;
    options->probe_repeat_ms = 200;
    options->probe_indirect_timeout_ms = 600;
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
    /* NULL: as drawn */
    void (*shape)(struct gkv_scenario *scenario, struct gkv_choice *choice);
} profiles[GKV_PROFILE_COUNT] = {
    [GKV_PROFILE_SWARM] = {"swarm", "every seed something else", NULL},
    [GKV_PROFILE_LITE] = {"lite", "3 nodes, 150 operations, 1 s of work", shape_lite},
    [GKV_PROFILE_HOSTILE] = {"hostile", "any number of faults at once; safety only", shape_hostile},
    [GKV_PROFILE_LIVE] = {"live", "dense faults for 2 s, then all must settle", shape_live},
    [GKV_PROFILE_WIDE] = {"wide", "64 to 256 nodes, few operations", shape_wide},
    [GKV_PROFILE_SOAK] = {"soak", "8 hours of work, ten million events", shape_soak},
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

void gkv_profile_shape(struct gkv_scenario *scenario, struct gkv_choice *choice,
                       enum gkv_profile profile)
{
    GKV_ASSERT((uint32_t)profile < GKV_PROFILE_COUNT);
    if (profiles[profile].shape != NULL) {
        profiles[profile].shape(scenario, choice);
        scenario->short_keep_ms = 0; /* they hold for the faults and the time of swarm alone */
        scenario->short_left_ms = 0;
    }
}
