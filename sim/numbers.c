#include "sim/numbers.h"

#include <string.h>

#include "core/panic.h"

#define PLACE_COUNT_MIN 1024

_Static_assert((GKV_NUMBERS_PLACE_COUNT & (GKV_NUMBERS_PLACE_COUNT - 1)) == 0, "a power of two");
_Static_assert(PLACE_COUNT_MIN <= GKV_NUMBERS_PLACE_COUNT, "room for the smallest");

void gkv_numbers_init(struct gkv_numbers *numbers)
{
    numbers->count = 0;
    numbers->place_count = 0;
}

/* Where a name is, or would be; there is a free place. */
static uint32_t place_of(const struct gkv_numbers *numbers, struct gkv_numbers_name name)
{
    const uint64_t odd = UINT64_C(0x9E3779B97F4A7C15);
    const uint64_t mixed = (name.high * odd + name.low) * odd;
    const uint32_t mask = numbers->place_count - 1;
    uint32_t place = (uint32_t)(mixed >> 32) & mask;
    for (;;) { /* at least half of the places are free */
        const uint32_t number = numbers->places[place];
        if (number == 0 || (numbers->names[number - 1].high == name.high &&
                            numbers->names[number - 1].low == name.low)) {
            return place;
        }
        place = (place + 1) & mask;
    }
}

static void grow(struct gkv_numbers *numbers)
{
    const uint32_t doubled = 2 * numbers->place_count;
    numbers->place_count = doubled == 0 ? PLACE_COUNT_MIN : doubled;
    memset(numbers->places, 0, numbers->place_count * sizeof(numbers->places[0]));
    for (uint32_t number = 0; number < numbers->count; number++) {
        numbers->places[place_of(numbers, numbers->names[number])] = number + 1;
    }
}

uint32_t gkv_numbers_find(const struct gkv_numbers *numbers, struct gkv_numbers_name name)
{
    const uint32_t number = numbers->count == 0 ? 0 : numbers->places[place_of(numbers, name)];
    return number == 0 ? GKV_NUMBERS_NONE : number - 1;
}

uint32_t gkv_numbers_give(struct gkv_numbers *numbers, struct gkv_numbers_name name)
{
    const uint32_t found = gkv_numbers_find(numbers, name);
    if (found != GKV_NUMBERS_NONE || numbers->count == GKV_NUMBERS_COUNT_MAX) {
        return found;
    }
    if (2 * (numbers->count + 1) > numbers->place_count) {
        grow(numbers);
    }
    const uint32_t number = numbers->count++;
    numbers->names[number] = name;
    numbers->places[place_of(numbers, name)] = number + 1;
    GKV_ASSERT(2 * numbers->count <= numbers->place_count);
    return number;
}
