/* Commands that take no operation: PING, HELLO, INFO, CLIENT, CONFIG, COMMAND, GKV.*, and errors.
 *
 * Bounds    Each writes at most GKV_DOOR_ANSWER_BYTES_MAX, ECHO and PING one largest bulk.
 * Not here  Commands on keys: proto/door.c. INFO: proto/door_info.h. AUTH has no
 *           password to compare with yet.
 */
#ifndef GKV_PROTO_DOOR_ANSWER_H
#define GKV_PROTO_DOOR_ANSWER_H

#include "core/node.h"
#include "proto/door_state.h"

/* Answer one command: its whole reply is written. */
void gkv_door_answer(struct gkv_door *door, const struct gkv_door_view *view,
                     enum gkv_door_answer_kind kind, const struct gkv_door_words *words,
                     struct gkv_resp_writer *writer);

/* "unknown command 'x', with args beginning with: 'a' 'b' " */
void gkv_door_answer_unknown(const struct gkv_door_words *words, struct gkv_resp_writer *writer);

/* "wrong number of arguments for 'x' command" */
void gkv_door_answer_arity(const struct gkv_door_command *command, struct gkv_resp_writer *writer);

#endif
