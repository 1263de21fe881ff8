/* A world for membership tests: a few gkv_swim that exchange messages in virtual time, LATENCY_NS
 * each way, in order of sending. Peer i has node id and address i + 1, and the seed of its
 * randomness is 1000 + i. Members of the test drive it by hand: no node, no codec.
 */
#ifndef GKV_TESTS_SWIM_WORLD_H
#define GKV_TESTS_SWIM_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "core/swim.h"

#define PEER_COUNT_MAX 8
#define LATENCY_NS GKV_NS_PER_MS
#define MAIL_COUNT_MAX 4096
#define SECOND_NS (1000 * GKV_NS_PER_MS)

struct peer {
    struct gkv_options options;
    struct gkv_members members;
    struct gkv_timers timers;
    struct gkv_actions actions;
    struct gkv_scratch scratch;
    struct gkv_hlc_clock clock;
    struct gkv_trace trace;
    struct gkv_swim swim;
    _Alignas(GKV_ARENA_ALIGN) uint8_t memory[1048576];
    uint32_t event_count;      /* member events seen by the application */
    uint32_t action_count_max; /* most actions of one call */
    bool is_down;
};

struct mail {
    uint64_t arrives_ns;
    uint32_t to;
    struct gkv_way way;
    struct gkv_message message; /* its updates are a copy on the heap */
    struct gkv_update *updates;
};

extern struct peer world_peers[PEER_COUNT_MAX];
extern uint32_t world_mail_count;
extern uint64_t world_now_ns;
extern uint32_t world_peer_count;
extern bool world_is_cut[PEER_COUNT_MAX][PEER_COUNT_MAX];          /* from, to */
extern bool world_loses_datagrams[PEER_COUNT_MAX][PEER_COUNT_MAX]; /* and no streams */
extern uint32_t world_sent_count[GKV_MESSAGE_KIND_COUNT];

struct gkv_address world_address_of(uint32_t number);

struct gkv_node_id world_id_of(uint32_t number);

struct gkv_step world_step_of(struct peer *peer);

/* The step is over: post what it wants sent. */
void world_drain(struct peer *peer);

/* Peer `number` starts in a boot, knowing one seed (a peer's number; its own: none). */
struct peer *world_start_sized(uint32_t number, uint64_t boot_id, uint32_t seed,
                               uint32_t member_count_max);

struct peer *world_start(uint32_t number, uint64_t boot_id, uint32_t seed);

void world_deliver_by(uint32_t to, const struct gkv_message *message, const struct gkv_way *way);

/* The same, as a datagram from an address. */
void world_deliver(uint32_t to, const struct gkv_message *message,
                   const struct gkv_address *source);

/* Handle everything up to and including a virtual time: timers first, then mail, at one instant. */
void world_run_until(uint64_t until_ns);

int world_teardown(void **state);

int world_setup(void **state);

/* What peer `viewer` holds of peer `number`. */
const struct gkv_update *world_view(uint32_t viewer, uint32_t number);

bool world_all_see_all_alive(void);

void world_start_cluster(uint32_t count);

/* Cut or mend both directions between two sets of world_peers, given as bit masks. */
void world_set_cut(uint32_t one, uint32_t other, bool cut);

/* The newest trace point of a kind about a peer, not before since_ns; NULL: none. */
const struct gkv_trace_point *world_traced(uint32_t viewer, enum gkv_trace_kind kind,
                                           uint32_t about, uint64_t since_ns);

struct gkv_message world_message_from(uint32_t number, uint64_t boot_id,
                                      enum gkv_message_kind kind);

struct gkv_update world_update_about(uint32_t number, uint64_t boot_id, uint32_t incarnation,
                                     enum gkv_member_state state);

/* Peer `to` hears from peer `from` of one update. */
void world_gossip(uint32_t from, uint32_t to, const struct gkv_update *update);

/* Find the one datagram of a kind that peer `from` posted last to `to`. */
const struct mail *world_last_mail(enum gkv_message_kind kind, uint32_t to);

#endif
