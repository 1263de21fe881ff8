#include "core/packing.h"

#include "core/panic.h"

#define HEADER_BYTES 8
#define SAVED_SHARE 8  /* one in so many bytes must be saved */
#define BENCH_SHARE 32 /* a bench is at most one in so many of the store */

/* The tail of a value of so many bytes: a whole number of words. */
static size_t tail_bytes(size_t plain_bytes)
{
    return (plain_bytes / 256 + GKV_PACKER_GAP_BYTES + 8) / 8 * 8;
}

/* The most that may be stored in place of a value, and the least value that has as much. */
static size_t stored_bytes_max(size_t plain_bytes)
{
    return plain_bytes - plain_bytes / SAVED_SHARE;
}

static bool has_room(size_t plain_bytes)
{
    return stored_bytes_max(plain_bytes) > HEADER_BYTES + tail_bytes(plain_bytes);
}

void gkv_packing_init(struct gkv_packing *packing, struct gkv_arena *arena,
                      const struct gkv_packing_options *options, uint64_t store_bytes)
{
    *packing = (struct gkv_packing){.plain_bytes_min = UINT32_MAX};
    if (options->plain_bytes_min == 0) {
        return;
    }
    GKV_ASSERT(options->packer.pack != NULL);
    GKV_ASSERT(options->packer.unpack != NULL);
    const uint64_t share = store_bytes / BENCH_SHARE / GKV_ARENA_ALIGN * GKV_ARENA_ALIGN;
    packing->packer = options->packer;
    packing->plain_bytes_min = options->plain_bytes_min;
    packing->bench_bytes =
        share < options->plain_bytes_max ? (uint32_t)share : options->plain_bytes_max;
    packing->bench_offset =
        gkv_offset_to(packing, gkv_arena_reserve(arena, GKV_BENCH_COUNT, packing->bench_bytes));
}

/* ---- Packing. -------------------------------------------------------------------------------- */

/* A bench that nobody has, or GKV_BENCH_COUNT. */
static uint32_t take_bench(struct gkv_packing *packing)
{
    uint32_t bench = 0;
    while (bench < GKV_BENCH_COUNT && !gkv_u32_exchange_acquire(&packing->is_taken[bench], 0, 1)) {
        bench++;
    }
    return bench;
}

static uint8_t *bench_at(const struct gkv_packing *packing, uint32_t bench)
{
    uint8_t *benches = gkv_at(packing, packing->bench_offset);
    return benches + (size_t)bench * packing->bench_bytes;
}

/* Returns how many bytes are to be stored; 0: it is not worth it. */
static size_t pack_on(const struct gkv_packing *packing, struct gkv_bytes plain, uint8_t *out)
{
    const uint64_t plain_bytes = plain.count;
    const size_t tail = tail_bytes(plain.count);
    const size_t front = plain.count - tail;
    const size_t before = HEADER_BYTES + tail;
    const size_t packed_bytes = packing->packer.pack(plain.data, front, out + before,
                                                     stored_bytes_max(plain.count) - before);
    if (packed_bytes == 0) {
        return 0;
    }
    GKV_ASSERT(before + packed_bytes <= stored_bytes_max(plain.count));
    memcpy(out, &plain_bytes, sizeof(plain_bytes));
    memcpy(out + HEADER_BYTES, plain.data + front, tail);
    return before + packed_bytes;
}

bool gkv_packing_pack_large(struct gkv_packing *packing, const struct gkv_record *record,
                            struct gkv_packed *packed_out)
{
    const size_t plain_bytes = record->value.count;
    if (record->is_tombstone || plain_bytes > packing->bench_bytes || !has_room(plain_bytes)) {
        return false;
    }
    const uint32_t bench = take_bench(packing);
    if (bench == GKV_BENCH_COUNT) {
        return false;
    }
    uint8_t *out = bench_at(packing, bench);
    const size_t stored_bytes = pack_on(packing, record->value, out);
    *packed_out = (struct gkv_packed){.record = *record, .bench = bench};
    packed_out->record.value = (struct gkv_bytes){out, stored_bytes};
    if (stored_bytes == 0) {
        gkv_packing_let_go(packing, packed_out);
        return false;
    }
    (void)gkv_word_add(&packing->packed_count, 1);
    return true;
}

void gkv_packing_let_go(struct gkv_packing *packing, const struct gkv_packed *packed)
{
    GKV_ASSERT(packed->bench < GKV_BENCH_COUNT);
    gkv_u32_store_release(&packing->is_taken[packed->bench], 0);
}

/* ---- Making whole. --------------------------------------------------------------------------- */

/* Can a value of plain_bytes have become these? */
static bool can_stand_for(uint64_t stored_bytes, uint64_t plain_bytes)
{
    return plain_bytes <= GKV_VALUE_BYTES_CEILING && has_room((size_t)plain_bytes) &&
           stored_bytes > HEADER_BYTES + tail_bytes((size_t)plain_bytes) &&
           stored_bytes <= stored_bytes_max((size_t)plain_bytes);
}

static size_t plain_bytes_of(const struct gkv_pages *pages, struct gkv_unit unit,
                             const struct gkv_entry_shape *shape)
{
    uint8_t header[HEADER_BYTES];
    uint64_t plain_bytes = 0;
    if (shape->value_bytes <= HEADER_BYTES ||
        !gkv_entry_read_part(pages, unit, shape, (struct gkv_part){0, HEADER_BYTES, header})) {
        return 0;
    }
    memcpy(&plain_bytes, header, sizeof(plain_bytes));
    return can_stand_for(shape->value_bytes, plain_bytes) ? (size_t)plain_bytes : 0;
}

struct gkv_record gkv_packing_describe(const struct gkv_pages *pages, struct gkv_unit unit,
                                       const struct gkv_entry_shape *shape, uint64_t now_ms)
{
    const gkv_word *words = gkv_pages_words(pages, unit);
    struct gkv_record record = {.version = {{gkv_word_load(words)}, gkv_word_load(words + 1)}};
    if ((shape->flags & GKV_ENTRY_EXPIRES) != 0) {
        record.expire_ms = gkv_word_load(words + 3);
    }
    record.is_tombstone =
        (shape->flags & GKV_ENTRY_TOMBSTONE) != 0 || gkv_entry_is_expired(record.expire_ms, now_ms);
    if (!record.is_tombstone) {
        record.value.count = (shape->flags & GKV_ENTRY_PACKED) == 0
                                 ? shape->value_bytes
                                 : plain_bytes_of(pages, unit, shape);
    }
    return record;
}

bool gkv_packing_read(const struct gkv_packing *packing, const struct gkv_pages *pages,
                      struct gkv_unit unit, const struct gkv_entry_shape *shape,
                      struct gkv_buffer out)
{
    const size_t plain_bytes = out.capacity;
    if (packing->packer.unpack == NULL || !can_stand_for(shape->value_bytes, plain_bytes)) {
        return false;
    }
    const size_t tail = tail_bytes(plain_bytes);
    const size_t before = HEADER_BYTES + tail;
    const size_t packed_bytes = shape->value_bytes - before;
    uint8_t *packed = out.data + plain_bytes - packed_bytes;
    return gkv_entry_read_part(pages, unit, shape,
                               (struct gkv_part){before, packed_bytes, packed}) &&
           packing->packer.unpack(packed, packed_bytes, out.data, plain_bytes - tail) &&
           gkv_entry_read_part(
               pages, unit, shape,
               (struct gkv_part){HEADER_BYTES, tail, out.data + plain_bytes - tail});
}
