#include "proto/door_command.h"

#include <stddef.h>

#include "core/error.h"
#include "core/panic.h"

#define WRITES GKV_DOOR_COMMAND_WRITES
#define READS GKV_DOOR_COMMAND_READS
#define FAST GKV_DOOR_COMMAND_IS_FAST
#define ADMIN GKV_DOOR_COMMAND_IS_ADMIN

static const char syntax_error[] = "syntax error";
static const char integer_error[] = "value is not an integer or out of range";

/* clang-format off */
static const struct gkv_door_command commands[] = {
    /* name        arity first last step flags          verb                    answer */
    {"get",           2,   1,   1,  1,   READS | FAST,  GKV_DOOR_VERB_VALUE,    0},
    {"set",          -3,   1,   1,  1,   WRITES,        GKV_DOOR_VERB_SET,      0},
    {"ping",         -1,   0,   0,  0,   FAST,          0, GKV_DOOR_ANSWER_PING},
    {"del",          -2,   1,  -1,  1,   WRITES,        GKV_DOOR_VERB_DELETE,   0},
    {"unlink",       -2,   1,  -1,  1,   WRITES | FAST, GKV_DOOR_VERB_DELETE,   0},
    {"exists",       -2,   1,  -1,  1,   READS | FAST,  GKV_DOOR_VERB_EXISTS,   0},
    {"touch",        -2,   1,  -1,  1,   READS | FAST,  GKV_DOOR_VERB_EXISTS,   0},
    {"mget",         -2,   1,  -1,  1,   READS | FAST,  GKV_DOOR_VERB_VALUE,    0},
    {"mset",         -3,   1,  -1,  2,   WRITES,        GKV_DOOR_VERB_SET,      0},
    {"setex",         4,   1,   1,  1,   WRITES,        GKV_DOOR_VERB_SET,      0},
    {"psetex",        4,   1,   1,  1,   WRITES,        GKV_DOOR_VERB_SET,      0},
    {"setnx",         3,   1,   1,  1,   WRITES | FAST, GKV_DOOR_VERB_SET_FLAG, 0},
    {"ttl",           2,   1,   1,  1,   READS | FAST,  GKV_DOOR_VERB_TTL,      0},
    {"pttl",          2,   1,   1,  1,   READS | FAST,  GKV_DOOR_VERB_PTTL,     0},
    {"type",          2,   1,   1,  1,   READS | FAST,  GKV_DOOR_VERB_TYPE,     0},
    {"strlen",        2,   1,   1,  1,   READS | FAST,  GKV_DOOR_VERB_LENGTH,   0},
    {"echo",          2,   0,   0,  0,   FAST,          0, GKV_DOOR_ANSWER_ECHO},
    {"hello",        -1,   0,   0,  0,   FAST,          0, GKV_DOOR_ANSWER_HELLO},
    {"auth",         -2,   0,   0,  0,   FAST,          0, GKV_DOOR_ANSWER_AUTH},
    {"quit",         -1,   0,   0,  0,   FAST,          0, GKV_DOOR_ANSWER_QUIT},
    {"reset",         1,   0,   0,  0,   FAST,          0, GKV_DOOR_ANSWER_RESET},
    {"select",        2,   0,   0,  0,   FAST,          0, GKV_DOOR_ANSWER_SELECT},
    {"dbsize",        1,   0,   0,  0,   READS | FAST,  0, GKV_DOOR_ANSWER_DBSIZE},
    {"info",         -1,   0,   0,  0,   0,             0, GKV_DOOR_ANSWER_INFO},
    {"command",      -1,   0,   0,  0,   0,             0, GKV_DOOR_ANSWER_COMMAND},
    {"client",       -2,   0,   0,  0,   0,             0, GKV_DOOR_ANSWER_CLIENT},
    {"config",       -2,   0,   0,  0,   ADMIN,         0, GKV_DOOR_ANSWER_CONFIG},
    {"gkv.members",   1,   0,   0,  0,   0,             0, GKV_DOOR_ANSWER_MEMBERS},
    {"gkv.owners",    2,   1,   1,  1,   READS,         0, GKV_DOOR_ANSWER_OWNERS},
};
/* clang-format on */

struct gkv_bytes gkv_door_word(const struct gkv_door_words *words, uint32_t index)
{
    GKV_ASSERT(index < words->count);
    const struct gkv_resp_argument *argument = &words->arguments[index];
    return (struct gkv_bytes){words->data + argument->offset, argument->bytes};
}

bool gkv_door_word_is(struct gkv_bytes word, const char *text)
{
    size_t i = 0;
    for (; i < word.count && text[i] != '\0'; i++) {
        const uint8_t byte = word.data[i];
        const uint8_t lower = byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte - 'A' + 'a') : byte;
        if (lower != (uint8_t)text[i]) {
            return false;
        }
    }
    return i == word.count && text[i] == '\0';
}

uint32_t gkv_door_command_count(void)
{
    return sizeof(commands) / sizeof(commands[0]);
}

const struct gkv_door_command *gkv_door_command_at(uint32_t index)
{
    GKV_ASSERT(index < gkv_door_command_count());
    return &commands[index];
}

const struct gkv_door_command *gkv_door_command_find(struct gkv_bytes name)
{
    for (uint32_t i = 0; i < gkv_door_command_count(); i++) {
        if (gkv_door_word_is(name, commands[i].name)) {
            return &commands[i];
        }
    }
    return NULL;
}

bool gkv_door_command_arity_fits(const struct gkv_door_command *command, uint32_t word_count)
{
    GKV_ASSERT(command->arity != 0);
    return command->arity > 0 ? word_count == (uint32_t)command->arity
                              : word_count >= (uint32_t)-command->arity;
}

/* ---- Expiry ---------------------------------------------------------------------------------- */

struct expiry_option {
    const char *name;
    bool is_seconds;
    bool is_absolute;
};

static const struct expiry_option expiry_options[] = {
    {"ex", true, false},
    {"px", false, false},
    {"exat", true, true},
    {"pxat", false, true},
};

static const struct expiry_option *find_expiry_option(struct gkv_bytes word)
{
    for (uint32_t i = 0; i < sizeof(expiry_options) / sizeof(expiry_options[0]); i++) {
        if (gkv_door_word_is(word, expiry_options[i].name)) {
            return &expiry_options[i];
        }
    }
    return NULL;
}

static const char *expiry_error(const struct gkv_door_command *command)
{
    if (command->arity != 4) {
        return "invalid expire time in 'set' command";
    }
    return command->name[0] == 'p' ? "invalid expire time in 'psetex' command"
                                   : "invalid expire time in 'setex' command";
}

/* Take an expiry's number in: NULL, or the error. A moment in the past makes the set a delete, as
 * in Redis, where the key would be gone at once. */
static const char *plan_expiry(struct gkv_door_plan *plan, const struct gkv_door_command *command,
                               const struct expiry_option *option, struct gkv_bytes word,
                               uint64_t wall_ms)
{
    int64_t number;
    if (!gkv_resp_parse_integer(word, &number)) {
        return integer_error;
    }
    if (number <= 0 || (option->is_seconds && number > INT64_MAX / 1000)) {
        return expiry_error(command);
    }
    uint64_t ms = (uint64_t)number * (option->is_seconds ? 1000 : 1);
    if (option->is_absolute) {
        plan->deletes = ms <= wall_ms;
        ms = plan->deletes ? 0 : ms - wall_ms;
    }
    if (ms > GKV_TTL_MS_MAX) {
        return expiry_error(command);
    }
    plan->ttl_ms = ms;
    return NULL;
}

/* SET key value [NX | XX] [EX s | PX ms | EXAT s | PXAT ms | KEEPTTL]; GET is not offered. */
static const char *plan_set_options(struct gkv_door_plan *plan,
                                    const struct gkv_door_command *command,
                                    const struct gkv_door_words *words, uint64_t wall_ms)
{
    bool has_expiry = false;
    for (uint32_t i = 3; i < words->count; i++) {
        const struct gkv_bytes word = gkv_door_word(words, i);
        const struct expiry_option *option = find_expiry_option(word);
        if (option != NULL) {
            if (has_expiry || i + 1 == words->count) {
                return syntax_error;
            }
            has_expiry = true;
            i++;
            const char *error =
                plan_expiry(plan, command, option, gkv_door_word(words, i), wall_ms);
            if (error != NULL) {
                return error;
            }
        } else if (gkv_door_word_is(word, "keepttl") && (!has_expiry || plan->keeps_ttl)) {
            has_expiry = true;
            plan->keeps_ttl = true;
        } else if (gkv_door_word_is(word, "nx") && plan->condition != GKV_DOOR_IF_PRESENT) {
            plan->condition = GKV_DOOR_IF_ABSENT;
        } else if (gkv_door_word_is(word, "xx") && plan->condition != GKV_DOOR_IF_ABSENT) {
            plan->condition = GKV_DOOR_IF_PRESENT;
        } else {
            return syntax_error;
        }
    }
    return NULL;
}

/* ---- Plans ----------------------------------------------------------------------------------- */

static const char *plan_writes(struct gkv_door_plan *plan, const struct gkv_door_command *command,
                               const struct gkv_door_words *words, uint64_t wall_ms)
{
    plan->value_index = 2;
    if (plan->verb == GKV_DOOR_VERB_SET_FLAG) {
        plan->condition = GKV_DOOR_IF_ABSENT;
        return NULL;
    }
    if (command->key_step == 2) {
        return words->count % 2 == 1 ? NULL : "wrong number of arguments for 'mset' command";
    }
    if (command->arity == 4) {
        plan->value_index = 3;
        return plan_expiry(plan, command, &expiry_options[command->name[0] == 'p' ? 1 : 0],
                           gkv_door_word(words, 2), wall_ms);
    }
    return plan_set_options(plan, command, words, wall_ms);
}

static const char *check_sizes(const struct gkv_door_plan *plan, const struct gkv_door_words *words,
                               uint32_t value_bytes_max)
{
    for (uint32_t i = 0; i < plan->key_count; i++) {
        const size_t key_bytes = gkv_door_word(words, plan->first_key + i * plan->key_step).count;
        if (key_bytes == 0) {
            return gkv_error_text(GKV_ERROR_KEY_EMPTY);
        }
        if (key_bytes > GKV_KEY_BYTES_MAX) {
            return gkv_error_text(GKV_ERROR_KEY_TOO_LONG);
        }
        if (plan->value_index != 0 &&
            gkv_door_word(words, plan->value_index + i * plan->key_step).count > value_bytes_max) {
            return gkv_error_text(GKV_ERROR_VALUE_TOO_LONG);
        }
    }
    return NULL;
}

const char *gkv_door_plan_make(const struct gkv_door_command *command,
                               const struct gkv_door_words *words, uint32_t value_bytes_max,
                               uint64_t wall_ms, struct gkv_door_plan *plan_out)
{
    GKV_ASSERT(command->verb != GKV_DOOR_VERB_NONE);
    GKV_ASSERT(gkv_door_command_arity_fits(command, words->count));

    struct gkv_door_plan plan = {
        .verb = (enum gkv_door_verb)command->verb,
        .first_key = (uint32_t)command->first_key,
        .key_step = (uint32_t)command->key_step,
        .key_count = 1,
    };
    if (command->last_key < 0) {
        plan.key_count = (words->count - 1) / plan.key_step;
        plan.is_array = plan.verb == GKV_DOOR_VERB_VALUE;
    }
    const char *error = NULL;
    if (plan.verb == GKV_DOOR_VERB_SET || plan.verb == GKV_DOOR_VERB_SET_FLAG) {
        error = plan_writes(&plan, command, words, wall_ms);
    }
    if (error == NULL) {
        error = check_sizes(&plan, words, value_bytes_max);
    }
    if (error == NULL) {
        *plan_out = plan;
    }
    return error;
}

struct gkv_bytes gkv_door_plan_key(const struct gkv_door_plan *plan,
                                   const struct gkv_door_words *words, uint32_t index)
{
    GKV_ASSERT(index < plan->key_count);
    return gkv_door_word(words, plan->first_key + index * plan->key_step);
}

struct gkv_operation gkv_door_plan_operation(const struct gkv_door_plan *plan,
                                             const struct gkv_door_words *words, uint32_t index)
{
    struct gkv_operation operation = {.kind = GKV_OPERATION_GET,
                                      .key = gkv_door_plan_key(plan, words, index)};
    if (plan->verb == GKV_DOOR_VERB_DELETE || plan->deletes) {
        operation.kind = GKV_OPERATION_DELETE;
    } else if (gkv_door_verb_writes(plan->verb)) {
        operation.kind = GKV_OPERATION_SET;
        operation.value = gkv_door_word(words, plan->value_index + index * plan->key_step);
        operation.ttl_ms = plan->ttl_ms;
    }
    return operation;
}

bool gkv_door_verb_writes(enum gkv_door_verb verb)
{
    return verb == GKV_DOOR_VERB_SET || verb == GKV_DOOR_VERB_SET_FLAG ||
           verb == GKV_DOOR_VERB_DELETE;
}

bool gkv_door_plan_checks(const struct gkv_door_plan *plan)
{
    return plan->verb == GKV_DOOR_VERB_DELETE || plan->keeps_ttl ||
           plan->condition != GKV_DOOR_ALWAYS;
}

bool gkv_door_plan_holds(const struct gkv_door_plan *plan, bool is_found)
{
    if (plan->verb == GKV_DOOR_VERB_DELETE) {
        return is_found;
    }
    return plan->condition == GKV_DOOR_ALWAYS ||
           is_found == (plan->condition == GKV_DOOR_IF_PRESENT);
}

void gkv_door_plan_take_expiry(struct gkv_door_plan *plan, uint64_t expire_ms, uint64_t wall_ms)
{
    if (!plan->keeps_ttl || expire_ms == 0) {
        return;
    }
    plan->ttl_ms = expire_ms > wall_ms ? expire_ms - wall_ms : 1;
    if (plan->ttl_ms > GKV_TTL_MS_MAX) {
        plan->ttl_ms = GKV_TTL_MS_MAX;
    }
}
