#include "core/slots.h"

#include "core/hash.h"
#include "core/panic.h"

#define WORD_COUNT (GKV_SLOT_COUNT / 64)

enum {
    NOT_LAID_OUT,
    BEING_LAID_OUT,
    LAID_OUT
};

static struct gkv_slot_sum *sum_of(const struct gkv_slots *slots, uint32_t slot)
{
    GKV_ASSERT(slot < GKV_SLOT_COUNT);
    return (struct gkv_slot_sum *)gkv_at(slots, slots->sum_offset) + slot;
}

static gkv_word *count_of(const struct gkv_slots *slots, uint32_t slot)
{
    GKV_ASSERT(slot < GKV_SLOT_COUNT);
    return (gkv_word *)gkv_at(slots, slots->count_offset) + slot;
}

static gkv_atomic_u32 *state_of(const struct gkv_slots *slots, uint32_t slot)
{
    return (gkv_atomic_u32 *)gkv_at(slots, slots->state_offset) + slot / 64;
}

static gkv_word *held_of(const struct gkv_slots *slots, uint32_t slot)
{
    return (gkv_word *)gkv_at(slots, slots->held_offset) + slot / 64;
}

void gkv_slots_init(struct gkv_slots *slots, struct gkv_arena *arena)
{
    slots->state_offset =
        gkv_offset_to(slots, gkv_arena_carve(arena, WORD_COUNT, sizeof(gkv_atomic_u32)));
    slots->held_offset = gkv_offset_to(slots, gkv_arena_carve(arena, WORD_COUNT, sizeof(gkv_word)));
    slots->sum_offset =
        gkv_offset_to(slots, gkv_arena_reserve(arena, GKV_SLOT_COUNT, sizeof(struct gkv_slot_sum)));
    slots->count_offset =
        gkv_offset_to(slots, gkv_arena_reserve(arena, GKV_SLOT_COUNT, sizeof(gkv_word)));
}

static bool is_laid_out(const struct gkv_slots *slots, uint32_t slot)
{
    return gkv_u32_load_acquire(state_of(slots, slot)) == LAID_OUT;
}

/* The words of a slot were never written unless it is laid out. */
static void open_slot(struct gkv_slots *slots, uint32_t number)
{
    gkv_atomic_u32 *state = state_of(slots, number);
    while (!is_laid_out(slots, number)) {
        if (gkv_u32_exchange_acquire(state, NOT_LAID_OUT, BEING_LAID_OUT)) {
            memset(sum_of(slots, number / 64 * 64), 0, 64 * sizeof(struct gkv_slot_sum));
            memset(count_of(slots, number / 64 * 64), 0, 64 * sizeof(gkv_word));
            gkv_u32_store_release(state, LAID_OUT);
        } else {
            gkv_pause();
        }
    }
}

static void add_to_sum(struct gkv_slots *slots, uint32_t slot, struct gkv_hash128 change)
{
    struct gkv_slot_sum *sum = sum_of(slots, slot);
    (void)gkv_word_add(&sum->low, change.low);
    (void)gkv_word_add(&sum->high, change.high);
}

/* Both halves of a product, one over the other. */
static uint64_t fold(uint64_t a, uint64_t b)
{
    __extension__ typedef unsigned __int128 uint128;
    const uint128 product = (uint128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t avalanche(uint64_t hash)
{
    hash = (hash ^ hash >> 37) * UINT64_C(0x165667919e3779f9);
    return hash ^ hash >> 32;
}

/* gkv_hash128 of the three words in wire order, with the seed 0: what is left of the definition
 * (XXH3_len_17to128_128b of xxHash) when the length is known. Half of the instructions, and there
 * are two of these in a put. */
static struct gkv_hash128 digest_of(uint64_t key_hash, struct gkv_version version)
{
    const uint64_t stamp = version.hlc.packed;
    const uint64_t writer = version.writer;
    const uint64_t first =
        fold(key_hash ^ UINT64_C(0xbe4ba423396cfeb8), stamp ^ UINT64_C(0x1cad21f72c81017c));
    const uint64_t second =
        fold(stamp ^ UINT64_C(0xdb979083e96dd4de), writer ^ UINT64_C(0x1f67b3b7a4a44072));
    const uint64_t low = (first + GKV_HASH_PRIME_1 * 24) ^ (stamp + writer);
    const uint64_t high = second ^ (key_hash + stamp);
    return (struct gkv_hash128){
        .low = avalanche(low + high),
        .high =
            -avalanche(low * GKV_HASH_PRIME_1 + high * GKV_HASH_PRIME_4 + GKV_HASH_PRIME_2 * 24),
    };
}

void gkv_slots_add(struct gkv_slots *slots, uint64_t key_hash, struct gkv_version version)
{
    const uint32_t number = gkv_slot_of(key_hash);
    open_slot(slots, number);
    add_to_sum(slots, number, digest_of(key_hash, version));
    if (gkv_word_add(count_of(slots, number), 1) == 0) {
        gkv_word_or(held_of(slots, number), UINT64_C(1) << (number % 64));
    }
}

/* Another thread may put the first record into a slot while its last one goes: whoever clears the
 * bit looks once more, so that a slot that holds something is never without it for long. */
void gkv_slots_subtract(struct gkv_slots *slots, uint64_t key_hash, struct gkv_version version)
{
    const uint32_t number = gkv_slot_of(key_hash);
    const uint64_t bit = UINT64_C(1) << (number % 64);
    const struct gkv_hash128 digest = digest_of(key_hash, version);
    add_to_sum(slots, number, (struct gkv_hash128){-digest.low, -digest.high});
    const uint64_t before = gkv_word_add(count_of(slots, number), UINT64_MAX);
    GKV_ASSERT(before > 0);
    if (before == 1) {
        gkv_word_and(held_of(slots, number), ~bit);
        if (gkv_word_add(count_of(slots, number), 0) > 0) {
            gkv_word_or(held_of(slots, number), bit);
        }
    }
}

void gkv_slots_replace(struct gkv_slots *slots, uint64_t key_hash, struct gkv_version before,
                       struct gkv_version after)
{
    const struct gkv_hash128 old = digest_of(key_hash, before);
    const struct gkv_hash128 new = digest_of(key_hash, after);
    add_to_sum(slots, gkv_slot_of(key_hash),
               (struct gkv_hash128){new.low - old.low, new.high - old.high});
}

uint32_t gkv_slots_count(const struct gkv_slots *slots, uint32_t slot)
{
    return is_laid_out(slots, slot) ? (uint32_t)gkv_word_load(count_of(slots, slot)) : 0;
}

struct gkv_digest gkv_slots_digest(const struct gkv_slots *slots, uint32_t slot)
{
    struct gkv_digest digest = {.low = 0, .high = 0};
    if (is_laid_out(slots, slot)) {
        digest.low = gkv_word_load(&sum_of(slots, slot)->low);
        digest.high = gkv_word_load(&sum_of(slots, slot)->high);
    }
    return digest;
}

uint32_t gkv_slots_from(const struct gkv_slots *slots, uint32_t slot)
{
    GKV_ASSERT(slot <= GKV_SLOT_COUNT);
    uint64_t before = (UINT64_C(1) << (slot % 64)) - 1; /* of the first word: not asked for */
    for (uint32_t i = slot / 64; i < WORD_COUNT; i++) {
        const uint64_t word = gkv_word_load(held_of(slots, i * 64)) & ~before;
        if (word != 0) {
            return i * 64 + (uint32_t)__builtin_ctzll(word);
        }
        before = 0;
    }
    return GKV_SLOT_COUNT;
}
