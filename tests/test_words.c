#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/bucket.h"
#include "core/prng.h"
#include "core/words.h"

#define BYTES_MAX 2200
#define BEFORE_WORDS 2 /* so that what is written too early shows */

static struct {
    uint8_t bytes[16 + BYTES_MAX + 16];
} source, target;

static gkv_word words[BEFORE_WORDS + BYTES_MAX / 8 + 4];

static bool is_filled(const uint8_t *bytes, size_t count, uint8_t with)
{
    for (size_t i = 0; i < count; i++) {
        if (bytes[i] != with) {
            return false;
        }
    }
    return true;
}

/* What was written comes back, and nothing else was touched, here or there. */
static void check_length(size_t count, size_t shift)
{
    const uint8_t *data = source.bytes + shift;
    memset((void *)words, 0xee, sizeof(words));
    memset(&target, 0xdd, sizeof(target));
    gkv_words_write(words + BEFORE_WORDS, data, count);
    gkv_words_read(words + BEFORE_WORDS, target.bytes + shift, count);
    assert_memory_equal(target.bytes + shift, data, count);
    assert_true(is_filled(target.bytes, shift, 0xdd));
    assert_true(is_filled(target.bytes + shift + count, 16, 0xdd));
    assert_true(gkv_words_equal(words + BEFORE_WORDS, data, count));

    const uint8_t *written = (const uint8_t *)words;
    const size_t end = BEFORE_WORDS * 8 + gkv_words_of(count) * 8;
    assert_true(is_filled(written, BEFORE_WORDS * 8, 0xee));
    assert_true(is_filled(written + end, 16, 0xee));
    const size_t last = count % 8 == 0 ? 0 : 8 - count % 8;
    if (last > 0) {
        const uint64_t word = gkv_word_load(words + BEFORE_WORDS + count / 8);
        assert_int_equal(word >> (count % 8 * 8), 0); /* unused bytes of the last word are zero */
    }
}

/* Goal: strings of all lengths go into words and come out of them, to the byte.
 * Method: every length up to a little over where copies change their way last, at two addresses. */
static void test_all_lengths(void **state)
{
    (void)state;
    struct gkv_prng prng;
    gkv_prng_init(&prng, 1, 0);
    for (size_t i = 0; i < sizeof(source.bytes); i++) {
        source.bytes[i] = (uint8_t)gkv_prng_below(&prng, 256);
    }
    for (size_t count = 0; count <= BYTES_MAX; count++) {
        check_length(count, 0);
        check_length(count, 5);
    }
}

/* Goal: strings that differ in one byte are not equal, wherever it is. Method: each byte of each
 * length up to 40. */
static void test_each_byte_counts(void **state)
{
    (void)state;
    for (size_t count = 1; count <= 40; count++) {
        gkv_words_write(words, source.bytes, count);
        for (size_t i = 0; i < count; i++) {
            source.bytes[i] ^= 0x40;
            assert_false(gkv_words_equal(words, source.bytes, count));
            source.bytes[i] ^= 0x40;
        }
    }
}

/* Goal: all places that have a tag are named, whatever the others have. Method: random tags of few
 * values, the extreme ones among them. */
static void test_no_tag_is_left_out(void **state)
{
    static const uint16_t tags[] = {0, 1, 0x7fff, 0x8000, 0xffff};
    static struct gkv_bucket bucket;
    struct gkv_prng prng;
    (void)state;
    gkv_prng_init(&prng, 2, 0);
    for (uint32_t round = 0; round < 2000; round++) {
        for (uint32_t i = 0; i < GKV_BUCKET_PLACES; i++) {
            gkv_bucket_set_tag(&bucket, i, tags[gkv_prng_below(&prng, 5)]);
        }
        for (uint32_t t = 0; t < 5; t++) {
            uint32_t named = 0;
            uint64_t match = gkv_bucket_match(&bucket, tags[t]);
            for (; match != 0; match &= match - 1) {
                named |= 1u << gkv_bucket_place_of(match);
            }
            for (uint32_t i = 0; i < GKV_BUCKET_PLACES; i++) {
                assert_true(gkv_bucket_tag_at(&bucket, i) != tags[t] || (named >> i & 1) != 0);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_lengths),
        cmocka_unit_test(test_each_byte_counts),
        cmocka_unit_test(test_no_tag_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
