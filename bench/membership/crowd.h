/* N nodes in a simulated world, without clients: what the membership benchmark does things to.
 *
 * Model     io_sim with a generator for its chance, so that a seed gives one run. Every link has
 *           the latency of a LAN, 0.1 to 0.6 ms one way. A node crashes as a machine without power
 *           does: nothing is reset, and who dials it hears nothing.
 * Bounds    CROWD_SOCKET_COUNT datagrams wait at a node that takes none, each way; more are lost.
 * Invariant Everything that the world shows is in the ledger.
 */
#ifndef BENCH_MEMBERSHIP_CROWD_H
#define BENCH_MEMBERSHIP_CROWD_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/membership/ledger.h"
#include "core/options.h"
#include "core/prng.h"
#include "io_sim/world.h"

#define CROWD_SOCKET_COUNT 256 /* Linux: 212,992 bytes, and 768 for each small one */
#define MS GKV_NS_PER_MS
#define SECOND (1000 * MS)

struct crowd {
    struct gkv_world world;
    struct gkv_prng luck; /* the world's */
    struct gkv_prng plan; /* the experimenter's: whom to crash, and when */
    struct ledger ledger;
    uint32_t node_count;
    uint32_t last_doubted; /* whose view was not whole when that was last asked */
};

/* Make the nodes; none is up. life_count: how often each may be booted. NULL: no memory. */
struct crowd *crowd_create(const struct gkv_options *node, uint32_t node_count, uint32_t life_count,
                           uint64_t seed);
void crowd_destroy(struct crowd *crowd);

uint64_t crowd_now_ns(const struct crowd *crowd);

/* Let time pass. */
void crowd_run(struct crowd *crowd, uint64_t for_ns);

/* Let time pass until is_so says so, which is asked after everything that happens: true; or false
 * when it was not so for limit_ns. */
bool crowd_run_until(struct crowd *crowd, uint64_t limit_ns,
                     bool (*is_so)(const struct crowd *crowd));

/* What one node holds another for, in the boot that this one is in; NONE: nothing. holder is up. */
enum gkv_member_state crowd_state(const struct crowd *crowd, uint32_t holder, uint32_t about);

/* Does it hold it for neither well nor dead? */
bool crowd_is_degraded(const struct crowd *crowd, uint32_t holder, uint32_t about);

/* Every node that is up holds all of them ALIVE, as they are now, and reaches nobody else. */
bool crowd_is_whole(struct crowd *crowd);

/* Let time pass until it is, which is looked at every 10 ms: true; or false after limit_ns. */
bool crowd_await_whole(struct crowd *crowd, uint64_t limit_ns);

/* Boot all nodes within a second, and let time pass until the cluster is whole and rumours have
 * died down, which takes settle_ns. False: it is not whole after five minutes. */
bool crowd_form(struct crowd *crowd, uint64_t settle_ns);

void crowd_boot(struct crowd *crowd, uint32_t node);
void crowd_crash(struct crowd *crowd, uint32_t node);

/* A node that is up and may be booted once more after a crash; LEDGER_NOBODY: none. */
uint32_t crowd_pick_victim(struct crowd *crowd);

/* A node that is up. */
uint32_t crowd_pick_up(struct crowd *crowd);

/* A number in [0, bound) from the experimenter's own luck. */
uint64_t crowd_draw(struct crowd *crowd, uint64_t bound);

/* Every link but a node's to itself. */
void crowd_each_link(struct crowd *crowd, void (*set)(struct gkv_link *link, uint64_t value),
                     uint64_t value);

#endif
