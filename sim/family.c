#include "sim/family.h"

#include <stddef.h>
#include <string.h>

#include "core/panic.h"
#include "sim/scenario.h"

#define ALONE GKV_FAMILY_COUNT
#define SPECIAL (GKV_FAMILY_COUNT + 1) /* alone, and drawn by sim/scenario_special.c */
#define MS GKV_NS_PER_MS

struct range {
    uint64_t low;
    uint64_t high; /* every order of magnitude between them is as likely */
};

struct family {
    const char *name;
    size_t offset; /* of its parameter in the scenario */
    size_t bytes;
    uint32_t within;      /* it is on only where this one is; ALONE, SPECIAL: it needs none */
    uint32_t percent;     /* of seeds, or of those where that one is on */
    struct range size;    /* the parameter; of a struct gkv_recurrence, every_ns */
    struct range lasting; /* for_ns_max */
};

/* clang-format off */
#define PARAMETER(field) \
    offsetof(struct gkv_scenario, field), sizeof(((struct gkv_scenario *)NULL)->field)

static const struct family families[GKV_FAMILY_COUNT] = {
    [GKV_FAMILY_LATENCY] = {"latency", PARAMETER(link.latency_ns), ALONE, 100,
        {10000, 10 * MS}, {0, 0}},
    [GKV_FAMILY_JITTER] = {"jitter", PARAMETER(link.jitter_ns), ALONE, 60,
        {1000, 20 * MS}, {0, 0}},
    [GKV_FAMILY_TAIL] = {"tail", PARAMETER(link.tail_ppm), ALONE, 30,
        {500, 20000}, {0, 0}},
    [GKV_FAMILY_LOSS] = {"loss", PARAMETER(link.loss_ppm), ALONE, 50,
        {1000, 300000}, {0, 0}},
    [GKV_FAMILY_DUPLICATES] = {"duplicates", PARAMETER(link.duplicate_ppm), ALONE, 40,
        {1000, 200000}, {0, 0}},
    [GKV_FAMILY_SLOW_LINKS] = {"slow_links", PARAMETER(slow_link_ns), ALONE, 10,
        {MS, 500 * MS}, {0, 0}},
    [GKV_FAMILY_BANDWIDTH] = {"bandwidth", PARAMETER(link.bytes_per_s), ALONE, 8,
        {50000, 1000000000}, {0, 0}},
    [GKV_FAMILY_SPLITS] = {"splits", PARAMETER(link.split_ppm), ALONE, 50,
        {10000, 900000}, {0, 0}},
    [GKV_FAMILY_SMALL_READS] = {"small_reads", PARAMETER(world.receive_bytes_max), ALONE, 10,
        {8, 1024}, {0, 0}},
    [GKV_FAMILY_TRICKLES] = {"trickles", PARAMETER(link.trickle_ppm), ALONE, 8,
        {1000, 1000000}, {0, 0}},
    [GKV_FAMILY_SMALL_WINDOWS] = {"small_windows", PARAMETER(world.window_bytes), ALONE, 15,
        {512, 16384}, {0, 0}},
    [GKV_FAMILY_BREAKS] = {"breaks", PARAMETER(link.break_ppm), ALONE, 30,
        {100, 50000}, {0, 0}},
    [GKV_FAMILY_RESETS] = {"resets", PARAMETER(resets), ALONE, 8,
        {20 * MS, 2000 * MS}, {0, 0}},
    [GKV_FAMILY_HALF_OPENS] = {"half_opens", PARAMETER(half_opens), ALONE, 8,
        {50 * MS, 3000 * MS}, {10 * MS, 120000 * MS}},
    [GKV_FAMILY_REFUSALS] = {"refusals", PARAMETER(link.refusal_ppm), ALONE, 10,
        {10000, 900000}, {0, 0}},
    [GKV_FAMILY_HANGS] = {"hangs", PARAMETER(link.hang_ppm), ALONE, 10,
        {10000, 500000}, {0, 0}},
    [GKV_FAMILY_SLAMS] = {"slams", PARAMETER(link.slam_ppm), ALONE, 10,
        {10000, 900000}, {0, 0}},
    [GKV_FAMILY_STALLS] = {"stalls", PARAMETER(stalls), ALONE, 10,
        {50 * MS, 2000 * MS}, {MS, 10000 * MS}},
    [GKV_FAMILY_FLIPS] = {"flips", PARAMETER(link.flip_ppm), ALONE, 6,
        {10, 20000}, {0, 0}},
    [GKV_FAMILY_TRUNCATIONS] = {"truncations", PARAMETER(link.truncation_ppm), ALONE, 6,
        {10, 20000}, {0, 0}},
    [GKV_FAMILY_LATE_TIMERS] = {"late_timers", PARAMETER(world.timer_late_ns_max), ALONE, 30,
        {10000, 20 * MS}, {0, 0}},
    [GKV_FAMILY_CUTS] = {"cuts", PARAMETER(cuts), ALONE, 45,
        {200 * MS, 5000 * MS}, {50 * MS, 4000 * MS}},
    [GKV_FAMILY_ISOLATIONS] = {"isolations", PARAMETER(shapes.isolations), GKV_FAMILY_CUTS, 90,
        {1, 1}, {0, 0}},
    [GKV_FAMILY_SIDES] = {"sides", PARAMETER(shapes.sides), GKV_FAMILY_CUTS, 90,
        {1, 1}, {0, 0}},
    [GKV_FAMILY_ONE_WAY] = {"one_way", PARAMETER(shapes.one_way), GKV_FAMILY_CUTS, 50,
        {1, 1}, {0, 0}},
    [GKV_FAMILY_BRIDGES] = {"bridges", PARAMETER(shapes.bridges), GKV_FAMILY_CUTS, 25,
        {1, 1}, {0, 0}},
    [GKV_FAMILY_RINGS] = {"rings", PARAMETER(shapes.rings), GKV_FAMILY_CUTS, 20,
        {1, 1}, {0, 0}},
    [GKV_FAMILY_FLAPS] = {"flaps", PARAMETER(shapes.flaps), GKV_FAMILY_CUTS, 20,
        {1, 1}, {0, 0}},
    [GKV_FAMILY_SWIZZLES] = {"swizzles", PARAMETER(shapes.swizzles), GKV_FAMILY_CUTS, 20,
        {1, 1}, {0, 0}},
    [GKV_FAMILY_SEED_CUTS] = {"seed_cuts", PARAMETER(shapes.seed_cuts), GKV_FAMILY_CUTS, 15,
        {1, 1}, {0, 0}},
    [GKV_FAMILY_LASTING_CUTS] = {"lasting_cuts", PARAMETER(shapes.lasting), GKV_FAMILY_CUTS, 10,
        {1, 1}, {0, 0}},
    [GKV_FAMILY_CRASHES] = {"crashes", PARAMETER(crashes), ALONE, 25,
        {500 * MS, 8000 * MS}, {10 * MS, 5000 * MS}},
    [GKV_FAMILY_SILENT_CRASHES] = {"silent_crashes", PARAMETER(crashes_silent), GKV_FAMILY_CRASHES,
        60, {1, 1}, {0, 0}},
    [GKV_FAMILY_KEPT_DOWN] = {"kept_down", PARAMETER(keeps_one_down), GKV_FAMILY_CRASHES, 15,
        {1, 1}, {0, 0}},
    [GKV_FAMILY_ROLLS] = {"rolls", PARAMETER(rolls), ALONE, 4,
        {500 * MS, 4000 * MS}, {100000, 500 * MS}},
    [GKV_FAMILY_BLACKOUTS] = {"blackouts", PARAMETER(blackouts), ALONE, 4,
        {500 * MS, 4000 * MS}, {100000, 1000 * MS}},
    [GKV_FAMILY_KEY_CRASHES] = {"key_crashes", PARAMETER(key_crashes), ALONE, 4,
        {500 * MS, 4000 * MS}, {100000, 2000 * MS}},
    [GKV_FAMILY_PAUSES] = {"pauses", PARAMETER(pauses), ALONE, 20,
        {100 * MS, 4000 * MS}, {10 * MS, 4000 * MS}},
    [GKV_FAMILY_SUSPENDS] = {"suspends", PARAMETER(suspends), GKV_FAMILY_PAUSES, 40,
        {1, 1}, {0, 0}},
    [GKV_FAMILY_SLOWNESS] = {"slowness", PARAMETER(slowness), ALONE, 8,
        {100 * MS, 2000 * MS}, {50 * MS, 2000 * MS}},
    [GKV_FAMILY_LEAVING] = {"leaving", PARAMETER(has_leave), ALONE, 30,
        {1, 1}, {0, 0}},
    [GKV_FAMILY_RETURNING] = {"returning", PARAMETER(leavers_return), GKV_FAMILY_LEAVING, 40,
        {1, 1}, {0, 0}},
    [GKV_FAMILY_LATE_JOINS] = {"late_joins", PARAMETER(late_count), ALONE, 15,
        {1, 2}, {0, 0}},
    [GKV_FAMILY_JOIN_STORMS] = {"join_storms", PARAMETER(joins_at_once), GKV_FAMILY_LATE_JOINS, 30,
        {1, 1}, {0, 0}},
    [GKV_FAMILY_SKEW] = {"skew", PARAMETER(offset_ms_max), ALONE, 60,
        {1, GKV_SCENARIO_SKEW_MS_MAX}, {0, 0}},
    [GKV_FAMILY_BROKEN_CLOCKS] = {"broken_clocks", PARAMETER(broken_skew_ms), GKV_FAMILY_SKEW, 20,
        {GKV_SCENARIO_SKEW_MS_MAX, GKV_SCENARIO_BROKEN_SKEW_MS_MAX}, {0, 0}},
    [GKV_FAMILY_WILD_CLOCKS] = {"wild_clocks", PARAMETER(wild_skew_ms), GKV_FAMILY_SKEW, 6,
        {GKV_SCENARIO_BROKEN_SKEW_MS_MAX, GKV_SCENARIO_WILD_SKEW_MS_MAX}, {0, 0}},
    [GKV_FAMILY_STEPS] = {"steps", PARAMETER(steps), GKV_FAMILY_SKEW, 50,
        {100 * MS, 5000 * MS}, {0, 0}},
    [GKV_FAMILY_DRIFT] = {"drift", PARAMETER(drift_ppm_max), GKV_FAMILY_SKEW, 50,
        {10, 50000}, {0, 0}},
    [GKV_FAMILY_SWINGS] = {"swings", PARAMETER(swing_ms), GKV_FAMILY_SKEW, 15,
        {10, 2000}, {0, 0}},
    [GKV_FAMILY_LOST_CLOCKS] = {"lost_clocks", PARAMETER(loses_clocks), GKV_FAMILY_CRASHES, 25,
        {1, 1}, {0, 0}},
    [GKV_FAMILY_COARSE_CLOCKS] = {"coarse_clocks", PARAMETER(clock_grain_ms), ALONE, 15,
        {2, 16}, {0, 0}},
    [GKV_FAMILY_EQUAL_CLOCKS] = {"equal_clocks", PARAMETER(has_equal_clocks), ALONE, 6,
        {1, 1}, {0, 0}},
    [GKV_FAMILY_FULL_STORES] = {"full_stores", PARAMETER(may_be_full), ALONE, 0,
        {1, 1}, {0, 0}},
    [GKV_FAMILY_TINY_TABLES] = {"tiny_tables", PARAMETER(has_tiny_tables), ALONE, 15,
        {1, 1}, {0, 0}},
    [GKV_FAMILY_RARE_TABLES] = {"rare_tables", PARAMETER(has_rare_tables), ALONE, 8,
        {1, 1}, {0, 0}},
    [GKV_FAMILY_FEW_OPERATIONS] = {"few_operations", PARAMETER(operation_slots), ALONE, 8,
        {1, 8}, {0, 0}},
    [GKV_FAMILY_TIGHT_VALUES] = {"tight_values", PARAMETER(has_tight_values), ALONE, 12,
        {1, 1}, {0, 0}},
    [GKV_FAMILY_SHORT_TIMEOUTS] = {"short_timeouts", PARAMETER(timeout_ms), ALONE, 4,
        {1, 50}, {0, 0}},
    [GKV_FAMILY_OUTSIDERS] = {"outsiders", PARAMETER(outsider_count), ALONE, 25,
        {1, 3}, {0, 0}},
    [GKV_FAMILY_SHORT_TOMBSTONES] = {"short_tombstones", PARAMETER(short_keep_ms), SPECIAL, 0,
        {0, 0}, {0, 0}},
};
/* clang-format on */

_Static_assert(GKV_FAMILY_COUNT < 64, "a set of families is a mask");

const char *gkv_family_name(enum gkv_family family)
{
    GKV_ASSERT((uint32_t)family < GKV_FAMILY_COUNT);
    return families[family].name;
}

enum gkv_family gkv_family_find(const char *name)
{
    uint32_t number = 0;
    while (number < GKV_FAMILY_COUNT && strcmp(families[number].name, name) != 0) {
        number++;
    }
    return (enum gkv_family)number;
}

static bool is_set(const struct gkv_scenario *scenario, const struct family *family)
{
    const uint8_t *parameter = (const uint8_t *)scenario + family->offset;
    for (size_t i = 0; i < family->bytes; i++) {
        if (parameter[i] != 0) {
            return true;
        }
    }
    return false;
}

static void put(struct gkv_scenario *scenario, const struct family *family, uint64_t size,
                uint64_t lasting)
{
    uint8_t *parameter = (uint8_t *)scenario + family->offset;
    const struct gkv_recurrence recurrence = {.every_ns = size, .for_ns_max = lasting};
    const uint32_t size32 = (uint32_t)size;
    const bool is_on = size > 0;
    if (family->bytes == sizeof(recurrence)) {
        memcpy(parameter, &recurrence, sizeof(recurrence));
    } else if (family->bytes == sizeof(size)) {
        memcpy(parameter, &size, sizeof(size));
    } else if (family->bytes == sizeof(size32)) {
        memcpy(parameter, &size32, sizeof(size32));
    } else {
        GKV_ASSERT(family->bytes == sizeof(is_on));
        memcpy(parameter, &is_on, sizeof(is_on));
    }
}

static uint64_t choose(struct gkv_choice *choice, const struct family *family,
                       const struct range *range)
{
    return range->low == range->high
               ? range->low
               : gkv_choose_log(choice, family->name, range->low, range->high);
}

static void draw_parameter(struct gkv_scenario *scenario, struct gkv_choice *choice,
                           const struct family *family)
{
    const uint64_t size = choose(choice, family, &family->size);
    put(scenario, family, size, choose(choice, family, &family->lasting));
}

/* Draw those that are within one, or alone; each comes after the one that it is within. */
static void draw_within(struct gkv_scenario *scenario, struct gkv_choice *choice,
                        enum gkv_family within)
{
    for (uint32_t i = 0; i < GKV_FAMILY_COUNT; i++) {
        const struct family *family = &families[i];
        if (family->within == within && gkv_choose_percent(choice, family->name, family->percent)) {
            draw_parameter(scenario, choice, family);
        }
    }
}

void gkv_family_draw_on(struct gkv_scenario *scenario, struct gkv_choice *choice,
                        enum gkv_family family)
{
    GKV_ASSERT(families[family].within == ALONE);
    draw_parameter(scenario, choice, &families[family]);
    draw_within(scenario, choice, family);
}

void gkv_family_draw(struct gkv_scenario *scenario, struct gkv_choice *choice)
{
    for (uint32_t i = 0; i < GKV_FAMILY_COUNT; i++) {
        if (families[i].within == ALONE &&
            gkv_choose_percent(choice, families[i].name, families[i].percent)) {
            gkv_family_draw_on(scenario, choice, (enum gkv_family)i);
        }
    }
}

uint64_t gkv_family_mask_of(const struct gkv_scenario *scenario)
{
    uint64_t mask = 0;
    for (uint32_t i = 0; i < GKV_FAMILY_COUNT; i++) {
        const struct family *family = &families[i];
        const bool is_met = family->within >= ALONE || is_set(scenario, &families[family->within]);
        if (is_met && is_set(scenario, family)) {
            mask |= gkv_family_bit((enum gkv_family)i);
        }
    }
    return mask;
}

void gkv_family_switch_off(struct gkv_scenario *scenario, uint64_t mask)
{
    for (uint32_t i = 0; i < GKV_FAMILY_COUNT; i++) {
        const struct family *family = &families[i];
        const uint64_t above =
            family->within < ALONE ? gkv_family_bit((enum gkv_family)family->within) : 0;
        if ((mask & (gkv_family_bit((enum gkv_family)i) | above)) != 0) {
            memset((uint8_t *)scenario + family->offset, 0, family->bytes);
        }
    }
}
