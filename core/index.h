/* Where records are: from a key to the unit that holds it.
 *
 * Model     Buckets (core/bucket.h) in the order of the hashes, so that the records of a ring slot
 *           are found by going over a few neighbours. A record's hash is not kept: who needs it
 *           reads the key again.
 * Bounds    A bucket for every GKV_INDEX_BYTES_PER_BUCKET of memory; more records than that make
 *           chains, and more of them longer ones.
 * Threads   Whoever changes something holds the lock of the chain's first bucket. Readers may look
 *           without it: what they find may be of no moment at all, but is in bounds.
 */
#ifndef GKV_CORE_INDEX_H
#define GKV_CORE_INDEX_H

#include "core/bucket.h"
#include "core/entry.h"

/* A bucket and the 5.5 records of 16 + 100 bytes that are planned for it. */
#define GKV_INDEX_BYTES_PER_BUCKET (GKV_BUCKET_BYTES + 5 * 144 + 72)

/* Places that a reader looks at in one chain before it takes it for nonsense. */
#define GKV_INDEX_CHAIN_MAX 4096

struct gkv_index {
    ptrdiff_t bucket_offset;
    uint32_t bucket_count;
    uint64_t hash_seed;
    struct gkv_pages pages; /* last: what changes in it lies apart */
};

/* A key with its hash, which is computed once per operation. */
struct gkv_key {
    struct gkv_bytes bytes;
    uint64_t hash;
};

/* A used place of a chain; {NULL, 0} is none. */
struct gkv_place {
    struct gkv_bucket *bucket;
    uint32_t at;
};

/* What a search found: the unit that the place named then, and what its record said of its
 * sizes. */
struct gkv_found {
    struct gkv_place place;
    struct gkv_unit unit;
    uint64_t sizes; /* gkv_entry_shape */
};

/* Lay out an index of at most `bytes` bytes, of which it leaves less than a page unused. */
void gkv_index_init(struct gkv_index *index, struct gkv_arena *arena, uint64_t bytes,
                    uint64_t hash_seed);

static inline struct gkv_bucket *gkv_index_bucket_at(const struct gkv_index *index, uint32_t number)
{
    return (struct gkv_bucket *)gkv_at(index, index->bucket_offset) + number;
}

/* By the top 32 bits of a key's hash. */
static inline uint32_t gkv_index_bucket_number(const struct gkv_index *index, uint32_t hash_top)
{
    return (uint32_t)((uint64_t)hash_top * index->bucket_count >> 32);
}

static inline struct gkv_bucket *gkv_index_bucket(const struct gkv_index *index, uint64_t key_hash)
{
    return gkv_index_bucket_at(index, gkv_index_bucket_number(index, (uint32_t)(key_hash >> 32)));
}

static inline struct gkv_unit gkv_place_unit(struct gkv_place place)
{
    return (struct gkv_unit){gkv_u32_load(&place.bucket->units[place.at])};
}

/* The bucket behind this one in its chain, or NULL. */
static inline struct gkv_bucket *gkv_index_more(const struct gkv_index *index,
                                                const struct gkv_bucket *bucket)
{
    const struct gkv_unit unit = {gkv_u32_load(&bucket->more)};
    return gkv_pages_has(&index->pages, unit, GKV_BUCKET_BYTES / 8)
               ? (struct gkv_bucket *)(void *)gkv_pages_words(&index->pages, unit)
               : NULL;
}

/* Have the memory fetch a record: the lines in which one of 16 and 100 bytes lies. */
GKV_INLINE void gkv_index_fetch(const struct gkv_index *index, struct gkv_unit unit)
{
    const uint8_t *record = (const uint8_t *)gkv_pages_words(&index->pages, unit);
    __builtin_prefetch(record);
    __builtin_prefetch(record + 64);
    __builtin_prefetch(record + 128);
}

/* Have the memory fetch what searches for keys with these hashes will need, all at a time: their
 * buckets; then, when those are there, the records that may be the keys'. */
void gkv_index_fetch_many(const struct gkv_index *index, const uint64_t *key_hashes, size_t count);

/* True when the unit holds a record of this key, whatever else it holds; sizes_out is filled, if
 * so. */
GKV_INLINE bool gkv_index_holds(const struct gkv_index *index, struct gkv_unit unit,
                                struct gkv_bytes key, uint64_t *sizes_out)
{
    if (!gkv_pages_has(&index->pages, unit, GKV_UNIT_BYTES_MIN / 8)) {
        return false;
    }
    gkv_index_fetch(index, unit); /* where the value is, the first line has yet to tell */
    const gkv_word *words = gkv_pages_words(&index->pages, unit);
    const uint64_t sizes = gkv_word_load(words + 2);
    if (gkv_entry_key_bytes(sizes) != key.count) {
        return false;
    }
    *sizes_out = sizes;
    const uint32_t key_at = gkv_entry_key_at(sizes);
    return gkv_pages_has(&index->pages, unit, key_at + gkv_words_of(key.count)) &&
           gkv_words_equal(words + key_at, key.data, key.count);
}

/* Find a key in one bucket of a chain. */
GKV_INLINE bool gkv_index_find_here(const struct gkv_index *index, struct gkv_bucket *bucket,
                                    const struct gkv_key *key, struct gkv_found *found_out)
{
    uint64_t match = gkv_bucket_match(bucket, gkv_bucket_tag(key->hash));
    for (; match != 0; match &= match - 1) {
        found_out->place = (struct gkv_place){bucket, gkv_bucket_place_of(match)};
        found_out->unit = gkv_place_unit(found_out->place);
        if (gkv_index_holds(index, found_out->unit, key->bytes, &found_out->sizes)) {
            return true;
        }
    }
    return false;
}

/* A short record (gkv_entry_is_short) that was found. */
struct gkv_short {
    gkv_word *words;
    gkv_word *value;
    uint64_t sizes;
    uint32_t at; /* the place, in the chain's first bucket */
};

/* Find a key among the short records of a chain's first bucket, which is where most are found: a
 * third of the instructions. False when it is not there, and may be elsewhere. Without the lock,
 * what is found may be no record; but all of it, to the end of the value that the sizes tell of,
 * lies in the pages. */
GKV_INLINE bool gkv_index_find_short(const struct gkv_index *index, const struct gkv_bucket *bucket,
                                     struct gkv_key key, struct gkv_short *found_out)
{
    const size_t key_words = gkv_words_of(key.bytes.count);
    uint64_t match = gkv_bucket_match(bucket, gkv_bucket_tag(key.hash));
    for (; match != 0; match &= match - 1) {
        const uint32_t at = gkv_bucket_place_of(match);
        const struct gkv_unit unit = {gkv_u32_load(&bucket->units[at])};
        if (unit.ref == 0) {
            continue; /* what is not 0 was a unit: nothing else is stored to a first bucket */
        }
        gkv_index_fetch(index, unit); /* where the value is, the first line has yet to tell */
        gkv_word *words = gkv_pages_words(&index->pages, unit);
        const uint64_t sizes = gkv_word_load(words + 2);
        const uint64_t key_at = gkv_entry_key_at(sizes);
        const uint64_t value_at = key_at + key_words;
        if (gkv_entry_is_short(sizes, key.bytes.count) &&
            gkv_pages_has(&index->pages, unit, value_at + gkv_words_of((uint32_t)sizes)) &&
            gkv_words_equal(words + key_at, key.bytes.data, key.bytes.count)) {
            *found_out = (struct gkv_short){words, words + value_at, sizes, at};
            return true;
        }
    }
    return false;
}

/* Find a key in the chain behind its first bucket. */
bool gkv_index_find_behind(const struct gkv_index *index, struct gkv_bucket *bucket,
                           const struct gkv_key *key, struct gkv_found *found_out);

/* Find a key in the chain of `bucket`; false when it is not there. A reader without the lock uses
 * found_out->unit and not the place, which may name another by then. */
GKV_INLINE bool gkv_index_find(const struct gkv_index *index, struct gkv_bucket *bucket,
                               const struct gkv_key *key, struct gkv_found *found_out)
{
    if (gkv_index_find_here(index, bucket, key, found_out)) {
        return true;
    }
    struct gkv_found behind; /* so that what is found here can stay in registers */
    if (gkv_u32_load(&bucket->more) == 0 || !gkv_index_find_behind(index, bucket, key, &behind)) {
        return false;
    }
    *found_out = behind;
    return true;
}

/* The first used place of a chain, and the one behind a place; none at the end. */
struct gkv_place gkv_index_first(struct gkv_bucket *bucket);
struct gkv_place gkv_index_next(const struct gkv_index *index, struct gkv_place place);

/* Enter a record at the end of a chain; its mark says so if it left not long ago (core/age.h).
 * False when there is no room for another bucket. */
bool gkv_index_append(struct gkv_index *index, struct gkv_bucket *bucket, struct gkv_unit unit,
                      uint64_t key_hash, uint8_t mark);

/* Take a place out of the chain of `bucket`: the last one takes its place, and its tag stays behind
 * until another needs the room. Returns the place, or none when it was the last one itself: its
 * bucket may be somebody's record by then. */
struct gkv_place gkv_index_remove(struct gkv_index *index, struct gkv_bucket *bucket,
                                  struct gkv_place place);

/* Copy out the key of the record in a unit; 0 bytes when it cannot be one. Returns its hash. */
uint64_t gkv_index_key(const struct gkv_index *index, struct gkv_unit unit,
                       uint8_t key_out[GKV_KEY_BYTES_MAX], size_t *key_bytes_out);

#endif
