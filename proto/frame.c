#include "proto/frame.h"

#include "core/hash.h"
#include "core/panic.h"
#include "proto/bounds.h"

#define DATAGRAM_MAGIC_0 'G'
#define DATAGRAM_MAGIC_1 'K'

static uint32_t get_u32(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static void put_u32(uint8_t *at, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++) {
        at[i] = (uint8_t)(value >> (8 * i));
    }
}

static uint32_t checksum(const uint8_t *payload, size_t payload_bytes)
{
    return (uint32_t)gkv_hash(payload, payload_bytes, GKV_FRAME_SEED);
}

enum gkv_frame_status gkv_frame_parse(struct gkv_bytes bytes, size_t payload_bytes_max,
                                      struct gkv_bytes *payload_out, size_t *consumed_out)
{
    /* The length is judged as soon as its four bytes are there. */
    if (bytes.count < 4) {
        return GKV_FRAME_MORE;
    }
    const size_t length = get_u32(bytes.data);
    if (length > payload_bytes_max) {
        return GKV_FRAME_TOO_LONG;
    }
    if (bytes.count < GKV_FRAME_HEADER_BYTES || bytes.count - GKV_FRAME_HEADER_BYTES < length) {
        return GKV_FRAME_MORE;
    }
    const uint8_t *payload = bytes.data + GKV_FRAME_HEADER_BYTES;
    if (get_u32(bytes.data + 4) != checksum(payload, length)) {
        return GKV_FRAME_CHECKSUM;
    }
    *payload_out = (struct gkv_bytes){.data = payload, .count = length};
    *consumed_out = GKV_FRAME_HEADER_BYTES + length;
    return GKV_FRAME_WHOLE;
}

void gkv_frame_seal(uint8_t *header, size_t payload_bytes)
{
    GKV_ASSERT(payload_bytes <= UINT32_MAX);
    put_u32(header, (uint32_t)payload_bytes);
    put_u32(header + 4, checksum(header + GKV_FRAME_HEADER_BYTES, payload_bytes));
}

enum gkv_frame_status gkv_datagram_parse(struct gkv_bytes bytes, struct gkv_bytes *payload_out)
{
    if (bytes.count < GKV_FRAME_HEADER_BYTES || bytes.data[0] != DATAGRAM_MAGIC_0 ||
        bytes.data[1] != DATAGRAM_MAGIC_1 || bytes.data[2] != GKV_WIRE_VERSION ||
        bytes.data[3] != 0) {
        return GKV_FRAME_FOREIGN;
    }
    const uint8_t *payload = bytes.data + GKV_FRAME_HEADER_BYTES;
    const size_t payload_bytes = bytes.count - GKV_FRAME_HEADER_BYTES;
    if (get_u32(bytes.data + 4) != checksum(payload, payload_bytes)) {
        return GKV_FRAME_CHECKSUM;
    }
    *payload_out = (struct gkv_bytes){.data = payload, .count = payload_bytes};
    return GKV_FRAME_WHOLE;
}

void gkv_datagram_seal(uint8_t *header, size_t payload_bytes)
{
    GKV_ASSERT(payload_bytes <= GKV_DATAGRAM_BYTES_MAX - GKV_FRAME_HEADER_BYTES);
    header[0] = DATAGRAM_MAGIC_0;
    header[1] = DATAGRAM_MAGIC_1;
    header[2] = GKV_WIRE_VERSION;
    header[3] = 0;
    put_u32(header + 4, checksum(header + GKV_FRAME_HEADER_BYTES, payload_bytes));
}
