#include "sim/trace_history.h"

#include "sim/history.h"
#include "sim/json.h"

static void write_operation(struct gkv_json *json, const struct gkv_journal_operation *operation)
{
    char version[GKV_JOURNAL_VERSION_BYTES];
    char key[16];
    (void)snprintf(key, sizeof(key), "k%u", (unsigned)operation->key);
    gkv_journal_version_text(operation->version, version);
    gkv_json_open(json, '{');
    gkv_json_unsigned_field(json, "client", operation->client);
    gkv_json_text_field(json, "op", gkv_journal_operation_name(operation->kind));
    gkv_json_text_field(json, "key", key);
    gkv_json_name(json, "value");
    if (operation->value == GKV_HISTORY_NONE) {
        gkv_json_null(json);
    } else {
        gkv_json_unsigned(json, operation->value);
    }
    gkv_json_text_field(json, "version", version);
    gkv_json_unsigned_field(json, "invoke", operation->begin_ns);
    gkv_json_name(json, "return");
    if (operation->end_ns == 0 || operation->is_lost) {
        gkv_json_null(json);
    } else {
        gkv_json_unsigned(json, operation->end_ns);
    }
    gkv_json_text_field(json, "status", gkv_journal_status_name(operation));
    gkv_json_text_field(json, "result", gkv_journal_result_name(operation));
    gkv_json_close(json, '}');
}

void gkv_trace_history_write(const struct gkv_journal *journal, FILE *file)
{
    for (uint32_t i = 0; i < gkv_journal_operation_count(journal); i++) {
        struct gkv_json json;
        gkv_json_init(&json, file);
        write_operation(&json, gkv_journal_operation(journal, i));
        (void)fputc('\n', file);
    }
}
