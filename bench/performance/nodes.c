/* A cluster on this machine, asked through one node's API.
 *
 * Usage: bench_nodes GRIDKVD NODES
 *
 * This process is one node; the others are GRIDKVD processes. Three copies of each key, or as many
 * as there are nodes, W and R being the majority of them. This node and who asks it have the first
 * processor that the process may use, the others the last one. Says "ready" when the cluster holds
 * all keys; then each line of standard input
 *
 *   get|set WINDOW MS
 *
 * is answered by operations per second, p50 and p99 of one in ns, and how many failed. A window of
 * 1 is the blocking calls; else so many asynchronous ones are kept under way by one thread, and an
 * operation ends when that thread knows.
 */
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/histogram.h"
#include "core/prng.h"
#include "io_posix/gridkv.h"

#define NODE_COUNT_MAX 7
#define COPY_COUNT_MAX 3
#define WINDOW_MAX 256
#define KEY_COUNT 10000
#define KEY_TEXT_BYTES 16
#define VALUE_BYTES 100
#define READY_MS 20000
#define LINE_BYTES 128
#define TEXT_BYTES 16
#define REASON_BYTES 256

struct slot {
    uint64_t asked_ns;
    bool has_failed;
};

static struct gridkv *node;
static pid_t others[NODE_COUNT_MAX];
static uint32_t other_count;

static struct slot slots[WINDOW_MAX];
/* Slots whose operation has ended: the node's thread writes, the asking one reads. */
static uint32_t ended[WINDOW_MAX];
static _Atomic uint32_t ended_count;
static uint32_t taken_count;
static sem_t ended_signal;

static struct gkv_histogram latencies;
static uint64_t operation_count;
static uint64_t failed_count;
static struct gkv_prng prng;

static uint64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void stop_others(void)
{
    for (uint32_t i = 0; i < other_count; i++) {
        (void)kill(others[i], SIGKILL);
        (void)waitpid(others[i], NULL, 0);
    }
    other_count = 0;
}

static _Noreturn void fail(const char *what)
{
    (void)fprintf(stderr, "bench_nodes: %s\n", what);
    stop_others();
    _exit(1);
}

/* ---- The cluster. ---------------------------------------------------------------------------- */

/* To the first, or the last, of the processors it may use. */
static void pin(bool is_last)
{
    cpu_set_t allowed;
    cpu_set_t one;
    CPU_ZERO(&one);
    (void)sched_getaffinity(0, sizeof(allowed), &allowed);
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (CPU_ISSET(cpu, &allowed) && (is_last || CPU_COUNT(&one) == 0)) {
            CPU_ZERO(&one);
            CPU_SET(cpu, &one);
        }
    }
    (void)sched_setaffinity(0, sizeof(one), &one);
}

static void run_other(const char *program, uint32_t number, const char *seed, uint32_t node_count)
{
    char name[TEXT_BYTES];
    char expect[TEXT_BYTES];
    char copies[TEXT_BYTES];
    char quorum[TEXT_BYTES];
    const uint32_t copy_count = node_count < COPY_COUNT_MAX ? node_count : COPY_COUNT_MAX;
    (void)snprintf(name, sizeof(name), "n%u", number);
    (void)snprintf(expect, sizeof(expect), "%u", node_count);
    (void)snprintf(copies, sizeof(copies), "%u", copy_count);
    (void)snprintf(quorum, sizeof(quorum), "%u", copy_count / 2 + 1);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    pin(true);
    if (freopen("/dev/null", "w", stdout) == NULL) {
        _exit(127);
    }
    (void)execl(program, program, "--id", name, "--listen", "127.0.0.1:0", "--seed-addr", seed,
                "--replicas", copies, "--write-quorum", quorum, "--read-quorum", quorum,
                "--bootstrap-expect", expect, (char *)NULL);
    _exit(127);
}

/* On the node's thread: operations have ended. */
static void on_batch(void *context)
{
    (void)context;
    (void)sem_post(&ended_signal);
}

static void open_node(uint32_t node_count)
{
    const uint32_t copy_count = node_count < COPY_COUNT_MAX ? node_count : COPY_COUNT_MAX;
    struct gridkv_options options;
    gridkv_options_init(&options);
    options.node_name = "n0";
    options.replica_count = copy_count;
    options.write_quorum = copy_count / 2 + 1;
    options.read_quorum = copy_count / 2 + 1;
    options.bootstrap_expect = node_count;
    options.on_batch = on_batch;
    char reason[REASON_BYTES] = "";
    if (gridkv_open(&options, &node, reason, sizeof(reason)) != GKV_OK) {
        fail(reason);
    }
}

/* Those that are started first would not be heard by a node that does not listen yet. */
static void open_cluster(const char *program, uint32_t node_count, const cpu_set_t *allowed)
{
    open_node(node_count);
    for (uint32_t number = 1; number < node_count; number++) {
        const pid_t child = fork();
        if (child == 0) {
            (void)sched_setaffinity(0, sizeof(*allowed), allowed);
            run_other(program, number, gridkv_address(node), node_count);
        }
        if (child < 0) {
            fail("no process");
        }
        others[other_count++] = child;
    }
    if (gridkv_wait_ready(node, READY_MS) != GKV_OK) {
        fail("the cluster does not become ready");
    }
}

/* ---- Operations. ----------------------------------------------------------------------------- */

struct key_text {
    char text[KEY_TEXT_BYTES + 1];
};

static struct key_text key_text_of(uint32_t number)
{
    struct key_text key;
    for (uint32_t i = 0; i < KEY_TEXT_BYTES; i++) {
        const uint32_t shift = 4 * (KEY_TEXT_BYTES - 1 - i);
        key.text[i] = "0123456789abcdef"[(uint64_t)number >> shift & 15];
    }
    return key;
}

static const uint8_t value[VALUE_BYTES] = "value";

static void finish(uint64_t asked_ns, bool has_failed)
{
    gkv_histogram_add(&latencies, now_ns() - asked_ns);
    operation_count++;
    failed_count += has_failed;
}

/* On the node's thread. */
static void on_done(void *context, const struct gridkv_completion *completion)
{
    struct slot *slot = context;
    slot->has_failed = completion->error != GKV_OK;
    const uint32_t count = atomic_load_explicit(&ended_count, memory_order_relaxed);
    ended[count % WINDOW_MAX] = (uint32_t)(slot - slots);
    atomic_store_explicit(&ended_count, count + 1, memory_order_release);
}

static void ask(struct slot *slot, bool is_set, uint32_t number)
{
    const struct key_text key = key_text_of(number);
    slot->asked_ns = now_ns();
    const enum gkv_error error =
        is_set
            ? gridkv_set_async(node, key.text, KEY_TEXT_BYTES, value, VALUE_BYTES, 0, on_done, slot)
            : gridkv_get_async(node, key.text, KEY_TEXT_BYTES, on_done, slot);
    if (error != GKV_OK) {
        fail("an operation was refused");
    }
}

static struct slot *take_ended(void)
{
    while (atomic_load_explicit(&ended_count, memory_order_acquire) == taken_count) {
        (void)sem_wait(&ended_signal);
    }
    struct slot *slot = &slots[ended[taken_count++ % WINDOW_MAX]];
    finish(slot->asked_ns, slot->has_failed);
    return slot;
}

static void run_window(bool is_set, uint32_t window, uint64_t until_ns)
{
    for (uint32_t i = 0; i < window; i++) {
        ask(&slots[i], is_set, (uint32_t)gkv_prng_below(&prng, KEY_COUNT));
    }
    while (now_ns() < until_ns) {
        ask(take_ended(), is_set, (uint32_t)gkv_prng_below(&prng, KEY_COUNT));
    }
    for (uint32_t i = 0; i < window; i++) {
        (void)take_ended();
    }
}

static void run_blocking(bool is_set, uint64_t until_ns)
{
    uint8_t out[VALUE_BYTES];
    while (now_ns() < until_ns) {
        const struct key_text key = key_text_of((uint32_t)gkv_prng_below(&prng, KEY_COUNT));
        const uint64_t asked_ns = now_ns();
        const enum gkv_error error =
            is_set ? gridkv_set(node, key.text, KEY_TEXT_BYTES, value, VALUE_BYTES, 0)
                   : gridkv_get(node, key.text, KEY_TEXT_BYTES, out, sizeof(out), NULL);
        finish(asked_ns, error != GKV_OK);
    }
}

static void fill(void)
{
    for (uint32_t number = 0; number < KEY_COUNT; number++) {
        struct slot *slot = number < WINDOW_MAX / 4 ? &slots[number] : take_ended();
        ask(slot, true, number);
    }
    for (uint32_t i = 0; i < WINDOW_MAX / 4; i++) {
        (void)take_ended();
    }
    if (failed_count > 0) {
        fail("a set failed while the cluster was filled");
    }
}

static void answer(const char *line)
{
    char what[8];
    unsigned window = 0;
    unsigned long ms = 0;
    if (sscanf(line, "%7s %u %lu", what, &window, &ms) != 3 || window - 1 >= WINDOW_MAX) {
        fail("get|set WINDOW MS");
    }
    const bool is_set = strcmp(what, "set") == 0;
    gkv_histogram_clear(&latencies);
    operation_count = 0;
    failed_count = 0;
    const uint64_t start = now_ns();
    const uint64_t until_ns = start + ms * UINT64_C(1000000);
    if (window == 1) {
        run_blocking(is_set, until_ns);
    } else {
        run_window(is_set, window, until_ns);
    }
    printf("%.0f %llu %llu %llu\n", (double)operation_count * 1e9 / (double)(now_ns() - start),
           (unsigned long long)gkv_histogram_quantile(&latencies, 500000),
           (unsigned long long)gkv_histogram_quantile(&latencies, 990000),
           (unsigned long long)failed_count);
    (void)fflush(stdout);
}

int main(int argc, char **argv)
{
    const uint32_t node_count = argc == 3 ? (uint32_t)strtoul(argv[2], NULL, 10) : 0;
    if (node_count == 0 || node_count > NODE_COUNT_MAX) {
        fail("usage: bench_nodes GRIDKVD NODES, 1 to 7");
    }
    cpu_set_t allowed;
    (void)sched_getaffinity(0, sizeof(allowed), &allowed);
    (void)sem_init(&ended_signal, 0, 0);
    gkv_prng_init(&prng, 1, 0);
    pin(false);
    open_cluster(argv[1], node_count, &allowed);
    fill();
    printf("ready\n");
    (void)fflush(stdout);
    char line[LINE_BYTES];
    while (fgets(line, sizeof(line), stdin) != NULL) {
        answer(line);
    }
    gridkv_close(node);
    stop_others();
    return 0;
}
