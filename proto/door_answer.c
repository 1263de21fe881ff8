#include "proto/door_answer.h"

#include <string.h>

#include "core/panic.h"
#include "proto/address.h"
#include "proto/door_info.h"

/* A quotation of the client's words in an error, as long as Redis lets it be. */
#define QUOTE_BYTES_MAX 128

struct answer {
    struct gkv_door *door;
    const struct gkv_door_view *view;
    const struct gkv_door_words *words;
    struct gkv_resp_writer *writer;
};

/* ---- Errors ---------------------------------------------------------------------------------- */

/* A subcommand as Redis names it in errors. */
static void write_lower(struct gkv_resp_writer *writer, struct gkv_bytes word)
{
    for (size_t i = 0; i < word.count && i < QUOTE_BYTES_MAX; i++) {
        const uint8_t byte = word.data[i];
        const bool is_upper = byte >= 'A' && byte <= 'Z';
        const uint8_t lower = (uint8_t)(is_upper ? byte - 'A' + 'a' : byte);
        gkv_resp_write_raw(writer, &lower, 1);
    }
}

/* CR and LF of the client would end our line. */
static void write_quoted(struct gkv_resp_writer *writer, struct gkv_bytes word, size_t bytes_max)
{
    for (size_t i = 0; i < word.count && i < bytes_max; i++) {
        const uint8_t byte = word.data[i];
        const bool breaks_line = byte == '\r' || byte == '\n' || byte == '\0';
        gkv_resp_write_raw(writer, breaks_line ? (const uint8_t *)" " : &byte, 1);
    }
}

void gkv_door_answer_unknown(const struct gkv_door_words *words, struct gkv_resp_writer *writer)
{
    gkv_resp_write_text(writer, "-ERR unknown command '");
    write_quoted(writer, gkv_door_word(words, 0), QUOTE_BYTES_MAX);
    gkv_resp_write_text(writer, "', with args beginning with: ");
    size_t left = QUOTE_BYTES_MAX;
    for (uint32_t i = 1; i < words->count && left > 0; i++) {
        const struct gkv_bytes word = gkv_door_word(words, i);
        gkv_resp_write_text(writer, "'");
        write_quoted(writer, word, left);
        gkv_resp_write_text(writer, "' ");
        left -= word.count + 3 < left ? word.count + 3 : left;
    }
    gkv_resp_write_text(writer, "\r\n");
}

/* sub: one of ours, as the client wrote it; or empty. */
static void write_arity(struct gkv_resp_writer *writer, const char *name, struct gkv_bytes sub)
{
    gkv_resp_write_text(writer, "-ERR wrong number of arguments for '");
    gkv_resp_write_text(writer, name);
    if (sub.count > 0) {
        gkv_resp_write_text(writer, "|");
        write_lower(writer, sub);
    }
    gkv_resp_write_text(writer, "' command\r\n");
}

void gkv_door_answer_arity(const struct gkv_door_command *command, struct gkv_resp_writer *writer)
{
    write_arity(writer, command->name, (struct gkv_bytes){0});
}

static void write_unknown_subcommand(const struct answer *answer, const char *name)
{
    gkv_resp_write_text(answer->writer, "-ERR unknown subcommand '");
    write_quoted(answer->writer, gkv_door_word(answer->words, 1), QUOTE_BYTES_MAX);
    gkv_resp_write_text(answer->writer, "'. Try ");
    gkv_resp_write_text(answer->writer, name);
    gkv_resp_write_text(answer->writer, " HELP.\r\n");
}

/* ---- The connection -------------------------------------------------------------------------- */

static void answer_ping(const struct answer *answer)
{
    if (answer->words->count > 2) {
        write_arity(answer->writer, "ping", (struct gkv_bytes){0});
    } else if (answer->words->count == 2) {
        gkv_resp_write_bulk(answer->writer, gkv_door_word(answer->words, 1));
    } else {
        gkv_resp_write_simple(answer->writer, "PONG");
    }
}

/* Copy a client's name: false, and an error written, when it cannot be one. */
static bool set_client_name(const struct answer *answer, struct gkv_bytes name)
{
    for (size_t i = 0; i < name.count; i++) {
        if (name.data[i] < '!' || name.data[i] > '~') {
            gkv_resp_write_error(
                answer->writer, "ERR",
                "Client names cannot contain spaces, newlines or special characters.");
            return false;
        }
    }
    if (name.count > GKV_DOOR_CLIENT_NAME_BYTES_MAX) {
        gkv_resp_write_error(answer->writer, "ERR", "Client names are at most 128 bytes long.");
        return false;
    }
    memcpy(answer->door->client_name, name.data, name.count);
    answer->door->client_name_bytes = (uint32_t)name.count;
    return true;
}

static void write_pair(struct gkv_resp_writer *writer, const char *name, const char *value)
{
    gkv_resp_write_bulk_text(writer, name);
    gkv_resp_write_bulk_text(writer, value);
}

static void write_hello(const struct answer *answer)
{
    struct gkv_resp_writer *writer = answer->writer;
    gkv_resp_write_map(writer, 7);
    write_pair(writer, "server", "redis");
    write_pair(writer, "version", GKV_RESP_REDIS_VERSION);
    gkv_resp_write_bulk_text(writer, "proto");
    gkv_resp_write_integer(writer, writer->is_resp3 ? 3 : 2);
    gkv_resp_write_bulk_text(writer, "id");
    gkv_resp_write_integer(writer, (int64_t)answer->door->connection_id);
    write_pair(writer, "mode", "standalone");
    write_pair(writer, "role", "master");
    gkv_resp_write_bulk_text(writer, "modules");
    gkv_resp_write_array(writer, 0);
}

/* There is no password, and one user, whom Redis lets in with any: "default", in this very case.
 * False, and an error written: it is somebody else. */
static bool check_user(const struct answer *answer, struct gkv_bytes user)
{
    static const uint8_t name[] = {'d', 'e', 'f', 'a', 'u', 'l', 't'};
    if (gkv_bytes_equal(user, (struct gkv_bytes){name, sizeof(name)})) {
        return true;
    }
    gkv_resp_write_error(answer->writer, "WRONGPASS",
                         "invalid username-password pair or user is disabled.");
    return false;
}

/* HELLO [2|3 [AUTH user password] [SETNAME name]]: nothing changes unless all of it is right. */
static void answer_hello(const struct answer *answer)
{
    const struct gkv_door_words *words = answer->words;
    int64_t version = answer->door->is_resp3 ? 3 : 2;
    if (words->count > 1 && !gkv_resp_parse_integer(gkv_door_word(words, 1), &version)) {
        gkv_resp_write_error(answer->writer, "ERR",
                             "Protocol version is not an integer or out of range");
        return;
    }
    if (version != 2 && version != 3) {
        gkv_resp_write_error(answer->writer, "NOPROTO", "unsupported protocol version");
        return;
    }
    struct gkv_bytes name = {0};
    struct gkv_bytes user = {0};
    bool has_name = false;
    bool has_user = false;
    for (uint32_t i = 2; i < words->count;) {
        const struct gkv_bytes option = gkv_door_word(words, i);
        if (gkv_door_word_is(option, "auth") && i + 2 < words->count) {
            user = gkv_door_word(words, i + 1);
            has_user = true;
            i += 3;
        } else if (gkv_door_word_is(option, "setname") && i + 1 < words->count) {
            name = gkv_door_word(words, i + 1);
            has_name = true;
            i += 2;
        } else {
            gkv_resp_write_text(answer->writer, "-ERR Syntax error in HELLO option '");
            write_quoted(answer->writer, option, QUOTE_BYTES_MAX);
            gkv_resp_write_text(answer->writer, "'\r\n");
            return;
        }
    }
    if ((has_user && !check_user(answer, user)) || (has_name && !set_client_name(answer, name))) {
        return;
    }
    answer->door->is_resp3 = version == 3;
    answer->writer->is_resp3 = version == 3;
    write_hello(answer);
}

static void answer_auth(const struct answer *answer)
{
    if (answer->words->count > 3) {
        gkv_resp_write_error(answer->writer, "ERR", "syntax error");
    } else if (answer->words->count == 3) {
        if (check_user(answer, gkv_door_word(answer->words, 1))) {
            gkv_resp_write_simple(answer->writer, "OK");
        }
    } else {
        gkv_resp_write_error(answer->writer, "ERR",
                             "AUTH <password> called without any password configured for the "
                             "default user. Are you sure your configuration is correct?");
    }
}

static void answer_select(const struct answer *answer)
{
    int64_t number;
    if (!gkv_resp_parse_integer(gkv_door_word(answer->words, 1), &number)) {
        gkv_resp_write_error(answer->writer, "ERR", "value is not an integer or out of range");
    } else if (number != 0) {
        gkv_resp_write_error(answer->writer, "ERR", "DB index is out of range");
    } else {
        gkv_resp_write_simple(answer->writer, "OK");
    }
}

static void write_client(const struct answer *answer)
{
    struct gkv_resp_writer *writer = answer->writer;
    const size_t begun = gkv_resp_begin_report(writer);
    gkv_resp_write_text(writer, "id=");
    gkv_resp_write_decimal(writer, (int64_t)answer->door->connection_id);
    gkv_resp_write_text(writer, " name=");
    gkv_resp_write_raw(writer, answer->door->client_name, answer->door->client_name_bytes);
    gkv_resp_write_text(writer, " flags=N db=0 sub=0 psub=0 multi=-1 user=default resp=");
    gkv_resp_write_text(writer, writer->is_resp3 ? "3\n" : "2\n");
    gkv_resp_end_report(writer, begun);
}

/* What can be said of the door's own connection; the door knows no other. */
enum client_sub {
    CLIENT_ID,
    CLIENT_GETNAME,
    CLIENT_INFO,
    CLIENT_LIST,
    CLIENT_SETNAME,
    CLIENT_NO_EVICT,
    CLIENT_NO_TOUCH,
    CLIENT_SETINFO,
    CLIENT_SUB_COUNT,
};

static const struct {
    const char *name;
    uint32_t word_count;
} client_subs[CLIENT_SUB_COUNT] = {
    {"id", 2},      {"getname", 2},  {"info", 2},     {"list", 2},
    {"setname", 3}, {"no-evict", 3}, {"no-touch", 3}, {"setinfo", 4},
};

static enum client_sub find_client_sub(struct gkv_bytes word)
{
    uint32_t i = 0;
    while (i < CLIENT_SUB_COUNT && !gkv_door_word_is(word, client_subs[i].name)) {
        i++;
    }
    return (enum client_sub)i;
}

static void answer_switch(const struct answer *answer)
{
    const struct gkv_bytes word = gkv_door_word(answer->words, 2);
    if (gkv_door_word_is(word, "on") || gkv_door_word_is(word, "off")) {
        gkv_resp_write_simple(answer->writer, "OK");
    } else {
        gkv_resp_write_error(answer->writer, "ERR", "syntax error");
    }
}

static void answer_setinfo(const struct answer *answer)
{
    const struct gkv_bytes word = gkv_door_word(answer->words, 2);
    if (gkv_door_word_is(word, "lib-name") || gkv_door_word_is(word, "lib-ver")) {
        gkv_resp_write_simple(answer->writer, "OK");
    } else {
        gkv_resp_write_text(answer->writer, "-ERR Unrecognized option '");
        write_quoted(answer->writer, word, QUOTE_BYTES_MAX);
        gkv_resp_write_text(answer->writer, "'\r\n");
    }
}

static void answer_getname(const struct answer *answer)
{
    const struct gkv_door *door = answer->door;
    if (door->client_name_bytes == 0) {
        gkv_resp_write_null(answer->writer);
    } else {
        gkv_resp_write_bulk(answer->writer,
                            (struct gkv_bytes){door->client_name, door->client_name_bytes});
    }
}

static void answer_client(const struct answer *answer)
{
    const struct gkv_bytes word = gkv_door_word(answer->words, 1);
    const enum client_sub sub = find_client_sub(word);
    if (sub == CLIENT_SUB_COUNT) {
        write_unknown_subcommand(answer, "CLIENT");
        return;
    }
    if (answer->words->count != client_subs[sub].word_count) {
        write_arity(answer->writer, "client", word);
        return;
    }
    switch (sub) {
    case CLIENT_ID:
        gkv_resp_write_integer(answer->writer, (int64_t)answer->door->connection_id);
        break;
    case CLIENT_GETNAME:
        answer_getname(answer);
        break;
    case CLIENT_INFO:
    case CLIENT_LIST:
        write_client(answer);
        break;
    case CLIENT_SETNAME:
        if (set_client_name(answer, gkv_door_word(answer->words, 2))) {
            gkv_resp_write_simple(answer->writer, "OK");
        }
        break;
    case CLIENT_NO_EVICT:
    case CLIENT_NO_TOUCH:
        answer_switch(answer);
        break;
    case CLIENT_SETINFO:
        answer_setinfo(answer);
        break;
    case CLIENT_SUB_COUNT:
        GKV_ASSERT(sub != CLIENT_SUB_COUNT);
        break;
    }
}

/* ---- COMMAND --------------------------------------------------------------------------------- */

static void write_command(struct gkv_resp_writer *writer, const struct gkv_door_command *command)
{
    static const char *const flag_names[] = {"write", "readonly", "fast", "admin"};
    uint32_t flag_count = 0;
    for (uint32_t i = 0; i < 4; i++) {
        flag_count += command->flags >> i & 1;
    }
    gkv_resp_write_array(writer, 6);
    gkv_resp_write_bulk_text(writer, command->name);
    gkv_resp_write_integer(writer, command->arity);
    gkv_resp_write_array(writer, flag_count);
    for (uint32_t i = 0; i < 4; i++) {
        if ((command->flags >> i & 1) != 0) {
            gkv_resp_write_simple(writer, flag_names[i]);
        }
    }
    gkv_resp_write_integer(writer, command->first_key);
    gkv_resp_write_integer(writer, command->last_key);
    gkv_resp_write_integer(writer, command->key_step);
}

static void answer_command(const struct answer *answer)
{
    const struct gkv_door_words *words = answer->words;
    struct gkv_resp_writer *writer = answer->writer;
    const struct gkv_bytes sub = words->count > 1 ? gkv_door_word(words, 1) : (struct gkv_bytes){0};
    const uint32_t count = gkv_door_command_count();
    if (words->count == 1 || (words->count == 2 && gkv_door_word_is(sub, "info"))) {
        gkv_resp_write_array(writer, count);
        for (uint32_t i = 0; i < count; i++) {
            write_command(writer, gkv_door_command_at(i));
        }
    } else if (gkv_door_word_is(sub, "count") && words->count > 2) {
        write_arity(writer, "command", sub);
    } else if (gkv_door_word_is(sub, "count")) {
        gkv_resp_write_integer(writer, count);
    } else if (gkv_door_word_is(sub, "docs")) {
        gkv_resp_write_map(writer, 0);
    } else if (gkv_door_word_is(sub, "list")) {
        gkv_resp_write_array(writer, count);
        for (uint32_t i = 0; i < count; i++) {
            gkv_resp_write_bulk_text(writer, gkv_door_command_at(i)->name);
        }
    } else if (gkv_door_word_is(sub, "info")) {
        gkv_resp_write_array(writer, words->count - 2);
        for (uint32_t i = 2; i < words->count; i++) {
            const struct gkv_door_command *found = gkv_door_command_find(gkv_door_word(words, i));
            if (found == NULL) {
                gkv_resp_write_null(writer);
            } else {
                write_command(writer, found);
            }
        }
    } else {
        write_unknown_subcommand(answer, "COMMAND");
    }
}

/* ---- CONFIG ---------------------------------------------------------------------------------- */

enum config {
    CONFIG_SAVE,
    CONFIG_APPEND_ONLY,
    CONFIG_MAX_MEMORY,
    CONFIG_MAX_MEMORY_POLICY,
    CONFIG_DATABASES,
    CONFIG_TIMEOUT,
    CONFIG_COUNT,
};

static const char *const config_names[CONFIG_COUNT] = {
    "save", "appendonly", "maxmemory", "maxmemory-policy", "databases", "timeout"};

static void write_config(const struct answer *answer, uint32_t config)
{
    static const char *const fixed[CONFIG_COUNT] = {"", "no", NULL, NULL, "1", "0"};
    struct gkv_resp_writer *writer = answer->writer;
    gkv_resp_write_bulk_text(writer, config_names[config]);
    if (config == CONFIG_MAX_MEMORY) {
        const size_t begun = gkv_resp_begin_bulk(writer);
        gkv_resp_write_decimal(writer,
                               (int64_t)gkv_node_options(answer->view->node)->memory_limit_bytes);
        gkv_resp_end_bulk(writer, begun);
    } else if (config == CONFIG_MAX_MEMORY_POLICY) {
        gkv_resp_write_bulk_text(writer, gkv_door_policy_text(answer->view->node));
    } else {
        gkv_resp_write_bulk_text(writer, fixed[config]);
    }
}

/* True when one of the patterns names it; "*" is the only pattern with a wildcard. */
static bool is_config_asked(const struct gkv_door_words *words, const char *name)
{
    for (uint32_t i = 2; i < words->count; i++) {
        const struct gkv_bytes pattern = gkv_door_word(words, i);
        if (gkv_door_word_is(pattern, name) || gkv_door_word_is(pattern, "*")) {
            return true;
        }
    }
    return false;
}

static void answer_config(const struct answer *answer)
{
    const struct gkv_bytes sub = gkv_door_word(answer->words, 1);
    struct gkv_resp_writer *writer = answer->writer;
    if (!gkv_door_word_is(sub, "get")) {
        write_unknown_subcommand(answer, "CONFIG");
        return;
    }
    if (answer->words->count < 3) {
        write_arity(writer, "config", sub);
        return;
    }
    uint32_t count = 0;
    for (uint32_t i = 0; i < CONFIG_COUNT; i++) {
        count += is_config_asked(answer->words, config_names[i]);
    }
    gkv_resp_write_map(writer, count);
    for (uint32_t i = 0; i < CONFIG_COUNT; i++) {
        if (is_config_asked(answer->words, config_names[i])) {
            write_config(answer, i);
        }
    }
}

/* ---- The cluster ----------------------------------------------------------------------------- */

static void write_name(struct gkv_resp_writer *writer, const struct gkv_name *name)
{
    gkv_resp_write_bulk(writer, (struct gkv_bytes){(const uint8_t *)name->bytes, name->count});
}

static void write_member(struct gkv_resp_writer *writer, const struct gkv_member *member)
{
    const size_t before = writer->count;
    const struct gkv_update *said = &member->said;
    char address[GKV_ADDRESS_TEXT_BYTES];
    (void)gkv_address_text(&said->address, address);
    gkv_resp_write_array(writer, 7);
    write_name(writer, &said->name);
    const size_t begun = gkv_resp_begin_bulk(writer);
    gkv_resp_write_hex(writer, said->who.id.bytes, sizeof(said->who.id.bytes));
    gkv_resp_end_bulk(writer, begun);
    gkv_resp_write_integer(writer, (int64_t)said->who.boot_id);
    gkv_resp_write_bulk_text(writer, gkv_member_state_name(said->state));
    gkv_resp_write_integer(writer, said->incarnation);
    gkv_resp_write_bulk_text(writer, address);
    gkv_resp_write_bulk_text(writer, member->is_degraded ? "degraded" : "well");
    GKV_ASSERT(writer->count - before <= GKV_DOOR_MEMBER_BYTES_MAX);
}

static void answer_members(const struct answer *answer)
{
    const struct gkv_members *members = gkv_node_members(answer->view->node);
    uint32_t count = 0;
    for (uint16_t i = 0; i < members->capacity; i++) {
        count += gkv_member_at(members, i)->said.state != GKV_MEMBER_NONE;
    }
    GKV_ASSERT(count <= GKV_MEMBER_COUNT_MAX);
    gkv_resp_write_array(answer->writer, count);
    for (uint16_t i = 0; i < members->capacity; i++) {
        const struct gkv_member *member = gkv_member_at(members, i);
        if (member->said.state != GKV_MEMBER_NONE) {
            write_member(answer->writer, member);
        }
    }
}

static void answer_owners(const struct answer *answer)
{
    const struct gkv_bytes key = gkv_door_word(answer->words, 1);
    if (key.count == 0 || key.count > GKV_KEY_BYTES_MAX) {
        gkv_resp_write_error(
            answer->writer, "ERR",
            gkv_error_text(key.count == 0 ? GKV_ERROR_KEY_EMPTY : GKV_ERROR_KEY_TOO_LONG));
        return;
    }
    uint16_t owners[GKV_REPLICA_COUNT_MAX];
    const uint32_t count = gkv_node_owners(answer->view->node, key, owners);
    const struct gkv_members *members = gkv_node_members(answer->view->node);
    GKV_ASSERT(count <= GKV_REPLICA_COUNT_MAX);
    gkv_resp_write_array(answer->writer, count);
    for (uint32_t i = 0; i < count; i++) {
        write_name(answer->writer, &gkv_member_at(members, owners[i])->said.name);
    }
}

void gkv_door_answer(struct gkv_door *door, const struct gkv_door_view *view,
                     enum gkv_door_answer_kind kind, const struct gkv_door_words *words,
                     struct gkv_resp_writer *writer)
{
    const struct answer answer = {door, view, words, writer};
    switch (kind) {
    case GKV_DOOR_ANSWER_PING:
        answer_ping(&answer);
        break;
    case GKV_DOOR_ANSWER_ECHO:
        gkv_resp_write_bulk(writer, gkv_door_word(words, 1));
        break;
    case GKV_DOOR_ANSWER_HELLO:
        answer_hello(&answer);
        break;
    case GKV_DOOR_ANSWER_AUTH:
        answer_auth(&answer);
        break;
    case GKV_DOOR_ANSWER_QUIT:
        gkv_resp_write_simple(writer, "OK");
        door->is_closing = true;
        break;
    case GKV_DOOR_ANSWER_RESET:
        door->is_resp3 = false;
        door->client_name_bytes = 0;
        gkv_resp_write_simple(writer, "RESET");
        break;
    case GKV_DOOR_ANSWER_SELECT:
        answer_select(&answer);
        break;
    case GKV_DOOR_ANSWER_DBSIZE:
        gkv_resp_write_integer(writer, (int64_t)gkv_door_key_count(view->node));
        break;
    case GKV_DOOR_ANSWER_INFO:
        gkv_door_info(view, words, writer);
        break;
    case GKV_DOOR_ANSWER_COMMAND:
        answer_command(&answer);
        break;
    case GKV_DOOR_ANSWER_CLIENT:
        answer_client(&answer);
        break;
    case GKV_DOOR_ANSWER_CONFIG:
        answer_config(&answer);
        break;
    case GKV_DOOR_ANSWER_MEMBERS:
        answer_members(&answer);
        break;
    case GKV_DOOR_ANSWER_OWNERS:
        answer_owners(&answer);
        break;
    case GKV_DOOR_ANSWER_NONE:
        GKV_ASSERT(kind != GKV_DOOR_ANSWER_NONE);
        break;
    }
}
