#include "sim/script.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "core/panic.h"
#include "sim/history.h"
#include "sim/nodes.h"

#define MS GKV_NS_PER_MS
#define READ_REPAIRS_MIN 100000 /* where nothing else repairs */
#define CLOCK_GRAIN_MS_MAX 16   /* as drawn */
#define HOUR (UINT64_C(3600000) * MS)

struct gkv_script *gkv_script_create(void)
{
    struct gkv_script *script = calloc(1, sizeof(*script));
    if (script == NULL) {
        return NULL;
    }
    script->lines = calloc(GKV_SCRIPT_LINE_COUNT_MAX, sizeof(struct gkv_script_line));
    if (script->lines == NULL) {
        free(script);
        return NULL;
    }
    gkv_script_clear(script);
    return script;
}

void gkv_script_destroy(struct gkv_script *script)
{
    if (script != NULL) {
        free(script->lines);
        free(script);
    }
}

void gkv_script_clear(struct gkv_script *script)
{
    struct gkv_script_line *lines = script->lines;
    *script = (struct gkv_script){.lines = lines};
    gkv_scenario_begin(&script->scenario);
    for (uint32_t i = 0; gkv_script_field(i) != NULL; i++) {
        gkv_script_field_write(gkv_script_field(i), &script->scenario, gkv_script_field(i)->benign);
    }
}

void gkv_script_copy_head(struct gkv_script *to, const struct gkv_script *from)
{
    struct gkv_script_line *lines = to->lines;
    GKV_ASSERT(to != from);
    *to = *from;
    to->lines = lines;
    to->line_count = 0;
}

void gkv_script_copy(struct gkv_script *to, const struct gkv_script *from)
{
    gkv_script_copy_head(to, from);
    to->line_count = from->line_count;
    memcpy(to->lines, from->lines, from->line_count * sizeof(struct gkv_script_line));
}

void gkv_script_add(struct gkv_script *script, const struct gkv_script_line *line)
{
    if (script->line_count == GKV_SCRIPT_LINE_COUNT_MAX) {
        script->is_cut_short = true;
        return;
    }
    GKV_ASSERT(script->line_count == 0 ||
               line->time_ns >= script->lines[script->line_count - 1].time_ns);
    script->lines[script->line_count++] = *line;
}

uint32_t gkv_script_find_label(const struct gkv_script *script, const char *label)
{
    for (uint32_t i = 0; i < script->label_count; i++) {
        if (strcmp(script->labels[i], label) == 0) {
            return i;
        }
    }
    return GKV_SCRIPT_LABEL_COUNT_MAX;
}

uint32_t gkv_script_label(struct gkv_script *script, const char *label)
{
    const uint32_t found = gkv_script_find_label(script, label);
    const size_t count = strlen(label);
    if (found < GKV_SCRIPT_LABEL_COUNT_MAX || script->label_count == GKV_SCRIPT_LABEL_COUNT_MAX ||
        count >= GKV_CHOICE_LABEL_BYTES) {
        return found;
    }
    memcpy(script->labels[script->label_count], label, count + 1);
    return script->label_count++;
}

bool gkv_script_is_fault(enum gkv_script_kind kind)
{
    return kind >= GKV_SCRIPT_CRASH && kind < GKV_SCRIPT_HEAL;
}

/* ---- The head -------------------------------------------------------------------------------- */

#define MEMBER(member)                                \
    (uint32_t) offsetof(struct gkv_scenario, member), \
        (uint32_t)sizeof(((struct gkv_scenario *)NULL)->member)
#define NUMBER(text, member, least, most, benign)                       \
    {                                                                   \
        text, GKV_SCRIPT_NUMBER, MEMBER(member), 1, least, most, benign \
    }
#define FLAG(text, member)                                \
    {                                                     \
        text, GKV_SCRIPT_FLAG, MEMBER(member), 1, 0, 1, 0 \
    }
#define TIME_MS(text, member, least_ms, benign_ms)                                         \
    {                                                                                      \
        text, GKV_SCRIPT_DURATION, MEMBER(member), MS, (least_ms)*MS, HOUR, (benign_ms)*MS \
    }
#define TIME_NS(text, member, benign)                                 \
    {                                                                 \
        text, GKV_SCRIPT_DURATION, MEMBER(member), 1, 0, HOUR, benign \
    }

static const struct gkv_script_field fields[] = {
    NUMBER("seed", seed, 0, UINT64_MAX, 0),
    NUMBER("nodes", node_count, 1, GKV_SCENARIO_NODE_COUNT_MAX, 3),
    {"level", GKV_SCRIPT_LEVEL, MEMBER(world.node.level), 1, GKV_LEVEL_EVENTUAL, GKV_LEVEL_QUORUM,
     GKV_LEVEL_QUORUM},
    NUMBER("replicas", world.node.replica_count, 1, 7, 3),
    NUMBER("write_quorum", world.node.write_quorum, 1, 7, 2),
    NUMBER("read_quorum", world.node.read_quorum, 1, 7, 2),
    NUMBER("seed_nodes", world.node.seed_count, 1, 3, 1),
    NUMBER("bootstrap_expect", world.node.bootstrap_expect, 1, GKV_SCENARIO_NODE_COUNT_MAX, 1),
    NUMBER("keys", key_count, 1, GKV_SCENARIO_KEY_COUNT_MAX, 1),
    NUMBER("clients", client_count, 1, GKV_SCENARIO_CLIENT_COUNT_MAX, 1),
    NUMBER("value_bytes", value_bytes_min, GKV_HISTORY_VALUE_BYTES_MIN, GKV_HISTORY_VALUE_BYTES_MAX,
           GKV_HISTORY_VALUE_BYTES_MIN),
    NUMBER("hash_seed", world.node.hash_seed, 0, UINT64_MAX, 0),
    TIME_MS("operation_timeout", world.node.operation_timeout_ms, 1, 1000),
    TIME_MS("probe_interval", world.node.probe_interval_ms, 10, 200),
    TIME_MS("probe_timeout", world.node.probe_timeout_ms, 5, 100),
    TIME_MS("probe_repeat", world.node.probe_repeat_ms, 0, 0),
    TIME_MS("probe_indirect", world.node.probe_indirect_timeout_ms, 1, 100),
    NUMBER("probe_targets", world.node.probe_targets, 1, GKV_PROBE_TARGETS_MAX, 1),
    NUMBER("probe_helpers", world.node.probe_helpers, 0, GKV_PROBE_HELPER_COUNT,
           GKV_PROBE_HELPER_COUNT),
    NUMBER("probe_by_stream", world.node.probe_by_stream, 0, 1, 1),
    NUMBER("health_max", world.node.health_max, 1, 16, 1),
    NUMBER("suspicion_max_factor", world.node.suspicion_max_factor, 1, 16, 1),
    NUMBER("suspicion_confirmations", world.node.suspicion_confirmations, 0,
           GKV_CONFIRMER_COUNT_MAX, 0),
    TIME_MS("stall", world.node.stall_ms, 0, 0),
    NUMBER("witness_count", world.node.witness_count, 0, 8, 0),
    TIME_MS("witness_patience", world.node.witness_patience_ms, 0, 1000),
    TIME_MS("startup_grace", world.node.startup_grace_ms, 0, 0),
    NUMBER("last_chance", world.node.last_chance, 0, 1, 0),
    NUMBER("buddy", world.node.buddy, 0, 1, 1),
    NUMBER("probe_nacks", world.node.probe_nacks, 0, 1, 1),
    TIME_MS("suspicion_timeout", world.node.suspicion_timeout_ms, 10, 600),
    TIME_MS("gossip_interval", world.node.gossip_interval_ms, 5, 50),
    TIME_MS("push_pull_interval", world.node.push_pull_interval_ms, 1000, 30000),
    TIME_MS("reconnect_interval", world.node.reconnect_interval_ms, 200, 500),
    TIME_MS("reconnect_max", world.node.reconnect_max_ms, 10, 4000),
    TIME_MS("leave_time", world.node.leave_ms, 0, 0),
    TIME_MS("evict_delay", world.node.evict_delay_ms, 0, 0),
    TIME_MS("degraded_window", world.node.degraded_window_ms, 0, 0),
    TIME_MS("degraded_evict", world.node.degraded_evict_ms, 0, 0),
    TIME_MS("sync_interval", world.node.sync_interval_ms, 200, 1000),
    NUMBER("read_repairs", world.node.read_repair_per_second_max, 0, 1000000, 1000),
    {"latency", GKV_SCRIPT_DURATION, MEMBER(link.latency_ns), 1, 0,
     GKV_SCENARIO_CALM_LATENCY_NS_MAX, 0},
    NUMBER("read_bytes", world.receive_bytes_max, 0, UINT32_MAX, 0),
    NUMBER("window_bytes", world.window_bytes, 0, GKV_NET_PIPE_BYTES, 0),
    TIME_NS("late_timers", world.timer_late_ns_max, 0),
    NUMBER("in_place_ppm", world.in_place_ppm, 0, GKV_PPM, 0),
    NUMBER("marks", world.node.mark_count_max, 1, 1048576, 16384),
    NUMBER("hot_cache", world.node.hot_cache_size, 0, 1 << 30, 0),
    TIME_MS("hot_read_cache_ttl", world.node.hot_read_cache_ttl_ms, 1, 15),
    NUMBER("compress_bytes", world.node.value_compress_bytes, 0, 16777216, 0),
    TIME_MS("skew", skew_ms_max, 0, 0),
    TIME_NS("longest_pause", pauses.for_ns_max, 0),
    NUMBER("late_nodes", late_count, 0, GKV_SCENARIO_NODE_COUNT_MAX - 1, 0),
    {"clock_grain", GKV_SCRIPT_DURATION, MEMBER(clock_grain_ms), MS, 0, CLOCK_GRAIN_MS_MAX *MS, 0},
    TIME_MS("clock_swing", swing_ms, 0, 0),
    FLAG("clocks_get_lost", loses_clocks),
    FLAG("may_damage", link.flip_ppm),
    FLAG("may_crash", crashes.every_ns),
    FLAG("one_stays_down", keeps_one_down),
    FLAG("may_leave", has_leave),
    FLAG("leavers_return", leavers_return),
    FLAG("reads_alone_repair", repairs_by_read),
    FLAG("reads_by_lines", reads_by_lines),
    NUMBER("only_reader", only_reader, 0, GKV_SCENARIO_NODE_COUNT_MAX, 0),
    FLAG("stores_run_over", may_be_full),
    FLAG("stores_evict", evicts),
    FLAG("tiny_tables", has_tiny_tables),
    NUMBER("value_bytes_max", world.node.value_bytes_max, GKV_HISTORY_VALUE_BYTES_MIN,
           GKV_HISTORY_VALUE_BYTES_MAX, GKV_SCENARIO_VALUE_BYTES_MAX),
    NUMBER("operation_slots", operation_slots, 0, 65536, 0),
    FLAG("safety_only", is_safety_only),
    TIME_MS("tombstones_kept", short_keep_ms, 0, 0),
    TIME_MS("left_kept", short_left_ms, 0, 0),
    NUMBER("outsiders", outsider_count, 0, GKV_SCENARIO_NODE_COUNT_MAX - 1, 0),
};
#define FIELD_COUNT (sizeof(fields) / sizeof(fields[0]))

const struct gkv_script_field *gkv_script_field(uint32_t index)
{
    return index < FIELD_COUNT ? &fields[index] : NULL;
}

uint64_t gkv_script_field_read(const struct gkv_script_field *field,
                               const struct gkv_scenario *scenario)
{
    const uint8_t *from = (const uint8_t *)scenario + field->offset;
    uint64_t value = 0;
    if (field->bytes == sizeof(uint64_t)) {
        memcpy(&value, from, sizeof(uint64_t));
    } else if (field->bytes == sizeof(uint32_t)) {
        uint32_t half = 0;
        memcpy(&half, from, sizeof(half));
        value = half;
    } else {
        GKV_ASSERT(field->bytes == sizeof(bool));
        value = *from;
    }
    return field->unit == GKV_SCRIPT_FLAG ? value != 0 : value * field->scale;
}

void gkv_script_field_write(const struct gkv_script_field *field, struct gkv_scenario *scenario,
                            uint64_t value)
{
    uint8_t *to = (uint8_t *)scenario + field->offset;
    const uint64_t scaled = value / field->scale;
    if (field->bytes == sizeof(uint64_t)) {
        memcpy(to, &scaled, sizeof(scaled));
    } else if (field->bytes == sizeof(uint32_t)) {
        const uint32_t half = (uint32_t)scaled;
        memcpy(to, &half, sizeof(half));
    } else {
        *to = scaled != 0;
    }
}

/* May this line stand in a script with this head? */
static bool is_in_range(const struct gkv_scenario *scenario, const struct gkv_script_line *line)
{
    const bool is_asked = gkv_script_is_operation(line->kind) || gkv_script_is_reading(line->kind);
    return line->node < scenario->node_count && line->to < scenario->node_count &&
           (!is_asked ||
            (line->key < scenario->key_count && line->client < scenario->client_count)) &&
           (line->kind != GKV_SCRIPT_SET || (line->count >= GKV_HISTORY_VALUE_BYTES_MIN &&
                                             line->count <= GKV_HISTORY_VALUE_BYTES_MAX));
}

/* In READ all must be answered, which a race of sets for one key need not be. */
static bool sets_a_key_twice(const struct gkv_script *script)
{
    bool is_set[GKV_SCENARIO_KEY_COUNT_MAX] = {false};
    for (uint32_t i = 0; i < script->line_count; i++) {
        const struct gkv_script_line *line = &script->lines[i];
        if (line->kind == GKV_SCRIPT_READ_SET && is_set[line->key]) {
            return true;
        }
        is_set[line->key] = is_set[line->key] || line->kind == GKV_SCRIPT_READ_SET;
    }
    return false;
}

/* NULL, or what is out of its range. */
static const char *check_ranges(const struct gkv_script *script)
{
    const struct gkv_scenario *scenario = &script->scenario;
    if (scenario->late_count >= scenario->node_count) {
        return "late_nodes must be less than nodes";
    }
    if ((scenario->world.window_bytes > 0 && scenario->world.window_bytes < 512) ||
        (scenario->world.receive_bytes_max > 0 && scenario->world.receive_bytes_max < 8)) {
        return "window_bytes must be 0 or 512 and more, and read_bytes 0 or 8 and more";
    }
    if (scenario->skew_ms_max < (int64_t)scenario->clock_grain_ms ||
        4 * scenario->clock_grain_ms > scenario->world.node.probe_timeout_ms) {
        return "clock_grain must be at most skew, and a quarter of probe_timeout";
    }
    for (uint32_t i = 0; i < FIELD_COUNT; i++) {
        const uint64_t value = gkv_script_field_read(&fields[i], scenario);
        if (value < fields[i].least || value > fields[i].most) {
            return "a value of the head is out of its range";
        }
    }
    for (uint32_t i = 0; i < script->line_count; i++) {
        if (!is_in_range(scenario, &script->lines[i])) {
            return "a line names a node, key or client that nodes, keys or clients do not allow";
        }
    }
    if (sets_a_key_twice(script)) {
        return "one key is set twice when settled; write get for one of them";
    }
    return NULL;
}

static bool is_damage(const char *label)
{
    return strcmp(label, "net.flip") == 0 || strcmp(label, "net.truncate") == 0;
}

/* What the lines do, the head must allow, since it says what may be asked of the cluster. */
static void allow_lines(struct gkv_script *script)
{
    struct gkv_scenario *scenario = &script->scenario;
    struct gkv_nodes left = {{0}};
    for (uint32_t i = 0; i < script->line_count; i++) {
        const struct gkv_script_line *line = &script->lines[i];
        if (line->kind == GKV_SCRIPT_LEAVE) {
            scenario->has_leave = true;
            gkv_nodes_add(&left, line->node);
        } else if (line->kind == GKV_SCRIPT_BOOT) {
            gkv_nodes_remove(&left, line->node);
        } else if (line->kind == GKV_SCRIPT_CRASH && !gkv_nodes_has(&left, line->node) &&
                   scenario->crashes.every_ns == 0) {
            scenario->crashes.every_ns = 1;
        } else if (line->kind == GKV_SCRIPT_LUCK && is_damage(script->labels[line->label])) {
            scenario->link.flip_ppm = 1;
        } else if (gkv_script_is_reading(line->kind)) {
            scenario->reads_by_lines = true;
        } else if (line->kind == GKV_SCRIPT_SET &&
                   line->count > scenario->world.node.value_bytes_max) {
            scenario->world.node.value_bytes_max = line->count;
        } else if (line->kind == GKV_SCRIPT_PAUSE && line->value > scenario->pauses.for_ns_max) {
            scenario->pauses.for_ns_max = line->value;
        }
    }
}

const char *gkv_script_settle(struct gkv_script *script)
{
    struct gkv_scenario *scenario = &script->scenario;
    const char *reason = check_ranges(script);
    if (reason != NULL) {
        return reason;
    }
    allow_lines(script);
    if (scenario->value_bytes_min > scenario->world.node.value_bytes_max) {
        return "value_bytes must be at most value_bytes_max";
    }
    if (scenario->repairs_by_read &&
        (scenario->crashes.every_ns > 0 || scenario->has_leave || scenario->late_count > 0 ||
         scenario->world.node.read_repair_per_second_max < READ_REPAIRS_MIN)) {
        return "reads_alone_repair needs read_repairs 100000, and nobody who crashes, leaves or is "
               "late";
    }
    if (scenario->repairs_by_read && scenario->reads_by_lines) {
        return "reads_alone_repair needs everything to be read: no reads_by_lines, and no lines "
               "that end with when settled";
    }
    gkv_scenario_settle(scenario);
    scenario->world.life_count_max = GKV_HOST_LIFE_COUNT_MAX;
    struct gkv_options options = scenario->world.node;
    options.name = gkv_host_name(0);
    options.address = gkv_host_address(0);
    options.boot_id = 1;
    if (gkv_options_check(&options, &reason) != GKV_OK) {
        return reason;
    }
    return NULL;
}
