/* What is done to one non-blocking TCP socket, with errno turned into what a caller acts upon.
 *
 * Not here  Which socket belongs to whom: io_posix/tcp.h (peers) and io_posix/resp.h (clients).
 */
#ifndef GKV_IO_POSIX_SOCKET_H
#define GKV_IO_POSIX_SOCKET_H

#include <stddef.h>
#include <stdint.h>

#include "core/error.h"
#include "core/types.h"

/* Who a token of the loop belongs to. */
enum gkv_socket_kind {
    GKV_SOCKET_DATAGRAM = 1,
    GKV_SOCKET_PEER_LISTENER = 2,
    GKV_SOCKET_PEER = 3,
    GKV_SOCKET_CLIENT_LISTENER = 4,
    GKV_SOCKET_CLIENT = 5,
};

/* | kind, 8 bits | generation, 24 bits | index, 32 bits | */
static inline uint64_t gkv_socket_token(enum gkv_socket_kind kind, uint32_t index,
                                        uint32_t generation)
{
    return (uint64_t)kind << 56 | (uint64_t)(generation & 0xFFFFFFu) << 32 | index;
}

static inline enum gkv_socket_kind gkv_socket_token_kind(uint64_t token)
{
    return (enum gkv_socket_kind)(token >> 56);
}

static inline uint32_t gkv_socket_token_index(uint64_t token)
{
    return (uint32_t)token;
}

#define GKV_SOCKET_CLOSED (-1) /* the stream ended or failed */
#define GKV_SOCKET_FULL (-2)   /* accept: no descriptor or memory left; try later */
#define GKV_SOCKET_AGAIN (-3)  /* nothing now; the loop will say when */

/* Listen on an address, whose port is 0 for any. bound_out is where.
 * GKV_ERROR_ADDRESS_IN_USE, ADDRESS (not one of this machine's), SYSTEM. */
GKV_MUST_USE enum gkv_error gkv_socket_listen(const struct gkv_address *address, int *fd_out,
                                              struct gkv_address *bound_out);

/* Begin a connect. Returns a socket that becomes writable when it is over, or GKV_SOCKET_CLOSED. */
int gkv_socket_connect(const struct gkv_address *address);

/* What became of a connect: 0, or the errno it failed with. */
int gkv_socket_connect_error(int fd);

/* Take a connection. Returns its socket (0 where the standard input is closed), GKV_SOCKET_AGAIN or
 * GKV_SOCKET_FULL. */
int gkv_socket_accept(int listener_fd);

/* Returns how many bytes came (> 0), GKV_SOCKET_AGAIN or GKV_SOCKET_CLOSED. room > 0. */
ptrdiff_t gkv_socket_receive(int fd, uint8_t *buffer, size_t room);

/* Send two pieces, the second may be empty, with one system call and without a signal. Returns how
 * many bytes were taken (> 0), GKV_SOCKET_AGAIN or GKV_SOCKET_CLOSED. */
ptrdiff_t gkv_socket_send(int fd, const struct gkv_bytes pieces[2]);

/* The loop forgets a socket that is closed. */
void gkv_socket_close(int fd);

/* Shared with udp.c: a non-blocking socket that no child inherits, or -1. */
int gkv_socket_open(int family, int type);

/* Shared with udp.c: the error that a failed bind means. */
enum gkv_error gkv_socket_bind_error(int system_errno);

#endif
