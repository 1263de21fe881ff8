/* A put of what is held already in the same shape: most puts, where keys are written again.
 *
 * Model     The record is looked for as a reader does, without the lock, which is then taken only
 *           if nobody was a writer since (gkv_seqlock_take_at): so nothing is looked at twice, and
 *           the lock is held for the stores alone. Nothing is taken from the pages or given back.
 * Bounds    The bytes of the key and the value; never waits but for the writer that it finds there.
 * Not here  All other puts, and why a put is refused: core/store.c.
 */
#ifndef GKV_CORE_OVERWRITE_H
#define GKV_CORE_OVERWRITE_H

#include "core/index.h"
#include "core/slots.h"

/* Put `record` over an older one of the key, if neither is a tombstone, both have as many words of
 * value, and both expire or neither. False: nothing changed, and it takes more than that. */
bool gkv_overwrite(struct gkv_index *index, struct gkv_slots *slots, uint64_t key_hash,
                   struct gkv_bytes key, const struct gkv_record *record);

#endif
