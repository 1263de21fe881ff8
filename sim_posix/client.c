#include "sim_posix/client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/panic.h"
#include "core/types.h"

#define PAUSE_NS_MAX (150 * GKV_NS_PER_MS)
#define RECEIVE_COUNT_MAX 8

void gkv_posix_client_init(struct gkv_posix_client *client, struct gkv_deeds *deeds,
                           uint32_t process)
{
    memset(client, 0, sizeof(*client));
    client->deeds = deeds;
    client->process = process;
    client->kind_ns = GKV_NEVER;
    client->fd = -1;
}

static uint64_t draw(const struct gkv_posix_client *client, const char *label, uint64_t bound)
{
    return gkv_chance_below(client->deeds->kernel->chance, label, bound);
}

void gkv_posix_client_leave(struct gkv_posix_client *client)
{
    struct gkv_kernel *kernel = client->deeds->kernel;
    if (client->fd < 0) {
        return;
    }
    gkv_kernel_act_as(kernel, client->process);
    (void)gkv_system->close(client->fd);
    for (uint32_t i = 0; i < client->asked_count; i++) {
        gkv_deeds_lose(client->deeds, client->asked[i]);
    }
    client->fd = -1;
    client->asked_count = 0;
    client->out_count = 0;
    client->out_sent = 0;
    client->in_count = 0;
    client->has_ended = false;
    client->again_ns = kernel->now_ns + draw(client, "client.pause", PAUSE_NS_MAX);
}

static void arrive(struct gkv_posix_client *client, uint32_t node_count, uint32_t port)
{
    client->node = (uint32_t)draw(client, "client.node", node_count);
    const struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)port),
        .sin_addr = {.s_addr = htonl(0x0A000001u + client->node)},
    };
    client->fd = gkv_system->socket(AF_INET, SOCK_STREAM, 0);
    if (client->fd < 0) {
        return;
    }
    (void)gkv_system->fcntl(client->fd, F_SETFL, O_NONBLOCK);
    client->asked_ns = client->deeds->kernel->now_ns;
    client->is_owed = client->asked_ns >= client->kind_ns;
    const struct sockaddr *name = (const struct sockaddr *)&address;
    if (gkv_system->connect(client->fd, name, sizeof(address)) != 0 && errno != EINPROGRESS &&
        errno != EINTR) {
        gkv_posix_client_leave(client);
    }
}

/* ---- Asking ---- */

static void put(struct gkv_posix_client *client, const void *bytes, size_t count)
{
    GKV_ASSERT(client->out_count + count <= sizeof(client->out));
    memcpy(client->out + client->out_count, bytes, count);
    client->out_count += (uint32_t)count;
}

static void ask(struct gkv_posix_client *client)
{
    const uint32_t key = (uint32_t)draw(client, "client.key", GKV_DEED_KEY_COUNT);
    const bool is_set = draw(client, "client.set", 2) == 1;
    const uint32_t number = gkv_deeds_begin(client->deeds, key, is_set, client->node);
    if (number == GKV_DEED_NONE) {
        return;
    }
    client->asked[client->asked_count++] = number;
    char text[96];
    if (!is_set) {
        put(client, text, (size_t)snprintf(text, sizeof(text), "GET k%u\r\n", key));
        return;
    }
    const uint32_t bytes = gkv_deeds_value(number, client->value);
    char name[8];
    const int name_bytes = snprintf(name, sizeof(name), "k%u", key);
    put(client, text,
        (size_t)snprintf(text, sizeof(text), "*3\r\n$3\r\nSET\r\n$%d\r\n%s\r\n$%u\r\n", name_bytes,
                         name, bytes));
    put(client, client->value, bytes);
    put(client, "\r\n", 2);
}

static void ask_some(struct gkv_posix_client *client)
{
    const uint64_t count = 1 + draw(client, "client.pipeline", GKV_CLIENT_PIPELINE_COUNT_MAX);
    client->out_count = 0;
    client->out_sent = 0;
    client->asked_ns = client->deeds->kernel->now_ns;
    for (uint64_t i = 0; i < count; i++) {
        ask(client);
    }
}

/* False: the connection is over. */
static bool send_some(struct gkv_posix_client *client)
{
    while (client->out_sent < client->out_count) {
        struct iovec vector = {.iov_base = client->out + client->out_sent,
                               .iov_len = client->out_count - client->out_sent};
        const struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
        const ssize_t count = gkv_system->sendmsg(client->fd, &message, MSG_NOSIGNAL);
        if (count < 0) {
            return errno == EAGAIN || errno == EINTR;
        }
        client->out_sent += (uint32_t)count;
    }
    if (!client->has_ended && client->asked_count > 0 && draw(client, "client.end", 16) == 15) {
        gkv_kernel_end_writing(client->deeds->kernel, client->fd);
        client->has_ended = true;
    }
    return true;
}

/* ---- Being told ---- */

static enum gkv_error error_of(const char *line, bool is_set)
{
    if (line[0] == '+') {
        return GKV_OK;
    }
    if (line[0] == '-') {
        /* Texts differ by error; what matters is whether a set may have happened. */
        return is_set ? GKV_ERROR_IN_DOUBT : GKV_ERROR_TIMEOUT;
    }
    return GKV_ERROR_NOT_FOUND;
}

static void consume(struct gkv_posix_client *client, uint32_t count)
{
    client->in_count -= count;
    memmove(client->in, client->in + count, client->in_count);
    client->asked_count--;
    memmove(client->asked, client->asked + 1, client->asked_count * sizeof(client->asked[0]));
}

/* The node has no place for us: it says so unasked, and closes. */
static bool is_refusal(const char *line)
{
    return strcmp(line, "-ERR max number of clients reached\r\n") == 0;
}

/* Take one reply; false: it is not whole yet, or the last. */
static bool take_reply(struct gkv_posix_client *client)
{
    const uint8_t *newline = memchr(client->in, '\n', client->in_count);
    if (newline == NULL) {
        return false;
    }
    const uint32_t line_bytes = (uint32_t)(newline - client->in) + 1;
    char line[128] = {0};
    memcpy(line, client->in, line_bytes < sizeof(line) - 1 ? line_bytes : sizeof(line) - 1);
    if (is_refusal(line)) {
        return false;
    }
    if (client->asked_count == 0 || strchr("+-$", line[0]) == NULL) {
        gkv_kernel_fail(client->deeds->kernel, "reply", "node %u says \"%.60s\"", client->node,
                        line);
        return false;
    }
    const uint32_t number = client->asked[0];
    const long value_bytes = line[0] == '$' ? strtol(line + 1, NULL, 10) : -1;
    if (value_bytes < 0) {
        const bool is_set = client->deeds->made[number].is_set;
        consume(client, line_bytes);
        gkv_deeds_end(client->deeds, number, error_of(line, is_set), (struct gkv_bytes){NULL, 0});
        return true;
    }
    const uint32_t whole = line_bytes + (uint32_t)value_bytes + 2;
    if (whole > sizeof(client->in)) {
        gkv_kernel_fail(client->deeds->kernel, "reply", "node %u says \"%.60s\"", client->node,
                        line);
    }
    if (client->in_count < whole) {
        return false;
    }
    const struct gkv_bytes value = {.data = client->in + line_bytes, .count = (size_t)value_bytes};
    gkv_deeds_end(client->deeds, number, GKV_OK, value);
    consume(client, whole);
    return true;
}

/* False: the connection is over. */
static bool receive_some(struct gkv_posix_client *client)
{
    for (int i = 0; i < RECEIVE_COUNT_MAX; i++) {
        const size_t room = sizeof(client->in) - client->in_count;
        const ssize_t count = gkv_system->recv(client->fd, client->in + client->in_count, room, 0);
        if (count < 0) {
            return errno == EAGAIN || errno == EINTR;
        }
        if (count == 0) {
            return false;
        }
        client->in_count += (uint32_t)count;
        while (client->deeds->kernel->failed_check == NULL && client->in_count > 0 &&
               take_reply(client)) {
        }
    }
    return true;
}

void gkv_posix_client_step(struct gkv_posix_client *client, uint32_t node_count, uint32_t port)
{
    struct gkv_kernel *kernel = client->deeds->kernel;
    gkv_kernel_act_as(kernel, client->process);
    if (client->fd < 0) {
        if (!client->is_quiet && kernel->now_ns >= client->again_ns) {
            arrive(client, node_count, port);
        }
        return;
    }
    const bool is_idle = client->asked_count == 0;
    if (is_idle && (client->has_ended || client->is_quiet)) {
        gkv_posix_client_leave(client);
        return;
    }
    if (is_idle && draw(client, "client.leave", 32) == 31) {
        gkv_posix_client_leave(client);
        return;
    }
    if (is_idle && draw(client, "client.ask", 8) == 7) {
        ask_some(client);
    }
    const bool drops = draw(client, "client.drop", 256) == 255;
    const bool has_enough = kernel->now_ns - client->asked_ns > GKV_CLIENT_PATIENCE_NS || drops;
    const bool is_over = has_enough || !send_some(client) || !receive_some(client);
    if (is_over && !drops && client->is_owed && client->asked_count > 0) {
        gkv_kernel_fail(kernel, "reply", "node %u owes a client %u replies", client->node,
                        client->asked_count);
    }
    if (is_over) {
        gkv_posix_client_leave(client);
    }
}
