#include "sim/check.h"

#include "core/panic.h"

/* QUORUM, one step below what clients see: of the owners that stored an acknowledged write, one at
 * least answered any get of that key that began later (Gifford 1979: R + W > N). Asked where no
 * memory is lost, and the ring is the same at both.
 *
 * Who answered is overheard: a reply counts for the operations of its kind and key that are open
 * where it arrives. That is never too few, so that nothing is found wrongly. Who coordinates counts
 * as an owner that answered, if it is one, and only then (docs/protocol.md: "itself counts", and
 * quorums are of owners). */

static bool is_asked(const struct gkv_trial *trial)
{
    return trial->scenario.checks_quorum && !trial->scenario.damages_bytes &&
           (trial->overhear == NULL || gkv_overhear_lost_count(trial->overhear) == 0);
}

/* ---- Who answered ---------------------------------------------------------------------------- */

/* A node counts for the deeds that are open at `to`, of `key`, each GKV_HISTORY_NONE for any. */
static void credit(struct gkv_trial *trial, const struct gkv_intersect_frame *frame, uint32_t to,
                   uint32_t key)
{
    struct gkv_intersect_watch *watch = &trial->intersect_watch;
    struct gkv_intersect_rows *rows = &trial->intersect_rows;
    for (uint32_t i = 0; i < GKV_SCENARIO_CLIENT_COUNT_MAX; i++) {
        if (watch->open[i] == 0) {
            continue;
        }
        const struct gkv_deed *deed = &trial->history.deeds[watch->open[i] - 1];
        const bool is_write = deed->kind != GKV_OPERATION_GET;
        if (is_write == frame->is_write && (to == GKV_HISTORY_NONE || to == deed->node) &&
            (key == GKV_HISTORY_NONE || key == deed->key)) {
            gkv_nodes_add(&rows->answered[watch->open[i] - 1], frame->from);
        }
    }
}

static void hear_request(struct gkv_trial *trial, uint32_t node, uint64_t handle,
                         struct gkv_bytes key)
{
    struct gkv_intersect_handle *place =
        &trial->intersect_rows.handles[node][handle % GKV_INTERSECT_HANDLE_COUNT];
    place->handle = handle;
    place->key = gkv_history_key_number(key);
}

static void hear_reply(struct gkv_trial *trial, const struct gkv_heard *heard, uint64_t handle,
                       bool is_write)
{
    struct gkv_intersect_frame *frame =
        &trial->intersect_watch.frames[heard->number % GKV_INTERSECT_FRAME_COUNT];
    if (frame->number != 0) { /* it has not arrived yet, and will be known no more */
        credit(trial, frame, GKV_HISTORY_NONE, GKV_HISTORY_NONE);
    }
    *frame = (struct gkv_intersect_frame){
        .number = heard->number, .handle = handle, .from = heard->node, .is_write = is_write};
}

static void hear_arrival(struct gkv_trial *trial, const struct gkv_heard *heard)
{
    struct gkv_intersect_watch *watch = &trial->intersect_watch;
    struct gkv_intersect_frame *frame = &watch->frames[heard->number % GKV_INTERSECT_FRAME_COUNT];
    if (heard->is_datagram || frame->number == 0 || frame->number != heard->number) {
        return;
    }
    const struct gkv_intersect_handle *place =
        &trial->intersect_rows.handles[heard->node][frame->handle % GKV_INTERSECT_HANDLE_COUNT];
    credit(trial, frame, heard->node,
           place->handle == frame->handle ? place->key : GKV_HISTORY_NONE);
    frame->number = 0;
}

static void hear(struct gkv_trial *trial, const struct gkv_heard *heard)
{
    const struct gkv_message *message = heard->message;
    GKV_ASSERT(heard->node < GKV_SCENARIO_NODE_COUNT_MAX);
    if (heard->is_arrival) {
        hear_arrival(trial, heard);
    } else if (message->kind == GKV_MESSAGE_READ) {
        hear_request(trial, heard->node, message->as.read.operation, message->as.read.key);
    } else if (message->kind == GKV_MESSAGE_WRITE) {
        hear_request(trial, heard->node, message->as.write.operation, message->as.write.key);
    } else if (message->kind == GKV_MESSAGE_READ_REPLY) {
        hear_reply(trial, heard, message->as.read_reply.operation, false);
    } else if (message->kind == GKV_MESSAGE_WRITE_REPLY &&
               message->as.write_reply.status == GKV_REPLY_OK) {
        hear_reply(trial, heard, message->as.write_reply.operation, true);
    }
}

/* ---- Whether they meet ----------------------------------------------------------------------- */

static void observe_submit(struct gkv_trial *trial, uint64_t cookie)
{
    struct gkv_intersect_watch *watch = &trial->intersect_watch;
    struct gkv_intersect_rows *rows = &trial->intersect_rows;
    const struct gkv_deed *deed = gkv_history_find(&trial->history, cookie);
    if (deed == NULL) {
        return;
    }
    const uint32_t number = (uint32_t)(cookie - 1);
    GKV_ASSERT(deed->client < GKV_SCENARIO_CLIENT_COUNT_MAX);
    watch->open[deed->client] = number + 1;
    rows->answered[number] = (struct gkv_nodes){{0}};
    rows->before[number] = watch->written[deed->key];
    if (gkv_owners_include(trial, deed->key, deed->node)) {
        gkv_nodes_add(&rows->answered[number], deed->node);
    }
}

static void check_get(struct gkv_trial *trial, const struct gkv_deed *deed, uint32_t number)
{
    const struct gkv_intersect_rows *rows = &trial->intersect_rows;
    const struct gkv_intersect_write *write = &rows->before[number];
    if (gkv_nodes_is_empty(&write->ring) || !gkv_nodes_equal(&write->ring, &trial->ring)) {
        return;
    }
    trial->tally.counts[GKV_HOLDS_INTERSECT]++;
    if (!gkv_nodes_meet(&write->nodes, &rows->answered[number])) {
        trial->verdict.key = deed->key;
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "intersect",
                       "operation %u, a get of k%u, was answered by nobody who had stored "
                       "operation %u, which was acknowledged before",
                       (unsigned)number, (unsigned)deed->key, (unsigned)write->number);
    }
}

static void observe_complete(struct gkv_trial *trial, const struct gkv_result *result)
{
    struct gkv_intersect_watch *watch = &trial->intersect_watch;
    struct gkv_intersect_rows *rows = &trial->intersect_rows;
    const struct gkv_deed *deed = gkv_history_find(&trial->history, result->cookie);
    if (deed == NULL || deed->complete_count != 1) {
        return;
    }
    const uint32_t number = (uint32_t)(result->cookie - 1);
    if (watch->open[deed->client] == number + 1) {
        watch->open[deed->client] = 0;
    }
    if (deed->kind != GKV_OPERATION_GET && result->error == GKV_OK) {
        watch->written[deed->key] = (struct gkv_intersect_write){
            .number = number, .ring = trial->ring, .nodes = rows->answered[number]};
    } else if (deed->kind == GKV_OPERATION_GET &&
               (result->error == GKV_OK || result->error == GKV_ERROR_NOT_FOUND)) {
        check_get(trial, deed, number);
    }
}

static void observe(struct gkv_trial *trial, const struct gkv_observation *observation)
{
    if (!is_asked(trial)) {
        return;
    }
    if (observation->kind == GKV_OBSERVE_SUBMIT) {
        observe_submit(trial, observation->operation->cookie);
    } else if (observation->kind == GKV_OBSERVE_OUTPUT &&
               observation->output->kind == GKV_OUTPUT_COMPLETE) {
        observe_complete(trial, &observation->output->as.result);
    }
}

const struct gkv_check gkv_check_intersect = {
    .name = "intersect",
    .demands = "In QUORUM, one at least of the owners that stored an acknowledged write answers "
               "any get of its key that begins later.",
    .told_mask = GKV_TOLD(GKV_OBSERVE_SUBMIT) | GKV_TOLD_OUTPUT(GKV_OUTPUT_COMPLETE),
    .observe = observe,
    .hear_mask = GKV_HEARS_OPERATIONS | GKV_HEARS_ARRIVALS,
    .hear = hear,
};
