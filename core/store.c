#include "core/store.h"

#include "core/age.h"
#include "core/gather.h"
#include "core/panic.h"

/* Turns of making room for one put, and two more for each page of its value. */
#define TURNS_MIN 8

/* Pages to empty, at most, for one that was cut while much was free in others. With one, a store
 * whose values became smaller held 2.5 times what it used, with two 1.7 times, with four 1.03
 * times. */
#define GATHERS_PER_PAGE 4

/* One in so many bytes lost between records is a reason to gather before anything is evicted. */
#define SPARE_SHARE 16

/* One in so many pages of a store that evicts is left to what is put here. */
#define FILL_SHARE 8

_Static_assert(sizeof(struct gkv_store) < 1024, "callers have it on their stack");

void gkv_store_init(struct gkv_store *store, struct gkv_arena *arena,
                    const struct gkv_store_options *options)
{
    const uint64_t limit_bytes = options->limit_bytes;
    GKV_ASSERT(limit_bytes >= GKV_STORE_BYTES_MIN);
    GKV_ASSERT(options->policy == GKV_STORE_REJECT || options->policy == GKV_STORE_EVICT);
    const size_t used_before = arena->used;
    memset(store, 0, sizeof(*store));
    store->limit_bytes = limit_bytes;
    store->policy = options->policy;
    gkv_slots_init(&store->slots, arena);
    gkv_packing_init(&store->packing, arena, &options->packing, limit_bytes);
    gkv_index_init(&store->index, arena, limit_bytes - sizeof(*store) - (arena->used - used_before),
                   options->hash_seed);
    GKV_ASSERT(arena->used - used_before + sizeof(*store) <= limit_bytes);
}

/* ---- Records. -------------------------------------------------------------------------------- */

static gkv_word *words_of(const struct gkv_store *store, struct gkv_unit unit)
{
    return gkv_pages_words(&store->index.pages, unit);
}

static struct gkv_version version_in(const gkv_word *words)
{
    return (struct gkv_version){{gkv_word_load(words)}, gkv_word_load(words + 1)};
}

static uint8_t mark_of(const struct gkv_entry_shape *shape)
{
    return (shape->flags & (GKV_ENTRY_TOMBSTONE | GKV_ENTRY_EXPIRES)) != 0 ? GKV_MARK_MORTAL : 0;
}

/* ---- Chains of blocks. ----------------------------------------------------------------------- */

static struct gkv_unit next_block(const struct gkv_store *store, struct gkv_unit block)
{
    return (struct gkv_unit){(uint32_t)gkv_word_load(words_of(store, block))};
}

/* Put `count` more blocks in front of a chain, which may be none; all of them or nothing. */
static bool lengthen_chain(struct gkv_store *store, struct gkv_unit *chain, uint32_t count,
                           uint64_t key_hash)
{
    const uint64_t owner = key_hash >> 32 << 32;
    struct gkv_unit first = *chain;
    for (uint32_t i = 0; i < count; i++) {
        const struct gkv_unit block =
            gkv_pages_take(&store->index.pages, GKV_UNIT_BLOCK, GKV_BLOCK_BYTES);
        if (block.ref == 0) {
            while (first.ref != chain->ref) {
                const struct gkv_unit next = next_block(store, first);
                gkv_pages_give(&store->index.pages, first);
                first = next;
            }
            return false;
        }
        gkv_word_store(words_of(store, block), owner | first.ref);
        first = block;
    }
    *chain = first;
    return true;
}

/* ---- Asking ahead. --------------------------------------------------------------------------- */

/* Ask for the line of a bucket; then, when it is there, for those of the records that may be the
 * key's. */
static void ask_for_bucket(const struct gkv_store *store, struct gkv_key key)
{
    __builtin_prefetch(gkv_index_bucket(&store->index, key.hash));
}

static void ask_for_record(const struct gkv_store *store, struct gkv_key key)
{
    const struct gkv_bucket *bucket = gkv_index_bucket(&store->index, key.hash);
    uint64_t match = gkv_bucket_match(bucket, gkv_bucket_tag(key.hash));
    for (; match != 0; match &= match - 1) {
        const uint32_t at = gkv_bucket_place_of(match);
        const struct gkv_unit unit = {gkv_u32_load(&bucket->units[at])};
        if (gkv_pages_has(&store->index.pages, unit, GKV_UNIT_BYTES_MIN / 8)) {
            gkv_index_fetch(&store->index, unit);
        }
    }
}

/* ---- Writing. -------------------------------------------------------------------------------- */

/* A put under way: what is to be written, and the blocks that were written for it beforehand, while
 * nobody waits for us; none when there was no room for them beside what is held. */
struct put {
    struct gkv_key key;
    const struct gkv_record *record;
    struct gkv_entry_shape shape;
    struct gkv_unit chain;
    bool has_evicted; /* as much as is put */
    bool is_new;      /* not a copy of what others hold */
};

static void prepare_chain(struct gkv_store *store, struct put *put)
{
    if (lengthen_chain(store, &put->chain, put->shape.block_count, put->key.hash)) {
        gkv_entry_write_blocks(&store->index.pages, put->chain, &put->shape,
                               put->record->value.data);
    }
}

static void write_entry(struct gkv_store *store, struct gkv_unit unit, struct put *put)
{
    gkv_entry_write(&store->index.pages, unit, &put->shape,
                    (struct gkv_keyed_record){put->key.bytes, *put->record}, put->chain);
    put->chain.ref = 0;
}

/* The key is not held. */
static bool insert(struct gkv_store *store, struct gkv_bucket *bucket, struct put *put)
{
    if (put->chain.ref == 0 && put->shape.block_count > 0) {
        return false;
    }
    struct gkv_pages *pages = &store->index.pages;
    const struct gkv_unit unit =
        gkv_pages_take(pages, GKV_UNIT_RECORD, gkv_entry_bytes(&put->shape));
    if (unit.ref == 0) {
        return false;
    }
    if (!gkv_index_append(&store->index, bucket, unit, put->key.hash, mark_of(&put->shape))) {
        gkv_pages_give(pages, unit);
        return false;
    }
    write_entry(store, unit, put);
    return true;
}

/* The blocks for what replaces the record of this shape at a place, in put->chain; old ones that
 * are not among them stay in *old. When memory is short, those of the old value serve the new
 * one. */
static bool replace_chain(struct gkv_store *store, struct put *put, struct gkv_unit *old,
                          uint32_t old_count)
{
    const uint32_t count = put->shape.block_count;
    if (put->chain.ref != 0 || count == 0) {
        return true;
    }
    if (count > old_count) {
        if (!lengthen_chain(store, old, count - old_count, put->key.hash)) {
            return false;
        }
    }
    put->chain = *old;
    struct gkv_unit last = *old;
    for (uint32_t i = 1; i < count; i++) {
        last = next_block(store, last);
    }
    *old = next_block(store, last);
    gkv_word *word = words_of(store, last);
    gkv_word_store(word, gkv_word_load(word) >> 32 << 32);
    gkv_entry_write_blocks(&store->index.pages, put->chain, &put->shape, put->record->value.data);
    return true;
}

/* Put a record in the place of another of the same key. */
static bool replace(struct gkv_store *store, const struct gkv_found *held, struct put *put)
{
    struct gkv_pages *pages = &store->index.pages;
    const uint64_t bytes = gkv_entry_bytes(&put->shape);
    struct gkv_unit unit = held->unit;
    if (!gkv_pages_unit_fits(pages, held->unit, bytes)) {
        unit = gkv_pages_take(pages, GKV_UNIT_RECORD, bytes);
        if (unit.ref == 0 && gkv_pages_unit_bytes(pages, held->unit) < bytes) {
            return false;
        }
        unit = unit.ref == 0 ? held->unit : unit;
    }
    const struct gkv_entry_shape shape = gkv_entry_shape(held->sizes);
    struct gkv_unit old_chain = gkv_entry_first_block(pages, held->unit, &shape);
    if (!replace_chain(store, put, &old_chain, shape.block_count)) {
        if (unit.ref != held->unit.ref) {
            gkv_pages_give(pages, unit);
        }
        return false;
    }
    write_entry(store, unit, put);
    const uint8_t mark = gkv_bucket_mark_at(held->place.bucket, held->place.at);
    gkv_bucket_set_mark(held->place.bucket, held->place.at,
                        (uint8_t)((mark & ~GKV_MARK_MORTAL) | mark_of(&put->shape) | GKV_AGE_USED));
    if (unit.ref != held->unit.ref) {
        gkv_u32_store(&held->place.bucket->units[held->place.at], unit.ref);
        gkv_pages_give(pages, held->unit);
    }
    gkv_entry_give_blocks(pages, old_chain);
    return true;
}

static void count_tombstones(struct gkv_store *store, bool was, bool is)
{
    if (was != is) {
        (void)gkv_word_add(&store->tombstone_count, is ? 1 : UINT64_MAX);
    }
}

/* Under the bucket's lock. */
static enum gkv_store_outcome put_locked(struct gkv_store *store, struct gkv_bucket *bucket,
                                         struct put *put, struct gkv_version *held_out)
{
    struct gkv_found held;
    const bool is_known = gkv_index_find(&store->index, bucket, &put->key, &held);
    *held_out = is_known ? version_in(words_of(store, held.unit)) : (struct gkv_version){0};
    const struct gkv_version before = *held_out;
    /* A tombstone of the key, if there was one, was forgotten under this lock. */
    const bool is_bounded = !is_known && put->is_new;
    const struct gkv_version least = is_bounded ? gkv_forgotten_read(&store->forgotten) : before;
    const int order = gkv_version_compare(put->record->version, least);
    if (order < 0 || (is_known && order == 0)) {
        *held_out = least;
        return order == 0 ? GKV_STORE_SAME : GKV_STORE_STALE;
    }
    if (is_known ? !replace(store, &held, put) : !insert(store, bucket, put)) {
        return GKV_STORE_FULL;
    }
    count_tombstones(store, is_known && (gkv_entry_flags(held.sizes) & GKV_ENTRY_TOMBSTONE) != 0,
                     put->record->is_tombstone);
    if (is_known) {
        gkv_slots_replace(&store->slots, put->key.hash, before, put->record->version);
    } else {
        gkv_slots_add(&store->slots, put->key.hash, put->record->version);
        (void)gkv_word_add(&store->record_count, 1);
    }
    *held_out = put->record->version;
    return GKV_STORE_STORED;
}

static enum gkv_store_outcome try_put(struct gkv_store *store, struct put *put,
                                      struct gkv_version *held_out)
{
    struct gkv_bucket *bucket = gkv_index_bucket(&store->index, put->key.hash);
    gkv_slots_fetch(&store->slots, put->key.hash);
    ask_for_record(store, put->key); /* the lock would hold this up until the bucket is there */
    prepare_chain(store, put);
    const uint32_t number = gkv_seqlock_take(&bucket->lock);
    const enum gkv_store_outcome outcome = put_locked(store, bucket, put, held_out);
    if (outcome == GKV_STORE_STORED) {
        gkv_seqlock_change(&bucket->lock, number);
    } else {
        gkv_seqlock_leave(&bucket->lock, number);
    }
    gkv_entry_give_blocks(&store->index.pages, put->chain);
    put->chain.ref = 0;
    return outcome;
}

/* Nothing fits. A store that rejects can only empty a page of what others left in it; so does one
 * that evicts while much of it is lost in that way, and evicts else: as much as is put, which is
 * enough if what goes is of the same size, and a page's worth when it was not. False: there is no
 * more to be had. */
static bool make_room(struct gkv_store *store, struct put *put)
{
    const struct gkv_pages *pages = &store->index.pages;
    const uint64_t held_bytes = gkv_word_load(&pages->held_bytes);
    const uint64_t spare_bytes = held_bytes - gkv_word_load(&pages->used_bytes);
    const bool is_evicting = store->policy == GKV_STORE_EVICT;
    if ((!is_evicting || put->has_evicted || spare_bytes > held_bytes / SPARE_SHARE) &&
        gkv_gather(&store->index, true) && gkv_word_load(&pages->held_bytes) < held_bytes) {
        return true;
    }
    if (!is_evicting) {
        return false;
    }
    const uint64_t put_bytes =
        gkv_entry_bytes(&put->shape) + (uint64_t)put->shape.block_count * GKV_BLOCK_BYTES;
    const uint32_t count = gkv_evict(&store->eviction, &store->index, &store->slots,
                                     put->has_evicted ? GKV_PAGE_BYTES : put_bytes);
    (void)gkv_word_add(&store->record_count, -(uint64_t)count);
    put->has_evicted = true;
    return count > 0;
}

static enum gkv_store_outcome put_record(struct gkv_store *store, struct put *put,
                                         struct gkv_version *held_out)
{
    GKV_ASSERT(put->record->version.hlc.packed != 0);
    struct gkv_packed packed;
    const bool is_packed = gkv_packing_pack(&store->packing, put->record, &packed);
    put->record = is_packed ? &packed.record : put->record;
    put->shape =
        gkv_entry_plan(put->key.bytes.count, put->record, is_packed ? GKV_ENTRY_PACKED : 0);
    struct gkv_version held = {0};
    enum gkv_store_outcome outcome = try_put(store, put, &held);

    const uint32_t turn_count = TURNS_MIN + put->shape.value_bytes / GKV_PAGE_BYTES * 2;
    for (uint32_t i = 0; outcome == GKV_STORE_FULL && i < turn_count; i++) {
        if (!make_room(store, put)) {
            break;
        }
        outcome = try_put(store, put, &held);
    }
    if (is_packed) {
        gkv_packing_let_go(&store->packing, &packed);
    }
    uint32_t gather_count = gkv_pages_wants_gathering(&store->index.pages) ? GATHERS_PER_PAGE : 0;
    while (gather_count > 0 && gkv_gather(&store->index, false)) {
        gather_count--;
    }
    if (held_out != NULL) {
        *held_out = held;
    }
    return outcome;
}

enum gkv_store_outcome gkv_store_change(struct gkv_store *store, struct gkv_key key,
                                        const struct gkv_record *record, bool is_new,
                                        struct gkv_version *held_out)
{
    return put_record(store, &(struct put){.key = key, .record = record, .is_new = is_new},
                      held_out);
}

/* ---- Reading. -------------------------------------------------------------------------------- */

/* Look once, at any record: false when the key is not there, or when what was there cannot be
 * true. */
static bool look(const struct gkv_store *store, const struct gkv_key *key,
                 const struct gkv_store_question *question, struct gkv_record *record_out,
                 struct gkv_place *place_out)
{
    const struct gkv_pages *pages = &store->index.pages;
    struct gkv_bucket *bucket = gkv_index_bucket(&store->index, key->hash);
    struct gkv_found found;
    if (!gkv_index_find(&store->index, bucket, key, &found)) {
        return false;
    }
    *place_out = found.place;
    const struct gkv_entry_shape shape = gkv_entry_shape(found.sizes);
    if (!gkv_pages_has(pages, found.unit, gkv_entry_bytes(&shape) / 8)) {
        return false;
    }
    *record_out = gkv_packing_describe(pages, found.unit, &shape, question->now_ms);
    if (record_out->value.count == 0 || record_out->value.count > question->buffer.capacity) {
        return true;
    }
    record_out->value.data = question->buffer.data;
    return gkv_packing_read_value(
        &store->packing, pages, found.unit, &shape,
        (struct gkv_buffer){question->buffer.data, record_out->value.count});
}

/* What most are: a key and a value, one behind the other. */
GKV_INLINE void read_short(const struct gkv_short *found, const struct gkv_store_question *question,
                           struct gkv_record *record_out)
{
    const bool expires = (gkv_entry_flags(found->sizes) & GKV_ENTRY_EXPIRES) != 0;
    const uint64_t expire_ms = expires ? gkv_word_load(found->words + 3) : 0;
    const bool is_tombstone = gkv_entry_is_expired(expire_ms, question->now_ms);
    const uint32_t bytes = is_tombstone ? 0 : (uint32_t)found->sizes;
    const bool is_copied = bytes != 0 && bytes <= question->buffer.capacity;
    record_out->version = version_in(found->words);
    record_out->expire_ms = expire_ms;
    record_out->is_tombstone = is_tombstone;
    record_out->value = (struct gkv_bytes){is_copied ? question->buffer.data : NULL, bytes};
    if (is_copied) {
        gkv_words_read(found->value, question->buffer.data, bytes);
    }
}

/* The hand (core/evict.h) is to know that this place was used. Whoever has changed the bucket since
 * the reader took its number is let be: then it may be another's place, and the next reader will
 * say it. */
GKV_INLINE void note_use(const struct gkv_store *store, struct gkv_bucket *bucket, uint32_t number,
                         struct gkv_place place)
{
    if (store->policy != GKV_STORE_EVICT) {
        return;
    }
    const uint8_t mark = gkv_bucket_mark_at(place.bucket, place.at);
    if ((mark & GKV_AGE_USED) == 0 && gkv_seqlock_take_at(&bucket->lock, number)) {
        gkv_bucket_set_mark(place.bucket, place.at, mark | GKV_AGE_USED);
        gkv_seqlock_leave(&bucket->lock, number);
    }
}

/* All gets but those that find a short record at once. When somebody writes meanwhile: look a few
 * times more, then make the others wait. */
GKV_APART static bool get_any(const struct gkv_store *store, const struct gkv_key *key,
                              const struct gkv_store_question *question, bool is_use,
                              struct gkv_record *record_out)
{
    struct gkv_bucket *bucket = gkv_index_bucket(&store->index, key->hash);
    struct gkv_place place = {NULL, 0};
    for (uint32_t i = 0; i < GKV_SEQLOCK_TRIES; i++) {
        const uint32_t number = gkv_seqlock_read(&bucket->lock);
        const bool is_found = look(store, key, question, record_out, &place);
        if (gkv_seqlock_is_same(&bucket->lock, number)) {
            if (is_found && is_use) {
                note_use(store, bucket, number, place);
            }
            return is_found;
        }
    }
    const uint32_t number = gkv_seqlock_take(&bucket->lock);
    const bool is_found = look(store, key, question, record_out, &place);
    gkv_seqlock_leave(&bucket->lock, number);
    return is_found;
}

GKV_INLINE bool get(const struct gkv_store *store, struct gkv_key key,
                    const struct gkv_store_question *question, bool is_use,
                    struct gkv_record *record_out)
{
    struct gkv_bucket *bucket = gkv_index_bucket(&store->index, key.hash);
    const uint32_t number = gkv_seqlock_read(&bucket->lock);
    struct gkv_short found;
    if (!gkv_index_find_short(&store->index, bucket, key, &found)) {
        return get_any(store, &(struct gkv_key){key.bytes, key.hash}, question, is_use, record_out);
    }
    read_short(&found, question, record_out);
    if (!gkv_seqlock_is_same(&bucket->lock, number)) {
        return get_any(store, &(struct gkv_key){key.bytes, key.hash}, question, is_use, record_out);
    }
    if (is_use) {
        note_use(store, bucket, number, (struct gkv_place){bucket, found.at});
    }
    return true;
}

bool gkv_store_ask(const struct gkv_store *store, uint64_t key_hash, struct gkv_bytes key,
                   const struct gkv_store_question *question, struct gkv_record *record_out)
{
    return get(store, (struct gkv_key){key, key_hash}, question, true, record_out);
}

bool gkv_store_peek(const struct gkv_store *store, struct gkv_key key, uint64_t now_ms,
                    struct gkv_buffer buffer, struct gkv_record *record_out)
{
    return get(store, key, &(struct gkv_store_question){now_ms, buffer}, false, record_out);
}

/* Keys whose memory is asked for before the first of them is looked at. */
#define AHEAD_MAX 32

void gkv_store_get_many(const struct gkv_store *store, uint64_t now_ms,
                        struct gkv_store_read *reads, size_t count)
{
    for (size_t first = 0; first < count; first += AHEAD_MAX) {
        const size_t rest = count - first;
        const size_t end = first + (rest < AHEAD_MAX ? rest : AHEAD_MAX);
        for (size_t i = first; i < end; i++) {
            ask_for_bucket(store, reads[i].key);
        }
        for (size_t i = first; i < end; i++) {
            ask_for_record(store, reads[i].key);
        }
        for (size_t i = first; i < end; i++) {
            reads[i].is_found =
                gkv_store_get(store, reads[i].key, now_ms, reads[i].buffer, &reads[i].record);
        }
    }
}

void gkv_store_put_many(struct gkv_store *store, struct gkv_store_write *writes, size_t count)
{
    for (size_t first = 0; first < count; first += AHEAD_MAX) {
        const size_t rest = count - first;
        const size_t end = first + (rest < AHEAD_MAX ? rest : AHEAD_MAX);
        for (size_t i = first; i < end; i++) {
            ask_for_bucket(store, writes[i].key);
        }
        for (size_t i = first; i < end; i++) {
            ask_for_record(store, writes[i].key);
        }
        for (size_t i = first; i < end; i++) {
            writes[i].outcome =
                gkv_store_put(store, writes[i].key, &writes[i].record, &writes[i].held);
        }
    }
}

/* Under the lock: the first place from `place` on whose key has this hash. */
static struct gkv_place hashed_from(const struct gkv_store *store, struct gkv_place place,
                                    uint64_t key_hash)
{
    uint8_t key[GKV_KEY_BYTES_MAX];
    size_t key_bytes = 0;
    while (place.bucket != NULL &&
           (gkv_bucket_tag_at(place.bucket, place.at) != gkv_bucket_tag(key_hash) ||
            gkv_index_key(&store->index, gkv_place_unit(place), key, &key_bytes) != key_hash)) {
        place = gkv_index_next(&store->index, place);
    }
    return place;
}

/* Under the lock: copy a record out, key and value, if it fits. */
static size_t copy_out(const struct gkv_store *store, struct gkv_unit unit, uint64_t now_ms,
                       struct gkv_buffer buffer, struct gkv_keyed_record *record_out)
{
    const gkv_word *words = words_of(store, unit);
    const struct gkv_entry_shape shape = gkv_entry_shape(gkv_word_load(words + 2));
    struct gkv_record record = gkv_packing_describe(&store->index.pages, unit, &shape, now_ms);
    const size_t bytes = shape.key_bytes + record.value.count;
    if (bytes > buffer.capacity) {
        return bytes;
    }
    gkv_words_read(words + shape.key_at, buffer.data, shape.key_bytes);
    if (record.value.count > 0) {
        record.value.data = buffer.data + shape.key_bytes;
        const bool is_whole = gkv_packing_read_value(
            &store->packing, &store->index.pages, unit, &shape,
            (struct gkv_buffer){buffer.data + shape.key_bytes, record.value.count});
        GKV_ASSERT(is_whole);
    }
    *record_out = (struct gkv_keyed_record){{buffer.data, shape.key_bytes}, record};
    return bytes;
}

size_t gkv_store_get_hashed(const struct gkv_store *store, struct gkv_hashed which, uint64_t now_ms,
                            struct gkv_buffer buffer, struct gkv_keyed_record *record_out)
{
    struct gkv_bucket *bucket = gkv_index_bucket(&store->index, which.key_hash);
    const uint32_t number = gkv_seqlock_take(&bucket->lock);
    struct gkv_place place = hashed_from(store, gkv_index_first(bucket), which.key_hash);
    for (uint32_t i = 0; i < which.n && place.bucket != NULL; i++) {
        place = hashed_from(store, gkv_index_next(&store->index, place), which.key_hash);
    }
    const size_t bytes = place.bucket == NULL
                             ? 0
                             : copy_out(store, gkv_place_unit(place), now_ms, buffer, record_out);
    gkv_seqlock_leave(&bucket->lock, number);
    return bytes;
}

bool gkv_store_version_hashed(const struct gkv_store *store, uint64_t key_hash,
                              struct gkv_version *version_out)
{
    struct gkv_bucket *bucket = gkv_index_bucket(&store->index, key_hash);
    const uint32_t number = gkv_seqlock_take(&bucket->lock);
    struct gkv_version newest = {0};
    struct gkv_place place = hashed_from(store, gkv_index_first(bucket), key_hash);
    while (place.bucket != NULL) {
        const struct gkv_version version = version_in(words_of(store, gkv_place_unit(place)));
        newest = gkv_version_compare(version, newest) > 0 ? version : newest;
        place = hashed_from(store, gkv_index_next(&store->index, place), key_hash);
    }
    gkv_seqlock_leave(&bucket->lock, number);
    const bool is_found = !gkv_version_is_none(newest);
    if (is_found) {
        *version_out = newest;
    }
    return is_found;
}

/* ---- Slots. ---------------------------------------------------------------------------------- */

/* A list under way. */
struct listing {
    struct gkv_slot_part which;
    struct gkv_key_version *keys;
    uint32_t capacity;
    uint32_t count;
};

static void list_bucket(const struct gkv_store *store, struct gkv_bucket *bucket,
                        struct listing *listing)
{
    uint8_t key[GKV_KEY_BYTES_MAX];
    size_t key_bytes = 0;
    const uint32_t number = gkv_seqlock_take(&bucket->lock);
    struct gkv_place place = gkv_index_first(bucket);
    for (; place.bucket != NULL; place = gkv_index_next(&store->index, place)) {
        const struct gkv_unit unit = gkv_place_unit(place);
        const uint64_t hash = gkv_index_key(&store->index, unit, key, &key_bytes);
        if (gkv_slot_of(hash) != listing->which.slot ||
            hash % listing->which.part_count != listing->which.part) {
            continue;
        }
        if (listing->count < listing->capacity) {
            listing->keys[listing->count] =
                (struct gkv_key_version){hash, version_in(words_of(store, unit))};
        }
        listing->count++;
    }
    gkv_seqlock_leave(&bucket->lock, number);
}

uint32_t gkv_store_list(const struct gkv_store *store, struct gkv_slot_part which,
                        struct gkv_key_version *keys_out, uint32_t capacity)
{
    GKV_ASSERT(which.part_count > 0);
    GKV_ASSERT(which.part < which.part_count);
    struct listing listing = {which, keys_out, capacity, 0};
    if (gkv_slots_count(&store->slots, which.slot) == 0) {
        return 0;
    }
    const uint64_t first_hash = (uint64_t)which.slot << (64 - GKV_SLOT_BITS);
    const uint64_t last_hash = first_hash | (UINT64_MAX >> GKV_SLOT_BITS);
    const uint32_t last = gkv_index_bucket_number(&store->index, (uint32_t)(last_hash >> 32));
    for (uint32_t i = gkv_index_bucket_number(&store->index, (uint32_t)(first_hash >> 32));
         i <= last; i++) {
        list_bucket(store, gkv_index_bucket_at(&store->index, i), &listing);
    }
    return listing.count;
}

uint32_t gkv_store_slot_count(const struct gkv_store *store, uint32_t slot)
{
    return gkv_slots_count(&store->slots, slot);
}

uint32_t gkv_store_slot_from(const struct gkv_store *store, uint32_t slot)
{
    return gkv_slots_from(&store->slots, slot);
}

struct gkv_digest gkv_store_slot_digest(const struct gkv_store *store, uint32_t slot)
{
    return gkv_slots_digest(&store->slots, slot);
}

struct gkv_digest gkv_store_digest(const struct gkv_store *store)
{
    struct gkv_digest sum = {.low = 0, .high = 0};
    for (uint32_t slot = gkv_slots_from(&store->slots, 0); slot < GKV_SLOT_COUNT;
         slot = gkv_slots_from(&store->slots, slot + 1)) {
        const struct gkv_digest digest = gkv_slots_digest(&store->slots, slot);
        sum.low += digest.low;
        sum.high += digest.high;
    }
    return sum;
}

/* ---- Sweeping. ------------------------------------------------------------------------------- */

struct gkv_version gkv_store_forgotten(const struct gkv_store *store)
{
    return gkv_forgotten_read(&store->forgotten);
}

/* at_ms + keep_ms < now_ms. at_ms may be what a peer made up, so the sum is not made. */
static bool is_over(uint64_t at_ms, uint64_t keep_ms, uint64_t now_ms)
{
    return now_ms > keep_ms && at_ms < now_ms - keep_ms;
}

/* Under the lock: the value of an expired record goes, what remains is a tombstone. */
static void bury(struct gkv_store *store, struct gkv_found *found, struct gkv_key key,
                 const struct gkv_record *record)
{
    struct put put = {
        .key = key, .record = record, .shape = gkv_entry_plan(key.bytes.count, record, 0)};
    const bool is_replaced = replace(store, found, &put);
    GKV_ASSERT(is_replaced); /* it is smaller */
    (void)gkv_word_add(&store->tombstone_count, 1);
    (void)gkv_word_add(&store->expired_count, 1);
    found->unit = gkv_place_unit(found->place);
}

/* Returns the place, where another is now, or none. */
static struct gkv_place forget(struct gkv_store *store, struct gkv_bucket *bucket,
                               const struct gkv_found *found, uint64_t key_hash)
{
    const struct gkv_version version = version_in(words_of(store, found->unit));
    gkv_forgotten_note(&store->forgotten, version);
    gkv_slots_subtract(&store->slots, key_hash, version);
    const struct gkv_place place = gkv_index_remove(&store->index, bucket, found->place);
    gkv_pages_give(&store->index.pages, found->unit);
    (void)gkv_word_add(&store->record_count, UINT64_MAX);
    (void)gkv_word_add(&store->tombstone_count, UINT64_MAX);
    (void)gkv_word_add(&store->forgotten_count, 1);
    return place;
}

struct sweep {
    uint64_t now_ms;
    uint64_t keep_ms;
};

/* Under the lock. Returns the place to go on with, or none. */
static struct gkv_place sweep_record(struct gkv_store *store, struct gkv_bucket *bucket,
                                     struct gkv_place place, const struct sweep *sweep)
{
    uint8_t key_bytes[GKV_KEY_BYTES_MAX];
    struct gkv_found found = {.place = place, .unit = gkv_place_unit(place)};
    const gkv_word *words = words_of(store, found.unit);
    found.sizes = gkv_word_load(words + 2);
    const struct gkv_entry_shape shape = gkv_entry_shape(found.sizes);
    const struct gkv_record record =
        gkv_packing_describe(&store->index.pages, found.unit, &shape, sweep->now_ms);
    if (!record.is_tombstone) {
        return gkv_index_next(&store->index, place);
    }
    struct gkv_key key = {{key_bytes, 0}, 0};
    key.hash = gkv_index_key(&store->index, found.unit, key_bytes, &key.bytes.count);
    if ((shape.flags & GKV_ENTRY_TOMBSTONE) == 0) {
        bury(store, &found, key, &record);
    }
    const bool is_old = is_over(gkv_hlc_ms(record.version.hlc), sweep->keep_ms, sweep->now_ms) &&
                        is_over(record.expire_ms, sweep->keep_ms, sweep->now_ms);
    return is_old ? forget(store, bucket, &found, key.hash) : gkv_index_next(&store->index, place);
}

static void sweep_bucket(struct gkv_store *store, struct gkv_bucket *bucket,
                         const struct sweep *sweep)
{
    const uint32_t number = gkv_seqlock_take(&bucket->lock);
    struct gkv_place place = gkv_index_first(bucket);
    while (place.bucket != NULL) {
        const bool is_mortal = (gkv_bucket_mark_at(place.bucket, place.at) & GKV_MARK_MORTAL) != 0;
        place = is_mortal ? sweep_record(store, bucket, place, sweep)
                          : gkv_index_next(&store->index, place);
    }
    gkv_seqlock_change(&bucket->lock, number);
}

/* Buckets whose first hash lies in a slot below `slot`. */
static uint32_t buckets_below(const struct gkv_store *store, uint32_t slot)
{
    return (uint32_t)(((uint64_t)slot * store->index.bucket_count + GKV_SLOT_COUNT - 1) >>
                      GKV_SLOT_BITS);
}

void gkv_store_sweep(struct gkv_store *store, uint64_t now_ms, uint64_t keep_ms,
                     uint32_t slot_count)
{
    const struct sweep sweep = {now_ms, keep_ms};
    const uint32_t count = slot_count < GKV_SLOT_COUNT ? slot_count : GKV_SLOT_COUNT;
    const uint32_t from = gkv_u32_load(&store->sweep_slot);
    const uint32_t first = buckets_below(store, from);
    const uint32_t end = buckets_below(store, from + count);
    for (uint32_t i = first; i < end; i++) {
        sweep_bucket(store, gkv_index_bucket_at(&store->index, i % store->index.bucket_count),
                     &sweep);
    }
    gkv_u32_store(&store->sweep_slot, (from + count) % GKV_SLOT_COUNT);
}

bool gkv_store_has_room(const struct gkv_store *store)
{
    const struct gkv_pages *pages = &store->index.pages;
    const uint64_t held_count = gkv_word_load(&pages->held_bytes) / GKV_PAGE_BYTES;
    return store->policy == GKV_STORE_REJECT ||
           pages->page_count - held_count > pages->page_count / FILL_SHARE;
}

struct gkv_store_stats gkv_store_stats(const struct gkv_store *store)
{
    return (struct gkv_store_stats){.record_count = gkv_word_load(&store->record_count),
                                    .tombstone_count = gkv_word_load(&store->tombstone_count),
                                    .used_bytes = gkv_word_load(&store->index.pages.used_bytes),
                                    .held_bytes = gkv_word_load(&store->index.pages.held_bytes),
                                    .limit_bytes = store->limit_bytes,
                                    .expired_count = gkv_word_load(&store->expired_count),
                                    .forgotten_count = gkv_word_load(&store->forgotten_count),
                                    .evicted_count = gkv_word_load(&store->eviction.evicted_count),
                                    .packed_count = gkv_word_load(&store->packing.packed_count)};
}
