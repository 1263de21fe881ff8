/* Hybrid logical clock: version stamps that respect causality and stay near wall time.
 *
 * Model     Kulkarni et al. 2014, "Logical Physical Clocks", the HLC algorithm (send/local and
 *           receive). We pack the paper's pair (l, c) in one integer, 48 bits of milliseconds above
 *           16 bits of counter, so that integer order is stamp order.
 * Bounds    No allocation; struct gkv_hlc_clock is a cache line, since threads that write take it
 *           from each other. O(1) per call, and once more for each thread that comes between: of
 *           threads that meet, one always goes on.
 * Threads   Any may issue, observe and ask for the time of one clock. The clock is one word,
 *           changed by addition and compare-exchange, which read what was stored last; all of it
 *           is relaxed, since the order of that word is all that is promised: a stamp is greater
 *           than every one that was issued or observed before it, where "before" is what C11 calls
 *           "happens before". Who reads a value from the store comes after the clock that had
 *           observed its version.
 * Invariant clock->last never decreases, and no two calls return the same stamp.
 * Not here  Reading a clock: the caller passes wall_ms, and the shim has made sure that it is <=
 *           GKV_HLC_WALL_MS_MAX.
 */
#ifndef GKV_CORE_HLC_H
#define GKV_CORE_HLC_H

#include <stdbool.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/atomic.h"
#include "core/error.h"

#define GKV_HLC_COUNTER_BITS 16
#define GKV_HLC_WALL_MS_MAX ((UINT64_C(1) << 47) - 1) /* year 6429; leaves room to count past it */

/* A stamp. A struct, so that it cannot be mistaken for a time or a sequence number. */
struct gkv_hlc {
    uint64_t packed; /* milliseconds since 1970 << 16 | counter; 0 is before every stamp */
};

/* What a value is dated with: (hlc, writer) compared in this order. No two writes of a cluster have
 * the same version: a clock never repeats a stamp, and writer is a 64-bit hash of (node id,
 * boot). */
struct gkv_version {
    struct gkv_hlc hlc;
    uint64_t writer;
};

struct gkv_hlc_clock {
    _Alignas(GKV_ARENA_ALIGN) gkv_word last; /* the greatest issued or accepted so far, packed */
    uint64_t drift_ms_max;                   /* how far ahead of wall_ms a peer's stamp may be */
};

void gkv_hlc_clock_init(struct gkv_hlc_clock *clock, uint64_t drift_ms_max);

/* Return the stamp of a local event or of a message about to be sent.
 * wall_ms may stand still or go back; the stamp is greater than all before it. */
struct gkv_hlc gkv_hlc_issue(struct gkv_hlc_clock *clock, uint64_t wall_ms);

/* Take note of a peer's stamp, so that every later stamp is greater than it.
 * GKV_ERROR_CLOCK_DRIFT  remote is over drift_ms_max ahead of wall_ms; clock unchanged. */
GKV_MUST_USE enum gkv_error gkv_hlc_observe(struct gkv_hlc_clock *clock, uint64_t wall_ms,
                                            struct gkv_hlc remote);

/* The time that expiry is judged by: never behind any stamp seen, so that a value that one node
 * called expired is expired for whoever heard of it; and never behind what this returned before,
 * so that it stays expired when the wall clock is set back. Milliseconds since 1970. */
uint64_t gkv_hlc_now_ms(struct gkv_hlc_clock *clock, uint64_t wall_ms);

/* The greatest stamp issued or accepted so far. */
static inline struct gkv_hlc gkv_hlc_last(const struct gkv_hlc_clock *clock)
{
    return (struct gkv_hlc){gkv_word_load(&clock->last)};
}

static inline uint64_t gkv_hlc_ms(struct gkv_hlc stamp)
{
    return stamp.packed >> GKV_HLC_COUNTER_BITS;
}

/* Negative, 0 or positive, as memcmp. */
static inline int gkv_version_compare(struct gkv_version a, struct gkv_version b)
{
    if (a.hlc.packed != b.hlc.packed) {
        return a.hlc.packed < b.hlc.packed ? -1 : 1;
    }
    return a.writer == b.writer ? 0 : (a.writer < b.writer ? -1 : 1);
}

static inline bool gkv_version_is_none(struct gkv_version version)
{
    return version.hlc.packed == 0 && version.writer == 0;
}

#endif
