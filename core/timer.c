#include "core/timer.h"

#include "core/panic.h"
#include "core/types.h"

static uint32_t *heap_of(const struct gkv_timers *timers)
{
    return gkv_at(timers, timers->heap_offset);
}

static uint32_t *places_of(const struct gkv_timers *timers)
{
    return gkv_at(timers, timers->place_offset);
}

static uint64_t *dues_of(const struct gkv_timers *timers)
{
    return gkv_at(timers, timers->due_offset);
}

static bool is_sooner(const struct gkv_timers *timers, uint32_t a, uint32_t b)
{
    const uint64_t *dues = dues_of(timers);
    return dues[a] != dues[b] ? dues[a] < dues[b] : a < b;
}

static void put_at(struct gkv_timers *timers, uint32_t place, uint32_t id)
{
    heap_of(timers)[place] = id;
    places_of(timers)[id] = place + 1;
}

/* Move the id at `place` towards the root until its parent is sooner. */
static void sift_up(struct gkv_timers *timers, uint32_t place)
{
    const uint32_t id = heap_of(timers)[place];
    while (place > 0) {
        const uint32_t parent = (place - 1) / 2;
        if (!is_sooner(timers, id, heap_of(timers)[parent])) {
            break;
        }
        put_at(timers, place, heap_of(timers)[parent]);
        place = parent;
    }
    put_at(timers, place, id);
}

/* Move the id at `place` towards the leaves until its children are later. */
static void sift_down(struct gkv_timers *timers, uint32_t place)
{
    const uint32_t *heap = heap_of(timers);
    const uint32_t id = heap[place];
    for (;;) {
        uint32_t child = 2 * place + 1;
        if (child >= timers->set_count) {
            break;
        }
        if (child + 1 < timers->set_count && is_sooner(timers, heap[child + 1], heap[child])) {
            child++;
        }
        if (!is_sooner(timers, heap[child], id)) {
            break;
        }
        put_at(timers, place, heap[child]);
        place = child;
    }
    put_at(timers, place, id);
}

void gkv_timers_init(struct gkv_timers *timers, struct gkv_arena *arena, uint32_t id_count)
{
    *timers = (struct gkv_timers){.id_count = id_count};
    timers->heap_offset = gkv_offset_to(timers, gkv_arena_carve(arena, id_count, sizeof(uint32_t)));
    timers->place_offset =
        gkv_offset_to(timers, gkv_arena_carve(arena, id_count, sizeof(uint32_t)));
    timers->due_offset = gkv_offset_to(timers, gkv_arena_carve(arena, id_count, sizeof(uint64_t)));
}

void gkv_timer_set(struct gkv_timers *timers, uint32_t id, uint64_t deadline_ns)
{
    GKV_ASSERT(id < timers->id_count);
    GKV_ASSERT(deadline_ns < GKV_NEVER);

    uint32_t place = places_of(timers)[id];
    if (place == 0) {
        place = ++timers->set_count;
        put_at(timers, place - 1, id);
    }
    dues_of(timers)[id] = deadline_ns;
    sift_up(timers, place - 1);
    sift_down(timers, places_of(timers)[id] - 1);
    GKV_ASSERT(heap_of(timers)[places_of(timers)[id] - 1] == id);
}

void gkv_timer_cancel(struct gkv_timers *timers, uint32_t id)
{
    GKV_ASSERT(id < timers->id_count);
    const uint32_t place = places_of(timers)[id];
    if (place == 0) {
        return;
    }
    GKV_ASSERT(heap_of(timers)[place - 1] == id);

    places_of(timers)[id] = 0;
    timers->set_count--;
    if (place - 1 == timers->set_count) {
        return;
    }
    const uint32_t moved = heap_of(timers)[timers->set_count];
    put_at(timers, place - 1, moved);
    sift_up(timers, place - 1);
    sift_down(timers, places_of(timers)[moved] - 1);
}

void gkv_timers_postpone(struct gkv_timers *timers, uint64_t by_ns)
{
    for (uint32_t i = 0; i < timers->set_count; i++) {
        uint64_t *due_ns = &dues_of(timers)[heap_of(timers)[i]];
        GKV_ASSERT(*due_ns < GKV_NEVER - by_ns);
        *due_ns += by_ns;
    }
}

bool gkv_timer_is_set(const struct gkv_timers *timers, uint32_t id)
{
    GKV_ASSERT(id < timers->id_count);
    return places_of(timers)[id] != 0;
}

bool gkv_timers_take_due(struct gkv_timers *timers, uint64_t now_ns, uint32_t *id_out)
{
    if (timers->set_count == 0 || gkv_timers_deadline_ns(timers) > now_ns) {
        return false;
    }
    const uint32_t id = heap_of(timers)[0];
    gkv_timer_cancel(timers, id);
    *id_out = id;
    return true;
}
