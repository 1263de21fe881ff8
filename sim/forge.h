/* Histories of one register for the judges to be judged by: honest ones, and forged ones.
 *
 * Model     An honest history is linearizable by the way it is made: operations take effect one
 *           after the other, and each begins some time before it does and ends some time after.
 *           Forging changes something as a broken store would; the outcome may by chance still be
 *           linearizable.
 * Bounds    O(operations); at most GKV_FORGE_CLIENT_COUNT_MAX operations overlap, but for writes of
 *           unknown outcome.
 */
#ifndef GKV_SIM_FORGE_H
#define GKV_SIM_FORGE_H

#include <stdint.h>

#include "core/prng.h"
#include "sim/register.h"

#define GKV_FORGE_CLIENT_COUNT_MAX 16

struct gkv_forge_options {
    uint32_t operation_count;
    uint32_t client_count;    /* 1 .. GKV_FORGE_CLIENT_COUNT_MAX */
    uint32_t write_percent;   /* of operations */
    uint32_t unknown_percent; /* of writes; half of them never take effect */
    uint32_t failed_percent;  /* of writes */
    uint64_t span;            /* an operation takes up to twice this; time moves on by up to 3 */
};

/* Draw options for a history of so many operations: from one client to all, from none in doubt to
 * most, from nothing overlapping to nearly all. */
struct gkv_forge_options gkv_forge_draw(struct gkv_prng *prng, uint32_t operation_count);

/* Make an honest history: fills operations, options->operation_count of them, in random order.
 * Their numbers are in the order in which they took effect, from 1 on. */
void gkv_forge_make(struct gkv_prng *prng, const struct gkv_forge_options *options,
                    struct gkv_register_operation *operations);

/* Change one thing: what a read saw, an interval, or what became of a write. */
void gkv_forge_change(struct gkv_prng *prng, struct gkv_register_operation *operations,
                      uint32_t operation_count);

#endif
