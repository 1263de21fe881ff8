#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "io_sim/clock.h"
#include "proto/codec.h"
#include "proto/frame.h"
#include "sim/history.h"
#include "sim/journal.h"
#include "sim/json.h"
#include "sim/page.h"
#include "sim/trace_chrome.h"
#include "sim/trace_history.h"
#include "sim/trace_shiviz.h"

#define US UINT64_C(1000)
#define VALUE_BYTES_MAX 4096
#define CONNECTION 5
#define BYTES_MAX 4096

/* ---- A run by hand --------------------------------------------------------------------------- */

static uint8_t codec_memory[2 * 1024 * 1024] __attribute__((aligned(GKV_ARENA_ALIGN)));

static struct gkv_codec *codec_start(void)
{
    struct gkv_arena arena = gkv_arena_over(codec_memory, sizeof(codec_memory));
    struct gkv_codec *codec = gkv_arena_carve(&arena, 1, sizeof(*codec));
    gkv_codec_init(codec, &arena, VALUE_BYTES_MAX);
    return codec;
}

static struct gkv_journal *journal_start(uint32_t message_count_max)
{
    struct gkv_journal *journal = NULL;
    const struct gkv_journal_options options = {.node_count = 2,
                                                .client_count = 1,
                                                .message_count_max = message_count_max,
                                                .operation_count_max = 4,
                                                .mark_count_max = 32,
                                                .value_bytes_max = VALUE_BYTES_MAX};
    assert_int_equal(gkv_journal_create(&journal, &options), GKV_OK);
    return journal;
}

static void see(struct gkv_journal *journal, const struct gkv_observation *observation)
{
    gkv_journal_observe(journal, observation, NULL);
}

static struct gkv_version version_of(uint64_t ms)
{
    return (struct gkv_version){.hlc = {(GKV_SIM_EPOCH_MS + ms) << 16 | 1}, .writer = 0xABCDEF12};
}

/* Append a WRITE of k3 as a frame. Returns the frame's size. */
static size_t write_frame(uint8_t *out, struct gkv_bytes value)
{
    const struct gkv_message message = {
        .kind = GKV_MESSAGE_WRITE,
        .hlc = version_of(5).hlc,
        .as.write = {.operation = 7,
                     .key = {.data = (const uint8_t *)"k3", .count = 2},
                     .record = {.version = version_of(5), .value = value}},
    };
    const size_t count = gkv_codec_encode(codec_start(), &message, 0, out + GKV_FRAME_HEADER_BYTES,
                                          BYTES_MAX - GKV_FRAME_HEADER_BYTES);
    assert_true(count > 0);
    gkv_frame_seal(out, count);
    return GKV_FRAME_HEADER_BYTES + count;
}

/* The HELLO that a's stream begins with, as a frame. Returns the frame's size. */
static size_t hello_frame(uint8_t *out)
{
    const struct gkv_name name = gkv_host_name(0);
    const struct gkv_hello hello = {
        .wire_version = GKV_WIRE_VERSION,
        .cluster_hash = 1,
        .from = {.id = gkv_node_id_of_name(&name), .boot_id = 1},
        .address = gkv_host_address(0),
    };
    const size_t count = gkv_codec_encode_hello(codec_start(), &hello, out + GKV_FRAME_HEADER_BYTES,
                                                BYTES_MAX - GKV_FRAME_HEADER_BYTES);
    assert_true(count > 0);
    gkv_frame_seal(out, count);
    return GKV_FRAME_HEADER_BYTES + count;
}

static size_t gossip_datagram(uint8_t *out, enum gkv_message_kind kind, uint32_t sequence)
{
    const struct gkv_name name = gkv_host_name(0);
    const struct gkv_name target = gkv_host_name(1);
    const struct gkv_message message = {
        .kind = kind,
        .from = {.id = gkv_node_id_of_name(&name), .boot_id = 1},
        .hlc = version_of(5).hlc,
        .as.gossip = {.sequence = sequence,
                      .about = {.id = gkv_node_id_of_name(&target), .boot_id = 1}},
    };
    const size_t count = gkv_codec_encode(codec_start(), &message, 1, out + GKV_FRAME_HEADER_BYTES,
                                          BYTES_MAX - GKV_FRAME_HEADER_BYTES);
    assert_true(count > 0);
    gkv_datagram_seal(out, count);
    return GKV_FRAME_HEADER_BYTES + count;
}

static size_t ping_datagram(uint8_t *out, uint32_t sequence)
{
    return gossip_datagram(out, GKV_MESSAGE_PING, sequence);
}

static void send_datagram(struct gkv_journal *journal, uint64_t time_ns, struct gkv_bytes bytes)
{
    const struct gkv_output output = {
        .kind = GKV_OUTPUT_DATAGRAM,
        .as.datagram = {.address = gkv_host_address(1), .bytes = bytes},
    };
    see(journal, &(struct gkv_observation){
                     .kind = GKV_OBSERVE_OUTPUT, .time_ns = time_ns, .output = &output});
}

static void get_datagram(struct gkv_journal *journal, uint64_t time_ns, struct gkv_bytes bytes)
{
    see(journal, &(struct gkv_observation){.kind = GKV_OBSERVE_DATAGRAM,
                                           .node = 1,
                                           .time_ns = time_ns,
                                           .bytes = bytes,
                                           .argument = 0});
}

/* a sends bytes on its stream, or b receives so many. */
static void stream(struct gkv_journal *journal, uint64_t time_ns, enum gkv_observation_kind kind,
                   const uint8_t *bytes, size_t count)
{
    see(journal, &(struct gkv_observation){.kind = kind,
                                           .node = kind == GKV_OBSERVE_SENT ? 0 : 1,
                                           .time_ns = time_ns,
                                           .bytes = {.data = bytes, .count = count},
                                           .argument = 3,
                                           .connection = CONNECTION});
}

/* A client sets k3 at a, which writes to b over a stream, in two pieces. */
static void play_write(struct gkv_journal *journal)
{
    uint8_t value[GKV_HISTORY_VALUE_BYTES_MIN];
    uint8_t bytes[2 * BYTES_MAX];
    gkv_history_value(0, value, sizeof(value));
    const struct gkv_bytes written = {.data = value, .count = sizeof(value)};
    const struct gkv_operation operation = {.cookie = 1,
                                            .kind = GKV_OPERATION_SET,
                                            .key = {.data = (const uint8_t *)"k3", .count = 2},
                                            .value = written};
    see(journal, &(struct gkv_observation){
                     .kind = GKV_OBSERVE_SUBMIT, .time_ns = 3 * US, .operation = &operation});
    const struct gkv_output connect = {
        .kind = GKV_OUTPUT_CONNECT,
        .as.connect = {.stream = {.index = 3}, .address = gkv_host_address(1)}};
    see(journal, &(struct gkv_observation){
                     .kind = GKV_OBSERVE_OUTPUT, .time_ns = 3 * US, .output = &connect});
    const size_t hello_bytes = hello_frame(bytes);
    const size_t count = hello_bytes + write_frame(bytes + hello_bytes, written);
    stream(journal, 4 * US, GKV_OBSERVE_SENT, bytes, count - 9);
    stream(journal, 5 * US, GKV_OBSERVE_RECEIVED, bytes, hello_bytes + 1);
    stream(journal, 6 * US, GKV_OBSERVE_SENT, bytes + count - 9, 9);
    stream(journal, 6 * US + 1, GKV_OBSERVE_RECEIVED, bytes, count - hello_bytes - 2);
    stream(journal, 7 * US, GKV_OBSERVE_RECEIVED, bytes, 1);
    const struct gkv_output complete = {.kind = GKV_OUTPUT_COMPLETE,
                                        .as.result = {.cookie = 1, .version = version_of(5)}};
    see(journal, &(struct gkv_observation){
                     .kind = GKV_OBSERVE_OUTPUT, .time_ns = 8 * US, .output = &complete});
}

/* One ping that arrives twice, one that does not; a cut, a clock, a crash with a get under way. */
static void play_faults(struct gkv_journal *journal)
{
    uint8_t first[BYTES_MAX];
    uint8_t second[BYTES_MAX];
    const struct gkv_bytes ping = {.data = first, .count = ping_datagram(first, 1)};
    const struct gkv_bytes lost = {.data = second, .count = ping_datagram(second, 2)};
    const struct gkv_operation get = {
        .cookie = 2, .kind = GKV_OPERATION_GET, .key = {.data = (const uint8_t *)"k3", .count = 2}};
    send_datagram(journal, 9 * US + 1, ping);
    get_datagram(journal, 10 * US, ping);
    get_datagram(journal, 11 * US, ping);
    gkv_journal_link(journal, 12 * US, 0, 1, true);
    gkv_journal_link(journal, 12 * US, 0, 1, true);
    send_datagram(journal, 13 * US, lost);
    gkv_journal_clock(journal, 14 * US, 1, -120);
    gkv_journal_fault(journal, 15 * US, "loss of 5 % <everywhere>");
    see(journal, &(struct gkv_observation){.kind = GKV_OBSERVE_PAUSE,
                                           .node = 1,
                                           .time_ns = 15 * US,
                                           .argument = 15 * US + 3 * GKV_NS_PER_MS});
    see(journal, &(struct gkv_observation){
                     .kind = GKV_OBSERVE_SUBMIT, .node = 1, .time_ns = 16 * US, .operation = &get});
    see(journal,
        &(struct gkv_observation){.kind = GKV_OBSERVE_CRASH, .node = 1, .time_ns = 17 * US});
    gkv_journal_link(journal, 18 * US, 0, 1, false);
}

static struct gkv_journal *play_without_end(void)
{
    struct gkv_journal *journal = journal_start(16);
    see(journal, &(struct gkv_observation){.kind = GKV_OBSERVE_BOOT, .time_ns = 1 * US});
    see(journal, &(struct gkv_observation){.kind = GKV_OBSERVE_BOOT, .node = 1, .time_ns = 2 * US});
    play_write(journal);
    play_faults(journal);
    return journal;
}

static void end_play(struct gkv_journal *journal)
{
    const struct gkv_verdict verdict = {.status = GKV_TRIAL_SAFETY,
                                        .check = "quorum",
                                        .time_ns = 17 * US,
                                        .node = 1,
                                        .key = 3,
                                        .text = "a \"value\" </script> is hidden"};
    gkv_journal_finish(journal, &verdict, 42, "gridkv-sim run --seed 42");
}

static struct gkv_journal *play(void)
{
    struct gkv_journal *journal = play_without_end();
    end_play(journal);
    return journal;
}

/* ---- What exporters write -------------------------------------------------------------------- */

typedef void writer(const struct gkv_journal *journal, FILE *file);

static void write_shiviz(const struct gkv_journal *journal, FILE *file)
{
    assert_int_equal(gkv_trace_shiviz_write(journal, file), GKV_OK);
}

/* The text that an exporter writes; the caller frees it. */
static char *written_by(writer *write)
{
    struct gkv_journal *journal = play();
    FILE *file = tmpfile();
    assert_non_null(file);
    write(journal, file);
    const long count = ftell(file);
    assert_true(count > 0);
    rewind(file);
    char *text = calloc(1, (size_t)count + 1);
    assert_non_null(text);
    assert_int_equal(fread(text, 1, (size_t)count, file), (size_t)count);
    assert_int_equal(fclose(file), 0);
    gkv_journal_destroy(journal);
    return text;
}

/* ---- Is it JSON? ----------------------------------------------------------------------------- */

static const char *skip_space(const char *at)
{
    return at + strspn(at, " \n");
}

static const char *skip_text(const char *at)
{
    if (*at++ != '"') {
        return NULL;
    }
    for (; *at != '"'; at++) {
        if ((unsigned char)*at < 0x20 || (*at == '\\' && strchr("\"\\nu", *++at) == NULL)) {
            return NULL;
        }
    }
    return at + 1;
}

/* Skip the name of an object's next value; in an array, nothing. */
static const char *skip_name(const char *at, char closing)
{
    at = skip_space(at);
    if (closing == ']') {
        return at;
    }
    at = skip_text(at);
    return at != NULL && *at == ':' ? at + 1 : NULL;
}

/* Skip a text, a number, or one of the three words. */
static const char *skip_leaf(const char *at)
{
    if (*at == '"') {
        return skip_text(at);
    }
    const size_t count = strspn(at, "-.0123456789aeflnrstu");
    return count > 0 ? at + count : NULL;
}

/* Skip what follows a value: closing brackets, and a comma if anything is open still. */
static const char *skip_end(const char *at, const char *closing, uint32_t *depth)
{
    for (; *depth > 0 && *skip_space(at) == closing[*depth - 1]; (*depth)--) {
        at = skip_space(at) + 1;
    }
    if (*depth == 0) {
        return at;
    }
    at = skip_space(at);
    return *at == ',' ? at + 1 : NULL;
}

/* Skip one value, with a stack of its open brackets; NULL when it is not JSON. */
static const char *skip_json(const char *at)
{
    char closing[16];
    uint32_t depth = 0;
    do {
        at = skip_space(at);
        if (*at == '{' || *at == '[') {
            assert_true(depth < sizeof(closing));
            closing[depth++] = *at == '{' ? '}' : ']';
            at = skip_space(at + 1);
            at = *at == closing[depth - 1] ? skip_end(at, closing, &depth) : at;
        } else {
            at = skip_leaf(at);
            at = at != NULL ? skip_end(at, closing, &depth) : NULL;
        }
        if (at != NULL && depth > 0) {
            at = skip_name(at, closing[depth - 1]);
        }
    } while (at != NULL && depth > 0);
    return at;
}

/* ---- Tests ----------------------------------------------------------------------------------- */

/* Goal: the parser above can say no.
 * Method: good and bad texts. */
static void test_parser_finds_what_is_not_json(void **state)
{
    static const char *const bad[] = {"{\"a\":1,}", "[1 2]", "{\"a\"}", "{1:2}", "\"\\x\"", "[,1]"};
    (void)state;
    assert_non_null(skip_json("{\"a\":[1,-2,{}],\"b\":[[],null],\"c\":\"\\u003c\\\"\"}"));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_null(skip_json(bad[i]));
    }
}

/* Goal: each message is matched to its arrival: frames over pieces of a stream, datagrams that are
 * lost and doubled.
 * Method: the run by hand; look at every message. */
static void test_messages_are_matched(void **state)
{
    (void)state;
    struct gkv_journal *journal = play();
    assert_int_equal(gkv_journal_message_count(journal), 5);
    const struct gkv_journal_message *hello = gkv_journal_message(journal, 0);
    assert_int_equal(hello->kind, GKV_MESSAGE_NONE);
    assert_int_equal(hello->arrival_ns, 5 * US);
    const struct gkv_journal_message *write = gkv_journal_message(journal, 1);
    assert_int_equal(write->kind, GKV_MESSAGE_WRITE);
    assert_int_equal(write->key, 3);
    assert_int_equal(write->to, 1);
    assert_int_equal(write->send_ns, 4 * US);
    assert_int_equal(write->arrival_ns, 7 * US);
    assert_string_equal(write->text, "v0, 5.1/ef12");
    assert_int_equal(gkv_journal_message(journal, 2)->arrival_ns, 10 * US);
    assert_true(gkv_journal_message(journal, 3)->is_copy);
    assert_int_equal(gkv_journal_message(journal, 3)->arrival_ns, 11 * US);
    assert_true(gkv_journal_message(journal, 4)->arrival_ns == GKV_NEVER);
    assert_true(gkv_journal_is_lost(journal, gkv_journal_message(journal, 4)));
    assert_int_equal(gkv_journal_left_out_count(journal), 0);
    gkv_journal_destroy(journal);
}

/* Goal: of equal datagrams the oldest arrives first; a third arrival of two is a copy.
 * Method: send two, have three arrive. */
static void test_equal_datagrams_arrive_in_order(void **state)
{
    uint8_t bytes[BYTES_MAX];
    const struct gkv_bytes ping = {.data = bytes, .count = ping_datagram(bytes, 1)};
    (void)state;
    struct gkv_journal *journal = journal_start(8);
    send_datagram(journal, 1 * US, ping);
    send_datagram(journal, 2 * US, ping);
    get_datagram(journal, 3 * US, ping);
    get_datagram(journal, 4 * US, ping);
    get_datagram(journal, 5 * US, ping);
    assert_int_equal(gkv_journal_message_count(journal), 3);
    assert_int_equal(gkv_journal_message(journal, 0)->arrival_ns, 3 * US);
    assert_int_equal(gkv_journal_message(journal, 1)->arrival_ns, 4 * US);
    assert_true(gkv_journal_message(journal, 2)->is_copy);
    gkv_journal_destroy(journal);
}

/* Goal: a full journal keeps the newest messages and counts the rest.
 * Method: 100 datagrams into room for 8, each arriving after two more were sent. */
static void test_newest_messages_stay(void **state)
{
    uint8_t bytes[BYTES_MAX];
    (void)state;
    struct gkv_journal *journal = journal_start(8);
    for (uint32_t i = 0; i < 100; i++) {
        send_datagram(journal, (100 + i) * US,
                      (struct gkv_bytes){.data = bytes, .count = ping_datagram(bytes, i)});
        if (i >= 2) {
            get_datagram(journal, (100 + i) * US,
                         (struct gkv_bytes){.data = bytes, .count = ping_datagram(bytes, i - 2)});
        }
    }
    assert_int_equal(gkv_journal_message_count(journal), 8);
    assert_int_equal(gkv_journal_left_out_count(journal), 92);
    for (uint32_t i = 0; i < 6; i++) {
        const struct gkv_journal_message *message = gkv_journal_message(journal, i);
        assert_int_equal(message->send_ns, (192 + i) * US);
        assert_int_equal(message->arrival_ns, (194 + i) * US);
    }
    assert_true(gkv_journal_message(journal, 7)->arrival_ns == GKV_NEVER);
    gkv_journal_destroy(journal);
}

/* Goal: the history is exactly these lines.
 * Method: compare. */
static void test_history(void **state)
{
    (void)state;
    char *text = written_by(gkv_trace_history_write);
    assert_string_equal(text, "{\"client\":0,\"op\":\"set\",\"key\":\"k3\",\"value\":0,"
                              "\"version\":\"5.1/ef12\",\"invoke\":3000,\"return\":8000,"
                              "\"status\":\"ok\",\"result\":\"OK\"}\n"
                              "{\"client\":0,\"op\":\"get\",\"key\":\"k3\",\"value\":null,"
                              "\"version\":\"\",\"invoke\":16000,\"return\":null,"
                              "\"status\":\"info\",\"result\":\"LOST\"}\n");
    free(text);
}

/* Goal: the ShiViz log is exactly these lines; what b knows after a message, a knew before.
 * Method: compare. */
static void test_shiviz(void **state)
{
    (void)state;
    char *text = written_by(write_shiviz);
    assert_string_equal(text, "(?<host>\\S+) (?<clock>\\{.*\\}) (?<event>.*)\n"
                              "\n"
                              "a {\"a\":1} a boots\n"
                              "b {\"b\":1} b boots\n"
                              "a {\"a\":2} client 0 set k3 v0\n"
                              "a {\"a\":3} send HELLO to b: opens a stream\n"
                              "b {\"a\":3, \"b\":2} receive HELLO from a: opens a stream\n"
                              "a {\"a\":4} send WRITE to b k3: v0, 5.1/ef12\n"
                              "b {\"a\":4, \"b\":3} receive WRITE from a k3: v0, 5.1/ef12\n"
                              "a {\"a\":5} client 0 set k3 v0: OK\n"
                              "a {\"a\":6} send PING to b: 0 rumours\n"
                              "b {\"a\":6, \"b\":4} receive PING from a: 0 rumours\n"
                              "a {\"a\":7} a -> b cut\n"
                              "a {\"a\":8} send PING to b: 0 rumours\n"
                              "b {\"a\":6, \"b\":5} b's wall clock steps -120 ms\n"
                              "b {\"a\":6, \"b\":6} b stands still for 3 ms\n"
                              "b {\"a\":6, \"b\":7} client 0 get k3\n"
                              "b {\"a\":6, \"b\":8} b crashes\n"
                              "b {\"a\":6, \"b\":9} client 0 get k3: LOST\n"
                              "a {\"a\":9} a -> b mended\n");
    free(text);
}

/* Goal: the Chrome trace is JSON, and holds exactly these events of each kind.
 * Method: parse it, and find the lines. */
static void test_chrome(void **state)
{
    static const char *const lines[] = {
        "{\"ph\":\"M\",\"name\":\"thread_name\",\"pid\":2,\"tid\":3,\"ts\":0.000,"
        "\"args\":{\"name\":\"store\"}},\n",
        "{\"ph\":\"X\",\"name\":\"WRITE\",\"pid\":1,\"tid\":2,\"ts\":4.000,\"dur\":1.000,\"args\":{"
        "\"about\":\"v0, 5.1/ef12\",\"key\":3,",
        "{\"ph\":\"s\",\"name\":\"message\",\"pid\":1,\"tid\":1,\"ts\":9.001,\"cat\":\"message\","
        "\"id\":9},\n",
        "{\"ph\":\"f\",\"name\":\"message\",\"pid\":2,\"tid\":1,\"ts\":10.000,\"cat\":\"message\","
        "\"id\":9,\"bp\":\"e\"},\n",
        "{\"ph\":\"t\",\"name\":\"message\",\"pid\":2,\"tid\":1,\"ts\":11.000,\"cat\":\"message\","
        "\"id\":9,\"bp\":\"e\"},\n",
        "{\"ph\":\"b\",\"name\":\"set k3\",\"pid\":1,\"tid\":4,\"ts\":3.000,\"cat\":\"operation\","
        "\"id\":1,\"args\":{\"client\":0,\"value\":0}},\n",
        "{\"ph\":\"e\",\"name\":\"get k3\",\"pid\":2,\"tid\":4,\"ts\":17.000,\"cat\":\"operation\","
        "\"id\":2,\"args\":{\"result\":\"LOST\",\"version\":\"\"}},\n",
        "{\"ph\":\"i\",\"name\":\"loss of 5 % \\u003ceverywhere\\u003e\",\"pid\":1,\"tid\":1,"
        "\"ts\":15.000,\"s\":\"g\"},\n",
        "{\"ph\":\"i\",\"name\":\"b crashes\",\"pid\":2,\"tid\":1,\"ts\":17.000,\"s\":\"p\"},\n",
    };
    (void)state;
    char *text = written_by(gkv_trace_chrome_write);
    const char *end = skip_json(text);
    assert_non_null(end);
    assert_string_equal(end, "\n");
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        if (strstr(text, lines[i]) == NULL) {
            fail_msg("not found: %s in\n%s", lines[i], text);
        }
    }
    free(text);
}

/* Goal: the page's data is JSON that a script element can hold, and the page asks nobody for
 * anything.
 * Method: take it out of the page and parse it. tests/page.sh tries the page itself. */
static void test_page(void **state)
{
    static const char before[] = "<script id=\"data\" type=\"application/json\">";
    (void)state;
    char *text = written_by(gkv_page_write);
    const char *data = strstr(text, before);
    assert_non_null(data);
    const char *end = skip_json(data + strlen(before));
    assert_non_null(end);
    assert_int_equal(strncmp(end, "</script>\n", 10), 0);
    assert_non_null(strstr(data, "FAIL quorum: seed 42, at 0.000017 s: a \\\"value\\\" "
                                 "\\u003c/script\\u003e is hidden"));
    assert_non_null(strstr(data, "\"replay\":\"gridkv-sim run --seed 42\""));
    assert_non_null(strstr(data, "\n[13000,-1,0,1,1,-1,"));
    assert_null(strstr(text, "http"));
    free(text);
}

/* After the run by hand: a NACK, and a comes to hold b in every state, for who looks at colours. */
static void play_every_state(struct gkv_journal *journal)
{
    uint8_t bytes[BYTES_MAX];
    const struct gkv_bytes nack = {.data = bytes,
                                   .count = gossip_datagram(bytes, GKV_MESSAGE_NACK, 3)};
    const struct gkv_name name = gkv_host_name(1);
    send_datagram(journal, 19 * US, nack);
    get_datagram(journal, 20 * US, nack);
    for (uint32_t i = GKV_MEMBER_ALIVE; i < GKV_MEMBER_STATE_COUNT; i++) {
        const struct gkv_output output = {
            .kind = GKV_OUTPUT_MEMBER,
            .as.member = {.who = {.id = gkv_node_id_of_name(&name), .boot_id = 1},
                          .state = (enum gkv_member_state)i},
        };
        see(journal, &(struct gkv_observation){
                         .kind = GKV_OBSERVE_OUTPUT, .time_ns = (20 + i) * US, .output = &output});
    }
}

/* With the name of a file, the page of the run by hand, and a little more, is written there: for
 * tests/page.sh. */
static int write_page(const char *name)
{
    FILE *file = fopen(name, "w");
    assert_non_null(file);
    struct gkv_journal *journal = play_without_end();
    play_every_state(journal);
    end_play(journal);
    gkv_page_write(journal, file);
    gkv_journal_destroy(journal);
    return fclose(file);
}

int main(int count, char **words)
{
    if (count > 1) {
        return write_page(words[1]);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parser_finds_what_is_not_json),
        cmocka_unit_test(test_messages_are_matched),
        cmocka_unit_test(test_equal_datagrams_arrive_in_order),
        cmocka_unit_test(test_newest_messages_stay),
        cmocka_unit_test(test_history),
        cmocka_unit_test(test_shiviz),
        cmocka_unit_test(test_chrome),
        cmocka_unit_test(test_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
