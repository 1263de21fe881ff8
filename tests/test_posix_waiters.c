#include "io_posix/waiters.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define THREAD_COUNT 24 /* more than there are places */
#define TURN_COUNT 400
#define ANSWER_COUNT 3 /* that a caller waits for at a time */

/* What callers leave for the thread that answers: a list under a mutex, as the mailbox is. */
struct board {
    struct gkv_waiters waiters;
    pthread_mutex_t mutex;
    struct gkv_waiter *asked[THREAD_COUNT * ANSWER_COUNT];
    uint32_t asked_count;
};

struct caller {
    struct board *board;
    uint32_t met_count;
};

static void ask(struct board *board, struct gkv_waiter *waiter)
{
    gkv_waiter_begin(waiter);
    (void)pthread_mutex_lock(&board->mutex);
    board->asked[board->asked_count++] = waiter;
    (void)pthread_mutex_unlock(&board->mutex);
}

static void *run_caller(void *argument)
{
    struct caller *caller = argument;
    for (uint32_t turn = 0; turn < TURN_COUNT; turn++) {
        struct gkv_waiter waiter;
        gkv_waiter_init(&waiter);
        gkv_waiter_begin(&waiter); /* for something that comes to nothing */
        for (uint32_t i = 0; i < 1 + turn % ANSWER_COUNT; i++) {
            ask(caller->board, &waiter);
        }
        gkv_waiter_abandon(&waiter);
        gkv_waiter_wait(&caller->board->waiters, &waiter);
        caller->met_count += atomic_load(&waiter.state) < 2;
    }
    return NULL;
}

/* Answer all that was asked, and wake at the end: how many there were. */
static uint32_t answer(struct board *board)
{
    struct gkv_waiter *asked[THREAD_COUNT * ANSWER_COUNT];
    (void)pthread_mutex_lock(&board->mutex);
    const uint32_t count = board->asked_count;
    for (uint32_t i = 0; i < count; i++) {
        asked[i] = board->asked[i];
    }
    board->asked_count = 0;
    (void)pthread_mutex_unlock(&board->mutex);
    for (uint32_t i = 0; i < count; i++) {
        gkv_waiter_end(&board->waiters, asked[i]);
    }
    gkv_waiters_wake(&board->waiters);
    return count;
}

/* Goal: whoever waits for several answers sleeps until the last one, and no wake is missed.
 * Method: more threads than places, each on its own stack; the test's thread answers in batches,
 * and would go on for ever after a lost wake. */
static void test_threads(void **state)
{
    (void)state;
    static struct board board;
    struct caller callers[THREAD_COUNT];
    pthread_t threads[THREAD_COUNT];
    const uint32_t rounds = TURN_COUNT / ANSWER_COUNT;
    const uint32_t rest = TURN_COUNT % ANSWER_COUNT;
    uint32_t left_count = THREAD_COUNT * (rounds * 6 + rest * (rest + 1) / 2);
    assert_int_equal(gkv_waiters_init(&board.waiters), GKV_OK);
    assert_int_equal(pthread_mutex_init(&board.mutex, NULL), 0);
    for (int i = 0; i < THREAD_COUNT; i++) {
        callers[i] = (struct caller){.board = &board};
        assert_int_equal(pthread_create(&threads[i], NULL, run_caller, &callers[i]), 0);
    }
    while (left_count > 0) {
        left_count -= answer(&board);
    }
    for (int i = 0; i < THREAD_COUNT; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(callers[i].met_count, TURN_COUNT);
    }
    assert_int_equal(board.waiters.due, 0);
    (void)pthread_mutex_destroy(&board.mutex);
    gkv_waiters_destroy(&board.waiters);
}

/* Goal: who finds its answers there does not sleep, and nobody is woken for it.
 * Method: the last answer before the wait. */
static void test_no_sleep_when_over(void **state)
{
    (void)state;
    static struct gkv_waiters waiters;
    struct gkv_waiter waiter;
    assert_int_equal(gkv_waiters_init(&waiters), GKV_OK);
    gkv_waiter_init(&waiter);
    gkv_waiter_wait(&waiters, &waiter);
    gkv_waiter_begin(&waiter);
    gkv_waiter_begin(&waiter);
    gkv_waiter_end(&waiters, &waiter);
    gkv_waiter_end(&waiters, &waiter);
    assert_int_equal(waiters.due, 0);
    gkv_waiter_wait(&waiters, &waiter);
    gkv_waiters_destroy(&waiters);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_no_sleep_when_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
