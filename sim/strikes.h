/* The kinds of faults, as sim/faults.c calls them.
 *
 * Model     A strike does what its family does, and returns for how long it goes on: the family
 *           does not strike again meanwhile. GKV_NEVER: it does not strike again at all.
 */
#ifndef GKV_SIM_STRIKES_H
#define GKV_SIM_STRIKES_H

#include "sim/trial.h"

/* A number below a bound that may be zero. */
static inline uint64_t gkv_strike_below(struct gkv_trial *trial, const char *label, uint64_t bound)
{
    return gkv_choose(&trial->choice, label, bound > 0 ? bound : 1);
}

/* How long a strike lasts: over 0, up to most_ns. */
static inline uint64_t gkv_strike_time(struct gkv_trial *trial, const char *label, uint64_t most_ns)
{
    return most_ns == 0 ? 1 : gkv_choose_log(&trial->choice, label, 1 + most_ns / 1000, most_ns);
}

/* ---- Network ---- */
void gkv_strike_links(struct gkv_trial *trial); /* every link gets its share of what is wrong */
uint64_t gkv_strike_stall(struct gkv_trial *trial, uint64_t for_ns_max);
uint64_t gkv_strike_reset(struct gkv_trial *trial, uint64_t for_ns_max);
uint64_t gkv_strike_half_open(struct gkv_trial *trial, uint64_t for_ns_max);

/* ---- Partitions ---- */
uint64_t gkv_strike_cut(struct gkv_trial *trial, uint64_t for_ns_max);
void gkv_strike_mend(struct gkv_trial *trial);
void gkv_strike_flap(struct gkv_trial *trial);
void gkv_strike_isolate(struct gkv_trial *trial, uint32_t node, bool is_isolated);

/* ---- Processes ---- */
uint64_t gkv_strike_crash(struct gkv_trial *trial, uint64_t for_ns_max);
uint64_t gkv_strike_roll(struct gkv_trial *trial, uint64_t for_ns_max);
uint64_t gkv_strike_blackout(struct gkv_trial *trial, uint64_t for_ns_max);
uint64_t gkv_strike_key(struct gkv_trial *trial, uint64_t for_ns_max);
uint64_t gkv_strike_pause(struct gkv_trial *trial, uint64_t for_ns_max);
uint64_t gkv_strike_slow(struct gkv_trial *trial, uint64_t for_ns_max);
void gkv_strike_restart(struct gkv_trial *trial, uint32_t node); /* one of a roll */
void gkv_strike_leave(struct gkv_trial *trial);
void gkv_strike_stop(struct gkv_trial *trial, uint32_t node); /* one that left */
void gkv_strike_end(struct gkv_trial *trial, uint32_t node, uint64_t silent_ns,
                    enum gkv_predicate met); /* its life, counted as that */
void gkv_strike_goodbye(struct gkv_trial *trial, uint32_t node);
void gkv_strike_boot(struct gkv_trial *trial, uint32_t node);
void gkv_strike_revive(struct gkv_trial *trial); /* whoever is down, but for one kept down */

/* ---- Clocks ---- */
void gkv_strike_clock_set(struct gkv_trial *trial, uint32_t node); /* when a life begins */
void gkv_strike_clocks_mend(struct gkv_trial *trial);              /* those that were lost */
uint64_t gkv_strike_clock(struct gkv_trial *trial, uint64_t for_ns_max);

#endif
