/* gridkv-sim run: seeds. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sim/command.h"
#include "sim/jobs.h"
#include "sim/outputs.h"
#include "sim/report.h"
#include "sim/seedfile.h"
#include "sim/trial.h"

struct request {
    bool has_seed;
    bool has_seeds;
    bool is_twice;
    uint64_t seed;
    uint64_t job_count;
    const char *file; /* NULL: none */
    struct gkv_jobs_options jobs;
    struct gkv_outputs outputs;
};

static bool parse_range(const char *text, struct gkv_jobs_options *jobs)
{
    const char *dots = strstr(text, "..");
    return dots != NULL && gkv_arguments_number(text, dots, &jobs->first) &&
           gkv_arguments_number(dots + 2, NULL, &jobs->last) && jobs->first <= jobs->last &&
           jobs->last < UINT64_MAX - GKV_JOBS_COUNT_MAX;
}

static bool parse_option(struct gkv_arguments *arguments, struct request *request)
{
    const char *text = NULL;
    if (gkv_arguments_take(arguments, "--twice") ||
        gkv_arguments_take(arguments, "--check-determinism")) {
        request->is_twice = true;
        return true;
    }
    if (gkv_arguments_take_number(arguments, "--seed", UINT64_MAX, &request->seed)) {
        request->has_seed = true;
        return true;
    }
    if (gkv_arguments_take_text(arguments, "--seeds", &text)) {
        request->has_seeds = true;
        return parse_range(text, &request->jobs);
    }
    if (gkv_arguments_take_text(arguments, "--trace", &text)) {
        return gkv_outputs_parse(&request->outputs, text);
    }
    return gkv_arguments_take_text(arguments, "--html", &request->outputs.html) ||
           gkv_arguments_take_text(arguments, "--out", &request->file) ||
           (gkv_arguments_take_number(arguments, "--jobs", GKV_JOBS_COUNT_MAX,
                                      &request->job_count) &&
            request->job_count > 0);
}

static bool parse(struct gkv_arguments *arguments, struct request *request)
{
    while (gkv_arguments_more(arguments)) {
        if (!parse_option(arguments, request)) {
            return false;
        }
    }
    request->jobs.job_count = (uint32_t)request->job_count;
    const bool leaves_files = gkv_outputs_wanted(&request->outputs) || request->file != NULL;
    const bool is_odd = leaves_files && (request->has_seeds || request->is_twice);
    return request->has_seed != request->has_seeds && !is_odd;
}

struct keeper {
    const char *file;
    const struct gkv_recording *recording;
};

/* It is over, even by an assertion: write its draws down. */
static void keep(void *context, const struct gkv_trial_summary *summary)
{
    const struct keeper *keeper = context;
    struct gkv_seedfile head;
    gkv_seedfile_init(&head, summary);
    FILE *file = fopen(keeper->file, "w");
    bool is_written = file != NULL && gkv_seedfile_write(file, &head, keeper->recording);
    is_written = file != NULL && fclose(file) == 0 && is_written;
    if (is_written) {
        printf("wrote %s\n", keeper->file);
    } else {
        (void)fprintf(stderr, "gridkv-sim: cannot write %s\n", keeper->file);
    }
}

static int run_one(const struct request *request)
{
    struct keeper keeper = {.file = request->file};
    struct gkv_trial_options options = {
        .seed = request->seed, .report = true, .outputs = &request->outputs};
    struct gkv_recording *recording = NULL;
    if (request->file != NULL) {
        recording = gkv_recording_create();
        if (recording == NULL) {
            (void)fprintf(stderr, "gridkv-sim: no memory for a recording\n");
            return GKV_TRIAL_INTERNAL;
        }
        keeper.recording = recording;
        options.recording = recording;
        options.tell = keep;
        options.context = &keeper;
    }
    static struct gkv_trial_summary summary; /* too large for a stack frame */
    gkv_trial_run_with(&options, &summary);
    gkv_report_summary(&summary);
    gkv_recording_destroy(recording);
    return (int)summary.status;
}

int gkv_command_run(struct gkv_arguments *arguments)
{
    struct request request = {0};
    if (!parse(arguments, &request)) {
        return GKV_TRIAL_USAGE;
    }
    if (request.has_seeds) {
        return (int)gkv_jobs_run(&request.jobs);
    }
    if (request.is_twice) {
        static struct gkv_trial_summary summary; /* too large for a stack frame */
        gkv_jobs_run_twice(request.seed, &summary);
        gkv_report_summary(&summary);
        return (int)summary.status;
    }
    return run_one(&request);
}
