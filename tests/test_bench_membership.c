/* The accounting of the membership benchmark, against cases that can be counted by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench/membership/crash.h"
#include "bench/membership/crowd.h"
#include "bench/membership/flavor.h"
#include "bench/membership/load.h"
#include "bench/membership/numbers.h"
#include "bench/report/page.h"
#include "bench/membership/plan.h"

/* Goal: T1 counts what is sent.
 * Method: three nodes, 20 periods. Each pings once in a period and each ping is answered, so that
 * 60 pings and 120 messages are sent, but for answers that are on their way at either end. */
static void test_load_of_three(void **state)
{
    struct gkv_options options;
    (void)state;
    flavor_options(FLAVOR_SWIM, 3, &options);
    const struct load_result result = load_measure(&options, 3, 20);
    assert_int_equal(result.ping_count, 60);
    assert_int_equal(result.member_period_count, 60);
    assert_in_range(result.sent_count, 117, 123);
    assert_in_range(result.received_count, 117, 123);
    assert_int_equal(result.few_count, 60);
    assert_in_range(result.sent_bytes / result.sent_count, 40, 120);
}

static struct crowd *three(void)
{
    struct gkv_options options;
    flavor_options(FLAVOR_MEMBERLIST, 3, &options);
    struct crowd *crowd = crowd_create(&options, 3, 2, 7);
    assert_non_null(crowd);
    assert_true(crowd_form(crowd, flavor_settle_ns(&options)));
    return crowd;
}

/* Goal: a crash is seen by everybody, and is no false verdict; the same silence of a node that is
 * up is one by each of the others, unless it is said to be anomalous.
 * Method: three nodes; one crashes, is stopped, is stopped as an anomaly. */
static void test_verdicts_of_three(void **state)
{
    (void)state;
    for (uint32_t way = 0; way < 3; way++) {
        struct crowd *crowd = three();
        const uint64_t begin_ns = crowd_now_ns(crowd);
        ledger_watch(&crowd->ledger, 2);
        crowd->ledger.is_anomalous[2] = way == 2;
        if (way == 0) {
            crowd_crash(crowd, 2);
        } else {
            gkv_world_pause(&crowd->world, 2, begin_ns + 60 * SECOND);
        }
        crowd_run(crowd, 59 * SECOND);
        const struct ledger_watch *watch = &crowd->ledger.watch;
        const struct ledger_false *counts = &crowd->ledger.false_verdicts;
        assert_int_equal(watch->suspected_count, 2);
        assert_int_equal(watch->unreachable_count, 2);
        assert_true(watch->pinged_ns > begin_ns && watch->pinged_ns < begin_ns + 3 * SECOND);
        assert_true(watch->unreachable_ns[0] > watch->suspected_ns[0]);
        assert_int_equal(counts->count + counts->hearsay_count, way == 1 ? 2 : 0);
        assert_in_range(counts->count, way == 1, way == 1 ? 2 : 0);
        assert_int_equal(counts->healthy_count, counts->count);
        assert_in_range(counts->suspicion_count, way == 1, way == 1 ? 2 : 0);
        assert_int_equal(crowd->ledger.was_removed[2], way == 1);
        crowd_destroy(crowd);
    }
}

/* Goal: a node that crashed and came back is held ALIVE in its new boot by all, and only then is
 * the cluster whole.
 * Method: three nodes, one of them twice. */
static void test_whole_again(void **state)
{
    (void)state;
    struct crowd *crowd = three();
    assert_true(crowd_is_whole(crowd));
    crowd_crash(crowd, 1);
    assert_false(crowd_is_whole(crowd)); /* two are up, and hold three */
    assert_int_equal(crowd_state(crowd, 0, 1), GKV_MEMBER_ALIVE);
    crowd_run(crowd, 20 * SECOND);
    assert_true(crowd_is_whole(crowd));
    assert_int_equal(crowd_state(crowd, 0, 1), GKV_MEMBER_UNREACHABLE);
    crowd_boot(crowd, 1);
    assert_false(crowd_is_whole(crowd));
    assert_int_equal(crowd_state(crowd, 0, 1), GKV_MEMBER_NONE);
    assert_true(crowd_await_whole(crowd, 60 * SECOND));
    assert_int_equal(crowd_state(crowd, 0, 1), GKV_MEMBER_ALIVE);
    crowd_destroy(crowd);
}

/* Goal: quantiles are those of nearest rank, means are thousandths, and a file is only read by the
 * build that wrote it.
 * Method: the numbers 1 to 200, backwards. */
static void test_numbers(void **state)
{
    const char *path = "test_bench_membership.numbers";
    struct numbers numbers = {.values = NULL};
    struct numbers again = {.values = NULL};
    (void)state;
    assert_int_equal(numbers_quantile(&numbers, 500), 0);
    for (uint64_t i = 200; i > 0; i--) {
        numbers_add(&numbers, i);
    }
    assert_true(numbers_write(&numbers, path, 5));
    assert_false(numbers_read(&again, path, 6));
    assert_true(numbers_read(&again, path, 5));
    assert_int_equal(again.count, 200);
    assert_memory_equal(again.values, numbers.values, 200 * sizeof(uint64_t));
    assert_int_equal(remove(path), 0);
    assert_int_equal(numbers_mean_milli(&numbers), 100500);
    assert_int_equal(numbers_quantile(&numbers, 0), 1);
    assert_int_equal(numbers_quantile(&numbers, 500), 100);
    assert_int_equal(numbers_quantile(&numbers, 990), 198);
    assert_int_equal(numbers_quantile(&numbers, 999), 200);
    assert_int_equal(numbers_quantile(&numbers, 1000), 200);
    numbers_free(&numbers);
    numbers_free(&again);
}

#define FOLDER "test_bench_membership.pieces"

static void measure_squares(const struct piece *piece, struct numbers *numbers_out)
{
    for (uint64_t i = 0; i < 3; i++) {
        numbers_add(numbers_out, piece->arguments[0] * piece->arguments[0] + i);
    }
}

static void add_squares(struct plan *plan, uint64_t of)
{
    struct piece piece = {.measure = measure_squares, .arguments = {of}};
    (void)snprintf(piece.name, sizeof(piece.name), "squares-%d", (int)of);
    (void)plan_add(plan, &piece);
}

/* Goal: pieces are measured once each, in processes of their own, and not again when their files
 * are there, unless they were made with another effort.
 * Method: three pieces, one of them named twice; then the same plan again, with a file changed. */
static void test_plan_goes_on(void **state)
{
    static struct plan plans[3];
    const uint64_t stamps[] = {50, 50, 60};
    (void)state;
    for (uint32_t run = 0; run < 3; run++) {
        struct plan *plan = &plans[run];
        memset(plan, 0, sizeof(*plan));
        plan->effort = (uint32_t)stamps[run];
        add_squares(plan, 2);
        add_squares(plan, 3);
        add_squares(plan, 2);
        add_squares(plan, 4);
        assert_int_equal(plan->piece_count, 3);
        assert_int_equal(plan_repetitions(plan, 10), stamps[run] / 10);
        assert_true(plan_carry_out(plan, FOLDER, 2));
        assert_int_equal(plan_numbers(plan, "squares-3")->count, 3);
        assert_int_equal(plan_numbers(plan, "squares-4")->values[2], 18);
        assert_int_equal(plan_numbers(plan, "squares-2")->values[0], run == 1 ? 7 : 4);
        if (run == 0) {
            FILE *file = fopen(FOLDER "/squares-2.txt", "r+");
            assert_non_null(file);
            assert_int_equal(fseek(file, 19, SEEK_SET), 0); /* after the stamp and the count */
            assert_int_equal(fgetc(file), '4');
            assert_int_equal(fseek(file, 19, SEEK_SET), 0);
            assert_int_equal(fputc('7', file), '7');
            fclose(file);
        }
        for (uint32_t i = 0; i < plan->piece_count; i++) {
            numbers_free(&plan->pieces[i].numbers);
        }
    }
    (void)remove(FOLDER "/squares-2.txt");
    (void)remove(FOLDER "/squares-3.txt");
    (void)remove(FOLDER "/squares-4.txt");
    assert_int_equal(remove(FOLDER), 0);
}

/* Goal: what is measured of a crash comes in the order in which it happens.
 * Method: three crashes of five nodes under memberlist's options, that suspect for 4 s. */
static void test_crash_in_order(void **state)
{
    static struct plan plan;
    const struct crash crash = {.flavor = FLAVOR_MEMBERLIST,
                                .node_count = 5,
                                .trial_count = 3,
                                .until = GKV_MEMBER_UNREACHABLE};
    struct numbers fields[CRASH_FIELD_COUNT];
    (void)state;
    plan.effort = 100;
    crash_plan(&plan, &crash);
    assert_int_equal(plan.piece_count, 1);
    assert_true(plan_carry_out(&plan, FOLDER, 1));
    for (uint32_t f = 0; f < CRASH_FIELD_COUNT; f++) {
        fields[f] = crash_numbers(&plan, &crash, (enum crash_field)f);
        assert_int_equal(fields[f].count, 3);
    }
    for (uint32_t i = 0; i < 3; i++) {
        for (uint32_t f = 1; f < CRASH_FIELD_COUNT; f++) {
            assert_true(fields[f - 1].values[i] <= fields[f].values[i]);
        }
        const uint64_t suspected_ns = fields[CRASH_SUSPECTED].values[i];
        assert_true(suspected_ns >= 500 * MS && suspected_ns < 5 * SECOND);
        assert_true(fields[CRASH_UNREACHABLE].values[i] >= suspected_ns + 3999 * MS);
    }
    for (uint32_t f = 0; f < CRASH_FIELD_COUNT; f++) {
        numbers_free(&fields[f]);
    }
    numbers_free(&plan.pieces[0].numbers);
    assert_int_equal(remove(FOLDER "/crash-memberlist-5-unreachable-0.txt"), 0);
    assert_int_equal(remove(FOLDER), 0);
}

/* Goal: the numbers decide whether a mark is passed.
 * Method: one at its limit and one beyond, for upper and lower limits. */
static void test_marks(void **state)
{
    static struct page page;
    char *text = NULL;
    size_t text_bytes = 0;
    char milli[PAGE_TEXT_BYTES];
    (void)state;
    assert_false(page_begin(&page, FOLDER "/of/nobody"));
    (void)remove(FOLDER ".plots");
    assert_true(page_begin(&page, FOLDER ".plots"));
    assert_int_equal(remove(FOLDER ".plots"), 0); /* it was made */
    page_table(&page, "T1", "a table");
    for (uint64_t ours = 1999; ours <= 2001; ours++) {
        for (uint32_t at_least = 0; at_least < 2; at_least++) {
            page_mark(&page, &(struct mark){.what = "a mark",
                                            .unit = " s",
                                            .ours_milli = ours,
                                            .limit_milli = 2000,
                                            .is_at_least = at_least != 0});
        }
    }
    FILE *out = open_memstream(&text, &text_bytes);
    assert_non_null(out);
    page_end(&page, out);
    fclose(out);
    assert_non_null(strstr(text, "4 of 6 marks are passed."));
    assert_non_null(strstr(text, "| T1 | a mark | - | 1.999 s | <= 2 s | PASS |"));
    assert_non_null(strstr(text, "| T1 | a mark | - | 1.999 s | >= 2 s | **MISSED** |"));
    assert_non_null(strstr(text, "| T1 | a mark | - | 2 s | <= 2 s | PASS |"));
    assert_non_null(strstr(text, "| T1 | a mark | - | 2 s | >= 2 s | PASS |"));
    assert_non_null(strstr(text, "| T1 | a mark | - | 2.001 s | <= 2 s | **MISSED** |"));
    free(text);
    assert_string_equal(page_milli(0, milli), "0");
    assert_string_equal(page_milli(10, milli), "0.01");
    assert_string_equal(page_ms(99960000, milli), "100");
    assert_string_equal(page_ms(1649999, milli), "1.6");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load_of_three), cmocka_unit_test(test_verdicts_of_three),
        cmocka_unit_test(test_whole_again),   cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_plan_goes_on),  cmocka_unit_test(test_crash_in_order),
        cmocka_unit_test(test_marks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
