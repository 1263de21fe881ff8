#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/idle.h"
#include "tests/trio.h"

#define SEED_COUNT 60

static struct trio trio;

static void begin(uint64_t seed, enum gkv_trial_phase phase)
{
    trio_begin(&trio, 3);
    gkv_choice_init(&trio.trial.choice, seed);
    trio.trial.phase = phase;
}

static uint32_t cut_count(void)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < TRIO_NODE_COUNT; i++) {
        for (uint32_t j = 0; j < TRIO_NODE_COUNT; j++) {
            count += gkv_world_link(&trio.trial.world, i, j)->is_cut;
        }
    }
    return count;
}

/* Goal: in some trials one link is cut, and in none where fewer than three are up, somebody is
 * outside, or helpers have no time. Method: some seeds of each. */
static void test_one_link_is_cut_at_the_most(void **state)
{
    (void)state;
    for (uint32_t variant = 0; variant < 4; variant++) {
        uint32_t met_count = 0;
        for (uint64_t seed = 1; seed <= SEED_COUNT; seed++) {
            begin(seed, GKV_PHASE_IDLE);
            if (variant == 1) {
                gkv_world_crash(&trio.trial.world, 2, 0);
            } else if (variant == 2) {
                trio.trial.outsiders = gkv_nodes_of_bits(4);
            } else if (variant == 3) {
                trio.trial.scenario.world.timer_late_ns_max = UINT32_MAX;
            }
            uint64_t until_ns = 0;
            gkv_idle_begin(&trio.trial);
            assert_true(gkv_idle_wait(&trio.trial, &until_ns));
            assert_true(until_ns > trio.trial.world.now_ns);
            assert_int_equal(cut_count(), trio.trial.idle.is_cut);
            met_count += trio.trial.idle.is_cut;
            trio_end(&trio);
        }
        assert_true(variant == 0 ? met_count > 0 && met_count < SEED_COUNT : met_count == 0);
    }
}

/* Goal: where many are, it is quiet when nobody has told a rumour for a while, and by a time that
 * follows from their number at the latest. Method: 32 nodes of whom one tells the last rumour, or
 * one after the other; time is set by hand. */
static void test_waits_for_rumours(void **state)
{
    (void)state;
    for (uint32_t goes_on = 0; goes_on < 2; goes_on++) {
        begin(1, GKV_PHASE_IDLE);
        trio.trial.scenario.node_count = 32;
        trio.trial.scenario.world.node.gossip_interval_ms = 200;
        const struct gkv_message rumour = {.kind = GKV_MESSAGE_GOSSIP};
        const struct gkv_message ping = {.kind = GKV_MESSAGE_PING};
        const uint64_t first_ns = trio.trial.world.now_ns;
        uint64_t until_ns = 0;
        uint32_t wait_count = 0;
        gkv_idle_begin(&trio.trial);
        assert_true(trio.trial.idle.begin_ns == GKV_NEVER);
        while (gkv_idle_wait(&trio.trial, &until_ns)) {
            const bool is_told = goes_on == 1 || wait_count == 0;
            const struct gkv_heard heard = {.message = is_told ? &rumour : &ping,
                                            .time_ns = until_ns - 1};
            gkv_idle_hear(&trio.trial, &heard);
            trio.trial.world.now_ns = until_ns;
            wait_count++;
        }
        assert_true(goes_on == 1 ? wait_count > 2 : wait_count == 2);
        assert_true(goes_on == 1 ? until_ns == trio.trial.idle.latest_ns
                                 : until_ns < trio.trial.idle.latest_ns);
        assert_true(trio.trial.idle.latest_ns > first_ns);
        trio.trial.scenario.node_count = TRIO_NODE_COUNT;
        gkv_idle_note(&trio.trial);
        assert_true(trio.trial.idle.begin_ns == until_ns);
        assert_true(trio.trial.idle.end_ns > until_ns);
        trio_end(&trio);
    }
}

/* Goal: who is up is watched, who holds keys of others is spared, and what one holds of another and
 * not the third is news. Method: a crash, a key at a node that does not own it, and another
 * incarnation. */
static void test_notes_who_is_watched_and_spared(void **state)
{
    (void)state;
    for (uint32_t variant = 0; variant < 3; variant++) {
        begin(1, GKV_PHASE_IDLE);
        trio.trial.scenario.world.node.replica_count = 1;
        uint8_t owners[GKV_REPLICA_COUNT_MAX];
        assert_int_equal(gkv_owners_of(&trio.trial, 0, owners), 1);
        const uint32_t other = (owners[0] + 1u) % TRIO_NODE_COUNT;
        trio_hold(&trio, variant == 1 ? other : owners[0], 10);
        if (variant == 0) {
            gkv_world_crash(&trio.trial.world, other, 0);
        } else if (variant == 2) {
            trio_said(&trio, 0, 1)->incarnation++;
        }
        gkv_idle_note(&trio.trial);
        for (uint32_t i = 0; i < TRIO_NODE_COUNT; i++) {
            assert_int_equal(gkv_nodes_has(&trio.trial.idle.watched, i),
                             variant != 0 || i != other);
            assert_int_equal(gkv_nodes_has(&trio.trial.idle.spared, i), variant == 1 && i == other);
        }
        assert_int_equal(trio.trial.idle.has_news, variant == 2);
        trio_end(&trio);
    }
}

/* Goal: in some trials one node that is up dies, with time for all to find out; in none where a
 * link is cut, nobody is left to find out, or the node is none of the core. Method: some seeds. */
static void test_one_node_is_lost_at_the_most(void **state)
{
    (void)state;
    for (uint32_t variant = 0; variant < 4; variant++) {
        uint32_t met_count = 0;
        for (uint64_t seed = 1; seed <= SEED_COUNT; seed++) {
            begin(seed, GKV_PHASE_LOSS);
            trio.trial.idle.is_cut = variant == 1;
            trio.trial.outsiders = gkv_nodes_of_bits(variant == 2 ? 6 : 0);
            trio.trial.left = gkv_nodes_of_bits(variant == 3 ? 7 : 0);
            const bool is_lost = gkv_idle_lose(&trio.trial);
            for (uint32_t i = 0; i < TRIO_NODE_COUNT; i++) {
                assert_int_equal(trio.trial.world.hosts[i].is_up,
                                 !is_lost || i != trio.trial.idle.lost_node);
            }
            assert_true(!is_lost || trio.trial.idle.deadline_ns > trio.trial.world.now_ns);
            met_count += is_lost;
            if (is_lost && met_count == 1) {
                trio_run_ms(&trio, (trio.trial.idle.deadline_ns - trio.trial.world.now_ns) /
                                       GKV_NS_PER_MS);
                assert_true(trio_is_settled(&trio, &gkv_check_dead));
            }
            trio_end(&trio);
        }
        assert_true(variant == 0 ? met_count > 0 && met_count < SEED_COUNT : met_count == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_link_is_cut_at_the_most),
        cmocka_unit_test(test_waits_for_rumours),
        cmocka_unit_test(test_notes_who_is_watched_and_spared),
        cmocka_unit_test(test_one_node_is_lost_at_the_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
