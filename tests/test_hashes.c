#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "sim/hashes.h"

#define LINE_BYTES 100

static void keep(struct gkv_hashes *hashes, uint64_t seed, uint64_t word)
{
    static struct gkv_trial_summary summary;
    summary = (struct gkv_trial_summary){.seed = seed, .chain = {word, ~word}};
    gkv_hashes_keep(hashes, &summary);
}

/* Goal: hashes come back from their text in the order of seeds, and the first that differs is
 * found. Method: keep three in any order, print them, read them, and change one. */
static void test_hashes_through_text(void **state)
{
    struct gkv_hashes ours;
    struct gkv_hashes theirs;
    char line[LINE_BYTES];
    uint64_t seed = 0;
    (void)state;
    assert_true(gkv_hashes_create(&ours, 10, 13));
    assert_true(gkv_hashes_create(&theirs, 10, 13));
    keep(&ours, 12, UINT64_C(0x0123456789abcdef));
    keep(&ours, 10, 1);
    keep(&ours, 11, UINT64_MAX);
    assert_true(gkv_hashes_differ(&ours, &theirs, &seed));
    assert_int_equal(seed, 10);

    FILE *file = tmpfile();
    assert_non_null(file);
    gkv_hashes_print(&ours, file);
    rewind(file);
    for (uint32_t i = 0; i < 3; i++) {
        assert_non_null(fgets(line, sizeof(line), file));
        assert_true(gkv_hashes_read(&theirs, line));
    }
    assert_string_equal(line, "12 0123456789abcdeffedcba9876543210\n");
    assert_null(fgets(line, sizeof(line), file)); /* 13 is not known */
    assert_int_equal(fclose(file), 0);
    assert_false(gkv_hashes_differ(&ours, &theirs, &seed));
    keep(&theirs, 12, 5);
    assert_true(gkv_hashes_differ(&ours, &theirs, &seed));
    assert_int_equal(seed, 12);
    gkv_hashes_destroy(&ours);
    gkv_hashes_destroy(&theirs);
}

/* Goal: what is no line of a hash is no hash. Method: lines that are nearly one, none of which may
 * change what is kept. */
static void test_other_lines_are_refused(void **state)
{
    static const char *const lines[] = {
        "",
        "\n",
        "FAIL quorum seed=10 event=3",
        "10",
        "10 ",
        "10 0123456789abcdeffedcba987654321\n",
        "10 0123456789abcdeffedcba98765432100\n",
        "10 0123456789abcdeffedcba987654321g\n",
        "9 0123456789abcdeffedcba9876543210\n",
        "14 0123456789abcdeffedcba9876543210\n",
        "x 0123456789abcdeffedcba9876543210\n",
        " 10 0123456789abcdeffedcba9876543210\n",
    };
    struct gkv_hashes hashes;
    struct gkv_hashes none;
    uint64_t seed = 0;
    (void)state;
    assert_true(gkv_hashes_create(&hashes, 10, 13));
    assert_true(gkv_hashes_create(&none, 10, 13));
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        assert_false(gkv_hashes_read(&hashes, lines[i]));
    }
    assert_false(gkv_hashes_differ(&hashes, &none, &seed));
    gkv_hashes_destroy(&hashes);
    gkv_hashes_destroy(&none);
    assert_false(gkv_hashes_create(&hashes, 0, GKV_HASHES_COUNT_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hashes_through_text),
        cmocka_unit_test(test_other_lines_are_refused),
    };
    return cmocka_run_group_tests_name("hashes", tests, NULL, NULL);
}
