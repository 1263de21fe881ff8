#include "sim/sometimes.h"

#include <string.h>

#include "core/node.h"
#include "sim/check.h"

static void count(struct gkv_trial *trial, enum gkv_predicate predicate, bool is_reached)
{
    gkv_sometimes_count(&trial->tally, predicate, is_reached);
}

/* ---- Trace points ---------------------------------------------------------------------------- */

/* What the node noted since the last look. More than its ring holds is never noted in one step. */
static void read_points(struct gkv_trial *trial, uint32_t node)
{
    const struct gkv_host *host = &trial->world.hosts[node];
    if (host->endpoint == NULL) {
        return;
    }
    uint64_t *seen = &trial->sometimes_watch.point_count[node];
    const struct gkv_trace *trace = gkv_node_trace(gkv_endpoint_node(host->endpoint));
    for (; *seen < trace->point_count; (*seen)++) {
        const struct gkv_trace_point *point = &trace->points[*seen % GKV_TRACE_POINT_COUNT];
        if (point->kind >= GKV_TRACE_OPERATION) {
            gkv_sometimes_operation_point(trial, node, point);
        } else {
            gkv_sometimes_member_point(trial, node, point);
        }
    }
}

/* ---- Statistics ------------------------------------------------------------------------------ */

static void read_node(struct gkv_trial *trial, const struct gkv_host *host)
{
    const struct gkv_node_stats stats = gkv_node_stats(gkv_endpoint_node(host->endpoint));
    count(trial, GKV_REACHED_OPERATION_LATE_ANSWER, stats.quorum.late_reply_count > 0);
    count(trial, GKV_REACHED_REPAIR_LIMITED, stats.quorum.read_repair_limited_count > 0);
    count(trial, GKV_REACHED_CLOCK_REFUSED, stats.clock_rejected_count > 0);
    count(trial, GKV_REACHED_STORE_SWEPT, stats.store.expired_count > 0);
    count(trial, GKV_REACHED_STORE_FORGOT, stats.store.forgotten_count > 0);
    count(trial, GKV_REACHED_STORE_EVICTED, stats.store.evicted_count > 0);
    count(trial, GKV_REACHED_STORE_PACKED, stats.store.packed_count > 0);
    count(trial, GKV_REACHED_SWIM_STALE, stats.swim_drops.stale > 0);
    count(trial, GKV_REACHED_SWIM_UNKNOWN, stats.swim_drops.unknown_member > 0);
}

static void read_endpoint(struct gkv_trial *trial, const struct gkv_host *host)
{
    const struct gkv_endpoint_stats stats = gkv_endpoint_stats(host->endpoint);
    count(trial, GKV_REACHED_STREAM_DIAL_FAILED, stats.dial_failed_count > 0);
    count(trial, GKV_REACHED_STREAM_BACKOFF, stats.dropped_backoff > 0);
    count(trial, GKV_REACHED_STREAM_FULL, stats.dropped_full > 0);
    count(trial, GKV_REACHED_STREAM_REFUSED, stats.refused_hello > 0);
}

/* A life is over, or the run is. */
static void read_life(struct gkv_trial *trial, uint32_t node)
{
    const struct gkv_host *host = &trial->world.hosts[node];
    if (host->endpoint != NULL) {
        read_points(trial, node);
        read_node(trial, host);
        read_endpoint(trial, host);
    }
}

void gkv_sometimes_finish(struct gkv_trial *trial)
{
    const struct gkv_scenario *scenario = &trial->scenario;
    const struct gkv_options *options = &scenario->world.node;
    const struct gkv_net_stats *net = &trial->world.net.stats;
    for (uint32_t i = 0; i < scenario->node_count; i++) {
        read_life(trial, i);
    }
    count(trial, GKV_REACHED_STREAM_BROKEN, net->stream_broken_count > 0);
    count(trial, GKV_REACHED_STREAM_STALLED, net->segment_stalled_count > 0);
    count(trial, GKV_REACHED_DATAGRAM_LOST, net->datagram_lost_count > 0);
    count(trial, GKV_REACHED_DATAGRAM_DOUBLED, net->datagram_doubled_count > 0);
    count(trial, GKV_REACHED_SWIM_GOODBYE_LOST, !gkv_nodes_contain(&trial->heard, &trial->left));
    count(trial, GKV_REACHED_SHAPE_ONE, scenario->node_count == 1);
    count(trial, GKV_REACHED_SHAPE_TWO, scenario->node_count == 2);
    count(trial, GKV_REACHED_SHAPE_TOO_FEW,
          options->write_quorum > scenario->node_count ||
              options->read_quorum > scenario->node_count);
}

/* ---- Streams --------------------------------------------------------------------------------- */

static uint64_t length_of(const uint8_t header[GKV_FRAME_HEADER_BYTES])
{
    return header[0] | (uint64_t)header[1] << 8 | (uint64_t)header[2] << 16 |
           (uint64_t)header[3] << 24;
}

/* Follow the frames of a stream (proto/frame.h), to see where a piece of it ends. */
static void on_received(struct gkv_trial *trial, const struct gkv_observation *observation)
{
    struct gkv_sometimes_watch *watch = &trial->sometimes_watch;
    struct gkv_sometimes_rows *rows = &trial->sometimes_rows;
    const uint32_t index = (uint32_t)observation->connection % GKV_NET_CONNECTION_COUNT_MAX;
    if (rows->streams[index].connection != observation->connection) {
        rows->streams[index].connection = observation->connection;
        rows->streams[index].payload_left = 0;
        rows->streams[index].header_count = 0;
    }
    uint64_t payload_left = rows->streams[index].payload_left;
    uint32_t header_count = rows->streams[index].header_count;
    for (size_t i = 0; i < observation->bytes.count;) {
        if (payload_left > 0) {
            const uint64_t here = observation->bytes.count - i;
            const uint64_t taken = payload_left < here ? payload_left : here;
            payload_left -= taken;
            i += (size_t)taken;
            continue;
        }
        rows->streams[index].header[header_count++] = observation->bytes.data[i++];
        if (header_count == GKV_FRAME_HEADER_BYTES) {
            payload_left = length_of(rows->streams[index].header);
            header_count = 0;
        }
    }
    rows->streams[index].payload_left = payload_left;
    rows->streams[index].header_count = header_count;
    if (header_count > 0) {
        watch->split_mask |= 1u << header_count;
        count(trial, GKV_REACHED_STREAM_SPLIT_HEADER, true);
        count(trial, GKV_REACHED_STREAM_SPLIT_EVERYWHERE,
              watch->split_mask == (1u << GKV_FRAME_HEADER_BYTES) - 2);
    }
}

/* ---- All of them ----------------------------------------------------------------------------- */

static bool is_cut_off(const struct gkv_trial *trial, uint32_t node)
{
    for (uint32_t i = 0; i < trial->scenario.node_count; i++) {
        if (trial->world.net.links[node][i].is_cut || trial->world.net.links[i][node].is_cut) {
            return true;
        }
    }
    return false;
}

static void on_crash(struct gkv_trial *trial, const struct gkv_observation *observation)
{
    const uint32_t node = observation->node;
    const uint64_t synced_ns = trial->sometimes_watch.synced_ns[node];
    bool is_at_work = false;
    for (uint32_t i = 0; i < trial->scenario.client_count; i++) {
        const uint32_t waiting = trial->clients[i].waiting;
        is_at_work = is_at_work ||
                     (waiting != GKV_HISTORY_NONE && trial->history.deeds[waiting].node == node);
    }
    count(trial, GKV_REACHED_CRASH_AT_WORK, is_at_work);
    count(trial, GKV_REACHED_CRASH_PAUSED, trial->world.hosts[node].paused_until_ns > 0);
    count(trial, GKV_REACHED_SYNC_CRASH,
          synced_ns > 0 && observation->time_ns - synced_ns < 20 * GKV_NS_PER_MS);
    read_life(trial, node);
}

void gkv_sometimes_observe(struct gkv_trial *trial, const struct gkv_observation *observation)
{
    if (observation->kind == GKV_OBSERVE_CALL) {
        return; /* of no node */
    }
    if (observation->kind == GKV_OBSERVE_BOOT) {
        trial->sometimes_watch.point_count[observation->node] = 0;
        memset(trial->sometimes_rows.held[observation->node], 0,
               sizeof(trial->sometimes_rows.held[observation->node]));
        count(trial, GKV_REACHED_BOOT_CUT_OFF, is_cut_off(trial, observation->node));
    } else if (observation->kind == GKV_OBSERVE_CRASH) {
        on_crash(trial, observation);
    } else if (observation->kind == GKV_OBSERVE_RECEIVED) {
        on_received(trial, observation);
    }
    read_points(trial, observation->node);
    if (observation->kind == GKV_OBSERVE_SUBMIT) {
        gkv_sometimes_operation(trial, observation);
    } else if (observation->kind == GKV_OBSERVE_OUTPUT) {
        if (observation->output->kind == GKV_OUTPUT_COMPLETE) {
            gkv_sometimes_operation(trial, observation);
        } else if (observation->output->kind == GKV_OUTPUT_MEMBER) {
            gkv_sometimes_member(trial, observation);
        }
    }
}
