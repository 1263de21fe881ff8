/* Kinds of runs: what a seed is drawn for.
 *
 * Model     A profile bends the drawn scenario; the draws themselves are those of every profile.
 * Not here  Single families of faults: sim/family.h.
 */
#ifndef GKV_SIM_PROFILE_H
#define GKV_SIM_PROFILE_H

struct gkv_scenario;

enum gkv_profile {
    GKV_PROFILE_SWARM = 0,   /* every seed something else */
    GKV_PROFILE_LITE = 1,    /* three nodes, 150 operations, a second of work: many seeds */
    GKV_PROFILE_MEASURE = 2, /* five nodes, 2,000 operations, 120 s, no faults: for figures */
    GKV_PROFILE_LIGHT = 3,   /* the same with hardly anything to do */
    GKV_PROFILE_COUNT = 4,
};

/* Its name, such as "swarm". */
const char *gkv_profile_name(enum gkv_profile profile);

/* What it is, in a few words. */
const char *gkv_profile_text(enum gkv_profile profile);

/* The profile of a name; GKV_PROFILE_COUNT when there is none. */
enum gkv_profile gkv_profile_find(const char *name);

/* Bend a drawn scenario. */
void gkv_profile_shape(struct gkv_scenario *scenario, enum gkv_profile profile);

#endif
