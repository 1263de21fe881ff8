#include "proto/door_reply.h"

#include <string.h>

#include "core/panic.h"
#include "proto/resp.h"

bool gkv_door_reply_has_room(const struct gkv_door *door, size_t bytes)
{
    return bytes <= door->reply_capacity - (door->reply_bytes - door->reply_first);
}

struct gkv_resp_writer gkv_door_reply_begin(struct gkv_door *door, size_t bytes)
{
    GKV_ASSERT(gkv_door_reply_has_room(door, bytes));
    uint8_t *replies = gkv_at(door, door->reply_offset);
    if (door->reply_capacity - door->reply_bytes < bytes) {
        door->reply_bytes -= door->reply_first;
        memmove(replies, replies + door->reply_first, door->reply_bytes);
        door->reply_first = 0;
    }
    return (struct gkv_resp_writer){.data = replies,
                                    .capacity = door->reply_bytes + bytes,
                                    .count = door->reply_bytes,
                                    .is_resp3 = door->is_resp3};
}

void gkv_door_reply_end(struct gkv_door *door, const struct gkv_resp_writer *writer)
{
    GKV_ASSERT(writer->count >= door->reply_bytes);
    door->reply_bytes = (uint32_t)writer->count;
}

static void write_failure(struct gkv_resp_writer *writer, enum gkv_error error)
{
    const char *code = "ERR";
    if (error == GKV_ERROR_MEMORY) {
        code = "OOM";
    } else if (error == GKV_ERROR_NO_QUORUM) {
        code = "NOQUORUM";
    } else if (error == GKV_ERROR_TIMEOUT) {
        code = "TIMEOUT";
    } else if (error == GKV_ERROR_IN_DOUBT) {
        code = "INDOUBT";
    } else if (error == GKV_ERROR_BUSY) {
        code = "BUSY";
    }
    gkv_resp_write_error(writer, code, gkv_error_text(error));
}

/* An element of its own: the value, from the pool or straight from the result. */
static void write_value(struct gkv_door *door, const struct gkv_door_slot *slot,
                        const struct gkv_bytes *direct, struct gkv_resp_writer *writer)
{
    if (slot->error == GKV_ERROR_NOT_FOUND) {
        gkv_resp_write_null(writer);
    } else if (slot->error != GKV_OK) {
        write_failure(writer, (enum gkv_error)slot->error);
    } else if (direct != NULL) {
        gkv_resp_write_bulk(writer, *direct);
    } else {
        gkv_resp_write_text(writer, "$");
        gkv_resp_write_decimal(writer, slot->value_bytes);
        gkv_resp_write_text(writer, "\r\n");
        GKV_ASSERT(slot->value_bytes <= writer->capacity - writer->count);
        gkv_cells_read(&door->cells, slot->value_cell, 0, slot->value_bytes,
                       writer->data + writer->count);
        writer->count += slot->value_bytes;
        gkv_resp_write_text(writer, "\r\n");
    }
}

/* The reply of a command that adds its slots up; this is the last of them. */
static void write_total(const struct gkv_door *door, enum gkv_door_verb verb,
                        struct gkv_resp_writer *writer)
{
    if (door->failed != GKV_OK) {
        write_failure(writer, door->failed);
    } else if (verb == GKV_DOOR_VERB_SET && door->total > 0) {
        gkv_resp_write_simple(writer, "OK");
    } else if (verb == GKV_DOOR_VERB_SET) {
        gkv_resp_write_null(writer);
    } else if (verb == GKV_DOOR_VERB_TYPE) {
        gkv_resp_write_simple(writer, door->total > 0 ? "string" : "none");
    } else {
        gkv_resp_write_integer(writer, door->total);
    }
}

static int64_t remaining(const struct gkv_result *result, struct gkv_now now, bool in_seconds)
{
    if (result->expire_ms == 0) {
        return -1;
    }
    const uint64_t ms = result->expire_ms > now.wall_ms ? result->expire_ms - now.wall_ms : 0;
    return (int64_t)(in_seconds ? (ms + 500) / 1000 : ms);
}

int64_t gkv_door_reply_number(enum gkv_door_verb verb, struct gkv_now now,
                              const struct gkv_result *result)
{
    const bool is_found = result->error == GKV_OK;
    switch (verb) {
    case GKV_DOOR_VERB_EXISTS:
    case GKV_DOOR_VERB_TYPE:
        return is_found;
    case GKV_DOOR_VERB_LENGTH:
        return is_found ? (int64_t)result->value.count : 0;
    case GKV_DOOR_VERB_TTL:
    case GKV_DOOR_VERB_PTTL:
        return is_found ? remaining(result, now, verb == GKV_DOOR_VERB_TTL) : -2;
    case GKV_DOOR_VERB_SET:
    case GKV_DOOR_VERB_SET_FLAG:
    case GKV_DOOR_VERB_DELETE:
        return 1;
    case GKV_DOOR_VERB_NONE:
    case GKV_DOOR_VERB_VALUE:
        break;
    }
    return 0;
}

void gkv_door_reply_write(struct gkv_door *door, const struct gkv_door_slot *slot,
                          const struct gkv_bytes *direct, struct gkv_resp_writer *writer)
{
    if (slot->is_first) {
        door->total = 0;
        door->failed = GKV_OK;
    }
    if (slot->array_count > 0) {
        gkv_resp_write_array(writer, slot->array_count);
    }
    if (slot->verb == GKV_DOOR_VERB_VALUE) {
        write_value(door, slot, direct, writer);
        return;
    }
    door->total += slot->number;
    if (door->failed == GKV_OK) {
        door->failed = (enum gkv_error)slot->error;
    }
    if (slot->is_last) {
        write_total(door, (enum gkv_door_verb)slot->verb, writer);
    }
}

bool gkv_door_reply_emit(struct gkv_door *door, const struct gkv_bytes *direct)
{
    struct gkv_door_slot *slot = gkv_door_slot_at(door, door->first_sequence);
    GKV_ASSERT(slot->state == GKV_DOOR_SLOT_DONE);
    GKV_ASSERT(slot->key_cell == GKV_CELL_NONE);
    const size_t bytes = (size_t)slot->value_bytes + GKV_DOOR_FRAMING_BYTES_MAX;
    if (!gkv_door_reply_has_room(door, bytes)) {
        return false;
    }
    struct gkv_resp_writer writer = gkv_door_reply_begin(door, bytes);
    gkv_door_reply_write(door, slot, direct, &writer);
    gkv_door_reply_end(door, &writer);
    gkv_cells_free(&door->cells, slot->value_cell);
    *slot = (struct gkv_door_slot){.state = GKV_DOOR_SLOT_FREE};
    door->first_sequence++;
    return true;
}

void gkv_door_reply_emit_all(struct gkv_door *door)
{
    while (door->first_sequence < door->next_sequence &&
           gkv_door_slot_at(door, door->first_sequence)->state == GKV_DOOR_SLOT_DONE) {
        if (!gkv_door_reply_emit(door, NULL)) {
            return;
        }
    }
}
