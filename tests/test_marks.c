#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/bounds.h"
#include "core/marks.h"

#define CAPACITY 4
#define LANE_CAPACITY 64

static _Alignas(GKV_ARENA_ALIGN) uint8_t memory[8192];

static struct gkv_marks marks; /* stays where it is: it says how far from it the memory lies */

static void start(uint64_t capacity, uint32_t lane_count)
{
    struct gkv_arena arena = gkv_arena_over(memory, sizeof(memory));
    gkv_marks_init(&marks, &arena, (struct gkv_marks_shape){capacity, lane_count});
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
    start(CAPACITY, 1);
    uint64_t hash = 0;
    for (uint64_t turn = 0; turn < 100; turn++) {
        for (uint64_t i = 1; i <= turn % CAPACITY + 1; i++) {
            (void)gkv_marks_put(&marks, 0, turn * CAPACITY + i);
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
    start(CAPACITY, 1);
    (void)gkv_marks_put(&marks, 0, 0);
    for (uint64_t i = 1; i <= CAPACITY; i++) {
        (void)gkv_marks_put(&marks, 0, i);
    }
    (void)gkv_marks_put(&marks, 0, hash_in(77, 1));
    (void)gkv_marks_put(&marks, 0, hash_in(77, 2));
    (void)gkv_marks_put(&marks, 0, hash_in(GKV_SLOT_COUNT - 1, 3));
    assert_int_equal(gkv_marks_stats(&marks).mark_count, CAPACITY);
    assert_int_equal(gkv_marks_stats(&marks).dirty_count, 3);
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
    start(CAPACITY, 1);
    assert_true(gkv_marks_is_asleep(&marks));
    assert_true(gkv_marks_sleep(&marks));
    assert_true(gkv_marks_put(&marks, 0, 1));
    assert_false(gkv_marks_put(&marks, 0, 2));
    assert_false(gkv_marks_is_asleep(&marks));
    assert_false(gkv_marks_sleep(&marks));
    gkv_marks_drop(&marks);
    assert_false(gkv_marks_sleep(&marks));
    gkv_marks_drop(&marks);
    assert_true(gkv_marks_sleep(&marks));
    assert_true(gkv_marks_put(&marks, 0, 3));
}

/* Goal: a lane that is full leaves its marks to the others, and only when all are is a slot dirty;
 * all of them are taken, or dropped at once, and no lane waits for ever while another is filled
 * anew.
 * Method: four lanes of 64, 256 marks put in one of them and one more; a full lane and one more;
 * then a mark of another lane among those of one that is filled as it is emptied. */
static void test_lanes(void **state)
{
    (void)state;
    start(4 * LANE_CAPACITY, 4);
    for (uint64_t i = 1; i <= 4 * LANE_CAPACITY + 1; i++) {
        assert_int_equal(gkv_marks_put(&marks, 6, i), i % LANE_CAPACITY == 1 && i <= 193);
    }
    assert_int_equal(gkv_marks_stats(&marks).mark_count, 4 * LANE_CAPACITY);
    assert_int_equal(gkv_marks_stats(&marks).dirty_count, 1);
    bool is_taken[4 * LANE_CAPACITY + 2] = {false};
    uint64_t hash = 0;
    for (uint32_t i = 0; i < 4 * LANE_CAPACITY; i++) {
        assert_true(gkv_marks_first(&marks, &hash));
        assert_in_range(hash, 1, 4 * LANE_CAPACITY);
        assert_false(is_taken[hash]);
        is_taken[hash] = true;
        gkv_marks_drop(&marks);
    }
    assert_false(gkv_marks_first(&marks, &hash));
    assert_int_equal(gkv_marks_drop_all(&marks), 0);
    for (uint64_t i = 1; i <= LANE_CAPACITY + 1; i++) {
        (void)gkv_marks_put(&marks, 1, i);
    }
    assert_int_equal(gkv_marks_drop_all(&marks), LANE_CAPACITY + 1);
    assert_false(gkv_marks_first(&marks, &hash));

    (void)gkv_marks_put(&marks, 3, 1000);
    for (uint32_t i = 0; i < LANE_CAPACITY / 2; i++) {
        (void)gkv_marks_put(&marks, 0, 1);
    }
    for (uint32_t i = 0; i < 2 * LANE_CAPACITY && hash != 1000; i++) {
        (void)gkv_marks_put(&marks, 0, 1);
        assert_true(gkv_marks_first(&marks, &hash));
        gkv_marks_drop(&marks);
    }
    assert_int_equal(hash, 1000);
}

/* Goal: the consumer sleeps when no lane holds anything, and is woken by whichever is put into.
 * Method: sleep over two lanes, put into each, take one, try to sleep, take the other, sleep. */
static void test_lanes_wake(void **state)
{
    (void)state;
    uint64_t hash = 0;
    start(CAPACITY, 2);
    assert_true(gkv_marks_is_asleep(&marks));
    assert_true(gkv_marks_put(&marks, 1, 1));
    assert_false(gkv_marks_is_asleep(&marks));
    assert_false(gkv_marks_put(&marks, 1, 2));
    assert_true(gkv_marks_first(&marks, &hash));
    gkv_marks_drop(&marks);
    assert_false(gkv_marks_sleep(&marks));
    assert_false(gkv_marks_is_asleep(&marks));
    assert_true(gkv_marks_first(&marks, &hash));
    gkv_marks_drop(&marks);
    assert_true(gkv_marks_sleep(&marks));
    assert_true(gkv_marks_is_asleep(&marks));
    assert_true(gkv_marks_put(&marks, 0, 3));
    assert_false(gkv_marks_is_asleep(&marks));
}

/* Goal: a ring of nothing is nobody's trouble. Method: ask it everything. */
static void test_no_ring(void **state)
{
    (void)state;
    start(0, 0);
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
        cmocka_unit_test(test_lanes),
        cmocka_unit_test(test_lanes_wake),
        cmocka_unit_test(test_no_ring),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
