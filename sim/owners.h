/* Who owns a key, as the checks compute it.
 *
 * Model     core/ring.h's definition, written a second time on purpose, over the nodes of
 *           trial->ring, whatever any node holds.
 * Bounds    The owners of all keys are kept until the ring is another.
 * Not here  Whom nodes take for owners: sim/check_ring.c compares.
 */
#ifndef GKV_SIM_OWNERS_H
#define GKV_SIM_OWNERS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/bounds.h"

struct gkv_trial;

/* The owners of a key, in order of preference. Returns how many. */
uint32_t gkv_owners_of(struct gkv_trial *trial, uint32_t key,
                       uint8_t nodes_out[GKV_REPLICA_COUNT_MAX]);

bool gkv_owners_include(struct gkv_trial *trial, uint32_t key, uint32_t node);

#endif
