#include "io_posix/loop.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "core/panic.h"
#include "core/types.h"
#include "io_posix/system.h"

#define TOKEN_WAKE UINT64_MAX
#define TIMEOUT_MS_MAX 60000

static uint32_t epoll_events_of(uint32_t interest)
{
    return ((interest & GKV_LOOP_READ) != 0 ? (uint32_t)EPOLLIN : 0u) |
           ((interest & GKV_LOOP_WRITE) != 0 ? (uint32_t)EPOLLOUT : 0u);
}

/* EPOLLERR and EPOLLHUP come unasked; EPOLLHUP means that both directions have ended. */
static uint32_t events_of_epoll(uint32_t events)
{
    return ((events & EPOLLIN) != 0 ? GKV_LOOP_READ : 0u) |
           ((events & EPOLLOUT) != 0 ? GKV_LOOP_WRITE : 0u) |
           ((events & (EPOLLERR | EPOLLHUP)) != 0 ? GKV_LOOP_CLOSED : 0u);
}

enum gkv_error gkv_loop_open(struct gkv_loop *loop)
{
    *loop = (struct gkv_loop){.queue_fd = gkv_system->epoll_create1(EPOLL_CLOEXEC),
                              .wake_fd = gkv_system->eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    if (loop->queue_fd >= 0 && loop->wake_fd >= 0) {
        struct epoll_event event = {.events = EPOLLIN, .data = {.u64 = TOKEN_WAKE}};
        if (gkv_system->epoll_ctl(loop->queue_fd, EPOLL_CTL_ADD, loop->wake_fd, &event) == 0) {
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
    if (loop->wake_fd >= 0) {
        (void)gkv_system->close(loop->wake_fd);
    }
    *loop = (struct gkv_loop){.queue_fd = -1, .wake_fd = -1};
}

enum gkv_error gkv_loop_watch(struct gkv_loop *loop, struct gkv_watch *watch, uint32_t interest)
{
    GKV_ASSERT(watch->fd >= 0);
    GKV_ASSERT(watch->token != TOKEN_WAKE);
    GKV_ASSERT((interest & ~(GKV_LOOP_READ | GKV_LOOP_WRITE)) == 0);

    if (interest == watch->interest) {
        return GKV_OK;
    }
    struct epoll_event event = {.events = epoll_events_of(interest), .data = {.u64 = watch->token}};
    const int change = watch->interest == 0 ? EPOLL_CTL_ADD
                       : interest == 0      ? EPOLL_CTL_DEL
                                            : EPOLL_CTL_MOD;
    if (gkv_system->epoll_ctl(loop->queue_fd, change, watch->fd, &event) != 0) {
        return GKV_ERROR_SYSTEM;
    }
    watch->interest = interest;
    return GKV_OK;
}

/* Rounded up, so that a deadline under a millisecond away is not met by turning without a pause. */
static int timeout_ms_of(uint64_t timeout_ns)
{
    if (timeout_ns >= TIMEOUT_MS_MAX * GKV_NS_PER_MS) {
        return TIMEOUT_MS_MAX;
    }
    return (int)((timeout_ns + GKV_NS_PER_MS - 1) / GKV_NS_PER_MS);
}

uint32_t gkv_loop_wait(struct gkv_loop *loop, uint64_t timeout_ns, struct gkv_ready *ready_out)
{
    struct epoll_event events[GKV_LOOP_READY_COUNT_MAX];
    const int count = gkv_system->epoll_wait(loop->queue_fd, events, GKV_LOOP_READY_COUNT_MAX,
                                             timeout_ms_of(timeout_ns));
    uint32_t ready_count = 0;
    loop->was_woken = false;
    for (int i = 0; i < count; i++) {
        const uint64_t token = events[i].data.u64;
        if (token == TOKEN_WAKE) {
            uint64_t wakes = 0;
            (void)!gkv_system->read(loop->wake_fd, &wakes, sizeof(wakes));
            loop->was_woken = true;
            continue;
        }
        ready_out[ready_count++] = (struct gkv_ready){
            .token = token,
            .events = events_of_epoll(events[i].events),
        };
    }
    return ready_count;
}

void gkv_loop_wake(struct gkv_loop *loop)
{
    /* It can only fail when the counter is full, and then the loop is awake as it is. */
    const uint64_t one = 1;
    while (gkv_system->write(loop->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR) {
    }
}
