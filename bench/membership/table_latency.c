/* T8, T10: how long until every node knows of a crash, beside memberlist's defaults. */
#include <inttypes.h>

#include "bench/membership/crash.h"
#include "bench/membership/flavor.h"
#include "bench/membership/table.h"

static const uint32_t node_counts[] = {3, 5, 8, 16, 32, 64, 128};
#define NODE_COUNT_COUNT (sizeof(node_counts) / sizeof(node_counts[0]))

#define TRIAL_COUNT 1000
#define TRIAL_COUNT_MEMBERLIST 300

static struct crash crash_of(enum flavor flavor, uint32_t node_count)
{
    return (struct crash){.flavor = flavor,
                          .node_count = node_count,
                          .trial_count =
                              flavor == FLAVOR_GRIDKV ? TRIAL_COUNT : TRIAL_COUNT_MEMBERLIST,
                          .until = GKV_MEMBER_UNREACHABLE};
}

/* Lifeguard's, at the paper's N. */
static struct crash lifeguard_crash(enum flavor flavor)
{
    return (struct crash){.flavor = flavor,
                          .node_count = 128,
                          .trial_count = TRIAL_COUNT_MEMBERLIST,
                          .until = GKV_MEMBER_UNREACHABLE};
}

static void plan_flavor(struct plan *plan, enum flavor flavor)
{
    for (uint32_t i = 0; i < NODE_COUNT_COUNT; i++) {
        const struct crash crash = crash_of(flavor, node_counts[i]);
        crash_plan(plan, &crash);
    }
}

/* Of one protocol and N, in ns. */
struct latency {
    uint64_t first_median;
    uint64_t all_median;
    uint64_t all_p99;
    uint64_t all_p999;
    uint32_t trial_count;
};

static struct latency latency_of_crash(const struct plan *plan, const struct crash *crash)
{
    struct numbers first = crash_numbers(plan, crash, CRASH_UNREACHABLE);
    struct numbers all = crash_numbers(plan, crash, CRASH_UNREACHABLE_ALL);
    const struct latency latency = {
        .first_median = numbers_quantile(&first, 500),
        .all_median = numbers_quantile(&all, 500),
        .all_p99 = numbers_quantile(&all, 990),
        .all_p999 = numbers_quantile(&all, 999),
        .trial_count = all.count,
    };
    numbers_free(&first);
    numbers_free(&all);
    return latency;
}

static struct latency latency_of(const struct plan *plan, enum flavor flavor, uint32_t node_count)
{
    const struct crash crash = crash_of(flavor, node_count);
    return latency_of_crash(plan, &crash);
}

/* ---- T8 -------------------------------------------------------------------------------------- */

static const struct {
    enum flavor flavor;
    const char *what;
    const char *published;
} lifeguards[] = {
    {FLAVOR_LIFEGUARD, "Lifeguard, alpha 5", "100"},
    {FLAVOR_MEMBERLIST, "Lifeguard, alpha 4", "84.5"},
    {FLAVOR_LIFEGUARD_2, "Lifeguard, alpha 2", "57"},
};
#define LIFEGUARD_COUNT (sizeof(lifeguards) / sizeof(lifeguards[0]))

static void plan_latency(struct plan *plan)
{
    plan_flavor(plan, FLAVOR_GRIDKV);
    for (uint32_t i = 0; i < LIFEGUARD_COUNT; i++) {
        const struct crash crash = lifeguard_crash(lifeguards[i].flavor);
        crash_plan(plan, &crash);
    }
}

/* What Lifeguard takes, in percent of what it takes with alpha = 5. */
static void report_lifeguards(struct page *page, const struct plan *plan)
{
    char texts[4][PAGE_TEXT_BYTES];
    uint64_t baseline_ns = 0;
    fprintf(page->body, "\nThe same at N = 128 with Lifeguard's options at memberlist's pace; "
                        "published is the median until all know, in percent\nof that with alpha 5, "
                        "of HashiCorp's text on Lifeguard.\n\n");
    page_head(page, "protocol | first, median ms | all, median ms | all, p99 ms | % of alpha 5 | "
                    "published, %");
    for (uint32_t i = 0; i < LIFEGUARD_COUNT; i++) {
        const struct crash crash = lifeguard_crash(lifeguards[i].flavor);
        const struct latency latency = latency_of_crash(plan, &crash);
        baseline_ns = i == 0 ? latency.all_median : baseline_ns;
        fprintf(page->body, "| %s | %s | %s | %s | %s | %s |\n", lifeguards[i].what,
                page_ms(latency.first_median, texts[0]), page_ms(latency.all_median, texts[1]),
                page_ms(latency.all_p99, texts[2]),
                page_milli(latency.all_median * 1000 / baseline_ns * 100, texts[3]),
                lifeguards[i].published);
    }
}

static bool report_latency(struct page *page, const struct plan *plan)
{
    static struct plot plot;
    char texts[4][PAGE_TEXT_BYTES];
    struct latency worst = {.all_p99 = 0};
    plot = (struct plot){.title = "T8: until every node knows of a crash",
                         .x_label = "nodes",
                         .y_label = "ms after the crash",
                         .is_x_log = true};
    fprintf(page->body,
            "A node loses its power. Until the first of the others declares it unreachable, and "
            "until all of them hold it so.\n\n");
    page_head(page, "N | trials | first, median ms | all, median ms | all, p99 ms | all, p99.9 ms");
    struct plot_series *medians = plot_add(&plot, "GridKV, median", false);
    struct plot_series *p99s = plot_add(&plot, "GridKV, p99", false);
    for (uint32_t i = 0; i < NODE_COUNT_COUNT; i++) {
        const struct latency latency = latency_of(plan, FLAVOR_GRIDKV, node_counts[i]);
        fprintf(page->body, "| %" PRIu32 " | %" PRIu32 " | %s | %s | %s | %s |\n", node_counts[i],
                latency.trial_count, page_ms(latency.first_median, texts[0]),
                page_ms(latency.all_median, texts[1]), page_ms(latency.all_p99, texts[2]),
                page_ms(latency.all_p999, texts[3]));
        plot_point(medians, node_counts[i], (double)latency.all_median / 1e6);
        plot_point(p99s, node_counts[i], (double)latency.all_p99 / 1e6);
        worst.all_p99 = latency.all_p99 > worst.all_p99 ? latency.all_p99 : worst.all_p99;
        worst.all_p999 = latency.all_p999 > worst.all_p999 ? latency.all_p999 : worst.all_p999;
    }
    report_lifeguards(page, plan);
    page_mark(page, &(struct mark){.what = "crash known to all, p99, most of all N up to 128",
                                   .unit = " s",
                                   .ours_milli = worst.all_p99 / 1000000,
                                   .limit_milli = 999});
    page_mark(page, &(struct mark){.what = "crash known to all, p99.9, most of all N up to 128",
                                   .unit = " s",
                                   .ours_milli = worst.all_p999 / 1000000,
                                   .limit_milli = 1010});
    return page_plot(page, &plot);
}

const struct table table_latency = {
    .id = "T8", .title = "Detection latency", .plan = plan_latency, .report = report_latency};

/* ---- T10 ------------------------------------------------------------------------------------- */

static void plan_memberlist(struct plan *plan)
{
    plan_flavor(plan, FLAVOR_MEMBERLIST);
    plan_flavor(plan, FLAVOR_GRIDKV);
}

static bool report_memberlist(struct page *page, const struct plan *plan)
{
    static struct plot plot;
    char texts[5][PAGE_TEXT_BYTES];
    uint64_t least_milli = UINT64_MAX;
    plot = (struct plot){.title = "T10: until every node knows of a crash",
                         .x_label = "nodes",
                         .y_label = "ms after the crash",
                         .is_x_log = true,
                         .is_y_log = true};
    fprintf(page->body,
            "The same crash under memberlist's DefaultLANConfig (probes every 1 s, 500 ms for an "
            "answer, suspicion of\n4 log10(N) s, gossip every 200 ms), as options of our code: "
            "memberlist publishes no such figures.\n\n");
    page_head(page, "N | trials | memberlist, median ms | p99 ms | GridKV, median ms | p99 ms | "
                    "times faster");
    struct plot_series *theirs = plot_add(&plot, "memberlist, median", false);
    struct plot_series *ours = plot_add(&plot, "GridKV, median", false);
    for (uint32_t i = 0; i < NODE_COUNT_COUNT; i++) {
        const struct latency slow = latency_of(plan, FLAVOR_MEMBERLIST, node_counts[i]);
        const struct latency fast = latency_of(plan, FLAVOR_GRIDKV, node_counts[i]);
        const uint64_t times_milli = slow.all_median * 1000 / fast.all_median;
        fprintf(page->body, "| %" PRIu32 " | %" PRIu32 " | %s | %s | %s | %s | %s |\n",
                node_counts[i], slow.trial_count, page_ms(slow.all_median, texts[0]),
                page_ms(slow.all_p99, texts[1]), page_ms(fast.all_median, texts[2]),
                page_ms(fast.all_p99, texts[3]), page_milli(times_milli / 100 * 100, texts[4]));
        plot_point(theirs, node_counts[i], (double)slow.all_median / 1e6);
        plot_point(ours, node_counts[i], (double)fast.all_median / 1e6);
        least_milli = times_milli < least_milli ? times_milli : least_milli;
    }
    page_mark(page, &(struct mark){.what = "times faster than memberlist, median, least of all N",
                                   .unit = "",
                                   .ours_milli = least_milli,
                                   .limit_milli = 12000,
                                   .is_at_least = true});
    return page_plot(page, &plot);
}

const struct table table_memberlist = {.id = "T10",
                                       .title = "memberlist's defaults",
                                       .plan = plan_memberlist,
                                       .report = report_memberlist};
