/* An operation that its caller carries out itself, in its own thread, when it can.
 *
 * Model     At level EVENTUAL a get of a key that this node owns needs nobody else, and with W = 1
 *           a set or delete neither (core/inplace.h): no mailbox, no wake, no wait. A write wakes
 *           the loop when that sleeps, once or a few times for all that is written until it has
 *           looked.
 * Bounds    No lock, no memory; no system call but the wake. The clock is read where it is needed:
 *           for what was read and has an expiry, and for a write; for one that does not expire, as
 *           of the system's last tick, which is a third of the price, and all that a stamp is to
 *           be near to (docs/decisions/0018).
 * Not here  Everything else goes to the loop: io_posix/gridkv.c.
 */
#ifndef GKV_IO_POSIX_ERRAND_H
#define GKV_IO_POSIX_ERRAND_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/error.h"
#include "core/event.h"
#include "core/inplace.h"
#include "io_posix/clock.h"
#include "io_posix/inside.h"
#include "io_posix/loop.h"

/* What a host shares with the threads that come to it. */
struct gkv_errands {
    struct gkv_inside inside;
    struct gkv_commons commons; /* of the node */
    struct gkv_loop *loop;      /* to be woken */
    _Atomic uint64_t own_self;  /* of the host's own thread, which runs no errands; 0: none */
    atomic_bool is_stopping;
};

struct gkv_errand {
    struct gkv_buffer buffer; /* a get's */
    size_t value_bytes;       /* what it found, with GKV_OK and GKV_ERROR_BUFFER */
    enum gkv_error error;
};

/* A caller that came in. */
struct gkv_visit {
    struct gkv_inside_place *place;
    bool is_welcome; /* else: it is the host's own thread, or the host is about to stop */
};

GKV_INLINE struct gkv_visit gkv_errand_begin(struct gkv_errands *errands)
{
    const uint64_t self = gkv_inside_self();
    struct gkv_inside_place *place = gkv_inside_enter(&errands->inside, self);
    const bool is_welcome = !atomic_load(&errands->is_stopping) &&
                            atomic_load_explicit(&errands->own_self, memory_order_relaxed) != self;
    return (struct gkv_visit){place, is_welcome};
}

GKV_INLINE void gkv_errand_end(struct gkv_visit visit)
{
    gkv_inside_exit(visit.place);
}

/* Has a record with this expiry expired by now? */
bool gkv_errand_is_over(const struct gkv_errands *errands, uint64_t expire_ms);

/* Any thread that came in and is welcome: get a checked key. False: it is for the loop, and nothing
 * has happened, but that the buffer may have been written to. True: errand says what came of it:
 * GKV_OK, GKV_ERROR_NOT_FOUND, GKV_ERROR_BUFFER. */
GKV_INLINE bool gkv_errand_get(struct gkv_errands *errands, struct gkv_key key,
                               struct gkv_errand *errand)
{
    struct gkv_record record;
    const enum gkv_inplace_answer answer =
        gkv_inplace_get(&errands->commons, key, errand->buffer, &record);
    errand->error = GKV_ERROR_NOT_FOUND;
    if (answer == GKV_INPLACE_FOUND &&
        (record.expire_ms == 0 || !gkv_errand_is_over(errands, record.expire_ms))) {
        errand->value_bytes = record.value.count;
        errand->error = record.value.count > errand->buffer.capacity ? GKV_ERROR_BUFFER : GKV_OK;
    }
    return answer != GKV_INPLACE_ASK;
}

/* The same: carry out a SET or DELETE that was checked, of this key. False: it is for the loop, and
 * nothing has happened. */
GKV_INLINE bool gkv_errand_write(struct gkv_errands *errands, const struct gkv_visit *visit,
                                 struct gkv_key key, const struct gkv_operation *operation)
{
    if (!errands->commons.inplace->may_write) {
        return false;
    }
    /* An expiry is told in milliseconds, and looked at in these; a stamp may be less near. */
    const struct gkv_inplace_caller caller = {
        .wall_ms = operation->ttl_ms == 0 ? gkv_clock_tick_ms() : gkv_clock_wall_ms(),
        .lane = atomic_load_explicit(&visit->place->number, memory_order_relaxed)};
    struct gkv_inplace_write write;
    if (!gkv_inplace_write(&errands->commons, caller, key, operation, &write)) {
        return false;
    }
    if (write.wakes) {
        gkv_loop_wake(errands->loop);
    }
    return true;
}

/* Come in, do one of these, go. */
GKV_INLINE bool gkv_errand_run_get(struct gkv_errands *errands, struct gkv_bytes key,
                                   struct gkv_errand *errand)
{
    const struct gkv_visit visit = gkv_errand_begin(errands);
    const bool is_done = visit.is_welcome &&
                         gkv_errand_get(errands, gkv_inplace_key(&errands->commons, key), errand);
    gkv_errand_end(visit);
    return is_done;
}

GKV_INLINE bool gkv_errand_run_write(struct gkv_errands *errands,
                                     const struct gkv_operation *operation)
{
    const struct gkv_visit visit = gkv_errand_begin(errands);
    const bool is_done =
        visit.is_welcome &&
        gkv_errand_write(errands, &visit, gkv_inplace_key(&errands->commons, operation->key),
                         operation);
    gkv_errand_end(visit);
    return is_done;
}

#endif
