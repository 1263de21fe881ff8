#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/bounds.h"
#include "core/marks.h"

#define CAPACITY 4

static _Alignas(GKV_ARENA_ALIGN) uint8_t memory[4096];

static struct gkv_marks marks; /* stays where it is: it says how far from it the memory lies */

static void start(uint64_t capacity)
{
    struct gkv_arena arena = gkv_arena_over(memory, sizeof(memory));
    gkv_marks_init(&marks, &arena, capacity);
}

static uint64_t hash_in(uint32_t slot, uint64_t rest)
{
    return (uint64_t)slot << (64 - GKV_SLOT_BITS) | rest;
}

/* Goal: marks come in the order in which they were put, over many turns of the ring.
 * Method: put and take, never more than fit, and compare. */
static void test_marks_come_in_order(void **state)
{
    (void)state;
    start(CAPACITY);
    uint64_t hash = 0;
    for (uint64_t turn = 0; turn < 100; turn++) {
        for (uint64_t i = 1; i <= turn % CAPACITY + 1; i++) {
            (void)gkv_marks_put(&marks, turn * CAPACITY + i);
        }
        for (uint64_t i = 1; i <= turn % CAPACITY + 1; i++) {
            assert_true(gkv_marks_first(&marks, &hash));
            assert_int_equal(hash, turn * CAPACITY + i);
            gkv_marks_drop(&marks);
        }
        assert_false(gkv_marks_first(&marks, &hash));
    }
    assert_int_equal(gkv_marks_stats(&marks).dirty_count, 0);
}

/* Goal: what finds the ring full is not lost: its slot is dirty, and nothing else is.
 * Method: one mark more than fit, one of the hash 0, which has no mark, and slots at both ends. */
static void test_full_ring_makes_slots_dirty(void **state)
{
    (void)state;
    start(CAPACITY);
    (void)gkv_marks_put(&marks, 0);
    for (uint64_t i = 1; i <= CAPACITY; i++) {
        (void)gkv_marks_put(&marks, i);
    }
    (void)gkv_marks_put(&marks, hash_in(77, 1));
    (void)gkv_marks_put(&marks, hash_in(77, 2));
    (void)gkv_marks_put(&marks, hash_in(GKV_SLOT_COUNT - 1, 3));
    assert_int_equal(gkv_marks_stats(&marks).mark_count, CAPACITY);
    assert_int_equal(gkv_marks_stats(&marks).dirty_count, 4);
    assert_int_equal(gkv_marks_take_dirty(&marks, 1), 77);
    assert_int_equal(gkv_marks_take_dirty(&marks, 78), GKV_SLOT_COUNT - 1);
    assert_int_equal(gkv_marks_take_dirty(&marks, GKV_SLOT_COUNT), GKV_SLOT_COUNT);
    assert_int_equal(gkv_marks_take_dirty(&marks, 0), 0);
    assert_int_equal(gkv_marks_take_dirty(&marks, 0), GKV_SLOT_COUNT);
    for (uint64_t i = 1; i <= CAPACITY; i++) {
        uint64_t hash = 0;
        assert_true(gkv_marks_first(&marks, &hash));
        assert_int_equal(hash, i);
        gkv_marks_drop(&marks);
    }
}

/* Goal: the consumer sleeps only over an empty ring, and exactly one put is told to wake it.
 * Method: sleep, put twice, try to sleep, take, sleep. */
static void test_one_put_wakes(void **state)
{
    (void)state;
    start(CAPACITY);
    assert_true(gkv_marks_is_asleep(&marks));
    assert_true(gkv_marks_sleep(&marks));
    assert_true(gkv_marks_put(&marks, 1));
    assert_false(gkv_marks_put(&marks, 2));
    assert_false(gkv_marks_is_asleep(&marks));
    assert_false(gkv_marks_sleep(&marks));
    gkv_marks_drop(&marks);
    assert_false(gkv_marks_sleep(&marks));
    gkv_marks_drop(&marks);
    assert_true(gkv_marks_sleep(&marks));
    assert_true(gkv_marks_put(&marks, 3));
}

/* Goal: a ring of nothing is nobody's trouble. Method: ask it everything. */
static void test_no_ring(void **state)
{
    (void)state;
    start(0);
    uint64_t hash = 0;
    assert_false(gkv_marks_first(&marks, &hash));
    assert_int_equal(gkv_marks_take_dirty(&marks, 0), GKV_SLOT_COUNT);
    assert_true(gkv_marks_sleep(&marks));
    assert_true(gkv_marks_is_asleep(&marks));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_marks_come_in_order),
        cmocka_unit_test(test_full_ring_makes_slots_dirty),
        cmocka_unit_test(test_one_put_wakes),
        cmocka_unit_test(test_no_ring),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
