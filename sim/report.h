/* What is shown of a run: a line of one that passed, forty lines at most of one that failed, and
 * the texts of trace points, which golden stories compare.
 */
#ifndef GKV_SIM_REPORT_H
#define GKV_SIM_REPORT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/trace.h"
#include "sim/trial.h"

/* One line: seed, hash, events, simulated seconds, operations, result. */
void gkv_report_summary(const struct gkv_trial_summary *summary);

/* How often each predicate was asked, in a few lines. */
void gkv_report_tally(const struct gkv_tally *tally);

/* The line that repeats a run which ended so: its replay_line, or seed, profile and what is
 * switched off. It is whole: a replay_line has to fit. */
void gkv_report_replay_line(const struct gkv_trial_options *options, enum gkv_trial_status status,
                            char line[GKV_TRIAL_LINE_BYTES]);

/* The options of a command line that bring about the same profile, families, checks and limit, each
 * with a space before it. */
void gkv_report_switches(const struct gkv_trial_options *options, char text[GKV_TRIAL_LINE_BYTES]);

/* Two lines: what to paste, and FAIL with what did not hold. The seed is the summary's. */
void gkv_report_failure(FILE *file, const struct gkv_trial_options *options,
                        const struct gkv_trial_summary *summary);

/* The same, and what is known about it: forty lines at most. */
void gkv_report_print(const struct gkv_trial *trial, const struct gkv_verdict *verdict,
                      const struct gkv_trial_summary *summary);

/* Names by number, for lists of them; NULL: there are no more. */
const char *gkv_report_family_at(uint32_t index);
const char *gkv_report_check_at(uint32_t index);

/* The short name of a status, such as "safety". */
const char *gkv_report_status_name(enum gkv_trial_status status);

/* The commit that this was built from; "" outside a clone. */
const char *gkv_report_commit(void);

/* Write what a trace point of node `node` says, such as "a probe c", without its time. Nodes are
 * named as gkv_host_name names them. Returns the count of bytes written, 0 for a kind unknown. */
size_t gkv_report_trace_text(const struct gkv_trace_point *point, uint32_t node, char *text,
                             size_t text_bytes);

#endif
