/* Where the made-up world gets its luck: one function that draws a labelled number.
 *
 * Model     Whoever runs the world brings the source (sim/choice.h): a generator, a recording, a
 *           fuzzer's bytes. The label names the decision, so that a recording can be read and
 *           shrunk.
 * Invariant 0 is always the most benign choice: a source of zeroes gives a world without faults.
 */
#ifndef GKV_IO_SIM_CHANCE_H
#define GKV_IO_SIM_CHANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GKV_PPM UINT64_C(1000000) /* probabilities are integers: parts per million */

struct gkv_chance {
    uint64_t (*draw)(void *context, const char *label, uint64_t bound);
    /* NULL, or who answers gkv_chance_happens. Where there is one, both are also asked where there
     * is no choice, so that what is asked does not depend on how a link behaves. */
    bool (*happens)(void *context, const char *label, uint64_t ppm);
    void *context;
};

/* A number in [0, bound); bound > 0. No draw is made where there is no choice. */
static inline uint64_t gkv_chance_below(const struct gkv_chance *chance, const char *label,
                                        uint64_t bound)
{
    return bound <= 1 && chance->happens == NULL ? 0 : chance->draw(chance->context, label, bound);
}

/* True with a probability of ppm parts per million; the benign draw is false unless ppm is a
 * million. */
static inline bool gkv_chance_happens(const struct gkv_chance *chance, const char *label,
                                      uint64_t ppm)
{
    if (chance->happens != NULL) {
        return chance->happens(chance->context, label, ppm);
    }
    if (ppm == 0) {
        return false;
    }
    return gkv_chance_below(chance, label, GKV_PPM) + ppm >= GKV_PPM;
}

#endif
