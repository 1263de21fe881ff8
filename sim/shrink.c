#include "sim/shrink.h"

#include <stddef.h>
#include <string.h>

#include "core/panic.h"

#define BLOCK_COUNT_MAX 128 /* of so many blocks at the most, each is tried */
#define SINGLE_COUNT_MAX 40 /* draws of a label that are made smaller one by one */

bool gkv_shrink_create(struct gkv_shrink *shrink, gkv_shrink_test *test, void *context)
{
    *shrink = (struct gkv_shrink){
        .best = gkv_recording_create(),
        .candidate = gkv_recording_create(),
        .drawn = gkv_recording_create(),
        .test = test,
        .context = context,
    };
    if (shrink->best == NULL || shrink->candidate == NULL || shrink->drawn == NULL) {
        gkv_shrink_destroy(shrink);
        return false;
    }
    return true;
}

void gkv_shrink_destroy(struct gkv_shrink *shrink)
{
    gkv_recording_destroy(shrink->best);
    gkv_recording_destroy(shrink->candidate);
    gkv_recording_destroy(shrink->drawn);
    *shrink = (struct gkv_shrink){0};
}

/* ---- Trying ---------------------------------------------------------------------------------- */

static bool is_smaller(const struct gkv_shrink_size *a, const struct gkv_shrink_size *b)
{
    if (a->deed_count != b->deed_count) {
        return a->deed_count < b->deed_count;
    }
    if (a->event_count != b->event_count) {
        return a->event_count < b->event_count;
    }
    if (a->draw_count != b->draw_count) {
        return a->draw_count < b->draw_count;
    }
    return a->value_bits < b->value_bits;
}

static void measure_draws(const struct gkv_recording *recording, struct gkv_shrink_size *size)
{
    size->draw_count = 0;
    size->value_bits = 0;
    for (uint32_t i = 0; i < recording->draw_count; i++) {
        const uint64_t value = recording->draws[i].value;
        size->draw_count += value != 0;
        for (uint64_t rest = value; rest != 0; rest >>= 1) {
            size->value_bits++;
        }
    }
}

/* Run the candidate; when it fails alike, its size is of what it drew. */
static bool fails(struct gkv_shrink *shrink, struct gkv_shrink_size *size_out)
{
    if (shrink->tries_left == 0) {
        return false;
    }
    shrink->tries_left--;
    shrink->try_count++;
    gkv_recording_link(shrink->candidate);
    *size_out = (struct gkv_shrink_size){0};
    if (!shrink->test(shrink->context, shrink->candidate, shrink->drawn, size_out) ||
        shrink->drawn->is_cut_short) {
        return false;
    }
    measure_draws(shrink->drawn, size_out);
    return true;
}

static void accept(struct gkv_shrink *shrink, const struct gkv_shrink_size *size)
{
    struct gkv_recording *old = shrink->best;
    shrink->best = shrink->drawn;
    shrink->drawn = old;
    shrink->size = *size;
}

/* Try the candidate, and take it if it is smaller. */
static bool try_candidate(struct gkv_shrink *shrink)
{
    struct gkv_shrink_size size;
    if (!fails(shrink, &size) || !is_smaller(&size, &shrink->size)) {
        return false;
    }
    accept(shrink, &size);
    return true;
}

/* ---- Fewer operations ------------------------------------------------------------------------ */

static bool try_limit(struct gkv_shrink *shrink, uint32_t limit)
{
    gkv_recording_copy(shrink->candidate, shrink->best);
    shrink->candidate->operation_limit = limit;
    return try_candidate(shrink);
}

/* From one operation on, twice as many each time, up to the first that fails; then down from it. */
static bool limit_operations(struct gkv_shrink *shrink)
{
    const uint32_t now = shrink->best->operation_limit;
    const uint32_t most =
        now > 0 ? now
                : (uint32_t)(shrink->size.operation_count < 1u << 20 ? shrink->size.operation_count
                                                                     : 1u << 20);
    uint32_t limit = 1;
    while (limit < most && !try_limit(shrink, limit)) {
        limit *= 2;
    }
    if (limit >= most) {
        return false;
    }
    while (limit > 1 && try_limit(shrink, limit - 1)) {
        limit--;
    }
    return true;
}

/* ---- Whole labels ---------------------------------------------------------------------------- */

static bool zero_labels(struct gkv_shrink *shrink)
{
    bool is_better = false;
    for (uint32_t label = 0; label < shrink->best->label_count; label++) {
        bool was_zero = true;
        gkv_recording_copy(shrink->candidate, shrink->best);
        for (uint32_t i = 0; i < shrink->candidate->draw_count; i++) {
            struct gkv_draw *draw = &shrink->candidate->draws[i];
            if (draw->label == label && draw->value != 0) {
                draw->value = 0;
                was_zero = false;
            }
        }
        is_better = (!was_zero && try_candidate(shrink)) || is_better;
    }
    return is_better;
}

/* ---- Blocks of draws ------------------------------------------------------------------------- */

/* Is a label of this group? A group is what is before the dot; "": every label is of it. */
static bool is_of_group(const char *label, const char *group)
{
    const size_t count = strlen(group);
    return count == 0 || (strncmp(label, group, count) == 0 && label[count] == '.');
}

static uint32_t count_group(const struct gkv_recording *recording, const char *group)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < recording->draw_count; i++) {
        count += is_of_group(recording->labels[recording->draws[i].label], group);
    }
    return count;
}

struct block {
    const char *group;
    uint32_t first; /* among the draws of the group */
    uint32_t count;
    bool is_zeroed; /* else taken out */
};

/* The candidate is the best without a block. False: then it is the best. */
static bool make_without(struct gkv_shrink *shrink, const struct block *block)
{
    struct gkv_recording *candidate = shrink->candidate;
    uint32_t number = 0;
    uint32_t kept = 0;
    bool is_changed = false;
    gkv_recording_copy(candidate, shrink->best);
    for (uint32_t i = 0; i < candidate->draw_count; i++) {
        struct gkv_draw draw = candidate->draws[i];
        if (is_of_group(candidate->labels[draw.label], block->group)) {
            const bool is_in = number >= block->first && number - block->first < block->count;
            number++;
            is_changed = is_changed || (is_in && (draw.value != 0 || !block->is_zeroed));
            if (is_in && !block->is_zeroed) {
                continue;
            }
            draw.value = is_in ? 0 : draw.value;
        }
        candidate->draws[kept++] = draw;
    }
    candidate->draw_count = kept;
    return is_changed;
}

/* Halves, quarters and so on of a group's draws. */
static bool drop_blocks(struct gkv_shrink *shrink, const char *group, bool is_zeroed)
{
    bool is_better = false;
    uint32_t count = count_group(shrink->best, group);
    const uint32_t least = count / BLOCK_COUNT_MAX > 0 ? count / BLOCK_COUNT_MAX : 1;
    for (uint32_t step = count; step >= least && step > 0; step /= 2) {
        struct block block = {.group = group, .count = step, .is_zeroed = is_zeroed};
        while (block.first < count && shrink->tries_left > 0) {
            const bool is_taken = make_without(shrink, &block) && try_candidate(shrink);
            is_better = is_better || is_taken;
            count = is_taken ? count_group(shrink->best, group) : count;
            block.first += is_taken && !is_zeroed ? 0 : step;
        }
    }
    return is_better;
}

/* Write the group of a label. False: it has none, or an earlier label has the same. */
static bool find_group(const struct gkv_recording *recording, uint32_t label,
                       char group[GKV_CHOICE_LABEL_BYTES])
{
    const char *text = recording->labels[label];
    const char *dot = strchr(text, '.');
    if (dot == NULL) {
        return false;
    }
    memcpy(group, text, (size_t)(dot - text));
    group[dot - text] = '\0';
    for (uint32_t i = 0; i < label; i++) {
        if (is_of_group(recording->labels[i], group)) {
            return false;
        }
    }
    return true;
}

/* Stretches of time, which is all that was drawn in them; then every group in turn. */
static bool drop_all_blocks(struct gkv_shrink *shrink, bool is_zeroed)
{
    bool is_better = drop_blocks(shrink, "", is_zeroed);
    for (uint32_t label = 0; label < shrink->best->label_count; label++) {
        char group[GKV_CHOICE_LABEL_BYTES];
        if (find_group(shrink->best, label, group)) {
            is_better = drop_blocks(shrink, group, is_zeroed) || is_better;
        }
    }
    return is_better;
}

/* ---- Single values --------------------------------------------------------------------------- */

static bool try_value(struct gkv_shrink *shrink, uint32_t index, uint64_t value)
{
    gkv_recording_copy(shrink->candidate, shrink->best);
    shrink->candidate->draws[index].value = value;
    return try_candidate(shrink);
}

/* The smallest value of a draw that is smaller in all, if smallness were monotonic. */
static bool lower_value(struct gkv_shrink *shrink, uint32_t index)
{
    uint64_t high = shrink->best->draws[index].value;
    if (high == 0) {
        return false;
    }
    if (try_value(shrink, index, 0)) {
        return true;
    }
    bool is_better = false;
    uint64_t low = 1;
    while (low < high && index < shrink->best->draw_count && shrink->tries_left > 0) {
        const uint64_t middle = low + (high - low) / 2;
        if (try_value(shrink, index, middle)) {
            high = middle;
            is_better = true;
        } else {
            low = middle + 1;
        }
    }
    return is_better;
}

static bool lower_values(struct gkv_shrink *shrink)
{
    bool is_better = false;
    uint32_t seen[GKV_CHOICE_LABEL_COUNT_MAX] = {0};
    for (uint32_t i = 0; i < shrink->best->draw_count && shrink->tries_left > 0; i++) {
        const uint32_t label = shrink->best->draws[i].label;
        if (seen[label]++ < SINGLE_COUNT_MAX) {
            is_better = lower_value(shrink, i) || is_better;
        }
    }
    return is_better;
}

/* ---- All of it ------------------------------------------------------------------------------- */

bool gkv_shrink_run(struct gkv_shrink *shrink, const struct gkv_recording *recording,
                    uint64_t try_count_max)
{
    struct gkv_shrink_size size;
    shrink->tries_left = try_count_max;
    shrink->try_count = 0;
    gkv_recording_copy(shrink->candidate, recording);
    if (!fails(shrink, &size)) {
        return false;
    }
    accept(shrink, &size);
    bool is_better = true;
    while (is_better && shrink->tries_left > 0) {
        is_better = limit_operations(shrink);
        is_better = drop_all_blocks(shrink, false) || is_better;
        is_better = zero_labels(shrink) || is_better;
        is_better = drop_all_blocks(shrink, true) || is_better;
        is_better = lower_values(shrink) || is_better;
    }
    GKV_ASSERT(!shrink->best->is_cut_short);
    return true;
}
