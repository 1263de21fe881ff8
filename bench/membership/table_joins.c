/* T5: 17 nodes join one after the other while packets are lost (SWIM, figure 4). */
#include <inttypes.h>

#include "bench/membership/joins.h"
#include "bench/membership/table.h"

#define RUN_COUNT 50

static const struct joins rows[] = {
    {.flavor = FLAVOR_SWIM, .loss_percent = 10, .run_count = RUN_COUNT},
    {.flavor = FLAVOR_GRIDKV, .loss_percent = 10, .run_count = RUN_COUNT},
    {.flavor = FLAVOR_GRIDKV, .loss_percent = 20, .run_count = RUN_COUNT},
};
#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

static void plan_joins(struct plan *plan)
{
    for (uint32_t i = 0; i < ROW_COUNT; i++) {
        joins_plan(plan, &rows[i]);
    }
}

static struct numbers field_of(const struct plan *plan, const struct joins *joins, uint32_t field)
{
    struct numbers numbers = {.values = NULL};
    numbers_column(joins_numbers(plan, joins), JOINS_FIELD_COUNT, field, &numbers);
    return numbers;
}

static uint64_t mean_milli(const struct plan *plan, const struct joins *joins, uint32_t field)
{
    struct numbers numbers = field_of(plan, joins, field);
    const uint64_t mean = numbers_mean_milli(&numbers);
    numbers_free(&numbers);
    return mean;
}

static uint64_t least_survived(const struct plan *plan, const struct joins *joins)
{
    struct numbers numbers = field_of(plan, joins, JOINS_SURVIVED);
    const uint64_t least = numbers_quantile(&numbers, 0);
    numbers_free(&numbers);
    return least;
}

static void report_row(struct page *page, const struct plan *plan, const struct joins *joins,
                       struct plot *plot)
{
    char texts[3][PAGE_TEXT_BYTES];
    char name[PLOT_NAME_BYTES];
    fprintf(page->body, "| %s | %" PRIu32 " %% | %s | %" PRIu64 " | %s | %s |\n",
            flavor_name(joins->flavor), joins->loss_percent,
            page_milli(mean_milli(plan, joins, JOINS_SURVIVED), texts[0]),
            least_survived(plan, joins),
            page_milli(mean_milli(plan, joins, JOINS_REMOVALS), texts[1]),
            page_milli(mean_milli(plan, joins, JOINS_SUSPICIONS), texts[2]));
    (void)snprintf(name, sizeof(name), "%s, %" PRIu32 " %% lost", flavor_name(joins->flavor),
                   joins->loss_percent);
    struct plot_series *series = plot_add(plot, name, false);
    for (uint32_t second = 0; second < JOINS_SECONDS; second++) {
        plot_point(series, second, (double)mean_milli(plan, joins, JOINS_AT + second) / 1000);
    }
}

static bool report_joins(struct page *page, const struct plan *plan)
{
    static struct plot plot;
    plot = (struct plot){.title = "T5: members that joined and were never removed",
                         .x_label = "seconds",
                         .y_label = "members, mean of all runs"};
    fprintf(page->body,
            "%d nodes join, one every %d s, over a network that loses a share of all packets, "
            "until %d s have passed; %" PRIu32 " runs.\nA member survives that nobody ever "
            "declared unreachable and that all hold at the end. Streams lose packets, too, and\n"
            "send them again after 200 ms, then 400 ms and so on; a dial after 1 s. SWIM's figure 4"
            ", 10 %% lost: 2 of 17 with the basic\nprotocol, 4 with news on probes, 12 with "
            "suspicion, which alone is run here: each is refuted in time.\n\n",
            JOINS_NODE_COUNT, JOINS_EACH_SECONDS, JOINS_SECONDS, plan_repetitions(plan, RUN_COUNT));
    page_head(page, "protocol | lost | survivors, mean | fewest of any run | verdicts on live "
                    "members per run | suspicions per run");
    for (uint32_t i = 0; i < ROW_COUNT; i++) {
        report_row(page, plan, &rows[i], &plot);
    }
    for (uint32_t i = 0; i < ROW_COUNT; i++) {
        if (rows[i].flavor != FLAVOR_GRIDKV) {
            continue;
        }
        struct mark mark = {.unit = "",
                            .ours_milli = least_survived(plan, &rows[i]) * 1000,
                            .limit_milli = JOINS_NODE_COUNT * 1000,
                            .is_at_least = true};
        (void)snprintf(mark.what, sizeof(mark.what),
                       "GridKV: survivors at %" PRIu32 " %% loss, fewest of any run",
                       rows[i].loss_percent);
        (void)snprintf(mark.published, sizeof(mark.published), "%s",
                       rows[i].loss_percent == 10 ? "12 of 17" : "");
        page_mark(page, &mark);
    }
    return page_plot(page, &plot);
}

const struct table table_joins = {
    .id = "T5", .title = "Joins under loss", .plan = plan_joins, .report = report_joins};
