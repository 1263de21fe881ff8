/* The bounded queue between application threads and the node's thread.
 *
 *   FREE -> POSTED [post] -> TAKEN [take] -> FREE [finish]
 *
 * Model     Places are made once. One mutex guards the lists; it is held for a few instructions,
 *           never over a system call. Only the first post to a taker that sleeps wakes it: it
 *           says so before it sleeps, and looks at the queue once more.
 * Bounds    `capacity` requests that are not over. Full: post answers BUSY.
 * Invariant Each accepted request is taken once and finished once; place_count = free + posted +
 *           taken.
 */
#ifndef GKV_IO_POSIX_MAILBOX_H
#define GKV_IO_POSIX_MAILBOX_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/error.h"
#include "core/event.h"

struct gkv_result;

struct gkv_request;

/* Runs on the node's thread, once per accepted request; both are borrowed, and of the request's key
 * and value nothing is left. */
typedef void (*gkv_request_done_fn)(const struct gkv_request *request,
                                    const struct gkv_result *result);

#define GKV_REQUEST_COPY_BYTES_MAX 256

/* What is asked. Keys and values are borrowed until done is called, or copied by gkv_mailbox_post:
 * then they may be GKV_REQUEST_COPY_BYTES_MAX long together. */
struct gkv_request {
    struct gkv_operation operation; /* its cookie is the mailbox's */
    gkv_request_done_fn done;
    void *context;       /* done's */
    void (*tells)(void); /* done's as well: whom it tells, as what function it knows */
    bool is_copied;
};

struct gkv_mailbox_place; /* private to mailbox.c */

struct gkv_mailbox {
    pthread_mutex_t mutex;
    struct gkv_mailbox_place *places;
    uint8_t *copies; /* GKV_REQUEST_COPY_BYTES_MAX per place, not touched before they are used */
    uint32_t capacity;
    uint32_t free_first;
    uint32_t posted_first;
    uint32_t posted_last;
    uint32_t open_count; /* posted or taken */
    bool is_closed;
    bool is_asleep;          /* the taker, since nothing was posted */
    _Atomic bool has_posted; /* to be looked at without the mutex */
};

/* GKV_ERROR_MEMORY, SYSTEM  nothing was made. */
GKV_MUST_USE enum gkv_error gkv_mailbox_init(struct gkv_mailbox *mailbox, uint32_t capacity);
void gkv_mailbox_destroy(struct gkv_mailbox *mailbox);

/* Any thread. Copies *request, and what it points to if it says so. When *wake_out, the caller
 * wakes the loop.
 * GKV_ERROR_BUSY    every place is taken. GKV_ERROR_CLOSED  after gkv_mailbox_close. */
GKV_MUST_USE enum gkv_error gkv_mailbox_post(struct gkv_mailbox *mailbox,
                                             const struct gkv_request *request, bool *wake_out);

/* The node's thread: take the oldest posted operation, with the cookie to finish it by; false when
 * there is none. */
bool gkv_mailbox_take(struct gkv_mailbox *mailbox, struct gkv_operation *operation_out);

/* The node's thread: may it sleep? True: yes, nothing is posted, and the next post will wake it. */
bool gkv_mailbox_sleep(struct gkv_mailbox *mailbox);

/* Any thread: is there something to take, as far as can be seen without waiting? */
bool gkv_mailbox_has_posted(const struct gkv_mailbox *mailbox);

/* The node's thread: the request of a taken cookie is over. Its place is free before this returns,
 * so that its completion may post again. */
void gkv_mailbox_finish(struct gkv_mailbox *mailbox, uint64_t cookie,
                        struct gkv_request *request_out);

/* No more posts. */
void gkv_mailbox_close(struct gkv_mailbox *mailbox);

/* How many requests are not over. */
uint32_t gkv_mailbox_open_count(struct gkv_mailbox *mailbox);

/* The node's thread: the first cookie of a taken request that is not under *cookie, for ending what
 * is left at close; false when there is none. */
bool gkv_mailbox_next_taken(struct gkv_mailbox *mailbox, uint64_t *cookie);

#endif
