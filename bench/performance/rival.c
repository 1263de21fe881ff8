#include "bench/performance/rival.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define HUGE_PAGE_BYTES (UINT64_C(2) * 1024 * 1024)

_Noreturn void rival_fail(const char *what)
{
    (void)fprintf(stderr, "rival: %s\n", what);
    exit(1);
}

/* Not touched: what of it is resident is what is used, or in its huge page. */
void *rival_memory(uint64_t bytes)
{
    const uint64_t whole = (bytes + 2 * HUGE_PAGE_BYTES - 1) / HUGE_PAGE_BYTES * HUGE_PAGE_BYTES;
    void *memory = mmap(NULL, whole + HUGE_PAGE_BYTES, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        rival_fail("no memory");
    }
    const uintptr_t over = (uintptr_t)memory % HUGE_PAGE_BYTES;
    uint8_t *aligned = (uint8_t *)memory + (over == 0 ? 0 : HUGE_PAGE_BYTES - over);
#ifdef MADV_HUGEPAGE
    (void)madvise(aligned, whole, MADV_HUGEPAGE);
#endif
    return aligned;
}
