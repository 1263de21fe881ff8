/* A journal as a Chrome trace, which Perfetto (ui.perfetto.dev) and chrome://tracing open.
 *
 * Model     The Trace Event Format. pid: 1 + node; tid: swim, quorum, store, client. A step is an X
 *           of a microsecond, for simulated steps take no time; an operation is an async b and e; a
 *           message is a flow from the step that sent it to the step that got it; faults are
 *           instants. ts is the world's time in microseconds.
 */
#ifndef GKV_SIM_TRACE_CHROME_H
#define GKV_SIM_TRACE_CHROME_H

#include <stdio.h>

#include "sim/journal.h"

void gkv_trace_chrome_write(const struct gkv_journal *journal, FILE *file);

#endif
