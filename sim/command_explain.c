/* gridkv-sim explain: a failed run in words. */
#include <stdio.h>

#include "sim/command.h"
#include "sim/switches.h"
#include "sim/trial.h"

/* A recorded run: replay knows how. */
static int explain_file(char *name)
{
    char *words[] = {"gridkv-sim", "replay", name, "--explain"};
    struct gkv_arguments arguments = {.words = words, .count = 4, .next = 2};
    return gkv_command_replay(&arguments);
}

int gkv_command_explain(struct gkv_arguments *arguments)
{
    static struct gkv_trial_summary summary; /* too large for a stack frame */
    struct gkv_trial_options options = {.explain = true};
    const char *text = NULL;
    char *file = NULL;
    bool has_seed = false;
    bool has_switches = false;
    while (gkv_arguments_more(arguments)) {
        if (gkv_arguments_take_text(arguments, "--seed", &text)) {
            has_seed = true;
            if (!gkv_arguments_seed(text, &options.seed)) {
                (void)gkv_arguments_wrong(
                    arguments,
                    "--seed wants a number, or 8 to 40 digits of a git commit, and not '%s'", text);
                return GKV_TRIAL_USAGE;
            }
        } else if (file == NULL && arguments->words[arguments->next][0] != '-') {
            file = arguments->words[arguments->next++];
        } else if (gkv_switches_take(arguments, &options)) {
            has_switches = true;
        } else {
            return GKV_TRIAL_USAGE;
        }
    }
    if (has_seed == (file != NULL)) {
        (void)gkv_arguments_wrong(arguments, "what? FILE.gseed, FILE.scenario, or --seed N");
        return GKV_TRIAL_USAGE;
    }
    if (file != NULL && has_switches) {
        (void)gkv_arguments_wrong(arguments, "what was recorded cannot be switched: --seed N can");
        return GKV_TRIAL_USAGE;
    }
    if (file != NULL) {
        return explain_file(file);
    }
    gkv_trial_run_with(&options, &summary);
    return (int)summary.status;
}
