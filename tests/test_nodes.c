#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/nodes.h"

/* Goal: a set has whom it was given and nobody else, at both ends of every word, and knows who is
 * in two sets. Method: every node alone, and the first so many. */
static void test_sets_have_whom_they_were_given(void **state)
{
    (void)state;
    const struct gkv_nodes none = {{0}};
    for (uint32_t node = 0; node < GKV_NODES_COUNT_MAX; node++) {
        struct gkv_nodes alone = none;
        const struct gkv_nodes before = gkv_nodes_first(node);
        gkv_nodes_add(&alone, node);
        for (uint32_t i = 0; i < GKV_NODES_COUNT_MAX; i++) {
            assert_int_equal(gkv_nodes_has(&alone, i), i == node);
            assert_int_equal(gkv_nodes_has(&before, i), i < node);
        }
        struct gkv_nodes more = before;
        gkv_nodes_add(&more, node);
        const struct gkv_nodes expected = gkv_nodes_first(node + 1);
        assert_true(gkv_nodes_equal(&more, &expected));
        assert_false(gkv_nodes_equal(&more, &before));
        assert_true(gkv_nodes_contain(&more, &before) && gkv_nodes_contain(&more, &alone));
        assert_false(gkv_nodes_contain(&before, &more));
        assert_true(gkv_nodes_meet(&more, &alone));
        assert_false(gkv_nodes_meet(&before, &alone));
        assert_false(gkv_nodes_is_empty(&alone));
        gkv_nodes_remove(&alone, node);
        assert_true(gkv_nodes_is_empty(&alone));
    }
    const struct gkv_nodes some = gkv_nodes_of_bits(5);
    assert_true(gkv_nodes_has(&some, 0) && gkv_nodes_has(&some, 2) && !gkv_nodes_has(&some, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sets_have_whom_they_were_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
