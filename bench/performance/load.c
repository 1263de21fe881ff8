/* Connections to one server, each of which asks, waits for all answers, and asks again.
 *
 * Usage: bench_load PORT DIALECT KEYS VALUE_BYTES
 *
 * Fills the server with all keys, says "ready", and then answers each line of standard input
 *
 *   get|set CONNECTIONS PIPELINE MS
 *
 * by a line: operations per second, and p50 p99 p99.9 of a batch of PIPELINE operations in ns. Keys
 * are uniform. Every answer is looked at: one that is not what was to be expected ends the program.
 * One thread and one epoll: the server is what is measured, as long as it is the one that is busy;
 * against the bare server (bare.c) this shows its own limit.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "bench/performance/dialect.h"
#include "core/histogram.h"
#include "core/prng.h"

#define CONNECTION_COUNT_MAX 256
#define PIPELINE_MAX 128
#define FILL_PIPELINE 16
#define PATIENCE_MS 5000
#define LINE_BYTES 128

struct connection {
    int fd;
    uint64_t asked_ns;
    size_t answer_bytes; /* there so far */
    uint8_t *answer;
};

struct load {
    uint16_t port;
    const char *dialect_name;
    uint32_t key_count;
    size_t value_bytes;
    struct dialect dialect;
    uint32_t pipeline;
    struct connection connections[CONNECTION_COUNT_MAX];
    uint32_t connection_count;
    uint32_t waiting_count; /* connections whose answer is not there */
    int epoll;
    uint8_t *batch;
    uint8_t *value;
    uint32_t next_key; /* while filling; key_count: keys are drawn */
    struct gkv_prng prng;
    struct gkv_histogram latencies;
    uint64_t operation_count;
};

static _Noreturn void fail(const char *what)
{
    (void)fprintf(stderr, "bench_load: %s%s%s\n", what, errno == 0 ? "" : ": ",
                  errno == 0 ? "" : strerror(errno));
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void *memory_for(size_t bytes)
{
    void *memory = malloc(bytes);
    if (memory == NULL) {
        fail("no memory");
    }
    return memory;
}

static int connect_to(uint16_t port)
{
    const struct sockaddr_in to = {.sin_family = AF_INET,
                                   .sin_port = htons(port),
                                   .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    const int one = 1;
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof(to)) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) != 0) {
        fail("cannot connect");
    }
    return fd;
}

static uint32_t draw_key(struct load *load)
{
    if (load->next_key < load->key_count) {
        return load->next_key++;
    }
    return (uint32_t)gkv_prng_below(&load->prng, load->key_count);
}

static void ask(struct load *load, struct connection *connection)
{
    uint32_t keys[PIPELINE_MAX];
    for (uint32_t i = 0; i < load->pipeline; i++) {
        keys[i] = draw_key(load);
    }
    dialect_write(&load->dialect, keys, load->pipeline, load->value, load->batch);
    const size_t bytes = dialect_batch_bytes(&load->dialect, load->pipeline);
    connection->asked_ns = now_ns();
    connection->answer_bytes = 0;
    for (size_t sent = 0; sent < bytes;) {
        const ssize_t more = send(connection->fd, load->batch + sent, bytes - sent, MSG_NOSIGNAL);
        if (more <= 0) {
            fail("cannot send");
        }
        sent += (size_t)more;
    }
    load->waiting_count++;
}

static void check_answer(const struct load *load, const struct connection *connection)
{
    const struct dialect *dialect = &load->dialect;
    for (uint32_t i = 0; i < load->pipeline; i++) {
        const uint8_t *answer = connection->answer + i * dialect->answer_bytes;
        if (memcmp(answer, dialect->begin.bytes, dialect->begin.count) != 0) {
            (void)fprintf(stderr, "bench_load: answer %u begins with %.20s\n", i, answer);
            errno = 0;
            fail("an answer is not what was asked for");
        }
    }
}

/* True: all of the answer is there. */
static bool hear(struct load *load, struct connection *connection)
{
    const size_t wanted = dialect_answer_bytes(&load->dialect, load->pipeline);
    const ssize_t more = recv(connection->fd, connection->answer + connection->answer_bytes,
                              wanted - connection->answer_bytes, MSG_DONTWAIT);
    if (more == 0 || (more < 0 && errno != EAGAIN)) {
        fail("the server hung up");
    }
    connection->answer_bytes += more > 0 ? (size_t)more : 0;
    if (connection->answer_bytes < wanted) {
        return false;
    }
    check_answer(load, connection);
    gkv_histogram_add(&load->latencies, now_ns() - connection->asked_ns);
    load->operation_count += load->pipeline;
    load->waiting_count--;
    return true;
}

/* Whoever has answered is asked again before until_ns. */
static void serve(struct load *load, uint64_t until_ns)
{
    struct epoll_event events[CONNECTION_COUNT_MAX];
    const int count = epoll_wait(load->epoll, events, CONNECTION_COUNT_MAX, PATIENCE_MS);
    if (count <= 0) {
        errno = 0;
        fail("an answer does not come: shorter than it should be?");
    }
    for (int i = 0; i < count; i++) {
        struct connection *connection = events[i].data.ptr;
        const bool is_whole = hear(load, connection);
        if (is_whole && now_ns() < until_ns) {
            ask(load, connection);
        }
    }
}

static void open_all(struct load *load, uint32_t connection_count, uint32_t pipeline)
{
    load->pipeline = pipeline;
    load->connection_count = connection_count;
    load->waiting_count = 0;
    load->operation_count = 0;
    gkv_histogram_clear(&load->latencies);
    load->batch = memory_for(dialect_batch_bytes(&load->dialect, pipeline));
    load->epoll = epoll_create1(0);
    for (uint32_t i = 0; i < connection_count; i++) {
        struct connection *connection = &load->connections[i];
        connection->fd = connect_to(load->port);
        connection->answer = memory_for(dialect_answer_bytes(&load->dialect, pipeline));
        struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = connection}};
        if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, connection->fd, &event) != 0) {
            fail("epoll");
        }
    }
}

static void close_all(struct load *load)
{
    for (uint32_t i = 0; i < load->connection_count; i++) {
        (void)close(load->connections[i].fd);
        free(load->connections[i].answer);
    }
    (void)close(load->epoll);
    free(load->batch);
}

/* Returns the ns it took, from the first question to the last answer. */
static uint64_t run(struct load *load, uint64_t budget_ns)
{
    const uint64_t start = now_ns();
    for (uint32_t i = 0; i < load->connection_count; i++) {
        ask(load, &load->connections[i]);
    }
    while (load->waiting_count > 0) {
        serve(load, start + budget_ns);
    }
    return now_ns() - start;
}

static void use_dialect(struct load *load, bool is_set)
{
    if (!dialect_init(&load->dialect, load->dialect_name, is_set, load->value_bytes)) {
        errno = 0;
        fail("no such dialect");
    }
}

static void fill(struct load *load)
{
    use_dialect(load, true);
    open_all(load, 1, FILL_PIPELINE);
    load->next_key = 0;
    while (load->next_key < load->key_count) {
        (void)run(load, 0);
    }
    close_all(load);
}

static void answer(struct load *load, const char *line)
{
    char what[8];
    unsigned connection_count = 0;
    unsigned pipeline = 0;
    unsigned long ms = 0;
    errno = 0;
    if (sscanf(line, "%7s %u %u %lu", what, &connection_count, &pipeline, &ms) != 4 ||
        connection_count - 1 >= CONNECTION_COUNT_MAX || pipeline - 1 >= PIPELINE_MAX) {
        fail("get|set CONNECTIONS PIPELINE MS");
    }
    use_dialect(load, strcmp(what, "set") == 0);
    open_all(load, connection_count, pipeline);
    const uint64_t elapsed_ns = run(load, ms * UINT64_C(1000000));
    close_all(load);
    const struct gkv_histogram *latencies = &load->latencies;
    printf("%.0f %llu %llu %llu\n", (double)load->operation_count * 1e9 / (double)elapsed_ns,
           (unsigned long long)gkv_histogram_quantile(latencies, 500000),
           (unsigned long long)gkv_histogram_quantile(latencies, 990000),
           (unsigned long long)gkv_histogram_quantile(latencies, 999000));
    (void)fflush(stdout);
}

int main(int argc, char **argv)
{
    static struct load load;
    if (argc != 5) {
        fail("usage: bench_load PORT DIALECT KEYS VALUE_BYTES");
    }
    load.port = (uint16_t)strtoul(argv[1], NULL, 10);
    load.dialect_name = argv[2];
    load.key_count = (uint32_t)strtoul(argv[3], NULL, 10);
    load.value_bytes = strtoul(argv[4], NULL, 10);
    load.value = memory_for(load.value_bytes);
    memset(load.value, 'v', load.value_bytes);
    gkv_prng_init(&load.prng, 1, 0);
    fill(&load);
    printf("ready\n");
    (void)fflush(stdout);
    char line[LINE_BYTES];
    while (fgets(line, sizeof(line), stdin) != NULL) {
        answer(&load, line);
    }
    return 0;
}
