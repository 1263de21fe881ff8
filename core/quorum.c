#include "core/quorum.h"

#include "core/panic.h"
#include "core/writer.h"

#define NS_PER_SECOND UINT64_C(1000000000)

/* What every handler here works with. */
struct context {
    struct gkv_quorum *quorum;
    struct gkv_pendings *pendings; /* of the quorum */
    struct gkv_replica *replica;
    const struct gkv_step *step;
};

static uint32_t bits_in(unsigned mask)
{
    uint32_t count = 0;
    for (unsigned rest = mask; rest != 0; rest &= rest - 1) {
        count++;
    }
    return count;
}

static uint8_t bit_of(uint32_t owner)
{
    return (uint8_t)(1U << owner);
}

static void check_operation(const struct gkv_quorum *quorum, const struct gkv_pending *operation)
{
    GKV_ASSERT(operation->owner_count <= GKV_REPLICA_COUNT_MAX);
    GKV_ASSERT((operation->sent & ~(unsigned)operation->asked) == 0);
    GKV_ASSERT((operation->answered & ~(unsigned)operation->sent) == 0);
    GKV_ASSERT((operation->stored & ~(unsigned)operation->answered) == 0);
    GKV_ASSERT(operation->attempt <= GKV_WRITE_ATTEMPT_COUNT_MAX);
    GKV_ASSERT(operation->kind == GKV_OPERATION_GET || operation->state != GKV_PENDING_REPAIRING);
    GKV_ASSERT(quorum->stats.completed_count + quorum->stats.open_count ==
               quorum->stats.submitted_count);
}

void gkv_quorum_init(struct gkv_quorum *quorum, struct gkv_arena *arena,
                     const struct gkv_options *options)
{
    *quorum = (struct gkv_quorum){.repair_tokens_ns = NS_PER_SECOND};
    gkv_pendings_init(&quorum->pendings, arena, options);
    gkv_hotcache_init(&quorum->hotcache, arena, options);
}

size_t gkv_quorum_scratch_bytes(const struct gkv_options *options)
{
    return 2 * ((size_t)options->value_bytes_max + GKV_KEY_BYTES_MAX) + 64;
}

/* Completions. */

static void complete(const struct context *context, uint64_t handle,
                     const struct gkv_result *result)
{
    gkv_actions_add(context->step->actions, GKV_ACTION_COMPLETE)->as.result = *result;
    context->quorum->stats.completed_count++;
    gkv_step_trace(context->step, GKV_TRACE_COMPLETE, NULL, handle, (uint64_t)result->error);
}

/* Complete an operation that never got a place. */
static void refuse(const struct context *context, uint64_t cookie, enum gkv_error error)
{
    GKV_ASSERT(error != GKV_OK);
    complete(context, 0, &(struct gkv_result){.cookie = cookie, .error = error});
}

/* Answers about keys of others. */

/* Is a key's owner none of us, as the ring is now? */
static bool is_elsewhere(const struct context *context, const struct gkv_pending *operation)
{
    return gkv_hotcache_is_on(&context->quorum->hotcache) &&
           !gkv_ring_owns(gkv_step_ring(context->step), gkv_ring_slot_of_hash(operation->key_hash),
                          GKV_MEMBER_SELF);
}

static void keep_answer(const struct context *context, const struct gkv_pending *operation,
                        const struct gkv_keyed_record *answer)
{
    if (is_elsewhere(context, operation)) {
        gkv_hotcache_keep(&context->quorum->hotcache, context->step,
                          (struct gkv_key){answer->key, operation->key_hash}, &answer->record,
                          operation->begin_ns);
    }
}

/* Owners hold this version: what was answered before is out of date. */
static void bar_older_answers(const struct context *context, const struct gkv_pending *operation)
{
    if (!is_elsewhere(context, operation)) {
        return;
    }
    uint8_t *key = gkv_scratch_take(context->step->scratch, operation->key_bytes);
    gkv_cells_read(&context->pendings->cells, operation->key_cell, 0, operation->key_bytes, key);
    const struct gkv_bytes bytes = {key, operation->key_bytes};
    gkv_hotcache_bar(&context->quorum->hotcache, context->step,
                     (struct gkv_key){bytes, operation->key_hash}, operation->version);
}

/* Complete a WAITING operation with all but a get's value, and give its place back. */
static void finish(const struct context *context, struct gkv_pending *operation,
                   enum gkv_error error)
{
    GKV_ASSERT(operation->state == GKV_PENDING_WAITING);
    const bool is_write = operation->kind != GKV_OPERATION_GET;
    const struct gkv_version none = {.writer = 0};
    complete(context, gkv_pending_handle(context->pendings, operation),
             &(struct gkv_result){
                 .cookie = operation->cookie,
                 .error = error,
                 .version = is_write ? operation->version : none,
             });
    context->quorum->stats.open_count--;
    if (is_write && error == GKV_OK) {
        bar_older_answers(context, operation);
    }
    gkv_pending_release(context->pendings, context->step, operation);
}

/* Owners. */

/* Begin a stream message to an owner; NULL when it was forgotten meanwhile. */
static struct gkv_message *send_to_owner(const struct context *context,
                                         const struct gkv_pending *operation, uint32_t owner,
                                         enum gkv_message_kind kind)
{
    const struct gkv_step *step = context->step;
    const uint16_t index = gkv_member_find(step->members, operation->owners[owner]);
    if (index == GKV_MEMBER_INDEX_NONE) {
        return NULL;
    }
    return gkv_step_send(step, &gkv_member_at(step->members, index)->said.address,
                         GKV_CHANNEL_STREAM, kind);
}

/* Writes. */

/* Of this life of this node; with a handle, of one attempt of it. */
static uint64_t writer_of(const struct gkv_step *step, uint64_t handle)
{
    return gkv_writer_of((struct gkv_identity){.id = gkv_step_self(step)->said.who.id,
                                               .boot_id = step->options->boot_id},
                         handle);
}

/* A version above every one that an owner held against this operation. */
static struct gkv_version next_version(const struct context *context,
                                       const struct gkv_pending *operation)
{
    const struct gkv_step *step = context->step;
    const struct gkv_hlc above = operation->stale.hlc;
    if (gkv_hlc_observe(step->clock, step->now.wall_ms, above) == GKV_OK ||
        above.packed <= gkv_hlc_last(step->clock).packed) {
        return (struct gkv_version){.hlc = gkv_hlc_issue(step->clock, step->now.wall_ms),
                                    .writer = writer_of(step, 0)};
    }
    GKV_ASSERT(above.packed < UINT64_MAX);
    return (struct gkv_version){
        .hlc = {.packed = above.packed + 1},
        .writer = writer_of(step, gkv_pending_handle(context->pendings, operation)),
    };
}

static bool is_out_of_reach(const struct gkv_pending *operation, uint32_t needed)
{
    const unsigned waiting = operation->asked & ~(unsigned)operation->answered;
    return bits_in(operation->stored) + bits_in(waiting) < needed;
}

/* Would a newer version help? */
static bool should_retry(const struct gkv_pending *operation, uint32_t needed)
{
    const unsigned refused = (unsigned)operation->refused_clock | operation->refused_memory;
    const unsigned stale = operation->answered & ~(unsigned)operation->stored & ~(unsigned)refused;
    return is_out_of_reach(operation, needed) && stale != 0 &&
           bits_in(operation->asked & ~refused) >= needed &&
           operation->attempt < GKV_WRITE_ATTEMPT_COUNT_MAX;
}

static void account_write(struct gkv_pending *operation, uint32_t owner,
                          enum gkv_reply_status status, struct gkv_version held)
{
    const uint8_t bit = bit_of(owner);
    GKV_ASSERT((operation->answered & bit) == 0);
    operation->answered = (uint8_t)(operation->answered | bit);
    if (status == GKV_REPLY_OK) {
        operation->stored = (uint8_t)(operation->stored | bit);
    } else if (status == GKV_REPLY_CLOCK) {
        operation->refused_clock = (uint8_t)(operation->refused_clock | bit);
    } else if (status == GKV_REPLY_MEMORY) {
        operation->refused_memory = (uint8_t)(operation->refused_memory | bit);
    } else {
        GKV_ASSERT(status == GKV_REPLY_STALE);
        if (gkv_version_compare(held, operation->stale) > 0) {
            operation->stale = held;
        }
    }
}

/* Is a copy of what was written held anywhere, or may it come to be? */
static bool may_be_stored(const struct gkv_pending *operation)
{
    const unsigned unanswered = operation->sent & ~(unsigned)operation->answered;
    return operation->maybe_stored || operation->stored != 0 || unanswered != 0;
}

/* Is there nothing to be gained by waiting for the answers that are still out? There is while
 * nobody is known to have stored anything: if they all refuse too, the failure is definite, which
 * is worth more to the caller than an early IN_DOUBT. */
static bool is_doubt_settled(const struct gkv_pending *operation)
{
    const bool all_answered = (operation->sent & ~(unsigned)operation->answered) == 0;
    return all_answered || operation->maybe_stored || operation->stored != 0;
}

static void begin_attempt(const struct context *context, struct gkv_pending *operation)
{
    operation->maybe_stored = may_be_stored(operation);
    if (operation->attempt > 0) {
        context->quorum->stats.stale_retry_count++;
        gkv_pending_renew(context->pendings, operation);
        operation->asked = gkv_pending_reachable_owners(operation, context->step);
    }
    operation->attempt++;
    operation->sent = 0;
    operation->answered = 0;
    operation->stored = 0;
    operation->refused_clock = 0;
    operation->refused_memory = 0;
    operation->version = next_version(context, operation);
}

/* Our own replica's share of an attempt, if we are an owner. */
static void write_here(const struct context *context, struct gkv_pending *operation,
                       const struct gkv_keyed_record *written)
{
    if ((operation->asked & operation->ours) == 0) {
        return;
    }
    const struct gkv_node_id self = gkv_step_self(context->step)->said.who.id;
    const uint64_t handle = gkv_pending_handle(context->pendings, operation);
    gkv_step_trace(context->step, GKV_TRACE_WRITE, &self, handle, operation->attempt);

    struct gkv_version held;
    const enum gkv_reply_status status =
        gkv_replica_write(context->replica, context->step, written, operation->key_hash, &held);
    operation->sent = (uint8_t)(operation->sent | operation->ours);
    account_write(operation, gkv_pending_owner_index(operation, self), status, held);
    gkv_step_trace(context->step, GKV_TRACE_REPLY, &self, handle, (uint64_t)status);
}

/* Send an attempt to every owner that has not had it. is_decided: W is met, nobody need answer. */
static void write_there(const struct context *context, struct gkv_pending *operation,
                        const struct gkv_keyed_record *written, bool is_decided)
{
    const uint64_t handle = gkv_pending_handle(context->pendings, operation);
    for (uint32_t i = 0; i < operation->owner_count; i++) {
        const unsigned wanted = operation->asked & ~(unsigned)operation->sent;
        if ((wanted & bit_of(i)) == 0) {
            continue;
        }
        struct gkv_message *message = send_to_owner(context, operation, i, GKV_MESSAGE_WRITE);
        GKV_ASSERT(message != NULL); /* it was reachable in this very step */
        message->as.write.operation = is_decided ? 0 : handle;
        message->as.write.key = written->key;
        message->as.write.record = written->record;
        operation->sent = (uint8_t)(operation->sent | bit_of(i));
        gkv_step_trace(context->step, GKV_TRACE_WRITE, &operation->owners[i], handle,
                       operation->attempt);
    }
}

static void fail_write(const struct context *context, struct gkv_pending *operation)
{
    enum gkv_error error = GKV_ERROR_BUSY; /* too many writers of one key */
    if (may_be_stored(operation)) {
        error = GKV_ERROR_IN_DOUBT;
    } else if (bits_in(operation->asked) < context->step->options->write_quorum) {
        error = GKV_ERROR_NO_QUORUM;
    } else if (operation->refused_clock != 0) {
        error = GKV_ERROR_CLOCK_DRIFT;
    } else if (operation->refused_memory != 0) {
        error = GKV_ERROR_MEMORY;
    }
    finish(context, operation, error);
}

/* Make the next attempt. Our own replica goes first: what it refuses need not be sent, and when it
 * decides alone (W = 1) nobody need answer. */
static void attempt_write(const struct context *context, struct gkv_pending *operation,
                          struct gkv_keyed_record *written)
{
    const uint32_t needed = context->step->options->write_quorum;
    do {
        begin_attempt(context, operation);
        if (bits_in(operation->asked) < needed) {
            break;
        }
        written->record.version = operation->version;
        write_here(context, operation, written);
    } while (should_retry(operation, needed));

    if (is_out_of_reach(operation, needed)) {
        fail_write(context, operation);
        return;
    }
    const bool is_decided = bits_in(operation->stored) >= needed;
    write_there(context, operation, written, is_decided);
    if (is_decided) {
        finish(context, operation, GKV_OK);
        return;
    }
    check_operation(context->quorum, operation);
}

/* Reads. */

/* Take an owner's answer in; record NULL: it knows nothing of the key. False: no room for the
 * value. */
static bool account_read(const struct context *context, struct gkv_pending *operation,
                         uint32_t owner, const struct gkv_record *record)
{
    struct gkv_cells *cells = &context->pendings->cells;
    const uint8_t bit = bit_of(owner);
    GKV_ASSERT((operation->answered & bit) == 0);
    operation->answered = (uint8_t)(operation->answered | bit);
    if (record == NULL) {
        return true;
    }

    operation->held[owner] = record->version;
    const int order = gkv_version_compare(record->version, operation->version);
    /* Equal versions differ only when one owner has seen the value expire; so has the reader,
     * then. */
    if (order < 0 || (order == 0 && (operation->is_tombstone || !record->is_tombstone))) {
        return true;
    }
    gkv_cells_free(cells, operation->answer_cell);
    operation->answer_cell = GKV_CELL_NONE;
    operation->value_bytes = 0;
    /* Only a WAITING operation may push others out; a late answer is not worth that much. */
    if (operation->state == GKV_PENDING_WAITING
            ? !gkv_pendings_make_room(context->pendings, context->step, record->value.count)
            : cells->free_count < gkv_cells_needed(record->value.count)) {
        return false;
    }
    operation->answer_cell =
        gkv_cells_write(cells, record->value, (struct gkv_bytes){.data = NULL, .count = 0});
    operation->value_bytes = (uint32_t)record->value.count;
    operation->version = record->version;
    operation->expire_ms = record->expire_ms;
    operation->is_tombstone = record->is_tombstone;
    return true;
}

/* Pay for one read repair out of the second's worth that can be saved up. */
static bool take_repair_token(struct gkv_quorum *quorum, const struct gkv_step *step)
{
    const uint32_t per_second = step->options->read_repair_per_second_max;
    if (per_second == 0) {
        return false;
    }
    const uint64_t passed_ns = step->now.mono_ns - quorum->repair_tokens_at_ns;
    const uint64_t lacking_ns = NS_PER_SECOND - quorum->repair_tokens_ns;
    quorum->repair_tokens_ns += passed_ns < lacking_ns ? passed_ns : lacking_ns;
    quorum->repair_tokens_at_ns = step->now.mono_ns;
    GKV_ASSERT(quorum->repair_tokens_ns <= NS_PER_SECOND);

    const uint64_t price_ns = NS_PER_SECOND / per_second;
    if (quorum->repair_tokens_ns < price_ns) {
        return false;
    }
    quorum->repair_tokens_ns -= price_ns;
    return true;
}

/* Give the newest answer to one owner that answered with less. */
static void repair_owner(const struct context *context, struct gkv_pending *operation,
                         uint32_t owner, const struct gkv_keyed_record *newest)
{
    struct gkv_quorum *quorum = context->quorum;
    operation->held[owner] = operation->version; /* once, whatever becomes of it */
    if (bit_of(owner) == operation->ours) {
        struct gkv_version held;
        (void)gkv_replica_copy(context->replica, context->step, newest, operation->key_hash, &held);
    } else {
        if (!take_repair_token(quorum, context->step)) {
            quorum->stats.read_repair_limited_count++;
            return;
        }
        struct gkv_message *message = send_to_owner(context, operation, owner, GKV_MESSAGE_WRITE);
        if (message == NULL) {
            return;
        }
        message->as.write.operation = 0;
        message->as.write.key = newest->key;
        message->as.write.record = newest->record;
    }
    quorum->stats.read_repair_count++;
    gkv_step_trace(context->step, GKV_TRACE_READ_REPAIR, &operation->owners[owner],
                   gkv_pending_handle(context->pendings, operation), 0);
}

/* Owners that answered with something older than the newest answer, or with nothing. In a cache,
 * who has nothing is left alone: it may have evicted the key, and would have to evict another one
 * for it (core/repair.h asks first whether there is room). */
static uint8_t owners_behind(const struct gkv_options *options, const struct gkv_pending *operation)
{
    const bool is_cache = options->memory_policy == GKV_MEMORY_EVICT;
    uint8_t mask = 0;
    for (uint32_t i = 0; i < operation->owner_count; i++) {
        const bool is_spared = is_cache && gkv_version_is_none(operation->held[i]);
        if ((operation->answered & bit_of(i)) != 0 && !is_spared &&
            gkv_version_compare(operation->held[i], operation->version) < 0) {
            mask = (uint8_t)(mask | bit_of(i));
        }
    }
    return mask;
}

/* Give the newest answer, once it is loaded, to owners that answered with less. */
static void repair_owners(const struct context *context, struct gkv_pending *operation,
                          uint8_t behind, const struct gkv_keyed_record *newest)
{
    for (uint32_t i = 0; i < operation->owner_count; i++) {
        if ((behind & bit_of(i)) != 0) {
            repair_owner(context, operation, i, newest);
        }
    }
}

/* Read repair: bring those who answered up to the newest answer (NULL: not loaded, since mostly
 * nobody is behind); when all have answered, be done. */
static void repair(const struct context *context, struct gkv_pending *operation,
                   const struct gkv_keyed_record *newest)
{
    GKV_ASSERT(operation->state == GKV_PENDING_REPAIRING);
    const uint8_t behind = owners_behind(context->step->options, operation);
    if (behind != 0 && newest == NULL) {
        const struct gkv_keyed_record loaded =
            gkv_pending_load(context->pendings, context->step, operation);
        repair_owners(context, operation, behind, &loaded);
    } else if (behind != 0) {
        repair_owners(context, operation, behind, newest);
    }
    if ((operation->sent & ~(unsigned)operation->answered) == 0) {
        gkv_pending_release(context->pendings, context->step, operation);
    }
}

/* Answer a get with `record` (a version of none: nothing is known of the key). */
static void complete_get(const struct context *context, uint64_t handle, uint64_t cookie,
                         const struct gkv_record *record)
{
    /* Judged after the clock has taken in every answer: see gkv_hlc_now_ms. */
    const bool is_expired =
        record->expire_ms != 0 && record->expire_ms <= gkv_step_clock_ms(context->step);
    struct gkv_result result = {
        .cookie = cookie, .error = GKV_ERROR_NOT_FOUND, .version = record->version};
    if (!gkv_version_is_none(record->version) && !record->is_tombstone && !is_expired) {
        result.error = GKV_OK;
        result.expire_ms = record->expire_ms;
        result.value = record->value;
    }
    complete(context, handle, &result);
}

/* R owners have answered: complete, and go on to repair. */
static void decide_read(const struct context *context, struct gkv_pending *operation)
{
    struct gkv_quorum *quorum = context->quorum;
    GKV_ASSERT(operation->state == GKV_PENDING_WAITING);
    const struct gkv_keyed_record newest =
        gkv_pending_load(context->pendings, context->step, operation);
    complete_get(context, gkv_pending_handle(context->pendings, operation), operation->cookie,
                 &newest.record);
    quorum->stats.open_count--;
    keep_answer(context, operation, &newest);

    gkv_pending_start_repairing(context->pendings, operation);
    repair(context, operation, &newest);
}

static void start_read(const struct context *context, struct gkv_pending *operation,
                       struct gkv_bytes key)
{
    const struct gkv_step *step = context->step;
    operation->attempt = 1;
    const uint64_t handle = gkv_pending_handle(context->pendings, operation);
    if ((operation->asked & operation->ours) != 0) {
        const struct gkv_node_id self = gkv_step_self(step)->said.who.id;
        struct gkv_record record;
        const enum gkv_reply_status status =
            gkv_replica_read(context->replica, step, key, operation->key_hash, &record);
        operation->sent = operation->ours;
        gkv_step_trace(step, GKV_TRACE_READ, &self, handle, 0);
        gkv_step_trace(step, GKV_TRACE_REPLY, &self, handle, (uint64_t)status);
        if (!account_read(context, operation, gkv_pending_owner_index(operation, self),
                          status == GKV_REPLY_OK ? &record : NULL)) {
            finish(context, operation, GKV_ERROR_BUSY);
            return;
        }
    }
    for (uint32_t i = 0; i < operation->owner_count; i++) {
        if ((operation->asked & ~(unsigned)operation->sent & bit_of(i)) == 0) {
            continue;
        }
        struct gkv_message *message = send_to_owner(context, operation, i, GKV_MESSAGE_READ);
        GKV_ASSERT(message != NULL); /* it was reachable in this very step */
        message->as.read.operation = handle;
        message->as.read.key = key;
        operation->sent = (uint8_t)(operation->sent | bit_of(i));
        gkv_step_trace(step, GKV_TRACE_READ, &operation->owners[i], handle, 0);
    }
    GKV_ASSERT(bits_in(operation->answered) < step->options->read_quorum);
    check_operation(context->quorum, operation);
}

/* Beginning. */

static enum gkv_error check_request(const struct gkv_options *options,
                                    const struct gkv_operation *request)
{
    GKV_ASSERT(request->kind >= GKV_OPERATION_GET && request->kind <= GKV_OPERATION_DELETE);
    if (request->key.count == 0) {
        return GKV_ERROR_KEY_EMPTY;
    }
    if (request->key.count > GKV_KEY_BYTES_MAX) {
        return GKV_ERROR_KEY_TOO_LONG;
    }
    if (request->kind != GKV_OPERATION_SET) {
        return GKV_OK;
    }
    if (request->value.count > options->value_bytes_max) {
        return GKV_ERROR_VALUE_TOO_LONG;
    }
    return request->ttl_ms > GKV_TTL_MS_MAX ? GKV_ERROR_TTL : GKV_OK;
}

/* Enter what is asked for into a fresh place; `found` says who owns the key. NULL: no room. */
static struct gkv_pending *accept(const struct context *context,
                                  const struct gkv_operation *request,
                                  const struct gkv_pending *found)
{
    const struct gkv_step *step = context->step;
    const struct gkv_bytes nothing = {.data = NULL, .count = 0};
    const struct gkv_bytes value = request->kind == GKV_OPERATION_SET ? request->value : nothing;
    const uint64_t timeout_ms =
        request->timeout_ms == 0 ? step->options->operation_timeout_ms : request->timeout_ms;
    if (!gkv_pendings_make_room(context->pendings, step, request->key.count + value.count)) {
        return NULL;
    }
    struct gkv_pending *operation =
        gkv_pending_take(context->pendings, step, step->now.mono_ns + timeout_ms * GKV_NS_PER_MS);
    if (operation == NULL) {
        return NULL;
    }

    operation->begin_ns = step->now.mono_ns;
    operation->key_hash = found->key_hash;
    memcpy(operation->owners, found->owners, sizeof(operation->owners));
    operation->owner_count = found->owner_count;
    operation->ours = found->ours;
    operation->asked = found->asked;
    operation->key_cell = gkv_cells_write(&context->pendings->cells, request->key, value);
    operation->key_bytes = (uint32_t)request->key.count;
    operation->value_bytes = (uint32_t)value.count;
    operation->kind = (uint8_t)request->kind;
    operation->cookie = request->cookie;
    operation->is_tombstone = request->kind == GKV_OPERATION_DELETE;
    if (request->kind == GKV_OPERATION_SET && request->ttl_ms != 0) {
        operation->expire_ms = gkv_step_clock_ms(step) + request->ttl_ms;
    }
    context->quorum->stats.open_count++;
    gkv_step_trace(step, GKV_TRACE_OPERATION, NULL,
                   gkv_pending_handle(context->pendings, operation), (uint64_t)request->kind);
    return operation;
}

/* Can our own replica alone answer this get? */
static bool is_decided_here(const struct gkv_options *options, const struct gkv_operation *request,
                            const struct gkv_pending *found)
{
    return request->kind == GKV_OPERATION_GET && (found->asked & found->ours) != 0 &&
           (options->level == GKV_LEVEL_EVENTUAL || options->read_quorum == 1);
}

/* Answer a get of a key of others with what they answered lately. */
static bool is_known(const struct context *context, const struct gkv_operation *request,
                     uint64_t key_hash)
{
    struct gkv_record record;
    if (!gkv_hotcache_get(&context->quorum->hotcache, context->step,
                          (struct gkv_key){request->key, key_hash}, &record)) {
        return false;
    }
    complete_get(context, 0, request->cookie, &record);
    return true;
}

void gkv_quorum_refuse(struct gkv_quorum *quorum, struct gkv_replica *replica,
                       const struct gkv_step *step, const struct gkv_operation *request)
{
    const struct context context = {
        .quorum = quorum, .pendings = &quorum->pendings, .replica = replica, .step = step};
    quorum->stats.submitted_count++;
    const enum gkv_error refusal = check_request(step->options, request);
    refuse(&context, request->cookie, refusal == GKV_OK ? GKV_ERROR_NO_QUORUM : refusal);
}

void gkv_quorum_submit(struct gkv_quorum *quorum, struct gkv_replica *replica,
                       const struct gkv_step *step, const struct gkv_operation *request)
{
    const struct context context = {
        .quorum = quorum, .pendings = &quorum->pendings, .replica = replica, .step = step};
    quorum->stats.submitted_count++;
    const enum gkv_error refusal = check_request(step->options, request);
    if (refusal != GKV_OK) {
        refuse(&context, request->cookie, refusal);
        return;
    }

    struct gkv_pending found = {.key_hash = gkv_ring_key_hash(step->ring, request->key)};
    gkv_pending_find_owners(&found, step);
    if (is_decided_here(step->options, request, &found)) {
        struct gkv_record record;
        (void)gkv_replica_read(replica, step, request->key, found.key_hash, &record);
        complete_get(&context, 0, request->cookie, &record);
        return;
    }
    const bool is_get = request->kind == GKV_OPERATION_GET;
    if (is_get && found.ours == 0 && is_known(&context, request, found.key_hash)) {
        return;
    }
    if (bits_in(found.asked) <
        (is_get ? step->options->read_quorum : step->options->write_quorum)) {
        refuse(&context, request->cookie, GKV_ERROR_NO_QUORUM);
        return;
    }
    struct gkv_pending *operation = accept(&context, request, &found);
    if (operation == NULL) {
        refuse(&context, request->cookie, GKV_ERROR_BUSY);
        return;
    }
    if (is_get) {
        start_read(&context, operation, request->key);
        return;
    }
    struct gkv_keyed_record written = {
        .key = request->key,
        .record = {.expire_ms = operation->expire_ms,
                   .is_tombstone = operation->is_tombstone,
                   .value = {.data = operation->value_bytes == 0 ? NULL : request->value.data,
                             .count = operation->value_bytes}},
    };
    attempt_write(&context, operation, &written);
}

/* Answers. */

static void on_write_reply(const struct context *context, struct gkv_pending *operation,
                           uint32_t owner, const struct gkv_message *message)
{
    const uint32_t needed = context->step->options->write_quorum;
    const enum gkv_reply_status status = message->as.write_reply.status;
    const struct gkv_version version = message->as.write_reply.version;
    const int order = gkv_version_compare(version, operation->version);
    const bool is_stale = status == GKV_REPLY_STALE && order > 0 && version.hlc.packed < UINT64_MAX;
    const bool is_other =
        (status == GKV_REPLY_OK || status == GKV_REPLY_CLOCK || status == GKV_REPLY_MEMORY) &&
        order == 0;
    if (!is_stale && !is_other) {
        context->replica->malformed_count++;
        return;
    }

    account_write(operation, owner, status, version);
    if (bits_in(operation->stored) >= needed) {
        finish(context, operation, GKV_OK);
    } else if (should_retry(operation, needed)) {
        struct gkv_keyed_record written =
            gkv_pending_load(context->pendings, context->step, operation);
        attempt_write(context, operation, &written);
    } else if (is_out_of_reach(operation, needed) && is_doubt_settled(operation)) {
        fail_write(context, operation);
    }
}

static void on_read_reply(const struct context *context, struct gkv_pending *operation,
                          uint32_t owner, const struct gkv_message *message)
{
    const enum gkv_reply_status status = message->as.read_reply.status;
    const struct gkv_record *record = &message->as.read_reply.record;
    const bool is_absent = status == GKV_REPLY_ABSENT;
    if (!is_absent &&
        (status != GKV_REPLY_OK || !gkv_replica_record_is_valid(context->step->options, record))) {
        context->replica->malformed_count++;
        return;
    }

    const bool is_waiting = operation->state == GKV_PENDING_WAITING;
    const struct gkv_version before = operation->version;
    if (!account_read(context, operation, owner, is_absent ? NULL : record)) {
        if (is_waiting) {
            finish(context, operation, GKV_ERROR_BUSY);
        } else {
            gkv_pending_release(context->pendings, context->step, operation);
        }
    } else if (!is_waiting) {
        if (gkv_version_compare(operation->version, before) > 0) {
            bar_older_answers(context, operation);
        }
        repair(context, operation, NULL);
    } else if (bits_in(operation->answered) >= context->step->options->read_quorum) {
        decide_read(context, operation);
    }
}

void gkv_quorum_on_message(struct gkv_quorum *quorum, struct gkv_replica *replica,
                           const struct gkv_step *step, const struct gkv_message *message)
{
    const struct context context = {
        .quorum = quorum, .pendings = &quorum->pendings, .replica = replica, .step = step};
    const bool is_write = message->kind == GKV_MESSAGE_WRITE_REPLY;
    GKV_ASSERT(is_write || message->kind == GKV_MESSAGE_READ_REPLY);

    const uint64_t handle =
        is_write ? message->as.write_reply.operation : message->as.read_reply.operation;
    struct gkv_pending *operation = gkv_pending_find(&quorum->pendings, handle);
    if (operation == NULL || (operation->kind != GKV_OPERATION_GET) != is_write) {
        quorum->stats.late_reply_count++;
        return;
    }
    const uint32_t owner = gkv_pending_owner_index(operation, message->from.id);
    const unsigned open = operation->sent & ~(unsigned)operation->answered;
    if (owner == operation->owner_count || (open & bit_of(owner)) == 0) {
        quorum->stats.late_reply_count++; /* twice, or by somebody who was not asked */
        return;
    }
    check_operation(quorum, operation);

    gkv_step_trace(
        step, GKV_TRACE_REPLY, &message->from.id, handle,
        (uint64_t)(is_write ? message->as.write_reply.status : message->as.read_reply.status));
    if (is_write) {
        on_write_reply(&context, operation, owner, message);
    } else {
        on_read_reply(&context, operation, owner, message);
    }
}

void gkv_quorum_on_timer(struct gkv_quorum *quorum, struct gkv_replica *replica,
                         const struct gkv_step *step, uint32_t place)
{
    const struct context context = {
        .quorum = quorum, .pendings = &quorum->pendings, .replica = replica, .step = step};
    struct gkv_pending *operation = gkv_pending_at(&quorum->pendings, place);
    GKV_ASSERT(operation->state != GKV_PENDING_FREE);
    if (operation->state == GKV_PENDING_REPAIRING) {
        gkv_pending_release(&quorum->pendings, step, operation);
        return;
    }
    if (operation->kind == GKV_OPERATION_GET) {
        finish(&context, operation, GKV_ERROR_TIMEOUT);
        return;
    }
    GKV_ASSERT(may_be_stored(operation));
    finish(&context, operation, GKV_ERROR_IN_DOUBT);
}
