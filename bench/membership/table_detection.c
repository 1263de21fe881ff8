/* T2, T3, T4: a crash in SWIM's own terms (figures 3a, 3b, 3c). */
#include <inttypes.h>

#include "bench/membership/crash.h"
#include "bench/membership/crowd.h"
#include "bench/membership/flavor.h"
#include "bench/membership/table.h"

#define TRIAL_COUNT 1000

static const uint32_t node_counts[] = {8, 16, 32, 64, 128};
#define NODE_COUNT_COUNT (sizeof(node_counts) / sizeof(node_counts[0]))

static struct crash crash_of(enum flavor flavor, uint32_t node_count)
{
    return (struct crash){.flavor = flavor,
                          .node_count = node_count,
                          .trial_count = TRIAL_COUNT,
                          .until = flavor == FLAVOR_GRIDKV ? GKV_MEMBER_UNREACHABLE
                                                           : GKV_MEMBER_SUSPECT};
}

static void plan_flavor(struct plan *plan, enum flavor flavor)
{
    for (uint32_t i = 0; i < NODE_COUNT_COUNT; i++) {
        const struct crash crash = crash_of(flavor, node_counts[i]);
        crash_plan(plan, &crash);
    }
}

static void plan_both(struct plan *plan)
{
    plan_flavor(plan, FLAVOR_SWIM);
    plan_flavor(plan, FLAVOR_GRIDKV);
}

static uint64_t period_ns(const struct crash *crash)
{
    struct gkv_options options;
    flavor_options(crash->flavor, crash->node_count, &options);
    return options.probe_interval_ms * MS;
}

/* Trial by trial, how much later one thing was than another. */
static struct numbers differences(const struct plan *plan, const struct crash *crash,
                                  enum crash_field early, enum crash_field late)
{
    struct numbers first = crash_numbers(plan, crash, early);
    struct numbers second = crash_numbers(plan, crash, late);
    for (uint32_t i = 0; i < first.count; i++) {
        second.values[i] -= first.values[i];
    }
    numbers_free(&first);
    return second;
}

/* ---- T2 -------------------------------------------------------------------------------------- */

/* SWIM counts whole periods: the one in which the first ping fails, and those before it. */
static struct numbers periods_of(const struct plan *plan, const struct crash *crash)
{
    struct numbers periods = crash_numbers(plan, crash, CRASH_PINGED);
    for (uint32_t i = 0; i < periods.count; i++) {
        const uint64_t whole = (periods.values[i] + period_ns(crash) - 1) / period_ns(crash);
        periods.values[i] = whole == 0 ? 1 : whole;
    }
    return periods;
}

/* Add a row for each N. Returns the mean over all of them, and how far any is from e/(e - 1). */
static uint64_t report_detection_of(struct page *page, const struct plan *plan, enum flavor flavor,
                                    struct plot_series *series, uint64_t *off_milli_out)
{
    char texts[2][PAGE_TEXT_BYTES];
    const uint64_t analytic_milli = 1582;
    uint64_t sum_milli = 0;
    *off_milli_out = 0;
    for (uint32_t i = 0; i < NODE_COUNT_COUNT; i++) {
        const struct crash crash = crash_of(flavor, node_counts[i]);
        struct numbers periods = periods_of(plan, &crash);
        const uint64_t mean = numbers_mean_milli(&periods);
        const uint64_t off = mean > analytic_milli ? mean - analytic_milli : analytic_milli - mean;
        *off_milli_out = off > *off_milli_out ? off : *off_milli_out;
        sum_milli += mean;
        fprintf(page->body, "| %s | %" PRIu32 " | %" PRIu32 " | %s | %" PRIu64 " | %s |\n",
                flavor_name(flavor), crash.node_count, periods.count, page_milli(mean, texts[0]),
                numbers_quantile(&periods, 990),
                page_ms(mean * period_ns(&crash) / 1000, texts[1]));
        plot_point(series, crash.node_count, (double)mean / 1000);
        numbers_free(&periods);
    }
    return sum_milli / NODE_COUNT_COUNT;
}

static const char why_detection[] =
    "e/(e - 1) is for many nodes. Each of N - 1 others asks each of N - 1 once in so many\n"
    "periods, so that the mean is the sum over k of ((N - 1 - k)/(N - 1))^(N - 1): 1.457 for 8\n"
    "nodes, 1.520 for 16, 1.551 for 32.";

static bool report_detection(struct page *page, const struct plan *plan)
{
    static struct plot plot;
    uint64_t swim_off = 0;
    uint64_t ours_off = 0;
    plot = (struct plot){.title = "T2: periods until a crash is first noticed",
                         .x_label = "nodes",
                         .y_label = "protocol periods, mean",
                         .is_x_log = true};
    fprintf(page->body,
            "Protocol periods from a crash to the end of the period in which the first ping to the "
            "crashed node is sent,\nso that a ping at once counts as 1. SWIM's analysis gives "
            "e/(e - 1) = 1.58; its measurements lie between 1.1 and\n3.25, without a trend.\n\n");
    page_head(page, "protocol | N | trials | mean periods | p99 periods | mean ms");
    struct plot_series *swim = plot_add(&plot, "SWIM, our code", false);
    (void)report_detection_of(page, plan, FLAVOR_SWIM, swim, &swim_off);
    struct plot_series *ours = plot_add(&plot, "GridKV", false);
    const uint64_t mean = report_detection_of(page, plan, FLAVOR_GRIDKV, ours, &ours_off);
    struct plot_series *analytic = plot_add(&plot, "SWIM, analysis", true);
    plot_point(analytic, node_counts[0], 1.582);
    plot_point(analytic, node_counts[NODE_COUNT_COUNT - 1], 1.582);
    page_mark(page, &(struct mark){.what = "SWIM: mean periods, farthest of all N from 1.58",
                                   .published = "1.58; 1.1 to 3.25",
                                   .unit = "",
                                   .ours_milli = swim_off,
                                   .limit_milli = 100,
                                   .why = why_detection});
    page_mark(page, &(struct mark){.what = "GridKV: mean periods over all N",
                                   .published = "1.58",
                                   .unit = "",
                                   .ours_milli = mean,
                                   .limit_milli = 1160});
    return page_plot(page, &plot);
}

const struct table table_detection = {
    .id = "T2", .title = "First detection", .plan = plan_both, .report = report_detection};

/* ---- T3 -------------------------------------------------------------------------------------- */

/* Add a row for each N; returns the most thousandths of a period. */
static uint64_t report_infection_of(struct page *page, const struct plan *plan, enum flavor flavor,
                                    struct plot_series *series)
{
    char texts[3][PAGE_TEXT_BYTES];
    uint64_t most_milli = 0;
    for (uint32_t i = 0; i < NODE_COUNT_COUNT; i++) {
        const struct crash crash = crash_of(flavor, node_counts[i]);
        struct numbers spread = differences(plan, &crash, CRASH_SUSPECTED, CRASH_SUSPECTED_MEDIAN);
        const uint64_t median_ns = numbers_quantile(&spread, 500);
        const uint64_t milli = median_ns * 1000 / period_ns(&crash);
        fprintf(page->body, "| %s | %" PRIu32 " | %s | %s | %s |\n", flavor_name(flavor),
                crash.node_count, page_milli(milli, texts[0]), page_ms(median_ns, texts[1]),
                page_ms(numbers_quantile(&spread, 990), texts[2]));
        plot_point(series, crash.node_count, (double)milli / 1000);
        most_milli = milli > most_milli ? milli : most_milli;
        numbers_free(&spread);
    }
    return most_milli;
}

static bool report_infection(struct page *page, const struct plan *plan)
{
    static struct plot plot;
    static const double paper_n[] = {8, 13, 20, 28, 35, 43, 52, 56};
    static const double paper[] = {1, 1.25, 3, 3, 2, 2.5, 1.5, 2.25};
    plot = (struct plot){.title = "T3: until half of the nodes have heard of a crash",
                         .x_label = "nodes",
                         .y_label = "protocol periods, median",
                         .is_x_log = true};
    fprintf(page->body,
            "From the first suspicion of a crashed node to the moment when half of the others have "
            "heard of it. SWIM's news\nrides on probes alone; ours is told on its own, too, while "
            "it is news.\n\n");
    page_head(page, "protocol | N | median periods | median ms | p99 ms");
    struct plot_series *swim = plot_add(&plot, "SWIM, our code", false);
    (void)report_infection_of(page, plan, FLAVOR_SWIM, swim);
    struct plot_series *ours = plot_add(&plot, "GridKV", false);
    const uint64_t most = report_infection_of(page, plan, FLAVOR_GRIDKV, ours);
    struct plot_series *published = plot_add(&plot, "SWIM, figure 3b", true);
    for (uint32_t i = 0; i < sizeof(paper) / sizeof(paper[0]); i++) {
        plot_point(published, paper_n[i], paper[i]);
    }
    page_mark(page, &(struct mark){.what = "GridKV: median periods, most of all N up to 128",
                                   .published = "1 to 3 (N up to 56)",
                                   .unit = "",
                                   .ours_milli = most,
                                   .limit_milli = 500});
    return page_plot(page, &plot);
}

const struct table table_infection = {
    .id = "T3", .title = "Median infection", .plan = plan_both, .report = report_infection};

/* ---- T4 -------------------------------------------------------------------------------------- */

static void plan_ours(struct plan *plan)
{
    plan_flavor(plan, FLAVOR_GRIDKV);
}

static const char why_suspicion[] =
    "the time is the least that there is only when three others find out by themselves before it "
    "is over; in one trial of\na hundred one of them comes late";

static bool report_suspicion(struct page *page, const struct plan *plan)
{
    static struct plot plot;
    char texts[2][PAGE_TEXT_BYTES];
    uint64_t most_ns = 0;
    plot = (struct plot){.title = "T4: from suspicion to verdict",
                         .x_label = "nodes",
                         .y_label = "ms",
                         .is_x_log = true,
                         .is_y_log = true};
    fprintf(page->body,
            "How long a crashed node is suspect before the first node declares it unreachable. "
            "SWIM's time is fixed:\n3 ceil(ln(N + 1)) periods of 2 s.\n\n");
    page_head(page, "N | SWIM, figure 3c, ms | GridKV median ms | GridKV p99 ms");
    struct plot_series *ours = plot_add(&plot, "GridKV, p99", false);
    struct plot_series *published = plot_add(&plot, "SWIM, figure 3c", true);
    for (uint32_t i = 0; i < NODE_COUNT_COUNT; i++) {
        const struct crash crash = crash_of(FLAVOR_GRIDKV, node_counts[i]);
        struct numbers waits = differences(plan, &crash, CRASH_SUSPECTED, CRASH_UNREACHABLE);
        const uint64_t p99_ns = numbers_quantile(&waits, 990);
        fprintf(page->body, "| %" PRIu32 " | %" PRIu64 " | %s | %s |\n", crash.node_count,
                flavor_swim_suspicion_ms(crash.node_count),
                page_ms(numbers_quantile(&waits, 500), texts[0]), page_ms(p99_ns, texts[1]));
        plot_point(ours, crash.node_count, (double)p99_ns / 1e6);
        plot_point(published, crash.node_count, (double)flavor_swim_suspicion_ms(crash.node_count));
        most_ns = p99_ns > most_ns ? p99_ns : most_ns;
        numbers_free(&waits);
    }
    page_mark(page, &(struct mark){.what = "GridKV: p99 of the wait, most of all N up to 128",
                                   .published = "18, 24, 30 s",
                                   .unit = " s",
                                   .ours_milli = most_ns / 1000000,
                                   .limit_milli = 500,
                                   .why = why_suspicion});
    return page_plot(page, &plot);
}

const struct table table_suspicion = {
    .id = "T4", .title = "Suspicion timeout", .plan = plan_ours, .report = report_suspicion};
