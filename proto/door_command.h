/* The door's commands: their names and shapes, and what those on keys ask of the store.
 *
 * Bounds    A const table, looked through in order: the frequent ones stand first.
 * Not here  Replies and the order of things: proto/door.c. Commands without keys:
 *           proto/door_answer.h.
 */
#ifndef GKV_PROTO_DOOR_COMMAND_H
#define GKV_PROTO_DOOR_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "core/event.h"
#include "core/types.h"
#include "proto/resp.h"

/* What a command on keys does with each of them, and what it answers. */
enum gkv_door_verb {
    GKV_DOOR_VERB_NONE = 0,     /* no operation: an answer */
    GKV_DOOR_VERB_VALUE = 1,    /* the value, or null */
    GKV_DOOR_VERB_EXISTS = 2,   /* how many keys have a value */
    GKV_DOOR_VERB_TTL = 3,      /* s */
    GKV_DOOR_VERB_PTTL = 4,     /* ms */
    GKV_DOOR_VERB_TYPE = 5,     /* +string or +none */
    GKV_DOOR_VERB_LENGTH = 6,   /* of the value, 0 without */
    GKV_DOOR_VERB_SET = 7,      /* +OK; null when the condition did not hold */
    GKV_DOOR_VERB_SET_FLAG = 8, /* 1, or 0 when the condition did not hold */
    GKV_DOOR_VERB_DELETE = 9,   /* how many keys had a value */
};

enum gkv_door_condition {
    GKV_DOOR_ALWAYS = 0,
    GKV_DOOR_IF_ABSENT = 1,  /* NX */
    GKV_DOOR_IF_PRESENT = 2, /* XX */
};

enum gkv_door_answer_kind {
    GKV_DOOR_ANSWER_NONE = 0, /* a command on keys */
    GKV_DOOR_ANSWER_PING,
    GKV_DOOR_ANSWER_ECHO,
    GKV_DOOR_ANSWER_HELLO,
    GKV_DOOR_ANSWER_AUTH,
    GKV_DOOR_ANSWER_QUIT,
    GKV_DOOR_ANSWER_RESET,
    GKV_DOOR_ANSWER_SELECT,
    GKV_DOOR_ANSWER_DBSIZE,
    GKV_DOOR_ANSWER_INFO,
    GKV_DOOR_ANSWER_COMMAND,
    GKV_DOOR_ANSWER_CLIENT,
    GKV_DOOR_ANSWER_CONFIG,
    GKV_DOOR_ANSWER_MEMBERS,
    GKV_DOOR_ANSWER_OWNERS,
};

#define GKV_DOOR_COMMAND_WRITES 1u   /* flag "write" */
#define GKV_DOOR_COMMAND_READS 2u    /* flag "readonly" */
#define GKV_DOOR_COMMAND_IS_FAST 4u  /* flag "fast" */
#define GKV_DOOR_COMMAND_IS_ADMIN 8u /* flag "admin" */

struct gkv_door_command {
    const char *name; /* lower case */
    int8_t arity;     /* arguments, the name included; negative: at least so many */
    int8_t first_key; /* 0: none */
    int8_t last_key;  /* negative: from the end */
    int8_t key_step;
    uint8_t flags;
    uint8_t verb;   /* enum gkv_door_verb */
    uint8_t answer; /* enum gkv_door_answer_kind */
};

/* A command's words. */
struct gkv_door_words {
    const uint8_t *data; /* the command's bytes */
    const struct gkv_resp_argument *arguments;
    uint32_t count;
};

/* What a command on keys comes to. */
struct gkv_door_plan {
    enum gkv_door_verb verb;
    uint32_t key_count; /* operations it takes; keys stand at first_key + i * key_step */
    uint32_t first_key;
    uint32_t key_step;
    uint32_t value_index; /* of the first value, for sets; the next one is key_step further */
    bool is_array;        /* the values are an array's (MGET) */
    enum gkv_door_condition condition;
    bool keeps_ttl;
    bool deletes;    /* the set's expiry is over already: it comes to a delete */
    uint64_t ttl_ms; /* 0: for ever */
};

struct gkv_bytes gkv_door_word(const struct gkv_door_words *words, uint32_t index);

/* True when a word is `text` (lower case), in any case. */
bool gkv_door_word_is(struct gkv_bytes word, const char *text);

/* The command of a name, or NULL. */
const struct gkv_door_command *gkv_door_command_find(struct gkv_bytes name);

/* The command at an index below the count, in the order of the table. */
const struct gkv_door_command *gkv_door_command_at(uint32_t index);
uint32_t gkv_door_command_count(void);

bool gkv_door_command_arity_fits(const struct gkv_door_command *command, uint32_t word_count);

/* Work a command on keys out: NULL and plan_out filled, or the text of an error (code ERR), static.
 * wall_ms: what EXAT and PXAT are compared with. */
const char *gkv_door_plan_make(const struct gkv_door_command *command,
                               const struct gkv_door_words *words, uint32_t value_bytes_max,
                               uint64_t wall_ms, struct gkv_door_plan *plan_out);

/* A plan's key at an index below key_count. Borrows the words, as the two below. */
struct gkv_bytes gkv_door_plan_key(const struct gkv_door_plan *plan,
                                   const struct gkv_door_words *words, uint32_t index);

/* The operation that a plan's verb comes to when nothing needs to be looked at before: a get, a set
 * or a delete; its cookie is 0. */
struct gkv_operation gkv_door_plan_operation(const struct gkv_door_plan *plan,
                                             const struct gkv_door_words *words, uint32_t index);

/* True when the verb writes, now or after a look. */
bool gkv_door_verb_writes(enum gkv_door_verb verb);

/* True when what is held decides whether, or how, a plan writes. */
bool gkv_door_plan_checks(const struct gkv_door_plan *plan);

/* After that look: is there to be a write? */
bool gkv_door_plan_holds(const struct gkv_door_plan *plan, bool is_found);

/* After that look, for a set: take note of the expiry (0: none) of what it replaces. */
void gkv_door_plan_take_expiry(struct gkv_door_plan *plan, uint64_t expire_ms, uint64_t wall_ms);

#endif
