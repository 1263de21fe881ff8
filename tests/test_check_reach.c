#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/talk.h"
#include "tests/told.h"

static struct told told;
static struct gkv_connection connection; /* from a to b */

#define TALK_COUNT_MAX 10
#define TIMEOUT_MS 100 /* of a last chance; between two it is over after 111 ms */

enum word {
    END = 0,
    REQUEST,       /* a asks c to ping b, in a probe of sequence 7 */
    PING,          /* a pings b, in the same one */
    STREAM,        /* and over the stream */
    ANOTHER,       /* and there in another probe */
    TICK,          /* a's timer comes */
    ARRIVAL,       /* a datagram arrives at a */
    WAIT,          /* as long as a last chance lasts */
    WAIT_LONG,     /* for 600 ms */
    RESUME,        /* a goes on after a pause */
    SUSPECTS,      /* a holds b to be suspect */
    SUSPECTS_ANEW, /* in the next incarnation */
    BURIES,
    OPENS,  /* the stream is open, which it is not before */
    BREAKS, /* and no more */
    THIRD,  /* a third node is in the cluster, which may have to bear witness */
    LEAVES, /* a is asked to leave */
};

struct talk {
    const char *name;
    enum word words[TALK_COUNT_MAX];
    bool is_closed; /* at the beginning */
};

static const struct talk good[] = {
    {"both ways", {REQUEST, STREAM, TICK}, false},
    {"no stream is open", {REQUEST, TICK}, true},
    {"the stream broke", {REQUEST, BREAKS, TICK}, false},
    {"a last chance", {SUSPECTS, TICK, PING, STREAM, WAIT, TICK, BURIES}, false},
    {"one by datagram alone", {SUSPECTS, TICK, PING, WAIT, TICK, BURIES}, true},
    {"others buried it", {SUSPECTS, ARRIVAL, BURIES}, false},
    {"it waits in the stream, which broke then",
     {SUSPECTS, TICK, PING, BREAKS, TICK, WAIT, TICK, BURIES},
     false},
    {"a last chance that comes again",
     {SUSPECTS, PING, STREAM, WAIT_LONG, PING, STREAM, WAIT, TICK, BURIES},
     false},
    {"perhaps, where the stream cannot take it",
     {SUSPECTS, PING, STREAM, BREAKS, WAIT_LONG, PING, WAIT, TICK, BURIES},
     false},
    {"witnesses were waited for", {THIRD, SUSPECTS, PING, STREAM, WAIT_LONG, TICK, BURIES}, false},
    {"it stood still meanwhile", {SUSPECTS, PING, STREAM, WAIT_LONG, RESUME, TICK, BURIES}, false},
    {"it was not suspect here", {TICK, BURIES}, false},
};

static const struct talk bad[] = {
    {"helpers alone", {REQUEST, TICK}, false},
    {"too late", {REQUEST, TICK, STREAM}, false},
    {"for another probe", {REQUEST, ANOTHER, TICK}, false},
    {"as another datagram", {REQUEST, PING, TICK}, false},
    {"the stream is open now", {TICK, OPENS, REQUEST, ARRIVAL}, true},
    {"no last chance", {SUSPECTS, TICK, BURIES}, false},
    {"one by datagram, past the stream", {SUSPECTS, TICK, PING, WAIT, TICK, BURIES}, false},
    {"one too late", {SUSPECTS, TICK, PING, STREAM, TICK, BURIES}, false},
    {"one before the suspicion", {TICK, PING, STREAM, SUSPECTS, WAIT, TICK, BURIES}, false},
    {"one before this suspicion",
     {SUSPECTS, PING, STREAM, SUSPECTS_ANEW, WAIT, TICK, BURIES},
     false},
    {"one long ago, of one who is about to leave",
     {SUSPECTS, PING, STREAM, LEAVES, WAIT_LONG, TICK, BURIES},
     false},
    {"a last chance long ago", {SUSPECTS, PING, STREAM, WAIT_LONG, TICK, BURIES}, false},
    {"over the stream, but later", {SUSPECTS, PING, TICK, STREAM, WAIT, TICK, BURIES}, false},
};

static void say(enum gkv_message_kind kind, uint32_t to)
{
    struct gkv_message message = {.kind = kind};
    message.as.gossip.sequence = 7;
    message.as.gossip.about = (struct gkv_identity){told.trial.ids[1], 100};
    told_say_to(&told, 0, to, message);
}

static void say_in_stream(uint32_t sequence)
{
    struct gkv_message message = {.kind = GKV_MESSAGE_PING};
    message.as.gossip.sequence = sequence;
    message.as.gossip.about = (struct gkv_identity){told.trial.ids[1], 100};
    told_say(&told, 0, 9, message);
}

static void happen(enum word word)
{
    switch (word) {
    case END:
        break;
    case REQUEST:
        say(GKV_MESSAGE_PING_REQ, 2);
        break;
    case PING:
        say(GKV_MESSAGE_PING, 1);
        break;
    case STREAM:
        say_in_stream(7);
        break;
    case ANOTHER:
        say_in_stream(6);
        break;
    case TICK:
        told_input(&told, 0, GKV_OBSERVE_TIMER);
        break;
    case ARRIVAL:
        told_input(&told, 0, GKV_OBSERVE_DATAGRAM);
        break;
    case WAIT:
        told_wait(&told, TIMEOUT_MS);
        break;
    case WAIT_LONG:
        told_wait(&told, 600);
        break;
    case RESUME:
        told_input(&told, 0, GKV_OBSERVE_RESUME);
        break;
    case SUSPECTS:
        told_hold(&told, 0, 1, GKV_MEMBER_SUSPECT, 3);
        break;
    case SUSPECTS_ANEW:
        told_hold(&told, 0, 1, GKV_MEMBER_SUSPECT, 4);
        break;
    case BURIES:
        told_hold(&told, 0, 1, GKV_MEMBER_UNREACHABLE, 3);
        break;
    case OPENS:
        connection.ends[0].state = GKV_END_OPEN;
        break;
    case BREAKS:
        connection.ends[0].state = GKV_END_NONE;
        break;
    case LEAVES:
        gkv_nodes_add(&told.trial.left, 0);
        break;
    case THIRD:
        told.trial.scenario.node_count = 3;
        break;
    }
}

static bool is_rejected(const void *row)
{
    const struct talk *talk = row;
    told_begin(&told, &gkv_check_reach);
    told.trial.scenario.world.node.probe_by_stream = 1;
    told.trial.scenario.world.node.last_chance = 1;
    told.trial.scenario.world.node.probe_timeout_ms = TIMEOUT_MS;
    told.trial.scenario.world.node.gossip_interval_ms = 10;
    told.trial.scenario.node_count = 2;
    told.trial.world.net.connections = &connection;
    told.trial.world.net.connection_count = 1;
    connection = (struct gkv_connection){.to = 1};
    connection.ends[0].state = talk->is_closed ? GKV_END_DIALLING : GKV_END_OPEN;
    for (size_t i = 0; i < TALK_COUNT_MAX; i++) {
        happen(talk->words[i]);
    }
    return told_is_rejected(&told);
}

/* Goal: whoever tries both ways, as far as there are two, is accepted. Method: a table. */
static void test_accepts_both_ways(void **state)
{
    (void)state;
    talk_expect_accepted(good, sizeof(good), sizeof(good[0]), is_rejected);
}

/* Goal: whoever tries one of two is rejected. Method: a table of them. */
static void test_rejects_one_way(void **state)
{
    (void)state;
    talk_expect_rejected(bad, sizeof(bad), sizeof(bad[0]), is_rejected);
}

/* Goal: what the options switch off is not asked for. Method: the same silence without them. */
static void test_asks_what_is_on(void **state)
{
    (void)state;
    (void)is_rejected(&(struct talk){"nothing", {END}, false});
    told.trial.scenario.world.node.probe_by_stream = 0;
    told.trial.scenario.world.node.last_chance = 0;
    happen(REQUEST);
    happen(SUSPECTS);
    happen(TICK);
    happen(BURIES);
    assert_false(told_is_rejected(&told));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts_both_ways),
        cmocka_unit_test(test_rejects_one_way),
        cmocka_unit_test(test_asks_what_is_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
