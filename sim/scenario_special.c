#include "sim/family.h"
#include "sim/scenario_parts.h"

#define MS GKV_NS_PER_MS

/* Nobody forgets, joins or leaves. */
static void keep_still(struct gkv_scenario *scenario)
{
    gkv_family_switch_off(scenario, gkv_scenario_forgetful_mask() | gkv_scenario_moving_mask());
}

/* Writers whose clocks disagree, in quick turns on the same few keys: what STALE answers are
 * for. */
static void make_writers_race(struct gkv_scenario *scenario, struct gkv_choice *choice)
{
    struct gkv_options *options = &scenario->world.node;
    options->level = GKV_LEVEL_QUORUM;
    options->replica_count = 3;
    options->write_quorum = 2;
    options->read_quorum = 2;
    if (scenario->node_count < 3) {
        scenario->node_count = 3;
    }
    scenario->has_equal_clocks = false;
    scenario->offset_ms_max =
        gkv_choose_between(choice, "race.skew", 100, GKV_SCENARIO_SKEW_MS_MAX);
    scenario->broken_skew_ms = 0;
    scenario->client_count = gkv_choose_between(choice, "race.clients", 3, 8);
    scenario->hot_percent = 90;
    scenario->set_percent = gkv_choose_between(choice, "race.sets", 40, 80);
    scenario->link.latency_ns = gkv_choose_log(choice, "race.latency", 10000, MS);
    scenario->think_ns_max = gkv_choose_log(choice, "race.think", 10000, 5 * MS);
    keep_still(scenario);
}

/* Owners that miss writes, and nothing but reads to tell them. */
static void make_reads_repair(struct gkv_scenario *scenario, struct gkv_choice *choice)
{
    struct gkv_options *options = &scenario->world.node;
    options->level = GKV_LEVEL_QUORUM;
    options->replica_count = 3;
    options->write_quorum = 2;
    options->read_quorum = 2;
    options->sync_interval_ms = 3600000;
    options->read_repair_per_second_max = 100000;
    if (scenario->node_count < 3) {
        scenario->node_count = 3;
    }
    gkv_family_draw_on(scenario, choice, GKV_FAMILY_CUTS);
    scenario->key_count = gkv_choose_log32(choice, "repair.keys", 1, 60);
    if (scenario->hot_key_count > scenario->key_count) {
        scenario->hot_key_count = scenario->key_count;
    }
    keep_still(scenario);
    scenario->broken_skew_ms = 0; /* each is read once: no time to catch up */
    scenario->repairs_by_read = true;
    if (gkv_choose_percent(choice, "repair.by_one", 50)) {
        scenario->only_reader =
            1 + (uint32_t)gkv_choose(choice, "repair.reader", scenario->node_count);
    }
}

/* Members that suspect each other sooner than an operation is over, so that who is reachable
 * changes under it. */
static void make_members_nervous(struct gkv_scenario *scenario, struct gkv_choice *choice)
{
    struct gkv_options *options = &scenario->world.node;
    options->probe_interval_ms = gkv_choose_log32(choice, "nervous.probe", 10, 40);
    options->probe_timeout_ms = options->probe_interval_ms / 2;
    options->suspicion_timeout_ms = gkv_choose_log32(choice, "nervous.suspicion", 10, 100);
    options->gossip_interval_ms = gkv_choose_log32(choice, "nervous.gossip", 5, 20);
    options->operation_timeout_ms = gkv_choose_log32(choice, "nervous.timeout", 500, 2000);
    scenario->cuts.every_ns = gkv_choose_log(choice, "nervous.cut", 20 * MS, 400 * MS);
    scenario->cuts.for_ns_max = gkv_choose_log(choice, "nervous.cut_for", 100 * MS, 1000 * MS);
}

/* Owners that miss writes all the time, nobody to tell them, and gets that follow at once: one
 * answer too few, counted anywhere, and something acknowledged is not seen. Most cuts are too
 * short for anybody to be held unreachable. */
static void make_quorums_tight(struct gkv_scenario *scenario, struct gkv_choice *choice)
{
    struct gkv_options *options = &scenario->world.node;
    const uint32_t replicas = 2 + (uint32_t)gkv_choose(choice, "tight.replicas", 4);
    options->level = GKV_LEVEL_QUORUM;
    options->replica_count = replicas;
    options->write_quorum = gkv_choose_between(choice, "tight.write", replicas / 2 + 1, replicas);
    options->read_quorum = replicas + 1 - options->write_quorum;
    options->read_repair_per_second_max = 0;
    options->sync_interval_ms = gkv_choose_log32(choice, "tight.sync", 800, 1500);
    options->operation_timeout_ms = gkv_choose_log32(choice, "tight.timeout", 100, 400);
    scenario->node_count = replicas + (uint32_t)gkv_choose(choice, "tight.spare", 2);
    scenario->link.latency_ns = gkv_choose_log(choice, "tight.latency", 10000, MS);
    scenario->link.jitter_ns = gkv_choose_log(choice, "tight.jitter", 1000, MS);
    scenario->cuts.every_ns = gkv_choose_log(choice, "tight.cut", 5 * MS, 100 * MS);
    scenario->cuts.for_ns_max = gkv_choose_log(choice, "tight.cut_for", 20 * MS, 300 * MS);
    scenario->client_count =
        gkv_choose_between(choice, "tight.clients", 4, GKV_SCENARIO_CLIENT_COUNT_MAX);
    scenario->hot_percent = 95;
    scenario->set_percent = gkv_choose_between(choice, "tight.sets", 20, 60);
    scenario->think_ns_max = gkv_choose_log(choice, "tight.think", 100000, 10 * MS);
    scenario->operation_count = GKV_SCENARIO_OPERATION_COUNT_MAX;
    keep_still(scenario);
}

/* More to hold than fits: the least store there is, and large values under many keys. */
static void make_stores_full(struct gkv_scenario *scenario, struct gkv_choice *choice)
{
    struct gkv_options *options = &scenario->world.node;
    options->replica_count = gkv_choose_between(choice, "full.replicas", 1, 3);
    options->write_quorum = options->replica_count / 2 + 1;
    options->read_quorum = options->replica_count + 1 - options->write_quorum;
    if (scenario->node_count < options->replica_count ||
        scenario->node_count > options->replica_count + 1) {
        scenario->node_count = options->replica_count;
    }
    scenario->key_count = GKV_SCENARIO_KEY_COUNT_MAX;
    scenario->value_bytes_min = 2000;
    scenario->value_bytes_max = GKV_SCENARIO_VALUE_BYTES_MAX;
    scenario->hot_percent = gkv_choose_between(choice, "full.hot", 0, 30);
    scenario->set_percent = gkv_choose_between(choice, "full.sets", 60, 95);
    scenario->operation_count = GKV_SCENARIO_OPERATION_COUNT_MAX;
    scenario->think_ns_max = gkv_choose_log(choice, "full.think", 10000, 2 * MS);
    scenario->has_leave = false;
    scenario->late_count = 0;
    scenario->may_be_full = true;
}

void gkv_scenario_make_special(struct gkv_scenario *scenario, struct gkv_choice *choice)
{
    const uint64_t theme = gkv_choose(choice, "shape.theme", 20);
    if (theme >= 16) {
        make_writers_race(scenario, choice);
    } else if (theme >= 12) {
        make_reads_repair(scenario, choice);
    } else if (theme >= 11) {
        make_stores_full(scenario, choice);
    } else if (theme >= 9) {
        make_quorums_tight(scenario, choice);
        if (gkv_choose_percent(choice, "tight.is_nervous", 50)) {
            make_members_nervous(scenario, choice);
        }
    }
}
