#include "proto/hot.h"

#include <string.h>

#include "core/panic.h"
#include "proto/wire.h"

/* Field number << 3 | how it lies there: 0 varint, 1 fixed64, 2 bytes. */
enum tag {
    TAG_HLC = 0x09, /* an Envelope */
    TAG_CLUSTER = 0x11,
    TAG_FROM_ID = 0x1A,
    TAG_FROM_BOOT = 0x21,
    TAG_WRITE = 0x4A,
    TAG_WRITE_REPLY = 0x52,
    TAG_READ = 0x5A,
    TAG_READ_REPLY = 0x62,
    TAG_OPERATION = 0x09, /* a body */
    TAG_KEY = 0x12,
    TAG_STATUS = 0x10,
    TAG_VERSION_HLC = 0x19,
    TAG_WRITER = 0x21,
    TAG_EXPIRE = 0x29,
    TAG_TOMBSTONE = 0x30,
    TAG_VALUE = 0x3A,
};

#define FIXED_BYTES 9      /* of a fixed64 with its tag */
#define LENGTH_BYTES_MAX 4 /* of a length that is read here: 256 MiB is more than any value */

/* What the four say; which of it one says is its kind's. */
struct body {
    uint64_t operation;
    uint64_t hlc;
    uint64_t writer;
    uint64_t expire_ms;
    struct gkv_bytes key;
    struct gkv_bytes value;
    uint8_t status;
    bool is_tombstone;
};

bool gkv_hot_is(enum gkv_message_kind kind)
{
    return kind == GKV_MESSAGE_WRITE || kind == GKV_MESSAGE_WRITE_REPLY ||
           kind == GKV_MESSAGE_READ || kind == GKV_MESSAGE_READ_REPLY;
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* What is left of a payload. What cannot be read here stays, so that the end is not reached. */
struct reader {
    const uint8_t *at;
    const uint8_t *end;
};

static inline void read_fixed(struct reader *reader, enum tag tag, uint64_t *number_out)
{
    if (reader->end - reader->at >= FIXED_BYTES && *reader->at == tag) {
        *number_out = gkv_wire_get_u64(reader->at + 1);
        reader->at += FIXED_BYTES;
    }
}

/* A number under 128. */
static inline void read_small(struct reader *reader, enum tag tag, uint8_t *number_out)
{
    if (reader->end - reader->at >= 2 && reader->at[0] == tag && reader->at[1] < 0x80) {
        *number_out = reader->at[1];
        reader->at += 2;
    }
}

static inline void read_bytes(struct reader *reader, enum tag tag, struct gkv_bytes *bytes_out)
{
    if (reader->at == reader->end || *reader->at != tag) {
        return;
    }
    const uint8_t *at = reader->at + 1;
    size_t count = 0;
    for (unsigned i = 0; i < LENGTH_BYTES_MAX && at < reader->end; i++) {
        const uint8_t byte = *at++;
        count |= (size_t)(byte & 0x7F) << (7 * i);
        if (byte >= 0x80) {
            continue;
        }
        if (count <= (size_t)(reader->end - at)) {
            *bytes_out = (struct gkv_bytes){.data = count == 0 ? NULL : at, .count = count};
            reader->at = at + count;
        }
        return;
    }
}

static void read_record(struct reader *reader, struct gkv_record *record)
{
    uint8_t is_tombstone = 0;
    read_fixed(reader, TAG_VERSION_HLC, &record->version.hlc.packed);
    read_fixed(reader, TAG_WRITER, &record->version.writer);
    read_fixed(reader, TAG_EXPIRE, &record->expire_ms);
    read_small(reader, TAG_TOMBSTONE, &is_tombstone);
    read_bytes(reader, TAG_VALUE, &record->value);
    record->is_tombstone = is_tombstone != 0;
}

static void read_write(struct reader *reader, struct gkv_message *message)
{
    message->kind = GKV_MESSAGE_WRITE;
    read_fixed(reader, TAG_OPERATION, &message->as.write.operation);
    read_bytes(reader, TAG_KEY, &message->as.write.key);
    read_record(reader, &message->as.write.record);
}

static void read_write_reply(struct reader *reader, struct gkv_message *message)
{
    uint8_t status = 0;
    message->kind = GKV_MESSAGE_WRITE_REPLY;
    read_fixed(reader, TAG_OPERATION, &message->as.write_reply.operation);
    read_small(reader, TAG_STATUS, &status);
    read_fixed(reader, TAG_VERSION_HLC, &message->as.write_reply.version.hlc.packed);
    read_fixed(reader, TAG_WRITER, &message->as.write_reply.version.writer);
    message->as.write_reply.status = (enum gkv_reply_status)status;
}

static void read_read(struct reader *reader, struct gkv_message *message)
{
    message->kind = GKV_MESSAGE_READ;
    read_fixed(reader, TAG_OPERATION, &message->as.read.operation);
    read_bytes(reader, TAG_KEY, &message->as.read.key);
}

static void read_read_reply(struct reader *reader, struct gkv_message *message)
{
    uint8_t status = 0;
    message->kind = GKV_MESSAGE_READ_REPLY;
    read_fixed(reader, TAG_OPERATION, &message->as.read_reply.operation);
    read_small(reader, TAG_STATUS, &status);
    read_record(reader, &message->as.read_reply.record);
    message->as.read_reply.status = (enum gkv_reply_status)status;
}

bool gkv_hot_read(struct gkv_bytes payload, struct gkv_message *message_out)
{
    if (payload.count == 0) {
        return false;
    }
    struct reader outer = {.at = payload.data, .end = payload.data + payload.count};
    struct gkv_bytes body = {.data = NULL, .count = 0};
    memset(message_out, 0, sizeof(*message_out));
    read_fixed(&outer, TAG_HLC, &message_out->hlc.packed);
    const unsigned tag = outer.at == outer.end ? 0 : *outer.at;
    if (tag != TAG_WRITE && tag != TAG_WRITE_REPLY && tag != TAG_READ && tag != TAG_READ_REPLY) {
        return false;
    }
    read_bytes(&outer, (enum tag)tag, &body);
    if (outer.at != outer.end || body.count == 0) {
        return false;
    }
    struct reader reader = {.at = body.data, .end = body.data + body.count};
    if (tag == TAG_WRITE) {
        read_write(&reader, message_out);
    } else if (tag == TAG_WRITE_REPLY) {
        read_write_reply(&reader, message_out);
    } else if (tag == TAG_READ) {
        read_read(&reader, message_out);
    } else {
        read_read_reply(&reader, message_out);
    }
    return reader.at == reader.end;
}

/* ---- Writing --------------------------------------------------------------------------------- */

static size_t length_bytes(size_t count)
{
    size_t bytes = 1;
    for (size_t rest = count >> 7; rest != 0; rest >>= 7) {
        bytes++;
    }
    return bytes;
}

static inline size_t fixed_bytes(uint64_t number)
{
    return number == 0 ? 0 : FIXED_BYTES;
}

static inline size_t bytes_bytes(size_t count)
{
    return count == 0 ? 0 : 1 + length_bytes(count) + count;
}

static inline uint8_t *write_fixed(uint8_t *at, enum tag tag, uint64_t number)
{
    if (number == 0) {
        return at;
    }
    at[0] = (uint8_t)tag;
    gkv_wire_put_u64(at + 1, number);
    return at + FIXED_BYTES;
}

static inline uint8_t *write_small(uint8_t *at, enum tag tag, uint8_t number)
{
    GKV_ASSERT(number < 0x80);
    if (number == 0) {
        return at;
    }
    at[0] = (uint8_t)tag;
    at[1] = number;
    return at + 2;
}

static inline uint8_t *write_length(uint8_t *at, enum tag tag, size_t count)
{
    *at++ = (uint8_t)tag;
    for (; count >= 0x80; count >>= 7) {
        *at++ = (uint8_t)(count | 0x80);
    }
    *at++ = (uint8_t)count;
    return at;
}

static inline uint8_t *write_bytes(uint8_t *at, enum tag tag, struct gkv_bytes bytes)
{
    if (bytes.count == 0) {
        return at;
    }
    at = write_length(at, tag, bytes.count);
    memcpy(at, bytes.data, bytes.count);
    return at + bytes.count;
}

static void take_record(const struct gkv_record *record, struct body *body)
{
    body->hlc = record->version.hlc.packed;
    body->writer = record->version.writer;
    body->expire_ms = record->expire_ms;
    body->is_tombstone = record->is_tombstone;
    body->value = record->value;
}

/* Fill what a message says, and return the tag of its kind. */
static enum tag body_of(const struct gkv_message *message, struct body *body)
{
    if (message->kind == GKV_MESSAGE_WRITE) {
        body->operation = message->as.write.operation;
        body->key = message->as.write.key;
        take_record(&message->as.write.record, body);
        return TAG_WRITE;
    }
    if (message->kind == GKV_MESSAGE_WRITE_REPLY) {
        body->operation = message->as.write_reply.operation;
        body->status = (uint8_t)message->as.write_reply.status;
        body->hlc = message->as.write_reply.version.hlc.packed;
        body->writer = message->as.write_reply.version.writer;
        return TAG_WRITE_REPLY;
    }
    if (message->kind == GKV_MESSAGE_READ) {
        body->operation = message->as.read.operation;
        body->key = message->as.read.key;
        return TAG_READ;
    }
    GKV_ASSERT(message->kind == GKV_MESSAGE_READ_REPLY);
    body->operation = message->as.read_reply.operation;
    body->status = (uint8_t)message->as.read_reply.status;
    take_record(&message->as.read_reply.record, body);
    return TAG_READ_REPLY;
}

/* How long it is before its tag, which is one byte, and its length. */
static size_t body_bytes_of(const struct body *body)
{
    return fixed_bytes(body->operation) + bytes_bytes(body->key.count) +
           (body->status == 0 ? 0u : 2u) + fixed_bytes(body->hlc) + fixed_bytes(body->writer) +
           fixed_bytes(body->expire_ms) + (body->is_tombstone ? 2u : 0u) +
           bytes_bytes(body->value.count);
}

size_t gkv_hot_write(const struct gkv_message *message, uint64_t cluster_hash, uint8_t *out,
                     size_t capacity)
{
    struct body body = {.operation = 0};
    const enum tag tag = body_of(message, &body);
    const bool is_named = cluster_hash != 0;
    const struct gkv_bytes from_id = {message->from.id.bytes,
                                      is_named ? sizeof(message->from.id.bytes) : 0};
    const uint64_t from_boot = is_named ? message->from.boot_id : 0;
    const size_t body_bytes = body_bytes_of(&body);
    const size_t count = fixed_bytes(message->hlc.packed) + fixed_bytes(cluster_hash) +
                         bytes_bytes(from_id.count) + fixed_bytes(from_boot) + 1 +
                         length_bytes(body_bytes) + body_bytes;
    if (count > capacity) {
        return 0;
    }
    uint8_t *at = write_fixed(out, TAG_HLC, message->hlc.packed);
    at = write_fixed(at, TAG_CLUSTER, cluster_hash);
    at = write_bytes(at, TAG_FROM_ID, from_id);
    at = write_fixed(at, TAG_FROM_BOOT, from_boot);
    at = write_length(at, tag, body_bytes);
    at = write_fixed(at, TAG_OPERATION, body.operation);
    at = write_bytes(at, TAG_KEY, body.key);
    at = write_small(at, TAG_STATUS, body.status);
    at = write_fixed(at, TAG_VERSION_HLC, body.hlc);
    at = write_fixed(at, TAG_WRITER, body.writer);
    at = write_fixed(at, TAG_EXPIRE, body.expire_ms);
    at = write_small(at, TAG_TOMBSTONE, body.is_tombstone);
    at = write_bytes(at, TAG_VALUE, body.value);
    GKV_ASSERT((size_t)(at - out) == count);
    return count;
}
