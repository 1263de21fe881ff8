/* The few atomic operations that threads share the store by.
 *
 * Model     C11 7.17, by name of what they order. Words are loaded and stored relaxed, between
 *           fences: that is how a copy under a sequence lock is no data race (Boehm, "Can Seqlocks
 *           Get Along With Programming Language Memory Models?", MSPC 2012, section 4).
 *           ThreadSanitizer knows no fences; for it each word acquires and releases, which is
 *           more than is needed.
 * Bounds    Nothing here waits, sleeps or calls the system.
 * Not here  The made-up memory that shows what happens when one of these orders too little:
 *           tests/interleave/core/atomic.h, which stands in for this file there.
 */
#ifndef GKV_CORE_ATOMIC_H
#define GKV_CORE_ATOMIC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* For what a get consists of: calls would be a third of its instructions. */
#define GKV_INLINE static inline __attribute__((always_inline))

/* For what it seldom comes to: inlined, it would take the registers of what it mostly comes to. */
#define GKV_APART __attribute__((noinline))

typedef _Atomic uint32_t gkv_atomic_u32;
typedef _Atomic uint64_t gkv_word;

#ifdef __SANITIZE_THREAD__
#define GKV_WORD_LOADS memory_order_acquire
#define GKV_WORD_STORES memory_order_release
#else
#define GKV_WORD_LOADS memory_order_relaxed
#define GKV_WORD_STORES memory_order_relaxed
#endif

static inline uint64_t gkv_word_load(const gkv_word *word)
{
    return atomic_load_explicit(word, GKV_WORD_LOADS);
}

static inline void gkv_word_store(gkv_word *word, uint64_t value)
{
    atomic_store_explicit(word, value, GKV_WORD_STORES);
}

/* Returns what was there before. Relaxed: for sums that nothing else depends on. */
static inline uint64_t gkv_word_add(gkv_word *word, uint64_t value)
{
    return atomic_fetch_add_explicit(word, value, memory_order_relaxed);
}

static inline uint64_t gkv_word_load_acquire(const gkv_word *word)
{
    return atomic_load_explicit(word, memory_order_acquire);
}

static inline void gkv_word_store_release(gkv_word *word, uint64_t value)
{
    atomic_store_explicit(word, value, memory_order_release);
}

/* True when *word was *from and is `to` now; else *from is what it was. Relaxed: the word itself
 * has one order that all threads agree on, and nothing else is told by it. */
static inline bool gkv_word_exchange(gkv_word *word, uint64_t *from, uint64_t to)
{
    return atomic_compare_exchange_strong_explicit(word, from, to, memory_order_relaxed,
                                                   memory_order_relaxed);
}

/* Returns what was there before. */
static inline uint64_t gkv_word_or(gkv_word *word, uint64_t bits)
{
    return atomic_fetch_or_explicit(word, bits, memory_order_seq_cst);
}

static inline void gkv_word_and(gkv_word *word, uint64_t bits)
{
    (void)atomic_fetch_and_explicit(word, bits, memory_order_seq_cst);
}

static inline uint32_t gkv_u32_load(const gkv_atomic_u32 *at)
{
    return atomic_load_explicit(at, GKV_WORD_LOADS);
}

static inline void gkv_u32_store(gkv_atomic_u32 *at, uint32_t value)
{
    atomic_store_explicit(at, value, GKV_WORD_STORES);
}

static inline uint32_t gkv_u32_load_acquire(const gkv_atomic_u32 *at)
{
    return atomic_load_explicit(at, memory_order_acquire);
}

static inline void gkv_u32_store_release(gkv_atomic_u32 *at, uint32_t value)
{
    atomic_store_explicit(at, value, memory_order_release);
}

/* True when *at was `from` and is `to` now. Acquires. */
static inline bool gkv_u32_exchange_acquire(gkv_atomic_u32 *at, uint32_t from, uint32_t to)
{
    return atomic_compare_exchange_strong_explicit(at, &from, to, memory_order_acquire,
                                                   memory_order_relaxed);
}

/* What was loaded before it was loaded before whatever is loaded after it. */
static inline void gkv_fence_acquire(void)
{
#ifndef __SANITIZE_THREAD__
    atomic_thread_fence(memory_order_acquire);
#endif
}

/* What was stored before it is seen by whoever sees what is stored after it. */
static inline void gkv_fence_release(void)
{
#ifndef __SANITIZE_THREAD__
    atomic_thread_fence(memory_order_release);
#endif
}

/* One turn of waiting for another thread's few instructions. */
static inline void gkv_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
    __asm__ volatile("yield");
#endif
}

#endif
