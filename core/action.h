/* What a node wants done: the bounded queue that a step fills and the shim drains after it.
 *
 * Bounds    Laid out for the largest step; a step starts only on an empty queue, so it never
 *           overflows, and timer work stops early when the room left is under the worst of one
 *           timer.
 * Invariant What an action lends (views in its message or result) is valid until the next step.
 */
#ifndef GKV_CORE_ACTION_H
#define GKV_CORE_ACTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/message.h"
#include "core/panic.h"
#include "core/types.h"

enum gkv_action_kind {
    GKV_ACTION_SEND = 1,     /* give a message to whoever listens at `address` */
    GKV_ACTION_COMPLETE = 2, /* a client operation is over; exactly one per accepted operation */
    GKV_ACTION_MEMBER = 3,   /* a member's state changed, for the application */
    GKV_ACTION_DEGRADED = 4, /* a member is DEGRADED from now on, or no more, likewise */
};

/* How an operation ended. */
struct gkv_result {
    uint64_t cookie;
    /* GKV_OK, NOT_FOUND, NO_QUORUM, TIMEOUT, IN_DOUBT, MEMORY, BUSY, CLOCK_DRIFT; of the request
     * itself: KEY_EMPTY, KEY_TOO_LONG, VALUE_TOO_LONG, TTL. */
    enum gkv_error error;
    struct gkv_version version; /* GET: of the value or the deletion; else what was written */
    uint64_t expire_ms;         /* GET: when the value expires, ms since 1970; 0: never */
    struct gkv_bytes value;     /* GET: lent until the next step */
};

struct gkv_action {
    enum gkv_action_kind kind;
    union {
        struct {
            struct gkv_address address;
            enum gkv_channel channel;
            struct gkv_message message;
        } send;
        struct gkv_result result;
        struct gkv_update member;
        struct {
            struct gkv_identity who;
            bool is_degraded;
        } degraded;
    } as;
};

struct gkv_actions {
    ptrdiff_t action_offset;
    uint32_t capacity;
    uint32_t first; /* next to be taken */
    uint32_t count; /* not yet taken */
};

void gkv_actions_init(struct gkv_actions *actions, struct gkv_arena *arena, uint32_t capacity);

/* How many more fit. */
static inline uint32_t gkv_actions_room(const struct gkv_actions *actions)
{
    GKV_ASSERT(actions->first + actions->count <= actions->capacity);
    return actions->capacity - actions->first - actions->count;
}

/* Append a zeroed action and lend it for filling. Asserts that there is room. */
static inline struct gkv_action *gkv_actions_add(struct gkv_actions *actions,
                                                 enum gkv_action_kind kind)
{
    GKV_ASSERT(gkv_actions_room(actions) > 0);
    struct gkv_action *action = gkv_at(actions, actions->action_offset);
    action += actions->first + actions->count;
    actions->count++;
    memset(action, 0, sizeof(*action));
    action->kind = kind;
    return action;
}

/* Take the oldest action: true and a copy, or false when there is none. */
static inline bool gkv_actions_take(struct gkv_actions *actions, struct gkv_action *action_out)
{
    if (actions->count == 0) {
        return false;
    }
    const struct gkv_action *action = gkv_at(actions, actions->action_offset);
    *action_out = action[actions->first];
    actions->first++;
    actions->count--;
    if (actions->count == 0) {
        actions->first = 0;
    }
    return true;
}

#endif
