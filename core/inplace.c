#include "core/inplace.h"

#include "core/panic.h"
#include "core/writer.h"

#define DRAIN_INTERVAL_NS GKV_NS_PER_MS
#define BATCH_COUNT_MAX GKV_SYNC_RECORD_COUNT_MAX
#define SERVED_WORDS (GKV_SLOT_COUNT / 64)
#define NAME_COUNT_MAX 2  /* keys of one hash that a mark stands for; others: anti-entropy */
#define LANE_MARKS_MIN 64 /* a smaller ring of marks is not divided */
#define TAKE_COUNT_MAX 4096
#define SENT_PLACES (2 * BATCH_COUNT_MAX)
#define PEER_COUNT_MAX (GKV_REPLICA_COUNT_MAX - 1)
#define LOOP_LANE 0 /* of marks that the loop leaves for itself */

/* No further mark is looked at after so many messages, and no dirty slot just before. */
#define FULL_ACTION_COUNT (GKV_INPLACE_ACTION_COUNT_MAX - NAME_COUNT_MAX * PEER_COUNT_MAX)

_Static_assert(FULL_ACTION_COUNT > PEER_COUNT_MAX, "a drain offers a slot, and sends a mark");

_Static_assert((SENT_PLACES & (SENT_PLACES - 1)) == 0, "a hash chooses a place by its low bits");

/* What went to the other owners in one drain. */
struct sent {
    uint64_t key_hash;          /* 0: nothing */
    struct gkv_version version; /* the newest of that hash */
    bool is_marked_again;       /* another mark of it was met since, and dropped */
};

/* The records of one drain. */
struct batch {
    struct sent *sent;    /* SENT_PLACES; each in the first free place from its hash's own on */
    uint32_t count;       /* of those */
    uint64_t taken_count; /* marks; of what was sent already, and what nobody is to be sent, too */
    uint32_t action_count;
    bool is_full;   /* a mark waits for the next drain */
    uint8_t *bytes; /* of scratch; NULL: none yet */
    size_t bytes_used;
    size_t bytes_max;
};

/* options.mark_count_max, or the next greater power of two. */
static struct gkv_marks_shape marks_shape_of(const struct gkv_options *options)
{
    struct gkv_marks_shape shape = {.capacity = 1, .lane_count = GKV_MARKS_LANE_COUNT_MAX};
    while (shape.capacity < options->mark_count_max) {
        shape.capacity *= 2;
    }
    if (shape.capacity < (uint64_t)LANE_MARKS_MIN * GKV_MARKS_LANE_COUNT_MAX) {
        shape.lane_count = 1;
    }
    return shape;
}

void gkv_inplace_init(struct gkv_inplace *inplace, struct gkv_arena *arena,
                      const struct gkv_options *options)
{
    const struct gkv_identity started = {.id = gkv_node_id_of_name(&options->name),
                                         .boot_id = options->boot_id};
    *inplace = (struct gkv_inplace){.writer = gkv_writer_of(started, 0),
                                    .hash_seed = options->hash_seed,
                                    .may_read = options->level == GKV_LEVEL_EVENTUAL};
    inplace->may_write = inplace->may_read && options->write_quorum == 1;
    if (inplace->may_read) {
        inplace->served_offset =
            gkv_offset_to(inplace, gkv_arena_carve(arena, SERVED_WORDS, sizeof(gkv_word)));
    }
    if (inplace->may_write) {
        inplace->sent_offset =
            gkv_offset_to(inplace, gkv_arena_carve(arena, SENT_PLACES, sizeof(struct sent)));
    }
    gkv_marks_init(&inplace->marks, arena,
                   inplace->may_write ? marks_shape_of(options) : (struct gkv_marks_shape){0, 0});
}

static size_t record_bytes_max(const struct gkv_options *options)
{
    const size_t largest = (size_t)GKV_KEY_BYTES_MAX + options->value_bytes_max;
    return largest > GKV_SYNC_RECORD_BYTES_MAX ? largest : GKV_SYNC_RECORD_BYTES_MAX;
}

/* What one offer takes before it gives back what it did not need. */
static size_t offer_bytes(void)
{
    return GKV_SYNC_KEY_COUNT_MAX * sizeof(struct gkv_key_version) + 16;
}

size_t gkv_inplace_scratch_bytes(const struct gkv_options *options)
{
    return record_bytes_max(options) + offer_bytes() + 256;
}

/* ---- Any thread. ----------------------------------------------------------------------------- */

bool gkv_inplace_is_over(const struct gkv_commons *commons, uint64_t wall_ms, uint64_t expire_ms)
{
    return expire_ms != 0 && expire_ms <= gkv_hlc_now_ms(commons->clock, wall_ms);
}

/* Anything at all, a tombstone as well. */
static bool is_held(const struct gkv_commons *commons, struct gkv_key key)
{
    struct gkv_record held;
    return gkv_store_peek(commons->store, key, 0, (struct gkv_buffer){NULL, 0}, &held);
}

/* What is held may be newer: another thread was quicker, with a later stamp, or that stamp is ahead
 * of our clock. So there is a second stamp, above it. What is newer than that as well was stored
 * since we began: it would have replaced ours a moment later, and it is as if it had (SAME).
 * Nothing is held, and yet the stamp is too old: it is below a deletion that was forgotten. A stamp
 * too far ahead fails all attempts, and the loop knows what to do. */
static enum gkv_store_outcome put(const struct gkv_commons *commons, uint64_t wall_ms,
                                  struct gkv_key key, struct gkv_record *record)
{
    bool is_above = false; /* our stamp, all that was held when we began */
    for (uint32_t i = 0; i < GKV_WRITE_ATTEMPT_COUNT_MAX; i++) {
        struct gkv_version held;
        record->version.hlc = gkv_hlc_issue(commons->clock, wall_ms);
        const enum gkv_store_outcome outcome =
            gkv_store_put_new(commons->store, key, record, &held);
        if (outcome != GKV_STORE_STALE) {
            return outcome;
        }
        if (is_above && is_held(commons, key)) {
            return GKV_STORE_SAME;
        }
        is_above = gkv_hlc_observe(commons->clock, wall_ms, held.hlc) == GKV_OK;
    }
    return GKV_STORE_STALE;
}

bool gkv_inplace_write(const struct gkv_commons *commons, struct gkv_inplace_caller caller,
                       struct gkv_key key, const struct gkv_operation *operation,
                       struct gkv_inplace_write *write_out)
{
    /* Two lines that other writers may have: they come while we go on. */
    struct gkv_inplace *inplace = commons->inplace;
    __builtin_prefetch(commons->clock, 1);
    __builtin_prefetch(gkv_index_bucket(&commons->store->index, key.hash), 1);
    if (!inplace->may_write || !gkv_inplace_is_served(inplace, key.hash)) {
        return false;
    }
    GKV_ASSERT(operation->kind == GKV_OPERATION_SET || operation->kind == GKV_OPERATION_DELETE);
    struct gkv_record record = {.version.writer = inplace->writer,
                                .is_tombstone = operation->kind == GKV_OPERATION_DELETE};
    if (!record.is_tombstone) {
        record.value = operation->value;
        record.expire_ms = operation->ttl_ms == 0
                               ? 0
                               : gkv_hlc_now_ms(commons->clock, caller.wall_ms) + operation->ttl_ms;
    }
    const enum gkv_store_outcome outcome = put(commons, caller.wall_ms, key, &record);
    write_out->version = record.version;
    write_out->wakes =
        outcome == GKV_STORE_STORED && gkv_marks_put(&inplace->marks, caller.lane, key.hash);
    return outcome == GKV_STORE_STORED || outcome == GKV_STORE_SAME;
}

/* ---- Which slots. ---------------------------------------------------------------------------- */

static uint64_t owned_in(const struct gkv_step *step, uint32_t word)
{
    uint64_t bits = 0;
    for (uint32_t i = 0; i < 64; i++) {
        const bool is_owned = gkv_ring_owns(step->ring, word * 64 + i, GKV_MEMBER_SELF);
        bits |= (uint64_t)is_owned << i;
    }
    return bits;
}

/* A ring that is out of date serves nothing: whoever then asks the loop has it built anew. So a
 * burst of news about members costs one rebuild here as well. Threads that still see the bit of a
 * slot that has a new owner write it all the same, and what they write is offered to its owners
 * (core/repair.h, slots that we hold but no longer own). */
void gkv_inplace_update(struct gkv_inplace *inplace, const struct gkv_step *step, bool serves)
{
    const bool is_current = step->ring->built_epoch == step->members->ring_epoch;
    const uint64_t epoch = serves && is_current ? step->ring->built_epoch : 0;
    if (!inplace->may_read || epoch == inplace->served_epoch) {
        return;
    }
    for (uint32_t word = 0; word < SERVED_WORDS; word++) {
        gkv_word_store(gkv_inplace_served(inplace, word), epoch == 0 ? 0 : owned_in(step, word));
    }
    inplace->served_epoch = epoch;
}

/* ---- Sending. -------------------------------------------------------------------------------- */

/* The other owners of a slot that can be reached: member indices. */
struct peers {
    uint16_t indices[GKV_REPLICA_COUNT_MAX];
    uint32_t count;
};

static struct peers peers_of(const struct gkv_step *step, uint32_t slot)
{
    const struct gkv_owners owners = gkv_ring_owners(gkv_step_ring(step), slot);
    struct peers peers = {.count = 0};
    for (uint32_t i = 0; i < owners.count; i++) {
        if (owners.members[i] != GKV_MEMBER_SELF &&
            gkv_member_is_reachable(gkv_member_at(step->members, owners.members[i]))) {
            peers.indices[peers.count++] = owners.members[i];
        }
    }
    GKV_ASSERT(peers.count <= GKV_REPLICA_COUNT_MAX);
    return peers;
}

static void send_record(const struct gkv_step *step, const struct peers *peers,
                        const struct gkv_keyed_record *found, struct batch *batch)
{
    for (uint32_t i = 0; i < peers->count; i++) {
        const struct gkv_member *peer = gkv_member_at(step->members, peers->indices[i]);
        struct gkv_message *message =
            gkv_step_send(step, &peer->said.address, GKV_CHANNEL_STREAM, GKV_MESSAGE_WRITE);
        message->as.write.operation = 0; /* it is decided: nobody need answer */
        message->as.write.key = found->key;
        message->as.write.record = found->record;
    }
    batch->action_count += peers->count;
}

static struct gkv_version newer(struct gkv_version a, struct gkv_version b)
{
    return gkv_version_compare(a, b) < 0 ? b : a;
}

/* Send what is held under sent->key_hash, and note it there. False: there is no room for it beside
 * what was sent before. */
static bool send_hash(struct gkv_inplace *inplace, const struct gkv_step *step,
                      const struct peers *peers, struct sent *sent, struct batch *batch)
{
    for (uint32_t n = 0; n < NAME_COUNT_MAX; n++) {
        const size_t room = batch->bytes_max - batch->bytes_used;
        struct gkv_keyed_record found;
        const size_t bytes = gkv_store_get_hashed(
            step->store, (struct gkv_hashed){sent->key_hash, n}, gkv_step_clock_ms(step),
            (struct gkv_buffer){batch->bytes + batch->bytes_used, room}, &found);
        if (bytes == 0) {
            break; /* evicted, or forgotten, since it was written */
        }
        if (bytes > room) {
            return n > 0;
        }
        batch->bytes_used += bytes;
        send_record(step, peers, &found, batch);
        sent->version = newer(sent->version, found.record.version);
        inplace->sent_count++;
    }
    return true;
}

/* The place of a hash in batch->sent: it holds the hash, or is free. */
static struct sent *sent_place(struct batch *batch, uint64_t key_hash)
{
    uint32_t at = (uint32_t)(key_hash % SENT_PLACES);
    while (batch->sent[at].key_hash != 0 && batch->sent[at].key_hash != key_hash) {
        at = (at + 1) % SENT_PLACES; /* there are twice as many as are ever used */
    }
    return &batch->sent[at];
}

/* Send what the oldest mark stands for, if there is somebody to send it to. False: there is none,
 * or this drain has done enough. */
static bool take_first(struct gkv_inplace *inplace, const struct gkv_step *step,
                       struct batch *batch)
{
    uint64_t key_hash = 0;
    if (!gkv_marks_first(&inplace->marks, &key_hash)) {
        return false;
    }
    batch->is_full = batch->count == BATCH_COUNT_MAX || batch->taken_count == TAKE_COUNT_MAX ||
                     batch->action_count > FULL_ACTION_COUNT;
    if (batch->is_full) {
        return false;
    }
    struct sent *place = sent_place(batch, key_hash);
    const struct peers peers = peers_of(step, gkv_slot_of(key_hash));
    if (place->key_hash != 0) {
        place->is_marked_again = true;
    } else if (peers.count > 0) {
        struct sent sent = {.key_hash = key_hash};
        if (!send_hash(inplace, step, &peers, &sent, batch)) {
            GKV_ASSERT(batch->count > 0); /* one alone always fits */
            batch->is_full = true;
            return false;
        }
        *place = sent;
        batch->count++;
    }
    gkv_marks_drop(&inplace->marks);
    batch->taken_count++;
    return true;
}

/* Threads write while we drain: a mark that was dropped because its key had gone already may be
 * that of a later write. If another version is held now than went, it is for the next drain. */
static void mark_again(struct gkv_inplace *inplace, const struct gkv_step *step,
                       const struct batch *batch)
{
    for (uint32_t i = 0; i < SENT_PLACES; i++) {
        const struct sent *sent = &batch->sent[i];
        struct gkv_version held;
        if (sent->is_marked_again && gkv_store_version_hashed(step->store, sent->key_hash, &held) &&
            gkv_version_compare(held, sent->version) != 0) {
            (void)gkv_marks_put(&inplace->marks, LOOP_LANE, sent->key_hash); /* we are awake */
        }
    }
}

/* Nobody else is there: a whole ring is emptied for what one mark would take otherwise. */
static bool is_alone(const struct gkv_step *step)
{
    return step->members->reachable_count <= 1;
}

static void send_marked(struct gkv_inplace *inplace, const struct gkv_step *step,
                        struct batch *batch)
{
    if (is_alone(step)) {
        batch->taken_count = gkv_marks_drop_all(&inplace->marks);
        return;
    }
    batch->sent = gkv_at(inplace, inplace->sent_offset);
    memset(batch->sent, 0, SENT_PLACES * sizeof(struct sent));
    batch->bytes_max = record_bytes_max(step->options);
    batch->bytes = gkv_scratch_take(step->scratch, batch->bytes_max);
    while (take_first(inplace, step, batch)) {
        GKV_ASSERT(batch->action_count <= GKV_INPLACE_ACTION_COUNT_MAX);
    }
    gkv_scratch_keep(step->scratch, batch->bytes, batch->bytes_used);
    mark_again(inplace, step, batch);
}

static bool may_offer(const struct gkv_step *step, const struct batch *batch)
{
    return batch->action_count + PEER_COUNT_MAX <= FULL_ACTION_COUNT &&
           gkv_scratch_room(step->scratch) >= gkv_inplace_scratch_bytes(step->options);
}

/* Slots for which the ring was too small: anti-entropy knows how to compare them. Puts that find no
 * room while we look are counted after their bit is set, so that we look again. */
static void offer_dirty(struct gkv_inplace *inplace, struct gkv_repair *repair,
                        const struct gkv_step *step, struct batch *batch)
{
    const uint64_t dirty_count = gkv_marks_dirty_count(&inplace->marks);
    if (!inplace->has_dirty && dirty_count == inplace->seen_dirty_count) {
        return;
    }
    inplace->seen_dirty_count = dirty_count;
    uint32_t slot = 0;
    while (slot < GKV_SLOT_COUNT && may_offer(step, batch)) {
        slot = gkv_marks_take_dirty(&inplace->marks, slot);
        if (slot < GKV_SLOT_COUNT) {
            batch->action_count += is_alone(step) ? 0 : gkv_repair_offer_slot(repair, step, slot);
            slot++; /* set again meanwhile, it waits for the next time */
        }
    }
    inplace->has_dirty = slot < GKV_SLOT_COUNT;
}

void gkv_inplace_drain(struct gkv_inplace *inplace, struct gkv_repair *repair,
                       const struct gkv_step *step)
{
    if (!inplace->may_write || step->now.mono_ns < inplace->drain_ns) {
        return;
    }
    struct batch batch = {.count = 0};
    offer_dirty(inplace, repair, step, &batch);
    inplace->drain_ns = step->now.mono_ns + (inplace->has_dirty ? 0 : DRAIN_INTERVAL_NS);
    if (gkv_marks_is_asleep(&inplace->marks)) {
        return;
    }
    send_marked(inplace, step, &batch);
    if (batch.is_full) {
        inplace->drain_ns = step->now.mono_ns;
    } else if (batch.taken_count == 0) {
        (void)gkv_marks_sleep(&inplace->marks);
    }
}

uint64_t gkv_inplace_deadline_ns(const struct gkv_inplace *inplace)
{
    const bool is_idle = gkv_marks_is_asleep(&inplace->marks) && !inplace->has_dirty;
    return is_idle ? GKV_NEVER : inplace->drain_ns;
}
