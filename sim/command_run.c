/* gridkv-sim run: one seed, or many. */
#include <inttypes.h>
#include <stdio.h>

#include "sim/campaign.h"
#include "sim/command.h"
#include "sim/hashes.h"
#include "sim/jobs.h"
#include "sim/outputs.h"
#include "sim/report.h"
#include "sim/report_json.h"
#include "sim/seedfile.h"
#include "sim/seeds.h"
#include "sim/switches.h"
#include "sim/trial.h"

struct request {
    struct gkv_jobs_options jobs;
    struct gkv_outputs outputs;
    struct gkv_seeds seeds;
    const char *file; /* NULL: none */
    bool has_hashes;
    bool is_twice;
    bool is_json;
};

/* ---- What is asked for ----------------------------------------------------------------------- */

static bool take_option(struct gkv_arguments *arguments, struct request *request)
{
    const char *text = NULL;
    uint64_t job_count = 0;
    if (gkv_arguments_take(arguments, "--twice") ||
        gkv_arguments_take(arguments, "--check-determinism")) {
        request->is_twice = true;
        return true;
    }
    if (gkv_arguments_take(arguments, "--json")) {
        request->is_json = true;
        return true;
    }
    if (gkv_arguments_take(arguments, "--hashes")) {
        request->has_hashes = true;
        return true;
    }
    if (gkv_arguments_take_text(arguments, "--trace", &text)) {
        return gkv_outputs_parse(&request->outputs, text) ||
               gkv_arguments_wrong(arguments,
                                   "--trace wants chrome=FILE,shiviz=FILE,history=FILE, or some "
                                   "of them, and not '%s'",
                                   text);
    }
    if (gkv_arguments_take_number(arguments, "--jobs", GKV_JOBS_COUNT_MAX, &job_count)) {
        request->jobs.job_count = (uint32_t)job_count;
        return true;
    }
    return gkv_arguments_take_text(arguments, "--html", &request->outputs.html) ||
           gkv_arguments_take_text(arguments, "--out", &request->file) ||
           gkv_switches_take(arguments, &request->jobs.trial);
}

static bool is_sensible(struct gkv_arguments *arguments, const struct request *request)
{
    const bool leaves_files = gkv_outputs_wanted(&request->outputs) || request->file != NULL;
    const bool is_one = gkv_seeds_is_one(&request->seeds) && !request->is_twice;
    if (leaves_files && (!is_one || request->has_hashes)) {
        return gkv_arguments_wrong(
            arguments, "--html, --trace and --out are of one run, that of --seed N alone");
    }
    if (request->has_hashes && (request->is_json || request->seeds.has_time)) {
        return gkv_arguments_wrong(arguments, "--hashes goes without %s",
                                   request->is_json ? "--json" : "--time");
    }
    if (request->has_hashes && request->seeds.last - request->seeds.first >= GKV_HASHES_COUNT_MAX) {
        return gkv_arguments_wrong(arguments, "--hashes goes with %d seeds at most",
                                   GKV_HASHES_COUNT_MAX);
    }
    return true;
}

static bool parse(struct gkv_arguments *arguments, struct request *request)
{
    while (gkv_arguments_more(arguments)) {
        if (!gkv_seeds_take(arguments, &request->seeds) && !take_option(arguments, request)) {
            return false;
        }
        if (arguments->wrong[0] != '\0') {
            return false;
        }
    }
    return gkv_seeds_settle(arguments, &request->seeds) && is_sensible(arguments, request);
}

/* ---- One run, in this process ---------------------------------------------------------------- */

struct teller {
    const struct gkv_trial_options *options;
    const char *file; /* NULL: none */
    bool is_json;
    bool is_file_lost; /* it could not be written */
};

/* False: it cannot be written, which is said. */
static bool keep(const struct teller *teller, const struct gkv_trial_summary *summary)
{
    struct gkv_seedfile head;
    gkv_seedfile_init(&head, summary);
    FILE *file = fopen(teller->file, "w");
    bool is_written = file != NULL && gkv_seedfile_write(file, &head, teller->options->recording);
    is_written = file != NULL && fclose(file) == 0 && is_written;
    (void)fprintf(stderr, is_written ? "wrote %s\n" : "gridkv-sim: cannot write %s\n",
                  teller->file);
    return is_written;
}

/* A failure is told as what it is; what passed and left no file has not done its work. */
static enum gkv_trial_status status_of(const struct teller *teller,
                                       const struct gkv_trial_summary *summary)
{
    const bool is_lost = teller->is_file_lost || summary->is_file_lost;
    return is_lost && summary->status == GKV_TRIAL_PASS ? GKV_TRIAL_INTERNAL : summary->status;
}

/* It is over, even by an assertion. */
static void tell(void *context, const struct gkv_trial_summary *summary)
{
    static struct gkv_trial_summary told; /* too large for a stack frame */
    struct teller *teller = context;
    teller->is_file_lost = teller->file != NULL && !keep(teller, summary);
    if (!teller->is_json) {
        return;
    }
    told = *summary;
    told.status = status_of(teller, summary);
    if (summary->status != GKV_TRIAL_PASS) {
        gkv_report_json_failure(stdout, teller->options, summary);
    }
    gkv_report_json_run(stdout, teller->options, &told);
}

static int run_one(const struct request *request)
{
    struct gkv_trial_options options = request->jobs.trial;
    struct teller teller = {
        .options = &options, .file = request->file, .is_json = request->is_json};
    options.seed = request->seeds.first;
    options.outputs = &request->outputs;
    options.tell = tell;
    options.context = &teller;
    if (request->file != NULL) {
        options.recording = gkv_recording_create();
        if (options.recording == NULL) {
            (void)fprintf(stderr, "gridkv-sim: no memory for a recording\n");
            return GKV_TRIAL_INTERNAL;
        }
    }
    static struct gkv_trial_summary summary; /* too large for a stack frame */
    gkv_trial_run_with(&options, &summary);
    summary.status = status_of(&teller, &summary);
    if (!request->is_json) {
        gkv_report_summary(&summary);
    }
    gkv_recording_destroy(options.recording);
    return (int)summary.status;
}

/* ---- Many runs ------------------------------------------------------------------------------- */

static int run_for_hashes(struct gkv_jobs_options *jobs, struct gkv_campaign *campaign)
{
    struct gkv_hashes hashes;
    if (!gkv_hashes_create(&hashes, campaign->first, campaign->last)) {
        (void)fprintf(stderr, "gridkv-sim: no memory for so many hashes\n");
        return GKV_TRIAL_INTERNAL;
    }
    jobs->each = gkv_hashes_keep;
    jobs->context = &hashes;
    const enum gkv_trial_status status = gkv_jobs_run(jobs, campaign);
    gkv_hashes_print(&hashes, stdout);
    gkv_hashes_destroy(&hashes);
    return (int)status;
}

static int run_many(struct request *request)
{
    static struct gkv_campaign campaign; /* too large for a stack frame */
    if (request->seeds.has_time && !request->is_json) {
        printf("seeds from %" PRIu64 " on\n", request->seeds.first);
    }
    gkv_campaign_init(&campaign, request->seeds.first, request->seeds.last);
    request->jobs.time_ns_max = request->seeds.time_ns_max;
    request->jobs.is_twice = request->is_twice;
    if (request->has_hashes) {
        return run_for_hashes(&request->jobs, &campaign);
    }
    const enum gkv_trial_status status = gkv_jobs_run(&request->jobs, &campaign);
    if (!request->is_json) {
        gkv_campaign_print(&campaign);
        return (int)status;
    }
    if (campaign.failure_count > 0) {
        gkv_report_json_failure(stdout, &request->jobs.trial, &campaign.failure);
    }
    gkv_report_json_runs(stdout, &request->jobs.trial, &campaign);
    return (int)status;
}

static int run_twice(const struct request *request)
{
    static struct gkv_trial_summary summary; /* too large for a stack frame */
    struct gkv_trial_options options = request->jobs.trial;
    options.seed = request->seeds.first;
    gkv_jobs_run_twice(gkv_trial_run_with, &options, &summary);
    gkv_report_summary(&summary);
    return (int)summary.status;
}

int gkv_command_run(struct gkv_arguments *arguments)
{
    static struct request request; /* too large for a stack frame */
    if (!parse(arguments, &request)) {
        return GKV_TRIAL_USAGE;
    }
    request.jobs.trial.report = !request.is_json;
    const bool is_one = gkv_seeds_is_one(&request.seeds) && !request.has_hashes;
    if (is_one && !request.is_twice) {
        return run_one(&request);
    }
    return is_one && !request.is_json ? run_twice(&request) : run_many(&request);
}
