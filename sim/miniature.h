/* A few operations and faults of the kinds that a long script holds, in a world that is narrow.
 *
 * Model     Taking lines out of a long script leaves it long where each needs those before it: to
 *           fill a buffer, to wear out a place. So a shrinker also asks the other way round: does
 *           it fail in a short one of the same stuff? A miniature copies operations and faults of
 *           the long script, with other nodes, times and sizes, into the same cluster. Often fewer
 *           bytes fit in it than in most: what is rare among many is then common among few. One in
 *           four wears out what nodes have few of: as few nodes as can be, with room for no more,
 *           one fault after the other, and time to do again what each undid.
 * Bounds    GKV_MINIATURE_OPERATION_COUNT_MAX operations, GKV_MINIATURE_FAULT_COUNT_MAX faults.
 * Invariant Equal scripts and numbers give equal miniatures. What the long script has no kind of
 *           line for does not happen in a miniature, but that streams which luck breaks are broken
 *           by a fault. What nodes promise does not become more while some come, go or stay away.
 * Not here  Whether it fails: sim/shrink.h.
 */
#ifndef GKV_SIM_MINIATURE_H
#define GKV_SIM_MINIATURE_H

#include <stdint.h>

#include "sim/script.h"

#define GKV_MINIATURE_OPERATION_COUNT_MAX 12
#define GKV_MINIATURE_FAULT_COUNT_MAX 30

/* Fill in the miniature of a script with a number; it is not settled. */
void gkv_miniature_draw(struct gkv_script *miniature, const struct gkv_script *script,
                        uint64_t number);

#endif
