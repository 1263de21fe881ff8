#include "core/cells.h"

#include "core/panic.h"

/* | next u32 | payload, 60 bytes | */
struct cell {
    uint32_t next; /* in a chain or in the free list; GKV_CELL_NONE ends both */
    uint8_t payload[GKV_CELL_PAYLOAD_BYTES];
};

_Static_assert(sizeof(struct cell) == GKV_CELL_BYTES, "a cell is a cache line");

static struct cell *cell_at(const struct gkv_cells *cells, uint32_t index)
{
    GKV_ASSERT(index < cells->fresh_first);
    return (struct cell *)gkv_at(cells, cells->cell_offset) + index;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

void gkv_cells_init(struct gkv_cells *cells, struct gkv_arena *arena, uint32_t cell_count)
{
    GKV_ASSERT(cell_count < GKV_CELL_NONE);
    *cells = (struct gkv_cells){
        .cell_count = cell_count, .free_count = cell_count, .free_first = GKV_CELL_NONE};
    cells->cell_offset =
        gkv_offset_to(cells, gkv_arena_reserve(arena, cell_count, sizeof(struct cell)));
}

uint32_t gkv_cells_needed(size_t bytes)
{
    return (uint32_t)((bytes + GKV_CELL_PAYLOAD_BYTES - 1) / GKV_CELL_PAYLOAD_BYTES);
}

static uint32_t take_cell(struct gkv_cells *cells)
{
    GKV_ASSERT(cells->free_count > 0);
    cells->free_count--;
    if (cells->free_first == GKV_CELL_NONE) {
        return cells->fresh_first++;
    }
    const uint32_t index = cells->free_first;
    cells->free_first = cell_at(cells, index)->next;
    return index;
}

/* Fill one payload from the byte `from` of a || b; unused bytes become zero. */
static void fill_payload(uint8_t *payload, struct gkv_bytes a, struct gkv_bytes b, size_t from)
{
    size_t filled = 0;
    if (from < a.count) {
        filled = least(a.count - from, GKV_CELL_PAYLOAD_BYTES);
        memcpy(payload, a.data + from, filled);
    }
    const size_t b_from = from + filled - a.count;
    const size_t b_bytes =
        from + filled < a.count ? 0 : least(b.count - b_from, GKV_CELL_PAYLOAD_BYTES - filled);
    if (b_bytes > 0) {
        memcpy(payload + filled, b.data + b_from, b_bytes);
    }
    memset(payload + filled + b_bytes, 0, GKV_CELL_PAYLOAD_BYTES - filled - b_bytes);
}

uint32_t gkv_cells_write(struct gkv_cells *cells, struct gkv_bytes a, struct gkv_bytes b)
{
    const uint32_t needed = gkv_cells_needed(a.count + b.count);
    GKV_ASSERT(needed <= cells->free_count);

    uint32_t first = GKV_CELL_NONE;
    uint32_t last = GKV_CELL_NONE;
    for (uint32_t i = 0; i < needed; i++) {
        const uint32_t index = take_cell(cells);
        struct cell *cell = cell_at(cells, index);
        cell->next = GKV_CELL_NONE;
        fill_payload(cell->payload, a, b, (size_t)i * GKV_CELL_PAYLOAD_BYTES);
        if (last == GKV_CELL_NONE) {
            first = index;
        } else {
            cell_at(cells, last)->next = index;
        }
        last = index;
    }
    return first;
}

void gkv_cells_read(const struct gkv_cells *cells, uint32_t first, size_t from, size_t bytes,
                    uint8_t *out)
{
    uint32_t index = first;
    for (size_t skipped = from / GKV_CELL_PAYLOAD_BYTES; bytes > 0 && skipped > 0; skipped--) {
        index = cell_at(cells, index)->next;
    }
    size_t offset = from % GKV_CELL_PAYLOAD_BYTES;
    while (bytes > 0) {
        const struct cell *cell = cell_at(cells, index);
        const size_t piece = least(bytes, GKV_CELL_PAYLOAD_BYTES - offset);
        memcpy(out, cell->payload + offset, piece);
        out += piece;
        bytes -= piece;
        offset = 0;
        index = cell->next;
    }
}

bool gkv_cells_equal(const struct gkv_cells *cells, uint32_t first, struct gkv_bytes key)
{
    uint32_t index = first;
    for (size_t done = 0; done < key.count;) {
        const struct cell *cell = cell_at(cells, index);
        const size_t piece = least(key.count - done, GKV_CELL_PAYLOAD_BYTES);
        if (memcmp(cell->payload, key.data + done, piece) != 0) {
            return false;
        }
        done += piece;
        index = cell->next;
    }
    return true;
}

void gkv_cells_free(struct gkv_cells *cells, uint32_t first)
{
    uint32_t index = first;
    while (index != GKV_CELL_NONE) {
        struct cell *cell = cell_at(cells, index);
        const uint32_t next = cell->next;
        cell->next = cells->free_first;
        cells->free_first = index;
        cells->free_count++;
        index = next;
    }
    GKV_ASSERT(cells->free_count <= cells->cell_count);
}
