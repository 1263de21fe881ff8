#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/cells.h"
#include "core/prng.h"

#define CELL_COUNT 64
#define STRING_COUNT 16
#define STRING_BYTES_MAX 700

struct pool {
    struct gkv_cells cells;
    uint8_t padding[GKV_ARENA_ALIGN];
    _Alignas(GKV_ARENA_ALIGN) uint8_t memory[CELL_COUNT * GKV_CELL_BYTES];
};

static struct pool pool;

static void fresh_pool(void)
{
    memset(&pool, 0xa5, sizeof(pool)); /* whatever was there before must not show */
    struct gkv_arena arena = gkv_arena_over(pool.memory, sizeof(pool.memory));
    gkv_cells_init(&pool.cells, &arena, CELL_COUNT);
}

/* Goal: what was written is read, from any byte on, while other strings come and go.
 * Method: 50,000 random writes and frees beside plain copies; the count of free cells is exact. */
static void test_against_model(void **state)
{
    (void)state;
    static uint8_t text[STRING_COUNT][STRING_BYTES_MAX];
    static uint8_t out[STRING_BYTES_MAX];
    size_t bytes[STRING_COUNT] = {0};
    uint32_t first[STRING_COUNT];
    memset(first, 0xff, sizeof(first));
    fresh_pool();
    struct gkv_prng prng;
    gkv_prng_init(&prng, 99, 0);
    uint32_t used = 0;
    for (int step = 0; step < 50000; step++) {
        const size_t i = gkv_prng_below(&prng, STRING_COUNT);
        gkv_cells_free(&pool.cells, first[i]);
        used -= gkv_cells_needed(bytes[i]);
        first[i] = GKV_CELL_NONE;
        bytes[i] = gkv_prng_below(&prng, STRING_BYTES_MAX + 1);
        if (gkv_cells_needed(bytes[i]) > pool.cells.free_count) {
            bytes[i] = 0;
        }
        for (size_t b = 0; b < bytes[i]; b++) {
            text[i][b] = (uint8_t)gkv_prng_next(&prng);
        }
        const size_t cut = gkv_prng_below(&prng, bytes[i] + 1);
        first[i] = gkv_cells_write(&pool.cells, (struct gkv_bytes){text[i], cut},
                                   (struct gkv_bytes){text[i] + cut, bytes[i] - cut});
        used += gkv_cells_needed(bytes[i]);
        assert_int_equal(pool.cells.free_count, CELL_COUNT - used);

        const size_t j = gkv_prng_below(&prng, STRING_COUNT);
        const size_t from = gkv_prng_below(&prng, bytes[j] + 1);
        gkv_cells_read(&pool.cells, first[j], from, bytes[j] - from, out);
        assert_memory_equal(out, text[j] + from, bytes[j] - from);
        assert_true(gkv_cells_equal(&pool.cells, first[j], (struct gkv_bytes){text[j], bytes[j]}));
    }
}

/* Goal: every cell can be used; an empty string uses none; lengths around a cell are right.
 * Method: one string of all the pool; lengths 0, 1, 60, 61, 120, 121. */
static void test_bounds(void **state)
{
    (void)state;
    static uint8_t all[CELL_COUNT * GKV_CELL_PAYLOAD_BYTES];
    fresh_pool();
    memset(all, 7, sizeof(all));
    const uint32_t first = gkv_cells_write(&pool.cells, (struct gkv_bytes){NULL, 0},
                                           (struct gkv_bytes){all, sizeof(all)});
    assert_int_equal(pool.cells.free_count, 0);
    all[sizeof(all) - 1] = 8;
    assert_false(gkv_cells_equal(&pool.cells, first, (struct gkv_bytes){all, sizeof(all)}));
    gkv_cells_free(&pool.cells, first);
    assert_int_equal(pool.cells.free_count, CELL_COUNT);
    assert_int_equal(
        gkv_cells_write(&pool.cells, (struct gkv_bytes){NULL, 0}, (struct gkv_bytes){NULL, 0}),
        GKV_CELL_NONE);
    const size_t lengths[] = {0, 1, 60, 61, 120, 121};
    const uint32_t needed[] = {0, 1, 1, 2, 2, 3};
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(gkv_cells_needed(lengths[i]), needed[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_model),
        cmocka_unit_test(test_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
