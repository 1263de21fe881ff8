#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/error.h"

/* Goal: every error has a name and a text of its own, and a number beyond the list is survived.
 * Method: walk the list; compare each with every other. */
static void test_every_error_has_its_own_words(void **state)
{
    (void)state;
    const int last = GKV_ERROR_MALFORMED;
    for (int a = GKV_OK; a <= last; a++) {
        assert_string_not_equal(gkv_error_name((enum gkv_error)a), "UNKNOWN");
        assert_true(strlen(gkv_error_text((enum gkv_error)a)) > 4);
        for (int b = a + 1; b <= last; b++) {
            assert_string_not_equal(gkv_error_name((enum gkv_error)a),
                                    gkv_error_name((enum gkv_error)b));
            assert_string_not_equal(gkv_error_text((enum gkv_error)a),
                                    gkv_error_text((enum gkv_error)b));
        }
    }
    assert_string_equal(gkv_error_name((enum gkv_error)(last + 1)), "UNKNOWN");
    assert_string_equal(gkv_error_name((enum gkv_error) - 1), "UNKNOWN");
    assert_string_equal(gkv_error_text((enum gkv_error)100000), "unknown error number");
}

/* Goal: released numbers never change.
 * Method: the ones that users and wire logs have seen, by value. */
static void test_numbers_are_kept(void **state)
{
    (void)state;
    assert_int_equal(GKV_OK, 0);
    assert_int_equal(GKV_ERROR_KEY_EMPTY, 3);
    assert_int_equal(GKV_ERROR_NOT_FOUND, 7);
    assert_int_equal(GKV_ERROR_IN_DOUBT, 12);
    assert_int_equal(GKV_ERROR_MALFORMED, 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_error_has_its_own_words),
        cmocka_unit_test(test_numbers_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
