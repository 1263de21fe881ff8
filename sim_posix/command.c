/* gridkv-sim posix: drills by seed. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sim/campaign.h"
#include "sim/command.h"
#include "sim/jobs.h"
#include "sim/panic.h"
#include "sim/report.h"
#include "sim/seeds.h"
#include "sim_posix/drill.h"
#include "sim_posix/struck.h"

#define NAMES_BYTES 400

/* ---- One seed -------------------------------------------------------------------------------- */

static struct gkv_kernel_tally told_tally; /* of the seed that ended last, from its worker */

static void tell_assertion(const void *context, const char *text)
{
    static struct gkv_trial_summary summary; /* too large for a stack frame */
    const struct gkv_trial_options *options = context;
    summary = (struct gkv_trial_summary){
        .seed = options->seed, .status = GKV_TRIAL_ASSERTION, .check = "assertion"};
    (void)snprintf(summary.text, sizeof(summary.text), "%s", text);
    if (options->report) {
        gkv_report_failure(stdout, options, &summary);
    }
    if (options->tell != NULL) {
        options->tell(options->context, &summary);
    }
}

/* A drill, told as a trial is: a call to the kernel is an event. */
static void run_seed(const struct gkv_trial_options *options, struct gkv_trial_summary *summary_out)
{
    gkv_panic_watch(tell_assertion, options);
    const struct gkv_drill_summary drill = gkv_drill_run(options->seed);
    gkv_panic_watch(NULL, NULL);
    *summary_out = (struct gkv_trial_summary){
        .seed = drill.seed,
        .chain = {drill.hash},
        .event_count = drill.call_count,
        .simulated_ns = drill.simulated_ns,
        .operation_count = drill.operation_count,
        .draw_count = drill.draw_count,
        .check = drill.check,
        .status = drill.status,
        .fail_event = drill.call_count,
        .fail_ns = drill.simulated_ns,
    };
    (void)snprintf(summary_out->text, sizeof(summary_out->text), "%s", drill.text);
    told_tally = drill.tally;
    if (drill.status != GKV_TRIAL_PASS && options->report) {
        gkv_report_failure(stdout, options, summary_out);
    }
}

static int run_one(const struct gkv_jobs_options *jobs, uint64_t seed)
{
    static struct gkv_trial_summary summary; /* too large for a stack frame */
    struct gkv_trial_options options = jobs->trial;
    options.seed = seed;
    if (jobs->is_twice) {
        gkv_jobs_run_twice(run_seed, &options, &summary);
    } else {
        run_seed(&options, &summary);
    }
    gkv_report_summary(&summary);
    return (int)summary.status;
}

/* ---- Many ------------------------------------------------------------------------------------ */

static void take_tally(void *context, const struct gkv_trial_summary *summary)
{
    (void)summary;
    gkv_struck_add(context, &told_tally);
}

/* False, and it is said, when something never happened in as many seeds as it must happen in. */
static bool has_struck_all(const struct gkv_kernel_tally *tally,
                           const struct gkv_campaign *campaign)
{
    char names[NAMES_BYTES];
    if (gkv_struck_missing(tally, campaign->seed_count, names, sizeof(names)) == 0) {
        return true;
    }
    printf("replay: gridkv-sim posix --seeds %" PRIu64 "..%" PRIu64 "%s%s\n", campaign->first,
           gkv_campaign_last(campaign), gkv_report_commit()[0] != '\0' ? "   # at commit " : "",
           gkv_report_commit());
    printf("FAIL coverage: never in %" PRIu64 " seeds: %s\n", campaign->seed_count, names);
    return false;
}

static int run_many(struct gkv_jobs_options *jobs, const struct gkv_seeds *seeds)
{
    static struct gkv_campaign campaign; /* too large for a stack frame */
    struct gkv_kernel_tally sum = {0};
    if (seeds->has_time) {
        printf("seeds from %" PRIu64 " on\n", seeds->first);
    }
    jobs->run = run_seed;
    jobs->more = &told_tally;
    jobs->more_bytes = sizeof(told_tally);
    jobs->time_ns_max = seeds->time_ns_max;
    jobs->each = take_tally;
    jobs->context = &sum;
    gkv_campaign_init(&campaign, seeds->first, seeds->last);
    enum gkv_trial_status status = gkv_jobs_run(jobs, &campaign);
    if (status == GKV_TRIAL_PASS && !has_struck_all(&sum, &campaign)) {
        status = GKV_TRIAL_COVERAGE;
    }
    gkv_struck_print(&sum);
    gkv_campaign_print_end(&campaign, status);
    return (int)status;
}

/* ---- Words ----------------------------------------------------------------------------------- */

int gkv_command_posix(struct gkv_arguments *arguments)
{
    struct gkv_jobs_options jobs = {.trial = {.report = true, .command = "posix"}};
    struct gkv_seeds seeds = {0};
    uint64_t job_count = 0;
    while (gkv_arguments_more(arguments)) {
        if (gkv_arguments_take(arguments, "--twice") ||
            gkv_arguments_take(arguments, "--check-determinism")) {
            jobs.is_twice = true;
        } else if (!gkv_seeds_take(arguments, &seeds) &&
                   !gkv_arguments_take_number(arguments, "--jobs", GKV_JOBS_COUNT_MAX,
                                              &job_count)) {
            return GKV_TRIAL_USAGE;
        }
    }
    if (!gkv_seeds_settle(arguments, &seeds)) {
        return GKV_TRIAL_USAGE;
    }
    jobs.job_count = (uint32_t)job_count;
    return gkv_seeds_is_one(&seeds) ? run_one(&jobs, seeds.first) : run_many(&jobs, &seeds);
}
