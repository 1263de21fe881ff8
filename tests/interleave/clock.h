/* A few threads issue stamps of one clock, observe others' and ask for the time.
 *
 * Model     A stamp is greater than every one that any thread was given, or had observed, before it
 *           was asked for; no stamp is given twice; the time that one thread is told does not go
 *           back.
 */
#ifndef GKV_TESTS_INTERLEAVE_CLOCK_H
#define GKV_TESTS_INTERLEAVE_CLOCK_H

#include <stdint.h>

/* Returns what went wrong, or NULL. The same seed, the same trial. */
const char *interleave_clock_trial(uint64_t seed, uint64_t *steps_out);

#endif
