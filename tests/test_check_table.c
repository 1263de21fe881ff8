#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/talk.h"
#include "tests/trio.h"

static struct trio trio;

enum asked {
    ANSWER = 0,
    REQUEST = 1,
};

/* A table that a tells b. */
struct table {
    const char *name;
    enum asked asked;
    bool is_idle;    /* all has settled long ago */
    bool speaks_off; /* a is about to leave */
    uint32_t member_count;
    uint32_t members[4];
};

static const struct table good[] = {
    {"all of it", ANSWER, false, false, 3, {0, 1, 2}},
    {"older than c", ANSWER, false, false, 2, {0, 1}},
    {"in any order", ANSWER, false, false, 2, {1, 0}},
    {"of who asks", REQUEST, false, false, 1, {0}},
    {"all of it, long after", ANSWER, true, false, 3, {0, 1, 2}},
    {"of who leaves", ANSWER, true, true, 1, {0}},
};

static const struct table bad[] = {
    {"empty", ANSWER, false, false, 0, {0}},
    {"of who tells", ANSWER, false, false, 1, {0}},
    {"without the asker", ANSWER, false, false, 2, {0, 2}},
    {"somebody else for the asker", ANSWER, false, false, 3, {0, 2, 2}},
    {"without c, long after", ANSWER, true, false, 2, {0, 1}},
    {"of who asks, long after", REQUEST, true, false, 1, {0}},
};

/* The connection that a dialled to b, or b to a. */
static uint64_t connection_between(uint32_t a, uint32_t b)
{
    const struct gkv_net *net = &trio.trial.world.net;
    for (uint32_t i = 0; i < net->connection_count; i++) {
        const uint32_t from = net->connections[i].ends[0].node;
        const uint32_t to = net->connections[i].to;
        if (net->connections[i].ends[0].state != GKV_END_NONE &&
            ((from == a && to == b) || (from == b && to == a))) {
            return i;
        }
    }
    fail_msg("they are not connected");
    return 0;
}

static bool is_rejected(const void *row)
{
    const struct table *table = row;
    struct gkv_update updates[4] = {{.incarnation = 0}};
    trio_begin(&trio, 3);
    for (uint32_t i = 0; i < table->member_count; i++) {
        updates[i].who.id = trio.trial.ids[table->members[i]];
    }
    struct gkv_message message = {.kind = GKV_MESSAGE_PUSH_PULL};
    message.as.push_pull.is_request = table->asked == REQUEST;
    message.as.push_pull.updates = updates;
    message.as.push_pull.update_count = table->member_count;
    trio.trial.phase = table->is_idle ? GKV_PHASE_IDLE : GKV_PHASE_WORK;
    if (table->speaks_off) {
        gkv_nodes_add(&trio.trial.left, 0);
    }
    gkv_check_table.hear(&trio.trial, &(struct gkv_heard){
                                          .time_ns = trio.trial.world.now_ns,
                                          .connection = connection_between(0, 1),
                                          .node = 0,
                                          .message = &message,
                                      });
    const bool has_failed = trio.trial.verdict.status != GKV_TRIAL_PASS;
    trio_end(&trio);
    return has_failed;
}

/* Goal: tables that are as they should be are accepted. Method: a list of them. */
static void test_accepts_whole_tables(void **state)
{
    (void)state;
    talk_expect_accepted(good, sizeof(good), sizeof(good[0]), is_rejected);
}

/* Goal: tables in which somebody is missing are rejected. Method: a list of them. */
static void test_rejects_what_lacks_somebody(void **state)
{
    (void)state;
    talk_expect_rejected(bad, sizeof(bad), sizeof(bad[0]), is_rejected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts_whole_tables),
        cmocka_unit_test(test_rejects_what_lacks_somebody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
