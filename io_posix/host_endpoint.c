#include "io_posix/host_endpoint.h"

#include "core/panic.h"
#include "io_posix/socket.h"
#include "io_posix/udp.h"

#define DATAGRAM_COUNT_MAX 64 /* per turn */
#define ACCEPT_COUNT_MAX 64   /* per turn */
#define READ_COUNT_MAX 8      /* per stream and turn */
#define SEND_COUNT_MAX 16     /* per stream and turn */

/* ---- Outputs: what the endpoint wants done ------------------------------------------ */

static const struct gkv_members *members_of(const struct gkv_host *host)
{
    return gkv_node_members(gkv_endpoint_node(host->endpoint));
}

/* Where a seed given by name is now; false when there is nothing to send to: not resolved yet, or
 * it is a member that we can reach already (the core, which knows only the alias, would ask for
 * ever). */
static bool translate(struct gkv_host *host, const struct gkv_address *address,
                      struct gkv_address *address_out)
{
    *address_out = *address;
    if (!gkv_resolver_is_alias(address)) {
        return true;
    }
    if (!gkv_resolver_translate(host->resolver, address, address_out)) {
        return false;
    }
    const struct gkv_members *members = members_of(host);
    const uint16_t index = gkv_member_find_address(members, address_out);
    return index == GKV_MEMBER_INDEX_NONE ||
           !gkv_member_is_reachable(gkv_member_at(members, index));
}

static void send_datagram(struct gkv_host *host, const struct gkv_address *address,
                          struct gkv_bytes bytes)
{
    struct gkv_address target;
    if (!translate(host, address, &target) || !gkv_udp_send(host->datagram.fd, &target, bytes)) {
        host->datagram_dropped_count++;
    }
}

/* The endpoint takes no input while it has outputs, so a dial that fails at once is told
 * afterwards. */
static void dial(struct gkv_host *host, struct gkv_stream stream, const struct gkv_address *address)
{
    struct gkv_address target;
    if (!translate(host, address, &target) || !gkv_tcp_dial(&host->tcp, stream, &target)) {
        GKV_ASSERT(host->failed_count < host->tcp.capacity);
        host->failed[host->failed_count++] = stream;
    }
}

void gkv_host_complete(struct gkv_host *host, struct gkv_now now, const struct gkv_result *result)
{
    if (gkv_resp_listener_made_cookie(result->cookie)) {
        gkv_resp_listener_on_result(&host->clients, now, result);
        return;
    }
    struct gkv_request request;
    gkv_mailbox_finish(&host->mailbox, result->cookie, &request);
    host->has_batch = true;
    request.done(&request, result);
}

static void tell_member(struct gkv_host *host, const struct gkv_update *said)
{
    if (host->on_member != NULL) {
        host->on_member(host->member_context, members_of(host), said);
    }
}

static void tell_degraded(struct gkv_host *host, struct gkv_node_id who)
{
    const struct gkv_members *members = members_of(host);
    const uint16_t index = gkv_member_find(members, who);
    if (index != GKV_MEMBER_INDEX_NONE) { /* else: forgotten in the same input */
        tell_member(host, &gkv_member_at(members, index)->said);
    }
}

static void do_output(struct gkv_host *host, struct gkv_now now, const struct gkv_output *output)
{
    switch (output->kind) {
    case GKV_OUTPUT_DATAGRAM:
        send_datagram(host, &output->as.datagram.address, output->as.datagram.bytes);
        break;
    case GKV_OUTPUT_CONNECT:
        dial(host, output->as.connect.stream, &output->as.connect.address);
        break;
    case GKV_OUTPUT_CLOSE:
        gkv_tcp_drop(&host->tcp, output->as.stream);
        break;
    case GKV_OUTPUT_SEND:
        gkv_tcp_mark_dirty(&host->tcp, output->as.stream);
        break;
    case GKV_OUTPUT_COMPLETE:
        gkv_host_complete(host, now, &output->as.result);
        break;
    case GKV_OUTPUT_MEMBER:
        tell_member(host, &output->as.member);
        break; /* readiness is looked at once a turn */
    case GKV_OUTPUT_DEGRADED:
        tell_degraded(host, output->as.degraded.who.id);
        break;
    }
}

/* Take outputs until there are none. Telling a failed dial makes new ones, but no new dial to the
 * same peer before its backoff has passed, so this ends. */
void gkv_host_take_outputs(struct gkv_host *host, struct gkv_now now)
{
    host->has_news = true;
    for (;;) {
        struct gkv_output output;
        while (gkv_endpoint_next_output(host->endpoint, &output)) {
            do_output(host, now, &output);
        }
        if (host->failed_count == 0) {
            break;
        }
        gkv_endpoint_on_closed(host->endpoint, now, host->failed[--host->failed_count]);
    }
}

/* ---- Inputs: what the world did ----------------------------------------------------- */

void gkv_host_submit(void *context, struct gkv_now now, const struct gkv_operation *operation)
{
    struct gkv_host *host = context;
    gkv_endpoint_submit(host->endpoint, now, operation);
    gkv_host_take_outputs(host, now);
}

void gkv_host_receive_datagrams(struct gkv_host *host, struct gkv_now now)
{
    for (int i = 0; i < DATAGRAM_COUNT_MAX; i++) {
        struct gkv_address source;
        struct gkv_bytes bytes = {.data = host->datagram_buffer};
        if (!gkv_udp_receive(host->datagram.fd, host->datagram_buffer,
                             sizeof(host->datagram_buffer), &source, &bytes.count)) {
            return;
        }
        gkv_endpoint_on_datagram(host->endpoint, now, &source, bytes);
        gkv_host_take_outputs(host, now);
    }
}

static void close_stream(struct gkv_host *host, struct gkv_now now, struct gkv_stream stream)
{
    gkv_tcp_drop(&host->tcp, stream);
    gkv_endpoint_on_closed(host->endpoint, now, stream);
    gkv_host_take_outputs(host, now);
}

void gkv_host_accept_peers(struct gkv_host *host, struct gkv_now now)
{
    for (int i = 0; i < ACCEPT_COUNT_MAX; i++) {
        const int fd = gkv_socket_accept(host->peer_listener.fd);
        if (fd == GKV_SOCKET_FULL) {
            /* The connection stays in the backlog, and would be reported over and over. */
            host->accept_again_ns = now.mono_ns + GKV_HOST_ACCEPT_PAUSE_NS;
            (void)!gkv_loop_watch(&host->loop, &host->peer_listener, 0);
        }
        if (fd < 0) {
            return;
        }
        struct gkv_stream stream;
        if (gkv_endpoint_on_accepted(host->endpoint, now, &stream) != GKV_OK) {
            gkv_socket_close(fd);
            continue;
        }
        gkv_host_take_outputs(host, now); /* whoever had this place before is closed first */
        if (!gkv_tcp_adopt(&host->tcp, stream, fd)) {
            gkv_endpoint_on_closed(host->endpoint, now, stream);
            gkv_host_take_outputs(host, now);
        }
    }
}

static void receive_stream(struct gkv_host *host, struct gkv_now now, struct gkv_stream stream)
{
    for (int i = 0; i < READ_COUNT_MAX; i++) {
        struct gkv_tcp_socket *socket = gkv_tcp_find(&host->tcp, stream);
        if (socket == NULL) {
            return; /* what it said made the endpoint close it */
        }
        size_t room = 0;
        uint8_t *buffer = gkv_endpoint_receive_buffer(host->endpoint, stream, &room);
        if (room == 0) {
            return;
        }
        const ptrdiff_t count = gkv_socket_receive(socket->watch.fd, buffer, room);
        if (count == GKV_SOCKET_CLOSED) {
            close_stream(host, now, stream);
        }
        if (count <= 0) {
            return;
        }
        gkv_endpoint_on_received(host->endpoint, now, stream, (size_t)count);
        gkv_host_take_outputs(host, now);
        if ((size_t)count < room) {
            return; /* that was all */
        }
    }
}

/* A connect is over, for better or worse. */
static void finish_dial(struct gkv_host *host, struct gkv_now now, struct gkv_tcp_socket *socket,
                        const struct gkv_ready *ready)
{
    const struct gkv_stream stream = socket->stream;
    const int error = ready->error != 0 ? ready->error : gkv_socket_connect_error(socket->watch.fd);
    if (error != 0 || !gkv_tcp_opened(&host->tcp, socket)) {
        close_stream(host, now, stream);
        return;
    }
    gkv_endpoint_on_connected(host->endpoint, now, stream);
    gkv_host_take_outputs(host, now);
    gkv_tcp_mark_dirty(&host->tcp, stream);
}

void gkv_host_serve_stream(struct gkv_host *host, struct gkv_now now, const struct gkv_ready *ready)
{
    struct gkv_tcp_socket *socket = gkv_tcp_find_token(&host->tcp, ready->token);
    if (socket == NULL) {
        return; /* closed earlier in this turn */
    }
    if (socket->state == GKV_TCP_CONNECTING) {
        finish_dial(host, now, socket, ready);
        return;
    }
    const struct gkv_stream stream = socket->stream;
    if ((ready->events & GKV_LOOP_WRITE) != 0) {
        gkv_tcp_mark_dirty(&host->tcp, stream);
    }
    /* A failed stream is read as well: what came before the failure counts, and the read tells
     * it. */
    if ((ready->events & (GKV_LOOP_READ | GKV_LOOP_CLOSED)) != 0) {
        receive_stream(host, now, stream);
    }
}

/* ---- The end of a turn -------------------------------------------------------------- */

/* Send what a stream has; false when it failed. */
static bool send_stream(struct gkv_host *host, struct gkv_tcp_socket *socket)
{
    uint32_t interest = GKV_LOOP_READ;
    for (int i = 0; i < SEND_COUNT_MAX; i++) {
        struct gkv_bytes pieces[2];
        gkv_endpoint_pending(host->endpoint, socket->stream, pieces);
        const size_t pending = pieces[0].count + pieces[1].count;
        if (pending == 0) {
            interest = GKV_LOOP_READ;
            break;
        }
        interest = GKV_LOOP_READ | GKV_LOOP_WRITE; /* unless all of it goes */
        const ptrdiff_t count = gkv_socket_send(socket->watch.fd, pieces);
        if (count == GKV_SOCKET_CLOSED) {
            return false;
        }
        if (count == GKV_SOCKET_AGAIN) {
            break;
        }
        gkv_endpoint_sent(host->endpoint, socket->stream, (size_t)count);
    }
    return gkv_loop_watch(&host->loop, &socket->watch, interest) == GKV_OK;
}

void gkv_host_send_streams(struct gkv_host *host, struct gkv_now now)
{
    struct gkv_tcp_socket *socket = gkv_tcp_next_dirty(&host->tcp);
    while (socket != NULL) {
        if (!send_stream(host, socket)) {
            close_stream(host, now, socket->stream);
        }
        socket = gkv_tcp_next_dirty(&host->tcp);
    }
}
