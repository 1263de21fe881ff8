#include "io_posix/herald.h"

#include <stdlib.h>

#include "core/panic.h"

/* What was told last of a place; generation 0 and state NONE: nothing. */
struct gkv_herald_place {
    uint64_t boot_id;
    uint32_t generation;
    enum gkv_member_state state;
    bool is_degraded;
};

enum gkv_error gkv_herald_init(struct gkv_herald *herald, uint32_t member_count_max)
{
    if (herald->on_member == NULL) {
        return GKV_OK;
    }
    GKV_ASSERT(member_count_max > 0 && member_count_max <= GKV_MEMBER_COUNT_MAX);
    herald->capacity = (uint16_t)member_count_max;
    herald->places = calloc(member_count_max, sizeof(*herald->places));
    return herald->places == NULL ? GKV_ERROR_MEMORY : GKV_OK;
}

void gkv_herald_destroy(struct gkv_herald *herald)
{
    free(herald->places);
    herald->places = NULL;
}

void gkv_herald_tell(struct gkv_herald *herald, const struct gkv_members *members,
                     const struct gkv_update *said)
{
    if (herald->on_member == NULL) {
        return;
    }
    const uint16_t index = gkv_member_find(members, said->who.id);
    if (index != GKV_MEMBER_INDEX_NONE) { /* else: forgotten in the same input */
        GKV_ASSERT(index < herald->capacity);
        const struct gkv_member *member = gkv_member_at(members, index);
        herald->places[index] = (struct gkv_herald_place){
            .boot_id = said->who.boot_id,
            .generation = member->generation,
            .state = said->state,
            .is_degraded = member->is_degraded,
        };
    }
    herald->has_told = true;
    herald->on_member(herald->context, members, said);
}

static bool is_told(const struct gkv_herald_place *place, const struct gkv_member *member)
{
    return place->generation == member->generation && place->state == member->said.state &&
           place->boot_id == member->said.who.boot_id && place->is_degraded == member->is_degraded;
}

void gkv_herald_tell_degraded(struct gkv_herald *herald, const struct gkv_members *members,
                              struct gkv_node_id who)
{
    const uint16_t index = gkv_member_find(members, who);
    if (herald->on_member == NULL || index == GKV_MEMBER_INDEX_NONE) {
        return;
    }
    const struct gkv_member *member = gkv_member_at(members, index);
    if (!is_told(&herald->places[index], member)) { /* what was told before may have said so */
        gkv_herald_tell(herald, members, &member->said);
    }
}

void gkv_herald_finish(struct gkv_herald *herald, const struct gkv_members *members)
{
    if (!herald->has_told) {
        return;
    }
    GKV_ASSERT(members->capacity == herald->capacity);
    for (uint16_t i = GKV_MEMBER_SELF + 1; i < members->capacity; i++) {
        const struct gkv_member *member = gkv_member_at(members, i);
        if (member->said.state != GKV_MEMBER_NONE && !is_told(&herald->places[i], member)) {
            gkv_herald_tell(herald, members, &member->said);
        }
    }
    herald->has_told = false;
}
