/* What members think of each other, and what nodes say: sim/sometimes.h. */
#include "core/node.h"
#include "sim/check.h"
#include "sim/sometimes.h"

static void count(struct gkv_trial *trial, enum gkv_predicate predicate, bool is_reached)
{
    gkv_sometimes_count(&trial->tally, predicate, is_reached);
}

/* ---- Members --------------------------------------------------------------------------------- */

static bool is_cut_between(const struct gkv_trial *trial, uint32_t a, uint32_t b)
{
    return trial->world.net.links[a][b].is_cut || trial->world.net.links[b][a].is_cut;
}

void gkv_sometimes_member_point(struct gkv_trial *trial, uint32_t node,
                                const struct gkv_trace_point *point)
{
    const uint32_t about = gkv_check_node_of_id(trial, point->about);
    struct gkv_nodes *indirect = &trial->sometimes_watch.indirect[node];
    if (about == GKV_HISTORY_NONE) {
        return;
    }
    if (point->kind == GKV_TRACE_PROBE) {
        gkv_nodes_remove(indirect, about);
        count(trial, GKV_REACHED_SWIM_AT_ONCE, point->b == 1);
    } else if (point->kind == GKV_TRACE_PROBE_INDIRECT) {
        gkv_nodes_add(indirect, about);
        count(trial, GKV_REACHED_SWIM_INDIRECT, true);
    } else if (point->kind == GKV_TRACE_PROBE_NACK) {
        count(trial, GKV_REACHED_SWIM_NACK, true);
    } else if (point->kind == GKV_TRACE_PROBE_REPEAT) {
        count(trial, GKV_REACHED_SWIM_REPEATED, true);
    } else if (point->kind == GKV_TRACE_PROBE_ACK) {
        count(trial, GKV_REACHED_SWIM_HELPED,
              gkv_nodes_has(indirect, about) && is_cut_between(trial, node, about));
        count(trial, GKV_REACHED_SWIM_BY_STREAM, point->b == GKV_CHANNEL_STREAM);
        gkv_nodes_remove(indirect, about);
    } else if (point->kind == GKV_TRACE_MEMBER_SUSPECT) {
        count(trial, GKV_REACHED_SWIM_HEARSAY, !gkv_node_id_equal(point->via, trial->ids[node]));
    } else if (point->kind == GKV_TRACE_CONFIRM) {
        count(trial, GKV_REACHED_SWIM_CONFIRMED, point->a >= 2);
    } else if (point->kind == GKV_TRACE_STALL) {
        count(trial, GKV_REACHED_SWIM_STALLED, true);
    } else if (point->kind == GKV_TRACE_NO_WITNESS) {
        count(trial, GKV_REACHED_SWIM_NO_WITNESS, point->a == 1);
    } else if (point->kind == GKV_TRACE_LAST_CHANCE) {
        count(trial, GKV_REACHED_SWIM_LAST_CHANCE, true);
    } else if (point->kind == GKV_TRACE_REPRIEVE) {
        count(trial, GKV_REACHED_SWIM_REPRIEVED, true);
    } else if (point->kind == GKV_TRACE_DEGRADED) {
        count(trial, GKV_REACHED_SWIM_DEGRADED, point->a == 1);
        count(trial, GKV_REACHED_SWIM_DEGRADED_NO_MORE, point->a == 0);
    } else if (point->kind == GKV_TRACE_WAITS) {
        count(trial, GKV_REACHED_SWIM_WAITED, point->a == 1);
    } else if (point->kind == GKV_TRACE_HEALTH) {
        count(trial, GKV_REACHED_SWIM_UNWELL, point->a >= 3);
        count(trial, GKV_REACHED_SWIM_WELL_AGAIN, point->a == 0);
    } else if (point->kind == GKV_TRACE_REFUTE) {
        count(trial, GKV_REACHED_SWIM_REFUTED, true);
        count(trial, GKV_REACHED_SWIM_REFUTED_AGAIN, point->a >= 3);
    }
}

/* `node` told its application that it holds `about` in a state; before, it held it in another. */
static void on_change(struct gkv_trial *trial, uint32_t node, uint32_t about,
                      const struct gkv_update *said)
{
    const struct gkv_host *host = &trial->world.hosts[about];
    const enum gkv_member_state before = trial->sometimes_rows.held[node][about].state;
    const bool is_same_life = trial->sometimes_rows.held[node][about].boot_id == said->who.boot_id;
    const bool was_unreachable = before == GKV_MEMBER_UNREACHABLE || before == GKV_MEMBER_EVICTED;
    const bool was_there =
        before == GKV_MEMBER_ALIVE || before == GKV_MEMBER_LEAVING || before == GKV_MEMBER_SUSPECT;
    if (said->state == GKV_MEMBER_ALIVE) {
        count(trial, GKV_REACHED_SWIM_CAME_BACK, was_unreachable && is_same_life);
        count(trial, GKV_REACHED_SWIM_REBORN, was_unreachable && !is_same_life);
        count(trial, GKV_REACHED_SWIM_REBORN_UNNOTICED, was_there && !is_same_life);
        count(trial, GKV_REACHED_SWIM_RETURNED, before == GKV_MEMBER_LEFT);
        count(trial, GKV_REACHED_SWIM_READMITTED, before == GKV_MEMBER_EVICTED);
    } else if (said->state == GKV_MEMBER_LEAVING) {
        count(trial, GKV_REACHED_SWIM_LEAVING, true);
    } else if (said->state == GKV_MEMBER_EVICTED) {
        count(trial, GKV_REACHED_SWIM_EVICTED, true);
        count(trial, GKV_REACHED_SWIM_DEGRADED_EVICTED,
              was_there && gkv_node_id_equal(said->accuser, trial->ids[node]));
    } else if (said->state == GKV_MEMBER_LEFT) {
        count(trial, GKV_REACHED_SWIM_LEFT_MISSED, was_unreachable || before == GKV_MEMBER_SUSPECT);
    } else if (said->state == GKV_MEMBER_UNREACHABLE && host->is_up) {
        bool is_cut = false;
        for (uint32_t i = 0; i < trial->scenario.node_count; i++) {
            is_cut = is_cut || is_cut_between(trial, about, i);
        }
        count(trial, GKV_REACHED_SWIM_PAUSED, host->paused_until_ns > 0);
        count(trial, GKV_REACHED_SWIM_MISTAKEN, host->paused_until_ns == 0 && !is_cut);
    }
}

void gkv_sometimes_member(struct gkv_trial *trial, const struct gkv_observation *observation)
{
    const uint32_t node = observation->node;
    const struct gkv_update *said = &observation->output->as.member;
    const uint32_t about = gkv_check_node_of_id(trial, said->who.id);
    if (about == GKV_HISTORY_NONE) {
        return; /* sim/check_incarnation.c says so */
    }
    on_change(trial, node, about, said);
    trial->sometimes_rows.held[node][about].boot_id = said->who.boot_id;
    trial->sometimes_rows.held[node][about].state = said->state;
    const struct gkv_members *members =
        gkv_node_members(gkv_endpoint_node(trial->world.hosts[node].endpoint));
    count(trial, GKV_REACHED_SWIM_ALONE, members->ring_count > 1 && members->reachable_count == 1);
}

/* ---- What nodes say -------------------------------------------------------------------------- */

static void hear_gossip(struct gkv_trial *trial, const struct gkv_message *message)
{
    const bool is_for_another = message->kind == GKV_MESSAGE_ACK &&
                                !gkv_node_id_equal(message->as.gossip.about.id, message->from.id);
    count(trial, GKV_REACHED_SWIM_HANDED_ON, is_for_another);
    count(trial, GKV_REACHED_SWIM_FULL_MESSAGE,
          message->as.gossip.update_count == GKV_UPDATE_COUNT_MAX);
}

/* The versions that owners answer a get with. */
static void hear_read_reply(struct gkv_trial *trial, const struct gkv_message *message)
{
    const uint64_t handle = message->as.read_reply.operation;
    const struct gkv_version version = message->as.read_reply.record.version;
    /* The place is the low half, the same few numbers at each node; the generation tells apart. */
    const uint32_t index = (uint32_t)(handle ^ handle >> 32) % GKV_SOMETIMES_GET_COUNT;
    struct gkv_sometimes_watch *watch = &trial->sometimes_watch;
    if (gkv_version_is_none(version)) {
        return; /* it knows nothing of the key: get.some_absent */
    }
    if (watch->gets[index].handle != handle) {
        watch->gets[index].handle = handle;
        watch->gets[index].count = 0;
    }
    uint32_t *known = &watch->gets[index].count;
    for (uint32_t i = 0; i < *known; i++) {
        if (gkv_version_compare(watch->gets[index].versions[i], version) == 0) {
            return;
        }
    }
    if (*known < 3) {
        watch->gets[index].versions[(*known)++] = version;
        count(trial, GKV_REACHED_GET_TWO_VERSIONS, *known == 2);
        count(trial, GKV_REACHED_GET_THREE_VERSIONS, *known == 3);
    }
}

/* A write that nobody need answer is a repair, or else a set that its coordinator has decided
 * alone, which happens only where W is 1: there, no repairs are counted. */
static void hear_write(struct gkv_trial *trial, const struct gkv_message *message)
{
    const bool is_repair =
        message->as.write.operation == 0 && trial->scenario.world.node.write_quorum > 1;
    count(trial, GKV_REACHED_REPAIR_VALUE, is_repair && !message->as.write.record.is_tombstone);
    count(trial, GKV_REACHED_REPAIR_DELETE, is_repair && message->as.write.record.is_tombstone);
}

static void hear_records(struct gkv_trial *trial, const struct gkv_heard *heard)
{
    const struct gkv_message *message = heard->message;
    bool is_delete = message->as.sync_records.record_count > 0;
    for (uint32_t i = 0; i < message->as.sync_records.record_count; i++) {
        const struct gkv_keyed_record *sent = &message->as.sync_records.records[i];
        const uint32_t key = gkv_history_key_number(sent->key);
        is_delete = is_delete && sent->record.is_tombstone;
        if (key < trial->scenario.key_count) {
            count(trial, GKV_REACHED_SYNC_OUTDATED,
                  gkv_version_compare(sent->record.version, trial->floors[key]) < 0);
            count(trial, GKV_REACHED_SYNC_HANDED_OVER,
                  !gkv_nodes_is_empty(&trial->ring) &&
                      !gkv_owners_include(trial, key, heard->node));
        }
    }
    count(trial, GKV_REACHED_SYNC_DELETES, is_delete);
}

static void hear_sync(struct gkv_trial *trial, const struct gkv_heard *heard)
{
    const struct gkv_message *message = heard->message;
    trial->sometimes_watch.synced_ns[heard->node] = heard->time_ns;
    if (message->kind == GKV_MESSAGE_SYNC_SLOTS) {
        const uint32_t group = message->as.sync_slots.group;
        count(trial, GKV_REACHED_SYNC_DIFFERENCE, true);
        count(trial, GKV_REACHED_SYNC_FIRST_GROUP, group == 0);
        count(trial, GKV_REACHED_SYNC_LAST_GROUP, group == GKV_SLOT_GROUP_COUNT - 1);
    } else if (message->kind == GKV_MESSAGE_SYNC_RECORDS) {
        hear_records(trial, heard);
    }
    count(trial, GKV_REACHED_SYNC_PULL, message->kind == GKV_MESSAGE_SYNC_PULL);
}

void gkv_sometimes_hear(struct gkv_trial *trial, const struct gkv_heard *heard)
{
    if (heard->is_arrival || heard->node >= GKV_SCENARIO_NODE_COUNT_MAX) {
        return;
    }
    const struct gkv_message *message = heard->message;
    if (heard->is_datagram) {
        hear_gossip(trial, message);
    } else if (message->kind == GKV_MESSAGE_READ_REPLY) {
        hear_read_reply(trial, message);
    } else if (message->kind == GKV_MESSAGE_WRITE) {
        hear_write(trial, message);
    } else if (message->kind >= GKV_MESSAGE_SYNC_SLOTS) {
        hear_sync(trial, heard);
    }
}
