/* Huge pages for a node's store, where the system has them.
 *
 * Model     A store is read at random: beyond a few MB each read misses the processor's table of
 *           4 KiB pages as well as its cache. Linux is asked (madvise) for pages of 2 MiB, for the
 *           index at once, since it is written when the store is made, and for records as they are
 *           first written. Nothing else of the node's memory is: there little is used of much.
 * Bounds    Inside of what was mapped: the memory asked of the system does not change. What is
 *           resident grows by 2 MiB at a time instead of 4 KiB, in records alone.
 * Not here  A system that has none is no error: all is as without.
 */
#ifndef GKV_IO_POSIX_HUGE_H
#define GKV_IO_POSIX_HUGE_H

#include <stddef.h>

#include "core/store.h"

#define GKV_HUGE_PAGE_BYTES ((size_t)2 * 1024 * 1024)

/* After the store was laid out, and before it is used. Returns how many of its bytes lie on huge
 * pages, or will when they are first written, as far as the system says; 0: it gives none. */
size_t gkv_huge_use(const struct gkv_store *store);

#endif
