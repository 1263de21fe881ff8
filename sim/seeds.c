#include "sim/seeds.h"

#include <stddef.h>

#include "sim/jobs.h"

bool gkv_seeds_take(struct gkv_arguments *arguments, struct gkv_seeds *seeds)
{
    const char *text = NULL;
    if (gkv_arguments_take_text(arguments, "--seed", &text)) {
        seeds->has_seed = true;
        return gkv_arguments_seed(text, &seeds->first) ||
               gkv_arguments_wrong(arguments,
                                   "--seed wants a number, such as 42 or 0x2a, or 8 to 40 digits "
                                   "of a git commit, and not '%s'",
                                   text);
    }
    if (gkv_arguments_take_text(arguments, "--seeds", &text)) {
        seeds->has_range = true;
        return gkv_arguments_range(text, &seeds->first, &seeds->last) ||
               gkv_arguments_wrong(
                   arguments, "--seeds wants the first and the last, such as 1..500, and not '%s'",
                   text);
    }
    if (gkv_arguments_take_text(arguments, "--time", &text)) {
        seeds->has_time = true;
        return gkv_arguments_duration(text, &seeds->time_ns_max) ||
               gkv_arguments_wrong(
                   arguments, "--time wants a time, such as 90s, 10m or 2h, and not '%s'", text);
    }
    return false;
}

bool gkv_seeds_settle(struct gkv_arguments *arguments, struct gkv_seeds *seeds)
{
    if (!seeds->has_seed && !seeds->has_range && !seeds->has_time) {
        return gkv_arguments_wrong(arguments, "which seeds? --seed N, --seeds A..B, or --time 10m");
    }
    if (seeds->has_range && (seeds->has_seed || seeds->has_time)) {
        return gkv_arguments_wrong(
            arguments, "--seeds goes without %s",
            seeds->has_seed ? "--seed" : "--time; for fresh seeds, --time with --seed FIRST");
    }
    if (seeds->has_time) {
        seeds->first = seeds->has_seed ? seeds->first : gkv_jobs_fresh_seed();
        seeds->last = UINT64_MAX - 1;
    } else if (seeds->has_seed) {
        seeds->last = seeds->first;
    }
    return true;
}
