#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/talk.h"
#include "tests/trio.h"

static struct trio trio;

/* Of what a holds of b: it has to be evicted after 1,200 ms, and timers may be 1 ms late. */
#define DELAY_MS 1000
#define TALK_COUNT_MAX 10

enum deed {
    END = 0,
    LOSE,   /* a comes to hold b to be unreachable */
    EVICT,  /* or to be evicted */
    MEET,   /* or to be alive */
    DENY,   /* or to be unreachable, in the next incarnation, of which nothing is told */
    WAIT,   /* so many ms */
    TICK,   /* a's timer comes */
    RESUME, /* a goes on after a pause */
    SLOW,   /* a is slow from now on */
    NEVER,  /* nobody is ever evicted */
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
    {"not yet", {{LOSE, 0}, {TICK, 0}, {WAIT, 1201}, {TICK, 0}}},
    {"evicted", {{LOSE, 0}, {TICK, 0}, {WAIT, 1200}, {EVICT, 0}, {WAIT, 2000}, {TICK, 0}}},
    {"it is back", {{LOSE, 0}, {TICK, 0}, {WAIT, 500}, {MEET, 0}, {WAIT, 2000}, {TICK, 0}}},
    {"lost again",
     {{LOSE, 0}, {TICK, 0}, {MEET, 0}, {WAIT, 2000}, {TICK, 0}, {LOSE, 0}, {WAIT, 99}, {TICK, 0}}},
    {"another incarnation",
     {{LOSE, 0}, {TICK, 0}, {WAIT, 1000}, {DENY, 0}, {TICK, 0}, {WAIT, 1000}, {TICK, 0}}},
    {"it stood still", {{LOSE, 0}, {TICK, 0}, {WAIT, 3000}, {RESUME, 0}, {TICK, 0}}},
    {"slow", {{LOSE, 0}, {SLOW, 0}, {TICK, 0}, {WAIT, 3000}, {TICK, 0}}},
    {"never", {{NEVER, 0}, {LOSE, 0}, {TICK, 0}, {WAIT, 3000}, {TICK, 0}}},
    {"another life", {{LOSE, 0}, {TICK, 0}, {WAIT, 3000}, {BOOT, 0}, {TICK, 0}}},
};

static const struct talk bad[] = {
    {"for ever", {{LOSE, 0}, {TICK, 0}, {WAIT, 3000}, {TICK, 0}}},
    {"a little late", {{LOSE, 0}, {TICK, 0}, {WAIT, 1202}, {TICK, 0}}},
    {"seen to be so all the time",
     {{LOSE, 0}, {TICK, 0}, {WAIT, 600}, {TICK, 0}, {WAIT, 602}, {TICK, 0}}},
    {"the second time",
     {{LOSE, 0}, {TICK, 0}, {MEET, 0}, {TICK, 0}, {LOSE, 0}, {TICK, 0}, {WAIT, 1202}, {TICK, 0}}},
    {"the next incarnation", {{LOSE, 0}, {TICK, 0}, {DENY, 0}, {TICK, 0}, {WAIT, 1202}, {TICK, 0}}},
    {"long after a pause", {{LOSE, 0}, {TICK, 0}, {RESUME, 0}, {WAIT, 1202}, {TICK, 0}}},
    {"no more evicted", {{EVICT, 0}, {TICK, 0}, {LOSE, 0}, {TICK, 0}, {WAIT, 1202}, {TICK, 0}}},
};

static void tell(enum gkv_observation_kind kind, const struct gkv_output *output)
{
    gkv_check_evict.observe(&trio.trial,
                            &(struct gkv_observation){.kind = kind, .node = 0, .output = output});
}

static void hold(enum gkv_member_state state)
{
    trio_said(&trio, 0, 1)->state = state;
    const struct gkv_output output = {.kind = GKV_OUTPUT_MEMBER,
                                      .as.member = *trio_said(&trio, 0, 1)};
    tell(GKV_OBSERVE_OUTPUT, &output);
}

static void happen(struct word word)
{
    switch (word.deed) {
    case END:
        break;
    case LOSE:
        hold(GKV_MEMBER_UNREACHABLE);
        break;
    case EVICT:
        hold(GKV_MEMBER_EVICTED);
        break;
    case MEET:
        hold(GKV_MEMBER_ALIVE);
        break;
    case DENY:
        trio_said(&trio, 0, 1)->incarnation++;
        break;
    case WAIT:
        trio.trial.world.now_ns += word.number * GKV_NS_PER_MS;
        break;
    case TICK:
        tell(GKV_OBSERVE_TIMER, NULL);
        break;
    case RESUME:
        tell(GKV_OBSERVE_RESUME, NULL);
        break;
    case SLOW:
        trio.trial.world.hosts[0].service_ns = 1000;
        break;
    case NEVER:
        trio.trial.scenario.world.node.evict_delay_ms = 0;
        break;
    case BOOT:
        tell(GKV_OBSERVE_BOOT, NULL);
        break;
    }
}

static bool is_rejected(const void *row)
{
    const struct talk *talk = row;
    trio_begin(&trio, 3);
    trio.trial.scenario.world.node.evict_delay_ms = DELAY_MS;
    for (size_t i = 0; i < TALK_COUNT_MAX; i++) {
        happen(talk->words[i]);
    }
    const bool is_rejected = trio.trial.verdict.status != GKV_TRIAL_PASS;
    trio_end(&trio);
    return is_rejected;
}

/* Goal: who evicts in time, or cannot, is accepted. Method: a table of talks. */
static void test_accepts_eviction_in_time(void **state)
{
    (void)state;
    talk_expect_accepted(good, sizeof(good), sizeof(good[0]), is_rejected);
}

/* Goal: who does not evict is rejected. Method: a table of talks. */
static void test_rejects_who_waits_for_ever(void **state)
{
    (void)state;
    talk_expect_rejected(bad, sizeof(bad), sizeof(bad[0]), is_rejected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts_eviction_in_time),
        cmocka_unit_test(test_rejects_who_waits_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
