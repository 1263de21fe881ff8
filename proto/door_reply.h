/* The door's replies: the bounded buffer they wait in, and the slots' turns.
 *
 * Bounds    GKV_DOOR_BACKLOG_BYTES above the largest reply. What does not fit waits in its slot.
 * Invariant Slots are answered in the order of their sequence numbers, each once.
 * Not here  Answers without operations: proto/door_answer.h writes those between begin and end.
 */
#ifndef GKV_PROTO_DOOR_REPLY_H
#define GKV_PROTO_DOOR_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/door_state.h"

bool gkv_door_reply_has_room(const struct gkv_door *door, size_t bytes);

/* Append up to `bytes` bytes, for which there is room: write, then end. */
struct gkv_resp_writer gkv_door_reply_begin(struct gkv_door *door, size_t bytes);
void gkv_door_reply_end(struct gkv_door *door, const struct gkv_resp_writer *writer);

/* What a verb other than VALUE answers, or adds to the answer: result is OK or NOT_FOUND. now: for
 * what is left until an expiry. */
int64_t gkv_door_reply_number(enum gkv_door_verb verb, struct gkv_now now,
                              const struct gkv_result *result);

/* Write an operation's part of its command's reply: of the slot, its outcome and its place in the
 * command count. direct: the value, when it is not in the pool; else NULL. Takes at most
 * GKV_DOOR_FRAMING_BYTES_MAX beside the value. */
void gkv_door_reply_write(struct gkv_door *door, const struct gkv_door_slot *slot,
                          const struct gkv_bytes *direct, struct gkv_resp_writer *writer);

/* Answer the oldest slot, whose state is DONE. False: no room. direct: the value, when it is not
 * in the pool; else NULL. */
bool gkv_door_reply_emit(struct gkv_door *door, const struct gkv_bytes *direct);

/* Answer every slot whose turn has come, as far as there is room. */
void gkv_door_reply_emit_all(struct gkv_door *door);

#endif
