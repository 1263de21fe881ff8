#include "core/inplace.h"

#include "core/hash.h"
#include "core/panic.h"
#include "core/writer.h"

#define DRAIN_INTERVAL_NS GKV_NS_PER_MS
#define BATCH_COUNT_MAX GKV_SYNC_RECORD_COUNT_MAX
#define SERVED_WORDS (GKV_SLOT_COUNT / 64)
#define NAME_COUNT_MAX 2 /* keys of one hash that a mark stands for; others: anti-entropy */
#define PEER_COUNT_MAX (GKV_REPLICA_COUNT_MAX - 1)

/* No further mark is looked at after so many messages, and no dirty slot just before. */
#define FULL_ACTION_COUNT (GKV_INPLACE_ACTION_COUNT_MAX - NAME_COUNT_MAX * PEER_COUNT_MAX)

_Static_assert(FULL_ACTION_COUNT > PEER_COUNT_MAX, "a drain offers a slot, and sends a mark");

/* The records of one drain. */
struct batch {
    uint64_t hashes[BATCH_COUNT_MAX]; /* of what was sent */
    uint32_t count;
    uint32_t action_count;
    uint8_t *bytes; /* of scratch; NULL: none yet */
    size_t bytes_used;
    size_t bytes_max;
};

static gkv_word *served_at(const struct gkv_inplace *inplace, uint32_t word)
{
    return (gkv_word *)gkv_at(inplace, inplace->served_offset) + word;
}

/* options.mark_count_max, or the next greater power of two. */
static uint64_t mark_count_of(const struct gkv_options *options)
{
    uint64_t count = 1;
    while (count < options->mark_count_max) {
        count *= 2;
    }
    return count;
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
    gkv_marks_init(&inplace->marks, arena, inplace->may_write ? mark_count_of(options) : 0);
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

static bool is_served(const struct gkv_inplace *inplace, uint64_t key_hash)
{
    const uint32_t slot = gkv_slot_of(key_hash);
    return inplace->may_read &&
           (gkv_word_load(served_at(inplace, slot / 64)) >> (slot % 64) & 1) != 0;
}

static struct gkv_key key_of(const struct gkv_commons *commons, struct gkv_bytes bytes)
{
    return (struct gkv_key){bytes, gkv_hash(bytes.data, bytes.count, commons->inplace->hash_seed)};
}

enum gkv_inplace_answer gkv_inplace_get(const struct gkv_commons *commons, struct gkv_bytes key,
                                        struct gkv_buffer buffer, struct gkv_record *record_out)
{
    const struct gkv_key hashed = key_of(commons, key);
    if (!is_served(commons->inplace, hashed.hash)) {
        return GKV_INPLACE_ASK;
    }
    /* At the time 0 nothing has expired. */
    if (!gkv_store_get(commons->store, hashed, 0, buffer, record_out)) {
        *record_out = (struct gkv_record){.is_tombstone = false};
        return GKV_INPLACE_ABSENT;
    }
    return record_out->is_tombstone ? GKV_INPLACE_ABSENT : GKV_INPLACE_FOUND;
}

bool gkv_inplace_is_over(const struct gkv_commons *commons, uint64_t wall_ms, uint64_t expire_ms)
{
    return expire_ms != 0 && expire_ms <= gkv_hlc_now_ms(commons->clock, wall_ms);
}

bool gkv_inplace_write(const struct gkv_commons *commons, uint64_t wall_ms,
                       const struct gkv_operation *operation, struct gkv_inplace_write *write_out)
{
    struct gkv_inplace *inplace = commons->inplace;
    const struct gkv_key key = key_of(commons, operation->key);
    if (!inplace->may_write || !is_served(inplace, key.hash)) {
        return false;
    }
    GKV_ASSERT(operation->kind == GKV_OPERATION_SET || operation->kind == GKV_OPERATION_DELETE);
    struct gkv_record record = {.is_tombstone = operation->kind == GKV_OPERATION_DELETE};
    if (!record.is_tombstone) {
        record.value = operation->value;
        record.expire_ms = operation->ttl_ms == 0
                               ? 0
                               : gkv_hlc_now_ms(commons->clock, wall_ms) + operation->ttl_ms;
    }
    enum gkv_store_outcome outcome = GKV_STORE_STALE;
    for (uint32_t i = 0; i < GKV_WRITE_ATTEMPT_COUNT_MAX && outcome == GKV_STORE_STALE; i++) {
        struct gkv_version held;
        record.version =
            (struct gkv_version){gkv_hlc_issue(commons->clock, wall_ms), inplace->writer};
        outcome = gkv_store_put_new(commons->store, key, &record, &held);
        if (outcome == GKV_STORE_STALE) {
            /* Another thread was quicker, with a later stamp; or the stamp held is ahead of our
             * clock. If it is too far ahead, all attempts fail, and the loop knows what to do. */
            (void)!gkv_hlc_observe(commons->clock, wall_ms, held.hlc);
        }
    }
    if (outcome != GKV_STORE_STORED) {
        return false;
    }
    *write_out =
        (struct gkv_inplace_write){record.version, gkv_marks_put(&inplace->marks, key.hash)};
    return true;
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
        gkv_word_store(served_at(inplace, word), epoch == 0 ? 0 : owned_in(step, word));
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

/* Send what is held under a hash. False: there is no room for it beside what was sent before. */
static bool send_hash(struct gkv_inplace *inplace, const struct gkv_step *step, uint64_t key_hash,
                      struct batch *batch)
{
    const struct peers peers = peers_of(step, gkv_slot_of(key_hash));
    for (uint32_t n = 0; n < NAME_COUNT_MAX && peers.count > 0; n++) {
        const size_t room = batch->bytes_max - batch->bytes_used;
        struct gkv_keyed_record found;
        const size_t bytes = gkv_store_get_hashed(
            step->store, (struct gkv_hashed){key_hash, n}, gkv_step_clock_ms(step),
            (struct gkv_buffer){batch->bytes + batch->bytes_used, room}, &found);
        if (bytes == 0) {
            break; /* evicted, or forgotten, since it was written */
        }
        if (bytes > room) {
            return n > 0;
        }
        batch->bytes_used += bytes;
        send_record(step, &peers, &found, batch);
        inplace->sent_count++;
    }
    return true;
}

static bool is_sent(const struct batch *batch, uint64_t key_hash)
{
    for (uint32_t i = 0; i < batch->count; i++) {
        if (batch->hashes[i] == key_hash) {
            return true;
        }
    }
    return false;
}

/* Send what the oldest mark stands for. False: there is none, or this drain has sent enough. */
static bool send_first(struct gkv_inplace *inplace, const struct gkv_step *step,
                       struct batch *batch)
{
    uint64_t key_hash = 0;
    if (batch->count == BATCH_COUNT_MAX || batch->action_count > FULL_ACTION_COUNT ||
        !gkv_marks_first(&inplace->marks, &key_hash)) {
        return false;
    }
    if (!is_sent(batch, key_hash)) {
        if (!send_hash(inplace, step, key_hash, batch)) {
            GKV_ASSERT(batch->count > 0); /* one alone always fits */
            return false;
        }
        batch->hashes[batch->count++] = key_hash;
    }
    gkv_marks_drop(&inplace->marks);
    return true;
}

static void send_marked(struct gkv_inplace *inplace, const struct gkv_step *step,
                        struct batch *batch)
{
    batch->bytes_max = record_bytes_max(step->options);
    batch->bytes = gkv_scratch_take(step->scratch, batch->bytes_max);
    /* Bounded by the batch: a mark that is in it already leaves the ring, which is bounded, too. */
    const uint64_t mark_count_max = inplace->marks.capacity;
    for (uint64_t i = 0; i < mark_count_max && send_first(inplace, step, batch); i++) {
        GKV_ASSERT(batch->action_count <= GKV_INPLACE_ACTION_COUNT_MAX);
    }
    gkv_scratch_keep(step->scratch, batch->bytes, batch->bytes_used);
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
    const uint64_t dirty_count = gkv_marks_stats(&inplace->marks).dirty_count;
    if (!inplace->has_dirty && dirty_count == inplace->seen_dirty_count) {
        return;
    }
    inplace->seen_dirty_count = dirty_count;
    uint32_t slot = 0;
    while (slot < GKV_SLOT_COUNT && may_offer(step, batch)) {
        slot = gkv_marks_take_dirty(&inplace->marks, slot);
        if (slot < GKV_SLOT_COUNT) {
            batch->action_count += gkv_repair_offer_slot(repair, step, slot);
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
    uint64_t next = 0;
    if (batch.count == 0) {
        (void)gkv_marks_sleep(&inplace->marks);
    } else if (gkv_marks_first(&inplace->marks, &next)) {
        inplace->drain_ns = step->now.mono_ns;
    }
}

uint64_t gkv_inplace_deadline_ns(const struct gkv_inplace *inplace)
{
    const bool is_idle = gkv_marks_is_asleep(&inplace->marks) && !inplace->has_dirty;
    return is_idle ? GKV_NEVER : inplace->drain_ns;
}
