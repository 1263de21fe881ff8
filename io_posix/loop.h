/* Waits for sockets and for other threads. The same five functions on every system; CMake chooses
 * between loop_epoll.c and loop_kqueue.c, so that neither holds an #ifdef.
 *
 * Model     Level-triggered readiness: what was not finished is reported again by the next wait.
 * Bounds    GKV_LOOP_READY_COUNT_MAX reports per wait; no allocation.
 * Invariant A report may be about a socket that was closed earlier in the same batch: the token
 *           must carry enough (a generation) for its owner to see that.
 * Not here  Timers: the caller passes the time left until its next deadline.
 */
#ifndef GKV_IO_POSIX_LOOP_H
#define GKV_IO_POSIX_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "core/error.h"

#define GKV_LOOP_READ 1u   /* there are bytes, an end of file or a connection to accept */
#define GKV_LOOP_WRITE 2u  /* there is room to send; a connect is over, one way or the other */
#define GKV_LOOP_CLOSED 4u /* only in reports: it failed, or both directions have ended */

#define GKV_LOOP_READY_COUNT_MAX 64

struct gkv_loop {
    int queue_fd;   /* epoll or kqueue */
    int wake_fd;    /* epoll: an eventfd; kqueue: -1, it wakes itself */
    bool was_woken; /* the last wait was, or had been, by gkv_loop_wake */
};

/* A socket that is, or may be, watched. Kept beside the socket by its owner. */
struct gkv_watch {
    int fd;
    uint32_t
        interest; /* GKV_LOOP_READ | GKV_LOOP_WRITE as the system knows it; set by gkv_loop_watch */
    uint64_t token; /* the owner's; returned in reports */
};

struct gkv_ready {
    uint64_t token;
    uint32_t events; /* GKV_LOOP_* */
    int error;       /* errno of a failed connect where the queue says so (kqueue); else 0 */
};

/* GKV_ERROR_SYSTEM  no descriptors left. */
GKV_MUST_USE enum gkv_error gkv_loop_open(struct gkv_loop *loop);

/* Sockets that are still watched stay open. */
void gkv_loop_close(struct gkv_loop *loop);

/* Change what is asked about a socket; interest 0 forgets it. Closing the socket forgets it too.
 * GKV_ERROR_SYSTEM  the system has no memory for it; nothing changed. */
GKV_MUST_USE enum gkv_error gkv_loop_watch(struct gkv_loop *loop, struct gkv_watch *watch,
                                           uint32_t interest);

/* Wait for readiness, a wake or timeout_ns, whichever is first; a wait may end early or up to 1 ms
 * late. Fills ready_out (GKV_LOOP_READY_COUNT_MAX long) and returns how many there are. */
uint32_t gkv_loop_wait(struct gkv_loop *loop, uint64_t timeout_ns, struct gkv_ready *ready_out);

/* End the wait that is under way, or else the next one. From any thread. */
void gkv_loop_wake(struct gkv_loop *loop);

#endif
