/* Everything that can go wrong in a run, by name, so that it can be switched off.
 *
 * Model     A family is one parameter of the scenario: it is on when that is not zero, and when the
 *           family is on without which it means nothing. Off is zero. All parameters are drawn
 *           first, and those of families that are off are zeroed then: the cluster and its clients
 *           stay what the seed says.
 * Bounds    At most 64 families: a set of them is a mask of bits.
 * Not here  What they do: sim/faults.h and io_sim/net.h.
 */
#ifndef GKV_SIM_FAMILY_H
#define GKV_SIM_FAMILY_H

#include <stdbool.h>
#include <stdint.h>

struct gkv_scenario;

enum gkv_family {
    GKV_FAMILY_LATENCY = 0,
    GKV_FAMILY_JITTER = 1,
    GKV_FAMILY_TAIL = 2,
    GKV_FAMILY_LOSS = 3,
    GKV_FAMILY_DUPLICATES = 4,
    GKV_FAMILY_SPLITS = 5,
    GKV_FAMILY_SMALL_READS = 6,
    GKV_FAMILY_BREAKS = 7,
    GKV_FAMILY_SMALL_WINDOWS = 8,
    GKV_FAMILY_LATE_TIMERS = 9,
    GKV_FAMILY_CUTS = 10,
    GKV_FAMILY_ONE_WAY = 11,
    GKV_FAMILY_CRASHES = 12,
    GKV_FAMILY_KEPT_DOWN = 13,
    GKV_FAMILY_PAUSES = 14,
    GKV_FAMILY_LEAVING = 15,
    GKV_FAMILY_RETURNING = 16,
    GKV_FAMILY_LATE_JOINS = 17,
    GKV_FAMILY_SKEW = 18,
    GKV_FAMILY_STEPS = 19,
    GKV_FAMILY_FULL_STORES = 20,
    GKV_FAMILY_COUNT = 21,
};

/* Its name, such as "small_windows". */
const char *gkv_family_name(enum gkv_family family);

/* The family of a name; GKV_FAMILY_COUNT when there is none. */
enum gkv_family gkv_family_find(const char *name);

static inline uint64_t gkv_family_bit(enum gkv_family family)
{
    return UINT64_C(1) << (uint32_t)family;
}

/* Those that are on in a scenario. */
uint64_t gkv_family_mask_of(const struct gkv_scenario *scenario);

/* Zero the parameters of the families in mask. */
void gkv_family_switch_off(struct gkv_scenario *scenario, uint64_t mask);

#endif
