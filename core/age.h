/* How long ago a record was used, in four bits, for whoever has to evict one.
 *
 *   mark of a place (core/bucket.h):   | idle 4 | pace 2 | used 1 | mortal 1 |
 *
 * Model     CLOCK (Corbato 1968) whose hand comes by several times before it takes somebody: a
 *           record ages by one when the hand finds that it was not used since the last time, and
 *           goes when it is older than its pace allows. The pace is how many turns lay between its
 *           last uses, and is what CLOCK has not: who was used in every turn and then is not is
 *           dead, and need not be waited for as long as one who comes seldom. Who was never used
 *           again goes as early, which is the small queue of S3-FIFO (Yang et al., SOSP 2023), and
 *           who comes back soon after it went is known by the tag that it left (core/index.c),
 *           which is the ghost queue there. docs/decisions/0014 has the hit ratios.
 * Bounds    A reader stores at most once per turn of the hand, whatever it reads.
 */
#ifndef GKV_CORE_AGE_H
#define GKV_CORE_AGE_H

#include <stdbool.h>
#include <stdint.h>

#define GKV_AGE_USED 2u /* since the hand came by */

enum gkv_pace {
    GKV_PACE_NEW = 0,   /* not used again since it was put */
    GKV_PACE_SHORT = 1, /* used in each turn of the hand */
    GKV_PACE_MIDDLE = 2,
    GKV_PACE_LONG = 3, /* three turns or more from one use to the next */
};

static inline enum gkv_pace gkv_age_pace(uint8_t mark)
{
    return (enum gkv_pace)(mark >> 2 & 3);
}

/* Turns of the hand since it was used. */
static inline uint32_t gkv_age_idle(uint8_t mark)
{
    return mark >> 4;
}

/* The mark of a new record that was evicted not long ago: it is one who comes seldom. */
static inline uint8_t gkv_age_returned(uint8_t mark)
{
    return (uint8_t)(mark | GKV_PACE_LONG << 2);
}

/* The mark after the hand came by. */
uint8_t gkv_age_next(uint8_t mark);

#define GKV_AGE_PATIENCE_MAX 12

/* How many turns a record of this mark may be idle, 1 .. GKV_AGE_PATIENCE_MAX. */
uint32_t gkv_age_patience(uint8_t mark);

#endif
