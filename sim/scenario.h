/* What one seed means: the cluster, what goes wrong in it, and what its clients do.
 *
 * Model     Swarm testing (Groce et al. 2012): every seed switches each family of faults on or off
 *           and draws every parameter over its orders of magnitude, so that seeds differ in kind.
 * Bounds    1 .. 9 nodes, N 1 .. 5, up to GKV_SCENARIO_KEY_COUNT_MAX keys.
 * Not here  When a fault strikes: sim/faults.h. When a client asks: sim/workload.h.
 */
#ifndef GKV_SIM_SCENARIO_H
#define GKV_SIM_SCENARIO_H

#include <stdbool.h>
#include <stdint.h>

#include "io_sim/net.h"
#include "io_sim/world.h"
#include "sim/choice.h"
#include "sim/profile.h"

#define GKV_SCENARIO_NODE_COUNT_MAX 9
#define GKV_SCENARIO_KEY_COUNT_MAX 300
#define GKV_SCENARIO_CLIENT_COUNT_MAX 12
#define GKV_SCENARIO_OPERATION_COUNT_MAX 2000
#define GKV_SCENARIO_VALUE_BYTES_MAX 4096
#define GKV_SCENARIO_BROKEN_SKEW_MS_MAX 8000 /* peers refuse what such a clock stamps */
#define GKV_SCENARIO_LATENCY_NS_MIN 5000
#define GKV_SCENARIO_SKEW_MS_MAX 240 /* either way, so that two clocks differ by under 500 */

struct gkv_scenario {
    uint64_t seed;
    enum gkv_profile profile;
    uint32_t node_count;
    uint32_t late_count; /* the last so many nodes join while clients are at work */
    struct gkv_world_options world;

    /* What goes wrong while clients are at work. Zero: never. */
    struct gkv_link link;  /* every link draws up to this, over the least latency */
    uint64_t cut_every_ns; /* partitions */
    uint64_t cut_for_ns_max;
    bool cuts_one_way;
    uint64_t crash_every_ns; /* a crash loses the node's memory */
    uint64_t crash_down_ns_max;
    bool keeps_one_down;     /* one that is down at the end stays so */
    uint64_t clock_every_ns; /* wall clocks step and drift */
    int64_t skew_ms_max;
    uint64_t pause_every_ns; /* a node handles nothing for a while, as under SIGSTOP */
    uint64_t pause_for_ns_max;
    bool has_leave;      /* one node says goodbye and stops */
    bool leavers_return; /* it begins another life later */

    /* What clients do. */
    uint32_t client_count;
    uint32_t key_count;
    uint32_t hot_key_count;
    uint32_t hot_percent; /* of operations go to a hot key */
    uint32_t set_percent;
    uint32_t delete_percent;
    uint32_t ttl_percent; /* of sets */
    uint32_t value_bytes_min;
    uint32_t value_bytes_max;
    uint32_t operation_count;
    uint64_t think_ns_max;
    uint64_t work_ns; /* no operation begins later */

    /* What may be asked of the cluster. */
    bool checks_quorum;   /* QUORUM, no memory lost, no join under way */
    bool forgets_nothing; /* no memory lost: what was acknowledged is there in the end */
    bool may_be_full;     /* stores run over: owners may refuse what others hold */
    bool expects_answers; /* once all is quiet, every get is answered */
    bool repairs_by_read; /* anti-entropy is as good as off: reading everything must heal it */
    uint64_t liveness_ns; /* after the faults stop, it agrees within this */
};

/* Draw the scenario of a seed, as a profile bends it, without the families in off_mask. */
void gkv_scenario_draw(struct gkv_scenario *scenario, struct gkv_choice *choice, uint64_t seed,
                       enum gkv_profile profile, uint64_t off_mask);

#endif
