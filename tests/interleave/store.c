#include "tests/interleave/store.h"

#include <stdio.h>
#include <string.h>

#include "core/gather.h"
#include "core/hash.h"
#include "core/prng.h"
#include "core/store.h"
#include "tests/interleave/threads.h"

#define LIMIT_BYTES GKV_STORE_BYTES_MIN
#define THREAD_COUNT 3
#define KEY_COUNT 6
#define CROWD_COUNT \
    7 /* others in the bucket of the first four, so that these lie behind one another */
#define FILLER_COUNT 128 /* others of a page's fourth, so that the store is full */
#define NAME_COUNT (KEY_COUNT + CROWD_COUNT + FILLER_COUNT)
#define FILLER_BYTES 4000
#define OPERATIONS_MAX 5
#define VALUE_BYTES_MAX 9000
#define KEEP_MS 1000
#define FIRST_MS UINT64_C(100000)
#define HASH_SEED 0

/* What a thread knows of a key by what it did itself. */
struct knowledge {
    struct gkv_version least; /* what is held is this or newer */
};

struct trial {
    struct gkv_store store;
    uint64_t seed;
    uint64_t clock; /* of versions; every put has one of its own */
    struct gkv_prng prng[THREAD_COUNT];
    struct knowledge knowledge[THREAD_COUNT][KEY_COUNT];
    struct gkv_version newest[KEY_COUNT];  /* of all that was stored */
    struct gkv_version deleted[KEY_COUNT]; /* the newest tombstone whose put is over */
    struct gkv_prng late_prng;
    uint64_t late_count;
    bool is_evicting;
    const char *failure;
};

static _Alignas(GKV_ARENA_ALIGN) uint8_t memory[LIMIT_BYTES];
static uint8_t buffers[THREAD_COUNT + 1][GKV_KEY_BYTES_MAX + VALUE_BYTES_MAX];
static char key_sets[2][NAME_COUNT][12]; /* of stores that pack nothing, and of those that do */
static char (*keys)[12];                 /* those of this trial's store */

static struct gkv_key key_of(uint32_t number)
{
    const struct gkv_bytes bytes = {(const uint8_t *)keys[number], strlen(keys[number])};
    return (struct gkv_key){bytes, gkv_hash(bytes.data, bytes.count, HASH_SEED)};
}

static uint32_t bucket_of(const struct gkv_store *store, uint64_t key_hash)
{
    return gkv_index_bucket_number(&store->index, (uint32_t)(key_hash >> 32));
}

/* A slot whose records lie in two buckets. */
static uint32_t divided_slot(const struct gkv_store *store)
{
    uint32_t slot = 0;
    while (bucket_of(store, (uint64_t)slot << (64 - GKV_SLOT_BITS)) ==
           bucket_of(store, ((uint64_t)slot + 1) << (64 - GKV_SLOT_BITS))) {
        slot++;
    }
    return slot;
}

/* Three keys of one bucket, two of one slot but two buckets, and another; a crowd in that bucket;
 * and whatever comes next. */
static void choose_keys(const struct gkv_store *store)
{
    const uint32_t slot = divided_slot(store);
    const uint32_t bucket = bucket_of(store, (uint64_t)slot << (64 - GKV_SLOT_BITS));
    uint32_t count = 0;
    for (uint32_t i = 0; count < NAME_COUNT; i++) {
        snprintf(keys[count], sizeof(keys[0]), "%u", (unsigned)i);
        const uint64_t hash = key_of(count).hash;
        const bool is_in_slot = gkv_slot_of(hash) == slot;
        const bool is_in_bucket = bucket_of(store, hash) == bucket;
        const bool wanted[KEY_COUNT] = {
            is_in_bucket && !is_in_slot, is_in_bucket && !is_in_slot, is_in_bucket && !is_in_slot,
            is_in_slot && is_in_bucket,  is_in_slot && !is_in_bucket, !is_in_slot && !is_in_bucket,
        };
        if (count < KEY_COUNT) {
            count += wanted[count];
        } else {
            count += is_in_bucket || count >= KEY_COUNT + CROWD_COUNT;
        }
    }
}

static uint8_t value_byte(struct gkv_version version, size_t index)
{
    return (uint8_t)(version.hlc.packed * 31 + version.writer * 7 + index * 13);
}

/* How many bytes the value of a version has: half of them are as many words, so that one may be
 * written over another; some lie in a chain of blocks. */
static size_t value_bytes(struct gkv_version version)
{
    const uint64_t draw = version.hlc.packed % 16;
    if (draw == 0) {
        return 4200 + version.hlc.packed % 64;
    }
    return draw < 8 ? draw * 9 : 48 + draw;
}

static void fail(struct trial *trial, const char *failure)
{
    trial->failure = trial->failure == NULL ? failure : trial->failure;
}

static bool is_older(struct gkv_version version, struct gkv_version than)
{
    return gkv_version_compare(version, than) < 0;
}

static void learn(struct gkv_version *least, struct gkv_version version)
{
    *least = is_older(*least, version) ? version : *least;
}

static void check_value(struct trial *trial, const struct gkv_record *record)
{
    if (record->is_tombstone) {
        return;
    }
    if (record->value.count != value_bytes(record->version) || record->value.data == NULL) {
        fail(trial, "a value has the length of another");
        return;
    }
    for (size_t i = 0; i < record->value.count; i++) {
        if (record->value.data[i] != value_byte(record->version, i)) {
            fail(trial, "a value is torn");
            return;
        }
    }
}

/* What a thread reads may not be older than what it has read or stored before. */
static void check_read(struct trial *trial, uint32_t thread, uint32_t key, bool is_found,
                       const struct gkv_record *record)
{
    struct gkv_version *least = &trial->knowledge[thread][key].least;
    const struct gkv_version forgotten = gkv_store_forgotten(&trial->store);
    if (!is_found) {
        if (is_older(forgotten, *least) && !trial->is_evicting) {
            fail(trial, "a key that was there is not");
        }
        return;
    }
    if (is_older(record->version, *least) && is_older(forgotten, *least) && !trial->is_evicting) {
        fail(trial, "a version went back");
    }
    if (is_older(trial->newest[key], record->version)) {
        fail(trial, "a version that nobody stored");
    }
    learn(least, record->version);
    check_value(trial, record);
}

/* The hand is about to come by this key, and will have found nothing to take for so long that it
 * takes one there. */
static void hand_to(struct trial *trial, uint32_t key)
{
    const uint32_t bucket_count = trial->store.index.bucket_count;
    const uint32_t bucket = bucket_of(&trial->store, key_of(key).hash);
    gkv_word_store(&trial->store.eviction.hand, bucket_count + bucket - GKV_EVICT_FRUITLESS_MAX);
}

/* A client's write whose clock is behind: what was deleted before it began stays so, though the
 * deletion be forgotten in between. */
static void put_late(struct trial *trial, uint32_t key)
{
    const struct gkv_version deleted = trial->deleted[key];
    trial->late_count++;
    const uint64_t stamp =
        (FIRST_MS << GKV_HLC_COUNTER_BITS | trial->clock) - gkv_prng_below(&trial->late_prng, 4);
    const struct gkv_record record = {.version = {{stamp}, THREAD_COUNT + trial->late_count},
                                      .is_tombstone = true};
    learn(&trial->newest[key], record.version);
    struct gkv_version held;
    const enum gkv_store_outcome outcome =
        gkv_store_put_new(&trial->store, key_of(key), &record, &held);
    if (outcome == GKV_STORE_STORED && is_older(record.version, deleted)) {
        fail(trial, "a write undoes a deletion that was forgotten");
    } else if (outcome != GKV_STORE_FULL && is_older(held, record.version)) {
        fail(trial, "after a late put something older is held");
    }
}

static void put(struct trial *trial, uint32_t thread, uint32_t key)
{
    struct gkv_prng *prng = &trial->prng[thread];
    uint8_t *buffer = buffers[thread];
    trial->clock += 1 + gkv_prng_below(prng, 3);
    const struct gkv_version version = {{FIRST_MS << GKV_HLC_COUNTER_BITS | trial->clock}, thread};
    struct gkv_record record = {.version = version, .is_tombstone = gkv_prng_below(prng, 6) == 0};
    if (gkv_prng_below(&trial->late_prng, 8) == 0) {
        put_late(trial, key);
    }
    if (gkv_prng_below(prng, 4) == 0) {
        record.expire_ms = FIRST_MS + gkv_prng_below(prng, 3);
    }
    for (size_t i = 0; i < value_bytes(version); i++) {
        buffer[i] = value_byte(version, i);
    }
    record.value = (struct gkv_bytes){buffer, value_bytes(version)};
    learn(&trial->newest[key], version);
    if (trial->is_evicting) {
        hand_to(trial, (uint32_t)gkv_prng_below(prng, KEY_COUNT));
    }
    struct gkv_version held;
    const enum gkv_store_outcome outcome =
        gkv_store_put(&trial->store, key_of(key), &record, &held);
    if (outcome == GKV_STORE_FULL && trial->is_evicting) {
        return; /* the others were quicker each time */
    }
    if (outcome != GKV_STORE_STORED && outcome != GKV_STORE_STALE) {
        fail(trial, "a put of something new in a store with room is neither STORED nor STALE");
    } else if (is_older(held, version)) {
        fail(trial, "after a put something older is held");
    } else {
        learn(&trial->knowledge[thread][key].least, held);
        learn(&trial->deleted[key], record.is_tombstone ? version : (struct gkv_version){{0}, 0});
    }
}

static void get(struct trial *trial, uint32_t thread, uint32_t key)
{
    struct gkv_record record;
    const bool is_found =
        gkv_store_get(&trial->store, key_of(key), FIRST_MS + 1,
                      (struct gkv_buffer){buffers[thread], sizeof(buffers[0])}, &record);
    check_read(trial, thread, key, is_found, &record);
}

static void get_hashed(struct trial *trial, uint32_t thread, uint32_t key)
{
    struct gkv_keyed_record found;
    const size_t bytes =
        gkv_store_get_hashed(&trial->store, (struct gkv_hashed){key_of(key).hash, 0}, FIRST_MS + 1,
                             (struct gkv_buffer){buffers[thread], sizeof(buffers[0])}, &found);
    if (bytes > 0 && !gkv_bytes_equal(found.key, key_of(key).bytes)) {
        fail(trial, "a record has the key of another");
    }
    check_read(trial, thread, key, bytes > 0, &found.record);
}

static void operate(void *context, uint32_t thread)
{
    struct trial *trial = context;
    struct gkv_prng *prng = &trial->prng[thread];
    const uint32_t count = 1 + (uint32_t)gkv_prng_below(prng, OPERATIONS_MAX);
    for (uint32_t i = 0; i < count && trial->failure == NULL; i++) {
        const uint32_t key = (uint32_t)gkv_prng_below(prng, KEY_COUNT);
        switch (gkv_prng_below(prng, 8)) {
        case 0:
        case 1:
        case 2:
            put(trial, thread, key);
            break;
        case 3:
            get_hashed(trial, thread, key);
            break;
        case 4:
            (void)gkv_gather(&trial->store.index, gkv_prng_below(prng, 2) == 0);
            break;
        case 5: {
            const uint64_t later_ms = gkv_prng_below(prng, 2) * 2 * KEEP_MS;
            gkv_store_sweep(&trial->store, FIRST_MS + 1 + later_ms, KEEP_MS, GKV_SLOT_COUNT / 64);
            break;
        }
        default:
            get(trial, thread, key);
            break;
        }
    }
}

/* The digest of each slot is that of what is held there. */
static void check_digests(struct trial *trial)
{
    static _Alignas(GKV_ARENA_ALIGN) uint8_t sums[GKV_SLOT_COUNT * 24 + 8192];
    static struct gkv_key_version held[NAME_COUNT];
    static struct gkv_slots expected;
    const struct gkv_store *store = &trial->store;
    struct gkv_arena arena = gkv_arena_over(sums, sizeof(sums));
    memset(sums, 0, sizeof(sums));
    gkv_slots_init(&expected, &arena);
    for (uint32_t slot = gkv_store_slot_from(store, 0); slot < GKV_SLOT_COUNT;
         slot = gkv_store_slot_from(store, slot + 1)) {
        const uint32_t count =
            gkv_store_list(store, (struct gkv_slot_part){slot, 0, 1}, held, NAME_COUNT);
        for (uint32_t i = 0; i < count && i < NAME_COUNT; i++) {
            gkv_slots_add(&expected, held[i].key_hash, held[i].version);
        }
        const struct gkv_digest anew = gkv_slots_digest(&expected, slot);
        const struct gkv_digest kept = gkv_store_slot_digest(store, slot);
        if (anew.low != kept.low || anew.high != kept.high) {
            fail(trial, "a digest is not that of what is held");
        }
    }
}

/* When all is over: what was stored last is held, and the sums are those of what is held. */
static void check_end(struct trial *trial)
{
    struct gkv_store *store = &trial->store;
    uint64_t record_count = 0;
    for (uint32_t key = 0; key < KEY_COUNT; key++) {
        struct gkv_record record;
        const bool is_found =
            gkv_store_get(store, key_of(key), 0,
                          (struct gkv_buffer){buffers[THREAD_COUNT], sizeof(buffers[0])}, &record);
        record_count += is_found;
        if (!trial->is_evicting && (!is_found || is_older(record.version, trial->newest[key])) &&
            is_older(gkv_store_forgotten(store), trial->newest[key])) {
            fail(trial, "the newest version is not held in the end");
        }
        if (is_found) {
            check_value(trial, &record);
        }
        const uint32_t slot = gkv_slot_of(key_of(key).hash);
        const uint32_t count = gkv_store_list(store, (struct gkv_slot_part){slot, 0, 1}, NULL, 0);
        if (count != gkv_store_slot_count(store, slot) ||
            (count == 0) == (gkv_store_slot_from(store, slot) == slot)) {
            fail(trial, "a slot does not know how many records it holds");
        }
    }
    for (uint32_t key = KEY_COUNT; key < NAME_COUNT; key++) {
        struct gkv_record record;
        record_count += gkv_store_get(store, key_of(key), 0, (struct gkv_buffer){NULL, 0}, &record);
    }
    if (gkv_store_stats(store).record_count != record_count) {
        fail(trial, "the store does not know how many records it holds");
    }
    check_digests(trial);
    gkv_store_sweep(store, FIRST_MS * 100, 0, GKV_SLOT_COUNT);
    const struct gkv_store_stats stats = gkv_store_stats(store);
    const struct gkv_digest digest = gkv_store_digest(store);
    if (stats.tombstone_count != 0 || (stats.record_count == 0) != (stats.used_bytes == 0)) {
        fail(trial, "memory or a tombstone is left over");
    }
    if (stats.record_count == 0 && (digest.low != 0 || digest.high != 0)) {
        fail(trial, "a digest of nothing");
    }
}

/* Values here follow from their first byte, so that they can be kept as that. */
static bool unpack_first(const uint8_t *packed, size_t packed_bytes, uint8_t *out,
                         size_t plain_bytes)
{
    uint8_t byte = packed[0];
    for (size_t i = 0; i < plain_bytes; i++) {
        out[i] = byte;
        byte = (uint8_t)(byte + 13);
    }
    return packed_bytes == 1;
}

static size_t pack_first(const uint8_t *plain, size_t plain_bytes, uint8_t *out, size_t capacity)
{
    for (size_t i = 0; i < plain_bytes; i++) {
        if (plain[i] != (uint8_t)(plain[0] + i * 13)) {
            return 0;
        }
    }
    out[0] = plain[0];
    return capacity > 0 ? 1 : 0;
}

static void put_others(struct gkv_store *store, uint32_t first, uint32_t count, size_t bytes)
{
    static const uint8_t zeros[FILLER_BYTES];
    for (uint32_t i = first; i < first + count; i++) {
        const struct gkv_record record = {.version = {.hlc = {1}}, .value = {zeros, bytes}};
        (void)gkv_store_put(store, key_of(i), &record, NULL);
    }
}

/* A store of nothing, or with a crowd in the bucket that is most used, or full. In a third of them
 * what is large is packed. */
static void trial_start(struct trial *trial, uint64_t seed, struct gkv_prng *prng)
{
    memset(trial, 0, sizeof(*trial));
    memset(buffers, 0, sizeof(buffers)); /* a seed is to fail alone as it does in a row */
    memset(memory, 0, sizeof(memory));
    trial->is_evicting = gkv_prng_below(prng, 16) == 0;
    const bool is_crowded = gkv_prng_below(prng, 2) == 0;
    struct gkv_arena arena = gkv_arena_over(memory, sizeof(memory));
    const struct gkv_store_options options = {.limit_bytes = LIMIT_BYTES,
                                              .hash_seed = HASH_SEED,
                                              .policy = trial->is_evicting ? GKV_STORE_EVICT
                                                                           : GKV_STORE_REJECT,
                                              .packing = {.packer = {pack_first, unpack_first},
                                                          .plain_bytes_min = seed % 3 == 0,
                                                          .plain_bytes_max = VALUE_BYTES_MAX}};
    gkv_store_init(&trial->store, &arena, &options);
    /* Benches take memory from buckets: which keys share one is another question then. */
    keys = key_sets[seed % 3 == 0];
    if (keys[0][0] == '\0') {
        choose_keys(&trial->store);
    }
    if (is_crowded) {
        put_others(&trial->store, KEY_COUNT, CROWD_COUNT, 8);
    }
    if (trial->is_evicting) {
        put_others(&trial->store, KEY_COUNT + CROWD_COUNT, FILLER_COUNT, FILLER_BYTES);
    }
    for (uint32_t i = 0; i < THREAD_COUNT; i++) {
        gkv_prng_init(&trial->prng[i], seed, 2 + i);
    }
    gkv_prng_init(&trial->late_prng, seed, 32);
}

const char *interleave_store_trial(uint64_t seed, uint64_t *steps_out)
{
    static struct trial trial;
    struct gkv_prng prng;
    gkv_prng_init(&prng, seed, 9);
    trial_start(&trial, seed, &prng);
    const struct interleave_plan plan = {
        .seed = seed,
        .thread_count = THREAD_COUNT,
        .change_count = (uint32_t)gkv_prng_below(&prng, 6),
        .step_count = 200u << gkv_prng_below(&prng, trial.is_evicting ? 7 : 4),
    };
    *steps_out = interleave_run(&plan, operate, &trial);
    check_end(&trial);
    return trial.failure;
}
