#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/talk.h"
#include "tests/told.h"

static struct told told;

#define TALK_COUNT_MAX 5

enum deed {
    END = 0,
    BOOT,   /* a begins a life */
    HEAR,   /* a datagram arrives at a */
    STREAM, /* or bytes of a stream */
    MEET,   /* a tells its application of a node */
    ANSWER, /* a answers a get in some way */
};

struct word {
    enum deed deed;
    uint32_t number;
};

/* Seeds: a is the first; so many members are expected. */
struct talk {
    const char *name;
    uint32_t seed_count;
    uint32_t expected;
    struct word words[TALK_COUNT_MAX];
};

static const struct talk good[] = {
    {"alone by design", 1, 1, {{BOOT, 0}, {ANSWER, GKV_ERROR_NOT_FOUND}}},
    {"without seeds", 0, 1, {{BOOT, 0}, {ANSWER, GKV_OK}}},
    {"it has met somebody", 2, 1, {{BOOT, 0}, {HEAR, 0}, {ANSWER, GKV_OK}}},
    {"by a stream", 2, 1, {{BOOT, 0}, {STREAM, 0}, {ANSWER, GKV_ERROR_TIMEOUT}}},
    {"who refuses has not served", 2, 2, {{BOOT, 0}, {ANSWER, GKV_ERROR_NO_QUORUM}}},
    {"as many as expected", 1, 2, {{BOOT, 0}, {HEAR, 0}, {MEET, 1}, {ANSWER, GKV_OK}}},
    {"and a third", 2, 3, {{BOOT, 0}, {HEAR, 0}, {MEET, 1}, {MEET, 2}, {ANSWER, GKV_OK}}},
};

static const struct talk bad[] = {
    {"it has heard nobody", 2, 1, {{BOOT, 0}, {ANSWER, GKV_ERROR_NOT_FOUND}}},
    {"nor in this life", 2, 1, {{BOOT, 0}, {HEAR, 0}, {BOOT, 0}, {ANSWER, GKV_OK}}},
    {"one too few", 1, 2, {{BOOT, 0}, {ANSWER, GKV_OK}}},
    {"itself is one", 1, 2, {{BOOT, 0}, {HEAR, 0}, {MEET, 0}, {ANSWER, GKV_OK}}},
    {"the same is one", 2, 3, {{BOOT, 0}, {HEAR, 0}, {MEET, 1}, {MEET, 1}, {ANSWER, GKV_OK}}},
    {"known in another life", 1, 2, {{BOOT, 0}, {MEET, 1}, {BOOT, 0}, {ANSWER, GKV_OK}}},
};

static void happen(struct word word)
{
    switch (word.deed) {
    case END:
        break;
    case BOOT:
        told_input(&told, 0, GKV_OBSERVE_BOOT);
        break;
    case HEAR:
        told_input(&told, 0, GKV_OBSERVE_DATAGRAM);
        break;
    case STREAM:
        told_input(&told, 0, GKV_OBSERVE_RECEIVED);
        break;
    case MEET:
        told_hold(&told, 0, word.number, GKV_MEMBER_ALIVE, 0);
        break;
    case ANSWER:
        told_complete(&told, told_submit(&told, GKV_OPERATION_GET, 0, 0),
                      &(struct gkv_result){.error = (enum gkv_error)word.number}, GKV_HISTORY_NONE);
        break;
    }
}

static bool is_rejected(const void *row)
{
    const struct talk *talk = row;
    told_begin(&told, &gkv_check_service);
    struct gkv_options *options = &told.trial.scenario.world.node;
    options->seed_count = talk->seed_count;
    options->bootstrap_expect = talk->expected;
    for (uint32_t i = 0; i < talk->seed_count; i++) {
        options->seeds[i] = gkv_host_address(i);
    }
    for (size_t i = 0; i < TALK_COUNT_MAX; i++) {
        happen(talk->words[i]);
    }
    return told_is_rejected(&told);
}

/* Goal: who has met its cluster, or is to be alone, may serve. Method: a table of them. */
static void test_accepts_who_has_met(void **state)
{
    (void)state;
    talk_expect_accepted(good, sizeof(good), sizeof(good[0]), is_rejected);
}

/* Goal: nobody else may. Method: a table of them. */
static void test_rejects_who_has_not(void **state)
{
    (void)state;
    talk_expect_rejected(bad, sizeof(bad), sizeof(bad[0]), is_rejected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts_who_has_met),
        cmocka_unit_test(test_rejects_who_has_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
