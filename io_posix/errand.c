#include "io_posix/errand.h"

#include "io_posix/clock.h"

static bool run_get(const struct gkv_commons *commons, const struct gkv_operation *operation,
                    struct gkv_errand *errand)
{
    struct gkv_record record;
    const enum gkv_inplace_answer answer =
        gkv_inplace_get(commons, operation->key, errand->buffer, &record);
    if (answer == GKV_INPLACE_ASK) {
        return false;
    }
    if (answer == GKV_INPLACE_ABSENT ||
        (record.expire_ms != 0 &&
         gkv_inplace_is_over(commons, gkv_clock_wall_ms(), record.expire_ms))) {
        errand->error = GKV_ERROR_NOT_FOUND;
        return true;
    }
    errand->value_bytes = record.value.count;
    errand->error = record.value.count > errand->buffer.capacity ? GKV_ERROR_BUFFER : GKV_OK;
    return true;
}

static bool run_write(struct gkv_host *host, const struct gkv_commons *commons,
                      const struct gkv_operation *operation, struct gkv_errand *errand)
{
    struct gkv_inplace_write write;
    const struct gkv_inplace_caller caller = {.wall_ms = gkv_clock_wall_ms()};
    if (!gkv_inplace_write(commons, caller, operation, &write)) {
        return false;
    }
    if (write.wakes) {
        gkv_host_wake(host);
    }
    errand->error = GKV_OK;
    return true;
}

bool gkv_errand_run(struct gkv_host *host, const struct gkv_operation *operation,
                    struct gkv_errand *errand)
{
    struct gkv_commons commons;
    if (!gkv_host_commons(host, &commons)) {
        errand->error = GKV_ERROR_CLOSED;
        return true;
    }
    return operation->kind == GKV_OPERATION_GET ? run_get(&commons, operation, errand)
                                                : run_write(host, &commons, operation, errand);
}
