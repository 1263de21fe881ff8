#include "sim/prob.h"

#include <string.h>

#include "core/panic.h"

static struct gkv_prob_point point_at(gkv_prob_measure *measure, void *context, uint32_t draw_count)
{
    return (struct gkv_prob_point){.draw_count = draw_count,
                                   .fail_count = measure(context, draw_count)};
}

/* By how much more fail at b than at a; 0 when fewer do. */
static uint32_t growth(struct gkv_prob_point a, struct gkv_prob_point b)
{
    return b.fail_count > a.fail_count ? b.fail_count - a.fail_count : 0;
}

/* The neighbours with the greatest growth between them. */
static void choose_step(struct gkv_prob *prob)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i + 1 < prob->point_count; i++) {
        const uint32_t here = growth(prob->points[i], prob->points[i + 1]);
        if (here > most) {
            most = here;
            prob->before = prob->points[i];
            prob->after = prob->points[i + 1];
        }
    }
}

void gkv_prob_run(struct gkv_prob *prob, gkv_prob_measure *measure, void *context,
                  uint32_t draw_count_max, uint32_t step_count)
{
    GKV_ASSERT(draw_count_max > 0);
    GKV_ASSERT(step_count > 0);
    GKV_ASSERT(step_count <= GKV_PROB_POINT_COUNT_MAX);
    memset(prob, 0, sizeof(*prob));
    const uint32_t steps = step_count < draw_count_max ? step_count : draw_count_max;
    for (uint32_t i = 0; i <= steps; i++) {
        const uint64_t draw_count = (uint64_t)draw_count_max * i / steps;
        prob->points[prob->point_count++] = point_at(measure, context, (uint32_t)draw_count);
    }
    choose_step(prob);
    while (prob->after.draw_count > prob->before.draw_count + 1) {
        const uint32_t between = prob->after.draw_count - prob->before.draw_count;
        const struct gkv_prob_point middle =
            point_at(measure, context, prob->before.draw_count + between / 2);
        if (growth(prob->before, middle) >= growth(middle, prob->after)) {
            prob->after = middle;
        } else {
            prob->before = middle;
        }
    }
}
