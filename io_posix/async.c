/* Operations that nobody waits for: io_posix/gridkv.h. */
#include <stdlib.h>
#include <string.h>

#include "io_posix/handle.h"

static struct gkv_bytes bytes_of(const void *data, size_t count)
{
    return (struct gkv_bytes){.data = data, .count = count};
}

/* Call whoever is to be told, if anybody is. */
static void tell(gridkv_completion_fn done, void *context, const struct gkv_result *result)
{
    const struct gridkv_completion completion = {
        .error = result->error,
        .value = result->value.data,
        .value_bytes = result->value.count,
        .expire_ms = result->expire_ms,
    };
    if (done != NULL) {
        done(context, &completion);
    }
}

/* Of an operation whose key and value the mailbox has copied. */
static void small_done(const struct gkv_request *request, const struct gkv_result *result)
{
    tell((gridkv_completion_fn)request->tells, request->context, result);
}

/* An operation that is too long for that, with its key and value behind it. */
struct flight {
    gridkv_completion_fn done;
    void *context;
    uint8_t bytes[];
};

static void flight_done(const struct gkv_request *request, const struct gkv_result *result)
{
    struct flight *flight = request->context;
    tell(flight->done, flight->context, result);
    free(flight);
}

static void copy_bytes(uint8_t *target, struct gkv_bytes *bytes)
{
    if (bytes->count > 0) {
        memcpy(target, bytes->data, bytes->count);
    }
    bytes->data = target;
}

static enum gkv_error post(struct gridkv *gridkv, const struct gkv_request *request)
{
    struct gkv_inside_place *place = gkv_host_enter(gridkv->host);
    const enum gkv_error error = gkv_host_post(gridkv->host, request);
    gkv_host_exit(place);
    return error;
}

static enum gkv_error post_flight(struct gridkv *gridkv, const struct gkv_operation *operation,
                                  gridkv_completion_fn done, void *context)
{
    struct flight *flight = malloc(sizeof(*flight) + operation->key.count + operation->value.count);
    if (flight == NULL) {
        return GKV_ERROR_MEMORY;
    }
    flight->done = done;
    flight->context = context;
    struct gkv_request request = {
        .operation = *operation,
        .done = flight_done,
        .context = flight,
    };
    copy_bytes(flight->bytes, &request.operation.key);
    copy_bytes(flight->bytes + operation->key.count, &request.operation.value);
    const enum gkv_error error = post(gridkv, &request);
    if (error != GKV_OK) {
        free(flight);
    }
    return error;
}

static enum gkv_error run_async(struct gridkv *gridkv, const struct gkv_operation *operation,
                                gridkv_completion_fn done, void *context)
{
    if (gridkv == NULL) {
        return GKV_ERROR_CLOSED;
    }
    const enum gkv_error error = gkv_handle_check(gridkv, operation);
    if (error != GKV_OK) {
        return error;
    }
    if (done == NULL && operation->kind != GKV_OPERATION_GET &&
        gkv_errand_run_write(gridkv->errands, operation)) {
        return GKV_OK; /* nobody waits to be told on the node's thread */
    }
    if (operation->key.count + operation->value.count > GKV_REQUEST_COPY_BYTES_MAX) {
        return post_flight(gridkv, operation, done, context);
    }
    return post(gridkv, &(struct gkv_request){.operation = *operation,
                                              .done = small_done,
                                              .context = context,
                                              .tells = (void (*)(void))done,
                                              .is_copied = true});
}

enum gkv_error gridkv_set_async(struct gridkv *gridkv, const void *key, size_t key_bytes,
                                const void *value, size_t value_bytes, uint64_t ttl_ms,
                                gridkv_completion_fn done, void *context)
{
    const struct gkv_operation operation = {
        .kind = GKV_OPERATION_SET,
        .key = bytes_of(key, key_bytes),
        .value = bytes_of(value, value_bytes),
        .ttl_ms = ttl_ms,
    };
    return run_async(gridkv, &operation, done, context);
}

enum gkv_error gridkv_get_async(struct gridkv *gridkv, const void *key, size_t key_bytes,
                                gridkv_completion_fn done, void *context)
{
    const struct gkv_operation operation = {
        .kind = GKV_OPERATION_GET,
        .key = bytes_of(key, key_bytes),
    };
    return run_async(gridkv, &operation, done, context);
}

enum gkv_error gridkv_delete_async(struct gridkv *gridkv, const void *key, size_t key_bytes,
                                   gridkv_completion_fn done, void *context)
{
    const struct gkv_operation operation = {
        .kind = GKV_OPERATION_DELETE,
        .key = bytes_of(key, key_bytes),
    };
    return run_async(gridkv, &operation, done, context);
}
