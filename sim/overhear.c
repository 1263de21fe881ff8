#include "sim/overhear.h"

#include <stddef.h>
#include <string.h>

#include "core/arena.h"
#include "core/panic.h"
#include "io_sim/pool.h"
#include "proto/codec.h"
#include "proto/frame.h"

#define NONE UINT32_MAX
#define STAMP_TAG 0x09 /* Envelope.hlc: field 1, fixed64 */

struct carry {
    uint32_t count;
    bool is_used;
    uint8_t *bytes; /* GKV_OVERHEAR_CARRY_BYTES of them */
};

/* A frame under way. */
struct frame {
    uint64_t until; /* bytes of its connection, when it has arrived */
    uint64_t number;
    struct gkv_hlc hlc;
    struct gkv_gist gist;
    uint32_t next; /* of the same connection, or free; NONE */
};

/* A connection's bytes, in the one direction that anybody speaks in. */
struct channel {
    uint64_t connection;
    uint64_t sent;
    uint64_t parsed;
    uint64_t delivered;
    uint64_t begin_ns; /* when the first byte that is not parsed was sent */
    uint32_t first;    /* frame under way; NONE */
    uint32_t last;
    uint32_t carry; /* NONE: no half of a frame */
    bool is_known;
    bool is_lost;
};

struct gkv_overhear {
    struct gkv_hearer hearer;
    uint32_t channel_count; /* places that were ever looked at */
    uint32_t frame_count;   /* places that were ever taken */
    uint32_t frame_free;
    uint32_t lost_count;
    uint64_t number; /* of the frame that was heard last */
    size_t payload_bytes_max;
    struct carry carries[GKV_OVERHEAR_CARRY_COUNT];
    uint8_t *carry_bytes; /* of all carries */
    void *codec_memory;
    struct gkv_codec *codec;
    struct gkv_gists gists;                        /* of datagrams; its rows are not cleared */
    struct frame frames[GKV_OVERHEAR_FRAME_COUNT]; /* not cleared: frame_count says which are */
    struct channel channels[GKV_NET_CONNECTION_COUNT_MAX]; /* nor these, from channel_count on */
};

/* ---- Making ---------------------------------------------------------------------------------- */

/* Lay out the codec in memory of its own; twice, as arenas do. */
static bool create_codec(struct gkv_overhear *overhear, uint32_t value_bytes_max)
{
    struct gkv_codec counted;
    struct gkv_arena arena = gkv_arena_counting();
    (void)gkv_arena_carve(&arena, 1, sizeof(counted));
    gkv_codec_init(&counted, &arena, value_bytes_max);
    const size_t bytes = arena.used;
    overhear->codec_memory = gkv_pool_take(bytes);
    if (overhear->codec_memory == NULL) {
        return false;
    }
    arena = gkv_arena_over(overhear->codec_memory, bytes);
    overhear->codec = gkv_arena_carve(&arena, 1, sizeof(*overhear->codec));
    gkv_codec_init(overhear->codec, &arena, value_bytes_max);
    return true;
}

struct gkv_overhear *gkv_overhear_create(uint32_t value_bytes_max, const struct gkv_hearer *hearer)
{
    struct gkv_overhear *overhear = gkv_pool_take(sizeof(*overhear));
    if (overhear == NULL) {
        return NULL;
    }
    memset(overhear, 0, offsetof(struct gkv_overhear, gists.rows));
    overhear->hearer = *hearer;
    overhear->frame_free = NONE;
    overhear->payload_bytes_max = gkv_codec_payload_bytes_max(value_bytes_max);
    overhear->carry_bytes =
        gkv_pool_take((size_t)GKV_OVERHEAR_CARRY_COUNT * GKV_OVERHEAR_CARRY_BYTES);
    if (overhear->carry_bytes == NULL || !create_codec(overhear, value_bytes_max)) {
        gkv_overhear_destroy(overhear);
        return NULL;
    }
    for (size_t i = 0; i < GKV_OVERHEAR_CARRY_COUNT; i++) {
        overhear->carries[i].bytes = overhear->carry_bytes + i * GKV_OVERHEAR_CARRY_BYTES;
    }
    return overhear;
}

void gkv_overhear_destroy(struct gkv_overhear *overhear)
{
    if (overhear == NULL) {
        return;
    }
    gkv_pool_give(overhear->carry_bytes);
    gkv_pool_give(overhear->codec_memory);
    gkv_pool_give(overhear);
}

uint32_t gkv_overhear_lost_count(const struct gkv_overhear *overhear)
{
    return overhear->lost_count;
}

/* ---- Frames under way ------------------------------------------------------------------------ */

static void add_frame(struct gkv_overhear *overhear, struct channel *channel, struct gkv_hlc hlc,
                      const struct gkv_gist *gist)
{
    uint32_t index = overhear->frame_free;
    if (index != NONE) {
        overhear->frame_free = overhear->frames[index].next;
    } else if (overhear->frame_count < GKV_OVERHEAR_FRAME_COUNT) {
        index = overhear->frame_count++;
    } else {
        return;
    }
    overhear->frames[index] = (struct frame){.until = channel->parsed,
                                             .number = overhear->number,
                                             .hlc = hlc,
                                             .gist = *gist,
                                             .next = NONE};
    if (channel->first == NONE) {
        channel->first = index;
    } else {
        overhear->frames[channel->last].next = index;
    }
    channel->last = index;
}

static struct frame take_frame(struct gkv_overhear *overhear, struct channel *channel)
{
    const uint32_t index = channel->first;
    GKV_ASSERT(index != NONE);
    const struct frame frame = overhear->frames[index];
    channel->first = frame.next;
    overhear->frames[index].next = overhear->frame_free;
    overhear->frame_free = index;
    return frame;
}

static struct channel *channel_of(struct gkv_overhear *overhear, uint64_t connection)
{
    const uint32_t place = (uint32_t)connection % GKV_NET_CONNECTION_COUNT_MAX;
    struct channel *channel = &overhear->channels[place];
    while (overhear->channel_count <= place) {
        overhear->channels[overhear->channel_count++] = (struct channel){.is_known = false};
    }
    if (channel->is_known && channel->connection == connection) {
        return channel;
    }
    while (channel->is_known && channel->first != NONE) {
        (void)take_frame(overhear, channel);
    }
    if (channel->is_known && channel->carry != NONE) {
        overhear->carries[channel->carry].is_used = false;
    }
    *channel = (struct channel){
        .is_known = true, .connection = connection, .first = NONE, .last = NONE, .carry = NONE};
    return channel;
}

/* ---- Telling --------------------------------------------------------------------------------- */

static void tell(struct gkv_overhear *overhear, struct gkv_heard *heard,
                 const struct gkv_observation *observation)
{
    heard->time_ns = observation->time_ns;
    heard->connection = observation->connection;
    heard->node = observation->node;
    overhear->hearer.hear(overhear->hearer.context, heard);
}

static bool decode_datagram(struct gkv_overhear *overhear, struct gkv_bytes bytes,
                            struct gkv_message *message_out)
{
    struct gkv_bytes payload;
    uint64_t cluster_hash = 0;
    return gkv_datagram_parse(bytes, &payload) == GKV_FRAME_WHOLE &&
           gkv_codec_decode(overhear->codec, payload, message_out, &cluster_hash) == GKV_OK;
}

static void on_frame(struct gkv_overhear *overhear, struct channel *channel,
                     const struct gkv_observation *observation, struct gkv_bytes payload)
{
    struct gkv_message message = {.kind = GKV_MESSAGE_NONE};
    struct gkv_hello hello;
    uint64_t cluster_hash = 0;
    struct gkv_heard heard = {
        .number = ++overhear->number,
        .begin_ns = channel->begin_ns,
        .bytes = GKV_FRAME_HEADER_BYTES + payload.count,
    };
    bool is_sound = false;
    if (channel->parsed == 0) {
        is_sound = gkv_codec_decode_hello(overhear->codec, payload, &hello) == GKV_OK;
        message.from = is_sound ? hello.from : message.from;
    } else {
        is_sound = gkv_codec_decode(overhear->codec, payload, &message, &cluster_hash) == GKV_OK;
    }
    channel->parsed += heard.bytes;
    channel->begin_ns = observation->time_ns;
    const struct gkv_gist gist = gkv_gist_of(observation->node, &message);
    add_frame(overhear, channel, message.hlc, &gist);
    heard.hlc = message.hlc;
    heard.message = is_sound ? &message : NULL;
    tell(overhear, &heard, observation);
}

/* ---- Bytes of streams ------------------------------------------------------------------------ */

static void lose(struct gkv_overhear *overhear, struct channel *channel)
{
    channel->is_lost = true;
    overhear->lost_count++;
}

/* Keep the half of a frame, until the rest of it is sent. */
static void keep_rest(struct gkv_overhear *overhear, struct channel *channel, struct gkv_bytes rest)
{
    uint32_t place = channel->carry;
    for (uint32_t i = 0; place == NONE && i < GKV_OVERHEAR_CARRY_COUNT; i++) {
        place = overhear->carries[i].is_used ? NONE : i;
    }
    if (place == NONE || rest.count > GKV_OVERHEAR_CARRY_BYTES) {
        lose(overhear, channel);
        return;
    }
    channel->carry = place;
    overhear->carries[place].is_used = true;
    overhear->carries[place].count = (uint32_t)rest.count;
    memmove(overhear->carries[place].bytes, rest.data, rest.count);
}

/* What was kept, and what is new, as one. False: too much. */
static bool join_rest(struct gkv_overhear *overhear, const struct channel *channel,
                      struct gkv_bytes *bytes)
{
    if (channel->carry == NONE) {
        return true;
    }
    struct carry *carry = &overhear->carries[channel->carry];
    if (bytes->count > GKV_OVERHEAR_CARRY_BYTES - carry->count) {
        return false;
    }
    memcpy(carry->bytes + carry->count, bytes->data, bytes->count);
    carry->count += (uint32_t)bytes->count;
    *bytes = (struct gkv_bytes){.data = carry->bytes, .count = carry->count};
    return true;
}

static void on_sent(struct gkv_overhear *overhear, const struct gkv_observation *observation)
{
    struct channel *channel = channel_of(overhear, observation->connection);
    struct gkv_bytes rest = observation->bytes;
    if (channel->is_lost) {
        return;
    }
    if (channel->sent == channel->parsed) {
        channel->begin_ns = observation->time_ns;
    }
    channel->sent += rest.count;
    if (!join_rest(overhear, channel, &rest)) {
        lose(overhear, channel);
        return;
    }
    while (rest.count > 0) {
        struct gkv_bytes payload;
        size_t consumed = 0;
        const enum gkv_frame_status status =
            gkv_frame_parse(rest, overhear->payload_bytes_max, &payload, &consumed);
        if (status == GKV_FRAME_MORE) {
            keep_rest(overhear, channel, rest);
            return;
        }
        if (status != GKV_FRAME_WHOLE) {
            lose(overhear, channel);
            return;
        }
        on_frame(overhear, channel, observation, payload);
        rest = (struct gkv_bytes){.data = rest.data + consumed, .count = rest.count - consumed};
    }
    if (channel->carry != NONE) {
        overhear->carries[channel->carry].is_used = false;
        channel->carry = NONE;
    }
}

static void on_received(struct gkv_overhear *overhear, const struct gkv_observation *observation)
{
    struct channel *channel = channel_of(overhear, observation->connection);
    channel->delivered += observation->bytes.count;
    while (channel->first != NONE && overhear->frames[channel->first].until <= channel->delivered) {
        const struct frame frame = take_frame(overhear, channel);
        struct gkv_heard heard = {
            .is_arrival = true, .number = frame.number, .hlc = frame.hlc, .gist = &frame.gist};
        if (!observation->is_damaged) { /* else it may be refused: nobody can say what was heard */
            tell(overhear, &heard, observation);
        }
    }
}

/* Of an arrival only the stamp and the gist are told. The stamp comes first in every message that
 * we encode, so that the rest, which was heard when it was sent, need not be decoded again. */
static bool decode_stamp(struct gkv_overhear *overhear, struct gkv_bytes bytes,
                         struct gkv_message *message_out)
{
    struct gkv_bytes payload;
    if (gkv_datagram_parse(bytes, &payload) != GKV_FRAME_WHOLE) {
        return false;
    }
    if (payload.count < 1 + sizeof(uint64_t) || payload.data[0] != STAMP_TAG) {
        return decode_datagram(overhear, bytes, message_out);
    }
    message_out->hlc.packed = 0;
    for (uint32_t i = 0; i < 8; i++) {
        message_out->hlc.packed |= (uint64_t)payload.data[1 + i] << (8 * i);
    }
    return true;
}

static void on_datagram(struct gkv_overhear *overhear, const struct gkv_observation *observation,
                        struct gkv_bytes bytes)
{
    struct gkv_message message;
    const bool is_arrival = observation->kind == GKV_OBSERVE_DATAGRAM;
    const bool is_sound = is_arrival ? decode_stamp(overhear, bytes, &message)
                                     : decode_datagram(overhear, bytes, &message);
    struct gkv_heard heard = {
        .is_arrival = is_arrival,
        .is_datagram = true,
        .bytes = bytes.count,
        .hlc = is_sound ? message.hlc : (struct gkv_hlc){0},
        .message = is_sound && !is_arrival ? &message : NULL,
    };
    if (is_arrival && is_sound) {
        heard.gist = gkv_gists_find(&overhear->gists, (uint32_t)observation->argument, bytes,
                                    heard.hlc.packed);
    } else if (is_sound) {
        const struct gkv_gist gist = gkv_gist_of(observation->node, &message);
        gkv_gists_note(&overhear->gists, bytes, heard.hlc.packed, &gist);
        heard.to = gkv_host_of_address(&observation->output->as.datagram.address);
    }
    tell(overhear, &heard, observation);
}

void gkv_overhear_observe(struct gkv_overhear *overhear, const struct gkv_observation *observation)
{
    if (observation->kind == GKV_OBSERVE_SENT) {
        on_sent(overhear, observation);
    } else if (observation->kind == GKV_OBSERVE_RECEIVED) {
        on_received(overhear, observation);
    } else if (observation->kind == GKV_OBSERVE_DATAGRAM) {
        on_datagram(overhear, observation, observation->bytes);
    } else if (observation->kind == GKV_OBSERVE_OUTPUT &&
               observation->output->kind == GKV_OUTPUT_DATAGRAM) {
        on_datagram(overhear, observation, observation->output->as.datagram.bytes);
    }
}
