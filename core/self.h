/* What a node says of itself: its own record in the table, which nobody else may write.
 *
 * Model     SWIM 4.2: only the subject raises its incarnation, and so overrules what is said of it.
 *           We differ: a refutation is told to the accuser directly as well; whoever is told of a
 *           boot above its own goes on as a newer one; and to leave is to say so, twice.
 * Bounds    O(1); announcing and answering send GKV_GOSSIP_FANOUT messages at the most.
 * Invariant Our own record is ALIVE, then LEAVING, then LEFT for ever. Neither its boot nor its
 *           incarnation goes back.
 * Not here  When to leave: core/swim.c. What others are: core/member.h.
 */
#ifndef GKV_CORE_SELF_H
#define GKV_CORE_SELF_H

#include <stdbool.h>

#include "core/gossip.h"
#include "core/health.h"
#include "core/step.h"

struct gkv_self {
    struct gkv_node_id accuser; /* to be told directly that we refute; zero: nobody */
};

/* What we made of something that others say of us. */
enum gkv_self_reply {
    GKV_SELF_AGREED,     /* our own words: nothing to answer */
    GKV_SELF_OUTDATED,   /* what we said earlier: nothing to answer either */
    GKV_SELF_REPEATED,   /* an accusation of earlier: it is refuted once more, also in the answer */
    GKV_SELF_REFUTED,    /* overruled; the teller should hear of it in the answer */
    GKV_SELF_OUTLIVED,   /* the same, by a newer boot: somebody may share our name */
    GKV_SELF_GONE,       /* we have left, refute nothing, and say so in the answer */
    GKV_SELF_IMPOSSIBLE, /* nobody could go on from there: not heard */
};

/* Others say this of us: refute it if need be, which speaks against our health. */
enum gkv_self_reply gkv_self_hear(struct gkv_self *self, struct gkv_gossip *gossip,
                                  struct gkv_health *health, const struct gkv_step *step,
                                  const struct gkv_update *told);

/* Whoever accused us need not wait for the rumour of our refutation: tell him, unless he is the one
 * whom we answered just now (NULL: nobody). Nothing happens when nobody accused us. */
void gkv_self_tell_accuser(struct gkv_self *self, struct gkv_gossip *gossip,
                           const struct gkv_step *step, const struct gkv_identity *answered);

/* Say, in a new incarnation, that we are LEAVING, or have LEFT, and tell some at once. */
void gkv_self_announce(struct gkv_gossip *gossip, const struct gkv_step *step,
                       enum gkv_member_state state);

/* Is this id ours? Are we LEAVING, or have we LEFT? Have we LEFT? */
bool gkv_self_is(const struct gkv_step *step, struct gkv_node_id id);
bool gkv_self_is_leaving(const struct gkv_step *step);
bool gkv_self_has_left(const struct gkv_step *step);

#endif
