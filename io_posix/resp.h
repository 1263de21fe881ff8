/* The RESP listener: clients' sockets, each with a proto/door.h, driven inside the node's loop.
 *
 * Model     A client that has something to do is listed as active; a turn serves the list:
 *           operations of the door go to the endpoint, replies to the socket. Reading stops while
 *           the door has no room, so that a client that does not read its replies holds up itself
 *           alone.
 *
 *   FREE -> OPEN   [accept]
 *   OPEN -> ENDING [end of file]  what was asked is still answered, then CLOSED
 *   OPEN, ENDING -> CLOSED [failure, QUIT, protocol error]  no socket; operations are under way
 *   CLOSED -> FREE  when none is left
 *
 * Bounds    GKV_CLIENT_COUNT_MAX clients; one more is told so and closed, as Redis does. A door's
 *           memory is mapped while its client is there and only touched as far as it is used.
 *           Clients together are served for about 2 ms a turn, in turns: reads of large values take
 *           a millisecond each, and hundreds of them must not keep the node from its peers. One
 *           client has at most one burst of what its door does by itself
 *           (GKV_DOOR_BURST_COUNT_MAX), and 256 operations besides.
 * Invariant A door lives until its operations are over, so that a cookie (client and door's cookie)
 *           never meets another client in the same place.
 * Not here  The grammar (proto/resp.h), the commands (proto/door.h).
 */
#ifndef GKV_IO_POSIX_RESP_H
#define GKV_IO_POSIX_RESP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/error.h"
#include "core/event.h"
#include "core/node.h"
#include "core/types.h"
#include "io_posix/loop.h"
#include "proto/door.h"

#define GKV_CLIENT_COUNT_MAX 512

struct gkv_client; /* private to resp.c */

/* Submits an operation to the endpoint and takes its outputs; completions come to
 * gkv_resp_listener_on_result, maybe before it returns. */
typedef void (*gkv_resp_submit_fn)(void *context, struct gkv_now now,
                                   const struct gkv_operation *operation);

struct gkv_resp_listener {
    struct gkv_loop *loop;
    struct gkv_door_view view; /* node, commons and peers: the caller's */
    gkv_resp_submit_fn submit;
    void *context;
    struct gkv_watch watch; /* the listening socket; fd -1: there is none */
    uint32_t value_bytes_max;
    uint32_t active_count;
    uint64_t client_id_next;
    uint64_t serve_until_ns; /* of the turn under way */
    uint64_t
        accept_again_ns; /* no descriptors were left: accept again then; GKV_NEVER: listening */
    struct gkv_client *clients;
    uint32_t *active; /* indices of clients, each at most once */
};

/* fd: listening, or -1 for no listener; taken over. loop, view, submit, context and value_bytes_max
 * are set by the caller before.
 * GKV_ERROR_MEMORY, SYSTEM. */
GKV_MUST_USE enum gkv_error gkv_resp_listener_init(struct gkv_resp_listener *listener, int fd);

/* Close everything, whatever is under way. Also after a failed init. */
void gkv_resp_listener_destroy(struct gkv_resp_listener *listener);

/* The listening socket is readable, or accept_again_ns has come. */
void gkv_resp_listener_accept(struct gkv_resp_listener *listener, struct gkv_now now);

/* A client's socket is ready. */
void gkv_resp_listener_on_ready(struct gkv_resp_listener *listener, const struct gkv_ready *ready);

/* An operation whose cookie is of our making is over. */
void gkv_resp_listener_on_result(struct gkv_resp_listener *listener, struct gkv_now now,
                                 const struct gkv_result *result);

/* Serve active clients, a bounded amount of work each, and at least one of them. True when some are
 * left for the next turn, which must not sleep then. */
bool gkv_resp_listener_serve(struct gkv_resp_listener *listener, struct gkv_now now);

/* True when a cookie was made here and not by the mailbox. */
static inline bool gkv_resp_listener_made_cookie(uint64_t cookie)
{
    return cookie >> 63 != 0;
}

#endif
