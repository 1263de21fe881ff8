/* Many seeds, over several processes: each worker is told a seed, runs it, and says how it went.
 *
 * Model     Seeds are independent, and so are processes: an assertion ends one worker and nothing
 *           else. What a worker prints goes to a file of its own, so that of several failures one
 *           is shown. A worker that dies without a word fails its seed as "crash".
 * Bounds    GKV_JOBS_COUNT_MAX workers; GKV_JOBS_SECONDS_MAX of real time for a seed.
 * Not here  Which seed is next, and what they add up to: sim/campaign.h.
 */
#ifndef GKV_SIM_JOBS_H
#define GKV_SIM_JOBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/campaign.h"
#include "sim/trial.h"

#define GKV_JOBS_COUNT_MAX 64
#define GKV_JOBS_SECONDS_MAX 300 /* then the system ends the process */
#define GKV_JOBS_DOUBLE_EVERY 64 /* of so many seeds, one is run twice, and must repeat */

/* Runs a seed: fills the summary, and reports what fails where options->report asks for it. */
typedef void gkv_jobs_runner(const struct gkv_trial_options *options,
                             struct gkv_trial_summary *summary_out);

struct gkv_jobs_options {
    struct gkv_trial_options trial; /* of every seed; but seed, and what is told when it is over */
    gkv_jobs_runner *run;           /* NULL: gkv_trial_run_with */
    void *more;                     /* what a run fills besides its summary; NULL: nothing */
    size_t more_bytes;
    uint32_t seconds_max; /* of real time for a seed; 0: GKV_JOBS_SECONDS_MAX */
    uint32_t job_count;   /* 0: as many as there are processors */
    uint64_t time_ns_max; /* no seed is begun later; 0: no limit */
    bool is_twice;        /* run every seed twice, not only some */
    void (*each)(void *context, const struct gkv_trial_summary *summary); /* a seed ended, in any
                                                                             order, and `more` is
                                                                             its own; or NULL */
    void *context;
};

/* Run a seed twice, and compare. Reports what fails, where options->report asks for it. */
void gkv_jobs_run_twice(gkv_jobs_runner *run, const struct gkv_trial_options *options,
                        struct gkv_trial_summary *summary_out);

/* Run one in a process of its own, so that an assertion ends nothing else, and take over the
 * script that it has written, if one is wanted. False: it did not end, or not by itself.
 * options->tell is not called. */
bool gkv_jobs_try(const struct gkv_trial_options *options, struct gkv_trial_summary *summary_out);

/* Run the seeds of a campaign, up to the first failure or until the time is over. The report of the
 * failure that counts is printed, where options->trial.report asks for it, and no other. A line on
 * stderr says how far it is, where stderr is a terminal. GKV_TRIAL_INTERNAL: no processes. */
enum gkv_trial_status gkv_jobs_run(const struct gkv_jobs_options *options,
                                   struct gkv_campaign *campaign);

/* Have the shell run a command, and take each line that it writes to stdout. False: it ended with
 * another status than 0, or cannot be run. */
bool gkv_jobs_listen(const char *command, void (*take)(void *context, const char *line),
                     void *context);

/* Is a line of progress due on stderr? It is a terminal, and *shown_ns, which becomes now, is a
 * while ago; 0: none was shown yet. */
bool gkv_jobs_may_show(uint64_t *shown_ns);

/* Wipe it out, if one was shown. */
void gkv_jobs_unshow(uint64_t shown_ns);

/* The machine's monotonic clock: of limits of real time, and of nothing in a run. */
uint64_t gkv_jobs_now_ns(void);

/* A seed that is unlikely to have been run before: from the machine's clock. */
uint64_t gkv_jobs_fresh_seed(void);

#endif
