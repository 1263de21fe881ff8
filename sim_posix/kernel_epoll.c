#include <errno.h>
#include <inttypes.h>
#include <sys/epoll.h>

#include "core/types.h"
#include "sim_posix/kernel.h"

#define LATE_NS_MAX GKV_NS_PER_MS

static struct gkv_kernel_process *process_running(struct gkv_kernel *kernel)
{
    return &kernel->processes[kernel->running];
}

int gkv_kernel_watch_error(struct gkv_kernel *kernel, const struct gkv_kernel_file *file,
                           int change)
{
    const bool is_wrong = (change == EPOLL_CTL_ADD) == file->is_watched;
    if (is_wrong) {
        gkv_kernel_fail(kernel, "misuse",
                        "process %u %s descriptor %d in its queue, which %s there", kernel->running,
                        file->is_watched ? "adds" : "changes", file->fd,
                        file->is_watched ? "is" : "is not");
        return file->is_watched ? EEXIST : ENOENT;
    }
    if (change != EPOLL_CTL_ADD) {
        return 0;
    }
    if (process_running(kernel)->has_no_watches ||
        gkv_kernel_strikes(kernel, "epoll.full", kernel->faults.full_ppm)) {
        kernel->tally.full++;
        return gkv_chance_below(kernel->chance, "epoll.full.errno", 2) == 0 ? ENOSPC : ENOMEM;
    }
    return 0;
}

/* The same readiness again and again, and nothing is done about it: a busy loop. */
static void count_report(struct gkv_kernel *kernel, struct gkv_kernel_file *file, uint32_t events)
{
    file->reported_count = events == file->reported_events ? file->reported_count + 1 : 1;
    file->reported_events = events;
    if (file->reported_count > GKV_KERNEL_REPORT_COUNT_MAX) {
        gkv_kernel_fail(kernel, "spin",
                        "process %u was told %d times that descriptor %d is ready (events 0x%x), "
                        "and did nothing",
                        kernel->running, GKV_KERNEL_REPORT_COUNT_MAX, file->fd, events);
    }
}

static uint32_t draw_report(struct gkv_kernel *kernel, const struct gkv_kernel_file *file)
{
    if (!file->is_watched || file->process != kernel->running) {
        return 0;
    }
    const uint32_t events = gkv_kernel_file_report(kernel, file);
    if (events != 0 && gkv_kernel_strikes(kernel, "epoll.late", kernel->faults.late_ppm)) {
        kernel->tally.late++;
        return 0;
    }
    const bool may_lie = events == 0 && file->kind != GKV_KERNEL_CONNECTING;
    if (may_lie && gkv_kernel_strikes(kernel, "epoll.spurious", kernel->faults.spurious_ppm)) {
        kernel->tally.spurious++;
        return file->interest;
    }
    return events;
}

int gkv_kernel_collect(struct gkv_kernel *kernel, struct epoll_event *events, int count)
{
    int filled = 0;
    const uint32_t begin =
        kernel->file_count == 0
            ? 0
            : (uint32_t)gkv_chance_below(kernel->chance, "epoll.order", kernel->file_count);
    for (uint32_t i = 0; i < kernel->file_count && filled < count; i++) {
        struct gkv_kernel_file *file = &kernel->files[(begin + i) % kernel->file_count];
        const uint32_t report = draw_report(kernel, file);
        if (report != 0) {
            count_report(kernel, file, report);
            events[filled++] = (struct epoll_event){.events = report, .data = {.u64 = file->token}};
        }
    }
    return filled;
}

bool gkv_kernel_waits_on(struct gkv_kernel *kernel)
{
    struct gkv_kernel_process *process = process_running(kernel);
    if (kernel->now_ns >= process->wake_ns) {
        return false;
    }
    const uint64_t late_ns =
        kernel->now_ns + 1 + gkv_chance_below(kernel->chance, "epoll.late.ns", LATE_NS_MAX);
    process->held_ns = late_ns < process->wake_ns ? late_ns : process->wake_ns;
    return true;
}

/* Not to wait is right when something is left to do, and wrong when nothing ever comes of it. */
static void count_hurry(struct gkv_kernel *kernel, int timeout_ms, int filled)
{
    struct gkv_kernel_process *process = process_running(kernel);
    process->hurry_count = timeout_ms == 0 && filled == 0 ? process->hurry_count + 1 : 0;
    if (process->hurry_count > GKV_KERNEL_HURRY_COUNT_MAX) {
        gkv_kernel_fail(kernel, "spin", "process %u waited %d times in a row for no time",
                        kernel->running, GKV_KERNEL_HURRY_COUNT_MAX);
    }
}

static void begin_window(const struct gkv_kernel *kernel, struct gkv_kernel_process *process)
{
    const uint64_t window = kernel->now_ns / GKV_KERNEL_WINDOW_NS;
    if (window != process->window) {
        process->window = window;
        process->window_idle_count = 0;
        process->window_busy_count = 0;
        process->window_part_count = kernel->part_count;
    }
}

/* Any number of turns is right while there is work, but there is only so much of it here; each call
 * that moved a part of what it was to move, of whatever process, may take one more. */
void gkv_kernel_count_turn(struct gkv_kernel *kernel, int timeout_ms, int filled)
{
    struct gkv_kernel_process *process = process_running(kernel);
    count_hurry(kernel, timeout_ms, filled);
    begin_window(kernel, process);
    const bool is_idle = process->turn_byte_count == 0;
    process->turn_byte_count = 0;
    process->window_idle_count += is_idle ? 1 : 0;
    process->window_busy_count += is_idle ? 0 : 1;
    const uint64_t part_count = kernel->part_count - process->window_part_count;
    const bool is_spin = process->window_idle_count > GKV_KERNEL_WINDOW_IDLE_COUNT_MAX ||
                         process->window_busy_count > GKV_KERNEL_WINDOW_BUSY_COUNT_MAX + part_count;
    if (is_spin) {
        gkv_kernel_fail(kernel, "spin",
                        "process %u turned %" PRIu64 " times for nothing and %" PRIu64
                        " times for some bytes within %d ms, with %" PRIu64
                        " calls that moved a part",
                        kernel->running, process->window_idle_count, process->window_busy_count,
                        (int)(GKV_KERNEL_WINDOW_NS / GKV_NS_PER_MS), part_count);
    }
}
