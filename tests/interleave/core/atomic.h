/* Stands in for core/atomic.h where the store is tested on a made-up memory: the same operations,
 * each a place where another thread may go on, on words that remember what they held. */
#ifndef GKV_CORE_ATOMIC_H
#define GKV_CORE_ATOMIC_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/interleave/memory.h"

#define GKV_WORDS_ONE_BY_ONE
#define GKV_INLINE static inline
#define GKV_APART

typedef uint32_t gkv_atomic_u32;
typedef uint64_t gkv_word;

static inline uint64_t gkv_word_load(const gkv_word *word)
{
    return interleave_load(word, INTERLEAVE_RELAXED);
}

static inline void gkv_word_store(gkv_word *word, uint64_t value)
{
    interleave_store(word, value, INTERLEAVE_RELAXED);
}

static inline uint64_t gkv_word_add(gkv_word *word, uint64_t value)
{
    const uint64_t before = interleave_begin_change(word, INTERLEAVE_RELAXED);
    interleave_end_change(word, before + value, INTERLEAVE_RELAXED);
    return before;
}

static inline uint64_t gkv_word_load_acquire(const gkv_word *word)
{
    return interleave_load(word, INTERLEAVE_ACQUIRE);
}

static inline void gkv_word_store_release(gkv_word *word, uint64_t value)
{
    interleave_store(word, value, INTERLEAVE_RELEASE);
}

static inline bool gkv_word_exchange(gkv_word *word, uint64_t *from, uint64_t to)
{
    const uint64_t before = interleave_begin_change(word, INTERLEAVE_RELAXED);
    const bool is_from = before == *from;
    if (is_from) {
        interleave_end_change(word, to, INTERLEAVE_RELAXED);
    }
    *from = before;
    return is_from;
}

static inline uint64_t gkv_word_or(gkv_word *word, uint64_t bits)
{
    const uint64_t before = interleave_begin_change(word, INTERLEAVE_ACQUIRE);
    interleave_end_change(word, before | bits, INTERLEAVE_RELEASE);
    return before;
}

static inline void gkv_word_and(gkv_word *word, uint64_t bits)
{
    const uint64_t before = interleave_begin_change(word, INTERLEAVE_ACQUIRE);
    interleave_end_change(word, before & bits, INTERLEAVE_RELEASE);
}

/* Two 32-bit numbers share a word of the made-up memory. */
static inline uint64_t *interleave_word_of(const gkv_atomic_u32 *at)
{
    return (uint64_t *)((uintptr_t)at & ~(uintptr_t)7);
}

static inline unsigned interleave_shift_of(const gkv_atomic_u32 *at)
{
    return ((uintptr_t)at & 4) != 0 ? 32 : 0;
}

static inline uint32_t interleave_u32_load(const gkv_atomic_u32 *at, enum interleave_order order)
{
    return (uint32_t)(interleave_load(interleave_word_of(at), order) >> interleave_shift_of(at));
}

static inline uint64_t interleave_u32_in(uint64_t word, const gkv_atomic_u32 *at, uint32_t value)
{
    const unsigned shift = interleave_shift_of(at);
    return (word & ~(UINT64_C(0xffffffff) << shift)) | (uint64_t)value << shift;
}

static inline void interleave_u32_store(gkv_atomic_u32 *at, uint32_t value,
                                        enum interleave_order order)
{
    uint64_t *word = interleave_word_of(at);
    interleave_store_half(word, interleave_u32_in(interleave_newest(word), at, value), order);
}

static inline uint32_t gkv_u32_load(const gkv_atomic_u32 *at)
{
    return interleave_u32_load(at, INTERLEAVE_RELAXED);
}

static inline void gkv_u32_store(gkv_atomic_u32 *at, uint32_t value)
{
    interleave_u32_store(at, value, INTERLEAVE_RELAXED);
}

static inline uint32_t gkv_u32_load_acquire(const gkv_atomic_u32 *at)
{
    return interleave_u32_load(at, INTERLEAVE_ACQUIRE);
}

static inline void gkv_u32_store_release(gkv_atomic_u32 *at, uint32_t value)
{
    interleave_u32_store(at, value, INTERLEAVE_RELEASE);
}

static inline bool gkv_u32_exchange_acquire(gkv_atomic_u32 *at, uint32_t from, uint32_t to)
{
    uint64_t *word = interleave_word_of(at);
    const uint64_t before = interleave_begin_change(word, INTERLEAVE_ACQUIRE);
    const bool is_from = (uint32_t)(before >> interleave_shift_of(at)) == from;
    if (is_from) {
        interleave_end_change(word, interleave_u32_in(before, at, to), INTERLEAVE_RELAXED);
    }
    return is_from;
}

static inline void gkv_fence_acquire(void)
{
    interleave_fence(INTERLEAVE_ACQUIRE);
}

static inline void gkv_fence_release(void)
{
    interleave_fence(INTERLEAVE_RELEASE);
}

static inline void gkv_pause(void)
{
    interleave_pause();
}

#endif
