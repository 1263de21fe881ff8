/* What the performance benchmark says to servers, draws, and makes of figures. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench/performance/dialect.h"
#include "bench/performance/figures.h"
#include "bench/performance/keys.h"
#include "bench/zipf.h"

#define BATCH_BYTES_MAX 512

static const uint32_t two_keys[] = {0x12ab, 0xffffffff};
static const uint8_t value[] = "abcdefghi";

static void expect_batch(const struct dialect *dialect, const char *bytes, size_t count)
{
    uint8_t batch[BATCH_BYTES_MAX];
    memset(batch, '#', sizeof(batch));
    dialect_write(dialect, two_keys, 2, value, batch);
    assert_int_equal(dialect_batch_bytes(dialect, 2), count);
    assert_memory_equal(batch, bytes, count);
    assert_int_equal(batch[count], '#');
}

static void expect_text(const char *name, bool is_set, const char *text)
{
    struct dialect dialect;
    assert_true(dialect_init(&dialect, name, is_set, 9));
    expect_batch(&dialect, text, strlen(text));
}

/* What a server answers to two keys: as long as is said, and for each key it begins as is said. */
static void expect_answer(const char *name, bool is_set, const char *text)
{
    struct dialect dialect;
    assert_true(dialect_init(&dialect, name, is_set, 9));
    assert_int_equal(dialect_answer_bytes(&dialect, 2), strlen(text));
    for (uint32_t i = 0; i < 2; i++) {
        assert_memory_equal(text + i * dialect.answer_bytes, dialect.begin.bytes,
                            dialect.begin.count);
    }
}

/* Goal: Redis and memcached are asked what their protocols say, byte by byte, and their answers are
 * awaited whole: one byte off, and the benchmark would measure errors, or hang.
 * Method: batches of two keys, and what the servers answer, written out here. */
static void test_text_dialects(void **state)
{
    (void)state;
    expect_text("resp", false,
                "*2\r\n$3\r\nGET\r\n$16\r\n00000000000012ab\r\n"
                "*2\r\n$3\r\nGET\r\n$16\r\n00000000ffffffff\r\n");
    expect_answer("resp", false, "$9\r\nabcdefghi\r\n$9\r\nabcdefghi\r\n");
    expect_text("resp", true,
                "*3\r\n$3\r\nSET\r\n$16\r\n00000000000012ab\r\n$9\r\nabcdefghi\r\n"
                "*3\r\n$3\r\nSET\r\n$16\r\n00000000ffffffff\r\n$9\r\nabcdefghi\r\n");
    expect_answer("resp", true, "+OK\r\n+OK\r\n");
    expect_text("memcached", false, "get 00000000000012ab 00000000ffffffff\r\n");
    expect_answer("memcached", false,
                  "VALUE 00000000000012ab 0 9\r\nabcdefghi\r\n"
                  "VALUE 00000000ffffffff 0 9\r\nabcdefghi\r\nEND\r\n");
    expect_text("memcached", true,
                "set 00000000000012ab 0 0 9\r\nabcdefghi\r\n"
                "set 00000000ffffffff 0 0 9\r\nabcdefghi\r\n");
    expect_answer("memcached", true, "STORED\r\nSTORED\r\n");
}

/* Goal: the prototype's binary protocol, and no other name.
 * Method: its sixteen bytes of head, as numbers. */
static void test_binary_dialect(void **state)
{
    (void)state;
    struct dialect dialect;
    uint8_t expected[2 * (16 + KEY_TEXT_BYTES + 9)] = {2, KEY_TEXT_BYTES, 0, 0, 9};
    memcpy(expected + 16, "00000000000012ababcdefghi", 25);
    expected[41] = 2;
    expected[42] = KEY_TEXT_BYTES;
    expected[45] = 9;
    memcpy(expected + 57, "00000000ffffffffabcdefghi", 25);
    assert_true(dialect_init(&dialect, "kvsrv", true, 9));
    expect_batch(&dialect, (const char *)expected, sizeof(expected));
    assert_int_equal(dialect_answer_bytes(&dialect, 2), 32);
    assert_true(dialect_init(&dialect, "kvsrv", false, 9));
    assert_int_equal(dialect_batch_bytes(&dialect, 2), 64);
    assert_int_equal(dialect_answer_bytes(&dialect, 2), 50);
    assert_int_equal(dialect.begin.bytes[4], 9);
    assert_false(dialect_init(&dialect, "gopher", false, 9));
}

/* Goal: a median is the one in the middle, whatever the order; of none there is none. */
static void test_median(void **state)
{
    (void)state;
    struct figure figure = {.count = 0};
    assert_true(isnan(figure_median(&figure)));
    const double numbers[] = {5, 1, 9, 3, 7};
    for (uint32_t i = 0; i < 5; i++) {
        figure_add(&figure, numbers[i]);
    }
    assert_true(figure_median(&figure) == 5);
    assert_true(figure.rounds[0] == 5); /* sorted elsewhere */
}

/* What was printed between page_begin and now. */
static const char *printed(struct page *page)
{
    (void)fflush(page->body);
    return page->text;
}

/* Goal: each figure stands with its ratio to the limit, ours with its ratio to each of the others,
 * and what was not measured is a dash, of which no ratio is made.
 * Method: a table of three by two, read as text. */
static void test_matrix(void **state)
{
    (void)state;
    static struct page page;
    struct matrix matrix = {.corner = "ns",
                            .rows = {"ours", "theirs", "absent", "limit"},
                            .row_count = 4,
                            .columns = {"few", "many"},
                            .column_count = 2,
                            .values = {{30, 250}, {60, NAN}, {NAN, NAN}, {10, 100}},
                            .our_row = 0,
                            .limit_row = 3,
                            .limit_name = "the limit"};
    assert_true(page_begin(&page, "test_bench_performance.plots"));
    matrix_print(&page, &matrix);
    assert_string_equal(printed(&page), "In brackets: divided by the limit.\n\n"
                                        "| ns | few | many |\n|---|---|---|\n"
                                        "| ours | 30.0 (3.00) | 250 (2.50) |\n"
                                        "| theirs | 60.0 (6.00) | - |\n"
                                        "| absent | - | - |\n"
                                        "| limit | 10.0 | 100 |\n"
                                        "| *ours / theirs* | *0.50* | *-* |\n");
    (void)fclose(page.body);
    free(page.text);
}

/* Goal: a mark is passed by its figure alone; one that was not measured is missed; and a page that
 * says where reasons are tells no "not known".
 * Method: marks on both sides of their limits, and one of a ratio to nothing. */
static void test_claims(void **state)
{
    (void)state;
    static struct page page;
    char *text = NULL;
    size_t text_bytes = 0;
    assert_true(page_begin(&page, "test_bench_performance.plots"));
    page.reasons = "Reasons: elsewhere.";
    page_table(&page, "T1", "marks");
    claim(&page,
          &(struct claim){.what = "least", .beside = "", .unit = "", .ours = 43, .limit = 43});
    claim(&page, &(struct claim){.what = "most",
                                 .beside = "",
                                 .unit = "",
                                 .ours = 1.29,
                                 .limit = 1.3,
                                 .is_at_least = true});
    claim(&page, &(struct claim){.what = "nobody",
                                 .beside = "",
                                 .unit = "",
                                 .ours = INFINITY,
                                 .limit = 1,
                                 .why = "it is not here"});
    page_marks(&page);
    FILE *out = open_memstream(&text, &text_bytes);
    assert_non_null(out);
    page_end(&page, out);
    (void)fclose(out);
    assert_non_null(strstr(text, "1 of 3 marks are passed."));
    assert_non_null(strstr(text, "| T1 | least | - | 43 | <= 43 | PASS |"));
    assert_non_null(strstr(text, "| T1 | most | - | 1.29 | >= 1.3 | **MISSED** |"));
    assert_non_null(strstr(text, "| T1 | nobody | - | not measured | <= 1 | **MISSED** |"));
    assert_non_null(strstr(text, "\nMissed, nobody: it is not here.\n"));
    assert_null(strstr(text, "not known"));
    assert_non_null(strstr(text, "\nReasons: elsewhere.\n"));
    free(text);
}

/* Goal: ranks are drawn as often as the law says, and none is out of range.
 * Method: a hundred thousand draws of a thousand keys; of the first rank 1 / zeta are to be
 * expected, half as many (s = 0.99) of the second, and the first hundred have two thirds. */
static void test_zipf(void **state)
{
    (void)state;
    struct gkv_prng prng;
    uint32_t counts[1000] = {0};
    uint32_t of_first_hundred = 0;
    const struct zipf zipf = zipf_of(1000, 0.99);
    gkv_prng_init(&prng, 1, 0);
    for (uint32_t i = 0; i < 100000; i++) {
        const uint32_t rank = zipf_draw(&zipf, &prng);
        assert_in_range(rank, 0, 999);
        counts[rank]++;
        of_first_hundred += rank < 100;
    }
    assert_in_range(counts[0], 12600, 13300); /* zeta = 7.73 */
    assert_in_range(counts[1], 6300, 6800);
    assert_in_range(of_first_hundred, 65000, 70000);
    assert_in_range(counts[999], 1, 100);
}

/* Goal: streams of keys stay below key_count and differ by seed; the popular ones of a Zipf stream
 * are no neighbours. Method: draw, and look. */
static void test_streams(void **state)
{
    (void)state;
    uint32_t *uniform = keys_uniform(50, 1);
    uint32_t *other = keys_uniform(50, 2);
    uint32_t *zipf = keys_zipf(50, 1);
    uint32_t counts[50] = {0};
    uint32_t differing = 0;
    assert_non_null(uniform);
    assert_non_null(other);
    assert_non_null(zipf);
    for (uint32_t i = 0; i < KEYS_STREAM_COUNT; i++) {
        assert_in_range(uniform[i], 0, 49);
        assert_in_range(zipf[i], 0, 49);
        differing += uniform[i] != other[i];
        counts[zipf[i]]++;
    }
    assert_in_range(differing, KEYS_STREAM_COUNT / 100 * 97, KEYS_STREAM_COUNT / 100 * 99);
    uint32_t first = 0;
    for (uint32_t i = 1; i < 50; i++) {
        first = counts[i] > counts[first] ? i : first;
    }
    assert_true(counts[(first + 1) % 50] < counts[first] / 3);
    free(uniform);
    free(other);
    free(zipf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_dialects), cmocka_unit_test(test_binary_dialect),
        cmocka_unit_test(test_median),        cmocka_unit_test(test_matrix),
        cmocka_unit_test(test_claims),        cmocka_unit_test(test_zipf),
        cmocka_unit_test(test_streams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
