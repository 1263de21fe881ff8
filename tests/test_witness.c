#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/witness.h"
#include "tests/swim_world.h"

#define MS GKV_NS_PER_MS
#define PATIENCE_MS 3000

static void start(uint32_t count)
{
    world_start_cluster(count);
    for (uint32_t i = 0; i < count; i++) {
        world_peers[i].options.witness_patience_ms = PATIENCE_MS;
    }
}

/* Goal: a node that is cut off accuses nobody, until its patience is over; the others, who hear
 * each other, bury it in time.
 * Method: five nodes; cut one off. The window is 3 x 100 + 50 ms, in
 * which it may begin to suspect. */
static void test_who_is_alone_accuses_nobody(void **state)
{
    (void)state;
    start(5);
    const uint64_t cut_ns = world_now_ns;
    world_set_cut(1, 30, true);
    world_run_until(cut_ns + (PATIENCE_MS + 200) * MS);
    for (uint32_t i = 1; i < 5; i++) {
        assert_int_not_equal(world_view(0, i)->state, GKV_MEMBER_UNREACHABLE);
        assert_int_equal(world_view(i, 0)->state, GKV_MEMBER_UNREACHABLE);
        assert_int_equal(world_view(i, 1 + i % 4)->state, GKV_MEMBER_ALIVE);
    }
    world_run_until(cut_ns + 9 * SECOND_NS);
    for (uint32_t i = 1; i < 5; i++) {
        assert_int_equal(world_view(0, i)->state, GKV_MEMBER_UNREACHABLE);
    }
}

/* Goal: one witness of three is too few for five, whoever it is; two are enough.
 * Method: cut a pair off, then three; look at what those think of the others at once. */
static void test_two_are_wanted(void **state)
{
    (void)state;
    start(6);
    const uint64_t cut_ns = world_now_ns;
    world_set_cut(3, 60, true); /* 0 and 1 hear each other only */
    world_run_until(cut_ns + 2 * SECOND_NS);
    for (uint32_t i = 2; i < 6; i++) {
        assert_int_not_equal(world_view(0, i)->state, GKV_MEMBER_UNREACHABLE);
        assert_int_equal(world_view(i, 0)->state, GKV_MEMBER_UNREACHABLE);
    }
    world_setup(state);
    start(6);
    world_set_cut(7, 56, true); /* three and three */
    world_run_until(world_now_ns + 2 * SECOND_NS);
    assert_int_equal(world_view(0, 5)->state, GKV_MEMBER_UNREACHABLE);
    assert_int_equal(world_view(5, 0)->state, GKV_MEMBER_UNREACHABLE);
}

/* Goal: it can be switched off.
 * Method: the first case without. */
static void test_switched_off(void **state)
{
    (void)state;
    start(5);
    world_peers[0].options.witness_count = 0;
    world_set_cut(1, 30, true);
    world_run_until(world_now_ns + 2900 * MS);
    for (uint32_t i = 1; i < 5; i++) {
        assert_int_equal(world_view(0, i)->state, GKV_MEMBER_UNREACHABLE);
    }
}

/* Goal: who hears of a suspicion while alone does not bury the suspect, though its time is over.
 * Method: cut one of four off, and tell it first that another is suspect. */
static void test_hearsay_is_not_enough(void **state)
{
    (void)state;
    start(4);
    world_set_cut(1, 14, true);
    struct gkv_update word = world_update_about(2, 100, 0, GKV_MEMBER_SUSPECT);
    word.accuser = world_id_of(1);
    world_gossip(1, 0, &word);
    world_run_until(world_now_ns + 2900 * MS);
    assert_int_equal(world_view(0, 2)->state, GKV_MEMBER_SUSPECT);
    const struct gkv_trace_point *point = world_traced(0, GKV_TRACE_NO_WITNESS, 2, 0);
    assert_non_null(point);
    world_run_until(world_now_ns + 6 * SECOND_NS);
    assert_int_equal(world_view(0, 2)->state, GKV_MEMBER_UNREACHABLE);
}

/* Goal: the suspect itself is no witness, nor is who was heard too long ago, nor in another life.
 * Method: four nodes; hear some at certain times, and ask. */
static void test_who_is_a_witness(void **state)
{
    (void)state;
    start(4);
    for (uint32_t i = 0; i < 4; i++) {
        world_peers[i].options.probe_interval_ms = 60000;
    }
    world_run_until(world_now_ns + 2 * SECOND_NS); /* the last timers of before */
    world_peers[0].options.probe_interval_ms = 100;
    struct gkv_members *members = &world_peers[0].members;
    const uint16_t suspect = gkv_member_find(members, world_id_of(3));
    const uint64_t heard_ns = world_now_ns;
    for (uint32_t i = 1; i < 4; i++) {
        gkv_member_hear(members, &(struct gkv_identity){world_id_of(i), 100}, heard_ns);
    }
    world_now_ns = heard_ns + 350 * MS;
    struct gkv_step step = world_step_of(&world_peers[0]);
    assert_true(gkv_witness_allows(&step, suspect, 0));
    world_now_ns++;
    gkv_member_hear(members, &(struct gkv_identity){world_id_of(3), 100}, world_now_ns);
    gkv_member_hear(members, &(struct gkv_identity){world_id_of(2), 99}, world_now_ns);
    gkv_member_hear(members, &(struct gkv_identity){world_id_of(1), 100}, world_now_ns);
    step = world_step_of(&world_peers[0]);
    assert_false(gkv_witness_allows(&step, suspect, 0));
    gkv_member_hear(members, &(struct gkv_identity){world_id_of(2), 100}, world_now_ns);
    assert_true(gkv_witness_allows(&step, suspect, 0));
    assert_true(gkv_witness_allows(&step, suspect, world_now_ns));
    assert_false(gkv_witness_allows(&step, suspect, world_now_ns + 1)); /* not since */
}

/* Goal: patience ends so long after the window in which enough were heard, to the nanosecond.
 * Method: hear two at one instant, then nobody; 350 ms and 3,000 ms later, and one more. */
static void test_patience_ends(void **state)
{
    (void)state;
    start(4);
    struct gkv_members *members = &world_peers[0].members;
    const uint16_t suspect = gkv_member_find(members, world_id_of(3));
    for (uint32_t i = 1; i < 3; i++) {
        gkv_member_hear(members, &(struct gkv_identity){world_id_of(i), 100}, world_now_ns);
    }
    world_now_ns += (350 + PATIENCE_MS) * MS;
    struct gkv_step step = world_step_of(&world_peers[0]);
    assert_false(gkv_witness_allows(&step, suspect, 0));
    world_now_ns++;
    step = world_step_of(&world_peers[0]);
    assert_true(gkv_witness_allows(&step, suspect, 0));
}

/* Goal: a node accuses nobody for a second after it began, whomever it hears; then it does.
 * Method: three nodes; one starts anew, and then another dies. */
static void test_startup_grace(void **state)
{
    (void)state;
    start(3);
    world_start(0, 200, 1);
    const uint64_t began_ns = world_now_ns;
    world_run_until(began_ns + 300 * MS);
    world_peers[2].is_down = true;
    world_run_until(began_ns + 999 * MS);
    assert_null(world_traced(0, GKV_TRACE_CONFIRM, 2, began_ns));
    assert_non_null(world_traced(0, GKV_TRACE_NO_WITNESS, 2, began_ns));
    assert_int_not_equal(world_view(0, 2)->state, GKV_MEMBER_ALIVE); /* the other one says so */
    world_run_until(began_ns + 3 * SECOND_NS);
    assert_int_equal(world_view(0, 2)->state, GKV_MEMBER_UNREACHABLE);
}

/* Goal: the grace is the process's, and does not begin again when its record is new: who is said to
 * be of a newer boot, and overrules that, or is about to leave, accuses as before.
 * Method: three nodes; tell the first of a newer boot of its own again and again, sooner than its
 * grace would end, and let another die. */
static void test_grace_is_of_the_start(void **state)
{
    (void)state;
    start(3);
    world_run_until(world_now_ns + 2 * SECOND_NS);
    world_peers[2].is_down = true;
    const uint64_t down_ns = world_now_ns;
    for (uint64_t boot = 1000; boot < 1012; boot += 2) {
        struct gkv_update word = world_update_about(0, boot, 0, GKV_MEMBER_ALIVE);
        world_gossip(1, 0, &word);
        world_run_until(world_now_ns + 300 * MS);
        assert_int_equal(world_view(0, 0)->who.boot_id, boot + 1);
    }
    assert_non_null(world_traced(0, GKV_TRACE_CONFIRM, 2, down_ns));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_who_is_alone_accuses_nobody),
        TEST(test_two_are_wanted),
        TEST(test_switched_off),
        TEST(test_hearsay_is_not_enough),
        TEST(test_who_is_a_witness),
        TEST(test_patience_ends),
        TEST(test_startup_grace),
        TEST(test_grace_is_of_the_start),
    };
    print_message("seeds: 1000 + peer number\n");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
