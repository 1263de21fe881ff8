#include "core/entry.h"

#include "core/panic.h"

#define LARGEST_BYTES (8 * 5 + GKV_KEY_BYTES_MAX)

_Static_assert(LARGEST_BYTES + 8 <= GKV_UNIT_BYTES_MAX, "a chained record's own unit has room");
_Static_assert(GKV_KEY_BYTES_MAX <= UINT16_MAX, "key bytes fit 16 bits");
_Static_assert(GKV_VALUE_BYTES_CEILING <= UINT32_MAX, "value bytes fit 32 bits");

struct gkv_entry_shape gkv_entry_plan(size_t key_bytes, const struct gkv_record *record,
                                      uint32_t flags)
{
    GKV_ASSERT(key_bytes >= 1);
    GKV_ASSERT(key_bytes <= GKV_KEY_BYTES_MAX);
    const size_t value_bytes = record->is_tombstone ? 0 : record->value.count;
    GKV_ASSERT(value_bytes <= GKV_VALUE_BYTES_CEILING);
    GKV_ASSERT(flags == 0 || flags == GKV_ENTRY_PACKED);
    flags |= (record->is_tombstone ? GKV_ENTRY_TOMBSTONE : 0) |
             (record->expire_ms != 0 ? GKV_ENTRY_EXPIRES : 0);
    struct gkv_entry_shape shape = gkv_entry_shape(gkv_entry_sizes(key_bytes, value_bytes, flags));
    if (gkv_entry_bytes(&shape) > GKV_UNIT_BYTES_MAX) {
        shape = gkv_entry_shape(gkv_entry_sizes(key_bytes, value_bytes, flags | GKV_ENTRY_CHAINED));
    }
    GKV_ASSERT(gkv_entry_bytes(&shape) <= GKV_UNIT_BYTES_MAX);
    return shape;
}

static uint32_t block_part(const struct gkv_entry_shape *shape, uint32_t done_bytes)
{
    const uint32_t rest = shape->value_bytes - shape->inline_bytes - done_bytes;
    return rest < GKV_BLOCK_PAYLOAD_BYTES ? rest : GKV_BLOCK_PAYLOAD_BYTES;
}

void gkv_entry_write_blocks(const struct gkv_pages *pages, struct gkv_unit first_block,
                            const struct gkv_entry_shape *shape, const uint8_t *value)
{
    struct gkv_unit block = first_block;
    uint32_t done_bytes = 0;
    for (uint32_t i = 0; i < shape->block_count; i++) {
        gkv_word *words = gkv_pages_words(pages, block);
        const uint32_t part_bytes = block_part(shape, done_bytes);
        gkv_words_write(words + 1, value + done_bytes, part_bytes);
        done_bytes += part_bytes;
        block.ref = (uint32_t)gkv_word_load(words);
    }
}

void gkv_entry_write(const struct gkv_pages *pages, struct gkv_unit unit,
                     const struct gkv_entry_shape *shape, struct gkv_keyed_record what,
                     struct gkv_unit first_block)
{
    gkv_word *words = gkv_pages_words(pages, unit);
    const struct gkv_record *record = &what.record;
    gkv_word_store(words, record->version.hlc.packed);
    gkv_word_store(words + 1, record->version.writer);
    gkv_word_store(words + 2, gkv_entry_sizes(shape->key_bytes, shape->value_bytes, shape->flags));
    if ((shape->flags & GKV_ENTRY_EXPIRES) != 0) {
        gkv_word_store(words + 3, record->expire_ms);
    }
    gkv_words_write(words + shape->key_at, what.key.data, shape->key_bytes);
    if ((shape->flags & GKV_ENTRY_CHAINED) != 0) {
        gkv_word_store(words + shape->block_at, first_block.ref);
    }
    if (shape->inline_bytes > 0) {
        gkv_words_write(words + shape->value_at,
                        record->value.data + shape->value_bytes - shape->inline_bytes,
                        shape->inline_bytes);
    }
}

struct gkv_unit gkv_entry_first_block(const struct gkv_pages *pages, struct gkv_unit unit,
                                      const struct gkv_entry_shape *shape)
{
    const bool is_chained = (shape->flags & GKV_ENTRY_CHAINED) != 0;
    const gkv_word *words = gkv_pages_words(pages, unit);
    return (struct gkv_unit){is_chained ? (uint32_t)gkv_word_load(words + shape->block_at) : 0};
}

void gkv_entry_give_blocks(struct gkv_pages *pages, struct gkv_unit block)
{
    while (block.ref != 0) {
        const struct gkv_unit next = {(uint32_t)gkv_word_load(gkv_pages_words(pages, block))};
        gkv_pages_give(pages, block);
        block = next;
    }
}

bool gkv_entry_read_blocks(const struct gkv_pages *pages, struct gkv_unit unit,
                           const struct gkv_entry_shape *shape, uint8_t *out)
{
    const gkv_word *words = gkv_pages_words(pages, unit);
    struct gkv_unit block = {(uint32_t)gkv_word_load(words + shape->block_at)};
    uint32_t done_bytes = 0;
    for (uint32_t i = 0; i < shape->block_count; i++) {
        if (!gkv_pages_has(pages, block, GKV_BLOCK_BYTES / 8)) {
            return false;
        }
        const gkv_word *block_words = gkv_pages_words(pages, block);
        const uint32_t part_bytes = block_part(shape, done_bytes);
        gkv_words_read(block_words + 1, out + done_bytes, part_bytes);
        done_bytes += part_bytes;
        block.ref = (uint32_t)gkv_word_load(block_words);
    }
    return true;
}

/* Copy what of a part lies in these words, which are `bytes` bytes of the value from byte `at`
 * on. */
static void read_within(const gkv_word *words, size_t at, size_t bytes, const struct gkv_part *part)
{
    const size_t part_end = part->from + part->bytes;
    const size_t from = at > part->from ? at : part->from;
    const size_t end = at + bytes < part_end ? at + bytes : part_end;
    if (from < end) {
        gkv_words_read(words + (from - at) / 8, part->out + (from - part->from), end - from);
    }
}

bool gkv_entry_read_part(const struct gkv_pages *pages, struct gkv_unit unit,
                         const struct gkv_entry_shape *shape, struct gkv_part part)
{
    GKV_ASSERT(part.from % 8 == 0);
    const gkv_word *words = gkv_pages_words(pages, unit);
    struct gkv_unit block = {0};
    if (shape->block_count > 0) {
        block.ref = (uint32_t)gkv_word_load(words + shape->block_at);
    }
    uint32_t done_bytes = 0;
    for (uint32_t i = 0; i < shape->block_count && done_bytes < part.from + part.bytes; i++) {
        if (!gkv_pages_has(pages, block, GKV_BLOCK_BYTES / 8)) {
            return false;
        }
        const gkv_word *block_words = gkv_pages_words(pages, block);
        const uint32_t block_bytes = block_part(shape, done_bytes);
        read_within(block_words + 1, done_bytes, block_bytes, &part);
        done_bytes += block_bytes;
        block.ref = (uint32_t)gkv_word_load(block_words);
    }
    read_within(words + shape->value_at, shape->value_bytes - shape->inline_bytes,
                shape->inline_bytes, &part);
    return true;
}
