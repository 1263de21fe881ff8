#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sim/arguments.h"

#define SECOND_NS UINT64_C(1000000000)

/* Goal: a number is decimal, or hexadecimal after 0x, of 64 bits, and nothing else. Method: good
 * and bad texts; 010 is ten. */
static void test_numbers(void **state)
{
    static const char *const bad[] = {"",    "-1",  "+1",   " 1",  "1 ", "0x",
                                      "0xg", "1.5", "seed", "12k", "0X", "18446744073709551616"};
    uint64_t number = 0;
    (void)state;
    assert_true(gkv_arguments_number("0", NULL, &number) && number == 0);
    assert_true(gkv_arguments_number("010", NULL, &number) && number == 10);
    assert_true(gkv_arguments_number("0x2A", NULL, &number) && number == 42);
    assert_true(gkv_arguments_number("18446744073709551615", NULL, &number));
    assert_true(number == UINT64_MAX);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(gkv_arguments_number(bad[i], NULL, &number));
    }
}

/* Goal: a range has two ends in order. Method: good and bad texts. */
static void test_ranges(void **state)
{
    static const char *const bad[] = {"",     "..",    "1..",  "..5",   "5..1",
                                      "1-5",  "1...5", "1..x", "1..-5", "1..18446744073709551615",
                                      "1, 2", "7"};
    uint64_t first = 0;
    uint64_t last = 0;
    (void)state;
    assert_true(gkv_arguments_range("3..8", &first, &last) && first == 3 && last == 8);
    assert_true(gkv_arguments_range("0x10..0x10", &first, &last) && first == 16 && last == 16);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(gkv_arguments_range(bad[i], &first, &last));
    }
}

/* Goal: a time has a unit or is in seconds, is not nothing, and does not overflow. Method: good and
 * bad texts. */
static void test_durations(void **state)
{
    static const char *const bad[] = {
        "", "0", "0s", "s", "5d", "-5s", "5 ", "1.5h", "99999999999999999h"};
    uint64_t duration_ns = 0;
    (void)state;
    assert_true(gkv_arguments_duration("90", &duration_ns) && duration_ns == 90 * SECOND_NS);
    assert_true(gkv_arguments_duration("600s", &duration_ns) && duration_ns == 600 * SECOND_NS);
    assert_true(gkv_arguments_duration("10m", &duration_ns) && duration_ns == 600 * SECOND_NS);
    assert_true(gkv_arguments_duration("1h", &duration_ns) && duration_ns == 3600 * SECOND_NS);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(gkv_arguments_duration(bad[i], &duration_ns));
    }
}

/* Goal: a seed is a number, or the first 8 digits of a commit. Method: both, and what could be
 * either: 40 digits are a commit even when all of them are decimal. */
static void test_seeds(void **state)
{
    uint64_t seed = 0;
    (void)state;
    assert_true(gkv_arguments_seed("42", &seed) && seed == 42);
    assert_true(gkv_arguments_seed("12345678", &seed) && seed == 12345678);
    assert_true(gkv_arguments_seed("1234567f", &seed) && seed == 0x1234567f);
    assert_true(gkv_arguments_seed("c4f88cf0a1", &seed) && seed == 0xc4f88cf0);
    assert_true(gkv_arguments_seed("1234567812345678123456781234567812345678", &seed));
    assert_true(seed == 0x12345678);
    assert_false(gkv_arguments_seed("c4f88cf", &seed)); /* seven digits */
    assert_false(gkv_arguments_seed("c4f88cfg", &seed));
    assert_false(gkv_arguments_seed("12345678123456781234567812345678123456780", &seed));
    assert_false(gkv_arguments_seed("18446744073709551615", &seed));
    assert_false(gkv_arguments_seed("", &seed));
}

static const char *name_at(uint32_t index)
{
    static const char *const names[] = {"cuts", "cut", "crashes", NULL};
    return names[index];
}

/* Goal: options are taken by their whole name, lists of names become masks, and what is wrong is
 * said with what is known. Method: command lines. */
static void test_words(void **state)
{
    char *words[] = {"sim", "run", "--no-fault", "cut,crashes", "--jobs", "x", "--no-fault"};
    struct gkv_arguments arguments = {.words = words, .count = 7, .next = 2};
    uint64_t mask = 0;
    uint64_t number = 7;
    (void)state;
    assert_false(gkv_arguments_take(&arguments, "--no"));
    assert_true(gkv_arguments_take_names(&arguments, "--no-fault", name_at, &mask));
    assert_int_equal(mask, 6);
    words[3] = "all";
    arguments.next = 2;
    assert_true(gkv_arguments_take_names(&arguments, "--no-fault", name_at, &mask));
    assert_int_equal(mask, 7);
    assert_false(gkv_arguments_take_number(&arguments, "--job", 64, &number));
    assert_string_equal(arguments.wrong, "");
    assert_false(gkv_arguments_take_number(&arguments, "--jobs", 64, &number));
    assert_int_equal(number, 7);
    assert_non_null(strstr(arguments.wrong, "--jobs wants a number"));
    assert_non_null(strstr(arguments.wrong, "'x'"));
    arguments.next = 6;
    assert_false(gkv_arguments_take_names(&arguments, "--no-fault", name_at, &mask));
    assert_non_null(strstr(arguments.wrong, "--jobs")); /* the first one stays */
    assert_true(gkv_arguments_more(&arguments));
}

/* Goal: a name that is not known is answered with those that are. Method: one good and one bad name
 * in a list, and empty ones; nothing is taken then. */
static void test_names_that_are_not_known(void **state)
{
    static char *lists[] = {"cuts,cross", "", "cuts,", ",cuts", "cut s"};
    (void)state;
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        char *words[] = {"sim", "run", "--no-fault", lists[i]};
        struct gkv_arguments arguments = {.words = words, .count = 4, .next = 2};
        uint64_t mask = 99;
        assert_false(gkv_arguments_take_names(&arguments, "--no-fault", name_at, &mask));
        assert_int_equal(mask, 99);
        assert_int_equal(arguments.next, 2);
        assert_non_null(strstr(arguments.wrong, "cuts, cut, crashes"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),   cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_durations), cmocka_unit_test(test_seeds),
        cmocka_unit_test(test_words),     cmocka_unit_test(test_names_that_are_not_known),
    };
    return cmocka_run_group_tests_name("arguments", tests, NULL, NULL);
}
