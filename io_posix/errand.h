/* A blocking operation that its caller carries out itself, in its own thread, when it can.
 *
 * Model     At level EVENTUAL a get of a key that this node owns needs nobody else, and with W = 1
 *           a set or delete neither (core/inplace.h): no mailbox, no wake, no wait. A write wakes
 *           the loop when that sleeps, once for all that is written until it has looked.
 * Bounds    No lock, no memory; no system call but the wake, and the clock where it is needed: for
 *           each write, and for what was read and has an expiry.
 * Not here  Everything else goes to the loop: io_posix/gridkv.c.
 */
#ifndef GKV_IO_POSIX_ERRAND_H
#define GKV_IO_POSIX_ERRAND_H

#include <stdbool.h>
#include <stddef.h>

#include "core/error.h"
#include "core/event.h"
#include "io_posix/host.h"

struct gkv_errand {
    struct gkv_buffer buffer; /* a get's */
    size_t value_bytes;       /* what it found, with GKV_OK and GKV_ERROR_BUFFER */
    enum gkv_error error;
};

/* Any thread, inside of the host: carry out an operation that was checked. False: it is for the
 * loop, and nothing has happened, but that the buffer may have been written to. True: errand says
 * what came of it: GKV_OK; a get also NOT_FOUND, BUFFER; all CLOSED. */
bool gkv_errand_run(struct gkv_host *host, const struct gkv_operation *operation,
                    struct gkv_errand *errand);

#endif
