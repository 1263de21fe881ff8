#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sim/forge.h"
#include "sim/search.h"
#include "sim/zones.h"
#include "tests/registers.h"

#define STATE_COUNT (1u << 14)
#define LARGE 64
#define HUGE 10000

static struct gkv_register_operation operations[HUGE];
static struct gkv_zone zones[HUGE + 1];
static struct gkv_search search;
static struct gkv_search_state states[STATE_COUNT];

/* Goal: what is linearizable is accepted, and the report says nothing. Method: nineteen histories
 * told by hand. */
static void test_good_histories_are_accepted(void **state)
{
    (void)state;
    assert_true(registers_good_count >= 10);
    for (size_t i = 0; i < registers_good_count; i++) {
        struct gkv_zones_report report;
        const struct gkv_register_history history =
            registers_read(registers_good[i].text, operations);
        if (!gkv_zones_check(history, zones, &report)) {
            fail_msg("rejected: %s", registers_good[i].name);
        }
        assert_int_equal(report.fault, GKV_ZONES_LINEARIZABLE);
        assert_int_equal(report.write_a, GKV_ZONES_NONE);
    }
}

/* The operations that a report names must be there, and must really be in that order. */
static void assert_reason(struct gkv_register_history history, struct gkv_zones_reason reason)
{
    assert_true(reason.began < history.operation_count);
    if (reason.ended != GKV_ZONES_NONE) {
        assert_true(reason.ended < history.operation_count);
        const struct gkv_register_operation *ended = &history.operations[reason.ended];
        assert_int_equal(ended->outcome, GKV_REGISTER_OK);
        assert_true(ended->end < history.operations[reason.began].begin);
    }
}

/* A report proves itself: both clusters have an operation that had to come before the other's. */
static void assert_proof(struct gkv_register_history history, const struct gkv_zones_report *report)
{
    if (report->fault != GKV_ZONES_OVERLAP && report->fault != GKV_ZONES_INSIDE) {
        assert_int_equal(history.operations[report->forth.ended].write, report->write_a);
        return;
    }
    assert_int_not_equal(report->write_a, report->write_b);
    assert_reason(history, report->forth);
    assert_reason(history, report->back);
    assert_int_equal(history.operations[report->forth.began].write, report->write_b);
    assert_int_equal(history.operations[report->back.began].write, report->write_a);
    if (report->forth.ended != GKV_ZONES_NONE) {
        assert_int_equal(history.operations[report->forth.ended].write, report->write_a);
    }
    if (report->back.ended != GKV_ZONES_NONE) {
        assert_int_equal(history.operations[report->back.ended].write, report->write_b);
    }
}

/* Goal: what is not linearizable is rejected, for the right reason, with operations that prove it.
 * Method: eighteen histories told by hand. */
static void test_bad_histories_are_rejected(void **state)
{
    (void)state;
    assert_true(registers_bad_count >= 10);
    for (size_t i = 0; i < registers_bad_count; i++) {
        struct gkv_zones_report report;
        const struct gkv_register_history history =
            registers_read(registers_bad[i].text, operations);
        if (gkv_zones_check(history, zones, &report)) {
            fail_msg("accepted: %s", registers_bad[i].name);
        }
        if (report.fault != registers_bad[i].fault) {
            fail_msg("%s: fault %d", registers_bad[i].name, (int)report.fault);
        }
        assert_proof(history, &report);
    }
}

static void assert_text(const char *history_text, const char *expected)
{
    char text[GKV_ZONES_TEXT_BYTES];
    struct gkv_zones_report report;
    const struct gkv_register_history history = registers_read(history_text, operations);
    (void)gkv_zones_check(history, zones, &report);
    gkv_zones_explain(history, &report, text, sizeof(text));
    assert_string_equal(text, expected);
}

/* Goal: a person sees why. Method: the text of each kind of fault. */
static void test_reports_explain_themselves(void **state)
{
    (void)state;
    assert_text("w1:1-2", "linearizable");
    assert_text("w1:1-2 r9:3-4", "read 2 saw what nobody wrote");
    assert_text("w7:1-x r7:3-4", "read 2 saw write 1, which failed");
    assert_text("r7:1-2 w7:3-4",
                "read 1 saw write 2 from the future: 1 ended (2) before 2 began (3)");
    assert_text(
        "w7:1-2 w8:3-4 r7:5-6",
        "write 1 came before write 2 (1 ended (2) before 2 began (3)) and after it (2 ended "
        "(4) before 3 began (5))");
    assert_text("w7:1-2 r0:3-4",
                "the initial value came before write 1 (it was there before 1 began) and after it "
                "(1 ended (2) before 2 began (3))");
}

/* Goal: the longest text fits in GKV_ZONES_TEXT_BYTES. Method: numbers and times of all digits. */
static void test_the_longest_text_fits(void **state)
{
    (void)state;
    char text[GKV_ZONES_TEXT_BYTES];
    const uint64_t most = GKV_REGISTER_TIME_MAX;
    const struct gkv_register_operation told[] = {
        {most - 6, most - 5, 1, UINT32_MAX - 3, GKV_REGISTER_WRITE, GKV_REGISTER_OK},
        {most - 4, most - 3, 2, UINT32_MAX - 2, GKV_REGISTER_WRITE, GKV_REGISTER_OK},
        {most - 2, most - 1, 1, UINT32_MAX - 1, GKV_REGISTER_READ, GKV_REGISTER_OK},
    };
    const struct gkv_register_history history = {told, 3};
    struct gkv_zones_report report;
    assert_false(gkv_zones_check(history, zones, &report));
    gkv_zones_explain(history, &report, text, sizeof(text));
    assert_true(strlen(text) + 1 < sizeof(text));
    assert_int_equal(text[strlen(text) - 2], ')');
    assert_int_equal(text[strlen(text) - 1], ')');
}

/* Goal: both judges say the same, an honest history is accepted, and every report proves itself.
 * Method: 20,000 generated histories of 1 to 64 operations, half of them forged. */
static void test_zones_and_the_search_agree(void **state)
{
    (void)state;
    uint32_t counts[3] = {0};
    uint32_t faults[GKV_ZONES_INSIDE + 1] = {0};
    gkv_search_init(&search, states, STATE_COUNT);
    for (uint32_t seed = 0; seed < 20000; seed++) {
        struct gkv_prng prng;
        struct gkv_zones_report report;
        gkv_prng_init(&prng, seed, 0);
        const bool is_forged = seed % 2 == 1;
        /* Mostly small: there the search always ends. */
        const uint32_t most = seed % 8 < 6 ? 14 : LARGE;
        const uint32_t count = 1 + (uint32_t)gkv_prng_below(&prng, most);
        const struct gkv_forge_options options = gkv_forge_draw(&prng, count);
        gkv_forge_make(&prng, &options, operations);
        for (uint64_t i = is_forged ? 1 + gkv_prng_below(&prng, 3) : 0; i > 0; i--) {
            gkv_forge_change(&prng, operations, count);
        }
        const struct gkv_register_history history = {operations, count};
        const bool is_linearizable = gkv_zones_check(history, zones, &report);
        const enum gkv_search_answer answer = gkv_search_check(&search, history);
        counts[answer]++;
        faults[report.fault]++;
        if (!is_linearizable) {
            assert_proof(history, &report);
        }
        if ((!is_forged && !is_linearizable) ||
            (answer != GKV_SEARCH_GAVE_UP && is_linearizable != (answer == GKV_SEARCH_YES))) {
            fail_msg("seed %u: zones %d, search %d", (unsigned)seed, is_linearizable, (int)answer);
        }
    }
    print_message("linearizable %u, not %u, gave up %u\n", (unsigned)counts[GKV_SEARCH_YES],
                  (unsigned)counts[GKV_SEARCH_NO], (unsigned)counts[GKV_SEARCH_GAVE_UP]);
    assert_true(counts[GKV_SEARCH_YES] > 5000);
    assert_true(counts[GKV_SEARCH_NO] > 2000);
    assert_true(counts[GKV_SEARCH_GAVE_UP] < 1000);
    for (uint32_t fault = 0; fault <= GKV_ZONES_INSIDE; fault++) {
        assert_true(faults[fault] > 50); /* each kind is met */
    }
}

/* Goal: a long history is judged to the end, and one wrong read in it is found. Method: 10,000
 * operations, honest, then with the last read turned to the initial value. */
static void test_one_wrong_read_in_ten_thousand(void **state)
{
    (void)state;
    struct gkv_prng prng;
    struct gkv_zones_report report;
    const struct gkv_forge_options options = {
        .operation_count = HUGE, .client_count = 12, .write_percent = 50, .span = 20};
    gkv_prng_init(&prng, 1, 0);
    gkv_forge_make(&prng, &options, operations);
    const struct gkv_register_history history = {operations, HUGE};
    assert_true(gkv_zones_check(history, zones, &report));
    uint32_t last = 0;
    for (uint32_t i = 0; i < HUGE; i++) {
        const bool is_later = operations[i].kind == GKV_REGISTER_READ &&
                              (operations[last].kind != GKV_REGISTER_READ ||
                               operations[i].begin > operations[last].begin);
        last = is_later ? i : last;
    }
    operations[last].write = GKV_REGISTER_INITIAL;
    assert_false(gkv_zones_check(history, zones, &report));
    assert_proof(history, &report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_histories_are_accepted),
        cmocka_unit_test(test_bad_histories_are_rejected),
        cmocka_unit_test(test_reports_explain_themselves),
        cmocka_unit_test(test_the_longest_text_fits),
        cmocka_unit_test(test_zones_and_the_search_agree),
        cmocka_unit_test(test_one_wrong_read_in_ten_thousand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
