/* Whole member tables over streams: how we meet the cluster, and how two clusters become one.
 *
 * Model     memberlist's push-pull. A request carries our table and asks for the other's; whoever
 *           gets one takes it in, then answers with what it holds, so that after one exchange both
 *           hold the same. Seeds are asked at the start, and again for as long as no member that we
 *           can reach has their address.
 * Bounds    A table is members->count updates, built in the step's scratch. Strangers that ping us
 *           are asked at most once in GKV_JOIN_STRANGER_MS: one who forges pings makes us dial no
 *           faster.
 * Not here  Taking a table in, and when to ask whom: core/swim.c.
 */
#ifndef GKV_CORE_JOIN_H
#define GKV_CORE_JOIN_H

#include <stdbool.h>
#include <stdint.h>

#include "core/step.h"

#define GKV_JOIN_STRANGER_MS 10

struct gkv_join {
    uint64_t stranger_after_ns; /* no stranger is asked before */
    uint32_t seed_cursor;       /* round robin over options->seeds */
    bool has_met;               /* a table, or an answer to a ping, came from somebody */
    bool has_gathered;          /* options->bootstrap_expect members were known at one time */
};

/* Ask whoever listens at an address for its table. Nothing is sent when the scratch is used up. */
void gkv_join_ask(const struct gkv_step *step, const struct gkv_address *address);

/* Ask every seed; our own address is skipped. */
void gkv_join_ask_seeds(const struct gkv_step *step);

/* Ask one seed, the next in turn at whose address no reachable member is known. */
void gkv_join_ask_missing_seed(struct gkv_join *join, const struct gkv_step *step);

/* Somebody who is not in the table speaks to us: ask, if the last time is long enough ago. */
void gkv_join_ask_stranger(struct gkv_join *join, const struct gkv_step *step,
                           const struct gkv_address *address);

/* Give our table to whoever asked. */
void gkv_join_answer(const struct gkv_step *step, const struct gkv_address *address);

/* Members may have come: note when there are as many as are expected, once and for all. */
void gkv_join_count(struct gkv_join *join, const struct gkv_step *step);

/* True when we met somebody, or when there is nobody to meet: no seed, or only ourselves; and as
 * many members as options->bootstrap_expect asks for were known at one time. */
bool gkv_join_is_done(const struct gkv_join *join, const struct gkv_step *step);

#endif
