#include "core/evict.h"

#include "core/age.h"
#include "core/panic.h"

/* One call under way. */
struct work {
    struct gkv_index *index;
    struct gkv_slots *slots;
    uint64_t freed_bytes;
    uint32_t evicted_count;
};

static struct gkv_entry_shape shape_at(const struct gkv_index *index, struct gkv_place place)
{
    const gkv_word *words = gkv_pages_words(&index->pages, gkv_place_unit(place));
    return gkv_entry_shape(gkv_word_load(words + 2));
}

static bool is_tombstone(const struct gkv_index *index, struct gkv_place place)
{
    const uint8_t mark = gkv_bucket_mark_at(place.bucket, place.at);
    return (mark & GKV_MARK_MORTAL) != 0 &&
           (shape_at(index, place).flags & GKV_ENTRY_TOMBSTONE) != 0;
}

/* Returns the place, where another is now, or none. */
static struct gkv_place take_out(struct work *work, struct gkv_bucket *bucket,
                                 struct gkv_place place)
{
    struct gkv_pages *pages = &work->index->pages;
    const struct gkv_unit unit = gkv_place_unit(place);
    const struct gkv_entry_shape shape = shape_at(work->index, place);
    const gkv_word *words = gkv_pages_words(pages, unit);
    const struct gkv_version version = {{gkv_word_load(words)}, gkv_word_load(words + 1)};
    uint8_t key[GKV_KEY_BYTES_MAX];
    size_t key_bytes = 0;
    const uint64_t key_hash = gkv_index_key(work->index, unit, key, &key_bytes);
    GKV_ASSERT(key_bytes > 0);
    GKV_ASSERT((shape.flags & GKV_ENTRY_TOMBSTONE) == 0);
    gkv_slots_subtract(work->slots, key_hash, version);
    place = gkv_index_remove(work->index, bucket, place);
    work->freed_bytes += gkv_pages_unit_bytes(pages, unit);
    work->freed_bytes += (uint64_t)shape.block_count * GKV_BLOCK_BYTES;
    gkv_entry_give_blocks(pages, gkv_entry_first_block(pages, unit, &shape));
    gkv_pages_give(pages, unit);
    work->evicted_count++;
    return place;
}

/* How near its end a record is, above 0: the most idle first, by what its pace allows. */
static uint32_t urgency(uint8_t mark)
{
    return 1 + GKV_AGE_PATIENCE_MAX + gkv_age_idle(mark) - gkv_age_patience(mark);
}

static struct gkv_place most_urgent(const struct gkv_index *index, struct gkv_bucket *bucket)
{
    struct gkv_place best = {NULL, 0};
    uint32_t best_urgency = 0;
    struct gkv_place place = gkv_index_first(bucket);
    for (; place.bucket != NULL; place = gkv_index_next(index, place)) {
        const uint32_t own = urgency(gkv_bucket_mark_at(place.bucket, place.at));
        if (own > best_urgency && !is_tombstone(index, place)) {
            best = place;
            best_urgency = own;
        }
    }
    return best;
}

/* Under the lock: all of a bucket grow older, and those that are too old go. */
static void visit(struct work *work, struct gkv_bucket *bucket)
{
    struct gkv_place place = gkv_index_first(bucket);
    while (place.bucket != NULL) {
        const uint8_t mark = gkv_age_next(gkv_bucket_mark_at(place.bucket, place.at));
        gkv_bucket_set_mark(place.bucket, place.at, mark);
        if (gkv_age_idle(mark) < gkv_age_patience(mark) || is_tombstone(work->index, place)) {
            place = gkv_index_next(work->index, place);
        } else {
            place = take_out(work, bucket, place);
        }
    }
}

static void visit_bucket(struct work *work, struct gkv_bucket *bucket, bool is_forced)
{
    const uint32_t before = work->evicted_count;
    const uint32_t number = gkv_seqlock_take(&bucket->lock);
    visit(work, bucket);
    if (is_forced && work->evicted_count == before) {
        const struct gkv_place place = most_urgent(work->index, bucket);
        if (place.bucket != NULL) {
            (void)take_out(work, bucket, place);
        }
    }
    if (work->evicted_count > before) {
        gkv_seqlock_change(&bucket->lock, number);
    } else {
        gkv_seqlock_leave(&bucket->lock, number);
    }
}

uint32_t gkv_evict(struct gkv_eviction *eviction, struct gkv_index *index, struct gkv_slots *slots,
                   uint64_t bytes)
{
    GKV_ASSERT(bytes > 0);
    struct work work = {.index = index, .slots = slots};
    uint32_t fruitless_count = 0;
    for (uint32_t i = 0; i < GKV_EVICT_VISITS_MAX && work.freed_bytes < bytes; i++) {
        const uint64_t turn = gkv_word_add(&eviction->hand, 1);
        const uint32_t before = work.evicted_count;
        visit_bucket(&work, gkv_index_bucket_at(index, (uint32_t)(turn % index->bucket_count)),
                     fruitless_count >= GKV_EVICT_FRUITLESS_MAX);
        fruitless_count = work.evicted_count > before ? 0 : fruitless_count + 1;
    }
    (void)gkv_word_add(&eviction->evicted_count, work.evicted_count);
    return work.evicted_count;
}
