#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sim/explain.h"
#include "sim/journal.h"
#include "sim/report.h"
#include "tests/capture.h"

/* How many operations a text says were asked; wherever its lines break. */
static uint64_t count_asked(const char *text)
{
    static const char before[] = " so far:";
    char flat[1000] = "";
    size_t count = 0;
    unsigned sets = 0;
    unsigned deletes = 0;
    unsigned gets = 0;
    const char *from = strstr(text, "cluster:");
    assert_non_null(from);
    for (size_t i = 0; from[i] != '\0' && count + 1 < sizeof(flat); i++) {
        const bool is_blank = from[i] == ' ' || from[i] == '\n';
        if (!is_blank || flat[count - 1] != ' ') {
            flat[count++] = (char)(is_blank ? ' ' : from[i]);
        }
    }
    const char *numbers = strstr(flat, before);
    assert_non_null(numbers);
    assert_int_equal(sscanf(numbers + sizeof(before) - 1, "%u sets, %u deletes and %u gets", &sets,
                            &deletes, &gets),
                     3);
    return (uint64_t)sets + deletes + gets;
}

/* Goal: an explanation has sixty lines at most, and says what is demanded, what happened instead,
 * what led to it and what to try; every line of the timeline is in the order of time. Method: let
 * seeds fail at some event. */
static void test_explains_within_sixty_lines(void **state)
{
    static struct gkv_trial_summary summary; /* too large for a stack frame */
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        const struct gkv_trial_options options = {
            .seed = seed, .explain = true, .event_count_max = 100 + 10 * seed};
        char line[GKV_TRIAL_LINE_BYTES];
        capture_begin();
        gkv_trial_run_with(&options, &summary);
        const char *text = capture_end();

        assert_string_equal(summary.check, "limit");
        assert_in_range(capture_line_count(text), 20, GKV_EXPLAIN_LINE_COUNT_MAX);
        assert_non_null(strstr(text, "fails the check 'limit' (liveness)"));
        assert_non_null(strstr(text, "  demanded: A run ends: "));
        assert_non_null(strstr(text, "  instead:  over "));
        assert_non_null(strstr(text, "HERE 'limit' does not hold"));
        gkv_report_replay_line(&options, summary.status, line);
        assert_non_null(strstr(text, line));
        assert_int_equal(count_asked(text), summary.operation_count);
        double last_ms = 0;
        const char *timeline = strstr(text, "What led to it");
        assert_non_null(timeline);
        for (const char *at = strstr(timeline, "\n  "); at != NULL; at = strstr(at + 1, "\n  ")) {
            double ms = 0;
            if (sscanf(at, "%lf", &ms) == 1) {
                assert_true(ms >= last_ms);
                last_ms = ms;
            }
        }
        assert_true(last_ms > 1000);
    }
}

/* Goal: a failure of a key shows the operations on that key alone, the last ones, and messages
 * about it. Method: a journal of two keys, made by hand. */
static void test_shows_the_key_alone(void **state)
{
    static struct gkv_trial trial;
    static struct gkv_trial_options options;
    (void)state;
    memset(&trial, 0, sizeof(trial));
    options = (struct gkv_trial_options){.seed = 5};
    trial.options = &options;
    trial.scenario.node_count = 3;
    trial.phase = GKV_PHASE_WORK;
    assert_int_equal(
        gkv_journal_create(&trial.journal, &(struct gkv_journal_options){.node_count = 3,
                                                                         .client_count = 1,
                                                                         .message_count_max = 100,
                                                                         .operation_count_max = 100,
                                                                         .mark_count_max = 100,
                                                                         .value_bytes_max = 4096}),
        GKV_OK);
    for (uint32_t i = 0; i < 20; i++) {
        char key[GKV_KEY_BYTES_MAX];
        const struct gkv_operation operation = {
            .cookie = i + 1, .kind = GKV_OPERATION_GET, .key = gkv_history_key(i % 2, key)};
        const struct gkv_observation observation = {.kind = GKV_OBSERVE_SUBMIT,
                                                    .node = 1,
                                                    .time_ns = UINT64_C(1000000) * (i + 1),
                                                    .operation = &operation};
        gkv_journal_observe(trial.journal, &observation, NULL);
    }
    gkv_journal_link(trial.journal, 12500000, 0, 1, true);
    gkv_journal_link(trial.journal, 12500000, 1, 0, true);
    gkv_journal_link(trial.journal, 99000000, 1, 0, false);
    const struct gkv_verdict verdict = {.status = GKV_TRIAL_SAFETY,
                                        .check = "value",
                                        .time_ns = 18500000,
                                        .node = GKV_HISTORY_NONE,
                                        .key = 1,
                                        .text = "k1 is wrong"};
    capture_begin();
    gkv_explain_write(stdout, &trial, &verdict);
    const char *text = capture_end();
    gkv_journal_destroy(trial.journal);

    assert_non_null(strstr(text, "     18.000000  client 0 asks b to get k1 (operation 17)\n"));
    assert_non_null(strstr(text, "(operation 7)"));
    assert_null(strstr(text, "(operation 5)"));  /* too old */
    assert_null(strstr(text, "(operation 19)")); /* after the violation */
    assert_null(strstr(text, "get k0"));
    assert_non_null(strstr(text, "     12.500000  cut: a->b b->a\n"));
    assert_null(strstr(text, "mended"));
    assert_non_null(strstr(text, "  instead:  k1 is wrong\n"));
    assert_non_null(strstr(text, "     18.500000  HERE 'value' does not hold any more\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_explains_within_sixty_lines),
        cmocka_unit_test(test_shows_the_key_alone),
    };
    return cmocka_run_group_tests_name("explain", tests, NULL, NULL);
}
