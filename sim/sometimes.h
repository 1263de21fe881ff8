/* Corners of the protocol that seeds ought to reach: sometimes-assertions. They hold nothing and
 * fail nothing; each time a node is seen in one of them, its entry in sim/tally.h is counted.
 *
 * Model     Looks on like a check does: inputs and outputs, what nodes say, their trace points, and
 *           their statistics when a life or the run ends. Core and proto know nothing of it.
 * Bounds    Fixed. Where a table is too small, something is not counted.
 * Not here  Whether the entries were reached over many seeds: sim/command_coverage.c.
 */
#ifndef GKV_SIM_SOMETIMES_H
#define GKV_SIM_SOMETIMES_H

#include <stdbool.h>
#include <stdint.h>

#include "core/hlc.h"
#include "core/types.h"
#include "io_sim/net.h"
#include "proto/frame.h"
#include "sim/history.h"
#include "sim/overhear.h"
#include "sim/scenario.h"
#include "sim/tally.h"

#define GKV_SOMETIMES_ATTEMPT_COUNT 64 /* of each node, by place */
#define GKV_SOMETIMES_GET_COUNT 64     /* of all nodes, by handle */

/* An attempt of an operation, as its coordinator's trace points tell it. */
struct gkv_sometimes_attempt {
    uint64_t handle;
    uint8_t number;      /* from 1; 0: a get */
    uint8_t owner_count; /* as the coordinator's ring has it */
    uint8_t asked;       /* of these: the others are unreachable */
    uint8_t ok;
    uint8_t absent;
    uint8_t refused_mask; /* a bit for each enum gkv_reply_status that was an answer */
    bool is_owner;        /* the coordinator asked itself */
};

struct gkv_sometimes_watch {
    uint64_t point_count[GKV_SCENARIO_NODE_COUNT_MAX];      /* trace points seen in this life */
    struct gkv_nodes indirect[GKV_SCENARIO_NODE_COUNT_MAX]; /* about whom each node asks helpers */
    uint64_t synced_ns[GKV_SCENARIO_NODE_COUNT_MAX];        /* when it last spoke of slots */
    uint64_t wall_ms[GKV_SCENARIO_NODE_COUNT_MAX];      /* when it last completed an operation */
    uint64_t ring_epoch[GKV_SCENARIO_CLIENT_COUNT_MAX]; /* when its open operation began */
    uint32_t newest[GKV_SCENARIO_KEY_COUNT_MAX]; /* the last acknowledged write, + 1; 0: none */
    struct {
        uint64_t handle;
        struct gkv_version versions[3]; /* that owners answered */
        uint32_t count;
    } gets[GKV_SOMETIMES_GET_COUNT];
    uint32_t split_mask; /* after how many bytes of a header a piece ended: a bit each */
};

struct gkv_sometimes_rows {
    struct {
        uint64_t connection;
        uint64_t payload_left; /* of the frame under way */
        uint32_t header_count; /* bytes of its header that arrived */
        uint8_t header[GKV_FRAME_HEADER_BYTES];
    } streams[GKV_NET_CONNECTION_COUNT_MAX];
    struct gkv_sometimes_attempt attempts[GKV_SCENARIO_NODE_COUNT_MAX][GKV_SOMETIMES_ATTEMPT_COUNT];
    struct {
        uint64_t boot_id;
        enum gkv_member_state state; /* NONE: nothing was told yet */
    } held[GKV_SCENARIO_NODE_COUNT_MAX][GKV_SCENARIO_NODE_COUNT_MAX]; /* by node, of node */
};

struct gkv_trial;

static inline void gkv_sometimes_count(struct gkv_tally *tally, enum gkv_predicate predicate,
                                       bool is_reached)
{
    tally->counts[predicate] += is_reached;
}

/* Look on: at an observation, after all checks; at what a node says; and when all is over. */
void gkv_sometimes_observe(struct gkv_trial *trial, const struct gkv_observation *observation);
void gkv_sometimes_hear(struct gkv_trial *trial, const struct gkv_heard *heard);
void gkv_sometimes_finish(struct gkv_trial *trial);

/* Parts of these. */
void gkv_sometimes_operation(struct gkv_trial *trial, const struct gkv_observation *observation);
void gkv_sometimes_operation_point(struct gkv_trial *trial, uint32_t node,
                                   const struct gkv_trace_point *point);
void gkv_sometimes_member(struct gkv_trial *trial, const struct gkv_observation *observation);
void gkv_sometimes_member_point(struct gkv_trial *trial, uint32_t node,
                                const struct gkv_trace_point *point);

#endif
