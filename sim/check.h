/* What must hold: one property per file, each watching what goes into the nodes and comes out.
 *
 * Model     `observe` sees every observation that told_mask names, after the history was written;
 *           it fails the trial at the moment something is wrong. `settle` is asked in quiet phases
 *           whether the cluster has come to agree; it says why not. `finish` is called once, at the
 *           end of IDLE, or of WORK where a run need not settle: what it asks there must hold in
 *           the midst of faults. `hear` is told what nodes say, decoded, after `observe` saw its
 *           bytes. A check may have any of them.
 * Invariant A check reads nodes only through their read-only functions, and recomputes what it
 *           expects by its own code.
 */
#ifndef GKV_SIM_CHECK_H
#define GKV_SIM_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "sim/overhear.h"
#include "sim/owners.h"
#include "sim/trial.h"

#define GKV_CHECK_COUNT_MAX 64 /* one bit of a mask each */

/* What a check's `observe` is told of: bits for kinds of observation, and for kinds of output where
 * the observation is an OUTPUT. */
#define GKV_TOLD(kind) (UINT64_C(1) << (unsigned)(kind))
#define GKV_TOLD_OUTPUT(kind) (UINT64_C(1) << (32 + (unsigned)(kind)))

/* All that makes a node step. */
#define GKV_TOLD_INPUTS                                                                        \
    (GKV_TOLD(GKV_OBSERVE_BOOT) | GKV_TOLD(GKV_OBSERVE_LEAVE) | GKV_TOLD(GKV_OBSERVE_SUBMIT) | \
     GKV_TOLD(GKV_OBSERVE_DATAGRAM) | GKV_TOLD(GKV_OBSERVE_RECEIVED) |                         \
     GKV_TOLD(GKV_OBSERVE_CONNECTED) | GKV_TOLD(GKV_OBSERVE_ACCEPTED) |                        \
     GKV_TOLD(GKV_OBSERVE_CLOSED) | GKV_TOLD(GKV_OBSERVE_TIMER))

/* What a check's `hear` is told of: bits for kinds of messages that are said, of which a HELLO is
 * NONE, and one for all that arrives. */
#define GKV_HEARS(kind) (UINT32_C(1) << (unsigned)(kind))
#define GKV_HEARS_SAID (GKV_HEARS(GKV_MESSAGE_KIND_COUNT) - 1)
#define GKV_HEARS_ARRIVALS GKV_HEARS(GKV_MESSAGE_KIND_COUNT)

/* All that brings rumours. */
#define GKV_HEARS_GOSSIP                                                                          \
    (GKV_HEARS(GKV_MESSAGE_PING) | GKV_HEARS(GKV_MESSAGE_ACK) | GKV_HEARS(GKV_MESSAGE_PING_REQ) | \
     GKV_HEARS(GKV_MESSAGE_NACK) | GKV_HEARS(GKV_MESSAGE_GOSSIP))

/* What coordinators ask, and are answered. */
#define GKV_HEARS_OPERATIONS                                           \
    (GKV_HEARS(GKV_MESSAGE_READ) | GKV_HEARS(GKV_MESSAGE_READ_REPLY) | \
     GKV_HEARS(GKV_MESSAGE_WRITE) | GKV_HEARS(GKV_MESSAGE_WRITE_REPLY))

struct gkv_check {
    const char *name;
    const char *demands; /* a sentence for who reads a failure */
    uint64_t told_mask;  /* with `observe`; 0: everything */
    uint32_t hear_mask;  /* with `hear`; 0: everything */
    void (*observe)(struct gkv_trial *trial, const struct gkv_observation *observation);
    bool (*settle)(struct gkv_trial *trial, char *why, size_t why_bytes);
    void (*finish)(struct gkv_trial *trial);
    void (*hear)(struct gkv_trial *trial, const struct gkv_heard *heard);
};

extern const struct gkv_check gkv_check_open; /* each operation completes exactly once, in time */
extern const struct gkv_check
    gkv_check_value; /* nothing is read that nobody wrote, or that expired */
extern const struct gkv_check
    gkv_check_quorum; /* what was acknowledged is seen by whoever asks later */
extern const struct gkv_check gkv_check_member; /* all live nodes agree on who is there */
extern const struct gkv_check gkv_check_store;  /* the owners of a key agree on version and value */
extern const struct gkv_check gkv_check_wire;   /* what nodes say is well formed */
extern const struct gkv_check gkv_check_clock;  /* stamps grow with what happened before */
extern const struct gkv_check gkv_check_incarnation; /* only a node raises its incarnation */
extern const struct gkv_check gkv_check_durable;     /* what was acknowledged is on W owners */
extern const struct gkv_check gkv_check_ttl;         /* what expired is gone, and stays so */
extern const struct gkv_check gkv_check_session;     /* clients see their own writes */
extern const struct gkv_check gkv_check_quiet;       /* a settled cluster becomes quiet */
extern const struct gkv_check gkv_check_accuracy;    /* nobody suspects who is up */
extern const struct gkv_check gkv_check_precedence;  /* news of members move forward */
extern const struct gkv_check gkv_check_dead;        /* who dies is found out in time */
extern const struct gkv_check gkv_check_refute;      /* who is accused refutes at once */
extern const struct gkv_check gkv_check_spread;      /* and tells it to others unasked */
extern const struct gkv_check gkv_check_leak;        /* an idle node is as a fresh one */
extern const struct gkv_check gkv_check_leftover;    /* what others hold, owners hold */
extern const struct gkv_check gkv_check_ring;        /* all have one ring */
extern const struct gkv_check gkv_check_copies;      /* a set goes to all owners at once */
extern const struct gkv_check gkv_check_grey;        /* who is accused in vain is known to be */
extern const struct gkv_check gkv_check_refusal;     /* nobody refuses what could be asked */
extern const struct gkv_check gkv_check_intersect;   /* who stored a set answers later gets */
extern const struct gkv_check gkv_check_table;       /* a table is told as a whole */
extern const struct gkv_check gkv_check_reply;       /* who asks is answered, and nobody else */

extern const struct gkv_check gkv_check_buddy;    /* a suspect is told in the ping */
extern const struct gkv_check gkv_check_accuser;  /* who accuses has asked, and counts once */
extern const struct gkv_check gkv_check_nack;     /* a helper that heard does not deny it */
extern const struct gkv_check gkv_check_probe;    /* one probe of a member at a time */
extern const struct gkv_check gkv_check_reach;    /* by streams where datagrams fail */
extern const struct gkv_check gkv_check_stall;    /* deadlines wait for who stood still */
extern const struct gkv_check gkv_check_witness;  /* who is deaf accuses nobody */
extern const struct gkv_check gkv_check_pace;     /* as well as it is, so often it asks */
extern const struct gkv_check gkv_check_rebuttal; /* the accuser hears of it at once */
extern const struct gkv_check gkv_check_goodbye;  /* who leaves does so in time */
extern const struct gkv_check gkv_check_service;  /* nobody serves alone */
extern const struct gkv_check gkv_check_recall;   /* who was evicted is called again */
extern const struct gkv_check gkv_check_forget;   /* nothing is stored below what is forgotten */
extern const struct gkv_check gkv_check_left;     /* who has left is forgotten, and not too soon */
extern const struct gkv_check gkv_check_evict;    /* who is unreachable is evicted in time */

extern const struct gkv_check gkv_check_hotcache;  /* what is answered without asking is fresh */
extern const struct gkv_check gkv_check_suspicion; /* nobody is suspect for ever */

extern const struct gkv_check gkv_check_memory; /* no node writes past its memory: sim/trial.c */

/* All of them, and NULL. Their places are the bits of gkv_trial_options.check_off_mask. */
extern const struct gkv_check *const gkv_checks[];

/* The place of the check of a name in gkv_checks; GKV_CHECK_COUNT_MAX: there is none. */
uint32_t gkv_check_find(const char *name);

/* What fails under this name when it does not hold, also "assertion", "determinism", "limit",
 * "room" and "crash", which are no checks; "" for another. */
const char *gkv_check_demands(const char *name);

/* Is a node up, and did it not say goodbye, nor was cut off for ever? Of these all is asked. */
static inline bool gkv_check_is_core(const struct gkv_trial *trial, uint32_t node)
{
    return trial->world.hosts[node].is_up && !gkv_nodes_has(&trial->left, node) &&
           !gkv_nodes_has(&trial->outsiders, node);
}

/* What a node's mono clock shows now. */
static inline uint64_t gkv_check_mono_ns(const struct gkv_trial *trial, uint32_t node)
{
    return gkv_sim_clock_mono_ns(&trial->world.hosts[node].clock, trial->world.now_ns);
}

/* Fill in what the scenario's nodes are called. */
void gkv_check_name_nodes(struct gkv_trial *trial);

/* The node of a name, or GKV_HISTORY_NONE. */
uint32_t gkv_check_node_of_id(const struct gkv_trial *trial, struct gkv_node_id id);

/* To whom the connection leads in which this was said, in a stream. */
uint32_t gkv_check_listener(const struct gkv_trial *trial, const struct gkv_heard *heard);

/* How often a node found that it had stood still, in this life; 0 in tests of histories. */
uint64_t gkv_check_stall_count(const struct gkv_trial *trial, uint32_t node);

/* What a node that is up holds of itself, lent until the next step. */
const struct gkv_update *gkv_check_self(const struct gkv_trial *trial, uint32_t node);

/* What a node holds of another, lent until the next step; NULL: nothing. The state alone: NONE. */
const struct gkv_update *gkv_check_held(const struct gkv_trial *trial, uint32_t holder,
                                        uint32_t about);
enum gkv_member_state gkv_check_state(const struct gkv_trial *trial, uint32_t holder,
                                      uint32_t about);

/* Does precedence_watch.held say what a node holds of another, at the moment at which it speaks? A
 * node with very many members may leave out news of them when much happens at once. */
#define GKV_CHECK_TELLS_ALL_COUNT_MAX 32
static inline bool gkv_check_tells_all(const struct gkv_trial *trial)
{
    return trial->scenario.node_count <= GKV_CHECK_TELLS_ALL_COUNT_MAX;
}

/* Does a live node hold anything of a key? record_out, which may be NULL, is filled without the
 * value; what has expired is not told apart. */
bool gkv_check_holds(const struct gkv_trial *trial, uint32_t node, uint32_t key,
                     struct gkv_record *record_out);

#endif
