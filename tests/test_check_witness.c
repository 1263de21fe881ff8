#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/talk.h"
#include "tests/told.h"

static struct told told;

/* A knows b, c and d, and c and d are its witnesses about b. Lately is 3 * 50 + 50 ms ago, and it
 * is patient for 300 ms more. */
#define INTERVAL_MS 50
#define TIMEOUT_MS 50
#define PATIENCE_MS 300
#define LATELY_MS (3 * INTERVAL_MS + TIMEOUT_MS)

#define TALK_COUNT_MAX 10

enum deed {
    END = 0,
    WAIT,   /* so many ms */
    HEAR,   /* a datagram of a node arrives at a */
    FORMER, /* one that it sent in an earlier life */
    TICK,   /* a's timer comes */
    HOLD,   /* a holds b to be in a state */
    LOSE,   /* a holds a node to be unreachable, as it was told */
    PAUSE,  /* a stands still for so long */
    PROBE,  /* a has begun to probe b, and nobody answers */
    PING,   /* a pings b by a datagram, in a sequence */
    STREAM, /* and over a stream */
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
#define SUSPECT GKV_MEMBER_SUSPECT
#define BURIED GKV_MEMBER_UNREACHABLE

static const struct talk good[] = {
    {"two were heard", {{WAIT, 300}, {HEAR, C}, {HEAR, D}, {TICK, 0}, {HOLD, SUSPECT}}, 2},
    {"one is enough", {{WAIT, 300}, {HEAR, C}, {TICK, 0}, {HOLD, SUSPECT}}, 1},
    {"none is asked for", {{WAIT, 300}, {TICK, 0}, {HOLD, SUSPECT}}, 0},
    {"hearsay", {{WAIT, 300}, {HEAR, C}, {HOLD, SUSPECT}}, 2},
    {"who is gone need not be heard",
     {{WAIT, 300}, {HEAR, C}, {LOSE, D}, {TICK, 0}, {HOLD, SUSPECT}},
     2},
    {"nobody for long", {{WAIT, 600}, {TICK, 0}, {HOLD, SUSPECT}}, 2},
    {"and buried", {{WAIT, 600}, {TICK, 0}, {HOLD, SUSPECT}, {TICK, 0}, {HOLD, BURIED}}, 2},
    {"asked in vain, and accused",
     {{WAIT, 600}, {PROBE, 0}, {WAIT, 200}, {TICK, 0}, {HOLD, SUSPECT}, {TICK, 0}},
     2},
    {"asked, and there is time", {{WAIT, 600}, {PROBE, 0}, {WAIT, 90}, {TICK, 0}}, 2},
    {"asked too early", {{WAIT, 300}, {PROBE, 0}, {WAIT, 400}, {TICK, 0}}, 2},
    {"asked, and heard since",
     {{WAIT, 600}, {PROBE, 0}, {WAIT, 100}, {HEAR, D}, {WAIT, 200}, {TICK, 0}},
     2},
    {"a last chance, and two were heard since",
     {{WAIT, 300},
      {TICK, 0},
      {PING, 7},
      {STREAM, 7},
      {WAIT, 100},
      {HEAR, C},
      {HEAR, D},
      {TICK, 0},
      {HOLD, BURIED}},
     2},
    {"nobody for long, either",
     {{PING, 7}, {STREAM, 7}, {WAIT, 600}, {TICK, 0}, {HOLD, BURIED}},
     2},
    {"nobody saw the stream", {{HEAR, C}, {PING, 7}, {WAIT, 100}, {TICK, 0}, {HOLD, BURIED}}, 1},
    {"no last chance, but the stream of a probe",
     {{HEAR, C}, {PING, 7}, {TICK, 0}, {STREAM, 7}, {WAIT, 100}, {TICK, 0}, {HOLD, BURIED}},
     1},
    {"a probe that begins again while its stream is written",
     {{PING, 7},
      {HEAR, C},
      {TICK, 0},
      {PING, 7},
      {STREAM, 7},
      {WAIT, 100},
      {TICK, 0},
      {HOLD, BURIED}},
     1},
    {"asked before it was suspect",
     {{HEAR, C}, {PING, 7}, {STREAM, 7}, {HOLD, SUSPECT}, {WAIT, 100}, {TICK, 0}, {HOLD, BURIED}},
     1},
    {"asked for the last time, and accused anew",
     {{HEAR, C}, {PING, 7}, {STREAM, 7}, {WAIT, 100}, {TICK, 0}, {HOLD, SUSPECT}},
     1},
    {"asked before it stood still", {{WAIT, 600}, {PROBE, 0}, {PAUSE, 500}, {TICK, 0}}, 2},
};

static const struct talk bad[] = {
    {"nobody was heard lately", {{WAIT, 300}, {TICK, 0}, {HOLD, SUSPECT}}, 2},
    {"one of two", {{WAIT, 300}, {HEAR, C}, {TICK, 0}, {HOLD, SUSPECT}}, 2},
    {"the suspect is no witness", {{WAIT, 300}, {HEAR, B}, {TICK, 0}, {HOLD, SUSPECT}}, 1},
    {"it is no second one", {{WAIT, 300}, {HEAR, B}, {HEAR, C}, {TICK, 0}, {HOLD, SUSPECT}}, 2},
    {"who is gone is none", {{WAIT, 300}, {HEAR, D}, {LOSE, D}, {TICK, 0}, {HOLD, SUSPECT}}, 1},
    {"buried unheard",
     {{WAIT, 100}, {TICK, 0}, {HOLD, SUSPECT}, {WAIT, 150}, {TICK, 0}, {HOLD, BURIED}},
     2},
    {"nobody was heard since it was asked",
     {{HEAR, C}, {PING, 7}, {STREAM, 7}, {WAIT, 100}, {TICK, 0}, {HOLD, BURIED}},
     1},
    {"one of two was",
     {{HEAR, C},
      {HEAR, D},
      {PING, 7},
      {STREAM, 7},
      {WAIT, 50},
      {HEAR, C},
      {TICK, 0},
      {HOLD, BURIED}},
     2},
    {"the suspect was",
     {{HEAR, C}, {PING, 7}, {STREAM, 7}, {WAIT, 50}, {HEAR, B}, {TICK, 0}, {HOLD, BURIED}},
     1},
    {"it was asked again",
     {{PING, 7},
      {STREAM, 7},
      {HEAR, C},
      {PING, 8},
      {STREAM, 8},
      {WAIT, 50},
      {TICK, 0},
      {HOLD, BURIED}},
     1},
    {"nor lately, and it was asked before",
     {{PING, 7}, {STREAM, 7}, {HEAR, C}, {WAIT, 250}, {TICK, 0}, {HOLD, BURIED}},
     1},
    {"just after its start", {{WAIT, 600}, {BOOT, 0}, {WAIT, 20}, {TICK, 0}, {HOLD, SUSPECT}}, 2},
    {"patient for ever", {{WAIT, 600}, {PROBE, 0}, {WAIT, 250}, {TICK, 0}}, 2},
    {"though it needs nobody", {{WAIT, 600}, {PROBE, 0}, {WAIT, 250}, {TICK, 0}}, 0},
};

static void hear(uint32_t from, uint64_t boot_id)
{
    /* Who speaks is the observation's argument, which told_deliver does not know. */
    const struct gkv_gist gist = {.from = from, .kind = GKV_MESSAGE_GOSSIP, .boot_id = boot_id};
    told_wait(&told, 1);
    gkv_check_witness.observe(&told.trial, &(struct gkv_observation){
                                               .kind = GKV_OBSERVE_DATAGRAM,
                                               .node = 0,
                                               .argument = from,
                                           });
    gkv_check_witness.hear(&told.trial, &(struct gkv_heard){
                                            .node = 0,
                                            .is_arrival = true,
                                            .is_datagram = true,
                                            .gist = &gist,
                                        });
}

static void ping(bool is_datagram, uint32_t sequence)
{
    struct gkv_message message = {.kind = GKV_MESSAGE_PING};
    message.as.gossip.sequence = sequence;
    message.as.gossip.about = (struct gkv_identity){told.trial.ids[B], 100};
    told_say(&told, 0, is_datagram ? 0 : 9, message);
}

static void meet_all(void)
{
    told_input(&told, 0, GKV_OBSERVE_BOOT);
    for (uint32_t i = B; i <= D; i++) {
        told_hold(&told, 0, i, GKV_MEMBER_ALIVE, 0);
    }
}

static void happen(struct word word)
{
    switch (word.deed) {
    case END:
        break;
    case WAIT:
        told_wait(&told, word.number);
        break;
    case HEAR:
        hear(word.number, 100);
        break;
    case FORMER:
        hear(word.number, 99);
        break;
    case TICK:
        told_input(&told, 0, GKV_OBSERVE_TIMER);
        break;
    case HOLD:
        told_hold(&told, 0, B, (enum gkv_member_state)word.number, 0);
        break;
    case LOSE:
        hear(0, 100); /* who says so does not matter */
        told_hold(&told, 0, word.number, BURIED, 0);
        break;
    case PAUSE:
        told_wait(&told, word.number);
        told_input(&told, 0, GKV_OBSERVE_RESUME);
        break;
    case PROBE:
        told.trial.probe_rows.rows[0][B] = (struct gkv_probe_row){
            .boot_id = 100, .begin_ns = told.trial.world.now_ns, .sequence = 7};
        break;
    case PING:
    case STREAM:
        ping(word.deed == PING, word.number);
        break;
    case BOOT:
        meet_all();
        break;
    }
}

static bool is_rejected(const void *row)
{
    const struct talk *talk = row;
    told_begin(&told, &gkv_check_witness);
    struct gkv_options *options = &told.trial.scenario.world.node;
    told.trial.scenario.node_count = 4;
    options->probe_interval_ms = INTERVAL_MS;
    options->probe_timeout_ms = TIMEOUT_MS;
    options->probe_indirect_timeout_ms = INTERVAL_MS;
    options->health_max = 2;
    options->witness_count = talk->witness_count;
    options->witness_patience_ms = PATIENCE_MS;
    options->startup_grace_ms = 60;
    gkv_check_name_nodes(&told.trial);
    meet_all();
    for (size_t i = 0; i < TALK_COUNT_MAX; i++) {
        happen(talk->words[i]);
    }
    return told_is_rejected(&told);
}

/* Goal: who has heard enough, or nobody for long, is accepted. Method: a table of them. */
static void test_accepts_who_has_heard(void **state)
{
    (void)state;
    talk_expect_accepted(good, sizeof(good), sizeof(good[0]), is_rejected);
}

/* Goal: who is deaf and accuses, or for ever does not, is rejected. Method: a table of them. */
static void test_rejects_who_is_deaf(void **state)
{
    (void)state;
    talk_expect_rejected(bad, sizeof(bad), sizeof(bad[0]), is_rejected);
}

/* Goal: a word from an earlier life may count as heard, and may not: neither way is it a failure.
 * Method: accuse with and without patience left after one. */
static void test_former_lives_prove_nothing(void **state)
{
    (void)state;
    const struct talk lately = {
        "lately", {{WAIT, 300}, {FORMER, C}, {FORMER, D}, {TICK, 0}, {HOLD, SUSPECT}}, 2};
    const struct talk before = {
        "before",
        {{WAIT, 400}, {FORMER, C}, {FORMER, D}, {WAIT, 300}, {TICK, 0}, {HOLD, SUSPECT}},
        2};
    assert_false(is_rejected(&lately));
    assert_false(is_rejected(&before));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts_who_has_heard),
        cmocka_unit_test(test_rejects_who_is_deaf),
        cmocka_unit_test(test_former_lives_prove_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
