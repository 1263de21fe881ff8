#include "proto/codec.h"

#include <protobuf-c/protobuf-c.h>

#include "core/panic.h"
#include "gridkv.pb-c.h"
#include "proto/bounds.h"
#include "proto/hot.h"
#include "proto/wire.h"

#define DIGEST_BYTES 16      /* low, high */
#define KEY_VERSION_BYTES 24 /* key hash, stamp, writer */
#define KEY_HASH_BYTES 8
#define PART_COUNT_MAX 65536

/* ---- The arena ---- */

static struct gkv_wire_arena arena_of(const struct gkv_codec *codec)
{
    return (struct gkv_wire_arena){.memory = gkv_at(codec, codec->arena_offset),
                                   .bytes = codec->arena_bytes,
                                   .used = codec->arena_used};
}

/* All is thrown away at once, by the next call on the codec. */
static void *codec_allocate(struct gkv_codec *codec, size_t bytes)
{
    struct gkv_wire_arena arena = arena_of(codec);
    void *memory = gkv_wire_allocate(&arena, bytes);
    codec->arena_used = arena.used;
    return memory;
}

static const void *unpack(struct gkv_codec *codec, const ProtobufCMessageDescriptor *descriptor,
                          struct gkv_bytes payload)
{
    codec->arena_used = 0;
    struct gkv_wire_arena arena = arena_of(codec);
    const void *message = gkv_wire_unpack(descriptor, &arena, payload);
    codec->arena_used = arena.used;
    return message;
}

/* Memory for encoding, which is sized for the largest message that a core makes. */
static void *take(struct gkv_codec *codec, size_t count, size_t size)
{
    void *memory = codec_allocate(codec, count * size);
    GKV_ASSERT(memory != NULL);
    return memory;
}

size_t gkv_codec_payload_bytes_max(uint32_t value_bytes_max)
{
    return (size_t)value_bytes_max + GKV_KEY_BYTES_MAX + GKV_FRAME_OVERHEAD_BYTES_MAX;
}

void gkv_codec_init(struct gkv_codec *codec, struct gkv_arena *arena, uint32_t value_bytes_max)
{
    GKV_ASSERT(value_bytes_max <= GKV_VALUE_BYTES_CEILING);
    const size_t bytes = gkv_codec_payload_bytes_max(value_bytes_max) + GKV_CODEC_OVERHEAD_BYTES;
    *codec = (struct gkv_codec){.arena_bytes = bytes, .value_bytes_max = value_bytes_max};
    codec->arena_offset = gkv_offset_to(codec, gkv_arena_reserve(arena, bytes, 1));
}

/* ---- Small values ---- */

static bool stamp_is_valid(uint64_t packed)
{
    return gkv_hlc_ms((struct gkv_hlc){.packed = packed}) <= GKV_HLC_WALL_MS_MAX;
}

static bool boot_is_valid(uint64_t boot_id)
{
    return boot_id != 0 && boot_id != UINT64_MAX;
}

static struct gkv_bytes view_of(ProtobufCBinaryData data)
{
    return (struct gkv_bytes){.data = data.len == 0 ? NULL : data.data, .count = data.len};
}

/* protobuf-c's views are not const, but packing only reads them. */
static ProtobufCBinaryData binary_of(const void *data, size_t count)
{
    return (ProtobufCBinaryData){.len = count, .data = (uint8_t *)(uintptr_t)data};
}

static bool decode_id(ProtobufCBinaryData data, struct gkv_node_id *id_out)
{
    if (data.len != sizeof(id_out->bytes)) {
        return false;
    }
    memcpy(id_out->bytes, data.data, sizeof(id_out->bytes));
    return true;
}

/* Absent is the zero id. */
static bool decode_optional_id(ProtobufCBinaryData data, struct gkv_node_id *id_out)
{
    if (data.len == 0) {
        *id_out = (struct gkv_node_id){{0}};
        return true;
    }
    return decode_id(data, id_out);
}

static ProtobufCBinaryData encode_optional_id(const struct gkv_node_id *id)
{
    const bool is_none = gkv_node_id_equal(*id, (struct gkv_node_id){{0}});
    return binary_of(id->bytes, is_none ? 0 : sizeof(id->bytes));
}

static bool decode_address(ProtobufCBinaryData data, struct gkv_address *address_out)
{
    if (data.len == 0 || data.len > GKV_ADDRESS_BYTES_MAX) {
        return false;
    }
    *address_out = (struct gkv_address){.count = (uint8_t)data.len};
    memcpy(address_out->bytes, data.data, data.len);
    return true;
}

static bool key_is_valid(struct gkv_bytes key)
{
    return key.count >= 1 && key.count <= GKV_KEY_BYTES_MAX;
}

static bool decode_key(ProtobufCBinaryData data, struct gkv_bytes *key_out)
{
    *key_out = view_of(data);
    return key_is_valid(*key_out);
}

static ProtobufCBinaryData encode_key(struct gkv_bytes key)
{
    GKV_ASSERT(key.count >= 1);
    GKV_ASSERT(key.count <= GKV_KEY_BYTES_MAX);
    return binary_of(key.data, key.count);
}

static bool record_is_valid(const struct gkv_codec *codec, const struct gkv_record *record)
{
    return record->version.hlc.packed != 0 && stamp_is_valid(record->version.hlc.packed) &&
           record->expire_ms <= GKV_HLC_WALL_MS_MAX &&
           record->value.count <= codec->value_bytes_max &&
           !(record->is_tombstone && record->value.count != 0);
}

/* WRITE, READ_REPLY and a record of SYNC_RECORDS hold the same fields, in three generated types. */
#define RECORD_OF(wire)                                                               \
    ((struct gkv_record){.version = {.hlc = {(wire)->hlc}, .writer = (wire)->writer}, \
                         .expire_ms = (wire)->expire_ms,                              \
                         .is_tombstone = (wire)->is_tombstone != 0,                   \
                         .value = view_of((wire)->value)})

#define RECORD_TO(wire, record)                                                              \
    ((wire)->hlc = (record)->version.hlc.packed, (wire)->writer = (record)->version.writer,  \
     (wire)->expire_ms = (record)->expire_ms, (wire)->is_tombstone = (record)->is_tombstone, \
     (wire)->value = binary_of((record)->value.data, (record)->value.count))

/* ---- Member updates ---- */

static bool decode_confirmers(ProtobufCBinaryData wire, struct gkv_update *update)
{
    for (size_t i = 0; i < wire.len && i < sizeof(update->confirmers); i++) {
        update->confirmers[i / 16].bytes[i % 16] = wire.data[i];
    }
    update->confirmer_count = (uint8_t)(wire.len / 16);
    return wire.len % 16 == 0 && wire.len <= sizeof(update->confirmers);
}

static bool decode_update(const Gkv__Update *wire, struct gkv_update *update)
{
    *update = (struct gkv_update){.incarnation = wire->incarnation};
    if (wire->state == GKV_MEMBER_NONE || wire->state >= GKV_MEMBER_STATE_COUNT ||
        wire->name.len - 1 >= GKV_NAME_BYTES_MAX || !boot_is_valid(wire->boot_id)) {
        return false;
    }
    update->who.boot_id = wire->boot_id;
    update->state = (enum gkv_member_state)wire->state;
    update->name.count = (uint8_t)wire->name.len;
    memcpy(update->name.bytes, wire->name.data, wire->name.len);
    return decode_id(wire->node_id, &update->who.id) &&
           decode_address(wire->address, &update->address) &&
           decode_optional_id(wire->accuser, &update->accuser) &&
           decode_confirmers(wire->confirmers, update);
}

static bool decode_updates(struct gkv_codec *codec, Gkv__Update *const *wire, size_t count,
                           const struct gkv_update **updates_out)
{
    if (count == 0) {
        return true;
    }
    struct gkv_update *updates = codec_allocate(codec, count * sizeof(*updates));
    if (updates == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!decode_update(wire[i], &updates[i])) {
            return false;
        }
    }
    *updates_out = updates;
    return true;
}

static Gkv__Update **encode_updates(struct gkv_codec *codec, const struct gkv_update *updates,
                                    size_t count)
{
    Gkv__Update **list = take(codec, count, sizeof(*list));
    Gkv__Update *wires = take(codec, count, sizeof(*wires));
    for (size_t i = 0; i < count; i++) {
        const struct gkv_update *update = &updates[i];
        GKV_ASSERT(update->state != GKV_MEMBER_NONE);
        GKV_ASSERT(boot_is_valid(update->who.boot_id));
        Gkv__Update *wire = &wires[i];
        gkv__update__init(wire);
        wire->node_id = binary_of(update->who.id.bytes, sizeof(update->who.id.bytes));
        wire->boot_id = update->who.boot_id;
        wire->incarnation = update->incarnation;
        wire->state = (uint32_t)update->state;
        wire->address = binary_of(update->address.bytes, update->address.count);
        wire->name = binary_of(update->name.bytes, update->name.count);
        wire->accuser = encode_optional_id(&update->accuser);
        GKV_ASSERT(update->confirmer_count <= GKV_CONFIRMER_COUNT_MAX);
        wire->confirmers = binary_of(update->confirmers, 16u * update->confirmer_count);
        list[i] = wire;
    }
    return list;
}

static bool decode_gossip(struct gkv_codec *codec, const Gkv__Gossip *wire,
                          struct gkv_message *message)
{
    if (wire->n_updates > GKV_UPDATE_COUNT_MAX) {
        return false;
    }
    message->as.gossip.sequence = wire->sequence;
    message->as.gossip.about.boot_id = wire->about_boot;
    message->as.gossip.update_count = (uint32_t)wire->n_updates;
    return decode_optional_id(wire->about_id, &message->as.gossip.about.id) &&
           decode_updates(codec, wire->updates, wire->n_updates, &message->as.gossip.updates);
}

static Gkv__Gossip *encode_gossip(struct gkv_codec *codec, const struct gkv_message *message)
{
    GKV_ASSERT(message->as.gossip.update_count <= GKV_UPDATE_COUNT_MAX);
    Gkv__Gossip *wire = take(codec, 1, sizeof(*wire));
    gkv__gossip__init(wire);
    wire->sequence = message->as.gossip.sequence;
    wire->about_id = encode_optional_id(&message->as.gossip.about.id);
    wire->about_boot = message->as.gossip.about.boot_id;
    wire->n_updates = message->as.gossip.update_count;
    wire->updates = encode_updates(codec, message->as.gossip.updates, wire->n_updates);
    return wire;
}

static bool decode_push_pull(struct gkv_codec *codec, const Gkv__PushPull *wire,
                             struct gkv_message *message)
{
    if (wire->n_updates > GKV_MEMBER_COUNT_MAX) {
        return false;
    }
    message->as.push_pull.is_request = wire->is_request != 0;
    message->as.push_pull.update_count = (uint32_t)wire->n_updates;
    return decode_updates(codec, wire->updates, wire->n_updates, &message->as.push_pull.updates);
}

static Gkv__PushPull *encode_push_pull(struct gkv_codec *codec, const struct gkv_message *message)
{
    GKV_ASSERT(message->as.push_pull.update_count <= GKV_MEMBER_COUNT_MAX);
    Gkv__PushPull *wire = take(codec, 1, sizeof(*wire));
    gkv__push_pull__init(wire);
    wire->is_request = message->as.push_pull.is_request;
    wire->n_updates = message->as.push_pull.update_count;
    wire->updates = encode_updates(codec, message->as.push_pull.updates, wire->n_updates);
    return wire;
}

/* ---- Reads and writes ---- */

/* Written by proto/hot.h, and read by it as well if they lie as it writes them, in a stream. */

static bool write_is_valid(const struct gkv_codec *codec, const struct gkv_message *message)
{
    return key_is_valid(message->as.write.key) && record_is_valid(codec, &message->as.write.record);
}

static bool decode_write(const struct gkv_codec *codec, const Gkv__Write *wire,
                         struct gkv_message *message)
{
    message->as.write.operation = wire->operation;
    message->as.write.key = view_of(wire->key);
    message->as.write.record = RECORD_OF(wire);
    return write_is_valid(codec, message);
}

static bool write_reply_is_valid(const struct gkv_message *message)
{
    const enum gkv_reply_status status = message->as.write_reply.status;
    return status >= GKV_REPLY_OK && status <= GKV_REPLY_MEMORY &&
           stamp_is_valid(message->as.write_reply.version.hlc.packed);
}

static bool decode_write_reply(const Gkv__WriteReply *wire, struct gkv_message *message)
{
    message->as.write_reply.operation = wire->operation;
    message->as.write_reply.status = (enum gkv_reply_status)wire->status;
    message->as.write_reply.version =
        (struct gkv_version){.hlc = {wire->hlc}, .writer = wire->writer};
    return write_reply_is_valid(message);
}

static bool decode_read(const Gkv__Read *wire, struct gkv_message *message)
{
    message->as.read.operation = wire->operation;
    return decode_key(wire->key, &message->as.read.key);
}

static bool read_reply_is_valid(const struct gkv_codec *codec, const struct gkv_message *message)
{
    const struct gkv_record *record = &message->as.read_reply.record;
    if (message->as.read_reply.status == GKV_REPLY_ABSENT) {
        return gkv_version_is_none(record->version) && record->expire_ms == 0 &&
               !record->is_tombstone && record->value.count == 0;
    }
    return message->as.read_reply.status == GKV_REPLY_OK && record_is_valid(codec, record);
}

static bool decode_read_reply(const struct gkv_codec *codec, const Gkv__ReadReply *wire,
                              struct gkv_message *message)
{
    message->as.read_reply.operation = wire->operation;
    message->as.read_reply.status = (enum gkv_reply_status)wire->status;
    message->as.read_reply.record = RECORD_OF(wire);
    return read_reply_is_valid(codec, message);
}

/* A message that proto/hot.h has read, or is to write. */
static bool hot_is_valid(const struct gkv_codec *codec, const struct gkv_message *message)
{
    if (message->kind == GKV_MESSAGE_WRITE) {
        return write_is_valid(codec, message);
    }
    if (message->kind == GKV_MESSAGE_WRITE_REPLY) {
        return write_reply_is_valid(message);
    }
    if (message->kind == GKV_MESSAGE_READ) {
        return key_is_valid(message->as.read.key);
    }
    return read_reply_is_valid(codec, message);
}

/* ---- Anti-entropy ---- */

static bool decode_digests(struct gkv_codec *codec, ProtobufCBinaryData data, size_t count,
                           const struct gkv_digest **digests_out)
{
    if (data.len != count * DIGEST_BYTES) {
        return false;
    }
    struct gkv_digest *digests = codec_allocate(codec, count * sizeof(*digests));
    if (digests == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        digests[i].low = gkv_wire_get_u64(data.data + i * DIGEST_BYTES);
        digests[i].high = gkv_wire_get_u64(data.data + i * DIGEST_BYTES + 8);
    }
    *digests_out = digests;
    return true;
}

static ProtobufCBinaryData encode_digests(struct gkv_codec *codec, const struct gkv_digest *digests,
                                          size_t count)
{
    uint8_t *bytes = take(codec, count, DIGEST_BYTES);
    for (size_t i = 0; i < count; i++) {
        gkv_wire_put_u64(bytes + i * DIGEST_BYTES, digests[i].low);
        gkv_wire_put_u64(bytes + i * DIGEST_BYTES + 8, digests[i].high);
    }
    return binary_of(bytes, count * DIGEST_BYTES);
}

static bool decode_sync_groups(struct gkv_codec *codec, const Gkv__SyncGroups *wire,
                               struct gkv_message *message)
{
    message->as.sync_groups.digest_count = GKV_SLOT_GROUP_COUNT;
    return decode_digests(codec, wire->digests, GKV_SLOT_GROUP_COUNT,
                          &message->as.sync_groups.digests);
}

static Gkv__SyncGroups *encode_sync_groups(struct gkv_codec *codec,
                                           const struct gkv_message *message)
{
    GKV_ASSERT(message->as.sync_groups.digest_count == GKV_SLOT_GROUP_COUNT);
    Gkv__SyncGroups *wire = take(codec, 1, sizeof(*wire));
    gkv__sync_groups__init(wire);
    wire->digests = encode_digests(codec, message->as.sync_groups.digests, GKV_SLOT_GROUP_COUNT);
    return wire;
}

static bool decode_sync_slots(struct gkv_codec *codec, const Gkv__SyncSlots *wire,
                              struct gkv_message *message)
{
    message->as.sync_slots.group = wire->group;
    message->as.sync_slots.digest_count = GKV_SLOT_GROUP_SLOTS;
    return wire->group < GKV_SLOT_GROUP_COUNT &&
           decode_digests(codec, wire->digests, GKV_SLOT_GROUP_SLOTS,
                          &message->as.sync_slots.digests);
}

static Gkv__SyncSlots *encode_sync_slots(struct gkv_codec *codec, const struct gkv_message *message)
{
    GKV_ASSERT(message->as.sync_slots.group < GKV_SLOT_GROUP_COUNT);
    GKV_ASSERT(message->as.sync_slots.digest_count == GKV_SLOT_GROUP_SLOTS);
    Gkv__SyncSlots *wire = take(codec, 1, sizeof(*wire));
    gkv__sync_slots__init(wire);
    wire->group = message->as.sync_slots.group;
    wire->digests = encode_digests(codec, message->as.sync_slots.digests, GKV_SLOT_GROUP_SLOTS);
    return wire;
}

static bool decode_key_versions(struct gkv_codec *codec, ProtobufCBinaryData data,
                                const struct gkv_key_version **keys_out)
{
    const size_t count = data.len / KEY_VERSION_BYTES;
    if (count == 0) {
        return true;
    }
    struct gkv_key_version *keys = codec_allocate(codec, count * sizeof(*keys));
    if (keys == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const uint8_t *at = data.data + i * KEY_VERSION_BYTES;
        keys[i].key_hash = gkv_wire_get_u64(at);
        keys[i].version.hlc.packed = gkv_wire_get_u64(at + 8);
        keys[i].version.writer = gkv_wire_get_u64(at + 16);
        if (!stamp_is_valid(keys[i].version.hlc.packed)) {
            return false;
        }
    }
    *keys_out = keys;
    return true;
}

static bool decode_sync_keys(struct gkv_codec *codec, const Gkv__SyncKeys *wire,
                             struct gkv_message *message)
{
    message->as.sync_keys.group = wire->group;
    message->as.sync_keys.slots[0] = wire->slots_low;
    message->as.sync_keys.slots[1] = wire->slots_high;
    message->as.sync_keys.part = wire->part;
    message->as.sync_keys.part_count = wire->part_count;
    message->as.sync_keys.is_full = wire->is_full;
    message->as.sync_keys.key_count = (uint32_t)(wire->keys.len / KEY_VERSION_BYTES);
    return wire->group < GKV_SLOT_GROUP_COUNT && wire->part_count >= 1 &&
           wire->part_count <= PART_COUNT_MAX && wire->part < wire->part_count &&
           wire->keys.len % KEY_VERSION_BYTES == 0 &&
           wire->keys.len <= (size_t)GKV_SYNC_KEY_COUNT_MAX * KEY_VERSION_BYTES &&
           decode_key_versions(codec, wire->keys, &message->as.sync_keys.keys);
}

static Gkv__SyncKeys *encode_sync_keys(struct gkv_codec *codec, const struct gkv_message *message)
{
    const size_t count = message->as.sync_keys.key_count;
    GKV_ASSERT(count <= GKV_SYNC_KEY_COUNT_MAX);
    GKV_ASSERT(message->as.sync_keys.part < message->as.sync_keys.part_count);
    GKV_ASSERT(message->as.sync_keys.part_count <= PART_COUNT_MAX);
    Gkv__SyncKeys *wire = take(codec, 1, sizeof(*wire));
    gkv__sync_keys__init(wire);
    wire->group = message->as.sync_keys.group;
    wire->slots_low = message->as.sync_keys.slots[0];
    wire->slots_high = message->as.sync_keys.slots[1];
    wire->part = message->as.sync_keys.part;
    wire->part_count = message->as.sync_keys.part_count;
    wire->is_full = message->as.sync_keys.is_full;
    uint8_t *bytes = take(codec, count, KEY_VERSION_BYTES);
    for (size_t i = 0; i < count; i++) {
        const struct gkv_key_version *key = &message->as.sync_keys.keys[i];
        gkv_wire_put_u64(bytes + i * KEY_VERSION_BYTES, key->key_hash);
        gkv_wire_put_u64(bytes + i * KEY_VERSION_BYTES + 8, key->version.hlc.packed);
        gkv_wire_put_u64(bytes + i * KEY_VERSION_BYTES + 16, key->version.writer);
    }
    wire->keys = binary_of(bytes, count * KEY_VERSION_BYTES);
    return wire;
}

static bool decode_sync_pull(struct gkv_codec *codec, const Gkv__SyncPull *wire,
                             struct gkv_message *message)
{
    const size_t count = wire->key_hashes.len / KEY_HASH_BYTES;
    if (wire->key_hashes.len % KEY_HASH_BYTES != 0 || count > GKV_SYNC_KEY_COUNT_MAX) {
        return false;
    }
    if (count == 0) {
        return true;
    }
    uint64_t *key_hashes = codec_allocate(codec, count * sizeof(*key_hashes));
    if (key_hashes == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        key_hashes[i] = gkv_wire_get_u64(wire->key_hashes.data + i * KEY_HASH_BYTES);
    }
    message->as.sync_pull.key_hashes = key_hashes;
    message->as.sync_pull.key_count = (uint32_t)count;
    return true;
}

static Gkv__SyncPull *encode_sync_pull(struct gkv_codec *codec, const struct gkv_message *message)
{
    const size_t count = message->as.sync_pull.key_count;
    GKV_ASSERT(count <= GKV_SYNC_KEY_COUNT_MAX);
    Gkv__SyncPull *wire = take(codec, 1, sizeof(*wire));
    gkv__sync_pull__init(wire);
    uint8_t *bytes = take(codec, count, KEY_HASH_BYTES);
    for (size_t i = 0; i < count; i++) {
        gkv_wire_put_u64(bytes + i * KEY_HASH_BYTES, message->as.sync_pull.key_hashes[i]);
    }
    wire->key_hashes = binary_of(bytes, count * KEY_HASH_BYTES);
    return wire;
}

static bool decode_sync_records(struct gkv_codec *codec, const Gkv__SyncRecords *wire,
                                struct gkv_message *message)
{
    if (wire->n_records > GKV_SYNC_RECORD_COUNT_MAX) {
        return false;
    }
    if (wire->n_records == 0) {
        return true;
    }
    struct gkv_keyed_record *records = codec_allocate(codec, wire->n_records * sizeof(*records));
    if (records == NULL) {
        return false;
    }
    memset(records, 0, wire->n_records * sizeof(*records));
    for (size_t i = 0; i < wire->n_records; i++) {
        records[i].record = RECORD_OF(wire->records[i]);
        if (!decode_key(wire->records[i]->key, &records[i].key) ||
            !record_is_valid(codec, &records[i].record)) {
            return false;
        }
    }
    message->as.sync_records.records = records;
    message->as.sync_records.record_count = (uint32_t)wire->n_records;
    return true;
}

static Gkv__SyncRecords *encode_sync_records(struct gkv_codec *codec,
                                             const struct gkv_message *message)
{
    const size_t count = message->as.sync_records.record_count;
    GKV_ASSERT(count <= GKV_SYNC_RECORD_COUNT_MAX);
    Gkv__SyncRecords *wire = take(codec, 1, sizeof(*wire));
    gkv__sync_records__init(wire);
    wire->n_records = count;
    wire->records = take(codec, count, sizeof(*wire->records));
    for (size_t i = 0; i < count; i++) {
        const struct gkv_keyed_record *keyed = &message->as.sync_records.records[i];
        GKV_ASSERT(record_is_valid(codec, &keyed->record));
        wire->records[i] = take(codec, 1, sizeof(*wire->records[i]));
        gkv__record__init(wire->records[i]);
        wire->records[i]->key = encode_key(keyed->key);
        RECORD_TO(wire->records[i], &keyed->record);
    }
    return wire;
}

/* ---- Envelopes ---- */

/* The kind of a body and its number in the oneof. */
static const struct kind_of_case {
    enum gkv_message_kind kind;
    Gkv__Envelope__BodyCase body_case;
} kinds[] = {
    {GKV_MESSAGE_PING, GKV__ENVELOPE__BODY_PING},
    {GKV_MESSAGE_ACK, GKV__ENVELOPE__BODY_ACK},
    {GKV_MESSAGE_PING_REQ, GKV__ENVELOPE__BODY_PING_REQ},
    {GKV_MESSAGE_GOSSIP, GKV__ENVELOPE__BODY_GOSSIP},
    {GKV_MESSAGE_PUSH_PULL, GKV__ENVELOPE__BODY_PUSH_PULL},
    {GKV_MESSAGE_WRITE, GKV__ENVELOPE__BODY_WRITE},
    {GKV_MESSAGE_WRITE_REPLY, GKV__ENVELOPE__BODY_WRITE_REPLY},
    {GKV_MESSAGE_READ, GKV__ENVELOPE__BODY_READ},
    {GKV_MESSAGE_READ_REPLY, GKV__ENVELOPE__BODY_READ_REPLY},
    {GKV_MESSAGE_SYNC_GROUPS, GKV__ENVELOPE__BODY_SYNC_GROUPS},
    {GKV_MESSAGE_SYNC_SLOTS, GKV__ENVELOPE__BODY_SYNC_SLOTS},
    {GKV_MESSAGE_SYNC_KEYS, GKV__ENVELOPE__BODY_SYNC_KEYS},
    {GKV_MESSAGE_SYNC_PULL, GKV__ENVELOPE__BODY_SYNC_PULL},
    {GKV_MESSAGE_SYNC_RECORDS, GKV__ENVELOPE__BODY_SYNC_RECORDS},
    {GKV_MESSAGE_NACK, GKV__ENVELOPE__BODY_NACK},
};
#define KIND_COUNT (sizeof(kinds) / sizeof(kinds[0]))
_Static_assert(KIND_COUNT == GKV_MESSAGE_KIND_COUNT - 1, "every kind but NONE has a body");

static bool decode_body(struct gkv_codec *codec, const Gkv__Envelope *wire,
                        struct gkv_message *message)
{
    switch (message->kind) {
    case GKV_MESSAGE_PING:
    case GKV_MESSAGE_ACK:
    case GKV_MESSAGE_PING_REQ:
    case GKV_MESSAGE_GOSSIP:
    case GKV_MESSAGE_NACK:
        return decode_gossip(codec, wire->ping, message);
    case GKV_MESSAGE_PUSH_PULL:
        return decode_push_pull(codec, wire->push_pull, message);
    case GKV_MESSAGE_WRITE:
        return decode_write(codec, wire->write, message);
    case GKV_MESSAGE_WRITE_REPLY:
        return decode_write_reply(wire->write_reply, message);
    case GKV_MESSAGE_READ:
        return decode_read(wire->read, message);
    case GKV_MESSAGE_READ_REPLY:
        return decode_read_reply(codec, wire->read_reply, message);
    case GKV_MESSAGE_SYNC_GROUPS:
        return decode_sync_groups(codec, wire->sync_groups, message);
    case GKV_MESSAGE_SYNC_SLOTS:
        return decode_sync_slots(codec, wire->sync_slots, message);
    case GKV_MESSAGE_SYNC_KEYS:
        return decode_sync_keys(codec, wire->sync_keys, message);
    case GKV_MESSAGE_SYNC_PULL:
        return decode_sync_pull(codec, wire->sync_pull, message);
    case GKV_MESSAGE_SYNC_RECORDS:
        return decode_sync_records(codec, wire->sync_records, message);
    case GKV_MESSAGE_NONE:
        break;
    }
    return false;
}

/* The sender: named together with the cluster, or not at all. */
static bool decode_from(const Gkv__Envelope *wire, struct gkv_identity *from)
{
    from->boot_id = wire->from_boot;
    if (wire->cluster_hash == 0) {
        return wire->from_id.len == 0 && wire->from_boot == 0;
    }
    return boot_is_valid(wire->from_boot) && decode_id(wire->from_id, &from->id);
}

enum gkv_error gkv_codec_decode(struct gkv_codec *codec, struct gkv_bytes payload,
                                struct gkv_message *message_out, uint64_t *cluster_hash_out)
{
    struct gkv_message message;
    if (gkv_hot_read(payload, &message)) {
        if (!stamp_is_valid(message.hlc.packed) || !hot_is_valid(codec, &message)) {
            return GKV_ERROR_MALFORMED;
        }
        *message_out = message;
        *cluster_hash_out = 0;
        return GKV_OK;
    }
    const Gkv__Envelope *wire = unpack(codec, &gkv__envelope__descriptor, payload);
    if (wire == NULL) {
        return GKV_ERROR_MALFORMED;
    }
    memset(&message, 0, sizeof(message));
    message.hlc.packed = wire->hlc;
    for (size_t i = 0; i < KIND_COUNT; i++) {
        if (kinds[i].body_case == wire->body_case) {
            message.kind = kinds[i].kind;
        }
    }
    if (!stamp_is_valid(wire->hlc) || !decode_from(wire, &message.from) ||
        !decode_body(codec, wire, &message)) {
        return GKV_ERROR_MALFORMED;
    }
    *message_out = message;
    *cluster_hash_out = wire->cluster_hash;
    return GKV_OK;
}

static void encode_body(struct gkv_codec *codec, const struct gkv_message *message,
                        Gkv__Envelope *wire)
{
    switch (message->kind) {
    case GKV_MESSAGE_PING:
    case GKV_MESSAGE_ACK:
    case GKV_MESSAGE_PING_REQ:
    case GKV_MESSAGE_GOSSIP:
    case GKV_MESSAGE_NACK:
        wire->ping = encode_gossip(codec, message);
        break;
    case GKV_MESSAGE_PUSH_PULL:
        wire->push_pull = encode_push_pull(codec, message);
        break;
    case GKV_MESSAGE_SYNC_GROUPS:
        wire->sync_groups = encode_sync_groups(codec, message);
        break;
    case GKV_MESSAGE_SYNC_SLOTS:
        wire->sync_slots = encode_sync_slots(codec, message);
        break;
    case GKV_MESSAGE_SYNC_KEYS:
        wire->sync_keys = encode_sync_keys(codec, message);
        break;
    case GKV_MESSAGE_SYNC_PULL:
        wire->sync_pull = encode_sync_pull(codec, message);
        break;
    case GKV_MESSAGE_SYNC_RECORDS:
        wire->sync_records = encode_sync_records(codec, message);
        break;
    case GKV_MESSAGE_WRITE:
    case GKV_MESSAGE_WRITE_REPLY:
    case GKV_MESSAGE_READ:
    case GKV_MESSAGE_READ_REPLY:
    case GKV_MESSAGE_NONE:
        GKV_ASSERT(wire->body_case == GKV__ENVELOPE__BODY__NOT_SET);
        break;
    }
}

size_t gkv_codec_encode(struct gkv_codec *codec, const struct gkv_message *message,
                        uint64_t cluster_hash, uint8_t *out, size_t capacity)
{
    GKV_ASSERT(stamp_is_valid(message->hlc.packed));
    GKV_ASSERT(cluster_hash == 0 || boot_is_valid(message->from.boot_id));
    if (gkv_hot_is(message->kind)) {
        GKV_ASSERT(hot_is_valid(codec, message));
        return gkv_hot_write(message, cluster_hash, out, capacity);
    }
    codec->arena_used = 0;
    Gkv__Envelope wire;
    gkv__envelope__init(&wire);
    wire.hlc = message->hlc.packed;
    if (cluster_hash != 0) {
        wire.cluster_hash = cluster_hash;
        wire.from_id = binary_of(message->from.id.bytes, sizeof(message->from.id.bytes));
        wire.from_boot = message->from.boot_id;
    }
    for (size_t i = 0; i < KIND_COUNT; i++) {
        if (kinds[i].kind == message->kind) {
            wire.body_case = kinds[i].body_case;
        }
    }
    encode_body(codec, message, &wire);
    const size_t count = gkv_wire_pack(&gkv__envelope__descriptor, &wire, out, capacity);
    GKV_ASSERT(count <= gkv_codec_payload_bytes_max(codec->value_bytes_max));
    return count;
}

/* ---- HELLO ---- */

enum gkv_error gkv_codec_decode_hello(struct gkv_codec *codec, struct gkv_bytes payload,
                                      struct gkv_hello *hello_out)
{
    const Gkv__Hello *wire = unpack(codec, &gkv__hello__descriptor, payload);
    if (wire == NULL) {
        return GKV_ERROR_MALFORMED;
    }
    struct gkv_hello hello;
    memset(&hello, 0, sizeof(hello));
    hello.wire_version = wire->wire_version;
    hello.cluster_hash = wire->cluster_hash;
    hello.from.boot_id = wire->boot_id;
    if (wire->wire_version == 0 || wire->cluster_hash == 0 || !boot_is_valid(wire->boot_id) ||
        !decode_id(wire->node_id, &hello.from.id) ||
        !decode_address(wire->address, &hello.address)) {
        return GKV_ERROR_MALFORMED;
    }
    *hello_out = hello;
    return GKV_OK;
}

size_t gkv_codec_encode_hello(struct gkv_codec *codec, const struct gkv_hello *hello, uint8_t *out,
                              size_t capacity)
{
    GKV_ASSERT(hello->cluster_hash != 0);
    GKV_ASSERT(boot_is_valid(hello->from.boot_id));
    codec->arena_used = 0;
    Gkv__Hello wire;
    gkv__hello__init(&wire);
    wire.wire_version = hello->wire_version;
    wire.cluster_hash = hello->cluster_hash;
    wire.node_id = binary_of(hello->from.id.bytes, sizeof(hello->from.id.bytes));
    wire.boot_id = hello->from.boot_id;
    wire.address = binary_of(hello->address.bytes, hello->address.count);
    return gkv_wire_pack(&gkv__hello__descriptor, &wire, out, capacity);
}
