/* How long a member stays in a state that time ends: SUSPECT, UNREACHABLE, and LEFT.
 *
 * Model     SWIM 4.2: a suspect that does not refute in time is confirmed. Lifeguard's
 *           LHA-Suspicion: the time begins long and shrinks as others accuse the same member by
 *           themselves,
 *
 *               t = max - (max - min) ln(C + 1) / ln(K + 1)
 *
 *           with C of K confirmations; K is options.suspicion_confirmations, or fewer where fewer
 *           others are there. Lifeguard lets min grow with log n periods; ours is
 *           options.suspicion_timeout_ms plus twice the ceil(log2 n) - 1 gossip intervals that news
 *           takes to reach everybody (the first telling does not wait), once for the accusation on
 *           its way to the suspect and once for the refutation on its way back; max is
 *           options.suspicion_max_factor times that. Between two, who have nobody to ask, it is
 *           always max when witnesses are asked for.
 *
 *   ALIVE,
 *   LEAVING     no timer
 *   SUSPECT     t after the suspicion began here, then UNREACHABLE
 *   UNREACHABLE options.evict_delay_ms and up to a fifth more, which differs from node to node so
 *               that one speaks first, then EVICTED
 *   EVICTED     no timer: it is asked again for ever (core/swim.c)
 *   LEFT        options.left_keep_ms, then forgotten, lest those who left fill the table
 *
 * Bounds    One timer per member place.
 * Invariant A member's timer is set exactly while it is SUSPECT (once we have left, it may
 *           be unset), UNREACHABLE (unless evict_delay_ms is 0) or LEFT.
 */
#ifndef GKV_CORE_SUSPICION_H
#define GKV_CORE_SUSPICION_H

#include <stdint.h>

#include "core/options.h"
#include "core/step.h"

/* How long a suspect may refute among member_count reachable members, at the least. */
uint64_t gkv_suspicion_timeout_ns(const struct gkv_options *options, uint16_t member_count);

/* The same, when confirmer_count others have accused it as well. */
uint64_t gkv_suspicion_confirmed_ns(const struct gkv_options *options, uint16_t member_count,
                                    uint32_t confirmer_count);

/* What was said of the member at index was replaced: (re)start or stop its timer accordingly. */
void gkv_suspicion_rearm(const struct gkv_step *step, uint16_t index);

/* We stood still for by_ns, and that is no fault of theirs: suspicions began so much later, and it
 * was no silence. Their timers were moved already. */
void gkv_suspicions_postpone(const struct gkv_step *step, uint64_t by_ns);

/* It is not over yet: the timer of the suspect at index rings again after a while. */
void gkv_suspicion_extend(const struct gkv_step *step, uint16_t index, uint64_t by_ns);

/* It may be over, and nobody bears witness: look again soon, and sooner after its last chance. */
void gkv_suspicion_await_witness(const struct gkv_step *step, uint16_t index);

/* The suspect at index spoke when it was asked for the last time: all its time begins anew. Returns
 * false when options.witness_patience_ms were given back of this suspicion, for words like this one
 * and for silences: who speaks for so long and refutes nothing does not hear us. */
bool gkv_suspicion_reprieve(const struct gkv_step *step, uint16_t index);

/* Somebody spoke to us, be it of membership or not. When he is reachable, and nobody who is had
 * spoken for longer than the window of witnesses, it was not the suspects who were silent: that
 * time does not count, and their last chance comes again; until options.witness_patience_ms were
 * given back of one suspicion. Not where no witnesses are asked for. */
void gkv_suspicions_hear(const struct gkv_step *step, const struct gkv_identity *from);

/* One more confirms that the member at index is SUSPECT: its time shrinks. */
void gkv_suspicion_shorten(const struct gkv_step *step, uint16_t index);

#endif
