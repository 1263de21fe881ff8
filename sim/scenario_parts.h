/* The steps in which sim/scenario.c draws a scenario. */
#ifndef GKV_SIM_SCENARIO_PARTS_H
#define GKV_SIM_SCENARIO_PARTS_H

#include "sim/scenario.h"

/* A number in [low, high], all as likely. */
static inline uint32_t gkv_choose_between(struct gkv_choice *choice, const char *label,
                                          uint32_t low, uint32_t high)
{
    return low + (uint32_t)gkv_choose(choice, label, high - low + 1u);
}

/* A number in [low, high], every order of magnitude as likely. */
static inline uint32_t gkv_choose_log32(struct gkv_choice *choice, const char *label, uint32_t low,
                                        uint32_t high)
{
    return (uint32_t)gkv_choose_log(choice, label, low, high);
}

/* What a node is told unless it is drawn: the defaults, but for rooms of a size that a world of
 * many nodes can afford. */
void gkv_scenario_set_defaults(struct gkv_options *options);

/* The cluster: nodes, quorums, times. */
void gkv_scenario_draw_shape(struct gkv_scenario *scenario, struct gkv_choice *choice);

/* What clients do. */
void gkv_scenario_draw_work(struct gkv_scenario *scenario, struct gkv_choice *choice);

/* Make some seeds special: worlds in which one kind of bug has the best chances. */
void gkv_scenario_make_special(struct gkv_scenario *scenario, struct gkv_choice *choice);

#endif
