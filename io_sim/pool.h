/* Memory that one made-up world leaves to the next.
 *
 * Model     Blocks that are given back are kept, and taken again by whoever needs as much: the
 *           system clears and maps each page once per process and not once per run, which was a
 *           quarter of the time of a run of some thousand events.
 * Bounds    GKV_POOL_BLOCK_COUNT blocks are kept, those that were given back first; what is given
 *           back beyond them goes to the system.
 * Invariant A block belongs to one taker at a time.
 * Not here  Clearing: a block holds whatever it held. Who needs zeroes writes them.
 */
#ifndef GKV_IO_SIM_POOL_H
#define GKV_IO_SIM_POOL_H

#include <stddef.h>

#define GKV_POOL_BLOCK_COUNT 192 /* over four lives of each of 32 nodes, and what a trial takes */

/* At least this many bytes, aligned to GKV_ARENA_ALIGN; NULL when there is no memory. */
void *gkv_pool_take(size_t bytes);

/* Give a block back; NULL is allowed. */
void gkv_pool_give(void *block);

#endif
