/* Memory for records: units of many sizes, cut from pages of one size.
 *
 * Model     Slab allocation (Bonwick, USENIX 1994): each page is cut into units of one size, so
 *           that a unit given back fits the next that asks. A page whose units were all given back
 *           serves any size again. When none is left, or much is free in pages that are partly
 *           used, the owner empties the sparsest page by moving what lives there (gather), so that
 *           memory does not stay with the sizes that were in fashion first.
 *
 *   page, 16 KiB:  | unit | unit | unit | ... |   k units of 16384 / k bytes, k from 512 to 4
 *
 *           A page's units are all of one kind as well, so that whoever empties it knows what lives
 *           there.
 *
 * Bounds    take and give: O(1), but for the search of a larger unit when no page is left: 512
 *           steps. A unit is under an eighth larger than asked for, up to 2 KiB; a quarter beyond.
 *           16 bytes of table per page, and 4 KiB.
 * Threads   Any may take and give; a lock of a few instructions orders them. What a unit holds may
 *           be looked at by readers who come too late (core/seqlock.h), so its words are only
 *           stored to as words, by us too.
 * Invariant A unit's first word is 0 from the time it is given back until its taker stores to it.
 *           A page of which nothing is used is in no class.
 * Not here  Moving: core/store.c knows who points to a unit.
 */
#ifndef GKV_CORE_PAGES_H
#define GKV_CORE_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/arena.h"
#include "core/seqlock.h"

#define GKV_PAGE_BYTES 16384
#define GKV_UNIT_BYTES_MIN 32
#define GKV_UNIT_BYTES_MAX 4096
#define GKV_BLOCK_BYTES GKV_UNIT_BYTES_MAX
#define GKV_BUCKET_BYTES 64
#define GKV_PAGE_NONE UINT32_MAX

/* Pages at most: what 32 bits of 8-byte words can point to. */
#define GKV_PAGE_COUNT_MAX (UINT32_MAX / (GKV_PAGE_BYTES / 8))

enum gkv_unit_kind {
    GKV_UNIT_RECORD = 1, /* of any size (core/entry.h) */
    GKV_UNIT_BLOCK = 2,  /* a piece of a large value, GKV_BLOCK_BYTES */
    GKV_UNIT_BUCKET = 3, /* more places of the index, GKV_BUCKET_BYTES */
};

/* A unit: its first word's number, from 1; 0 is none. */
struct gkv_unit {
    uint32_t ref;
};

struct gkv_pages {
    ptrdiff_t word_offset;
    ptrdiff_t page_offset;
    ptrdiff_t class_offset;
    uint64_t word_count;
    uint32_t page_count;
    uint8_t apart[64];   /* readers need what is above; what is below changes all the time */
    uint32_t fresh_page; /* pages from here on were never used, and never touched */
    uint32_t free_page;  /* the first of those given back */
    uint32_t gathered;   /* the page that is being emptied */
    uint32_t cursor;     /* where the next search for a sparse page begins */
    gkv_atomic_u32 wants_gathering; /* a page was cut while much was free in others */
    struct gkv_seqlock lock;
    gkv_word used_bytes; /* of units taken */
    gkv_word held_bytes; /* of pages that have such */
};

/* What page_count pages take of an arena, at most. */
size_t gkv_pages_bytes(uint64_t page_count);

/* Lay out page_count pages, 1 .. GKV_PAGE_COUNT_MAX, all free, and not touched before they are
 * used. */
void gkv_pages_init(struct gkv_pages *pages, struct gkv_arena *arena, uint32_t page_count);

/* Take a unit of a kind; a record's of `bytes` bytes, 1 .. GKV_UNIT_BYTES_MAX, or somewhat more. No
 * unit when there is no room for one. */
struct gkv_unit gkv_pages_take(struct gkv_pages *pages, enum gkv_unit_kind kind, size_t bytes);

/* Give a unit back. Nobody can come to know of it any more. */
void gkv_pages_give(struct gkv_pages *pages, struct gkv_unit unit);

/* The size of a unit that somebody holds, and whether one for `bytes` bytes would be as large. */
uint32_t gkv_pages_unit_bytes(const struct gkv_pages *pages, struct gkv_unit unit);
bool gkv_pages_unit_fits(const struct gkv_pages *pages, struct gkv_unit unit, size_t bytes);

/* Should somebody gather? Asked after each take, by whoever has no lock. */
static inline bool gkv_pages_wants_gathering(const struct gkv_pages *pages)
{
    return gkv_u32_load(&pages->wants_gathering) != 0;
}

/* Choose the sparsest of some pages whose units have room in others of their size, or, when memory
 * is short, in larger ones, and take no more units from it. GKV_PAGE_NONE when there is none, or
 * another thread is at it. */
uint32_t gkv_pages_begin_gathering(struct gkv_pages *pages, bool is_short);

/* True when the page is free now. */
bool gkv_pages_end_gathering(struct gkv_pages *pages);

/* Of the page that is gathered: how many of its units were ever used, their kind, and each. */
uint32_t gkv_pages_unit_count(const struct gkv_pages *pages, uint32_t page);
enum gkv_unit_kind gkv_pages_kind(const struct gkv_pages *pages, uint32_t page);
struct gkv_unit gkv_pages_unit_at(const struct gkv_pages *pages, uint32_t page, uint32_t index);

/* The words of a unit. A reader may ask with any number that it has read, for `word_count` words
 * that may be nobody's: NULL when they are not all in the pages. */
static inline gkv_word *gkv_pages_words(const struct gkv_pages *pages, struct gkv_unit unit)
{
    return (gkv_word *)gkv_at(pages, pages->word_offset) + (unit.ref - 1);
}

static inline bool gkv_pages_has(const struct gkv_pages *pages, struct gkv_unit unit,
                                 uint64_t word_count)
{
    return unit.ref != 0 && unit.ref - 1 + word_count <= pages->word_count;
}

#endif
