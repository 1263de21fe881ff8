#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/talk.h"
#include "tests/told.h"

static struct told told;

/* Streams, by whom they were dialled and to whom they lead. */
static struct gkv_connection connections[] = {
    {.ends = {{.node = 0}, {.node = 1}}, .to = 1},
    {.ends = {{.node = 1}, {.node = 0}}, .to = 0},
    {.ends = {{.node = 1}, {.node = 2}}, .to = 2},
    {.ends = {{.node = 2}, {.node = 1}}, .to = 1},
};
#define A_TO_B 0
#define B_TO_A 1
#define B_TO_C 2
#define C_TO_B 3

#define LINE_COUNT_MAX 4
#define LATER (UINT64_C(1) << 32) /* a generation later: core/pending.h */

/* A node says something about a question, in a stream. */
struct line {
    uint32_t node;
    uint64_t connection;
    enum gkv_message_kind kind; /* NONE: nothing more is said */
    uint64_t handle;
};

struct talk {
    const char *name;
    struct line lines[LINE_COUNT_MAX];
};

static const struct talk good[] = {
    {"nobody asks", {{1, B_TO_A, GKV_MESSAGE_GOSSIP, 0}}},
    {"a get", {{0, A_TO_B, GKV_MESSAGE_READ, 5}, {1, B_TO_A, GKV_MESSAGE_READ_REPLY, 5}}},
    {"a set", {{0, A_TO_B, GKV_MESSAGE_WRITE, 5}, {1, B_TO_A, GKV_MESSAGE_WRITE_REPLY, 5}}},
    {"in the stream of who asked",
     {{0, A_TO_B, GKV_MESSAGE_READ, 5}, {1, A_TO_B, GKV_MESSAGE_READ_REPLY, 5}}},
    {"both ask the same",
     {{0, A_TO_B, GKV_MESSAGE_READ, 5},
      {2, C_TO_B, GKV_MESSAGE_READ, 5},
      {1, B_TO_C, GKV_MESSAGE_READ_REPLY, 5},
      {1, B_TO_A, GKV_MESSAGE_READ_REPLY, 5}}},
    {"one of two that need the same place",
     {{0, A_TO_B, GKV_MESSAGE_READ, 5},
      {2, C_TO_B, GKV_MESSAGE_READ, 6},
      {1, B_TO_C, GKV_MESSAGE_READ_REPLY, 6},
      {1, B_TO_A, GKV_MESSAGE_READ_REPLY, 6}}},
    {"a question that is not known", {{1, B_TO_A, GKV_MESSAGE_READ_REPLY, 5}}},
    {"no reply is wanted",
     {{0, A_TO_B, GKV_MESSAGE_WRITE, 0}, {1, B_TO_C, GKV_MESSAGE_WRITE_REPLY, 0}}},
};

static const struct talk bad[] = {
    {"a get, to another",
     {{0, A_TO_B, GKV_MESSAGE_READ, 5}, {1, B_TO_C, GKV_MESSAGE_READ_REPLY, 5}}},
    {"a set, to another",
     {{0, A_TO_B, GKV_MESSAGE_WRITE, 5}, {1, B_TO_C, GKV_MESSAGE_WRITE_REPLY, 5}}},
    {"in the stream of another",
     {{0, A_TO_B, GKV_MESSAGE_READ, 5}, {1, C_TO_B, GKV_MESSAGE_READ_REPLY, 5}}},
    {"to who asks, but something else",
     {{0, A_TO_B, GKV_MESSAGE_READ, 5},
      {2, C_TO_B, GKV_MESSAGE_READ, LATER | 5},
      {1, B_TO_A, GKV_MESSAGE_READ_REPLY, LATER | 5}}},
    {"first to one, then to another",
     {{0, A_TO_B, GKV_MESSAGE_WRITE, 5},
      {1, B_TO_A, GKV_MESSAGE_WRITE_REPLY, 5},
      {1, B_TO_C, GKV_MESSAGE_WRITE_REPLY, 5}}},
};

static void say(const struct line *line)
{
    struct gkv_message message = {.kind = line->kind};
    const struct gkv_bytes key = {.data = (const uint8_t *)"k0", .count = 2};
    if (line->kind == GKV_MESSAGE_READ) {
        message.as.read.operation = line->handle;
        message.as.read.key = key;
    } else if (line->kind == GKV_MESSAGE_WRITE) {
        message.as.write.operation = line->handle;
        message.as.write.key = key;
    } else if (line->kind == GKV_MESSAGE_READ_REPLY) {
        message.as.read_reply.operation = line->handle;
    } else if (line->kind == GKV_MESSAGE_WRITE_REPLY) {
        message.as.write_reply.operation = line->handle;
    }
    /* Connections of a world have numbers above their places. */
    const uint64_t connection = UINT64_C(1) << 32 | line->connection;
    told_say(&told, line->node, connection, message);
}

static bool is_rejected(const void *row)
{
    const struct talk *talk = row;
    told_begin(&told, &gkv_check_reply);
    told.trial.world.net.connections = connections;
    for (uint32_t i = 0; i < LINE_COUNT_MAX && talk->lines[i].kind != GKV_MESSAGE_NONE; i++) {
        say(&talk->lines[i]);
    }
    return told_is_rejected(&told);
}

/* Goal: replies to who asked are accepted, and what nobody is known to have asked. Method: a list
 * of talks. */
static void test_accepts_answers(void **state)
{
    (void)state;
    talk_expect_accepted(good, sizeof(good), sizeof(good[0]), is_rejected);
}

/* Goal: replies that go to another are rejected. Method: a list of talks. */
static void test_rejects_answers_to_others(void **state)
{
    (void)state;
    talk_expect_rejected(bad, sizeof(bad), sizeof(bad[0]), is_rejected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts_answers),
        cmocka_unit_test(test_rejects_answers_to_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
