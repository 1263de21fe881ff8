#include "io_sim/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/arena.h"
#include "core/prng.h"

#define BLOCK_COUNT 40

/* Goal: a block is its taker's alone, aligned and as large as was asked for.
 * Method: 20,000 random takes and gives of 1 byte to 1 MiB; every block is filled with a byte of
 * its own at both ends, which must be there when it is given back. */
static void test_blocks_do_not_overlap(void **state)
{
    (void)state;
    uint8_t *blocks[BLOCK_COUNT] = {NULL};
    size_t sizes[BLOCK_COUNT] = {0};
    struct gkv_prng prng;
    gkv_prng_init(&prng, 1, 0);
    for (uint32_t i = 0; i < 20000; i++) {
        const size_t at = (size_t)gkv_prng_below(&prng, BLOCK_COUNT);
        if (blocks[at] != NULL) {
            assert_int_equal(blocks[at][0], (uint8_t)(at + 1));
            assert_int_equal(blocks[at][sizes[at] - 1], (uint8_t)(at + 1));
            gkv_pool_give(blocks[at]);
            blocks[at] = NULL;
            continue;
        }
        sizes[at] = (size_t)1 << gkv_prng_below(&prng, 21);
        sizes[at] -= (size_t)gkv_prng_below(&prng, sizes[at]);
        blocks[at] = gkv_pool_take(sizes[at]);
        assert_non_null(blocks[at]);
        assert_int_equal((uintptr_t)blocks[at] % GKV_ARENA_ALIGN, 0);
        blocks[at][0] = (uint8_t)(at + 1);
        blocks[at][sizes[at] - 1] = (uint8_t)(at + 1);
    }
    for (size_t at = 0; at < BLOCK_COUNT; at++) {
        gkv_pool_give(blocks[at]);
    }
}

/* Goal: what one run gave back, the next one gets; a small need does not take a large block.
 * Method: give two blocks back, ask for as much, and for far less. */
static void test_blocks_are_taken_again(void **state)
{
    (void)state;
    void *small = gkv_pool_take(3000000);
    void *large = gkv_pool_take(50000000);
    gkv_pool_give(small);
    gkv_pool_give(large);
    void *taken = gkv_pool_take(40000000); /* cmocka may evaluate its arguments twice */
    assert_ptr_equal(taken, large);
    taken = gkv_pool_take(2999999);
    assert_ptr_equal(taken, small);
    gkv_pool_give(large);
    void *other = gkv_pool_take(2000000);
    assert_ptr_not_equal(other, large);
    gkv_pool_give(other);
    gkv_pool_give(small);
}

/* Goal: more blocks than are kept are given back to the system, and none is lost or given twice.
 * Method: take and give half as many again; under the sanitizers a leak would be a failure. */
static void test_full_pool_gives_back(void **state)
{
    (void)state;
    static void *blocks[GKV_POOL_BLOCK_COUNT * 3 / 2];
    const size_t count = sizeof(blocks) / sizeof(blocks[0]);
    for (uint32_t round = 0; round < 2; round++) {
        for (size_t i = 0; i < count; i++) {
            blocks[i] = gkv_pool_take(100);
            assert_non_null(blocks[i]);
            memset(blocks[i], (int)i, 100);
        }
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(((uint8_t *)blocks[i])[99], (uint8_t)i);
            gkv_pool_give(blocks[i]);
        }
    }
    gkv_pool_give(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks_do_not_overlap),
        cmocka_unit_test(test_blocks_are_taken_again),
        cmocka_unit_test(test_full_pool_gives_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
