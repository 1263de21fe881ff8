/* Whether to look again for a moment before sleeping: a thread that sleeps is woken in some tens of
 * microseconds, longer than a peer on the same network takes to answer.
 *
 * Model     Spinning is worth it while something is expected and comes in time. Each time it did
 *           not come, twice as many chances to spin are let pass before the next try, up to
 *           GKV_SPIN_SKIP_COUNT_MAX; when it did, none. So a peer that is far away, or a processor
 *           that others need, costs one spin in as many.
 * Bounds    16 bytes. O(1).
 * Not here  What is expected, and looking for it: io_posix/host.c.
 */
#ifndef GKV_IO_POSIX_SPIN_H
#define GKV_IO_POSIX_SPIN_H

#include <stdbool.h>
#include <stdint.h>

#define GKV_SPIN_SKIP_COUNT_MAX 64

struct gkv_spin {
    uint64_t spin_ns;    /* at a time; 0: never */
    uint32_t skip_count; /* after the last miss */
    uint32_t left_count; /* of these, still to be let pass */
};

static inline struct gkv_spin gkv_spin_make(uint64_t spin_ns)
{
    return (struct gkv_spin){.spin_ns = spin_ns};
}

/* Something is expected: spin for it? The answer true is followed by gkv_spin_end. */
bool gkv_spin_begin(struct gkv_spin *spin);

/* What was expected, or something as good, came within spin_ns; or it did not. */
void gkv_spin_end(struct gkv_spin *spin, bool came);

#endif
