#include "core/marks.h"

#include "core/bounds.h"
#include "core/panic.h"

#define ASLEEP UINT64_C(1) /* of a tail; the position is above it */
#define DIRTY_WORDS (GKV_SLOT_COUNT / 64)
#define LANE_TURN 64 /* marks of a lane before the next one's: eight cache lines */

/* Producers and the consumer each have a cache line that they write to. */
struct lane {
    gkv_word tail;      /* the position of the next mark << 1 | ASLEEP */
    gkv_word head_seen; /* the head as a producer last saw it: while that leaves room, none looks
                           at the line that the consumer writes to */
    uint64_t unused_of_tail[6];
    gkv_word head; /* the position of the oldest mark */
    uint64_t unused_of_head[7];
};

_Static_assert(sizeof(struct lane) == 128, "two cache lines");

struct dirty {
    gkv_word bits[DIRTY_WORDS];
    gkv_word count; /* bits that were set, ever */
};

/* What the consumer knows, and nobody else looks at. */
struct consumer {
    uint32_t lane;  /* where it goes on */
    bool is_asleep; /* it said so to all lanes, and has not seen that one was put into since */
};

static struct lane *lane_at(const struct gkv_marks *marks, uint32_t lane)
{
    return (struct lane *)gkv_at(marks, marks->lane_offset) + lane;
}

static gkv_word *cell_at(const struct gkv_marks *marks, uint32_t lane, uint64_t position)
{
    return (gkv_word *)gkv_at(marks, marks->cell_offset) + lane * marks->lane_capacity +
           (position & (marks->lane_capacity - 1));
}

static struct dirty *dirty_of(const struct gkv_marks *marks)
{
    return gkv_at(marks, marks->dirty_offset);
}

static struct consumer *consumer_of(const struct gkv_marks *marks)
{
    return gkv_at(marks, marks->consumer_offset);
}

void gkv_marks_init(struct gkv_marks *marks, struct gkv_arena *arena, struct gkv_marks_shape shape)
{
    *marks = (struct gkv_marks){.lane_count = 0};
    if (shape.capacity == 0) {
        return;
    }
    GKV_ASSERT((shape.capacity & (shape.capacity - 1)) == 0);
    GKV_ASSERT(shape.lane_count > 0 && (shape.lane_count & (shape.lane_count - 1)) == 0);
    GKV_ASSERT(shape.lane_count <= GKV_MARKS_LANE_COUNT_MAX);
    GKV_ASSERT(shape.lane_count <= shape.capacity);
    marks->lane_count = shape.lane_count;
    marks->lane_capacity = shape.capacity / shape.lane_count;
    struct lane *lanes = gkv_arena_carve(arena, marks->lane_count, sizeof(*lanes));
    marks->lane_offset = gkv_offset_to(marks, lanes);
    marks->cell_offset =
        gkv_offset_to(marks, gkv_arena_carve(arena, shape.capacity, sizeof(gkv_word)));
    marks->dirty_offset = gkv_offset_to(marks, gkv_arena_carve(arena, 1, sizeof(struct dirty)));
    struct consumer *consumer = gkv_arena_carve(arena, 1, sizeof(*consumer));
    marks->consumer_offset = gkv_offset_to(marks, consumer);
    for (uint32_t i = 0; lanes != NULL && i < marks->lane_count; i++) {
        gkv_word_store(&lanes[i].tail, ASLEEP);
    }
    if (consumer != NULL) {
        consumer->is_asleep = true;
    }
}

/* ---- Any thread. ----------------------------------------------------------------------------- */

/* Another thread may be the one that takes from a lane what this one finds too much: the bit is set
 * after what was written, by an operation that releases, and stays until somebody takes it. */
static void set_dirty(struct gkv_marks *marks, uint64_t key_hash)
{
    const uint32_t slot = (uint32_t)(key_hash >> (64 - GKV_SLOT_BITS));
    const uint64_t bit = UINT64_C(1) << (slot % 64);
    if ((gkv_word_or(&dirty_of(marks)->bits[slot / 64], bit) & bit) == 0) {
        (void)gkv_word_add(&dirty_of(marks)->count, 1);
    }
}

/* Is there room at this tail? It may be one of long ago, behind the head: then it is not exchanged,
 * and looked at again. True: the cell was emptied before, also where another producer has seen
 * it. */
static bool has_room(const struct gkv_marks *marks, struct lane *lane, uint64_t tail)
{
    const int64_t capacity = (int64_t)marks->lane_capacity;
    const uint64_t position = tail >> 1;
    if ((int64_t)(position - gkv_word_load_acquire(&lane->head_seen)) < capacity) {
        return true;
    }
    const uint64_t head = gkv_word_load_acquire(&lane->head);
    gkv_word_store_release(&lane->head_seen, head);
    return (int64_t)(position - head) < capacity;
}

/* False: this lane is full. */
GKV_INLINE bool put_in_lane(struct gkv_marks *marks, uint32_t number, uint64_t key_hash,
                            bool *wakes_out)
{
    struct lane *lane = lane_at(marks, number);
    uint64_t tail = gkv_word_load(&lane->tail);
    do {
        if (!has_room(marks, lane, tail)) {
            return false;
        }
    } while (!gkv_word_exchange(&lane->tail, &tail, ((tail >> 1) + 1) << 1));

    gkv_word_store_release(cell_at(marks, number, tail >> 1), key_hash);
    *wakes_out = (tail & ASLEEP) != 0;
    return true;
}

/* The first lane is full, or the hash cannot be a mark. */
GKV_APART static bool put_elsewhere(struct gkv_marks *marks, uint32_t lane, uint64_t key_hash)
{
    bool wakes = false;
    for (uint32_t i = 1; key_hash != 0 && i < marks->lane_count; i++) {
        if (put_in_lane(marks, (lane + i) & (marks->lane_count - 1), key_hash, &wakes)) {
            return wakes;
        }
    }
    set_dirty(marks, key_hash);
    return false;
}

bool gkv_marks_put(struct gkv_marks *marks, uint32_t lane, uint64_t key_hash)
{
    GKV_ASSERT(marks->lane_count > 0);
    bool wakes = false;
    const bool is_put =
        key_hash != 0 && put_in_lane(marks, lane & (marks->lane_count - 1), key_hash, &wakes);
    return is_put ? wakes : put_elsewhere(marks, lane, key_hash);
}

/* ---- The consumer. --------------------------------------------------------------------------- */

bool gkv_marks_first(const struct gkv_marks *marks, uint64_t *key_hash_out)
{
    for (uint32_t i = 0; i < marks->lane_count; i++) {
        struct consumer *consumer = consumer_of(marks);
        const uint64_t head = gkv_word_load(&lane_at(marks, consumer->lane)->head);
        const uint64_t key_hash = gkv_word_load_acquire(cell_at(marks, consumer->lane, head));
        if (key_hash != 0) {
            *key_hash_out = key_hash;
            return true;
        }
        consumer->lane = (consumer->lane + 1) & (marks->lane_count - 1);
    }
    return false;
}

void gkv_marks_drop(struct gkv_marks *marks)
{
    struct consumer *consumer = consumer_of(marks);
    struct lane *lane = lane_at(marks, consumer->lane);
    const uint64_t head = gkv_word_load(&lane->head);
    gkv_word *cell = cell_at(marks, consumer->lane, head);
    GKV_ASSERT(gkv_word_load(cell) != 0);
    gkv_word_store(cell, 0);
    gkv_word_store_release(&lane->head, head + 1);
    if ((head + 1) % LANE_TURN == 0) {
        consumer->lane = (consumer->lane + 1) & (marks->lane_count - 1);
    }
}

uint64_t gkv_marks_drop_all(struct gkv_marks *marks)
{
    uint64_t dropped_count = 0;
    for (uint32_t i = 0; i < marks->lane_count; i++) {
        struct lane *lane = lane_at(marks, i);
        const uint64_t first = gkv_word_load(&lane->head);
        uint64_t head = first;
        while (head - first < marks->lane_capacity &&
               gkv_word_load_acquire(cell_at(marks, i, head)) != 0) {
            gkv_word_store(cell_at(marks, i, head), 0);
            head++;
        }
        if (head != first) {
            gkv_word_store_release(&lane->head, head);
        }
        dropped_count += head - first;
    }
    return dropped_count;
}

bool gkv_marks_sleep(struct gkv_marks *marks)
{
    bool is_asleep = true;
    for (uint32_t i = 0; i < marks->lane_count; i++) {
        struct lane *lane = lane_at(marks, i);
        uint64_t tail = gkv_word_load(&lane->head) << 1;
        if (!gkv_word_exchange(&lane->tail, &tail, tail | ASLEEP) && (tail & ASLEEP) == 0) {
            is_asleep = false;
        }
    }
    if (marks->lane_count > 0) {
        consumer_of(marks)->is_asleep = is_asleep;
    }
    return is_asleep;
}

/* While it does not sleep, it does not look at the lines that producers write to. */
bool gkv_marks_is_asleep(const struct gkv_marks *marks)
{
    if (marks->lane_count == 0) {
        return true;
    }
    struct consumer *consumer = consumer_of(marks);
    for (uint32_t i = 0; i < marks->lane_count && consumer->is_asleep; i++) {
        consumer->is_asleep = (gkv_word_load(&lane_at(marks, i)->tail) & ASLEEP) != 0;
    }
    return consumer->is_asleep;
}

uint32_t gkv_marks_take_dirty(struct gkv_marks *marks, uint32_t slot)
{
    GKV_ASSERT(slot <= GKV_SLOT_COUNT);
    uint64_t before = (UINT64_C(1) << (slot % 64)) - 1; /* of the first word: not asked for */
    for (uint32_t i = slot / 64; i < DIRTY_WORDS && marks->lane_count > 0; i++) {
        gkv_word *bits = &dirty_of(marks)->bits[i];
        const uint64_t word = gkv_word_load(bits) & ~before;
        if (word != 0) {
            const uint32_t bit = (uint32_t)__builtin_ctzll(word);
            gkv_word_and(bits, ~(UINT64_C(1) << bit));
            return i * 64 + bit;
        }
        before = 0;
    }
    return GKV_SLOT_COUNT;
}

uint64_t gkv_marks_dirty_count(const struct gkv_marks *marks)
{
    return marks->lane_count == 0 ? 0 : gkv_word_load(&dirty_of(marks)->count);
}

struct gkv_marks_stats gkv_marks_stats(const struct gkv_marks *marks)
{
    struct gkv_marks_stats stats = {.dirty_count = gkv_marks_dirty_count(marks)};
    for (uint32_t i = 0; i < marks->lane_count; i++) {
        stats.mark_count += gkv_word_load(&lane_at(marks, i)->tail) >> 1;
    }
    return stats;
}
