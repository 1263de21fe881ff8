/* After everything was read: a settled cluster whose clients have gone home.
 *
 * Model     IDLE: nothing is asked and nothing strikes, but that in some trials one link is cut one
 *           way, which others can ping around. First what is still under way comes to its end; from
 *           begin_ns on nothing but the routine may be said. LOSS, in some trials: one node dies,
 *           and all the others must find out by deadline_ns.
 * Bounds    IDLE lasts some seconds; LOSS until all know, at most a bound that follows from the
 *           options (core/swim.h, core/suspicion.h).
 * Not here  What must hold: sim/check_quiet.c, check_accuracy.c, check_dead.c, check_leak.c.
 */
#ifndef GKV_SIM_IDLE_H
#define GKV_SIM_IDLE_H

#include <stdbool.h>
#include <stdint.h>

#include "io_sim/net.h"
#include "sim/nodes.h"

struct gkv_heard;
struct gkv_options;
struct gkv_trial;

struct gkv_idle {
    uint64_t begin_ns;  /* from here on it is quiet; GKV_NEVER: not yet */
    uint64_t until_ns;  /* nobody looks whether it is before */
    uint64_t latest_ns; /* it is by then */
    uint64_t rumour_ns; /* when somebody last said a GOSSIP */
    uint64_t end_ns;
    uint64_t datagram_bytes[GKV_NET_NODE_COUNT_MAX]; /* sent by each node before begin_ns */
    uint64_t stream_bytes[GKV_NET_NODE_COUNT_MAX];
    struct gkv_nodes watched; /* nodes that were up at begin_ns */
    struct gkv_nodes spared;  /* of these, such as hold keys that are others' */
    bool is_cut;              /* one link, all the time */
    bool has_news;        /* some knew more of a member than others, which PUSH_PULL still tells */
    uint32_t lost_node;   /* LOSS: who dies */
    uint64_t deadline_ns; /* and by when all the others know */
};

/* How long a suspect may refute at the most (core/suspicion.h). */
uint64_t gkv_idle_suspicion_ns(const struct gkv_options *options, uint32_t member_count);

/* For how long what an outsider says may have one of the others be suspect: who hears nobody
 * accuses everybody, and may be heard. The refutation is told a few times, and may miss who
 * believes it; without options.buddy nothing else tells him before the suspicion is over and has
 * been refuted, within a second. 0 without outsiders. */
uint64_t gkv_idle_accused_ns(const struct gkv_trial *trial);

/* Begin IDLE; it is not quiet yet. Cuts a link in some trials. */
void gkv_idle_begin(struct gkv_trial *trial);

/* Something was said. */
void gkv_idle_hear(struct gkv_trial *trial, const struct gkv_heard *heard);

/* True when it is not quiet before a time, and to be asked again then. */
bool gkv_idle_wait(struct gkv_trial *trial, uint64_t *until_ns_out);

/* It is quiet: note what was said so far. Fills begin_ns and end_ns. */
void gkv_idle_note(struct gkv_trial *trial);

/* Begin LOSS: true when a node dies. */
bool gkv_idle_lose(struct gkv_trial *trial);

#endif
