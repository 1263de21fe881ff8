/* gridkv-sim determinism: is a run a function of its seed, here and in other builds? */
#include <inttypes.h>
#include <stdio.h>

#include "sim/campaign.h"
#include "sim/command.h"
#include "sim/hashes.h"
#include "sim/jobs.h"
#include "sim/report.h"
#include "sim/switches.h"
#include "sim/trial.h"

#define AGAINST_COUNT_MAX 16
#define COMMAND_BYTES 2000

struct request {
    struct gkv_jobs_options jobs;
    uint64_t first;
    uint64_t last;
    uint32_t against_count;
    const char *against[AGAINST_COUNT_MAX];
};

static bool take_option(struct gkv_arguments *arguments, struct request *request)
{
    const char *text = NULL;
    uint64_t job_count = 0;
    if (gkv_arguments_take_text(arguments, "--seeds", &text)) {
        return gkv_arguments_range(text, &request->first, &request->last) ||
               gkv_arguments_wrong(
                   arguments, "--seeds wants the first and the last, such as 1..500, and not '%s'",
                   text);
    }
    if (gkv_arguments_take_text(arguments, "--against", &text)) {
        if (request->against_count == AGAINST_COUNT_MAX) {
            return gkv_arguments_wrong(arguments, "--against may be given %d times",
                                       AGAINST_COUNT_MAX);
        }
        request->against[request->against_count++] = text;
        return true;
    }
    if (gkv_arguments_take_number(arguments, "--jobs", GKV_JOBS_COUNT_MAX, &job_count)) {
        request->jobs.job_count = (uint32_t)job_count;
        return true;
    }
    return gkv_switches_take(arguments, &request->jobs.trial);
}

static void read_line(void *context, const char *line)
{
    (void)gkv_hashes_read(context, line);
}

/* As one word for a shell. */
static void print_quoted(const char *word)
{
    printf("'");
    for (const char *at = word; *at != '\0'; at++) {
        printf(*at == '\'' ? "'\\''" : "%c", *at);
    }
    printf("'");
}

static void print_difference(const struct request *request, const char *against, uint64_t seed,
                             const struct gkv_hashes *ours, const struct gkv_hashes *theirs)
{
    const uint64_t *here = ours->chains[seed - request->first];
    const uint64_t *there = theirs->chains[seed - request->first];
    char switches[GKV_TRIAL_LINE_BYTES];
    gkv_report_switches(&request->jobs.trial, switches);
    printf("replay: gridkv-sim determinism --seeds %" PRIu64 "..%" PRIu64 "%s --against ", seed,
           seed, switches);
    print_quoted(against);
    printf("%s%s\n", gkv_report_commit()[0] != '\0' ? "   # at commit " : "", gkv_report_commit());
    printf("FAIL determinism seed=%" PRIu64 ": hash %016" PRIx64 "%016" PRIx64 " here, ", seed,
           here[0], here[1]);
    if ((there[0] | there[1]) == 0) {
        printf("and not run there\n");
    } else {
        printf("%016" PRIx64 "%016" PRIx64 " there\n", there[0], there[1]);
    }
}

/* Let another build run the same seeds. */
static enum gkv_trial_status compare(const struct request *request, const char *against,
                                     const struct gkv_hashes *ours)
{
    static char command[COMMAND_BYTES]; /* too large for a stack frame */
    char switches[GKV_TRIAL_LINE_BYTES];
    struct gkv_hashes theirs;
    uint64_t seed = 0;
    gkv_report_switches(&request->jobs.trial, switches);
    const int count =
        snprintf(command, sizeof(command),
                 "%s run --hashes --seeds %" PRIu64 "..%" PRIu64 " --jobs %" PRIu32 "%s", against,
                 request->first, request->last, request->jobs.job_count, switches);
    if (count < 0 || (size_t)count >= sizeof(command) ||
        !gkv_hashes_create(&theirs, request->first, request->last)) {
        (void)fprintf(stderr, "gridkv-sim: no memory, or too long a command\n");
        return GKV_TRIAL_INTERNAL;
    }
    enum gkv_trial_status status = GKV_TRIAL_PASS;
    const bool is_well = gkv_jobs_listen(command, read_line, &theirs);
    if (gkv_hashes_differ(ours, &theirs, &seed)) {
        print_difference(request, against, seed, ours, &theirs);
        status = GKV_TRIAL_DETERMINISM;
    } else if (!is_well) {
        printf("FAIL determinism: '%s' fails, with the same hashes\n", command);
        status = GKV_TRIAL_DETERMINISM;
    }
    gkv_hashes_destroy(&theirs);
    return status;
}

/* Run all seeds here, twice each, and then there. */
static enum gkv_trial_status run(struct request *request, struct gkv_hashes *ours)
{
    static struct gkv_campaign campaign; /* too large for a stack frame */
    gkv_campaign_init(&campaign, request->first, request->last);
    request->jobs.trial.report = true;
    request->jobs.is_twice = true;
    request->jobs.each = gkv_hashes_keep;
    request->jobs.context = ours;
    enum gkv_trial_status status = gkv_jobs_run(&request->jobs, &campaign);
    if (status != GKV_TRIAL_PASS) {
        return status;
    }
    printf("twice in one process: equal\n");
    for (uint32_t i = 0; i < request->against_count && status == GKV_TRIAL_PASS; i++) {
        (void)fflush(stdout);
        status = compare(request, request->against[i], ours);
        if (status == GKV_TRIAL_PASS) {
            printf("%s: equal\n", request->against[i]);
        }
    }
    return status;
}

int gkv_command_determinism(struct gkv_arguments *arguments)
{
    static struct request request; /* too large for a stack frame */
    struct gkv_hashes ours;
    request = (struct request){.first = 1, .last = 500};
    while (gkv_arguments_more(arguments)) {
        if (!take_option(arguments, &request)) {
            return GKV_TRIAL_USAGE;
        }
    }
    if (!gkv_hashes_create(&ours, request.first, request.last)) {
        (void)gkv_arguments_wrong(arguments, "--seeds takes %d of them at most",
                                  GKV_HASHES_COUNT_MAX);
        return GKV_TRIAL_USAGE;
    }
    const enum gkv_trial_status status = run(&request, &ours);
    printf("seeds=%" PRIu64 "..%" PRIu64 " builds=%u result=%s\n", request.first, request.last,
           (unsigned)request.against_count + 1, gkv_report_status_name(status));
    gkv_hashes_destroy(&ours);
    return (int)status;
}
