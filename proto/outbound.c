#include "proto/outbound.h"

#include "core/panic.h"
#include "proto/bounds.h"
#include "proto/endpoint_state.h"
#include "proto/frame.h"

void gkv_outbound_enqueue(struct gkv_endpoint *endpoint, uint32_t index)
{
    struct gkv_stream_place *place = gkv_stream_place(&endpoint->streams, index);
    if (place->is_queued) {
        return;
    }
    place->is_queued = true;
    const bool is_dialled = index < endpoint->streams.dialled_count;
    gkv_queue_add(is_dialled ? &endpoint->sends : &endpoint->parses,
                  &(struct gkv_item){.stream.index = index});
}

void gkv_outbound_set_limit(struct gkv_endpoint *endpoint, struct gkv_stream_place *place,
                            uint64_t limit_ms)
{
    place->until_ns = endpoint->now.mono_ns + limit_ms * GKV_NS_PER_MS;
    if (place->until_ns < endpoint->deadline_ns) {
        endpoint->deadline_ns = place->until_ns;
    }
}

void gkv_outbound_tell_to_close(struct gkv_endpoint *endpoint, uint32_t index)
{
    gkv_queue_add(&endpoint->notices,
                  &(struct gkv_item){.kind = GKV_OUTPUT_CLOSE,
                                     .stream = gkv_stream_handle(&endpoint->streams, index)});
}

void gkv_outbound_fail(struct gkv_endpoint *endpoint, uint32_t index)
{
    struct gkv_stream_place *place = gkv_stream_place(&endpoint->streams, index);
    const uint64_t now_ns = endpoint->now.mono_ns;
    GKV_ASSERT(index < endpoint->streams.dialled_count);
    GKV_ASSERT(place->state == GKV_STREAM_DIALLING || place->state == GKV_STREAM_OPEN);

    const uint64_t lasting_ns = GKV_DIAL_BACKOFF_MS_MAX * GKV_NS_PER_MS;
    if (place->state == GKV_STREAM_OPEN && now_ns - place->opened_ns >= lasting_ns) {
        place->backoff_ms = 0;
    }
    place->backoff_ms *= 2;
    if (place->backoff_ms < GKV_DIAL_BACKOFF_MS_MIN) {
        place->backoff_ms = GKV_DIAL_BACKOFF_MS_MIN;
    }
    if (place->backoff_ms > GKV_DIAL_BACKOFF_MS_MAX) {
        place->backoff_ms = GKV_DIAL_BACKOFF_MS_MAX;
    }
    const uint64_t half_ns = place->backoff_ms * GKV_NS_PER_MS / 2;
    place->until_ns = now_ns + half_ns + gkv_prng_below(&endpoint->prng, half_ns + 1);
    if (place->state == GKV_STREAM_DIALLING) {
        endpoint->stats.dial_failed_count++;
    }
    place->state = GKV_STREAM_BACKOFF;
    place->count = 0;
    /* News for the core, which can do without it. */
    if (endpoint->downs.count < endpoint->downs.capacity) {
        gkv_queue_add(&endpoint->downs, &(struct gkv_item){.address = place->address});
    }
}

static void put_hello(struct gkv_endpoint *endpoint, uint32_t index)
{
    const struct gkv_hello hello = {
        .wire_version = GKV_WIRE_VERSION,
        .cluster_hash = endpoint->cluster_hash,
        .from = endpoint->self,
        .address = endpoint->address,
    };
    size_t room = 0;
    uint8_t *frame = gkv_stream_send_tail(&endpoint->streams, index, &room);
    const size_t payload_bytes = gkv_codec_encode_hello(
        &endpoint->encoder, &hello, frame + GKV_FRAME_HEADER_BYTES, room - GKV_FRAME_HEADER_BYTES);
    GKV_ASSERT(payload_bytes > 0);
    gkv_frame_seal(frame, payload_bytes);
    gkv_stream_send_commit(&endpoint->streams, index, GKV_FRAME_HEADER_BYTES + payload_bytes);
}

/* Dial an address from a place that nobody lives in. What it will say first lies ready before it is
 * open. */
static void dial(struct gkv_endpoint *endpoint, uint32_t index, const struct gkv_address *address)
{
    struct gkv_stream_place *place = gkv_stream_place(&endpoint->streams, index);
    if (!gkv_address_equal(&place->address, address)) {
        place->backoff_ms = 0;
    }
    gkv_stream_occupy(&endpoint->streams, index, GKV_STREAM_DIALLING);
    place->address = *address;
    gkv_outbound_set_limit(endpoint, place, GKV_DIAL_TIMEOUT_MS);
    put_hello(endpoint, index);
    endpoint->stats.dial_count++;
    gkv_queue_add(&endpoint->notices,
                  &(struct gkv_item){.kind = GKV_OUTPUT_CONNECT,
                                     .stream = gkv_stream_handle(&endpoint->streams, index),
                                     .address = *address});
}

/* True for a seed, and for a member in whatever state. */
static bool is_known(const struct gkv_endpoint *endpoint, const struct gkv_address *address)
{
    const struct gkv_node *node = gkv_at(endpoint, endpoint->node_offset);
    const struct gkv_options *options = gkv_node_options(node);
    for (uint32_t i = 0; i < options->seed_count; i++) {
        if (gkv_address_equal(&options->seeds[i], address)) {
            return true;
        }
    }
    return gkv_member_find_address(gkv_node_members(node), address) != GKV_MEMBER_INDEX_NONE;
}

/* Who was a stranger may have joined since. */
static void recognise_strangers(struct gkv_endpoint *endpoint)
{
    for (uint32_t i = 0; i < endpoint->streams.dialled_count; i++) {
        struct gkv_stream_place *place = gkv_stream_place(&endpoint->streams, i);
        if (place->is_stranger && is_known(endpoint, &place->address)) {
            place->is_stranger = false;
        }
    }
}

/* A place for a stream to an address that has none; dialled_count: there is no room (counted). */
static uint32_t find_place(struct gkv_endpoint *endpoint, bool is_stranger)
{
    struct gkv_streams *streams = &endpoint->streams;
    const uint64_t now_ns = endpoint->now.mono_ns;
    uint32_t index = streams->dialled_count;
    recognise_strangers(endpoint);
    if (is_stranger) {
        index = gkv_stream_find_idle_for_stranger(streams, now_ns);
        endpoint->stats.dropped_stranger += index == streams->dialled_count;
        return index;
    }
    index = gkv_stream_find_idle(streams, now_ns);
    const bool is_in_use = index == streams->dialled_count ||
                           gkv_stream_place(streams, index)->state == GKV_STREAM_OPEN;
    const uint32_t stranger = is_in_use ? gkv_stream_find_stranger(streams) : index;
    index = stranger < streams->dialled_count ? stranger : index;
    endpoint->stats.dropped_full += index == streams->dialled_count;
    return index;
}

/* The stream to an address, dialled if need be: true and its place, or false (counted). */
static bool find_or_dial(struct gkv_endpoint *endpoint, const struct gkv_address *address,
                         uint32_t *index_out)
{
    struct gkv_streams *streams = &endpoint->streams;
    const uint64_t now_ns = endpoint->now.mono_ns;
    uint32_t index = gkv_stream_find_dialled(streams, address);
    if (index < streams->dialled_count) {
        const struct gkv_stream_place *place = gkv_stream_place(streams, index);
        if (place->state == GKV_STREAM_BACKOFF && place->until_ns > now_ns) {
            endpoint->stats.dropped_backoff++;
            return false;
        }
        if (place->state == GKV_STREAM_BACKOFF) {
            dial(endpoint, index, address);
        }
        *index_out = index;
        return true;
    }
    const bool is_stranger = !is_known(endpoint, address);
    index = find_place(endpoint, is_stranger);
    if (index == streams->dialled_count) {
        return false;
    }
    struct gkv_stream_place *place = gkv_stream_place(streams, index);
    if (place->state == GKV_STREAM_OPEN || place->state == GKV_STREAM_DIALLING) {
        gkv_outbound_tell_to_close(endpoint, index);
    }
    dial(endpoint, index, address);
    place->is_stranger = is_stranger;
    *index_out = index;
    return true;
}

/* Encode a message as a frame at the tail of a ring: in place when it fits before the ring's end,
 * else by way of the staging buffer. False: no room. */
static bool put_frame(struct gkv_endpoint *endpoint, uint32_t index,
                      const struct gkv_message *message)
{
    struct gkv_streams *streams = &endpoint->streams;
    size_t room = 0;
    uint8_t *frame = gkv_stream_send_tail(streams, index, &room);
    size_t payload_bytes = 0;
    if (room > GKV_FRAME_HEADER_BYTES) {
        payload_bytes =
            gkv_codec_encode(&endpoint->encoder, message, 0, frame + GKV_FRAME_HEADER_BYTES,
                             room - GKV_FRAME_HEADER_BYTES);
    }
    if (payload_bytes > 0) {
        gkv_frame_seal(frame, payload_bytes);
        gkv_stream_send_commit(streams, index, GKV_FRAME_HEADER_BYTES + payload_bytes);
        return true;
    }
    if (gkv_stream_send_room(streams, index) == room) {
        return false;
    }
    frame = gkv_at(endpoint, endpoint->staging_offset);
    payload_bytes = gkv_codec_encode(&endpoint->encoder, message, 0, frame + GKV_FRAME_HEADER_BYTES,
                                     streams->frame_bytes_max - GKV_FRAME_HEADER_BYTES);
    GKV_ASSERT(payload_bytes > 0);
    if (GKV_FRAME_HEADER_BYTES + payload_bytes > gkv_stream_send_room(streams, index)) {
        return false;
    }
    gkv_frame_seal(frame, payload_bytes);
    gkv_stream_send_copy(
        streams, index,
        (struct gkv_bytes){.data = frame, .count = GKV_FRAME_HEADER_BYTES + payload_bytes});
    return true;
}

void gkv_outbound_send(struct gkv_endpoint *endpoint, const struct gkv_address *address,
                       const struct gkv_message *message)
{
    uint32_t index = 0;
    if (!find_or_dial(endpoint, address, &index)) {
        return;
    }
    struct gkv_stream_place *place = gkv_stream_place(&endpoint->streams, index);
    GKV_ASSERT(place->state == GKV_STREAM_DIALLING || place->state == GKV_STREAM_OPEN);
    if (!put_frame(endpoint, index, message)) {
        endpoint->stats.dropped_full++;
        return;
    }
    endpoint->stats.frame_out_count++;
    place->used_ns = endpoint->now.mono_ns;
    if (place->state == GKV_STREAM_OPEN && !place->is_announced) {
        gkv_outbound_enqueue(endpoint, index);
        if (place->count >= endpoint->streams.frame_bytes_max) {
            endpoint->is_ring_filling = true;
        }
    }
}

bool gkv_outbound_send_datagram(struct gkv_endpoint *endpoint, const struct gkv_address *address,
                                const struct gkv_message *message, struct gkv_output *output_out)
{
    uint8_t *datagram = gkv_at(endpoint, endpoint->datagram_offset);
    const size_t payload_bytes = gkv_codec_encode(
        &endpoint->encoder, message, endpoint->cluster_hash, datagram + GKV_FRAME_HEADER_BYTES,
        GKV_DATAGRAM_BYTES_MAX - GKV_FRAME_HEADER_BYTES);
    if (payload_bytes == 0) {
        endpoint->stats.dropped_too_long++;
        return false;
    }
    gkv_datagram_seal(datagram, payload_bytes);
    const size_t count = GKV_FRAME_HEADER_BYTES + payload_bytes;
    endpoint->stats.datagram_out_count++;
    endpoint->stats.datagram_out_bytes += count;
    output_out->as.datagram.address = *address;
    output_out->as.datagram.bytes = (struct gkv_bytes){.data = datagram, .count = count};
    return true;
}
