/* The options of a command line that say what is run and what is looked at: --profile,
 * --only-fault, --no-fault, --no-check, --limit.
 */
#ifndef GKV_SIM_SWITCHES_H
#define GKV_SIM_SWITCHES_H

#include <stdbool.h>

#include "sim/arguments.h"
#include "sim/trial.h"

/* Their lines for a command's help. */
extern const char gkv_switches_help[];

/* Take one of them into the options of a trial. False: the next word is none of them, or its value
 * is wrong, which is noted. */
bool gkv_switches_take(struct gkv_arguments *arguments, struct gkv_trial_options *options);

#endif
