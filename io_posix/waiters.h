/* Callers that wait for the node's thread, and how it wakes them: those whose answers came
 * together, together, when it has nothing else to do first.
 *
 *   open_count > 0 -> 0 [end]   by the node's thread, once per thing that is waited for
 *
 * Model     What a caller waits for is a number on its stack, and whether it sleeps is the number's
 *           lowest bit: who takes it to 0 knows at once whether somebody is to be woken. They sleep
 *           at one of a few places, each a mutex and a condition, chosen by thread; who shares one
 *           is woken with the others and looks.
 * Bounds    GKV_WAITERS_PLACE_COUNT places; no allocation. A wake costs a system call per place.
 * Invariant Once a caller has seen its number at 0, nobody touches it any more.
 * Threads   gkv_waiter_*: as said below. Init and destroy: alone.
 */
#ifndef GKV_IO_POSIX_WAITERS_H
#define GKV_IO_POSIX_WAITERS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "core/error.h"

#define GKV_WAITERS_PLACE_COUNT 16

struct gkv_waiters {
    struct {
        pthread_mutex_t mutex;
        pthread_cond_t condition;
    } places[GKV_WAITERS_PLACE_COUNT];
    uint32_t due; /* the node's thread: a bit per place where somebody's answer has come */
};

struct gkv_waiter {
    _Atomic uint32_t state; /* | how many answers are still to come, 31 bits | it sleeps | */
    uint32_t place;
};

/* GKV_ERROR_SYSTEM  nothing was made. */
GKV_MUST_USE enum gkv_error gkv_waiters_init(struct gkv_waiters *waiters);
void gkv_waiters_destroy(struct gkv_waiters *waiters);

/* The caller: it is going to wait for nothing so far. */
void gkv_waiter_init(struct gkv_waiter *waiter);

/* The caller: for one answer more, or for one less after all. */
void gkv_waiter_begin(struct gkv_waiter *waiter);
void gkv_waiter_abandon(struct gkv_waiter *waiter);

/* The caller: sleep until all have come. */
void gkv_waiter_wait(struct gkv_waiters *waiters, struct gkv_waiter *waiter);

/* The node's thread: an answer has come. The waiter may be gone when this returns. */
void gkv_waiter_end(struct gkv_waiters *waiters, struct gkv_waiter *waiter);

/* The node's thread: wake those whose last answer has come. */
void gkv_waiters_wake(struct gkv_waiters *waiters);

#endif
