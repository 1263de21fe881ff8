#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/talk.h"
#include "tests/told.h"

static struct told told;

#define TIMEOUT_MS 500 /* of operations */
#define STALL_MS 40    /* what a node takes for a stall */

/* A client asks a, which waits, stands still, goes on and waits again; then it gives up. */
struct talk {
    const char *name;
    uint32_t before_ms;
    uint32_t pause_ms; /* 0: it does not stand still */
    uint32_t after_ms;
    enum gkv_error error;
    bool is_timer;     /* it gives up by TIMER; else a datagram came */
    bool is_suspended; /* its clock stood still, too */
    bool is_unguarded; /* by the options */
};

static const struct talk good[] = {
    {"no pause", 500, 0, 0, GKV_ERROR_TIMEOUT, true, false, false},
    {"all of it is given back", 300, 1000, 200, GKV_ERROR_TIMEOUT, true, false, false},
    {"all but what goes unnoticed", 300, 1000, 110, GKV_ERROR_TIMEOUT, true, false, false},
    {"it is answered", 300, 1000, 0, GKV_OK, true, false, false},
    {"an answer leaves it in doubt", 300, 1000, 0, GKV_ERROR_IN_DOUBT, false, false, false},
    {"too short for a stall", 350, 130, 20, GKV_ERROR_TIMEOUT, true, false, false},
    {"its clock stood still", 300, 1000, 200, GKV_ERROR_TIMEOUT, true, true, false},
    {"nobody guards", 300, 1000, 0, GKV_ERROR_TIMEOUT, true, false, true},
};

static const struct talk bad[] = {
    {"at once", 300, 1000, 0, GKV_ERROR_TIMEOUT, true, false, false},
    {"a write, at once", 300, 1000, 0, GKV_ERROR_IN_DOUBT, true, false, false},
    {"as soon as something comes", 300, 1000, 0, GKV_ERROR_TIMEOUT, false, false, false},
    {"soon", 300, 1000, 80, GKV_ERROR_TIMEOUT, true, false, false},
    {"after a short one", 250, 300, 50, GKV_ERROR_TIMEOUT, true, false, false},
    {"when it has just begun", 0, 3000, 300, GKV_ERROR_TIMEOUT, true, false, false},
};

static uint32_t begin(const struct talk *talk)
{
    told_begin(&told, &gkv_check_stall);
    told.trial.scenario.world.node.operation_timeout_ms = TIMEOUT_MS;
    told.trial.scenario.world.node.stall_ms = talk->is_unguarded ? 0 : STALL_MS;
    return told_submit(&told, GKV_OPERATION_GET, 0, 0);
}

static void stand_still(const struct talk *talk)
{
    told_input(&told, 0, GKV_OBSERVE_PAUSE);
    if (talk->is_suspended) {
        gkv_sim_clock_suspend(&told.trial.world.hosts[0].clock, talk->pause_ms * GKV_NS_PER_MS);
    }
    told_wait(&told, talk->pause_ms);
    told_input(&told, 0, GKV_OBSERVE_RESUME);
}

static bool is_rejected(const void *row)
{
    const struct talk *talk = row;
    const uint32_t number = begin(talk);
    told_wait(&told, talk->before_ms);
    if (talk->pause_ms > 0) {
        stand_still(talk);
    }
    told_wait(&told, talk->after_ms);
    told_input(&told, 0, talk->is_timer ? GKV_OBSERVE_TIMER : GKV_OBSERVE_DATAGRAM);
    told_complete(&told, number, &(struct gkv_result){.error = talk->error}, GKV_HISTORY_NONE);
    return told_is_rejected(&told);
}

/* Goal: operations that get the time back are accepted. Method: a table of them. */
static void test_accepts_patience(void **state)
{
    (void)state;
    talk_expect_accepted(good, sizeof(good), sizeof(good[0]), is_rejected);
}

/* Goal: operations that are given up for a stall are rejected. Method: a table of them. */
static void test_rejects_haste(void **state)
{
    (void)state;
    talk_expect_rejected(bad, sizeof(bad), sizeof(bad[0]), is_rejected);
}

/* Goal: a stall from before the operation, or of another node, is no excuse and no reason.
 * Method: both, and an operation that takes its timeout. */
static void test_stalls_of_its_own(void **state)
{
    (void)state;
    const struct talk talk = {.pause_ms = 1000};
    (void)begin(&talk);
    stand_still(&talk);
    const uint32_t number = told_submit(&told, GKV_OPERATION_GET, 0, 1);
    told_input(&told, 1, GKV_OBSERVE_PAUSE);
    told_wait(&told, TIMEOUT_MS);
    told_input(&told, 1, GKV_OBSERVE_RESUME);
    told_input(&told, 0, GKV_OBSERVE_TIMER);
    told_complete(&told, number, &(struct gkv_result){.error = GKV_ERROR_TIMEOUT},
                  GKV_HISTORY_NONE);
    assert_false(told_is_rejected(&told));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts_patience),
        cmocka_unit_test(test_rejects_haste),
        cmocka_unit_test(test_stalls_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
