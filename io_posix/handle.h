/* What a handle holds: private to io_posix/gridkv.c, async.c and many.c. */
#ifndef GKV_IO_POSIX_HANDLE_H
#define GKV_IO_POSIX_HANDLE_H

#include "core/event.h"
#include "io_posix/bulletin.h"
#include "io_posix/gridkv.h"
#include "io_posix/host.h"
#include "io_posix/waiters.h"
#include "proto/address.h"

struct gridkv {
    struct gkv_host *host;
    struct gkv_errands *errands; /* of the host */
    struct gkv_bulletin bulletin;
    struct gkv_waiters waiters;
    gridkv_member_fn on_member; /* NULL: nobody */
    void *member_context;
    gridkv_batch_fn on_batch;
    void *batch_context;
    uint32_t value_bytes_max;
    char address[GKV_ADDRESS_TEXT_BYTES];
    char resp_address[GKV_ADDRESS_TEXT_BYTES]; /* empty: none */
};

/* What can be refused without asking the node.
 * GKV_ERROR_KEY_EMPTY, KEY_TOO_LONG, VALUE_TOO_LONG, OPTION (a value without data), TTL. */
GKV_MUST_USE enum gkv_error gkv_handle_check(const struct gridkv *gridkv,
                                             const struct gkv_operation *operation);

#endif
