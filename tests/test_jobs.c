#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sim/jobs.h"
#include "sim/report.h"
#include "tests/capture.h"

static struct gkv_campaign campaign;
static uint64_t left; /* what a run leaves besides its summary */
static uint64_t left_sum;

static struct gkv_trial_summary passed(uint64_t seed)
{
    return (struct gkv_trial_summary){.seed = seed, .check = "", .status = GKV_TRIAL_PASS};
}

static void run_and_leave(const struct gkv_trial_options *options,
                          struct gkv_trial_summary *summary_out)
{
    *summary_out = passed(options->seed);
    left = options->seed * 100;
}

static void run_and_fail(const struct gkv_trial_options *options,
                         struct gkv_trial_summary *summary_out)
{
    *summary_out = (struct gkv_trial_summary){
        .seed = options->seed, .check = "value", .status = GKV_TRIAL_SAFETY};
    gkv_report_failure(stdout, options, summary_out);
}

static void run_without_end(const struct gkv_trial_options *options,
                            struct gkv_trial_summary *summary_out)
{
    volatile bool is_stuck = options->seed == 3;
    while (is_stuck) {
    }
    run_and_leave(options, summary_out);
}

static void run_unlike(const struct gkv_trial_options *options,
                       struct gkv_trial_summary *summary_out)
{
    *summary_out = passed(options->seed);
    summary_out->chain[0] = ++left;
}

static void add_left(void *context, const struct gkv_trial_summary *summary)
{
    (void)context;
    assert_true(left == summary->seed * 100 || left == 0);
    left_sum += left;
}

/* Goal: what a run leaves besides its summary comes with it, whatever the number of processes.
 * Method: seeds that leave a hundred times their number, in one process and in four. */
static void test_more_comes_with_the_summary(void **state)
{
    (void)state;
    for (uint32_t count = 1; count <= 4; count += 3) {
        const struct gkv_jobs_options options = {.job_count = count,
                                                 .run = run_and_leave,
                                                 .more = &left,
                                                 .more_bytes = sizeof(left),
                                                 .each = add_left};
        left_sum = 0;
        gkv_campaign_init(&campaign, 1, 40);
        assert_int_equal(gkv_jobs_run(&options, &campaign), GKV_TRIAL_PASS);
        assert_int_equal(campaign.seed_count, 40);
        assert_int_equal(left_sum, 100 * 40 * 41 / 2);
    }
}

/* Goal: a seed that spins ends its own process, is told as a crash with the line that repeats it,
 * and leaves nothing. Method: one that does, with a limit of a second. */
static void test_seed_that_spins(void **state)
{
    const struct gkv_jobs_options options = {.trial = {.report = true, .command = "posix"},
                                             .job_count = 1,
                                             .run = run_without_end,
                                             .more = &left,
                                             .more_bytes = sizeof(left),
                                             .seconds_max = 1,
                                             .each = add_left};
    (void)state;
    left_sum = 0;
    gkv_campaign_init(&campaign, 1, 9);
    capture_begin();
    const enum gkv_trial_status status = gkv_jobs_run(&options, &campaign);
    const char *report = capture_end();
    assert_int_equal(status, GKV_TRIAL_ASSERTION);
    assert_int_equal(campaign.failure.seed, 3);
    assert_int_equal(campaign.seed_count, 3);
    assert_int_equal(left_sum, 300);
    assert_ptr_equal(strstr(report, "replay: gridkv-sim posix --seed 3"), report);
    assert_non_null(strstr(report, "\nFAIL crash seed=3 event=0 t=0.000000s: did not end within "
                                   "1 s of real time\n"));
}

/* Goal: of several that fail in several processes one is told, the lowest. Method: let all fail. */
static void test_one_failure_is_told(void **state)
{
    const struct gkv_jobs_options options = {
        .trial = {.report = true}, .job_count = 4, .run = run_and_fail};
    (void)state;
    gkv_campaign_init(&campaign, 7, 90);
    capture_begin();
    const enum gkv_trial_status status = gkv_jobs_run(&options, &campaign);
    const char *report = capture_end();
    assert_int_equal(status, GKV_TRIAL_SAFETY);
    assert_ptr_equal(strstr(report, "replay: gridkv-sim run --seed 7"), report);
    assert_non_null(strstr(report, "\nFAIL value seed=7 "));
    assert_int_equal(capture_line_count(report), 2);
}

/* Goal: another runner is held to its own hashes. Method: one whose hash is new each time; not the
 * first of the seeds is run twice, but the 64th, unless all are. */
static void test_runs_that_differ(void **state)
{
    struct gkv_jobs_options options = {.job_count = 1, .run = run_unlike};
    (void)state;
    gkv_campaign_init(&campaign, 1, 90);
    assert_int_equal(gkv_jobs_run(&options, &campaign), GKV_TRIAL_DETERMINISM);
    assert_int_equal(campaign.failure.seed, GKV_JOBS_DOUBLE_EVERY);
    options.is_twice = true;
    gkv_campaign_init(&campaign, 1, 90);
    assert_int_equal(gkv_jobs_run(&options, &campaign), GKV_TRIAL_DETERMINISM);
    assert_int_equal(campaign.failure.seed, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_more_comes_with_the_summary),
        cmocka_unit_test(test_seed_that_spins),
        cmocka_unit_test(test_one_failure_is_told),
        cmocka_unit_test(test_runs_that_differ),
    };
    return cmocka_run_group_tests_name("jobs", tests, NULL, NULL);
}
