/* gridkv-sim posix where there is no epoll, which is what the made-up kernel speaks. */
#include <stdio.h>

#include "sim/command.h"
#include "sim/trial.h"

int gkv_command_posix(struct gkv_arguments *arguments)
{
    (void)arguments;
    (void)fputs("gridkv-sim: posix needs Linux\n", stderr);
    return GKV_TRIAL_INTERNAL;
}
