#include "proto/door_inplace.h"

#include "core/panic.h"
#include "proto/door_reply.h"

#define LOOP_LANE 0 /* of marks: the loop's own, shared with threads if they are many */

void gkv_door_look_ahead(struct gkv_door *door, const struct gkv_commons *commons)
{
    if (door->command_first < door->ahead_bytes) {
        return;
    }
    const uint8_t *received = gkv_door_received(door);
    uint64_t hashes[GKV_DOOR_AHEAD_COUNT_MAX];
    uint32_t count = 0;
    uint32_t at = door->command_first;
    size_t command_bytes = 1;
    while (count < GKV_DOOR_AHEAD_COUNT_MAX && at < door->received_bytes && command_bytes > 0) {
        struct gkv_bytes key;
        command_bytes = gkv_resp_skim(received + at, door->received_bytes - at, &key);
        if (command_bytes > 0) {
            hashes[count++] = gkv_inplace_key(commons, key).hash;
        }
        at += (uint32_t)command_bytes;
    }
    /* One alone would be waited for as long. */
    if (count > 1) {
        gkv_index_fetch_many(&commons->store->index, hashes, count);
    }
    door->ahead_bytes = at;
}

/* Where an operation stands, beside the door itself. */
struct inplace {
    const struct gkv_commons *commons;
    struct gkv_now now;
    struct gkv_operation operation; /* that the plan comes to */
    struct gkv_door_slot slot;      /* that it would have had: its outcome */
};

/* Whether a key is found; its expiry, or 0, and its value, as far as `buffer` goes. False: ask. */
static bool look(const struct inplace *inplace, struct gkv_buffer buffer,
                 struct gkv_result *result_out)
{
    struct gkv_record record;
    const enum gkv_inplace_answer answer =
        gkv_inplace_get(inplace->commons, gkv_inplace_key(inplace->commons, inplace->operation.key),
                        buffer, &record);
    *result_out = (struct gkv_result){.error = GKV_ERROR_NOT_FOUND};
    if (answer == GKV_INPLACE_FOUND &&
        !gkv_inplace_is_over(inplace->commons, inplace->now.wall_ms, record.expire_ms)) {
        *result_out = (struct gkv_result){.value = record.value, .expire_ms = record.expire_ms};
    }
    return answer != GKV_INPLACE_ASK;
}

static void answer(struct gkv_door *door, const struct inplace *inplace)
{
    struct gkv_resp_writer writer = gkv_door_reply_begin(door, GKV_DOOR_FRAMING_BYTES_MAX);
    gkv_door_reply_write(door, &inplace->slot, NULL, &writer);
    gkv_door_reply_end(door, &writer);
}

/* A value, or none. */
static bool run_value(struct gkv_door *door, struct inplace *inplace)
{
    const size_t room = (size_t)door->value_bytes_max + GKV_DOOR_FRAMING_BYTES_MAX;
    const size_t header_bytes = gkv_resp_bulk_header_bytes(door->value_bytes_before);
    struct gkv_resp_writer writer = gkv_door_reply_begin(door, room);
    if (inplace->slot.array_count > 0) {
        gkv_resp_write_array(&writer, inplace->slot.array_count);
    }
    const struct gkv_buffer buffer = {writer.data + writer.count + header_bytes,
                                      door->value_bytes_max};
    struct gkv_result result;
    if (!look(inplace, buffer, &result)) {
        return false;
    }
    if (result.error == GKV_OK && result.value.count <= door->value_bytes_max) {
        gkv_resp_write_bulk_behind(&writer, header_bytes, result.value.count);
        gkv_door_reply_end(door, &writer);
        door->value_bytes_before = (uint32_t)result.value.count;
        return true;
    }
    /* Too long: a peer with another limit wrote it. */
    inplace->slot.error =
        (uint8_t)(result.error == GKV_OK ? GKV_ERROR_VALUE_TOO_LONG : GKV_ERROR_NOT_FOUND);
    answer(door, inplace);
    return true;
}

/* What a value is like, but not the value. */
static bool run_look(struct gkv_door *door, struct inplace *inplace)
{
    struct gkv_result result;
    if (!look(inplace, (struct gkv_buffer){NULL, 0}, &result)) {
        return false;
    }
    inplace->slot.number =
        gkv_door_reply_number((enum gkv_door_verb)inplace->slot.verb, inplace->now, &result);
    answer(door, inplace);
    return true;
}

static bool run_write(struct gkv_door *door, struct inplace *inplace)
{
    bool holds = true;
    if (gkv_door_plan_checks(&door->plan)) {
        struct gkv_result result;
        if (!look(inplace, (struct gkv_buffer){NULL, 0}, &result)) {
            return false;
        }
        holds = gkv_door_plan_holds(&door->plan, result.error == GKV_OK);
        if (inplace->operation.kind == GKV_OPERATION_SET) {
            struct gkv_door_plan plan = door->plan; /* ours: we may have to ask after all */
            gkv_door_plan_take_expiry(&plan, result.expire_ms, inplace->now.wall_ms);
            inplace->operation.ttl_ms = plan.ttl_ms;
        }
    }
    /* A write that wakes need wake nobody: it is the loop's own thread that is here. */
    const struct gkv_inplace_caller caller = {.wall_ms = inplace->now.wall_ms, .lane = LOOP_LANE};
    const struct gkv_key key = gkv_inplace_key(inplace->commons, inplace->operation.key);
    struct gkv_inplace_write write;
    if (holds && !gkv_inplace_write(inplace->commons, caller, key, &inplace->operation, &write)) {
        return false;
    }
    inplace->slot.number = holds;
    answer(door, inplace);
    return true;
}

enum gkv_door_inplace gkv_door_inplace(struct gkv_door *door, const struct gkv_commons *commons,
                                       struct gkv_now now)
{
    const struct gkv_door_plan *plan = &door->plan;
    const uint32_t index = door->started_count;
    GKV_ASSERT(door->first_sequence == door->next_sequence);
    GKV_ASSERT(index < plan->key_count);
    const bool is_value = plan->verb == GKV_DOOR_VERB_VALUE;
    const size_t room = (is_value ? door->value_bytes_max : 0) + (size_t)GKV_DOOR_FRAMING_BYTES_MAX;
    if (!gkv_door_reply_has_room(door, room)) {
        return GKV_DOOR_INPLACE_WAIT;
    }
    const struct gkv_door_words words = gkv_door_words(door);
    struct inplace inplace = {
        .commons = commons,
        .now = now,
        .operation = gkv_door_plan_operation(plan, &words, index),
        .slot = {.array_count = plan->is_array && index == 0 ? plan->key_count : 0,
                 .verb = (uint8_t)plan->verb,
                 .is_first = index == 0,
                 .is_last = index + 1 == plan->key_count},
    };
    bool is_done;
    if (is_value) {
        is_done = run_value(door, &inplace);
    } else if (gkv_door_verb_writes(plan->verb)) {
        is_done = run_write(door, &inplace);
    } else {
        is_done = run_look(door, &inplace);
    }
    door->inplace_count += is_done;
    return is_done ? GKV_DOOR_INPLACE_DONE : GKV_DOOR_INPLACE_ASK;
}
