#include "sim/page.h"

#include "sim/history.h"
#include "sim/json.h"
#include "sim/page_text.h"

#define FLAG_DATAGRAM 1u
#define FLAG_COPY 2u
#define FLAG_LOST 4u

/* A number, or -1 for none. */
static void write_number(struct gkv_json *json, uint64_t number, bool is_there)
{
    if (is_there) {
        gkv_json_unsigned(json, number);
    } else {
        gkv_json_signed(json, -1);
    }
}

static void write_message(struct gkv_json *json, const struct gkv_journal_message *message,
                          bool is_lost)
{
    const unsigned flags = (message->is_datagram ? FLAG_DATAGRAM : 0u) |
                           (message->is_copy ? FLAG_COPY : 0u) | (is_lost ? FLAG_LOST : 0u);
    gkv_json_line(json);
    gkv_json_open(json, '[');
    gkv_json_unsigned(json, message->send_ns);
    write_number(json, message->arrival_ns, message->arrival_ns != GKV_NEVER);
    gkv_json_unsigned(json, message->from);
    gkv_json_unsigned(json, message->to);
    gkv_json_unsigned(json, message->kind);
    write_number(json, message->key, message->key != GKV_HISTORY_NONE);
    gkv_json_unsigned(json, message->bytes);
    gkv_json_unsigned(json, flags);
    gkv_json_text(json, message->text);
    gkv_json_close(json, ']');
}

static void write_operation(struct gkv_json *json, const struct gkv_journal_operation *operation)
{
    char version[GKV_JOURNAL_VERSION_BYTES];
    gkv_journal_version_text(operation->version, version);
    gkv_json_line(json);
    gkv_json_open(json, '[');
    gkv_json_unsigned(json, operation->begin_ns);
    gkv_json_unsigned(json, operation->end_ns);
    gkv_json_unsigned(json, operation->client);
    gkv_json_unsigned(json, operation->node);
    gkv_json_unsigned(json, (uint64_t)operation->kind);
    write_number(json, operation->key, operation->key != GKV_HISTORY_NONE);
    write_number(json, operation->value, operation->value != GKV_HISTORY_NONE);
    gkv_json_text(json, gkv_journal_result_name(operation));
    gkv_json_text(json, version);
    gkv_json_text(json, gkv_journal_status_name(operation));
    gkv_json_unsigned(json, operation->ttl_ms);
    gkv_json_unsigned(json, operation->cookie);
    gkv_json_close(json, ']');
}

static void write_mark(struct gkv_json *json, const struct gkv_journal_mark *mark)
{
    char text[GKV_JOURNAL_TEXT_BYTES];
    gkv_journal_mark_text(mark, text);
    gkv_json_line(json);
    gkv_json_open(json, '[');
    gkv_json_unsigned(json, mark->time_ns);
    gkv_json_unsigned(json, (uint64_t)mark->kind);
    write_number(json, mark->node, mark->node != GKV_HISTORY_NONE);
    write_number(json, mark->peer, mark->peer != GKV_HISTORY_NONE);
    gkv_json_unsigned(json, (uint64_t)mark->state);
    gkv_json_text(json, text);
    gkv_json_close(json, ']');
}

static void write_head(struct gkv_json *json, const struct gkv_journal *journal)
{
    const struct gkv_journal_end *end = gkv_journal_end(journal);
    const struct gkv_journal_options *options = gkv_journal_options(journal);
    gkv_json_text_field(json, "verdict", end->is_over ? end->sentence : "The run is not over");
    gkv_json_text_field(json, "replay", end->replay);
    gkv_json_text_field(json, "check", end->check);
    gkv_json_name(json, "failed");
    gkv_json_bool(json, end->is_failure);
    gkv_json_unsigned_field(json, "time",
                            end->is_over ? end->time_ns : gkv_journal_last_ns(journal));
    gkv_json_name(json, "node");
    write_number(json, end->node, end->node != GKV_HISTORY_NONE);
    gkv_json_name(json, "key");
    write_number(json, end->key, end->key != GKV_HISTORY_NONE);
    gkv_json_unsigned_field(json, "nodes", options->node_count);
    gkv_json_name(json, "names");
    gkv_json_open(json, '[');
    for (uint32_t i = 0; i < options->node_count; i++) {
        gkv_json_text(json, gkv_host_text(i).text);
    }
    gkv_json_close(json, ']');
    gkv_json_unsigned_field(json, "clients", options->client_count);
    gkv_json_unsigned_field(json, "last", gkv_journal_last_ns(journal));
    gkv_json_unsigned_field(json, "leftOut", gkv_journal_left_out_count(journal));
    gkv_json_name(json, "kinds");
    gkv_json_open(json, '[');
    for (uint32_t i = 0; i < GKV_MESSAGE_KIND_COUNT; i++) {
        gkv_json_text(json, gkv_message_kind_name(i));
    }
    gkv_json_close(json, ']');
}

static void write_data(const struct gkv_journal *journal, FILE *file)
{
    struct gkv_json json;
    gkv_json_init(&json, file);
    gkv_json_open(&json, '{');
    write_head(&json, journal);
    gkv_json_name(&json, "messages");
    gkv_json_open(&json, '[');
    for (uint32_t i = 0; i < gkv_journal_message_count(journal); i++) {
        const struct gkv_journal_message *message = gkv_journal_message(journal, i);
        write_message(&json, message, gkv_journal_is_lost(journal, message));
    }
    gkv_json_close(&json, ']');
    gkv_json_name(&json, "operations");
    gkv_json_open(&json, '[');
    for (uint32_t i = 0; i < gkv_journal_operation_count(journal); i++) {
        write_operation(&json, gkv_journal_operation(journal, i));
    }
    gkv_json_close(&json, ']');
    gkv_json_name(&json, "marks");
    gkv_json_open(&json, '[');
    for (uint32_t i = 0; i < gkv_journal_mark_count(journal); i++) {
        write_mark(&json, gkv_journal_mark(journal, i));
    }
    gkv_json_close(&json, ']');
    gkv_json_close(&json, '}');
}

void gkv_page_write(const struct gkv_journal *journal, FILE *file)
{
    (void)fputs("<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
                "<meta name=\"viewport\" content=\"width=device-width\">\n"
                "<link rel=\"icon\" href=\"data:,\">\n<title>gridkv-sim</title>\n<style>\n",
                file);
    (void)fputs(gkv_page_style_css, file);
    (void)fputs("</style>\n", file);
    (void)fputs(gkv_page_body_html, file);
    (void)fputs("<script id=\"data\" type=\"application/json\">", file);
    write_data(journal, file);
    (void)fputs("</script>\n<script>\n", file);
    (void)fputs(gkv_page_model_js, file);
    (void)fputs(gkv_page_draw_js, file);
    (void)fputs(gkv_page_hand_js, file);
    (void)fputs("</script>\n</html>\n", file);
}
