#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/performance/child.h"
#include "bench/performance/tables.h"

#define VALUE_BYTES_TEXT "100"
#define PATH_BYTES 512
#define NUMBER_BYTES 16
#define LINE_BYTES 64
#define TEXT_BYTES 96

enum server {
    SERVER_GRIDKVD, /* first, as in every table */
    SERVER_KVSRV,
    SERVER_REDIS,
    SERVER_MEMCACHED,
    SERVER_BARE,
    SERVER_COUNT
};

static const char *const server_names[SERVER_COUNT] = {"gridkvd", "kvsrv", "Redis", "memcached",
                                                       "bare epoll server"};
static const char *const dialects[SERVER_COUNT] = {"resp", "kvsrv", "resp", "memcached", "resp"};

enum load_task {
    GET_PLAIN,
    SET_PLAIN,
    GET_PIPED,
    SET_PIPED,
    GET_ALONE,
    SET_ALONE,
    TASK_COUNT
};

/* operation, connections, pipeline */
static const char *const tasks[TASK_COUNT] = {"get 50 1",  "set 50 1", "get 50 16",
                                              "set 50 16", "get 1 1",  "set 1 1"};
static const char *const task_names[TASK_COUNT] = {"get, 50 connections",  "set, 50 connections",
                                                   "get, 50, pipeline 16", "set, 50, pipeline 16",
                                                   "get, 1 connection",    "set, 1 connection"};

/* Operations per second; p50, p99 and p99.9 of a batch in ns. */
#define NUMBER_COUNT 4

static struct child servers[SERVER_COUNT];
static struct child loads[SERVER_COUNT];
static struct figure figures[SERVER_COUNT][TASK_COUNT][NUMBER_COUNT];
static struct matrix matrix;

/* ---- Starting them. -------------------------------------------------------------------------- */

/* The port behind the last colon of a line, or the line itself. */
static uint16_t port_in(const char *line)
{
    const char *colon = strrchr(line, ':');
    return (uint16_t)strtoul(colon == NULL ? line : colon + 1, NULL, 10);
}

static uint16_t start_speaking(struct child *child, const char *const *arguments)
{
    char line[CHILD_LINE_BYTES];
    const bool is_there = child_start(child, CHILD_FIRST, arguments) && child_hear(child, line);
    return is_there ? port_in(line) : 0;
}

static uint16_t start_gridkvd(struct child *child, const char *programs)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof(path), "%s/gridkvd", programs);
    const char *const arguments[] = {path,          "--id",           "alone",    "--resp",
                                     "127.0.0.1:0", "--level",        "eventual", "--replicas",
                                     "1",           "--write-quorum", "1",        "--read-quorum",
                                     "1",           "--memory-mb",    "256",      NULL};
    return start_speaking(child, arguments);
}

static uint16_t start_bare(struct child *child, const char *programs)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof(path), "%s/bench_bare", programs);
    const char *const arguments[] = {path, VALUE_BYTES_TEXT, NULL};
    return start_speaking(child, arguments);
}

/* On a port that was free a moment ago. */
static uint16_t start_silent(struct child *child, const char *const *arguments, uint16_t port)
{
    if (!child_start(child, CHILD_FIRST, arguments) || !child_wait_for_port(port)) {
        child_stop(child);
        return 0;
    }
    return port;
}

static uint16_t start_redis(struct child *child)
{
    char port[NUMBER_BYTES];
    const uint16_t number = child_free_port();
    (void)snprintf(port, sizeof(port), "%u", number);
    const char *const arguments[] = {"redis-server", "--port",    port,        "--bind",
                                     "127.0.0.1",    "--save",    "",          "--appendonly",
                                     "no",           "--logfile", "/dev/null", NULL};
    return child_has_program("/usr/bin", arguments[0]) ? start_silent(child, arguments, number) : 0;
}

/* One thread: it has one processor here, as the others do. */
static uint16_t start_memcached(struct child *child)
{
    char port[NUMBER_BYTES];
    const uint16_t number = child_free_port();
    (void)snprintf(port, sizeof(port), "%u", number);
    const char *const arguments[] = {"memcached", "-p", port, "-l",  "127.0.0.1", "-U",     "0",
                                     "-t",        "1",  "-m", "256", "-u",        "nobody", NULL};
    return child_has_program("/usr/bin", arguments[0]) ? start_silent(child, arguments, number) : 0;
}

/* Its arguments: port; which processor, -1: as we say; whether it spins; keys. */
static uint16_t start_kvsrv(struct child *child, const char *programs)
{
    char path[PATH_BYTES];
    char port[NUMBER_BYTES];
    const uint16_t number = child_free_port();
    (void)snprintf(path, sizeof(path), "%s/prototype_kvsrv", programs);
    (void)snprintf(port, sizeof(port), "%u", number);
    const char *const arguments[] = {path, port, "-1", "0", "200000", NULL};
    return access(path, X_OK) == 0 ? start_silent(child, arguments, number) : 0;
}

static uint16_t start_server(struct child *child, enum server server, const char *programs)
{
    switch (server) {
    case SERVER_GRIDKVD:
        return start_gridkvd(child, programs);
    case SERVER_KVSRV:
        return start_kvsrv(child, programs);
    case SERVER_REDIS:
        return start_redis(child);
    case SERVER_MEMCACHED:
        return start_memcached(child);
    case SERVER_BARE:
        return start_bare(child, programs);
    case SERVER_COUNT:
        break;
    }
    return 0;
}

static bool start_load(struct child *child, const struct bench *bench, uint16_t port,
                       const char *dialect)
{
    char path[PATH_BYTES];
    char text[NUMBER_BYTES];
    char line[CHILD_LINE_BYTES];
    (void)snprintf(path, sizeof(path), "%s/bench_load", bench->programs);
    (void)snprintf(text, sizeof(text), "%u", port);
    const char *const arguments[] = {
        path, text, dialect, bench->is_quick ? "1000" : "100000", VALUE_BYTES_TEXT, NULL};
    return child_start(child, CHILD_LAST, arguments) && child_hear(child, line);
}

/* Returns what memory the system has given the node, before it was asked anything. */
static uint64_t start_all(const struct bench *bench)
{
    uint64_t before = 0;
    for (uint32_t i = 0; i < SERVER_COUNT; i++) {
        const uint16_t port = start_server(&servers[i], (enum server)i, bench->programs);
        if (i == SERVER_GRIDKVD) {
            before = child_memory_bytes(&servers[i], "VmData");
        }
        if (port == 0 || !start_load(&loads[i], bench, port, dialects[i])) {
            child_stop(&loads[i]);
            child_stop(&servers[i]);
        }
    }
    return before;
}

static void stop_all(void)
{
    for (uint32_t i = 0; i < SERVER_COUNT; i++) {
        child_stop(&loads[i]);
        child_stop(&servers[i]);
    }
}

/* ---- Measuring. ------------------------------------------------------------------------------ */

static void measure_one(const struct bench *bench, enum server server, enum load_task task,
                        bool is_counted)
{
    char line[LINE_BYTES];
    double numbers[NUMBER_COUNT];
    (void)snprintf(line, sizeof(line), "%s %u", tasks[task], bench->turn_ms);
    const uint32_t count = child_ask(&loads[server], line, numbers, NUMBER_COUNT);
    for (uint32_t n = 0; n < count && is_counted; n++) {
        figure_add(&figures[server][task][n], numbers[n]);
    }
}

static void measure(const struct bench *bench)
{
    for (uint32_t round = 0; round <= bench->round_count; round++) {
        for (uint32_t task = 0; task < TASK_COUNT; task++) {
            for (uint32_t i = 0; i < SERVER_COUNT; i++) {
                measure_one(bench, (enum server)i, (enum load_task)task, round > 0);
            }
        }
    }
}

/* ---- Tables. --------------------------------------------------------------------------------- */

static double median(enum server server, enum load_task task, uint32_t number)
{
    return figure_median(&figures[server][task][number]);
}

/* One of the numbers, times a factor: what a column means. */
static void fill(const char *corner, uint32_t number, double factor)
{
    matrix = (struct matrix){.corner = corner,
                             .row_count = SERVER_COUNT,
                             .column_count = TASK_COUNT,
                             .our_row = SERVER_GRIDKVD,
                             .limit_row = SERVER_BARE,
                             .limit_name = "the bare epoll server's"};
    for (uint32_t i = 0; i < SERVER_COUNT; i++) {
        matrix.rows[i] = server_names[i];
        for (uint32_t task = 0; task < TASK_COUNT; task++) {
            matrix.columns[task] = task_names[task];
            matrix.values[i][task] = factor * median((enum server)i, (enum load_task)task, number);
        }
    }
}

static void claim_beside(struct bench *bench, enum load_task task, enum server rival, double limit)
{
    char what[TEXT_BYTES];
    char beside[TEXT_BYTES];
    const double theirs = median(rival, task, 0);
    (void)snprintf(what, sizeof(what), "%s: as many as %s", task_names[task], server_names[rival]);
    (void)snprintf(beside, sizeof(beside), "%.0f k/s", theirs / 1e3);
    claim(&bench->page, &(struct claim){.what = what,
                                        .beside = isnan(theirs) ? "" : beside,
                                        .unit = " times",
                                        .ours = median(SERVER_GRIDKVD, task, 0) / theirs,
                                        .limit = limit,
                                        .is_at_least = true,
                                        .why = isnan(theirs) ? "it is not here" : NULL});
}

static void claim_all(struct bench *bench)
{
    for (enum load_task task = GET_PIPED; task <= SET_PIPED; task++) {
        claim_beside(bench, task, SERVER_REDIS, 2);
        claim_beside(bench, task, SERVER_KVSRV, 0.8);
    }
    claim_beside(bench, GET_PLAIN, SERVER_REDIS, 1);
    claim_beside(bench, SET_PLAIN, SERVER_REDIS, 1);
}

static bool plot_pipelines(struct bench *bench)
{
    static const enum load_task piped[] = {GET_PLAIN, GET_PIPED};
    static const double places[] = {1, 16};
    static struct plot plot;
    plot = (struct plot){.title = "Gets of 50 connections over the pipeline",
                         .x_label = "operations sent at a time",
                         .y_label = "thousands per second",
                         .is_x_log = true,
                         .is_y_log = true};
    matrix.column_count = 2;
    for (uint32_t i = 0; i < SERVER_COUNT; i++) {
        for (uint32_t column = 0; column < 2; column++) {
            matrix.values[i][column] = median((enum server)i, piped[column], 0) / 1e3;
        }
    }
    return matrix_plot(&bench->page, &matrix, &plot, places);
}

/* What the system gave the node must not grow with what it is asked. */
static void claim_fixed_memory(struct bench *bench, uint64_t before, uint64_t after)
{
    const double grown = after > before ? (double)(after - before) / 1e6 : 0;
    claim(&bench->page, &(struct claim){.what = "memory asked of the system since the start",
                                        .beside = "",
                                        .unit = " MB",
                                        .ours = before == 0 ? NAN : grown,
                                        .limit = 0});
}

bool tables_servers(struct bench *bench)
{
    const uint64_t before = start_all(bench);
    if (servers[SERVER_GRIDKVD].pid == 0 || servers[SERVER_BARE].pid == 0) {
        stop_all();
        return false;
    }
    measure(bench);
    const uint64_t after = child_memory_bytes(&servers[SERVER_GRIDKVD], "VmData");
    stop_all();
    page_table(&bench->page, "T14", "servers over loopback, thousands of operations per second");
    fill("k/s", 0, 1e-3);
    matrix_print(&bench->page, &matrix);
    claim_all(bench);
    claim_fixed_memory(bench, before, after);
    if (!plot_pipelines(bench)) {
        return false;
    }
    page_table(&bench->page, "T15", "the same, p50 of what was sent at a time, us");
    fill("us", 1, 1e-3);
    matrix_print(&bench->page, &matrix);
    page_table(&bench->page, "T16", "the same, p99, us");
    fill("us", 2, 1e-3);
    matrix_print(&bench->page, &matrix);
    page_table(&bench->page, "T17", "the same, p99.9, us");
    fill("us", 3, 1e-3);
    matrix_print(&bench->page, &matrix);
    return true;
}
