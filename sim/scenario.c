#include "sim/scenario.h"

#include <string.h>

#include "core/panic.h"
#include "sim/family.h"
#include "sim/history.h"

#define MS GKV_NS_PER_MS

static uint32_t choose_log32(struct gkv_choice *choice, const char *label, uint32_t low,
                             uint32_t high)
{
    return (uint32_t)gkv_choose_log(choice, label, low, high);
}

/* A number in [low, high], all as likely. */
static uint32_t choose_between(struct gkv_choice *choice, const char *label, uint32_t low,
                               uint32_t high)
{
    return low + (uint32_t)gkv_choose(choice, label, high - low + 1u);
}

static void draw_quorums(struct gkv_scenario *scenario, struct gkv_choice *choice)
{
    struct gkv_options *options = &scenario->world.node;
    options->level =
        gkv_choose_percent(choice, "shape.eventual", 20) ? GKV_LEVEL_EVENTUAL : GKV_LEVEL_QUORUM;
    if (gkv_choose_percent(choice, "shape.other_quorum", 50)) {
        options->replica_count = choose_between(choice, "shape.replicas", 1, 5);
    }
    const uint32_t replicas = options->replica_count;
    if (options->level == GKV_LEVEL_EVENTUAL) {
        options->write_quorum = choose_between(choice, "shape.write_quorum", 1, replicas);
        options->read_quorum = choose_between(choice, "shape.read_quorum", 1, replicas);
        return;
    }
    const uint32_t majority = replicas / 2 + 1;
    options->write_quorum = majority;
    options->read_quorum = replicas + 1 - majority;
    if (gkv_choose_percent(choice, "shape.uneven_quorum", 30)) {
        options->write_quorum = choose_between(choice, "shape.write_quorum", majority, replicas);
        options->read_quorum = choose_between(choice, "shape.read_quorum",
                                              replicas + 1 - options->write_quorum, replicas);
    }
}

/* How many owners must answer, at the most. */
static uint32_t quorum_of(const struct gkv_options *options)
{
    return options->write_quorum > options->read_quorum ? options->write_quorum
                                                        : options->read_quorum;
}

static void draw_node_times(struct gkv_options *options, struct gkv_choice *choice)
{
    options->operation_timeout_ms = choose_log32(choice, "node.operation_timeout", 100, 2000);
    options->probe_interval_ms = choose_log32(choice, "node.probe_interval", 100, 500);
    options->probe_timeout_ms = options->probe_interval_ms / 2;
    options->suspicion_timeout_ms = choose_log32(choice, "node.suspicion_timeout", 200, 1500);
    options->gossip_interval_ms = choose_log32(choice, "node.gossip_interval", 20, 200);
    options->push_pull_interval_ms = choose_log32(choice, "node.push_pull_interval", 1000, 30000);
    options->reconnect_interval_ms = choose_log32(choice, "node.reconnect_interval", 200, 1000);
    options->sync_interval_ms = choose_log32(choice, "node.sync_interval", 200, 1500);
}

static void draw_shape(struct gkv_scenario *scenario, struct gkv_choice *choice)
{
    struct gkv_options *options = &scenario->world.node;
    gkv_options_init(options);
    options->cluster_hash = 0x67726964;
    options->hash_seed = gkv_choose(choice, "shape.hash_seed", 1000);
    options->value_bytes_max = GKV_SCENARIO_VALUE_BYTES_MAX;
    options->member_count_max = 16;
    options->operation_count_max = 256;
    options->operation_memory_bytes = 256 * 1024;
    options->drift_ms_max = 500;

    scenario->node_count = choose_between(choice, "shape.nodes", 1, GKV_SCENARIO_NODE_COUNT_MAX);
    draw_quorums(scenario, choice);
    const bool too_few = gkv_choose_percent(choice, "shape.too_few", 2);
    if (scenario->node_count < quorum_of(options) && !too_few) {
        scenario->node_count = quorum_of(options);
    }
    draw_node_times(options, choice);

    options->seed_count = choose_between(choice, "shape.seeds", 1, 3);
}

static void draw_network(struct gkv_scenario *scenario, struct gkv_choice *choice)
{
    struct gkv_link *link = &scenario->link;
    link->latency_ns = gkv_choose_log(choice, "net.latency", 10000, 10 * MS);
    if (gkv_choose_percent(choice, "net.has_jitter", 60)) {
        link->jitter_ns = gkv_choose_log(choice, "net.jitter_max", 1000, 20 * MS);
    }
    if (gkv_choose_percent(choice, "net.has_loss", 50)) {
        link->loss_ppm = choose_log32(choice, "net.loss_rate", 1000, 300000);
    }
    if (gkv_choose_percent(choice, "net.has_duplicates", 40)) {
        link->duplicate_ppm = choose_log32(choice, "net.duplicate_rate", 1000, 200000);
    }
    if (gkv_choose_percent(choice, "net.has_tail", 30)) {
        link->tail_ppm = choose_log32(choice, "net.tail_rate", 500, 20000);
    }
    if (gkv_choose_percent(choice, "net.has_splits", 50)) {
        link->split_ppm = choose_log32(choice, "net.split_rate", 10000, 900000);
    }
    if (gkv_choose_percent(choice, "net.has_breaks", 30)) {
        link->break_ppm = choose_log32(choice, "net.break_rate", 100, 50000);
    }
    if (gkv_choose_percent(choice, "net.has_small_reads", 10)) {
        scenario->world.receive_bytes_max = choose_log32(choice, "net.read_bytes", 8, 1024);
    }
    if (gkv_choose_percent(choice, "net.has_small_windows", 15)) {
        scenario->world.window_bytes = choose_log32(choice, "net.window", 512, 16384);
    }
    if (gkv_choose_percent(choice, "net.has_late_timers", 30)) {
        scenario->world.timer_late_ns_max =
            choose_log32(choice, "net.timer_late", 10000, (uint32_t)(20 * MS));
    }
}

static void draw_partitions(struct gkv_scenario *scenario, struct gkv_choice *choice)
{
    scenario->cut_every_ns = gkv_choose_log(choice, "cut.every", 200 * MS, 5000 * MS);
    scenario->cut_for_ns_max = gkv_choose_log(choice, "cut.for", 50 * MS, 4000 * MS);
    scenario->cuts_one_way = gkv_choose_percent(choice, "cut.has_one_way", 50);
}

static void draw_faults(struct gkv_scenario *scenario, struct gkv_choice *choice)
{
    draw_network(scenario, choice);
    if (gkv_choose_percent(choice, "cut.has_cuts", 45)) {
        draw_partitions(scenario, choice);
    }
    if (gkv_choose_percent(choice, "crash.has_crashes", 25)) {
        scenario->crash_every_ns = gkv_choose_log(choice, "crash.every", 500 * MS, 8000 * MS);
        scenario->crash_down_ns_max = gkv_choose_log(choice, "crash.down", 10 * MS, 5000 * MS);
        scenario->keeps_one_down = gkv_choose_percent(choice, "crash.keeps_one_down", 15);
    }
    if (gkv_choose_percent(choice, "clock.has_skew", 60)) {
        scenario->skew_ms_max =
            (int64_t)gkv_choose_log(choice, "clock.skew", 1, GKV_SCENARIO_SKEW_MS_MAX);
        if (gkv_choose_percent(choice, "clock.is_broken", 20)) {
            scenario->skew_ms_max = choose_between(choice, "clock.broken", GKV_SCENARIO_SKEW_MS_MAX,
                                                   GKV_SCENARIO_BROKEN_SKEW_MS_MAX);
        }
        if (gkv_choose_percent(choice, "clock.has_steps", 50)) {
            scenario->clock_every_ns = gkv_choose_log(choice, "clock.every", 100 * MS, 5000 * MS);
        }
    }
    if (gkv_choose_percent(choice, "pause.has_pauses", 20)) {
        scenario->pause_every_ns = gkv_choose_log(choice, "pause.every", 100 * MS, 4000 * MS);
        scenario->pause_for_ns_max = gkv_choose_log(choice, "pause.for", 10 * MS, 4000 * MS);
    }
    if (scenario->node_count > scenario->world.node.replica_count &&
        gkv_choose_percent(choice, "leave.has_leave", 30)) {
        scenario->has_leave = true;
        scenario->leavers_return = gkv_choose_percent(choice, "leave.returns", 40);
        if (gkv_choose_percent(choice, "leave.has_cuts", 60)) {
            draw_partitions(scenario, choice); /* who is left must find each other without it */
        }
    }
    if (scenario->node_count > 2 && gkv_choose_percent(choice, "join.has_late", 15)) {
        scenario->late_count = 1 + (uint32_t)gkv_choose(choice, "join.count", 2);
    }
}

static void draw_workload(struct gkv_scenario *scenario, struct gkv_choice *choice)
{
    scenario->client_count =
        choose_between(choice, "work.clients", 1, GKV_SCENARIO_CLIENT_COUNT_MAX);
    scenario->key_count = choose_log32(choice, "work.keys", 1, GKV_SCENARIO_KEY_COUNT_MAX);
    scenario->hot_key_count = choose_log32(choice, "work.hot_keys", 1, 4);
    if (scenario->hot_key_count > scenario->key_count) {
        scenario->hot_key_count = scenario->key_count;
    }
    scenario->hot_percent = choose_between(choice, "work.hot", 0, 95);
    scenario->set_percent = choose_between(choice, "work.sets", 10, 90);
    if (gkv_choose_percent(choice, "work.has_deletes", 50)) {
        scenario->delete_percent = choose_between(choice, "work.deletes", 1, 40);
    }
    if (gkv_choose_percent(choice, "work.has_ttl", 30)) {
        scenario->ttl_percent = choose_between(choice, "work.ttl", 1, 60);
    }
    scenario->value_bytes_min = GKV_HISTORY_VALUE_BYTES_MIN;
    scenario->value_bytes_max = choose_log32(choice, "work.value", 12, 1024);
    scenario->operation_count =
        choose_log32(choice, "work.operations", 50, GKV_SCENARIO_OPERATION_COUNT_MAX);
    scenario->think_ns_max = gkv_choose_log(choice, "work.think", 10000, 50 * MS);
    scenario->work_ns = gkv_choose_log(choice, "work.time", 500 * MS, 12000 * MS);
}

/* Writers whose clocks disagree, in quick turns on the same few keys: what STALE answers are for.
 * */
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
    scenario->skew_ms_max = choose_between(choice, "race.skew", 100, GKV_SCENARIO_SKEW_MS_MAX);
    scenario->client_count = choose_between(choice, "race.clients", 3, 8);
    scenario->hot_percent = 90;
    scenario->set_percent = choose_between(choice, "race.sets", 40, 80);
    scenario->link.latency_ns = gkv_choose_log(choice, "race.latency", 10000, MS);
    scenario->think_ns_max = gkv_choose_log(choice, "race.think", 10000, 5 * MS);
    scenario->crash_every_ns = 0;
    scenario->late_count = 0;
    scenario->has_leave = false;
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
    draw_partitions(scenario, choice);
    scenario->key_count = choose_log32(choice, "repair.keys", 1, 60);
    if (scenario->hot_key_count > scenario->key_count) {
        scenario->hot_key_count = scenario->key_count;
    }
    scenario->crash_every_ns = 0;
    scenario->late_count = 0;
    scenario->has_leave = false;
    if (scenario->skew_ms_max > GKV_SCENARIO_SKEW_MS_MAX) {
        scenario->skew_ms_max =
            GKV_SCENARIO_SKEW_MS_MAX; /* each is read once: no time to catch up */
    }
    scenario->repairs_by_read = true;
}

/* Members that suspect each other sooner than an operation is over, so that who is reachable
 * changes under it. */
static void make_members_nervous(struct gkv_scenario *scenario, struct gkv_choice *choice)
{
    struct gkv_options *options = &scenario->world.node;
    options->probe_interval_ms = choose_log32(choice, "nervous.probe", 10, 40);
    options->probe_timeout_ms = options->probe_interval_ms / 2;
    options->suspicion_timeout_ms = choose_log32(choice, "nervous.suspicion", 10, 100);
    options->gossip_interval_ms = choose_log32(choice, "nervous.gossip", 5, 20);
    options->operation_timeout_ms = choose_log32(choice, "nervous.timeout", 500, 2000);
    scenario->cut_every_ns = gkv_choose_log(choice, "nervous.cut", 20 * MS, 400 * MS);
    scenario->cut_for_ns_max = gkv_choose_log(choice, "nervous.cut_for", 100 * MS, 1000 * MS);
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
    options->write_quorum = choose_between(choice, "tight.write", replicas / 2 + 1, replicas);
    options->read_quorum = replicas + 1 - options->write_quorum;
    options->read_repair_per_second_max = 0;
    options->sync_interval_ms = choose_log32(choice, "tight.sync", 800, 1500);
    options->operation_timeout_ms = choose_log32(choice, "tight.timeout", 100, 400);
    scenario->node_count = replicas + (uint32_t)gkv_choose(choice, "tight.spare", 2);
    scenario->link.latency_ns = gkv_choose_log(choice, "tight.latency", 10000, MS);
    scenario->link.jitter_ns = gkv_choose_log(choice, "tight.jitter", 1000, MS);
    scenario->cut_every_ns = gkv_choose_log(choice, "tight.cut", 5 * MS, 100 * MS);
    scenario->cut_for_ns_max = gkv_choose_log(choice, "tight.cut_for", 20 * MS, 300 * MS);
    scenario->client_count =
        choose_between(choice, "tight.clients", 4, GKV_SCENARIO_CLIENT_COUNT_MAX);
    scenario->hot_percent = 95;
    scenario->set_percent = choose_between(choice, "tight.sets", 20, 60);
    scenario->think_ns_max = gkv_choose_log(choice, "tight.think", 100000, 10 * MS);
    scenario->operation_count = GKV_SCENARIO_OPERATION_COUNT_MAX;
    scenario->crash_every_ns = 0;
    scenario->late_count = 0;
    scenario->has_leave = false;
}

/* More to hold than fits: the least store there is, and large values under many keys. */
static void make_stores_full(struct gkv_scenario *scenario, struct gkv_choice *choice)
{
    struct gkv_options *options = &scenario->world.node;
    options->replica_count = choose_between(choice, "full.replicas", 1, 3);
    options->write_quorum = options->replica_count / 2 + 1;
    options->read_quorum = options->replica_count + 1 - options->write_quorum;
    if (scenario->node_count < options->replica_count ||
        scenario->node_count > options->replica_count + 1) {
        scenario->node_count = options->replica_count;
    }
    scenario->key_count = GKV_SCENARIO_KEY_COUNT_MAX;
    scenario->value_bytes_min = 2000;
    scenario->value_bytes_max = GKV_SCENARIO_VALUE_BYTES_MAX;
    scenario->hot_percent = choose_between(choice, "full.hot", 0, 30);
    scenario->set_percent = choose_between(choice, "full.sets", 60, 95);
    scenario->operation_count = GKV_SCENARIO_OPERATION_COUNT_MAX;
    scenario->think_ns_max = gkv_choose_log(choice, "full.think", 10000, 2 * MS);
    scenario->has_leave = false;
    scenario->late_count = 0;
    scenario->may_be_full = true;
}

/* After the faults: members find each other again (one seed or unreachable member is asked per
 * reconnect interval), old suspicions run out, and every pair of owners compares all its groups,
 * eight that differ per round. Three times that, and a margin for what is held back by the network.
 * */
static uint64_t liveness_ns(const struct gkv_scenario *scenario)
{
    const struct gkv_options *options = &scenario->world.node;
    const uint64_t nodes = scenario->node_count;
    const uint64_t member_ms = (nodes + options->seed_count + 2) * options->reconnect_interval_ms +
                               2 * nodes * options->probe_interval_ms +
                               2 * (uint64_t)options->suspicion_timeout_ms;
    const uint64_t round_count = GKV_SLOT_GROUP_COUNT / GKV_SYNC_GROUPS_PER_ROUND + 2;
    const uint64_t repair_ms =
        scenario->repairs_by_read ? 0 : nodes * round_count * options->sync_interval_ms;
    /* What a fast clock stamped is refused until the slow ones are near. */
    const uint64_t clock_ms = 2 * (uint64_t)scenario->skew_ms_max;
    return (3 * (member_ms + repair_ms) + clock_ms + 10000) * MS;
}

/* What may be asked of such a cluster. */
static void judge(struct gkv_scenario *scenario)
{
    const struct gkv_options *options = &scenario->world.node;
    const bool forgets = scenario->crash_every_ns > 0;
    scenario->checks_quorum = options->level == GKV_LEVEL_QUORUM && !forgets &&
                              scenario->late_count == 0 && !scenario->has_leave;
    /* One who leaves takes one copy with it. */
    scenario->forgets_nothing = !forgets && (!scenario->has_leave || options->write_quorum > 1);
    scenario->expects_answers =
        !scenario->keeps_one_down && quorum_of(options) <= scenario->node_count;
}

/* What follows from all that was drawn and was not switched off. */
static void settle(struct gkv_scenario *scenario)
{
    struct gkv_options *options = &scenario->world.node;
    if (options->seed_count > scenario->node_count) {
        options->seed_count = scenario->node_count;
    }
    for (uint32_t i = 0; i < options->seed_count; i++) {
        options->seeds[i] = gkv_host_address(i);
    }
    options->memory_limit_bytes = scenario->may_be_full ? GKV_STORE_BYTES_MIN : 2 * 1024 * 1024;
    const bool some_return = scenario->crash_every_ns > 0 || scenario->has_leave;
    scenario->world.life_count_max = some_return ? GKV_HOST_LIFE_COUNT_MAX : 1;
    scenario->world.node_count = scenario->node_count;
    judge(scenario);
    scenario->liveness_ns = liveness_ns(scenario);
    GKV_ASSERT(scenario->late_count < scenario->node_count);
}

void gkv_scenario_draw(struct gkv_scenario *scenario, struct gkv_choice *choice, uint64_t seed,
                       enum gkv_profile profile, uint64_t off_mask)
{
    memset(scenario, 0, sizeof(*scenario));
    scenario->seed = seed;
    scenario->profile = profile;
    draw_shape(scenario, choice);
    draw_faults(scenario, choice);
    draw_workload(scenario, choice);
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
    gkv_profile_shape(scenario, profile);
    gkv_family_switch_off(scenario, off_mask);
    settle(scenario);
}
