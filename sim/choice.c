#include "sim/choice.h"

#include <stddef.h>

#include "core/panic.h"

static uint64_t draw(void *context, const char *label, uint64_t bound)
{
    return gkv_choose(context, label, bound);
}

void gkv_choice_init(struct gkv_choice *choice, uint64_t seed)
{
    *choice = (struct gkv_choice){.chance = {.draw = draw, .context = choice}};
    gkv_prng_init(&choice->prng, seed, 0);
}

uint64_t gkv_choose(struct gkv_choice *choice, const char *label, uint64_t bound)
{
    GKV_ASSERT(label != NULL);
    GKV_ASSERT(bound > 0);
    choice->draw_count++;
    return gkv_prng_below(&choice->prng, bound);
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
