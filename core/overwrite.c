#include "core/overwrite.h"

#include "core/age.h"
#include "core/panic.h"

/* The record to be: its word 2, and where in it things are, in words. */
struct layout {
    uint64_t sizes;
    uint64_t key_at;
    uint64_t value_at;
    uint64_t value_words;
};

/* What is held in this very layout, and at which place of the bucket. */
struct held {
    gkv_word *words;
    uint32_t at;
};

GKV_INLINE struct layout layout_of(size_t key_bytes, const struct gkv_record *record)
{
    struct layout layout;
    const uint32_t flags = record->expire_ms != 0 ? GKV_ENTRY_EXPIRES : 0;
    layout.sizes = gkv_entry_sizes(key_bytes, record->value.count, flags);
    layout.key_at = gkv_entry_key_at(layout.sizes);
    layout.value_at = layout.key_at + gkv_words_of(key_bytes);
    layout.value_words = gkv_words_of(record->value.count);
    return layout;
}

/* Without the lock, as gkv_index_find_short does it. */
GKV_INLINE bool find(const struct gkv_index *index, const struct gkv_bucket *bucket,
                     struct gkv_key key, const struct layout *layout, struct held *held_out)
{
    uint64_t match = gkv_bucket_match(bucket, gkv_bucket_tag(key.hash));
    for (; match != 0; match &= match - 1) {
        const uint32_t at = gkv_bucket_place_of(match);
        const struct gkv_unit unit = {gkv_u32_load(&bucket->units[at])};
        if (!gkv_pages_has(&index->pages, unit, layout->value_at + layout->value_words)) {
            continue;
        }
        gkv_index_fetch(index, unit);
        gkv_word *words = gkv_pages_words(&index->pages, unit);
        const uint64_t sizes = gkv_word_load(words + 2);
        if (sizes >> 32 == layout->sizes >> 32 &&
            gkv_words_of((uint32_t)sizes) == layout->value_words &&
            gkv_words_equal(words + layout->key_at, key.bytes.data, key.bytes.count)) {
            *held_out = (struct held){words, at};
            return true;
        }
    }
    return false;
}

/* Under the lock. */
GKV_INLINE void write_over(gkv_word *words, const struct layout *layout,
                           const struct gkv_record *record)
{
    gkv_word_store(words, record->version.hlc.packed);
    gkv_word_store(words + 1, record->version.writer);
    gkv_word_store(words + 2, layout->sizes);
    if (record->expire_ms != 0) {
        gkv_word_store(words + 3, record->expire_ms);
    }
    gkv_words_write(words + layout->value_at, record->value.data, record->value.count);
}

static void note_use(struct gkv_bucket *bucket, uint32_t at)
{
    const uint8_t mark = gkv_bucket_mark_at(bucket, at);
    if ((mark & GKV_AGE_USED) == 0) {
        gkv_bucket_set_mark(bucket, at, mark | GKV_AGE_USED);
    }
}

bool gkv_overwrite(struct gkv_index *index, struct gkv_slots *slots, uint64_t key_hash,
                   struct gkv_bytes key, const struct gkv_record *record)
{
    GKV_ASSERT(record->value.count <= GKV_VALUE_BYTES_CEILING);
    struct gkv_bucket *bucket = gkv_index_bucket(index, key_hash);
    const uint32_t number = gkv_seqlock_read(&bucket->lock);
    gkv_slots_fetch(slots, key_hash);
    const struct layout layout = layout_of(key.count, record);
    struct held held;
    if (record->is_tombstone ||
        !find(index, bucket, (struct gkv_key){key, key_hash}, &layout, &held) ||
        !gkv_seqlock_take_at(&bucket->lock, number)) {
        return false;
    }
    const struct gkv_version before = {{gkv_word_load(held.words)}, gkv_word_load(held.words + 1)};
    if (gkv_version_compare(record->version, before) <= 0) {
        gkv_seqlock_leave(&bucket->lock, number);
        return false;
    }
    write_over(held.words, &layout, record);
    note_use(bucket, held.at);
    gkv_seqlock_change(&bucket->lock, number);
    gkv_slots_replace(slots, key_hash, before, record->version);
    return true;
}
