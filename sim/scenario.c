#include "sim/scenario.h"

#include <string.h>

#include "core/panic.h"
#include "sim/family.h"
#include "sim/scenario_parts.h"
#include "sim/shorthand.h"

#define MS GKV_NS_PER_MS
#define OPERATION_VALUE_COUNT \
    64 /* a node has room for so many of the largest values that it is asked */
#define STORE_VALUE_COUNT 512 /* and that it holds */
#define LOST_MS_MORE 60000    /* clocks that begin again are behind by all of FORM and WORK */

/* How many owners must answer, at the most. */
static uint32_t quorum_of(const struct gkv_options *options)
{
    return options->write_quorum > options->read_quorum ? options->write_quorum
                                                        : options->read_quorum;
}

uint64_t gkv_scenario_forgetful_mask(void)
{
    return gkv_family_bit(GKV_FAMILY_CRASHES) | gkv_family_bit(GKV_FAMILY_ROLLS) |
           gkv_family_bit(GKV_FAMILY_BLACKOUTS) | gkv_family_bit(GKV_FAMILY_KEY_CRASHES);
}

uint64_t gkv_scenario_moving_mask(void)
{
    return gkv_family_bit(GKV_FAMILY_LEAVING) | gkv_family_bit(GKV_FAMILY_LATE_JOINS);
}

/* What the world may add to any bound: the network holds things back, and what a fast clock stamped
 * is refused until the slow ones are near. */
static uint64_t margin_ms(const struct gkv_scenario *scenario)
{
    return 2 * (uint64_t)scenario->skew_ms_max + 10000;
}

/* After the faults: members find each other again (one seed or unreachable member is asked per
 * reconnect interval), and old suspicions and verdicts run out. Three times that. */
static uint64_t member_ms(const struct gkv_scenario *scenario)
{
    const struct gkv_options *options = &scenario->world.node;
    const uint64_t nodes = scenario->node_count;
    return 3 *
           ((nodes + options->seed_count + 2) * options->reconnect_interval_ms +
            2 * nodes * options->probe_interval_ms +
            2 * (uint64_t)options->suspicion_timeout_ms * options->suspicion_max_factor +
            options->witness_patience_ms + options->startup_grace_ms + options->reconnect_max_ms +
            options->degraded_window_ms + options->degraded_evict_ms);
}

/* And every pair of owners compares all its groups, eight that differ per round. Three times that;
 * more in caches, where most differ for ever, and which come next is drawn. */
static uint64_t repair_ms(const struct gkv_scenario *scenario)
{
    const uint64_t round_count = GKV_SLOT_GROUP_COUNT / GKV_SYNC_GROUPS_PER_ROUND + 2;
    const uint64_t margin = scenario->evicts ? 9 : 3;
    return scenario->repairs_by_read ? 0
                                     : margin * scenario->node_count * round_count *
                                           scenario->world.node.sync_interval_ms;
}

/* Of a key, when all nodes are members. */
static uint32_t owner_count_of(const struct gkv_scenario *scenario)
{
    const uint32_t replica_count = scenario->world.node.replica_count;
    return replica_count < scenario->node_count ? replica_count : scenario->node_count;
}

/* Nodes that never come back: so few that every key keeps W and R owners. */
static void limit_outsiders(struct gkv_scenario *scenario)
{
    const uint32_t owner_count = owner_count_of(scenario);
    const uint32_t quorum = quorum_of(&scenario->world.node);
    const uint32_t most = owner_count > quorum ? owner_count - quorum : 0;
    if (scenario->outsider_count > most) {
        scenario->outsider_count = most;
    }
}

/* What would ask too much next to another family: as drawn, whatever is switched off then, so that
 * switching off brings nothing new. No outsiders where others may be away as well, or owners are
 * unknown; and where nodes begin again, no seeds among them, nor those whom a node is to expect.
 * Tables are exchanged where somebody is away in the end: who misses every rumour of him learns of
 * him from a table only. Where reads alone repair, there is room for all operations: a get that is
 * decided goes on to repair until its place is needed. */
static void spare(struct gkv_scenario *scenario)
{
    const struct gkv_options *options = &scenario->world.node;
    const uint32_t needed = options->seed_count > options->bootstrap_expect
                                ? options->seed_count
                                : options->bootstrap_expect;
    const uint32_t others = scenario->node_count > needed ? scenario->node_count - needed : 0;
    const bool is_forgetful = (gkv_family_mask_of(scenario) & gkv_scenario_forgetful_mask()) != 0;
    if (scenario->late_count > 0 || scenario->has_leave || scenario->keeps_one_down ||
        scenario->may_be_full) {
        scenario->outsider_count = 0;
    } else if (is_forgetful && scenario->outsider_count > others) {
        scenario->outsider_count = others;
    }
    if (scenario->has_equal_clocks) {
        gkv_family_switch_off(scenario, gkv_family_bit(GKV_FAMILY_SKEW));
    }
    if (scenario->outsider_count > 0 || scenario->has_leave || scenario->keeps_one_down) {
        scenario->has_rare_tables = false;
    }
    if (scenario->repairs_by_read) {
        scenario->operation_slots = 0;
    }
}

/* Do all owners learn of a deletion long before anybody may forget it? So many rounds come in that
 * time, and no cut or pause that is drawn with it is longer than half a second. */
#define ROUNDS_TO_LEARN 8

static bool is_told_in_time(const struct gkv_scenario *scenario)
{
    return scenario->short_keep_ms == 0 ||
           ROUNDS_TO_LEARN * scenario->world.node.sync_interval_ms <= scenario->short_keep_ms;
}

/* What may be asked of such a cluster. */
static void judge(struct gkv_scenario *scenario)
{
    const struct gkv_options *options = &scenario->world.node;
    const uint64_t mask = gkv_family_mask_of(scenario);
    scenario->loses_memory = (mask & gkv_scenario_forgetful_mask()) != 0;
    scenario->ring_moves = (mask & gkv_scenario_moving_mask()) != 0;
    scenario->damages_bytes = scenario->link.flip_ppm > 0 || scenario->link.truncation_ppm > 0;
    scenario->checks_quorum = options->level == GKV_LEVEL_QUORUM && !scenario->loses_memory &&
                              !scenario->ring_moves && is_told_in_time(scenario);
    /* One who leaves takes one copy with it, and so does an outsider. */
    scenario->forgets_nothing = !scenario->loses_memory && !scenario->evicts &&
                                (!scenario->has_leave || options->write_quorum > 1) &&
                                options->write_quorum > scenario->outsider_count;
    /* Drawn outsiders leave W and R owners; those of a script may not. */
    scenario->expects_answers =
        !scenario->keeps_one_down &&
        quorum_of(options) + scenario->outsider_count <= owner_count_of(scenario) &&
        options->operation_timeout_ms >= GKV_SCENARIO_TIMEOUT_MS_MIN;
}

/* Take away what such a cluster cannot have. */
static void fit(struct gkv_scenario *scenario)
{
    struct gkv_options *options = &scenario->world.node;
    if (scenario->node_count < 3) {
        options->bootstrap_expect = 1;
    }
    if (options->seed_count > scenario->node_count) {
        options->seed_count = scenario->node_count;
    }
    if (scenario->node_count <= options->replica_count) {
        gkv_family_switch_off(scenario, gkv_family_bit(GKV_FAMILY_LEAVING));
    }
    if (scenario->clock_grain_ms > options->probe_timeout_ms / 4) {
        /* By a coarser clock, a peer would have no time to answer. */
        scenario->clock_grain_ms = options->probe_timeout_ms / 4;
    }
    if (scenario->repairs_by_read) { /* each is read once: no time to catch up */
        scenario->broken_skew_ms = 0;
        scenario->wild_skew_ms = 0;
        gkv_family_switch_off(scenario, gkv_scenario_forgetful_mask());
    }
    if (scenario->node_count < 3) {
        gkv_family_switch_off(scenario, gkv_family_bit(GKV_FAMILY_LATE_JOINS));
    }
    if (scenario->crashes.every_ns == 0) {
        scenario->keeps_one_down = false;
    }
    if (scenario->has_rare_tables) { /* pings and refutations alone must heal */
        options->push_pull_interval_ms = 3600000;
    }
    const bool has_huge_values = scenario->value_bytes_max > GKV_SCENARIO_VALUE_BYTES_MAX;
    if (scenario->has_tight_values || has_huge_values) {
        options->value_bytes_max = scenario->value_bytes_max;
    }
    if (has_huge_values) { /* by thousands of small pieces, or slowly, they would take minutes */
        gkv_family_switch_off(scenario, gkv_family_bit(GKV_FAMILY_BANDWIDTH) |
                                            gkv_family_bit(GKV_FAMILY_SMALL_READS) |
                                            gkv_family_bit(GKV_FAMILY_SMALL_WINDOWS));
    }
    if (scenario->repairs_by_read) { /* each is read once, and that must be in time */
        scenario->timeout_ms = 0;
    }
    if (scenario->timeout_ms > 0) {
        options->operation_timeout_ms = scenario->timeout_ms;
    }
    if (scenario->offset_ms_max == 0) {
        scenario->steps = (struct gkv_recurrence){0};
    } else if (scenario->wild_skew_ms > 0) {
        /* What such a clock stamped is refused until the others are near: they heal in an hour, and
         * what must never happen is all that is asked. */
        scenario->offset_ms_max = scenario->wild_skew_ms;
        scenario->is_safety_only = true;
    } else if (scenario->broken_skew_ms > 0) {
        scenario->offset_ms_max = scenario->broken_skew_ms;
    }
    limit_outsiders(scenario);
    scenario->skew_ms_max = (int64_t)(scenario->offset_ms_max + scenario->clock_grain_ms);
    if (scenario->crashes.every_ns > 0 && scenario->loses_clocks) {
        scenario->skew_ms_max += (int64_t)(scenario->work_ns / MS) + LOST_MS_MORE;
    }
}

/* Room for all values that are drawn, and for more of a script's. */
static uint64_t store_bytes(uint64_t value_bytes_max)
{
    return STORE_VALUE_COUNT * (value_bytes_max > GKV_SCENARIO_VALUE_BYTES_MAX
                                    ? value_bytes_max
                                    : GKV_SCENARIO_VALUE_BYTES_MAX);
}

void gkv_scenario_settle(struct gkv_scenario *scenario)
{
    struct gkv_options *options = &scenario->world.node;
    for (uint32_t i = 0; i < options->seed_count; i++) {
        options->seeds[i] = gkv_host_address(i);
    }
    if (scenario->has_tiny_tables) {
        options->member_count_max = scenario->node_count > 1 ? scenario->node_count : 2;
    } else { /* of the nodes alone, so that a script need not say it */
        options->member_count_max = scenario->node_count > GKV_SCENARIO_NODE_COUNT_DRAWN
                                        ? GKV_SCENARIO_NODE_COUNT_MAX
                                        : GKV_SCENARIO_NODE_COUNT_DRAWN;
    }
    if (scenario->operation_slots > 0) {
        options->operation_count_max = scenario->operation_slots;
        options->operation_memory_bytes = 4 * (options->value_bytes_max + GKV_KEY_BYTES_MAX);
    }
    if (scenario->short_keep_ms > 0) {
        options->tombstone_keep_ms = scenario->short_keep_ms;
    }
    if (scenario->short_left_ms > 0) {
        options->left_keep_ms = scenario->short_left_ms;
    }
    if (options->value_bytes_max > GKV_SCENARIO_VALUE_BYTES_MAX) {
        options->operation_memory_bytes = OPERATION_VALUE_COUNT * options->value_bytes_max;
    }
    scenario->evicts = scenario->evicts && scenario->may_be_full;
    options->memory_policy = scenario->evicts ? GKV_MEMORY_EVICT : GKV_MEMORY_REJECT;
    options->level = scenario->evicts ? GKV_LEVEL_EVENTUAL : options->level;
    options->memory_limit_bytes =
        (scenario->may_be_full ? GKV_STORE_BYTES_MIN : store_bytes(options->value_bytes_max)) +
        options->hot_cache_size;
    scenario->world.node_count = scenario->node_count;
    judge(scenario);
    const bool some_return = scenario->loses_memory || scenario->has_leave;
    scenario->world.life_count_max = some_return ? GKV_HOST_LIFE_COUNT_MAX : 1;
    scenario->member_ns = (member_ms(scenario) + margin_ms(scenario)) * MS;
    scenario->liveness_ns = scenario->member_ns + repair_ms(scenario) * MS;
    GKV_ASSERT(scenario->late_count < scenario->node_count);
}

void gkv_scenario_set_defaults(struct gkv_options *options)
{
    gkv_options_init(options);
    options->cluster_hash = 0x67726964;
    options->value_bytes_max = GKV_SCENARIO_VALUE_BYTES_MAX;
    options->member_count_max = GKV_SCENARIO_NODE_COUNT_DRAWN;
    options->operation_count_max = 256;
    options->operation_memory_bytes = OPERATION_VALUE_COUNT * GKV_SCENARIO_VALUE_BYTES_MAX;
    options->packer = gkv_shorthand_packer();
}

void gkv_scenario_begin(struct gkv_scenario *scenario)
{
    memset(scenario, 0, sizeof(*scenario));
    scenario->down_count_max = 2;
    gkv_scenario_set_defaults(&scenario->world.node);
}

/* Where one owner decides alone, clients in its process may do so themselves: none, half or all of
 * what they ask; and the ring of their marks may be small. */
static void draw_in_place(struct gkv_scenario *scenario, struct gkv_choice *choice)
{
    const bool is_cache = scenario->evicts && scenario->may_be_full;
    if (is_cache || scenario->world.node.level == GKV_LEVEL_EVENTUAL) {
        scenario->world.in_place_ppm =
            (uint32_t)(gkv_choose(choice, "work.in_place", 3) * GKV_PPM / 2);
        scenario->world.node.mark_count_max = 256u >> gkv_choose(choice, "work.marks", 9);
    }
}

/* Where threads read and write in place, and where values are large, they may be kept packed: from
 * 64, 256 or 1,024 bytes on. */
static void draw_packing(struct gkv_scenario *scenario, struct gkv_choice *choice)
{
    if (scenario->world.node.level == GKV_LEVEL_EVENTUAL || scenario->evicts ||
        scenario->value_bytes_max >= GKV_SCENARIO_VALUE_BYTES_MAX) {
        const uint32_t size = (uint32_t)gkv_choose(choice, "work.packing", 4);
        scenario->world.node.value_compress_bytes = size == 0 ? 0 : 16u << 2 * size;
    }
}

/* At EVENTUAL a node may keep answers about keys of others: hardly any, or as many as are asked. */
static void draw_hotcache(struct gkv_scenario *scenario, struct gkv_choice *choice)
{
    struct gkv_options *options = &scenario->world.node;
    const bool is_cache = scenario->evicts && scenario->may_be_full;
    if ((is_cache || options->level == GKV_LEVEL_EVENTUAL) &&
        scenario->node_count > options->replica_count) {
        const uint32_t size = (uint32_t)gkv_choose(choice, "work.hot_cache", 3);
        if (size > 0) {
            options->hot_cache_size = 256u << 4 * size;
            options->hot_read_cache_ttl_ms = gkv_choose_log32(choice, "work.hot_ttl", 5, 2000);
        }
    }
}

void gkv_scenario_draw(struct gkv_scenario *scenario, struct gkv_choice *choice, uint64_t seed,
                       enum gkv_profile profile, uint64_t off_mask)
{
    gkv_scenario_begin(scenario);
    scenario->seed = seed;
    scenario->profile = profile;
    gkv_scenario_draw_shape(scenario, choice);
    gkv_family_draw(scenario, choice);
    if (scenario->has_leave && gkv_choose_percent(choice, "leave.has_cuts", 60)) {
        /* who is left must find each other without it */
        gkv_family_draw_on(scenario, choice, GKV_FAMILY_CUTS);
    }
    gkv_scenario_draw_work(scenario, choice);
    gkv_scenario_make_special(scenario, choice);
    gkv_profile_shape(scenario, choice, profile);
    spare(scenario);
    gkv_family_switch_off(scenario, off_mask);
    fit(scenario);
    draw_in_place(scenario, choice);
    draw_packing(scenario, choice);
    draw_hotcache(scenario, choice);
    gkv_scenario_settle(scenario);
}
