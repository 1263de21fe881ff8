/* gridkv-sim: run clusters that never were, by seed. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/jobs.h"
#include "sim/report.h"
#include "sim/trial.h"

static const char usage[] =
    "usage: gridkv-sim run --seed N [--twice]\n"
    "       gridkv-sim run --seeds A..B [--jobs J]\n"
    "\n"
    "  --seed N      one seed: prints its hash, events, simulated time, operations and result\n"
    "  --twice       runs it twice, and compares (also --check-determinism)\n"
    "  --seeds A..B  all of them, up to the first failure\n"
    "  --jobs J      in so many processes; as many as there are processors by default\n"
    "\n"
    "exit status: 0 pass, 2 usage, 10 safety, 11 liveness, 12 assertion, 13 memory,\n"
    "14 determinism\n";

struct arguments {
    bool has_seed;
    bool has_seeds;
    bool twice;
    uint64_t seed;
    struct gkv_jobs_options jobs;
};

/* A number, decimal or 0x and hexadecimal, that ends at `end` or at the end of the text. */
static bool parse_number(const char *text, const char *end, uint64_t *number_out)
{
    char *rest = NULL;
    if (text[0] < '0' || text[0] > '9') {
        return false;
    }
    *number_out = strtoull(text, &rest, 0);
    return rest != text && (end == NULL ? *rest == '\0' : rest == end);
}

static bool parse_range(const char *text, struct gkv_jobs_options *jobs)
{
    const char *dots = strstr(text, "..");
    return dots != NULL && parse_number(text, dots, &jobs->first) &&
           parse_number(dots + 2, NULL, &jobs->last) && jobs->first <= jobs->last &&
           jobs->last < UINT64_MAX - GKV_JOBS_COUNT_MAX;
}

static bool parse(int count, char **words, struct arguments *arguments)
{
    if (count < 2 || strcmp(words[1], "run") != 0) {
        return false;
    }
    for (int i = 2; i < count; i++) {
        const char *value = i + 1 < count ? words[i + 1] : "";
        uint64_t number = 0;
        if (strcmp(words[i], "--twice") == 0 || strcmp(words[i], "--check-determinism") == 0) {
            arguments->twice = true;
            continue;
        }
        if (strcmp(words[i], "--seed") == 0 && parse_number(value, NULL, &arguments->seed)) {
            arguments->has_seed = true;
        } else if (strcmp(words[i], "--seeds") == 0 && parse_range(value, &arguments->jobs)) {
            arguments->has_seeds = true;
        } else if (strcmp(words[i], "--jobs") == 0 && parse_number(value, NULL, &number) &&
                   number >= 1 && number <= GKV_JOBS_COUNT_MAX) {
            arguments->jobs.job_count = (uint32_t)number;
        } else {
            return false;
        }
        i++;
    }
    return arguments->has_seed != arguments->has_seeds;
}

int main(int count, char **words)
{
    struct arguments arguments = {0};
    if (!parse(count, words, &arguments)) {
        (void)fputs(usage, stderr);
        return GKV_TRIAL_USAGE;
    }
    if (arguments.has_seeds) {
        return (int)gkv_jobs_run(&arguments.jobs);
    }
    const struct gkv_trial_summary summary =
        arguments.twice ? gkv_jobs_run_twice(arguments.seed) : gkv_trial_run(arguments.seed, true);
    gkv_report_summary(&summary);
    return (int)summary.status;
}
