/* Anti-entropy: owners compare digests and exchange what differs; newest version wins.
 *
 * Model     Dynamo 4.7 with a flat two-level digest instead of a Merkle tree: additive per-slot
 *           digests are kept in O(1) by the store, so nothing is ever rebuilt. A round with one
 *           peer:
 *
 *             A -> B  SYNC_GROUPS   128 digests, each the sum over the group's slots that both own
 *             B -> A  SYNC_SLOTS    for up to 8 groups that differ: 128 slot digests each
 *             A -> B  SYNC_KEYS     hashes and versions of the slots that differ
 *             B -> A  SYNC_PULL     hashes that B lacks or holds older
 *             B -> A  SYNC_RECORDS  records that A lacks or holds older
 *             A -> B  SYNC_RECORDS  what was pulled
 *
 *           Every message stands alone: no state is kept between them, so loss costs a round. What
 *           does not fit a message waits for a later round; where to start among too much is drawn
 *           at random, so that what cannot be repaired (a full store, a clock) hides nothing for
 *           ever. A slot with more keys than a message is compared in parts, by hash % part_count.
 *           A store that evicts never equals another one that is full: each has dropped what it was
 *           not asked for. Its owner goes on to compare what both hold, and takes what it lacks
 *           only while there is room that eviction does not make (gkv_store_has_room): else what
 *           is evicted would come back at once, and push out something else. It says so in
 *           SYNC_KEYS (is_full), so that nothing is sent in vain. Rounds come sooner only when
 *           records were exchanged, not for a difference that stays.
 *           Tombstones old enough to be forgotten are not taken from a peer that still has them,
 *           lest two nodes that forget at different times hand one to and fro for ever.
 * Bounds    The constants GKV_SYNC_* of core/bounds.h per message; one round per sync_interval_ms,
 *           or per an eighth of it while the last round found differences. Per message received at
 *           most 8 SYNC_SLOTS, or 4 SYNC_KEYS, or a SYNC_PULL and 2 SYNC_RECORDS.
 * Not here  Read repair: core/quorum.c. Slots that we hold but no longer own are offered too
 *           (SYNC_KEYS), and kept.
 */
#ifndef GKV_CORE_REPAIR_H
#define GKV_CORE_REPAIR_H

#include <stdbool.h>
#include <stdint.h>

#include "core/message.h"
#include "core/prng.h"
#include "core/replica.h"
#include "core/step.h"

struct gkv_repair {
    struct gkv_prng prng;
    uint16_t peer_cursor;     /* round robin over members */
    uint32_t group_cursor;    /* where the next answer starts to look for differing groups */
    uint32_t leftover_cursor; /* slot: in this turn over the peers, each is offered from here on */
    uint32_t leftover_step;   /* so many slots from there were offered to each peer of this turn */
    bool found_difference;    /* in the round since the last tick */
    uint64_t round_count;
    uint64_t record_sent_count;
    uint64_t record_stored_count;
    uint64_t malformed_count;
    uint64_t stranger_count; /* messages of nodes that are in no ring of ours */
    uint64_t foreign_count;  /* records of slots that we do not own */
};

void gkv_repair_init(struct gkv_repair *repair, const struct gkv_options *options);

/* Set the first timer. */
void gkv_repair_start(struct gkv_repair *repair, const struct gkv_step *step);

/* GKV_TIMER_SYNC: begin a round with the next reachable peer. */
void gkv_repair_on_timer(struct gkv_repair *repair, const struct gkv_step *step);

/* SYNC_*. source: where the sender listens. */
void gkv_repair_on_message(struct gkv_repair *repair, struct gkv_replica *replica,
                           const struct gkv_step *step, const struct gkv_message *message,
                           const struct gkv_address *source);

/* Compare a slot with each other owner at once, whatever its digest: something was written in it
 * that was not sent. What does not fit one list is found by the rounds. Returns how many
 * actions that made: GKV_REPLICA_COUNT_MAX - 1 at most. Takes the scratch of one
 * list, and keeps what is in it. */
uint32_t gkv_repair_offer_slot(struct gkv_repair *repair, const struct gkv_step *step,
                               uint32_t slot);

/* The most actions that one timer or message makes here. */
#define GKV_REPAIR_ACTION_COUNT_MAX (GKV_SYNC_GROUPS_PER_ROUND + 4)

/* The most scratch that one timer or message takes here. */
size_t gkv_repair_scratch_bytes(const struct gkv_options *options);

#endif
