#include "core/store.h"

#include "core/hash.h"
#include "core/panic.h"

/* A record is a head, in a cell of its own, and a chain of cells with the key and then the value:
 *
 *   bucket[hash & mask] --> head --bucket_next--> head ...      one bucket's records, single
 *   slot[hash >> 50] -----> head <--slot_next/previous--> head  one slot's records, double
 *   held[slot / 64]         one bit per slot: does it hold records?
 *                            |
 *                            +--bytes_first--> | key ... value | --> | value ... |
 *
 * 64 bytes of head and 4 of every 64 after it: a record with a 20-byte key and a 100-byte value
 * takes 192 bytes. Heads in a table of their own would be a little smaller, but then the store
 * would be full of records with half its bytes free, or full of bytes with half its heads free. */
struct head {
    uint32_t cell_next; /* the pool's own link (core/cells.c), NONE here; not ours to write */
    uint32_t bucket_next;
    uint32_t slot_next;
    uint32_t slot_previous;
    uint64_t key_hash;
    struct gkv_version version;
    uint64_t expire_ms;
    uint32_t bytes_first;
    uint32_t value_bytes;
    uint16_t key_bytes;
    bool is_tombstone;
};

/* Says something only while its bit in held[] is set: slots are not touched before they hold a
 * record, and whoever looks for records goes over 256 words instead of 16,384 slots. */
struct slot {
    struct gkv_digest digest; /* the sum of its records' digests, per half */
    uint32_t first;
    uint32_t count; /* over 0 */
};

#define HELD_WORD_COUNT (GKV_SLOT_COUNT / 64)
#define TABLE_BYTES (sizeof(struct slot) * GKV_SLOT_COUNT + sizeof(uint64_t) * HELD_WORD_COUNT)

_Static_assert(sizeof(struct head) <= GKV_CELL_BYTES, "a head is one cell");
_Static_assert(offsetof(struct head, bucket_next) == GKV_CELL_BYTES - GKV_CELL_PAYLOAD_BYTES,
               "a head leaves the pool's link alone");
_Static_assert(sizeof(struct slot) * GKV_SLOT_COUNT % GKV_ARENA_ALIGN == 0, "carves exactly");
_Static_assert(sizeof(uint64_t) * HELD_WORD_COUNT % GKV_ARENA_ALIGN == 0, "carves exactly");
_Static_assert(TABLE_BYTES < GKV_STORE_BYTES_MIN / 2, "leaves room");
_Static_assert(GKV_KEY_BYTES_MAX <= UINT16_MAX, "key_bytes holds it");

static const uint8_t empty_head[GKV_CELL_PAYLOAD_BYTES];

static struct head *head_at(const struct gkv_store *store, uint32_t index)
{
    GKV_ASSERT(index < store->cells.fresh_first);
    return gkv_at(&store->cells, store->cells.cell_offset + (ptrdiff_t)index * GKV_CELL_BYTES);
}

static uint32_t *bucket_of(const struct gkv_store *store, uint64_t key_hash)
{
    /* The top bits choose the slot, the bottom bits the bucket. */
    uint32_t *buckets = gkv_at(store, store->bucket_offset);
    return buckets + ((uint32_t)key_hash & store->bucket_mask);
}

static struct slot *slot_at(const struct gkv_store *store, uint32_t slot)
{
    GKV_ASSERT(slot < GKV_SLOT_COUNT);
    return (struct slot *)gkv_at(store, store->slot_offset) + slot;
}

static struct slot *slot_of(const struct gkv_store *store, uint64_t key_hash)
{
    return slot_at(store, (uint32_t)(key_hash >> (64 - GKV_SLOT_BITS)));
}

static uint64_t *held_of(const struct gkv_store *store)
{
    return gkv_at(store, store->held_offset);
}

static bool is_held(const struct gkv_store *store, uint32_t slot)
{
    GKV_ASSERT(slot < GKV_SLOT_COUNT);
    return (held_of(store)[slot / 64] >> (slot % 64) & 1) != 0;
}

void gkv_store_init(struct gkv_store *store, struct gkv_arena *arena, uint64_t limit_bytes)
{
    GKV_ASSERT(limit_bytes >= GKV_STORE_BYTES_MIN);

    /* A record takes two cells at least, so that a bucket for every two cells would be one for
     * every record; the greatest power of two below it makes chains of two at the very worst. */
    const uint64_t room_bytes = limit_bytes - TABLE_BYTES;
    uint64_t bucket_count = GKV_ARENA_ALIGN;
    while (bucket_count * 2 <= room_bytes / GKV_CELL_BYTES / 2) {
        bucket_count *= 2;
    }
    const uint64_t cell_count = (room_bytes - bucket_count * sizeof(uint32_t)) / GKV_CELL_BYTES;
    GKV_ASSERT(cell_count < GKV_CELL_NONE);

    const size_t used_before = arena->used;
    *store =
        (struct gkv_store){.limit_bytes = limit_bytes, .bucket_mask = (uint32_t)(bucket_count - 1)};
    uint32_t *buckets = gkv_arena_reserve(arena, (size_t)bucket_count, sizeof(*buckets));
    store->bucket_offset = gkv_offset_to(store, buckets);
    store->held_offset =
        gkv_offset_to(store, gkv_arena_carve(arena, HELD_WORD_COUNT, sizeof(uint64_t)));
    store->slot_offset =
        gkv_offset_to(store, gkv_arena_reserve(arena, GKV_SLOT_COUNT, sizeof(struct slot)));
    gkv_cells_init(&store->cells, arena, (uint32_t)cell_count);
    GKV_ASSERT(arena->used - used_before <= limit_bytes);
    if (buckets != NULL) {
        memset(buckets, 0xff, (size_t)bucket_count * sizeof(*buckets)); /* GKV_CELL_NONE */
    }
}

/* ---- Digests. -------------------------------------------------------------------------------- */

static void put_u64(uint8_t out[8], uint64_t value)
{
    for (uint32_t i = 0; i < 8; i++) {
        out[i] = (uint8_t)(value >> (8 * i));
    }
}

static struct gkv_hash128 digest_of(uint64_t key_hash, struct gkv_version version)
{
    uint8_t bytes[24];
    put_u64(bytes, key_hash);
    put_u64(bytes + 8, version.hlc.packed);
    put_u64(bytes + 16, version.writer);
    return gkv_hash128(bytes, sizeof(bytes), 0);
}

static void digest_add(struct gkv_store *store, const struct head *head)
{
    struct slot *slot = slot_of(store, head->key_hash);
    const struct gkv_hash128 digest = digest_of(head->key_hash, head->version);
    slot->digest.low += digest.low;
    slot->digest.high += digest.high;
    store->digest.low += digest.low;
    store->digest.high += digest.high;
}

static void digest_subtract(struct gkv_store *store, const struct head *head)
{
    struct slot *slot = slot_of(store, head->key_hash);
    const struct gkv_hash128 digest = digest_of(head->key_hash, head->version);
    slot->digest.low -= digest.low;
    slot->digest.high -= digest.high;
    store->digest.low -= digest.low;
    store->digest.high -= digest.high;
}

/* ---- Records. -------------------------------------------------------------------------------- */

static uint32_t cells_of(const struct head *head)
{
    return gkv_cells_needed((size_t)head->key_bytes + head->value_bytes);
}

/* Expiry is the first millisecond in which the value is gone. */
static bool is_expired(const struct head *head, uint64_t now_ms)
{
    return !head->is_tombstone && head->expire_ms != 0 && head->expire_ms <= now_ms;
}

static uint32_t find(const struct gkv_store *store, struct gkv_key key)
{
    uint32_t index = *bucket_of(store, key.hash);
    while (index != GKV_CELL_NONE) {
        const struct head *head = head_at(store, index);
        if (head->key_hash == key.hash && head->key_bytes == key.bytes.count &&
            gkv_cells_equal(&store->cells, head->bytes_first, key.bytes)) {
            break;
        }
        index = head->bucket_next;
    }
    return index;
}

/* The slot of a key that is about to hold a record; empty, if it held none. */
static struct slot *open_slot(struct gkv_store *store, uint64_t key_hash)
{
    const uint32_t number = (uint32_t)(key_hash >> (64 - GKV_SLOT_BITS));
    struct slot *slot = slot_at(store, number);
    if (!is_held(store, number)) {
        held_of(store)[number / 64] |= UINT64_C(1) << (number % 64);
        *slot = (struct slot){.first = GKV_CELL_NONE};
    }
    return slot;
}

/* A record has left its slot: was it the last one? */
static void close_slot(struct gkv_store *store, uint64_t key_hash)
{
    const uint32_t number = (uint32_t)(key_hash >> (64 - GKV_SLOT_BITS));
    const struct slot *slot = slot_at(store, number);
    GKV_ASSERT(is_held(store, number));
    if (slot->count == 0) {
        GKV_ASSERT(slot->digest.low == 0 && slot->digest.high == 0);
        GKV_ASSERT(slot->first == GKV_CELL_NONE);
        held_of(store)[number / 64] &= ~(UINT64_C(1) << (number % 64));
    }
}

/* Take a cell for a head and link it into its bucket and its slot. It has no bytes and no version
 * yet, and is in no digest. */
static uint32_t link_head(struct gkv_store *store, uint64_t key_hash)
{
    const struct gkv_bytes zeroes = {empty_head, sizeof(empty_head)};
    const uint32_t index = gkv_cells_write(&store->cells, zeroes, (struct gkv_bytes){NULL, 0});
    struct head *head = head_at(store, index);
    uint32_t *bucket = bucket_of(store, key_hash);
    struct slot *slot = open_slot(store, key_hash);

    head->key_hash = key_hash;
    head->bytes_first = GKV_CELL_NONE;
    head->bucket_next = *bucket;
    *bucket = index;
    head->slot_previous = GKV_CELL_NONE;
    head->slot_next = slot->first;
    if (slot->first != GKV_CELL_NONE) {
        head_at(store, slot->first)->slot_previous = index;
    }
    slot->first = index;
    slot->count++;
    store->record_count++;
    return index;
}

static void unlink_head(struct gkv_store *store, uint32_t index)
{
    const struct head *head = head_at(store, index);
    struct slot *slot = slot_of(store, head->key_hash);
    GKV_ASSERT(slot->count > 0);
    GKV_ASSERT(store->record_count > 0);

    uint32_t *link = bucket_of(store, head->key_hash);
    while (*link != index) {
        link = &head_at(store, *link)->bucket_next;
    }
    *link = head->bucket_next;
    if (head->slot_next != GKV_CELL_NONE) {
        head_at(store, head->slot_next)->slot_previous = head->slot_previous;
    }
    if (head->slot_previous != GKV_CELL_NONE) {
        head_at(store, head->slot_previous)->slot_next = head->slot_next;
    } else {
        GKV_ASSERT(slot->first == index);
        slot->first = head->slot_next;
    }
    slot->count--;
    store->record_count--;
    close_slot(store, head->key_hash);
}

/* Write key and value into cells and the rest into the head. What the head said before has been
 * taken out of the cells, the digest and the count of tombstones. */
static void fill_head(struct gkv_store *store, struct head *head, struct gkv_bytes key,
                      const struct gkv_record *record)
{
    const struct gkv_bytes none = {NULL, 0};
    const struct gkv_bytes value = record->is_tombstone ? none : record->value;
    head->bytes_first = gkv_cells_write(&store->cells, key, value);
    head->key_bytes = (uint16_t)key.count;
    head->value_bytes = (uint32_t)value.count;
    head->version = record->version;
    head->expire_ms = record->expire_ms;
    head->is_tombstone = record->is_tombstone;
    store->tombstone_count += record->is_tombstone;
    digest_add(store, head);
}

/* The first half of replacing or forgetting a record: give back its cells but for the head. */
static void empty_head_at(struct gkv_store *store, struct head *head)
{
    GKV_ASSERT(!head->is_tombstone || store->tombstone_count > 0);
    digest_subtract(store, head);
    store->tombstone_count -= head->is_tombstone;
    gkv_cells_free(&store->cells, head->bytes_first);
    head->bytes_first = GKV_CELL_NONE;
}

/* What a put of such a record to a known key would answer. */
static enum gkv_store_outcome judge(const struct gkv_store *store, const struct head *head,
                                    struct gkv_version version, uint32_t cell_count)
{
    const int order = gkv_version_compare(version, head->version);
    if (order == 0) {
        return GKV_STORE_SAME;
    }
    if (order < 0) {
        return GKV_STORE_STALE;
    }
    const uint64_t room_count = (uint64_t)store->cells.free_count + cells_of(head);
    return cell_count > room_count ? GKV_STORE_FULL : GKV_STORE_STORED;
}

enum gkv_store_outcome gkv_store_put(struct gkv_store *store, struct gkv_key key,
                                     const struct gkv_record *record, struct gkv_version *held_out)
{
    GKV_ASSERT(key.bytes.count >= 1);
    GKV_ASSERT(key.bytes.count <= GKV_KEY_BYTES_MAX);
    const size_t value_bytes = record->is_tombstone ? 0 : record->value.count;
    GKV_ASSERT(value_bytes <= GKV_VALUE_BYTES_CEILING);

    const uint32_t cell_count = gkv_cells_needed(key.bytes.count + value_bytes);
    uint32_t index = find(store, key);
    const bool is_known = index != GKV_CELL_NONE;
    enum gkv_store_outcome outcome = GKV_STORE_STORED;
    if (is_known) {
        outcome = judge(store, head_at(store, index), record->version, cell_count);
    } else if (cell_count >= store->cells.free_count) { /* no room for it and a head */
        outcome = GKV_STORE_FULL;
    }

    if (outcome == GKV_STORE_STORED) {
        if (is_known) {
            empty_head_at(store, head_at(store, index));
        } else {
            index = link_head(store, key.hash);
        }
        fill_head(store, head_at(store, index), key.bytes, record);
    }
    if (held_out != NULL) {
        *held_out =
            index == GKV_CELL_NONE ? (struct gkv_version){0} : head_at(store, index)->version;
    }
    return outcome;
}

/* ---- Reading. -------------------------------------------------------------------------------- */

/* All of a record at now_ms but for value.data. */
static struct gkv_record describe(const struct head *head, uint64_t now_ms)
{
    const bool is_tombstone = head->is_tombstone || is_expired(head, now_ms);
    return (struct gkv_record){.version = head->version,
                               .expire_ms = head->expire_ms,
                               .is_tombstone = is_tombstone,
                               .value = {NULL, is_tombstone ? 0 : head->value_bytes}};
}

bool gkv_store_get(const struct gkv_store *store, struct gkv_key key, uint64_t now_ms,
                   struct gkv_buffer buffer, struct gkv_record *record_out)
{
    const uint32_t index = find(store, key);
    if (index == GKV_CELL_NONE) {
        return false;
    }
    const struct head *head = head_at(store, index);
    *record_out = describe(head, now_ms);
    if (record_out->value.count > 0 && record_out->value.count <= buffer.capacity) {
        gkv_cells_read(&store->cells, head->bytes_first, head->key_bytes, record_out->value.count,
                       buffer.data);
        record_out->value.data = buffer.data;
    }
    return true;
}

/* The n-th head with this hash, or GKV_CELL_NONE. */
static uint32_t find_hashed(const struct gkv_store *store, uint64_t key_hash, uint32_t n)
{
    uint32_t before_count = n;
    uint32_t index = *bucket_of(store, key_hash);
    while (index != GKV_CELL_NONE) {
        const struct head *head = head_at(store, index);
        if (head->key_hash == key_hash && before_count-- == 0) {
            break;
        }
        index = head->bucket_next;
    }
    return index;
}

size_t gkv_store_get_hashed(const struct gkv_store *store, struct gkv_hashed which, uint64_t now_ms,
                            struct gkv_buffer buffer, struct gkv_keyed_record *record_out)
{
    const uint32_t index = find_hashed(store, which.key_hash, which.n);
    if (index == GKV_CELL_NONE) {
        return 0;
    }
    const struct head *head = head_at(store, index);
    struct gkv_record record = describe(head, now_ms);
    const size_t bytes = head->key_bytes + record.value.count;
    if (bytes > buffer.capacity) {
        return bytes;
    }
    gkv_cells_read(&store->cells, head->bytes_first, 0, bytes, buffer.data);
    if (record.value.count > 0) {
        record.value.data = buffer.data + head->key_bytes;
    }
    *record_out = (struct gkv_keyed_record){{buffer.data, head->key_bytes}, record};
    return bytes;
}

bool gkv_store_version_hashed(const struct gkv_store *store, uint64_t key_hash,
                              struct gkv_version *version_out)
{
    bool is_found = false;
    uint32_t index = *bucket_of(store, key_hash);
    while (index != GKV_CELL_NONE) {
        const struct head *head = head_at(store, index);
        if (head->key_hash == key_hash &&
            (!is_found || gkv_version_compare(head->version, *version_out) > 0)) {
            *version_out = head->version;
            is_found = true;
        }
        index = head->bucket_next;
    }
    return is_found;
}

uint32_t gkv_store_list(const struct gkv_store *store, struct gkv_slot_part which,
                        struct gkv_key_version *keys_out, uint32_t capacity)
{
    GKV_ASSERT(which.part_count > 0);
    GKV_ASSERT(which.part < which.part_count);
    uint32_t listed_count = 0;
    uint32_t index = is_held(store, which.slot) ? slot_at(store, which.slot)->first : GKV_CELL_NONE;
    while (index != GKV_CELL_NONE) {
        const struct head *head = head_at(store, index);
        if (head->key_hash % which.part_count == which.part) {
            if (listed_count < capacity) {
                keys_out[listed_count] = (struct gkv_key_version){head->key_hash, head->version};
            }
            listed_count++;
        }
        index = head->slot_next;
    }
    return listed_count;
}

uint32_t gkv_store_slot_count(const struct gkv_store *store, uint32_t slot)
{
    return is_held(store, slot) ? slot_at(store, slot)->count : 0;
}

uint32_t gkv_store_slot_from(const struct gkv_store *store, uint32_t slot)
{
    GKV_ASSERT(slot <= GKV_SLOT_COUNT);
    const uint64_t *held = held_of(store);
    uint64_t before = (UINT64_C(1) << (slot % 64)) - 1; /* of the first word: not asked for */
    for (uint32_t i = slot / 64; i < HELD_WORD_COUNT; i++) {
        const uint64_t word = held[i] & ~before;
        if (word != 0) {
            return i * 64 + (uint32_t)__builtin_ctzll(word);
        }
        before = 0;
    }
    return GKV_SLOT_COUNT;
}

struct gkv_digest gkv_store_slot_digest(const struct gkv_store *store, uint32_t slot)
{
    return is_held(store, slot) ? slot_at(store, slot)->digest
                                : (struct gkv_digest){.low = 0, .high = 0};
}

struct gkv_digest gkv_store_digest(const struct gkv_store *store)
{
    return store->digest;
}

struct gkv_version gkv_store_forgotten(const struct gkv_store *store)
{
    return store->forgotten;
}

/* ---- Sweeping. ------------------------------------------------------------------------------- */

/* Free the value of an expired record. The key is written anew, into the cells it just gave back.
 * */
static void bury(struct gkv_store *store, struct head *head)
{
    uint8_t key[GKV_KEY_BYTES_MAX];
    GKV_ASSERT(!head->is_tombstone);
    GKV_ASSERT(head->key_bytes <= sizeof(key));
    gkv_cells_read(&store->cells, head->bytes_first, 0, head->key_bytes, key);
    gkv_cells_free(&store->cells, head->bytes_first);
    head->bytes_first = gkv_cells_write(&store->cells, (struct gkv_bytes){key, head->key_bytes},
                                        (struct gkv_bytes){NULL, 0});
    head->value_bytes = 0;
    head->is_tombstone = true;
    store->tombstone_count++;
    store->expired_count++;
}

/* at_ms + keep_ms < now_ms. at_ms may be what a peer made up, so the sum is not made. */
static bool is_over(uint64_t at_ms, uint64_t keep_ms, uint64_t now_ms)
{
    return now_ms > keep_ms && at_ms < now_ms - keep_ms;
}

static void sweep_record(struct gkv_store *store, uint32_t index, uint64_t now_ms, uint64_t keep_ms)
{
    struct head *head = head_at(store, index);
    if (is_expired(head, now_ms)) {
        bury(store, head);
    }
    if (head->is_tombstone && is_over(gkv_hlc_ms(head->version.hlc), keep_ms, now_ms) &&
        is_over(head->expire_ms, keep_ms, now_ms)) {
        if (gkv_version_compare(head->version, store->forgotten) > 0) {
            store->forgotten = head->version;
        }
        empty_head_at(store, head);
        unlink_head(store, index);
        gkv_cells_free(&store->cells, index);
        store->forgotten_count++;
    }
}

/* The slots from `first` on, before `end`. */
static void sweep_slots(struct gkv_store *store, uint64_t now_ms, uint64_t keep_ms, uint32_t first,
                        uint32_t end)
{
    for (uint32_t slot = gkv_store_slot_from(store, first); slot < end;
         slot = gkv_store_slot_from(store, slot + 1)) {
        uint32_t index = slot_at(store, slot)->first;
        while (index != GKV_CELL_NONE) {
            const uint32_t next = head_at(store, index)->slot_next;
            sweep_record(store, index, now_ms, keep_ms);
            index = next;
        }
    }
}

void gkv_store_sweep(struct gkv_store *store, uint64_t now_ms, uint64_t keep_ms,
                     uint32_t slot_count)
{
    const uint32_t count = slot_count < GKV_SLOT_COUNT ? slot_count : GKV_SLOT_COUNT;
    const uint32_t end = store->sweep_slot + count;
    if (end <= GKV_SLOT_COUNT) {
        sweep_slots(store, now_ms, keep_ms, store->sweep_slot, end);
    } else {
        sweep_slots(store, now_ms, keep_ms, store->sweep_slot, GKV_SLOT_COUNT);
        sweep_slots(store, now_ms, keep_ms, 0, end - GKV_SLOT_COUNT);
    }
    store->sweep_slot = end % GKV_SLOT_COUNT;
    GKV_ASSERT(store->tombstone_count <= store->record_count);
}

struct gkv_store_stats gkv_store_stats(const struct gkv_store *store)
{
    const uint64_t used_cells = store->cells.cell_count - store->cells.free_count;
    return (struct gkv_store_stats){.record_count = store->record_count,
                                    .tombstone_count = store->tombstone_count,
                                    .used_bytes = used_cells * GKV_CELL_BYTES,
                                    .limit_bytes = store->limit_bytes,
                                    .expired_count = store->expired_count,
                                    .forgotten_count = store->forgotten_count};
}
