#include "sim/trace_chrome.h"

#include "sim/history.h"
#include "sim/json.h"

enum lane {
    LANE_SWIM = 1,
    LANE_QUORUM = 2,
    LANE_STORE = 3,
    LANE_CLIENT = 4,
};

/* Which part of a node a message belongs to, where it is sent or where it arrives. */
static enum lane lane_of(uint32_t kind, bool is_sender)
{
    switch ((enum gkv_message_kind)kind) {
    case GKV_MESSAGE_WRITE:
    case GKV_MESSAGE_READ:
        return is_sender ? LANE_QUORUM : LANE_STORE;
    case GKV_MESSAGE_WRITE_REPLY:
    case GKV_MESSAGE_READ_REPLY:
        return is_sender ? LANE_STORE : LANE_QUORUM;
    case GKV_MESSAGE_SYNC_GROUPS:
    case GKV_MESSAGE_SYNC_SLOTS:
    case GKV_MESSAGE_SYNC_KEYS:
    case GKV_MESSAGE_SYNC_PULL:
    case GKV_MESSAGE_SYNC_RECORDS:
        return LANE_STORE;
    case GKV_MESSAGE_NONE:
    case GKV_MESSAGE_PING:
    case GKV_MESSAGE_ACK:
    case GKV_MESSAGE_PING_REQ:
    case GKV_MESSAGE_GOSSIP:
    case GKV_MESSAGE_NACK:
    case GKV_MESSAGE_PUSH_PULL:
        break;
    }
    return LANE_SWIM;
}

/* Where and when an event lies; the caller adds to it and closes it. */
struct place {
    uint32_t node;
    enum lane lane;
    uint64_t time_ns;
};

static void open_event(struct gkv_json *json, const char *phase, const char *name,
                       const struct place *place)
{
    gkv_json_line(json);
    gkv_json_open(json, '{');
    gkv_json_text_field(json, "ph", phase);
    gkv_json_text_field(json, "name", name);
    gkv_json_unsigned_field(json, "pid", place->node + 1u);
    gkv_json_unsigned_field(json, "tid", (uint64_t)place->lane);
    gkv_json_name(json, "ts");
    gkv_json_microseconds(json, place->time_ns);
}

static void write_name(struct gkv_json *json, const char *what, const struct place *place,
                       const char *name)
{
    open_event(json, "M", what, place);
    gkv_json_name(json, "args");
    gkv_json_open(json, '{');
    gkv_json_text_field(json, "name", name);
    gkv_json_close(json, '}');
    gkv_json_close(json, '}');
}

static void write_names(struct gkv_json *json, uint32_t node_count)
{
    static const char *const lanes[] = {"", "swim", "quorum", "store", "client"};
    for (uint32_t i = 0; i < node_count; i++) {
        struct place place = {.node = i, .lane = LANE_SWIM};
        write_name(json, "process_name", &place, gkv_host_text(i).text);
        for (uint32_t lane = LANE_SWIM; lane <= LANE_CLIENT; lane++) {
            place.lane = (enum lane)lane;
            write_name(json, "thread_name", &place, lanes[lane]);
        }
    }
}

static void write_step(struct gkv_json *json, const struct gkv_journal_message *message,
                       const struct place *place, uint32_t order)
{
    open_event(json, "X", gkv_message_kind_name(message->kind), place);
    gkv_json_name(json, "dur");
    gkv_json_microseconds(json, 1000);
    gkv_json_name(json, "args");
    gkv_json_open(json, '{');
    gkv_json_text_field(json, "about", message->text);
    if (message->key != GKV_HISTORY_NONE) {
        gkv_json_unsigned_field(json, "key", message->key);
    }
    gkv_json_unsigned_field(json, "bytes", message->bytes);
    gkv_json_unsigned_field(json, "order", order);
    if (message->arrival_ns == GKV_NEVER) {
        gkv_json_text_field(json, "fate", "not arrived");
    }
    gkv_json_close(json, '}');
    gkv_json_close(json, '}');
}

static void write_flow(struct gkv_json *json, const char *phase, const struct place *place,
                       uint32_t id)
{
    open_event(json, phase, "message", place);
    gkv_json_text_field(json, "cat", "message");
    gkv_json_unsigned_field(json, "id", id);
    if (phase[0] != 's') {
        gkv_json_text_field(json, "bp", "e");
    }
    gkv_json_close(json, '}');
}

/* A copy goes on in the flow of its original: t, as its step is not the last one of that flow in
 * order of writing. */
static void write_message(struct gkv_json *json, const struct gkv_journal_message *message)
{
    const struct place from = {message->from, lane_of(message->kind, true), message->send_ns};
    const struct place to = {message->to, lane_of(message->kind, false), message->arrival_ns};
    if (!message->is_copy) {
        write_step(json, message, &from, message->send_order);
        write_flow(json, "s", &from, message->send_order);
    }
    if (message->arrival_ns != GKV_NEVER) {
        write_step(json, message, &to, message->arrival_order);
        write_flow(json, message->is_copy ? "t" : "f", &to, message->send_order);
    }
}

static void write_operation(struct gkv_json *json, const struct gkv_journal_operation *operation)
{
    char version[GKV_JOURNAL_VERSION_BYTES];
    char name[GKV_JOURNAL_TEXT_BYTES];
    const struct place begin = {operation->node, LANE_CLIENT, operation->begin_ns};
    (void)snprintf(name, sizeof(name), "%s k%u", gkv_journal_operation_name(operation->kind),
                   (unsigned)operation->key);
    open_event(json, "b", name, &begin);
    gkv_json_text_field(json, "cat", "operation");
    gkv_json_unsigned_field(json, "id", operation->cookie);
    gkv_json_name(json, "args");
    gkv_json_open(json, '{');
    gkv_json_unsigned_field(json, "client", operation->client);
    if (operation->value != GKV_HISTORY_NONE) {
        gkv_json_unsigned_field(json, "value", operation->value);
    }
    gkv_json_close(json, '}');
    gkv_json_close(json, '}');
    if (operation->end_ns == 0) {
        return;
    }
    const struct place end = {operation->node, LANE_CLIENT, operation->end_ns};
    gkv_journal_version_text(operation->version, version);
    open_event(json, "e", name, &end);
    gkv_json_text_field(json, "cat", "operation");
    gkv_json_unsigned_field(json, "id", operation->cookie);
    gkv_json_name(json, "args");
    gkv_json_open(json, '{');
    gkv_json_text_field(json, "result", gkv_journal_result_name(operation));
    gkv_json_text_field(json, "version", version);
    gkv_json_close(json, '}');
    gkv_json_close(json, '}');
}

static void write_instant(struct gkv_json *json, uint32_t node, uint64_t time_ns, const char *text)
{
    const bool is_global = node == GKV_HISTORY_NONE;
    const struct place place = {is_global ? 0 : node, LANE_SWIM, time_ns};
    open_event(json, "i", text, &place);
    gkv_json_text_field(json, "s", is_global ? "g" : "p");
    gkv_json_close(json, '}');
}

void gkv_trace_chrome_write(const struct gkv_journal *journal, FILE *file)
{
    struct gkv_json json;
    char text[GKV_JOURNAL_TEXT_BYTES];
    const struct gkv_journal_end *end = gkv_journal_end(journal);
    gkv_json_init(&json, file);
    gkv_json_open(&json, '{');
    gkv_json_text_field(&json, "displayTimeUnit", "ns");
    gkv_json_name(&json, "otherData");
    gkv_json_open(&json, '{');
    gkv_json_text_field(&json, "verdict", end->sentence);
    gkv_json_text_field(&json, "replay", end->replay);
    gkv_json_close(&json, '}');
    gkv_json_name(&json, "traceEvents");
    gkv_json_open(&json, '[');
    write_names(&json, gkv_journal_options(journal)->node_count);
    for (uint32_t i = 0; i < gkv_journal_message_count(journal); i++) {
        write_message(&json, gkv_journal_message(journal, i));
    }
    for (uint32_t i = 0; i < gkv_journal_operation_count(journal); i++) {
        write_operation(&json, gkv_journal_operation(journal, i));
    }
    for (uint32_t i = 0; i < gkv_journal_mark_count(journal); i++) {
        const struct gkv_journal_mark *mark = gkv_journal_mark(journal, i);
        gkv_journal_mark_text(mark, text);
        write_instant(&json, mark->node, mark->time_ns, text);
    }
    if (end->is_failure) {
        write_instant(&json, GKV_HISTORY_NONE, end->time_ns, end->sentence);
    }
    gkv_json_close(&json, ']');
    gkv_json_close(&json, '}');
    (void)fputc('\n', file);
}
