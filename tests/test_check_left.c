#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/node.h"
#include "tests/talk.h"
#include "tests/trio.h"

static struct trio trio;

#define KEEP_MS 1000
#define TALK_COUNT_MAX 6

/* What a comes to hold of b, and when. */
enum deed {
    END = 0,
    LEAVE,   /* a learns that b left */
    RETURN,  /* or that it is there, in its second life */
    FORGET,  /* a forgets it */
    WAIT,    /* so many ms */
    TICK,    /* a's timer comes */
    RESUME,  /* a goes on after a pause */
    SLOW,    /* a is slow from now on */
    TIGHTEN, /* tables are tight */
    BOOT,    /* a begins another life */
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
    {"remembered", {{LEAVE, 0}, {WAIT, 999}, {TICK, 0}}},
    {"forgotten", {{LEAVE, 0}, {WAIT, 1000}, {FORGET, 0}, {TICK, 0}}},
    {"in another's place", {{TIGHTEN, 0}, {LEAVE, 0}, {FORGET, 0}, {TICK, 0}}},
    {"stood still", {{LEAVE, 0}, {WAIT, 2000}, {RESUME, 0}, {TICK, 0}}},
    {"slow", {{SLOW, 0}, {LEAVE, 0}, {WAIT, 2000}, {TICK, 0}}},
    {"another life", {{LEAVE, 0}, {FORGET, 0}, {BOOT, 0}, {TICK, 0}}},
    {"it is back", {{LEAVE, 0}, {WAIT, 500}, {RETURN, 0}, {WAIT, 2000}, {TICK, 0}}},
};

static const struct talk bad[] = {
    {"for ever", {{LEAVE, 0}, {WAIT, 1100}, {TICK, 0}}},
    {"at once", {{LEAVE, 0}, {FORGET, 0}, {TICK, 0}}},
    {"just before", {{LEAVE, 0}, {WAIT, 998}, {FORGET, 0}, {TICK, 0}}},
    {"the second time", {{LEAVE, 0}, {WAIT, 500}, {LEAVE, 0}, {WAIT, 600}, {FORGET, 0}, {TICK, 0}}},
    {"long after a pause", {{LEAVE, 0}, {RESUME, 0}, {WAIT, 1100}, {TICK, 0}}},
    {"in a tight table", {{TIGHTEN, 0}, {LEAVE, 0}, {WAIT, 1100}, {TICK, 0}}},
};

static void tell(enum gkv_observation_kind kind, const struct gkv_output *output)
{
    gkv_check_left.observe(&trio.trial,
                           &(struct gkv_observation){.kind = kind, .node = 0, .output = output});
}

static void hold(enum gkv_member_state state)
{
    trio_said(&trio, 0, 1)->state = state;
    const struct gkv_output output = {.kind = GKV_OUTPUT_MEMBER,
                                      .as.member = *trio_said(&trio, 0, 1)};
    tell(GKV_OBSERVE_OUTPUT, &output);
}

static void forget(void)
{
    struct gkv_members *members =
        (struct gkv_members *)(uintptr_t)gkv_node_members(trio_node(&trio, 0));
    gkv_member_forget(members, gkv_member_find(members, trio.trial.ids[1]));
}

static void happen(struct word word)
{
    switch (word.deed) {
    case END:
        break;
    case LEAVE:
        hold(GKV_MEMBER_LEFT);
        break;
    case RETURN:
        hold(GKV_MEMBER_ALIVE);
        break;
    case FORGET:
        forget();
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
    case TIGHTEN:
        trio.trial.scenario.has_tiny_tables = true;
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
    trio.trial.scenario.world.node.left_keep_ms = KEEP_MS;
    for (size_t i = 0; i < TALK_COUNT_MAX; i++) {
        happen(talk->words[i]);
    }
    const bool is_rejected = trio.trial.verdict.status != GKV_TRIAL_PASS;
    trio_end(&trio);
    return is_rejected;
}

/* Goal: who is forgotten in time, or cannot be, is accepted. Method: a table of talks. */
static void test_accepts_forgetting_in_time(void **state)
{
    (void)state;
    talk_expect_accepted(good, sizeof(good), sizeof(good[0]), is_rejected);
}

/* Goal: too soon and too late are rejected. Method: a table of talks. */
static void test_rejects_too_soon_and_too_late(void **state)
{
    (void)state;
    talk_expect_rejected(bad, sizeof(bad), sizeof(bad[0]), is_rejected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts_forgetting_in_time),
        cmocka_unit_test(test_rejects_too_soon_and_too_late),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
