#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/talk.h"
#include "tests/told.h"

static struct told told;

#define LEAVE_MS 200
#define GOSSIP_MS 20
#define TALK_COUNT_MAX 8

enum deed {
    END = 0,
    LEAVE, /* a is asked to leave */
    WAIT,  /* so many ms */
    SAY,   /* a says of itself that it is in a state */
    TICK,  /* a's timer comes */
    HEAR,  /* a is told something */
    PAUSE, /* a goes on after a pause */
    ALONE, /* a holds all others to be unreachable */
    MEET,  /* a holds b to be alive */
    BOOT,  /* a begins another life, and meets b */
};

struct word {
    enum deed deed;
    uint32_t number;
};

struct talk {
    const char *name;
    struct word words[TALK_COUNT_MAX];
};

static const struct talk good[] = {
    {"in time", {{LEAVE, 0}, {SAY, GKV_MEMBER_LEAVING}, {WAIT, 200}, {SAY, GKV_MEMBER_LEFT}}},
    {"at once, for nobody is there", {{ALONE, 0}, {LEAVE, 0}, {SAY, GKV_MEMBER_LEFT}}},
    {"not yet", {{LEAVE, 0}, {WAIT, 190}, {TICK, 0}}},
    {"nobody can be told", {{LEAVE, 0}, {ALONE, 0}, {WAIT, 500}, {TICK, 0}}},
    {"it was paused", {{LEAVE, 0}, {PAUSE, 0}, {WAIT, 500}, {TICK, 0}}},
    {"in another life", {{LEAVE, 0}, {BOOT, 0}, {WAIT, 500}, {TICK, 0}}},
    {"whom it met late is told by gossip",
     {{ALONE, 0}, {LEAVE, 0}, {WAIT, 500}, {TICK, 0}, {MEET, 0}, {TICK, 0}, {WAIT, 19}, {TICK, 0}}},
    {"it is told who is gone",
     {{LEAVE, 0}, {WAIT, 200}, {SAY, GKV_MEMBER_LEFT}, {HEAR, 0}, {ALONE, 0}}},
    {"it finds out as long as it is there",
     {{LEAVE, 0}, {SAY, GKV_MEMBER_LEAVING}, {WAIT, 100}, {TICK, 0}, {ALONE, 0}}},
    {"it finds out in another life",
     {{LEAVE, 0}, {WAIT, 200}, {SAY, GKV_MEMBER_LEFT}, {BOOT, 0}, {TICK, 0}, {ALONE, 0}}},
    {"nobody asked it", {{WAIT, 500}, {TICK, 0}}},
};

static const struct talk bad[] = {
    {"at once", {{LEAVE, 0}, {SAY, GKV_MEMBER_LEFT}}},
    {"too early", {{LEAVE, 0}, {WAIT, 150}, {SAY, GKV_MEMBER_LEFT}}},
    {"unasked", {{SAY, GKV_MEMBER_LEFT}}},
    {"never", {{LEAVE, 0}, {WAIT, 500}, {TICK, 0}}},
    {"whom it met late is not told",
     {{ALONE, 0}, {LEAVE, 0}, {WAIT, 500}, {TICK, 0}, {MEET, 0}, {TICK, 0}, {WAIT, 90}, {TICK, 0}}},
    {"leaving for ever",
     {{LEAVE, 0}, {SAY, GKV_MEMBER_LEAVING}, {WAIT, 250}, {SAY, GKV_MEMBER_LEAVING}, {TICK, 0}}},
    {"it finds out though it has left",
     {{LEAVE, 0}, {WAIT, 200}, {SAY, GKV_MEMBER_LEFT}, {TICK, 0}, {ALONE, 0}}},
    {"asked in a former life", {{LEAVE, 0}, {BOOT, 0}, {WAIT, 200}, {SAY, GKV_MEMBER_LEFT}}},
};

static void happen(struct word word)
{
    struct gkv_update self = {.who = {told.trial.ids[0], 100},
                              .state = (enum gkv_member_state)word.number};
    struct gkv_message message = {.kind = GKV_MESSAGE_GOSSIP};
    message.as.gossip.updates = &self;
    message.as.gossip.update_count = 1;
    switch (word.deed) {
    case END:
        break;
    case LEAVE:
        told_input(&told, 0, GKV_OBSERVE_LEAVE);
        break;
    case WAIT:
        told_wait(&told, word.number);
        break;
    case SAY:
        told_say_to(&told, 0, 1, message);
        break;
    case TICK:
        told_input(&told, 0, GKV_OBSERVE_TIMER);
        break;
    case HEAR:
        told_input(&told, 0, GKV_OBSERVE_DATAGRAM);
        break;
    case PAUSE:
        told_input(&told, 0, GKV_OBSERVE_RESUME);
        break;
    case ALONE:
        told_hold(&told, 0, 1, GKV_MEMBER_UNREACHABLE, 0);
        break;
    case MEET:
        told_hold(&told, 0, 1, GKV_MEMBER_ALIVE, 1);
        break;
    case BOOT:
        told_input(&told, 0, GKV_OBSERVE_BOOT);
        told_hold(&told, 0, 1, GKV_MEMBER_ALIVE, 0);
        break;
    }
}

static bool is_rejected(const void *row)
{
    const struct talk *talk = row;
    told_begin(&told, &gkv_check_goodbye);
    told.trial.scenario.world.node.leave_ms = LEAVE_MS;
    told.trial.scenario.world.node.gossip_interval_ms = GOSSIP_MS;
    happen((struct word){BOOT, 0});
    for (size_t i = 0; i < TALK_COUNT_MAX; i++) {
        happen(talk->words[i]);
    }
    return told_is_rejected(&told);
}

/* Goal: goodbyes in their time are accepted. Method: a table of them. */
static void test_accepts_in_time(void **state)
{
    (void)state;
    talk_expect_accepted(good, sizeof(good), sizeof(good[0]), is_rejected);
}

/* Goal: goodbyes that come too early, too late or never are rejected. Method: a table of them. */
static void test_rejects_other_times(void **state)
{
    (void)state;
    talk_expect_rejected(bad, sizeof(bad), sizeof(bad[0]), is_rejected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts_in_time),
        cmocka_unit_test(test_rejects_other_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
