#include <math.h>
#include <string.h>
#include <unistd.h>

#include "bench/performance/child.h"
#include "bench/performance/tables.h"

#define NODE_COUNT_MAX 7
#define THREE 2 /* rows are numbered from one node */
#define FIVE 4
#define PATH_BYTES 512
#define NUMBER_BYTES 16
#define LINE_BYTES 64

enum node_task {
    SET_MANY,
    GET_MANY,
    SET_ALONE,
    GET_ALONE,
    TASK_COUNT
};

static const char *const tasks[TASK_COUNT] = {"set 64", "get 64", "set 1", "get 1"};
static const char *const task_names[TASK_COUNT] = {"set, 64 in flight", "get, 64 in flight",
                                                   "set, 1 in flight", "get, 1 in flight"};

/* Operations per second, p50 and p99 in ns, failed ones. */
#define NUMBER_COUNT 4
#define FAILED 3

static struct figure figures[NODE_COUNT_MAX][TASK_COUNT][NUMBER_COUNT];
static struct figure prototype[TASK_COUNT][NUMBER_COUNT];
static struct figure round_trips; /* of one byte more or less: p50 in ns, as bench_load has it */
static double failed_count;

/* ---- Ours. ----------------------------------------------------------------------------------- */

static bool measure_nodes(const struct bench *bench, uint32_t row)
{
    char path[PATH_BYTES];
    char program[PATH_BYTES];
    char count_text[NUMBER_BYTES];
    char line[CHILD_LINE_BYTES];
    struct child child;
    (void)snprintf(path, sizeof(path), "%s/bench_nodes", bench->programs);
    (void)snprintf(program, sizeof(program), "%s/gridkvd", bench->programs);
    (void)snprintf(count_text, sizeof(count_text), "%u", row + 1);
    const char *const arguments[] = {path, program, count_text, NULL};
    bool is_whole = child_start(&child, CHILD_ANYWHERE, arguments) && child_hear(&child, line);
    for (uint32_t task = 0; task < TASK_COUNT && is_whole; task++) {
        double numbers[NUMBER_COUNT];
        (void)snprintf(line, sizeof(line), "%s %u", tasks[task], bench->turn_ms);
        is_whole = child_ask(&child, line, numbers, NUMBER_COUNT) == NUMBER_COUNT;
        for (uint32_t n = 0; n < NUMBER_COUNT && is_whole; n++) {
            figure_add(&figures[row][task][n], numbers[n]);
        }
        failed_count += is_whole ? numbers[FAILED] : 0;
    }
    child_stop(&child);
    return is_whole;
}

/* ---- What they are held against. ------------------------------------------------------------- */

/* A round trip: one connection to the server that stores nothing. */
static bool measure_round_trip(const struct bench *bench)
{
    char bare[PATH_BYTES];
    char load[PATH_BYTES];
    char line[CHILD_LINE_BYTES];
    double numbers[2];
    struct child server;
    struct child client = {0};
    (void)snprintf(bare, sizeof(bare), "%s/bench_bare", bench->programs);
    (void)snprintf(load, sizeof(load), "%s/bench_load", bench->programs);
    const char *const bare_arguments[] = {bare, "100", NULL};
    bool is_whole = child_start(&server, CHILD_LAST, bare_arguments) && child_hear(&server, line);
    line[strcspn(line, "\n")] = '\0';
    const char *const load_arguments[] = {load, line, "resp", "1000", "100", NULL};
    is_whole =
        is_whole && child_start(&client, CHILD_FIRST, load_arguments) && child_hear(&client, line);
    (void)snprintf(line, sizeof(line), "set 1 1 %u", bench->turn_ms);
    is_whole = is_whole && child_ask(&client, line, numbers, 2) == 2;
    if (is_whole) {
        figure_add(&round_trips, numbers[1]);
    }
    child_stop(&client);
    child_stop(&server);
    return is_whole;
}

/* It prints one line for people: "...: 12345 ops/s p50 1.5 p99 2.5 p99.9 3.5 us ...". */
static void hear_prototype(struct child *child, enum node_task task)
{
    char line[CHILD_LINE_BYTES];
    double rate = 0;
    double p50_us = 0;
    double p99_us = 0;
    const char *colon = child_hear(child, line) ? strchr(line, ':') : NULL;
    if (colon != NULL &&
        sscanf(colon + 1, "%lf ops/s p50 %lf p99 %lf", &rate, &p50_us, &p99_us) == 3) {
        figure_add(&prototype[task][0], rate);
        figure_add(&prototype[task][1], p50_us * 1e3);
        figure_add(&prototype[task][2], p99_us * 1e3);
    }
}

/* quorum PORT PORT WINDOW SPIN_US APP_CPU LOOP_CPU SECONDS MODE: -1 is as it is started, so that
 * asker and loop share the first processor, as ours do. */
static void run_prototype(const struct bench *bench, const char *port_a, const char *port_b)
{
    static const char *const windows[TASK_COUNT] = {"64", "64", "1", "1"};
    static const char *const modes[TASK_COUNT] = {"0", "1", "0", "1"};
    char path[PATH_BYTES];
    char seconds[NUMBER_BYTES];
    (void)snprintf(path, sizeof(path), "%s/prototype_quorum", bench->programs);
    (void)snprintf(seconds, sizeof(seconds), "%.3f", bench->turn_ms / 1e3);
    for (uint32_t task = 0; task < TASK_COUNT; task++) {
        struct child child;
        const char *const arguments[] = {path, port_a, port_b,  windows[task], "0",
                                         "-1", "-1",   seconds, modes[task],   NULL};
        if (child_start(&child, CHILD_FIRST, arguments)) {
            hear_prototype(&child, (enum node_task)task);
        }
        child_stop(&child);
    }
}

static void measure_prototype(const struct bench *bench)
{
    char path[PATH_BYTES];
    char ports[2][NUMBER_BYTES];
    struct child peers[2] = {{0}, {0}};
    bool are_there = true;
    (void)snprintf(path, sizeof(path), "%s/prototype_kvsrv", bench->programs);
    if (access(path, X_OK) != 0) {
        return;
    }
    for (uint32_t i = 0; i < 2 && are_there; i++) {
        const uint16_t port = child_free_port();
        (void)snprintf(ports[i], sizeof(ports[i]), "%u", port);
        const char *const arguments[] = {path, ports[i], "-1", "0", "200000", NULL};
        are_there = child_start(&peers[i], CHILD_LAST, arguments) && child_wait_for_port(port);
    }
    if (are_there) {
        run_prototype(bench, ports[0], ports[1]);
    }
    child_stop(&peers[0]);
    child_stop(&peers[1]);
}

/* ---- Tables. --------------------------------------------------------------------------------- */

static double median(uint32_t row, enum node_task task, uint32_t number)
{
    return figure_median(&figures[row][task][number]);
}

static struct matrix matrix;

static void fill_three(const char *corner, uint32_t number, double factor)
{
    matrix = (struct matrix){.corner = corner,
                             .rows = {"GridKV, three nodes", "prototype"},
                             .row_count = 2,
                             .column_count = TASK_COUNT,
                             .our_row = 0,
                             .limit_row = MATRIX_NONE};
    for (uint32_t task = 0; task < TASK_COUNT; task++) {
        matrix.columns[task] = task_names[task];
        matrix.values[0][task] = factor * median(THREE, (enum node_task)task, number);
        matrix.values[1][task] = factor * figure_median(&prototype[task][number]);
    }
}

/* Operations of three nodes per second, beside the prototype's. */
static void claim_rate(struct bench *bench, const char *what, enum node_task task, double limit)
{
    char beside[LINE_BYTES];
    const double theirs = figure_median(&prototype[task][0]);
    (void)snprintf(beside, sizeof(beside), "the prototype: %.0f k/s", theirs / 1e3);
    claim(&bench->page, &(struct claim){.what = what,
                                        .beside = isnan(theirs) ? "" : beside,
                                        .unit = " k/s",
                                        .ours = median(THREE, task, 0) / 1e3,
                                        .limit = limit,
                                        .is_at_least = true});
}

static void claim_rates(struct bench *bench)
{
    const double theirs = figure_median(&prototype[SET_MANY][0]);
    claim_rate(bench, "set, three nodes, 64 in flight", SET_MANY, 200);
    claim(&bench->page,
          &(struct claim){.what = "set, 64 in flight: as many as the prototype",
                          .beside = "",
                          .unit = " times",
                          .ours = median(THREE, SET_MANY, 0) / theirs,
                          .limit = 0.5,
                          .is_at_least = true,
                          .why =
                              isnan(theirs) ? "GRIDKV_PROTOTYPES does not say where it is" : NULL});
    claim_rate(bench, "get, three nodes, 64 in flight", GET_MANY, 250);
    claim(&bench->page,
          &(struct claim){.what = "set, five nodes: as many as three",
                          .beside = "",
                          .unit = " times",
                          .ours = median(FIVE, SET_MANY, 0) / median(THREE, SET_MANY, 0),
                          .limit = 0.5,
                          .is_at_least = true,
                          .why = bench->is_quick ? "a short look starts three" : NULL});
}

static void claim_p99(struct bench *bench, const char *what, enum node_task task)
{
    char beside[LINE_BYTES];
    const double theirs = figure_median(&prototype[task][2]);
    (void)snprintf(beside, sizeof(beside), "the prototype: %.2f ms", theirs / 1e6);
    claim(&bench->page, &(struct claim){.what = what,
                                        .beside = isnan(theirs) ? "" : beside,
                                        .unit = " ms",
                                        .ours = median(THREE, task, 2) / 1e6,
                                        .limit = 1});
}

/* One at a time, in round trips of this run. */
static void claim_alone(struct bench *bench, const char *what, enum node_task task)
{
    char beside[LINE_BYTES];
    const double round_trip = figure_median(&round_trips);
    const double theirs = figure_median(&prototype[task][1]) / round_trip;
    (void)snprintf(beside, sizeof(beside), "the prototype: %.2f", theirs);
    claim(&bench->page, &(struct claim){.what = what,
                                        .beside = isnan(theirs) ? "" : beside,
                                        .unit = " round trips",
                                        .ours = median(THREE, task, 1) / round_trip,
                                        .limit = 1.5});
}

static void claim_times(struct bench *bench)
{
    claim_p99(bench, "set, three nodes, 64 in flight, p99", SET_MANY);
    claim_p99(bench, "get, three nodes, 64 in flight, p99", GET_MANY);
    claim_alone(bench, "set, three nodes, alone, p50", SET_ALONE);
    claim_alone(bench, "get, three nodes, alone, p50", GET_ALONE);
    claim(&bench->page, &(struct claim){.what = "operations of nodes that failed",
                                        .beside = "",
                                        .unit = "",
                                        .ours = failed_count,
                                        .limit = 0});
}

static bool table_curve(struct bench *bench, uint32_t row_count)
{
    static const char *const names[NODE_COUNT_MAX] = {"1", "2", "3", "4", "5", "6", "7"};
    static const double places[NODE_COUNT_MAX] = {1, 2, 3, 4, 5, 6, 7};
    static struct plot plot;
    page_table(&bench->page, "T20", "one to seven nodes, 64 in flight at one of them");
    matrix = (struct matrix){.corner = "k/s",
                             .rows = {"set", "get"},
                             .row_count = 2,
                             .column_count = row_count,
                             .our_row = MATRIX_NONE,
                             .limit_row = MATRIX_NONE};
    for (uint32_t row = 0; row < row_count; row++) {
        matrix.columns[row] = names[row];
        matrix.values[0][row] = median(row, SET_MANY, 0) / 1e3;
        matrix.values[1][row] = median(row, GET_MANY, 0) / 1e3;
    }
    matrix_print(&bench->page, &matrix);
    plot = (struct plot){.title = "Operations over nodes, 64 in flight at one of them",
                         .x_label = "nodes on this machine",
                         .y_label = "thousands per second"};
    return matrix_plot(&bench->page, &matrix, &plot, places);
}

static bool measure(const struct bench *bench, uint32_t row_count)
{
    for (uint32_t round = 0; round < bench->round_count; round++) {
        if (!measure_round_trip(bench)) {
            return false;
        }
        measure_prototype(bench);
        for (uint32_t row = 0; row < row_count; row++) {
            if (!measure_nodes(bench, row)) {
                return false;
            }
        }
    }
    return true;
}

/* Times, beside what one message there and back takes. */
static void print_times(struct bench *bench, const char *corner, uint32_t number)
{
    fill_three(corner, number, 1e-3);
    matrix.limit_row = matrix.row_count++;
    matrix.limit_name = "a round trip over loopback (p50)";
    matrix.rows[matrix.limit_row] = "round trip over loopback";
    for (uint32_t task = 0; task < TASK_COUNT; task++) {
        matrix.values[matrix.limit_row][task] = figure_median(&round_trips) / 1e3;
    }
    matrix_print(&bench->page, &matrix);
}

bool tables_nodes(struct bench *bench)
{
    const uint32_t row_count = bench->is_quick ? THREE + 1 : NODE_COUNT_MAX;
    if (!measure(bench, row_count)) {
        return false;
    }
    page_table(&bench->page, "T18", "three nodes, thousands of operations per second");
    fill_three("k/s", 0, 1e-3);
    matrix_print(&bench->page, &matrix);
    claim_rates(bench);
    page_marks(&bench->page);
    page_table(&bench->page, "T19", "three nodes, p50 and p99 in us");
    print_times(bench, "p50, us", 1);
    fprintf(bench->page.body, "\n");
    print_times(bench, "p99, us", 2);
    claim_times(bench);
    page_marks(&bench->page);
    return table_curve(bench, row_count);
}
