/* T6, T7: nodes that stop and go on, and what Lifeguard's parts make of it (Lifeguard, table IV and
 * figure 2).
 */
#include <inttypes.h>

#include "bench/membership/anomaly.h"
#include "bench/membership/table.h"

#define THINNING 24 /* of the paper's 432 combinations, 18 */

struct row {
    enum flavor flavor;
    enum anomaly_kind kind;
    const char *published; /* FP % and FP- % of SWIM; messages % and bytes % */
    const char *published_load;
};

/* Every row is compared with the SWIM of its kind. */
static const struct row rows[] = {
    {FLAVOR_LIFEGUARD_NONE, ANOMALY_BLOCKS, "100 / 100", "100 / 100"},
    {FLAVOR_LIFEGUARD_PROBE, ANOMALY_BLOCKS, "67.72 / 32.88", "98.46 / 90.03"},
    {FLAVOR_LIFEGUARD_SUSPICION, ANOMALY_BLOCKS, "3.00 / 6.71", "111.31 / 106.52"},
    {FLAVOR_LIFEGUARD_BUDDY, ANOMALY_BLOCKS, "94.08 / 44.57", "100.07 / 99.01"},
    {FLAVOR_LIFEGUARD, ANOMALY_BLOCKS, "1.53 / 1.89", "110.59 / 97.97"},
    {FLAVOR_LIFEGUARD_WITNESS, ANOMALY_BLOCKS, "-", "-"},
    {FLAVOR_GRIDKV_UNGUARDED, ANOMALY_BLOCKS, "-", "-"},
    {FLAVOR_GRIDKV, ANOMALY_BLOCKS, "-", "-"},
    {FLAVOR_LIFEGUARD_NONE, ANOMALY_STOPS, "-", "-"},
    {FLAVOR_LIFEGUARD, ANOMALY_STOPS, "-", "-"},
    {FLAVOR_GRIDKV, ANOMALY_STOPS, "-", "-"},
};
#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

static struct anomaly anomaly_of(enum flavor flavor, enum anomaly_kind kind)
{
    return (struct anomaly){.flavor = flavor, .kind = kind, .thinning = THINNING};
}

static void plan_anomalies(struct plan *plan)
{
    for (uint32_t i = 0; i < ROW_COUNT; i++) {
        const struct anomaly anomaly = anomaly_of(rows[i].flavor, rows[i].kind);
        anomaly_plan(plan, &anomaly);
    }
}

/* For each combination, so that rows of different parts of the grid can be compared; thousandths.
 */
static uint64_t each_milli(uint64_t number, const struct anomaly_result *result)
{
    return number * 1000 / result->combination_count;
}

/* A share of SWIM's, in thousandths of a percent; where SWIM has none, 0 is 0 and more is all. */
static uint64_t percent_milli(uint64_t milli, uint64_t swim_milli)
{
    return swim_milli == 0 ? (milli == 0 ? 0 : 100000) : milli * 100000 / swim_milli;
}

struct shares {
    uint64_t false_percent_milli;
    uint64_t false_healthy_percent_milli;
    uint64_t message_percent_milli;
    uint64_t bytes_percent_milli;
    uint64_t per_probe_milli; /* messages for each probe that was due */
};

static struct shares shares_of(const struct plan *plan, enum flavor flavor, enum anomaly_kind kind)
{
    const struct anomaly anomaly = anomaly_of(flavor, kind);
    const struct anomaly swim_anomaly = anomaly_of(FLAVOR_LIFEGUARD_NONE, kind);
    const struct anomaly_result ours = anomaly_result(plan, &anomaly);
    const struct anomaly_result swim = anomaly_result(plan, &swim_anomaly);
    return (struct shares){
        .false_percent_milli =
            percent_milli(each_milli(ours.false_count, &ours), each_milli(swim.false_count, &swim)),
        .false_healthy_percent_milli = percent_milli(each_milli(ours.false_healthy_count, &ours),
                                                     each_milli(swim.false_healthy_count, &swim)),
        .message_percent_milli = percent_milli(each_milli(ours.message_count, &ours),
                                               each_milli(swim.message_count, &swim)),
        .bytes_percent_milli = percent_milli(each_milli(ours.message_bytes, &ours),
                                             each_milli(swim.message_bytes, &swim)),
        .per_probe_milli = ours.message_count * 1000 / ours.probe_count,
    };
}

static const char *kind_name(enum anomaly_kind kind)
{
    return kind == ANOMALY_STOPS ? "stopped" : "blocked";
}

/* ---- T6 -------------------------------------------------------------------------------------- */

static void report_row(struct page *page, const struct plan *plan, const struct row *row)
{
    char texts[2][PAGE_TEXT_BYTES];
    const struct anomaly anomaly = anomaly_of(row->flavor, row->kind);
    const struct anomaly_result result = anomaly_result(plan, &anomaly);
    const struct shares shares = shares_of(plan, row->flavor, row->kind);
    fprintf(page->body,
            "| %s | %s | %" PRIu64 " | %" PRIu64 " | %" PRIu64 " | %s | %s | %s | %" PRIu64 " |\n",
            flavor_name(row->flavor), kind_name(row->kind), result.combination_count,
            result.false_count, result.false_healthy_count,
            page_milli(shares.false_percent_milli, texts[0]),
            page_milli(shares.false_healthy_percent_milli, texts[1]), row->published,
            result.hearsay_count);
}

static const char why_alone[] =
    "who hears nobody waits for witness_patience_ms, and then goes by what he sees, for somebody "
    "must survive. By default that\nis shorter than a block of 8 s, which SWIM's suspicion of 10 s "
    "outlasts, and each round of a longer one costs a verdict on\neverybody. With the patience of "
    "a minute next to nothing of it is left";

/* No more than so much of SWIM's: blocked nodes, of which a stall guard sees nothing. */
static void mark_shares(struct page *page, const struct plan *plan, enum flavor flavor)
{
    const struct shares shares = shares_of(plan, flavor, ANOMALY_BLOCKS);
    const char *why = flavor == FLAVOR_GRIDKV ? why_alone : NULL;
    struct mark all = {.published = "1.53",
                       .unit = " %",
                       .ours_milli = shares.false_percent_milli,
                       .limit_milli = 100,
                       .why = why};
    struct mark healthy = {.published = "1.89",
                           .unit = " %",
                           .ours_milli = shares.false_healthy_percent_milli,
                           .limit_milli = 600,
                           .why = why};
    (void)snprintf(all.what, sizeof(all.what), "%s, blocked: FP of SWIM's", flavor_name(flavor));
    (void)snprintf(healthy.what, sizeof(healthy.what), "%s, blocked: FP- of SWIM's",
                   flavor_name(flavor));
    page_mark(page, &all);
    page_mark(page, &healthy);
}

/* None at all, with a stall guard. */
static void mark_none(struct page *page, const struct plan *plan)
{
    const struct anomaly anomaly = anomaly_of(FLAVOR_GRIDKV, ANOMALY_STOPS);
    const struct anomaly_result result = anomaly_result(plan, &anomaly);
    page_mark(page, &(struct mark){.what = "GridKV, stopped: FP",
                                   .unit = "",
                                   .ours_milli = 1000 * result.false_count});
    page_mark(page, &(struct mark){.what = "GridKV, stopped: FP-",
                                   .unit = "",
                                   .ours_milli = 1000 * result.false_healthy_count});
}

static void plot_rows(const struct plan *plan, struct plot *plot)
{
    for (uint32_t r = 0; r < ROW_COUNT; r++) {
        if (rows[r].kind != ANOMALY_BLOCKS) {
            continue;
        }
        struct plot_series *series = plot_add(plot, flavor_name(rows[r].flavor), false);
        for (uint32_t i = 0; i < ANOMALY_C_COUNT; i++) {
            const struct anomaly anomaly = anomaly_of(rows[r].flavor, rows[r].kind);
            const struct anomaly_result result = anomaly_result_at(plan, &anomaly, i);
            plot_point(series, anomaly_concurrency(i),
                       (double)result.false_count / (double)result.combination_count);
        }
    }
}

static uint32_t default_patience_seconds(void)
{
    struct gkv_options options;
    gkv_options_init(&options);
    return options.witness_patience_ms / 1000;
}

static bool report_anomalies(struct page *page, const struct plan *plan)
{
    static struct plot plot;
    plot = (struct plot){.title = "T6: false verdicts while nodes stop and go on",
                         .x_label = "nodes under an anomaly at a time, of 128",
                         .y_label = "false verdicts for each combination of D and I",
                         .is_y_log = true};
    fprintf(
        page->body,
        "Of %d nodes C are under an anomaly for D ms, then not for I ms, and so on for %d s; C of "
        "{1, 4, 8 .. 32},\nD of {128, 512, 2048, 8192, 16384, 32768}, I of {1, 4, 16 .. 16384}: "
        "combinations are 432, of which the paper measured\neach ten times (table IV). FP: a "
        "node's own verdict, not one that it heard, that a node is unreachable which is up and\n"
        "not under an anomaly; FP-: of a node that is not under one itself; heard: nodes that "
        "heard of such verdicts.\nPercentages are of SWIM's in the same world.\n\n"
        "*Blocked* is the paper's anomaly: a node stands still where it sends and where it "
        "receives, while its timers go on, so\nthat it pings and hears no answer. *Stopped* is "
        "what happens to a process on SIGSTOP, or while its machine is moved: timers\nstand "
        "still, too. That spares SWIM as well: where it has no FP there is no share to take, and "
        "the marks are none at all. A stall guard\nsees nothing of a block, which is why the "
        "shares are those of blocked nodes.\n\n"
        "Where we differ from the paper: the grid is read from its text, its seeds and machines "
        "are not ours; a socket holds 256\ndatagrams each way, and what is too much is lost; the "
        "last cycle of an anomaly is carried through after the two\nminutes. *Patient*: who hears "
        "nobody accuses nobody for a minute, longer than any anomaly. By default that is %" PRIu32
        " s,\nafter which a node that is alone declares all others unreachable, as it must some "
        "day: the row *GridKV, blocked*. Why LHA-Suspicion\nalone is worth less here than in the "
        "paper, and LHA-Probe more, we do not know.\n\n",
        ANOMALY_NODE_COUNT, ANOMALY_SECONDS, default_patience_seconds());
    page_head(page, "protocol | anomaly | combinations | FP | FP- | FP, % of SWIM | FP-, % of SWIM "
                    "| published, % | heard");
    for (uint32_t i = 0; i < ROW_COUNT; i++) {
        report_row(page, plan, &rows[i]);
    }
    plot_rows(plan, &plot);
    mark_shares(page, plan, FLAVOR_LIFEGUARD_WITNESS);
    mark_shares(page, plan, FLAVOR_GRIDKV_UNGUARDED);
    mark_shares(page, plan, FLAVOR_GRIDKV);
    mark_none(page, plan);
    return page_plot(page, &plot);
}

const struct table table_anomaly = {
    .id = "T6", .title = "Anomalies", .plan = plan_anomalies, .report = report_anomalies};

/* ---- T7 -------------------------------------------------------------------------------------- */

static bool report_anomaly_load(struct page *page, const struct plan *plan)
{
    static struct plot plot;
    char texts[3][PAGE_TEXT_BYTES];
    plot = (struct plot){.title = "T7: messages under anomalies",
                         .x_label = "nodes under an anomaly at a time, of 128",
                         .y_label = "messages for each probe that was due"};
    fprintf(
        page->body,
        "Messages (datagrams) and bytes of the runs of T6, nodes blocked, in percent of "
        "SWIM's in the same world;\nand messages for each probe that was due at the options' pace, "
        "which compares protocols of different paces.\n\n");
    page_head(page, "protocol | messages, % of SWIM | bytes, % of SWIM | published, % | messages "
                    "per probe");
    for (uint32_t r = 0; r < ROW_COUNT; r++) {
        if (rows[r].kind != ANOMALY_BLOCKS) {
            continue;
        }
        const struct shares shares = shares_of(plan, rows[r].flavor, rows[r].kind);
        struct plot_series *series = plot_add(&plot, flavor_name(rows[r].flavor), false);
        fprintf(page->body, "| %s | %s | %s | %s | %s |\n", flavor_name(rows[r].flavor),
                page_milli(shares.message_percent_milli / 10 * 10, texts[0]),
                page_milli(shares.bytes_percent_milli / 10 * 10, texts[1]), rows[r].published_load,
                page_milli(shares.per_probe_milli, texts[2]));
        for (uint32_t i = 0; i < ANOMALY_C_COUNT; i++) {
            const struct anomaly anomaly = anomaly_of(rows[r].flavor, rows[r].kind);
            const struct anomaly_result result = anomaly_result_at(plan, &anomaly, i);
            plot_point(series, anomaly_concurrency(i),
                       (double)result.message_count / (double)result.probe_count);
        }
    }
    const struct shares swim = shares_of(plan, FLAVOR_LIFEGUARD_NONE, ANOMALY_BLOCKS);
    const struct shares ours = shares_of(plan, FLAVOR_GRIDKV, ANOMALY_BLOCKS);
    page_mark(page, &(struct mark){.what = "GridKV: messages per probe, of SWIM's",
                                   .published = "110.59",
                                   .unit = " %",
                                   .ours_milli =
                                       percent_milli(ours.per_probe_milli, swim.per_probe_milli),
                                   .limit_milli = 110000});
    return page_plot(page, &plot);
}

const struct table table_anomaly_load = {.id = "T7",
                                         .title = "Load under anomalies",
                                         .plan = plan_anomalies,
                                         .report = report_anomaly_load};
