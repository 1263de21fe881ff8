#include "sim/switches.h"

#include <stddef.h>

#include "sim/check.h"
#include "sim/family.h"
#include "sim/profile.h"
#include "sim/report.h"

const char gkv_switches_help[] =
    "  --profile NAME    what a seed is drawn for: swarm (by default), lite, and so on\n"
    "  --only-fault A,B  of all families of faults, only these may strike\n"
    "  --no-fault A,B    these may not; all: none may; what another needs takes that with it\n"
    "  --no-check A,B    what these checks find fails nothing\n"
    "  --limit EVENTS    a run of more events fails, as limit: shows what a failure looks like\n";

static const char *profile_at(uint32_t index)
{
    return index < GKV_PROFILE_COUNT ? gkv_profile_name((enum gkv_profile)index) : NULL;
}

static bool take_profile(struct gkv_arguments *arguments, struct gkv_trial_options *options)
{
    char known[GKV_ARGUMENTS_WRONG_BYTES / 2];
    const char *name = NULL;
    if (!gkv_arguments_take_text(arguments, "--profile", &name)) {
        return false;
    }
    options->profile = gkv_profile_find(name);
    if (options->profile == GKV_PROFILE_COUNT) {
        gkv_arguments_list(profile_at, known, sizeof(known));
        return gkv_arguments_wrong(arguments, "there is no profile '%s', but: %s", name, known);
    }
    return true;
}

bool gkv_switches_take(struct gkv_arguments *arguments, struct gkv_trial_options *options)
{
    static const uint64_t all = (UINT64_C(1) << GKV_FAMILY_COUNT) - 1;
    uint64_t mask = 0;
    if (gkv_arguments_take_names(arguments, "--only-fault", gkv_report_family_at, &mask)) {
        options->off_mask |= all & ~mask;
        return true;
    }
    if (gkv_arguments_take_names(arguments, "--no-fault", gkv_report_family_at, &mask)) {
        options->off_mask |= mask;
        return true;
    }
    if (gkv_arguments_take_names(arguments, "--no-check", gkv_report_check_at, &mask)) {
        options->check_off_mask |= mask;
        return true;
    }
    return take_profile(arguments, options) ||
           gkv_arguments_take_number(arguments, "--limit", UINT64_MAX, &options->event_count_max);
}
