/* Lays the caller's memory out, once.
 *
 * Model     One function of each module walks its layout; run first on a counting arena it gives
 *           the size, run again on a real one it gives the addresses, so that the sum and the
 *           carving cannot disagree.
 * Bounds    O(1) per call; no free.
 * Invariant Every block is aligned to GKV_ARENA_ALIGN and zeroed by gkv_arena_carve on a real
 *           arena.
 * Not here  Pointers inside the block: state keeps self-relative offsets (gkv_offset_to), so that a
 *           node can be copied by memcpy.
 */
#ifndef GKV_CORE_ARENA_H
#define GKV_CORE_ARENA_H

#include <stddef.h>
#include <stdint.h>

#define GKV_ARENA_ALIGN 64 /* a cache line */

struct gkv_arena {
    uint8_t *base; /* NULL: counting only */
    size_t bytes;  /* capacity; ignored when counting */
    size_t used;
};

/* Count: no memory behind it. */
struct gkv_arena gkv_arena_counting(void);

/* Lay out `bytes` bytes at memory, which must be aligned to GKV_ARENA_ALIGN. */
struct gkv_arena gkv_arena_over(void *memory, size_t bytes);

/* Return count * size zeroed bytes, or NULL when counting. Asserts that they fit: the caller has
 * been told the size by a counting walk over the same function. */
void *gkv_arena_carve(struct gkv_arena *arena, size_t count, size_t size);

/* The same, but not zeroed: for large pools that are written before they are read, so that memory
 * that is never used is never touched and need not be resident. */
void *gkv_arena_reserve(struct gkv_arena *arena, size_t count, size_t size);

/* The distance from `self` to `target`, both in one block; 0 when target is NULL (counting). */
static inline ptrdiff_t gkv_offset_to(const void *self, const void *target)
{
    return target == NULL ? 0 : (const uint8_t *)target - (const uint8_t *)self;
}

/* What lies `offset` bytes from `self`. */
static inline void *gkv_at(const void *self, ptrdiff_t offset)
{
    return (void *)((uintptr_t)self + (uintptr_t)offset);
}

#endif
