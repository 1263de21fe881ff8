#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "core/types.h"
#include "io_posix/loop.h"
#include "io_posix/socket.h"
#include "io_posix/tcp.h"
#include "sim/choice.h"
#include "sim_posix/coroutine.h"
#include "sim_posix/deeds.h"
#include "sim_posix/drill.h"
#include "sim_posix/kernel.h"
#include "sim_posix/node.h"
#include "sim_posix/struck.h"

#define SERVER 0
#define CLIENT 1
#define PORT 7000

/* A kernel, and on it a listener of one process that the other may connect to. */
struct world {
    struct gkv_choice choice;
    struct gkv_kernel *kernel;
    int listener_fd;
};

static void open_world(struct world *world, uint64_t seed)
{
    gkv_choice_init(&world->choice, seed);
    world->kernel = gkv_kernel_create(&world->choice.chance);
    assert_non_null(world->kernel);
    const struct gkv_address address = gkv_posix_node_address(SERVER, PORT);
    struct gkv_address bound;
    gkv_kernel_act_as(world->kernel, SERVER);
    assert_int_equal(gkv_socket_listen(&address, &world->listener_fd, &bound), GKV_OK);
    assert_true(gkv_address_equal(&address, &bound));
}

static void pass(struct world *world)
{
    assert_true(gkv_kernel_run(world->kernel, world->kernel->now_ns + 100 * GKV_NS_PER_MS));
}

/* Both ends of a new connection. */
static void connect_both(struct world *world, int *server_fd, int *client_fd)
{
    const struct gkv_address address = gkv_posix_node_address(SERVER, PORT);
    gkv_kernel_act_as(world->kernel, CLIENT);
    *client_fd = gkv_socket_connect(&address);
    assert_true(*client_fd >= 0);
    pass(world);
    gkv_kernel_act_as(world->kernel, SERVER);
    *server_fd = gkv_socket_accept(world->listener_fd);
    assert_true(*server_fd >= 0);
}

static void expect_failed(struct world *world, const char *check, const char *text)
{
    assert_non_null(world->kernel->failed_check);
    assert_string_equal(world->kernel->failed_check, check);
    if (strstr(world->kernel->failed_text, text) == NULL) {
        fail_msg("\"%s\" does not contain \"%s\"", world->kernel->failed_text, text);
    }
    gkv_kernel_destroy(world->kernel);
}

/* Goal: a stream brings every byte once and in order, however calls are shortened and interrupted.
 * Method: send numbered bytes through io_posix's own socket functions, over many small windows. */
static void test_streams_keep_bytes(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct world world;
        int fds[2];
        open_world(&world, seed);
        world.kernel->window_bytes = 700;
        connect_both(&world, &fds[0], &fds[1]);
        world.kernel->faults = (struct gkv_kernel_faults){.interrupt_ppm = 100000,
                                                          .again_ppm = 100000,
                                                          .short_ppm = 500000,
                                                          .jitter_ns = 5 * GKV_NS_PER_MS};
        uint8_t bytes[4000];
        for (size_t i = 0; i < sizeof(bytes); i++) {
            bytes[i] = (uint8_t)(i * 7 + i / 256);
        }
        size_t sent = 0;
        size_t received = 0;
        for (int turn = 0; turn < 2000 && received < sizeof(bytes); turn++) {
            gkv_kernel_act_as(world.kernel, CLIENT);
            const size_t half = (sizeof(bytes) - sent) / 2;
            const struct gkv_bytes pieces[2] = {
                {.data = bytes + sent, .count = half},
                {.data = bytes + sent + half, .count = sizeof(bytes) - sent - half}};
            const ptrdiff_t taken = sent < sizeof(bytes) ? gkv_socket_send(fds[1], pieces) : 0;
            assert_true(taken >= 0 || taken == GKV_SOCKET_AGAIN);
            sent += taken > 0 ? (size_t)taken : 0;
            pass(&world);
            gkv_kernel_act_as(world.kernel, SERVER);
            uint8_t buffer[300];
            const ptrdiff_t count = gkv_socket_receive(fds[0], buffer, sizeof(buffer));
            assert_true(count > 0 || count == GKV_SOCKET_AGAIN);
            if (count > 0) {
                assert_memory_equal(buffer, bytes + received, (size_t)count);
                received += (size_t)count;
            }
        }
        assert_int_equal(received, sizeof(bytes));
        gkv_kernel_destroy(world.kernel);
    }
}

/* Goal: the end of a stream comes behind its bytes, and a reset where bytes were left unread.
 * Method: close either end, and read the other. */
static void test_streams_end(void **state)
{
    (void)state;
    struct world world;
    int fds[2];
    uint8_t buffer[8];
    const struct gkv_bytes pieces[2] = {{.data = (const uint8_t *)"abc", .count = 3}, {NULL, 0}};
    open_world(&world, 1);
    connect_both(&world, &fds[0], &fds[1]);
    gkv_kernel_act_as(world.kernel, CLIENT);
    assert_int_equal(gkv_socket_send(fds[1], pieces), 3);
    gkv_socket_close(fds[1]);
    pass(&world);
    gkv_kernel_act_as(world.kernel, SERVER);
    assert_int_equal(gkv_socket_receive(fds[0], buffer, sizeof(buffer)), 3);
    assert_int_equal(gkv_system->recv(fds[0], buffer, sizeof(buffer), 0), 0);

    connect_both(&world, &fds[0], &fds[1]);
    gkv_kernel_act_as(world.kernel, CLIENT);
    assert_int_equal(gkv_socket_send(fds[1], pieces), 3);
    pass(&world);
    gkv_kernel_act_as(world.kernel, SERVER);
    gkv_socket_close(fds[0]);
    pass(&world);
    gkv_kernel_act_as(world.kernel, CLIENT);
    assert_int_equal(gkv_system->recv(fds[1], buffer, sizeof(buffer), 0), -1);
    assert_int_equal(errno, ECONNRESET);
    assert_int_equal(gkv_socket_send(fds[1], pieces), GKV_SOCKET_CLOSED);
    gkv_kernel_destroy(world.kernel);
}

/* Goal: descriptor 0 is like any other: connects and accepts that are given it work.
 * Method: a process without standard streams; found by the seeds 14 and 29 as a leak. */
static void test_descriptor_zero(void **state)
{
    (void)state;
    struct world world;
    int fds[2];
    open_world(&world, 1);
    world.kernel->fd_first = 0;
    connect_both(&world, &fds[0], &fds[1]);
    assert_int_equal(fds[0], 0);
    assert_int_equal(fds[1], 0);

    /* And the table of peers' sockets takes it over, and closes it. */
    struct gkv_loop loop;
    struct gkv_tcp tcp;
    const struct gkv_address address = gkv_posix_node_address(SERVER, PORT);
    const struct gkv_stream stream = {.index = 0, .generation = 1};
    gkv_kernel_act_as(world.kernel, CLIENT);
    assert_int_equal(gkv_loop_open(&loop), GKV_OK);
    assert_int_equal(gkv_tcp_init(&tcp, &loop, 2), GKV_OK);
    gkv_socket_close(0);
    assert_true(gkv_tcp_dial(&tcp, stream, &address));
    assert_int_equal(gkv_tcp_find(&tcp, stream)->watch.fd, 0);
    gkv_tcp_destroy(&tcp);
    gkv_loop_close(&loop);
    assert_int_equal(world.kernel->processes[CLIENT].open_count, 0);
    gkv_kernel_destroy(world.kernel);
}

/* Goal: a call that a real kernel would punish sooner or later fails at once, by name.
 * Method: one mistake at a time. */
static void test_misuse(void **state)
{
    (void)state;
    struct world world;
    uint8_t byte = 0;
    open_world(&world, 1);
    gkv_socket_close(world.listener_fd);
    gkv_socket_close(world.listener_fd);
    expect_failed(&world, "misuse", "calls close on descriptor 3, which is not open");

    open_world(&world, 1);
    assert_int_equal(gkv_system->recv(99, &byte, 1, 0), -1);
    expect_failed(&world, "misuse", "calls recv on descriptor 99, which is not open");

    int fds[2];
    open_world(&world, 1);
    connect_both(&world, &fds[0], &fds[1]);
    assert_int_equal(gkv_system->fcntl(fds[0], F_SETFL, 0), 0);
    (void)gkv_system->recv(fds[0], &byte, 1, 0);
    expect_failed(&world, "misuse", "which may block");

    struct gkv_loop loop;
    open_world(&world, 1);
    assert_int_equal(gkv_loop_open(&loop), GKV_OK);
    struct gkv_watch watch = {.fd = world.listener_fd, .token = 1};
    assert_int_equal(gkv_loop_watch(&loop, &watch, GKV_LOOP_READ), GKV_OK);
    watch.interest = 0; /* as if it had been forgotten */
    assert_int_equal(gkv_loop_watch(&loop, &watch, GKV_LOOP_READ), GKV_ERROR_SYSTEM);
    expect_failed(&world, "misuse", "adds descriptor 3 in its queue, which is there");
}

/* A process that dials, sends until it is told to wait, or reads where nothing is, and hangs up. */
struct hasty {
    const struct gkv_address *address;
    bool sends;
};

static void hang_up(void *argument)
{
    const struct hasty *hasty = argument;
    struct gkv_loop loop;
    struct gkv_ready ready[GKV_LOOP_READY_COUNT_MAX];
    uint8_t bytes[100] = {0};
    const struct gkv_bytes pieces[2] = {{.data = bytes, .count = sizeof(bytes)}, {NULL, 0}};
    assert_int_equal(gkv_loop_open(&loop), GKV_OK);
    struct gkv_watch watch = {.fd = gkv_socket_connect(hasty->address), .token = 1};
    assert_int_equal(gkv_loop_watch(&loop, &watch, GKV_LOOP_WRITE), GKV_OK);
    while (gkv_loop_wait(&loop, 10 * GKV_NS_PER_MS, ready) == 0) {
    }
    if (hasty->sends) {
        while (gkv_socket_send(watch.fd, pieces) > 0) {
        }
    } else {
        assert_int_equal(gkv_socket_receive(watch.fd, bytes, sizeof(bytes)), GKV_SOCKET_AGAIN);
    }
    gkv_socket_close(watch.fd);
    gkv_loop_close(&loop);
}

/* Goal: a process that takes EAGAIN for the end of a stream fails at once.
 * Method: one that reads, and one that writes, and then closes. */
static void test_hasty_close(void **state)
{
    (void)state;
    for (int sends = 0; sends < 2; sends++) {
        struct world world;
        open_world(&world, 1);
        const struct gkv_address address = gkv_posix_node_address(SERVER, PORT);
        struct hasty hasty = {.address = &address, .sends = sends == 1};
        assert_true(gkv_kernel_spawn(world.kernel, CLIENT, hang_up, &hasty));
        assert_false(gkv_kernel_run(world.kernel, 1000 * GKV_NS_PER_MS));
        expect_failed(&world, "misuse", "after no more than EINTR or EAGAIN");
    }
}

/* A process that waits, and does nothing about what it is told. */
static void do_nothing(void *argument)
{
    struct world *world = argument;
    struct gkv_loop loop;
    struct gkv_ready ready[GKV_LOOP_READY_COUNT_MAX];
    struct gkv_watch watch = {.fd = world->listener_fd, .token = 1};
    assert_int_equal(gkv_loop_open(&loop), GKV_OK);
    assert_int_equal(gkv_loop_watch(&loop, &watch, GKV_LOOP_READ), GKV_OK);
    for (;;) {
        (void)gkv_loop_wait(&loop, 10 * GKV_NS_PER_MS, ready);
    }
}

/* Goal: a process that turns without a reason is told from one that sleeps.
 * Method: the same process, with nothing to do, and with a connection that it does not accept. */
static void test_spin(void **state)
{
    (void)state;
    struct world world;
    open_world(&world, 1);
    assert_true(gkv_kernel_spawn(world.kernel, SERVER, do_nothing, &world));
    assert_true(gkv_kernel_run(world.kernel, 1000 * GKV_NS_PER_MS));
    assert_in_range(world.kernel->processes[SERVER].wait_count, 90, 101);

    const struct gkv_address address = gkv_posix_node_address(SERVER, PORT);
    gkv_kernel_act_as(world.kernel, CLIENT);
    assert_true(gkv_socket_connect(&address) >= 0);
    assert_false(gkv_kernel_run(world.kernel, 2000 * GKV_NS_PER_MS));
    expect_failed(&world, "spin", "was told 200 times that descriptor 3 is ready");
}

/* An end of a stream, and what its process does in each turn, for ever. */
struct end {
    int fd;
    enum {
        END_WAKES_ITSELF,
        END_ECHOES,
        END_SENDS,
        END_TAKES
    } deed;
};

static void send_some(int fd, const uint8_t *bytes, size_t count)
{
    const struct gkv_bytes pieces[2] = {{.data = bytes, .count = count}, {NULL, 0}};
    (void)gkv_socket_send(fd, pieces);
}

static void run_end(void *argument)
{
    const struct end *end = argument;
    uint8_t bytes[64] = {0};
    struct gkv_loop loop;
    struct gkv_ready ready[GKV_LOOP_READY_COUNT_MAX];
    struct gkv_watch watch = {.fd = end->fd, .token = 1};
    const uint32_t interest = end->deed == END_SENDS ? GKV_LOOP_WRITE : GKV_LOOP_READ;
    assert_int_equal(gkv_loop_open(&loop), GKV_OK);
    assert_int_equal(gkv_loop_watch(&loop, &watch, interest), GKV_OK);
    for (;;) {
        (void)gkv_loop_wait(&loop, 10 * GKV_NS_PER_MS, ready);
        if (end->deed == END_SENDS) {
            send_some(end->fd, bytes, sizeof(bytes));
            continue;
        }
        const ptrdiff_t count = gkv_socket_receive(end->fd, bytes, sizeof(bytes));
        if (end->deed == END_WAKES_ITSELF) {
            gkv_loop_wake(&loop);
        } else if (end->deed == END_ECHOES && count > 0) {
            send_some(end->fd, bytes, (size_t)count);
        }
    }
}

/* Both ends of a stream run for a window; how often the server turned, and whether it may. */
static bool run_ends(struct world *world, struct end *server, struct end *client)
{
    connect_both(world, &server->fd, &client->fd);
    world->kernel->latency_ns = 1000;
    gkv_kernel_act_as(world->kernel, CLIENT);
    send_some(client->fd, (const uint8_t *)"ball", 4);
    assert_true(gkv_kernel_spawn(world->kernel, SERVER, run_end, server));
    assert_true(gkv_kernel_spawn(world->kernel, CLIENT, run_end, client));
    return gkv_kernel_run(world->kernel, world->kernel->now_ns + GKV_KERNEL_WINDOW_NS);
}

/* Goal: work for ever is a spin, be it for nothing or for some bytes; but a stream whose calls
 * move a part only may take as many turns as there are parts.
 * Method: a process that wakes itself; two that send the same bytes to and fro; one that sends to
 * another, with every call cut short. */
static void test_spin_of_work(void **state)
{
    (void)state;
    struct world world;
    open_world(&world, 1);
    struct end sleeps = {.deed = END_TAKES};
    struct end wakes = {.deed = END_WAKES_ITSELF};
    assert_false(run_ends(&world, &wakes, &sleeps));
    expect_failed(&world, "spin", "process 0 turned 1001 times for nothing and 1 times for");

    open_world(&world, 1);
    struct end echoes[2] = {{.deed = END_ECHOES}, {.deed = END_ECHOES}};
    assert_false(run_ends(&world, &echoes[0], &echoes[1]));
    expect_failed(&world, "spin", "and 4001 times for some bytes within 100 ms, with 0 calls");

    open_world(&world, 1);
    struct end takes = {.deed = END_TAKES};
    struct end sends = {.deed = END_SENDS};
    world.kernel->faults.short_ppm = 1000000;
    assert_true(run_ends(&world, &takes, &sends));
    assert_true(world.kernel->processes[SERVER].wait_count > GKV_KERNEL_WINDOW_BUSY_COUNT_MAX);
    gkv_kernel_destroy(world.kernel);
}

static struct gkv_bytes value_of(uint32_t number, uint8_t *value)
{
    return (struct gkv_bytes){.data = value, .count = gkv_deeds_value(number, value)};
}

/* What a process saw of its waits. */
struct waits {
    struct world *world;
    uint64_t told_count;
    uint64_t silent_count;
    uint64_t early_count; /* of those that told nothing, before the time was over */
};

static void wait_for_reader(void *argument)
{
    struct waits *waits = argument;
    const struct gkv_kernel *kernel = waits->world->kernel;
    struct epoll_event event = {.events = EPOLLIN};
    const int queue = gkv_system->epoll_create1(EPOLL_CLOEXEC);
    assert_int_equal(gkv_system->epoll_ctl(queue, EPOLL_CTL_ADD, waits->world->listener_fd, &event),
                     0);
    for (;;) {
        const uint64_t begin_ns = kernel->now_ns;
        const int count = gkv_system->epoll_wait(queue, &event, 1, 10);
        waits->told_count += count > 0;
        waits->silent_count += count == 0;
        waits->early_count += count == 0 && kernel->now_ns < begin_ns + 10 * GKV_NS_PER_MS;
    }
}

/* Goal: readiness that is told late is waited for: nothing is told only when the time is over, as
 * of a real kernel. Method: a connection that nobody accepts, told never, and half of the time. */
static void test_late_is_waited_for(void **state)
{
    (void)state;
    for (uint32_t late_ppm = 1000000; late_ppm >= 500000; late_ppm -= 500000) {
        struct world world;
        struct waits waits = {.world = &world};
        open_world(&world, 1);
        world.kernel->faults.late_ppm = late_ppm;
        assert_true(gkv_kernel_spawn(world.kernel, SERVER, wait_for_reader, &waits));
        const struct gkv_address address = gkv_posix_node_address(SERVER, PORT);
        gkv_kernel_act_as(world.kernel, CLIENT);
        assert_true(gkv_socket_connect(&address) >= 0);
        (void)gkv_kernel_run(world.kernel, 100 * GKV_NS_PER_MS);
        assert_int_equal(waits.early_count, 0);
        if (late_ppm == 1000000) {
            assert_int_equal(waits.told_count, 0);
            assert_in_range(waits.silent_count, 9, 10);
        } else {
            assert_true(waits.told_count > 90);
        }
        gkv_kernel_destroy(world.kernel);
    }
}

/* Finds what is mapped below a place, in /proc/self/maps: true when it is a page that nobody may
 * touch, right below the mapping that the place is in. */
static bool is_guarded(const void *place)
{
    char line[400];
    uintptr_t guard_end = 0;
    bool is_found = false;
    FILE *maps = fopen("/proc/self/maps", "r");
    assert_non_null(maps);
    while (fgets(line, sizeof(line), maps) != NULL && !is_found) {
        char *rest = NULL;
        const uintptr_t begin = strtoull(line, &rest, 16);
        const uintptr_t end = strtoull(rest + 1, &rest, 16);
        is_found = begin <= (uintptr_t)place && (uintptr_t)place < end && begin == guard_end;
        guard_end = strncmp(rest, " ---p", 5) == 0 ? end : 0;
    }
    assert_int_equal(fclose(maps), 0);
    return is_found;
}

static void look_below(void *argument)
{
    bool *is_found = argument;
    const char place = 0;
    *is_found = is_guarded(&place);
}

/* Goal: a coroutine that needs more stack than it has dies there, and writes over nobody's memory.
 * Method: look for the page below its stack. */
static void test_stack_has_a_guard(void **state)
{
    bool is_found = false;
    (void)state;
    struct gkv_coroutine *coroutine = gkv_coroutine_create(look_below, &is_found);
    assert_non_null(coroutine);
    assert_false(gkv_coroutine_resume(coroutine));
    gkv_coroutine_destroy(coroutine);
    assert_true(is_found);
}

/* Goal: what a get may not return is rejected, and what it may is accepted.
 * Method: histories by hand, each with one thing wrong. */
static void test_deeds(void **state)
{
    (void)state;
    static struct gkv_deeds deeds;
    static uint8_t value[GKV_DEED_VALUE_BYTES_MAX];
    const struct gkv_bytes none = {NULL, 0};
    for (int wrong = 0; wrong < 7; wrong++) {
        struct world world;
        open_world(&world, 1);
        gkv_deeds_init(&deeds, world.kernel);
        const uint32_t first = gkv_deeds_begin(&deeds, 0, true, 0);
        gkv_deeds_end(&deeds, first, wrong == 6 ? GKV_ERROR_NO_QUORUM : GKV_OK, none);
        const uint32_t second = gkv_deeds_begin(&deeds, wrong == 4 ? 1 : 0, true, 0);
        assert_int_equal(gkv_deeds_begin(&deeds, wrong == 4 ? 1 : 0, true, 0), GKV_DEED_NONE);
        gkv_deeds_end(&deeds, second, wrong == 5 ? GKV_ERROR_IN_DOUBT : GKV_OK, none);
        const uint32_t get = gkv_deeds_begin(&deeds, 0, false, 1);
        const bool is_old = wrong == 1 || wrong == 5 || wrong == 6;
        struct gkv_bytes read = value_of(is_old ? first : second, value);
        read.count -= wrong == 2;
        gkv_deeds_end(&deeds, get, wrong == 3 ? GKV_ERROR_NOT_FOUND : GKV_OK, read);
        if (wrong == 0 || wrong == 5) {
            assert_null(world.kernel->failed_check);
            gkv_deeds_end(&deeds, get, GKV_OK, read);
            expect_failed(&world, "once", "ended twice");
            continue;
        }
        static const char *const texts[] = {
            "", ", after set", "nobody wrote", "nothing, after", "is of another key",
            "", "was refused"};
        expect_failed(&world, "value", texts[wrong]);
    }
}

/* Goal: a set that was read must not be refused afterwards; in doubt it may be.
 * Method: read it while it is open, and end it either way. */
static void test_set_read_too_early(void **state)
{
    (void)state;
    static struct gkv_deeds deeds;
    static uint8_t value[GKV_DEED_VALUE_BYTES_MAX];
    for (int is_refused = 0; is_refused < 2; is_refused++) {
        struct world world;
        open_world(&world, 1);
        gkv_deeds_init(&deeds, world.kernel);
        const uint32_t set = gkv_deeds_begin(&deeds, 0, true, 0);
        const uint32_t get = gkv_deeds_begin(&deeds, 0, false, 1);
        gkv_deeds_end(&deeds, get, GKV_OK, value_of(set, value));
        gkv_deeds_end(&deeds, set, is_refused ? GKV_ERROR_NO_QUORUM : GKV_ERROR_IN_DOUBT,
                      (struct gkv_bytes){NULL, 0});
        if (is_refused) {
            expect_failed(&world, "value", "refused, after it was read");
        } else {
            assert_null(world.kernel->failed_check);
            gkv_kernel_destroy(world.kernel);
        }
    }
}

/* Goal: a seed is a run, and gkv_system is the real one again afterwards.
 * Method: one seed twice. */
static void test_drill_repeats(void **state)
{
    (void)state;
    const struct gkv_system *before = gkv_system;
    const struct gkv_drill_summary first = gkv_drill_run(3);
    const struct gkv_drill_summary second = gkv_drill_run(3);
    assert_int_equal(first.status, GKV_TRIAL_PASS);
    assert_true(first.hash == second.hash);
    assert_true(first.call_count == second.call_count);
    assert_true(first.done_count > 100);
    assert_true(gkv_drill_run(4).hash != first.hash);
    assert_ptr_equal(gkv_system, before);
}

/* Goal: a fault that never struck is named, once there were seeds enough. Method: tallies of none,
 * of one kind, and sums of them, around both numbers of seeds. */
static void test_what_never_struck(void **state)
{
    char names[400];
    struct gkv_kernel_tally sum = {0};
    const struct gkv_kernel_tally one = {.interrupted = 3};
    (void)state;
    assert_int_equal(gkv_struck_missing(&sum, 199, names, sizeof(names)), 0);
    assert_string_equal(names, "");
    assert_int_equal(gkv_struck_missing(&sum, 200, names, sizeof(names)), 16);
    assert_int_equal(gkv_struck_missing(&sum, 2000, names, sizeof(names)), 17);
    gkv_struck_add(&sum, &one);
    gkv_struck_add(&sum, &one);
    assert_int_equal(sum.interrupted, 6);
    assert_int_equal(gkv_struck_missing(&sum, 2000, names, sizeof(names)), 16);
    assert_string_equal(names, "again shortened broken refused hung full aborted unsent lost "
                               "doubled spurious late connected at_once timed_out resets");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_streams_keep_bytes), cmocka_unit_test(test_streams_end),
        cmocka_unit_test(test_descriptor_zero),    cmocka_unit_test(test_misuse),
        cmocka_unit_test(test_hasty_close),        cmocka_unit_test(test_spin),
        cmocka_unit_test(test_spin_of_work),       cmocka_unit_test(test_deeds),
        cmocka_unit_test(test_set_read_too_early), cmocka_unit_test(test_drill_repeats),
        cmocka_unit_test(test_what_never_struck),  cmocka_unit_test(test_late_is_waited_for),
        cmocka_unit_test(test_stack_has_a_guard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
