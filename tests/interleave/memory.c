#include "tests/interleave/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/prng.h"
#include "tests/interleave/threads.h"

struct clock {
    uint32_t stores[INTERLEAVE_THREADS];
};

struct value {
    uint64_t value;
    int thread;      /* -1: from before the run */
    uint32_t number; /* of its thread's stores */
    struct clock released;
};

struct word {
    const uint64_t *at;
    uint32_t run;
    uint32_t newest; /* the number of the newest value; `values` is a ring of the last ones */
    uint32_t seen[INTERLEAVE_THREADS];
    struct value values[INTERLEAVE_HISTORY];
};

static struct word words[INTERLEAVE_WORDS];
static uint32_t run;
static struct gkv_prng prng;
static struct clock known[INTERLEAVE_THREADS];  /* happened before what the thread does next */
static struct clock heard[INTERLEAVE_THREADS];  /* known after its next acquire fence */
static struct clock fenced[INTERLEAVE_THREADS]; /* known at its last release fence */

void interleave_memory_begin(uint64_t seed)
{
    run++;
    gkv_prng_init(&prng, seed, 1);
    memset(known, 0, sizeof(known));
    memset(heard, 0, sizeof(heard));
    memset(fenced, 0, sizeof(fenced));
}

static void learn(struct clock *clock, const struct clock *other)
{
    for (uint32_t i = 0; i < INTERLEAVE_THREADS; i++) {
        if (clock->stores[i] < other->stores[i]) {
            clock->stores[i] = other->stores[i];
        }
    }
}

static struct word *word_at(const uint64_t *at)
{
    uint32_t i = (uint32_t)((uintptr_t)at / 8 * UINT64_C(0x9E3779B97F4A7C15) >> 40);
    for (uint32_t turn = 0; turn < INTERLEAVE_WORDS; turn++, i++) {
        struct word *word = &words[i % INTERLEAVE_WORDS];
        if (word->run != run) {
            *word = (struct word){.at = at, .run = run};
            word->values[0] = (struct value){.value = *at, .thread = -1};
            return word;
        }
        if (word->at == at) {
            return word;
        }
    }
    fprintf(stderr, "interleave: a run touches over %d words\n", INTERLEAVE_WORDS);
    exit(2);
}

static struct value *value_at(struct word *word, uint32_t number)
{
    return &word->values[number % INTERLEAVE_HISTORY];
}

static bool is_known(const struct value *value, int self)
{
    return value->thread < 0 || value->thread == self ||
           value->number <= known[self].stores[value->thread];
}

/* The oldest value that `self` may still read. */
static uint32_t oldest_for(struct word *word, int self)
{
    uint32_t number = word->newest;
    const uint32_t kept =
        word->newest >= INTERLEAVE_HISTORY ? word->newest - INTERLEAVE_HISTORY + 1 : 0;
    while (number > kept && number > word->seen[self] && !is_known(value_at(word, number), self)) {
        number--;
    }
    return number;
}

static uint64_t read(struct word *word, uint32_t number, enum interleave_order order)
{
    const int self = interleave_self();
    const struct value *value = value_at(word, number);
    word->seen[self] = number;
    learn(order == INTERLEAVE_ACQUIRE ? &known[self] : &heard[self], &value->released);
    learn(&heard[self], &value->released);
    return value->value;
}

uint64_t interleave_load(const uint64_t *at, enum interleave_order order)
{
    const int self = interleave_self();
    if (self < 0) {
        return *at;
    }
    interleave_step();
    struct word *word = word_at(at);
    const uint32_t oldest = oldest_for(word, self);
    uint32_t number = word->newest;
    if (number > oldest && gkv_prng_below(&prng, 2) == 0) {
        number = oldest + (uint32_t)gkv_prng_below(&prng, number - oldest + 1);
    }
    return read(word, number, order);
}

static void write(struct word *word, uint64_t *at, uint64_t value, enum interleave_order order,
                  bool is_change)
{
    const int self = interleave_self();
    const struct clock before = value_at(word, word->newest)->released;
    known[self].stores[self]++;
    struct value stored = {.value = value, .thread = self, .number = known[self].stores[self]};
    stored.released = order == INTERLEAVE_RELEASE ? known[self] : fenced[self];
    if (is_change) {
        learn(&stored.released, &before); /* a release sequence goes on */
    }
    word->newest++;
    word->seen[self] = word->newest;
    *value_at(word, word->newest) = stored;
    *at = value;
}

void interleave_store(uint64_t *at, uint64_t value, enum interleave_order order)
{
    if (interleave_self() >= 0) {
        interleave_step();
    }
    interleave_store_half(at, value, order);
}

uint64_t interleave_newest(const uint64_t *at)
{
    if (interleave_self() >= 0) {
        interleave_step();
    }
    return *at;
}

void interleave_store_half(uint64_t *at, uint64_t value, enum interleave_order order)
{
    if (interleave_self() < 0) {
        *at = value;
        return;
    }
    write(word_at(at), at, value, order, false);
}

uint64_t interleave_begin_change(uint64_t *at, enum interleave_order order)
{
    if (interleave_self() < 0) {
        return *at;
    }
    interleave_step();
    struct word *word = word_at(at);
    return read(word, word->newest, order);
}

void interleave_end_change(uint64_t *at, uint64_t value, enum interleave_order order)
{
    if (interleave_self() < 0) {
        *at = value;
        return;
    }
    write(word_at(at), at, value, order, true);
}

void interleave_fence(enum interleave_order order)
{
    const int self = interleave_self();
    if (self >= 0 && order == INTERLEAVE_ACQUIRE) {
        learn(&known[self], &heard[self]);
    } else if (self >= 0) {
        fenced[self] = known[self];
    }
}

void interleave_pause(void)
{
    if (interleave_self() >= 0) {
        interleave_wait();
    }
}
