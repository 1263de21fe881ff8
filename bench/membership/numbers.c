#include "bench/membership/numbers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/panic.h"

#define COUNT_FIRST 64
#define LINE_BYTES 64

void numbers_add(struct numbers *numbers, uint64_t value)
{
    if (numbers->count == numbers->capacity) {
        numbers->capacity = numbers->capacity == 0 ? COUNT_FIRST : 2 * numbers->capacity;
        GKV_ASSERT(numbers->capacity <= NUMBERS_COUNT_MAX);
        numbers->values = realloc(numbers->values, numbers->capacity * sizeof(uint64_t));
        GKV_ASSERT(numbers->values != NULL);
    }
    numbers->values[numbers->count++] = value;
}

void numbers_clear(struct numbers *numbers)
{
    numbers->count = 0;
}

void numbers_free(struct numbers *numbers)
{
    free(numbers->values);
    *numbers = (struct numbers){.values = NULL};
}

void numbers_column(const struct numbers *records, uint32_t width, uint32_t field,
                    struct numbers *column_out)
{
    GKV_ASSERT(field < width);
    for (uint32_t i = field; i < records->count; i += width) {
        numbers_add(column_out, records->values[i]);
    }
}

uint64_t numbers_sum(const struct numbers *numbers)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < numbers->count; i++) {
        sum += numbers->values[i];
    }
    return sum;
}

uint64_t numbers_mean_milli(const struct numbers *numbers)
{
    return numbers->count == 0 ? 0 : numbers_sum(numbers) * 1000 / numbers->count;
}

static int compare(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left;
    const uint64_t b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

uint64_t numbers_quantile(struct numbers *numbers, uint32_t per_mille)
{
    GKV_ASSERT(per_mille <= 1000);
    if (numbers->count == 0) {
        return 0;
    }
    qsort(numbers->values, numbers->count, sizeof(uint64_t), compare);
    const uint64_t rank = ((uint64_t)numbers->count * per_mille + 999) / 1000;
    return numbers->values[rank == 0 ? 0 : rank - 1];
}

bool numbers_write(const struct numbers *numbers, const char *path, uint64_t stamp)
{
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        return false;
    }
    fprintf(file, "%016" PRIx64 " %" PRIu32 "\n", stamp, numbers->count);
    for (uint32_t i = 0; i < numbers->count; i++) {
        fprintf(file, "%" PRIu64 "\n", numbers->values[i]);
    }
    const bool is_written = ferror(file) == 0;
    return fclose(file) == 0 && is_written;
}

static bool read_values(struct numbers *numbers, FILE *file, uint64_t stamp)
{
    char line[LINE_BYTES];
    char *end = NULL;
    if (fgets(line, sizeof(line), file) == NULL || strtoull(line, &end, 16) != stamp) {
        return false;
    }
    const uint64_t count = strtoull(end, NULL, 10);
    while (fgets(line, sizeof(line), file) != NULL && numbers->count < count) {
        numbers_add(numbers, strtoull(line, NULL, 10));
    }
    return numbers->count == count;
}

bool numbers_read(struct numbers *numbers, const char *path, uint64_t stamp)
{
    FILE *file = fopen(path, "r");
    numbers_clear(numbers);
    if (file == NULL) {
        return false;
    }
    const bool is_read = read_values(numbers, file, stamp);
    fclose(file);
    return is_read;
}
