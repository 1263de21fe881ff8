#include "proto/wire.h"

#include <string.h>

#include "core/panic.h"

enum wire_type {
    WIRE_VARINT = 0,
    WIRE_FIXED64 = 1,
    WIRE_BYTES = 2,
    WIRE_FIXED32 = 5,
};

#define VARINT_BYTES_MAX 10
#define SHORT_BYTES_MAX 5    /* of a tag or a length */
#define FIRST_TRY_BYTES 1024 /* of an encoding */
#define TAG_MAX UINT32_MAX
#define BYTES_COUNT_MAX INT32_MAX /* of a field, as protobuf has it */

void *gkv_wire_allocate(struct gkv_wire_arena *arena, size_t bytes)
{
    GKV_ASSERT(arena->used <= arena->bytes);
    const size_t room = arena->bytes - arena->used;
    if (bytes > room || room - bytes < GKV_WIRE_ALIGN) {
        return NULL;
    }
    uint8_t *memory = arena->memory + arena->used;
    arena->used += (bytes + GKV_WIRE_ALIGN - 1) / GKV_WIRE_ALIGN * GKV_WIRE_ALIGN;
    return memory;
}

static void *member_of(void *message, unsigned offset)
{
    return (uint8_t *)message + offset;
}

static const void *const_member_of(const void *message, unsigned offset)
{
    return (const uint8_t *)message + offset;
}

static bool is_one_of_several(const ProtobufCFieldDescriptor *field)
{
    return (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* A field as it lies in the bytes; of a FIXED32, which no message has, the value is not kept. */
struct found {
    uint32_t id;
    enum wire_type type;
    uint64_t number;        /* VARINT, FIXED64; else unset */
    struct gkv_bytes bytes; /* BYTES; else unset */
};

/* A message being read. */
struct reading {
    const ProtobufCMessageDescriptor *descriptor;
    void *message;
    const uint8_t *at;
    const uint8_t *end;
};

static const uint8_t *read_long_varint(const uint8_t *at, const uint8_t *end, unsigned bytes_max,
                                       uint64_t *number_out)
{
    uint64_t number = 0;
    for (unsigned i = 0; i < bytes_max && at < end; i++) {
        const uint8_t byte = *at++;
        if (i == VARINT_BYTES_MAX - 1 && byte > 1) {
            return NULL;
        }
        number |= (uint64_t)(byte & 0x7F) << (7 * i);
        if (byte < 0x80) {
            *number_out = number;
            return at;
        }
    }
    return NULL;
}

/* Returns what follows the number, NULL when it does not end within bytes_max, or has over 64 bits.
 */
static inline const uint8_t *read_varint(const uint8_t *at, const uint8_t *end, unsigned bytes_max,
                                         uint64_t *number_out)
{
    if (at < end && *at < 0x80) { /* most are small */
        *number_out = *at;
        return at + 1;
    }
    return read_long_varint(at, end, bytes_max, number_out);
}

/* Returns what follows the field, NULL when it is malformed. */
static const uint8_t *read_field(const uint8_t *at, const uint8_t *end, struct found *found)
{
    uint64_t number = 0;
    at = read_varint(at, end, SHORT_BYTES_MAX, &number);
    if (at == NULL || number > TAG_MAX || number >> 3 == 0) { /* no field has the id 0 */
        return NULL;
    }
    const size_t rest = (size_t)(end - at);
    found->id = (uint32_t)number >> 3;
    switch (number & 7) {
    case WIRE_VARINT:
        found->type = WIRE_VARINT;
        return read_varint(at, end, VARINT_BYTES_MAX, &found->number);
    case WIRE_FIXED64:
        found->type = WIRE_FIXED64;
        if (rest < 8) {
            return NULL;
        }
        found->number = gkv_wire_get_u64(at);
        return at + 8;
    case WIRE_BYTES:
        found->type = WIRE_BYTES;
        at = read_varint(at, end, SHORT_BYTES_MAX, &number);
        if (at == NULL || number > BYTES_COUNT_MAX || number > (size_t)(end - at)) {
            return NULL;
        }
        found->bytes = (struct gkv_bytes){.data = at, .count = (size_t)number};
        return at + number;
    case WIRE_FIXED32:
        found->type = WIRE_FIXED32;
        return rest < 4 ? NULL : at + 4;
    default:
        return NULL;
    }
}

/* The field of an id, NULL when it is not known. Fields lie in the order of their ids, which begin
 * at 1: before the first gap, the id says where. */
static const ProtobufCFieldDescriptor *find_field(const ProtobufCMessageDescriptor *descriptor,
                                                  uint32_t id)
{
    const ProtobufCFieldDescriptor *fields = descriptor->fields;
    if (id <= descriptor->n_fields && fields[id - 1].id == id) {
        return &fields[id - 1];
    }
    for (unsigned left_count = descriptor->n_fields; left_count > 0; left_count--) {
        if (fields[left_count - 1].id == id) {
            return &fields[left_count - 1];
        }
    }
    return NULL;
}

static bool store_bytes(struct gkv_wire_arena *arena, ProtobufCBinaryData *data,
                        struct gkv_bytes bytes)
{
    data->len = bytes.count;
    data->data = NULL;
    if (bytes.count == 0) {
        return true;
    }
    data->data = gkv_wire_allocate(arena, bytes.count);
    if (data->data == NULL) {
        return false;
    }
    memcpy(data->data, bytes.data, bytes.count);
    return true;
}

/* How a field lies in the bytes when it is what its descriptor says. */
static enum wire_type type_of(const ProtobufCFieldDescriptor *field)
{
    if (field->type == PROTOBUF_C_TYPE_FIXED64) {
        return WIRE_FIXED64;
    }
    if (field->type == PROTOBUF_C_TYPE_UINT32 || field->type == PROTOBUF_C_TYPE_BOOL) {
        return WIRE_VARINT;
    }
    GKV_ASSERT(field->type == PROTOBUF_C_TYPE_BYTES || field->type == PROTOBUF_C_TYPE_MESSAGE);
    return WIRE_BYTES;
}

/* Store a field that is no message. False: too large. */
static bool store(struct gkv_wire_arena *arena, const struct reading *reading,
                  const ProtobufCFieldDescriptor *field, const struct found *found)
{
    void *member = member_of(reading->message, field->offset);
    GKV_ASSERT(field->label == PROTOBUF_C_LABEL_NONE);
    GKV_ASSERT(found->type == type_of(field));
    if (field->type == PROTOBUF_C_TYPE_FIXED64) {
        *(uint64_t *)member = found->number;
        return true;
    }
    if (field->type == PROTOBUF_C_TYPE_UINT32) {
        *(uint32_t *)member = (uint32_t)found->number;
        return true;
    }
    if (field->type == PROTOBUF_C_TYPE_BOOL) {
        *(protobuf_c_boolean *)member = found->number != 0;
        return true;
    }
    return store_bytes(arena, member, found->bytes);
}

/* How many more fields of this id there are; up to what is malformed. */
static size_t count_more(const struct reading *reading, uint32_t id)
{
    size_t count = 0;
    struct found found;
    const uint8_t *at = reading->at;
    while (at != NULL && at < reading->end) {
        at = read_field(at, reading->end, &found);
        count += at != NULL && found.id == id;
    }
    return count;
}

/* Make the inner message the outer one's. */
static bool attach(struct gkv_wire_arena *arena, const struct reading *outer,
                   const ProtobufCFieldDescriptor *field, void *inner)
{
    void *member = member_of(outer->message, field->offset);
    void *quantifier = member_of(outer->message, field->quantifier_offset);
    if (field->label != PROTOBUF_C_LABEL_REPEATED) {
        GKV_ASSERT(is_one_of_several(field));
        *(void **)member = inner;
        memcpy(quantifier, &field->id, sizeof(field->id));
        return true;
    }
    void ***list = member;
    size_t *count = quantifier;
    if (*count == 0) {
        const size_t capacity = 1 + count_more(outer, field->id);
        *list = gkv_wire_allocate(arena, capacity * sizeof(void *));
        if (*list == NULL) {
            return false;
        }
    }
    (*list)[*count] = inner;
    (*count)++;
    return true;
}

/* NULL: no room for the message. */
static void *begin_reading(struct gkv_wire_arena *arena, struct reading *reading,
                           const ProtobufCMessageDescriptor *descriptor, struct gkv_bytes bytes)
{
    *reading = (struct reading){.descriptor = descriptor,
                                .message = gkv_wire_allocate(arena, descriptor->sizeof_message),
                                .at = bytes.data};
    if (reading->message != NULL) {
        descriptor->message_init(reading->message);
        reading->end = bytes.count == 0 ? bytes.data : bytes.data + bytes.count;
    }
    return reading->message;
}

void *gkv_wire_unpack(const ProtobufCMessageDescriptor *descriptor, struct gkv_wire_arena *arena,
                      struct gkv_bytes payload)
{
    struct reading stack[GKV_WIRE_DEPTH_MAX];
    unsigned depth = 0;
    void *root = begin_reading(arena, &stack[0], descriptor, payload);
    if (root == NULL) {
        return NULL;
    }
    for (;;) {
        struct reading *reading = &stack[depth];
        struct found found;
        if (reading->at == reading->end) {
            if (depth == 0) {
                return root;
            }
            depth--;
            continue;
        }
        reading->at = read_field(reading->at, reading->end, &found);
        if (reading->at == NULL) {
            return NULL;
        }
        const ProtobufCFieldDescriptor *field = find_field(reading->descriptor, found.id);
        if (field == NULL) {
            continue;
        }
        if (found.type != type_of(field)) {
            return NULL;
        }
        if (field->type != PROTOBUF_C_TYPE_MESSAGE) {
            if (!store(arena, reading, field, &found)) {
                return NULL;
            }
            continue;
        }
        GKV_ASSERT(depth + 1 < GKV_WIRE_DEPTH_MAX);
        depth++;
        void *inner = begin_reading(arena, &stack[depth], field->descriptor, found.bytes);
        if (inner == NULL || !attach(arena, reading, field, inner)) {
            return NULL;
        }
    }
}

/* ---- Writing --------------------------------------------------------------------------------- */

/* out[at .. capacity) is written. */
struct writer {
    uint8_t *out;
    size_t at;
    bool is_full; /* something did not fit: all that follows is nothing */
};

/* A message being written, from its last field to its first. */
struct writing {
    const ProtobufCMessageDescriptor *descriptor;
    const void *message;
    unsigned left_count; /* fields */
    size_t taken_count;  /* inner messages of the field left_count - 1 that are written */
    size_t end;          /* where it ends in out */
};

/* Room for `count` bytes before all that is written; NULL when there is none. */
static uint8_t *make_room(struct writer *writer, size_t count)
{
    if (writer->is_full || count > writer->at) {
        writer->is_full = true;
        return NULL;
    }
    writer->at -= count;
    return writer->out + writer->at;
}

static void write_varint(struct writer *writer, uint64_t number)
{
    size_t count = 1;
    if (number < 0x80 && !writer->is_full && writer->at > 0) { /* most are small */
        writer->out[--writer->at] = (uint8_t)number;
        return;
    }
    while (count < VARINT_BYTES_MAX && number >> (7 * count) != 0) {
        count++;
    }
    uint8_t *at = make_room(writer, count);
    for (size_t i = 0; at != NULL && i < count; i++) {
        at[i] = (uint8_t)((number >> (7 * i) & 0x7F) | (i + 1 < count ? 0x80 : 0));
    }
}

static void write_fixed64(struct writer *writer, uint64_t number)
{
    uint8_t *at = make_room(writer, 8);
    if (at != NULL) {
        gkv_wire_put_u64(at, number);
    }
}

static void write_tag(struct writer *writer, const ProtobufCFieldDescriptor *field,
                      enum wire_type type)
{
    write_varint(writer, (uint64_t)field->id << 3 | (uint64_t)type);
}

/* A field that is no message; nothing when it is zero. */
static void write_field(struct writer *writer, const void *message,
                        const ProtobufCFieldDescriptor *field)
{
    const void *member = const_member_of(message, field->offset);
    GKV_ASSERT(field->label == PROTOBUF_C_LABEL_NONE);
    if (field->type == PROTOBUF_C_TYPE_FIXED64) {
        const uint64_t number = *(const uint64_t *)member;
        if (number != 0) {
            write_fixed64(writer, number);
            write_tag(writer, field, WIRE_FIXED64);
        }
        return;
    }
    if (field->type == PROTOBUF_C_TYPE_BYTES) {
        const ProtobufCBinaryData *data = member;
        uint8_t *at = data->len == 0 ? NULL : make_room(writer, data->len);
        if (at != NULL) {
            memcpy(at, data->data, data->len);
            write_varint(writer, data->len);
            write_tag(writer, field, WIRE_BYTES);
        }
        return;
    }
    const bool is_bool = field->type == PROTOBUF_C_TYPE_BOOL;
    GKV_ASSERT(is_bool || field->type == PROTOBUF_C_TYPE_UINT32);
    const uint32_t number =
        is_bool ? (uint32_t)(*(const protobuf_c_boolean *)member != 0) : *(const uint32_t *)member;
    if (number != 0) {
        write_varint(writer, number);
        write_tag(writer, field, WIRE_VARINT);
    }
}

/* The next inner message of a field, from the last to the first; NULL when there is none left. */
static const void *take_inner(struct writing *writing, const ProtobufCFieldDescriptor *field)
{
    const void *member = const_member_of(writing->message, field->offset);
    const void *quantifier = const_member_of(writing->message, field->quantifier_offset);
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        const size_t count = *(const size_t *)quantifier;
        if (writing->taken_count == count) {
            return NULL;
        }
        writing->taken_count++;
        return (*(const void *const *const *)member)[count - writing->taken_count];
    }
    GKV_ASSERT(is_one_of_several(field));
    if (writing->taken_count == 1) {
        return NULL;
    }
    writing->taken_count = 1;
    return *(const void *const *)member;
}

/* Pass over fields of which another is there instead: a message has many kinds of bodies. */
static void skip_absent(struct writing *writing)
{
    while (writing->left_count > 0) {
        const ProtobufCFieldDescriptor *field =
            &writing->descriptor->fields[writing->left_count - 1];
        uint32_t present = field->id;
        if (is_one_of_several(field)) {
            memcpy(&present, const_member_of(writing->message, field->quantifier_offset),
                   sizeof(present));
        }
        if (present == field->id) {
            return;
        }
        writing->left_count--;
    }
}

static struct writing begin_writing(const ProtobufCMessageDescriptor *descriptor,
                                    const void *message, size_t end)
{
    return (struct writing){.descriptor = descriptor,
                            .message = message,
                            .left_count = descriptor->n_fields,
                            .end = end};
}

/* Write all of it to the end of out; where it begins is left in writer->at. */
static void write_backward(struct writer *writer, const ProtobufCMessageDescriptor *descriptor,
                           const void *message)
{
    struct writing stack[GKV_WIRE_DEPTH_MAX];
    unsigned depth = 0;
    stack[0] = begin_writing(descriptor, message, writer->at);
    for (;;) {
        struct writing *writing = &stack[depth];
        skip_absent(writing);
        if (writing->left_count == 0 && depth == 0) {
            return;
        }
        if (writing->left_count == 0) { /* it is whole: its length and its tag go before it */
            const struct writing *outer = &stack[--depth];
            write_varint(writer, writing->end - writer->at);
            write_tag(writer, &outer->descriptor->fields[outer->left_count - 1], WIRE_BYTES);
            continue;
        }
        const ProtobufCFieldDescriptor *field =
            &writing->descriptor->fields[writing->left_count - 1];
        if (field->type != PROTOBUF_C_TYPE_MESSAGE) {
            write_field(writer, writing->message, field);
            writing->left_count--;
            continue;
        }
        const void *inner = take_inner(writing, field);
        if (inner == NULL) {
            writing->left_count--;
            writing->taken_count = 0;
            continue;
        }
        GKV_ASSERT(depth + 1 < GKV_WIRE_DEPTH_MAX);
        stack[++depth] = begin_writing(field->descriptor, inner, writer->at);
    }
}

size_t gkv_wire_pack(const ProtobufCMessageDescriptor *descriptor, const void *message,
                     uint8_t *out, size_t capacity)
{
    /* Most messages are small, and the end of a large buffer is in no cache. */
    size_t tried = capacity < FIRST_TRY_BYTES ? capacity : FIRST_TRY_BYTES;
    struct writer writer = {.out = out, .at = tried};
    write_backward(&writer, descriptor, message);
    if (writer.is_full && tried < capacity) {
        tried = capacity;
        writer = (struct writer){.out = out, .at = tried};
        write_backward(&writer, descriptor, message);
    }
    if (writer.is_full) {
        return 0;
    }
    memmove(out, out + writer.at, tried - writer.at);
    return tried - writer.at;
}
