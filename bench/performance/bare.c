/* A server that stores nothing: what the system and epoll alone leave to a server that does.
 *
 * Usage: bench_bare VALUE_BYTES
 *
 * Prints its port. Speaks as much of the Redis protocol as bench_load does: requests of 36 bytes
 * are gets and those of its SET are sets, all of one kind on one connection; it looks at the first
 * byte of the request, and then only counts bytes. Each receive is answered by one send.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/performance/dialect.h"

#define IN_BYTES 65536
#define ANSWER_COUNT_MAX 2048
#define EVENT_COUNT 128

struct peer {
    int fd;
    bool is_set;
    size_t over_bytes; /* of a request that is not whole yet */
};

struct kind {
    size_t request_bytes;
    size_t answer_bytes;
    uint8_t *answers; /* ANSWER_COUNT_MAX of them */
};

static struct kind kinds[2]; /* get, set */
static uint8_t in[IN_BYTES];

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void prepare(struct kind *kind, bool is_set, size_t value_bytes)
{
    struct dialect dialect;
    (void)dialect_init(&dialect, "resp", is_set, value_bytes);
    kind->request_bytes = dialect_batch_bytes(&dialect, 1);
    kind->answer_bytes = dialect.answer_bytes;
    kind->answers = malloc(ANSWER_COUNT_MAX * kind->answer_bytes);
    if (kind->answers == NULL) {
        fail("bench_bare");
    }
    memset(kind->answers, 'v', ANSWER_COUNT_MAX * kind->answer_bytes);
    for (size_t i = 0; i < ANSWER_COUNT_MAX; i++) {
        memcpy(kind->answers + i * kind->answer_bytes, dialect.begin.bytes, dialect.begin.count);
    }
}

static int listen_anywhere(uint16_t *port_out)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t bytes = sizeof(address);
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(fd, EVENT_COUNT) != 0 || getsockname(fd, (struct sockaddr *)&address, &bytes) != 0) {
        fail("bench_bare");
    }
    *port_out = ntohs(address.sin_port);
    return fd;
}

static void welcome(int epoll, int listener)
{
    const int one = 1;
    struct peer *peer = calloc(1, sizeof(*peer));
    const int fd = accept(listener, NULL, NULL);
    if (peer == NULL || fd < 0) {
        fail("bench_bare");
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    peer->fd = fd;
    struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = peer}};
    (void)epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static void answer(struct peer *peer)
{
    const ssize_t count = recv(peer->fd, in, sizeof(in), MSG_DONTWAIT);
    if (count <= 0) {
        (void)close(peer->fd);
        free(peer);
        return;
    }
    if (peer->over_bytes == 0) {
        peer->is_set = in[1] == '3';
    }
    const struct kind *kind = &kinds[peer->is_set ? 1 : 0];
    const size_t bytes = peer->over_bytes + (size_t)count;
    peer->over_bytes = bytes % kind->request_bytes;
    const size_t left = bytes / kind->request_bytes * kind->answer_bytes;
    for (size_t sent = 0; sent < left;) {
        const ssize_t more = send(peer->fd, kind->answers + sent, left - sent, MSG_NOSIGNAL);
        if (more <= 0) {
            return;
        }
        sent += (size_t)more;
    }
}

int main(int argc, char **argv)
{
    const size_t value_bytes = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;
    if (value_bytes == 0) {
        (void)fprintf(stderr, "usage: bench_bare VALUE_BYTES\n");
        return 2;
    }
    prepare(&kinds[0], false, value_bytes);
    prepare(&kinds[1], true, value_bytes);
    uint16_t port = 0;
    const int listener = listen_anywhere(&port);
    const int epoll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = NULL}};
    (void)epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    printf("%u\n", port);
    (void)fflush(stdout);
    for (;;) {
        struct epoll_event events[EVENT_COUNT];
        const int count = epoll_wait(epoll, events, EVENT_COUNT, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == NULL) {
                welcome(epoll, listener);
            } else {
                answer(events[i].data.ptr);
            }
        }
    }
}
