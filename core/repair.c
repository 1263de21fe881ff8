#include "core/repair.h"

#include "core/panic.h"

#define PRNG_STREAM UINT64_C(0x53594e43) /* "SYNC" */
#define FAST_DIVISOR 8              /* rounds come so much sooner while there are differences */
#define KEYS_MESSAGE_COUNT_MAX 4    /* SYNC_KEYS per SYNC_SLOTS */
#define RECORDS_MESSAGE_COUNT_MAX 2 /* SYNC_RECORDS per SYNC_KEYS or SYNC_PULL */
#define SEND_COUNT_MAX (RECORDS_MESSAGE_COUNT_MAX * GKV_SYNC_RECORD_COUNT_MAX)
#define PART_COUNT_MAX 65536
#define PART_DOUBLING_COUNT_MAX 17 /* of part_count, from 1 to PART_COUNT_MAX */

/* Open addressing over the key hashes of one SYNC_KEYS: at most half full. */
#define HASH_SET_COUNT (2 * GKV_SYNC_KEY_COUNT_MAX)

_Static_assert((HASH_SET_COUNT & (HASH_SET_COUNT - 1)) == 0, "the set is indexed by a mask");
_Static_assert(GKV_REPAIR_ACTION_COUNT_MAX >= KEYS_MESSAGE_COUNT_MAX, "the answers to SYNC_SLOTS");
_Static_assert(GKV_REPAIR_ACTION_COUNT_MAX >= RECORDS_MESSAGE_COUNT_MAX + 1,
               "the answers to SYNC_KEYS");

/* The other side of a message. */
struct peer {
    struct gkv_address address;
    struct gkv_node_id id;
    uint16_t index;
};

/* A SYNC_KEYS being filled. */
struct key_list {
    struct gkv_key_version *keys; /* GKV_SYNC_KEY_COUNT_MAX of them, in scratch; NULL: not begun */
    uint64_t slots[2];
    uint32_t group;
    uint32_t count;
    uint32_t part;
    uint32_t part_count;
};

/* Key hashes whose records are to be sent. */
struct send_list {
    uint64_t hashes[SEND_COUNT_MAX];
    uint32_t count;
};

void gkv_repair_init(struct gkv_repair *repair, const struct gkv_options *options)
{
    *repair = (struct gkv_repair){.peer_cursor = GKV_MEMBER_SELF};
    gkv_prng_init(&repair->prng, options->seed[0], options->seed[1] ^ PRNG_STREAM);
}

/* What a SYNC_RECORDS may carry: as many records as fit GKV_SYNC_RECORD_BYTES_MAX, or one that is
 * larger. */
static size_t records_bytes_max(const struct gkv_options *options)
{
    const size_t largest = (size_t)GKV_KEY_BYTES_MAX + options->value_bytes_max;
    return largest > GKV_SYNC_RECORD_BYTES_MAX ? largest : GKV_SYNC_RECORD_BYTES_MAX;
}

size_t gkv_repair_scratch_bytes(const struct gkv_options *options)
{
    const size_t record_bytes =
        records_bytes_max(options) + GKV_SYNC_RECORD_COUNT_MAX * sizeof(struct gkv_keyed_record);
    const size_t list_bytes = GKV_SYNC_KEY_COUNT_MAX * sizeof(struct gkv_key_version);
    const size_t keys_bytes = (KEYS_MESSAGE_COUNT_MAX + 1) * list_bytes +
                              GKV_SYNC_KEY_COUNT_MAX * sizeof(uint64_t) +
                              HASH_SET_COUNT * sizeof(uint16_t);
    const size_t digest_bytes =
        (GKV_SYNC_GROUPS_PER_ROUND + 1) * GKV_SLOT_GROUP_COUNT * sizeof(struct gkv_digest);
    return RECORDS_MESSAGE_COUNT_MAX * record_bytes + keys_bytes + digest_bytes + 1024;
}

static void set_timer(struct gkv_repair *repair, const struct gkv_step *step, uint32_t divisor)
{
    const uint64_t interval_ns = step->options->sync_interval_ms * GKV_NS_PER_MS / divisor;
    const uint64_t jitter_ns = gkv_prng_below(&repair->prng, interval_ns / 5 + 1);
    gkv_timer_set(step->timers, GKV_TIMER_SYNC,
                  step->now.mono_ns + interval_ns - interval_ns / 10 + jitter_ns);
}

void gkv_repair_start(struct gkv_repair *repair, const struct gkv_step *step)
{
    set_timer(repair, step, 1);
}

static bool owns(const struct gkv_step *step, uint32_t slot, uint16_t index)
{
    return gkv_ring_owns(gkv_step_ring(step), slot, index);
}

static bool share(const struct gkv_step *step, uint32_t slot, uint16_t peer_index)
{
    return owns(step, slot, GKV_MEMBER_SELF) && owns(step, slot, peer_index);
}

static bool evicts(const struct gkv_step *step)
{
    return step->options->memory_policy == GKV_MEMORY_EVICT;
}

/* Digests differ, so that the next round may come sooner; in caches they mostly do, and that is no
 * news. */
static void note_difference(struct gkv_repair *repair, const struct gkv_step *step)
{
    repair->found_difference = repair->found_difference || !evicts(step);
}

static bool digest_equal(struct gkv_digest a, struct gkv_digest b)
{
    return a.low == b.low && a.high == b.high;
}

/* What we hold of every group: the sum over the slots that we and the peer share. */
static struct gkv_digest *digest_groups(const struct gkv_step *step, uint16_t peer_index)
{
    const size_t bytes = GKV_SLOT_GROUP_COUNT * sizeof(struct gkv_digest);
    struct gkv_digest *groups = gkv_scratch_take(step->scratch, bytes);
    memset(groups, 0, bytes);
    for (uint32_t slot = gkv_store_slot_from(step->store, 0); slot < GKV_SLOT_COUNT;
         slot = gkv_store_slot_from(step->store, slot + 1)) {
        if (share(step, slot, peer_index)) {
            const struct gkv_digest digest = gkv_store_slot_digest(step->store, slot);
            groups[slot / GKV_SLOT_GROUP_SLOTS].low += digest.low;
            groups[slot / GKV_SLOT_GROUP_SLOTS].high += digest.high;
        }
    }
    return groups;
}

/* What we hold of a group, slot by slot; nothing of the slots that we and the peer do not share. */
static struct gkv_digest *digest_slots(const struct gkv_step *step, uint16_t peer_index,
                                       uint32_t group)
{
    const size_t bytes = GKV_SLOT_GROUP_SLOTS * sizeof(struct gkv_digest);
    struct gkv_digest *slots = gkv_scratch_take(step->scratch, bytes);
    memset(slots, 0, bytes);
    const uint32_t first = group * GKV_SLOT_GROUP_SLOTS;
    for (uint32_t slot = gkv_store_slot_from(step->store, first);
         slot < first + GKV_SLOT_GROUP_SLOTS; slot = gkv_store_slot_from(step->store, slot + 1)) {
        if (share(step, slot, peer_index)) {
            slots[slot - first] = gkv_store_slot_digest(step->store, slot);
        }
    }
    return slots;
}

/* Lists of keys. */

static void begin_list(const struct gkv_step *step, struct key_list *list, uint32_t group)
{
    *list = (struct key_list){.group = group, .part_count = 1};
    list->keys =
        gkv_scratch_take(step->scratch, GKV_SYNC_KEY_COUNT_MAX * sizeof(struct gkv_key_version));
}

static void send_list_of_keys(const struct gkv_step *step, const struct peer *peer,
                              const struct key_list *list)
{
    struct gkv_message *message =
        gkv_step_send(step, &peer->address, GKV_CHANNEL_STREAM, GKV_MESSAGE_SYNC_KEYS);
    message->as.sync_keys.group = list->group;
    message->as.sync_keys.slots[0] = list->slots[0];
    message->as.sync_keys.slots[1] = list->slots[1];
    message->as.sync_keys.part = list->part;
    message->as.sync_keys.part_count = list->part_count;
    message->as.sync_keys.keys = list->keys;
    message->as.sync_keys.key_count = list->count;
    message->as.sync_keys.is_full = !gkv_store_has_room(step->store);
}

/* List a slot, or one of so many parts of it that a part fits; which part is drawn at random, so
 * that slots cannot fall in step and leave parts out. In: the part that the list must be a part of
 * (0 of 1: the whole slot). Returns how many were written: all, but for a slot of millions of
 * keys. */
static uint32_t list_slot_part(struct gkv_repair *repair, const struct gkv_step *step,
                               uint32_t slot, struct key_list *list)
{
    const uint32_t base = list->part;
    const uint32_t stride = list->part_count;
    const uint64_t draw = gkv_prng_next(&repair->prng);
    for (uint32_t i = 0; i < PART_DOUBLING_COUNT_MAX; i++) {
        const uint32_t total =
            gkv_store_list(step->store, (struct gkv_slot_part){slot, list->part, list->part_count},
                           list->keys, GKV_SYNC_KEY_COUNT_MAX);
        if (total <= GKV_SYNC_KEY_COUNT_MAX) {
            return total;
        }
        if (list->part_count > PART_COUNT_MAX / 2) {
            break;
        }
        /* part % stride stays base, so that a part of a part is asked for. */
        list->part_count *= 2;
        list->part = base + stride * (uint32_t)(draw % (list->part_count / stride));
    }
    return GKV_SYNC_KEY_COUNT_MAX;
}

/* Put a slot into the list: true. False when it does not fit what is left of the list. */
static bool add_slot(struct gkv_repair *repair, const struct gkv_step *step, struct key_list *list,
                     uint32_t slot)
{
    const uint32_t bit = slot % GKV_SLOT_GROUP_SLOTS;
    GKV_ASSERT(slot / GKV_SLOT_GROUP_SLOTS == list->group);
    const bool is_first = list->slots[0] == 0 && list->slots[1] == 0;
    const uint32_t room = GKV_SYNC_KEY_COUNT_MAX - list->count;
    uint32_t listed = UINT32_MAX;
    if (gkv_store_slot_count(step->store, slot) <= room && list->part_count == 1) {
        /* More than were counted, when other threads write. */
        listed = gkv_store_list(step->store, (struct gkv_slot_part){slot, 0, 1},
                                list->keys + list->count, room);
    }
    if (listed <= room) {
        list->count += listed;
    } else if (is_first) {
        list->count = list_slot_part(repair, step, slot, list);
    } else {
        return false;
    }
    list->slots[bit / 64] |= UINT64_C(1) << (bit % 64);
    GKV_ASSERT(list->count <= GKV_SYNC_KEY_COUNT_MAX);
    return true;
}

uint32_t gkv_repair_offer_slot(struct gkv_repair *repair, const struct gkv_step *step,
                               uint32_t slot)
{
    uint32_t sent_count = 0;
    struct key_list list;
    begin_list(step, &list, slot / GKV_SLOT_GROUP_SLOTS);
    const bool is_added = add_slot(repair, step, &list, slot);
    GKV_ASSERT(is_added);
    gkv_scratch_keep(step->scratch, list.keys, list.count * sizeof(list.keys[0]));
    const struct gkv_owners owners = gkv_ring_owners(gkv_step_ring(step), slot);
    for (uint32_t i = 0; i < owners.count; i++) {
        const struct gkv_member *member = gkv_member_at(step->members, owners.members[i]);
        if (owners.members[i] != GKV_MEMBER_SELF && gkv_member_is_reachable(member)) {
            const struct peer peer = {.address = member->said.address,
                                      .id = member->said.who.id,
                                      .index = owners.members[i]};
            send_list_of_keys(step, &peer, &list);
            sent_count++;
        }
    }
    note_difference(repair, step);
    return sent_count;
}

/* Rounds. */

/* The next reachable member, round robin; ourselves when there is nobody else. */
static uint16_t next_peer(struct gkv_repair *repair, const struct gkv_step *step)
{
    const uint16_t capacity = step->members->capacity;
    for (uint16_t i = 0; i < capacity; i++) {
        repair->peer_cursor = (uint16_t)((repair->peer_cursor + 1) % capacity);
        if (repair->peer_cursor != GKV_MEMBER_SELF &&
            gkv_member_is_reachable(gkv_member_at(step->members, repair->peer_cursor))) {
            return repair->peer_cursor;
        }
    }
    return GKV_MEMBER_SELF;
}

/* The next of GKV_SLOT_COUNT slots, counted round from the cursor, that holds records: from the
 * i-th on. GKV_SLOT_COUNT when there is none. */
static uint32_t next_held(const struct gkv_repair *repair, const struct gkv_step *step, uint32_t i)
{
    const uint32_t before_wrap = GKV_SLOT_COUNT - repair->leftover_cursor;
    if (i < before_wrap) {
        const uint32_t found = gkv_store_slot_from(step->store, repair->leftover_cursor + i);
        if (found < GKV_SLOT_COUNT) {
            return found - repair->leftover_cursor;
        }
    }
    const uint32_t from = i < before_wrap ? 0 : i - before_wrap;
    const uint32_t found = gkv_store_slot_from(step->store, from);
    return found < repair->leftover_cursor ? found + before_wrap : GKV_SLOT_COUNT;
}

/* Offer slots that we hold and no longer own to a peer that owns them: those of one group, as many
 * as fit a list. The cursor stands still for a whole turn over the peers, and then moves past what
 * all of them were offered: if it moved each time, peers and slots could keep step, and some never
 * meet. */
static void offer_leftovers(struct gkv_repair *repair, const struct gkv_step *step,
                            const struct peer *peer)
{
    struct key_list list = {.keys = NULL};
    uint32_t end = GKV_SLOT_COUNT; /* or the end of the group, when the list is begun */
    uint32_t i = next_held(repair, step, 0);
    for (; i < end; i = next_held(repair, step, i + 1)) {
        const uint32_t slot = (repair->leftover_cursor + i) % GKV_SLOT_COUNT;
        if (owns(step, slot, GKV_MEMBER_SELF) || !owns(step, slot, peer->index)) {
            continue;
        }
        if (list.keys == NULL) {
            begin_list(step, &list, slot / GKV_SLOT_GROUP_SLOTS);
            const uint32_t group_end = i + GKV_SLOT_GROUP_SLOTS - slot % GKV_SLOT_GROUP_SLOTS;
            end = group_end < end ? group_end : end;
        }
        if (!add_slot(repair, step, &list, slot)) {
            break;
        }
    }
    i = i < end ? i : end;
    repair->leftover_step = i < repair->leftover_step ? i : repair->leftover_step;
    if (list.keys != NULL) {
        send_list_of_keys(step, peer, &list);
    }
}

void gkv_repair_on_timer(struct gkv_repair *repair, const struct gkv_step *step)
{
    set_timer(repair, step, repair->found_difference ? FAST_DIVISOR : 1);
    repair->found_difference = false;
    const uint16_t last_index = repair->peer_cursor;
    const uint16_t index = next_peer(repair, step);
    if (index == GKV_MEMBER_SELF) {
        return;
    }
    if (index <= last_index) { /* a new turn over the peers */
        repair->leftover_cursor =
            (repair->leftover_cursor + repair->leftover_step) % GKV_SLOT_COUNT;
        repair->leftover_step = GKV_SLOT_COUNT;
    }
    const struct gkv_member *member = gkv_member_at(step->members, index);
    const struct peer peer = {
        .address = member->said.address, .id = member->said.who.id, .index = index};

    repair->round_count++;
    struct gkv_message *message =
        gkv_step_send(step, &peer.address, GKV_CHANNEL_STREAM, GKV_MESSAGE_SYNC_GROUPS);
    message->as.sync_groups.digests = digest_groups(step, index);
    message->as.sync_groups.digest_count = GKV_SLOT_GROUP_COUNT;
    gkv_step_trace(step, GKV_TRACE_SYNC, &peer.id, 0, GKV_MESSAGE_SYNC_GROUPS);
    offer_leftovers(repair, step, &peer);
}

static void on_groups(struct gkv_repair *repair, const struct gkv_step *step,
                      const struct gkv_message *message, const struct peer *peer)
{
    if (message->as.sync_groups.digest_count != GKV_SLOT_GROUP_COUNT) {
        repair->malformed_count++;
        return;
    }

    const struct gkv_digest *theirs = message->as.sync_groups.digests;
    /* Where groups differ for ever, a cursor and the peers' turns could keep step. */
    const uint32_t start = evicts(step)
                               ? (uint32_t)gkv_prng_below(&repair->prng, GKV_SLOT_GROUP_COUNT)
                               : repair->group_cursor;
    const struct gkv_digest *ours = digest_groups(step, peer->index);
    uint32_t answered_count = 0;
    for (uint32_t i = 0; i < GKV_SLOT_GROUP_COUNT && answered_count < GKV_SYNC_GROUPS_PER_ROUND;
         i++) {
        const uint32_t group = (start + i) % GKV_SLOT_GROUP_COUNT;
        if (digest_equal(ours[group], theirs[group])) {
            continue;
        }
        struct gkv_message *answer =
            gkv_step_send(step, &peer->address, GKV_CHANNEL_STREAM, GKV_MESSAGE_SYNC_SLOTS);
        answer->as.sync_slots.group = group;
        answer->as.sync_slots.digests = digest_slots(step, peer->index, group);
        answer->as.sync_slots.digest_count = GKV_SLOT_GROUP_SLOTS;
        answered_count++;
        repair->group_cursor = (group + 1) % GKV_SLOT_GROUP_COUNT;
        note_difference(repair, step);
    }
    if (answered_count > 0) {
        gkv_step_trace(step, GKV_TRACE_SYNC, &peer->id, answered_count, GKV_MESSAGE_SYNC_SLOTS);
    }
}

static void on_slots(struct gkv_repair *repair, const struct gkv_step *step,
                     const struct gkv_message *message, const struct peer *peer)
{
    const uint32_t group = message->as.sync_slots.group;
    if (group >= GKV_SLOT_GROUP_COUNT ||
        message->as.sync_slots.digest_count != GKV_SLOT_GROUP_SLOTS) {
        repair->malformed_count++;
        return;
    }

    const uint32_t start = (uint32_t)gkv_prng_below(&repair->prng, GKV_SLOT_GROUP_SLOTS);
    struct key_list list = {.keys = NULL};
    uint32_t message_count = 0;
    uint32_t difference_count = 0;
    for (uint32_t i = 0; i < GKV_SLOT_GROUP_SLOTS; i++) {
        const uint32_t bit = (start + i) % GKV_SLOT_GROUP_SLOTS;
        const uint32_t slot = group * GKV_SLOT_GROUP_SLOTS + bit;
        if (!share(step, slot, peer->index) ||
            digest_equal(gkv_store_slot_digest(step->store, slot),
                         message->as.sync_slots.digests[bit])) {
            continue;
        }
        difference_count++;
        if (list.keys == NULL) {
            begin_list(step, &list, group);
        }
        if (add_slot(repair, step, &list, slot)) {
            continue;
        }
        send_list_of_keys(step, peer, &list);
        list.keys = NULL;
        message_count++;
        if (message_count == KEYS_MESSAGE_COUNT_MAX) {
            break;
        }
        begin_list(step, &list, group);
        const bool added = add_slot(repair, step, &list, slot);
        GKV_ASSERT(added);
    }
    if (list.keys != NULL) {
        send_list_of_keys(step, peer, &list);
    }
    if (difference_count > 0) {
        note_difference(repair, step);
        gkv_step_trace(step, GKV_TRACE_SYNC, &peer->id, difference_count, GKV_MESSAGE_SYNC_KEYS);
    }
}

/* Records. */

/* A SYNC_RECORDS being filled. */
struct records_message {
    struct gkv_keyed_record *records; /* in scratch; NULL: not begun */
    uint8_t *bytes;                   /* of scratch: records_bytes_max */
    size_t bytes_used;
    uint32_t count;
    uint32_t message_count; /* sent so far */
};

static void send_records(struct gkv_repair *repair, const struct gkv_step *step,
                         const struct peer *peer, struct records_message *filling)
{
    if (filling->count == 0) {
        return;
    }
    struct gkv_message *message =
        gkv_step_send(step, &peer->address, GKV_CHANNEL_STREAM, GKV_MESSAGE_SYNC_RECORDS);
    message->as.sync_records.records = filling->records;
    message->as.sync_records.record_count = filling->count;
    repair->record_sent_count += filling->count;
    *filling = (struct records_message){.message_count = filling->message_count + 1};
}

static void begin_records(const struct gkv_step *step, struct records_message *filling)
{
    filling->records = gkv_scratch_take(step->scratch, GKV_SYNC_RECORD_COUNT_MAX *
                                                           sizeof(struct gkv_keyed_record));
    filling->bytes = gkv_scratch_take(step->scratch, records_bytes_max(step->options));
}

/* Read the record of a name into the message, in one look, for other threads write. Returns how
 * many bytes it has, 0: there is none; it was added if filling->count says so. */
static size_t read_record(const struct gkv_step *step, struct records_message *filling,
                          struct gkv_hashed name)
{
    if (filling->records == NULL) {
        begin_records(step, filling);
    }
    const size_t end =
        filling->count == 0 ? records_bytes_max(step->options) : GKV_SYNC_RECORD_BYTES_MAX;
    const size_t room = end > filling->bytes_used ? end - filling->bytes_used : 0;
    const size_t bytes =
        gkv_store_get_hashed(step->store, name, gkv_step_clock_ms(step),
                             (struct gkv_buffer){filling->bytes + filling->bytes_used, room},
                             &filling->records[filling->count]);
    if (bytes > 0 && bytes <= room) {
        filling->bytes_used += bytes;
        filling->count++;
    }
    return bytes;
}

/* Add the record of a name: false when there is none, or no message is left for it. */
static bool add_record(struct gkv_repair *repair, const struct gkv_step *step,
                       const struct peer *peer, struct records_message *filling,
                       struct gkv_hashed name)
{
    uint32_t before = filling->count;
    const size_t bytes = read_record(step, filling, name);
    if (bytes > 0 && filling->count == before) {
        GKV_ASSERT(before > 0); /* one alone always fits */
        send_records(repair, step, peer, filling);
        before = 0;
        if (filling->message_count < RECORDS_MESSAGE_COUNT_MAX) {
            (void)read_record(step, filling, name);
        }
    }
    const bool is_added = filling->count > before;
    if (filling->count == GKV_SYNC_RECORD_COUNT_MAX) {
        send_records(repair, step, peer, filling);
    }
    return is_added;
}

/* Send the records of `count` key hashes, from a random one on, in at most two messages. */
static void send_hashes(struct gkv_repair *repair, const struct gkv_step *step,
                        const struct peer *peer, const uint64_t *hashes, uint32_t count)
{
    if (count == 0) {
        return;
    }
    const uint32_t start = (uint32_t)gkv_prng_below(&repair->prng, count);
    struct records_message filling = {.records = NULL};
    for (uint32_t i = 0; i < count && filling.message_count < RECORDS_MESSAGE_COUNT_MAX; i++) {
        struct gkv_hashed name = {.key_hash = hashes[(start + i) % count], .n = 0};
        /* As many keys with one hash as a message may carry, so that the loop has a bound. */
        while (name.n < GKV_SYNC_RECORD_COUNT_MAX &&
               filling.message_count < RECORDS_MESSAGE_COUNT_MAX &&
               add_record(repair, step, peer, &filling, name)) {
            name.n++;
        }
    }
    send_records(repair, step, peer, &filling);
    GKV_ASSERT(filling.message_count <= RECORDS_MESSAGE_COUNT_MAX);
}

/* Comparing. */

static uint32_t first_place(uint64_t key_hash)
{
    return (uint32_t)((key_hash * UINT64_C(0x9e3779b97f4a7c15)) >> 32) % HASH_SET_COUNT;
}

/* The key hashes of a message as a set: places hold the key's index + 1, 0 is empty. */
static uint16_t *make_hash_set(const struct gkv_step *step, const struct gkv_message *message)
{
    uint16_t *set = gkv_scratch_take(step->scratch, HASH_SET_COUNT * sizeof(uint16_t));
    memset(set, 0, HASH_SET_COUNT * sizeof(uint16_t));
    for (uint32_t i = 0; i < message->as.sync_keys.key_count; i++) {
        uint32_t place = first_place(message->as.sync_keys.keys[i].key_hash);
        while (set[place] != 0) {
            place = (place + 1) % HASH_SET_COUNT;
        }
        set[place] = (uint16_t)(i + 1);
    }
    return set;
}

static bool has_hash(const uint16_t *set, const struct gkv_message *message, uint64_t key_hash)
{
    uint32_t place = first_place(key_hash);
    while (set[place] != 0) {
        if (message->as.sync_keys.keys[set[place] - 1].key_hash == key_hash) {
            return true;
        }
        place = (place + 1) % HASH_SET_COUNT;
    }
    return false;
}

static bool covers(const struct gkv_message *message, uint32_t slot)
{
    const uint32_t bit = slot % GKV_SLOT_GROUP_SLOTS;
    return slot / GKV_SLOT_GROUP_SLOTS == message->as.sync_keys.group &&
           (message->as.sync_keys.slots[bit / 64] >> (bit % 64) & 1) != 0;
}

static bool keys_are_valid(const struct gkv_message *message)
{
    const uint32_t part_count = message->as.sync_keys.part_count;
    if (message->as.sync_keys.group >= GKV_SLOT_GROUP_COUNT || part_count < 1 ||
        part_count > PART_COUNT_MAX || message->as.sync_keys.part >= part_count ||
        message->as.sync_keys.key_count > GKV_SYNC_KEY_COUNT_MAX) {
        return false;
    }
    for (uint32_t i = 0; i < message->as.sync_keys.key_count; i++) {
        const struct gkv_key_version *key = &message->as.sync_keys.keys[i];
        if (!covers(message, gkv_ring_slot_of_hash(key->key_hash)) ||
            key->key_hash % part_count != message->as.sync_keys.part ||
            gkv_version_is_none(key->version)) {
            return false;
        }
    }
    return true;
}

static void want_sent(struct send_list *sending, uint64_t key_hash)
{
    if (sending->count < SEND_COUNT_MAX) {
        sending->hashes[sending->count] = key_hash;
        sending->count++;
    }
}

/* Go through what the peer holds: ask for what is newer there, and note what is newer here. Returns
 * how many were asked for. */
static uint32_t compare_listed(struct gkv_repair *repair, const struct gkv_step *step,
                               const struct gkv_message *message, const struct peer *peer,
                               struct send_list *sending)
{
    const uint32_t count = message->as.sync_keys.key_count;
    if (count == 0) {
        return 0;
    }
    uint64_t *pulls = gkv_scratch_take(step->scratch, count * sizeof(uint64_t));
    const uint32_t start = (uint32_t)gkv_prng_below(&repair->prng, count);
    const bool has_room = gkv_store_has_room(step->store);
    uint32_t pull_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct gkv_key_version *key = &message->as.sync_keys.keys[(start + i) % count];
        const uint32_t slot = gkv_ring_slot_of_hash(key->key_hash);
        struct gkv_version held = {.writer = 0};
        if (!owns(step, slot, GKV_MEMBER_SELF)) {
            continue;
        }
        const bool is_held = gkv_store_version_hashed(step->store, key->key_hash, &held);
        const int order = is_held ? gkv_version_compare(held, key->version) : -1;
        if (order < 0 && (is_held || has_room)) {
            pulls[pull_count] = key->key_hash;
            pull_count++;
        } else if (order > 0 && owns(step, slot, peer->index)) {
            want_sent(sending, key->key_hash);
        }
    }
    if (pull_count > 0) {
        struct gkv_message *pull =
            gkv_step_send(step, &peer->address, GKV_CHANNEL_STREAM, GKV_MESSAGE_SYNC_PULL);
        pull->as.sync_pull.key_hashes = pulls;
        pull->as.sync_pull.key_count = pull_count;
    }
    return pull_count;
}

/* Go through what we hold of the slots compared, and note what the peer lacks. */
static void compare_unlisted(struct gkv_repair *repair, const struct gkv_step *step,
                             const struct gkv_message *message, const struct peer *peer,
                             struct send_list *sending)
{
    const uint16_t *set = make_hash_set(step, message);
    const uint32_t start = (uint32_t)gkv_prng_below(&repair->prng, GKV_SLOT_GROUP_SLOTS);
    struct key_list ours;
    begin_list(step, &ours, message->as.sync_keys.group);
    for (uint32_t i = 0; i < GKV_SLOT_GROUP_SLOTS && sending->count < SEND_COUNT_MAX; i++) {
        const uint32_t slot =
            ours.group * GKV_SLOT_GROUP_SLOTS + (start + i) % GKV_SLOT_GROUP_SLOTS;
        if (!covers(message, slot) || !share(step, slot, peer->index)) {
            continue;
        }
        ours.part = message->as.sync_keys.part;
        ours.part_count = message->as.sync_keys.part_count;
        const uint32_t count = list_slot_part(repair, step, slot, &ours);
        for (uint32_t k = 0; k < count; k++) {
            if (!has_hash(set, message, ours.keys[k].key_hash)) {
                want_sent(sending, ours.keys[k].key_hash);
            }
        }
    }
}

static void on_keys(struct gkv_repair *repair, const struct gkv_step *step,
                    const struct gkv_message *message, const struct peer *peer)
{
    if (!keys_are_valid(message)) {
        repair->malformed_count++;
        return;
    }

    struct send_list sending;
    sending.count = 0;
    const uint32_t pull_count = compare_listed(repair, step, message, peer, &sending);
    if (!message->as.sync_keys.is_full) {
        compare_unlisted(repair, step, message, peer, &sending);
    }
    if (pull_count + sending.count > 0) {
        repair->found_difference = true;
        gkv_step_trace(step, GKV_TRACE_SYNC, &peer->id, pull_count + sending.count,
                       GKV_MESSAGE_SYNC_PULL);
    }
    send_hashes(repair, step, peer, sending.hashes, sending.count);
}

static void on_pull(struct gkv_repair *repair, const struct gkv_step *step,
                    const struct gkv_message *message, const struct peer *peer)
{
    if (message->as.sync_pull.key_count > GKV_SYNC_KEY_COUNT_MAX) {
        repair->malformed_count++;
        return;
    }
    if (message->as.sync_pull.key_count > 0) {
        repair->found_difference = true;
    }
    send_hashes(repair, step, peer, message->as.sync_pull.key_hashes,
                message->as.sync_pull.key_count);
}

/* Would our own sweep drop it at once? */
static bool is_forgettable(const struct gkv_step *step, const struct gkv_record *record)
{
    const uint64_t now_ms = gkv_step_clock_ms(step);
    const uint64_t keep_ms = step->options->tombstone_keep_ms;
    const uint64_t before_ms = now_ms > keep_ms ? now_ms - keep_ms : 0;
    const bool is_gone = record->is_tombstone || record->expire_ms != 0;
    return is_gone && gkv_hlc_ms(record->version.hlc) < before_ms && record->expire_ms < before_ms;
}

static void take_record(struct gkv_repair *repair, struct gkv_replica *replica,
                        const struct gkv_step *step, const struct gkv_keyed_record *sent)
{
    const uint64_t key_hash = gkv_ring_key_hash(step->ring, sent->key);
    if (!owns(step, gkv_ring_slot_of_hash(key_hash), GKV_MEMBER_SELF)) {
        repair->foreign_count++;
        return;
    }
    struct gkv_record held;
    if (gkv_store_peek(step->store, (struct gkv_key){sent->key, key_hash}, gkv_step_clock_ms(step),
                       (struct gkv_buffer){NULL, 0}, &held)) {
        if (gkv_version_compare(held.version, sent->record.version) >= 0) {
            return;
        }
    } else if (is_forgettable(step, &sent->record) || !gkv_store_has_room(step->store)) {
        return;
    }
    struct gkv_version version;
    if (gkv_replica_copy(replica, step, sent, key_hash, &version) == GKV_REPLY_OK) {
        repair->record_stored_count++;
        repair->found_difference = repair->found_difference || evicts(step);
    }
}

static void on_records(struct gkv_repair *repair, struct gkv_replica *replica,
                       const struct gkv_step *step, const struct gkv_message *message)
{
    const struct gkv_keyed_record *records = message->as.sync_records.records;
    const uint32_t count = message->as.sync_records.record_count;
    bool is_valid = count <= GKV_SYNC_RECORD_COUNT_MAX;
    for (uint32_t i = 0; is_valid && i < count; i++) {
        is_valid = gkv_replica_key_is_valid(records[i].key) &&
                   gkv_replica_record_is_valid(step->options, &records[i].record);
    }
    if (!is_valid) {
        repair->malformed_count++;
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        take_record(repair, replica, step, &records[i]);
    }
}

void gkv_repair_on_message(struct gkv_repair *repair, struct gkv_replica *replica,
                           const struct gkv_step *step, const struct gkv_message *message,
                           const struct gkv_address *source)
{
    const uint16_t index = gkv_member_find(step->members, message->from.id);
    if (index == GKV_MEMBER_INDEX_NONE || index == GKV_MEMBER_SELF ||
        !gkv_member_is_in_ring(gkv_member_at(step->members, index))) {
        repair->stranger_count++;
        return;
    }
    const struct peer peer = {.address = *source, .id = message->from.id, .index = index};

    if (message->kind == GKV_MESSAGE_SYNC_GROUPS) {
        on_groups(repair, step, message, &peer);
    } else if (message->kind == GKV_MESSAGE_SYNC_SLOTS) {
        on_slots(repair, step, message, &peer);
    } else if (message->kind == GKV_MESSAGE_SYNC_KEYS) {
        on_keys(repair, step, message, &peer);
    } else if (message->kind == GKV_MESSAGE_SYNC_PULL) {
        on_pull(repair, step, message, &peer);
    } else {
        GKV_ASSERT(message->kind == GKV_MESSAGE_SYNC_RECORDS);
        on_records(repair, replica, step, message);
    }
}
