#include "core/pending.h"

#include "core/event.h"
#include "core/hash.h"
#include "core/panic.h"

#define PLACE_NONE UINT32_MAX

static uint32_t place_of(const struct gkv_pendings *pendings, const struct gkv_pending *pending)
{
    const struct gkv_pending *first = gkv_at(pendings, pendings->place_offset);
    GKV_ASSERT(pending >= first && pending < first + pendings->fresh_first);
    return (uint32_t)(pending - first);
}

void gkv_pendings_init(struct gkv_pendings *pendings, struct gkv_arena *arena,
                       const struct gkv_options *options)
{
    *pendings = (struct gkv_pendings){
        .place_count = options->operation_count_max,
        .free_first = PLACE_NONE,
        .repairing_first = PLACE_NONE,
        .repairing_last = PLACE_NONE,
    };
    uint8_t boot[8];
    for (unsigned i = 0; i < sizeof(boot); i++) {
        boot[i] = (uint8_t)(options->boot_id >> (8 * i));
    }
    pendings->generation = (uint32_t)gkv_hash(boot, sizeof(boot), 0);
    pendings->place_offset =
        gkv_offset_to(pendings, gkv_arena_reserve(arena, options->operation_count_max,
                                                  sizeof(struct gkv_pending)));
    gkv_cells_init(&pendings->cells, arena,
                   (uint32_t)(options->operation_memory_bytes / GKV_CELL_BYTES));
}

struct gkv_pending *gkv_pending_at(const struct gkv_pendings *pendings, uint32_t place)
{
    GKV_ASSERT(place < pendings->fresh_first);
    return (struct gkv_pending *)gkv_at(pendings, pendings->place_offset) + place;
}

struct gkv_pending *gkv_pending_find(const struct gkv_pendings *pendings, uint64_t handle)
{
    const uint32_t place = (uint32_t)(handle & UINT32_MAX);
    if (place >= pendings->fresh_first) {
        return NULL;
    }
    struct gkv_pending *pending = gkv_pending_at(pendings, place);
    const bool is_it =
        pending->state != GKV_PENDING_FREE && pending->generation == (uint32_t)(handle >> 32);
    return is_it ? pending : NULL;
}

uint64_t gkv_pending_handle(const struct gkv_pendings *pendings, const struct gkv_pending *pending)
{
    GKV_ASSERT(pending->generation != 0);
    return (uint64_t)pending->generation << 32 | place_of(pendings, pending);
}

void gkv_pending_renew(struct gkv_pendings *pendings, struct gkv_pending *pending)
{
    /* Generation 0 is never used: a handle of 0 means that no reply is wanted. */
    pendings->generation = pendings->generation == UINT32_MAX ? 1 : pendings->generation + 1;
    pending->generation = pendings->generation;
}

static void unlink_repairing(struct gkv_pendings *pendings, const struct gkv_pending *pending)
{
    if (pending->previous == PLACE_NONE) {
        pendings->repairing_first = pending->next;
    } else {
        gkv_pending_at(pendings, pending->previous)->next = pending->next;
    }
    if (pending->next == PLACE_NONE) {
        pendings->repairing_last = pending->previous;
    } else {
        gkv_pending_at(pendings, pending->next)->previous = pending->previous;
    }
}

void gkv_pending_release(struct gkv_pendings *pendings, const struct gkv_step *step,
                         struct gkv_pending *pending)
{
    const uint32_t place = place_of(pendings, pending);
    GKV_ASSERT(pending->state != GKV_PENDING_FREE);
    if (pending->state == GKV_PENDING_REPAIRING) {
        unlink_repairing(pendings, pending);
    }
    gkv_cells_free(&pendings->cells, pending->key_cell);
    gkv_cells_free(&pendings->cells, pending->answer_cell);
    gkv_timer_cancel(step->timers, gkv_step_operation_timer(step, place));
    memset(pending, 0, sizeof(*pending));
    pending->next = pendings->free_first;
    pendings->free_first = place;
}

static void release_oldest_repairing(struct gkv_pendings *pendings, const struct gkv_step *step)
{
    GKV_ASSERT(pendings->repairing_first != PLACE_NONE);
    gkv_pending_release(pendings, step, gkv_pending_at(pendings, pendings->repairing_first));
}

bool gkv_pendings_make_room(struct gkv_pendings *pendings, const struct gkv_step *step,
                            size_t bytes)
{
    const uint32_t needed = gkv_cells_needed(bytes);
    while (pendings->cells.free_count < needed && pendings->repairing_first != PLACE_NONE) {
        release_oldest_repairing(pendings, step);
    }
    return pendings->cells.free_count >= needed;
}

struct gkv_pending *gkv_pending_take(struct gkv_pendings *pendings, const struct gkv_step *step,
                                     uint64_t deadline_ns)
{
    const bool has_fresh = pendings->fresh_first < pendings->place_count;
    if (pendings->free_first == PLACE_NONE && !has_fresh &&
        pendings->repairing_first != PLACE_NONE) {
        release_oldest_repairing(pendings, step);
    }

    struct gkv_pending *pending = NULL;
    if (pendings->free_first != PLACE_NONE) {
        pending = gkv_pending_at(pendings, pendings->free_first);
        GKV_ASSERT(pending->state == GKV_PENDING_FREE);
        pendings->free_first = pending->next;
    } else if (has_fresh) {
        pendings->fresh_first++;
        pending = gkv_pending_at(pendings, pendings->fresh_first - 1);
    } else {
        return NULL;
    }
    memset(pending, 0, sizeof(*pending));
    pending->state = GKV_PENDING_WAITING;
    pending->key_cell = GKV_CELL_NONE;
    pending->answer_cell = GKV_CELL_NONE;
    gkv_pending_renew(pendings, pending);
    gkv_timer_set(step->timers, gkv_step_operation_timer(step, place_of(pendings, pending)),
                  deadline_ns);
    return pending;
}

void gkv_pending_start_repairing(struct gkv_pendings *pendings, struct gkv_pending *pending)
{
    const uint32_t place = place_of(pendings, pending);
    GKV_ASSERT(pending->state == GKV_PENDING_WAITING);
    pending->state = GKV_PENDING_REPAIRING;
    pending->previous = pendings->repairing_last;
    pending->next = PLACE_NONE;
    if (pendings->repairing_last == PLACE_NONE) {
        pendings->repairing_first = place;
    } else {
        gkv_pending_at(pendings, pendings->repairing_last)->next = place;
    }
    pendings->repairing_last = place;
}

struct gkv_keyed_record gkv_pending_load(const struct gkv_pendings *pendings,
                                         const struct gkv_step *step,
                                         const struct gkv_pending *pending)
{
    const struct gkv_cells *cells = &pendings->cells;
    const size_t key_bytes = pending->key_bytes;
    const size_t value_bytes = pending->value_bytes;
    uint8_t *buffer = gkv_scratch_take(step->scratch, key_bytes + value_bytes);
    if (pending->kind == GKV_OPERATION_GET) {
        gkv_cells_read(cells, pending->key_cell, 0, key_bytes, buffer);
        gkv_cells_read(cells, pending->answer_cell, 0, value_bytes, buffer + key_bytes);
    } else {
        gkv_cells_read(cells, pending->key_cell, 0, key_bytes + value_bytes, buffer);
    }
    return (struct gkv_keyed_record){
        .key = {.data = buffer, .count = key_bytes},
        .record = {.version = pending->version,
                   .expire_ms = pending->expire_ms,
                   .is_tombstone = pending->is_tombstone,
                   .value = {.data = value_bytes == 0 ? NULL : buffer + key_bytes,
                             .count = value_bytes}},
    };
}

uint8_t gkv_pending_reachable_owners(const struct gkv_pending *pending, const struct gkv_step *step)
{
    unsigned mask = 0;
    for (uint32_t i = 0; i < pending->owner_count; i++) {
        const uint16_t index = gkv_member_find(step->members, pending->owners[i]);
        if (index != GKV_MEMBER_INDEX_NONE &&
            gkv_member_is_reachable(gkv_member_at(step->members, index))) {
            mask |= 1U << i;
        }
    }
    return (uint8_t)mask;
}

void gkv_pending_find_owners(struct gkv_pending *pending, const struct gkv_step *step)
{
    const struct gkv_owners owners =
        gkv_ring_owners(gkv_step_ring(step), gkv_ring_slot_of_hash(pending->key_hash));
    GKV_ASSERT(owners.count <= GKV_REPLICA_COUNT_MAX);
    pending->owner_count = (uint8_t)owners.count;
    unsigned reachable = 0;
    for (uint32_t i = 0; i < owners.count; i++) {
        const struct gkv_member *member = gkv_member_at(step->members, owners.members[i]);
        pending->owners[i] = member->said.who.id;
        reachable |= gkv_member_is_reachable(member) ? 1U << i : 0;
        if (owners.members[i] == GKV_MEMBER_SELF) {
            pending->ours = (uint8_t)(1U << i);
        }
    }
    pending->asked = (uint8_t)reachable;
}

uint32_t gkv_pending_owner_index(const struct gkv_pending *pending, struct gkv_node_id id)
{
    uint32_t i = 0;
    while (i < pending->owner_count && !gkv_node_id_equal(pending->owners[i], id)) {
        i++;
    }
    return i;
}
