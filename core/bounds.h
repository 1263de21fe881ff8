/* Every maximum of the core, in one place, with the assertions that tie them together.
 *
 * Options may lower most of these for one node (core/options.h); nothing raises them. What happens
 * when a table is full is said beside the table.
 */
#ifndef GKV_CORE_BOUNDS_H
#define GKV_CORE_BOUNDS_H

#define GKV_NAME_BYTES_MAX 63    /* a node's name, without a terminator */
#define GKV_ADDRESS_BYTES_MAX 20 /* opaque to the core: an IPv6 address, its port and room */
#define GKV_SEED_COUNT_MAX 16    /* addresses a node may be pointed at */
#define GKV_MEMBER_COUNT_MAX 1024

#define GKV_KEY_BYTES_MAX 1024
#define GKV_VALUE_BYTES_CEILING (16 * 1024 * 1024) /* options.value_bytes_max may not pass it */
#define GKV_TTL_MS_MAX 315576000000                /* ten years */

/* The least memory of a store: its slot table (384 KiB) and a little room for records. */
#define GKV_STORE_BYTES_MIN (1024 * 1024)

#define GKV_REPLICA_COUNT_MAX 7
#define GKV_VNODE_COUNT 150
#define GKV_SLOT_BITS 14
#define GKV_SLOT_COUNT (1 << GKV_SLOT_BITS)

/* Anti-entropy compares slots in two levels: groups, then the slots of a group. */
#define GKV_SLOT_GROUP_COUNT 128
#define GKV_SLOT_GROUP_SLOTS (GKV_SLOT_COUNT / GKV_SLOT_GROUP_COUNT)

/* Member updates in one datagram. The worst update encodes to under 208 bytes, so that this many
 * and the rest of a message stay under proto/bounds.h's datagram budget of 1,400. */
#define GKV_UPDATE_COUNT_MAX 6
#define GKV_CONFIRMER_COUNT_MAX 3 /* who suspect a member as well (Lifeguard's K) */
#define GKV_PROBE_COUNT_MAX 16    /* probes under way at a time */
#define GKV_PROBE_TARGETS_MAX 8   /* members probed per interval */
#define GKV_PROBE_HELPER_COUNT 3  /* members asked to ping on our behalf (SWIM 3.1, k) */
#define GKV_GOSSIP_FANOUT 3

#define GKV_SYNC_GROUPS_PER_ROUND 8     /* differing slot groups answered in one round */
#define GKV_SYNC_KEY_COUNT_MAX 512      /* keys listed or asked for in one message */
#define GKV_SYNC_RECORD_COUNT_MAX 64    /* records carried by one message, while the bytes fit */
#define GKV_SYNC_RECORD_BYTES_MAX 32768 /* their keys and values; one larger record goes alone */

#define GKV_WRITE_ATTEMPT_COUNT_MAX 4 /* a set answered STALE is sent again with a newer stamp */

_Static_assert((GKV_SLOT_GROUP_COUNT * GKV_SLOT_GROUP_SLOTS) == GKV_SLOT_COUNT,
               "groups cover the slots");
_Static_assert(GKV_SLOT_GROUP_SLOTS <= 128, "a group's slots fit one bitmap of two words");
_Static_assert(GKV_REPLICA_COUNT_MAX <= 8, "an operation keeps one bit per owner in a byte");
_Static_assert(GKV_MEMBER_COUNT_MAX < 65535, "an index fits 16 bits, with one value for none");

#endif
