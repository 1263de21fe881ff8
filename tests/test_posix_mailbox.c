#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>
#include <pthread.h>
#include <string.h>

#include "core/action.h"
#include "core/prng.h"
#include "io_posix/clock.h"
#include "io_posix/loop.h"
#include "io_posix/mailbox.h"

#define CAPACITY 7
#define SEED 20261121
#define STEP_COUNT 20000
#define WAIT_NS (UINT64_C(10) * 1000 * 1000 * 1000) /* a limit for failure, never waited out */

static void count_done(const struct gkv_request *request, const struct gkv_result *result)
{
    (void)result;
    (*(uint32_t *)request->context)++;
}

static enum gkv_error post(struct gkv_mailbox *mailbox, uint64_t label, bool *wake_out)
{
    static uint32_t ignored;
    const struct gkv_request request = {
        .operation = {.kind = GKV_OPERATION_GET, .ttl_ms = label},
        .done = count_done,
        .context = &ignored,
    };
    return gkv_mailbox_post(mailbox, &request, wake_out);
}

/* Goal: places run out at the capacity and come back one by one; only the first post to a sleeping
 * taker asks for a wake, and who finds something posted may not sleep; a closed mailbox refuses and
 * still gives out what it had taken in.
 * Method: fill, overfill, take, finish, close, step by step. */
static void test_full_and_closed(void **state)
{
    (void)state;
    struct gkv_mailbox mailbox;
    assert_int_equal(gkv_mailbox_init(&mailbox, 2), GKV_OK);
    bool wake = false;
    assert_false(gkv_mailbox_has_posted(&mailbox));
    assert_true(gkv_mailbox_sleep(&mailbox));
    assert_int_equal(post(&mailbox, 1, &wake), GKV_OK);
    assert_true(wake);
    assert_true(gkv_mailbox_has_posted(&mailbox));
    assert_false(gkv_mailbox_sleep(&mailbox));
    assert_int_equal(post(&mailbox, 2, &wake), GKV_OK);
    assert_false(wake);
    assert_int_equal(post(&mailbox, 3, &wake), GKV_ERROR_BUSY);
    assert_false(wake);
    assert_int_equal(gkv_mailbox_open_count(&mailbox), 2);

    struct gkv_operation operation;
    struct gkv_request request;
    uint64_t cookie = 0;
    assert_false(gkv_mailbox_next_taken(&mailbox, &cookie));
    assert_true(gkv_mailbox_take(&mailbox, &operation));
    assert_int_equal(operation.ttl_ms, 1);
    assert_int_equal(post(&mailbox, 3, &wake), GKV_ERROR_BUSY); /* taken is not over */
    gkv_mailbox_finish(&mailbox, operation.cookie, &request);
    assert_int_equal(request.operation.ttl_ms, 1);
    assert_int_equal(post(&mailbox, 4, &wake), GKV_OK);
    assert_false(wake); /* 2 is still posted */

    gkv_mailbox_close(&mailbox);
    assert_int_equal(post(&mailbox, 5, &wake), GKV_ERROR_CLOSED);
    assert_true(gkv_mailbox_take(&mailbox, &operation));
    assert_int_equal(operation.ttl_ms, 2);
    assert_true(gkv_mailbox_next_taken(&mailbox, &cookie));
    assert_int_equal(cookie, operation.cookie);
    gkv_mailbox_finish(&mailbox, cookie, &request);
    assert_true(gkv_mailbox_take(&mailbox, &operation));
    assert_int_equal(operation.ttl_ms, 4);
    gkv_mailbox_finish(&mailbox, operation.cookie, &request);
    assert_false(gkv_mailbox_take(&mailbox, &operation));
    assert_false(gkv_mailbox_has_posted(&mailbox));
    assert_int_equal(gkv_mailbox_open_count(&mailbox), 0);
    gkv_mailbox_destroy(&mailbox);
}

/* Goal: first posted, first taken; what is finished is what was taken; who sleeps is woken once; at
 * every fill level.
 * Method: random steps against a plain queue of labels and a table of taken ones. */
static void test_against_model(void **state)
{
    (void)state;
    print_message("seed %d\n", SEED);
    struct gkv_prng prng;
    gkv_prng_init(&prng, SEED, 0);
    struct gkv_mailbox mailbox;
    assert_int_equal(gkv_mailbox_init(&mailbox, CAPACITY), GKV_OK);
    uint64_t queue[CAPACITY];
    uint64_t taken[CAPACITY] = {0}; /* label by cookie; 0: none */
    uint32_t queue_count = 0;
    uint32_t taken_count = 0;
    bool is_asleep = false;
    for (uint64_t label = 1; label <= STEP_COUNT; label++) {
        const uint64_t choice = gkv_prng_below(&prng, 4);
        bool wake = false;
        struct gkv_operation operation;
        if (choice == 0) {
            const bool fits = queue_count + taken_count < CAPACITY;
            assert_int_equal(post(&mailbox, label, &wake), fits ? GKV_OK : GKV_ERROR_BUSY);
            assert_int_equal(wake, fits && is_asleep);
            if (fits) {
                is_asleep = false;
                queue[queue_count++] = label;
            }
        } else if (choice == 1) {
            assert_int_equal(gkv_mailbox_take(&mailbox, &operation), queue_count > 0);
            is_asleep = false;
            if (queue_count > 0) {
                assert_int_equal(operation.ttl_ms, queue[0]);
                assert_int_equal(taken[operation.cookie], 0);
                taken[operation.cookie] = queue[0];
                taken_count++;
                memmove(queue, queue + 1, --queue_count * sizeof(queue[0]));
            }
        } else if (choice == 2) {
            is_asleep = gkv_mailbox_sleep(&mailbox);
            assert_int_equal(is_asleep, queue_count == 0);
        } else {
            const uint64_t cookie = gkv_prng_below(&prng, CAPACITY);
            struct gkv_request request;
            if (taken[cookie] != 0) {
                gkv_mailbox_finish(&mailbox, cookie, &request);
                assert_int_equal(request.operation.ttl_ms, taken[cookie]);
                taken[cookie] = 0;
                taken_count--;
            }
        }
        assert_int_equal(gkv_mailbox_open_count(&mailbox), queue_count + taken_count);
    }
    gkv_mailbox_destroy(&mailbox);
}

/* Goal: a copied key and value are the taker's until the request is over, whatever their owner does
 * with them, and do not run into those of others.
 * Method: as many requests as there are places, of the longest that is copied, all made in one
 * buffer. */
static void test_copies(void **state)
{
    (void)state;
    struct gkv_mailbox mailbox;
    uint8_t bytes[GKV_REQUEST_COPY_BYTES_MAX];
    assert_int_equal(gkv_mailbox_init(&mailbox, CAPACITY), GKV_OK);
    for (uint32_t i = 0; i < CAPACITY; i++) {
        bool wake = false;
        memset(bytes, (int)i, sizeof(bytes));
        const struct gkv_request request = {
            .operation = {.key = {bytes, i}, .value = {bytes, sizeof(bytes) - i}},
            .done = count_done,
            .is_copied = true};
        assert_int_equal(gkv_mailbox_post(&mailbox, &request, &wake), GKV_OK);
    }
    for (uint32_t i = 0; i < CAPACITY; i++) {
        struct gkv_operation operation;
        memset(bytes, (int)i, sizeof(bytes));
        assert_true(gkv_mailbox_take(&mailbox, &operation));
        assert_int_equal(operation.key.count, i);
        assert_memory_equal(operation.key.data, bytes, i);
        assert_int_equal(operation.value.count, sizeof(bytes) - i);
        assert_memory_equal(operation.value.data, bytes, sizeof(bytes) - i);
    }
    gkv_mailbox_destroy(&mailbox);
}

#define POSTER_COUNT 4
#define POST_COUNT 5000

struct poster {
    struct gkv_mailbox *mailbox;
    struct gkv_loop *loop;
    uint32_t done_count; /* written by the taking thread */
    uint32_t posted_count;
};

static void *run_poster(void *argument)
{
    struct poster *poster = argument;
    while (poster->posted_count < POST_COUNT) {
        const struct gkv_request request = {.done = count_done, .context = &poster->done_count};
        bool wake = false;
        if (gkv_mailbox_post(poster->mailbox, &request, &wake) == GKV_OK) {
            poster->posted_count++;
        }
        if (wake) {
            gkv_loop_wake(poster->loop);
        }
    }
    return NULL;
}

/* Goal: with several threads posting, nothing is lost or doubled, and no wake is missed.
 * Method: threads that post as fast as places come free; the test's thread sleeps in the loop
 * whenever the mailbox is empty, and after a lost wake would sleep until the limit for failure. */
static void test_threads(void **state)
{
    (void)state;
    struct gkv_mailbox mailbox;
    struct gkv_loop loop;
    assert_int_equal(gkv_mailbox_init(&mailbox, CAPACITY), GKV_OK);
    assert_int_equal(gkv_loop_open(&loop), GKV_OK);
    struct poster posters[POSTER_COUNT];
    pthread_t threads[POSTER_COUNT];
    for (int i = 0; i < POSTER_COUNT; i++) {
        posters[i] = (struct poster){.mailbox = &mailbox, .loop = &loop};
        assert_int_equal(pthread_create(&threads[i], NULL, run_poster, &posters[i]), 0);
    }
    const struct gkv_result result = {.error = GKV_OK};
    uint32_t finished_count = 0;
    while (finished_count < POSTER_COUNT * POST_COUNT) {
        struct gkv_ready ready[GKV_LOOP_READY_COUNT_MAX];
        const uint64_t begun_ns = gkv_clock_mono_ns();
        const bool may_sleep = gkv_mailbox_sleep(&mailbox);
        assert_int_equal(gkv_loop_wait(&loop, may_sleep ? WAIT_NS : 0, ready), 0);
        assert_true(gkv_clock_mono_ns() - begun_ns < WAIT_NS);
        struct gkv_operation operation;
        while (gkv_mailbox_take(&mailbox, &operation)) {
            struct gkv_request request;
            gkv_mailbox_finish(&mailbox, operation.cookie, &request);
            request.done(&request, &result);
            finished_count++;
        }
    }
    for (int i = 0; i < POSTER_COUNT; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(posters[i].done_count, POST_COUNT);
    }
    assert_int_equal(gkv_mailbox_open_count(&mailbox), 0);
    gkv_loop_close(&loop);
    gkv_mailbox_destroy(&mailbox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_full_and_closed),
        cmocka_unit_test(test_against_model),
        cmocka_unit_test(test_copies),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
