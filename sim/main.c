/* gridkv-sim: run clusters that never were, by seed. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "sim/command.h"
#include "sim/switches.h"
#include "sim/trial.h"

/* ---- The texts of help ----------------------------------------------------------------------- */

static const char help_run[] =
    "usage: gridkv-sim run --seed N [--html FILE] [--trace LIST] [--out FILE.gseed]\n"
    "       gridkv-sim run --seeds A..B | --time 10m [--seed FIRST]\n"
    "\n"
    "  --seed N          one seed: a number, or a git commit, whose first 8 digits are taken\n"
    "  --seeds A..B      all of them, up to the first failure; of several, the lowest is told\n"
    "  --time 90s        seeds from --seed on, or fresh ones, for so long (s, m, h)\n"
    "  --jobs J          in so many processes; by default, one for each processor\n"
    "  --twice           every seed twice, and the hashes compared\n"
    "  --json            one JSON object per line instead of text\n"
    "  --hashes          a line for each seed: the seed and its hash\n"
    "  --html FILE       a page that shows what happened\n"
    "  --trace LIST      chrome=FILE,shiviz=FILE,history=FILE, or some of them\n"
    "  --out FILE.gseed  every draw of the run, to replay and to shrink\n";

static const char help_replay[] =
    "usage: gridkv-sim replay FILE.gseed|FILE.scenario [--html FILE] [--trace LIST]\n"
    "\n"
    "Runs what was recorded, and says whether it was the same run.\n"
    "\n"
    "  --html FILE   a page that shows what happened\n"
    "  --trace LIST  chrome=FILE,shiviz=FILE,history=FILE, or some of them\n";

static const char help_shrink[] =
    "usage: gridkv-sim shrink FILE.gseed|FILE.scenario [--tries N] [--time 90s]\n"
    "                         [--out FILE.scenario]\n"
    "\n"
    "Looks for a smaller run in which the same check fails. The smallest so far is always in the\n"
    "file: stop it when you like.\n"
    "\n"
    "  --tries N    runs at most so many; 6000 by default\n"
    "  --time 90s   begins no run later (s, m, h)\n"
    "  --out FILE   where the smaller run goes; by default FILE.gseed.min.scenario\n";

static const char help_determinism[] =
    "usage: gridkv-sim determinism [--seeds A..B] [--against COMMAND]... [--jobs J]\n"
    "\n"
    "Runs every seed twice and compares the hashes; then lets other builds run them.\n"
    "\n"
    "  --seeds A..B        1..500 by default\n"
    "  --against COMMAND   another gridkv-sim, or what starts one: the shell runs it with\n"
    "                      `run --hashes --seeds A..B` after it\n"
    "  --jobs J            in so many processes; by default, one for each processor\n";

static const char help_explain[] =
    "usage: gridkv-sim explain FILE.gseed|FILE.scenario | --seed N\n"
    "\n"
    "Tells a failed run in words: what is demanded, what happened instead, and what led to it.\n"
    "\n"
    "  --seed N          one seed: a number, or a git commit; with it also\n";

static const char help_coverage[] =
    "usage: gridkv-sim coverage [--seeds A..B] [--jobs J]\n"
    "\n"
    "Runs seeds, and names what was asked, met and reached, in how many of them, and the first.\n"
    "Fails with 15 when something was never reached in as many seeds as it is due in, unless\n"
    "another profile is asked for, or a family of faults is off.\n"
    "\n"
    "  --seeds A..B  1..20000 by default\n"
    "  --jobs J      in so many processes; by default, one for each processor\n";

static const char help_posix[] =
    "usage: gridkv-sim posix --seed N | --seeds A..B | --time 10m [--seed FIRST]\n"
    "\n"
    "Runs hosts of io_posix on a made-up kernel, whose calls fail in every way they may.\n"
    "\n"
    "  --seed N      one seed: a number, or a git commit, whose first 8 digits are taken\n"
    "  --seeds A..B  all of them, up to the first failure; of several, the lowest is told\n"
    "  --time 90s    seeds from --seed on, or fresh ones, for so long (s, m, h)\n"
    "  --twice       every seed twice, and the hashes compared\n"
    "  --jobs J      in so many processes; by default, one for each processor\n";

static const char help_convert[] =
    "usage: gridkv-sim convert FILE.gseed INPUT | INPUT FILE.gseed\n"
    "\n"
    "A recording of the profile lite to an input of the fuzzer fuzz_sim, or back.\n";

static const char help_prob[] =
    "usage: gridkv-sim prob FILE.gseed [--points K] [--tries T]\n"
    "\n"
    "Keeps the first draws of a recorded failure, has the rest drawn afresh, and shows how often\n"
    "it fails alike; then looks for the draw that decides.\n"
    "\n"
    "  --points K  so many steps from no draw to all of them; 16 by default\n"
    "  --tries T   so many runs at each; 20 by default\n";

static const char help_exhaust[] =
    "usage: gridkv-sim exhaust [--play P [--draws LIST]] [--long] [--time 10m]\n"
    "\n"
    "Three nodes, one key, a few operations: every order of their messages, with every single\n"
    "message lost, and every node crashed before every message that it gets.\n"
    "\n"
    "  --play P      one of the plays; all short ones by default\n"
    "  --long        the long ones, too: one of minutes, one of hours\n"
    "  --time 90s    for so long (s, m, h); with --long 10m by default. What was not run is said\n"
    "  --draws LIST  one run of it, as a failure prints them\n";

/* ---- Commands -------------------------------------------------------------------------------- */

static const struct command {
    const char *name;
    const char *what;
    int (*run)(struct gkv_arguments *arguments);
    const char *help;
    bool has_switches; /* --profile and its like */
} commands[] = {
    {"run", "one seed, a range of them, or as many as there is time for", gkv_command_run, help_run,
     true},
    {"replay", "a recorded run", gkv_command_replay, help_replay, false},
    {"shrink", "a recorded failure, to a smaller one", gkv_command_shrink, help_shrink, false},
    {"determinism", "is a run a function of its seed, in every build?", gkv_command_determinism,
     help_determinism, true},
    {"explain", "a failed run, in words", gkv_command_explain, help_explain, true},
    {"coverage", "which corners of the protocol seeds reach", gkv_command_coverage, help_coverage,
     true},
    {"posix", "io_posix on a made-up kernel, by seed", gkv_command_posix, help_posix, false},
    {"exhaust", "a small world, in every way there is", gkv_command_exhaust, help_exhaust, false},
    {"prob", "which draw decided a recorded failure", gkv_command_prob, help_prob, false},
    {"convert", "a recording to an input of the fuzzer, and back", gkv_command_convert,
     help_convert, false},
};
#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static const char statuses[] =
    "exit status: 0 pass, 2 usage, 10 safety, 11 liveness, 12 assertion, 13 memory,\n"
    "14 determinism, 15 coverage, 16 the simulator itself\n";

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(name, commands[i].name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

static void print_commands(FILE *file)
{
    (void)fputs("usage: gridkv-sim COMMAND [OPTIONS]\n\n", file);
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        (void)fprintf(file, "  %-12s %s\n", commands[i].name, commands[i].what);
    }
    (void)fprintf(file, "  %-12s what its options are\n\n%s", "help COMMAND", statuses);
}

static int help(const char *name)
{
    const struct command *command = name == NULL ? NULL : find(name);
    if (name != NULL && command == NULL) {
        (void)fprintf(stderr, "gridkv-sim: there is no command '%s'\n\n", name);
    }
    if (command == NULL) {
        print_commands(name == NULL ? stdout : stderr);
        return name == NULL ? GKV_TRIAL_PASS : GKV_TRIAL_USAGE;
    }
    (void)fputs(command->help, stdout);
    (void)fputs(command->has_switches ? gkv_switches_help : "", stdout);
    (void)printf("\n%s", statuses);
    return GKV_TRIAL_PASS;
}

/* What was wrong, and where it is written how it should be. */
static void complain(const struct command *command, const struct gkv_arguments *arguments)
{
    if (arguments->wrong[0] != '\0') {
        (void)fprintf(stderr, "gridkv-sim %s: %s\n", command->name, arguments->wrong);
    } else if (gkv_arguments_more(arguments)) {
        (void)fprintf(stderr, "gridkv-sim %s: there is no option '%s'\n", command->name,
                      arguments->words[arguments->next]);
    } else if (arguments->count == 2) {
        /* Not a word was given: the usage alone, which the help begins with. */
        (void)fprintf(stderr, "%.*s\n", (int)(strstr(command->help, "\n\n") - command->help),
                      command->help);
    }
    (void)fprintf(stderr, "see: gridkv-sim help %s\n", command->name);
}

int main(int count, char **words)
{
    struct gkv_arguments arguments = {.words = words, .count = count, .next = 2};
    if (count < 2) {
        print_commands(stderr);
        return GKV_TRIAL_USAGE;
    }
    if (strcmp(words[1], "help") == 0 || strcmp(words[1], "--help") == 0) {
        return help(count > 2 ? words[2] : NULL);
    }
    const struct command *command = find(words[1]);
    if (command == NULL) {
        return help(words[1]);
    }
    if (count > 2 && strcmp(words[2], "--help") == 0) {
        return help(words[1]);
    }
    const int status = command->run(&arguments);
    if (status == GKV_TRIAL_USAGE) {
        complain(command, &arguments);
    }
    if ((fflush(stdout) != 0 || ferror(stdout) != 0) && status == GKV_TRIAL_PASS) {
        (void)fputs("gridkv-sim: cannot write to stdout\n", stderr);
        return GKV_TRIAL_INTERNAL;
    }
    return status;
}
