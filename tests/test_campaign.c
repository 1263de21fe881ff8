#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sim/campaign.h"
#include "sim/jobs.h"

static struct gkv_campaign campaign;

static void add(uint64_t seed, enum gkv_trial_status status, const char *check)
{
    static struct gkv_trial_summary summary;
    summary = (struct gkv_trial_summary){.seed = seed, .status = status, .check = check};
    summary.event_count = 1000;
    summary.simulated_ns = UINT64_C(2000000000);
    summary.tally.counts[GKV_MET_CUT] = 1;
    gkv_campaign_add(&campaign, &summary);
}

/* Goal: seeds are given out in order and once, and the sums are right. Method: three seeds. */
static void test_gives_out_all_seeds(void **state)
{
    uint64_t seed = 0;
    (void)state;
    gkv_campaign_init(&campaign, 7, 9);
    assert_int_equal(gkv_campaign_last(&campaign), 7);
    for (uint64_t i = 7; i <= 9; i++) {
        assert_true(gkv_campaign_next(&campaign, &seed));
        assert_int_equal(seed, i);
        add(seed, GKV_TRIAL_PASS, "");
    }
    assert_false(gkv_campaign_next(&campaign, &seed));
    assert_int_equal(gkv_campaign_last(&campaign), 9);
    assert_int_equal(campaign.seed_count, 3);
    assert_int_equal(campaign.event_count, 3000);
    assert_int_equal(campaign.tally.counts[GKV_MET_CUT], 3);
    assert_int_equal(gkv_campaign_reached_count(&campaign), 1);
    assert_int_equal(gkv_campaign_status(&campaign), GKV_TRIAL_PASS);
}

/* Goal: of several failures the lowest seed counts, whoever comes first; none is begun after the
 * first of them. Method: give out five seeds, and let three fail in every order. */
static void test_lowest_failure_counts(void **state)
{
    static const uint64_t orders[][3] = {{2, 3, 4}, {2, 4, 3}, {3, 2, 4},
                                         {3, 4, 2}, {4, 2, 3}, {4, 3, 2}};
    (void)state;
    for (size_t order = 0; order < 6; order++) {
        uint64_t seed = 0;
        gkv_campaign_init(&campaign, 1, 100);
        for (uint32_t i = 0; i < 5; i++) {
            assert_true(gkv_campaign_next(&campaign, &seed));
        }
        add(1, GKV_TRIAL_PASS, "");
        for (uint32_t i = 0; i < 3; i++) {
            const uint64_t failed = orders[order][i];
            add(failed, failed == 2 ? GKV_TRIAL_LIVENESS : GKV_TRIAL_SAFETY,
                failed == 2 ? "member" : "quorum");
            assert_false(gkv_campaign_next(&campaign, &seed));
        }
        add(5, GKV_TRIAL_PASS, "");
        assert_int_equal(campaign.failure_count, 3);
        assert_int_equal(campaign.failure.seed, 2);
        assert_string_equal(campaign.failure.check, "member");
        assert_int_equal(gkv_campaign_status(&campaign), GKV_TRIAL_LIVENESS);
        assert_int_equal(gkv_campaign_last(&campaign), 5);
    }
}

/* Goal: when time is over no seed is begun, and those under way count. Method: stop in between. */
static void test_stops(void **state)
{
    uint64_t seed = 0;
    (void)state;
    gkv_campaign_init(&campaign, 1, UINT64_MAX - 1);
    assert_true(gkv_campaign_next(&campaign, &seed));
    gkv_campaign_stop(&campaign);
    assert_false(gkv_campaign_next(&campaign, &seed));
    add(1, GKV_TRIAL_PASS, "");
    assert_int_equal(campaign.seed_count, 1);
}

/* Goal: the figures are quotients of what was run and what it cost, and 0 where nothing was
 * measured. Method: known times. */
static void test_figures(void **state)
{
    uint64_t seed = 0;
    (void)state;
    gkv_campaign_init(&campaign, 1, 10);
    struct gkv_campaign_figures figures = gkv_campaign_figures(&campaign);
    assert_int_equal(figures.seeds_per_core_hour, 0);
    for (uint32_t i = 0; i < 10; i++) {
        assert_true(gkv_campaign_next(&campaign, &seed));
        add(seed, GKV_TRIAL_PASS, "");
    }
    campaign.wall_ns = UINT64_C(1000000000);
    campaign.cpu_ns = UINT64_C(2000000000);
    figures = gkv_campaign_figures(&campaign);
    assert_int_equal(figures.seeds_per_core_hour, 18000);
    assert_int_equal(figures.events_per_cpu_second, 5000);
    assert_int_equal(figures.simulated_per_wall, 20);
    assert_int_equal(figures.simulated_per_cpu, 10);
}

/* Goal: how many processes run the seeds changes no result, and of those that fail the lowest is
 * reported. Method: the same seeds in one process and in three; then with so low a limit that some
 * fail. */
static void test_processes_change_nothing(void **state)
{
    static struct gkv_campaign alone;
    struct gkv_jobs_options options = {.job_count = 1};
    (void)state;
    gkv_campaign_init(&alone, 1, 12);
    assert_int_equal(gkv_jobs_run(&options, &alone), GKV_TRIAL_PASS);
    options.job_count = 3;
    gkv_campaign_init(&campaign, 1, 12);
    assert_int_equal(gkv_jobs_run(&options, &campaign), GKV_TRIAL_PASS);
    assert_int_equal(campaign.seed_count, 12);
    assert_int_equal(campaign.event_count, alone.event_count);
    assert_memory_equal(&campaign.tally, &alone.tally, sizeof(alone.tally));

    options.trial.event_count_max = alone.event_count / 12;
    gkv_campaign_init(&campaign, 1, 12);
    assert_int_equal(gkv_jobs_run(&options, &campaign), GKV_TRIAL_LIVENESS);
    options.job_count = 1;
    gkv_campaign_init(&alone, 1, 12);
    assert_int_equal(gkv_jobs_run(&options, &alone), GKV_TRIAL_LIVENESS);
    assert_int_equal(alone.failure_count, 1);
    assert_true(campaign.failure_count >= 1);
    assert_int_equal(campaign.failure.seed, alone.failure.seed);
    assert_string_equal(campaign.failure.check, "limit");
    assert_string_equal(campaign.failure.text, alone.failure.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gives_out_all_seeds),
        cmocka_unit_test(test_lowest_failure_counts),
        cmocka_unit_test(test_stops),
        cmocka_unit_test(test_figures),
        cmocka_unit_test(test_processes_change_nothing),
    };
    return cmocka_run_group_tests_name("campaign", tests, NULL, NULL);
}
