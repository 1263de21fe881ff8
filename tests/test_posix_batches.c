#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>

#include "io_posix/gridkv.h"

#define READY_MS 30000 /* a limit for failure, never waited out */
#define KEY_COUNT 200

/* What the completions of a node and the ends of its batches tell; both on its thread. */
struct batches {
    uint32_t done_count;
    uint32_t batch_count;
    bool is_empty; /* a batch ended without a completion */
    pthread_mutex_t mutex;
    pthread_cond_t ended;
    uint32_t told_count; /* under the mutex: completions before the last batch ended */
};

static void batch_done(void *context, const struct gridkv_completion *completion)
{
    struct batches *batches = context;
    assert_int_equal(completion->error, GKV_OK);
    batches->done_count++;
}

static void batch_ended(void *context)
{
    struct batches *batches = context;
    batches->batch_count++;
    (void)pthread_mutex_lock(&batches->mutex);
    batches->is_empty = batches->is_empty || batches->done_count == batches->told_count;
    batches->told_count = batches->done_count;
    (void)pthread_mutex_unlock(&batches->mutex);
    (void)pthread_cond_signal(&batches->ended);
}

/* Goal: after completions, and only then, the batch ends: who is woken there misses none.
 * Method: asynchronous sets, and a thread that sleeps until a batch ends and looks. */
static void test_batches(void **state)
{
    (void)state;
    struct batches batches = {.mutex = PTHREAD_MUTEX_INITIALIZER,
                              .ended = PTHREAD_COND_INITIALIZER};
    struct gridkv_options options;
    struct gridkv *kv = NULL;
    gridkv_options_init(&options);
    options.node_name = "a";
    options.replica_count = 1;
    options.write_quorum = 1;
    options.read_quorum = 1;
    options.on_batch = batch_ended;
    options.batch_context = &batches;
    assert_int_equal(gridkv_open(&options, &kv, NULL, 0), GKV_OK);
    assert_int_equal(gridkv_wait_ready(kv, READY_MS), GKV_OK);
    for (uint32_t i = 0; i < KEY_COUNT; i++) {
        assert_int_equal(gridkv_set_async(kv, "x", 1, "y", 1, 0, batch_done, &batches), GKV_OK);
    }
    (void)pthread_mutex_lock(&batches.mutex);
    while (batches.told_count < KEY_COUNT) {
        (void)pthread_cond_wait(&batches.ended, &batches.mutex);
    }
    (void)pthread_mutex_unlock(&batches.mutex);
    gridkv_close(kv);
    assert_in_range(batches.batch_count, 1, KEY_COUNT);
    assert_false(batches.is_empty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_batches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
