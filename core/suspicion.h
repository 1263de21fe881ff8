/* How long a member stays in a state that time ends: SUSPECT, and LEFT.
 *
 * Model     SWIM 4.2: a suspect that does not refute in time is confirmed. SWIM lets the time grow
 *           with log n periods; ours is options.suspicion_timeout_ms plus twice the ceil(log2 n)
 *           gossip intervals that news takes to reach everybody, once for the accusation on its way
 *           to the suspect and once for the refutation on its way back.
 *
 *   ALIVE       no timer
 *   SUSPECT     gkv_suspicion_timeout_ns, then UNREACHABLE
 *   UNREACHABLE no timer: it is asked again for ever (core/swim.c)
 *   LEFT        GKV_SUSPICION_LEFT_KEEP_MS, then forgotten, lest those who left fill the table
 *
 * Bounds    One timer per member place.
 * Invariant A member's timer is set exactly while it is SUSPECT or LEFT.
 */
#ifndef GKV_CORE_SUSPICION_H
#define GKV_CORE_SUSPICION_H

#include <stdint.h>

#include "core/options.h"
#include "core/step.h"

/* Long enough that nobody brings the news of a departed member back to life by gossip. */
#define GKV_SUSPICION_LEFT_KEEP_MS UINT64_C(600000)

/* How long a suspect may refute among member_count reachable members. */
uint64_t gkv_suspicion_timeout_ns(const struct gkv_options *options, uint16_t member_count);

/* The state of the member at index was set: (re)start or stop its timer accordingly. */
void gkv_suspicion_rearm(const struct gkv_step *step, uint16_t index);

#endif
