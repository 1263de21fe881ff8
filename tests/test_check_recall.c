#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/talk.h"
#include "tests/told.h"

static struct told told;

/* Of three nodes each is called after MOST_MS + 4 * (INTERVAL_MS + 1), or before: 1,404 ms. */
#define MOST_MS 1000
#define INTERVAL_MS 100
#define TALK_COUNT_MAX 8

enum deed {
    END = 0,
    WAIT,   /* so many ms */
    EVICT,  /* a holds a node to be evicted */
    LOSE,   /* or unreachable */
    MEET,   /* or alive, again */
    CALL,   /* a pings a node */
    GOSSIP, /* or tells it some news */
    TICK,   /* a's timer comes */
    RESUME, /* a goes on after a pause */
    SLOW,   /* a is slow from now on */
    LEAVE,  /* a is asked to leave */
    BOOT,   /* a begins another life */
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
    {"not yet", {{EVICT, 1}, {WAIT, 1350}, {TICK, 0}}},
    {"called again", {{EVICT, 1}, {WAIT, 1000}, {CALL, 1}, {WAIT, 1000}, {TICK, 0}}},
    {"it is back", {{EVICT, 1}, {WAIT, 1000}, {MEET, 1}, {WAIT, 1000}, {TICK, 0}}},
    {"only unreachable", {{LOSE, 1}, {WAIT, 2000}, {TICK, 0}}},
    {"it stood still", {{EVICT, 1}, {WAIT, 2000}, {RESUME, 0}, {TICK, 0}}},
    {"it is slow", {{EVICT, 1}, {SLOW, 0}, {WAIT, 2000}, {TICK, 0}}},
    {"it goes itself", {{EVICT, 1}, {LEAVE, 0}, {WAIT, 2000}, {TICK, 0}}},
    {"another life", {{EVICT, 1}, {WAIT, 2000}, {BOOT, 0}, {TICK, 0}}},
};

static const struct talk bad[] = {
    {"never", {{EVICT, 1}, {WAIT, 1500}, {TICK, 0}}},
    {"once", {{EVICT, 1}, {WAIT, 100}, {CALL, 1}, {WAIT, 1500}, {TICK, 0}}},
    {"another", {{EVICT, 1}, {WAIT, 1000}, {CALL, 2}, {WAIT, 500}, {TICK, 0}}},
    {"not asked", {{EVICT, 1}, {WAIT, 1000}, {GOSSIP, 1}, {WAIT, 500}, {TICK, 0}}},
    {"one of two", {{EVICT, 1}, {EVICT, 2}, {WAIT, 1000}, {CALL, 1}, {WAIT, 500}, {TICK, 0}}},
    {"nor later", {{EVICT, 1}, {WAIT, 500}, {RESUME, 0}, {WAIT, 1500}, {TICK, 0}}},
    {"evicted again", {{EVICT, 1}, {MEET, 1}, {EVICT, 1}, {WAIT, 1500}, {TICK, 0}}},
};

static void say(uint32_t to, enum gkv_message_kind kind)
{
    told_say_to(&told, 0, to, (struct gkv_message){.kind = kind});
}

static void hold(uint32_t about, enum gkv_member_state state)
{
    told_hold(&told, 0, about, state, 0);
}

static void happen(struct word word)
{
    switch (word.deed) {
    case END:
        break;
    case WAIT:
        told_wait(&told, word.number);
        break;
    case EVICT:
        hold(word.number, GKV_MEMBER_EVICTED);
        break;
    case LOSE:
        hold(word.number, GKV_MEMBER_UNREACHABLE);
        break;
    case MEET:
        hold(word.number, GKV_MEMBER_ALIVE);
        break;
    case CALL:
        say(word.number, GKV_MESSAGE_PING);
        break;
    case GOSSIP:
        say(word.number, GKV_MESSAGE_GOSSIP);
        break;
    case TICK:
        told_input(&told, 0, GKV_OBSERVE_TIMER);
        break;
    case RESUME:
        told_input(&told, 0, GKV_OBSERVE_RESUME);
        break;
    case SLOW:
        told.trial.world.hosts[0].service_ns = 1000;
        break;
    case LEAVE:
        told_input(&told, 0, GKV_OBSERVE_LEAVE);
        break;
    case BOOT:
        told_input(&told, 0, GKV_OBSERVE_BOOT);
        break;
    }
}

static bool is_rejected(const void *row)
{
    const struct talk *talk = row;
    told_begin(&told, &gkv_check_recall);
    told.trial.scenario.world.node.reconnect_max_ms = MOST_MS;
    told.trial.scenario.world.node.reconnect_interval_ms = INTERVAL_MS;
    happen((struct word){BOOT, 0});
    for (size_t i = 0; i < TALK_COUNT_MAX; i++) {
        happen(talk->words[i]);
    }
    return told_is_rejected(&told);
}

/* Goal: who calls in time, or cannot, is accepted. Method: a table of them. */
static void test_accepts_calls(void **state)
{
    (void)state;
    talk_expect_accepted(good, sizeof(good), sizeof(good[0]), is_rejected);
}

/* Goal: who calls no more is rejected. Method: a table of them. */
static void test_rejects_silence(void **state)
{
    (void)state;
    talk_expect_rejected(bad, sizeof(bad), sizeof(bad[0]), is_rejected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts_calls),
        cmocka_unit_test(test_rejects_silence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
