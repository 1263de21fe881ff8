#include "sim/check.h"

/* Whoever asks is answered, and nobody else: what a node replies, in a stream, names a question of
 * the node to which that stream leads. A reply that goes elsewhere is lost, and as long as others
 * answer, no client sees that. Two nodes may give one handle to their questions, each to one of its
 * own. Where two questions need one place in our table, nothing is said of their answers. */

static struct gkv_reply_question *place_of(struct gkv_trial *trial, uint64_t handle)
{
    /* The generation, which is another for each question of a node: core/pending.h. */
    return &trial->reply_watch.questions[(handle >> 32) % GKV_REPLY_QUESTION_COUNT];
}

static void hear_question(struct gkv_trial *trial, uint32_t node, uint64_t handle)
{
    struct gkv_reply_question *question = place_of(trial, handle);
    if (handle == 0) {
        return; /* no answer is wanted */
    }
    question->is_shared =
        question->is_shared || (question->handle != 0 && question->handle != handle);
    question->handle = handle;
    gkv_nodes_add(&question->askers, node);
}

static void hear_reply(struct gkv_trial *trial, const struct gkv_heard *heard, uint64_t handle)
{
    const struct gkv_reply_question *question = place_of(trial, handle);
    const uint32_t listener = gkv_check_listener(trial, heard);
    if (handle == 0 || question->is_shared || question->handle != handle) {
        return;
    }
    trial->tally.counts[GKV_HOLDS_REPLIED]++;
    if (!gkv_nodes_has(&question->askers, listener)) {
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "reply",
                       "%s answers %s, which had not asked that, but another",
                       gkv_host_text(heard->node).text, gkv_host_text(listener).text);
    }
}

static void hear(struct gkv_trial *trial, const struct gkv_heard *heard)
{
    const struct gkv_message *message = heard->message;
    if (heard->is_arrival) {
        return;
    }
    if (message->kind == GKV_MESSAGE_READ) {
        hear_question(trial, heard->node, message->as.read.operation);
    } else if (message->kind == GKV_MESSAGE_WRITE) {
        hear_question(trial, heard->node, message->as.write.operation);
    } else if (message->kind == GKV_MESSAGE_READ_REPLY) {
        hear_reply(trial, heard, message->as.read_reply.operation);
    } else if (message->kind == GKV_MESSAGE_WRITE_REPLY) {
        hear_reply(trial, heard, message->as.write_reply.operation);
    }
}

const struct gkv_check gkv_check_reply = {
    .name = "reply",
    .demands = "Whoever asks is answered, and nobody else.",
    .hear_mask = GKV_HEARS_OPERATIONS,
    .hear = hear,
};
