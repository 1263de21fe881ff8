/* gridkv-sim replay and shrink: recorded runs. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sim/command.h"
#include "sim/jobs.h"
#include "sim/outputs.h"
#include "sim/report.h"
#include "sim/seedfile.h"
#include "sim/shrink.h"
#include "sim/trial.h"

#define TRY_COUNT 3000 /* of a shrinker that is told nothing */

/* ---- replay ---------------------------------------------------------------------------------- */

/* Was it the run that the file tells of? Told from within, for an assertion comes back no more. */
static void compare(void *context, const struct gkv_trial_summary *summary)
{
    const struct gkv_seedfile *head = context;
    if (summary->diverged_label != NULL) {
        printf("diverged at draw %" PRIu64 ", which asked for %s: all is benign from there on\n",
               summary->diverged_at, summary->diverged_label);
    }
    if (gkv_seedfile_is_of(head, summary)) {
        printf("as recorded: %016" PRIx64 "%016" PRIx64 "\n", head->chain[0], head->chain[1]);
        return;
    }
    printf("NOT as recorded at commit %s: status %d, check %s, hash %016" PRIx64 "%016" PRIx64 "\n",
           head->commit, (int)head->status, head->check, head->chain[0], head->chain[1]);
}

int gkv_command_replay(struct gkv_arguments *arguments)
{
    static struct gkv_outputs outputs; /* too large for a stack frame, with the others */
    struct gkv_seedfile head;
    const char *text = NULL;
    if (!gkv_arguments_more(arguments)) {
        return GKV_TRIAL_USAGE;
    }
    const char *name = arguments->words[arguments->next++];
    bool explain = false;
    while (gkv_arguments_more(arguments)) {
        if (gkv_arguments_take(arguments, "--explain")) {
            explain = true;
            continue;
        }
        const bool is_trace = gkv_arguments_take_text(arguments, "--trace", &text);
        if (is_trace ? !gkv_outputs_parse(&outputs, text)
                     : !gkv_arguments_take_text(arguments, "--html", &outputs.html)) {
            return GKV_TRIAL_USAGE;
        }
    }
    struct gkv_recording *recording = gkv_seedfile_open(name, &head);
    if (recording == NULL) {
        return GKV_TRIAL_USAGE;
    }
    static char line[GKV_TRIAL_LINE_BYTES]; /* a summary fills the stack frame */
    (void)snprintf(line, sizeof(line), "gridkv-sim replay %s", name);
    const struct gkv_trial_options options = {
        .seed = head.seed,
        .report = !explain,
        .explain = explain,
        .replay = recording,
        .outputs = &outputs,
        .replay_line = line,
        .tell = compare,
        .context = &head,
    };
    static struct gkv_trial_summary summary; /* too large for a stack frame */
    gkv_trial_run_with(&options, &summary);
    gkv_report_summary(&summary);
    gkv_recording_destroy(recording);
    return (int)summary.status;
}

/* ---- shrink ---------------------------------------------------------------------------------- */

/* The failure that a smaller run has to have. */
struct wanted {
    const struct gkv_seedfile *head;
    uint64_t event_count_max; /* a run of more is not worth its time; 0: not known yet */
};

static uint64_t fault_count(const struct gkv_tally *tally)
{
    return tally->counts[GKV_MET_CUT] + tally->counts[GKV_MET_CRASH] + tally->counts[GKV_MET_STEP] +
           tally->counts[GKV_MET_PAUSE] + tally->counts[GKV_MET_LEAVE];
}

/* The same check with the same status. */
static bool fails_alike(void *context, const struct gkv_recording *candidate,
                        struct gkv_recording *drawn, struct gkv_shrink_size *size_out)
{
    struct wanted *wanted = context;
    static struct gkv_trial_summary summary; /* too large for a stack frame */
    const struct gkv_trial_options options = {
        .seed = wanted->head->seed,
        .replay = candidate,
        .is_by_label = true,
        .recording = drawn,
        .event_count_max = wanted->event_count_max,
    };
    if (!gkv_jobs_try(&options, &summary) || summary.status != wanted->head->status ||
        strcmp(summary.check, wanted->head->check) != 0) {
        return false;
    }
    if (wanted->event_count_max == 0) {
        wanted->event_count_max = 2 * summary.event_count + 1000;
    }
    size_out->operation_count = summary.operation_count;
    size_out->fault_count = fault_count(&summary.tally);
    size_out->deed_count = size_out->operation_count + size_out->fault_count;
    size_out->event_count = summary.event_count;
    return true;
}

static void print_size(const char *when, const struct gkv_shrink_size *size, uint32_t draw_count)
{
    printf("%s: operations=%" PRIu64 " faults=%" PRIu64 " events=%" PRIu64 " draws=%" PRIu32
           " of which not zero=%" PRIu64 "\n",
           when, size->operation_count, size->fault_count, size->event_count, draw_count,
           size->draw_count);
}

/* Run the result in its order, as replay will, and write it down if it fails alike. */
static bool keep(struct gkv_shrink *shrink, const struct gkv_seedfile *wanted, const char *name)
{
    struct gkv_seedfile head;
    static struct gkv_trial_summary summary; /* too large for a stack frame */
    gkv_recording_link(shrink->best);
    const struct gkv_trial_options options = {
        .seed = wanted->seed, .replay = shrink->best, .recording = shrink->drawn};
    if (!gkv_jobs_try(&options, &summary) || summary.diverged_label != NULL ||
        summary.status != wanted->status || strcmp(summary.check, wanted->check) != 0) {
        return false;
    }
    gkv_seedfile_init(&head, &summary);
    FILE *file = fopen(name, "w");
    const bool is_written = file != NULL && gkv_seedfile_write(file, &head, shrink->best);
    return file != NULL && fclose(file) == 0 && is_written;
}

static int shrink_to(const struct gkv_seedfile *head, const struct gkv_recording *recording,
                     uint64_t try_count, const char *name)
{
    struct wanted wanted = {.head = head};
    struct gkv_shrink shrink;
    if (!gkv_shrink_create(&shrink, fails_alike, &wanted)) {
        (void)fprintf(stderr, "gridkv-sim: no memory for recordings\n");
        return GKV_TRIAL_MEMORY;
    }
    int status = GKV_TRIAL_DETERMINISM;
    if (!gkv_shrink_run(&shrink, recording, 1)) {
        printf("does not fail as recorded: check %s, status %d\n", head->check, (int)head->status);
    } else {
        print_size("before", &shrink.size, shrink.best->draw_count);
        (void)gkv_shrink_run(&shrink, recording, try_count);
        print_size("after", &shrink.size, shrink.best->draw_count);
        if (keep(&shrink, head, name)) {
            printf("tries: %" PRIu64 "\nreplay: gridkv-sim replay %s\n", shrink.try_count, name);
            status = GKV_TRIAL_PASS;
        } else {
            printf("cannot write %s, or it does not fail in its own order\n", name);
        }
    }
    gkv_shrink_destroy(&shrink);
    return status;
}

int gkv_command_shrink(struct gkv_arguments *arguments)
{
    char beside[GKV_TRIAL_LINE_BYTES];
    const char *out = NULL;
    uint64_t try_count = TRY_COUNT;
    struct gkv_seedfile head;
    if (!gkv_arguments_more(arguments)) {
        return GKV_TRIAL_USAGE;
    }
    const char *name = arguments->words[arguments->next++];
    while (gkv_arguments_more(arguments)) {
        if (!gkv_arguments_take_text(arguments, "--out", &out) &&
            !gkv_arguments_take_number(arguments, "--tries", UINT64_MAX, &try_count)) {
            return GKV_TRIAL_USAGE;
        }
    }
    struct gkv_recording *recording = gkv_seedfile_open(name, &head);
    if (recording == NULL || head.status == GKV_TRIAL_PASS) {
        (void)fputs(recording == NULL ? "" : "gridkv-sim: that run passed\n", stderr);
        gkv_recording_destroy(recording);
        return GKV_TRIAL_USAGE;
    }
    (void)snprintf(beside, sizeof(beside), "%s.min.gseed", name);
    const int status = shrink_to(&head, recording, try_count, out == NULL ? beside : out);
    gkv_recording_destroy(recording);
    return status;
}
