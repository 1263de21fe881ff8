/* The host's endpoint: what its sockets and callers put in, and what comes out to be done.
 *
 * Model     After each input to the endpoint its outputs are taken until there are none. What
 *           streams have to say is sent once a turn, one system call per stream.
 * Bounds    Datagrams and accepts per turn, reads and writes per stream and turn: the constants of
 *           host_endpoint.c.
 * Threads   The node's own.
 * Not here  The turn itself, and everybody's calls: io_posix/host.c.
 */
#ifndef GKV_IO_POSIX_HOST_ENDPOINT_H
#define GKV_IO_POSIX_HOST_ENDPOINT_H

#include "core/event.h"
#include "io_posix/host_state.h"

#define GKV_HOST_ACCEPT_PAUSE_NS (100 * GKV_NS_PER_MS) /* when no descriptors are left */

/* Do what the endpoint wants done, until it wants nothing more. */
void gkv_host_take_outputs(struct gkv_host *host, struct gkv_now now);

/* Inputs; their outputs are taken. */

/* context: the host. For gkv_resp_submit_fn as well. */
void gkv_host_submit(void *context, struct gkv_now now, const struct gkv_operation *operation);

/* The socket for datagrams is readable. */
void gkv_host_receive_datagrams(struct gkv_host *host, struct gkv_now now);

/* The listening socket is readable; accept_again_ns is set when it is to rest. */
void gkv_host_accept_peers(struct gkv_host *host, struct gkv_now now);

/* A peer's socket is ready. */
void gkv_host_serve_stream(struct gkv_host *host, struct gkv_now now,
                           const struct gkv_ready *ready);

/* Send what streams have to say; those that fail are closed. */
void gkv_host_send_streams(struct gkv_host *host, struct gkv_now now);

/* An operation is over: tell who asked, a client or a caller. */
void gkv_host_complete(struct gkv_host *host, struct gkv_now now, const struct gkv_result *result);

#endif
