/* The RESP grammar, the Redis protocol: commands out of bytes, replies into bytes.
 *
 * Model     Commands are multibulk ("*2\r\n$3\r\nGET\r\n$1\r\na\r\n") or inline ("GET a\r\n",
 *           with Redis' quotes and escapes). Replies in RESP2, or RESP3 where the two differ
 *           (null, map). Texts of protocol errors are Redis 7's. We are stricter in one thing:
 *           every CR must be followed by LF, and every bulk by both.
 * Bounds    The parser looks at each byte once, whatever the reads it came in by, and allocates
 *           nothing: an announced length is compared with the limits and otherwise only waited
 *           for. A command, its framing included, takes at most limits.command_bytes_max.
 * Invariant The outcome depends on the bytes alone, not on how they were split.
 * Not here  What commands mean: proto/door.h.
 */
#ifndef GKV_PROTO_RESP_H
#define GKV_PROTO_RESP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/types.h"

#define GKV_VERSION_TEXT "0.1.0"       /* of GridKV, as io_posix/gridkv.h says it */
#define GKV_RESP_REDIS_VERSION "7.2.4" /* what clients that ask for one are told */

#define GKV_RESP_LINE_BYTES_MAX 65536 /* an inline command, or the line of a count or a length */
#define GKV_RESP_ERROR_BYTES_MAX 64

/* ---- Commands -------------------------------------------------------------------------------- */

struct gkv_resp_limits {
    uint32_t bulk_bytes_max;
    uint32_t command_bytes_max; /* >= GKV_RESP_LINE_BYTES_MAX */
    uint32_t argument_count_max;
};

/* An argument, by its place in the command's bytes. */
struct gkv_resp_argument {
    uint32_t offset;
    uint32_t bytes;
};

enum gkv_resp_status {
    GKV_RESP_MORE = 1, /* the command is not whole yet */
    GKV_RESP_COMMAND =
        2,              /* argument_count arguments; 0: an empty line or "*0", to be passed over */
    GKV_RESP_ERROR = 3, /* the stream is lost: say error[] and close */
};

struct gkv_resp_parser {
    struct gkv_resp_limits limits;
    uint32_t position;   /* bytes of this command that are understood */
    uint32_t scanned;    /* bytes looked through for the end of the line at position */
    uint32_t bulk_bytes; /* of the bulk at position, when is_in_bulk */
    uint32_t bulk_left;  /* bulks that are not begun yet */
    uint32_t argument_count;
    bool is_multibulk;                    /* the line of the count is understood */
    bool is_in_bulk;                      /* the line of a length is understood */
    char error[GKV_RESP_ERROR_BYTES_MAX]; /* terminated; without "-ERR " */
};

/* Make ready for the first byte of a command; also between commands. */
void gkv_resp_parser_reset(struct gkv_resp_parser *parser, const struct gkv_resp_limits *limits);

/* Go on with a command. data holds `bytes` bytes from the command's first one on: those of the
 * last call, unchanged, and perhaps more. arguments_out has argument_count_max places, is filled
 * as arguments are met, and must be kept from call to call. On COMMAND the command ends at
 * parser->position. Inline arguments are unquoted in place, which is why data is not const. */
enum gkv_resp_status gkv_resp_parse(struct gkv_resp_parser *parser, uint8_t *data, size_t bytes,
                                    struct gkv_resp_argument *arguments_out);

/* Have a look at a command that gkv_resp_parse has not seen yet, for a hint of what it will need:
 * the second word of a multibulk command that is whole and has short plain lines. Returns how many
 * bytes the command has; 0: it is none of these, or all there is to see is the end of it. */
size_t gkv_resp_skim(const uint8_t *data, size_t bytes, struct gkv_bytes *word_out);

/* A number as Redis reads it: the whole of the text, "-"? and digits without leading zeros or
 * spaces, within int64_t. False: it is none. */
bool gkv_resp_parse_integer(struct gkv_bytes text, int64_t *integer_out);

/* ---- Replies --------------------------------------------------------------------------------- */

/* Appends to bounded memory. The caller has made sure of the room: running out asserts. */
struct gkv_resp_writer {
    uint8_t *data;
    size_t capacity;
    size_t count;
    bool is_resp3;
};

#define GKV_RESP_HEADER_BYTES_MAX 24 /* a type, a 64-bit number, CR LF */

void gkv_resp_write_raw(struct gkv_resp_writer *writer, const void *data, size_t bytes);
void gkv_resp_write_text(struct gkv_resp_writer *writer, const char *text);  /* no framing at all */
void gkv_resp_write_decimal(struct gkv_resp_writer *writer, int64_t number); /* digits alone */
void gkv_resp_write_hex(struct gkv_resp_writer *writer, const uint8_t *data, size_t bytes);

void gkv_resp_write_simple(struct gkv_resp_writer *writer, const char *text); /* +OK */
/* code: "ERR" or another first word; text: CR and LF become spaces. */
void gkv_resp_write_error(struct gkv_resp_writer *writer, const char *code, const char *text);
void gkv_resp_write_integer(struct gkv_resp_writer *writer, int64_t number);
void gkv_resp_write_bulk(struct gkv_resp_writer *writer, struct gkv_bytes bytes);
void gkv_resp_write_bulk_text(struct gkv_resp_writer *writer, const char *text);
void gkv_resp_write_null(struct gkv_resp_writer *writer);
void gkv_resp_write_array(struct gkv_resp_writer *writer, uint32_t count);
/* A map of `count` pairs; a flat array in RESP2. */
void gkv_resp_write_map(struct gkv_resp_writer *writer, uint32_t count);

/* How many bytes stand before those of a bulk of so many. */
size_t gkv_resp_bulk_header_bytes(size_t bytes);

/* The same as gkv_resp_write_bulk, of bytes that lie in the writer's own room: header_bytes behind
 * what is written. If that is what the header takes, they stay where they are. */
void gkv_resp_write_bulk_behind(struct gkv_resp_writer *writer, size_t header_bytes, size_t bytes);

/* Begin a bulk whose length is not known yet, of at most 9,999,999 bytes; write its bytes; end it
 * with what begin returned. */
size_t gkv_resp_begin_bulk(struct gkv_resp_writer *writer);
void gkv_resp_end_bulk(struct gkv_resp_writer *writer, size_t begun);

/* The same for text that people read: in RESP3 a verbatim string. */
size_t gkv_resp_begin_report(struct gkv_resp_writer *writer);
void gkv_resp_end_report(struct gkv_resp_writer *writer, size_t begun);

#endif
