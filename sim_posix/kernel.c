#include "sim_posix/kernel.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "core/panic.h"
#include "core/types.h"

#define OVERSLEEP_NS_MAX (20 * GKV_NS_PER_MS)
#define FILE_DESCRIPTOR_FIRST 3

struct gkv_kernel *gkv_kernel_create(const struct gkv_chance *chance)
{
    struct gkv_kernel *kernel = calloc(1, sizeof(*kernel));
    if (kernel == NULL) {
        return NULL;
    }
    kernel->chance = chance;
    kernel->latency_ns = GKV_NS_PER_MS / 4;
    kernel->window_bytes = 65536;
    kernel->fd_first = FILE_DESCRIPTOR_FIRST;
    kernel->reuses_descriptors = true;
    kernel->serial_next = 1;
    for (uint32_t i = 0; i < GKV_KERNEL_PROCESS_COUNT_MAX; i++) {
        struct gkv_kernel_process *process = &kernel->processes[i];
        process->again_fd = -1;
        process->descriptor_limit = GKV_KERNEL_DESCRIPTOR_COUNT_MAX;
        for (uint32_t fd = 0; fd < GKV_KERNEL_DESCRIPTOR_COUNT_MAX; fd++) {
            process->descriptors[fd] = GKV_KERNEL_NONE;
        }
    }
    gkv_kernel_answer_with(kernel);
    return kernel;
}

void gkv_kernel_destroy(struct gkv_kernel *kernel)
{
    gkv_kernel_answer_with(NULL);
    for (uint32_t i = 0; i < GKV_KERNEL_FILE_COUNT_MAX; i++) {
        struct gkv_kernel_file *file = &kernel->files[i];
        free(file->ring);
        while (file->inbox != NULL) {
            struct gkv_kernel_packet *packet = file->inbox;
            file->inbox = packet->next;
            free(packet);
        }
    }
    while (kernel->packets != NULL) {
        struct gkv_kernel_packet *packet = kernel->packets;
        kernel->packets = packet->next;
        free(packet);
    }
    for (uint32_t i = 0; i < GKV_KERNEL_PROCESS_COUNT_MAX; i++) {
        gkv_coroutine_destroy(kernel->processes[i].coroutine);
    }
    free(kernel);
}

void gkv_kernel_fail(struct gkv_kernel *kernel, const char *check, const char *text, ...)
{
    if (kernel->failed_check != NULL) {
        return;
    }
    kernel->failed_check = check;
    va_list arguments;
    va_start(arguments, text);
    (void)vsnprintf(kernel->failed_text, sizeof(kernel->failed_text), text, arguments);
    va_end(arguments);
}

/* ---- Processes ---- */

bool gkv_kernel_spawn(struct gkv_kernel *kernel, uint32_t process, void (*run)(void *argument),
                      void *argument)
{
    struct gkv_kernel_process *it = &kernel->processes[process];
    GKV_ASSERT(it->state == GKV_KERNEL_ABSENT);
    it->coroutine = gkv_coroutine_create(run, argument);
    if (it->coroutine == NULL) {
        return false;
    }
    it->state = GKV_KERNEL_RUNNABLE;
    it->turn_call_count = 0;
    return true;
}

void gkv_kernel_kill(struct gkv_kernel *kernel, uint32_t process)
{
    struct gkv_kernel_process *it = &kernel->processes[process];
    for (uint32_t i = 0; i < kernel->file_count; i++) {
        struct gkv_kernel_file *file = &kernel->files[i];
        if (file->kind != GKV_KERNEL_FREE && file->process == process && file->fd >= 0) {
            gkv_kernel_file_close(kernel, file);
        }
    }
    it->state = GKV_KERNEL_KILLED;
}

void gkv_kernel_bury(struct gkv_kernel *kernel, uint32_t process)
{
    struct gkv_kernel_process *it = &kernel->processes[process];
    GKV_ASSERT(it->state == GKV_KERNEL_KILLED || it->state == GKV_KERNEL_OVER);
    gkv_coroutine_destroy(it->coroutine);
    it->coroutine = NULL;
    it->state = GKV_KERNEL_ABSENT;
}

void gkv_kernel_act_as(struct gkv_kernel *kernel, uint32_t process)
{
    GKV_ASSERT(process < GKV_KERNEL_PROCESS_COUNT_MAX);
    kernel->running = process;
}

void gkv_kernel_yield(struct gkv_kernel *kernel)
{
    gkv_coroutine_yield(kernel->processes[kernel->running].coroutine);
}

static void resume(struct gkv_kernel *kernel, uint32_t process)
{
    struct gkv_kernel_process *it = &kernel->processes[process];
    const uint32_t acting = kernel->running;
    kernel->running = process;
    it->state = GKV_KERNEL_RUNNABLE;
    if (!gkv_coroutine_resume(it->coroutine)) {
        it->state = GKV_KERNEL_OVER;
    }
    kernel->running = acting;
}

/* ---- Time ---- */

static bool has_report(const struct gkv_kernel *kernel, uint32_t process)
{
    for (uint32_t i = 0; i < kernel->file_count; i++) {
        const struct gkv_kernel_file *file = &kernel->files[i];
        if (file->is_watched && file->process == process &&
            gkv_kernel_file_report(kernel, file) != 0) {
            return true;
        }
    }
    return false;
}

/* When a process goes on. */
static uint64_t wake_ns_of(const struct gkv_kernel *kernel, uint32_t process)
{
    const struct gkv_kernel_process *it = &kernel->processes[process];
    if (it->state != GKV_KERNEL_RUNNABLE && it->state != GKV_KERNEL_WAITING) {
        return GKV_NEVER;
    }
    uint64_t wake_ns = kernel->now_ns;
    if (it->state == GKV_KERNEL_WAITING && it->wake_ns > wake_ns && !has_report(kernel, process)) {
        wake_ns = it->wake_ns;
    }
    return wake_ns > it->held_ns ? wake_ns : it->held_ns;
}

/* Who goes on first, in turn after `last`, if anybody does before *at_ns, which becomes that
 * time. */
static uint32_t find_next(const struct gkv_kernel *kernel, uint32_t last, uint64_t *at_ns)
{
    uint32_t next = GKV_KERNEL_NONE;
    for (uint32_t i = 1; i <= GKV_KERNEL_PROCESS_COUNT_MAX; i++) {
        const uint32_t process = (last + i) % GKV_KERNEL_PROCESS_COUNT_MAX;
        const uint64_t wake_ns = wake_ns_of(kernel, process);
        if (wake_ns < *at_ns) {
            *at_ns = wake_ns;
            next = process;
        }
    }
    return next;
}

bool gkv_kernel_run(struct gkv_kernel *kernel, uint64_t until_ns)
{
    uint32_t last = 0;
    while (kernel->failed_check == NULL && kernel->now_ns < until_ns) {
        gkv_kernel_deliver(kernel);
        uint64_t at_ns = until_ns;
        if (kernel->packets != NULL && kernel->packets->at_ns < at_ns) {
            at_ns = kernel->packets->at_ns;
        }
        const uint32_t next = find_next(kernel, last, &at_ns);
        kernel->now_ns = at_ns;
        if (next == GKV_KERNEL_NONE) {
            continue;
        }
        last = next;
        if (gkv_kernel_strikes(kernel, "wake.late", kernel->faults.oversleep_ppm)) {
            kernel->processes[next].held_ns =
                at_ns + 1 + gkv_chance_below(kernel->chance, "wake.late.ns", OVERSLEEP_NS_MAX);
            continue;
        }
        resume(kernel, next);
    }
    return kernel->failed_check == NULL;
}
