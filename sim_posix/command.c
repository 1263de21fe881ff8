/* gridkv-sim posix: drills by seed. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/command.h"
#include "sim/jobs.h"
#include "sim/panic.h"
#include "sim/report.h"
#include "sim_posix/drill.h"

struct request {
    bool has_seed;
    bool has_seeds;
    bool is_twice;
    uint64_t first;
    uint64_t last;
    uint64_t job_count;
};

/* What a worker tells its parent, also when it dies. */
struct told {
    uint64_t seed; /* the one under way */
    uint64_t seed_count;
    uint64_t call_count;
    uint64_t simulated_ms;
    uint64_t operation_count;
    bool is_stopping; /* in the first place: somebody failed */
    struct gkv_kernel_tally tally;
};

/* ---- One seed ---- */

static void print_failure(uint64_t seed, const char *check, const char *text)
{
    const char *commit = gkv_report_commit();
    printf("replay: gridkv-sim posix --seed %" PRIu64 "%s%s%s\n", seed,
           strcmp(check, "determinism") == 0 ? " --twice" : "",
           commit[0] != '\0' ? "   # at commit " : "", commit);
    printf("FAIL %s seed=%" PRIu64 ": %s\n", check, seed, text);
    (void)fflush(stdout);
}

static void tell_assertion(const void *context, const char *text)
{
    const uint64_t *seed = context;
    print_failure(*seed, "assertion", text);
}

static struct gkv_drill_summary run_seed(uint64_t seed, bool is_twice)
{
    gkv_panic_watch(tell_assertion, &seed);
    struct gkv_drill_summary summary = gkv_drill_run(seed);
    if (is_twice) {
        const struct gkv_drill_summary again = gkv_drill_run(seed);
        if (again.hash != summary.hash) {
            summary.status = GKV_TRIAL_DETERMINISM;
            (void)snprintf(summary.check, sizeof(summary.check), "determinism");
            (void)snprintf(summary.text, sizeof(summary.text),
                           "%016" PRIx64 " after %" PRIu64 " calls, then %016" PRIx64
                           " after %" PRIu64,
                           summary.hash, summary.call_count, again.hash, again.call_count);
        }
    }
    gkv_panic_watch(NULL, NULL);
    if (summary.status != GKV_TRIAL_PASS) {
        print_failure(seed, summary.check, summary.text);
    }
    return summary;
}

static int run_one(const struct request *request)
{
    const struct gkv_drill_summary summary = run_seed(request->first, request->is_twice);
    printf("seed=%" PRIu64 " hash=%016" PRIx64 " calls=%" PRIu64 " simulated=%" PRIu64
           "ms operations=%u succeeded=%u draws=%" PRIu64 " result=%s\n",
           summary.seed, summary.hash, summary.call_count, summary.simulated_ns / GKV_NS_PER_MS,
           summary.operation_count, summary.done_count, summary.draw_count,
           gkv_report_status_name(summary.status));
    return (int)summary.status;
}

/* ---- Many ---- */

static void add_tally(struct gkv_kernel_tally *sum, const struct gkv_kernel_tally *tally)
{
    uint64_t *to = (uint64_t *)sum;
    const uint64_t *from = (const uint64_t *)tally;
    for (size_t i = 0; i < sizeof(*sum) / sizeof(*to); i++) {
        to[i] += from[i];
    }
}

/* The members of struct gkv_kernel_tally in their order, and in how many seeds each must happen. */
static const struct {
    const char *name;
    uint64_t seed_count;
} struck[] = {
    {"interrupted", 200}, {"again", 200},     {"shortened", 200},
    {"broken", 200},      {"refused", 200},   {"hung", 200},
    {"full", 200},        {"aborted", 200},   {"unsent", 200},
    {"lost", 200},        {"doubled", 200},   {"spurious", 200},
    {"late", 200},        {"connected", 200}, {"at_once", 200},
    {"timed_out", 2000}, /* takes a cut of over five seconds */
    {"resets", 200},
};

#define STRUCK_COUNT (sizeof(struck) / sizeof(struck[0]))

_Static_assert(sizeof(struct gkv_kernel_tally) == STRUCK_COUNT * sizeof(uint64_t),
               "every member of the tally has a row");

static void print_tally(const struct gkv_kernel_tally *tally)
{
    const uint64_t *counts = (const uint64_t *)tally;
    for (size_t i = 0; i < STRUCK_COUNT; i++) {
        const bool is_last = i % 9 == 8 || i + 1 == STRUCK_COUNT;
        printf("%s %s=%" PRIu64 "%s", i % 9 == 0 ? "struck:" : "", struck[i].name, counts[i],
               is_last ? "\n" : "");
    }
}

/* False, and it is said, when something never happened in as many seeds as it must happen in. */
static bool has_struck_all(const struct gkv_kernel_tally *tally, uint64_t seed_count)
{
    const uint64_t *counts = (const uint64_t *)tally;
    bool has_all = true;
    for (size_t i = 0; i < STRUCK_COUNT; i++) {
        if (counts[i] == 0 && seed_count >= struck[i].seed_count) {
            printf("FAIL coverage: nothing was %s in %" PRIu64 " seeds\n", struck[i].name,
                   seed_count);
            has_all = false;
        }
    }
    return has_all;
}

/* Every job_count-th seed, up to the first failure of anybody. */
static enum gkv_trial_status work(const struct request *request, struct told *all, uint64_t worker)
{
    struct told *told = &all[worker];
    const uint64_t span = request->last - request->first;
    for (uint64_t i = worker; i <= span && !all->is_stopping; i += request->job_count) {
        told->seed = request->first + i;
        const bool is_twice = request->is_twice || told->seed % GKV_JOBS_DOUBLE_EVERY == 0;
        const struct gkv_drill_summary summary = run_seed(told->seed, is_twice);
        if (summary.status != GKV_TRIAL_PASS) {
            all->is_stopping = true;
            return summary.status;
        }
        told->seed_count++;
        told->call_count += summary.call_count;
        told->simulated_ms += summary.simulated_ns / GKV_NS_PER_MS;
        told->operation_count += summary.operation_count;
        add_tally(&told->tally, &summary.tally);
    }
    return GKV_TRIAL_PASS;
}

/* The status of a worker that ended; one that died by a signal says its seed through `told`. */
static int await(pid_t child, struct told *all, const struct told *told)
{
    int status = 0;
    if (waitpid(child, &status, 0) != child) {
        return GKV_TRIAL_INTERNAL;
    }
    if (WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) >= 10)) {
        all->is_stopping = all->is_stopping || WEXITSTATUS(status) != 0;
        return WEXITSTATUS(status);
    }
    all->is_stopping = true;
    print_failure(told->seed, "crash", "its process died; run it alone to see how");
    return GKV_TRIAL_ASSERTION;
}

static int run_many(const struct request *request, struct told *all)
{
    pid_t children[GKV_JOBS_COUNT_MAX];
    (void)fflush(NULL);
    for (uint64_t i = 0; i < request->job_count; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            const int status = (int)work(request, all, i);
            (void)fflush(NULL);
            _exit(status);
        }
    }
    int worst = GKV_TRIAL_PASS;
    struct told sum = {0};
    for (uint64_t i = 0; i < request->job_count; i++) {
        const int status =
            children[i] < 0 ? (int)GKV_TRIAL_INTERNAL : await(children[i], all, &all[i]);
        worst = status != GKV_TRIAL_PASS ? status : worst;
        sum.seed_count += all[i].seed_count;
        sum.call_count += all[i].call_count;
        sum.simulated_ms += all[i].simulated_ms;
        sum.operation_count += all[i].operation_count;
        add_tally(&sum.tally, &all[i].tally);
    }
    if (worst == GKV_TRIAL_PASS && !has_struck_all(&sum.tally, sum.seed_count)) {
        worst = GKV_TRIAL_COVERAGE;
    }
    printf("seeds=%" PRIu64 " calls=%" PRIu64 " simulated=%" PRIu64 "s operations=%" PRIu64
           " result=%s\n",
           sum.seed_count, sum.call_count, sum.simulated_ms / 1000, sum.operation_count,
           gkv_report_status_name((enum gkv_trial_status)worst));
    print_tally(&sum.tally);
    return worst;
}

/* ---- Words ---- */

static bool parse_option(struct gkv_arguments *arguments, struct request *request)
{
    const char *text = NULL;
    if (gkv_arguments_take(arguments, "--twice")) {
        request->is_twice = true;
        return true;
    }
    if (gkv_arguments_take_text(arguments, "--seed", &text)) {
        request->has_seed = true;
        return gkv_arguments_seed(text, &request->first) ||
               gkv_arguments_wrong(
                   arguments,
                   "--seed wants a number, or 8 to 40 digits of a git commit, and not '%s'", text);
    }
    if (gkv_arguments_take_text(arguments, "--seeds", &text)) {
        request->has_seeds = true;
        return gkv_arguments_range(text, &request->first, &request->last) ||
               gkv_arguments_wrong(arguments, "--seeds is a range such as 1..500, and not '%s'",
                                   text);
    }
    return gkv_arguments_take_number(arguments, "--jobs", GKV_JOBS_COUNT_MAX, &request->job_count);
}

int gkv_command_posix(struct gkv_arguments *arguments)
{
    struct request request = {.job_count = 1};
    while (gkv_arguments_more(arguments)) {
        if (!parse_option(arguments, &request)) {
            return GKV_TRIAL_USAGE;
        }
    }
    if (request.has_seed == request.has_seeds) {
        (void)gkv_arguments_wrong(arguments, "which seeds? --seed N or --seeds A..B");
        return GKV_TRIAL_USAGE;
    }
    request.job_count = request.job_count == 0 ? 1 : request.job_count;
    if (request.has_seed) {
        return run_one(&request);
    }
    struct told *all = mmap(NULL, request.job_count * sizeof(*all), PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED) {
        return GKV_TRIAL_INTERNAL;
    }
    const int status = run_many(&request, all);
    (void)munmap(all, request.job_count * sizeof(*all));
    return status;
}
