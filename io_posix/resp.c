#include "io_posix/resp.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "core/panic.h"
#include "io_posix/clock.h"
#include "io_posix/socket.h"

/* | 1 | client index, 9 bits | the door's cookie, which counts from 0, 54 bits | */
#define COOKIE_BIT (UINT64_C(1) << 63)
#define COOKIE_INDEX_SHIFT 54
#define COOKIE_DOOR_MASK ((UINT64_C(1) << COOKIE_INDEX_SHIFT) - 1)
_Static_assert(GKV_CLIENT_COUNT_MAX <= 512, "a client's index fits 9 bits");

#define ACCEPT_COUNT_MAX 64              /* per turn */
#define OPERATION_COUNT_MAX 256          /* per client and turn */
#define READ_COUNT_MAX 4                 /* per client and turn */
#define ACCEPT_PAUSE_MS 100              /* when no descriptor is left */
#define SERVE_NS_MAX (2 * GKV_NS_PER_MS) /* all clients, per turn */

enum client_state {
    CLIENT_FREE = 0,
    CLIENT_OPEN = 1,
    CLIENT_ENDING = 2, /* it will not ask more */
    CLIENT_CLOSED = 3, /* its socket is closed; operations are under way */
};

struct gkv_client {
    struct gkv_watch watch;
    struct gkv_door *door;
    void *memory;
    enum client_state state;
    uint32_t generation; /* of the place */
    bool is_active;      /* listed in listener->active */
    bool is_readable;    /* reported, and not read until nothing was left */
};

static struct gkv_bytes bytes_of_text(const char *text)
{
    return (struct gkv_bytes){.data = (const uint8_t *)text, .count = strlen(text)};
}

enum gkv_error gkv_resp_listener_init(struct gkv_resp_listener *listener, int fd)
{
    listener->watch = (struct gkv_watch){
        .fd = fd,
        .token = gkv_socket_token(GKV_SOCKET_CLIENT_LISTENER, 0, 0),
    };
    listener->accept_again_ns = GKV_NEVER;
    listener->active_count = 0;
    listener->client_id_next = 1;
    listener->view.clients = (struct gkv_door_clients){.connected_count_max = GKV_CLIENT_COUNT_MAX};
    listener->clients = NULL;
    listener->active = NULL;
    if (fd < 0) {
        return GKV_OK;
    }
    listener->clients = calloc(GKV_CLIENT_COUNT_MAX, sizeof(*listener->clients));
    /* Twice: a turn's list, and behind it the next one's. */
    listener->active = calloc(2 * GKV_CLIENT_COUNT_MAX, sizeof(*listener->active));
    if (listener->clients == NULL || listener->active == NULL) {
        return GKV_ERROR_MEMORY;
    }
    return gkv_loop_watch(listener->loop, &listener->watch, GKV_LOOP_READ);
}

static void close_socket(struct gkv_client *client)
{
    if (client->watch.fd >= 0) {
        gkv_socket_close(client->watch.fd);
    }
    client->watch = (struct gkv_watch){.fd = -1};
    client->state = CLIENT_CLOSED;
}

static void free_place(struct gkv_resp_listener *listener, struct gkv_client *client)
{
    GKV_ASSERT(client->state == CLIENT_CLOSED);
    listener->view.clients.protocol_error_count += gkv_door_has_protocol_error(client->door);
    listener->view.clients.connected_count--;
    (void)munmap(client->memory, gkv_door_memory_bytes(listener->value_bytes_max));
    client->memory = NULL;
    client->door = NULL;
    client->state = CLIENT_FREE;
}

void gkv_resp_listener_destroy(struct gkv_resp_listener *listener)
{
    for (uint32_t i = 0; listener->clients != NULL && i < GKV_CLIENT_COUNT_MAX; i++) {
        struct gkv_client *client = &listener->clients[i];
        if (client->state != CLIENT_FREE) {
            close_socket(client);
            free_place(listener, client);
        }
    }
    if (listener->watch.fd >= 0) {
        gkv_socket_close(listener->watch.fd);
    }
    free(listener->clients);
    free(listener->active);
    listener->watch.fd = -1;
    listener->clients = NULL;
    listener->active = NULL;
}

static void activate(struct gkv_resp_listener *listener, struct gkv_client *client)
{
    if (!client->is_active) {
        GKV_ASSERT(listener->active_count < 2 * GKV_CLIENT_COUNT_MAX);
        client->is_active = true;
        listener->active[listener->active_count++] = (uint32_t)(client - listener->clients);
    }
}

/* Fresh pages from the system: a door wants them zero, and untouched ones cost nothing. */
static bool open_client(struct gkv_resp_listener *listener, struct gkv_client *client, int fd)
{
    const size_t bytes = gkv_door_memory_bytes(listener->value_bytes_max);
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        return false;
    }
    client->generation++;
    client->watch = (struct gkv_watch){
        .fd = fd,
        .token = gkv_socket_token(GKV_SOCKET_CLIENT, (uint32_t)(client - listener->clients),
                                  client->generation),
    };
    if (gkv_loop_watch(listener->loop, &client->watch, GKV_LOOP_READ) != GKV_OK) {
        (void)munmap(memory, bytes);
        return false;
    }
    client->memory = memory;
    client->door = gkv_door_init(memory, listener->value_bytes_max, listener->client_id_next++);
    client->state = CLIENT_OPEN;
    client->is_readable = false;
    listener->view.clients.connected_count++;
    return true;
}

static struct gkv_client *find_free(struct gkv_resp_listener *listener)
{
    for (uint32_t i = 0; i < GKV_CLIENT_COUNT_MAX; i++) {
        struct gkv_client *client = &listener->clients[i];
        if (client->state == CLIENT_FREE && !client->is_active) {
            return client;
        }
    }
    return NULL;
}

void gkv_resp_listener_accept(struct gkv_resp_listener *listener, struct gkv_now now)
{
    if (listener->accept_again_ns != GKV_NEVER) {
        if (now.mono_ns < listener->accept_again_ns) {
            return;
        }
        if (gkv_loop_watch(listener->loop, &listener->watch, GKV_LOOP_READ) != GKV_OK) {
            listener->accept_again_ns = now.mono_ns + ACCEPT_PAUSE_MS * GKV_NS_PER_MS;
            return;
        }
        listener->accept_again_ns = GKV_NEVER;
    }
    for (int i = 0; i < ACCEPT_COUNT_MAX; i++) {
        const int fd = gkv_socket_accept(listener->watch.fd);
        if (fd == GKV_SOCKET_FULL) {
            /* The connection stays in the backlog, and would be reported over and over. */
            listener->accept_again_ns = now.mono_ns + ACCEPT_PAUSE_MS * GKV_NS_PER_MS;
            (void)!gkv_loop_watch(listener->loop, &listener->watch, 0);
        }
        if (fd < 0) {
            return;
        }
        struct gkv_client *client = find_free(listener);
        listener->view.clients.accepted_count++;
        if (client == NULL || !open_client(listener, client, fd)) {
            listener->view.clients.refused_count++;
            const struct gkv_bytes pieces[2] = {
                bytes_of_text("-ERR max number of clients reached\r\n"),
            };
            (void)gkv_socket_send(fd, pieces);
            gkv_socket_close(fd);
        }
    }
}

void gkv_resp_listener_on_ready(struct gkv_resp_listener *listener, const struct gkv_ready *ready)
{
    const uint32_t index = gkv_socket_token_index(ready->token);
    GKV_ASSERT(index < GKV_CLIENT_COUNT_MAX);
    struct gkv_client *client = &listener->clients[index];
    if (client->watch.token != ready->token || client->watch.fd < 0) {
        return; /* closed earlier in this turn */
    }
    if ((ready->events & GKV_LOOP_CLOSED) != 0) {
        close_socket(client); /* both directions: nobody would read an answer */
    } else if ((ready->events & GKV_LOOP_READ) != 0) {
        client->is_readable = true;
    }
    activate(listener, client);
}

void gkv_resp_listener_on_result(struct gkv_resp_listener *listener, struct gkv_now now,
                                 const struct gkv_result *result)
{
    GKV_ASSERT(gkv_resp_listener_made_cookie(result->cookie));
    const uint32_t index = (uint32_t)((result->cookie & ~COOKIE_BIT) >> COOKIE_INDEX_SHIFT);
    GKV_ASSERT(index < GKV_CLIENT_COUNT_MAX);
    struct gkv_client *client = &listener->clients[index];
    GKV_ASSERT(client->state != CLIENT_FREE);

    struct gkv_result mine = *result;
    mine.cookie = result->cookie & COOKIE_DOOR_MASK;
    gkv_door_on_result(client->door, now, &mine);
    activate(listener, client);
}

static bool is_late(const struct gkv_resp_listener *listener)
{
    return gkv_clock_mono_ns() >= listener->serve_until_ns;
}

/* Give the door's operations to the endpoint, those that it does not do in place; true when there
 * may be more of them. */
static bool submit_some(struct gkv_resp_listener *listener, struct gkv_client *client,
                        struct gkv_now now)
{
    const uint64_t index = (uint64_t)(client - listener->clients);
    for (int i = 0; i < OPERATION_COUNT_MAX; i++) {
        struct gkv_operation operation;
        if (!gkv_door_next_operation(client->door, &listener->view, now, &operation)) {
            return gkv_door_has_paused(client->door);
        }
        GKV_ASSERT(operation.cookie <= COOKIE_DOOR_MASK);
        operation.cookie |= COOKIE_BIT | index << COOKIE_INDEX_SHIFT;
        listener->submit(listener->context, now, &operation);
        if (is_late(listener)) {
            return true;
        }
    }
    return true;
}

/* Send what waits; true when all of it went and there was something. */
static bool send_some(struct gkv_client *client)
{
    bool sent = false;
    struct gkv_bytes pieces[2] = {gkv_door_pending(client->door), {NULL, 0}};
    while (pieces[0].count > 0) {
        const ptrdiff_t count = gkv_socket_send(client->watch.fd, pieces);
        if (count == GKV_SOCKET_CLOSED) {
            close_socket(client);
            return false;
        }
        if (count == GKV_SOCKET_AGAIN) {
            return false;
        }
        gkv_door_sent(client->door, (size_t)count);
        sent = true;
        pieces[0] = gkv_door_pending(client->door);
    }
    return sent;
}

static void receive_some(struct gkv_client *client)
{
    for (int i = 0; i < READ_COUNT_MAX && client->is_readable; i++) {
        size_t room = 0;
        uint8_t *buffer = gkv_door_receive_buffer(client->door, &room);
        if (room == 0) {
            return;
        }
        const ptrdiff_t count = gkv_socket_receive(client->watch.fd, buffer, room);
        if (count > 0) {
            gkv_door_on_received(client->door, (size_t)count);
        }
        client->is_readable = count > 0 && (size_t)count == room;
        if (count == GKV_SOCKET_CLOSED) {
            client->state = CLIENT_ENDING;
        }
    }
}

/* After what could be done was done: is it over, and what are we waiting for? */
static void settle(struct gkv_resp_listener *listener, struct gkv_client *client, bool has_more)
{
    const bool has_pending = gkv_door_pending(client->door).count > 0;
    const uint32_t open_count = gkv_door_open_count(client->door);
    const bool asks_no_more =
        gkv_door_is_closing(client->door) || (client->state == CLIENT_ENDING && !has_more);
    const bool is_over = asks_no_more && !has_pending && open_count == 0;
    if (client->state != CLIENT_CLOSED && is_over) {
        close_socket(client);
    }
    if (client->state == CLIENT_CLOSED) {
        if (open_count == 0) {
            free_place(listener, client);
        }
        return;
    }
    size_t room = 0;
    (void)gkv_door_receive_buffer(client->door, &room);
    const bool wants_read =
        client->state == CLIENT_OPEN && room > 0 && !gkv_door_is_closing(client->door);
    const uint32_t interest =
        (wants_read ? GKV_LOOP_READ : 0u) | (has_pending ? GKV_LOOP_WRITE : 0u);
    if (gkv_loop_watch(listener->loop, &client->watch, interest) != GKV_OK) {
        close_socket(client);
        activate(listener, client);
    }
}

static void serve_client(struct gkv_resp_listener *listener, struct gkv_client *client,
                         struct gkv_now now)
{
    bool has_more = false;
    if (client->state == CLIENT_OPEN) {
        receive_some(client);
    }
    if (client->state == CLIENT_OPEN || client->state == CLIENT_ENDING) {
        has_more = submit_some(listener, client, now);
        listener->view.clients.inplace_count += gkv_door_take_inplace_count(client->door);
        /* Room for replies is made by sending some: commands that waited for it can go on. */
        has_more = send_some(client) || has_more;
    }
    settle(listener, client, has_more);
    if (has_more && client->state != CLIENT_FREE) {
        activate(listener, client);
    }
}

bool gkv_resp_listener_serve(struct gkv_resp_listener *listener, struct gkv_now now)
{
    /* Serving may list a client again: that is for the next turn. */
    const uint32_t count = listener->active_count;
    if (count == 0) {
        return false;
    }
    listener->serve_until_ns = gkv_clock_mono_ns() + SERVE_NS_MAX;
    uint32_t served = 0;
    do {
        struct gkv_client *client = &listener->clients[listener->active[served]];
        client->is_active = false;
        listener->active[served++] = UINT32_MAX;
        if (client->state != CLIENT_FREE) {
            serve_client(listener, client, now);
        }
    } while (served < count && !is_late(listener));
    /* What was not served, and what was listed meanwhile, lie behind: move them to the front. */
    listener->active_count -= served;
    memmove(listener->active, listener->active + served,
            listener->active_count * sizeof(*listener->active));
    return listener->active_count > 0;
}
