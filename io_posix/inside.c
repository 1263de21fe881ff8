#include "io_posix/inside.h"

#include <pthread.h>
#include <time.h>

#include "core/panic.h"
#include "core/types.h"

_Static_assert(sizeof(struct gkv_inside) == GKV_INSIDE_COUNT * GKV_INSIDE_LINE_BYTES,
               "a cache line each");

/* What names a thread is a pointer or a number; two threads may have the same place. */
static _Atomic uint64_t *count_of(struct gkv_inside *inside)
{
    const uint64_t hash = (uint64_t)(uintptr_t)pthread_self() * UINT64_C(0x9E3779B97F4A7C15);
    return &inside->places[(hash >> 32) % GKV_INSIDE_COUNT].caller_count;
}

void gkv_inside_enter(struct gkv_inside *inside)
{
    (void)atomic_fetch_add(count_of(inside), 1);
}

void gkv_inside_exit(struct gkv_inside *inside)
{
    const uint64_t before = atomic_fetch_sub(count_of(inside), 1);
    GKV_ASSERT(before > 0);
}

static uint64_t caller_count(struct gkv_inside *inside)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < GKV_INSIDE_COUNT; i++) {
        sum += atomic_load(&inside->places[i].caller_count);
    }
    return sum;
}

void gkv_inside_wait(struct gkv_inside *inside)
{
    const struct timespec moment = {.tv_nsec = GKV_NS_PER_MS};
    while (caller_count(inside) > 0) {
        (void)nanosleep(&moment, NULL);
    }
}
