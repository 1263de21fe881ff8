#include "sim/check.h"
#include <string.h>

/* A helper owes who asked it one word for each request: that the target answered, or, when its time
 * is nearly over, that nothing was heard so far (Lifeguard's NACK). Once the answers to all
 * requests of a probe were handed on, nothing is owed, and a NACK would speak against a member that
 * is there. The network may double a request: it is owed twice then. */

/* The request that a node was asked, which may be forgotten; new: make one. */
static struct gkv_nack_request *find(struct gkv_trial *trial, uint32_t helper, uint32_t asker,
                                     const struct gkv_gist *gist, bool is_new)
{
    struct gkv_nack_watch *watch = &trial->nack_watch;
    for (uint32_t i = 0; i < GKV_NACK_REQUEST_COUNT; i++) {
        struct gkv_nack_request *request = &watch->requests[helper][i];
        if (request->asked_count > 0 && request->asker == asker &&
            request->sequence == gist->sequence &&
            gkv_node_id_equal(request->about, gist->about.id)) {
            return request;
        }
    }
    if (!is_new) {
        return NULL;
    }
    struct gkv_nack_request *request =
        &watch->requests[helper][watch->count[helper]++ % GKV_NACK_REQUEST_COUNT];
    *request = (struct gkv_nack_request){
        .about = gist->about.id, .asker = asker, .sequence = gist->sequence};
    return request;
}

static void check_nack(struct gkv_trial *trial, const struct gkv_heard *heard,
                       struct gkv_nack_request *request)
{
    trial->tally.counts[GKV_HOLDS_NACK]++;
    request->nack_count++;
    if (request->answer_count >= request->asked_count ||
        request->nack_count > request->asked_count) {
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "nack",
                       "%s tells %s that it heard nothing, of what it was asked %u times: it "
                       "handed %u answers on, and said so %u times before",
                       gkv_host_text(heard->node).text, gkv_host_text(heard->to).text,
                       (unsigned)request->asked_count, (unsigned)request->answer_count,
                       (unsigned)request->nack_count - 1);
    }
}

static void hear(struct gkv_trial *trial, const struct gkv_heard *heard)
{
    if (!heard->is_datagram) {
        return;
    }
    if (heard->is_arrival) {
        if (heard->gist != NULL && heard->gist->kind == GKV_MESSAGE_PING_REQ) {
            find(trial, heard->node, heard->gist->from, heard->gist, true)->asked_count++;
        }
        return;
    }
    const enum gkv_message_kind kind = heard->message->kind;
    if (kind != GKV_MESSAGE_ACK && kind != GKV_MESSAGE_NACK) {
        return;
    }
    const struct gkv_gist gist = gkv_gist_of(heard->node, heard->message);
    struct gkv_nack_request *request = find(trial, heard->node, heard->to, &gist, false);
    if (request == NULL) {
        return;
    }
    if (kind == GKV_MESSAGE_ACK) {
        request->answer_count++;
    } else {
        check_nack(trial, heard, request);
    }
}

static void observe(struct gkv_trial *trial, const struct gkv_observation *observation)
{
    struct gkv_nack_watch *watch = &trial->nack_watch;
    watch->count[observation->node] = 0;
    memset(watch->requests[observation->node], 0, sizeof(watch->requests[observation->node]));
}

const struct gkv_check gkv_check_nack = {
    .name = "nack",
    .demands = "A helper that handed the answers on does not say that it heard nothing.",
    .told_mask = GKV_TOLD(GKV_OBSERVE_BOOT),
    .observe = observe,
    .hear_mask = GKV_HEARS(GKV_MESSAGE_ACK) | GKV_HEARS(GKV_MESSAGE_NACK) | GKV_HEARS_ARRIVALS,
    .hear = hear,
};
