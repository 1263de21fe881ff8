#include "sim/tally.h"

#include "core/panic.h"

const char *gkv_tally_name(enum gkv_predicate predicate)
{
    static const char *const names[GKV_PREDICATE_COUNT] = {
        [GKV_HOLDS_ONCE] = "open.once",
        [GKV_HOLDS_IN_TIME] = "open.in_time",
        [GKV_HOLDS_ANSWERED] = "open.answered",
        [GKV_HOLDS_WRITTEN] = "value.written",
        [GKV_HOLDS_VERSION] = "value.version",
        [GKV_HOLDS_NOT_FAILED] = "value.not_failed",
        [GKV_HOLDS_NOT_EXPIRED] = "value.not_expired",
        [GKV_HOLDS_SEEN] = "quorum.seen",
        [GKV_HOLDS_NEWER] = "quorum.newer",
        [GKV_HOLDS_MEMBER_ALIVE] = "member.alive",
        [GKV_HOLDS_MEMBER_DOWN] = "member.down",
        [GKV_HOLDS_MEMBER_LEFT] = "member.left",
        [GKV_HOLDS_SUSPECTED] = "member.suspected",
        [GKV_HOLDS_OWNERS_AGREE] = "store.agree",
        [GKV_HOLDS_OWNED] = "store.holds",
        [GKV_HOLDS_SOUND] = "wire.sound",
        [GKV_HOLDS_KEPT] = "value.kept",
        [GKV_MET_IN_DOUBT] = "met.in_doubt",
        [GKV_MET_TIMEOUT] = "met.timeout",
        [GKV_MET_NO_QUORUM] = "met.no_quorum",
        [GKV_MET_FULL] = "met.full",
        [GKV_MET_CLOCK] = "met.clock",
        [GKV_MET_CUT] = "met.cut",
        [GKV_MET_CRASH] = "met.crash",
        [GKV_MET_STEP] = "met.step",
        [GKV_MET_PAUSE] = "met.pause",
        [GKV_MET_LEAVE] = "met.leave",
        [GKV_HOLDS_CLOCK_NEAR] = "clock.near",
        [GKV_HOLDS_CLOCK_ORDER] = "clock.order",
        [GKV_HOLDS_CLOCK_UNIQUE] = "clock.unique",
        [GKV_HOLDS_BOOT_RISES] = "incarnation.boot",
        [GKV_HOLDS_INCARNATION_RISES] = "incarnation.rises",
        [GKV_HOLDS_INCARNATION_OWN] = "incarnation.own",
        [GKV_HOLDS_DURABLE] = "durable.acknowledged",
        [GKV_HOLDS_KEEPS] = "durable.keeps",
        [GKV_HOLDS_TTL_OVER] = "ttl.over",
        [GKV_HOLDS_TTL_BOUND] = "ttl.bound",
        [GKV_HOLDS_TTL_GONE] = "ttl.gone",
        [GKV_HOLDS_SESSION_OWN] = "session.own",
        [GKV_HOLDS_SESSION_MONOTONIC] = "session.monotonic",
        [GKV_MET_SESSION_NOT_OWN] = "met.session_not_own",
        [GKV_MET_SESSION_BACK] = "met.session_back",
    };
    GKV_ASSERT((uint32_t)predicate < GKV_PREDICATE_COUNT);
    return names[predicate];
}
