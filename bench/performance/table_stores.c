#include <math.h>

#include "bench/performance/contenders.h"
#include "bench/performance/tables.h"

#define SHAPE_COUNT_MAX 4
#define VALUE_BYTES 100
#define TEXT_BYTES 96

enum store_task {
    GET_UNIFORM,
    GET_ZIPF,
    GET_SERIAL,
    GET_MANY,
    GET_UNIFORM_TWO,
    GET_HOT,
    GET_HOT_TWO,
    SET,
    SET_TWO,
    SET_HOT_TWO,
    TASK_COUNT
};

static const struct task tasks[TASK_COUNT] = {
    [GET_UNIFORM] = {"get-uniform", 1},     [GET_ZIPF] = {"get-zipf", 1},
    [GET_SERIAL] = {"get-serial", 1},       [GET_MANY] = {"get-many", 1},
    [GET_UNIFORM_TWO] = {"get-uniform", 2}, [GET_HOT] = {"get-hot", 1},
    [GET_HOT_TWO] = {"get-hot", 2},         [SET] = {"set-uniform", 1},
    [SET_TWO] = {"set-uniform", 2},         [SET_HOT_TWO] = {"set-hot", 2},
};

/* The numbers of keys: the first and the third are those of the marks. */
struct shapes {
    uint32_t count;
    uint32_t small;
    uint32_t large;
    double keys[SHAPE_COUNT_MAX];
    const char *names[SHAPE_COUNT_MAX];
};

static const struct shapes full_shapes = {
    4, 0, 2, {1e4, 1e5, 1e6, 1e7}, {"10 k", "100 k", "1 M", "10 M"}};
static const struct shapes quick_shapes = {3, 0, 2, {1e3, 2e3, 4e3}, {"1 k", "2 k", "4 k"}};

#define PERCENTILE_COUNT 3

struct stores {
    const struct shapes *shapes;
    struct figure figures[SHAPE_COUNT_MAX][CONTENDER_COUNT][TASK_COUNT];
    struct figure latencies[SHAPE_COUNT_MAX][CONTENDER_COUNT][PERCENTILE_COUNT];
    double resident_bytes[SHAPE_COUNT_MAX][CONTENDER_COUNT];
};

static struct stores stores;
static struct contenders contenders;
static struct matrix matrix;
static struct plot plot;

static double median(uint32_t shape, enum contender contender, enum store_task task)
{
    return figure_median(&stores.figures[shape][contender][task]);
}

/* ---- Measuring. ------------------------------------------------------------------------------ */

static void measure_latencies(const struct bench *bench, uint32_t shape)
{
    char line[TEXT_BYTES];
    (void)snprintf(line, sizeof(line), "latency 1 %u", bench->turn_ms);
    for (uint32_t round = 0; round < bench->round_count; round++) {
        for (uint32_t i = 0; i < CONTENDER_COUNT; i++) {
            double numbers[PERCENTILE_COUNT];
            const uint32_t count =
                child_ask(&contenders.children[i], line, numbers, PERCENTILE_COUNT);
            for (uint32_t n = 0; n < count; n++) {
                figure_add(&stores.latencies[shape][i][n], numbers[n]);
            }
        }
    }
}

static bool measure_shape(const struct bench *bench, uint32_t shape)
{
    const uint32_t key_count = (uint32_t)stores.shapes->keys[shape];
    if (!contenders_start(&contenders, bench, key_count, VALUE_BYTES)) {
        return false;
    }
    for (uint32_t i = 0; i < CONTENDER_COUNT; i++) {
        double bytes = NAN;
        const uint32_t count = child_ask(&contenders.children[i], "bytes", &bytes, 1);
        stores.resident_bytes[shape][i] = count == 1 ? bytes : 0;
    }
    contenders_measure(&contenders, bench, tasks, TASK_COUNT, &stores.figures[shape][0][0]);
    measure_latencies(bench, shape);
    contenders_stop(&contenders);
    return true;
}

/* ---- Tables. --------------------------------------------------------------------------------- */

static void fill_over_keys(enum store_task task)
{
    contenders_matrix(&matrix, "ns");
    matrix.column_count = stores.shapes->count;
    for (uint32_t shape = 0; shape < stores.shapes->count; shape++) {
        matrix.columns[shape] = stores.shapes->names[shape];
        for (uint32_t i = 0; i < CONTENDER_COUNT; i++) {
            matrix.values[i][shape] = median(shape, (enum contender)i, task);
        }
    }
}

static bool plot_over_keys(struct bench *bench, const char *title)
{
    plot = (struct plot){
        .title = title, .x_label = "keys", .y_label = "ns", .is_x_log = true, .is_y_log = true};
    return matrix_plot(&bench->page, &matrix, &plot, stores.shapes->keys);
}

/* The store itself, and what a user has of it. */
static const enum contender ours[] = {CONTENDER_GRIDKV, CONTENDER_API};
#define OURS_COUNT (sizeof(ours) / sizeof(ours[0]))

static void claim_beside_one(struct bench *bench, const char *what, enum contender rival,
                             enum store_task task, uint32_t shape)
{
    char text[TEXT_BYTES];
    char beside[TEXT_BYTES];
    const double theirs = median(shape, rival, task);
    (void)snprintf(beside, sizeof(beside), "%.1f ns", theirs);
    for (uint32_t i = 0; i < OURS_COUNT; i++) {
        (void)snprintf(text, sizeof(text), "%s, %s keys, %s: faster than %s", what,
                       stores.shapes->names[shape], contender_name(ours[i]), contender_name(rival));
        claim(&bench->page, &(struct claim){.what = text,
                                            .beside = beside,
                                            .unit = " times",
                                            .ours = theirs / median(shape, ours[i], task),
                                            .limit = 1.3,
                                            .is_at_least = true,
                                            .why = isnan(theirs) ? "it is not here" : NULL});
    }
}

static void claim_beside(struct bench *bench, const char *what, enum store_task task,
                         uint32_t shape)
{
    claim_beside_one(bench, what, CONTENDER_URCU, task, shape);
    claim_beside_one(bench, what, CONTENDER_CK, task, shape);
    claim_beside_one(bench, what, CONTENDER_CHAIN, task, shape);
}

static void claim_beside_v4a(struct bench *bench, const char *what, enum store_task task,
                             uint32_t shape)
{
    char text[TEXT_BYTES];
    char beside[TEXT_BYTES];
    const double theirs = median(shape, CONTENDER_V4A, task);
    (void)snprintf(beside, sizeof(beside), "%.1f ns", theirs);
    for (uint32_t i = 0; i < OURS_COUNT; i++) {
        (void)snprintf(text, sizeof(text), "%s, %s keys, %s: of V4a's time", what,
                       stores.shapes->names[shape], contender_name(ours[i]));
        claim(&bench->page,
              &(struct claim){.what = text,
                              .beside = isnan(theirs) ? "" : beside,
                              .unit = " times",
                              .ours = median(shape, ours[i], task) / theirs,
                              .limit = 1.25,
                              .why = isnan(theirs) ? "GRIDKV_PROTOTYPES does not say where V4a is"
                                                   : NULL});
    }
}

/* Nanoseconds mean little of a machine that others use as well: beside them stands what the limit
 * took in the same rounds. Misses of the cache are what a get of many hides, so its mark is on the
 * larger number of keys. */
static void claim_ns(struct bench *bench, const char *what, enum contender contender,
                     enum store_task task, double limit)
{
    char text[TEXT_BYTES];
    char beside[TEXT_BYTES];
    const uint32_t shape = task == GET_MANY ? stores.shapes->large : stores.shapes->small;
    (void)snprintf(text, sizeof(text), "%s, %s keys, %s", what, stores.shapes->names[shape],
                   contender_name(contender));
    (void)snprintf(beside, sizeof(beside), "the limit: %.1f ns",
                   median(shape, CONTENDER_LIMIT, task));
    claim(&bench->page, &(struct claim){.what = text,
                                        .beside = beside,
                                        .unit = " ns",
                                        .ours = median(shape, contender, task),
                                        .limit = limit});
}

static bool table_gets(struct bench *bench)
{
    const struct shapes *shapes = stores.shapes;
    page_table(&bench->page, "T1", "a get, uniform keys, one thread");
    fill_over_keys(GET_UNIFORM);
    matrix_print(&bench->page, &matrix);
    claim_beside_v4a(bench, "get, uniform", GET_UNIFORM, shapes->large);
    claim_beside(bench, "get, uniform", GET_UNIFORM, shapes->large);
    if (!plot_over_keys(bench, "A get, uniform keys, one thread")) {
        return false;
    }
    page_table(&bench->page, "T2", "a get, Zipf keys, one thread");
    fill_over_keys(GET_ZIPF);
    matrix_print(&bench->page, &matrix);
    claim_beside_v4a(bench, "get, Zipf", GET_ZIPF, shapes->small);
    claim_beside_v4a(bench, "get, Zipf", GET_ZIPF, shapes->large);
    claim_beside(bench, "get, Zipf", GET_ZIPF, shapes->large);
    for (uint32_t i = 0; i < OURS_COUNT; i++) {
        claim_ns(bench, "get, Zipf", ours[i], GET_ZIPF, 43);
    }
    return plot_over_keys(bench, "A get, Zipf keys, one thread");
}

static bool table_chains(struct bench *bench)
{
    page_table(&bench->page, "T3", "a get whose key depends on the value before, one thread");
    fill_over_keys(GET_SERIAL);
    matrix_print(&bench->page, &matrix);
    if (!plot_over_keys(bench, "A get whose key depends on the value before")) {
        return false;
    }
    page_table(&bench->page, "T4", "one of 32 keys that are asked for together");
    fill_over_keys(GET_MANY);
    matrix_print(&bench->page, &matrix);
    for (uint32_t i = 0; i < OURS_COUNT; i++) {
        claim_ns(bench, "one of 32", ours[i], GET_MANY, 60);
    }
    return plot_over_keys(bench, "One of 32 keys that are asked for together");
}

/* Both threads together, in millions a second. */
static double rate(uint32_t shape, enum contender contender, enum store_task task)
{
    return tasks[task].thread_count * 1000 / median(shape, contender, task);
}

static void fill_threads(const enum store_task *columns, const char *const *names,
                         uint32_t column_count, uint32_t shape)
{
    contenders_matrix(&matrix, "million/s");
    matrix.column_count = column_count;
    for (uint32_t column = 0; column < column_count; column++) {
        matrix.columns[column] = names[column];
        for (uint32_t i = 0; i < CONTENDER_COUNT; i++) {
            matrix.values[i][column] = rate(shape, (enum contender)i, columns[column]);
        }
    }
}

static void claim_scaling(struct bench *bench, const char *what, enum store_task by_one,
                          enum store_task by_two, double limit)
{
    char text[TEXT_BYTES];
    const uint32_t shape = stores.shapes->large;
    for (uint32_t i = 0; i < OURS_COUNT; i++) {
        (void)snprintf(text, sizeof(text), "two threads, %s, %s: as much as one", what,
                       contender_name(ours[i]));
        claim(&bench->page,
              &(struct claim){.what = text,
                              .beside = "",
                              .unit = " times",
                              .ours = rate(shape, ours[i], by_two) / rate(shape, ours[i], by_one),
                              .limit = limit,
                              .is_at_least = true});
    }
}

static bool table_threads(struct bench *bench)
{
    static const enum store_task columns[] = {GET_UNIFORM, GET_UNIFORM_TWO, GET_HOT, GET_HOT_TWO};
    static const char *const names[] = {"uniform, 1 thread", "uniform, 2 threads",
                                        "one key, 1 thread", "one key, 2 threads"};
    static const double places[] = {1, 2};
    const uint32_t shape = stores.shapes->large;
    page_table(&bench->page, "T5", "gets of one and two threads, 1 M keys");
    fill_threads(columns, names, 4, shape);
    matrix_print(&bench->page, &matrix);
    claim_scaling(bench, "uniform", GET_UNIFORM, GET_UNIFORM_TWO, 1.8);
    claim_scaling(bench, "one key", GET_HOT, GET_HOT_TWO, 1.0);
    matrix.column_count = 2;
    plot = (struct plot){.title = "Gets of one and two threads, 1 M keys, uniform",
                         .x_label = "threads",
                         .y_label = "million per second, all threads"};
    return matrix_plot(&bench->page, &matrix, &plot, places);
}

/* gridkv.h's set is the one that takes a version from the node's clock and leaves a mark for who
 * sends it to the other copies; the store's own is only the put. */
static bool table_sets(struct bench *bench)
{
    static const enum store_task columns[] = {SET, SET_TWO, SET_HOT_TWO};
    static const char *const names[] = {"uniform, 1 thread", "uniform, 2 threads",
                                        "one key, 2 threads"};
    page_table(&bench->page, "T6", "a set, ns per thread, 10 k keys");
    contenders_matrix(&matrix, "ns");
    matrix.column_count = 3;
    for (uint32_t column = 0; column < 3; column++) {
        matrix.columns[column] = names[column];
        for (uint32_t i = 0; i < CONTENDER_COUNT; i++) {
            matrix.values[i][column] =
                median(stores.shapes->small, (enum contender)i, columns[column]);
        }
    }
    matrix_print(&bench->page, &matrix);
    claim_ns(bench, "set, one thread", CONTENDER_API, SET, 60);
    claim_ns(bench, "set, two threads", CONTENDER_API, SET_TWO, 100);
    page_marks(&bench->page);
    page_table(&bench->page, "T7", "a set, uniform keys, one thread");
    fill_over_keys(SET);
    matrix_print(&bench->page, &matrix);
    return plot_over_keys(bench, "A set, uniform keys, one thread");
}

static void table_latencies(struct bench *bench)
{
    static const char *const names[] = {"10 k, p50", "p99", "p99.9", "1 M, p50", "p99", "p99.9"};
    const uint32_t shapes[] = {stores.shapes->small, stores.shapes->large};
    page_table(&bench->page, "T8", "one get alone, uniform keys, ns");
    contenders_matrix(&matrix, "ns");
    matrix.column_count = 2 * PERCENTILE_COUNT;
    for (uint32_t column = 0; column < matrix.column_count; column++) {
        matrix.columns[column] = names[column];
        const uint32_t shape = shapes[column / PERCENTILE_COUNT];
        for (uint32_t i = 0; i < CONTENDER_COUNT; i++) {
            matrix.values[i][column] =
                figure_median(&stores.latencies[shape][i][column % PERCENTILE_COUNT]);
        }
    }
    matrix_print(&bench->page, &matrix);
}

static bool table_memory(struct bench *bench)
{
    page_table(&bench->page, "T9", "resident bytes per key of 16 and value of 100 bytes");
    contenders_matrix(&matrix, "bytes");
    matrix.limit_row = MATRIX_NONE;
    matrix.row_count = CONTENDER_API; /* a node has more than a store, and the limit is none */
    matrix.column_count = stores.shapes->count;
    for (uint32_t shape = 0; shape < stores.shapes->count; shape++) {
        matrix.columns[shape] = stores.shapes->names[shape];
        for (uint32_t i = 0; i < CONTENDER_COUNT; i++) {
            const double bytes = stores.resident_bytes[shape][i];
            matrix.values[i][shape] = bytes > 0 ? bytes / stores.shapes->keys[shape] : NAN;
        }
    }
    matrix_print(&bench->page, &matrix);
    plot = (struct plot){.title = "Resident bytes per key of 16 and value of 100 bytes",
                         .x_label = "keys",
                         .y_label = "bytes",
                         .is_x_log = true};
    return matrix_plot(&bench->page, &matrix, &plot, stores.shapes->keys);
}

bool tables_stores(struct bench *bench)
{
    stores.shapes = bench->is_quick ? &quick_shapes : &full_shapes;
    for (uint32_t shape = 0; shape < stores.shapes->count; shape++) {
        if (!contenders_fit((uint32_t)stores.shapes->keys[shape], VALUE_BYTES)) {
            fprintf(bench->page.body, "\n%s keys were left out: all stores together do not fit.\n",
                    stores.shapes->names[shape]);
        } else if (!measure_shape(bench, shape)) {
            return false;
        }
    }
    if (!table_gets(bench) || !table_chains(bench) || !table_threads(bench) || !table_sets(bench)) {
        return false;
    }
    table_latencies(bench);
    return table_memory(bench);
}
