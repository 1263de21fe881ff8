/* A journal as a ShiViz log (bestchai.bitbucket.io/shiviz): what happened before what.
 *
 * Model     The first line is the regular expression that ShiViz asks for. Then one line per event:
 *           host, vector clock, text. The clocks are computed here, from what the journal kept, so
 *           that the protocol carries none. Clients are part of the node that they ask.
 */
#ifndef GKV_SIM_TRACE_SHIVIZ_H
#define GKV_SIM_TRACE_SHIVIZ_H

#include <stdio.h>

#include "core/error.h"
#include "sim/journal.h"

/* GKV_ERROR_MEMORY: nothing was written. */
GKV_MUST_USE enum gkv_error gkv_trace_shiviz_write(const struct gkv_journal *journal, FILE *file);

#endif
