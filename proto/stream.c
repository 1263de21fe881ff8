#include "proto/stream.h"

#include "core/panic.h"
#include "proto/bounds.h"

static uint32_t place_count(const struct gkv_streams *streams)
{
    return streams->dialled_count + streams->accepted_count;
}

static size_t ring_bytes(const struct gkv_streams *streams)
{
    return 2 * streams->frame_bytes_max;
}

static uint8_t *ring_of(const struct gkv_streams *streams, uint32_t index)
{
    GKV_ASSERT(index < streams->dialled_count);
    uint8_t *rings = gkv_at(streams, streams->ring_offset);
    return rings + index * ring_bytes(streams);
}

static uint8_t *buffer_of(const struct gkv_streams *streams, uint32_t index)
{
    GKV_ASSERT(index >= streams->dialled_count);
    GKV_ASSERT(index < place_count(streams));
    uint8_t *buffers = gkv_at(streams, streams->buffer_offset);
    return buffers + (index - streams->dialled_count) * streams->frame_bytes_max;
}

void gkv_streams_init(struct gkv_streams *streams, struct gkv_arena *arena, uint32_t dialled_count,
                      uint32_t accepted_count, size_t frame_bytes_max)
{
    GKV_ASSERT(dialled_count >= 1);
    GKV_ASSERT(dialled_count < UINT16_MAX);
    *streams = (struct gkv_streams){
        .dialled_count = dialled_count,
        .accepted_count = accepted_count,
        .frame_bytes_max = frame_bytes_max,
    };
    void *places = gkv_arena_carve(arena, place_count(streams), sizeof(struct gkv_stream_place));
    streams->place_offset = gkv_offset_to(streams, places);
    void *rings = gkv_arena_reserve(arena, dialled_count, ring_bytes(streams));
    streams->ring_offset = gkv_offset_to(streams, rings);
    void *buffers = gkv_arena_reserve(arena, accepted_count, frame_bytes_max);
    streams->buffer_offset = gkv_offset_to(streams, buffers);
}

struct gkv_stream_place *gkv_stream_find(const struct gkv_streams *streams,
                                         struct gkv_stream stream)
{
    if (stream.index >= place_count(streams)) {
        return NULL;
    }
    struct gkv_stream_place *place = gkv_stream_place(streams, stream.index);
    const bool is_live = place->state != GKV_STREAM_FREE && place->state != GKV_STREAM_BACKOFF;
    return is_live && place->generation == stream.generation ? place : NULL;
}

struct gkv_stream gkv_stream_handle(const struct gkv_streams *streams, uint32_t index)
{
    const struct gkv_stream_place *place = gkv_stream_place(streams, index);
    return (struct gkv_stream){.index = index, .generation = place->generation};
}

static bool is_dialled_to(const struct gkv_streams *streams, uint32_t index,
                          const struct gkv_address *address)
{
    const struct gkv_stream_place *place = gkv_stream_place(streams, index);
    return place->state != GKV_STREAM_FREE && gkv_address_equal(&place->address, address);
}

_Static_assert(GKV_STREAM_HINT_COUNT == 1 << 8, "a hint is found by eight bits");

/* Any that tells apart addresses of one network, at other hosts or ports, does. */
static uint32_t hint_of(const struct gkv_address *address)
{
    uint64_t words[2];
    memcpy(words, address->bytes, sizeof(words));
    uint32_t last = 0;
    memcpy(&last, address->bytes + sizeof(words), sizeof(last));
    const uint64_t mixed = (words[0] ^ words[1] ^ last) * UINT64_C(0x9E3779B97F4A7C15);
    return (uint32_t)(mixed >> 56);
}

uint32_t gkv_stream_find_dialled(struct gkv_streams *streams, const struct gkv_address *address)
{
    uint16_t *hint = &streams->hints[hint_of(address)];
    GKV_ASSERT(*hint < streams->dialled_count);
    if (is_dialled_to(streams, *hint, address)) {
        return *hint;
    }
    for (uint32_t i = 0; i < streams->dialled_count; i++) {
        if (is_dialled_to(streams, i, address)) {
            *hint = (uint16_t)i;
            return i;
        }
    }
    return streams->dialled_count;
}

/* How gladly a dialled place is given up; 0: not at all. */
static unsigned idleness(const struct gkv_stream_place *place, uint64_t now_ns)
{
    if (place->state == GKV_STREAM_FREE) {
        return 3;
    }
    if (place->state == GKV_STREAM_BACKOFF && place->until_ns <= now_ns) {
        return 2;
    }
    return place->state == GKV_STREAM_OPEN && place->count == 0 ? 1 : 0;
}

uint32_t gkv_stream_find_idle(const struct gkv_streams *streams, uint64_t now_ns)
{
    uint32_t best = streams->dialled_count;
    unsigned best_idleness = 0;
    for (uint32_t i = 0; i < streams->dialled_count; i++) {
        const struct gkv_stream_place *place = gkv_stream_place(streams, i);
        const unsigned idle = idleness(place, now_ns);
        if (idle > best_idleness || (idle > 0 && idle == best_idleness &&
                                     place->used_ns < gkv_stream_place(streams, best)->used_ns)) {
            best = i;
            best_idleness = idle;
        }
    }
    return best;
}

static bool is_less_recent(const struct gkv_streams *streams, uint32_t index, uint32_t best)
{
    return best == place_count(streams) ||
           gkv_stream_place(streams, index)->used_ns < gkv_stream_place(streams, best)->used_ns;
}

uint32_t gkv_stream_find_stranger(const struct gkv_streams *streams)
{
    uint32_t best = place_count(streams);
    for (uint32_t i = 0; i < streams->dialled_count; i++) {
        const struct gkv_stream_place *place = gkv_stream_place(streams, i);
        if (place->is_stranger && is_less_recent(streams, i, best)) {
            best = i;
        }
    }
    return best == place_count(streams) ? streams->dialled_count : best;
}

uint32_t gkv_stream_find_idle_for_stranger(const struct gkv_streams *streams, uint64_t now_ns)
{
    uint32_t free_place = streams->dialled_count;
    uint32_t idle = place_count(streams);
    uint32_t stranger_count = 0;
    for (uint32_t i = 0; i < streams->dialled_count; i++) {
        const struct gkv_stream_place *place = gkv_stream_place(streams, i);
        const unsigned how = idleness(place, now_ns);
        stranger_count += place->is_stranger && how < 2;
        if (how >= 2) {
            free_place = i;
        } else if (how == 1 && place->is_stranger && is_less_recent(streams, i, idle)) {
            idle = i;
        }
    }
    if (stranger_count < GKV_STRANGER_COUNT_MAX && free_place < streams->dialled_count) {
        return free_place;
    }
    return idle < streams->dialled_count ? idle : streams->dialled_count;
}

/* How gladly an accepted place is given up; 0: not at all. */
static unsigned dispensability(const struct gkv_stream_place *place, uint64_t now_ns)
{
    const uint64_t age_ns = now_ns - place->used_ns;
    if (place->state == GKV_STREAM_FREE) {
        return 4;
    }
    if (place->state == GKV_STREAM_NEW) {
        return age_ns >= GKV_HELLO_GRACE_MS * GKV_NS_PER_MS ? 2 : 0;
    }
    if (place->is_superseded) {
        return 3;
    }
    return age_ns >= GKV_ACCEPTED_IDLE_MS * GKV_NS_PER_MS ? 1 : 0;
}

uint32_t gkv_stream_find_acceptable(const struct gkv_streams *streams, uint64_t now_ns)
{
    uint32_t best = place_count(streams);
    unsigned best_dispensability = 0;
    for (uint32_t i = streams->dialled_count; i < place_count(streams); i++) {
        const unsigned how = dispensability(gkv_stream_place(streams, i), now_ns);
        if (how > best_dispensability ||
            (how > 0 && how == best_dispensability && is_less_recent(streams, i, best))) {
            best = i;
            best_dispensability = how;
        }
    }
    return best;
}

void gkv_stream_occupy(struct gkv_streams *streams, uint32_t index, enum gkv_stream_state state)
{
    struct gkv_stream_place *place = gkv_stream_place(streams, index);
    place->generation++;
    place->state = state;
    place->is_announced = false;
    place->is_superseded = false;
    place->first = 0;
    place->count = 0;
}

size_t gkv_stream_send_room(const struct gkv_streams *streams, uint32_t index)
{
    const struct gkv_stream_place *place = gkv_stream_place(streams, index);
    GKV_ASSERT(index < streams->dialled_count);
    GKV_ASSERT(place->count <= ring_bytes(streams));
    return ring_bytes(streams) - place->count;
}

uint8_t *gkv_stream_send_tail(struct gkv_streams *streams, uint32_t index, size_t *room_out)
{
    const struct gkv_stream_place *place = gkv_stream_place(streams, index);
    const size_t room = gkv_stream_send_room(streams, index);
    const size_t tail = (place->first + place->count) % ring_bytes(streams);
    const size_t to_end = ring_bytes(streams) - tail;
    *room_out = room < to_end ? room : to_end;
    return ring_of(streams, index) + tail;
}

void gkv_stream_send_commit(struct gkv_streams *streams, uint32_t index, size_t count)
{
    GKV_ASSERT(count <= gkv_stream_send_room(streams, index));
    gkv_stream_place(streams, index)->count += count;
}

void gkv_stream_send_copy(struct gkv_streams *streams, uint32_t index, struct gkv_bytes bytes)
{
    GKV_ASSERT(bytes.count <= gkv_stream_send_room(streams, index));
    size_t room = 0;
    uint8_t *tail = gkv_stream_send_tail(streams, index, &room);
    const size_t head = bytes.count < room ? bytes.count : room;
    memcpy(tail, bytes.data, head);
    memcpy(ring_of(streams, index), bytes.data + head, bytes.count - head);
    gkv_stream_send_commit(streams, index, bytes.count);
}

void gkv_stream_send_pending(const struct gkv_streams *streams, uint32_t index,
                             struct gkv_bytes pieces_out[2])
{
    const struct gkv_stream_place *place = gkv_stream_place(streams, index);
    const uint8_t *ring = ring_of(streams, index);
    const size_t to_end = ring_bytes(streams) - place->first;
    const size_t head = place->count < to_end ? place->count : to_end;
    pieces_out[0] = (struct gkv_bytes){.data = ring + place->first, .count = head};
    pieces_out[1] = (struct gkv_bytes){.data = ring, .count = place->count - head};
}

void gkv_stream_send_drop(struct gkv_streams *streams, uint32_t index, size_t count)
{
    struct gkv_stream_place *place = gkv_stream_place(streams, index);
    GKV_ASSERT(index < streams->dialled_count);
    GKV_ASSERT(count <= place->count);
    place->count -= count;
    place->first = place->count == 0 ? 0 : (place->first + count) % ring_bytes(streams);
}

uint8_t *gkv_stream_receive_tail(struct gkv_streams *streams, uint32_t index, size_t *room_out)
{
    struct gkv_stream_place *place = gkv_stream_place(streams, index);
    uint8_t *buffer = buffer_of(streams, index);
    size_t room = streams->frame_bytes_max - place->first - place->count;
    /* Moving is put off until the room is short, so that it happens at most once per large frame.
     * */
    if (place->first > 0 && room < streams->frame_bytes_max / 4) {
        memmove(buffer, buffer + place->first, place->count);
        place->first = 0;
        room = streams->frame_bytes_max - place->count;
    }
    *room_out = room;
    return buffer + place->first + place->count;
}

void gkv_stream_receive_commit(struct gkv_streams *streams, uint32_t index, size_t count)
{
    struct gkv_stream_place *place = gkv_stream_place(streams, index);
    GKV_ASSERT(count <= streams->frame_bytes_max - place->first - place->count);
    place->count += count;
}

struct gkv_bytes gkv_stream_received(const struct gkv_streams *streams, uint32_t index)
{
    const struct gkv_stream_place *place = gkv_stream_place(streams, index);
    return (struct gkv_bytes){.data = buffer_of(streams, index) + place->first,
                              .count = place->count};
}

void gkv_stream_receive_drop(struct gkv_streams *streams, uint32_t index, size_t count)
{
    struct gkv_stream_place *place = gkv_stream_place(streams, index);
    GKV_ASSERT(index >= streams->dialled_count);
    GKV_ASSERT(count <= place->count);
    place->count -= count;
    place->first = place->count == 0 ? 0 : place->first + count;
}
