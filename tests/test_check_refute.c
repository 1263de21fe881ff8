#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/talk.h"
#include "tests/told.h"

static struct told told;

/* What is said of a in boot 100 or another: a state and an incarnation; NONE: nothing. */
struct word {
    uint64_t boot_id;
    uint32_t incarnation;
    enum gkv_member_state state;
};

/* b pings a, or a answers. */
static void say(bool is_ping, uint32_t sequence, struct word word)
{
    struct gkv_update update = {.incarnation = word.incarnation, .state = word.state};
    update.who.id = told.trial.ids[0];
    update.who.boot_id = word.boot_id;
    struct gkv_message message = {.kind = is_ping ? GKV_MESSAGE_PING : GKV_MESSAGE_ACK};
    message.as.gossip.sequence = sequence;
    message.as.gossip.about.id = told.trial.ids[0];
    message.as.gossip.updates = &update;
    message.as.gossip.update_count = word.state != GKV_MEMBER_NONE;
    told_say(&told, is_ping ? 1 : 0, 0, message);
}

struct talk {
    const char *name;
    struct word accusation;
    struct word answer;
};

static const struct talk good[] = {
    {"nothing is said", {0}, {0}},
    {"alive needs no answer", {100, 3, GKV_MEMBER_ALIVE}, {0}},
    {"suspect, refuted", {100, 3, GKV_MEMBER_SUSPECT}, {100, 4, GKV_MEMBER_ALIVE}},
    {"unreachable, refuted", {100, 0, GKV_MEMBER_UNREACHABLE}, {100, 1, GKV_MEMBER_ALIVE}},
    {"old, refuted before", {100, 1, GKV_MEMBER_SUSPECT}, {100, 9, GKV_MEMBER_ALIVE}},
    {"an earlier life", {99, 7, GKV_MEMBER_ALIVE}, {100, 0, GKV_MEMBER_ALIVE}},
    {"it has left", {100, 5, GKV_MEMBER_SUSPECT}, {100, 5, GKV_MEMBER_LEFT}},
    {"a later life", {101, 0, GKV_MEMBER_SUSPECT}, {102, 0, GKV_MEMBER_ALIVE}},
};

static const struct talk bad[] = {
    {"no answer", {100, 3, GKV_MEMBER_SUSPECT}, {0}},
    {"no answer to old news", {100, 0, GKV_MEMBER_UNREACHABLE}, {0}},
    {"the same incarnation", {100, 3, GKV_MEMBER_SUSPECT}, {100, 3, GKV_MEMBER_ALIVE}},
    {"a lower one", {100, 3, GKV_MEMBER_UNREACHABLE}, {100, 2, GKV_MEMBER_ALIVE}},
    {"an earlier life unanswered", {99, 0, GKV_MEMBER_ALIVE}, {0}},
    {"said to be gone", {100, 2, GKV_MEMBER_LEFT}, {100, 2, GKV_MEMBER_SUSPECT}},
    {"a lower boot", {101, 0, GKV_MEMBER_SUSPECT}, {100, 5, GKV_MEMBER_ALIVE}},
};

static bool is_rejected(const void *row)
{
    const struct talk *talk = row;
    told_begin(&told, &gkv_check_refute);
    say(true, 7, talk->accusation);
    say(false, 7, talk->answer);
    return told_is_rejected(&told);
}

/* Goal: accusations that are refuted in the answer are accepted. Method: a table of them. */
static void test_accepts_refutations(void **state)
{
    (void)state;
    talk_expect_accepted(good, sizeof(good), sizeof(good[0]), is_rejected);
}

/* Goal: a ping that is repeated under its sequence asks for a refutation only if both accuse, and
 * of what the first said; one that is passed by an older sequence asks for none.
 * Method: two pings and a silent answer, or one that refutes the first. */
static void test_repeated_pings(void **state)
{
    (void)state;
    static const struct {
        uint32_t sequences[2];
        struct word accusations[2];
        struct word answer;
        bool is_rejected;
    } cases[] = {
        {{7, 7}, {{0}, {100, 3, GKV_MEMBER_SUSPECT}}, {0}, false},
        {{7, 7}, {{100, 3, GKV_MEMBER_SUSPECT}, {0}}, {0}, false},
        {{7, 7}, {{100, 3, GKV_MEMBER_SUSPECT}, {100, 3, GKV_MEMBER_SUSPECT}}, {0}, true},
        {{7, 7},
         {{100, 3, GKV_MEMBER_SUSPECT}, {100, 4, GKV_MEMBER_SUSPECT}},
         {100, 4, GKV_MEMBER_ALIVE},
         false},
        {{8, 7}, {{0}, {100, 3, GKV_MEMBER_SUSPECT}}, {0}, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        told_begin(&told, &gkv_check_refute);
        say(true, cases[i].sequences[0], cases[i].accusations[0]);
        say(true, cases[i].sequences[1], cases[i].accusations[1]);
        say(false, 7, cases[i].answer);
        assert_true(told_is_rejected(&told) == cases[i].is_rejected);
    }
}

/* Goal: accusations that are not refuted are rejected. Method: a table of them. */
static void test_rejects_silence(void **state)
{
    (void)state;
    talk_expect_rejected(bad, sizeof(bad), sizeof(bad[0]), is_rejected);
}

/* Goal: an answer to another ping is none. Method: answers to one before. */
static void test_takes_the_answer_alone(void **state)
{
    (void)state;
    told_begin(&told, &gkv_check_refute);
    say(true, 7, bad[0].accusation);
    say(false, 6, bad[0].answer);
    say(true, 8, good[0].accusation);
    say(false, 7, bad[0].answer); /* too late to be known */
    assert_false(told_is_rejected(&told));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts_refutations),
        cmocka_unit_test(test_repeated_pings),
        cmocka_unit_test(test_rejects_silence),
        cmocka_unit_test(test_takes_the_answer_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
