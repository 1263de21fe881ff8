/* A small world in full: three nodes, one key, two or three operations, and every order in which
 * their messages can arrive, with every single message lost, and every node crashed before every
 * message that it gets.
 *
 * Model     Stateless search (Godefroid 1996): a run is a function of its choices, and an odometer
 *           (sim/choice.h) turns through all of them. Messages to different nodes may be taken in
 *           either order with one result, so only one of the two is run: sleep sets hold back what
 *           an earlier branch began with, until its receiver gets something else. Time stands
 *           still. When nothing is under way, every live node is asked in turn, and then every
 *           deadline passes.
 * Bounds    GKV_EXHAUST_PARCEL_COUNT messages under way; at most one loss or one crash in a run.
 * Invariant Each run begins with the same memory, byte for byte.
 * Not here  The codec, streams and time, whose choices are too many for this: sim/trial.h.
 */
#ifndef GKV_SIM_EXHAUST_H
#define GKV_SIM_EXHAUST_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/choice.h"

#define GKV_EXHAUST_PARCEL_COUNT 64
#define GKV_EXHAUST_TEXT_BYTES 200

struct gkv_exhaust_result {
    uint64_t run_count;
    uint64_t cut_count; /* of them, given up: their order was another's in all that counts */
    uint64_t loss_count;
    uint64_t crash_count;
    uint64_t delivery_count;
    bool has_failed;
    bool is_stopped;                   /* by who looks on: not all runs were made */
    char text[GKV_EXHAUST_TEXT_BYTES]; /* what did not hold in the last run */
    struct gkv_odometer odometer;      /* its choices */
};

/* How many plays there are, and what happens in one. */
uint32_t gkv_exhaust_play_count(void);
const char *gkv_exhaust_play_text(uint32_t play);

/* Does all of it take over a minute? */
bool gkv_exhaust_play_is_long(uint32_t play);

/* Looks on, now and then. False: that is enough. */
typedef bool gkv_exhaust_looker(void *context, const struct gkv_exhaust_result *result);

/* Run a play in every way there is, up to the first failure, or until `look` has seen enough; look
 * may be NULL. False: no memory. */
bool gkv_exhaust_run(uint32_t play, gkv_exhaust_looker *look, void *context,
                     struct gkv_exhaust_result *result_out);

/* The share of all runs that was made, in millionths, if as much came behind each choice as behind
 * another: a guess. */
uint32_t gkv_exhaust_share_ppm(const struct gkv_exhaust_result *result);

/* Run it once, with the choices in result->odometer, which says afterwards whether each was one,
 * and whether they were too many: next < count. False: no memory. */
bool gkv_exhaust_replay(uint32_t play, struct gkv_exhaust_result *result);

#endif
