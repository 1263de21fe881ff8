/* The table of operations under way: places, handles, and the room for their keys and values.
 *
 * Model     A place is FREE, WAITING for answers that decide it, or REPAIRING: completed, and kept
 *           only to give late answers something to be compared with. A handle is (generation << 32
 *           | place); each attempt of an operation takes a new one, so that answers to an older
 *           attempt, or to an earlier occupant of the place, find nobody.
 * Bounds    options.operation_count_max places; operation_memory_bytes of cells. Full: the oldest
 *           REPAIRING operation gives way; if there is none, the newcomer is refused.
 * Invariant A place's timer is set exactly while it is not FREE.
 * Not here  What an answer means: core/quorum.c.
 */
#ifndef GKV_CORE_PENDING_H
#define GKV_CORE_PENDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/cells.h"
#include "core/message.h"
#include "core/step.h"

enum gkv_pending_state {
    GKV_PENDING_FREE = 0,
    GKV_PENDING_WAITING = 1,
    GKV_PENDING_REPAIRING = 2,
};

/* Sets of owners are bit masks: bit i is owners[i]. Members are kept by id, since an index may be
 * given to somebody else while an operation is open. */
struct gkv_pending {
    struct gkv_node_id owners[GKV_REPLICA_COUNT_MAX];
    struct gkv_version held[GKV_REPLICA_COUNT_MAX]; /* GET: what each owner answered or got */
    struct gkv_version version; /* SET, DELETE: of this attempt; GET: the newest answered so far */
    struct gkv_version stale;   /* SET, DELETE: the newest version that an owner held against us */
    uint64_t cookie;
    uint64_t begin_ns; /* when it was accepted */
    uint64_t key_hash;
    uint64_t expire_ms;   /* of what is written, or of the newest answer */
    uint32_t generation;  /* of the handle that answers must name */
    uint32_t next;        /* in the free list, or among the REPAIRING, oldest first */
    uint32_t previous;    /* among the REPAIRING */
    uint32_t key_cell;    /* a chain: the key, then what a SET writes */
    uint32_t answer_cell; /* a chain: the value of a GET's newest answer */
    uint32_t key_bytes;
    uint32_t value_bytes; /* of what is written, or of the newest answer */
    uint8_t state;        /* enum gkv_pending_state */
    uint8_t kind;         /* enum gkv_operation_kind */
    uint8_t owner_count;
    uint8_t attempt; /* from 1 */
    uint8_t ours;    /* the bit of this node; 0: it is no owner */
    uint8_t asked;   /* owners reachable when the attempt began */
    uint8_t sent;    /* of these, those to whom this attempt went out */
    uint8_t answered;
    uint8_t stored;         /* SET, DELETE: said OK */
    uint8_t refused_clock;  /* said CLOCK */
    uint8_t refused_memory; /* said MEMORY */
    bool is_tombstone;      /* what is written, or the newest answer */
    bool maybe_stored;      /* an earlier attempt may be held, or come to be held, somewhere */
};

struct gkv_pendings {
    ptrdiff_t place_offset;
    struct gkv_cells cells; /* keys and values of operations */
    uint32_t place_count;
    uint32_t free_first;      /* of the places given back */
    uint32_t fresh_first;     /* places from here on were never used, and never touched */
    uint32_t repairing_first; /* oldest */
    uint32_t repairing_last;
    /* Of the last handle. It starts at a hash of our boot, so that answers to an earlier life of
     * this node find nobody. */
    uint32_t generation;
};

void gkv_pendings_init(struct gkv_pendings *pendings, struct gkv_arena *arena,
                       const struct gkv_options *options);

/* The operation at a place that was taken at least once; it may be FREE now. */
struct gkv_pending *gkv_pending_at(const struct gkv_pendings *pendings, uint32_t place);

/* The operation that a handle names, or NULL when it is over or was never ours. */
struct gkv_pending *gkv_pending_find(const struct gkv_pendings *pendings, uint64_t handle);

uint64_t gkv_pending_handle(const struct gkv_pendings *pendings, const struct gkv_pending *pending);

/* Give an operation a handle that was never used before (until 2^32 have been). */
void gkv_pending_renew(struct gkv_pendings *pendings, struct gkv_pending *pending);

/* Take a place: zeroed but for WAITING, a handle and no cells, its timer set to deadline_ns. NULL:
 * the table is full. */
struct gkv_pending *gkv_pending_take(struct gkv_pendings *pendings, const struct gkv_step *step,
                                     uint64_t deadline_ns);

/* Give a place back, with its cells and its timer. */
void gkv_pending_release(struct gkv_pendings *pendings, const struct gkv_step *step,
                         struct gkv_pending *pending);

/* From WAITING to REPAIRING: the operation may give way from now on. */
void gkv_pending_start_repairing(struct gkv_pendings *pendings, struct gkv_pending *pending);

/* Make REPAIRING operations give way, oldest first, until `bytes` bytes fit the cells: true when
 * they do. */
bool gkv_pendings_make_room(struct gkv_pendings *pendings, const struct gkv_step *step,
                            size_t bytes);

/* Copy the key, and what a SET writes or a GET has found, out of the cells into scratch. */
struct gkv_keyed_record gkv_pending_load(const struct gkv_pendings *pendings,
                                         const struct gkv_step *step,
                                         const struct gkv_pending *pending);

/* Fill owners, owner_count, ours and asked from key_hash. */
void gkv_pending_find_owners(struct gkv_pending *pending, const struct gkv_step *step);

/* The owners that are worth asking now. */
uint8_t gkv_pending_reachable_owners(const struct gkv_pending *pending,
                                     const struct gkv_step *step);

/* The place of a node among the owners, or owner_count. */
uint32_t gkv_pending_owner_index(const struct gkv_pending *pending, struct gkv_node_id id);

#endif
