/* Whatever the decoder takes can be encoded, and decodes to an equal message; below it, bytes mean
 * to proto/wire.c what they mean to protobuf-c. The input is the payload of a frame, tried as an
 * Envelope and as a HELLO. */
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/panic.h"
#include "fuzz/equal.h"
#include "fuzz/harness.h"
#include "gridkv.pb-c.h"
#include "proto/codec.h"
#include "proto/wire.h"

#define VALUE_BYTES_MAX 4096

/* Two bytes of input become an empty inner message, at most. */
#define WIRE_BYTES_PER_BYTE 128

/* A codec in memory of its own. */
static struct gkv_codec *codec_make(void)
{
    struct gkv_arena counting = gkv_arena_counting();
    struct gkv_codec counted;
    (void)gkv_arena_carve(&counting, 1, sizeof(counted));
    gkv_codec_init(&counted, &counting, VALUE_BYTES_MAX);
    void *memory = aligned_alloc(GKV_ARENA_ALIGN, counting.used);
    GKV_ASSERT(memory != NULL);
    struct gkv_arena arena = gkv_arena_over(memory, counting.used);
    struct gkv_codec *codec = gkv_arena_carve(&arena, 1, sizeof(*codec));
    gkv_codec_init(codec, &arena, VALUE_BYTES_MAX);
    return codec;
}

static void check_message(struct gkv_codec *codecs[3], struct gkv_bytes payload, uint8_t *out,
                          size_t capacity)
{
    struct gkv_message message;
    uint64_t cluster_hash = 0;
    if (gkv_codec_decode(codecs[0], payload, &message, &cluster_hash) != GKV_OK) {
        return;
    }
    const size_t count = gkv_codec_encode(codecs[1], &message, cluster_hash, out, capacity);
    GKV_ASSERT(count > 0);

    struct gkv_message again;
    uint64_t cluster_hash_again = 0;
    GKV_ASSERT(gkv_codec_decode(codecs[2], (struct gkv_bytes){.data = out, .count = count}, &again,
                                &cluster_hash_again) == GKV_OK);
    GKV_ASSERT(cluster_hash == cluster_hash_again);
    GKV_ASSERT(fuzz_messages_equal(&message, &again));
}

static void check_hello(struct gkv_codec *codecs[3], struct gkv_bytes payload, uint8_t *out,
                        size_t capacity)
{
    struct gkv_hello hello;
    struct gkv_hello again;
    if (gkv_codec_decode_hello(codecs[0], payload, &hello) != GKV_OK) {
        return;
    }
    const size_t count = gkv_codec_encode_hello(codecs[1], &hello, out, capacity);
    GKV_ASSERT(count > 0);
    GKV_ASSERT(gkv_codec_decode_hello(codecs[2], (struct gkv_bytes){.data = out, .count = count},
                                      &again) == GKV_OK);
    GKV_ASSERT(memcmp(&hello, &again, sizeof(hello)) == 0);
}

static const void *read_ours(const ProtobufCMessageDescriptor *descriptor, struct gkv_bytes payload,
                             size_t capacity)
{
    static struct gkv_wire_arena arena;
    if (arena.memory == NULL) {
        arena.bytes = capacity * WIRE_BYTES_PER_BYTE;
        arena.memory = aligned_alloc(GKV_WIRE_ALIGN, arena.bytes);
        GKV_ASSERT(arena.memory != NULL);
    }
    arena.used = 0;
    return gkv_wire_unpack(descriptor, &arena, payload);
}

/* What we read, protobuf-c reads as the same. What it alone takes (proto/wire.h) is taken by us as
 * well once it is written anew. */
static void check_wire(const ProtobufCMessageDescriptor *descriptor, struct gkv_bytes payload,
                       uint8_t *out, size_t capacity)
{
    ProtobufCMessage *theirs =
        protobuf_c_message_unpack(descriptor, NULL, payload.count, payload.data);
    const void *ours = read_ours(descriptor, payload, capacity);
    GKV_ASSERT(ours == NULL || theirs != NULL);
    if (theirs == NULL) {
        return;
    }
    const size_t count = gkv_wire_pack(descriptor, theirs, out, capacity);
    GKV_ASSERT(count <= payload.count);
    if (ours != NULL) {
        uint8_t *packed = malloc(count + 1);
        GKV_ASSERT(packed != NULL);
        GKV_ASSERT(protobuf_c_message_get_packed_size(ours) == count);
        GKV_ASSERT(protobuf_c_message_pack(ours, packed) == count);
        GKV_ASSERT(memcmp(packed, out, count) == 0);
        free(packed);
    }
    GKV_ASSERT(read_ours(descriptor, (struct gkv_bytes){.data = out, .count = count}, capacity) !=
               NULL);
    protobuf_c_message_free_unpacked(theirs, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct gkv_codec *codecs[3];
    static uint8_t *out;
    const size_t capacity = gkv_codec_payload_bytes_max(VALUE_BYTES_MAX);
    if (out == NULL) {
        for (unsigned i = 0; i < 3; i++) {
            codecs[i] = codec_make();
        }
        out = malloc(capacity);
        GKV_ASSERT(out != NULL);
    }
    if (size > capacity) {
        return 0;
    }
    const struct gkv_bytes payload = {.data = data, .count = size};
    check_message(codecs, payload, out, capacity);
    check_hello(codecs, payload, out, capacity);
    check_wire(&gkv__envelope__descriptor, payload, out, capacity);
    check_wire(&gkv__hello__descriptor, payload, out, capacity);
    return 0;
}
