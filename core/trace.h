/* A bounded ring of what the node decided, newest last, for people: golden stories print it, the
 * simulator shows its tail when something fails. Core writes numbers; it never formats text.
 *
 * Bounds    GKV_TRACE_POINT_COUNT points of 64 bytes; the oldest is overwritten.
 * Not here  Texts: tests/cluster.c and sim/report.c.
 */
#ifndef GKV_CORE_TRACE_H
#define GKV_CORE_TRACE_H

#include <stddef.h>
#include <stdint.h>

#include "core/types.h"

#define GKV_TRACE_POINT_COUNT 256

enum gkv_trace_kind {
    GKV_TRACE_NONE = 0,
    GKV_TRACE_PROBE,              /* about: target; a: probe sequence; b: 1 out of turn */
    GKV_TRACE_PROBE_REPEAT,       /* about: target, pinged once more; a: probe sequence */
    GKV_TRACE_PROBE_INDIRECT,     /* about: target; via: helper */
    GKV_TRACE_PROBE_STREAM,       /* about: target, pinged over a stream; a: probe sequence */
    GKV_TRACE_PROBE_NACK,         /* about: target; via: helper who heard nothing */
    GKV_TRACE_PROBE_ACK,          /* about: target; a: round-trip ns; b: enum gkv_channel */
    GKV_TRACE_MEMBER_ALIVE,       /* about; a: incarnation; b: boot */
    GKV_TRACE_MEMBER_SUSPECT,     /* about; via: accuser; a: incarnation */
    GKV_TRACE_MEMBER_UNREACHABLE, /* about; a: incarnation */
    GKV_TRACE_MEMBER_EVICTED,     /* about; a: incarnation */
    GKV_TRACE_MEMBER_LEAVING,     /* about; a: incarnation */
    GKV_TRACE_MEMBER_LEFT,        /* about; a: incarnation */
    GKV_TRACE_DEGRADED,           /* about; a: 1 from now on, 0 no more; b: how many accused it */
    GKV_TRACE_WAITS,              /* about: self, evicted; a: 1 refutes only when well, 0 is well */
    GKV_TRACE_REFUTE,             /* about: self; a: new incarnation */
    GKV_TRACE_CONFIRM,            /* about: suspect; via: who found out as well; a: how many do */
    GKV_TRACE_HEALTH,             /* about: self; a: new score, 0 is well */
    GKV_TRACE_STALL,              /* about: self; a: ns for which we were not running */
    GKV_TRACE_NO_WITNESS,         /* about: who is not accused (a: 0) or not buried (a: 1) for it */
    GKV_TRACE_LAST_CHANCE,        /* about: suspect, pinged before it is buried; a: sequence */
    GKV_TRACE_REPRIEVE,           /* about: suspect who spoke then */
    GKV_TRACE_OPERATION,          /* a: handle; b: enum gkv_operation_kind */
    GKV_TRACE_WRITE,              /* about: owner asked; a: handle; b: attempt, from 1 */
    GKV_TRACE_READ,               /* about: owner asked; a: handle */
    GKV_TRACE_REPLY,              /* about: owner; a: handle; b: enum gkv_reply_status */
    GKV_TRACE_COMPLETE,           /* a: handle; b: enum gkv_error */
    GKV_TRACE_READ_REPAIR,        /* about: owner repaired; a: handle */
    GKV_TRACE_SYNC,               /* about: peer; a: differing groups or slots; b: message kind */
};

struct gkv_trace_point {
    uint64_t mono_ns;
    uint64_t a;
    uint64_t b;
    struct gkv_node_id about;
    struct gkv_node_id via;
    uint32_t kind; /* enum gkv_trace_kind */
    uint32_t unused;
};

struct gkv_trace {
    struct gkv_trace_point points[GKV_TRACE_POINT_COUNT];
    uint64_t point_count; /* ever written; number i is points[i % GKV_TRACE_POINT_COUNT] */
};

void gkv_trace_add(struct gkv_trace *trace, const struct gkv_trace_point *point);

#endif
