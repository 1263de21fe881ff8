#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "core/hash.h"
#include "io_posix/address.h"
#include "io_posix/gridkv.h"
#include "proto/bounds.h"
#include "proto/codec.h"
#include "proto/frame.h"

#define READY_MS 30000 /* a limit for failure, never waited out */
#define NODE_COUNT 3
#define THREAD_COUNT 4
#define KEY_COUNT 200
#define CROWD_COUNT 100

static struct gridkv_options options_alone(void)
{
    struct gridkv_options options;
    gridkv_options_init(&options);
    options.node_name = "a";
    options.replica_count = 1;
    options.write_quorum = 1;
    options.read_quorum = 1;
    return options;
}

static struct gridkv *open_node(const struct gridkv_options *options)
{
    struct gridkv *gridkv = NULL;
    char reason[256];
    const enum gkv_error error = gridkv_open(options, &gridkv, reason, sizeof(reason));
    if (error != GKV_OK) {
        fail_msg("%s", reason);
    }
    assert_non_null(gridkv);
    assert_string_equal(reason, "");
    return gridkv;
}

static void pause_ms(long ms)
{
    const struct timespec span = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&span, NULL);
}

static void refused(const struct gridkv_options *options, enum gkv_error expected,
                    const char *expected_text)
{
    struct gridkv *gridkv = NULL;
    char reason[256];
    assert_int_equal(gridkv_open(options, &gridkv, reason, sizeof(reason)), expected);
    assert_null(gridkv);
    if (strstr(reason, expected_text) == NULL) {
        fail_msg("\"%s\" does not contain \"%s\"", reason, expected_text);
    }
    assert_null(strchr(reason, '\n'));
    /* Without a place for the reason, and with too small a one. */
    assert_int_equal(gridkv_open(options, &gridkv, NULL, 0), expected);
    assert_int_equal(gridkv_open(options, &gridkv, reason, 4), expected);
    assert_int_equal(strlen(reason), 3);
}

/* Goal: each wrong option is refused by its own error, with one line that names it.
 * Method: one wrong thing at a time. */
static void test_options_refused(void **state)
{
    (void)state;
    struct gridkv_options options = options_alone();
    options.struct_bytes = 0;
    refused(&options, GKV_ERROR_OPTION, "gridkv_options_init");
    options = options_alone();
    options.node_name = NULL;
    refused(&options, GKV_ERROR_OPTION, "node_name is missing");
    options.node_name = "0123456789012345678901234567890123456789012345678901234567890123";
    refused(&options, GKV_ERROR_OPTION, "shorten it to at most 63");
    options = options_alone();
    options.cluster_name = "";
    refused(&options, GKV_ERROR_OPTION, "cluster_name");
    options = options_alone();
    options.replica_count = 8;
    refused(&options, GKV_ERROR_OPTION, "replica_count");
    options = options_alone();
    options.write_quorum = 2;
    refused(&options, GKV_ERROR_OPTION, "write_quorum");
    options = options_alone();
    options.memory_limit_bytes = 1;
    refused(&options, GKV_ERROR_OPTION, "memory_limit_bytes");
    options = options_alone();
    options.memory_policy = GRIDKV_MEMORY_EVICT;
    refused(&options, GKV_ERROR_OPTION, "choose level EVENTUAL");
    options.memory_policy = (enum gridkv_memory_policy)0;
    refused(&options, GKV_ERROR_OPTION, "memory_policy must be");
    options = options_alone();
    options.value_bytes_max = UINT32_MAX;
    refused(&options, GKV_ERROR_OPTION, "value_bytes_max");
    options = options_alone();
    options.seed_count = GRIDKV_SEED_COUNT_MAX + 1;
    refused(&options, GKV_ERROR_OPTION, "seed_count");
    options = options_alone();
    options.profile = (enum gridkv_profile)4;
    refused(&options, GKV_ERROR_OPTION, "profile must be");
    options = options_alone();
    options.bootstrap_expect = 0;
    refused(&options, GKV_ERROR_OPTION, "bootstrap_expect");
    struct gridkv *gridkv = NULL;
    assert_int_equal(gridkv_open(NULL, &gridkv, NULL, 0), GKV_ERROR_OPTION);
    options = options_alone();
    assert_int_equal(gridkv_open(&options, NULL, NULL, 0), GKV_ERROR_OPTION);
}

/* Goal: the same for what tunes membership, by the names that the caller knows. Method: as
 * above. */
static void test_tuning_refused(void **state)
{
    (void)state;
    struct gridkv_options options = options_alone();
    options.gossip_interval_ms = 1;
    refused(&options, GKV_ERROR_OPTION, "gossip_interval_ms");
    options = options_alone();
    options.failure_timeout_ms = 9;
    refused(&options, GKV_ERROR_OPTION, "failure_timeout_ms must lie in 10 .. 600000");
    options = options_alone();
    options.suspect_timeout_ms = 86400001;
    refused(&options, GKV_ERROR_OPTION, "suspect_timeout_ms must lie in 0 .. 86400000");
    options = options_alone();
    options.startup_grace_period_ms = 3600001;
    refused(&options, GKV_ERROR_OPTION, "startup_grace_period_ms must lie");
    options = options_alone();
    options.leave_ms = 60001;
    refused(&options, GKV_ERROR_OPTION, "leave_ms must lie in 0 .. 60000");
    options = options_alone();
    options.probe_interval_ms = GRIDKV_NONE;
    refused(&options, GKV_ERROR_OPTION, "probe_interval_ms must lie in 10 .. 60000");
    options = options_alone();
    options.probe_timeout_ms = 100;
    refused(&options, GKV_ERROR_OPTION, "probe_timeout_ms must lie in 1 .. probe_interval_ms - 1");
    options = options_alone();
    options.buddy = 2;
    refused(&options, GKV_ERROR_OPTION, "buddy must lie in 0 .. 1");
}

/* Goal: the same for addresses: malformed, not ours, reachable by strangers, not to be advertised,
 * in use. Method: one wrong thing at a time; the address in use is another node's. */
static void test_addresses_refused(void **state)
{
    (void)state;
    static const char *const malformed[] = {
        "",       "127.0.0.1", "127.0.0.1:", ":80", "127.0.0.1:65536", "127.0.0.1:8x",
        "::1:80", "[::1]80",
    };
    struct gridkv_options options = options_alone();
    for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
        options.listen_address = malformed[i];
        refused(&options, GKV_ERROR_ADDRESS, "listen_address");
    }
    options.listen_address = "0.0.0.0:0";
    refused(&options, GKV_ERROR_OPTION, "insecure");
    options.insecure = true;
    refused(&options, GKV_ERROR_OPTION, "advertise_address is needed");
    options.listen_address = "192.0.2.1:0"; /* a documentation address: no machine's */
    refused(&options, GKV_ERROR_ADDRESS, "not an address of this machine");
    options = options_alone();
    options.advertise_address = "nowhere";
    refused(&options, GKV_ERROR_ADDRESS, "advertise_address");
    options = options_alone();
    options.resp_address = "0.0.0.0:0";
    refused(&options, GKV_ERROR_OPTION, "resp_address");
    options.resp_address = "x";
    refused(&options, GKV_ERROR_ADDRESS, "resp_address");
    options = options_alone();
    options.seed_addresses[0] = "no-port";
    options.seed_count = 1;
    refused(&options, GKV_ERROR_ADDRESS, "seed address \"no-port\"");

    options = options_alone();
    options.resp_address = "127.0.0.1:0";
    struct gridkv *first = open_node(&options);
    options.listen_address = gridkv_address(first);
    refused(&options, GKV_ERROR_ADDRESS_IN_USE, "in use");
    options.listen_address = "127.0.0.1:0";
    options.resp_address = gridkv_resp_address(first);
    refused(&options, GKV_ERROR_ADDRESS_IN_USE, "resp_address");
    gridkv_close(first);
}

static void check_value(struct gridkv *gridkv, const char *key, const char *expected)
{
    char buffer[256];
    size_t bytes = 0;
    assert_int_equal(gridkv_get(gridkv, key, strlen(key), buffer, sizeof(buffer), &bytes), GKV_OK);
    assert_int_equal(bytes, strlen(expected));
    assert_memory_equal(buffer, expected, bytes);
}

/* Goal: set, get, delete and a time to live, and each of their errors, as gridkv.h says.
 * Method: one node alone. */
static void test_blocking(void **state)
{
    (void)state;
    struct gridkv_options options = options_alone();
    options.value_bytes_max = 100;
    struct gridkv *kv = open_node(&options);
    assert_int_equal(gridkv_wait_ready(kv, READY_MS), GKV_OK);
    assert_int_equal(gridkv_health(kv), GKV_OK);

    char buffer[128] = "untouched";
    size_t bytes = 77;
    assert_int_equal(gridkv_get(kv, "k", 1, buffer, sizeof(buffer), &bytes), GKV_ERROR_NOT_FOUND);
    assert_int_equal(bytes, 77);
    assert_string_equal(buffer, "untouched");
    assert_int_equal(gridkv_set(kv, "k", 1, "value", 5, 0), GKV_OK);
    check_value(kv, "k", "value");
    assert_int_equal(gridkv_get(kv, "k", 1, buffer, 4, &bytes), GKV_ERROR_BUFFER);
    assert_int_equal(bytes, 5);
    assert_string_equal(buffer, "untouched");
    assert_int_equal(gridkv_get(kv, "k", 1, NULL, 0, &bytes), GKV_ERROR_BUFFER);
    assert_int_equal(gridkv_set(kv, "k", 1, NULL, 0, 0), GKV_OK);
    assert_int_equal(gridkv_get(kv, "k", 1, NULL, 0, &bytes), GKV_OK);
    assert_int_equal(bytes, 0);
    assert_int_equal(gridkv_delete(kv, "k", 1), GKV_OK);
    assert_int_equal(gridkv_delete(kv, "k", 1), GKV_OK);
    assert_int_equal(gridkv_get(kv, "k", 1, NULL, 0, &bytes), GKV_ERROR_NOT_FOUND);

    static char long_key[1025];
    memset(long_key, 'k', sizeof(long_key));
    assert_int_equal(gridkv_set(kv, "", 0, "v", 1, 0), GKV_ERROR_KEY_EMPTY);
    assert_int_equal(gridkv_set(kv, NULL, 3, "v", 1, 0), GKV_ERROR_KEY_EMPTY);
    assert_int_equal(gridkv_set(kv, long_key, 1025, "v", 1, 0), GKV_ERROR_KEY_TOO_LONG);
    assert_int_equal(gridkv_set(kv, long_key, 1024, "v", 1, 0), GKV_OK);
    assert_int_equal(gridkv_set(kv, "k", 1, long_key, 101, 0), GKV_ERROR_VALUE_TOO_LONG);
    assert_int_equal(gridkv_set(kv, "k", 1, long_key, 100, 0), GKV_OK);
    assert_int_equal(gridkv_set(kv, "k", 1, "v", 1, UINT64_MAX), GKV_ERROR_TTL);
    assert_int_equal(gridkv_set_async(kv, "", 0, "v", 1, 0, NULL, NULL), GKV_ERROR_KEY_EMPTY);

    assert_int_equal(gridkv_set(kv, "t", 1, "v", 1, 1), GKV_OK);
    enum gkv_error error = GKV_OK;
    for (int i = 0; i < READY_MS && error == GKV_OK; i++) {
        error = gridkv_get(kv, "t", 1, buffer, sizeof(buffer), &bytes);
        pause_ms(1);
    }
    assert_int_equal(error, GKV_ERROR_NOT_FOUND);
    gridkv_close(kv);
}

/* Goal: a handle that is not there is closed, and closing it is nothing.
 * Method: NULL everywhere. */
static void test_no_handle(void **state)
{
    (void)state;
    struct gridkv_stats stats;
    size_t bytes = 0;
    gridkv_options_init(NULL);
    gridkv_close(NULL);
    assert_int_equal(gridkv_set(NULL, "k", 1, "v", 1, 0), GKV_ERROR_CLOSED);
    assert_int_equal(gridkv_get(NULL, "k", 1, NULL, 0, &bytes), GKV_ERROR_CLOSED);
    assert_int_equal(gridkv_delete(NULL, "k", 1), GKV_ERROR_CLOSED);
    assert_int_equal(gridkv_delete_async(NULL, "k", 1, NULL, NULL), GKV_ERROR_CLOSED);
    assert_int_equal(gridkv_wait_ready(NULL, 0), GKV_ERROR_CLOSED);
    assert_int_equal(gridkv_member_next(NULL, 0, NULL, 0), GKV_ERROR_CLOSED);
    assert_int_equal(gridkv_stats(NULL, &stats, sizeof(stats)), GKV_ERROR_CLOSED);
    assert_int_equal(gridkv_health(NULL), GKV_ERROR_CLOSED);
    assert_null(gridkv_address(NULL));
    assert_null(gridkv_resp_address(NULL));
}

/* What asynchronous completions tell; they run on the node's thread. */
struct tally {
    struct gridkv *kv;
    atomic_uint done_count;
    atomic_uint ok_count;
    atomic_uint closed_count;
    atomic_int inside_error; /* of a blocking call made inside a completion */
};

static void tally_done(void *context, const struct gridkv_completion *completion)
{
    struct tally *tally = context;
    if (completion->error == GKV_OK) {
        (void)atomic_fetch_add(&tally->ok_count, 1);
    }
    if (completion->error == GKV_ERROR_CLOSED) {
        (void)atomic_fetch_add(&tally->closed_count, 1);
    }
    (void)atomic_fetch_add(&tally->done_count, 1);
}

static void wait_for_count(atomic_uint *count, unsigned wanted)
{
    for (int i = 0; i < READY_MS && atomic_load(count) < wanted; i++) {
        pause_ms(1);
    }
    assert_int_equal(atomic_load(count), wanted);
}

struct worker {
    struct gridkv *kv;
    struct tally *tally;
    int index;
    atomic_uint failed_count; /* cmocka's assertions belong to the test's own thread */
};

static void *run_worker(void *argument)
{
    struct worker *worker = argument;
    for (int i = 0; i < KEY_COUNT; i++) {
        char key[32];
        char value[64];
        const size_t key_bytes =
            (size_t)snprintf(key, sizeof(key), "%d of thread %d", i, worker->index);
        bool held = gridkv_set(worker->kv, key, key_bytes, key, key_bytes, 0) == GKV_OK;
        size_t bytes = 0;
        held =
            held && gridkv_get(worker->kv, key, key_bytes, value, sizeof(value), &bytes) == GKV_OK;
        held = held && bytes == key_bytes && memcmp(key, value, bytes) == 0;
        held = held &&
               gridkv_get_async(worker->kv, key, key_bytes, tally_done, worker->tally) == GKV_OK;
        struct gridkv_stats stats;
        held = held && gridkv_stats(worker->kv, &stats, sizeof(stats)) == GKV_OK;
        if (!held) {
            (void)atomic_fetch_add(&worker->failed_count, 1);
        }
    }
    return NULL;
}

/* Goal: many threads share a handle, blocking and asynchronous calls mixed; each is answered once.
 * Method: threads with keys of their own, which read what they wrote. */
static void test_threads(void **state)
{
    (void)state;
    const struct gridkv_options options = options_alone();
    struct gridkv *kv = open_node(&options);
    assert_int_equal(gridkv_wait_ready(kv, READY_MS), GKV_OK);
    struct tally tally = {.kv = kv};
    struct worker workers[THREAD_COUNT];
    pthread_t threads[THREAD_COUNT];
    for (int i = 0; i < THREAD_COUNT; i++) {
        workers[i] = (struct worker){.kv = kv, .tally = &tally, .index = i};
        assert_int_equal(pthread_create(&threads[i], NULL, run_worker, &workers[i]), 0);
    }
    for (int i = 0; i < THREAD_COUNT; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(atomic_load(&workers[i].failed_count), 0);
    }
    wait_for_count(&tally.done_count, THREAD_COUNT * KEY_COUNT);
    assert_int_equal(atomic_load(&tally.ok_count), THREAD_COUNT * KEY_COUNT);

    struct gridkv_stats stats = {0};
    for (int i = 0; i < READY_MS && stats.record_count < THREAD_COUNT * KEY_COUNT; i++) {
        assert_int_equal(gridkv_stats(kv, &stats, sizeof(stats)), GKV_OK);
        pause_ms(1);
    }
    assert_int_equal(stats.record_count, THREAD_COUNT * KEY_COUNT);
    assert_int_equal(stats.member_count, 1);
    assert_int_equal(stats.reachable_count, 1);
    stats.member_count = 99;
    assert_int_equal(gridkv_stats(kv, &stats, sizeof(uint64_t)), GKV_OK);
    assert_int_equal(stats.member_count, 99); /* no more is filled than the caller knows */
    gridkv_close(kv);
}

static void chain_done(void *context, const struct gridkv_completion *completion)
{
    struct tally *tally = context;
    (void)completion;
    atomic_store(&tally->inside_error, (int)gridkv_set(tally->kv, "x", 1, "y", 1, 0));
    struct gridkv_member_event event;
    if (gridkv_wait_ready(tally->kv, 1000) != GKV_ERROR_BUSY ||
        gridkv_member_next(tally->kv, 1000, &event, sizeof(event)) != GKV_ERROR_BUSY) {
        (void)atomic_fetch_add(&tally->closed_count, 1);
    }
    gridkv_close(tally->kv); /* is ignored */
    if (gridkv_set_async(tally->kv, "x", 1, "y", 1, 0, tally_done, tally) != GKV_OK) {
        (void)atomic_fetch_add(&tally->closed_count, 1);
    }
}

/* Goal: inside a completion, what would wait for itself answers BUSY, and asynchronous calls work.
 * Method: do it. */
static void test_inside_completion(void **state)
{
    (void)state;
    const struct gridkv_options options = options_alone();
    struct tally tally = {.kv = open_node(&options)};
    assert_int_equal(gridkv_get_async(tally.kv, "x", 1, chain_done, &tally), GKV_OK);
    wait_for_count(&tally.done_count, 1);
    assert_int_equal(atomic_load(&tally.inside_error), GKV_ERROR_BUSY);
    assert_int_equal(atomic_load(&tally.ok_count), 1);
    assert_int_equal(atomic_load(&tally.closed_count), 0);
    gridkv_close(tally.kv);
}

/* Goal: a node that evicts takes more than it has room for, and says how much went.
 * Method: 3 MB into 1 MiB; its figures. */
static void test_cache(void **state)
{
    (void)state;
    static const char value[1000];
    struct gridkv_options options = options_alone();
    options.level = GRIDKV_LEVEL_EVENTUAL;
    options.memory_policy = GRIDKV_MEMORY_EVICT;
    options.memory_limit_bytes = 1024 * 1024;
    struct gridkv *kv = open_node(&options);
    for (uint32_t i = 0; i < 3000; i++) {
        assert_int_equal(gridkv_set(kv, &i, sizeof(i), value, sizeof(value), 0), GKV_OK);
    }
    struct gridkv_stats stats = {0};
    for (int i = 0; i < READY_MS && stats.evicted_count == 0; i++) {
        assert_int_equal(gridkv_stats(kv, &stats, sizeof(stats)), GKV_OK);
        pause_ms(1);
    }
    assert_true(stats.evicted_count > 0);
    gridkv_close(kv);
}

struct cluster {
    struct gridkv *nodes[NODE_COUNT];
};

/* Seeds by address for the second node, by name for the third. */
static struct cluster open_cluster(void)
{
    static const char *const names[NODE_COUNT] = {"a", "b", "c"};
    struct cluster cluster = {{NULL}};
    char by_name[64] = "";
    for (int i = 0; i < NODE_COUNT; i++) {
        struct gridkv_options options;
        gridkv_options_init(&options);
        options.node_name = names[i];
        if (i > 0) {
            const char *address = gridkv_address(cluster.nodes[0]);
            (void)snprintf(by_name, sizeof(by_name), "localhost%s", strchr(address, ':'));
            options.seed_addresses[0] = i == 1 ? address : by_name;
            options.seed_count = 1;
        }
        cluster.nodes[i] = open_node(&options);
    }
    for (int i = 0; i < NODE_COUNT; i++) {
        assert_int_equal(gridkv_wait_ready(cluster.nodes[i], READY_MS), GKV_OK);
    }
    return cluster;
}

static void wait_for_members(struct gridkv *kv, unsigned count)
{
    struct gridkv_stats stats = {0};
    for (int i = 0; i < READY_MS && stats.reachable_count != count; i++) {
        assert_int_equal(gridkv_stats(kv, &stats, sizeof(stats)), GKV_OK);
        pause_ms(1);
    }
    assert_int_equal(stats.reachable_count, count);
}

/* Goal: three nodes in one process meet, read each other's writes, and see one leave.
 * Method: real sockets on loopback, ports chosen by the system. */
static void test_cluster(void **state)
{
    (void)state;
    struct cluster cluster = open_cluster();
    for (int i = 0; i < NODE_COUNT; i++) {
        wait_for_members(cluster.nodes[i], NODE_COUNT);
    }
    for (int i = 0; i < KEY_COUNT; i++) {
        char key[32];
        const size_t key_bytes = (size_t)snprintf(key, sizeof(key), "key %d", i);
        struct gridkv *writer = cluster.nodes[i % NODE_COUNT];
        assert_int_equal(gridkv_set(writer, key, key_bytes, key, key_bytes, 0), GKV_OK);
        check_value(cluster.nodes[(i + 1) % NODE_COUNT], key, key);
    }
    gridkv_close(cluster.nodes[1]);
    wait_for_members(cluster.nodes[0], NODE_COUNT - 1);
    wait_for_members(cluster.nodes[2], NODE_COUNT - 1);
    check_value(cluster.nodes[2], "key 7", "key 7");
    assert_int_equal(gridkv_set(cluster.nodes[0], "after", 5, "after", 5, 0), GKV_OK);
    check_value(cluster.nodes[2], "after", "after");
    gridkv_close(cluster.nodes[0]);
    gridkv_close(cluster.nodes[2]);
}

/* What node a was told of b, in order. */
struct told {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    char text[256];
    uint64_t boot_id;
    uint32_t reachable_count;
    bool is_wrong; /* cmocka's assertions belong to the test's own thread */
};

static void on_member(void *context, const struct gridkv_member_event *event)
{
    struct told *told = context;
    (void)pthread_mutex_lock(&told->mutex);
    told->is_wrong |= strcmp(event->name, "b") != 0 || event->boot_id < told->boot_id ||
                      strncmp(event->address, "127.0.0.1:", 10) != 0;
    told->boot_id = event->boot_id;
    told->reachable_count = event->reachable_count;
    if (strlen(told->text) + strlen(event->state_name) + 2 <= sizeof(told->text)) {
        (void)strcat(strcat(told->text, event->state_name), " ");
    }
    (void)pthread_cond_signal(&told->changed);
    (void)pthread_mutex_unlock(&told->mutex);
}

static void wait_until_told(struct told *told, const char *expected)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += READY_MS / 1000;
    (void)pthread_mutex_lock(&told->mutex);
    while (strcmp(told->text, expected) != 0) {
        if (pthread_cond_timedwait(&told->changed, &told->mutex, &until) != 0) {
            fail_msg("told \"%s\", expected \"%s\"", told->text, expected);
        }
    }
    (void)pthread_mutex_unlock(&told->mutex);
}

/* Goal: the application is told once that a peer came, that it left, and that it came again as
 * another process, with the counts of that moment; and the queue, of which nobody took anything,
 * tells the last of it. Method: b is opened, closed and opened again. */
static void test_member_events(void **state)
{
    (void)state;
    struct told told = {
        .mutex = PTHREAD_MUTEX_INITIALIZER,
        .changed = PTHREAD_COND_INITIALIZER,
    };
    struct gridkv_options options = options_alone();
    options.on_member = on_member;
    options.member_context = &told;
    struct gridkv *a = open_node(&options);
    options = options_alone();
    options.node_name = "b";
    options.seed_addresses[options.seed_count++] = gridkv_address(a);
    struct gridkv *b = open_node(&options);
    wait_until_told(&told, "alive ");
    assert_int_equal(told.reachable_count, 2);
    const uint64_t boot_id = told.boot_id;
    assert_int_equal(gridkv_wait_ready(b, READY_MS), GKV_OK);
    gridkv_close(b);
    wait_until_told(&told, "alive leaving left ");
    assert_int_equal(told.reachable_count, 1);
    b = open_node(&options);
    wait_until_told(&told, "alive leaving left alive ");
    assert_true(told.boot_id > boot_id);
    struct gridkv_member_event event = {.coalesced_count = 99};
    assert_int_equal(gridkv_member_next(a, 0, &event, sizeof(event.name)), GKV_OK);
    assert_string_equal(event.name, "b");
    assert_int_equal(event.coalesced_count, 99); /* no more is filled than the caller knows */
    assert_int_equal(gridkv_member_next(a, 0, &event, sizeof(event)), GKV_ERROR_NOT_READY);
    assert_int_equal(gridkv_wait_ready(b, READY_MS), GKV_OK);
    gridkv_close(b);
    wait_until_told(&told, "alive leaving left alive leaving left ");
    assert_int_equal(gridkv_member_next(a, READY_MS, &event, sizeof(event)), GKV_OK);
    assert_string_equal(event.state_name, "left");
    assert_int_equal(event.state, GRIDKV_MEMBER_LEFT);
    assert_int_equal(event.boot_id, told.boot_id);
    assert_int_equal(event.coalesced_count, 1);
    assert_int_equal(gridkv_member_next(a, 1, &event, sizeof(event)), GKV_ERROR_NOT_READY);
    gridkv_close(a);
    assert_false(told.is_wrong);
}

struct waiter {
    struct gridkv *kv;
    enum gkv_error error;
    enum gkv_error member_error;
    atomic_uint started;
};

static void *run_member_waiter(void *argument)
{
    struct waiter *waiter = argument;
    struct gridkv_member_event event;
    (void)atomic_fetch_add(&waiter->started, 1);
    waiter->member_error = gridkv_member_next(waiter->kv, READY_MS, &event, sizeof(event));
    return NULL;
}

static void *run_waiter(void *argument)
{
    struct waiter *waiter = argument;
    (void)atomic_fetch_add(&waiter->started, 1);
    waiter->error = gridkv_wait_ready(waiter->kv, READY_MS);
    return NULL;
}

/* Goal: closing ends what is open: each completion once, callers that wait let go.
 * Method: a node whose seed never answers, so that it is never ready, and open operations. */
static void test_close_with_open_operations(void **state)
{
    (void)state;
    struct gridkv_options options;
    gridkv_options_init(&options);
    options.node_name = "lonely";
    options.seed_addresses[0] = "127.0.0.1:1";
    options.seed_addresses[1] = "no-such-host.invalid:1";
    options.seed_count = 2;
    struct gridkv *kv = open_node(&options);
    assert_int_equal(gridkv_wait_ready(kv, 0), GKV_ERROR_NOT_READY);
    assert_int_equal(gridkv_health(kv), GKV_ERROR_NOT_READY);
    struct waiter waiter = {.kv = kv};
    pthread_t threads[2];
    assert_int_equal(pthread_create(&threads[0], NULL, run_waiter, &waiter), 0);
    assert_int_equal(pthread_create(&threads[1], NULL, run_member_waiter, &waiter), 0);
    wait_for_count(&waiter.started, 2);
    pause_ms(
        20); /* most likely they wait by now; the outcome is the same if not, but for the handle */
    struct tally tally = {.kv = kv};
    unsigned accepted_count = 0;
    for (int i = 0; i < KEY_COUNT; i++) {
        accepted_count += gridkv_set_async(kv, "k", 1, "v", 1, 0, tally_done, &tally) == GKV_OK;
    }
    gridkv_close(kv);
    assert_int_equal(accepted_count, KEY_COUNT);
    assert_int_equal(atomic_load(&tally.done_count), accepted_count);
    assert_int_equal(atomic_load(&tally.ok_count), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(waiter.error, GKV_ERROR_CLOSED);
    assert_int_equal(waiter.member_error, GKV_ERROR_CLOSED);
}

/* Connect to a node and say HELLO as `boot_id` of one and the same peer. */
static int introduce(const struct gkv_address *address, struct gkv_codec *codec, uint64_t boot_id)
{
    struct gkv_socket_address name;
    assert_true(gkv_address_to_socket(address, &name));
    const int fd = socket(name.storage.ss_family, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&name.storage, name.bytes), 0);
    const struct gkv_hello hello = {
        .wire_version = GKV_WIRE_VERSION,
        .cluster_hash = gkv_hash("gridkv", 6, 0),
        .from = {.id = {{1, 2, 3}}, .boot_id = boot_id},
        .address = *address,
    };
    uint8_t frame[256];
    const size_t bytes = gkv_codec_encode_hello(codec, &hello, frame + GKV_FRAME_HEADER_BYTES,
                                                sizeof(frame) - GKV_FRAME_HEADER_BYTES);
    assert_true(bytes > 0);
    gkv_frame_seal(frame, bytes);
    const ssize_t count = (ssize_t)(GKV_FRAME_HEADER_BYTES + bytes);
    assert_int_equal(send(fd, frame, (size_t)count, MSG_NOSIGNAL), count);
    return fd;
}

/* Goal: a peer that dials again and again gets the places of its older streams, and the node lives.
 * Method: many more streams of one identity than there are places; the node hangs up on one for
 * each; then an operation. */
static void test_streams_superseded(void **state)
{
    (void)state;
    struct gridkv_options options = options_alone();
    options.member_count_max = 2;
    struct gridkv *kv = open_node(&options);
    struct gkv_address address;
    assert_int_equal(gkv_address_resolve(gridkv_address(kv), GKV_RESOLVE_NUMERIC, &address),
                     GKV_OK);
    struct gkv_arena counting = gkv_arena_counting();
    struct gkv_codec codec;
    gkv_codec_init(&codec, &counting, 1);
    void *memory = aligned_alloc(GKV_ARENA_ALIGN, counting.used);
    assert_non_null(memory);
    struct gkv_arena arena = gkv_arena_over(memory, counting.used);
    gkv_codec_init(&codec, &arena, 1);

    /* Four places: from the fifth on, each new stream costs one. */
    struct pollfd streams[5];
    for (unsigned i = 0; i < 64; i++) {
        const unsigned count = i < 4 ? i + 1 : 5;
        unsigned gone = 0;
        streams[count - 1] = (struct pollfd){.fd = introduce(&address, &codec, 1 + i)};
        streams[count - 1].events = POLLIN;
        if (count < 5) {
            continue;
        }
        assert_true(poll(streams, 5, READY_MS) > 0);
        while (gone < 4 && streams[gone].revents == 0) {
            gone++;
        }
        (void)close(streams[gone].fd);
        memmove(&streams[gone], &streams[gone + 1], (4 - gone) * sizeof(streams[0]));
    }
    assert_int_equal(gridkv_set(kv, "k", 1, "v", 1, 0), GKV_OK);
    for (unsigned i = 0; i < 4; i++) {
        (void)close(streams[i].fd);
    }
    gridkv_close(kv);
    free(memory);
}

/* Who is known to be alive of the members m0, m1, ... */
struct crowd {
    atomic_uint count;
    bool is_known[CROWD_COUNT];
};

static void on_crowd(void *context, const struct gridkv_member_event *event)
{
    struct crowd *crowd = context;
    unsigned index = CROWD_COUNT;
    const bool is_ours = sscanf(event->name, "m%u", &index) == 1 && index < CROWD_COUNT;
    if (is_ours && event->state == GRIDKV_MEMBER_ALIVE && !crowd->is_known[index]) {
        crowd->is_known[index] = true;
        (void)atomic_fetch_add(&crowd->count, 1);
    }
}

/* Goal: an application is told of every member, also of more in one message than a call of the core
 * makes events of. Method: a peer that introduces 100 at once. */
static void test_crowd_of_members(void **state)
{
    (void)state;
    struct crowd crowd = {.count = 0};
    struct gridkv_options options = options_alone();
    options.member_count_max = 2 * CROWD_COUNT;
    options.on_member = on_crowd;
    options.member_context = &crowd;
    struct gridkv *kv = open_node(&options);
    struct gkv_address address;
    assert_int_equal(gkv_address_resolve(gridkv_address(kv), GKV_RESOLVE_NUMERIC, &address),
                     GKV_OK);
    struct gkv_arena counting = gkv_arena_counting();
    struct gkv_codec codec;
    gkv_codec_init(&codec, &counting, 1);
    void *memory = aligned_alloc(GKV_ARENA_ALIGN, counting.used);
    assert_non_null(memory);
    struct gkv_arena arena = gkv_arena_over(memory, counting.used);
    gkv_codec_init(&codec, &arena, 1);
    const int fd = introduce(&address, &codec, 1);

    static struct gkv_update updates[CROWD_COUNT];
    for (unsigned i = 0; i < CROWD_COUNT; i++) {
        updates[i] = (struct gkv_update){
            .who = {.id = {{1, 2, 3, (uint8_t)i}}, .boot_id = 1},
            .state = GKV_MEMBER_ALIVE,
            .address = address,
        };
        gkv_address_set_port(&updates[i].address, (uint16_t)(1 + i));
        updates[i].name.count =
            (uint8_t)snprintf(updates[i].name.bytes, sizeof(updates[i].name.bytes), "m%u", i);
    }
    const struct gkv_message message = {
        .kind = GKV_MESSAGE_PUSH_PULL,
        .as.push_pull = {.updates = updates, .update_count = CROWD_COUNT},
    };
    static uint8_t frame[65536];
    const size_t bytes = gkv_codec_encode(&codec, &message, 0, frame + GKV_FRAME_HEADER_BYTES,
                                          sizeof(frame) - GKV_FRAME_HEADER_BYTES);
    assert_true(bytes > 0);
    gkv_frame_seal(frame, bytes);
    const ssize_t count = (ssize_t)(GKV_FRAME_HEADER_BYTES + bytes);
    assert_int_equal(send(fd, frame, (size_t)count, MSG_NOSIGNAL), count);
    wait_for_count(&crowd.count, CROWD_COUNT);
    (void)close(fd);
    gridkv_close(kv);
    free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options_refused),
        cmocka_unit_test(test_tuning_refused),
        cmocka_unit_test(test_addresses_refused),
        cmocka_unit_test(test_no_handle),
        cmocka_unit_test(test_blocking),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_cache),
        cmocka_unit_test(test_inside_completion),
        cmocka_unit_test(test_streams_superseded),
        cmocka_unit_test(test_cluster),
        cmocka_unit_test(test_member_events),
        cmocka_unit_test(test_crowd_of_members),
        cmocka_unit_test(test_close_with_open_operations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
