/* Operations on many keys at once, and a get that makes its own room: io_posix/gridkv.h. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/panic.h"
#include "io_posix/errand.h"
#include "io_posix/handle.h"

#define PART_COUNT 16      /* at once: as many as fit a stack frame */
#define COPY_TURNS_MAX 4   /* of asking for a value that grows meanwhile */
#define COPY_BYTES_MIN 256 /* for a value of which nothing is known */

/* A caller that waits for what it asked the loop. */
struct waiter {
    pthread_mutex_t mutex;
    pthread_cond_t condition;
    uint32_t open_count;
};

/* A call of many operations. */
struct call {
    struct waiter waiter;
    struct gkv_visit visit;
};

/* One of the operations that it asked for. */
struct part {
    struct waiter *waiter;
    struct gridkv_read *read; /* NULL: of a write */
    enum gkv_error *error_out;
};

static void take_value(struct gridkv_read *read, struct gkv_bytes value)
{
    read->value_bytes = value.count;
    if (value.count > (read->buffer == NULL ? 0 : read->buffer_bytes)) {
        read->error = GKV_ERROR_BUFFER;
    } else if (value.count > 0) {
        memcpy(read->buffer, value.data, value.count);
    }
}

static void part_done(const struct gkv_request *request, const struct gkv_result *result)
{
    struct part *part = request->context;
    struct waiter *waiter = part->waiter;
    (void)pthread_mutex_lock(&waiter->mutex);
    *part->error_out = result->error;
    if (part->read != NULL && result->error == GKV_OK) {
        take_value(part->read, result->value);
    }
    GKV_ASSERT(waiter->open_count > 0);
    waiter->open_count--;
    if (waiter->open_count == 0) {
        (void)pthread_cond_signal(&waiter->condition);
    }
    (void)pthread_mutex_unlock(&waiter->mutex);
}

static void count_open(struct waiter *waiter, bool is_more)
{
    (void)pthread_mutex_lock(&waiter->mutex);
    waiter->open_count += is_more ? 1 : UINT32_MAX;
    (void)pthread_mutex_unlock(&waiter->mutex);
}

static void post(struct gridkv *gridkv, const struct gkv_operation *operation, struct part *part)
{
    const struct gkv_request request = {
        .operation = *operation, .done = part_done, .context = part};
    count_open(part->waiter, true);
    const enum gkv_error error = gkv_host_post(gridkv->host, &request);
    if (error != GKV_OK) {
        *part->error_out = error;
        count_open(part->waiter, false);
    }
}

static void wait_for_all(struct waiter *waiter)
{
    (void)pthread_mutex_lock(&waiter->mutex);
    while (waiter->open_count > 0) {
        (void)pthread_cond_wait(&waiter->condition, &waiter->mutex);
    }
    (void)pthread_mutex_unlock(&waiter->mutex);
}

static bool waiter_init(struct waiter *waiter)
{
    waiter->open_count = 0;
    if (pthread_mutex_init(&waiter->mutex, NULL) != 0) {
        return false;
    }
    if (pthread_cond_init(&waiter->condition, NULL) != 0) {
        (void)pthread_mutex_destroy(&waiter->mutex);
        return false;
    }
    return true;
}

static void waiter_destroy(struct waiter *waiter)
{
    (void)pthread_cond_destroy(&waiter->condition);
    (void)pthread_mutex_destroy(&waiter->mutex);
}

static struct gkv_operation operation_of_read(const struct gridkv_read *read)
{
    return (struct gkv_operation){.kind = GKV_OPERATION_GET,
                                  .key = {.data = read->key, .count = read->key_bytes}};
}

static struct gkv_operation operation_of_write(const struct gridkv_write *write)
{
    return (struct gkv_operation){.kind = GKV_OPERATION_SET,
                                  .key = {.data = write->key, .count = write->key_bytes},
                                  .value = {.data = write->value, .count = write->value_bytes},
                                  .ttl_ms = write->ttl_ms};
}

/* Bits of what is left for the loop; the others are answered. What is refused has a hash as well,
 * which nobody looks for. */
static uint32_t read_in_place(struct gridkv *gridkv, const struct gkv_visit *visit,
                              struct gridkv_read *reads, uint32_t count)
{
    uint64_t hashes[PART_COUNT] = {0};
    struct gkv_errands *errands = gridkv->errands;
    uint32_t left = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct gkv_operation operation = operation_of_read(&reads[i]);
        reads[i].error = gkv_handle_check(gridkv, &operation);
        if (reads[i].error == GKV_OK) {
            left |= 1U << i;
            hashes[i] = gkv_inplace_key(&errands->commons, operation.key).hash;
        }
    }
    if (!visit->is_welcome) {
        return left;
    }
    gkv_index_fetch_many(&errands->commons.store->index, hashes, count);
    for (uint32_t i = 0; i < count; i++) {
        struct gkv_errand errand = {
            .buffer = {reads[i].buffer, reads[i].buffer == NULL ? 0 : reads[i].buffer_bytes},
            .value_bytes = reads[i].value_bytes};
        const struct gkv_key key = {{reads[i].key, reads[i].key_bytes}, hashes[i]};
        if ((left >> i & 1) != 0 && gkv_errand_get(errands, key, &errand)) {
            left &= ~(1U << i);
            reads[i].error = errand.error;
            reads[i].value_bytes = errand.value_bytes;
        }
    }
    return left;
}

static uint32_t write_in_place(struct gridkv *gridkv, const struct gkv_visit *visit,
                               struct gridkv_write *writes, uint32_t count)
{
    uint64_t hashes[PART_COUNT] = {0};
    struct gkv_errands *errands = gridkv->errands;
    uint32_t left = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct gkv_operation operation = operation_of_write(&writes[i]);
        writes[i].error = gkv_handle_check(gridkv, &operation);
        if (writes[i].error == GKV_OK) {
            left |= 1U << i;
            hashes[i] = gkv_inplace_key(&errands->commons, operation.key).hash;
        }
    }
    if (!visit->is_welcome) {
        return left;
    }
    gkv_index_fetch_many(&errands->commons.store->index, hashes, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct gkv_operation operation = operation_of_write(&writes[i]);
        const struct gkv_key key = {operation.key, hashes[i]};
        if ((left >> i & 1) != 0 && gkv_errand_write(errands, visit, key, &operation)) {
            left &= ~(1U << i);
        }
    }
    return left;
}

static void read_some(struct gridkv *gridkv, struct call *call, struct gridkv_read *reads,
                      uint32_t count)
{
    struct part parts[PART_COUNT];
    const uint32_t left = read_in_place(gridkv, &call->visit, reads, count);
    for (uint32_t i = 0; i < count && left != 0; i++) {
        if ((left >> i & 1) != 0) {
            const struct gkv_operation operation = operation_of_read(&reads[i]);
            parts[i] = (struct part){&call->waiter, &reads[i], &reads[i].error};
            post(gridkv, &operation, &parts[i]);
        }
    }
    if (left != 0) {
        wait_for_all(&call->waiter);
    }
}

static void write_some(struct gridkv *gridkv, struct call *call, struct gridkv_write *writes,
                       uint32_t count)
{
    struct part parts[PART_COUNT];
    const uint32_t left = write_in_place(gridkv, &call->visit, writes, count);
    for (uint32_t i = 0; i < count && left != 0; i++) {
        if ((left >> i & 1) != 0) {
            const struct gkv_operation operation = operation_of_write(&writes[i]);
            parts[i] = (struct part){&call->waiter, NULL, &writes[i].error};
            post(gridkv, &operation, &parts[i]);
        }
    }
    if (left != 0) {
        wait_for_all(&call->waiter);
    }
}

/* Go in, as a caller that may wait. */
static enum gkv_error begin(struct gridkv *gridkv, struct call *call)
{
    if (gridkv == NULL) {
        return GKV_ERROR_CLOSED;
    }
    if (gkv_host_is_own_thread(gridkv->host)) {
        return GKV_ERROR_BUSY; /* it would wait for itself */
    }
    if (!waiter_init(&call->waiter)) {
        return GKV_ERROR_SYSTEM;
    }
    call->visit = gkv_errand_begin(gridkv->errands);
    return GKV_OK;
}

static void end(struct call *call)
{
    gkv_errand_end(call->visit);
    waiter_destroy(&call->waiter);
}

static uint32_t part_count(size_t left_count)
{
    return left_count < PART_COUNT ? (uint32_t)left_count : PART_COUNT;
}

enum gkv_error gridkv_get_many(struct gridkv *gridkv, struct gridkv_read *reads, size_t count)
{
    struct call call;
    const enum gkv_error error = begin(gridkv, &call);
    if (error != GKV_OK) {
        return error;
    }
    for (size_t i = 0; i < count; i += PART_COUNT) {
        read_some(gridkv, &call, reads + i, part_count(count - i));
    }
    end(&call);
    return GKV_OK;
}

enum gkv_error gridkv_set_many(struct gridkv *gridkv, struct gridkv_write *writes, size_t count)
{
    struct call call;
    const enum gkv_error error = begin(gridkv, &call);
    if (error != GKV_OK) {
        return error;
    }
    for (size_t i = 0; i < count; i += PART_COUNT) {
        write_some(gridkv, &call, writes + i, part_count(count - i));
    }
    end(&call);
    return GKV_OK;
}

enum gkv_error gridkv_get_copy(struct gridkv *gridkv, const void *key, size_t key_bytes,
                               void **value_out, size_t *value_bytes_out)
{
    if (value_out == NULL || value_bytes_out == NULL) {
        return GKV_ERROR_OPTION;
    }
    size_t room = COPY_BYTES_MIN;
    enum gkv_error error = GKV_ERROR_BUFFER;
    for (uint32_t i = 0; i <= COPY_TURNS_MAX && error == GKV_ERROR_BUFFER; i++) {
        /* A value that is longer each time is met with room for the longest there can be. */
        room = i == COPY_TURNS_MAX ? gridkv->value_bytes_max : room;
        void *value = malloc(room);
        if (value == NULL) {
            return GKV_ERROR_MEMORY;
        }
        size_t value_bytes = 0;
        error = gridkv_get(gridkv, key, key_bytes, value, room, &value_bytes);
        if (error == GKV_OK) {
            *value_out = value;
            *value_bytes_out = value_bytes;
        } else {
            room = value_bytes;
            free(value);
        }
    }
    return error;
}

void gridkv_free(void *value)
{
    free(value);
}
