#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/told.h"
#include "tests/trio.h"

static struct told told;
static struct trio trio;
static struct gkv_connection connections[2];

static void begin(void)
{
    told_begin(&told, &gkv_check_quiet);
    told.trial.phase = GKV_PHASE_IDLE;
    told.trial.scenario.world.node.tombstone_keep_ms = 600000;
    told.trial.idle.begin_ns = told.trial.world.now_ns;
    for (uint32_t i = 0; i < 3; i++) {
        told.trial.world.hosts[i].is_up = true;
    }
}

static void say(enum gkv_message_kind kind)
{
    told_say(&told, 0, kind <= GKV_MESSAGE_GOSSIP ? 0 : 1, (struct gkv_message){.kind = kind});
}

/* Goal: the routine is accepted. Method: each kind of it. */
static void test_accepts_the_routine(void **state)
{
    static const enum gkv_message_kind kinds[] = {GKV_MESSAGE_PING, GKV_MESSAGE_ACK,
                                                  GKV_MESSAGE_PUSH_PULL, GKV_MESSAGE_SYNC_GROUPS};
    (void)state;
    begin();
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        say(kinds[i]);
    }
    assert_false(told_is_rejected(&told));
    assert_int_equal(told.trial.tally.counts[GKV_HOLDS_QUIET], 4);
}

/* Goal: what is under way may end, a node with keys of others may offer them, a cut may be pinged
 * around, and full stores and forgotten tombstones are let be. Method: a history of each. */
static void test_accepts_what_is_excused(void **state)
{
    (void)state;
    for (uint32_t variant = 0; variant < 9; variant++) {
        begin();
        if (variant == 0) {
            told.trial.idle.begin_ns += 100 * GKV_NS_PER_MS;
            say(GKV_MESSAGE_SYNC_RECORDS);
        } else if (variant == 1) {
            told.trial.idle.spared = gkv_nodes_of_bits(1);
            say(GKV_MESSAGE_SYNC_KEYS);
        } else if (variant == 2) {
            told.trial.idle.is_cut = true;
            say(GKV_MESSAGE_PING_REQ);
        } else if (variant == 3) {
            told.trial.scenario.may_be_full = true;
            say(GKV_MESSAGE_SYNC_SLOTS);
        } else if (variant == 4) {
            told.trial.scenario.world.node.tombstone_keep_ms = 1000;
            say(GKV_MESSAGE_SYNC_SLOTS);
        } else if (variant == 5) {
            told.trial.idle.has_news = true;
            say(GKV_MESSAGE_GOSSIP);
        } else if (variant == 6) {
            told.trial.outsiders = gkv_nodes_of_bits(1); /* who speaks */
            say(GKV_MESSAGE_SYNC_SLOTS);
        } else if (variant == 7) {
            told.trial.outsiders = gkv_nodes_of_bits(2); /* who is spoken to */
            told.trial.world.net.connections = connections;
            connections[1].to = 1;
            say(GKV_MESSAGE_SYNC_SLOTS);
        } else {
            told.trial.phase = GKV_PHASE_READ;
            say(GKV_MESSAGE_WRITE);
        }
        assert_false(told_is_rejected(&told));
    }
}

/* Goal: full caches may compare what they hold, and exchange nothing. Method: each message. */
static void test_lets_caches_compare(void **state)
{
    static const enum gkv_message_kind kinds[] = {GKV_MESSAGE_SYNC_SLOTS, GKV_MESSAGE_SYNC_KEYS,
                                                  GKV_MESSAGE_SYNC_PULL, GKV_MESSAGE_SYNC_RECORDS,
                                                  GKV_MESSAGE_WRITE};
    (void)state;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        begin();
        told.trial.scenario.may_be_full = true;
        told.trial.scenario.evicts = true;
        say(kinds[i]);
        assert_int_equal(told_is_rejected(&told), i >= 2);
    }
}

/* Goal: differences, rumours, reads and writes are rejected. Method: each of them once. */
static void test_rejects_what_is_no_routine(void **state)
{
    static const enum gkv_message_kind kinds[] = {
        GKV_MESSAGE_SYNC_SLOTS,   GKV_MESSAGE_SYNC_KEYS,   GKV_MESSAGE_SYNC_PULL,
        GKV_MESSAGE_SYNC_RECORDS, GKV_MESSAGE_GOSSIP,      GKV_MESSAGE_PING_REQ,
        GKV_MESSAGE_WRITE,        GKV_MESSAGE_WRITE_REPLY, GKV_MESSAGE_READ,
        GKV_MESSAGE_READ_REPLY,
    };
    (void)state;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        begin();
        told.trial.idle.spared = gkv_nodes_of_bits(2); /* another node */
        say(kinds[i]);
        assert_true(told_is_rejected(&told));
        assert_int_equal(told.trial.verdict.status, GKV_TRIAL_LIVENESS);
    }
}

static void idle_for_a_second(void)
{
    trio_begin(&trio, 3);
    trio.trial.phase = GKV_PHASE_IDLE;
    trio.trial.idle.begin_ns = trio.trial.world.now_ns;
    gkv_idle_note(&trio.trial);
    trio_run_ms(&trio, 1000);
    gkv_check_quiet.finish(&trio.trial);
}

/* Goal: what real idle nodes send is within their budget, and 100 kB more are not. Method:
 * three of them, for a second. */
static void test_weighs_what_is_sent(void **state)
{
    (void)state;
    idle_for_a_second();
    assert_int_equal(trio.trial.tally.counts[GKV_HOLDS_BUDGET], 1);
    assert_int_equal(trio.trial.verdict.status, GKV_TRIAL_PASS);
    trio.trial.idle.stream_bytes[1] -= 100000; /* as if it had sent more */
    gkv_check_quiet.finish(&trio.trial);
    assert_int_equal(trio.trial.verdict.status, GKV_TRIAL_LIVENESS);
    trio_end(&trio);
}

/* Goal: bytes are not weighed where a link is cut, somebody is outside, a node offers keys of
 * others, stores are full or evict, deletions are forgotten, or nobody was there.
 * Method: what weighs too much, excused by each alone. */
static void test_weighs_nothing_that_is_excused(void **state)
{
    (void)state;
    for (uint32_t variant = 0; variant < 8; variant++) {
        idle_for_a_second();
        trio.trial.tally.counts[GKV_HOLDS_BUDGET] = 0;
        trio.trial.idle.stream_bytes[1] -= 100000;
        trio.trial.idle.is_cut = variant == 1;
        trio.trial.outsiders = gkv_nodes_of_bits(variant == 2 ? 4 : 0);
        trio.trial.idle.spared = gkv_nodes_of_bits(variant == 3 ? 1 : 0);
        trio.trial.scenario.may_be_full = variant == 4 || variant == 7;
        trio.trial.scenario.evicts = variant == 7;
        if (variant == 5) {
            trio.trial.scenario.world.node.tombstone_keep_ms = 1000;
        } else if (variant == 6) {
            trio.trial.idle.watched = gkv_nodes_of_bits(0);
        }
        gkv_check_quiet.finish(&trio.trial);
        assert_int_equal(trio.trial.tally.counts[GKV_HOLDS_BUDGET], variant == 0);
        assert_int_equal(trio.trial.verdict.status,
                         variant == 0 ? GKV_TRIAL_LIVENESS : GKV_TRIAL_PASS);
        trio_end(&trio);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts_the_routine),
        cmocka_unit_test(test_accepts_what_is_excused),
        cmocka_unit_test(test_lets_caches_compare),
        cmocka_unit_test(test_rejects_what_is_no_routine),
        cmocka_unit_test(test_weighs_what_is_sent),
        cmocka_unit_test(test_weighs_nothing_that_is_excused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
