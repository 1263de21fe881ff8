#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/action.h"
#include "core/scratch.h"

static _Alignas(GKV_ARENA_ALIGN) uint8_t memory[8192];

/* Goal: actions come out in the order they went in, zeroed before they are filled, and the room is
 * what is left until all are taken.
 * Method: fill to the brim, drain, fill again. */
static void test_queue_is_first_in_first_out(void **state)
{
    (void)state;
    struct gkv_actions actions;
    struct gkv_arena arena = gkv_arena_over(memory, sizeof(memory));
    gkv_actions_init(&actions, &arena, 4);
    for (int turn = 0; turn < 3; turn++) {
        assert_int_equal(gkv_actions_room(&actions), 4);
        for (uint64_t i = 0; i < 4; i++) {
            struct gkv_action *action = gkv_actions_add(&actions, GKV_ACTION_COMPLETE);
            assert_int_equal(action->as.result.cookie, 0);
            action->as.result.cookie = i + 1;
        }
        assert_int_equal(gkv_actions_room(&actions), 0);
        struct gkv_action taken;
        for (uint64_t i = 0; i < 4; i++) {
            assert_true(gkv_actions_take(&actions, &taken));
            assert_int_equal(taken.kind, GKV_ACTION_COMPLETE);
            assert_int_equal(taken.as.result.cookie, i + 1);
        }
        assert_false(gkv_actions_take(&actions, &taken));
    }
}

/* Goal: scratch lends aligned, disjoint pieces up to its capacity, and all of it again after a
 * clear. Method: take until the room is gone; compare addresses. */
static void test_scratch_lends_all_of_itself(void **state)
{
    (void)state;
    struct gkv_scratch scratch;
    struct gkv_arena arena = gkv_arena_over(memory, sizeof(memory));
    gkv_scratch_init(&scratch, &arena, 256);
    for (int turn = 0; turn < 2; turn++) {
        assert_int_equal(gkv_scratch_room(&scratch), 256);
        uint8_t *first = gkv_scratch_take(&scratch, 1);
        uint8_t *second = gkv_scratch_take(&scratch, 17);
        assert_int_equal((uintptr_t)first % 16, 0);
        assert_ptr_equal(second, first + 16);
        assert_int_equal(gkv_scratch_room(&scratch), 256 - 48);
        assert_non_null(gkv_scratch_take(&scratch, 256 - 48));
        assert_int_equal(gkv_scratch_room(&scratch), 0);
        gkv_scratch_clear(&scratch);
    }
}

/* Goal: what is taken back of the last loan is lent again, and what is kept is not.
 * Method: keep all, some and nothing of a loan behind another; compare room and addresses. */
static void test_scratch_takes_back(void **state)
{
    (void)state;
    struct gkv_scratch scratch;
    struct gkv_arena arena = gkv_arena_over(memory, sizeof(memory));
    gkv_scratch_init(&scratch, &arena, 256);
    const uint8_t *first = gkv_scratch_take(&scratch, 16);
    const uint8_t *last = gkv_scratch_take(&scratch, 100);
    gkv_scratch_keep(&scratch, last, 100);
    assert_int_equal(gkv_scratch_room(&scratch), 256 - 16 - 112);
    gkv_scratch_keep(&scratch, last, 17);
    assert_int_equal(gkv_scratch_room(&scratch), 256 - 16 - 32);
    gkv_scratch_keep(&scratch, last, 0);
    assert_int_equal(gkv_scratch_room(&scratch), 256 - 16);
    assert_ptr_equal(gkv_scratch_take(&scratch, 1), first + 16);
}

/* Goal: the counting walk and the carving walk agree, and carved memory is zero.
 * Method: odd sizes, both ways, over memory full of ones. */
static void test_arena_counts_what_it_carves(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(memory); i++) {
        memory[i] = 0xff;
    }
    struct gkv_arena counting = gkv_arena_counting();
    assert_null(gkv_arena_carve(&counting, 3, 7));
    assert_null(gkv_arena_carve(&counting, 1, 65));
    struct gkv_arena real = gkv_arena_over(memory, counting.used);
    const uint8_t *a = gkv_arena_carve(&real, 3, 7);
    const uint8_t *b = gkv_arena_carve(&real, 1, 65);
    assert_int_equal(real.used, counting.used);
    assert_ptr_equal(b, a + 64);
    for (int i = 0; i < 21; i++) {
        assert_int_equal(a[i], 0);
    }
    assert_int_equal(memory[counting.used], 0xff);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_queue_is_first_in_first_out),
        cmocka_unit_test(test_scratch_lends_all_of_itself),
        cmocka_unit_test(test_scratch_takes_back),
        cmocka_unit_test(test_arena_counts_what_it_carves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
