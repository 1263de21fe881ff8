#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/hash.h"
#include "core/prng.h"

#define BYTES_MAX 80

static void fill(uint8_t *bytes, uint64_t seed)
{
    struct gkv_prng prng;
    gkv_prng_init(&prng, seed, 0);
    for (uint32_t i = 0; i < BYTES_MAX; i++) {
        bytes[i] = (uint8_t)gkv_prng_below(&prng, 256);
    }
}

/* Goal: the hash of short keys, which is ours, is that of the library, which others' nodes may use.
 * Method: each length up to where the library is called, many bytes and seeds, at any address. */
static void test_short_hash_is_xxh64(void **state)
{
    uint8_t bytes[BYTES_MAX];
    (void)state;
    for (uint64_t seed = 0; seed < 200; seed++) {
        fill(bytes, seed);
        for (size_t from = 0; from < 8; from++) {
            for (size_t count = 0; count < BYTES_MAX - from; count++) {
                const uint64_t hash_seed = seed % 2 == 0 ? 0 : seed << 57 | seed;
                assert_int_equal(gkv_hash(bytes + from, count, hash_seed),
                                 gkv_hash_long(bytes + from, count, hash_seed));
            }
        }
    }
}

/* Goal: it is XXH64 and no other. Method: the empty string, and a word; the numbers are those of
 * xxhsum 0.8.1. */
static void test_known_hashes(void **state)
{
    (void)state;
    assert_int_equal(gkv_hash("", 0, 0), UINT64_C(0xef46db3751d8e999));
    assert_int_equal(gkv_hash("a", 1, 0), UINT64_C(0xd24ec4f1a98c6e5b));
    assert_int_equal(gkv_hash("abc", 3, 0), UINT64_C(0x44bc2cf5ad770999));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_short_hash_is_xxh64),
        cmocka_unit_test(test_known_hashes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
