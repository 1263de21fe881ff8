/* T12: a node that is neither well nor dead (Rapid, figures 9 and 10). */
#include <inttypes.h>

#include "bench/membership/grey.h"
#include "bench/membership/table.h"

#define RUN_COUNT 5

static const struct {
    enum flavor flavor;
    enum grey_kind kind;
} rows[] = {
    {FLAVOR_MEMBERLIST, GREY_DEAF},
    {FLAVOR_GRIDKV, GREY_DEAF},
    {FLAVOR_MEMBERLIST, GREY_LOSSY},
    {FLAVOR_GRIDKV, GREY_LOSSY},
};
#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

static struct grey grey_of(enum flavor flavor, enum grey_kind kind)
{
    return (struct grey){.flavor = flavor, .kind = kind, .run_count = RUN_COUNT};
}

static void plan_grey(struct plan *plan)
{
    for (uint32_t i = 0; i < ROW_COUNT; i++) {
        const struct grey grey = grey_of(rows[i].flavor, rows[i].kind);
        grey_plan(plan, &grey);
    }
}

/* The most of all runs. */
static uint64_t most(const struct plan *plan, const struct grey *grey, enum grey_field field)
{
    struct numbers numbers = grey_numbers(plan, grey, field);
    const uint64_t number = numbers_quantile(&numbers, 1000);
    numbers_free(&numbers);
    return number;
}

static const char *ms_or_never(uint64_t ms, char text_out[PAGE_TEXT_BYTES])
{
    if (ms == GREY_NEVER_MS) {
        return "never";
    }
    (void)snprintf(text_out, PAGE_TEXT_BYTES, "%" PRIu64, ms);
    return text_out;
}

static const char *kind_name(enum grey_kind kind)
{
    return kind == GREY_DEAF ? "deaf by turns" : "80 % lost";
}

static void report_row(struct page *page, const struct plan *plan, const struct grey *grey)
{
    char texts[3][PAGE_TEXT_BYTES];
    fprintf(page->body, "| %s | %s | %s | %s | %s | %" PRIu64 " | %" PRIu64 " | %" PRIu64 " |\n",
            kind_name(grey->kind), flavor_name(grey->flavor),
            ms_or_never(most(plan, grey, GREY_DEGRADED_MS), texts[2]),
            ms_or_never(most(plan, grey, GREY_UNREACHABLE_MS), texts[0]),
            ms_or_never(most(plan, grey, GREY_EVICTED_MS), texts[1]),
            most(plan, grey, GREY_CHANGES), most(plan, grey, GREY_FALSE),
            most(plan, grey, GREY_EVICTED_WELL));
}

static const char why_degraded[] =
    "a node is DEGRADED that many accuse and that denies it each time, twice in 10 s at the least: "
    "it is suspected for the\nfirst time when a probe of it fails by all ways, which with four "
    "fifths lost takes a while";
static const char why_changes[] =
    "the first time that a deaf node is heard again nobody can tell it from one behind a partition "
    "that healed, so that\nit goes and comes once before it is known for what it is";

static void mark_kind(struct page *page, const struct plan *plan, enum grey_kind kind)
{
    const struct grey grey = grey_of(FLAVOR_GRIDKV, kind);
    struct mark mark = {.unit = " s"};
    (void)snprintf(mark.what, sizeof(mark.what), "GridKV, %s: degraded or worse to all",
                   kind_name(kind));
    mark.ours_milli = most(plan, &grey, GREY_DEGRADED_MS);
    mark.limit_milli = 2000;
    mark.why = why_degraded;
    page_mark(page, &mark);
    mark = (struct mark){.published = "memberlist: never", .unit = " s"};
    (void)snprintf(mark.what, sizeof(mark.what), "GridKV, %s: evicted by all", kind_name(kind));
    mark.ours_milli = most(plan, &grey, GREY_EVICTED_MS);
    mark.limit_milli = 45000;
    page_mark(page, &mark);
    mark = (struct mark){.published = "memberlist: oscillates; Rapid 1", .unit = ""};
    (void)snprintf(mark.what, sizeof(mark.what), "GridKV, %s: changes of a node's view",
                   kind_name(kind));
    mark.ours_milli = 1000 * most(plan, &grey, GREY_CHANGES);
    mark.limit_milli = 2000;
    mark.why = why_changes;
    page_mark(page, &mark);
    mark = (struct mark){.published = "Rapid 0", .unit = ""};
    (void)snprintf(mark.what, sizeof(mark.what), "GridKV, %s: healthy nodes evicted",
                   kind_name(kind));
    mark.ours_milli = 1000 * most(plan, &grey, GREY_EVICTED_WELL);
    page_mark(page, &mark);
}

static bool report_grey(struct page *page, const struct plan *plan)
{
    static struct plot plot;
    plot = (struct plot){.title = "T12: changes of view while one of 128 nodes is grey",
                         .x_label = "run",
                         .y_label = "changes of the size that a node says, most of all nodes"};
    fprintf(
        page->body,
        "One of %d nodes is faulty for %d s. *Deaf by turns*: nothing reaches it for 20 s, "
        "then all does for 20 s; what it says arrives.\n*80 %% lost*: of its packets, both "
        "ways. Until all others hold it DEGRADED (`core/grey.h`) or worse, unreachable, and\n"
        "evicted; how often the number of nodes changed that a healthy node reaches, looked at "
        "once a second; healthy nodes\nthat other healthy ones held unreachable, or evicted. The "
        "most of %" PRIu32 " runs. In Rapid's figures 9 and 10 (10 of 1000 nodes)\nmemberlist "
        "oscillates and never removes them, Rapid removes them in one change of view. GridKV is "
        "to evict who was\naccused by many and denied it for 30 s, and who was evicted twice is "
        "to come back when it has been well for 30 s\n(`docs/decisions/0012`).\n\n",
        GREY_NODE_COUNT, GREY_SECONDS, plan_repetitions(plan, RUN_COUNT));
    page_head(page, "faulty node | protocol | degraded or worse after ms | unreachable after ms | "
                    "evicted after ms | changes of a view | healthy unreachable | healthy evicted");
    for (uint32_t i = 0; i < ROW_COUNT; i++) {
        const struct grey grey = grey_of(rows[i].flavor, rows[i].kind);
        char name[PLOT_NAME_BYTES];
        report_row(page, plan, &grey);
        (void)snprintf(name, sizeof(name), "%s, %s", flavor_name(grey.flavor),
                       kind_name(grey.kind));
        struct plot_series *series = plot_add(&plot, name, false);
        struct numbers changes = grey_numbers(plan, &grey, GREY_CHANGES);
        for (uint32_t run = 0; run < changes.count && run < PLOT_POINT_COUNT_MAX; run++) {
            plot_point(series, run + 1, (double)changes.values[run]);
        }
        numbers_free(&changes);
    }
    mark_kind(page, plan, GREY_DEAF);
    mark_kind(page, plan, GREY_LOSSY);
    return page_plot(page, &plot);
}

const struct table table_grey = {
    .id = "T12", .title = "Grey failures", .plan = plan_grey, .report = report_grey};
