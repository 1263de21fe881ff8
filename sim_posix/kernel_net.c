#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "core/panic.h"
#include "core/types.h"
#include "sim_posix/kernel.h"

#define BACKLOG_COUNT_MAX (sizeof(((struct gkv_kernel_file *)0)->backlog) / sizeof(uint32_t))
#define INBOX_COUNT_MAX 128
#define HELD_NS (20 * GKV_NS_PER_MS) /* what a cut link holds back is tried again */
#define SYN_AGAIN_NS (1000 * GKV_NS_PER_MS)
#define SYN_TIMEOUT_NS (127000 * GKV_NS_PER_MS)
#define TIMEOUT_NS (900000 * GKV_NS_PER_MS) /* of what nobody acknowledges */

enum packet_kind {
    PACKET_SYN = 1,    /* to the dialler itself, as a question: does its target listen? */
    PACKET_OPENED = 2, /* to the dialler */
    PACKET_FAIL = 3,   /* an error of a connect or of a datagram sent */
    PACKET_ARRIVE = 4,
    PACKET_END = 5,
    PACKET_RESET = 6,
    PACKET_DATAGRAM = 7, /* to its place; the file is the sender's */
};

/* ---- Files ---- */

struct gkv_kernel_file *gkv_kernel_file_make(struct gkv_kernel *kernel, enum gkv_kernel_kind kind,
                                             uint32_t process)
{
    for (uint32_t i = 0; i < GKV_KERNEL_FILE_COUNT_MAX; i++) {
        struct gkv_kernel_file *file = &kernel->files[i];
        if (file->kind == GKV_KERNEL_FREE) {
            *file = (struct gkv_kernel_file){
                .kind = kind,
                .serial = kernel->serial_next++,
                .process = process,
                .fd = -1,
                .peer = GKV_KERNEL_NONE,
                .end = UINT64_MAX,
            };
            kernel->file_count = i < kernel->file_count ? kernel->file_count : i + 1;
            return file;
        }
    }
    gkv_kernel_fail(kernel, "leak", "over %d files are open", GKV_KERNEL_FILE_COUNT_MAX);
    return NULL;
}

struct gkv_kernel_file *gkv_kernel_peer(const struct gkv_kernel *kernel,
                                        const struct gkv_kernel_file *file)
{
    if (file->peer == GKV_KERNEL_NONE) {
        return NULL;
    }
    const struct gkv_kernel_file *peer = &kernel->files[file->peer];
    const bool hears = peer->serial == file->peer_serial && peer->kind != GKV_KERNEL_FREE &&
                       !peer->is_over && peer->peer_serial == file->serial;
    return hears ? (struct gkv_kernel_file *)(uintptr_t)peer : NULL;
}

uint64_t gkv_kernel_room(const struct gkv_kernel *kernel, const struct gkv_kernel_file *file)
{
    const struct gkv_kernel_file *peer = gkv_kernel_peer(kernel, file);
    return peer == NULL ? kernel->window_bytes
                        : kernel->window_bytes - (peer->written - peer->taken);
}

static uint32_t stream_events(const struct gkv_kernel *kernel, const struct gkv_kernel_file *file)
{
    const bool has_end = file->arrived == file->end;
    uint32_t events = 0;
    if (file->arrived > file->taken || has_end || file->is_over) {
        events |= EPOLLIN;
    }
    if (file->is_over || gkv_kernel_room(kernel, file) > 0) {
        events |= EPOLLOUT;
    }
    if (file->error != 0) {
        events |= EPOLLERR;
    }
    return file->is_over || (file->is_shut && has_end) ? events | EPOLLHUP : events;
}

uint32_t gkv_kernel_file_events(const struct gkv_kernel *kernel, const struct gkv_kernel_file *file)
{
    switch (file->kind) {
    case GKV_KERNEL_LISTENER:
        return file->backlog_count > 0 ? EPOLLIN : 0;
    case GKV_KERNEL_REFUSED:
        return (uint32_t)EPOLLIN | EPOLLOUT | EPOLLHUP | (file->error != 0 ? EPOLLERR : 0);
    case GKV_KERNEL_STREAM:
        return stream_events(kernel, file);
    case GKV_KERNEL_DATAGRAM:
        return (uint32_t)EPOLLOUT | (file->inbox != NULL ? EPOLLIN : 0) |
               (file->error != 0 ? EPOLLERR : 0);
    case GKV_KERNEL_EVENT:
        return (uint32_t)EPOLLOUT | (file->counter > 0 ? EPOLLIN : 0);
    case GKV_KERNEL_SOCKET:
        return (uint32_t)EPOLLOUT | EPOLLHUP;
    case GKV_KERNEL_FREE:
    case GKV_KERNEL_CONNECTING:
    case GKV_KERNEL_QUEUE:
        break;
    }
    return 0;
}

uint32_t gkv_kernel_file_report(const struct gkv_kernel *kernel, const struct gkv_kernel_file *file)
{
    return file->is_watched ? gkv_kernel_file_events(kernel, file) &
                                  (file->interest | (uint32_t)EPOLLERR | EPOLLHUP)
                            : 0;
}

/* ---- Packets ---- */

static uint64_t draw_latency_ns(struct gkv_kernel *kernel)
{
    return kernel->latency_ns +
           gkv_chance_below(kernel->chance, "packet.jitter", kernel->faults.jitter_ns + 1);
}

static void queue_packet(struct gkv_kernel *kernel, struct gkv_kernel_packet *packet,
                         uint64_t at_ns)
{
    packet->at_ns = at_ns;
    struct gkv_kernel_packet **place = &kernel->packets;
    while (*place != NULL && (*place)->at_ns <= at_ns) {
        place = &(*place)->next;
    }
    packet->next = *place;
    *place = packet;
}

static struct gkv_kernel_packet *make_packet(struct gkv_kernel *kernel, enum packet_kind kind,
                                             const struct gkv_kernel_file *file, uint32_t count)
{
    struct gkv_kernel_packet *packet = calloc(1, sizeof(*packet) + count);
    GKV_ASSERT(packet != NULL);
    packet->kind = kind;
    packet->sent_ns = kernel->now_ns;
    packet->file = gkv_kernel_file_index(kernel, file);
    packet->serial = file->serial;
    packet->from = file->process;
    packet->count = count;
    return packet;
}

/* To a file from the process of its other end. */
static void tell(struct gkv_kernel *kernel, enum packet_kind kind,
                 const struct gkv_kernel_file *file, uint64_t position)
{
    struct gkv_kernel_packet *packet = make_packet(kernel, kind, file, 0);
    packet->from = file->peer_process;
    packet->position = position;
    queue_packet(kernel, packet, kernel->now_ns + draw_latency_ns(kernel));
}

/* ---- Streams ---- */

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

void gkv_kernel_read(struct gkv_kernel *kernel, struct gkv_kernel_file *file, void *buffer,
                     uint64_t count)
{
    GKV_ASSERT(count <= file->arrived - file->taken);
    const uint64_t at = file->taken % kernel->window_bytes;
    const uint64_t first = least(count, kernel->window_bytes - at);
    memcpy(buffer, file->ring + at, first);
    memcpy((uint8_t *)buffer + first, file->ring, count - first);
    file->taken += count;
}

static void reset(struct gkv_kernel *kernel, struct gkv_kernel_file *file, int error)
{
    if (file->is_over) {
        return;
    }
    file->is_over = true;
    file->error = error;
    file->peer = GKV_KERNEL_NONE;
    if (file->kind == GKV_KERNEL_CONNECTING) {
        file->kind = GKV_KERNEL_REFUSED;
    }
    kernel->tally.resets++;
}

void gkv_kernel_break(struct gkv_kernel *kernel, struct gkv_kernel_file *file)
{
    struct gkv_kernel_file *peer = gkv_kernel_peer(kernel, file);
    const uint64_t who = gkv_chance_below(kernel->chance, "break.who", 4);
    kernel->tally.broken++;
    if (who == 3) { /* the peer alone knows: we shall be told when we speak */
        if (peer != NULL) {
            reset(kernel, peer, ECONNRESET);
        }
        return;
    }
    if (who < 2 && peer != NULL) {
        tell(kernel, PACKET_RESET, peer, 0);
    }
    reset(kernel, file, who == 0 ? ECONNRESET : ETIMEDOUT);
}

static void close_backlog(struct gkv_kernel *kernel, struct gkv_kernel_file *listener)
{
    for (uint32_t i = 0; i < listener->backlog_count; i++) {
        gkv_kernel_file_close(kernel, &kernel->files[listener->backlog[i]]);
    }
    listener->backlog_count = 0;
}

/* It is in a backlog, and its listener goes first: a connection nobody took is reset. */
static void close_stream(struct gkv_kernel *kernel, struct gkv_kernel_file *file)
{
    const struct gkv_kernel_file *peer = gkv_kernel_peer(kernel, file);
    if (peer == NULL) {
        return;
    }
    const bool is_reset = file->written > file->taken || file->fd < 0;
    if (is_reset || !file->is_shut) {
        tell(kernel, is_reset ? PACKET_RESET : PACKET_END, peer, peer->written);
    }
}

void gkv_kernel_file_close(struct gkv_kernel *kernel, struct gkv_kernel_file *file)
{
    GKV_ASSERT(file->kind != GKV_KERNEL_FREE);
    if (file->kind == GKV_KERNEL_LISTENER) {
        close_backlog(kernel, file);
    }
    if (file->kind == GKV_KERNEL_STREAM || file->kind == GKV_KERNEL_CONNECTING) {
        close_stream(kernel, file);
    }
    while (file->inbox != NULL) {
        struct gkv_kernel_packet *packet = file->inbox;
        file->inbox = packet->next;
        free(packet);
    }
    if (file->fd >= 0) {
        kernel->processes[file->process].descriptors[file->fd] = GKV_KERNEL_NONE;
        kernel->processes[file->process].open_count--;
    }
    free(file->ring);
    *file = (struct gkv_kernel_file){.kind = GKV_KERNEL_FREE};
}

void gkv_kernel_write(struct gkv_kernel *kernel, struct gkv_kernel_file *file, const void *bytes,
                      uint64_t count)
{
    struct gkv_kernel_file *peer = gkv_kernel_peer(kernel, file);
    if (peer == NULL) {
        tell(kernel, PACKET_RESET, file, 0);
        return;
    }
    GKV_ASSERT(count <= gkv_kernel_room(kernel, file));
    if (peer->ring == NULL) {
        peer->ring = malloc(kernel->window_bytes);
        GKV_ASSERT(peer->ring != NULL);
    }
    const uint64_t at = peer->written % kernel->window_bytes;
    const uint64_t first = least(count, kernel->window_bytes - at);
    memcpy(peer->ring + at, bytes, first);
    memcpy(peer->ring, (const uint8_t *)bytes + first, count - first);
    peer->written += count;
    tell(kernel, PACKET_ARRIVE, peer, peer->written);
}

void gkv_kernel_end_writing(struct gkv_kernel *kernel, int fd)
{
    const uint32_t index = kernel->processes[kernel->running].descriptors[fd];
    struct gkv_kernel_file *file = &kernel->files[index];
    const struct gkv_kernel_file *peer = gkv_kernel_peer(kernel, file);
    if (!file->is_shut && peer != NULL) {
        tell(kernel, PACKET_END, peer, peer->written);
    }
    file->is_shut = true;
}

/* ---- Connecting ---- */

static struct gkv_kernel_file *find_bound(struct gkv_kernel *kernel, enum gkv_kernel_kind kind,
                                          struct gkv_kernel_place place)
{
    for (uint32_t i = 0; i < kernel->file_count; i++) {
        struct gkv_kernel_file *file = &kernel->files[i];
        if (file->kind == kind && file->bound.process == place.process &&
            file->bound.port == place.port) {
            return file;
        }
    }
    return NULL;
}

/* A new stream in the listener's backlog, the other end of this one. */
static void pair(struct gkv_kernel *kernel, struct gkv_kernel_file *listener,
                 struct gkv_kernel_file *dialler)
{
    struct gkv_kernel_file *taken =
        gkv_kernel_file_make(kernel, GKV_KERNEL_STREAM, listener->process);
    if (taken == NULL) {
        return;
    }
    taken->peer = gkv_kernel_file_index(kernel, dialler);
    taken->peer_serial = dialler->serial;
    taken->peer_process = dialler->process;
    dialler->peer = gkv_kernel_file_index(kernel, taken);
    dialler->peer_serial = taken->serial;
    dialler->peer_process = taken->process;
    listener->backlog[listener->backlog_count++] = gkv_kernel_file_index(kernel, taken);
}

void gkv_kernel_connect(struct gkv_kernel *kernel, struct gkv_kernel_file *file,
                        struct gkv_kernel_place target, bool at_once)
{
    GKV_ASSERT(file->kind == GKV_KERNEL_SOCKET);
    struct gkv_kernel_file *listener = find_bound(kernel, GKV_KERNEL_LISTENER, target);
    const bool is_cut = kernel->is_cut[file->process][target.process];
    if (at_once && !is_cut && listener != NULL && listener->backlog_count < BACKLOG_COUNT_MAX) {
        pair(kernel, listener, file);
        file->kind = GKV_KERNEL_STREAM;
        kernel->tally.connected_at_once++;
        return;
    }
    file->kind = GKV_KERNEL_CONNECTING;
    struct gkv_kernel_packet *packet = make_packet(kernel, PACKET_SYN, file, 0);
    packet->place = target;
    queue_packet(kernel, packet, kernel->now_ns + draw_latency_ns(kernel));
}

void gkv_kernel_refuse(struct gkv_kernel *kernel, struct gkv_kernel_file *file, int error)
{
    file->kind = GKV_KERNEL_CONNECTING;
    file->peer_process = file->process;
    const uint64_t delay_ns = 1 + gkv_chance_below(kernel->chance, "refuse.ns", SYN_AGAIN_NS);
    struct gkv_kernel_packet *packet = make_packet(kernel, PACKET_FAIL, file, 0);
    packet->position = (uint64_t)error;
    queue_packet(kernel, packet, kernel->now_ns + delay_ns);
}

/* True when it is asked again later. */
static bool on_syn(struct gkv_kernel *kernel, struct gkv_kernel_packet *packet,
                   struct gkv_kernel_file *file)
{
    if (file->kind != GKV_KERNEL_CONNECTING) {
        return false;
    }
    struct gkv_kernel_file *listener = find_bound(kernel, GKV_KERNEL_LISTENER, packet->place);
    const bool is_cut = kernel->is_cut[file->process][packet->place.process];
    const bool is_full = listener != NULL && listener->backlog_count == BACKLOG_COUNT_MAX;
    if (is_cut || is_full) {
        if (kernel->now_ns - packet->sent_ns > SYN_TIMEOUT_NS) {
            reset(kernel, file, ETIMEDOUT);
            return false;
        }
        queue_packet(kernel, packet, kernel->now_ns + SYN_AGAIN_NS);
        return true;
    }
    file->peer_process = packet->place.process;
    if (listener == NULL) {
        tell(kernel, PACKET_FAIL, file, ECONNREFUSED);
    } else {
        pair(kernel, listener, file);
        tell(kernel, PACKET_OPENED, file, 0);
    }
    return false;
}

/* ---- Datagrams ---- */

static void copy_message(struct gkv_kernel_packet *packet, const struct msghdr *message)
{
    uint32_t count = 0;
    for (size_t i = 0; i < message->msg_iovlen; i++) {
        memcpy(packet->bytes + count, message->msg_iov[i].iov_base, message->msg_iov[i].iov_len);
        count += (uint32_t)message->msg_iov[i].iov_len;
    }
}

void gkv_kernel_send_datagram(struct gkv_kernel *kernel, struct gkv_kernel_file *file,
                              struct gkv_kernel_place target, const struct msghdr *message)
{
    const struct gkv_kernel_faults *faults = &kernel->faults;
    if (gkv_kernel_strikes(kernel, "datagram.lose", faults->lose_ppm)) {
        kernel->tally.lost++;
        return;
    }
    uint32_t count = 0;
    for (size_t i = 0; i < message->msg_iovlen; i++) {
        count += (uint32_t)message->msg_iov[i].iov_len;
    }
    const bool twice = gkv_kernel_strikes(kernel, "datagram.double", faults->double_ppm);
    kernel->tally.doubled += twice;
    for (int i = 0; i < (twice ? 2 : 1); i++) {
        struct gkv_kernel_packet *packet = make_packet(kernel, PACKET_DATAGRAM, file, count);
        copy_message(packet, message);
        packet->place = target;
        packet->position = file->bound.port;
        queue_packet(kernel, packet, kernel->now_ns + draw_latency_ns(kernel));
    }
}

/* True when the packet stays, in an inbox. */
static bool on_datagram(struct gkv_kernel *kernel, struct gkv_kernel_packet *packet)
{
    if (kernel->is_cut[packet->from][packet->place.process]) {
        return false;
    }
    struct gkv_kernel_file *file = find_bound(kernel, GKV_KERNEL_DATAGRAM, packet->place);
    struct gkv_kernel_file *sender = &kernel->files[packet->file];
    if (file == NULL) {
        if (sender->serial == packet->serial) {
            sender->peer_process = packet->place.process;
            tell(kernel, PACKET_FAIL, sender, ECONNREFUSED);
        }
        return false;
    }
    if (file->inbox_count >= INBOX_COUNT_MAX) {
        return false;
    }
    struct gkv_kernel_packet **place = &file->inbox;
    while (*place != NULL) {
        place = &(*place)->next;
    }
    packet->next = NULL;
    *place = packet;
    file->inbox_count++;
    return true;
}

/* ---- Delivery ---- */

static void on_opened(struct gkv_kernel *kernel, struct gkv_kernel_file *file)
{
    if (file->kind == GKV_KERNEL_CONNECTING) {
        file->kind = GKV_KERNEL_STREAM;
        kernel->tally.connected++;
    }
}

static void on_fail(struct gkv_kernel *kernel, struct gkv_kernel_file *file, int error)
{
    if (file->kind == GKV_KERNEL_DATAGRAM) {
        file->error = error;
    } else if (file->kind == GKV_KERNEL_CONNECTING) {
        reset(kernel, file, error);
    }
}

/* What a cut holds back ends the stream when the sender does not wait for ever. */
static bool is_held(struct gkv_kernel *kernel, struct gkv_kernel_packet *packet,
                    struct gkv_kernel_file *file)
{
    if (!kernel->is_cut[packet->from][file->process]) {
        return false;
    }
    struct gkv_kernel_file *sender = gkv_kernel_peer(kernel, file);
    const uint64_t timeout_ns =
        sender != NULL && sender->timeout_ns > 0 ? sender->timeout_ns : TIMEOUT_NS;
    if (packet->kind == PACKET_ARRIVE && sender != NULL &&
        kernel->now_ns - packet->sent_ns > timeout_ns) {
        kernel->tally.timed_out++;
        reset(kernel, sender, ETIMEDOUT);
    }
    queue_packet(kernel, packet, kernel->now_ns + HELD_NS);
    return true;
}

/* True when the packet is still needed. */
static bool on_packet(struct gkv_kernel *kernel, struct gkv_kernel_packet *packet)
{
    if (packet->kind == PACKET_DATAGRAM) {
        return on_datagram(kernel, packet);
    }
    struct gkv_kernel_file *file = &kernel->files[packet->file];
    if (file->serial != packet->serial) {
        return false; /* closed meanwhile */
    }
    if (packet->kind == PACKET_SYN) {
        return on_syn(kernel, packet, file);
    }
    if (is_held(kernel, packet, file)) {
        return true;
    }
    if (packet->kind == PACKET_OPENED) {
        on_opened(kernel, file);
    } else if (packet->kind == PACKET_FAIL) {
        on_fail(kernel, file, (int)packet->position);
    } else if (packet->kind == PACKET_RESET) {
        reset(kernel, file, ECONNRESET);
    } else if (packet->kind == PACKET_ARRIVE && !file->is_over) {
        GKV_ASSERT(packet->position <= file->written);
        file->arrived = packet->position > file->arrived ? packet->position : file->arrived;
    } else if (packet->kind == PACKET_END && !file->is_over) {
        GKV_ASSERT(packet->position == file->written);
        file->end = packet->position;
    }
    return false;
}

void gkv_kernel_deliver(struct gkv_kernel *kernel)
{
    while (kernel->packets != NULL && kernel->packets->at_ns <= kernel->now_ns) {
        struct gkv_kernel_packet *packet = kernel->packets;
        kernel->packets = packet->next;
        if (!on_packet(kernel, packet)) {
            free(packet);
        }
    }
}
