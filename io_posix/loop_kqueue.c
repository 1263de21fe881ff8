#include "io_posix/loop.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/event.h>
#include <time.h>

#include "core/panic.h"
#include "core/types.h"
#include "io_posix/system.h"

#define WAKE_IDENT 0
#define TIMEOUT_NS_MAX (UINT64_C(60000) * GKV_NS_PER_MS)

/* udata carries the token, so a pointer must be able to hold it. */
_Static_assert(sizeof(void *) >= sizeof(uint64_t), "tokens need 64-bit pointers");

static bool apply(struct gkv_loop *loop, const struct kevent *changes, int count)
{
    int result = gkv_system->kevent(loop->queue_fd, changes, count, NULL, 0, NULL);
    while (result < 0 && errno == EINTR) {
        result = gkv_system->kevent(loop->queue_fd, changes, count, NULL, 0, NULL);
    }
    return result >= 0;
}

enum gkv_error gkv_loop_open(struct gkv_loop *loop)
{
    *loop = (struct gkv_loop){.queue_fd = gkv_system->kqueue(), .wake_fd = -1};
    if (loop->queue_fd >= 0) {
        struct kevent wake;
        EV_SET(&wake, WAKE_IDENT, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, NULL);
        if (apply(loop, &wake, 1)) {
            return GKV_OK;
        }
    }
    gkv_loop_close(loop);
    return GKV_ERROR_SYSTEM;
}

void gkv_loop_close(struct gkv_loop *loop)
{
    if (loop->queue_fd >= 0) {
        (void)gkv_system->close(loop->queue_fd);
    }
    *loop = (struct gkv_loop){.queue_fd = -1, .wake_fd = -1};
}

enum gkv_error gkv_loop_watch(struct gkv_loop *loop, struct gkv_watch *watch, uint32_t interest)
{
    GKV_ASSERT(watch->fd >= 0);
    GKV_ASSERT((interest & ~(GKV_LOOP_READ | GKV_LOOP_WRITE)) == 0);

    /* Here reading and writing are two filters, each added or deleted by itself. */
    const struct {
        uint32_t flag;
        short filter;
    } filters[2] = {{GKV_LOOP_READ, EVFILT_READ}, {GKV_LOOP_WRITE, EVFILT_WRITE}};
    struct kevent changes[2];
    int count = 0;
    for (int i = 0; i < 2; i++) {
        const bool was = (watch->interest & filters[i].flag) != 0;
        const bool is = (interest & filters[i].flag) != 0;
        if (was != is) {
            EV_SET(&changes[count], (uintptr_t)watch->fd, filters[i].filter,
                   is ? EV_ADD : EV_DELETE, 0, 0, (void *)(uintptr_t)watch->token);
            count++;
        }
    }
    if (count > 0 && !apply(loop, changes, count)) {
        return GKV_ERROR_SYSTEM;
    }
    watch->interest = interest;
    return GKV_OK;
}

/* EV_EOF on the read filter leaves bytes to be read, and the read then tells the end. On the write
 * filter nobody will read what we send: the stream is over. A refused connect reports EV_EOF with
 * its errno in fflags; on some systems (libkqueue) SO_ERROR is empty by then, so fflags is what
 * counts. */
static struct gkv_ready ready_of(const struct kevent *event)
{
    struct gkv_ready ready = {.token = (uint64_t)(uintptr_t)event->udata};
    ready.events = event->filter == EVFILT_READ ? GKV_LOOP_READ : GKV_LOOP_WRITE;
    if ((event->flags & EV_ERROR) != 0) {
        ready.events |= GKV_LOOP_CLOSED;
        ready.error = (int)event->data;
    } else if ((event->flags & EV_EOF) != 0 && event->filter == EVFILT_WRITE) {
        ready.events |= GKV_LOOP_CLOSED;
        ready.error = (int)event->fflags;
    }
    return ready;
}

uint32_t gkv_loop_wait(struct gkv_loop *loop, uint64_t timeout_ns, struct gkv_ready *ready_out)
{
    const uint64_t bounded_ns = timeout_ns < TIMEOUT_NS_MAX ? timeout_ns : TIMEOUT_NS_MAX;
    const struct timespec timeout = {
        .tv_sec = (time_t)(bounded_ns / (1000 * GKV_NS_PER_MS)),
        .tv_nsec = (long)(bounded_ns % (1000 * GKV_NS_PER_MS)),
    };
    /* Half as many as may be reported: 32 bytes each on this stack. */
    struct kevent events[GKV_LOOP_READY_COUNT_MAX / 2];
    const int count =
        gkv_system->kevent(loop->queue_fd, NULL, 0, events, GKV_LOOP_READY_COUNT_MAX / 2, &timeout);
    uint32_t ready_count = 0;
    loop->was_woken = false;
    for (int i = 0; i < count; i++) {
        if (events[i].filter == EVFILT_USER) {
            loop->was_woken = true;
        } else {
            ready_out[ready_count++] = ready_of(&events[i]);
        }
    }
    return ready_count;
}

void gkv_loop_wake(struct gkv_loop *loop)
{
    struct kevent wake;
    EV_SET(&wake, WAKE_IDENT, EVFILT_USER, 0, NOTE_TRIGGER, 0, NULL);
    (void)apply(loop, &wake, 1);
}
