/* gridkv-sim: run clusters that never were, by seed. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "sim/command.h"
#include "sim/trial.h"

static const char usage[] =
    "usage: gridkv-sim run --seed N [--out FILE.gseed] [--html FILE] [--trace LIST]\n"
    "       gridkv-sim run --seed N --twice\n"
    "       gridkv-sim run --seeds A..B [--jobs J]\n"
    "       gridkv-sim replay FILE.gseed [--html FILE] [--trace LIST]\n"
    "       gridkv-sim shrink FILE.gseed [--tries N] [--out FILE.gseed]\n"
    "       gridkv-sim coverage [--seeds A..B] [--jobs J]\n"
    "\n"
    "  --seed N      one seed: prints its hash, events, simulated time, operations and result\n"
    "  --out FILE    run: every draw of it, to replay and to shrink; shrink: the smaller run\n"
    "  --html FILE   a page that shows what happened\n"
    "  --trace LIST  chrome=FILE,shiviz=FILE,history=FILE, or some of them\n"
    "  --twice       runs it twice, and compares (also --check-determinism)\n"
    "  --seeds A..B  all of them, up to the first failure\n"
    "  --jobs J      in so many processes; as many as there are processors by default\n"
    "  --tries N     runs at most so many to find a smaller one that fails alike\n"
    "\n"
    "exit status: 0 pass, 2 usage, 10 safety, 11 liveness, 12 assertion, 13 memory,\n"
    "14 determinism, 15 coverage\n";

static const struct {
    const char *name;
    int (*run)(struct gkv_arguments *arguments);
} commands[] = {
    {"run", gkv_command_run},
    {"replay", gkv_command_replay},
    {"shrink", gkv_command_shrink},
    {"coverage", gkv_command_coverage},
};

int main(int count, char **words)
{
    struct gkv_arguments arguments = {.words = words, .count = count, .next = 2};
    int status = GKV_TRIAL_USAGE;
    for (size_t i = 0; count > 1 && i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(words[1], commands[i].name) == 0) {
            status = commands[i].run(&arguments);
        }
    }
    if (status == GKV_TRIAL_USAGE) {
        (void)fputs(usage, stderr);
    }
    return status;
}
