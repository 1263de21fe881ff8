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

_Static_assert(sizeof(struct news) <= 4096, "news fits PIPE_BUF, as Linux has it");

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
    uint64_t key_count;
    uint64_t wrong_key_count;
    struct gkv_tally tally;
    enum gkv_trial_status status;
};

void gkv_jobs_run_twice(uint64_t seed, struct gkv_trial_summary *summary_out)
{
    static struct gkv_trial_summary second; /* too large for a stack frame */
    gkv_trial_run(seed, true, summary_out);
    if (summary_out->status != GKV_TRIAL_PASS) {
        return;
    }
    gkv_trial_run(seed, false, &second);
    if (summary_out->chain[0] != second.chain[0] || summary_out->chain[1] != second.chain[1] ||
        summary_out->event_count != second.event_count) {
        printf("FAIL determinism seed=%" PRIu64 ": hash %016" PRIx64 "%016" PRIx64 " after %" PRIu64
               " events, then %016" PRIx64 "%016" PRIx64 " after %" PRIu64 "\n",
               seed, summary_out->chain[0], summary_out->chain[1], summary_out->event_count,
               second.chain[0], second.chain[1], second.event_count);
        printf("replay: gridkv-sim run --seed %" PRIu64 " --twice\n", seed);
        summary_out->status = GKV_TRIAL_DETERMINISM;
    }
}

static void run_one(uint64_t seed, struct gkv_trial_summary *summary_out)
{
    if (seed % GKV_JOBS_DOUBLE_EVERY == 0) {
        gkv_jobs_run_twice(seed, summary_out);
    } else {
        gkv_trial_run(seed, true, summary_out);
    }
}

static void count(struct totals *totals, const struct gkv_trial_summary *summary)
{
    totals->seed_count++;
    totals->event_count += summary->event_count;
    totals->simulated_ns += summary->simulated_ns;
    totals->operation_count += summary->operation_count;
    totals->key_count += summary->key_count;
    totals->wrong_key_count += summary->wrong_key_count;
    gkv_tally_add(&totals->tally, &summary->tally);
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

/* ---- One trial in a process of its own ------------------------------------------------------- */

#define TRY_SECONDS_MAX 1 /* then the system ends it: a run that does not end is no result */

struct teller {
    int pipe_end;
    const struct gkv_recording *recording;
};

static bool write_all(int pipe_end, const void *bytes, size_t count)
{
    const char *from = bytes;
    while (count > 0) {
        const ssize_t written = write(pipe_end, from, count);
        if (written <= 0) {
            return false;
        }
        from += written;
        count -= (size_t)written;
    }
    return true;
}

static bool read_all(int pipe_end, void *bytes, size_t count)
{
    char *to = bytes;
    while (count > 0) {
        const ssize_t taken = read(pipe_end, to, count);
        if (taken <= 0) {
            return false;
        }
        to += taken;
        count -= (size_t)taken;
    }
    return true;
}

/* In the child: send what came of it up the pipe, and end. */
static void send_result(void *context, const struct gkv_trial_summary *summary)
{
    const struct teller *teller = context;
    const struct gkv_recording *recording = teller->recording;
    const bool is_sent = write_all(teller->pipe_end, summary, sizeof(*summary)) &&
                         write_all(teller->pipe_end, recording, sizeof(*recording)) &&
                         write_all(teller->pipe_end, recording->draws,
                                   recording->draw_count * sizeof(struct gkv_draw));
    _exit(is_sent ? GKV_TRIAL_PASS : GKV_TRIAL_INTERNAL);
}

/* In the parent: the child has the same memory, so its pointers to texts are ours. */
static bool take_result(int pipe_end, struct gkv_recording *recording,
                        struct gkv_trial_summary *summary_out)
{
    struct gkv_draw *draws = recording->draws;
    const bool has_head = read_all(pipe_end, summary_out, sizeof(*summary_out)) &&
                          read_all(pipe_end, recording, sizeof(*recording));
    recording->draws = draws;
    return has_head && read_all(pipe_end, draws, recording->draw_count * sizeof(struct gkv_draw));
}

bool gkv_jobs_try(const struct gkv_trial_options *options, struct gkv_trial_summary *summary_out)
{
    int ends[2];
    GKV_ASSERT(options->recording != NULL);
    (void)fflush(NULL);
    if (pipe(ends) != 0) {
        return false;
    }
    const pid_t child = fork();
    if (child == 0) {
        struct teller teller = {.pipe_end = ends[1], .recording = options->recording};
        struct gkv_trial_options mine = *options;
        (void)close(ends[0]);
        (void)alarm(TRY_SECONDS_MAX);
        mine.tell = send_result;
        mine.context = &teller;
        gkv_trial_run_with(&mine, summary_out);
        _exit(GKV_TRIAL_INTERNAL);
    }
    (void)close(ends[1]);
    const bool is_taken = child > 0 && take_result(ends[0], options->recording, summary_out);
    (void)close(ends[0]);
    if (child > 0) {
        (void)waitpid(child, NULL, 0);
    }
    return is_taken;
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
    static struct news news; /* too large for a stack frame */
    for (uint64_t seed = options->first + worker; seed <= options->last;
         seed += options->job_count) {
        memset(&news, 0, sizeof(news));
        news.worker = worker;
        news.is_begun = 1;
        news.summary.seed = seed;
        say(pipe_end, &news);
        news.is_begun = 0;
        run_one(seed, &news.summary);
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
        totals->status = GKV_TRIAL_INTERNAL;
        return;
    }
    static struct news news; /* too large for a stack frame */
    while (totals->status == GKV_TRIAL_PASS &&
           read(pipe_end, &news, sizeof(news)) == (ssize_t)sizeof(news)) {
        GKV_ASSERT(news.worker < options->job_count);
        workers[news.worker].seed = news.summary.seed;
        if (news.is_begun == 0) {
            count(totals, &news.summary);
            if (options->each != NULL) {
                options->each(options->context, &news.summary);
            }
            show_progress(totals, options);
        }
    }
    (void)close(pipe_end);
    wait_for(options, workers, totals);
}

enum gkv_trial_status gkv_jobs_run(const struct gkv_jobs_options *options)
{
    struct gkv_jobs_options chosen = *options;
    static struct totals totals; /* too large for a stack frame */
    memset(&totals, 0, sizeof(totals));
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
    gkv_report_tally(&totals.tally);
    printf("linearizable: %" PRIu64 " of %" PRIu64 " keys\n",
           totals.key_count - totals.wrong_key_count, totals.key_count);
    printf("seeds=%" PRIu64 "..%" PRIu64 " run=%" PRIu64 " events=%" PRIu64 " simulated=%" PRIu64
           "s operations=%" PRIu64 " result=%s\n",
           chosen.first, chosen.last, totals.seed_count, totals.event_count,
           totals.simulated_ns / 1000000000, totals.operation_count,
           gkv_report_status_name(totals.status));
    return totals.status;
}
