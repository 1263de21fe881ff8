/* Usage: interleave [FIRST LAST]
 *
 * Runs one trial of each kind per seed, 1 to 20,000 unless told; stops at the first that fails, and
 * says how to run that one again. Status: 0 all passed, 1 one failed, 2 bad arguments.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/panic.h"
#include "tests/interleave/clock.h"
#include "tests/interleave/marks.h"
#include "tests/interleave/store.h"

/* What is tried with each seed. */
static const char *(*const trials[])(uint64_t seed, uint64_t *steps_out) = {
    interleave_store_trial,
    interleave_clock_trial,
    interleave_marks_trial,
};

static uint64_t seed;

static void report(const char *failure)
{
    printf("FAIL seed=%" PRIu64 ": %s\nreplay: interleave %" PRIu64 " %" PRIu64 "\n", seed, failure,
           seed, seed);
}

_Noreturn void gkv_panic(const char *expression, const char *file, int line)
{
    printf("%s:%d: %s\n", file, line, expression);
    report("an assertion");
    fflush(stdout);
    _Exit(1);
}

/* Not safe in a handler, strictly; but then there is nothing to lose. */
static void on_crash(int signal_number)
{
    (void)signal_number;
    report("a crash");
    fflush(stdout);
    _Exit(1);
}

int main(int count, char **words)
{
    uint64_t first = 1;
    uint64_t last = 20000;
    if (count == 3) {
        first = strtoull(words[1], NULL, 10);
        last = strtoull(words[2], NULL, 10);
    }
    if ((count != 1 && count != 3) || first == 0 || last < first) {
        fprintf(stderr, "usage: interleave [FIRST LAST]\n");
        return 2;
    }
    (void)signal(SIGSEGV, on_crash);
    (void)signal(SIGBUS, on_crash);
    (void)signal(SIGABRT, on_crash); /* a run without an end */
    uint64_t all_steps = 0;
    for (seed = first; seed <= last; seed++) {
        for (size_t i = 0; i < sizeof(trials) / sizeof(trials[0]); i++) {
            uint64_t steps = 0;
            const char *failure = trials[i](seed, &steps);
            all_steps += steps;
            if (failure != NULL) {
                report(failure);
                return 1;
            }
        }
    }
    printf("schedules=%" PRIu64 " steps=%" PRIu64 " result=pass\n", last - first + 1, all_steps);
    return 0;
}
