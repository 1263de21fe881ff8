/* How many keys of a trial's history are linearizable.
 *
 * Model     One register per key (linearizability is local: Herlihy and Wing 1990, theorem 1),
 *           judged by sim/zones.h. What a register holds is a version: a get that found nothing saw
 *           the tombstone, or the expired value, whose version it was told. When a value expires is
 *           the business of sim/check_value.c.
 * Bounds    One trial at a time; memory is taken for good. O(n log n) in operations.
 * Invariant No key is called wrong that is not: a get whose version no operation is known to have
 *           written (an earlier attempt of a write; a tombstone already forgotten) is left out.
 */
#ifndef GKV_SIM_CHECK_LINEAR_H
#define GKV_SIM_CHECK_LINEAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/check.h"
#include "sim/trial.h"
#include "sim/zones.h"

struct gkv_linear {
    uint32_t key_count;              /* that were read or written */
    uint32_t wrong_key_count;        /* whose history is not linearizable */
    uint32_t read_count;             /* gets that were judged */
    uint32_t left_out_count;         /* gets that were answered and left out */
    uint32_t first_wrong_key;        /* or GKV_HISTORY_NONE */
    char text[GKV_ZONES_TEXT_BYTES]; /* why, with the numbers of operations and times in ns */
};

/* Judge every key of the history so far; operations that are open are in doubt. */
void gkv_linear_judge(const struct gkv_trial *trial, struct gkv_linear *linear_out);

/* Must every key of this scenario be linearizable? Where one owner alone decides, nothing is
 * forgotten and the ring stands still. */
bool gkv_linear_is_promised(const struct gkv_scenario *scenario);

/* Fails a trial that must be linearizable and is not, at its end. */
extern const struct gkv_check gkv_check_linear;

#endif
