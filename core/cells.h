/* A pool of 64-byte cells that holds byte strings of any length as chains.
 *
 * Model     Fixed cells and a free list: no fragmentation, so that a limit in bytes is a limit, at
 *           the price of a copy in pieces. The coordinator keeps keys and values here.
 * Bounds    60 bytes of payload per cell; O(cells) to write, read and free; nothing is allocated.
 * Invariant Every cell is fresh, in the free list, or in exactly one chain.
 */
#ifndef GKV_CORE_CELLS_H
#define GKV_CORE_CELLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/types.h"

#define GKV_CELL_BYTES 64
#define GKV_CELL_PAYLOAD_BYTES 60
#define GKV_CELL_NONE UINT32_MAX

struct gkv_cells {
    ptrdiff_t cell_offset;
    uint32_t cell_count;
    uint32_t free_count;
    uint32_t free_first;  /* of the cells given back; GKV_CELL_NONE when there are none */
    uint32_t fresh_first; /* cells from here on were never used, and never touched */
};

/* Lay out cell_count cells, all free. */
void gkv_cells_init(struct gkv_cells *cells, struct gkv_arena *arena, uint32_t cell_count);

/* How many cells a string of `bytes` bytes takes; 0 for 0. */
uint32_t gkv_cells_needed(size_t bytes);

/* Write the concatenation of a and b into a new chain. Returns its first cell, GKV_CELL_NONE for an
 * empty string. The caller has checked free_count >= gkv_cells_needed(a.count + b.count). */
uint32_t gkv_cells_write(struct gkv_cells *cells, struct gkv_bytes a, struct gkv_bytes b);

/* Copy `bytes` bytes of a chain, from byte `from` on, into out. */
void gkv_cells_read(const struct gkv_cells *cells, uint32_t first, size_t from, size_t bytes,
                    uint8_t *out);

/* True when the chain's bytes from 0 equal key. The chain holds at least key.count bytes. */
bool gkv_cells_equal(const struct gkv_cells *cells, uint32_t first, struct gkv_bytes key);

/* Give a chain back; GKV_CELL_NONE is allowed. */
void gkv_cells_free(struct gkv_cells *cells, uint32_t first);

#endif
