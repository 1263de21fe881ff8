#include "core/scratch.h"

#include "core/panic.h"

#define SCRATCH_ALIGN 16

static size_t align(size_t bytes)
{
    return (bytes + SCRATCH_ALIGN - 1) / SCRATCH_ALIGN * SCRATCH_ALIGN;
}

void gkv_scratch_init(struct gkv_scratch *scratch, struct gkv_arena *arena, size_t capacity_bytes)
{
    *scratch = (struct gkv_scratch){.capacity_bytes = capacity_bytes};
    scratch->byte_offset = gkv_offset_to(scratch, gkv_arena_reserve(arena, capacity_bytes, 1));
}

void gkv_scratch_clear(struct gkv_scratch *scratch)
{
    scratch->used_bytes = 0;
}

void *gkv_scratch_take(struct gkv_scratch *scratch, size_t bytes)
{
    GKV_ASSERT(bytes <= gkv_scratch_room(scratch));
    void *taken = gkv_at(scratch, scratch->byte_offset + (ptrdiff_t)scratch->used_bytes);
    scratch->used_bytes += align(bytes);
    return taken;
}

void gkv_scratch_keep(struct gkv_scratch *scratch, const void *last, size_t bytes)
{
    const uint8_t *begin = gkv_at(scratch, scratch->byte_offset);
    const size_t kept_bytes = (size_t)((const uint8_t *)last - begin) + align(bytes);
    GKV_ASSERT(kept_bytes <= scratch->used_bytes);
    scratch->used_bytes = kept_bytes;
}

size_t gkv_scratch_room(const struct gkv_scratch *scratch)
{
    const size_t room = scratch->capacity_bytes > scratch->used_bytes
                            ? scratch->capacity_bytes - scratch->used_bytes
                            : 0;
    return room / SCRATCH_ALIGN * SCRATCH_ALIGN;
}
