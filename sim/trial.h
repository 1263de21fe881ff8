/* One run of one seed, from the first boot to the verdict.
 *
 * Model     FORM: all nodes but the late ones start and find each other. WORK: clients ask while
 *           faults strike. HEAL: the faults stop, what is down comes back, and the cluster must
 *           agree within a bound (liveness). READ: every key is read again, and owners must agree
 *           still.
 * Bounds    All memory is taken before the first event.
 * Invariant A trial is a function of its seed: two of them have one chain.
 */
#ifndef GKV_SIM_TRIAL_H
#define GKV_SIM_TRIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "io_sim/world.h"
#include "sim/choice.h"
#include "sim/history.h"
#include "sim/scenario.h"

/* What a run comes to, as exit statuses. */
enum gkv_trial_status {
    GKV_TRIAL_PASS = 0,
    GKV_TRIAL_USAGE = 2,
    GKV_TRIAL_SAFETY = 10,
    GKV_TRIAL_LIVENESS = 11,
    GKV_TRIAL_ASSERTION = 12,
    GKV_TRIAL_MEMORY = 13,
    GKV_TRIAL_DETERMINISM = 14,
};

enum gkv_trial_phase {
    GKV_PHASE_FORM = 1,
    GKV_PHASE_WORK = 2,
    GKV_PHASE_HEAL = 3,
    GKV_PHASE_READ = 4,
};

#define GKV_VERDICT_TEXT_BYTES 400

/* The first thing that did not hold. */
struct gkv_verdict {
    enum gkv_trial_status status;
    const char *check;
    uint64_t time_ns;
    uint64_t event;
    uint32_t node; /* GKV_HISTORY_NONE: none in particular */
    uint32_t key;  /* GKV_HISTORY_NONE: none in particular */
    char text[GKV_VERDICT_TEXT_BYTES];
};

/* Owners as the checks compute them, by node number. */
struct gkv_trial_owners {
    uint32_t node_mask; /* for which members they were computed; 0: not yet */
    uint8_t count;
    uint8_t nodes[GKV_SCENARIO_KEY_COUNT_MAX][GKV_REPLICA_COUNT_MAX];
};

struct gkv_client {
    uint32_t node;    /* whom it asks next, if it is up */
    uint32_t waiting; /* its open deed, or GKV_HISTORY_NONE */
};

struct gkv_trial {
    struct gkv_scenario scenario;
    struct gkv_choice choice;
    struct gkv_world world;
    struct gkv_history history;
    struct gkv_client clients[GKV_SCENARIO_CLIENT_COUNT_MAX];
    enum gkv_trial_phase phase;
    uint64_t work_end_ns;
    uint32_t issued_count; /* in WORK */
    uint32_t reading_node; /* READ: which (node, key) is read next */
    uint32_t reading_key;
    uint32_t joined_mask;                                  /* nodes that ever booted */
    struct gkv_version floors[GKV_SCENARIO_KEY_COUNT_MAX]; /* sim/check_quorum.c */
    struct gkv_node_id ids[GKV_SCENARIO_NODE_COUNT_MAX];
    struct gkv_trial_owners owners;
    struct gkv_verdict verdict;
    uint64_t fault_count;
};

/* What a run leaves behind. */
struct gkv_trial_summary {
    uint64_t seed;
    uint64_t chain[2];
    uint64_t event_count;
    uint64_t simulated_ns;
    uint64_t operation_count;
    enum gkv_trial_status status;
};

/* Run a seed. When it fails, and report is true, the report is printed. */
struct gkv_trial_summary gkv_trial_run(uint64_t seed, bool report);

/* Note that something does not hold; the first one counts. text as printf's. */
void gkv_trial_fail(struct gkv_trial *trial, enum gkv_trial_status status, const char *check,
                    const char *text, ...) __attribute__((format(printf, 4, 5)));

/* The caller's occasions: a code and a value. */
enum gkv_call {
    GKV_CALL_CLIENT = 1, /* a client asks; value: client */
    GKV_CALL_BOOT = 2,   /* value: node */
    GKV_CALL_CUT = 3,
    GKV_CALL_MEND = 4,
    GKV_CALL_CRASH = 5,
    GKV_CALL_CLOCK = 6,
};

void gkv_trial_call_in(struct gkv_trial *trial, uint64_t wait_ns, enum gkv_call call,
                       uint32_t value);

#endif
