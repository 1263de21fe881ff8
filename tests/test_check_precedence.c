#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/talk.h"
#include "tests/told.h"

static struct told told;

/* Node a tells of b. */
static void tell(uint64_t boot_id, uint32_t incarnation, enum gkv_member_state state)
{
    struct gkv_output output = {.kind = GKV_OUTPUT_MEMBER};
    output.as.member.who.id = told.trial.ids[1];
    output.as.member.who.boot_id = boot_id;
    output.as.member.incarnation = incarnation;
    output.as.member.state = state;
    gkv_check_precedence.observe(
        &told.trial, &(struct gkv_observation){.kind = GKV_OBSERVE_OUTPUT, .output = &output});
}

struct word {
    uint64_t boot_id;
    uint32_t incarnation;
    enum gkv_member_state state;
};

#define WORD_COUNT_MAX 4

struct news {
    const char *name;
    struct word words[WORD_COUNT_MAX]; /* until one without a state */
};

static const struct news good[] = {
    {"dies",
     {{1, 0, GKV_MEMBER_ALIVE}, {1, 0, GKV_MEMBER_SUSPECT}, {1, 0, GKV_MEMBER_UNREACHABLE}}},
    {"refutes", {{1, 0, GKV_MEMBER_ALIVE}, {1, 0, GKV_MEMBER_SUSPECT}, {1, 1, GKV_MEMBER_ALIVE}}},
    {"comes back", {{1, 3, GKV_MEMBER_UNREACHABLE}, {1, 4, GKV_MEMBER_ALIVE}}},
    {"begins again",
     {{1, 9, GKV_MEMBER_ALIVE}, {1, 10, GKV_MEMBER_LEFT}, {2, 0, GKV_MEMBER_ALIVE}}},
    {"is met as a suspect", {{1, 0, GKV_MEMBER_SUSPECT}, {1, 0, GKV_MEMBER_LEFT}}},
};

static const struct news bad[] = {
    {"a stranger has left", {{1, 0, GKV_MEMBER_LEFT}}},
    {"alive overrules suspect", {{1, 0, GKV_MEMBER_SUSPECT}, {1, 0, GKV_MEMBER_ALIVE}}},
    {"alive overrules unreachable", {{1, 0, GKV_MEMBER_UNREACHABLE}, {1, 0, GKV_MEMBER_ALIVE}}},
    {"an older accusation", {{1, 2, GKV_MEMBER_ALIVE}, {1, 1, GKV_MEMBER_SUSPECT}}},
    {"an older boot", {{2, 0, GKV_MEMBER_ALIVE}, {1, 7, GKV_MEMBER_ALIVE}}},
    {"who left is suspected",
     {{1, 1, GKV_MEMBER_ALIVE}, {1, 1, GKV_MEMBER_LEFT}, {1, 1, GKV_MEMBER_SUSPECT}}},
    {"the same twice", {{1, 1, GKV_MEMBER_ALIVE}, {1, 1, GKV_MEMBER_ALIVE}}},
};

static bool is_rejected(const void *row)
{
    const struct news *news = row;
    told_begin(&told, &gkv_check_precedence);
    for (uint32_t i = 0; i < WORD_COUNT_MAX && news->words[i].state != GKV_MEMBER_NONE; i++) {
        tell(news->words[i].boot_id, news->words[i].incarnation, news->words[i].state);
    }
    return told_is_rejected(&told);
}

/* Goal: news that move forward are accepted. Method: a table of them. */
static void test_accepts_what_moves_forward(void **state)
{
    (void)state;
    talk_expect_accepted(good, sizeof(good), sizeof(good[0]), is_rejected);
}

/* Goal: news that go back are rejected, and the goodbye of a stranger. Method: a table of them. */
static void test_rejects_what_goes_back(void **state)
{
    (void)state;
    talk_expect_rejected(bad, sizeof(bad), sizeof(bad[0]), is_rejected);
}

/* Goal: a node that begins another life knows nothing any more. Method: it boots between a
 * suspicion and the word that the suspect is alive. */
static void test_forgets_with_its_life(void **state)
{
    (void)state;
    told_begin(&told, &gkv_check_precedence);
    tell(1, 0, GKV_MEMBER_SUSPECT);
    told_input(&told, 0, GKV_OBSERVE_BOOT);
    tell(1, 0, GKV_MEMBER_ALIVE);
    assert_false(told_is_rejected(&told));
    told_input(&told, 2, GKV_OBSERVE_BOOT); /* another's */
    tell(1, 0, GKV_MEMBER_ALIVE);
    assert_true(told_is_rejected(&told));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts_what_moves_forward),
        cmocka_unit_test(test_rejects_what_goes_back),
        cmocka_unit_test(test_forgets_with_its_life),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
