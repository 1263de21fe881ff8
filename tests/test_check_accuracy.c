#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/told.h"

static struct told told;

static void begin(enum gkv_trial_phase phase)
{
    told_begin(&told, &gkv_check_accuracy);
    told.trial.phase = phase;
    for (uint32_t i = 0; i < 3; i++) {
        told.trial.world.hosts[i].is_up = true;
    }
}

static void tell_after(uint32_t accuser, uint32_t node, uint32_t about, enum gkv_member_state state)
{
    struct gkv_output output = {.kind = GKV_OUTPUT_MEMBER};
    output.as.member.accuser = told.trial.ids[accuser];
    output.as.member.who.id = told.trial.ids[about];
    output.as.member.state = state;
    gkv_check_accuracy.observe(
        &told.trial,
        &(struct gkv_observation){.kind = GKV_OBSERVE_OUTPUT, .node = node, .output = &output});
}

/* By its own doubt. */
static void tell(uint32_t node, uint32_t about, enum gkv_member_state state)
{
    tell_after(node, node, about, state);
}

/* Goal: doubts are accepted while faults strike, of who is down or left, and so is good news.
 * Method: a history of each. */
static void test_accepts_reasonable_doubts(void **state)
{
    (void)state;
    begin(GKV_PHASE_WORK);
    tell(0, 1, GKV_MEMBER_SUSPECT);
    begin(GKV_PHASE_LOSS);
    tell(0, 1, GKV_MEMBER_SUSPECT);
    assert_false(told_is_rejected(&told));

    begin(GKV_PHASE_IDLE);
    told.trial.world.hosts[1].is_up = false;
    tell(0, 1, GKV_MEMBER_UNREACHABLE);
    told.trial.left = gkv_nodes_of_bits(4);
    tell(0, 2, GKV_MEMBER_SUSPECT);
    tell(1, 0, GKV_MEMBER_ALIVE);
    assert_false(told_is_rejected(&told));
}

/* Goal: whoever doubts a node that is up, in a quiet cluster, is rejected. Method: each phase,
 * state and pair, with one link cut and without. */
static void test_rejects_false_suspicion(void **state)
{
    static const struct {
        enum gkv_trial_phase phase;
        enum gkv_member_state state;
        uint32_t node;
        uint32_t about;
        bool is_cut;
    } bad[] = {
        {GKV_PHASE_READ, GKV_MEMBER_SUSPECT, 0, 1, false},
        {GKV_PHASE_READ, GKV_MEMBER_UNREACHABLE, 2, 0, false},
        {GKV_PHASE_IDLE, GKV_MEMBER_SUSPECT, 1, 2, false},
        {GKV_PHASE_IDLE, GKV_MEMBER_UNREACHABLE, 0, 2, false},
        {GKV_PHASE_IDLE, GKV_MEMBER_SUSPECT, 0, 1, true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        begin(bad[i].phase);
        told.trial.idle.is_cut = bad[i].is_cut;
        tell(bad[i].node, bad[i].about, bad[i].state);
        assert_true(told_is_rejected(&told));
    }
}

/* Goal: an outsider may doubt and be doubted, and so may whoever repeats its word; but not whoever
 * doubts on a word of the core. Method: c is outside, and a tells of b and c. */
static void test_outsiders_excuse_their_word_alone(void **state)
{
    (void)state;
    begin(GKV_PHASE_IDLE);
    told.trial.outsiders = gkv_nodes_of_bits(4);
    tell(0, 2, GKV_MEMBER_UNREACHABLE);
    tell(2, 0, GKV_MEMBER_SUSPECT);
    tell_after(2, 0, 1, GKV_MEMBER_SUSPECT);
    assert_false(told_is_rejected(&told));
    tell_after(1, 0, 1, GKV_MEMBER_SUSPECT);
    assert_true(told_is_rejected(&told));

    begin(GKV_PHASE_IDLE);
    told.trial.outsiders = gkv_nodes_of_bits(4);
    tell(0, 1, GKV_MEMBER_SUSPECT);
    assert_true(told_is_rejected(&told));
}

/* Goal: what is counted are cases that could have failed: pings, and calls for help around a cut
 * link, of a quiet cluster and its core. Method: say them, and what is none. */
static void test_counts_cases(void **state)
{
    (void)state;
    begin(GKV_PHASE_IDLE);
    const uint64_t *counts = told.trial.tally.counts;
    told_say(&told, 0, 0, (struct gkv_message){.kind = GKV_MESSAGE_PING});
    told_say(&told, 0, 0, (struct gkv_message){.kind = GKV_MESSAGE_ACK});
    told_say(&told, 0, 0, (struct gkv_message){.kind = GKV_MESSAGE_PING_REQ});
    assert_int_equal(counts[GKV_HOLDS_ACCURATE], 1);
    assert_int_equal(counts[GKV_HOLDS_HELPED], 0);
    told.trial.idle.is_cut = true;
    told_say(&told, 0, 0, (struct gkv_message){.kind = GKV_MESSAGE_PING_REQ});
    assert_int_equal(counts[GKV_HOLDS_HELPED], 1);
    told.trial.outsiders = gkv_nodes_of_bits(1);
    told_say(&told, 0, 0, (struct gkv_message){.kind = GKV_MESSAGE_PING});
    told.trial.phase = GKV_PHASE_WORK;
    told_say(&told, 1, 0, (struct gkv_message){.kind = GKV_MESSAGE_PING});
    assert_int_equal(counts[GKV_HOLDS_ACCURATE], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts_reasonable_doubts),
        cmocka_unit_test(test_rejects_false_suspicion),
        cmocka_unit_test(test_outsiders_excuse_their_word_alone),
        cmocka_unit_test(test_counts_cases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
