/* The records a node holds: bounded, versioned, with expiry and tombstones; newest version wins.
 *
 * Model     Last writer wins by (hybrid stamp, writer). Per slot a count and an additive 128-bit
 *           digest of (key hash, version) pairs, kept in O(1), for anti-entropy. What is left of
 *           the tombstones that were dropped is one number: the greatest version among them.
 *           Readers take no lock: they copy out what they find, and look whether it changed
 *           meanwhile (core/seqlock.h). Writers of one bucket, eight records or so, take turns.
 * Bounds    All of memory_limit_bytes and no more: this struct, index, slot table, records and what
 *           is lost between them; 28 bytes beside a key and value that are whole words, and 13 of
 *           index. Full: a put that finds no room, after what it replaces and after gathering what
 *           is free in pieces (core/gather.h), answers GKV_STORE_FULL; with GKV_STORE_EVICT it
 *           makes room by eviction as well (core/evict.h), and answers that when there is nothing
 *           but tombstones, or other threads took the room each time.
 * Threads   Any may call anything but gkv_store_init, at any time.
 * Invariant For one key the version never goes down while the key is held: what was evicted may
 *           come back as an older version, from whoever has one. From its expire_ms on, a record is
 *           the tombstone of its own version wherever it is read, so that its digest does not
 *           change when the sweep frees its value.
 * Not here  Whether a version may be accepted (clock drift): core/replica.h.
 */
#ifndef GKV_CORE_STORE_H
#define GKV_CORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/evict.h"
#include "core/forgotten.h"
#include "core/index.h"
#include "core/message.h"
#include "core/overwrite.h"
#include "core/packing.h"
#include "core/slots.h"
#include "core/types.h"

/* The n-th record, from 0, of those whose key has this hash: one, but for collisions. */
struct gkv_hashed {
    uint64_t key_hash;
    uint32_t n;
};

/* The records of a slot whose key hash % part_count is part; {slot, 0, 1} is all of them. */
struct gkv_slot_part {
    uint32_t slot;
    uint32_t part;
    uint32_t part_count;
};

/* What a put does when there is no room. */
enum gkv_store_policy {
    GKV_STORE_REJECT = 1, /* it answers GKV_STORE_FULL */
    GKV_STORE_EVICT = 2,  /* it makes room (core/evict.h): for what may be lost */
};

struct gkv_store_options {
    uint64_t limit_bytes; /* at least GKV_STORE_BYTES_MIN */
    uint64_t hash_seed;   /* of gkv_hash, for keys */
    enum gkv_store_policy policy;
    struct gkv_packing_options packing;
};

enum gkv_store_outcome {
    GKV_STORE_STORED = 1,
    GKV_STORE_SAME = 2,  /* this very version is held already; nothing changed */
    GKV_STORE_STALE = 3, /* a newer version is held; nothing changed */
    GKV_STORE_FULL = 4,  /* no room; nothing changed */
};

/* One of the keys that gkv_store_get_many looks for, and what it finds, as gkv_store_get tells
 * it. */
struct gkv_store_read {
    struct gkv_key key;
    struct gkv_buffer buffer;
    struct gkv_record record;
    bool is_found;
};

/* One of the records that gkv_store_put_many puts, and what gkv_store_put answers to it. */
struct gkv_store_write {
    struct gkv_key key;
    struct gkv_record record;
    enum gkv_store_outcome outcome;
    struct gkv_version held;
};

struct gkv_store_stats {
    uint64_t record_count;    /* tombstones included */
    uint64_t tombstone_count; /* expired records count here once the sweep has met them */
    uint64_t used_bytes;      /* units that hold records */
    uint64_t held_bytes; /* pages that have such: this much of the records' memory is resident */
    uint64_t limit_bytes;
    uint64_t expired_count;   /* values freed by the sweep, ever */
    uint64_t forgotten_count; /* tombstones dropped by the sweep, ever */
    uint64_t evicted_count;   /* records dropped to make room, ever */
    uint64_t packed_count;    /* values packed, ever */
};

struct gkv_store {
    enum gkv_store_policy policy;
    uint64_t limit_bytes;
    struct gkv_slots slots;
    struct gkv_index index;
    struct gkv_eviction eviction;
    struct gkv_packing packing;
    gkv_atomic_u32 sweep_slot; /* where the next sweep goes on */
    gkv_word record_count;
    gkv_word tombstone_count;
    gkv_word expired_count;
    gkv_word forgotten_count;
    struct gkv_forgotten forgotten;
};

/* Lay out a store in at most options->limit_bytes bytes, the struct itself included, of the arena;
 * less than a page of them stays unused. Hashes of keys are gkv_hash(key, options->hash_seed), and
 * every gkv_key that is passed to this store has that one. */
void gkv_store_init(struct gkv_store *store, struct gkv_arena *arena,
                    const struct gkv_store_options *options);

/* What the calls below come to; a key and its hash are passed to these in registers, so that what
 * an operation waits for first does not take the way through memory. */
struct gkv_store_question {
    uint64_t now_ms;
    struct gkv_buffer buffer;
};

bool gkv_store_ask(const struct gkv_store *store, uint64_t key_hash, struct gkv_bytes key,
                   const struct gkv_store_question *question, struct gkv_record *record_out);
enum gkv_store_outcome gkv_store_change(struct gkv_store *store, struct gkv_key key,
                                        const struct gkv_record *record, bool is_new,
                                        struct gkv_version *held_out);

static inline enum gkv_store_outcome gkv_store_put_any(struct gkv_store *store, struct gkv_key key,
                                                       const struct gkv_record *record, bool is_new,
                                                       struct gkv_version *held_out)
{
    if (record->value.count >= store->packing.plain_bytes_min ||
        !gkv_overwrite(&store->index, &store->slots, key.hash, key.bytes, record)) {
        return gkv_store_change(store, key, record, is_new, held_out);
    }
    if (held_out != NULL) {
        *held_out = record->version;
    }
    return GKV_STORE_STORED;
}

/* Hold `record` under key (1 .. GKV_KEY_BYTES_MAX bytes), if it is newer than what is held; a
 * tombstone's value is dropped. held_out (may be NULL) is filled with the version held after the
 * call, zero when FULL and the key is unknown. key and value are copied. */
static inline enum gkv_store_outcome gkv_store_put(struct gkv_store *store, struct gkv_key key,
                                                   const struct gkv_record *record,
                                                   struct gkv_version *held_out)
{
    return gkv_store_put_any(store, key, record, false, held_out);
}

/* The same for what was written just now, and is no copy of what others hold. It may not be older
 * than a deletion that was forgotten: STALE as well when the key is not held and this version is
 * below gkv_store_forgotten, which held_out then is. Both are looked at in one, whatever other
 * threads drop meanwhile. */
static inline enum gkv_store_outcome gkv_store_put_new(struct gkv_store *store, struct gkv_key key,
                                                       const struct gkv_record *record,
                                                       struct gkv_version *held_out)
{
    return gkv_store_put_any(store, key, record, true, held_out);
}

/* Find a key: false when nothing is known of it, and record_out says nothing. Else it is filled;
 * its value is copied to `buffer` when it fits, else value.data is NULL and value.count says what
 * is needed. An empty value is {NULL, 0}. A record expired at now_ms is returned as a tombstone
 * of its version, with its expire_ms. */
static inline bool gkv_store_get(const struct gkv_store *store, struct gkv_key key, uint64_t now_ms,
                                 struct gkv_buffer buffer, struct gkv_record *record_out)
{
    return gkv_store_ask(store, key.hash, key.bytes, &(struct gkv_store_question){now_ms, buffer},
                         record_out);
}

/* The same, and the record is as likely to be evicted as before: for whoever looks on behalf of
 * nobody who asked for it. */
bool gkv_store_peek(const struct gkv_store *store, struct gkv_key key, uint64_t now_ms,
                    struct gkv_buffer buffer, struct gkv_record *record_out);

/* Get `count` keys, one after the other, while the memory fetches what the next ones need: fills
 * record and is_found of each, and its buffer, which is borrowed. */
void gkv_store_get_many(const struct gkv_store *store, uint64_t now_ms,
                        struct gkv_store_read *reads, size_t count);

/* Put `count` records, one after the other, in the same way: fills outcome and held of each. Keys
 * and values are copied. */
void gkv_store_put_many(struct gkv_store *store, struct gkv_store_write *writes, size_t count);

/* Read a record by its key's hash, as gkv_store_get does: key and value are copied to buffer one
 * after the other. Returns how many bytes they are, 0 when there is no such record; record_out is
 * filled only when there is one and it fits the buffer. For SYNC_PULL, which names keys by hash. */
size_t gkv_store_get_hashed(const struct gkv_store *store, struct gkv_hashed which, uint64_t now_ms,
                            struct gkv_buffer buffer, struct gkv_keyed_record *record_out);

/* The version of the newest record whose key has this hash; false when there is none. */
bool gkv_store_version_hashed(const struct gkv_store *store, uint64_t key_hash,
                              struct gkv_version *version_out);

/* List up to capacity (hash, version) pairs of a slot or a part of one, in no order. Returns how
 * many there are, which may be more than were written. */
uint32_t gkv_store_list(const struct gkv_store *store, struct gkv_slot_part which,
                        struct gkv_key_version *keys_out, uint32_t capacity);

uint32_t gkv_store_slot_count(const struct gkv_store *store, uint32_t slot);

/* The first slot from `slot` (at most GKV_SLOT_COUNT) on that holds records; GKV_SLOT_COUNT when
 * there is none. So that whoever goes over all records does not ask every slot of a small store. */
uint32_t gkv_store_slot_from(const struct gkv_store *store, uint32_t slot);
struct gkv_digest gkv_store_slot_digest(const struct gkv_store *store, uint32_t slot);

/* The sum over all slots: equal stores, equal digests. O(slots that hold records). */
struct gkv_digest gkv_store_digest(const struct gkv_store *store);

/* No tombstone above this version was ever dropped; none: nothing was. A key that is not held may
 * have had any version up to it. */
struct gkv_version gkv_store_forgotten(const struct gkv_store *store);

/* Is there room for what others hold and we do not? A store that evicts has none from when an
 * eighth of its pages is free: it will need them for what is put, and eviction, which gives back
 * about as much as is put, makes no such room. So what was evicted is not fetched back to be
 * evicted again. One that rejects takes what fits. */
bool gkv_store_has_room(const struct gkv_store *store);

/* Visit the buckets of slot_count slots, from where the last sweep stopped: free the values of
 * expired records (they become tombstones) and drop tombstones whose stamp and expiry are both over
 * keep_ms old. Looks at no record that cannot be one of these. */
void gkv_store_sweep(struct gkv_store *store, uint64_t now_ms, uint64_t keep_ms,
                     uint32_t slot_count);

struct gkv_store_stats gkv_store_stats(const struct gkv_store *store);

/* Where the buckets lie, all of which were written when the store was laid out, and where the
 * records do, of which none was: for whoever maps the memory (io_posix/huge.h). */
static inline struct gkv_buffer gkv_store_index_area(const struct gkv_store *store)
{
    return (struct gkv_buffer){(uint8_t *)gkv_index_bucket_at(&store->index, 0),
                               store->index.bucket_count * sizeof(struct gkv_bucket)};
}

static inline struct gkv_buffer gkv_store_record_area(const struct gkv_store *store)
{
    const struct gkv_pages *pages = &store->index.pages;
    return (struct gkv_buffer){gkv_at(pages, pages->word_offset),
                               (size_t)pages->page_count * GKV_PAGE_BYTES};
}

#endif
