/* One node in the real world: an endpoint, its sockets, its clock, and the thread that turns them.
 *
 * Model     One thread owns everything but the mailbox, the published figures, the stop flag, and
 *           what callers share with it (core/inplace.h). A turn: wait; take the mailbox; serve what
 *           is ready; serve clients; fire the timer; send what is to be sent, one system call per
 *           stream; wake who waits for what was done, once for all of it; publish. After each input
 *           to the endpoint its outputs are taken until there are none.
 * Bounds    Nothing is allocated after gkv_host_start but a client's door, mapped when it connects.
 *           Reads, datagrams, requests and accepts are bounded per turn, so that none of them
 *           starves the others.
 * Not here  Options and texts: io_posix/gridkv.c.
 */
#ifndef GKV_IO_POSIX_HOST_H
#define GKV_IO_POSIX_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "core/error.h"
#include "core/node.h"
#include "core/options.h"
#include "io_posix/errand.h"
#include "io_posix/mailbox.h"
#include "io_posix/resolver.h"
#include "proto/endpoint.h"

struct gkv_host;

/* A member's state changed, or our verdict on it, or it was started anew: what is said of it, and
 * the table as it is now. Both are lent. */
typedef void (*gkv_host_member_fn)(void *context, const struct gkv_members *members,
                                   const struct gkv_update *said);

/* Requests were done in this turn, and what it had to send is on its way. */
typedef void (*gkv_host_batch_fn)(void *context);

/* What a host is made of. Sockets and the resolver belong to the host from the call on, also when
 * it fails. */
struct gkv_host_parts {
    struct gkv_options options; /* of the node; checked by the caller */
    int datagram_fd;
    int peer_fd;   /* listening */
    int client_fd; /* listening, or -1 */
    struct gkv_resolver *resolver;
    gkv_host_member_fn on_member; /* on the node's thread; NULL: nobody wants to know */
    void *member_context;
    bool wants_huge_pages;      /* io_posix/huge.h */
    uint64_t spin_ns;           /* look so long for answers before sleeping; 0: sleep at once */
    gkv_host_batch_fn on_batch; /* on the node's thread; NULL: nobody wants to know */
    void *batch_context;
};

/* What the node's thread tells the others now and then. */
struct gkv_host_figures {
    struct gkv_node_stats node;
    struct gkv_endpoint_stats endpoint;
    uint64_t datagram_dropped_count; /* not taken by the system, or to a name not resolved yet */
    uint64_t huge_page_bytes;        /* of the store's memory (io_posix/huge.h) */
};

/* Make the node and start its thread.
 * GKV_ERROR_MEMORY, SYSTEM  nothing is left behind. */
GKV_MUST_USE enum gkv_error gkv_host_start(const struct gkv_host_parts *parts,
                                           struct gkv_host **host_out);

/* Leave the cluster, end every request (what is not over in 200 ms: GKV_ERROR_CLOSED), join the
 * thread, wait for callers that are still inside, free. Not on the node's own thread. */
void gkv_host_stop(struct gkv_host *host);

/* The two in pieces, for who runs many hosts in one thread (the simulator): start is create, then
 * a thread that runs; stop is ask_to_stop, join, wait for the callers inside, destroy. */

/* Errors as gkv_host_start. */
GKV_MUST_USE enum gkv_error gkv_host_create(const struct gkv_host_parts *parts,
                                            struct gkv_host **host_out);

/* Turn until asked to stop; then leave the cluster and end every request. */
void gkv_host_run(struct gkv_host *host);
void gkv_host_ask_to_stop(struct gkv_host *host);

/* Not while it runs, nor with callers inside. */
void gkv_host_destroy(struct gkv_host *host);

/* Any thread, as the rest of this file. */

/* A caller comes in, or goes: the host is not freed while one is inside. Returns what is to be
 * handed to gkv_host_exit. */
struct gkv_inside_place *gkv_host_enter(struct gkv_host *host);
void gkv_host_exit(struct gkv_inside_place *place);

/* What threads may do by themselves: lent while there is a host. */
struct gkv_errands *gkv_host_errands(struct gkv_host *host);

bool gkv_host_is_own_thread(const struct gkv_host *host);

/* GKV_ERROR_BUSY, CLOSED  as gkv_mailbox_post. */
GKV_MUST_USE enum gkv_error gkv_host_post(struct gkv_host *host, const struct gkv_request *request);

/* The figures last published: at most 50 ms old while anything happens. */
void gkv_host_figures(struct gkv_host *host, struct gkv_host_figures *figures_out);

/* Wait until the node is ready or mono_ns has come.
 * GKV_ERROR_NOT_READY, CLOSED. */
GKV_MUST_USE enum gkv_error gkv_host_wait_ready(struct gkv_host *host, uint64_t mono_ns);

/* Is it ready, and has its thread turned within the last 2 s? Atomics only.
 * GKV_ERROR_NOT_READY, CLOSED. */
GKV_MUST_USE enum gkv_error gkv_host_health(const struct gkv_host *host);

#endif
