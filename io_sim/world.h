/* Simulated nodes, their network and their time, and the one loop that moves them.
 *
 * Model     Discrete events: take the next occasion, give it to the endpoint it is for, take that
 *           endpoint's outputs and put them on their way, exactly as the POSIX shim does. One
 *           thread, no clock, no randomness but the caller's chance.
 * Bounds    All memory is taken by gkv_world_create; nothing is allocated after it.
 * Invariant Every input and output is folded into the chain, so that two runs with one chain are
 *           one run.
 * Not here  What is done to the world, and what must hold in it: sim/.
 */
#ifndef GKV_IO_SIM_WORLD_H
#define GKV_IO_SIM_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/error.h"
#include "core/event.h"
#include "io_sim/agenda.h"
#include "io_sim/chance.h"
#include "io_sim/host.h"
#include "io_sim/net.h"
#include "proto/endpoint.h"

#define GKV_WORLD_OCCASION_COUNT 32768 /* of up to 32 nodes; then as many for each */
#define GKV_WORLD_CHAIN_SEED UINT64_C(0x6772696473696d31)
#define GKV_WORLD_NOTE_BYTES 4096 /* hashed at once */

enum gkv_observation_kind {
    GKV_OBSERVE_BOOT = 1,
    GKV_OBSERVE_CRASH = 2,
    GKV_OBSERVE_LEAVE = 3,
    GKV_OBSERVE_SUBMIT = 4, /* operation, before the endpoint sees it */
    GKV_OBSERVE_DATAGRAM = 5,
    GKV_OBSERVE_RECEIVED = 6,
    GKV_OBSERVE_CONNECTED = 7,
    GKV_OBSERVE_ACCEPTED = 8,
    GKV_OBSERVE_CLOSED = 9,
    GKV_OBSERVE_TIMER = 10,
    GKV_OBSERVE_SENT = 11,
    GKV_OBSERVE_OUTPUT = 12, /* output */
    GKV_OBSERVE_CALL = 13,   /* argument: the caller's own occasion */
    GKV_OBSERVE_PAUSE = 14,  /* argument: until when, ns */
    GKV_OBSERVE_RESUME = 15,
};

/* What just happened at a node; lent for the call. */
struct gkv_observation {
    enum gkv_observation_kind kind;
    uint32_t node;
    uint64_t time_ns;
    struct gkv_bytes bytes; /* DATAGRAM, RECEIVED, SENT */
    uint64_t argument;      /* CALL; CRASH: silent_ns; of streams: their index and generation */
    uint64_t connection;    /* SENT, RECEIVED: the same number at both ends, and of no other; not in
                               the chain */
    bool is_damaged;        /* RECEIVED: bytes of the stream were changed, or are missing */
    const struct gkv_operation *operation;
    const struct gkv_output *output;
};

struct gkv_observer {
    void (*observe)(void *context, const struct gkv_observation *observation);
    void *context;
};

struct gkv_world_options {
    uint32_t node_count;
    uint32_t life_count_max;    /* of every node */
    struct gkv_options node;    /* of every node; names, addresses, boots and seeds are filled in */
    uint32_t receive_bytes_max; /* bytes given to an endpoint at once; 0: as many as fit */
    uint32_t window_bytes;      /* under way in a stream at once; 0: as much as pipes hold */
    uint32_t socket_count_max;  /* datagrams that wait at a host which takes none; 0: any number */
    uint32_t timer_late_ns_max; /* timers come up to so much late */
    uint32_t timer_early_ns_max; /* and before that, up to so much early, again and again */
    uint32_t in_place_ppm;       /* operations that clients try to do themselves: core/inplace.h */
};

struct gkv_world {
    struct gkv_world_options options;
    struct gkv_chance chance;
    struct gkv_observer observer;
    uint64_t now_ns;
    uint64_t event_count; /* inputs given to endpoints, ever */
    uint64_t chain;       /* the last link's first half; the second is the first word noted */
    size_t note_bytes;
    uint8_t notes[GKV_WORLD_NOTE_BYTES]; /* since the last link */
    struct gkv_agenda agenda;
    struct gkv_net net;
    struct gkv_host hosts[GKV_NET_NODE_COUNT_MAX];
    void *occasion_memory;
    void *net_memory;
};

/* Make a world whose time is 1 s; no node is up yet. Every node's seeds must be in options.node.
 * GKV_ERROR_OPTION, GKV_ERROR_MEMORY: nothing is kept. */
GKV_MUST_USE enum gkv_error gkv_world_create(struct gkv_world *world,
                                             const struct gkv_world_options *options,
                                             const struct gkv_chance *chance,
                                             const struct gkv_observer *observer);
void gkv_world_destroy(struct gkv_world *world);

/* Do something to a node. boot: it is down; the others: it is up, and not paused but for crash. */
void gkv_world_boot(struct gkv_world *world, uint32_t node);
void gkv_world_crash(struct gkv_world *world, uint32_t node, uint64_t silent_ns);
void gkv_world_leave(struct gkv_world *world, uint32_t node);

/* Stop a node as SIGSTOP does: its system goes on to take in what arrives, and at until_ns it gets
 * all of it at once, in order, and its timers late. */
void gkv_world_pause(struct gkv_world *world, uint32_t node, uint64_t until_ns);

/* Let nothing in or out of a node before until_ns, while its timers go on: what it says meanwhile
 * leaves then, and what arrives comes then. Neither in the chain nor observed. */
void gkv_world_block(struct gkv_world *world, uint32_t node, uint64_t until_ns);
void gkv_world_submit(struct gkv_world *world, uint32_t node,
                      const struct gkv_operation *operation);

/* Be called (GKV_OBSERVE_CALL) at time_ns. */
void gkv_world_call_at(struct gkv_world *world, uint64_t time_ns, uint64_t argument);

/* Let the next thing happen: true, or false when there is nothing before or at until_ns; then the
 * world's time is until_ns. */
bool gkv_world_step(struct gkv_world *world, uint64_t until_ns);

static inline struct gkv_link *gkv_world_link(struct gkv_world *world, uint32_t from, uint32_t to)
{
    return &world->net.links[from][to];
}

/* Fold words into the chain. */
void gkv_world_note(struct gkv_world *world, const uint64_t *words, uint32_t word_count);

/* The chain over all that was noted so far. */
void gkv_world_chain(const struct gkv_world *world, uint64_t chain_out[2]);

#endif
