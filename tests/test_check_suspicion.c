#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/talk.h"
#include "tests/told.h"

static struct told told;

/* A knows b, c and d. A suspicion among four lasts 2 * (100 + 2 * 2 * 10) = 280 ms at the most, and
 * lately is 3 * 50 + 25 = 175 ms ago, so that one with two waits of 475 ms and five timers of 51 is
 * over after 1,485 ms; and all that is given back, 300 ms of patience and one such time, after
 * 3,270. */
#define OVER_MS 3350
#define ALMOST_MS 3200
#define GRACE_MS 60

#define TALK_COUNT_MAX 10

enum deed {
    END = 0,
    WAIT,   /* so many ms, in which nothing is looked at */
    TICK,   /* a's timer comes every 50 ms, for so long, and nobody is heard */
    SELDOM, /* likewise, and c is heard every 400 ms */
    TURNS,  /* and so is d, 200 ms later */
    OFTEN,  /* likewise, and both are heard every 50 ms */
    DOUBT,  /* a holds a node to be suspect */
    AGAIN,  /* in its next incarnation */
    CLEAR,  /* or alive in it */
    LOSE,   /* or unreachable */
    HEAR,   /* a word of a node arrives at a */
    RESUME, /* a goes on after a pause */
    SLOW,   /* a is slow from now on */
    LEAVE,  /* a has left */
    BOOT,   /* a begins another life, and hears of all at once */
};

struct word {
    enum deed deed;
    uint32_t number;
};

struct talk {
    const char *name;
    struct word words[TALK_COUNT_MAX];
    uint32_t witness_count;
};

#define B 1
#define C 2
#define D 3

static const struct talk good[] = {
    {"not yet", {{DOUBT, B}, {TICK, ALMOST_MS}}, 1},
    {"given up", {{DOUBT, B}, {TICK, ALMOST_MS}, {LOSE, B}, {TICK, OVER_MS}}, 1},
    {"refuted", {{DOUBT, B}, {TICK, ALMOST_MS}, {CLEAR, B}, {TICK, OVER_MS}}, 1},
    {"accused anew", {{DOUBT, B}, {TICK, ALMOST_MS}, {AGAIN, B}, {TICK, ALMOST_MS}}, 1},
    {"it speaks, and is given up",
     {{DOUBT, B}, {TICK, 1000}, {HEAR, B}, {TICK, ALMOST_MS - 1050}, {LOSE, B}, {TICK, OVER_MS}},
     1},
    {"it stood still", {{DOUBT, B}, {TICK, ALMOST_MS}, {RESUME, 0}, {TICK, ALMOST_MS}}, 1},
    {"it is slow", {{SLOW, 0}, {DOUBT, B}, {TICK, OVER_MS}}, 1},
    {"it has left", {{LEAVE, 0}, {DOUBT, B}, {TICK, OVER_MS}}, 1},
    {"another life", {{DOUBT, B}, {TICK, ALMOST_MS}, {BOOT, 0}, {DOUBT, B}, {TICK, ALMOST_MS}}, 1},
    {"too young to accuse", {{BOOT, 0}, {DOUBT, B}, {TICK, ALMOST_MS + GRACE_MS}}, 1},
    {"another goes", {{DOUBT, B}, {TICK, ALMOST_MS}, {LOSE, C}, {TICK, ALMOST_MS}}, 1},
    {"and comes back",
     {{LOSE, C}, {DOUBT, B}, {TICK, ALMOST_MS}, {CLEAR, C}, {TICK, ALMOST_MS}},
     1},
    {"two witnesses, by turns", {{DOUBT, B}, {TURNS, 2 * OVER_MS}}, 2},
};

static const struct talk bad[] = {
    {"for ever", {{DOUBT, B}, {TICK, OVER_MS}}, 1},
    {"looked at but now", {{DOUBT, B}, {TICK, 50}, {WAIT, OVER_MS}, {TICK, 50}}, 1},
    {"no witness is wanted", {{DOUBT, B}, {TICK, OVER_MS}}, 0},
    {"another is heard now and then", {{DOUBT, B}, {SELDOM, OVER_MS}}, 1},
    {"one of two is heard often enough", {{DOUBT, B}, {OFTEN, OVER_MS}}, 1},
    {"both of them are", {{DOUBT, B}, {OFTEN, OVER_MS}}, 2},
    {"by turns, where one is enough", {{DOUBT, B}, {TURNS, OVER_MS}}, 1},
    {"there is but one other", {{LOSE, D}, {DOUBT, B}, {SELDOM, OVER_MS}}, 2},
    {"there is nobody else", {{LOSE, C}, {LOSE, D}, {DOUBT, B}, {TICK, OVER_MS}}, 2},
    {"one of two suspects",
     {{DOUBT, B}, {DOUBT, C}, {TICK, ALMOST_MS}, {HEAR, C}, {TICK, OVER_MS - ALMOST_MS}},
     1},
    {"nor when accused anew", {{DOUBT, B}, {TICK, 1000}, {AGAIN, B}, {TICK, OVER_MS}}, 1},
    {"it speaks all the time",
     {{DOUBT, B}, {TICK, 1600}, {HEAR, B}, {TICK, 1600}, {HEAR, B}, {TICK, 200}},
     1},
    {"nor since it stood still", {{DOUBT, B}, {TICK, 1000}, {RESUME, 0}, {TICK, OVER_MS}}, 1},
    {"nor in another life", {{BOOT, 0}, {DOUBT, B}, {TICK, OVER_MS + GRACE_MS}}, 1},
    {"nor since another went", {{DOUBT, B}, {LOSE, C}, {TICK, OVER_MS + 50}}, 1},
};

static void hear(uint32_t from)
{
    struct gkv_witness_row *row = &told.trial.witness_rows.rows[0][from];
    row->heard_ns = told.trial.world.now_ns;
    row->told_ns = told.trial.world.now_ns;
    told_input(&told, 0, GKV_OBSERVE_DATAGRAM);
}

static void tick(enum deed deed, uint32_t for_ms)
{
    for (uint32_t ms = 0; ms < for_ms; ms += 50) {
        if (deed == OFTEN || (deed != TICK && ms % 400 == 0)) {
            hear(C);
        }
        if (deed == OFTEN || (deed == TURNS && ms % 400 == 200)) {
            hear(D);
        }
        told_input(&told, 0, GKV_OBSERVE_TIMER);
        told_wait(&told, 49);
    }
    told_input(&told, 0, GKV_OBSERVE_TIMER);
}

static void meet_all(void)
{
    told_input(&told, 0, GKV_OBSERVE_BOOT);
    for (uint32_t i = B; i <= D; i++) {
        told_hold(&told, 0, i, GKV_MEMBER_ALIVE, 0);
    }
}

/* Something happens at a, and to its clock. */
static void befall(enum deed deed)
{
    if (deed == RESUME) {
        told_input(&told, 0, GKV_OBSERVE_RESUME);
    } else if (deed == SLOW) {
        told.trial.world.hosts[0].service_ns = 1;
    } else if (deed == LEAVE) {
        gkv_nodes_add(&told.trial.left, 0);
    } else if (deed == BOOT) {
        meet_all();
    }
}

static void happen(struct word word)
{
    switch (word.deed) {
    case WAIT:
        told_wait(&told, word.number);
        break;
    case TICK:
    case SELDOM:
    case TURNS:
    case OFTEN:
        tick(word.deed, word.number);
        break;
    case DOUBT:
        told_hold(&told, 0, word.number, GKV_MEMBER_SUSPECT, 0);
        break;
    case AGAIN:
        told_hold(&told, 0, word.number, GKV_MEMBER_SUSPECT, 1);
        break;
    case CLEAR:
        told_hold(&told, 0, word.number, GKV_MEMBER_ALIVE, 1);
        break;
    case LOSE:
        told_hold(&told, 0, word.number, GKV_MEMBER_UNREACHABLE, 0);
        break;
    case HEAR:
        hear(word.number);
        break;
    case END:
    case RESUME:
    case SLOW:
    case LEAVE:
    case BOOT:
        befall(word.deed);
        break;
    }
}

static bool is_rejected(const void *row)
{
    const struct talk *talk = row;
    told_begin(&told, &gkv_check_suspicion);
    struct gkv_options *options = &told.trial.scenario.world.node;
    told.trial.scenario.node_count = 4;
    options->probe_interval_ms = 50;
    options->probe_timeout_ms = 25;
    options->suspicion_timeout_ms = 100;
    options->suspicion_max_factor = 2;
    options->gossip_interval_ms = 10;
    options->witness_count = talk->witness_count;
    options->witness_patience_ms = 300;
    options->startup_grace_ms = GRACE_MS;
    gkv_check_name_nodes(&told.trial);
    meet_all();
    told_wait(&told, GRACE_MS);
    told_input(&told, 0, GKV_OBSERVE_TIMER);
    for (size_t i = 0; i < TALK_COUNT_MAX; i++) {
        happen(talk->words[i]);
    }
    return told_is_rejected(&told);
}

/* Goal: a suspicion that ends in time, or has a reason not to, is accepted. Method: a table. */
static void test_accepts_what_ends(void **state)
{
    (void)state;
    talk_expect_accepted(good, sizeof(good), sizeof(good[0]), is_rejected);
}

/* Goal: one that does not end is rejected, whatever is heard of others. Method: a table of them. */
static void test_rejects_what_does_not(void **state)
{
    (void)state;
    talk_expect_rejected(bad, sizeof(bad), sizeof(bad[0]), is_rejected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts_what_ends),
        cmocka_unit_test(test_rejects_what_does_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
