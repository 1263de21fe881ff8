#include "core/replica.h"

#include "core/panic.h"

bool gkv_replica_key_is_valid(struct gkv_bytes key)
{
    return key.count > 0 && key.count <= GKV_KEY_BYTES_MAX;
}

bool gkv_replica_record_is_valid(const struct gkv_options *options, const struct gkv_record *record)
{
    if (gkv_version_is_none(record->version) || record->value.count > options->value_bytes_max) {
        return false;
    }
    return !record->is_tombstone || record->value.count == 0;
}

size_t gkv_replica_scratch_bytes(const struct gkv_options *options)
{
    return (size_t)options->value_bytes_max + 64;
}

/* Can a stamp be believed? Moves our clock past it if so. */
static bool is_credible(const struct gkv_step *step, struct gkv_hlc stamp)
{
    if (gkv_hlc_observe(step->clock, step->now.wall_ms, stamp) == GKV_OK) {
        return true;
    }
    /* The wall clock was set back, and the hybrid clock has been there already. Our own new
     * versions look like this until the wall clock has caught up. */
    return stamp.packed <= gkv_hlc_last(step->clock).packed;
}

/* Does a stamp that is too far ahead merely follow the one held? */
static bool follows(struct gkv_hlc stamp, struct gkv_hlc held)
{
    return held.packed != 0 &&
           (gkv_hlc_ms(stamp) <= gkv_hlc_ms(held) || stamp.packed - 1 == held.packed);
}

/* What is to be stored: a copy of what others hold, or what a client writes now. */
struct arrival {
    const struct gkv_keyed_record *written;
    struct gkv_key key;
    bool is_new;
};

/* The version held now; none when nothing is. */
static struct gkv_version held_now(const struct gkv_step *step, struct gkv_key key)
{
    struct gkv_record held;
    const struct gkv_version none = {.writer = 0};
    return gkv_store_peek(step->store, key, gkv_step_clock_ms(step), (struct gkv_buffer){NULL, 0},
                          &held)
               ? held.version
               : none;
}

static enum gkv_reply_status take(struct gkv_replica *replica, const struct gkv_step *step,
                                  const struct arrival *arrival, struct gkv_version *held_out)
{
    const struct gkv_record *record = &arrival->written->record;
    GKV_ASSERT(gkv_replica_key_is_valid(arrival->written->key));
    GKV_ASSERT(gkv_replica_record_is_valid(step->options, record));

    if (!is_credible(step, record->version.hlc)) {
        *held_out = held_now(step, arrival->key);
        if (!follows(record->version.hlc, held_out->hlc)) {
            replica->clock_rejected_count++;
            return GKV_REPLY_CLOCK;
        }
    }

    replica->write_count++;
    switch (arrival->is_new ? gkv_store_put_new(step->store, arrival->key, record, held_out)
                            : gkv_store_put(step->store, arrival->key, record, held_out)) {
    case GKV_STORE_STALE:
        GKV_ASSERT(gkv_version_compare(*held_out, record->version) > 0);
        return GKV_REPLY_STALE;
    case GKV_STORE_FULL:
        replica->full_rejected_count++;
        return GKV_REPLY_MEMORY;
    case GKV_STORE_STORED:
    case GKV_STORE_SAME:
        break;
    }
    GKV_ASSERT(gkv_version_compare(*held_out, record->version) == 0);
    return GKV_REPLY_OK;
}

enum gkv_reply_status gkv_replica_copy(struct gkv_replica *replica, const struct gkv_step *step,
                                       const struct gkv_keyed_record *written, uint64_t key_hash,
                                       struct gkv_version *held_out)
{
    return take(replica, step, &(struct arrival){written, {written->key, key_hash}, false},
                held_out);
}

enum gkv_reply_status gkv_replica_write(struct gkv_replica *replica, const struct gkv_step *step,
                                        const struct gkv_keyed_record *written, uint64_t key_hash,
                                        struct gkv_version *held_out)
{
    return take(replica, step, &(struct arrival){written, {written->key, key_hash}, true},
                held_out);
}

enum gkv_reply_status gkv_replica_read(struct gkv_replica *replica, const struct gkv_step *step,
                                       struct gkv_bytes key, uint64_t key_hash,
                                       struct gkv_record *record_out)
{
    GKV_ASSERT(gkv_replica_key_is_valid(key));

    replica->read_count++;
    /* Once, with room for the largest value: between two looks another thread may write. */
    const size_t capacity = step->options->value_bytes_max;
    uint8_t *buffer = gkv_scratch_take(step->scratch, capacity);
    const bool is_known =
        gkv_store_get(step->store, (struct gkv_key){key, key_hash}, gkv_step_clock_ms(step),
                      (struct gkv_buffer){buffer, capacity}, record_out);
    gkv_scratch_keep(step->scratch, buffer, is_known ? record_out->value.count : 0);
    if (!is_known) {
        *record_out = (struct gkv_record){.is_tombstone = false};
        return GKV_REPLY_ABSENT;
    }
    GKV_ASSERT(record_out->value.count == 0 || record_out->value.data == buffer);
    GKV_ASSERT(gkv_replica_record_is_valid(step->options, record_out));
    return GKV_REPLY_OK;
}

static void on_write(struct gkv_replica *replica, const struct gkv_step *step,
                     const struct gkv_message *message, const struct gkv_address *source)
{
    const struct gkv_keyed_record written = {.key = message->as.write.key,
                                             .record = message->as.write.record};
    if (!gkv_replica_key_is_valid(written.key) ||
        !gkv_replica_record_is_valid(step->options, &written.record)) {
        replica->malformed_count++;
        return;
    }

    struct gkv_version held;
    const uint64_t key_hash = gkv_ring_key_hash(step->ring, written.key);
    if (message->as.write.operation == 0) { /* a repair, or decided without us */
        (void)gkv_replica_copy(replica, step, &written, key_hash, &held);
        return;
    }
    const enum gkv_reply_status status =
        gkv_replica_write(replica, step, &written, key_hash, &held);
    struct gkv_message *reply =
        gkv_step_send(step, source, GKV_CHANNEL_STREAM, GKV_MESSAGE_WRITE_REPLY);
    reply->as.write_reply.operation = message->as.write.operation;
    reply->as.write_reply.status = status;
    reply->as.write_reply.version = status == GKV_REPLY_STALE ? held : written.record.version;
}

static void on_read(struct gkv_replica *replica, const struct gkv_step *step,
                    const struct gkv_message *message, const struct gkv_address *source)
{
    const struct gkv_bytes key = message->as.read.key;
    if (!gkv_replica_key_is_valid(key) || message->as.read.operation == 0) {
        replica->malformed_count++;
        return;
    }

    struct gkv_record record;
    const enum gkv_reply_status status =
        gkv_replica_read(replica, step, key, gkv_ring_key_hash(step->ring, key), &record);
    struct gkv_message *reply =
        gkv_step_send(step, source, GKV_CHANNEL_STREAM, GKV_MESSAGE_READ_REPLY);
    reply->as.read_reply.operation = message->as.read.operation;
    reply->as.read_reply.status = status;
    reply->as.read_reply.record = record;
}

void gkv_replica_on_message(struct gkv_replica *replica, const struct gkv_step *step,
                            const struct gkv_message *message, const struct gkv_address *source)
{
    GKV_ASSERT(message->kind == GKV_MESSAGE_WRITE || message->kind == GKV_MESSAGE_READ);
    if (message->kind == GKV_MESSAGE_WRITE) {
        on_write(replica, step, message, source);
    } else {
        on_read(replica, step, message, source);
    }
}
