#include "sim/json.h"

#include <inttypes.h>

void gkv_json_init(struct gkv_json *json, FILE *file)
{
    *json = (struct gkv_json){.file = file};
}

/* A value begins: separate it from the one before. */
static void begin_value(struct gkv_json *json)
{
    if (json->needs_comma) {
        (void)fputc(',', json->file);
    }
    json->needs_comma = true;
}

void gkv_json_open(struct gkv_json *json, char bracket)
{
    begin_value(json);
    (void)fputc(bracket, json->file);
    json->needs_comma = false;
}

void gkv_json_close(struct gkv_json *json, char bracket)
{
    (void)fputc(bracket, json->file);
    json->needs_comma = true;
}

static void print_text(FILE *file, const char *text)
{
    (void)fputc('"', file);
    for (const char *at = text; *at != '\0'; at++) {
        const unsigned byte = (unsigned char)*at;
        if (byte == '"' || byte == '\\') {
            (void)fprintf(file, "\\%c", (char)byte);
        } else if (byte == '\n') {
            (void)fputs("\\n", file);
        } else if (byte < 0x20 || byte > 0x7E || byte == '<' || byte == '>' || byte == '&') {
            (void)fprintf(file, "\\u%04x", byte);
        } else {
            (void)fputc((int)byte, file);
        }
    }
    (void)fputc('"', file);
}

void gkv_json_name(struct gkv_json *json, const char *name)
{
    begin_value(json);
    print_text(json->file, name);
    (void)fputc(':', json->file);
    json->needs_comma = false;
}

void gkv_json_text(struct gkv_json *json, const char *text)
{
    begin_value(json);
    print_text(json->file, text);
}

void gkv_json_unsigned(struct gkv_json *json, uint64_t number)
{
    begin_value(json);
    (void)fprintf(json->file, "%" PRIu64, number);
}

void gkv_json_signed(struct gkv_json *json, int64_t number)
{
    begin_value(json);
    (void)fprintf(json->file, "%" PRId64, number);
}

void gkv_json_bool(struct gkv_json *json, bool truth)
{
    begin_value(json);
    (void)fputs(truth ? "true" : "false", json->file);
}

void gkv_json_null(struct gkv_json *json)
{
    begin_value(json);
    (void)fputs("null", json->file);
}

void gkv_json_microseconds(struct gkv_json *json, uint64_t time_ns)
{
    begin_value(json);
    (void)fprintf(json->file, "%" PRIu64 ".%03" PRIu64, time_ns / 1000, time_ns % 1000);
}

void gkv_json_text_field(struct gkv_json *json, const char *name, const char *text)
{
    gkv_json_name(json, name);
    gkv_json_text(json, text);
}

void gkv_json_unsigned_field(struct gkv_json *json, const char *name, uint64_t number)
{
    gkv_json_name(json, name);
    gkv_json_unsigned(json, number);
}

void gkv_json_line(struct gkv_json *json)
{
    (void)fputs(json->needs_comma ? ",\n" : "\n", json->file);
    json->needs_comma = false;
}
