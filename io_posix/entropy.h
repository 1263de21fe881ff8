/* Randomness that nobody can guess, from the system by way of libsodium. Drawn at start only: the
 * core splits its own streams from the seed made here. */
#ifndef GKV_IO_POSIX_ENTROPY_H
#define GKV_IO_POSIX_ENTROPY_H

#include <stdint.h>

#include "core/error.h"

/* Must be called, and succeed, before gkv_entropy_u64; any thread, any number of times.
 * GKV_ERROR_SYSTEM  the system has no source of randomness. */
GKV_MUST_USE enum gkv_error gkv_entropy_init(void);

uint64_t gkv_entropy_u64(void);

#endif
