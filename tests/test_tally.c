#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sim/tally.h"

/* Goal: every entry has a name of its own, a sentence and a group; none was forgotten in the table.
 * Method: look at all of them. */
static void test_every_entry_says_what_it_is(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < GKV_PREDICATE_COUNT; i++) {
        const struct gkv_tally_entry *entry = gkv_tally_entry((enum gkv_predicate)i);
        assert_non_null(entry->name);
        assert_non_null(entry->says);
        assert_non_null(strchr(entry->name, '.'));
        assert_true(strlen(entry->says) > 0);
        assert_true(entry->group >= GKV_TALLY_HOLDS && entry->group <= GKV_TALLY_REACHED);
        for (uint32_t j = 0; j < i; j++) {
            assert_string_not_equal(entry->name, gkv_tally_name((enum gkv_predicate)j));
        }
    }
}

/* Goal: what was reached is never missing; what was not is, from its budget on and not before.
 * Method: an entry of each budget, around both budgets. */
static void test_missing_from_the_budget_on(void **state)
{
    static const enum gkv_predicate of_commit = GKV_HOLDS_ONCE;
    static const enum gkv_predicate of_night = GKV_REACHED_CRASH_PAUSED;
    (void)state;
    assert_int_equal(gkv_tally_entry(of_commit)->budget, GKV_TALLY_COMMIT);
    assert_int_equal(gkv_tally_entry(of_night)->budget, GKV_TALLY_DEEP);
    assert_false(gkv_tally_is_missing(of_commit, 0, 299));
    assert_true(gkv_tally_is_missing(of_commit, 0, 300));
    assert_false(gkv_tally_is_missing(of_commit, 1, 300));
    assert_false(gkv_tally_is_missing(of_night, 0, 19999));
    assert_true(gkv_tally_is_missing(of_night, 0, 20000));
    assert_false(gkv_tally_is_missing(of_night, 1, 20000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_entry_says_what_it_is),
        cmocka_unit_test(test_missing_from_the_budget_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
