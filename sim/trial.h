/* One run of one seed, from the first boot to the verdict.
 *
 * Model     FORM: all nodes but the late ones start and find each other. WORK: clients ask while
 *           faults strike. HEAL: the faults stop, what is down comes back, and the cluster must
 *           agree within a bound (liveness). READ: every key is read again, and owners must agree
 *           still. IDLE and LOSS: sim/idle.h.
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
#include "sim/idle.h"
#include "sim/nodes.h"
#include "sim/overhear.h"
#include "sim/scenario.h"
#include "sim/sometimes.h"
#include "sim/tally.h"
#include "sim/watch.h"

/* What a run comes to, as exit statuses. */
enum gkv_trial_status {
    GKV_TRIAL_PASS = 0,
    GKV_TRIAL_USAGE = 2,
    GKV_TRIAL_SAFETY = 10,
    GKV_TRIAL_LIVENESS = 11,
    GKV_TRIAL_ASSERTION = 12,
    GKV_TRIAL_MEMORY = 13,
    GKV_TRIAL_DETERMINISM = 14,
    GKV_TRIAL_COVERAGE = 15, /* something was never reached */
    GKV_TRIAL_INTERNAL = 16, /* the simulator could not do its work */
};

enum gkv_trial_phase {
    GKV_PHASE_FORM = 1,
    GKV_PHASE_WORK = 2,
    GKV_PHASE_HEAL = 3,
    GKV_PHASE_READ = 4,
    GKV_PHASE_IDLE = 5,
    GKV_PHASE_LOSS = 6,
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

#define GKV_TRIAL_ID_PLACE_COUNT 1024 /* at most a quarter of them are taken */
#define GKV_TRIAL_AUDIENCE_MAX 63     /* checks; see GKV_CHECK_COUNT_MAX */
#define GKV_TRIAL_TOLD_COUNT 64 /* kinds of observation and of output: GKV_TOLD of sim/check.h */
#define GKV_TRIAL_HEARD_COUNT (GKV_MESSAGE_KIND_COUNT + 1) /* GKV_HEARS of sim/check.h */

/* Owners as the checks compute them, by node number. */
struct gkv_trial_owners {
    struct gkv_nodes ring; /* for which they were computed; empty: not yet */
    uint8_t count;
    uint8_t nodes[GKV_SCENARIO_KEY_COUNT_MAX][GKV_REPLICA_COUNT_MAX];
};

/* Whom to tell of what: the places in gkv_checks. */
struct gkv_trial_audience {
    uint8_t count;
    uint8_t checks[GKV_TRIAL_AUDIENCE_MAX];
};

struct gkv_client {
    uint32_t node;    /* whom it asked last, if it roams */
    uint32_t turn;    /* of a mix: how many it has had */
    uint32_t key;     /* of the turn */
    uint32_t waiting; /* its open deed, or GKV_HISTORY_NONE */
};

/* The partition under way. */
struct gkv_trial_cut {
    struct gkv_nodes blocked[GKV_SCENARIO_NODE_COUNT_MAX]; /* by node: whom it does not reach */
    struct gkv_nodes isolated;
    uint64_t flap_ns; /* it comes and goes so often; 0: it stays */
    bool is_open;     /* gone, and will come again */
};

struct gkv_clerk;
struct gkv_journal;
struct gkv_outputs;
struct gkv_script;
struct gkv_trial;
struct gkv_trial_summary;

/* How to run one. All but the seed may be zero. */
struct gkv_trial_options {
    uint64_t seed;
    enum gkv_profile profile;
    uint64_t off_mask;                  /* families of faults that are switched off */
    bool report;                        /* print what failed */
    bool explain;                       /* tell how it ended, and why, in words */
    const struct gkv_recording *replay; /* answers; NULL: the seed does */
    uint64_t replay_count;              /* of its draws, then the seed answers; 0: all of them */
    struct gkv_bytes bytes;             /* answers, if there are any and no replay */
    uint64_t event_count_max;           /* fails as "limit" after so many; 0: no limit */
    uint64_t check_off_mask;            /* checks that fail nothing, by their place in gkv_checks */
    struct gkv_recording *recording;    /* keeps the draws; NULL: nobody does */
    const struct gkv_script *script;    /* what happens, settled; NULL: what is drawn */
    struct gkv_script *written;         /* becomes the script of this run; NULL: nobody wants it */
    const struct gkv_outputs *outputs;  /* files to leave; NULL: none */
    const char *replay_line;            /* what repeats it; NULL: these options do */
    const char *command;                /* of gridkv-sim, that runs seeds so; NULL: run */
    void (*tell)(void *context, const struct gkv_trial_summary *summary); /* it is over, even by an
                                                                             assertion; or NULL */
    void (*look)(void *context, const struct gkv_trial *trial); /* something happened; or NULL */
    void *context;
};

struct gkv_trial {
    const struct gkv_trial_options *options;
    struct gkv_journal *journal; /* NULL: none */
    struct gkv_clerk *clerk;     /* NULL: no script is read or written */
    bool is_in_call;             /* a fault is carried out that nobody else has ordered */
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
    bool is_writing;            /* READ: and is then written */
    struct gkv_nodes joined;    /* nodes that ever booted */
    struct gkv_nodes outsiders; /* nodes that never come back: sim/outsiders.h */
    struct gkv_nodes left;      /* nodes that said goodbye and did not come back */
    uint64_t first_wall_ms[GKV_SCENARIO_NODE_COUNT_MAX]; /* when its first life began */
    uint64_t up_since_ns[GKV_SCENARIO_NODE_COUNT_MAX];
    uint64_t down_since_ns[GKV_SCENARIO_NODE_COUNT_MAX];
    struct gkv_trial_cut cut;
    struct gkv_nodes heard; /* of those, whose goodbye another node heard */
    struct gkv_nodes ring;  /* nodes that own keys, as far as the members know */
    struct gkv_version floors[GKV_SCENARIO_KEY_COUNT_MAX]; /* sim/check_quorum.c */
    struct gkv_node_id ids[GKV_SCENARIO_NODE_COUNT_MAX];   /* sim/check.h */
    uint16_t id_places[GKV_TRIAL_ID_PLACE_COUNT];          /* by hash, linear probing: node + 1 */
    struct gkv_trial_owners owners;
    struct gkv_verdict verdict;
    struct gkv_trial_audience told[GKV_TRIAL_TOLD_COUNT];
    struct gkv_trial_audience hearers[GKV_TRIAL_HEARD_COUNT];
    struct gkv_tally tally;
    struct gkv_overhear *overhear; /* tells the checks what nodes say */
    struct gkv_clock_watch clock_watch;
    struct gkv_incarnation_watch incarnation_watch;
    struct gkv_durable_watch durable_watch;
    struct gkv_session_watch session_watch;
    struct gkv_spread_watch spread_watch;
    struct gkv_copies_watch copies_watch;
    struct gkv_intersect_watch intersect_watch;
    struct gkv_stall_watch stall_watch;
    struct gkv_reply_watch reply_watch;
    struct gkv_rebuttal_watch rebuttal_watch;
    struct gkv_goodbye_watch goodbye_watch;
    struct gkv_service_watch service_watch;
    struct gkv_recall_watch recall_watch;
    struct gkv_forget_watch forget_watch;
    struct gkv_left_watch left_watch;
    struct gkv_evict_watch evict_watch;
    struct gkv_suspicion_watch suspicion_watch;
    struct gkv_idle idle;
    struct gkv_sometimes_watch sometimes_watch;
    uint8_t value[GKV_HISTORY_VALUE_BYTES_MAX]; /* of the set that a client asks for */
    /* All before is zero when the trial begins; of what follows, the rows of what there is. */
    struct gkv_watch_tables tables;
    struct gkv_ttl_watch ttl_watch;
    struct gkv_precedence_watch precedence_watch;
    struct gkv_refute_watch refute_watch;
    struct gkv_accuser_watch accuser_watch;
    struct gkv_grey_watch grey_watch;
    struct gkv_nack_watch nack_watch;
    struct gkv_probe_rows probe_rows;
    struct gkv_reach_rows reach_rows;
    struct gkv_witness_rows witness_rows;
    struct gkv_pace_watch pace_watch;
    struct gkv_intersect_rows intersect_rows;
    struct gkv_hotcache_rows hotcache_rows;
    struct gkv_sometimes_rows sometimes_rows;
};

/* What a run leaves behind. */
struct gkv_trial_summary {
    uint64_t seed;
    uint64_t chain[2];
    uint64_t event_count;
    uint64_t simulated_ns;
    uint64_t operation_count;
    uint64_t draw_count;
    uint64_t off_mask; /* as in the options */
    uint64_t check_off_mask;
    uint64_t event_count_max;
    uint64_t diverged_at;     /* the draw from which on a replay in order was another run */
    uint32_t key_count;       /* that were read or written */
    uint32_t wrong_key_count; /* of those, whose history is not linearizable: a rate, no verdict */
    const char *check;        /* which failed; "" */
    const char *diverged_label; /* what that draw asked; NULL: it did not diverge */
    enum gkv_trial_status status;
    uint64_t fail_event; /* where and when it failed, and what did not hold; "" */
    uint64_t fail_ns;
    char text[GKV_VERDICT_TEXT_BYTES];
    enum gkv_profile profile; /* as in the options */
    uint32_t left_out_count;  /* lines of the script that were due and not carried out */
    uint32_t left_out_first;  /* of these, the first; only if there are any */
    bool is_file_lost;        /* one of the outputs could not be written */
    struct gkv_tally tally;
};

/* Of a run whose answers a fuzzer gives: then it is cut short as "limit", which is no failure. */
#define GKV_TRIAL_FUZZED_EVENT_COUNT_MAX 20000

/* Run a seed. When it fails, and report is true, the report is printed. */
void gkv_trial_run(uint64_t seed, bool report, struct gkv_trial_summary *summary_out);
void gkv_trial_run_with(const struct gkv_trial_options *options,
                        struct gkv_trial_summary *summary_out);

#define GKV_TRIAL_LINE_BYTES 832 /* of the longest line that repeats a trial: sim/report.h */

/* Note that something does not hold; the first one counts. text as printf's. */
void gkv_trial_fail(struct gkv_trial *trial, enum gkv_trial_status status, const char *check,
                    const char *text, ...) __attribute__((format(printf, 4, 5)));

/* The caller's occasions: a code and a value. */
enum gkv_call {
    GKV_CALL_CLIENT = 1, /* a client asks; value: client */
    GKV_CALL_BOOT = 2,   /* value: node */
    GKV_CALL_STRIKE = 3, /* value: which family of sim/faults.c */
    GKV_CALL_MEND = 4,
    GKV_CALL_FLAP = 5,
    GKV_CALL_ISOLATE = 6, /* value: node, in this and the next three */
    GKV_CALL_REJOIN = 7,
    GKV_CALL_RESTART = 8,
    GKV_CALL_HURRY = 9, /* it is slow no more */
    GKV_CALL_LEAVE = 10,
    GKV_CALL_STOP = 11,   /* one that left stops; value: node */
    GKV_CALL_SCRIPT = 12, /* lines of the script are due */
};

void gkv_trial_call_in(struct gkv_trial *trial, uint64_t wait_ns, enum gkv_call call,
                       uint32_t value);

#endif
