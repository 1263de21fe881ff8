/* A growing list of integers: what a piece of the benchmark measured, in the order it was measured.
 *
 * Bounds    NUMBERS_COUNT_MAX of them; more are a mistake of the benchmark's (asserted).
 */
#ifndef BENCH_MEMBERSHIP_NUMBERS_H
#define BENCH_MEMBERSHIP_NUMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NUMBERS_COUNT_MAX (UINT32_C(1) << 20)

struct numbers {
    uint64_t *values;
    uint32_t count;
    uint32_t capacity;
};

void numbers_add(struct numbers *numbers, uint64_t value);
void numbers_clear(struct numbers *numbers);
void numbers_free(struct numbers *numbers);

/* Of a record of `width` numbers each, the field at `field`: added to column_out. */
void numbers_column(const struct numbers *records, uint32_t width, uint32_t field,
                    struct numbers *column_out);

uint64_t numbers_sum(const struct numbers *numbers);

/* In thousandths, rounded down; 0 of none. */
uint64_t numbers_mean_milli(const struct numbers *numbers);

/* The smallest value that at least per_mille thousandths of all values do not pass (nearest rank);
 * 0 of none. Sorts the numbers. */
uint64_t numbers_quantile(struct numbers *numbers, uint32_t per_mille);

/* Keep them in a file, under a stamp that says what made them. False: it cannot be written. */
bool numbers_write(const struct numbers *numbers, const char *path, uint64_t stamp);

/* Read them again. False: there is no such file, or it has another stamp, or is not whole. */
bool numbers_read(struct numbers *numbers, const char *path, uint64_t stamp);

#endif
