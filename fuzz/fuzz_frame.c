/* A stream of frames parsed at once and parsed in pieces are the same frames. The input's first
 * byte chooses the pieces and the bound; the rest is the stream. */
#include <stdlib.h>
#include <string.h>

#include "core/panic.h"
#include "core/prng.h"
#include "fuzz/harness.h"
#include "proto/frame.h"

#define FRAME_COUNT_MAX 4096

struct found {
    size_t offset[FRAME_COUNT_MAX]; /* of payloads */
    size_t bytes[FRAME_COUNT_MAX];
    size_t count;
    enum gkv_frame_status last; /* what ended the parsing */
};

/* Parse with a window that grows by up to piece_max bytes at a time; 0: all at once. */
static void parse(struct gkv_bytes stream, size_t bound, uint64_t piece_max, struct found *found)
{
    struct gkv_prng prng;
    gkv_prng_init(&prng, piece_max, 0);
    size_t at = 0;
    size_t end = piece_max == 0 ? stream.count : 0;
    found->count = 0;
    found->last = GKV_FRAME_MORE;
    while (found->count < FRAME_COUNT_MAX) {
        struct gkv_bytes payload = {.data = NULL, .count = 0};
        size_t consumed = 0;
        const struct gkv_bytes window = {.data = stream.data + at, .count = end - at};
        found->last = gkv_frame_parse(window, bound, &payload, &consumed);
        if (found->last == GKV_FRAME_MORE && end < stream.count) {
            const size_t more = 1 + (size_t)gkv_prng_below(&prng, piece_max);
            end = more < stream.count - end ? end + more : stream.count;
            continue;
        }
        if (found->last != GKV_FRAME_WHOLE) {
            break;
        }
        GKV_ASSERT(consumed == GKV_FRAME_HEADER_BYTES + payload.count);
        GKV_ASSERT(consumed <= window.count);
        GKV_ASSERT(payload.count <= bound);
        found->offset[found->count] = (size_t)(payload.data - stream.data);
        found->bytes[found->count] = payload.count;
        found->count++;
        at += consumed;
    }
}

/* Make the checksums right, so that the fuzzer gets past them: as far as lengths lead. */
static void repair(uint8_t *stream, size_t count)
{
    size_t at = 0;
    while (count - at >= GKV_FRAME_HEADER_BYTES) {
        const size_t length = (size_t)stream[at] | (size_t)stream[at + 1] << 8;
        if (stream[at + 2] != 0 || stream[at + 3] != 0 ||
            length > count - at - GKV_FRAME_HEADER_BYTES) {
            return;
        }
        gkv_frame_seal(stream + at, length);
        at += GKV_FRAME_HEADER_BYTES + length;
    }
}

static void check(struct gkv_bytes stream, size_t bound, uint64_t piece_max)
{
    static struct found whole;
    static struct found pieces;
    parse(stream, bound, 0, &whole);
    parse(stream, bound, piece_max, &pieces);
    GKV_ASSERT(whole.last == pieces.last);
    GKV_ASSERT(whole.count == pieces.count);
    for (size_t i = 0; i < whole.count; i++) {
        GKV_ASSERT(whole.offset[i] == pieces.offset[i]);
        GKV_ASSERT(whole.bytes[i] == pieces.bytes[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) {
        return 0;
    }
    const uint64_t piece_max = (uint64_t)(data[0] & 0x0f) + 1;
    const size_t bound = (size_t)1 << (data[0] >> 4);
    uint8_t *stream = malloc(size);
    if (stream == NULL) {
        return 0;
    }
    memcpy(stream, data + 1, size - 1);
    check((struct gkv_bytes){.data = stream, .count = size - 1}, bound, piece_max);
    repair(stream, size - 1);
    check((struct gkv_bytes){.data = stream, .count = size - 1}, bound, piece_max);

    struct gkv_bytes payload;
    (void)gkv_datagram_parse((struct gkv_bytes){.data = stream, .count = size - 1}, &payload);
    if (size - 1 >= GKV_FRAME_HEADER_BYTES && size <= 1400) {
        gkv_datagram_seal(stream, size - 1 - GKV_FRAME_HEADER_BYTES);
        GKV_ASSERT(gkv_datagram_parse((struct gkv_bytes){.data = stream, .count = size - 1},
                                      &payload) == GKV_FRAME_WHOLE);
        GKV_ASSERT(payload.count == size - 1 - GKV_FRAME_HEADER_BYTES);
    }
    free(stream);
    return 0;
}
