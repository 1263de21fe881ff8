#include "core/marks.h"

#include "core/bounds.h"
#include "core/panic.h"

#define ASLEEP UINT64_C(1) /* of the tail; the position is above it */
#define DIRTY_WORDS (GKV_SLOT_COUNT / 64)

/* Producers and the consumer each have a cache line that they write to. */
struct ends {
    gkv_word tail; /* the position of the next mark << 1 | ASLEEP */
    gkv_word dirty_count;
    uint64_t unused_of_tail[6];
    gkv_word head; /* the position of the oldest mark */
    uint64_t unused_of_head[7];
};

_Static_assert(sizeof(struct ends) == 128, "two cache lines");

static struct ends *ends_of(const struct gkv_marks *marks)
{
    return gkv_at(marks, marks->ends_offset);
}

static gkv_word *cell_at(const struct gkv_marks *marks, uint64_t position)
{
    return (gkv_word *)gkv_at(marks, marks->cell_offset) + (position & (marks->capacity - 1));
}

static gkv_word *dirty_at(const struct gkv_marks *marks, uint32_t word)
{
    return (gkv_word *)gkv_at(marks, marks->dirty_offset) + word;
}

void gkv_marks_init(struct gkv_marks *marks, struct gkv_arena *arena, uint64_t capacity)
{
    GKV_ASSERT((capacity & (capacity - 1)) == 0);
    *marks = (struct gkv_marks){.capacity = capacity};
    struct ends *ends = gkv_arena_carve(arena, 1, sizeof(*ends));
    marks->ends_offset = gkv_offset_to(marks, ends);
    if (ends != NULL) {
        gkv_word_store(&ends->tail, ASLEEP);
    }
    if (capacity > 0) {
        marks->cell_offset =
            gkv_offset_to(marks, gkv_arena_carve(arena, capacity, sizeof(gkv_word)));
        marks->dirty_offset =
            gkv_offset_to(marks, gkv_arena_carve(arena, DIRTY_WORDS, sizeof(gkv_word)));
    }
}

/* Another thread may be the one that takes from the ring what this one finds too much: the bit is
 * set after what was written, by an operation that releases, and stays until somebody takes it. */
static void set_dirty(struct gkv_marks *marks, uint64_t key_hash)
{
    const uint32_t slot = (uint32_t)(key_hash >> (64 - GKV_SLOT_BITS));
    gkv_word_or(dirty_at(marks, slot / 64), UINT64_C(1) << (slot % 64));
    (void)gkv_word_add(&ends_of(marks)->dirty_count, 1);
}

bool gkv_marks_put(struct gkv_marks *marks, uint64_t key_hash)
{
    GKV_ASSERT(marks->capacity > 0);
    struct ends *ends = ends_of(marks);
    if (key_hash == 0) {
        set_dirty(marks, key_hash);
        return false;
    }
    uint64_t tail = gkv_word_load(&ends->tail);
    do {
        /* Acquires the emptied cell. The tail may be one of long ago, behind the head: then it is
         * not exchanged, and looked at again. */
        const uint64_t head = gkv_word_load_acquire(&ends->head);
        if ((int64_t)((tail >> 1) - head) >= (int64_t)marks->capacity) {
            set_dirty(marks, key_hash);
            return false;
        }
    } while (!gkv_word_exchange(&ends->tail, &tail, ((tail >> 1) + 1) << 1));

    gkv_word_store_release(cell_at(marks, tail >> 1), key_hash);
    return (tail & ASLEEP) != 0;
}

bool gkv_marks_first(const struct gkv_marks *marks, uint64_t *key_hash_out)
{
    if (marks->capacity == 0) {
        return false;
    }
    const uint64_t head = gkv_word_load(&ends_of(marks)->head);
    const uint64_t key_hash = gkv_word_load_acquire(cell_at(marks, head));
    if (key_hash != 0) {
        *key_hash_out = key_hash;
    }
    return key_hash != 0;
}

void gkv_marks_drop(struct gkv_marks *marks)
{
    struct ends *ends = ends_of(marks);
    const uint64_t head = gkv_word_load(&ends->head);
    GKV_ASSERT(gkv_word_load(cell_at(marks, head)) != 0);
    gkv_word_store(cell_at(marks, head), 0);
    gkv_word_store_release(&ends->head, head + 1);
}

bool gkv_marks_sleep(struct gkv_marks *marks)
{
    struct ends *ends = ends_of(marks);
    uint64_t tail = gkv_word_load(&ends->head) << 1;
    return gkv_word_exchange(&ends->tail, &tail, tail | ASLEEP) || (tail & ASLEEP) != 0;
}

bool gkv_marks_is_asleep(const struct gkv_marks *marks)
{
    return (gkv_word_load(&ends_of(marks)->tail) & ASLEEP) != 0;
}

uint32_t gkv_marks_take_dirty(struct gkv_marks *marks, uint32_t slot)
{
    GKV_ASSERT(slot <= GKV_SLOT_COUNT);
    uint64_t before = (UINT64_C(1) << (slot % 64)) - 1; /* of the first word: not asked for */
    for (uint32_t i = slot / 64; i < DIRTY_WORDS && marks->capacity > 0; i++) {
        const uint64_t word = gkv_word_load(dirty_at(marks, i)) & ~before;
        if (word != 0) {
            const uint32_t bit = (uint32_t)__builtin_ctzll(word);
            gkv_word_and(dirty_at(marks, i), ~(UINT64_C(1) << bit));
            return i * 64 + bit;
        }
        before = 0;
    }
    return GKV_SLOT_COUNT;
}

struct gkv_marks_stats gkv_marks_stats(const struct gkv_marks *marks)
{
    const struct ends *ends = ends_of(marks);
    return (struct gkv_marks_stats){.mark_count = gkv_word_load(&ends->tail) >> 1,
                                    .dirty_count = gkv_word_load(&ends->dirty_count)};
}
