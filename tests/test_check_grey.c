#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/told.h"

#define NODE_COUNT 5 /* of whom two are enough */
#define WINDOW_MS 2000

static struct told told;

/* Node a holds all to be alive. */
static void begin(enum gkv_trial_phase phase)
{
    told_begin(&told, &gkv_check_grey);
    told.trial.phase = phase;
    told.trial.scenario.node_count = NODE_COUNT;
    gkv_check_name_nodes(&told.trial);
    told.trial.scenario.world.node.degraded_window_ms = WINDOW_MS;
    for (uint32_t i = 0; i < NODE_COUNT; i++) {
        told.trial.world.hosts[i].is_up = true;
        told.trial.grey_watch.rows[0][i].boot_id = 100;
        told.trial.grey_watch.rows[0][i].state = GKV_MEMBER_ALIVE;
    }
}

static void observe(const struct gkv_output *output)
{
    told_wait(&told, 1);
    gkv_check_grey.observe(&told.trial,
                           &(struct gkv_observation){.kind = GKV_OBSERVE_OUTPUT,
                                                     .time_ns = told.trial.world.now_ns,
                                                     .node = 0,
                                                     .output = output});
}

/* Node a holds `about` to be in a state, since `accuser` says so. */
static void hold(uint32_t about, enum gkv_member_state state, uint32_t accuser)
{
    struct gkv_output output = {.kind = GKV_OUTPUT_MEMBER};
    output.as.member.who = (struct gkv_identity){told.trial.ids[about], 100};
    output.as.member.state = state;
    output.as.member.accuser = told.trial.ids[accuser];
    observe(&output);
}

static void accuse_in_vain(uint32_t about, uint32_t accuser)
{
    hold(about, GKV_MEMBER_SUSPECT, accuser);
    hold(about, GKV_MEMBER_ALIVE, accuser);
}

static void find(uint32_t about, bool is_degraded)
{
    struct gkv_output output = {.kind = GKV_OUTPUT_DEGRADED};
    output.as.degraded.who = (struct gkv_identity){told.trial.ids[about], 100};
    output.as.degraded.is_degraded = is_degraded;
    observe(&output);
}

static bool ends_well(void)
{
    gkv_check_grey.finish(&told.trial);
    return !told_is_rejected(&told);
}

/* Goal: who was accused by two in vain is found DEGRADED, and that once; more may be, and nothing
 * is asked where accusers do not count. Method: a history of each. */
static void test_accepts(void **state)
{
    (void)state;
    begin(GKV_PHASE_WORK);
    accuse_in_vain(1, 2);
    accuse_in_vain(1, 3);
    find(1, true);
    accuse_in_vain(1, 2);
    find(1, false);
    find(4, true); /* others may have been told of more */
    assert_true(ends_well());
    assert_int_equal(told.trial.tally.counts[GKV_HOLDS_GREY_SEEN], 2);

    begin(GKV_PHASE_WORK);
    accuse_in_vain(1, 2);
    accuse_in_vain(1, 2); /* the same one */
    accuse_in_vain(1, 0); /* by itself */
    told_wait(&told, WINDOW_MS / 2 + 10);
    accuse_in_vain(1, 3); /* too late */
    hold(4, GKV_MEMBER_UNREACHABLE, 2);
    accuse_in_vain(1, 4); /* whom nobody reaches */
    hold(2, GKV_MEMBER_SUSPECT, 3);
    hold(2, GKV_MEMBER_UNREACHABLE, 3); /* it denied nothing */
    hold(2, GKV_MEMBER_ALIVE, 3);
    accuse_in_vain(2, 1);
    assert_true(ends_well());
    assert_int_equal(told.trial.tally.counts[GKV_HOLDS_GREY_SEEN], 0);

    begin(GKV_PHASE_IDLE); /* an outsider may accuse for ever */
    told.trial.scenario.outsider_count = 1;
    find(1, true);
    assert_true(ends_well());
}

/* Goal: nobody overlooks a member that was accused in vain by enough, nor finds another to be it.
 * Method: leave the verdict out, end there, and give it of somebody else. */
static void test_rejects_who_sees_nothing(void **state)
{
    (void)state;
    begin(GKV_PHASE_WORK);
    accuse_in_vain(1, 2);
    accuse_in_vain(1, 3);
    assert_false(told_is_rejected(&told));
    accuse_in_vain(2, 3);
    assert_true(told_is_rejected(&told));

    begin(GKV_PHASE_WORK);
    accuse_in_vain(1, 2);
    accuse_in_vain(1, 3);
    assert_false(ends_well());

    begin(GKV_PHASE_WORK);
    accuse_in_vain(1, 2);
    accuse_in_vain(1, 3);
    find(2, true);
    assert_true(told_is_rejected(&told));
}

/* Goal: on a quiet network nobody who is up is DEGRADED. Method: find one, in each quiet phase. */
static void test_rejects_false_verdicts(void **state)
{
    (void)state;
    begin(GKV_PHASE_READ);
    find(1, true);
    assert_true(told_is_rejected(&told));
    begin(GKV_PHASE_IDLE);
    find(3, true);
    assert_true(told_is_rejected(&told));
    begin(GKV_PHASE_IDLE);
    told.trial.world.hosts[3].is_up = false;
    find(3, true);
    find(2, false);
    assert_false(told_is_rejected(&told));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts),
        cmocka_unit_test(test_rejects_who_sees_nothing),
        cmocka_unit_test(test_rejects_false_verdicts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
