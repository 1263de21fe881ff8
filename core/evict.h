/* Making room of what was not used for long: for stores that are caches.
 *
 * Model     A hand goes over the buckets, lets what it meets grow older (core/age.h), and takes out
 *           the records that are older than they may be. When it has met none for a while, it takes
 *           the oldest of where it is, so that a put never waits for a whole turn.
 * Bounds    At most GKV_EVICT_VISITS_MAX buckets per call. Nothing beside the marks in the buckets,
 *           and the hand.
 * Threads   Any; each moves the hand on, so that two never wait for the same bucket for long. The
 *           caller holds no bucket's lock.
 * Invariant A tombstone is never evicted: what it says has to be said for as long as the sweep
 *           keeps it.
 * Not here  What may be evicted, namespaces and all: whoever chooses the policy of the store.
 */
#ifndef GKV_CORE_EVICT_H
#define GKV_CORE_EVICT_H

#include "core/index.h"
#include "core/slots.h"

#define GKV_EVICT_VISITS_MAX 1024

/* So many buckets in a row without a record that is old enough, and the next one gives its oldest.
 * In a store that is in use, one in two has one; in one that has just become full, none. */
#define GKV_EVICT_FRUITLESS_MAX 16

struct gkv_eviction {
    gkv_word hand; /* how many buckets were visited, ever */
    gkv_word evicted_count;
};

/* Evict records until they have given back `bytes` bytes of units, if the bound allows. Returns how
 * many were evicted; 0 when there is nothing but tombstones. */
uint32_t gkv_evict(struct gkv_eviction *eviction, struct gkv_index *index, struct gkv_slots *slots,
                   uint64_t bytes);

#endif
