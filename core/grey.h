/* Who is neither well nor dead: accused by many, and there each time.
 *
 * Model     Gray failures as Rapid describes them (Suresh et al., ATC 2018, figures 9 and 10): a
 *           member that loses most of its packets, or is deaf by turns, refutes each suspicion, so
 *           that SWIM takes it out and in for ever. Suspicions name who accuses. A member is
 *           DEGRADED in our view when, within options.degraded_window_ms,
 *
 *               max(2, min(GKV_GREY_ACCUSER_COUNT_MAX, ceil((n - 1) / 2)))
 *
 *           distinct members accused it, of n reachable ones, in two suspicions or more (a single
 *           pause makes nobody DEGRADED), and it refuted each; or when it flaps: its score is above
 *           GKV_GREY_SCORE_MAX. That is GKV_GREY_SCORE_REFUTED for each refuted suspicion and
 *           GKV_GREY_SCORE_EVICTED for each refuted eviction, halved every
 *           GKV_GREY_HALF_LIFE_WINDOWS windows. It ends a window after the last such refutation,
 *           when it flaps no more.
 *           Whoever stays DEGRADED for options.degraded_evict_ms is to be evicted, unless a
 *           quarter of the others are DEGRADED or have a quarter of that score: then it is the
 *           network.
 *           We know it of ourselves as well, but for evictions while we heard somebody: he who
 *           does is on another side of a partition. One who is DEGRADED and unwell and is told that
 *           it was evicted, or who flaps and was deaf for as long as that takes, waits with its
 *           refutation until it was well for options.degraded_evict_ms, or had nobody to probe for
 *           so long and cannot know. So the word EVICTED, which all agree on, stands until its
 *           subject has reason to deny it.
 *           Nothing of this is on the wire; docs/decisions/0012.
 * Bounds    GKV_GREY_ACCUSER_COUNT_MAX accusers per member place, the latest ones: 256 bytes each.
 *           O(that) per refutation.
 * Invariant Only accusers whom we hold reachable and not DEGRADED count, and one alone never makes
 *           anybody DEGRADED: who hears nobody accuses everybody.
 * Not here  Suspicion and its refutation: core/swim.c, core/self.c.
 */
#ifndef GKV_CORE_GREY_H
#define GKV_CORE_GREY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/health.h"
#include "core/step.h"

#define GKV_GREY_ACCUSER_COUNT_MAX 8
#define GKV_GREY_HALF_LIFE_WINDOWS 6
#define GKV_GREY_SCORE_MAX 5000     /* thousandths */
#define GKV_GREY_SCORE_REFUTED 1000 /* of a suspicion, by another accuser than the last one */
#define GKV_GREY_SCORE_EVICTED 4000 /* of an eviction: the second within a minute is too much */

struct gkv_greys {
    ptrdiff_t place_offset; /* struct gkv_grey_place by member index; private to grey.c */
    uint64_t heard_ns;      /* when we last heard anybody; 0: never */
    uint64_t deaf_ns; /* until when we heard nobody for as long as an eviction takes; 0: no more */
    bool is_waiting;  /* we are, or must be, evicted, and refute nothing until we are well */
};

void gkv_greys_init(struct gkv_greys *greys, struct gkv_arena *arena, uint16_t capacity);

/* Somebody was heard. */
void gkv_grey_hear(struct gkv_greys *greys, const struct gkv_step *step);

/* What follows when the member at index denies `before`, which we held of it (or, of ourselves,
 * were told). */
enum gkv_grey_verdict {
    GKV_GREY_AS_BEFORE = 0,
    GKV_GREY_BEGUN = 1, /* it is DEGRADED from now on */
    GKV_GREY_EVICT = 2, /* it has been for too long */
};
enum gkv_grey_verdict gkv_grey_on_refuted(struct gkv_greys *greys, const struct gkv_step *step,
                                          uint16_t index, const struct gkv_update *before);

/* True when the member at index is DEGRADED no more, for it was left in peace. To be asked now and
 * then. */
bool gkv_grey_is_over(struct gkv_greys *greys, const struct gkv_step *step, uint16_t index);

/* True when we should leave unanswered for now what we are told of ourselves. */
bool gkv_grey_must_wait(struct gkv_greys *greys, const struct gkv_health *health,
                        const struct gkv_step *step, const struct gkv_update *told);

#endif
