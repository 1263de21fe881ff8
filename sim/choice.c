#include "sim/choice.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "core/panic.h"

/* ---- Recordings ------------------------------------------------------------------------------ */

struct gkv_recording *gkv_recording_create(void)
{
    struct gkv_recording *recording = calloc(1, sizeof(*recording));
    if (recording == NULL) {
        return NULL;
    }
    recording->draws = calloc(GKV_RECORDING_DRAW_COUNT_MAX, sizeof(struct gkv_draw));
    if (recording->draws == NULL) {
        free(recording);
        return NULL;
    }
    return recording;
}

void gkv_recording_destroy(struct gkv_recording *recording)
{
    if (recording != NULL) {
        free(recording->draws);
        free(recording);
    }
}

void gkv_recording_clear(struct gkv_recording *recording)
{
    recording->draw_count = 0;
    recording->label_count = 0;
    recording->is_cut_short = false;
}

static uint32_t find_label(const struct gkv_recording *recording, const char *label)
{
    for (uint32_t i = 0; i < recording->label_count; i++) {
        if (strcmp(recording->labels[i], label) == 0) {
            return i;
        }
    }
    return GKV_CHOICE_LABEL_COUNT_MAX;
}

uint32_t gkv_recording_label(struct gkv_recording *recording, const char *label)
{
    const uint32_t found = find_label(recording, label);
    if (found < GKV_CHOICE_LABEL_COUNT_MAX) {
        return found;
    }
    const size_t count = strlen(label);
    if (recording->label_count == GKV_CHOICE_LABEL_COUNT_MAX || count >= GKV_CHOICE_LABEL_BYTES) {
        return GKV_CHOICE_LABEL_COUNT_MAX;
    }
    memcpy(recording->labels[recording->label_count], label, count + 1);
    return recording->label_count++;
}

void gkv_recording_add(struct gkv_recording *recording, uint32_t label, uint64_t bound,
                       uint64_t value)
{
    GKV_ASSERT(label < recording->label_count);
    if (recording->draw_count == GKV_RECORDING_DRAW_COUNT_MAX) {
        recording->is_cut_short = true;
        return;
    }
    recording->draws[recording->draw_count++] =
        (struct gkv_draw){.bound = bound, .value = value, .label = label};
}

/* ---- Bytes ----------------------------------------------------------------------------------- */

/* How many bytes an answer below a bound takes. */
static uint32_t byte_count_of(uint64_t bound)
{
    uint32_t count = 0;
    for (uint64_t most = bound - 1; most > 0; most >>= 8) {
        count++;
    }
    return count;
}

static uint64_t answer_from_bytes(struct gkv_choice *choice, uint64_t bound)
{
    const uint32_t count = byte_count_of(bound);
    uint64_t value = 0;
    for (uint32_t i = 0; i < count && choice->bytes.count > 0; i++) {
        value |= (uint64_t)*choice->bytes.data << (8 * i);
        choice->bytes.data++;
        choice->bytes.count--;
    }
    return value % bound;
}

size_t gkv_recording_to_bytes(const struct gkv_recording *recording, struct gkv_buffer buffer)
{
    size_t used = 0;
    for (uint32_t i = 0; i < recording->draw_count; i++) {
        const struct gkv_draw *kept = &recording->draws[i];
        const uint32_t count = byte_count_of(kept->bound);
        if (count > buffer.capacity - used) {
            break;
        }
        for (uint32_t j = 0; j < count; j++) {
            buffer.data[used++] = (uint8_t)(kept->value >> (8 * j));
        }
    }
    return used;
}

/* ---- Odometers ------------------------------------------------------------------------------- */

bool gkv_odometer_turn(struct gkv_odometer *odometer)
{
    GKV_ASSERT(odometer->next == odometer->count); /* the run asked for every digit */
    odometer->next = 0;
    while (odometer->count > 0) {
        const uint32_t last = odometer->count - 1;
        if (odometer->digits[last].value + 1 < odometer->digits[last].bound) {
            odometer->digits[last].value++;
            return true;
        }
        odometer->count--;
    }
    return false;
}

static uint64_t answer_from_odometer(struct gkv_odometer *odometer, uint64_t bound)
{
    const uint32_t number = odometer->next++;
    GKV_ASSERT(number < GKV_ODOMETER_DIGIT_COUNT_MAX);
    if (number == odometer->count) {
        odometer->digits[number].value = 0;
        odometer->digits[number].bound = bound;
        odometer->count++;
    }
    const uint64_t value = odometer->digits[number].value;
    if (odometer->digits[number].bound == 0) { /* typed in: it may be anything */
        odometer->digits[number].bound = bound;
        if (value >= bound && !odometer->is_wrong) {
            odometer->is_wrong = true;
            odometer->wrong_index = number;
        }
    }
    GKV_ASSERT(odometer->digits[number].bound == bound);
    return value < bound ? value : 0;
}

/* ---- Choices --------------------------------------------------------------------------------- */

static uint64_t draw(void *context, const char *label, uint64_t bound)
{
    return gkv_choose(context, label, bound);
}

void gkv_choice_init(struct gkv_choice *choice, uint64_t seed)
{
    *choice = (struct gkv_choice){.chance = {.draw = draw, .context = choice}};
    gkv_prng_init(&choice->prng, seed, 0);
}

void gkv_choice_record(struct gkv_choice *choice, struct gkv_recording *recording)
{
    GKV_ASSERT(choice->draw_count == 0);
    GKV_ASSERT(recording != choice->replay || recording == NULL);
    choice->recording = recording;
    if (recording != NULL) {
        gkv_recording_clear(recording);
    }
}

void gkv_choice_replay(struct gkv_choice *choice, const struct gkv_recording *recording)
{
    gkv_choice_replay_first(choice, recording, UINT64_MAX);
}

void gkv_choice_replay_first(struct gkv_choice *choice, const struct gkv_recording *recording,
                             uint64_t draw_count)
{
    GKV_ASSERT(choice->draw_count == 0);
    choice->source = GKV_CHOICE_RECORDING;
    choice->replay = recording;
    choice->replay_count = draw_count;
}

void gkv_choice_read(struct gkv_choice *choice, struct gkv_bytes bytes)
{
    GKV_ASSERT(choice->draw_count == 0);
    choice->source = GKV_CHOICE_BYTES;
    choice->bytes = bytes;
}

void gkv_choice_enumerate(struct gkv_choice *choice, struct gkv_odometer *odometer)
{
    GKV_ASSERT(choice->draw_count == 0);
    GKV_ASSERT(odometer->next == 0);
    choice->source = GKV_CHOICE_ODOMETER;
    choice->odometer = odometer;
}

/* What is known of a label. Where a text lies decides only how fast this is. */
static const struct gkv_choice_place *place_of(struct gkv_choice *choice, const char *label)
{
    uint32_t number = (uint32_t)((uintptr_t)label >> 2) % GKV_CHOICE_PLACE_COUNT;
    while (choice->places[number].label != label) {
        struct gkv_choice_place *place = &choice->places[number];
        if (place->label == NULL) {
            GKV_ASSERT(choice->place_count < GKV_CHOICE_LABEL_COUNT_MAX);
            choice->place_count++;
            place->label = label;
            place->replayed = choice->replay == NULL ? 0 : find_label(choice->replay, label);
            place->recorded =
                choice->recording == NULL ? 0 : gkv_recording_label(choice->recording, label);
            break;
        }
        number = (number + 1) % GKV_CHOICE_PLACE_COUNT;
    }
    return &choice->places[number];
}

static uint64_t answer_in_order(struct gkv_choice *choice, uint32_t label, uint64_t bound)
{
    const struct gkv_recording *replay = choice->replay;
    if (choice->is_diverged) {
        return 0;
    }
    if (choice->draw_count < replay->draw_count) {
        const struct gkv_draw *answer = &replay->draws[choice->draw_count];
        if (answer->label == label && answer->value < bound) {
            return answer->value;
        }
    }
    choice->is_diverged = true;
    choice->diverged_at = choice->draw_count;
    return 0;
}

static uint64_t answer_from_recording(struct gkv_choice *choice, const char *label, uint64_t bound)
{
    const uint32_t number = place_of(choice, label)->replayed;
    const uint64_t value = answer_in_order(choice, number, bound);
    if (choice->is_diverged && choice->diverged_at == choice->draw_count) {
        choice->diverged_label = label;
    }
    return value;
}

static uint64_t answer(struct gkv_choice *choice, const char *label, uint64_t bound)
{
    switch (choice->source) {
    case GKV_CHOICE_RECORDING:
        if (choice->draw_count < choice->replay_count) {
            return answer_from_recording(choice, label, bound);
        }
        break;
    case GKV_CHOICE_BYTES:
        return answer_from_bytes(choice, bound);
    case GKV_CHOICE_ODOMETER:
        return answer_from_odometer(choice->odometer, bound);
    case GKV_CHOICE_GENERATOR:
        break;
    }
    return gkv_prng_below(&choice->prng, bound);
}

uint64_t gkv_choose(struct gkv_choice *choice, const char *label, uint64_t bound)
{
    GKV_ASSERT(label != NULL);
    GKV_ASSERT(bound > 0);
    const uint64_t value = answer(choice, label, bound);
    if (choice->recording != NULL) {
        gkv_recording_add(choice->recording, place_of(choice, label)->recorded, bound, value);
    }
    choice->draw_count++;
    return value;
}

bool gkv_choose_percent(struct gkv_choice *choice, const char *label, uint32_t percent)
{
    GKV_ASSERT(percent <= 100);
    return gkv_choose(choice, label, 100) + percent >= 100;
}

uint64_t gkv_choose_log(struct gkv_choice *choice, const char *label, uint64_t low, uint64_t high)
{
    GKV_ASSERT(low > 0);
    GKV_ASSERT(low <= high);
    uint32_t octave_count = 1;
    while (octave_count < 64 && (high >> octave_count) >= low) {
        octave_count++;
    }
    const uint64_t from = low << gkv_choose(choice, label, octave_count);
    const uint64_t to = from <= high / 2 ? 2 * from : high + 1;
    return from + gkv_choose(choice, label, to > from ? to - from : 1);
}
