#include "bench/performance/figures.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/panic.h"

#define TEXT_BYTES 32

void figure_add(struct figure *figure, double number)
{
    GKV_ASSERT(figure->count < FIGURES_ROUND_COUNT_MAX);
    figure->rounds[figure->count++] = number;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

double figure_median(const struct figure *figure)
{
    struct figure sorted = *figure;
    if (sorted.count == 0) {
        return NAN;
    }
    qsort(sorted.rounds, sorted.count, sizeof(sorted.rounds[0]), compare);
    return sorted.rounds[sorted.count / 2];
}

/* As many digits as say something. */
static const char *text_of(double number, char text_out[TEXT_BYTES])
{
    if (isnan(number)) {
        return "-";
    }
    const int digits = number >= 100 ? 0 : number >= 10 ? 1 : 2;
    (void)snprintf(text_out, TEXT_BYTES, "%.*f", digits, number);
    return text_out;
}

static void print_cell(FILE *out, const struct matrix *matrix, uint32_t row, uint32_t column)
{
    char text[TEXT_BYTES];
    char ratio[TEXT_BYTES];
    const double value = matrix->values[row][column];
    fprintf(out, " %s", text_of(value, text));
    if (matrix->limit_row != MATRIX_NONE && row != matrix->limit_row && !isnan(value)) {
        const double limit = matrix->values[matrix->limit_row][column];
        fprintf(out, " (%s)", text_of(value / limit, ratio));
    }
    fprintf(out, " |");
}

static bool is_empty(const struct matrix *matrix, uint32_t row)
{
    for (uint32_t column = 0; column < matrix->column_count; column++) {
        if (!isnan(matrix->values[row][column])) {
            return false;
        }
    }
    return true;
}

static void print_ratios(FILE *out, const struct matrix *matrix, uint32_t row)
{
    char text[TEXT_BYTES];
    fprintf(out, "| *%s / %s* |", matrix->rows[matrix->our_row], matrix->rows[row]);
    for (uint32_t column = 0; column < matrix->column_count; column++) {
        fprintf(
            out, " *%s* |",
            text_of(matrix->values[matrix->our_row][column] / matrix->values[row][column], text));
    }
    fprintf(out, "\n");
}

static void print_head(FILE *out, const struct matrix *matrix)
{
    if (matrix->limit_row != MATRIX_NONE) {
        fprintf(out, "In brackets: divided by %s.\n\n", matrix->limit_name);
    }
    fprintf(out, "| %s |", matrix->corner);
    for (uint32_t column = 0; column < matrix->column_count; column++) {
        fprintf(out, " %s |", matrix->columns[column]);
    }
    fprintf(out, "\n|---|");
    for (uint32_t column = 0; column < matrix->column_count; column++) {
        fprintf(out, "---|");
    }
    fprintf(out, "\n");
}

void matrix_print(struct page *page, const struct matrix *matrix)
{
    FILE *out = page->body;
    print_head(out, matrix);
    for (uint32_t row = 0; row < matrix->row_count; row++) {
        fprintf(out, "| %s |", matrix->rows[row]);
        for (uint32_t column = 0; column < matrix->column_count; column++) {
            print_cell(out, matrix, row, column);
        }
        fprintf(out, "\n");
    }
    for (uint32_t row = 0; row < matrix->row_count && matrix->our_row != MATRIX_NONE; row++) {
        if (row != matrix->our_row && row != matrix->limit_row && !is_empty(matrix, row)) {
            print_ratios(out, matrix, row);
        }
    }
}

bool matrix_plot(struct page *page, const struct matrix *matrix, struct plot *plot,
                 const double *places)
{
    for (uint32_t row = 0; row < matrix->row_count; row++) {
        struct plot_series *series = plot_add(plot, matrix->rows[row], row == matrix->limit_row);
        for (uint32_t column = 0; column < matrix->column_count; column++) {
            if (!isnan(matrix->values[row][column])) {
                plot_point(series, places[column], matrix->values[row][column]);
            }
        }
    }
    return page_plot(page, plot);
}

void claim(struct page *page, const struct claim *claim)
{
    struct mark mark = {.unit = claim->unit,
                        .is_at_least = claim->is_at_least,
                        .is_unmeasured = !isfinite(claim->ours),
                        .limit_milli = (uint64_t)(claim->limit * 1000),
                        .why = claim->why};
    mark.ours_milli = mark.is_unmeasured ? 0 : (uint64_t)(claim->ours * 1000);
    (void)snprintf(mark.what, sizeof(mark.what), "%s", claim->what);
    (void)snprintf(mark.published, sizeof(mark.published), "%s", claim->beside);
    page_mark(page, &mark);
}
