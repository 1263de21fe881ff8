/* Bytes that live for one step: values copied out of the store, lists of a message under way.
 *
 * Invariant Emptied at the start of every step, so that what an action lends stays valid until the
 *           next one. The node sizes it for the largest step; running out is a bug and asserts, but
 *           for gkv_scratch_room, which callers with a choice ask first.
 */
#ifndef GKV_CORE_SCRATCH_H
#define GKV_CORE_SCRATCH_H

#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"

struct gkv_scratch {
    ptrdiff_t byte_offset;
    size_t capacity_bytes;
    size_t used_bytes;
};

void gkv_scratch_init(struct gkv_scratch *scratch, struct gkv_arena *arena, size_t capacity_bytes);
void gkv_scratch_clear(struct gkv_scratch *scratch);

/* Lend `bytes` bytes, aligned to 16, valid until the next step; not zeroed. */
void *gkv_scratch_take(struct gkv_scratch *scratch, size_t bytes);

/* Take back all but the first `bytes` bytes of what was lent last: for who asked for the most that
 * it might need. */
void gkv_scratch_keep(struct gkv_scratch *scratch, const void *last, size_t bytes);

/* How many bytes gkv_scratch_take could still lend in one piece. */
size_t gkv_scratch_room(const struct gkv_scratch *scratch);

#endif
