/* One endpoint in a test, with the shim around it: streams by hand, outputs written down; and the
 * frames that its peers send, by hand as well.
 *
 * Not here  Whole clusters: tests/cluster.h.
 */
#ifndef GKV_TESTS_SIDE_H
#define GKV_TESTS_SIDE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "core/hlc.h"
#include "proto/bounds.h"
#include "proto/codec.h"
#include "proto/endpoint.h"
#include "proto/frame.h"

#define CLUSTER 42
#define WALL_MS UINT64_C(1700000000000)

struct side {
    struct gkv_endpoint *endpoint;
    void *memory;
    struct gkv_now now;
    struct gkv_stream dialled; /* of the last CONNECT */
    struct gkv_address dialled_address;
    struct gkv_stream closed;                      /* of the last CLOSE */
    struct gkv_stream to_send;                     /* of the last SEND */
    struct gkv_result result;                      /* of the last COMPLETE */
    uint8_t value[64];                             /* its value */
    uint8_t datagrams[16][GKV_DATAGRAM_BYTES_MAX]; /* the first ones of a drain */
    size_t datagram_bytes[16];
    unsigned datagram_count, connect_count, close_count, send_count, complete_count, member_count;
};

static inline struct gkv_address address_of(uint8_t number)
{
    return (struct gkv_address){.bytes = {4, 10, 0, 0, number}, .count = 7};
}

static inline struct gkv_name name_of(uint8_t number)
{
    return (struct gkv_name){.bytes = {'n', (char)('0' + number)}, .count = 2};
}

static inline struct gkv_node_id id_of(uint8_t number)
{
    const struct gkv_name name = name_of(number);
    return gkv_node_id_of_name(&name);
}

static inline struct gkv_options options_of(uint8_t number)
{
    struct gkv_options options;
    gkv_options_init(&options);
    options.name = name_of(number);
    options.address = address_of(number);
    options.boot_id = 1000 + (uint64_t)number;
    options.seed[0] = number;
    options.cluster_hash = CLUSTER;
    options.memory_limit_bytes = 1024 * 1024;
    options.value_bytes_max = 512;
    options.member_count_max = 4;
    options.operation_count_max = 8;
    options.operation_memory_bytes = 16384;
    options.replica_count = 2;
    return options;
}

static inline void drain(struct side *side)
{
    struct gkv_output output;
    while (gkv_endpoint_next_output(side->endpoint, &output)) {
        switch (output.kind) {
        case GKV_OUTPUT_DATAGRAM:
            if (side->datagram_count < 16) {
                side->datagram_bytes[side->datagram_count] = output.as.datagram.bytes.count;
                memcpy(side->datagrams[side->datagram_count], output.as.datagram.bytes.data,
                       output.as.datagram.bytes.count);
            }
            side->datagram_count++;
            break;
        case GKV_OUTPUT_CONNECT:
            side->dialled = output.as.connect.stream;
            side->dialled_address = output.as.connect.address;
            side->connect_count++;
            break;
        case GKV_OUTPUT_CLOSE:
            side->closed = output.as.stream;
            side->close_count++;
            break;
        case GKV_OUTPUT_SEND:
            side->to_send = output.as.stream;
            side->send_count++;
            break;
        case GKV_OUTPUT_COMPLETE:
            side->result = output.as.result;
            assert_true(output.as.result.value.count <= sizeof(side->value));
            if (output.as.result.value.count > 0) {
                memcpy(side->value, output.as.result.value.data, output.as.result.value.count);
            }
            side->complete_count++;
            break;
        case GKV_OUTPUT_MEMBER:
        case GKV_OUTPUT_DEGRADED:
            side->member_count++;
            break;
        }
    }
}

static inline void tick(struct side *side, uint64_t ms)
{
    side->now.mono_ns += ms * GKV_NS_PER_MS;
    side->now.wall_ms += ms;
    gkv_endpoint_on_timer(side->endpoint, side->now);
    drain(side);
}

static inline void side_start(struct side *side, const struct gkv_options *options)
{
    memset(side, 0, sizeof(*side));
    const size_t bytes = gkv_endpoint_memory_bytes(options);
    assert_true(bytes > 0);
    side->memory = aligned_alloc(GKV_ARENA_ALIGN, bytes);
    assert_non_null(side->memory);
    memset(side->memory, 0xa5, bytes); /* nothing relies on zeroes */
    assert_int_equal(gkv_endpoint_init(side->memory, bytes, options, &side->endpoint), GKV_OK);
    side->now = (struct gkv_now){.mono_ns = 1, .wall_ms = WALL_MS};
    tick(side, 0);
}

static inline void side_stop(struct side *side)
{
    free(side->memory);
}

static inline void receive(struct side *side, struct gkv_stream stream, const uint8_t *bytes,
                           size_t count)
{
    size_t room = 0;
    uint8_t *buffer = gkv_endpoint_receive_buffer(side->endpoint, stream, &room);
    assert_true(room >= count);
    memcpy(buffer, bytes, count);
    gkv_endpoint_on_received(side->endpoint, side->now, stream, count);
    drain(side);
}

static inline struct gkv_stream accept_one(struct side *side)
{
    struct gkv_stream stream;
    assert_int_equal(gkv_endpoint_on_accepted(side->endpoint, side->now, &stream), GKV_OK);
    drain(side);
    return stream;
}

static inline bool is_live(struct side *side, struct gkv_stream stream)
{
    size_t room = 0;
    (void)gkv_endpoint_receive_buffer(side->endpoint, stream, &room);
    return room > 0;
}

static inline size_t pending_count(const struct side *side, struct gkv_stream stream)
{
    struct gkv_bytes pieces[2];
    gkv_endpoint_pending(side->endpoint, stream, pieces);
    return pieces[0].count + pieces[1].count;
}

/* ---- Frames by hand ---- */

struct frame {
    uint8_t bytes[4096];
    size_t count;
};

static inline struct gkv_codec *frame_codec(void)
{
    static struct gkv_codec *codec;
    if (codec == NULL) {
        struct gkv_arena counting = gkv_arena_counting();
        struct gkv_codec counted;
        (void)gkv_arena_carve(&counting, 1, sizeof(counted));
        gkv_codec_init(&counted, &counting, 512);
        struct gkv_arena arena =
            gkv_arena_over(aligned_alloc(GKV_ARENA_ALIGN, counting.used), counting.used);
        codec = gkv_arena_carve(&arena, 1, sizeof(*codec));
        gkv_codec_init(codec, &arena, 512);
    }
    return codec;
}

static inline struct frame frame_of_hello(const struct gkv_hello *hello)
{
    struct frame frame;
    const size_t count =
        gkv_codec_encode_hello(frame_codec(), hello, frame.bytes + GKV_FRAME_HEADER_BYTES,
                               sizeof(frame.bytes) - GKV_FRAME_HEADER_BYTES);
    gkv_frame_seal(frame.bytes, count);
    frame.count = GKV_FRAME_HEADER_BYTES + count;
    return frame;
}

static inline struct gkv_hello hello_of(uint8_t number)
{
    return (struct gkv_hello){.wire_version = GKV_WIRE_VERSION,
                              .cluster_hash = CLUSTER,
                              .from = {.id = id_of(number), .boot_id = 1000 + (uint64_t)number},
                              .address = address_of(number)};
}

static inline struct frame frame_of_message(const struct gkv_message *message)
{
    struct frame frame;
    const size_t count =
        gkv_codec_encode(frame_codec(), message, 0, frame.bytes + GKV_FRAME_HEADER_BYTES,
                         sizeof(frame.bytes) - GKV_FRAME_HEADER_BYTES);
    gkv_frame_seal(frame.bytes, count);
    frame.count = GKV_FRAME_HEADER_BYTES + count;
    return frame;
}

/* A READ with a handle: whoever gets it must answer on a stream of its own. */
static inline struct frame frame_of_read(uint64_t operation)
{
    struct gkv_message message;
    memset(&message, 0, sizeof(message));
    message.kind = GKV_MESSAGE_READ;
    message.hlc.packed = WALL_MS << GKV_HLC_COUNTER_BITS;
    message.as.read.operation = operation;
    message.as.read.key = (struct gkv_bytes){.data = (const uint8_t *)"k", .count = 1};
    return frame_of_message(&message);
}

static inline struct gkv_stream introduce(struct side *side, uint8_t number)
{
    const struct gkv_hello hello = hello_of(number);
    const struct frame frame = frame_of_hello(&hello);
    const struct gkv_stream stream = accept_one(side);
    receive(side, stream, frame.bytes, frame.count);
    return stream;
}

static inline void ask(struct side *side, struct gkv_stream stream, uint64_t operation)
{
    const struct frame frame = frame_of_read(operation);
    receive(side, stream, frame.bytes, frame.count);
}

#endif
