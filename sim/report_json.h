/* What was run, as JSON for programs: one object per line of stdout.
 *
 * Model     "kind" says which: "run" (one seed), "failure" (what did not hold, and the line that
 *           repeats it), "runs" (the sum of many). Their keys are in docs/simulator.md; keys are
 *           added, and never renamed or taken away.
 */
#ifndef GKV_SIM_REPORT_JSON_H
#define GKV_SIM_REPORT_JSON_H

#include <stdio.h>

#include "sim/campaign.h"
#include "sim/trial.h"

void gkv_report_json_run(FILE *file, const struct gkv_trial_options *options,
                         const struct gkv_trial_summary *summary);
void gkv_report_json_failure(FILE *file, const struct gkv_trial_options *options,
                             const struct gkv_trial_summary *summary);

/* options: of any seed. */
void gkv_report_json_runs(FILE *file, const struct gkv_trial_options *options,
                          const struct gkv_campaign *campaign);

#endif
