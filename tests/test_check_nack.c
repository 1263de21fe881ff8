#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/talk.h"
#include "tests/told.h"

static struct told told;

#define WORD_COUNT_MAX 8

/* B is the helper; a asks it about c, in a probe of sequence 7 or another. */
enum word {
    END = 0,
    ASKED,       /* a's request arrives */
    ASKED_LATER, /* of sequence 8 */
    ASKED_BY_C,  /* c's request about a, of sequence 7 too */
    HANDS_ON,
    NACK,
    NACK_LATER,
    NACK_TO_C,
    RESTARTS,
};

struct talk {
    const char *name;
    enum word words[WORD_COUNT_MAX];
};

static const struct talk good[] = {
    {"handed on", {ASKED, HANDS_ON}},
    {"nothing heard", {ASKED, NACK}},
    {"heard late", {ASKED, NACK, HANDS_ON}},
    {"asked twice, heard once", {ASKED, ASKED, HANDS_ON, NACK}},
    {"asked twice, heard nothing", {ASKED, ASKED, NACK, NACK}},
    {"another probe", {ASKED, HANDS_ON, ASKED_LATER, NACK_LATER}},
    {"another asker", {ASKED, ASKED_BY_C, HANDS_ON, NACK_TO_C}},
    {"another life", {ASKED, HANDS_ON, RESTARTS, ASKED, NACK}},
};

static const struct talk bad[] = {
    {"heard, and denied", {ASKED, HANDS_ON, NACK}},
    {"denied twice", {ASKED, NACK, NACK}},
    {"heard twice, and denied", {ASKED, ASKED, HANDS_ON, HANDS_ON, NACK}},
    {"heard late, and denied again", {ASKED, NACK, HANDS_ON, NACK}},
    {"of the later probe", {ASKED, ASKED_LATER, HANDS_ON, NACK_LATER, NACK}},
    {"of the right asker", {ASKED_BY_C, ASKED, HANDS_ON, NACK}},
};

static void ask(uint32_t from, uint32_t about, uint32_t sequence)
{
    const struct gkv_gist gist = {
        .from = from,
        .kind = GKV_MESSAGE_PING_REQ,
        .sequence = sequence,
        .about = {told.trial.ids[about], 100},
    };
    told_deliver(&told, 1, &gist);
}

static void answer(enum gkv_message_kind kind, uint32_t to, uint32_t about, uint32_t sequence)
{
    struct gkv_message message = {.kind = kind};
    message.as.gossip.sequence = sequence;
    message.as.gossip.about = (struct gkv_identity){told.trial.ids[about], 100};
    told_say_to(&told, 1, to, message);
}

static void happen(enum word word)
{
    switch (word) {
    case END:
        break;
    case ASKED:
        ask(0, 2, 7);
        break;
    case ASKED_LATER:
        ask(0, 2, 8);
        break;
    case ASKED_BY_C:
        ask(2, 0, 7);
        break;
    case HANDS_ON:
        answer(GKV_MESSAGE_ACK, 0, 2, 7);
        break;
    case NACK:
        answer(GKV_MESSAGE_NACK, 0, 2, 7);
        break;
    case NACK_LATER:
        answer(GKV_MESSAGE_NACK, 0, 2, 8);
        break;
    case NACK_TO_C:
        answer(GKV_MESSAGE_NACK, 2, 0, 7);
        break;
    case RESTARTS:
        told_input(&told, 1, GKV_OBSERVE_BOOT);
        break;
    }
}

static bool is_rejected(const void *row)
{
    const struct talk *talk = row;
    told_begin(&told, &gkv_check_nack);
    for (size_t i = 0; i < WORD_COUNT_MAX; i++) {
        happen(talk->words[i]);
    }
    return told_is_rejected(&told);
}

/* Goal: helpers that say what they heard are accepted. Method: a table of them. */
static void test_accepts_the_truth(void **state)
{
    (void)state;
    talk_expect_accepted(good, sizeof(good), sizeof(good[0]), is_rejected);
}

/* Goal: helpers that deny what they heard are rejected. Method: a table of them. */
static void test_rejects_denial(void **state)
{
    (void)state;
    talk_expect_rejected(bad, sizeof(bad), sizeof(bad[0]), is_rejected);
}

/* Goal: a request of which nothing is known is nobody's fault. Method: more than are remembered. */
static void test_forgets_the_oldest(void **state)
{
    (void)state;
    told_begin(&told, &gkv_check_nack);
    answer(GKV_MESSAGE_NACK, 0, 2, 5);
    happen(ASKED);
    happen(HANDS_ON);
    for (uint32_t i = 0; i < GKV_NACK_REQUEST_COUNT; i++) {
        ask(0, 2, 100 + i);
    }
    happen(NACK);
    assert_false(told_is_rejected(&told));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts_the_truth),
        cmocka_unit_test(test_rejects_denial),
        cmocka_unit_test(test_forgets_the_oldest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
