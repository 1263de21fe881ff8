/* What an application thread does in place, without the loop: reads, and writes that are sent
 * later.
 *
 * Model     At level EVENTUAL one owner decides a get alone, and with W = 1 a set. A thread that is
 *           in the process of an owner does so itself, in the shared store; a set takes its version
 *           from the shared clock and leaves a mark (core/marks.h). The loop drains the marks: it
 *           reads what the key holds by then, so that several writes of one key become one, and
 *           sends it to the other owners as a WRITE that nobody answers, as it does with every set
 *           that W = 1 has decided. A slot that is dirty, because the ring of marks was full, is
 *           offered to its owners by anti-entropy (core/repair.h), which carries what is lost on
 *           the way as well.
 *           Which slots may be used so is a table of bits that the loop keeps: those that this node
 *           owns, while it serves. Keys of others, sets with W > 1, and whatever does not end well
 *           in place, are for the loop (docs/decisions/0016).
 * Bounds    A bit per slot; options.mark_count_max marks. A drain sends at most
 *           GKV_INPLACE_ACTION_COUNT_MAX messages and 32 KiB, or one larger record; the next one
 *           comes a millisecond later, or at once when that was not enough.
 * Threads   gkv_inplace_get, _is_over and _write: any, at any time after init. The rest is the
 *           loop's.
 * Invariant A write in place is held here when gkv_inplace_write returns true; when it returns
 *           false, nothing was stored.
 */
#ifndef GKV_CORE_INPLACE_H
#define GKV_CORE_INPLACE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/event.h"
#include "core/hash.h"
#include "core/marks.h"
#include "core/repair.h"
#include "core/step.h"

struct gkv_inplace {
    /* What threads read, and nobody changes. */
    ptrdiff_t served_offset; /* a bit per slot */
    uint64_t writer;         /* of versions */
    uint64_t hash_seed;
    bool may_read;  /* by the options */
    bool may_write; /* the same */
    struct gkv_marks marks;

    /* The loop's own, on lines that it does not take from them. */
    _Alignas(GKV_ARENA_ALIGN) uint64_t
        served_epoch;      /* of the ring of the bits; 0: there are none */
    ptrdiff_t sent_offset; /* what a drain has sent */
    uint64_t drain_ns;     /* not before */
    uint64_t seen_dirty_count;
    uint64_t sent_count; /* records, to one owner or more */
    bool has_dirty;      /* slots that were not offered yet */
};

/* What threads share with the loop. */
struct gkv_commons {
    struct gkv_inplace *inplace;
    struct gkv_store *store;
    struct gkv_hlc_clock *clock;
};

enum gkv_inplace_answer {
    GKV_INPLACE_ASK = 1, /* the loop: this is not for here */
    GKV_INPLACE_ABSENT = 2,
    GKV_INPLACE_FOUND = 3,
};

/* Who writes. */
struct gkv_inplace_caller {
    uint64_t wall_ms;
    uint32_t lane; /* any number; threads should have different ones (core/marks.h) */
};

/* A write that was done. */
struct gkv_inplace_write {
    struct gkv_version version;
    bool wakes; /* the loop sleeps; this caller is to wake it: gkv_node_deadline_ns has changed */
};

void gkv_inplace_init(struct gkv_inplace *inplace, struct gkv_arena *arena,
                      const struct gkv_options *options);

/* ---- Any thread. ---- */

/* A word of the table of slots that are served; slot i is bit i % 64 of word i / 64. */
static inline gkv_word *gkv_inplace_served(const struct gkv_inplace *inplace, uint32_t word)
{
    return (gkv_word *)gkv_at(inplace, inplace->served_offset) + word;
}

static inline bool gkv_inplace_is_served(const struct gkv_inplace *inplace, uint64_t key_hash)
{
    const uint32_t slot = gkv_slot_of(key_hash);
    return inplace->may_read &&
           (gkv_word_load(gkv_inplace_served(inplace, slot / 64)) >> (slot % 64) & 1) != 0;
}

/* A key for the calls below: it is hashed once. */
static inline struct gkv_key gkv_inplace_key(const struct gkv_commons *commons,
                                             struct gkv_bytes bytes)
{
    return (struct gkv_key){bytes, gkv_hash(bytes.data, bytes.count, commons->inplace->hash_seed)};
}

/* Get a key (1 .. GKV_KEY_BYTES_MAX bytes), as gkv_store_get does; FOUND: record_out is filled, and
 * it is no tombstone; ABSENT: it is that of a deletion, or zero. Whether it has expired is not
 * looked at: most records never do, and need no clock. Who finds an expire_ms asks
 * gkv_inplace_is_over. The buffer may have been written to, whatever the answer. Inlined: the calls
 * on the way to the store took as much as half of what the store takes. */
GKV_INLINE enum gkv_inplace_answer gkv_inplace_get(const struct gkv_commons *commons,
                                                   struct gkv_key key, struct gkv_buffer buffer,
                                                   struct gkv_record *record_out)
{
    if (!gkv_inplace_is_served(commons->inplace, key.hash)) {
        return GKV_INPLACE_ASK;
    }
    /* At the time 0 nothing has expired. */
    if (!gkv_store_get(commons->store, key, 0, buffer, record_out)) {
        *record_out = (struct gkv_record){.is_tombstone = false};
        return GKV_INPLACE_ABSENT;
    }
    return record_out->is_tombstone ? GKV_INPLACE_ABSENT : GKV_INPLACE_FOUND;
}

/* Has a record with this expiry, which may be 0, expired by now? */
bool gkv_inplace_is_over(const struct gkv_commons *commons, uint64_t wall_ms, uint64_t expire_ms);

/* Carry out a SET or DELETE of `key` whose value and ttl are valid; key and value are copied.
 * False: ask the loop; this is not for here, or there is no room, or what is held is too far ahead
 * of our clock. True, and it is held, or something newer that was stored since this was called. */
bool gkv_inplace_write(const struct gkv_commons *commons, struct gkv_inplace_caller caller,
                       struct gkv_key key, const struct gkv_operation *operation,
                       struct gkv_inplace_write *write_out);

/* ---- The loop. ---- */

/* After each step: which slots are served in place from now on. serves: the node would take an
 * operation. */
void gkv_inplace_update(struct gkv_inplace *inplace, const struct gkv_step *step, bool serves);

/* With each GKV_EVENT_TIMER: send what was written, if it is time. */
void gkv_inplace_drain(struct gkv_inplace *inplace, struct gkv_repair *repair,
                       const struct gkv_step *step);

/* When a GKV_EVENT_TIMER is wanted: GKV_NEVER while there is nothing to send. A write that wakes
 * changes it. */
uint64_t gkv_inplace_deadline_ns(const struct gkv_inplace *inplace);

/* The most actions that one drain makes. */
#define GKV_INPLACE_ACTION_COUNT_MAX 60

/* The most scratch that one drain takes. */
size_t gkv_inplace_scratch_bytes(const struct gkv_options *options);

#endif
