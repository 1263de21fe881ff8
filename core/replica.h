/* Answering others' reads and writes, and our own coordinator's share of them.
 *
 * Model     Dynamo 4.5's replica, with one difference: an older version is not dropped in silence,
 *           it is answered STALE with the version held, so that a writer with a slow clock learns
 *           of it.
 * Bounds    One reply per message; one value of scratch per READ. A put per write, and a look-up
 *           before it if its stamp is too far ahead.
 * Invariant A version further ahead of our clock than options.drift_ms_max is not stored, unless it
 *           merely follows the version held (same millisecond at most, or the next stamp), so that
 *           a key that once got a future version can always be overwritten.
 *           A client's write is acknowledged only above every version ever acknowledged for its key
 *           here, forgotten deletions included: a writer whose clock is far behind must not write
 *           what a deletion, still remembered elsewhere, would undo.
 * Not here  Who owns a key: a replica answers whoever asks, the coordinator chose whom to ask.
 */
#ifndef GKV_CORE_REPLICA_H
#define GKV_CORE_REPLICA_H

#include <stdbool.h>
#include <stdint.h>

#include "core/message.h"
#include "core/step.h"

struct gkv_replica {
    uint64_t malformed_count; /* messages with a field out of range */
    uint64_t clock_rejected_count;
    uint64_t full_rejected_count;
    uint64_t write_count;
    uint64_t read_count;
};

/* True when a key has 1 .. GKV_KEY_BYTES_MAX bytes. */
bool gkv_replica_key_is_valid(struct gkv_bytes key);

/* True when a record has a version, a value within options.value_bytes_max, and none when it is a
 * tombstone. What a peer sends is asked first; what we make is asserted. */
bool gkv_replica_record_is_valid(const struct gkv_options *options,
                                 const struct gkv_record *record);

/* Store a record if it may be and is newer; key and record are valid (asserted), and copied. This
 * is for copies of what others hold: repair.
 * held_out: the version held afterwards (zero: none). */
enum gkv_reply_status gkv_replica_copy(struct gkv_replica *replica, const struct gkv_step *step,
                                       const struct gkv_keyed_record *written, uint64_t key_hash,
                                       struct gkv_version *held_out);

/* The same for what a client writes now. It may not be older than a deletion that was forgotten
 * here: STALE, held_out is then the greatest version forgotten. */
enum gkv_reply_status gkv_replica_write(struct gkv_replica *replica, const struct gkv_step *step,
                                        const struct gkv_keyed_record *written, uint64_t key_hash,
                                        struct gkv_version *held_out);

/* Read a key; the value is in the step's scratch. An expired value reads as the tombstone of its
 * version. ABSENT: record_out is zeroed. */
enum gkv_reply_status gkv_replica_read(struct gkv_replica *replica, const struct gkv_step *step,
                                       struct gkv_bytes key, uint64_t key_hash,
                                       struct gkv_record *record_out);

/* WRITE and READ; replies go to `source`. */
void gkv_replica_on_message(struct gkv_replica *replica, const struct gkv_step *step,
                            const struct gkv_message *message, const struct gkv_address *source);

/* The most actions that one message makes here. */
#define GKV_REPLICA_ACTION_COUNT_MAX 1

/* The most scratch that one message takes here. */
size_t gkv_replica_scratch_bytes(const struct gkv_options *options);

#endif
