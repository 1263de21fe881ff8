#include "io_posix/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "core/panic.h"
#include "io_posix/address.h"
#include "io_posix/system.h"

#define BACKLOG 128

/* Sent bytes that nobody acknowledges for this long end the stream: the other side lost its power
 * or its network, and would otherwise be waited for by TCP for a quarter of an hour. */
#define USER_TIMEOUT_MS 5000

#if !defined(MSG_NOSIGNAL)
#define MSG_NOSIGNAL 0 /* there SO_NOSIGPIPE does it, below */
#endif

static void set_option(int fd, int level, int name, int value)
{
    (void)gkv_system->setsockopt(fd, level, name, &value, sizeof(value));
}

static bool prepare(int fd)
{
    const int flags = gkv_system->fcntl(fd, F_GETFL, 0);
    return flags >= 0 && gkv_system->fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
           gkv_system->fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

/* Small frames must leave at once: the endpoint has already gathered what belongs together. */
static void prepare_stream(int fd)
{
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
#if defined(SO_NOSIGPIPE)
    set_option(fd, SOL_SOCKET, SO_NOSIGPIPE, 1);
#endif
}

void gkv_socket_close(int fd)
{
    (void)gkv_system->close(fd); /* whatever it says, the descriptor is gone */
}

int gkv_socket_open(int family, int type)
{
    const int fd = gkv_system->socket(family, type, 0);
    if (fd >= 0 && !prepare(fd)) {
        gkv_socket_close(fd);
        return -1;
    }
    if (fd >= 0 && family == AF_INET6) {
        /* One socket, one family: the same peer must not have two addresses. */
        set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    }
    return fd;
}

enum gkv_error gkv_socket_bind_error(int system_errno)
{
    if (system_errno == EADDRINUSE) {
        return GKV_ERROR_ADDRESS_IN_USE;
    }
    return system_errno == EADDRNOTAVAIL ? GKV_ERROR_ADDRESS : GKV_ERROR_SYSTEM;
}

enum gkv_error gkv_socket_listen(const struct gkv_address *address, int *fd_out,
                                 struct gkv_address *bound_out)
{
    struct gkv_socket_address name;
    if (!gkv_address_to_socket(address, &name)) {
        return GKV_ERROR_ADDRESS;
    }
    const int fd = gkv_socket_open(name.storage.ss_family, SOCK_STREAM);
    if (fd < 0) {
        return GKV_ERROR_SYSTEM;
    }
    set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    struct sockaddr_storage bound = {0};
    socklen_t bound_bytes = sizeof(bound);
    if (gkv_system->bind(fd, (const struct sockaddr *)&name.storage, name.bytes) != 0 ||
        gkv_system->listen(fd, BACKLOG) != 0 ||
        gkv_system->getsockname(fd, (struct sockaddr *)&bound, &bound_bytes) != 0 ||
        !gkv_address_from_socket(&bound, bound_out)) {
        const enum gkv_error error = gkv_socket_bind_error(errno);
        gkv_socket_close(fd);
        return error;
    }
    *fd_out = fd;
    return GKV_OK;
}

int gkv_socket_connect(const struct gkv_address *address)
{
    struct gkv_socket_address name;
    if (!gkv_address_to_socket(address, &name)) {
        return GKV_SOCKET_CLOSED;
    }
    const int fd = gkv_socket_open(name.storage.ss_family, SOCK_STREAM);
    if (fd < 0) {
        return GKV_SOCKET_CLOSED;
    }
    prepare_stream(fd);
#if defined(TCP_USER_TIMEOUT)
    set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, USER_TIMEOUT_MS);
#endif
    if (gkv_system->connect(fd, (const struct sockaddr *)&name.storage, name.bytes) != 0 &&
        errno != EINPROGRESS && errno != EINTR) {
        gkv_socket_close(fd);
        return GKV_SOCKET_CLOSED;
    }
    return fd;
}

int gkv_socket_connect_error(int fd)
{
    int error = 0;
    socklen_t bytes = sizeof(error);
    return gkv_system->getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &bytes) == 0 ? error : errno;
}

int gkv_socket_accept(int listener_fd)
{
    const int fd = gkv_system->accept(listener_fd, NULL, NULL);
    if (fd < 0) {
        const bool is_full =
            errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
        return is_full ? GKV_SOCKET_FULL : GKV_SOCKET_AGAIN;
    }
    if (!prepare(fd)) {
        gkv_socket_close(fd);
        return GKV_SOCKET_FULL;
    }
    prepare_stream(fd);
    return fd;
}

ptrdiff_t gkv_socket_receive(int fd, uint8_t *buffer, size_t room)
{
    GKV_ASSERT(room > 0);
    const ssize_t count = gkv_system->recv(fd, buffer, room, 0);
    if (count > 0) {
        return count;
    }
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
        return GKV_SOCKET_AGAIN;
    }
    return GKV_SOCKET_CLOSED;
}

ptrdiff_t gkv_socket_send(int fd, const struct gkv_bytes pieces[2])
{
    GKV_ASSERT(pieces[0].count + pieces[1].count > 0);
    struct iovec vectors[2];
    for (int i = 0; i < 2; i++) {
        /* iovec has no const form; sending does not write. */
        vectors[i] = (struct iovec){.iov_base = (void *)(uintptr_t)pieces[i].data,
                                    .iov_len = pieces[i].count};
    }
    const struct msghdr message = {.msg_iov = vectors, .msg_iovlen = pieces[1].count > 0 ? 2 : 1};
    const ssize_t count = gkv_system->sendmsg(fd, &message, MSG_NOSIGNAL);
    if (count > 0) {
        return count;
    }
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
        return GKV_SOCKET_AGAIN;
    }
    return GKV_SOCKET_CLOSED;
}
