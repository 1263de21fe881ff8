#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/talk.h"
#include "tests/told.h"

static struct told told;

/* What a holds of b, and the ping that it sends to it. */
struct talk {
    const char *name;
    enum gkv_member_state held;
    enum gkv_member_state said; /* of b, unless `of` says of whom; NONE: nothing */
    uint32_t of;                /* 0: b */
    bool is_buddy_off;
    bool is_over; /* b refuted before the ping */
};

static const struct talk good[] = {
    {"told", GKV_MEMBER_SUSPECT, GKV_MEMBER_SUSPECT, 0, false, false},
    {"nothing to tell", GKV_MEMBER_ALIVE, GKV_MEMBER_NONE, 0, false, false},
    {"nothing known", GKV_MEMBER_NONE, GKV_MEMBER_NONE, 0, false, false},
    {"unreachable is another matter", GKV_MEMBER_UNREACHABLE, GKV_MEMBER_NONE, 0, false, false},
    {"switched off", GKV_MEMBER_SUSPECT, GKV_MEMBER_NONE, 0, true, false},
    {"it has refuted", GKV_MEMBER_SUSPECT, GKV_MEMBER_NONE, 0, false, true},
};

static const struct talk bad[] = {
    {"nothing said", GKV_MEMBER_SUSPECT, GKV_MEMBER_NONE, 0, false, false},
    {"said to be alive", GKV_MEMBER_SUSPECT, GKV_MEMBER_ALIVE, 0, false, false},
    {"said of another", GKV_MEMBER_SUSPECT, GKV_MEMBER_SUSPECT, 2, false, false},
    {"said of the pinger", GKV_MEMBER_SUSPECT, GKV_MEMBER_SUSPECT, 3, false, false},
    {"said to have left", GKV_MEMBER_SUSPECT, GKV_MEMBER_LEFT, 0, false, false},
};

static bool is_rejected(const void *row)
{
    const struct talk *talk = row;
    static const uint32_t nodes[] = {1, 1, 2, 0};
    told_begin(&told, &gkv_check_buddy);
    told.trial.scenario.world.node.buddy = !talk->is_buddy_off;
    told_hold(&told, 0, 1, talk->held, 3);
    if (talk->is_over) {
        told_hold(&told, 0, 1, GKV_MEMBER_ALIVE, 4);
    }
    struct gkv_update update = {.who.boot_id = 100, .incarnation = 3, .state = talk->said};
    update.who.id = told.trial.ids[nodes[talk->of]];
    struct gkv_message ping = {.kind = GKV_MESSAGE_PING};
    ping.as.gossip.sequence = 7;
    ping.as.gossip.about = (struct gkv_identity){told.trial.ids[1], 100};
    ping.as.gossip.updates = &update;
    ping.as.gossip.update_count = talk->said != GKV_MEMBER_NONE;
    told_say_to(&told, 0, 1, ping);
    return told_is_rejected(&told);
}

/* Goal: pings that say what they must are accepted. Method: a table of them. */
static void test_accepts_warnings(void **state)
{
    (void)state;
    talk_expect_accepted(good, sizeof(good), sizeof(good[0]), is_rejected);
}

/* Goal: pings of a suspect that do not tell it are rejected. Method: a table of them. */
static void test_rejects_silence(void **state)
{
    (void)state;
    talk_expect_rejected(bad, sizeof(bad), sizeof(bad[0]), is_rejected);
}

/* Goal: a ping over a stream may be older than the suspicion. Method: the same silence there. */
static void test_streams_may_be_late(void **state)
{
    (void)state;
    told_begin(&told, &gkv_check_buddy);
    told.trial.scenario.world.node.buddy = 1;
    told_hold(&told, 0, 1, GKV_MEMBER_SUSPECT, 3);
    struct gkv_message ping = {.kind = GKV_MESSAGE_PING};
    ping.as.gossip.about.id = told.trial.ids[1];
    told_say(&told, 0, 9, ping);
    assert_false(told_is_rejected(&told));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts_warnings),
        cmocka_unit_test(test_rejects_silence),
        cmocka_unit_test(test_streams_may_be_late),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
