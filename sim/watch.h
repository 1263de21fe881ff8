/* What the checks that overhear messages remember from one event to the next.
 *
 * Model     One struct per check, in the trial, all zero when the trial begins; and the tables,
 *           whose rows are made when they are first used: most trials need few of them.
 * Bounds    Fixed. A table that is full fails the trial as "room": no check is ever less than it
 *           says.
 */
#ifndef GKV_SIM_WATCH_H
#define GKV_SIM_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "core/hlc.h"
#include "core/message.h"
#include "io_sim/net.h"
#include "sim/history.h"
#include "sim/nodes.h"
#include "sim/numbers.h"
#include "sim/scenario.h"

#define GKV_WATCH_BOOT_COUNT 8 /* of one node: its lives, and those it chose to overrule another */
#define GKV_WATCH_STORED_COUNT (4 * GKV_NUMBERS_COUNT_MAX)

_Static_assert(GKV_NUMBERS_COUNT_MAX >= GKV_HISTORY_COUNT_MAX * GKV_WRITE_ATTEMPT_COUNT_MAX,
               "a version for each attempt of each write");

/* What was written under a version: sim/check_clock.c. */
struct gkv_clock_writing {
    uint64_t key_hash; /* 0: not known */
    uint64_t value_hash;
    uint64_t expire_ms;
    uint32_t writer; /* the deed that was told this version, + 1; 0: none yet */
    bool is_tombstone;
    bool has_record; /* key_hash, value_hash, expire_ms and is_tombstone are known */
};

/* sim/check_clock.c: what was said in a stream. */
struct gkv_clock_stream {
    uint64_t connection;
    struct gkv_hlc said; /* in its last frame */
};

struct gkv_clock_watch {
    struct gkv_hlc floors[GKV_NET_NODE_COUNT_MAX];   /* said or accepted before this input */
    struct gkv_hlc accepted[GKV_NET_NODE_COUNT_MAX]; /* during this input */
    struct gkv_hlc said[GKV_NET_NODE_COUNT_MAX];     /* in the last datagram */
    uint64_t wall_ms_max[GKV_NET_NODE_COUNT_MAX];    /* the wall clock showed, in this life */
    struct gkv_hlc asked[GKV_HISTORY_COUNT_MAX];     /* the node's floor when a deed began */
};

/* sim/check_incarnation.c: what nodes said of themselves. */
struct gkv_incarnation_watch {
    struct {
        uint64_t boot_id;
        uint32_t incarnation; /* the greatest */
    } used[GKV_NET_NODE_COUNT_MAX][GKV_WATCH_BOOT_COUNT];
    uint32_t used_count[GKV_NET_NODE_COUNT_MAX];
    uint64_t boot_id[GKV_NET_NODE_COUNT_MAX];     /* the last datagram's */
    uint32_t incarnation[GKV_NET_NODE_COUNT_MAX]; /* the last datagram's that named it */
};

/* Somebody said that it stored a version: sim/check_durable.c. */
struct gkv_durable_stored {
    uint32_t node;
    uint32_t life; /* in which it said so, last */
    uint32_t next; /* of the same version, + 1; 0: none */
};

/* sim/check_durable.c */
struct gkv_durable_watch {
    uint32_t stored_count;
    struct {
        struct gkv_version version; /* the newest that was acknowledged */
        uint32_t coordinator;
        uint32_t life; /* of the coordinator, if it held it then; 0: it did not */
    } newest[GKV_SCENARIO_KEY_COUNT_MAX];
};

/* sim/check_ttl.c */
struct gkv_ttl_watch {
    struct {
        struct gkv_version version; /* the last that a get did not find */
        uint64_t end_ns;            /* of that get */
        uint32_t life;
    } gone[GKV_SCENARIO_KEY_COUNT_MAX][GKV_SCENARIO_NODE_COUNT_MAX];
};

/* sim/check_precedence.c: what a node said last of another. */
struct gkv_precedence_held {
    uint64_t boot_id;
    uint32_t incarnation;
    enum gkv_member_state state; /* NONE: nothing yet */
};

struct gkv_precedence_watch {
    struct gkv_precedence_held held[GKV_NET_NODE_COUNT_MAX][GKV_SCENARIO_NODE_COUNT_MAX];
};

/* sim/check_refute.c: the last ping from one node to another, if it accused that one. */
struct gkv_refute_accused {
    uint64_t boot_id;
    uint64_t pinger_boot_id;
    uint32_t ping_sequence; /* of the newest ping, whether it accused or not */
    uint32_t sequence;      /* the same, if it accused; else 0 */
    uint32_t incarnation;
};

struct gkv_refute_watch {
    struct gkv_refute_accused accused[GKV_SCENARIO_NODE_COUNT_MAX]
                                     [GKV_SCENARIO_NODE_COUNT_MAX]; /* [to][from] */
};

/* sim/check_grey.c: what a node told its application of another. */
#define GKV_GREY_NODE_COUNT_MAX 16 /* larger clusters are not watched */
struct gkv_grey_row {
    uint64_t denied_ns[GKV_GREY_NODE_COUNT_MAX]; /* when it last denied what this one said; 0 */
    uint64_t boot_id;
    uint32_t accuser; /* while it is SUSPECT */
    enum gkv_member_state state;
    bool is_degraded;
};
struct gkv_grey_watch {
    struct gkv_grey_row rows[GKV_GREY_NODE_COUNT_MAX][GKV_GREY_NODE_COUNT_MAX]; /* [at][about] */
    uint32_t owed[GKV_GREY_NODE_COUNT_MAX]; /* whom it must find DEGRADED next, + 1; 0: nobody */
};

/* sim/check_spread.c: what a node last said of itself. */
struct gkv_spread_said {
    uint64_t boot_id;
    uint32_t incarnation;
    uint32_t told_count;
    uint32_t unasked_count; /* of these, in messages that answer nobody */
    uint32_t silent_count;  /* messages since then that could have told it unasked */
    bool is_owed;           /* it was not told often enough */
};
struct gkv_spread_watch {
    struct gkv_spread_said said[GKV_SCENARIO_NODE_COUNT_MAX];
    /* A number made of what a node told last about another; 0: it told nothing. */
    uint32_t told[GKV_SCENARIO_NODE_COUNT_MAX][GKV_SCENARIO_NODE_COUNT_MAX];
};

#define GKV_COPIES_COUNT 256 /* acknowledged sets that are soon to be looked at */

/* sim/check_copies.c: a ring of deeds. */
struct gkv_copies_watch {
    uint32_t first;
    uint32_t count; /* ever */
    uint32_t numbers[GKV_COPIES_COUNT];
};

#define GKV_INTERSECT_FRAME_COUNT 4096 /* of overhear.h's numbers */
#define GKV_INTERSECT_HANDLE_COUNT 64

/* A reply on its way. */
struct gkv_intersect_frame {
    uint64_t number; /* 0: none */
    uint64_t handle;
    uint32_t from;
    bool is_write;
};

/* What a node asks others about. */
struct gkv_intersect_handle {
    uint64_t handle;
    uint32_t key;
};

/* An acknowledged write, and who stored it. */
struct gkv_intersect_write {
    uint32_t number;
    struct gkv_nodes ring; /* at that moment; empty: there is none */
    struct gkv_nodes nodes;
};

/* sim/check_intersect.c */
struct gkv_intersect_watch {
    uint32_t open[GKV_SCENARIO_CLIENT_COUNT_MAX]; /* a client's deed + 1; 0: none */
    struct gkv_intersect_write written[GKV_SCENARIO_KEY_COUNT_MAX];
    struct gkv_intersect_frame frames[GKV_INTERSECT_FRAME_COUNT];
};

struct gkv_intersect_rows {
    struct gkv_nodes answered[GKV_HISTORY_COUNT_MAX]; /* by deed: who did while it was open */
    struct gkv_intersect_write before[GKV_HISTORY_COUNT_MAX]; /* by deed: when it began */
    struct gkv_intersect_handle handles[GKV_SCENARIO_NODE_COUNT_MAX][GKV_INTERSECT_HANDLE_COUNT];
};

#define GKV_REPLY_QUESTION_COUNT 8192

/* sim/check_reply.c: what was asked under a handle, and by whom. */
struct gkv_reply_question {
    uint64_t handle; /* the last one; 0: none */
    struct gkv_nodes askers;
    bool is_shared; /* there were others */
};

struct gkv_reply_watch {
    struct gkv_reply_question questions[GKV_REPLY_QUESTION_COUNT];
};

/* sim/check_session.c: per client and key. */
struct gkv_session_watch {
    struct gkv_version written[GKV_SCENARIO_CLIENT_COUNT_MAX][GKV_SCENARIO_KEY_COUNT_MAX];
    struct gkv_version seen[GKV_SCENARIO_CLIENT_COUNT_MAX][GKV_SCENARIO_KEY_COUNT_MAX];
};

/* sim/check_accuser.c: the greatest boot of [about] that [node] ever pinged. */
struct gkv_accuser_watch {
    uint64_t asked_boot_id[GKV_NET_NODE_COUNT_MAX][GKV_SCENARIO_NODE_COUNT_MAX];
};

#define GKV_NACK_REQUEST_COUNT 64 /* of a node in one life; it remembers fewer itself */

/* sim/check_nack.c: what a node was asked to ping, and what it said of that. */
struct gkv_nack_request {
    struct gkv_node_id about;
    uint32_t asker;
    uint32_t sequence;
    uint32_t asked_count; /* 0: none */
    uint32_t answer_count;
    uint32_t nack_count;
};

struct gkv_nack_watch {
    uint32_t count[GKV_NET_NODE_COUNT_MAX]; /* requests ever noted */
    struct gkv_nack_request requests[GKV_NET_NODE_COUNT_MAX][GKV_NACK_REQUEST_COUNT];
};

/* sim/check_probe.c: the last probe of [target] that [node] began in this life. */
struct gkv_probe_row {
    uint64_t boot_id;  /* of the target */
    uint64_t begin_ns; /* by the node's clock */
    uint32_t sequence; /* 0: none, or it was answered */
};

/* Its last accusation of [target], in any life. */
struct gkv_probe_accused {
    uint64_t boot_id;
    uint32_t incarnation;
};

struct gkv_probe_rows {
    struct gkv_probe_node {
        uint32_t sequence; /* the last new one that it said */
        bool has_asked;    /* there is one */
        bool is_helping;   /* its last input was a request to ping for another */
    } nodes[GKV_NET_NODE_COUNT_MAX];
    struct gkv_probe_row rows[GKV_NET_NODE_COUNT_MAX][GKV_SCENARIO_NODE_COUNT_MAX];
    struct gkv_probe_accused accused[GKV_NET_NODE_COUNT_MAX][GKV_SCENARIO_NODE_COUNT_MAX];
};

#define GKV_REACH_PING_COUNT 64 /* in one step */

/* sim/check_reach.c */
struct gkv_reach_rows {
    struct gkv_reach_node {
        uint32_t count;
        bool is_timer;      /* its last input was TIMER */
        uint64_t resume_ns; /* when it went on after a pause, last; 0: never */
        struct gkv_reach_ping {
            uint64_t time_ns;
            uint32_t target;
            uint32_t sequence;
            bool is_owed;
        } pings[GKV_REACH_PING_COUNT]; /* of this step, not yet heard over a stream */
    } nodes[GKV_NET_NODE_COUNT_MAX];
    struct gkv_reach_row {
        uint64_t asked_ns;  /* when [target] was first asked since it is suspect to [node], as well
                              as anybody can see; 0: not yet */
        uint64_t latest_ns; /* and when last */
        uint64_t stall_count; /* of [node] then */
        bool is_suspect;
    } rows[GKV_NET_NODE_COUNT_MAX][GKV_SCENARIO_NODE_COUNT_MAX];
};

/* sim/check_stall.c */
struct gkv_stall_watch {
    uint64_t pause_ns[GKV_NET_NODE_COUNT_MAX]; /* since when a node stands still, by its clock */
    bool is_timer[GKV_NET_NODE_COUNT_MAX];     /* its last input was TIMER */
    uint64_t stood_ns[GKV_NET_NODE_COUNT_MAX]; /* for how long it did, all in all */
    struct {
        uint64_t mono_ns;
        uint64_t stood_ns;
    } begins[GKV_HISTORY_COUNT_MAX]; /* by deed: its node's clock, and the sum, when it began */
};

/* sim/check_witness.c: times are by the node's own clock. */
struct gkv_witness_rows {
    struct gkv_witness_node {
        uint64_t boot_ns;
        uint64_t heard_ns;  /* when anything arrived, last */
        uint64_t resume_ns; /* when it last went on after a pause */
        uint64_t input_count;
        uint32_t sequence; /* the last new one that it said */
        bool has_asked;    /* there is one */
        bool is_timer;     /* its last input was TIMER */
    } nodes[GKV_NET_NODE_COUNT_MAX];
    struct gkv_witness_row {
        uint64_t heard_ns; /* when anything of [from] arrived, last; 0: nothing did */
        uint64_t told_ns;  /* and something that was certainly a word of it, in its present life */
        uint64_t asked_ns; /* when it was seen to be asked for the last time, last; 0: it was not */
        uint64_t new_input; /* in which it was told a new sequence by a datagram, last */
        uint32_t new_sequence;
        bool is_known;
    } rows[GKV_NET_NODE_COUNT_MAX][GKV_SCENARIO_NODE_COUNT_MAX];
};

#define GKV_PACE_PROBE_COUNT 64 /* of a node, under way */

/* sim/check_pace.c: times are by the node's own clock. */
struct gkv_pace_watch {
    struct gkv_pace_node {
        uint64_t boot_id;     /* as it says */
        uint32_t incarnation; /* likewise, when it was looked at last */
        uint32_t sequence;    /* the last new one that it said */
        uint32_t ack_count;   /* answers that it may have heard */
        uint32_t most;        /* it is no worse, but for probes that may have failed */
        uint32_t least;       /* and no better */
        uint32_t step_least;  /* when its last step began */
        uint32_t round_least; /* when it set the time of the next round */
        uint64_t round_ns;    /* its last round; 0: none for certain */
        uint64_t step_ns;     /* its last input */
        uint64_t calm_ns;     /* since when it could ask, as far as anybody sees */
        uint64_t well_ns;     /* since when it is well for certain */
        bool has_asked;
        bool has_begun;  /* a probe, in this step */
        bool has_closed; /* a stream, in this step */
        bool is_helping; /* this step's input asks it to ping for another */
        bool is_timer;   /* and is TIMER */
        uint32_t probe_count;
        struct gkv_pace_probe {
            uint64_t begin_ns;
            uint64_t boot_id; /* of the target */
            uint32_t target;
            uint32_t sequence;
            uint32_t ack_count; /* of its node, when it began */
            uint32_t helper_count;
            uint32_t nack_count;     /* that came for certain while it was under way */
            uint32_t nack_count_max; /* all of them */
            bool is_certain;         /* it is no ping for another, nor a last chance */
            bool may_be_answered;    /* somebody said so, and it may have arrived */
        } probes[GKV_PACE_PROBE_COUNT];
    } nodes[GKV_NET_NODE_COUNT_MAX];
};

/* sim/check_rebuttal.c */
struct gkv_rebuttal_watch {
    struct gkv_rebuttal_node {
        uint64_t boot_id; /* of itself, when its last step began */
        uint32_t incarnation;
        uint32_t said;            /* of itself, last */
        uint64_t accused_boot_id; /* the newest boot and incarnation in which it was accused */
        uint32_t accused;
        uint32_t accuser;      /* GKV_HISTORY_NONE: nobody knows which of several */
        struct gkv_nodes told; /* who was sent a word of itself in this step */
        bool is_datagram;      /* this step's input is one */
    } nodes[GKV_NET_NODE_COUNT_MAX];
};

/* sim/check_goodbye.c */
struct gkv_goodbye_watch {
    struct gkv_goodbye_node {
        uint64_t leave_ns; /* when it was asked to leave, by its clock */
        uint64_t meet_ns;  /* when it knew somebody again after that, having known nobody */
        bool is_leaving;   /* it was */
        bool had_others;   /* then */
        bool has_others;   /* now */
        bool is_said;      /* it has left, as it says */
        bool is_timer;     /* what it took last was its timer */
        bool was_paused;   /* in this life */
    } nodes[GKV_NET_NODE_COUNT_MAX];
};

/* sim/check_service.c */
struct gkv_service_watch {
    struct gkv_service_node {
        struct gkv_nodes known; /* the others that it knew in this life */
        uint32_t known_count;
        bool has_heard; /* something arrived in this life */
    } nodes[GKV_NET_NODE_COUNT_MAX];
};

#define GKV_RECALL_NODE_COUNT_MAX 32 /* larger clusters are not watched */

/* sim/check_recall.c: times are by the node's own clock. */
struct gkv_recall_watch {
    struct gkv_recall_node {
        uint64_t called_ns[GKV_RECALL_NODE_COUNT_MAX]; /* or when it came to hold it so */
        bool has_evicted;                              /* anybody, in this life */
        bool is_leaving;
    } nodes[GKV_RECALL_NODE_COUNT_MAX];
};

#define GKV_LEFT_NODE_COUNT_MAX 32 /* larger clusters are not watched */

/* sim/check_left.c: times are by the node's own clock. */
struct gkv_left_watch {
    struct gkv_left_node {
        uint64_t left_ns[GKV_LEFT_NODE_COUNT_MAX]; /* when it learned that one left; 0: did not */
        uint64_t resume_ns;                        /* when it last went on after a pause */
        bool has_any;                              /* it learned that of anybody, in this life */
    } nodes[GKV_LEFT_NODE_COUNT_MAX];
};

#define GKV_SUSPICION_NODE_COUNT_MAX 32 /* larger clusters are not watched */

/* sim/check_suspicion.c: times are by the node's own clock. */
struct gkv_suspicion_watch {
    struct gkv_suspicion_node {
        struct gkv_nodes reachable; /* whom it held so when it was looked at last */
        uint64_t boot_ns;
        uint64_t stall_count; /* likewise */
        struct gkv_suspicion_row {
            uint64_t since_ns; /* the latest time at which its suspicion can have begun */
            uint64_t boot_id;
            uint32_t incarnation;
        } rows[GKV_SUSPICION_NODE_COUNT_MAX];
    } nodes[GKV_SUSPICION_NODE_COUNT_MAX];
};

#define GKV_EVICT_NODE_COUNT_MAX 32 /* larger clusters are not watched */

/* sim/check_evict.c: times are by the node's own clock. */
struct gkv_evict_watch {
    struct gkv_evict_node {
        struct gkv_evict_row {
            uint64_t since_ns; /* it is seen to be held unreachable since then; 0: it is not */
            uint64_t boot_id;
            uint32_t incarnation;
        } rows[GKV_EVICT_NODE_COUNT_MAX];
        uint64_t resume_ns; /* when it last went on after a pause */
        bool has_any;       /* anybody was unreachable to it, in this life */
    } nodes[GKV_EVICT_NODE_COUNT_MAX];
};

/* sim/check_hotcache.c */
struct gkv_hotcache_rows {
    uint64_t begin_ns[GKV_HISTORY_COUNT_MAX]; /* by deed, by its node's clock */
};

#define GKV_FORGET_FRAME_COUNT 4096 /* of overhear.h's numbers */
#define GKV_FORGET_REQUEST_COUNT 64

/* sim/check_forget.c */
struct gkv_forget_watch {
    struct gkv_forget_frame {
        uint64_t number; /* 0: none */
        uint64_t handle; /* 0: a repair */
        struct gkv_version version;
        uint32_t key;
    } frames[GKV_FORGET_FRAME_COUNT]; /* writes on their way */
    struct gkv_forget_node {
        uint64_t mended_ns; /* when it last got records that nobody asked it to store */
        struct gkv_forget_request {
            uint64_t handle; /* 0: none */
            uint32_t key;
        } requests[GKV_FORGET_REQUEST_COUNT]; /* below what it has forgotten, not answered yet */
    } nodes[GKV_SCENARIO_NODE_COUNT_MAX];
};

/* What is known of a version. */
struct gkv_version_row {
    struct gkv_clock_writing writing;
    uint32_t stored; /* the first, + 1; 0: nobody said so */
};

struct gkv_watch_tables {
    struct gkv_numbers versions;
    struct gkv_numbers suspicions; /* boots and incarnations of nodes: sim/check_member.c */
    /* By number; beyond the count of the numbers, anything. */
    struct gkv_version_row rows[GKV_NUMBERS_COUNT_MAX];
    uint64_t suspected_ns[GKV_NUMBERS_COUNT_MAX]; /* when somebody did first */
    struct gkv_durable_stored stored[GKV_WATCH_STORED_COUNT];
    struct gkv_clock_stream streams[GKV_NET_CONNECTION_COUNT_MAX];
};

struct gkv_trial;

/* Clear the tables: the rows of the scenario's nodes and keys. */
void gkv_watch_init(struct gkv_trial *trial);

/* The row of a version, made if there is none; NULL when there is no room: the trial has failed. */
struct gkv_version_row *gkv_watch_version(struct gkv_trial *trial, struct gkv_version version);

/* There is no room: the trial fails. */
void gkv_watch_no_room(struct gkv_trial *trial, const char *what);

#endif
