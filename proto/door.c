#include "proto/door.h"

#include <string.h>

#include "core/hash.h"
#include "core/panic.h"
#include "proto/door_answer.h"
#include "proto/door_command.h"
#include "proto/door_inplace.h"
#include "proto/door_reply.h"
#include "proto/door_state.h"
#include "proto/resp.h"

/* Bytes of the receive buffer's tail under which what is left is moved to its front. */
#define TAIL_BYTES_MIN 4096

_Static_assert(GKV_DOOR_INLINE_BYTES_MAX == GKV_RESP_LINE_BYTES_MAX, "the grammar's limit");
_Static_assert(GKV_DOOR_POOL_BYTES / 4 > GKV_KEY_BYTES_MAX, "an empty pool has room for any key");

static uint32_t max_u32(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static uint32_t bulk_bytes_max(uint32_t value_bytes_max)
{
    return max_u32(value_bytes_max, GKV_KEY_BYTES_MAX);
}

/* Room that any answer made at once may need. */
static uint32_t answer_room_bytes(uint32_t value_bytes_max)
{
    return max_u32(bulk_bytes_max(value_bytes_max) + GKV_DOOR_FRAMING_BYTES_MAX,
                   GKV_DOOR_ANSWER_BYTES_MAX);
}

static struct gkv_resp_limits parser_limits(uint32_t value_bytes_max)
{
    return (struct gkv_resp_limits){
        .bulk_bytes_max = bulk_bytes_max(value_bytes_max),
        .command_bytes_max = value_bytes_max + GKV_KEY_BYTES_MAX + GKV_RESP_LINE_BYTES_MAX,
        .argument_count_max = GKV_DOOR_ARGUMENT_COUNT_MAX,
    };
}

/* Lay a door out; NULL when counting. */
static struct gkv_door *lay_out(struct gkv_arena *arena, uint32_t value_bytes_max)
{
    GKV_ASSERT(value_bytes_max > 0 && value_bytes_max <= GKV_VALUE_BYTES_CEILING);
    const struct gkv_resp_limits limits = parser_limits(value_bytes_max);
    const uint32_t reply_capacity = answer_room_bytes(value_bytes_max) + GKV_DOOR_BACKLOG_BYTES;

    struct gkv_door *door = gkv_arena_carve(arena, 1, sizeof(*door));
    uint8_t *received = gkv_arena_reserve(arena, limits.command_bytes_max, 1);
    uint8_t *replies = gkv_arena_reserve(arena, reply_capacity, 1);
    struct gkv_cells counting;
    gkv_cells_init(door == NULL ? &counting : &door->cells, arena,
                   GKV_DOOR_POOL_BYTES / GKV_CELL_BYTES);
    if (door != NULL) {
        door->received_offset = gkv_offset_to(door, received);
        door->reply_offset = gkv_offset_to(door, replies);
        door->received_capacity = limits.command_bytes_max;
        door->reply_capacity = reply_capacity;
        door->value_bytes_max = value_bytes_max;
        gkv_resp_parser_reset(&door->parser, &limits);
    }
    return door;
}

size_t gkv_door_memory_bytes(uint32_t value_bytes_max)
{
    struct gkv_arena arena = gkv_arena_counting();
    (void)lay_out(&arena, value_bytes_max);
    return arena.used;
}

static void check_door(const struct gkv_door *door)
{
    GKV_ASSERT(door->command_first <= door->received_bytes);
    GKV_ASSERT(door->received_bytes <= door->received_capacity);
    GKV_ASSERT(door->reply_first <= door->reply_bytes);
    GKV_ASSERT(door->reply_bytes <= door->reply_capacity);
    GKV_ASSERT(door->first_sequence <= door->next_sequence);
    GKV_ASSERT(door->next_sequence - door->first_sequence <= GKV_DOOR_WINDOW);
    GKV_ASSERT(door->open_count + door->again_count <= door->next_sequence - door->first_sequence);
    GKV_ASSERT(door->value_read_count <= door->open_count);
    GKV_ASSERT(!door->is_held || door->has_command);
    /* Every cell comes back: with no slot in use the pool is whole. */
    GKV_ASSERT(door->first_sequence != door->next_sequence ||
               door->cells.free_count == door->cells.cell_count);
}

struct gkv_door *gkv_door_init(void *memory, uint32_t value_bytes_max, uint64_t connection_id)
{
    struct gkv_arena arena = gkv_arena_over(memory, gkv_door_memory_bytes(value_bytes_max));
    struct gkv_door *door = lay_out(&arena, value_bytes_max);
    door->connection_id = connection_id;
    check_door(door);
    return door;
}

/* ---- Received bytes -------------------------------------------------------------------------- */

uint8_t *gkv_door_receive_buffer(struct gkv_door *door, size_t *room_out)
{
    if (door->command_first == door->received_bytes) {
        door->command_first = 0;
        door->received_bytes = 0;
        door->ahead_bytes = 0;
    }
    /* While whole commands wait there is no hurry: moving then would copy everything for each
     * few. */
    const uint32_t tail = door->received_capacity - door->received_bytes;
    if (tail < TAIL_BYTES_MIN && door->wants_more && door->command_first > 0) {
        door->received_bytes -= door->command_first;
        memmove(gkv_door_received(door), gkv_door_received(door) + door->command_first,
                door->received_bytes);
        door->command_first = 0;
        door->ahead_bytes = 0;
    }
    *room_out = door->is_closing ? 0 : door->received_capacity - door->received_bytes;
    check_door(door);
    return gkv_door_received(door) + door->received_bytes;
}

void gkv_door_on_received(struct gkv_door *door, size_t count)
{
    GKV_ASSERT(count <= door->received_capacity - door->received_bytes);
    door->received_bytes += (uint32_t)count;
    check_door(door);
}

/* ---- Replies --------------------------------------------------------------------------------- */

struct gkv_bytes gkv_door_pending(const struct gkv_door *door)
{
    const uint8_t *replies = gkv_at(door, door->reply_offset);
    return (struct gkv_bytes){replies + door->reply_first, door->reply_bytes - door->reply_first};
}

void gkv_door_sent(struct gkv_door *door, size_t count)
{
    GKV_ASSERT(count <= door->reply_bytes - door->reply_first);
    door->reply_first += (uint32_t)count;
    if (door->reply_first == door->reply_bytes) {
        door->reply_first = 0;
        door->reply_bytes = 0;
    }
    gkv_door_reply_emit_all(door);
    check_door(door);
}

bool gkv_door_is_closing(const struct gkv_door *door)
{
    return door->is_closing;
}

bool gkv_door_has_protocol_error(const struct gkv_door *door)
{
    return door->is_closing && (door->parser.error[0] != '\0' || door->is_http);
}

bool gkv_door_has_paused(const struct gkv_door *door)
{
    return door->has_paused;
}

uint64_t gkv_door_take_inplace_count(struct gkv_door *door)
{
    const uint64_t count = door->inplace_count;
    door->inplace_count = 0;
    return count;
}

uint32_t gkv_door_open_count(const struct gkv_door *door)
{
    return door->open_count;
}

/* ---- Results --------------------------------------------------------------------------------- */

static void forget_key(struct gkv_door *door, struct gkv_door_slot *slot)
{
    gkv_cells_free(&door->cells, slot->key_cell);
    slot->key_cell = GKV_CELL_NONE;
}

static void finish(struct gkv_door *door, struct gkv_door_slot *slot, enum gkv_error error,
                   int64_t number)
{
    forget_key(door, slot);
    slot->state = GKV_DOOR_SLOT_DONE;
    slot->error = (uint8_t)error;
    slot->number = number;
    /* Only the one slot of a held command has no key in the pool and a check before it. */
    const bool is_set = slot->verb == GKV_DOOR_VERB_SET || slot->verb == GKV_DOOR_VERB_SET_FLAG;
    if (is_set && door->is_held) {
        door->is_held = slot != gkv_door_slot_at(door, door->next_sequence - 1);
    }
}

static void ask_again(struct gkv_door *door, struct gkv_door_slot *slot)
{
    slot->state = GKV_DOOR_SLOT_AGAIN;
    door->again_count++;
}

/* The get before a write is over: is there to be a write? */
static void on_checked(struct gkv_door *door, struct gkv_door_slot *slot, struct gkv_now now,
                       const struct gkv_result *result)
{
    const bool is_found = result->error == GKV_OK;
    slot->is_checking = false;
    if (!is_found && result->error != GKV_ERROR_NOT_FOUND) {
        finish(door, slot, result->error, 0);
        return;
    }
    /* The plan is that of a later command when this is a delete: only a set holds its command. */
    const bool deletes = slot->verb == GKV_DOOR_VERB_DELETE;
    if (deletes ? !is_found : !gkv_door_plan_holds(&door->plan, is_found)) {
        finish(door, slot, GKV_OK, 0);
        return;
    }
    if (!deletes && is_found) {
        gkv_door_plan_take_expiry(&door->plan, result->expire_ms, now.wall_ms);
    }
    ask_again(door, slot);
}

/* A value: answer it now if it is its turn, else keep it, else read it again in its turn. */
static void on_value(struct gkv_door *door, struct gkv_door_slot *slot,
                     const struct gkv_result *result)
{
    const uint32_t value_bytes = (uint32_t)result->value.count;
    const uint32_t fading = door->value_bytes_expected - door->value_bytes_expected / 16;
    door->value_bytes_expected = max_u32(value_bytes, fading);

    const bool is_its_turn = slot == gkv_door_slot_at(door, door->first_sequence);
    const uint32_t needed = gkv_cells_needed(value_bytes);
    const uint32_t free_count = door->cells.free_count + gkv_cells_needed(slot->key_bytes);
    slot->value_bytes = value_bytes;
    if (is_its_turn &&
        gkv_door_reply_has_room(door, (size_t)value_bytes + GKV_DOOR_FRAMING_BYTES_MAX)) {
        finish(door, slot, GKV_OK, 0);
        const bool is_written = gkv_door_reply_emit(door, &result->value);
        GKV_ASSERT(is_written);
    } else if (needed <= free_count) {
        finish(door, slot, GKV_OK, 0);
        slot->value_cell = gkv_cells_write(&door->cells, result->value, (struct gkv_bytes){0});
    } else {
        slot->value_bytes = 0;
        ask_again(door, slot);
    }
}

void gkv_door_on_result(struct gkv_door *door, struct gkv_now now, const struct gkv_result *result)
{
    /* Cookies are ours: a wrong one is the shim's mistake, not the client's. */
    GKV_ASSERT(result->cookie >= door->first_sequence && result->cookie < door->next_sequence);
    struct gkv_door_slot *slot = gkv_door_slot_at(door, result->cookie);
    GKV_ASSERT(slot->state == GKV_DOOR_SLOT_OPEN);
    GKV_ASSERT(door->open_count > 0);
    door->open_count--;
    door->value_read_count -= slot->verb == GKV_DOOR_VERB_VALUE;

    enum gkv_error error = result->error;
    if (slot->is_checking) {
        on_checked(door, slot, now, result);
    } else if (slot->verb == GKV_DOOR_VERB_VALUE) {
        if (error == GKV_OK && result->value.count > door->value_bytes_max) {
            error = GKV_ERROR_VALUE_TOO_LONG; /* a peer with another limit wrote it */
        }
        if (error == GKV_OK) {
            on_value(door, slot, result);
        } else {
            finish(door, slot, error, 0);
        }
    } else if (error == GKV_OK || error == GKV_ERROR_NOT_FOUND) {
        const enum gkv_door_verb verb = (enum gkv_door_verb)slot->verb;
        finish(door, slot, GKV_OK, gkv_door_reply_number(verb, now, result));
    } else {
        finish(door, slot, error, 0);
    }
    gkv_door_reply_emit_all(door);
    check_door(door);
}

/* ---- Operations ------------------------------------------------------------------------------ */

static void lend(struct gkv_door *door, uint64_t sequence, struct gkv_operation *operation_out)
{
    struct gkv_door_slot *slot = gkv_door_slot_at(door, sequence);
    GKV_ASSERT(operation_out->key.count > 0 && operation_out->key.count <= GKV_KEY_BYTES_MAX);
    GKV_ASSERT(operation_out->value.count <= door->value_bytes_max);
    slot->state = GKV_DOOR_SLOT_OPEN;
    operation_out->cookie = sequence;
    door->open_count++;
    door->value_read_count += slot->verb == GKV_DOOR_VERB_VALUE;
    check_door(door);
}

/* Submit a slot again: a write after its check, or a read that found no room, in its turn. */
static bool take_again(struct gkv_door *door, struct gkv_operation *operation_out)
{
    if (door->again_count == 0) {
        return false;
    }
    for (uint64_t at = door->first_sequence; at < door->next_sequence; at++) {
        const struct gkv_door_slot *slot = gkv_door_slot_at(door, at);
        if (slot->state != GKV_DOOR_SLOT_AGAIN) {
            continue;
        }
        const bool reads = slot->verb == GKV_DOOR_VERB_VALUE;
        const size_t room_bytes = (size_t)door->value_bytes_max + GKV_DOOR_FRAMING_BYTES_MAX;
        if (reads && (at != door->first_sequence || !gkv_door_reply_has_room(door, room_bytes))) {
            continue;
        }
        if (reads || slot->verb == GKV_DOOR_VERB_DELETE) {
            gkv_cells_read(&door->cells, slot->key_cell, 0, slot->key_bytes, door->key);
            *operation_out = (struct gkv_operation){
                .kind = reads ? GKV_OPERATION_GET : GKV_OPERATION_DELETE,
                .key = {door->key, slot->key_bytes},
            };
        } else {
            GKV_ASSERT(door->is_held);
            const struct gkv_door_words words = gkv_door_words(door);
            *operation_out = gkv_door_plan_operation(&door->plan, &words, 0);
        }
        door->again_count--;
        lend(door, at, operation_out);
        return true;
    }
    return false;
}

/* True when an operation on this key must wait for one that is not over. */
static bool conflicts(struct gkv_door *door, uint64_t key_hash, bool writes)
{
    for (uint64_t at = door->first_sequence; at < door->next_sequence; at++) {
        const struct gkv_door_slot *slot = gkv_door_slot_at(door, at);
        if (slot->state != GKV_DOOR_SLOT_DONE && slot->key_hash == key_hash &&
            (writes || slot->writes)) {
            return true;
        }
    }
    return false;
}

/* True when the pool has room for the key and, by the last ones read, for the values to come. */
static bool has_pool_room(const struct gkv_door *door, enum gkv_door_verb verb, size_t key_bytes)
{
    if (door->first_sequence == door->next_sequence) {
        return true;
    }
    uint64_t needed = gkv_cells_needed(key_bytes);
    if (verb == GKV_DOOR_VERB_VALUE) {
        const uint64_t value_cells = gkv_cells_needed(door->value_bytes_expected);
        needed += value_cells * ((uint64_t)door->value_read_count + 1);
    }
    return needed <= door->cells.free_count;
}

/* Begin the next operation of the command under way; false: it must wait. */
static bool start_operation(struct gkv_door *door, struct gkv_operation *operation_out)
{
    const struct gkv_door_plan *plan = &door->plan;
    const uint32_t index = door->started_count;
    GKV_ASSERT(index < plan->key_count);
    const struct gkv_door_words words = gkv_door_words(door);
    const struct gkv_bytes key = gkv_door_plan_key(plan, &words, index);
    const uint64_t key_hash = gkv_hash(key.data, key.count, 0);
    const bool keeps_key = plan->verb == GKV_DOOR_VERB_VALUE || plan->verb == GKV_DOOR_VERB_DELETE;
    const bool writes = gkv_door_verb_writes(plan->verb);
    if (door->next_sequence - door->first_sequence == GKV_DOOR_WINDOW ||
        conflicts(door, key_hash, writes) ||
        (keeps_key && !has_pool_room(door, plan->verb, key.count))) {
        return false;
    }

    const bool checks = gkv_door_plan_checks(plan);
    struct gkv_door_slot *slot = gkv_door_slot_at(door, door->next_sequence);
    GKV_ASSERT(slot->state == GKV_DOOR_SLOT_FREE);
    *slot = (struct gkv_door_slot){
        .key_hash = key_hash,
        .key_cell = GKV_CELL_NONE,
        .value_cell = GKV_CELL_NONE,
        .key_bytes = (uint32_t)key.count,
        .array_count = plan->is_array && index == 0 ? plan->key_count : 0,
        .verb = (uint8_t)plan->verb,
        .writes = writes,
        .is_checking = checks,
        .is_first = index == 0,
        .is_last = index + 1 == plan->key_count,
    };
    if (keeps_key) {
        slot->key_cell = gkv_cells_write(&door->cells, key, (struct gkv_bytes){0});
    }
    if (writes && !checks) {
        *operation_out = gkv_door_plan_operation(plan, &words, index);
    } else {
        *operation_out = (struct gkv_operation){.kind = GKV_OPERATION_GET, .key = key};
    }
    door->started_count++;
    door->is_held = checks && plan->verb != GKV_DOOR_VERB_DELETE;
    door->next_sequence++;
    lend(door, door->next_sequence - 1, operation_out);
    return true;
}

/* ---- Commands -------------------------------------------------------------------------------- */

static void drop_command(struct gkv_door *door)
{
    GKV_ASSERT(!door->is_held);
    door->command_first += door->parser.position;
    door->has_command = false;
    door->started_count = 0;
    const struct gkv_resp_limits limits = door->parser.limits;
    gkv_resp_parser_reset(&door->parser, &limits);
    check_door(door);
}

/* The first words of an HTTP request, from a page that makes a browser talk to us. */
static bool is_http(struct gkv_bytes name)
{
    return gkv_door_word_is(name, "post") || gkv_door_word_is(name, "host:");
}

/* Answer a command at once, in its turn. False: its turn has not come, or there is no
 * room. */
static bool answer(struct gkv_door *door, const struct gkv_door_view *view)
{
    const struct gkv_door_command *command = door->command;
    const size_t bytes = answer_room_bytes(door->value_bytes_max);
    if (door->first_sequence != door->next_sequence || !gkv_door_reply_has_room(door, bytes)) {
        return false;
    }
    const struct gkv_door_words words = gkv_door_words(door);
    if (is_http(gkv_door_word(&words, 0))) {
        door->is_closing = true;
        door->is_http = true;
        return true;
    }
    struct gkv_resp_writer writer = gkv_door_reply_begin(door, bytes);
    if (command == NULL) {
        gkv_door_answer_unknown(&words, &writer);
    } else if (!gkv_door_command_arity_fits(command, words.count)) {
        gkv_door_answer_arity(command, &writer);
    } else if (door->error != NULL) {
        gkv_resp_write_error(&writer, "ERR", door->error);
    } else {
        gkv_door_answer(door, view, (enum gkv_door_answer_kind)command->answer, &words, &writer);
    }
    gkv_door_reply_end(door, &writer);
    return true;
}

static bool answer_protocol_error(struct gkv_door *door)
{
    if (door->first_sequence != door->next_sequence ||
        !gkv_door_reply_has_room(door, GKV_DOOR_FRAMING_BYTES_MAX)) {
        return false;
    }
    struct gkv_resp_writer writer = gkv_door_reply_begin(door, GKV_DOOR_FRAMING_BYTES_MAX);
    gkv_resp_write_error(&writer, "ERR", door->parser.error);
    gkv_door_reply_end(door, &writer);
    door->is_closing = true;
    return true;
}

/* Take the next command up. False: nothing more can be done now. */
static bool take_command(struct gkv_door *door, struct gkv_now now)
{
    enum gkv_resp_status status = GKV_RESP_ERROR;
    if (door->parser.error[0] == '\0') {
        status = gkv_resp_parse(&door->parser, gkv_door_received(door) + door->command_first,
                                door->received_bytes - door->command_first, door->arguments);
    }
    door->wants_more = status == GKV_RESP_MORE;
    if (status == GKV_RESP_MORE) {
        return false;
    }
    if (status == GKV_RESP_ERROR) {
        return answer_protocol_error(door);
    }
    door->has_command = true;
    if (door->parser.argument_count == 0) {
        drop_command(door);
        return true;
    }

    GKV_ASSERT(door->started_count == 0);
    door->plan = (struct gkv_door_plan){.verb = GKV_DOOR_VERB_NONE};
    const struct gkv_door_words words = gkv_door_words(door);
    const struct gkv_door_command *command = gkv_door_command_find(gkv_door_word(&words, 0));
    door->command = command;
    door->error = NULL;
    if (command != NULL && command->verb != GKV_DOOR_VERB_NONE &&
        gkv_door_command_arity_fits(command, words.count)) {
        door->error =
            gkv_door_plan_make(command, &words, door->value_bytes_max, now.wall_ms, &door->plan);
    }
    return true;
}

/* Go on with an operation of the command under way, in place if that is possible: only when all
 * before it is answered, so that what is written there has its turn. */
static bool advance_operation(struct gkv_door *door, const struct gkv_door_view *view,
                              struct gkv_now now, struct gkv_operation *operation_out)
{
    if (view->commons != NULL && door->first_sequence == door->next_sequence) {
        const enum gkv_door_inplace how = gkv_door_inplace(door, view->commons, now);
        if (how != GKV_DOOR_INPLACE_ASK) {
            door->started_count += how == GKV_DOOR_INPLACE_DONE;
            return how == GKV_DOOR_INPLACE_DONE;
        }
    }
    return start_operation(door, operation_out);
}

/* Go on with the command under way. False: it must wait. True: it went on, and when there is one
 * more open operation, that is to be submitted. */
static bool advance_command(struct gkv_door *door, const struct gkv_door_view *view,
                            struct gkv_now now, struct gkv_operation *operation_out)
{
    if (door->plan.verb == GKV_DOOR_VERB_NONE) {
        if (!answer(door, view)) {
            return false;
        }
        drop_command(door);
        return true;
    }
    if (door->started_count < door->plan.key_count) {
        return advance_operation(door, view, now, operation_out);
    }
    if (door->is_held) {
        return false;
    }
    drop_command(door);
    return true;
}

bool gkv_door_next_operation(struct gkv_door *door, const struct gkv_door_view *view,
                             struct gkv_now now, struct gkv_operation *operation_out)
{
    gkv_door_reply_emit_all(door);
    door->has_paused = false;
    /* Each turn consumes bytes that were received, or ends. */
    for (uint32_t i = 0; i < GKV_DOOR_BURST_COUNT_MAX; i++) {
        if (take_again(door, operation_out)) {
            return true;
        }
        if (door->is_closing) {
            return false;
        }
        if (!door->has_command) {
            if (view->commons != NULL) {
                gkv_door_look_ahead(door, view->commons);
            }
            if (!take_command(door, now)) {
                return false;
            }
            continue;
        }
        const uint32_t open_count = door->open_count;
        if (!advance_command(door, view, now, operation_out)) {
            return false;
        }
        if (door->open_count != open_count) {
            return true;
        }
    }
    door->has_paused = true;
    return false;
}
