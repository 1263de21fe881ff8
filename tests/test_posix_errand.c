#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "io_posix/gridkv.h"

#define READY_MS 30000 /* a limit for failure, never waited out */
#define NODE_COUNT 3
#define THREAD_COUNT 4
#define KEY_COUNT 500
#define HOT_SET_COUNT 300000

static void pause_ms(long ms)
{
    const struct timespec span = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&span, NULL);
}

/* Nodes of one process, where one owner decides and all own everything. */
static void open_nodes(struct gridkv *nodes[NODE_COUNT])
{
    static const char *const names[NODE_COUNT] = {"a", "b", "c"};
    for (int i = 0; i < NODE_COUNT; i++) {
        struct gridkv_options options;
        gridkv_options_init(&options);
        options.node_name = names[i];
        options.level = GRIDKV_LEVEL_EVENTUAL;
        options.write_quorum = 1;
        options.read_quorum = 1;
        options.bootstrap_expect = NODE_COUNT;
        if (i > 0) {
            options.seed_addresses[0] = gridkv_address(nodes[0]);
            options.seed_count = 1;
        }
        char reason[256];
        if (gridkv_open(&options, &nodes[i], reason, sizeof(reason)) != GKV_OK) {
            fail_msg("%s", reason);
        }
    }
    for (int i = 0; i < NODE_COUNT; i++) {
        assert_int_equal(gridkv_wait_ready(nodes[i], READY_MS), GKV_OK);
        /* The loop has looked for an owner once, and so knows what this node owns. */
        assert_int_equal(gridkv_get(nodes[i], "none", 4, NULL, 0, NULL), GKV_ERROR_NOT_FOUND);
    }
}

static void close_nodes(struct gridkv *nodes[NODE_COUNT])
{
    for (int i = 0; i < NODE_COUNT; i++) {
        gridkv_close(nodes[i]);
    }
}

/* Wait until a node holds `value`, or nothing when it is NULL, under a key. */
static void wait_for_value(struct gridkv *node, const char *key, const char *value)
{
    char buffer[64];
    size_t bytes = 0;
    for (int i = 0; i < READY_MS; i++) {
        const enum gkv_error error =
            gridkv_get(node, key, strlen(key), buffer, sizeof(buffer), &bytes);
        if (value == NULL
                ? error == GKV_ERROR_NOT_FOUND
                : error == GKV_OK && bytes == strlen(value) && memcmp(buffer, value, bytes) == 0) {
            return;
        }
        pause_ms(1);
    }
    fail_msg("%s is not %s", key, value == NULL ? "gone" : value);
}

static uint64_t operation_count(struct gridkv *node)
{
    struct gridkv_stats stats = {0};
    pause_ms(100); /* twice as long as figures may be old */
    assert_int_equal(gridkv_stats(node, &stats, sizeof(stats)), GKV_OK);
    return stats.operation_count;
}

/* Goal: a caller's own writes are read at once and in place, and by the other nodes soon.
 * Method: sets, a deletion, each error of a get, a time to live, asynchronous ones that nobody
 * wants to hear of; the loop counts no operation. */
static void test_errands(void **state)
{
    (void)state;
    struct gridkv *nodes[NODE_COUNT];
    open_nodes(nodes);
    const uint64_t before = operation_count(nodes[0]);
    char buffer[8];
    size_t bytes = 0;
    assert_int_equal(gridkv_set(nodes[0], "key", 3, "value", 5, 0), GKV_OK);
    assert_int_equal(gridkv_get(nodes[0], "key", 3, buffer, sizeof(buffer), &bytes), GKV_OK);
    assert_int_equal(bytes, 5);
    assert_memory_equal(buffer, "value", 5);
    assert_int_equal(gridkv_get(nodes[0], "key", 3, buffer, 4, &bytes), GKV_ERROR_BUFFER);
    assert_int_equal(bytes, 5);
    assert_int_equal(gridkv_get(nodes[0], "", 0, buffer, 4, &bytes), GKV_ERROR_KEY_EMPTY);
    assert_int_equal(gridkv_set(nodes[0], "empty", 5, NULL, 0, 0), GKV_OK);
    assert_int_equal(gridkv_get(nodes[0], "empty", 5, NULL, 0, &bytes), GKV_OK);
    assert_int_equal(bytes, 0);
    assert_int_equal(gridkv_set(nodes[0], "short", 5, "value", 5, 1), GKV_OK);
    wait_for_value(nodes[0], "short", NULL);
    assert_int_equal(gridkv_set(nodes[0], "gone", 4, "value", 5, 0), GKV_OK);
    assert_int_equal(gridkv_delete(nodes[0], "gone", 4), GKV_OK);
    wait_for_value(nodes[0], "gone", NULL);
    assert_int_equal(gridkv_set_async(nodes[0], "later", 5, "now", 3, 0, NULL, NULL), GKV_OK);
    assert_int_equal(gridkv_get(nodes[0], "later", 5, buffer, sizeof(buffer), &bytes), GKV_OK);
    assert_int_equal(bytes, 3);
    assert_int_equal(gridkv_delete_async(nodes[0], "later", 5, NULL, NULL), GKV_OK);
    assert_int_equal(gridkv_get(nodes[0], "later", 5, NULL, 0, NULL), GKV_ERROR_NOT_FOUND);
    assert_int_equal(gridkv_set_async(nodes[0], "", 0, "now", 3, 0, NULL, NULL),
                     GKV_ERROR_KEY_EMPTY);
    assert_int_equal(operation_count(nodes[0]), before);
    for (int i = 1; i < NODE_COUNT; i++) {
        wait_for_value(nodes[i], "key", "value");
        wait_for_value(nodes[i], "short", NULL);
        wait_for_value(nodes[i], "gone", NULL);
    }
    close_nodes(nodes);
}

#define MANY_COUNT 40 /* more than are under way at once */

/* Goal: many sets and gets in one call are each answered for itself, in place and through the loop.
 * Method: at EVENTUAL and at QUORUM, some keys empty, missing, or too long for their buffer; and a
 * value in room of its own. */
static void set_and_get_many(struct gridkv *node)
{
    char keys[MANY_COUNT][8];
    char buffers[MANY_COUNT][8];
    struct gridkv_write writes[MANY_COUNT];
    struct gridkv_read reads[MANY_COUNT];
    for (int i = 0; i < MANY_COUNT; i++) {
        const size_t key_bytes = (size_t)snprintf(keys[i], sizeof(keys[i]), "m%d", i);
        writes[i] = (struct gridkv_write){keys[i], i == 3 ? 0 : key_bytes, keys[i], key_bytes,
                                          0,       GKV_ERROR_SYSTEM};
        reads[i] = (struct gridkv_read){
            keys[i], key_bytes, buffers[i], i == 20 ? 1 : sizeof(buffers[i]), 0, GKV_ERROR_SYSTEM};
    }
    reads[30].key = "other";
    assert_int_equal(gridkv_set_many(node, writes, MANY_COUNT), GKV_OK);
    assert_int_equal(gridkv_get_many(node, reads, MANY_COUNT), GKV_OK);
    for (int i = 0; i < MANY_COUNT; i++) {
        assert_int_equal(writes[i].error, i == 3 ? GKV_ERROR_KEY_EMPTY : GKV_OK);
        if (i == 3 || i == 30) {
            assert_int_equal(reads[i].error, GKV_ERROR_NOT_FOUND);
            continue;
        }
        assert_int_equal(reads[i].error, i == 20 ? GKV_ERROR_BUFFER : GKV_OK);
        assert_int_equal(reads[i].value_bytes, writes[i].value_bytes);
        assert_true(i == 20 || memcmp(buffers[i], keys[i], reads[i].value_bytes) == 0);
    }
    static char large[5000];
    memset(large, 'x', sizeof(large));
    void *copy = NULL;
    size_t bytes = 0;
    assert_int_equal(gridkv_set(node, "large", 5, large, sizeof(large), 0), GKV_OK);
    assert_int_equal(gridkv_get_copy(node, "large", 5, &copy, &bytes), GKV_OK);
    assert_int_equal(bytes, sizeof(large));
    assert_memory_equal(copy, large, sizeof(large));
    gridkv_free(copy);
    assert_int_equal(gridkv_get_copy(node, "no", 2, &copy, &bytes), GKV_ERROR_NOT_FOUND);
    assert_int_equal(gridkv_get_copy(node, "no", 2, NULL, &bytes), GKV_ERROR_OPTION);
    assert_int_equal(gridkv_get_many(NULL, reads, 1), GKV_ERROR_CLOSED);
}

static void test_many(void **state)
{
    (void)state;
    struct gridkv *nodes[NODE_COUNT];
    open_nodes(nodes);
    set_and_get_many(nodes[0]);
    close_nodes(nodes);

    struct gridkv_options options;
    gridkv_options_init(&options);
    options.node_name = "alone";
    options.replica_count = 1;
    options.write_quorum = 1;
    options.read_quorum = 1;
    struct gridkv *node = NULL;
    assert_int_equal(gridkv_open(&options, &node, NULL, 0), GKV_OK);
    assert_int_equal(gridkv_wait_ready(node, READY_MS), GKV_OK);
    set_and_get_many(node);
    gridkv_close(node);
}

struct worker {
    struct gridkv *node;
    int index;
    atomic_int failed_count;
};

static void *write_and_read(void *argument)
{
    struct worker *worker = argument;
    for (int i = 0; i < KEY_COUNT; i++) {
        char key[32];
        char buffer[32];
        size_t bytes = 0;
        const int key_bytes = snprintf(key, sizeof(key), "%d-%d", worker->index, i);
        bool held =
            gridkv_set(worker->node, key, (size_t)key_bytes, key, (size_t)key_bytes, 0) == GKV_OK;
        held = held && gridkv_set(worker->node, "all", 3, key, (size_t)key_bytes, 0) == GKV_OK;
        held = held && gridkv_get(worker->node, key, (size_t)key_bytes, buffer, sizeof(buffer),
                                  &bytes) == GKV_OK;
        if (!held || bytes != (size_t)key_bytes || memcmp(buffer, key, bytes) != 0) {
            (void)atomic_fetch_add(&worker->failed_count, 1);
        }
    }
    return NULL;
}

/* Goal: threads that write beside each other and beside the loop lose nothing, and all owners end
 * with the same.
 * Method: each writes keys of its own and one of all; then the keys are looked for elsewhere. */
static void test_threads(void **state)
{
    (void)state;
    struct gridkv *nodes[NODE_COUNT];
    open_nodes(nodes);
    struct worker workers[THREAD_COUNT];
    pthread_t threads[THREAD_COUNT];
    for (int i = 0; i < THREAD_COUNT; i++) {
        workers[i] = (struct worker){.node = nodes[i % 2], .index = i};
        assert_int_equal(pthread_create(&threads[i], NULL, write_and_read, &workers[i]), 0);
    }
    for (int i = 0; i < THREAD_COUNT; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(atomic_load(&workers[i].failed_count), 0);
    }
    for (int i = 0; i < THREAD_COUNT * KEY_COUNT; i++) {
        char key[32];
        (void)snprintf(key, sizeof(key), "%d-%d", i / KEY_COUNT, i % KEY_COUNT);
        wait_for_value(nodes[2], key, key);
    }
    pause_ms(100);
    char last[32] = {0};
    assert_int_equal(gridkv_get(nodes[0], "all", 3, last, sizeof(last) - 1, NULL), GKV_OK);
    wait_for_value(nodes[1], "all", last);
    wait_for_value(nodes[2], "all", last);
    close_nodes(nodes);
}

static void *write_one_key(void *argument)
{
    struct worker *worker = argument;
    for (int i = 0; i < HOT_SET_COUNT; i++) {
        if (gridkv_set(worker->node, "hot", 3, &i, sizeof(i), 0) != GKV_OK) {
            (void)atomic_fetch_add(&worker->failed_count, 1);
        }
    }
    return NULL;
}

/* Goal: who writes one key beside another is told OK each time, and one of the last is held.
 * Method: a node alone, and two threads that do nothing else, on a processor each if there are two.
 */
static void test_one_key(void **state)
{
    (void)state;
    struct gridkv_options options;
    gridkv_options_init(&options);
    options.node_name = "alone";
    options.level = GRIDKV_LEVEL_EVENTUAL;
    options.write_quorum = 1;
    options.read_quorum = 1;
    struct gridkv *node = NULL;
    assert_int_equal(gridkv_open(&options, &node, NULL, 0), GKV_OK);
    assert_int_equal(gridkv_wait_ready(node, READY_MS), GKV_OK);
    struct worker workers[2];
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) {
        workers[i] = (struct worker){.node = node, .index = i};
        assert_int_equal(pthread_create(&threads[i], NULL, write_one_key, &workers[i]), 0);
        cpu_set_t own;
        CPU_ZERO(&own);
        CPU_SET((unsigned)i, &own);
        (void)pthread_setaffinity_np(threads[i], sizeof(own), &own);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(atomic_load(&workers[i].failed_count), 0);
    }
    int last = 0;
    assert_int_equal(gridkv_get(node, "hot", 3, &last, sizeof(last), NULL), GKV_OK);
    assert_int_equal(last, HOT_SET_COUNT - 1);
    gridkv_close(node);
}

/* Goal: what was written before the handle is closed reaches the others.
 * Method: write and close at once, then look at another node. */
static void test_close_sends_what_is_marked(void **state)
{
    (void)state;
    struct gridkv *nodes[NODE_COUNT];
    open_nodes(nodes);
    for (int i = 0; i < KEY_COUNT; i++) {
        char key[32];
        const int key_bytes = snprintf(key, sizeof(key), "k%d", i);
        assert_int_equal(gridkv_set(nodes[0], key, (size_t)key_bytes, "value", 5, 0), GKV_OK);
    }
    gridkv_close(nodes[0]);
    for (int i = 0; i < KEY_COUNT; i++) {
        char key[32];
        (void)snprintf(key, sizeof(key), "k%d", i);
        wait_for_value(nodes[1], key, "value");
    }
    gridkv_close(nodes[1]);
    gridkv_close(nodes[2]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errands),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_one_key),
        cmocka_unit_test(test_close_sends_what_is_marked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
