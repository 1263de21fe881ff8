#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/talk.h"
#include "tests/told.h"

static struct told told;

#define TALK_COUNT_MAX 6

/* A is accused, and what it says in the step in which it hears of that. */
enum deed {
    END = 0,
    ACCUSED, /* a node says that b accuses a, in incarnation 0 */
    BY_C,    /* it says the same of c */
    ARRIVAL, /* a datagram arrives at a */
    STREAM,  /* bytes of a stream do */
    TELL,    /* a tells a node of its incarnation 1 */
    LOSE,    /* a holds b to be unreachable */
};

struct word {
    enum deed deed;
    uint32_t node;
};

struct talk {
    const char *name;
    struct word words[TALK_COUNT_MAX];
};

static const struct talk good[] = {
    {"told at once", {{ACCUSED, 1}, {ARRIVAL, 0}, {TELL, 1}}},
    {"others as well", {{ACCUSED, 2}, {ARRIVAL, 0}, {TELL, 2}, {TELL, 1}}},
    {"the accuser is gone", {{ACCUSED, 2}, {LOSE, 0}, {ARRIVAL, 0}, {TELL, 2}}},
    {"one of two accusers", {{ACCUSED, 1}, {BY_C, 2}, {ARRIVAL, 0}, {TELL, 2}}},
    {"nobody accused it", {{ARRIVAL, 0}, {TELL, 2}}},
    {"it heard by a stream", {{ACCUSED, 2}, {STREAM, 0}, {TELL, 2}}},
};

static const struct talk bad[] = {
    {"another is told", {{ACCUSED, 1}, {ARRIVAL, 0}, {TELL, 2}}},
    {"who told of it alone", {{ACCUSED, 2}, {ARRIVAL, 0}, {TELL, 2}}},
    {"told later", {{ACCUSED, 1}, {ARRIVAL, 0}, {TELL, 2}, {ARRIVAL, 0}, {TELL, 1}}},
    {"told before", {{TELL, 1}, {ACCUSED, 1}, {ARRIVAL, 0}, {TELL, 2}}},
    {"both say that it was b", {{ACCUSED, 1}, {ACCUSED, 2}, {ARRIVAL, 0}, {TELL, 2}}},
};

static void say_of_a(uint32_t from, uint32_t to, const struct gkv_update *said)
{
    struct gkv_update update = *said;
    update.who = (struct gkv_identity){told.trial.ids[0], 100};
    struct gkv_message message = {.kind = GKV_MESSAGE_GOSSIP};
    message.as.gossip.updates = &update;
    message.as.gossip.update_count = 1;
    told_say_to(&told, from, to, message);
}

static void happen(struct word word, uint32_t incarnation)
{
    struct gkv_update update = {.state = GKV_MEMBER_SUSPECT};
    switch (word.deed) {
    case END:
        break;
    case ACCUSED:
    case BY_C:
        update.accuser = told.trial.ids[word.deed == BY_C ? 2 : 1];
        say_of_a(word.node, 0, &update);
        break;
    case ARRIVAL:
        told_input(&told, 0, GKV_OBSERVE_DATAGRAM);
        break;
    case STREAM:
        told_input(&told, 0, GKV_OBSERVE_RECEIVED);
        break;
    case TELL:
        update.state = GKV_MEMBER_ALIVE;
        update.incarnation = incarnation;
        say_of_a(0, word.node, &update);
        break;
    case LOSE:
        told_hold(&told, 0, 1, GKV_MEMBER_UNREACHABLE, 0);
        break;
    }
}

/* What it tells before it hears of the accusation is of its incarnation 0. */
static bool is_rejected(const void *row)
{
    const struct talk *talk = row;
    told_begin(&told, &gkv_check_rebuttal);
    told_input(&told, 0, GKV_OBSERVE_BOOT);
    told_hold(&told, 0, 1, GKV_MEMBER_ALIVE, 0);
    told_hold(&told, 0, 2, GKV_MEMBER_ALIVE, 0);
    uint32_t incarnation = 0;
    for (size_t i = 0; i < TALK_COUNT_MAX; i++) {
        const enum deed deed = talk->words[i].deed;
        incarnation = deed == ARRIVAL || deed == STREAM ? 1 : incarnation;
        happen(talk->words[i], incarnation);
    }
    told_input(&told, 0, GKV_OBSERVE_TIMER); /* a step is judged when the next one begins */
    return told_is_rejected(&told);
}

/* Goal: refutations that reach who is certain to have accused are accepted. Method: a table. */
static void test_accepts_who_tells(void **state)
{
    (void)state;
    talk_expect_accepted(good, sizeof(good), sizeof(good[0]), is_rejected);
}

/* Goal: refutations that leave the accuser to rumours are rejected. Method: a table of them. */
static void test_rejects_who_does_not(void **state)
{
    (void)state;
    talk_expect_rejected(bad, sizeof(bad), sizeof(bad[0]), is_rejected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts_who_tells),
        cmocka_unit_test(test_rejects_who_does_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
