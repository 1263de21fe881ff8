#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sim/script_text.h"
#include "sim/trial.h"

#define SEED_COUNT 20

static struct gkv_script *scripts[2];

static int set_up(void **state)
{
    (void)state;
    scripts[0] = gkv_script_create();
    scripts[1] = gkv_script_create();
    return scripts[0] == NULL || scripts[1] == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    gkv_script_destroy(scripts[0]);
    gkv_script_destroy(scripts[1]);
    return 0;
}

static void write_to(FILE *file, const struct gkv_script *script)
{
    rewind(file);
    assert_true(gkv_script_write(file, script));
    (void)fflush(file);
}

static void read_from(FILE *file, struct gkv_script *script)
{
    struct gkv_script_error error;
    rewind(file);
    if (!gkv_script_read(file, script, &error)) {
        fail_msg("line %u: %s", (unsigned)error.line, error.text);
    }
}

static bool is_same_text(FILE *a, FILE *b)
{
    int letter = 0;
    rewind(a);
    rewind(b);
    while (letter != EOF) {
        letter = fgetc(a);
        if (letter != fgetc(b)) {
            return false;
        }
    }
    return true;
}

/* The script of a seed, put into words, read, carried out and written again: one hash, one text. */
static void check_script_of(uint64_t seed, enum gkv_profile profile)
{
    static struct gkv_trial_summary drawn;
    static struct gkv_trial_summary read;
    FILE *file = tmpfile();
    FILE *again = tmpfile();
    assert_non_null(file);
    assert_non_null(again);
    gkv_trial_run_with(
        &(struct gkv_trial_options){.seed = seed, .profile = profile, .written = scripts[0]},
        &drawn);
    assert_int_equal(drawn.status, GKV_TRIAL_PASS);
    write_to(file, scripts[0]);
    read_from(file, scripts[1]);
    gkv_trial_run_with(&(struct gkv_trial_options){.seed = seed, .script = scripts[1]}, &read);
    if (read.chain[0] != drawn.chain[0] || read.chain[1] != drawn.chain[1]) {
        fail_msg("seed %u: %u events, %u read from its script", (unsigned)seed,
                 (unsigned)drawn.event_count, (unsigned)read.event_count);
    }
    assert_int_equal(read.operation_count, drawn.operation_count);
    assert_int_equal(read.left_out_count, 0);
    write_to(again, scripts[1]);
    assert_true(is_same_text(file, again));
    (void)fclose(file);
    (void)fclose(again);
}

/* Goal: the script of a seed is the run of that seed: one hash; and its text, read and written
 * again, is the same text. Method: the first seeds. */
static void test_script_is_the_run_it_was_written_from(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEED_COUNT; seed++) {
        check_script_of(seed, GKV_PROFILE_SWARM);
    }
}

/* Goal: the same of a crowd, most of which have no letter for a name. Method: one seed. */
static void test_script_of_a_crowd(void **state)
{
    bool is_beyond = false;
    (void)state;
    check_script_of(1, GKV_PROFILE_WIDE);
    for (uint32_t i = 0; i < scripts[1]->line_count; i++) {
        is_beyond = is_beyond || scripts[1]->lines[i].node >= 64;
    }
    assert_in_range(scripts[1]->scenario.node_count, 64, GKV_SCENARIO_NODE_COUNT_MAX);
    assert_true(is_beyond);
}

static bool reads(const char *text, struct gkv_script_error *error)
{
    FILE *file = tmpfile();
    assert_non_null(file);
    (void)fputs(text, file);
    rewind(file);
    const bool is_read = gkv_script_read(file, scripts[0], error);
    (void)fclose(file);
    return is_read;
}

/* Goal: the script of a run that ends in WORK does not heal before that end, though all that was
 * asked is answered long since. Method: stop seeds in their middle, and their scripts after as many
 * events: one hash. */
static void test_script_of_a_run_that_ends_in_work(void **state)
{
    uint32_t stopped_count = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= SEED_COUNT; seed++) {
        static struct gkv_trial_summary whole;
        static struct gkv_trial_summary drawn;
        static struct gkv_trial_summary read;
        gkv_trial_run_with(&(struct gkv_trial_options){.seed = seed}, &whole);
        struct gkv_trial_options options = {
            .seed = seed,
            .event_count_max = whole.event_count / 2,
            .written = scripts[0],
        };
        gkv_trial_run_with(&options, &drawn);
        assert_string_equal(drawn.check, "limit");
        assert_null(gkv_script_settle(scripts[0]));
        options.written = NULL;
        options.script = scripts[0];
        gkv_trial_run_with(&options, &read);
        assert_int_equal(read.event_count, drawn.event_count);
        assert_int_equal(read.chain[0], drawn.chain[0]);
        stopped_count += scripts[0]->lines[scripts[0]->line_count - 1].kind == GKV_SCRIPT_HEAL;
    }
    assert_in_range(stopped_count, 5, SEED_COUNT);
}

/* Goal: what cannot be carried out is left out, and counted: such a line proves nothing. Method:
 * one of each reason, between some that are carried out. */
static void test_what_is_left_out_is_counted(void **state)
{
    static struct gkv_trial_summary summary;
    struct gkv_script_error error;
    (void)state;
    assert_true(reads("scenario 1\n"
                      "may_crash yes\n"
                      "1s      b was up for 5s before\n" /* it boots at once: too late */
                      "1.4s    crash c\n"
                      "1.5s    crash c\n"         /* it is down */
                      "1.5s    c0 gets k0 at c\n" /* the same */
                      "1.6s    pause b for 100ms\n"
                      "1.61s   c0 deletes k0 at b\n"   /* it does not listen */
                      "1.62s   b's uptime misses 1s\n" /* it wakes before */
                      "1.63s   b's uptime misses 60ms\n"
                      "1.63s   b's uptime misses 60ms\n" /* both would be more than the pause */
                      "1.8s    boot c\n"
                      "1.85s   boot c\n" /* it is up */
                      "1.9s    c0 sets k0 at a\n"
                      "1.9s    c0 gets k0 at a\n" /* the client waits */
                      "1.9s    the 1st message a > b is delayed 1ms\n"
                      "1.9s    the 9th message a > b is lost\n" /* there is none */
                      "2s      heal\n"
                      "3s      cut a > b\n" /* nothing strikes any more */
                      "expect pass\n",
                      &error));
    gkv_trial_run_with(&(struct gkv_trial_options){.script = scripts[0], .report = true}, &summary);
    assert_int_equal(summary.status, GKV_TRIAL_PASS);
    assert_int_equal(summary.left_out_count, 10);
    assert_int_equal(summary.left_out_first, 0);
}

/* Goal: READ asks what lines say, in their order and of nodes that are there, and nothing else; or
 * nothing, or everything. Method: the same cluster without lines, with the flag alone, and with
 * three lines, of which one names a node that left. */
static void test_reading_can_be_spelled_out(void **state)
{
    static struct gkv_trial_summary summary;
    struct gkv_script_error error;
    (void)state;
    assert_true(reads("scenario 1\nkeys 20\nexpect pass\n", &error));
    gkv_trial_run_with(&(struct gkv_trial_options){.script = scripts[0], .report = true}, &summary);
    assert_int_equal(summary.status, GKV_TRIAL_PASS);
    assert_int_equal(summary.operation_count, 20 * 2 + 10); /* one in four is written */

    assert_true(reads("scenario 1\nkeys 20\nreads_by_lines yes\nexpect pass\n", &error));
    gkv_trial_run_with(&(struct gkv_trial_options){.script = scripts[0], .report = true}, &summary);
    assert_int_equal(summary.status, GKV_TRIAL_PASS);
    assert_int_equal(summary.operation_count, 0);

    assert_true(reads("scenario 1\nnodes 4\nkeys 20\n"
                      "1s  set k15 at b when settled\n"
                      "1.5s  d leaves\n"
                      "1.6s  get k3 at d when settled\n"
                      "1.7s  get k15 at c when settled\n"
                      "2s  heal\n"
                      "expect pass\n",
                      &error));
    gkv_trial_run_with(&(struct gkv_trial_options){.script = scripts[0], .report = true}, &summary);
    assert_int_equal(summary.status, GKV_TRIAL_PASS);
    assert_int_equal(summary.operation_count, 2);
    assert_int_equal(summary.left_out_count, 1);
    assert_int_equal(summary.left_out_first, 2);
}

static const char every_line[] = "scenario 1\n"
                                 "seed 7\n"
                                 "nodes 4\n"
                                 "level eventual\n"
                                 "keys 3\n"
                                 "clients 2\n"
                                 "latency 500us\n"
                                 "skew 240ms\n"
                                 "longest_pause 1.2s\n"
                                 "late_nodes 1\n"
                                 "may_damage yes\n"
                                 "may_crash yes\n"
                                 "may_leave yes\n"
                                 "reads_by_lines yes\n"
                                 "\n"
                                 "1s  boot a\n"
                                 "1s  a boots with luck 12345678901234567890\n"
                                 "1s  b was up for 1.000000001s before\n"
                                 "1.3s  link a > b takes 2us\n"
                                 "1.3s  link a > b carries 1000 bytes a second\n"
                                 "1.3s  link a > b breaks streams when cut\n"
                                 "1.3s  link b > a holds streams when cut\n"
                                 "1.301s  c0 sets k0 at a\n"
                                 "1.301s  c1 sets k1 at b to 400 bytes\n"
                                 "1.302s  c0 sets k2 at c for 300ms\n"
                                 "1.302s  c1 sets k2 at a to 13 bytes for 1ms\n"
                                 "1.303s  c0 gets k0 at a\n"
                                 "1.303s  c1 deletes k0 at a\n"
                                 "1.304s  the 1st message a > b is lost\n"
                                 "1.304s  the 2nd message a > b is doubled\n"
                                 "1.304s  the 3rd message a > b is very late\n"
                                 "1.304s  the 11th message a > b is split\n"
                                 "1.304s  the 21st message a > b breaks its stream\n"
                                 "1.304s  the 1st message a > b is delayed 1ns\n"
                                 "1.304s  the 1st message a > b is damaged\n"
                                 "1.304s  the 1st message a > b is truncated\n"
                                 "1.304s  the 1st dial a > b is refused\n"
                                 "1.304s  the 1st dial a > b hangs\n"
                                 "1.304s  the 1st answer a > b is slammed shut\n"
                                 "1.304s  the 1st stream a > b trickles\n"
                                 "1.304s  the 1st piece a > b is 5 bytes short\n"
                                 "1.304s  the 1st message a > b yields 9\n"
                                 "1.304s  the 1st timer of a is late by 2ms\n"
                                 "1.304s  the 1st timer of a yields 3\n"
                                 "1.304s  the 1st luck of net.bit about a > b is 77\n"
                                 "1.4s  cut a > b\n"
                                 "1.4s  mend a > b\n"
                                 "1.4s  link a > b stands still for 5ms\n"
                                 "1.4s  break the 3rd end of a stream\n"
                                 "1.4s  break the 3rd end of a stream silently for 1s\n"
                                 "1.5s  pause b for 1.2s\n"
                                 "1.5s  b's uptime misses 1.2s\n"
                                 "1.5s  c needs 100us for everything\n"
                                 "1.6s  a's clock steps -240ms\n"
                                 "1.6s  a's clock drifts +300ppm\n"
                                 "1.7s  crash c\n"
                                 "1.7s  crash b silently for 1.5s\n"
                                 "1.8s  a leaves\n"
                                 "2s  heal\n"
                                 "3s  cut a > b when idle\n"
                                 "3s  lose b when idle\n"
                                 "3s  get k2 at c when settled\n"
                                 "3s  set k1 at b when settled\n"
                                 "\n"
                                 "expect quorum\n";

/* Goal: every kind of line can be written by hand, and comes back as it was. Method: one of each.
 */
static void test_every_line_comes_back(void **state)
{
    struct gkv_script_error error;
    static char written[sizeof(every_line) + 100];
    (void)state;
    if (!reads(every_line, &error)) {
        fail_msg("line %u: %s", (unsigned)error.line, error.text);
    }
    FILE *file = tmpfile();
    assert_non_null(file);
    write_to(file, scripts[0]);
    rewind(file);
    written[fread(written, 1, sizeof(written) - 1, file)] = '\0';
    (void)fclose(file);
    assert_string_equal(written, every_line);
}

static const struct {
    const char *text;
    uint32_t line;
    const char *says;
} bad_texts[] = {
    {"", 0, "the end is missing"},
    {"nodes 3\n", 1, "write scenario 1 first"},
    {"scenario 2\n", 1, "write scenario 1 first"},
    {"scenario 1\n", 1, "write expect pass"},
    {"scenario 1\nnods 3\n", 2, "nods is no field"},
    {"scenario 1\nnodes 257\n", 2, "a number from 1 to"},
    {"scenario 1\nvalue_bytes 31\nvalue_bytes_max 30\nexpect pass\n", 4,
     "value_bytes must be at most value_bytes_max"},
    {"scenario 1\nnodes\n", 2, "a number from 1 to"},
    {"scenario 1\nnodes -1\n", 2, "a number from 1 to"},
    {"scenario 1\nlatency 5\n", 2, "a duration, such as"},
    {"scenario 1\nskew 1us\n", 2, "from 0ns to 3600s, in whole milliseconds"},
    {"scenario 1\nlatency 1.1ms\n", 2,
     "write latency and a duration, such as 200ms, from 0ns to 1ms"},
    {"scenario 1\nclock_grain 3000s\n", 2,
     "write clock_grain and a duration, such as 200ms, from 0ns"},
    {"scenario 1\nclock_grain 10ms\nexpect pass\n", 3, "clock_grain must be at most skew"},
    {"scenario 1\nskew 16ms\nclock_grain 16ms\nprobe_timeout 63ms\nexpect pass\n", 5,
     "a quarter of probe_timeout"},
    {"scenario 1\nhash_seed 18446744073709551616\n", 2, "write hash_seed and a number from 0 to"},
    {"scenario 1\nseed 99999999999999999999\n", 2, "write seed and a number from 0 to"},
    {"scenario 1\n1s the 1st luck of net.bit about a > b is 18446744073709551616\n", 2,
     "18446744073709551616 is not understood"},
    {"scenario 1\nlevel strong\n", 2, "quorum or eventual"},
    {"scenario 1\nmay_crash 1\n", 2, "yes or no"},
    {"scenario 1\n1.3s c0 sets k0 at a\nnodes 3\n", 3, "above the first time"},
    {"scenario 1\n0.5s boot a\n", 2, "write 1s to 3600s"},
    {"scenario 1\n1.3 boot a\n", 2, "is no time"},
    {"scenario 1\n1.0000000001s boot a\n", 2, "is no time"},
    {"scenario 1\n99999999999999999999s boot a\n", 2, "is no time"},
    {"scenario 1\n2s boot a\n1s boot b\n", 3, "in order of time"},
    {"scenario 1\n1s boot d\n", 2, "d is not understood there; write TIME boot NODE"},
    {"scenario 1\nnodes 256\n1s boot n256\n", 3, "there a .. z, A .. Z, n52, n53"},
    {"scenario 1\nnodes 256\n1s boot n9\n", 3, "n9 is not understood"},
    {"scenario 1\n1s boot\n", 2, "the end of the line"},
    {"scenario 1\n1s boot a now\n", 2, "now is not understood"},
    {"scenario 1\n1s c1 sets k0 at a\n", 2, "not understood"},
    {"scenario 1\n1s c0 sets k1 at a\n", 2, "KEY at NODE, there k0, k1"},
    {"scenario 1\n1s c0 sets k0 at a to 5 bytes\n", 2, "12 to 61440 bytes"},
    {"scenario 1\n1s c0 sets k0 at a for 0ms\n", 2, "whole milliseconds"},
    {"scenario 1\n1s the 2st message a > b is lost\n", 2, "1st, 2nd, 3rd"},
    {"scenario 1\n1s the 0th message a > b is lost\n", 2, "1st, 2nd, 3rd"},
    {"scenario 1\n1s a's clock steps 5ms\n", 2, "with a sign"},
    {"scenario 1\n1s pause a for ever\n", 2, "a number and s, ms, us or ns"},
    {"scenario 1\nexpect\n", 2, "write expect pass"},
    {"scenario 1\nexpect pass\n1s boot a\n", 3, "comes after expect"},
    {"scenario 1\nlate_nodes 3\nexpect pass\n", 3, "less than nodes"},
    {"scenario 1\nread_quorum 1\nexpect pass\n", 3, "read_quorum"},
    {"scenario 1\nreads_alone_repair yes\nread_repairs 100000\n1s get k0 at a when settled\nexpect "
     "pass\n",
     5, "needs everything to be read"},
    {"scenario 1\n1s set k0 at a when settled\n1s set k0 at b when settled\nexpect pass\n", 4,
     "set twice when settled"},
    {"scenario 1\n1s a b c d e f g h i j k l m n o p q r\n", 2, "too long"},
};

/* Goal: what cannot be read is refused, and it is said where, why, and what to write instead.
 * Method: one wrong line each, in a script that is good without it. */
static void test_bad_lines_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad_texts) / sizeof(bad_texts[0]); i++) {
        struct gkv_script_error error;
        if (reads(bad_texts[i].text, &error) || error.line != bad_texts[i].line ||
            strstr(error.text, bad_texts[i].says) == NULL) {
            fail_msg("%s: line %u, %s", bad_texts[i].text, (unsigned)error.line, error.text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_script_is_the_run_it_was_written_from),
        cmocka_unit_test(test_script_of_a_crowd),
        cmocka_unit_test(test_script_of_a_run_that_ends_in_work),
        cmocka_unit_test(test_what_is_left_out_is_counted),
        cmocka_unit_test(test_reading_can_be_spelled_out),
        cmocka_unit_test(test_every_line_comes_back),
        cmocka_unit_test(test_bad_lines_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
