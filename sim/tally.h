/* How often each thing that must hold was really asked, each thing that may go wrong was met, and
 * each corner of the protocol was reached: a check that is never asked proves nothing, and a corner
 * that no seed turns hides what it likes.
 *
 * Model     One table of names, in three groups. HOLDS: a check counts where it compares, and only
 *           when the comparison could have failed: a get of a key that nobody wrote does not count
 *           as "saw what was acknowledged". MET: what befell nodes and clients, counted where it is
 *           done or told. REACHED: what a node was brought to, counted by sim/sometimes.h, which
 *           looks on from outside.
 * Invariant Each entry is reached by the seeds of its budget: `gridkv-sim coverage` fails when one
 *           is not.
 * Not here  What must hold: sim/check.h.
 */
#ifndef GKV_SIM_TALLY_H
#define GKV_SIM_TALLY_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/settled.h"

enum gkv_predicate {
    GKV_HOLDS_ONCE,         /* a completion is of an open operation of this life */
    GKV_HOLDS_IN_TIME,      /* and comes by its deadline */
    GKV_HOLDS_ANSWERED,     /* a get in the quiet cluster is answered */
    GKV_HOLDS_WRITTEN,      /* a value read was written */
    GKV_HOLDS_VERSION,      /* under no newer version than its set was told */
    GKV_HOLDS_NOT_FAILED,   /* and by no set that had failed for certain */
    GKV_HOLDS_NOT_EXPIRED,  /* and had not expired */
    GKV_HOLDS_SEEN,         /* a get sees what was acknowledged before it */
    GKV_HOLDS_NEWER,        /* a set is newer than what was acknowledged before it */
    GKV_HOLDS_MEMBER_ALIVE, /* a member is held to be alive by another */
    GKV_HOLDS_MEMBER_DOWN,  /* one that is down to be unreachable */
    GKV_HOLDS_MEMBER_LEFT,  /* one that left to have left */
    GKV_HOLDS_SUSPECTED,    /* who is declared unreachable was suspected for long enough */
    GKV_HOLDS_OWNERS_AGREE, /* two owners hold one record of a key */
    GKV_HOLDS_OWNED,        /* and at least what was acknowledged */
    GKV_HOLDS_SOUND,        /* nothing that a node said was refused as malformed */
    GKV_HOLDS_KEPT,         /* a value that was written is not gone before its time */
    GKV_MET_IN_DOUBT,       /* what clients were told */
    GKV_MET_TIMEOUT,
    GKV_MET_NO_QUORUM,
    GKV_MET_FULL,
    GKV_MET_CLOCK,
    GKV_MET_CUT, /* what befell the nodes */
    GKV_MET_CRASH,
    GKV_MET_STEP,
    GKV_MET_PAUSE,
    GKV_MET_LEAVE,
    GKV_HOLDS_CLOCK_NEAR,
    GKV_HOLDS_CLOCK_ORDER,
    GKV_HOLDS_CLOCK_UNIQUE,
    GKV_HOLDS_BOOT_RISES,
    GKV_HOLDS_INCARNATION_RISES,
    GKV_HOLDS_INCARNATION_OWN,
    GKV_HOLDS_DURABLE,
    GKV_HOLDS_KEEPS,
    GKV_HOLDS_TTL_OVER,
    GKV_HOLDS_TTL_BOUND,
    GKV_HOLDS_TTL_GONE,
    GKV_HOLDS_SESSION_OWN,
    GKV_HOLDS_SESSION_MONOTONIC,
    GKV_MET_SESSION_NOT_OWN,
    GKV_MET_SESSION_BACK,
    GKV_HOLDS_QUIET,        /* what is said in a quiet cluster is routine */
    GKV_HOLDS_BUDGET,       /* and no more than that */
    GKV_HOLDS_ACCURATE,     /* nobody who is up is suspected there */
    GKV_HOLDS_HELPED,       /* nor where one link is cut */
    GKV_HOLDS_FORWARD,      /* what is held of a member moves forward */
    GKV_HOLDS_STRANGER,     /* and begins with one who is there */
    GKV_HOLDS_DEAD,         /* who dies is unreachable in time */
    GKV_HOLDS_GIVEN_BACK,   /* an idle node keeps no operation */
    GKV_HOLDS_ONE_STREAM,   /* and one stream each way */
    GKV_HOLDS_HANDED_ON,    /* what others hold of a key, its owners hold */
    GKV_HOLDS_RING,         /* a node names the owners of the ring */
    GKV_HOLDS_COPIED,       /* an acknowledged set is at all owners soon */
    GKV_HOLDS_REFUTED,      /* who is accused by a ping refutes in the answer */
    GKV_HOLDS_SPREAD,       /* and tells it unasked */
    GKV_HOLDS_REPLIED,      /* a reply goes to who asked */
    GKV_HOLDS_ASKER,        /* whoever asks for a table is in it */
    GKV_HOLDS_WHOLE,        /* and so is everybody, when all has settled */
    GKV_HOLDS_GREY_SEEN,    /* who is accused by many in vain is DEGRADED */
    GKV_MET_OUTSIDER,       /* a node never comes back */
    GKV_MET_BUSY,           /* a client is told BUSY */
    GKV_HOLDS_FORGOTTEN,    /* a deletion is held no longer than it has to be */
    GKV_HOLDS_NO_QUORUM,    /* who refuses at once reaches too few owners */
    GKV_HOLDS_INTERSECT,    /* who stored a set answers later gets */
    GKV_MET_WILD_STEP,      /* a wall clock steps by minutes */
    GKV_HOLDS_LINEAR,       /* a get is put in one order with the writes of its key */
    GKV_HOLDS_RIGHT,        /* what is held was written by somebody who was not told a failure */
    GKV_HOLDS_BUDDY,        /* a suspect that is pinged is told */
    GKV_HOLDS_ACCUSER,      /* who accuses has asked */
    GKV_HOLDS_ACCUSERS,     /* and of those who do, each is named once */
    GKV_HOLDS_NACK,         /* a helper that says NACK has not heard */
    GKV_HOLDS_PROBE_SINGLE, /* a probe begins when no other of its target is under way */
    GKV_HOLDS_PROBE_OVER,   /* and an accusation is not made before it is over */
    GKV_HOLDS_REACH_STREAM, /* whom helpers are asked about is pinged over a stream */
    GKV_HOLDS_REACH_LAST,   /* who is buried was asked a last time */
    GKV_HOLDS_STALL,        /* an operation is given up by who stood still meanwhile */
    GKV_HOLDS_WITNESS,      /* somebody is accused or buried where others must be heard */
    GKV_HOLDS_SINCE_ASKED,  /* or buried, and was seen to be asked before */
    GKV_HOLDS_PATIENCE,     /* and by who has heard nobody for long */
    GKV_HOLDS_PACE_SLOW,    /* who is unwell probes later */
    GKV_HOLDS_PACE_WELL,    /* and who is well in every interval */
    GKV_HOLDS_REBUTTAL,     /* who refutes tells the accuser */
    GKV_HOLDS_GOODBYE,      /* who leaves does so in time */
    GKV_HOLDS_SERVICE,      /* who serves has met its cluster */
    GKV_HOLDS_RECALL,       /* who was evicted is called */
    GKV_HOLDS_FORGET,       /* a write below what is forgotten is refused */
    GKV_HOLDS_LEFT,         /* who has left is forgotten */
    GKV_HOLDS_EVICT,        /* who is unreachable is evicted */
    GKV_HOLDS_HOTCACHE,     /* a get is answered without asking the owners */
    GKV_HOLDS_SUSPICION,    /* who is suspect for long is not so for ever */
    GKV_HOLDS_STILL_OPEN,   /* what is open in the end is not overdue */
    /* What each says is in sim/tally.c. */
    GKV_REACHED_WRITE_WITHOUT_ALL,
    GKV_REACHED_WRITE_ONE_SHORT,
    GKV_REACHED_WRITE_UNHEARD,
    GKV_REACHED_WRITE_STALE_YET_OK,
    GKV_REACHED_WRITE_CLOCK_YET_OK,
    GKV_REACHED_WRITE_FULL_YET_OK,
    GKV_REACHED_WRITE_RETRIED,
    GKV_REACHED_WRITE_GAVE_UP,
    GKV_REACHED_WRITE_BY_STRANGER,
    GKV_REACHED_WRITE_SAME_MS,
    GKV_REACHED_WRITE_SAME_STAMP,
    GKV_REACHED_WRITE_CONCURRENT,
    GKV_REACHED_WRITE_AFTER_DELETE,
    GKV_REACHED_WRITE_LIFTS_TTL,
    GKV_REACHED_DELETE_NOTHING,
    GKV_REACHED_GET_NOTHING,
    GKV_REACHED_GET_DELETED,
    GKV_REACHED_GET_EXPIRED,
    GKV_REACHED_GET_SOME_ABSENT,
    GKV_REACHED_GET_TWO_VERSIONS,
    GKV_REACHED_GET_THREE_VERSIONS,
    GKV_REACHED_GET_IN_DOUBT,
    GKV_REACHED_GET_OPEN,
    GKV_REACHED_GET_ONE_SHORT,
    GKV_REACHED_OPERATION_LATE_ANSWER,
    GKV_REACHED_OPERATION_RING_CHANGED,
    GKV_REACHED_OPERATION_AT_LEAVER,
    GKV_REACHED_OPERATION_AT_RETURNED,
    GKV_REACHED_OPERATION_UNREADY,
    GKV_REACHED_CLOCK_REFUSED,
    GKV_REACHED_CLOCK_AHEAD,
    GKV_REACHED_CLOCK_FAR_AHEAD,
    GKV_REACHED_CLOCK_WENT_BACK,
    GKV_REACHED_CLOCK_COUNTED,
    GKV_REACHED_REPAIR_VALUE,
    GKV_REACHED_REPAIR_DELETE,
    GKV_REACHED_REPAIR_LIMITED,
    GKV_REACHED_SYNC_DIFFERENCE,
    GKV_REACHED_SYNC_FIRST_GROUP,
    GKV_REACHED_SYNC_LAST_GROUP,
    GKV_REACHED_SYNC_MANY_GROUPS,
    GKV_REACHED_SYNC_PULL,
    GKV_REACHED_SYNC_DELETES,
    GKV_REACHED_SYNC_OUTDATED,
    GKV_REACHED_SYNC_HANDED_OVER,
    GKV_REACHED_SYNC_CRASH,
    GKV_REACHED_STORE_SWEPT,
    GKV_REACHED_STORE_FORGOT,
    GKV_REACHED_STORE_EVICTED,
    GKV_REACHED_STORE_PACKED,
    GKV_REACHED_SWIM_INDIRECT,
    GKV_REACHED_SWIM_HELPED,
    GKV_REACHED_SWIM_HANDED_ON,
    GKV_REACHED_SWIM_REPEATED,
    GKV_REACHED_SWIM_BY_STREAM,
    GKV_REACHED_SWIM_NACK,
    GKV_REACHED_SWIM_AT_ONCE,
    GKV_REACHED_SWIM_HEARSAY,
    GKV_REACHED_SWIM_CONFIRMED,
    GKV_REACHED_SWIM_STALLED,
    GKV_REACHED_SWIM_NO_WITNESS,
    GKV_REACHED_SWIM_LAST_CHANCE,
    GKV_REACHED_SWIM_REPRIEVED,
    GKV_REACHED_SWIM_DEGRADED,
    GKV_REACHED_SWIM_DEGRADED_NO_MORE,
    GKV_REACHED_SWIM_DEGRADED_EVICTED,
    GKV_REACHED_SWIM_WAITED,
    GKV_REACHED_SWIM_UNWELL,
    GKV_REACHED_SWIM_WELL_AGAIN,
    GKV_REACHED_SWIM_REFUTED,
    GKV_REACHED_SWIM_REFUTED_AGAIN,
    GKV_REACHED_SWIM_CAME_BACK,
    GKV_REACHED_SWIM_EVICTED,
    GKV_REACHED_SWIM_READMITTED,
    GKV_REACHED_SWIM_REBORN,
    GKV_REACHED_SWIM_REBORN_UNNOTICED,
    GKV_REACHED_SWIM_RETURNED,
    GKV_REACHED_SWIM_LEAVING,
    GKV_REACHED_SWIM_LEFT_MISSED,
    GKV_REACHED_SWIM_GOODBYE_LOST,
    GKV_REACHED_SWIM_MISTAKEN,
    GKV_REACHED_SWIM_PAUSED,
    GKV_REACHED_SWIM_ALONE,
    GKV_REACHED_SWIM_FULL_MESSAGE,
    GKV_REACHED_SWIM_STALE,
    GKV_REACHED_SWIM_UNKNOWN,
    GKV_REACHED_BOOT_CUT_OFF,
    GKV_REACHED_CRASH_AT_WORK,
    GKV_REACHED_CRASH_PAUSED,
    GKV_REACHED_STREAM_SPLIT_HEADER,
    GKV_REACHED_STREAM_SPLIT_EVERYWHERE,
    GKV_REACHED_STREAM_BROKEN,
    GKV_REACHED_STREAM_STALLED,
    GKV_REACHED_STREAM_DIAL_FAILED,
    GKV_REACHED_STREAM_BACKOFF,
    GKV_REACHED_STREAM_FULL,
    GKV_REACHED_STREAM_REFUSED,
    GKV_REACHED_DATAGRAM_LOST,
    GKV_REACHED_DATAGRAM_DOUBLED,
    GKV_REACHED_SHAPE_ONE,
    GKV_REACHED_SHAPE_TWO,
    GKV_REACHED_SHAPE_TOO_FEW,
    /* What befell the nodes, too. */
    GKV_MET_DAMAGE_REFUSED,
    GKV_MET_SLOW_LINK,
    GKV_MET_STALL,
    GKV_MET_RESET,
    GKV_MET_HALF_OPEN,
    GKV_MET_CUT_LINK,
    GKV_MET_CUT_NODE,
    GKV_MET_CUT_SIDES,
    GKV_MET_CUT_ONE_WAY,
    GKV_MET_CUT_BRIDGE,
    GKV_MET_CUT_RING,
    GKV_MET_CUT_SEEDS,
    GKV_MET_CUT_FLAP,
    GKV_MET_CUT_SWIZZLE,
    GKV_MET_CUT_LASTING,
    GKV_MET_CRASH_SILENT,
    GKV_MET_ROLL,
    GKV_MET_BLACKOUT,
    GKV_MET_KEY_CRASH,
    GKV_MET_SUSPEND,
    GKV_MET_SLOW_NODE,
    GKV_MET_LOST_CLOCK,
    GKV_MET_LOSS,
    GKV_MET_DUPLICATE,
    GKV_MET_BREAK,
    GKV_MET_QUEUED,
    GKV_MET_REFUSAL,
    GKV_MET_HANG,
    GKV_MET_SLAM,
    GKV_MET_TRICKLE,
    GKV_MET_FLIP,
    GKV_MET_TRUNCATION,
    GKV_MET_JOIN,
    GKV_PREDICATE_COUNT,
};

struct gkv_tally {
    uint64_t counts[GKV_PREDICATE_COUNT];
    struct gkv_settled settled;
};

static inline void gkv_tally_add(struct gkv_tally *tally, const struct gkv_tally *more)
{
    for (uint32_t i = 0; i < GKV_PREDICATE_COUNT; i++) {
        tally->counts[i] += more->counts[i];
    }
    gkv_settled_add(&tally->settled, &more->settled);
}

enum gkv_tally_group {
    GKV_TALLY_HOLDS = 1,
    GKV_TALLY_MET = 2,
    GKV_TALLY_REACHED = 3,
};

/* How many seeds must reach an entry at the least. */
enum gkv_tally_budget {
    GKV_TALLY_COMMIT = 0, /* those of every commit: 300 */
    GKV_TALLY_DEEP = 1,   /* 20,000 */
};

struct gkv_tally_entry {
    const char *name; /* such as "quorum.seen" */
    const char *says; /* what happened when it is counted */
    enum gkv_tally_group group;
    enum gkv_tally_budget budget;
};

/* How many seeds a budget is. */
uint64_t gkv_tally_seed_count(enum gkv_tally_budget budget);

/* Was an entry, counted so often, due within so many seeds and not reached? */
bool gkv_tally_is_missing(enum gkv_predicate predicate, uint64_t count, uint64_t seed_count);

const struct gkv_tally_entry *gkv_tally_entry(enum gkv_predicate predicate);

static inline const char *gkv_tally_name(enum gkv_predicate predicate)
{
    return gkv_tally_entry(predicate)->name;
}

#endif
