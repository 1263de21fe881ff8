/* Every system call of io_posix's connection code and clocks, in one table: whoever replaces it
 * decides what the kernel answers.
 *
 * Model     The members have the names, arguments and results of the calls themselves, errno
 *           included. gkv_system points to the real ones; a simulator points it to its own before
 *           it makes the first host, and back after it unmade the last.
 * Bounds    One indirect call per system call.
 * Invariant No other file of io_posix makes these calls (tests/tidy/system.sh).
 * Not here  Memory (mmap), threads and signals.
 */
#ifndef GKV_IO_POSIX_SYSTEM_H
#define GKV_IO_POSIX_SYSTEM_H

#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <time.h>

struct addrinfo;
struct epoll_event;
struct kevent;

struct gkv_system {
    int (*socket)(int family, int type, int protocol);
    int (*bind)(int fd, const struct sockaddr *address, socklen_t bytes);
    int (*listen)(int fd, int backlog);
    int (*accept)(int fd, struct sockaddr *address, socklen_t *bytes);
    int (*connect)(int fd, const struct sockaddr *address, socklen_t bytes);
    int (*getsockname)(int fd, struct sockaddr *address, socklen_t *bytes);
    int (*getsockopt)(int fd, int level, int name, void *value, socklen_t *bytes);
    int (*setsockopt)(int fd, int level, int name, const void *value, socklen_t bytes);
    int (*fcntl)(int fd, int command, int argument);
    ssize_t (*recv)(int fd, void *buffer, size_t room, int flags);
    ssize_t (*recvmsg)(int fd, struct msghdr *message, int flags);
    ssize_t (*sendmsg)(int fd, const struct msghdr *message, int flags);
    ssize_t (*read)(int fd, void *buffer, size_t room);
    ssize_t (*write)(int fd, const void *bytes, size_t count);
    int (*close)(int fd);
    int (*clock_gettime)(clockid_t id, struct timespec *at);
    int (*getaddrinfo)(const char *host, const char *port, const struct addrinfo *hints,
                       struct addrinfo **found); /* may take seconds */
    void (*freeaddrinfo)(struct addrinfo *found);

    /* Linux (loop_epoll.c); elsewhere NULL. */
    int (*epoll_create1)(int flags);
    int (*epoll_ctl)(int queue_fd, int change, int fd, struct epoll_event *event);
    int (*epoll_wait)(int queue_fd, struct epoll_event *events, int count, int timeout_ms);
    int (*eventfd)(unsigned value, int flags);

    /* BSD and macOS (loop_kqueue.c); on Linux NULL. */
    int (*kqueue)(void);
    int (*kevent)(int queue_fd, const struct kevent *changes, int change_count,
                  struct kevent *events, int event_count, const struct timespec *timeout);
};

extern const struct gkv_system *gkv_system;

#endif
