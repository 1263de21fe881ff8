/* Do the two judges of linearizability agree, and what does the fast one cost?
 *
 * Makes COUNT histories (default 1,000,000) of 60 operations, every second one forged, and asks
 * both sim/zones.h and sim/search.h about each; exits with 1 if they ever disagree, or when an
 * honest history is rejected. Prints the median time of zones per history of 60 operations, and of
 * one of 10,000 operations on one key. Usage: bench_zones [COUNT [SEED]]
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/prng.h"
#include "sim/forge.h"
#include "sim/search.h"
#include "sim/zones.h"

#define SMALL 60
#define LARGE 10000
#define STATE_COUNT (1u << 14)
#define BATCH_COUNT 1000 /* histories that are timed together */
#define ROUNDS 21

struct tally {
    uint64_t yes_count;
    uint64_t no_count;
    uint64_t gave_up_count;
    uint64_t disagreed_count;
    uint64_t rejected_count; /* honest ones */
    uint64_t fault_counts[GKV_ZONES_INSIDE + 1];
};

static struct gkv_register_operation batch[BATCH_COUNT][SMALL];
static struct gkv_register_operation large[LARGE];
static struct gkv_zone zones[LARGE + 1];
static struct gkv_search_state states[STATE_COUNT];
static struct gkv_search search;

static uint64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void sort(uint64_t *numbers, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        const uint64_t moved = numbers[i];
        uint32_t place = i;
        while (place > 0 && numbers[place - 1] > moved) {
            numbers[place] = numbers[place - 1];
            place--;
        }
        numbers[place] = moved;
    }
}

static void make(struct gkv_prng *prng, struct gkv_register_operation *operations, bool is_forged)
{
    const struct gkv_forge_options options = gkv_forge_draw(prng, SMALL);
    gkv_forge_make(prng, &options, operations);
    const uint64_t change_count = is_forged ? 1 + gkv_prng_below(prng, 3) : 0;
    for (uint64_t i = 0; i < change_count; i++) {
        gkv_forge_change(prng, operations, SMALL);
    }
}

static void judge(struct tally *tally, uint64_t seed, bool is_forged)
{
    struct gkv_register_operation *operations = batch[0];
    struct gkv_zones_report report;
    struct gkv_prng prng;
    gkv_prng_init(&prng, seed, is_forged);
    make(&prng, operations, is_forged);
    const struct gkv_register_history history = {operations, SMALL};
    const bool is_linearizable = gkv_zones_check(history, zones, &report);
    const enum gkv_search_answer answer = gkv_search_check(&search, history);
    tally->fault_counts[report.fault]++;
    tally->rejected_count += !is_linearizable && !is_forged;
    tally->gave_up_count += answer == GKV_SEARCH_GAVE_UP;
    tally->yes_count += answer == GKV_SEARCH_YES;
    tally->no_count += answer == GKV_SEARCH_NO;
    if (answer != GKV_SEARCH_GAVE_UP && is_linearizable != (answer == GKV_SEARCH_YES)) {
        tally->disagreed_count++;
        printf("seed %" PRIu64 ": zones say %s, the search says %s\n", seed,
               is_linearizable ? "yes" : "no", answer == GKV_SEARCH_YES ? "yes" : "no");
    }
}

static void time_small(void)
{
    uint64_t times_ns[ROUNDS];
    struct gkv_prng prng;
    gkv_prng_init(&prng, 1, 1);
    for (uint32_t i = 0; i < BATCH_COUNT; i++) {
        make(&prng, batch[i], i % 2 == 1);
    }
    for (uint32_t round = 0; round < ROUNDS; round++) {
        const uint64_t begin_ns = clock_ns();
        for (uint32_t i = 0; i < BATCH_COUNT; i++) {
            (void)gkv_zones_check((struct gkv_register_history){batch[i], SMALL}, zones, NULL);
        }
        times_ns[round] = (clock_ns() - begin_ns) / BATCH_COUNT;
    }
    sort(times_ns, ROUNDS);
    printf("zones, %d operations: median %" PRIu64 ".%03" PRIu64 " us, worst round %" PRIu64
           ".%03" PRIu64 " us (goal 10)\n",
           SMALL, times_ns[ROUNDS / 2] / 1000, times_ns[ROUNDS / 2] % 1000,
           times_ns[ROUNDS - 1] / 1000, times_ns[ROUNDS - 1] % 1000);
}

/* Honest histories, since these are judged to the end. */
static bool time_large(void)
{
    uint64_t times_ns[ROUNDS];
    bool is_right = true;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        struct gkv_prng prng;
        gkv_prng_init(&prng, round, 2);
        const struct gkv_forge_options options = {
            .operation_count = LARGE,
            .client_count = 12,
            .write_percent = 50,
            .unknown_percent = 5,
            .span = 20,
        };
        gkv_forge_make(&prng, &options, large);
        const struct gkv_register_history history = {large, LARGE};
        const uint64_t begin_ns = clock_ns();
        is_right = gkv_zones_check(history, zones, NULL) && is_right;
        times_ns[round] = clock_ns() - begin_ns;
    }
    sort(times_ns, ROUNDS);
    printf("zones, %d operations on one key: median %" PRIu64 " us, worst %" PRIu64
           " us (goal 5000)\n",
           LARGE, times_ns[ROUNDS / 2] / 1000, times_ns[ROUNDS - 1] / 1000);
    return is_right;
}

int main(int argc, char **argv)
{
    const uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
    const uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    struct tally tally = {0};
    gkv_search_init(&search, states, STATE_COUNT);
    const uint64_t begin_ns = clock_ns();
    for (uint64_t i = 0; i < count; i++) {
        judge(&tally, seed + i, i % 2 == 1);
    }
    const uint64_t taken_ms = (clock_ns() - begin_ns) / 1000000;
    printf("%" PRIu64 " histories of %d operations from seed %" PRIu64 " in %" PRIu64 " ms\n"
           "the search: %" PRIu64 " linearizable, %" PRIu64 " not, gave up on %" PRIu64 "\n",
           count, SMALL, seed, taken_ms, tally.yes_count, tally.no_count, tally.gave_up_count);
    printf("zones: %" PRIu64 " linearizable; %" PRIu64 " never written, %" PRIu64
           " failed, %" PRIu64 " future, %" PRIu64 " overlap, %" PRIu64 " inside\n",
           tally.fault_counts[GKV_ZONES_LINEARIZABLE], tally.fault_counts[GKV_ZONES_NEVER_WRITTEN],
           tally.fault_counts[GKV_ZONES_FAILED_WRITE], tally.fault_counts[GKV_ZONES_FUTURE],
           tally.fault_counts[GKV_ZONES_OVERLAP], tally.fault_counts[GKV_ZONES_INSIDE]);
    printf("disagreements: %" PRIu64 ", honest ones rejected: %" PRIu64 "\n", tally.disagreed_count,
           tally.rejected_count);
    time_small();
    const bool is_right = time_large();
    return tally.disagreed_count == 0 && tally.rejected_count == 0 && is_right ? 0 : 1;
}
