/* T11, T13: a large cluster boots, and ten of its nodes crash at once (Rapid, ATC 2018). */
#include <inttypes.h>

#include "bench/membership/table.h"
#include "bench/membership/views.h"

#define RUN_COUNT 5

static const uint32_t node_counts[] = {64, 128, 256};
#define NODE_COUNT_COUNT (sizeof(node_counts) / sizeof(node_counts[0]))

static const enum flavor flavors[] = {FLAVOR_MEMBERLIST, FLAVOR_GRIDKV};
#define FLAVOR_COUNT (sizeof(flavors) / sizeof(flavors[0]))

static struct views views_of(enum flavor flavor, uint32_t node_count)
{
    return (struct views){.flavor = flavor, .node_count = node_count, .run_count = RUN_COUNT};
}

static void plan_views(struct plan *plan)
{
    for (uint32_t f = 0; f < FLAVOR_COUNT; f++) {
        for (uint32_t i = 0; i < NODE_COUNT_COUNT; i++) {
            const struct views views = views_of(flavors[f], node_counts[i]);
            views_plan(plan, &views);
        }
    }
}

/* The most of all runs. */
static uint64_t most(const struct plan *plan, const struct views *views, enum views_field field)
{
    struct numbers numbers = views_numbers(plan, views, field);
    const uint64_t number = numbers_quantile(&numbers, 1000);
    numbers_free(&numbers);
    return number;
}

static uint64_t median(const struct plan *plan, const struct views *views, enum views_field field)
{
    struct numbers numbers = views_numbers(plan, views, field);
    const uint64_t number = numbers_quantile(&numbers, 500);
    numbers_free(&numbers);
    return number;
}

/* ---- T11 ------------------------------------------------------------------------------------- */

static bool report_views(struct page *page, const struct plan *plan)
{
    static struct plot plot;
    const struct views largest = views_of(FLAVOR_GRIDKV, node_counts[NODE_COUNT_COUNT - 1]);
    plot = (struct plot){.title = "T11: sizes that nodes say while a cluster boots",
                         .x_label = "nodes",
                         .y_label = "different sizes, most of all runs",
                         .is_x_log = true,
                         .is_y_log = true};
    fprintf(page->body,
            "Three seeds, then all others within 100 ms; a minute later %d nodes lose their power "
            "at once. Every node says once\na second how many nodes it reaches; counted are the "
            "different numbers that anybody said, the most of %" PRIu32 " runs,\nand the median "
            "time until everybody held the truth. Rapid's table 1, N = 1000, 1500, 2000: ZooKeeper "
            "1000, 1500, 2000;\nmemberlist 901, 1383, 1858; Rapid 4, 8, 4. In its figure 8, ten "
            "crashes of 1000 are one change of view.\n\n",
            VIEWS_CRASH_COUNT, plan_repetitions(plan, RUN_COUNT));
    page_head(page, "protocol | N | boot: sizes said | boot: all agree after ms | crash: sizes "
                    "said | crash: all agree after ms");
    for (uint32_t f = 0; f < FLAVOR_COUNT; f++) {
        struct plot_series *series = plot_add(&plot, flavor_name(flavors[f]), false);
        for (uint32_t i = 0; i < NODE_COUNT_COUNT; i++) {
            const struct views views = views_of(flavors[f], node_counts[i]);
            fprintf(page->body,
                    "| %s | %" PRIu32 " | %" PRIu64 " | %" PRIu64 " | %" PRIu64 " | %" PRIu64
                    " |\n",
                    flavor_name(flavors[f]), views.node_count, most(plan, &views, VIEWS_BOOT_SIZES),
                    median(plan, &views, VIEWS_BOOT_MS), most(plan, &views, VIEWS_CRASH_SIZES),
                    median(plan, &views, VIEWS_CRASH_MS));
            plot_point(series, views.node_count, (double)most(plan, &views, VIEWS_BOOT_SIZES));
        }
    }
    page_mark(page, &(struct mark){.what = "GridKV: sizes said during a boot of 256",
                                   .published = "4 to 8 (N = 1000 to 2000)",
                                   .unit = "",
                                   .ours_milli = 1000 * most(plan, &largest, VIEWS_BOOT_SIZES),
                                   .limit_milli = 8000});
    page_mark(page, &(struct mark){.what = "GridKV: sizes said after 10 crashes of 256",
                                   .published = "1 (N = 1000)",
                                   .unit = "",
                                   .ours_milli = 1000 * most(plan, &largest, VIEWS_CRASH_SIZES),
                                   .limit_milli = 2000});
    return page_plot(page, &plot);
}

const struct table table_views = {
    .id = "T11", .title = "Views", .plan = plan_views, .report = report_views};

/* ---- T13 ------------------------------------------------------------------------------------- */

static void report_bandwidth_row(struct page *page, const struct plan *plan,
                                 const struct views *views)
{
    char texts[7][PAGE_TEXT_BYTES];
    static const enum views_field fields[] = {
        VIEWS_RECEIVED_MEAN, VIEWS_STREAMS_MEAN,  VIEWS_SENT_MEAN, VIEWS_RECEIVED_P99,
        VIEWS_SENT_P99,      VIEWS_RECEIVED_MOST, VIEWS_SENT_MOST};
    fprintf(page->body, "| %s | %" PRIu32, flavor_name(views->flavor), views->node_count);
    for (uint32_t i = 0; i < 7; i++) {
        const uint64_t bytes = most(plan, views, fields[i]);
        fprintf(page->body, " | %s", page_milli(bytes / 10 * 10, texts[i]));
    }
    fprintf(page->body, " |\n");
}

static const char why_mean[] =
    "20 probes a second are 40 datagrams received, with 28 bytes of heads each and the bytes that "
    "T1 shows, among them\ntwo identities of 24; the mark allows 60 bytes each in all, and the "
    "news of ten crashes comes on top";
static const char why_p99[] =
    "one second of a minute is the one in which ten crashes are told, which is more than one in a "
    "hundred: each of them\nas a suspicion, with up to three who confirm it, and as a verdict, "
    "each told 24 times by every node";

static bool report_bandwidth(struct page *page, const struct plan *plan)
{
    static struct plot plot;
    const struct views largest = views_of(FLAVOR_GRIDKV, node_counts[NODE_COUNT_COUNT - 1]);
    plot = (struct plot){.title = "T13: bytes per second and node",
                         .x_label = "nodes",
                         .y_label = "KB/s, received, mean",
                         .is_x_log = true};
    fprintf(page->body,
            "The minute after ten crashes, as in T11: KB (1,000 bytes) per second and node, with "
            "the heads of IP, UDP and TCP; the most of\n%" PRIu32 " runs. Rapid's table 2, "
            "N = 1000, received/sent: memberlist 0.54/0.64 (p99 5.61/6.40, most 7.36/8.04), Rapid\n"
            "0.71/0.71 (p99 3.66/3.72, most 9.56/11.37), which probe once a second; GridKV probes "
            "two members every 100 ms.\nMarks are of what is received: sent counts as well what "
            "is written into streams to those that lost their power, such\nas a table each second "
            "to one that is a seed, which no kernel would put on the wire without an answer.\n\n",
            plan_repetitions(plan, RUN_COUNT));
    page_head(page,
              "protocol | N | received, mean | of it in streams | sent, mean | received, p99 | "
              "sent, p99 | received, most | sent, most");
    for (uint32_t f = 0; f < FLAVOR_COUNT; f++) {
        struct plot_series *series = plot_add(&plot, flavor_name(flavors[f]), false);
        for (uint32_t i = 0; i < NODE_COUNT_COUNT; i++) {
            const struct views views = views_of(flavors[f], node_counts[i]);
            report_bandwidth_row(page, plan, &views);
            plot_point(series, views.node_count,
                       (double)most(plan, &views, VIEWS_RECEIVED_MEAN) / 1000);
        }
    }
    page_mark(page, &(struct mark){.what = "GridKV: received per second, mean, N = 256",
                                   .published = "0.71 (N = 1000)",
                                   .unit = " KB",
                                   .ours_milli = most(plan, &largest, VIEWS_RECEIVED_MEAN),
                                   .limit_milli = 3600,
                                   .why = why_mean});
    page_mark(page, &(struct mark){.what = "GridKV: received per second, p99, N = 256",
                                   .published = "3.66 (N = 1000)",
                                   .unit = " KB",
                                   .ours_milli = most(plan, &largest, VIEWS_RECEIVED_P99),
                                   .limit_milli = 10000,
                                   .why = why_p99});
    return page_plot(page, &plot);
}

const struct table table_bandwidth = {
    .id = "T13", .title = "Bandwidth", .plan = plan_views, .report = report_bandwidth};
