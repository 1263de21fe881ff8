/* What a cluster did, counted: messages and bytes by node, who accused whom and when, and which
 * accusations were false.
 *
 * Model     It observes the world. A verdict is a member event: a node tells its application that
 *           another is SUSPECT or UNREACHABLE. It is the node's own unless the input that brought
 *           it says so, too. A verdict UNREACHABLE about a node that is up is false; about one that
 *           is up but under an anomaly it is neither false nor true, as Lifeguard counts (DSN
 *           2018).
 * Not here  Making things happen: crowd.h. Quantiles: numbers.h.
 */
#ifndef BENCH_MEMBERSHIP_LEDGER_H
#define BENCH_MEMBERSHIP_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "io_sim/world.h"
#include "proto/codec.h"

#define LEDGER_NODE_COUNT_MAX (GKV_NET_NODE_COUNT_MAX - 1)
#define LEDGER_NOBODY UINT32_MAX

struct ledger_traffic {
    uint64_t datagram_out_count, datagram_out_bytes;
    uint64_t datagram_in_count, datagram_in_bytes;
    uint64_t stream_out_bytes, stream_in_bytes;
};

/* What became of one node in the eyes of the others; times are of the world, 0: not yet. */
struct ledger_watch {
    uint32_t subject; /* LEDGER_NOBODY: none */
    uint64_t pinged_ns;
    uint64_t suspected_ns[LEDGER_NODE_COUNT_MAX]; /* by whom; SUSPECT or worse */
    uint64_t unreachable_ns[LEDGER_NODE_COUNT_MAX];
    uint32_t suspected_count;
    uint32_t unreachable_count;
};

struct ledger_false {
    uint64_t count;           /* own verdicts UNREACHABLE about healthy nodes: the papers' FP */
    uint64_t healthy_count;   /* of them, those of healthy nodes: FP- */
    uint64_t hearsay_count;   /* such verdicts of nodes that heard them from others */
    uint64_t suspicion_count; /* own accusations of healthy nodes */
};

/* The last input that can bring news. */
struct ledger_heard {
    uint32_t node;
    bool is_stream; /* a whole table: taken for hearsay */
    uint32_t count; /* bytes of a datagram */
    uint8_t bytes[GKV_DATAGRAM_BYTES_MAX];
};

struct ledger {
    struct ledger_traffic traffic[LEDGER_NODE_COUNT_MAX];
    uint64_t kind_counts[GKV_MESSAGE_KIND_COUNT]; /* of datagrams sent */
    struct ledger_watch watch;
    struct ledger_false false_verdicts;
    bool is_up[LEDGER_NODE_COUNT_MAX];
    bool is_anomalous[LEDGER_NODE_COUNT_MAX]; /* set by whoever makes the anomaly */
    bool was_removed[LEDGER_NODE_COUNT_MAX];  /* a healthy node held it UNREACHABLE by mistake */
    bool was_evicted[LEDGER_NODE_COUNT_MAX];  /* or EVICTED */
    struct ledger_heard heard;
    struct gkv_codec *codec;
    void *codec_memory;
};

/* False: no memory. */
bool ledger_init(struct ledger *ledger);
void ledger_free(struct ledger *ledger);

/* A gkv_observer of the world; context is the ledger. */
void ledger_observe(void *context, const struct gkv_observation *observation);

/* Forget the watch before, and watch this node from now on. */
void ledger_watch(struct ledger *ledger, uint32_t subject);

/* The sum over all nodes. */
struct ledger_traffic ledger_total(const struct ledger *ledger);

/* Messages of one kind that were sent as datagrams. */
uint64_t ledger_sent(const struct ledger *ledger, enum gkv_message_kind kind);

#endif
