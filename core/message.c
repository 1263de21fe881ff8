#include "core/message.h"

#include <stddef.h>

/* By value: a gap reads as "unknown", which tests/test_message.c refuses. */
static const char *const kind_names[GKV_MESSAGE_KIND_COUNT] = {
    [GKV_MESSAGE_NONE] = "HELLO",
    [GKV_MESSAGE_PING] = "PING",
    [GKV_MESSAGE_ACK] = "ACK",
    [GKV_MESSAGE_PING_REQ] = "PING_REQ",
    [GKV_MESSAGE_GOSSIP] = "GOSSIP",
    [GKV_MESSAGE_PUSH_PULL] = "PUSH_PULL",
    [GKV_MESSAGE_WRITE] = "WRITE",
    [GKV_MESSAGE_WRITE_REPLY] = "WRITE_REPLY",
    [GKV_MESSAGE_READ] = "READ",
    [GKV_MESSAGE_READ_REPLY] = "READ_REPLY",
    [GKV_MESSAGE_SYNC_GROUPS] = "SYNC_GROUPS",
    [GKV_MESSAGE_SYNC_SLOTS] = "SYNC_SLOTS",
    [GKV_MESSAGE_SYNC_KEYS] = "SYNC_KEYS",
    [GKV_MESSAGE_SYNC_PULL] = "SYNC_PULL",
    [GKV_MESSAGE_SYNC_RECORDS] = "SYNC_RECORDS",
    [GKV_MESSAGE_NACK] = "NACK",
};

static const char *const state_names[GKV_MEMBER_STATE_COUNT] = {
    [GKV_MEMBER_NONE] = "unknown",    [GKV_MEMBER_ALIVE] = "alive",
    [GKV_MEMBER_SUSPECT] = "suspect", [GKV_MEMBER_UNREACHABLE] = "unreachable",
    [GKV_MEMBER_LEFT] = "left",       [GKV_MEMBER_EVICTED] = "evicted",
    [GKV_MEMBER_LEAVING] = "leaving",
};

static const char *name_of(const char *const *names, uint32_t count, uint32_t value)
{
    return value < count && names[value] != NULL ? names[value] : "unknown";
}

const char *gkv_message_kind_name(enum gkv_message_kind kind)
{
    return name_of(kind_names, GKV_MESSAGE_KIND_COUNT, (uint32_t)kind);
}

const char *gkv_member_state_name(enum gkv_member_state state)
{
    return name_of(state_names, GKV_MEMBER_STATE_COUNT, (uint32_t)state);
}
