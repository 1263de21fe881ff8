/* What one seed means: the cluster, what goes wrong in it, and what its clients do.
 *
 * Model     Swarm testing (Groce et al. 2012): every seed switches each family of faults on or off
 *           and draws every parameter over its orders of magnitude, so that seeds differ in kind.
 *           First the cluster is drawn (sim/scenario_shape.c), then what goes wrong
 *           (sim/family.h), then the work; some seeds are made special (sim/scenario_special.c), a
 *           profile bends them (sim/profile.h), and what is asked of them follows from the rest.
 * Bounds    1 .. 9 nodes (64 .. 256 in the profile wide), N 1 .. 5, up to
 *           GKV_SCENARIO_KEY_COUNT_MAX keys.
 * Not here  When a fault strikes: sim/faults.h. When a client asks: sim/workload.h.
 */
#ifndef GKV_SIM_SCENARIO_H
#define GKV_SIM_SCENARIO_H

#include <stdbool.h>
#include <stdint.h>

#include "io_sim/net.h"
#include "io_sim/world.h"
#include "sim/choice.h"
#include "sim/nodes.h"
#include "sim/profile.h"

#define GKV_SCENARIO_NODE_COUNT_MAX GKV_NODES_COUNT_MAX
#define GKV_SCENARIO_NODE_COUNT_DRAWN 9
#define GKV_SCENARIO_KEY_COUNT_MAX 300
#define GKV_SCENARIO_CLIENT_COUNT_MAX 12
#define GKV_SCENARIO_OPERATION_COUNT_MAX 2000
#define GKV_SCENARIO_VALUE_BYTES_MAX 4096
#define GKV_SCENARIO_TIMEOUT_MS_MIN 100 /* with less, a quiet cluster may fail to answer */
#define GKV_SCENARIO_LATENCY_NS_MIN 5000
#define GKV_SCENARIO_CALM_LATENCY_NS_MAX 1000000 /* where nothing goes wrong */
#define GKV_SCENARIO_BROKEN_SKEW_MS_MAX 8000     /* peers refuse what such a clock stamps */
#define GKV_SCENARIO_WILD_SKEW_MS_MAX 3000000    /* 50 minutes: too long to wait for */
#define GKV_SCENARIO_SKEW_MS_MAX 240 /* either way, so that two clocks differ by under 500 */

/* What a client does one after the other: sim/workload.c. */
enum gkv_mix {
    GKV_MIX_ANY = 0,       /* any operation on any key */
    GKV_MIX_CHURN = 1,     /* set, delete, set, get of one key */
    GKV_MIX_VERIFY = 2,    /* set, and get at once */
    GKV_MIX_COUNTERS = 3,  /* get, and set what was read: updates get lost */
    GKV_MIX_PING_PONG = 4, /* clients take turns at one key: each acts on what the last one did */
    GKV_MIX_COUNT = 5,
};

/* Which node a client asks. */
enum gkv_route {
    GKV_ROUTE_ANY = 0,
    GKV_ROUTE_STICKY = 1,  /* always the same */
    GKV_ROUTE_ROAMING = 2, /* another one each time */
};

/* A family that strikes again and again. */
struct gkv_recurrence {
    uint64_t every_ns;   /* on average; 0: never */
    uint64_t for_ns_max; /* what it does lasts up to this; 0: it is done at once */
};

/* What partitions look like, next to a single link. */
struct gkv_cut_shapes {
    bool isolations; /* one node from all others */
    bool sides;      /* any two sides */
    bool one_way;    /* in one direction only */
    bool bridges;    /* two sides that share one node */
    bool rings;      /* everybody hears two neighbours only */
    bool flaps;      /* there and gone again, many times */
    bool swizzles;   /* nodes drop out one by one, and come back in another order */
    bool seed_cuts;  /* the seeds, and nobody else, are unreachable */
    bool lasting;    /* until the faults end */
};

struct gkv_scenario {
    uint64_t seed;
    enum gkv_profile profile;
    uint32_t node_count;
    struct gkv_world_options world;

    /* What goes wrong while clients are at work: one parameter per family (sim/family.c). */
    struct gkv_link link;  /* every link draws up to this, over the least latency */
    uint64_t slow_link_ns; /* one link in four is slower by up to this */
    struct gkv_recurrence stalls;
    struct gkv_recurrence resets;
    struct gkv_recurrence half_opens;
    struct gkv_recurrence cuts;
    struct gkv_cut_shapes shapes;
    struct gkv_recurrence crashes; /* a crash loses the node's memory */
    bool crashes_silent;           /* some say nothing to their peers */
    bool keeps_one_down;           /* one that is down at the end stays so */
    struct gkv_recurrence rolls;
    struct gkv_recurrence blackouts;
    struct gkv_recurrence key_crashes;
    struct gkv_recurrence pauses; /* a node handles nothing for a while, as under SIGSTOP */
    bool suspends;                /* and its mono clock stands still meanwhile */
    struct gkv_recurrence slowness;
    bool has_leave;      /* one node says goodbye and stops */
    bool leavers_return; /* it begins another life later */
    uint32_t late_count; /* the last so many nodes join while clients are at work */
    bool joins_at_once;
    uint64_t offset_ms_max;      /* clocks are wrong by up to this, either way */
    uint64_t broken_skew_ms;     /* larger; peers refuse what such clocks stamp */
    uint64_t wild_skew_ms;       /* so large that nobody waits until the others are near */
    struct gkv_recurrence steps; /* wall clocks step */
    uint64_t drift_ppm_max;
    uint64_t swing_ms;       /* wall clocks swing with this period */
    bool loses_clocks;       /* every life begins at the same wall time */
    uint64_t clock_grain_ms; /* clocks move in steps of this */
    bool has_equal_clocks;
    bool has_tiny_tables;     /* of members: room for those that there are, and no more */
    bool has_rare_tables;     /* who has joined tells and asks nobody of all members any more */
    bool has_tight_values;    /* nodes take values as large as the largest that is drawn */
    uint32_t timeout_ms;      /* operations may take so long only; 0: long enough */
    uint32_t operation_slots; /* a node has room for so many operations; 0: enough */
    bool may_be_full;         /* stores run over: owners may refuse what others hold */
    bool evicts;              /* then: or drop it, to make room for what is written */
    uint32_t outsider_count;  /* nodes that never come back when the faults stop */
    uint32_t short_keep_ms;   /* deletions are remembered for so long; 0: as by default */
    uint32_t short_left_ms;   /* and who has left; 0: likewise */

    /* What clients do. */
    enum gkv_mix mix;
    enum gkv_route route;
    uint32_t client_count;
    uint32_t key_count;
    uint32_t hot_key_count;
    uint32_t hot_percent; /* of operations go to a hot key */
    uint32_t set_percent;
    uint32_t delete_percent;
    uint32_t ttl_percent; /* of sets */
    uint64_t ttl_ms_max;
    uint32_t value_bytes_min;
    uint32_t value_bytes_max;
    uint32_t operation_count;
    uint64_t think_ns_max;
    uint64_t work_ns; /* no operation begins later */

    /* What may be asked of the cluster. */
    int64_t skew_ms_max;     /* no clock is further from the truth, either way */
    bool loses_memory;       /* nodes begin other lives, empty */
    bool ring_moves;         /* nodes join or leave while clients are at work */
    bool damages_bytes;      /* nodes refuse messages that were spoilt on their way */
    bool checks_quorum;      /* QUORUM, no memory lost, no join under way */
    bool forgets_nothing;    /* no memory lost: what was acknowledged is there in the end */
    bool expects_answers;    /* once all is quiet, every get is answered */
    bool repairs_by_read;    /* anti-entropy is as good as off: reading everything must heal it */
    bool reads_by_lines;     /* READ asks what a script's lines say, instead of everything */
    uint32_t only_reader;    /* then: through this node alone, from 1 on; 0: through every node */
    bool is_safety_only;     /* it need not settle: WORK is all there is */
    bool cuts_overlap;       /* a partition does not wait for the end of the last one */
    uint32_t down_count_max; /* so many nodes are down at once, at the most */
    uint64_t member_ns;      /* after the faults stop, members agree within this */
    uint64_t liveness_ns;    /* and everything else within this */
};

/* Draw the scenario of a seed, as a profile bends it, without the families in off_mask. */
void gkv_scenario_draw(struct gkv_scenario *scenario, struct gkv_choice *choice, uint64_t seed,
                       enum gkv_profile profile, uint64_t off_mask);

/* Zero, but for what is the same in all scenarios; and fill in what may be asked of one, and what
 * else follows, once all the rest and skew_ms_max are there. */
void gkv_scenario_begin(struct gkv_scenario *scenario);
void gkv_scenario_settle(struct gkv_scenario *scenario);

/* The families that empty nodes, and those that move keys between nodes. */
uint64_t gkv_scenario_forgetful_mask(void);
uint64_t gkv_scenario_moving_mask(void);

#endif
