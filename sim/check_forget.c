#include "sim/check.h"

#include "core/node.h"

/* A replica never says OK to a write that is older than a deletion which it has forgotten, when it
 * holds nothing of that key: the deletion may have been of it. Such a write was under way, in a
 * stream that stood still, for longer than deletions are kept.
 *
 * What is looked at is the replica's store at the moment at which the request arrives; where the
 * same bytes brought it other records before, that says nothing, and nothing is asked. */

static struct gkv_forget_frame *place_of(struct gkv_trial *trial, uint64_t number)
{
    return &trial->forget_watch.frames[number % GKV_FORGET_FRAME_COUNT];
}

static struct gkv_forget_request *request_of(struct gkv_trial *trial, uint32_t node,
                                             uint64_t handle)
{
    return &trial->forget_watch.nodes[node].requests[handle % GKV_FORGET_REQUEST_COUNT];
}

/* Would this write go below what the node has forgotten? */
static bool is_below(const struct gkv_trial *trial, uint32_t node,
                     const struct gkv_forget_frame *frame)
{
    const struct gkv_store *store =
        gkv_node_store(gkv_endpoint_node(trial->world.hosts[node].endpoint));
    struct gkv_record held;
    return gkv_version_compare(frame->version, gkv_store_forgotten(store)) < 0 &&
           !gkv_check_holds(trial, node, frame->key, &held);
}

static void hear_arrival(struct gkv_trial *trial, const struct gkv_heard *heard)
{
    struct gkv_forget_node *watch = &trial->forget_watch.nodes[heard->node];
    struct gkv_forget_frame *frame = place_of(trial, heard->number);
    const bool is_write = frame->number == heard->number && frame->number != 0;
    if (heard->is_datagram) {
        return;
    }
    if (is_write && frame->handle != 0) {
        const bool is_asked =
            watch->mended_ns != heard->time_ns && is_below(trial, heard->node, frame);
        *request_of(trial, heard->node, frame->handle) =
            (struct gkv_forget_request){.handle = is_asked ? frame->handle : 0, .key = frame->key};
    } else if (is_write || heard->gist == NULL || heard->gist->kind == GKV_MESSAGE_SYNC_RECORDS) {
        watch->mended_ns = heard->time_ns;
    }
}

static void hear_reply(struct gkv_trial *trial, const struct gkv_heard *heard)
{
    const uint64_t handle = heard->message->as.write_reply.operation;
    struct gkv_forget_request *request = request_of(trial, heard->node, handle);
    if (handle == 0 || request->handle != handle) {
        return;
    }
    request->handle = 0;
    trial->tally.counts[GKV_HOLDS_FORGET]++;
    if (heard->message->as.write_reply.status == GKV_REPLY_OK) {
        trial->verdict.key = request->key;
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "forget",
                       "%s says that it stored a write of k%u that is older than a deletion which "
                       "it has forgotten, and held nothing of that key",
                       gkv_host_text(heard->node).text, (unsigned)request->key);
    }
}

static void hear(struct gkv_trial *trial, const struct gkv_heard *heard)
{
    const struct gkv_message *message = heard->message;
    if (heard->is_arrival) {
        hear_arrival(trial, heard);
    } else if (message->kind == GKV_MESSAGE_WRITE) {
        *place_of(trial, heard->number) =
            (struct gkv_forget_frame){.number = heard->number,
                                      .handle = message->as.write.operation,
                                      .version = message->as.write.record.version,
                                      .key = gkv_history_key_number(message->as.write.key)};
    } else if (message->kind == GKV_MESSAGE_WRITE_REPLY) {
        hear_reply(trial, heard);
    }
}

const struct gkv_check gkv_check_forget = {
    .name = "forget",
    .demands = "No replica stores a write that is older than a deletion which it has forgotten.",
    .hear_mask =
        GKV_HEARS(GKV_MESSAGE_WRITE) | GKV_HEARS(GKV_MESSAGE_WRITE_REPLY) | GKV_HEARS_ARRIVALS,
    .hear = hear,
};
