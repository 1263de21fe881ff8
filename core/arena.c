#include "core/arena.h"

#include <string.h>

#include "core/panic.h"

struct gkv_arena gkv_arena_counting(void)
{
    return (struct gkv_arena){.base = NULL, .bytes = SIZE_MAX, .used = 0};
}

struct gkv_arena gkv_arena_over(void *memory, size_t bytes)
{
    GKV_ASSERT(memory != NULL);
    GKV_ASSERT((uintptr_t)memory % GKV_ARENA_ALIGN == 0);
    return (struct gkv_arena){.base = memory, .bytes = bytes, .used = 0};
}

void *gkv_arena_reserve(struct gkv_arena *arena, size_t count, size_t size)
{
    /* Options bound every count and size far below this; a wrap here would be our own mistake. */
    GKV_ASSERT(size > 0);
    GKV_ASSERT(count <= (SIZE_MAX / 4) / size);
    const size_t bytes = (count * size + GKV_ARENA_ALIGN - 1) / GKV_ARENA_ALIGN * GKV_ARENA_ALIGN;

    GKV_ASSERT(bytes <= arena->bytes - arena->used);
    void *block = arena->base == NULL ? NULL : arena->base + arena->used;
    arena->used += bytes;
    return block;
}

void *gkv_arena_carve(struct gkv_arena *arena, size_t count, size_t size)
{
    void *block = gkv_arena_reserve(arena, count, size);
    if (block != NULL) {
        memset(block, 0, count * size);
    }
    return block;
}
