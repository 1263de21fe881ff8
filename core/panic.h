/* Assertions that stay on in every build.
 *
 * GKV_ASSERT states what the authors hold to be always true; it guards against our own mistakes,
 * never against a peer, the network, the options or the caller's data. GKV_MAYBE is its dual: "both
 * outcomes happen, and a test shows each".
 *
 * The core only declares gkv_panic(). Whoever links the core defines it: the POSIX shim prints and
 * aborts, the simulator first prints the seed and the number of the event being delivered.
 */
#ifndef GKV_CORE_PANIC_H
#define GKV_CORE_PANIC_H

#include <stdbool.h>

_Noreturn void gkv_panic(const char *expression, const char *file, int line);

#define GKV_ASSERT(expression) ((expression) ? (void)0 : gkv_panic(#expression, __FILE__, __LINE__))
#define GKV_MAYBE(expression) ((void)sizeof((bool)(expression)))

#endif
