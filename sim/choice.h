/* The one source of every decision that the simulator makes.
 *
 * Model     Labelled draws. The answers come from one of four sources. A generator seeded by the
 *           seed. A recording of an earlier run, or the beginning of one, and the generator after
 *           it. A fuzzer's bytes: as many per draw as its bound needs, and 0 when they are used
 *           up; of no bytes, all answers are 0. An odometer, whose turns are all the answers that
 *           there are. Whatever the source, the draws can be recorded. 0 is always the most benign
 *           choice.
 * Bounds    GKV_CHOICE_LABEL_COUNT_MAX labels. A recording keeps GKV_RECORDING_DRAW_COUNT_MAX
 *           draws and then says that it is cut short.
 * Invariant Equal sources that are asked the same questions give the same answers.
 * Not here  Recordings as files: sim/seedfile.h.
 */
#ifndef GKV_SIM_CHOICE_H
#define GKV_SIM_CHOICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/prng.h"
#include "core/types.h"
#include "io_sim/chance.h"

#define GKV_CHOICE_LABEL_COUNT_MAX 256
#define GKV_CHOICE_LABEL_BYTES 32 /* with the closing zero */
#define GKV_CHOICE_PLACE_COUNT (2 * GKV_CHOICE_LABEL_COUNT_MAX)
#define GKV_RECORDING_DRAW_COUNT_MAX (UINT32_C(1) << 20)

/* ---- Recordings ---- */

struct gkv_draw {
    uint64_t bound; /* UINT64_MAX: not known, as in one read from a file */
    uint64_t value;
    uint32_t label;
};

struct gkv_recording {
    struct gkv_draw *draws;
    uint32_t draw_count;
    uint32_t label_count;
    bool is_cut_short; /* there were more draws than it holds */
    char labels[GKV_CHOICE_LABEL_COUNT_MAX][GKV_CHOICE_LABEL_BYTES];
};

/* NULL: no memory. */
struct gkv_recording *gkv_recording_create(void);
void gkv_recording_destroy(struct gkv_recording *recording);

/* Forget all draws. */
void gkv_recording_clear(struct gkv_recording *recording);

/* The number of a label, which is added if it is new; GKV_CHOICE_LABEL_COUNT_MAX: too many, or too
 * long a name. */
uint32_t gkv_recording_label(struct gkv_recording *recording, const char *label);

void gkv_recording_add(struct gkv_recording *recording, uint32_t label, uint64_t bound,
                       uint64_t value);

/* The bytes that give a recording's answers, if all its bounds are known: as many as there
 * is room for. Returns how many that is. */
size_t gkv_recording_to_bytes(const struct gkv_recording *recording, struct gkv_buffer buffer);

/* ---- Odometers ---- */

#define GKV_ODOMETER_DIGIT_COUNT_MAX 256

/* One digit per draw of a run. Zeroes: before the first run. A run is a function of its answers, so
 * that the same first digits are asked for with the same bounds (asserted). */
struct gkv_odometer {
    uint32_t count;
    uint32_t next;        /* the digit that answers next */
    bool is_wrong;        /* one that was typed in is no answer: 0 was given instead */
    uint32_t wrong_index; /* the first such; only if is_wrong */
    struct {
        uint64_t value;
        uint64_t bound; /* 0: not known yet */
    } digits[GKV_ODOMETER_DIGIT_COUNT_MAX];
};

/* Go on to the next combination of answers; false when that was the last. */
bool gkv_odometer_turn(struct gkv_odometer *odometer);

/* ---- Choices ---- */

/* What is known of a label, found by its address. */
struct gkv_choice_place {
    const char *label;
    uint32_t recorded; /* its number in the recording that is written */
    uint32_t replayed; /* and in the one that answers */
};

enum gkv_choice_source {
    GKV_CHOICE_GENERATOR = 0,
    GKV_CHOICE_RECORDING = 1,
    GKV_CHOICE_BYTES = 2,
    GKV_CHOICE_ODOMETER = 3,
};

struct gkv_choice {
    enum gkv_choice_source source;
    struct gkv_prng prng;
    uint64_t draw_count;
    struct gkv_recording *recording;    /* draws are added to it; NULL: not kept */
    const struct gkv_recording *replay; /* answers */
    uint64_t replay_count;              /* the generator answers from this draw on */
    struct gkv_bytes bytes;             /* those left */
    struct gkv_odometer *odometer;
    bool is_diverged;           /* other questions were asked than recorded */
    uint64_t diverged_at;       /* the draw */
    const char *diverged_label; /* what was asked */
    uint32_t place_count;
    struct gkv_choice_place places[GKV_CHOICE_PLACE_COUNT];
    struct gkv_chance chance; /* this source, as the world draws from it */
};

/* The answers that belong to a seed. The choice must not move afterwards. */
void gkv_choice_init(struct gkv_choice *choice, uint64_t seed);

/* Record all draws from now on; before the first. */
void gkv_choice_record(struct gkv_choice *choice, struct gkv_recording *recording);

/* Answer from a recording, in its order; before the first draw. Where something else is asked, or
 * more, the answer is 0, and so are all that follow. */
void gkv_choice_replay(struct gkv_choice *choice, const struct gkv_recording *recording);

/* The same for its first draw_count draws alone; the generator answers the rest. */
void gkv_choice_replay_first(struct gkv_choice *choice, const struct gkv_recording *recording,
                             uint64_t draw_count);

/* Answer from bytes, which are borrowed; before the first draw. */
void gkv_choice_read(struct gkv_choice *choice, struct gkv_bytes bytes);

/* Answer from an odometer's digits, and add those that it has not got; before the first draw. */
void gkv_choice_enumerate(struct gkv_choice *choice, struct gkv_odometer *odometer);

/* A number in [0, bound); bound > 0. */
uint64_t gkv_choose(struct gkv_choice *choice, const char *label, uint64_t bound);

/* True with a probability of percent out of a hundred; the benign answer is false. */
bool gkv_choose_percent(struct gkv_choice *choice, const char *label, uint32_t percent);

/* A number in [low, high], every order of magnitude (base 2) as likely as another; low > 0. */
uint64_t gkv_choose_log(struct gkv_choice *choice, const char *label, uint64_t low, uint64_t high);

#endif
