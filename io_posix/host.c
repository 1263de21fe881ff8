#include "io_posix/host.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "core/panic.h"
#include "io_posix/clock.h"
#include "io_posix/inside.h"
#include "io_posix/loop.h"
#include "io_posix/resp.h"
#include "io_posix/socket.h"
#include "io_posix/tcp.h"
#include "io_posix/udp.h"
#include "proto/bounds.h"

#define WAIT_NS_MAX (500 * GKV_NS_PER_MS) /* so that an idle thread still shows that it turns */
#define HEALTH_NS_MAX (2000 * GKV_NS_PER_MS)
#define PUBLISH_INTERVAL_NS (50 * GKV_NS_PER_MS)
#define ACCEPT_PAUSE_NS (100 * GKV_NS_PER_MS)
#define STOP_FLUSH_NS (200 * GKV_NS_PER_MS)

#define DATAGRAM_COUNT_MAX 64 /* per turn */
#define REQUEST_COUNT_MAX 256 /* per turn */
#define ACCEPT_COUNT_MAX 64   /* per turn */
#define READ_COUNT_MAX 8      /* per stream and turn */
#define SEND_COUNT_MAX 16     /* per stream and turn */

struct gkv_host {
    /* The node's thread's own. */
    struct gkv_endpoint *endpoint;
    void *endpoint_memory;
    size_t endpoint_bytes;
    struct gkv_loop loop; /* others may wake it */
    struct gkv_tcp tcp;
    struct gkv_resp_listener clients;
    struct gkv_endpoint_stats endpoint_stats; /* for clients to look at */
    struct gkv_watch datagram;
    struct gkv_watch peer_listener;
    struct gkv_resolver *resolver;
    gkv_host_member_fn on_member; /* NULL: nobody wants to know */
    void *member_context;
    struct gkv_stream *failed; /* dials that failed at once, to be told after the outputs */
    uint32_t failed_count;
    uint64_t accept_again_ns; /* no descriptors were left; GKV_NEVER: listening */
    uint64_t publish_ns;      /* when the figures are to be published next; GKV_NEVER: no news */
    uint64_t published_ns;
    uint64_t datagram_dropped_count;
    uint8_t datagram_buffer[GKV_DATAGRAM_BYTES_MAX + 1];
    bool has_work; /* something was left undone for the sake of the others: do not sleep */
    bool has_news; /* the endpoint took an input since the figures were published */

    /* Shared. */
    struct gkv_mailbox mailbox;
    pthread_mutex_t figures_mutex;
    pthread_cond_t ready_condition;
    struct gkv_host_figures figures; /* under figures_mutex */
    atomic_bool is_ready;            /* written under figures_mutex */
    atomic_bool is_stopping;         /* written under figures_mutex */
    _Atomic uint64_t turned_ns;
    struct gkv_inside inside;
    struct gkv_commons commons; /* of the node, which threads may use by themselves */
    pthread_t thread;
};

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

static void complete(struct gkv_host *host, struct gkv_now now, const struct gkv_result *result)
{
    if (gkv_resp_listener_made_cookie(result->cookie)) {
        gkv_resp_listener_on_result(&host->clients, now, result);
        return;
    }
    struct gkv_request request;
    gkv_mailbox_finish(&host->mailbox, result->cookie, &request);
    request.done(request.context, result);
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
        complete(host, now, &output->as.result);
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
static void take_outputs(struct gkv_host *host, struct gkv_now now)
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

static void submit(void *context, struct gkv_now now, const struct gkv_operation *operation)
{
    struct gkv_host *host = context;
    gkv_endpoint_submit(host->endpoint, now, operation);
    take_outputs(host, now);
}

static void take_requests(struct gkv_host *host, struct gkv_now now)
{
    for (int i = 0; i < REQUEST_COUNT_MAX; i++) {
        struct gkv_operation operation;
        if (!gkv_mailbox_take(&host->mailbox, &operation)) {
            return;
        }
        submit(host, now, &operation);
    }
    host->has_work = true;
}

static void receive_datagrams(struct gkv_host *host, struct gkv_now now)
{
    for (int i = 0; i < DATAGRAM_COUNT_MAX; i++) {
        struct gkv_address source;
        struct gkv_bytes bytes = {.data = host->datagram_buffer};
        if (!gkv_udp_receive(host->datagram.fd, host->datagram_buffer,
                             sizeof(host->datagram_buffer), &source, &bytes.count)) {
            return;
        }
        gkv_endpoint_on_datagram(host->endpoint, now, &source, bytes);
        take_outputs(host, now);
    }
}

static void close_stream(struct gkv_host *host, struct gkv_now now, struct gkv_stream stream)
{
    gkv_tcp_drop(&host->tcp, stream);
    gkv_endpoint_on_closed(host->endpoint, now, stream);
    take_outputs(host, now);
}

static void accept_peers(struct gkv_host *host, struct gkv_now now)
{
    for (int i = 0; i < ACCEPT_COUNT_MAX; i++) {
        const int fd = gkv_socket_accept(host->peer_listener.fd);
        if (fd == GKV_SOCKET_FULL) {
            /* The connection stays in the backlog, and would be reported over and over. */
            host->accept_again_ns = now.mono_ns + ACCEPT_PAUSE_NS;
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
        take_outputs(host, now); /* whoever had this place before is closed first */
        if (!gkv_tcp_adopt(&host->tcp, stream, fd)) {
            gkv_endpoint_on_closed(host->endpoint, now, stream);
            take_outputs(host, now);
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
        take_outputs(host, now);
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
    take_outputs(host, now);
    gkv_tcp_mark_dirty(&host->tcp, stream);
}

static void serve_stream(struct gkv_host *host, struct gkv_now now, const struct gkv_ready *ready)
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

static void serve_ready(struct gkv_host *host, const struct gkv_ready *ready)
{
    const struct gkv_now now = gkv_clock_now();
    switch (gkv_socket_token_kind(ready->token)) {
    case GKV_SOCKET_DATAGRAM:
        receive_datagrams(host, now);
        break;
    case GKV_SOCKET_PEER_LISTENER:
        accept_peers(host, now);
        break;
    case GKV_SOCKET_PEER:
        serve_stream(host, now, ready);
        break;
    case GKV_SOCKET_CLIENT_LISTENER:
        gkv_resp_listener_accept(&host->clients, now);
        break;
    case GKV_SOCKET_CLIENT:
        gkv_resp_listener_on_ready(&host->clients, ready);
        break;
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

static void send_streams(struct gkv_host *host, struct gkv_now now)
{
    struct gkv_tcp_socket *socket = gkv_tcp_next_dirty(&host->tcp);
    while (socket != NULL) {
        if (!send_stream(host, socket)) {
            close_stream(host, now, socket->stream);
        }
        socket = gkv_tcp_next_dirty(&host->tcp);
    }
}

static void publish(struct gkv_host *host, struct gkv_now now)
{
    const struct gkv_host_figures figures = {
        .node = gkv_node_stats(gkv_endpoint_node(host->endpoint)),
        .endpoint = gkv_endpoint_stats(host->endpoint),
        .datagram_dropped_count = host->datagram_dropped_count,
    };
    (void)pthread_mutex_lock(&host->figures_mutex);
    host->figures = figures;
    (void)pthread_mutex_unlock(&host->figures_mutex);
    host->published_ns = now.mono_ns;
    host->publish_ns = GKV_NEVER;
    host->has_news = false;
}

/* Figures wait for their interval, readiness is told at once. */
static void publish_news(struct gkv_host *host, struct gkv_now now)
{
    atomic_store(&host->turned_ns, now.mono_ns);
    const bool is_ready = gkv_node_is_ready(gkv_endpoint_node(host->endpoint));
    const bool was_ready = atomic_load(&host->is_ready);
    if (now.mono_ns >= host->publish_ns || is_ready != was_ready) {
        publish(host, now);
    }
    if (is_ready != was_ready) {
        (void)pthread_mutex_lock(&host->figures_mutex);
        atomic_store(&host->is_ready, is_ready);
        (void)pthread_cond_broadcast(&host->ready_condition);
        (void)pthread_mutex_unlock(&host->figures_mutex);
    }
}

static uint64_t earliest(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t wait_ns_of(const struct gkv_host *host)
{
    if (host->has_work) {
        return 0;
    }
    const uint64_t again_ns = earliest(host->accept_again_ns, host->clients.accept_again_ns);
    const uint64_t own_ns = earliest(host->publish_ns, again_ns);
    const uint64_t deadline_ns = earliest(gkv_endpoint_deadline_ns(host->endpoint), own_ns);
    const uint64_t now_ns = gkv_clock_mono_ns();
    return deadline_ns <= now_ns ? 0 : earliest(deadline_ns - now_ns, WAIT_NS_MAX);
}

static bool serve_clients(struct gkv_host *host, struct gkv_now now)
{
    host->endpoint_stats = gkv_endpoint_stats(host->endpoint);
    host->clients.view.datagram_dropped_count = host->datagram_dropped_count;
    return gkv_resp_listener_serve(&host->clients, now);
}

/* Listeners that paused for want of descriptors listen again; or pause again, when the loop has no
 * room for them either. */
static void resume_listeners(struct gkv_host *host, struct gkv_now now)
{
    if (now.mono_ns >= host->accept_again_ns) {
        const enum gkv_error error =
            gkv_loop_watch(&host->loop, &host->peer_listener, GKV_LOOP_READ);
        host->accept_again_ns = error == GKV_OK ? GKV_NEVER : now.mono_ns + ACCEPT_PAUSE_NS;
    }
    if (now.mono_ns >= host->clients.accept_again_ns) {
        gkv_resp_listener_accept(&host->clients, now);
    }
}

static void turn(struct gkv_host *host, uint64_t wait_ns)
{
    struct gkv_ready ready[GKV_LOOP_READY_COUNT_MAX];
    const uint32_t count = gkv_loop_wait(&host->loop, wait_ns, ready);
    host->has_work = false;
    take_requests(host, gkv_clock_now());
    for (uint32_t i = 0; i < count; i++) {
        serve_ready(host, &ready[i]);
    }
    struct gkv_now now = gkv_clock_now();
    if (serve_clients(host, now)) {
        host->has_work = true;
    }
    if (now.mono_ns >= gkv_endpoint_deadline_ns(host->endpoint)) {
        gkv_endpoint_on_timer(host->endpoint, now);
        take_outputs(host, now);
    }
    resume_listeners(host, now);
    send_streams(host, now);
    if (host->has_news) {
        host->publish_ns = host->published_ns + PUBLISH_INTERVAL_NS;
    }
    publish_news(host, now);
}

/* ---- The thread --------------------------------------------------------------------- */

static bool has_bytes_to_send(struct gkv_host *host)
{
    for (uint32_t i = 0; i < host->tcp.capacity; i++) {
        const struct gkv_tcp_socket *socket = &host->tcp.sockets[i];
        struct gkv_bytes pieces[2] = {{NULL, 0}, {NULL, 0}};
        if (socket->state == GKV_TCP_OPEN) {
            gkv_endpoint_pending(host->endpoint, socket->stream, pieces);
        }
        if (pieces[0].count + pieces[1].count > 0) {
            return true;
        }
    }
    return false;
}

/* Say that we are leaving, give what is under way a moment to end well, and say goodbye. */
static void leave(struct gkv_host *host)
{
    const struct gkv_now now = gkv_clock_now();
    gkv_endpoint_leave(host->endpoint, now);
    take_outputs(host, now);
    send_streams(host, now);
    const struct gkv_node *node = gkv_endpoint_node(host->endpoint);
    const uint64_t until_ns =
        now.mono_ns + gkv_node_options(node)->leave_ms * GKV_NS_PER_MS + STOP_FLUSH_NS;
    uint64_t now_ns = now.mono_ns;
    while (now_ns < until_ns &&
           (!gkv_node_has_left(node) || gkv_mailbox_open_count(&host->mailbox) > 0 ||
            gkv_inplace_deadline_ns(host->commons.inplace) != GKV_NEVER ||
            has_bytes_to_send(host))) {
        turn(host, earliest(wait_ns_of(host), until_ns - now_ns));
        now_ns = gkv_clock_mono_ns();
    }
}

/* What is not over now never will be. */
static void end_requests(struct gkv_host *host)
{
    struct gkv_operation posted;
    while (gkv_mailbox_take(&host->mailbox, &posted)) {
        const struct gkv_result result = {.cookie = posted.cookie, .error = GKV_ERROR_CLOSED};
        complete(host, gkv_clock_now(), &result);
    }
    for (uint64_t cookie = 0; gkv_mailbox_next_taken(&host->mailbox, &cookie); cookie++) {
        const struct gkv_result result = {.cookie = cookie, .error = GKV_ERROR_CLOSED};
        complete(host, gkv_clock_now(), &result);
    }
    GKV_ASSERT(gkv_mailbox_open_count(&host->mailbox) == 0);
}

void gkv_host_run(struct gkv_host *host)
{
    publish_news(host, gkv_clock_now());
    while (!atomic_load(&host->is_stopping)) {
        turn(host, wait_ns_of(host));
    }
    leave(host);
    end_requests(host);
}

static void *run(void *argument)
{
    gkv_host_run(argument);
    return NULL;
}

/* ---- Making and unmaking ------------------------------------------------------------ */

static enum gkv_error make_endpoint(struct gkv_host *host, const struct gkv_options *options)
{
    host->endpoint_bytes = gkv_endpoint_memory_bytes(options);
    GKV_ASSERT(host->endpoint_bytes > 0);
    void *memory = mmap(NULL, host->endpoint_bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        return GKV_ERROR_MEMORY;
    }
    host->endpoint_memory = memory;
    return gkv_endpoint_init(memory, host->endpoint_bytes, options, &host->endpoint);
}

/* Streams of the endpoint: a dialled one per member and seed, twice as many accepted ones. */
static uint32_t stream_count_of(const struct gkv_options *options)
{
    return 3 * (options->member_count_max + GKV_SEED_COUNT_MAX);
}

static enum gkv_error watch_sockets(struct gkv_host *host)
{
    host->datagram.token = gkv_socket_token(GKV_SOCKET_DATAGRAM, 0, 0);
    host->peer_listener.token = gkv_socket_token(GKV_SOCKET_PEER_LISTENER, 0, 0);
    const enum gkv_error error = gkv_loop_watch(&host->loop, &host->datagram, GKV_LOOP_READ);
    return error != GKV_OK ? error
                           : gkv_loop_watch(&host->loop, &host->peer_listener, GKV_LOOP_READ);
}

static enum gkv_error make_parts(struct gkv_host *host, const struct gkv_host_parts *parts)
{
    enum gkv_error error = make_endpoint(host, &parts->options);
    if (error == GKV_OK) {
        const uint32_t stream_count = stream_count_of(&parts->options);
        host->failed = calloc(stream_count, sizeof(*host->failed));
        error = host->failed == NULL ? GKV_ERROR_MEMORY
                                     : gkv_tcp_init(&host->tcp, &host->loop, stream_count);
    }
    if (error == GKV_OK) {
        error = watch_sockets(host);
    }
    if (error == GKV_OK) {
        host->clients.loop = &host->loop;
        host->clients.view.node = gkv_endpoint_node(host->endpoint);
        host->commons = gkv_node_commons(gkv_endpoint_node(host->endpoint));
        host->clients.view.peers = &host->endpoint_stats;
        host->clients.submit = submit;
        host->clients.context = host;
        host->clients.value_bytes_max = parts->options.value_bytes_max;
        const int client_fd = host->clients.watch.fd;
        error = gkv_resp_listener_init(&host->clients, client_fd);
    }
    return error == GKV_OK ? gkv_resolver_start(host->resolver) : error;
}

static void unmake_parts(struct gkv_host *host)
{
    gkv_resp_listener_destroy(&host->clients);
    gkv_tcp_destroy(&host->tcp);
    gkv_resolver_release(host->resolver);
    gkv_socket_close(host->datagram.fd);
    gkv_socket_close(host->peer_listener.fd);
    free(host->failed);
    if (host->endpoint_memory != NULL) {
        (void)munmap(host->endpoint_memory, host->endpoint_bytes);
    }
}

/* What needs no undoing in parts: the loop, the mailbox, the mutex and the condition, or none of
 * them. */
static enum gkv_error make_tools(struct gkv_host *host, uint32_t operation_count_max)
{
    enum gkv_error error = gkv_loop_open(&host->loop);
    if (error != GKV_OK) {
        return error;
    }
    error = gkv_mailbox_init(&host->mailbox, operation_count_max);
    if (error != GKV_OK) {
        gkv_loop_close(&host->loop);
        return error;
    }
    const bool has_mutex = pthread_mutex_init(&host->figures_mutex, NULL) == 0;
    if (has_mutex && gkv_clock_condition_init(&host->ready_condition)) {
        return GKV_OK;
    }
    if (has_mutex) {
        (void)pthread_mutex_destroy(&host->figures_mutex);
    }
    gkv_mailbox_destroy(&host->mailbox);
    gkv_loop_close(&host->loop);
    return GKV_ERROR_SYSTEM;
}

static void unmake_tools(struct gkv_host *host)
{
    (void)pthread_cond_destroy(&host->ready_condition);
    (void)pthread_mutex_destroy(&host->figures_mutex);
    gkv_mailbox_destroy(&host->mailbox);
    gkv_loop_close(&host->loop);
}

void gkv_host_destroy(struct gkv_host *host)
{
    unmake_parts(host);
    unmake_tools(host);
    free(host);
}

/* The application's signals are its own threads' business. */
static enum gkv_error start_thread(struct gkv_host *host)
{
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    const int error = pthread_create(&host->thread, NULL, run, host);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error == 0 ? GKV_OK : GKV_ERROR_SYSTEM;
}

enum gkv_error gkv_host_create(const struct gkv_host_parts *parts, struct gkv_host **host_out)
{
    struct gkv_host *host = calloc(1, sizeof(*host));
    if (host == NULL) {
        gkv_socket_close(parts->datagram_fd);
        gkv_socket_close(parts->peer_fd);
        if (parts->client_fd >= 0) {
            gkv_socket_close(parts->client_fd);
        }
        gkv_resolver_release(parts->resolver);
        return GKV_ERROR_MEMORY;
    }
    host->datagram.fd = parts->datagram_fd;
    host->peer_listener.fd = parts->peer_fd;
    host->clients.watch.fd = parts->client_fd;
    host->resolver = parts->resolver;
    host->on_member = parts->on_member;
    host->member_context = parts->member_context;
    host->accept_again_ns = GKV_NEVER;
    host->publish_ns = GKV_NEVER;
    enum gkv_error error = make_tools(host, parts->options.operation_count_max);
    if (error != GKV_OK) {
        unmake_parts(host);
        free(host);
        return error;
    }
    error = make_parts(host, parts);
    if (error != GKV_OK) {
        gkv_host_destroy(host);
        return error;
    }
    *host_out = host;
    return GKV_OK;
}

enum gkv_error gkv_host_start(const struct gkv_host_parts *parts, struct gkv_host **host_out)
{
    struct gkv_host *host = NULL;
    enum gkv_error error = gkv_host_create(parts, &host);
    if (error != GKV_OK) {
        return error;
    }
    error = start_thread(host);
    if (error != GKV_OK) {
        gkv_host_destroy(host);
        return error;
    }
    *host_out = host;
    return GKV_OK;
}

void gkv_host_ask_to_stop(struct gkv_host *host)
{
    gkv_mailbox_close(&host->mailbox);
    (void)pthread_mutex_lock(&host->figures_mutex);
    atomic_store(&host->is_stopping, true);
    (void)pthread_cond_broadcast(&host->ready_condition);
    (void)pthread_mutex_unlock(&host->figures_mutex);
    gkv_loop_wake(&host->loop);
}

void gkv_host_stop(struct gkv_host *host)
{
    GKV_ASSERT(!gkv_host_is_own_thread(host));
    gkv_host_ask_to_stop(host);
    (void)pthread_join(host->thread, NULL);

    gkv_inside_wait(&host->inside); /* callers have their answers, and take the last steps out */
    gkv_host_destroy(host);
}

/* ---- Any thread --------------------------------------------------------------------- */

void gkv_host_enter(struct gkv_host *host)
{
    gkv_inside_enter(&host->inside);
}

void gkv_host_exit(struct gkv_host *host)
{
    gkv_inside_exit(&host->inside);
}

bool gkv_host_commons(const struct gkv_host *host, struct gkv_commons *commons_out)
{
    *commons_out = host->commons;
    return !atomic_load_explicit(&host->is_stopping, memory_order_relaxed);
}

void gkv_host_wake(struct gkv_host *host)
{
    gkv_loop_wake(&host->loop);
}

bool gkv_host_is_own_thread(const struct gkv_host *host)
{
    return pthread_equal(pthread_self(), host->thread) != 0;
}

enum gkv_error gkv_host_post(struct gkv_host *host, const struct gkv_request *request)
{
    bool wake = false;
    const enum gkv_error error = gkv_mailbox_post(&host->mailbox, request, &wake);
    if (wake) {
        gkv_loop_wake(&host->loop);
    }
    return error;
}

void gkv_host_figures(struct gkv_host *host, struct gkv_host_figures *figures_out)
{
    (void)pthread_mutex_lock(&host->figures_mutex);
    *figures_out = host->figures;
    (void)pthread_mutex_unlock(&host->figures_mutex);
}

enum gkv_error gkv_host_wait_ready(struct gkv_host *host, uint64_t mono_ns)
{
    (void)pthread_mutex_lock(&host->figures_mutex);
    while (!atomic_load(&host->is_ready) && !atomic_load(&host->is_stopping) &&
           gkv_clock_mono_ns() < mono_ns) {
        gkv_clock_wait(&host->ready_condition, &host->figures_mutex, mono_ns);
    }
    const bool is_ready = atomic_load(&host->is_ready);
    const bool is_stopping = atomic_load(&host->is_stopping);
    (void)pthread_mutex_unlock(&host->figures_mutex);
    if (is_stopping) {
        return GKV_ERROR_CLOSED;
    }
    return is_ready ? GKV_OK : GKV_ERROR_NOT_READY;
}

enum gkv_error gkv_host_health(const struct gkv_host *host)
{
    if (atomic_load(&host->is_stopping)) {
        return GKV_ERROR_CLOSED;
    }
    const uint64_t turned_ns = atomic_load(&host->turned_ns);
    const uint64_t now_ns = gkv_clock_mono_ns();
    const bool turns = now_ns < turned_ns || now_ns - turned_ns <= HEALTH_NS_MAX;
    return turns && atomic_load(&host->is_ready) ? GKV_OK : GKV_ERROR_NOT_READY;
}
