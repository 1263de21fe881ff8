#include "core/gather.h"

#include "core/panic.h"

static void copy_words(const struct gkv_index *index, struct gkv_unit from, struct gkv_unit to,
                       uint32_t bytes)
{
    const gkv_word *source = gkv_pages_words(&index->pages, from);
    gkv_word *target = gkv_pages_words(&index->pages, to);
    for (uint32_t i = 0; i < bytes / 8; i++) {
        gkv_word_store(target + i, gkv_word_load(source + i));
    }
}

/* A copy of a unit that somebody names; none when there is no room for it. */
static struct gkv_unit copy_unit(struct gkv_index *index, enum gkv_unit_kind kind,
                                 struct gkv_unit unit)
{
    const uint32_t bytes = gkv_pages_unit_bytes(&index->pages, unit);
    const struct gkv_unit copy = gkv_pages_take(&index->pages, kind, bytes);
    if (copy.ref != 0) {
        copy_words(index, unit, copy, bytes);
    }
    return copy;
}

/* The 32-bit number, in a place or in the first word of a block, that names the unit. */
struct name {
    gkv_atomic_u32 *number;
    gkv_word *word; /* whose lower half it is, if number is NULL; NULL: nobody names it */
};

static void rename(struct name name, struct gkv_unit unit)
{
    if (name.number != NULL) {
        gkv_u32_store(name.number, unit.ref);
    } else {
        gkv_word_store(name.word, gkv_word_load(name.word) >> 32 << 32 | unit.ref);
    }
}

static struct name find_record(const struct gkv_index *index, struct gkv_bucket *bucket,
                               struct gkv_unit unit)
{
    struct gkv_place place = gkv_index_first(bucket);
    while (place.bucket != NULL && gkv_place_unit(place).ref != unit.ref) {
        place = gkv_index_next(index, place);
    }
    return (struct name){place.bucket == NULL ? NULL : &place.bucket->units[place.at], NULL};
}

static struct name find_bucket(const struct gkv_index *index, struct gkv_bucket *bucket,
                               struct gkv_unit unit)
{
    while (bucket != NULL && gkv_u32_load(&bucket->more) != unit.ref) {
        bucket = gkv_index_more(index, bucket);
    }
    return (struct name){bucket == NULL ? NULL : &bucket->more, NULL};
}

/* In the chain of one record. */
static gkv_word *find_link(const struct gkv_index *index, struct gkv_unit record,
                           struct gkv_unit unit)
{
    gkv_word *words = gkv_pages_words(&index->pages, record);
    const struct gkv_entry_shape shape = gkv_entry_shape(gkv_word_load(words + 2));
    gkv_word *link = (shape.flags & GKV_ENTRY_CHAINED) != 0 ? words + shape.block_at : NULL;
    while (link != NULL && (uint32_t)gkv_word_load(link) != unit.ref) {
        const struct gkv_unit next = {(uint32_t)gkv_word_load(link)};
        link = next.ref != 0 ? gkv_pages_words(&index->pages, next) : NULL;
    }
    return link;
}

static struct name find_block(const struct gkv_index *index, struct gkv_bucket *bucket,
                              struct gkv_unit unit)
{
    gkv_word *link = NULL;
    struct gkv_place place = gkv_index_first(bucket);
    while (place.bucket != NULL && link == NULL) {
        link = find_link(index, gkv_place_unit(place), unit);
        place = gkv_index_next(index, place);
    }
    return (struct name){NULL, link};
}

static struct name find_name(const struct gkv_index *index, enum gkv_unit_kind kind,
                             struct gkv_bucket *bucket, struct gkv_unit unit)
{
    switch (kind) {
    case GKV_UNIT_RECORD:
        return find_record(index, bucket, unit);
    case GKV_UNIT_BLOCK:
        return find_block(index, bucket, unit);
    case GKV_UNIT_BUCKET:
        break;
    }
    return find_bucket(index, bucket, unit);
}

/* The top of the hash of what a unit belongs to, as far as can be told without a lock: what it
 * leads to may be wrong, and then does not name the unit. */
static uint32_t guess_hash_top(const struct gkv_index *index, enum gkv_unit_kind kind,
                               struct gkv_unit unit)
{
    uint8_t key[GKV_KEY_BYTES_MAX];
    size_t key_bytes = 0;
    if (kind == GKV_UNIT_BLOCK) {
        return (uint32_t)(gkv_word_load(gkv_pages_words(&index->pages, unit)) >> 32);
    }
    struct gkv_unit record = unit;
    if (kind == GKV_UNIT_BUCKET) {
        const struct gkv_bucket *bucket = (void *)gkv_pages_words(&index->pages, unit);
        record.ref = gkv_u32_load(&bucket->units[0]);
    }
    if (!gkv_pages_has(&index->pages, record, GKV_UNIT_BYTES_MIN / 8)) {
        return 0;
    }
    return (uint32_t)(gkv_index_key(index, record, key, &key_bytes) >> 32);
}

static void move(struct gkv_index *index, enum gkv_unit_kind kind, struct gkv_unit unit)
{
    const uint32_t hash_top = guess_hash_top(index, kind, unit);
    struct gkv_bucket *bucket =
        gkv_index_bucket_at(index, gkv_index_bucket_number(index, hash_top));
    const uint32_t number = gkv_seqlock_take(&bucket->lock);
    const struct name name = find_name(index, kind, bucket, unit);
    const bool is_named = name.number != NULL || name.word != NULL;
    const struct gkv_unit copy = is_named ? copy_unit(index, kind, unit) : (struct gkv_unit){0};
    if (copy.ref == 0) {
        gkv_seqlock_leave(&bucket->lock, number);
        return;
    }
    rename(name, copy);
    gkv_pages_give(&index->pages, unit);
    gkv_seqlock_change(&bucket->lock, number);
}

bool gkv_gather(struct gkv_index *index, bool is_short)
{
    const uint32_t page = gkv_pages_begin_gathering(&index->pages, is_short);
    if (page == GKV_PAGE_NONE) {
        return false;
    }
    const enum gkv_unit_kind kind = gkv_pages_kind(&index->pages, page);
    const uint32_t unit_count = gkv_pages_unit_count(&index->pages, page);
    for (uint32_t i = 0; i < unit_count; i++) {
        move(index, kind, gkv_pages_unit_at(&index->pages, page, i));
    }
    return gkv_pages_end_gathering(&index->pages);
}
