/* A made-up memory for made-up threads: what C11 allows, and hardware rarely does.
 *
 * Model     Each word remembers the last values stored to it, in one order. A load may return any
 *           of them that is not behind what its thread knows already: what it has read or stored
 *           there, and what happened before by way of release and acquire, fences included (C11
 *           5.1.2.4 and 7.17.4; views as in Kang et al., "A Promising Semantics for Relaxed-Memory
 *           Concurrency", POPL 2017, without its promises). Knowledge is a vector clock of stores
 *           per thread.
 * Bounds    INTERLEAVE_HISTORY values per word, INTERLEAVE_THREADS threads, of a run of at most
 *           INTERLEAVE_WORDS different words.
 * Not here  Loads that return what is stored later in time. Data that is not atomic: it is what it
 *           is, and ThreadSanitizer looks after it. Who runs next: tests/interleave/threads.h.
 */
#ifndef GKV_TESTS_INTERLEAVE_MEMORY_H
#define GKV_TESTS_INTERLEAVE_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#define INTERLEAVE_THREADS 4
#define INTERLEAVE_HISTORY 4
#define INTERLEAVE_WORDS 65536

enum interleave_order {
    INTERLEAVE_RELAXED,
    INTERLEAVE_ACQUIRE,
    INTERLEAVE_RELEASE
};

/* Forget all that threads know: what the words hold now is what all of them see. */
void interleave_memory_begin(uint64_t seed);

uint64_t interleave_load(const uint64_t *at, enum interleave_order order);
void interleave_store(uint64_t *at, uint64_t value, enum interleave_order order);

/* The newest value, for changing half of a word, and the store of that; between the two no other
 * thread goes on. */
uint64_t interleave_newest(const uint64_t *at);
void interleave_store_half(uint64_t *at, uint64_t value, enum interleave_order order);

/* A change of what was stored last: load it, then store, with no other thread in between. */
uint64_t interleave_begin_change(uint64_t *at, enum interleave_order order);
void interleave_end_change(uint64_t *at, uint64_t value, enum interleave_order order);

void interleave_fence(enum interleave_order order);
void interleave_pause(void);

#endif
