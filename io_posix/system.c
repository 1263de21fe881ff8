#include "io_posix/system.h"

#include <fcntl.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/epoll.h>
#include <sys/eventfd.h>
#else
#include <sys/event.h>
#endif

/* What the system's headers do not declare as a plain function of these arguments. */

static int real_bind(int fd, const struct sockaddr *address, socklen_t bytes)
{
    return bind(fd, address, bytes);
}

static int real_accept(int fd, struct sockaddr *address, socklen_t *bytes)
{
    return accept(fd, address, bytes);
}

static int real_connect(int fd, const struct sockaddr *address, socklen_t bytes)
{
    return connect(fd, address, bytes);
}

static int real_getsockname(int fd, struct sockaddr *address, socklen_t *bytes)
{
    return getsockname(fd, address, bytes);
}

static int real_fcntl(int fd, int command, int argument)
{
    return fcntl(fd, command, argument);
}

static const struct gkv_system real = {
    .socket = socket,
    .bind = real_bind,
    .listen = listen,
    .accept = real_accept,
    .connect = real_connect,
    .getsockname = real_getsockname,
    .getsockopt = getsockopt,
    .setsockopt = setsockopt,
    .fcntl = real_fcntl,
    .recv = recv,
    .recvmsg = recvmsg,
    .sendmsg = sendmsg,
    .read = read,
    .write = write,
    .close = close,
    .clock_gettime = clock_gettime,
    .getaddrinfo = getaddrinfo,
    .freeaddrinfo = freeaddrinfo,
#if defined(__linux__)
    .epoll_create1 = epoll_create1,
    .epoll_ctl = epoll_ctl,
    .epoll_wait = epoll_wait,
    .eventfd = eventfd,
#else
    .kqueue = kqueue,
    .kevent = kevent,
#endif
};

const struct gkv_system *gkv_system = &real;
