/* The operations we coordinate: whom we asked, who answered, what it comes to.
 *
 * Model     Dynamo 4.5 (N, R, W), with three differences. (1) A replica that holds something newer
 *           says STALE; a set that cannot reach W because of it takes a stamp above what it was
 *           told and tries again, so that no acknowledged set is older than one that completed
 *           before it began. (2) Quorums are never sloppy: only owners count, and fewer than W
 *           reachable ones refuse the operation before anything is sent. (3) A set that was sent
 *           and not acknowledged in time is in doubt, never failed.
 *           A get that our own replica decides alone (EVENTUAL, or R = 1) asks nobody and takes no
 *           place; nor does one of a key of others for which there is a fresh answer
 *           (core/hotcache.h).
 *           A set's version is (our clock, hash of node id and boot). Only when STALE named a stamp
 *           that our clock may not follow (core/replica.h) is it that stamp + 1, and then the
 *           writer is a hash of node id, boot and handle: the clock does not vouch for that stamp
 *           being used once.
 *
 *   FREE    -> WAITING    [submit]  accepted: asked every reachable owner, deadline set
 *   WAITING -> WAITING    [retry]   SET: W out of reach because of STALE; newer stamp, new handle
 *   WAITING -> REPAIRING  [reply]   GET: R answered; completed, late answers still repaired
 *   WAITING -> FREE       [reply]   enough answered, or never enough will; completed. A write that
 *                                   cannot reach W and is stored nowhere yet waits for the last
 *                                   answer: if all refuse, the error is definite
 *   WAITING -> FREE       [timer]   deadline; completed as TIMEOUT or IN_DOUBT
 *   REPAIRING -> FREE     [reply, timer, submit]  all answered, deadline, or its place is needed
 *
 * Bounds    options.operation_count_max places and operation_memory_bytes of keys and values. Full:
 *           the oldest REPAIRING operation gives way, else BUSY.
 * Invariant Exactly one completion per submitted operation, in every path. A set ends as an error
 *           other than IN_DOUBT only if no replica stored it, or will.
 */
#ifndef GKV_CORE_QUORUM_H
#define GKV_CORE_QUORUM_H

#include <stddef.h>
#include <stdint.h>

#include "core/event.h"
#include "core/hotcache.h"
#include "core/pending.h"
#include "core/replica.h"
#include "core/step.h"

struct gkv_quorum_stats {
    uint64_t submitted_count;
    uint64_t completed_count;
    uint64_t stale_retry_count;
    uint64_t read_repair_count;
    uint64_t read_repair_limited_count; /* not sent: the rate limit */
    uint64_t late_reply_count;          /* to an operation that is over */
    uint64_t open_count;                /* WAITING now */
};

struct gkv_quorum {
    struct gkv_pendings pendings;
    struct gkv_hotcache hotcache;
    uint64_t repair_tokens_ns; /* token bucket of read repair, in ns of time saved up */
    uint64_t repair_tokens_at_ns;
    struct gkv_quorum_stats stats;
};

void gkv_quorum_init(struct gkv_quorum *quorum, struct gkv_arena *arena,
                     const struct gkv_options *options);

/* Begin a client operation. Completes it at once when it is refused or already decided. */
void gkv_quorum_submit(struct gkv_quorum *quorum, struct gkv_replica *replica,
                       const struct gkv_step *step, const struct gkv_operation *operation);

/* Complete it at once with NO_QUORUM, or with what is wrong with it: this node serves nobody
 * yet. */
void gkv_quorum_refuse(struct gkv_quorum *quorum, struct gkv_replica *replica,
                       const struct gkv_step *step, const struct gkv_operation *request);

/* WRITE_REPLY and READ_REPLY. */
void gkv_quorum_on_message(struct gkv_quorum *quorum, struct gkv_replica *replica,
                           const struct gkv_step *step, const struct gkv_message *message);

/* The deadline of the operation at a place. */
void gkv_quorum_on_timer(struct gkv_quorum *quorum, struct gkv_replica *replica,
                         const struct gkv_step *step, uint32_t place);

/* The most actions that one submit, reply or timer makes: a retry to every owner, and a
 * completion. */
#define GKV_QUORUM_ACTION_COUNT_MAX (2 * GKV_REPLICA_COUNT_MAX + 2)

/* The most scratch that one submit or reply takes here: a key and a value copied out of cells,
 * after a read of our own replica, and the key once more. A timer takes none. */
size_t gkv_quorum_scratch_bytes(const struct gkv_options *options);

#endif
