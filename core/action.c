#include "core/action.h"

#include "core/panic.h"

static struct gkv_action *actions_of(const struct gkv_actions *actions)
{
    return gkv_at(actions, actions->action_offset);
}

void gkv_actions_init(struct gkv_actions *actions, struct gkv_arena *arena, uint32_t capacity)
{
    *actions = (struct gkv_actions){.capacity = capacity};
    actions->action_offset =
        gkv_offset_to(actions, gkv_arena_reserve(arena, capacity, sizeof(struct gkv_action)));
}

struct gkv_action *gkv_actions_add(struct gkv_actions *actions, enum gkv_action_kind kind)
{
    GKV_ASSERT(gkv_actions_room(actions) > 0);
    struct gkv_action *action = &actions_of(actions)[actions->first + actions->count];
    actions->count++;
    memset(action, 0, sizeof(*action));
    action->kind = kind;
    return action;
}

uint32_t gkv_actions_room(const struct gkv_actions *actions)
{
    GKV_ASSERT(actions->first + actions->count <= actions->capacity);
    return actions->capacity - actions->first - actions->count;
}

bool gkv_actions_take(struct gkv_actions *actions, struct gkv_action *action_out)
{
    if (actions->count == 0) {
        return false;
    }
    *action_out = actions_of(actions)[actions->first];
    actions->first++;
    actions->count--;
    if (actions->count == 0) {
        actions->first = 0;
    }
    return true;
}
