/* What the simulator does in a second of one processor: events, seeds, simulated time.
 *
 * Runs seeds of some profiles in this process, hash chain, checks and all, and prints a page of
 * Markdown (docs/results/simulator.md). CPU time, not wall time: the machine may be shared. Each
 * row is the median of ROUNDS rounds, all of them run in turns. Beside them, in the same run,
 * stands what bounds them: the same hash over as many bytes, and the agenda alone.
 * Usage: bench_sim [PERCENT]   of the seeds, 100 by default; exits with 1 when a seed fails.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/hash.h"
#include "io_sim/agenda.h"
#include "sim/profile.h"
#include "sim/trial.h"

#define ROUNDS 5
#define NS_PER_SECOND UINT64_C(1000000000)
#define CORE_HOUR_NS (3600 * NS_PER_SECOND)

struct row {
    const char *what;
    enum gkv_profile profile;
    uint64_t seed_count;
    const char *goal;
    uint64_t event_count;
    uint64_t operation_count;
    uint64_t simulated_ns;
    uint64_t cpu_ns[ROUNDS];
};

static struct row rows[] = {
    {.what = "light", .profile = GKV_PROFILE_LIGHT, .seed_count = 20, .goal = "10,000 : 1"},
    {.what = "full", .profile = GKV_PROFILE_MEASURE, .seed_count = 20, .goal = "1,000 : 1"},
    {.what = "swarm", .profile = GKV_PROFILE_SWARM, .seed_count = 200, .goal = "50,000 seeds"},
    {.what = "lite", .profile = GKV_PROFILE_LITE, .seed_count = 1000, .goal = "500,000 seeds"},
};
#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

static uint64_t cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

static int compare(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left;
    const uint64_t b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static uint64_t median(uint64_t numbers[ROUNDS])
{
    qsort(numbers, ROUNDS, sizeof(numbers[0]), compare);
    return numbers[ROUNDS / 2];
}

/* ---- Seeds ----------------------------------------------------------------------------------- */

static bool run(struct row *row, uint32_t round)
{
    bool has_passed = true;
    row->event_count = 0;
    row->operation_count = 0;
    row->simulated_ns = 0;
    const uint64_t begin_ns = cpu_ns();
    for (uint64_t seed = 1; seed <= row->seed_count; seed++) {
        const struct gkv_trial_options options = {
            .seed = seed, .profile = row->profile, .report = true};
        struct gkv_trial_summary summary;
        gkv_trial_run_with(&options, &summary);
        row->event_count += summary.event_count;
        row->operation_count += summary.operation_count;
        row->simulated_ns += summary.simulated_ns;
        has_passed = has_passed && summary.status == GKV_TRIAL_PASS;
    }
    row->cpu_ns[round] = cpu_ns() - begin_ns;
    return has_passed;
}

static void print_row(struct row *row)
{
    const uint64_t taken_ns = median(row->cpu_ns);
    printf("| %s | %" PRIu64 " | %" PRIu64 " | %" PRIu64 " | %.1f | %.2f | %.0f | %.0f | %.0f : 1 |"
           " %s |\n",
           row->what, row->seed_count, row->event_count / row->seed_count,
           row->operation_count / row->seed_count,
           (double)row->simulated_ns / (double)row->seed_count / 1e9,
           (double)taken_ns / (double)row->seed_count / 1e6,
           (double)row->event_count * 1e9 / (double)taken_ns,
           (double)row->seed_count * (double)CORE_HOUR_NS / (double)taken_ns,
           (double)row->simulated_ns / (double)taken_ns, row->goal);
}

/* ---- What bounds them ------------------------------------------------------------------------ */

#define LINK_BYTES 104 /* the chain's longest link: 13 words */
#define LINK_COUNT 2000000
#define AGENDA_COUNT 64 /* occasions under way at once */

/* Nanoseconds per link of a chain of hashes. */
static double time_hash(void)
{
    uint64_t rounds_ns[ROUNDS];
    uint64_t words[LINK_BYTES / sizeof(uint64_t)] = {1};
    for (uint32_t round = 0; round < ROUNDS; round++) {
        const uint64_t begin_ns = cpu_ns();
        for (uint32_t i = 0; i < LINK_COUNT; i++) {
            words[0] = gkv_hash128(words, sizeof(words), words[0]).low;
        }
        rounds_ns[round] = cpu_ns() - begin_ns;
    }
    const double taken_ns = (double)median(rounds_ns) / LINK_COUNT;
    return words[0] == 0 ? 0 : taken_ns;
}

/* Nanoseconds per occasion that is taken from the agenda and put back for later. */
static double time_agenda(void)
{
    static struct gkv_occasion heap[2 * AGENDA_COUNT];
    uint64_t rounds_ns[ROUNDS];
    struct gkv_agenda agenda;
    struct gkv_occasion occasion = {.kind = GKV_OCCASION_CALLER};
    gkv_agenda_init(&agenda, heap, 2 * AGENDA_COUNT);
    for (uint32_t i = 0; i < AGENDA_COUNT; i++) {
        occasion.time_ns = i * 977 % AGENDA_COUNT;
        gkv_agenda_add(&agenda, &occasion);
    }
    for (uint32_t round = 0; round < ROUNDS; round++) {
        const uint64_t begin_ns = cpu_ns();
        for (uint32_t i = 0; i < LINK_COUNT; i++) {
            (void)gkv_agenda_take(&agenda, &occasion);
            occasion.time_ns += 1 + i * 977 % AGENDA_COUNT;
            gkv_agenda_add(&agenda, &occasion);
        }
        rounds_ns[round] = cpu_ns() - begin_ns;
    }
    return (double)median(rounds_ns) / LINK_COUNT;
}

int main(int argc, char **argv)
{
    const uint64_t percent = argc > 1 ? strtoull(argv[1], NULL, 10) : 100;
    bool has_passed = percent > 0;
    for (size_t i = 0; i < ROW_COUNT; i++) {
        rows[i].seed_count = 1 + rows[i].seed_count * percent / 100;
    }
    for (uint32_t round = 0; round < ROUNDS && has_passed; round++) {
        for (size_t i = 0; i < ROW_COUNT && has_passed; i++) {
            has_passed = run(&rows[i], round);
        }
    }
    if (!has_passed) {
        return 1;
    }
    printf("| run | seeds | events | operations | simulated s | CPU ms | events per CPU s |"
           " seeds per core-hour | simulated : CPU | goal |\n"
           "|---|---|---|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < ROW_COUNT; i++) {
        print_row(&rows[i]);
    }
    const double hash_ns = time_hash();
    const double agenda_ns = time_agenda();
    printf("\nOf an event the hash chain alone costs %.0f ns a link, and the agenda %.0f ns an"
           " occasion; with nothing\nbut one of each, %.1f million events per CPU second would be"
           " the limit.\n",
           hash_ns, agenda_ns, 1e3 / (hash_ns + agenda_ns));
    return 0;
}
