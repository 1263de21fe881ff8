/* The store's index: buckets of a cache line, each with a lock of its own.
 *
 *   | lock 4 | more 4 | 8 tags of 2 bytes | 8 marks of 1 byte | 8 units of 4 bytes |   64 bytes
 *
 * Model     A hash chooses a bucket by its top bits, so that records of one ring slot lie in
 *           buckets side by side, and a place in it by a tag, its lowest 16 bits: whoever finds the
 *           tag looks at the record. A full bucket has more places in a unit of the pages that
 *           looks alike, and that one may have more (`more`); the first one's lock is the lock of
 *           all.
 * Bounds    5.5 records per bucket are planned for, 11.6 bytes of index each.
 * Invariant Places are used from the front of the chain on; the last bucket of a chain of several
 *           is not empty. A place that is free keeps the tag and the mark of who left it last.
 */
#ifndef GKV_CORE_BUCKET_H
#define GKV_CORE_BUCKET_H

#include "core/pages.h"
#include "core/words.h"

#define GKV_BUCKET_PLACES 8

/* A mark, below what core/age.h keeps: this record is a tombstone or may expire, the sweep has to
 * look at it. */
#define GKV_MARK_MORTAL 1u

struct gkv_bucket {
    struct gkv_seqlock lock; /* unused in all but the first of a chain */
    gkv_atomic_u32 more;
    gkv_word tags[2];
    gkv_word marks;
    gkv_atomic_u32 units[GKV_BUCKET_PLACES]; /* 0: none */
};

_Static_assert(sizeof(struct gkv_bucket) == GKV_BUCKET_BYTES, "a bucket is a cache line");

static inline uint16_t gkv_bucket_tag(uint64_t key_hash)
{
    return (uint16_t)key_hash;
}

/* Which of the eight places may have `tag`: a number of which gkv_bucket_place_of names one, until
 * it is 0. None is left out. */
#if GKV_SIXTEEN_BYTES == 16

typedef short gkv_tags __attribute__((vector_size(16)));
typedef char gkv_flags __attribute__((vector_size(16)));

/* A bit per place, and none too many. */
GKV_INLINE uint64_t gkv_bucket_match(const struct gkv_bucket *bucket, uint16_t tag)
{
    const short one = (short)tag;
    const gkv_tags wanted = {one, one, one, one, one, one, one, one};
    const gkv_tags none = {0};
    const gkv_tags equal = (gkv_tags)gkv_sixteen_load(bucket->tags) == wanted;
    const gkv_flags flags = (gkv_flags)__builtin_ia32_packsswb128(equal, none);
    return (uint64_t)__builtin_ia32_pmovmskb128(flags);
}

GKV_INLINE uint32_t gkv_bucket_place_of(uint64_t match)
{
    return (uint32_t)__builtin_ctzll(match);
}

#else

/* Bit 16 i + 15 is set when tag i of four may be `tag`. A place may be named that has another, one
 * above a true one: a borrow goes on. */
GKV_INLINE uint64_t gkv_bucket_match_four(uint64_t four_tags, uint16_t tag)
{
    const uint64_t ones = UINT64_C(0x0001000100010001);
    const uint64_t differences = four_tags ^ (ones * tag);
    return (differences - ones) & ~differences & (ones << 15);
}

/* Bit 16 i + 15 for place i, bit 16 i + 14 for place i + 4. */
GKV_INLINE uint64_t gkv_bucket_match(const struct gkv_bucket *bucket, uint16_t tag)
{
    return gkv_bucket_match_four(gkv_word_load(&bucket->tags[0]), tag) |
           gkv_bucket_match_four(gkv_word_load(&bucket->tags[1]), tag) >> 1;
}

GKV_INLINE uint32_t gkv_bucket_place_of(uint64_t match)
{
    const uint32_t bit = (uint32_t)__builtin_ctzll(match);
    return bit / 16 + 4 * (~bit & 1);
}

#endif

static inline void gkv_bucket_set_tag(struct gkv_bucket *bucket, uint32_t place, uint16_t tag)
{
    gkv_word *word = &bucket->tags[place / 4];
    const unsigned shift = place % 4 * 16;
    const uint64_t others = gkv_word_load(word) & ~(UINT64_C(0xffff) << shift);
    gkv_word_store(word, others | (uint64_t)tag << shift);
}

static inline uint16_t gkv_bucket_tag_at(const struct gkv_bucket *bucket, uint32_t place)
{
    return (uint16_t)(gkv_word_load(&bucket->tags[place / 4]) >> (place % 4 * 16));
}

static inline void gkv_bucket_set_mark(struct gkv_bucket *bucket, uint32_t place, uint8_t mark)
{
    const unsigned shift = place * 8;
    const uint64_t others = gkv_word_load(&bucket->marks) & ~(UINT64_C(0xff) << shift);
    gkv_word_store(&bucket->marks, others | (uint64_t)mark << shift);
}

static inline uint8_t gkv_bucket_mark_at(const struct gkv_bucket *bucket, uint32_t place)
{
    return (uint8_t)(gkv_word_load(&bucket->marks) >> (place * 8));
}

#endif
