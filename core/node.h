/* One GridKV node as a pure state machine: events in, actions out.
 *
 * The shim calls gkv_node_step with one event, then takes every action with gkv_node_next_action,
 * and steps again with GKV_EVENT_TIMER when gkv_node_deadline_ns has passed. The node makes no
 * system call, allocates nothing, reads no clock and draws randomness from options.seed alone:
 * equal events give equal actions.
 *
 * Threads   A node belongs to one at a time, but for gkv_node_commons: what that lends may be used
 *           by any thread, beside a step as between two.
 * Not here  Bytes and connections: proto/endpoint.h.
 */
#ifndef GKV_CORE_NODE_H
#define GKV_CORE_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/action.h"
#include "core/error.h"
#include "core/event.h"
#include "core/inplace.h"
#include "core/member.h"
#include "core/options.h"
#include "core/quorum.h"
#include "core/repair.h"
#include "core/replica.h"
#include "core/ring.h"
#include "core/store.h"
#include "core/swim.h"
#include "core/trace.h"

struct gkv_node;

struct gkv_node_stats {
    struct gkv_store_stats store;
    struct gkv_marks_stats marks; /* writes in place, so far */
    uint64_t marked_sent_count;   /* records sent for them */
    struct gkv_quorum_stats quorum;
    uint64_t hot_hit_count; /* gets answered by core/hotcache.h */
    struct gkv_swim_drops swim_drops;
    struct gkv_replica replica;
    uint64_t sync_round_count;
    uint64_t sync_record_sent_count;
    uint64_t sync_record_stored_count;
    uint64_t sync_malformed_count;
    uint64_t clock_rejected_count; /* messages whose stamp was too far ahead to be taken note of */
    uint64_t step_count;
    uint64_t health_score;          /* 0: well; see core/health.h */
    uint64_t stall_count;           /* how often the shim stepped us too late */
    uint64_t operation_bytes;       /* of keys and values that our operations keep */
    uint32_t member_count;          /* not LEFT */
    uint32_t reachable_count;       /* ALIVE, LEAVING or SUSPECT, ourselves included */
    uint64_t waiting_count;         /* 1: we were evicted, and deny nothing until we are well */
    uint64_t degraded_count;        /* neither well nor dead, likewise (core/grey.h) */
    struct gkv_digest store_digest; /* the sum over all slots: equal stores, equal digests */
};

/* How much memory a node with these options uses, exactly; 0 when gkv_options_check refuses
 * them. */
size_t gkv_node_memory_bytes(const struct gkv_options *options);

/* Lay a node out in memory: gkv_node_memory_bytes(options) bytes, aligned to GKV_ARENA_ALIGN, that
 * stay the node's until the caller throws them away. options are copied. Nothing is sent before the
 * first step.
 * GKV_ERROR_OPTION  see gkv_options_check. GKV_ERROR_MEMORY  bytes is too small. */
GKV_MUST_USE enum gkv_error gkv_node_init(void *memory, size_t bytes,
                                          const struct gkv_options *options,
                                          struct gkv_node **node_out);

/* Handle one event, wholly. event and what it points to are borrowed until the actions are drained.
 * mono_ns must not go back from step to step (asserted).
 * GKV_ERROR_AGAIN  actions of the last step are left; nothing changed. */
GKV_MUST_USE enum gkv_error gkv_node_step(struct gkv_node *node, const struct gkv_event *event);

/* Take the next action of the last step: true, or false when there is none left. */
bool gkv_node_next_action(struct gkv_node *node, struct gkv_action *action_out);

/* When the node wants a GKV_EVENT_TIMER: mono ns, or GKV_NEVER. Before the first step: 0. A write
 * in place that wakes (core/inplace.h) makes it earlier. */
uint64_t gkv_node_deadline_ns(const struct gkv_node *node);

/* What application threads may use by themselves: gkv_inplace_get and its neighbours. Lends what is
 * the node's as long as it lives. */
struct gkv_commons gkv_node_commons(struct gkv_node *node);

/* True when the node has met its cluster, and so serves: gkv_swim_has_joined. */
bool gkv_node_has_joined(const struct gkv_node *node);

/* True when the node said goodbye: options.leave_ms after GKV_EVENT_LEAVE. */
bool gkv_node_has_left(const struct gkv_node *node);

/* True when the node has met its peers (or has no seeds) and enough members are reachable for W and
 * R. */
bool gkv_node_is_ready(const struct gkv_node *node);

/* Operations under way that wait for peers: for who asks often. */
uint64_t gkv_node_open_count(const struct gkv_node *node);

/* O(1). */
struct gkv_node_stats gkv_node_stats(const struct gkv_node *node);

/* Look inside, read-only; lent until the next step. */
const struct gkv_options *gkv_node_options(const struct gkv_node *node);
const struct gkv_members *gkv_node_members(const struct gkv_node *node);
const struct gkv_trace *gkv_node_trace(const struct gkv_node *node);
const struct gkv_store *gkv_node_store(const struct gkv_node *node);

/* The owners of a key as this node sees the ring: up to GKV_REPLICA_COUNT_MAX member indices, in
 * order of preference. Returns how many. */
uint32_t gkv_node_owners(struct gkv_node *node, struct gkv_bytes key,
                         uint16_t owners_out[GKV_REPLICA_COUNT_MAX]);

#endif
