#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/performance/child.h"
#include "bench/performance/tables.h"

#define PATH_BYTES 512
#define ROW_COUNT 15 /* five traces, three sizes of a cache */
#define CELL_COUNT 8
#define CELL_LRU 2 /* of a row: trace, held, LRU, CLOCK, SIEVE, S3-FIFO, the store, over LRU */
#define CELL_STORE 6

/* The store's hits divided by LRU's; NAN: the line is no row of figures. */
static double ratio_in(const char *line)
{
    double numbers[CELL_COUNT] = {0};
    const char *cell = line;
    for (uint32_t i = 0; i < CELL_COUNT; i++) {
        cell = strchr(cell, '|');
        if (cell == NULL) {
            return NAN;
        }
        numbers[i] = strtod(++cell, NULL);
    }
    return numbers[CELL_LRU] > 0 ? numbers[CELL_STORE] / numbers[CELL_LRU] : NAN;
}

/* bench_eviction prints a table, and it is a part of this page as it is. */
bool tables_eviction(struct bench *bench)
{
    char path[PATH_BYTES];
    char line[CHILD_LINE_BYTES];
    struct child child;
    double least = INFINITY;
    uint32_t row_count = 0;
    (void)snprintf(path, sizeof(path), "%s/bench_eviction", bench->programs);
    const char *const arguments[] = {path, bench->is_quick ? "10000" : "8000000", NULL};
    page_table(&bench->page, "T13", "hits of a full store, as shares of what is asked for");
    if (!child_start(&child, CHILD_ANYWHERE, arguments)) {
        return false;
    }
    while (child_hear(&child, line)) {
        const double ratio = ratio_in(line);
        fprintf(bench->page.body, "%s", line);
        least = ratio < least ? ratio : least;
        row_count += isnan(ratio) ? 0 : 1;
    }
    child_stop(&child);
    claim(&bench->page, &(struct claim){.what = "hits beside LRU's, on the trace where it is least",
                                        .beside = "",
                                        .unit = " times",
                                        .ours = least,
                                        .limit = 1,
                                        .is_at_least = true});
    page_marks(&bench->page);
    return row_count == ROW_COUNT;
}
