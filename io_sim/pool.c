#include "io_sim/pool.h"

#include <stdint.h>
#include <stdlib.h>

#include "core/arena.h"
#include "core/panic.h"

/* What lies before a block:
 *
 *   | up to GKV_ARENA_ALIGN | head | up to GKV_ARENA_ALIGN | block |
 *   ^ allocation                                           ^ aligned
 */
struct head {
    void *allocation;
    size_t bytes; /* of the block */
    size_t is_taken;
};

_Static_assert(sizeof(struct head) <= GKV_ARENA_ALIGN, "a head fits before a block");

#define WASTE_FACTOR 4 /* a block more than so many times too large is left to who needs it */

struct pool {
    struct head *kept[GKV_POOL_BLOCK_COUNT];
    size_t kept_count;
};

/* The one thing in io_sim that outlives a world. */
static struct pool *the_pool(void)
{
    static struct pool pool;
    return &pool;
}

/* The smallest block that fits and is not far too large; kept_count when there is none. */
static size_t find(const struct pool *pool, size_t bytes)
{
    size_t best = pool->kept_count;
    for (size_t i = 0; i < pool->kept_count; i++) {
        const size_t has = pool->kept[i]->bytes;
        if (has >= bytes && has / WASTE_FACTOR <= bytes &&
            (best == pool->kept_count || has < pool->kept[best]->bytes)) {
            best = i;
        }
    }
    return best;
}

static struct head *allocate(size_t bytes)
{
    uint8_t *allocation = malloc(bytes + 2 * GKV_ARENA_ALIGN);
    if (allocation == NULL) {
        return NULL;
    }
    const size_t past = (uintptr_t)allocation % GKV_ARENA_ALIGN;
    struct head *head = (struct head *)(void *)(allocation + (GKV_ARENA_ALIGN - past));
    *head = (struct head){.allocation = allocation, .bytes = bytes};
    return head;
}

void *gkv_pool_take(size_t bytes)
{
    struct pool *pool = the_pool();
    GKV_ASSERT(bytes <= SIZE_MAX / 2);
    const size_t found = find(pool, bytes);
    struct head *head = NULL;
    if (found < pool->kept_count) {
        head = pool->kept[found];
        pool->kept[found] = pool->kept[--pool->kept_count];
    } else {
        head = allocate(bytes);
    }
    if (head == NULL) {
        return NULL;
    }
    GKV_ASSERT(head->is_taken == 0);
    head->is_taken = 1;
    return (uint8_t *)head + GKV_ARENA_ALIGN;
}

void gkv_pool_give(void *block)
{
    struct pool *pool = the_pool();
    if (block == NULL) {
        return;
    }
    struct head *head = (struct head *)(void *)((uint8_t *)block - GKV_ARENA_ALIGN);
    GKV_ASSERT(head->is_taken == 1);
    head->is_taken = 0;
    if (pool->kept_count == GKV_POOL_BLOCK_COUNT) {
        free(head->allocation);
        return;
    }
    pool->kept[pool->kept_count++] = head;
}
