#include "proto/queue.h"

#include "core/panic.h"

void gkv_queue_init(struct gkv_queue *queue, struct gkv_arena *arena, uint32_t capacity)
{
    *queue = (struct gkv_queue){.capacity = capacity};
    queue->item_offset =
        gkv_offset_to(queue, gkv_arena_reserve(arena, capacity, sizeof(struct gkv_item)));
}

/* A place under twice the capacity, around the end. */
static uint32_t wrapped(const struct gkv_queue *queue, uint32_t place)
{
    return place < queue->capacity ? place : place - queue->capacity;
}

void gkv_queue_add(struct gkv_queue *queue, const struct gkv_item *item)
{
    GKV_ASSERT(queue->count < queue->capacity);
    struct gkv_item *items = gkv_at(queue, queue->item_offset);
    items[wrapped(queue, queue->first + queue->count)] = *item;
    queue->count++;
}

bool gkv_queue_take(struct gkv_queue *queue, struct gkv_item *item_out)
{
    if (queue->count == 0) {
        return false;
    }
    const struct gkv_item *items = gkv_at(queue, queue->item_offset);
    *item_out = items[queue->first];
    queue->first = wrapped(queue, queue->first + 1);
    queue->count--;
    return true;
}
