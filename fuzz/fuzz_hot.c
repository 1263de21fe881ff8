/* What proto/hot.h reads, protobuf-c reads as the same, and what it writes is what protobuf-c
 * writes, byte by byte; and it reads whatever protobuf-c would have written. The input is the
 * payload of a frame. */
#include <stdlib.h>
#include <string.h>

#include "core/panic.h"
#include "fuzz/equal.h"
#include "fuzz/harness.h"
#include "gridkv.pb-c.h"
#include "proto/hot.h"

#define STATUS_MAX 0x7F /* proto/hot.h knows no greater one, nor does anybody */

#define RECORD_OF(wire)                                                               \
    ((struct gkv_record){.version = {.hlc = {(wire)->hlc}, .writer = (wire)->writer}, \
                         .expire_ms = (wire)->expire_ms,                              \
                         .is_tombstone = (wire)->is_tombstone != 0,                   \
                         .value = bytes_of((wire)->value)})

static struct gkv_bytes bytes_of(ProtobufCBinaryData data)
{
    return (struct gkv_bytes){.data = data.len == 0 ? NULL : data.data, .count = data.len};
}

/* Fill the message that protobuf-c has read. False: it is of another kind, or has something that a
 * message has no place for. */
static bool take_body(const Gkv__Envelope *wire, struct gkv_message *message)
{
    switch ((int)wire->body_case) {
    case GKV__ENVELOPE__BODY_WRITE:
        message->kind = GKV_MESSAGE_WRITE;
        message->as.write.operation = wire->write->operation;
        message->as.write.key = bytes_of(wire->write->key);
        message->as.write.record = RECORD_OF(wire->write);
        return wire->write->base.n_unknown_fields == 0;
    case GKV__ENVELOPE__BODY_WRITE_REPLY:
        message->kind = GKV_MESSAGE_WRITE_REPLY;
        message->as.write_reply.operation = wire->write_reply->operation;
        message->as.write_reply.status = (enum gkv_reply_status)wire->write_reply->status;
        message->as.write_reply.version = (struct gkv_version){.hlc = {wire->write_reply->hlc},
                                                               .writer = wire->write_reply->writer};
        return wire->write_reply->base.n_unknown_fields == 0 &&
               wire->write_reply->status <= STATUS_MAX;
    case GKV__ENVELOPE__BODY_READ:
        message->kind = GKV_MESSAGE_READ;
        message->as.read.operation = wire->read->operation;
        message->as.read.key = bytes_of(wire->read->key);
        return wire->read->base.n_unknown_fields == 0;
    case GKV__ENVELOPE__BODY_READ_REPLY:
        message->kind = GKV_MESSAGE_READ_REPLY;
        message->as.read_reply.operation = wire->read_reply->operation;
        message->as.read_reply.status = (enum gkv_reply_status)wire->read_reply->status;
        message->as.read_reply.record = RECORD_OF(wire->read_reply);
        return wire->read_reply->base.n_unknown_fields == 0 &&
               wire->read_reply->status <= STATUS_MAX;
    default:
        return false;
    }
}

static bool take_message(const Gkv__Envelope *wire, struct gkv_message *message)
{
    memset(message, 0, sizeof(*message));
    message->hlc.packed = wire->hlc;
    if (wire->base.n_unknown_fields > 0 || !take_body(wire, message)) {
        return false;
    }
    if (wire->cluster_hash == 0) {
        return wire->from_id.len == 0 && wire->from_boot == 0;
    }
    if (wire->from_id.len != sizeof(message->from.id.bytes)) {
        return false;
    }
    memcpy(message->from.id.bytes, wire->from_id.data, wire->from_id.len);
    message->from.boot_id = wire->from_boot;
    return true;
}

static bool has_empty_body(const Gkv__Envelope *wire)
{
    return protobuf_c_message_get_packed_size(&wire->write->base) == 0;
}

/* `theirs` is what protobuf-c made of the payload, and packed what it makes of that. */
static void check(struct gkv_bytes payload, const Gkv__Envelope *theirs, struct gkv_bytes packed)
{
    struct gkv_message message;
    struct gkv_message ours;
    const bool is_hot = take_message(theirs, &message);
    const bool is_read = gkv_hot_read(payload, &ours);
    GKV_ASSERT(is_hot || !is_read);
    if (!is_hot) {
        return;
    }
    const bool is_as_written = gkv_bytes_equal(payload, packed) && theirs->cluster_hash == 0;
    GKV_ASSERT(is_read || !is_as_written || has_empty_body(theirs));
    GKV_ASSERT(!is_read || fuzz_messages_equal(&message, &ours));

    uint8_t *out = malloc(packed.count + 1);
    GKV_ASSERT(out != NULL);
    GKV_ASSERT(gkv_hot_is(message.kind));
    GKV_ASSERT(gkv_hot_write(&message, theirs->cluster_hash, out, packed.count - 1) == 0);
    GKV_ASSERT(gkv_hot_write(&message, theirs->cluster_hash, out, packed.count) == packed.count);
    GKV_ASSERT(memcmp(out, packed.data, packed.count) == 0);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct gkv_bytes payload = {.data = data, .count = size};
    Gkv__Envelope *theirs = gkv__envelope__unpack(NULL, size, data);
    if (theirs == NULL) {
        struct gkv_message ours;
        GKV_ASSERT(!gkv_hot_read(payload, &ours));
        return 0;
    }
    const size_t count = gkv__envelope__get_packed_size(theirs);
    uint8_t *packed = malloc(count + 1);
    GKV_ASSERT(packed != NULL);
    GKV_ASSERT(gkv__envelope__pack(theirs, packed) == count);
    check(payload, theirs, (struct gkv_bytes){.data = packed, .count = count});
    free(packed);
    gkv__envelope__free_unpacked(theirs, NULL);
    return 0;
}
