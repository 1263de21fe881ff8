/* What a handler may use while one event is handled. Lives on the stack of gkv_node_step; holds
 * pointers, which is why it is no part of the state.
 */
#ifndef GKV_CORE_STEP_H
#define GKV_CORE_STEP_H

#include "core/action.h"
#include "core/hlc.h"
#include "core/member.h"
#include "core/options.h"
#include "core/ring.h"
#include "core/scratch.h"
#include "core/store.h"
#include "core/timer.h"
#include "core/trace.h"
#include "core/types.h"

struct gkv_step {
    struct gkv_now now;
    const struct gkv_options *options;
    struct gkv_actions *actions;
    struct gkv_scratch *scratch;
    struct gkv_timers *timers;
    struct gkv_hlc_clock *clock;
    struct gkv_trace *trace;
    struct gkv_members *members;
    struct gkv_ring *ring; /* of some time ago: owners are asked of gkv_step_ring */
    struct gkv_store *store;
};

/* Timer ids: the periodic ones, then one per probe under way, one per member place (suspicion), and
 * one per operation place. */
enum gkv_timer_id {
    GKV_TIMER_PROBE = 0, /* next probes */
    GKV_TIMER_GOSSIP = 1,
    GKV_TIMER_PUSH_PULL = 2,
    GKV_TIMER_RECONNECT = 3,
    GKV_TIMER_RELAY = 4, /* the next NACK that is owed */
    GKV_TIMER_SYNC = 5,
    GKV_TIMER_SWEEP = 6,
    GKV_TIMER_LEAVE = 7,  /* from LEAVING to LEFT */
    GKV_TIMER_EVENTS = 8, /* member events are owed */
    GKV_TIMER_PERIODIC_COUNT = 9,
};
#define GKV_TIMER_PROBE_FIRST ((uint32_t)GKV_TIMER_PERIODIC_COUNT)
#define GKV_TIMER_MEMBER_FIRST (GKV_TIMER_PROBE_FIRST + GKV_PROBE_COUNT_MAX)

/* The timer of member place `index`. */
static inline uint32_t gkv_step_member_timer(const struct gkv_step *step, uint16_t index)
{
    (void)step;
    return GKV_TIMER_MEMBER_FIRST + (uint32_t)index;
}

/* The timer of operation place `index`. */
static inline uint32_t gkv_step_operation_timer(const struct gkv_step *step, uint32_t index)
{
    return GKV_TIMER_MEMBER_FIRST + step->options->member_count_max + index;
}

/* Ourselves. */
struct gkv_member *gkv_step_self(const struct gkv_step *step);

/* The ring of the members as they are now. Built when it is asked for: a burst of news about
 * members costs one rebuild, and a step that asks for no owner none. */
const struct gkv_ring *gkv_step_ring(const struct gkv_step *step);

/* Append a SEND to an address and lend its message, with kind, from (us) and a fresh stamp
 * filled. */
struct gkv_message *gkv_step_send(const struct gkv_step *step, const struct gkv_address *address,
                                  enum gkv_channel channel, enum gkv_message_kind kind);

/* Append a trace point; `about` may be NULL. */
void gkv_step_trace(const struct gkv_step *step, enum gkv_trace_kind kind,
                    const struct gkv_node_id *about, uint64_t a, uint64_t b);

/* Append a trace point about one node by way of another: a helper, an accuser. */
void gkv_step_trace_via(const struct gkv_step *step, enum gkv_trace_kind kind,
                        const struct gkv_node_id *about, const struct gkv_node_id *via, uint64_t a);

/* What expiry is judged by now: ms since 1970. */
uint64_t gkv_step_clock_ms(const struct gkv_step *step);

#endif
