#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/hash.h"
#include "core/prng.h"
#include "core/store.h"

#define LIMIT_BYTES GKV_STORE_BYTES_MIN
#define HASH_SEED 7
#define KEY_COUNT 48
#define VALUE_BYTES_MAX 60000 /* 48 of these are four times what the store has room for */
#define FIRST_MS 1000
#define OPERATION_COUNT 30000

/* ---- A plain array that says what the store must do. ---------------------------------------- */

/* Ways to be wrong on purpose: the model test must notice each of them. */
enum sabotage {
    SABOTAGE_NONE,
    SABOTAGE_WRITER_IGNORED, /* the stamp alone decides who is newer */
    SABOTAGE_EXPIRES_LATE,   /* a value lives through its expire_ms */
    SABOTAGE_FULL_LOSES,     /* a put that finds no room forgets what was held */
    SABOTAGE_FORGETS_EARLY,  /* a tombstone's expiry does not keep it */
    SABOTAGE_SWEEPS_LESS,    /* the last slots of a sweep are left out */
    SABOTAGE_COUNT,
};

struct model_record {
    uint8_t key[GKV_KEY_BYTES_MAX];
    size_t key_bytes;
    uint64_t key_hash;
    bool is_held;
    struct gkv_record record; /* value.data is unused: value_byte says what is in it */
};

struct model {
    struct model_record records[KEY_COUNT];
    enum sabotage sabotage;
    uint32_t bucket_count;
    uint32_t sweep_slot;
    uint64_t expired_count;
    uint64_t forgotten_count;
    struct gkv_version forgotten; /* the greatest of them */
};

static alignas(GKV_ARENA_ALIGN) uint8_t memory[LIMIT_BYTES];
static uint8_t value_buffer[VALUE_BYTES_MAX];
static uint8_t read_buffer[GKV_KEY_BYTES_MAX + VALUE_BYTES_MAX];

static struct gkv_version version_of(uint64_t packed, uint64_t writer)
{
    return (struct gkv_version){{packed}, writer};
}

static bool version_equal(struct gkv_version a, struct gkv_version b)
{
    return gkv_version_compare(a, b) == 0;
}

static uint8_t value_byte(struct gkv_version version, size_t index)
{
    return (uint8_t)(version.hlc.packed * 31 + version.writer * 7 + index * 13 + index / 251);
}

static struct gkv_bytes value_of(struct gkv_version version, size_t value_bytes)
{
    for (size_t i = 0; i < value_bytes; i++) {
        value_buffer[i] = value_byte(version, i);
    }
    return (struct gkv_bytes){value_buffer, value_bytes};
}

static const struct gkv_store_options rejecting = {
    .limit_bytes = LIMIT_BYTES, .hash_seed = HASH_SEED, .policy = GKV_STORE_REJECT};

static void store_start(struct gkv_store *store)
{
    struct gkv_arena arena = gkv_arena_over(memory, sizeof(memory));
    gkv_store_init(store, &arena, &rejecting);
}

static struct gkv_key key_of(const struct model_record *held)
{
    return (struct gkv_key){{held->key, held->key_bytes}, held->key_hash};
}

static void put_u64(uint8_t *out, uint64_t value)
{
    for (uint32_t i = 0; i < 8; i++) {
        out[i] = (uint8_t)(value >> (8 * i));
    }
}

static uint64_t get_u64(const uint8_t *in)
{
    uint64_t value = 0;
    for (uint32_t i = 0; i < 8; i++) {
        value |= (uint64_t)in[i] << (8 * i);
    }
    return value;
}

/* Give `key` the hash of `other`, which is as long, 64 bytes at least: XXH64 mixes words 0 and 4
 * into one sum, s = rotate(s + word * P2, 31) * P1, so that any word 0 has a word 4 that makes up
 * for it. */
static void collide(struct model_record *key, const struct model_record *other)
{
    const uint64_t p1 = UINT64_C(0x9E3779B185EBCA87);
    const uint64_t p2 = UINT64_C(0xC2B2AE3D27D4EB4F);
    uint64_t inverse =
        p2; /* of p2, by Newton's method: each turn doubles the bits that are right */
    for (uint32_t i = 0; i < 6; i++) {
        inverse *= 2 - p2 * inverse;
    }
    const uint8_t first = key->key[0];
    memcpy(key->key, other->key, other->key_bytes);
    key->key[0] = first;
    const uint64_t start = HASH_SEED + p1 + p2;
    uint64_t sum = start + get_u64(key->key) * p2;
    uint64_t wanted = start + get_u64(other->key) * p2;
    sum = (sum << 31 | sum >> 33) * p1;
    wanted = (wanted << 31 | wanted >> 33) * p1;
    put_u64(key->key + 32, get_u64(other->key + 32) + (wanted - sum) * inverse);
}

/* Keys of every length, most of them in four slots, the last one among them; every fourth shares
 * its hash with the one before it, as two keys might that were made to. The first byte says
 * which. */
static void model_start(struct model *model, const struct gkv_store *store, enum sabotage sabotage)
{
    memset(model, 0, sizeof(*model));
    model->sabotage = sabotage;
    model->bucket_count = store->index.bucket_count;
    for (uint32_t i = 0; i < KEY_COUNT; i++) {
        struct model_record *held = &model->records[i];
        const size_t lengths[] = {
            1,  7,  120, 120, 59,  60, GKV_KEY_BYTES_MAX, GKV_KEY_BYTES_MAX, 8, 61,
            64, 64, 9,   16,  300, 300};
        const uint32_t slots[] = {0, 1, 77, GKV_SLOT_COUNT - 1};
        held->key_bytes = lengths[i % 16];
        memset(held->key, (int)i + 1, held->key_bytes);
        if (i % 4 == 3) {
            collide(held, &model->records[i - 1]);
        }
        held->key_hash = gkv_hash(held->key, held->key_bytes, HASH_SEED);
        for (uint32_t turn = 0; held->key_bytes > 1 && i % 4 != 3 &&
                                gkv_slot_of(held->key_hash) != slots[i % 3 + (i % 7 == 0)];
             turn++) {
            memcpy(held->key + held->key_bytes - 4, &turn, sizeof(turn));
            held->key_hash = gkv_hash(held->key, held->key_bytes, HASH_SEED);
        }
        assert_true(i % 4 != 3 || held->key_hash == model->records[i - 1].key_hash);
    }
}

static bool model_is_expired(const struct model *model, const struct gkv_record *record,
                             uint64_t now_ms)
{
    const uint64_t late_ms = model->sabotage == SABOTAGE_EXPIRES_LATE ? 1 : 0;
    return record->expire_ms != 0 && record->expire_ms + late_ms <= now_ms;
}

/* What a put with this outcome does: FULL cannot be foretold here, the rest can. */
static enum gkv_store_outcome model_put(struct model *model, struct model_record *held,
                                        const struct gkv_record *record, bool is_full)
{
    if (held->is_held) {
        int order = gkv_version_compare(record->version, held->record.version);
        if (model->sabotage == SABOTAGE_WRITER_IGNORED &&
            record->version.hlc.packed == held->record.version.hlc.packed) {
            order = 0;
        }
        if (order <= 0) {
            return order == 0 ? GKV_STORE_SAME : GKV_STORE_STALE;
        }
    }
    if (is_full) {
        held->is_held = held->is_held && model->sabotage != SABOTAGE_FULL_LOSES;
        return GKV_STORE_FULL;
    }
    held->is_held = true;
    held->record = *record;
    return GKV_STORE_STORED;
}

/* The sweep goes over buckets, of which each belongs to the slot that its first hash is in. */
static uint32_t model_sweep_slot(const struct model *model, uint64_t key_hash)
{
    const uint64_t bucket = (key_hash >> 32) * model->bucket_count >> 32;
    return (uint32_t)(bucket * GKV_SLOT_COUNT / model->bucket_count);
}

static void model_sweep(struct model *model, uint64_t now_ms, uint64_t keep_ms, uint32_t slot_count)
{
    const uint32_t less = model->sabotage == SABOTAGE_SWEEPS_LESS ? 100 : 0;
    for (uint32_t i = 0; i < KEY_COUNT; i++) {
        struct model_record *held = &model->records[i];
        const uint32_t slot = model_sweep_slot(model, held->key_hash);
        if (!held->is_held || (slot - model->sweep_slot) % GKV_SLOT_COUNT + less >= slot_count) {
            continue;
        }
        struct gkv_record *record = &held->record;
        if (!record->is_tombstone && model_is_expired(model, record, now_ms)) {
            record->is_tombstone = true;
            record->value.count = 0;
            model->expired_count++;
        }
        const bool is_kept =
            record->expire_ms + keep_ms >= now_ms && model->sabotage != SABOTAGE_FORGETS_EARLY;
        if (record->is_tombstone && !is_kept &&
            gkv_hlc_ms(record->version.hlc) + keep_ms < now_ms) {
            held->is_held = false;
            model->forgotten_count++;
            if (gkv_version_compare(record->version, model->forgotten) > 0) {
                model->forgotten = record->version;
            }
        }
    }
    model->sweep_slot = (model->sweep_slot + slot_count) % GKV_SLOT_COUNT;
}

/* ---- Comparing the two; false at the first difference, whose line is printed. --------------- */

static uint32_t difference_line;

#define CHECK(expression)               \
    do {                                \
        if (!(expression)) {            \
            difference_line = __LINE__; \
            return false;               \
        }                               \
    } while (0)

static bool check_value(const struct gkv_record *record)
{
    for (size_t i = 0; i < record->value.count; i++) {
        CHECK(record->value.data[i] == value_byte(record->version, i));
    }
    return true;
}

static bool check_get(const struct gkv_store *store, const struct model *model, uint32_t i,
                      uint64_t now_ms)
{
    const struct model_record *held = &model->records[i];
    struct gkv_record record;
    CHECK(gkv_store_get(store, key_of(held), now_ms,
                        (struct gkv_buffer){read_buffer, sizeof(read_buffer)},
                        &record) == held->is_held);
    if (!held->is_held) {
        return true;
    }
    const bool is_gone =
        held->record.is_tombstone || model_is_expired(model, &held->record, now_ms);
    CHECK(version_equal(record.version, held->record.version));
    CHECK(record.expire_ms == held->record.expire_ms);
    CHECK(record.is_tombstone == is_gone);
    CHECK(record.value.count == (is_gone ? 0 : held->record.value.count));
    return check_value(&record);
}

/* All that is held under one hash, by gkv_store_get_hashed and gkv_store_version_hashed. */
static bool check_hash(const struct gkv_store *store, const struct model *model, uint64_t key_hash,
                       uint64_t now_ms)
{
    struct gkv_version newest = {0};
    uint32_t held_count = 0;
    for (uint32_t i = 0; i < KEY_COUNT; i++) {
        const struct model_record *held = &model->records[i];
        if (held->is_held && held->key_hash == key_hash) {
            held_count++;
            if (gkv_version_compare(held->record.version, newest) > 0) {
                newest = held->record.version;
            }
        }
    }
    struct gkv_version version;
    CHECK(gkv_store_version_hashed(store, key_hash, &version) == (held_count > 0));
    CHECK(held_count == 0 || version_equal(version, newest));
    for (uint32_t n = 0; n < held_count; n++) {
        struct gkv_keyed_record found;
        const size_t bytes =
            gkv_store_get_hashed(store, (struct gkv_hashed){key_hash, n}, now_ms,
                                 (struct gkv_buffer){read_buffer, sizeof(read_buffer)}, &found);
        CHECK(bytes > 0);
        CHECK(bytes == found.key.count + found.record.value.count);
        const struct model_record *held = &model->records[found.key.data[0] - 1];
        CHECK(gkv_bytes_equal(found.key, (struct gkv_bytes){held->key, held->key_bytes}));
        CHECK(held->is_held && version_equal(found.record.version, held->record.version));
        CHECK(check_value(&found.record));
    }
    CHECK(gkv_store_get_hashed(store, (struct gkv_hashed){key_hash, held_count}, now_ms,
                               (struct gkv_buffer){NULL, 0}, NULL) == 0);
    return true;
}

/* A slot's count, digest and list, computed anew from the model. */
static bool check_slot(const struct gkv_store *store, const struct model *model, uint32_t slot,
                       uint32_t part_count)
{
    struct gkv_digest digest = {0, 0};
    uint32_t count = 0;
    for (uint32_t i = 0; i < KEY_COUNT; i++) {
        const struct model_record *held = &model->records[i];
        if (!held->is_held || held->key_hash >> (64 - GKV_SLOT_BITS) != slot) {
            continue;
        }
        uint8_t bytes[24];
        put_u64(bytes, held->key_hash);
        put_u64(bytes + 8, held->record.version.hlc.packed);
        put_u64(bytes + 16, held->record.version.writer);
        const struct gkv_hash128 hash = gkv_hash128(bytes, sizeof(bytes), 0);
        digest.low += hash.low;
        digest.high += hash.high;
        count++;
        struct gkv_key_version listed[KEY_COUNT];
        const uint32_t part = (uint32_t)(held->key_hash % part_count);
        const uint32_t listed_count = gkv_store_list(
            store, (struct gkv_slot_part){slot, part, part_count}, listed, KEY_COUNT);
        uint32_t match_count = 0;
        for (uint32_t k = 0; k < listed_count; k++) {
            CHECK(listed[k].key_hash % part_count == part);
            match_count += listed[k].key_hash == held->key_hash &&
                           version_equal(listed[k].version, held->record.version);
        }
        CHECK(match_count >= 1);
    }
    uint32_t listed_count = 0;
    for (uint32_t part = 0; part < part_count; part++) {
        listed_count +=
            gkv_store_list(store, (struct gkv_slot_part){slot, part, part_count}, NULL, 0);
    }
    CHECK(listed_count == count);
    CHECK(gkv_store_slot_count(store, slot) == count);
    CHECK(gkv_store_slot_digest(store, slot).low == digest.low);
    CHECK(gkv_store_slot_digest(store, slot).high == digest.high);
    return true;
}

static bool model_holds_slot(const struct model *model, uint32_t slot)
{
    for (uint32_t i = 0; i < KEY_COUNT; i++) {
        if (model->records[i].is_held &&
            model->records[i].key_hash >> (64 - GKV_SLOT_BITS) == slot) {
            return true;
        }
    }
    return false;
}

/* Keys and values, and the least that is kept beside them. */
static uint64_t model_bytes(const struct model *model)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < KEY_COUNT; i++) {
        const struct model_record *held = &model->records[i];
        bytes += held->is_held ? 24 + held->key_bytes + held->record.value.count : 0;
    }
    return bytes;
}

static bool check_all(const struct gkv_store *store, const struct model *model, uint64_t now_ms,
                      uint32_t part_count)
{
    uint64_t record_count = 0;
    uint64_t tombstone_count = 0;
    struct gkv_digest digest = {0, 0};
    uint32_t held_slot = gkv_store_slot_from(store, 0);
    for (uint32_t slot = 0; slot < GKV_SLOT_COUNT; slot++) {
        digest.low += gkv_store_slot_digest(store, slot).low;
        digest.high += gkv_store_slot_digest(store, slot).high;
        CHECK((slot == held_slot) == model_holds_slot(model, slot));
        if (slot == held_slot) {
            held_slot = gkv_store_slot_from(store, slot + 1);
        }
    }
    CHECK(held_slot == GKV_SLOT_COUNT);
    CHECK(gkv_store_digest(store).low == digest.low);
    CHECK(gkv_store_digest(store).high == digest.high);
    CHECK(version_equal(gkv_store_forgotten(store), model->forgotten));
    for (uint32_t i = 0; i < KEY_COUNT; i++) {
        const struct model_record *held = &model->records[i];
        record_count += held->is_held;
        tombstone_count += held->is_held && held->record.is_tombstone;
        CHECK(check_get(store, model, i, now_ms));
        CHECK(check_hash(store, model, held->key_hash, now_ms));
    }
    const uint32_t slots[] = {
        0, 1, 2, 77, GKV_SLOT_COUNT - 1, gkv_slot_of(model->records[0].key_hash)};
    for (uint32_t i = 0; i < 6; i++) {
        CHECK(check_slot(store, model, slots[i], part_count));
    }
    const struct gkv_store_stats stats = gkv_store_stats(store);
    CHECK(stats.record_count == record_count);
    CHECK(stats.tombstone_count == tombstone_count);
    const uint64_t held_bytes = model_bytes(model);
    CHECK(stats.used_bytes >= held_bytes);
    CHECK(stats.used_bytes <= 2 * held_bytes + GKV_BLOCK_BYTES);
    CHECK(stats.held_bytes >= stats.used_bytes);
    CHECK(stats.held_bytes <= (uint64_t)store->index.pages.page_count * GKV_PAGE_BYTES);
    CHECK(stats.limit_bytes == LIMIT_BYTES);
    CHECK(stats.expired_count == model->expired_count);
    CHECK(stats.forgotten_count == model->forgotten_count);
    return true;
}

/* ---- Random programs. ----------------------------------------------------------------------- */

struct program {
    struct gkv_store store;
    struct model model;
    struct gkv_prng prng;
    uint64_t now_ms;
    uint64_t outcome_counts[GKV_STORE_FULL + 1];
};

static struct gkv_record random_record(struct program *program)
{
    struct gkv_prng *prng = &program->prng;
    /* Stamps around now, few counters and writers: newer, older, the same and ties all happen. */
    const uint64_t ms = program->now_ms - 8 + gkv_prng_below(prng, 12);
    struct gkv_record record = {
        .version = version_of(ms << GKV_HLC_COUNTER_BITS | gkv_prng_below(prng, 2),
                              1 + gkv_prng_below(prng, 3)),
        .is_tombstone = gkv_prng_below(prng, 5) == 0,
    };
    if (gkv_prng_below(prng, 2) == 0) {
        record.expire_ms = program->now_ms - 2 + gkv_prng_below(prng, 40);
    }
    const uint64_t value_bounds[] = {1, 64, 2000, 40000, VALUE_BYTES_MAX + 1};
    if (!record.is_tombstone) {
        record.value.count = (size_t)gkv_prng_below(prng, value_bounds[gkv_prng_below(prng, 5)]);
    }
    return record;
}

/* May a put say that the store is full? Not while there are pages that hold nothing, enough for
 * it. */
static bool may_be_full(const struct gkv_store *store, const struct gkv_record *record)
{
    const uint64_t room_bytes = (uint64_t)store->index.pages.page_count * GKV_PAGE_BYTES;
    const uint64_t needed_bytes = record->value.count / GKV_BLOCK_PAYLOAD_BYTES * GKV_BLOCK_BYTES;
    return gkv_store_stats(store).held_bytes + needed_bytes + 2 * GKV_PAGE_BYTES > room_bytes;
}

static bool program_put(struct program *program)
{
    struct model_record *held = &program->model.records[gkv_prng_below(&program->prng, KEY_COUNT)];
    struct gkv_record record = random_record(program);
    if (!record.is_tombstone) {
        record.value = value_of(record.version, record.value.count);
    }
    struct gkv_version version;
    const enum gkv_store_outcome outcome =
        gkv_store_put(&program->store, key_of(held), &record, &version);
    CHECK(outcome != GKV_STORE_FULL || may_be_full(&program->store, &record));
    CHECK(outcome == model_put(&program->model, held, &record, outcome == GKV_STORE_FULL));
    CHECK(version_equal(version, held->is_held ? held->record.version : version_of(0, 0)));
    program->outcome_counts[outcome]++;
    return true;
}

static bool program_run(struct program *program, uint64_t seed, uint32_t operation_count,
                        enum sabotage sabotage)
{
    memset(program, 0, sizeof(*program));
    store_start(&program->store);
    model_start(&program->model, &program->store, sabotage);
    gkv_prng_init(&program->prng, seed, 0);
    program->now_ms = FIRST_MS;
    for (uint32_t i = 0; i < operation_count; i++) {
        const uint64_t choice = gkv_prng_below(&program->prng, 256);
        if (choice < 140) {
            CHECK(program_put(program));
        } else if (choice < 220) {
            const uint32_t key = (uint32_t)gkv_prng_below(&program->prng, KEY_COUNT);
            CHECK(check_get(&program->store, &program->model, key, program->now_ms));
        } else if (choice < 250) {
            program->now_ms += gkv_prng_below(&program->prng, 4);
        } else {
            const uint64_t keep_ms = gkv_prng_below(&program->prng, 30);
            const uint32_t slot_counts[] = {1, 3, 1000, GKV_SLOT_COUNT};
            const uint32_t slot_count = slot_counts[gkv_prng_below(&program->prng, 4)];
            model_sweep(&program->model, program->now_ms, keep_ms, slot_count);
            gkv_store_sweep(&program->store, program->now_ms, keep_ms, slot_count);
        }
        if (i % 256 == 255) {
            const uint32_t part_count = 1 + (uint32_t)gkv_prng_below(&program->prng, 5);
            CHECK(check_all(&program->store, &program->model, program->now_ms, part_count));
        }
    }
    return true;
}

/* Goal: the store does what a plain array would, and every outcome happens.
 * Method: 240,000 random operations from eight seeds, on the smallest store and values that do not
 * fit it, with time moving and sweeps of some slots or all; everything compared every 256. */
static void test_random_programs(void **state)
{
    (void)state;
    static struct program program;
    uint64_t outcome_counts[GKV_STORE_FULL + 1] = {0};
    for (uint64_t seed = 1; seed <= 8; seed++) {
        if (!program_run(&program, seed, OPERATION_COUNT, SABOTAGE_NONE)) {
            fail_msg("seed %u, line %u", (unsigned)seed, (unsigned)difference_line);
        }
        assert_true(program.model.expired_count > 100);
        assert_true(program.model.forgotten_count > 100);
        for (uint32_t i = 0; i <= GKV_STORE_FULL; i++) {
            outcome_counts[i] += program.outcome_counts[i];
        }
    }
    for (uint32_t i = GKV_STORE_STORED; i <= GKV_STORE_FULL; i++) {
        print_message("outcome %u: %u times\n", (unsigned)i, (unsigned)outcome_counts[i]);
        assert_true(outcome_counts[i] > 100);
    }
}

/* Goal: the test above would notice. Method: the same programs against models that are wrong. */
static void test_random_programs_notice(void **state)
{
    (void)state;
    static struct program program;
    for (int sabotage = SABOTAGE_NONE + 1; sabotage < SABOTAGE_COUNT; sabotage++) {
        assert_false(program_run(&program, 1, OPERATION_COUNT, (enum sabotage)sabotage));
    }
}

/* ---- Stories. ------------------------------------------------------------------------------- */

static struct gkv_key named(const char *key)
{
    const struct gkv_bytes bytes = {(const uint8_t *)key, strlen(key)};
    return (struct gkv_key){bytes, gkv_hash(bytes.data, bytes.count, HASH_SEED)};
}

static enum gkv_store_outcome put(struct gkv_store *store, const char *key, uint64_t ms,
                                  size_t value_bytes)
{
    const struct gkv_version version = version_of(ms << GKV_HLC_COUNTER_BITS, 1);
    const struct gkv_record record = {.version = version, .value = value_of(version, value_bytes)};
    return gkv_store_put(store, named(key), &record, NULL);
}

/* Goal: the limit is kept to the byte. Method: lay stores of many limits out, and one for real;
 * what is carved, and the struct, is at most the limit and within two pages of it. */
static void test_limit_is_exact(void **state)
{
    (void)state;
    for (uint64_t limit = LIMIT_BYTES; limit < UINT64_C(1) << 34; limit += limit / 3 + 12345) {
        struct gkv_store store;
        struct gkv_arena arena = gkv_arena_counting();
        const struct gkv_store_options options = {.limit_bytes = limit, .policy = GKV_STORE_REJECT};
        gkv_store_init(&store, &arena, &options);
        assert_true(arena.used + sizeof(store) <= limit);
        assert_true(limit - arena.used - sizeof(store) < 2 * GKV_PAGE_BYTES);
    }
}

/* Goal: a full store refuses what does not fit, whole; takes what replaces as much; and gives back.
 * Method: values of 60,000 bytes until one is refused; then more, as much and less for a held
 * key. */
static void test_full(void **state)
{
    (void)state;
    struct gkv_store store;
    store_start(&store);
    char key[3] = "a0";
    while (put(&store, key, 1, VALUE_BYTES_MAX - 5000) == GKV_STORE_STORED) {
        key[1]++;
    }
    assert_true(key[1] - '0' >= 7); /* 385,000 of the 512 KiB that records have */
    const struct gkv_store_stats full = gkv_store_stats(&store);
    assert_int_equal(full.record_count, key[1] - '0');
    assert_int_equal(put(&store, "a0", 2, VALUE_BYTES_MAX), GKV_STORE_STORED);
    while (put(&store, "b", 1, 5000) == GKV_STORE_STORED && put(&store, "c", 1, 9000)) {
        break;
    }
    const uint32_t slot = gkv_slot_of(named("a1").hash);
    const struct gkv_digest before = gkv_store_slot_digest(&store, slot);
    while (put(&store, key, 1, 3000) == GKV_STORE_STORED) {
        key[1]++;
    }
    assert_int_equal(put(&store, "a1", 2, VALUE_BYTES_MAX), GKV_STORE_FULL);
    const struct gkv_digest after = gkv_store_slot_digest(&store, slot);
    assert_memory_equal(&before, &after, sizeof(before));
    assert_int_equal(put(&store, "a1", 2, VALUE_BYTES_MAX - 5000), GKV_STORE_STORED);
    assert_int_equal(put(&store, "a1", 3, 0), GKV_STORE_STORED);
    /* Nine of the thirteen blocks that a1 had, and a page of them for its unit. */
    assert_int_equal(put(&store, "z", 1, VALUE_BYTES_MAX - 20000), GKV_STORE_STORED);
}

/* Goal: memory does not stay with the sizes that were in fashion first. Method: fill the store with
 * small values, replace one in two by larger ones until the store is full; nearly all is in use. */
static void test_memory_changes_sizes(void **state)
{
    (void)state;
    struct gkv_store store;
    store_start(&store);
    char key[16];
    uint32_t key_count = 0;
    do {
        snprintf(key, sizeof(key), "key-%u", (unsigned)key_count++);
    } while (put(&store, key, 1, 100) == GKV_STORE_STORED);
    const uint64_t room_bytes = (uint64_t)store.index.pages.page_count * GKV_PAGE_BYTES;
    assert_true(gkv_store_stats(&store).used_bytes > room_bytes * 95 / 100);
    for (uint32_t i = 0; i < key_count; i++) {
        snprintf(key, sizeof(key), "key-%u", (unsigned)i);
        (void)put(&store, key, 2, i % 2 == 0 ? 0 : 200);
    }
    for (uint32_t i = 0; i < key_count; i += 2) {
        snprintf(key, sizeof(key), "key-%u", (unsigned)i);
        (void)put(&store, key, 3, 160);
    }
    print_message("in use: %u of 1000\n",
                  (unsigned)(gkv_store_stats(&store).used_bytes * 1000 / room_bytes));
    assert_true(gkv_store_stats(&store).used_bytes > room_bytes * 90 / 100);
    for (uint32_t i = 0; i < key_count; i++) {
        struct gkv_record record;
        snprintf(key, sizeof(key), "key-%u", (unsigned)i);
        if (gkv_store_get(&store, named(key), 1, (struct gkv_buffer){read_buffer, 1000}, &record)) {
            assert_true(check_value(&record));
        }
    }
}

/* Goal: what a get does not have room for, it says. Method: a buffer one byte short, then none. */
static void test_short_buffer(void **state)
{
    (void)state;
    struct gkv_store store;
    store_start(&store);
    assert_int_equal(put(&store, "key", 5, 100), GKV_STORE_STORED);
    const struct gkv_key key = named("key");
    struct gkv_record record;
    assert_true(gkv_store_get(&store, key, 6, (struct gkv_buffer){read_buffer, 99}, &record));
    assert_null(record.value.data);
    assert_int_equal(record.value.count, 100);
    assert_true(gkv_store_get(&store, key, 6, (struct gkv_buffer){NULL, 0}, &record));
    assert_int_equal(record.value.count, 100);
    assert_true(gkv_store_get(&store, key, 6, (struct gkv_buffer){read_buffer, 100}, &record));
    assert_ptr_equal(record.value.data, read_buffer);

    struct gkv_keyed_record keyed = {.key = {NULL, 0}};
    struct gkv_buffer buffer = {read_buffer, 102};
    const struct gkv_hashed which = {key.hash, 0};
    assert_int_equal(gkv_store_get_hashed(&store, which, 6, buffer, &keyed), 103);
    assert_null(keyed.key.data);
    buffer.capacity = 103;
    assert_int_equal(gkv_store_get_hashed(&store, which, 6, buffer, &keyed), 103);
    assert_memory_equal(keyed.key.data, "key", 3);
    assert_int_equal(keyed.record.value.data[99], value_byte(record.version, 99));
}

/* Goal: an expired record is a tombstone of its version before and after the sweep, with the same
 * digest; a newer version over it lives; an expiry that a peer made up does not wrap round. */
static void test_expiry(void **state)
{
    (void)state;
    struct gkv_store store;
    store_start(&store);
    const struct gkv_key key = named("k");
    const uint32_t slot = gkv_slot_of(key.hash);
    const struct gkv_version version = version_of(10 << GKV_HLC_COUNTER_BITS, 1);
    struct gkv_record record = {
        .version = version, .expire_ms = 20, .value = value_of(version, 500)};
    assert_int_equal(gkv_store_put(&store, key, &record, NULL), GKV_STORE_STORED);
    const struct gkv_digest digest = gkv_store_slot_digest(&store, slot);

    struct gkv_record found;
    assert_true(gkv_store_get(&store, key, 19,
                              (struct gkv_buffer){read_buffer, sizeof(read_buffer)}, &found));
    assert_false(found.is_tombstone);
    for (uint32_t round = 0; round < 2; round++) {
        assert_true(gkv_store_get(&store, key, 20,
                                  (struct gkv_buffer){read_buffer, sizeof(read_buffer)}, &found));
        assert_true(found.is_tombstone);
        assert_int_equal(found.value.count, 0);
        assert_int_equal(found.expire_ms, 20);
        assert_true(version_equal(found.version, version));
        gkv_store_sweep(&store, 20, 100, GKV_SLOT_COUNT * 2);
        assert_int_equal(gkv_store_slot_digest(&store, slot).low, digest.low);
        assert_int_equal(gkv_store_stats(&store).used_bytes, 40); /* and its expiry */
        assert_int_equal(gkv_store_stats(&store).expired_count, 1);
    }
    record.version.writer = 2;
    record.expire_ms = UINT64_MAX;
    record.is_tombstone = true; /* and its value is not kept, nor minded */
    assert_int_equal(gkv_store_put(&store, key, &record, NULL), GKV_STORE_STORED);
    assert_int_equal(gkv_store_stats(&store).used_bytes, 40); /* and its expiry */
    gkv_store_sweep(&store, 1000, 100, GKV_SLOT_COUNT);
    assert_int_equal(gkv_store_stats(&store).record_count, 1);
    record.version.writer = 3;
    record.expire_ms = 0;
    record.is_tombstone = false;
    assert_int_equal(gkv_store_put(&store, key, &record, NULL), GKV_STORE_STORED);
    gkv_store_sweep(&store, 1000, 100, GKV_SLOT_COUNT);
    assert_true(gkv_store_get(&store, key, 1000,
                              (struct gkv_buffer){read_buffer, sizeof(read_buffer)}, &found));
    assert_int_equal(found.value.count, 500);
}

/* Goal: a store can be moved with its memory, for a node is copied by memcpy. Method: copy both. */
static void test_copy(void **state)
{
    (void)state;
    static struct {
        alignas(GKV_ARENA_ALIGN) struct gkv_store store;
        alignas(GKV_ARENA_ALIGN) uint8_t bytes[LIMIT_BYTES];
    } original, copy;
    struct gkv_arena arena = gkv_arena_over(original.bytes, sizeof(original.bytes));
    gkv_store_init(&original.store, &arena, &rejecting);
    assert_int_equal(put(&original.store, "key", 5, 1000), GKV_STORE_STORED);
    memcpy(&copy, &original, sizeof(copy));
    memset(&original, 0xee, sizeof(original));
    assert_int_equal(put(&copy.store, "key", 5, 1000), GKV_STORE_SAME);
    assert_int_equal(put(&copy.store, "key", 6, 2000), GKV_STORE_STORED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_programs),
        cmocka_unit_test(test_random_programs_notice),
        cmocka_unit_test(test_limit_is_exact),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_memory_changes_sizes),
        cmocka_unit_test(test_short_buffer),
        cmocka_unit_test(test_expiry),
        cmocka_unit_test(test_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
