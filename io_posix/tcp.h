/* The sockets behind an endpoint's streams: a table in step with the endpoint's own.
 *
 *   FREE -> CONNECTING [dial]  -> OPEN [opened] -> FREE [drop]
 *   FREE -> OPEN       [adopt] -> FREE [drop]
 *
 * Bounds    As many places as the endpoint has streams, made once. No descriptor left: the dial
 *           fails, as if the peer had refused.
 * Invariant A place that is not FREE belongs to the stream of its generation; whoever asks with
 *           another one gets nothing.
 * Not here  What is read and written: io_posix/host.c.
 */
#ifndef GKV_IO_POSIX_TCP_H
#define GKV_IO_POSIX_TCP_H

#include <stdbool.h>
#include <stdint.h>

#include "core/error.h"
#include "core/types.h"
#include "io_posix/loop.h"
#include "proto/endpoint.h"

enum gkv_tcp_state {
    GKV_TCP_FREE = 0,
    GKV_TCP_CONNECTING = 1,
    GKV_TCP_OPEN = 2,
};

struct gkv_tcp_socket {
    struct gkv_watch watch;
    struct gkv_stream stream;
    enum gkv_tcp_state state;
    bool is_dirty; /* listed in tcp->dirty: there may be bytes to send at the end of the turn */
};

struct gkv_tcp {
    struct gkv_loop *loop;
    struct gkv_tcp_socket *sockets;
    uint32_t *dirty; /* indices, each at most once */
    uint32_t capacity;
    uint32_t dirty_count;
};

/* GKV_ERROR_MEMORY  nothing was made. */
GKV_MUST_USE enum gkv_error gkv_tcp_init(struct gkv_tcp *tcp, struct gkv_loop *loop,
                                         uint32_t capacity);

/* Close every socket and give the tables back. Also after a failed init. */
void gkv_tcp_destroy(struct gkv_tcp *tcp);

/* The socket of a stream, or NULL. */
struct gkv_tcp_socket *gkv_tcp_find(struct gkv_tcp *tcp, struct gkv_stream stream);

/* The socket that a report of the loop is about, or NULL when it is gone. */
struct gkv_tcp_socket *gkv_tcp_find_token(struct gkv_tcp *tcp, uint64_t token);

/* Begin to connect: true, or false when it failed at once. */
bool gkv_tcp_dial(struct gkv_tcp *tcp, struct gkv_stream stream, const struct gkv_address *address);

/* Take over an accepted socket: true, or false (it is closed then). */
bool gkv_tcp_adopt(struct gkv_tcp *tcp, struct gkv_stream stream, int fd);

/* A connect succeeded: from now on there is something to read. False when the loop refuses. */
bool gkv_tcp_opened(struct gkv_tcp *tcp, struct gkv_tcp_socket *socket);

/* Close a stream's socket, if it has one. */
void gkv_tcp_drop(struct gkv_tcp *tcp, struct gkv_stream stream);

/* List a stream for sending. */
void gkv_tcp_mark_dirty(struct gkv_tcp *tcp, struct gkv_stream stream);

/* Take one off that list, or NULL when none is left. */
struct gkv_tcp_socket *gkv_tcp_next_dirty(struct gkv_tcp *tcp);

#endif
