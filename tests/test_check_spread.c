#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/talk.h"
#include "tests/told.h"

static struct told told;

/* What a says next, with or without a word of itself. */
struct word {
    enum gkv_message_kind kind; /* NONE: the talk is over */
    uint64_t boot_id;           /* 0: nothing of itself, */
    uint32_t incarnation;       /* but 4 words of others for 4001, new ones for 4002 */
};

static void say(struct word word)
{
    struct gkv_update updates[5];
    memset(updates, 0, sizeof(updates));
    const uint32_t other_count = word.boot_id == 0 ? word.incarnation / 1000 : 0;
    for (uint32_t i = 0; i < other_count; i++) {
        updates[i].who = (struct gkv_identity){told.trial.ids[1 + i % 2], 100};
        updates[i].incarnation = word.incarnation;
        updates[i].state = GKV_MEMBER_ALIVE;
    }
    updates[other_count].incarnation = word.incarnation;
    updates[other_count].state = GKV_MEMBER_ALIVE;
    updates[other_count].who = (struct gkv_identity){told.trial.ids[0], word.boot_id};
    struct gkv_message message = {.kind = word.kind};
    message.as.gossip.sequence = 1;
    message.as.gossip.about.id = told.trial.ids[1];
    message.as.gossip.updates = updates;
    message.as.gossip.update_count = other_count + (word.boot_id != 0);
    told_say(&told, 0, 0, message);
}

#define TALK_COUNT_MAX 16
#define PING GKV_MESSAGE_PING
#define ACK GKV_MESSAGE_ACK
#define GOSSIP GKV_MESSAGE_GOSSIP

struct talk {
    const char *name;
    struct word words[TALK_COUNT_MAX];
};

static const struct talk good[] = {
    {"nothing to refute", {{PING, 0, 0}, {PING, 0, 0}, {PING, 0, 0}, {PING, 0, 0}, {PING, 0, 0}}},
    {"a first life is no refutation",
     {{ACK, 9, 0}, {PING, 0, 0}, {PING, 0, 0}, {PING, 0, 0}, {PING, 0, 0}}},
    {"at once",
     {{ACK, 9, 1}, {GOSSIP, 9, 1}, {GOSSIP, 9, 1}, {PING, 0, 0}, {PING, 0, 0}, {PING, 0, 0}}},
    {"as a rumour in pings",
     {{ACK, 9, 1}, {PING, 0, 0}, {PING, 9, 1}, {PING, 0, 0}, {PING, 9, 1}, {PING, 0, 0}}},
    {"unasked from the beginning",
     {{GOSSIP, 9, 1}, {GOSSIP, 9, 1}, {PING, 0, 0}, {PING, 0, 0}, {PING, 0, 0}}},
    {"answers need not", {{ACK, 9, 1}, {ACK, 0, 0}, {ACK, 0, 0}, {ACK, 0, 0}, {ACK, 0, 0}}},
    {"eight answers are as many tellings",
     {{ACK, 9, 1},
      {ACK, 9, 1},
      {ACK, 9, 1},
      {ACK, 9, 1},
      {ACK, 9, 1},
      {ACK, 9, 1},
      {ACK, 9, 1},
      {ACK, 9, 1},
      {PING, 0, 0},
      {PING, 0, 0},
      {PING, 0, 0}}},
    {"messages full of news",
     {{GOSSIP, 9, 1},
      {PING, 0, 4001},
      {PING, 0, 4002},
      {PING, 0, 4003},
      {PING, 0, 4004},
      {PING, 0, 4005},
      {PING, 9, 1}}},
    {"a newer one in its place", {{ACK, 9, 1}, {PING, 0, 0}, {ACK, 9, 2}, {PING, 9, 2}}},
};

static const struct talk bad[] = {
    {"pings that say nothing", {{ACK, 9, 1}, {PING, 0, 0}, {PING, 0, 0}, {PING, 0, 0}}},
    {"gossip that says nothing", {{ACK, 9, 1}, {GOSSIP, 0, 0}, {GOSSIP, 0, 0}, {GOSSIP, 0, 0}}},
    {"answers alone",
     {{ACK, 9, 1}, {PING, 0, 0}, {ACK, 9, 1}, {PING, 0, 0}, {PING, 0, 0}, {PING, 0, 0}}},
    {"told to one, who may be the accuser",
     {{ACK, 9, 1}, {GOSSIP, 9, 1}, {PING, 0, 0}, {PING, 0, 0}, {PING, 0, 0}, {PING, 0, 0}}},
    {"the first was told, the second not",
     {{ACK, 9, 1}, {GOSSIP, 9, 1}, {ACK, 9, 2}, {PING, 0, 0}, {PING, 0, 0}, {PING, 0, 0}}},
    {"seven answers are not enough",
     {{ACK, 9, 1},
      {ACK, 9, 1},
      {ACK, 9, 1},
      {ACK, 9, 1},
      {ACK, 9, 1},
      {ACK, 9, 1},
      {ACK, 9, 1},
      {PING, 0, 0},
      {PING, 0, 0},
      {PING, 0, 0},
      {PING, 0, 0},
      {PING, 0, 0},
      {PING, 0, 0},
      {PING, 0, 0},
      {PING, 0, 0},
      {PING, 0, 0}}},
    {"messages with room beside the news",
     {{GOSSIP, 9, 1}, {PING, 0, 3001}, {PING, 0, 3002}, {PING, 0, 3003}, {PING, 0, 3004}}},
    {"messages full of old news",
     {{GOSSIP, 9, 1},
      {PING, 0, 4001},
      {PING, 0, 4001},
      {PING, 0, 4001},
      {PING, 0, 4001},
      {PING, 0, 4001}}},
    {"in a later life",
     {{ACK, 9, 4}, {PING, 9, 4}, {ACK, 10, 1}, {PING, 0, 0}, {PING, 0, 0}, {GOSSIP, 0, 0}}},
};

static bool is_rejected(const void *row)
{
    const struct talk *talk = row;
    told_begin(&told, &gkv_check_spread);
    for (size_t i = 0; i < TALK_COUNT_MAX && talk->words[i].kind != GKV_MESSAGE_NONE; i++) {
        say(talk->words[i]);
    }
    return told_is_rejected(&told);
}

/* Goal: refutations that are told unasked, soon enough, are accepted. Method: a table of them. */
static void test_accepts_rumours(void **state)
{
    (void)state;
    talk_expect_accepted(good, sizeof(good), sizeof(good[0]), is_rejected);
}

/* Goal: refutations that only answers tell are rejected. Method: a table of them. */
static void test_rejects_silence(void **state)
{
    (void)state;
    talk_expect_rejected(bad, sizeof(bad), sizeof(bad[0]), is_rejected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts_rumours),
        cmocka_unit_test(test_rejects_silence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
