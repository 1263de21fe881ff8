/* When was a failure decided? How likely it is once the first k draws of its run are settled, for
 * growing k.
 *
 * Model     For some k, evenly spaced, the caller keeps k draws of a recording, has the rest drawn
 *           afresh a number of times, and says how many of these runs fail alike. Between the two
 *           neighbours where that grows most it is halved, until one draw is left: the one that
 *           decides. (After work on FoundationDB's simulator that asks the same of forked runs.)
 * Bounds    point_count + 1 + log2 of the draws between two points measurements.
 * Not here  Running anything: the caller's measure. Printing: sim/command_prob.c.
 */
#ifndef GKV_SIM_PROB_H
#define GKV_SIM_PROB_H

#include <stdint.h>

#define GKV_PROB_POINT_COUNT_MAX 100

struct gkv_prob_point {
    uint32_t draw_count; /* that are kept */
    uint32_t fail_count; /* of the tries */
};

/* Of the tries that keep so many draws, how many fail alike. */
typedef uint32_t gkv_prob_measure(void *context, uint32_t draw_count);

struct gkv_prob {
    uint32_t point_count;
    struct gkv_prob_point points[GKV_PROB_POINT_COUNT_MAX + 1]; /* from no draw to all of them */
    /* One draw apart: the draw of number before.draw_count decides most. Both zero when the points
     * nowhere grow. */
    struct gkv_prob_point before;
    struct gkv_prob_point after;
};

/* draw_count_max > 0: how many were recorded. 1 <= step_count <= GKV_PROB_POINT_COUNT_MAX: there
 * are so many steps between points, or fewer. */
void gkv_prob_run(struct gkv_prob *prob, gkv_prob_measure *measure, void *context,
                  uint32_t draw_count_max, uint32_t step_count);

#endif
