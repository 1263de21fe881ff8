/* What is left of the tombstones that a store dropped: the greatest version among them.
 *
 * Threads   Any may read it. Who drops a tombstone notes it first, and holds the lock of its bucket
 *           over both: so whoever takes that lock later, and does not find the key, reads a version
 *           that is not below the tombstone's.
 * Bounds    24 bytes. A reader waits for the few instructions of one who notes.
 */
#ifndef GKV_CORE_FORGOTTEN_H
#define GKV_CORE_FORGOTTEN_H

#include "core/hlc.h"
#include "core/seqlock.h"

struct gkv_forgotten {
    struct gkv_seqlock lock;
    gkv_word version[2]; /* stamp, writer; or zero: nothing was dropped */
};

struct gkv_version gkv_forgotten_read(const struct gkv_forgotten *forgotten);

/* A tombstone of this version is about to be dropped. */
void gkv_forgotten_note(struct gkv_forgotten *forgotten, struct gkv_version version);

#endif
