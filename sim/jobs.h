/* Many seeds, over several processes: each worker takes every J-th seed and reports down one pipe.
 *
 * Model     Seeds are independent, and so are processes: an assertion ends one worker and nothing
 *           else.
 * Bounds    GKV_JOBS_COUNT_MAX workers.
 */
#ifndef GKV_SIM_JOBS_H
#define GKV_SIM_JOBS_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/trial.h"

#define GKV_JOBS_COUNT_MAX 64
#define GKV_JOBS_DOUBLE_EVERY 64 /* of so many seeds, one is run twice, and must repeat */

struct gkv_jobs_options {
    uint64_t first;
    uint64_t last;
    uint32_t job_count; /* 0: as many as there are processors */
    void (*each)(void *context, const struct gkv_trial_summary *summary); /* a seed ended, in any
                                                                             order; or NULL */
    void *context;
};

/* Run a seed twice, and compare. Reports what fails. */
void gkv_jobs_run_twice(uint64_t seed, struct gkv_trial_summary *summary_out);

/* Run one in a process of its own, so that an assertion ends nothing else, and take over its
 * recording. False: it did not end, or not by itself. options->tell is not called. */
bool gkv_jobs_try(const struct gkv_trial_options *options, struct gkv_trial_summary *summary_out);

/* Run all seeds, or up to the first failure, which is reported. Prints the last line of all. */
enum gkv_trial_status gkv_jobs_run(const struct gkv_jobs_options *options);

#endif
