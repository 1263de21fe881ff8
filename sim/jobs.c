/* The one file of the simulator that knows the system it runs on. */
#define _POSIX_C_SOURCE 200809L

#include "sim/jobs.h"

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/panic.h"
#include "sim/report.h"
#include "sim/script.h"

#define NS_PER_S UINT64_C(1000000000)
#define PROGRESS_NS 250000000
#define NO_PIPE (-1)

struct worker {
    pid_t pid;
    int orders;   /* seeds go down here; NO_PIPE: no more of them */
    int news;     /* and here come their summaries; NO_PIPE: it has ended */
    FILE *report; /* what it prints */
    uint64_t seed;
    bool is_busy;
};

struct crew {
    const struct gkv_jobs_options *options;
    struct gkv_campaign *campaign;
    struct worker workers[GKV_JOBS_COUNT_MAX];
    uint32_t worker_count;
    uint64_t begin_ns;
    uint64_t shown_ns; /* when the progress line was printed last */
};

uint64_t gkv_jobs_now_ns(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

bool gkv_jobs_may_show(uint64_t *shown_ns)
{
    const uint64_t now_ns = gkv_jobs_now_ns();
    if (now_ns - *shown_ns < PROGRESS_NS || isatty(STDERR_FILENO) == 0) {
        return false;
    }
    *shown_ns = now_ns;
    return true;
}

void gkv_jobs_unshow(uint64_t shown_ns)
{
    if (shown_ns > 0) {
        (void)fprintf(stderr, "\r\033[K");
    }
}

static uint64_t ns_of(struct timeval time)
{
    return (uint64_t)time.tv_sec * NS_PER_S + (uint64_t)time.tv_usec * 1000;
}

/* Of all workers that were waited for. */
static uint64_t children_cpu_ns(void)
{
    struct rusage usage;
    memset(&usage, 0, sizeof(usage));
    (void)getrusage(RUSAGE_CHILDREN, &usage);
    return ns_of(usage.ru_utime) + ns_of(usage.ru_stime);
}

uint64_t gkv_jobs_fresh_seed(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return ((uint64_t)now.tv_sec << 20) + ((uint64_t)now.tv_nsec >> 10);
}

bool gkv_jobs_listen(const char *command, void (*take)(void *context, const char *line),
                     void *context)
{
    char line[1000];
    (void)fflush(NULL);
    FILE *pipe_end = popen(command, "r");
    if (pipe_end == NULL) {
        return false;
    }
    while (fgets(line, sizeof(line), pipe_end) != NULL) {
        take(context, line);
    }
    return pclose(pipe_end) == 0;
}

void gkv_jobs_run_twice(gkv_jobs_runner *run, const struct gkv_trial_options *options,
                        struct gkv_trial_summary *summary_out)
{
    static struct gkv_trial_summary second; /* too large for a stack frame */
    run(options, summary_out);
    if (summary_out->status != GKV_TRIAL_PASS) {
        return;
    }
    run(options, &second);
    if (second.status == GKV_TRIAL_PASS && summary_out->chain[0] == second.chain[0] &&
        summary_out->chain[1] == second.chain[1] &&
        summary_out->event_count == second.event_count) {
        return;
    }
    summary_out->status = GKV_TRIAL_DETERMINISM;
    summary_out->check = "determinism";
    (void)snprintf(summary_out->text, sizeof(summary_out->text),
                   "hash %016" PRIx64 "%016" PRIx64 " after %" PRIu64 " events, then %016" PRIx64
                   "%016" PRIx64 " after %" PRIu64,
                   summary_out->chain[0], summary_out->chain[1], summary_out->event_count,
                   second.chain[0], second.chain[1], second.event_count);
    if (options->report) {
        gkv_report_failure(stdout, options, summary_out);
    }
}

/* ---- One trial in a process of its own ------------------------------------------------------- */

#define TRY_SECONDS_MAX 10 /* then the system ends it: a run that does not end is no result */

struct teller {
    int pipe_end;
    const struct gkv_trial_options *options;
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

static bool send_script(int pipe_end, const struct gkv_script *script)
{
    return script == NULL ||
           (write_all(pipe_end, script, sizeof(*script)) &&
            write_all(pipe_end, script->lines, script->line_count * sizeof(script->lines[0])));
}

/* In the child: send what came of it up the pipe, and end. */
static void send_result(void *context, const struct gkv_trial_summary *summary)
{
    const struct teller *teller = context;
    const bool is_sent = write_all(teller->pipe_end, summary, sizeof(*summary)) &&
                         send_script(teller->pipe_end, teller->options->written);
    _exit(is_sent ? GKV_TRIAL_PASS : GKV_TRIAL_INTERNAL);
}

static bool take_script(int pipe_end, struct gkv_script *script)
{
    if (script == NULL) {
        return true;
    }
    struct gkv_script_line *lines = script->lines;
    const bool has_head = read_all(pipe_end, script, sizeof(*script));
    script->lines = lines;
    return has_head && read_all(pipe_end, lines, script->line_count * sizeof(lines[0]));
}

bool gkv_jobs_try(const struct gkv_trial_options *options, struct gkv_trial_summary *summary_out)
{
    int ends[2];
    (void)fflush(NULL);
    if (pipe(ends) != 0) {
        return false;
    }
    const pid_t child = fork();
    if (child == 0) {
        struct teller teller = {.pipe_end = ends[1], .options = options};
        struct gkv_trial_options mine = *options;
        (void)close(ends[0]);
        (void)alarm(TRY_SECONDS_MAX);
        mine.tell = send_result;
        mine.context = &teller;
        gkv_trial_run_with(&mine, summary_out);
        _exit(GKV_TRIAL_INTERNAL);
    }
    (void)close(ends[1]);
    /* The child has the same memory, so its pointers to texts are ours. */
    const bool is_taken = child > 0 && read_all(ends[0], summary_out, sizeof(*summary_out)) &&
                          take_script(ends[0], options->written);
    (void)close(ends[0]);
    if (child > 0) {
        (void)waitpid(child, NULL, 0);
    }
    return is_taken;
}

/* ---- Workers --------------------------------------------------------------------------------- */

/* Where a worker sends what. */
struct post {
    const struct gkv_jobs_options *options;
    int news;
};

static uint32_t seconds_max_of(const struct gkv_jobs_options *options)
{
    return options->seconds_max > 0 ? options->seconds_max : GKV_JOBS_SECONDS_MAX;
}

/* In a worker: how it went. False: nobody wants to know. */
static bool send_news(const struct post *post, const struct gkv_trial_summary *summary)
{
    (void)fflush(stdout);
    return write_all(post->news, summary, sizeof(*summary)) &&
           write_all(post->news, post->options->more, post->options->more_bytes);
}

/* In a worker: an assertion failed, and nothing comes after it. */
static void send_assertion(void *context, const struct gkv_trial_summary *summary)
{
    if (summary->status == GKV_TRIAL_ASSERTION) {
        (void)send_news(context, summary);
    }
}

/* Until there are no more orders, or nobody wants to know any more. */
static _Noreturn void be_worker(const struct gkv_jobs_options *options, int orders, int news)
{
    static struct gkv_trial_summary summary; /* too large for a stack frame */
    struct post post = {.options = options, .news = news};
    struct gkv_trial_options trial = options->trial;
    gkv_jobs_runner *run = options->run != NULL ? options->run : gkv_trial_run_with;
    trial.tell = send_assertion;
    trial.context = &post;
    bool is_wanted = true;
    while (is_wanted && read_all(orders, &trial.seed, sizeof(trial.seed))) {
        (void)alarm(seconds_max_of(options));
        if (options->is_twice || trial.seed % GKV_JOBS_DOUBLE_EVERY == 0) {
            gkv_jobs_run_twice(run, &trial, &summary);
        } else {
            run(&trial, &summary);
        }
        is_wanted = send_news(&post, &summary);
    }
    _exit(GKV_TRIAL_PASS);
}

static void close_pipe(int *end)
{
    if (*end != NO_PIPE) {
        (void)close(*end);
    }
    *end = NO_PIPE;
}

/* In a new worker: nothing of the others is held open, or they would not see their orders end. */
static void let_go_of_others(struct crew *crew)
{
    for (uint32_t i = 0; i < crew->worker_count; i++) {
        close_pipe(&crew->workers[i].orders);
        close_pipe(&crew->workers[i].news);
    }
}

static bool start_worker(struct crew *crew)
{
    struct worker *worker = &crew->workers[crew->worker_count];
    int orders[2];
    int news[2];
    *worker = (struct worker){.orders = NO_PIPE, .news = NO_PIPE, .report = tmpfile()};
    if (worker->report == NULL || pipe(orders) != 0) {
        return false;
    }
    if (pipe(news) != 0) {
        (void)close(orders[0]);
        (void)close(orders[1]);
        return false;
    }
    worker->pid = fork();
    if (worker->pid == 0) {
        let_go_of_others(crew);
        (void)close(orders[1]);
        (void)close(news[0]);
        if (dup2(fileno(worker->report), STDOUT_FILENO) < 0) {
            _exit(GKV_TRIAL_INTERNAL);
        }
        be_worker(crew->options, orders[0], news[1]);
    }
    (void)close(orders[0]);
    (void)close(news[1]);
    worker->orders = orders[1];
    worker->news = news[0];
    crew->worker_count++;
    return worker->pid > 0;
}

/* Give it the next seed, or tell it that there are no more. */
static void give_order(struct crew *crew, struct worker *worker)
{
    worker->is_busy = gkv_campaign_next(crew->campaign, &worker->seed);
    if (!worker->is_busy || !write_all(worker->orders, &worker->seed, sizeof(worker->seed))) {
        close_pipe(&worker->orders);
    }
}

static void add(struct crew *crew, const struct gkv_trial_summary *summary)
{
    gkv_campaign_add(crew->campaign, summary);
    if (crew->options->each != NULL) {
        crew->options->each(crew->options->context, summary);
    }
}

/* A worker's pipe has ended, and so has the worker; with its seed, or without a word. */
static void bury(struct crew *crew, struct worker *worker)
{
    static struct gkv_trial_summary crash; /* too large for a stack frame */
    int how = 0;
    close_pipe(&worker->orders);
    close_pipe(&worker->news);
    (void)waitpid(worker->pid, &how, 0);
    if (!worker->is_busy) {
        return;
    }
    crash = (struct gkv_trial_summary){
        .seed = worker->seed, .check = "crash", .status = GKV_TRIAL_ASSERTION};
    if (WIFSIGNALED(how) && WTERMSIG(how) == SIGALRM) {
        (void)snprintf(crash.text, sizeof(crash.text), "did not end within %u s of real time",
                       (unsigned)seconds_max_of(crew->options));
    } else {
        (void)snprintf(crash.text, sizeof(crash.text), "the process of this seed died, %s %d",
                       WIFSIGNALED(how) ? "of signal" : "with status",
                       WIFSIGNALED(how) ? WTERMSIG(how) : WEXITSTATUS(how));
    }
    if (crew->options->trial.report) {
        /* What the worker itself had written stays above; most often, nothing. */
        gkv_report_failure(worker->report, &crew->options->trial, &crash);
    }
    if (crew->options->more_bytes > 0) {
        memset(crew->options->more, 0, crew->options->more_bytes); /* it left nothing */
    }
    add(crew, &crash);
}

/* ---- The crew -------------------------------------------------------------------------------- */

/* How far it is: seeds of a range, or seconds of a time. */
static void print_share(const struct crew *crew, uint64_t elapsed_ms)
{
    const struct gkv_campaign *campaign = crew->campaign;
    (void)fprintf(stderr, "\r%" PRIu64, campaign->seed_count);
    if (crew->options->time_ns_max > 0) {
        (void)fprintf(stderr, " seeds in %" PRIu64 "/%" PRIu64 " s", elapsed_ms / 1000,
                      crew->options->time_ns_max / NS_PER_S);
    } else {
        (void)fprintf(stderr, "/%" PRIu64 " seeds", campaign->last - campaign->first + 1);
    }
}

static void show_progress(struct crew *crew, uint64_t now)
{
    const struct gkv_campaign *campaign = crew->campaign;
    const uint64_t elapsed_ms = (now - crew->begin_ns) / 1000000 + 1;
    if (!gkv_jobs_may_show(&crew->shown_ns)) {
        return;
    }
    print_share(crew, elapsed_ms);
    (void)fprintf(
        stderr, ", %" PRIu64 "/s, %" PRIu64 "k events/s, %" PRIu64 ".%02" PRIu64 " h simulated, ",
        campaign->seed_count * 1000 / elapsed_ms, campaign->event_count / elapsed_ms,
        campaign->simulated_ns / NS_PER_S / 3600, campaign->simulated_ns / NS_PER_S % 3600 / 36);
    if (crew->options->run == NULL) {
        (void)fprintf(stderr, "%u/%d reached, ", (unsigned)gkv_campaign_reached_count(campaign),
                      GKV_PREDICATE_COUNT);
    }
    (void)fprintf(stderr, "%" PRIu64 " failed\033[K", campaign->failure_count);
}

/* A worker has something to say, or is dead. */
static void hear(struct crew *crew, struct worker *worker)
{
    static struct gkv_trial_summary summary; /* too large for a stack frame */
    if (!read_all(worker->news, &summary, sizeof(summary)) ||
        !read_all(worker->news, crew->options->more, crew->options->more_bytes)) {
        bury(crew, worker);
        return;
    }
    add(crew, &summary);
    give_order(crew, worker);
}

/* Wait until some speak. False: all are dead. */
static bool listen_to_all(struct crew *crew)
{
    struct pollfd ends[GKV_JOBS_COUNT_MAX];
    bool is_any = false;
    for (uint32_t i = 0; i < crew->worker_count; i++) {
        ends[i] = (struct pollfd){.fd = crew->workers[i].news, .events = POLLIN};
        is_any = is_any || crew->workers[i].news != NO_PIPE;
    }
    if (!is_any) {
        return false;
    }
    const int count = poll(ends, crew->worker_count, PROGRESS_NS / 1000000);
    for (uint32_t i = 0; i < crew->worker_count && count > 0; i++) {
        if ((ends[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
            hear(crew, &crew->workers[i]);
        }
    }
    return true;
}

static void print_file(FILE *file)
{
    char bytes[1000];
    (void)fflush(file);
    rewind(file);
    while (fgets(bytes, sizeof(bytes), file) != NULL) {
        (void)fputs(bytes, stdout);
    }
}

/* Of several that failed, the one that counts. */
static void print_report(struct crew *crew)
{
    for (uint32_t i = 0; i < crew->worker_count; i++) {
        const bool is_it = crew->campaign->failure_count > 0 &&
                           crew->workers[i].seed == crew->campaign->failure.seed;
        if (is_it) {
            print_file(crew->workers[i].report);
        }
        (void)fclose(crew->workers[i].report);
    }
}

static uint32_t worker_count_of(const struct gkv_jobs_options *options,
                                const struct gkv_campaign *campaign)
{
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    const uint64_t seed_count = campaign->last - campaign->first + 1;
    uint64_t count = online > 0 ? (uint64_t)online : 1;
    if (options->job_count > 0) {
        count = options->job_count;
    }
    if (count > seed_count) {
        count = seed_count;
    }
    return count > GKV_JOBS_COUNT_MAX ? GKV_JOBS_COUNT_MAX : (uint32_t)count;
}

enum gkv_trial_status gkv_jobs_run(const struct gkv_jobs_options *options,
                                   struct gkv_campaign *campaign)
{
    static struct crew crew; /* too large for a stack frame */
    const uint32_t wanted_count = worker_count_of(options, campaign);
    const uint64_t cpu_before_ns = children_cpu_ns();
    crew = (struct crew){.options = options, .campaign = campaign, .begin_ns = gkv_jobs_now_ns()};
    bool is_ready = true;
    (void)fflush(NULL);
    (void)signal(SIGPIPE, SIG_IGN); /* a worker that died is noticed where it is waited for */
    while (is_ready && crew.worker_count < wanted_count) {
        is_ready = start_worker(&crew);
    }
    for (uint32_t i = 0; i < crew.worker_count; i++) {
        if (is_ready) {
            give_order(&crew, &crew.workers[i]);
        } else {
            close_pipe(&crew.workers[i].orders);
        }
    }
    while (listen_to_all(&crew)) {
        const uint64_t now = gkv_jobs_now_ns();
        show_progress(&crew, now);
        if (options->time_ns_max > 0 && now - crew.begin_ns >= options->time_ns_max) {
            gkv_campaign_stop(campaign);
        }
    }
    campaign->wall_ns = gkv_jobs_now_ns() - crew.begin_ns;
    campaign->cpu_ns = children_cpu_ns() - cpu_before_ns;
    gkv_jobs_unshow(crew.shown_ns);
    print_report(&crew);
    if (!is_ready) {
        (void)fprintf(stderr, "gridkv-sim: cannot start %u processes\n", (unsigned)wanted_count);
        return GKV_TRIAL_INTERNAL;
    }
    return gkv_campaign_status(campaign);
}
