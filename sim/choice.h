/* The one source of every decision that the simulator makes.
 *
 * Model     Labelled draws. The backend is a generator seeded by the seed; recordings and a
 *           fuzzer's bytes fit behind the same function, which is why a draw has a label and why 0
 *           is always the most benign choice.
 * Invariant Equal sources that are asked the same questions give the same answers.
 */
#ifndef GKV_SIM_CHOICE_H
#define GKV_SIM_CHOICE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/prng.h"
#include "io_sim/chance.h"

struct gkv_choice {
    struct gkv_prng prng;
    uint64_t draw_count;
    struct gkv_chance chance; /* this source, as the world draws from it */
};

/* The answers that belong to a seed. The choice must not move afterwards. */
void gkv_choice_init(struct gkv_choice *choice, uint64_t seed);

/* A number in [0, bound); bound > 0. */
uint64_t gkv_choose(struct gkv_choice *choice, const char *label, uint64_t bound);

/* True with a probability of percent out of a hundred; the benign answer is false. */
bool gkv_choose_percent(struct gkv_choice *choice, const char *label, uint32_t percent);

/* A number in [low, high], every order of magnitude (base 2) as likely as another; low > 0. */
uint64_t gkv_choose_log(struct gkv_choice *choice, const char *label, uint64_t low, uint64_t high);

#endif
