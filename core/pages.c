#include "core/pages.h"

#include "core/panic.h"

#define WORDS_PER_PAGE (GKV_PAGE_BYTES / 8)
#define UNITS_PER_PAGE_MIN (GKV_PAGE_BYTES / GKV_UNIT_BYTES_MAX)

/* Classes are named by units per page; those of the other kinds by numbers that are free, since no
 * page is cut into fewer than four. */
#define CLASS_NONE 0
#define CLASS_BLOCKS 1
#define CLASS_BUCKETS 2
#define SPARSE_SEARCH_PAGES 64

/* One in SPARE_SHARE of what pages hold may be free before gathering is worth its copies. */
#define SPARE_SHARE 32

/* The list of pages of one class that have units to give. */
struct class
{
    uint32_t first;      /* GKV_PAGE_NONE: there is none */
    uint32_t free_count; /* units to give, in all of its pages */
};

#define CLASS_COUNT (GKV_PAGE_BYTES / GKV_UNIT_BYTES_MIN + 1)

struct page {
    uint32_t next; /* in the list of its class, or of free pages */
    uint32_t previous;
    uint16_t class;
    uint16_t live_count;
    uint16_t fresh_unit; /* units from here on were not used since the page was cut */
    uint16_t free_unit;  /* the first of those given back, + 1 */
};

_Static_assert(sizeof(struct page) == 16, "as the header says");
_Static_assert(GKV_PAGE_BYTES / GKV_UNIT_BYTES_MIN < UINT16_MAX, "unit numbers fit");
_Static_assert(UNITS_PER_PAGE_MIN > CLASS_BUCKETS, "class numbers are distinct");

static struct page *page_at(const struct gkv_pages *pages, uint32_t index)
{
    GKV_ASSERT(index < pages->page_count);
    return (struct page *)gkv_at(pages, pages->page_offset) + index;
}

static struct class *class_at(const struct gkv_pages *pages, uint32_t class)
{
    GKV_ASSERT(class < CLASS_COUNT);
    return (struct class *)gkv_at(pages, pages->class_offset) + class;
}

static uint32_t units_per_page(uint32_t class)
{
    GKV_ASSERT(class != CLASS_NONE);
    if (class == CLASS_BUCKETS) {
        return GKV_PAGE_BYTES / GKV_BUCKET_BYTES;
    }
    return class == CLASS_BLOCKS ? UNITS_PER_PAGE_MIN : class;
}

static uint32_t unit_words(uint32_t class)
{
    return WORDS_PER_PAGE / units_per_page(class);
}

/* When no page is left, a unit may be half as large again as it need be, rather than none. More
 * would fill a small store with what is lost inside units. */
static uint32_t largest_for(uint32_t class)
{
    const uint32_t largest = class * 2 / 3;
    const uint32_t least = class < UNITS_PER_PAGE_MIN ? class : UNITS_PER_PAGE_MIN;
    return largest > least ? largest : least;
}

static uint32_t class_for(size_t bytes)
{
    GKV_ASSERT(bytes > 0);
    GKV_ASSERT(bytes <= GKV_UNIT_BYTES_MAX);
    const uint32_t word_count = ((uint32_t)bytes + 7) / 8;
    const uint32_t least = GKV_UNIT_BYTES_MIN / 8;
    return WORDS_PER_PAGE / (word_count > least ? word_count : least);
}

static uint32_t page_of(struct gkv_unit unit)
{
    GKV_ASSERT(unit.ref != 0);
    return (unit.ref - 1) / WORDS_PER_PAGE;
}

size_t gkv_pages_bytes(uint64_t page_count)
{
    return (size_t)(page_count * (GKV_PAGE_BYTES + sizeof(struct page))) +
           CLASS_COUNT * sizeof(struct class) + 3 * GKV_ARENA_ALIGN;
}

void gkv_pages_init(struct gkv_pages *pages, struct gkv_arena *arena, uint32_t page_count)
{
    GKV_ASSERT(page_count > 0);
    GKV_ASSERT(page_count <= GKV_PAGE_COUNT_MAX);
    memset(pages, 0, sizeof(*pages));
    pages->page_count = page_count;
    pages->word_count = (uint64_t)page_count * WORDS_PER_PAGE;
    pages->free_page = GKV_PAGE_NONE;
    pages->gathered = GKV_PAGE_NONE;
    struct class *classes = gkv_arena_carve(arena, CLASS_COUNT, sizeof(*classes));
    pages->class_offset = gkv_offset_to(pages, classes);
    for (uint32_t i = 0; i < CLASS_COUNT && classes != NULL; i++) {
        classes[i].first = GKV_PAGE_NONE;
    }
    pages->word_offset = gkv_offset_to(pages, gkv_arena_reserve(arena, page_count, GKV_PAGE_BYTES));
    pages->page_offset =
        gkv_offset_to(pages, gkv_arena_reserve(arena, page_count, sizeof(struct page)));
}

/* ---- Pages, under the lock. ------------------------------------------------------------------ */

static void link_page(struct gkv_pages *pages, uint32_t index)
{
    struct page *page = page_at(pages, index);
    struct class *class = class_at(pages, page->class);
    page->previous = GKV_PAGE_NONE;
    page->next = class->first;
    if (class->first != GKV_PAGE_NONE) {
        page_at(pages, class->first)->previous = index;
    }
    class->first = index;
}

static void unlink_page(struct gkv_pages *pages, uint32_t index)
{
    const struct page *page = page_at(pages, index);
    if (page->next != GKV_PAGE_NONE) {
        page_at(pages, page->next)->previous = page->previous;
    }
    if (page->previous != GKV_PAGE_NONE) {
        page_at(pages, page->previous)->next = page->next;
    } else {
        GKV_ASSERT(class_at(pages, page->class)->first == index);
        class_at(pages, page->class)->first = page->next;
    }
}

/* Cut a page for a class; false when there is none. */
static bool open_page(struct gkv_pages *pages, uint32_t class)
{
    uint32_t index = pages->free_page;
    if (index != GKV_PAGE_NONE) {
        pages->free_page = page_at(pages, index)->next;
    } else if (pages->fresh_page < pages->page_count) {
        index = pages->fresh_page++;
    } else {
        return false;
    }
    *page_at(pages, index) = (struct page){.class = (uint16_t) class};
    class_at(pages, class)->free_count += units_per_page(class);
    link_page(pages, index);
    const uint64_t held_bytes = gkv_word_add(&pages->held_bytes, GKV_PAGE_BYTES);
    if (held_bytes - gkv_word_load(&pages->used_bytes) > held_bytes / SPARE_SHARE) {
        gkv_u32_store(&pages->wants_gathering, 1);
    }
    return true;
}

/* Nothing is used of it, and it is in no list. */
static void close_page(struct gkv_pages *pages, uint32_t index)
{
    struct page *page = page_at(pages, index);
    GKV_ASSERT(page->live_count == 0);
    struct class *class = class_at(pages, page->class);
    GKV_ASSERT(class->free_count >= units_per_page(page->class));
    class->free_count -= units_per_page(page->class);
    page->class = CLASS_NONE;
    page->next = pages->free_page;
    pages->free_page = index;
    (void)gkv_word_add(&pages->held_bytes, -(uint64_t)GKV_PAGE_BYTES);
}

/* ---- Units. ---------------------------------------------------------------------------------- */

static struct gkv_unit unit_at(uint32_t page, uint32_t class, uint32_t index)
{
    GKV_ASSERT(index < units_per_page(class));
    return (struct gkv_unit){page * WORDS_PER_PAGE + index * unit_words(class) + 1};
}

/* Of the first page in the list of a class that has one. */
static struct gkv_unit take_listed(struct gkv_pages *pages, uint32_t class)
{
    const uint32_t index = class_at(pages, class)->first;
    struct page *page = page_at(pages, index);
    GKV_ASSERT(page->class == class);
    uint32_t number = page->fresh_unit;
    if (page->free_unit != 0) {
        number = page->free_unit - 1u;
        const gkv_word *words = gkv_pages_words(pages, unit_at(index, class, number));
        page->free_unit = (uint16_t)gkv_word_load(words + 1);
    } else {
        page->fresh_unit++;
    }
    page->live_count++;
    if (page->live_count == units_per_page(class)) {
        unlink_page(pages, index);
    }
    class_at(pages, class)->free_count--;
    (void)gkv_word_add(&pages->used_bytes, unit_words(class) * 8);
    return unit_at(index, class, number);
}

static struct gkv_unit take(struct gkv_pages *pages, uint32_t class)
{
    const uint32_t number = gkv_seqlock_take(&pages->lock);
    uint32_t found = class;
    if (class_at(pages, class)->first == GKV_PAGE_NONE && !open_page(pages, class)) {
        while (found > largest_for(class) && class_at(pages, found)->first == GKV_PAGE_NONE) {
            found--;
        }
    }
    struct gkv_unit unit = {0};
    if (class_at(pages, found)->first != GKV_PAGE_NONE) {
        unit = take_listed(pages, found);
    }
    gkv_seqlock_change(&pages->lock, number);
    return unit;
}

struct gkv_unit gkv_pages_take(struct gkv_pages *pages, enum gkv_unit_kind kind, size_t bytes)
{
    if (kind == GKV_UNIT_RECORD) {
        return take(pages, class_for(bytes));
    }
    return take(pages, kind == GKV_UNIT_BLOCK ? CLASS_BLOCKS : CLASS_BUCKETS);
}

void gkv_pages_give(struct gkv_pages *pages, struct gkv_unit unit)
{
    const uint32_t number = gkv_seqlock_take(&pages->lock);
    const uint32_t index = page_of(unit);
    struct page *page = page_at(pages, index);
    const uint32_t class = page->class;
    const uint32_t in_page = (unit.ref - 1) % WORDS_PER_PAGE;
    GKV_ASSERT(page->live_count > 0);
    GKV_ASSERT(in_page % unit_words(class) == 0);

    gkv_word *words = gkv_pages_words(pages, unit);
    gkv_word_store(words, 0);
    gkv_word_store(words + 1, page->free_unit);
    page->free_unit = (uint16_t)(in_page / unit_words(class) + 1);
    class_at(pages, class)->free_count++;
    (void)gkv_word_add(&pages->used_bytes, -(uint64_t)unit_words(class) * 8);
    const bool is_listed = index != pages->gathered && page->live_count < units_per_page(class);
    page->live_count--;
    if (page->live_count == 0 && index != pages->gathered) {
        if (is_listed) {
            unlink_page(pages, index);
        }
        close_page(pages, index);
    } else if (!is_listed && index != pages->gathered) {
        link_page(pages, index);
    }
    gkv_seqlock_change(&pages->lock, number);
}

uint32_t gkv_pages_unit_bytes(const struct gkv_pages *pages, struct gkv_unit unit)
{
    return unit_words(page_at(pages, page_of(unit))->class) * 8;
}

bool gkv_pages_unit_fits(const struct gkv_pages *pages, struct gkv_unit unit, size_t bytes)
{
    return page_at(pages, page_of(unit))->class == class_for(bytes);
}

/* ---- Gathering. ------------------------------------------------------------------------------ */

/* How many units could be taken for a class without another page. */
static uint32_t free_from(const struct gkv_pages *pages, uint32_t class)
{
    uint32_t count = 0;
    for (uint32_t i = largest_for(class); i <= class; i++) {
        count += class_at(pages, i)->free_count;
    }
    return count;
}

/* Would all that lives there find room in other pages: of its class, or when memory is short, in
 * units that are too large for it? */
static bool may_be_emptied(const struct gkv_pages *pages, const struct page *page, bool is_short)
{
    if (page->class == CLASS_NONE || page->live_count == units_per_page(page->class)) {
        return false;
    }
    const uint32_t own_count = units_per_page(page->class) - page->live_count;
    const uint32_t needed_count = own_count + page->live_count;
    return class_at(pages, page->class)->free_count >= needed_count ||
           (is_short && free_from(pages, page->class) >= needed_count);
}

uint32_t gkv_pages_begin_gathering(struct gkv_pages *pages, bool is_short)
{
    const uint32_t number = gkv_seqlock_take(&pages->lock);
    uint32_t best = GKV_PAGE_NONE;
    uint32_t best_words = WORDS_PER_PAGE;
    gkv_u32_store(&pages->wants_gathering, 0);
    const uint32_t search_count = pages->gathered != GKV_PAGE_NONE          ? 0
                                  : pages->fresh_page < SPARSE_SEARCH_PAGES ? pages->fresh_page
                                                                            : SPARSE_SEARCH_PAGES;
    for (uint32_t i = 0; i < search_count; i++) {
        pages->cursor = pages->cursor + 1 < pages->fresh_page ? pages->cursor + 1 : 0;
        const struct page *page = page_at(pages, pages->cursor);
        const uint32_t words =
            page->class == CLASS_NONE ? 0 : page->live_count * unit_words(page->class);
        if (words < best_words && may_be_emptied(pages, page, is_short)) {
            best = pages->cursor;
            best_words = words;
        }
    }
    if (best != GKV_PAGE_NONE) {
        pages->gathered = best;
        unlink_page(pages, best);
    }
    gkv_seqlock_change(&pages->lock, number);
    return best;
}

bool gkv_pages_end_gathering(struct gkv_pages *pages)
{
    const uint32_t number = gkv_seqlock_take(&pages->lock);
    const uint32_t index = pages->gathered;
    const struct page *page = page_at(pages, index);
    pages->gathered = GKV_PAGE_NONE;
    const bool is_free = page->live_count == 0;
    if (is_free) {
        close_page(pages, index);
    } else {
        link_page(pages, index);
    }
    gkv_seqlock_change(&pages->lock, number);
    return is_free;
}

uint32_t gkv_pages_unit_count(const struct gkv_pages *pages, uint32_t page)
{
    return page_at(pages, page)->fresh_unit;
}

enum gkv_unit_kind gkv_pages_kind(const struct gkv_pages *pages, uint32_t page)
{
    const uint32_t class = page_at(pages, page)->class;
    if (class == CLASS_BUCKETS) {
        return GKV_UNIT_BUCKET;
    }
    return class == CLASS_BLOCKS ? GKV_UNIT_BLOCK : GKV_UNIT_RECORD;
}

struct gkv_unit gkv_pages_unit_at(const struct gkv_pages *pages, uint32_t page, uint32_t index)
{
    return unit_at(page, page_at(pages, page)->class, index);
}
