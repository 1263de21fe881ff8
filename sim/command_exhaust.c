/* gridkv-sim exhaust: small plays, in every way there is. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/command.h"
#include "sim/exhaust.h"
#include "sim/panic.h"
#include "sim/report.h"
#include "sim/trial.h"

/* What is run now, for an assertion that ends it. */
struct now {
    uint32_t play;
    struct gkv_exhaust_result result;
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

/* One play: all of it, or one run. */
static int run_play(struct now *now, bool is_replay)
{
    gkv_panic_watch(tell_assertion, now);
    const bool is_run = is_replay ? gkv_exhaust_replay(now->play, &now->result)
                                  : gkv_exhaust_run(now->play, &now->result);
    gkv_panic_watch(NULL, NULL);
    if (!is_run) {
        (void)fprintf(stderr, "gridkv-sim: no memory\n");
        return GKV_TRIAL_INTERNAL;
    }
    if (now->result.has_failed) {
        print_failure(now, now->result.text);
        return GKV_TRIAL_SAFETY;
    }
    print_counts(now);
    (void)fflush(stdout); /* the next may take hours */
    return GKV_TRIAL_PASS;
}

int gkv_command_exhaust(struct gkv_arguments *arguments)
{
    static struct now now; /* too large for a stack frame */
    const char *draws = NULL;
    bool has_long = false;
    uint64_t play = UINT64_MAX;
    memset(&now, 0, sizeof(now));
    while (gkv_arguments_more(arguments)) {
        if (gkv_arguments_take(arguments, "--long")) {
            has_long = true;
        } else if (!gkv_arguments_take_number(arguments, "--play", gkv_exhaust_play_count() - 1,
                                              &play) &&
                   !gkv_arguments_take_text(arguments, "--draws", &draws)) {
            return GKV_TRIAL_USAGE;
        }
    }
    if (draws != NULL && (play == UINT64_MAX || !parse_draws(draws, &now.result.odometer))) {
        (void)gkv_arguments_wrong(arguments, "--draws wants numbers with commas, and a --play");
        return GKV_TRIAL_USAGE;
    }
    int status = GKV_TRIAL_PASS;
    for (uint32_t i = 0; i < gkv_exhaust_play_count() && status == GKV_TRIAL_PASS; i++) {
        if (play == i || (play == UINT64_MAX && (has_long || !gkv_exhaust_play_is_long(i)))) {
            now.play = i;
            status = run_play(&now, draws != NULL);
        }
    }
    return status;
}
