/* What owners may have forgotten by now, for all checks that look for it.
 *
 * Model     A deletion, or a value whose time is over, may be dropped by an owner whose clock is
 *           tombstone_keep_ms past its stamp and its expiry (core/store.h, gkv_store_sweep); the
 *           first to do so has the fastest clock. From then on nothing at all, without a version,
 *           may stand for it: never an older value, and never a write below it
 *           (docs/decisions/0008).
 * Not here  Who had to learn of a deletion before: the scenario sees to that.
 */
#ifndef GKV_SIM_FORGETTING_H
#define GKV_SIM_FORGETTING_H

#include "sim/trial.h"

/* May an owner have forgotten a record that it held? */
bool gkv_forgetting_has_begun(const struct gkv_trial *trial, const struct gkv_record *record);

/* May all have forgotten what a key had at this version or above? Some write of it, at least as new
 * and not failed for certain, was a deletion, or a set with a time, that long ago. */
bool gkv_forgetting_is_allowed(const struct gkv_trial *trial, uint32_t key,
                               struct gkv_version version);

/* May this get, which is over now, rightly know nothing of a version that was acknowledged? Only
 * when it found nothing, and no version. */
bool gkv_forgetting_may_miss(const struct gkv_trial *trial, const struct gkv_deed *get,
                             struct gkv_version version);

/* Should this deletion or expired value that a node holds be gone long since? A sweep comes by in
 * 6.4 s, and whoever has forgotten does not take it back from who has not; but for operations,
 * which may bring it back until they are over. */
bool gkv_forgetting_is_overdue(const struct gkv_trial *trial, uint32_t key,
                               const struct gkv_record *record);

/* How long after the last operation everything that it deleted is overdue; 0 where deletions are
 * remembered for so long that nobody waits for that. */
uint64_t gkv_forgetting_wait_ns(const struct gkv_scenario *scenario);

#endif
