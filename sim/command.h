/* The commands of gridkv-sim: each takes the words after its name and returns the exit status.
 *
 * Model     GKV_TRIAL_USAGE: the words were wrong, or a file that they name cannot be read; main
 *           says how they should be.
 */
#ifndef GKV_SIM_COMMAND_H
#define GKV_SIM_COMMAND_H

#include "sim/arguments.h"

int gkv_command_run(struct gkv_arguments *arguments);
int gkv_command_replay(struct gkv_arguments *arguments);
int gkv_command_shrink(struct gkv_arguments *arguments);
int gkv_command_determinism(struct gkv_arguments *arguments);
int gkv_command_explain(struct gkv_arguments *arguments);
int gkv_command_coverage(struct gkv_arguments *arguments);
int gkv_command_convert(struct gkv_arguments *arguments);
int gkv_command_prob(struct gkv_arguments *arguments);
int gkv_command_exhaust(struct gkv_arguments *arguments);

/* io_posix on a made-up kernel: sim_posix/command.c. */
int gkv_command_posix(struct gkv_arguments *arguments);

#endif
