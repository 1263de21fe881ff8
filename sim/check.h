/* What must hold: one property per file, each watching what goes into the nodes and comes out.
 *
 * Model     `observe` sees every observation, after the history was written; it fails the trial at
 *           the moment something is wrong. `settle` is asked in quiet phases whether the cluster
 *           has come to agree; it says why not. A check may have either or both.
 * Invariant A check reads nodes only through their read-only functions, and recomputes what it
 *           expects by its own code.
 */
#ifndef GKV_SIM_CHECK_H
#define GKV_SIM_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "sim/trial.h"

struct gkv_check {
    const char *name;
    void (*observe)(struct gkv_trial *trial, const struct gkv_observation *observation);
    bool (*settle)(struct gkv_trial *trial, char *why, size_t why_bytes);
};

extern const struct gkv_check gkv_check_open; /* each operation completes exactly once, in time */
extern const struct gkv_check
    gkv_check_value; /* nothing is read that nobody wrote, or that expired */
extern const struct gkv_check
    gkv_check_quorum; /* what was acknowledged is seen by whoever asks later */
extern const struct gkv_check gkv_check_member; /* all live nodes agree on who is there */
extern const struct gkv_check gkv_check_store;  /* the owners of a key agree on version and value */

/* The node of a name, or GKV_HISTORY_NONE. */
uint32_t gkv_check_node_of_id(const struct gkv_trial *trial, struct gkv_node_id id);

/* The owners of a key, in order of preference, computed from core/ring.h's definition alone over
 * all nodes that ever joined. Returns how many. */
uint32_t gkv_check_owners(struct gkv_trial *trial, uint32_t key,
                          uint8_t nodes_out[GKV_REPLICA_COUNT_MAX]);

#endif
