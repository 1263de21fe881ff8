/* Is it they who are silent, or we who are deaf?
 *
 * Model     Ours, not SWIM's: who accuses another must have heard others lately, or the silence may
 *           be his own. A member may be suspected, or declared unreachable, only if
 *           min(options.witness_count, n - 2) reachable members besides it were heard within three
 *           probe intervals and a direct timeout, however slowly we probe; and, when it is to be
 *           declared unreachable, since it was asked for the last time. So a node that is cut off
 *           does not bury the cluster; but one who survives all others must find out, too: when
 *           witnesses have been missing for options.witness_patience_ms, none are asked for.
 *           And for options.startup_grace_ms after it began, a node accuses nobody at all: it is
 *           still being told who is there.
 * Bounds    O(members) when a probe fails or a suspicion ends; nothing is kept but when each member
 *           was heard.
 */
#ifndef GKV_CORE_WITNESS_H
#define GKV_CORE_WITNESS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/options.h"
#include "core/step.h"

/* Who heard nobody for longer than this has no witnesses. */
uint64_t gkv_witness_window_ns(const struct gkv_options *options);

/* True when the member at index may be accused; or buried, when witnesses were heard since it was
 * asked for the last time, at since_ns (0: whenever). */
bool gkv_witness_allows(const struct gkv_step *step, uint16_t index, uint64_t since_ns);

#endif
