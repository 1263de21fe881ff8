/* Membership, measured as the papers measured theirs: SWIM (DSN 2002), Lifeguard (DSN 2018),
 * memberlist's defaults and Rapid (ATC 2018), each beside GridKV in the same simulated world.
 *
 * Prints a page of Markdown (docs/results/membership.md), and writes a plot for each table. All
 * times are simulated: the same build prints the same figures on every machine. What was measured
 * is kept, and not measured again by the same build. With arguments the plots go where the pieces
 * are, so that those of the page stay the page's.
 * Usage: bench_membership [--jobs N] [--effort PERCENT | --full] [--folder F] [--plots F] [tN ...]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bench/report/page.h"
#include "bench/membership/plan.h"
#include "bench/membership/table.h"

static const struct table *const tables[] = {
    &table_load,    &table_detection,    &table_infection, &table_suspicion,  &table_joins,
    &table_anomaly, &table_anomaly_load, &table_latency,   &table_exhaustion, &table_memberlist,
    &table_views,   &table_grey,         &table_bandwidth,
};
#define TABLE_COUNT (sizeof(tables) / sizeof(tables[0]))

#define FULL_PERCENT 1000 /* as many repetitions as the papers, or more */

struct arguments {
    uint32_t job_count;
    uint32_t effort;
    const char *folder; /* of pieces */
    const char *plots;
    bool is_wanted[TABLE_COUNT];
    bool is_any_wanted;
};

static bool want(struct arguments *arguments, const char *id)
{
    for (uint32_t i = 0; i < TABLE_COUNT; i++) {
        if (strcasecmp(tables[i]->id, id) == 0) {
            arguments->is_wanted[i] = true;
            arguments->is_any_wanted = true;
            return true;
        }
    }
    return false;
}

/* Take an option that has a value. */
static bool take_option(struct arguments *arguments, const char *option, const char *value)
{
    if (value == NULL) {
        return false;
    }
    if (strcmp(option, "--jobs") == 0) {
        arguments->job_count = (uint32_t)strtoul(value, NULL, 10);
        return arguments->job_count >= 1 && arguments->job_count <= 16;
    }
    if (strcmp(option, "--effort") == 0) {
        arguments->effort = (uint32_t)strtoul(value, NULL, 10);
        return arguments->effort >= 1;
    }
    if (strcmp(option, "--folder") == 0) {
        arguments->folder = value;
        return true;
    }
    arguments->plots = value;
    return strcmp(option, "--plots") == 0;
}

static bool take_arguments(struct arguments *arguments, char **words)
{
    for (uint32_t i = 1; words[i] != NULL; i++) {
        if (strcmp(words[i], "--full") == 0) {
            arguments->effort = FULL_PERCENT;
        } else if (words[i][0] != '-') {
            if (!want(arguments, words[i])) {
                return false;
            }
        } else if (!take_option(arguments, words[i], words[i + 1])) {
            return false;
        } else {
            i++;
        }
    }
    return true;
}

static bool is_chosen(const struct arguments *arguments, uint32_t index)
{
    return !arguments->is_any_wanted || arguments->is_wanted[index];
}

static bool print_page(struct page *page, const struct arguments *arguments,
                       const struct plan *plan)
{
    bool is_written = true;
    for (uint32_t i = 0; i < TABLE_COUNT && is_written; i++) {
        if (is_chosen(arguments, i)) {
            page_table(page, tables[i]->id, tables[i]->title);
            is_written = tables[i]->report(page, plan);
        }
    }
    if (is_written) {
        page_end(page, stdout);
    }
    return is_written;
}

int main(int argc, char **argv)
{
    static struct plan plan;
    static struct page page;
    struct arguments arguments = {.job_count = 2,
                                  .effort = 100,
                                  .folder = "build/membership",
                                  .plots = argc == 1 ? "docs/results/membership" : NULL};
    if (argc < 1 || !take_arguments(&arguments, argv)) {
        fprintf(stderr, "usage: bench_membership [--jobs N] [--effort PERCENT | --full] "
                        "[--folder F] [--plots F] [tN ...]\n");
        return 2;
    }
    plan.effort = arguments.effort;
    for (uint32_t i = 0; i < TABLE_COUNT; i++) {
        if (is_chosen(&arguments, i)) {
            tables[i]->plan(&plan);
        }
    }
    /* The page first: where nothing can be written nothing need be measured. */
    const char *plots = arguments.plots != NULL ? arguments.plots : arguments.folder;
    if (!page_begin(&page, plots) ||
        !plan_carry_out(&plan, arguments.folder, arguments.job_count)) {
        return 1;
    }
    return print_page(&page, &arguments, &plan) ? 0 : 1;
}
