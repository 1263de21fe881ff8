/* What is shown of a run: a line of one that passed, forty lines at most of one that failed, and
 * the texts of trace points, which golden stories compare.
 */
#ifndef GKV_SIM_REPORT_H
#define GKV_SIM_REPORT_H

#include <stddef.h>

#include "core/trace.h"
#include "sim/trial.h"

/* One line: seed, hash, events, simulated seconds, operations, result. */
void gkv_report_summary(const struct gkv_trial_summary *summary);

/* How often each predicate was asked, in a few lines. */
void gkv_report_tally(const struct gkv_tally *tally);

/* FAIL, what did not hold; the line that replays it; and what is known about it. */
void gkv_report_print(const struct gkv_trial *trial, const struct gkv_verdict *verdict);

/* The short name of a status, such as "safety". */
const char *gkv_report_status_name(enum gkv_trial_status status);

/* The commit that this was built from; "" outside a clone. */
const char *gkv_report_commit(void);

/* Write what a trace point of node `self` says, such as "a probe c", without its time. Nodes are
 * named as gkv_host_name names them. Returns the count of bytes written, 0 for a kind unknown. */
size_t gkv_report_trace_text(const struct gkv_trace_point *point, char self, char *text,
                             size_t text_bytes);

#endif
