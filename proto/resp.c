#include "proto/resp.h"

#include <string.h>

#include "core/panic.h"

/* A multibulk command's parser:
 *
 *   LINE OF COUNT  -> LINE OF LENGTH  [parse_count]   "*N", N > 0
 *                  -> done            [parse_count]   "*N", N <= 0
 *   LINE OF LENGTH -> BULK            [parse_length]  "$L"
 *   BULK           -> LINE OF LENGTH  [parse_bulk]    L bytes, CR LF; bulks are left
 *                  -> done            [parse_bulk]    none is
 */

#define BULK_DIGITS 7 /* of a length that is written afterwards */

static enum gkv_resp_status fail(struct gkv_resp_parser *parser, const char *text)
{
    static const char prefix[] = "Protocol error: ";
    size_t count = sizeof(prefix) - 1;
    memcpy(parser->error, prefix, count);
    for (size_t i = 0; text[i] != '\0' && count + 1 < sizeof(parser->error); i++) {
        parser->error[count++] = text[i];
    }
    parser->error[count] = '\0';
    return GKV_RESP_ERROR;
}

void gkv_resp_parser_reset(struct gkv_resp_parser *parser, const struct gkv_resp_limits *limits)
{
    GKV_ASSERT(limits->command_bytes_max >= GKV_RESP_LINE_BYTES_MAX);
    GKV_ASSERT(limits->argument_count_max > 0);
    /* Field by field: error[] is long, and need not be cleared behind its end. */
    parser->limits = *limits;
    parser->position = 0;
    parser->scanned = 0;
    parser->bulk_bytes = 0;
    parser->bulk_left = 0;
    parser->argument_count = 0;
    parser->is_multibulk = false;
    parser->is_in_bulk = false;
    parser->error[0] = '\0';
}

/* Look for `end` from position on. MORE: not there yet. ERROR: not within the limit. COMMAND:
 * found, and *line_bytes_out bytes stand before it. */
static enum gkv_resp_status find_line(struct gkv_resp_parser *parser, const uint8_t *data,
                                      size_t bytes, uint8_t end, uint32_t *line_bytes_out)
{
    /* One byte less than there is room for, so that the LF after a CR has a place too. */
    const uint32_t max = parser->limits.command_bytes_max - 1;
    uint32_t limit = parser->position < max ? max - parser->position : 0;
    limit = limit < GKV_RESP_LINE_BYTES_MAX ? limit : GKV_RESP_LINE_BYTES_MAX;
    const size_t reach = parser->position + (size_t)limit;
    const size_t known = bytes < reach ? bytes : reach;
    while (parser->scanned < known && data[parser->scanned] != end) {
        parser->scanned++;
    }
    if (parser->scanned == known) {
        return known == reach ? GKV_RESP_ERROR : GKV_RESP_MORE;
    }
    *line_bytes_out = parser->scanned - parser->position;
    return GKV_RESP_COMMAND;
}

bool gkv_resp_parse_integer(struct gkv_bytes text, int64_t *integer_out)
{
    size_t i = 0;
    const bool is_negative = text.count > 0 && text.data[0] == '-';
    i += is_negative;
    if (i == text.count || text.count > 20) {
        return false;
    }
    if (text.data[i] == '0' && text.count > 1) {
        return false;
    }
    const uint64_t max = (uint64_t)INT64_MAX + is_negative;
    uint64_t number = 0;
    for (; i < text.count; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        const uint64_t digit = (uint64_t)(text.data[i] - '0');
        if (number > (max - digit) / 10) {
            return false;
        }
        number = number * 10 + digit;
    }
    if (is_negative) {
        *integer_out = number == max ? INT64_MIN : -(int64_t)number;
    } else {
        *integer_out = (int64_t)number;
    }
    return true;
}

/* ---- Multibulk ------------------------------------------------------------------------------- */

/* The number after the type byte of the line at position, whose CR is at position + line_bytes.
 * MORE: the LF has not come. On COMMAND the line is passed. */
static enum gkv_resp_status take_number_line(struct gkv_resp_parser *parser, const uint8_t *data,
                                             size_t bytes, uint32_t line_bytes, int64_t *number_out)
{
    const uint32_t end = parser->position + line_bytes;
    if (end + 1 >= bytes) {
        return GKV_RESP_MORE;
    }
    const struct gkv_bytes text = {data + parser->position + 1, line_bytes - 1};
    if (data[end + 1] != '\n' || !gkv_resp_parse_integer(text, number_out)) {
        return GKV_RESP_ERROR;
    }
    parser->position = end + 2;
    parser->scanned = parser->position;
    return GKV_RESP_COMMAND;
}

static enum gkv_resp_status parse_count(struct gkv_resp_parser *parser, const uint8_t *data,
                                        size_t bytes)
{
    uint32_t line_bytes;
    enum gkv_resp_status status = find_line(parser, data, bytes, '\r', &line_bytes);
    if (status == GKV_RESP_ERROR) {
        return fail(parser, "too big mbulk count string");
    }
    int64_t count = 0;
    if (status == GKV_RESP_COMMAND) {
        status = take_number_line(parser, data, bytes, line_bytes, &count);
    }
    if (status == GKV_RESP_MORE) {
        return GKV_RESP_MORE;
    }
    if (status == GKV_RESP_ERROR || count > (int64_t)parser->limits.argument_count_max) {
        return fail(parser, "invalid multibulk length");
    }
    parser->is_multibulk = true;
    parser->bulk_left = count > 0 ? (uint32_t)count : 0;
    return GKV_RESP_COMMAND;
}

static enum gkv_resp_status fail_type(struct gkv_resp_parser *parser, uint8_t got)
{
    char text[] = "expected '$', got '?'";
    const bool breaks_line = got == '\r' || got == '\n' || got == '\0';
    text[sizeof(text) - 3] = (char)(breaks_line ? ' ' : got);
    return fail(parser, text);
}

static enum gkv_resp_status parse_length(struct gkv_resp_parser *parser, const uint8_t *data,
                                         size_t bytes)
{
    /* Redis waits for the whole line before it looks at the type; the text is the same. */
    uint32_t line_bytes;
    enum gkv_resp_status status = find_line(parser, data, bytes, '\r', &line_bytes);
    if (status == GKV_RESP_ERROR) {
        return fail(parser, "too big bulk count string");
    }
    if (status == GKV_RESP_MORE) {
        return GKV_RESP_MORE;
    }
    if (data[parser->position] != '$') {
        return fail_type(parser, data[parser->position]);
    }
    int64_t length = 0;
    status = take_number_line(parser, data, bytes, line_bytes, &length);
    if (status == GKV_RESP_MORE) {
        return GKV_RESP_MORE;
    }
    const struct gkv_resp_limits *limits = &parser->limits;
    if (status == GKV_RESP_ERROR || length < 0 || length > (int64_t)limits->bulk_bytes_max) {
        return fail(parser, "invalid bulk length");
    }
    if (length + 2 > (int64_t)(limits->command_bytes_max - parser->position)) {
        return fail(parser, "too big command");
    }
    parser->is_in_bulk = true;
    parser->bulk_bytes = (uint32_t)length;
    return GKV_RESP_COMMAND;
}

static enum gkv_resp_status parse_bulk(struct gkv_resp_parser *parser, const uint8_t *data,
                                       size_t bytes, struct gkv_resp_argument *arguments_out)
{
    GKV_ASSERT(parser->bulk_left > 0);
    const uint32_t end = parser->position + parser->bulk_bytes;
    if (bytes < (size_t)end + 2) {
        return GKV_RESP_MORE;
    }
    if (data[end] != '\r' || data[end + 1] != '\n') {
        return fail(parser, "expected CR LF after a bulk");
    }
    GKV_ASSERT(parser->argument_count < parser->limits.argument_count_max);
    arguments_out[parser->argument_count++] =
        (struct gkv_resp_argument){.offset = parser->position, .bytes = parser->bulk_bytes};
    parser->bulk_left--;
    parser->is_in_bulk = false;
    parser->position = end + 2;
    parser->scanned = parser->position;
    return GKV_RESP_COMMAND;
}

static enum gkv_resp_status parse_multibulk(struct gkv_resp_parser *parser, const uint8_t *data,
                                            size_t bytes, struct gkv_resp_argument *arguments_out)
{
    enum gkv_resp_status status = GKV_RESP_COMMAND;
    if (!parser->is_multibulk) {
        status = parse_count(parser, data, bytes);
    }
    while (status == GKV_RESP_COMMAND && parser->bulk_left > 0) {
        status = parser->is_in_bulk ? parse_bulk(parser, data, bytes, arguments_out)
                                    : parse_length(parser, data, bytes);
    }
    return status;
}

/* ---- Plain commands -------------------------------------------------------------------------- */

#define PLAIN_DIGITS_MAX 4
#define PLAIN_LINE_BYTES_MAX (1 + PLAIN_DIGITS_MAX + 2)

/* Most lines are a few digits, and all there: of those, the number, and how long the line is with
 * its type and its end. 0: it is another, or too near to the end of what is there. */
static inline uint32_t read_plain_line(const uint8_t *line, size_t bytes, uint32_t *number_out)
{
    if (bytes < PLAIN_LINE_BYTES_MAX) {
        return 0;
    }
    const uint8_t *text = line + 1;
    uint32_t number = (uint32_t)text[0] - '0';
    uint32_t digit_count = 1;
    if (number - 1 > 8) {
        return 0; /* no digit, or a zero, which may not lead */
    }
    for (; digit_count < PLAIN_DIGITS_MAX; digit_count++) {
        const uint32_t digit = (uint32_t)text[digit_count] - '0';
        if (digit > 9) {
            break;
        }
        number = number * 10 + digit;
    }
    if (text[digit_count] != '\r' || text[digit_count + 1] != '\n') {
        return 0;
    }
    *number_out = number;
    return 1 + digit_count + 2;
}

/* A command that is whole and has plain lines alone, none of its words being empty: what it has, in
 * one go. Returns its bytes; 0: it is another, which is for the long way to judge. */
static size_t read_plain(const uint8_t *data, size_t bytes, const struct gkv_resp_limits *limits,
                         struct gkv_resp_argument *arguments_out, uint32_t *count_out)
{
    uint32_t count = 0;
    bytes = bytes < limits->command_bytes_max ? bytes : limits->command_bytes_max;
    size_t at = data[0] == '*' ? read_plain_line(data, bytes, &count) : 0;
    if (at == 0 || count > limits->argument_count_max) {
        return 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t word_bytes = 0;
        const size_t line_bytes = read_plain_line(data + at, bytes - at, &word_bytes);
        if (line_bytes == 0 || data[at] != '$' || word_bytes > limits->bulk_bytes_max ||
            bytes - at - line_bytes < (size_t)word_bytes + 2) {
            return 0;
        }
        at += line_bytes;
        arguments_out[i] = (struct gkv_resp_argument){.offset = (uint32_t)at, .bytes = word_bytes};
        at += word_bytes;
        if (data[at] != '\r' || data[at + 1] != '\n') {
            return 0;
        }
        at += 2;
    }
    *count_out = count;
    return at;
}

#define SKIM_WORD_COUNT_MAX 8

size_t gkv_resp_skim(const uint8_t *data, size_t bytes, struct gkv_bytes *word_out)
{
    static const struct gkv_resp_limits limits = {.bulk_bytes_max = UINT32_MAX,
                                                  .command_bytes_max = UINT32_MAX,
                                                  .argument_count_max = SKIM_WORD_COUNT_MAX};
    struct gkv_resp_argument arguments[SKIM_WORD_COUNT_MAX];
    uint32_t count = 0;
    const size_t command_bytes = read_plain(data, bytes, &limits, arguments, &count);
    if (command_bytes == 0 || count < 2) {
        return 0;
    }
    *word_out = (struct gkv_bytes){data + arguments[1].offset, arguments[1].bytes};
    return command_bytes;
}

/* ---- Inline ---------------------------------------------------------------------------------- */

/* Where the unquoting of one line stands; `written` never passes `read`. */
struct unquote {
    uint8_t *line;
    uint32_t bytes;
    uint32_t read;
    uint32_t written;
};

static bool is_space(uint8_t byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

static int32_t hex_value(uint8_t byte)
{
    if (byte >= '0' && byte <= '9') {
        return byte - '0';
    }
    if (byte >= 'a' && byte <= 'f') {
        return byte - 'a' + 10;
    }
    return byte >= 'A' && byte <= 'F' ? byte - 'A' + 10 : -1;
}

static uint8_t escaped(uint8_t byte)
{
    switch (byte) {
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case 'b':
        return '\b';
    case 'a':
        return '\a';
    default:
        return byte;
    }
}

/* The byte after a backslash between double quotes: an escape, or \xHH. */
static uint8_t unquote_escape(struct unquote *unquote)
{
    const uint8_t *rest = unquote->line + unquote->read;
    const uint32_t left = unquote->bytes - unquote->read;
    GKV_ASSERT(left > 0);
    if (left >= 3 && rest[0] == 'x' && hex_value(rest[1]) >= 0 && hex_value(rest[2]) >= 0) {
        unquote->read += 3;
        return (uint8_t)(hex_value(rest[1]) * 16 + hex_value(rest[2]));
    }
    unquote->read++;
    return escaped(rest[0]);
}

/* What stands between quotes, the opening one being passed. False: they are not closed, or
 * something other than a space follows. */
static bool unquote_quoted(struct unquote *unquote, uint8_t quote)
{
    uint8_t *line = unquote->line;
    while (unquote->read < unquote->bytes) {
        uint8_t byte = line[unquote->read++];
        if (byte == quote) {
            return unquote->read == unquote->bytes || is_space(line[unquote->read]);
        }
        const bool has_next = unquote->read < unquote->bytes;
        if (byte == '\\' && has_next && quote == '"') {
            byte = unquote_escape(unquote);
        } else if (byte == '\\' && has_next && line[unquote->read] == '\'') {
            byte = line[unquote->read++];
        }
        line[unquote->written++] = byte;
    }
    return false;
}

/* One word; a quote may open in the middle of it, and its end ends the word. */
static bool unquote_word(struct unquote *unquote)
{
    while (unquote->read < unquote->bytes) {
        const uint8_t byte = unquote->line[unquote->read];
        if (byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t') {
            return true;
        }
        unquote->read++;
        if (byte == '"' || byte == '\'') {
            return unquote_quoted(unquote, byte);
        }
        unquote->line[unquote->written++] = byte;
    }
    return true;
}

/* Split a line as sdssplitargs of Redis does. */
static enum gkv_resp_status split_line(struct gkv_resp_parser *parser, uint8_t *line,
                                       uint32_t line_bytes, struct gkv_resp_argument *arguments_out)
{
    struct unquote unquote = {.line = line, .bytes = line_bytes};
    for (;;) {
        while (unquote.read < unquote.bytes && is_space(line[unquote.read])) {
            unquote.read++;
        }
        if (unquote.read == unquote.bytes) {
            return GKV_RESP_COMMAND;
        }
        if (parser->argument_count == parser->limits.argument_count_max) {
            return fail(parser, "invalid multibulk length");
        }
        const uint32_t begin = unquote.written;
        if (!unquote_word(&unquote)) {
            return fail(parser, "unbalanced quotes in request");
        }
        GKV_ASSERT(unquote.written <= unquote.read);
        arguments_out[parser->argument_count++] =
            (struct gkv_resp_argument){.offset = begin, .bytes = unquote.written - begin};
    }
}

static enum gkv_resp_status parse_inline(struct gkv_resp_parser *parser, uint8_t *data,
                                         size_t bytes, struct gkv_resp_argument *arguments_out)
{
    uint32_t line_bytes;
    const enum gkv_resp_status status = find_line(parser, data, bytes, '\n', &line_bytes);
    if (status == GKV_RESP_ERROR) {
        return fail(parser, "too big inline request");
    }
    if (status == GKV_RESP_MORE) {
        return GKV_RESP_MORE;
    }
    parser->position = line_bytes + 1;

    /* Redis sees a C string here: a zero byte ends it. */
    uint32_t text_bytes = 0;
    while (text_bytes < line_bytes && data[text_bytes] != '\0') {
        text_bytes++;
    }
    return split_line(parser, data, text_bytes, arguments_out);
}

enum gkv_resp_status gkv_resp_parse(struct gkv_resp_parser *parser, uint8_t *data, size_t bytes,
                                    struct gkv_resp_argument *arguments_out)
{
    GKV_ASSERT(parser->position <= parser->scanned);
    GKV_ASSERT(parser->scanned <= parser->limits.command_bytes_max);
    if (bytes == 0) {
        return GKV_RESP_MORE;
    }
    if (parser->scanned == 0) { /* nothing of it was looked at before */
        const size_t plain_bytes =
            read_plain(data, bytes, &parser->limits, arguments_out, &parser->argument_count);
        if (plain_bytes > 0) {
            parser->position = (uint32_t)plain_bytes;
            parser->scanned = parser->position;
            return GKV_RESP_COMMAND;
        }
    }
    return data[0] == '*' ? parse_multibulk(parser, data, bytes, arguments_out)
                          : parse_inline(parser, data, bytes, arguments_out);
}

/* ---- Replies --------------------------------------------------------------------------------- */

void gkv_resp_write_raw(struct gkv_resp_writer *writer, const void *data, size_t bytes)
{
    GKV_ASSERT(writer->count <= writer->capacity);
    GKV_ASSERT(bytes <= writer->capacity - writer->count);
    if (bytes > 0) {
        memcpy(writer->data + writer->count, data, bytes);
        writer->count += bytes;
    }
}

/* Byte by byte: a loop that only counts would be compiled to a call of strlen. */
void gkv_resp_write_text(struct gkv_resp_writer *writer, const char *text)
{
    for (size_t i = 0; text[i] != '\0'; i++) {
        GKV_ASSERT(writer->count < writer->capacity);
        writer->data[writer->count++] = (uint8_t)text[i];
    }
}

void gkv_resp_write_decimal(struct gkv_resp_writer *writer, int64_t number)
{
    char digits[20];
    size_t first = sizeof(digits);
    uint64_t rest = number < 0 ? UINT64_C(0) - (uint64_t)number : (uint64_t)number;
    do {
        digits[--first] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (number < 0) {
        gkv_resp_write_raw(writer, "-", 1);
    }
    gkv_resp_write_raw(writer, digits + first, sizeof(digits) - first);
}

void gkv_resp_write_hex(struct gkv_resp_writer *writer, const uint8_t *data, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        const char pair[2] = {"0123456789abcdef"[data[i] >> 4], "0123456789abcdef"[data[i] & 15]};
        gkv_resp_write_raw(writer, pair, sizeof(pair));
    }
}

static void write_header(struct gkv_resp_writer *writer, char type, int64_t number)
{
    if (number >= 0 && number < 1000 && writer->capacity - writer->count >= 6) {
        uint8_t *out = writer->data + writer->count;
        *out++ = (uint8_t)type;
        if (number >= 100) {
            *out++ = (uint8_t)('0' + number / 100);
        }
        if (number >= 10) {
            *out++ = (uint8_t)('0' + number / 10 % 10);
        }
        *out++ = (uint8_t)('0' + number % 10);
        *out++ = '\r';
        *out++ = '\n';
        writer->count = (size_t)(out - writer->data);
        return;
    }
    gkv_resp_write_raw(writer, &type, 1);
    gkv_resp_write_decimal(writer, number);
    gkv_resp_write_raw(writer, "\r\n", 2);
}

void gkv_resp_write_simple(struct gkv_resp_writer *writer, const char *text)
{
    gkv_resp_write_raw(writer, "+", 1);
    gkv_resp_write_text(writer, text);
    gkv_resp_write_raw(writer, "\r\n", 2);
}

void gkv_resp_write_error(struct gkv_resp_writer *writer, const char *code, const char *text)
{
    gkv_resp_write_raw(writer, "-", 1);
    gkv_resp_write_text(writer, code);
    gkv_resp_write_raw(writer, " ", 1);
    for (size_t i = 0; text[i] != '\0'; i++) {
        const bool breaks_line = text[i] == '\r' || text[i] == '\n';
        gkv_resp_write_raw(writer, breaks_line ? " " : &text[i], 1);
    }
    gkv_resp_write_raw(writer, "\r\n", 2);
}

void gkv_resp_write_integer(struct gkv_resp_writer *writer, int64_t number)
{
    write_header(writer, ':', number);
}

void gkv_resp_write_bulk(struct gkv_resp_writer *writer, struct gkv_bytes bytes)
{
    write_header(writer, '$', (int64_t)bytes.count);
    gkv_resp_write_raw(writer, bytes.data, bytes.count);
    gkv_resp_write_raw(writer, "\r\n", 2);
}

size_t gkv_resp_bulk_header_bytes(size_t bytes)
{
    size_t digit_count = 1;
    for (size_t reach = 10; reach <= bytes; reach *= 10) {
        digit_count++;
    }
    return 1 + digit_count + 2;
}

void gkv_resp_write_bulk_behind(struct gkv_resp_writer *writer, size_t header_bytes, size_t bytes)
{
    GKV_ASSERT(header_bytes + bytes <= writer->capacity - writer->count);
    const size_t needed_bytes = gkv_resp_bulk_header_bytes(bytes);
    uint8_t *header = writer->data + writer->count;
    if (needed_bytes != header_bytes) {
        GKV_ASSERT(needed_bytes + bytes <= writer->capacity - writer->count);
        memmove(header + needed_bytes, header + header_bytes, bytes);
    }
    write_header(writer, '$', (int64_t)bytes);
    GKV_ASSERT(writer->data + writer->count == header + needed_bytes);
    writer->count += bytes;
    gkv_resp_write_raw(writer, "\r\n", 2);
}

void gkv_resp_write_bulk_text(struct gkv_resp_writer *writer, const char *text)
{
    const size_t begun = gkv_resp_begin_bulk(writer);
    gkv_resp_write_text(writer, text);
    gkv_resp_end_bulk(writer, begun);
}

void gkv_resp_write_null(struct gkv_resp_writer *writer)
{
    gkv_resp_write_text(writer, writer->is_resp3 ? "_\r\n" : "$-1\r\n");
}

void gkv_resp_write_array(struct gkv_resp_writer *writer, uint32_t count)
{
    write_header(writer, '*', count);
}

void gkv_resp_write_map(struct gkv_resp_writer *writer, uint32_t count)
{
    write_header(writer, writer->is_resp3 ? '%' : '*',
                 writer->is_resp3 ? count : 2 * (int64_t)count);
}

size_t gkv_resp_begin_bulk(struct gkv_resp_writer *writer)
{
    gkv_resp_write_text(writer, "$0000000\r\n");
    return writer->count;
}

/* The length takes as many digits as it needs, and the bytes move down over the rest: leading
 * zeros are accepted by some clients only. */
static void end_late(struct gkv_resp_writer *writer, char type, size_t begun)
{
    GKV_ASSERT(begun >= BULK_DIGITS + 3 && begun <= writer->count);
    const size_t bytes = writer->count - begun;
    GKV_ASSERT(bytes <= 9999999);
    writer->count = begun - (BULK_DIGITS + 3);
    write_header(writer, type, (int64_t)bytes);
    memmove(writer->data + writer->count, writer->data + begun, bytes);
    writer->count += bytes;
    gkv_resp_write_raw(writer, "\r\n", 2);
}

void gkv_resp_end_bulk(struct gkv_resp_writer *writer, size_t begun)
{
    end_late(writer, '$', begun);
}

size_t gkv_resp_begin_report(struct gkv_resp_writer *writer)
{
    const size_t begun = gkv_resp_begin_bulk(writer);
    gkv_resp_write_text(writer, writer->is_resp3 ? "txt:" : "");
    return begun;
}

void gkv_resp_end_report(struct gkv_resp_writer *writer, size_t begun)
{
    end_late(writer, writer->is_resp3 ? '=' : '$', begun);
}
