#include "bench/membership/ledger.h"

#include <string.h>

#include "core/arena.h"
#include "core/panic.h"
#include "io_sim/pool.h"
#include "proto/frame.h"

#define VALUE_BYTES_MAX 1 /* nobody stores anything here */

/* ---- Messages -------------------------------------------------------------------------------- */

/* Lay the codec out in memory of its own; counted first, as arenas are. */
bool ledger_init(struct ledger *ledger)
{
    struct gkv_codec counted;
    struct gkv_arena arena = gkv_arena_counting();
    memset(ledger, 0, sizeof(*ledger));
    ledger->watch.subject = LEDGER_NOBODY;
    (void)gkv_arena_carve(&arena, 1, sizeof(counted));
    gkv_codec_init(&counted, &arena, VALUE_BYTES_MAX);
    const size_t bytes = arena.used;
    ledger->codec_memory = gkv_pool_take(bytes);
    if (ledger->codec_memory == NULL) {
        return false;
    }
    arena = gkv_arena_over(ledger->codec_memory, bytes);
    ledger->codec = gkv_arena_carve(&arena, 1, sizeof(*ledger->codec));
    gkv_codec_init(ledger->codec, &arena, VALUE_BYTES_MAX);
    return true;
}

void ledger_free(struct ledger *ledger)
{
    gkv_pool_give(ledger->codec_memory);
    ledger->codec_memory = NULL;
}

static bool decode(struct ledger *ledger, struct gkv_bytes bytes, struct gkv_message *message_out)
{
    struct gkv_bytes payload;
    uint64_t cluster_hash = 0;
    return gkv_datagram_parse(bytes, &payload) == GKV_FRAME_WHOLE &&
           gkv_codec_decode(ledger->codec, payload, message_out, &cluster_hash) == GKV_OK;
}

static enum gkv_message_kind kind_of(struct ledger *ledger, struct gkv_bytes bytes)
{
    struct gkv_message message;
    return decode(ledger, bytes, &message) ? message.kind : GKV_MESSAGE_NONE;
}

static void on_datagram_out(struct ledger *ledger, const struct gkv_observation *observation)
{
    struct ledger_traffic *traffic = &ledger->traffic[observation->node];
    const struct gkv_bytes bytes = observation->output->as.datagram.bytes;
    const enum gkv_message_kind kind = kind_of(ledger, bytes);
    traffic->datagram_out_count++;
    traffic->datagram_out_bytes += bytes.count;
    ledger->kind_counts[kind]++;

    struct ledger_watch *watch = &ledger->watch;
    if (kind == GKV_MESSAGE_PING && watch->pinged_ns == 0 &&
        gkv_host_of_address(&observation->output->as.datagram.address) == watch->subject) {
        watch->pinged_ns = observation->time_ns;
    }
}

/* ---- Verdicts -------------------------------------------------------------------------------- */

static void watch_verdict(struct ledger_watch *watch, uint32_t by, uint64_t now_ns,
                          enum gkv_member_state state)
{
    if (watch->suspected_ns[by] == 0) {
        watch->suspected_ns[by] = now_ns;
        watch->suspected_count++;
    }
    if (state != GKV_MEMBER_SUSPECT && watch->unreachable_ns[by] == 0) {
        watch->unreachable_ns[by] = now_ns;
        watch->unreachable_count++;
    }
}

/* Did a node's last input say this of a member? */
static bool was_heard(struct ledger *ledger, uint32_t by, const struct gkv_update *said)
{
    const struct ledger_heard *heard = &ledger->heard;
    struct gkv_message message;
    const struct gkv_bytes bytes = {.data = heard->bytes, .count = heard->count};
    if (heard->node != by || heard->is_stream || !decode(ledger, bytes, &message)) {
        return heard->node == by && heard->is_stream;
    }
    for (uint32_t i = 0; i < message.as.gossip.update_count; i++) {
        const struct gkv_update *update = &message.as.gossip.updates[i];
        if (gkv_node_id_equal(update->who.id, said->who.id) && update->state == said->state) {
            return true;
        }
    }
    return false;
}

static void count_false(struct ledger *ledger, uint32_t by, uint32_t subject,
                        const struct gkv_update *said)
{
    struct ledger_false *counts = &ledger->false_verdicts;
    const bool is_own = !was_heard(ledger, by, said);
    if (said->state == GKV_MEMBER_SUSPECT) {
        counts->suspicion_count += is_own;
        return;
    }
    if (said->state == GKV_MEMBER_EVICTED) {
        ledger->was_evicted[subject] = ledger->was_evicted[subject] || !ledger->is_anomalous[by];
        return; /* the verdict was counted before */
    }
    ledger->was_removed[subject] = ledger->was_removed[subject] || !ledger->is_anomalous[by];
    counts->count += is_own;
    counts->healthy_count += is_own && !ledger->is_anomalous[by];
    counts->hearsay_count += !is_own;
}

static void on_member(struct ledger *ledger, const struct gkv_observation *observation)
{
    const struct gkv_update *member = &observation->output->as.member;
    const uint32_t subject = gkv_host_of_address(&member->address);
    GKV_ASSERT(subject < LEDGER_NODE_COUNT_MAX);
    if (member->state != GKV_MEMBER_SUSPECT && member->state != GKV_MEMBER_UNREACHABLE &&
        member->state != GKV_MEMBER_EVICTED) {
        return;
    }
    if (subject == ledger->watch.subject) {
        watch_verdict(&ledger->watch, observation->node, observation->time_ns, member->state);
    }
    if (ledger->is_up[subject] && !ledger->is_anomalous[subject]) {
        count_false(ledger, observation->node, subject, member);
    }
}

static void hear(struct ledger *ledger, const struct gkv_observation *observation)
{
    struct ledger_heard *heard = &ledger->heard;
    heard->node = observation->node;
    heard->is_stream = observation->kind == GKV_OBSERVE_RECEIVED;
    heard->count = 0;
    if (observation->kind == GKV_OBSERVE_DATAGRAM) {
        heard->count = (uint32_t)observation->bytes.count;
        memcpy(heard->bytes, observation->bytes.data, observation->bytes.count);
    }
}

/* ---- What happens ---------------------------------------------------------------------------- */

static void on_output(struct ledger *ledger, const struct gkv_observation *observation)
{
    if (observation->output->kind == GKV_OUTPUT_DATAGRAM) {
        on_datagram_out(ledger, observation);
    } else if (observation->output->kind == GKV_OUTPUT_MEMBER) {
        on_member(ledger, observation);
    }
}

void ledger_observe(void *context, const struct gkv_observation *observation)
{
    struct ledger *ledger = context;
    const uint32_t node = observation->node;
    struct ledger_traffic *traffic = &ledger->traffic[node];
    switch (observation->kind) {
    case GKV_OBSERVE_BOOT:
        ledger->is_up[node] = true;
        break;
    case GKV_OBSERVE_CRASH:
        ledger->is_up[node] = false;
        break;
    case GKV_OBSERVE_DATAGRAM:
        hear(ledger, observation);
        traffic->datagram_in_count++;
        traffic->datagram_in_bytes += observation->bytes.count;
        break;
    case GKV_OBSERVE_RECEIVED:
        hear(ledger, observation);
        traffic->stream_in_bytes += observation->bytes.count;
        break;
    case GKV_OBSERVE_SENT:
        traffic->stream_out_bytes += observation->bytes.count;
        break;
    case GKV_OBSERVE_TIMER:
        hear(ledger, observation);
        break;
    case GKV_OBSERVE_OUTPUT:
        on_output(ledger, observation);
        break;
    case GKV_OBSERVE_LEAVE:
    case GKV_OBSERVE_SUBMIT:
    case GKV_OBSERVE_CONNECTED:
    case GKV_OBSERVE_ACCEPTED:
    case GKV_OBSERVE_CLOSED:
    case GKV_OBSERVE_CALL:
    case GKV_OBSERVE_PAUSE:
    case GKV_OBSERVE_RESUME:
        break;
    }
}

void ledger_watch(struct ledger *ledger, uint32_t subject)
{
    memset(&ledger->watch, 0, sizeof(ledger->watch));
    ledger->watch.subject = subject;
}

struct ledger_traffic ledger_total(const struct ledger *ledger)
{
    struct ledger_traffic total = {.datagram_out_count = 0};
    for (uint32_t i = 0; i < LEDGER_NODE_COUNT_MAX; i++) {
        const struct ledger_traffic *traffic = &ledger->traffic[i];
        total.datagram_out_count += traffic->datagram_out_count;
        total.datagram_out_bytes += traffic->datagram_out_bytes;
        total.datagram_in_count += traffic->datagram_in_count;
        total.datagram_in_bytes += traffic->datagram_in_bytes;
        total.stream_out_bytes += traffic->stream_out_bytes;
        total.stream_in_bytes += traffic->stream_in_bytes;
    }
    return total;
}

uint64_t ledger_sent(const struct ledger *ledger, enum gkv_message_kind kind)
{
    return ledger->kind_counts[kind];
}
