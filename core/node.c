#include "core/node.h"

#include "core/arena.h"
#include "core/hlc.h"
#include "core/panic.h"
#include "core/scratch.h"
#include "core/step.h"
#include "core/suspicion.h"
#include "core/timer.h"

#define SWEEP_INTERVAL_MS 100
#define SWEEP_SLOT_COUNT (GKV_SLOT_COUNT / 64) /* the whole store every 6.4 s */

/* Actions. A step makes room for itself first: the first step starts the modules, a later one may
 * begin probes again after a stall, then due timers run while the worst of one timer and the worst
 * of the event still fit, then the event is handled. */
#define EVENT_ACTION_COUNT_MAX GKV_SWIM_ACTION_COUNT_MAX
#define TIMER_ACTION_COUNT_MAX GKV_SWIM_ACTION_COUNT_MAX
#define START_ACTION_COUNT_MAX GKV_SWIM_ACTION_COUNT_MAX
#define TIMERS_PER_STEP_MIN \
    4 /* that many of the worst timers run in one step; more of lighter ones */
#define ACTION_COUNT_MAX \
    (START_ACTION_COUNT_MAX + TIMERS_PER_STEP_MIN * TIMER_ACTION_COUNT_MAX + EVENT_ACTION_COUNT_MAX)

_Static_assert(EVENT_ACTION_COUNT_MAX >= GKV_QUORUM_ACTION_COUNT_MAX, "an event may be a reply");
_Static_assert(EVENT_ACTION_COUNT_MAX >= GKV_REPLICA_ACTION_COUNT_MAX, "or a request");
_Static_assert(EVENT_ACTION_COUNT_MAX >= GKV_REPAIR_ACTION_COUNT_MAX, "or part of a round");
_Static_assert(EVENT_ACTION_COUNT_MAX >= GKV_INPLACE_ACTION_COUNT_MAX, "or the time to drain");
_Static_assert(TIMER_ACTION_COUNT_MAX >= GKV_QUORUM_ACTION_COUNT_MAX, "a timer may be a deadline");
_Static_assert(TIMER_ACTION_COUNT_MAX >= GKV_REPAIR_ACTION_COUNT_MAX, "or begin a round");

/* All modules, by value; what they carve follows in the same block. Offsets are relative to each
 * module, so that the block can be copied as it is. */
struct modules {
    struct gkv_hlc_clock clock;
    struct gkv_timers timers;
    struct gkv_actions actions;
    struct gkv_scratch scratch;
    struct gkv_members members;
    struct gkv_ring ring;
    struct gkv_store store;
    struct gkv_swim swim;
    struct gkv_replica replica;
    struct gkv_quorum quorum;
    struct gkv_repair repair;
    struct gkv_inplace inplace;
};

/* The counting walk keeps one on the stack. */
_Static_assert(sizeof(struct modules) <= 1536, "struct modules fits a stack frame");

struct gkv_node {
    struct gkv_options options;
    struct modules modules;
    struct gkv_trace trace;
    size_t event_scratch_bytes; /* the most that the handling of one event takes */
    size_t timer_scratch_bytes; /* and of one timer */
    uint64_t last_ns;           /* of the last step */
    uint64_t step_count;
    uint64_t clock_rejected_count;
    uint64_t stall_count;
    bool has_started;
};

static size_t greater(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* The most scratch that the handling of one event takes. */
static size_t event_scratch_bytes(const struct gkv_options *options)
{
    const size_t data_bytes =
        greater(gkv_inplace_scratch_bytes(options),
                greater(gkv_quorum_scratch_bytes(options), gkv_replica_scratch_bytes(options)));
    return greater(gkv_swim_scratch_bytes(options),
                   greater(data_bytes, gkv_repair_scratch_bytes(options)));
}

/* The most scratch that one timer takes: one of membership, or the beginning of a round, whose list
 * and digests are part of gkv_repair_scratch_bytes. */
static size_t timer_scratch_bytes(const struct gkv_options *options)
{
    const size_t digest_bytes = GKV_SLOT_GROUP_COUNT * sizeof(struct gkv_digest);
    const size_t list_bytes = GKV_SYNC_KEY_COUNT_MAX * sizeof(struct gkv_key_version);
    return greater(gkv_swim_scratch_bytes(options), digest_bytes + list_bytes + 64);
}

/* The one walk over the layout: on a counting arena it makes the sum, on a real one the node. */
static void lay_out(struct modules *modules, struct gkv_arena *arena,
                    const struct gkv_options *options)
{
    const uint16_t member_count_max = (uint16_t)options->member_count_max;
    struct gkv_update self = {
        .who = {.id = gkv_node_id_of_name(&options->name), .boot_id = options->boot_id},
        .state = GKV_MEMBER_ALIVE,
        .address = options->address,
        .name = options->name,
    };
    gkv_hlc_clock_init(&modules->clock, options->drift_ms_max);
    gkv_timers_init(&modules->timers, arena,
                    GKV_TIMER_MEMBER_FIRST + options->member_count_max +
                        options->operation_count_max);
    gkv_actions_init(&modules->actions, arena, ACTION_COUNT_MAX);
    gkv_scratch_init(&modules->scratch, arena,
                     event_scratch_bytes(options) +
                         (1 + TIMERS_PER_STEP_MIN) * timer_scratch_bytes(options));
    gkv_members_init(&modules->members, arena, member_count_max, &self);
    gkv_ring_init(&modules->ring, arena, member_count_max, (uint16_t)options->replica_count,
                  options->hash_seed);
    const bool is_cache = options->memory_policy == GKV_MEMORY_EVICT;
    const struct gkv_store_options store = {
        .limit_bytes = options->memory_limit_bytes - options->hot_cache_size,
        .hash_seed = options->hash_seed,
        .policy = is_cache ? GKV_STORE_EVICT : GKV_STORE_REJECT,
        .packing = {.packer = options->packer,
                    .plain_bytes_min = options->value_compress_bytes,
                    .plain_bytes_max = options->value_bytes_max}};
    gkv_store_init(&modules->store, arena, &store);
    gkv_swim_init(&modules->swim, arena, options);
    modules->replica = (struct gkv_replica){.malformed_count = 0};
    gkv_quorum_init(&modules->quorum, arena, options);
    gkv_repair_init(&modules->repair, options);
    gkv_inplace_init(&modules->inplace, arena, options);
}

size_t gkv_node_memory_bytes(const struct gkv_options *options)
{
    if (gkv_options_check(options, NULL) != GKV_OK) {
        return 0;
    }
    struct gkv_arena arena = gkv_arena_counting();
    (void)gkv_arena_carve(&arena, 1, sizeof(struct gkv_node));
    struct modules modules;
    memset(&modules, 0, sizeof(modules));
    lay_out(&modules, &arena, options);
    return arena.used;
}

enum gkv_error gkv_node_init(void *memory, size_t bytes, const struct gkv_options *options,
                             struct gkv_node **node_out)
{
    if (gkv_options_check(options, NULL) != GKV_OK) {
        return GKV_ERROR_OPTION;
    }
    const size_t needed = gkv_node_memory_bytes(options);
    if (bytes < needed) {
        return GKV_ERROR_MEMORY;
    }

    struct gkv_arena arena = gkv_arena_over(memory, needed);
    struct gkv_node *node = gkv_arena_carve(&arena, 1, sizeof(struct gkv_node));
    node->options = *options;
    node->event_scratch_bytes = event_scratch_bytes(options);
    node->timer_scratch_bytes = timer_scratch_bytes(options);
    lay_out(&node->modules, &arena, &node->options);
    GKV_ASSERT(arena.used == needed);
    *node_out = node;
    return GKV_OK;
}

static struct gkv_step step_of(struct gkv_node *node, struct gkv_now now)
{
    struct modules *modules = &node->modules;
    return (struct gkv_step){
        .now = now,
        .options = &node->options,
        .actions = &modules->actions,
        .scratch = &modules->scratch,
        .timers = &modules->timers,
        .clock = &modules->clock,
        .trace = &node->trace,
        .members = &modules->members,
        .ring = &modules->ring,
        .store = &modules->store,
    };
}

/* Timers. */

static void set_sweep_timer(const struct gkv_step *step)
{
    gkv_timer_set(step->timers, GKV_TIMER_SWEEP,
                  step->now.mono_ns + SWEEP_INTERVAL_MS * GKV_NS_PER_MS);
}

static void start(struct gkv_node *node, const struct gkv_step *step)
{
    GKV_ASSERT(!node->has_started);
    node->has_started = true;
    gkv_swim_start(&node->modules.swim, step);
    gkv_repair_start(&node->modules.repair, step);
    set_sweep_timer(step);
}

static void on_periodic_timer(struct gkv_node *node, const struct gkv_step *step,
                              enum gkv_timer_id id)
{
    switch (id) {
    case GKV_TIMER_PROBE:
    case GKV_TIMER_GOSSIP:
    case GKV_TIMER_PUSH_PULL:
    case GKV_TIMER_RECONNECT:
    case GKV_TIMER_RELAY:
    case GKV_TIMER_LEAVE:
    case GKV_TIMER_EVENTS:
        gkv_swim_on_timer(&node->modules.swim, step, id);
        break;
    case GKV_TIMER_SYNC:
        gkv_repair_on_timer(&node->modules.repair, step);
        break;
    case GKV_TIMER_SWEEP:
        gkv_store_sweep(step->store, gkv_step_clock_ms(step), node->options.tombstone_keep_ms,
                        SWEEP_SLOT_COUNT);
        set_sweep_timer(step);
        break;
    case GKV_TIMER_PERIODIC_COUNT:
        GKV_ASSERT(id != GKV_TIMER_PERIODIC_COUNT);
        break;
    }
}

/* Stall guard: when we are stepped long after a timer was due, and were last stepped, we were not
 * running (stopped, out of
 * processor, swapped out), and what the others said meanwhile still waits in the shim. Time that we
 * did not have is nobody's fault: every deadline moves by it, so that what waits is read first, and
 * the probes under way begin again. The stall speaks against our own health. */
static void guard_against_stall(struct gkv_node *node, const struct gkv_step *step,
                                uint64_t last_ns)
{
    const uint64_t due_ns = gkv_timers_deadline_ns(step->timers);
    const uint64_t deadline_ns = due_ns > last_ns ? due_ns : last_ns;
    const uint64_t threshold_ns = node->options.stall_ms * GKV_NS_PER_MS;
    if (threshold_ns == 0 || deadline_ns == GKV_NEVER || step->now.mono_ns <= deadline_ns ||
        step->now.mono_ns - deadline_ns <= threshold_ns) {
        return;
    }
    const uint64_t stall_ns = step->now.mono_ns - deadline_ns;
    node->stall_count++;
    gkv_timers_postpone(step->timers, stall_ns);
    gkv_swim_on_stall(&node->modules.swim, step, stall_ns);
}

static void on_timer(struct gkv_node *node, const struct gkv_step *step, uint32_t id)
{
    const uint32_t operation_first = gkv_step_operation_timer(step, 0);
    if (id < GKV_TIMER_PERIODIC_COUNT) {
        on_periodic_timer(node, step, (enum gkv_timer_id)id);
    } else if (id < GKV_TIMER_MEMBER_FIRST) {
        gkv_swim_on_probe_timer(&node->modules.swim, step, id - GKV_TIMER_PROBE_FIRST);
    } else if (id < operation_first) {
        const uint16_t index = (uint16_t)(id - gkv_step_member_timer(step, 0));
        gkv_swim_on_member_timer(&node->modules.swim, step, index);
    } else {
        gkv_quorum_on_timer(&node->modules.quorum, &node->modules.replica, step,
                            id - operation_first);
    }
}

/* Run the timers that are due, while the worst of one more leaves room for the worst event. What is
 * left over stays due: the deadline is then in the past, and the shim comes again. The loop ends
 * because a timer that is set again is set to a later time, or has filled actions. */
static void run_timers(struct gkv_node *node, const struct gkv_step *step)
{
    const size_t scratch_bytes = node->timer_scratch_bytes + node->event_scratch_bytes;
    uint32_t id = 0;
    while (gkv_timers_deadline_ns(step->timers) <= step->now.mono_ns &&
           gkv_actions_room(step->actions) >= TIMER_ACTION_COUNT_MAX + EVENT_ACTION_COUNT_MAX &&
           gkv_scratch_room(step->scratch) >= scratch_bytes &&
           gkv_timers_take_due(step->timers, step->now.mono_ns, &id)) {
        on_timer(node, step, id);
    }
    GKV_ASSERT(gkv_actions_room(step->actions) >= EVENT_ACTION_COUNT_MAX);
    GKV_ASSERT(gkv_scratch_room(step->scratch) >= node->event_scratch_bytes);
}

/* Events. */

static void on_message(struct gkv_node *node, const struct gkv_step *step,
                       const struct gkv_event *event)
{
    struct modules *modules = &node->modules;
    const struct gkv_message *message = event->as.arrival.message;
    const struct gkv_address *source = &event->as.arrival.source;
    const struct gkv_way way = {.address = *source, .channel = event->as.arrival.channel};
    gkv_suspicions_hear(step, &message->from);
    if (gkv_hlc_observe(step->clock, step->now.wall_ms, message->hlc) != GKV_OK) {
        /* The message may still be of use: the versions inside are judged one by one. */
        node->clock_rejected_count++;
    }
    switch (message->kind) {
    case GKV_MESSAGE_PING:
    case GKV_MESSAGE_ACK:
    case GKV_MESSAGE_PING_REQ:
    case GKV_MESSAGE_GOSSIP:
    case GKV_MESSAGE_PUSH_PULL:
    case GKV_MESSAGE_NACK:
        gkv_swim_on_message(&modules->swim, step, message, &way);
        break;
    case GKV_MESSAGE_WRITE:
    case GKV_MESSAGE_READ:
        gkv_replica_on_message(&modules->replica, step, message, source);
        break;
    case GKV_MESSAGE_WRITE_REPLY:
    case GKV_MESSAGE_READ_REPLY:
        gkv_quorum_on_message(&modules->quorum, &modules->replica, step, message);
        break;
    case GKV_MESSAGE_SYNC_GROUPS:
    case GKV_MESSAGE_SYNC_SLOTS:
    case GKV_MESSAGE_SYNC_KEYS:
    case GKV_MESSAGE_SYNC_PULL:
    case GKV_MESSAGE_SYNC_RECORDS:
        gkv_repair_on_message(&modules->repair, &modules->replica, step, message, source);
        break;
    case GKV_MESSAGE_NONE:
    default:
        modules->replica.malformed_count++;
        break;
    }
}

static void on_event(struct gkv_node *node, const struct gkv_step *step,
                     const struct gkv_event *event)
{
    struct modules *modules = &node->modules;
    switch (event->kind) {
    case GKV_EVENT_TIMER:
        /* Every step runs the timers that are due. */
        gkv_inplace_drain(&modules->inplace, &modules->repair, step);
        break;
    case GKV_EVENT_MESSAGE:
        on_message(node, step, event);
        break;
    case GKV_EVENT_OPERATION:
        /* Who has not met its cluster must not take itself for the whole of it. */
        if (gkv_swim_has_joined(&modules->swim, step)) {
            gkv_quorum_submit(&modules->quorum, &modules->replica, step, &event->as.operation);
        } else {
            gkv_quorum_refuse(&modules->quorum, &modules->replica, step, &event->as.operation);
        }
        break;
    case GKV_EVENT_STREAM_DOWN:
        gkv_swim_on_stream_down(&modules->swim, step, &event->as.address);
        break;
    case GKV_EVENT_LEAVE:
        gkv_swim_leave(&modules->swim, step);
        break;
    }
}

/* Would it take an operation, and answer for itself? */
static bool serves(const struct gkv_node *node, const struct gkv_step *step)
{
    return node->modules.inplace.may_read && gkv_swim_has_joined(&node->modules.swim, step) &&
           gkv_member_is_reachable(gkv_step_self(step));
}

enum gkv_error gkv_node_step(struct gkv_node *node, const struct gkv_event *event)
{
    struct modules *modules = &node->modules;
    if (modules->actions.count > 0) {
        return GKV_ERROR_AGAIN;
    }
    GKV_ASSERT(event->now.mono_ns >= node->last_ns);
    GKV_ASSERT(event->now.wall_ms <= GKV_HLC_WALL_MS_MAX);

    const uint64_t last_ns = node->last_ns;
    node->last_ns = event->now.mono_ns;
    node->step_count++;
    gkv_scratch_clear(&modules->scratch);
    const struct gkv_step step = step_of(node, event->now);
    if (!node->has_started) {
        start(node, &step);
    } else {
        guard_against_stall(node, &step, last_ns);
    }
    /* Timers first, so that a step at an instant is the same whether or not the shim gave us a
     * GKV_EVENT_TIMER just before. */
    run_timers(node, &step);
    on_event(node, &step, event);
    gkv_inplace_update(&modules->inplace, &step, serves(node, &step));
    return GKV_OK;
}

bool gkv_node_next_action(struct gkv_node *node, struct gkv_action *action_out)
{
    return gkv_actions_take(&node->modules.actions, action_out);
}

uint64_t gkv_node_deadline_ns(const struct gkv_node *node)
{
    if (!node->has_started) {
        return 0;
    }
    const uint64_t timers_ns = gkv_timers_deadline_ns(&node->modules.timers);
    const uint64_t drain_ns = gkv_inplace_deadline_ns(&node->modules.inplace);
    return timers_ns < drain_ns ? timers_ns : drain_ns;
}

struct gkv_commons gkv_node_commons(struct gkv_node *node)
{
    struct modules *modules = &node->modules;
    return (struct gkv_commons){
        .inplace = &modules->inplace, .store = &modules->store, .clock = &modules->clock};
}

/* Looking inside. */

bool gkv_node_has_joined(const struct gkv_node *node)
{
    /* A step holds pointers for handlers to write through; nothing below writes. */
    const struct gkv_step step =
        step_of((struct gkv_node *)(uintptr_t)node, (struct gkv_now){.mono_ns = node->last_ns});
    return node->has_started && gkv_swim_has_joined(&node->modules.swim, &step);
}

bool gkv_node_has_left(const struct gkv_node *node)
{
    return gkv_member_at(&node->modules.members, GKV_MEMBER_SELF)->said.state == GKV_MEMBER_LEFT;
}

bool gkv_node_is_ready(const struct gkv_node *node)
{
    const struct gkv_members *members = &node->modules.members;
    if (!node->has_started ||
        gkv_member_at(members, GKV_MEMBER_SELF)->said.state != GKV_MEMBER_ALIVE) {
        return false;
    }
    const uint32_t needed =
        (uint32_t)greater(node->options.write_quorum, node->options.read_quorum);
    return gkv_node_has_joined(node) && members->reachable_count >= needed;
}

uint64_t gkv_node_open_count(const struct gkv_node *node)
{
    return node->modules.quorum.stats.open_count;
}

struct gkv_node_stats gkv_node_stats(const struct gkv_node *node)
{
    const struct modules *modules = &node->modules;
    return (struct gkv_node_stats){
        .store = gkv_store_stats(&modules->store),
        .marks = gkv_marks_stats(&modules->inplace.marks),
        .marked_sent_count = modules->inplace.sent_count,
        .quorum = modules->quorum.stats,
        .hot_hit_count = modules->quorum.hotcache.hit_count,
        .swim_drops = modules->swim.drops,
        .replica = modules->replica,
        .sync_round_count = modules->repair.round_count,
        .sync_record_sent_count = modules->repair.record_sent_count,
        .sync_record_stored_count = modules->repair.record_stored_count,
        .sync_malformed_count = modules->repair.malformed_count,
        .clock_rejected_count = node->clock_rejected_count,
        .step_count = node->step_count,
        .operation_bytes = (uint64_t)(modules->quorum.pendings.cells.cell_count -
                                      modules->quorum.pendings.cells.free_count) *
                           GKV_CELL_BYTES,
        .member_count = modules->members.ring_count,
        .reachable_count = modules->members.reachable_count,
        .waiting_count = modules->swim.greys.is_waiting,
        .degraded_count = modules->members.degraded_count,
        .stall_count = node->stall_count,
        .health_score = modules->swim.probes.health.score,
        .store_digest = gkv_store_digest(&modules->store),
    };
}

const struct gkv_options *gkv_node_options(const struct gkv_node *node)
{
    return &node->options;
}

const struct gkv_members *gkv_node_members(const struct gkv_node *node)
{
    return &node->modules.members;
}

const struct gkv_trace *gkv_node_trace(const struct gkv_node *node)
{
    return &node->trace;
}

const struct gkv_store *gkv_node_store(const struct gkv_node *node)
{
    return &node->modules.store;
}

uint32_t gkv_node_owners(struct gkv_node *node, struct gkv_bytes key,
                         uint16_t owners_out[GKV_REPLICA_COUNT_MAX])
{
    struct modules *modules = &node->modules;
    gkv_ring_refresh(&modules->ring, &modules->members);
    const uint64_t key_hash = gkv_ring_key_hash(&modules->ring, key);
    const struct gkv_owners owners =
        gkv_ring_owners(&modules->ring, gkv_ring_slot_of_hash(key_hash));
    GKV_ASSERT(owners.count <= GKV_REPLICA_COUNT_MAX);
    for (uint32_t i = 0; i < owners.count; i++) {
        owners_out[i] = owners.members[i];
    }
    return owners.count;
}
