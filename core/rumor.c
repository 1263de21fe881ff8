#include "core/rumor.h"

#include "core/panic.h"

#define TELLINGS_FACTOR 8 /* twice memberlist's RetransmitMult: docs/decisions/0011-tell-twice.md */

/* What a pick has chosen so far: `front_count` members in the order given, then rumours by tellings
 * left, most first. */
struct choice {
    uint16_t indices[GKV_UPDATE_COUNT_MAX];
    uint32_t count;
    uint32_t front_count;
    uint32_t capacity;
};

static uint8_t *told_at(const struct gkv_rumors *rumors, uint16_t index)
{
    GKV_ASSERT(index < rumors->capacity);
    return (uint8_t *)gkv_at(rumors, rumors->told_offset) + index;
}

/* 8 x ceil(log10(member_count + 1)): 8 up to 9 members, 32 up to the most that there can be. */
static uint8_t tellings(uint16_t member_count)
{
    uint32_t digits = 1;
    for (uint32_t power = 10; power < (uint32_t)member_count + 1; power *= 10) {
        digits++;
    }
    GKV_ASSERT(digits <= 5);
    return (uint8_t)(TELLINGS_FACTOR * digits);
}

void gkv_rumors_init(struct gkv_rumors *rumors, struct gkv_arena *arena, uint16_t capacity)
{
    GKV_ASSERT(capacity > 0);
    uint8_t *told = gkv_arena_carve(arena, capacity, sizeof(*told));
    *rumors = (struct gkv_rumors){.capacity = capacity};
    rumors->told_offset = gkv_offset_to(rumors, told);
}

void gkv_rumor_add(struct gkv_rumors *rumors, const struct gkv_members *members, uint16_t index)
{
    GKV_ASSERT(gkv_member_at(members, index)->said.state != GKV_MEMBER_NONE);
    uint8_t *left = told_at(rumors, index);
    if (*left == 0) {
        rumors->pending_count++;
    }
    *left = tellings(members->count);
    GKV_ASSERT(rumors->pending_count <= rumors->capacity);
}

void gkv_rumor_remove(struct gkv_rumors *rumors, uint16_t index)
{
    uint8_t *left = told_at(rumors, index);
    if (*left > 0) {
        GKV_ASSERT(rumors->pending_count > 0);
        rumors->pending_count--;
        *left = 0;
    }
}

static bool is_in_front(const struct choice *choice, uint16_t index)
{
    for (uint32_t i = 0; i < choice->front_count; i++) {
        if (choice->indices[i] == index) {
            return true;
        }
    }
    return false;
}

static void choose_front(struct choice *choice, uint16_t index)
{
    if (index != GKV_MEMBER_INDEX_NONE && choice->count < choice->capacity &&
        !is_in_front(choice, index)) {
        choice->indices[choice->count++] = index;
        choice->front_count = choice->count;
    }
}

/* Put a rumour in its place by tellings left, behind its equals; the last one falls out when
 * full. */
static void choose_rumor(struct choice *choice, const struct gkv_rumors *rumors, uint16_t index)
{
    const uint8_t left = *told_at(rumors, index);
    uint32_t place = choice->count;
    while (place > choice->front_count && *told_at(rumors, choice->indices[place - 1]) < left) {
        place--;
    }
    if (place == choice->capacity) {
        return;
    }
    if (choice->count < choice->capacity) {
        choice->count++;
    }
    for (uint32_t i = choice->count - 1; i > place; i--) {
        choice->indices[i] = choice->indices[i - 1];
    }
    choice->indices[place] = index;
}

static void count_telling(struct gkv_rumors *rumors, uint16_t index)
{
    uint8_t *left = told_at(rumors, index);
    if (*left == 0) {
        return; /* it was in front without being news */
    }
    *left = (uint8_t)(*left - 1);
    if (*left == 0) {
        GKV_ASSERT(rumors->pending_count > 0);
        rumors->pending_count--;
    }
}

static void choose_rumors(struct choice *choice, const struct gkv_rumors *rumors)
{
    uint16_t index = rumors->start;
    uint32_t left_count = rumors->pending_count;
    for (uint32_t i = 0; i < rumors->capacity && left_count > 0; i++) {
        const bool is_pending = *told_at(rumors, index) > 0;
        left_count -= is_pending;
        if (is_pending && !is_in_front(choice, index)) {
            choose_rumor(choice, rumors, index);
        }
        index = (uint16_t)(index + 1u < rumors->capacity ? index + 1u : 0u);
    }
}

uint32_t gkv_rumors_pick(struct gkv_rumors *rumors, const struct gkv_members *members,
                         const uint16_t front[GKV_RUMOR_FRONT_COUNT],
                         struct gkv_update *updates_out, uint32_t capacity)
{
    GKV_ASSERT(capacity <= GKV_UPDATE_COUNT_MAX);
    GKV_ASSERT(rumors->capacity == members->capacity);

    struct choice choice = {.capacity = capacity};
    for (uint32_t i = 0; i < GKV_RUMOR_FRONT_COUNT; i++) {
        choose_front(&choice, front[i]);
    }
    if (rumors->pending_count > 0) {
        choose_rumors(&choice, rumors);
        rumors->start = (uint16_t)(rumors->start + 1u < rumors->capacity ? rumors->start + 1u : 0u);
    }

    for (uint32_t i = 0; i < choice.count; i++) {
        const struct gkv_member *member = gkv_member_at(members, choice.indices[i]);
        GKV_ASSERT(member->said.state != GKV_MEMBER_NONE);
        updates_out[i] = member->said;
        count_telling(rumors, choice.indices[i]);
    }
    GKV_ASSERT(choice.count <= capacity);
    return choice.count;
}
