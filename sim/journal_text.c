#include "sim/journal_text.h"

#include <inttypes.h>
#include <stdio.h>

#include "core/options.h"
#include "sim/history.h"

const char *gkv_journal_operation_name(enum gkv_operation_kind kind)
{
    return kind == GKV_OPERATION_GET ? "get" : kind == GKV_OPERATION_SET ? "set" : "delete";
}

const char *gkv_journal_result_name(const struct gkv_journal_operation *operation)
{
    if (operation->is_lost) {
        return "LOST";
    }
    return operation->end_ns == 0 ? "OPEN" : gkv_error_name(operation->error);
}

const char *gkv_journal_status_name(const struct gkv_journal_operation *operation)
{
    if (operation->is_lost || operation->end_ns == 0) {
        return "info";
    }
    if (operation->error == GKV_OK || operation->error == GKV_ERROR_NOT_FOUND) {
        return "ok";
    }
    const bool is_known = operation->kind == GKV_OPERATION_GET ||
                          operation->error == GKV_ERROR_NO_QUORUM ||
                          operation->error == GKV_ERROR_BUSY;
    return is_known ? "fail" : "info";
}

void gkv_journal_version_text(struct gkv_version version, char text[GKV_JOURNAL_VERSION_BYTES])
{
    (void)snprintf(text, GKV_JOURNAL_VERSION_BYTES, "%s",
                   gkv_version_is_none(version) ? "" : gkv_history_version(version).text);
}

void gkv_journal_mark_text(const struct gkv_journal_mark *mark, char text[GKV_JOURNAL_TEXT_BYTES])
{
    const struct gkv_host_text node = gkv_host_text(mark->node);
    const struct gkv_host_text peer = gkv_host_text(mark->peer);
    const size_t bytes = GKV_JOURNAL_TEXT_BYTES;
    switch (mark->kind) {
    case GKV_MARK_BOOT:
        (void)snprintf(text, bytes, "%s boots", node.text);
        return;
    case GKV_MARK_CRASH:
        (void)snprintf(text, bytes, "%s crashes", node.text);
        return;
    case GKV_MARK_LEAVE:
        (void)snprintf(text, bytes, "%s leaves", node.text);
        return;
    case GKV_MARK_MEMBER:
        (void)snprintf(text, bytes, "%s holds %s %s", node.text, peer.text,
                       gkv_member_state_name(mark->state));
        return;
    case GKV_MARK_CUT:
        (void)snprintf(text, bytes, "%s -> %s cut", node.text, peer.text);
        return;
    case GKV_MARK_MEND:
        (void)snprintf(text, bytes, "%s -> %s mended", node.text, peer.text);
        return;
    case GKV_MARK_CLOCK:
        (void)snprintf(text, bytes, "%s's wall clock steps %.24s", node.text, mark->text);
        return;
    case GKV_MARK_FAULT:
        (void)snprintf(text, bytes, "%s", mark->text);
        return;
    }
    text[0] = '\0';
}

/* ---- Messages -------------------------------------------------------------------------------- */

uint32_t gkv_journal_value_number(struct gkv_bytes value)
{
    if (value.count < GKV_HISTORY_VALUE_BYTES_MIN) {
        return GKV_HISTORY_NONE;
    }
    return (uint32_t)value.data[0] | (uint32_t)value.data[1] << 8 | (uint32_t)value.data[2] << 16 |
           (uint32_t)value.data[3] << 24;
}

/* The version and what it holds: " 8123.0/9f3a v17". */
static void describe_record(char *text, const struct gkv_record *record)
{
    char version[GKV_JOURNAL_VERSION_BYTES];
    const uint32_t number = gkv_journal_value_number(record->value);
    gkv_journal_version_text(record->version, version);
    if (record->is_tombstone) {
        (void)snprintf(text, GKV_JOURNAL_TEXT_BYTES, "deleted, %s", version);
    } else if (number != GKV_HISTORY_NONE) {
        (void)snprintf(text, GKV_JOURNAL_TEXT_BYTES, "v%u, %s", (unsigned)number, version);
    } else {
        (void)snprintf(text, GKV_JOURNAL_TEXT_BYTES, "%s", version);
    }
}

static void describe_reply(char *text, enum gkv_reply_status status, struct gkv_version version)
{
    static const char *const names[] = {"nothing", "ok", "stale", "clock", "full", "absent"};
    char version_text[GKV_JOURNAL_VERSION_BYTES];
    gkv_journal_version_text(version, version_text);
    const size_t index = (size_t)status;
    (void)snprintf(text, GKV_JOURNAL_TEXT_BYTES, "%s, %s",
                   index < sizeof(names) / sizeof(names[0]) ? names[index] : "?", version_text);
}

static void describe_data(struct gkv_journal_message *entry, const struct gkv_message *message)
{
    switch (entry->kind) {
    case GKV_MESSAGE_WRITE:
        entry->key = gkv_history_key_number(message->as.write.key);
        describe_record(entry->text, &message->as.write.record);
        break;
    case GKV_MESSAGE_WRITE_REPLY:
        describe_reply(entry->text, message->as.write_reply.status,
                       message->as.write_reply.version);
        break;
    case GKV_MESSAGE_READ:
        entry->key = gkv_history_key_number(message->as.read.key);
        break;
    case GKV_MESSAGE_READ_REPLY:
        if (message->as.read_reply.status == GKV_REPLY_OK) {
            describe_record(entry->text, &message->as.read_reply.record);
        } else {
            describe_reply(entry->text, message->as.read_reply.status, (struct gkv_version){0});
        }
        break;
    default:
        break;
    }
}

static void describe_sync(struct gkv_journal_message *entry, const struct gkv_message *message)
{
    const size_t bytes = sizeof(entry->text);
    switch (entry->kind) {
    case GKV_MESSAGE_SYNC_SLOTS:
        (void)snprintf(entry->text, bytes, "group %u", (unsigned)message->as.sync_slots.group);
        break;
    case GKV_MESSAGE_SYNC_KEYS:
        (void)snprintf(entry->text, bytes, "group %u, %u keys",
                       (unsigned)message->as.sync_keys.group,
                       (unsigned)message->as.sync_keys.key_count);
        break;
    case GKV_MESSAGE_SYNC_PULL:
        (void)snprintf(entry->text, bytes, "%u keys", (unsigned)message->as.sync_pull.key_count);
        break;
    case GKV_MESSAGE_SYNC_RECORDS:
        (void)snprintf(entry->text, bytes, "%u records",
                       (unsigned)message->as.sync_records.record_count);
        if (message->as.sync_records.record_count == 1) {
            const struct gkv_keyed_record *only = &message->as.sync_records.records[0];
            entry->key = gkv_history_key_number(only->key);
            describe_record(entry->text, &only->record);
        }
        break;
    default:
        break;
    }
}

void gkv_journal_describe(struct gkv_journal_message *entry, const struct gkv_message *message)
{
    const size_t bytes = sizeof(entry->text);
    entry->kind = (uint8_t)message->kind;
    switch (message->kind) {
    case GKV_MESSAGE_PING:
    case GKV_MESSAGE_GOSSIP:
        (void)snprintf(entry->text, bytes, "%u rumours", (unsigned)message->as.gossip.update_count);
        break;
    case GKV_MESSAGE_ACK:
    case GKV_MESSAGE_PING_REQ:
    case GKV_MESSAGE_NACK:
        (void)snprintf(entry->text, bytes, "about %s, %u rumours",
                       gkv_host_text(gkv_host_of_id(message->as.gossip.about.id)).text,
                       (unsigned)message->as.gossip.update_count);
        break;
    case GKV_MESSAGE_PUSH_PULL:
        (void)snprintf(entry->text, bytes, "%u members%s",
                       (unsigned)message->as.push_pull.update_count,
                       message->as.push_pull.is_request ? ", and yours?" : "");
        break;
    case GKV_MESSAGE_WRITE:
    case GKV_MESSAGE_WRITE_REPLY:
    case GKV_MESSAGE_READ:
    case GKV_MESSAGE_READ_REPLY:
        describe_data(entry, message);
        break;
    case GKV_MESSAGE_SYNC_GROUPS:
    case GKV_MESSAGE_SYNC_SLOTS:
    case GKV_MESSAGE_SYNC_KEYS:
    case GKV_MESSAGE_SYNC_PULL:
    case GKV_MESSAGE_SYNC_RECORDS:
        describe_sync(entry, message);
        break;
    case GKV_MESSAGE_NONE:
        break;
    }
}
