/* gridkv-sim prob: how likely a recorded failure is, the more of its draws are settled. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/command.h"
#include "sim/jobs.h"
#include "sim/prob.h"
#include "sim/seedfile.h"
#include "sim/trial.h"

#define STEP_COUNT 16
#define TRY_COUNT 20
#define BAR_WIDTH 40

/* When a draw was made. */
struct moment {
    uint64_t event;
    uint64_t time_ns;
};

struct inquiry {
    const struct gkv_seedfile *head;
    const struct gkv_recording *recording;
    struct gkv_recording *drawn; /* of the last try */
    struct moment *moments;      /* of each draw of the recording */
    uint64_t moment_count;
    uint64_t try_count;
};

/* One run that keeps so many draws, in a process of its own: does it fail alike? */
static bool fails_alike(const struct inquiry *inquiry, uint64_t seed, uint32_t draw_count,
                        struct gkv_trial_summary *summary_out)
{
    const struct gkv_trial_options options = {
        .seed = seed,
        .profile = inquiry->head->profile,
        .off_mask = inquiry->head->off_mask,
        .check_off_mask = inquiry->head->check_off_mask,
        .replay = draw_count == 0 ? NULL : inquiry->recording,
        .replay_count = draw_count,
        .recording = inquiry->drawn,
    };
    return gkv_jobs_try(&options, summary_out) && summary_out->status == inquiry->head->status &&
           strcmp(summary_out->check, inquiry->head->check) == 0;
}

static uint32_t measure(void *context, uint32_t draw_count)
{
    static struct gkv_trial_summary summary; /* too large for a stack frame */
    const struct inquiry *inquiry = context;
    uint32_t fail_count = 0;
    for (uint64_t i = 0; i < inquiry->try_count; i++) {
        fail_count += fails_alike(inquiry, i + 1, draw_count, &summary);
    }
    return fail_count;
}

/* ---- When draws were made -------------------------------------------------------------------- */

static void look(void *context, const struct gkv_trial *trial)
{
    struct inquiry *inquiry = context;
    while (inquiry->moment_count < trial->choice.draw_count &&
           inquiry->moment_count < inquiry->recording->draw_count) {
        inquiry->moments[inquiry->moment_count].event = trial->world.event_count;
        inquiry->moments[inquiry->moment_count].time_ns = trial->world.now_ns;
        inquiry->moment_count++;
    }
}

/* Run it once more, here, up to the event before the failure: an assertion would end this process.
 * Draws of the last events get the moment of the last one that was seen. */
static void find_moments(struct inquiry *inquiry, uint64_t failing_event)
{
    static struct gkv_trial_summary summary; /* too large for a stack frame */
    const struct gkv_trial_options options = {
        .seed = inquiry->head->seed,
        .profile = inquiry->head->profile,
        .off_mask = inquiry->head->off_mask,
        .check_off_mask = inquiry->head->check_off_mask,
        .replay = inquiry->recording,
        .event_count_max = failing_event > 2 ? failing_event - 2 : 1,
        .look = look,
        .context = inquiry,
    };
    gkv_trial_run_with(&options, &summary);
    const uint64_t seen = inquiry->moment_count;
    for (uint64_t i = seen; seen > 0 && i < inquiry->recording->draw_count; i++) {
        inquiry->moments[i] = inquiry->moments[seen - 1];
    }
}

/* ---- The curve ------------------------------------------------------------------------------- */

static void print_point(const struct inquiry *inquiry, const struct gkv_prob_point *point)
{
    static const char bar[BAR_WIDTH + 1] = "########################################";
    struct moment moment = {0};
    if (point->draw_count > 0) {
        moment = inquiry->moments[point->draw_count - 1];
    }
    const uint64_t width = point->fail_count * (uint64_t)BAR_WIDTH / inquiry->try_count;
    printf("%8" PRIu32 " %8" PRIu64 " %10" PRIu64 ".%06" PRIu64 "s %4" PRIu32 " of %" PRIu64
           " |%.*s\n",
           point->draw_count, moment.event, moment.time_ns / 1000000000,
           moment.time_ns / 1000 % 1000000, point->fail_count, inquiry->try_count, (int)width, bar);
}

static void print_curve(const struct inquiry *inquiry, const struct gkv_prob *prob)
{
    printf("%8s %8s %18s  fails as %s\n", "draws", "event", "time", inquiry->head->check);
    for (uint32_t i = 0; i < prob->point_count; i++) {
        print_point(inquiry, &prob->points[i]);
        const bool is_decided_next = prob->after.draw_count > 0 && i + 1 < prob->point_count &&
                                     prob->points[i].draw_count <= prob->before.draw_count &&
                                     prob->before.draw_count < prob->points[i + 1].draw_count;
        printf("%s", is_decided_next ? "         decided here\n" : "");
    }
    if (prob->after.draw_count == 0) {
        printf("decided: nowhere, it is as likely from the start\n");
        return;
    }
    const uint32_t number = prob->before.draw_count;
    const struct gkv_draw *draw = &inquiry->recording->draws[number];
    printf("decided: by draw %" PRIu32 ", %s = %" PRIu64 ", at event %" PRIu64 ": from %" PRIu32
           " to %" PRIu32 " of %" PRIu64 "\n",
           number, inquiry->recording->labels[draw->label], draw->value,
           inquiry->moments[number].event, prob->before.fail_count, prob->after.fail_count,
           inquiry->try_count);
}

static int inquire(struct inquiry *inquiry, uint32_t step_count)
{
    static struct gkv_trial_summary summary; /* too large for a stack frame */
    static struct gkv_prob prob;
    const uint32_t draw_count = inquiry->recording->draw_count;
    if (!fails_alike(inquiry, inquiry->head->seed, draw_count, &summary)) {
        printf("does not fail as recorded: check %s, status %d\n", inquiry->head->check,
               (int)inquiry->head->status);
        return GKV_TRIAL_DETERMINISM;
    }
    find_moments(inquiry, summary.event_count);
    gkv_prob_run(&prob, measure, inquiry, draw_count, step_count);
    print_curve(inquiry, &prob);
    return GKV_TRIAL_PASS;
}

/* ---- The command ----------------------------------------------------------------------------- */

static int prepare(const char *name, uint64_t try_count, uint32_t step_count)
{
    struct gkv_seedfile head;
    struct inquiry inquiry = {.head = &head, .try_count = try_count};
    struct gkv_recording *recording = gkv_seedfile_open(name, &head);
    if (recording == NULL || recording->draw_count == 0 || head.status == GKV_TRIAL_PASS) {
        (void)fputs(recording == NULL ? "" : "gridkv-sim: that run passed\n", stderr);
        gkv_recording_destroy(recording);
        return GKV_TRIAL_USAGE;
    }
    int status = GKV_TRIAL_INTERNAL;
    inquiry.recording = recording;
    inquiry.drawn = gkv_recording_create();
    inquiry.moments = calloc(recording->draw_count, sizeof(struct moment));
    if (inquiry.drawn != NULL && inquiry.moments != NULL) {
        status = inquire(&inquiry, step_count);
    }
    free(inquiry.moments);
    gkv_recording_destroy(inquiry.drawn);
    gkv_recording_destroy(recording);
    return status;
}

int gkv_command_prob(struct gkv_arguments *arguments)
{
    uint64_t step_count = STEP_COUNT;
    uint64_t try_count = TRY_COUNT;
    if (!gkv_arguments_more(arguments)) {
        return GKV_TRIAL_USAGE;
    }
    const char *name = arguments->words[arguments->next++];
    while (gkv_arguments_more(arguments)) {
        if (!gkv_arguments_take_number(arguments, "--points", GKV_PROB_POINT_COUNT_MAX,
                                       &step_count) &&
            !gkv_arguments_take_number(arguments, "--tries", 10000, &try_count)) {
            return GKV_TRIAL_USAGE;
        }
    }
    if (step_count == 0 || try_count == 0) {
        (void)gkv_arguments_wrong(arguments, "--points and --tries want 1 at least");
        return GKV_TRIAL_USAGE;
    }
    return prepare(name, try_count, (uint32_t)step_count);
}
