/* How often each thing that must hold was really asked, and each thing that may go wrong was met: a
 * check that is never reached proves nothing.
 *
 * Model     A check counts where it compares, and only when the comparison could have failed: a get
 *           of a key that nobody wrote does not count as "saw what was acknowledged".
 * Not here  What must hold: sim/check.h.
 */
#ifndef GKV_SIM_TALLY_H
#define GKV_SIM_TALLY_H

#include <stdint.h>

enum gkv_predicate {
    GKV_HOLDS_ONCE = 0,          /* a completion is of an open operation of this life */
    GKV_HOLDS_IN_TIME = 1,       /* and comes by its deadline */
    GKV_HOLDS_ANSWERED = 2,      /* a get in the quiet cluster is answered */
    GKV_HOLDS_WRITTEN = 3,       /* a value read was written */
    GKV_HOLDS_VERSION = 4,       /* under no newer version than its set was told */
    GKV_HOLDS_NOT_FAILED = 5,    /* and by no set that had failed for certain */
    GKV_HOLDS_NOT_EXPIRED = 6,   /* and had not expired */
    GKV_HOLDS_SEEN = 7,          /* a get sees what was acknowledged before it */
    GKV_HOLDS_NEWER = 8,         /* a set is newer than what was acknowledged before it */
    GKV_HOLDS_MEMBER_ALIVE = 9,  /* a member is held to be alive by another */
    GKV_HOLDS_MEMBER_DOWN = 10,  /* one that is down to be unreachable */
    GKV_HOLDS_MEMBER_LEFT = 11,  /* one that left to have left */
    GKV_HOLDS_SUSPECTED = 12,    /* who is declared unreachable was suspected for long enough */
    GKV_HOLDS_OWNERS_AGREE = 13, /* two owners hold one record of a key */
    GKV_HOLDS_OWNED = 14,        /* and at least what was acknowledged */
    GKV_HOLDS_SOUND = 15,        /* nothing that a node said was refused as malformed */
    GKV_HOLDS_KEPT = 16,         /* a value that was written is not gone before its time */
    GKV_MET_IN_DOUBT = 17,       /* what clients were told */
    GKV_MET_TIMEOUT = 18,
    GKV_MET_NO_QUORUM = 19,
    GKV_MET_FULL = 20,
    GKV_MET_CLOCK = 21,
    GKV_MET_CUT = 22, /* what befell the nodes */
    GKV_MET_CRASH = 23,
    GKV_MET_STEP = 24,
    GKV_MET_PAUSE = 25,
    GKV_MET_LEAVE = 26,
    GKV_HOLDS_CLOCK_NEAR = 27,
    GKV_HOLDS_CLOCK_ORDER = 28,
    GKV_HOLDS_CLOCK_UNIQUE = 29,
    GKV_HOLDS_BOOT_RISES = 30,
    GKV_HOLDS_INCARNATION_RISES = 31,
    GKV_HOLDS_INCARNATION_OWN = 32,
    GKV_HOLDS_DURABLE = 33,
    GKV_HOLDS_KEEPS = 34,
    GKV_HOLDS_TTL_OVER = 35,
    GKV_HOLDS_TTL_BOUND = 36,
    GKV_HOLDS_TTL_GONE = 37,
    GKV_HOLDS_SESSION_OWN = 38,
    GKV_HOLDS_SESSION_MONOTONIC = 39,
    GKV_MET_SESSION_NOT_OWN = 40,
    GKV_MET_SESSION_BACK = 41,
    GKV_HOLDS_QUIET = 42,    /* what is said in a quiet cluster is routine */
    GKV_HOLDS_BUDGET = 43,   /* and no more than that */
    GKV_HOLDS_ACCURATE = 44, /* nobody who is up is suspected there */
    GKV_HOLDS_HELPED = 45,   /* nor where one link is cut */
    GKV_HOLDS_FORWARD = 46,  /* what is held of a member moves forward */
    GKV_HOLDS_STRANGER = 47, /* and begins with one who is there */
    GKV_HOLDS_DEAD = 48,     /* who dies is unreachable in time */
    GKV_PREDICATE_COUNT = 49,
};

struct gkv_tally {
    uint64_t counts[GKV_PREDICATE_COUNT];
};

static inline void gkv_tally_add(struct gkv_tally *tally, const struct gkv_tally *more)
{
    for (uint32_t i = 0; i < GKV_PREDICATE_COUNT; i++) {
        tally->counts[i] += more->counts[i];
    }
}

/* What a predicate is called, such as "quorum.seen". */
const char *gkv_tally_name(enum gkv_predicate predicate);

#endif
