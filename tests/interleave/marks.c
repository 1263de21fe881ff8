#include "tests/interleave/marks.h"

#include <stdbool.h>
#include <string.h>

#include "core/bounds.h"
#include "core/marks.h"
#include "core/prng.h"
#include "tests/interleave/threads.h"

#define LOOP 0 /* the thread that takes marks; the others put them */
#define THREAD_COUNT 3
#define SLOT_COUNT 3 /* of one value each */
#define PUTS_MAX 6
#define CAPACITY_BITS_MAX 4 /* of the ring; from 1, so that it is often full */
#define THREAD_SHIFT 16     /* of a mark: who put it, above how many it had put before */

struct trial {
    struct gkv_marks marks;
    struct gkv_prng prng[THREAD_COUNT];
    gkv_word values[SLOT_COUNT]; /* in place of a store: greater than all before */
    gkv_word wakes;              /* in place of what the system wakes the loop by */
    gkv_word done[THREAD_COUNT];
    uint64_t clock;
    uint64_t sent[SLOT_COUNT];
    uint64_t taken[THREAD_COUNT]; /* a bit for the number of each mark of a thread */
    uint32_t taken_count;
    const char *failure;
};

static _Alignas(GKV_ARENA_ALIGN) uint8_t memory[8192];

static void fail(struct trial *trial, const char *failure)
{
    trial->failure = trial->failure == NULL ? failure : trial->failure;
}

/* A slot's value only ever grows, as versions of a key do. */
static void write_value(gkv_word *value, uint64_t version)
{
    uint64_t held = gkv_word_load(value);
    while (held < version && !gkv_word_exchange(value, &held, version)) {
    }
}

static void put_some(struct trial *trial, uint32_t thread)
{
    struct gkv_prng *prng = &trial->prng[thread];
    const uint64_t count = 1 + gkv_prng_below(prng, PUTS_MAX);
    for (uint64_t i = 1; i <= count; i++) {
        const uint64_t slot = gkv_prng_below(prng, SLOT_COUNT);
        write_value(&trial->values[slot], ++trial->clock);
        const uint64_t who = (uint64_t)thread << THREAD_SHIFT | i;
        if (gkv_marks_put(&trial->marks, thread, slot << (64 - GKV_SLOT_BITS) | who)) {
            gkv_word_store_release(&trial->wakes, 1);
        }
    }
    gkv_word_store_release(&trial->done[thread], 1);
}

static void send_slot(struct trial *trial, uint64_t slot)
{
    const uint64_t value = gkv_word_load(&trial->values[slot]);
    trial->sent[slot] = value > trial->sent[slot] ? value : trial->sent[slot];
}

static void take_mark(struct trial *trial, uint64_t mark)
{
    const uint64_t slot = mark >> (64 - GKV_SLOT_BITS);
    const uint64_t thread = mark >> THREAD_SHIFT & 0xFF;
    const uint64_t number = mark & ((1 << THREAD_SHIFT) - 1);
    if (slot >= SLOT_COUNT || thread == LOOP || thread >= THREAD_COUNT) {
        fail(trial, "a mark that nobody put");
        return;
    }
    if (number > PUTS_MAX || (trial->taken[thread] >> number & 1) != 0) {
        fail(trial, "a mark comes twice");
    }
    trial->taken[thread] |= UINT64_C(1) << (number & 63);
    trial->taken_count++;
    send_slot(trial, slot);
    gkv_marks_drop(&trial->marks);
}

/* All at once: whoever does not care which they are looks at everything. */
static void drop_all(struct trial *trial)
{
    trial->taken_count += (uint32_t)gkv_marks_drop_all(&trial->marks);
    for (uint32_t slot = 0; slot < SLOT_COUNT; slot++) {
        send_slot(trial, slot);
    }
}

static void take_all(struct trial *trial)
{
    uint64_t mark;
    if (gkv_prng_below(&trial->prng[LOOP], 4) == 0) {
        drop_all(trial);
    }
    while (trial->failure == NULL && gkv_marks_first(&trial->marks, &mark)) {
        take_mark(trial, mark);
    }
    uint32_t slot = gkv_marks_take_dirty(&trial->marks, 0);
    for (; slot < GKV_SLOT_COUNT; slot = gkv_marks_take_dirty(&trial->marks, slot + 1)) {
        send_slot(trial, slot);
    }
}

static bool is_all_put(const struct trial *trial)
{
    bool is_over = true;
    for (uint32_t i = LOOP + 1; i < THREAD_COUNT; i++) {
        is_over = is_over && gkv_word_load_acquire(&trial->done[i]) != 0;
    }
    return is_over;
}

/* The loop: take what there is, sleep when there is nothing, go on when it is woken. */
static void loop(struct trial *trial)
{
    bool is_over = false;
    while (!is_over && trial->failure == NULL) {
        is_over = is_all_put(trial);
        take_all(trial);
        if (!gkv_marks_sleep(&trial->marks)) {
            gkv_pause(); /* a mark is being written */
            continue;
        }
        while (gkv_word_load_acquire(&trial->wakes) == 0 && !is_over) {
            is_over = is_all_put(trial);
            gkv_pause();
        }
        if (gkv_word_load_acquire(&trial->wakes) == 0 && !gkv_marks_is_asleep(&trial->marks)) {
            fail(trial, "a mark was put, and the loop sleeps on");
        }
        is_over = is_over && gkv_word_load_acquire(&trial->wakes) == 0;
        gkv_word_store(&trial->wakes, 0);
    }
}

static void operate(void *context, uint32_t thread)
{
    struct trial *trial = context;
    if (thread == LOOP) {
        loop(trial);
    } else {
        put_some(trial, thread);
    }
}

/* The loop has ended, asleep or not: what dirty slots it had not met are met now. */
static void check_end(struct trial *trial)
{
    take_all(trial);
    const struct gkv_marks_stats stats = gkv_marks_stats(&trial->marks);
    if (stats.mark_count != trial->taken_count) {
        fail(trial, "a mark is lost");
    }
    for (uint32_t slot = 0; slot < SLOT_COUNT; slot++) {
        if (trial->sent[slot] != gkv_word_load(&trial->values[slot])) {
            fail(trial, "what was written last was not sent");
        }
    }
}

const char *interleave_marks_trial(uint64_t seed, uint64_t *steps_out)
{
    static struct trial trial;
    struct gkv_prng prng;
    memset(&trial, 0, sizeof(trial));
    gkv_prng_init(&prng, seed, 29);
    struct gkv_arena arena = gkv_arena_over(memory, sizeof(memory));
    const uint64_t capacity_bits = gkv_prng_below(&prng, CAPACITY_BITS_MAX);
    const uint64_t lane_bits = gkv_prng_below(&prng, capacity_bits < 2 ? capacity_bits + 1 : 3);
    gkv_marks_init(&trial.marks, &arena,
                   (struct gkv_marks_shape){UINT64_C(1) << capacity_bits, 1u << lane_bits});
    for (uint32_t i = 0; i < THREAD_COUNT; i++) {
        gkv_prng_init(&trial.prng[i], seed, 22 + i);
    }
    const struct interleave_plan plan = {
        .seed = seed,
        .thread_count = THREAD_COUNT,
        .change_count = (uint32_t)gkv_prng_below(&prng, 6),
        .step_count = 32u << gkv_prng_below(&prng, 4),
    };
    *steps_out = interleave_run(&plan, operate, &trial);
    check_end(&trial);
    return trial.failure;
}
