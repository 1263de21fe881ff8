/* The one file of the simulator that knows the system it runs on. */
#define _POSIX_C_SOURCE 200809L

#include "sim/jobs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/panic.h"
#include "sim/report.h"

/* What a worker says: that it begins a seed, then how it went. Under PIPE_BUF, so never
 * interleaved. */
struct news {
    uint32_t worker;
    uint32_t is_begun; /* 1: begins seed; 0: summary holds how it went */
    struct gkv_trial_summary summary;
};

struct worker {
    pid_t pid;
    uint64_t seed; /* the one it last began */
};

struct totals {
    uint64_t seed_count;
    uint64_t event_count;
    uint64_t simulated_ns;
    uint64_t operation_count;
    uint64_t printed_count;
    enum gkv_trial_status status;
};

struct gkv_trial_summary gkv_jobs_run_twice(uint64_t seed)
{
    struct gkv_trial_summary first = gkv_trial_run(seed, true);
    if (first.status != GKV_TRIAL_PASS) {
        return first;
    }
    const struct gkv_trial_summary second = gkv_trial_run(seed, false);
    if (first.chain[0] != second.chain[0] || first.chain[1] != second.chain[1] ||
        first.event_count != second.event_count) {
        printf("FAIL determinism seed=%" PRIu64 ": hash %016" PRIx64 "%016" PRIx64 " after %" PRIu64
               " events, then %016" PRIx64 "%016" PRIx64 " after %" PRIu64 "\n",
               seed, first.chain[0], first.chain[1], first.event_count, second.chain[0],
               second.chain[1], second.event_count);
        printf("replay: gridkv-sim run --seed %" PRIu64 " --twice\n", seed);
        first.status = GKV_TRIAL_DETERMINISM;
    }
    return first;
}

static struct gkv_trial_summary run_one(uint64_t seed)
{
    return seed % GKV_JOBS_DOUBLE_EVERY == 0 ? gkv_jobs_run_twice(seed) : gkv_trial_run(seed, true);
}

static void count(struct totals *totals, const struct gkv_trial_summary *summary)
{
    totals->seed_count++;
    totals->event_count += summary->event_count;
    totals->simulated_ns += summary->simulated_ns;
    totals->operation_count += summary->operation_count;
    if (summary->status != GKV_TRIAL_PASS && totals->status == GKV_TRIAL_PASS) {
        totals->status = summary->status;
    }
}

static void show_progress(struct totals *totals, const struct gkv_jobs_options *options)
{
    const uint64_t seed_count = options->last - options->first + 1;
    if (isatty(STDERR_FILENO) && totals->seed_count >= totals->printed_count + 20) {
        (void)fprintf(stderr, "\r%" PRIu64 " of %" PRIu64 " seeds, %" PRIu64 " s simulated",
                      totals->seed_count, seed_count, totals->simulated_ns / 1000000000);
        totals->printed_count = totals->seed_count;
    }
}

/* ---- Workers --------------------------------------------------------------------------------- */

static void say(int pipe_end, const struct news *news)
{
    /* A write that fails means that nobody wants to know any more: another worker has failed. */
    if (write(pipe_end, news, sizeof(*news)) != (ssize_t)sizeof(*news)) {
        _exit(GKV_TRIAL_PASS);
    }
}

static _Noreturn void be_worker(const struct gkv_jobs_options *options, uint32_t worker,
                                int pipe_end)
{
    for (uint64_t seed = options->first + worker; seed <= options->last;
         seed += options->job_count) {
        struct news news;
        memset(&news, 0, sizeof(news));
        news.worker = worker;
        news.is_begun = 1;
        news.summary.seed = seed;
        say(pipe_end, &news);
        news.is_begun = 0;
        news.summary = run_one(seed);
        (void)fflush(stdout);
        say(pipe_end, &news);
        if (news.summary.status != GKV_TRIAL_PASS) {
            break;
        }
    }
    _exit(GKV_TRIAL_PASS);
}

static bool start(const struct gkv_jobs_options *options, struct worker *workers, int *pipe_out)
{
    int ends[2];
    (void)fflush(NULL);
    if (pipe(ends) != 0) {
        return false;
    }
    for (uint32_t i = 0; i < options->job_count; i++) {
        workers[i].pid = fork();
        if (workers[i].pid == 0) {
            (void)close(ends[0]);
            be_worker(options, i, ends[1]);
        }
        if (workers[i].pid < 0) {
            return false;
        }
    }
    (void)close(ends[1]);
    *pipe_out = ends[0];
    return true;
}

/* How the workers ended: one that an assertion stopped has reported itself, one that a signal
 * stopped (a sanitizer, the system) has not. */
static void wait_for(const struct gkv_jobs_options *options, struct worker *workers,
                     struct totals *totals)
{
    for (uint32_t i = 0; i < options->job_count; i++) {
        int how = 0;
        if (waitpid(workers[i].pid, &how, 0) != workers[i].pid) {
            continue;
        }
        const bool pipe_gone = WIFSIGNALED(how) && totals->status != GKV_TRIAL_PASS;
        if ((WIFEXITED(how) && WEXITSTATUS(how) == GKV_TRIAL_PASS) || pipe_gone) {
            continue;
        }
        if (!WIFEXITED(how) || WEXITSTATUS(how) != GKV_TRIAL_ASSERTION) {
            printf("FAIL crash seed=%" PRIu64 ": the process of this seed died\n", workers[i].seed);
            printf("replay: gridkv-sim run --seed %" PRIu64 "\n", workers[i].seed);
        }
        if (totals->status == GKV_TRIAL_PASS) {
            totals->status = GKV_TRIAL_ASSERTION;
        }
    }
}

static void run_workers(const struct gkv_jobs_options *options, struct totals *totals)
{
    struct worker workers[GKV_JOBS_COUNT_MAX] = {{0}};
    int pipe_end = -1;
    if (!start(options, workers, &pipe_end)) {
        (void)fprintf(stderr, "gridkv-sim: cannot start %u processes\n",
                      (unsigned)options->job_count);
        totals->status = GKV_TRIAL_MEMORY;
        return;
    }
    struct news news;
    while (totals->status == GKV_TRIAL_PASS &&
           read(pipe_end, &news, sizeof(news)) == (ssize_t)sizeof(news)) {
        GKV_ASSERT(news.worker < options->job_count);
        workers[news.worker].seed = news.summary.seed;
        if (news.is_begun == 0) {
            count(totals, &news.summary);
            show_progress(totals, options);
        }
    }
    (void)close(pipe_end);
    wait_for(options, workers, totals);
}

enum gkv_trial_status gkv_jobs_run(const struct gkv_jobs_options *options)
{
    struct gkv_jobs_options chosen = *options;
    struct totals totals = {0};
    const uint64_t seed_count = options->last - options->first + 1;
    if (chosen.job_count == 0) {
        const long online = sysconf(_SC_NPROCESSORS_ONLN);
        chosen.job_count = online > 0 ? (uint32_t)online : 1;
    }
    if (chosen.job_count > GKV_JOBS_COUNT_MAX) {
        chosen.job_count = GKV_JOBS_COUNT_MAX;
    }
    if (chosen.job_count > seed_count) {
        chosen.job_count = (uint32_t)seed_count;
    }
    run_workers(&chosen, &totals);
    if (isatty(STDERR_FILENO)) {
        (void)fprintf(stderr, "\r");
    }
    printf("seeds=%" PRIu64 "..%" PRIu64 " run=%" PRIu64 " events=%" PRIu64 " simulated=%" PRIu64
           "s operations=%" PRIu64 " result=%s\n",
           chosen.first, chosen.last, totals.seed_count, totals.event_count,
           totals.simulated_ns / 1000000000, totals.operation_count,
           gkv_report_status_name(totals.status));
    return totals.status;
}
