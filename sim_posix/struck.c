#include "sim_posix/struck.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#define PER_LINE 9

/* The members of struct gkv_kernel_tally in their order, and in how many seeds each must happen. */
static const struct {
    const char *name;
    uint64_t seed_count;
} struck[] = {
    {"interrupted", 200}, {"again", 200},     {"shortened", 200},
    {"broken", 200},      {"refused", 200},   {"hung", 200},
    {"full", 200},        {"aborted", 200},   {"unsent", 200},
    {"lost", 200},        {"doubled", 200},   {"spurious", 200},
    {"late", 200},        {"connected", 200}, {"at_once", 200},
    {"timed_out", 2000}, /* takes a cut of over five seconds */
    {"resets", 200},
};

#define STRUCK_COUNT (sizeof(struck) / sizeof(struck[0]))

_Static_assert(sizeof(struct gkv_kernel_tally) == STRUCK_COUNT * sizeof(uint64_t),
               "every member of the tally has a row");

void gkv_struck_add(struct gkv_kernel_tally *sum, const struct gkv_kernel_tally *tally)
{
    uint64_t *to = (uint64_t *)sum;
    const uint64_t *from = (const uint64_t *)tally;
    for (size_t i = 0; i < STRUCK_COUNT; i++) {
        to[i] += from[i];
    }
}

void gkv_struck_print(const struct gkv_kernel_tally *tally)
{
    const uint64_t *counts = (const uint64_t *)tally;
    for (size_t i = 0; i < STRUCK_COUNT; i++) {
        const bool is_last = i % PER_LINE == PER_LINE - 1 || i + 1 == STRUCK_COUNT;
        printf("%s %s=%" PRIu64 "%s", i % PER_LINE == 0 ? "struck:" : "", struck[i].name, counts[i],
               is_last ? "\n" : "");
    }
}

uint32_t gkv_struck_missing(const struct gkv_kernel_tally *tally, uint64_t seed_count, char *names,
                            size_t names_bytes)
{
    const uint64_t *counts = (const uint64_t *)tally;
    uint32_t missing_count = 0;
    size_t used = 0;
    names[0] = '\0';
    for (size_t i = 0; i < STRUCK_COUNT; i++) {
        if (counts[i] > 0 || seed_count < struck[i].seed_count) {
            continue;
        }
        missing_count++;
        const int count =
            snprintf(names + used, names_bytes - used, "%s%s", used > 0 ? " " : "", struck[i].name);
        used = count > 0 && (size_t)count < names_bytes - used ? used + (size_t)count : used;
    }
    return missing_count;
}
