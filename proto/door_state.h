/* What a door is made of; private to proto/door*.c.
 *
 *   received    | done | command under way | not parsed yet | room |
 *                      ^ command_first     ^ parser.position  ^ received_bytes
 *   replies     | sent | pending | room |
 *                      ^ reply_first     ^ reply_bytes
 *
 *   slots       a ring of GKV_DOOR_WINDOW by sequence number, from first_sequence (the next to be
 *               answered) to next_sequence:
 *
 *     OPEN -> DONE    [on_result]  the result is known; a value lies in the pool
 *     OPEN -> AGAIN   [on_result]  a write follows what was read, or the value found no room
 *     AGAIN -> OPEN   [take_again] submitted again
 *     DONE -> free    [emit]       answered, in its turn
 *
 * Invariant A slot holds pool cells for its key while it is OPEN or AGAIN and may need it again,
 *           and for its value while it is DONE.
 */
#ifndef GKV_PROTO_DOOR_STATE_H
#define GKV_PROTO_DOOR_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/cells.h"
#include "core/error.h"
#include "proto/door.h"
#include "proto/door_command.h"
#include "proto/resp.h"

#define GKV_DOOR_CLIENT_NAME_BYTES_MAX 128

/* The largest answer that is made at once is GKV.MEMBERS of the largest table. */
#define GKV_DOOR_MEMBER_BYTES_MAX 288
#define GKV_DOOR_ANSWER_BYTES_MAX (GKV_MEMBER_COUNT_MAX * GKV_DOOR_MEMBER_BYTES_MAX + 8192)
#define GKV_DOOR_FRAMING_BYTES_MAX 512 /* around a value, or an error */

enum gkv_door_slot_state {
    GKV_DOOR_SLOT_FREE = 0,
    GKV_DOOR_SLOT_OPEN = 1,
    GKV_DOOR_SLOT_AGAIN = 2,
    GKV_DOOR_SLOT_DONE = 3,
};

/* One operation of a command. */
struct gkv_door_slot {
    uint64_t key_hash;
    int64_t number;      /* DONE: what counts, 1 or 0, or the integer to answer */
    uint32_t key_cell;   /* the key, while it may be needed again */
    uint32_t value_cell; /* DONE, VALUE: the value */
    uint32_t key_bytes;
    uint32_t value_bytes;
    uint32_t array_count; /* first slot of an array: of how many elements */
    uint8_t state;        /* enum gkv_door_slot_state */
    uint8_t verb;         /* enum gkv_door_verb */
    uint8_t error;        /* enum gkv_error */
    bool writes;          /* now or later: nothing on the same key may overlap */
    bool is_checking;     /* OPEN: this is the get before the write */
    bool is_first;        /* of its command */
    bool is_last;
};

struct gkv_door {
    ptrdiff_t received_offset;
    ptrdiff_t reply_offset;
    uint32_t received_capacity;
    uint32_t received_bytes;
    uint32_t command_first;
    uint32_t reply_capacity;
    uint32_t reply_first;
    uint32_t reply_bytes;
    uint32_t value_bytes_max;
    uint32_t open_count;
    uint64_t connection_id;
    uint64_t first_sequence;
    uint64_t next_sequence;
    uint32_t value_bytes_expected; /* a guess, from the last ones read */
    uint32_t ahead_bytes;          /* received bytes whose commands' keys were asked for */
    uint32_t value_bytes_before;   /* of the value read last in place: the next has as many */
    uint32_t value_read_count;     /* VALUE slots that are OPEN */
    uint32_t again_count;          /* slots that are AGAIN */
    uint64_t inplace_count;        /* operations done without a slot, and not asked for yet */
    bool is_resp3;
    bool is_closing;
    bool is_http;    /* it spoke HTTP to us */
    bool has_paused; /* the last burst was over before there was nothing more to do */
    bool wants_more; /* all that was received is understood, but for the start of a command */

    /* The command under way: parsed, and not all of its operations are begun. */
    bool has_command;
    bool is_held; /* its words are needed until its only slot is over */
    uint32_t started_count;
    const struct gkv_door_command *command; /* NULL: unknown. Static, as error is */
    const char *error;                      /* what is wrong with its words; NULL: nothing */
    struct gkv_door_plan plan;

    /* The command being answered, when it takes several slots. */
    int64_t total;
    enum gkv_error failed;

    struct gkv_resp_parser parser;
    struct gkv_cells cells;
    uint8_t client_name[GKV_DOOR_CLIENT_NAME_BYTES_MAX];
    uint32_t client_name_bytes;
    uint8_t key[GKV_KEY_BYTES_MAX]; /* of the operation that is lent, when it comes from the pool */
    struct gkv_resp_argument arguments[GKV_DOOR_ARGUMENT_COUNT_MAX];
    struct gkv_door_slot slots[GKV_DOOR_WINDOW];
};

static inline struct gkv_door_slot *gkv_door_slot_at(struct gkv_door *door, uint64_t sequence)
{
    return &door->slots[sequence % GKV_DOOR_WINDOW];
}

static inline uint8_t *gkv_door_received(const struct gkv_door *door)
{
    return gkv_at(door, door->received_offset);
}

/* The words of the command under way. */
static inline struct gkv_door_words gkv_door_words(const struct gkv_door *door)
{
    return (struct gkv_door_words){.data = gkv_door_received(door) + door->command_first,
                                   .arguments = door->arguments,
                                   .count = door->parser.argument_count};
}

#endif
