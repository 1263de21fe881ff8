#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/talk.h"
#include "tests/told.h"

static struct told told;

#define TALK_COUNT_MAX 8
#define TIMEOUT_MS 100  /* of a probe; then others are asked */
#define INDIRECT_MS 100 /* and have so long */

enum deed {
    END = 0,
    PING,   /* a pings b, under a sequence */
    ANSWER, /* an answer to that arrives at a */
    NACK,   /* a helper's word arrives at a */
    ASKED,  /* c's request to ping b arrives at a */
    NEWS,   /* what nobody knows any more arrives at a */
    TICK,   /* a's timer comes */
    WAIT,   /* so many ms */
    HOLD,   /* a holds b to be in a state */
    BOOT,   /* a begins another life */
};

struct word {
    enum deed deed;
    uint32_t number; /* sequence, ms or state */
};

struct talk {
    const char *name;
    struct word words[TALK_COUNT_MAX];
};

static const struct talk good[] = {
    {"repeated", {{PING, 7}, {WAIT, 50}, {PING, 7}, {WAIT, 60}, {PING, 7}}},
    {"answered, and asked again", {{PING, 7}, {ANSWER, 7}, {PING, 8}}},
    {"over, and asked again", {{PING, 7}, {WAIT, 200}, {PING, 8}}},
    {"for another", {{PING, 7}, {ASKED, 0}, {PING, 8}}},
    {"in another life", {{PING, 7}, {BOOT, 0}, {HOLD, GKV_MEMBER_ALIVE}, {PING, 8}}},
    {"its last chance", {{PING, 7}, {WAIT, 200}, {HOLD, GKV_MEMBER_SUSPECT}, {PING, 8}, {PING, 9}}},
    {"called", {{PING, 7}, {HOLD, GKV_MEMBER_UNREACHABLE}, {PING, 8}}},
    {"nobody knows what answered", {{PING, 7}, {NEWS, 0}, {PING, 8}}},
    {"accused when it is over", {{PING, 7}, {WAIT, 200}, {HOLD, GKV_MEMBER_SUSPECT}}},
    {"accused by others", {{HOLD, GKV_MEMBER_SUSPECT}}},
};

static const struct talk bad[] = {
    {"twice at once", {{PING, 7}, {PING, 8}}},
    {"twice, soon", {{PING, 7}, {WAIT, 190}, {PING, 8}}},
    {"an old answer ends nothing", {{PING, 7}, {ANSWER, 6}, {PING, 8}}},
    {"a NACK ends nothing", {{PING, 7}, {NACK, 7}, {PING, 8}}},
    {"helping was before", {{PING, 7}, {ASKED, 0}, {TICK, 0}, {PING, 8}}},
    {"one of three", {{PING, 7}, {ANSWER, 7}, {PING, 8}, {WAIT, 100}, {PING, 9}}},
    {"who is leaving as well", {{HOLD, GKV_MEMBER_LEAVING}, {PING, 7}, {PING, 8}}},
    {"accused at once", {{PING, 7}, {HOLD, GKV_MEMBER_SUSPECT}}},
    {"accused before others can answer", {{PING, 7}, {WAIT, 150}, {HOLD, GKV_MEMBER_SUSPECT}}},
};

static void hear(uint32_t from, enum gkv_message_kind kind, uint32_t sequence)
{
    const struct gkv_gist gist = {
        .from = from, .kind = kind, .sequence = sequence, .about = {told.trial.ids[1], 100}};
    told_deliver(&told, 0, &gist);
}

static void happen(struct word word)
{
    struct gkv_message ping = {.kind = GKV_MESSAGE_PING};
    ping.as.gossip.sequence = word.number;
    ping.as.gossip.about = (struct gkv_identity){told.trial.ids[1], 100};
    switch (word.deed) {
    case END:
        break;
    case PING:
        told_say_to(&told, 0, 1, ping);
        break;
    case ANSWER:
        hear(1, GKV_MESSAGE_ACK, word.number);
        break;
    case NACK:
        hear(2, GKV_MESSAGE_NACK, word.number);
        break;
    case ASKED:
        hear(2, GKV_MESSAGE_PING_REQ, 3);
        break;
    case NEWS:
        told_deliver(&told, 0, NULL);
        break;
    case TICK:
        told_input(&told, 0, GKV_OBSERVE_TIMER);
        break;
    case WAIT:
        told_wait(&told, word.number);
        break;
    case HOLD:
        told_hold(&told, 0, 1, (enum gkv_member_state)word.number, 0);
        break;
    case BOOT:
        told_input(&told, 0, GKV_OBSERVE_BOOT);
        break;
    }
}

static bool is_rejected(const void *row)
{
    const struct talk *talk = row;
    told_begin(&told, &gkv_check_probe);
    told.trial.scenario.world.node.probe_timeout_ms = TIMEOUT_MS;
    told.trial.scenario.world.node.probe_indirect_timeout_ms = INDIRECT_MS;
    told_hold(&told, 0, 1, GKV_MEMBER_ALIVE, 0);
    for (size_t i = 0; i < TALK_COUNT_MAX; i++) {
        happen(talk->words[i]);
    }
    return told_is_rejected(&told);
}

/* Goal: probes one after the other, and accusations after them, are accepted. Method: a table. */
static void test_accepts_one_after_the_other(void **state)
{
    (void)state;
    talk_expect_accepted(good, sizeof(good), sizeof(good[0]), is_rejected);
}

/* Goal: two at once, and accusations before the end, are rejected. Method: a table of them. */
static void test_rejects_two_at_once(void **state)
{
    (void)state;
    talk_expect_rejected(bad, sizeof(bad), sizeof(bad[0]), is_rejected);
}

/* Goal: a stream's answer ends a probe when it is said: who knows whether it arrived.
 * Method: one, and a second probe. */
static void test_answers_over_streams(void **state)
{
    (void)state;
    (void)is_rejected(&(struct talk){"one probe", {{PING, 7}}});
    struct gkv_message ack = {.kind = GKV_MESSAGE_ACK};
    ack.as.gossip.sequence = 7;
    told_say(&told, 1, 9, ack);
    happen((struct word){PING, 8});
    assert_false(told_is_rejected(&told));
    happen((struct word){PING, 9});
    assert_true(told_is_rejected(&told));
}

/* Goal: what a node found out in an earlier life, and now hears again, is no accusation of its own.
 * Method: the same one in two lives, with a probe just begun; and another one. */
static void test_echoes_are_not_its_own(void **state)
{
    (void)state;
    (void)is_rejected(&(struct talk){
        "found out", {{PING, 7}, {WAIT, 200}, {HOLD, GKV_MEMBER_SUSPECT}, {BOOT, 0}}});
    told_hold(&told, 0, 1, GKV_MEMBER_ALIVE, 0);
    happen((struct word){PING, 20});
    told_hold(&told, 0, 1, GKV_MEMBER_SUSPECT, 0);
    assert_false(told_is_rejected(&told));
    told_hold(&told, 0, 1, GKV_MEMBER_SUSPECT, 1);
    assert_true(told_is_rejected(&told));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts_one_after_the_other),
        cmocka_unit_test(test_rejects_two_at_once),
        cmocka_unit_test(test_answers_over_streams),
        cmocka_unit_test(test_echoes_are_not_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
