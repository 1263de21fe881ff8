#include <math.h>

#include "bench/performance/contenders.h"
#include "bench/performance/tables.h"

#define SIZE_COUNT 6
#define KEY_COUNT_MIN 64
#define KEY_COUNT_MAX 100000

static const double sizes[SIZE_COUNT] = {16, 100, 1024, 16384, 131072, 1048576};
static const char *const size_names[SIZE_COUNT] = {"16 B",   "100 B",   "1 KiB",
                                                   "16 KiB", "128 KiB", "1 MiB"};

enum value_task {
    VALUE_GET,
    VALUE_SET,
    VALUE_TASK_COUNT
};

static const struct task tasks[VALUE_TASK_COUNT] = {{"get-uniform", 1}, {"set-uniform", 1}};

static struct figure figures[SIZE_COUNT][CONTENDER_COUNT][VALUE_TASK_COUNT];
static struct contenders contenders;
static struct matrix matrix;
static struct plot plot;

/* So many keys that their values are `total` bytes, within bounds: misses should cost alike. */
static uint32_t key_count_of(double value_bytes, double total)
{
    const double count = total / value_bytes;
    if (count < KEY_COUNT_MIN) {
        return KEY_COUNT_MIN;
    }
    return count > KEY_COUNT_MAX ? KEY_COUNT_MAX : (uint32_t)count;
}

static bool table(struct bench *bench, enum value_task task, const char *name, const char *title)
{
    page_table(&bench->page, name, title);
    contenders_matrix(&matrix, "ns");
    matrix.column_count = SIZE_COUNT;
    for (uint32_t size = 0; size < SIZE_COUNT; size++) {
        matrix.columns[size] = size_names[size];
        for (uint32_t i = 0; i < CONTENDER_COUNT; i++) {
            matrix.values[i][size] = figure_median(&figures[size][i][task]);
        }
    }
    matrix_print(&bench->page, &matrix);
    plot = (struct plot){.title = title,
                         .x_label = "bytes of the value",
                         .y_label = "ns",
                         .is_x_log = true,
                         .is_y_log = true};
    return matrix_plot(&bench->page, &matrix, &plot, sizes);
}

bool tables_values(struct bench *bench)
{
    const double total = bench->is_quick ? 1 << 20 : 256 << 20;
    for (uint32_t size = 0; size < SIZE_COUNT; size++) {
        const uint32_t key_count = key_count_of(sizes[size], total);
        if (!contenders_start(&contenders, bench, key_count, (uint32_t)sizes[size])) {
            return false;
        }
        contenders_measure(&contenders, bench, tasks, VALUE_TASK_COUNT, &figures[size][0][0]);
        contenders_stop(&contenders);
    }
    return table(bench, VALUE_GET, "T10", "A get over the size of the value") &&
           table(bench, VALUE_SET, "T11", "A set over the size of the value");
}
