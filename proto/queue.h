/* First in, first out, bounded: what an endpoint has to tell its shim or to go on with.
 *
 * Bounds    `capacity` items; the caller knows why that is enough.
 */
#ifndef GKV_PROTO_QUEUE_H
#define GKV_PROTO_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/types.h"
#include "proto/stream.h"

/* What is filled depends on the queue; the rest is zero. */
struct gkv_item {
    uint32_t kind; /* enum gkv_output_kind */
    struct gkv_stream stream;
    struct gkv_address address;
};

struct gkv_queue {
    ptrdiff_t item_offset;
    uint32_t capacity;
    uint32_t first;
    uint32_t count;
};

void gkv_queue_init(struct gkv_queue *queue, struct gkv_arena *arena, uint32_t capacity);

/* Append a copy. Asserts that there is room. */
void gkv_queue_add(struct gkv_queue *queue, const struct gkv_item *item);

/* Take the oldest: true and a copy, or false when there is none. */
bool gkv_queue_take(struct gkv_queue *queue, struct gkv_item *item_out);

#endif
