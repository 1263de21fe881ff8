/* A small simulated cluster for golden stories: named nodes, virtual milliseconds, and the trace of
 * what they decided as text that a person can read.
 *
 * Model     io_sim's world with a chance of zeroes: every link takes the same time, nothing is
 *           lost, and nothing is drawn but the nodes' own seeds. Time is counted from the cluster's
 *           beginning.
 */
#ifndef GKV_TESTS_CLUSTER_H
#define GKV_TESTS_CLUSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/trace.h"
#include "io_sim/world.h"

struct cluster_options {
    uint32_t nodes;
    uint64_t seed;             /* of the nodes' randomness */
    uint64_t latency_us;       /* of every link; 0: 1,000 */
    struct gkv_options *tuned; /* NULL: cluster_options_init's */
};

struct cluster;

/* What every node is told, before cluster_start fills in who it is: gkv_options_init with little
 * memory, N=3 W=2 R=2 and anti-entropy too rare to be seen. */
void cluster_options_init(struct gkv_options *options);

/* Start a cluster and let its members find each other; the story begins then, at 0 ms. */
struct cluster *cluster_start(const struct cluster_options *options);
void cluster_stop(struct cluster *cluster);

/* Let time pass until the story's ms. */
void cluster_run_until(struct cluster *cluster, uint64_t ms);

/* Milliseconds since the story began. */
uint64_t cluster_now_ms(const struct cluster *cluster);

/* Cut node off from all others, or one way from one to another, or heal everything. */
void cluster_cut(struct cluster *cluster, const char *node);
void cluster_cut_one_way(struct cluster *cluster, const char *from, const char *to);
void cluster_heal(struct cluster *cluster);

/* Stop a node's process for so long. */
void cluster_pause(struct cluster *cluster, const char *node, uint64_t ms);
void cluster_crash(struct cluster *cluster, const char *node);
void cluster_restart(struct cluster *cluster, const char *node);
void cluster_leave(struct cluster *cluster, const char *node);

/* Set a node's wall clock so far ahead of (or behind) the truth. */
void cluster_set_clock(struct cluster *cluster, const char *node, int64_t offset_ms);

/* Ask a node. The answer is found by cluster_answer once it is there. Returns the question's
 * number. */
uint32_t cluster_set(struct cluster *cluster, const char *node, const char *key, const char *value);
uint32_t cluster_get(struct cluster *cluster, const char *node, const char *key);
uint32_t cluster_delete(struct cluster *cluster, const char *node, const char *key);

/* "OK", "OK value", "NOT_FOUND" and so on, or "open"; lent until the next call. */
const char *cluster_answer(struct cluster *cluster, uint32_t question);

/* Forget what was traced so far: the next cluster_expect begins here. */
void cluster_forget(struct cluster *cluster);

/* Compare what nodes in `nodes` ("ab"; NULL: all) traced since cluster_forget, of kinds from
 * `first` to `last`, with a story of lines such as "1200 a probe c by way of b\n". Fails the test,
 * printing both. */
void cluster_expect(struct cluster *cluster, const char *nodes, const enum gkv_trace_kind kinds[2],
                    const char *story);

/* For cluster_expect. */
extern const enum gkv_trace_kind cluster_membership[2]; /* suspicions and states, not probes */
extern const enum gkv_trace_kind cluster_probing[2];    /* and probes */
extern const enum gkv_trace_kind cluster_data[2];       /* operations and repairs */

/* The names of the nodes that own a key, in order of preference. Lent until the next call. */
const char *cluster_owners(struct cluster *cluster, const char *key);

/* What a node holds under a key: "value", "deleted" or "nothing". Lent until the next call. */
const char *cluster_held(struct cluster *cluster, const char *node, const char *key);

#endif
