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
    scenario->wild_skew_ms = 0;
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
    scenario->wild_skew_ms = 0;
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
    options->probe_repeat_ms = options->probe_timeout_ms / 2;
    options->probe_indirect_timeout_ms = options->probe_interval_ms / 2;
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

/* And nothing is refused: what was not used for long goes. No time to live, for what ends in the
 * end would make room for what went. */
static void make_stores_evict(struct gkv_scenario *scenario, struct gkv_choice *choice)
{
    struct gkv_options *options = &scenario->world.node;
    options->level = GKV_LEVEL_EVENTUAL;
    options->write_quorum = gkv_choose_between(choice, "evict.w", 1, options->replica_count);
    options->read_quorum = gkv_choose_between(choice, "evict.r", 1, options->replica_count);
    scenario->ttl_percent = 0;
    scenario->delete_percent = gkv_choose_between(choice, "evict.deletes", 0, 10);
    scenario->evicts = true;
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
    gkv_family_switch_off(scenario, gkv_family_bit(GKV_FAMILY_LEAVING));
    gkv_family_switch_off(scenario, gkv_family_bit(GKV_FAMILY_LATE_JOINS));
    scenario->may_be_full = true;
    if (gkv_choose_percent(choice, "full.evicts", 50)) {
        make_stores_evict(scenario, choice);
    }
}

/* Faults that no owner misses a deletion through for longer than a second or two. */
static uint64_t brief_faults_mask(void)
{
    static const enum gkv_family brief[] = {
        GKV_FAMILY_LATENCY,      GKV_FAMILY_JITTER,        GKV_FAMILY_DUPLICATES,
        GKV_FAMILY_SPLITS,       GKV_FAMILY_LATE_TIMERS,   GKV_FAMILY_CUTS,
        GKV_FAMILY_ISOLATIONS,   GKV_FAMILY_SIDES,         GKV_FAMILY_ONE_WAY,
        GKV_FAMILY_BRIDGES,      GKV_FAMILY_RINGS,         GKV_FAMILY_SEED_CUTS,
        GKV_FAMILY_PAUSES,       GKV_FAMILY_SUSPENDS,      GKV_FAMILY_SKEW,
        GKV_FAMILY_STEPS,        GKV_FAMILY_DRIFT,         GKV_FAMILY_SWINGS,
        GKV_FAMILY_EQUAL_CLOCKS, GKV_FAMILY_COARSE_CLOCKS, GKV_FAMILY_TINY_TABLES,
    };
    uint64_t mask = 0;
    for (size_t i = 0; i < sizeof(brief) / sizeof(brief[0]); i++) {
        mask |= gkv_family_bit(brief[i]);
    }
    return mask;
}

/* Those alone, and of cuts and pauses short ones. */
static void make_faults_brief(struct gkv_scenario *scenario, struct gkv_choice *choice)
{
    gkv_family_switch_off(scenario, ~brief_faults_mask());
    if (scenario->cuts.every_ns > 0) {
        scenario->cuts.every_ns = gkv_choose_log(choice, "brief.cut", 500 * MS, 3000 * MS);
        scenario->cuts.for_ns_max = 400 * MS;
    }
    if (scenario->pauses.every_ns > 0) {
        scenario->pauses.every_ns = gkv_choose_log(choice, "brief.pause", 500 * MS, 3000 * MS);
        scenario->pauses.for_ns_max = 300 * MS;
    }
}

/* The cluster and the faults: every owner learns of a deletion long before anybody forgets it, as
 * docs/protocol.md asks. */
static void make_all_learn_in_time(struct gkv_scenario *scenario, struct gkv_choice *choice)
{
    struct gkv_options *options = &scenario->world.node;
    options->level = GKV_LEVEL_QUORUM;
    options->replica_count = gkv_choose_between(choice, "forget.replicas", 2, 3);
    options->write_quorum = 2;
    options->read_quorum = options->replica_count - 1;
    scenario->node_count = options->replica_count + (uint32_t)gkv_choose(choice, "forget.spare", 2);
    options->sync_interval_ms = gkv_choose_between(choice, "forget.sync", 200, 400);
    options->operation_timeout_ms = gkv_choose_log32(choice, "forget.timeout", 100, 1000);
    options->reconnect_interval_ms = 200;
    options->suspicion_timeout_ms = gkv_choose_log32(choice, "forget.suspicion", 1000, 1500);
    make_faults_brief(scenario, choice);
}

/* Deletions and expired values that are forgotten while clients go on: set, deleted, left alone
 * for long enough, and asked for again. A sweep goes over a store in 6.4 s (core/node.c). */
static void make_stores_forget(struct gkv_scenario *scenario, struct gkv_choice *choice)
{
    make_all_learn_in_time(scenario, choice);
    scenario->short_keep_ms = gkv_choose_between(choice, "forget.keep", 3200, 5000);
    scenario->work_ns =
        scenario->short_keep_ms * MS + gkv_choose_between(choice, "forget.work", 6000, 11000) * MS;
    scenario->client_count = gkv_choose_between(choice, "forget.clients", 2, 4);
    scenario->key_count = gkv_choose_log32(choice, "forget.keys", 4, 40);
    scenario->hot_key_count = 2;
    scenario->hot_percent = gkv_choose_between(choice, "forget.hot", 10, 60);
    scenario->mix = gkv_choose_percent(choice, "forget.churn", 30) ? GKV_MIX_CHURN : GKV_MIX_ANY;
    scenario->route = GKV_ROUTE_ANY;
    scenario->set_percent = gkv_choose_between(choice, "forget.sets", 20, 50);
    scenario->delete_percent = gkv_choose_between(choice, "forget.deletes", 20, 60);
    scenario->ttl_percent = gkv_choose_between(choice, "forget.ttl", 0, 40);
    scenario->ttl_ms_max = 500;
    scenario->operation_count = GKV_SCENARIO_OPERATION_COUNT_MAX;
    scenario->think_ns_max = gkv_choose_log(choice, "forget.think", 100 * MS, 600 * MS);
}

/* Writes that are under way, in streams which stand still, for longer than what was deleted since
 * is kept. Owners miss what they ought to learn in time; nothing comes of that where all that is
 * ever written expires soon, and nothing is deleted. */
static void make_writes_late(struct gkv_scenario *scenario, struct gkv_choice *choice)
{
    const uint64_t keep_ns = scenario->short_keep_ms * MS;
    scenario->mix = GKV_MIX_ANY;
    scenario->key_count = GKV_SCENARIO_KEY_COUNT_MAX;
    scenario->hot_percent = 0;
    scenario->set_percent = gkv_choose_between(choice, "late.sets", 50, 90);
    scenario->delete_percent = 0;
    scenario->ttl_percent = 100;
    scenario->work_ns = 3 * keep_ns + gkv_choose_between(choice, "late.work", 6000, 15000) * MS;
    scenario->cuts.every_ns = gkv_choose_log(choice, "late.every", 1000 * MS, 4000 * MS);
    scenario->cuts.for_ns_max = keep_ns + gkv_choose_between(choice, "late.for", 3000, 8000) * MS;
}

/* One who leaves early is forgotten while clients go on. Nobody is cut off for long, so that nobody
 * tells of him as of a newcomer. */
static void make_members_forget(struct gkv_scenario *scenario, struct gkv_choice *choice)
{
    struct gkv_options *options = &scenario->world.node;
    make_faults_brief(scenario, choice);
    gkv_family_draw_on(scenario, choice, GKV_FAMILY_LEAVING);
    scenario->short_left_ms = gkv_choose_between(choice, "left.keep", 3000, 6000);
    options->push_pull_interval_ms = gkv_choose_log32(choice, "left.push_pull", 1000, 2000);
    options->reconnect_interval_ms = 200;
    options->suspicion_timeout_ms = gkv_choose_log32(choice, "left.suspicion", 1000, 1500);
    if (scenario->node_count < 3) {
        scenario->node_count = 3;
    }
    scenario->work_ns =
        scenario->short_left_ms * MS + gkv_choose_between(choice, "left.work", 6000, 12000) * MS;
    scenario->operation_count = GKV_SCENARIO_OPERATION_COUNT_MAX;
    scenario->think_ns_max = gkv_choose_log(choice, "left.think", 100 * MS, 600 * MS);
}

/* Two who are cut off for long, and now and then one way only: then one is heard and does not hear,
 * and its calls come within each last chance that the other gives it. */
static void make_one_deaf(struct gkv_scenario *scenario, struct gkv_choice *choice)
{
    struct gkv_options *options = &scenario->world.node;
    keep_still(scenario);
    make_faults_brief(scenario, choice);
    gkv_family_draw_on(scenario, choice, GKV_FAMILY_CUTS);
    scenario->node_count = 2;
    options->probe_interval_ms = 300;
    options->probe_timeout_ms = 250;
    options->probe_indirect_timeout_ms = 50;
    options->reconnect_interval_ms = 200;
    options->reconnect_max_ms = 200;
    options->witness_patience_ms = gkv_choose_log32(choice, "deaf.patience", 300, 1000);
    options->suspicion_timeout_ms = gkv_choose_log32(choice, "deaf.suspicion", 50, 500);
    scenario->cuts.every_ns = gkv_choose_log(choice, "deaf.every", 10000 * MS, 30000 * MS);
    scenario->cuts.for_ns_max = 60000 * MS;
    scenario->work_ns = gkv_choose_between(choice, "deaf.work", 30000, 60000) * MS;
    scenario->think_ns_max = gkv_choose_log(choice, "deaf.think", 100 * MS, 600 * MS);
}

/* A first node, which waits for nobody but the member that it is to expect, begins anew again and
 * again while it is cut off; and one owner that decides alone is asked at once. */
static void make_first_begin_alone(struct gkv_scenario *scenario, struct gkv_choice *choice)
{
    struct gkv_options *options = &scenario->world.node;
    options->seed_count = 1;
    options->bootstrap_expect = 2;
    options->level = GKV_LEVEL_EVENTUAL;
    options->write_quorum = 1;
    options->read_quorum = 1;
    if (scenario->node_count < 2) {
        scenario->node_count = 2;
    }
    gkv_family_draw_on(scenario, choice, GKV_FAMILY_CRASHES);
    gkv_family_draw_on(scenario, choice, GKV_FAMILY_CUTS);
    scenario->shapes.isolations = true;
    scenario->crashes.every_ns = gkv_choose_log(choice, "alone.crash", 200 * MS, 1000 * MS);
    scenario->cuts.every_ns = gkv_choose_log(choice, "alone.cut", 200 * MS, 1000 * MS);
    scenario->think_ns_max = gkv_choose_log(choice, "alone.think", 10 * MS, 200 * MS);
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
    } else if (theme >= 8) {
        make_stores_forget(scenario, choice);
        if (gkv_choose_percent(choice, "forget.is_late", 40)) {
            make_writes_late(scenario, choice);
        }
    } else if (theme >= 7) {
        make_members_forget(scenario, choice);
    } else if (theme >= 6) {
        make_one_deaf(scenario, choice);
    } else if (theme >= 5) {
        make_first_begin_alone(scenario, choice);
    }
}
