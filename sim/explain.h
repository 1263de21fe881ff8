/* A failed run in words, for who did not write GridKV: what is demanded and what happened instead,
 * the cluster and what went wrong in it, what led to the violation, and what to try next.
 *
 * Model     The journal of the run tells what happened; of operations, messages, faults and trace
 *           points the last few before the violation are shown in the order of time: those of its
 *           key, if it has one, else those of its node, if it has one.
 * Bounds    GKV_EXPLAIN_LINE_COUNT_MAX lines.
 * Not here  The same for programs: sim/report_json.h. A picture of it: sim/page.h.
 */
#ifndef GKV_SIM_EXPLAIN_H
#define GKV_SIM_EXPLAIN_H

#include <stdio.h>

#include "sim/trial.h"

#define GKV_EXPLAIN_LINE_COUNT_MAX 60

/* trial->journal is not NULL. */
void gkv_explain_write(FILE *file, const struct gkv_trial *trial,
                       const struct gkv_verdict *verdict);

#endif
