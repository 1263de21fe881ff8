/* gridkv-sim coverage: is every entry of the tally reached by the seeds of its budget? */
#include <inttypes.h>
#include <stdio.h>

#include "sim/campaign.h"
#include "sim/command.h"
#include "sim/jobs.h"
#include "sim/report.h"
#include "sim/switches.h"
#include "sim/tally.h"
#include "sim/trial.h"

/* What the seeds so far reached. */
struct reach {
    struct {
        uint64_t count;
        uint64_t seed_count;
        uint64_t first; /* the least seed; only if seed_count > 0 */
    } entries[GKV_PREDICATE_COUNT];
};

static void take(void *context, const struct gkv_trial_summary *summary)
{
    struct reach *reach = context;
    for (uint32_t i = 0; i < GKV_PREDICATE_COUNT; i++) {
        const uint64_t count = summary->tally.counts[i];
        if (count == 0) {
            continue;
        }
        if (reach->entries[i].seed_count == 0 || summary->seed < reach->entries[i].first) {
            reach->entries[i].first = summary->seed; /* of several processes, in any order */
        }
        reach->entries[i].count += count;
        reach->entries[i].seed_count++;
    }
}

static void print_entry(const struct reach *reach, uint32_t number)
{
    const struct gkv_tally_entry *entry = gkv_tally_entry((enum gkv_predicate)number);
    char first[24] = "-";
    if (reach->entries[number].seed_count > 0) {
        (void)snprintf(first, sizeof(first), "%" PRIu64, reach->entries[number].first);
    }
    printf("%-24s %7" PRIu64 " %6s %10" PRIu64 "  %s\n", entry->name,
           reach->entries[number].seed_count, first, reach->entries[number].count, entry->says);
}

static void print_group(const struct reach *reach, enum gkv_tally_group group, const char *title)
{
    printf("%-24s %7s %6s %10s\n", title, "seeds", "first", "times");
    for (uint32_t i = 0; i < GKV_PREDICATE_COUNT; i++) {
        if (gkv_tally_entry((enum gkv_predicate)i)->group == group) {
            print_entry(reach, i);
        }
    }
    printf("\n");
}

/* How many of those that were never reached should have been? */
static uint32_t count_missing(const struct reach *reach, uint64_t seed_count)
{
    uint32_t missing = 0;
    for (uint32_t i = 0; i < GKV_PREDICATE_COUNT; i++) {
        missing += gkv_tally_is_missing((enum gkv_predicate)i, reach->entries[i].count, seed_count);
    }
    return missing;
}

/* Name what was never reached. */
static void print_missing(const struct reach *reach, uint64_t seed_count)
{
    for (uint32_t i = 0; i < GKV_PREDICATE_COUNT; i++) {
        const struct gkv_tally_entry *entry = gkv_tally_entry((enum gkv_predicate)i);
        const uint64_t count = reach->entries[i].count;
        if (gkv_tally_is_missing((enum gkv_predicate)i, count, seed_count)) {
            printf("NEVER REACHED: %s: %s\n", entry->name, entry->says);
        } else if (count == 0) {
            printf("not reached, due within %" PRIu64 " seeds: %s\n",
                   gkv_tally_seed_count(entry->budget), entry->name);
        }
    }
}

/* The line that counts the same seeds again. */
static void print_replay(const struct gkv_trial_options *options, const uint64_t range[2])
{
    char switches[GKV_TRIAL_LINE_BYTES];
    gkv_report_switches(options, switches);
    printf("replay: gridkv-sim coverage --seeds %" PRIu64 "..%" PRIu64 "%s%s%s\n", range[0],
           range[1], switches, gkv_report_commit()[0] != '\0' ? "   # at commit " : "",
           gkv_report_commit());
}

static bool parse(struct gkv_arguments *arguments, struct gkv_jobs_options *options,
                  uint64_t range[2])
{
    uint64_t job_count = 0;
    const char *text = NULL;
    while (gkv_arguments_more(arguments)) {
        if (gkv_arguments_take_text(arguments, "--seeds", &text)) {
            if (!gkv_arguments_range(text, &range[0], &range[1])) {
                return gkv_arguments_wrong(
                    arguments, "--seeds wants the first and the last, such as 1..300, not '%s'",
                    text);
            }
        } else if (gkv_arguments_take_number(arguments, "--jobs", GKV_JOBS_COUNT_MAX, &job_count)) {
            options->job_count = (uint32_t)job_count;
        } else if (!gkv_switches_take(arguments, &options->trial)) {
            return false;
        }
    }
    return true;
}

int gkv_command_coverage(struct gkv_arguments *arguments)
{
    static struct reach reach; /* too large for a stack frame */
    static struct gkv_campaign campaign;
    uint64_t range[2] = {1, gkv_tally_seed_count(GKV_TALLY_DEEP)};
    struct gkv_jobs_options options = {.trial.report = true, .each = take, .context = &reach};
    if (!parse(arguments, &options, range)) {
        return GKV_TRIAL_USAGE;
    }
    gkv_campaign_init(&campaign, range[0], range[1]);
    const enum gkv_trial_status status = gkv_jobs_run(&options, &campaign);
    if (status != GKV_TRIAL_PASS) {
        return (int)status;
    }
    /* Seeds that were told to be of one kind owe nothing. */
    const bool is_generic =
        options.trial.profile == GKV_PROFILE_SWARM && options.trial.off_mask == 0;
    const uint64_t seed_count = is_generic ? campaign.seed_count : 0;
    const uint32_t missing = count_missing(&reach, seed_count);
    if (missing > 0) {
        print_replay(&options.trial, range);
    }
    print_group(&reach, GKV_TALLY_HOLDS, "asked");
    print_group(&reach, GKV_TALLY_MET, "met");
    print_group(&reach, GKV_TALLY_REACHED, "reached");
    print_missing(&reach, seed_count);
    printf("coverage: %d entries, of which %" PRIu32 " should have been reached and were not\n",
           (int)GKV_PREDICATE_COUNT, missing);
    return missing == 0 ? GKV_TRIAL_PASS : GKV_TRIAL_COVERAGE;
}
