#include "io_posix/tcp.h"

#include <stdlib.h>

#include "core/panic.h"
#include "io_posix/socket.h"

enum gkv_error gkv_tcp_init(struct gkv_tcp *tcp, struct gkv_loop *loop, uint32_t capacity)
{
    GKV_ASSERT(capacity > 0);
    *tcp = (struct gkv_tcp){.loop = loop, .capacity = capacity};
    tcp->sockets = calloc(capacity, sizeof(*tcp->sockets));
    tcp->dirty = calloc(capacity, sizeof(*tcp->dirty));
    if (tcp->sockets == NULL || tcp->dirty == NULL) {
        gkv_tcp_destroy(tcp);
        return GKV_ERROR_MEMORY;
    }
    return GKV_OK;
}

void gkv_tcp_destroy(struct gkv_tcp *tcp)
{
    for (uint32_t i = 0; tcp->sockets != NULL && i < tcp->capacity; i++) {
        if (tcp->sockets[i].state != GKV_TCP_FREE) {
            gkv_socket_close(tcp->sockets[i].watch.fd);
        }
    }
    free(tcp->sockets);
    free(tcp->dirty);
    *tcp = (struct gkv_tcp){0};
}

struct gkv_tcp_socket *gkv_tcp_find(struct gkv_tcp *tcp, struct gkv_stream stream)
{
    GKV_ASSERT(stream.index < tcp->capacity);
    struct gkv_tcp_socket *socket = &tcp->sockets[stream.index];
    const bool is_it =
        socket->state != GKV_TCP_FREE && socket->stream.generation == stream.generation;
    return is_it ? socket : NULL;
}

struct gkv_tcp_socket *gkv_tcp_find_token(struct gkv_tcp *tcp, uint64_t token)
{
    const uint32_t index = gkv_socket_token_index(token);
    GKV_ASSERT(index < tcp->capacity);
    struct gkv_tcp_socket *socket = &tcp->sockets[index];
    return socket->state != GKV_TCP_FREE && socket->watch.token == token ? socket : NULL;
}

static bool occupy(struct gkv_tcp *tcp, struct gkv_stream stream, int fd, enum gkv_tcp_state state)
{
    GKV_ASSERT(stream.index < tcp->capacity);
    struct gkv_tcp_socket *socket = &tcp->sockets[stream.index];
    GKV_ASSERT(socket->state == GKV_TCP_FREE);
    GKV_ASSERT(fd >= 0);

    /* is_dirty stays as it is: the index may still be in the list from the occupant before. */
    socket->stream = stream;
    socket->watch = (struct gkv_watch){
        .fd = fd,
        .token = gkv_socket_token(GKV_SOCKET_PEER, stream.index, stream.generation),
    };
    const uint32_t interest = state == GKV_TCP_CONNECTING ? GKV_LOOP_WRITE : GKV_LOOP_READ;
    if (gkv_loop_watch(tcp->loop, &socket->watch, interest) != GKV_OK) {
        gkv_socket_close(fd);
        return false;
    }
    socket->state = state;
    return true;
}

bool gkv_tcp_dial(struct gkv_tcp *tcp, struct gkv_stream stream, const struct gkv_address *address)
{
    const int fd = gkv_socket_connect(address);
    return fd >= 0 && occupy(tcp, stream, fd, GKV_TCP_CONNECTING);
}

bool gkv_tcp_adopt(struct gkv_tcp *tcp, struct gkv_stream stream, int fd)
{
    return occupy(tcp, stream, fd, GKV_TCP_OPEN);
}

bool gkv_tcp_opened(struct gkv_tcp *tcp, struct gkv_tcp_socket *socket)
{
    GKV_ASSERT(socket->state == GKV_TCP_CONNECTING);
    socket->state = GKV_TCP_OPEN;
    return gkv_loop_watch(tcp->loop, &socket->watch, GKV_LOOP_READ) == GKV_OK;
}

void gkv_tcp_drop(struct gkv_tcp *tcp, struct gkv_stream stream)
{
    struct gkv_tcp_socket *socket = gkv_tcp_find(tcp, stream);
    if (socket == NULL) {
        return;
    }
    gkv_socket_close(socket->watch.fd); /* the loop forgets it with the descriptor */
    socket->watch = (struct gkv_watch){.fd = -1};
    socket->state = GKV_TCP_FREE;
}

void gkv_tcp_mark_dirty(struct gkv_tcp *tcp, struct gkv_stream stream)
{
    struct gkv_tcp_socket *socket = gkv_tcp_find(tcp, stream);
    if (socket == NULL || socket->is_dirty) {
        return;
    }
    GKV_ASSERT(tcp->dirty_count < tcp->capacity);
    socket->is_dirty = true;
    tcp->dirty[tcp->dirty_count++] = stream.index;
}

struct gkv_tcp_socket *gkv_tcp_next_dirty(struct gkv_tcp *tcp)
{
    while (tcp->dirty_count > 0) {
        struct gkv_tcp_socket *socket = &tcp->sockets[tcp->dirty[--tcp->dirty_count]];
        GKV_ASSERT(socket->is_dirty);
        socket->is_dirty = false;
        if (socket->state == GKV_TCP_OPEN) {
            return socket;
        }
    }
    return NULL;
}
