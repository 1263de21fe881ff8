#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/hash.h"
#include "core/node.h"
#include "sim/check.h"
#include "sim/choice.h"
#include "sim/trial.h"

/* Three nodes, really running, whose tables are then written over by hand: what the checks that
 * look into nodes must accept or reject. */

#define NODE_COUNT 3
#define SECOND_NS (1000 * GKV_NS_PER_MS)

static struct gkv_trial trial;
static char why[200];

static void begin(void)
{
    memset(&trial, 0, sizeof(trial));
    gkv_choice_init(&trial.choice, 1);
    struct gkv_options *options = &trial.scenario.world.node;
    gkv_options_init(options);
    options->memory_limit_bytes = 2 * 1024 * 1024;
    options->value_bytes_max = GKV_SCENARIO_VALUE_BYTES_MAX;
    options->member_count_max = 16;
    options->operation_count_max = 64;
    options->operation_memory_bytes = 64 * 1024;
    options->seeds[0] = gkv_host_address(0);
    options->seed_count = 1;
    options->suspicion_timeout_ms = 600;
    trial.scenario.world.node_count = NODE_COUNT;
    trial.scenario.world.life_count_max = 2;
    trial.scenario.node_count = NODE_COUNT;
    trial.scenario.key_count = 1;
    trial.scenario.checks_quorum = true;
    trial.scenario.forgets_nothing = true;
    trial.history.deeds = calloc(16, sizeof(struct gkv_deed));
    assert_non_null(trial.history.deeds);
    const struct gkv_observer observer = {.observe = NULL};
    assert_int_equal(
        gkv_world_create(&trial.world, &trial.scenario.world, &trial.choice.chance, &observer),
        GKV_OK);
    gkv_check_name_nodes(&trial);
    for (uint32_t i = 0; i < NODE_COUNT; i++) {
        gkv_nodes_add(&trial.joined, i);
        gkv_world_boot(&trial.world, i);
    }
    while (gkv_world_step(&trial.world, 4 * SECOND_NS)) {
    }
}

static void end(void)
{
    gkv_world_destroy(&trial.world);
    free(trial.history.deeds);
}

static struct gkv_node *node_of(uint32_t node)
{
    return gkv_endpoint_node(trial.world.hosts[node].endpoint);
}

/* What `holder` holds of `about`, to be written over. */
static struct gkv_update *said_by(uint32_t holder, uint32_t about)
{
    const struct gkv_members *members = gkv_node_members(node_of(holder));
    const uint16_t index = gkv_member_find(members, trial.ids[about]);
    assert_int_not_equal(index, GKV_MEMBER_INDEX_NONE);
    return &gkv_member_at(members, index)->said;
}

static bool is_settled(const struct gkv_check *check)
{
    return check->settle(&trial, why, sizeof(why));
}

static void crash(uint32_t node)
{
    trial.down_since_ns[node] = trial.world.now_ns;
    gkv_world_crash(&trial.world, node, 0);
}

/* ---- check_member ---------------------------------------------------------------------------- */

/* Goal: members that agree are accepted: all up, one down, one left, a goodbye that nobody heard.
 * Method: let it happen, or write it into every table. */
static void test_member_accepts_agreement(void **state)
{
    (void)state;
    begin();
    assert_true(is_settled(&gkv_check_member));
    assert_int_equal(trial.ring.words[0], 7);
    assert_int_equal(trial.tally.counts[GKV_HOLDS_MEMBER_ALIVE], 6);
    crash(2);
    said_by(0, 2)->state = GKV_MEMBER_UNREACHABLE;
    said_by(1, 2)->state = GKV_MEMBER_UNREACHABLE;
    assert_true(is_settled(&gkv_check_member));
    trial.left = gkv_nodes_of_bits(4);
    assert_true(is_settled(&gkv_check_member));
    assert_int_equal(trial.ring.words[0], 7);
    said_by(0, 2)->state = GKV_MEMBER_LEFT;
    said_by(1, 2)->state = GKV_MEMBER_LEFT;
    assert_true(is_settled(&gkv_check_member));
    assert_int_equal(trial.ring.words[0], 3);
    end();
}

/* Goal: each kind of wrong table is rejected. Method: one lie in one table at a time. */
static void test_member_rejects_a_wrong_table(void **state)
{
    (void)state;
    for (uint32_t lie = 0; lie < 7; lie++) {
        begin();
        if (lie == 0) {
            said_by(1, 2)->state = GKV_MEMBER_SUSPECT;
        } else if (lie == 1) {
            said_by(0, 1)->state = GKV_MEMBER_UNREACHABLE;
        } else if (lie == 2) {
            said_by(2, 0)->who.boot_id--; /* an older life */
        } else if (lie == 3) {
            said_by(0, 1)->state = GKV_MEMBER_LEFT; /* nobody left */
        } else if (lie == 4) {
            trial.joined = gkv_nodes_of_bits(3); /* all hold one who never joined */
        } else if (lie == 5) {
            crash(2); /* and all still hold it alive */
        } else {
            gkv_member_forget((struct gkv_members *)(uintptr_t)gkv_node_members(node_of(1)),
                              gkv_member_find(gkv_node_members(node_of(1)), trial.ids[2]));
        }
        why[0] = '\0';
        assert_false(is_settled(&gkv_check_member));
        assert_true(why[0] != '\0');
        end();
    }
}

/* Goal: who left is gone for all, if anybody heard; the lie of one is seen, too.
 * Method: write states of the one who left into the tables. */
static void test_member_rejects_half_a_goodbye(void **state)
{
    (void)state;
    static const enum gkv_member_state held[][2] = {
        {GKV_MEMBER_LEFT, GKV_MEMBER_UNREACHABLE}, {GKV_MEMBER_UNREACHABLE, GKV_MEMBER_LEFT},
        {GKV_MEMBER_LEFT, GKV_MEMBER_ALIVE},       {GKV_MEMBER_LEFT, GKV_MEMBER_SUSPECT},
        {GKV_MEMBER_ALIVE, GKV_MEMBER_ALIVE},      {GKV_MEMBER_UNREACHABLE, GKV_MEMBER_UNREACHABLE},
    };
    for (uint32_t i = 0; i < 6; i++) {
        begin();
        crash(2);
        trial.left = gkv_nodes_of_bits(4);
        trial.heard = gkv_nodes_of_bits(i == 5 ? 4 : 0);
        said_by(0, 2)->state = held[i][0];
        said_by(1, 2)->state = held[i][1];
        assert_false(is_settled(&gkv_check_member));
        end();
    }
}

/* Node `by` tells of somebody in a state, at a time. */
static void tell_of(uint64_t ms, uint32_t by, enum gkv_member_state what, uint32_t incarnation,
                    struct gkv_identity who)
{
    struct gkv_output output = {.kind = GKV_OUTPUT_MEMBER};
    output.as.member.who = who;
    output.as.member.state = what;
    output.as.member.incarnation = incarnation;
    gkv_check_member.observe(&trial, &(struct gkv_observation){
                                         .kind = GKV_OBSERVE_OUTPUT,
                                         .node = by,
                                         .time_ns = ms * GKV_NS_PER_MS,
                                         .output = &output,
                                     });
}

/* Of c. */
static void tell(uint64_t ms, uint32_t by, enum gkv_member_state what, uint32_t incarnation)
{
    tell_of(ms, by, what, incarnation, (struct gkv_identity){.id = trial.ids[2], .boot_id = 5});
}

/* Goal: unreachable is accepted when the suspicion has run out, and rejected when it was of another
 * incarnation, refuted, too young, or never there. The timeout is 600 ms.
 * Method: tell it. */
static void test_member_wants_a_suspicion(void **state)
{
    (void)state;
    for (uint32_t variant = 0; variant < 7; variant++) {
        begin();
        tell(1000, 0, GKV_MEMBER_SUSPECT, 3);
        tell(1100, 1, GKV_MEMBER_SUSPECT, 3);
        if (variant == 0) {
            tell(1600, 0, GKV_MEMBER_UNREACHABLE, 3);
            tell(1600, 1, GKV_MEMBER_UNREACHABLE, 3); /* was told by a */
        } else if (variant == 1) {
            tell(1599, 0, GKV_MEMBER_UNREACHABLE, 3);
        } else if (variant == 2) {
            tell(1200, 0, GKV_MEMBER_ALIVE, 4);
            tell(1600, 0, GKV_MEMBER_UNREACHABLE, 4);
        } else if (variant == 3) {
            tell(1600, 0, GKV_MEMBER_UNREACHABLE, 2);
        } else if (variant == 4) {
            tell(1500, 0, GKV_MEMBER_SUSPECT, 4);
            tell(1700, 0, GKV_MEMBER_UNREACHABLE, 4);
        } else if (variant == 5) {
            tell_of(1600, 0, GKV_MEMBER_UNREACHABLE, 3,
                    (struct gkv_identity){.id = trial.ids[2], .boot_id = 6});
        } else {
            struct gkv_identity stranger = {.id = trial.ids[2], .boot_id = 5};
            stranger.id.bytes[0]++;
            tell_of(1600, 0, GKV_MEMBER_UNREACHABLE, 3, stranger);
        }
        assert_int_equal(trial.verdict.status, variant == 0 ? GKV_TRIAL_PASS : GKV_TRIAL_SAFETY);
        end();
    }
}

/* Goal: no suspicion is forgotten, however many there are; one too many fails the trial as the
 * simulator's own. Method: as many as there is room for, and one that nobody suspected. */
static void test_member_forgets_no_suspicion(void **state)
{
    (void)state;
    for (uint32_t variant = 0; variant < 3; variant++) {
        begin();
        for (uint32_t i = 0; i < GKV_NUMBERS_COUNT_MAX; i++) {
            tell(1000, 0, GKV_MEMBER_SUSPECT, i);
            tell(1100, 0, GKV_MEMBER_SUSPECT, i / 2);
        }
        tell(1600, 0, GKV_MEMBER_UNREACHABLE, GKV_NUMBERS_COUNT_MAX - 1);
        assert_int_equal(trial.verdict.status, GKV_TRIAL_PASS);
        if (variant == 1) {
            tell(1600, 0, GKV_MEMBER_UNREACHABLE, GKV_NUMBERS_COUNT_MAX);
            assert_int_equal(trial.verdict.status, GKV_TRIAL_SAFETY);
        } else if (variant == 2) {
            tell(1600, 0, GKV_MEMBER_SUSPECT, GKV_NUMBERS_COUNT_MAX);
            assert_int_equal(trial.verdict.status, GKV_TRIAL_INTERNAL);
            assert_string_equal(trial.verdict.check, "room");
        }
        end();
    }
}

/* ---- check_store ----------------------------------------------------------------------------- */

/* Deed 0: a set of k0. Deed 1: a delete. */
static void write_history(void)
{
    (void)gkv_history_add(&trial.history,
                          &(struct gkv_deed){.kind = GKV_OPERATION_SET, .value_bytes = 16});
    (void)gkv_history_add(&trial.history, &(struct gkv_deed){.kind = GKV_OPERATION_DELETE});
    trial.history.deeds[0].end_ns = SECOND_NS;
}

/* Put into one node's store the value of a deed (GKV_HISTORY_NONE: a tombstone). */
static void put(uint32_t node, uint64_t stamp, uint32_t deed, uint64_t expire_ms)
{
    char text[GKV_KEY_BYTES_MAX];
    uint8_t value[16];
    const struct gkv_bytes key = gkv_history_key(0, text);
    const uint64_t hash = gkv_hash(key.data, key.count, trial.scenario.world.node.hash_seed);
    struct gkv_record record = {.expire_ms = expire_ms, .is_tombstone = deed == GKV_HISTORY_NONE};
    record.version.hlc.packed = stamp;
    if (deed != GKV_HISTORY_NONE) {
        gkv_history_value(deed, value, sizeof(value));
        record.value = (struct gkv_bytes){.data = value, .count = sizeof(value)};
    }
    assert_int_equal(gkv_store_put((struct gkv_store *)(uintptr_t)gkv_node_store(node_of(node)),
                                   (struct gkv_key){key, hash}, &record, NULL),
                     GKV_STORE_STORED);
}

/* A value of any bytes. */
static void put_bytes(uint32_t node, const char *bytes)
{
    char text[GKV_KEY_BYTES_MAX];
    const struct gkv_bytes key = gkv_history_key(0, text);
    const uint64_t hash = gkv_hash(key.data, key.count, trial.scenario.world.node.hash_seed);
    const struct gkv_record record = {
        .version = {{10}, 1},
        .value = {.data = (const uint8_t *)bytes, .count = strlen(bytes)},
    };
    assert_int_equal(gkv_store_put((struct gkv_store *)(uintptr_t)gkv_node_store(node_of(node)),
                                   (struct gkv_key){key, hash}, &record, NULL),
                     GKV_STORE_STORED);
}

/* Goal: owners that agree are accepted: on nothing, on a value, on a delete; and one that is down
 * has no say. Method: write their stores. */
static void test_store_accepts_agreement(void **state)
{
    (void)state;
    begin();
    assert_true(is_settled(&gkv_check_member));
    write_history();
    assert_true(is_settled(&gkv_check_store));
    assert_int_equal(trial.tally.counts[GKV_HOLDS_OWNERS_AGREE], 0); /* nothing was compared */
    for (uint32_t i = 0; i < NODE_COUNT; i++) {
        put(i, 10, 0, 0);
    }
    trial.floors[0].hlc.packed = 10;
    assert_true(is_settled(&gkv_check_store));
    assert_int_equal(trial.tally.counts[GKV_HOLDS_OWNERS_AGREE], 2);
    assert_int_equal(trial.tally.counts[GKV_HOLDS_OWNED], 1);
    /* a deletion of long ago should be forgotten: tests/test_forgetting.c */
    const uint64_t recent = gkv_sim_clock_true_ms(trial.world.now_ns) << GKV_HLC_COUNTER_BITS;
    put(0, recent, GKV_HISTORY_NONE, 0);
    put(1, recent, GKV_HISTORY_NONE, 0);
    crash(2);
    assert_true(is_settled(&gkv_check_store));
    assert_int_equal(trial.verdict.status, GKV_TRIAL_PASS);
    end();
}

/* Goal: what any node holds was written, whether the others agree or not; a value without bytes was
 * written by nobody. Method: one node alone holds what is right, nothing, or a lie. */
static void test_store_wants_a_writer_of_all(void **state)
{
    static const enum gkv_trial_status expected[] = {GKV_TRIAL_PASS, GKV_TRIAL_PASS,
                                                     GKV_TRIAL_SAFETY, GKV_TRIAL_SAFETY};
    (void)state;
    for (uint32_t variant = 0; variant < 4; variant++) {
        begin();
        write_history();
        if (variant < 2) {
            put(2, 10, variant == 0 ? 0 : GKV_HISTORY_NONE, 0);
        } else {
            put_bytes(2, variant == 2 ? "" : "other");
        }
        gkv_check_store.finish(&trial);
        assert_int_equal(trial.verdict.status, expected[variant]);
        end();
    }
}

/* Goal: each kind of wrong store is rejected. Method: one lie in one store at a time. */
static void test_store_rejects_a_wrong_store(void **state)
{
    (void)state;
    for (uint32_t lie = 0; lie < 9; lie++) {
        begin();
        assert_true(is_settled(&gkv_check_member));
        write_history();
        for (uint32_t i = 0; i + 1 < NODE_COUNT; i++) {
            put(i, 10, lie == 6 ? 5 : 0, lie == 7 ? 1 : 0); /* 5: no such deed */
        }
        if (lie == 1) {
            put(2, 9, 0, 0); /* older */
        } else if (lie == 2) {
            put(2, 10, GKV_HISTORY_NONE, 0); /* deleted, under the version of a value */
        } else if (lie == 3) {
            put(2, 10, 0, UINT64_C(1) << 46); /* another expiry */
        } else if (lie == 4) {
            put(2, 10, 1, 0); /* the bytes of a delete */
        } else if (lie > 4) {
            put(2, 10, lie == 6 ? 5 : 0, 0);
        } /* 0: nothing at all; 7: two hold what has expired, one what never does */
        trial.floors[0].hlc.packed = lie == 5 ? 11 : 0; /* newer was acknowledged */
        trial.history.deeds[0].error = lie == 8 ? GKV_ERROR_NO_QUORUM : GKV_OK;
        why[0] = '\0';
        assert_false(is_settled(&gkv_check_store));
        assert_true(why[0] != '\0' || trial.verdict.status == GKV_TRIAL_SAFETY);
        end();
    }
}

/* Make a node's store one that evicts, and put so much into it that it has no room. */
static void fill(uint32_t node)
{
    static const uint8_t value[4000];
    struct gkv_store *store = (struct gkv_store *)(uintptr_t)gkv_node_store(node_of(node));
    const struct gkv_record record = {.version = {{1}, 1}, .value = {value, sizeof(value)}};
    store->policy = GKV_STORE_EVICT;
    for (uint64_t i = 0; gkv_store_has_room(store); i++) {
        const struct gkv_bytes key = {(const uint8_t *)&i, sizeof(i)};
        const uint64_t hash = gkv_hash(key.data, key.count, trial.scenario.world.node.hash_seed);
        (void)gkv_store_put(store, (struct gkv_key){key, hash}, &record, NULL);
    }
}

/* Goal: in a cache, an owner without room may lack a key, but not hold another version of it.
 * Method: one of three lacks it, with room and without, or is behind without room. */
static void test_store_lets_caches_lack(void **state)
{
    (void)state;
    for (uint32_t variant = 0; variant < 4; variant++) {
        begin();
        assert_true(is_settled(&gkv_check_member));
        write_history();
        trial.scenario.checks_quorum = false;
        trial.scenario.forgets_nothing = false;
        trial.scenario.may_be_full = true;
        trial.scenario.evicts = true;
        const uint32_t lacking = variant == 3 ? 0 : 2;
        for (uint32_t i = 0; i < NODE_COUNT; i++) {
            if (i != lacking || variant == 2) {
                put(i, i == lacking ? 9 : 10, 0, 0);
            }
        }
        if (variant != 0) {
            fill(lacking);
        }
        assert_int_equal(is_settled(&gkv_check_store), variant % 2 == 1);
        assert_int_equal(trial.verdict.status, GKV_TRIAL_PASS);
        end();
    }
}

/* Goal: who owns a key is found without the nodes' own ring, and agrees with it.
 * Method: the first 300 keys, with one to three nodes in the ring. */
static void test_owners_are_those_of_the_ring(void **state)
{
    (void)state;
    begin();
    assert_true(is_settled(&gkv_check_member));
    trial.scenario.key_count = GKV_SCENARIO_KEY_COUNT_MAX;
    for (uint32_t key = 0; key < GKV_SCENARIO_KEY_COUNT_MAX; key++) {
        char text[GKV_KEY_BYTES_MAX];
        uint8_t owners[GKV_REPLICA_COUNT_MAX];
        uint16_t expected[GKV_REPLICA_COUNT_MAX];
        const uint32_t count = gkv_owners_of(&trial, key, owners);
        assert_int_equal(count, gkv_node_owners(node_of(1), gkv_history_key(key, text), expected));
        for (uint32_t i = 0; i < count; i++) {
            const struct gkv_members *members = gkv_node_members(node_of(1));
            assert_int_equal(
                gkv_check_node_of_id(&trial, gkv_member_at(members, expected[i])->said.who.id),
                owners[i]);
        }
    }
    end();
}

/* ---- Pauses ---------------------------------------------------------------------------------- */

static struct {
    uint32_t while_paused_count; /* inputs that b was given */
    uint32_t resumed_count;
    uint32_t burst_count; /* inputs in the very nanosecond in which it goes on */
    uint64_t until_ns;
} seen;

static void watch_b(void *context, const struct gkv_observation *observation)
{
    (void)context;
    const bool is_input = observation->kind == GKV_OBSERVE_DATAGRAM ||
                          observation->kind == GKV_OBSERVE_RECEIVED ||
                          observation->kind == GKV_OBSERVE_TIMER;
    seen.resumed_count += observation->kind == GKV_OBSERVE_RESUME;
    if (observation->node == 1 && is_input) {
        seen.while_paused_count += observation->time_ns < seen.until_ns;
        seen.burst_count += observation->time_ns == seen.until_ns;
    }
}

/* Goal: a paused node is given nothing, then all at once, and the others hold it alive again; one
 * that crashes meanwhile does not go on.
 * Method: pause b for two seconds, count what it is given; again, with a crash. */
static void test_paused_node_gets_all_at_once(void **state)
{
    (void)state;
    begin();
    memset(&seen, 0, sizeof(seen));
    trial.world.observer.observe = watch_b;
    seen.until_ns = trial.world.now_ns + 2 * SECOND_NS;
    gkv_world_pause(&trial.world, 1, seen.until_ns);
    while (gkv_world_step(&trial.world, seen.until_ns - 1)) {
    }
    assert_int_equal(said_by(0, 1)->state, GKV_MEMBER_UNREACHABLE);
    while (gkv_world_step(&trial.world, seen.until_ns + 3 * SECOND_NS)) {
    }
    assert_int_equal(seen.while_paused_count, 0);
    assert_int_equal(seen.resumed_count, 1);
    assert_true(seen.burst_count > 10);
    assert_true(is_settled(&gkv_check_member));
    gkv_check_wire.finish(&trial);
    assert_int_equal(trial.verdict.status, GKV_TRIAL_PASS);

    gkv_world_pause(&trial.world, 1, trial.world.now_ns + SECOND_NS);
    crash(1);
    gkv_world_boot(&trial.world, 1);
    const uint64_t end_ns = trial.world.now_ns + 3 * SECOND_NS;
    while (gkv_world_step(&trial.world, end_ns)) {
    }
    assert_int_equal(seen.resumed_count, 1);
    assert_true(is_settled(&gkv_check_member));
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_member_accepts_agreement),
        cmocka_unit_test(test_member_rejects_a_wrong_table),
        cmocka_unit_test(test_member_rejects_half_a_goodbye),
        cmocka_unit_test(test_member_wants_a_suspicion),
        cmocka_unit_test(test_member_forgets_no_suspicion),
        cmocka_unit_test(test_store_accepts_agreement),
        cmocka_unit_test(test_store_wants_a_writer_of_all),
        cmocka_unit_test(test_store_rejects_a_wrong_store),
        cmocka_unit_test(test_store_lets_caches_lack),
        cmocka_unit_test(test_owners_are_those_of_the_ring),
        cmocka_unit_test(test_paused_node_gets_all_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
