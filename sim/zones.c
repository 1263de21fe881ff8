#include "sim/zones.h"

#include <inttypes.h>
#include <stdio.h>

#include "core/panic.h"

/* ---- Sorting: heapsort, which is O(n log n) whatever the input and needs no memory ----------- */

/* Let the zone at `place` of a heap of `count` sink to where none below it is greater. */
static void sink(struct gkv_zone *zones, size_t place, size_t count)
{
    const struct gkv_zone moved = zones[place];
    for (;;) {
        size_t child = 2 * place + 1;
        if (child + 1 < count && zones[child].order < zones[child + 1].order) {
            child++;
        }
        if (child >= count || zones[child].order <= moved.order) {
            break;
        }
        zones[place] = zones[child];
        place = child;
    }
    zones[place] = moved;
}

static bool is_sorted(const struct gkv_zone *zones, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (zones[i - 1].order > zones[i].order) {
            return false;
        }
    }
    return true;
}

static void sort(struct gkv_zone *zones, size_t count)
{
    if (is_sorted(zones, count)) {
        return; /* writes are mostly numbered as they come */
    }
    for (size_t i = count / 2; i > 0; i--) {
        sink(zones, i - 1, count);
    }
    for (size_t i = count - 1; i > 0; i--) {
        const struct gkv_zone last = zones[i];
        zones[i] = zones[0];
        zones[0] = last;
        sink(zones, 0, i);
    }
    GKV_ASSERT(is_sorted(zones, count));
}

/* How many of the zones, which are sorted, have an order below `order`. */
static size_t count_below(const struct gkv_zone *zones, size_t count, uint64_t order)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (zones[middle].order < order) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* ---- Clusters -------------------------------------------------------------------------------- */

static uint64_t begin_of(const struct gkv_register_operation *operation)
{
    GKV_ASSERT(operation->begin <= GKV_REGISTER_TIME_MAX);
    return operation->begin + 1;
}

static uint64_t end_of(const struct gkv_register_operation *operation)
{
    if (operation->outcome != GKV_REGISTER_OK) {
        return UINT64_MAX;
    }
    GKV_ASSERT(operation->begin <= operation->end && operation->end <= GKV_REGISTER_TIME_MAX);
    return operation->end + 1;
}

/* A cluster for each write and one for the initial value, sorted by id. Returns how many. */
static size_t gather_writes(struct gkv_register_history history, struct gkv_zone *zones)
{
    size_t count = 0;
    zones[count++] = (struct gkv_zone){
        .order = GKV_REGISTER_INITIAL,
        .write = GKV_REGISTER_INITIAL,
        .written = GKV_ZONES_NONE,
        .ended = GKV_ZONES_NONE,
        .began = GKV_ZONES_NONE,
    };
    for (uint32_t i = 0; i < history.operation_count; i++) {
        const struct gkv_register_operation *operation = &history.operations[i];
        if (operation->kind != GKV_REGISTER_WRITE) {
            continue;
        }
        zones[count++] = (struct gkv_zone){
            .order = operation->write,
            .ended_at = end_of(operation),
            .began_at = begin_of(operation),
            .write = operation->write,
            .written = i,
            .ended = i,
            .began = i,
        };
    }
    sort(zones, count);
    for (size_t i = 1; i < count; i++) {
        GKV_ASSERT(zones[i - 1].write != zones[i].write);
    }
    return count;
}

static void join(struct gkv_zone *zone, const struct gkv_register_operation *read, uint32_t index)
{
    zone->is_read = true;
    if (end_of(read) < zone->ended_at) {
        zone->ended_at = end_of(read);
        zone->ended = index;
    }
    if (begin_of(read) > zone->began_at) {
        zone->began_at = begin_of(read);
        zone->began = index;
    }
}

/* Let every read join the cluster of the write that it saw, in the order of the history; false at
 * the first that cannot. */
static bool gather_reads(struct gkv_register_history history, struct gkv_zone *zones, size_t count,
                         struct gkv_zones_report *report)
{
    for (uint32_t i = 0; i < history.operation_count; i++) {
        const struct gkv_register_operation *read = &history.operations[i];
        if (read->kind != GKV_REGISTER_READ || read->outcome != GKV_REGISTER_OK) {
            continue;
        }
        const size_t place = count_below(zones, count, read->write);
        report->write_a = read->write;
        report->forth.ended = i;
        if (place == count || zones[place].write != read->write) {
            report->fault = GKV_ZONES_NEVER_WRITTEN;
            return false;
        }
        struct gkv_zone *zone = &zones[place];
        report->forth.began = zone->written;
        if (zone->written != GKV_ZONES_NONE) {
            const struct gkv_register_operation *write = &history.operations[zone->written];
            if (write->outcome == GKV_REGISTER_FAILED) {
                report->fault = GKV_ZONES_FAILED_WRITE;
                return false;
            }
            if (read->end < write->begin) {
                report->fault = GKV_ZONES_FUTURE;
                return false;
            }
        }
        join(zone, read, i);
    }
    return true;
}

/* ---- Zones ----------------------------------------------------------------------------------- */

static bool is_forward(const struct gkv_zone *zone)
{
    return zone->ended_at < zone->began_at;
}

/* Leave out what may as well never have happened. Returns how many are left. */
static size_t drop_unseen(struct gkv_register_history history, struct gkv_zone *zones, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        const uint32_t written = zones[i].written;
        const bool has_happened =
            written != GKV_ZONES_NONE && history.operations[written].outcome == GKV_REGISTER_OK;
        if (has_happened || zones[i].is_read) {
            zones[kept++] = zones[i];
        }
    }
    return kept;
}

/* Bring the forward zones to the front and sort them by where they start. Returns how many. */
static size_t sort_forward(struct gkv_zone *zones, size_t count)
{
    size_t forward_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (is_forward(&zones[i])) {
            const struct gkv_zone zone = zones[i];
            zones[i] = zones[forward_count];
            zones[forward_count] = zone;
            zones[forward_count++].order = zone.ended_at;
        }
    }
    sort(zones, forward_count);
    return forward_count;
}

/* Each of two clusters has an operation that ended before one of the other's began. */
static void report_pair(struct gkv_zones_report *report, enum gkv_zones_fault fault,
                        const struct gkv_zone *a, const struct gkv_zone *b)
{
    GKV_ASSERT(a->ended_at < b->began_at);
    GKV_ASSERT(b->ended_at < a->began_at);
    *report = (struct gkv_zones_report){
        .fault = fault,
        .write_a = a->write,
        .write_b = b->write,
        .forth = {.ended = a->ended, .began = b->began},
        .back = {.ended = b->ended, .began = a->began},
    };
}

static bool check_zones(const struct gkv_zone *zones, size_t count, size_t forward_count,
                        struct gkv_zones_report *report)
{
    for (size_t i = 1; i < forward_count; i++) {
        if (zones[i].ended_at < zones[i - 1].began_at) {
            report_pair(report, GKV_ZONES_OVERLAP, &zones[i - 1], &zones[i]);
            return false;
        }
    }
    /* Forward zones do not overlap, so that only the last to start before a backward zone can reach
     * past its end. */
    for (size_t i = forward_count; i < count; i++) {
        const size_t before = count_below(zones, forward_count, zones[i].began_at);
        if (before > 0 && zones[i].ended_at < zones[before - 1].began_at) {
            report_pair(report, GKV_ZONES_INSIDE, &zones[before - 1], &zones[i]);
            return false;
        }
    }
    return true;
}

bool gkv_zones_check(struct gkv_register_history history, struct gkv_zone *zones,
                     struct gkv_zones_report *report_out)
{
    const struct gkv_zones_report nothing = {
        .fault = GKV_ZONES_LINEARIZABLE,
        .write_a = GKV_ZONES_NONE,
        .write_b = GKV_ZONES_NONE,
        .forth = {.ended = GKV_ZONES_NONE, .began = GKV_ZONES_NONE},
        .back = {.ended = GKV_ZONES_NONE, .began = GKV_ZONES_NONE},
    };
    struct gkv_zones_report report = nothing;
    size_t count = gather_writes(history, zones);
    GKV_ASSERT(count <= gkv_zones_count(history.operation_count));
    bool is_linearizable = gather_reads(history, zones, count, &report);
    if (is_linearizable) {
        count = drop_unseen(history, zones, count);
        const size_t forward_count = sort_forward(zones, count);
        report = nothing;
        is_linearizable = check_zones(zones, count, forward_count, &report);
    }
    GKV_ASSERT(is_linearizable == (report.fault == GKV_ZONES_LINEARIZABLE));
    if (report_out != NULL) {
        *report_out = report;
    }
    return is_linearizable;
}

/* ---- Explaining ------------------------------------------------------------------------------ */

/* A write by the number of the operation that wrote it. */
static void name_write(struct gkv_register_history history, uint32_t write, char *text,
                       size_t text_bytes)
{
    for (uint32_t i = 0; i < history.operation_count; i++) {
        const struct gkv_register_operation *operation = &history.operations[i];
        if (operation->kind == GKV_REGISTER_WRITE && operation->write == write) {
            (void)snprintf(text, text_bytes, "write %" PRIu32, operation->number);
            return;
        }
    }
    (void)snprintf(text, text_bytes,
                   write == GKV_REGISTER_INITIAL ? "the initial value" : "nobody");
}

/* "7 ended (at 20) before 9 began (at 30)" */
static void tell_reason(struct gkv_register_history history, struct gkv_zones_reason reason,
                        char *text, size_t text_bytes)
{
    const struct gkv_register_operation *began = &history.operations[reason.began];
    if (reason.ended == GKV_ZONES_NONE) {
        (void)snprintf(text, text_bytes, "it was there before %" PRIu32 " began", began->number);
        return;
    }
    const struct gkv_register_operation *ended = &history.operations[reason.ended];
    (void)snprintf(text, text_bytes,
                   "%" PRIu32 " ended (%" PRIu64 ") before %" PRIu32 " began (%" PRIu64 ")",
                   ended->number, ended->end, began->number, began->begin);
}

void gkv_zones_explain(struct gkv_register_history history, const struct gkv_zones_report *report,
                       char *text, size_t text_bytes)
{
    char a[24];
    char b[24];
    char forth[88];
    char back[88];
    const uint32_t read =
        report->forth.ended == GKV_ZONES_NONE ? 0 : history.operations[report->forth.ended].number;
    name_write(history, report->write_a, a, sizeof(a));
    switch (report->fault) {
    case GKV_ZONES_LINEARIZABLE:
        (void)snprintf(text, text_bytes, "linearizable");
        return;
    case GKV_ZONES_NEVER_WRITTEN:
        (void)snprintf(text, text_bytes, "read %" PRIu32 " saw what nobody wrote", read);
        return;
    case GKV_ZONES_FAILED_WRITE:
        (void)snprintf(text, text_bytes, "read %" PRIu32 " saw %s, which failed", read, a);
        return;
    case GKV_ZONES_FUTURE:
        tell_reason(history, report->forth, forth, sizeof(forth));
        (void)snprintf(text, text_bytes, "read %" PRIu32 " saw %s from the future: %s", read, a,
                       forth);
        return;
    case GKV_ZONES_OVERLAP:
    case GKV_ZONES_INSIDE:
        break;
    }
    name_write(history, report->write_b, b, sizeof(b));
    tell_reason(history, report->forth, forth, sizeof(forth));
    tell_reason(history, report->back, back, sizeof(back));
    (void)snprintf(text, text_bytes, "%s came before %s (%s) and after it (%s)", a, b, forth, back);
}
