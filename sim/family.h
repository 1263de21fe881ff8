/* Everything that can go wrong in a run, by name, so that it can be switched off.
 *
 * Model     A family is one parameter of the scenario: it is on when that is not zero, and when the
 *           family is on without which it means nothing. Off is zero. All parameters are drawn
 *           first, and those of families that are off are zeroed then: the cluster and its clients
 *           stay what the seed says. How often a family is on, and from which range its parameter
 *           is drawn, is a row of the table in sim/family.c.
 * Bounds    At most 64 families: a set of them is a mask of bits.
 * Not here  What they do: sim/faults.h and io_sim/net.h.
 */
#ifndef GKV_SIM_FAMILY_H
#define GKV_SIM_FAMILY_H

#include <stdbool.h>
#include <stdint.h>

struct gkv_choice;
struct gkv_scenario;

enum gkv_family {
    GKV_FAMILY_LATENCY = 0,
    GKV_FAMILY_JITTER = 1,
    GKV_FAMILY_TAIL = 2,
    GKV_FAMILY_LOSS = 3,
    GKV_FAMILY_DUPLICATES = 4,
    GKV_FAMILY_SLOW_LINKS = 5,
    GKV_FAMILY_BANDWIDTH = 6,
    GKV_FAMILY_SPLITS = 7,
    GKV_FAMILY_SMALL_READS = 8,
    GKV_FAMILY_TRICKLES = 9,
    GKV_FAMILY_SMALL_WINDOWS = 10,
    GKV_FAMILY_BREAKS = 11,
    GKV_FAMILY_RESETS = 12,
    GKV_FAMILY_HALF_OPENS = 13,
    GKV_FAMILY_REFUSALS = 14,
    GKV_FAMILY_HANGS = 15,
    GKV_FAMILY_SLAMS = 16,
    GKV_FAMILY_STALLS = 17,
    GKV_FAMILY_FLIPS = 18,
    GKV_FAMILY_TRUNCATIONS = 19,
    GKV_FAMILY_LATE_TIMERS = 20,
    GKV_FAMILY_CUTS = 21,
    GKV_FAMILY_ISOLATIONS = 22,
    GKV_FAMILY_SIDES = 23,
    GKV_FAMILY_ONE_WAY = 24,
    GKV_FAMILY_BRIDGES = 25,
    GKV_FAMILY_RINGS = 26,
    GKV_FAMILY_FLAPS = 27,
    GKV_FAMILY_SWIZZLES = 28,
    GKV_FAMILY_SEED_CUTS = 29,
    GKV_FAMILY_LASTING_CUTS = 30,
    GKV_FAMILY_CRASHES = 31,
    GKV_FAMILY_SILENT_CRASHES = 32,
    GKV_FAMILY_KEPT_DOWN = 33,
    GKV_FAMILY_ROLLS = 34,
    GKV_FAMILY_BLACKOUTS = 35,
    GKV_FAMILY_KEY_CRASHES = 36,
    GKV_FAMILY_PAUSES = 37,
    GKV_FAMILY_SUSPENDS = 38,
    GKV_FAMILY_SLOWNESS = 39,
    GKV_FAMILY_LEAVING = 40,
    GKV_FAMILY_RETURNING = 41,
    GKV_FAMILY_LATE_JOINS = 42,
    GKV_FAMILY_JOIN_STORMS = 43,
    GKV_FAMILY_SKEW = 44,
    GKV_FAMILY_BROKEN_CLOCKS = 45,
    GKV_FAMILY_STEPS = 46,
    GKV_FAMILY_DRIFT = 47,
    GKV_FAMILY_SWINGS = 48,
    GKV_FAMILY_LOST_CLOCKS = 49,
    GKV_FAMILY_COARSE_CLOCKS = 50,
    GKV_FAMILY_EQUAL_CLOCKS = 51,
    GKV_FAMILY_FULL_STORES = 52,
    GKV_FAMILY_TINY_TABLES = 53,
    GKV_FAMILY_OUTSIDERS = 54,
    GKV_FAMILY_RARE_TABLES = 55,
    GKV_FAMILY_FEW_OPERATIONS = 56,
    GKV_FAMILY_SHORT_TOMBSTONES = 57,
    GKV_FAMILY_TIGHT_VALUES = 58,
    GKV_FAMILY_SHORT_TIMEOUTS = 59,
    GKV_FAMILY_WILD_CLOCKS = 60,
    GKV_FAMILY_COUNT = 61,
};

/* Its name, such as "small_windows". */
const char *gkv_family_name(enum gkv_family family);

/* The family of a name; GKV_FAMILY_COUNT when there is none. */
enum gkv_family gkv_family_find(const char *name);

static inline uint64_t gkv_family_bit(enum gkv_family family)
{
    return UINT64_C(1) << (uint32_t)family;
}

/* Draw which are on in a scenario, and their parameters. */
void gkv_family_draw(struct gkv_scenario *scenario, struct gkv_choice *choice);

/* Draw the parameters of one that is to be on, and of those that mean nothing without it. */
void gkv_family_draw_on(struct gkv_scenario *scenario, struct gkv_choice *choice,
                        enum gkv_family family);

/* Those that are on in a scenario. */
uint64_t gkv_family_mask_of(const struct gkv_scenario *scenario);

/* Zero the parameters of the families in mask, and of those that mean nothing without them. */
void gkv_family_switch_off(struct gkv_scenario *scenario, uint64_t mask);

#endif
