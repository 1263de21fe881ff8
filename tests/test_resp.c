/* The RESP grammar and the texts of addresses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proto/address.h"
#include "proto/resp.h"

#define ARGUMENT_COUNT_MAX 8
#define COMMAND_BYTES_MAX (GKV_RESP_LINE_BYTES_MAX + 200)

static const struct gkv_resp_limits limits = {
    .bulk_bytes_max = 100,
    .command_bytes_max = COMMAND_BYTES_MAX,
    .argument_count_max = ARGUMENT_COUNT_MAX,
};

static uint8_t input[COMMAND_BYTES_MAX + 16];
static struct gkv_resp_parser parser;
static struct gkv_resp_argument arguments[ARGUMENT_COUNT_MAX];

/* Parse `bytes` bytes of text, that come in pieces of `step`. */
static enum gkv_resp_status parse(const char *text, size_t bytes, size_t step)
{
    assert_true(bytes <= sizeof(input));
    memcpy(input, text, bytes);
    gkv_resp_parser_reset(&parser, &limits);
    enum gkv_resp_status status = GKV_RESP_MORE;
    for (size_t known = 0; status == GKV_RESP_MORE && known < bytes;) {
        known = bytes - known < step ? bytes : known + step;
        status = gkv_resp_parse(&parser, input, known, arguments);
    }
    return status;
}

/* The arguments, joined by '|', whatever the pieces; "" for none. */
static void expect_words(const char *text, size_t bytes, const char *joined)
{
    for (size_t step = 1; step <= bytes; step++) {
        assert_int_equal(parse(text, bytes, step), GKV_RESP_COMMAND);
        char words[256];
        size_t count = 0;
        for (uint32_t i = 0; i < parser.argument_count; i++) {
            if (i > 0) {
                words[count++] = '|';
            }
            memcpy(words + count, input + arguments[i].offset, arguments[i].bytes);
            count += arguments[i].bytes;
        }
        words[count] = '\0';
        assert_string_equal(words, joined);
        assert_int_equal(parser.position, bytes);
    }
}

static void expect_error(const char *text, size_t bytes, const char *error)
{
    for (size_t step = 1; step <= bytes; step += 1 + bytes / 64) {
        assert_int_equal(parse(text, bytes, step), GKV_RESP_ERROR);
        assert_string_equal(parser.error, error);
    }
}

#define WORDS(text, joined) expect_words(text, sizeof(text) - 1, joined)
#define FAILS(text, error) expect_error(text, sizeof(text) - 1, "Protocol error: " error)

/* Goal: multibulk commands come out whole, however they were split.
 * Method: every piece length. */
static void test_multibulk(void **state)
{
    (void)state;
    WORDS("*1\r\n$4\r\nPING\r\n", "PING");
    WORDS("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$4\r\n\r\n\r\n\r\n", "SET|a|\r\n\r\n");
    WORDS("*2\r\n$0\r\n\r\n$1\r\nx\r\n", "|x");
    WORDS("*2\r\n$1\r\n\r\r\n$10\r\n0123456789\r\n", "\r|0123456789");
    WORDS("*0\r\n", "");
    WORDS("*-1\r\n", "");
    assert_int_equal(parse("*1\r\n$4\r\nPIN", 11, 3), GKV_RESP_MORE);
}

/* Goal: inline commands are split and unquoted as sdssplitargs of Redis does.
 * Method: its cases, at every piece length. */
static void test_inline(void **state)
{
    (void)state;
    WORDS("PING\r\n", "PING");
    WORDS("PING\n", "PING");
    WORDS("  GET \t a  \r\n", "GET|a");
    WORDS("\r\n", "");
    WORDS("SET a \"b c\"\r\n", "SET|a|b c");
    WORDS("\"\\x41\\n\\q\\\"\" x\r\n", "A\nq\"|x");
    WORDS("'a\\'b\\n'\r\n", "a'b\\n");
    WORDS("a\"b\"\r\n", "ab");
    WORDS("\"\" ''\r\n", "|");
    WORDS("\"\\x4g\"\r\n", "x4g");
    FAILS("\"a\r\n", "unbalanced quotes in request");
    FAILS("\"a\"b\r\n", "unbalanced quotes in request");
    FAILS("'a\r\n", "unbalanced quotes in request");
    FAILS("a b c d e f g h i\r\n", "invalid multibulk length");
}

/* Goal: each protocol error has Redis' text, and is found whatever the pieces.
 * Method: one input per error. */
static void test_errors(void **state)
{
    (void)state;
    FAILS("*9\r\n", "invalid multibulk length");
    FAILS("*01\r\n", "invalid multibulk length");
    FAILS("*\r\n", "invalid multibulk length");
    FAILS("*1x\r\n", "invalid multibulk length");
    FAILS("*1\rx$4\r\nPING\r\n", "invalid multibulk length");
    FAILS("*12\r\n$4\r\nPING\r\n", "invalid multibulk length");
    FAILS("*99999999999999999999\r\n", "invalid multibulk length");
    FAILS("*1\r\n:4\r\n", "expected '$', got ':'");
    FAILS("*1\r\n\r\n", "expected '$', got ' '");
    FAILS("*1\r\n$-1\r\n", "invalid bulk length");
    FAILS("*1\r\n$101\r\n", "invalid bulk length");
    FAILS("*1\r\n$101\r\nabcd", "invalid bulk length");
    FAILS("*1\r\n$04\r\nPING\r\n", "invalid bulk length");
    FAILS("*1\r\n:4\r\nPING\r\n", "expected '$', got ':'");
    FAILS("*1\r\n$4\r\nPINGxx", "expected CR LF after a bulk");
}

/* Goal: lines have a limit, and one byte less is no error.
 * Method: lines of exactly the limit. */
static void test_line_limits(void **state)
{
    (void)state;
    static char line[GKV_RESP_LINE_BYTES_MAX + 8];
    memset(line, 'a', sizeof(line));
    assert_int_equal(parse(line, GKV_RESP_LINE_BYTES_MAX - 1, 1000), GKV_RESP_MORE);
    expect_error(line, GKV_RESP_LINE_BYTES_MAX, "Protocol error: too big inline request");
    line[GKV_RESP_LINE_BYTES_MAX - 1] = '\n';
    assert_int_equal(parse(line, GKV_RESP_LINE_BYTES_MAX, 1000), GKV_RESP_COMMAND);

    memset(line, '1', sizeof(line));
    line[0] = '*';
    expect_error(line, GKV_RESP_LINE_BYTES_MAX, "Protocol error: too big mbulk count string");
    memcpy(line, "*1\r\n$", 5);
    expect_error(line, sizeof(line), "Protocol error: too big bulk count string");
}

/* Goal: the arguments of one command together have a limit, and it is judged by what is announced.
 * Method: a bulk limit above what is left of the command. */
static void test_command_limit(void **state)
{
    (void)state;
    struct gkv_resp_limits wide = limits;
    wide.bulk_bytes_max = COMMAND_BYTES_MAX;
    static const char text[] = "*2\r\n$65736\r\n";
    memcpy(input, text, sizeof(text) - 1);
    gkv_resp_parser_reset(&parser, &wide);
    assert_int_equal(gkv_resp_parse(&parser, input, sizeof(text) - 1, arguments), GKV_RESP_ERROR);
    assert_string_equal(parser.error, "Protocol error: too big command");
}

static void expect_skims(const char *text, size_t bytes, const char *word)
{
    struct gkv_bytes found = {NULL, 0};
    for (size_t i = 1; i < bytes; i++) {
        assert_int_equal(gkv_resp_skim((const uint8_t *)text, i, &found), 0);
    }
    const size_t skimmed = gkv_resp_skim((const uint8_t *)text, bytes, &found);
    assert_int_equal(skimmed, word == NULL ? 0 : bytes);
    if (word != NULL) {
        assert_int_equal(found.count, strlen(word));
        assert_memory_equal(found.data, word, found.count);
    }
}

#define SKIMS(text, word) expect_skims(text, sizeof(text) - 1, word)

/* Goal: a look at a command that waits finds its key, or nothing, and reads no further than it may.
 * Method: whole commands and their beginnings, of the plain kind and of others. */
static void test_skim(void **state)
{
    (void)state;
    SKIMS("*2\r\n$3\r\nGET\r\n$5\r\nabcde\r\n", "abcde");
    SKIMS("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$12\r\n012345678901\r\n", "a");
    SKIMS("*1\r\n$4\r\nPING\r\n", NULL);
    SKIMS("*2\r\n$3\r\nGET\r\n$05\r\nabcde\r\n", NULL);
    SKIMS("*9999\r\n$3\r\nGET\r\n$5\r\nabcde\r\n", NULL);
    SKIMS("*2\r\n$3\r\nGET\r\n$99999\r\nabcde\r\n", NULL);
    SKIMS("GET abcde\r\n", NULL);
}

static void expect_integer(const char *text, bool is_integer, int64_t expected)
{
    int64_t integer = 77;
    const struct gkv_bytes bytes = {(const uint8_t *)text, strlen(text)};
    assert_int_equal(gkv_resp_parse_integer(bytes, &integer), is_integer);
    assert_true(integer == (is_integer ? expected : 77));
}

/* Goal: numbers are as strict as in Redis.
 * Method: both ends of the range and every near miss. */
static void test_integer(void **state)
{
    (void)state;
    expect_integer("0", true, 0);
    expect_integer("-1", true, -1);
    expect_integer("9223372036854775807", true, INT64_MAX);
    expect_integer("-9223372036854775808", true, INT64_MIN);
    expect_integer("9223372036854775808", false, 0);
    expect_integer("-9223372036854775809", false, 0);
    expect_integer("99999999999999999999", false, 0);
    expect_integer("", false, 0);
    expect_integer("-", false, 0);
    expect_integer("-0", false, 0);
    expect_integer("05", false, 0);
    expect_integer("+5", false, 0);
    expect_integer(" 5", false, 0);
    expect_integer("5 ", false, 0);
}

static void write_all(struct gkv_resp_writer *writer)
{
    gkv_resp_write_simple(writer, "OK");
    gkv_resp_write_error(writer, "ERR", "a\r\nb");
    gkv_resp_write_integer(writer, INT64_MIN);
    gkv_resp_write_bulk_text(writer, "");
    gkv_resp_write_null(writer);
    gkv_resp_write_array(writer, 2);
    gkv_resp_write_map(writer, 2);
    const size_t begun = gkv_resp_begin_bulk(writer);
    gkv_resp_write_hex(writer, (const uint8_t *)"\x0a\xf0", 2);
    gkv_resp_end_bulk(writer, begun);
}

/* Goal: every kind of reply is framed as the protocol says, in both versions.
 * Method: write each once and compare the bytes. */
static void test_writer(void **state)
{
    (void)state;
    uint8_t out[256];
    struct gkv_resp_writer writer = {.data = out, .capacity = sizeof(out)};
    write_all(&writer);
    static const char two[] = "+OK\r\n-ERR a  b\r\n:-9223372036854775808\r\n$0\r\n\r\n$-1\r\n*2\r\n"
                              "*4\r\n$4\r\n0af0\r\n";
    assert_int_equal(writer.count, sizeof(two) - 1);
    assert_memory_equal(out, two, sizeof(two) - 1);

    writer = (struct gkv_resp_writer){.data = out, .capacity = sizeof(out), .is_resp3 = true};
    write_all(&writer);
    static const char three[] = "+OK\r\n-ERR a  b\r\n:-9223372036854775808\r\n$0\r\n\r\n_\r\n*2\r\n"
                                "%2\r\n$4\r\n0af0\r\n";
    assert_int_equal(writer.count, sizeof(three) - 1);
    assert_memory_equal(out, three, sizeof(three) - 1);
}

/* Goal: numbers are written in as many digits as they have, and bytes that are there already stay,
 * or move to behind their header. Method: both sides of each power of ten, and each guess. */
static void test_lengths(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 9, 10, 99, 100, 999, 1000, 1001};
    uint8_t wanted[1100];
    uint8_t got[1100];
    for (size_t i = 0; i < 64; i++) {
        const size_t bytes = sizes[i / 8];
        const size_t guess = gkv_resp_bulk_header_bytes(sizes[i % 8]);
        const int head = snprintf((char *)wanted, sizeof(wanted), "$%zu\r\n", bytes);
        assert_int_equal(gkv_resp_bulk_header_bytes(bytes), head);
        memset(wanted + head, 'x', bytes);
        memcpy(wanted + (size_t)head + bytes, "\r\n", 2);
        struct gkv_resp_writer writer = {.data = got, .capacity = sizeof(got)};
        memset(got, 0, sizeof(got));
        memset(got + guess, 'x', bytes);
        gkv_resp_write_bulk_behind(&writer, guess, bytes);
        assert_int_equal(writer.count, (size_t)head + bytes + 2);
        assert_memory_equal(got, wanted, writer.count);
    }
}

/* canonical NULL: the text is refused. */
static void expect_address(const char *text, const char *canonical)
{
    struct gkv_address address = {.count = 1};
    const bool is_address = gkv_address_parse_numeric(text, strlen(text), &address);
    assert_int_equal(is_address, canonical != NULL);
    if (canonical == NULL) {
        assert_int_equal(address.count, 1);
        return;
    }
    char out[GKV_ADDRESS_TEXT_BYTES];
    assert_int_equal(gkv_address_text(&address, out), strlen(canonical));
    assert_string_equal(out, canonical);
}

/* Goal: numeric addresses are read strictly and written in the one form of RFC 5952.
 * Method: its examples, and near misses. */
static void test_address(void **state)
{
    (void)state;
    expect_address("127.0.0.1:7101", "127.0.0.1:7101");
    expect_address("255.255.255.255:65535", "255.255.255.255:65535");
    expect_address("[::1]:7101", "[::1]:7101");
    expect_address("[::]:0", "[::]:0");
    expect_address("[2001:DB8:0:0:1:0:0:1]:1", "[2001:db8::1:0:0:1]:1");
    expect_address("[2001:db8:0:1:1:1:1:1]:1", "[2001:db8:0:1:1:1:1:1]:1");
    expect_address("[1:2:3:4:5:6:7:8]:1", "[1:2:3:4:5:6:7:8]:1");
    expect_address("[fe80::]:1", "[fe80::]:1");
    expect_address("[::ffff:1.2.3.4]:1", "[::ffff:102:304]:1");
    static const char *const refused[] = {
        "",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:65536",
        "256.0.0.1:1",
        "1.2.3:1",
        "localhost:1",
        "[::1]",
        "::1:1",
        "[1:2:3]:1",
        "[1::2::3]:1",
        "[1:2:3:4:5:6:7:8:9]:1",
        "[12345::]:1",
        "[:1]:1",
        "[1:]:1",
        "127.0.0.1:1 ",
        "[::1%eth0]:1",
        "[:::1]:1",
    };
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        expect_address(refused[i], NULL);
    }
    char out[GKV_ADDRESS_TEXT_BYTES];
    const struct gkv_address opaque = {.count = 2, .bytes = {0xab, 1}};
    assert_int_equal(gkv_address_text(&opaque, out), 6);
    assert_string_equal(out, "0xab01");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_multibulk),     cmocka_unit_test(test_inline),
        cmocka_unit_test(test_errors),        cmocka_unit_test(test_line_limits),
        cmocka_unit_test(test_command_limit), cmocka_unit_test(test_integer),
        cmocka_unit_test(test_writer),        cmocka_unit_test(test_address),
        cmocka_unit_test(test_lengths),       cmocka_unit_test(test_skim),
    };
    return cmocka_run_group_tests_name("resp", tests, NULL, NULL);
}
