#include "proto/endpoint.h"

#include "core/arena.h"
#include "core/panic.h"
#include "proto/bounds.h"
#include "proto/endpoint_state.h"
#include "proto/frame.h"
#include "proto/outbound.h"

#define PRNG_STREAM 0x656e64 /* ours of options.seed: no other subsystem's number is so large */

/* ---- Layout ---- */

static void lay_out(struct gkv_endpoint *endpoint, struct gkv_arena *arena,
                    const struct gkv_options *options)
{
    const uint32_t dialled_count = options->member_count_max + options->seed_count;
    const uint32_t accepted_count = 2 * dialled_count;
    const uint32_t stream_count = dialled_count + accepted_count;
    const size_t frame_bytes_max =
        GKV_FRAME_HEADER_BYTES + gkv_codec_payload_bytes_max(options->value_bytes_max);

    gkv_codec_init(&endpoint->decoder, arena, options->value_bytes_max);
    gkv_codec_init(&endpoint->encoder, arena, options->value_bytes_max);
    gkv_streams_init(&endpoint->streams, arena, dialled_count, accepted_count, frame_bytes_max);
    /* Between two drains every stream can end once by its peer's doing and once by a timeout. */
    gkv_queue_init(&endpoint->notices, arena, 2 * stream_count + 4);
    gkv_queue_init(&endpoint->sends, arena, dialled_count);
    gkv_queue_init(&endpoint->parses, arena, accepted_count);
    gkv_queue_init(&endpoint->downs, arena, 2 * dialled_count);
    void *datagram = gkv_arena_reserve(arena, GKV_DATAGRAM_BYTES_MAX, 1);
    endpoint->datagram_offset = gkv_offset_to(endpoint, datagram);
    endpoint->staging_offset =
        gkv_offset_to(endpoint, gkv_arena_reserve(arena, frame_bytes_max, 1));
    void *node = gkv_arena_reserve(arena, gkv_node_memory_bytes(options), 1);
    endpoint->node_offset = gkv_offset_to(endpoint, node);
}

size_t gkv_endpoint_memory_bytes(const struct gkv_options *options)
{
    if (gkv_options_check(options, NULL) != GKV_OK) {
        return 0;
    }
    struct gkv_arena arena = gkv_arena_counting();
    struct gkv_endpoint counted;
    (void)gkv_arena_carve(&arena, 1, sizeof(counted));
    lay_out(&counted, &arena, options);
    return arena.used;
}

enum gkv_error gkv_endpoint_init(void *memory, size_t bytes, const struct gkv_options *options,
                                 struct gkv_endpoint **endpoint_out)
{
    const size_t needed = gkv_endpoint_memory_bytes(options);
    if (needed == 0) {
        return GKV_ERROR_OPTION;
    }
    if (bytes < needed) {
        return GKV_ERROR_MEMORY;
    }
    struct gkv_arena arena = gkv_arena_over(memory, needed);
    struct gkv_endpoint *endpoint = gkv_arena_carve(&arena, 1, sizeof(*endpoint));
    lay_out(endpoint, &arena, options);
    GKV_ASSERT(arena.used == needed);

    struct gkv_node *node = NULL;
    const enum gkv_error error = gkv_node_init(gkv_at(endpoint, endpoint->node_offset),
                                               gkv_node_memory_bytes(options), options, &node);
    if (error != GKV_OK) {
        return error;
    }
    endpoint->node_offset = gkv_offset_to(endpoint, node);
    endpoint->self.id = gkv_node_id_of_name(&options->name);
    endpoint->self.boot_id = options->boot_id;
    endpoint->address = options->address;
    endpoint->cluster_hash = options->cluster_hash == 0 ? 1 : options->cluster_hash;
    endpoint->deadline_ns = GKV_NEVER;
    gkv_prng_init(&endpoint->prng, options->seed[0] ^ options->seed[1], PRNG_STREAM);
    *endpoint_out = endpoint;
    return GKV_OK;
}

struct gkv_node *gkv_endpoint_node(struct gkv_endpoint *endpoint)
{
    return gkv_at(endpoint, endpoint->node_offset);
}

/* ---- Streams begin and end ---- */

/* Close a stream that the shim still holds, because of what its peer did or failed to do. */
static void refuse(struct gkv_endpoint *endpoint, uint32_t index, uint64_t *reason_count)
{
    (*reason_count)++;
    gkv_outbound_tell_to_close(endpoint, index);
    if (index < endpoint->streams.dialled_count) {
        gkv_outbound_fail(endpoint, index);
    } else {
        gkv_stream_occupy(&endpoint->streams, index, GKV_STREAM_FREE);
    }
}

/* Take the next place that was queued. Whoever occupies it now is meant: a new occupant with
 * nothing to send or parse costs a look. */
static struct gkv_stream_place *dequeue(struct gkv_endpoint *endpoint, struct gkv_queue *queue,
                                        uint32_t *index_out)
{
    struct gkv_item item;
    if (!gkv_queue_take(queue, &item)) {
        return NULL;
    }
    struct gkv_stream_place *place = gkv_stream_place(&endpoint->streams, item.stream.index);
    GKV_ASSERT(place->is_queued);
    place->is_queued = false;
    *index_out = item.stream.index;
    return place;
}

static void take_note_of_time(struct gkv_endpoint *endpoint, struct gkv_now now)
{
    GKV_ASSERT(now.mono_ns >= endpoint->now.mono_ns);
    endpoint->now = now;
}

/* ---- Listening ---- */

/* Give the core endpoint->event. */
static void step(struct gkv_endpoint *endpoint, enum gkv_event_kind kind)
{
    endpoint->event.kind = kind;
    endpoint->event.now = endpoint->now;
    const enum gkv_error error = gkv_node_step(gkv_endpoint_node(endpoint), &endpoint->event);
    /* AGAIN: the shim did not take all outputs before the next input. */
    GKV_ASSERT(error == GKV_OK);
}

static void deliver(struct gkv_endpoint *endpoint, const struct gkv_address *source,
                    enum gkv_channel channel)
{
    endpoint->event.as.arrival.message = &endpoint->message;
    endpoint->event.as.arrival.source = *source;
    endpoint->event.as.arrival.channel = channel;
    step(endpoint, GKV_EVENT_MESSAGE);
}

/* The first frame of a stream that somebody opened to us. */
static void on_hello(struct gkv_endpoint *endpoint, uint32_t index, struct gkv_bytes payload)
{
    struct gkv_streams *streams = &endpoint->streams;
    struct gkv_hello hello;
    if (gkv_codec_decode_hello(&endpoint->decoder, payload, &hello) != GKV_OK) {
        refuse(endpoint, index, &endpoint->stats.refused_malformed);
        return;
    }
    if (hello.wire_version != GKV_WIRE_VERSION) {
        refuse(endpoint, index, &endpoint->stats.refused_foreign);
        return;
    }
    if (hello.cluster_hash != endpoint->cluster_hash) {
        refuse(endpoint, index, &endpoint->stats.refused_cluster);
        return;
    }
    if (gkv_node_id_equal(hello.from.id, endpoint->self.id)) {
        refuse(endpoint, index, &endpoint->stats.refused_hello);
        return;
    }
    struct gkv_stream_place *place = gkv_stream_place(streams, index);
    GKV_ASSERT(place->state == GKV_STREAM_NEW);

    /* Who dials again has given up its older streams; should places run short, they go first. */
    for (uint32_t i = streams->dialled_count; i < streams->dialled_count + streams->accepted_count;
         i++) {
        struct gkv_stream_place *other = gkv_stream_place(streams, i);
        if (other->state == GKV_STREAM_OPEN && gkv_node_id_equal(other->peer.id, hello.from.id)) {
            other->is_superseded = true;
        }
    }
    place->state = GKV_STREAM_OPEN;
    place->used_ns = endpoint->now.mono_ns;
    place->peer = hello.from;
    place->address = hello.address;

    /* Whoever says HELLO can be dialled: it is up. */
    const uint32_t dialled = gkv_stream_find_dialled(streams, &hello.address);
    if (dialled < streams->dialled_count) {
        struct gkv_stream_place *back = gkv_stream_place(streams, dialled);
        if (back->state == GKV_STREAM_BACKOFF) {
            back->until_ns = endpoint->now.mono_ns;
            back->backoff_ms = 0;
        }
    }
}

/* A frame of a stream whose peer has introduced itself. */
static void on_envelope(struct gkv_endpoint *endpoint, uint32_t index, struct gkv_bytes payload)
{
    struct gkv_stream_place *place = gkv_stream_place(&endpoint->streams, index);
    uint64_t cluster_hash = 0;
    if (gkv_codec_decode(&endpoint->decoder, payload, &endpoint->message, &cluster_hash) !=
        GKV_OK) {
        refuse(endpoint, index, &endpoint->stats.refused_malformed);
        return;
    }
    endpoint->stats.frame_in_count++;
    place->used_ns = endpoint->now.mono_ns;
    endpoint->message.from = place->peer;
    deliver(endpoint, &place->address, GKV_CHANNEL_STREAM);
}

/* Handle the next frame of an accepted stream, if it is all there. */
static void parse(struct gkv_endpoint *endpoint, uint32_t index)
{
    struct gkv_streams *streams = &endpoint->streams;
    const struct gkv_stream_place *place = gkv_stream_place(streams, index);
    if (place->state == GKV_STREAM_FREE || place->count == 0) {
        return;
    }
    struct gkv_bytes payload = {.data = NULL, .count = 0};
    size_t consumed = 0;
    const enum gkv_frame_status status =
        gkv_frame_parse(gkv_stream_received(streams, index),
                        streams->frame_bytes_max - GKV_FRAME_HEADER_BYTES, &payload, &consumed);
    if (status == GKV_FRAME_MORE) {
        return;
    }
    if (status != GKV_FRAME_WHOLE) {
        refuse(endpoint, index,
               status == GKV_FRAME_TOO_LONG ? &endpoint->stats.refused_too_long
                                            : &endpoint->stats.refused_checksum);
        return;
    }
    /* The bytes stay where they are until more are received; what is decoded may point to them. */
    gkv_stream_receive_drop(streams, index, consumed);
    if (place->count > 0) {
        gkv_outbound_enqueue(endpoint, index);
    }
    if (place->state == GKV_STREAM_NEW) {
        on_hello(endpoint, index, payload);
    } else {
        on_envelope(endpoint, index, payload);
    }
}

/* Only gossip comes in datagrams: anything else could make us send much to a forged address. */
static bool is_gossip(enum gkv_message_kind kind)
{
    return kind == GKV_MESSAGE_PING || kind == GKV_MESSAGE_ACK || kind == GKV_MESSAGE_PING_REQ ||
           kind == GKV_MESSAGE_GOSSIP || kind == GKV_MESSAGE_NACK;
}

void gkv_endpoint_on_datagram(struct gkv_endpoint *endpoint, struct gkv_now now,
                              const struct gkv_address *source, struct gkv_bytes bytes)
{
    struct gkv_endpoint_stats *stats = &endpoint->stats;
    take_note_of_time(endpoint, now);
    stats->datagram_in_count++;
    stats->datagram_in_bytes += bytes.count;

    struct gkv_bytes payload = {.data = NULL, .count = 0};
    uint64_t cluster_hash = 0;
    if (bytes.count > GKV_DATAGRAM_BYTES_MAX) {
        stats->refused_too_long++;
        return;
    }
    const enum gkv_frame_status status = gkv_datagram_parse(bytes, &payload);
    if (status != GKV_FRAME_WHOLE) {
        *(status == GKV_FRAME_CHECKSUM ? &stats->refused_checksum : &stats->refused_foreign) += 1;
        return;
    }
    if (gkv_codec_decode(&endpoint->decoder, payload, &endpoint->message, &cluster_hash) !=
            GKV_OK ||
        !is_gossip(endpoint->message.kind)) {
        stats->refused_malformed++;
        return;
    }
    if (cluster_hash != endpoint->cluster_hash) {
        stats->refused_cluster++;
        return;
    }
    if (gkv_node_id_equal(endpoint->message.from.id, endpoint->self.id)) {
        stats->refused_foreign++;
        return;
    }
    deliver(endpoint, source, GKV_CHANNEL_DATAGRAM);
}

/* ---- The shim's other inputs ---- */

enum gkv_error gkv_endpoint_on_accepted(struct gkv_endpoint *endpoint, struct gkv_now now,
                                        struct gkv_stream *stream_out)
{
    struct gkv_streams *streams = &endpoint->streams;
    take_note_of_time(endpoint, now);
    const uint32_t index = gkv_stream_find_acceptable(streams, now.mono_ns);
    if (index == streams->dialled_count + streams->accepted_count) {
        endpoint->stats.refused_full++;
        return GKV_ERROR_BUSY;
    }
    struct gkv_stream_place *place = gkv_stream_place(streams, index);
    if (place->state != GKV_STREAM_FREE) {
        endpoint->stats.refused_full += !place->is_superseded;
        gkv_outbound_tell_to_close(endpoint, index);
    }
    gkv_stream_occupy(streams, index, GKV_STREAM_NEW);
    place->used_ns = now.mono_ns;
    gkv_outbound_set_limit(endpoint, place, GKV_HELLO_TIMEOUT_MS);
    endpoint->stats.accepted_count++;
    *stream_out = gkv_stream_handle(streams, index);
    return GKV_OK;
}

void gkv_endpoint_on_connected(struct gkv_endpoint *endpoint, struct gkv_now now,
                               struct gkv_stream stream)
{
    take_note_of_time(endpoint, now);
    struct gkv_stream_place *place = gkv_stream_find(&endpoint->streams, stream);
    if (place == NULL || place->state != GKV_STREAM_DIALLING) {
        return;
    }
    GKV_ASSERT(place->count > 0);
    place->state = GKV_STREAM_OPEN;
    place->opened_ns = now.mono_ns;
    place->used_ns = now.mono_ns;
    gkv_outbound_enqueue(endpoint, stream.index);
}

uint8_t *gkv_endpoint_receive_buffer(struct gkv_endpoint *endpoint, struct gkv_stream stream,
                                     size_t *room_out)
{
    *room_out = 0;
    if (gkv_stream_find(&endpoint->streams, stream) == NULL) {
        return NULL;
    }
    if (stream.index < endpoint->streams.dialled_count) {
        *room_out = GKV_STRAY_BYTES;
        return endpoint->stray;
    }
    return gkv_stream_receive_tail(&endpoint->streams, stream.index, room_out);
}

void gkv_endpoint_on_received(struct gkv_endpoint *endpoint, struct gkv_now now,
                              struct gkv_stream stream, size_t count)
{
    take_note_of_time(endpoint, now);
    if (gkv_stream_find(&endpoint->streams, stream) == NULL || count == 0) {
        return;
    }
    endpoint->stats.stream_in_bytes += count;
    if (stream.index < endpoint->streams.dialled_count) {
        refuse(endpoint, stream.index, &endpoint->stats.refused_hello);
        return;
    }
    gkv_stream_receive_commit(&endpoint->streams, stream.index, count);
    gkv_outbound_enqueue(endpoint, stream.index);
}

void gkv_endpoint_on_closed(struct gkv_endpoint *endpoint, struct gkv_now now,
                            struct gkv_stream stream)
{
    take_note_of_time(endpoint, now);
    if (gkv_stream_find(&endpoint->streams, stream) == NULL) {
        return;
    }
    if (stream.index < endpoint->streams.dialled_count) {
        gkv_outbound_fail(endpoint, stream.index);
        return;
    }
    gkv_stream_occupy(&endpoint->streams, stream.index, GKV_STREAM_FREE);
}

void gkv_endpoint_on_timer(struct gkv_endpoint *endpoint, struct gkv_now now)
{
    take_note_of_time(endpoint, now);
    endpoint->is_timer_due = true;
}

void gkv_endpoint_submit(struct gkv_endpoint *endpoint, struct gkv_now now,
                         const struct gkv_operation *operation)
{
    take_note_of_time(endpoint, now);
    endpoint->event.as.operation = *operation;
    step(endpoint, GKV_EVENT_OPERATION);
}

void gkv_endpoint_leave(struct gkv_endpoint *endpoint, struct gkv_now now)
{
    take_note_of_time(endpoint, now);
    step(endpoint, GKV_EVENT_LEAVE);
}

/* ---- Outputs ---- */

/* Zeroed where one is found: more often than not there is none. */
static void begin_output(struct gkv_output *output_out, enum gkv_output_kind kind)
{
    memset(output_out, 0, sizeof(*output_out));
    output_out->kind = kind;
}

static bool take_notice(struct gkv_endpoint *endpoint, struct gkv_output *output_out)
{
    struct gkv_item item;
    if (endpoint->notices.count == 0 || !gkv_queue_take(&endpoint->notices, &item)) {
        return false;
    }
    begin_output(output_out, (enum gkv_output_kind)item.kind);
    if (item.kind == GKV_OUTPUT_CONNECT) {
        output_out->as.connect.stream = item.stream;
        output_out->as.connect.address = item.address;
    } else {
        GKV_ASSERT(item.kind == GKV_OUTPUT_CLOSE);
        output_out->as.stream = item.stream;
    }
    return true;
}

static bool take_send(struct gkv_endpoint *endpoint, struct gkv_output *output_out)
{
    uint32_t index = 0;
    struct gkv_stream_place *place = dequeue(endpoint, &endpoint->sends, &index);
    while (place != NULL) {
        if (place->state == GKV_STREAM_OPEN && place->count > 0 && !place->is_announced) {
            place->is_announced = true;
            begin_output(output_out, GKV_OUTPUT_SEND);
            output_out->as.stream = gkv_stream_handle(&endpoint->streams, index);
            return true;
        }
        place = dequeue(endpoint, &endpoint->sends, &index);
    }
    endpoint->is_ring_filling = false;
    return false;
}

/* Do what the core wants; true when that is for the shim to do. */
static bool translate(struct gkv_endpoint *endpoint, const struct gkv_action *action,
                      struct gkv_output *output_out)
{
    switch (action->kind) {
    case GKV_ACTION_SEND:
        if (action->as.send.channel == GKV_CHANNEL_DATAGRAM) {
            begin_output(output_out, GKV_OUTPUT_DATAGRAM);
            return gkv_outbound_send_datagram(endpoint, &action->as.send.address,
                                              &action->as.send.message, output_out);
        }
        gkv_outbound_send(endpoint, &action->as.send.address, &action->as.send.message);
        return false;
    case GKV_ACTION_COMPLETE:
        begin_output(output_out, GKV_OUTPUT_COMPLETE);
        output_out->as.result = action->as.result;
        return true;
    case GKV_ACTION_MEMBER:
        begin_output(output_out, GKV_OUTPUT_MEMBER);
        output_out->as.member = action->as.member;
        return true;
    case GKV_ACTION_DEGRADED:
        begin_output(output_out, GKV_OUTPUT_DEGRADED);
        output_out->as.degraded.who = action->as.degraded.who;
        output_out->as.degraded.is_degraded = action->as.degraded.is_degraded;
        return true;
    }
    return false;
}

/* Close what took too long, and find out what will be next. */
static void expire(struct gkv_endpoint *endpoint)
{
    const struct gkv_streams *streams = &endpoint->streams;
    if (endpoint->now.mono_ns < endpoint->deadline_ns) {
        return;
    }
    endpoint->deadline_ns = GKV_NEVER;
    for (uint32_t i = 0; i < streams->dialled_count + streams->accepted_count; i++) {
        const struct gkv_stream_place *place = gkv_stream_place(streams, i);
        if (place->state != GKV_STREAM_DIALLING && place->state != GKV_STREAM_NEW) {
            continue;
        }
        if (place->until_ns > endpoint->now.mono_ns) {
            if (place->until_ns < endpoint->deadline_ns) {
                endpoint->deadline_ns = place->until_ns;
            }
        } else if (place->state == GKV_STREAM_NEW) {
            refuse(endpoint, i, &endpoint->stats.refused_hello);
        } else {
            gkv_outbound_tell_to_close(endpoint, i);
            gkv_outbound_fail(endpoint, i);
        }
    }
}

/* With nothing left to do of the last event, turn to the next one that waits here. False: none. */
static bool go_on(struct gkv_endpoint *endpoint)
{
    struct gkv_item item;
    if (endpoint->downs.count > 0 && gkv_queue_take(&endpoint->downs, &item)) {
        endpoint->event.as.address = item.address;
        step(endpoint, GKV_EVENT_STREAM_DOWN);
        return true;
    }
    if (endpoint->is_timer_due) {
        endpoint->is_timer_due = false;
        expire(endpoint);
        if (gkv_node_deadline_ns(gkv_endpoint_node(endpoint)) <= endpoint->now.mono_ns) {
            step(endpoint, GKV_EVENT_TIMER);
        }
        return true;
    }
    uint32_t index = 0;
    if (dequeue(endpoint, &endpoint->parses, &index) != NULL) {
        parse(endpoint, index);
        return true;
    }
    return false;
}

bool gkv_endpoint_next_output(struct gkv_endpoint *endpoint, struct gkv_output *output_out)
{
    struct gkv_node *node = gkv_endpoint_node(endpoint);
    struct gkv_action action;
    /* Each turn takes something out of a queue or a buffer, and only inputs fill those. */
    for (;;) {
        if (take_notice(endpoint, output_out)) {
            return true;
        }
        if (endpoint->is_ring_filling && take_send(endpoint, output_out)) {
            return true;
        }
        if (gkv_node_next_action(node, &action)) {
            if (translate(endpoint, &action, output_out)) {
                return true;
            }
        } else if (!go_on(endpoint)) {
            break;
        }
    }
    /* Streams come last, so that all that was said to a peer meanwhile leaves in one piece. */
    if (take_send(endpoint, output_out)) {
        return true;
    }
    memset(&endpoint->event, 0, sizeof(endpoint->event));
    memset(&endpoint->message, 0, sizeof(endpoint->message));
    return false;
}

void gkv_endpoint_pending(const struct gkv_endpoint *endpoint, struct gkv_stream stream,
                          struct gkv_bytes pieces_out[2])
{
    const struct gkv_stream_place *place = gkv_stream_find(&endpoint->streams, stream);
    pieces_out[0] = (struct gkv_bytes){.data = NULL, .count = 0};
    pieces_out[1] = (struct gkv_bytes){.data = NULL, .count = 0};
    if (place != NULL && place->state == GKV_STREAM_OPEN &&
        stream.index < endpoint->streams.dialled_count) {
        gkv_stream_send_pending(&endpoint->streams, stream.index, pieces_out);
    }
}

void gkv_endpoint_sent(struct gkv_endpoint *endpoint, struct gkv_stream stream, size_t count)
{
    struct gkv_stream_place *place = gkv_stream_find(&endpoint->streams, stream);
    if (place == NULL) {
        return;
    }
    GKV_ASSERT(place->state == GKV_STREAM_OPEN);
    gkv_stream_send_drop(&endpoint->streams, stream.index, count);
    endpoint->stats.stream_out_bytes += count;
    if (place->count == 0) {
        place->is_announced = false;
    }
}

uint64_t gkv_endpoint_deadline_ns(const struct gkv_endpoint *endpoint)
{
    const struct gkv_node *node = gkv_at(endpoint, endpoint->node_offset);
    const uint64_t node_ns = gkv_node_deadline_ns(node);
    return node_ns < endpoint->deadline_ns ? node_ns : endpoint->deadline_ns;
}

struct gkv_endpoint_stats gkv_endpoint_stats(const struct gkv_endpoint *endpoint)
{
    return endpoint->stats;
}
