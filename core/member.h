/* The member table: what we hold to be true of every node we heard of, ourselves at index 0.
 *
 * Model     SWIM 4.2's order of statements, with the boot in front: a greater boot wins outright,
 *           else a greater incarnation, else LEFT > EVICTED > UNREACHABLE > SUSPECT > LEAVING >
 *           ALIVE.
 * Bounds    options.member_count_max places, and at most 8 bytes of index for each. When full, the
 *           member that LEFT longest ago makes room; if none left, the newcomer is refused and
 *           counted. Finding a node id is O(1), entering it O(capacity).
 * Invariant An index means the same node until it is forgotten, and generation changes with it.
 *           Index 0 is us and is never forgotten. ring_epoch grows whenever gkv_member_is_in_ring
 *           changes for any member.
 * Not here  Timers, rumours, refutation: core/swim.h.
 */
#ifndef GKV_CORE_MEMBER_H
#define GKV_CORE_MEMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/message.h"
#include "core/panic.h"
#include "core/types.h"

#define GKV_MEMBER_SELF 0
#define GKV_MEMBER_INDEX_NONE UINT16_MAX

struct gkv_member {
    struct gkv_update said; /* state NONE: the place is unused */
    uint64_t since_ns;      /* when its state, or what is suspect, last changed here */
    uint64_t heard_ns;      /* when it last spoke to us, or entered */
    uint64_t asked_ns;      /* SUSPECT: since when it has its last chance; 0: not yet */
    uint64_t given_ns;      /* SUSPECT: how much of it does not count (core/suspicion.h) */
    uint64_t call_ns;       /* EVICTED: when it is to be called next */
    uint32_t call_ms;       /* and how long after the last time; 0: it was not called yet */
    uint32_t generation;    /* of the place: grows when it is taken and when it is emptied */
    bool is_degraded;       /* core/grey.h: accused by many, and there each time */
    bool is_change_owed;    /* the application is still to be told what is held */
    bool is_verdict_owed;   /* or whether it is DEGRADED */
};

struct gkv_members {
    ptrdiff_t member_offset;
    ptrdiff_t index_offset; /* open addressing: node id -> member index */
    uint16_t capacity;
    uint16_t count;           /* places in use; they need not be the first ones */
    uint16_t reachable_count; /* of them, ALIVE, LEAVING or SUSPECT */
    uint16_t ring_count;      /* of them, not LEFT */
    uint16_t degraded_count;  /* of them, DEGRADED: our own verdict (core/grey.h) */
    uint16_t index_mask;
    uint64_t ring_epoch;    /* never 0 */
    uint64_t begin_ns;      /* when we began to probe, in this life of the process */
    uint64_t heard_ns;      /* when one who is reachable last spoke to us; 0: never */
    uint64_t refused_count; /* newcomers for whom there was no place */
};

/* Lay out a table of `capacity` places and enter `self` as ALIVE at index 0 (when not counting). */
void gkv_members_init(struct gkv_members *members, struct gkv_arena *arena, uint16_t capacity,
                      const struct gkv_update *self);

/* The member at an index < members->capacity; its said.state is NONE when the place is unused. */
static inline struct gkv_member *gkv_member_at(const struct gkv_members *members, uint16_t index)
{
    GKV_ASSERT(index < members->capacity);
    return (struct gkv_member *)gkv_at(members, members->member_offset) + index;
}

/* The index of a node id, or GKV_MEMBER_INDEX_NONE. */
uint16_t gkv_member_find(const struct gkv_members *members, struct gkv_node_id id);

/* The index of a member, not LEFT, that listens at an address, or GKV_MEMBER_INDEX_NONE; one that
 * is reachable, if there is one: whoever is unreachable may have been there before. We are one of
 * them. O(capacity). */
uint16_t gkv_member_find_address(const struct gkv_members *members,
                                 const struct gkv_address *address);

/* True when `update` tells more than what is held of the same node id, or nothing is held (NULL, or
 * an unused place). */
bool gkv_member_update_is_news(const struct gkv_member *held, const struct gkv_update *update);

/* Take an update in if it is news. Returns the member's index, or GKV_MEMBER_INDEX_NONE when it was
 * no news, when a LEFT about a stranger was ignored, or when there was no place (counted). A newer
 * boot starts afresh. An update about ourselves is taken like any other: whether we put up with it
 * is core/swim.h's affair. */
uint16_t gkv_member_apply(struct gkv_members *members, const struct gkv_update *update,
                          uint64_t now_ns);

/* Whoever speaks to us is there, in that life. No effect if it is a stranger, or another boot.
 * Returns for how many ns nobody who is reachable had spoken; 0 for the first one ever, and when
 * `from` is not reachable. */
uint64_t gkv_member_hear(struct gkv_members *members, const struct gkv_identity *from,
                         uint64_t now_ns);

/* Note who else found the suspect `member` out by himself: true when that is new and there is room
 * among `count_max` <= GKV_CONFIRMER_COUNT_MAX. The first accuser and the suspect confirm nothing.
 */
bool gkv_member_confirm(struct gkv_member *member, struct gkv_node_id confirmer,
                        uint32_t count_max);

/* Our verdict that a member in the ring is DEGRADED, or no more. It ends by itself when the member
 * lives anew, or LEFT. */
void gkv_member_set_degraded(struct gkv_members *members, uint16_t index, bool is_degraded);

/* Empty a place that is used; index > 0. */
void gkv_member_forget(struct gkv_members *members, uint16_t index);

/* ALIVE, LEAVING or SUSPECT: worth sending to. */
static inline bool gkv_member_is_reachable(const struct gkv_member *member)
{
    const enum gkv_member_state state = member->said.state;
    return state == GKV_MEMBER_ALIVE || state == GKV_MEMBER_LEAVING || state == GKV_MEMBER_SUSPECT;
}

/* How much a state outweighs others of the same boot and incarnation: ALIVE least, LEFT most. */
uint32_t gkv_member_rank(enum gkv_member_state state);

/* Any but LEFT: owns slots. */
bool gkv_member_is_in_ring(const struct gkv_member *member);

#endif
