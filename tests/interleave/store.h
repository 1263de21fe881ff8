/* A few threads put, get, sweep and gather a few keys of one store, and nobody is told a lie.
 *
 * Model     What each thread may be told follows from what it did and was told before: versions of
 *           a key never go back for it, values are whole and those of their versions; and in the
 *           end the newest that was stored is held. That is all the store promises threads that do
 *           not talk to each other: a get may miss what another thread has put a moment ago.
 */
#ifndef GKV_TESTS_INTERLEAVE_STORE_H
#define GKV_TESTS_INTERLEAVE_STORE_H

#include <stdint.h>

/* Returns what went wrong, or NULL. The same seed, the same trial. */
const char *interleave_store_trial(uint64_t seed, uint64_t *steps_out);

#endif
