#include "sim/shrink.h"

#include <stddef.h>

#include "core/panic.h"
#include "sim/history.h"
#include "sim/miniature.h"

#define BLOCK_COUNT_MAX 128   /* of so many blocks at the most, each is tried */
#define NODE_DIGIT_COUNT 40   /* each node counts as much as this, as do two digits */
#define MINIATURE_COUNT 300   /* are tried at the most, while it is long */
#define SINGLE_COUNT_MAX 2000 /* of so many lines at the most, numbers are made smaller */

bool gkv_shrink_create(struct gkv_shrink *shrink, gkv_shrink_test *test, gkv_shrink_keep *keep,
                       void *context)
{
    *shrink = (struct gkv_shrink){
        .best = gkv_script_create(),
        .candidate = gkv_script_create(),
        .test = test,
        .keep = keep,
        .context = context,
    };
    if (shrink->best == NULL || shrink->candidate == NULL) {
        gkv_shrink_destroy(shrink);
        return false;
    }
    return true;
}

void gkv_shrink_destroy(struct gkv_shrink *shrink)
{
    gkv_script_destroy(shrink->best);
    gkv_script_destroy(shrink->candidate);
    *shrink = (struct gkv_shrink){0};
}

/* ---- Trying ---------------------------------------------------------------------------------- */

static bool is_smaller(const struct gkv_shrink_size *a, const struct gkv_shrink_size *b)
{
    if (a->deed_count != b->deed_count) {
        return a->deed_count < b->deed_count;
    }
    if (a->line_count != b->line_count) {
        return a->line_count < b->line_count;
    }
    if (a->digit_count != b->digit_count) {
        return a->digit_count < b->digit_count;
    }
    return a->event_count < b->event_count;
}

/* How long a number is to read: each digit counts, those before the closing zeroes twice, and a
 * little more the larger they are. */
static uint64_t digits_of(uint64_t number)
{
    uint64_t count = 0;
    bool is_round = true;
    for (uint64_t rest = number; rest > 0; rest /= 10) {
        is_round = is_round && rest % 10 == 0;
        count += is_round ? 10 : 20 + rest % 10;
    }
    return count;
}

static uint64_t size_of_value(int64_t value)
{
    return value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
}

static void measure(const struct gkv_script *script, struct gkv_shrink_size *size)
{
    size->fault_count = 0;
    size->line_count = script->line_count;
    /* A node less is less to read, though 99 is longer than 100 by the digits alone. */
    size->digit_count = (uint64_t)NODE_DIGIT_COUNT * script->scenario.node_count;
    for (uint32_t i = 0; i < script->line_count; i++) {
        const struct gkv_script_line *line = &script->lines[i];
        size->fault_count += gkv_script_is_fault(line->kind);
        const uint32_t count =
            line->kind == GKV_SCRIPT_SET ? line->count - GKV_HISTORY_VALUE_BYTES_MIN : line->count;
        size->digit_count += digits_of(line->time_ns) + digits_of(count) +
                             digits_of(size_of_value((int64_t)line->value)) + line->node +
                             line->to + line->key + line->client;
    }
    for (uint32_t i = 0; gkv_script_field(i) != NULL; i++) {
        const struct gkv_script_field *field = gkv_script_field(i);
        const uint64_t value = gkv_script_field_read(field, &script->scenario);
        size->line_count += value != field->benign;
        size->digit_count += value != field->benign ? digits_of(value) : 0;
    }
    size->deed_count = size->operation_count + size->fault_count;
}

/* Run the candidate, and say how large it is if it fails alike. */
static bool fails(struct gkv_shrink *shrink, struct gkv_shrink_size *size_out)
{
    if (shrink->tries_left == 0 || gkv_script_settle(shrink->candidate) != NULL) {
        return false;
    }
    shrink->tries_left--;
    shrink->try_count++;
    *size_out = shrink->size;
    if (!shrink->test(shrink->context, shrink->candidate, size_out)) {
        return false;
    }
    measure(shrink->candidate, size_out);
    return true;
}

static void keep(const struct gkv_shrink *shrink)
{
    if (shrink->keep != NULL) {
        shrink->keep(shrink->context, shrink->best);
    }
}

/* Try the candidate, and take it if it is smaller. */
static bool try_candidate(struct gkv_shrink *shrink)
{
    struct gkv_shrink_size size;
    if (!fails(shrink, &size) || !is_smaller(&size, &shrink->size)) {
        return false;
    }
    struct gkv_script *old = shrink->best;
    shrink->best = shrink->candidate;
    shrink->candidate = old;
    shrink->size = size;
    keep(shrink);
    return true;
}

/* Make the candidate what is best so far, to be changed. False: nothing more is tried, and large
 * scripts need not be copied in vain. */
static bool copy_best(struct gkv_shrink *shrink)
{
    if (shrink->tries_left > 0) {
        gkv_script_copy(shrink->candidate, shrink->best);
    }
    return shrink->tries_left > 0;
}

/* ---- Fewer lines ----------------------------------------------------------------------------- */

/* Some of the lines. */
enum group {
    ALL = 0,
    OPERATIONS = 1,
    FAULTS = 2, /* and what ends them */
    LUCK = 3,
    OF_KIND = 4,
    OF_LABEL = 5,
    LATE = 6, /* after the failure */
    GROUP_COUNT = 7,
};

struct block {
    enum group group;
    uint32_t number; /* of the kind or label */
    uint32_t first;  /* among the lines of the group */
    uint32_t count;
};

static bool is_asked(enum gkv_script_kind kind)
{
    return gkv_script_is_operation(kind) || gkv_script_is_reading(kind);
}

static bool is_of(const struct gkv_shrink *shrink, const struct block *block,
                  const struct gkv_script_line *line)
{
    switch (block->group) {
    case OPERATIONS:
        return is_asked(line->kind);
    case FAULTS:
        return !is_asked(line->kind) && line->kind != GKV_SCRIPT_LUCK;
    case LUCK:
        return line->kind == GKV_SCRIPT_LUCK;
    case OF_KIND:
        return (uint32_t)line->kind == block->number;
    case OF_LABEL:
        return line->kind == GKV_SCRIPT_LUCK && line->label == block->number;
    case LATE:
        return line->time_ns > shrink->size.end_ns && !gkv_script_is_reading(line->kind);
    case ALL:
    case GROUP_COUNT:
        break;
    }
    return true;
}

/* Try the best without a block. */
static bool drop(struct gkv_shrink *shrink, const struct block *block)
{
    const struct gkv_script *best = shrink->best;
    struct gkv_script *candidate = shrink->candidate;
    uint32_t number = 0;
    if (!copy_best(shrink)) {
        return false;
    }
    candidate->line_count = 0;
    for (uint32_t i = 0; i < best->line_count; i++) {
        const bool is_in = is_of(shrink, block, &best->lines[i]);
        if (!is_in || number < block->first || number - block->first >= block->count) {
            candidate->lines[candidate->line_count++] = best->lines[i];
        }
        number += is_in;
    }
    return candidate->line_count < best->line_count && try_candidate(shrink);
}

static uint32_t count_group(const struct gkv_shrink *shrink, enum group group)
{
    const struct block block = {.group = group};
    uint32_t count = 0;
    for (uint32_t i = 0; i < shrink->best->line_count; i++) {
        count += is_of(shrink, &block, &shrink->best->lines[i]);
    }
    return count;
}

/* All of a kind or a label at once: what most runs do not need. */
static bool drop_whole(struct gkv_shrink *shrink)
{
    bool is_better = drop(shrink, &(struct block){.group = LATE, .count = UINT32_MAX});
    is_better = drop(shrink, &(struct block){.group = LUCK, .count = UINT32_MAX}) || is_better;
    for (uint32_t i = 0; i < shrink->best->label_count; i++) {
        const struct block label = {.group = OF_LABEL, .number = i, .count = UINT32_MAX};
        is_better = drop(shrink, &label) || is_better;
    }
    for (uint32_t i = GKV_SCRIPT_SET; i <= GKV_SCRIPT_READ_SET; i++) {
        const struct block kind = {.group = OF_KIND, .number = i, .count = UINT32_MAX};
        is_better = drop(shrink, &kind) || is_better;
    }
    return is_better;
}

/* Halves, quarters and so on of a group, down to single lines where they are few. */
static bool drop_blocks(struct gkv_shrink *shrink, enum group group)
{
    bool is_better = false;
    uint32_t count = count_group(shrink, group);
    const uint32_t least = count / BLOCK_COUNT_MAX > 0 ? count / BLOCK_COUNT_MAX : 1;
    for (uint32_t step = count; step >= least && step > 0; step /= 2) {
        struct block block = {.group = group, .count = step};
        while (block.first < count && shrink->tries_left > 0) {
            const bool is_taken = drop(shrink, &block);
            is_better = is_better || is_taken;
            count = is_taken ? count_group(shrink, group) : count;
            block.first += is_taken ? 0 : step;
        }
    }
    return is_better;
}

/* ---- Numbers --------------------------------------------------------------------------------- */

/* Put lines in order of time again; those of one time keep their order. */
static void sort(struct gkv_script *script)
{
    for (uint32_t i = 1; i < script->line_count; i++) {
        const struct gkv_script_line line = script->lines[i];
        uint32_t place = i;
        while (place > 0 && script->lines[place - 1].time_ns > line.time_ns) {
            script->lines[place] = script->lines[place - 1];
            place--;
        }
        script->lines[place] = line;
    }
}

/* A number of the best: of a line, or of the head. */
enum number_kind {
    VALUE = 0,
    COUNT = 1,
    TIME = 2,
    FIELD = 3,
};

struct number {
    enum number_kind kind;
    uint32_t index; /* of the line, or of the field */
};

static uint64_t read_number(const struct gkv_script *script, const struct number *number)
{
    const struct gkv_script_line *line = &script->lines[number->index];
    if (number->kind == FIELD) {
        return gkv_script_field_read(gkv_script_field(number->index), &script->scenario);
    }
    return number->kind == VALUE   ? line->value
           : number->kind == COUNT ? line->count
                                   : line->time_ns;
}

static bool try_number(struct gkv_shrink *shrink, const struct number *number, uint64_t value)
{
    struct gkv_script *candidate = shrink->candidate;
    if (value == read_number(shrink->best, number) || !copy_best(shrink)) {
        return false;
    }
    struct gkv_script_line *line = &candidate->lines[number->index];
    if (number->kind == FIELD) {
        gkv_script_field_write(gkv_script_field(number->index), &candidate->scenario, value);
    } else if (number->kind == TIME) {
        line->time_ns = value;
        sort(candidate);
    } else if (number->kind == VALUE) {
        line->value = value;
    } else {
        line->count = (uint32_t)value;
    }
    return try_candidate(shrink);
}

/* To zero or half again and again, then to the roundest near it. A line that moves in time may get
 * another place, and is left alone then. */
static bool lower_number(struct gkv_shrink *shrink, const struct number *number, uint64_t least)
{
    bool is_better = false;
    if (number->kind != TIME) {
        is_better = try_number(shrink, number, least);
        uint64_t value = read_number(shrink->best, number);
        while (value / 2 > least && try_number(shrink, number, value / 2)) {
            value /= 2;
            is_better = true;
        }
    }
    for (uint64_t step = UINT64_C(1000000000000); step > 1; step /= 10) {
        const uint64_t value = read_number(shrink->best, number);
        const uint64_t floor = value / step * step;
        if (floor != value && value / step < 100000 &&
            ((floor >= least && try_number(shrink, number, floor)) ||
             (floor >= step && try_number(shrink, number, floor + step)))) {
            return true;
        }
    }
    return is_better;
}

static bool is_signed(enum gkv_script_kind kind)
{
    return kind == GKV_SCRIPT_STEP || kind == GKV_SCRIPT_DRIFT;
}

static bool lower_numbers(struct gkv_shrink *shrink)
{
    bool is_better = false;
    for (uint32_t i = 0; i < shrink->best->line_count && i < SINGLE_COUNT_MAX; i++) {
        const struct gkv_script_line line = shrink->best->lines[i];
        const struct number value = {.kind = VALUE, .index = i};
        const struct number count = {.kind = COUNT, .index = i};
        const struct number time = {.kind = TIME, .index = i};
        if (line.value != 0 && !is_signed(line.kind)) {
            is_better = lower_number(shrink, &value, 0) || is_better;
        }
        if (line.kind == GKV_SCRIPT_SET) {
            is_better =
                lower_number(shrink, &count, shrink->best->scenario.value_bytes_min) || is_better;
        }
        if (line.kind != GKV_SCRIPT_LUCK) {
            is_better = lower_number(shrink, &time, GKV_SCRIPT_TIME_NS_MIN) || is_better;
        }
    }
    return is_better;
}

/* The head: what is benign, or else the least that fails. */
static bool lower_fields(struct gkv_shrink *shrink)
{
    bool is_better = false;
    for (uint32_t i = 0; gkv_script_field(i) != NULL; i++) {
        const struct gkv_script_field *field = gkv_script_field(i);
        const struct number number = {.kind = FIELD, .index = i};
        if (read_number(shrink->best, &number) == field->benign || i == 0) {
            continue; /* the first is the seed, which is only a name */
        }
        is_better = try_number(shrink, &number, field->benign) ||
                    lower_number(shrink, &number, field->least) || is_better;
    }
    return is_better;
}

/* All times at once, but for luck's, which are those of single messages. */
static bool round_times(struct gkv_shrink *shrink)
{
    for (uint64_t step = 100 * GKV_NS_PER_MS; step > 1 && copy_best(shrink); step /= 10) {
        struct gkv_script *candidate = shrink->candidate;
        for (uint32_t i = 0; i < candidate->line_count; i++) {
            if (candidate->lines[i].kind != GKV_SCRIPT_LUCK) {
                candidate->lines[i].time_ns -= candidate->lines[i].time_ns % step;
            }
        }
        sort(candidate);
        if (try_candidate(shrink)) {
            return true;
        }
    }
    return false;
}

/* Let everything from a line on happen sooner. */
static bool close_gap(struct gkv_shrink *shrink, uint32_t first, uint64_t by_ns)
{
    if (!copy_best(shrink)) {
        return false;
    }
    for (uint32_t i = first; i < shrink->candidate->line_count; i++) {
        shrink->candidate->lines[i].time_ns -= by_ns;
    }
    return try_candidate(shrink);
}

static bool close_gaps(struct gkv_shrink *shrink)
{
    bool is_better = false;
    for (uint32_t i = 1; i < shrink->best->line_count && i < SINGLE_COUNT_MAX; i++) {
        const struct gkv_script_line *lines = shrink->best->lines;
        uint64_t gap_ns = (lines[i].time_ns - lines[i - 1].time_ns) / GKV_NS_PER_MS * GKV_NS_PER_MS;
        while (gap_ns >= GKV_NS_PER_MS && !close_gap(shrink, i, gap_ns)) {
            gap_ns = gap_ns / (4 * GKV_NS_PER_MS) * GKV_NS_PER_MS;
        }
        is_better = is_better || gap_ns >= GKV_NS_PER_MS;
    }
    return is_better;
}

/* ---- Names ----------------------------------------------------------------------------------- */

enum name_kind {
    CLIENT = 0,
    KEY = 1,
    NODE = 2, /* that an operation is asked of */
    NAME_COUNT = 3,
};

/* Every operation that names `from` names `to` instead. */
static bool rename_to(struct gkv_shrink *shrink, enum name_kind kind, uint32_t from, uint32_t to)
{
    struct gkv_script *candidate = shrink->candidate;
    bool is_changed = false;
    if (!copy_best(shrink)) {
        return false;
    }
    for (uint32_t i = 0; i < candidate->line_count; i++) {
        struct gkv_script_line *line = &candidate->lines[i];
        const uint32_t name = kind == CLIENT ? line->client : kind == KEY ? line->key : line->node;
        if (name != from || !(gkv_script_is_operation(line->kind) ||
                              (kind != CLIENT && gkv_script_is_reading(line->kind)))) {
            continue;
        }
        is_changed = true;
        if (kind == CLIENT) {
            line->client = (uint16_t)to;
        } else if (kind == KEY) {
            line->key = to;
        } else {
            line->node = (uint8_t)to;
            line->to = (uint8_t)to;
        }
    }
    return is_changed && try_candidate(shrink);
}

static bool lower_names(struct gkv_shrink *shrink)
{
    const uint32_t counts[NAME_COUNT] = {
        [CLIENT] = shrink->best->scenario.client_count,
        [KEY] = shrink->best->scenario.key_count,
        [NODE] = shrink->best->scenario.node_count,
    };
    bool is_better = false;
    for (uint32_t kind = 0; kind < NAME_COUNT; kind++) {
        for (uint32_t from = counts[kind]; from > 1; from--) {
            uint32_t to = 0;
            while (to < from - 1 && to < 8 &&
                   !rename_to(shrink, (enum name_kind)kind, from - 1, to)) {
                to++;
            }
            is_better = is_better || (to < from - 1 && to < 8);
        }
    }
    return is_better;
}

/* The last nodes less, with all lines that name one of them. */
static bool drop_last_nodes(struct gkv_shrink *shrink, uint32_t count)
{
    if (!copy_best(shrink)) {
        return false;
    }
    const struct gkv_script *best = shrink->best;
    struct gkv_script *candidate = shrink->candidate;
    const uint32_t left = best->scenario.node_count - count;
    candidate->scenario.node_count = left;
    candidate->line_count = 0;
    for (uint32_t i = 0; i < best->line_count; i++) {
        if (best->lines[i].node < left && best->lines[i].to < left) {
            candidate->lines[candidate->line_count++] = best->lines[i];
        }
    }
    return try_candidate(shrink);
}

/* An eighth of a crowd at once, and less where that does not do; of a few nodes, one by one. */
static bool drop_nodes(struct gkv_shrink *shrink)
{
    uint32_t count = shrink->best->scenario.node_count / 8;
    bool is_better = false;
    count = count > 0 ? count : 1;
    while (count > 0 && shrink->best->scenario.node_count > count) {
        if (drop_last_nodes(shrink, count)) {
            is_better = true;
        } else {
            count /= 2;
        }
    }
    return is_better;
}

/* ---- Another, much smaller ------------------------------------------------------------------- */

/* A short script of the same stuff, where the best is still long. */
static bool try_miniatures(struct gkv_shrink *shrink)
{
    while (shrink->miniature_count < MINIATURE_COUNT && shrink->tries_left > 0 &&
           shrink->size.operation_count > GKV_MINIATURE_OPERATION_COUNT_MAX) {
        gkv_miniature_draw(shrink->candidate, shrink->best, shrink->miniature_count++);
        if (try_candidate(shrink)) {
            return true;
        }
    }
    return false;
}

/* ---- All of it ------------------------------------------------------------------------------- */

bool gkv_shrink_begin(struct gkv_shrink *shrink, const struct gkv_script *script)
{
    struct gkv_shrink_size size;
    shrink->tries_left = 1;
    shrink->try_count = 0;
    shrink->size = (struct gkv_shrink_size){0};
    gkv_script_copy(shrink->candidate, script);
    if (!fails(shrink, &size)) {
        return false;
    }
    gkv_script_copy(shrink->best, shrink->candidate);
    shrink->size = size;
    keep(shrink);
    return true;
}

void gkv_shrink_stop(struct gkv_shrink *shrink)
{
    shrink->tries_left = 0;
}

void gkv_shrink_run(struct gkv_shrink *shrink, uint64_t try_count_max)
{
    bool is_better = true;
    shrink->tries_left = try_count_max;
    while (is_better && shrink->tries_left > 0) {
        is_better = drop_whole(shrink);
        is_better = try_miniatures(shrink) || is_better;
        is_better = drop_blocks(shrink, ALL) || is_better;
        is_better = drop_blocks(shrink, OPERATIONS) || is_better;
        is_better = drop_blocks(shrink, FAULTS) || is_better;
        is_better = drop_nodes(shrink) || is_better;
        is_better = lower_names(shrink) || is_better;
        is_better = drop_blocks(shrink, LUCK) || is_better;
        is_better = lower_fields(shrink) || is_better;
        is_better = close_gaps(shrink) || is_better;
        is_better = round_times(shrink) || is_better;
        is_better = lower_numbers(shrink) || is_better;
    }
    GKV_ASSERT(!shrink->best->is_cut_short);
}
