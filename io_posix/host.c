#include "io_posix/host.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "core/panic.h"
#include "io_posix/clock.h"
#include "io_posix/host_endpoint.h"
#include "io_posix/host_state.h"
#include "io_posix/huge.h"
#include "io_posix/socket.h"

#define WAIT_NS_MAX (500 * GKV_NS_PER_MS) /* so that an idle thread still shows that it turns */
#define HEALTH_NS_MAX (2000 * GKV_NS_PER_MS)
#define PUBLISH_INTERVAL_NS (50 * GKV_NS_PER_MS)
#define STOP_FLUSH_NS (200 * GKV_NS_PER_MS)

#define REQUEST_COUNT_MAX 256 /* per turn */

/* ---- A turn ------------------------------------------------------------------------- */

static void take_requests(struct gkv_host *host, struct gkv_now now)
{
    for (int i = 0; i < REQUEST_COUNT_MAX; i++) {
        struct gkv_operation operation;
        if (!gkv_mailbox_take(&host->mailbox, &operation)) {
            return;
        }
        gkv_host_submit(host, now, &operation);
    }
    host->has_work = true;
}

static void serve_ready(struct gkv_host *host, const struct gkv_ready *ready)
{
    if (gkv_socket_token_kind(ready->token) == GKV_SOCKET_CLIENT) {
        /* Taken note of, and no clock is read: clients are served together, later in the turn. */
        gkv_resp_listener_on_ready(&host->clients, ready);
        return;
    }
    const struct gkv_now now = gkv_clock_now();
    switch (gkv_socket_token_kind(ready->token)) {
    case GKV_SOCKET_DATAGRAM:
        gkv_host_receive_datagrams(host, now);
        break;
    case GKV_SOCKET_PEER_LISTENER:
        gkv_host_accept_peers(host, now);
        break;
    case GKV_SOCKET_PEER:
        gkv_host_serve_stream(host, now, ready);
        break;
    case GKV_SOCKET_CLIENT_LISTENER:
        gkv_resp_listener_accept(&host->clients, now);
        break;
    case GKV_SOCKET_CLIENT:
        break;
    }
}

/* Who waits for what was done is told once, and after the peers: it would be in their way. */
static void end_batch(struct gkv_host *host)
{
    if (host->has_batch && host->on_batch != NULL) {
        host->on_batch(host->batch_context);
    }
    host->was_busy = host->has_batch;
    host->has_batch = false;
}

static void publish(struct gkv_host *host, struct gkv_now now)
{
    const struct gkv_host_figures figures = {
        .node = gkv_node_stats(gkv_endpoint_node(host->endpoint)),
        .endpoint = gkv_endpoint_stats(host->endpoint),
        .datagram_dropped_count = host->datagram_dropped_count,
        .huge_page_bytes = host->huge_page_bytes,
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
        host->accept_again_ns =
            error == GKV_OK ? GKV_NEVER : now.mono_ns + GKV_HOST_ACCEPT_PAUSE_NS;
    }
    if (now.mono_ns >= host->clients.accept_again_ns) {
        gkv_resp_listener_accept(&host->clients, now);
    }
}

/* Answers are under way, and nobody was just told something who may want the processor. */
static bool expects_answers(const struct gkv_host *host)
{
    return !host->was_busy && gkv_node_open_count(gkv_endpoint_node(host->endpoint)) > 0;
}

/* Look for work without sleeping, for wait_ns at most: what gkv_loop_wait says. */
static uint32_t spin(struct gkv_host *host, uint64_t wait_ns, struct gkv_ready *ready_out,
                     bool *found_out)
{
    const uint64_t start_ns = gkv_clock_mono_ns();
    uint64_t now_ns = start_ns;
    uint32_t count = 0;
    *found_out = false;
    while (!*found_out && now_ns - start_ns < earliest(wait_ns, host->spin.spin_ns)) {
        count = gkv_loop_wait(&host->loop, 0, ready_out);
        *found_out = count > 0 || host->loop.was_woken || gkv_mailbox_has_posted(&host->mailbox);
        now_ns = gkv_clock_mono_ns();
    }
    return count;
}

static uint32_t wait(struct gkv_host *host, uint64_t wait_ns, struct gkv_ready *ready_out)
{
    if (wait_ns > 0 && expects_answers(host) && gkv_spin_begin(&host->spin)) {
        bool found = false;
        const uint32_t count = spin(host, wait_ns, ready_out, &found);
        gkv_spin_end(&host->spin, found);
        if (found) {
            return count;
        }
        wait_ns -= earliest(wait_ns, host->spin.spin_ns);
    }
    const bool may_sleep = wait_ns > 0 && gkv_mailbox_sleep(&host->mailbox);
    return gkv_loop_wait(&host->loop, may_sleep ? wait_ns : 0, ready_out);
}

static void turn(struct gkv_host *host, uint64_t wait_ns)
{
    struct gkv_ready ready[GKV_LOOP_READY_COUNT_MAX];
    const uint32_t count = wait(host, wait_ns, ready);
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
        gkv_host_take_outputs(host, now);
    }
    resume_listeners(host, now);
    gkv_host_send_streams(host, now);
    end_batch(host);
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
    gkv_host_take_outputs(host, now);
    gkv_host_send_streams(host, now);
    const struct gkv_node *node = gkv_endpoint_node(host->endpoint);
    const uint64_t until_ns =
        now.mono_ns + gkv_node_options(node)->leave_ms * GKV_NS_PER_MS + STOP_FLUSH_NS;
    uint64_t now_ns = now.mono_ns;
    while (now_ns < until_ns &&
           (!gkv_node_has_left(node) || gkv_mailbox_open_count(&host->mailbox) > 0 ||
            gkv_inplace_deadline_ns(host->errands.commons.inplace) != GKV_NEVER ||
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
        gkv_host_complete(host, gkv_clock_now(), &result);
    }
    for (uint64_t cookie = 0; gkv_mailbox_next_taken(&host->mailbox, &cookie); cookie++) {
        const struct gkv_result result = {.cookie = cookie, .error = GKV_ERROR_CLOSED};
        gkv_host_complete(host, gkv_clock_now(), &result);
    }
    end_batch(host);
    GKV_ASSERT(gkv_mailbox_open_count(&host->mailbox) == 0);
}

void gkv_host_run(struct gkv_host *host)
{
    publish_news(host, gkv_clock_now());
    while (!atomic_load(&host->errands.is_stopping)) {
        turn(host, wait_ns_of(host));
    }
    leave(host);
    end_requests(host);
}

static void *run(void *argument)
{
    struct gkv_host *host = argument;
    atomic_store(&host->errands.own_self, gkv_inside_self());
    gkv_host_run(host);
    return NULL;
}

/* ---- Making and unmaking ------------------------------------------------------------ */

static enum gkv_error make_endpoint(struct gkv_host *host, const struct gkv_host_parts *parts)
{
    const struct gkv_options *options = &parts->options;
    host->endpoint_bytes = gkv_endpoint_memory_bytes(options);
    GKV_ASSERT(host->endpoint_bytes > 0);
    void *memory = mmap(NULL, host->endpoint_bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        return GKV_ERROR_MEMORY;
    }
    host->endpoint_memory = memory;
    const enum gkv_error error =
        gkv_endpoint_init(memory, host->endpoint_bytes, options, &host->endpoint);
    if (error == GKV_OK && parts->wants_huge_pages) {
        host->huge_page_bytes = gkv_huge_use(gkv_node_store(gkv_endpoint_node(host->endpoint)));
    }
    return error;
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
    enum gkv_error error = make_endpoint(host, parts);
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
        host->errands.commons = gkv_node_commons(gkv_endpoint_node(host->endpoint));
        host->errands.loop = &host->loop;
        gkv_inside_init(&host->errands.inside);
        host->clients.view.commons = &host->errands.commons;
        host->clients.view.peers = &host->endpoint_stats;
        host->clients.submit = gkv_host_submit;
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
    struct gkv_host *host = aligned_alloc(_Alignof(struct gkv_host), sizeof(*host));
    if (host == NULL) {
        gkv_socket_close(parts->datagram_fd);
        gkv_socket_close(parts->peer_fd);
        if (parts->client_fd >= 0) {
            gkv_socket_close(parts->client_fd);
        }
        gkv_resolver_release(parts->resolver);
        return GKV_ERROR_MEMORY;
    }
    memset(host, 0, sizeof(*host));
    host->datagram.fd = parts->datagram_fd;
    host->peer_listener.fd = parts->peer_fd;
    host->clients.watch.fd = parts->client_fd;
    host->resolver = parts->resolver;
    host->on_member = parts->on_member;
    host->member_context = parts->member_context;
    host->spin = gkv_spin_make(parts->spin_ns);
    host->on_batch = parts->on_batch;
    host->batch_context = parts->batch_context;
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
    atomic_store(&host->errands.is_stopping, true);
    (void)pthread_cond_broadcast(&host->ready_condition);
    (void)pthread_mutex_unlock(&host->figures_mutex);
    gkv_loop_wake(&host->loop);
}

void gkv_host_stop(struct gkv_host *host)
{
    GKV_ASSERT(!gkv_host_is_own_thread(host));
    gkv_host_ask_to_stop(host);
    (void)pthread_join(host->thread, NULL);

    /* Callers have their answers, and take the last steps out. */
    gkv_inside_wait(&host->errands.inside);
    gkv_host_destroy(host);
}

/* ---- Any thread --------------------------------------------------------------------- */

struct gkv_inside_place *gkv_host_enter(struct gkv_host *host)
{
    return gkv_inside_enter(&host->errands.inside, gkv_inside_self());
}

void gkv_host_exit(struct gkv_inside_place *place)
{
    gkv_inside_exit(place);
}

struct gkv_errands *gkv_host_errands(struct gkv_host *host)
{
    return &host->errands;
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
    while (!atomic_load(&host->is_ready) && !atomic_load(&host->errands.is_stopping) &&
           gkv_clock_mono_ns() < mono_ns) {
        gkv_clock_wait(&host->ready_condition, &host->figures_mutex, mono_ns);
    }
    const bool is_ready = atomic_load(&host->is_ready);
    const bool is_stopping = atomic_load(&host->errands.is_stopping);
    (void)pthread_mutex_unlock(&host->figures_mutex);
    if (is_stopping) {
        return GKV_ERROR_CLOSED;
    }
    return is_ready ? GKV_OK : GKV_ERROR_NOT_READY;
}

enum gkv_error gkv_host_health(const struct gkv_host *host)
{
    if (atomic_load(&host->errands.is_stopping)) {
        return GKV_ERROR_CLOSED;
    }
    const uint64_t turned_ns = atomic_load(&host->turned_ns);
    const uint64_t now_ns = gkv_clock_mono_ns();
    const bool turns = now_ns < turned_ns || now_ns - turned_ns <= HEALTH_NS_MAX;
    return turns && atomic_load(&host->is_ready) ? GKV_OK : GKV_ERROR_NOT_READY;
}
