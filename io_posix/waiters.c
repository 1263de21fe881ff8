#include "io_posix/waiters.h"

#include <stdbool.h>

#include "core/panic.h"

#define SLEEPS 1u
#define ONE 2u

_Static_assert(GKV_WAITERS_PLACE_COUNT <= 32, "a place is a bit of `due`");

static void lock(pthread_mutex_t *mutex)
{
    const int error = pthread_mutex_lock(mutex);
    GKV_ASSERT(error == 0);
}

static void unlock(pthread_mutex_t *mutex)
{
    const int error = pthread_mutex_unlock(mutex);
    GKV_ASSERT(error == 0);
}

static void destroy_some(struct gkv_waiters *waiters, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        (void)pthread_cond_destroy(&waiters->places[i].condition);
        (void)pthread_mutex_destroy(&waiters->places[i].mutex);
    }
}

enum gkv_error gkv_waiters_init(struct gkv_waiters *waiters)
{
    waiters->due = 0;
    for (uint32_t i = 0; i < GKV_WAITERS_PLACE_COUNT; i++) {
        const bool has_mutex = pthread_mutex_init(&waiters->places[i].mutex, NULL) == 0;
        if (!has_mutex || pthread_cond_init(&waiters->places[i].condition, NULL) != 0) {
            if (has_mutex) {
                (void)pthread_mutex_destroy(&waiters->places[i].mutex);
            }
            destroy_some(waiters, i);
            return GKV_ERROR_SYSTEM;
        }
    }
    return GKV_OK;
}

void gkv_waiters_destroy(struct gkv_waiters *waiters)
{
    destroy_some(waiters, GKV_WAITERS_PLACE_COUNT);
}

/* What names a thread is a pointer or a number. */
void gkv_waiter_init(struct gkv_waiter *waiter)
{
    const uint64_t hash = (uint64_t)(uintptr_t)pthread_self() * UINT64_C(0x9E3779B97F4A7C15);
    waiter->place = (uint32_t)(hash >> 32) % GKV_WAITERS_PLACE_COUNT;
    atomic_init(&waiter->state, 0);
}

void gkv_waiter_begin(struct gkv_waiter *waiter)
{
    const uint32_t before = atomic_fetch_add(&waiter->state, ONE);
    GKV_ASSERT((before & SLEEPS) == 0);
}

void gkv_waiter_abandon(struct gkv_waiter *waiter)
{
    const uint32_t before = atomic_fetch_sub(&waiter->state, ONE);
    GKV_ASSERT(before >= ONE && (before & SLEEPS) == 0);
}

void gkv_waiter_wait(struct gkv_waiters *waiters, struct gkv_waiter *waiter)
{
    if (atomic_load(&waiter->state) < ONE) {
        return;
    }
    pthread_mutex_t *mutex = &waiters->places[waiter->place].mutex;
    lock(mutex);
    /* From here on the last answer makes a wake due, and that takes the mutex, which is free only
     * while we are listening. */
    (void)atomic_fetch_or(&waiter->state, SLEEPS);
    while (atomic_load(&waiter->state) >= ONE) {
        (void)pthread_cond_wait(&waiters->places[waiter->place].condition, mutex);
    }
    unlock(mutex);
}

void gkv_waiter_end(struct gkv_waiters *waiters, struct gkv_waiter *waiter)
{
    const uint32_t place = waiter->place;
    const uint32_t before = atomic_fetch_sub(&waiter->state, ONE);
    GKV_ASSERT(before >= ONE);
    if (before == (ONE | SLEEPS)) {
        waiters->due |= 1u << place;
    }
}

void gkv_waiters_wake(struct gkv_waiters *waiters)
{
    for (uint32_t i = 0; waiters->due != 0; i++) {
        const uint32_t bit = 1u << i;
        if ((waiters->due & bit) != 0) {
            waiters->due &= ~bit;
            lock(&waiters->places[i].mutex);
            unlock(&waiters->places[i].mutex);
            /* Woken while the mutex is free: else who wakes would sleep again at once. */
            (void)pthread_cond_broadcast(&waiters->places[i].condition);
        }
    }
}
