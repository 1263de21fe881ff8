/* How many callers are inside of a handle that is not to be freed meanwhile.
 *
 * Model     A count per handful of threads, each on a cache line of its own: with a single count,
 *           threads that read different keys would still wait for each other's line.
 * Bounds    1 KiB.
 * Threads   Any. Who enters and who leaves again is the same thread.
 */
#ifndef GKV_IO_POSIX_INSIDE_H
#define GKV_IO_POSIX_INSIDE_H

#include <stdatomic.h>
#include <stdint.h>

#define GKV_INSIDE_COUNT 16
#define GKV_INSIDE_LINE_BYTES 64

struct gkv_inside {
    struct {
        _Atomic uint64_t caller_count;
        uint8_t unused[GKV_INSIDE_LINE_BYTES - sizeof(_Atomic uint64_t)];
    } places[GKV_INSIDE_COUNT];
};

void gkv_inside_enter(struct gkv_inside *inside);
void gkv_inside_exit(struct gkv_inside *inside);

/* Wait until everybody is out who was in when this was called, a millisecond at a time; the caller
 * sees to it that nobody comes. */
void gkv_inside_wait(struct gkv_inside *inside);

#endif
