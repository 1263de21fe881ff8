/* A journal's client operations as JSON lines, for checkers of histories.
 *
 * Model     One object per operation, in order of their beginnings: client, op, key, value,
 *           version, invoke, return, status. invoke and return are the world's nanoseconds; return
 *           is null when there was none (also when its node crashed). value is the number of what
 *           was written or read, or null. status: ok; fail, it did nothing; info, it may have
 *           happened and may happen yet.
 */
#ifndef GKV_SIM_TRACE_HISTORY_H
#define GKV_SIM_TRACE_HISTORY_H

#include <stdio.h>

#include "sim/journal.h"

void gkv_trace_history_write(const struct gkv_journal *journal, FILE *file);

#endif
