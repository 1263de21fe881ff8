/* JSON, written value after value: commas and escapes are put where they belong.
 *
 * Model     Whatever is printed is valid JSON, and valid inside a <script> of an HTML page too:
 *           '<', '>' and '&' are written as \u003c and so on. Texts are bytes; those over 127 are
 *           written as the code points of the same number.
 * Bounds    No memory. Who opens must close; depth is not counted.
 */
#ifndef GKV_SIM_JSON_H
#define GKV_SIM_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct gkv_json {
    FILE *file;
    bool needs_comma;
};

void gkv_json_init(struct gkv_json *json, FILE *file);

/* bracket: '{' or '[', and '}' or ']'. */
void gkv_json_open(struct gkv_json *json, char bracket);
void gkv_json_close(struct gkv_json *json, char bracket);

/* The name of the next value of an object. */
void gkv_json_name(struct gkv_json *json, const char *name);

void gkv_json_text(struct gkv_json *json, const char *text);
void gkv_json_unsigned(struct gkv_json *json, uint64_t number);
void gkv_json_signed(struct gkv_json *json, int64_t number);
void gkv_json_bool(struct gkv_json *json, bool truth);
void gkv_json_null(struct gkv_json *json);

/* Nanoseconds as a number of microseconds, exact: 1234.567. */
void gkv_json_microseconds(struct gkv_json *json, uint64_t time_ns);

/* A name and its value. */
void gkv_json_text_field(struct gkv_json *json, const char *name, const char *text);
void gkv_json_unsigned_field(struct gkv_json *json, const char *name, uint64_t number);

/* A line break between two values, so that a long array can be read. */
void gkv_json_line(struct gkv_json *json);

#endif
