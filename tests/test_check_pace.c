#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/told.h"

static struct told told;

/* A probes b and c, in rounds of an interval when it is well. */
#define INTERVAL_MS 100
#define PROBE_MS 80 /* how long a probe lasts at the least */
#define HEALTH_MAX 3
#define OVER_MS (HEALTH_MAX * PROBE_MS + 10) /* and how long at the most, and timers are late */
#define TALK_COUNT_MAX 24

enum deed {
    END = 0,
    TICK,    /* a's timer comes */
    DROP,    /* a stream to b ends, which makes a probe b out of turn */
    PING,    /* a pings b, under a sequence */
    REQUEST, /* a asks c to ping b, likewise */
    ANSWER,  /* b's answer arrives */
    NACK,    /* c's word that it heard nothing */
    ACCUSE,  /* a holds b to be suspect, as it found out */
    REFUTED, /* and alive, as it is told */
    WAIT,    /* so many ms */
    RESUME,  /* a goes on after a pause */
};

struct word {
    enum deed deed;
    uint32_t number;
};

struct talk {
    const char *name;
    struct word words[TALK_COUNT_MAX];
};

/* A step of a round: TICK lets 1 ms pass, PING another one. */
#define ROUND(sequence) \
    {TICK, 0},          \
    {                   \
        PING, sequence  \
    }
#define ANSWERED_ROUND(sequence)                     \
    {TICK, 0}, {PING, sequence}, {ANSWER, sequence}, \
    {                                                \
        WAIT, 97                                     \
    }

/* A probe that failed, with a helper who did not say NACK, and the news that b lives. */
#define FAILURE(sequence)                                                               \
    ROUND(sequence), {WAIT, 40}, {TICK, 0}, {REQUEST, sequence}, {WAIT, 40}, {TICK, 0}, \
        {ACCUSE, 0},                                                                    \
    {                                                                                   \
        REFUTED, 0                                                                      \
    }

static const struct talk good[] = {
    {"well", {ANSWERED_ROUND(1), ANSWERED_ROUND(2), ANSWERED_ROUND(3), ROUND(4)}},
    {"unwell, and slower", {FAILURE(1), {WAIT, 100}, ROUND(2), {WAIT, 200}, ROUND(3)}},
    {"the helper said NACK",
     {ROUND(1),
      {WAIT, 40},
      {TICK, 0},
      {REQUEST, 1},
      {NACK, 1},
      {WAIT, 40},
      {TICK, 0},
      {ACCUSE, 0},
      {REFUTED, 0},
      ROUND(2),
      {WAIT, 100},
      ROUND(3)}},
    {"well again",
     {FAILURE(1), ROUND(2), {ANSWER, 2}, {WAIT, 200}, ROUND(3), {WAIT, 100}, ROUND(4)}},
    {"out of turn", {FAILURE(1), ROUND(2), {WAIT, 50}, {DROP, 0}, {PING, 3}}},
    {"it stood still", {FAILURE(1), {RESUME, 0}, ROUND(2), {WAIT, 100}, ROUND(3)}},
    {"it waits for an answer", {ROUND(1), {WAIT, 230}, {TICK, 0}}},
    {"answers of a suspect that came too late",
     {ROUND(1),
      {ANSWER, 1},
      {DROP, 0},
      {ACCUSE, 0}, /* not as its timer finds */
      {TICK, 0},
      {PING, 2},
      {PING, 3},
      {WAIT, 82},
      {ANSWER, 2},
      {ANSWER, 3},
      {REFUTED, 0},
      {WAIT, 215},
      ROUND(4),
      {ANSWER, 4},
      {WAIT, 198},
      ROUND(5)}},
};

static const struct talk bad[] = {
    {"it has stopped", {ANSWERED_ROUND(1), {WAIT, 500}, {TICK, 0}}},
    {"it is slow, though well", {ANSWERED_ROUND(1), ANSWERED_ROUND(2), {WAIT, 400}, ROUND(3)}},
    {"it is slow for ever",
     {FAILURE(1),
      ANSWERED_ROUND(2),
      ANSWERED_ROUND(3),
      {WAIT, 500},
      {TICK, 0},
      {WAIT, 200},
      {TICK, 0}}},
    {"unwell, and as quick as ever", {FAILURE(1), ROUND(2), {WAIT, 97}, ROUND(3)}},
    {"nearly slow enough", {FAILURE(1), ROUND(2), {WAIT, 190}, ROUND(3)}},
    {"an answer to something else", {FAILURE(1), ROUND(2), {NACK, 2}, {WAIT, 120}, ROUND(3)}},
    {"unwell by failures that nobody is accused of",
     {ROUND(1), {WAIT, OVER_MS}, {TICK, 0}, ROUND(2), {WAIT, 120}, ROUND(3)}},
};

static void hear(uint32_t from, enum gkv_message_kind kind, uint32_t sequence)
{
    const struct gkv_gist gist = {
        .from = from, .kind = kind, .sequence = sequence, .about = {told.trial.ids[1], 100}};
    told_deliver(&told, 0, &gist);
}

static void say(enum gkv_message_kind kind, uint32_t to, uint32_t sequence)
{
    struct gkv_message message = {.kind = kind};
    message.as.gossip.sequence = sequence;
    message.as.gossip.about = (struct gkv_identity){told.trial.ids[1], 100};
    told_say_to(&told, 0, to, message);
}

static void happen(struct word word)
{
    switch (word.deed) {
    case END:
        break;
    case TICK:
        told_input(&told, 0, GKV_OBSERVE_TIMER);
        break;
    case DROP:
        told_input(&told, 0, GKV_OBSERVE_CLOSED);
        break;
    case PING:
        say(GKV_MESSAGE_PING, 1, word.number);
        break;
    case REQUEST:
        say(GKV_MESSAGE_PING_REQ, 2, word.number);
        break;
    case ANSWER:
        hear(1, GKV_MESSAGE_ACK, word.number);
        break;
    case NACK:
        hear(2, GKV_MESSAGE_NACK, word.number);
        break;
    case ACCUSE:
        told_hold(&told, 0, 1, GKV_MEMBER_SUSPECT, 0);
        break;
    case REFUTED:
        told_input(&told, 0, GKV_OBSERVE_DATAGRAM);
        told_hold(&told, 0, 1, GKV_MEMBER_ALIVE, 1);
        break;
    case WAIT:
        told_wait(&told, word.number);
        break;
    case RESUME:
        told_input(&told, 0, GKV_OBSERVE_RESUME);
        break;
    }
}

static bool is_rejected(const struct talk *talk)
{
    told_begin(&told, &gkv_check_pace);
    struct gkv_options *options = &told.trial.scenario.world.node;
    options->probe_interval_ms = INTERVAL_MS;
    options->probe_timeout_ms = PROBE_MS / 2;
    options->probe_indirect_timeout_ms = PROBE_MS / 2;
    options->probe_nacks = 1;
    options->health_max = HEALTH_MAX;
    told_input(&told, 0, GKV_OBSERVE_BOOT);
    told_hold(&told, 0, 1, GKV_MEMBER_ALIVE, 0);
    told_hold(&told, 0, 2, GKV_MEMBER_ALIVE, 0);
    for (size_t i = 0; i < TALK_COUNT_MAX; i++) {
        happen(talk->words[i]);
    }
    told_input(&told, 0, GKV_OBSERVE_DATAGRAM); /* a step is judged when the next one begins */
    return told_is_rejected(&told);
}

/* Goal: nodes that ask as often as they may are accepted. Method: a table of them. */
static void test_accepts_a_fair_pace(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        if (is_rejected(&good[i])) {
            fail_msg("rejected: %s: %s", good[i].name, told.trial.verdict.text);
        }
    }
}

/* Goal: nodes that ask too often, or hardly ever, are rejected. Method: a table of them. */
static void test_rejects_another(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (!is_rejected(&bad[i])) {
            fail_msg("accepted: %s", bad[i].name);
        }
    }
}

/* Goal: where health is switched off, a failure makes nobody slow. Method: a table of one. */
static void test_no_health(void **state)
{
    (void)state;
    const struct talk begin = {"begin", {{TICK, 0}}};
    const struct talk rest = {"rest", {FAILURE(1), ROUND(2), {WAIT, 98}, ROUND(3), {TICK, 0}}};
    (void)is_rejected(&begin);
    told.trial.scenario.world.node.health_max = 1;
    for (size_t i = 0; i < TALK_COUNT_MAX; i++) {
        happen(rest.words[i]);
    }
    assert_false(told_is_rejected(&told));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts_a_fair_pace),
        cmocka_unit_test(test_rejects_another),
        cmocka_unit_test(test_no_health),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
