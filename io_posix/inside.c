#include "io_posix/inside.h"

#include <string.h>
#include <time.h>

#include "core/panic.h"
#include "core/types.h"

#if defined(__linux__)
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool ask(int command)
{
    return syscall(SYS_membarrier, command, 0, 0) == 0;
}

static bool register_barrier(void)
{
    return ask(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
}

static void pass_barrier(void)
{
    const bool has_passed = ask(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
    GKV_ASSERT(has_passed);
}
#else
static bool register_barrier(void)
{
    return false;
}

static void pass_barrier(void)
{
}
#endif

_Static_assert(sizeof(struct gkv_inside_place) == GKV_INSIDE_LINE_BYTES, "a cache line each");

void gkv_inside_init(struct gkv_inside *inside)
{
    memset(inside, 0, sizeof(*inside));
    inside->has_barrier = register_barrier();
}

/* The place of a thread, which may be new: its own, or one that nobody has. NULL: there is none
 * within reach. */
static struct gkv_inside_place *find_place(struct gkv_inside *inside, uint64_t self)
{
    for (uint32_t i = 0; i < GKV_INSIDE_REACH; i++) {
        const uint32_t index = (gkv_inside_index(self) + i) % GKV_INSIDE_COUNT;
        struct gkv_inside_place *place = &inside->places[index];
        uint64_t owner = atomic_load(&place->owner);
        if (owner == 0 && atomic_compare_exchange_strong(&place->owner, &owner, self)) {
            atomic_store(&place->number, atomic_fetch_add(&inside->owner_count, 1));
            return place;
        }
        if (owner == self) {
            return place;
        }
    }
    return NULL;
}

struct gkv_inside_place *gkv_inside_enter_elsewhere(struct gkv_inside *inside, uint64_t self)
{
    GKV_ASSERT(self != 0);
    struct gkv_inside_place *place = find_place(inside, self);
    place = place == NULL ? &inside->shared : place;
    (void)atomic_fetch_add(&place->caller_count, 1);
    return place;
}

void gkv_inside_exit_shared(struct gkv_inside_place *place)
{
    const uint64_t before = atomic_fetch_sub(&place->caller_count, 1);
    GKV_ASSERT(before > 0);
}

static uint64_t caller_count(struct gkv_inside *inside)
{
    uint64_t sum = atomic_load(&inside->shared.caller_count);
    for (uint32_t i = 0; i < GKV_INSIDE_COUNT; i++) {
        sum += atomic_load(&inside->places[i].caller_count);
    }
    return sum;
}

void gkv_inside_wait(struct gkv_inside *inside)
{
    if (inside->has_barrier) {
        pass_barrier();
    }
    const struct timespec moment = {.tv_nsec = GKV_NS_PER_MS};
    while (caller_count(inside) > 0) {
        (void)nanosleep(&moment, NULL);
    }
}
