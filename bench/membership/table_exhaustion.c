/* T9: nodes without enough processor (Lifeguard, figure 1). */
#include <inttypes.h>

#include "bench/membership/exhaustion.h"
#include "bench/membership/table.h"

static const uint32_t counts[] = {4, 8, 16, 32};
#define COUNT_COUNT (sizeof(counts) / sizeof(counts[0]))

static const enum flavor flavors[] = {FLAVOR_LIFEGUARD_NONE, FLAVOR_LIFEGUARD, FLAVOR_GRIDKV};
#define ROW_FLAVOR_COUNT (sizeof(flavors) / sizeof(flavors[0]))

/* Read off figure 1: all, and at healthy nodes. */
static const char *const published[ROW_FLAVOR_COUNT][COUNT_COUNT] = {
    {"365 / 220", "955 / 330", "1775 / 365", "3310 / 610"},
    {"-", "-", "95 / 0", "1270 / 60"},
    {"-", "-", "-", "-"},
};

static struct exhaustion exhaustion_of(uint32_t flavor, uint32_t index)
{
    return (struct exhaustion){.flavor = flavors[flavor], .distressed_count = counts[index]};
}

static void plan_exhaustion(struct plan *plan)
{
    for (uint32_t f = 0; f < ROW_FLAVOR_COUNT; f++) {
        for (uint32_t i = 0; i < COUNT_COUNT; i++) {
            const struct exhaustion exhaustion = exhaustion_of(f, i);
            exhaustion_plan(plan, &exhaustion);
        }
    }
}

static bool report_exhaustion(struct page *page, const struct plan *plan)
{
    static struct plot plot;
    plot = (struct plot){.title = "T9: false verdicts when nodes lack processor",
                         .x_label = "nodes in distress, of 100",
                         .y_label = "false verdicts in five minutes",
                         .is_x_log = true,
                         .is_y_log = true};
    fprintf(page->body,
            "Of %d nodes some are in distress for %d s: each runs for %d ms, then waits %d to %d "
            "ms for its next turn, and while it runs\nevery input takes it %d us. The paper ran "
            "128 busy processes beside each of them on machines of one processor, whose share\n"
            "cannot be read from it: the wait is ours. Verdicts about nodes that are not in "
            "distress: all, and by such nodes, of which\nthere are none here under any protocol. "
            "One run of each.\n\n",
            EXHAUSTION_NODE_COUNT, EXHAUSTION_SECONDS, EXHAUSTION_RUN_MS, EXHAUSTION_WAIT_MS / 2,
            EXHAUSTION_WAIT_MS * 3 / 2, EXHAUSTION_SERVICE_US);
    page_head(page, "protocol | in distress | false | by healthy nodes | published | hearsay");
    for (uint32_t f = 0; f < ROW_FLAVOR_COUNT; f++) {
        struct plot_series *series = plot_add(&plot, flavor_name(flavors[f]), false);
        for (uint32_t i = 0; i < COUNT_COUNT; i++) {
            const struct exhaustion exhaustion = exhaustion_of(f, i);
            const struct exhaustion_result result = exhaustion_result(plan, &exhaustion);
            fprintf(page->body,
                    "| %s | %" PRIu32 " | %" PRIu64 " | %" PRIu64 " | %s | %" PRIu64 " |\n",
                    flavor_name(flavors[f]), counts[i], result.false_count,
                    result.false_healthy_count, published[f][i], result.hearsay_count);
            plot_point(series, counts[i], (double)result.false_count);
        }
    }
    const struct exhaustion worst = exhaustion_of(ROW_FLAVOR_COUNT - 1, COUNT_COUNT - 1);
    const struct exhaustion_result result = exhaustion_result(plan, &worst);
    page_mark(page, &(struct mark){.what = "GridKV: false verdicts, 32 of 100 in distress",
                                   .published = "1270 (SWIM 3310)",
                                   .unit = "",
                                   .ours_milli = 1000 * result.false_count,
                                   .limit_milli = 60000});
    page_mark(page, &(struct mark){.what = "GridKV: of them, by healthy nodes",
                                   .published = "60 (SWIM 610)",
                                   .unit = "",
                                   .ours_milli = 1000 * result.false_healthy_count});
    return page_plot(page, &plot);
}

const struct table table_exhaustion = {
    .id = "T9", .title = "CPU exhaustion", .plan = plan_exhaustion, .report = report_exhaustion};
