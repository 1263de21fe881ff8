/* Made-up threads: one at a time, changed at atomic operations as a seed will have it.
 *
 * Model     PCT (Burckhardt, Kothari, Musuvathi, Nagarakatte, "A Randomized Scheduler with
 *           Probabilistic Guarantees of Finding Bugs", ASPLOS 2010), its algorithm of section
 *           3: threads have random priorities, and the highest that may run does. At d - 1 steps,
 *           drawn from k, the running one gets a priority below all of those: i at the i-th that
 *           was drawn, which need not be the i-th in time, so that of two that were lowered
 *           either may go on first. A bug of depth d is met at least once in n k^(d - 1) runs of
 *           n threads and at most k steps. Ours differs in one thing: who waits for another
 *           (interleave_pause) becomes the lowest of all, where the paper asks the operating
 *           system who is blocked.
 */
#ifndef GKV_TESTS_INTERLEAVE_THREADS_H
#define GKV_TESTS_INTERLEAVE_THREADS_H

#include <stdbool.h>
#include <stdint.h>

struct interleave_plan {
    uint64_t seed;
    uint32_t thread_count;
    uint32_t change_count; /* d - 1 */
    uint32_t step_count;   /* k: about how many atomic operations there will be */
};

typedef void (*interleave_body)(void *context, uint32_t thread);

/* Run all threads to their end. Returns how many steps that took. */
uint64_t interleave_run(const struct interleave_plan *plan, interleave_body body, void *context);

/* The thread that runs, or -1: then memory is plain memory. */
int interleave_self(void);

/* An atomic operation is about to happen: perhaps another goes first. */
void interleave_step(void);

/* The thread that runs waits for another. */
void interleave_wait(void);

#endif
