/* T1: what probing costs a quiet cluster (SWIM, figure 2). */
#include <inttypes.h>

#include "bench/membership/crowd.h"
#include "bench/membership/flavor.h"
#include "bench/membership/load.h"
#include "bench/membership/table.h"
#include "core/panic.h"

#define PERIOD_COUNT 200

static const uint32_t node_counts[] = {8, 16, 28, 40, 56, 128, 256};
#define NODE_COUNT_COUNT (sizeof(node_counts) / sizeof(node_counts[0]))

static const enum flavor flavors[] = {FLAVOR_SWIM, FLAVOR_GRIDKV};
#define ROW_FLAVOR_COUNT (sizeof(flavors) / sizeof(flavors[0]))

static struct load load_of(enum flavor flavor, uint32_t node_count)
{
    return (struct load){.flavor = flavor, .node_count = node_count, .period_count = PERIOD_COUNT};
}

static void plan_load(struct plan *plan)
{
    for (uint32_t f = 0; f < ROW_FLAVOR_COUNT; f++) {
        for (uint32_t i = 0; i < NODE_COUNT_COUNT; i++) {
            const struct load load = load_of(flavors[f], node_counts[i]);
            load_plan(plan, &load);
        }
    }
}

/* What the marks are about. */
struct extremes {
    uint64_t per_probe_least;
    uint64_t per_probe_most; /* thousandths */
};

static void note_extremes(struct extremes *extremes, uint64_t per_probe_milli)
{
    if (extremes->per_probe_most == 0 || per_probe_milli < extremes->per_probe_least) {
        extremes->per_probe_least = per_probe_milli;
    }
    if (per_probe_milli > extremes->per_probe_most) {
        extremes->per_probe_most = per_probe_milli;
    }
}

static void report_row(struct page *page, const struct plan *plan, const struct load *load,
                       struct extremes *extremes, struct plot_series *series)
{
    char texts[5][PAGE_TEXT_BYTES];
    const struct load_result result = load_result(plan, load);
    const uint64_t sent = result.sent_count * 1000 / result.member_period_count;
    const uint64_t received = result.received_count * 1000 / result.member_period_count;
    const uint64_t per_probe = result.sent_count * 1000 / result.ping_count;
    const uint64_t few = result.few_count * 1000 / result.member_period_count;
    fprintf(page->body, "| %s | %" PRIu32 " | %s | %s | %s | %s | %s |\n",
            flavor_name(load->flavor), load->node_count, page_milli(sent, texts[0]),
            page_milli(received, texts[1]), page_milli(per_probe, texts[2]),
            page_milli(few, texts[3]),
            page_milli(result.sent_bytes * 1000 / result.sent_count, texts[4]));
    note_extremes(extremes, per_probe);
    plot_point(series, load->node_count, (double)per_probe / 1000);
}

static void report_marks(struct page *page, const struct plan *plan,
                         const struct extremes extremes[ROW_FLAVOR_COUNT])
{
    const struct load at_28 = load_of(FLAVOR_SWIM, 28);
    const struct load_result result = load_result(plan, &at_28);
    const struct extremes *ours = &extremes[1];
    page_mark(page,
              &(struct mark){.what = "SWIM: messages per period and member, N = 28",
                             .published = "2.0",
                             .unit = "",
                             .ours_milli = result.sent_count * 1000 / result.member_period_count,
                             .limit_milli = 2050});
    page_mark(page, &(struct mark){.what = "GridKV: messages per probe, most of all N",
                                   .published = "2.0",
                                   .unit = "",
                                   .ours_milli = ours->per_probe_most,
                                   .limit_milli = 2050});
    page_mark(page,
              &(struct mark){.what = "GridKV: how far N from 8 to 256 are from their middle",
                             .published = "flat",
                             .unit = " %",
                             .ours_milli = (ours->per_probe_most - ours->per_probe_least) * 100000 /
                                           (ours->per_probe_most + ours->per_probe_least),
                             .limit_milli = 2000});
}

static bool report_load(struct page *page, const struct plan *plan)
{
    struct extremes extremes[ROW_FLAVOR_COUNT] = {{0}};
    static struct plot plot;
    plot = (struct plot){.title = "T1: messages per probe in a quiet cluster",
                         .x_label = "nodes",
                         .y_label = "messages sent per probe",
                         .is_x_log = true};
    fprintf(
        page->body,
        "A healthy cluster without clients, %d protocol periods, after rumours have died down. "
        "Every datagram\ncounts; streams (the whole table, now and then) do not, which SWIM has "
        "not. SWIM probes one member in a period.\nFigure 2 shows 2.0 messages sent and "
        "received, and at N = 28 fewer than 5 sent in 0.99 of the periods: a ping, and\nanswers,"
        " which come as a Poisson process of one in a period, so that 0.981 is expected.\n\n",
        PERIOD_COUNT);
    page_head(page, "protocol | N | sent per period and member | received | sent per probe | "
                    "periods with < 5 sent | bytes each");
    for (uint32_t f = 0; f < ROW_FLAVOR_COUNT; f++) {
        struct plot_series *series = plot_add(&plot, flavor_name(flavors[f]), false);
        for (uint32_t i = 0; i < NODE_COUNT_COUNT; i++) {
            const struct load load = load_of(flavors[f], node_counts[i]);
            report_row(page, plan, &load, &extremes[f], series);
        }
    }
    struct plot_series *published = plot_add(&plot, "SWIM, figure 2", true);
    plot_point(published, 5, 2);
    plot_point(published, 55, 2);
    report_marks(page, plan, extremes);
    return page_plot(page, &plot);
}

const struct table table_load = {
    .id = "T1", .title = "Load", .plan = plan_load, .report = report_load};
