#include "fuzz/equal.h"

static bool versions_equal(struct gkv_version a, struct gkv_version b)
{
    return a.hlc.packed == b.hlc.packed && a.writer == b.writer;
}

static bool identities_equal(struct gkv_identity a, struct gkv_identity b)
{
    return gkv_node_id_equal(a.id, b.id) && a.boot_id == b.boot_id;
}

static bool records_equal(const struct gkv_record *a, const struct gkv_record *b)
{
    return versions_equal(a->version, b->version) && a->expire_ms == b->expire_ms &&
           a->is_tombstone == b->is_tombstone && gkv_bytes_equal(a->value, b->value);
}

static bool updates_equal(const struct gkv_update *a, const struct gkv_update *b, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!identities_equal(a[i].who, b[i].who) || a[i].incarnation != b[i].incarnation ||
            a[i].state != b[i].state || !gkv_address_equal(&a[i].address, &b[i].address) ||
            memcmp(&a[i].name, &b[i].name, sizeof(a[i].name)) != 0 ||
            !gkv_node_id_equal(a[i].accuser, b[i].accuser) ||
            a[i].confirmer_count != b[i].confirmer_count ||
            memcmp(a[i].confirmers, b[i].confirmers, sizeof(a[i].confirmers)) != 0) {
            return false;
        }
    }
    return true;
}

static bool digests_equal(const struct gkv_digest *a, const struct gkv_digest *b, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (a[i].low != b[i].low || a[i].high != b[i].high) {
            return false;
        }
    }
    return true;
}

static bool sync_keys_equal(const struct gkv_message *a, const struct gkv_message *b)
{
    if (a->as.sync_keys.group != b->as.sync_keys.group ||
        a->as.sync_keys.slots[0] != b->as.sync_keys.slots[0] ||
        a->as.sync_keys.slots[1] != b->as.sync_keys.slots[1] ||
        a->as.sync_keys.part != b->as.sync_keys.part ||
        a->as.sync_keys.part_count != b->as.sync_keys.part_count ||
        a->as.sync_keys.is_full != b->as.sync_keys.is_full ||
        a->as.sync_keys.key_count != b->as.sync_keys.key_count) {
        return false;
    }
    for (uint32_t i = 0; i < a->as.sync_keys.key_count; i++) {
        if (a->as.sync_keys.keys[i].key_hash != b->as.sync_keys.keys[i].key_hash ||
            !versions_equal(a->as.sync_keys.keys[i].version, b->as.sync_keys.keys[i].version)) {
            return false;
        }
    }
    return true;
}

static bool sync_records_equal(const struct gkv_message *a, const struct gkv_message *b)
{
    if (a->as.sync_records.record_count != b->as.sync_records.record_count) {
        return false;
    }
    for (uint32_t i = 0; i < a->as.sync_records.record_count; i++) {
        const struct gkv_keyed_record *one = &a->as.sync_records.records[i];
        const struct gkv_keyed_record *other = &b->as.sync_records.records[i];
        if (!gkv_bytes_equal(one->key, other->key) ||
            !records_equal(&one->record, &other->record)) {
            return false;
        }
    }
    return true;
}

static bool sync_pulls_equal(const struct gkv_message *a, const struct gkv_message *b)
{
    const size_t count = a->as.sync_pull.key_count;
    return count == b->as.sync_pull.key_count &&
           (count == 0 || memcmp(a->as.sync_pull.key_hashes, b->as.sync_pull.key_hashes,
                                 count * sizeof(uint64_t)) == 0);
}

static bool bodies_equal(const struct gkv_message *a, const struct gkv_message *b)
{
    switch (a->kind) {
    case GKV_MESSAGE_PING:
    case GKV_MESSAGE_ACK:
    case GKV_MESSAGE_PING_REQ:
    case GKV_MESSAGE_GOSSIP:
    case GKV_MESSAGE_NACK:
        return a->as.gossip.sequence == b->as.gossip.sequence &&
               identities_equal(a->as.gossip.about, b->as.gossip.about) &&
               a->as.gossip.update_count == b->as.gossip.update_count &&
               updates_equal(a->as.gossip.updates, b->as.gossip.updates, a->as.gossip.update_count);
    case GKV_MESSAGE_PUSH_PULL:
        return a->as.push_pull.is_request == b->as.push_pull.is_request &&
               a->as.push_pull.update_count == b->as.push_pull.update_count &&
               updates_equal(a->as.push_pull.updates, b->as.push_pull.updates,
                             a->as.push_pull.update_count);
    case GKV_MESSAGE_WRITE:
        return a->as.write.operation == b->as.write.operation &&
               gkv_bytes_equal(a->as.write.key, b->as.write.key) &&
               records_equal(&a->as.write.record, &b->as.write.record);
    case GKV_MESSAGE_WRITE_REPLY:
        return a->as.write_reply.operation == b->as.write_reply.operation &&
               a->as.write_reply.status == b->as.write_reply.status &&
               versions_equal(a->as.write_reply.version, b->as.write_reply.version);
    case GKV_MESSAGE_READ:
        return a->as.read.operation == b->as.read.operation &&
               gkv_bytes_equal(a->as.read.key, b->as.read.key);
    case GKV_MESSAGE_READ_REPLY:
        return a->as.read_reply.operation == b->as.read_reply.operation &&
               a->as.read_reply.status == b->as.read_reply.status &&
               records_equal(&a->as.read_reply.record, &b->as.read_reply.record);
    case GKV_MESSAGE_SYNC_GROUPS:
        return digests_equal(a->as.sync_groups.digests, b->as.sync_groups.digests,
                             GKV_SLOT_GROUP_COUNT);
    case GKV_MESSAGE_SYNC_SLOTS:
        return a->as.sync_slots.group == b->as.sync_slots.group &&
               digests_equal(a->as.sync_slots.digests, b->as.sync_slots.digests,
                             GKV_SLOT_GROUP_SLOTS);
    case GKV_MESSAGE_SYNC_KEYS:
        return sync_keys_equal(a, b);
    case GKV_MESSAGE_SYNC_PULL:
        return sync_pulls_equal(a, b);
    case GKV_MESSAGE_SYNC_RECORDS:
        return sync_records_equal(a, b);
    case GKV_MESSAGE_NONE:
        break;
    }
    return false;
}

bool fuzz_messages_equal(const struct gkv_message *a, const struct gkv_message *b)
{
    return a->kind == b->kind && a->hlc.packed == b->hlc.packed &&
           identities_equal(a->from, b->from) && bodies_equal(a, b);
}
