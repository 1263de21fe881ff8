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
#include "sim/switches.h"
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

/* The longest names of a list, so many of them, as a mask. */
static uint64_t longest(const char *(*name_at)(uint32_t index), uint32_t count)
{
    uint64_t mask = 0;
    for (; count > 0; count--) {
        uint32_t best = 0;
        size_t best_bytes = 0;
        for (uint32_t i = 0; name_at(i) != NULL; i++) {
            if ((mask >> i & 1) == 0 && strlen(name_at(i)) > best_bytes) {
                best = i;
                best_bytes = strlen(name_at(i));
            }
        }
        mask |= UINT64_C(1) << best;
    }
    return mask;
}

/* What a command line makes of the words of a line, from the fifth on: after --seed N. */
static struct gkv_trial_options parse_line(char *line)
{
    struct gkv_trial_options options = {0};
    char *words[40];
    int count = 0;
    for (char *word = strtok(line, " "); word != NULL; word = strtok(NULL, " ")) {
        assert_in_range(count, 0, 39);
        words[count++] = word;
    }
    struct gkv_arguments arguments = {.words = words, .count = count, .next = 4};
    while (gkv_arguments_more(&arguments) && gkv_switches_take(&arguments, &options)) {
    }
    assert_string_equal(arguments.wrong, "");
    assert_int_equal(arguments.next, count - 1);
    assert_string_equal(words[count - 1], "--twice");
    return options;
}

/* Goal: the longest line that there can be is whole: it makes the same run again. Method: the
 * longest numbers, the profile of the longest name, half of the families and all checks but one by
 * the longest names; the line is taken in as a command line is. */
static void test_longest_replay_line(void **state)
{
    static const uint64_t all = (UINT64_C(1) << GKV_FAMILY_COUNT) - 1;
    uint32_t check_count = 0;
    (void)state;
    while (gkv_checks[check_count] != NULL) {
        check_count++;
    }
    struct gkv_trial_options options = {
        .seed = UINT64_MAX - 1, .command = "posix", .event_count_max = UINT64_MAX};
    for (uint32_t i = 0; i < GKV_PROFILE_COUNT; i++) {
        const enum gkv_profile profile = (enum gkv_profile)i;
        if (strlen(gkv_profile_name(profile)) > strlen(gkv_profile_name(options.profile))) {
            options.profile = profile;
        }
    }
    options.check_off_mask = longest(gkv_report_check_at, check_count - 1);
    const uint64_t half = longest(gkv_report_family_at, GKV_FAMILY_COUNT / 2);
    for (uint32_t turn = 0; turn < 2; turn++) {
        char line[GKV_TRIAL_LINE_BYTES];
        options.off_mask = turn == 0 ? half : all & ~half;
        gkv_report_replay_line(&options, GKV_TRIAL_DETERMINISM, line);
        assert_true(strlen(line) + 1 < sizeof(line));
        assert_true(strlen(line) > 600);
        const struct gkv_trial_options again = parse_line(line);
        assert_int_equal(again.profile, options.profile);
        assert_true(again.off_mask == options.off_mask);
        assert_true(again.check_off_mask == options.check_off_mask);
        assert_true(again.event_count_max == options.event_count_max);
    }
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

/* Goal: a trace point names every node, also those for whom there is no letter.
 * Method: one point. */
static void test_trace_names_every_node(void **state)
{
    const struct gkv_name about = gkv_host_name(60);
    const struct gkv_name via = gkv_host_name(51);
    struct gkv_trace_point point = {.kind = GKV_TRACE_MEMBER_SUSPECT,
                                    .about = gkv_node_id_of_name(&about),
                                    .via = gkv_node_id_of_name(&via)};
    (void)state;
    assert_int_not_equal(gkv_report_trace_text(&point, 255, text, sizeof(text)), 0);
    assert_string_equal(text, "n255 suspects n60, incarnation 0, Z said so");
    assert_int_not_equal(gkv_report_trace_text(&point, 51, text, sizeof(text)), 0);
    assert_string_equal(text, "Z suspects n60, incarnation 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_report_is_short),        cmocka_unit_test(test_replay_line),
        cmocka_unit_test(test_longest_replay_line),    cmocka_unit_test(test_json_is_one_line_each),
        cmocka_unit_test(test_trace_names_every_node),
    };
    return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
