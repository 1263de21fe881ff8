/* Values that are kept smaller than they are.
 *
 * Model     A large value is packed when it is put, and made whole where it is read. Nothing
 *           outside of the store knows: messages, digests and versions are those of the plain
 *           value, so that nodes with and without a codec are members of one cluster
 *           (docs/decisions/0022). What is stored in place of the value:
 *
 *             | plain bytes, 64 bits | tail, as it is | all before the tail, packed |
 *
 *           A reader has no room but for the value itself, so it reads what is packed into the end
 *           of that, has it made whole from the beginning on, and then reads the tail, which is
 *           as long as what is written has to stay behind what is still to be read.
 * Bounds    GKV_BENCH_COUNT benches of memory to pack on, each of the largest value or 1/32 of the
 *           store, within the store's limit. A value that is larger, that would not become smaller
 *           by an eighth, or that finds all benches taken, is stored as it is. A reader writes
 *           nothing beyond the plain value, whatever it finds.
 * Threads   Any may call anything but gkv_packing_init. Readers may be too late (core/seqlock.h):
 *           what they read is taken for nothing but numbers to be checked.
 * Not here  The codec: core/packer.h.
 */
#ifndef GKV_CORE_PACKING_H
#define GKV_CORE_PACKING_H

#include "core/arena.h"
#include "core/entry.h"
#include "core/message.h"
#include "core/packer.h"

#define GKV_BENCH_COUNT 4

struct gkv_packing_options {
    struct gkv_packer packer;
    uint32_t plain_bytes_min; /* values of fewer bytes stay as they are; 0: all */
    uint32_t plain_bytes_max; /* no value is larger */
};

struct gkv_packing {
    struct gkv_packer packer;
    uint32_t plain_bytes_min; /* UINT32_MAX: nothing is packed */
    uint32_t bench_bytes;
    ptrdiff_t bench_offset;
    gkv_atomic_u32 is_taken[GKV_BENCH_COUNT];
    gkv_word packed_count;
};

/* A record to be put in place of another, whose value it has, packed on a bench. */
struct gkv_packed {
    struct gkv_record record;
    uint32_t bench;
};

/* store_bytes: of which the benches are part. */
void gkv_packing_init(struct gkv_packing *packing, struct gkv_arena *arena,
                      const struct gkv_packing_options *options, uint64_t store_bytes);

/* Pack the value of a record of which gkv_packing_pack has seen that it is large enough. */
bool gkv_packing_pack_large(struct gkv_packing *packing, const struct gkv_record *record,
                            struct gkv_packed *packed_out);

/* Pack the value of a record. True: packed_out is filled, and lent until it is let go; false: it is
 * to be stored as it is. */
static inline bool gkv_packing_pack(struct gkv_packing *packing, const struct gkv_record *record,
                                    struct gkv_packed *packed_out)
{
    return record->value.count >= packing->plain_bytes_min &&
           gkv_packing_pack_large(packing, record, packed_out);
}

void gkv_packing_let_go(struct gkv_packing *packing, const struct gkv_packed *packed);

/* All of a record as it is at now_ms for its reader, but for value.data: with the plain value's
 * bytes, or 0 when it cannot be one. */
struct gkv_record gkv_packing_describe(const struct gkv_pages *pages, struct gkv_unit unit,
                                       const struct gkv_entry_shape *shape, uint64_t now_ms);

/* Make it whole: `out` has as many bytes as gkv_packing_describe said. False when it cannot be
 * what was packed. */
bool gkv_packing_read(const struct gkv_packing *packing, const struct gkv_pages *pages,
                      struct gkv_unit unit, const struct gkv_entry_shape *shape,
                      struct gkv_buffer out);

/* Copy any value out: `out` has as many bytes as it. False when it cannot be what was written. */
static inline bool gkv_packing_read_value(const struct gkv_packing *packing,
                                          const struct gkv_pages *pages, struct gkv_unit unit,
                                          const struct gkv_entry_shape *shape,
                                          struct gkv_buffer out)
{
    return (shape->flags & GKV_ENTRY_PACKED) == 0
               ? gkv_entry_read_value(pages, unit, shape, out.data)
               : gkv_packing_read(packing, pages, unit, shape, out);
}

#endif
