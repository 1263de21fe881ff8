/* What operations run into: sim/sometimes.h. */
#include "core/node.h"
#include "sim/check.h"
#include "sim/sometimes.h"

#define COUNTED 15 /* stamps in a millisecond that are many */

static void count(struct gkv_trial *trial, enum gkv_predicate predicate, bool is_reached)
{
    gkv_sometimes_count(&trial->tally, predicate, is_reached);
}

/* ---- Attempts, by the coordinator's trace points --------------------------------------------- */

/* How many owners a key has for a node: all whom it knows and who have not left. */
static uint8_t owner_count(struct gkv_trial *trial, uint32_t node)
{
    struct gkv_endpoint *endpoint = trial->world.hosts[node].endpoint;
    const uint32_t ring_count = gkv_node_members(gkv_endpoint_node(endpoint))->ring_count;
    const uint32_t replica_count = trial->scenario.world.node.replica_count;
    return (uint8_t)(ring_count < replica_count ? ring_count : replica_count);
}

static void begin_asking(struct gkv_trial *trial, uint32_t node,
                         struct gkv_sometimes_attempt *attempt, const struct gkv_trace_point *point)
{
    if (attempt->handle != point->a) {
        *attempt = (struct gkv_sometimes_attempt){.handle = point->a,
                                                  .number = (uint8_t)point->b,
                                                  .owner_count = owner_count(trial, node)};
        count(trial, GKV_REACHED_WRITE_RETRIED, point->b > 1);
    }
    attempt->asked++;
    attempt->is_owner = attempt->is_owner || gkv_node_id_equal(point->about, trial->ids[node]);
}

static bool was_told(const struct gkv_sometimes_attempt *attempt, enum gkv_reply_status status)
{
    return (attempt->refused_mask >> status & 1u) != 0;
}

static void end_write(struct gkv_trial *trial, const struct gkv_sometimes_attempt *attempt,
                      enum gkv_error error)
{
    const struct gkv_options *options = &trial->scenario.world.node;
    if (error == GKV_OK) {
        count(trial, GKV_REACHED_WRITE_WITHOUT_ALL, attempt->asked < attempt->owner_count);
        count(trial, GKV_REACHED_WRITE_STALE_YET_OK, was_told(attempt, GKV_REPLY_STALE));
        count(trial, GKV_REACHED_WRITE_CLOCK_YET_OK, was_told(attempt, GKV_REPLY_CLOCK));
        count(trial, GKV_REACHED_WRITE_FULL_YET_OK, was_told(attempt, GKV_REPLY_MEMORY));
        count(trial, GKV_REACHED_WRITE_BY_STRANGER, !attempt->is_owner);
        return;
    }
    count(trial, GKV_REACHED_WRITE_ONE_SHORT,
          error == GKV_ERROR_IN_DOUBT && attempt->ok > 0 &&
              attempt->ok + 1u == options->write_quorum);
    count(trial, GKV_REACHED_WRITE_UNHEARD,
          error == GKV_ERROR_IN_DOUBT && attempt->ok == 0 && attempt->refused_mask == 0);
    count(trial, GKV_REACHED_WRITE_GAVE_UP, attempt->number == GKV_WRITE_ATTEMPT_COUNT_MAX);
}

static void end_get(struct gkv_trial *trial, const struct gkv_sometimes_attempt *attempt,
                    enum gkv_error error)
{
    const uint32_t answered = attempt->ok + (uint32_t)attempt->absent;
    count(trial, GKV_REACHED_GET_SOME_ABSENT,
          error == GKV_OK && attempt->ok > 0 && attempt->absent > 0);
    count(trial, GKV_REACHED_GET_ONE_SHORT,
          error == GKV_ERROR_TIMEOUT && answered > 0 &&
              answered + 1 == trial->scenario.world.node.read_quorum);
}

void gkv_sometimes_operation_point(struct gkv_trial *trial, uint32_t node,
                                   const struct gkv_trace_point *point)
{
    struct gkv_sometimes_attempt *attempt =
        &trial->sometimes_rows.attempts[node][(uint32_t)point->a % GKV_SOMETIMES_ATTEMPT_COUNT];
    if (point->kind == GKV_TRACE_SYNC) {
        count(trial, GKV_REACHED_SYNC_MANY_GROUPS,
              point->b == GKV_MESSAGE_SYNC_SLOTS && point->a == GKV_SYNC_GROUPS_PER_ROUND);
        return;
    }
    if (point->kind == GKV_TRACE_WRITE || point->kind == GKV_TRACE_READ) {
        begin_asking(trial, node, attempt, point);
        return;
    }
    if (point->a == 0 || attempt->handle != point->a) {
        return;
    }
    if (point->kind == GKV_TRACE_REPLY) {
        attempt->ok = (uint8_t)(attempt->ok + (point->b == GKV_REPLY_OK));
        attempt->absent = (uint8_t)(attempt->absent + (point->b == GKV_REPLY_ABSENT));
        if (point->b != GKV_REPLY_OK) {
            attempt->refused_mask = (uint8_t)(attempt->refused_mask | 1u << point->b);
        }
    } else if (point->kind == GKV_TRACE_COMPLETE) {
        if (attempt->number > 0) {
            end_write(trial, attempt, (enum gkv_error)point->b);
        } else {
            end_get(trial, attempt, (enum gkv_error)point->b);
        }
    }
}

/* ---- Deeds, by what clients ask and are told ------------------------------------------------- */

static uint64_t ring_epoch(const struct gkv_trial *trial, uint32_t node)
{
    struct gkv_endpoint *endpoint = trial->world.hosts[node].endpoint;
    return gkv_node_members(gkv_endpoint_node(endpoint))->ring_epoch;
}

static void on_submit(struct gkv_trial *trial, const struct gkv_deed *deed)
{
    const struct gkv_host *host = &trial->world.hosts[deed->node];
    trial->sometimes_watch.ring_epoch[deed->client] = ring_epoch(trial, deed->node);
    count(trial, GKV_REACHED_OPERATION_AT_LEAVER, gkv_nodes_has(&trial->left, deed->node));
    count(trial, GKV_REACHED_OPERATION_AT_RETURNED, host->life_count > 1);
    count(trial, GKV_REACHED_OPERATION_UNREADY,
          !gkv_node_is_ready(gkv_endpoint_node(host->endpoint)));
}

/* Clocks, by the stamp of a write that was acknowledged now. */
static void look_at_stamp(struct gkv_trial *trial, const struct gkv_deed *deed)
{
    const struct gkv_now now = gkv_host_now(&trial->world.hosts[deed->node], trial->world.now_ns);
    const uint64_t stamp_ms = gkv_hlc_ms(deed->version.hlc);
    count(trial, GKV_REACHED_CLOCK_AHEAD, stamp_ms > now.wall_ms + 100);
    count(trial, GKV_REACHED_CLOCK_FAR_AHEAD, stamp_ms > now.wall_ms + 1000);
    count(trial, GKV_REACHED_CLOCK_COUNTED,
          (deed->version.hlc.packed & ((1u << GKV_HLC_COUNTER_BITS) - 1)) > COUNTED);
}

static void after_write(struct gkv_trial *trial, const struct gkv_deed *deed,
                        const struct gkv_deed *last)
{
    const bool is_set = deed->kind == GKV_OPERATION_SET;
    const bool elsewhere = last->node != deed->node;
    const uint64_t stamp = deed->version.hlc.packed;
    const uint64_t last_stamp = last->version.hlc.packed;
    count(trial, GKV_REACHED_WRITE_SAME_MS,
          elsewhere && gkv_hlc_ms(deed->version.hlc) == gkv_hlc_ms(last->version.hlc));
    count(trial, GKV_REACHED_WRITE_SAME_STAMP, elsewhere && stamp == last_stamp);
    count(trial, GKV_REACHED_WRITE_CONCURRENT, elsewhere && last->end_ns > deed->begin_ns);
    count(trial, GKV_REACHED_WRITE_AFTER_DELETE, is_set && last->kind == GKV_OPERATION_DELETE);
    count(trial, GKV_REACHED_WRITE_LIFTS_TTL,
          is_set && deed->ttl_ms == 0 && last->ttl_ms > 0 &&
              deed->begin_ns < last->begin_ns + last->ttl_ms * GKV_NS_PER_MS);
}

static void on_written(struct gkv_trial *trial, const struct gkv_deed *deed, uint32_t number)
{
    uint32_t *newest = &trial->sometimes_watch.newest[deed->key];
    look_at_stamp(trial, deed);
    if (*newest > 0) {
        after_write(trial, deed, &trial->history.deeds[*newest - 1]);
    }
    count(trial, GKV_REACHED_DELETE_NOTHING,
          deed->kind == GKV_OPERATION_DELETE && deed->before == GKV_HISTORY_NONE);
    *newest = number + 1;
}

static void on_got(struct gkv_trial *trial, const struct gkv_deed *deed)
{
    const uint32_t newest = trial->sometimes_watch.newest[deed->key];
    if (deed->error == GKV_ERROR_NOT_FOUND) {
        const struct gkv_deed *last = newest == 0 ? NULL : &trial->history.deeds[newest - 1];
        const bool is_last = last != NULL && gkv_version_compare(last->version, deed->version) == 0;
        count(trial, GKV_REACHED_GET_NOTHING, gkv_version_is_none(deed->version));
        count(trial, GKV_REACHED_GET_DELETED, is_last && last->kind == GKV_OPERATION_DELETE);
        count(trial, GKV_REACHED_GET_EXPIRED, is_last && last->kind == GKV_OPERATION_SET);
    } else if (deed->error == GKV_OK && deed->read != GKV_HISTORY_NONE) {
        const struct gkv_deed *set = &trial->history.deeds[deed->read];
        count(trial, GKV_REACHED_GET_IN_DOUBT,
              set->is_abandoned || (set->end_ns > 0 && set->error == GKV_ERROR_IN_DOUBT));
        count(trial, GKV_REACHED_GET_OPEN, set->end_ns == 0 && !set->is_abandoned);
    }
}

static void on_complete(struct gkv_trial *trial, const struct gkv_deed *deed, uint32_t number)
{
    struct gkv_sometimes_watch *watch = &trial->sometimes_watch;
    const uint64_t wall_ms =
        gkv_host_now(&trial->world.hosts[deed->node], trial->world.now_ns).wall_ms;
    count(trial, GKV_REACHED_CLOCK_WENT_BACK, wall_ms < watch->wall_ms[deed->node]);
    watch->wall_ms[deed->node] = wall_ms;
    count(trial, GKV_REACHED_OPERATION_RING_CHANGED,
          watch->ring_epoch[deed->client] != ring_epoch(trial, deed->node));
    if (deed->kind == GKV_OPERATION_GET) {
        on_got(trial, deed);
    } else if (deed->error == GKV_OK) {
        on_written(trial, deed, number);
    }
}

void gkv_sometimes_operation(struct gkv_trial *trial, const struct gkv_observation *observation)
{
    const bool is_begin = observation->kind == GKV_OBSERVE_SUBMIT;
    const uint64_t cookie =
        is_begin ? observation->operation->cookie : observation->output->as.result.cookie;
    const struct gkv_deed *deed = gkv_history_find(&trial->history, cookie);
    if (deed == NULL || deed->client >= GKV_SCENARIO_CLIENT_COUNT_MAX) {
        return; /* sim/check_open.c says so */
    }
    if (is_begin) {
        on_submit(trial, deed);
    } else if (deed->complete_count == 1 && !deed->is_abandoned) {
        on_complete(trial, deed, (uint32_t)(cookie - 1));
    }
}
