#include "sim/family.h"

#include <stddef.h>
#include <string.h>

#include "core/panic.h"
#include "sim/scenario.h"

#define ALONE GKV_FAMILY_COUNT

struct family {
    const char *name;
    size_t offset; /* of its parameter in the scenario */
    size_t bytes;
    enum gkv_family within; /* it is on only where this one is; ALONE: it needs none */
};

/* clang-format off */
#define PARAMETER(field) \
    offsetof(struct gkv_scenario, field), sizeof(((struct gkv_scenario *)NULL)->field)

static const struct family families[GKV_FAMILY_COUNT] = {
    [GKV_FAMILY_LATENCY] = {"latency", PARAMETER(link.latency_ns), ALONE},
    [GKV_FAMILY_JITTER] = {"jitter", PARAMETER(link.jitter_ns), ALONE},
    [GKV_FAMILY_TAIL] = {"tail", PARAMETER(link.tail_ppm), ALONE},
    [GKV_FAMILY_LOSS] = {"loss", PARAMETER(link.loss_ppm), ALONE},
    [GKV_FAMILY_DUPLICATES] = {"duplicates", PARAMETER(link.duplicate_ppm), ALONE},
    [GKV_FAMILY_SPLITS] = {"splits", PARAMETER(link.split_ppm), ALONE},
    [GKV_FAMILY_SMALL_READS] = {"small_reads", PARAMETER(world.receive_bytes_max), ALONE},
    [GKV_FAMILY_BREAKS] = {"breaks", PARAMETER(link.break_ppm), ALONE},
    [GKV_FAMILY_SMALL_WINDOWS] = {"small_windows", PARAMETER(world.window_bytes), ALONE},
    [GKV_FAMILY_LATE_TIMERS] = {"late_timers", PARAMETER(world.timer_late_ns_max), ALONE},
    [GKV_FAMILY_CUTS] = {"cuts", PARAMETER(cut_every_ns), ALONE},
    [GKV_FAMILY_ONE_WAY] = {"one_way", PARAMETER(cuts_one_way), GKV_FAMILY_CUTS},
    [GKV_FAMILY_CRASHES] = {"crashes", PARAMETER(crash_every_ns), ALONE},
    [GKV_FAMILY_KEPT_DOWN] = {"kept_down", PARAMETER(keeps_one_down), GKV_FAMILY_CRASHES},
    [GKV_FAMILY_PAUSES] = {"pauses", PARAMETER(pause_every_ns), ALONE},
    [GKV_FAMILY_LEAVING] = {"leaving", PARAMETER(has_leave), ALONE},
    [GKV_FAMILY_RETURNING] = {"returning", PARAMETER(leavers_return), GKV_FAMILY_LEAVING},
    [GKV_FAMILY_LATE_JOINS] = {"late_joins", PARAMETER(late_count), ALONE},
    [GKV_FAMILY_SKEW] = {"skew", PARAMETER(skew_ms_max), ALONE},
    [GKV_FAMILY_STEPS] = {"steps", PARAMETER(clock_every_ns), GKV_FAMILY_SKEW},
    [GKV_FAMILY_FULL_STORES] = {"full_stores", PARAMETER(may_be_full), ALONE},
};
/* clang-format on */

_Static_assert(GKV_FAMILY_COUNT <= 64, "a set of families is a mask");

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

uint64_t gkv_family_mask_of(const struct gkv_scenario *scenario)
{
    uint64_t mask = 0;
    for (uint32_t i = 0; i < GKV_FAMILY_COUNT; i++) {
        const struct family *family = &families[i];
        const bool is_met = family->within == ALONE || is_set(scenario, &families[family->within]);
        if (is_met && is_set(scenario, family)) {
            mask |= gkv_family_bit((enum gkv_family)i);
        }
    }
    return mask;
}

void gkv_family_switch_off(struct gkv_scenario *scenario, uint64_t mask)
{
    for (uint32_t i = 0; i < GKV_FAMILY_COUNT; i++) {
        if ((mask & gkv_family_bit((enum gkv_family)i)) != 0) {
            memset((uint8_t *)scenario + families[i].offset, 0, families[i].bytes);
        }
    }
}
