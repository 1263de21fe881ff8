#include "core/action.h"

void gkv_actions_init(struct gkv_actions *actions, struct gkv_arena *arena, uint32_t capacity)
{
    *actions = (struct gkv_actions){.capacity = capacity};
    actions->action_offset =
        gkv_offset_to(actions, gkv_arena_reserve(arena, capacity, sizeof(struct gkv_action)));
}
