/* gridkv-sim exhaust: small plays, in every way there is. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/command.h"
#include "sim/exhaust.h"
#include "sim/jobs.h"
#include "sim/panic.h"
#include "sim/report.h"
#include "sim/trial.h"

#define LONG_TIME_NS_MAX (UINT64_C(600) * 1000000000) /* unless --time says otherwise */

/* What is run now, for an assertion that ends it. */
struct now {
    uint32_t play;
    uint64_t begin_ns; /* of the first play */
    uint64_t time_ns_max;
    uint64_t shown_ns; /* when the line of progress was printed last */
    struct gkv_exhaust_result result;
};

/* What is asked for. */
struct request {
    const char *draws;    /* NULL: all runs */
    uint64_t play;        /* UINT64_MAX: all of them */
    uint64_t time_ns_max; /* 0: not said */
    bool has_long;
};

static void print_failure(const struct now *now, const char *text)
{
    const struct gkv_odometer *odometer = &now->result.odometer;
    printf("replay: gridkv-sim exhaust --play %u --draws ", (unsigned)now->play);
    for (uint32_t i = 0; i < odometer->count; i++) {
        printf("%s%" PRIu64, i == 0 ? "" : ",", odometer->digits[i].value);
    }
    printf("%s%s%s\n", odometer->count == 0 ? "0" : "",
           gkv_report_commit()[0] != '\0' ? "   # at commit " : "", gkv_report_commit());
    printf("FAIL %s\nplay %u: %s\n", text, (unsigned)now->play, gkv_exhaust_play_text(now->play));
}

static void tell_assertion(const void *context, const char *text)
{
    print_failure(context, text);
}

static void print_counts(const struct now *now)
{
    const struct gkv_exhaust_result *result = &now->result;
    printf("play %u: %s: %" PRIu64 " runs, %" PRIu64 " losses, %" PRIu64 " crashes, %" PRIu64
           " messages; %" PRIu64 " more were like another\n",
           (unsigned)now->play, gkv_exhaust_play_text(now->play),
           result->run_count - result->cut_count, result->loss_count, result->crash_count,
           result->delivery_count, result->cut_count);
    if (result->is_stopped) {
        const uint32_t share_ppm = gkv_exhaust_share_ppm(result);
        printf("play %u: stopped by the time; that was not all of it, but about %u.%02u %%\n",
               (unsigned)now->play, (unsigned)(share_ppm / 10000),
               (unsigned)(share_ppm / 100 % 100));
    }
}

/* A line on a terminal, and the time. */
static bool look_on(void *context, const struct gkv_exhaust_result *result)
{
    struct now *now = context;
    const uint64_t passed_ns = gkv_jobs_now_ns() - now->begin_ns;
    if (gkv_jobs_may_show(&now->shown_ns)) {
        const uint32_t share_ppm = gkv_exhaust_share_ppm(result);
        (void)fprintf(stderr, "\rplay %u: %" PRIu64 "k runs, about %u.%02u %%, %" PRIu64 " s\033[K",
                      (unsigned)now->play, result->run_count / 1000, (unsigned)(share_ppm / 10000),
                      (unsigned)(share_ppm / 100 % 100), passed_ns / 1000000000);
    }
    return passed_ns < now->time_ns_max;
}

/* "0,1,0,2": the choices of a run. */
static bool parse_draws(const char *text, struct gkv_odometer *odometer)
{
    memset(odometer, 0, sizeof(*odometer));
    for (;;) {
        const char *comma = strchr(text, ',');
        uint64_t value = 0;
        if (odometer->count == GKV_ODOMETER_DIGIT_COUNT_MAX ||
            !gkv_arguments_number(text, comma, &value)) {
            return false;
        }
        odometer->digits[odometer->count++].value = value;
        if (comma == NULL) {
            return true;
        }
        text = comma + 1;
    }
}

/* What was typed in must be a run's choices, all of them or its first. */
static bool is_run(struct gkv_arguments *arguments, const struct gkv_odometer *odometer)
{
    const uint32_t wrong = odometer->wrong_index;
    if (odometer->is_wrong) {
        return gkv_arguments_wrong(
            arguments,
            "--draws: number %u is %" PRIu64 ", and after those before it goes up to %" PRIu64,
            (unsigned)wrong + 1, odometer->digits[wrong].value, odometer->digits[wrong].bound - 1);
    }
    return odometer->next == odometer->count ||
           gkv_arguments_wrong(arguments, "--draws has %u numbers, and that run has %u choices",
                               (unsigned)odometer->count, (unsigned)odometer->next);
}

/* One play: all of it, or one run. */
static int run_play(struct gkv_arguments *arguments, struct now *now, bool is_replay)
{
    gkv_panic_watch(tell_assertion, now);
    const bool has_memory = is_replay ? gkv_exhaust_replay(now->play, &now->result)
                                      : gkv_exhaust_run(now->play, look_on, now, &now->result);
    gkv_panic_watch(NULL, NULL);
    gkv_jobs_unshow(now->shown_ns);
    if (!has_memory) {
        (void)fprintf(stderr, "gridkv-sim: no memory\n");
        return GKV_TRIAL_INTERNAL;
    }
    if (is_replay && !is_run(arguments, &now->result.odometer)) {
        return GKV_TRIAL_USAGE;
    }
    if (now->result.has_failed) {
        print_failure(now, now->result.text);
        return GKV_TRIAL_SAFETY;
    }
    print_counts(now);
    (void)fflush(stdout); /* the next may take long */
    return GKV_TRIAL_PASS;
}

static bool parse(struct gkv_arguments *arguments, struct request *request)
{
    const char *text = NULL;
    while (gkv_arguments_more(arguments)) {
        if (gkv_arguments_take(arguments, "--long")) {
            request->has_long = true;
        } else if (gkv_arguments_take_text(arguments, "--time", &text)) {
            if (!gkv_arguments_duration(text, &request->time_ns_max)) {
                return gkv_arguments_wrong(
                    arguments, "--time wants a time, such as 90s, 10m or 2h, and not '%s'", text);
            }
        } else if (!gkv_arguments_take_number(arguments, "--play", gkv_exhaust_play_count() - 1,
                                              &request->play) &&
                   !gkv_arguments_take_text(arguments, "--draws", &request->draws)) {
            return false;
        }
    }
    return true;
}

/* All of them that are asked for, until the time is over. */
static int run_plays(struct gkv_arguments *arguments, const struct request *request,
                     struct now *now)
{
    int status = GKV_TRIAL_PASS;
    now->begin_ns = gkv_jobs_now_ns();
    now->time_ns_max = request->time_ns_max > 0 ? request->time_ns_max
                       : request->has_long      ? LONG_TIME_NS_MAX
                                                : UINT64_MAX;
    for (uint32_t i = 0; i < gkv_exhaust_play_count() && status == GKV_TRIAL_PASS; i++) {
        const bool is_wanted = request->has_long || !gkv_exhaust_play_is_long(i);
        if (request->play == i || (request->play == UINT64_MAX && is_wanted)) {
            now->play = i;
            status = run_play(arguments, now, request->draws != NULL);
        }
    }
    return status;
}

int gkv_command_exhaust(struct gkv_arguments *arguments)
{
    static struct now now; /* too large for a stack frame */
    struct request request = {.play = UINT64_MAX};
    memset(&now, 0, sizeof(now));
    if (!parse(arguments, &request)) {
        return GKV_TRIAL_USAGE;
    }
    if (request.draws != NULL &&
        (request.play == UINT64_MAX || !parse_draws(request.draws, &now.result.odometer))) {
        (void)gkv_arguments_wrong(arguments, "--draws wants numbers with commas, and a --play");
        return GKV_TRIAL_USAGE;
    }
    return run_plays(arguments, &request, &now);
}
