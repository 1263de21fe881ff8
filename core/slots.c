#include "core/slots.h"

#include "core/hash.h"
#include "core/panic.h"

struct slot {
    gkv_word low;
    gkv_word high;
    gkv_word count;
    uint64_t unused; /* two slots to a cache line */
};

#define WORD_COUNT (GKV_SLOT_COUNT / 64)

enum {
    NOT_LAID_OUT,
    BEING_LAID_OUT,
    LAID_OUT
};

_Static_assert(sizeof(struct slot) == 32, "as the header says");

static struct slot *slot_at(const struct gkv_slots *slots, uint32_t slot)
{
    GKV_ASSERT(slot < GKV_SLOT_COUNT);
    return (struct slot *)gkv_at(slots, slots->slot_offset) + slot;
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
    slots->slot_offset =
        gkv_offset_to(slots, gkv_arena_reserve(arena, GKV_SLOT_COUNT, sizeof(struct slot)));
}

static bool is_laid_out(const struct gkv_slots *slots, uint32_t slot)
{
    return gkv_u32_load_acquire(state_of(slots, slot)) == LAID_OUT;
}

/* The slot, of which nothing was said before unless it is laid out. */
static struct slot *open_slot(struct gkv_slots *slots, uint32_t number)
{
    gkv_atomic_u32 *state = state_of(slots, number);
    while (!is_laid_out(slots, number)) {
        if (gkv_u32_exchange_acquire(state, NOT_LAID_OUT, BEING_LAID_OUT)) {
            memset(slot_at(slots, number / 64 * 64), 0, 64 * sizeof(struct slot));
            gkv_u32_store_release(state, LAID_OUT);
        } else {
            gkv_pause();
        }
    }
    return slot_at(slots, number);
}

/* The same bytes on every machine, lowest first. */
static uint64_t in_wire_order(uint64_t value)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    return __builtin_bswap64(value);
#else
    return value;
#endif
}

static struct gkv_hash128 digest_of(uint64_t key_hash, struct gkv_version version)
{
    const uint64_t words[] = {in_wire_order(key_hash), in_wire_order(version.hlc.packed),
                              in_wire_order(version.writer)};
    return gkv_hash128((const uint8_t *)words, sizeof(words), 0);
}

void gkv_slots_fetch(const struct gkv_slots *slots, uint64_t key_hash)
{
    __builtin_prefetch(slot_at(slots, gkv_slot_of(key_hash)), 1);
}

void gkv_slots_add(struct gkv_slots *slots, uint64_t key_hash, struct gkv_version version)
{
    const uint32_t number = gkv_slot_of(key_hash);
    const struct gkv_hash128 digest = digest_of(key_hash, version);
    struct slot *slot = open_slot(slots, number);
    (void)gkv_word_add(&slot->low, digest.low);
    (void)gkv_word_add(&slot->high, digest.high);
    if (gkv_word_add(&slot->count, 1) == 0) {
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
    struct slot *slot = slot_at(slots, number);
    (void)gkv_word_add(&slot->low, -digest.low);
    (void)gkv_word_add(&slot->high, -digest.high);
    const uint64_t before = gkv_word_add(&slot->count, UINT64_MAX);
    GKV_ASSERT(before > 0);
    if (before == 1) {
        gkv_word_and(held_of(slots, number), ~bit);
        if (gkv_word_add(&slot->count, 0) > 0) {
            gkv_word_or(held_of(slots, number), bit);
        }
    }
}

void gkv_slots_replace(struct gkv_slots *slots, uint64_t key_hash, struct gkv_version before,
                       struct gkv_version after)
{
    const struct gkv_hash128 old = digest_of(key_hash, before);
    const struct gkv_hash128 new = digest_of(key_hash, after);
    struct slot *slot = slot_at(slots, gkv_slot_of(key_hash));
    (void)gkv_word_add(&slot->low, new.low - old.low);
    (void)gkv_word_add(&slot->high, new.high - old.high);
}

uint32_t gkv_slots_count(const struct gkv_slots *slots, uint32_t slot)
{
    return is_laid_out(slots, slot) ? (uint32_t)gkv_word_load(&slot_at(slots, slot)->count) : 0;
}

struct gkv_digest gkv_slots_digest(const struct gkv_slots *slots, uint32_t slot)
{
    struct gkv_digest digest = {.low = 0, .high = 0};
    if (is_laid_out(slots, slot)) {
        digest.low = gkv_word_load(&slot_at(slots, slot)->low);
        digest.high = gkv_word_load(&slot_at(slots, slot)->high);
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
