/* Many seeds: which is next, what they add up to, and which failure is told.
 *
 * Model     Seeds are given out in order, and none after the first failure that is known. Those
 *           that were given out before are waited for: of all that fail, the lowest seed is told,
 *           so that a range has one result whatever the number of processes.
 * Invariant failure, if any, is of the lowest seed added that failed.
 * Not here  Processes, and how long they took: sim/jobs.h.
 */
#ifndef GKV_SIM_CAMPAIGN_H
#define GKV_SIM_CAMPAIGN_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/tally.h"
#include "sim/trial.h"

struct gkv_campaign {
    uint64_t first;
    uint64_t next; /* to be given out */
    uint64_t last;
    bool is_stopped; /* no more are given out */
    uint64_t seed_count;
    uint64_t failure_count;
    uint64_t event_count;
    uint64_t simulated_ns;
    uint64_t operation_count;
    uint64_t key_count;
    uint64_t wrong_key_count;
    struct gkv_tally tally;
    struct gkv_trial_summary failure; /* if failure_count > 0 */

    /* What it cost, by the machine's clocks: no part of any result. */
    uint64_t wall_ns;
    uint64_t cpu_ns; /* of all processes that ran seeds */
};

/* How fast it went, in whole numbers; 0 where nothing was measured. */
struct gkv_campaign_figures {
    uint64_t seeds_per_core_hour;
    uint64_t events_per_cpu_second;
    uint64_t simulated_per_wall;
    uint64_t simulated_per_cpu;
};

/* last < UINT64_MAX. */
void gkv_campaign_init(struct gkv_campaign *campaign, uint64_t first, uint64_t last);

/* The next seed to run; false: no more are to be begun. */
bool gkv_campaign_next(struct gkv_campaign *campaign, uint64_t *seed_out);

/* Begin no more. */
void gkv_campaign_stop(struct gkv_campaign *campaign);

/* Add how a seed went. */
void gkv_campaign_add(struct gkv_campaign *campaign, const struct gkv_trial_summary *summary);

/* The last seed that was given out; first when none was. */
uint64_t gkv_campaign_last(const struct gkv_campaign *campaign);

enum gkv_trial_status gkv_campaign_status(const struct gkv_campaign *campaign);
struct gkv_campaign_figures gkv_campaign_figures(const struct gkv_campaign *campaign);

/* How many predicates were met at least once. */
uint32_t gkv_campaign_reached_count(const struct gkv_campaign *campaign);

/* How often each predicate was asked, the rates, and the last lines. */
void gkv_campaign_print(const struct gkv_campaign *campaign);

/* The last two lines alone: the figures, and what all came to. */
void gkv_campaign_print_end(const struct gkv_campaign *campaign, enum gkv_trial_status status);

#endif
