#include "proto/door_answer.h"

#include <string.h>

#include "core/panic.h"
#include "proto/address.h"

/* A quotation of the client's words in an error, as long as Redis lets it be. */
#define QUOTE_BYTES_MAX 128

struct answer {
    struct gkv_door *door;
    struct gkv_node *node;
    const struct gkv_door_words *words;
    struct gkv_resp_writer *writer;
};

/* ---- Errors ---------------------------------------------------------------------------------- */

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

static void write_arity(struct gkv_resp_writer *writer, const char *name, struct gkv_bytes sub)
{
    gkv_resp_write_text(writer, "-ERR wrong number of arguments for '");
    gkv_resp_write_text(writer, name);
    if (sub.count > 0) {
        gkv_resp_write_text(writer, "|");
        write_quoted(writer, sub, QUOTE_BYTES_MAX);
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
    bool has_name = false;
    for (uint32_t i = 2; i < words->count;) {
        const struct gkv_bytes option = gkv_door_word(words, i);
        if (gkv_door_word_is(option, "auth") && i + 2 < words->count) {
            i += 3; /* there is no password: as the default user of Redis, anybody comes in */
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
    if (has_name && !set_client_name(answer, name)) {
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
        gkv_resp_write_simple(answer->writer, "OK");
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
    const size_t begun = gkv_resp_begin_bulk(writer);
    gkv_resp_write_text(writer, "id=");
    gkv_resp_write_decimal(writer, (int64_t)answer->door->connection_id);
    gkv_resp_write_text(writer, " name=");
    gkv_resp_write_raw(writer, answer->door->client_name, answer->door->client_name_bytes);
    gkv_resp_write_text(writer, " flags=N db=0 sub=0 psub=0 multi=-1 user=default resp=");
    gkv_resp_write_text(writer, writer->is_resp3 ? "3\n" : "2\n");
    gkv_resp_end_bulk(writer, begun);
}

/* CLIENT INFO and LIST: of this connection alone, the door knows no other. */
static void answer_client(const struct answer *answer)
{
    const struct gkv_bytes sub = gkv_door_word(answer->words, 1);
    const uint32_t count = answer->words->count;
    struct gkv_resp_writer *writer = answer->writer;
    const bool is_lister = gkv_door_word_is(sub, "info") || gkv_door_word_is(sub, "list");
    const bool takes_none =
        is_lister || gkv_door_word_is(sub, "id") || gkv_door_word_is(sub, "getname");
    const bool takes_switch =
        gkv_door_word_is(sub, "no-evict") || gkv_door_word_is(sub, "no-touch");
    const bool sets_name = gkv_door_word_is(sub, "setname");
    const bool sets_info = gkv_door_word_is(sub, "setinfo");
    if (!takes_none && !takes_switch && !sets_name && !sets_info) {
        write_unknown_subcommand(answer, "CLIENT");
    } else if (count != (takes_none ? 2u : (sets_info ? 4u : 3u))) {
        write_arity(writer, "client", sub);
    } else if (is_lister) {
        write_client(answer);
    } else if (gkv_door_word_is(sub, "id")) {
        gkv_resp_write_integer(writer, (int64_t)answer->door->connection_id);
    } else if (takes_none && answer->door->client_name_bytes == 0) {
        gkv_resp_write_null(writer);
    } else if (takes_none) {
        gkv_resp_write_bulk(
            writer, (struct gkv_bytes){answer->door->client_name, answer->door->client_name_bytes});
    } else if (!sets_name || set_client_name(answer, gkv_door_word(answer->words, 2))) {
        gkv_resp_write_simple(writer, "OK");
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

static void write_null_array(struct gkv_resp_writer *writer)
{
    gkv_resp_write_text(writer, writer->is_resp3 ? "_\r\n" : "*-1\r\n");
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
                write_null_array(writer);
            } else {
                write_command(writer, found);
            }
        }
    } else {
        write_unknown_subcommand(answer, "COMMAND");
    }
}

/* ---- CONFIG ---------------------------------------------------------------------------------- */

static const char *const config_names[] = {
    "save", "appendonly", "maxmemory", "maxmemory-policy", "databases", "timeout"};
static const char *const config_values[] = {"", "no", NULL, "noeviction", "1", "0"};
#define CONFIG_COUNT (sizeof(config_names) / sizeof(config_names[0]))

_Static_assert(sizeof(config_values) == sizeof(config_names), "a value for each name");

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
        if (!is_config_asked(answer->words, config_names[i])) {
            continue;
        }
        gkv_resp_write_bulk_text(writer, config_names[i]);
        if (config_values[i] != NULL) {
            gkv_resp_write_bulk_text(writer, config_values[i]);
        } else {
            const size_t begun = gkv_resp_begin_bulk(writer);
            gkv_resp_write_decimal(writer,
                                   (int64_t)gkv_node_options(answer->node)->memory_limit_bytes);
            gkv_resp_end_bulk(writer, begun);
        }
    }
}

/* ---- INFO ------------------------------------------------------------------------------------ */

static bool is_section_asked(const struct gkv_door_words *words, const char *section)
{
    for (uint32_t i = 1; i < words->count; i++) {
        const struct gkv_bytes word = gkv_door_word(words, i);
        if (gkv_door_word_is(word, section) || gkv_door_word_is(word, "all") ||
            gkv_door_word_is(word, "default") || gkv_door_word_is(word, "everything")) {
            return true;
        }
    }
    return words->count == 1;
}

static void write_field(struct gkv_resp_writer *writer, const char *name, uint64_t number)
{
    gkv_resp_write_text(writer, name);
    gkv_resp_write_text(writer, ":");
    gkv_resp_write_decimal(writer, number > INT64_MAX ? INT64_MAX : (int64_t)number);
    gkv_resp_write_text(writer, "\r\n");
}

/* What a client may count as keys: the values held here, tombstones left out. */
static uint64_t key_count(const struct gkv_store_stats *store)
{
    return store->record_count > store->tombstone_count
               ? store->record_count - store->tombstone_count
               : 0;
}

static void write_digest(struct gkv_resp_writer *writer, const struct gkv_digest *digest)
{
    uint8_t bytes[16];
    for (uint32_t i = 0; i < 8; i++) {
        bytes[i] = (uint8_t)(digest->high >> (56 - 8 * i));
        bytes[8 + i] = (uint8_t)(digest->low >> (56 - 8 * i));
    }
    gkv_resp_write_text(writer, "store_digest:");
    gkv_resp_write_hex(writer, bytes, sizeof(bytes));
    gkv_resp_write_text(writer, "\r\n");
}

enum section {
    SECTION_SERVER,
    SECTION_CLIENTS,
    SECTION_MEMORY,
    SECTION_PERSISTENCE,
    SECTION_STATS,
    SECTION_REPLICATION,
    SECTION_CLUSTER,
    SECTION_KEYSPACE,
    SECTION_GRIDKV,
    SECTION_COUNT,
};

static void write_own_section(struct gkv_resp_writer *writer, const struct gkv_node *node,
                              const struct gkv_node_stats *stats)
{
    write_field(writer, "ready", gkv_node_is_ready(node));
    write_field(writer, "members", stats->member_count);
    write_field(writer, "reachable", stats->reachable_count);
    write_digest(writer, &stats->store_digest);
    write_field(writer, "records", stats->store.record_count);
    write_field(writer, "tombstones", stats->store.tombstone_count);
    write_field(writer, "sync_rounds", stats->sync_round_count);
    write_field(writer, "read_repairs", stats->quorum.read_repair_count);
    write_field(writer, "open_operations", stats->quorum.open_count);
}

static void write_section(struct gkv_resp_writer *writer, enum section section,
                          const struct gkv_node *node, const struct gkv_node_stats *stats)
{
    switch (section) {
    case SECTION_SERVER:
        gkv_resp_write_text(writer, "redis_version:" GKV_RESP_REDIS_VERSION "\r\n"
                                    "gridkv_version:" GKV_VERSION_TEXT "\r\n"
                                    "server_name:gridkv\r\nredis_mode:standalone\r\n");
        break;
    case SECTION_CLIENTS:
        gkv_resp_write_text(writer, "blocked_clients:0\r\n");
        break;
    case SECTION_MEMORY:
        write_field(writer, "used_memory", stats->store.used_bytes);
        write_field(writer, "maxmemory", stats->store.limit_bytes);
        gkv_resp_write_text(writer, "maxmemory_policy:noeviction\r\n");
        break;
    case SECTION_PERSISTENCE:
        gkv_resp_write_text(writer, "loading:0\r\n");
        break;
    case SECTION_STATS:
        write_field(writer, "total_commands_processed", stats->quorum.submitted_count);
        write_field(writer, "expired_keys", stats->store.expired_count);
        break;
    case SECTION_REPLICATION:
        gkv_resp_write_text(writer, "role:master\r\nconnected_slaves:0\r\n");
        break;
    case SECTION_CLUSTER:
        gkv_resp_write_text(writer, "cluster_enabled:0\r\n");
        break;
    case SECTION_KEYSPACE:
        gkv_resp_write_text(writer, "db0:keys=");
        gkv_resp_write_decimal(writer, (int64_t)key_count(&stats->store));
        gkv_resp_write_text(writer, ",expires=0,avg_ttl=0\r\n");
        break;
    case SECTION_GRIDKV:
        write_own_section(writer, node, stats);
        break;
    case SECTION_COUNT:
        GKV_ASSERT(section != SECTION_COUNT);
        break;
    }
}

static void answer_info(const struct answer *answer)
{
    static const char *const sections[SECTION_COUNT][2] = {
        {"server", "# Server\r\n"},   {"clients", "# Clients\r\n"},
        {"memory", "# Memory\r\n"},   {"persistence", "# Persistence\r\n"},
        {"stats", "# Stats\r\n"},     {"replication", "# Replication\r\n"},
        {"cluster", "# Cluster\r\n"}, {"keyspace", "# Keyspace\r\n"},
        {"gridkv", "# GridKV\r\n"},
    };
    const struct gkv_node_stats stats = gkv_node_stats(answer->node);
    struct gkv_resp_writer *writer = answer->writer;
    const size_t begun = gkv_resp_begin_bulk(writer);
    for (uint32_t i = 0; i < SECTION_COUNT; i++) {
        if (!is_section_asked(answer->words, sections[i][0])) {
            continue;
        }
        if (writer->count > begun) {
            gkv_resp_write_text(writer, "\r\n");
        }
        gkv_resp_write_text(writer, sections[i][1]);
        write_section(writer, (enum section)i, answer->node, &stats);
    }
    gkv_resp_end_bulk(writer, begun);
}

/* ---- The cluster ----------------------------------------------------------------------------- */

static const char *state_name(enum gkv_member_state state)
{
    switch (state) {
    case GKV_MEMBER_ALIVE:
        return "alive";
    case GKV_MEMBER_SUSPECT:
        return "suspect";
    case GKV_MEMBER_UNREACHABLE:
        return "unreachable";
    case GKV_MEMBER_LEFT:
        return "left";
    case GKV_MEMBER_NONE:
        break;
    }
    return "none";
}

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
    gkv_resp_write_array(writer, 6);
    write_name(writer, &said->name);
    const size_t begun = gkv_resp_begin_bulk(writer);
    gkv_resp_write_hex(writer, said->who.id.bytes, sizeof(said->who.id.bytes));
    gkv_resp_end_bulk(writer, begun);
    gkv_resp_write_integer(writer, (int64_t)said->who.boot_id);
    gkv_resp_write_bulk_text(writer, state_name(said->state));
    gkv_resp_write_integer(writer, said->incarnation);
    gkv_resp_write_bulk_text(writer, address);
    GKV_ASSERT(writer->count - before <= GKV_DOOR_MEMBER_BYTES_MAX);
}

static void answer_members(const struct answer *answer)
{
    const struct gkv_members *members = gkv_node_members(answer->node);
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
    const uint32_t count = gkv_node_owners(answer->node, key, owners);
    const struct gkv_members *members = gkv_node_members(answer->node);
    GKV_ASSERT(count <= GKV_REPLICA_COUNT_MAX);
    gkv_resp_write_array(answer->writer, count);
    for (uint32_t i = 0; i < count; i++) {
        write_name(answer->writer, &gkv_member_at(members, owners[i])->said.name);
    }
}

void gkv_door_answer(struct gkv_door *door, struct gkv_node *node, enum gkv_door_answer_kind kind,
                     const struct gkv_door_words *words, struct gkv_resp_writer *writer)
{
    const struct answer answer = {door, node, words, writer};
    const struct gkv_node_stats stats =
        kind == GKV_DOOR_ANSWER_DBSIZE ? gkv_node_stats(node) : (struct gkv_node_stats){0};
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
        gkv_resp_write_integer(writer, (int64_t)key_count(&stats.store));
        break;
    case GKV_DOOR_ANSWER_INFO:
        answer_info(&answer);
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
