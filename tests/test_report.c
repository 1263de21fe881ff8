#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sim/check.h"
#include "sim/family.h"
#include "sim/profile.h"
#include "sim/report.h"
#include "sim/report_json.h"
#include "sim/trial.h"
#include "tests/capture.h"

#define TEXT_BYTES 16384

static char text[TEXT_BYTES];

static void read_back(FILE *file)
{
    rewind(file);
    const size_t count = fread(text, 1, sizeof(text) - 1, file);
    text[count] = '\0';
    assert_int_equal(fclose(file), 0);
}

/* Goal: a report has forty lines at most; the first is the one to paste, the second says FAIL, the
 * check and the seed. Method: let seeds fail at some event, with stdout in a file. */
static void test_report_is_short(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        char begin[200];
        const struct gkv_trial_options options = {
            .seed = seed, .report = true, .event_count_max = 100 + seed};
        static struct gkv_trial_summary summary; /* too large for a stack frame */
        capture_begin();
        gkv_trial_run_with(&options, &summary);
        const char *report = capture_end();

        assert_int_equal(summary.status, GKV_TRIAL_LIVENESS);
        assert_string_equal(summary.check, "limit");
        (void)snprintf(begin, sizeof(begin), "replay: gridkv-sim run --seed %llu --limit %llu",
                       (unsigned long long)seed, (unsigned long long)options.event_count_max);
        assert_memory_equal(report, begin, strlen(begin));
        (void)snprintf(begin, sizeof(begin),
                       "\nFAIL limit seed=%llu event=", (unsigned long long)seed);
        assert_ptr_equal(strstr(report, begin), strchr(report, '\n'));
        assert_in_range(capture_line_count(report), 12, 40);
    }
}

/* Goal: the line to paste has what makes the run, the shorter way. Method: options, and the whole
 * line. */
static void test_replay_line(void **state)
{
    char line[GKV_TRIAL_LINE_BYTES];
    const uint64_t all = (UINT64_C(1) << GKV_FAMILY_COUNT) - 1;
    struct gkv_trial_options options = {.seed = 42};
    (void)state;
    gkv_report_replay_line(&options, GKV_TRIAL_SAFETY, line);
    assert_string_equal(line, "gridkv-sim run --seed 42");
    gkv_report_replay_line(&options, GKV_TRIAL_DETERMINISM, line);
    assert_string_equal(line, "gridkv-sim run --seed 42 --twice");

    options.profile = GKV_PROFILE_LITE;
    options.off_mask = gkv_family_bit(GKV_FAMILY_CUTS) | gkv_family_bit(GKV_FAMILY_SMALL_WINDOWS);
    options.check_off_mask = UINT64_C(1) << gkv_check_find("quorum");
    gkv_report_replay_line(&options, GKV_TRIAL_SAFETY, line);
    assert_string_equal(line, "gridkv-sim run --seed 42 --profile lite --no-fault "
                              "small_windows,cuts --no-check quorum");
    options.off_mask = all & ~gkv_family_bit(GKV_FAMILY_CRASHES);
    options.check_off_mask = 0;
    gkv_report_replay_line(&options, GKV_TRIAL_SAFETY, line);
    assert_string_equal(line, "gridkv-sim run --seed 42 --profile lite --only-fault crashes");
    options.off_mask = all;
    gkv_report_replay_line(&options, GKV_TRIAL_SAFETY, line);
    assert_non_null(strstr(line, " --no-fault all"));
    assert_true(strlen(line) + 1 < GKV_TRIAL_LINE_BYTES);

    options.replay_line = "gridkv-sim replay a.gseed";
    gkv_report_replay_line(&options, GKV_TRIAL_SAFETY, line);
    assert_string_equal(line, "gridkv-sim replay a.gseed");
}

/* Goal: every JSON object is one line, with the keys that are promised. Method: a run, a failure
 * and a sum of them, written to a file. */
static void test_json_is_one_line_each(void **state)
{
    static struct gkv_trial_summary summary;
    static struct gkv_campaign campaign;
    const struct gkv_trial_options options = {.seed = 9, .profile = GKV_PROFILE_LITE};
    uint64_t seed = 0;
    (void)state;
    summary = (struct gkv_trial_summary){
        .seed = 9, .status = GKV_TRIAL_SAFETY, .check = "value", .fail_event = 17, .fail_ns = 18};
    (void)snprintf(summary.text, sizeof(summary.text), "a \"quoted\"\nline");
    gkv_campaign_init(&campaign, 9, 9);
    assert_true(gkv_campaign_next(&campaign, &seed));
    gkv_campaign_add(&campaign, &summary);
    FILE *file = tmpfile();
    assert_non_null(file);
    gkv_report_json_failure(file, &options, &summary);
    gkv_report_json_run(file, &options, &summary);
    gkv_report_json_runs(file, &options, &campaign);
    read_back(file);

    char *second = strchr(text, '\n') + 1;
    char *third = strchr(second, '\n') + 1;
    assert_string_equal(strchr(third, '\n'), "\n");
    second[-1] = '\0';
    third[-1] = '\0';
    assert_non_null(strstr(text, "{\"kind\":\"failure\",\"commit\":"));
    assert_non_null(strstr(text, "\"profile\":\"lite\",\"seed\":9,\"check\":\"value\",\"event\":17,"
                                 "\"time_ns\":18,\"text\":\"a \\\"quoted\\\"\\nline\","
                                 "\"replay\":\"gridkv-sim run --seed 9 --profile lite\","
                                 "\"result\":\"safety\",\"status\":10}"));
    assert_non_null(strstr(second, "{\"kind\":\"run\","));
    assert_non_null(strstr(second, "\"hash\":\"00000000000000000000000000000000\",\"events\":0,"));
    assert_non_null(strstr(second, "\"asked\":{\"open.once\":0,"));
    assert_non_null(strstr(third, "{\"kind\":\"runs\","));
    assert_non_null(strstr(third, "\"first\":9,\"last\":9,\"seeds\":1,\"failures\":1,"));
    assert_non_null(strstr(third, "\"seeds_per_core_hour\":0,"));
    assert_non_null(strstr(third, "\"result\":\"safety\",\"status\":10}"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_report_is_short),
        cmocka_unit_test(test_replay_line),
        cmocka_unit_test(test_json_is_one_line_each),
    };
    return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
