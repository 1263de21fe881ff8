#include "io_posix/huge.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#if defined(__linux__) && defined(MADV_HUGEPAGE)

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* Linux 6.1; before, the system finds the index by itself, in time */
#endif

#define SETTING "/sys/kernel/mm/transparent_hugepage/enabled"

/* An madvise that is heeded by nobody succeeds as well. */
static bool has_huge_pages(void)
{
    char words[64] = "";
    FILE *file = fopen(SETTING, "r");
    if (file == NULL) {
        return false;
    }
    const bool is_read = fgets(words, sizeof(words), file) != NULL;
    (void)fclose(file);
    return is_read && strstr(words, "[never]") == NULL;
}

/* The whole huge pages inside of an area. */
static struct gkv_buffer whole_pages(struct gkv_buffer area)
{
    const uintptr_t mask = GKV_HUGE_PAGE_BYTES - 1;
    const uintptr_t begin = (uintptr_t)area.data;
    const size_t before = (size_t)(((begin + mask) & ~mask) - begin);
    if (before >= area.capacity) {
        return (struct gkv_buffer){area.data, 0};
    }
    return (struct gkv_buffer){area.data + before, (area.capacity - before) & ~mask};
}

static size_t use(struct gkv_buffer area, bool is_written)
{
    const struct gkv_buffer pages = whole_pages(area);
    if (pages.capacity == 0 || madvise(pages.data, pages.capacity, MADV_HUGEPAGE) != 0) {
        return 0;
    }
    const bool is_there = !is_written || madvise(pages.data, pages.capacity, MADV_COLLAPSE) == 0;
    return is_there ? pages.capacity : 0;
}

size_t gkv_huge_use(const struct gkv_store *store)
{
    if (!has_huge_pages()) {
        return 0;
    }
    return use(gkv_store_index_area(store), true) + use(gkv_store_record_area(store), false);
}

#else

size_t gkv_huge_use(const struct gkv_store *store)
{
    (void)store;
    return 0;
}

#endif
