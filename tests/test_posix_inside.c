#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "io_posix/inside.h"

#define THREAD_COUNT 4
#define VISIT_COUNT 2000

static struct gkv_inside inside;

static uint64_t count_of(const struct gkv_inside_place *place)
{
    return atomic_load(&place->caller_count);
}

/* Goal: a thread has one place, whose number is its own, and is counted in it while it is inside,
 * as often as it came in.
 * Method: the names of many threads, twice each. */
static void test_places(void **state)
{
    (void)state;
    gkv_inside_init(&inside);
    for (uint64_t i = 0; i < 16; i++) {
        const uint64_t self = (i + 1) << 23;
        struct gkv_inside_place *place = gkv_inside_enter(&inside, self);
        assert_ptr_not_equal(place, &inside.shared);
        assert_int_equal(atomic_load(&place->number), i);
        assert_ptr_equal(gkv_inside_enter(&inside, self), place);
        assert_int_equal(count_of(place), 2);
        gkv_inside_exit(place);
        assert_int_equal(count_of(place), 1);
        gkv_inside_exit(place);
        assert_int_equal(count_of(place), 0);
    }
}

/* Goal: threads that find no place of their own within reach share one, and those that have one
 * keep it.
 * Method: names that all look for a place from the same one on, more than may be had so. */
static void test_shared_place(void **state)
{
    (void)state;
    gkv_inside_init(&inside);
    struct gkv_inside_place *places[GKV_INSIDE_REACH + 2];
    uint64_t selves[GKV_INSIDE_REACH + 2];
    uint64_t self = 0;
    for (uint32_t i = 0; i < GKV_INSIDE_REACH + 2; i++) {
        do {
            self++;
        } while (gkv_inside_index(self) != GKV_INSIDE_COUNT - 1);
        selves[i] = self;
        places[i] = gkv_inside_enter(&inside, self);
        assert_int_equal(places[i] == &inside.shared, i >= GKV_INSIDE_REACH);
    }
    assert_int_equal(count_of(&inside.shared), 2);
    for (uint32_t i = 0; i < GKV_INSIDE_REACH + 2; i++) {
        gkv_inside_exit(places[i]);
        assert_ptr_equal(gkv_inside_enter(&inside, selves[i]), places[i]);
        gkv_inside_exit(places[i]);
        assert_int_equal(count_of(places[i]), i == GKV_INSIDE_REACH ? 1 : 0);
    }
}

struct visitor {
    atomic_int *stopping;
    atomic_int *freed;
    atomic_int *after_count; /* of those that were inside of what was freed */
};

static void *visit(void *argument)
{
    const struct visitor *visitor = argument;
    bool is_over = false;
    for (int i = 0; i < VISIT_COUNT && !is_over; i++) {
        struct gkv_inside_place *place = gkv_inside_enter(&inside, gkv_inside_self());
        is_over = atomic_load(visitor->stopping) != 0;
        if (!is_over && atomic_load(visitor->freed) != 0) {
            (void)atomic_fetch_add(visitor->after_count, 1);
        }
        gkv_inside_exit(place);
    }
    return NULL;
}

/* Goal: who waits waits for all that did not see that it is too late.
 * Method: threads that come and go; then it is too late, the waiting is done, and what they use is
 * gone: none of them is inside that had not seen it. */
static void test_waits(void **state)
{
    (void)state;
    for (int round = 0; round < 20; round++) {
        gkv_inside_init(&inside);
        inside.has_barrier &= round % 2 == 0; /* else as on a system that has none */
        atomic_int stopping = 0;
        atomic_int freed = 0;
        atomic_int after_count = 0;
        const struct visitor visitor = {&stopping, &freed, &after_count};
        pthread_t threads[THREAD_COUNT];
        for (int i = 0; i < THREAD_COUNT; i++) {
            assert_int_equal(pthread_create(&threads[i], NULL, visit, (void *)&visitor), 0);
        }
        atomic_store(&stopping, 1);
        gkv_inside_wait(&inside);
        atomic_store(&freed, 1);
        for (int i = 0; i < THREAD_COUNT; i++) {
            assert_int_equal(pthread_join(threads[i], NULL), 0);
        }
        assert_int_equal(atomic_load(&after_count), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_shared_place),
        cmocka_unit_test(test_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
