#include "core/index.h"

#include "core/age.h"
#include "core/hash.h"
#include "core/panic.h"

void gkv_index_init(struct gkv_index *index, struct gkv_arena *arena, uint64_t bytes,
                    uint64_t hash_seed)
{
    const uint64_t bucket_count = bytes / GKV_INDEX_BYTES_PER_BUCKET + 1;
    const uint64_t rest_bytes = bytes - bucket_count * GKV_BUCKET_BYTES - 3 * GKV_ARENA_ALIGN;
    uint64_t page_count = rest_bytes / GKV_PAGE_BYTES;
    while (gkv_pages_bytes(page_count) > rest_bytes) {
        page_count--;
    }
    GKV_ASSERT(page_count > 0);
    GKV_ASSERT(bucket_count < UINT32_MAX);
    index->hash_seed = hash_seed;
    index->bucket_count = (uint32_t)bucket_count;
    index->bucket_offset = gkv_offset_to(
        index, gkv_arena_carve(arena, (size_t)bucket_count, sizeof(struct gkv_bucket)));
    gkv_pages_init(&index->pages, arena, (uint32_t)page_count);
}

bool gkv_index_find_behind(const struct gkv_index *index, struct gkv_bucket *bucket,
                           const struct gkv_key *key, struct gkv_found *found_out)
{
    bucket = gkv_index_more(index, bucket);
    for (uint32_t i = 0; bucket != NULL && i < GKV_INDEX_CHAIN_MAX; i++) {
        if (gkv_index_find_here(index, bucket, key, found_out)) {
            return true;
        }
        bucket = gkv_index_more(index, bucket);
    }
    return false;
}

struct gkv_place gkv_index_first(struct gkv_bucket *bucket)
{
    const struct gkv_place place = {bucket, 0};
    return gkv_place_unit(place).ref != 0 ? place : (struct gkv_place){NULL, 0};
}

struct gkv_place gkv_index_next(const struct gkv_index *index, struct gkv_place place)
{
    place.at++;
    if (place.at == GKV_BUCKET_PLACES) {
        place = (struct gkv_place){gkv_index_more(index, place.bucket), 0};
    }
    return place.bucket != NULL && gkv_place_unit(place).ref != 0 ? place
                                                                  : (struct gkv_place){NULL, 0};
}

static struct gkv_bucket *last_bucket(const struct gkv_index *index, struct gkv_bucket *bucket)
{
    struct gkv_bucket *more = gkv_index_more(index, bucket);
    while (more != NULL) {
        bucket = more;
        more = gkv_index_more(index, bucket);
    }
    return bucket;
}

static uint32_t used_places(const struct gkv_bucket *bucket)
{
    uint32_t count = 0;
    while (count < GKV_BUCKET_PLACES && gkv_u32_load(&bucket->units[count]) != 0) {
        count++;
    }
    return count;
}

static void clear(struct gkv_bucket *bucket)
{
    gkv_u32_store(&bucket->lock.number, 0);
    gkv_u32_store(&bucket->more, 0);
    gkv_word_store(&bucket->tags[0], 0);
    gkv_word_store(&bucket->tags[1], 0);
    gkv_word_store(&bucket->marks, 0);
    for (uint32_t i = 0; i < GKV_BUCKET_PLACES; i++) {
        gkv_u32_store(&bucket->units[i], 0);
    }
}

/* Is this the tag of one who left lately? Places from `at` on are free; of those that are not asked
 * for, none is lost: the first moves to where it was found. */
static bool recall(struct gkv_bucket *bucket, uint32_t at, uint16_t tag)
{
    for (uint32_t i = at; i < GKV_BUCKET_PLACES; i++) {
        if (gkv_bucket_tag_at(bucket, i) == tag) {
            gkv_bucket_set_tag(bucket, i, gkv_bucket_tag_at(bucket, at));
            return true;
        }
    }
    return false;
}

bool gkv_index_append(struct gkv_index *index, struct gkv_bucket *bucket, struct gkv_unit unit,
                      uint64_t key_hash, uint8_t mark)
{
    struct gkv_bucket *last = last_bucket(index, bucket);
    uint32_t at = used_places(last);
    if (at == GKV_BUCKET_PLACES) {
        const struct gkv_unit more =
            gkv_pages_take(&index->pages, GKV_UNIT_BUCKET, GKV_BUCKET_BYTES);
        if (more.ref == 0) {
            return false;
        }
        struct gkv_bucket *fresh = (void *)gkv_pages_words(&index->pages, more);
        clear(fresh);
        gkv_u32_store(&last->more, more.ref);
        last = fresh;
        at = 0;
    }
    const bool is_known = recall(last, at, gkv_bucket_tag(key_hash));
    gkv_bucket_set_tag(last, at, gkv_bucket_tag(key_hash));
    gkv_bucket_set_mark(last, at, is_known ? gkv_age_returned(mark) : mark);
    gkv_u32_store(&last->units[at], unit.ref);
    return true;
}

/* The last bucket of a chain has no records any more. */
static void drop_last(struct gkv_index *index, struct gkv_bucket *bucket,
                      const struct gkv_bucket *last)
{
    while (gkv_index_more(index, bucket) != last) {
        bucket = gkv_index_more(index, bucket);
        GKV_ASSERT(bucket != NULL);
    }
    const struct gkv_unit unit = {gkv_u32_load(&bucket->more)};
    gkv_u32_store(&bucket->more, 0);
    gkv_pages_give(&index->pages, unit);
}

struct gkv_place gkv_index_remove(struct gkv_index *index, struct gkv_bucket *bucket,
                                  struct gkv_place place)
{
    struct gkv_bucket *last = last_bucket(index, bucket);
    const uint32_t count = used_places(last);
    GKV_ASSERT(count > 0);
    const uint32_t from = count - 1;
    const bool is_last = place.bucket == last && place.at == from;
    const uint16_t tag = gkv_bucket_tag_at(place.bucket, place.at);
    gkv_bucket_set_tag(place.bucket, place.at, gkv_bucket_tag_at(last, from));
    gkv_bucket_set_mark(place.bucket, place.at, gkv_bucket_mark_at(last, from));
    gkv_u32_store(&place.bucket->units[place.at], gkv_u32_load(&last->units[from]));
    gkv_u32_store(&last->units[from], 0);
    gkv_bucket_set_tag(last, from, tag);
    if (from == 0 && last != bucket) {
        drop_last(index, bucket, last);
    }
    return is_last ? (struct gkv_place){NULL, 0} : place;
}

uint64_t gkv_index_key(const struct gkv_index *index, struct gkv_unit unit,
                       uint8_t key_out[GKV_KEY_BYTES_MAX], size_t *key_bytes_out)
{
    *key_bytes_out = 0;
    const gkv_word *words = gkv_pages_words(&index->pages, unit);
    const struct gkv_entry_shape shape = gkv_entry_shape(gkv_word_load(words + 2));
    if (shape.key_bytes < 1 || shape.key_bytes > GKV_KEY_BYTES_MAX ||
        !gkv_pages_has(&index->pages, unit, shape.block_at)) {
        return 0;
    }
    gkv_words_read(words + shape.key_at, key_out, shape.key_bytes);
    *key_bytes_out = shape.key_bytes;
    return gkv_hash(key_out, shape.key_bytes, index->hash_seed);
}

static void fetch_records(const struct gkv_index *index, uint64_t key_hash)
{
    const struct gkv_bucket *bucket = gkv_index_bucket(index, key_hash);
    uint64_t match = gkv_bucket_match(bucket, gkv_bucket_tag(key_hash));
    for (; match != 0; match &= match - 1) {
        const struct gkv_unit unit = {gkv_u32_load(&bucket->units[gkv_bucket_place_of(match)])};
        if (gkv_pages_has(&index->pages, unit, GKV_UNIT_BYTES_MIN / 8)) {
            gkv_index_fetch(index, unit);
        }
    }
}

void gkv_index_fetch_many(const struct gkv_index *index, const uint64_t *key_hashes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        __builtin_prefetch(gkv_index_bucket(index, key_hashes[i]));
    }
    for (size_t i = 0; i < count; i++) {
        fetch_records(index, key_hashes[i]);
    }
}
