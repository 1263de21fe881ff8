/* Made-up threads: one at a time, changed at atomic operations as a seed will have it.
 *
 * Model     PCT (Burckhardt, Kothari, Musuvathi, Nagarakatte, "A Randomized Scheduler with
 *           Probabilistic Guarantees of Finding Bugs", ASPLOS 2010): threads have random
 *           priorities, the highest that may run does, and at a few random steps the running one
 *           becomes the lowest. A bug that needs d such changes is met once in n k^(d - 1) runs at
 *           the least, of n threads and k steps. Who waits for another (interleave_pause) becomes
 *           the lowest, too.
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
