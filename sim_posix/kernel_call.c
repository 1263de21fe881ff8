#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "core/panic.h"
#include "core/types.h"
#include "sim_posix/kernel.h"

#define WALL_MS_FIRST UINT64_C(1767225600000) /* 2026 */
#define NS_PER_S (1000 * GKV_NS_PER_MS)

/* The table has no argument for it. */
static struct gkv_kernel *kernel;
static const struct gkv_system *real;

void gkv_kernel_answer_with(struct gkv_kernel *answering)
{
    if (real == NULL) {
        real = gkv_system;
    }
    kernel = answering;
    gkv_system = answering == NULL ? real : &gkv_kernel_system;
}

/* ---- The frame of every call ---- */

static struct gkv_kernel_process *process_running(void)
{
    return &kernel->processes[kernel->running];
}

/* Time passes, and is counted. False: the process is dead, and nothing is done. */
static bool enter(void)
{
    struct gkv_kernel_process *process = process_running();
    if (process->state == GKV_KERNEL_KILLED) {
        errno = EBADF;
        return false;
    }
    kernel->now_ns += GKV_KERNEL_CALL_NS;
    kernel->call_count++;
    process->call_count++;
    process->turn_call_count++;
    process->closing_fd = process->again_fd;
    process->again_fd = -1;
    if (process->state == GKV_KERNEL_RUNNABLE &&
        process->turn_call_count > GKV_KERNEL_TURN_CALL_COUNT_MAX) {
        gkv_kernel_fail(kernel, "spin", "process %u made %d calls and did not wait once",
                        kernel->running, GKV_KERNEL_TURN_CALL_COUNT_MAX);
        process->state = GKV_KERNEL_STUCK;
        gkv_kernel_yield(kernel);
    }
    return true;
}

static uint64_t mix(uint64_t chain, uint64_t word)
{
    chain = (chain ^ word) * UINT64_C(0x9E3779B97F4A7C15);
    return chain ^ chain >> 29;
}

/* What is answered, noted in the chain; errno is set last. */
static ssize_t answer(const char *call, int fd, ssize_t result, int error)
{
    kernel->chain =
        mix(kernel->chain, (uint64_t)call[0] << 40 | (uint64_t)call[1] << 32 | (uint32_t)fd);
    kernel->chain = mix(kernel->chain, (uint64_t)result);
    kernel->chain = mix(kernel->chain, (uint64_t)error << 48 ^ kernel->now_ns);
    kernel->chain = mix(kernel->chain, kernel->running);
    if (error != 0) {
        errno = error;
        return -1;
    }
    return result;
}

/* To read or to write: who is told to wait, and waits for this stream, must not close it for that.
 * A last word to a stream that is not watched is said once, and may be lost. */
static ssize_t answer_stream(const char *call, const struct gkv_kernel_file *file, ssize_t result,
                             int error)
{
    if (file->is_watched && (error == EINTR || error == EAGAIN)) {
        process_running()->again_fd = file->fd;
    }
    return answer(call, file->fd, result, error);
}

static int answer_int(const char *call, int fd, int result, int error)
{
    return (int)answer(call, fd, result, error);
}

static bool is_interrupted(void)
{
    const bool is = gkv_kernel_strikes(kernel, "call.interrupt", kernel->faults.interrupt_ppm);
    kernel->tally.interrupted += is;
    return is;
}

static bool is_again(void)
{
    const bool is = gkv_kernel_strikes(kernel, "call.again", kernel->faults.again_ppm);
    kernel->tally.again += is;
    return is;
}

static uint64_t shorten(uint64_t count)
{
    if (count > 1 && gkv_kernel_strikes(kernel, "call.short", kernel->faults.short_ppm)) {
        kernel->tally.shortened++;
        return 1 + gkv_chance_below(kernel->chance, "call.short.count", count - 1);
    }
    return count;
}

/* ---- Descriptors ---- */

/* The file of a descriptor of ours; NULL: there is none, which is a mistake of the caller. */
static struct gkv_kernel_file *find(const char *call, int fd)
{
    const struct gkv_kernel_process *process = process_running();
    const bool is_known = fd >= 0 && fd < GKV_KERNEL_DESCRIPTOR_COUNT_MAX;
    const uint32_t index = is_known ? process->descriptors[fd] : GKV_KERNEL_NONE;
    if (index == GKV_KERNEL_NONE) {
        gkv_kernel_fail(kernel, "misuse", "process %u calls %s on descriptor %d, which is not open",
                        kernel->running, call, fd);
        return NULL;
    }
    struct gkv_kernel_file *file = &kernel->files[index];
    GKV_ASSERT(file->process == kernel->running);
    GKV_ASSERT(file->fd == fd);
    file->reported_count = 0;
    return file;
}

static struct gkv_kernel_file *find_kind(const char *call, int fd, enum gkv_kernel_kind kind)
{
    struct gkv_kernel_file *file = find(call, fd);
    if (file != NULL && file->kind != kind) {
        gkv_kernel_fail(kernel, "misuse", "process %u calls %s on descriptor %d of kind %d",
                        kernel->running, call, fd, (int)file->kind);
        return NULL;
    }
    return file;
}

static int fd_free(struct gkv_kernel_process *process)
{
    const int span = GKV_KERNEL_DESCRIPTOR_COUNT_MAX - kernel->fd_first;
    const int begin = kernel->reuses_descriptors ? 0 : process->fd_last + 1;
    for (int i = 0; i < span; i++) {
        const int fd = kernel->fd_first + (begin + i) % span;
        if (process->descriptors[fd] == GKV_KERNEL_NONE) {
            process->fd_last = fd - kernel->fd_first;
            return fd;
        }
    }
    GKV_ASSERT(false);
    return -1;
}

static int name_file(struct gkv_kernel_file *file)
{
    struct gkv_kernel_process *process = process_running();
    const int fd = fd_free(process);
    process->descriptors[fd] = gkv_kernel_file_index(kernel, file);
    process->open_count++;
    file->fd = fd;
    return fd;
}

/* 0, or why no descriptor can be had now. */
static int descriptor_error(void)
{
    static const int errors[] = {EMFILE, ENFILE, ENOBUFS, ENOMEM};
    const struct gkv_kernel_process *process = process_running();
    if (process->open_count >= process->descriptor_limit) {
        kernel->tally.full++;
        return EMFILE;
    }
    if (gkv_kernel_strikes(kernel, "call.full", kernel->faults.full_ppm)) {
        kernel->tally.full++;
        return errors[gkv_chance_below(kernel->chance, "call.full.errno", 4)];
    }
    return 0;
}

static int open_file(const char *call, enum gkv_kernel_kind kind, bool is_nonblocking)
{
    if (!enter()) {
        return -1;
    }
    const int error = descriptor_error();
    if (error != 0) {
        return answer_int(call, -1, -1, error);
    }
    struct gkv_kernel_file *file = gkv_kernel_file_make(kernel, kind, kernel->running);
    if (file == NULL) {
        return answer_int(call, -1, -1, ENFILE);
    }
    file->is_nonblocking = is_nonblocking;
    return answer_int(call, -1, name_file(file), 0);
}

static int sim_socket(int family, int type, int protocol)
{
    GKV_ASSERT(family == AF_INET);
    GKV_ASSERT(protocol == 0);
    return open_file("socket", type == SOCK_DGRAM ? GKV_KERNEL_DATAGRAM : GKV_KERNEL_SOCKET, false);
}

static int sim_eventfd(unsigned value, int flags)
{
    GKV_ASSERT(value == 0);
    return open_file("eventfd", GKV_KERNEL_EVENT, (flags & EFD_NONBLOCK) != 0);
}

static int sim_epoll_create1(int flags)
{
    GKV_ASSERT(flags == EPOLL_CLOEXEC);
    return open_file("epoll_create1", GKV_KERNEL_QUEUE, true);
}

static int sim_close(int fd)
{
    if (!enter()) {
        return 0;
    }
    struct gkv_kernel_file *file = find("close", fd);
    if (file == NULL) {
        return answer_int("close", fd, -1, EBADF);
    }
    if (process_running()->closing_fd == fd && process_running()->state == GKV_KERNEL_RUNNABLE) {
        gkv_kernel_fail(kernel, "misuse",
                        "process %u closes descriptor %d after no more than EINTR or EAGAIN",
                        kernel->running, fd);
    }
    gkv_kernel_file_close(kernel, file);
    /* Linux has closed it whatever it says. */
    return answer_int("close", fd, 0, is_interrupted() ? EINTR : 0);
}

static int sim_fcntl(int fd, int command, int argument)
{
    if (!enter()) {
        return -1;
    }
    struct gkv_kernel_file *file = find("fcntl", fd);
    if (file != NULL && command == F_SETFL) {
        file->is_nonblocking = (argument & O_NONBLOCK) != 0;
    }
    return answer_int("fcntl", fd, 0, file == NULL ? EBADF : 0);
}

/* ---- Names and options ---- */

static struct gkv_kernel_place place_of(const struct sockaddr *address)
{
    struct sockaddr_in ipv4;
    memcpy(&ipv4, address, sizeof(ipv4));
    GKV_ASSERT(ipv4.sin_family == AF_INET);
    const uint32_t host = ntohl(ipv4.sin_addr.s_addr);
    const uint32_t process = (host & 0xFFu) - 1;
    GKV_ASSERT(host >> 8 == 0x0A0000u);
    GKV_ASSERT(process < GKV_KERNEL_PROCESS_COUNT_MAX);
    return (struct gkv_kernel_place){.process = process, .port = ntohs(ipv4.sin_port)};
}

static void address_of(struct gkv_kernel_place place, struct sockaddr *address, socklen_t *bytes)
{
    const struct sockaddr_in ipv4 = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)place.port),
        .sin_addr = {.s_addr = htonl(0x0A000001u + place.process)},
    };
    memcpy(address, &ipv4, sizeof(ipv4));
    *bytes = sizeof(ipv4);
}

static int sim_bind(int fd, const struct sockaddr *address, socklen_t bytes)
{
    GKV_ASSERT(bytes == sizeof(struct sockaddr_in));
    struct gkv_kernel_file *file = enter() ? find("bind", fd) : NULL;
    if (file == NULL) {
        return answer_int("bind", fd, -1, EBADF);
    }
    file->bound = place_of(address);
    return answer_int("bind", fd, 0, 0);
}

static int sim_listen(int fd, int backlog)
{
    GKV_ASSERT(backlog > 0);
    struct gkv_kernel_file *file = enter() ? find_kind("listen", fd, GKV_KERNEL_SOCKET) : NULL;
    if (file == NULL) {
        return answer_int("listen", fd, -1, EBADF);
    }
    file->kind = GKV_KERNEL_LISTENER;
    return answer_int("listen", fd, 0, 0);
}

static int sim_getsockname(int fd, struct sockaddr *address, socklen_t *bytes)
{
    const struct gkv_kernel_file *file = enter() ? find("getsockname", fd) : NULL;
    if (file == NULL) {
        return answer_int("getsockname", fd, -1, EBADF);
    }
    address_of(file->bound, address, bytes);
    return answer_int("getsockname", fd, 0, 0);
}

static int sim_setsockopt(int fd, int level, int name, const void *value, socklen_t bytes)
{
    struct gkv_kernel_file *file = enter() ? find("setsockopt", fd) : NULL;
    if (file == NULL) {
        return answer_int("setsockopt", fd, -1, EBADF);
    }
    if (level == IPPROTO_TCP && name == TCP_USER_TIMEOUT) {
        int ms = 0;
        GKV_ASSERT(bytes == sizeof(ms));
        memcpy(&ms, value, sizeof(ms));
        file->timeout_ns = (uint64_t)ms * GKV_NS_PER_MS;
    }
    return answer_int("setsockopt", fd, 0, 0);
}

static int sim_getsockopt(int fd, int level, int name, void *value, socklen_t *bytes)
{
    GKV_ASSERT(level == SOL_SOCKET);
    GKV_ASSERT(name == SO_ERROR);
    struct gkv_kernel_file *file = enter() ? find("getsockopt", fd) : NULL;
    if (file == NULL) {
        return answer_int("getsockopt", fd, -1, EBADF);
    }
    memcpy(value, &file->error, sizeof(file->error));
    *bytes = sizeof(file->error);
    file->error = 0;
    return answer_int("getsockopt", fd, 0, 0);
}

/* ---- Connections ---- */

/* 0, or why the accept gives nothing; the oldest connection is lost when its peer has gone. */
static int accept_error(struct gkv_kernel_file *listener)
{
    static const int errors[] = {ECONNABORTED, EPROTO, EPERM, ENETDOWN};
    if (is_interrupted()) {
        return EINTR;
    }
    if (listener->backlog_count == 0 || is_again()) {
        return EAGAIN;
    }
    if (!gkv_kernel_strikes(kernel, "accept.abort", kernel->faults.abort_ppm)) {
        return descriptor_error();
    }
    gkv_kernel_file_close(kernel, &kernel->files[listener->backlog[0]]);
    kernel->tally.aborted++;
    return errors[gkv_chance_below(kernel->chance, "accept.abort.errno", 4)];
}

static void drop_first(struct gkv_kernel_file *listener)
{
    GKV_ASSERT(listener->backlog_count > 0);
    listener->backlog_count--;
    memmove(listener->backlog, listener->backlog + 1,
            listener->backlog_count * sizeof(listener->backlog[0]));
}

static bool must_not_block(const char *call, const struct gkv_kernel_file *file)
{
    if (!file->is_nonblocking) {
        gkv_kernel_fail(kernel, "misuse", "process %u calls %s on descriptor %d, which may block",
                        kernel->running, call, file->fd);
    }
    return file->is_nonblocking;
}

static int sim_accept(int fd, struct sockaddr *address, socklen_t *bytes)
{
    GKV_ASSERT(address == NULL);
    GKV_ASSERT(bytes == NULL);
    struct gkv_kernel_file *listener =
        enter() ? find_kind("accept", fd, GKV_KERNEL_LISTENER) : NULL;
    if (listener == NULL || !must_not_block("accept", listener)) {
        return answer_int("accept", fd, -1, EBADF);
    }
    const uint64_t aborted_count = kernel->tally.aborted;
    const int error = accept_error(listener);
    if (kernel->tally.aborted != aborted_count) {
        drop_first(listener);
    }
    if (error != 0) {
        return answer_int("accept", fd, -1, error);
    }
    struct gkv_kernel_file *file = &kernel->files[listener->backlog[0]];
    drop_first(listener);
    return answer_int("accept", fd, name_file(file), 0);
}

static int sim_connect(int fd, const struct sockaddr *address, socklen_t bytes)
{
    static const int errors[] = {ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH, ENETUNREACH};
    GKV_ASSERT(bytes == sizeof(struct sockaddr_in));
    struct gkv_kernel_file *file = enter() ? find_kind("connect", fd, GKV_KERNEL_SOCKET) : NULL;
    if (file == NULL || !must_not_block("connect", file)) {
        return answer_int("connect", fd, -1, EBADF);
    }
    const struct gkv_kernel_faults *faults = &kernel->faults;
    if (gkv_kernel_strikes(kernel, "connect.refuse", faults->refuse_ppm)) {
        const int error = errors[gkv_chance_below(kernel->chance, "connect.errno", 4)];
        kernel->tally.refused++;
        if (gkv_chance_below(kernel->chance, "connect.refuse.when", 2) == 0) {
            return answer_int("connect", fd, -1, error);
        }
        gkv_kernel_refuse(kernel, file, error);
        return answer_int("connect", fd, -1, EINPROGRESS);
    }
    if (gkv_kernel_strikes(kernel, "connect.hang", faults->hang_ppm)) {
        kernel->tally.hung++;
        file->kind = GKV_KERNEL_CONNECTING;
        return answer_int("connect", fd, -1, EINPROGRESS);
    }
    const bool at_once = gkv_chance_below(kernel->chance, "connect.at_once", 4) == 3;
    gkv_kernel_connect(kernel, file, place_of(address), at_once);
    if (file->kind == GKV_KERNEL_STREAM) {
        return answer_int("connect", fd, 0, 0);
    }
    process_running()->again_fd = fd;
    return answer_int("connect", fd, -1, is_interrupted() ? EINTR : EINPROGRESS);
}

/* ---- Bytes ---- */

/* The error that waits, told once; 0: none. */
static int take_error(struct gkv_kernel_file *file)
{
    const int error = file->error;
    file->error = 0;
    return error;
}

/* Nothing to be read: the error, the end or a wait. Sets *error_out, 0 for the end. */
static void end_of(struct gkv_kernel_file *file, int *error_out)
{
    *error_out = take_error(file);
    const bool is_end = file->is_over || file->arrived == file->end;
    if (*error_out == 0 && !is_end) {
        *error_out = EAGAIN;
    }
}

/* A process asks what became of a connect, and does not use what failed. */
static struct gkv_kernel_file *find_stream(const char *call, int fd)
{
    struct gkv_kernel_file *file = find(call, fd);
    const bool is_process = process_running()->state == GKV_KERNEL_RUNNABLE;
    if (is_process && file != NULL && file->kind == GKV_KERNEL_REFUSED) {
        gkv_kernel_fail(kernel, "misuse", "process %u calls %s on descriptor %d, never connected",
                        kernel->running, call, fd);
    }
    return file;
}

static ssize_t sim_recv(int fd, void *buffer, size_t room, int flags)
{
    GKV_ASSERT(flags == 0);
    struct gkv_kernel_file *file = enter() ? find_stream("recv", fd) : NULL;
    if (file == NULL || !must_not_block("recv", file)) {
        return answer("recv", fd, -1, EBADF);
    }
    const int error = is_interrupted() ? EINTR : is_again() ? EAGAIN : 0;
    if (error != 0) {
        return answer_stream("recv", file, -1, error);
    }
    uint64_t count = file->arrived - file->taken;
    if (count == 0) {
        int ended = 0;
        end_of(file, &ended);
        return answer_stream("recv", file, 0, ended);
    }
    const uint64_t all = count < room ? count : room;
    count = shorten(all);
    kernel->part_count += count < all ? 1 : 0;
    gkv_kernel_read(kernel, file, buffer, count);
    process_running()->turn_byte_count += count;
    return answer("recv", fd, (ssize_t)count, 0);
}

/* Why nothing can be written now; 0: something can. */
static int stream_error(struct gkv_kernel_file *file)
{
    if (file->kind == GKV_KERNEL_CONNECTING) {
        return EAGAIN;
    }
    if (file->kind != GKV_KERNEL_STREAM && file->kind != GKV_KERNEL_REFUSED) {
        return ENOTCONN;
    }
    const int error = take_error(file);
    if (error != 0) {
        return error;
    }
    if (file->is_over || file->is_shut) {
        return EPIPE;
    }
    return gkv_kernel_room(kernel, file) == 0 ? EAGAIN : 0;
}

static int send_error(struct gkv_kernel_file *file)
{
    if (is_interrupted()) {
        return EINTR;
    }
    if (is_again()) {
        return EAGAIN;
    }
    if (file->kind == GKV_KERNEL_STREAM &&
        gkv_kernel_strikes(kernel, "send.break", kernel->faults.break_ppm)) {
        gkv_kernel_break(kernel, file);
    }
    return stream_error(file);
}

static ssize_t send_stream(int fd, struct gkv_kernel_file *file, const struct msghdr *message)
{
    const int error = send_error(file);
    if (error != 0) {
        return answer_stream("sendmsg", file, -1, error);
    }
    uint64_t total = 0;
    for (size_t i = 0; i < message->msg_iovlen; i++) {
        total += message->msg_iov[i].iov_len;
    }
    const uint64_t room = gkv_kernel_room(kernel, file);
    const uint64_t count = shorten(total < room ? total : room);
    kernel->part_count += count < total ? 1 : 0;
    uint64_t left = count;
    for (size_t i = 0; i < message->msg_iovlen && left > 0; i++) {
        const struct iovec *piece = &message->msg_iov[i];
        const uint64_t part = piece->iov_len < left ? piece->iov_len : left;
        if (part > 0) {
            gkv_kernel_write(kernel, file, piece->iov_base, part);
        }
        left -= part;
    }
    process_running()->turn_byte_count += count;
    return answer("sendmsg", fd, (ssize_t)count, 0);
}

static ssize_t send_datagram(int fd, struct gkv_kernel_file *file, const struct msghdr *message)
{
    static const int errors[] = {ENOBUFS, EHOSTUNREACH, ENETUNREACH, EPERM, EAGAIN, EINTR};
    if (gkv_kernel_strikes(kernel, "datagram.refuse", kernel->faults.send_ppm)) {
        kernel->tally.unsent++;
        const uint64_t which = gkv_chance_below(kernel->chance, "datagram.errno", 6);
        return answer("sendmsg", fd, -1, errors[which]);
    }
    const int error = take_error(file);
    if (error != 0) {
        return answer("sendmsg", fd, -1, error);
    }
    ssize_t count = 0;
    for (size_t i = 0; i < message->msg_iovlen; i++) {
        count += (ssize_t)message->msg_iov[i].iov_len;
    }
    gkv_kernel_send_datagram(kernel, file, place_of(message->msg_name), message);
    return answer("sendmsg", fd, count, 0);
}

static ssize_t sim_sendmsg(int fd, const struct msghdr *message, int flags)
{
    struct gkv_kernel_file *file = enter() ? find_stream("sendmsg", fd) : NULL;
    if (file == NULL || !must_not_block("sendmsg", file)) {
        return answer("sendmsg", fd, -1, EBADF);
    }
    if (file->kind == GKV_KERNEL_DATAGRAM) {
        return send_datagram(fd, file, message);
    }
    if ((flags & MSG_NOSIGNAL) == 0) {
        gkv_kernel_fail(kernel, "misuse", "process %u may be ended by SIGPIPE", kernel->running);
    }
    return send_stream(fd, file, message);
}

static ssize_t sim_recvmsg(int fd, struct msghdr *message, int flags)
{
    GKV_ASSERT(flags == 0);
    GKV_ASSERT(message->msg_iovlen == 1);
    struct gkv_kernel_file *file = enter() ? find_kind("recvmsg", fd, GKV_KERNEL_DATAGRAM) : NULL;
    if (file == NULL || !must_not_block("recvmsg", file)) {
        return answer("recvmsg", fd, -1, EBADF);
    }
    int error = is_interrupted() ? EINTR : is_again() ? EAGAIN : take_error(file);
    if (error == 0 && file->inbox == NULL) {
        error = EAGAIN;
    }
    if (error != 0) {
        return answer("recvmsg", fd, -1, error);
    }
    struct gkv_kernel_packet *packet = file->inbox;
    const struct gkv_kernel_place source = {.process = packet->from,
                                            .port = (uint32_t)packet->position};
    const size_t room = message->msg_iov[0].iov_len;
    const size_t count = packet->count < room ? packet->count : room;
    memcpy(message->msg_iov[0].iov_base, packet->bytes, count);
    address_of(source, message->msg_name, &message->msg_namelen);
    file->inbox = packet->next;
    file->inbox_count--;
    free(packet);
    return answer("recvmsg", fd, (ssize_t)count, 0);
}

static ssize_t sim_read(int fd, void *buffer, size_t room)
{
    struct gkv_kernel_file *file = enter() ? find_kind("read", fd, GKV_KERNEL_EVENT) : NULL;
    if (file == NULL || !must_not_block("read", file)) {
        return answer("read", fd, -1, EBADF);
    }
    GKV_ASSERT(room == sizeof(file->counter));
    if (is_interrupted()) {
        return answer("read", fd, -1, EINTR);
    }
    if (file->counter == 0) {
        return answer("read", fd, -1, EAGAIN);
    }
    memcpy(buffer, &file->counter, sizeof(file->counter));
    file->counter = 0;
    return answer("read", fd, sizeof(file->counter), 0);
}

static ssize_t sim_write(int fd, const void *bytes, size_t count)
{
    struct gkv_kernel_file *file = enter() ? find_kind("write", fd, GKV_KERNEL_EVENT) : NULL;
    if (file == NULL) {
        return answer("write", fd, -1, EBADF);
    }
    uint64_t add = 0;
    GKV_ASSERT(count == sizeof(add));
    if (is_interrupted()) {
        return answer("write", fd, -1, EINTR);
    }
    memcpy(&add, bytes, sizeof(add));
    file->counter += add;
    return answer("write", fd, sizeof(add), 0);
}

static int sim_clock_gettime(clockid_t id, struct timespec *at)
{
    (void)enter();
    const struct gkv_kernel_process *process = process_running();
    uint64_t ns = kernel->now_ns + process->mono_off_ns;
    if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE) {
        ns = kernel->now_ns + (WALL_MS_FIRST + (uint64_t)process->wall_off_ms) * GKV_NS_PER_MS;
    }
    *at = (struct timespec){.tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S)};
    return 0;
}

/* ---- Readiness ---- */

static int sim_epoll_ctl(int queue_fd, int change, int fd, struct epoll_event *event)
{
    const bool is_queue = enter() && find_kind("epoll_ctl", queue_fd, GKV_KERNEL_QUEUE) != NULL;
    struct gkv_kernel_file *file = is_queue ? find("epoll_ctl", fd) : NULL;
    const int error = file == NULL ? EBADF : gkv_kernel_watch_error(kernel, file, change);
    if (error == 0) {
        file->is_watched = change != EPOLL_CTL_DEL;
        file->interest = event->events;
        file->token = event->data.u64;
    }
    return answer_int("epoll_ctl", fd, 0, error);
}

static int sim_epoll_wait(int queue_fd, struct epoll_event *events, int count, int timeout_ms)
{
    struct gkv_kernel_process *process = process_running();
    const bool is_mine = enter() && find_kind("epoll_wait", queue_fd, GKV_KERNEL_QUEUE) != NULL;
    if (!is_mine) {
        return answer_int("epoll_wait", queue_fd, -1, EBADF);
    }
    GKV_ASSERT(process->state == GKV_KERNEL_RUNNABLE);
    process->wait_count++;
    process->turn_call_count = 0;
    process->wake_ns =
        timeout_ms < 0 ? GKV_NEVER : kernel->now_ns + (uint64_t)timeout_ms * GKV_NS_PER_MS;
    int filled = 0;
    do {
        process->state = GKV_KERNEL_WAITING;
        gkv_kernel_yield(kernel);
        if (is_interrupted()) {
            return answer_int("epoll_wait", queue_fd, -1, EINTR);
        }
        filled = gkv_kernel_collect(kernel, events, count);
    } while (filled == 0 && gkv_kernel_waits_on(kernel));
    gkv_kernel_count_turn(kernel, timeout_ms, filled);
    return answer_int("epoll_wait", queue_fd, filled, 0);
}

const struct gkv_system gkv_kernel_system = {
    .socket = sim_socket,
    .bind = sim_bind,
    .listen = sim_listen,
    .accept = sim_accept,
    .connect = sim_connect,
    .getsockname = sim_getsockname,
    .getsockopt = sim_getsockopt,
    .setsockopt = sim_setsockopt,
    .fcntl = sim_fcntl,
    .recv = sim_recv,
    .recvmsg = sim_recvmsg,
    .sendmsg = sim_sendmsg,
    .read = sim_read,
    .write = sim_write,
    .close = sim_close,
    .clock_gettime = sim_clock_gettime,
    .epoll_create1 = sim_epoll_create1,
    .epoll_ctl = sim_epoll_ctl,
    .epoll_wait = sim_epoll_wait,
    .eventfd = sim_eventfd,
};
