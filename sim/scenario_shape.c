#include "sim/scenario_parts.h"

static void draw_quorums(struct gkv_scenario *scenario, struct gkv_choice *choice)
{
    struct gkv_options *options = &scenario->world.node;
    options->level =
        gkv_choose_percent(choice, "shape.eventual", 20) ? GKV_LEVEL_EVENTUAL : GKV_LEVEL_QUORUM;
    if (gkv_choose_percent(choice, "shape.other_quorum", 50)) {
        options->replica_count = gkv_choose_between(choice, "shape.replicas", 1, 5);
    }
    const uint32_t replicas = options->replica_count;
    if (options->level == GKV_LEVEL_EVENTUAL) {
        options->write_quorum = gkv_choose_between(choice, "shape.write_quorum", 1, replicas);
        options->read_quorum = gkv_choose_between(choice, "shape.read_quorum", 1, replicas);
        return;
    }
    const uint32_t majority = replicas / 2 + 1;
    options->write_quorum = majority;
    options->read_quorum = replicas + 1 - majority;
    if (gkv_choose_percent(choice, "shape.uneven_quorum", 30)) {
        options->write_quorum =
            gkv_choose_between(choice, "shape.write_quorum", majority, replicas);
        options->read_quorum = gkv_choose_between(choice, "shape.read_quorum",
                                                  replicas + 1 - options->write_quorum, replicas);
    }
}

static void draw_node_times(struct gkv_options *options, struct gkv_choice *choice)
{
    options->operation_timeout_ms =
        gkv_choose_log32(choice, "node.operation_timeout", GKV_SCENARIO_TIMEOUT_MS_MIN, 2000);
    options->probe_interval_ms = gkv_choose_log32(choice, "node.probe_interval", 100, 500);
    options->probe_timeout_ms = options->probe_interval_ms / 2;
    options->probe_repeat_ms =
        gkv_choose_percent(choice, "node.probe_once", 30) ? 0 : options->probe_timeout_ms / 2;
    options->probe_indirect_timeout_ms = options->probe_interval_ms / 2;
    options->probe_targets = gkv_choose_between(choice, "node.probe_targets", 1, 3);
    options->probe_by_stream = !gkv_choose_percent(choice, "node.no_stream_probe", 30);
    options->health_max = gkv_choose_percent(choice, "node.no_health", 20) ? 1 : 8;
    options->suspicion_max_factor = gkv_choose_between(choice, "node.suspicion_factor", 1, 4);
    options->suspicion_confirmations = gkv_choose_between(choice, "node.confirmations", 0, 3);
    options->reconnect_max_ms = gkv_choose_log32(choice, "node.reconnect_max", 1000, 4000);
    options->leave_ms = gkv_choose_percent(choice, "node.leaves_slowly", 50)
                            ? gkv_choose_log32(choice, "node.leave", 10, 300)
                            : 0;
    options->evict_delay_ms = gkv_choose_log32(choice, "node.evict_delay", 500, 8000);
    options->stall_ms = gkv_choose_percent(choice, "node.no_stall_guard", 30) ? 0 : 40;
    options->witness_count = gkv_choose_between(choice, "node.witnesses", 0, 3);
    options->witness_patience_ms = gkv_choose_log32(choice, "node.patience", 300, 3000);
    options->startup_grace_ms = gkv_choose_percent(choice, "node.has_grace", 50)
                                    ? gkv_choose_log32(choice, "node.grace", 100, 2000)
                                    : 0;
    options->last_chance = !gkv_choose_percent(choice, "node.no_last_chance", 30);
    options->buddy = !gkv_choose_percent(choice, "node.no_buddy", 20);
    options->probe_nacks = !gkv_choose_percent(choice, "node.no_nacks", 20);
    options->suspicion_timeout_ms = gkv_choose_log32(choice, "node.suspicion_timeout", 200, 1500);
    options->gossip_interval_ms = gkv_choose_log32(choice, "node.gossip_interval", 20, 200);
    options->push_pull_interval_ms =
        gkv_choose_log32(choice, "node.push_pull_interval", 1000, 30000);
    options->reconnect_interval_ms = gkv_choose_log32(choice, "node.reconnect_interval", 200, 1000);
    options->sync_interval_ms = gkv_choose_log32(choice, "node.sync_interval", 200, 1500);
    options->degraded_window_ms = gkv_choose_log32(choice, "node.degraded_window", 1000, 10000);
    options->degraded_evict_ms = gkv_choose_percent(choice, "node.evicts_degraded", 50)
                                     ? gkv_choose_log32(choice, "node.degraded_evict", 300, 3000)
                                     : 0;
}

void gkv_scenario_draw_shape(struct gkv_scenario *scenario, struct gkv_choice *choice)
{
    struct gkv_options *options = &scenario->world.node;
    options->hash_seed = gkv_choose(choice, "shape.hash_seed", 1000);
    scenario->node_count =
        gkv_choose_between(choice, "shape.nodes", 1, GKV_SCENARIO_NODE_COUNT_DRAWN);
    draw_quorums(scenario, choice);
    const uint32_t quorum =
        options->write_quorum > options->read_quorum ? options->write_quorum : options->read_quorum;
    const bool too_few = gkv_choose_percent(choice, "shape.too_few", 2);
    if (scenario->node_count < quorum && !too_few) {
        scenario->node_count = quorum;
    }
    draw_node_times(options, choice);

    options->seed_count = gkv_choose_between(choice, "shape.seeds", 1, 3);
    /* Not more: whoever restarts may find no more than one other who knows of no third. */
    options->bootstrap_expect = gkv_choose_percent(choice, "shape.expects", 60) ? 2 : 1;
}
