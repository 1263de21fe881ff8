/* A record as it lies in a unit of the store's pages.
 *
 *   word 0   stamp of the version (never 0)
 *        1   writer of the version
 *        2   value bytes, 32 bits | key bytes, 16 bits | flags, 16 bits
 *       (3)  expire_ms, only with GKV_ENTRY_EXPIRES
 *            key, in whole words
 *       (    first block, only with GKV_ENTRY_CHAINED)
 *            value, in whole words; chained: what is left of it behind whole blocks. With
 *            GKV_ENTRY_PACKED it is what stands for the value (core/packing.h), here as below
 *
 *   block    next block, 32 bits | top 32 bits of the key's hash, for whoever moves it
 *            4,088 bytes of value
 *
 * Model     Key and value inline, 24 bytes beside them; what does not fit a unit goes into blocks
 *           of 4 KiB, so that only its last part wastes what a unit wastes.
 * Threads   All words are atomic (core/words.h): a reader may look while they change, or when they
 *           are no record any more. gkv_entry_shape takes the numbers that it read and says whether
 *           they can be true; whether they were is for the bucket's lock to say.
 */
#ifndef GKV_CORE_ENTRY_H
#define GKV_CORE_ENTRY_H

#include "core/message.h"
#include "core/pages.h"
#include "core/words.h"

#define GKV_ENTRY_TOMBSTONE 1u
#define GKV_ENTRY_EXPIRES 2u
#define GKV_ENTRY_CHAINED 4u
#define GKV_ENTRY_PACKED 8u

#define GKV_BLOCK_PAYLOAD_BYTES (GKV_BLOCK_BYTES - 8)

/* Where things are in a record, in words of its unit. */
struct gkv_entry_shape {
    uint32_t key_bytes;
    uint32_t value_bytes;
    uint32_t flags;
    uint32_t key_at;
    uint32_t block_at; /* of the first block's number, with GKV_ENTRY_CHAINED */
    uint32_t value_at;
    uint32_t inline_bytes; /* of the value; the last ones when it is chained */
    uint32_t block_count;
};

/* The shape that a key of key_bytes and a record take; flags: GKV_ENTRY_PACKED, or none. */
struct gkv_entry_shape gkv_entry_plan(size_t key_bytes, const struct gkv_record *record,
                                      uint32_t flags);

/* What word 2 tells of, one by one: for readers that need no more. */
static inline uint32_t gkv_entry_flags(uint64_t sizes)
{
    return (uint32_t)(sizes >> 48);
}

static inline uint32_t gkv_entry_key_bytes(uint64_t sizes)
{
    return (uint32_t)(sizes >> 32) & UINT16_MAX;
}

static inline uint32_t gkv_entry_key_at(uint64_t sizes)
{
    return 3 + gkv_entry_flags(sizes) / GKV_ENTRY_EXPIRES % 2;
}

/* Expiry is the first millisecond in which the value is gone. */
static inline bool gkv_entry_is_expired(uint64_t expire_ms, uint64_t now_ms)
{
    return expire_ms != 0 && expire_ms <= now_ms;
}

/* Word 2 of a record of these. */
static inline uint64_t gkv_entry_sizes(size_t key_bytes, size_t value_bytes, uint32_t flags)
{
    return (uint64_t)value_bytes | (uint64_t)key_bytes << 32 | (uint64_t)flags << 48;
}

/* True when it tells of a record with a key of so many bytes that is short: no tombstone, and its
 * value lies behind its key. */
static inline bool gkv_entry_is_short(uint64_t sizes, size_t key_bytes)
{
    const uint64_t but_expiry = ~((uint64_t)GKV_ENTRY_EXPIRES << 16);
    return (sizes >> 32 & but_expiry) == key_bytes;
}

/* The shape that it tells of. */
static inline struct gkv_entry_shape gkv_entry_shape(uint64_t sizes)
{
    struct gkv_entry_shape shape;
    shape.value_bytes = (uint32_t)sizes;
    shape.key_bytes = gkv_entry_key_bytes(sizes);
    shape.flags = gkv_entry_flags(sizes);
    shape.key_at = gkv_entry_key_at(sizes);
    shape.block_at = shape.key_at + (uint32_t)gkv_words_of(shape.key_bytes);
    shape.value_at = shape.block_at;
    shape.inline_bytes = shape.value_bytes;
    shape.block_count = 0;
    if ((shape.flags & GKV_ENTRY_CHAINED) != 0) {
        shape.value_at++;
        shape.block_count = shape.value_bytes / GKV_BLOCK_PAYLOAD_BYTES;
        shape.inline_bytes = shape.value_bytes % GKV_BLOCK_PAYLOAD_BYTES;
        if (8 * shape.value_at + shape.inline_bytes > GKV_UNIT_BYTES_MAX) {
            shape.block_count++;
            shape.inline_bytes = 0;
        }
    }
    return shape;
}

/* Bytes of the unit that a shape takes. */
static inline uint64_t gkv_entry_bytes(const struct gkv_entry_shape *shape)
{
    return 8 * ((uint64_t)shape->value_at + gkv_words_of(shape->inline_bytes));
}

/* Store what of a value of this shape goes into blocks into shape->block_count of them. */
void gkv_entry_write_blocks(const struct gkv_pages *pages, struct gkv_unit first_block,
                            const struct gkv_entry_shape *shape, const uint8_t *value);

/* Store the record of this shape, all but its blocks, into a unit. */
void gkv_entry_write(const struct gkv_pages *pages, struct gkv_unit unit,
                     const struct gkv_entry_shape *shape, struct gkv_keyed_record what,
                     struct gkv_unit first_block);

/* The first block of a record, or none; and give back all blocks from one on, which may be none. */
struct gkv_unit gkv_entry_first_block(const struct gkv_pages *pages, struct gkv_unit unit,
                                      const struct gkv_entry_shape *shape);
void gkv_entry_give_blocks(struct gkv_pages *pages, struct gkv_unit block);

/* `bytes` bytes of a value from byte `from` on, which begins a word, and where they are to go. */
struct gkv_part {
    size_t from;
    size_t bytes;
    uint8_t *out;
};

/* Copy a part of the value out. False when it cannot be what was written. */
bool gkv_entry_read_part(const struct gkv_pages *pages, struct gkv_unit unit,
                         const struct gkv_entry_shape *shape, struct gkv_part part);

/* Copy the blocks of a chained value out. False when they cannot be what was written. */
bool gkv_entry_read_blocks(const struct gkv_pages *pages, struct gkv_unit unit,
                           const struct gkv_entry_shape *shape, uint8_t *out);

/* Copy the value out, shape.value_bytes bytes. False when it cannot be what was written. */
static inline bool gkv_entry_read_value(const struct gkv_pages *pages, struct gkv_unit unit,
                                        const struct gkv_entry_shape *shape, uint8_t *out)
{
    if (shape->block_count > 0 && !gkv_entry_read_blocks(pages, unit, shape, out)) {
        return false;
    }
    gkv_words_read(gkv_pages_words(pages, unit) + shape->value_at,
                   out + shape->value_bytes - shape->inline_bytes, shape->inline_bytes);
    return true;
}

#endif
