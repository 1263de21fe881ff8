/* What was measured, round by round, and tables of the medians beside what they are compared with.
 *
 * Bounds    FIGURES_ROUND_COUNT_MAX rounds; MATRIX_ROW_COUNT_MAX rows of MATRIX_COLUMN_COUNT_MAX.
 */
#ifndef BENCH_PERFORMANCE_FIGURES_H
#define BENCH_PERFORMANCE_FIGURES_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/report/page.h"

#define FIGURES_ROUND_COUNT_MAX 31
#define MATRIX_ROW_COUNT_MAX 8
#define MATRIX_COLUMN_COUNT_MAX 8
#define MATRIX_NONE UINT32_MAX

/* How much is done, and where things are. */
struct bench {
    struct page page;
    const char *programs; /* the folder of what is started */
    uint32_t round_count;
    uint32_t turn_ms; /* for so long one of them works at a time */
    bool is_quick;    /* tiny: shows that it works, and measures nothing */
};

struct figure {
    double rounds[FIGURES_ROUND_COUNT_MAX];
    uint32_t count;
};

void figure_add(struct figure *figure, double number);

/* NAN of none. */
double figure_median(const struct figure *figure);

/* A table: who, and at what. Names are borrowed. NAN: was not measured. */
struct matrix {
    const char *corner; /* of both heads */
    const char *rows[MATRIX_ROW_COUNT_MAX];
    uint32_t row_count;
    const char *columns[MATRIX_COLUMN_COUNT_MAX];
    uint32_t column_count;
    double values[MATRIX_ROW_COUNT_MAX][MATRIX_COLUMN_COUNT_MAX];
    uint32_t our_row;
    uint32_t limit_row; /* each figure is shown with its ratio to this one; MATRIX_NONE: to none */
    const char *limit_name; /* in the head: "the limit" */
};

/* Print it, and below it ours divided by each of the others. */
void matrix_print(struct page *page, const struct matrix *matrix);

/* A curve for each row over the columns, which are at these places. False: it cannot be written. */
bool matrix_plot(struct page *page, const struct matrix *matrix, struct plot *plot,
                 const double *places);

/* A mark on `ours`; NAN, or infinite: it is missed as not measured. why: it is missed, if it is;
 * NULL: nobody knows. */
struct claim {
    const char *what;
    const char *beside; /* whom it is compared with, and their figure; "" */
    const char *unit;
    double ours;
    double limit;
    bool is_at_least;
    const char *why;
};
void claim(struct page *page, const struct claim *claim);

#endif
