/* Kinds of runs: what a seed is drawn for.
 *
 * Model     A profile bends the scenario after it was drawn, which is done as in every profile.
 * Not here  Single families of faults: sim/family.h.
 */
#ifndef GKV_SIM_PROFILE_H
#define GKV_SIM_PROFILE_H

struct gkv_choice;
struct gkv_scenario;

enum gkv_profile {
    GKV_PROFILE_SWARM = 0,   /* every seed something else */
    GKV_PROFILE_LITE = 1,    /* three nodes, 150 operations, a second of work: many seeds */
    GKV_PROFILE_HOSTILE = 2, /* no bound on what goes wrong at once; what must never happen, only */
    GKV_PROFILE_LIVE = 3,    /* dense faults for a second or two, then all must settle */
    GKV_PROFILE_WIDE = 4,    /* as many nodes as there can be, few keys: membership above all */
    GKV_PROFILE_SOAK = 5,    /* eight hours, some ten million events */
    GKV_PROFILE_MEASURE = 6, /* five nodes, 2,000 operations, 120 s, no faults: for figures */
    GKV_PROFILE_LIGHT = 7,   /* the same with hardly anything to do */
    GKV_PROFILE_COUNT = 8,
};

/* Its name, such as "swarm". */
const char *gkv_profile_name(enum gkv_profile profile);

/* What it is, in a few words. */
const char *gkv_profile_text(enum gkv_profile profile);

/* The profile of a name; GKV_PROFILE_COUNT when there is none. */
enum gkv_profile gkv_profile_find(const char *name);

/* Bend a drawn scenario, with more draws where the profile needs them. */
void gkv_profile_shape(struct gkv_scenario *scenario, struct gkv_choice *choice,
                       enum gkv_profile profile);

#endif
