/* What nodes say to each other, decoded: plain structs, no bytes, no protobuf, no address.
 *
 * Views (gkv_bytes, updates, digests, lists) are borrowed: in an event, from the decoder until the
 * actions of that step are drained; in an action, from the node until the next step.
 *
 * Not here  The wire: proto/gridkv.proto and proto/codec.c.
 */
#ifndef GKV_CORE_MESSAGE_H
#define GKV_CORE_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/hlc.h"
#include "core/types.h"

enum gkv_message_kind {
    GKV_MESSAGE_NONE = 0,
    /* Membership; datagrams, but for a PING over a stream and its ACK. */
    GKV_MESSAGE_PING = 1,     /* are you there? */
    GKV_MESSAGE_ACK = 2,      /* yes; also sent by a helper for the member it asked */
    GKV_MESSAGE_PING_REQ = 3, /* ping that member for me */
    GKV_MESSAGE_GOSSIP = 4,   /* rumours only */
    /* Membership; stream. */
    GKV_MESSAGE_PUSH_PULL = 5, /* my whole member table; yours, please, when is_request */
    /* Data; stream. */
    GKV_MESSAGE_WRITE = 6,
    GKV_MESSAGE_WRITE_REPLY = 7,
    GKV_MESSAGE_READ = 8,
    GKV_MESSAGE_READ_REPLY = 9,
    /* Anti-entropy; stream. */
    GKV_MESSAGE_SYNC_GROUPS = 10,  /* one digest per slot group */
    GKV_MESSAGE_SYNC_SLOTS = 11,   /* one digest per slot of a group that differs */
    GKV_MESSAGE_SYNC_KEYS = 12,    /* key hashes and versions of the slots that differ */
    GKV_MESSAGE_SYNC_PULL = 13,    /* key hashes whose records the sender wants */
    GKV_MESSAGE_SYNC_RECORDS = 14, /* records, newest wins */
    /* Membership again; a datagram. */
    GKV_MESSAGE_NACK = 15, /* I pinged that member for you, and heard nothing so far */
};
#define GKV_MESSAGE_KIND_COUNT 16

enum gkv_channel {
    GKV_CHANNEL_DATAGRAM = 1, /* may be lost, doubled, reordered; at most one datagram's budget */
    GKV_CHANNEL_STREAM = 2,   /* in order per connection, or lost with it */
};

enum gkv_member_state {
    GKV_MEMBER_NONE = 0, /* an unused place of the table; never on the wire */
    GKV_MEMBER_ALIVE = 1,
    GKV_MEMBER_SUSPECT = 2,
    GKV_MEMBER_UNREACHABLE = 3, /* route around it; its place in the ring stays */
    GKV_MEMBER_LEFT = 4,        /* gone by its own will; leaves the ring */
    /* UNREACHABLE for so long that nobody waits for it; its place in the ring stays all the same,
     * until all agree to take it away. */
    GKV_MEMBER_EVICTED = 5,
    GKV_MEMBER_LEAVING = 6, /* about to go by its own will; answers until then, as ALIVE does */
};
#define GKV_MEMBER_STATE_COUNT 7

/* What is said about a member; rumours, PUSH_PULL. */
struct gkv_update {
    struct gkv_identity who;
    uint32_t incarnation;        /* only `who` raises it */
    enum gkv_member_state state; /* never NONE */
    struct gkv_address address;
    struct gkv_name name;
    /* SUSPECT, UNREACHABLE, EVICTED: who said so first; else zero. */
    struct gkv_node_id accuser;
    /* SUSPECT: who found out as well, by themselves. Never in a PUSH_PULL. */
    struct gkv_node_id confirmers[GKV_CONFIRMER_COUNT_MAX];
    uint8_t confirmer_count;
};

/* A value with all that belongs to it, or the memory of its deletion. */
struct gkv_record {
    struct gkv_version version;
    uint64_t expire_ms; /* since 1970, by the hybrid clock; 0: never */
    bool is_tombstone;  /* then value is empty */
    struct gkv_bytes value;
};

struct gkv_keyed_record {
    struct gkv_bytes key;
    struct gkv_record record;
};

/* 128 bits; addition per 64-bit half, so that a record is taken out as it was put in. */
struct gkv_digest {
    uint64_t low;
    uint64_t high;
};

struct gkv_key_version {
    uint64_t key_hash; /* the ring's hash of the key */
    struct gkv_version version;
};

enum gkv_reply_status {
    GKV_REPLY_OK = 1,
    GKV_REPLY_STALE = 2,  /* WRITE: something newer is held; its version is in the reply */
    GKV_REPLY_CLOCK = 3,  /* WRITE: the version is too far ahead of the replica's clock */
    GKV_REPLY_MEMORY = 4, /* WRITE: the replica's store is full */
    GKV_REPLY_ABSENT = 5, /* READ: nothing is known of the key, not even a deletion */
};

struct gkv_message {
    enum gkv_message_kind kind;
    struct gkv_identity from; /* on arrival: as the datagram or the stream's Hello says */
    struct gkv_hlc hlc;       /* the sender's clock */
    union {
        struct {
            uint32_t sequence; /* chosen by the prober, returned by the ACK or NACK */
            /* PING_REQ: whom to ping; ACK: who was heard; NACK: who was not; PING: the target as
             * the prober knows it. */
            struct gkv_identity about;
            const struct gkv_update *updates;
            uint32_t update_count; /* <= GKV_UPDATE_COUNT_MAX */
        } gossip;                  /* PING, ACK, NACK, PING_REQ, GOSSIP */
        struct {
            bool is_request;
            const struct gkv_update *updates; /* the sender first */
            uint32_t update_count;            /* <= GKV_MEMBER_COUNT_MAX */
        } push_pull;
        struct {
            uint64_t operation; /* the coordinator's handle; 0: no reply wanted */
            struct gkv_bytes key;
            struct gkv_record record;
        } write;
        struct {
            uint64_t operation;
            enum gkv_reply_status status;
            struct gkv_version version; /* STALE: what the replica holds; else what was written */
        } write_reply;
        struct {
            uint64_t operation;
            struct gkv_bytes key;
        } read;
        struct {
            uint64_t operation;
            enum gkv_reply_status status; /* OK or ABSENT */
            struct gkv_record record;
        } read_reply;
        struct {
            const struct gkv_digest *digests; /* GKV_SLOT_GROUP_COUNT of them */
            uint32_t digest_count;
        } sync_groups;
        struct {
            uint32_t group;
            const struct gkv_digest *digests; /* GKV_SLOT_GROUP_SLOTS of them */
            uint32_t digest_count;
        } sync_slots;
        struct {
            uint32_t group;
            uint64_t slots[2]; /* which slots of the group the list covers, a bit each */
            /* The list holds the keys whose hash % part_count is part. 1 .. 65,536; more than 1 for
             * long lists only. */
            uint32_t part;
            uint32_t part_count;
            const struct gkv_key_version *keys;
            uint32_t key_count; /* <= GKV_SYNC_KEY_COUNT_MAX */
            bool is_full; /* the sender has no room for what it does not hold: core/repair.h */
        } sync_keys;
        struct {
            const uint64_t *key_hashes;
            uint32_t key_count; /* <= GKV_SYNC_KEY_COUNT_MAX */
        } sync_pull;
        struct {
            const struct gkv_keyed_record *records;
            uint32_t record_count; /* <= GKV_SYNC_RECORD_COUNT_MAX */
        } sync_records;
    } as;
};

/* What they are called: "PUSH_PULL", and "HELLO" for NONE, with which a stream begins; "suspect",
 * and "unknown" for NONE. "unknown" for any other number. Lent for ever. */
const char *gkv_message_kind_name(enum gkv_message_kind kind);
const char *gkv_member_state_name(enum gkv_member_state state);

#endif
